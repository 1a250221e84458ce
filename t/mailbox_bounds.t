#!/usr/bin/env node
'use strict';

// Mailboxes at their bounds: what expires, a zone without room, a reload, and
// a worker that is killed.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

const app = (mailbox, zone = '8m') => `
  zone ${zone};
  ${mailbox}
  namespace / { authenticate insecure user=$auth.user; }`;

let site;

const mail = async () => (await site.ngx.status()).total.mailbox;
const kept = async () => (await site.ngx.status()).zone.store.mail;
const post = (body) => site.ngx.emit({ event: 'item', mailbox: true, ...body });
const join = (body) => site.ngx.get('/api/join', { method: 'POST',
  agent: site.ngx.agent, body: JSON.stringify(body) });
const connect = (user, place = 0) => site.sio(place, { auth: { user } });

test('what has expired does not come any more', async (t) => {
  site = await Site.start({ workers: 2, app: app('mailbox ttl=1s;') });
  for (let n = 0; n < 10; n++) {
    await post({ user: `u${n}`, data: n });
  }
  await until(async () => (await mail()).expired === 10,
    { what: 'all have expired', timeout: 60000 });
  t.is(await kept(), 0);

  const sio = await connect('u1');
  await post({ user: 'u1', data: 'new' });
  t.deepIs(await sio.nextEvent(), ['item', 'new']);
  sio.close();
}, { timeout: 90000 });

test('a zone without room says so, and takes items again', async (t) => {
  site = await Site.start({ workers: 2, app: app('mailbox max=10000;', '4m') });

  const data = 'x'.repeat(20000);
  let n = 0;
  let answer;

  while ((answer = await post({ user: 'ann', data: [n, data] })).status
         === 200) {
    n += 1;
  }
  t.ok(n > 5, `${n} items`);
  t.is(answer.status, 503);
  t.is(answer.body.error.code, 'unavailable');
  t.is((await site.ngx.status()).total.drops.mailbox, 1);
  t.match(site.ngx.log(), /the zone is full, an item of 200\d\d bytes/);

  // Nor do small ones fit; but grants do: mail does not fill up the zone.

  while ((await post({ user: 'ann', data: [n] })).status === 200) {
    n += 1;
  }
  for (let i = 0; i < 500; i++) {
    t.is((await join({ user: 'cleo', rooms: `r${i}`, ttl: '1h' })).status,
      200);
  }

  const ann = await connect('ann', 1);
  for (let i = 0; i < n; i++) {
    t.is((await ann.nextEvent())[1][0], i);
  }
  await until(async () => await kept() === 0, { what: 'nothing is kept' });
  t.is((await post({ user: 'ann', data: 'more' })).status, 200);
  t.deepIs(await ann.nextEvent(), ['item', 'more']);
  ann.close();
});

test('a reload and killed workers lose nothing', async (t) => {
  site = await Site.start({ workers: 2, app: app('mailbox;') });
  await post({ user: 'ann', data: 1 });
  await site.ngx.reload();
  await post({ user: 'ann', data: 2 });
  for (const pid of site.ngx.workers()) {
    site.ngx.kill(pid);
  }
  await until(async () => site.ngx.workers().length === 2
    && (await site.ngx.get('/healthz')).status === 200,
  { what: 'new workers' });
  await until(async () => (await post({ user: 'ann', data: 3, id: 'three' }))
    .status === 200, { what: 'the third one is taken' });

  const ann = await until(() => connect('ann'), { what: 'ann is in' });
  for (const n of [1, 2, 3]) {
    t.deepIs(await ann.nextEvent(), ['item', n]);
  }
  await until(async () => await kept() === 0, { what: 'nothing is kept' });
  t.is((await mail()).redelivered, 0);
  ann.close();
});

// The record that tells of an item is dropped: its worker stands still.

test('what a worker was not told of comes with a heartbeat', async (t) => {
  site = await Site.start({ workers: 2, app: app('mailbox;'),
    engine: 'socketio_ping_interval 500ms; socketio_ping_timeout 300s;' });
  const ann = await connect('ann', 1);
  const send = async (data) => (await site.request('/api/emit', {
    method: 'POST', place: 0, headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: 'item', mailbox: true, user: 'ann', data })
  })).json();
  t.deepIs(await send(1), { ok: true, matched: 1, queued: 0 });
  t.deepIs(await ann.nextEvent(), ['item', 1]);
  await site.settle(0, 1);

  const still = site.ngx.workers()[1];
  process.kill(still, 'SIGSTOP');
  try {
    await send(2);
    await until(() => /does not read its inbox/.test(site.ngx.log()),
      { what: 'it stands still' });
    await send(3);
    await until(async () => await site.count('ring') === 1,
      { what: 'what is for it is dropped' });
  } finally {
    process.kill(still, 'SIGCONT');
  }
  t.deepIs(await ann.nextEvent(), ['item', 2]);
  t.deepIs(await ann.nextEvent(), ['item', 3]);
  await until(async () => await kept() === 0, { what: 'nothing is kept' });
  t.is((await mail()).redelivered, 0);
  ann.close();
});
