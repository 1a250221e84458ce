#!/usr/bin/env node
'use strict';

// A worker is killed -9 while clients emit: those of other workers notice
// nothing, those of the killed one come back and go on, and the directory
// counts right again.  SOCKETIO_FULL=1: the full size.

const { test } = require('./lib/tap');
const { Model } = require('./lib/model');
const { countsAre, gone } = require('./lib/status');
const { until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const count = full ? 1000 : 200;
const emits = full ? 1000 : 400;
const patient = { timeout: full ? 600000 : 180000 };

let ngx, model, killed, others;

test('many clients connect and join rooms', async () => {
  ngx = await Model.start();
  model = new Model(ngx, { clients: count });
  await model.connect();
  await model.join();
  await until(() => model.clients.every(({ pid }) => pid),
    { what: 'all know their worker' });
}, patient);

test('a worker is killed in the middle', async (t) => {
  killed = model.pick(ngx.workers());
  const halfway = () => ngx.kill(killed);
  const ws = model.clients.filter(({ kind }) => kind === 'websocket');
  await model.emit(emits, { halfway });
  await until(() => ws.every(({ up, pid }) => up !== (pid === killed)),
    { what: 'its clients notice, and no other' });
  others = model.up();
  t.note(`${count - others.length} of ${count} lost their connection`);
}, patient);

test('clients of other workers have heard all, once, in order',
  async (t) => {
    await model.settle();
    t.deepIs(model.problems(), []);
    t.ok(others.every(({ up }) => up), 'another lost its connection later');
  }, patient);

test('its clients come back and go on', async () => {
  await until(() => ngx.workers().length === 4
              && !ngx.workers().includes(killed), { what: 'four workers' });
  await model.again(model.clients.filter(({ up }) => !up));
}, patient);

test('the directory counts right again', async (t) => {
  await countsAre(ngx, { sockets: count, sessions: count },
    { timeout: 80000 });
  t.deepIs(await model.matched(), []);
}, patient);

test('all hear what they must again', async (t) => {
  await model.emit(emits);
  await model.settle();
  t.deepIs(model.problems(), []);
  t.deepIs(model.losses(), {});
  t.is(model.up().length, count);
}, patient);

test('nothing is left when all are gone', async () => {
  model.close();
  await gone(ngx);
}, patient);
