'use strict';

// Users of an nginx with all presets, and who heard what:
//
//   const cast = await Cast.start({ workers: 4 });
//   await cast.grant('ann', 'group:1');
//   const [ann, bob] = await cast.enter('ann', 'bob');
//   await cast.scene(t, ann, () => ann.ok('group:activity', data),
//                    { bob: [['group:activity', { ... }]] });
//
// A scene is what one actor does, a user or the backend.  It is over when all
// have heard a fence that the actor sent behind it: what one sender sends
// arrives in order, so whoever has heard nothing by then never will.  Nobody
// may have heard more, or less, than the scene says.
//
// Times near now are "@now" in what was heard, random ids "@uuid".

const fs = require('node:fs');
const path = require('node:path');
const assert = require('node:assert');
const { Nginx } = require('./nginx');
const { open } = require('./clients');
const { until, within } = require('./wait');

const folder = path.join(__dirname, '../../conf/presets');
const files = fs.readdirSync(folder).map((name) => path.join(folder, name));
const transports = ['websocket', 'polling', 'upgrade'];

const app = `
  zone     16m;
  presence grace=300ms;
  mailbox  ttl=1d max=100;

  namespace / {
    authenticate insecure user=$auth.user;

    on connect    { set name $auth.name; emit session to self with $user; }
    on test:fence { emit fence to all with $data; }
    on test:in    { check in $data; ack null; }
    on test:out   { when in $data { reject inside; } ack null; }

    ${files.map((file) => `include ${file};`).join('\n    ')}
  }`;

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

// What differs from run to run gets a name.

function plain(value) {
  if (typeof value === 'string') {
    if (iso.test(value) && Math.abs(Date.parse(value) - Date.now()) < 60000) {
      return '@now';
    }
    return uuid.test(value) ? '@uuid' : value;
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (value && typeof value === 'object' && !Buffer.isBuffer(value)) {
    return Object.fromEntries(Object.entries(value)
      .map(([name, member]) => [name, plain(member)]));
  }

  return value;
}

// One tab of a user.

class Tab {
  heard = [];
  seen = [];            // of presence
  fences = new Map();

  constructor(label, user, socket) {
    Object.assign(this, { label, user, socket });

    this.connected = within(10000, `${label} connects`,
      new Promise((done, fail) => {
        socket.once('connect', done);
        socket.once('connect_error', fail);
      }));

    socket.on('disconnect', (reason) => { this.gone = reason; });
    socket.onAny((event, ...args) => {
      if (event === 'fence') {
        this.fences.get(args[0])?.();
      } else if (event === 'user:presence') {
        this.seen.push(args[0]);
      } else if (event !== 'session') {
        this.heard.push([event, ...args.map(plain)]);
      }
    });
  }

  get id() {
    return this.socket.id;
  }

  emit(...args) {
    this.socket.emit(...args);
  }

  // The arguments of the ack.

  ask(event, ...args) {
    return within(10000, `ack of ${event} for ${this.label}`,
      new Promise((done) => {
        this.socket.emit(event, ...args, (...answer) => done(answer));
      }));
  }

  // An event that is taken: what the ack says behind null.

  async ok(event, ...args) {
    const [error, answer] = await this.ask(event, ...args);

    assert.strictEqual(error, null, `${event} of ${this.label}: `
      + JSON.stringify(error));

    return plain(answer);
  }

  // An event that is refused, with this code.

  async refused(code, event, ...args) {
    const answer = await this.ask(event, ...args);

    assert.strictEqual(answer[0]?.code, code, `${event} of ${this.label} with `
      + `${JSON.stringify(args).slice(0, 200)}: ${JSON.stringify(answer)}`);
    assert.strictEqual(typeof answer[0].message, 'string');
  }

  // Whether the socket is in a room, by now.

  isIn(room, inside = true) {
    return until(async () => (await this.ask(inside ? 'test:in' : 'test:out',
      room))[0] === null, { what: `${this.label} and ${room}` });
  }

  fence(name) {
    return within(20000, `a fence for ${this.label}`, new Promise((done) => {
      this.fences.set(name, done);
    })).finally(() => this.fences.delete(name));
  }

  // The next events of presence that fit: all members of wanted.

  sees(wanted) {
    return until(() => this.seen.find((one) => Object.entries(wanted)
      .every(([name, value]) => one[name] === value)),
      { what: `${this.label} sees ${JSON.stringify(wanted)}` });
  }
}

class Cast {
  static async start({ workers = 1, ...options } = {}) {
    const cast = new Cast();

    cast.ngx = await Nginx.start({ workers, app, ...options });

    return cast;
  }

  tabs = [];
  count = 0;
  fences = 0;

  // The backend, as an actor.

  backend = { label: 'the backend',
              emit: (_, name) => this.post({ event: 'fence', data: name }) };

  // Tabs of users, labelled by the name of the user and a number behind it:
  // "ann" is one of the user ann, "ann2" another.

  async enter(...labels) {
    const entered = await Promise.all(labels.map(async (label) => {
      const user = label.replace(/\d+$/, '');
      const tab = new Tab(label, user, open(this.ngx, {
        auth: { user, name: user[0].toUpperCase() + user.slice(1) },
        transport: transports[this.count++ % transports.length] }));

      await tab.connected;

      return tab;
    }));

    this.tabs.push(...entered);

    return entered;
  }

  // Gone, as far as this test is concerned.

  leave(...tabs) {
    tabs.forEach((tab) => tab.socket.disconnect());
    this.tabs = this.tabs.filter((tab) => !tabs.includes(tab));
  }

  async call(name, body) {
    const answer = await this.ngx.get(`/api/${name}`, { method: 'POST',
      body: JSON.stringify(body), agent: this.ngx.agent });

    assert.strictEqual(answer.status, 200, `${name} ${answer.body}`);

    return answer.json();
  }

  post(message) {
    return this.call('emit', message);
  }

  // For those who are here, and for those who come later.

  grant(user, ...rooms) {
    return this.call('join', { user, rooms, ttl: '1h' });
  }

  revoke(user, ...rooms) {
    return this.call('leave', { user, rooms });
  }

  // All have heard what actor has sent until now.

  fence(actor) {
    const name = `fence ${this.fences += 1}`;
    const over = this.tabs.map((tab) => tab.fence(name));

    return Promise.all([...over, actor.emit('test:fence', name)]);
  }

  // What a tab has heard since it connected: what was kept for its user.

  async greeting(tab) {
    await this.fence(tab);

    return tab.heard;
  }

  async scene(t, actor, action, heard = {}) {
    this.tabs.forEach((tab) => { tab.heard = []; });
    await action();
    await this.fence(actor);

    for (const tab of this.tabs) {
      const where = `${tab.label} has heard ${JSON.stringify(tab.heard)}`;

      t.is(tab.gone, undefined, `${tab.label} is here`);
      assert.deepStrictEqual(tab.heard, heard[tab.label] || [], where);
    }
  }
}

module.exports = { Cast, app, plain };
