'use strict';

// A Redis server of a test's own, on a free port, that keeps nothing:
//
//   const redis = await Redis.start();
//   redis.pause(); redis.resume(); await redis.kill(); await redis.run();
//
// and hosts that are joined by it: nginx, Node's server with its adapter.

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { createClient } = require('redis');
const { Server } = require('socket.io');
const { createAdapter, createShardedAdapter }
  = require('@socket.io/redis-adapter');
const streams = require('@socket.io/redis-streams-adapter');
const { Emitter } = require('@socket.io/redis-emitter');
const tap = require('./tap');
const { Nginx } = require('./nginx');
const { until } = require('./wait');

class Redis {
  // host: the address to listen at; inside: as Nginx has it.

  static async start(options = [], { host = '127.0.0.1', inside = [] } = {}) {
    const redis = new Redis();

    Object.assign(redis, { host, inside });
    redis.port = await Nginx.freePort();
    redis.options = options;
    redis.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-redis-'));
    redis.clients = [];
    await redis.run();

    tap.after(async () => {
      for (const client of redis.clients) {
        await client.disconnect().catch(() => {});
      }
      await redis.kill();
      fs.rmSync(redis.folder, { recursive: true });
    });

    return redis;
  }

  get url() {
    return `redis://${this.address}`;
  }

  get address() {
    return `${this.host}:${this.port}`;
  }

  async run() {
    const [command, ...args] = [...this.inside, 'setpriv', '--pdeathsig',
      'KILL', 'redis-server', '--port', this.port, '--bind',
      this.inside.length ? '0.0.0.0' : this.host, '--protected-mode', 'no',
      '--save', '', '--appendonly', 'no', '--dir', this.folder,
      ...this.options];

    this.process = spawn(command, args, { stdio: 'ignore' });
    this.exited = new Promise((done) => this.process.on('exit', done));

    await until(async () => {
      const client = createClient({ url: this.url, ...this.login,
        socket: { reconnectStrategy: false } });

      client.on('error', () => {});
      await client.connect();
      await client.ping();
      await client.disconnect();
      return true;
    }, { what: 'redis answers' });
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  pause() {
    this.process.kill('SIGSTOP');
  }

  resume() {
    this.process.kill('SIGCONT');
  }

  async client() {
    const client = createClient({ url: this.url, ...this.login });

    client.on('error', () => {});
    await client.connect();
    this.clients.push(client);

    return client;
  }

  // An nginx host.

  async nginx({ app = '', params = '', address = this.address, ...options }
    = {}) {
    const ngx = await Nginx.start({ ...options,
      app: `redis ${address} ${params}; ${app}` });

    await Redis.joined(ngx);

    return ngx;
  }

  // All publishers are up, and there is one who listens.

  static joined(ngx) {
    return until(async () => {
      const { total, workers } = await ngx.status();

      return total.redis.subscribers === 1
        && total.redis.publishers === workers.length;
    }, { what: 'nginx is joined to redis' });
  }

  // All hosts know all workers of all others.

  static acquainted(hosts) {
    return until(async () => {
      const all = await Promise.all(hosts.map((ngx) => ngx.status()));

      return all.every(({ hosts: { ready, peers } }, at) => ready
        && peers.every((peer) => peer.synced && peer.ready)
        && peers.length === all.reduce((n, { workers }, i) =>
          n + (i === at ? 0 : workers.length), 0));
    }, { what: 'all hosts know each other' });
  }

  // A Node host: { io, url, port }.  server: options of Socket.IO; the rest
  // are the adapter's.

  async node({ adapter = 'classic', server: settings, ...options } = {}) {
    const server = http.createServer();
    const io = new Server(server, settings);
    const [pub, sub] = [await this.client(), await this.client()];

    io.adapter({
      classic: () => createAdapter(pub, sub, options),
      sharded: () => createShardedAdapter(pub, sub, options),
      streams: () => streams.createAdapter(pub, options),
    }[adapter]());
    await new Promise((done) => server.listen(0, '127.0.0.1', done));

    const { port } = server.address();

    // What its adapter says last has an answer before the client goes.

    tap.after(async () => {
      await new Promise((done) => io.close(() => done()));
      await Promise.all([pub, sub].map((client) =>
        client.ping().catch(() => {})));
    });

    return { io, port, url: `http://127.0.0.1:${port}` };
  }

  // When so many hosts are counted in a namespace.

  async counted(n, adapter = 'classic', nsp = '/') {
    const client = await this.client();
    const [how, kind] = { classic: ['NUMSUB', '-request'],
      sharded: ['SHARDNUMSUB', ''], streams: ['NUMSUB', ''] }[adapter];

    await until(async () => (await client.sendCommand(['PUBSUB', how,
      `socket.io${kind}#${nsp}#`]))[1] === n, { what: `${n} hosts` });
  }

  async emitter(...options) {
    return new Emitter(await this.client(), ...options);
  }
}

module.exports = { Redis };
