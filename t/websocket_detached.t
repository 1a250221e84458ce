#!/usr/bin/env node
'use strict';

// A WebSocket over plain TCP lives without nginx's pool of the connection.
// What is the connection's is right all the same, to the last line of a log:
// its address, the server's, its number, its end.  Where something of a module
// may be in that pool (TLS, the PROXY protocol), it stays.

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs } = require('./lib/raw');
const { SioRaw } = require('./lib/sio_raw');
const { until } = require('./lib/wait');

const LONG = '2001:db8:1111:2222:3333:4444:5555:6666';
const LEFT = 'socketio connection leaves its pool';

const ipv6 = Object.values(os.networkInterfaces()).flat()
  .some(({ address }) => address === '::1');

const fields = ['remote_addr', 'remote_port', 'realip_remote_addr',
  'server_addr', 'server_port', 'connection', 'connection_requests',
  'proxy_protocol_addr', 'scheme', 'https', 'status', 'socketio_close_reason',
  'http_user_agent'];

const http = `
  log_format all escape=json '{${
    fields.map((name) => `"${name}":"$${name}"`).join(',')}}';
  access_log logs/all.log all;
  limit_conn_zone $binary_remote_addr zone=conn:1m;
  limit_req_zone  $binary_remote_addr zone=req:1m rate=1000r/s;`;

const app = `
  namespace / {
      authenticate none;
      on connect { join lobby; }
      on who     { ack '{"addr": $remote_addr, "port": $server_port}'; }
      on say     { emit said to lobby with $data; }
  }`;

// One server, at many doors.

const server = `
  listen 127.0.0.1:@any@ proxy_protocol;
  listen 127.0.0.1:@tls@ ssl;
  listen unix:ws.sock;
  ${ipv6 ? 'listen [::1]:@six@;' : ''}
  listen @wild@;
  ssl_certificate     cert.pem;
  ssl_certificate_key key.pem;
  set_real_ip_from 127.0.0.1;
  set_real_ip_from unix:;
  real_ip_header   X-Real-IP;
  location = /active { stub_status; }
  location /limited/ { socketio campus; limit_conn conn 1000;
                       limit_req zone=req burst=1000; }
  location /silent/  { socketio campus; access_log off; }`;

const start = (options = {}) => Nginx.start({ app, http, server, debug: true,
  certificate: true, ports: ['any', 'tls', 'wild', 'six'], ...options });

const lines = (ngx) => ngx.log('all.log').split('\n').filter(Boolean)
  .map((text) => JSON.parse(text));

const line = (ngx, agent) => until(() => lines(ngx)
  .find((one) => one.http_user_agent === agent), { what: `line ${agent}` });

// What the error log has of one connection.

const logged = (ngx, number) => ngx.log().split('\n')
  .filter((text) => text.includes(` *${number} `));

const left = (ngx, number) => logged(ngx, number)
  .some((text) => text.includes(LEFT));

const active = async (ngx) =>
  Number(/connections: (\d+)/.exec((await ngx.get('/active')).body)[1]);

let ngx;

const connect = (agent, options = {}) => SioRaw.connect(ngx.port,
  { ...options, headers: { 'User-Agent': agent, ...options.headers } });

async function who(sio) {
  await sio.event({ id: 1 }, 'who');

  return (await sio.next()).data[0];
}

async function ended(sio, agent) {
  sio.close();

  return line(ngx, agent);
}

test('nginx starts', async () => {
  ngx = await start();
});

test('a plain WebSocket leaves the pool', async (t) => {
  const sio = await connect('plain');

  t.deepIs(await who(sio), { addr: '127.0.0.1', port: String(ngx.port) });

  const one = await ended(sio, 'plain');

  t.ok(left(ngx, one.connection), 'the debug log says so');
  t.is(one.remote_addr, '127.0.0.1');
  t.is(one.server_addr, '127.0.0.1');
  t.is(one.server_port, String(ngx.port));
  t.is(one.connection_requests, '1');
  t.is(one.scheme, 'http');
  t.is(one.status, '101');
  t.is(one.socketio_close_reason, 'transport close');
});

test('the address that realip found is that of the end', async (t) => {
  for (const addr of ['192.0.2.1', LONG]) {
    const sio = await connect(addr, { headers: { 'X-Real-IP': addr } });

    t.is((await who(sio)).addr, addr);

    const one = await ended(sio, addr);

    t.ok(left(ngx, one.connection));
    t.is(one.remote_addr, addr);
    t.is(one.realip_remote_addr, addr, 'the other one is not kept');
  }
});

test('the error log names client and server', async (t) => {
  for (const addr of ['127.0.0.1', LONG]) {
    const agent = `broken ${addr}`;
    const ws = await RawWs.connect(ngx.port, { headers: {
      'User-Agent': agent, ...addr === LONG && { 'X-Real-IP': addr } } });

    await ws.nextMessage();
    await ws.sendFrame({ opcode: 3, payload: 'x' });
    t.is(await ws.closeCode(), 1002);

    const one = await line(ngx, agent);

    t.ok(left(ngx, one.connection));
    t.ok(logged(ngx, one.connection).some((text) =>
      /sent an invalid frame: .* while reading from WebSocket, /.test(text)
      && text.includes(`, client: ${addr}, server: 127.0.0.1:${ngx.port}`)),
    logged(ngx, one.connection).join('\n'));
  }
});

