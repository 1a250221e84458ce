#!/usr/bin/env node
'use strict';

// The harness itself: an nginx comes up with our module and goes away, and
// stock clients are there.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { until } = require('./lib/wait');
require('./lib/clients');

let ngx;

test('nginx starts with the module and two workers', async (t) => {
  ngx = await Nginx.start({ workers: 2 });
  t.is(ngx.workers().length, 2);
});

test('a reload replaces the workers', async (t) => {
  const old = ngx.workers();
  await ngx.reload();
  t.ok(!ngx.workers().some((pid) => old.includes(pid)));
});

test('a killed worker is replaced', async (t) => {
  const [pid] = ngx.workers();
  ngx.kill(pid);
  await until(() => !ngx.workers().includes(pid) && ngx.workers().length === 2,
    { what: 'two workers again' });
});

test('health answers', async (t) => {
  t.is((await ngx.get('/healthz')).status, 200);
});

test('status is JSON', async (t) => {
  t.is(typeof await ngx.status(), 'object');
});

test('a configuration is checked', (t) => {
  const { ok, output } = Nginx.check({ app: 'nonsense;' });
  t.ok(!ok);
  t.match(output, /\[emerg\].*"?nonsense"?.* in .*nginx\.conf:\d+/);
});
