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
  mailbox max=50 ttl=1h store=redis;
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
const clients = [];
const connect = async (site, user, { place = 0, ...options } = {}) => {
  const sio = await site.sio(place, { auth: { user }, ...options });
  clients.push(sio);
  return sio;
};
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
  let a, b;
  const fact = (text, run) => test(`${text}, workers: ${workers}`,
    async (t) => {
      await run(t);
      clients.splice(0).forEach((sio) => sio.close());
      await Promise.all([a.empty(), b.empty()]);
    });

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

    const again = await connect(a, 'ann', { place: 1 });
    await post(b, { event: 'end', to: 'lobby' });
    t.deepIs(await again.nextEvent(), ['end']);
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
    }
  });

  fact('a socket that comes meanwhile gets each once', async (t) => {
    const before = await connect(a, 'ann', { place: 1 });

    await send(b, 'ann', 0);
    await items(before, 0);

    const late = connect(b, 'ann', { place: 2 });
    let last = 0;

    while (last < 20 || !clients.includes(await Promise.race([late, 0]))) {
      await send(a, 'ann', ++last);
    }
    await send(a, 'ann', ++last);
    await items(before, 1, last);

    // all that was sent since it came, and perhaps some before

    const got = [];

    while (got.at(-1) !== last) {
      got.push((await (await late).nextEvent())[1]);
    }
    t.deepIs(got, got.map((_, n) => got[0] + n));
    await nothingKept();
  });

  fact('rules learn who is online elsewhere', async (t) => {
    const eve = await connect(a, 'eve');
    const bob = await connect(b, 'bob', { place: 1 });
    const ask = async (event, data) => {
      await eve.event({ id: 7 }, event, data);
      return (await eve.next()).data;
    };

    await until(async () => (await ask('invite', { to: 'bob', id: 0 }))[0][0]
      === 'bob', { what: 'bob is seen' });
    t.deepIs(await ask('invite', { to: 'bob', id: 1 }), [['bob'], [], []]);
    t.deepIs(await ask('invite', { to: 'dan', id: 2 }), [[], ['dan'], []]);
    await until(async () => (await bob.nextEvent())[1] === 1,
      { what: 'bob has it' });

    const dan = await connect(b, 'dan');
    await items(dan, 2);
    await nothingKept();
  });

  fact('a key is replaced, and dropped, from another host', async (t) => {
    const eve = await connect(b, 'eve');
    const cancel = async (id) => {
      await eve.event({ id: 7 }, 'cancel', { id });
      t.deepIs((await eve.next()).data, [null]);
      await confirmed(b);
    };

    for (const [site, user, n, mailbox] of [[a, 'ann', 1, 'invite:1'],
      [a, 'ann', 2, true], [a, 'bob', 1, 'invite:1'], [a, 'ann', 9,
        'invite:9']]) {
      await send(site, user, n, { mailbox });
    }
    await confirmed(a);
    await send(b, 'ann', 3, { mailbox: 'invite:1' });
    await confirmed(b);
    await cancel(9);

    const ann = await connect(b, 'ann', { place: 1 });
    await items(ann, 2, 3);
    const bob = await connect(a, 'bob', { place: 1 });
    await items(bob, 1);
    await nothingKept();

    await send(b, 'cy', 4, { mailbox: 'invite:4' });
    await send(b, 'cy', 5);
    await confirmed(b);
    await cancel(4);
    const cy = await connect(a, 'cy');
    await items(cy, 5);
    await nothingKept();

  });

  fact('a key of very many is dropped in pieces', async (t) => {
    const users = Array.from({ length: 1000 }, (_, n) => `user${n}`);
    const eve = await connect(b, 'eve');

    for (const user of ['', 'x', 'y']) {
      await post(a, { event: 'item', data: 1, mailbox: 'invite:many',
        user: users.map((name) => name + user) });
    }
    await send(a, 'ann', 1, { mailbox: 'invite:few' });
    await confirmed(a);
    t.is(await mailboxes(), 3001);
    await eve.event({ id: 7 }, 'cancel', { id: 'many' });
    t.deepIs((await eve.next()).data, [null]);
    await confirmed(b);
    t.is(await mailboxes(), 1);
    t.deepIs((await db.keys('socket.io-mail#key#*')).length, 1);

    await eve.event({ id: 7 }, 'cancel', { id: 'few' });
    t.deepIs((await eve.next()).data, [null]);
    await nothingKept();
  });

  fact('max and ttl', async (t) => {
    const before = (await a.ngx.status()).total.drops.mailbox;

    for (let n = 1; n <= 51; n++) {
      await send(a, 'ann', n);
      await confirmed(a);
    }
    t.is((await a.ngx.status()).total.drops.mailbox - before, 1);
    t.is(await db.zCard('socket.io-mail#order#/,ann'), 50);

    const ttl = await db.pTTL('socket.io-mail#order#/,ann');
    t.ok(ttl > 3500e3 && ttl <= 3600e3, `${ttl} ms`);

    const ann = await connect(b, 'ann');
    await items(ann, 1, 50);
    await nothingKept();
    clients.splice(0).forEach((sio) => sio.close());
    await b.empty();

    // an item that has ended is not delivered

    await send(a, 'ann', 1);
    await confirmed(a);
    const origin = (await db.zRange('socket.io-mail#order#/,ann', 0, 0))[0];
    const data = await db.sendCommand(['HGET', 'socket.io-mail#data#/,ann',
      origin], { returnBuffers: true });
    data.write('0', 0);
    await db.sendCommand(['HSET', 'socket.io-mail#data#/,ann', origin, data]);
    await send(a, 'ann', 2);
    const again = await connect(b, 'ann');
    await items(again, 2);
    await nothingKept();
  });

  fact('Redis is away for a while', async (t) => {
    const ann = await connect(b, 'ann', { place: 1 });
    const here = await connect(a, 'bob', { place: 1 });

    await send(a, 'cy', 0);
    await confirmed(a);
    redis.pause();
    await send(a, 'bob', 1);
    await items(here, 1);
    t.ok(true, 'who is here does not wait');
    for (let n = 1; n <= 20; n++) {
      t.deepIs(await send(a, 'cy', n), { ok: true, matched: 0, queued: 1 });
      await send(a, 'ann', n);
    }
    redis.resume();
    await items(ann, 1, 20);
    await confirmed(a);
    const cy = await connect(b, 'cy');
    await items(cy, 0, 20);
    await nothingKept();
  });

  fact('Redis has no memory left', async (t) => {
    const room = (bytes) => db.sendCommand(['CONFIG', 'SET', 'maxmemory',
      String(bytes)]);
    const waiting = async (n) => until(async () =>
      (await stored(a)).outbox === n, { what: `${n} wait` });

    for (let n = 1; n <= 3; n++) {
      await send(a, 'ann', n);
      await send(a, 'cy', n);
    }
    await confirmed(a);
    await room(1);

    for (let n = 1; n <= 20; n++) {
      t.deepIs(await send(a, 'bob', n), { ok: true, matched: 0, queued: 1 });
      await send(a, 'dan', n);
    }
    await until(async () => (await a.ngx.status()).total.mailbox.held > 1,
      { what: 'it is tried again' });
    await waiting(40);

    // what is there is read, and what has arrived is removed, on both hosts

    await items(await connect(a, 'ann', { place: 1 }), 1, 3);
    await items(await connect(b, 'cy', { place: 1 }), 1, 3);
    await nothingKept();
    await confirmed(b);

    // what waits here is delivered here, and then not put any more

    await items(await connect(a, 'dan', { place: 2 }), 1, 20);
    await until(async () => (await stored(a)).mail === 20,
      { what: 'all of it has arrived' });
    await room(0);
    await confirmed(a);
    t.is(await mailboxes(), 1);
    await items(await connect(b, 'bob', { place: 2 }), 1, 20);
    await nothingKept();
    t.match(a.ngx.log(), /not taken for want of memory.*taken again/s);
  });

  fact('Redis restarts, and has lost its memory', async (t) => {
    const ann = await connect(b, 'ann', { place: 1 });

    await redis.kill();
    for (let n = 1; n <= 20; n++) {
      await send(a, 'cy', n);
      await send(a, 'ann', n);
    }
    const cy = connect(a, 'cy', { place: 1 });
    await items(await cy, 1, 20);
    t.ok(true, 'who comes gets what is here');
    await redis.run();
    await items(ann, 1, 20);
    await nothingKept();
    await until(async () => (await stored(a)).outbox === 0
      && (await stored(a)).mail === 0, { what: 'nothing is left' });
    await send(b, 'cy', 21);
    await items(await cy, 21);
    await nothingKept();
    await Promise.all([a, b].map((site) => Redis.joined(site.ngx)));
  });

  fact('a subscription is lost, what was missed comes', async (t) => {
    const ann = await connect(b, 'ann', { place: 1 });

    for (let n = 1; n <= 30; n++) {
      if (n % 10 === 0) {
        await db.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
      }
      if (n % 15 === 0) {
        await db.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
          'yes']);
      }
      await send(a, 'ann', n);
    }
    await items(ann, 1, 30);
    await nothingKept();
    t.is(ann.packets.items.length, 0);
  });

  fact('the host of the receiver dies before the pong', async (t) => {
    const c = await host(workers);
    const mute = await connect(c, 'ann', { mute: true });

    let n = 0;

    await until(async () => (await send(a, 'ann', ++n)).queued === 0,
      { what: 'a knows that he is there' });
    await items(mute, 1, n);
    await c.ngx.crash();
    await send(a, 'ann', n + 1);

    const before = (await b.ngx.status()).total.mailbox.redelivered;
    const ann = await connect(b, 'ann', { place: 1 });
    await items(ann, 1, n + 1);
    await nothingKept();

    const again = (await b.ngx.status()).total.mailbox.redelivered - before;
    t.ok(again > 0 && again <= n + 1, `${again} of ${n + 1} again`);
  });

  fact('the host of the sender dies after it', async (t) => {
    const c = await host(workers);

    for (let n = 1; n <= 10; n++) {
      await send(c, 'ann', n);
    }
    await confirmed(c);
    await c.ngx.crash();
    const ann = await connect(b, 'ann', { place: 1 });
    await items(ann, 1, 10);
    await nothingKept();
    t.ok(true);
  });

  fact('a thousand invitations, a reload, and kills', async (t) => {
    const users = 100;
    const each = 10;
    const take = async (n) => (await a.ngx.emit({ event: 'item',
      data: Math.floor(n / users), user: `user${n % users}`, mailbox: true,
      id: `invitation ${n}` })).status === 200;

    for (let n = 0; n < users * each; n++) {
      if (n === 300) {
        await a.ngx.reload();
      }
      if (n === 600) {
        a.ngx.kill(a.ngx.workers()[0]);
      }
      if (n === 800) {
        await db.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
          'yes']);
      }
      await until(() => take(n), { what: `invitation ${n} is taken` });
    }
    await confirmed(a);
    t.is(await mailboxes(), users);

    for (let n = 0; n < users; n++) {
      const sio = await connect(n % 3 ? b : a, `user${n}`, { place: n });
      await items(sio, 0, each - 1);
      t.is(sio.packets.items.length, 0);
    }
    await nothingKept();
  });

  fact('an item that was damaged in Redis harms nobody', async (t) => {
    await send(a, 'hurt', 1);
    await send(a, 'hurt', 2);
    await confirmed(a);

    // 42["item",1] is no JSON any more, in a frame of the same length

    t.is(await db.eval(`
      local n = 0
      for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
        local v = redis.call('HGET', KEYS[1], f)
        local i, j = string.find(v, '42["item",1]', 1, true)
        if i then
          n = n + 1
          redis.call('HSET', KEYS[1], f,
            string.sub(v, 1, i - 1) .. '42["item"}1]' .. string.sub(v, j + 1))
        end
      end
      return n`, { keys: ['socket.io-mail#data#/,hurt'] }), 1);

    const sio = await connect(b, 'hurt');

    await items(sio, 2);
    t.ok((await b.ngx.status()).total.redis.malformed > 0);
  });
}
