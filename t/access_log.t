#!/usr/bin/env node
'use strict';

// The access line of a WebSocket: it stands for a request that is long gone,
// and must tell of it what nginx's own line would have told.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs, Polling } = require('./lib/raw');
const { SioRaw } = require('./lib/sio_raw');
const { until } = require('./lib/wait');

const variables = ['request', 'request_method', 'request_uri', 'uri', 'args',
  'arg_transport', 'host', 'server_port', 'server_protocol', 'http_host',
  'http_referer', 'http_user_agent', 'http_cookie', 'status', 'bytes_sent',
  'body_bytes_sent', 'request_length', 'request_time', 'msec', 'remote_addr',
  'connection_requests', 'socketio_sid', 'socketio_user',
  'socketio_transport', 'socketio_packets_in', 'socketio_packets_out',
  'socketio_bytes_in', 'socketio_bytes_out', 'socketio_close_reason',
  'socketio_recovered'];

const log_format = `log_format all escape=json '{${
  variables.map((name) => `"${name}":"$${name}"`).join(',')}}';`;

let ngx;

const log = (name) => {
  try {
    return fs.readFileSync(path.join(ngx.prefix, 'logs', name), 'utf8')
      .split('\n').filter(Boolean);
  } catch {
    return [];             // nginx made none
  }
};

const line = (agent) => until(() => log('all.log').map((text) =>
  JSON.parse(text)).find((one) => one.http_user_agent === agent
    && one.socketio_transport === 'websocket'), { what: `the line ${agent}` });

// A socket of the main namespace, with its own User-Agent.

const connect = (agent, options = {}) => SioRaw.connect(ngx.port, {
  ...options, headers: { 'User-Agent': agent, ...options.headers } });

async function ended(sio, agent) {
  sio.close();

  return line(agent);
}

test('nginx starts', async () => {
  ngx = await Nginx.start({
    app: `
      namespace / {
          authenticate none;
          on hello { emit hello to self with $args; }
      }
      namespace /people {
          authenticate insecure user=$auth.name;
          on hello { emit hello to self with $args; }
      }`,
    http: `
      ${log_format}
      map $http_user_agent $wanted { default 1; quiet 0; }
      access_log logs/all.log all;
      access_log logs/some.log all if=$wanted;`,
    server: `
      location /off/     { socketio campus; access_log off; }
      location /rewrite/ { rewrite ^ /socket.io/x?EIO=4&transport=websocket?;
                           }`,
  });
});


// The request

test('the line of a WebSocket tells of its request', async (t) => {
  const sio = await connect('request', { headers: {
    Host: `Campus.Example:${ngx.port}`, Referer: 'http://campus.example/a?b',
    Cookie: 'not=kept' } });
  const one = await ended(sio, 'request');

  t.is(one.request, 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1');
  t.is(one.request_method, 'GET');
  t.is(one.request_uri, '/socket.io/?EIO=4&transport=websocket');
  t.is(one.uri, '/socket.io/');
  t.is(one.args, 'EIO=4&transport=websocket');
  t.is(one.arg_transport, 'websocket');
  t.is(one.host, 'campus.example');
  t.is(one.http_host, `Campus.Example:${ngx.port}`);
  t.is(one.http_referer, 'http://campus.example/a?b');
  t.is(one.http_cookie, '');
  t.is(one.server_port, String(ngx.port));
  t.is(one.server_protocol, 'HTTP/1.1');
  t.is(one.status, '101');
  t.is(one.remote_addr, '127.0.0.1');
  t.is(one.connection_requests, '1');
});

test('a host in lower case is the same in $host', async (t) => {
  const one = await ended(await connect('lower'), 'lower');

  t.is(one.host, '127.0.0.1');
  t.is(one.http_host, `127.0.0.1:${ngx.port}`);
});

test('what was not sent is empty', async (t) => {
  const sio = await connect('sparse', { headers: { Referer: null } });
  const one = await ended(sio, 'sparse');

  t.is(one.http_referer, '');
  t.is(one.socketio_user, '');
});

test('an escaped URI is decoded in $uri alone', async (t) => {
  const sio = await connect('escaped', { path: '/x/..//socket.io/%61%20b' });
  const one = await ended(sio, 'escaped');

  t.is(one.uri, '/socket.io/a b');
  t.is(one.args, 'EIO=4&transport=websocket');
  t.is(one.request_uri,
    '/x/..//socket.io/%61%20b?EIO=4&transport=websocket');
  t.is(one.request, `GET ${one.request_uri} HTTP/1.1`);
});

test('a rewritten URI is rewritten in $uri and $args', async (t) => {
  const sio = await connect('rewritten', { path: '/rewrite/', query: { a: 1 },
    headers: { Referer: 'http://x/' } });
  const one = await ended(sio, 'rewritten');

  t.is(one.uri, '/socket.io/x');
  t.is(one.args, 'EIO=4&transport=websocket');
  t.is(one.request_uri, '/rewrite/?EIO=4&transport=websocket&a=1');
  t.is(one.request, `GET ${one.request_uri} HTTP/1.1`);
  t.is(one.http_referer, 'http://x/');
});

test('a host in the request line goes before the header', async (t) => {
  const ws = await RawWs.connect(ngx.port, {
    path: 'http://other.example/socket.io/',
    headers: { 'User-Agent': 'absolute', Host: 'campus.example' } });

  await ws.nextMessage();
  ws.close();

  const one = await line('absolute');

  t.is(one.host, 'other.example');
  t.is(one.http_host, 'campus.example');
  t.is(one.uri, '/socket.io/');
  t.match(one.request, /^GET http:\/\/other\.example\/socket\.io\/\?EIO=4/);
});

test('2048 bytes of a string are kept', async (t) => {
  const long = 'x'.repeat(3000);
  const agent = `long${long}`;
  const sio = await connect(agent, { query: { long },
    headers: { Referer: `http://campus.example/${long}` } });
  const one = await ended(sio, agent.slice(0, 2048));

  t.is(one.request.length, 2048);
  t.match(one.request, /^GET \/socket\.io\/\?EIO=4&transport=websocket&long=x/);
  t.is(one.uri, '/socket.io/');
  t.match(one.args, /^EIO=4&transport=websocket&long=x+$/);
  t.is(one.http_referer.length, 2048);
  t.is(one.host, '127.0.0.1');
});

test('arguments behind a long URI are there all the same', async (t) => {
  const sio = await connect('behind', {
    path: `/socket.io/${'x'.repeat(3000)}` });
  const one = await ended(sio, 'behind');

  t.is(one.args, 'EIO=4&transport=websocket');
  t.match(one.uri, /^\/socket\.io\/x{2000}/);
});

test('a second request of a connection counts for itself', async (t) => {
  const socket = net.connect(ngx.port, '127.0.0.1');
  let text = '';

  socket.on('data', (data) => { text += data; });
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => /"reasons":\[\]\}$/.test(text));
  socket.removeAllListeners('data');

  const sio = await connect('second', { socket });
  const one = await ended(sio, 'second');

  t.is(one.connection_requests, '2');
  t.is(Number(one.bytes_sent) - Number(one.body_bytes_sent),
    sio.ws.headBytes);
});


