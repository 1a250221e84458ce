#!/usr/bin/env node
'use strict';

// Instructions that an event takes in a worker, each delivery of it, and a
// whole POST to the API for which nobody is there, as callgrind counts them:
// the same each time, whatever else the machine does, so that what makes the
// hot path longer is noticed.  The kernel's are not in.
//
// The figures are those of one compiler; with another they are only told.

process.env.SOCKETIO_BUILD = 'build/release';

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');

const top = path.join(__dirname, '..');

// The build comes first: what starts nginx looks for it when it is loaded.

execFileSync('make', ['-s', 'BUILD=release', 'NGINX_SRC='],
  { cwd: top, stdio: 'ignore' });

const { test, after, note } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { RawWs } = require('./lib/raw');
const { until } = require('./lib/wait');

const EVENTS = 100;
const SMALL = 10;
const LARGE = 60;
const MARGIN = 1.05;
const PAD = 'x'.repeat(160);

const expected = JSON.parse(fs.readFileSync(
  path.join(__dirname, 'bench/instructions.json'), 'utf8'));
const compiler = `${process.arch} gcc ${
  execFileSync('gcc', ['-dumpfullversion'], { encoding: 'utf8' }).trim()}`;

let ngx;
let grind;
const clients = [];

// The counts since the last time, of one process.

function counted() {
  execFileSync('callgrind_control', ['-d', `${grind.pid}`],
    { stdio: 'ignore' });

  const dumps = fs.readdirSync(ngx.prefix)
    .filter((name) => /^callgrind\.out\.\d+\.\d+$/.test(name))
    .sort((a, b) => a.split('.')[3] - b.split('.')[3]);
  const text = fs.readFileSync(path.join(ngx.prefix, dumps.at(-1)), 'latin1');

  return Number(/^(?:totals|summary): (\d+)/m.exec(text)[1]);
}

async function join(room) {
  const ws = await RawWs.connect(ngx.port);

  await ws.nextMessage();
  await ws.sendText('40');
  await ws.nextMessage();
  await ws.sendText(`420["join","${room}"]`);
  await ws.nextMessage();
  clients.push(ws);

  return ws;
}

// One event after the other, each received by all.

async function relay(sender, room, members) {
  for (let n = 0; n < EVENTS; n++) {
    await sender.sendText(`42["say",{"roomId":"${room}","n":${n},"text":"${
      PAD}"}]`);
    await Promise.all(members.map((ws) => ws.nextMessage()));
  }
}

test('nginx runs under callgrind, in one process', async () => {
  ngx = await Nginx.start({ app: `
    namespace / {
        authenticate none;
        on join { join room:$data; ack null; }
        on say  { expect $.text string 1..2000; check in room:$.roomId;
                  relay to room:$.roomId; }
    }`, server: 'socketio_ping_interval 10m; socketio_connect_timeout 10m;' });

  // the same again, under valgrind: a process that nothing else counts in

  const conf = path.join(ngx.prefix, 'nginx.conf');

  process.kill(ngx.master, 'SIGQUIT');
  await ngx.exited;
  fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8')
    .replace('daemon off;', 'daemon off; master_process off;')
    .replace(/access_log .*/, 'access_log off;'));

  grind = spawn('setpriv', ['--pdeathsig', 'TERM', 'valgrind',
    '--tool=callgrind', '--callgrind-out-file=callgrind.out.%p', 'nginx',
    '-p', ngx.prefix, '-c', 'nginx.conf', '-e', 'logs/error.log'],
  { cwd: ngx.prefix, stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });

  const exited = new Promise((done) => grind.on('exit', done));

  after(async () => {
    clients.forEach((ws) => ws.close());
    grind.kill('SIGQUIT');
    await exited;
  });

  await until(async () => (await ngx.get('/healthz')).status === 200,
    { timeout: 60000, what: 'nginx answers under callgrind' });
});

async function posts() {
  for (let n = 0; n < EVENTS; n++) {
    await ngx.emit({ event: 'news', to: 'nobody', data: { n, text: PAD } });
  }
}

test('instructions of an event, a delivery and a post', async (t) => {
  const small = [];
  const large = [];

  for (let n = 0; n < SMALL; n++) {
    small.push(await join('small'));
  }

  for (let n = 0; n < LARGE; n++) {
    large.push(await join('large'));
  }

  await relay(small[0], 'small', small.slice(1));
  await relay(large[0], 'large', large.slice(1));
  await posts();
  counted();

  await relay(small[0], 'small', small.slice(1));
  const few = counted() / EVENTS;

  await relay(large[0], 'large', large.slice(1));
  const many = counted() / EVENTS;

  await posts();
  const post = Math.round(counted() / EVENTS);

  const delivery = Math.round((many - few) / (LARGE - SMALL));
  const event = Math.round(few - delivery * (SMALL - 1));

  note(`an event ${event}, a delivery ${delivery}, a post ${post}, ${
    compiler}`);

  if (compiler !== expected.compiler) {
    note(`compared with nothing: the figures are those of ${
      expected.compiler}`);
    return;
  }

  for (const [what, got] of Object.entries({ event, delivery,
    post })) {
    t.ok(got <= expected[what] * MARGIN,
      `${what}: ${got} instructions, ${expected[what]} are expected`);

    if (got < expected[what] / MARGIN) {
      note(`${what}: ${got} instead of ${expected[what]}: `
        + 'put it into t/bench/instructions.json');
    }
  }
});
