#!/usr/bin/env node
'use strict';

// Presence over hosts: who is told that a user came or went, once and in
// order, wherever the user's tabs are; also when a worker or a host is killed,
// or Redis is away.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { SioRaw } = require('./lib/sio_raw');
const { connect } = require('./lib/clients');
const { forged, item } = require('./lib/forged');
const { random } = require('./lib/model');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const patient = { timeout: 180000 };

const app = `
  presence grace=200ms;
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { when $auth.observe = true { join observers; } }
    on online  { emit user:presence to observers
                 with '{"user": $user, "status": "online", "n": $online}'; }
    on offline { emit user:presence to observers
                 with '{"user": $user, "status": "offline", "n": $online}'; }
    on is      { check online $.user; ack null; }
    on count   { ack $online; }
  }`;

class Tab {
  static async open(ngx, name, extra = {}) {
    const tab = new this();

    Object.assign(tab, { ngx, name, up: true, acks: new Map(), ids: 0 });
    tab.begin();
    tab.sio = await SioRaw.connect(ngx.port, { auth: { name, ...extra } });
    tab.read();

    return tab;
  }

  begin() {}
  take() {}

  async read() {
    try {
      for (;;) {
        const { type, id, data } = await this.sio.packets.next('a packet',
          0x7fffffff);
        if (type === 3) {
          this.acks.get(id)(data[0]);
          this.acks.delete(id);
        } else {
          this.take(data);
        }
      }
    } catch {
      this.close();
    }
  }

  ask(event, data) {
    const id = this.ids++;

    return new Promise((done) => {
      this.acks.set(id, done);
      this.sio.send(`42${id}${JSON.stringify([event, data])}`);
    });
  }

  close() {
    this.up = false;
    this.sio.close();
  }
}

// Hears of all but observers.

class Observer extends Tab {
  static on(ngx) {
    return this.open(ngx, `observer${ngx.port}`, { observe: true });
  }

  begin() {
    this.is = new Map();
    this.wrong = [];
    this.lines = [];
  }

  take([event, { user, status } = {}]) {
    if (event !== 'user:presence' || user.startsWith('observer')) {
      return;
    }
    this.lines.push(`${user} ${status}`);
    if (this.is.get(user) === status
        || (status === 'offline' && !this.is.has(user))) {
      this.wrong.push(`${user} ${status}`);
    }
    this.is.set(user, status);
  }

  online() {
    return [...this.is].filter(([, status]) => status === 'online')
      .map(([name]) => name).sort();
  }
}

const counted = async (ngx) => (await ngx.status()).namespaces['/'].online;

// All observers have heard exactly these since forget().

const forget = (...observers) =>
  observers.forEach((observer) => observer.lines.splice(0));

