#!/usr/bin/env node
'use strict';

// socketio_status: what it counts.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');
const { countsAre, gone } = require('./lib/status');
const { until } = require('./lib/wait');

const app = `
  namespace / {
    authenticate none;
    on join { join $.room; ack null; }
    on no { reject forbidden; }
  }
  namespace /news { authenticate none; }
  namespace "~^/dyn-" { authenticate none; }`;

const counters = ['sockets', 'rooms', 'opened', 'closed', 'packets_in',
  'packets_out', 'bytes_in', 'bytes_out', 'events_in', 'delivered',
  'broadcasts', 'emits', 'presence', 'repeated', 'forwarded', 'moved_in',
  'moved_out', 'channel_out', 'channel_in', 'wakeups'];
const drops = ['volatile', 'slow', 'ring', 'zone', 'refused', 'dry_run',
  'mailbox', 'slow_events', 'limit_packets', 'limit_connections',
  'limit_dry_run', 'backlog', 'recovery'];
const webhook = ['calls', 'running', 'waiting', 'refused', 'failed', 'retried',
  'dropped', 'open'];
const redis = ['publishers', 'subscribers', 'lost', 'published', 'received',
  'dropped', 'malformed', 'missed'];
const longest = 'longest_turn_msec';
const own = ['slot', 'pid', 'incarnation', 'generation', 'exiting', 'self'];

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx, a, b, news, dynamic;

  test(name('all workers have a slot'), async (t) => {
    ngx = await Nginx.start({ workers, app, server:
      'location = /metrics { socketio_status campus format=prometheus; }' });
    const status = await until(async () => {
      const now = await ngx.status();
      return now.workers.length === workers && now;
    }, { what: 'all slots' });
    t.is(status.app, 'campus');
    t.deepIs(status.workers.map(({ pid }) => pid).sort((x, y) => x - y),
      ngx.workers());
    const self = status.workers.filter((worker) => worker.self);
    t.is(self.length, 1);
    t.is(self[0].pid, status.pid);
    t.ok(status.workers.every((worker) => worker.exiting === false
      && worker.incarnation > 0));
  });

  test(name('every counter is there, for each and in all'), async (t) => {
    const { total, workers: all } = await ngx.status();
    t.deepIs(Object.keys(total).filter((key) => key !== longest),
      ['sessions', ...counters, 'mailbox', 'recovery', 'drops', 'redis',
       'webhook']);
    t.is(total[longest], Math.max(...all.map((w) => w[longest])));
    for (const worker of all) {
      t.deepIs(Object.keys(worker), [...own, ...Object.keys(total)]);
    }
    for (const { sessions, drops: dropped, redis: far, webhook: calls }
      of [total, ...all]) {
      t.deepIs(Object.keys(far), redis);
      t.deepIs(Object.keys(calls), webhook);
      t.deepIs(Object.keys(sessions), ['all', 'polling', 'websocket']);
      t.deepIs(Object.keys(dropped), drops);
    }
  });

  test(name('sessions by transport, sockets by namespace'), async (t) => {
    a = await connect(ngx);
    b = await connect(ngx, { transport: 'polling' });
    news = a.io.socket('/news');
    await once(news, 'connect');
    dynamic = await connect(ngx, { nsp: '/dyn-1' });
    await countsAre(ngx, { sessions: 3, sockets: 4 });
    const { total, namespaces } = await ngx.status();
    t.deepIs(total.sessions, { all: 3, polling: 1, websocket: 2 });
    t.deepIs(namespaces, { '/': { sockets: 2 }, '/news': { sockets: 1 } });
    t.is(total.opened, 3);
    t.is(total.closed, 0);
  });

  test(name('rooms, events, emits and refusals'), async (t) => {
    const before = (await ngx.status()).total;
    await ask(a, 'join', { room: 'x' });
    await ask(b, 'join', { room: 'x' });
    await ask(b, 'join', { room: 'y' });
    const got = Promise.all([once(a, 'e'), once(b, 'e')]);
    await ngx.emit({ event: 'e', to: 'x' });
    await got;
    await ask(a, 'no');
    const { total } = await ngx.status();
    t.ok(total.rooms - before.rooms >= 2);
    t.is(total.events_in - before.events_in, 4);
    t.is(total.emits - before.emits, 1);
    t.is(total.broadcasts - before.broadcasts, 1);
    t.is(total.drops.refused - before.drops.refused, 1);
    t.ok(total.delivered - before.delivered >= 2);
    for (const field of ['packets_in', 'packets_out', 'bytes_in',
      'bytes_out']) {
      t.ok(total[field] > before[field], field);
    }
  });

  test(name('totals are the sums'), async (t) => {
    const { total, workers: all } = await ngx.status();
    for (const field of counters) {
      t.is(total[field], all.reduce((sum, w) => sum + w[field], 0), field);
    }
    t.is(total.sessions.all, all.reduce((s, w) => s + w.sessions.all, 0));
    t.is(total.sessions.all,
      total.sessions.polling + total.sessions.websocket);
  });

  test(name('the zone'), async (t) => {
    const { zone } = await ngx.status();
    t.deepIs(Object.keys(zone), ['size', 'cells', 'cells_used', 'store',
      'log', 'chunks', 'chunks_used', 'full']);
    t.deepIs(Object.keys(zone.store), ['blocks', 'blocks_used', 'mail',
      'grant', 'presence', 'limit', 'dedup', 'emit', 'outbox',
      'recovery', 'revoked']);
    t.ok(zone.store.blocks > 5000);
    t.ok(zone.size > 7000000 && zone.size <= 8388608);
    t.ok(zone.cells > 1000 && zone.cells_used > 5);
    t.ok(zone.cells_used < zone.cells && zone.chunks_used <= zone.chunks);
    t.is(zone.full, 0);
  });

  test(name('GET and HEAD only, JSON that nobody keeps'), async (t) => {
    const get = await ngx.get('/status');
    t.is(get.headers['content-type'], 'application/json');
    t.is(get.headers['cache-control'], 'no-store');
    t.is(get.headers['x-content-type-options'], 'nosniff');
    const head = await ngx.get('/status', { method: 'HEAD' });
    t.is(head.status, 200);
    t.is(head.body, '');
    t.ok(Number(head.headers['content-length']) > 500);
    const post = await ngx.get('/status', { method: 'POST', body: 'x' });
    t.is(post.status, 405);
    t.is(post.headers.allow, 'GET, HEAD');
  });

  test(name('the same for Prometheus'), async (t) => {
    const { headers, body } = await ngx.get('/metrics');
    const { total, zone, namespaces } = await ngx.status();
    const lines = body.split('\n').filter((line) => line[0] !== '#');
    const value = (metric) => lines.filter((line) =>
      line.startsWith(`${metric} `)).map((line) => line.split(' ')[1]);

    t.is(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    t.deepIs(value('socketio_sockets{app="campus"}'), [`${total.sockets}`]);
    t.deepIs(value('socketio_opened_total{app="campus"}'),
      [`${total.opened}`]);
    t.deepIs(value('socketio_drops_slow_total{app="campus"}'), ['0']);
    t.deepIs(value('socketio_zone_cells{app="campus"}'), [`${zone.cells}`]);
    t.deepIs(value('socketio_namespace_sockets{app="campus",namespace="/"}'),
      [`${namespaces['/'].sockets}`]);

    // each metric once, behind its type; nothing else is a line

    const types = body.split('\n').filter((line) => line[0] === '#');

    t.is(new Set(types).size, types.length);
    t.ok(types.every((line) =>
      /^# TYPE socketio_[a-z_]+ (?:gauge|counter)$/.test(line)));
    t.ok(lines.every((line) => line === ''
      || /^socketio_[a-z_]+\{app="campus"[^}]*\} \d+$/.test(line)));
  });

  test(name('a killed worker\'s slot is taken over'), async (t) => {
    const [pid] = ngx.workers();
    const before = (await ngx.status()).workers
      .find((worker) => worker.pid === pid);
    ngx.kill(pid);
    const after = await until(async () => {
      const { workers: all } = await ngx.status();
      return all.length === workers && !all.some((w) => w.pid === pid)
        && all.find(({ slot }) => slot === before.slot);
    }, { what: 'a successor' });
    t.ok(after.incarnation > before.incarnation);
  });

  test(name('a reload takes nothing off the counters'), async (t) => {
    const before = (await ngx.status()).total;
    t.ok(before.opened >= 3);
    await ngx.reload();
    [a, b, news, dynamic].forEach((socket) => socket.disconnect());
    await until(() => ngx.oldWorkers().length === 0,
      { timeout: 60000, what: 'the old workers are gone' });
    const { total, workers: all } = await ngx.status();
    t.is(all.length, workers);
    t.is(total.opened, before.opened);
    for (const field of ['events_in', 'emits', 'bytes_out', 'closed']) {
      t.ok(total[field] >= before[field], field);
    }
    t.ok(total.drops.refused >= before.drops.refused);
    t.is(total.sessions.all + total.sockets + total.rooms, 0);
    for (const socket of [a, b, news, dynamic]) {
      socket.connect();
      await once(socket, 'connect');
    }
    await ngx.reload();
    t.ok((await ngx.status()).total.opened > before.opened);
  });

  test(name('nothing is left when all are gone'), async (t) => {
    for (const socket of [a, b, news, dynamic]) {
      socket.disconnect();
    }
    const { total } = await ngx.status();
    t.ok(total.opened >= total.closed);
    a.io.engine.close();
    await ngx.reload();
    await gone(ngx);
  });
}

suite(1);
suite(4);

const check = (...words) => Nginx.check({
  locations: `location / { socketio_status ${words.join(' ')}; }` });

test('format=json is accepted', (t) => {
  t.ok(check('campus', 'format=json').ok);
});

test('other parameters are refused', (t) => {
  t.match(check('campus', 'format=xml').output,
    /\[emerg\] .*invalid parameter "format=xml", it is .*nginx\.conf:\d+/);
  t.match(check('campus; socketio_status campus').output, /is duplicate/);
  t.ok(!check('nobody').ok);
});
