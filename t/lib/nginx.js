'use strict';

// An nginx for one test, in a prefix of its own, on a free port:
//
//   const ngx = await Nginx.start({ workers: 4, app: 'namespace / { ... }' });
//
// It ends with the test file.  What it left in its error log - alerts,
// sanitizer reports, workers that died without the test's doing - fails one
// more test, "nginx has nothing to complain about".
//
// files: { 'api.key': 'x' } are put beside nginx.conf; certificate: true makes
// cert.pem and key.pem there.  The other options are those of nginx_conf.js.
//
// SOCKETIO_BUILD names the build folder: its nginx, if it has one, else the
// installed nginx with its module.  SOCKETIO_VALGRIND=1: it runs under
// valgrind, what that finds is a complaint, and all has more time.

const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const tap = require('./tap');
const { request } = require('./http');
const { sleep, until } = require('./wait');
const { configuration } = require('./nginx_conf');

const top = path.join(__dirname, '../..');
const build = path.resolve(top, process.env.SOCKETIO_BUILD || 'build/debug');
const built = path.join(build, 'nginx');
const binary = fs.existsSync(built) ? built : 'nginx';
const dynamic = path.join(build, 'ngx_http_socketio_module.so');
const module_path = fs.existsSync(dynamic) ? dynamic : null;

// Blocks of nginx's pools are no blocks of valgrind's, so that what leaks is
// not asked for; what is read or written where it must not be, is.

const valgrind = process.env.SOCKETIO_VALGRIND
  ? ['valgrind', '-q', '--num-callers=24', '--log-file=logs/valgrind.%p.log']
  : [];

const complaints = /\[(?:alert|emerg)\]|ERROR: |runtime error|SUMMARY: /;

