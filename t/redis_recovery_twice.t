#!/usr/bin/env node
'use strict';

// A session that is lost again before anything has arrived, or whose host has
// only just started, or could not be taken: nothing is missed, and nobody is
// given what was not for it.

const { test } = require('./lib/tap');
const { Redis } = require('./lib/redis');
const { Nginx } = require('./lib/nginx');
const { Proxy } = require('./lib/proxy');
const { SioRaw } = require('./lib/sio_raw');
const { sleep, until } = require('./lib/wait');

const app = `
  recovery 2m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on club    { join club; ack null; }
    on unclub  { leave club; ack null; }
  }`;
const params = 'adapter=streams';
const user = 'ann';

let redis, admin, a, b;

const say = (host, to, text) => host.emit({ event: 'n', to, args: [text] });

const said = (events, text) => events.filter((event) => event[1] === text)
  .length;

async function hear(sio, text) {
  for (;;) {
    const { type, data } = await sio.next();

    if (type === 2 && data[1] === text) {
      return data.at(-1);
    }
  }
}

// A client that has got an event with a place in the stream.

async function come(host) {
  const sio = await SioRaw.connect(host.port, { join: false });
  const { data: { sid, pid } } = await sio.join('/', { user });

  for (let n = 0; ; n++) {
    await say(host, 'lobby', `n${n}`);
    const offset = await hear(sio, `n${n}`);

    if (/^[1-9]\d*-\d+$/.test(offset)) {
      return { sio, sid, pid, offset };
    }
    await sleep(50);
  }
}

async function lose({ sio }, pid) {
  sio.close();
  await until(() => admin.exists(`sio:session:${pid}`),
              { what: 'the session is left' });
}

// What comes before the CONNECT packet was missed.

async function claim(host, { pid, offset }) {
  const sio = await SioRaw.connect(host.port, { join: false });
  const missed = [];

  await sio.send(`40${JSON.stringify({ user, pid, offset })}`);
  for (;;) {
    const { type, data } = await sio.next();

    if (type === 0) {
      return { sio, sid: data.sid, missed };
    }
    missed.push(data);
  }
}

async function call(sio, event) {
  await sio.send(`421["${event}"]`);
  while ((await sio.next()).type !== 3);
}

for (const workers of [1, 4]) {
  const what = (name) => `${name}, ${workers} workers`;

  test(what('hosts are joined'), async () => {
    redis = await Redis.start();
    admin = await redis.client();
    a = await redis.nginx({ app, params, workers });
    b = await redis.nginx({ app, params, workers });
  });

  test(what('what was read in parts is missed again as a whole'),
    async (t) => {
      const ann = await come(a);

      await lose(ann, ann.pid);
      for (let n = 0; n < 450; n++) {
        await say(a, 'lobby', n);
      }

      const late = await redis.nginx({ app, params, workers });
      const once = await claim(late, ann);

      t.is(once.sid, ann.sid);
      t.is(once.missed.length, 450);
      await lose(once, ann.pid);

      const twice = await claim(a, ann);

      t.is(twice.sid, ann.sid);
      t.deepIs(twice.missed.map((event) => event[1]),
               Array.from({ length: 450 }, (_, n) => n));
      twice.sio.close();
      await late.stop();
    });

  test(what('a room is joined late on every host'), async (t) => {
    const ann = await come(a);
    const bob = await come(a);

    await call(bob.sio, 'club');
    await say(a, 'club', 'before');
    await hear(bob.sio, 'before');
    bob.sio.close();

    // her worker has got so far

    await say(a, 'lobby', 'next');
    await hear(ann.sio, 'next');
    await call(ann.sio, 'club');
    await lose(ann, ann.pid);
    await say(a, 'club', 'after');

    const once = await claim(b, ann);

    t.is(once.sid, ann.sid);
    t.is(said(once.missed, 'before'), 0);
    if (!said(once.missed, 'after')) {
      await hear(once.sio, 'after');
    }
    await lose(once, ann.pid);

    const twice = await claim(a, ann);

    t.is(said(twice.missed, 'before'), 0);
    t.is(twice.sid === ann.sid, said(twice.missed, 'after') === 1);
    twice.sio.close();
  });

  test(what('an old record is no way back into a room'), async (t) => {
    const ann = await come(a);

    await call(ann.sio, 'club');
    await lose(ann, ann.pid);

    const once = await claim(b, ann);

    t.is(once.sid, ann.sid);
    await call(once.sio, 'unclub');
    await lose(once, ann.pid);
    await admin.sendCommand(['ACL', 'SETUSER', 'default', '-eval']);

    const twice = await claim(a, ann);

    await admin.sendCommand(['ACL', 'SETUSER', 'default', '+eval']);
    t.ok(twice.sid !== ann.sid, 'a new client');
    twice.sio.close();
  });

  test(what('what is said while a host begins to read is not lost'),
    async (t) => {
      const ann = await come(a);

      await lose(ann, ann.pid);

      const proxy = await Proxy.start(redis.port, { delay: 120 });
      const late = await Nginx.start({ workers,
        app: `redis 127.0.0.1:${proxy.port} ${params}; ${app}` });
      const reads = async () => Number(/cmdstat_xrange:calls=(\d+)/
        .exec(await admin.info('commandstats'))?.[1] ?? 0);
      const before = await reads();

      await until(async () => (await late.status()).total.redis.publishers
        === workers, { every: 5, what: 'it may ask' });

      const back = claim(late, ann);

      await until(async () => await reads() > before,
                  { every: 5, what: 'it has asked' });
      await say(a, 'lobby', 'meanwhile');

      const { sio, sid, missed } = await back;

      if (sid === ann.sid && !said(missed, 'meanwhile')) {
        await hear(sio, 'meanwhile');
      }
      t.is(sid, ann.sid, 'recovered');
      sio.close();
      await late.stop();
      proxy.stop();
    });

  test(what('hosts end'), async () => {
    await a.stop();
    await b.stop();
  });
}
