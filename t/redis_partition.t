#!/usr/bin/env node
'use strict';

// The network between hosts and Redis loses packets and says nothing: what is
// local goes on as before, all is whole within 2 s of the network's return,
// and what was kept meanwhile comes once.

const { test } = require('./lib/tap');
const { Network } = require('./lib/network');
const { Redis } = require('./lib/redis');
const { ask, connect } = require('./lib/clients');
const { sleep, until } = require('./lib/wait');

const app = `
  presence grace=100ms;
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { join room; }
    on all { emit got to all except self with $data; }
    on echo { ack null; }
    on is { check online $data; ack null; }
    on online {}
    on offline {}
  }`;

const workers = 2;
const heartbeat = 400;

// A worker that waits for the network is held for longer; one that has to
// wait for the machine is not.

const held = 2000;
let network;

// Two hosts: here has ann and near, there has bob.

class Cluster {
  static async start(adapter) {
    const cluster = new Cluster();
    const redis = cluster.redis = await Redis.start([], network.at('redis'));

    [cluster.a, cluster.b] = await Promise.all(['a', 'b'].map(async (name) =>
      redis.nginx({ app, workers, ...network.at(name),
        server: 'socketio_buffer 64m;',
        address: await network.way(name, 'redis', redis.port),
        params: `adapter=${adapter} heartbeat=${heartbeat}ms` })));

    cluster.here = await connect(cluster.a, { auth: { name: 'ann' } });
    cluster.near = await connect(cluster.a, { auth: { name: 'ned' } });
    cluster.there = await connect(cluster.b, { auth: { name: 'bob' } });
    cluster.got = { near: [], there: [], here: [] };

    for (const name of ['near', 'there', 'here']) {
      cluster[name].on('got', (n) => cluster.got[name].push(n));
    }
    cluster.sent = 0;
    await Redis.acquainted([cluster.a, cluster.b]);

    return cluster;
  }

  // here tells numbers, there tells -1, -2, ...

  tell() {
    this.here.emit('all', this.sent++);
    this.there.emit('all', -this.sent);
  }

  sees(socket, user) {
    return ask(this[socket], 'is', user).then((error) => error === null);
  }

  // Msec until what is said from now on arrives, on both, and each knows who
  // is there.

  async whole() {
    const start = Date.now();
    const first = this.sent;

    await until(() => {
      this.tell();
      return this.got.there.some((n) => n >= first)
        && this.got.here.some((n) => n < -first);
    }, { what: 'each hears the other', every: 25 });
    const heard = Date.now() - start;

    await until(async () => await this.sees('here', 'bob')
      && await this.sees('there', 'ann'), { what: 'both know who is there' });

    return { heard, seen: Date.now() - start };
  }

  // Both tell every 25 ms, and local clients get answers: { slowest, first },
  // the longest time an answer took, and the first number told behind the
  // first second, in which something may have been on its way.

  async during(msec) {
    const start = Date.now();
    const result = { slowest: 0, first: 0 };

    while (Date.now() < start + msec) {
      const asked = Date.now();

      this.tell();
      await Promise.all([ask(this.here, 'echo'), ask(this.there, 'echo')]);
      result.slowest = Math.max(result.slowest, Date.now() - asked);

      if (!result.first && Date.now() > start + 1500) {
        result.first = this.sent;
      }
      await sleep(25);
    }

    return result;
  }

  async end() {
    [this.here, this.near, this.there].forEach((s) => s.disconnect());
    await Promise.all([this.a.stop(), this.b.stop()]);
  }
}

const rising = (list) => list.every((n, i) => i === 0 || n > list[i - 1]);

// 2 s, and as much as a busy machine takes beside: what local answers took.

function soon(t, what, msec, slowest) {
  t.note(`${what}: ${msec} ms after the network; slowest local answer `
    + `${slowest} ms`);
  t.ok(msec < 3000 + 10 * slowest, `${what} within 2 s: ${msec}`);
}

async function longest(t, ...hosts) {
  for (const ngx of hosts) {
    const msec = (await ngx.status()).total.longest_turn_msec;

    t.note(`longest turn: ${msec} ms`);
    t.ok(msec < held, `no worker was held: ${msec}`);
  }
}

