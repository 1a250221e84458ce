#!/usr/bin/env node
'use strict';

// POST /api/emit: who is reached, what is answered, and what is refused.

const http = require('node:http');
const net = require('node:net');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once } = require('./lib/clients');
const { countsAre } = require('./lib/status');
const { until, within } = require('./lib/wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on join { join $.room; ack null; }
    api board post { emit board:post to $.board with '{"text": $.text}'; }
    api picky post { expect $.text string 1..3; check $.text != no;
                     emit ok to all; }
  }
  namespace /news { authenticate none; }
  namespace "~^/room-[0-9]+$" { authenticate none; }`;

const join = (socket, room) => new Promise((done) =>
  socket.emit('join', { room }, done));

const refusal = (code, path) => ({ ok: false, error: { code, path } });

async function refused(t, ngx, body, status, expected) {
  const answer = await ngx.emit(body);

  t.is(answer.status, status);
  t.is(answer.body.ok, false);
  t.is(answer.body.error.code, expected.error.code);
  t.is(answer.body.error.path, expected.error.path);
  t.is(typeof answer.body.error.message, 'string');
}

// What each of these clients has received, once a last event has reached all.

async function heard(ngx, sockets, nsp = '/') {
  const last = sockets.map((socket) => once(socket, 'last'));

  await ngx.emit({ event: 'last', namespace: nsp });
  await Promise.all(last);

  return sockets.map((socket) => socket.heard.splice(0));
}

async function listen(ngx, options) {
  const socket = await connect(ngx, options);

  socket.heard = [];
  socket.onAny((event, ...args) => {
    if (event !== 'last') {
      socket.heard.push([event, ...args]);
    }
  });

  return socket;
}

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx, a, b, c, news;

  test(name('clients are there'), async (t) => {
    ngx = await Nginx.start({ workers, app });
    [a, b, c, news] = await Promise.all([
      listen(ngx, { auth: { name: 'ann' } }),
      listen(ngx, { auth: { name: 'bob' }, transport: 'polling' }),
      listen(ngx, { auth: { name: 'ann' }, transport: 'upgrade' }),
      listen(ngx, { nsp: '/news' }),
    ]);
    await join(a, 'x');
    await join(b, 'x');
    await join(b, 'y');
    t.ok(true);
  });

  test(name('an emit to nobody in particular reaches the namespace'),
    async (t) => {
      t.deepIs(await ngx.emit({ event: 'hello', data: { n: 1 } }),
        { status: 200, body: { ok: true, matched: 3, queued: 0 } });
      const got = ['hello', { n: 1 }];
      t.deepIs(await heard(ngx, [a, b, c]), [[got], [got], [got]]);
      t.deepIs(await heard(ngx, [news], '/news'), [[]]);
    });

  test(name('rooms: each socket once, matched counts members'), async (t) => {
    t.deepIs((await ngx.emit({ event: 'e', data: 1, to: ['x', 'y', 'z'] }))
      .body, { ok: true, matched: 3, queued: 0 });
    t.deepIs(await heard(ngx, [a, b, c]), [[['e', 1]], [['e', 1]], []]);
  });

  test(name('except'), async (t) => {
    await ngx.emit({ event: 'e', data: 2, to: 'x', except: ['y'] });
    t.deepIs(await heard(ngx, [a, b, c]), [[['e', 2]], [], []]);
  });

  test(name('a user has all his sockets'), async (t) => {
    t.is((await ngx.emit({ event: 'e', data: 3, user: 'ann' })).body.matched,
      2);
    t.deepIs(await heard(ngx, [a, b, c]), [[['e', 3]], [], [['e', 3]]]);
  });

  test(name('a socket id is a room'), async (t) => {
    t.is((await ngx.emit({ event: 'e', data: 4, to: b.id })).body.matched, 1);
    t.deepIs(await heard(ngx, [a, b, c]), [[], [['e', 4]], []]);
  });

  test(name('args are the arguments, no data is no argument'), async (t) => {
    await ngx.emit({ event: 'e', args: [1, 'two', { three: 3 }, null] });
    await ngx.emit({ event: 'none' });
    const got = [['e', 1, 'two', { three: 3 }, null], ['none']];
    t.deepIs(await heard(ngx, [a, b, c]), [got, got, got]);
  });

  test(name('a target has its rule'), async (t) => {
    t.is((await ngx.emit({ event: 'post', target: 'board',
      data: { board: 'y', text: 'hi' } })).body.ok, true);
    t.deepIs(await heard(ngx, [a, b]), [[], [['board:post', { text: 'hi' }]]]);
  });

  test(name('what the rule expects otherwise is 400'), (t) =>
    refused(t, ngx, { event: 'post', target: 'picky',
      data: { text: 'too long' } }, 400, refusal('invalid')));

  test(name('what the rule refuses is 403'), (t) =>
    refused(t, ngx, { event: 'post', target: 'picky',
      data: { text: 'no' } }, 403, refusal('forbidden')));

  test(name('unknown namespace and target are 404'), async (t) => {
    await refused(t, ngx, { event: 'e', namespace: '/no' }, 404,
      refusal('not_found', 'namespace'));
    await refused(t, ngx, { event: 'e', target: 'no' }, 404,
      refusal('not_found', 'target'));
    t.is((await ngx.emit({ event: 'e', namespace: '/room-7' })).status, 200);
  });

  test(name('wrong bodies are 400 with the path'), async (t) => {
    for (const [body, path] of [
      ['', undefined], ['{', undefined], ['null', undefined],
      ['{"event":"e"} x', undefined], ['{"event":"\xff"}', undefined],
      [{}, 'event'], [{ event: 1 }, 'event'], [{ event: '' }, 'event'],
      [{ event: 'connect' }, 'event'], [{ event: 'disconnect' }, 'event'],
      [{ event: 'e', to: [] }, 'to'], [{ event: 'e', to: ['a', {}] }, 'to[1]'],
      [{ event: 'e', to: '' }, 'to'], [{ event: 'e', args: {} }, 'args'],
      [{ event: 'e', volatile: 1 }, 'volatile'],
      [{ event: 'e', ack: 0 }, 'ack'], [{ event: 'e', rooms: ['x'] }, 'rooms'],
      [{ event: 'e', mailbox: true }, 'mailbox'],
      [{ event: 'e', user: 1, mailbox: true }, 'mailbox'],
      [{ event: 'e', id: 'x', ack: 1 }, 'id'], [{ event: 'e', id: 1 },
        'id'],
    ]) {
      await refused(t, ngx, Buffer.from(typeof body === 'string' ? body
        : JSON.stringify(body), 'latin1'), 400, refusal('invalid', path));
    }
    t.deepIs(await heard(ngx, [a]), [[]]);
  });

  test(name('other calls and methods'), async (t) => {
    for (const uri of ['/api/', '/api/emits', '/api/xemit', '/api/emit/']) {
      const { status, json } = await ngx.get(uri, { method: 'POST',
        body: '{}' });
      t.is(status, 404, uri);
      t.is(json().error.code, 'not_found');
    }
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, headers, json } = await ngx.get('/api/emit', { method });
      t.is(status, 405);
      t.is(headers.allow, 'POST');
      t.is(json().ok, false);
    }
    t.is((await ngx.get('/api/v2/emit', { method: 'POST',
      body: '{"event":"e"}' })).status, 200);
    await heard(ngx, [a, b, c]);
  });

  test(name('answers are JSON that nobody keeps'), async (t) => {
    for (const body of ['{"event":"e"}', 'x']) {
      const { headers } = await ngx.get('/api/emit', { method: 'POST', body });
      t.is(headers['content-type'], 'application/json');
      t.is(headers['cache-control'], 'no-store');
      t.is(headers['x-content-type-options'], 'nosniff');
    }
    await heard(ngx, [a, b, c]);
  });

  test(name('posts of one connection arrive in order'), async (t) => {
    const to = { to: [a.id, b.id, c.id] };
    for (let n = 0; n < 300; n++) {
      t.is((await ngx.emit({ event: 'n', data: n, ...to })).body.matched, 3);
    }
    for (const got of await heard(ngx, [a, b, c])) {
      t.deepIs(got.map(([, n]) => n), [...Array(300).keys()]);
    }
  });

  test(name('acks are collected'), async (t) => {
    a.once('ask', (q, done) => done({ from: 'a', q }));
    b.once('ask', (q, done) => done('b', Buffer.from('bin')));
    c.once('ask', (q, done) => setTimeout(() => done(), 50));
    const { status, body } = await ngx.emit({ event: 'ask', data: 7,
      ack: 60000 });
    t.is(status, 200);
    t.is(body.ok, true);
    t.deepIs(body.missing, []);
    t.deepIs(body.acks.map((args) => JSON.stringify(args)).sort(),
      ['["b",{"base64":"Ymlu"}]', '[]', '[{"from":"a","q":7}]']);
    await heard(ngx, [a, b, c]);
  });

  test(name('who does not answer is missing'), async (t) => {
    a.once('ask', (done) => done(1));
    const { body } = await ngx.emit({ event: 'ask', ack: 1500,
      to: [a.id, b.id] });
    t.deepIs(body, { ok: true, acks: [[1]], missing: [b.id] });
    t.deepIs((await ngx.emit({ event: 'ask', ack: 300, to: 'nobody' })).body,
      { ok: true, acks: [], missing: [] });
    await heard(ngx, [a, b, c]);
  });

  test(name('a socket that leaves is missing'), async (t) => {
    const d = await connect(ngx, { auth: { name: 'dan' } });
    const { id } = d;
    d.once('ask', () => d.disconnect());
    const { body } = await ngx.emit({ event: 'ask', ack: 1000, to: id });
    t.deepIs(body, { ok: true, acks: [], missing: [id] });
  });

  test(name('a backend that goes away ends the waiting'), async (t) => {
    const socket = net.connect(ngx.port, '127.0.0.1');
    const body = JSON.stringify({ event: 'ask', ack: 60000, to: a.id });
    const asked = once(a, 'ask');

    socket.write('POST /api/emit HTTP/1.1\r\nHost: x\r\n'
      + `Content-Length: ${body.length}\r\n\r\n${body}`);
    await asked;
    socket.destroy();
    await until(() => / 499 /.test(ngx.accessLog()), { what: 'a 499' });
    await heard(ngx, [a, b, c]);
    t.is((await ngx.emit({ event: 'e', to: 'none' })).status, 200);
  });

  test(name('pipelined requests are answered in order'), async (t) => {
    const posts = [{ event: 'ask', ack: 200, to: b.id },
      { event: 'e', to: 'x' }, { event: '' }];
    const socket = net.connect(ngx.port, '127.0.0.1');
    let text = '';

    socket.on('data', (data) => { text += data; });
    socket.write(posts.map((post) => JSON.stringify(post)).map((body) =>
      'POST /api/emit HTTP/1.1\r\nHost: x\r\n'
      + `Content-Length: ${body.length}\r\n\r\n${body}`).join(''));
    await until(() => text.split('HTTP/1.1 ').length === 4,
      { what: 'three answers' });
    socket.destroy();
    t.deepIs(text.match(/HTTP\/1.1 \d+/g).map((line) => line.slice(9)),
      ['200', '200', '400']);
    await heard(ngx, [a, b]);
  });

  test(name('sockets of a closed client are not matched'), async (t) => {
    c.disconnect();
    await countsAre(ngx, { sessions: 3 });
    t.is((await ngx.emit({ event: 'e' })).body.matched, 2);
  });
}

suite(1);
suite(4);

// Bodies of any size and in any form.

let ngx, socket;

test('a server with small buffers', async (t) => {
  ngx = await Nginx.start({ app, workers: 2, server: `
    client_body_buffer_size 1k;
    client_max_body_size 300k;` });
  socket = await connect(ngx, { auth: { name: 'ann' } });
  t.ok(socket.connected);
});

for (const size of [10, 900, 1100, 5000, 70000, 250000]) {
  for (const chunked of [false, true]) {
    test(`a body of ${size} bytes${chunked ? ', chunked' : ''}`, async (t) => {
      const text = 'abcdefg'.repeat(size / 7 + 1).slice(0, size);
      const got = once(socket, 'big');
      const headers = chunked ? { 'transfer-encoding': 'chunked' } : {};
      const { status } = await ngx.get('/api/emit', { method: 'POST', headers,
        body: JSON.stringify({ event: 'big', data: text }) });
      t.is(status, 200);
      t.is(await got, text);
    });
  }
}

function many(agent, requests) {
  return requests.reduce(async (before, options) => {
    const answers = await before;
    const answer = await ngx.get('/api/emit', { method: 'POST', agent,
      ...options });
    return [...answers, answer];
  }, Promise.resolve([]));
}

test('keep-alive survives all answers, also those before the body',
  async (t) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    const chunked = { 'transfer-encoding': 'chunked' };
    const large = JSON.stringify({ event: 'e', data: 'x'.repeat(400000) });
    const small = '{"event":"e","to":"none"}';

    agent.on('free', (used) => ports.add(used.localPort));

    const answers = await many(agent, [
      { body: small }, { body: 'x' }, { body: large },
      { body: large, headers: chunked }, { body: small, headers: chunked },
      { body: '{"event":"e","namespace":"/no"}' }, { method: 'GET' },
      { method: 'PUT', body: large.slice(0, 200000) }, { body: small },
    ]);

    agent.destroy();
    t.deepIs(answers.map(({ status }) => status),
      [200, 400, 413, 413, 200, 404, 405, 405, 200]);
    answers.forEach((answer) => t.is(answer.json().ok, answer.status === 200));
    t.is(answers[2].json().error.code, 'too_large');
    t.is(answers[3].json().error.code, 'too_large');
    t.is(ports.size, 1);
  });

test('Expect: 100-continue is answered', async (t) => {
  const body = '{"event":"e","to":"none"}';
  const client = net.connect(ngx.port, '127.0.0.1');
  let text = '';

  client.on('data', (data) => { text += data; });
  client.write('POST /api/emit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
    + `Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
  await until(() => /^HTTP\/1.1 100/.test(text), { what: '100' });
  client.write(body);
  await within(30000, 'the end', new Promise((done) =>
    client.on('close', done)));
  t.match(text, /HTTP\/1.1 200 OK/);
});

test('HTTP/1.0 works', async (t) => {
  const body = '{"event":"e","to":"none"}';
  const client = net.connect(ngx.port, '127.0.0.1');
  let text = '';

  client.on('data', (data) => { text += data; });
  client.write(`POST /api/emit HTTP/1.0\r\nContent-Length: ${body.length}`
    + `\r\n\r\n${body}`);
  await within(30000, 'the end', new Promise((done) =>
    client.on('close', done)));
  t.match(text, /200 OK[^]*{"ok":true,"matched":0,"queued":0}$/);
});

test('a reload waits for acks that are asked for', async (t) => {
  const server = await Nginx.start({ app, workers: 1 });
  const client = await connect(server, { auth: { name: 'ann' } });
  const asked = once(client, 'ask');
  const answer = server.get('/api/emit', { method: 'POST',
    body: JSON.stringify({ event: 'ask', ack: 2000, to: client.id }) });

  await asked;
  await server.reload();
  const { status, json } = await answer;
  t.is(status, 200);
  t.is(json().ok, true);
});
