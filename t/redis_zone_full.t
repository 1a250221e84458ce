#!/usr/bin/env node
'use strict';

// A host is cut off from Redis, and its zone gets full meanwhile, of mail,
// presence and lost sessions: what is refused is told and counted.  When the
// network is back, what was taken is everywhere, once, and all is right again.

const { test } = require('./lib/tap');
const { Proxy } = require('./lib/proxy');
const { Redis } = require('./lib/redis');
const { SioRaw } = require('./lib/sio_raw');
const { Site } = require('./lib/site');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const patient = { timeout: 120000 };
const users = 40;

const app = (zone, address) => `
  redis ${address} adapter=streams heartbeat=300ms;
  zone ${zone};
  presence grace=100ms;
  mailbox max=1000 ttl=1h store=redis;
  recovery 5m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; set text $auth.text; }
    on say     { relay to lobby; ack null; }
    on is      { check online $data; ack null; }
    on online  {}
    on offline {}
  }`;

let redis, db, proxy, a, b, ann, bob;
const taken = {};

const status = async (site) => site.ngx.status();
const sees = async (socket, user) => await ask(socket, 'is', user) === null;

async function hears(from, to, what) {
  const came = new Promise((done) => {
    const take = (data) => data === what && (to.off('say', take), done());

    to.on('say', take);
  });

  await ask(from, 'say', what);
  await came;
}

test('two hosts', async (t) => {
  redis = await Redis.start();
  db = await redis.client();
  proxy = await Proxy.start(redis.port);
  a = await Site.start({ workers: 2,
    app: app('4m', `127.0.0.1:${proxy.port}`) });
  b = await Site.start({ workers: 2, app: app('32m', redis.address) });
  await Redis.acquainted([a.ngx, b.ngx]);
  ann = await connect(a.ngx, { auth: { user: 'ann' } });
  bob = await connect(b.ngx, { auth: { user: 'bob' } });
  await until(async () => await sees(ann, 'bob') && await sees(bob, 'ann'));
  await hears(ann, bob, 'first');
  t.is((await status(a)).zone.full, 0);
}, patient);

test('cut off: mail fills its share, then it is refused', async (t) => {
  const text = 'x'.repeat(300);
  let refused = 0;

  proxy.hold();
  await until(async () => !await sees(ann, 'bob'), { what: 'a is alone' });

  for (let n = 0; refused < 100; n++) {
    const { body } = await a.ngx.emit(Array.from({ length: users }, (_, i) =>
      ({ event: 'item', data: [n, text], user: `u${i}`, mailbox: true })));

    body.results.forEach(({ queued }, i) => {
      refused += !queued;
      if (queued) {
        (taken[`u${i}`] ||= []).push(n);
      }
    });
  }

  const { total } = await status(a);

  t.ok(Object.values(taken).flat().length > 500);
  t.ok(total.drops.mailbox >= refused, `${total.drops.mailbox} counted`);
  t.match(a.ngx.log(), /the zone is full/);
}, patient);

test('lost sessions take the rest', async (t) => {
  const text = 'x'.repeat(3500);
  const room = async () => {
    const { store } = (await status(a)).zone;

    return store.blocks - store.blocks_used;
  };
  let n = 0;

  // some are waited for, as they end a moment after their connection

  for (let left = await room(); left > 64 && n < 2000; left = await room()) {
    const all = await Promise.all(Array.from({ length: 20 }, () =>
      SioRaw.connect(a.ngx.port, { auth: { user: `lost${n++}`, text } })));

    all.forEach((sio) => sio.ws.socket.destroy());
  }
  t.note(`${n} sessions`);
  t.ok(await room() <= 64, `${await room()} blocks are left`);
}, patient);

test('its clients go on, and who comes is served', async (t) => {
  const zoe = await connect(a.ngx, { auth: { user: 'zoe' } });

  await hears(zoe, ann, 'here');
  await hears(ann, zoe, 'there');
  t.ok(await sees(ann, 'zoe'));
  zoe.disconnect();
}, patient);

test('the network is back: all that was taken is in Redis', async (t) => {
  proxy.release();
  await until(async () => (await status(a)).zone.store.outbox === 0,
    { what: 'the outbox is empty', timeout: 60000 });

  const sizes = await Promise.all(Object.keys(taken).map((user) =>
    db.zCard(`socket.io-mail#order#/,${user}`)));

  t.deepIs(sizes, Object.values(taken).map(({ length }) => length));
}, patient);

test('and arrives on the other host, once, in order', async (t) => {
  for (const user of Object.keys(taken).slice(0, 5)) {
    const sio = await SioRaw.connect(b.ngx.port, { auth: { user } });
    const got = [];

    while (got.length < taken[user].length) {
      const [event, data] = await sio.nextEvent();

      if (event === 'item') {
        got.push(data[0]);
      }
    }
    t.deepIs(got, taken[user]);
    sio.close();
  }
}, patient);

test('hosts see and hear each other, and mail is taken again', async (t) => {
  await Redis.acquainted([a.ngx, b.ngx]);
  await until(async () => await sees(ann, 'bob') && await sees(bob, 'ann'),
    { what: 'each sees the other' });
  await hears(ann, bob, 'again');
  await hears(bob, ann, 'as well');
  t.ok(!await sees(bob, 'zoe') && !await sees(bob, 'lost1'));
  await until(async () => (await a.ngx.emit({ event: 'item', data: 1,
    user: 'late', mailbox: true })).body.queued === 1,
    { what: 'mail is taken' });

  const { total } = await status(a);

  t.note(`longest turn ${total.longest_turn_msec} ms, drops ${
    JSON.stringify(total.drops)}`);
  [ann, bob].forEach((socket) => socket.disconnect());
  proxy.stop();
}, patient);
