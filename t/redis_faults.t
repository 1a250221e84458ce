#!/usr/bin/env node
'use strict';

// Redis fails in every way it can: what is local goes on, all is whole again
// soon after, and nothing comes twice.

const net = require('node:net');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { Proxy } = require('./lib/proxy');
const { Redis } = require('./lib/redis');
const { connect, once } = require('./lib/clients');
const { until, sleep } = require('./lib/wait');

const app = `
  namespace / {
    authenticate none;
    on connect { join room; }
    on all { emit got to all except self with $data; }
  }
  namespace ~^/tenant-\\d+$ { authenticate none; on connect { join x; } }`;

const workers = 2;
let redis, admin, a, b, near, here, there;
let sent = 0;
const got = [];

// A message that is sent until one comes: Redis keeps none for who is away.

async function whole() {
  const start = sent;

  await until(() => {
    here.emit('all', sent++);
    return got.some((n) => n >= start);
  }, { what: 'messages reach the other host', every: 50 });
}

async function local(t) {
  const came = once(near, 'got');

  here.emit('all', sent++);
  await came;
  t.ok(true, 'local delivery goes on');
}

// Each once, in order.

function exact(t) {
  t.ok(got.every((n, i) => i === 0 || n > got[i - 1]),
    'nothing twice, all in order');
}

test('two hosts are joined', async (t) => {
  redis = await Redis.start();
  admin = await redis.client();
  a = await redis.nginx({ app, workers });
  b = await redis.nginx({ app, workers });
  here = await connect(a);
  near = await connect(a);
  there = await connect(b);
  there.on('got', (n) => got.push(n));
  await whole();
  exact(t);
});

test('killed', async (t) => {
  await redis.kill();
  await local(t);
  await redis.run();
  admin = await redis.client();
  await whole();
  exact(t);
});

test('paused for 10 s', async (t) => {
  const end = Date.now() + 10000;

  redis.pause();
  while (Date.now() < end) {
    await local(t);
    await sleep(500);
  }
  redis.resume();
  await whole();
  exact(t);
});

test('FLUSHALL', async (t) => {
  await admin.sendCommand(['FLUSHALL']);
  await local(t);
  await whole();
  exact(t);
});

for (const type of ['pubsub', 'normal']) {
  test(`CLIENT KILL TYPE ${type}`, async (t) => {
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type]);
    await local(t);
    await whole();
    exact(t);
  });
}

test('a password is wanted, and not any more', async (t) => {
  await admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'secret']);
  for (const type of ['pubsub', 'normal']) {
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type]);
  }
  await until(async () => (await b.status()).total.redis.publishers === 0);
  await local(t);
  await admin.sendCommand(['CONFIG', 'SET', 'requirepass', '']);
  await whole();
  exact(t);
});

test('channels are not allowed, and are again', async (t) => {
  const complaints = () => b.log().split('\n').filter((line) =>
    /has no connection|connected again|refuses what/.test(line)).length;

  await admin.sendCommand(['ACL', 'SETUSER', 'default', 'resetchannels']);
  const before = complaints();

  for (const type of ['pubsub', 'normal']) {
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type]);
  }
  const dropped = (await a.status()).total.redis.dropped;

  await until(async () => {
    here.emit('all', sent++);
    return (await a.status()).total.redis.dropped > dropped;
  }, { what: 'what is refused is counted' });
  await local(t);
  await sleep(3000);
  t.ok(complaints() - before <= 8 * workers, 'the log is not flooded: '
    + `${complaints() - before}`);

  await admin.sendCommand(['ACL', 'SETUSER', 'default', 'allchannels']);
  await whole();
  exact(t);
});

test('no worker was held by any of it', async (t) => {
  for (const ngx of [a, b]) {
    const { longest_turn_msec: msec } = (await ngx.status()).total;

    t.note(`longest turn: ${msec} ms`);
    t.ok(msec < 2000, `${msec} ms`);
  }
});

