#!/usr/bin/env node
'use strict';

// A thousand invitations to users who are away, while nginx is reloaded and a
// worker is killed: all arrive once the users connect, and what arrives twice
// was counted.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { until } = require('./lib/wait');

const users = 250;
const each = 4;
const patient = { timeout: 240000 };

const app = `
  zone 24m;
  mailbox;
  namespace / { authenticate insecure user=$auth.user; }`;

const name = (n) => `user${n % users}`;
const all = Array.from({ length: each }, (_, i) => i);

let site;
const got = new Map();            // user: the numbers of what came

const mail = async () => (await site.ngx.status()).total.mailbox;
const kept = async () => (await site.ngx.status()).zone.store.mail;

// A killed worker may have taken the request along: it is posted again.

async function post(n) {
  await until(async () => (await site.ngx.emit({ event: 'invitation',
    data: Math.floor(n / users), user: name(n), mailbox: true,
    id: `invitation ${n}` })).status === 200,
  { what: `invitation ${n} is taken`, timeout: 30000 });
}

async function collect(user, { mute, want = each } = {}) {
  const sio = await until(() => site.sio(0, { auth: { user }, mute })
    .catch(() => null), { what: `${user} is connected` });
  const list = got.get(user) || got.set(user, []).get(user);

  try {
    for (let n = 0; n < want; n++) {
      list.push((await sio.nextEvent())[1]);
    }
  } catch {
    // the worker was killed: the next connection has the rest
  }
  return sio;
}

test('nginx is there', async () => {
  site = await Site.start({ workers: 4, app });
});

test('a reload and a kill while they are sent', async (t) => {
  for (let n = 0; n < users * each; n++) {
    if (n === 400) {
      await site.ngx.reload();
    }
    if (n === 700) {
      site.ngx.kill(site.ngx.workers()[1]);
    }
    await post(n);
  }
  t.is(await kept(), users * each);
}, patient);

test('a kill between write and pong', async (t) => {
  const muted = [];

  for (let n = 0; n < 20; n++) {
    muted.push(await collect(name(n), { mute: true }));
  }
  site.ngx.kill(site.ngx.workers()[2]);
  await until(() => site.ngx.workers().length === 4, { what: 'four workers' });
  muted.forEach((sio) => sio.close());
  t.is(await kept(), users * each);
}, patient);

test('all arrive, in order', async (t) => {
  const clients = [];
  let left = users;

  await Promise.all(Array.from({ length: 10 }, async () => {
    while (left-- > 0) {
      const n = left;
      clients.push(await collect(name(n)));
    }
  }));
  await until(async () => await kept() === 0,
    { what: 'all are proved', timeout: 60000 });
  clients.forEach((sio) => sio.close());

  let twice = 0;

  for (let n = 0; n < users; n++) {
    const list = got.get(name(n));
    const again = n < 20;

    t.deepIs(list, again ? [...all, ...all] : all, name(n));
    twice += again ? each : 0;
  }

  // counters of the first configuration's workers went with them

  const { redelivered, expired, dropped } = await mail();
  t.is(redelivered, twice);
  t.is(expired + dropped, 0);
}, patient);
