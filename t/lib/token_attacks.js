'use strict';

// Tokens of every algorithm, and those that must not be taken: rows of
// [what, namespace, token, message, headers].
//
//   const keys = await keyring();
//   Nginx.start({ app: namespaces(rules), files: keys.files })
//   for (const row of await tokens(keys)) ...
//
// Namespaces: one for each algorithm, by its name; /pem with a public key and
// a secret; /pinned with one algorithm of several; /jwks; /chat, whose
// tokens say for whom they are; /authjs.

const { createCipheriv, createHmac, hkdfSync, randomBytes } =
  require('node:crypto');
const { deflateRawSync } = require('node:zlib');
const { pair, secret, jwks, forge, encode, jose } = require('./tokens');

const algorithms = ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512',
  'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const hs = secret('HS256', 'a secret of more than thirty-two bytes');
const AUTHJS = 'the secret of AUTH_SECRET, as openssl rand -base64 33 makes it';
const COOKIE = 'authjs.session-token';

const claims = { sub: 'mallory', role: 'boss' };
const now = () => Math.floor(Date.now() / 1000);

const namespaces = (rules) => [
  ...algorithms.map((alg) => [alg, `jwt ${alg.startsWith('HS')
    ? `key_file=hs.key alg=${alg}` : `key_file=${alg}.pem`}`]),
  ['pem', 'jwt key_file=RS256.pem key_file=hs.key'],
  ['pinned', 'jwt key_file=RS256.pem alg=RS256'],
  ['jwks', 'jwt jwks_file=jwks.json'],
  ['chat', 'jwt key_file=hs.key aud=chat iss=https://a.example leeway=0'],
  ['authjs', 'authjs secret_file=authjs.key from=auth.token'],
].map(([name, auth]) => `
  namespace /${name} { authenticate ${auth};${rules} }`).join('');

// Keys of all algorithms, and the files that nginx reads them from.

async function keyring() {
  const pairs = {};

  for (const alg of algorithms.slice(3)) {
    pairs[alg] = await pair(alg, { kid: `kid-${alg}` });
  }

  const files = { 'hs.key': `${hs.text}\n`, 'authjs.key': AUTHJS,
    'jwks.json': jwks(pairs.RS256, pairs.ES256, pairs.EdDSA) };

  for (const [alg, { pem }] of Object.entries(pairs)) {
    files[`${alg}.pem`] = pem;
  }

  return { hs, pairs, files, of: (alg) => pairs[alg] || secret(alg, hs.text) };
}

// Signed with whatever secret, whatever header and claims are.

function hmac(header, body = claims, key = hs.text, hash = 'sha256') {
  const input = forge(header, body).replace(/\.$/, '');

  return `${input}.${createHmac(hash, key).update(input).digest('base64url')}`;
}

const derived = (bytes) => Buffer.from(hkdfSync('sha256', AUTHJS, COOKIE,
  `Auth.js Generated Encryption Key (${COOKIE})`, bytes));

// Encrypted as Auth.js would, and with any header.

function jwe(plain, header = {}, key = derived(32)) {
  const aad = encode({ alg: 'dir', enc: 'A256GCM', ...header });
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv)
    .setAAD(Buffer.from(aad));
  const text = Buffer.concat([cipher.update(Buffer.isBuffer(plain) ? plain
    : JSON.stringify(plain)), cipher.final()]);

  return [aad, '', ...[iv, text, cipher.getAuthTag()].map((part) =>
    part.toString('base64url'))].join('.');
}

// One algorithm in the place of another, and public keys as secrets.

async function confused(keys) {
  const rows = [];

  for (const alg of algorithms) {
    for (const other of algorithms.filter((a) => a !== alg)) {
      // RSA has both paddings and all digests

      if (!/^[RP]S/.test(alg) || !/^[RP]S/.test(other)) {
        rows.push([`${other} for ${alg}`, `/${alg}`,
                   await keys.of(other).sign(claims)]);
      }
    }
    if (/^[RP]S/.test(alg) && alg !== 'RS256') {
      rows.push([`${alg} where RS256 is pinned`, '/pinned',
                 await keys.of(alg).sign(claims)]);
    }
  }

  for (const nsp of ['/RS256', '/ES256', '/EdDSA', '/pem', '/pinned',
    '/jwks']) {
    const { pem, jwk } = keys.pairs[nsp.slice(1)] || keys.pairs.RS256;
    const base64 = pem.replace(/-+[^-]+-+|\n/g, '');

    for (const [what, text] of Object.entries({ 'a public key': pem,
      'one without its newline': pem.trim(), 'its base64': base64,
      'its bytes': Buffer.from(base64, 'base64'),
      'its JWK': JSON.stringify(jwk), nothing: '', 'a zero': '\0' })) {
      for (const bits of [256, 384, 512]) {
        rows.push([`${what} for a secret, HS${bits}`, nsp,
          hmac({ alg: `HS${bits}`, ...(jwk.kid && { kid: jwk.kid }) }, claims,
            text, `sha${bits}`)]);
      }
    }
  }

  return rows;
}

