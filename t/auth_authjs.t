#!/usr/bin/env node
'use strict';

// authenticate authjs: the session cookie of Auth.js, as the npm package
// makes it, and as jose makes what that package would take.

const { createHash, hkdfSync } = require('node:crypto');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');
const { until } = require('./lib/wait');
const { jose, secret } = require('./lib/tokens');

const authjs = import('@auth/core/jwt');

const secrets = {
  new: 'the secret of AUTH_SECRET, as openssl rand -base64 33 makes it',
  old: 'the one before, which is rotated out these days, but not yet',
};

const name = 'authjs.session-token';
const secure = '__Secure-authjs.session-token';
const user = { sub: 'u7', name: 'Ann Arbor', email: 'ann@a.example',
  picture: null };

const rules = `
    on who { ack $user $claim.name $claim.email; }
    on all { ack $claim; }`;

const app = `
  namespace / {
    authenticate authjs secret_file=new.key secret_file=old.key;${rules}
  }
  namespace /own {
    authenticate authjs secret_file=new.key cookie=session user=email
                        from=auth.token;${rules}
  }
  namespace /now {
    authenticate authjs secret_file=new.key cookie=session from=auth.token
                        leeway=0;${rules}
  }`;

const now = () => Math.floor(Date.now() / 1000);

// As Auth.js does it, or with one thing otherwise.

const token = async (changes = {}) => (await authjs).encode({ token: user,
  secret: secrets.new, salt: name, maxAge: 600, ...changes });

const derived = (salt, bytes, key = secrets.new) => Buffer.from(hkdfSync(
  'sha256', key, salt, `Auth.js Generated Encryption Key (${salt})`, bytes));

async function jwe(header, claims, key) {
  const { EncryptJWT } = await jose;

  return new EncryptJWT(claims).setProtectedHeader({ alg: 'dir', ...header })
    .encrypt(key);
}

const cookie = (value, key = name) =>
  ({ extraHeaders: { cookie: `x=y; ${key}=${value}; z=1` } });

