#!/usr/bin/env node
'use strict';

// 200 users with one to three tabs on four workers connect and disconnect at
// random, and workers are killed.  Observers on each worker hear comings and
// goings in turn, and in the end exactly those are online who have a tab.
// SOCKETIO_FULL=1: for longer.

const { test, note } = require('./lib/tap');
const { Site } = require('./lib/site');
const { SioRaw } = require('./lib/sio_raw');
const { sleep, until } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const USERS = 200;
const SECONDS = full ? 120 : 20;
const KILLS = full ? 20 : 4;
const patient = { timeout: (SECONDS + 120) * 1000 };

const app = `zone 16m;
  presence grace=200ms;
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { when $auth.observe = true { join observers; } }
    on online  { emit user:presence to observers
                 with '{"user": $user, "status": "online", "n": $online}'; }
    on offline { emit user:presence to observers
                 with '{"user": $user, "status": "offline", "n": $online}'; }
  }`;

const seed = Number(process.env.SOCKETIO_SEED) || Date.now() % 1e9;
let state = seed;

// The same numbers for the same seed.

function random(n) {
  state = (state + 0x6d2b79f5) >>> 0;
  let x = Math.imul(state ^ (state >>> 15), state | 1);
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
  return ((x ^ (x >>> 14)) >>> 0) % n;
}

// A tab: a client of a user.  It may lose its connection at any time, and is
// then to be forgotten.

class Tab {
  constructor(site, name, extra = {}) {
    Object.assign(this, { site, name, extra, up: false, over: false });
  }

  async open() {
    this.sio = await SioRaw.connect(this.site.port, {
      auth: { name: this.name, ...this.extra } });
    if (this.over) {
      this.sio.close();
      return;
    }
    this.up = true;
    this.read();
  }

  async read() {
    try {
      for (;;) {
        this.take((await this.sio.packets.next('a packet', 0x7fffffff)).data);
      }
    } catch {
      this.close();
    }
  }

  take() {}

  close() {
    this.up = false;
    this.over = true;
    this.sio?.close();
  }
}

// What an observer has heard: from when it came.

class Observer extends Tab {
  constructor(site, n) {
    super(site, `observer${n}`, { observe: true });
    this.is = new Map();
    this.wrong = [];
    this.heard = 0;
  }

  take([event, { user, status } = {}]) {
    if (event !== 'user:presence' || user.startsWith('observer')) {
      return;
    }
    this.heard += 1;
    if (this.is.get(user) === status) {
      this.wrong.push(`${user} ${status} twice`);
    }
    this.is.set(user, status);
  }
}

let site, observers, killed, repeats, heard;
const users = Array.from({ length: USERS }, (_, n) => ({ name: `u${n}`,
  tabs: [] }));
const wrong = [];

// Those that are there, or about to be.

const tabsOf = (user) => {
  user.tabs = user.tabs.filter(({ over }) => !over);
  return user.tabs;
};

// An observer on each worker, as place() finds connections to it.

async function observe() {
  const fresh = [];

  for (let place = 0; place < 4; place++) {
    const observer = new Observer(site, place);
    observer.sio = await SioRaw.connect(site.port, {
      socket: await site.socket(place),
      auth: { name: observer.name, observe: true } });
    observer.up = true;
    observer.read();
    fresh.push(observer);
  }

  return fresh;
}

async function connect(user) {
  const tab = new Tab(site, user.name);

  user.tabs.push(tab);
  await tab.open().catch(() => tab.close());
}

// Connects and disconnects until end().

async function hustle(end) {
  while (!end()) {
    const user = users[random(USERS)];
    const tabs = tabsOf(user);

    if (tabs.length === 0 || (tabs.length < 3 && random(3) === 0)) {
      await connect(user);
    } else if (random(2)) {
      tabs[random(tabs.length)].close();
    } else {
      tabs.forEach((tab) => tab.close());
    }
    await sleep(random(12));
  }
}

const counts = async () => (await site.ngx.status());

