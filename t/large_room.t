#!/usr/bin/env node
'use strict';

// A room with so many members that a broadcast to them takes many turns of a
// worker's loop: all get all of it, once and in order, also what comes for one
// of them in between, and when nginx ends meanwhile.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs } = require('./lib/raw');

const MEMBERS = 3000;
const AT_ONCE = 50;
const PAD = 'x'.repeat(300);

let ngx;
let members;

async function member() {
  const ws = await RawWs.connect(ngx.port);

  await ws.nextMessage();
  await ws.sendText('40');
  await ws.nextMessage();

  return ws;
}

async function all(count) {
  const list = [];
  let left = count;

  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      list.push(await member());
    }
  }));

  return list;
}

// The next message that is no ping.

async function next(ws) {
  for (;;) {
    const text = await ws.nextMessage(60000);

    if (text !== '2') {
      return text;
    }

    await ws.sendText('3');
  }
}

for (const workers of [1, 4]) {
  test(`${MEMBERS} join a room, ${workers} workers`, async (t) => {
    ngx = await Nginx.start({ workers, app: `
      zone 16m;
      namespace / {
          authenticate none;
          on connect { join lobby; }
          on say     { emit said to lobby; }
          on echo    { ack $args; }
      }`, server: 'socketio_ping_interval 60s;' });
    members = await all(MEMBERS);
    t.is((await ngx.status()).total.sockets, MEMBERS);
  });

  test('everything arrives everywhere, in order', async (t) => {
    const [sender, other] = members;

    // a broadcast, an echo of one that still waits for it, another broadcast

    for (let n = 0; n < 4; n++) {
      await sender.sendText(`42["say",${n},"${PAD}"]`);
      await sender.sendText(`42${n}["echo",${n}]`);
      await other.sendText(`42${n}["echo",${n}]`);
    }

    const said = (n) => `42["said",${n},"${PAD}"]`;

    for (const ws of members.slice(2)) {
      for (let n = 0; n < 4; n++) {
        t.is(await next(ws), said(n));
      }
    }

    for (let n = 0; n < 4; n++) {
      t.is(await next(sender), said(n));
      t.is(await next(sender), `43${n}[${n}]`);
    }

    const heard = [];

    while (heard.length < 8) {
      heard.push(await next(other));
    }

    t.deepIs(heard.filter((text) => text.startsWith('42')), [0, 1, 2, 3]
      .map(said));
    t.deepIs(heard.filter((text) => text.startsWith('43')), [0, 1, 2, 3]
      .map((n) => `43${n}[${n}]`));
  });

  test('members who leave while they wait harm nobody', async (t) => {
    const [sender] = members;

    await sender.sendText(`42["say",4,"${PAD}"]`);
    members.splice(1000, 1000).forEach((ws) => ws.close());

    for (const ws of members) {
      t.is(await next(ws), `42["said",4,"${PAD}"]`);
    }
  });

  test('nginx ends: what was said is told before', async (t) => {
    await ngx.emit({ event: 'said', data: PAD });
    process.kill(ngx.master, 'SIGQUIT');

    for (const ws of members) {
      t.is(await next(ws), `42["said","${PAD}"]`);
    }

    await ngx.exited;
    members.forEach((ws) => ws.close());
  });
}
