#!/usr/bin/env node
'use strict';

// Connection state recovery with stock clients: who comes back is who he was,
// and gets what he missed, once and in order.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { open, connect, once, ask } = require('./lib/clients');
const { until, within } = require('./lib/wait');

const app = `
  zone 24m;
  recovery 2m;
  mailbox;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect {
      join lobby;
      emit hello to self with $auth.user;
    }
    on disconnect { emit gone to watch with $reason; }
    on join    { join $.room; ack null; }
    on leave   { leave $.room; ack null; }
    on name    { set name $.name; ack null; }
    on who     { ack $socket $socket.name $user; }
    on rooms   { ack true; }
    on self    { emit mine to self; ack null; }
    on say     { emit said to $.room except $.but with $.text; ack null; }
    on tell    { emit said to lobby; }
    on move    { emit moved to lobby volatile; ack null; }
    on mail    { emit letter to user:$.to mailbox with $.text; ack null; }
  }
  namespace /other { authenticate none; on connect { join lobby; } }`;

let site, raws = [];

const emit = async (room, data, more) => {
  const { status, body } = await site.ngx.emit({ event: 'n', to: room, data,
                                                 ...more });
  if (status !== 200) {
    throw new Error(JSON.stringify(body));
  }
};

const total = async () => (await site.ngx.status()).total.recovery;

// A client that keeps what it gets, without the offsets.

async function client(user, { place = 0, ...options } = {}) {
  const socket = open(site.ngx, { auth: { user }, agent: site.agent(place),
                                  ...options });
  socket.got = [];
  socket.onAny((event, ...args) => {
    if (args.length && typeof args[args.length - 1] === 'string') {
      args.pop();
    } else {
      socket.bare = event;
    }
    socket.got.push([event, ...args]);
  });
  await again(socket);

  return socket;
}

// A connection with a pid, by hand: what CONNECT was answered with, and the
// events that came before.

async function ask_for(pid, offset, { user = 'ann', place = 0, nsp = '/',
                                      more } = {}) {
  const sio = await site.sio(place, { join: false });
  raws.push(sio);
  const before = [];

  await sio.send(`40${nsp === '/' ? '' : `${nsp},`}`
    + JSON.stringify({ user, pid, offset, ...more }));
  for (;;) {
    const packet = await sio.next();

    if (packet.type === 0) {
      return { sio, before, ...packet.data };
    }
    before.push(packet.data.slice(0, -1));
  }
}

const again = (socket) => within(30000, 'connect', new Promise((done, fail) => {
  socket.once('connect', done);
  socket.once('connect_error', fail);
  if (!socket.active) {
    socket.connect();
  } else if (!socket.io._reconnecting) {
    socket.io.open();
  }
}));

// The connection goes, as by a broken network.

async function cut(socket) {
  const lost = once(socket, 'disconnect');
  const { transport } = socket.io.engine;
  const before = await site.count('all');

  if (transport.ws) {
    transport.ws.terminate();
  } else {
    socket.io.engine.close();
  }
  await lost;
  await until(async () => await site.count('all') < before,
              { what: 'the server knows' });
}

const numbers = (socket) => socket.got.filter(([event]) => event === 'n')
  .map(([, n]) => n);
const range = (from, to) => Array.from({ length: to - from + 1 },
                                       (_, i) => from + i);
const arrived = (socket, n) => until(() => numbers(socket).includes(n),
                                     { what: `${n} has arrived` });