// No signature, or no token at all.

async function unsigned(keys) {
  const rows = [];

  for (const alg of ['none', 'None', 'NONE', '', 'hs256', 'HS256 ']) {
    rows.push([`alg "${alg}"`, '/HS256', forge({ alg }, claims)]);
    rows.push([`alg "${alg}"`, '/RS256', forge({ alg, typ: 'JWT' }, claims)]);
    rows.push([`alg "${alg}"`, '/jwks', forge({ alg }, claims)]);
  }

  const good = await keys.hs.sign(claims);
  const [header, payload, signature] = good.split('.');

  for (const bad of [`${header}.${payload}.`, `${header}.${payload}`,
    `.${payload}.${signature}`, `${header}..${signature}`,
    `${good}.`, `${good}=`, ` ${good}`, `${good}\n`, `${good}A`,
    `Bearer ${good}`, good.slice(0, -1), good.toUpperCase(), '.', '..',
    '...', '....', 'x', 'a.b.c', '\u0000', '[]', `${good}.${good}`,
    `${header}=.${payload}.${signature}`, `${good}.a.b`, 5, true,
    'a'.repeat(19000)]) {
    rows.push([`the token ${JSON.stringify(bad).slice(0, 60)}`, '/HS256',
               bad]);
  }

  return rows;
}

// What was signed for something else, or changed since.

async function changed(keys) {
  const rows = [];
  const { pairs } = keys;
  const [header, payload, signature] = (await hs.sign(claims)).split('.');

  rows.push(['another payload', '/HS256',
    `${header}.${encode({ ...claims, sub: 'witness' })}.${signature}`]);
  rows.push(['another header', '/HS256',
    `${encode({ alg: 'HS256', typ: 'x' })}.${payload}.${signature}`]);

  for (const alg of algorithms) {
    const parts = (await keys.of(alg).sign(claims)).split('.');
    const bytes = Buffer.from(parts[2], 'base64url');

    bytes[bytes.length >> 1] ^= 1;
    rows.push([`another signature of ${alg}`, `/${alg}`,
      `${parts[0]}.${parts[1]}.${bytes.toString('base64url')}`]);
    rows.push([`half a signature of ${alg}`, `/${alg}`,
      `${parts[0]}.${parts[1]}.${bytes.subarray(0, bytes.length >> 1)
        .toString('base64url')}`]);
    rows.push([`no signature of ${alg}`, `/${alg}`,
      forge({ alg }, claims)]);
  }

  // r and s that are zero, those of a curve's order, a signature in DER

  for (const bytes of [Buffer.alloc(64), Buffer.alloc(64, 0xff),
    Buffer.from('3006020100020100', 'hex')]) {
    rows.push([`r and s of ${bytes.length} bytes`, '/ES256',
               forge({ alg: 'ES256' }, claims, bytes)]);
  }

  // a stranger's key, in the header or wherever the header says

  const stranger = await pair('ES256', { n: 1 });
  const { n, e, ...jwk } = stranger.jwk;

  for (const [what, more] of Object.entries({
    jwk: { jwk }, jku: { jku: 'https://evil.example/jwks.json' },
    x5u: { x5u: 'file:///etc/ssl/certs/ca-certificates.crt' },
    x5c: { x5c: ['AAAA'] }, 'a known kid': { kid: pairs.ES256.kid },
    'a kid that is none': { kid: 'x' }, 'an empty kid': { kid: '' },
    'a path as kid': { kid: '../../../../../../dev/null' },
    'SQL as kid': { kid: "x' UNION SELECT 'k';--" },
    'a huge kid': { kid: 'k'.repeat(2000) } })) {
    for (const nsp of ['/ES256', '/jwks']) {
      rows.push([`a stranger's key, ${what}`, nsp,
                 await stranger.sign(claims, {}, more)]);
    }
    rows.push([`no key, ${what}`, '/jwks',
               hmac({ alg: 'HS256', ...more }, claims, '')]);
  }

  rows.push(['another kid', '/jwks', await pairs.ES256.sign(claims, {},
    { kid: pairs.RS256.kid })]);
  rows.push(['a key that is not in the set', '/jwks',
    await pairs.ES384.sign(claims)]);

  return rows;
}

