#!/usr/bin/env node
'use strict';

// limit: buckets that all workers count together, that survive a reload and a
// worker, and that make room for each other in a full store.  The rates are
// so low that a slow machine sees no bucket leak, or so high that it does not
// have to wait for it.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const app = `
  zone 4m;
  namespace / {
    authenticate insecure user=$auth.user;
    on worker  { ack $pid; }
    on slow    { limit 1r/m burst=4; ack null; }
    on other   { limit 1r/m burst=4; ack null; }
    on keyed   { limit 1r/m burst=2 key=$.k; ack null; }
    on single  { limit 1r/m; ack null; }
    on fast    { limit 50r/s; ack null; }
    on relay   { limit 1r/m key=$.k; relay to "user:$.to"; }
    on twice   { limit 1r/m burst=9 key=$.k; limit 1r/m burst=1; ack null; }
    on object  { limit 1r/m key=$.k; ack null; }
  }
  namespace /second {
    authenticate insecure user=$auth.user;
    on slow    { limit 1r/m burst=4; ack null; }
  }
  namespace /open {
    authenticate none;
    on slow    { limit 1r/m burst=4; ack null; }
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_max_packets 1000; }
  location = /status   { socketio_status campus; }`;

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx;

  const client = (user, options) =>
    connect(ngx, { auth: { user }, ...options });

  // One client in each worker, all of them the same user's.

  async function everywhere(user) {
    const found = new Map();
    await until(async () => {
      const socket = await client(user);
      const pid = await ask(socket, 'worker');
      found.has(pid) ? socket.disconnect() : found.set(pid, socket);
      return found.size === workers;
    }, { what: 'a client in each worker' });
    return [...found.values()];
  }

  // How many of n events of these sockets, in turn, were let through.

  async function passed(sockets, n, event, ...args) {
    const acks = await Promise.all(Array.from({ length: n }, (_, i) =>
      ask(sockets[i % sockets.length], event, ...args)));
    return acks.filter((ack) => ack === null).length;
  }

  test(name('a burst passes, what is above is refused'), async (t) => {
    ngx = await Nginx.start({ workers, app, locations });
    const ann = await client('ann');
    t.is(await passed([ann], 5, 'slow'), 5);
    const { code, message } = await ask(ann, 'slow');
    t.is(code, 'rate_limited');
    t.ok(message);
    t.is(await passed([ann], 20, 'slow'), 0);
    t.is(await passed([ann], 9, 'other'), 5, 'another rule');
    t.is(await passed([ann], 3, 'single'), 1, 'without a burst');
    t.ok((await ngx.status()).total.drops.refused >= 21);
  });

  test(name('each user has one bucket, whatever he opens'), async (t) => {
    t.is(await passed([await client('ann')], 5, 'slow'), 0);
    t.is(await passed([await client('bob')], 9, 'slow'), 5);
    t.is(await passed([await client('ann', { nsp: '/second' })], 9, 'slow'),
      5, 'in each namespace');
    const [c, d] = [await client('', { nsp: '/open' }),
      await client('', { nsp: '/open' })];
    t.is(await passed([c], 9, 'slow'), 5, 'without a user: a socket');
    t.is(await passed([d], 9, 'slow'), 5);
  });

  test(name('all workers count together'), async (t) => {
    const sockets = await everywhere('eve');
    t.is(await passed(sockets, 40, 'slow'), 5);
    t.is(await passed(sockets, 40, 'keyed', { k: 'one' }), 3);
    t.is(await passed(sockets, 40, 'keyed', { k: 'two' }), 3);
    t.is(await passed([await client('fay')], 10, 'keyed', { k: 'one' }), 0,
      'a key is nobody\'s');
    t.is(await passed(sockets, 40, 'twice', { k: 'x' }), 2,
      'of two limits the lower one');
  });

  test(name('a key of a wrong type is refused'), async (t) => {
    const ann = await client('ann');
    for (const k of [{}, [], null, true]) {
      t.is((await ask(ann, 'object', { k })).code, 'invalid', String(k));
    }
    t.is((await ask(ann, 'object')).code, 'invalid');
    t.is(await ask(ann, 'object', { k: 7 }), null);
    t.is((await ask(ann, 'object', { k: '7' })).code, 'rate_limited');
  });

  test(name('what is refused is not relayed'), async (t) => {
    const [gus, hal] = [await client('gus'), await client('hal')];
    const heard = [];
    hal.on('relay', ({ n }) => heard.push(n));
    for (let n = 0; n < 5; n++) {
      await ask(gus, 'relay', { to: 'hal', k: 'a', n });
    }
    await ask(gus, 'relay', { to: 'hal', k: 'b', n: 'last' });
    await until(() => heard.includes('last'), { what: 'the last one' });
    t.deepIs(heard, [0, 'last']);
  });

  test(name('a bucket leaks'), async (t) => {
    const ida = await client('ida');
    for (let n = 0; n < 3; n++) {
      await until(async () => await ask(ida, 'fast') === null,
        { what: 'room in the bucket' });
    }
    const acks = await Promise.all(Array.from({ length: 100 }, () =>
      ask(ida, 'fast')));
    t.ok(acks.some((ack) => ack?.code === 'rate_limited'),
      'a hundred at once are too many');
    await until(async () => await ask(ida, 'fast') === null,
      { what: 'room in the bucket' });
  });

  test(name('it survives a reload'), async (t) => {
    await ngx.reload();
    t.is(await passed([await client('eve')], 10, 'slow'), 0);
    t.is(await passed([await client('jo')], 10, 'slow'), 5);
  });

  test(name('and workers that are killed'), async (t) => {
    const before = ngx.workers();
    before.forEach((pid) => ngx.kill(pid));
    await until(() => ngx.workers().length === workers
                && !ngx.workers().some((pid) => before.includes(pid)),
    { what: 'new workers' });
    const kim = await client('kim');
    t.is(await passed([await client('eve')], 10, 'slow'), 0);
    t.is(await passed([kim], 10, 'slow'), 5);
  });

  test(name('counters make room for each other'), async (t) => {
    const { zone: { store } } = await ngx.status();
    const lea = await client('lea');
    const count = store.blocks + 500;
    let n = 0;
    await Promise.all(Array.from({ length: 100 }, async () => {
      while (n < count) {
        const k = `full-${n++}`;
        if (await ask(lea, 'keyed', { k }) !== null) {
          throw new Error(`${k} was refused`);
        }
      }
    }));
    const { zone } = await ngx.status();
    t.ok(zone.store.blocks_used > zone.store.blocks * 0.99,
      `${zone.store.blocks_used} of ${zone.store.blocks} are used`);
    t.is(zone.store.limit, zone.store.blocks_used);
    t.is(zone.full, 0);
    t.is(await passed([lea], 5, 'keyed', { k: 'full-last' }), 3);
  }, { timeout: 120000 });
}
