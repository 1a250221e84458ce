'use strict';

// An nginx with connections to workers of one's choice.  Places are numbers:
// place n is the worker n modulo the number of workers, so that a test says
// "from another place" and runs with one worker as well.
//
//   const site = await Site.start({ workers: 4 });
//   const peer = await site.polling(0);      // a session of worker 0
//   await peer.post('4hello', 1);            // from worker 1
//   await peer.poll(2);
//
// /engine.io/ echoes what it gets, /socket.io/ is the app.  engine: Engine.IO
// directives for both.

const http = require('node:http');
const net = require('node:net');
const tap = require('./tap');
const { Nginx } = require('./nginx');
const { Polling, RawWs } = require('./raw');
const { SioRaw } = require('./sio_raw');
const { request } = require('./http');
const { until } = require('./wait');

const RETRIES = 200;

// Connections for requests of one worker.

class WorkerAgent extends http.Agent {
  constructor(site, place) {
    super({ keepAlive: true });
    this.site = site;
    this.place = place;
  }

  createConnection(options, done) {
    this.site.socket(this.place).then((socket) => done(null, socket), done);
  }
}

// A polling session whose requests may go to any worker.

class Peer extends Polling {
  constructor(site, place, options) {
    super(site.port, { path: site.path, agent: site.agent(place),
                       ...options });
    this.site = site;
    this.place = place;
  }

  at(place, options) {
    return this.request({ agent: this.site.agent(place), ...options });
  }

  get(place = this.place) {
    return this.at(place);
  }

  async poll(place = this.place) {
    const { status, body } = await this.get(place);

    if (status !== 200) {
      throw new Error(`poll: ${status} ${body}`);
    }

    return Polling.decode(body);
  }

  post(body, place = this.place, headers = {}) {
    return this.at(place, { method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
      body: Array.isArray(body) ? Polling.encode(body) : body });
  }

  // A GET that the server knows of: { answer }, a promise.

  async hang(place = this.place) {
    let answer;

    await new Promise((sent) => { answer = this.at(place, { sent }); });
    answer.catch(() => {});
    await this.site.settle(place, this.place);

    return { answer };
  }

  // Messages, as many as count, over as many GETs as it takes.

  async messages(count, place) {
    const all = [];

    while (all.length < count) {
      for (const packet of await this.poll(place)) {
        if (packet === '2') {
          await this.post('3');
        } else {
          all.push(packet);
        }
      }
    }

    return all;
  }

  // Requests are shared out among agents of the site, which stay.

  close() {}
}

class Site {
  static async start({ workers = 1, engine = '', server = '',
                       path = '/engine.io/', ports = [],
                       ...options } = {}) {
    const site = new Site();

    site.workers = workers;
    site.path = path;
    site.ngx = await Nginx.start({
      workers,
      ports: ['spread', ...ports],
      server: `
        listen 127.0.0.1:@spread@ reuseport;
        ${engine}
        location = /worker     { return 200 $pid; }
        location /engine.io/   { engineio_echo campus; }
        ${server}`,
      ...options,
    });
    site.port = site.ngx.ports.spread;
    site.url = `http://127.0.0.1:${site.port}`;

    tap.after(() => site.agents.forEach((agent) => agent.destroy()));

    return site;
  }

  agents = new Map();
  spare = [];           // connections that reached another worker

  // A fresh connection to a worker, and what it has been used for: one
  // request, to ask for the worker's name.

  async socket(place) {
    const pids = this.ngx.workers();
    const pid = pids[place % pids.length];
    const at = this.spare.findIndex((other) => other.pid === pid
                                    && !other.socket.destroyed);

    if (at >= 0) {
      return this.spare.splice(at, 1)[0].socket;
    }

    for (let i = 0; i < RETRIES; i++) {
      const socket = net.connect(this.port, '127.0.0.1');
      const got = await Site.ask(socket);

      if (got === pid) {
        return socket;
      }
      if (this.spare.length < 64) {
        socket.on('error', () => {});
        this.spare.push({ socket, pid: got });
      } else {
        socket.destroy();
      }
    }

    throw new Error(`no connection to worker ${pid}`);
  }

  // Who serves this connection?

  static ask(socket) {
    return new Promise((done, fail) => {
      let text = '';
      const lost = () => fail(new Error('closed by its worker'));
      const take = (bytes) => {
        const [, pid] = /\r\n\r\n(\d+)$/.exec(text += bytes) || [];
        if (pid) {
          socket.off('data', take).off('error', fail).off('close', lost);
          done(Number(pid));
        }
      };

      socket.setNoDelay(true);
      socket.on('data', take).on('error', fail).on('close', lost);
      socket.write('GET /worker HTTP/1.1\r\nHost: localhost\r\n\r\n');
    });
  }

  agent(place) {
    if (!this.agents.has(place)) {
      this.agents.set(place, new WorkerAgent(this, place));
    }

    return this.agents.get(place);
  }

  // What was sent before has been taken: by these workers, in this order.  A
  // first answer may come before the end of its turn, where others are told;
  // a second one cannot.

  async settle(...places) {
    for (const place of places) {
      await this.request('/worker', { place });
      await this.request('/worker', { place });
    }
  }

  request(uri, { place = 0, ...options } = {}) {
    return request(this.url + uri, { agent: this.agent(place), ...options });
  }

  // A GET or another request of the engine: query as an object.

  engine(query, options) {
    return this.request(`${this.path}?${new URLSearchParams(query)}`, options);
  }

  async polling(place = 0, options = {}) {
    const peer = new Peer(this, place, options);

    await peer.open();

    return peer;
  }

  async ws(place = 0, options = {}) {
    return RawWs.connect(this.port, { path: this.path,
      socket: await this.socket(place), ...options });
  }

  // With the open packet taken.

  async opened(place = 0, options = {}) {
    const ws = await this.ws(place, options);

    if (ws.status !== 101) {
      throw new Error(`websocket: ${ws.status}`);
    }
    ws.open = JSON.parse((await ws.nextMessage()).slice(1));

    return ws;
  }

  // A WebSocket beside a polling session: the probe is answered.

  async probing(peer, place = 0) {
    const ws = await this.ws(place, { query: { sid: peer.query.sid } });

    await ws.sendText('2probe');
    const answer = await ws.nextMessage();
    if (answer !== '3probe') {
      throw new Error(`probe: ${answer}`);
    }

    return ws;
  }

  // A Socket.IO client, see sio_raw.js.

  async sio(place = 0, options = {}) {
    return SioRaw.connect(this.port, options.transport === 'polling'
      ? { agent: this.agent(place), ...options }
      : { socket: await this.socket(place), ...options });
  }

  // A counter, summed up over the workers.

  async count(name) {
    const value = Site.find(await this.ngx.status(), name);

    if (value === undefined) {
      throw new Error(`no ${name} in the status`);
    }

    return value;
  }

  static find(tree, name) {
    for (const [key, value] of Object.entries(tree)) {
      const found = key === name ? value : key !== 'workers' && value
        && typeof value === 'object' ? Site.find(value, name) : undefined;

      if (found !== undefined) {
        return found;
      }
    }

    return undefined;
  }

  // No session is left behind.

  empty() {
    return until(async () => !(await this.count('polling'))
      && !(await this.count('websocket')), { what: 'no session is left' });
  }
}

module.exports = { Site, Peer };
