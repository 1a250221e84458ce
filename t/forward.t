#!/usr/bin/env node
'use strict';

// forward: events are posted to an application, in Node and in Python, and
// what it answers is done.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, open, once, ask, upgraded } = require('./lib/clients');
const { until } = require('./lib/wait');
const { Application, PythonApplication } = require('./lib/application');

const key = 'a key that both of them know';
const MANY = Number(process.env.SOCKETIO_FORWARDS || 2000);

const rules = `
  webhook_key_file hook.key;
  presence grace=1ms;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { forward /app/connect; when $socket.color = blue { join sky; } }
    on *       { forward /app/event?a=1; }
    on plain   { ack null '"plain"'; }
    on after   { forward /app/event; join after;
                 emit after to self with $socket.color; ack null '"late"'; }
    on vanish  { forward /app/event async; ack null '"gone"'; }
    on two     { forward /app/event; forward /app/event; }
    on disconnect { forward /app/left;
                    emit left to lobby with '{"user": $user, "why": $reason,
                                              "color": $socket.color}'; }
    on online  { forward /app/online async; }
    on offline { forward /app/offline; emit away to lobby with $user; }
    api ring   { forward /app/ring async; emit rang to lobby with $data; }
  }
  namespace /other { authenticate none; on connect { join hall; } }`;

