#!/usr/bin/env node
'use strict';

// The module among the others: error answers, origins, versions of HTTP, TLS,
// compression, access control, the access log.

const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const tls = require('node:tls');
const zlib = require('node:zlib');
const { test, after } = require('./lib/tap');
const { Site } = require('./lib/site');
const { RawWs, RS } = require('./lib/raw');
const { request } = require('./lib/http');
const { open, once, upgraded } = require('./lib/clients');
const { until } = require('./lib/wait');

const polling = { EIO: 4, transport: 'polling' };
const query = new URLSearchParams(polling);

let site;

// A request of some origin: { status, headers }.

function from(origin, path = '/engine.io/', options = {}) {
  return request(`${site.url}${path}?${query}`,
    { ...options, headers: { ...(origin && { origin }), ...options.headers } });
}

// The engine over other connections than the usual: a function that makes one
// request.

function session(ask) {
  let sid;

  return {
    async open(t) {
      const { status, body } = await ask('GET', query);

      t.is(status, 200);
      sid = JSON.parse(body.slice(1)).sid;
    },
    get: () => ask('GET', `${query}&sid=${sid}`),
    post: (body) => ask('POST', `${query}&sid=${sid}`, body),
  };
}

async function echoes(t, peer) {
  await peer.open(t);
  for (const text of ['4hello', `4${'x'.repeat(100000)}`, `4a${RS}bAQID`]) {
    const { status, body } = await peer.post(text);
    t.is(status, 200);
    t.is(body, 'ok');
    t.ok((await peer.get()).body === text);
  }
}

const log_format = 'log_format socketio escape=json \'{"uri":"$uri",'
  + '"status":"$status","sid":"$socketio_sid","user":"$socketio_user",'
  + '"transport":"$socketio_transport","in":"$socketio_packets_in",'
  + '"out":"$socketio_packets_out","bytes_in":"$socketio_bytes_in",'
  + '"bytes_out":"$socketio_bytes_out","reason":"$socketio_close_reason",'
  + '"recovered":"$socketio_recovered","agent":"$http_user_agent",'
  + '"time":"$request_time"}\';';

test('nginx starts', async () => {
  site = await Site.start({
    workers: 2,
    ports: ['tls'],
    certificate: true,
    app: `
      namespace / { authenticate insecure user=$auth.name;
                    on hello { emit hello to self with $args; } }`,
    http: `
      ${log_format}
      access_log logs/json.log socketio;
      limit_req_zone $http_x_key zone=slow:1m rate=1r/m;
      limit_conn_zone $http_x_key zone=few:1m;`,
    server: `
      listen 127.0.0.1:@tls@ ssl http2;
      ssl_certificate     cert.pem;
      ssl_certificate_key key.pem;

      location /any/    { engineio_echo campus; socketio_origin *; }
      location /listed/ { engineio_echo campus;
                          socketio_origin https://a.example b.example:8080
                              "~^https://[a-z]+\\.example\\.org$"; }
      location /both/   { engineio_echo campus;
                          socketio_origin * https://a.example; }
      location /null/   { engineio_echo campus;
                          socketio_origin null "~^[a-z]+$"; }
      location /gzip/   { engineio_echo campus; gzip on;
                          gzip_types text/plain; gzip_proxied any; }
      location /off/    { socketio campus; access_log off; }
      location /denied/ { engineio_echo campus; deny all; }
      location /basic/  { engineio_echo campus; auth_basic x;
                          auth_basic_user_file users; }
      location /asked/  { engineio_echo campus; auth_request /ask; }
      location /slow/   { engineio_echo campus; limit_req zone=slow; }
      location /few/    { engineio_echo campus; limit_conn few 1; }
      location /cookie/ { engineio_echo campus; socketio_cookie io; }
      location /limit/  { engineio_echo campus;
                          limit_except GET { allow 127.0.0.1; deny all; } }
      location /if/     { engineio_echo campus; socketio_origin *;
                          if ($arg_x) { set $y 1; } }
      location = /exact { engineio_echo campus; }
      location = /limit/status { socketio_status campus;
                          limit_except POST { allow 127.0.0.1; deny all; } }
      location = /limit/health { socketio_health campus;
                          limit_except POST { allow 127.0.0.1; deny all; } }
      location = /limit/api/emit { socketio_api campus;
                          limit_except GET { allow 127.0.0.1; deny all; } }
      location = /ask   { internal;
                          if ($http_x_token = "good") { return 204; }
                          return 401; }`,
    files: { users: 'joe:{PLAIN}secret\n' },
  });
});


