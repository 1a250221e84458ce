#!/usr/bin/env node
'use strict';

// POST join with a ttl: the user's sockets are members now and at every later
// connect, until the ttl ends or POST leave, over reloads and kills.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on connect {
      when $auth.probe = yes { check in granted; }
    }
    on in   { check in $.room; ack null; }
    on join { join $.room; ack null; }
    on leave { leave $.room; ack null; }
  }
  namespace /n {
    authenticate insecure user=$auth.name;
    on in { check in $.room; ack null; }
  }
  namespace /open {
    authenticate none;
    on in { check in $.room; ack null; }
  }`;

const isIn = async (socket, room) => await ask(socket, 'in', { room }) === null;
const ins = (socket, rooms) =>
  Promise.all(rooms.map((room) => isIn(socket, room)));

async function post(ngx, call, message) {
  const { status, json } = await ngx.get(`/api/${call}`, { method: 'POST',
    agent: ngx.agent, body: JSON.stringify(message) });
  return { status, body: json() };
}

const stored = async (ngx) => (await ngx.status()).zone.store.grant;

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx, ann;

  const person = (user, options) => connect(ngx, { auth: { name: user },
    ...options });
  const grant = async (t, message) => {
    const { status, body } = await post(ngx, 'join', message);
    t.is(status, 200, JSON.stringify(body));
    t.is(body.ok, true);
    return body.matched;
  };

  test(name('nginx is there'), async () => {
    ngx = await Nginx.start({ workers, app });
    ann = await person('ann');
  });

  test(name('a grant holds now and for later sockets'), async (t) => {
    t.is(await grant(t, { user: 'ann', rooms: ['g1', 'g2'], ttl: '30d' }), 1);
    t.deepIs(await ins(ann, ['g1', 'g2', 'g3']), [true, true, false]);
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      const later = await person('ann', { transport });
      t.deepIs(await ins(later, ['g1', 'g2', 'g3']), [true, true, false]);
      later.disconnect();
    }
    const bob = await person('bob');
    t.deepIs(await ins(bob, ['g1', 'g2']), [false, false]);
    bob.disconnect();
  });

  test(name('who is away is granted a room, too'), async (t) => {
    t.is(await grant(t, { user: [7, 'cleo'], rooms: 'g9', ttl: 3600 }), 0);
    for (const user of ['7', 'cleo']) {
      const socket = await person(user);
      t.is(await isIn(socket, 'g9'), true, user);
      socket.disconnect();
    }
  });

  test(name('it is there before the connect rule runs'), async (t) => {
    const probe = () => connect(ngx, { auth: { name: 'pia', probe: 'yes' } });
    await t.rejects(probe(), /not allowed/);
    await grant(t, { user: 'pia', rooms: 'granted', ttl: '1h' });
    (await probe()).disconnect();
  });

  test(name('another namespace has its own'), async (t) => {
    const other = await person('ann', { nsp: '/n' });
    t.is(await isIn(other, 'g1'), false);
    await grant(t, { user: 'ann', rooms: 'n1', ttl: '1h', namespace: '/n' });
    t.is(await isIn(other, 'n1'), true);
    t.is(await isIn(ann, 'n1'), false);
    other.disconnect();
    const open = await person('ann', { nsp: '/open' });
    t.is(await isIn(open, 'g1'), false);
    open.disconnect();
  });

  test(name('without a ttl nothing is granted'), async (t) => {
    await grant(t, { user: 'ann', rooms: 'once' });
    t.is(await isIn(ann, 'once'), true);
    const later = await person('ann');
    t.is(await isIn(later, 'once'), false);
    later.disconnect();
  });

  test(name('leave takes it back'), async (t) => {
    const second = await person('ann', { transport: 'polling' });
    t.deepIs((await post(ngx, 'leave', { user: 'ann', rooms: ['g2'] })).body,
      { ok: true, matched: 2 });
    t.deepIs(await ins(ann, ['g1', 'g2']), [true, false]);
    t.deepIs(await ins(second, ['g1', 'g2']), [true, false]);
    second.disconnect();
    const later = await person('ann');
    t.deepIs(await ins(later, ['g1', 'g2']), [true, false]);
    later.disconnect();
    t.is((await post(ngx, 'leave', { user: 'nobody', rooms: 'g2' })).status,
      200);
  });

  test(name('a room left by a rule is joined again at the next connect'),
    async (t) => {
      await ask(ann, 'leave', { room: 'g1' });
      t.is(await isIn(ann, 'g1'), false);
      const later = await person('ann');
      t.is(await isIn(later, 'g1'), true);
      later.disconnect();
      await grant(t, { user: 'ann', rooms: 'g1', ttl: '30d' });
      t.is(await isIn(ann, 'g1'), true);
    });

  test(name('the end of the ttl takes the sockets out'), async (t) => {
    const sockets = await Promise.all(['websocket', 'polling', 'upgrade']
      .map((transport) => person('ann', { transport })));
    t.is(await grant(t, { user: 'ann', rooms: ['short', 'long'], ttl: 2 }), 4);
    await grant(t, { user: 'ann', rooms: 'long', ttl: '1h' });
    t.deepIs(await Promise.all(sockets.map((s) => isIn(s, 'short'))),
      [true, true, true]);
    await until(async () => (await Promise.all([ann, ...sockets]
      .map((s) => isIn(s, 'short')))).every((is) => !is),
    { what: 'all have left', timeout: 20000 });
    t.deepIs(await Promise.all(sockets.map((s) => isIn(s, 'long'))),
      [true, true, true]);
    const later = await person('ann');
    t.deepIs(await ins(later, ['short', 'long']), [false, true]);
    [later, ...sockets].forEach((socket) => socket.disconnect());
  });

  test(name('a repeat can shorten it'), async (t) => {
    await grant(t, { user: 'ann', rooms: 'long', ttl: 1 });
    await until(async () => !await isIn(ann, 'long'),
      { what: 'it has ended', timeout: 20000 });
  });

  test(name('no later socket is in the room once the ttl is over'),
    async (t) => {
      await grant(t, { user: 'dan', rooms: 'brief', ttl: 1 });
      await until(async () => {
        const dan = await person('dan');
        const is = await isIn(dan, 'brief');
        dan.disconnect();
        return !is;
      }, { what: 'it is over', timeout: 20000 });
    });

  test(name('a user has a bound, others are not touched by it'),
    async (t) => {
      const rooms = [...Array(500).keys()].map((n) => `r${n}`);
      await grant(t, { user: 'eve', rooms, ttl: '1d' });
      await grant(t, { user: 'eve', rooms, ttl: '2d' });
      const { status, body } = await post(ngx, 'join',
        { user: 'eve', rooms: 'more', ttl: '1d' });
      t.is(status, 413);
      t.is(body.error.code, 'too_large');
      const eve = await person('eve');
      t.deepIs(await ins(eve, ['r0', 'r499', 'more']), [true, true, false]);
      await grant(t, { user: 'fay', rooms: 'more', ttl: '1d' });
      t.is((await post(ngx, 'leave', { user: 'eve', rooms })).status, 200);
      t.is(await isIn(eve, 'r0'), false);
      await grant(t, { user: 'eve', rooms: 'more', ttl: '1d' });
      t.is(await isIn(eve, 'more'), true);
      eve.disconnect();
      t.is((await post(ngx, 'join', { user: [...Array(200).keys()],
        rooms: rooms.slice(0, 51), ttl: '1d' })).body.error.path, 'rooms');
    });

  test(name('a reload keeps it'), async (t) => {
    await ngx.reload();
    const later = await person('ann');
    t.deepIs(await ins(later, ['g1', 'g2']), [true, false]);
    await grant(t, { user: 'ann', rooms: 'after-reload', ttl: '1h' });
    t.is(await isIn(later, 'after-reload'), true);
    t.is(await isIn(ann, 'after-reload'), true);
    later.disconnect();
  }, { timeout: 60000 });

  test(name('a kill of all workers keeps it'), async (t) => {
    await grant(t, { user: 'ann', rooms: 'ends', ttl: 2 });
    const old = ngx.workers();
    old.forEach((pid) => ngx.kill(pid));
    await until(() => ngx.workers().length === workers
      && !ngx.workers().some((pid) => old.includes(pid)),
    { what: 'new workers', timeout: 20000 });
    const later = await until(() => person('ann').catch(() => null),
      { what: 'a client', timeout: 20000 });
    t.deepIs(await ins(later, ['g1', 'g2', 'after-reload']),
      [true, false, true]);
    await until(async () => !await isIn(later, 'ends'),
      { what: 'what ended meanwhile is left', timeout: 20000 });
    later.disconnect();
  }, { timeout: 90000 });

  test(name('ended grants leave the store'), async (t) => {
    const before = await stored(ngx);
    await grant(t, { user: ['x', 'y', 'z'], rooms: ['p', 'q'], ttl: 1 });
    t.is(await stored(ngx), before + 6);
    await until(async () => await stored(ngx) === before,
      { what: 'they are gone', timeout: 20000 });
  });
}

suite(1);
suite(4);

// Grants while clients connect: nobody is missed.

test('a grant and a connect at the same time meet', async (t) => {
  const ngx = await Nginx.start({ workers: 4, app });

  for (let n = 0; n < 60; n++) {
    const user = `u${n}`;
    const [socket, { status }] = await Promise.all([
      connect(ngx, { auth: { name: user },
        transport: n % 2 ? 'websocket' : 'polling' }),
      ngx.get('/api/join', { method: 'POST',
        body: JSON.stringify({ user, rooms: 'race', ttl: '1h' }) }),
    ]);
    t.is(status, 200);
    t.is(await isIn(socket, 'race'), true, user);
    socket.disconnect();
  }
}, { timeout: 60000 });

test('a full zone refuses grants, and takes them again', async (t) => {
  const ngx = await Nginx.start({ app: `zone 4m; ${app}`,
    allow: /zone is full/ });
  const rooms = [...Array(400).keys()].map((n) => `${n}-${'x'.repeat(200)}`);
  const users = [];
  let full;

  for (let n = 0; n < 400 && !full; n++) {
    const { status, body } = await post(ngx, 'join', { user: `u${n}`, rooms,
      ttl: '1d' });
    if (status !== 200) {
      full = { status, body };
    }
    users.push(`u${n}`);
  }

  t.is(full?.status, 503, `${users.length} users`);
  t.is(full.body.error.code, 'unavailable');
  const ann = await connect(ngx, { auth: { name: users[0] } });
  t.is(await isIn(ann, rooms[399]), true);

  for (const user of users) {
    t.is((await post(ngx, 'leave', { user, rooms })).status, 200);
  }

  t.is((await post(ngx, 'join', { user: 'v', rooms, ttl: '1d' })).status, 200);
}, { timeout: 120000 });
