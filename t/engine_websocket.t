#!/usr/bin/env node
'use strict';

// Engine.IO v4, WebSocket, on an engine that echoes.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { Polling } = require('./lib/raw');

const whole = (text) => /^HTTP\/1.1 101 .*\r\n\r\n\x81.0\{"sid".*\}$/s
  .test(text);

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let site;

  fact('nginx starts', async () => {
    site = await Site.start({ workers });
  });

  fact('the open packet comes first and offers no upgrade', async (t) => {
    for (let place = 0; place < workers; place++) {
      const { open } = await site.opened(place);

      t.match(open.sid, /^[\w-]{20}$/);
      t.deepIs(open, { sid: open.sid, upgrades: [], pingInterval: 25000,
        pingTimeout: 20000, maxPayload: 1000000 });
    }
  });

  fact('the key is answered', async (t) => {
    const ws = await site.ws();

    t.is(ws.status, 101);
    t.is(ws.headers['sec-websocket-accept'], ws.accept);
    t.is(ws.headers.upgrade.toLowerCase(), 'websocket');
    t.is(ws.headers.connection.toLowerCase(), 'upgrade');
    t.is(ws.headers['sec-websocket-extensions'], undefined);
  });

  // The system waits for what follows, but not for ever.

  fact('the answer and the open packet are one segment', async (t) => {
    const seen = [];

    for (let n = 0; n < 3 && !seen.some(whole); n++) {
      const socket = await site.socket(0);

      socket.once('data', (bytes) => seen.push(bytes.toString('latin1')));
      await site.ws(0, { socket });
    }
    t.ok(seen.some(whole), JSON.stringify(seen));
  });

  fact('a bad version is refused before the upgrade', async (t) => {
    for (const EIO of ['abc', '3', '']) {
      t.is((await site.ws(0, { query: { EIO } })).status, 400);
    }
  });

  fact('a bad transport is refused before the upgrade', async (t) => {
    for (const transport of ['abc', '', 'polling']) {
      t.is((await site.ws(0, { query: { transport } })).status, 400);
    }
  });

  fact('an unknown sid is refused before the upgrade', async (t) => {
    for (const sid of ['abc', 'AAAAAAAAAAAAAAAAAAAA']) {
      t.is((await site.ws(0, { query: { sid } })).status, 400);
    }
  });

  fact('text comes back as text', async (t) => {
    const ws = await site.opened(1);

    for (const text of ['4hello', '4', '4héé€😀\0']) {
      await ws.sendText(text);
      t.is(await ws.nextMessage(), text);
    }
  });

  fact('binary comes back as binary, without a type', async (t) => {
    const ws = await site.opened(2);

    for (const payload of [Buffer.from([1, 2, 3, 4]), Buffer.alloc(0),
                           Buffer.alloc(70000, 0xff)]) {
      await ws.sendFrame({ opcode: 2, payload });
      t.deepIs(await ws.nextMessage(), payload);
    }
  });

  fact('messages of all lengths come back', async (t) => {
    const ws = await site.opened(0);

    for (const size of [1, 124, 125, 126, 127, 65534, 65535, 65536, 300000,
                        999999]) {
      const text = `4${'x'.repeat(size)}`;
      await ws.sendText(text);
      t.ok(await ws.nextMessage() === text, String(size));
    }
  });

  fact('ten thousand messages come in order', async (t) => {
    const ws = await site.opened(3);
    const sending = (async () => {
      for (let i = 0; i < 10000; i += 2) {
        await ws.sendText(`4${i}`);
        await ws.sendFrame({ opcode: 2, payload: String(i + 1) });
      }
    })();

    for (let i = 0; i < 10000; i += 2) {
      t.is(await ws.nextMessage(), `4${i}`);
      t.is((await ws.nextMessage()).toString(), String(i + 1));
    }
    await sending;
  });

  for (const [what, text] of [
    ['an unknown packet type', 'abc'], ['an empty message', ''],
    ['a ping of the client', '2'], ['a farewell', '1'],
  ]) {
    fact(`${what} ends the session`, async (t) => {
      const ws = await site.opened(1);

      await ws.sendText('4before');
      await ws.sendText(text);
      t.is(await ws.nextMessage(), '4before');
      t.ok([1000, 1002, 1005, 1008].includes(await ws.closeCode()), ws.code);

      for (let place = 0; place < workers; place++) {
        t.is((await site.engine({ EIO: 4, transport: 'polling',
          sid: ws.open.sid }, { place })).json().code, 1);
      }
    });
  }

  fact('nothing is taken after the end', async (t) => {
    const ws = await site.opened(0);

    await ws.send(Buffer.concat(['4one', '1', '4two'].map((payload) =>
      require('./lib/raw').frame({ payload }))));
    t.is(await ws.nextMessage(), '4one');
    await ws.closeCode();
    t.ok(!ws.frames.items.some(({ opcode }) => opcode === 1));
  });

  fact('stray pongs, noops and upgrades are ignored', async (t) => {
    const ws = await site.opened(0);

    for (const text of ['3', '5', '6', '4still']) {
      await ws.sendText(text);
    }
    t.is(await ws.nextMessage(), '4still');
  });

  fact('a session of a WebSocket is not polled', async (t) => {
    const ws = await site.opened(0);
    const query = { EIO: 4, transport: 'polling', sid: ws.open.sid };

    for (let place = 0; place < workers; place++) {
      const get = await site.engine(query, { place });
      const post = await site.engine(query,
        { place, method: 'POST', body: Polling.encode(['4no']) });

      t.is(get.status, 400);
      t.is(get.json().code, 3);
      t.is(post.status, 400);
      t.is(post.json().code, 3);
    }

    await ws.sendText('4lives');
    t.is(await ws.nextMessage(), '4lives');
  });

  fact('a second WebSocket with the sid is closed', async (t) => {
    const ws = await site.opened(0);

    for (let place = 0; place < workers; place++) {
      const other = await site.ws(place, { query: { sid: ws.open.sid } });

      if (other.status === 101) {
        await other.sendText('2probe');
        await other.closeCode();
        t.ok(!other.frames.items.some(({ opcode }) => opcode === 1));
      } else {
        t.is(other.status, 400);
      }
    }

    await ws.sendText('4lives');
    t.is(await ws.nextMessage(), '4lives');
  });

  fact('who goes without a word is forgotten', async (t) => {
    const ws = await site.opened(0);
    const other = await site.opened(1);

    ws.socket.resetAndDestroy();
    other.socket.destroy();

    for (const { open: { sid } } of [ws, other]) {
      await require('./lib/wait').until(async () => (await site.engine(
        { EIO: 4, transport: 'polling', sid })).json().code === 1);
    }
    t.ok(true);
  });
}
