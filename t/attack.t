#!/usr/bin/env node
'use strict';

// A table of attacks: each is refused with what the documentation says, none
// of them reaches another client, and no worker is restarted.  What random
// bytes do is in hostile.t.

const crypto = require('node:crypto');
const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { connect, ask } = require('./lib/clients');
const { request } = require('./lib/http');
const { frame } = require('./lib/raw');
const { SioRaw } = require('./lib/sio_raw');
const { until } = require('./lib/wait');
const { H2, frame: h2frame, fields, ...h2 } = require('./lib/h2');
const { namespaces, keyring, tokens, jwe, COOKIE } =
  require('./lib/token_attacks');

const KEY = 'a-key-for-the-whole-api';
const NEWS = 'a-key-for-news-in-slash';
const SECRET = 'a-secret-that-signs-posts';

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { join all; }
    on say     { expect $.text string 1..20 "~^[\\w ]+$"; check in $.room;
                 relay to $.room; }
    on enter   { join $.room; ack null; }
    on leave   { leave $.room; ack null; }
    on admin   { check $user = root; emit secret to all; }
    on count   { expect $.n integer 1..5; emit counted to all with $.n; }
    on kind    { expect $.kind in a b; expect $.list array 1..2;
                 emit kind to all; }
    on file    { expect $[1] binary 1..4; emit file to all with $args; }
    on once    { limit 1r/m; ack null; }
    on named   { emit "named" to "room:$.room" with '{"a": "$.a"}'; ack null; }
    on mine    { emit mine to user:$.user; }
    on no      { reject forbidden "not you"; }
    api news   { emit news to nobody; }
    api guarded { check $.ok = yes; emit guarded to all; }
  }
  namespace /members { authenticate variable $http_x_member;
                       on connect { join all; } }
  namespace "~^/team-\\d+$" { authenticate none; }
  ${namespaces(`
    on connect { emit entered to inner with $user; join inner; }`)}`;

const keys = keyring();

// Handshakes and requests: method, query or path, headers, body; status, and
// the code of the engine.

const EIO = 'EIO=4&transport=polling';
const WS = 'EIO=4&transport=websocket';
const upgrade = { connection: 'Upgrade', upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
const ws = (headers) => ({ ...upgrade, ...headers });
const bearer = (key) => ({ authorization: `Bearer ${key}` });
const big = 'x'.repeat(20001);

const requests = [
  // origins
  ['a foreign origin', 'GET', EIO, { origin: 'https://evil.example' }, 403, 4],
  ['"null"', 'GET', EIO, { origin: 'null' }, 403, 4],
  ['a file', 'GET', EIO, { origin: 'file://' }, 403, 4],
  ['an origin that begins like a listed one', 'GET', EIO,
    { origin: 'https://app.example.evil.net' }, 403, 4],
  ['one that ends like it', 'GET', EIO,
    { origin: 'https://evil-app.example' }, 403, 4],
  ['another scheme', 'GET', EIO, { origin: 'http://app.example' }, 403, 4],
  ['another port', 'GET', EIO, { origin: 'https://app.example:444' }, 403, 4],
  ['a user in it', 'GET', EIO, { origin: 'https://app.example@evil.net' },
    403, 4],
  ['an expression, begun', 'GET', EIO,
    { origin: 'https://a.team.example.evil.net' }, 403, 4],
  ['an expression, ended', 'GET', EIO,
    { origin: 'https://evil.net/https://a.team.example' }, 403, 4],
  ['a dot that is none', 'GET', EIO, { origin: 'https://a.teamxexample' },
    403, 4],
  ['the host with another port', 'GET', EIO, { origin: 'http://127.0.0.1:1' },
    403, 4],
  ['a forwarded host', 'GET', EIO, { origin: 'https://evil.example',
    'x-forwarded-host': 'evil.example' }, 403, 4],
  ['an empty origin', 'GET', EIO, { origin: '' }, 403, 4],
  ['a WebSocket of a foreign origin', 'GET', WS,
    ws({ origin: 'https://evil.example' }), 403, 4],
  ['a WebSocket of "null"', 'GET', WS, ws({ origin: 'null' }), 403, 4],
  ['a preflight of a foreign origin', 'OPTIONS', EIO,
    { origin: 'https://evil.example',
      'access-control-request-method': 'POST' }, 403, 4],
  // handshakes
  ['no transport', 'GET', 'EIO=4', {}, 400, 0],
  ['an unknown transport', 'GET', 'EIO=4&transport=carrier-pigeon', {}, 400, 0],
  ['two transports', 'GET', 'EIO=4&transport=polling,websocket', {}, 400, 0],
  ['__proto__', 'GET', 'EIO=4&transport=__proto__', {}, 400, 0],
  ['a version of old', 'GET', 'EIO=3&transport=polling', {}, 400, 5],
  ['a version of the future', 'GET', 'EIO=5&transport=polling', {}, 400, 5],
  ['no version', 'GET', 'transport=polling', {}, 400, 5],
  ['a long version', 'GET', `EIO=${'4'.repeat(300)}&transport=polling`, {},
    400, 5],
  ['a POST without a session', 'POST', EIO, {}, 400, 2],
  ['a PUT', 'PUT', EIO, {}, 400, 2],
  ['a DELETE', 'DELETE', EIO, {}, 400, 2],
  ['an unknown session', 'GET', `${EIO}&sid=${'A'.repeat(20)}`, {}, 400, 1],
  ['a short session', 'GET', `${EIO}&sid=A`, {}, 400, 1],
  ['a session of other characters', 'GET', `${EIO}&sid=${'/'.repeat(20)}`, {},
    400, 1],
  ['a session with a zero byte', 'GET', `${EIO}&sid=${'A'.repeat(19)}%00`, {},
    400, 1],
  ['a path for a session', 'GET', `${EIO}&sid=../../../../etc/passw`, {},
    400, 1],
  ['a WebSocket for an unknown session', 'GET', `${WS}&sid=${'A'.repeat(20)}`,
    upgrade, 400, 1],
  ['a WebSocket without an upgrade', 'GET', WS, {}, 400, 3],
  ['an upgrade of polling', 'GET', EIO, upgrade, 400, 3],
  ['an upgrade to something else', 'GET', WS, ws({ upgrade: 'h2c' }), 400, 3],
  ['no key', 'GET', WS, ws({ 'sec-websocket-key': '' }), 400, 3],
  ['a short key', 'GET', WS, ws({ 'sec-websocket-key': 'AAAA' }), 400, 3],
  ['a key that is not base64', 'GET', WS,
    ws({ 'sec-websocket-key': '!'.repeat(22) + '==' }), 400, 3],
  ['another WebSocket', 'GET', WS, ws({ 'sec-websocket-version': '8' }), 426,
    3],
  ['a GET with a body', 'GET', EIO, { 'content-length': '5' }, 400, 3, '42[1]'],
  ['the API by GET', 'GET', '/api/emit', bearer(KEY), 405],
  ['by PUT', 'PUT', '/api/emit', bearer(KEY), 405],
  ['by a header of another method', 'GET', '/api/emit', { ...bearer(KEY),
    'x-http-method-override': 'POST' }, 405],
  ['by an upgrade', 'GET', '/api/emit', ws(bearer(KEY)), 405],
  ['early data', 'GET', EIO, { 'early-data': '1' }, 425],
  ['too many connections', 'GET', `${EIO}&full`, {}, 429],
  ['a location that is denied', 'GET', '/denied/?' + EIO, {}, 403],
];

// The same over HTTP/2, a connection each: fields, a body, and the status; or
// it is for nginx itself to refuse it, with 400, a reset, or the end.

const NGINX = null;
const at = `/socket.io/?${EIO}`;
const upgrades = Object.entries(upgrade);
const overH2 = [
  ['a WebSocket by CONNECT', fields('CONNECT', `/socket.io/?${WS}`,
    [[':protocol', 'websocket'], ['sec-websocket-version', '13']])],
  ['a CONNECT', [[':method', 'CONNECT'], [':authority', 'localhost:80']]],
  ['a smuggled upgrade', fields('GET', `/socket.io/?${WS}`, upgrades)],
  ['one with a body', fields('POST', `/socket.io/?${WS}`, upgrades), 'x'],
  ['a WebSocket without one', fields('GET', `/socket.io/?${WS}`)],
  ['an upgrade of polling', fields('GET', at, upgrades)],
  ['a foreign origin', fields('GET', at, [['origin', 'https://evil.example']]),
    , 403],
  ['an unknown session', fields('GET', `${at}&sid=${'A'.repeat(20)}`)],
  ['a POST to one', fields('POST', `${at}&sid=${'A'.repeat(20)}`), '42["x"]'],
  ['a chunked body', fields('POST', at, [['transfer-encoding', 'chunked']]),
    '0\r\n\r\nGET /api/emit HTTP/1.1\r\n\r\n'],
  ['less than it says', fields('POST', at, [['content-length', '100']]), 'x'],
  ['more than it says', fields('POST', at, [['content-length', '1']]),
    '4'.repeat(100)],
  ['a line in a header', fields('GET', at, [['x', 'y\r\nz: a']]), , NGINX],
  ['a line in a name', fields('GET', at, [['x\r\nz: a', 'y']]), , NGINX],
  ['a line in the path', fields('GET', `${at} HTTP/1.1\r\nz: a`), , NGINX],
  ['a zero byte in a header', fields('GET', at, [['x', 'y\0z']]), , NGINX],
  ['a name in capitals', fields('GET', at, [['Origin', 'null']]), , NGINX],
  ['no path', fields('GET', at).slice(0, 3)],
  ['two paths', fields('GET', at, [[':path', '/api/emit']])],
  ['a path that is none', fields('GET', 'socket.io')],
  ['two hosts', fields('GET', at, [['host', 'a'], ['host', 'b']])],
  ['headers without end', fields('GET', at, Array(40)
    .fill(['x', 'y'.repeat(1000)])), , NGINX],
  ['the API without a key', fields('POST', '/api/emit'), '{"event":"x"}', 401],
  ['with two', fields('POST', '/api/emit', [['authorization', 'Bearer x'],
    ['authorization', `Bearer ${KEY}`]]), '{"event":"x"}', NGINX],
];

// Bodies of polling POSTs by a session of one's own: status.

const posts = [
  ['an empty body', '', 400],
  ['an unknown packet', '9', 400],
  ['a ping of a client', '2', 400],
  ['an open packet', '0{}', 200],
  ['separators', '\x1e'.repeat(100), 400],
  ['a packet and a separator', '42["x"]\x1e', 400],
  ['base64 of nothing', 'b', 200],
  ['bad base64', 'b!!!!', 400],
  ['an attachment of nothing', 'bAQID', 200],
  ['no UTF-8', Buffer.from('42["\xff"]', 'latin1'), 400],
  ['too many packets', Array(101).fill('3').join('\x1e'), 400],
  ['a body too large', big, 413],
  ['a body that is JSON', '{"a":1}', 400],
];

// Frames on a WebSocket that has joined "/": the code of the close.

const F = (options) => frame(options);
const frames = [
  ['no mask', F({ payload: '42["x"]', mask: false }), 1002],
  ['a reserved bit', F({ payload: '42["x"]', rsv: 2 }), 1002],
  ['a compressed one, unasked', F({ payload: 'x', rsv: 4 }), 1002],
  ['an unknown opcode', F({ opcode: 3 }), 1002],
  ['an unknown control opcode', F({ opcode: 11 }), 1002],
  ['a continuation of nothing', F({ opcode: 0, payload: 'x' }), 1002],
  ['a message inside another', Buffer.concat([F({ fin: false, payload: '4' }),
    F({ payload: '42["x"]' })]), 1002],
  ['a ping in parts', F({ opcode: 9, fin: false }), 1002],
  ['a long ping', F({ opcode: 9, payload: 'x'.repeat(126) }), 1002],
  ['a length in more bytes than it needs', F({ payload: '3', form: 3 }), 1002],
  ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0]), 1002],
  ['a length of a terabyte', F({ len: 2 ** 40 }), 1009],
  ['a message too large', F({ payload: `4${big}` }), 1009],
  ['parts that are too large together', Buffer.concat([
    F({ fin: false, payload: big.slice(0, 15000) }),
    F({ opcode: 0, payload: big.slice(0, 15000) })]), 1009],
  ['no UTF-8', F({ payload: Buffer.from([0x34, 0x32, 0xff]) }), 1007],
  ['half a character', F({ payload: Buffer.from([0x34, 0xe2, 0x82]) }), 1007],
  ['a surrogate', F({ payload: Buffer.from([0x34, 0xed, 0xa0, 0x80]) }), 1007],
  ['a close of one byte', F({ opcode: 8, payload: 'x' }), 1002],
  ['a close with a code that is none', F({ opcode: 8,
    payload: Buffer.from([3, 0xec]) }), 1002],
  ['a close whose reason is not UTF-8', F({ opcode: 8,
    payload: Buffer.from([3, 0xe8, 0xff]) }), 1007],
];

// Packets on a WebSocket that has joined "/": it is closed.

const deep = (n) => '['.repeat(n) + ']'.repeat(n);
const packets = [
  ['an empty message', ''], ['an engine packet that is none', '9'],
  ['a ping of a client', '2'], ['no packet', '4'], ['type 7', '47'],
  ['a second CONNECT', '40'], ['a CONNECT with a text', '40/x,"a"'],
  ['a CONNECT_ERROR', '44{"message":"x"}'],
  ['an event for a namespace not joined', '42/members,["x"]'],
  ['an event for a namespace that is none', '42/\x00,["x"]'],
  ['a namespace too long', `42/${'n'.repeat(300)},["x"]`],
  ['an event without a name', '42[]'], ['an object', '42{"a":1}'],
  ['a name that is null', '42[null]'], ['a name that is an array', '42[["x"]]'],
  ['a reserved name', '42["connect"]'], ['another one', '42["disconnecting"]'],
  ['a reserved name, escaped', '42["\\u0064isconnect"]'],
  ['newListener', '42["newListener"]'],
  ['JSON that does not end', '42["x"'], ['two values', '42["x"][]'],
  ['a comma too many', '42["x",]'], ['single quotes', "42['x']"],
  ['NaN', '42["x",NaN]'], ['a control character', '42["x","\n"]'],
  ['an escape that is none', '42["x","\\x41"]'],
  ['a number with a plus', '42["x",+1]'], ['a leading zero', '42["x",01]'],
  ['JSON that is too deep', `42["x",${deep(70)}]`],
  ['an ack id too large', '4299999999999999999["x"]'],
  ['an ack without an id', '43[]'], ['an ack of an object', '431{}'],
  ['a placeholder without attachments',
    '42["x",{"_placeholder":true,"num":0}]'],
  ['a placeholder, escaped', '42["x",{"_pl\\u0061ceholder":true,"num":0}]'],
  ['no placeholder for an attachment', '451-["x"]'],
  ['another number', '451-["x",{"_placeholder":true,"num":1}]'],
  ['a number below zero', '451-["x",{"_placeholder":true,"num":-1}]'],
  ['too many attachments', '4511-["x"]'], ['no attachments', '450-["x"]'],
  ['a number of attachments too large', '4599999999999-["x"]'],
  ['a DISCONNECT with a payload', '41{}'],
];

// Events with an ack, by a client that is in "all" and in "mine": its code.

const events = [
  ['an unknown event', ['nothing'], 'unknown_event'],
  ['an event of the server', ['secret'], 'unknown_event'],
  ['the api\'s event', ['news', { target: 'x' }], 'unknown_event'],
  ['__proto__', ['__proto__'], 'unknown_event'],
  ['a number as a name', [42, {}], 'unknown_event'],
  ['no text', ['say', { room: 'mine' }], 'invalid'],
  ['an empty text', ['say', { room: 'mine', text: '' }], 'invalid'],
  ['a long text', ['say', { room: 'mine', text: 'x'.repeat(21) }], 'invalid'],
  ['markup', ['say', { room: 'mine', text: '<script>' }], 'invalid'],
  ['a text that is an object', ['say', { room: 'mine', text: {} }], 'invalid'],
  ['a room one is not in', ['say', { room: 'other', text: 'x' }], 'forbidden'],
  ['no room', ['say', { text: 'x' }], 'invalid'],
  ['an array for a room', ['say', { room: ['all'], text: 'x' }], 'invalid'],
  ['another user\'s room', ['say', { room: 'user:witness', text: 'x' }],
    'forbidden'],
  ['to join another user\'s room', ['enter', { room: 'user:witness' }],
    'forbidden'],
  ['to join a socket\'s room', ['enter', { room: 'A'.repeat(20) }],
    'forbidden'],
  ['a room with a control character', ['enter', { room: 'a\u0000' }],
    'invalid'],
  ['a room that is too long', ['enter', { room: 'r'.repeat(257) }], 'invalid'],
  ['an empty room', ['enter', { room: '' }], 'invalid'],
  ['to leave one\'s own room', ['leave', { room: 'user:mallory' }],
    'forbidden'],
  ['what only root may', ['admin', {}], 'forbidden'],
  ['to say one is root', ['admin', { user: 'root', $user: 'root' }],
    'forbidden'],
  ['a number out of bounds', ['count', { n: 6 }], 'invalid'],
  ['a fraction', ['count', { n: 1.5 }], 'invalid'],
  ['a text for a number', ['count', { n: '3' }], 'invalid'],
  ['a huge number', ['count', { n: 1e300 }], 'invalid'],
  ['true for a number', ['count', { n: true }], 'invalid'],
  ['a kind there is none of', ['kind', { kind: 'c', list: [1] }], 'invalid'],
  ['a list too long', ['kind', { kind: 'a', list: [1, 2, 3] }], 'invalid'],
  ['no list', ['kind', { kind: 'a', list: { length: 1 } }], 'invalid'],
  ['a file that is none', ['file', {}, 'text'], 'invalid'],
  ['a file too large', ['file', {}, Buffer.alloc(5)], 'invalid'],
  ['a name for a room that is an object', ['named', { room: {}, a: 1 }],
    'invalid'],
  ['what is rejected', ['no'], 'forbidden'],
];

// The API: path, headers, body; status and code.

const key = bearer(KEY);
const now = () => Date.now() / 1000;
const sign = (body, uri = '/api/emit', time = now(), secret = SECRET) => ({
  'x-socketio-signature': `t=${time},v1=${crypto
    .createHmac('sha256', secret).update(`${time}.POST ${uri}.${body}`)
    .digest('hex')}` });
const X = '{"event":"x"}';

const calls = [
  ['no key', 'emit', {}, X, 401, 'unauthorized'],
  ['an empty key', 'emit', bearer(''), X, 401, 'unauthorized'],
  ['another key', 'emit', bearer('another-key-of-some-length'), X, 401,
    'unauthorized'],
  ['half a key', 'emit', bearer(KEY.slice(0, -1)), X, 401, 'unauthorized'],
  ['a key and more', 'emit', bearer(`${KEY}x`), X, 401, 'unauthorized'],
  ['a key in other letters', 'emit', bearer(KEY.toUpperCase()), X, 401,
    'unauthorized'],
  ['a key by Basic', 'emit', { authorization: `Basic ${btoa(`x:${KEY}`)}` }, X,
    401, 'unauthorized'],
  ['a key in the query', `emit?key=${KEY}`, {}, X, 401, 'unauthorized'],
  ['two keys', 'emit', bearer(`${KEY}, ${KEY}`), X, 401, 'unauthorized'],
  ['the name of a key', 'emit', bearer('name=news'), X, 401, 'unauthorized'],
  ['the secret of a signature', 'emit', bearer(SECRET), X, 401,
    'unauthorized'],
  ['a key of another event', 'emit', bearer(NEWS), X, 403, 'forbidden'],
  ['a key of another namespace', 'emit', bearer(NEWS),
    '{"event":"news","namespace":"/members"}', 403, 'forbidden'],
  ['a key of another call', 'disconnect', bearer(NEWS), '{"user":"witness"}',
    403, 'forbidden'],
  ['a batch with one too many', 'emit', bearer(NEWS),
    `[{"event":"news"},${X}]`, 403, 'forbidden'],
  ['a signature by another secret', 'emit', sign(X, '/api/emit', now(), KEY),
    X, 401, 'unauthorized'],
  ['a signature of another body', 'emit', sign('{}'), X, 401, 'unauthorized'],
  ['a signature of another call', 'emit', sign(X, '/api/join'), X, 401,
    'unauthorized'],
  ['an old signature', 'emit', sign(X, '/api/emit', now() - 1000), X, 401,
    'unauthorized'],
  ['one of the future', 'emit', sign(X, '/api/emit', now() + 1000), X, 401,
    'unauthorized'],
  ['one that is none', 'emit', { 'x-socketio-signature': 'v1=00' }, X, 401,
    'unauthorized'],
  ['many signatures', 'emit', { 'x-socketio-signature': `${
    sign(X)['x-socketio-signature']}${`,v1=${'0'.repeat(64)}`.repeat(4)}` }, X,
    401, 'unauthorized'],
  ['two of them, the first false', 'emit', { 'x-socketio-signature':
    [sign('{}'), sign(X)].map((it) => it['x-socketio-signature']) }, X, 401,
    'unauthorized'],
  ['a false one beside a key', 'emit', { ...key, ...sign('{}') }, X, 401,
    'unauthorized'],
  ['a signature without its query', 'emit?x', sign(X), X, 401,
    'unauthorized'],
  ['a time that is none', 'emit', sign(X, '/api/emit', 'now'), X, 401,
    'unauthorized'],
  ['a huge time', 'emit', sign(X, '/api/emit', '9'.repeat(30)), X, 401,
    'unauthorized'],
  ['a huge key', 'emit', bearer('k'.repeat(7000)), X, 401, 'unauthorized'],
  ['the key at last', 'emit', { authorization: ['Bearer x', `Bearer ${KEY}`] },
    X, 400],
  ['a call that is none', 'emits', key, X, 404, 'not_found'],
  ['a step up', '..%2femit/..', key, X, 404, 'not_found'],
  ['no body', 'emit', key, '', 400, 'invalid'],
  ['no JSON', 'emit', key, '{', 400, 'invalid'],
  ['no event', 'emit', key, '{}', 400, 'invalid'],
  ['an unknown key', 'emit', key, '{"event":"x","room":"all"}', 400,
    'invalid'],
  ['a key twice', 'emit', key, '{"event":"x","event":"y"}', 400, 'invalid'],
  ['a reserved event', 'emit', key, '{"event":"disconnect"}', 400, 'invalid'],
  ['a placeholder', 'emit', key,
    '{"event":"x","data":{"_placeholder":true,"num":0}}', 400, 'invalid'],
  ['to nobody, which is not all', 'emit', key, '{"event":"x","to":[]}', 400,
    'invalid'],
  ['a room of control characters', 'emit', key,
    '{"event":"x","to":"\\u0000"}', 400, 'invalid'],
  ['an unknown namespace', 'emit', key, '{"event":"x","namespace":"/none"}',
    404, 'not_found'],
  ['an unknown target', 'emit', key, '{"event":"x","target":"none"}', 404,
    'not_found'],
  ['what the rule refuses', 'emit', key,
    '{"event":"guarded","data":{"ok":"no"}}', 403, 'forbidden'],
  ['too many', 'emit', key, `[${Array(1001).fill(X)}]`, 400, 'invalid'],
  ['a body too large', 'emit', key, `{"event":"${'x'.repeat(1048577)}"}`, 413,
    'too_large'],
  ['to join a user\'s room', 'join', key,
    '{"user":"mallory","rooms":["user:witness"]}', 400, 'invalid'],
];

const counted = Object.fromEntries(Object.entries({ requests, posts, frames,
  packets, events, calls, overH2 }).map(([name, list]) => [name, list.length]));

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let site;
  let pids;
  let witnesses;
  const heard = [];

  const status = (uri, options) => request(site.ngx.url + uri, options);

  fact('nginx starts, and witnesses are in all rooms', async () => {
    site = await Site.start({ workers, app, path: '/socket.io/',
      files: { ...(await keys).files, 'api.key': `${KEY}\n${NEWS} name=news `
        + `namespace=/ event=news call=emit\n${SECRET} signed\n` },
      ports: ['tls'], certificate: true,
      server: `listen 127.0.0.1:@tls@ ssl http2;
        ssl_certificate cert.pem; ssl_certificate_key key.pem;`,
      locations: `
        location /soon/ { socketio campus; socketio_connect_timeout 2s;
                          socketio_max_packets 100; send_timeout 2s; }
        location /limited/ { socketio campus; socketio_max_packets 100;
                             socketio_limit rate=1r/s burst=20; }
        location /few/  { socketio campus; socketio_limit_conn 10 key=$uri; }
        location /socket.io/ { socketio campus;
          socketio_origin https://app.example
                          "~^https://[a-z]+\\.team\\.example$"; }
        location /full/   { socketio campus;
                            socketio_limit_conn rate=1r/m key=$uri; }
        location /denied/ { socketio campus; deny all; }
        location /api/    { socketio_api campus;
                            socketio_api_key_file api.key; }
        location = /status  { socketio_status campus; }
        location = /healthz { socketio_health campus; }`,
      engine: 'socketio_max_payload 20000; socketio_max_packets 100;' });
    pids = site.ngx.workers();

    witnesses = await Promise.all(['websocket', 'polling', 'polling', 'upgrade']
      .map((transport) => connect(site.ngx, { transport,
                                              auth: { name: 'witness' } })));
    const good = { sub: 'witness' };
    const inner = await Promise.all(['/HS256', '/jwks', '/authjs'].map(
      async (nsp) => connect(site.ngx, { nsp, auth: { token:
        nsp === '/authjs' ? jwe(good) : await (await keys)
          .of(nsp === '/jwks' ? 'ES256' : 'HS256').sign(good) } })));

    for (const witness of [...witnesses, ...inner]) {
      if (!inner.includes(witness)) {
        await ask(witness, 'enter', { room: 'other' });
      }
      await ask(witness, 'enter', { room: 'room:x' });
      witness.onAny((...args) => heard.push(args));
      witness.on('disconnect', (reason) => heard.push(['disconnect', reason]));
    }
  });

  // After each table: nobody has heard of it.

  const unharmed = async (t, what) => {
    for (const witness of witnesses) {
      t.is((await ask(witness, 'enter', { room: 'other' })), null);
    }
    t.deepIs(heard, [], what);
    t.deepIs(site.ngx.workers(), pids, what);
  };

  fact(`${requests.length} requests`, async (t) => {
    await status('/full/?EIO=4&transport=polling');
    for (const [what, method, query, headers, wanted, code, body]
      of requests) {
      const uri = query.startsWith('/') ? query
        : `/${query.endsWith('&full') ? 'full' : 'socket.io'}/?${query}`;
      const answer = await status(uri, { method, headers, body });

      t.is(answer.status, wanted, what);
      if (code !== undefined) {
        t.is(answer.json().code, code, what);
      }
      if (headers.origin) {
        t.is(answer.headers['access-control-allow-origin'], undefined, what);
      }
    }
    await unharmed(t);
  });

  fact(`${posts.length} bodies`, async (t) => {
    for (const [i, [what, body, wanted]] of posts.entries()) {
      const peer = await site.polling(0);

      await peer.post('40{"name":"mallory"}');
      await peer.poll();
      t.is((await peer.post(body, i)).status, wanted, what);
    }
    await unharmed(t);
  });

  const mallory = (place, options) => SioRaw.connect(site.port,
    { auth: { name: 'mallory' }, ...options });

  fact(`${frames.length} frames`, async (t) => {
    await Promise.all(frames.map(async ([what, bytes, code], place) => {
      const sio = await mallory(place);

      await sio.ws.send(bytes);
      t.is(await sio.ws.closeCode(), code, what);
    }));
    await unharmed(t);
  });

  fact(`${packets.length} packets`, async (t) => {
    await Promise.all(packets.map(async ([what, text], place) => {
      const sio = await mallory(place);

      await sio.ws.sendText(text);
      t.is(await sio.ws.closeCode(), 1005, what);
    }));
    await unharmed(t);
  });

  fact(`${events.length} events`, async (t) => {
    const sio = await mallory(0);

    await sio.event({ id: 0 }, 'enter', { room: 'mine' });
    await sio.next();
    for (const [i, [what, args, code]] of events.entries()) {
      await sio.event({ id: i + 1 }, ...args);
      const answer = await sio.next();

      t.is(answer.type, 3, `${what}: ${JSON.stringify(answer)}`);
      t.is(answer.id, i + 1, what);
      t.is(answer.data[0]?.code, code, `${what}: ${
        JSON.stringify(answer.data)}`);
    }
    for (const [i, wanted] of [undefined, 'rate_limited'].entries()) {
      await sio.event({ id: 900 + i }, 'once');
      t.is((await sio.next()).data[0]?.code, wanted);
    }
    sio.close();
    await unharmed(t);
  });

  fact('CONNECTs', async (t) => {
    for (const [nsp, auth, message] of [
      ['/none', {}, 'Invalid namespace'],
      ['/team-x', {}, 'Invalid namespace'],
      ['/members', { user: 'witness' }, 'authentication required'],
      ['/', {}, 'authentication required'],
      ['/', { name: '' }, 'authentication required'],
      ['/', { name: 'a\u0000' }, 'invalid user id'],
      ['/', { name: 'x'.repeat(300) }, 'invalid user id'],
    ]) {
      const sio = await SioRaw.connect(site.port, { join: false });
      const error = await sio.join(nsp, auth).then(() => null, (e) => e);

      t.is(error?.message, message, `${nsp} ${JSON.stringify(auth)}`);
      sio.close();
    }
    await unharmed(t);
  });

  fact(`${overH2.length} requests over HTTP/2`, async (t) => {
    const wrong = [];

    for (const [what, list, body, wanted = 400] of overH2) {
      const client = await H2.connect(site.ngx.ports.tls);
      const answer = await client.ask(list, body);

      if (wanted === NGINX ? answer.status !== 400 && !answer.reset
          && !answer.gone : answer.status !== wanted) {
        wrong.push(`${what}: ${JSON.stringify(answer)}`);
      }
      client.close();
    }
    t.deepIs(wrong, []);
    await unharmed(t);
  });

  // Requests that are begun, and given up at once, and frames of no use: nginx
  // bounds them, and what they had opened ends.

  const sessions = async () => {
    const { polling, websocket } = (await site.ngx.status()).total.sessions;
    return polling + websocket;
  };

  fact('storms over HTTP/2', async (t) => {
    const before = await sessions();
    const soon = `/soon/?${EIO}`;
    const opened = async (client) =>
      JSON.parse((await client.ask(fields('GET', soon))).body.slice(1)).sid;
    const reset = (id) => h2frame(h2.RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8));

    for (const [what, storm] of Object.entries({
      'a hundred polls that wait': async (client) => {
        for (let n = 0; n < 100; n++) {
          client.send(...client.request(fields('GET',
            `${soon}&sid=${await opened(client)}`)).frames);
        }
      },
      'handshakes, reset': (client) => {
        for (let n = 0; n < 2000; n++) {
          const { id, frames: list } = client.request(fields('GET', soon));
          client.send(...list, reset(id));
        }
      },
      'polls of one session, reset': async (client) => {
        const uri = `${soon}&sid=${await opened(client)}`;
        for (let n = 0; n < 2000; n++) {
          const { id, frames: list } = client.request(fields('GET', uri));
          client.send(...list, reset(id));
        }
      },
      'posts that do not end, reset': async (client) => {
        const uri = `${soon}&sid=${await opened(client)}`;
        for (let n = 0; n < 500; n++) {
          const { id, frames: list } = client.request(fields('POST', uri), '4',
            { end: false });
          client.send(...list, reset(id));
        }
      },
      settings: (client) => client.send(...Array(20000)
        .fill(h2frame(h2.SETTINGS, 0, 0))),
      pings: (client) => client.send(...Array(20000)
        .fill(h2frame(h2.PING, 0, 0, Buffer.alloc(8)))),
      'continuations': (client) => client.send(h2frame(h2.HEADERS, 0, 1),
        ...Array(20000).fill(h2frame(h2.CONTINUATION, 0, 1))),
      'windows': (client) => client.send(...Array(20000)
        .fill(h2frame(h2.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1)))),
    })) {
      const client = await H2.connect(site.ngx.ports.tls);

      await storm(client);
      await unharmed(t, what);
      client.close();
    }

    // Nothing may be sent to it, and it asks.

    const client = await H2.connect(site.ngx.ports.tls,
      Buffer.of(0, 4, 0, 0, 0, 0));
    client.send(...Array.from({ length: 50 }, () =>
      client.request(fields('GET', soon)).frames).flat());
    await until(async () => await sessions() === before,
      { what: 'none is left' });
    await unharmed(t);
    client.close();
  });

  fact('storms of polling', async (t) => {
    const before = await sessions();
    const tally = (answers) => answers.reduce((sum, { status: code }) =>
      ({ ...sum, [code]: (sum[code] || 0) + 1 }), {});
    const all = (count, ask) => Promise.all(Array.from({ length: count }, ask));

    // many at once of one session: there is one that may wait

    const peer = await site.polling(0, { path: '/soon/' });
    t.deepIs(tally(await all(100, (_, i) => peer.get(i))),
      { 200: 1, 400: 99 });

    const other = await site.polling(0, { path: '/soon/' });
    t.deepIs(tally(await all(100, (_, i) => other.post('6', i))),
      { 200: 100 });

    // many packets, of which few are looked at

    const body = Array(100).fill('42["say",{"room":"other"}]').join('\x1e');
    const refused = async () => (await site.ngx.status()).total.drops
      .limit_packets;
    const third = await site.polling(0, { path: '/limited/' });
    const already = await refused();

    await third.post('40{"name":"mallory"}');
    await third.poll();
    t.deepIs(tally(await all(100, (_, i) => third.post(body, i))),
      { 200: 100 });
    t.ok(await refused() >= already + 9900);
    await third.post('1');

    // many of one address

    const few = await all(100, () => status(`/few/?${EIO}`));
    t.deepIs(tally(few), { 200: 10, 429: 90 });
    for (const { body: open } of few.filter((it) => it.status === 200)) {
      await status(`/few/?${EIO}&sid=${JSON.parse(open.slice(1)).sid}`,
        { method: 'POST', body: '1' });
    }

    await until(async () => await sessions() === before,
      { what: 'none is left' });
    await unharmed(t);
  });

  // Each lane has a connection of its own, which lives all the while, as no
  // answer ends it; what the headers are of is a connection.

  fact('tokens', async (t) => {
    const rows = await tokens(await keys);
    const wrong = [];

    counted.tokens = rows.length;
    await Promise.all(Array.from({ length: 8 }, async () => {
      const lane = await mallory(0);

      while (rows.length) {
        const [what, nsp, token, message = 'invalid token', headers]
          = rows.shift();
        const sio = headers ? await mallory(0, { headers }) : lane;
        const { packet } = await sio.join(nsp, { token })
          .then((it) => ({ packet: it }), (error) => error);

        if (packet?.data.message !== message || packet.data.data.code
          !== (message === 'invalid user id' ? 'invalid' : 'forbidden')) {
          wrong.push(`${what}, ${nsp}: ${JSON.stringify(packet?.data)}`);
        }
        if (sio !== lane) {
          sio.close();
        }
      }
      lane.close();
    }));
    t.deepIs(wrong, []);
    await unharmed(t);
  });

  fact(`${calls.length} calls of the API`, async (t) => {
    for (const [what, path, headers, body, wanted, code] of calls) {
      const answer = await status(`/api/${path}`, { method: 'POST', headers,
                                                    body });

      t.is(answer.status, wanted, `${what}: ${answer.body}`);
      t.is(code && answer.json().error.code, code, what);
    }

    // The same signature again.

    const headers = sign('{"event":"news"}');
    const again = () => status('/api/emit', { method: 'POST', headers,
                                              body: '{"event":"news"}' });
    t.is((await again()).status, 200);
    t.is((await again()).status, 401);
    await unharmed(t);
  });

  fact('the witnesses hear what is for them', async (t) => {
    const { status: got } = await status('/api/emit', { method: 'POST',
      headers: key, body: '{"event":"end","to":"other"}' });

    t.is(got, 200);
    for (let n = 0; heard.length < witnesses.length && n < 1000; n++) {
      await new Promise((done) => setTimeout(done, 20));
    }
    t.deepIs(heard, witnesses.map(() => ['end']));
    witnesses.forEach((witness) => witness.off('disconnect').disconnect());
  });
}

test('there are many', (t) => {
  const total = Object.values(counted).reduce((sum, n) => sum + n, 0);

  t.note(`${total} attacks`);
  t.ok(total >= 500);
});