const locations = (port) => `
  location /socket.io/ { socketio campus; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location /app/       { internal; proxy_pass http://127.0.0.1:${port};
                         proxy_http_version 1.1; proxy_set_header Connection "";
                         subrequest_output_buffer_size 64k; }`;

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx, app, ann, bob;
  let answers = {};

  const handle = (body, call) => {
    const answer = answers[body.event] ?? answers['*'];
    return typeof answer === 'function' ? answer(body, call) : answer;
  };

  const client = (user, options) =>
    connect(ngx, { auth: { user }, ...options });

  const calls = (event) => app.calls.filter(({ body }) => body.event === event);

  test(name('a connect is asked for, and taken'), async (t) => {
    app = await Application.start({ handle, key });
    ngx = await Nginx.start({ workers, app: rules, files: { 'hook.key': key },
      locations: locations(app.port) });
    answers = { connect: () => ({ join: 'lobby', set: { color: 'red' } }) };

    ann = await client('ann');

    const [call] = calls('connect');
    t.is(call.url, '/app/connect');
    t.is(call.method, 'POST');
    t.is(call.headers['content-type'], 'application/json');
    t.match(call.headers['x-socketio-id'], /^[0-9a-f]{32}$/);
    t.ok(call.signed, 'signed');
    t.deepIs(call.body, { namespace: '/', event: 'connect',
      args: [{ user: 'ann' }], data: { user: 'ann' }, socket: ann.id,
      user: 'ann', claims: {} });
    await until(() => calls('online').length === 1, { what: 'on online' });
    t.deepIs(calls('online')[0].body, { namespace: '/', event: 'online',
      args: [], data: null, socket: null, user: 'ann', claims: {} });
  });

  test(name('a connect is refused, with what the application says'),
    async (t) => {
      const refused = async (answer) => {
        answers.connect = answer;
        const error = await client('eve').catch((e) => e);
        return { message: error.message, data: error.data };
      };

      t.deepIs(await refused({ status: 403,
        body: { code: 'banned', message: 'not you', until: 7 } }),
        { message: 'not you',
          data: { code: 'banned', message: 'not you', until: 7 } });
      t.deepIs(await refused({ status: 403, body: '<h1>Forbidden</h1>' }),
        { message: 'not allowed',
          data: { code: 'forbidden', message: 'not allowed' } });
      t.deepIs(await refused({ error: { code: 'full', message: 'no room' } }),
        { message: 'no room', data: { code: 'full', message: 'no room' } });
      t.deepIs(await refused({ status: 500 }),
        { message: 'try again later',
          data: { code: 'unavailable', message: 'try again later' } });
      t.deepIs(await refused({ disconnect: true }),
        { message: 'disconnected',
          data: { code: 'forbidden', message: 'disconnected' } });

      answers.connect = () => ({ join: 'lobby', set: { color: 'red' } });
    });

  test(name('the answer acks, and the event came with its arguments'),
    async (t) => {
      answers.echo = (body) => ({ ack: [null, ...body.args] });
      bob = await client('bob');

      t.deepIs(await ask(bob, 'echo', 1, 'zwei', { drei: [3] }),
        [null, 1, 'zwei', { drei: [3] }]);

      const { body, url } = app.calls.at(-1);
      t.is(url, '/app/event?a=1');
      t.is(body.event, 'echo');
      t.is(body.data, 1);
      t.is(body.user, 'bob');
      t.is(body.socket, bob.id);
    });

  test(name('binary comes as base64'), async (t) => {
    answers.binary = undefined;

    t.is(await ask(bob, 'binary', { a: Buffer.from('abc') }), null);

    const { body } = app.calls.find((call) => call.body.event === 'binary');
    t.deepIs(body.data, { a: { base64: 'YWJj' } });
    t.deepIs(body.args, [body.data]);

    await ask(bob, 'binary', 1, Buffer.from('d'), [{ e: Buffer.from('e') }]);
    t.deepIs(calls('binary').at(-1).body.args,
      [1, { base64: 'ZA==' }, [{ e: { base64: 'ZQ==' } }]]);
  });

  test(name('all that can be answered is done, in order'), async (t) => {
    answers.act = { join: ['one', 2], leave: 'lobby', set: { color: null },
      emit: [{ event: 'first', to: 'one', data: { n: 1 } },
             { event: 'second', to: ['2', 'lobby'], args: [1, 2] }],
      ack: [null, 'done'] };

    const heard = [];
    bob.on('first', (data) => heard.push(data));
    bob.on('second', (...args) => heard.push(args));
    const other = once(ann, 'second');

    t.deepIs(await ask(bob, 'act'), [null, 'done']);
    t.deepIs(await other, [1, 2]);
    await until(() => heard.length === 2, { what: 'both events' });
    t.deepIs(heard, [{ n: 1 }, [1, 2]]);

    answers.act = { join: 'lobby', leave: ['one', '2'], set: { color: 'red' } };
    t.is(await ask(bob, 'act'), null);
  });

  test(name('emits reach users, other namespaces, and all but some'),
    async (t) => {
      const hall = await connect(ngx, { nsp: '/other' });
      answers.act = { emit: [
        { event: 'to-user', user: 'ann', data: 1 },
        { event: 'to-hall', namespace: '/other', to: 'hall', data: 2 },
        { event: 'not-bob', to: 'lobby', except: 'user:bob', data: 3 }] };

      let wrong = false;
      bob.on('not-bob', () => { wrong = true; });
      const all = [once(ann, 'to-user'), once(hall, 'to-hall'),
        once(ann, 'not-bob')];
      await ask(bob, 'act');
      t.deepIs(await Promise.all(all), [1, 2, 3]);
      await ask(bob, 'plain');
      t.ok(!wrong);
      hall.disconnect();
    });

  test(name('what is behind forward runs with what was stored'), async (t) => {
    answers.after = { set: { color: 'green' }, ack: [null, 'early'] };
    const after = once(bob, 'after');

    t.deepIs(await ask(bob, 'after'), [null, 'early']);
    t.is(await after, 'green');

    answers.connect = { set: { color: 'blue' } };
    const sky = await client('sky');
    const heard = once(sky, 'hello');
    await ngx.emit({ event: 'hello', to: 'sky', data: 1 });
    t.is(await heard, 1);
    sky.disconnect();
    answers.connect = () => ({ join: 'lobby', set: { color: 'red' } });
  });

  test(name('what is refused is the error of the ack'), async (t) => {
    const cases = [
      [{ status: 403, body: { code: 'paid', message: 'pay first', sum: 5 } },
       { code: 'paid', message: 'pay first', sum: 5 }],
      [{ status: 422, body: { errors: ['text'] } }, { errors: ['text'] }],
      [{ status: 400, body: 'no JSON' },
       { code: 'invalid', message: 'invalid data' }],
      [{ status: 404 }, { code: 'forbidden', message: 'not allowed' }],
      [{ status: 429 }, { code: 'rate_limited', message: 'too many events' }],
      [{ error: { message: 'no' } }, { message: 'no' }],
      [{ status: 302, headers: { location: '/login' } },
       { code: 'unavailable', message: 'try again later' }],
      [{ status: 503, body: { message: 'secret' } },
       { code: 'unavailable', message: 'try again later' }],
    ];

    for (const [answer, error] of cases) {
      answers.no = answer;
      t.deepIs(await ask(bob, 'no'), error);
    }
  });

  test(name('an answer that is none is not done at all'), async (t) => {
    const unavailable = { code: 'unavailable', message: 'try again later' };
    const bad = [
      '{', '[]', 'null', '"x"', '<html>', '{"ack": 1}', '{"acks": []}',
      '{"join": "user:eve"}', '{"join": ["fine", ""]}', '{"join": 1.5}',
      '{"join": "x", "set": []}', '{"join": "x", "disconnect": 1}',
      '{"join": "x", "emit": {"to": "x"}}',
      '{"join": "x", "emit": [{"event": "connect", "to": "x"}]}',
      '{"join": "x", "emit": {"event": "e", "namespace": "/none"}}',
      '{"join": "x", "emit": {"event": "e", "to": "x", "ack": 10}}',
      '{"join": "x", "emit": {"event": "e", "user": "a", "mailbox": true}}',
      '{"join": "x", "ack": [], "error": {}}',
      '{"join": "x", "ack": [{"_placeholder": true, "num": 0}]}',
      JSON.stringify({ join: 'x', ack: ['y'.repeat(70000)] }),
    ];

    for (const body of bad) {
      answers.bad = { status: 200, body };
      t.deepIs(await ask(bob, 'bad'), unavailable, body.slice(0, 80));
    }

    let joined = false;
    bob.once('probe', () => { joined = true; });
    await ngx.emit({ event: 'probe', to: 'x' });
    await ask(bob, 'plain');
    t.ok(!joined, 'nothing of it was done');
    t.ok(ngx.log().includes('the answer of "/app/event?a=1" is invalid: '
      + 'emit.ack is only for POST emit, in '));
  });

  test(name('an answer ends the socket'), async (t) => {
    const cat = await client('cat');
    answers.bye = { ack: [null, 'bye'], disconnect: true };
    const over = once(cat, 'disconnect');

    t.deepIs(await ask(cat, 'bye'), [null, 'bye']);
    t.is((await over)[0] ?? await over, 'io server disconnect');
    await until(() => calls('disconnect').some(({ body }) =>
      body.user === 'cat'), { what: 'on disconnect' });
  });

  test(name('on disconnect outlives its socket, on offline has none'),
    async (t) => {
      answers.disconnect = (body) => ({ emit: { event: 'bill', to: 'lobby',
        data: { user: body.user, why: body.data } } });
      const dan = await client('dan');
      const bills = [];
      const lefts = [];
      const mine = ({ user }) => user === 'dan';
      ann.on('bill', (data) => bills.push(data));
      ann.on('left', (data) => lefts.push(data));
      const away = [];
      ann.on('away', (user) => away.push(user));
      const { id } = dan;

      dan.disconnect();
      await until(() => lefts.some(mine), { what: 'what is behind forward' });
      t.deepIs(bills.filter(mine),
        [{ user: 'dan', why: 'client namespace disconnect' }]);
      t.deepIs(lefts.filter(mine),
        [{ user: 'dan', why: 'client namespace disconnect', color: 'red' }]);
      await until(() => away.includes('dan'), { what: 'on offline' });
      t.is(calls('disconnect').at(-1).body.socket, id);
      t.ok(calls('offline').some(({ body }) => body.user === 'dan'));
      answers.disconnect = undefined;
    });

  test(name('async does not wait, and its answer counts for nothing'),
    async (t) => {
      let release;
      answers.vanish = () => new Promise((done) => {
        release = () => done({ disconnect: true, join: 'x' });
      });

      t.deepIs(await ask(bob, 'vanish', 5), [null, 'gone']);
      await until(() => release, { what: 'the call' });
      release();
      t.deepIs(await ask(bob, 'plain'), [null, 'plain']);
      t.is(calls('vanish')[0].body.data, 5);
    });

  test(name('a socket waits for its rule, others do not'), async (t) => {
    const waiting = [];
    answers.wait = () => new Promise((done) => waiting.push(done));

    const order = [];
    bob.emit('wait', 1, () => order.push('wait'));
    bob.emit('plain', () => order.push('plain'));
    bob.emit('echo', 2, () => order.push('echo'));
    bob.emit('none-such', () => order.push('none'));
    await until(() => waiting.length === 1, { what: 'the call' });

    t.deepIs(await ask(ann, 'plain'), [null, 'plain']);
    t.deepIs(await ask(ann, 'echo', 3), [null, 3]);
    t.deepIs(order, []);

    waiting[0]({ ack: [null] });
    await until(() => order.length === 4, { what: 'all acks' });
    t.deepIs(order, ['wait', 'plain', 'echo', 'none']);
  });

  test(name('a socket that goes takes its rule with it'), async (t) => {
    const waiting = [];
    answers.wait = () => new Promise((done) => waiting.push(done));

    for (const transport of ['websocket', 'polling']) {
      const eve = await client('eve', { transport });
      eve.emit('wait');
      eve.emit('wait');
      await until(() => waiting.length === 1, { what: 'the call' });
      eve.disconnect();
      await until(() => calls('disconnect').some(({ body }) =>
        body.user === 'eve'), { what: 'on disconnect' });
      waiting.pop()({ join: 'x', ack: [null], disconnect: true,
        emit: { event: 'ghost', to: 'lobby' } });
      app.calls = app.calls.filter(({ body }) => body.user !== 'eve');
    }

    let ghost = false;
    ann.once('ghost', () => { ghost = true; });
    t.deepIs(await ask(ann, 'echo', 1), [null, 1]);
    t.ok(!ghost);
  });

  test(name('a client goes to a WebSocket while its CONNECT waits'),
    async (t) => {
      const waiting = [];
      answers.connect = () => new Promise((done) => waiting.push(done));
      answers.act = { ack: [null] };

      const sockets = Array.from({ length: 8 }, () => open(ngx,
        { auth: { user: 'fay' }, transport: 'upgrade' }));
      const all = sockets.map((socket) => once(socket, 'connect'));
      await until(() => waiting.length === 8, { what: 'all calls' });
      waiting.forEach((done) => done({ join: 'lobby' }));
      await Promise.all(all);
      answers.connect = { join: 'lobby' };

      for (const socket of sockets) {
        const acks = [];
        for (let n = 0; n < 20; n++) {
          socket.emit('echo', n, (error, back) => acks.push(back));
        }
        await upgraded(socket);
        await until(() => acks.length === 20, { what: 'all acks' });
        t.deepIs(acks, Array.from({ length: 20 }, (_, n) => n));
        socket.disconnect();
      }
    });

  test(name(`${MANY} events of 20 sockets: none lost, each socket's in order`),
    async (t) => {
      const seen = new Map();
      answers.count = (body) => {
        const list = seen.get(body.socket) ?? [];
        seen.set(body.socket, list);
        list.push(body.data);
        return { ack: [null, body.data] };
      };

      const sockets = await Promise.all(Array.from({ length: 20 }, (_, n) =>
        client(`u${n}`, { transport: n % 4 ? 'websocket' : 'polling' })));
      const each = MANY / sockets.length;
      const want = Array.from({ length: each }, (_, n) => n);

      const got = await Promise.all(sockets.map((socket) =>
        new Promise((done) => {
          const acks = [];
          for (let n = 0; n < each; n++) {
            socket.emit('count', n, (error, back) => {
              acks.push(back);
              acks.length === each && done(acks);
            });
          }
        })));

      got.forEach((acks) => t.deepIs(acks, want));
      sockets.forEach(({ id }) => t.deepIs(seen.get(id), want));
      t.ok(app.calls.every(({ signed }) => signed));
      sockets.forEach((socket) => socket.disconnect());
    });

  test(name('the status has counted'), async (t) => {
    await until(async () => {
      const { total: { webhook } } = await ngx.status();
      return webhook.running === 0 && webhook.waiting === 0
        && webhook.calls > MANY;
    }, { what: 'counters' });

    const { total: { webhook } } = await ngx.status();
    t.ok(webhook.refused >= 5 && webhook.failed >= 2, JSON.stringify(webhook));
    t.is(webhook.dropped, 0);
  });

  test(name('an application in Python'), async (t) => {
    const python = await PythonApplication.start({ key });
    await ngx.stop();
    ngx = await Nginx.start({ workers, app: rules, files: { 'hook.key': key },
      locations: locations(python.port) });

    ann = await client('ann');
    bob = await client('bob');
    const error = await connect(ngx, { auth: { user: 'eve', banned: true } })
      .catch((e) => e);
    t.deepIs(error.data, { code: 'banned', message: 'not you', until: 7 });

    const said = once(ann, 'said');
    t.deepIs(await ask(bob, 'say', { text: 'hi' }), [null, 'bob']);
    t.deepIs(await said, { text: 'hi' });
    t.deepIs(await ask(bob, 'echo', 1, [2]), [null, 1, [2]]);
    t.is(await ask(bob, 'whatever'), null);
    t.is((await ask(bob, 'fail')).code, 'unavailable');
    t.deepIs(await ask(bob, 'slow', 0.1), [null, 0.1]);
  });
}
