#!/usr/bin/env node
'use strict';

// GET rooms, users, sockets: what all workers know together.  POST join,
// leave, disconnect: what is done to sockets wherever they are.

const net = require('node:net');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { Site } = require('./lib/site');
const { connect, once, ask } = require('./lib/clients');
const { countsAre } = require('./lib/status');
const { until } = require('./lib/wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on join { join $.room; ack null; }
    on in   { check in $.room; ack null; }
  }
  namespace /news {
    authenticate none;
    on join { join $.room; ack null; }
  }
  namespace "~^/room-[0-9]+$" { authenticate insecure user=$auth.name; }`;

const enc = encodeURIComponent;
const join = (socket, room) => ask(socket, 'join', { room });
const isIn = async (socket, room) => await ask(socket, 'in', { room }) === null;

// A call: { status, headers, body }.

async function get(ngx, uri, options) {
  const { status, headers, body, json } = await ngx.get(`/api/${uri}`,
    { agent: ngx.agent, ...options });
  return { status, headers, text: body, body: body ? json() : null };
}

const post = (ngx, call, message) => get(ngx, call, { method: 'POST',
  body: typeof message === 'string' || Buffer.isBuffer(message) ? message
    : JSON.stringify(message) });

// All pages of a list.

async function pages(ngx, uri, list, limit = 2) {
  const all = [];

  for (let after = ''; after !== null;) {
    const query = `${uri.includes('?') ? '&' : '?'}limit=${limit}`
      + (after && `&after=${enc(after)}`);
    const { status, body } = await get(ngx, uri + query);
    if (status !== 200 || body[list].length > limit || body.partial) {
      throw new Error(`${uri}${query}: ${status} ${JSON.stringify(body)}`);
    }
    all.push(...body[list]);
    after = body.next;
  }

  return all;
}

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx, ann, bob, ann2, news;

  const person = (user, options) => connect(ngx, { auth: { name: user },
    ...options });
  const refused = async (t, answer, status, code, path) => {
    const { status: got, body } = await answer;
    t.is(got, status, JSON.stringify(body));
    t.is(body.ok, false);
    t.is(body.error.code, code);
    t.is(body.error.path, path, JSON.stringify(body));
  };

  test(name('clients are there'), async () => {
    ngx = await Nginx.start({ workers, app });
    ann = await person('ann');
    bob = await person('bob', { transport: 'polling' });
    ann2 = await person('ann', { transport: 'upgrade' });
    news = await connect(ngx, { nsp: '/news' });
    for (const room of ['a', 'b', 'c/d e', 'f\u00fcr alle']) {
      await join(ann, room);
      await join(bob, room);
    }
    await join(ann2, 'b');
    await join(ann2, 'z');
    await join(news, 'n');
    await until(() => ann2.io.engine.transport.name === 'websocket',
      { what: 'the upgrade' });
  });

  test(name('rooms are listed with their sockets'), async (t) => {
    t.deepIs((await get(ngx, 'rooms')).body, { ok: true, rooms: [
      { room: 'a', sockets: 2 }, { room: 'b', sockets: 3 },
      { room: 'c/d e', sockets: 2 }, { room: 'f\u00fcr alle', sockets: 2 },
      { room: 'z', sockets: 1 }], next: null });
    t.deepIs((await get(ngx, 'rooms?namespace=/news')).body,
      { ok: true, rooms: [{ room: 'n', sockets: 1 }], next: null });
    t.deepIs((await get(ngx, 'rooms?namespace=%2froom-7')).body.rooms, []);
  });

  test(name('rooms come in pages'), async (t) => {
    const all = (await get(ngx, 'rooms')).body.rooms;
    for (const limit of [1, 2, 4, 5, 1000]) {
      t.deepIs(await pages(ngx, 'rooms', 'rooms', limit), all);
    }
    t.is((await get(ngx, 'rooms?limit=2')).body.next, 'b');
  });

  test(name('a prefix chooses rooms, also those of users'), async (t) => {
    t.deepIs((await get(ngx, 'rooms?prefix=c%2Fd+')).body.rooms,
      [{ room: 'c/d e', sockets: 2 }]);
    t.deepIs((await get(ngx, 'rooms?prefix=user:')).body.rooms,
      [{ room: 'user:ann', sockets: 2 }, { room: 'user:bob', sockets: 1 }]);
    t.deepIs((await get(ngx, 'rooms?prefix=user')).body.rooms, []);
  });

  test(name('a room has sockets, users, members'), async (t) => {
    const members = [[ann, 'ann'], [bob, 'bob'], [ann2, 'ann']]
      .map(([{ id }, user]) => ({ socket: id, user }))
      .sort((x, y) => (x.socket < y.socket ? -1 : 1));
    t.deepIs((await get(ngx, 'rooms/b')).body, { ok: true, room: 'b',
      sockets: 3, users: 2, members, next: null });
    t.deepIs(await pages(ngx, 'rooms/b', 'members', 1), members);
    t.deepIs((await get(ngx, 'rooms/nobody')).body, { ok: true,
      room: 'nobody', sockets: 0, users: 0, members: [], next: null });
    t.deepIs((await get(ngx, 'rooms/n?namespace=/news')).body, { ok: true,
      room: 'n', sockets: 1, users: 0,
      members: [{ socket: news.id, user: null }], next: null });
  });

  test(name('names in a path are decoded once'), async (t) => {
    for (const room of ['c/d e', 'f\u00fcr alle', 'user:ann', 'a']) {
      const { body } = await get(ngx, `rooms/${enc(room)}`);
      t.is(body.room, room);
      t.is(body.sockets, 2, room);
    }
    await join(ann, '100%/?#&');
    t.is((await get(ngx, `rooms/${enc('100%/?#&')}`)).body.sockets, 1);
    t.is((await get(ngx, 'rooms/%2561')).body.room, '%61');
    t.is((await get(ngx, 'rooms/x+y')).body.room, 'x+y');
    t.is((await get(ngx, 'rooms/emit')).body.room, 'emit');
    t.is((await get(ngx, 'v7/rooms/rooms')).body.room, 'rooms');
    t.is((await get(ngx, `rooms/${ann.id}`)).body.sockets, 1);
  });

  test(name('paths with steps are no names'), async (t) => {
    for (const path of ['rooms/..%2Fx', 'rooms/%2e%2e', 'rooms/a%2F.%2Fb',
      'rooms/', 'rooms/x/y', 'room/x', 'users', 'users/', 'sockets',
      'rooms/..%2Femit']) {
      // as it is, which a client's library would change

      const socket = net.connect(ngx.port, '127.0.0.1');
      const answer = new Promise((done, fail) => {
        let text = '';
        socket.on('data', (part) => { text += part; }).on('error', fail)
          .on('end', () => done(text));
      });
      socket.write(`GET /api/${path} HTTP/1.0\r\n\r\n`);
      t.match(await answer, /^HTTP\/1.1 404 [^]*not_found/, path);
    }
  });

  test(name('a user has sockets in all namespaces'), async (t) => {
    const elsewhere = await connect(ngx, { nsp: '/room-9',
      auth: { name: 'ann' } });
    const { body } = await get(ngx, 'users/ann');
    t.is(body.ok, true);
    t.is(body.user, 'ann');
    t.is(body.online, true);
    t.deepIs(body.sockets.map(({ id }) => id),
      [ann.id, ann2.id, elsewhere.id].sort());
    const its = body.sockets.find(({ id }) => id === ann2.id);
    t.deepIs({ ...its, rooms: its.rooms.sort() }, { id: ann2.id,
      namespace: '/', transport: 'websocket', rooms: ['b', 'z'] });
    t.deepIs((await get(ngx, 'users/ann?namespace=/room-9')).body.sockets,
      [{ id: elsewhere.id, namespace: '/room-9', transport: 'websocket',
        rooms: [] }]);
    t.deepIs((await pages(ngx, 'users/ann', 'sockets', 1)).map(({ id }) => id),
      [ann.id, ann2.id, elsewhere.id].sort());
    elsewhere.disconnect();
    const nobody = (await get(ngx, 'users/nobody')).body;
    t.is(nobody.online, false);
    t.deepIs(nobody.sockets, []);
  });

  test(name('a socket is found by its id'), async (t) => {
    const { body } = await get(ngx, `sockets/${bob.id}`);
    t.deepIs({ ...body, rooms: body.rooms.sort() }, { ok: true, id: bob.id,
      namespace: '/', transport: 'polling', user: 'bob',
      rooms: ['a', 'b', 'c/d e', 'f\u00fcr alle'] });
    t.is((await get(ngx, `sockets/${news.id}`)).body.user, null);
    t.is((await get(ngx, `sockets/${news.id}?namespace=/news`)).status, 200);
    await refused(t, get(ngx, `sockets/${news.id}?namespace=/`), 404,
      'not_found', 'socket');
    await refused(t, get(ngx, 'sockets/none'), 404, 'not_found', 'socket');
  });

  test(name('HEAD is GET without a body'), async (t) => {
    const answer = await ngx.get('/api/rooms', { method: 'HEAD' });
    t.is(answer.status, 200);
    t.is(answer.body, '');
    t.ok(Number(answer.headers['content-length']) > 10);
  });

  test(name('other methods are 405'), async (t) => {
    for (const [method, uri, allow] of [['POST', 'rooms', 'GET, HEAD'],
      ['DELETE', 'users/7', 'GET, HEAD'], ['GET', 'join', 'POST'],
      ['HEAD', 'disconnect', 'POST'], ['PUT', 'rooms/join', 'GET, HEAD']]) {
      const { status, headers } = await ngx.get(`/api/${uri}`, { method });
      t.is(status, 405, uri);
      t.is(headers.allow, allow);
    }
  });

  test(name('a wrong query is 400, an unknown namespace 404'), async (t) => {
    for (const [query, path] of [['rooms?limit=0', 'limit'],
      ['rooms?limit=1001', 'limit'], ['rooms?limit=x', 'limit'],
      ['rooms?limit=', 'limit'], ['rooms?limit', 'limit'],
      ['rooms?limit=1&limit=1', 'limit'], ['rooms?x=1', 'x'],
      ['rooms?LIMIT=1', 'LIMIT'], ['rooms?after=', 'after'],
      ['rooms?after=%01', 'after'], ['rooms?prefix=%ff', 'prefix'],
      [`rooms?prefix=${'x'.repeat(257)}`, 'prefix'],
      ['rooms?namespace=', 'namespace'], ['rooms?namespace=x', 'namespace'],
      ['rooms/x?prefix=y', 'prefix'], ['rooms/%01', 'room'],
      ['rooms/%ff', 'room'], [`rooms/${'x'.repeat(257)}`, 'room'],
      [`users/${'x'.repeat(252)}`, 'user'], ['users/%7f', 'user'],
      [`sockets/${ann.id}?limit=1`, 'limit'], ['sockets/%00%01', undefined],
      [`rooms?${'y'.repeat(3000)}=1`, 'y'.repeat(63)],
      ['rooms?%22%3c%00=1', '"<\u0000']]) {
      const answer = await ngx.get(`/api/${query}`);
      t.is(answer.status, 400, query);
      if (path !== undefined) {
        t.is(answer.json().error.path.replace(/\0.*/, ''),
          path.replace(/\0.*/, ''));
      }
    }
    for (const uri of ['rooms?namespace=/no', 'rooms/x?namespace=/no',
      'users/x?namespace=/room-', `sockets/${ann.id}?namespace=/no`]) {
      await refused(t, get(ngx, uri), 404, 'not_found', 'namespace');
    }
    t.is((await get(ngx, 'rooms?&limit=1&&')).status, 200);
  });

  test(name('join and leave reach sockets everywhere'), async (t) => {
    t.deepIs(await post(ngx, 'join', { user: 'ann', rooms: ['x', 'y'] })
      .then(({ body }) => body), { ok: true, matched: 2 });
    t.deepIs((await post(ngx, 'join', { to: 'z', rooms: 'w' })).body,
      { ok: true, matched: 1 });
    await until(async () => await isIn(ann, 'x') && await isIn(ann2, 'y')
      && await isIn(ann2, 'w'), { what: 'they are in' });
    t.is(await isIn(bob, 'x'), false);
    t.is(await isIn(ann, 'w'), false);
    t.deepIs((await post(ngx, 'join', { socket: [bob.id], rooms: 'x' })).body,
      { ok: true, matched: 1 });
    await until(() => isIn(bob, 'x'), { what: 'bob is in' });
    t.deepIs((await post(ngx, 'leave', { to: 'x', rooms: ['x', 'y'] })).body,
      { ok: true, matched: 3 });
    await until(async () => !await isIn(ann, 'x') && !await isIn(ann2, 'x')
      && !await isIn(bob, 'x') && !await isIn(ann, 'y'),
    { what: 'they are out' });
    t.is((await post(ngx, 'join', { rooms: 'all' })).body.matched, 3);
    await until(async () => (await get(ngx, 'rooms/all')).body.sockets === 3,
      { what: 'all are in' });
    t.is((await post(ngx, 'leave', { rooms: 'all' })).body.ok, true);
    await until(async () => (await get(ngx, 'rooms/all')).body.sockets === 0,
      { what: 'all are out' });
  });

  test(name('an emit behind a join finds the members'), async (t) => {
    for (let n = 0; n < 50; n++) {
      const heard = [ann, bob, ann2].map((socket) => once(socket, 'n'));
      t.is((await post(ngx, 'join', { rooms: `n${n}` })).status, 200);
      t.is((await ngx.emit({ event: 'n', data: n, to: `n${n}` })).status, 200);
      t.is((await post(ngx, 'leave', { rooms: `n${n}` })).status, 200);
      t.deepIs(await Promise.all(heard), [n, n, n]);
    }
  });

  test(name('a batch is checked before it is done'), async (t) => {
    await refused(t, post(ngx, 'join', [{ user: 'ann', rooms: 'p' },
      { user: 'ann', rooms: 'user:p' }]), 400, 'invalid', '[1].rooms');
    await refused(t, post(ngx, 'join', [{ user: 'ann', rooms: 'p' },
      { namespace: '/no', rooms: 'p' }]), 404, 'not_found', '[1].namespace');
    t.deepIs((await post(ngx, 'join', [{ user: 'ann', rooms: 'p' },
      { user: 'bob', rooms: 'q' }])).body, { ok: true, matched: 3,
      results: [{ matched: 2 }, { matched: 1 }] });
    await until(() => isIn(bob, 'q'), { what: 'bob is in q' });
    t.is(await isIn(bob, 'p'), false);
  });

  test(name('wrong operations are 400 with the path'), async (t) => {
    for (const [call, body, path] of [
      ['join', '', undefined], ['join', '{', undefined],
      ['join', 'null', undefined], ['join', {}, 'rooms'],
      ['join', { rooms: [] }, 'rooms'], ['join', { rooms: 'user:7' }, 'rooms'],
      ['join', { rooms: ['a', ann.id] }, 'rooms[1]'],
      ['join', { rooms: 'a\u0001' }, 'rooms'], ['join', { rooms: {} },
        'rooms'],
      ['join', { rooms: 'x', user: null }, 'user'],
      ['join', { rooms: 'x', socket: 'y' }, 'socket'],
      ['join', { rooms: 'x', ttl: '1d' }, 'ttl'],
      ['join', { rooms: 'x', user: 1, ttl: '1y' }, 'ttl'],
      ['join', { rooms: 'x', user: 1, ttl: 0 }, 'ttl'],
      ['join', { rooms: 'x', user: 1, ttl: [] }, 'ttl'],
      ['join', { rooms: 'x', close: true }, 'close'],
      ['join', { rooms: 'x', __proto_: 1 }, '__proto_'],
      ['join', { rooms: Array(1001).fill('x') }, 'rooms'],
      ['leave', { rooms: 'x', ttl: 1 }, 'ttl'], ['leave', { to: 'x' },
        'rooms'],
      ['disconnect', {}, 'to'], ['disconnect', { close: true }, 'to'],
      ['disconnect', { user: 'ann', close: 'yes' }, 'close'],
      ['disconnect', { user: 'ann', rooms: 'x' }, 'rooms'],
      ['disconnect', { namespace: 'x', user: 1 }, 'namespace'],
    ]) {
      await refused(t, post(ngx, call, body), 400, 'invalid', path);
    }
    await refused(t, post(ngx, 'disconnect', { namespace: '/no', user: 1 }),
      404, 'not_found', 'namespace');
    t.is((await post(ngx, 'join', Buffer.from('{"rooms":"\xff"}', 'latin1')))
      .status, 400);
    t.is((await post(ngx, 'join', `{"rooms":${'['.repeat(100000)}`)).status,
      400);
    t.is((await post(ngx, 'join', `{"rooms":"${'x'.repeat(2e6)}"}`)).status,
      413);
    t.ok(ann.connected && bob.connected && ann2.connected);
  });

  test(name('disconnect ends the socket of the namespace'), async (t) => {
    const both = await connect(ngx, { auth: { name: 'dan' },
      transport: 'polling' });
    const other = both.io.socket('/news');
    await until(() => other.connected, { what: 'the other namespace' });
    const left = once(both, 'disconnect');
    t.deepIs((await post(ngx, 'disconnect', { user: 'dan' })).body,
      { ok: true, matched: 1 });
    t.is((await left)[0], 'io server disconnect');
    t.ok(other.connected);
    t.is((await get(ngx, 'users/dan')).body.online, false);
    both.connect();
    await once(both, 'connect');
    const ends = [once(both, 'disconnect'), once(other, 'disconnect')];
    t.deepIs((await post(ngx, 'disconnect', { socket: both.id, close: true }))
      .body, { ok: true, matched: 1 });
    t.deepIs((await Promise.all(ends)).map(([reason]) => reason),
      ['io server disconnect', 'io server disconnect']);
    await countsAre(ngx, { sessions: 4, sockets: 4 });
  });

  test(name('all of a room are disconnected'), async () => {
    await join(ann, 'end');
    await join(bob, 'end');
    await join(ann2, 'end');
    const ends = [ann, bob, ann2].map((s) => once(s, 'disconnect'));
    await post(ngx, 'disconnect', { to: ['end', 'a'], close: true });
    await Promise.all(ends);
    await countsAre(ngx, { sessions: 1, sockets: 1 });
  });
}

suite(1);
suite(4);

// Many rooms and members, over four workers: lists are whole and sorted.

test('many rooms and members in pages', async (t) => {
  const ngx = await Nginx.start({ workers: 4, app });
  const sockets = await Promise.all([...Array(24).keys()].map((n) =>
    connect(ngx, { auth: { name: `u${n % 7}` } })));
  const rooms = {};

  await Promise.all(sockets.map(async (socket, n) => {
    for (let i = 0; i < 40; i++) {
      const room = `r${(n * 17 + i * 5) % 100}`;
      await join(socket, room);
      (rooms[room] ||= new Set()).add(socket.id);
    }
    await join(socket, 'everybody');
  }));

  const expected = Object.keys(rooms).sort().map((room) =>
    ({ room, sockets: rooms[room].size }));

  for (const limit of [7, 50, 100]) {
    t.deepIs(await pages(ngx, 'rooms?prefix=r', 'rooms', limit), expected);
  }

  const { body } = await get(ngx, 'rooms/everybody?limit=5');
  t.is(body.sockets, 24);
  t.is(body.users, 7);
  t.deepIs((await pages(ngx, 'rooms/everybody', 'members', 5))
    .map(({ socket }) => socket), sockets.map(({ id }) => id).sort());
}, { timeout: 60000 });

// A worker that stands still is done without.

test('a silent worker makes the answer partial', async (t) => {
  const site = await Site.start({ workers: 2, path: '/socket.io/', app });
  const { ngx } = site;
  const here = await site.polling(0, { path: '/socket.io/' });
  const there = await site.polling(1, { path: '/socket.io/' });
  for (const [peer, n] of [[here, 0], [there, 1]]) {
    await peer.post('40{"name":"ann"}', n);
    await peer.poll(n);
    await peer.post('42["join",{"room":"x"}]', n);
  }

  const ask = (place) => site.request('/api/rooms/x', { place })
    .then(({ json }) => json());
  await until(async () => (await ask(0)).sockets === 2,
    { what: 'both are in' });

  const still = ngx.workers()[1];
  process.kill(still, 'SIGSTOP');
  const partial = await ask(0);
  process.kill(still, 'SIGCONT');
  t.is(partial.partial, true);
  t.is(partial.sockets, 1);
  t.deepIs(await until(async () => {
    const { sockets, partial: still } = await ask(0);
    return sockets === 2 && !still;
  }, { what: 'it is back' }), true);
}, { timeout: 60000 });

test('a killed worker is not waited for once it is noticed', async (t) => {
  const site = await Site.start({ workers: 2, path: '/socket.io/', app });
  const { ngx } = site;
  const there = await site.polling(1, { path: '/socket.io/' });
  await there.post('40{"name":"ann"}', 1);
  await there.poll(1);
  const ask = () => site.request('/api/users/ann', { place: 0 })
    .then(({ json }) => json());
  await until(async () => (await ask()).online, { what: 'ann is online' });
  const old = ngx.workers();
  ngx.kill(old[1]);
  await until(async () => ngx.workers().length === 2
    && ngx.workers().every((pid) => pid !== old[1]), { what: 'a new worker' });
  await until(async () => {
    const { online, partial } = await ngx.get('/api/users/ann')
      .then(({ json }) => json());
    return !online && !partial;
  }, { what: 'ann is not' });
  t.ok(true);
}, { timeout: 60000 });

test('keys are asked for first, rewrites are followed', async (t) => {
  const ngx = await Nginx.start({ app, files: { 'api.key': 'x'.repeat(20) },
    locations: `
      location /socket.io/ { socketio campus; }
      location /api/       { socketio_api campus;
                             socketio_api_key_file api.key; }
      location /old/       { rewrite ^/old/(.*)$ /open/$1 last; }
      location /open/      { internal; socketio_api campus; }
      location = /status   { socketio_status campus; }
      location = /healthz  { socketio_health campus; }` });
  const key = { authorization: `Bearer ${'x'.repeat(20)}` };

  for (const uri of ['rooms', 'rooms/x', 'users/7', 'nothing', 'join']) {
    t.is((await get(ngx, uri)).status, 401, uri);
  }
  t.is((await get(ngx, 'rooms', { headers: key })).status, 200);
  t.is((await get(ngx, 'join', { method: 'POST', headers: key,
    body: '{"rooms":"x"}' })).status, 200);
  t.is((await ngx.get('/old/rooms/a%20b')).json().room, 'a b');
});
