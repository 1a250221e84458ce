#!/usr/bin/env node
'use strict';

// A worker that stands still with a full inbox: the others go on, also with
// sessions that move between them, and do not keep messages for it for ever.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { RawWs } = require('./lib/raw');
const { until } = require('./lib/wait');

const EVENTS = 3000;    // an inbox of a zone of 4 MB has 1024 places

let site, pid, a, b, c;

test('three workers, a client in each', async () => {
  site = await Site.start({ workers: 3,
    engine: 'socketio_ping_interval 300s; socketio_ping_timeout 300s;',
    app: `zone 4m;
      namespace / {
        authenticate none;
        on connect { join all; }
        on say     { relay to all; }
        on only    { relay to $.room; }
      }` });
  [a, b, c] = [await site.sio(0), await site.sio(1), await site.sio(2)];
  pid = site.ngx.workers()[2];
});

async function echoes(t, ws, text) {
  await ws.sendText(text);
  t.is(await ws.nextMessage(), text);
}

const numbers = (from, to) =>
  Array.from({ length: to - from }, (_, n) => ['say', from + n]);

async function hears(t, sio, from, to) {
  const got = [];

  while (got.length < to - from) {
    got.push(await sio.nextEvent());
  }
  t.deepIs(got, numbers(from, to));
}

// A session of worker 1 and a connection to worker 0, whose broadcasts wait:
// made before, as no new one can be told from one that nobody answers.

let peer, socket, theirs;

test('one of them stands still, and its inbox fills', async (t) => {
  peer = await site.polling(1);
  socket = await site.socket(0);
  theirs = await site.polling(2);
  await site.settle(0, 1);

  process.kill(pid, 'SIGSTOP');
  for (let n = 0; n < EVENTS; n++) {
    await a.event('say', n);
  }
  await hears(t, b, 0, EVENTS);
});

test('a session moves between the others', async (t) => {
  const ws = await RawWs.connect(site.port, { path: site.path, socket,
    query: { sid: peer.query.sid } });

  await ws.sendText('2probe');
  t.is(await ws.nextMessage(), '3probe');
  await ws.sendText('5');
  await echoes(t, ws, '4moved');
  ws.close();
});

test('the log says so, once for each of them', async (t) => {
  const lines = () => site.ngx.log()
    .match(/^.*does not read its inbox, what is for it is dropped$/gm) || [];

  await until(() => lines().length >= 2, { what: 'two lines' });
  t.is(lines().length, 2);
  await until(async () => await site.count('ring') >= EVENTS - 1024,
    { what: 'what waited is dropped' });
});

test('the others go on', async (t) => {
  await a.event('say', EVENTS);
  await hears(t, b, EVENTS, EVENTS + 1);
});

test('who asks for its sessions is told at once', async (t) => {
  const { status } = await site.request(`${site.path}?${
    new URLSearchParams(theirs.query)}`, { place: 0 });

  t.is(status, 400);
});

test('it goes on, and hears what fitted, then what is new', async (t) => {
  const got = [];

  process.kill(pid, 'SIGCONT');
  await until(() => /reads its inbox again/.test(site.ngx.log()));
  await a.event('only', { room: c.id });
  do {
    got.push(await c.nextEvent());
  } while (got.at(-1)[0] === 'say');

  t.is(got.pop()[0], 'only');
  t.ok(got.length > 900 && got.length <= 1024, `${got.length} events`);
  t.deepIs(got, numbers(0, got.length));
});

// Others wait for room in an inbox: one that ends first finds it a little
// later.

for (const signal of ['SIGTERM', 'SIGQUIT']) {
  test(`a worker that ends by ${signal} hands over what waits`, async (t) => {
    const from = signal === 'SIGTERM' ? 0 : EVENTS;
    const [sender, reader] = [await site.sio(0), await site.sio(1)];
    const [ends, stands] = site.ngx.workers();

    // a connection that is made before, as none can be to who stands

    await site.settle(2);
    await sender.event('only', { room: reader.id });
    await reader.nextEvent();
    process.kill(stands, 'SIGSTOP');
    for (let n = from; n < from + EVENTS; n++) {
      await sender.event('say', n);
    }
    await until(async () => (await site.request('/status', { place: 2 }))
      .json().workers.find(({ pid: one }) => one === ends)
      .broadcasts >= EVENTS);
    process.kill(ends, signal);
    process.kill(stands, 'SIGCONT');
    await hears(t, reader, from, from + EVENTS);
    sender.close();
    reader.close();
    await until(() => site.ngx.workers().length === 3
      && !site.ngx.workers().includes(ends));

    // places are other workers now

    site.agents.forEach((agent) => agent.destroy());
    site.agents.clear();
  });
}

test('nothing is left', async () => {
  [a, b, c].forEach((sio) => sio.close());
  await theirs.post('1', 2);
  await site.empty();
});
