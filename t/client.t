#!/usr/bin/env node
'use strict';

// Stock clients: what their documentation promises, over each transport, with
// one worker and with four.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { open, connect, once, ask, upgraded, transports, io3, io4 }
  = require('./lib/clients');
const { Proxy } = require('./lib/proxy');
const { counts, gone } = require('./lib/status');
const { until } = require('./lib/wait');

// Payloads of 1 MB travel between workers, two or three at a time: the usual
// zone has 2.3 MB for that.
//
// By polling a ping waits behind what was sent before, sixteen packets an
// answer: of 10,000 events these are 625 answers, which take their time.

const app = `
  zone 32m;
  namespace / {
    authenticate none;
    on connect { emit session to self with '{"auth": $auth}'; }
    on echo { emit echo to self with $args; ack $args; }
    on count { emit count to self with $args; }
    on once { emit once to self with $args; ack null; }
    on nothing { set nothing 1; }
  }
  namespace /chat {
    authenticate none;
    on echo { emit echo to self with '"chat"' $args; ack '"chat"' $args; }
  }
  namespace /empty { authenticate none; }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_buffer 4m;
                         socketio_ping_interval 2s;
                         socketio_ping_timeout 6s; }
  location /patient/   { socketio campus; socketio_buffer 4m;
                         socketio_ping_interval 60s;
                         socketio_ping_timeout 60s; }
  location /api/       { socketio_api campus; client_max_body_size 2m;
                         allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

const bytes = Buffer.from([0, 1, 2, 254, 255]);
const mebi = 'm'.repeat(999900);

function suite(workers) {
  let ngx;

  test(`nginx starts with ${workers} worker(s)`, async () => {
    ngx = await Nginx.start({ workers, app, locations });
  });

  for (const [name, io] of [['4.8', io4], ['3.1', io3]]) {
    for (const transport of Object.keys(transports)) {
      const fact = (what, fn, options) =>
        test(`${workers} worker(s), ${name}, ${transport}: ${what}`,
          (t) => fn(t, { io, transport }), options);

      facts(fact, () => ngx);
    }
  }
}

function facts(fact, server) {
  fact('the auth payload arrives, and the transport is the wanted one',
    async (t, options) => {
      const socket = open(server(), { ...options, auth: { token: 'x', n: 1 } });
      t.deepIs(await once(socket, 'session'),
               { auth: { token: 'x', n: 1 } });
      t.ok(socket.connected);
      if (options.transport === 'upgrade') {
        await upgraded(socket);
      }
      t.is(socket.io.engine.transport.name,
           options.transport === 'polling' ? 'polling' : 'websocket');
      socket.disconnect();
    });

  fact('events come back as they were', async (t, options) => {
    const socket = await connect(server(), options);
    const args = [1, 'zwei', null, true, 1.5, -1e300, [[]], { a: { b: [] } },
                  'h\u00e9\u20ac\u{1f600}"\\\n\u0000\u2028'];
    const echo = once(socket, 'echo');
    socket.emit('echo', ...args);
    t.deepIs(await echo, args);
    socket.disconnect();
  });

  fact('acks come back to the event that asked', async (t, options) => {
    const socket = await connect(server(), options);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(socket, 'echo', n, 'x')));
    t.deepIs(answers, answers.map((_, n) => [n, 'x']));
    t.is(await ask(socket, 'nothing'), null);
    socket.disconnect();
  });

  fact('the client acks what the API sends', async (t, options) => {
    const socket = await connect(server(), options);
    socket.on('question', (a, b, done) => done({ sum: a + b }, 'fine'));
    const { status, body } = await server().emit({ event: 'question',
      args: [2, 3], to: socket.id, ack: 60000 });
    t.is(status, 200);
    t.deepIs(body, { ok: true, acks: [[{ sum: 5 }, 'fine']], missing: [] });
    socket.disconnect();
  });

  fact('binary travels both ways, nested and in acks', async (t, options) => {
    const socket = await connect(server(), options);
    const big = Buffer.alloc(70000, 7);
    const args = [bytes, { a: [bytes, 'x', { b: big }] }, Buffer.alloc(0)];
    const echo = once(socket, 'echo');
    const answer = await ask(socket, 'echo', ...args);
    t.deepIs(answer, args);
    t.deepIs(await echo, args);
    socket.on('question', (done) => done(bytes));
    const { body } = await server().emit({ event: 'question', args: [],
      to: socket.id, ack: 60000 });
    t.deepIs(body.acks, [[{ base64: bytes.toString('base64') }]]);
    socket.disconnect();
  });

  fact('namespaces share one connection', async (t, options) => {
    await gone(server());
    const main = open(server(), { ...options, forceNew: true });
    const chat = main.io.socket('/chat');
    chat.connect();
    await Promise.all([once(main, 'connect'), once(chat, 'connect')]);
    t.ok(main.id !== chat.id);
    t.deepIs(await ask(chat, 'echo', 1), ['chat', 1]);
    t.is(await ask(main, 'echo', 1), 1);
    t.is((await counts(server())).sessions, 1);

    chat.disconnect();
    t.is(await ask(main, 'echo', 2), 2);
    chat.connect();
    await once(chat, 'connect');
    t.deepIs(await ask(chat, 'echo', 3), ['chat', 3]);
    main.disconnect();
    t.deepIs(await ask(chat, 'echo', 4), ['chat', 4]);
    chat.disconnect();
  });

  fact('an unknown namespace is refused', async (t, options) => {
    const socket = open(server(), { ...options, nsp: '/nowhere' });
    const { message } = await once(socket, 'connect_error');
    t.is(message, 'Invalid namespace');
    socket.disconnect();
  });

  fact('after a cut the client comes back and goes on',
    async (t, options) => {
      const proxy = await Proxy.start(server().port);
      const socket = open(proxy, { ...options, reconnection: true,
        reconnectionDelay: 10, reconnectionDelayMax: 50 });
      await once(socket, 'connect');
      const { id } = socket;
      const again = once(socket, 'connect');
      let why;
      socket.on('disconnect', (reason) => { why = reason; });

      // A client that has no request under way when it is cut notices nothing.

      await until(() => why || proxy.cut(), { what: 'the cut is noticed' });
      t.match(why, /^transport (close|error)$/);
      socket.emit('echo', 'buffered');
      await again;
      t.ok(socket.id !== id);
      t.is(await once(socket, 'echo'), 'buffered');
      t.is(await ask(socket, 'echo', 'alive'), 'alive');
      socket.disconnect();
      proxy.stop();
    });

  fact('retries without ackTimeout: each event arrives once',
    async (t, options) => {
      const socket = await connect(server(), { ...options, retries: 3 });
      const got = [];
      socket.on('once', (n) => got.push(n));
      for (let n = 0; n < 10; n++) {
        socket.emit('once', n);
      }
      await until(() => got.length >= 10, { what: 'ten events' });
      t.is(await ask(socket, 'nothing'), null);
      t.deepIs(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      socket.disconnect();
    });

  fact('payloads just under the limit travel both ways',
    async (t, options) => {
      const socket = await connect(server(), options);
      const echo = once(socket, 'echo');
      socket.emit('echo', mebi);
      t.ok(await echo === mebi);
      const post = once(socket, 'big');
      const { status } = await server().emit({ event: 'big', data: mebi,
                                               to: socket.id });
      t.is(status, 200);
      t.ok(await post === mebi);
      socket.disconnect();
    });

  fact('10,000 events arrive in order, both ways', async (t, options) => {
    const socket = open(server(), { ...options, path: '/patient/' });
    const got = [];
    socket.on('count', (n) => got.push(n));
    for (let n = 0; n < 10000; n++) {
      socket.emit('count', n);
    }
    await until(() => got.length >= 10000,
      { timeout: 120000, what: '10,000 events' });
    t.is(got.findIndex((n, at) => n !== at), -1);
    t.is(got.length, 10000);
    socket.disconnect();
  }, { timeout: 150000 });

  fact('a volatile event reaches an idle client', async (t, options) => {
    const socket = await connect(server(), options);
    await upgradedIf(socket, options);
    let got;
    socket.on('maybe', (n) => { got = n; });
    await until(async () => {
      await server().emit({ event: 'maybe', data: 1, to: socket.id,
                            volatile: true });
      return got;
    }, { what: 'a volatile event' });
    t.is(got, 1);
    socket.disconnect();
  });

  fact('nothing is left when the clients are gone', async (t) => {
    await gone(server());
  });
}

function upgradedIf(socket, { transport }) {
  return transport === 'upgrade' ? upgraded(socket) : undefined;
}

suite(1);
suite(4);
