#!/usr/bin/env node
'use strict';

// Mailboxes: what is sent to a user who is away waits for him, and goes away
// only when a pong, or the next GET, proved that he got it.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { open, once, upgraded } = require('./lib/clients');
const { Proxy } = require('./lib/proxy');
const { until } = require('./lib/wait');

const app = `
  zone 24m;
  mailbox max=50;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect {
      join lobby;
      emit hello to self;
      when $auth.early = yes { mailbox flush; emit late to self; }
      check $auth.bad != yes;
    }
    on invite {
      emit item to user:$.to mailbox=invite:$user:$.id with $.id;
      ack $sent.delivered $sent.queued $sent.rejected;
    }
    on invite:all {
      emit item to user:$.to[*] mailbox with $.id;
      ack $sent.delivered $sent.queued $sent.rejected;
    }
    on cancel { mailbox drop invite:$user:$.id; ack null; }
    on file   { emit file to user:$.to mailbox; ack null; }
    on full   { emit item to user:$.to mailbox with 0; ack null; }
    on flush  { mailbox flush; ack null; }
    api mail invite { emit item to user:$.to[*] mailbox with $.id; }
  }
  namespace /other { authenticate insecure user=$auth.user; }`;

let site;

const ask = async (sio, ...args) => {
  await sio.event({ id: 7 }, ...args);
  const { type, id, data } = await sio.next();
  if (type !== 3 || id !== 7) {
    throw new Error(`${JSON.stringify(data)} is no ack`);
  }
  return data;
};
const post = async (body) => (await site.ngx.emit(body)).body;
const send = (user, n, more) => post({ event: 'item', data: n, user,
                                       mailbox: true, ...more });

// Of the status: mailbox counters, and items kept.

const mail = async () => (await site.ngx.status()).total.mailbox;
const kept = async () => (await site.ngx.status()).zone.store.mail;
const nothingKept = () => until(async () => await kept() === 0,
  { what: 'nothing is kept' });

async function connect(user, { place = 0, transport = 'websocket',
                               ...options } = {}) {
  const sio = await site.sio(place, { transport, auth: { user }, ...options });

  if ((options.nsp || '/') === '/') {
    await expectEvent(sio, 'hello');
  }
  return sio;
}

