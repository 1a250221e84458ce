#!/usr/bin/env node
'use strict';

// RFC 6455, byte by byte: handshakes, frames, fragments, control frames, the
// close, on an engine that echoes.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { frame } = require('./lib/raw');
const { until } = require('./lib/wait');

const CLOSE = 8;
const PING = 9;
const PONG = 10;

const code = (value, reason = '') => Buffer.concat(
  [Buffer.from([value >> 8, value & 0xff]), Buffer.from(reason)]);

let site;

async function echoes(t, ws, text = '4lives') {
  await ws.sendText(text);
  t.is(await ws.nextMessage(), text);
}

// These bytes end the connection with this code, whatever follows.

function ends(what, expected, bytes) {
  test(`${what}: ${expected}`, async (t) => {
    const ws = await site.opened();

    await ws.send(Buffer.concat([].concat(bytes)));
    t.is(await ws.closeCode(), expected);
    t.is(ws.frames.items.filter(({ opcode }) => opcode !== CLOSE).length, 0);
  });
}

test('nginx starts', async () => {
  site = await Site.start({ workers: 1, engine: 'socketio_max_payload 100000;',
    server: `
      location /quick/ { engineio_echo campus;
                         socketio_ping_interval 300ms;
                         socketio_ping_timeout 300ms; }` });
});


// 4.  Opening Handshake

test('the key is answered', async (t) => {
  const ws = await site.ws();

  t.is(ws.status, 101);
  t.is(ws.headers['sec-websocket-accept'], ws.accept);
  t.match(ws.headers.upgrade, /^websocket$/i);
  t.match(ws.headers.connection, /^upgrade$/i);
});

for (const [what, options] of [
  ['no Upgrade', { headers: { Upgrade: null } }],
  ['another Upgrade', { headers: { Upgrade: 'h2c' } }],
  ['no Connection', { headers: { Connection: null } }],
  ['another Connection', { headers: { Connection: 'keep-alive' } }],
  ['no version', { headers: { 'Sec-WebSocket-Version': null } }],
  ['another version', { headers: { 'Sec-WebSocket-Version': '8' } }],
  ['no key', { headers: { 'Sec-WebSocket-Key': null } }],
  ['an empty key', { headers: { 'Sec-WebSocket-Key': '' } }],
  ['a short key', { headers: { 'Sec-WebSocket-Key': 'YWJj' } }],
  ['a key that is no base64',
    { headers: { 'Sec-WebSocket-Key': 'a*cdefghijklmnopqrstuv==' } }],
  ['HTTP/1.0', { version: '1.0' }],
  ['POST', { method: 'POST', headers: { 'Content-Length': '0' } }],
]) {
  test(`a handshake with ${what} is refused`, async (t) => {
    const ws = await site.ws(0, options);
    t.ok([400, 405, 426, 500].includes(ws.status), `${ws.status}`);
    if (/another version|no version/.test(what)) {
      t.is(ws.headers['sec-websocket-version'], '13');
    }
  });
}

test('a handshake with a body is refused, or its body is none', async (t) => {
  const ws = await site.ws(0, { headers: { 'Content-Length': '5' },
                                early: 'hello' });
  if (ws.status === 101) {
    t.match(await ws.nextMessage(), /^0/);
    await echoes(t, ws);
  } else {
    t.is(ws.status, 400);
  }
});

test('header values are taken without regard to case, and from lists',
  async (t) => {
    for (const headers of [
      { Upgrade: 'WebSocket', Connection: 'upgrade' },
      { Upgrade: 'WEBSOCKET', Connection: 'keep-alive, Upgrade' },
      { Connection: 'Upgrade,keep-alive' },
      { Connection: 'foo , UPGRADE ' },
    ]) {
      t.is((await site.ws(0, { headers })).status, 101);
    }
  });

