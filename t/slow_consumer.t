#!/usr/bin/env node
'use strict';

// One that never reads in a room with many that do, and many that send as
// fast as they can: the others are served as without them, and what they cost
// is bounded.  SOCKETIO_FULL=1: a thousand clients, for half a minute.

const fs = require('node:fs');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { SioRaw } = require('./lib/sio_raw');
const { frame } = require('./lib/raw');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const READERS = full ? 1000 : 30;
const EMITS = full ? 600 : 60;
const FLOODERS = full ? 1000 : 30;
const FLOOD = full ? 30000 : 1500;       // msec
const BUFFER = 256;                      // KB
const PAD = 'x'.repeat(full ? 2000 : 20000);

// What a sanitizer keeps is not ours to bound.

const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const app = `
  namespace / { authenticate none;
    on connect { join all; }
    on whoami  { ack $pid; }
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

const p99 = (all) => all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)];

for (const policy of ['close', 'drop']) {
  const name = (text) => `${policy}: ${text}`;
  let ngx;
  let readers;
  let quiet;
  let slow;

  // Emits to the room; how long each took to each reader, the 99th percentile.

  async function round() {
    const delays = [];

    await Promise.all([(async () => {
      for (let n = 0; n < EMITS; n++) {
        await ngx.emit({ event: 'tick', args: [Date.now(), PAD] });
        await sleep(2);
      }
    })(), ...readers.map(async (reader) => {
      for (let n = 0; n < EMITS; n++) {
        const [, sent] = await reader.nextEvent(120000);
        delays.push(Date.now() - sent);
      }
    })]);

    return p99(delays);
  }

  test(name('many read'), async (t) => {
    ngx = await Nginx.start({ workers: 2, app, server: `
      socketio_slow_consumer ${policy};
      socketio_buffer ${BUFFER}k;
      socketio_ping_interval 10m;` });
    readers = [];
    while (readers.length < READERS) {
      readers.push(...await Promise.all(Array.from({ length: 20 }, () =>
        SioRaw.connect(ngx.port))));
    }
    await round();
    quiet = { p99: await round(), memory: memory(ngx) };
    t.note(`p99 ${quiet.p99} ms, ${quiet.memory} KB`);
  }, { timeout: 300000 });

  test(name('one that never reads harms nobody'), async (t) => {
    slow = await SioRaw.connect(ngx.port);
    slow.ws.socket.pause();
    slow.ws.socket.on('error', () => {});

    const drops = async () => (await ngx.status()).total.drops;
    const gone = async () => (policy === 'close' ? (await drops()).slow
      : (await drops()).slow_events) > 0;

    // How much the system takes on the way is not ours to bound.

    for (let n = 0; n < 50 && !await gone(); n++) {
      await round();
    }
    t.ok(await gone());

    const now = { p99: await round(), memory: memory(ngx) };

    t.note(`p99 ${now.p99} ms, ${now.memory} KB`);
    t.ok(now.p99 < quiet.p99 * 5 + 500, 'the others are served in time');
    t.ok(sanitized || now.memory < quiet.memory + 2 * BUFFER + 4096,
      'it is bounded');
    t.is((await ngx.status()).total.sockets,
      readers.length + (policy === 'drop' ? 1 : 0));
  }, { timeout: 600000 });

  test(name('the end'), async (t) => {
    slow.close();
    readers.forEach((reader) => reader.close());
    await until(async () => !(await ngx.status()).total.sockets);
    t.ok(true);
  });
}

// As many frames as fit, of one event each.

const shot = (text) => Buffer.concat(Array(500).fill(frame({ payload: text,
  mask: [1, 2, 3, 4] })));

for (const [what, bytes] of [['events', shot('42["x",{"a":[1,2,3]}]')],
  ['events with acks', shot('427["x",{"a":[1,2,3]}]')]]) {
  test(`a flood of ${what}: others are served, and nothing is left`,
    async (t) => {
      const ngx = await Nginx.start({ workers: 2, app,
        server: 'socketio_limit rate=10r/s burst=20;' });
      const witness = await connect(ngx, { transport: 'websocket' });
      const refused = async () => (await ngx.status()).total.drops
        .limit_packets;
      const all = [];

      while (all.length < FLOODERS) {
        all.push(...await Promise.all(Array.from({ length: 20 }, () =>
          SioRaw.connect(ngx.port))));
      }

      // What is sent back is read, and no more is made of it.

      let over = false;
      const write = (socket) => {
        while (!over && !socket.destroyed && socket.write(bytes));
      };
      const flood = () => {
        over = false;
        all.forEach(({ ws: { socket } }) => {
          socket.removeAllListeners('data').removeAllListeners('drain')
            .on('data', () => {}).on('drain', () => write(socket));
          write(socket);
        });
      };

      flood();
      await sleep(FLOOD / 5);
      const before = { refused: await refused(), cpu: cpu(ngx),
                       memory: memory(ngx), time: Date.now() };
      let worst = 0;

      while (Date.now() < before.time + FLOOD) {
        const start = Date.now();
        await ask(witness, 'whoami');
        worst = Math.max(worst, Date.now() - start);
        await sleep(120);
      }

      const n = await refused() - before.refused;
      const usec = (cpu(ngx) - before.cpu) / n * 1e6;

      over = true;
      t.note(`${n} refused, ${usec.toFixed(2)} microseconds each; the witness `
        + `waited ${worst} ms; ${before.memory} KB, then ${memory(ngx)} KB`);
      t.ok(n > 1000, `${n} refused`);
      t.ok(worst < 20000, 'the witness is served');
      t.ok(usec < 100, 'they are cheap, also in a build for debugging');
      t.ok(sanitized || memory(ngx) < before.memory + 8192 + FLOODERS * 32,
        'nothing piles up');
      all.forEach(({ ws: { socket } }) => socket.destroy());
      await until(async () => (await ngx.status()).total.sockets === 1);
      witness.disconnect();
    }, { timeout: 300000 });
}
