#!/usr/bin/env node
'use strict';

// Hosts joined by Redis: nginx, and Node's own servers with their adapter.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { connect, once, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const app = `
  namespace / {
    authenticate none;

    on join  { join $data; ack null; }
    on leave { leave $data; ack null; }
    on all   { emit got to all except self with $args; }
    on room  { emit got to $.room except self with $.what; ack null; }
    on pair  { emit got to $.a $.b except $.not with $.what; }
    on fast  { emit got to all except self with $args volatile; }
  }
  namespace /other { authenticate none; on connect { join x; } }
  namespace ~^/tenant-\\d+$ { authenticate none; on connect { join x; } }`;

// What a client got before it got the mark, which others are sent as well.

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

for (const workers of [1, 3]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  let redis, a, b, node, emitter;

  fact('hosts are joined', async (t) => {
    redis = await Redis.start();
    a = await redis.nginx({ app, workers });
    b = await redis.nginx({ app, workers });
    node = await redis.node();
    emitter = await redis.emitter();

    node.io.on('connection', (socket) => {
      socket.on('join', (room, done) => { socket.join(room); done(null); });
      socket.on('all', (...args) => socket.broadcast.emit('got', ...args));
    });
    t.ok(true);
  });

  fact('a broadcast reaches every host, its sender not', async (t) => {
    const all = await Promise.all([a, a, b, b, node].map((at) => connect(at)));
    const binary = Buffer.from([1, 2, 3]);

    for (const [at, sender] of all.entries()) {
      const others = all.filter((socket) => socket !== sender);
      const got = others.map((socket) => collect(socket, `end ${at}`));
      const self = [];

      sender.on('got', (...args) => self.push(args));
      sender.emit('all', 1, 'two', { three: [3, null, true], x: 1.5 });
      sender.emit('all', { blob: binary });
      sender.emit('all', `end ${at}`);

      for (const list of await Promise.all(got)) {
        t.deepIs(list, [[1, 'two', { three: [3, null, true], x: 1.5 }],
          { blob: binary }]);
      }
      t.deepIs(self, []);
      sender.off('got');
    }
    all.forEach((socket) => socket.disconnect());
  });

  fact('rooms, several rooms, except', async (t) => {
    const here = await connect(a);
    const there = await connect(b);
    const far = await connect(node);
    const both = await connect(b);

    await ask(there, 'join', 'r1');
    await ask(far, 'join', 'r1');
    await ask(both, 'join', 'r1');
    await ask(both, 'join', 'r2');

    let lists = [there, far, both].map((s) => collect(s, 'end'));
    here.emit('room', { room: 'r1', what: 'one' });
    here.emit('room', { room: 'nobody', what: 'none' });
    here.emit('room', { room: 'r2', what: 'two' });
    here.emit('pair', { a: 'r1', b: 'r2', not: 'r2', what: 'but' });
    here.emit('pair', { a: 'r1', b: 'r2', not: 'r3', what: 'union' });
    here.emit('all', 'end');
    lists = await Promise.all(lists);
    t.deepIs(lists, [['one', 'but', 'union'], ['one', 'but', 'union'],
      ['one', 'two', 'union']]);

    lists = [there, both, here].map((s) => collect(s, 'end'));
    node.io.to('r1').emit('got', 'one');
    node.io.to('r1').except('r2').emit('got', 'but');
    node.io.to(['r1', 'r2']).emit('got', 'union');
    node.io.to(both.id).emit('got', 'you');
    node.io.except('r1').volatile.emit('got', 'rest');
    node.io.emit('got', 'end');
    lists = await Promise.all(lists);
    t.deepIs(lists, [['one', 'but', 'union'], ['one', 'union', 'you'],
      ['rest']]);

    [here, there, far, both].forEach((s) => s.disconnect());
  });

  fact('the emitter, text and binary, other namespaces', async (t) => {
    const here = await connect(a);
    const other = await connect(b, { nsp: '/other' });
    const tenant = await connect(b, { nsp: '/tenant-7' });

    await ask(here, 'join', 'room1');

    const lists = [here, other, tenant].map((s) => collect(s, 'end'));

    emitter.to('room1').emit('got', { k: 'v' }, Buffer.from([255, 0]));
    emitter.emit('got', null, true, -1, 300, 1.5, 'é€😀',
      new Date(1700000000123), [], {});
    emitter.of('/other').to(['x', 'y']).emit('got', 'o');
    emitter.of('/other').except('x').emit('got', 'not');
    emitter.of('/tenant-7').to('x').emit('got', 't');
    emitter.of('/tenant-8').emit('got', 'not');
    emitter.of('/other').emit('got', 'end');
    emitter.of('/tenant-7').emit('got', 'end');
    emitter.emit('got', 'end');

    t.deepIs(await Promise.all(lists), [
      [[{ k: 'v' }, Buffer.from([255, 0])],
        [null, true, -1, 300, 1.5, 'é€😀', '2023-11-14T22:13:20.123Z', [],
          {}]],
      ['o'], ['t']]);
    [here, other, tenant].forEach((s) => s.disconnect());
  });

  fact('/api/emit, and what stays on this host', async (t) => {
    const here = await connect(a);
    const there = await connect(b);
    const far = await connect(node);
    const lists = [here, there, far].map((s) => collect(s, 'end'));

    await a.emit({ event: 'got', data: 'all' });
    await a.emit({ event: 'got', data: 'local', local: true });
    await a.emit({ event: 'got', data: 'end' });

    t.deepIs(await Promise.all(lists),
      [['all', 'local'], ['all'], ['all']]);
    [here, there, far].forEach((s) => s.disconnect());
  });

  fact('messages that make no sense are refused', async (t) => {
    const here = await connect(a, { nsp: '/other' });
    const client = await redis.client();
    const got = collect(here, 'end');

    for (const bad of ['', 'x', '\x93', '{"uid":"x"}', '\x93\xa1x\x80\x80',
      '\x93\xa1x\x82\xa4type\x02\xa4data\x91\xa7connect\x80'])
    {
      await client.publish('socket.io#/other#',
        Buffer.from(bad, 'latin1'));
    }
    emitter.of('/other').emit('got', 'end');

    t.deepIs(await got, []);
    t.is((await a.status()).total.redis.malformed, 6);
    here.disconnect();
  });

  fact('a reload changes the listener: nothing is lost, nothing comes twice',
    async (t) => {
      const there = await connect(b);
      const lists = collect(there, 'end');
      let n = 0;
      let over = false;
      const sending = (async () => {
        while (!over) {
          node.io.emit('got', n++);
          await new Promise((done) => setTimeout(done, 2));
        }
      })();

      await b.reload();
      await Redis.joined(b);
      over = true;
      await sending;
      node.io.emit('got', 'end');

      t.deepIs(await lists, Array.from({ length: n }, (_, i) => i));
      there.disconnect();
    });

  fact('a killed listener is replaced', async (t) => {
    const { workers: all } = await b.status();
    const leader = all.find((w) => w.redis.subscribers);

    b.kill(leader.pid);
    await until(async () => (await b.status()).workers.some((w) =>
      w.pid !== leader.pid && w.redis.subscribers), { what: 'another one' });
    await Redis.joined(b);

    const there = await connect(b);
    const got = once(there, 'got');

    node.io.emit('got', 'back');
    t.is(await got, 'back');
    there.disconnect();
  });

  fact('redis killed and started again', async (t) => {
    const here = await connect(a);
    const there = await connect(b);
    const near = await connect(a);

    await redis.kill();

    const local = once(near, 'got');
    here.emit('all', 'local');
    t.is(await local, 'local');

    const got = collect(there, 'end');
    for (let i = 0; i < 100; i++) {
      here.emit('all', i);
    }
    await ask(here, 'join', 'all of these were taken');

    await redis.run();
    await Promise.all([a, b].map(Redis.joined));
    here.emit('all', 'end');

    // the first one may have gone to the connection that was lost

    const list = await got;
    t.deepIs(list.filter((x) => x !== 'local'),
      Array.from({ length: 100 }, (_, i) => i));
    [here, there, near].forEach((s) => s.disconnect());
  });
}

// How often hosts were counted.  Each worker does it once a second.

async function looks(client) {
  const stats = await client.info('commandstats');

  return [...stats.matchAll(/^cmdstat_pubsub[^:]*:calls=(\d+)/gm)]
    .reduce((sum, [, n]) => sum + Number(n), 0);
}

test('redis is killed when a host has just come', async (t) => {
  const lists = await Promise.all([1, 2, 3].map(async () => {
    const redis = await Redis.start();
    const client = await redis.client();
    const a = await redis.nginx({ app });

    await until(async () => await looks(client) >= 3);

    const b = await redis.nginx({ app });
    const here = await connect(a);
    const there = await connect(b);
    const start = await looks(client);

    // the first one has seen the other one, once as a rule

    await until(async () => await looks(client) >= start + 2, { every: 5 });
    await redis.kill();

    const [{ pid }] = (await b.status()).workers;
    process.kill(pid, 'SIGSTOP');

    const got = collect(there, 'end');
    for (let i = 0; i < 10; i++) {
      here.emit('all', i);
    }
    await ask(here, 'join', 'all of these were taken');

    await redis.run();
    await Redis.joined(a);
    process.kill(pid, 'SIGCONT');
    await Redis.joined(b);
    here.emit('all', 'end');

    return got;
  }));

  for (const list of lists) {
    t.deepIs(list, Array.from({ length: 10 }, (_, i) => i));
  }
});