test('offered extensions and protocols are not accepted', async (t) => {
  const ws = await site.opened(0, { headers: {
    'Sec-WebSocket-Extensions':
      'permessage-deflate; client_max_window_bits, x-other',
    'Sec-WebSocket-Protocol': 'chat, superchat' } });

  t.is(ws.headers['sec-websocket-extensions'], undefined);
  t.is(ws.headers['sec-websocket-protocol'], undefined);
  await echoes(t, ws);
});

test('an upgrade may follow other requests of the connection', async (t) => {
  const socket = await site.socket(0);
  const ws = await site.opened(0, { socket });

  await echoes(t, ws);
});

test('an upgrade may be pipelined behind other requests', async (t) => {
  const { RawWs } = require('./lib/raw');
  const socket = await site.socket(0);

  socket.write('GET /worker HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const ws = await RawWs.connect(site.port, { socket, path: site.path,
    early: frame({ payload: '4early' }) });

  // The first answer is the other request's; the rest is found behind it.

  t.is(ws.status, 200);
  await until(() => ws.input.includes('4early') && ws.input.includes(' 101 '));
});

test('frames may come with the handshake', async (t) => {
  for (const size of [1, 5, 200, 4000, 70000]) {
    const texts = ['4a', '4b', `4${'c'.repeat(size)}`];
    const ws = await site.ws(0, { early: Buffer.concat(
      texts.map((payload) => frame({ payload }))) });

    t.match(await ws.nextMessage(), /^0/);
    for (const text of texts) {
      t.ok(await ws.nextMessage() === text);
    }
  }
});

test('also a part of a frame', async (t) => {
  const bytes = frame({ payload: '4hello' });

  for (let at = 1; at < bytes.length; at++) {
    const ws = await site.ws(0, { early: bytes.subarray(0, at) });

    t.match(await ws.nextMessage(), /^0/);
    await ws.send(bytes.subarray(at));
    t.is(await ws.nextMessage(), '4hello');
  }
});


// 5.2.  Base Framing Protocol

test('frames are taken byte by byte', async (t) => {
  const ws = await site.opened();

  await ws.send(Buffer.concat([frame({ payload: '4one' }),
    frame({ fin: false, payload: '4t' }),
    frame({ opcode: PING, payload: 'p' }),
    frame({ opcode: 0, payload: 'wo €' }),
    frame({ opcode: 2, payload: Buffer.alloc(130, 7) })]), { slice: 1 });

  t.is(await ws.nextMessage(), '4one');
  t.is((await ws.next()).opcode, PONG);
  t.is(await ws.nextMessage(), '4two €');
  t.deepIs(await ws.nextMessage(), Buffer.alloc(130, 7));
});

test('many frames are taken from one packet', async (t) => {
  const ws = await site.opened();
  const all = Array.from({ length: 2000 }, (_, i) => `4${i}`);

  await ws.send(Buffer.concat(all.map((payload) => frame({ payload }))));
  for (const text of all) {
    t.is(await ws.nextMessage(), text);
  }
});

test('lengths of 7, 16 and 64 bits', async (t) => {
  const ws = await site.opened();

  for (const size of [1, 125, 126, 65535, 65536, 99999]) {
    const payload = Buffer.alloc(size, 0x34);
    await ws.sendFrame({ payload });
    t.ok(await ws.nextMessage() === payload.toString());
  }
});

test('masks of any bytes', async (t) => {
  const ws = await site.opened();

  for (const mask of [[0, 0, 0, 0], [255, 255, 255, 255], [1, 2, 3, 4],
                      [0x34, 0, 0, 0]]) {
    for (let size = 1; size < 20; size++) {
      const payload = `4${'abcdefghijklmnopqrst'.slice(0, size)}`;
      await ws.sendFrame({ payload, mask });
      t.is(await ws.nextMessage(), payload);
    }
  }
});

