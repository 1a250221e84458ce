#!/usr/bin/env node
'use strict';

// authenticate variable: the user is what nginx says, at the handshake.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');

const app = `
  namespace /map {
    authenticate variable $session_user;
    on who { ack $user; }
    on hi  { relay to user:$.to; }
  }
  namespace /proxy {
    authenticate variable $http_x_user;
    on connect { check $user != banned; }
    on who { ack $user; }
  }
  namespace /open {
    authenticate none;
    on who { ack $user; }
  }`;

const http = `
  map $http_authorization $session_user {
    "Bearer secret-of-7"   7;
    "Bearer secret-of-8"   "J\u00fcrgen \\"8\\"";
    "Bearer empty"         "";
    "Bearer control"       "a\tb";
    "Bearer long"          "${'x'.repeat(300)}";
  }`;

// A proxy that knows who its clients are, and one that says nothing.

const server = `
  listen 127.0.0.1:@proxy@;
  listen 127.0.0.1:@careless@;
  set $from_proxy "";
  if ($server_port = @proxy@) { set $from_proxy $arg_login; }`;

const locations = `
  location /socket.io/ { socketio campus; }
  location /via/ {
    proxy_pass http://127.0.0.1:@back@/socket.io/;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;
    proxy_set_header X-User $from_proxy;
  }
  location = /status  { socketio_status campus; }
  location = /healthz { socketio_health campus; }`;

const back = `
  server {
    listen 127.0.0.1:@back@;
    location /socket.io/ { socketio campus; socketio_origin *; }
  }`;

const refused = (t, promise, code, message) =>
  promise.then((socket) => t.ok(false, `${socket.id} is in`), (error) => {
    t.is(error.message, message);
    t.is(error.data.code, code);
  });

function suite(workers) {
  const name = (text) => `${text}, ${workers} workers`;
  let ngx;

  const bearer = (key, options) => connect(ngx, { nsp: '/map',
    extraHeaders: key ? { authorization: `Bearer ${key}` } : {}, ...options });

  // Port proxy's nginx says who it is, whatever the client says.

  const via = (port, login, options) => connect(
    { url: `http://127.0.0.1:${ngx.ports[port]}` },
    { nsp: '/proxy', path: '/via/', query: login ? { login } : {},
      extraHeaders: { 'x-user': 'mallory' }, ...options });

  test(name('nginx is there'), async () => {
    ngx = await Nginx.start({ workers, app, server, locations,
      http: http + back, ports: ['proxy', 'careless', 'back'] });
  });

  test(name('what a map makes of a header is the user'), async (t) => {
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      t.is(await ask(await bearer('secret-of-7', { transport }), 'who'), '7');
      t.is(await ask(await bearer('secret-of-8', { transport }), 'who'),
        'J\u00fcrgen "8"');
    }
  });

  test(name('the user is in the room of his name'), async (t) => {
    const seven = await bearer('secret-of-7', { transport: 'polling' });
    const eight = await bearer('secret-of-8');
    const heard = new Promise((done) => seven.once('hi', done));
    eight.emit('hi', { to: '7', text: 'x' });
    t.deepIs(await heard, { to: '7', text: 'x' });
  });

  test(name('who has no user is refused'), async (t) => {
    for (const key of ['', 'wrong', 'empty']) {
      await refused(t, bearer(key), 'forbidden', 'authentication required');
    }
  });

  test(name('an id that is no name for a room is refused'), async (t) => {
    for (const key of ['control', 'long']) {
      await refused(t, bearer(key), 'invalid', 'invalid user id');
    }
  });

  test(name('what the client says is not believed'), (t) =>
    refused(t, bearer('', { auth: { user: '7', session_user: '7' },
      query: { session_user: '7' } }), 'forbidden',
    'authentication required'));

  test(name('a header that a proxy sets is the user'), async (t) => {
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      t.is(await ask(await via('proxy', 'ann', { transport }), 'who'), 'ann');
    }
  });

  test(name('a header that the proxy leaves empty is nobody'), async (t) => {
    await refused(t, via('proxy', ''), 'forbidden', 'authentication required');
    await refused(t, via('careless', 'ann'), 'forbidden',
      'authentication required');
  });

  test(name('the connect rule runs behind it'), (t) =>
    refused(t, via('proxy', 'banned'), 'forbidden', 'not allowed'));

  test(name('another namespace of the same connection has nobody'),
    async (t) => {
      t.is(await ask(await bearer('', { nsp: '/open' }), 'who'), null);
    });
}

suite(1);
suite(4);