for (const workers of [1, 4]) {
  for (const transport of ['websocket', 'polling']) {
    const what = `${transport}, ${workers} workers`;

    test(`${what}: what was missed comes first, in order`, async (t) => {
      if (!site || site.workers !== workers) {
        site = await Site.start({ workers, app,
          main: 'worker_shutdown_timeout 1s;' });
      }
      const socket = await client('ann', { transport });
      const { id } = socket;

      t.is(socket.recovered, false);
      await ask(socket, 'join', { room: 'a' });
      await ask(socket, 'name', { name: 'Ann' });
      await emit('a', 1);
      await arrived(socket, 1);
      await cut(socket);
      for (let n = 2; n <= 6; n++) {
        await emit(n % 2 ? 'a' : 'lobby', n);
        await emit('b', -n);
      }
      await again(socket);
      t.is(socket.recovered, true);
      t.is(socket.id, id);
      await emit('a', 7);
      await arrived(socket, 7);
      t.deepIs(numbers(socket), range(1, 7));
      t.deepIs(await ask(socket, 'who'), [id, 'Ann', 'ann']);
      t.deepIs(socket.got.filter(([event]) => event === 'hello').length, 1,
               'on connect ran again');
      socket.disconnect();
    });
  }
  const what = (text) => `${text}, ${workers} workers`;

  test(what('a reload and a killed worker are no loss'), async (t) => {
    const sockets = await Promise.all([0, 1, 2, 3].map((place) =>
      client(`u${place}`, { place })));
    let n = 0;
    const send = async (count) => {
      for (const end = n + count; n < end;) {
        await emit('lobby', ++n);
      }
    };

    await send(10);
    for (const socket of sockets) {
      socket.io.reconnection(true);
      socket.io.reconnectionDelay(10);
      socket.io.reconnectionDelayMax(100);
    }
    const ids = sockets.map(({ id }) => id);
    await site.ngx.reload();
    await send(10);
    await until(() => !site.ngx.oldWorkers().length, { what: 'old ones end' });
    await until(() => sockets.every(({ connected }) => connected),
                { what: 'all are back' });
    await send(10);
    for (const pid of site.ngx.workers()) {
      site.ngx.kill(pid);
    }
    await until(() => site.ngx.workers().length === workers
                && site.ngx.answers(), { what: 'new workers' });
    await until(() => sockets.every(({ connected }) => connected),
                { what: 'all are back again' });
    await send(10);
    for (const socket of sockets) {
      await arrived(socket, n);
      t.deepIs(numbers(socket), range(1, n));
      t.is(socket.recovered, true);
    }
    t.deepIs(sockets.map(({ id }) => id), ids);
    sockets.forEach((socket) => socket.disconnect());
    site.agents.forEach((agent) => agent.destroy());
    site.agents.clear();
  });

  test(what('rooms, except, self, mail and volatile events'), async (t) => {
    const ann = await client('ann');
    const bob = await client('bob', { place: 1 });
    await ask(ann, 'join', { room: 'c' });
    await ask(bob, 'join', { room: 'c' });
    ann.got.length = 0;
    await cut(ann);
    await ask(bob, 'say', { room: 'c', but: 'nobody', text: 1 });
    await ask(bob, 'say', { room: 'c', but: 'user:ann', text: 2 });
    await ask(bob, 'say', { room: 'd', but: 'nobody', text: 3 });
    await ask(bob, 'say', { room: 'user:ann', but: 'c', text: 4 });
    await ask(bob, 'say', { room: ann.id || 'x', but: 'nobody', text: 5 });
    await ask(bob, 'move', {});
    await ask(bob, 'mail', { to: 'ann', text: 6 });
    await ask(bob, 'say', { room: 'user:ann', but: 'nobody', text: 7 });
    await again(ann);
    t.is(ann.recovered, true);
    await until(() => ann.got.some(([event]) => event === 'letter'),
                { what: 'the letter' });
    t.deepIs(ann.got, [['said', 1], ['said', 7], ['letter', 6]]);
    t.is(ann.bare, undefined, 'an event had no offset');
    t.is(bob.bare, undefined, 'an event had no offset');
    ann.disconnect();
    bob.disconnect();
  });

  test(what('binary events come with their bytes'), async (t) => {
    const ann = await client('ann');
    const bob = await client('bob', { place: 1 });
    await ask(ann, 'join', { room: 'e' });
    await cut(ann);
    ann.got.length = 0;
    const bytes = Buffer.from([1, 2, 3, 250]);
    await ask(bob, 'say', { room: 'e', but: 'nobody', text: bytes });
    bob.emit('tell', bytes, 'text', Buffer.alloc(70000, 7));
    await ask(bob, 'say', { room: 'e', but: 'nobody', text: 'end' });
    await again(ann);
    t.is(ann.recovered, true);
    t.deepIs(ann.got, [['said', bytes],
                       ['said', bytes, 'text', Buffer.alloc(70000, 7)],
                       ['said', 'end']]);
    ann.disconnect();
    bob.disconnect();
  });

  test(what('each namespace for itself'), async (t) => {
    const ann = await client('ann');
    const other = ann.io.socket('/other', {});
    const got = [];
    other.on('n', (n) => got.push(n));
    await once(other, 'connect');
    await emit('lobby', 1, { namespace: '/other' });
    await until(() => got.length === 1, { what: 'the first' });
    const ids = [ann.id, other.id];
    await cut(ann);
    await emit('lobby', 2, { namespace: '/other' });
    await emit('lobby', 3);
    await Promise.all([again(ann), once(other, 'connect')]);
    t.deepIs([ann.id, other.id], ids);
    t.ok(ann.recovered && other.recovered);
    await until(() => got.length === 2 && numbers(ann).length === 1,
                { what: 'both have all' });
    t.deepIs([got, numbers(ann)], [[1, 2], [3]]);
    ann.disconnect();
    other.disconnect();
  });

  test(what('who may not be recovered is new'), async (t) => {
    const ann = await client('ann');
    const { id, _pid: pid } = ann;
    t.ok(/^[\w-]{20}$/.test(pid) && pid !== id);
    const live = await ask_for(pid);
    t.ok(live.sid !== id && live.pid !== pid, 'it was connected');
    await cut(ann);
    const refused = (await total()).refused;
    const lies = [[pid, undefined, { user: 'bob' }], ['x'.repeat(20)],
      [pid, undefined, { nsp: '/other' }], [7], [pid, 7], [pid, ''], ['', ''],
      [pid, 'zzzzzzzzz'], [pid, '*********'], [pid, 'x'.repeat(1000)]];
    for (const [one, offset, options] of lies) {
      const { sid, pid: fresh, before } = await ask_for(one, offset, options);
      t.ok(sid !== id && fresh !== pid && fresh.length === 20);
      t.is(before.length, 0);
    }
    t.is((await total()).refused, refused + lies.length);
    await emit('lobby', 1);
    const first = await ask_for(pid, undefined, { place: 1 });
    t.deepIs([first.sid, first.pid], [id, pid]);
    t.deepIs(first.before, [['hello', 'ann'], ['n', 1]]);
    const second = await ask_for(pid);
    t.ok(second.sid !== id && second.pid !== pid, 'restored twice');
    first.sio.close();
  });

  test(what('of many who ask at once one gets it'), async (t) => {
    const ann = await client('ann');
    const { id, _pid: pid } = ann;
    await cut(ann);
    const all = await Promise.all(range(0, 15).map((place) =>
      ask_for(pid, undefined, { place })));
    t.is(all.filter(({ sid }) => sid === id).length, 1);
    t.is(all.filter((one) => one.pid === pid).length, 1);
    t.is(new Set(all.map(({ sid }) => sid)).size, 16);
    all.forEach(({ sio }) => sio.close());
  });

  test(what('who left, or was put out, does not come back'), async (t) => {
    const ann = await client('ann');
    const { id, _pid: pid } = ann;
    ann.disconnect();
    await until(async () => (await ask_for(pid)).sid !== id,
                { what: 'it is gone' });
    const bob = await client('bob');
    const { id: bobs, _pid: his } = bob;
    await site.ngx.get('/api/disconnect', { method: 'POST',
      body: JSON.stringify({ user: 'bob' }) });
    await until(() => !bob.connected, { what: 'bob is out' });
    t.ok((await ask_for(his, undefined, { user: 'bob' })).sid !== bobs);
  });

  test(what('what a user was put out of is not given back'), async (t) => {
    const call = (name, message) => site.ngx.get(`/api/${name}`,
      { method: 'POST', body: JSON.stringify(message) });
    const gone = async (user, meanwhile, { lose = cut, room } = {}) => {
      const socket = await client(user);
      const { id } = socket;
      if (room) {
        await ask(socket, 'join', { room });
      }
      await lose(socket);
      t.is((await meanwhile(user, id)).status, 200);
      await emit('vip', 1);
      await again(socket);
      t.ok(!socket.recovered && socket.id !== id, 'it is another one');
      await emit('vip', 2);
      await emit('lobby', 3);
      await arrived(socket, 3);
      t.deepIs(numbers(socket), [3]);
      socket.disconnect();
    };
    const leave = (user) => call('leave', { user, rooms: ['vip'] });
    const killed = async (socket) => {
      const lost = once(socket, 'disconnect');
      site.ngx.kill(site.ngx.workers()[0]);
      await lost;
      await until(() => site.ngx.workers().length === workers
                  && site.ngx.answers(), { what: 'a new worker' });
      site.agents.forEach((agent) => agent.destroy());
      site.agents.clear();
    };

    await gone('cid', leave, { room: 'vip' });
    await gone('dan', (user) => call('disconnect', { user }), { room: 'vip' });
    await call('join', { user: 'eve', rooms: ['vip'], ttl: 3600 });
    await gone('eve', leave);
    await call('join', { user: 'fay', rooms: ['vip'], ttl: 2 });
    await gone('fay', async () => {
      await until(async () => !(await site.ngx.status()).zone.store.grant,
                  { what: 'the grant has ended' });
      return { status: 200 };
    });
    await gone('gus', leave, { room: 'vip', lose: killed });

    // by a room that they were in, or their ids

    const to_vip = () => call('leave', { to: 'vip', rooms: ['vip'] });

    await gone('joe', to_vip, { room: 'vip' });
    await gone('kim', () => call('disconnect', { to: 'vip' }),
               { room: 'vip' });
    await gone('leo', (user, socket) => call('disconnect', { socket }),
               { room: 'vip', lose: killed });
    await gone('mia', () => call('leave', { rooms: ['vip'] }),
               { room: 'vip' });

    // its worker hears first that it is lost, and then that it is to leave

    if (workers > 1) {
      const pid = site.ngx.workers()[0];
      let before;
      await gone('hal', async (user) => {
        const answer = await leave(user);
        process.kill(pid, 'SIGCONT');
        await until(async () => await site.count('all') < before,
                    { what: 'the server knows' });
        return answer;
      }, { room: 'vip', lose: async (socket) => {
        const lost = once(socket, 'disconnect');
        before = await site.count('all');
        process.kill(pid, 'SIGSTOP');
        socket.io.engine.transport.ws.terminate();
        await lost;
      } });
    }

    const ida = await client('ida');
    await leave('ida');
    await cut(ida);
    await leave('somebody');
    await to_vip();
    await again(ida);
    t.is(ida.recovered, true, 'whoever was there when it was done comes back');
    ida.disconnect();
  });

  test(what('rooms joined late change nothing of what was said'), async (t) => {
    const ann = await client('ann');
    await emit('late', 1);
    await emit('lobby', 2);
    await emit('lobby', 3, { except: 'late' });
    await ask(ann, 'join', { room: 'late' });
    await emit('lobby', 4, { except: 'late' });
    await emit('late', 5);
    const { id, _pid: pid } = ann;
    await arrived(ann, 5);
    await cut(ann);
    const { before, sid, sio } = await ask_for(pid);
    t.is(sid, id);
    t.deepIs(before, [['hello', 'ann'], ['n', 2], ['n', 3], ['n', 5]]);
    sio.close();
  });

  test(what('nothing is left'), async (t) => {
    raws.splice(0).forEach((sio) => sio.close());
    await site.empty();
    await until(async () => (await site.ngx.status()).total.sockets === 0,
                { what: 'no socket' });
    t.is((await site.ngx.status()).total.drops.recovery, 0);
    await site.ngx.stop();
  });
}