test('frames of the server are not masked, nor fragmented in vain',
  async (t) => {
    const ws = await site.opened();

    await ws.sendText('4hello');
    const { masked, fin, rsv } = await ws.next();
    t.deepIs({ masked, fin, rsv }, { masked: 0, fin: 1, rsv: 0 });
  });

ends('an unmasked text frame', 1002, frame({ payload: '4a', mask: false }));
ends('an unmasked empty frame', 1002, frame({ payload: '', mask: false }));
ends('an unmasked ping', 1002, frame({ opcode: PING, mask: false }));
ends('an unmasked close', 1002,
  frame({ opcode: CLOSE, payload: code(1000), mask: false }));

for (const rsv of [1, 2, 4, 7]) {
  ends(`reserved bits ${rsv} of text`, 1002, frame({ rsv, payload: '4a' }));
  ends(`reserved bits ${rsv} of a ping`, 1002, frame({ rsv, opcode: PING }));
}

for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
  ends(`reserved opcode ${opcode}`, 1002, frame({ opcode, payload: '4a' }));
}

ends('16 bits for a length below 126', 1002,
  frame({ payload: '4a', form: 3 }));
ends('64 bits for a length below 65536', 1002,
  frame({ payload: '4a'.repeat(100), form: 9 }));

test('a length with its highest bit set: 1002 or 1009', async (t) => {
  const ws = await site.opened();
  const bytes = frame({ payload: '', len: 70000 });

  bytes[2] = 0x80;
  await ws.send(bytes);
  t.ok([1002, 1009].includes(await ws.closeCode()), ws.code);
});

ends('a length too large is refused before its payload', 1009,
  frame({ payload: '', len: 100001 }));
ends('a length beyond all memory', 1009,
  frame({ payload: '', len: 2 ** 50 }));
ends('fragments that are too large together', 1009, [
  frame({ fin: false, payload: `4${'x'.repeat(59999)}` }),
  frame({ opcode: 0, payload: '', len: 40001 })]);

test('a message as large as allowed, in fragments', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ fin: false, payload: `4${'x'.repeat(59999)}` });
  await ws.sendFrame({ opcode: 0, payload: 'y'.repeat(40000) });
  t.is((await ws.nextMessage()).length, 100000);
});


// 5.4.  Fragmentation

test('fragments make one message', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ fin: false, payload: '4a' });
  await ws.sendFrame({ fin: false, opcode: 0, payload: '' });
  await ws.sendFrame({ fin: false, opcode: 0, payload: 'b' });
  await ws.sendFrame({ opcode: 0, payload: 'c' });
  t.is(await ws.nextMessage(), '4abc');

  await ws.sendFrame({ fin: false, opcode: 2, payload: '' });
  await ws.sendFrame({ fin: false, opcode: 0, payload: 'xy' });
  await ws.sendFrame({ opcode: 0, payload: '' });
  t.deepIs(await ws.nextMessage(), Buffer.from('xy'));
});

test('control frames come between fragments', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ fin: false, payload: '4a' });
  await ws.sendFrame({ opcode: PING, payload: 'between' });

  const pong = await ws.next();
  t.is(pong.opcode, PONG);
  t.is(pong.payload.toString(), 'between');

  await ws.sendFrame({ opcode: PONG, payload: 'stray' });
  await ws.sendFrame({ opcode: 0, payload: 'b' });
  t.is(await ws.nextMessage(), '4ab');
});

test('a character may be torn by fragments', async (t) => {
  const ws = await site.opened();
  const text = Buffer.from('4€😀');

  for (const part of [...text].map((byte) => Buffer.from([byte]))) {
    await ws.sendFrame({ fin: false, payload: part,
      opcode: part[0] === 0x34 ? 1 : 0 });
  }
  await ws.sendFrame({ opcode: 0 });
  t.is(await ws.nextMessage(), '4€😀');
});