function suite(workers) {
  const named = (text) => `${text}, ${workers} workers`;
  let ngx;

  const who = async (options) => {
    const socket = await connect(ngx, options);
    const answer = await ask(socket, 'who');

    socket.disconnect();
    return answer;
  };

  const refused = async (t, options, message = 'invalid token') => {
    let answer;

    try {
      answer = await who(options);
    } catch (error) {
      t.is(error.message, message);
      t.is(error.data.code, 'forbidden');
      return;
    }

    t.ok(false, `${answer} is in`);
  };

  test(named('nginx is there'), async () => {
    ngx = await Nginx.start({ workers, app, files: {
      'new.key': `${secrets.new}\n`, 'old.key': secrets.old } });
  });

  test(named('a session of Auth.js'), async (t) => {
    const value = await token();

    for (const transport of ['websocket', 'polling', 'upgrade']) {
      t.deepIs(await who({ transport, ...cookie(value) }),
        ['u7', 'Ann Arbor', 'ann@a.example']);
    }

    const socket = await connect(ngx, cookie(value));
    const all = await ask(socket, 'all');
    t.deepIs(Object.keys(all).sort(),
      ['email', 'exp', 'iat', 'jti', 'name', 'picture', 'sub']);
  });

  test(named('with https the cookie has another name, and key'),
    async (t) => {
      t.is((await who(cookie(await token({ salt: secure }), secure)))[0],
        'u7');
      await refused(t, cookie(await token({ salt: 'other' })));
      await refused(t, cookie(await token(), 'session'),
        'authentication required');
    });

  test(named('a secret that is rotated out'), async (t) => {
    t.is((await who(cookie(await token({ secret: secrets.old }))))[0], 'u7');
    t.is((await who(cookie(await token({ secret: [secrets.old, 'x'] }))))[0],
      'u7');
    await refused(t, cookie(await token({ secret: 'some other secret' })));
    await refused(t, cookie(await token({ secret: `${secrets.new}\n` })));
  });

  test(named('a cookie in chunks'), async (t) => {
    const value = await token({ token: { ...user, note: 'x'.repeat(4000) } });
    const chunks = value.match(/.{1,1500}/g);
    const cookies = chunks.map((text, n) => `${name}.${n}=${text}`);

    t.ok(chunks.length > 3);
    t.is((await who({ extraHeaders: { cookie: cookies.join('; ') } }))[0],
      'u7');
    t.is((await who({ extraHeaders: {
      cookie: cookies.reverse().join('; ') } }))[0], 'u7');
    cookies.pop();
    await refused(t, { extraHeaders: { cookie: cookies.join('; ') } },
      'authentication required');
  });

  test(named('AES-GCM, and no id of a key'), async (t) => {
    const claims = { ...user, exp: now() + 60 };
    const cbc = { enc: 'A256CBC-HS512' };
    const gcm = { enc: 'A256GCM' };
    const kid = (key, hash) => createHash(hash).update(JSON.stringify(
      { k: key.toString('base64url'), kty: 'oct' })).digest('base64url');

    for (const key of [derived(name, 64), derived(name, 64, secrets.old)]) {
      t.is((await who(cookie(await jwe(cbc, claims, key))))[0], 'u7');
      t.is((await who(cookie(await jwe({ ...cbc, kid: kid(key, 'sha512') },
        claims, key))))[0], 'u7');
      await refused(t, cookie(await jwe({ ...cbc, kid: 'x' }, claims, key)));
    }

    const key = derived(name, 32);
    t.is((await who(cookie(await jwe(gcm, claims, key))))[0], 'u7');
    t.is((await who(cookie(await jwe({ ...gcm, kid: kid(key, 'sha256') },
      claims, key))))[0], 'u7');
    await refused(t, cookie(await jwe(gcm, claims, derived(name, 32, 'x'))));
  });

  test(named('other ways are refused'), async (t) => {
    const { CompactEncrypt } = await jose;
    const claims = { ...user, exp: now() + 60 };
    const key = (bytes) => derived(name, bytes);

    for (const [enc, bytes] of [['A128GCM', 16], ['A192GCM', 24],
      ['A128CBC-HS256', 32], ['A192CBC-HS384', 48]]) {
      await refused(t, cookie(await jwe({ enc }, claims, key(bytes))));
    }

    const wrapped = await new CompactEncrypt(
      Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' }).encrypt(key(32));
    await refused(t, cookie(wrapped));

    // a token in a token, signed with what encrypts, and no object

    const nested = await new CompactEncrypt(Buffer.from(await token()))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(key(32));
    await refused(t, cookie(nested));
    await refused(t, cookie(await secret('HS512', secrets.new).sign(claims)));

    for (const text of ['', '[]', '{"sub":"u7","sub":"u8"}', '{}']) {
      await refused(t, cookie(await new CompactEncrypt(Buffer.from(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(key(32))));
    }
  });

  test(named('what was changed is refused'), async (t) => {
    for (const good of [await token(),
      await jwe({ enc: 'A256GCM' }, user, derived(name, 32))]) {
      const parts = good.split('.');

      for (let n = 0; n < 5; n++) {
        const bytes = Buffer.from(parts[n], 'base64url');

        for (const change of [(b) => b.subarray(1), (b) => b.subarray(0, -1),
          (b) => Buffer.concat([b, Buffer.from('x')]), () => Buffer.alloc(0),
          (b) => Buffer.from(b.map((x, i) => x ^ (i === b.length - 1)))]) {
          const bad = change(bytes);

          if (!bad.equals(bytes)) {
            await refused(t, cookie(parts.map((part, i) =>
              (i === n ? bad.toString('base64url') : part)).join('.')));
          }
        }
      }

      await refused(t, cookie(`${good}.`));
      await refused(t, cookie(good.split('.').slice(0, 4).join('.')));
    }
  });

  test(named('a session that is over, and one that is refreshed'),
    async (t) => {
      await refused(t, cookie(await token({ maxAge: -20 })), 'token expired');
      t.is((await who(cookie(await token({ maxAge: -5 }))))[0], 'u7');

      const short = (seconds) => token({ salt: 'session', maxAge: seconds });
      const [one, two] = await Promise.all([1, 2].map(async () =>
        connect(ngx, { nsp: '/now', auth: { token: await short(3) } })));
      const told = once(one, 'auth:expired');
      const gone = once(one, 'disconnect');
      const from = now();
      let lost = 0;

      two.on('disconnect', () => { lost++; });
      t.is(await ask(two, 'auth:refresh', await short(600)), null);
      t.is((await ask(two, 'auth:refresh', await token())).code,
        'forbidden', 'of another cookie');
      t.is((await ask(two, 'auth:refresh', await token({ salt: 'session',
        token: { ...user, sub: 'u8' } }))).message,
      "the token is another user's");

      await told;
      t.is((await gone)[0], 'io server disconnect');
      await until(() => now() > from + 3);
      t.is((await ask(two, 'who'))[0], 'u7');
      t.is(lost, 0);
      two.off('disconnect');
    });

  test(named('another claim is the user'), async (t) => {
    t.is((await who({ nsp: '/own', auth: {
      token: await token({ salt: 'session' }) } }))[0], 'ann@a.example');
    t.is((await who({ nsp: '/own',
      ...cookie(await token({ salt: 'session' }), 'session') }))[0],
    'ann@a.example');
    await refused(t, { nsp: '/own' }, 'authentication required');
  });

  test(named('nothing of a token or a secret is in the log'), (t) => {
    t.ok(!/eyJ[\w-]{20}/.test(ngx.log()));
    t.ok(!ngx.log().includes(secrets.new));
  });
}

suite(1);
suite(4);
