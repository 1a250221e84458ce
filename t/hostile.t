#!/usr/bin/env node
'use strict';

// Peers that mean harm: mutated requests, frames, packets and bodies, cut off
// in every phase, by the seed.  Whatever they do, a pair of witnesses gets
// its own messages and no others, and nothing is left behind.
//
// HOSTILE_SEED=n draws others, HOSTILE_TIME=seconds makes it longer.  What
// meets what depends on time, so that a seed repeats a run only roughly.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, ask } = require('./lib/clients');
const { random } = require('./lib/model');
const { attack } = require('./lib/hostile');
const { gone } = require('./lib/status');
const { until } = require('./lib/wait');

const seed = Number(process.env.HOSTILE_SEED || 1);
const time = Number(process.env.HOSTILE_TIME || 4) * 1000;
const LANES = 24;

const app = `
  namespace / {
    authenticate none;
    on connect  { join all; }
    on witness  { relay to witness-$[1]; }
    on enter    { join witness-$data; }
    on join     { join $.room; ack null $.room; }
    on leave    { leave $.room; }
    on "name:*" { emit $.name to all with $data; }
    on text     { emit text to all with '{"a": $.a, "b": "$.b", "c": [$args]}';
                  ack $args; }
    on keep     { set kept $data; emit kept to self with $socket.kept; }
    on "~^re:(?<part>.*)$" { emit "re:$part" to all with '["$part", $event]'; }
    on expected { expect $.s string 1..8 "~^\\w+$"; check in $.s;
                  relay to $.s volatile; }
    on "*"      { relay to all; }
    api "*"     { emit $event to all with $data; }
  }
  namespace /custom { authenticate insecure user=$auth.name;
                      on "*" { relay to user:$user; } }
  namespace "~^/dyn-\\w+$" { authenticate none;
                             on "*" { emit $event to self; } }`;

// Two stock clients in a room of their own.  Broadcasts of the attackers reach
// them too: one that their parser refuses would close them.

class Witnesses {
  static async start(ngx, transport) {
    const pair = new Witnesses();

    pair.transport = transport;
    pair.clients = await Promise.all([0, 1].map(() =>
      connect(ngx, { transport })));
    pair.heard = [];
    pair.gone = new Promise((_, fail) => {
      pair.clients.forEach((client) => client.on('disconnect',
        (reason, details) => fail(new Error(
          `${transport}: ${reason} ${details?.description || ''}`))));
    });
    pair.gone.catch(() => {});
    pair.clients[1].on('witness', (text) => pair.heard.push(text));
    await Promise.all(pair.clients.map((client) =>
      ask(client, 'enter', transport)));

    return pair;
  }

  async exchange(text) {
    const [one] = this.clients;
    const bytes = Buffer.from(text);

    one.emit('witness', `${this.transport} ${text}`, this.transport);
    const [answer] = await Promise.race([this.gone, Promise.all([
      ask(one, 'text', { a: bytes, b: text }),
      until(() => this.heard.length)])]);

    if (this.heard.join() !== `${this.transport} ${text}`
        || Buffer.compare(answer.a, bytes) || answer.b !== text) {
      throw new Error(`${this.transport}: sent ${text}, heard ${this.heard}, `
        + `answer ${JSON.stringify(answer)}`);
    }
    this.heard = [];
  }

  close() {
    this.clients.forEach((client) => client.off('disconnect').disconnect());
  }
}

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let ngx;
  let before;

  const zone = async () => {
    const { cells_used, chunks_used } = (await ngx.status()).zone;
    return `${cells_used} cells, ${chunks_used} chunks`;
  };

  fact('nginx starts', async (t) => {
    ngx = await Nginx.start({ workers, app,
      http: `log_format all '$status $socketio_sid $socketio_user '
               '$socketio_transport $socketio_packets_in '
               '$socketio_bytes_out $socketio_close_reason "$request"';
             access_log logs/all.log all;`,
      server: `
        socketio_max_payload 20000;
        socketio_ping_interval 400ms;
        socketio_ping_timeout 8s;
        socketio_upgrade_timeout 300ms;
        socketio_connect_timeout 3s;
        socketio_buffer 256k;
        client_header_timeout 1s;
        client_body_timeout 1s;
        keepalive_timeout 5s;
        client_body_buffer_size 1k;` });
    await gone(ngx);
    before = await zone();
    t.note(`seed ${seed}; ${before}`);
  });

  fact('witnesses get their own messages and no others', async (t) => {
    const draw = random(seed * 10 + workers);
    const deadline = Date.now() + time;
    let rounds = 0;

    const pairs = await Promise.all(['websocket', 'polling'].map((transport) =>
      Witnesses.start(ngx, transport)));
    const lane = async () => {
      while (Date.now() < deadline) {
        await attack(ngx.port, draw);
        rounds += 1;
      }
    };
    const lanes = Array.from({ length: LANES }, lane);

    for (let n = 0; Date.now() < deadline; n++) {
      for (const pair of pairs) {
        await pair.exchange(`${seed}-${n}`);
      }
    }
    await Promise.all(lanes);
    for (const pair of pairs) {
      await pair.exchange('the end');
      pair.close();
    }
    t.note(`${rounds} attacks`);
    t.ok(rounds > 0);
  }, { timeout: time + 120000 });

  fact('nothing is left behind', async (t) => {
    await gone(ngx);

    // A closed session waits a while for GETs to take the rest.

    const sids = ngx.log('all.log').match(/^\d+ [\w-]{20} /gm);

    for (const sid of new Set(sids.map((text) => text.slice(4, -1)))) {
      const uri = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;

      while ((await ngx.get(uri)).status === 200);
    }
    await until(async () => await zone() === before,
      { what: `the zone has ${before} again` })
      .catch(async (error) => {
        throw new Error(`${error.message}; it has ${await zone()}`);
      });
    t.is((await ngx.status()).workers.length, workers);
    t.is(ngx.log().match(/^.*\[(?:crit|alert|emerg)\].*$/gm), null);
    t.is(ngx.log().match(/^.*exited on signal.*$/gm), null);
  }, { timeout: 120000 });
}