test('a thousand empty fragments are no harm', async (t) => {
  const ws = await site.opened();

  await ws.send(Buffer.concat([frame({ fin: false, payload: '4a' }),
    ...Array.from({ length: 1000 }, () => frame({ fin: false, opcode: 0 })),
    frame({ opcode: 0, payload: 'b' })]));
  t.is(await ws.nextMessage(), '4ab');
});

ends('a continuation of nothing', 1002, frame({ opcode: 0, payload: 'a' }));
ends('an empty continuation of nothing', 1002,
  frame({ fin: false, opcode: 0 }));
ends('text within fragments', 1002, [
  frame({ fin: false, payload: '4a' }), frame({ payload: '4b' })]);
ends('binary within fragments', 1002, [
  frame({ fin: false, payload: '4a' }), frame({ opcode: 2, payload: 'b' })]);


// 5.5.  Control Frames

test('a ping is answered with its payload', async (t) => {
  const ws = await site.opened();

  for (const payload of [Buffer.alloc(0), Buffer.from('hello'),
                         Buffer.alloc(125, 0xff)]) {
    await ws.sendFrame({ opcode: PING, payload });

    const pong = await ws.next();
    t.is(pong.opcode, PONG);
    t.is(pong.masked, 0);
    t.deepIs(pong.payload, payload);
  }
});

test('pongs keep their order among messages', async (t) => {
  const ws = await site.opened();

  await ws.send(Buffer.concat([frame({ payload: '4a' }),
    frame({ opcode: PING, payload: '1' }), frame({ payload: '4b' })]));

  const got = [await ws.next(), await ws.next(), await ws.next()]
    .map(({ payload }) => payload.toString());
  t.deepIs(got.sort(), ['1', '4a', '4b']);
  t.ok(got.indexOf('4a') < got.indexOf('4b'));
});

test('stray pongs are ignored', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ opcode: PONG });
  await ws.sendFrame({ opcode: PONG, payload: 'x'.repeat(125) });
  await echoes(t, ws);
});

ends('a fragmented ping', 1002, frame({ fin: false, opcode: PING }));
ends('a fragmented close', 1002, frame({ fin: false, opcode: CLOSE }));
ends('a ping of 126 bytes', 1002,
  frame({ opcode: PING, payload: Buffer.alloc(126) }));
ends('a close of 126 bytes', 1002,
  frame({ opcode: CLOSE, payload: code(1000, 'x'.repeat(124)) }));


// 5.5.1.  Close, 7.4.  Status Codes

for (const value of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                     3000, 3999, 4000, 4999]) {
  ends(`close ${value} is answered`, value,
    frame({ opcode: CLOSE, payload: code(value, 'reason') }));
}

test('an empty close is answered', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ opcode: CLOSE });
  t.ok([1000, 1005].includes(await ws.closeCode()), ws.code);
});

for (const value of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000,
                     2999, 5000, 65535]) {
  ends(`close ${value} is no code`, 1002,
    frame({ opcode: CLOSE, payload: code(value) }));
}

ends('a close of one byte', 1002,
  frame({ opcode: CLOSE, payload: Buffer.from([3]) }));
ends('a close reason that is no UTF-8', 1007,
  frame({ opcode: CLOSE, payload: code(1000, Buffer.from([0xff])) }));
ends('what follows a close is dropped', 1000, [
  frame({ opcode: CLOSE, payload: code(1000) }),
  frame({ payload: '4late' }), frame({ opcode: PING })]);

test('there is one close frame', async (t) => {
  const ws = await site.opened();

  await ws.send(Buffer.concat([
    frame({ opcode: CLOSE, payload: code(1000) }),
    frame({ opcode: CLOSE, payload: code(1001) })]));
  t.is(await ws.closeCode(), 1000);
  t.is(ws.frames.items.filter(({ opcode }) => opcode === CLOSE).length, 1);
});


// 8.1.  Handling of Errors in UTF-8-Encoded Data

