#!/usr/bin/env node
'use strict';

// Granted rooms over hosts: granted on one, they hold on all, also on those
// that were away or start later; until they end or are taken back anywhere.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const patient = { timeout: 120000 };
const params = 'heartbeat=500ms';
const app = `namespace / {
  authenticate insecure user=$auth.name;
  on in { check in $.room; ack null; }
}`;

const isIn = async (socket, room) => await ask(socket, 'in', { room }) === null;

// A new socket of a user: is it in the room?

async function joins(ngx, user, room) {
  const socket = await connect(ngx, { auth: { name: user } });
  const is = await isIn(socket, room);

  socket.disconnect();

  return is;
}

async function post(t, ngx, call, message) {
  const { status, json } = await ngx.get(`/api/${call}`, { method: 'POST',
    body: JSON.stringify(message) });

  t.is(status, 200, JSON.stringify(json()));
}

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let redis, a, b, ann;

  const everywhere = (hosts, user, room, is = true) => until(async () =>
    (await Promise.all(hosts.map((ngx) => joins(ngx, user, room))))
      .every((it) => it === is),
  { what: `${user} is ${is ? '' : 'not '}in ${room} on all hosts` });

  test(name('two hosts know each other'), async () => {
    redis = await Redis.start();
    a = await redis.nginx({ workers, app, params });
    b = await redis.nginx({ workers, app, params });
    await Redis.acquainted([a, b]);
    ann = await connect(b, { auth: { name: 'ann' } });
  }, patient);

  test(name('a grant holds for sockets of both hosts, now and later'),
    async (t) => {
      await post(t, a, 'join', { user: 'ann', rooms: ['g1', 'g2'],
        ttl: '1h' });
      await until(() => isIn(ann, 'g1'), { what: 'ann joins' });
      await everywhere([a, b], 'ann', 'g2');
      t.is(await joins(b, 'bob', 'g1'), false);
      await post(t, b, 'join', { user: 'cleo', rooms: 'g3', ttl: '1h' });
      await everywhere([a, b], 'cleo', 'g3');
    }, patient);

  test(name('any host takes it back'), async (t) => {
    await post(t, b, 'leave', { user: 'ann', rooms: 'g1' });
    await everywhere([a, b], 'ann', 'g1', false);
    await until(async () => !await isIn(ann, 'g1'), { what: 'ann leaves' });
    await everywhere([a, b], 'ann', 'g2');
  }, patient);

  test(name('the last word counts'), async (t) => {
    for (const ngx of [a, b, a, b]) {
      await post(t, ngx, 'join', { user: 'dan', rooms: 'g4', ttl: '1h' });
      await everywhere([a, b], 'dan', 'g4');
      await post(t, ngx, 'leave', { user: 'dan', rooms: 'g4' });
      await everywhere([a, b], 'dan', 'g4', false);
    }
  }, patient);

  test(name('it ends on both'), async (t) => {
    await post(t, a, 'join', { user: 'ann', rooms: 'brief', ttl: 2 });
    await until(() => isIn(ann, 'brief'), { what: 'ann joins' });
    await until(async () => !await isIn(ann, 'brief'), { what: 'it ends' });
    await everywhere([a, b], 'ann', 'brief', false);
  }, patient);

  test(name('"local" keeps it on its host'), async (t) => {
    await post(t, a, 'join', { user: 'eve', rooms: 'near', ttl: '1h',
      local: true });
    await post(t, a, 'join', { user: 'eve', rooms: 'far', ttl: '1h' });
    await everywhere([a, b], 'eve', 'far');
    t.is(await joins(a, 'eve', 'near'), true);
    t.is(await joins(b, 'eve', 'near'), false);
  }, patient);

  test(name('a host that starts gets what there is'), async (t) => {
    const c = await redis.nginx({ workers, app, params });
    await everywhere([c], 'cleo', 'g3');
    await everywhere([c], 'ann', 'g2');
    t.is(await joins(c, 'ann', 'g1'), false);
    t.is(await joins(c, 'eve', 'near'), false);
    await post(t, c, 'join', { user: 'fay', rooms: 'g5', ttl: '1h' });
    await everywhere([a, b, c], 'fay', 'g5');
    await c.crash();
    await everywhere([a, b], 'fay', 'g5');
  }, patient);

  test(name('what was granted and taken back while Redis was away'),
    async (t) => {
      await redis.kill();
      await post(t, a, 'join', { user: 'ann', rooms: 'g6', ttl: '1h' });
      await post(t, b, 'leave', { user: 'ann', rooms: 'g2' });
      await everywhere([a], 'ann', 'g6');
      await everywhere([b], 'ann', 'g2', false);
      await redis.run();
      await everywhere([a, b], 'ann', 'g6');
      await everywhere([a, b], 'ann', 'g2', false);
      await until(() => isIn(ann, 'g6'), { what: 'ann joins' });
      t.is(await isIn(ann, 'g2'), false);
    }, patient);

  test(name('a host of which Redis lost the words is told by the other'),
    async (t) => {
      const client = await redis.client();

      // whoever listens for a host is cut off while the other grants

      await Redis.acquainted([a, b]);
      for (let n = 0; n < 3; n++) {
        await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
        await post(t, a, 'join', { user: 'gus', rooms: `cut${n}`,
          ttl: '1h' });
        await everywhere([a, b], 'gus', `cut${n}`);
      }
    }, patient);
}

suite(1);
suite(4);
