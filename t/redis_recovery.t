#!/usr/bin/env node
'use strict';

// A session that is lost on one host comes back on another, nginx or Node
// with the streams adapter, with all that was said meanwhile: once, in the
// order that all hosts have.

const { test } = require('./lib/tap');
const { Proxy } = require('./lib/proxy');
const { Redis } = require('./lib/redis');
const { SioRaw } = require('./lib/sio_raw');
const { open, once, ask } = require('./lib/clients');
const { until, within } = require('./lib/wait');

const app = `
  recovery 2m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on name    { set name $.name; ack null; }
    on who     { ack $socket $socket.name; }
    on all     { emit n to lobby with $args; }
    on self    { emit mine to self with $args; ack null; }
    on club    { join club; ack null; }
    on quiet   { emit hush to lobby volatile; }
  }
  namespace /other { authenticate none; on connect { join lobby; }
                     on all { emit n to lobby with $args; } }`;
const params = 'adapter=streams';

let redis, admin, a, b, node;
const sent = { a: 0, b: 0, node: 0 };
const sockets = [];

// What a client got, without the offsets, and the offsets.

async function client(host, { nsp = '/', user = 'ann', ...options } = {}) {
  const socket = open(host, { nsp, auth: { user }, ...options });

  socket.got = [];
  socket.offsets = [];
  socket.onAny((event, ...args) => {
    socket.offsets.push(args.pop());
    socket.got.push([event, ...args]);
  });
  await back(socket, host);
  sockets.push(socket);

  return socket;
}

const back = (socket, host) => within(30000, 'connect',
  new Promise((done, fail) => {
    socket.once('connect', () => done(socket.recovered));
    socket.once('connect_error', fail);
    socket.io.uri = host.url;
    if (!socket.active) {
      socket.connect();
    } else if (!socket.connected && socket.io._readyState === 'closed') {
      socket.io.open();
    }
  }));

// The connection goes, and its host has left the session to all.

async function cut(socket, left = true) {
  const pid = socket._pid;
  const lost = once(socket, 'disconnect');

  socket.io.engine.transport.ws.terminate();
  await lost;
  if (left) {
    await until(() => admin.exists(`sio:session:${pid}`),
                { what: 'the session is left' });
  }
}

const arrived = (socket, ...event) => until(() => socket.got.some((got) =>
  JSON.stringify(got) === JSON.stringify(event)),
  { what: `${event} has arrived` });

// One event from each host; who listens gets them one by one: Node tells its
// own clients what it said before what came before that from others.

async function say(...listeners) {
  const heard = (...event) => Promise.all(listeners.map((socket) =>
    arrived(socket, ...event)));

  node.io.to('lobby').emit('n', 'node', sent.node);
  await heard('n', 'node', sent.node++);
  await a.emit({ event: 'n', to: 'lobby', args: ['a', sent.a] });
  await heard('n', 'a', sent.a++);
  await b.emit({ event: 'n', to: 'lobby', args: ['b', sent.b] });
  await heard('n', 'b', sent.b++);
}

const all = (socket) => Promise.all(Object.entries(sent).map(([name, n]) =>
  arrived(socket, 'n', name, n - 1)));

// When hosts have one order: not while one is away, or has just come.

async function ordered(...sockets) {
  await until(async () => {
    await say();
    await Promise.all(sockets.map(all));
    return sockets.every(({ offsets }) => offsets.slice(-3).every((offset) =>
      /^[1-9]\d*-\d+$/.test(offset)));
  }, { every: 50, what: 'one order' });
}

// All from each host, once, since the first one.

function exact(t, socket) {
  for (const name of Object.keys(sent)) {
    const got = socket.got.filter(([event, from]) => event === 'n'
      && from === name).map(([, , n]) => n);

    t.deepIs(got, Array.from({ length: sent[name] - got[0] },
                             (_, i) => got[0] + i), `all from ${name}`);
  }
}

