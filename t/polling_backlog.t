#!/usr/bin/env node
'use strict';

// Clients that poll and are far behind: an answer has 16 packets, and each
// takes a way there and back.  Heartbeats go on all the same, and what was not
// proved to have arrived is not taken to have.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { Proxy } = require('./lib/proxy');
const { connect } = require('./lib/clients');
const { until } = require('./lib/wait');

const INTERVAL = 500;
const TIMEOUT = 4000;
const DELAY = 5;            // there, and again back: 10 ms an answer at least
const PACKETS = 16;

const app = `
  zone 24m;
  recovery 2m;
  mailbox max=1000;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
  }`;

const engine = `
  socketio_ping_interval ${INTERVAL}ms;
  socketio_ping_timeout  ${TIMEOUT}ms;
  socketio_buffer        16m;`;

for (const [workers, count] of [[1, 8000], [4, 20000]]) {
  const what = (text) => `${text}, workers: ${workers}`;
  let site;

  const emit = async (body) => {
    const { status, body: answer } = await site.ngx.emit(body);

    if (status !== 200) {
      throw new Error(JSON.stringify(answer));
    }
  };
  const mail = async () => (await site.ngx.status()).zone.store.mail;

  test(what('nginx starts'), async () => {
    site = await Site.start({ workers, app, engine });
  });

  test(what('who is thousands of packets behind lives on'), async (t) => {
    const proxy = await Proxy.start(site.port, { delay: DELAY });
    const socket = await connect(proxy, { transport: 'polling',
                                          auth: { user: 'ann' } });
    const got = [];
    let ended, pings = 0;

    socket.on('n', (n) => got.push(n));
    socket.on('disconnect', (reason) => { ended = reason; });
    socket.io.on('ping', () => { pings += 1; });

    const since = Date.now();

    await emit({ event: 'n', data: 0, user: 'ann', mailbox: true });
    for (let n = 1; n < count - 1;) {
      const batch = [];

      for (; batch.length < 1000 && n < count - 1; n++) {
        batch.push({ event: 'n', data: n, to: 'lobby' });
      }
      await emit(batch);
    }
    await emit({ event: 'n', data: count - 1, user: 'ann', mailbox: true });
    await until(async () => await mail() === 1,
      { what: 'the first one is proved, the last one kept' });

    await until(() => ended || got.length >= count,
      { what: 'all of them', timeout: 180000 });

    const msec = Date.now() - since;

    t.is(ended, undefined, `${got.length} packets, ${msec} ms`);
    t.deepIs(got, Array.from({ length: count }, (_, n) => n),
      'each once, in order');
    t.ok(msec > count / PACKETS * 2 * DELAY && msec > INTERVAL + TIMEOUT,
      `it took longer than a ping may: ${msec} ms`);
    t.ok(pings > 1, `${pings} pings meanwhile`);
    await until(async () => await mail() === 0, { what: 'the last is proved' });
    t.is(socket.io.engine.transport.name, 'polling');
    socket.disconnect();
    proxy.stop();
    await site.empty();
  }, { timeout: 240000 });

  test(what('recovery goes on behind what was proved'), async (t) => {
    const ann = await site.sio(0, { transport: 'polling', join: false,
                                    auth: { user: 'ann' }, last: '"n",2' });

    await ann.send('40{"user":"ann"}');
    const { data: { pid } } = await ann.next();

    await emit({ event: 'n', data: 1, to: 'lobby' });
    t.is((await ann.nextEvent())[1], 1);

    // noted with a heartbeat, marked with the next, known with the one after

    const { pings } = ann;
    await until(() => ann.pings >= pings + 4, { what: 'some heartbeats' });

    await emit({ event: 'n', data: 2, to: 'lobby' });
    t.is((await ann.nextEvent())[1], 2);
    await ann.send('1');
    await site.empty();

    const again = await site.sio(1, { join: false });

    await again.send(`40${JSON.stringify({ user: 'ann', pid })}`);
    t.deepIs((await again.nextEvent()).slice(0, 2), ['n', 2]);

    const { type, data } = await again.next();

    t.is(type, 0);
    t.is(data.pid, pid, 'recovered');
    again.close();
    ann.close();
    await site.empty();
  });
}
