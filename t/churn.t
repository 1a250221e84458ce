#!/usr/bin/env node
'use strict';

// Clients that come and go, over all transports and with all manners, leave
// no memory behind, in workers and zone.  SOCKETIO_CYCLES=100000: more.
//
// SOCKETIO_MINUTES=60: for so long, at a modest rate, with one nginx that is
// reloaded each minute and another that never is; what the workers, which are
// of the same age each time, the master and the zone have is flat.

const fs = require('node:fs');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { SioRaw } = require('./lib/sio_raw');
const { gone } = require('./lib/status');
const { sleep, until } = require('./lib/wait');

const cycles = Number(process.env.SOCKETIO_CYCLES) || 2000;
const patient = { timeout: 240000 + cycles * 60 };
const minutes = Number(process.env.SOCKETIO_MINUTES) || 0;
const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { join lobby "own:$user"; emit hello to self; set x $auth; }
    on disconnect { emit left to nobody; }
    on say { join "r:$.n"; relay to lobby; emit echo to self with $args; }
    on leave { leave "r:$.n"; ack null; }
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_ping_interval 2s;
                         socketio_ping_timeout 6s; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
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

async function cycle(n, { port } = ngx) {
  const manner = n % 12;
  const transport = manner % 2 ? 'polling' : 'websocket';
  const sio = await SioRaw.connect(port, { transport,
    join: manner < 10, auth: { name: `u${n % 50}` } });

  try {
    await spoken(sio, n, manner);
  } finally {
    sio.close();
  }
}

async function spoken(sio, n, manner) {
  if (manner < 10) {
    await sio.next();
    await sio.event({ id: 1 }, 'say', { n, b: Buffer.alloc(n % 2000) });
    if (manner === 5 || manner === 9) {
      await sio.upgrade();
    }
    while ((await sio.next()).type !== 3);
    await sio.event({ id: 2 }, 'leave', { n });
    while ((await sio.next()).id !== 2);
  }
  if (manner % 4 < 2) {
    await sio.send('1');
  }
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

// For long: a line of figures for each minute, when nobody is there.  What a
// young worker has depends on whom it happened to get; so the middle figure of
// the last quarter must not be above all of the first half.

const whole = { workers: 2, locations, app: `
  zone 16m;
  mailbox ttl=3s;
  presence grace=1s keep=3s;
  recovery 3s;
  ${app}` };

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

async function figures(server) {
  const { zone } = await server.status();
  const workers = server.workers();
  const pids = [server.master, ...workers];

  return { master: pss(server.master), worker: Math.max(...workers.map(pss)),
           files: Math.max(...pids.map(descriptors)),
           cells: zone.cells_used, chunks: zone.chunks_used,
           blocks: zone.store.blocks_used, processes: server.oldWorkers()
             .length + workers.length };
}

async function minute(server, at, reloaded) {
  const end = Date.now() + 45000;
  let n = at * 100000;

  await Promise.all([reloaded && sleep(20000).then(() => server.reload()),
    ...Array.from({ length: 10 }, async () => {
      while (Date.now() < end) {
        server.cycles += 1;
        await cycle(n++, server).then(() => server.emit({ event: 'news',
          user: `u${n % 50}`, data: n, mailbox: n % 5 === 0 }))
          .catch((error) => { server.failed.push(error.message); });
        await sleep(300);
      }
    })]);
  await gone(server);
  await until(async () => server.oldWorkers().length === 0,
    { what: 'old workers end', timeout: 60000 });
  await sleep(5000);

  return figures(server);
}

const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];

async function long(t, reloaded) {
  const server = await Nginx.start(whole);
  const end = Date.now() + minutes * 60000;
  const rows = [];

  Object.assign(server, { cycles: 0, failed: [] });

  while (Date.now() < end || rows.length < 4) {
    rows.push(await minute(server, rows.length, reloaded));
    t.note(`${reloaded ? 'reloaded' : 'calm'} ${JSON.stringify(rows.at(-1))}`);
  }

  t.note(`${server.cycles} cycles, ${server.failed.length} failed: ${
    [...new Set(server.failed)]}`);
  t.ok(server.failed.length * 100 <= server.cycles, 'few fail');

  for (const name of Object.keys(rows[0])) {
    const part = (n) => middle(rows.slice(rows.length * n / 4,
      rows.length * (n + 1) / 4).map((row) => row[name]));
    const allowed = { master: 100, worker: 100, chunks: 2 }[name] ?? 0;

    t.note(`${name}: ${[0, 1, 2, 3].map(part)}`);
    const most = Math.max(...rows.slice(0, rows.length >> 1)
      .map((row) => row[name]));

    t.ok(part(3) <= most + allowed, `${name}: ${most}, then ${part(3)}`);
  }
}

if (minutes) {
  test(`${minutes} minutes leave nothing behind`, (t) =>
    Promise.all([long(t, true), long(t, false)]),
  { timeout: minutes * 60000 + 600000 });
}
