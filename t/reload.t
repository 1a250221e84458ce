#!/usr/bin/env node
'use strict';

// nginx -s reload while clients emit: those that stay connected, to workers of
// the old generation, notice nothing; new clients and they reach each other.
// SOCKETIO_FULL=1: the full size.

const { test } = require('./lib/tap');
const { Model } = require('./lib/model');
const { countsAre, gone } = require('./lib/status');
const { until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const count = full ? 1000 : 150;
const emits = full ? 1000 : 400;
const patient = { timeout: full ? 600000 : 180000 };

let ngx, model, old;

test('many clients connect and join rooms', async () => {
  ngx = await Model.start();
  model = new Model(ngx, { clients: count, retry: 3 });
  await model.connect();
  await model.join();
}, patient);

test('a reload in the middle is not noticed', async (t) => {
  old = ngx.workers();
  await model.emit(emits, { halfway: () => ngx.reload() });
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(model.losses(), {});
  t.ok(!ngx.workers().some((pid) => old.includes(pid)));
}, patient);

test('new clients and old ones reach each other', async (t) => {
  const added = model.add(count / 5);
  await model.connect(added);
  await model.join(added);
  await until(() => added.every(({ pid }) => pid), { what: 'their workers' });
  t.ok(added.every(({ pid }) => !old.includes(pid)), 'new ones to old workers');
  await countsAre(ngx, { sockets: count + added.length });
  await model.emit(emits);
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(await model.matched(), []);
}, patient);

test('old ones may upgrade, change rooms, and go on', async (t) => {
  await model.each(model.clients.filter(({ raw, kind }) =>
    kind === 'upgrade' && raw), ({ raw }) => raw.upgrade());
  await model.shuffle();
  await model.emit(emits);
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(model.losses(), {});
}, patient);

test('a second reload is not noticed either', async (t) => {
  await model.emit(emits, { halfway: () => ngx.reload() });
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(model.losses(), {});
}, patient);

test('nothing is left, and old workers end, when all are gone', async () => {
  model.close();
  await gone(ngx);
  await until(() => ngx.oldWorkers().length === 0,
    { what: 'old workers end' });
}, patient);