for (const [what, bytes] of [
  ['a lone continuation byte', [0x80]], ['0xff', [0xff]],
  ['an overlong slash', [0xc0, 0xaf]], ['an overlong null', [0xe0, 0x80, 0x80]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a character beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a truncated character', [0xe2, 0x82]],
]) {
  ends(`text with ${what}`, 1007,
    frame({ payload: Buffer.from([0x34, ...bytes]) }));
}

test('bad UTF-8 ends the connection within the frame', async (t) => {
  for (const bytes of [[0xff], [0xed, 0xa0], [0xc0], [0xf4, 0x90]]) {
    const ws = await site.opened();
    const part = Buffer.from([0x34, 0x61, ...bytes]);

    await ws.send(frame({ payload: part, len: 1000 }));
    t.is(await ws.closeCode(), 1007);
  }
});

test('also within a fragment, and across fragments', async (t) => {
  for (const tail of [[0x41], [0xff]]) {
    const ws = await site.opened();

    await ws.sendFrame({ fin: false, payload: Buffer.from([0x34, 0xe2]) });
    await ws.sendFrame({ fin: false, opcode: 0, payload: Buffer.from(tail) });
    t.is(await ws.closeCode(), 1007);
  }
});

test('a character torn by the end of the message: 1007', async (t) => {
  const ws = await site.opened();

  await ws.sendFrame({ fin: false, payload: Buffer.from([0x34, 0xe2]) });
  await ws.sendFrame({ opcode: 0, payload: Buffer.from([0x82]) });
  t.is(await ws.closeCode(), 1007);
});

test('binary may be anything', async (t) => {
  const ws = await site.opened();
  const payload = Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0]);

  await ws.sendFrame({ opcode: 2, payload });
  t.deepIs(await ws.nextMessage(), payload);
});


// The end of the connection

test('a client that shuts its side down is closed', async (t) => {
  const ws = await site.opened();

  ws.socket.end();
  await ws.closeCode();
  t.ok(true);
});

test('what it sent before is taken', async (t) => {
  const ws = await site.opened();

  ws.socket.end(Buffer.concat([frame({ payload: '4last' }),
    frame({ opcode: CLOSE, payload: code(1000) })]));
  t.is(await ws.nextMessage(), '4last');
  t.is(await ws.closeCode(), 1000);
});

test('a close and the end that come in one turn are answered', async (t) => {
  const [pid] = site.ngx.workers();
  const ws = await site.opened();
  const bytes = Buffer.concat([frame({ payload: '4last' }),
    frame({ opcode: CLOSE, payload: code(1000) })]);

  process.kill(pid, 'SIGSTOP');
  try {
    await new Promise((done) => ws.socket.end(bytes, done));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  t.is(await ws.nextMessage(), '4last');
  t.is(await ws.closeCode(), 1000);
});

test('a reset ends a session within a frame', async (t) => {
  const ws = await site.opened();
  const { length } = frame({ payload: '4hello' });

  await ws.send(frame({ payload: '4hello' }).subarray(0, length - 1));
  ws.socket.resetAndDestroy();
  await until(async () => (await site.engine({ EIO: 4, transport: 'polling',
    sid: ws.open.sid })).json().code === 1);
  t.ok(true);
});

test('a client that never answers a close is gone all the same', async (t) => {
  const ws = await site.opened(0, { path: '/quick/' });

  ws.socket.allowHalfOpen = true;
  t.is(await ws.nextMessage(), '2');
  await until(async () => await site.count('websocket') === 0
    || (await site.engine({ EIO: 4, transport: 'polling',
      sid: ws.open.sid })).json().code === 1);
  t.ok(true);
});

test('no session is left', async (t) => {
  await until(async () => {
    const status = await site.ngx.status();
    return Site.find(status, 'opened') - Site.find(status, 'closed')
      === Site.find(status, 'websocket') + Site.find(status, 'polling');
  });
  t.ok(true);
});
