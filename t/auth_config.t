#!/usr/bin/env node
'use strict';

// What nginx -t says of keys, secrets, and the parameters of authenticate.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { generated, pair, jwks, secret } = require('./lib/tokens');

const pem = (key, type = 'spki') => key.export({ type, format: 'pem' });
const der = (key) => key.export({ type: 'spki', format: 'der' });

async function files() {
  const rsa = generated('rsa', { modulusLength: 2048 });
  const small = generated('rsa', { modulusLength: 1024 });
  const ec = generated('ec', { namedCurve: 'P-256' });
  const other = generated('ec', { namedCurve: 'secp256k1' });
  const x25519 = generated('x25519');
  const es = await pair('ES256', { kid: 'a' });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-'));

  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes',
    '-subj', '/CN=tokens', '-keyout', 'key.pem', '-out', 'cert.pem'],
  { cwd: folder, stdio: 'ignore' });

  const cert = fs.readFileSync(path.join(folder, 'cert.pem'), 'utf8');
  fs.rmSync(folder, { recursive: true });

  return {
    'good.key': 'a secret of more than thirty-two bytes\n',
    'open.txt': 'a secret of more than thirty-two bytes\n',
    'short.key': 'short',
    'empty.key': '',
    'newline.key': '\r\n',
    'zero.key': `${'x'.repeat(40)}\0${'x'.repeat(40)}`,
    'large.key': 'x'.repeat(300000),
    'rsa.pem': pem(rsa.publicKey),
    'rsa1.pem': pem(rsa.publicKey, 'pkcs1'),
    'both.pem': pem(rsa.publicKey) + pem(ec.publicKey),
    'cert.pem': cert,
    'private.pem': pem(rsa.privateKey, 'pkcs8'),
    'private1.pem': pem(ec.privateKey, 'sec1'),
    'small.pem': pem(small.publicKey),
    'curve.pem': pem(other.publicKey),
    'x25519.pem': pem(x25519.publicKey),
    'broken.pem': pem(rsa.publicKey).replace(/\n.{10}/, '\nAAAAAAAAAA'),
    'cut.pem': pem(rsa.publicKey).slice(0, 100),
    'request.pem': cert.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
    'rsa.der': der(rsa.publicKey),
    'base64.key': der(rsa.publicKey).toString('base64'),
    'body.key': cert.replace(/^-.*\n/gm, ''),
    'wide.pem': Buffer.from(`\ufeff${pem(rsa.publicKey)}`, 'utf16le'),
    'ssh.key': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhA me@here.example\n',
    'jwk.json': JSON.stringify(es.jwk),
    'good.json': jwks(es, await pair('RS256'), await pair('EdDSA'),
      secret('HS256', 'y'.repeat(32))),
    'none.json': '{"keys": []}',
    'list.json': JSON.stringify([es.jwk]),
    'enc.json': jwks(await pair('ES256', { use: 'enc' })),
    'odd.json': JSON.stringify({ keys: [5, {}, null, [], { kty: 'EC' },
      { ...es.jwk, x: 'AA' }, { ...es.jwk, y: es.jwk.x },
      { ...es.jwk, crv: 'P-384' }, { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
      { kty: 'oct', k: '' }, { kty: 'OKP', crv: 'Ed25519', x: 'AA' },
      { ...es.jwk, alg: 'none' }, { ...es.jwk, alg: 'RS256' },
      { ...es.jwk, key_ops: ['sign'] }] }),
    'some.json': JSON.stringify({ keys: [{ kty: 'x' }, es.jwk] }),
    'many.json': JSON.stringify({ keys: Array(33).fill(es.jwk) }),
  };
}

