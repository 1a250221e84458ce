#!/usr/bin/env node
'use strict';

// Who may use the API.

const http = require('node:http');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');

const first = 'k3y-of-the-first-backend';
const second = 'an0ther/key+with=signs~._-';
const file = `# keys\n\n  ${first}\t\r\n#${first}x\n${second}`;
const open = 'is open to everybody';

const locations = (...lines) => `
  location /api/ { socketio_api campus; ${lines.join(' ')} }
  location = /healthz { socketio_health campus; }`;

const check = (...lines) => Nginx.check({ locations: locations(...lines),
  files: { 'api.key': file, users: 'ann:{PLAIN}secret\n' } });

let ngx;

const post = (authorization, options) => ngx.get('/api/emit', {
  method: 'POST', body: '{"event":"e"}', ...options,
  headers: authorization === undefined ? {} : { authorization } });

test('nginx reads the keys', async (t) => {
  ngx = await Nginx.start({ workers: 2, files: { 'api.key': file },
    locations: locations('socketio_api_key_file api.key;') });
  t.ok(!ngx.stderr.includes(open) && !ngx.log().includes(open));
});

test('each key of the file passes', async (t) => {
  for (const key of [first, second]) {
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const { status, json } = await post(`${scheme} ${key}`);
      t.is(status, 200);
      t.deepIs(json(), { ok: true, matched: 0, queued: 0 });
    }
  }
});

test('no key is 401 with a challenge', async (t) => {
  for (const value of [undefined, '', 'Basic YTpi', `Basic ${first}`, first,
                       'Bearer']) {
    const { status, headers, json } = await post(value);
    t.is(status, 401);
    t.is(headers['www-authenticate'], 'Bearer');
    t.is(json().error.code, 'unauthorized');
  }
});

test('a wrong key is 401', async (t) => {
  for (const key of [`${first}x`, first.slice(1), first.slice(0, -1), '# keys',
                     `#${first}x`, `${first} ${second}`, first.toUpperCase(),
                     'x'.repeat(256), 'x'.repeat(3000)]) {
    const { status, headers } = await post(`Bearer ${key}`);
    t.is(status, 401, key.slice(0, 40));
    t.is(headers['www-authenticate'], 'Bearer error="invalid_token"');
  }
});

test('without a key nothing else is learnt', async (t) => {
  for (const [uri, options] of [['/api/emit', { method: 'GET' }],
    ['/api/no', { method: 'POST' }], ['/api/', {}]]) {
    t.is((await ngx.get(uri, options)).status, 401);
  }
});

test('keep-alive survives 401 with a body', async (t) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  const body = JSON.stringify({ event: 'e', data: 'x'.repeat(500000) });

  agent.on('free', (used) => ports.add(used.localPort));
  for (const key of ['no', first, 'no', first]) {
    const { status } = await post(`Bearer ${key}`, { agent, body });
    t.is(status, key === first ? 200 : 401);
  }
  agent.destroy();
  t.is(ports.size, 1);
});

test('no key is in the log', (t) => {
  t.ok(!ngx.log().includes(first) && !ngx.log().includes(second));
});

test('a key file is inherited', (t) => {
  const { ok, output } = Nginx.check({ locations: locations(''),
    http: 'socketio_api_key_file api.key;', files: { 'api.key': file } });
  t.ok(ok, output);
  t.ok(!output.includes(open));
});

test('an unguarded location is warned of, with file and line', (t) => {
  const { ok, output } = check('');
  t.ok(ok, output);
  t.match(output, /\[warn\].*open to everybody.* in .*nginx\.conf:\d+/);
});

for (const guard of ['allow 127.0.0.1; deny all;', 'deny all;',
  'auth_basic "x"; auth_basic_user_file users;', 'auth_request /healthz;',
  'internal;', 'socketio_api_key_file api.key;']) {
  test(`no warning with ${guard}`, (t) => {
    const { ok, output } = check(guard);
    t.ok(ok, output);
    t.ok(!output.includes(open), output);
  });
}

test('a guard of the server is one', (t) => {
  const { ok, output } = Nginx.check({ locations: locations(''),
    server: 'allow 127.0.0.1; deny all;' });
  t.ok(ok, output);
  t.ok(!output.includes(open), output);
});

for (const guard of ['auth_request off;', 'auth_basic off;', 'allow all;',
  'allow 127.0.0.1;', 'satisfy any; allow 127.0.0.1; allow ::1;']) {
  test(`${guard} is no guard`, (t) => {
    t.ok(check(guard).output.includes(open));
  });
}

test('a guard of the server that is taken away is none', (t) => {
  const { ok, output } = Nginx.check({ locations: locations('auth_basic off;'),
    server: 'auth_basic x; auth_basic_user_file users;' });
  t.ok(ok, output);
  t.ok(output.includes(open), output);
});

test('one of two guards is enough', (t) => {
  const { output } = check(`satisfy any; allow all; auth_basic x;
    auth_basic_user_file users; deny all;`);
  t.ok(!output.includes(open), output);
});

for (const [what, content, message] of [
  ['empty', '', /no key in/], ['without keys', '# none\n\n', /no key in/],
  ['with a space in a key', `${first}\ntwo words are no key\n`,
    /behind a key stand .*line 2/],
  ['with a key that is too long', `${'x'.repeat(257)}\n`,
    /longer than 256 characters .*line 1/],
  ['that is too large', `${first}\n`.repeat(5000), /too large/],
]) {
  test(`a key file ${what} is refused`, (t) => {
    const { ok, output } = Nginx.check({ files: { 'api.key': content },
      locations: locations('socketio_api_key_file api.key;') });
    t.ok(!ok);
    t.match(output, message);
    t.match(output, /\[emerg\].* in .*nginx\.conf:\d+/);
    t.ok(!output.includes(first) && !output.includes('two words'));
  });
}

test('a key file that is not there is refused', (t) => {
  const { ok, output } = check('socketio_api_key_file none.key;');
  t.ok(!ok);
  t.match(output, /\[emerg\].*none\.key" \(2: .* in .*nginx\.conf:\d+/);
});

test('a folder is no key file', (t) => {
  const { ok, output } = check('socketio_api_key_file logs;');
  t.ok(!ok);
  t.match(output, /\[emerg\].*not a regular file/);
});

test('a short key is warned of', (t) => {
  const { ok, output } = Nginx.check({ files: { 'api.key': 'short\n' },
    locations: locations('socketio_api_key_file api.key;') });
  t.ok(ok);
  t.match(output, /\[warn\].*shorter than 16 characters/);
  t.ok(!output.includes('short\n') && !output.includes('"short"'));
});

for (const [lines, message] of [
  ['socketio_api campus;', /"socketio_api" directive is duplicate/],
  ['socketio_api_key_file api.key; socketio_api_key_file api.key;',
    /"socketio_api_key_file" directive is duplicate/],
]) {
  test(`refused: ${lines}`, (t) => {
    const { ok, output } = check(lines);
    t.ok(!ok);
    t.match(output, message);
  });
}

test('an unknown app is refused', (t) => {
  const { ok, output } = Nginx.check({
    locations: 'location / { socketio_api nobody; deny all; }' });
  t.ok(!ok);
  t.match(output, /\[emerg\].*nobody.* in .*nginx\.conf:\d+/);
});