async function expectEvent(sio, ...wanted) {
  const event = await sio.nextEvent();

  if (JSON.stringify(event) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(event)} instead of `
      + JSON.stringify(wanted));
  }
}

async function expectItems(sio, first, last) {
  for (let n = first; n <= last; n++) {
    await expectEvent(sio, 'item', n);
  }
}

// A WebSocket is torn off; who polls says so, or it would take a heartbeat.

async function bye(sio) {
  if (sio.polling) {
    await sio.send('1');
  }
  sio.close();
}

async function leave(...clients) {
  await Promise.all(clients.map(bye));
  await site.empty();
}

function suite(workers) {
  const name = (text) => `${text}, ${workers} worker${workers > 1 ? 's' : ''}`;

  test(name('nginx is there'), async () => {
    site = await Site.start({ workers, app });
  });

  for (const transport of ['websocket', 'polling']) {
    test(name(`items wait for a user, ${transport}`), async (t) => {
      for (let n = 1; n <= 20; n++) {
        t.deepIs(await send('ann', n), { ok: true, matched: 0, queued: 1 });
      }
      t.is(await kept(), 20);

      const ann = await connect('ann', { transport });
      await post({ event: 'news', to: 'lobby' });
      await expectItems(ann, 1, 20);
      await expectEvent(ann, 'news');
      await nothingKept();
      await leave(ann);

      const again = await connect('ann', { transport });
      await post({ event: 'more', to: 'lobby' });
      await expectEvent(again, 'more');
      await leave(again);
    });
  }

  test(name('who is online gets them at once, at all places'), async (t) => {
    const before = await mail();
    const tabs = [await connect('ann'), await connect('ann', { place: 1 }),
                  await connect('ann', { place: 2, transport: 'polling' })];

    for (let n = 1; n <= 30; n++) {
      t.deepIs(await send('ann', n), { ok: true, matched: 3, queued: 0 });
    }
    for (const tab of tabs) {
      await expectItems(tab, 1, 30);
    }
    await nothingKept();

    const after = await mail();
    t.is(after.stored - before.stored, 30);
    t.is(after.delivered - before.delivered, 90);
    t.is(after.proved - before.proved, 30);
    t.is(after.redelivered, before.redelivered);
    await leave(...tabs);
  });

  test(name('each namespace has its own'), async (t) => {
    await send('ann', 1, { namespace: '/other' });
    const main = await connect('ann');
    const other = await connect('ann', { nsp: '/other', place: 1 });

    await expectItems(other, 1, 1);
    await nothingKept();
    await post({ event: 'end', to: 'lobby' });
    await expectEvent(main, 'end');
    t.is(other.packets.items.length, 0);
    await leave(main, other);
  });

  test(name('without a pong nothing is removed'), async (t) => {
    for (let n = 1; n <= 3; n++) {
      await send('ann', n);
    }

    const before = await mail();
    const mute = await connect('ann', { mute: true });

    await expectItems(mute, 1, 3);
    await until(() => mute.pings === 1, { what: 'the ping' });
    await send('ann', 4);
    await expectItems(mute, 4, 4);
    await leave(mute);
    t.is(await kept(), 4);
    t.is((await mail()).redelivered, before.redelivered);

    const ann = await connect('ann', { place: 1 });
    await expectItems(ann, 1, 4);
    await nothingKept();
    t.is((await mail()).redelivered - before.redelivered, 4);
    await leave(ann);
  });

  test(name('an answer that was lost proves nothing'), async (t) => {
    const before = await mail();
    const proxy = await Proxy.start(site.port);
    const ann = open(proxy, { transport: 'polling', auth: { user: 'ann' } });
    const got = [];

    ann.on('item', (n) => got.push(n));
    await once(ann, 'hello');
    await send('ann', 1);
    await until(() => got.length === 1, { what: 'the first item' });
    await nothingKept();

    const { id: sid } = ann.io.engine;
    const lost = once(ann, 'disconnect');

    proxy.hold();
    await send('ann', 2);
    await until(async () => (await mail()).delivered === before.delivered + 2,
      { what: 'it was written' });
    proxy.cut();
    proxy.release();
    await lost;
    t.is(await kept(), 1);
    await site.request(`/socket.io/?EIO=4&transport=polling&sid=${sid}`,
      { method: 'POST', body: '1' });
    t.is(await kept(), 1);

    ann.connect();
    await until(() => got.length === 2, { what: 'the other item' });
    await nothingKept();
    t.deepIs(got, [1, 2]);
    t.is((await mail()).redelivered - before.redelivered, 1);
    ann.disconnect();
    proxy.stop();
    await site.empty();
  });

  test(name('a GET proves what pongs do not'), async (t) => {
    const ann = await connect('ann', { transport: 'polling', mute: true });

    for (let n = 1; n <= 3; n++) {
      await send('ann', n);
      await expectItems(ann, n, n);
      await nothingKept();
    }
    t.is(ann.pings, 0);
    await leave(ann);

    const last = await connect('bob', { transport: 'polling', last: 'item' });

    await send('bob', 1);
    await expectItems(last, 1, 1);
    await last.send('3', '3', '3');
    t.is(await kept(), 1);
    await leave(last);

    const bob = await connect('bob', { transport: 'polling', place: 1 });

    await expectItems(bob, 1, 1);
    await nothingKept();
    await leave(bob);
  });

  test(name('an upgrade proves the last answer'), async (t) => {
    for (const place of [0, 1]) {
      const ann = await connect('ann', { transport: 'polling', last: 'item' });

      await send('ann', 1);
      await expectItems(ann, 1, 1);
      t.is(await kept(), 1);
      await ann.upgrade({ socket: await site.socket(place) });
      await nothingKept();
      t.is(ann.pings, 0, 'no ping was needed');
      await send('ann', 2);
      await expectItems(ann, 2, 2);
      await nothingKept();
      await leave(ann);
    }
  });

  test(name('pongs that nobody asked for prove nothing'), async (t) => {
    const mute = await connect('ann', { mute: true });

    await mute.send('3', '3', '3');
    await send('ann', 1);
    await expectItems(mute, 1, 1);
    await until(() => mute.pings === 1, { what: 'the ping' });
    t.is(await kept(), 1);
    await mute.send('3');
    await nothingKept();

    // one for two items: the second one is covered by the next ping

    await send('ann', 2);
    await until(() => mute.pings === 2, { what: 'the next ping' });
    await send('ann', 3);
    await expectItems(mute, 2, 3);
    await mute.send('3');
    await until(async () => await kept() === 1, { what: 'one is kept' });
    await until(() => mute.pings === 3, { what: 'its ping' });
    t.is(await kept(), 1);
    await mute.send('3');
    await nothingKept();
    await leave(mute);
  });

  test(name('a key replaces what was not delivered'), async (t) => {
    await send('ann', 1, { mailbox: 'a' });
    await send('ann', 2);
    await send('bob', 1, { mailbox: 'a' });
    await send('ann', 3, { mailbox: 'a' });
    t.is(await kept(), 3);

    const ann = await connect('ann');
    await expectItems(ann, 2, 3);
    const bob = await connect('bob', { place: 1 });
    await expectItems(bob, 1, 1);
    await nothingKept();
    await leave(ann, bob);
  });

  test(name('rules send, and take back'), async (t) => {
    const eve = await connect('eve');

    for (let id = 1; id <= 4; id++) {
      t.deepIs(await ask(eve, 'invite', { to: 'ann', id }),
        [[], ['ann'], []]);
    }
    t.deepIs(await ask(eve, 'invite', { to: 'bob', id: 2 }),
      [[], ['bob'], []]);
    await send('ann', 0, { mailbox: 'invite:eve:3' });
    t.is(await kept(), 5);
    t.deepIs(await ask(eve, 'cancel', { id: 2 }), [null]);
    t.is(await kept(), 3);

    const mallory = await connect('mallory', { place: 1 });
    t.deepIs(await ask(mallory, 'cancel', { id: 1 }), [null]);
    t.is(await kept(), 3, 'another sender has other keys');

    const ann = await connect('ann', { place: 2 });
    for (const id of [1, 4, 0]) {
      await expectItems(ann, id, id);
    }
    await nothingKept();
    t.deepIs(await ask(eve, 'invite:all', { to: ['ann', 'bob', 'ann', 'cy'],
                                            id: 9 }),
      [['ann'], ['bob', 'cy'], []]);
    await expectItems(ann, 9, 9);
    t.is((await ask(eve, 'invite:all', { to: ['ann', ''], id: 11 }))[0].code,
      'invalid', 'nobody has an empty id');
    t.deepIs(await post({ event: 'invite', target: 'mail',
                          data: { to: ['ann', 'bob', 'cy'], id: 10 } }),
      { ok: true, matched: 1, queued: 2 });
    await expectItems(ann, 10, 10);

    const others = [await connect('bob'), await connect('cy', { place: 1 })];
    for (const sio of others) {
      await expectItems(sio, 9, 10);
    }
    await nothingKept();
    await leave(ann, eve, mallory, ...others);
  });

  test(name('binary is kept too'), async (t) => {
    const eve = await connect('eve');
    const bytes = [Buffer.from('one'), Buffer.alloc(70000, 7)];

    await ask(eve, 'file', { to: 'ann', first: bytes[0] }, bytes[1]);
    for (const transport of ['websocket', 'polling']) {
      const ann = await connect('ann', { place: 1, transport,
                                         mute: transport === 'websocket' });
      const { type, data, binary } = await ann.next();
      t.is(type, 5);
      t.deepIs(data, ['file', { to: 'ann', first: { _placeholder: true,
        num: 0 } }, { _placeholder: true, num: 1 }]);
      t.deepIs(binary, bytes);
      if (transport === 'polling') {
        await nothingKept();
      }
      await bye(ann);
    }
    await leave(eve);
  });

  test(name('a rule says when'), async (t) => {
    await send('ann', 1);
    await send('ann', 2);
    const ann = await connect('ann', { auth: { user: 'ann', early: 'yes' } });
    await expectItems(ann, 1, 2);
    await expectEvent(ann, 'late');
    t.deepIs(await ask(ann, 'flush'), [null], 'nothing comes twice');
    await nothingKept();
    await send('ann', 3);
    await expectItems(ann, 3, 3);
    await nothingKept();
    await leave(ann);
  });

  test(name('who is refused gets nothing'), async (t) => {
    await send('ann', 1);
    for (const early of ['yes', 'no']) {
      const sio = await site.sio(0, { join: false });
      await sio.send(`40${JSON.stringify({ user: 'ann', bad: 'yes', early })}`);
      t.is((await sio.next()).type, 4);
      await sio.send('40{"user":"bob"}');
      t.is((await sio.next()).type, 0);
      await expectEvent(sio, 'hello');
      await bye(sio);
    }
    t.is(await kept(), 1);

    const ann = await connect('ann');
    await expectItems(ann, 1, 1);
    await nothingKept();
    await leave(ann);
  });

  test(name('a mailbox holds so many'), async (t) => {
    for (let n = 1; n <= 50; n++) {
      await send('ann', n);
    }
    const before = await site.count('drops');

    t.deepIs(await site.ngx.emit({ event: 'item', user: 'ann',
      mailbox: true }), { status: 503, body: { ok: false,
      error: { code: 'unavailable', message: 'mailbox full' } } });
    t.deepIs(await send(['ann', 'bob', 'bob'], 0),
      { ok: true, matched: 0, queued: 1, rejected: ['ann'] });

    const eve = await connect('eve', { place: 2 });
    t.deepIs(await ask(eve, 'invite', { to: 'ann', id: 1 }),
      [[], [], ['ann']]);
    t.is((await ask(eve, 'full', { to: 'ann' }))[0].code, 'unavailable');
    t.deepIs(await post({ event: 'invite', target: 'mail',
                          data: { to: ['ann', 'eve'], id: 5 } }),
      { ok: true, matched: 1, queued: 0, rejected: ['ann'] });
    await expectItems(eve, 5, 5);
    t.is((await site.count('drops')).mailbox, before.mailbox + 5);

    const bob = await connect('bob', { place: 1 });
    await expectItems(bob, 0, 0);
    const ann = await connect('ann');
    await expectItems(ann, 1, 50);
    await nothingKept();
    await send('ann', 51);
    await expectItems(ann, 51, 51);
    await nothingKept();
    await leave(ann, bob, eve);
  });

  test(name('a session takes along what it was written'), async (t) => {
    for (let round = 0; round < 10; round++) {
      const before = await mail();

      await send('ann', 1);
      await send('ann', 2);

      const ann = await connect('ann', { place: round,
        transport: 'polling' });

      await expectItems(ann, 1, 2);
      const going = ann.upgrade({ socket: await site.socket(round + 1) });
      await send('ann', 3);
      await send('ann', 4);
      await going;
      await send('ann', 5);
      await expectItems(ann, 3, 5);
      await nothingKept();
      await post({ event: 'end', to: 'lobby' });
      await expectEvent(ann, 'end');

      const after = await mail();
      t.is(after.redelivered, before.redelivered);
      t.is(after.delivered - before.delivered, 5);
      await leave(ann);
    }
  });

  test(name('stock clients that upgrade get each item once'), async (t) => {
    const users = Array.from({ length: 20 }, (_, i) => `u${i}`);
    const got = new Map(users.map((user) => [user, []]));
    const before = await mail();

    for (let n = 1; n <= 5; n++) {
      await send(users, n);
    }

    const sockets = users.map((user) => {
      const socket = open(site.ngx, { transport: 'upgrade',
                                      auth: { user } });
      return socket.on('item', (n) => got.get(user).push(n));
    });

    for (let n = 6; n <= 40; n++) {
      await send(users, n);
    }

    const all = Array.from({ length: 40 }, (_, i) => i + 1);

    await until(() => users.every((user) => got.get(user).length >= 40),
      { what: 'all items' });
    await Promise.all(sockets.map(upgraded));
    await nothingKept();
    for (const user of users) {
      t.deepIs(got.get(user), all, user);
    }

    const after = await mail();
    t.is(after.redelivered, before.redelivered);
    t.is(after.delivered - before.delivered, 800);
    sockets.forEach((socket) => socket.disconnect());
    await site.empty();
  });

  test(name('more than a buffer holds comes in pieces'), async (t) => {
    const text = 'x'.repeat(100000);

    for (let n = 1; n <= 20; n++) {
      t.is((await post({ event: 'big', args: [n, text], user: 'ann',
                         mailbox: true })).queued, 1);
    }
    for (const transport of ['websocket', 'polling']) {
      const mute = await connect('ann', { transport, mute: true,
                                          last: 'big' });
      for (let n = 1; n <= 5; n++) {
        await expectEvent(mute, 'big', n, text);
      }
      t.is(await kept(), 20);
      await leave(mute);
    }

    const ann = await connect('ann');
    for (let n = 1; n <= 20; n++) {
      await expectEvent(ann, 'big', n, text);
    }
    await nothingKept();
    await leave(ann);
  });

  test(name('what has an id is sent once'), async (t) => {
    const first = await send(['ann', 'bob'], 1, { id: 'a"1' });

    t.deepIs(first, { ok: true, matched: 0, queued: 2 });
    t.deepIs(await send('cleo', 2, { id: 'a"1' }),
      { ...first, duplicate: true });
    t.is((await post({ event: 'item', data: 3, user: 'ann', mailbox: true,
                       id: 'a"1', namespace: '/other' })).duplicate,
      undefined, 'a namespace has its own ids');

    const ann = await connect('ann');
    const bob = await connect('bob', { place: 1 });
    const other = await connect('ann', { nsp: '/other' });
    await expectItems(ann, 1, 1);
    await expectItems(bob, 1, 1);
    await expectItems(other, 3, 3);
    await nothingKept();

    t.deepIs(await post({ event: 'e', id: 'all' }),
      { ok: true, matched: 2, queued: 0 });
    t.deepIs(await post([{ event: 'e', id: 'all' },
                         { event: 'f', id: 'f' }, { event: 'f', id: 'f' }]),
      { ok: true, matched: 6, queued: 0, results: [
        { matched: 2, queued: 0, duplicate: true }, { matched: 2, queued: 0 },
        { matched: 2, queued: 0, duplicate: true }] });
    await post({ event: 'end' });
    for (const sio of [ann, bob]) {
      await expectEvent(sio, 'e');
      await expectEvent(sio, 'f');
      await expectEvent(sio, 'end');
    }
    await leave(ann, bob, other);
  });
}

suite(1);
suite(4);