const bad = [
  ['jwt', '"authenticate jwt" must have a parameter "key_file=FILE" or '
    + '"jwks_file=FILE"'],
  ['jwt from=header', '"authenticate jwt" must have a parameter'],
  ['authjs', '"authenticate authjs" must have a parameter "secret_file='],
  ['jwt key_file=good.key x=y', 'invalid parameter "x=y" of "authenticate '
    + 'jwt"'],
  ['jwt key_file=', '"key_file=" has no value'],
  ['authjs secret_file=good.key alg=HS256', 'invalid parameter "alg=HS256"'],
  ['jwt key_file=no.key', 'can\'t open "'],
  ['jwt jwks_file=no.json', 'can\'t open "'],
  ['authjs secret_file=no.key', 'can\'t open "'],
  ['jwt key_file=.', 'not a regular file: "'],
  ['jwt key_file=empty.key', 'nothing in "'],
  ['jwt key_file=newline.key', 'nothing but a newline in "'],
  ['jwt key_file=large.key', 'too large: "'],
  ['authjs secret_file=empty.key', 'no secret in "'],
  ['authjs secret_file=newline.key', 'no secret in "'],
  ['authjs secret_file=zero.key', 'a zero byte in "'],
  ['jwt key_file=good.key aud=a\0b', 'a zero byte in the value of "aud="'],
  ['jwt key_file=private.pem', 'a private key, where the public one is '
    + 'needed, in "'],
  ['jwt key_file=private1.pem', 'a private key, where the public one'],
  ['jwt key_file=small.pem', 'an RSA key has 2048 to 8192 bits, not the one'],
  ['jwt key_file=curve.pem', 'a key that is neither RSA, P-256, P-384, P-521 '
    + 'nor Ed25519 in "'],
  ['jwt key_file=x25519.pem', 'a key that is neither RSA'],
  ['jwt key_file=broken.pem', 'a public key that can\'t be read in "'],
  ['jwt key_file=cut.pem', 'no PEM can be read in "'],
  ['jwt key_file=request.pem', 'neither a public key nor a certificate in "'],
  ['jwt key_file=rsa.der', 'a public key must be in PEM form: "'],
  ['jwt key_file=base64.key', 'a public key must be in PEM form: "'],
  ['jwt key_file=body.key', 'a public key must be in PEM form: "'],
  ['jwt key_file=wide.pem', 'a public key must be in PEM form: "'],
  ['jwt key_file=ssh.key', 'a public key must be in PEM form: "'],
  ['jwt key_file=jwk.json', 'a JWK is given by "jwks_file=", not by '
    + '"key_file=": "'],
  ['jwt jwks_file=none.json', 'no key that can be used in "'],
  ['jwt jwks_file=enc.json', 'no key that can be used in "'],
  ['jwt jwks_file=odd.json', 'no key that can be used in "'],
  ['jwt jwks_file=list.json', 'no JWK set, {"keys": [...]}, in "'],
  ['jwt jwks_file=rsa.pem', 'no JWK set, {"keys": [...]}, in "'],
  ['jwt jwks_file=many.json', 'more than 32 keys in "'],
  ['jwt key_file=good.key alg=none', 'unknown algorithm "alg=none", it must '
    + 'be one of HS256, HS384, HS512, RS256'],
  ['jwt key_file=rsa.pem alg=HS256', '"alg=" names none that is for the key'],
  ['jwt key_file=good.key alg=RS256', '"alg=" names none that is for the key'],
  ['jwt jwks_file=good.json alg=PS512', 'no key that can be used in "'],
  ['jwt key_file=good.key from=x', 'invalid "from=x", it must be "auth.NAME", '
    + '"header", "cookie:NAME" or "arg:NAME"'],
  ['jwt key_file=good.key from=cookie:', 'invalid "from=cookie:"'],
  ['jwt key_file=good.key from=cookie:a=b', '"a=b" is the name of no cookie'],
  ['jwt key_file=good.key "from=arg:a b"', '"a b" is the name of no cookie'],
  ['authjs secret_file=good.key cookie=a,b', '"a,b" is the name of no cookie'],
  ['jwt key_file=good.key from=auth.', 'invalid "from=auth."'],
  ['jwt key_file=good.key from=auth..', 'invalid "from=auth.."'],
  ['jwt key_file=good.key from=auth.a..b', 'invalid "from=auth.a..b"'],
  ['jwt key_file=good.key from=auth.a-b', 'invalid "from=auth.a-b"'],
  ['jwt key_file=good.key user=a..b', 'invalid "user=a..b", it must be the '
    + 'name of a claim'],
  ['jwt key_file=good.key user=a user=b', '"user=" stands there twice'],
  ['jwt key_file=good.key key_file=good.key', '"key_file=good.key" stands '
    + 'there twice'],
  ['jwt key_file=good.key aud=a aud=b aud=a', '"aud=a" stands there twice'],
  ['jwt key_file=good.key from=header from=header', '"from=header" stands'],
  ['authjs secret_file=good.key leeway=1s leeway=1s', '"leeway=" stands there'],
  ['jwt key_file=good.key leeway=x', 'invalid "leeway=x", it must be a time'],
  ['jwt key_file=good.key leeway=2h', 'invalid "leeway=2h"'],
];

const good = [
  ['jwt key_file=good.key'],
  ['jwt key_file=open.txt', 'everybody may read the secret in "'],
  ['authjs secret_file=good.key'],
  ['authjs secret_file=open.txt', 'everybody may read the secret in "'],
  ['jwt key_file=short.key', 'a secret shorter than 32 bytes can be guessed'],
  ['authjs secret_file=short.key', 'a secret shorter than 32 bytes can be'],
  ['jwt key_file=rsa.pem'],
  ['jwt key_file=rsa1.pem alg=PS256 alg=PS384'],
  ['jwt key_file=both.pem'],
  ['jwt key_file=cert.pem aud=a aud=b iss=c user=profile.id leeway=0'],
  ['jwt jwks_file=good.json from=auth.token from=header from=cookie:a-b.c '
    + 'from=arg:token'],
  ['jwt jwks_file=some.json', 'a key that can\'t be used is left out of "'],
  ['jwt key_file=rsa.pem jwks_file=good.json key_file=both.pem'],
];

let all;

test('keys are made', async () => {
  all = await files();
});

for (const [text, message] of bad) {
  test(`authenticate ${text} is refused`, (t) => {
    const { ok, output } = Nginx.check({ files: all,
      app: `namespace / {\n authenticate ${text};\n}` });

    t.ok(!ok);
    t.ok(output.includes(message), output);
    t.match(output, /nginx.conf:\d+\n/);
  });
}

for (const [text, warning] of good) {
  test(`authenticate ${text}`, (t) => {
    const { ok, output } = Nginx.check({ files: all,
      app: `namespace / {\n authenticate ${text};\n}` });

    t.ok(ok, output);
    t.is(/\[warn\]/.test(output), !!warning, output);
    t.ok(!warning || output.includes(warning), output);
  });
}

test('a rule for auth:refresh is refused where it is not one', (t) => {
  const app = (kind, name = 'auth:refresh') => ({ files: all, app: `
    namespace / {
      on ${name} {
        ack 1;
      }
      authenticate ${kind};
    }` });
  const { ok, output } = Nginx.check(app('jwt key_file=rsa.pem'));

  t.ok(!ok);
  t.match(output, /"auth:refresh" prolongs what "authenticate jwt" found, no/);
  t.ok(!Nginx.check(app('authjs secret_file=good.key')).ok);
  t.ok(Nginx.check(app('none')).ok);
  t.ok(Nginx.check(app('jwt key_file=rsa.pem', '"auth:*"')).ok);
});
