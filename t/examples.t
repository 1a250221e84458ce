#!/usr/bin/env node
'use strict';

// The files of conf/examples, as they are but for ports and paths: nginx -t
// accepts them, and stock clients are served.  make install brings what they
// include.

const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { test, after } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, open, once, ask, upgraded } = require('./lib/clients');
const { request } = require('./lib/http');
const { pair, jwks } = require('./lib/tokens');
const { until } = require('./lib/wait');
const { Application } = require('./lib/application');

const top = path.join(__dirname, '..');
const installed = '/usr/share/nginx/socketio/';
const read = (name) =>
  fs.readFileSync(path.join(top, 'conf/examples', name), 'utf8');

// changes: [from, to], each of which is there.

function example(name, changes) {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) {
      throw new Error(`${name} has no "${from}"`);
    }
    return text.replaceAll(from, to);
  }, read(name));
}

const files = {
  'application.conf': (port) => example('application.conf',
    [['listen      3001', 'listen 127.0.0.1:@port@'],
     ['127.0.0.1:8000', `127.0.0.1:${port}`],
     ['/var/log/nginx/', 'logs/']]),
  'minimal.conf': () => example('minimal.conf',
    [['listen 3001', 'listen 127.0.0.1:@port@']]),
  'full.conf': (port) => example('full.conf',
    [['listen 80', 'listen 127.0.0.1:@port@'],
     ['listen 127.0.0.1:3001', 'listen 127.0.0.1:@api@'],
     ['127.0.0.1:3000', `127.0.0.1:${port}`],
     ['/var/log/nginx/', 'logs/'],
     ['worker_rlimit_nofile 65536;', ''],
     ['worker_connections 16384', 'worker_connections 1024'],
     [installed, `${top}/conf/`]]),
  'behind-load-balancer.conf': () => example('behind-load-balancer.conf',
    [['listen 3001', 'listen 127.0.0.1:@inner@'],
     ['server    127.0.0.1:3001', 'server 127.0.0.1:@inner@'],
     ['listen 8080', 'listen 127.0.0.1:@port@'],
     ['/var/log/nginx/', 'logs/']]),
  'tls.conf': () => example('tls.conf',
    [['listen 443', 'listen 127.0.0.1:@tls@'],
     ['listen 80', 'listen 127.0.0.1:@port@']]),
  'tokens.conf': () => example('tokens.conf',
    [['listen 3001', 'listen 127.0.0.1:@port@']]),
};

// What they read beside themselves.

const login = pair('ES256', { kid: 'login' });
const beside = async () => ({ 'authjs.key': 'x'.repeat(40),
                              'webhook.key': 'y'.repeat(44),
                              'jwks.json': jwks(await login) });

// Two clients, a message from the one to the other.

async function talk(t, a, b) {
  const heard = once(b, 'message');

  t.is(await ask(a, 'message', 'hello'), null);
  t.is(await heard, 'hello');
  t.is((await ask(a, 'message', '')).code, 'invalid');
}

test('all of them are here', (t) => t.deepIs(Object.keys(files).sort(),
  fs.readdirSync(path.join(top, 'conf/examples')).sort()));

for (const [name, text] of Object.entries(files)) {
  test(`${name} passes nginx -t`, async (t) => {
    let port = 20000;
    const numbered = text(1).replace(/@\w+@/g, () => port++);
    const { ok, output } = Nginx.check({ whole: numbered, workers: 2,
                                         certificate: true,
                                         files: await beside() });

    t.ok(ok, output);
    t.ok(!/\[warn\]/.test(output), output);
  });
}

test('minimal.conf serves', async (t) => {
  const ngx = await Nginx.start({ whole: files['minimal.conf'](),
                                  workers: 1 });
  const [a, b] = await Promise.all(['websocket', 'polling'].map((transport) =>
    connect(ngx, { transport })));

  await talk(t, a, b);
  t.is((await ask(a, 'other')).code, 'unknown_event');
});

// The application that full.conf asks who somebody is: the cookie says it.

function application() {
  const server = http.createServer((req, res) => {
    const [, user] = /session=(\w+)/.exec(req.headers.cookie) || [];

    if (req.url !== '/internal/whoami') {
      res.end(`page ${req.url}`);
    } else if (!user) {
      res.writeHead(401).end();
    } else if (user === 'guest') {
      res.writeHead(200).end();
    } else {
      const name = Buffer.from(`\u00c4. ${user}`).toString('latin1');
      res.writeHead(200, { 'X-User-Id': user, 'X-User-Name': name }).end();
    }
  });

  after(() => server.closeAllConnections() ?? server.close());

  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () => done(server.address().port)));
}

