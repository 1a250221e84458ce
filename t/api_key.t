#!/usr/bin/env node
'use strict';

// API keys: a file that changes, what a key is for, and signatures.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { until } = require('./lib/wait');

const full = 'a-key-for-everything';
const shop = 'a-key-for-the-shop-alone';
const reader = 'a-key-that-only-reads';
const signer = 'a-secret-that-signs-requests';
const second = 'another-secret-that-signs';

const file = `
# full
${full}
  ${shop} name=shop namespace=/shop,/shop-*  event=order:*,news call=emit,join\r
${reader}\tname=reader call=rooms,users,sockets namespace=/
${signer} signed name=signer
${second} name=second signed call=emit namespace=/shop
`;

const app = `
  namespace /      { authenticate none; on "*" { ack null; } }
  namespace /shop  { authenticate none; }
  namespace "~^/shop-\\w+$" { authenticate none; }`;

const locations = `
  location /healthz { socketio_health campus; }
  location /api/ { socketio_api campus; socketio_api_key_file api.key; }`;

let ngx;

const call = (uri, { key, body, headers = {}, method = 'POST' } = {}) =>
  ngx.get(`/api/${uri}`, { method, body: body && (typeof body === 'string'
    ? body : JSON.stringify(body)),
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } });

const status = async (...args) => (await call(...args)).status;

// How the documentation has it.

function signature(secret, method, uri, body = '', time = Date.now() / 1000) {
  const text = `${time}.${method} ${uri}.${body}`;
  const mac = crypto.createHmac('sha256', secret).update(text).digest('hex');
  return `t=${time},v1=${mac}`;
}