test('the log goes back as far as there is room', async (t) => {
  site = await Site.start({ workers: 2, app: `
    zone 4m;
    recovery 2m;
    namespace / { authenticate insecure user=$auth.user;
                  on connect { join lobby; } }` });
  const { log } = (await site.ngx.status()).zone;
  const ann = await client('ann');
  const bob = await client('bob');
  const [a, b] = [ann, bob].map(({ id, _pid: pid }) => ({ id, pid }));
  await cut(ann);
  await cut(bob);
  const text = 'x'.repeat(8000);
  const fits = Math.floor(log.size / 8400);
  for (let n = 0; n < fits / 2; n++) {
    await emit('lobby', text);
  }
  const { sid, before } = await ask_for(a.pid);
  t.is(sid, a.id);
  t.is(before.length, Math.ceil(fits / 2));
  for (let n = 0; n < fits; n++) {
    await emit('elsewhere', text);
  }
  const late = await ask_for(b.pid, undefined, { user: 'bob' });
  t.ok(late.sid !== b.id, 'it has missed more than there is');
  t.ok((await site.ngx.status()).zone.log.events < 2 * fits);
});

test('an end comes, and a worker without recovery', async (t) => {
  const app = (more) => `
    zone 8m;
    ${more}
    namespace / { authenticate insecure user=$auth.user;
                  on connect { join lobby; emit hello to self with 1; } }`;
  site = await Site.start({ workers: 2, app: app('recovery 1s;') });
  const { id, _pid: pid, ...ann } = await client('ann');
  ann.io.engine.close();
  await until(async () => !(await site.ngx.status()).zone.store.recovery,
              { what: 'the record has ended' });
  t.ok((await ask_for(pid)).sid !== id);
  raws.splice(0).forEach((sio) => sio.close());
  await site.ngx.reload({ app: app('') });
  const sio = await site.sio(0, { join: false });
  await sio.send(`40${JSON.stringify({ user: 'ann', pid })}`);
  t.deepIs(Object.keys((await sio.next()).data), ['sid']);
  t.deepIs((await sio.next()).data, ['hello', 1]);
  await emit('lobby', 2);
  t.deepIs((await sio.next()).data, ['n', 2]);
  sio.close();
});