test('full.conf serves users of the application', async (t) => {
  const ngx = await Nginx.start({ workers: 2, ports: ['api'],
    whole: files['full.conf'](await application()) });
  const api = `http://127.0.0.1:${ngx.ports.api}`;
  const post = async (call, body) => {
    const answer = await request(`${api}/api/${call}`,
      { method: 'POST', body: JSON.stringify(body) });
    t.is(answer.status, 200, answer.body);
    return answer.json();
  };
  const user = (name, options) => {
    const socket = open(ngx, { ...options,
      extraHeaders: { cookie: `session=${name}` } });
    return Promise.all([socket, once(socket, 'session')]);
  };

  t.is((await ngx.get('/some/page')).body, 'page /some/page');

  const [[ann, session], [bob]] = await Promise.all(
    [user('ann', { transport: 'upgrade' }),
     user('bob', { transport: 'polling' })]);
  t.deepIs(session, { userId: 'ann', name: '\u00c4. ann' });
  await upgraded(ann);
  await post('join', { user: ['ann', 'bob'], rooms: ['group:1'], ttl: '1h' });

  const heard = once(bob, 'group:activity');
  t.is((await ask(ann, 'group:activity', { groupId: '1', type: 'x' }))[0],
    null);
  const { userId, userName } = await heard;
  t.deepIs([userId, userName], ['ann', '\u00c4. ann']);

  for (const socket of [ann, bob]) {
    t.is(await ask(socket, 'whiteboard:join', { groupId: '1' }), null);
  }
  const drawn = once(bob, 'whiteboard:draw');
  ann.emit('whiteboard:draw', { groupId: '1', points: [1, 2] });
  t.deepIs(await drawn, { groupId: '1', points: [1, 2] });

  const news = once(ann, 'news');
  await post('emit', { event: 'news', data: 1, user: 'ann' });
  t.is(await news, 1);
  t.is((await ngx.get('/api/emit', { method: 'POST', body: '{}' })).body,
    'page /api/emit', 'the API is not for browsers');

  t.is((await request(`${api}/status`)).status, 200);
  t.is((await ngx.get('/healthz')).status, 200);
  t.is((await ngx.get('/whoami')).status, 404);
});

test('full.conf refuses strangers, but not in /public', async (t) => {
  const ngx = await Nginx.start({ workers: 2, ports: ['api'],
    whole: files['full.conf'](await application()) });
  const cookie = 'session=guest';

  await t.rejects(connect(ngx, { transport: 'polling' }));
  await t.rejects(connect(ngx, { extraHeaders: { cookie } }),
    /authentication required/);
  const guest = await connect(ngx, { nsp: '/public',
                                     extraHeaders: { cookie } });
  t.is((await ask(guest, 'anything')).code, 'unknown_event');

  const origin = async (value) => (await ngx.get(
    '/socket.io/?EIO=4&transport=polling',
    { headers: { cookie, origin: value } })).status;
  t.is(await origin('https://app.example.com'), 200);
  t.is(await origin('https://evil.example.com'), 403);
  await until(() => /authentication required/.test(ngx.log()));
});

test('behind-load-balancer.conf serves through the balancer', async (t) => {
  const ngx = await Nginx.start({ workers: 2, ports: ['inner'],
    whole: files['behind-load-balancer.conf']() });
  const clients = await Promise.all(Array.from({ length: 12 }, (_, i) =>
    connect(ngx, { transport: ['upgrade', 'polling', 'websocket'][i % 3] })));
  const [first, ...others] = clients;

  await upgraded(first);
  const heard = Promise.all(others.map((socket) => once(socket, 'message')));
  t.is(await ask(first, 'message', 'hello'), null);
  t.deepIs(await heard, Array(11).fill('hello'));

  // Who speaks to us directly, from a trusted address, says who it is for.

  const socket = open({ url: `http://127.0.0.1:${ngx.ports.inner}` },
    { extraHeaders: { 'X-Forwarded-For': '203.0.113.9, 10.1.2.3' } });
  t.deepIs(await once(socket, 'session'), { address: '203.0.113.9' });

  const status = async (headers) => (await ngx.get(
    '/socket.io/?EIO=4&transport=polling', { headers })).status;
  t.is(await status({ origin: `http://127.0.0.1:${ngx.port}` }), 200,
    'the same host');
  t.is(await status({ origin: 'https://app.example.com' }), 200);
  t.is(await status({ origin: 'https://evil.example.com' }), 403);
  await until(() => /^203\.0\.113\.9 via 127\.0\.0\.1|^127\.0\.0\.1 via /m
    .test(ngx.accessLog()));
});

test('tls.conf serves with TLS', async (t) => {
  const ngx = await Nginx.start({ workers: 2, ports: ['tls'],
    certificate: true, whole: files['tls.conf']() });
  const secure = { url: `https://127.0.0.1:${ngx.ports.tls}` };
  const [a, b, c] = await Promise.all(['websocket', 'polling', 'upgrade']
    .map((transport) => connect(secure,
      { transport, rejectUnauthorized: false })));

  await upgraded(c);
  await talk(t, a, b);
  await talk(t, b, c);

  const { status, headers } = await ngx.get('/page?x=1');
  t.is(status, 308);
  t.is(headers.location, 'https://127.0.0.1/page?x=1');
});

