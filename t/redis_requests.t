#!/usr/bin/env node
'use strict';

// What Node's servers ask of all hosts, nginx among them: nobody stalls, and
// the answers are right.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { connect, once, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;

    on join { join $data; ack null; }
    on in   { check in $data; ack null '"yes"'; }
  }`;

for (const workers of [1, 3]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  let redis, a, b, node, one, two, far;

  const named = (ngx, name) => connect(ngx, { auth: { name } });
  const sorted = (list) => [...list].sort();
  const is_in = async (socket, room) =>
    (await ask(socket, 'in', room))[1] === 'yes';

  fact('hosts are joined', async (t) => {
    redis = await Redis.start();
    a = await redis.nginx({ app, workers });
    b = await redis.nginx({ app, workers });
    node = await redis.node({ requestsTimeout: 20000 });
    node.io.on('connection', (socket) => {
      socket.on('join', (room, done) => { socket.join(room); done(null); });
    });
    one = await named(a, 'ann');
    two = await named(b, 'bob');
    far = await connect(node);
    t.ok(true);
  });

  fact('fetchSockets', async (t) => {
    await ask(one, 'join', 'r1');
    await ask(one, 'join', 'r2');
    await ask(two, 'join', 'r2');
    await ask(far, 'join', 'r2');

    const ids = async (target) =>
      sorted((await target.fetchSockets()).map((socket) => socket.id));

    t.deepIs(await ids(node.io), sorted([one.id, two.id, far.id]));
    t.deepIs(await ids(node.io.in('r1')), [one.id]);
    t.deepIs(await ids(node.io.in(['r1', 'r2'])),
      sorted([one.id, two.id, far.id]));
    t.deepIs(await ids(node.io.in('r2').except('r1')),
      sorted([two.id, far.id]));
    t.deepIs(await ids(node.io.in(two.id)), [two.id]);
    t.deepIs(await ids(node.io.in('nobody')), []);

    const [socket] = await node.io.in('r1').fetchSockets();

    t.deepIs(socket.data, { user: 'ann' });
    t.deepIs(sorted(socket.rooms), sorted([one.id, 'r1', 'r2', 'user:ann']));
  });

  fact('more sockets than a page', async (t) => {
    const all = await Promise.all(Array.from({ length: 1100 }, (_, i) =>
      connect(i % 2 ? a : b, { auth: { name: `u${i}` } })));

    t.is((await node.io.fetchSockets()).length, 1103);
    all.forEach((socket) => socket.disconnect());
    await until(async () => (await node.io.fetchSockets()).length === 3);
  });

  fact('allRooms', async (t) => {
    const rooms = await node.io.of('/').adapter.allRooms();

    for (const room of ['r1', 'r2', 'user:ann', 'user:bob', one.id, two.id,
      far.id])
    {
      t.ok(rooms.has(room), room);
    }
  });

  fact('socketsJoin, socketsLeave', async (t) => {
    node.io.in('r2').except('r1').socketsJoin(['r3', 'user:ann', 'r4']);
    await until(() => is_in(two, 'r3'));
    t.ok(await is_in(two, 'r4'));
    t.ok(!await is_in(one, 'r3'));
    t.ok(!await is_in(two, 'user:ann'), 'nobody is put into that');

    node.io.in(two.id).socketsLeave('r4');
    await until(async () => !await is_in(two, 'r4'));
    t.ok(await is_in(two, 'r3'));
  });

  fact('broadcast with acks', async (t) => {
    for (const socket of [one, two, far]) {
      socket.on('sum', (x, y, done) => done(x + y));
    }

    t.deepIs(await node.io.timeout(20000).emitWithAck('sum', 1, 2),
      [3, 3, 3]);
    t.deepIs(await node.io.in('r1').timeout(20000).emitWithAck('sum', 2, 2),
      [4]);
    t.deepIs(await node.io.in('nobody').timeout(20000)
      .emitWithAck('sum', 2, 2), []);

    two.off('sum');
    const answers = await new Promise((done) =>
      node.io.timeout(2000).emit('sum', 5, 5, (error, list) =>
        done([!!error, list])));
    t.deepIs(answers, [true, [10, 10]]);
  });

  fact('serverSideEmit is acknowledged', async (t) => {
    const answers = await node.io.serverSideEmitWithAck('hello', 1);

    t.deepIs(answers, [null, null]);
  });

  fact('disconnectSockets, and the emitter', async (t) => {
    const emitter = await redis.emitter();
    const gone = once(one, 'disconnect');

    emitter.in('r1').disconnectSockets();
    t.is((await gone)[0], 'io server disconnect');

    const closed = once(two, 'disconnect');
    node.io.in('r3').disconnectSockets(true);
    await closed;
    await until(async () => (await node.io.fetchSockets()).length === 0,
      { what: 'nobody is left: all had been put into that room' });
  });

  fact('the same by our API, on all hosts or on this one', async (t) => {
    const call = (name, body) => a.get(`/api/${name}`, { method: 'POST',
      body: JSON.stringify(body), agent: a.agent });
    const here = await named(a, 'cid');
    const there = await named(b, 'cid');
    const other = await connect(node);

    await ask(other, 'join', 'x');
    t.is((await call('join', { user: 'cid', rooms: 'x' })).status, 200);
    await until(() => is_in(there, 'x'));
    t.ok(await is_in(here, 'x'));

    t.is((await call('leave', { to: 'x', rooms: ['x'], local: true })).status,
      200);
    t.ok(!await is_in(here, 'x'));
    t.ok(await is_in(there, 'x'));

    const gone = [there, other].map((s) => once(s, 'disconnect'));
    t.is((await call('disconnect', { to: 'x' })).status, 200);
    await Promise.all(gone);
    t.ok(here.connected);
  });

  fact('requests that make no sense are refused', async (t) => {
    const client = await redis.client();
    const before = (await a.status()).total.redis.malformed;

    for (const bad of ['', '{', '{}', '{"type":99}', '{"type":4}', '\x80',
      '[]', '{"type":2,"opts":{"rooms":[{}]}}'])
    {
      await client.publish('socket.io-request#/#',
        Buffer.from(bad, 'latin1')).catch(() => {});
    }
    await until(async () =>
      (await a.status()).total.redis.malformed === before + 8);
    t.ok(true);
  });
}
