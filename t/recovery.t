#!/usr/bin/env node
'use strict';

// Connection state recovery with stock clients: who comes back is who he was,
// and gets what he missed, once and in order.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { open, connect, once, ask } = require('./lib/clients');
const { until, within } = require('./lib/wait');

const app = `
  zone 24m;
  recovery 2m;
  mailbox;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect {
      join lobby;
      emit hello to self with $auth.user;
    }
    on disconnect { emit gone to watch with $reason; }
    on join    { join $.room; ack null; }
    on leave   { leave $.room; ack null; }
    on name    { set name $.name; ack null; }
    on who     { ack $socket $socket.name $user; }
    on rooms   { ack true; }
    on self    { emit mine to self; ack null; }
    on say     { emit said to $.room except $.but with $.text; ack null; }
    on tell    { emit said to lobby; }
    on move    { emit moved to lobby volatile; ack null; }
    on mail    { emit letter to user:$.to mailbox with $.text; ack null; }
  }
  namespace /other { authenticate none; on connect { join lobby; } }`;

let site;

const emit = async (room, data, more) => {
  const { status, body } = await site.ngx.emit({ event: 'n', to: room, data,
                                                 ...more });
  if (status !== 200) {
    throw new Error(JSON.stringify(body));
  }
};

const total = async () => (await site.ngx.status()).total.recovery;

// A client that keeps what it gets, without the offsets.

async function client(user, { place = 0, ...options } = {}) {
  const socket = open(site.ngx, { auth: { user }, agent: site.agent(place),
                                  ...options });
  socket.got = [];
  socket.onAny((event, ...args) => {
    if (args.length && typeof args[args.length - 1] === 'string') {
      args.pop();
    } else {
      socket.bare = event;
    }
    socket.got.push([event, ...args]);
  });
  await again(socket);

  return socket;
}

const again = (socket) => within(30000, 'connect', new Promise((done, fail) => {
  socket.once('connect', done);
  socket.once('connect_error', fail);
  if (!socket.active) {
    socket.connect();
  } else if (!socket.io._reconnecting) {
    socket.io.open();
  }
}));

// The connection goes, as by a broken network.

async function cut(socket) {
  const lost = once(socket, 'disconnect');
  const { transport } = socket.io.engine;

  if (transport.ws) {
    transport.ws.terminate();
  } else {
    socket.io.engine.close();
  }
  await lost;
  await until(async () => await site.count('opened')
    === await site.count('closed') + await site.count('all'),
    { what: 'the server knows' });
}

const numbers = (socket) => socket.got.filter(([event]) => event === 'n')
  .map(([, n]) => n);
const range = (from, to) => Array.from({ length: to - from + 1 },
                                       (_, i) => from + i);
const arrived = (socket, n) => until(() => numbers(socket).includes(n),
                                     { what: `${n} has arrived` });

for (const workers of [1, 4]) {
  for (const transport of ['websocket', 'polling']) {
    const what = `${transport}, ${workers} workers`;

    test(`${what}: what was missed comes first, in order`, async (t) => {
      if (!site || site.workers !== workers) {
        site = await Site.start({ workers, app });
      }
      const socket = await client('ann', { transport });
      const { id } = socket;

      t.is(socket.recovered, false);
      await ask(socket, 'join', { room: 'a' });
      await ask(socket, 'name', { name: 'Ann' });
      await emit('a', 1);
      await arrived(socket, 1);
      await cut(socket);
      for (let n = 2; n <= 6; n++) {
        await emit(n % 2 ? 'a' : 'lobby', n);
        await emit('b', -n);
      }
      await again(socket);
      t.is(socket.recovered, true);
      t.is(socket.id, id);
      await emit('a', 7);
      await arrived(socket, 7);
      t.deepIs(numbers(socket), range(1, 7));
      t.deepIs(await ask(socket, 'who'), [id, 'Ann', 'ann']);
      t.deepIs(socket.got.filter(([event]) => event === 'hello').length, 1,
               'on connect ran again');
      socket.disconnect();
    });
  }
}
