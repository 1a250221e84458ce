#!/usr/bin/env node
'use strict';

// authenticate request: the application says who a client is, by the cookies
// of its handshake.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, open, once, ask, upgraded } = require('./lib/clients');
const { until } = require('./lib/wait');
const { Redis } = require('./lib/redis');
const { Application } = require('./lib/application');

const key = 'a key that both of them know';

const rules = `
  webhook_key_file hook.key;
  webhook failures=1000;
  namespace / {
    authenticate request /app/user;
    on connect { emit hello to self with '{"user": $user, "claims": $claim}'; }
    on who     { ack null $user $claim; }
  }
  namespace /cached {
    authenticate request /app/cached?x=1 timeout=500ms cache=1h;
    on who     { ack null $user $claim; }
  }`;

const locations = (port) => `
  location /socket.io/ { socketio campus; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location /app/       { internal; proxy_pass http://127.0.0.1:${port};
                         proxy_http_version 1.1; proxy_set_header Connection "";
                       }`;

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx, app, answer;

  const client = (cookie, options) =>
    connect(ngx, { extraHeaders: { cookie }, ...options });

  const refused = (cookie, options) =>
    client(cookie, options).then(() => null, ({ message, data }) =>
      ({ message, code: data.code }));

  test(name('the cookie goes to the application, the user comes back'),
    async (t) => {
      app = await Application.start({ key,
        handle: (body, call) =>
          (typeof answer === 'function' ? answer(call) : answer) });
      ngx = await Nginx.start({ workers, app: rules, files: { 'hook.key': key },
        locations: locations(app.port) });
      answer = () => ({ user: 7, claims: { role: 'admin' }, expires: null });

      const ann = await client('session=abc; other=1', { extraHeaders: {
        cookie: 'session=abc; other=1', authorization: 'Bearer t',
        'x-forwarded-for': '192.0.2.7' } });
      const [call] = app.calls;

      t.is(call.method, 'GET');
      t.is(call.url, '/app/user');
      t.is(call.body, null);
      t.ok(call.signed);
      t.is(call.headers.cookie, 'session=abc; other=1');
      t.is(call.headers.authorization, 'Bearer t');
      t.is(call.headers['x-forwarded-for'], '192.0.2.7, 127.0.0.1');
      t.is(call.headers['x-forwarded-host'], `127.0.0.1:${ngx.port}`);
      t.deepIs(await ask(ann, 'who'), [null, '7', { role: 'admin' }]);
      ann.disconnect();
    });

  test(name('who is refused, and by what'), async (t) => {
    const none = { message: 'authentication required', code: 'forbidden' };
    const away = { message: 'try again later', code: 'unavailable' };
    const cases = [
      [{ status: 401 }, none], [undefined, none], [{ user: null }, none],
      [{ user: '' }, away], [{ claims: {} }, none],
      [{ status: 403 }, { message: 'authentication failed',
        code: 'forbidden' }],
      [{ status: 500 }, away], [{ status: 302 }, away],
      [{ status: 200, body: '<html>' }, away],
      [{ status: 200, body: '[{"user":"7"}]' }, away],
      [{ user: 1.5 }, away], [{ user: '7', role: 1 }, away],
      [{ user: '7', claims: [] }, away], [{ user: '7', expires: 'x' }, away],
      [{ user: '7', expires: 1000 }, { message: 'token expired',
        code: 'forbidden' }],
      [{ user: 'a\nb' }, { message: 'invalid user id', code: 'invalid' }],
    ];

    for (const [said, error] of cases) {
      answer = said;
      t.deepIs(await refused('session=x'), error, JSON.stringify(said));
    }

    t.match(ngx.log(), /"authenticate request" is invalid: role is unknown/);
  });

  test(name('an identity that ends is told, and ended'), async (t) => {
    answer = () => ({ user: 'bob', expires: Date.now() / 1000 + 1 });
    const bob = await client('session=bob');
    const expired = once(bob, 'auth:expired');
    const over = once(bob, 'disconnect');
    await expired;
    t.is((await over)[0] ?? await over, 'io server disconnect');
  });

  test(name('an application that is slow, or away'), async (t) => {
    let late;
    answer = () => new Promise((done) => { late = done; });
    t.deepIs(await refused('session=slow', { nsp: '/cached' }),
      { message: 'try again later', code: 'unavailable' });
    late({ user: 'late' });

    const gone = open(ngx, { extraHeaders: { cookie: 'session=gone' } });
    const before = app.calls.length;
    await until(() => app.calls.length > before, { what: 'the call' });
    gone.disconnect();
    late({ user: 'gone' });

    await app.stop();
    t.deepIs(await refused('session=slow'),
      { message: 'try again later', code: 'unavailable' });
    await app.listen();
    answer = { user: 'back' };
    await until(() => client('session=back').then(() => true, () => false),
      { what: 'it is back' });
  });

  test(name('answers are cached by cookie, refusals are not'), async (t) => {
    app.calls = [];
    answer = ({ headers }) => (headers.cookie === 'session=bad'
      ? { status: 401 } : { user: headers.cookie, claims: { a: [1] } });

    const nsp = '/cached';
    const count = (cookie) => app.calls.filter(({ headers }) =>
      headers.cookie === cookie).length;

    for (let n = 0; n < 12; n++) {
      const ann = await client('ann', { nsp });
      t.deepIs(await ask(ann, 'who'), [null, 'ann', { a: [1] }]);
      ann.disconnect();
      await refused('session=bad', { nsp });
    }

    t.is(count('session=bad'), 12);
    t.ok(count('ann') <= workers, `asked ${count('ann')} times`);

    const bob = await client('bob', { nsp });
    t.deepIs(await ask(bob, 'who'), [null, 'bob', { a: [1] }]);
    bob.disconnect();
    t.is(app.calls.at(-1).url, '/app/cached?x=1');

    // what has ended is asked for anew

    answer = () => ({ user: 'cid', expires: Date.now() / 1000 + 2 });

    for (let n = 0; n < 2; n++) {
      const cid = await client('cid', { nsp });
      await once(cid, 'auth:expired');
      cid.disconnect();
    }
  });

  test(name('who is disconnected is asked for anew, in all workers'),
    async (t) => {
      const nsp = '/cached';
      let gone = false;
      const who = ({ headers }) => (gone && headers.cookie === 'eve'
        ? { status: 401 } : { user: headers.cookie });
      const revoke = async (user) => t.is((await ngx.get('/api/disconnect',
        { method: 'POST', body: JSON.stringify({ user }) })).status, 200);

      answer = who;

      for (let n = 0; n < 12; n++) {
        (await client('eve', { nsp })).disconnect();
        (await client('fay', { nsp })).disconnect();
      }

      gone = true;
      await revoke('eve');

      for (let n = 0; n < 12; n++) {
        t.is((await refused('eve', { nsp })).message,
          'authentication required');
      }

      // the others' answers are kept

      const asked = app.calls.length;
      for (let n = 0; n < 12; n++) {
        (await client('fay', { nsp })).disconnect();
      }
      t.ok(app.calls.length - asked < workers);

      // what was said before, and comes after

      let late;
      answer = (call) => new Promise((done) => {
        late = () => done(who(call));
      });
      const error = refused('gus', { nsp });
      await until(() => late, { what: 'the call' });
      await revoke('gus');
      late();
      t.is((await error).message, 'authentication failed');
      answer = who;
      (await client('gus', { nsp })).disconnect();
    });

  test(name('a client that goes to a WebSocket while it is asked'),
    async (t) => {
      const waiting = [];
      answer = ({ headers }) => new Promise((done) =>
        waiting.push(() => done({ user: headers.cookie })));

      const sockets = Array.from({ length: 8 }, (_, n) => open(ngx, {
        transport: 'upgrade', extraHeaders: { cookie: `u${n}` } }));
      const hello = sockets.map((socket) => once(socket, 'hello'));
      await until(() => waiting.length === 8, { what: 'all calls' });
      waiting.forEach((done) => done());

      t.deepIs((await Promise.all(hello)).map(({ user }) => user),
        sockets.map((_, n) => `u${n}`));

      await Promise.all(sockets.map(upgraded));
      for (const [n, socket] of sockets.entries()) {
        t.deepIs(await ask(socket, 'who'), [null, `u${n}`, {}]);
        socket.disconnect();
      }
    });
}

