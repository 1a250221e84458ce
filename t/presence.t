#!/usr/bin/env node
'use strict';

// Presence: who is told that a user came or went, over all tabs and workers.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { SioRaw } = require('./lib/sio_raw');
const { Nginx } = require('./lib/nginx');
const { countsAre } = require('./lib/status');
const { sleep, until } = require('./lib/wait');

const rules = `
    authenticate insecure user=$auth.name;
    on connect { check $user != stranger; }
    on online  { emit user:presence to all except user:$user
                 with '{"user": $user, "status": "online", "n": $online,
                        "at": $now_ms}'; }
    on offline { emit user:presence to all
                 with '{"user": $user, "status": "offline", "n": $online}'; }
    on count   { ack $online; }
    api x      { emit n to all with $online; }`;

const app = (grace) => `presence grace=${grace};
  namespace / { ${rules} }
  namespace /other { ${rules} }
  namespace "~^/dyn-" { ${rules} }`;

// A client that notes what it is told: "anna online 2".

async function user(site, name, place = 0, options = {}) {
  const Agent = site.agent(place).constructor;
  const sio = await site.sio(place, { auth: { name },
    ...(options.transport === 'polling' && { agent: new Agent(site, place) }),
    ...options });

  sio.heard = [];
  listen(sio);

  return sio;
}

async function listen(sio) {
  try {
    for (;;) {
      const { type, id, data } = await sio.packets.next('a packet',
                                                        0x7fffffff);
      if (type === 3) {
        sio.acked = { id, data };
      } else if (data[0] === 'user:presence') {
        const { user: name, status, n } = data[1];
        sio.heard.push(`${name} ${status} ${n}`);
      } else {
        sio.other = data;
      }
    }
  } catch (error) {
    sio.lost = true;
  }
}

// Polling clients end with a word, not with the heartbeat.

async function leave(sio) {
  if (sio.polling) {
    await sio.send('41', '1');
  }
  sio.close();
}

const hears = (sio, ...lines) =>
  until(() => JSON.stringify(sio.heard) === JSON.stringify(lines),
    { what: `heard: ${lines}` }).catch((error) => {
    throw new Error(`${error.message.slice(-200)}; heard: `
      + sio.heard.slice(-12));
  });

const online = async (site, nsp = '/') =>
  (await site.ngx.status()).namespaces[nsp].online;

const onlineIs = (site, n, nsp) =>
  until(async () => await online(site, nsp) === n, { what: `${n} online` });

// After a worker was replaced: connections to whom places name now.

function anew(site) {
  site.agents.forEach((agent) => agent.destroy());
  site.agents.clear();
  site.spare.splice(0).forEach(({ socket }) => socket.destroy());
}

const others = (site, ...gone) => until(() => {
  const now = site.ngx.workers();
  return now.length === site.workers && !now.some((pid) => gone.includes(pid));
}, { what: 'new workers' }).then(() => anew(site));

