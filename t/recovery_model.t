#!/usr/bin/env node
'use strict';

// Recovery against a model: stock clients whose connections are cut at random,
// and then a worker's too, while two senders in two workers go on.  Each client
// has all that was for it, once, and each sender's in order.
// SOCKETIO_FULL=1: the full size.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { open, ask } = require('./lib/clients');
const { until, sleep } = require('./lib/wait');

const full = Boolean(process.env.SOCKETIO_FULL);
const count = full ? 200 : 24;
const emits = full ? 5000 : 400;
const rooms = 4;
const patient = { timeout: full ? 600000 : 120000 };

const app = `
  zone 32m;
  recovery 2m;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { join lobby; }
    on join { join $.room; ack null; }
    on say  { emit n to $.room with \${$}; ack null; }
  }`.replace('${$}', "'{\"from\": \"talker\", \"n\": $.n}'");

let seed = 12345;
const random = (n) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor(seed / 65536) % n;
};

let site, clients, talker;
const sent = { api: [], talker: [] };
const n = { api: 0, talker: 0 };
let fresh = 0;

const room = () => (random(3) ? `r${random(rooms)}` : 'lobby');

async function post() {
  const to = room();
  sent.api.push({ n: ++n.api, to });
  const { status } = await site.request('/api/emit', { place: 0,
    method: 'POST', body: JSON.stringify({ event: 'n', to,
      data: { from: 'api', n: n.api } }) });
  if (status !== 200) {
    throw new Error(`emit: ${status}`);
  }
}

async function say() {
  const to = room();
  sent.talker.push({ n: ++n.talker, to });
  await ask(talker, 'say', { room: to, n: n.talker });
}

function cut(socket) {
  const engine = socket.io.engine;

  if (!socket.connected || !engine) {
    return;
  }
  if (engine.transport.ws) {
    engine.transport.ws.terminate();
  } else {
    engine.close();
  }
}

// What a client has of a sender must be what was for its rooms since it is in
// them.

function problem({ got, rooms: mine }, from) {
  const wanted = sent[from].filter(({ to }) => mine.includes(to))
    .map((one) => one.n);
  const have = got.filter((one) => one.from === from).map((one) => one.n);
  const wrong = have.findIndex((one, i) => one !== wanted[i]);

  if (wrong < 0 && have.length === wanted.length) {
    return null;
  }
  return `${from}: ${have.length} of ${wanted.length}, `
    + `[${wrong}] is ${have[wrong]}, not ${wanted[wrong]}`;
}

const problems = () => clients.flatMap((one) =>
  [problem(one, 'api'), problem(one, 'talker')]).filter(Boolean);
const whole = () => until(() => problems().length === 0,
  { what: 'all have all', timeout: 60000 })
  .catch((error) => {
    error.message += `: ${problems().slice(0, 5).join('; ')}`;
    throw error;
  });

async function rounds(cuts) {
  let over = false;
  const cutter = async () => {
    while (!over) {
      cut(clients[random(clients.length)].socket);
      await sleep(random(10));
    }
  };
  const cutting = cuts ? cutter() : null;
  const senders = [post, say].map(async (send) => {
    for (let i = 0; i < emits; i++) {
      await send();
      if (i % 50 === 0) {
        await sleep(5);
      }
    }
  });

  await Promise.all(senders);
  over = true;
  await cutting;
}

test('clients connect and join', async () => {
  site = await Site.start({ workers: 4, app });
  clients = Array.from({ length: count }, (_, i) => {
    const transport = i % 4 ? 'websocket' : 'polling';
    const socket = open(site.ngx, { transport,
      auth: { user: `u${i}` }, reconnection: true, reconnectionDelay: 1,
      reconnectionDelayMax: 20 });
    const one = { socket, got: [], rooms: ['lobby', `r${i % rooms}`] };

    socket.on('n', (data) => one.got.push(data));
    socket.on('connect', () => { fresh += !socket.recovered; });
    return one;
  });
  talker = open(site.ngx, { agent: site.agent(1), auth: { user: 'talker' } });
  await Promise.all([...clients.map(({ socket }) => socket), talker]
    .map((socket) => until(() => socket.connected, { what: 'connected' })));
  for (const { socket, rooms: mine } of clients) {
    await ask(socket, 'join', { room: mine[1] });
  }
}, patient);

test('without cuts all is there', async (t) => {
  await rounds(false);
  await whole();
  t.is(fresh, count);
}, patient);

test('connections are cut at random', async (t) => {
  await rounds(true);
  await whole();
  t.is(fresh, count, 'one came back as another');
  const { recovered, events } = (await site.ngx.status()).total.recovery;
  t.note(`${recovered} came back, ${events} events after the fact`);
  t.ok(recovered > 20);
}, patient);

test('a worker is killed in the middle', async (t) => {
  const pids = site.ngx.workers();
  const running = rounds(false);
  await sleep(50);
  site.ngx.kill(pids[2]);
  site.ngx.kill(pids[3]);
  await running;
  await whole();
  t.is(fresh, count, 'one came back as another');
}, patient);

test('nothing is left', async () => {
  clients.forEach(({ socket }) => socket.disconnect());
  talker.disconnect();
  await site.empty();
}, patient);
