#!/usr/bin/env node
'use strict';

// authenticate jwt: who the token says, as long as it says.  What is no token,
// or not one for us, is in attack.t.

const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { open, connect, once, ask, upgraded } = require('./lib/clients');
const { until, sleep } = require('./lib/wait');
const { pair, secret, jwks } = require('./lib/tokens');
const { algorithms, namespaces, keyring, hmac } =
  require('./lib/token_attacks');

const rules = `
    on who    { ack $user $claim; }
    on role   { ack '{"role": $claim.role, "org": $claim.org.ids[1]}'; }
    on hello  { relay to user:$.to; }
    on boss   { check $claim.role = boss; ack '"yes"'; }`;

const app = `${namespaces(rules)}
  namespace / {
    authenticate jwt key_file=hs.key leeway=0;${rules}
    on connect    { emit hi to self with $claim; }
    on disconnect { emit gone to all with '[$user, $reason]'; }
  }
  namespace /strict {
    authenticate jwt key_file=hs.key key_file=old.key aud=chat aud=talk
                     iss=https://a.example iss=https://b.example
                     user=profile.id leeway=1m;${rules}
  }
  namespace /from {
    authenticate jwt key_file=hs.key from=auth.session.jwt from=header
                     from=cookie:session from=arg:token;${rules}
  }`;

const transports = ['websocket', 'polling', 'upgrade'];

const old = secret('HS256', 'another secret, which is on its way out');
const claims = { sub: 'ann', role: 'boss', org: { ids: [7, 8] } };

const now = () => Math.floor(Date.now() / 1000);

// A socket with a token, and one that is refused.

const by = (ngx, nsp, token, options) =>
  connect(ngx, { nsp, auth: { token }, ...options });

async function refused(t, ngx, nsp, token, message = 'invalid token',
                       options = {}) {
  let socket;

  try {
    socket = await by(ngx, nsp, token, options);
  } catch (error) {
    t.is(error.message, message);
    t.is(error.data.code, 'forbidden');
    return;
  }

  t.ok(false, `${socket.id} is in`);
}

