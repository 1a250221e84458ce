#!/usr/bin/env node
'use strict';

// The worker that listens stands still, and goes on: another one takes over
// within some seconds, nothing comes twice, and what was said in between comes
// late rather than never.  SOCKETIO_FULL=1: it stands for half a minute.

const { test } = require('./lib/tap');
const { Numbers } = require('./lib/numbers');
const { Redis } = require('./lib/redis');
const { Site } = require('./lib/site');
const { connect } = require('./lib/clients');
const { sleep, until } = require('./lib/wait');

const app = `
  recovery 2m;
  presence grace=100ms;
  mailbox store=redis;
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { join room; }
    on all     { emit got to all except self with $args; }
    on is      { check online $data; ack null; }
    on online  {}
    on offline {}
  }`;
const full = Boolean(process.env.SOCKETIO_FULL);
const workers = 3;
const engine = 'socketio_ping_interval 60s; socketio_ping_timeout 60s;';
const leaders = async (ngx) => (await ngx.status()).workers.filter(
  (worker) => worker.redis.subscribers === 1).map(({ pid }) => pid);

for (const adapter of ['classic', 'sharded', 'streams']) {
  const fact = (name, run) => test(`${adapter}: ${name}`, run);
  let redis, site, b, node, here, there, numbers, pid, pump;

  fact('hosts are joined', async (t) => {
    const params = `adapter=${adapter} heartbeat=400ms`;

    redis = await Redis.start();
    site = await Site.start({ workers, engine,
      app: `redis ${redis.address} ${params}; ${app}` });
    await Redis.joined(site.ngx);
    b = await redis.nginx({ app, params, workers, server: engine });
    await Redis.acquainted([site.ngx, b]);
    node = await redis.node({ adapter });
    node.io.on('connection', () => {});
    here = await connect(b, { auth: { name: 'ben' } });
    there = await Promise.all(Array.from({ length: workers }, (_, place) =>
      connect(site.ngx, { agent: site.agent(place),
                          auth: { name: `u${place}` } })));
    numbers = new Numbers({ nginx: (n) => here.emit('all', 'nginx', n) });
    there.forEach((socket) => numbers.listen(socket));
    await numbers.anew(t, there);
  });

  fact('the one that listens stands still: another one takes over',
    async (t) => {
      [pid] = await leaders(site.ngx);
      const stopped = site.ngx.workers().indexOf(pid);
      const others = there.filter((_, place) => place !== stopped);
      const start = Date.now();

      t.ok(stopped >= 0);
      process.kill(pid, 'SIGSTOP');
      pump = setInterval(() => numbers.send(1), 20);
      await sleep(100);

      const next = numbers.sent.nginx;

      await until(() => others.every(({ got }) => got.nginx.at(-1) > next),
        { what: 'the others hear' });
      t.note(`they hear again after ${Date.now() - start} ms`);
      t.match(site.ngx.log(), /process \d+, stands still/);
    });

  fact('mail of another host comes, and who is online is known', async (t) => {
    const other = there.find((_, place) =>
      site.ngx.workers()[place] !== pid);
    const mail = new Promise((done) => other.once('mail', done));
    const zoe = await connect(b, { auth: { name: 'zoe' } });

    await b.emit({ event: 'mail', user: other.auth.name, mailbox: true,
                   data: 7 });
    t.is((await mail)?.data ?? await mail, 7);
    await until(() => new Promise((done) => other.emit('is', 'zoe',
      (error) => done(error === null))), { what: 'zoe is online' });
    zoe.disconnect();
  });

  fact('a Node server that asks all hosts has an answer', async (t) => {
    await sleep(1000);
    const sockets = await node.io.fetchSockets();

    t.ok(sockets.length >= workers, `${sockets.length} sockets`);
  });

  fact('it goes on: nothing is lost, nothing comes twice', async (t) => {
    await sleep(full ? 25000 : 0);
    process.kill(pid, 'SIGCONT');
    await until(() => /this worker stood still, and goes on/
      .test(site.ngx.log()));
    await until(async () => (await leaders(site.ngx)).length === 1);
    await sleep(300);
    clearInterval(pump);
    numbers.send(1);

    const last = numbers.sent.nginx - 1;

    for (const { got } of there) {
      await until(() => got.nginx.includes(last), { what: 'the last one' });

      const all = got.nginx.filter((n) => n >= got.nginx[0]);

      t.is(new Set(all).size, all.length, 'nothing twice');
      t.is(all.length, last - all[0] + 1, 'nothing is lost');
    }
    if (adapter === 'streams') {
      await numbers.exact(t, there);
    }
    t.is((await leaders(site.ngx)).length, 1);
    await Redis.joined(site.ngx);
    await Redis.acquainted([site.ngx, b]);
  });

  fact('all is as before', async (t) => {
    await numbers.anew(t, there);
    await until(async () => (await site.ngx.status()).zone.store.outbox === 0);
    [here, ...there].forEach((socket) => socket.disconnect());
    await site.ngx.stop();
    await b.stop();
  });
}