test('a Unix domain socket has no address', async (t) => {
  const socket = net.connect(path.join(ngx.prefix, 'ws.sock'));
  const sio = await connect('unix', { socket });

  t.is((await who(sio)).addr, 'unix:');

  const one = await ended(sio, 'unix');

  t.ok(left(ngx, one.connection));
  t.is(one.remote_addr, 'unix:');
  t.is(one.server_addr, 'unix:ws.sock');
});

test('IPv6', async (t) => {
  if (!ipv6) {
    t.note('there is none here');
    return;
  }

  const socket = net.connect(ngx.ports.six, '::1');
  const sio = await connect('six', { socket });

  t.is((await who(sio)).addr, '::1');

  const one = await ended(sio, 'six');

  t.ok(left(ngx, one.connection));
  t.is(one.remote_addr, '::1');
  t.is(one.server_addr, '::1');
});

test('our address behind a wildcard is asked for at the end', async (t) => {
  const socket = net.connect(ngx.ports.wild, '127.0.0.1');
  const one = await ended(await connect('wild', { socket }), 'wild');

  t.ok(left(ngx, one.connection));
  t.is(one.server_addr, '127.0.0.1');
  t.is(one.server_port, String(ngx.ports.wild));
});

test('requests before it, large headers, frames with it', async (t) => {
  const socket = net.connect(ngx.port, '127.0.0.1');
  let text = '';

  socket.on('data', (data) => { text += data; });
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => /"reasons":\[\]\}$/.test(text));
  socket.removeAllListeners('data');

  const ws = await RawWs.connect(ngx.port, { socket,
    headers: { 'User-Agent': 'large', 'X-Much': 'x'.repeat(6000) },
    early: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]) });

  await ws.nextMessage();
  t.match(await ws.nextMessage(), /^40\{"sid"/);
  ws.close();

  const one = await line(ngx, 'large');

  t.ok(left(ngx, one.connection));
  t.is(one.connection_requests, '2');
});

test('TLS keeps the pool', async (t) => {
  const socket = tls.connect({ port: ngx.ports.tls, host: '127.0.0.1',
    rejectUnauthorized: false });
  const sio = await connect('tls', { socket });

  t.is((await who(sio)).addr, '127.0.0.1');

  const one = await ended(sio, 'tls');

  t.ok(!left(ngx, one.connection));
  t.is(one.scheme, 'https');
  t.is(one.https, 'on');
  t.is(one.remote_addr, '127.0.0.1');
});

test('so does the PROXY protocol', async (t) => {
  const socket = net.connect(ngx.ports.any, '127.0.0.1');

  socket.write('PROXY TCP4 192.0.2.7 127.0.0.1 5555 80\r\n');

  const one = await ended(await connect('proxy', { socket }), 'proxy');

  t.ok(!left(ngx, one.connection));
  t.is(one.proxy_protocol_addr, '192.0.2.7');
  t.is(one.remote_addr, '127.0.0.1');
});

test('without an access log, and under nginx\'s limits', async (t) => {
  for (const door of ['/silent/', '/limited/']) {
    const sio = await connect('quiet', { path: door });

    t.is((await who(sio)).addr, '127.0.0.1');
    sio.close();
  }

  await line(ngx, 'quiet');
  t.is(lines(ngx).filter((one) => one.http_user_agent === 'quiet').length, 1);
});

test('nginx counts no connection that is gone', async (t) => {
  const before = await active(ngx);
  const all = [];

  for (let n = 0; n < 20; n++) {
    all.push(await connect('many', { path: n % 2 ? '/silent/'
                                                 : '/socket.io/' }));
  }

  t.is(await active(ngx), before + 20);
  all.forEach((sio) => sio.close());
  await until(async () => await active(ngx) === before,
    { what: 'all are counted off' });
});

for (const size of ['256', '4k']) {
  test(`connection_pool_size ${size}, small header buffers`, async (t) => {
    const other = await start({ http: `${http}
      connection_pool_size ${size}; client_header_buffer_size 64;` });
    const options = { headers: { 'User-Agent': 'pool',
                                 'X-Real-IP': '192.0.2.9' } };
    const sio = await SioRaw.connect(other.port, options);

    t.is((await who(sio)).addr, '192.0.2.9');
    sio.close();

    const one = await line(other, 'pool');

    t.ok(left(other, one.connection));
    t.is(one.remote_addr, '192.0.2.9');
  });
}

for (const workers of [1, 4]) {
  test(`a reload, workers: ${workers}`, async (t) => {
    const other = await start({ workers, debug: false,
      main: 'worker_shutdown_timeout 2s;' });
    const agents = Array.from({ length: 8 }, (_, n) => `before ${n}`);
    const all = await Promise.all(agents.map((agent) => SioRaw.connect(
      other.port, { headers: { 'User-Agent': agent,
                               'X-Real-IP': '192.0.2.3' } })));

    await all[0].event('say', 'before');
    for (const sio of all) {
      t.deepIs(await sio.nextEvent(), ['said', 'before']);
    }

    await other.reload();
    await Promise.all(all.map((sio) => sio.ws.closeCode()));
    t.deepIs(all.map(({ ws }) => ws.code), all.map(() => 1001));

    for (const agent of agents) {
      const one = await line(other, agent);

      t.is(one.remote_addr, '192.0.2.3');
      t.is(one.socketio_close_reason, 'server shutting down');
    }

    t.ok(fs.existsSync(path.join(other.prefix, 'ws.sock')),
      'the new workers listen');
  });
}