// Counts and times

test('bytes and packets are counted, both ways', async (t) => {
  const sio = await connect('counts');
  const { socket } = sio.ws;

  await sio.event('hello', 'x'.repeat(1000));
  t.deepIs(await sio.nextEvent(), ['hello', 'x'.repeat(1000)]);

  const head = sio.ws.headBytes;
  const read = socket.bytesRead;
  const one = await ended(sio, 'counts');

  t.is(one.bytes_sent, String(read));
  t.is(one.body_bytes_sent, String(read - head));
  t.is(one.socketio_bytes_out, String(read - head));
  t.is(one.request_length,
    String(socket.bytesWritten - one.socketio_bytes_in));
  t.is(one.socketio_packets_in, '2');
  t.is(one.socketio_packets_out, '3');
});

test('$request_time is that of the whole connection', async (t) => {
  const began = Date.now();
  const sio = await connect('time');

  await until(() => Date.now() - began > 300);
  const lasted = (Date.now() - began) / 1000;
  const one = await ended(sio, 'time');
  const now = Date.now() / 1000;

  t.ok(Number(one.request_time) > 0.25, one.request_time);
  t.ok(Number(one.request_time) < lasted + 30, one.request_time);
  t.ok(Math.abs(Number(one.msec) - now) < 30, one.msec);
});


// The session

test('the session, its user and its end', async (t) => {
  const sio = await connect('user', { nsp: '/people',
    auth: { name: 'anne-\u00e9' } });

  await sio.event({ nsp: '/people' }, 'hello', 1);
  await sio.nextEvent();
  await sio.send('1');
  await sio.ws.closeCode();

  const one = await line('user');

  t.is(one.socketio_sid, sio.open.sid);
  t.is(one.socketio_user, 'anne-\u00e9');
  t.is(one.socketio_close_reason, 'transport close');
  t.is(one.socketio_recovered, '0');
  t.is(one.request, 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1');
});

test('the user of a socket that leaves at once', async (t) => {
  const sio = await connect('brief', { nsp: '/people',
    auth: { name: 'bob' } });
  const one = await ended(sio, 'brief');

  t.is(one.socketio_user, 'bob');
});

test('a WebSocket that was upgraded to', async (t) => {
  const polling = new Polling(ngx.port);
  const { sid } = await polling.open();
  const ws = await RawWs.connect(ngx.port, { query: { sid },
    headers: { 'User-Agent': 'upgraded' } });

  await ws.sendText('2probe');
  t.is(await ws.nextMessage(), '3probe');
  await ws.sendText('5');
  await ws.sendText('40/people,{"name":"eve"}');
  t.match(await ws.nextMessage(), /^40\/people/);
  ws.close();
  polling.close();

  const one = await line('upgraded');

  t.is(one.socketio_sid, sid);
  t.is(one.socketio_user, 'eve');
  t.is(one.args, `EIO=4&transport=websocket&sid=${sid}`);
  t.is(one.socketio_packets_in, '3');
});

test('a probe that comes to nothing has a line too', async (t) => {
  const polling = new Polling(ngx.port);
  const { sid } = await polling.open();
  const ws = await RawWs.connect(ngx.port, { query: { sid },
    headers: { 'User-Agent': 'in vain' } });

  await ws.sendText('2probe');
  await ws.nextMessage();
  ws.close();

  const one = await line('in vain');

  t.is(one.socketio_sid, sid);
  t.is(one.status, '101');
  t.is(one.socketio_user, '');
  polling.close();
});


// Which logs

test('each WebSocket has one line in each log', async (t) => {
  const sio = await connect('one');

  await ended(sio, 'one');
  await ended(await connect('another'), 'another');

  const mine = (name) => log(name).filter((text) => text.includes('"one"'));

  t.is(mine('all.log').length, 1);
  t.is(mine('some.log').length, 1);
});

test('conditions hold at the end', async (t) => {
  await ended(await connect('quiet'), 'quiet');

  t.ok(!log('some.log').some((text) => text.includes('"quiet"')));
});

test('"access_log off" is silent', async (t) => {
  (await connect('off', { path: '/off/' })).close();
  await ended(await connect('later'), 'later');

  t.ok(!log('all.log').some((text) => text.includes('"off"')));
});
