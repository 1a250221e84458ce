#!/usr/bin/env node
'use strict';

// Many clients on three hosts of two workers, joined by Redis: random emits
// reach exactly those whom a model names, each once, and those of one sender
// in order; also when a listener is killed or its host reloads meanwhile, if
// nobody speaks in that moment.  SOCKETIO_FULL=1: the full size.
// SOCKETIO_ADAPTER=streams: the same over another wire.

const { test } = require('./lib/tap');
const { Model } = require('./lib/model');
const { Redis } = require('./lib/redis');
const { gone } = require('./lib/status');
const { until } = require('./lib/wait');

const adapter = process.env.SOCKETIO_ADAPTER || 'classic';
const full = Boolean(process.env.SOCKETIO_FULL);
const count = full ? 1000 : 240;
const emits = full ? 1000 : 400;
const patient = { timeout: full ? 900000 : 300000 };

let redis, hosts, model;

const exact = async (t) => {
  await model.settle();
  t.deepIs(model.problems(), []);
  t.is(model.refused, 0);
};

test('many clients connect to three hosts', async () => {
  redis = await Redis.start();
  hosts = [];
  for (let n = 0; n < 3; n++) {
    hosts.push(await Model.start({ workers: 2,
      app: `zone 32m; redis ${redis.address} adapter=${adapter}; `
        + `${Model.app}` }));
  }
  await Promise.all(hosts.map(Redis.joined));
  model = new Model(null, { clients: count, apis: 3, hosts, retry: 3 });
  await model.connect();
  await model.join();
}, patient);

test('each emit reaches whom it must, while some upgrade', async (t) => {
  const halfway = () => model.each(
    model.clients.filter(({ kind }) => kind === 'upgrade'),
    ({ raw }) => raw.upgrade());

  await model.emit(emits / 2, { halfway });
  await exact(t);
  t.deepIs(model.losses(), {});
}, patient);

test('it is so again when rooms have changed', async (t) => {
  await model.shuffle();
  await model.emit(emits / 2);
  await exact(t);
  t.deepIs(await model.matched(), []);
  t.deepIs(model.losses(), {});
  t.note(`${model.heardCount()} deliveries`);
}, patient);

test('it is so while a host reloads', async (t) => {
  await model.emit(emits / 4, { halfway: () => hosts[1].reload() });
  await Redis.joined(hosts[1]);
  await exact(t);
}, patient);

test('and when a host has got another listener', async (t) => {
  const { workers } = await hosts[2].status();
  const { pid } = workers.find((w) => w.redis.subscribers);

  hosts[2].kill(pid);
  await until(async () => (await hosts[2].status()).workers.some((w) =>
    w.pid !== pid && w.redis.subscribers), { what: 'another one' });
  await Redis.joined(hosts[2]);
  await until(() => Object.keys(model.losses()).length, { what: 'losses' });
  await model.emit(emits / 4);

  // refused is what those said who had lost their worker and did not know

  await model.settle();
  t.deepIs(model.problems(), []);
}, patient);

test('nothing was dropped', async (t) => {
  for (const ngx of hosts) {
    const { redis: far, drops } = (await ngx.status()).total;

    t.is(far.dropped, 0);
    t.is(far.malformed, 0);
    t.is(drops.slow + drops.ring + drops.zone, 0);
  }
});

test('nothing is left when all are gone', async () => {
  model.close();
  await Promise.all(hosts.map((ngx) => gone(ngx)));
}, patient);
