#!/usr/bin/env node
'use strict';

// Clients that come and go, over all transports and with all manners, leave
// no memory behind, in workers and zone.  SOCKETIO_CYCLES=100000: more.

const fs = require('node:fs');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { SioRaw } = require('./lib/sio_raw');
const { gone } = require('./lib/status');

const cycles = Number(process.env.SOCKETIO_CYCLES) || 2000;
const patient = { timeout: 240000 + cycles * 60 };
const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { join lobby "own:$user"; emit hello to self; set x $auth; }
    on disconnect { emit left to nobody; }
    on say { join "r:$.n"; relay to lobby; emit echo to self with $args; }
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_ping_interval 2s;
                         socketio_ping_timeout 6s; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

let ngx, before;

// KB that are this process's, shared pages in part.

function pss(pid) {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');

  return Number(/^Pss_Anon:\s+(\d+)/m.exec(text)[1]);
}

const memory = () => ngx.workers().map(pss);

// How a client goes: with a word, without, or before it was in.

async function cycle(n) {
  const manner = n % 12;
  const transport = manner % 2 ? 'polling' : 'websocket';
  const sio = await SioRaw.connect(ngx.port, { transport,
    join: manner < 10, auth: { name: `u${n % 50}` } });

  if (manner < 10) {
    await sio.next();
    await sio.event({ id: 1 }, 'say', { n, b: Buffer.alloc(n % 2000) });
    if (manner === 5 || manner === 9) {
      await sio.upgrade();
    }
    while ((await sio.next()).type !== 3);
  }
  if (manner % 4 < 2) {
    await sio.send('1');
  }
  sio.close();
}

async function churn(count) {
  let left = count;

  await Promise.all(Array.from({ length: 10 }, async () => {
    while (left-- > 0) {
      await cycle(left);
    }
  }));
  await gone(ngx);
}

test('clients come and go', async () => {
  ngx = await Nginx.start({ workers: 2, app, locations });
  await churn(Math.max(2000, cycles / 10));
  before = { memory: memory(), zone: (await ngx.status()).zone };
}, patient);

test('many more leave no memory behind', async (t) => {
  await churn(cycles);
  const after = memory();
  t.note(`KB before: ${before.memory}, after: ${after}`);
  if (!sanitized) {
    after.forEach((kb, n) => t.ok(kb < before.memory[n] + 600,
      `worker ${n}: ${before.memory[n]} KB, then ${kb} KB`));
  }
}, patient);

test('and nothing in the zone', async (t) => {
  const { zone, total } = await ngx.status();
  t.is(zone.cells_used, before.zone.cells_used);
  t.is(zone.chunks_used, before.zone.chunks_used);
  t.is(zone.full, 0);
  t.is(total.opened, total.closed);
});
