'use strict';

// The servers that are compared.  Each start function resolves to
//
//   { port, pids, args, emit, stop }
//
// pids: the processes whose CPU and memory count; args: what the load
// generator has to be told; emit: the path and key for posts of a backend.

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { execFile, execFileSync, spawn } = require('node:child_process');
const { Nginx, module_path, childrenOf } = require('../lib/nginx');
const { configuration } = require('../lib/nginx_conf');
const { until } = require('../lib/wait');

const top = path.join(__dirname, '../..');
const programs = path.join(top, 'build/bench');
const KEY = 'bench-key-0123456789abcdef';

class BenchNginx extends Nginx {
  configure() {
    const { port } = this;
    const text = configuration({ ...this.options, port, ports: this.ports },
      module_path);

    fs.writeFileSync(`${this.prefix}/nginx.conf`, text
      .replace(/worker_connections \d+/,
        `worker_connections ${this.options.connections || 12000}`)
      .replace(`127.0.0.1:${port};`,
        `127.0.0.1:${port} ${this.options.listen ?? 'reuseport'};`)
      .replace(/error_log (\S+) info/, 'error_log $1 notice')
      .replace(/access_log .*/, (on) =>
        this.options.log ? on : 'access_log off;'));
  }

  // Its log, as the tests have it, and no line of a test.

  async stop() {
    const trouble = this.complaints();

    process.kill(this.master, 'SIGQUIT');
    await this.exited;
    this.destroy();

    if (trouble.length) {
      throw new Error(`nginx complains:\n${trouble.join('\n')}`);
    }
  }

  // Bytes of all workers, proportional to who shares them.

  pss() {
    return this.workers().reduce((sum, pid) => {
      const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      return sum + Number(/^Pss:\s+(\d+)/m.exec(text)[1]) * 1024;
    }, 0);
  }
}

function listens(port) {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1');

    socket.on('connect', () => { socket.destroy(); done(true); });
    socket.on('error', () => done(false));
  });
}

// A program that listens on the port it is given, and ends with us.

async function program(command, args, port, prefix) {
  let said = '';
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', command, ...args],
    { stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  const exited = new Promise((done) => child.on('exit', done));

  child.stderr.on('data', (text) => { said += text; });
  exited.then(() => { child.ended = true; });

  await until(() => {
    if (child.ended) {
      throw new Error(`${command} has ended: ${said}`);
    }

    return listens(port);
  }, { timeout: 20000, what: `${command} listens` });

  return { child, stop: async () => {
    child.kill('SIGTERM');
    await exited;

    if (prefix) {
      fs.rmSync(prefix, { recursive: true });
    }
  } };
}

const tree = (pid) => [pid, ...childrenOf(pid).flatMap((child) =>
  tree(child.pid))];

async function ours(options = {}) {
  const ngx = await BenchNginx.start({
    workers: 2,
    files: { 'api.key': `${KEY}\n` },
    app: `
  zone 64m;
  namespace / {
      authenticate none;
      on connect { join lobby; }
      on b { emit b to lobby; }
      on e { ack $args; }
      on j { join room:$.r; }
      on l { leave room:$.r; }
  }`,
    http: 'keepalive_requests 1000000000;',
    locations: `
        location /socket.io/ { socketio campus; }
        location /api/       { socketio_api campus;
                               socketio_api_key_file api.key; }
        location = /status   { socketio_status campus; }
        location = /healthz  { socketio_health campus; }
        location = /return   {
            if ($http_authorization != "Bearer ${KEY}") { return 401; }
            return 200 '{"ok":true,"matched":0}';
        }`,
    ...options });

  return { port: ngx.port, pids: () => ngx.workers(), args: [], ngx,
    emit: ['--path', '/api/emit', '--key', KEY],
    floor: ['--path', '/return', '--key', KEY], stop: () => ngx.stop() };
}

async function floor(...args) {
  const port = await Nginx.freePort();
  const { child, stop } = await program(path.join(programs, 'floor'),
    ['--port', String(port), ...args], port);

  return { port, pids: () => tree(child.pid), args: [], stop };
}

async function node(name) {
  const port = await Nginx.freePort();
  const { child, stop } = await program(process.execPath,
    [path.join(__dirname, 'peers', name), String(port)], port);

  return { port, pids: () => tree(child.pid), args: [],
    emit: ['--path', '/api/emit', '--key', KEY], stop };
}

async function nchan() {
  const port = await Nginx.freePort();
  const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-bench-'));
  const text = fs.readFileSync(path.join(__dirname, 'peers/nchan.conf'),
    'utf8').replaceAll('@port@', port).replaceAll('@modules@', execFileSync(
    path.join(top, 't/tools/nginx-path'), ['modules'],
    { encoding: 'utf8' }).trim());

  fs.mkdirSync(path.join(prefix, 'logs'));
  fs.writeFileSync(path.join(prefix, 'nginx.conf'), text);

  const { child, stop } = await program('nginx', ['-p', prefix,
    '-c', 'nginx.conf', '-e', 'logs/error.log'], port, prefix);

  return { port, pids: () => tree(child.pid).slice(1),
    args: ['--plain', '--path', '/pubsub'], emit: ['--path', '/pub'], stop };
}

// What the load generator says of a server: load.c.

async function load(server, args) {
  const { stdout, stderr } = await promisify(execFile)(
    path.join(programs, 'load'), [...args.slice(0, 1), '--port', server.port,
      '--pids', server.pids().join(), ...args.slice(1)].map(String));

  process.stderr.write(stderr);

  return JSON.parse(stdout);
}

module.exports = { BenchNginx, load, KEY, ours,
  servers: {
    ours,
    floor: () => floor(),
    coalesced: () => floor('--coalesce'),
    nchan,
    node: () => node('socketio.js'),
    express: () => node('socketio_express.js'),
  } };
