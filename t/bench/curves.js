#!/usr/bin/env node
'use strict';

// How what things cost depends on how many there are: one table each.
//
//   node t/bench/curves.js [--quick] [CURVE...]
//
//   heartbeat  20,000 idle connections: CPU at the usual ping interval
//   members    of a room: CPU and latency of a delivery, memory of a member
//   rooms      what an emit to one of so many costs, and their memory
//   user       sockets of one user: CPU of an emit to him, and of a delivery
//   workers    1, 2, 4: CPU of a delivery, and of an emit to nobody
//
// --quick: without the largest of each.  What rooms cost by themselves, also
// with 100,000 members, is told by t/bench/room.

process.env.SOCKETIO_BUILD ||= 'build/release';

const { load, ours } = require('./servers');
const { RawWs } = require('../lib/raw');
const { until } = require('../lib/wait');

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const wanted = args.filter((arg) => !arg.startsWith('--'));
const seconds = quick ? 1 : 3;
const largest = (list) => (quick ? list.slice(0, -1) : list);

const app = (rules) => `
  zone ${quick ? 64 : 256}m;
  namespace / {
      authenticate insecure user=$auth.user;
      ${rules}
  }`;

// Nobody answers pings here.

const limits = { http: 'keepalive_requests 1000000000;',
  server: 'socketio_ping_interval 10m;' };

function table(title, columns) {
  const line = (cells) => console.log(cells.map((cell) =>
    String(cell).padStart(16)).join(''));

  console.log(`\n${title}`);
  line(columns);

  return (...cells) => line(cells.map((cell) =>
    (typeof cell === 'number' && !Number.isInteger(cell)
      ? cell.toFixed(2) : cell)));
}

const memory = (server) => server.ngx.pss();

// A connected socket, whose answers are counted and not read.

async function socket(port, auth = { user: 'u' }) {
  const ws = await RawWs.connect(port);

  await ws.nextMessage();
  await ws.sendText(`40${JSON.stringify(auth)}`);
  await ws.nextMessage();

  return ws;
}

async function heartbeat() {
  const row = table('idle connections at the usual ping interval (25 s)',
    ['connections', '% of a core', 'pings', 'usec per ping']);

  for (const count of largest([2000, 20000])) {
    const server = await ours({ connections: 24000 });
    const each = Math.round(count / 2 / 1.02);
    const idle = (time) => load(server, ['idle', '--connections', each,
      '--seconds', time]);

    // the second one measures when all of the first are there

    const first = idle(quick ? 60 : 100);
    await until(async () => (await server.ngx.status()).total.sockets
      >= each, { timeout: 60000, what: 'the first half is connected' });

    const before = await server.ngx.status();
    const result = await idle(quick ? 25 : 75);

    await first;
    row(before.total.sockets * 2, result.cpu / result.seconds * 100,
      Math.round(count * result.seconds / 25),
      result.cpu * 1e6 / (count * result.seconds / 25));
    await server.stop();
  }
}

async function members() {
  const row = table('members of a room, a broadcast at a time',
    ['members', 'usec/delivery', 'p50 ms', 'p99 ms', 'bytes/member']);

  for (const count of largest([10, 100, 1000, 10000])) {
    const server = await ours();
    const idle = await load(server, ['idle', '--connections', count,
      '--seconds', 0.1]);

    await until(async () => (await server.ngx.status()).total.sockets === 0,
      { what: 'the idle ones are gone' });

    const result = await load(server, ['broadcast', '--connections', count,
      '--seconds', seconds]);

    row(count, result.usec, result.p50, result.p99, Math.round(idle.bytes));
    await server.stop();
  }
}

const emit = (server, to) => load(server, ['emit', '--connections', 16,
  '--seconds', seconds, ...server.emit, '--to', to]);

async function rooms() {
  const row = table('rooms, one member each',
    ['rooms', 'usec/emit', 'p99 ms', 'bytes/room', 'cells used']);

  for (const count of largest([10, 1000, 100000, 1000000])) {
    const server = await ours({ ...limits, app: app(
      'on rooms { join "r:$.rooms[*]"; ack null; }') });
    const sockets = [];
    const own = Math.min(count, 900);

    for (let n = 0; n < count; n += own) {
      sockets.push(await socket(server.port));
    }

    const before = memory(server);

    for (let n = 0, s = 0; n < count; n += own, s++) {
      const names = Array.from({ length: Math.min(own, count - n) },
        (_, i) => n + i);

      await sockets[s].sendText(`421["rooms",${
        JSON.stringify({ rooms: names })}]`);

      const answer = await sockets[s].nextMessage();

      if (answer !== '431[null]') {
        throw new Error(`rooms were not joined: ${answer}`);
      }
    }

    const bytes = (memory(server) - before) / count;
    const result = await emit(server, `r:${count >> 1}`);

    row(count, result.usec, result.p99, Math.round(bytes),
      (await server.ngx.status()).zone.cells_used);
    sockets.forEach((ws) => ws.close());
    await server.stop();
  }
}

async function user() {
  const row = table('sockets of a user, who is emitted to',
    ['sockets', 'usec/emit', 'usec/socket', 'p99 ms']);

  for (const count of largest([1, 10, 100, 1000])) {
    const server = await ours({ ...limits, app: app('') });
    const sockets = [];

    while (sockets.length < count) {
      sockets.push(await socket(server.port, { user: 'u1' }));
    }

    const result = await emit(server, 'user:u1');

    row(count, result.usec, result.usec / count, result.p99);
    sockets.forEach((ws) => ws.close());
    await server.stop();
  }
}

async function workers() {
  const row = table('workers, 1,000 in the room',
    ['workers', 'usec/delivery', 'p99 ms', 'usec/emit']);

  for (const count of largest([1, 2, 4])) {
    const server = await ours({ workers: count });
    const result = await load(server, ['broadcast', '--connections', 1000,
      '--seconds', seconds]);

    row(count, result.usec, result.p99, (await emit(server, 'nobody')).usec);
    await server.stop();
  }
}

const curves = { heartbeat, members, rooms, user, workers };

(async () => {
  for (const name of wanted.length ? wanted : Object.keys(curves)) {
    await curves[name]();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