// Errors

test('errors have JSON bodies, and CORS headers', async (t) => {
  const ask = (args, options = {}) => request(
    `${site.url}/listed/?${new URLSearchParams(args)}`,
    { ...options, headers: { origin: 'https://a.example',
                             ...options.headers } });
  const expected = [
    [{ EIO: 4 }, {}, 400, 0, 'Transport unknown'],
    [{ ...polling, sid: 'x' }, {}, 400, 1, 'Session ID unknown'],
    [polling, { method: 'POST', body: '4' }, 400, 2, 'Bad handshake method'],
    [{ EIO: 4, transport: 'websocket' }, {}, 400, 3, 'Bad request'],
    [{ EIO: 3, transport: 'polling' }, {}, 400, 5,
      'Unsupported protocol version'],
  ];

  for (const [args, options, status, code, message] of expected) {
    const answer = await ask(args, options);

    t.is(answer.status, status);
    t.deepIs(answer.json(), { code, message });
    t.match(answer.headers['content-type'], /^application\/json/);
    t.is(answer.headers['access-control-allow-origin'], 'https://a.example');
    t.is(answer.headers['access-control-allow-credentials'], 'true');
  }

  const { status, headers, json } = await ask(polling,
    { headers: { origin: 'https://evil.example' } });

  t.is(status, 403);
  t.deepIs(json(), { code: 4, message: 'Forbidden' });
  t.is(headers['access-control-allow-origin'], undefined);
});

test('the connection is kept over errors', async (t) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let connections = 0;

  agent.createConnection = (options) => {
    connections += 1;
    return net.connect(options);
  };
  for (const [args, options] of [
    ['EIO=3', {}], ['EIO=4&transport=polling', {}],
    ['EIO=4&transport=polling&sid=x', {}],
    ['EIO=4&transport=polling&sid=x', { method: 'POST', body: '4abc' }],
    ['EIO=4&transport=polling', { method: 'PUT', body: '4abc' }],
    ['EIO=4&transport=polling', { method: 'HEAD' }],
    ['EIO=4&transport=polling', {}],
  ]) {
    await request(`${site.url}/engine.io/?${args}`, { agent, ...options });
  }
  agent.destroy();
  t.is(connections, 1);
});


// Origins

test('the same host is always allowed', async (t) => {
  for (const path of ['/engine.io/', '/listed/', '/any/']) {
    const { status, headers } = await from(site.url, path);

    t.is(status, 200);
    t.is(headers['access-control-allow-origin'], site.url);
    t.is(headers['access-control-allow-credentials'], 'true');
    t.match(headers.vary, /Origin/i);
  }
});

test('so is who has no origin', async (t) => {
  t.is((await from()).status, 200);
  t.is((await from(undefined, '/listed/')).status, 200);
});

test('any other is refused', async (t) => {
  for (const origin of ['https://a.example', 'null', 'http://127.0.0.1',
                        `http://127.0.0.1:${site.port}.evil.example`,
                        'http://', '', `${site.url}0`]) {
    for (const method of ['GET', 'OPTIONS']) {
      const { status, headers } = await request(
        `${site.url}/engine.io/?${query}`, { method, headers: { origin } });

      t.is(status, 403, `${method} of ${origin}`);
      t.is(headers['access-control-allow-origin'], undefined);
    }
  }
});

test('listed ones are allowed, with credentials', async (t) => {
  for (const origin of ['https://a.example', 'https://b.example:8080',
                        'http://b.example:8080', 'https://x.example.org',
                        'HTTPS://A.example']) {
    const { status, headers } = await from(origin, '/listed/');

    t.is(status, 200, origin);
    t.is(headers['access-control-allow-origin'], origin);
    t.is(headers['access-control-allow-credentials'], 'true');
  }
});

