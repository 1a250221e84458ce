#!/usr/bin/env node
'use strict';

// Hosts joined by a stream of Redis: nginx, and Node's servers with the
// streams adapter.  What one says reaches the others once and in order, also
// if it was said while they were away.

const { test } = require('./lib/tap');
const { callsScenario } = require('./lib/calls_scenario');
const { clusterScenario } = require('./lib/cluster_scenario');
const { Proxy } = require('./lib/proxy');
const { Redis } = require('./lib/redis');
const { connect } = require('./lib/clients');
const { until } = require('./lib/wait');

clusterScenario({ workers: 1, adapter: 'streams' });
clusterScenario({ workers: 4, adapter: 'streams' });
callsScenario({ workers: 4, adapter: 'streams' });

const app = `
  namespace / {
    authenticate none;
    on connect { join room; }
    on all { emit got to all except self with $args; }
  }`;

const params = 'adapter=streams';
let redis, admin, proxy, a, b, node, here, there;
const sent = { nginx: 0, node: 0 };

// From each other host, in order.

function send(n) {
  for (let i = 0; i < n; i++) {
    here.emit('all', 'nginx', sent.nginx++);
    node.io.emit('got', 'node', sent.node++);
  }
}

function listen(socket) {
  socket.got = { nginx: [], node: [] };
  socket.on('got', (source, n) => socket.got[source]?.push(n));

  return socket;
}

// Every number since the first one, once, in order, up to the last one.

async function exact(t, sockets) {
  for (const socket of sockets) {
    for (const source of ['nginx', 'node']) {
      const got = socket.got[source];

      await until(() => got.at(-1) === sent[source] - 1,
        { what: `the last message from ${source}` });
      t.deepIs(got, Array.from({ length: sent[source] - got[0] },
        (_, i) => got[0] + i), `all from ${source}, once, in order`);
    }
  }
}

const redisOf = async (ngx) => (await ngx.status()).total.redis;
const leader = async (ngx) => (await ngx.status()).workers.find(
  (worker) => worker.redis.subscribers === 1)?.pid;

test('hosts are joined', async (t) => {
  redis = await Redis.start();
  admin = await redis.client();
  proxy = await Proxy.start(redis.port);
  a = await redis.nginx({ app, params, workers: 2 });
  b = await redis.nginx({ app, params, workers: 3,
    address: `127.0.0.1:${proxy.port}` });
  node = await redis.node({ adapter: 'streams' });
  here = await connect(a);
  there = await Promise.all(Array.from({ length: 9 }, () => connect(b)));
  there.forEach(listen);
  await redis.counted(3, 'streams');
  send(10);
  await exact(t, there);
});

test('what was said while a host had no connection is made up for',
  async (t) => {
    proxy.stop();
    await until(async () => (await redisOf(b)).publishers === 0);
    send(150);
    await until(async () => await admin.xLen('socket.io') >= 300);
    proxy.server.listen(proxy.port, '127.0.0.1');
    await exact(t, there);
    t.is((await redisOf(b)).missed, 0);
  });

test('a reload loses nothing and doubles nothing', async (t) => {
  const old = await leader(b);
  const pump = setInterval(() => send(2), 5);

  await b.reload();
  await until(async () => ![undefined, old].includes(await leader(b)),
    { what: 'another worker leads' });
  clearInterval(pump);
  send(1);
  await exact(t, there);
});

test('so does a leader that is killed', async (t) => {
  const late = await Promise.all(Array.from({ length: 9 }, () => connect(b)));
  const old = await leader(b);

  late.forEach(listen);
  send(1);
  await until(() => late.every((socket) => socket.got.node.length > 0));

  const pump = setInterval(() => send(2), 5);
  const start = sent.node;

  await until(() => sent.node > start + 20);
  b.kill(old);
  await until(async () => ![undefined, old].includes(await leader(b)),
    { what: 'another worker leads' });
  clearInterval(pump);
  send(1);

  const alive = [...there, ...late].filter((socket) => socket.connected);

  t.ok(alive.length > 0);
  await exact(t, alive);
  there = alive;
}, 60000);

test('entries that were trimmed before they were read are counted',
  async (t) => {
    proxy.stop();
    await until(async () => (await redisOf(b)).publishers === 0);
    send(50);
    await until(async () => {
      const entries = await admin.xRange('socket.io', '-', '+');

      return entries.filter(({ message }) => message.data.includes(
        `"node",${sent.node - 1}]`) || message.data.includes(
        `"nginx",${sent.nginx - 1}]`)).length === 2;
    }, { what: 'all is in the stream' });
    await admin.sendCommand(['XTRIM', 'socket.io', 'MAXLEN', '=', '4']);
    proxy.server.listen(proxy.port, '127.0.0.1');
    await until(async () => (await redisOf(b)).missed === 96,
      { what: '96 of 100 are counted' });
    t.match(b.log(), /96 entries of the stream "socket.io" were trimmed/);

    send(1);
    for (const socket of there) {
      await until(() => socket.got.node.at(-1) === sent.node - 1
        && socket.got.nginx.at(-1) === sent.nginx - 1);
      socket.got = { nginx: [], node: [] };
    }
    send(3);
    await exact(t, there);
  });

test('entries that make no sense harm nobody', async (t) => {
  const add = (fields) => admin.xAdd('socket.io', '*', fields);
  const { malformed } = await redisOf(b);

  await add({ x: 'y' });
  await add({ uid: 'u', nsp: '/', type: '3' });
  await add({ uid: 'u', nsp: '/', type: 'x', data: '{}' });
  await add({ uid: 'u', nsp: '/', type: '3', data: 'AAAA' });
  await add({ uid: 'u', nsp: '/', type: '3', data: '{"packet":{"type":2,'
    + '"data":["connect"]},"opts":{"rooms":[],"except":[],"flags":{}}}' });
  await add({ uid: 'u', nsp: '/nowhere', type: '3', data: '{}' });
  await add({ uid: 'u', nsp: '/', type: '2' });
  await add(Object.fromEntries(Array.from({ length: 500 },
    (_, i) => [`f${i}`, 'x'])));
  send(1);
  await exact(t, there);
  t.is((await redisOf(b)).malformed - malformed, 4);
});

test('the stream is gone, or is none, for a while', async (t) => {
  await admin.del('socket.io');
  send(5);
  await exact(t, there);

  await admin.del('socket.io');
  await admin.set('socket.io', 'x');
  await until(async () => {
    send(1);
    return /the reader of the stream has no connection: .*WRONGTYPE/.test(
      b.log());
  });
  await admin.del('socket.io');

  // what the publishers were refused is lost

  there.forEach((socket) => { socket.got = { nginx: [], node: [] }; });
  await until(() => {
    send(1);
    return there.every((socket) => socket.got.node.length > 0
      && socket.got.nginx.length > 0);
  }, { every: 50 });
  await exact(t, there);
});

test('Redis is killed, and keeps nothing', async (t) => {
  await redis.kill();
  await until(async () => (await redisOf(b)).publishers === 0);
  await redis.run();
  await Promise.all([a, b].map(Redis.joined));
  await redis.counted(3, 'streams');
  there.forEach((socket) => { socket.got = { nginx: [], node: [] }; });
  await until(() => {
    send(1);
    return there.every((socket) => socket.got.node.length > 0
      && socket.got.nginx.length > 0);
  }, { every: 50 });
  await exact(t, there);
});
