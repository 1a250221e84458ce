#!/usr/bin/env node
'use strict';

// Many clients on four workers, over all transports and from one to the other
// in the middle: random emits reach exactly those whom a model names, each
// once, and those of one sender in order.  SOCKETIO_FULL=1: the full size.

const { test } = require('./lib/tap');
const { Model } = require('./lib/model');
const { gone } = require('./lib/status');

const full = Boolean(process.env.SOCKETIO_FULL);
const count = full ? 1000 : 300;
const emits = full ? 1000 : 600;
const patient = { timeout: full ? 600000 : 180000 };

let ngx, model;

test('many clients connect and join rooms', async () => {
  ngx = await Model.start();
  model = new Model(ngx, { clients: count });
  await model.connect();
  await model.join();
}, patient);

test('each emit reaches whom it must, while some upgrade', async (t) => {
  const halfway = () => model.each(
    model.clients.filter(({ kind }) => kind === 'upgrade'),
    ({ raw }) => raw.upgrade());
  await model.emit(emits / 2, { halfway });
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(model.losses(), {});
  t.is(model.refused, 0);
}, patient);

test('some have moved to another worker, some were forwarded', async (t) => {
  const { total } = await ngx.status();
  t.ok(total.moved_in > 0, JSON.stringify(total));
  t.ok(total.forwarded > 0, JSON.stringify(total));
});

test('the directory counts as the model does', async (t) => {
  t.deepIs(await model.matched(), []);
});

test('it is so again when rooms have changed', async (t) => {
  await model.shuffle();
  await model.emit(emits / 2);
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(await model.matched(), []);
  t.deepIs(model.losses(), {});
  t.is(model.refused, 0);
  t.note(`${model.heardCount()} deliveries`);
}, patient);

test('nothing was dropped', async (t) => {
  const { total } = await ngx.status();
  t.ok(Object.values(total.drops).every((n) => n === 0),
    JSON.stringify(total.drops));
});

test('nothing is left when all are gone', async () => {
  model.close();
  await gone(ngx);
}, patient);