const env = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin`,
  ASAN_OPTIONS: 'detect_leaks=1:detect_odr_violation=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  LSAN_OPTIONS: `suppressions=${path.join(top, 't/tools/lsan.supp')}`
    + ':print_suppressions=0',
};

const running = new Set();

// Free now; nobody else is likely to take it within the next seconds.

function freePort() {
  return new Promise((done, fail) => {
    const server = net.createServer();

    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function newPrefix({ files = {}, certificate } = {}) {
  const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-'));

  fs.mkdirSync(path.join(prefix, 'logs'));

  for (const [name, content] of Object.entries(files)) {
    fs.writeFileSync(path.join(prefix, name), content,
      { mode: /\.key$/.test(name) ? 0o600 : 0o644 });
  }

  if (certificate) {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes',
      '-subj', '/CN=localhost', '-days', '2', '-keyout', 'key.pem',
      '-out', 'cert.pem'], { cwd: prefix, stdio: 'ignore' });
  }

  return prefix;
}

// The pids that may be children of one parent: the kernel's own list, if it
// has one, as a look at all processes takes long where there are many.

function candidates(parent) {
  try {
    return fs.readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1')
      .split(' ').filter(Boolean);
  } catch {
    return fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n));
  }
}

// The processes of one parent: [{ pid, title }].

function childrenOf(parent) {
  const children = [];

  for (const pid of candidates(parent)) {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');

      if (Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])
          === parent) {
        const title = fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        children.push({ pid: Number(pid), title: title.replace(/\0/g, ' ') });
      }
    } catch {
      // it has ended meanwhile
    }
  }

  return children;
}

function signal(pid, sig) {
  try {
    process.kill(pid, sig);
  } catch (error) {
    if (error.code !== 'ESRCH') {
      throw error;
    }
  }
}

class Nginx {
  static freePort = freePort;

  static async start(options = {}) {
    for (let attempt = 1; ; attempt++) {
      const ngx = new this(options, await freePort());

      for (const name of options.ports || []) {
        ngx.ports[name] = await freePort();
      }

      try {
        await ngx.run();
        tap.after(() => ngx.stop());
        return ngx;
      } catch (error) {
        ngx.destroy();

        // Somebody else was given the port between our look and nginx's.

        if (attempt === 3 || !/Address already in use/.test(error.message)) {
          throw error;
        }
      }
    }
  }

  // nginx -t: { ok, output, text, log }, of whole text, or of what start()
  // takes.

  static check(options) {
    const prefix = newPrefix(options);
    const text = typeof options === 'string' ? options
      : configuration({ ...options, port: 1, ports: {} }, module_path);

    fs.writeFileSync(path.join(prefix, 'nginx.conf'), text);

    // Its end frees nothing.

    const { status, stdout, stderr } = spawnSync(binary,
      ['-t', '-p', prefix, '-c', 'nginx.conf', '-e', 'logs/error.log'],
      { env: { ...env, ASAN_OPTIONS: 'detect_leaks=0' }, encoding: 'utf8',
        timeout: 60000 });

    const file = path.join(prefix, 'logs/error.log');
    const log = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';

    fs.rmSync(prefix, { recursive: true });

    return { ok: status === 0, output: stdout + stderr, text, log };
  }

  constructor(options, port) {
    this.options = options;
    this.port = port;
    this.url = `http://${options.host || '127.0.0.1'}:${port}`;
    this.ports = {};
    this.prefix = newPrefix(options);
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    this.killed = new Set();
    this.stderr = '';
  }

  async run() {
    this.configure();
    running.add(this);

    // nginx must not outlive a test that is killed.

    const [command, ...args] = [...this.options.inside || [], 'setpriv',
      '--pdeathsig', 'TERM', ...valgrind, binary, '-p', this.prefix, '-c',
      'nginx.conf', '-e', 'logs/error.log'];

    this.process = spawn(command, args,
      { env, cwd: this.prefix, stdio: ['ignore', 'ignore', 'pipe'] });

    this.master = this.process.pid;
    this.process.stderr.on('data', (text) => { this.stderr += text; });
    this.exited = new Promise((done) => this.process.on('exit', () => {
      running.delete(this);
      this.ended = true;
      done();
    }));
    this.process.on('error', (error) => { this.stderr += error.message; });

    await until(() => this.ended || this.answers(),
      { timeout: 60000, what: 'nginx answers' });

    if (this.ended) {
      throw new Error(`nginx did not start:\n${this.stderr || this.log()}`);
    }
  }

  configure() {
    const options = { ...this.options, port: this.port, ports: this.ports };

    fs.writeFileSync(path.join(this.prefix, 'nginx.conf'),
      configuration(options, module_path));
  }

  // All workers of the newest configuration are there, and one of them talks.

  async answers(old = []) {
    const workers = this.workers();

    return workers.length === (this.options.workers || 1)
      && !workers.some((pid) => old.includes(pid))
      && (await this.get('/healthz')).status > 0;
  }

  get(uri, options) {
    return request(this.url + uri, options);
  }

  // The pids of the workers that accept connections.

  workers() {
    return this.children(/worker process\s*$/);
  }

  // Those of older configurations, which finish what they have.

  oldWorkers() {
    return this.children(/is shutting down/);
  }

  // Under valgrind all have its title, but the log tells who is who.

  children(title) {
    const log = valgrind.length ? this.log() : '';
    const named = (child) => (!log ? child.title
      : log.includes(` ${child.pid}#${child.pid}: gracefully shutting down`)
        ? 'is shutting down' : 'worker process');

    return childrenOf(this.master)
      .filter((child) => title.test(named(child)))
      .map(({ pid }) => pid)
      .sort((a, b) => a - b);
  }

  // What the test kills itself is no complaint.

  kill(pid, sig = 'SIGKILL') {
    this.killed.add(pid);
    signal(pid, sig);
    this.forgetIdle();
  }

  // All its processes at once, as when the machine goes.

  async crash() {
    const pids = [this.master, ...childrenOf(this.master)
      .map(({ pid }) => pid)];

    pids.forEach((pid) => this.kill(pid));
    await this.exited;
  }

  // Kept connections that a worker may be about to close.

  forgetIdle() {
    Object.values(this.agent.freeSockets).flat()
      .forEach((socket) => socket.destroy());
  }

  // With changed options, or with the same; resolves when the new workers
  // answer.

  async reload(changes = {}) {
    const old = this.workers();

    Object.assign(this.options, changes);
    this.configure();
    signal(this.master, 'SIGHUP');

    await until(() => this.answers(old),
      { timeout: 60000, what: 'the new workers answer' });
    this.forgetIdle();
  }

  async status() {
    return (await this.get('/status')).json();
  }

  // One post after another, on one connection: { status, body }.

  async emit(message) {
    const body = typeof message === 'string' || Buffer.isBuffer(message)
      ? message : JSON.stringify(message);
    const answer = await this.get('/api/emit', { method: 'POST', body,
      agent: this.agent, headers: { 'content-type': 'application/json' } });

    return { status: answer.status, body: answer.json() };
  }

  log(name = 'error.log') {
    try {
      return fs.readFileSync(path.join(this.prefix, 'logs', name), 'utf8');
    } catch {
      return '';
    }
  }

  accessLog() {
    return this.log('access.log');
  }

  // Complaints of the log; options.allow is a RegExp of expected ones.

  complaints() {
    const { allow } = this.options;
    const killed = [...this.killed].join('|') || 'none';
    const own = new RegExp(`process (?:${killed}) exited on signal`
      + `|was locked by (?:${killed})\\b`);

    return (this.log() + this.stderr).split('\n').filter((line) =>
      (complaints.test(line) || /exited on signal/.test(line))
      && !own.test(line) && !(allow && allow.test(line)))
      .concat(this.valgrindReport());
  }

  // The lines of all processes.

  valgrindReport() {
    return fs.readdirSync(path.join(this.prefix, 'logs'))
      .filter((name) => /^valgrind/.test(name))
      .flatMap((name) => this.log(name).split('\n').filter(Boolean));
  }

  // Graceful first; an nginx that does not go is a complaint too.

  async stop({ timeout = 40000 } = {}) {
    if (this.stopped) {
      return;
    }

    this.stopped = true;
    this.agent.destroy();

    const trouble = [];

    if (!this.ended) {
      signal(this.master, 'SIGQUIT');
      await Promise.race([this.exited, sleep(timeout)]);
    }

    if (!this.ended) {
      trouble.push(`nginx does not quit within ${timeout} ms`);
      signal(this.master, 'SIGTERM');
      await Promise.race([this.exited, sleep(20000)]);
    }

    trouble.unshift(...this.complaints());

    tap.report('nginx has nothing to complain about',
      trouble.length ? `${trouble.slice(0, 40).join('\n')}\n`
        + this.sanitizerReport() : null);

    this.destroy();
  }

  // The whole of a sanitizer's report.

  sanitizerReport() {
    const log = this.log() + this.stderr;
    const at = log.search(/ERROR: |runtime error/);

    return at < 0 ? '' : log.slice(at, at + 6000);
  }

  destroy() {
    if (this.master && !this.ended) {
      for (const { pid } of childrenOf(this.master)) {
        signal(pid, 'SIGKILL');
      }
      signal(this.master, 'SIGKILL');
    }

    running.delete(this);

    if (!process.env.SOCKETIO_KEEP) {
      fs.rmSync(this.prefix, { recursive: true, force: true });
    }
  }
}

process.on('exit', () => running.forEach((ngx) => ngx.destroy()));

for (const sig of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(sig, () => process.exit(1));
}

module.exports = { Nginx, childrenOf, module_path };
