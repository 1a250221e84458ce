#!/usr/bin/env node
'use strict';

// forward when things go wrong: an application that is slow, fails, crashes
// and comes back; workers that are reloaded and killed meanwhile; clients that
// send more than can be asked for.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');
const { sleep, until } = require('./lib/wait');
const { Application, PythonApplication } = require('./lib/application');

const key = 'a key that both of them know';

const rules = (webhook = '') => `
  webhook_key_file hook.key;
  ${webhook}
  namespace / {
    authenticate insecure user=$auth.user;
    on *     { forward /app/event timeout=20s; }
    on hasty { forward /app/hasty timeout=300ms; }
    on on    { forward /app/event; ack null '"on"'; }
    on later { forward /app/later async; ack null; }
    on pid   { ack null $pid; }
    on plain { ack null '"plain"'; }
  }`;

const locations = (port) => `
  location /socket.io/ { socketio campus; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }
  location /app/       { internal; proxy_pass http://127.0.0.1:${port};
                         proxy_http_version 1.1; proxy_set_header Connection "";
                         proxy_connect_timeout 10s; }
  location = /app/none { internal; return 204; }`;

const unavailable = { code: 'unavailable', message: 'try again later' };

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx, app, ann;
  let answers = {};

  const handle = (body, call) => {
    const answer = answers[body.event];
    return typeof answer === 'function' ? answer(body, call) : answer;
  };

  const client = (user, options) =>
    connect(ngx, { auth: { user }, ...options });

  const start = async (webhook, port = app.port) => Nginx.start({ workers,
    app: rules(webhook), files: { 'hook.key': key },
    locations: locations(port) });

  const webhooks = async () => (await ngx.status()).total.webhook;

  test(name('what is not answered in time is unavailable'), async (t) => {
    app = await Application.start({ handle, key });
    ngx = await start('webhook failures=1000;');
    ann = await client('ann');

    let late;
    answers.hasty = () => new Promise((done) => { late = done; });
    t.deepIs(await ask(ann, 'hasty'), unavailable);
    late({ ack: [null], disconnect: true });

    answers.hasty = () => ({ ack: [null, 2] });
    t.deepIs(await ask(ann, 'hasty'), [null, 2]);
    t.match(ngx.log(), /"\/app\/hasty" has not answered in time/);
  });

  test(name('nor is what ends in the middle'), async (t) => {
    answers.half = (body, { response }) => {
      response.writeHead(200, { 'content-type': 'application/json',
        'content-length': 1000 });
      response.write('{"ack": [');
      setImmediate(() => response.destroy());
    };
    answers.reset = (body, { response }) => { response.socket.destroy(); };
    answers.on = ({ data }, { response }) => {
      response.writeHead(200, data ? { 'content-length': data } : {});
      response.flushHeaders();
      setImmediate(() => response.destroy());
    };

    t.deepIs(await ask(ann, 'half'), unavailable);
    t.deepIs(await ask(ann, 'on', 1000), unavailable);
    t.deepIs(await ask(ann, 'on', 0), unavailable);
    t.deepIs(await ask(ann, 'reset'), unavailable);
    t.deepIs(await ask(ann, 'plain'), [null, 'plain']);
  });

  test(name('an application that is stopped and started'), async (t) => {
    answers.ok = { ack: [null, 'ok'] };
    await app.stop();
    t.deepIs(await ask(ann, 'ok'), unavailable);
    await app.listen();
    await until(async () => (await ask(ann, 'ok'))?.[1] === 'ok',
      { what: 'it answers again' });
  });

  test(name('async is posted again until it is taken, by the same id'),
    async (t) => {
      let fails = 2;
      app.calls = [];
      answers.later = () => (fails-- > 0 ? { status: 500 } : undefined);
      t.is(await ask(ann, 'later', 1), null);
      await until(() => app.calls.length === 3, { what: 'three calls' });
      await until(async () => (await webhooks()).waiting === 0,
        { what: 'nothing waits' });
      t.is(new Set(app.calls.map(({ headers }) =>
        headers['x-socketio-id'])).size, 1);
      t.ok(app.calls.every(({ signed }) => signed));
      t.ok((await webhooks()).retried >= 2);
    });

  test(name('a WebSocket is not read from while too much waits'),
    async (t) => {
      const waiting = [];
      answers.block = () => new Promise((done) => waiting.push(done));
      answers.echo = ({ data }) => ({ ack: [null, data.n] });

      const bob = await client('bob');
      const acks = [];
      const text = 'x'.repeat(20000);

      bob.emit('block', () => acks.push('block'));
      for (let n = 0; n < 400; n++) {
        bob.emit('echo', { n, text }, (error, back) => acks.push(back));
      }

      await until(() => waiting.length === 1, { what: 'the call' });
      t.deepIs(await ask(ann, 'ok'), [null, 'ok']);
      waiting[0]({ ack: [null] });
      await until(() => acks.length === 401, { what: 'all acks' });
      t.deepIs(acks, ['block', ...Array.from({ length: 400 }, (_, n) => n)]);
      t.is((await ngx.status()).total.drops.backlog, 0);
      bob.disconnect();
    });

  test(name('a polling client that sends on and on is closed'), async (t) => {
    const waiting = [];
    answers.block = () => new Promise((done) => waiting.push(done));

    const eve = await client('eve', { transport: 'polling' });
    const over = once(eve, 'disconnect');
    const text = 'x'.repeat(100000);

    eve.emit('block');
    for (let n = 0; n < 100; n++) {
      eve.emit('echo', { n, text });
    }

    t.ok(await over);
    t.is((await ngx.status()).total.drops.backlog, 1);
    waiting.forEach((done) => done());
    t.deepIs(await ask(ann, 'ok'), [null, 'ok']);
  });

  test(name('not more calls run than may, and no more wait'), async (t) => {
    await ngx.stop();
    ngx = await start('webhook max=2 queue=3;');
    const waiting = [];
    app.most = 0;
    answers.block = () => new Promise((done) => waiting.push(done));

    const crowd = await Promise.all(Array.from({ length: 10 * workers },
      (_, n) => client(`u${n}`)));
    const done = crowd.map((socket) => ask(socket, 'block'));
    const some = [];
    done.forEach((ack) => ack.then((error) => some.push(error)));

    await until(async () => {
      const { running, waiting: queued, dropped } = await webhooks();
      return running + queued + dropped === crowd.length;
    }, { what: 'all are somewhere' });

    const { running, waiting: queued, dropped } = await webhooks();
    t.ok(running <= 2 * workers && queued <= 3 * workers && dropped > 0,
      JSON.stringify({ running, queued, dropped }));

    while (some.length < crowd.length) {
      waiting.splice(0).forEach((reply) => reply({ ack: [null, 'in'] }));
      await sleep(5);
    }

    t.ok(app.most <= 2 * workers);
    t.is(some.filter((error) => error?.code === 'unavailable').length, dropped);
    crowd.forEach((socket) => socket.disconnect());
  });

  test(name('a location that fails is left alone, and tried again'),
    async (t) => {
      await ngx.stop();
      ngx = await start('webhook failures=3 pause=500ms;');
      ann = await client('ann');
      app.calls = [];
      answers.ok = { status: 502 };

      await until(async () => {
        t.deepIs(await ask(ann, 'ok'), unavailable);
        return (await webhooks()).open === 1;
      }, { what: 'it is left alone' });

      const asked = app.calls.length;
      t.ok(asked >= 3);
      t.deepIs(await ask(ann, 'ok'), unavailable);
      t.ok(app.calls.length <= asked + 1, 'it is asked rarely');
      t.match(ngx.log(), /"\/app\/event" has failed 3 times and is left alone/);

      answers.ok = { ack: [null, 'ok'] };
      await until(async () => (await ask(ann, 'ok'))?.[1] === 'ok',
        { what: 'it is tried' });
      t.is((await webhooks()).open, 0);
      t.match(ngx.log(), /"\/app\/event" answers again/);
    });

  test(name('what began before the pause does not end the trial'),
    async (t) => {
      await ngx.stop();
      ngx = await start('webhook failures=1 pause=300ms;');
      ann = await client('ann');

      // the breaker is a worker's: all of them at one

      const [pid] = (await ask(ann, 'pid')).slice(1);
      const [old, tries] = await Promise.all(['old', 'tries'].map((user) =>
        until(async () => {
          const socket = await client(user);
          return (await ask(socket, 'pid'))[1] === pid && socket;
        }, { what: 'a client of the same worker' })));
      const held = {};
      let begin;
      const begun = new Promise((done) => { begin = done; });

      answers.ok = { status: 502 };
      answers.block = ({ data }) => new Promise((done) => {
        held[data] = done;
        if (data === 'trial') {
          begin();
        }
      });

      const older = ask(old, 'block', 'older');
      await until(() => held.older, { what: 'the older call' });
      t.deepIs(await ask(ann, 'ok'), unavailable);
      await until(async () => {
        await Promise.race([ask(tries, 'block', 'trial'), begun]);
        return held.trial;
      }, { what: 'a trial' });

      held.older({ status: 502 });
      t.deepIs(await older, unavailable);
      app.calls = [];
      await sleep(1000);
      t.deepIs(await ask(ann, 'ok'), unavailable);
      t.is(app.calls.length, 0, 'nobody else tries');

      answers.ok = { ack: [null, 'ok'] };
      held.trial({ ack: [null, 'in'] });
      await until(async () => (await ask(ann, 'ok'))?.[1] === 'ok',
        { what: 'it goes on' });
      t.is((await webhooks()).open, 0);
    });

  test(name('a reload waits for calls, and sockets go on'), async (t) => {
    const waiting = [];
    answers.block = () => new Promise((done) => waiting.push(done));
    const acks = [];
    ann.emit('block', (...args) => acks.push(args));
    ann.emit('ok', (...args) => acks.push(args));
    await until(() => waiting.length === 1, { what: 'the call' });

    await ngx.reload();
    waiting[0]({ ack: [null, 'block'] });
    await until(() => acks.length === 2, { what: 'both acks' });
    t.deepIs(acks, [[null, 'block'], [null, 'ok']]);

    const bob = await client('bob');
    t.deepIs(await ask(bob, 'ok'), [null, 'ok']);
    bob.disconnect();
    ann.disconnect();
  });

  test(name('what waits in a worker that ends goes to those that follow'),
    async (t) => {
      await ngx.stop();
      ngx = await start('webhook failures=3 pause=1h;');
      const bob = await client('bob');
      app.calls = [];
      answers.later = undefined;
      await app.stop();

      for (let n = 0; n < 300; n++) {
        bob.emit('later', n);
      }

      t.is(await ask(bob, 'later', 300), null);
      await until(async () => (await webhooks()).waiting === 301,
        { what: 'all wait' });
      bob.disconnect();
      await app.listen();
      await ngx.reload();
      await until(() => new Set(app.calls.map(({ body }) => body.data)).size
        === 301, { what: 'all are made' });
      await until(() => ngx.oldWorkers().length === 0,
        { timeout: 60000, what: 'the old workers are gone' });
      t.match(ngx.log(), /301 calls go to the workers that follow/);
      t.is(new Set(app.calls.map(({ headers }) =>
        headers['x-socketio-id'])).size, 301);
      t.is((await webhooks()).dropped, 0);
    });

  test(name('and on, if those end before they have looked'), async (t) => {
    const bob = await client('bob');
    app.calls = [];
    await app.stop();

    for (let n = 0; n < 20; n++) {
      bob.emit('later', n);
    }

    await until(async () => (await webhooks()).waiting === 20,
      { what: 'all wait' });
    bob.disconnect();
    await app.listen();

    // the first ones must not hand over yet, nor the second ones look

    const signal = (pids, sig) => pids.forEach((pid) => ngx.kill(pid, sig));
    const all = ngx.workers();

    const next = async () => {
      const others = () => ngx.workers().filter((pid) => !all.includes(pid));

      process.kill(ngx.master, 'SIGHUP');
      await until(async () => others().length === workers
        && (await ngx.get('/healthz')).status > 0, { what: 'the next ones' });
      const pids = others();
      all.push(...pids);

      return pids;
    };

    const first = [...all];
    signal(first, 'SIGSTOP');
    const second = await next();
    signal(second, 'SIGSTOP');
    signal(first, 'SIGCONT');
    await until(() => / 20 calls go to the workers that follow/
      .test(ngx.log()), { what: 'they are handed over' });
    await next();
    signal(second, 'SIGQUIT');
    signal(second, 'SIGCONT');

    await until(() => new Set(app.calls.map(({ body }) => body.data)).size
      === 20, { what: 'all are made' });
    await until(() => ngx.oldWorkers().length === 0,
      { timeout: 60000, what: 'the old workers are gone' });
    t.is((await webhooks()).dropped, 0);
  });

  test(name('what nobody calls any more is given up'), async (t) => {
    const bob = await client('bob');
    await app.stop();
    t.is(await ask(bob, 'later'), null);
    await until(async () => (await webhooks()).waiting === 1);
    bob.disconnect();
    await ngx.reload({ app: rules().replaceAll('/app/later', '/app/none') });
    await until(() => /a call of "\/app\/later" that a worker left is given up/
      .test(ngx.log()), { what: 'it is given up' });
    t.is((await webhooks()).dropped, 1);

    // nor do the new ones take more than they have room for

    await ngx.reload({ app: rules('webhook failures=3 pause=1h;') });
    const cid = await client('cid');
    for (let n = 0; n < 20; n++) {
      cid.emit('later', n);
    }
    await until(async () => (await webhooks()).waiting === 20);
    cid.disconnect();
    await ngx.reload({ app: rules('webhook max=1 queue=1;') });
    await until(() => /a worker left is given up, since there is no room/
      .test(ngx.log()), { what: 'some are given up' });
    await app.listen();
    await until(async () => (await webhooks()).waiting === 0,
      { what: 'the others are made' });
    await ngx.stop();
    await app.stop();

    if (workers > 1) {
      ngx = await start('webhook failures=3 pause=1h;');
      const cat = await client('cat');
      t.is(await ask(cat, 'later'), null);
      process.kill(ngx.master, 'SIGQUIT');
      await until(() => ngx.ended, { what: 'the end', timeout: 60000 });
      t.match(ngx.log(), /1 calls are given up, since the worker ends/);
      cat.disconnect();
      await ngx.stop();
    }

    await app.listen();
    ngx = await start('webhook failures=3 pause=500ms;');
  }, { timeout: 120000 });

  test(name('no connection is free: calls wait, and nobody is blamed'),
    async (t) => {
      const small = await Nginx.start({ workers: 1, connections: 40,
        app: rules('webhook failures=1 pause=1h;'),
        files: { 'hook.key': key }, locations: locations(app.port) });
      const crowd = [];
      const full = /no connection is free for calls of "\/app\/event"/;
      let waits;

      answers.ok = { ack: [null, 'ok'] };

      while (!full.test(small.log())) {
        crowd.push(await connect(small, { auth: { user: 'x' } }));
        waits = ask(crowd[0], 'ok');
        await Promise.race([waits, until(() => full.test(small.log()))]);
      }

      crowd.slice(1).forEach((socket) => socket.disconnect());
      t.deepIs(await waits, [null, 'ok']);
      t.is((await small.status()).total.webhook.failed, 0);
      await small.stop();
    });

  test(name('a worker that is killed takes its own with it'), async (t) => {
    const waiting = [];
    answers.block = () => new Promise((done) => waiting.push(done));

    const crowd = await Promise.all(Array.from({ length: 4 * workers },
      (_, n) => client(`k${n}`)));
    const pids = await Promise.all(crowd.map(async (socket) =>
      Number((await ask(socket, 'pid'))[1])));
    const acks = crowd.map(() => null);
    const ended = crowd.map(() => false);

    crowd.forEach((socket, n) => {
      socket.emit('block', (...args) => { acks[n] = args; });
      socket.on('disconnect', () => { ended[n] = true; });
    });
    await until(() => waiting.length === crowd.length, { what: 'all calls' });

    const victim = pids[0];
    ngx.kill(victim);
    await until(() => pids.every((pid, n) => pid !== victim || ended[n]),
      { what: 'its clients notice' });
    waiting.forEach((done) => done({ ack: [null, 'in'] }));
    await until(() => pids.every((pid, n) => pid === victim || acks[n]),
      { what: 'the others are acked' });
    t.ok(pids.every((pid, n) => pid === victim
      || (!ended[n] && acks[n][1] === 'in')));

    await until(async () => {
      const bob = await client('bob').catch(() => null);
      const ack = bob && await ask(bob, 'ok');
      bob?.disconnect();
      return ack?.[1] === 'ok';
    }, { what: 'it goes on' });
    await until(async () => (await webhooks()).running === 0,
      { what: 'nothing runs' });
    crowd.forEach((socket) => socket.disconnect());
  });

  test(name('an application in Python that crashes'), async (t) => {
    const python = await PythonApplication.start({ key });
    await ngx.stop();
    ngx = await start('webhook failures=1000;', python.port);
    const bob = await client('bob');
    const slow = ask(await client('cat'), 'slow', 30);

    t.deepIs(await ask(bob, 'echo', 1), [null, 1]);
    t.deepIs(await ask(bob, 'crash'), unavailable);
    t.deepIs(await slow, unavailable);
    await python.run();
    await until(async () => (await ask(bob, 'echo', 2))?.[1] === 2,
      { what: 'it answers again' });

    await python.stop('SIGKILL');
    t.deepIs(await ask(bob, 'echo', 3), unavailable);
    await ngx.stop();
  });

  test(name('nginx ends while calls run'), async (t) => {
    ngx = await start();
    const bob = await client('bob');
    let asked = 0;
    answers.block = () => new Promise(() => { asked += 1; });
    bob.emit('block');
    await until(() => asked === 1, { what: 'the call' });
    await ngx.stop();
    t.ok(true);
  });
}

