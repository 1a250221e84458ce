#!/usr/bin/env node
'use strict';

// Hosts whose clocks are minutes apart: what ends after some time does so on
// all of them, and not before.

const { test } = require('./lib/tap');
const { clock } = require('./lib/clock');
const { Redis } = require('./lib/redis');
const { Site } = require('./lib/site');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const ahead = 300;
const patient = { timeout: 120000 };

// The sanitizers' library has to be the first one.

if (/sanitize/.test(process.env.SOCKETIO_BUILD || '')) {
  console.log('1..0 # skip no other library may be loaded');
  process.exit(0);
}

let redis, hosts;

const post = (site, call, message) => site.ngx.get(`/api/${call}`,
  { method: 'POST', body: JSON.stringify(message) });

test('hosts that are ahead and behind', async (t) => {
  redis = await Redis.start();
  hosts = await Promise.all([ahead, 0, -ahead].map((seconds) => Site.start({
    workers: 2, inside: clock(seconds),
    app: `
      redis ${redis.address} heartbeat=500ms;
      zone 16m;
      presence grace=100ms;
      mailbox ttl=60s store=redis;
      namespace / {
        authenticate insecure user=$auth.user;
        on in  { check in $.room; ack null; }
        on now { ack null $now; }
      }` })));
  await Promise.all(hosts.map(({ ngx }) => Redis.joined(ngx)));

  for (const [n, site] of hosts.entries()) {
    const socket = await connect(site.ngx, { auth: { user: 'x' } });
    const [, now] = await ask(socket, 'now');
    const off = Math.round((Date.parse(now) - Date.now()) / 1000);
    t.ok(Math.abs(off - [ahead, 0, -ahead][n]) < 60, `${off} seconds`);
    socket.disconnect();
  }
}, patient);

test('mail of a minute arrives', async (t) => {
  for (const [from, site] of hosts.entries()) {
    for (const [to, other] of hosts.entries()) {
      const user = `u${from}${to}`;
      await post(site, 'emit', { event: 'item', data: user, user,
                                 mailbox: true });
      await until(async () => (await site.ngx.status()).zone.store.outbox
        === 0, { what: 'Redis has it' });
      const socket = await other.sio(0, { auth: { user } });
      t.deepIs(await socket.nextEvent(), ['item', user]);

      // and at once to who is there

      await post(site, 'emit', { event: 'item', data: 2, user,
                                 mailbox: true });
      t.deepIs(await socket.nextEvent(), ['item', 2]);
      socket.close();
    }
  }
}, patient);

test('a grant of a minute holds, and ends, on all', async (t) => {
  for (const [n, site] of hosts.entries()) {
    const user = `g${n}`;
    const sockets = await Promise.all(hosts.map(({ ngx }) =>
      connect(ngx, { auth: { user } })));
    const all = async (is, rooms) => until(async () => {
      const acks = await Promise.all(sockets.map((socket) =>
        ask(socket, 'in', { room: rooms })));
      return acks.every((error) => (error === null) === is);
    }, { what: `${rooms} ${is ? 'is joined' : 'ends'}`, ...patient });

    await post(site, 'join', { user, rooms: 'long', ttl: '60s' });
    await post(site, 'join', { user, rooms: 'short', ttl: '3s' });
    await all(true, 'long');
    await all(false, 'short');

    // taken back on another one

    const leave = await post(hosts[(n + 1) % 3], 'leave',
                             { user, rooms: 'long' });
    t.is(leave.status, 200);
    await all(false, 'long');
    sockets.forEach((socket) => socket.disconnect());
  }
}, patient);

test('presence', async (t) => {
  for (const site of hosts) {
    const socket = await connect(site.ngx, { auth: { user: 'p' } });
    const online = async (is) => until(async () =>
      (await Promise.all(hosts.map(async ({ ngx }) =>
        (await ngx.get('/api/users/p')).json().online === is)))
        .every(Boolean), { what: `online: ${is}`, ...patient });

    await online(true);
    socket.disconnect();
    await online(false);
  }
  t.ok(true);
}, patient);
