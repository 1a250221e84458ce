#!/usr/bin/env node
'use strict';

// Engine.IO v4, "Heartbeat": pings of the server, pongs of the client, and
// what becomes of sessions without.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { sleep, until } = require('./lib/wait');

const INTERVAL = 400;
const TIMEOUT = 1200;

// A loaded machine may be late, never early.

const LATE = 20000;

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let site;

  const passed = (t, since, least) => {
    const msec = Date.now() - since;
    t.ok(msec >= least - 5 && msec < least + LATE, `${msec} ms`);
  };

  fact('nginx starts', async () => {
    site = await Site.start({ workers, engine: `
      socketio_ping_interval ${INTERVAL}ms;
      socketio_ping_timeout  ${TIMEOUT}ms;` });
  });

  fact('the open packet tells the intervals', async (t) => {
    const { open } = await site.opened();

    t.is(open.pingInterval, INTERVAL);
    t.is(open.pingTimeout, TIMEOUT);
  });

  fact('polling: three rounds of ping and pong', async (t) => {
    let since = Date.now();
    const peer = await site.polling(0);

    for (let i = 0; i < 3; i++) {
      const { status, body } = await peer.get(i);

      t.is(status, 200);
      t.is(body, '2');
      passed(t, since, INTERVAL);
      since = Date.now();
      t.is((await peer.post('3', i + 1)).body, 'ok');
    }
  });

  fact('polling: without a pong the session ends', async (t) => {
    const since = Date.now();
    const peer = await site.polling(0);

    t.is((await peer.get(1)).body, '2');

    const { status, body } = await peer.get(2);

    t.is(status, 200);
    t.is(body, '1');
    passed(t, since, INTERVAL + TIMEOUT);
    t.is((await peer.get(1)).json().code, 1);
  });

  fact('polling: a session that nobody asks for is unknown after that',
    async (t) => {
      const since = Date.now();
      const peers = [await site.polling(0), await site.polling(1)];
      const late = Date.now() + INTERVAL + TIMEOUT;

      // The very time: the fact is that no tick has to come before.

      await sleep(late - Date.now() + 2);
      passed(t, since, INTERVAL + TIMEOUT);

      for (const peer of peers) {
        const { status, body } = await peer.get(2);
        t.is(status, 400, body);
      }
    });

  fact('WebSocket: three rounds of ping and pong', async (t) => {
    let since = Date.now();
    const ws = await site.opened(1);

    for (let i = 0; i < 3; i++) {
      t.is(await ws.nextMessage(), '2');
      passed(t, since, INTERVAL);
      since = Date.now();
      await ws.sendText('3');
    }

    await ws.sendText('4lives');
    t.is(await ws.nextMessage(), '4lives');
  });

  fact('WebSocket: without a pong the server closes', async (t) => {
    const since = Date.now();
    const ws = await site.opened(1);

    t.is(await ws.nextMessage(), '2');
    await ws.closeCode();
    passed(t, since, INTERVAL + TIMEOUT);
  });

  fact('a pong that nobody asked for is none', async (t) => {
    const ws = await site.opened(0);

    await ws.sendText('3');
    t.is(await ws.nextMessage(), '2');
    await ws.closeCode();
  });

  fact('a WebSocket ping or pong is no heartbeat', async (t) => {
    const ws = await site.opened(0);

    t.is(await ws.nextMessage(), '2');
    await ws.sendFrame({ opcode: 9, payload: '' });
    await ws.sendFrame({ opcode: 10, payload: '' });
    t.is((await ws.next()).opcode, 10);
    await ws.closeCode();
    t.ok(true);
  });

  fact('another packet prolongs the wait, once', async (t) => {
    const since = Date.now();
    const ws = await site.opened(2);

    t.is(await ws.nextMessage(), '2');
    const ping = Date.now();

    // The chatter goes on; only the first of it counts.

    const chatter = setInterval(() => ws.sendText('4busy'), 20);

    try {
      await ws.closeCode();
    } finally {
      clearInterval(chatter);
    }
    passed(t, ping, TIMEOUT);
    passed(t, since, INTERVAL + TIMEOUT);
  });

  fact('messages flow beside the heartbeat', async (t) => {
    const peer = await site.polling(0);
    let pings = 0;

    for (let i = 0; pings < 3; i++) {
      await peer.post(`4${i}`, i);
      let found = false;

      while (!found) {
        for (const packet of await peer.poll(i + 1)) {
          if (packet === '2') {
            pings += 1;
            await peer.post('3', i + 2);
          } else {
            t.is(packet, `4${i}`);
            found = true;
          }
        }
      }
    }
  });

  fact('a probing WebSocket is not pinged', async (t) => {
    const peer = await site.polling(0);
    const ws = await site.probing(peer, 1);
    let body;

    do {
      ({ body } = await peer.get(0));
      if (body.includes('2')) {
        await peer.post('3');
      }
    } while (body === '6');

    t.is(body, '2');
    t.is(ws.frames.items.length, 0);
    ws.close();
  });

  fact('after the upgrade the WebSocket is', async (t) => {
    const peer = await site.polling(0);
    const ws = await site.probing(peer, 1);

    await ws.sendText('5');
    for (let i = 0; i < 3; i++) {
      t.is(await ws.nextMessage(), '2');
      await ws.sendText('3');
    }
  });

  fact('and ends without a pong', async (t) => {
    const peer = await site.polling(0);
    const ws = await site.probing(peer, 1);

    await ws.sendText('5');
    t.is(await ws.nextMessage(), '2');
    await ws.closeCode();
    t.ok(true);
  });

  fact('no session is left', async (t) => {
    await until(async () => await site.count('polling') === 0
      && await site.count('websocket') === 0);
    t.ok(true);
  });
}