const call = (host, name, body) => host.get(`/api/${name}`, { method: 'POST',
  agent: host.agent, body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' } });

// A CONNECT with a pid, by hand; the answer, and the events before it.

async function claim(host, pid, offset, { user = 'ann' } = {}) {
  const sio = await SioRaw.connect(host.port, { join: false });
  const before = [];

  await sio.send(`40${JSON.stringify({ user, pid, offset })}`);
  for (;;) {
    const packet = await sio.next();

    if (packet.type === 0) {
      return { sio, before, ...packet.data };
    }
    before.push(packet.data);
  }
}

for (const workers of [1, 4]) {
  const what = (name) => `${name}, ${workers} workers`;
  let ann;

  test(what('hosts are joined'), async () => {
    redis = await Redis.start();
    admin = await redis.client();
    a = await redis.nginx({ app, params, workers });
    b = await redis.nginx({ app, params, workers });
    node = await redis.node({ adapter: 'streams',
      server: { connectionStateRecovery: {} } });
    Object.keys(sent).forEach((name) => { sent[name] = 0; });

    for (const nsp of ['/', '/other']) {
      node.io.of(nsp).on('connection', (socket) => {
        socket.join('lobby');
        socket.on('who', (ack) => ack(socket.id, socket.data.name));
        socket.on('all', (...args) => node.io.of(nsp).to('lobby').emit('n',
          ...args));
      });
    }
    await redis.counted(3, 'streams');
  });

  test(what('who was lost on a host comes back on another'), async (t) => {
    ann = await client(a);
    await ask(ann, 'name', { name: 'Ann' });
    const bob = await client(b);

    await ordered(ann, bob);
    bob.disconnect();
    ann.got = [];
    await say(ann);
    const { id } = ann;

    for (const host of [b, node, a, a, node, node, b]) {
      await cut(ann);
      await say();
      t.is(await back(ann, host), true, 'recovered');
      t.is(ann.id, id);
      t.deepIs(await ask(ann, 'who'), [id, 'Ann']);
      await all(ann);
      await say(ann);
      exact(t, ann);
    }
  });

  test(what('what was said before a client came it has not missed'),
    async (t) => {
      await ordered(ann);
      const older = [...ann.offsets];
      const bob = await client(a, { user: 'bob' });

      await ordered(bob);
      const { id } = bob;

      await cut(bob);
      const { sio, sid, before } = await claim(b, bob._pid, older.at(-9),
                                               { user: 'bob' });

      t.is(sid, id, 'recovered');
      t.deepIs(before.filter((event) => older.includes(event.at(-1))
        && !bob.offsets.includes(event.at(-1))), []);
      sio.close();
    });

  test(what('nor what was said in a room before it joined'), async (t) => {
    const bob = await client(a, { user: 'bob' });
    const said = (host, n) => host.emit({ event: 'n', to: 'club',
                                          args: ['club', n] });

    await ordered(bob);
    await said(a, 0);
    await said(b, 1);
    await ordered(bob);
    const { id } = bob;
    const shown = bob.offsets.at(-9);

    await ask(bob, 'club');
    await said(b, 2);
    await arrived(bob, 'n', 'club', 2);
    await cut(bob);
    await said(a, 3);

    const { sio, sid, before } = await claim(b, bob._pid, shown,
                                             { user: 'bob' });
    const club = before.filter(([, where]) => where === 'club');

    while (club.length < 2) {
      const { data } = await sio.next();

      club.push(...[data].filter(([, where]) => where === 'club'));
    }
    t.is(sid, id, 'recovered');
    t.deepIs(club.map(([, , n]) => n), [2, 3]);
    sio.close();
  });

  test(what('what a host says to one, or not at any price, is no hindrance'),
    async (t) => {
      await cut(ann);
      await back(ann, a);
      const { length } = ann.got;

      // what is volatile Node gives to all who come back

      for (const hosts of [[a, node, b], [a, b, a]]) {
        await ask(ann, 'self', 1);
        await ask(ann, 'self', 2);
        if (hosts[1] !== node) {
          ann.emit('quiet');
          await arrived(ann, 'hush');
        }
        for (const host of hosts) {
          await cut(ann);
          t.is(await back(ann, host), true, 'recovered');
        }
        await say(ann);
      }
      t.deepIs(ann.got.slice(length).map(([event]) => event), ['mine', 'mine',
        'n', 'n', 'n', 'mine', 'mine', 'hush', 'n', 'n', 'n'], 'once each');
    });

  test(what('binary, and another namespace'), async (t) => {
    const bob = await client(b, { nsp: '/other' });
    const bytes = Buffer.from([0, 1, 254]);

    bob.emit('all', 'x', bytes);
    await until(() => bob.got.length === 1);
    for (const host of [a, node, b]) {
      await cut(bob);
      await cut(ann);
      const length = await admin.xLen('socket.io');

      node.io.of('/other').emit('n', 'y', { deep: bytes });
      await until(async () => await admin.xLen('socket.io') > length);
      await a.emit({ namespace: '/other', event: 'n', args: ['z'] });
      t.is(await back(bob, host), true);
      t.is(await back(ann, host), true);
      await until(() => bob.got.some(([, name]) => name === 'z'));
      t.deepIs(bob.got.splice(0).slice(-2), [['n', 'y', { deep: bytes }],
                                             ['n', 'z']]);
    }
    bob.disconnect();
    exact(t, ann);
  });

  test(what('all clients of nginx have the same order'), async (t) => {
    const some = await Promise.all([a, b, a, b, a].map((host) =>
      client(host)));
    let busy = true, turn = 0;
    const start = sent.a;
    const pump = (async () => {
      while (busy) {
        await say();
      }
    })();

    while (sent.a < start + 50 || turn < 8) {
      const socket = some[turn % 3];

      await until(() => socket.got.length > 0);
      await cut(socket);
      t.is(await back(socket, [b, a][turn++ % 2]), true);
    }
    busy = false;
    await pump;
    some.push(ann);
    await Promise.all(some.map(all));

    const text = (socket) => socket.got.filter(([event]) => event === 'n')
      .map((event) => event.join()).slice(-100);

    for (const socket of some) {
      exact(t, socket);
      t.deepIs(text(socket), text(ann));
    }
    some.forEach((socket) => socket !== ann && socket.disconnect());
  }, 60000);

  test(what('a session is given back once, to its owner'), async (t) => {
    const { id, _pid: pid, _lastOffset: offset } = ann;

    await cut(ann);
    for (const host of [a, b]) {
      const eve = await claim(host, pid, offset, { user: 'eve' });
      const nobody = await claim(host, 'KpNAQ8JKAzx8708NvAAB', offset);

      t.ok(eve.sid !== id, 'another user is a new client');
      t.ok(nobody.sid !== id, 'who was never there, too');
      eve.sio.close();
      nobody.sio.close();
    }

    const got = await Promise.all([a, b, a, b, a, b].map((host) =>
      claim(host, pid, offset)));

    t.is(got.filter(({ sid }) => sid === id).length, 1, 'one of six');
    got.forEach(({ sio }) => sio.close());
  });

  // A host that is far from Redis has read it, and takes it a while later.

  test(what('what was taken and left again is not taken as it was before'),
    async (t) => {
      const proxy = await Proxy.start(redis.port, { delay: 200 });
      const far = await redis.nginx({ app, params, workers,
                                      address: `127.0.0.1:${proxy.port}` });
      const reads = async () => Number(/cmdstat_get:calls=(\d+)/.exec(
        await admin.info('commandstats'))?.[1] || 0);
      let first = null;

      for (let n = 0; n < 10 && !first; n++) {
        const bob = await client(a, { user: 'bob' });

        await ordered(bob);
        const { id, _pid: pid, _lastOffset: offset } = bob;

        await cut(bob);
        const before = await reads();
        const slow = claim(far, pid, offset, { user: 'bob' });

        await until(async () => await reads() > before, { every: 5 });
        const fast = await claim(b, pid, offset, { user: 'bob' });

        fast.sio.close();
        if (fast.sid === id) {
          await until(() => admin.exists(`sio:session:${pid}`),
                      { what: 'it is left again' });
          first = { id, pid, offset };
        }

        const late = await slow;

        late.sio.close();
        t.ok(late.sid !== id || fast.sid !== id, 'one of them has it');
      }

      t.ok(first, 'the near host was first');
      const { sio, sid } = await claim(b, first.pid, first.offset,
                                       { user: 'bob' });

      t.is(sid, first.id, 'it is there for the next one');
      sio.close();
      await far.stop();
      proxy.stop();
    }, 60000);

  test(what('a host that is new has it all from the stream'), async (t) => {
    const bob = await client(a, { user: 'bob' });
    const carl = await client(node, { user: 'carl' });

    await ordered(bob, carl);
    await say(bob, carl);
    bob.got = [];
    carl.got = [];
    await say(bob, carl);
    const { id } = bob;

    await cut(bob);
    await cut(carl);
    for (let i = 0; i < 100; i++) {
      await say();
    }
    await a.emit({ event: 'other', to: 'elsewhere' });

    const late = await redis.nginx({ app, params, workers });

    t.is(await back(bob, late), true, 'recovered');
    t.is(bob.id, id);
    t.is(await back(carl, late), true, 'also what Node has left');
    await Promise.all([bob, carl].map(all));
    await say(bob, carl);
    exact(t, bob);
    exact(t, carl);
    t.is(bob.got.length, 2 * 3 + 300);

    // what neither a log nor the stream has any more

    await cut(bob);
    await say();
    await admin.xTrim('socket.io', 'MAXLEN', 1);
    const later = await redis.nginx({ app, params, workers });

    t.is(await back(bob, later), false);
    t.ok(bob.id !== id);
    bob.disconnect();
    carl.disconnect();
    await later.stop();
    await late.stop();
  }, 60000);

  test(what('who was put out while away is a new client'), async (t) => {
    const bob = await client(a, { user: 'bob' });
    const eve = await client(b, { user: 'eve' });

    await ordered(bob, eve);
    const { id } = bob;

    await cut(bob);
    await call(a, 'disconnect', { user: 'bob' });
    await say(eve);
    t.is(await back(bob, b), false);
    t.ok(bob.id !== id);
    bob.disconnect();
    eve.disconnect();
  });

  test(what('what is said before one is put out arrives'), async (t) => {
    const bob = await client(a, { user: 'bob' });

    await ordered(bob);
    bob.got = [];
    const gone = once(bob, 'disconnect');

    await a.emit({ event: 'bye', user: 'bob' });
    await call(a, 'disconnect', { user: 'bob' });
    await gone;
    t.deepIs(bob.got, [['bye']]);
  });

  test(what('Redis hangs, and is away'), async (t) => {
    const bob = await client(a, { user: 'bob' });
    const eve = await client(b, { user: 'eve' });

    await ordered(bob, eve);
    bob.got = [];
    eve.got = [];

    redis.pause();
    await a.emit({ event: 'hung', to: 'lobby', args: [1] });
    await arrived(bob, 'hung', 1);
    await a.emit({ event: 'hung', to: 'lobby', args: [2] });
    await arrived(bob, 'hung', 2);

    // the host's own record is there, for its own clients

    const { id } = bob;

    await cut(bob, false);
    await a.emit({ event: 'hung', to: 'lobby', args: [3] });
    t.is(await back(bob, a), true, 'recovered on its host');
    t.is(bob.id, id);
    await arrived(bob, 'hung', 3);
    t.deepIs(eve.got, [], 'others cannot know');

    redis.resume();
    await Promise.all([1, 2, 3].map((n) => arrived(eve, 'hung', n)));
    await Promise.all([a, b].map(Redis.joined));
    await ordered(bob, eve);

    for (const socket of [bob, eve]) {
      t.deepIs(socket.got.filter(([event]) => event === 'hung'),
               [['hung', 1], ['hung', 2], ['hung', 3]], 'once, in order');
    }
    await cut(bob);
    t.is(await back(bob, b), true, 'and on another one');

    await redis.kill();
    await until(async () => (await a.status()).total.redis.publishers === 0);
    await a.emit({ event: 'dead', to: 'lobby' });
    await cut(eve, false);
    t.is(await back(eve, a), false, 'a new client elsewhere');
    await a.emit({ event: 'dead', to: 'lobby', args: [2] });
    await arrived(eve, 'dead', 2);
    await redis.run();
    await Promise.all([a, b].map(Redis.joined));
  }, 60000);

  test(what('a worker is killed'), async (t) => {
    const bob = await client(a, { user: 'carl' });

    await ordered(bob);
    const { id } = bob;
    const lost = once(bob, 'disconnect');

    (await a.status()).workers.forEach(({ pid }) => a.kill(pid));
    await lost;
    await until(() => back(bob, a).then(() => true, () => false));
    t.is(bob.recovered, true);
    t.is(bob.id, id);
  });

  // 2 seconds are allowed for clocks: what is older than that is no matter

  test(what('a reload with another time does not move what was revoked'),
    async (t) => {
      const [bob, carl] = await Promise.all(['bob', 'carl'].map((user) =>
        client(a, { user })));
      const eve = await client(b, { user: 'eve' });
      const before = b.options.app;
      const recovery = (time) => b.reload({
        app: before.replace('recovery 2m', `recovery ${time}`) });
      const put_out = async (user) => {
        await call(a, 'leave', { user, rooms: 'club' });
        await say(eve);

        return Date.now();
      };
      const same = async ({ _pid, _lastOffset }, user, id) => {
        const { sio, sid } = await claim(b, _pid, _lastOffset, { user });

        sio.close();
        return sid === id;
      };

      await ordered(bob, carl, eve);
      const at = await put_out('carl');
      const ids = [bob.id, carl.id];

      await cut(bob);
      await put_out('bob');
      await recovery('10m');
      t.is(await same(bob, 'bob', ids[0]), false, 'who was away');
      await recovery('1m');
      await until(() => Date.now() > at + 3000);
      await ordered(carl);
      await cut(carl);
      t.is(await same(carl, 'carl', ids[1]), true, 'who was there');
      await recovery('2m');
    }, 60000);

  test(what('hosts end'), async () => {
    sockets.splice(0).forEach((socket) => socket.disconnect());
    await a.stop();
    await b.stop();
  });
}