const signed = (secret, uri, body, method = 'POST', time) => {
  const text = body && JSON.stringify(body);
  return { body: text, method, headers: { 'X-Socketio-Signature':
    signature(secret, method, `/api/${uri}`, text, time) } };
};

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);

  fact('nginx starts', async () => {
    ngx = await Nginx.start({ workers, app, locations,
                              files: { 'api.key': file } });
  });

  fact('a key is for its calls, namespaces and events', async (t) => {
    const news = { event: 'news', namespace: '/shop' };

    t.is(await status('emit', { key: full, body: { event: 'x' } }), 200);
    t.is(await status('emit', { key: shop, body: news }), 200);
    t.is(await status('emit', { key: shop,
      body: { event: 'order:new', namespace: '/shop-1' } }), 200);
    t.is(await status('join', { key: shop,
      body: { namespace: '/shop', user: 'u', rooms: ['r'] } }), 200);
    t.is(await status('rooms', { key: reader, method: 'GET' }), 200);

    for (const [uri, options, message, where] of [
      ['emit', { key: shop, body: { event: 'news' } },
        'the key is not for this namespace', 'namespace'],
      ['emit', { key: shop, body: { ...news, event: 'order' } },
        'the key is not for this event', 'event'],
      ['emit', { key: shop, body: [news, { ...news, event: 'x' }] },
        'the key is not for this event', '[1].event'],
      ['join', { key: shop, body: { user: 'u', rooms: ['r'] } },
        'the key is not for this namespace', 'namespace'],
      ['disconnect', { key: shop, body: { user: 'u', namespace: '/shop' } },
        'the key is not for this call'],
      ['emit', { key: reader, body: { event: 'x' } },
        'the key is not for this call'],
      ['users/u', { key: reader, method: 'GET' },
        'the key is not for all namespaces', 'namespace'],
      ['rooms?namespace=/shop', { key: reader, method: 'GET' },
        'the key is not for this namespace', 'namespace'],
    ]) {
      const answer = await call(uri, options);
      t.is(answer.status, 403, `${uri} ${JSON.stringify(options)}`);
      const { error } = answer.json();
      t.is(error.code, 'forbidden');
      t.is(error.message, message);
      t.is(error.path, where);
    }
  });

  fact('a signature is for one request', async (t) => {
    const body = { event: 'x', data: 'a'.repeat(20000) };
    const good = signed(signer, 'emit', body);

    t.is(await status('emit', good), 200);
    const again = await call('emit', good);
    t.is(again.status, 401);
    t.is(again.json().error.message, 'the signature was used before');

    const name = 'X-Socketio-Signature';
    const [time, v1] = good.headers[name].split(',');
    const junk = `v1=${'0'.repeat(64)}`;

    for (const list of [[v1, junk], [junk, v1], [v1, v1], [v1.toUpperCase()
      .replace('V', 'v')]]) {
      t.is(await status('emit', { ...good,
        headers: { [name]: [time, ...list].join(',') } }), 401,
           'used before, and dressed up');
    }

    const get = signed(signer, 'rooms?limit=5', undefined, 'GET');
    t.is(await status('rooms?limit=5', get), 200);
    t.is(await status('rooms?limit=5', get), 200, 'reading changes nothing');

    t.is(await status('emit', signed(second, 'emit',
      { event: 'x', namespace: '/shop' })), 200);
    t.is(await status('emit', signed(second, 'emit', { event: 'x' })), 403);
  });

  fact('several signatures, of which one fits', async (t) => {
    const body = '{"event":"x"}';
    const time = Date.now() / 1000 + 0.5;
    const [one, two] = ['unknown', signer].map((key) =>
      signature(key, 'POST', '/api/emit', body, time));

    t.is(await status('emit', { body, headers:
      { 'x-socketio-signature': `${one},${two.replace(/^.*,/, '')}` } }), 200);
  });

  fact('what is signed can not be changed', async (t) => {
    const body = { event: 'x', data: 1 };
    const now = Math.floor(Date.now() / 1000);
    const wrong = {
      'another body': { ...signed(signer, 'emit', body),
                        body: '{"event":"y"}' },
      'another call': signed(signer, 'join', body),
      'another query': signed(signer, 'emit?x', body),
      'another method': { ...signed(signer, 'emit', body, 'GET'),
                          method: 'POST' },
      'a key that does not sign': signed(full, 'emit', body),
      'an unknown key': signed('unknown', 'emit', body),
    };

    for (const [what, options] of Object.entries(wrong)) {
      const answer = await call('emit', options);
      t.is(answer.status, 401, what);
      t.is(answer.json().error.message, 'the signature is wrong', what);
    }
    for (const time of [now - 400, now + 400, 0]) {
      const answer = await call('emit', signed(signer, 'emit', body, 'POST',
                                               time));
      t.is(answer.status, 401);
      t.is(answer.json().error.message, 'the signature\'s time is not now');
    }
    for (const text of ['', 'x', `t=${now}`, `t=${now},v1=`, 't=,v1=00',
      `t=${now},v1=${'g'.repeat(64)}`, `t=${now},v1=${'0'.repeat(63)}`,
      `v1=${'0'.repeat(64)},t=${now}`, `t=-1,v1=${'0'.repeat(64)}`,
      `t=1e9,v1=${'0'.repeat(64)}`,
      `t=${now}${',v1='.padEnd(68, '0').repeat(5)}`,
      `t=9999999999999,v1=${'0'.repeat(64)}`]) {
      const answer = await call('emit', { body: '{"event":"x"}',
        headers: { 'x-socketio-signature': text } });
      t.is(answer.status, 401, text);
      t.is(answer.json().error.message, 'the signature is malformed', text);
    }
  });

  fact('a secret that signs is no bearer token', async (t) => {
    t.is(await status('emit', { key: signer, body: { event: 'x' } }), 401);
  });

  // A file that was read in this second is looked at in the next.

  const put = (text, name = 'api.key') =>
    fs.writeFileSync(path.join(ngx.prefix, name), text);
  const replace = (text) => {
    put(text, 'new.key');
    fs.renameSync(path.join(ngx.prefix, 'new.key'),
                  path.join(ngx.prefix, 'api.key'));
  };

  // All workers: each request has a connection of its own.

  const everywhere = async (key, wanted) => {
    let n = 0;
    await until(async () => {
      n = await status('emit', { key, body: { event: 'x' } }) === wanted
        ? n + 1 : 0;
      return n > 20 * workers;
    }, { what: `${key} is ${wanted} everywhere`, every: 1 });
  };

  fact('a key is exchanged without a reload', async () => {
    replace(`${full}\na-new-key-for-everything\n`);
    await everywhere('a-new-key-for-everything', 200);
    await everywhere(full, 200);
    replace('a-new-key-for-everything\n');
    await everywhere(full, 401);
    await everywhere('a-new-key-for-everything', 200);
  });

  fact('a bad file changes nothing, and is told', async (t) => {
    for (const [text, line] of [['', 'no key'], ['two words\n', 'behind a key'],
      [`${full}\nx namespace=shop\n`, 'a namespace begins with a slash']]) {
      put(text);
      await until(async () => {
        await status('emit', { key: full, body: { event: 'x' } });
        return ngx.log().includes(`socketio API: ${line}`);
      });
      t.is(await status('emit', { key: 'a-new-key-for-everything',
                                  body: { event: 'x' } }), 200);
    }
    fs.unlinkSync(path.join(ngx.prefix, 'api.key'));
    await everywhere('a-new-key-for-everything', 200);
    put(`${full}\n`);
    await everywhere(full, 200);
    await everywhere('a-new-key-for-everything', 401);
  });

  fact('no key is in the log', (t) => {
    for (const key of [full, shop, reader, signer, second, 'two words']) {
      t.ok(!ngx.log().includes(key) && !ngx.accessLog().includes(key));
    }
    t.deepIs(ngx.complaints(), []);
  });
}

test('what is wrong in a file is told with its line', (t) => {
  for (const [line, message] of [
    ['x'.repeat(20) + ' what', /behind a key stand name=, namespace=/],
    ['x'.repeat(20) + ' name=', /behind a key stand/],
    ['x'.repeat(20) + ' name=a name=b', /given twice/],
    ['x'.repeat(20) + ` name=${'n'.repeat(65)}`, /longer than 64/],
    ['x'.repeat(20) + ' namespace=shop', /begins with a slash/],
    ['x'.repeat(20) + ' namespace=/a,,/b', /item of a list is empty/],
    ['x'.repeat(20) + ' call=emit,emits', /no such call/],
    ['x\x01', /invalid character in a key/],
  ]) {
    const { ok, output } = Nginx.check({ locations,
      files: { 'api.key': `${full}\n\n# ${line}\n${line}\n` } });
    t.ok(!ok, line);
    t.match(output, message);
    t.match(output, /\[emerg\].*api\.key", line 4 in .*nginx\.conf:\d+/);
    t.ok(!output.includes('xxxx'), 'nothing of a key is told');
  }
});
