#!/usr/bin/env node
'use strict';

// Batches: all is checked before anything is sent, and sent in order.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once } = require('./lib/clients');

const app = `
  namespace / {
    authenticate none;
    on join { join $.room; ack null; }
    api strict post { expect $.text string; emit posted to all with $.text; }
  }`;

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  const heard = [];
  let ngx, client;

  // All events up to a last one.

  async function events() {
    const last = once(client, 'last');
    await ngx.emit({ event: 'last' });
    await last;
    return heard.splice(0).filter(([event]) => event !== 'last');
  }

  test(name('a client is there'), async (t) => {
    ngx = await Nginx.start({ workers, app });
    client = await connect(ngx);
    client.onAny((...args) => heard.push(args));
    t.ok(client.connected);
  });

  test(name('each emit has its result, matched is the sum'), async (t) => {
    const { status, body } = await ngx.emit([
      { event: 'a', data: 1 }, { event: 'b', to: 'nobody' },
      { event: 'c', to: client.id, args: [2, 3] }]);
    t.is(status, 200);
    t.deepIs(body, { ok: true, matched: 2, queued: 0, results: [
      { matched: 1, queued: 0 }, { matched: 0, queued: 0 },
      { matched: 1, queued: 0 }] });
    t.deepIs(await events(), [['a', 1], ['c', 2, 3]]);
  });

  test(name('a batch of one is a batch'), async (t) => {
    t.deepIs((await ngx.emit([{ event: 'a' }])).body,
      { ok: true, matched: 1, queued: 0,
        results: [{ matched: 1, queued: 0 }] });
    await events();
  });

  test(name('1000 in order, 1001 are refused'), async (t) => {
    const batch = (n) => Array.from({ length: n },
      (_, i) => ({ event: 'n', data: i }));
    const { status, body } = await ngx.emit(batch(1000));
    t.is(status, 200);
    t.is(body.matched, 1000);
    t.is(body.results.length, 1000);
    t.deepIs((await events()).map(([, n]) => n), [...Array(1000).keys()]);
    t.is((await ngx.emit(batch(1001))).status, 400);
    t.deepIs(await events(), []);
  });

  test(name('an empty batch is refused'), async (t) => {
    t.is((await ngx.emit([])).status, 400);
  });

  test(name('one wrong emit, and nothing is sent'), async (t) => {
    for (const [wrong, status, path] of [
      [{ event: 'e', to: [1.5] }, 400, '[2].to[0]'],
      [{ event: 'e', too: 'x' }, 400, '[2].too'],
      [{ event: 'e', namespace: '/no' }, 404, '[2].namespace'],
      [{ event: 'e', target: 'no' }, 404, '[2].target'],
      [7, 400, '[2]'],
    ]) {
      const answer = await ngx.emit([{ event: 'a' }, { event: 'b' }, wrong]);
      t.is(answer.status, status, path);
      t.is(answer.body.ok, false);
      t.is(answer.body.error.path, path);
    }
    t.deepIs(await events(), []);
  });

  test(name('a rule that refuses one does not stop the others'), async (t) => {
    const { status, body } = await ngx.emit([
      { event: 'a' }, { event: 'post', target: 'strict', data: { text: 1 } },
      { event: 'post', target: 'strict', data: { text: 'x' } }]);
    t.is(status, 400);
    t.is(body.ok, false);
    t.is(body.error.code, 'invalid');
    t.is(body.error.path, '[1]');
    t.is(body.results.length, 3);
    t.is(body.results[0].matched, 1);
    t.is(body.results[1].error.code, 'invalid');
    t.is(body.results[2].matched, 1);
    t.deepIs(await events(), [['a'], ['posted', 'x']]);
  });

  test(name('acks belong to their emit'), async (t) => {
    client.once('one', (done) => done('first'));
    client.once('two', (done) => done('second'));
    const { status, body } = await ngx.emit([
      { event: 'two', ack: 60000 }, { event: 'e' },
      { event: 'one', ack: 60000 },
      { event: 'three', ack: 200 }, { event: 'four', ack: 60000, to: 'no' }]);
    t.is(status, 200);
    t.deepIs(body, { ok: true, matched: 4, queued: 0, results: [
      { acks: [['second']], missing: [] }, { matched: 1, queued: 0 },
      { acks: [['first']], missing: [] },
      { acks: [], missing: [client.id] }, { acks: [], missing: [] }] });
    await events();
  });
}

suite(1);
suite(4);