const post = (site, body) => site.request('/api/emit', { method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body) });

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  const heard = [];
  let site, watcher;

  const told = (...lines) => hears(watcher, ...(heard.push(...lines), heard));

  test(name('a user comes and goes'), async (t) => {
    site = await Site.start({ workers, app: app('0') });
    watcher = await user(site, 'watcher', 0);
    await onlineIs(site, 1);
    const anna = await user(site, 'anna', 1);
    await told('anna online 2');
    t.is(await online(site), 2);
    anna.close();
    await told('anna offline 1');
    t.is(await online(site), 1);
    t.deepIs(anna.heard, []);
  });

  test(name('when a user was seen last'), async (t) => {
    const seen = async (id) =>
      (await site.request(`/api/users/${id}`)).json().lastSeen;
    const anna = Date.parse(await seen('anna'));
    const watching = Date.parse(await seen('watcher'));

    t.ok(anna > Date.now() - 600000 && anna <= Date.now() + 1000, `${anna}`);
    t.ok(watching >= anna, `${watching}`);
    t.is(await seen('nobody'), null);
    t.is(await seen('anna?namespace=/other'), null);
  });

  test(name('all tabs of a user are one'), async (t) => {
    const tabs = [];
    for (const place of [0, 1, 2, 3, 0, 1]) {
      tabs.push(await user(site, 'bea', place,
        { transport: place % 2 ? 'polling' : 'websocket' }));
    }
    await told('bea online 2');
    for (const tab of tabs.slice(1)) {
      await leave(tab);
    }
    await countsAre(site.ngx, { sockets: 2 });
    const carl = await user(site, 'carl', 2);
    await told('carl online 3');
    tabs[0].close();
    await told('bea offline 2');
    carl.close();
    await told('carl offline 1');
    t.deepIs(carl.heard, ['bea offline 2']);
  });

  test(name('who is refused was never there'), async (t) => {
    for (const place of [0, 1, 2, 3]) {
      await t.rejects(user(site, 'stranger', place), /not allowed/);
    }
    const dora = await user(site, 'dora', 1);
    await t.rejects(user(site, 'stranger', 0), /not allowed/);
    await told('dora online 2');
    dora.close();
    await told('dora offline 1');
  });

  test(name('each namespace has its own'), async (t) => {
    const emil = await user(site, 'emil', 0, { nsp: '/other' });
    await onlineIs(site, 1, '/other');
    const fred = await user(site, 'fred', 1, { nsp: '/other' });
    await hears(emil, 'fred online 2');
    const gina = await user(site, 'gina', 2, { nsp: '/dyn-a' });
    const hans = await user(site, 'hans', 1, { nsp: '/dyn-a' });
    await hears(gina, 'hans online 2');
    fred.close();
    await hears(emil, 'fred online 2', 'fred offline 1');
    hans.close();
    await hears(gina, 'hans online 2', 'hans offline 1');
    gina.close();
    emil.close();
    await onlineIs(site, 0, '/other');
    t.is(await online(site), 1);
  });

  test(name('$online is for all rules'), async (t) => {
    await watcher.event({ id: 7 }, 'count');
    await until(() => watcher.acked, { what: 'an ack' });
    t.deepIs(watcher.acked, { id: 7, data: [1] });
    const answer = await post(site, { event: 'x', data: 1 });
    t.is(answer.status, 200);
    await until(() => watcher.other, { what: 'an event' });
    t.deepIs(watcher.other, ['n', 1]);
  });

  test(name('comings and goings alternate for everyone'), async (t) => {
    const watchers = await Promise.all([0, 1, 2, 3].map((place) =>
      user(site, `w${place}`, place)));
    await onlineIs(site, 5);
    for (let i = 0; i < 60; i++) {
      const flip = await user(site, 'flip', i);
      flip.close();
    }
    const mine = (sio) => sio.heard.filter((line) => /^flip/.test(line))
      .map((line) => line.split(' ')[1]);
    await until(() => watchers.every((sio) => mine(sio).at(-1) === 'offline'
      && mine(sio).length === mine(watcher).length),
    { what: 'all have heard the last' });
    for (const sio of [watcher, ...watchers]) {
      const list = mine(sio);
      t.ok(list.every((status, i) =>
        status === (i % 2 ? 'offline' : 'online')), `${list}`);
    }
    t.note(`${mine(watcher).length} announcements`);
    watchers.forEach((sio) => sio.close());
    await onlineIs(site, 1);
    heard.splice(0, heard.length, ...watcher.heard);
  });

  test(name('a session that upgrades does not go'), async (t) => {
    const movers = [];
    const mine = () => watcher.heard.filter((line) => /^m\d /.test(line));
    for (const place of [0, 1, 2, 3, 0, 1, 2, 3]) {
      movers.push(await user(site, `m${movers.length}`, place,
        { transport: 'polling' }));
    }
    await onlineIs(site, 9);
    await until(() => mine().length === 8, { what: 'all are told of' });
    for (const sio of movers) {
      await sio.upgrade();
    }
    await until(async () => await site.count('polling') === 0,
      { what: 'all have upgraded' });
    if (workers > 1) {
      t.ok(await site.count('moved_in') > 0);
      await until(async () => await site.count('moved_in')
        === await site.count('moved_out'), { what: 'all have moved' });
    }
    t.is(await online(site), 9);
    movers.forEach((sio) => sio.close());
    await onlineIs(site, 1);
    await until(() => mine().length === 16, { what: 'all are told of' });
    t.deepIs(mine().slice(8).map((line) => line.split(' ')[1]),
      movers.map(() => 'offline'));
    heard.splice(0, heard.length, ...watcher.heard);
  });

  test(name('a reload changes nothing'), async (t) => {
    const old = await user(site, 'old', 1);
    await told('old online 2');
    const before = site.ngx.workers();
    await site.ngx.reload();
    await others(site, ...before);
    const tab = await user(site, 'old', 2);
    const young = await user(site, 'young', 3);
    await told('young online 3');
    old.close();
    await countsAre(site.ngx, { sockets: 3 });
    t.is(await online(site), 3);
    tab.close();
    await told('old offline 2');
    await hears(young, 'old offline 2');
    young.close();
    await told('young offline 1');
  });

  test(name('users of a killed worker go, no others do'), async (t) => {
    watcher.close();
    await onlineIs(site, 0);
    const victims = [];
    const [pid] = site.ngx.workers();
    for (let i = 0; i < 20; i++) {
      victims.push(await user(site, `v${i}`, 0));
    }
    await onlineIs(site, 20);
    if (workers > 1) {
      watcher = await user(site, 'watcher', 1);
      await user(site, 'v0', 2);
      await onlineIs(site, 21);
      watcher.heard.length = 0;
    }
    const start = Date.now();
    site.ngx.kill(pid);
    await until(() => victims.every(({ lost }) => lost), { what: 'all lost' });
    await onlineIs(site, workers > 1 ? 2 : 0);
    t.note(`right after ${Date.now() - start} ms`);
    await others(site, pid);
    if (workers > 1) {
      await until(() => watcher.heard.length >= 19, { what: 'all told' });
      t.deepIs(watcher.heard.map((line) => line.split(' ')
        .slice(0, 2).join(' ')).sort(),
        victims.slice(1).map((_, i) => `v${i + 1} offline`).sort());
    } else {
      watcher = await user(site, 'watcher', 0);
      watcher.heard.length = 0;
    }
    const [again] = [await user(site, 'v1', 0)];
    await until(() => watcher.heard.at(-1)?.startsWith('v1 online'),
      { what: 'v1 is back' });
    again.close();
  });

  test(name('nobody is left when all are gone'), async () => {
    await site.ngx.stop();
  });
}

