#!/usr/bin/env node
'use strict';

// Hosts joined by Redis' sharded pub/sub: nginx, and Node's servers with the
// sharded adapter.  A room has a channel of its own, which is listened to
// while any worker of a host has members.

const { test } = require('./lib/tap');
const { callsScenario } = require('./lib/calls_scenario');
const { clusterScenario } = require('./lib/cluster_scenario');
const { Numbers } = require('./lib/numbers');
const { Redis } = require('./lib/redis');
const { connect, ask, once } = require('./lib/clients');
const { until } = require('./lib/wait');

clusterScenario({ workers: 1, adapter: 'sharded' });
clusterScenario({ workers: 4, adapter: 'sharded' });
callsScenario({ workers: 4, adapter: 'sharded' });
clusterScenario({ workers: 2, adapter: 'sharded',
  params: 'subscription_mode=static',
  options: { subscriptionMode: 'static' } });
clusterScenario({ workers: 2, adapter: 'sharded',
  params: 'subscription_mode=dynamic-private',
  options: { subscriptionMode: 'dynamic-private' } });

const app = `
  namespace / {
    authenticate none;
    on connect { join room; }
    on join    { join $data; ack null; }
    on leave   { leave $data; ack null; }
    on say     { emit got to room except self with $args; }
  }
  namespace /quiet { authenticate none; }`;

const workers = 3;
let redis, admin, a, b, node, here, there;
const numbers = new Numbers({
  nginx: (n) => here.emit('say', 'nginx', n),
  node: (n) => node.io.to('room').emit('got', 'node', n),
});

const hosts = async (room) => (await admin.sendCommand(['PUBSUB',
  'SHARDNUMSUB', `socket.io#/#${room}#`]))[1];
const leader = async (ngx) => (await ngx.status()).workers.find(
  (worker) => worker.redis.subscribers === 1)?.pid;

// Pub/sub keeps nothing: what comes from now on.

async function whole(t) {
  there = there.filter((socket) => socket.connected);
  t.ok(there.length > 0);
  await until(async () => await hosts('room') === 2);
  await numbers.anew(t, there);
}

test('hosts are joined', async (t) => {
  redis = await Redis.start();
  admin = await redis.client();
  a = await redis.nginx({ app, workers, params: 'adapter=sharded' });
  b = await redis.nginx({ app, workers, params: 'adapter=sharded' });
  node = await redis.node({ adapter: 'sharded' });
  await redis.counted(3, 'sharded');
  here = await connect(a);
  there = await Promise.all(Array.from({ length: 9 }, () => connect(b)));
  there.forEach((socket) => numbers.listen(socket));
  await whole(t);
});

test('a room is heard from its first member to its last', async (t) => {
  t.is(await hosts('r'), 0);

  for (const [i, socket] of there.entries()) {
    await ask(socket, 'join', 'r');
    await until(async () => await hosts('r') === 1);
    if (i === 0) {
      await ask(here, 'join', 'r');
      await until(async () => await hosts('r') === 2);
      await ask(here, 'leave', 'r');
      await until(async () => await hosts('r') === 1);
    }
  }

  for (const socket of there) {
    const came = once(socket, 'r');

    t.is(await hosts('r'), 1);
    node.io.to('r').emit('r', 1);
    await came;
    await ask(socket, 'leave', 'r');
  }
  await until(async () => await hosts('r') === 0);
});

test('a reload loses nothing and doubles nothing', async (t) => {
  const old = await leader(b);
  const pump = setInterval(() => numbers.send(2), 5);

  await b.reload();
  await until(async () => ![undefined, old].includes(await leader(b)),
    { what: 'another worker leads' });
  clearInterval(pump);
  numbers.send(1);
  await numbers.exact(t, there);

  // a room that only an old worker has

  await ask(there[0], 'join', 'late');
  await until(async () => await hosts('late') === 1);
});

test('a worker is killed, with its rooms', async (t) => {
  const late = await Promise.all(Array.from({ length: 9 }, () => connect(b)));
  const old = await leader(b);

  late.forEach((socket) => numbers.listen(socket));
  there = [...there, ...late];

  for (const [i, socket] of late.entries()) {
    await ask(socket, 'join', `late${i}`);
  }
  await until(async () => await hosts('late8') === 1);

  b.kill(old);
  await until(async () => ![undefined, old].includes(await leader(b)),
    { what: 'another worker leads' });

  for (const [i, socket] of late.entries()) {
    await until(async () =>
      await hosts(`late${i}`) === (socket.connected ? 1 : 0),
      { what: 'rooms that live are heard, no others' });
  }
  await whole(t);
}, 60000);

test('Redis is killed: all rooms are listened to again', async (t) => {
  await redis.kill();
  await until(async () => (await b.status()).total.redis.publishers === 0);
  await redis.run();
  admin = await redis.client();
  await Promise.all([a, b].map(Redis.joined));
  await redis.counted(3, 'sharded');
  await whole(t);
});

test('a reload changes the adapter, with clients that stay', async (t) => {
  await b.reload({ app: b.options.app.replace('adapter=sharded',
    'adapter=streams') });

  const far = await redis.node({ adapter: 'streams' });
  const late = await connect(b);

  for (const socket of [late, there[0]]) {
    await until(() => {
      far.io.emit('far', 1);
      return new Promise((done) => {
        socket.once('far', () => done(true));
        setTimeout(() => done(false), 200);
      });
    }, { what: 'the new wire is heard, by old clients as well' });
  }
  late.disconnect();
  await b.reload({ app: b.options.app.replace('adapter=streams',
    'adapter=sharded') });
}, 60000);

test('messages that make no sense harm nobody', async (t) => {
  const before = (await b.status()).total.redis.malformed;

  for (const text of ['', 'x', '{', '{}', '{"type":3}',
    '{"type":3,"uid":"u","nsp":"/","data":{}}', '{"type":1,"uid":"u"}',
    '{"type":7,"uid":"u","nsp":"/quiet","data":{}}', '\x84',
    '{"type":2,"uid":"u","nsp":"/quiet"}'])
  {
    await admin.sendCommand(['SPUBLISH', 'socket.io#/quiet#', text]);
  }
  await until(async () =>
    (await b.status()).total.redis.malformed === before + 9);
  await whole(t);
});
