'use strict';

// Clients in rooms, random emits among them, and a model that knows who must
// hear what.
//
//   const model = new Model(ngx, { clients: 300, rooms: 50 });
//   await model.connect();
//   await model.join();          memberships, acknowledged
//   await model.emit(600);       by clients and by the API
//   await model.settle();        all have heard what they must
//   t.deepIs(model.problems(), []);
//
// Each message has its sender and a number.  A receiver must hear each that
// is for it once, nothing else, and those of one sender in order.  What a
// client sent that lost its connection before the ack may have arrived or
// not; what was acknowledged must have.

const { io } = require('socket.io-client');
const { Nginx } = require('./nginx');
const { SioRaw } = require('./sio_raw');
const { until } = require('./wait');
const tap = require('./tap');
const http = require('node:http');
const { request } = require('./http');

const app = `
  namespace / {
    authenticate none;
    on connect { emit worker to self with $pid; }
    on join  { join $.room; }
    on leave { leave $.room; }
    on m     { relay to $.a; }
    on one   { emit m to $.a $.a except self with $data; }
    on two   { emit m to $.a $.b with $data; }
    on but   { emit m to $.a $.b except self $.x with $data; }
    on most  { emit m to all except $.x with $data; }
  }`;

// A polling client that vanishes between two requests is missed by the
// heartbeat alone: it is short, so that a test need not wait for long.

const locations = `
  location /socket.io/ { socketio campus; socketio_ping_interval 4s;
                         socketio_ping_timeout 20s; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location = /healthz  { socketio_health campus; }`;

// The same numbers for the same seed.

function random(seed) {
  let state = seed >>> 0;

  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % n;
  };
}

class Client {
  constructor(model, n, kind) {
    Object.assign(this, { model, n, kind, rooms: new Set(), sent: 0 });
    this.reset();
  }

  reset() {
    this.heard = [];
    this.must = [];
    this.may = [];
    this.acks = new Map();
    this.ids = 0;
    this.up = false;
  }

  async connect(port = this.model.host(this.n).port) {
    this.reset();
    await (this.kind === 'stock' ? this.connectStock(port)
                                 : this.connectRaw(port));
    this.up = true;
  }

  connectStock(port) {
    const socket = io(`http://127.0.0.1:${port}`,
      { forceNew: true, reconnection: false });

    this.socket = socket;
    socket.on('m', (data) => this.hear(data));
    socket.on('worker', (pid) => { this.pid = Number(pid); });
    socket.on('disconnect', (reason) => this.lost(new Error(reason)));

    return new Promise((done, fail) => {
      socket.on('connect', () => { this.id = socket.id; done(); });
      socket.on('connect_error', fail);
    });
  }

  async connectRaw(port) {
    this.raw = await SioRaw.connect(port, {
      transport: this.kind === 'websocket' ? 'websocket' : 'polling',
      retry: this.model.retry });
    this.id = this.raw.id;
    this.listen(this.raw);
  }

  async listen(raw) {
    try {
      for (;;) {
        const { type, id, data } = await raw.next(0x7fffffff);
        if (type === 3) {
          this.acks.get(id)(data[0]);
          this.acks.delete(id);
        } else if (data[0] === 'm') {
          this.hear(data[1]);
        } else {
          this.pid = Number(data[1]);
        }
      }
    } catch (error) {
      if (raw === this.raw) {
        this.lost(error);
      }
    }
  }

  hear({ from, n }) {
    this.heard.push(`${from}:${n}`);
  }

  lost(error) {
    this.why = error;
    this.up = false;
    this.acks.forEach((done) => done(new Error('lost')));
    this.acks.clear();
  }

  // The ack, or an Error.

  ask(event, data) {
    if (!this.up) {
      return Promise.resolve(new Error('not connected'));
    }

    return new Promise((done) => {
      const id = this.ids++;

      this.acks.set(id, done);
      if (this.kind === 'stock') {
        this.socket.emit(event, data, (answer) => {
          this.acks.delete(id);
          done(answer);
        });
      } else {
        const { raw } = this;

        raw.event({ id }, event, data).catch((error) => {
          raw.packets.end(error);
          raw.close();
        });
      }
    });
  }

  close() {
    this.up = false;
    if (this.kind === 'stock') {
      this.socket?.disconnect();
    } else {
      this.raw?.close();
    }
  }
}

