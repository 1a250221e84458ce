#!/usr/bin/env node
'use strict';

// Engine.IO v4, "Upgrade": from polling to WebSocket, on the same worker and
// on others, without a message lost or out of its order.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  const probe = (peer, place) =>
    site.ws(place, { query: { sid: peer.query.sid } });
  let site;

  // The session answers over polling, from everywhere.

  async function polls(t, peer) {
    for (let place = 0; place < workers; place++) {
      const text = `4over polling ${place}`;

      t.is((await peer.post(text, place)).body, 'ok');
      t.deepIs(await peer.messages(1, place + 1), [text]);
    }
  }

  async function echoes(t, ws, text = '4over a websocket') {
    await ws.sendText(text);
    t.is(await ws.nextMessage(), text);
  }

  async function closed(t, ws) {
    await ws.closeCode();
    t.ok(!ws.frames.items.some(({ opcode }) => opcode === 1 || opcode === 2));
  }

  fact('nginx starts', async () => {
    site = await Site.start({ workers,
      engine: `socketio_ping_interval 300s;
               socketio_upgrade_timeout 120s;`,
      server: `
      location /quick/ { engineio_echo campus;
                         socketio_upgrade_timeout 300ms; }
      location /polls/ { engineio_echo campus;
                         socketio_transports polling; }` });
  });

  for (const place of workers > 1 ? [0, 1, 3] : [0]) {
    const where = `from worker 0 to ${place}`;

    fact(`a session upgrades, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await site.probing(peer, place);
      const { status, body } = await peer.get(place + 1);

      t.is(status, 200);
      t.is(body, '6');
      await ws.sendText('5');
      await echoes(t, ws, '4hello');
    });

    fact(`a waiting GET ends with a noop, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const { answer } = await peer.hang(place + 1);
      const ws = await site.probing(peer, place);

      t.is((await answer).body, '6');
      await ws.sendText('5');
      await echoes(t, ws);
    });

    fact(`who does not wait for the answer is upgraded, ${where}`,
      async (t) => {
        const peer = await site.polling(0);
        const ws = await probe(peer, place);

        await ws.sendText('2probe');
        await ws.sendText('5');
        t.is(await ws.nextMessage(), '3probe');
        await echoes(t, ws, '4hello');

        const { status } = await peer.get(place + 1);
        t.is(status, 400);
        await echoes(t, ws);
      });

    fact(`probe, upgrade and messages come in one packet, ${where}`,
      async (t) => {
        const { frame } = require('./lib/raw');
        const peer = await site.polling(0);
        const ws = await site.ws(place, { query: { sid: peer.query.sid },
          early: Buffer.concat(['2probe', '5', '4a', '4b', '4c'].map(
            (payload) => frame({ payload }))) });

        for (const text of ['3probe', '4a', '4b', '4c']) {
          t.is(await ws.nextMessage(), text);
        }
      });

    fact(`what waits goes to the WebSocket, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const all = Array.from({ length: 50 }, (_, i) => `4${i}`);
      const large = `4${'x'.repeat(500000)}`;

      await peer.post(all, place + 1);
      await peer.post(large, place);

      const ws = await probe(peer, place);

      await ws.sendText('2probe');
      t.is(await ws.nextMessage(), '3probe');
      await ws.sendText('5');
      for (const text of [...all, large]) {
        t.ok(await ws.nextMessage() === text);
      }
      await echoes(t, ws);
    });

    fact(`after the upgrade polling is refused, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await site.probing(peer, place);

      await ws.sendText('5');
      await echoes(t, ws);

      for (let from = 0; from < workers; from++) {
        t.is((await peer.get(from)).status, 400);
        t.is((await peer.post('4no', from)).status, 400);
      }
      await echoes(t, ws);
    });

    fact(`a second WebSocket after the upgrade is closed, ${where}`,
      async (t) => {
        const peer = await site.polling(0);
        const ws = await site.probing(peer, place);

        await ws.sendText('5');
        await echoes(t, ws);

        for (let from = 0; from < workers; from++) {
          const other = await probe(peer, from);

          if (other.status === 101) {
            await other.sendText('2probe');
            await closed(t, other);
          } else {
            t.is(other.status, 400);
          }
        }
        await echoes(t, ws);
      });

    fact(`a second WebSocket beside a probing one is closed, ${where}`,
      async (t) => {
        const peer = await site.polling(0);
        const ws = await site.probing(peer, place);
        const other = await probe(peer, place + 1);

        if (other.status === 101) {
          await other.sendText('2probe');
          await closed(t, other);
        }
        await ws.sendText('5');
        await echoes(t, ws);
      });

    for (const text of ['2', '2other', '4hello', '5', '3', 'abc', '']) {
      fact(`"${text}" is no probe, ${where}`, async (t) => {
        const peer = await site.polling(0);
        const ws = await probe(peer, place);

        await ws.sendText(text);
        await closed(t, ws);
        await polls(t, peer);
      });
    }

    fact(`binary is no probe, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await probe(peer, place);

      await ws.sendFrame({ opcode: 2, payload: '2probe' });
      await closed(t, ws);
      await polls(t, peer);
    });

    fact(`after the probe only the upgrade may come, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await site.probing(peer, place);

      await ws.sendText('4early');
      await closed(t, ws);
      await polls(t, peer);
    });

    fact(`a probing WebSocket that goes changes nothing, ${where}`,
      async (t) => {
        const peer = await site.polling(0);
        const [one, two] = [await site.probing(peer, place)];

        one.socket.resetAndDestroy();
        await site.settle(place, 0);
        await polls(t, peer);

        const ws = await until(async () => {
          const next = await probe(peer, place);
          await next.sendText('2probe');
          return await next.nextMessage() === '3probe' && next;
        });

        t.is(two, undefined);
        await ws.sendText('5');
        await echoes(t, ws);
      });

    fact(`a session that ends takes its probe along, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await site.probing(peer, place);

      t.is((await peer.post('1', place + 1)).body, 'ok');
      t.is((await peer.get(place)).status, 400);
      await ws.sendText('5');
      await closed(t, ws);
    });

    fact(`messages flow while the probe waits, ${where}`, async (t) => {
      const peer = await site.polling(0);
      const ws = await site.probing(peer, place);

      for (let i = 0; i < 5; i++) {
        await peer.post(`4${i}`, i);
        let got;
        do {
          ({ body: got } = await peer.get(i + 1));
        } while (got === '6');
        t.is(got, `4${i}`);
      }

      await ws.sendText('5');
      await echoes(t, ws);
    });
  }

  fact('a probe that takes too long is closed, polling goes on', async (t) => {
    const path = '/quick/';

    for (let place = 0; place < workers; place++) {
      const peer = await site.polling(0, { path });
      const silent = await site.ws(place, { path,
        query: { sid: peer.query.sid } });

      await closed(t, silent);

      const slow = await until(async () => {
        const ws = await site.ws(place, { path,
          query: { sid: peer.query.sid } });
        await ws.sendText('2probe');
        return await ws.nextMessage() === '3probe' && ws;
      });

      await closed(t, slow);
      await polls(t, peer);
    }
  });

  fact('where only polling is offered nobody upgrades', async (t) => {
    const path = '/polls/';
    const { body } = await site.request(`${path}?EIO=4&transport=polling`);
    const { sid, upgrades } = JSON.parse(body.slice(1));

    t.deepIs(upgrades, []);
    t.is((await site.ws(0, { path })).status, 400);
    t.is((await site.ws(0, { path, query: { sid } })).status, 400);
  });

  // As the stock client does it: polling goes on until the probe is answered,
  // then it pauses, and the rest goes over the WebSocket.

  async function flood(t, owner, place, count) {
    const peer = await site.polling(owner);
    const ws = await probe(peer, place);
    const got = [];
    let sent = 0;
    let paused = false;

    const batch = () => Array.from({ length: Math.min(7, count - sent) },
      () => `4${sent++}`);
    const posting = (async () => {
      while (!paused && sent < count / 2) {
        t.is((await peer.post(batch(), owner + sent)).body, 'ok');
      }
    })();
    const polling = (async () => {
      for (let i = place; !paused; i++) {
        got.push(...await peer.poll(i));
      }
    })();

    const both = Promise.all([posting, polling]);

    await Promise.race([both, until(() => got.length >= count / 10,
      { every: 1 })]);
    await ws.sendText('2probe');
    t.is(await ws.nextMessage(), '3probe');
    paused = true;
    await both;

    await ws.sendText('5');
    const sending = (async () => {
      while (sent < count) {
        await ws.sendText(`4${sent++}`);
      }
    })();

    let messages = got.filter((packet) => packet !== '6');
    while (messages.length < count) {
      messages.push(await ws.nextMessage());
    }
    await sending;
    t.deepIs(messages, Array.from({ length: count }, (_, i) => `4${i}`));
    ws.close();
  }

  fact('a flood is neither torn nor shuffled by the upgrade', async (t) => {
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 8 }, (_, i) =>
        flood(t, i, i + round, 2000)));
    }
  }, { timeout: 240000 });

  fact('a hundred sessions upgrade at once', async (t) => {
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const peer = await site.polling(i);
      const ws = await site.probing(peer, i + (i >> 2));

      await peer.post(`4${i}`, i + 1);
      await ws.sendText('5');
      await ws.sendText('4next');
      t.is(await ws.nextMessage(), `4${i}`);
      t.is(await ws.nextMessage(), '4next');
      ws.close();
    }));
  });

  if (workers > 1) {
    fact('sessions moved to other workers', async (t) => {
      const moved = await site.count('moved_in');

      t.ok(moved > 20, `${moved}`);
      t.is(await site.count('moved_out'), moved);
    });
  }
}