test('what only looks like them is not', async (t) => {
  for (const origin of ['http://a.example', 'https://a.example.evil.net',
                        'https://b.example', 'https://evil-a.example',
                        'https://x.y.example.org', 'https://xexample.org',
                        'https://x.example.org.evil.net']) {
    t.is((await from(origin, '/listed/')).status, 403, origin);
  }
});

test('"*" allows any, without credentials', async (t) => {
  for (const origin of ['https://x.example', 'null', undefined]) {
    const { status, headers } = await from(origin, '/any/');

    t.is(status, 200);
    t.is(headers['access-control-allow-origin'], '*');
    t.is(headers['access-control-allow-credentials'], undefined);
  }
});

test('listed ones beside "*" have them', async (t) => {
  const { headers } = await from('https://a.example', '/both/');

  t.is(headers['access-control-allow-origin'], 'https://a.example');
  t.is(headers['access-control-allow-credentials'], 'true');
  t.is((await from('https://b.example', '/both/'))
    .headers['access-control-allow-origin'], '*');
});

test('"null" is nobody: by its name only, without credentials', async (t) => {
  t.is((await from('null', '/listed/')).status, 403);

  const { status, headers } = await from('null', '/null/');

  t.is(status, 200);
  t.is(headers['access-control-allow-origin'], '*');
  t.is(headers['access-control-allow-credentials'], undefined);
  t.is((await from('other', '/null/')).status, 200);
  t.is((await from('https://a.example', '/null/')).status, 403);
});

test('errors of nginx\'s own have CORS headers', async (t) => {
  const body = 'x'.repeat(1000001);

  for (const [path, status, options] of [
    ['/denied/', 403], ['/basic/', 401], ['/asked/', 401],
    ['/listed/', 413, { method: 'POST', body }],
    ['/listed/', 413, { method: 'POST', body, headers:
      { 'content-length': 1000001, expect: '100-continue' } }]]) {
    const { status: got, headers } = await from(site.url, path, options);

    t.is(got, status, path);
    t.is(headers['access-control-allow-origin'], site.url, path);
    t.is(headers['access-control-allow-credentials'], 'true', path);
    t.match(headers.vary, /Origin/i, path);
  }
});

test('WebSockets have origins too', async (t) => {
  const status = async (path, Origin) =>
    (await site.ws(0, { path, headers: { Origin } })).status;

  t.is(await status('/engine.io/', 'https://evil.example'), 403);
  t.is(await status('/engine.io/', site.url), 101);
  t.is(await status('/listed/', 'https://a.example'), 101);
  t.is(await status('/listed/', 'https://evil.example'), 403);
  t.is(await status('/any/', 'https://evil.example'), 101);
});