// The network is whole again, whatever becomes of run().

async function without(name, run) {
  network.cut(name);
  try {
    return await run();
  } finally {
    network.heal(name);
  }
}

test('a network of three', async (t) => {
  network = await Network.start(['redis', 'a', 'b']);
  t.note(network.real ? 'network namespaces' : 'proxies');
  t.ok(true);
});

for (const adapter of ['classic', 'sharded', 'streams']) {
  const fact = (text, run) => test(`${adapter}: ${text}`, run);
  let cluster;

  fact('two hosts are joined', async (t) => {
    cluster = await Cluster.start(adapter);
    await cluster.whole();
    t.ok(true);
  });

  fact('Redis is out of reach of both', async (t) => {
    const { got } = cluster;
    let offline, slowest, first, last;

    await without('redis', async () => {
      const start = Date.now();
      const watch = until(async () => !await cluster.sees('here', 'bob')
        && !await cluster.sees('there', 'ann'), { what: 'both are alone' })
        .then(() => { offline = Date.now() - start; });

      ({ slowest, first } = await cluster.during(4500));
      last = cluster.sent;
      await watch;
      await until(() => got.near.includes(last - 1));
    });
    const { heard, seen } = await cluster.whole();

    t.note(`users of the other host are offline after ${offline} ms`);
    t.ok(offline > 2 * heartbeat, 'not before three heartbeats');
    t.ok(offline < 3 * heartbeat + 1500 + 10 * slowest, 'soon after them');
    t.ok(slowest < held, `nobody waits: ${slowest} ms`);
    soon(t, 'each hears the other', heard, slowest);
    soon(t, 'each sees the other', seen, slowest);

    const kept = (list) => list.filter((n) => n >= first && n < last).length;

    t.is(kept(got.near), last - first, 'local delivery went on');
    t.is(kept(got.there), last - first, 'what was kept came once');
    t.is(kept(got.here.map((n) => -n - 1)), last - first, 'and on the other');
    t.ok(rising(got.near.filter((n) => n >= 0)) && rising(got.there)
      && rising(got.here.map((n) => -n)), 'nothing twice, all in order');
    t.deepIs((await Promise.all([cluster.a, cluster.b].map((ngx) =>
      ngx.status()))).map(({ total }) => total.redis.dropped), [0, 0]);
    await longest(t, cluster.a, cluster.b);
  });

  // So long that TCP is about to wait for seconds before it tries again.

  for (const msec of adapter === 'classic' ? [1000, 3200] : []) {
    fact(`one host is cut off for ${msec} ms`, async (t) => {
      const { got } = cluster;

      const { slowest } = await without('a', () => cluster.during(msec));
      const { heard, seen } = await cluster.whole();

      soon(t, 'each hears the other', heard, slowest);
      soon(t, 'each sees the other', seen, slowest);
      t.ok(rising(got.there) && rising(got.here.map((n) => -n)),
        'nothing twice, all in order');
    });
  }

  if (adapter === 'classic') {
    fact('Redis counts no host twice afterwards', async (t) => {
      await cluster.redis.counted(2);
      t.ok(true);
    });

    fact('what is kept has a bound: the oldest is dropped', async (t) => {
      const text = 'x'.repeat(900000);
      const big = [];

      cluster.there.on('got', ({ n }) => n !== undefined && big.push(n));

      // what is said first may be on its way: what is behind is kept

      await without('a', async () => {
        await cluster.during(1500);
        for (let n = 0; n < 30; n++) {
          cluster.here.emit('all', { n, text });
          await ask(cluster.here, 'echo');
        }
      });
      await until(() => big.includes(29), { what: 'the last one comes' });

      const { dropped } = (await cluster.a.status()).total.redis;

      t.ok(big.length < 30 && big.length > 10, `${big.length} came`);
      t.deepIs(big, Array.from({ length: big.length }, (_, i) =>
        30 - big.length + i), 'the newest, in order');
      t.ok(dropped >= 30 - big.length, `${dropped} are counted`);
      await longest(t, cluster.a, cluster.b);
    });
  }

  fact('it ends', async (t) => {
    await cluster.end();
    t.ok(true);
  });
}
