#!/usr/bin/env node
'use strict';

// Hosts joined by a stream of Redis: nginx, and Node's servers with the
// streams adapter.  What one says reaches the others once and in order, also
// if it was said while they were away.

const { test } = require('./lib/tap');
const { callsScenario } = require('./lib/calls_scenario');
const { clusterScenario } = require('./lib/cluster_scenario');
const { Numbers } = require('./lib/numbers');
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
// From each other host, in order.

const numbers = new Numbers({
  nginx: (n) => here.emit('all', 'nginx', n),
  node: (n) => node.io.emit('got', 'node', n),
});

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
  there.forEach((socket) => numbers.listen(socket));
  await redis.counted(3, 'streams');
  numbers.send(10);
  await numbers.exact(t, there);
});

test('what was said while a host had no connection is made up for',
  async (t) => {
    proxy.stop();
    await until(async () => (await redisOf(b)).publishers === 0);
    numbers.send(150);
    await until(async () => await admin.xLen('socket.io') >= 300);
    proxy.server.listen(proxy.port, '127.0.0.1');
    await numbers.exact(t, there);
    t.is((await redisOf(b)).missed, 0);
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
});

test('so does a leader that is killed', async (t) => {
  const late = await Promise.all(Array.from({ length: 9 }, () => connect(b)));
  const old = await leader(b);

  late.forEach((socket) => numbers.listen(socket));
  numbers.send(1);
  await until(() => late.every((socket) => socket.got.node.length > 0));

  const pump = setInterval(() => numbers.send(2), 5);
  const start = numbers.sent.node;

  await until(() => numbers.sent.node > start + 20);
  b.kill(old);
  await until(async () => ![undefined, old].includes(await leader(b)),
    { what: 'another worker leads' });
  clearInterval(pump);
  numbers.send(1);

  const alive = [...there, ...late].filter((socket) => socket.connected);

  t.ok(alive.length > 0);
  await numbers.exact(t, alive);
  there = alive;
}, 60000);

test('entries that were trimmed before they were read are counted',
  async (t) => {
    proxy.stop();
    await until(async () => (await redisOf(b)).publishers === 0);
    numbers.send(50);
    await until(async () => {
      const entries = await admin.xRange('socket.io', '-', '+');

      return entries.filter(({ message }) => message.data.includes(
        `"node",${numbers.sent.node - 1}]`) || message.data.includes(
        `"nginx",${numbers.sent.nginx - 1}]`)).length === 2;
    }, { what: 'all is in the stream' });
    await admin.sendCommand(['XTRIM', 'socket.io', 'MAXLEN', '=', '4']);
    proxy.server.listen(proxy.port, '127.0.0.1');
    await until(async () => (await redisOf(b)).missed === 96,
      { what: '96 of 100 are counted' });
    t.match(b.log(), /96 entries of the stream "socket.io" were trimmed/);

    numbers.send(1);
    for (const socket of there) {
      await until(() => socket.got.node.at(-1) === numbers.sent.node - 1
        && socket.got.nginx.at(-1) === numbers.sent.nginx - 1);
      numbers.forget(socket);
    }
    numbers.send(3);
    await numbers.exact(t, there);
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
  numbers.send(1);
  await numbers.exact(t, there);
  t.is((await redisOf(b)).malformed - malformed, 4);
});

test('the stream is gone, or is none, for a while', async (t) => {
  await admin.del('socket.io');
  numbers.send(5);
  await numbers.exact(t, there);

  await admin.del('socket.io');
  await admin.set('socket.io', 'x');
  await until(async () => {
    numbers.send(1);
    return /the reader of the stream has no connection: .*WRONGTYPE/.test(
      b.log());
  });
  await admin.del('socket.io');

  // what the publishers were refused is lost

  await numbers.anew(t, there);
});

test('Redis is killed, and keeps nothing', async (t) => {
  await redis.kill();
  await until(async () => (await redisOf(b)).publishers === 0);
  await redis.run();
  await Promise.all([a, b].map(Redis.joined));
  await redis.counted(3, 'streams');
  await numbers.anew(t, there);
});
