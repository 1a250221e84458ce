#!/usr/bin/env node
'use strict';

// A worker is killed before it writes the answer to a GET that it held for
// another's session.  What is repeated then, by a proxy or a browser, is no
// proof that the answer has arrived: the session ends, and mail is kept.

const fs = require('node:fs');
const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { Polling, RawWs } = require('./lib/raw');
const { until } = require('./lib/wait');

const app = `
  zone 24m;
  mailbox max=50;
  namespace / { authenticate insecure user=$auth.user; }`;

const owner = 0;
const holder = 1;
const other = 2;

let site;

const start = async () => {
  site = await Site.start({ workers: 3, app, path: '/socket.io/' });
};
const kept = async () => (await site.ngx.status()).zone.store.mail;
const mail = async () => (await site.ngx.status()).total.mailbox;
const send = (data) => site.ngx.emit({ event: 'item', data, user: 'ann',
                                       mailbox: true });

// A polling session of ann's, whose first item is known to have come.

async function connected() {
  const peer = await site.polling(owner);

  await peer.post(['40{"user":"ann"}']);
  await peer.messages(1);
  await send(1);
  const [item] = await peer.messages(1);

  if (item !== '42["item",1]') {
    throw new Error(`${item} instead of the first item`);
  }

  return peer;
}

// The next item is in an answer that the holder was given and did not write.

async function cut(peer) {
  const pid = site.ngx.workers()[holder];
  const { answer } = await peer.hang(holder);

  await until(async () => await kept() === 0, { what: 'the first is proved' });

  process.kill(pid, 'SIGSTOP');
  await until(() => /\) T /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')),
    { what: 'it has stopped, and accepts nothing' });
  site.ngx.forgetIdle();
  await send(2);
  await until(async () => (await mail()).delivered === 2,
    { what: 'the second is written' });
  await site.settle(owner);

  return { pid, answer };
}

// It is there for who comes again.

async function again(t) {
  await until(() => site.ngx.workers().length === 3, { what: 'three workers' });
  t.is(await kept(), 1);
  t.is((await mail()).proved, 1);

  const ann = await site.sio(owner, { auth: { user: 'ann' } });

  t.deepIs(await ann.nextEvent(), ['item', 2]);
  await until(async () => await kept() === 0, { what: 'nothing is kept' });
  ann.close();
  await site.empty();
  await site.ngx.stop();
}

for (const [name, place] of [['its owner', owner], ['another', other]]) {
  test(`the GET is repeated, to ${name}`, async (t) => {
    await start();
    const peer = await connected();
    await site.settle(place);
    const { pid, answer } = await cut(peer);

    site.ngx.kill(pid);
    await t.rejects(answer);

    const { status, body } = await peer.get(place);

    t.is(status, 400);
    t.is(JSON.parse(body).code, 1, 'the sid is unknown');
    await again(t);
  });

  test(`the session is upgraded, at ${name}`, async (t) => {
    await start();
    const peer = await connected();
    const { sid } = peer.query;
    const socket = await site.socket(place);
    const { pid, answer } = await cut(peer);
    const ws = await RawWs.connect(site.port, { query: { sid }, socket });

    await ws.sendText('2probe');
    t.is(await ws.nextMessage(), '3probe');
    site.ngx.kill(pid);
    await t.rejects(answer);
    await ws.sendText('5');
    await t.rejects(ws.nextMessage(), 'it is closed');
    await again(t);
  });
}

test('a worker that shuts down has written its answers', async (t) => {
  await start();
  const peer = await connected();
  const pid = site.ngx.workers()[holder];
  const { answer } = await peer.hang(holder);

  await send(2);
  t.deepIs(Polling.decode((await answer).body), ['42["item",2]']);
  process.kill(pid, 'SIGQUIT');
  await until(() => site.ngx.workers().length === 3
              && !site.ngx.workers().includes(pid), { what: 'another worker' });

  t.is(await kept(), 1);
  await peer.post(['42["back"]']);
  const { answer: next } = await peer.hang(owner);

  await until(async () => await kept() === 0, { what: 'it is proved' });
  await send(3);
  t.deepIs(Polling.decode((await next).body), ['42["item",3]']);
  await peer.post(['1']);
  await site.empty();
  await site.ngx.stop();
});
