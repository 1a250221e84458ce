#!/usr/bin/env node
'use strict';

// TLS early data (0-RTT) may be replayed by whoever recorded it: RFC 8470.

const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

const body = '{"event":"e"}';
const api = ['POST', '/api/emit', body];

let site;

test('nginx starts', async () => {
  site = await Site.start({ workers: 1, ports: ['tls'], certificate: true,
    server: `
      listen 127.0.0.1:@tls@ ssl;
      ssl_certificate     cert.pem;
      ssl_certificate_key key.pem;
      ssl_protocols       TLSv1.3;
      ssl_early_data      on;
      location = /early   { return 200 "early:$ssl_early_data."; }` });
});

const text = ([method, uri, content = '']) => `${method} ${uri} HTTP/1.1\r\n`
  + `Host: localhost\r\nContent-Length: ${content.length}\r\n`
  + `Connection: close\r\n\r\n${content}`;

// A connection of openssl's; what it prints, once nginx has closed it.

async function client(args, input) {
  const child = spawn('openssl', ['s_client', '-connect',
    `127.0.0.1:${site.ngx.ports.tls}`, '-tls1_3', '-ign_eof', ...args],
    { cwd: site.ngx.prefix });
  let output = '';
  let ended = false;

  child.stdout.on('data', (part) => { output += part; });
  child.on('close', () => { ended = true; });
  child.stdin.on('error', () => {});
  child.stdin.write(input);

  try {
    await until(() => ended, { what: 'openssl s_client ends' });
  } finally {
    child.kill();
  }

  return output;
}

// A request in the early data of a resumed session.

async function early(request) {
  await client(['-sess_out', 'session.pem'], text(['GET', '/early']));
  fs.writeFileSync(path.join(site.ngx.prefix, 'request'), text(request));

  const output = await client(['-sess_in', 'session.pem',
    '-early_data', 'request'], '');

  if (!/Early data was accepted/.test(output)) {
    throw new Error(`no early data:\n${output}`);
  }

  return output;
}

// A request counts as early as long as the handshake is not complete.  On a
// slow machine it may be, by the time that the request is looked at, and then
// nothing is wrong with it: so from the beginning, until it was early.

async function attempt(fn) {
  for (let tries = 1; ; tries++) {
    try {
      return await fn();
    } catch (error) {
      if (tries === 20) {
        throw error;
      }
    }
  }
}

test('early data reaches nginx', (t) => attempt(async () => {
  t.match(await early(['GET', '/early']), /early:1\./);
}), { timeout: 300000 });

const sid = async () => (await site.polling(0)).query.sid;
const poll = '?EIO=4&transport=polling';

test('a handshake in it is 425', (t) => attempt(async () => {
  const opened = await site.count('opened');
  const output = await early(['GET', `/socket.io/${poll}`]);

  t.match(output, /HTTP\/1\.1 425 /);
  t.match(output, /{"message":"Too early"}/);
  t.is(await site.count('opened'), opened);
}), { timeout: 300000 });

test('a POST in it is 425, and is not taken', (t) => attempt(async () => {
  const peer = await site.polling(0);
  const uri = `/engine.io/${poll}&sid=${peer.query.sid}`;

  t.match(await early(['POST', uri, '4early']), /HTTP\/1\.1 425 /);
  t.is((await peer.post('4late')).body, 'ok');
  t.is((await peer.get()).body, '4late');
}), { timeout: 300000 });

test('a GET in it is 425, and ends no session', (t) => attempt(async () => {
  const peer = await site.polling(0);
  const { answer } = await peer.hang();
  const uri = `/engine.io/${poll}&sid=${peer.query.sid}`;

  t.match(await early(['GET', uri]), /HTTP\/1\.1 425 /);
  t.is((await peer.post('4late')).body, 'ok');
  t.is((await answer).body, '4late');
}), { timeout: 300000 });

test('a post to the API is 425, and sends nothing', (t) => attempt(async () => {
  const emits = await site.count('emits');
  const output = await early(api);

  t.match(output, /HTTP\/1\.1 425 /);
  t.match(output, /"code":"too_early"/);
  t.is(await site.count('emits'), emits);
}), { timeout: 300000 });

test('a proxy in front may have had it', async (t) => {
  const headers = { 'early-data': '1' };
  const before = { 'early-data': '0' };

  t.is((await site.request(`/socket.io/${poll}`, { headers })).status, 425);
  t.is((await site.request('/api/emit', { method: 'POST', body, headers }))
    .status, 425);
  t.is((await site.request(`/engine.io/${poll}&sid=${await sid()}`,
    { method: 'POST', body: '4', headers })).status, 425);
  t.is((await site.ws(0, { headers: { 'Early-Data': '1' } })).status, 425);
  t.is((await site.request('/api/emit', { method: 'POST', body,
    headers: before })).status, 200);
});

test('over TLS without it all is well', async (t) => {
  t.match(await client([], text(api)), /"ok":true/);
  t.match(await client([], text(['GET', `/socket.io/${poll}`])), /0{"sid":/);
});