test('tls.conf serves polling with HTTP/2', async (t) => {
  const ngx = await Nginx.start({ workers: 1, ports: ['tls'],
    certificate: true, whole: files['tls.conf']() });
  const session = http2.connect(`https://127.0.0.1:${ngx.ports.tls}`,
    { rejectUnauthorized: false });

  after(() => session.destroy());

  const exchange = (headers, body) => new Promise((done, fail) => {
    const stream = session.request(headers);
    let text = '';
    let head;

    stream.on('response', (answer) => { head = answer; });
    stream.on('error', fail);
    stream.on('data', (data) => { text += data; });
    stream.on('end', () => done({ status: head[':status'], head, text }));
    stream.end(body);
  });
  const uri = '/socket.io/?EIO=4&transport=polling';
  const { status, head, text } = await exchange({ ':path': uri });

  t.is(session.alpnProtocol, 'h2');
  t.is(status, 200);
  t.match(head['strict-transport-security'], /^max-age=/);

  const { sid } = JSON.parse(text.slice(1));
  t.is((await exchange({ ':path': `${uri}&sid=${sid}`, ':method': 'POST',
    'content-type': 'text/plain' }, '40')).status, 200);
  t.match((await exchange({ ':path': `${uri}&sid=${sid}` })).text,
    /^40\{"sid":"/);
});

test('make install brings the presets and the examples', (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-'));

  after(() => fs.rmSync(dir, { recursive: true }));
  execFileSync('make', ['-s', '-C', top, 'install-conf', `DESTDIR=${dir}`],
    { env: { ...process.env, MAKEFLAGS: '' }, stdio: 'pipe' });

  const prefix = execFileSync(path.join(top, 't/tools/nginx-path'),
    ['prefix'], { encoding: 'utf8' }).trim();

  for (const folder of ['presets', 'examples']) {
    const from = path.join(top, 'conf', folder);
    const to = path.join(dir, prefix, 'socketio', folder);

    t.deepIs(fs.readdirSync(to).sort(), fs.readdirSync(from).sort());
    for (const name of fs.readdirSync(from)) {
      t.is(fs.readFileSync(path.join(to, name), 'utf8'),
        fs.readFileSync(path.join(from, name), 'utf8'));
    }
  }
});

test('application.conf asks the application', async (t) => {
  const app = await Application.start({ key: 'y'.repeat(44),
    handle(body, { url, headers }) {
      const { event, data, user } = body ?? {};

      if (url.endsWith('/user')) {
        const [, name] = /session=(\w+)/.exec(headers.cookie) || [];
        return name ? { user: name } : { status: 401 };
      }

      return event === 'connect' ? { join: 'room:5' }
        : event === 'message' ? { ack: [null], emit: { event: 'message',
          to: `room:${data.room}`, data: { ...data, from: user } } }
          : undefined;
    } });
  const ngx = await Nginx.start({ whole: files['application.conf'](app.port),
    workers: 2, files: await beside() });
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) =>
    connect(ngx, { extraHeaders: { cookie: `session=${name}` } })));
  const heard = once(bob, 'message');

  t.is(await ask(ann, 'message', { room: '5', text: 'hi' }), null);
  t.deepIs(await heard, { room: '5', text: 'hi', from: 'ann' });
  t.is((await ask(ann, 'message', { room: '6', text: 'hi' })).code,
    'forbidden');
  await t.rejects(connect(ngx), /authentication required/);
  ann.disconnect();
  bob.disconnect();
  await until(() => app.calls.filter(({ body }) =>
    body?.event === 'disconnect').length === 2, { what: 'on disconnect' });
  t.ok(app.calls.every(({ signed, url }) =>
    signed || !url.startsWith('/hooks/')));
});

test('tokens.conf serves users with tokens', async (t) => {
  const ngx = await Nginx.start({ workers: 2, files: await beside(),
    whole: files['tokens.conf']() });
  const user = async (claims) => {
    const token = await (await login).sign({ aud: 'chat',
      iss: 'https://login.example.com', ...claims }, { exp: '5m' });
    const socket = open(ngx, { auth: { token } });

    return [socket, await once(socket, 'session')];
  };
  const [ann, session] = await user({ sub: 'u1', name: 'Ann', role: 'admin' });
  const [bob] = await user({ sub: 'u2', name: 'Bob' });

  t.deepIs(session, { userId: 'u1', name: 'Ann' });

  const heard = once(bob, 'message');
  t.is(await ask(ann, 'message', 'hello'), null);
  t.deepIs(await heard, { from: 'Ann', text: 'hello' });
  t.is(await ask(ann, 'announce', 'hello'), null);
  t.is((await ask(bob, 'announce', 'hello')).code, 'forbidden');
  await t.rejects(connect(ngx), /authentication required/);
  await t.rejects(connect(ngx, { auth: { token: 'x' } }), /invalid token/);

  const { encode } = await import('@auth/core/jwt');
  const cookie = `authjs.session-token=${await encode({
    token: { sub: 'u3', email: 'eve@a.example' }, secret: 'x'.repeat(40),
    salt: 'authjs.session-token' })}`;
  const account = open(ngx, { nsp: '/account', extraHeaders: { cookie } });
  t.deepIs(await once(account, 'session'),
    { userId: 'u3', email: 'eve@a.example' });
});