const all = keyring();

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx;
  let keys;
  let hs;

  test(name('nginx is there'), async () => {
    keys = await all;
    hs = keys.hs;
    ngx = await Nginx.start({ workers, app,
                              files: { ...keys.files, 'old.key': old.text } });
  });

  test(name('each algorithm'), async (t) => {
    for (const alg of algorithms) {
      const socket = await by(ngx, `/${alg}`,
        await keys.of(alg).sign(claims, { exp: '1h', iat: now() }));
      const [user, all] = await ask(socket, 'who');

      t.is(user, 'ann', alg);
      t.is(all.role, 'boss');
      socket.disconnect();
    }
  });

  test(name('another key of the same kind is refused'), async (t) => {
    for (const alg of algorithms) {
      const key = alg.startsWith('HS') ? secret(alg, `${hs.text}?`)
        : await pair(alg, { n: 1 });
      await refused(t, ngx, `/${alg}`, await key.sign(claims));
    }
  });

  test(name('what looks odd, and is a token'), async (t) => {
    await by(ngx, '/', hmac({ alg: 'HS256', typ: 'JWT', x: 1 }, claims));

    const [user] = await ask(await by(ngx, '/',
      hmac({ alg: 'HS256' }, { sub: 77 })), 'who');
    t.is(user, '77', 'a number is an id');
  });

  test(name('what is too long is refused'), async (t) => {
    await refused(t, ngx, '/', 'a'.repeat(500000));

    const [, all] = await ask(await by(ngx, '/',
      await hs.sign({ ...claims, x: 'x'.repeat(8000) })), 'who');
    t.is(all.x.length, 8000);
  });

  test(name('no token is no user'), async (t) => {
    await refused(t, ngx, '/', undefined, 'authentication required');
    await refused(t, ngx, '/', '', 'authentication required');
    await refused(t, ngx, '/', 5);
    await refused(t, ngx, '/', { token: 'x' }, 'authentication required');
  });

  test(name('the times of a token'), async (t) => {
    await refused(t, ngx, '/', await hs.sign(claims, { exp: now() - 1 }),
      'token expired');
    await refused(t, ngx, '/', await hs.sign(claims, { nbf: now() + 60 }));
    await refused(t, ngx, '/', await hs.sign(claims, { iat: now() + 60 }));
    await by(ngx, '/', await hs.sign(claims, { exp: now() + 600,
      nbf: now(), iat: now() }));
  });

  test(name('who it is for, and from'), async (t) => {
    const all = { profile: { id: 'ann' }, aud: 'chat',
      iss: 'https://a.example' };
    const strict = async (changes, times, key = hs) =>
      key.sign({ ...all, ...changes }, times);
    const [user] = await ask(await by(ngx, '/strict', await strict()), 'who');

    t.is(user, 'ann');
    await by(ngx, '/strict', await strict({ aud: ['x', 'talk'] }));
    await by(ngx, '/strict', await strict({ iss: 'https://b.example' }));
    await by(ngx, '/strict', await strict({}, {}, old));
    await by(ngx, '/strict', await strict({}, { exp: now() - 30 }));

    for (const bad of [{ aud: 'x' }, { aud: undefined }, { aud: [] },
      { aud: ['chatt'] }, { aud: { chat: 1 } }, { aud: 'Chat' },
      { iss: 'https://c.example' }, { iss: undefined }, { iss: null },
      { profile: 'ann' }, { profile: {} }, { profile: { id: '' } }]) {
      await refused(t, ngx, '/strict', await strict(bad));
    }

    await refused(t, ngx, '/strict', await strict({}, { exp: now() - 90 }),
      'token expired');
  });

  test(name('claims in rules'), async (t) => {
    const boss = await by(ngx, '/', await hs.sign(claims));
    const clerk = await by(ngx, '/', await hs.sign({ sub: 'bob' }));

    t.deepIs(await ask(boss, 'role'), { role: 'boss', org: 8 });
    t.deepIs(await ask(clerk, 'role'), { role: null, org: null });
    t.is(await ask(boss, 'boss'), 'yes');
    t.is((await ask(clerk, 'boss')).code, 'forbidden');
  });

  test(name('where the token is'), async (t) => {
    const good = await hs.sign(claims);
    const who = async (options) => (await ask(await connect(ngx,
      { nsp: '/from', ...options }), 'who'))[0];
    const cut = good.length >> 1;

    for (const transport of transports) {
      const header = (headers) => ({ transport, extraHeaders: headers });

      t.is(await who({ transport, auth: { session: { jwt: good } } }), 'ann');
      t.is(await who(header({ authorization: `Bearer ${good}` })), 'ann');
      t.is(await who(header({ authorization: `bearer  ${good}` })), 'ann');
      t.is(await who(header({ cookie: `a=b; session=${good}; c=d` })), 'ann');
      t.is(await who(header({ cookie: `session.1=${good.slice(cut)}; `
        + `session.0=${good.slice(0, cut)}` })), 'ann');
      t.is(await who({ transport, query: { token: good } }), 'ann');
    }

    await refused(t, ngx, '/from', good, 'authentication required');
    await refused(t, ngx, '/from', '', 'authentication required',
      { extraHeaders: { authorization: `Basic ${good}` } });
    await refused(t, ngx, '/from', '', 'invalid token',
      { auth: { session: { jwt: 'x' } },
        extraHeaders: { authorization: `Bearer ${good}` } });
  });

  test(name('a token that ends takes its socket with it'), async (t) => {
    await Promise.all(transports.map(async (transport) => {
      const socket = await by(ngx, '/',
        await hs.sign(claims, { exp: now() + 3 }), { transport });
      const told = once(socket, 'auth:expired');

      t.is((await ask(socket, 'who'))[0], 'ann');
      const [reason] = await once(socket, 'disconnect');
      await told;
      t.is(reason, 'io server disconnect');
    }));
  });

  test(name('a token that is refreshed in band keeps its socket'),
    async (t) => {
      await Promise.all(transports.map(async (transport) => {
        const exp = now() + 3;
        const socket = await by(ngx, '/',
          await hs.sign({ ...claims, n: 1 }, { exp }), { transport });
        let lost = 0;

        socket.on('auth:expired', () => { lost++; });
        socket.on('disconnect', () => { lost++; });

        t.is(await ask(socket, 'auth:refresh',
          await hs.sign({ ...claims, n: 2 }, { exp: now() + 600 })), null);
        t.is((await ask(socket, 'who'))[1].n, 2);
        await until(() => now() > exp + 1, { timeout: 30000 });
        t.is((await ask(socket, 'who'))[0], 'ann');
        t.is(lost, 0);
        socket.off('disconnect');
        socket.disconnect();
      }));
    });

  test(name('a refresh that is not good changes nothing'), async (t) => {
    const socket = await by(ngx, '/', await hs.sign(claims, { exp: '1h' }));
    const refresh = (...args) => ask(socket, 'auth:refresh', ...args);

    t.deepIs(await refresh(await hs.sign({ sub: 'bob' }, { exp: '1h' })),
      { code: 'forbidden', message: "the token is another user's" });
    t.deepIs(await refresh(await old.sign(claims)),
      { code: 'forbidden', message: 'invalid token' });
    t.deepIs(await refresh(await hs.sign(claims, { exp: now() - 1 })),
      { code: 'forbidden', message: 'token expired' });

    for (const bad of [[], [5], [null], [{ token: 'x' }], [['x']],
      [Buffer.from('x')]]) {
      t.is((await refresh(...bad)).code, 'invalid');
    }

    t.is((await refresh('')).code, 'forbidden');
    t.deepIs((await ask(socket, 'who'))[1].role, 'boss');

    // and one that never ends is fine

    t.is(await refresh(await hs.sign({ sub: 'ann' })), null);
    t.deepIs(await ask(socket, 'who'), ['ann', { sub: 'ann' }]);
  });

  // With one worker there is nowhere to go.

  test(name('identity moves with the session'), async (t) => {
    const sockets = await Promise.all(Array.from({ length: 12 }, async () =>
      by(ngx, '/', await hs.sign(claims, { exp: now() + 5 }),
        { transport: 'upgrade' })));

    for (const socket of sockets) {
      await upgraded(socket);
      t.deepIs(await ask(socket, 'role'), { role: 'boss', org: 8 });
    }

    await Promise.all(sockets.map((socket) => Promise.all([
      once(socket, 'auth:expired'), once(socket, 'disconnect')])));
  });

  test(name('a user is revoked at once'), async (t) => {
    const sockets = await Promise.all([1, 2, 3, 4].map(async () =>
      by(ngx, '/', await hs.sign({ sub: 'eve' }, { exp: '1h' }))));
    const gone = sockets.map((socket) => once(socket, 'disconnect'));
    const answer = await ngx.get('/api/disconnect', { method: 'POST',
      body: '{"user":"eve"}',
      headers: { 'content-type': 'application/json' } });

    t.is(answer.status, 200);
    t.deepIs((await Promise.all(gone)).map(([reason]) => reason),
      sockets.map(() => 'io server disconnect'));
  });

  test(name('keys are rotated while clients connect'), async (t) => {
    const file = path.join(ngx.prefix, 'jwks.json');
    const write = (text) => {
      fs.writeFileSync(`${file}.new`, text);
      fs.renameSync(`${file}.new`, file);
    };
    const keys = [await pair('ES256', { kid: 'k0' })];
    const wrong = [];
    let stop = false;
    let connected = 0;

    const known = (n) => until(() => ngx.workers().every((pid) => new RegExp(
      `${pid}#\\d+: socketio: "[^"]*jwks.json" has changed: ${n} keys`)
      .test(ngx.log())), { what: `all workers have ${n} keys` });

    write(jwks(...keys));
    await known(1);

    // Some come with the key before the newest.

    const clients = Array.from({ length: 4 }, async () => {
      while (!stop) {
        const key = keys.at(-1 - connected % Math.min(2, keys.length));

        try {
          const socket = await by(ngx, '/jwks', await key.sign(claims));
          connected++;
          socket.disconnect();
        } catch (error) {
          wrong.push(`${key.kid} of ${keys.length}: ${error.message}`);
          break;
        }
      }
    });

    for (let n = 1; n <= 6; n++) {
      const next = await pair(n % 2 ? 'EdDSA' : 'ES256', { kid: `k${n}` });
      const before = connected;

      // it is in the file, and signs from now on

      write(jwks(...keys, next));
      keys.push(next);
      await until(() => connected > before + 20 || wrong.length);
    }

    await known(7);

    // a file that is no set, or is gone, changes nothing

    for (const text of ['', '{"keys": [', '{"keys": []}', '5']) {
      const before = ngx.log().split('former keys are kept').length;

      write(text);
      await until(() => wrong.length
        || ngx.log().split('former keys are kept').length > before);
    }

    fs.unlinkSync(file);

    const before = connected;
    await until(() => connected > before + 20 || wrong.length);

    stop = true;
    await Promise.all(clients);
    t.deepIs(wrong, []);

    const stranger = await pair('ES256', { kid: 'k6' });

    await refused(t, ngx, '/jwks', await stranger.sign(claims));
    write(jwks(...Array(9).fill(stranger)));
    await by(ngx, '/jwks', await stranger.sign(claims));
    await known(9);
    await refused(t, ngx, '/jwks', await keys[6].sign(claims));
  });

  test(name('a reload changes keys and keeps sockets'), async (t) => {
    const socket = await by(ngx, '/', await hs.sign(claims, { exp: '1h' }));

    fs.writeFileSync(path.join(ngx.prefix, 'hs.key'), old.text);
    await ngx.reload();
    t.is((await ask(socket, 'who'))[0], 'ann');
    await by(ngx, '/', await old.sign(claims));
    await refused(t, ngx, '/', await hs.sign(claims));
    socket.disconnect();
  });

  test(name('nothing of a token or a key is in the log'), async (t) => {
    // one that is refused before anybody asks for its token

    t.is((await ngx.get(`/socket.io/?EIO=4&token=${await hs.sign(claims)}`
      + '&transport=x&token=eyJ' + 'x'.repeat(30))).status, 400);
    await until(() => /transport=x/.test(ngx.accessLog()));

    const log = ngx.log();

    t.match(log, /EIO=4&token=\*{50,}&transport=x&token=\*{33} /);
    t.match(ngx.accessLog(), /EIO=4&token=\*{50,}&transport=x&token=\*{33} /);

    t.ok(!log.includes(hs.text) && !log.includes(old.text));
    t.ok(!/eyJ[\w-]{20}/.test(log), log.match(/.*eyJ[\w-]{20}.*/)?.[0]);
    t.ok(!/eyJ[\w-]{20}/.test(ngx.accessLog()));
  });
}

suite(1);
suite(4);
