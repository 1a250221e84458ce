#!/usr/bin/env node
'use strict';

// Workers are killed one after the other, faster than they get old, while
// clients talk and come back: who is recovered has all, once and in order,
// and in the end the zone has what it had.  SOCKETIO_FULL=1: for 30 seconds.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { open } = require('./lib/clients');
const { gone, countsAre } = require('./lib/status');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const msec = full ? 30000 : 6000;
const count = full ? 60 : 24;
const patient = { timeout: full ? 300000 : 120000 };

const app = `
  zone 16m;
  recovery 2m;
  presence grace=1s;
  mailbox;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on say     { emit n to lobby with $.from $.n; ack null; }
    on online  {}
    on offline {}
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_ping_interval 2s;
                         socketio_ping_timeout 20s; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

let ngx, clients, before;

function client(n) {
  const socket = open(ngx, { auth: { user: `u${n}` },
    transport: n % 3 ? 'websocket' : 'polling', reconnection: true,
    reconnectionDelay: 5, reconnectionDelayMax: 50 });
  const one = { n, socket, life: 0, said: 0, recovered: 0,
                heard: new Map(), wrong: [] };

  socket.on('connect', () => {
    if (socket.recovered) {
      one.recovered++;
    } else {
      one.life++;
      one.heard.clear();
    }
  });

  // What was missed comes before CONNECT.  If the connection ends in between,
  // this client keeps it, and asks for it once more.

  socket.io.on('close', () => { socket.receiveBuffer = []; });

  // One sender's numbers rise by one, but for what he did not get through.

  socket.on('n', (from, number) => {
    const last = one.heard.get(from);

    if (last !== undefined && number <= last) {
      one.wrong.push(`${n} hears ${from}: ${number} behind ${last}`);
    }
    one.heard.set(from, number);
  });

  return one;
}

// Each number is said until it is acked; a client that lost its worker does
// not know whether it was said, so the next one is another.

async function talk(one, over) {
  while (!over()) {
    const number = one.said++;

    if (one.socket.connected) {
      await one.socket.timeout(2000).emitWithAck('say',
        { from: one.n, n: number }).catch(() => {});
    }
    await sleep(20);
  }
}

test('four workers and their clients', async () => {
  ngx = await Nginx.start({ workers: 4, app, locations });
  before = (await ngx.status()).zone;
  clients = Array.from({ length: count }, (_, n) => client(n));
  await until(() => clients.every(({ socket }) => socket.connected));
}, patient);

test('a worker is killed every 200 ms', async (t) => {
  const end = Date.now() + msec;
  const over = () => Date.now() > end;
  let kills = 0;
  const talking = clients.map((one) => talk(one, over));

  while (!over()) {
    const pids = ngx.workers();

    if (pids.length) {
      ngx.kill(pids[Math.floor(Math.random() * pids.length)]);
      kills++;
    }
    await sleep(200);
  }
  await Promise.all(talking);
  t.note(`${kills} kills`);
  t.deepIs(clients.flatMap(({ wrong }) => wrong), [],
           'nothing twice, all in order');
}, patient);

test('all are there again, and hear each other', async (t) => {
  await until(() => clients.every(({ socket }) => socket.connected)
    && ngx.workers().length === 4, { what: 'all are back' });
  const mark = 1e9;

  clients.forEach(({ socket, n }) => socket.emit('say', { from: n, n: mark }));
  await until(() => clients.every(({ heard }) =>
    clients.every(({ n }) => heard.get(n) === mark)), { what: 'all hear' });

  const recovered = clients.reduce((n, one) => n + one.recovered, 0);

  const anew = (polling) => clients.reduce((sum, { n, life }) =>
    sum + (!(n % 3) === polling ? life - 1 : 0), 0);

  t.note(`${recovered} times recovered; anew: ${anew(true)} that poll, ${
    anew(false)} with WebSocket`);
  t.ok(recovered > 0);
  await countsAre(ngx, { sockets: count, sessions: count },
    { timeout: 60000 });
}, patient);

test('nothing is left', async (t) => {
  clients.forEach(({ socket }) => socket.disconnect());
  await gone(ngx);
  await until(async () => {
    const { zone } = await ngx.status();

    return zone.cells_used <= before.cells_used
      && zone.chunks_used <= before.chunks_used;
  }, { what: 'the zone is as before', timeout: 60000 });
  t.is((await ngx.status()).zone.full, 0);
}, patient);