// Who has a tab that is up, as the clients know.

const model = () => users.filter((user) =>
  user.tabs.some(({ up }) => up))
  .map(({ name }) => name).sort();

const hears = (observer) => [...observer.is].filter(([, status]) =>
  status === 'online').map(([name]) => name).sort();

// All is as the model has it: how long that took.

async function settled(t, list) {
  const start = Date.now();
  let last;

  await until(async () => {
    const status = await counts();
    const want = model();
    last = { want: want.length, online: status.namespaces['/'].online,
             observers: list.map((observer) => hears(observer).length) };
    return status.namespaces['/'].online === want.length + list.length
      && list.every((observer) =>
        JSON.stringify(hears(observer)) === JSON.stringify(want));
  }, { timeout: 30000, what: 'all is as the model has it' }).catch((error) => {
    throw new Error(`${error.message} ${JSON.stringify(last)}`);
  });

  t.note(`${model().length} online, as the model has it after `
    + `${Date.now() - start} ms`);
}

test('observers are on each worker', async () => {
  note(`SOCKETIO_SEED=${seed}`);
  site = await Site.start({ workers: 4, app });
  observers = await observe();
});

test('users come and go at random', async (t) => {
  const end = Date.now() + SECONDS * 1000 / 2;
  await Promise.all(Array.from({ length: 8 }, () =>
    hustle(() => Date.now() > end)));
  await settled(t, observers);
  t.deepIs(observers.flatMap((observer) => observer.wrong), []);
  t.note(`${observers[0].heard} announcements`);
  t.ok(observers.every(({ heard: n }) => n === observers[0].heard),
    'all have heard as much');
}, patient);

test('the same while workers are killed', async (t) => {
  let over = false;
  const hustlers = Array.from({ length: 8 }, () => hustle(() => over));

  killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const before = site.ngx.workers();
    const victim = before[random(before.length)];
    await sleep(SECONDS * 1000 / 2 / KILLS);
    site.ngx.kill(victim);
    killed += 1;
    await until(() => site.ngx.workers().length === 4
                && !site.ngx.workers().includes(victim), { what: 'four' });
  }
  over = true;
  await Promise.all(hustlers);
  observers = observers.filter(({ up }) => up);
  heard = Math.max(0, ...observers.map((observer) => observer.heard));
  wrong.push(...observers.flatMap((observer) => observer.wrong));
  repeats = (await counts()).total.repeated;
  t.note(`${killed} workers killed, ${repeats} announcements repeated, `
    + `${observers.length} observers left, ${heard} announcements`);

  // what a dead worker was saying may come twice, and from no other cause

  t.ok(wrong.length <= repeats * observers.length, `${wrong}`);
  await settled(t, observers);
}, patient);

test('a killed worker\'s users alone go', async (t) => {
  site.agents.forEach((agent) => agent.destroy());
  site.agents.clear();
  site.spare.splice(0).forEach(({ socket }) => socket.destroy());
  observers.forEach((observer) => observer.close());
  const fresh = await observe();
  const want = model();
  await until(async () => (await counts()).namespaces['/'].online
    === want.length + 4, { what: 'all are counted' });
  fresh.forEach((observer) => want.forEach((name) =>
    observer.is.set(name, 'online')));
  const victim = site.ngx.workers()[0];
  const start = Date.now();
  site.ngx.kill(victim);
  await until(() => !fresh[0].up, { what: 'its observer notices' });
  await settled(t, fresh.slice(1));
  t.note(`${want.length - model().length} users gone, right after `
    + `${Date.now() - start} ms, of which 200 are the grace`);
  t.deepIs(fresh.slice(1).flatMap((observer) => observer.wrong), []);
}, patient);

test('nobody is online when all have gone', async (t) => {
  users.forEach((user) => user.tabs.forEach((tab) => tab.close()));
  await until(async () => (await counts()).namespaces['/'].online === 3,
    { what: 'the observers alone' });
  const { zone } = await counts();
  t.is(zone.full, 0);
});
