#!/usr/bin/env node
'use strict';

// All sessions of a host are lost at once, because it reloads or ends: each of
// them is left in Redis, and comes back on another host with what it missed.
// What they said last is said.  SOCKETIO_FULL=1: ten times as many.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { SioRaw } = require('./lib/sio_raw');
const { gone } = require('./lib/status');
const { until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const counts = { 1: full ? 10000 : 2000, 4: full ? 8000 : 800 };
const patient = { timeout: full ? 600000 : 120000 };

// So much is stored on each socket that it is far more than the system takes
// at once, and less than what may be on its way to Redis.

const text = 'x'.repeat(full ? 1200 : 3900);

const app = `
  zone 128m;
  recovery 5m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect    { join lobby; set text $auth.text; }
    on disconnect { emit left to elsewhere with $user; }
  }`;
const params = 'adapter=streams maxlen=100000';
const main = 'worker_shutdown_timeout 1s;';

let redis, db, a, b;

const left = async () => Number(await db.eval(
  "return #redis.call('KEYS', 'sio:session:*')"));

// Many, some at a time: { sio, pid, id }.

async function crowd(host, n) {
  const all = [];

  await Promise.all(Array.from({ length: 20 }, async (_, at) => {
    for (let i = at; i < n; i += 20) {
      const sio = await SioRaw.connect(host.port, { join: false });
      const auth = { user: `u${i}`, text };

      const { data } = await sio.join('/', auth);

      all.push({ sio, auth, ...data });
    }
  }));
  await b.emit({ event: 'n', to: 'lobby', data: 1 });
  await Promise.all(all.map(async (one) => {
    [, , one.offset] = await one.sio.nextEvent();
  }));

  return all;
}

// Who said that he left, behind the last number.

async function parted() {
  const entries = await db.xRange('socket.io', '-', '+');
  const text = entries.map(({ message }) => message.data);
  const at = text.findLastIndex((data) => data.includes('"n"'));

  return text.slice(at).flatMap((data) =>
    /"left","(\w+)"/.exec(data)?.[1] || []).sort();
}

async function claim({ auth: { user }, pid, offset }) {
  const sio = await SioRaw.connect(b.port, { join: false });
  const missed = [];

  await sio.send(`40${JSON.stringify({ user, pid, offset })}`);
  for (;;) {
    const { type, data } = await sio.next();

    if (type === 0) {
      sio.close();
      return { sid: data.sid, missed };
    }
    missed.push(data.slice(0, 2));
  }
}

async function claimed(t, all) {
  await b.emit({ event: 'n', to: 'lobby', data: 2 });

  for (const [i, one] of all.entries()) {
    if (i % Math.ceil(all.length / 100) === 0) {
      t.deepIs(await claim(one), { sid: one.sid, missed: [['n', 2]] });
    }
  }
}

for (const workers of [1, 4]) {
  const what = (name) => `${name}, ${workers} workers`;
  const count = counts[workers];
  let all;

  test(what('two hosts are joined'), async () => {
    redis = await Redis.start();
    db = await redis.client();
    a = await redis.nginx({ app, params, main, workers,
                            connections: 2 * count + 512 });
    b = await redis.nginx({ app, params, workers,
                            connections: 2 * count + 512 });
  }, patient);

  test(what('old workers of a reload end: all is left'), async (t) => {
    all = await crowd(a, count);
    t.is(await left(), 0);
    await a.reload();
    await until(() => a.oldWorkers().length === 0,
                { what: 'old workers are gone', timeout: 60000 });
    t.is(await left(), count);

    const { total } = await a.status();

    t.note(`longest turns: ${/loop turn of \d+ ms/.exec(a.log())
      ?.join() || 'short'}, ${total.longest_turn_msec} ms`);
    t.is(total.redis.dropped, 0);
    await claimed(t, all);
    all.forEach(({ sio }) => sio.close());
    await gone(b);
    await db.flushAll();
  }, patient);

  const signal = workers === 1 ? 'SIGTERM' : 'SIGQUIT';

  test(what(`the host ends by ${signal}: all is left`), async (t) => {
    all = await crowd(a, count);
    process.kill(a.master, signal);
    await a.exited;
    await a.stop();
    t.is(await left(), count);
    t.deepIs(await parted(), all.map(({ auth }) => auth.user).sort(),
             'each said its last event once');
    await claimed(t, all);
    all.forEach(({ sio }) => sio.close());
    await b.stop();
  }, patient);
}
