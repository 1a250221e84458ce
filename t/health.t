#!/usr/bin/env node
'use strict';

// socketio_health: 200 while a worker can serve, 503 with reasons.

const net = require('node:net');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { until, within } = require('./lib/wait');
const { connect } = require('./lib/clients');

let ngx;

test('a healthy worker is 200 without reasons', async (t) => {
  ngx = await Nginx.start({ workers: 2,
    server: 'location = /stub { stub_status; }' });
  const { status, headers, json } = await ngx.get('/healthz');
  t.is(status, 200);
  t.deepIs(json(), { status: 'ok', reasons: [] });
  t.is(headers['content-type'], 'application/json');
  t.is(headers['cache-control'], 'no-store');
});

test('HEAD has no body', async (t) => {
  const { status, body } = await ngx.get('/healthz', { method: 'HEAD' });
  t.is(status, 200);
  t.is(body, '');
});

test('other methods are 405', async (t) => {
  const { status, headers } = await ngx.get('/healthz', { method: 'DELETE' });
  t.is(status, 405);
  t.is(headers.allow, 'GET, HEAD');
});

// A request that is half sent keeps its worker: it is read on while the
// worker is shutting down.

test('a worker that shuts down is 503, draining', async (t) => {
  const socket = net.connect(ngx.port, '127.0.0.1');
  let text = '';

  socket.on('data', (data) => { text += data; });
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  await until(async () =>
    (await ngx.get('/stub')).body.includes('Reading: 1 '),
    { what: 'a worker reads it' });
  await ngx.reload();
  socket.write('\r\n');
  await within(30000, 'the answer', new Promise((done) =>
    socket.on('close', done)));
  t.match(text, /^HTTP\/1.1 503 /);
  t.match(text, /\r\nRetry-After: 1\r\n/);
  t.match(text, /{"status":"draining","reasons":\["this worker is shut/);
});

test('a full directory is unhealthy, and well again after it', async (t) => {
  const small = await Nginx.start({ workers: 2, app: `
    zone 4m;
    namespace / { authenticate none;
      on fill { join ${Array.from({ length: 100 },
        (_, i) => `"r$.n:${i}"`).join(' ')}; ack null; } }` });
  const { zone } = await small.status();
  const want = Math.ceil(zone.cells * 0.96);
  const clients = [];

  for (let rooms = 0; rooms < want; rooms += 900) {
    const client = await connect(small);
    clients.push(client);
    for (let part = 0; part < 900; part += 100) {
      await new Promise((done) => client.emit('fill', { n: rooms + part },
        done));
    }
  }

  const sick = await small.get('/healthz');
  t.is(sick.status, 503);
  t.deepIs(sick.json(), { status: 'unhealthy',
    reasons: ['the directory in the zone is almost full'] });
  clients.forEach((client) => client.disconnect());
  await until(async () => (await small.get('/healthz')).status === 200,
    { what: 'healthy again' });
});

test('an unknown app is refused', (t) => {
  const { ok, output } = Nginx.check({
    locations: 'location / { socketio_health nobody; }' });
  t.ok(!ok);
  t.match(output, /\[emerg\].*nobody/);
});
