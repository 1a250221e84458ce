#!/usr/bin/env node
'use strict';

// What workers owe each other when one of them dies or stands still in the
// middle of something.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { frame } = require('./lib/raw');
const { until } = require('./lib/wait');

const engine = `socketio_ping_interval 60s; socketio_ping_timeout 60s;
                socketio_upgrade_timeout 120s;`;

let site;

// A worker was replaced: connections are made anew, to whom places name now.

function anew() {
  site.agents.forEach((agent) => agent.destroy());
  site.agents.clear();
  site.spare.splice(0).forEach(({ socket }) => socket.destroy());
}

const emit = (body) => site.request('/api/emit', { method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body) });

test('nginx starts', async () => {
  site = await Site.start({ workers: 2, engine });
});

test('who holds a request takes no answer to its predecessor', async (t) => {
  const [owner, holder] = site.ngx.workers();
  const first = await site.polling(0);

  await first.hang(1);
  site.ngx.kill(holder);
  await until(() => site.ngx.workers().length === 2
              && !site.ngx.workers().includes(holder), { what: 'a new one' });
  anew();

  const place = site.ngx.workers().indexOf(owner);
  const second = await site.polling(place);
  const { answer } = await second.hang(place + 1);

  await first.post('4for the first', place);
  await second.post('4for the second', place);
  t.is((await answer).body, '4for the second');
});

test('a WebSocket whose session dies with its worker is closed',
  async (t) => {
    const [owner] = site.ngx.workers();
    const peer = await site.polling(0);
    const ws = await site.probing(peer, 1);

    site.ngx.kill(owner);
    await ws.closeCode();
    await until(() => site.ngx.workers().length === 2
                && !site.ngx.workers().includes(owner), { what: 'a new one' });
    anew();
  });

test('a WebSocket and a GET that end in one turn', async (t) => {
  const [pid] = site.ngx.workers();

  for (let i = 0; i < 5; i++) {
    const peer = await site.polling(0);
    const { answer } = await peer.hang(0);
    const ws = await site.ws(0, { query: { sid: peer.query.sid } });

    process.kill(pid, 'SIGSTOP');
    ws.socket.write(Buffer.concat([frame({ payload: '2probe' }),
      frame({ payload: '5' }),
      frame({ opcode: 8, payload: Buffer.from([3, 232]) })]));
    site.agent(0).destroy();
    process.kill(pid, 'SIGCONT');
    await answer.catch(() => {});
  }

  t.ok(site.ngx.workers().includes(pid));
});

test('ids of acks fit into 31 bits', async (t) => {
  const sio = await site.sio(0);
  const answer = emit({ event: 'ask', data: 1, ack: 2000 });
  const packet = await sio.packets.next();

  t.ok(packet.id >= 0 && packet.id < 0x80000000);
  sio.close();
  await answer;
});

test('none is left', () => site.empty());

test('the last of many apps reaches other workers', async (t) => {
  const many = Array.from({ length: 70 }, (_, i) => i);

  site = await Site.start({ workers: 2, server: `
    location /last/     { socketio app69; }
    location /last/api/ { socketio_api app69; allow 127.0.0.1; deny all; }`,
    http: many.map((i) => `socketio_app app${i} {
      zone 4m; namespace / { authenticate none; } }`).join('\n') });

  const all = [await site.sio(0, { path: '/last/' }),
               await site.sio(1, { path: '/last/' })];

  const { status } = await site.request('/last/api/emit', { method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: 'news', data: 1 }) });

  t.is(status, 200);
  for (const sio of all) {
    t.deepIs((await sio.packets.next()).data, ['news', 1]);
    sio.close();
  }
});