suite(1);
suite(4);

// With a grace.

function graceful(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let site, watcher;

  test(name('who comes back in time never went'), async (t) => {
    site = await Site.start({ workers, app: app('60s') });
    watcher = await user(site, 'watcher', 0);
    await onlineIs(site, 1);
    for (let i = 0; i < 12; i++) {
      const anna = await user(site, 'anna', i, { transport: i % 3
        ? 'websocket' : 'polling' });
      await leave(anna);
      await countsAre(site.ngx, { sockets: 1 });
    }
    await user(site, 'zoe', 1);
    await hears(watcher, 'anna online 2', 'zoe online 3');
    t.is(await online(site), 3);
  });

  test(name('a shorter grace is over at its time'), async (t) => {
    await site.ngx.stop();
    site = await Site.start({ workers, app: app('2500ms'),
      main: 'worker_shutdown_timeout 200ms;' });
    watcher = await user(site, 'watcher', 0);
    await onlineIs(site, 1);
    const anna = await user(site, 'anna', 1);
    const start = Date.now();
    anna.close();
    await hears(watcher, 'anna online 2', 'anna offline 1');
    const took = Date.now() - start;
    t.note(`${took} ms`);
    t.ok(took >= 2450, `${took} ms`);
  });

  test(name('it begins anew with each departure'), async (t) => {
    watcher.heard.length = 0;
    const start = Date.now();
    let left;
    for (let i = 0; i < 6; i++) {
      const bea = await user(site, 'bea', i);
      bea.close();
      left = Date.now();
      await sleep(250);
    }
    await hears(watcher, 'bea online 2', 'bea offline 1');
    t.ok(Date.now() - left >= 2450, `${Date.now() - left} ms`);
    t.note(`${Date.now() - start} ms`);
  });

  test(name('it is kept when a worker dies'), async (t) => {
    await site.ngx.stop();
    site = await Site.start({ workers, app: app('8s'),
      main: 'worker_shutdown_timeout 200ms;' });
    watcher = await user(site, 'watcher', 1);
    const [pid] = site.ngx.workers();
    const anna = await user(site, 'anna', 0);
    const bea = await user(site, 'bea', 0);
    await onlineIs(site, 3);
    watcher.heard.length = 0;
    const start = Date.now();
    site.ngx.kill(pid);
    await until(() => anna.lost && bea.lost, { what: 'lost' });
    await others(site, pid);
    await user(site, 'bea', 1);
    if (workers > 1) {
      await hears(watcher, 'anna offline 2');
      t.ok(Date.now() - start >= 7900);
    } else {
      watcher = await user(site, 'watcher', 0);
      await onlineIs(site, 2);
    }
    t.is(await online(site), 2);
  });

  test(name('and when the workers of a reload end'), async () => {
    await site.ngx.reload();
    await until(() => site.ngx.oldWorkers().length === 0,
      { what: 'old workers end' });
    await onlineIs(site, 0);
    anew(site);
    watcher = await user(site, 'watcher', 1);
    const anna = await user(site, 'anna', 0);
    await hears(watcher, 'anna online 2');
    anna.close();
    await hears(watcher, 'anna online 2', 'anna offline 1');
  });
}

