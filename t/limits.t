#!/usr/bin/env node
'use strict';

// What a client may cost: payloads, packets, unsent bytes, time.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { frame } = require('./lib/raw');
const { until } = require('./lib/wait');

const MAX = 10000;
const BUFFER = 262144;

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let site;

  const gone = (sid) => until(async () => (await site.engine(
    { EIO: 4, transport: 'polling', sid })).json().code === 1,
    { what: 'the session is gone' });

  fact('nginx starts', async () => {
    site = await Site.start({ workers, path: '/engine.io/',
      engine: `socketio_max_payload ${MAX};
               socketio_max_packets 5;
               socketio_buffer ${BUFFER};
               client_max_body_size 100;`,
      app: `namespace / { authenticate none;
              on connect  { join all; }
              on volatile { emit many to all volatile; } }`,
      server: `
        location /large/ { engineio_echo campus; socketio_max_payload 2m;
                           socketio_max_packets 100000; }
        location /never/ { socketio campus; socketio_connect_timeout 500ms; }
        location /soon/  { socketio campus; socketio_connect_timeout 2s; }`,
    });
  });

  fact('the bound is told', async (t) => {
    t.is((await site.opened()).open.maxPayload, MAX);
  });

  fact('polling: a payload as large as allowed, and one larger', async (t) => {
    const peer = await site.polling(0);
    const text = `4${'x'.repeat(MAX - 1)}`;

    t.is((await peer.post(text, 1)).body, 'ok');
    t.ok((await peer.get(2)).body === text);

    for (let place = 0; place < workers; place++) {
      t.is((await peer.post(`${text}x`, place)).status, 413);
    }
    t.is((await peer.post('4lives', 1)).body, 'ok');
    t.is((await peer.get(1)).body, '4lives');
  });

  fact('WebSocket: the same', async (t) => {
    const ws = await site.opened(1);
    const text = `4${'x'.repeat(MAX - 1)}`;

    await ws.sendText(text);
    t.ok(await ws.nextMessage() === text);
    await ws.sendText(`${text}x`);
    t.is(await ws.closeCode(), 1009);
    await gone(ws.open.sid);
  });

  fact('a client that announces too much is not listened to', async (t) => {
    const ws = await site.opened(1);

    await ws.send(frame({ len: 2 ** 40 }));
    t.is(await ws.closeCode(), 1009);
  });

  fact('polling: as many packets as allowed, and one more', async (t) => {
    const peer = await site.polling(0);

    t.is((await peer.post(['4a', '4b', '4c', '4d', '4e'], 1)).body, 'ok');
    t.is((await peer.poll(2)).length, 5);
    t.is((await peer.post(['4a', '4b', '4c', '4d', '4e', '4f'], 1)).status,
      400);
    await gone(peer.query.sid);
    t.ok(true);
  });

  fact('a body of record separators is no harm', async (t) => {
    const peer = await site.polling(0, { path: '/large/' });

    t.is((await peer.post('\x1e'.repeat(1000000), 1)).status, 400);
  });

  fact('polling: what nobody fetches is bounded', async (t) => {
    const slow = await site.count('slow');
    const peer = await site.polling(0);
    const text = `4${'x'.repeat(MAX - 1)}`;
    let answer;
    let posts = 0;

    do {
      answer = await peer.post(text, posts++);
    } while (answer.status === 200 && posts < 100);

    t.is(answer.status, 400);
    t.ok(posts > BUFFER / MAX && posts < BUFFER / MAX + 10, `${posts} posts`);
    await gone(peer.query.sid);
    await until(async () => await site.count('slow') === slow + 1);
  });

  fact('WebSocket: what nobody reads is bounded', async (t) => {
    const slow = await site.count('slow');
    const ws = await site.opened(0, { path: '/large/' });
    const bytes = frame({ opcode: 2, payload: Buffer.alloc(MAX) });
    let ended = false;

    // The client does not read, but writes until its session has ended: how
    // much the system takes on the way is not ours to bound.

    ws.socket.pause();
    ws.socket.on('error', () => {});

    const flood = () => {
      while (!ended && !ws.socket.destroyed) {
        if (!ws.socket.write(bytes)) {
          ws.socket.once('drain', flood);
          return;
        }
      }
    };
    flood();

    try {
      await until(async () => await site.count('slow') === slow + 1,
        { timeout: 120000 });
    } finally {
      ended = true;
      ws.close();
    }
    await gone(ws.open.sid);
  }, { timeout: 200000 });

  fact('a slow reader that keeps within the bound gets all', async (t) => {
    const ws = await site.opened(0, { path: '/large/' });
    const payload = Buffer.alloc(200000, 7);

    ws.socket.pause();
    await ws.sendFrame({ opcode: 2, payload });
    await site.settle(0, 0);
    ws.socket.resume();
    t.deepIs(await ws.nextMessage(), payload);
  });

  fact('volatile events are dropped before anybody is closed', async (t) => {
    const sio = await site.sio(0, { transport: 'websocket' });
    const dropped = await site.count('volatile');

    // A polling socket that does not poll: its buffer fills.

    const peer = await site.polling(1, { path: '/socket.io/' });
    await peer.post('40');
    await peer.poll();

    const text = 'x'.repeat(MAX - 100);
    for (let i = 0; i < 60; i++) {
      await sio.event('volatile', text);
      await sio.nextEvent();
    }

    const { status, body } = await peer.get();

    t.is(status, 200);
    t.match(body, /^42\["many",/);
    t.is((await peer.post('1')).body, 'ok');
    await until(async () => await site.count('volatile') > dropped);
    sio.close();
  });

  fact('who opens and never connects is closed in time', async (t) => {
    const peer = await site.polling(0, { path: '/never/' });
    const ws = await site.opened(1, { path: '/never/' });

    t.is((await peer.get(1)).body, '1');
    await ws.closeCode();
    await gone(peer.query.sid);
    await gone(ws.open.sid);
    t.ok(true);
  });

  fact('who was closed without a GET learns of it by the next', async (t) => {
    const before = await site.count('polling');
    const peer = await site.polling(0, { path: '/never/' });

    await until(async () => await site.count('polling') <= before);

    const { status, body } = await peer.get(1);

    t.is(status, 200);
    t.is(body, '1');
    t.is((await peer.get(1)).json().code, 1);
  });

  fact('who connected once stays', async (t) => {
    const sio = await site.sio(0, { path: '/soon/' });
    const never = await site.opened(1, { path: '/soon/' });

    await sio.send('41');
    await never.closeCode();
    await sio.send('40');
    t.is((await sio.next()).type, 0);
    sio.close();
  });

  fact('the time to connect goes on over an upgrade', async (t) => {
    const path = '/soon/';
    const peer = await site.polling(0, { path });
    const ws = await site.ws(1, { path, query: { sid: peer.query.sid } });

    await ws.sendText('2probe');
    t.is(await ws.nextMessage(), '3probe');
    await ws.sendText('5');
    await ws.closeCode();
    await gone(peer.query.sid);
    t.ok(true);
  });

  fact('a thousand that open and go leave nothing', async (t) => {
    const before = await site.count('websocket');

    for (let round = 0; round < 10; round++) {
      const all = await Promise.all(Array.from({ length: 100 },
        (_, i) => site.opened(i)));
      all.forEach((ws) => ws.socket.resetAndDestroy());
    }
    await until(async () => await site.count('websocket') <= before);
    t.ok(true);
  }, { timeout: 300000 });
}
