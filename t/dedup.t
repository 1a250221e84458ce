#!/usr/bin/env node
'use strict';

// dedup: what a client sends again is acked as the first time and not run
// again, wherever it comes in - and runs again if the first time failed.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { SioRaw } = require('./lib/sio_raw');
const { connect, ask } = require('./lib/clients');
const { until } = require('./lib/wait');

const app = `
  zone 4m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join $user; }
    on worker  { ack $pid; }
    on pay     { dedup $.id; emit paid to ledger with $.id;
                 ack null '{"id": $.id, "by": $socket}'; }
    on plain   { dedup $.id; emit paid to ledger with $.id; }
    on picky   { dedup $.id; expect $.n integer; emit paid to ledger with $.id;
                 ack null $.n; }
    on late    { dedup $.id; ack null $.n; expect $.n integer; }
    on echo    { dedup $.id; ack null $.a; }
    on short   { dedup $.id window=1s; emit paid to ledger with $.id; }
    on both    { dedup $.a; dedup $.b; emit paid to ledger with $.a;
                 ack null $.a; }
    on same    { dedup $.a; dedup $.a; ack null; }
    on join    { join ledger; }
    on key     { limit 1000000r/s key=$.k; }
  }`;

const locations = `
  location /socket.io/ { socketio campus; socketio_max_packets 1000; }
  location = /status   { socketio_status campus; }`;

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx, ledger;
  let paid = [];

  const client = (user, options) =>
    connect(ngx, { auth: { user }, ...options });

  // The ledger hears what runs; a last entry comes after all before it.

  async function open() {
    ledger?.disconnect();
    paid = [];
    ledger = await client('ledger');
    ledger.on('paid', (id) => paid.push(id));
    await ask(ledger, 'join');
  }

  async function runs(id) {
    const mark = `mark-${Math.random()}`;
    await ask(ledger, 'pay', { id: mark });
    await until(() => paid.includes(mark), { what: 'the mark' });
    return paid.filter((other) => other === id).length;
  }

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

  test(name('a repeat is acked as before, and not run'), async (t) => {
    ngx = await Nginx.start({ workers, app, locations });
    await open();
    const ann = await client('ann');
    const first = await ask(ann, 'pay', { id: 1 });
    t.deepIs(first, [null, { id: 1, by: ann.id }]);
    t.deepIs(await ask(ann, 'pay', { id: 1 }), first);
    t.deepIs(await ask(ann, 'pay', { id: '1' }), first);
    t.is(await runs(1), 1);
    t.is((await ngx.status()).zone.store.dedup, 2, 'it, and the mark');
  });

  test(name('another user, another event: another id'), async (t) => {
    const bob = await client('bob');
    t.is((await ask(bob, 'pay', { id: 1 }))[1].by, bob.id);
    t.is(await ask(await client('ann'), 'plain', { id: 1 }), null);
    t.is(await runs(1), 3);
  });

  test(name('without an ack it is silent'), async (t) => {
    const raw = await SioRaw.connect(ngx.port, { auth: { user: 'cyd' } });
    for (let n = 0; n < 3; n++) {
      raw.event('plain', { id: 'raw' });
    }
    raw.event({ id: 5 }, 'plain', { id: 'raw' });
    const { type, id, data } = await raw.next();
    t.deepIs([type, id, data], [3, 5, [null]]);
    t.is(await runs('raw'), 1);
    raw.close();
  });

  test(name('a rule that failed keeps nothing'), async (t) => {
    const dan = await client('dan');
    t.is((await ask(dan, 'picky', { id: 2, n: 'x' })).code, 'invalid');
    t.is((await ask(dan, 'picky', { id: 2 })).code, 'invalid');
    t.deepIs(await ask(dan, 'picky', { id: 2, n: 5 }), [null, 5]);
    t.deepIs(await ask(dan, 'picky', { id: 2, n: 6 }), [null, 5]);
    t.deepIs(await ask(dan, 'picky', { id: 2, n: 'x' }), [null, 5]);
    t.is(await runs(2), 1);
    t.deepIs(await ask(dan, 'late', { id: 2, n: 'x' }), [null, 'x']);
    t.deepIs(await ask(dan, 'late', { id: 2, n: 7 }), [null, 7],
      'also if it had acked');
    t.deepIs(await ask(dan, 'late', { id: 2, n: 8 }), [null, 7]);
  });

  test(name('an id that is none is refused'), async (t) => {
    const dan = await client('dan');
    for (const id of [null, {}, [], true, undefined]) {
      t.is((await ask(dan, 'pay', { id })).code, 'invalid', String(id));
    }
  });

  test(name('what is kept has a bound'), async (t) => {
    const eve = await client('eve');
    const text = (n) => 'ä'.repeat(n / 2 - 4);
    t.deepIs(await ask(eve, 'echo', { id: 1, a: text(4096) }),
      [null, text(4096)]);
    t.deepIs(await ask(eve, 'echo', { id: 1 }), [null, text(4096)]);
    t.deepIs(await ask(eve, 'echo', { id: 2, a: text(4100) }),
      [null, text(4100)]);
    t.is(await ask(eve, 'echo', { id: 2 }), null, 'too long');
    const [, bytes] = await ask(eve, 'echo', { id: 3, a: Buffer.from('x') });
    t.is(String(bytes), 'x');
    t.is(await ask(eve, 'echo', { id: 3 }), null, 'binary');
  });

  test(name('two ids'), async (t) => {
    const fay = await client('fay');
    t.deepIs(await ask(fay, 'both', { a: 1, b: 1 }), [null, 1]);
    t.deepIs(await ask(fay, 'both', { a: 2, b: 1 }), [null, 1], 'the second');
    t.deepIs(await ask(fay, 'both', { a: 1, b: 2 }), [null, 1], 'the first');
    t.deepIs(await ask(fay, 'both', { a: 2, b: 2 }), [null, 1],
      'acked once, known since');
    t.is(await ask(fay, 'same', { a: 1 }), null, 'its own is no repeat');
    t.is(await ask(fay, 'same', { a: 1 }), null);
  });

  test(name('behind the window it runs again'), async (t) => {
    const gus = await client('gus');
    t.is(await ask(gus, 'short', { id: 'w' }), null);
    await until(async () => {
      await ask(gus, 'short', { id: 'w' });
      return paid.filter((id) => id === 'w').length >= 2;
    }, { what: 'a second run' });
  });

  test(name('in all workers, at the same time'), async (t) => {
    const sockets = await everywhere('hal');

    // A repeat is refused while the first is at it in another worker.

    const pay = async (socket, id) => {
      for (;;) {
        const ack = await ask(socket, 'pay', { id });
        if (ack?.code !== 'unavailable') {
          return ack;
        }
      }
    };
    const acks = await Promise.all(Array.from({ length: 200 }, (_, n) =>
      pay(sockets[n % workers], `all-${n % 10}`)));
    const told = new Set(acks.map((ack) => JSON.stringify(ack)));
    t.is(told.size, 10, [...told].join());
    for (let n = 0; n < 10; n++) {
      t.is(await runs(`all-${n}`), 1);
    }
  });

  test(name('after a reload, and after all workers were killed'),
    async (t) => {
      const before = await ask(await client('ivy'), 'pay', { id: 9 });
      await ngx.reload();
      t.deepIs(await ask(await client('ivy'), 'pay', { id: 9 }), before);
      const old = ngx.workers();
      old.forEach((pid) => ngx.kill(pid));
      await until(() => ngx.workers().length === workers
                  && !ngx.workers().some((pid) => old.includes(pid)),
      { what: 'new workers' });
      t.deepIs(await ask(await client('ivy'), 'pay', { id: 9 }), before);
      await open();
      t.deepIs(await ask(await client('ivy'), 'pay', { id: 9 }), before);
      t.is(await runs(9), 0);
    });

  // The stock client sends an event until it is acked, and the next one then.

  test(name('a client that retries while workers are killed'), async (t) => {
    const jo = await client('jo', { reconnection: true, reconnectionDelay: 20,
      reconnectionDelayMax: 100, retries: 1000, ackTimeout: 2000 });
    const count = 400;
    let acked = 0;
    let lost = 0;
    jo.on('disconnect', () => { lost++; });
    for (let n = 0; n < count; n++) {
      jo.emit('pay', { id: `r-${n}` }, (...args) => {
        acked += args.at(-1)?.id === `r-${n}`;
      });
      if (n % 100 === 99 && n < 300) {
        const enough = acked + 10;
        await until(() => acked >= enough && jo.connected,
          { what: 'some acks', every: 1 });
        const before = lost;
        ngx.workers().forEach((pid) => ngx.kill(pid));
        await until(() => lost > before, { what: 'the connection is lost' });
      }
    }
    await until(() => acked === count, { what: 'all acks', timeout: 60000 });

    // Which have run is in the zone: none does again.

    await open();
    const again = await client('jo');
    for (let n = 0; n < count; n++) {
      const [, { id, by }] = await ask(again, 'pay', { id: `r-${n}` });
      t.ok(id === `r-${n}` && by !== again.id, `${id} by ${by}`);
    }
    t.is(await runs('r-0'), 0);
  }, { timeout: 180000 });

  test(name('counters make room for what dedup keeps'), async (t) => {
    const { zone: { store } } = await ngx.status();
    const kim = await client('kim');
    let n = 0;
    await Promise.all(Array.from({ length: 100 }, async () => {
      while (n < store.blocks + 500) {
        await ask(kim, 'key', { k: `k-${n++}` });
      }
    }));
    const first = await ask(kim, 'pay', { id: 'full' });
    t.is(first[0], null);
    t.deepIs(await ask(kim, 'pay', { id: 'full' }), first);
    t.is((await ngx.status()).zone.full, 0);
  }, { timeout: 120000 });
}
