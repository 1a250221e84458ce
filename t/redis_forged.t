#!/usr/bin/env node
'use strict';

// Whoever can write to Redis can pretend to be a host, and is trusted in what
// he says; but nothing that he writes holds a worker, grows without a bound or
// stays for ever.

const { test } = require('./lib/tap');
const { forged, item } = require('./lib/forged');
const { Redis } = require('./lib/redis');
const { ask, connect } = require('./lib/clients');
const { until } = require('./lib/wait');

const channel = 'socket.io-hosts#campus#';
const places = 1024;
const app = `
  presence grace=100ms;
  namespace / {
    authenticate insecure user=$auth.name;
    on echo { ack null; }
    on in { check in $data; ack null; }
    on online {}
    on offline {}
  }`;

for (const workers of [1, 3]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  let redis, client, ngx, ann;

  const total = async () => (await ngx.status()).total;
  const peers = async () => (await ngx.status()).hosts.peers;
  const say = (...message) => client.publish(channel, forged(...message));

  // All that was published is done, and nobody had to wait for long.

  const calm = async (t, what) => {
    let slowest = 0;

    for (let n = 0; n < 10; n++) {
      const start = Date.now();

      await ask(ann, 'echo');
      slowest = Math.max(slowest, Date.now() - start);
    }
    const { longest_turn_msec: longest } = await total();

    t.note(`${what}: longest turn ${longest} ms, slowest answer `
      + `${slowest} ms`);
    t.ok(longest < 1500, `no long turn: ${longest} ms`);
  };

  fact('a host is there', async (t) => {
    redis = await Redis.start();
    client = await redis.client();
    ngx = await redis.nginx({ app: `\nzone 32m;\n${app}`, workers,
      params: 'heartbeat=500ms' });
    ann = await connect(ngx, { auth: { name: 'ann' } });
    await until(async () => (await ngx.status()).hosts.ready);
    t.ok(true);
  });

  fact('it tells all anew, thousands of times', async (t) => {
    const pairs = Array.from({ length: 30000 }, () =>
      [item.begin, item.on('bob'), item.end]).flat().slice(0, 9000);

    // users in the directory, which has to be walked over

    for (let sequence = 1; sequence <= 20; sequence++) {
      await say({ host: 5, sequence }, ...Array.from({ length: 2000 },
        (_, n) => item.on(`user ${sequence * 2000 + n}`)));
    }
    for (let n = 0; n < 40; n++) {

      // a gap before each: it is not taken for a repeat

      await say({ host: 5, sequence: 100 + 2 * n }, ...pairs);
    }
    await until(async () => (await peers()).some(({ users }) => users === 1));
    await calm(t, 'begin and end');
  });

  fact('it asks without an end', async (t) => {
    const before = (await total()).redis.published;

    for (let n = 0; n < 500; n++) {
      await say({ host: 5, sequence: 300 + n }, item.ask, item.ask, item.ask);
    }
    await calm(t, 'ask');

    const { published } = (await total()).redis;

    t.ok(published - before < 500, `it was told ${published - before} times`);
  });

  fact('hosts that come and go', async (t) => {
    for (let host = 10000; host < 13000; host++) {
      client.publish(channel, forged(host, item.on('x'), item.bye));
    }
    await say({ host: 5, sequence: 2000 });
    await calm(t, 'come and go');
    t.ok(ngx.log().split('\n').filter((line) => /of host/.test(line)).length
      < 1500, 'not each is told of in the log');
  });

  fact('hosts that take all places keep them for three heartbeats',
    async (t) => {
      const before = (await total()).redis.malformed;

      for (let host = 20000; host < 20000 + 2 * places; host++) {
        client.publish(channel, forged({ host, beat: 600000 },
          item.on(`y${host}`)));
      }
      await until(async () => (await total()).redis.malformed > before,
        { what: 'those above the bound are refused' });
      t.ok((await peers()).length <= places, 'there are no more places');
      t.ok(/was refused: too many workers/.test(ngx.log()), 'the log says so');
      await until(async () => (await peers()).length < 10,
        { what: 'who is not heard again is gone' });
      await calm(t, 'all places');

      const other = await redis.nginx({ app, params: 'heartbeat=500ms' });

      await until(async () => (await peers()).some(({ synced, ready }) =>
        synced && ready), { what: 'a real one finds a place' });
      await other.stop();
    });

  fact('a message of many megabytes, a slot that there is not', async (t) => {
    const before = (await total()).redis.malformed;

    await say({ host: 6 }, Buffer.alloc(16 << 20, item.begin));
    await say({ host: 6, slot: 128 }, item.begin);
    await until(async () => (await total()).redis.malformed === before + 2);
    await calm(t, 'megabytes');
  });

  fact('a grant of the future is none', async (t) => {
    const call = (name, body) => ngx.get(`/api/${name}`, { method: 'POST',
      body: JSON.stringify(body), agent: ngx.agent });
    const before = (await total()).redis.malformed;
    const never = 2n ** 64n - 1n;

    await say({ host: 8 },
      item.grant('ann', 'r1', { stamp: never }),
      item.grant('ann', 'r2', { left: never, stamp: Date.now() }));
    await until(async () => await ask(ann, 'in', 'r2') === null,
      { what: 'what is behind it is taken' });
    t.is((await total()).redis.malformed, before + 1);
    t.is((await ask(ann, 'in', 'r1')).code, 'forbidden');

    t.is((await call('leave', { user: 'ann', rooms: 'r2' })).status, 200);
    await until(async () => await ask(ann, 'in', 'r2') !== null,
      { what: 'and may be taken back' });
  });

  fact('all workers live', async (t) => {
    t.is(ngx.workers().length, workers);
    t.ok(!/exited on signal/.test(ngx.log()));
    ann.disconnect();
  });
}