test('a preflight is answered', async (t) => {
  const { status, headers, body } = await from('https://a.example', '/listed/',
    { method: 'OPTIONS', headers: {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-token' } });

  t.is(status, 204);
  t.is(body, '');
  t.is(headers['access-control-allow-origin'], 'https://a.example');
  t.is(headers['access-control-allow-credentials'], 'true');
  t.match(headers['access-control-allow-methods'], /GET.*POST/);
  t.match(headers['access-control-allow-headers'], /content-type/);
  t.match(headers['access-control-allow-headers'], /x-token/);
});

test('an inner network is open to named origins', async (t) => {
  const ask = async (origin, path) => (await from(origin, path, {
    method: 'OPTIONS', headers: {
      'access-control-request-method': 'GET',
      'access-control-request-private-network': 'true' } }))
    .headers['access-control-allow-private-network'];

  t.is(await ask('https://a.example', '/listed/'), 'true');
  t.is(await ask('https://x.example', '/any/'), undefined);
  t.is((await from('https://a.example', '/listed/', { method: 'OPTIONS' }))
    .headers['access-control-allow-private-network'], undefined);
});

test('an origin that is no header value is no way in', async (t) => {
  const ws = await site.ws(0, { headers: { Origin: `${site.url}\x01` } });

  t.ok([400, 403].includes(ws.status));
});


// Versions of HTTP, TLS

test('polling over HTTP/1.0', async (t) => {
  const ask = (method, args, body = '') => new Promise((done, fail) => {
    const socket = net.connect(site.port, '127.0.0.1');
    let text = '';

    socket.on('error', fail).on('data', (part) => { text += part; });
    socket.on('end', () => {
      const at = text.indexOf('\r\n\r\n');
      done({ status: Number(text.split(' ')[1]), body: text.slice(at + 4) });
    });
    socket.write(`${method} /engine.io/?${args} HTTP/1.0\r\n`
      + (body && `Content-Length: ${body.length}\r\n`) + `\r\n${body}`);
  });

  await echoes(t, session(ask));
});

test('a GET waits over HTTP/1.0', async (t) => {
  const peer = await site.polling(0);
  const socket = net.connect(site.port, '127.0.0.1');
  let text = '';

  const ended = new Promise((done) => socket.on('end', done));
  socket.on('data', (part) => { text += part; });
  socket.write(`GET ${site.path}?${new URLSearchParams(peer.query)} `
    + 'HTTP/1.0\r\n\r\n');
  await peer.post('4late');
  await ended;
  t.match(text, /^HTTP\/1\.1 200 [^]*\r\n\r\n4late$/);
});

test('polling over HTTP/2', async (t) => {
  const client = http2.connect(`https://127.0.0.1:${site.ngx.ports.tls}`,
    { rejectUnauthorized: false, servername: 'localhost' });

  after(() => client.destroy());

  const ask = (method, args, body) => new Promise((done, fail) => {
    const stream = client.request({ ':method': method,
      ':path': `/engine.io/?${args}` });
    let status;
    let text = '';

    stream.on('response', (headers) => { status = headers[':status']; });
    stream.on('data', (part) => { text += part; }).on('error', fail);
    stream.on('end', () => done({ status, body: text }));
    stream.end(body);
  });
  const peer = session(ask);

  await echoes(t, peer);

  const late = peer.get();

  await peer.post('4late');
  t.is((await late).body, '4late');

  const many = await Promise.all(Array.from({ length: 50 }, async () => {
    const other = session(ask);
    await other.open(t);
    const answer = other.get();
    await other.post('4x');
    return (await answer).body;
  }));

  t.deepIs(many, Array(50).fill('4x'));
});

test('a stream of HTTP/2 that is reset ends its session only', async (t) => {
  const client = http2.connect(`https://127.0.0.1:${site.ngx.ports.tls}`,
    { rejectUnauthorized: false, servername: 'localhost' });

  after(() => client.destroy());

  const start = (args) => {
    const stream = client.request({ ':path': `/engine.io/?${args}` });
    let body = '';

    stream.on('data', (part) => { body += part; });
    return { stream, answer: new Promise((done, fail) => {
      stream.on('end', () => done(body)).on('error', fail);
    }) };
  };
  const one = JSON.parse((await start(query).answer).slice(1)).sid;
  const two = JSON.parse((await start(query).answer).slice(1)).sid;
  const given_up = start(`${query}&sid=${one}`);
  const kept = start(`${query}&sid=${two}`);

  given_up.answer.catch(() => {});
  await new Promise((done) => client.ping(() => done()));
  const before = await site.count('polling');
  given_up.stream.close(http2.constants.NGHTTP2_CANCEL);

  await until(async () => await site.count('polling') < before);
  t.is((await site.engine({ ...polling, sid: one })).json().code, 1);
  await site.engine({ ...polling, sid: two }, { method: 'POST', body: '4x' });
  t.is(await kept.answer, '4x');
});

function secure() {
  return new Promise((done, fail) => {
    const socket = tls.connect({ host: '127.0.0.1', port: site.ngx.ports.tls,
      rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    socket.once('error', fail).once('secureConnect', () => done(socket));
  });
}

test('WebSockets over TLS', async (t) => {
  const ws = await RawWs.connect(site.ngx.ports.tls,
    { socket: await secure(), path: '/engine.io/' });

  t.is(ws.status, 101);
  t.match(await ws.nextMessage(), /^0/);
  for (const size of [1, 200, 16384, 70000, 900000]) {
    const text = `4${'x'.repeat(size)}`;
    await ws.sendText(text);
    t.ok(await ws.nextMessage() === text, `${size}`);
  }
  await ws.sendFrame({ opcode: 8, payload: Buffer.from([3, 232]) });
  t.is(await ws.closeCode(), 1000);
});

test('frames with the handshake over TLS', async (t) => {
  const { frame } = require('./lib/raw');
  const ws = await RawWs.connect(site.ngx.ports.tls, { socket: await secure(),
    path: '/engine.io/', early: Buffer.concat(['4a', `4${'b'.repeat(9000)}`]
      .map((payload) => frame({ payload }))) });

  t.match(await ws.nextMessage(), /^0/);
  t.is(await ws.nextMessage(), '4a');
  t.is((await ws.nextMessage()).length, 9001);
});

test('the stock client over TLS: polling, WebSocket, upgrade', async (t) => {
  for (const transport of ['polling', 'websocket', 'upgrade']) {
    const socket = open({ url: `https://127.0.0.1:${site.ngx.ports.tls}` },
      { transport, rejectUnauthorized: false, auth: { name: 'ann' } });

    await once(socket, 'connect');
    if (transport === 'upgrade') {
      await upgraded(socket);
    }
    const answer = once(socket, 'hello');
    socket.emit('hello', { a: 1 });
    t.deepIs(await answer, { a: 1 });
    socket.disconnect();
  }
});


// Other modules

test('answers are compressed where gzip is on', async (t) => {
  const ask = async (method, args, body) => {
    const answer = await new Promise((done, fail) => {
      const req = http.request(`${site.url}/gzip/?${args}`, { method,
        headers: { 'accept-encoding': 'gzip' } }, (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('end', () => done({ status: res.statusCode,
          encoding: res.headers['content-encoding'],
          body: Buffer.concat(parts) }));
      }).on('error', fail);
      req.end(body);
    });

    return { ...answer, body: answer.encoding === 'gzip'
      ? zlib.gunzipSync(answer.body).toString() : answer.body.toString() };
  };
  const peer = session(ask);
  const text = `4${'x'.repeat(100000)}`;

  await peer.open(t);
  await peer.post(text);
  const { encoding, body } = await peer.get();
  t.is(encoding, 'gzip');
  t.ok(body === text);
});

test('who is denied gets 403, WebSockets too', async (t) => {
  t.is((await from(undefined, '/denied/')).status, 403);
  t.is((await site.ws(0, { path: '/denied/' })).status, 403);
});

test('"if" and "limit_except" leave the location what it is', async (t) => {
  for (const path of ['/limit/', '/if/', '/exact']) {
    const peer = await site.polling(0, { path });
    const uri = `${path}?${new URLSearchParams(peer.query)}&x=1`;

    t.is((await site.request(uri, { method: 'POST', body: '4x' })).body, 'ok');
    t.is((await site.request(uri)).body, '4x');
  }

  t.is((await from('http://a.example', '/if/')).headers
    ['access-control-allow-origin'], '*');
  t.is((await site.request('/limit/status')).json().app, 'campus');
  t.is((await site.request('/limit/health')).json().status, 'ok');
  t.is((await site.request('/limit/api/emit',
    { method: 'POST', body: '{"event":"x"}' })).json().ok, true);
});

test('auth_basic works', async (t) => {
  const authorization = `Basic ${Buffer.from('joe:secret').toString('base64')}`;

  t.is((await from(undefined, '/basic/')).status, 401);
  t.is((await from(undefined, '/basic/',
    { headers: { authorization } })).status, 200);
  t.is((await site.ws(0, { path: '/basic/' })).status, 401);
  t.is((await site.ws(0, { path: '/basic/',
    headers: { Authorization: authorization } })).status, 101);
});

test('auth_request works', async (t) => {
  const headers = { 'x-token': 'good' };

  t.is((await from(undefined, '/asked/')).status, 401);
  t.is((await from(undefined, '/asked/', { headers })).status, 200);
  t.is((await site.ws(0, { path: '/asked/' })).status, 401);

  const ws = await site.ws(0, { path: '/asked/', headers });
  t.is(ws.status, 101);
  t.match(await ws.nextMessage(), /^0/);
  await ws.sendText('4hello');
  t.is(await ws.nextMessage(), '4hello');
});

test('limit_req works', async (t) => {
  const headers = { 'x-key': 'one' };

  t.is((await from(undefined, '/slow/', { headers })).status, 200);
  t.is((await from(undefined, '/slow/', { headers })).status, 503);
  t.is((await site.ws(0, { path: '/slow/', headers })).status, 503);
  t.is((await site.ws(0, { path: '/slow/',
    headers: { 'x-key': 'two' } })).status, 101);
});

test('limit_conn counts requests that wait', async (t) => {
  const headers = { 'x-key': 'one' };
  const peer = await site.polling(0, { path: '/few/' });
  let answer;

  await new Promise((sent) => { answer = peer.at(0, { headers, sent }); });
  await site.settle(0);
  t.is((await peer.at(0, { method: 'POST', body: '4x', headers })).status,
    503);
  t.is((await peer.at(0, { method: 'POST', body: '4x' })).status, 200);
  t.is((await answer).body, '4x');
  t.is((await from(undefined, '/few/', { headers })).status, 200);
});

test('a cookie is set at the handshake, where wanted', async (t) => {
  const { headers, body } = await from(undefined, '/cookie/');
  const { sid } = JSON.parse(body.slice(1));

  t.match(headers['set-cookie'][0],
    new RegExp(`^io=${sid}; Path=/; HttpOnly; SameSite=Lax$`));

  const ws = await site.ws(0, { path: '/cookie/' });
  const open_packet = JSON.parse((await ws.nextMessage()).slice(1));

  t.match(ws.headers['set-cookie'], new RegExp(`^io=${open_packet.sid};`));
});


// The access log

const lines = () => site.ngx.log('json.log').split('\n').filter(Boolean)
  .map((line) => JSON.parse(line));

test('a WebSocket has one line, at its end', async (t) => {
  const ws = await site.opened(0, { path: '/engine.io/',
    headers: { 'User-Agent': 'one line' } });
  const mine = () => lines().filter(({ agent }) => agent === 'one line');

  for (const text of ['4hello', '4world']) {
    await ws.sendText(text);
    await ws.nextMessage();
  }
  t.is(mine().length, 0);
  await ws.sendFrame({ opcode: 8, payload: Buffer.from([3, 232]) });
  await ws.closeCode();

  await until(() => mine().length);
  const [line, ...more] = mine();

  t.is(more.length, 0);
  t.is(line.status, '101');
  t.is(line.uri, '/engine.io/');
  t.is(line.sid, ws.open.sid);
  t.is(line.transport, 'websocket');
  t.is(line.in, '2');
  t.is(line.out, '3');
  t.is(line.reason, 'transport close');
  t.ok(Number(line.bytes_in) >= 12 && Number(line.bytes_out) > 100);
});

test('with the user, and the reason of its end', async (t) => {
  const sio = await site.sio(0, { auth: { name: 'ann' },
    headers: { 'User-Agent': 'with user' } });

  await sio.send('42{}');
  await sio.ws.closeCode();

  const line = await until(() => lines()
    .find(({ agent }) => agent === 'with user'));

  t.is(line.user, 'ann');
  t.is(line.sid, sio.open.sid);
  t.is(line.reason, 'parse error');
});

test('a polling request has its own', async (t) => {
  const peer = await site.polling(0);

  await peer.post('4logged', 1);
  await peer.poll(0);

  const mine = await until(() => {
    const found = lines().filter(({ sid }) => sid === peer.query.sid);
    return found.length === 3 && found;
  });

  t.ok(mine.every(({ transport, status }) => transport === 'polling'
    && status === '200'));
});

test('an upgraded session has one line for its WebSocket', async (t) => {
  const peer = await site.polling(0);
  const ws = await site.probing(peer, 1);

  await ws.sendText('5');
  await ws.sendText('4hello');
  t.is(await ws.nextMessage(), '4hello');
  ws.close();

  const mine = await until(() => {
    const found = lines().filter(({ sid, transport }) =>
      sid === peer.query.sid && transport === 'websocket');
    return found.length && found;
  });

  t.is(mine.length, 1);
  t.is(mine[0].status, '101');
  t.match(mine[0].reason, /^transport (close|error)$/);
});

test('"access_log off" is silent', async (t) => {
  const ws = await site.opened(0, { path: '/off/' });

  ws.close();
  await until(async () => (await site.engine({ ...polling,
    sid: ws.open.sid })).json().code === 1);
  t.ok(!lines().some(({ uri }) => uri === '/off/'));
});
