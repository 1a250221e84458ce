#!/usr/bin/env node
'use strict';

// One that never reads in a room with many that do, and many that send as
// fast as they can: the others are served as without them, and what they cost
// is bounded.  SOCKETIO_FULL=1, for a release build: a thousand clients, and
// the bounds are what the documentation says.

const fs = require('node:fs');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { SioRaw } = require('./lib/sio_raw');
const { frame } = require('./lib/raw');
const { Flood } = require('./lib/flood');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const READERS = full ? 1000 : 30;
const PAIRS = full ? 40 : 3;             // of windows
const TICKS = full ? 20 : 10;            // in a window
const PACE = full ? 50 : 5;              // msec between them
const FLOODERS = full ? 1000 : 30;
const FLOOD = full ? 30000 : 1500;       // msec
const BUFFER = 256;                      // KB
const PAD = 'x'.repeat(1000);
const MUCH = 'x'.repeat(20000);

// What a sanitizer keeps is not ours to bound.

const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const app = `
  namespace / { authenticate none;
    on connect { join all; }
    on echo    { ack $data; }
    on "*"     { ack null; } }`;

// Of all workers together: KB, and seconds of a processor.

const memory = (ngx) => ngx.workers().reduce((sum, pid) => sum + Number(
  /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`))[1]), 0);

const cpu = (ngx) => ngx.workers().reduce((sum, pid) => {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [utime, stime] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    .slice(11, 13).map(Number);
  return sum + (utime + stime) / 100;
}, 0);

const sorted = (all) => [...all].sort((a, b) => a - b);
const p99 = (all) => sorted(all)[Math.floor(all.length * 0.99)];
const median = (all) => sorted(all)[all.length >> 1];

// Readers that take no time: all events are the same, and so are the bytes
// that arrive of each.

class Reader {
  static async connect(port, delays, times) {
    const { ws: { socket }, id } = await SioRaw.connect(port);
    const size = frame({ mask: false, payload: `42["tick","${PAD}"]` }).length;
    let bytes = 0;
    const reader = { socket, id, got: 0 };

    socket.removeAllListeners('data').on('data', (data) => {
      bytes += data.length;
      while (bytes >= size * (reader.got + 1)) {
        delays.push(performance.now() - times[reader.got++]);
      }
    });

    return reader;
  }
}

for (const policy of ['close', 'drop']) {
  const name = (text) => `${policy}: ${text}`;
  const times = [];
  const delays = [];
  const readers = [];
  const quiet = [];
  const shared = [];
  let before;
  let ngx;
  let slow;

  const drops = async () => {
    const { drops: all } = (await ngx.status()).total;
    return all.slow + all.slow_events;
  };

  // What is on its way to it is little, so that it is soon full, and closed
  // or not: another one comes in its place.

  async function deaf() {
    slow?.close();
    slow = await SioRaw.connect(ngx.ports.deaf);
    slow.ws.socket.on('error', () => {}).pause();

    return slow.id;
  }

  // Events to the room, and as many to a socket alone; how long they took to
  // each reader: the 99th percentile.

  async function window(target) {
    delays.length = 0;

    for (let n = 0; n < TICKS; n++) {
      times.push(performance.now());

      const { body: { results } } = await ngx.emit([
        { event: 'tick', args: [PAD], to: 'all' },
        { event: 'much', args: [MUCH], to: target || 'nobody' }]);

      if (target && !results[1].matched) {
        target = await deaf();
      }
      await sleep(PACE);
    }
    await until(() => readers.every(({ got }) => got === times.length),
      { timeout: 120000 });

    return p99(delays);
  }

  test(name('many read'), async () => {
    ngx = await Nginx.start({ workers: 2, app, ports: ['deaf'], server: `
      listen 127.0.0.1:@deaf@ sndbuf=16k;
      socketio_slow_consumer ${policy};
      socketio_buffer ${BUFFER}k;
      socketio_ping_interval 10m;` });
    while (readers.length < READERS) {
      readers.push(...await Promise.all(Array.from({ length: 10 }, () =>
        Reader.connect(ngx.port, delays, times))));
    }
    await window();
    before = memory(ngx);
  }, { timeout: 300000 });

  // The machine may have other things to do: so in turns, with it and without.

  test(name('one that never reads harms nobody'), async (t) => {
    for (let n = 0; n < PAIRS * 2; n++) {
      if (n % 4 === 0 || n % 4 === 3) {
        quiet.push(await window());
        continue;
      }

      const dropped = await drops();
      const target = await deaf();

      // as full as it gets, or gone

      while (await drops() === dropped) {
        await ngx.emit({ event: 'much', args: [MUCH], to: target });
      }
      shared.push(await window(target));
      slow.close();
      await until(async () => (await ngx.status()).total.sockets
        === readers.length);
    }

    const [alone, beside] = [median(quiet), median(shared)];
    const now = memory(ngx);
    const ms = (all) => all.map((x) => x.toFixed(1)).join(' ');

    t.note(`p99 ${alone.toFixed(2)} ms, with it ${beside.toFixed(2)} ms; `
      + `${before} KB, then ${now} KB`);
    t.note(`without: ${ms(quiet)}`);
    t.note(`with:    ${ms(shared)}`);
    t.ok(beside < (full ? alone * 1.1 : alone * 5 + 3000),
      'the others are served in time');
    t.ok(sanitized || now < before + 2 * BUFFER + 4096 + READERS * 8,
      'it is bounded');
  }, { timeout: 900000 });

  test(name('the end'), async (t) => {
    readers.forEach(({ socket }) => socket.destroy());
    await until(async () => !(await ngx.status()).total.sockets);
    t.ok(true);
  });
}

// Each of a few asks, has its answer, and asks again.

async function asking(witness, waits, going) {
  for (let n = 0; going(); n++) {
    const start = performance.now();

    if (await ask(witness, 'echo', n) !== n) {
      throw new Error(`${n} is not answered`);
    }
    waits.push(performance.now() - start);
    await sleep(50);
  }
}

for (const [what, ...how] of [['events', '42["x",{"a":[1,2,3]}]'],
  ['events with acks', '427["x",{"a":[1,2,3]}]'],
  ['posts of events', '42["x",{"a":[1,2,3]}]', 'polling']]) {
  test(`a flood of ${what}: others are served, and nothing is left`,
    async (t) => {
      const ngx = await Nginx.start({ workers: 2, app,
        server: `
        socketio_limit rate=30r/s burst=60; socketio_max_packets 500;
        socketio_ping_interval 10m; keepalive_requests 1000000000;` });
      const witnesses = await Promise.all(Array.from({ length: 10 }, () =>
        connect(ngx, { transport: 'websocket' })));
      const figures = async () => {
        const { total, zone } = await ngx.status();
        return { refused: total.drops.limit_packets, cpu: cpu(ngx),
                 memory: memory(ngx), chunks: zone.chunks_used };
      };
      const idle = await figures();
      const flood = await Flood.start(ngx.port, FLOODERS, ...how);

      await sleep(FLOOD / 5);

      const before = await figures();
      const end = Date.now() + FLOOD;
      const waits = [];

      await Promise.all(witnesses.map((witness) =>
        asking(witness, waits, () => Date.now() < end)));

      const after = await figures();
      const n = after.refused - before.refused;
      const usec = (after.cpu - before.cpu) / n * 1e6;
      const worst = Math.max(...waits);

      t.note(`${n} refused, ${usec.toFixed(2)} microseconds each; `
        + `${waits.length} answers, p99 ${p99(waits).toFixed(0)} ms, all in `
        + `${worst.toFixed(0)} ms; ${before.memory} KB, then ${after.memory
        } KB`);
      t.ok(n > 1000, `${n} refused`);
      t.ok(worst < 20000, 'the others are served');
      t.ok(usec < (full ? 2 : 100), 'they are cheap');
      t.ok(sanitized || after.memory < before.memory + 8192
        + FLOODERS * 32, 'nothing piles up');
      await flood.stop();

      // what they had sent by then is read first

      await until(async () => (await ngx.status()).total.sockets
        === witnesses.length, { timeout: 240000 });
      await until(async () => (await figures()).chunks === idle.chunks);
      witnesses.forEach((witness) => witness.disconnect());
    }, { timeout: 600000 });
}
