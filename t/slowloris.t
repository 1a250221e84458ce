#!/usr/bin/env node
'use strict';

// Clients that begin something and never end it, in every phase: each
// connection ends at its deadline, and nothing of it is left.  A witness is
// served all the while.

const fs = require('node:fs');
const net = require('node:net');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { frame, RS } = require('./lib/raw');
const { until } = require('./lib/wait');

// What a sanitizer keeps is not ours to bound.

const sanitized = /sanitize/.test(process.env.SOCKETIO_BUILD || '');

const EACH = Number(process.env.SLOWLORIS || 12);    // of each phase
const MUCH = `42["much","${'x'.repeat(100000)}"]`;
const MORE = Array(8).fill(MUCH).join(RS);

const head = (method, query, more = '') => `${method} /socket.io/?EIO=4&${query
  } HTTP/1.1\r\nHost: h\r\n${more}`;
const ws = (query = '') => head('GET', `transport=websocket${query}`,
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
  + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
const get = (sid) => head('GET', `transport=polling${sid ? `&sid=${sid}` : ''}`,
  '\r\n');
const post = (sid, len, more = '') => head('POST', `transport=polling&sid=${
  sid}`, `Content-Length: ${len}\r\n\r\n${more}`);
const join = frame({ payload: '40' });

// Opened, and told its sid.

const sid = (text) => /"sid":"([\w-]{20})"/.exec(text)?.[1];

// What is sent at first, and what then: once, or again and again (a
// generator), when the server has spoken (a string to wait for).

const phases = {
  'half a request': ['GET /socket.io/?EIO=4'],
  'half a header': [head('GET', 'transport=polling', 'X-Slow: ')],
  'headers that never end': [head('GET', 'transport=polling'),
    function* drip() { for (;;) yield 'X: y\r\n'; }],
  'half a body': [get(), 'sid', (id) => post(id, 100, '4')],
  'a body by bytes': [get(), 'sid', (id) => post(id, 100000, '4'),
    function* drip() { for (;;) yield 'x'; }],
  'a chunked body by bytes': [get(), 'sid', (id) => head('POST',
    `transport=polling&sid=${id}`, 'Transfer-Encoding: chunked\r\n\r\n'),
    function* drip() { for (;;) yield '1\r\nx\r\n'; }],
  'a handshake without CONNECT': [ws()],
  'a polling handshake, and no more': [get()],
  'half a frame': [ws(), 'sid', () => join, '"sid":',
    () => frame({ len: 5000, payload: 'abc' })],
  'half a frame\'s head': [ws(), 'sid', () => join, '"sid":',
    () => frame({ len: 5000 }).subarray(0, 3)],
  'a frame by bytes': [ws(), 'sid', () => Buffer.concat([join,
    frame({ len: 90000, mask: [0, 0, 0, 0] })]),
    function* drip() { for (;;) yield 'x'; }],
  'fragments for ever': [ws(), 'sid', () => Buffer.concat([join,
    frame({ fin: false, payload: '42["x"' })]),
    function* drip() { for (;;) yield frame({ fin: false, opcode: 0,
                                              payload: ' ' }); }],
  'fragments of nothing': [ws(), 'sid', () => Buffer.concat([join,
    frame({ fin: false, payload: '' })]),
    function* drip() { for (;;) yield frame({ fin: false, opcode: 0 }); }],
  'pings of WebSocket, no pong of the engine': [ws(), 'sid', () => join,
    function* drip() { for (;;) yield frame({ opcode: 9 }); }],
  'attachments that never come': [ws(), 'sid', () => Buffer.concat([join,
    frame({ payload: '451-["x",{"_placeholder":true,"num":0}]' })])],
  'an upgrade that is never begun': [get(), 'sid', () => get('-'), (id) =>
    [id, ws(`&sid=${id}`)]],
  'an upgrade that is probed, and no more': [get(), 'sid', () => get('-'),
    (id) => [id, Buffer.concat([Buffer.from(ws(`&sid=${id}`)),
                                frame({ payload: '2probe' })])]],
  'a close that is not answered': [ws(), 'sid', () =>
    frame({ payload: 'no packet' })],
  'a poll that is never read': [get(), 'sid', (id) => post(id, 2, '40'), 'ok',
    (id) => get(id), '40', (id) => post(id, MORE.length, MORE), 'ok', (id) =>
      get(id).repeat(4)],
  'a WebSocket that is never read': [ws(), 'sid', () => Buffer.concat([join,
    ...Array(10).fill(frame({ payload: MUCH }))])],
};

class Slow {
  constructor(port, steps, deaf) {
    Object.assign(this, { port, steps: [...steps], deaf, text: '' });
  }

  // Resolves at the end of its connections.

  run() {
    return new Promise((done) => {
      this.done = done;
      this.open = 0;
      this.connect(this.steps.shift());
    });
  }

  connect(bytes) {
    const socket = net.connect(this.port, '127.0.0.1');
    let drip;

    this.open += 1;
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      this.text = (this.text + data.toString('latin1')).slice(-4000);
      this.id ||= sid(this.text);
      this.next();
    });
    socket.on('close', () => {
      clearInterval(drip);
      this.open -= 1;
      if (!this.open) {
        this.done();
      }
    });
    this.drip = (source) => {
      drip = setInterval(() => {
        if (!socket.destroyed && socket.writable) {
          socket.write(source.next().value);
        }
      }, 20);
    };
    socket.write(bytes);
    if (typeof this.steps[0] !== 'string') {
      this.next();
    }
  }

  next() {
    for (;;) {
      const [step] = this.steps;

      if (typeof step === 'string') {
        if (step === 'sid' ? !this.id : !this.text.includes(step)) {
          return;
        }
        this.text = '';
        this.steps.shift();
        continue;
      }
      if (!step) {
        if (this.deaf) {

          // who does not read learns of the end by writing

          this.socket.pause();
          this.drip(function* drip() {
            for (;;) yield frame({ opcode: 10 });
          }());
        }
        return;
      }
      this.steps.shift();
      if (step.constructor.name === 'GeneratorFunction') {
        this.drip(step());
        return;
      }
      const bytes = step(this.id);
      if (Array.isArray(bytes)) {
        this.connect(bytes[1]);
      } else {
        this.socket.write(bytes);
      }
    }
  }
}

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let ngx;
  let witness;
  let before;
  const pids = [];
  const ids = [];

  const zone = async () => {
    const { cells_used, chunks_used } = (await ngx.status()).zone;
    return `${cells_used} cells, ${chunks_used} chunks`;
  };
  const files = () => ngx.workers().reduce((sum, pid) =>
    sum + fs.readdirSync(`/proc/${pid}/fd`).length, 0);
  const memory = () => ngx.workers().reduce((sum, pid) => sum + Number(
    /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`))[1]), 0);

  fact('nginx starts', async () => {
    ngx = await Nginx.start({ workers,
      app: `namespace / { authenticate none;
        on whoami { ack $pid; }
        on much   { emit lots to self with $args $args $args; } }`,
      server: `
        socketio_ping_interval 700ms;
        socketio_ping_timeout 900ms;
        socketio_upgrade_timeout 800ms;
        socketio_connect_timeout 1s;
        socketio_buffer 4m;
        client_header_timeout 1s;
        client_body_timeout 1s;
        keepalive_timeout 1s;
        lingering_time 1s;
        lingering_timeout 1s;
        send_timeout 1s;
        location /witness/ { socketio campus; socketio_ping_interval 25s;
                             socketio_ping_timeout 20s; }` });
    pids.push(...ngx.workers());
    witness = await connect(ngx, { transport: 'websocket',
                                   path: '/witness/' });
    await Promise.all(Array.from({ length: 8 * workers }, () => ngx.status()));
    before = { zone: await zone(), files: files() };
  });

  for (const round of [1, 2]) {
    fact(`round ${round}: connections end at their deadline`, async (t) => {
      const names = Object.keys(phases);
      const late = new Set(names);

      const lost = new Promise((_, fail) => witness.on('disconnect', fail));
      lost.catch(() => {});

      const all = Promise.all(names.map(async (name) => {
        await Promise.all(Array.from({ length: EACH }, async () => {
          const slow = new Slow(ngx.port, phases[name], /never r/.test(name));
          await slow.run();
          ids.push(slow.id);
        }));
        late.delete(name);
      }));

      const served = () => Promise.race([lost, ask(witness, 'whoami')]);

      await until(async () => await served() && !late.size, { timeout: 60000 })
        .catch((error) => {
          throw new Error(`${error.message}; open: ${[...late].join('; ')}`);
        });
      await all;
      t.ok(true);
    }, { timeout: 120000 });

    fact(`round ${round}: nothing is left of them`, async (t) => {
      await until(async () => {
        const { total } = await ngx.status();
        return total.sessions.polling + total.sessions.websocket === 1
          && total.sockets === 1;
      }, { what: 'the witness is alone' });

      // A session that was closed waits a while for a GET to tell.

      for (const id of ids.splice(0).filter(Boolean)) {
        const uri = `/socket.io/?EIO=4&transport=polling&sid=${id}`;
        while ((await ngx.get(uri)).status === 200);
      }
      await until(async () => await zone() === before.zone
        && files() <= before.files + 2, { what: `all is as before` })
        .catch(async (error) => { throw new Error(`${error.message}: ${
          before.zone}, ${before.files}; ${await zone()}, ${files()}`); });

      // The first round makes what workers keep.

      t.note(`${memory()} KB`);
      t.ok(sanitized || round === 1
        || memory() < before.memory + 4096 * workers,
        `${before.memory} KB, then ${memory()} KB`);
      before.memory = memory();
    });
  }

  fact('no worker was restarted', (t) => {
    t.deepIs(ngx.workers(), pids);
    witness.disconnect();
  });
}
