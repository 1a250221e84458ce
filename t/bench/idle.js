#!/usr/bin/env node
'use strict';

// User memory of an idle WebSocket connection, all in: what the workers' PSS
// grows by, and the connection's place in worker_connections, which nginx
// allocates when it starts.
//
//   node t/bench/idle.js [connections [workers]]        (5000, and 1 and 4)
//   node t/bench/idle.js --tls [connections [workers]]  (2000, and 1)
//
// --tls: over TLS 1.3, beside connections of nginx's own over which one request
// was made, and which are kept alive; what is more than these is ours.
//
// All connections are sockets of one namespace, in one room.  They are raw:
// the client must not be what is measured.  Some are open before and stay, so
// that what a first connection takes is not counted, and what a closed one
// gave back is not used.  SOCKETIO_BUILD is build/release unless it is set.

process.env.SOCKETIO_BUILD ||= 'build/release';

const crypto = require('node:crypto');
const net = require('node:net');
const tls = require('node:tls');
const { BenchNginx } = require('./servers');
const { until } = require('../lib/wait');

const TARGET = 1229;             // bytes
const MORE = 1024;               // bytes above what nginx takes with TLS
const AT_ONCE = 50;              // connections being opened
const BEFORE = 100;              // connections of each worker, about

const args = process.argv.slice(2).filter((arg) => arg !== '--tls');
const secure = args.length < process.argv.length - 2;

const options = {
  app: `
  zone 32m;
  namespace / {
      authenticate none;
      on connect { join lobby; }
  }`,
  ...secure && { certificate: true, ports: ['tls'], server: `
      listen 127.0.0.1:@tls@ ssl;
      ssl_certificate     cert.pem;
      ssl_certificate_key key.pem;
      ssl_protocols       TLSv1.3;
      keepalive_timeout   1h;
      location = /kept    { return 200 "kept\\n"; }` },
};

const connect = (ngx) => (secure
  ? tls.connect({ port: ngx.ports.tls, host: '127.0.0.1',
    rejectUnauthorized: false })
  : net.connect(ngx.port, '127.0.0.1'));

// A masked text frame; the payloads here are short.

function frame(text) {
  const mask = crypto.randomBytes(4);
  const data = Buffer.from(text).map((byte, n) => byte ^ mask[n % 4]);

  return Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, data]);
}

// An open, connected socket: handshake, open packet, CONNECT and its answer.

function open(ngx) {
  return new Promise((done, fail) => {
    const socket = connect(ngx);
    let got = '';

    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`closed after ${got}`)));

    socket.write('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n'
      + 'Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
      + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: '
      + `${crypto.randomBytes(16).toString('base64')}\r\n\r\n`);

    socket.on('data', (data) => {
      if (got === null) {
        if (data.length === 3 && data[2] === 0x32) {
          socket.write(frame('3'));
        }
        return;
      }

      const before = got;
      got += data.toString('latin1');

      if (/\r\n\r\n..+0\{/s.test(got) && !/\r\n\r\n..+0\{/s.test(before)) {
        socket.write(frame('40'));
      }

      if (/40\{"sid"/.test(got)) {
        got = null;
        done(socket);
      }
    });
  });
}

// A connection of nginx's: one request.

function openKept(ngx) {
  return new Promise((done, fail) => {
    const socket = connect(ngx);

    socket.on('error', fail);
    socket.write('GET /kept HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    socket.once('data', () => done(socket));
  });
}

async function openMany(ngx, count, how = open) {
  const sockets = [];
  let left = count;

  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      sockets.push(await how(ngx));
    }
  }));

  return sockets;
}

async function closeMany(ngx, sockets, left) {
  sockets.forEach((socket) => {
    socket.removeAllListeners('close');
    socket.destroy();
  });

  await until(async () => (await ngx.status()).total.sockets === left,
    { timeout: 30000, what: 'the sockets are gone' });
}

const round = (bytes) => Math.round(bytes).toString().padStart(10);

// What a place in worker_connections costs: measured, not looked up.

async function slotBytes() {
  const sizes = [];

  for (const connections of [1024, 1024 + 16384]) {
    const ngx = await BenchNginx.start({ ...options, connections });

    sizes.push(ngx.pss());
    await ngx.stop();
  }

  return (sizes[1] - sizes[0]) / 16384;
}

async function measure(count, workers, slot, log) {
  const ngx = await BenchNginx.start({ ...options, workers, log, listen: '',
    connections: count + 1000 });
  const first = BEFORE * workers;

  await openMany(ngx, first);

  const before = ngx.pss();
  const sockets = await openMany(ngx, count);
  const { total } = await ngx.status();

  if (total.sockets !== first + count) {
    throw new Error(`${total.sockets} sockets of ${first + count} are there`);
  }

  const after = ngx.pss();

  await closeMany(ngx, sockets, first);
  await openMany(ngx, count);

  const again = ngx.pss();
  const each = (after - before) / count;

  await ngx.stop();

  console.log(`
${count} connections, ${workers} worker${workers > 1 ? 's' : ''}, access log ${
    log ? 'on' : 'off'}
  PSS before, bytes         ${round(before)}
  PSS with all of them      ${round(after)}
  closed and opened again   ${round(again)}
  growth per connection     ${round(each)}
  worker_connections slot   ${round(slot)}
  all in                    ${round(each + slot)}   ${
    each + slot <= TARGET ? 'within' : 'ABOVE'} ${TARGET}`);

  return each + slot <= TARGET;
}

// What TLS takes by itself, and with us; the first ones, as above, stay.

async function measureTls(count, workers) {
  const growth = [];

  for (const how of [openKept, open]) {
    const ngx = await BenchNginx.start({ ...options, workers, listen: '',
      connections: count + 1000 });

    await openMany(ngx, BEFORE * workers, how);

    const before = ngx.pss();
    const sockets = await openMany(ngx, count, how);

    growth.push((ngx.pss() - before) / count);
    sockets.forEach((socket) => {
      socket.removeAllListeners('close');
      socket.destroy();
    });
    await ngx.stop();
  }

  const more = growth[1] - growth[0];

  console.log(`
${count} connections over TLS 1.3, ${workers} worker${workers > 1 ? 's' : ''}
  kept alive by nginx       ${round(growth[0])}
  a WebSocket in a room     ${round(growth[1])}
  more                      ${round(more)}   ${
    more <= MORE ? 'within' : 'ABOVE'} ${MORE}`);

  return more <= MORE;
}

async function main() {
  const count = Number(args[0] || (secure ? 2000 : 5000));

  if (secure) {
    process.exit(await measureTls(count, Number(args[1] || 1)) ? 0 : 1);
  }

  const slot = await slotBytes();
  let good = true;

  for (const workers of args[1] ? [Number(args[1])] : [1, 4]) {
    good = await measure(count, workers, slot, false) && good;
    await measure(count, workers, slot, true);
  }

  process.exit(good ? 0 : 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
