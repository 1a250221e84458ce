#!/usr/bin/env node
'use strict';

// A full zone refuses new work with clear errors, what exists goes on, and
// all is well again when space returns.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs } = require('./lib/raw');
const { SioRaw } = require('./lib/sio_raw');
const { connect, open, once, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const joins = Array.from({ length: 25 }, (_, n) => `"$.n:${n}"`).join(' ');

const app = `
  zone 4m;
  namespace / {
    authenticate none;
    on connect { join lobby; emit worker to self with $pid; }
    on join { join $.room; }
    on fill { join ${joins}; }
    on say { relay to lobby; }
    on big { emit big to other with $.n $.text; }
  }
  namespace /second { authenticate none; }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_buffer 8m; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

// What nginx -t says that a zone of 4 MB holds.

const [, sessions, rooms, records] =
  /holds about (\d+) sessions .* or (\d+) rooms .*; (\d+) short records/
    .exec(Nginx.check({ app }).log).map(Number);

const about = (t, got, said, what) => t.ok(got >= said * 0.85
  && got <= said * 1.15, `${got} ${what}, nginx -t says ${said}`);

let ngx, a, b, before;
const full = [];

test('two clients are there', async () => {
  ngx = await Nginx.start({ workers: 2, app, locations });
  const heard = [];
  a = open(ngx);
  a.on('worker', (pid) => { a.pid = Number(pid); });
  await once(a, 'connect');
  await until(() => a.pid, { what: 'the worker of a' });
  await until(async () => {
    b = open(ngx);
    b.on('worker', (pid) => { b.pid = Number(pid); });
    await until(() => b.pid, { what: 'the worker of b' });
    return a.pid !== b.pid || b.disconnect() === 0;
  }, { what: 'a client of another worker' });
  b.on('big', (n) => heard.push(n));
  b.heard = heard;
  await ask(b, 'join', { room: 'other' });
  before = (await ngx.status()).zone;
});

test('rooms fill the directory until one is refused', async (t) => {
  let n = 0;
  let error = null;
  while (!error) {
    const socket = await connect(ngx);
    full.push(socket);
    for (let m = 0; m < 39 && !error; m++) {
      error = await ask(socket, 'fill', { n: n++ });
    }
  }
  t.is(error.code, 'unavailable', JSON.stringify(error));
  const { zone, total } = await ngx.status();
  t.is(zone.cells_used, zone.cells);
  t.ok(zone.full > 0);
  t.ok(total.drops.refused > 0);
  about(t, total.rooms, rooms, 'rooms');
});

test('a new session is refused, with 503', async (t) => {
  const { status, headers } = await RawWs.connect(ngx.port);
  t.is(status, 503);
  t.ok(Number(headers['retry-after']) > 0);
  const poll = await ngx.get('/socket.io/?EIO=4&transport=polling');
  t.is(poll.status, 503);
});

// Each worker says so once a second, whoever knocks how often.

test('a flood of refused ones does not flood the log', async (t) => {
  const uri = '/socket.io/?EIO=4&transport=polling';

  for (let n = 0; n < 10; n++) {
    const all = await Promise.all(Array.from({ length: 20 },
      () => ngx.get(uri)));
    t.ok(all.every(({ status }) => status === 503));
  }

  const lines = await until(async () => {
    await ngx.get(uri);
    const all = ngx.log().match(/^.*\[crit\].* no room for a session.*$/gm);
    return all.some((line) => !/, 1 since the last such line$/.test(line))
      && all;
  }, { what: 'the next line counts them' });
  const when = lines.map((line) =>
    /^([\d\/]+ [\d:]+) \[crit\] (\d+)#.*, \d+ since the last such line$/
      .exec(line).slice(1).join());

  t.is(new Set(when).size, when.length, lines.join('\n'));
});

test('a known client cannot enter a new room or namespace', async (t) => {
  t.is((await ask(a, 'join', { room: 'new' })).code, 'unavailable');
  const second = a.io.socket('/second');
  second.connect();
  const { message } = await once(second, 'connect_error');
  t.ok(message);
  second.disconnect();
});

test('what is there goes on', async (t) => {
  const event = once(b, 'say');
  t.is(await ask(a, 'say', 1), null);
  t.is(await event, 1);
  const post = once(a, 'post');
  const { status } = await ngx.emit({ event: 'post', to: 'lobby', data: 2 });
  t.is(status, 200);
  t.is(await post, 2);
});

test('health says that the zone is full', async (t) => {
  const { status, body } = await ngx.get('/healthz');
  t.is(status, 503);
  t.match(body, /directory/);
});

test('when space returns, new work is taken', async (t) => {
  full.forEach((socket) => socket.disconnect());
  await until(async () =>
    (await ngx.status()).zone.cells_used === before.cells_used,
    { what: 'the directory is as before' });
  t.is(await ask(a, 'fill', { n: 'again' }), null);
  (await connect(ngx, { nsp: '/second' })).disconnect();
  t.is((await ngx.get('/healthz')).status, 200);
});

test('a worker that does not read fills the message area', async (t) => {
  const text = 'x'.repeat(50000);
  let sent = 0;
  let error = null;
  process.kill(b.pid, 'SIGSTOP');
  try {
    while (!error && sent < 1000) {
      error = await ask(a, 'big', { n: sent, text });
      sent += !error;
    }
    t.is(error?.code, 'unavailable', JSON.stringify(error));
    t.is(await ask(a, 'join', { room: 'here' }), null);
  } finally {
    process.kill(b.pid, 'SIGCONT');
  }
  await until(() => b.heard.length >= sent, { what: 'b has heard all' });
  t.deepIs(b.heard, Array.from({ length: sent }, (_, n) => n));
});

test('when it reads again, messages are taken', async (t) => {
  t.is(await ask(a, 'big', { n: 'last' }), null);
  await until(() => b.heard.at(-1) === 'last', { what: 'the last message' });
  await until(async () =>
    (await ngx.status()).zone.chunks_used === before.chunks_used,
    { what: 'the message area is as before' });
});

// A mailbox is a quarter less than all of the records.

test('sessions and records take what nginx -t says', async (t) => {
  const other = await Nginx.start({ app: `
    zone 4m;
    mailbox;
    namespace / { authenticate insecure user=$auth.user; }` });
  const { zone } = await other.status();
  const all = [];
  let put = 0;
  let body;

  while (all.length < 200) {
    all.push(await SioRaw.connect(other.port,
      { auth: { user: `u${all.length}` } }));
  }

  about(t, zone.cells * all.length
    / ((await other.status()).zone.cells_used - zone.cells_used), sessions,
  'sessions with a user');
  all.forEach((sio) => sio.close());

  do {
    ({ body } = await other.emit(Array.from({ length: 100 }, (_, n) => ({
      event: 'e', user: `away${put + n}`, mailbox: true }))));
    put += body.results?.filter(({ queued }) => queued).length || 0;
  } while (body.ok);

  about(t, put, records * 3 / 4, 'events in mailboxes');
});
