#!/usr/bin/env node
'use strict';

// Two apps in one nginx, on two hosts, by one Redis: each with its own prefix,
// application and key.  Users, rooms and namespaces have the same names, and
// nothing of one is heard in the other.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { Nginx } = require('./lib/nginx');
const { Application } = require('./lib/application');
const { connect, ask, once } = require('./lib/clients');
const { until } = require('./lib/wait');

const patient = { timeout: 120000 };
const names = ['campus', 'shop'];
const keys = { campus: 'the key of the campus', shop: 'the key of the shop' };
const paths = { campus: '/socket.io/', shop: '/shop.io/' };

const inside = (name, redis) => `
  redis ${redis.address} prefix=${name} heartbeat=500ms;
  zone 16m;
  presence grace=100ms;
  mailbox store=redis;
  recovery 1m;
  webhook_key_file ${name}.key;
  namespace / {
    authenticate insecure user=$auth.user;
    on online  { emit online to lobby with $user; }
    on connect { join lobby; }
    on say     { emit said to lobby with $data; ack null; }
    on ask     { forward /${name}/event; }
    on later   { forward /${name}/later async; ack null; }
    on in      { check in $.room; ack null; }
  }`;

let redis, apps, hosts;

const start = () => Nginx.start({
  workers: 2,
  app: inside('campus', redis),
  http: `socketio_app shop { ${inside('shop', redis)} }`,
  files: { 'campus.key': keys.campus, 'shop.key': keys.shop },
  locations: names.map((name) => `
    location ${paths[name]}   { socketio ${name}; }
    location /api/${name}/    { socketio_api ${name};
                                allow 127.0.0.1; deny all; }
    location = /status/${name} { socketio_status ${name}; }
    location /${name}/        { internal;
      proxy_pass http://127.0.0.1:${apps[name].port}; }`).join('')
    + 'location = /status { socketio_status campus; }'
    + 'location = /healthz { socketio_health campus; }',
});

const client = (at, name, user) => connect(hosts[at],
  { path: paths[name], auth: { user } });

const post = async (at, name, call, message) => (await hosts[at].get(
  `/api/${name}/${call}`, { method: 'POST', body: JSON.stringify(message) }))
  .json();

const get = async (at, name, call) =>
  (await hosts[at].get(`/api/${name}/${call}`)).json();

const status = async (at, name) =>
  (await hosts[at].get(`/status/${name}`)).json();

test('two hosts with two apps', async (t) => {
  redis = await Redis.start();
  apps = {};
  for (const name of names) {
    apps[name] = await Application.start({ key: keys[name],
      handle: (body) => ({ ack: [null, name, body.user] }) });
  }
  hosts = await Promise.all([start(), start()]);
  for (const name of names) {
    await until(async () => (await Promise.all([0, 1].map((at) =>
      status(at, name)))).every(({ total, hosts: { ready, peers } }) =>
      total.redis.subscribers === 1 && ready
      && peers.filter(({ synced }) => synced).length === 2),
      { what: `${name} is joined`, ...patient });
  }
  t.ok(true);
}, patient);

test('events, calls and presence are of one app', async (t) => {
  const sockets = {};
  const heard = {};

  for (const name of names) {
    sockets[name] = [await client(0, name, 'ann'), await client(1, name,
      'bob')];
    heard[name] = [];
    sockets[name].forEach((socket) => socket.onAny((event, ...args) =>
      event === 'online' || heard[name].push([event, args[0]])));
  }

  for (const name of names) {
    t.is(await ask(sockets[name][0], 'say', `${name} 1`), null);
    t.is(await ask(sockets[name][1], 'say', `${name} 2`), null);
    await post(0, name, 'emit', { event: 'api', to: 'lobby', data: name });
  }
  for (const name of names) {
    await until(() => heard[name].length === 6, { what: 'all is heard' });
    t.ok(heard[name].every(([, text]) => text.startsWith(name)));
  }

  for (const name of names) {
    for (const socket of sockets[name]) {
      const [, app, user] = await ask(socket, 'ask');
      t.ok(app === name && ['ann', 'bob'].includes(user));
      t.is(await ask(socket, 'later'), null);
    }
    await until(() => apps[name].calls.length === 4, { what: 'all calls' });
    t.ok(apps[name].calls.every(({ signed }) => signed), 'by its own key');
  }

  sockets.shop.forEach((socket) => socket.disconnect());
  await until(async () => !(await get(0, 'shop', 'users/bob')).online,
    { what: 'bob is gone from the shop' });
  t.is((await get(0, 'campus', 'users/bob')).online, true);
  sockets.campus.forEach((socket) => socket.disconnect());
}, patient);

test('so are grants, mail and what is taken back', async (t) => {
  await post(0, 'campus', 'join', { user: 'cid', rooms: 'vip', ttl: '1h' });
  for (const name of names) {
    t.is((await post(0, name, 'emit', { event: 'item', user: 'cid',
      data: name, mailbox: 'k' })).queued, 1);
    await until(async () => (await status(0, name)).zone.store.outbox === 0,
      { what: 'Redis has it' });
  }

  for (const name of names) {
    await until(async () => {
      const socket = await client(1, name, 'cid');
      const error = await ask(socket, 'in', { room: 'vip' });
      socket.disconnect();
      return (error === null) === (name === 'campus');
    }, { what: 'the room is the campus\'' });
  }

  const [campus, shop] = [await client(1, 'campus', 'cid'), await client(1,
    'shop', 'cid')];
  const over = once(shop, 'disconnect');

  await post(0, 'shop', 'disconnect', { user: 'cid' });
  await over;
  t.deepIs(await ask(campus, 'in', { room: 'vip' }), null, 'the other stays');
  campus.disconnect();
}, patient);

test('a reload, and Redis lost, harm neither', async (t) => {
  await redis.kill();
  await hosts[0].reload();
  await redis.run();
  for (const name of names) {
    const [ann, bob] = [await client(0, name, 'ann'), await client(1, name,
      'bob')];
    let n = 0;

    bob.on('said', () => { n += 1; });
    await until(async () => {
      await ask(ann, 'say', 1);
      return n > 0;
    }, { what: 'they hear each other again', ...patient });
    ann.disconnect();
    bob.disconnect();
  }
  t.ok(true);
}, patient);