// Headers and claims with a good signature.

async function malformed() {
  const rows = [];
  const wide = (count) => JSON.stringify({ ...claims,
    ...Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 0])) });

  for (const header of [{ alg: 'HS256', crit: ['exp'], exp: 1 },
    { alg: 'HS256', crit: [] }, { alg: 'HS256', b64: false },
    { alg: 'HS256', zip: 'DEF' }, { alg: ['HS256'] }, { alg: 5 }, {},
    { alg: 'HS256', kid: 5 }, [], 'x', '', '{"alg":"HS256"', 5,
    '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","a\\u006cg":"none"}',
    '{"alg":"HS256","x":1,"x":1}', '{"alg":"HS256",}',
    { alg: 'HS256', x: 'y'.repeat(3000) },
    `{"alg":"HS256","x":${'['.repeat(100)}${']'.repeat(100)}}`]) {
    rows.push([`the header ${JSON.stringify(header).slice(0, 60)}`, '/HS256',
               hmac(header)]);
  }

  for (const body of ['', '[]', '5', '"ann"', '{"sub":"ann"', '{}',
    '{"sub":"bob","sub":"ann"}', '{"sub":"ann","s\\u0075b":"ann"}',
    '{"sub":"ann","exp":1,"exp":9999999999}',
    { sub: '' }, { sub: null }, { sub: ['ann'] }, { sub: 1.5 }, { sub: true },
    { sub: {} }, { sub: 'ann', exp: '9999999999' }, { sub: 'ann', exp: -1 },
    { sub: 'ann', exp: 1e300 }, { sub: 'ann', exp: true },
    { sub: 'ann', nbf: 'x' }, { sub: 'ann', iat: null },
    `{"sub":"ann","x":${'['.repeat(100)}${']'.repeat(100)}}`,
    `{"sub":"ann","x":${'{"x":'.repeat(100)}1${'}'.repeat(100)}}`,
    { ...claims, x: 'x'.repeat(9000) }, wide(1200),
    Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1'),
    await hs.sign(claims), jwe(claims)]) {
    rows.push([`the claims ${JSON.stringify(body).slice(0, 60)}`, '/HS256',
               hmac({ alg: 'HS256' }, body)]);
  }

  rows.push(['a user with a control character', '/HS256',
    await hs.sign({ sub: 'a\u0000' }), 'invalid user id']);
  rows.push(['a user that is too long', '/HS256',
    await hs.sign({ sub: 'u'.repeat(300) }), 'invalid user id']);

  return rows;
}

// Tokens that are good ones for somebody else, or at another time.

async function elsewhere() {
  const all = { ...claims, aud: 'chat', iss: 'https://a.example' };
  const by = (changes, times) => hs.sign({ ...all, ...changes }, times);

  return [
    ['it has expired', '/chat', await by({}, { exp: now() - 1 }),
      'token expired'],
    ['it expires now', '/chat', await by({}, { exp: now() }),
      'token expired'],
    ['it expired in 1970', '/HS256', await hs.sign({ sub: 'x', exp: 0 }),
      'token expired'],
    ['it is not yet valid', '/chat', await by({}, { nbf: now() + 60 })],
    ['it was made tomorrow', '/chat', await by({}, { iat: now() + 86400 })],
    ['it has no audience', '/chat', await by({ aud: undefined })],
    ['no issuer', '/chat', await by({ iss: undefined })],
    ...await Promise.all(['x', '', [], ['chatt'], [['chat']], { chat: 1 },
      'Chat', 'chat ', 'chat,x', null].map(async (aud) =>
      [`it is for ${JSON.stringify(aud)}`, '/chat', await by({ aud })])),
    ...await Promise.all(['https://a.example/', 'https://a.example.evil.net',
      'HTTPS://a.example', ['https://a.example'], null, 0].map(async (iss) =>
      [`it is from ${JSON.stringify(iss)}`, '/chat', await by({ iss })])),
    ['there is none', '/HS256', undefined, 'authentication required'],
    ['it is empty', '/HS256', '', 'authentication required'],
    ['it is an object', '/HS256', { token: await by() },
      'authentication required'],
    ['it is a list', '/HS256', [await by()], 'authentication required'],
  ];
}

// Encrypted ones, as cookies and as auth.token.