test('who is disconnected on one host is asked for anew on another',
  async (t) => {
    let gone = false;
    const app = await Application.start({ key,
      handle: (body, { headers }) => (gone && headers.cookie === 'eve'
        ? { status: 401 } : { user: headers.cookie }) });
    const redis = await Redis.start();
    const [one, two] = await Promise.all([1, 2].map(() => Nginx.start({
      workers: 2, app: `redis ${redis.address}; ${rules}`,
      files: { 'hook.key': key }, locations: locations(app.port) })));
    const come = (cookie) => connect(two, { nsp: '/cached',
      extraHeaders: { cookie } }).then((socket) => socket.disconnect());

    await Promise.all([one, two].map((ngx) => Redis.joined(ngx)));
    for (let n = 0; n < 8; n++) {
      await come('eve');
    }
    gone = true;
    await come('eve');
    await one.get('/api/disconnect', { method: 'POST',
      body: JSON.stringify({ user: 'eve', namespace: '/cached' }) });
    await until(() => come('eve').then(() => false, () => true),
      { what: 'it is heard' });
    for (let n = 0; n < 8; n++) {
      t.is(await come('eve').catch(({ message }) => message),
        'authentication required');
    }
  }, { timeout: 120000 });

test('nginx -t says what is wrong', (t) => {
  const wrong = (text) => Nginx.check({
    app: `namespace / { authenticate ${text}; }` }).output;

  t.match(wrong('request'), /must have the path of a location/);
  t.match(wrong('request http://x/'), /must have the path of a location/);
  t.match(wrong('request /a cache=0'),
    /invalid value "cache=0", it must be between 1ms and 3600000ms/);
  t.match(wrong('request /a store=1'),
    /invalid parameter "store=1" of "authenticate request"/);
});
