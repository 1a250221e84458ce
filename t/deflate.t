#!/usr/bin/env node
'use strict';

// permessage-deflate: what is agreed on, what is compressed, and what hostile
// compressed bytes come to.  Stock clients offer it by themselves.

const zlib = require('node:zlib');
const { io } = require('socket.io-client');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs } = require('./lib/raw');
const { request } = require('./lib/http');
const { within } = require('./lib/wait');

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const ANSWER = 'permessage-deflate; server_no_context_takeover; '
  + 'client_no_context_takeover';
const LONG = 'the same again, '.repeat(500);
const COMPRESSED = 4;

const deflated = (text) => zlib.deflateRawSync(text,
  { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const inflated = (bytes) => zlib.inflateRawSync(Buffer.concat([bytes,
  Buffer.from([0, 0, 0xff, 0xff])]),
{ finishFlush: zlib.constants.Z_SYNC_FLUSH });

const options = {
  app: `namespace / {
            authenticate none;
            on connect { join lobby; }
            on say { emit said to lobby; ack null; }
            on echo { ack $args; }
        }`,
  locations: `
        socketio_max_payload 100000;
        location /socket.io/ { socketio campus; socketio_deflate on; }
        location /small/     { socketio campus;
                               socketio_deflate window=9 level=9 threshold=1; }
        location /off/       { socketio campus; }
        location /gzip/      { socketio campus; gzip on;
                               gzip_types text/plain; gzip_min_length 1k; }
        location /api/       { socketio_api campus;
                               allow 127.0.0.1; deny all; }
        location = /status   { socketio_status campus; }
        location = /healthz  { socketio_health campus; }`,
};

let ngx;

// A WebSocket that has said 40 and has its answer.

async function opened(path = '/socket.io/', headers = OFFER) {
  const ws = await RawWs.connect(ngx.port, { path, headers });

  await ws.nextMessage();
  await ws.sendText('40');
  await ws.nextMessage();

  return ws;
}

for (const workers of [1, 4]) {
  test(`nginx starts with ${workers}`, async () => {
    ngx = await Nginx.start({ ...options, workers });
  });

  test('it is agreed on where it is on, and asked for', async (t) => {
    const offers = [
      ['/socket.io/', 'permessage-deflate', ANSWER],
      ['/socket.io/', 'permessage-deflate; client_max_window_bits', ANSWER],
      ['/socket.io/', 'x; y="z", permessage-deflate; '
        + 'server_max_window_bits=15', ANSWER],
      ['/small/', 'permessage-deflate', `${ANSWER}; server_max_window_bits=9`],
      ['/socket.io/', 'permessage-deflate; server_max_window_bits=10',
        undefined],
      ['/socket.io/', 'permessage-deflate; mystery', undefined],
      ['/socket.io/', 'permessage-deflate;', undefined],
      ['/off/', 'permessage-deflate', undefined],
    ];

    for (const [path, offer, answer] of offers) {
      const ws = await RawWs.connect(ngx.port,
        { path, headers: { 'Sec-WebSocket-Extensions': offer } });

      t.is(ws.status, 101);
      t.is(ws.headers['sec-websocket-extensions'], answer, offer);
      ws.close();
    }
  });

  test('long messages are compressed, short ones are not', async (t) => {
    const ws = await opened();
    const plain = await opened('/off/', {});

    for (const text of [LONG, 'short']) {
      const packet = `42["said",${JSON.stringify(text)}]`;

      await ngx.emit({ event: 'said', data: text });

      const frame = await ws.next();
      const other = await plain.next();

      t.is(other.rsv, 0);
      t.is(other.payload.toString(), packet);
      t.is(frame.rsv, text === LONG ? COMPRESSED : 0);
      t.is(frame.opcode, 1);
      t.is((frame.rsv ? inflated(frame.payload) : frame.payload).toString(),
        packet);
      t.ok(text !== LONG || frame.payload.length < 200, 'it is shorter');
    }

    ws.close();
    plain.close();
  });

  test('a small window, all lengths', async (t) => {
    const ws = await opened('/small/');

    await ngx.emit({ event: 'said', data: LONG });
    t.is(inflated((await ws.next()).payload).toString(),
      `42["said",${JSON.stringify(LONG)}]`);

    // what gets no shorter goes as it is

    await ngx.emit({ event: 'x', data: 'q8Zp' });

    const { rsv, payload } = await ws.next();

    t.is(rsv, 0);
    t.is(payload.toString(), '42["x","q8Zp"]');
    ws.close();
  });

  test('attachments are frames of their own', async (t) => {
    const ws = await opened();
    const sender = await opened();
    const bytes = Buffer.alloc(5000, 7);

    await sender.sendText('451-["say",{"_placeholder":true,"num":0}]');
    await sender.sendFrame({ opcode: 2, rsv: COMPRESSED,
      payload: deflated(bytes) });

    const text = await ws.next();
    const binary = await ws.next();

    t.is(text.payload.toString(), '451-["said",{"_placeholder":true,"num":0}]');
    t.is(binary.opcode, 2);
    t.is(binary.rsv, COMPRESSED);
    t.ok(inflated(binary.payload).equals(bytes));
    ws.close();
    sender.close();
  });

  test('what a client compresses is read, in any slices', async (t) => {
    const ws = await opened();
    const packet = `421["echo",${JSON.stringify(LONG)}]`;
    const bytes = deflated(packet);

    await ws.sendFrame({ rsv: COMPRESSED, payload: bytes });
    t.match(inflated((await ws.next()).payload).toString(), /^431\["the same/);

    await ws.sendFrame({ rsv: COMPRESSED, fin: false,
      payload: bytes.subarray(0, 5) });
    await ws.sendFrame({ opcode: 0, payload: bytes.subarray(5) });
    t.match(inflated((await ws.next()).payload).toString(), /^431\["the same/);

    await ws.sendFrame({ rsv: COMPRESSED, payload: deflated('422["echo",1]') });
    t.is((await ws.next()).payload.toString(), '432[1]');

    // RFC 7692, 7.2.3.4: a last block, and an empty one that is not

    for (const parts of [['423["echo",2]'], ['423["echo",', '2]']]) {
      await ws.sendFrame({ rsv: COMPRESSED, payload: Buffer.concat(
        [...parts.map((part) => zlib.deflateRawSync(part)), Buffer.alloc(1)])
      });
      t.is((await ws.next()).payload.toString(), '433[2]');
    }
    ws.close();
  });

  test('stock clients, both ways', async (t) => {
    const clients = [1, 2, 3].map(() => io(ngx.url, { forceNew: true,
      transports: ['websocket'], reconnection: false,
      perMessageDeflate: { threshold: 100 } }));

    await Promise.all(clients.map((client) => within(20000, 'connect',
      new Promise((done) => client.on('connect', done)))));

    const heard = Promise.all(clients.map((client) => within(20000, 'said',
      new Promise((done) => client.once('said', (...args) => done(args))))));

    await clients[0].timeout(20000).emitWithAck('say', LONG,
      Buffer.alloc(3000, 1), { list: Array(500).fill('x') });

    for (const [text, bytes, { list }] of await heard) {
      t.is(text, LONG);
      t.ok(Buffer.alloc(3000, 1).equals(bytes));
      t.is(list.length, 500);
    }

    for (const client of clients) {
      t.match(client.io.engine.transport.ws.extensions, /permessage-deflate/);
      client.close();
    }
  });
}

// These bytes end the connection with this code.

function ends(what, code, frame, headers) {
  test(`${what}: ${code}`, async (t) => {
    const ws = await opened('/socket.io/', headers);

    await ws.sendFrame(frame);
    t.is(await ws.closeCode(), code);
  });
}

ends('compressed, but not agreed on', 1002,
  { rsv: COMPRESSED, payload: deflated('42["echo",1]') }, {});
ends('another reserved bit', 1002, { rsv: 2, payload: '42["echo",1]' });
ends('a compressed control frame', 1002,
  { rsv: COMPRESSED, opcode: 9, payload: deflated('x') });
ends('no deflated data', 1007,
  { rsv: COMPRESSED, payload: Buffer.alloc(40, 0xff) });
ends('bytes behind the last block', 1007, { rsv: COMPRESSED,
  payload: Buffer.concat([zlib.deflateRawSync('42["echo",1]'),
    Buffer.alloc(20, 1)]) });
ends('text that is no UTF-8', 1007, { rsv: COMPRESSED,
  payload: deflated(Buffer.from([0x34, 0x32, 0xff, 0xfe])) });
ends('a bomb', 1009, { rsv: COMPRESSED,
  payload: deflated(Buffer.alloc(50 * 1024 * 1024, 0x20)) });
ends('one byte too many', 1009, { rsv: COMPRESSED,
  payload: deflated(Buffer.alloc(100001, 0x34)) });

test('as many bytes as are allowed', async (t) => {
  const ws = await opened();
  const text = 'x'.repeat(100000 - '421["echo",""]'.length);

  await ws.sendFrame({ rsv: COMPRESSED,
    payload: deflated(`421["echo","${text}"]`) });
  t.is(inflated((await ws.next()).payload).length, 100000 - 7);
  ws.close();
});

test('a reload with compressed WebSockets', async (t) => {
  const ws = await opened();

  await ngx.reload();
  await ngx.emit({ event: 'said', data: LONG });
  t.is((await ws.next()).rsv, COMPRESSED);
  ws.close();
});

test('polling answers go through gzip', async (t) => {
  const url = `${ngx.url}/gzip/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await request(url)).body.slice(1));
  const headers = { 'accept-encoding': 'gzip' };

  await request(`${url}&sid=${sid}`, { method: 'POST', body: '40' });
  await request(`${url}&sid=${sid}`);
  await ngx.emit({ event: 'said', data: LONG });

  const answer = await request(`${url}&sid=${sid}`, { headers });

  t.is(answer.status, 200);
  t.is(answer.headers['content-encoding'], 'gzip');
});

for (const [value, said] of [
  ['threshold=0', /no size from 1 to 1g/],
  ['level=10', /not from 1 to 9/],
  ['window=8', /not from 9 to 15/],
  ['off level=1', /unknown parameter "off"/],
  ['fast', /unknown parameter "fast" of "socketio_deflate"/],
]) {
  test(`nginx -t: socketio_deflate ${value}`, async (t) => {
    const { ok, output } = Nginx.check({ http: `socketio_deflate ${value};` });

    t.is(ok, false);
    t.match(output, said);
    t.match(output, /nginx\.conf:\d+/);
  });
}
