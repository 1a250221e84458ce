#!/usr/bin/env node
'use strict';

// A message of a megabyte to many who do not read it: the workers have one
// copy of it and not one for each, others are answered meanwhile, and all get
// all of it when they read.  SOCKETIO_FULL=1: a thousand members.

const fs = require('node:fs');
const { test, note } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { SioRaw } = require('./lib/sio_raw');
const { frame } = require('./lib/raw');
const { until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const MEMBERS = full ? 1000 : 80;
const ROUNDS = full ? 2 : 3;
const SIZE = full ? 1000000 : 500000;
const ECHOES = 20;                       // of each round
const SLOW = full ? 250 : 2000;          // msec, for the median echo

// What a sanitizer keeps is not ours to bound.

const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const text = 'x'.repeat(SIZE);
const bytes = frame({ mask: false, payload: `42["much","${text}"]` }).length;

const memory = (ngx) => ngx.workers().reduce((sum, pid) => sum + Number(
  /^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`))[1]), 0)
  * 1024;

const MB = (n) => `${(n / 1e6).toFixed(1)} MB`;

async function member(ngx) {
  const { ws: { socket } } = await SioRaw.connect(ngx.ports.small);
  const reader = { socket, got: 0 };

  socket.removeAllListeners('data').on('data', (data) => {
    reader.got += data.length;
  }).pause();

  return reader;
}

for (const workers of full ? [2] : [1, 4]) {
  const name = (what) => `${workers} workers: ${what}`;
  const members = [];
  const delays = [];
  let ngx;
  let other;
  let before;

  // How long others wait for an answer: the median of these echoes.

  async function echoes() {
    for (let n = 0; n < ECHOES; n++) {
      const begun = performance.now();

      await other.event({ nsp: '/other', id: n }, 'echo', n);
      await other.next();
      delays.push(performance.now() - begun);
    }
  }

  const slow = () => delays.splice(0).sort((a, b) => a - b)
    .find((_, n, { length }) => n >= length >> 1);

  test(name(`${MEMBERS} join, and do not read`), async () => {
    ngx = await Nginx.start({ workers, ports: ['small'], app: `
      zone 64m;
      namespace / { authenticate none; on connect { join all; } }
      namespace /other { authenticate none; on echo { ack $data; } }`,
    server: `
      listen 127.0.0.1:@small@ sndbuf=16k;
      client_max_body_size 2m;
      socketio_buffer 8m;
      socketio_ping_interval 10m;` });
    other = await SioRaw.connect(ngx.port, { nsp: '/other' });

    while (members.length < MEMBERS) {
      members.push(await member(ngx));
    }
    before = memory(ngx);
  });

  test(name('others are answered, one copy is kept'), async (t) => {
    for (let n = 0; n < ROUNDS; n++) {
      const [{ body }] = await Promise.all([
        ngx.emit({ event: 'much', data: text, to: 'all' }), echoes()]);

      t.is(body.matched, MEMBERS);
    }

    const grown = memory(ngx) - before;
    const delay = slow();

    note(`${ROUNDS} of ${MB(SIZE)} to ${MEMBERS}: memory grows by ${
      MB(grown)}, echoes take ${delay.toFixed(1)} ms`);
    t.ok(delay < SLOW, `an echo takes ${delay} ms`);

    // one for each worker, one in the zone; buffers that a turn was done in

    t.ok(sanitized
      || grown < (ROUNDS * (workers + 1) + 4 * workers) * SIZE
         + MEMBERS * 16384, `memory grows by ${MB(grown)}`);
  });

  test(name('they read, and get all of it'), async (t) => {
    members.forEach(({ socket }) => socket.resume());

    await Promise.all([echoes(),
      until(() => members.every(({ got }) => got >= ROUNDS * bytes),
        { timeout: 120000, what: 'all is read' })]);

    const delay = slow();
    const { total } = await ngx.status();

    note(`echoes take ${delay.toFixed(1)} ms, the longest turn ${
      total.longest_turn_msec} ms`);
    t.ok(delay < SLOW, `an echo takes ${delay} ms`);
    members.forEach(({ got }) => t.is(got, ROUNDS * bytes));
    t.is(total.drops.slow, 0);

    members.forEach(({ socket }) => socket.destroy());
    other.close();
  });
}