graceful(1);
graceful(4);

// What nginx -t says.

const check = (line) => Nginx.check({ app: `${line}
  namespace / { authenticate none; }` });

test('presence has defaults, and times', (t) => {
  for (const line of ['presence;', 'presence grace=0;', 'presence keep=0;',
                      'presence grace=1m30s keep=365d;']) {
    t.ok(check(line).ok, check(line).output);
  }
});

test('its mistakes', (t) => {
  const at = / in .*nginx\.conf:\d+/;
  for (const [line, message] of [
    ['presence; presence;', '"presence" directive is duplicate'],
    ['presence grace;', 'invalid parameter "grace", "presence" takes '
      + '"grace=TIME" and "keep=TIME"'],
    ['presence 5s;', 'invalid parameter "5s"'],
    ['presence grace=5x;', 'invalid time in "grace=5x", it must be 0 to a '
      + 'day, for example "grace=10s"'],
    ['presence grace=25h;', 'invalid time in "grace=25h"'],
    ['presence keep=;', 'invalid time in "keep=", it must be 0 to ten years'],
    ['presence keep=-1;', 'invalid time in "keep=-1"'],
  ]) {
    const { output } = check(line);
    t.ok(output.includes('[emerg]') && output.includes(message), output);
    t.match(output, at);
  }
});

test('$online needs presence', (t) => {
  const { output } = Nginx.check({ app: `namespace / { authenticate none;
    on x { ack $online; } }` });
  t.match(output, /\[emerg\].*"\$online" needs "presence" in socketio_app /);
});

test('presence may stand behind what needs it', (t) => {
  const { ok, output } = Nginx.check({ app: `namespace / { authenticate none;
    on online { emit x to all with $online; } }
    presence;` });
  t.ok(ok, output);
});