test('nginx -t says what is wrong with forward', (t) => {
  const wrong = (app, files = { 'hook.key': key }) =>
    Nginx.check({ app, files }).output;
  const rule = (text) => `namespace / { authenticate none; ${text} }`;

  t.match(wrong(rule('on x { forward http://a/b; }')),
    /"http:\/\/a\/b" is not the path of a location of this server/);
  t.match(wrong(rule('on x { forward /a retry=1; }')),
    /"retry=1" is unknown in "forward", which has timeout=TIME and async/);
  t.match(wrong(rule('on x { forward /none; }')),
    /\[warn\].*has no location for "\/none" in .*nginx\.conf:\d+/);
  t.ok(!/\[warn\]/.test(wrong(rule('on x { forward /api/x?y=1; }'))));
  t.match(wrong('webhook max=0;'),
    /invalid value "max=0", it must be between 1 and 10000/);
  t.match(wrong('webhook speed=1;'),
    /invalid parameter "speed=1" of "webhook"/);
  t.match(wrong('webhook pause=0;'), /invalid value "pause=0"/);
  t.match(wrong('webhook pause=18446744073709552;'),
    /invalid value "pause=18446744073709552"/);
  t.match(wrong('webhook max=1 queue=2 max=1;'), /"max=" stands there twice/);
  t.match(wrong('webhook max=1;\n webhook queue=1;'),
    /"webhook" directive is duplicate/);
  t.match(wrong(rule('on x { forward /a async async; }')),
    /"async" stands there twice/);
  t.match(wrong(rule('on x { forward /a timeout=1s timeout=1s; }')),
    /"timeout" stands there twice/);
  t.match(wrong('webhook_key_file none.key;'), /none\.key" failed/);
  t.match(wrong('webhook_key_file e.key;', { 'e.key': '\n# x\n' }),
    /no key in/);
  t.match(wrong('webhook_key_file s.key;', { 's.key': 'short\n' }),
    /a key is shorter than 16 characters/);
  t.match(wrong('webhook_key_file a.key; webhook_key_file a.key;',
    { 'a.key': key }), /"webhook_key_file" directive is duplicate/);
  t.match(wrong('webhook_key_file z.key;', { 'z.key': `${key}\0\n${key}` }),
    /\[emerg\] a zero byte in "\S+\/z\.key" in \S+nginx\.conf:\d+/);
  t.match(wrong('webhook_key_file open.txt;', { 'open.txt': key }),
    /\[warn\] everybody may read the secret in "\S+\/open\.txt"/);
});
