'use strict';

// Keys and tokens, as the npm package jose makes them.
//
//   const keys = await pair('RS256', { kid: 'a' });
//   const others = await pair('RS256', { n: 1 });
//   keys.pem, keys.jwk                 the public key
//   await keys.sign({ sub: 'ann' }, { exp: '1h' })
//
// Secrets are keys too: secret('HS256', 'bytes').  forge() makes tokens that
// no library would.

const { createPrivateKey, createPublicKey, generateKeyPairSync } =
  require('node:crypto');

const jose = import('jose');

const encode = (value) => Buffer.from(
  typeof value === 'string' ? value : JSON.stringify(value))
  .toString('base64url');

// A token whose header and claims are as they are given.

const forge = (header, claims, signature = '') =>
  `${encode(header)}.${encode(claims)}.${
    Buffer.isBuffer(signature) ? signature.toString('base64url') : signature}`;

async function signed(key, header, claims, { exp, nbf, iat } = {}) {
  const { SignJWT } = await jose;
  const token = new SignJWT(claims).setProtectedHeader(header);

  if (exp !== undefined) {
    token.setExpirationTime(exp);
  }

  if (nbf !== undefined) {
    token.setNotBefore(nbf);
  }

  if (iat !== undefined) {
    token.setIssuedAt(iat);
  }

  return token.sign(key);
}

// The keys are read back from their PEM text: one that a job of Node has made
// shares a lock with it, and to export that key as a JWK while the job is
// collected waits for ever.

function generated(type, options) {
  const made = generateKeyPairSync(type, { ...options,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

  return {
    publicKey: createPublicKey(made.publicKey),
    privateKey: createPrivateKey(made.privateKey),
  };
}

// RSA keys take long to make: the same ones serve all its algorithms.

const rsa = [];

const generate = {
  RS: (n) => (rsa[n] ??= generated('rsa', { modulusLength: 2048 })),
  PS: (n) => generate.RS(n),
  ES: (n, bits) => generated('ec',
    { namedCurve: { 256: 'P-256', 384: 'P-384', 512: 'P-521' }[bits] }),
  Ed: () => generated('ed25519'),
};

async function pair(alg, { kid, n = 0, ...options } = {}) {
  const { exportSPKI, exportJWK } = await jose;
  const { publicKey, privateKey } = generate[alg.slice(0, 2)](n,
    alg.slice(2));

  return {
    alg,
    kid,
    pem: await exportSPKI(publicKey),
    jwk: { ...await exportJWK(publicKey), alg, use: 'sig',
           ...(kid && { kid }), ...options },
    privateKey,
    sign: (claims, times, header) => signed(privateKey,
      { alg, ...(kid && { kid }), ...header }, claims, times),
  };
}

function secret(alg, text, { kid } = {}) {
  const key = Buffer.from(text);

  return {
    alg,
    kid,
    text,
    jwk: { kty: 'oct', k: key.toString('base64url'), alg,
           ...(kid && { kid }) },
    sign: (claims, times, header) => signed(key,
      { alg, ...(kid && { kid }), ...header }, claims, times),
  };
}

const jwks = (...keys) => JSON.stringify({ keys: keys.map((k) => k.jwk) });

module.exports = { jose, generated, pair, secret, jwks, forge, encode };
