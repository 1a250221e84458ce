#!/usr/bin/env node
'use strict';

// Polling over HTTP/2 by many streams at once, resets among them, while nginx
// reloads again and again: each request has an answer or ends with its
// connection, and nothing is left.  SOCKETIO_FULL=1: for longer.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { H2, frame, fields, RST_STREAM } = require('./lib/h2');
const { gone } = require('./lib/status');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const reloads = full ? 40 : 6;
const connections = full ? 24 : 8;
const patient = { timeout: full ? 600000 : 120000 };

const app = `
  zone 16m;
  recovery 30s;
  namespace / {
    authenticate none;
    on connect { join lobby; }
    on say     { relay to lobby; ack null; }
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_ping_interval 1s;
                         socketio_ping_timeout 3s; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

const uri = (sid) => `/socket.io/?EIO=4&transport=polling${
  sid ? `&sid=${sid}` : ''}`;

let ngx, over, before;
const answers = {};

const count = (what) => { answers[what] = (answers[what] || 0) + 1; };

// A session on one connection: its POSTs and GETs overlap, some are reset.

async function session(h2, random) {
  const ask = async (method, sid, body) => {
    const answer = await h2.ask(fields(method, uri(sid)), body);

    count(answer.gone ? 'gone' : answer.reset !== undefined ? 'reset'
      : answer.status);

    return answer;
  };
  const opened = await ask('GET');

  if (opened.status !== 200) {
    return;
  }

  const { sid } = JSON.parse(opened.body.slice(1));

  await ask('POST', sid, '40');
  await ask('GET', sid);
  for (let i = 0; i < 5 && !over && !h2.over; i++) {
    const { id, frames, answer } = h2.request(fields('GET', uri(sid)));

    h2.send(...frames);
    await Promise.all([ask('POST', sid, `42["say",${i}]`),
                       ask('POST', sid, `420["say",${i}]`)]);
    if (random() < 0.3) {
      h2.send(frame(RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8])));
      return;
    }
    if ((await answer).status !== 200) {
      return;
    }
  }
  if (random() < 0.5) {
    await ask('POST', sid, '1');
  }
}

async function storm() {
  while (!over) {
    let h2;

    try {
      h2 = await H2.connect(ngx.ports.tls);
    } catch (error) {
      count(error.code || error.message);
      await sleep(10);
      continue;
    }
    for (let i = 0; i < 5 && !over && !h2.over; i++) {
      await Promise.all([1, 2, 3, 4].map(() => session(h2, Math.random)));
    }
    h2.close();
  }
}

test('four workers', async () => {
  ngx = await Nginx.start({ workers: 4, app, locations, certificate: true,
    ports: ['tls'], main: 'worker_shutdown_timeout 2s;',
    server: `listen 127.0.0.1:@tls@ ssl http2;
      ssl_certificate cert.pem; ssl_certificate_key key.pem;` });
  before = (await ngx.status()).zone;
}, patient);

test('storms and reloads', async (t) => {
  const storms = Array.from({ length: connections }, storm);

  for (let i = 0; i < reloads; i++) {
    await sleep(500);
    await ngx.reload();
  }
  await sleep(500);
  over = true;
  await Promise.all(storms);
  t.note(JSON.stringify(answers));
  t.ok(answers[200] > 100);
  t.ok(!answers[500] && !answers[503]);
}, patient);

test('nothing is left', async () => {
  await until(() => ngx.oldWorkers().length === 0,
    { what: 'old workers end' });
  await gone(ngx);
  await until(async () => {
    const { zone } = await ngx.status();

    return zone.cells_used <= before.cells_used
      && zone.chunks_used <= before.chunks_used + 1;
  }, { what: 'the zone is as before' });
}, patient);