const hear = (observers, ...lines) =>
  until(() => observers.every((observer) =>
    JSON.stringify(observer.lines) === JSON.stringify(lines)),
  { what: `all hear: ${lines}` }).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(observers.map((o) =>
      o.lines.slice(-10)))}`);
  });

const online = (hosts, n) => until(async () =>
  (await Promise.all(hosts.map(counted))).every((count) => count === n),
{ what: `${n} are online on all hosts` }).catch(async (error) => {
  throw new Error(`${error.message}: ${await Promise.all(hosts.map(counted))}`);
});

// Nobody is left but the two observers, and these have heard of it.

const alone = async (hosts, observers) => {
  await online(hosts, 2);
  await until(() => observers.every((o) => o.online().length === 0),
    { what: 'all went' });
};

const params = 'heartbeat=500ms';

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  const more = workers > 1 ? test : () => {};
  let redis, a, b, near, far;

  test(name('two hosts know each other'), async () => {
    redis = await Redis.start();
    a = await redis.nginx({ workers, app, params });
    b = await redis.nginx({ workers, app, params });
    await Redis.acquainted([a, b]);
    near = await Observer.on(a);
    far = await Observer.on(b);
    await online([a, b], 2);
  }, patient);

  test(name('a user who comes and goes is told of on both'), async (t) => {
    for (const [n, ngx] of [a, b, a, b, a, b].entries()) {
      const user = `u${n}`;
      forget(near, far);
      const tab = await Tab.open(ngx, user);
      await hear([near, far], `${user} online`);
      t.is(await far.ask('is', { user }), null);
      t.is(await near.ask('is', { user }), null);
      await online([a, b], 3);
      t.is(await far.ask('count'), 3);
      tab.close();
      await hear([near, far], `${user} online`, `${user} offline`);
      t.is((await near.ask('is', { user })).code, 'forbidden');
      t.is((await far.ask('is', { user })).code, 'forbidden');
      await alone([a, b], [near, far]);
    }
  }, patient);

  test(name('tabs on two hosts are one user'), async (t) => {
    for (const n of [1, 2, 3, 4]) {
      const user = `two${n}`;
      forget(near, far);
      const tabs = [await Tab.open(a, user)];
      await hear([near, far], `${user} online`);
      tabs.push(await Tab.open(b, user));
      tabs.push(await Tab.open(b, user));
      await online([a, b], 3);
      tabs[0].close();
      tabs[1].close();
      await until(async () => (await a.status()).hosts.peers
        .reduce((sum, { users }) => sum + users, 0) === 2,
      { what: 'one tab is left' });
      await sleep(400);
      t.is(await near.ask('is', { user }), null);
      tabs[2].close();
      await hear([near, far], `${user} online`, `${user} offline`);
    }
  }, patient);

  more(name('a user who moves to the other host within the grace stays'),
    async (t) => {
      forget(near, far);
      let tab = await Tab.open(a, 'mover');
      await hear([near, far], 'mover online');
      for (const ngx of [b, a, b]) {
        const next = await Tab.open(ngx, 'mover');
        tab.close();
        tab = next;
      }
      await sleep(500);
      tab.close();
      await hear([near, far], 'mover online', 'mover offline');
      t.deepIs([near.wrong, far.wrong], [[], []]);
    }, patient);

  test(name('tabs that come to both at once are told of once'), async (t) => {
    forget(near, far);
    const names = Array.from({ length: 40 }, (_, n) => `both${n}`);
    const tabs = await Promise.all(names.flatMap((user) =>
      [Tab.open(a, user), Tab.open(b, user)]));
    await online([a, b], 42);
    tabs.forEach((tab) => tab.close());
    await alone([a, b], [near, far]);
    for (const observer of [near, far]) {
      await until(() => observer.lines.length >= 80, { what: '80 lines' });
      t.deepIs(observer.wrong, []);
      t.deepIs(observer.lines.toSorted(), names.flatMap((user) =>
        [`${user} offline`, `${user} online`]).toSorted());
    }
  }, patient);

  more(name('who connects while a host starts is online on it'),
    async (t) => {
      forget(near, far);
      const old = await Tab.open(a, 'old');
      await hear([near, far], 'old online');
      const c = await redis.nginx({ workers, app, params });
      await Redis.acquainted([a, b, c]);
      await online([a, b, c], 3);
      const third = await Observer.on(c);
      t.is(await third.ask('is', { user: 'old' }), null);
      await online([a, b, c], 4);
      forget(near, far);
      const fresh = await Tab.open(c, 'fresh');
      await hear([near, far, third], 'fresh online');
      old.close();
      await hear([near, far], 'fresh online', 'old offline');
      t.deepIs(third.lines, ['fresh online', 'old offline']);

      // it ends as it should: at once

      fresh.close();
      await hear([near, far], 'fresh online', 'old offline', 'fresh offline');
      third.close();
      await alone([a, b], [near, far]);
      await c.stop();
      await Redis.acquainted([a, b]);
      t.deepIs([near.wrong, far.wrong], [[], []]);
    }, patient);

  test(name('a killed worker takes its users alone'), async (t) => {
    forget(near, far);
    const tabs = await Promise.all(Array.from({ length: 12 }, (_, n) =>
      Tab.open(a, `k${n}`)));
    await online([a, b], 14);
    const { pid } = (await a.status()).workers.find((w) =>
      w.redis.subscribers);
    a.kill(pid);
    await Redis.joined(a);
    await Redis.acquainted([a, b]);
    const left = () => tabs.filter((tab) => tab.up).length
      + (near.up ? 1 : 0) + 1;
    await until(async () => await counted(a) === left()
      && await counted(b) === left(), { what: 'the others are online' });
    t.note(`${tabs.filter((tab) => !tab.up).length} of 12 were lost`);
    await until(() => far.online().length
      === tabs.filter((tab) => tab.up).length, { what: 'far has heard it' });
    if (!near.up) {
      near = await Observer.on(a);
      near.is = new Map(far.is);
    }
    tabs.forEach((tab) => tab.close());
    await alone([a, b], [near, far]);
    t.deepIs(far.wrong, []);
  }, patient);

  test(name('a killed host takes its users'), async (t) => {
    const c = await redis.nginx({ workers, app, params });
    await Redis.acquainted([a, b, c]);
    const lost = await Promise.all(Array.from({ length: 10 }, (_, n) =>
      Tab.open(c, `lost${n}`)));
    const kept = await Promise.all(Array.from({ length: 3 }, (_, n) =>
      Tab.open(a, `lost${n}`)));
    await online([a, b, c], 12);
    const start = Date.now();
    await c.crash();
    await online([a, b], 5);
    t.note(`${Date.now() - start} ms after the kill`);
    await until(() => [near, far].every((o) => o.online().length === 3),
      { what: 'three are left' });
    t.deepIs([near.wrong, far.wrong], [[], []]);
    [...lost, ...kept].forEach((tab) => tab.close());
    await alone([a, b], [near, far]);
  }, patient);

  test(name('a reload changes nothing'), async (t) => {
    forget(near, far);
    const tab = await Tab.open(b, 'calm');
    await hear([near, far], 'calm online');
    await b.reload();
    await until(async () => (await b.status()).total.redis.subscribers === 1,
      { what: 'a listener' });
    const other = await Tab.open(b, 'after');
    await hear([near, far], 'calm online', 'after online');
    tab.close();
    await hear([near, far], 'calm online', 'after online', 'calm offline');
    other.close();
    await hear([near, far], 'calm online', 'after online', 'calm offline',
      'after offline');
    t.deepIs([near.wrong, far.wrong], [[], []]);
  }, patient);

  more(name('FLUSHALL changes nothing'), async () => {
    forget(near, far);
    const tab = await Tab.open(b, 'flushed');
    await hear([near, far], 'flushed online');
    await (await redis.client()).flushAll();
    tab.close();
    await hear([near, far], 'flushed online', 'flushed offline');
  }, patient);

  test(name('all is as it should be once Redis is back'), async (t) => {
    forget(near, far);
    const tabs = await Promise.all([Tab.open(a, 'a1'), Tab.open(a, 'a2'),
      Tab.open(b, 'b1'), Tab.open(b, 'b2')]);
    await online([a, b], 6);
    await redis.kill();

    // each side is alone: those of the other are offline

    await online([a, b], 3);
    await until(() => String(near.online()) === 'a1,a2'
      && String(far.online()) === 'b1,b2', { what: 'they have heard it' });
    tabs[1].close();
    tabs[3].close();
    tabs.push(await Tab.open(a, 'a3'), await Tab.open(b, 'b3'));
    await online([a, b], 3);
    t.is((await near.ask('is', { user: 'b3' })).code, 'forbidden');
    await redis.run();
    await Redis.acquainted([a, b]);
    await online([a, b], 6);
    const want = ['a1', 'a3', 'b1', 'b3'];
    await until(() => [near, far].every((o) =>
      JSON.stringify(o.online()) === JSON.stringify(want)),
    { what: 'both have heard who is there' }).catch((error) => {
      throw new Error(`${error.message} ${near.lines} / ${far.lines}`);
    });
    t.deepIs([near.wrong, far.wrong], [[], []]);
    tabs.forEach((tab) => tab.close());
    await alone([a, b], [near, far]);
  }, patient);

  more(name('users come and go on both at random'), async (t) => {
    const next = random(Number(process.env.SOCKETIO_SEED) || 17);
    const end = Date.now() + (full ? 60000 : 5000);
    const names = Array.from({ length: 60 }, (_, n) => `r${n}`);
    const tabs = new Map(names.map((user) => [user, []]));
    const hustle = async () => {
      while (Date.now() < end) {
        const user = names[next(names.length)];
        const mine = tabs.get(user);
        if (mine.length && next(2)) {
          mine.splice(next(mine.length), 1)[0].close();
        } else if (mine.length < 3) {
          mine.push(await Tab.open(next(2) ? a : b, user));
        }
        await sleep(next(20));
      }
    };
    await Promise.all(Array.from({ length: 6 }, hustle));
    const want = names.filter((user) => tabs.get(user).length).sort();
    await online([a, b], want.length + 2);
    await until(() => [near, far].every((o) =>
      JSON.stringify(o.online()) === JSON.stringify(want)),
    { what: 'all have heard it' });
    t.deepIs([near.wrong, far.wrong], [[], []]);
    t.note(`${near.lines.length} and ${far.lines.length} announcements`);
    [...tabs.values()].flat().forEach((tab) => tab.close());
    await alone([a, b], [near, far]);
  }, patient);

  more(name('the same while workers that listen are killed'), async (t) => {
    const next = random(Number(process.env.SOCKETIO_SEED) || 23);
    const names = Array.from({ length: 40 }, (_, n) => `w${n}`);
    const tabs = new Map(names.map((user) => [user, []]));
    let over = false;
    const hustle = async () => {
      while (!over) {
        const user = names[next(names.length)];
        const mine = tabs.get(user);
        mine.splice(0, mine.length, ...mine.filter((tab) => tab.up));
        if (mine.length && next(2)) {
          mine.splice(next(mine.length), 1)[0].close();
        } else if (mine.length < 3) {
          const tab = await Tab.open(next(2) ? a : b, user).catch(() => null);
          mine.push(...(tab ? [tab] : []));
        }
        await sleep(next(20));
      }
    };
    const hustlers = [hustle(), hustle(), hustle()];
    for (const ngx of [a, b, a, b]) {
      await sleep(500);
      ngx.kill((await until(async () => (await ngx.status()).workers.find((w) =>
        w.redis.subscribers), { what: 'a listener' })).pid);
      await Redis.joined(ngx);
    }
    over = true;
    await Promise.all(hustlers);
    const observers = [near, far].filter((o) => o.up);
    const want = () => names.filter((user) =>
      tabs.get(user).some((tab) => tab.up)).sort();
    await until(async () => {
      const all = await Promise.all([a, b].map(counted));
      return all.every((n) => n === want().length + observers.length)
        && observers.every((o) =>
          JSON.stringify(o.online()) === JSON.stringify(want()));
    }, { what: 'all is as the tabs have it', timeout: 60000 });
    t.note(`${observers.length} observers left, ${want().length} online`);
    [...tabs.values()].flat().forEach((tab) => tab.close());
    near = near.up ? near : await Observer.on(a);
    far = far.up ? far : await Observer.on(b);
    await online([a, b], 2);
  }, patient);

  more(name('who comes while no worker listens is online on both'),
    async () => {
      for (const ngx of [a, b, a, b]) {
        ngx.kill((await until(async () => (await ngx.status()).workers.find(
          (w) => w.redis.subscribers), { what: 'a listener' })).pid);
        const tabs = (await Promise.all(Array.from({ length: 40 }, (_, n) =>
          Tab.open(ngx, `gap${n}`).catch(() => null)))).filter(Boolean);
        await Redis.joined(ngx);
        const observers = () => [near, far].filter((o) => o.up);
        await until(async () => {
          const left = tabs.filter((tab) => tab.up).length;
          const all = await Promise.all([a, b].map(counted));
          return all.every((n) => n === left + observers().length)
            && observers().every((o) => o.online().length === left);
        }, { what: 'all who came are online' });
        tabs.forEach((tab) => tab.close());
        near = near.up ? near : await Observer.on(a);
        far = far.up ? far : await Observer.on(b);
        await alone([a, b], [near, far]);
      }
    }, patient);

  test(name('names that are no text, users of who is gone'), async (t) => {
    const client = await redis.client();
    const stock = await connect(a,
      { auth: { name: 'observer', observe: true } });
    const refused = async () => (await a.status()).total.redis.malformed;
    const before = await refused();
    forget(near, far);
    for (let i = 0; i < 16; i++) {
      await client.publish('socket.io-hosts#campus#',
        forged(100 + i, item.on(Buffer.from([0x61 + i, 0xff, 0xfe]))));
    }
    await until(async () => await refused() === before + 16,
      { what: 'they are refused' });
    await client.publish('socket.io-hosts#campus#',
      forged(200, item.bye, item.on('ghost')));
    await client.publish('socket.io-hosts#campus#',
      forged(201, item.gone, item.on('ghost')));
    const tab = await Tab.open(a, 'sense');
    await hear([near, far], 'sense online');
    for (const observer of [near, far]) {
      t.is((await observer.ask('is', { user: 'ghost' })).code, 'forbidden');
    }
    tab.close();
    await hear([near, far], 'sense online', 'sense offline');
    t.ok(stock.connected, 'a client that checks text stays');
    stock.disconnect();
    await alone([a, b], [near, far]);
  }, patient);

  more(name('what makes no sense on the channel harms nobody'), async (t) => {
    const client = await redis.client();
    const listener = client.duplicate();
    const channel = 'socket.io-hosts#campus#';
    const heard = [];
    listener.on('error', () => {});
    await listener.connect();
    await listener.subscribe(channel, (message) => heard.push(message), true);
    const pids = [a, b].map((ngx) => String(ngx.workers()));
    const before = (await a.status()).total.redis.malformed;
    for (let n = 0; n < 4; n++) {
      (await Tab.open(b, `junk${n}`)).close();
    }
    await until(() => heard.some((m) => m.includes('junk3')),
      { what: 'messages of hosts' });
    await listener.disconnect();
    const next = random(99);
    for (const message of heard.filter((m) => m.includes('junk'))) {
      for (let len = 0; len < message.length; len += 5) {
        await client.publish(channel, message.subarray(0, len));
      }

      // who tells is left as it is: its numbers begin behind 60 bytes

      for (let i = 0; i < 40; i++) {
        const other = Buffer.from(message);
        other[60 + next(message.length - 60)] ^= 1 << next(8);
        await client.publish(channel, other);
      }
    }
    await client.publish(channel, 'x'.repeat(100000));
    t.ok((await a.status()).total.redis.malformed > before, 'it is counted');
    await Redis.acquainted([a, b]);
    await alone([a, b], [near, far]);
    t.deepIs([a, b].map((ngx) => String(ngx.workers())), pids);
    forget(near, far);
    const tab = await Tab.open(a, 'sense');
    await hear([near, far], 'sense online');
    tab.close();
    await hear([near, far], 'sense online', 'sense offline');
  }, patient);
}

suite(1);
suite(4);