const kinds = ['websocket', 'polling', 'websocket', 'upgrade', 'websocket',
               'polling', 'stock', 'upgrade', 'websocket', 'polling'];

class Model {
  static app = app;

  // An nginx that this test's clients fit in.

  static start(options = {}) {
    return Nginx.start({ workers: 4, app: `zone 32m; ${app}`, locations,
      ...options });
  }

  // retry: see http.js.  hosts: several nginx in place of ngx, joined to one
  // another; clients and posts are spread over them.

  constructor(ngx, { clients = 300, rooms = 50, apis = 2, retry,
                     hosts = [ngx] } = {}) {
    const seed = Number(process.env.SOCKETIO_SEED) || Date.now() % 1e9;

    tap.note(`SOCKETIO_SEED=${seed}`);
    this.random = random(seed);
    this.hosts = hosts;
    this.retry = retry;
    this.rooms = Array.from({ length: rooms }, (_, n) => `room${n}`);
    this.clients = [];
    this.add(clients);
    this.apis = Array.from({ length: apis }, (_, n) => ({ n: `api${n}`,
      ngx: this.host(n), sent: 0, order: Promise.resolve(), ok: 0,
      agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) }));
    this.pending = [];
    tap.after(async () => this.close());
  }

  add(count) {
    const added = Array.from({ length: count }, () => {
      const n = this.clients.length;
      const client = new Client(this, n, kinds[n % kinds.length]);
      this.clients.push(client);
      return client;
    });

    return added;
  }

  host(n) {
    return this.hosts[n % this.hosts.length];
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  // Some at a time: the test is one process too.

  async each(clients, fn) {
    const rest = [...clients];

    await Promise.all(Array.from({ length: 20 }, async () => {
      while (rest.length) {
        await fn(rest.shift());
      }
    }));
  }

  connect(clients = this.clients) {
    return this.each(clients, (client) => client.connect());
  }

  async join(clients = this.clients, count = 2) {
    await this.each(clients, async (client) => {
      for (let n = 0; n < count; n++) {
        await this.move(client, 'join', this.pick(this.rooms));
      }
    });
  }

  // Some leave a room, some join another.

  async shuffle(clients = this.up()) {
    await this.each(clients.filter(() => this.random(3) === 0),
      async (client) => {
        if (client.rooms.size) {
          await this.move(client, 'leave', this.pick([...client.rooms]));
        }
        await this.move(client, 'join', this.pick(this.rooms));
      });
  }

  async move(client, verb, room) {
    const answer = await client.ask(verb, { room });

    if (answer !== null) {
      throw new Error(`${verb}: ${answer?.message || answer}`);
    }
    client.rooms[verb === 'join' ? 'add' : 'delete'](room);
  }

  async again(clients) {
    await this.each(clients, async (client) => {
      await client.connect();
      for (const room of client.rooms) {
        await this.move(client, 'join', room);
      }
    });
  }

  up() {
    return this.clients.filter((client) => client.up);
  }

  // Those who must hear, by rooms (null: all) and those excepted.

  members(rooms, except, sender) {
    const inAny = (client, names) =>
      names.some((room) => client.rooms.has(room) || client.id === room);

    return this.up().filter((client) => client !== sender
      && (rooms === null || inAny(client, rooms)) && !inAny(client, except));
  }

  // One emit: its promise says when it was acknowledged.

  send() {
    const a = this.pick(this.rooms);
    const b = this.pick(this.rooms);
    const x = this.random(4) ? this.pick(this.rooms)
                             : this.pick(this.up()).id;
    const how = this.random(20);

    if (how < 6) {
      return this.post(this.pick(this.apis), how ? [a, b].slice(how % 2)
        : null, how % 3 ? [x] : []);
    }

    const sender = this.pick(this.up());
    const [event, rooms, except, self] = [
      ['m', [a], []], ['one', [a], []], ['two', [a, b], [], true],
      ['but', [a, b], [x]]][how % 4];

    return how === 19
      ? this.say(sender, 'most', { x }, null, [x], true)
      : this.say(sender, event, { a, b, x }, rooms, except, self);
  }

  say(sender, event, data, rooms, except, self) {
    const n = sender.sent++;
    const to = this.members(rooms, except, self ? null : sender);

    return this.expect(to, `${sender.n}:${n}`,
      sender.ask(event, { ...data, from: sender.n, n })
        .then((answer) => answer === null));
  }

  post(api, rooms, except) {
    const n = api.sent++;
    const to = this.members(rooms, except, null);
    const sent = api.order.then(() => request(`${api.ngx.url}/api/emit`, {
      method: 'POST', agent: api.agent, retry: this.retry,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'm', data: { from: api.n, n },
                             ...(rooms && { to: rooms }), except }),
    })).then(({ status }) => status === 200, () => false);

    api.order = sent;

    return this.expect(to, `${api.n}:${n}`, sent);
  }

  expect(to, message, sent) {
    to.forEach((client) => client.must.push(message));

    const done = sent.then((ok) => {
      this.refused += !ok;
      if (!ok) {
        to.forEach((client) => {
          client.must.splice(client.must.indexOf(message), 1);
          client.may.push(message);
        });
      }
    });

    this.pending.push(done);

    return done;
  }

  refused = 0;

  // Some of them at a time; halfway() runs in the middle, and others go on.

  async emit(count, { width = 40, halfway } = {}) {
    let left = count;
    let middle;

    await Promise.all(Array.from({ length: width }, async () => {
      while (left > 0) {
        left--;
        if (left === count >> 1 && halfway) {
          middle = halfway();
        }
        await this.send();
      }
    }));
    await middle;
  }

  // All acks are there, and whoever is connected has heard what it must.

  async settle({ timeout = 60000 } = {}) {
    await Promise.all(this.pending.splice(0));
    await until(() => this.up().every(({ heard, must }) =>
      heard.length >= must.length), { timeout, what: 'all have heard' })
      .catch((error) => tap.note(error.message));

    // What comes in vain would come before a last word.

    await Promise.all(this.apis.map((api) => this.post(api, null, [])));
    this.up().slice(0, 40).forEach((sender) =>
      this.say(sender, 'most', { x: 'nowhere' }, null, [], true));
    await Promise.all(this.pending.splice(0));
    await until(() => this.up().every(({ heard, must }) =>
      heard.length >= must.length), { timeout, what: 'all have heard' })
      .catch((error) => tap.note(error.message));
  }

  // What is wrong, as text.  Those who have lost their connection meanwhile
  // are not asked.

  problems(clients = this.up()) {
    return clients.flatMap((client) => this.compare(client)
      .map((text) => `client ${client.n} (${client.kind}): ${text}`))
      .slice(0, 20);
  }

  compare({ heard, must, may }) {
    const problems = [];
    const seen = new Set();
    const last = new Map();
    const allowed = new Set([...must, ...may]);

    for (const message of heard) {
      const [from, n] = message.split(':');

      if (seen.has(message)) {
        problems.push(`${message} twice`);
      }
      if (!allowed.has(message)) {
        problems.push(`${message} in vain`);
      }
      if (last.get(from) > Number(n)) {
        problems.push(`${message} behind ${from}:${last.get(from)}`);
      }
      seen.add(message);
      last.set(from, Number(n));
    }

    return problems.concat(must.filter((message) => !seen.has(message))
      .map((message) => `${message} is missing`));
  }

  // Why some have lost their connection: how many for which reason.

  losses() {
    const why = {};

    this.clients.filter(({ up }) => !up).forEach((client) => {
      const text = `${client.kind}: ${client.why?.message}`;
      why[text] = (why[text] || 0) + 1;
    });

    return why;
  }

  heardCount() {
    return this.clients.reduce((sum, { heard }) => sum + heard.length, 0);
  }

  // The members of each room, as the API of a host has them, against ours.

  async matched() {
    const wrong = [];

    for (const [at, ngx] of this.hosts.entries()) {
      for (const room of this.rooms) {
        const { body } = await ngx.emit({ event: 'count', to: room,
          local: true });
        const { length } = this.members([room], [], null)
          .filter(({ n }) => n % this.hosts.length === at);
        if (body.matched !== length) {
          wrong.push(`${room}: ${body.matched}, not ${length}`);
        }
      }
    }

    return wrong;
  }

  close() {
    this.clients.forEach((client) => client.close());
    this.apis.forEach(({ agent }) => agent.destroy());
  }
}

module.exports = { Model, random };