test('a database that is not there', async (t) => {
  const ngx = await Nginx.start({ workers, allow: /out of range/,
    app: `redis ${redis.address} db=9999; ${app}` });
  const [one, two] = [await connect(ngx), await connect(ngx)];
  const came = once(two, 'got');

  await until(() => /no connection: it says ".*out of range/.test(ngx.log()));
  one.emit('all', 'x');
  t.is((await came)[0], 'x');
  t.is((await ngx.status()).total.redis.publishers, 0);
  [one, two].forEach((s) => s.disconnect());
});

test('a Redis that answers nonsense', async (t) => {
  const nonsense = ['+OK\r\n+OK\r\n', ':1\r\n:1\r\n', '*0\r\n*0\r\n',
    '*1\r\n$7\r\nmessage\r\n', '*2\r\n:1\r\n:2\r\n', '$-1\r\n$-1\r\n',
    '*3\r\n+message\r\n+x\r\n+y\r\n', '*3\r\n$7\r\nmessage\r\n:1\r\n:1\r\n',
    '*-1\r\n*-1\r\n', '*3\r\n$7\r\nmessage\r\n*0\r\n$1\r\nx\r\n',
    '*2147483647\r\n', '$99999999999999999999\r\n', 'HTTP/1.1 400 No\r\n\r\n'];

  for (const [i, text] of nonsense.entries()) {
    let seen = 0;
    const server = net.createServer((socket) => {
      let n = 0;

      socket.on('error', () => {});
      socket.on('data', () => {
        seen++;
        socket.write(n++ ? text : `+OK\r\n${i % 2 ? text : ''}`);
      });
    });

    await new Promise((done) => server.listen(0, '127.0.0.1', done));

    const ngx = await Nginx.start({ workers: 1,
      app: `redis 127.0.0.1:${server.address().port}; ${app}` });
    const pids = ngx.workers();

    await until(() => seen >= 6, { what: 'nginx tries again' });
    t.deepIs(ngx.workers(), pids, `the worker lives: ${JSON.stringify(text)}`);
    await ngx.stop();
    server.close();
  }
});

test('remote joins in a dynamic namespace', async (t) => {
  const socket = await connect(b, { nsp: '/tenant-1' });
  const other = await connect(b);
  const emitter = await redis.emitter();

  emitter.of('/tenant-1').in('x').socketsJoin('y');
  await until(async () => (await b.get('/api/rooms?namespace=/tenant-1',
    { agent: b.agent })).body.includes('"y"'), { what: 'it joined' });
  t.ok(true);
  [socket, other].forEach((s) => s.disconnect());
});

test('a prefix with glob characters: nothing comes twice', async (t) => {
  const ngx = await redis.nginx({ app, workers, params: 'prefix=s*[x]' });
  const emitter = await redis.emitter({ key: 's*[x]' });
  const socket = await connect(ngx);
  const list = [];

  socket.on('got', (n) => list.push(n));
  emitter.emit('got', 1);
  emitter.emit('got', 2);
  await until(() => list.includes(2));
  t.deepIs(list, [1, 2]);
  socket.disconnect();
});

// The worker that listens is told to end while its successor is still far
// from listening; it has no client to stay for.

test('a reload with Redis far away: neither messages nor joins are lost',
  async (t) => {
    const proxy = await Proxy.start(redis.port, { delay: 100 });
    const ngx = await redis.nginx({ app, workers,
      address: `127.0.0.1:${proxy.port}` });
    let socket = await connect(ngx);

    while ((await ngx.status()).workers.some((w) =>
      w.redis.subscribers && w.sockets))
    {
      socket.disconnect();
      socket = await connect(ngx);
    }

    const emitter = await redis.emitter();
    const list = [];
    let n = 0;
    let rooms = 0;
    let over = false;

    socket.on('got', (i) => list.push(i));

    const sending = (async () => {
      while (!over) {
        emitter.emit('got', n++);
        if (n % 10 === 0 && rooms < 200) {
          emitter.in('room').socketsJoin(`r${rooms++}`);
        }
        await sleep(2);
      }
    })();

    await ngx.reload();
    await Redis.joined(ngx);
    await until(() => ngx.workers().length === workers);
    over = true;
    await sending;
    await until(() => list.includes(n - 1));
    t.is(list.length, n);
    t.ok(list.every((x, i) => x === i), 'each once, in order');

    const in_rooms = new Set();

    socket.on('in', (i) => in_rooms.add(i));
    for (let i = 0; i < rooms; i++) {
      emitter.to(`r${i}`).emit('in', i);
    }
    emitter.emit('in', -1);
    await until(() => in_rooms.has(-1));
    t.is(in_rooms.size - 1, rooms, 'no join is lost');
    socket.disconnect();
    await ngx.stop();
    proxy.stop();
  });
