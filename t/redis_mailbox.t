#!/usr/bin/env node
'use strict';

// Mailboxes that hosts share: what was put on one host arrives wherever the
// user is, or comes, and goes away when a pong proved it.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

const app = `
  zone 24m;
  mailbox max=50 store=redis;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on invite {
      emit item to user:$.to mailbox=invite:$.id with $.id;
      ack $sent.delivered $sent.queued $sent.rejected;
    }
    on cancel { mailbox drop invite:$.id; ack null; }
    on flush  { mailbox flush; ack null; }
  }`;

let redis, db;

const host = async (workers, more = '') => {
  const site = await Site.start({ workers,
    app: `redis ${redis.address}; ${app} ${more}` });
  await Redis.joined(site.ngx);
  return site;
};
const post = async (site, body) => (await site.ngx.emit(body)).body;
const send = (site, user, n, more) => post(site, { event: 'item', data: n,
  user, mailbox: true, ...more });
const connect = (site, user, { place = 0, ...options } = {}) =>
  site.sio(place, { auth: { user }, ...options });
const mailboxes = async () => (await db.keys('socket.io-mail#order#*')).length;
const nothingKept = () => until(async () => await mailboxes() === 0,
  { what: 'Redis keeps nothing' });
const stored = async (site) => (await site.ngx.status()).zone.store;
const confirmed = (site) => until(async () =>
  (await stored(site)).outbox === 0, { what: 'Redis has all of it' });

async function items(sio, first, last = first) {
  for (let n = first; n <= last; n++) {
    const event = await sio.nextEvent();

    if (JSON.stringify(event) !== JSON.stringify(['item', n])) {
      throw new Error(`${JSON.stringify(event)} instead of item ${n}`);
    }
  }
}

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  let a, b;

  fact('two hosts', async (t) => {
    redis = await Redis.start();
    db = await redis.client();
    a = await host(workers);
    b = await host(workers);
    t.ok(true);
  });

  fact('items wait for a user who comes elsewhere', async (t) => {
    for (let n = 1; n <= 20; n++) {
      t.deepIs(await send(n % 2 ? a : b, 'ann', n),
        { ok: true, matched: 0, queued: 1 });
      await confirmed(n % 2 ? a : b);
    }
    t.is((await stored(a)).mail, 0, 'the zone gives them away');

    const ann = await connect(b, 'ann', { place: 1 });
    await items(ann, 1, 20);
    await nothingKept();
    ann.close();

    const again = await connect(a, 'ann', { place: 1 });
    await post(b, { event: 'end', to: 'lobby' });
    t.deepIs(await again.nextEvent(), ['end']);
    again.close();
    await Promise.all([a.empty(), b.empty()]);
  });

  fact('who is online gets them at once, on all hosts', async (t) => {
    const tabs = [await connect(a, 'ann'), await connect(a, 'ann',
      { place: 1 }), await connect(b, 'ann', { place: 1 })];

    for (let n = 1; n <= 30; n++) {
      await send(n % 2 ? a : b, 'ann', n);
      for (const tab of tabs) {
        await items(tab, n);
      }
    }
    await nothingKept();
    for (const tab of tabs) {
      t.is(tab.packets.items.length, 0);
      tab.close();
    }
    await Promise.all([a.empty(), b.empty()]);
  });
}