async function encrypted() {
  const { CompactEncrypt } = await jose;
  const good = jwe({ ...claims, exp: now() + 60 });
  const parts = good.split('.');
  const swap = (i, part) => parts.with(i, part).join('.');
  const bomb = deflateRawSync(Buffer.from(JSON.stringify({ ...claims,
    x: ' '.repeat(8 << 20) })));
  const wrapped = await new CompactEncrypt(Buffer.from('{"sub":"u"}'))
    .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM' })
    .encrypt(derived(32));
  const cookies = (...pairs) => ({ Cookie: pairs.map(([name, value]) =>
    `${COOKIE}${name}=${value}`).join('; ') });
  const half = good.length >> 1;
  const [one, two] = [good.slice(0, half), good.slice(half)];
  const none = 'authentication required';

  return [
    ['a JWE for a JWS', '/HS256', good],
    ['a JWE with the secret of a JWS', '/HS256',
      jwe(claims, {}, Buffer.from(hs.text.slice(0, 32)))],
    ['a JWS for a JWE', '/authjs', await hs.sign(claims)],
    ['a JWS by the secret of a JWE', '/authjs',
      hmac({ alg: 'HS256' }, claims, AUTHJS)],
    ['a JWS in a JWE', '/authjs',
      jwe(Buffer.from(await hs.sign(claims)), { cty: 'JWT' })],
    ['a JWE in a JWE', '/authjs', jwe(Buffer.from(good), { cty: 'JWT' })],
    ['a bomb', '/authjs', jwe(bomb, { zip: 'DEF' })],
    ['a bomb that does not say so', '/authjs', jwe(bomb)],
    ['a wrapped key', '/authjs', wrapped],
    ['a password of many rounds', '/authjs', swap(0, encode({
      alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2s: 'x', p2c: 2 ** 31 }))],
    ['a curve point', '/authjs', swap(0, encode({ alg: 'ECDH-ES',
      enc: 'A256GCM', epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }))],
    ['crit', '/authjs', jwe(claims, { crit: ['exp'] })],
    ['an encryption that is none', '/authjs', jwe(claims, { enc: 'none' })],
    ['another one', '/authjs', jwe(claims, { enc: 'A256CBC-HS512' })],
    ['a key that was encrypted', '/authjs', swap(1, 'AAAA')],
    ['no tag', '/authjs', swap(4, '')],
    ['a short tag', '/authjs', swap(4, 'AAAA')],
    ['another tag', '/authjs', swap(4, 'A'.repeat(22))],
    ['no IV', '/authjs', swap(2, '')],
    ['a long IV', '/authjs', swap(2, 'A'.repeat(64))],
    ['no text', '/authjs', swap(3, '')],
    ['it has expired', '/authjs', jwe({ ...claims, exp: now() - 60 }),
      'token expired'],
    ['no user', '/authjs', jwe({ name: 'x' })],
    ['claims twice', '/authjs', jwe(Buffer.from('{"sub":"a","sub":"b"}'))],
    ['deep claims', '/authjs', jwe(Buffer.from(`{"sub":"a","x":${
      '['.repeat(500)}${']'.repeat(500)}}`))],
    ['another cookie', '/authjs', undefined, none,
      { Cookie: `${COOKIE}x=${good}` }],
    ['no first chunk', '/authjs', undefined, none, cookies(['.1', two])],
    ['no second chunk', '/authjs', undefined, 'invalid token',
      cookies(['.0', one], ['.2', two])],
    ['chunks in each other\'s place', '/authjs', undefined, 'invalid token',
      cookies(['.0', two], ['.1', one])],
    ['a chunk twice', '/authjs', undefined, 'invalid token',
      cookies(['.0', two], ['.0', one], ['.1', two])],
    ['a chunk too many', '/authjs', undefined, 'invalid token',
      cookies(['.0', one], ['.1', two], ['.2', 'AAAA'])],
    ['a cookie before the chunks', '/authjs', undefined, 'invalid token',
      cookies(['', 'x'], ['.0', one], ['.1', two])],
    ['a false one before it', '/authjs', undefined, 'invalid token',
      cookies(['', 'x'], ['', good])],
    ['a token before it', '/authjs', 'x', 'invalid token',
      cookies(['', good])],
  ];
}

const tokens = async (keys) => (await Promise.all([confused, unsigned,
  changed, malformed, elsewhere, encrypted].map((rows) => rows(keys)))).flat();

module.exports = { algorithms, namespaces, keyring, tokens, hmac, jwe, COOKIE };
