'use strict';

// What every adapter does alike: two nginx hosts and two of Node's servers in
// one cluster, and calls from each side.
//
//   const hosts = clusterScenario({ workers, adapter: 'sharded' });
//
// adapter: as nginx and Redis.node() have it.  hosts is filled by the first
// test: { redis, a, b, c, d }, a and b nginx, c and d Node.

const { test } = require('./tap');
const { Redis } = require('./redis');
const { connect, once, ask } = require('./clients');
const { until } = require('./wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;

    on join   { join $data; ack null; }
    on leave  { leave $data; ack null; }
    on in     { check in $data; ack null '"yes"'; }
    on all    { emit got to all except self with $args; }
    on room   { emit got to $.room except self with $.what; }
    on pair   { emit got to $.a $.b except self $.not with $.what; }
  }
  namespace ~^/tenant-\\d+$ {
    authenticate none;
    on connect { join x; }
    on all     { emit got to x except self with $args; }
  }`;

// What a client got before it got the mark.

function collect(socket, mark) {
  const got = [];

  return new Promise((done) => socket.on('got', (...args) => {
    if (args[0] === mark) {
      socket.off('got');
      done(got);
    } else {
      got.push(args.length > 1 ? args : args[0]);
    }
  }));
}

// A server of Node does what the rules of nginx do.

function behave(io, nsp = '/') {
  io.of(nsp).on('connection', (socket) => {
    socket.on('join', (room, done) => { socket.join(room); done(null); });
    socket.on('in', (room, done) =>
      done(null, socket.rooms.has(room) ? 'yes' : 'no'));
    socket.on('all', (...args) => socket.broadcast.emit('got', ...args));
    socket.on('room', ({ room, what }) => socket.to(room).emit('got', what));
    socket.on('pair', ({ a, b, not, what }) =>
      socket.to([a, b]).except(not).emit('got', what));
  });
}

const sorted = (list) => [...list].sort();
const is_in = async (socket, room) =>
  (await ask(socket, 'in', room))[1] === 'yes';

function clusterScenario({ workers, adapter, params = '', options = {} }) {
  const fact = (text, run) =>
    test(`${[adapter, ...Object.values(options)].join(' ')}: ${text}, `
      + `workers: ${workers}`, run);
  const hosts = {};
  const by_room = adapter === 'sharded'
    && options.subscriptionMode !== 'static';
  let all;

  // When others hear a room that has just come up here, or gone.

  const heard = async (room, n) => {
    if (by_room) {
      const client = await redisClient();

      await until(async () => (await client.sendCommand(['PUBSUB',
        'SHARDNUMSUB', `socket.io#/#${room}#`]))[1] === n,
        { what: `${n} hosts listen to ${room}` });
    }
  };
  const redisClient = async () =>
    (hosts.client ??= await hosts.redis.client());
  const join = async (room, ...sockets) => {
    for (const socket of sockets) {
      await ask(socket, 'join', room);
    }
  };
  const call = (name, body) => hosts.a.get(`/api/${name}`, { method: 'POST',
    body: JSON.stringify(body), agent: hosts.a.agent });

  fact('hosts are joined', async (t) => {
    const redis = hosts.redis = await Redis.start();

    params = `adapter=${adapter} ${params}`;
    hosts.a = await redis.nginx({ app, workers, params });
    hosts.b = await redis.nginx({ app, workers, params });
    hosts.c = await redis.node({ adapter, ...options });
    hosts.d = await redis.node({ adapter, ...options });

    for (const { io } of [hosts.c, hosts.d]) {
      behave(io);
      io.of('/tenant-1').on('connection', (socket) => socket.join('x'));
    }

    await redis.counted(4, adapter);
    all = await Promise.all([hosts.a, hosts.b, hosts.c, hosts.d].map(
      (host, i) => connect(host, { auth: { name: `u${i}` } })));
    t.ok(true);
  });

  fact('a broadcast reaches every host once, its sender not', async (t) => {
    for (const [i, sender] of all.entries()) {
      const others = all.filter((socket) => socket !== sender);
      const lists = others.map((socket) => collect(socket, `end ${i}`));
      const self = [];

      sender.on('got', (...args) => self.push(args));
      sender.emit('all', 1, 'two', { three: [3, null, true], x: 1.5 });
      sender.emit('all', { blob: Buffer.from([1, 2, 3]) }, Buffer.from('x'));
      sender.emit('all', `end ${i}`);

      for (const list of await Promise.all(lists)) {
        t.deepIs(list, [[1, 'two', { three: [3, null, true], x: 1.5 }],
          [{ blob: Buffer.from([1, 2, 3]) }, Buffer.from('x')]]);
      }
      t.deepIs(self, []);
      sender.off('got');
    }
  });

  fact('rooms, several rooms, except', async (t) => {
    await join('r1', ...all);
    await join('r2', all[1], all[3]);
    await heard('r1', 4);
    await heard('r2', 2);

    for (const [i, sender] of all.entries()) {
      const others = all.filter((socket) => socket !== sender);
      const lists = others.map((socket) => collect(socket, `end ${i}`));

      sender.emit('room', { room: 'r1', what: 'one' });
      sender.emit('room', { room: 'nobody', what: 'none' });
      sender.emit('room', { room: 'r2', what: 'two' });
      sender.emit('pair', { a: 'r1', b: 'r2', not: 'r2', what: 'but' });
      sender.emit('pair', { a: 'r1', b: 'r2', not: 'r3', what: 'union' });
      sender.emit('all', `end ${i}`);

      for (const [j, list] of (await Promise.all(lists)).entries()) {
        t.deepIs(list, [all[1], all[3]].includes(others[j])
          ? ['one', 'two', 'union'] : ['one', 'but', 'union']);
      }
      sender.off('got');
    }

    const lists = all.map((socket) => collect(socket, 'end'));

    hosts.c.io.to(all[0].id).emit('got', 'you');
    hosts.c.io.to('user:u1').emit('got', 'user');
    hosts.c.io.except('r2').volatile.emit('got', 'rest');
    hosts.c.io.emit('got', 'end');
    t.deepIs(await Promise.all(lists), [['you', 'rest'], ['user'], ['rest'],
      []]);
  });

  fact('a room that is left is not listened to', async (t) => {
    await ask(all[0], 'leave', 'r1');
    await ask(all[1], 'leave', 'r2');
    await heard('r1', 3);
    await heard('r2', 1);

    const lists = all.map((socket) => collect(socket, 'end'));

    hosts.d.io.to('r1').emit('got', 'one');
    hosts.d.io.to('r2').emit('got', 'two');
    hosts.d.io.emit('got', 'end');
    t.deepIs(await Promise.all(lists), [[], ['one'], ['one'],
      ['one', 'two']]);
  });

  fact('fetchSockets', async (t) => {
    const ids = async (target) =>
      sorted((await target.fetchSockets()).map((socket) => socket.id));
    const { io } = hosts.c;

    t.deepIs(await ids(io), sorted(all.map((socket) => socket.id)));
    t.deepIs(await ids(io.in('r1')),
      sorted(all.slice(1).map((socket) => socket.id)));
    t.deepIs(await ids(io.in('r1').except('r2')),
      sorted([all[1].id, all[2].id]));
    t.deepIs(await ids(io.in(all[0].id)), [all[0].id]);
    t.deepIs(await ids(io.in('nobody')), []);

    const [socket] = await io.in(all[1].id).fetchSockets();

    t.deepIs(socket.data, { user: 'u1' });
    t.deepIs(sorted(socket.rooms), sorted([all[1].id, 'r1', 'user:u1']));
  });

  fact('socketsJoin, socketsLeave, from Node and by the API', async (t) => {
    hosts.c.io.in(['r1', all[0].id]).except('r2').socketsJoin(['r3', 'r4']);
    for (const socket of all.slice(0, 3)) {
      await until(() => is_in(socket, 'r3'));
      await until(() => is_in(socket, 'r4'));
    }
    t.ok(!await is_in(all[3], 'r3'));

    hosts.c.io.in('r3').socketsLeave('r4');
    for (const socket of all.slice(0, 3)) {
      await until(async () => !await is_in(socket, 'r4'));
    }

    t.is((await call('join', { to: 'r3', rooms: ['r5'] })).status, 200);
    for (const socket of all.slice(0, 3)) {
      await until(() => is_in(socket, 'r5'));
    }

    t.is((await call('leave', { to: 'r3', rooms: ['r5'] })).status, 200);
    for (const socket of all.slice(0, 3)) {
      await until(async () => !await is_in(socket, 'r5'));
    }
  });

  fact('broadcast with acks', async (t) => {
    for (const [i, socket] of all.entries()) {
      socket.on('sum', (x, y, done) => done(x + y + i));
      socket.on('echo', (value, done) => done(value));
    }

    t.deepIs(sorted(await hosts.c.io.timeout(15000).emitWithAck('sum', 10,
      10)), [20, 21, 22, 23]);
    t.deepIs(await hosts.d.io.in('r2').timeout(15000).emitWithAck('sum', 2,
      2), [7]);
    t.deepIs(await hosts.c.io.in('nobody').timeout(15000).emitWithAck('sum',
      2, 2), []);
    t.deepIs((await hosts.c.io.timeout(15000).emitWithAck('echo',
      { a: [1, 'é'] })).length, 4);
  });

  fact('serverSideEmit is acknowledged', async (t) => {
    hosts.d.io.on('hello', (n, done) => done?.(n + 1));
    t.deepIs((await hosts.c.io.serverSideEmitWithAck('hello', 1))
      .filter((answer) => answer !== null), [2]);
    hosts.c.io.serverSideEmit('hello', 2);
  });

  fact('a dynamic namespace', async (t) => {
    const nsp = '/tenant-1';
    const tenants = await Promise.all([hosts.a, hosts.b, hosts.c].map(
      (host) => connect(host, { nsp })));
    const client = await redisClient();

    if (adapter === 'sharded') {
      for (const [channel, n] of [[`socket.io#${nsp}#`, 4],
        [`socket.io#${nsp}#x#`, by_room ? 3 : 0]])
      {
        await until(async () => (await client.sendCommand(['PUBSUB',
          'SHARDNUMSUB', channel]))[1] === n, { what: channel });
      }
    }

    const lists = tenants.map((socket) => collect(socket, 'end'));

    hosts.d.io.of(nsp).to('x').emit('got', 1);
    hosts.d.io.of(nsp).emit('got', 2);
    hosts.d.io.of(nsp).emit('got', 'end');
    t.deepIs(await Promise.all(lists), [[1, 2], [1, 2], [1, 2]]);

    const got = tenants.slice(1).map((socket) => collect(socket, 'end'));

    tenants[0].emit('all', 'from nginx');
    tenants[0].emit('all', 'end');
    t.deepIs(await Promise.all(got), [['from nginx'], ['from nginx']]);
    tenants.forEach((socket) => socket.disconnect());
  });

  fact('disconnectSockets', async (t) => {
    const gone = [all[1], all[2], all[3]].map((s) => once(s, 'disconnect'));

    hosts.c.io.in('r1').disconnectSockets();
    for (const reason of await Promise.all(gone)) {
      t.is(reason[0], 'io server disconnect');
    }
    t.ok(all[0].connected);

    const last = once(all[0], 'disconnect');

    hosts.d.io.disconnectSockets(true);
    await last;
  });

  return hosts;
}

module.exports = { clusterScenario, collect };
