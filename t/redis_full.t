#!/usr/bin/env node
'use strict';

// A host whose zone is full, among others: what it can't keep is refused with
// an error, what it took is not lost, its clients and the other hosts go on,
// and all is well when there is room again.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { Site } = require('./lib/site');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const patient = { timeout: 120000 };

const app = (zone) => `
  redis ${redis.address} heartbeat=500ms;
  zone ${zone};
  presence grace=100ms;
  mailbox max=1000 store=redis;
  recovery 1m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on say     { emit said to lobby with $data; ack null; }
    on in      { check in $.room; ack null; }
  }`;

let redis, a, b, ann, bob;

const post = (site, call, message) => site.ngx.get(`/api/${call}`,
  { method: 'POST', body: JSON.stringify(message) });
const store = async (site) => (await site.ngx.status()).zone.store;

async function hear() {
  for (const [from, to] of [[ann, bob], [bob, ann]]) {
    let heard = false;

    to.on('said', (data) => { heard = heard || data === from.id; });

    if (await ask(from, 'say', from.id) !== null) {
      return false;
    }

    await until(() => heard, { what: 'it is heard' });
    to.off('said');
  }

  return true;
}

test('two hosts', async (t) => {
  redis = await Redis.start();
  a = await Site.start({ workers: 2, app: app('4m') });
  b = await Site.start({ workers: 2, app: app('16m') });
  await Redis.acquainted([a.ngx, b.ngx]);
  ann = await connect(a.ngx, { auth: { user: 'ann' } });
  bob = await connect(b.ngx, { auth: { user: 'bob' } });
  t.ok(await hear());
}, patient);

let queued = 0;

test('mail that Redis does not take fills its share', async (t) => {
  const db = await redis.client();
  await db.sendCommand(['CONFIG', 'SET', 'maxmemory', '1']);

  for (let refused = 0; refused < 50;) {
    const users = Array.from({ length: 100 }, (_, n) => `u${n}`);
    const { status, json } = await post(a, 'emit', { event: 'item', data:
      queued, user: users, mailbox: true });

    if (status === 200) {
      const { queued: some } = json();
      queued += some;
      refused += some < 100;
    } else {
      t.is(status, 503);
      refused += 1;
    }
  }
  t.ok(queued > 100, `${queued} items`);
  t.ok(await hear(), 'clients hear each other');
}, patient);

test('grants fill the rest, of this host', async (t) => {
  let status = 200;
  let granted = 0;

  for (let n = 0; status === 200; n++) {
    const rooms = Array.from({ length: 400 }, (_, i) => `room${i}`);
    ({ status } = await post(a, 'join', { user: `g${n}`, rooms, ttl: '1h' }));
    granted += 400;
  }
  t.is(status, 503, `after ${granted}`);
  t.ok(await hear(), 'clients hear each other');

  // the other host knows what this one can't note

  const eve = await connect(b.ngx, { auth: { user: 'eve' } });
  t.is((await post(b, 'join', { user: 'eve', rooms: 'x', ttl: '1h' })).status,
    200);
  t.is(await ask(eve, 'in', { room: 'x' }), null);
  eve.disconnect();

  const { status: health } = await a.ngx.get('/healthz');
  t.ok([200, 503].includes(health));
}, patient);

test('who comes is served, recovered or not', async (t) => {
  const crowd = await Promise.all(Array.from({ length: 50 }, (_, n) =>
    connect(a.ngx, { auth: { user: `c${n}` } })));

  for (const socket of crowd) {
    t.is(await ask(socket, 'say', 1), null);
  }
  crowd.slice(1).forEach((socket) => socket.io.engine.close());

  const back = await connect(a.ngx, { auth: { user: 'c0' } });
  t.is(await ask(back, 'say', 1), null);
  back.disconnect();
  crowd[0].disconnect();
  t.ok(await hear());
}, patient);

test('when there is room, nothing that was taken is missing', async (t) => {
  const db = await redis.client();
  await db.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']);
  await until(async () => (await store(a)).outbox === 0,
    { what: 'Redis has all of it', ...patient });

  const sizes = await Promise.all(Array.from({ length: 100 }, (_, n) =>
    db.zCard(`socket.io-mail#order#/,u${n}`)));
  t.is(sizes.reduce((sum, size) => sum + size, 0), queued);

  await until(async () => (await post(a, 'emit', { event: 'item', data: 1,
    user: 'late', mailbox: true })).json().queued === 1,
    { what: 'mail is taken again' });
  t.ok(await hear());
  await until(async () => (await (await a.ngx.get('/api/users/bob')).json())
    .online, { what: 'bob is seen' });
}, patient);
