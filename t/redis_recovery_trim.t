#!/usr/bin/env node
'use strict';

// The stream keeps so little that it is trimmed while hosts read it and
// clients come and go: who is recovered has all, once and in order; whoever
// would have a gap is a new client; and what a host could not read is counted.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { open } = require('./lib/clients');
const { sleep, until } = require('./lib/wait');

const app = `
  zone 4m;
  recovery 2m;
  namespace / {
    authenticate none;
    on connect { join lobby; }
  }`;
const params = 'adapter=streams maxlen=200';
const patient = { timeout: 120000 };

let redis, db, hosts, clients;
let said = 0;

// Entries of a Node server, many at a time: a turn of Redis takes more of
// them than the stream keeps.

const entry = (n) => ['XADD', 'socket.io', 'MAXLEN', '~', '200', '*',
  'uid', 'far', 'nsp', '/', 'type', '3', 'data', JSON.stringify({
    packet: { type: 2, data: ['n', n], nsp: '/' },
    opts: { rooms: ['lobby'], except: [], flags: {} } })];

const say = (n) => Promise.all(Array.from({ length: n }, () =>
  db.sendCommand(entry(said++))));

const missed = async () => (await Promise.all(hosts.map((ngx) =>
  ngx.status()))).map(({ total }) => total.redis.missed);

// What a client has since it is one: runs of numbers.

function client(host) {
  const socket = open(host, { reconnection: true, reconnectionDelay: 5,
                              reconnectionDelayMax: 20 });
  const one = { socket, lives: [], recovered: 0 };

  socket.on('connect', () => {
    if (socket.recovered) {
      one.recovered++;
    } else {
      one.lives.push([]);
    }
  });
  socket.on('n', (n) => one.lives.at(-1).push(n));

  return one;
}

function move({ socket }) {
  const { engine } = socket.io;

  if (socket.connected && engine?.transport.ws) {
    socket.io.uri = hosts[Math.floor(Math.random() * hosts.length)].url;
    engine.transport.ws.terminate();
  }
}

const rising = (list) => list.every((n, i) => i === 0 || n > list[i - 1]);

test('two hosts of two workers', async () => {
  redis = await Redis.start();
  db = await redis.client();
  hosts = await Promise.all([1, 2].map(() =>
    redis.nginx({ app, params, workers: 2 })));
  clients = Array.from({ length: 16 }, (_, n) => client(hosts[n % 2]));
  await until(() => clients.every(({ socket }) => socket.connected));
  await until(async () => {
    await say(1);
    return clients.every(({ lives }) => lives.at(-1).length > 3);
  }, { every: 50, what: 'all hear' });
}, patient);

// At a pace that hosts can follow, no number may be missing, in any life.

test('slowly: who is recovered has no gap', async (t) => {
  const before = await missed();
  const end = Date.now() + 4000;

  while (Date.now() < end) {
    await say(5);
    await sleep(10);
    move(clients[Math.floor(Math.random() * clients.length)]);
  }
  await until(() => clients.every(({ socket }) => socket.connected));
  await say(1);
  await until(() => clients.every(({ lives }) =>
    lives.at(-1).at(-1) === said - 1), { what: 'the last one' });
  t.deepIs(await missed(), before, 'hosts have read all');

  for (const { lives } of clients) {
    for (const life of lives) {
      t.deepIs(life, Array.from({ length: life.length },
                                (_, i) => life[0] + i));
    }
  }
  t.note(`${clients.reduce((n, { recovered }) => n + recovered, 0)} times `
    + 'recovered');
  t.ok(clients.some(({ recovered }) => recovered));
}, patient);

test('in floods: what a host misses it counts', async (t) => {
  const before = await missed();
  const start = said;

  clients.forEach((one) => one.lives.push([]));
  for (let i = 0; i < 5; i++) {
    await say(3000);
    await sleep(50);
  }
  await say(1);
  await until(() => clients.every(({ lives }) =>
    lives.at(-1).at(-1) === said - 1), { what: 'the last one' });

  const now = await missed();

  for (const { socket, lives } of clients) {
    const life = lives.at(-1);
    const at = hosts.findIndex(({ url }) => url === socket.io.uri);

    t.ok(rising(life), 'nothing twice, all in order');
    t.is(said - start - life.length, now[at] - before[at],
         'what is not there is counted');
  }
  t.note(`missed: ${now}`);
}, patient);

// Its host has not read what was said before this; the stream has it not.

test('who was away while a host missed something is a new client',
  async (t) => {
    const [one, other] = clients;
    const { socket, lives } = one;
    const before = await missed();
    const { length } = lives;

    socket.io.reconnection(false);
    socket.io.engine.transport.ws.terminate();
    await until(async () => {
      await say(3000);
      return (await missed()).every((n, i) => n > before[i]);
    }, { what: 'both hosts have missed something' });
    await say(1);
    await until(() => other.lives.at(-1).at(-1) === said - 1);
    socket.io.reconnection(true);
    socket.connect();
    await until(() => socket.connected);
    t.is(socket.recovered, false);
    t.is(lives.length, length + 1);
  }, patient);

test('nothing is left', async () => {
  clients.forEach(({ socket }) => socket.disconnect());
  await Promise.all(hosts.map((ngx) => ngx.stop()));
}, patient);
