'use strict';

// The application that nginx calls: in Node, in this process, or in Python, in
// one of its own.
//
//   const app = await Application.start({ key, handle(body, call) { ... } });
//
// handle returns what is answered: an object as JSON, undefined as 204,
// { status, body } with any body, or a promise of these; call.response is
// there for what is worse.  app.calls lists what came: { url, headers, body,
// signed }.
//
//   const app = await PythonApplication.start({ key });
//
// The same for application.py, which answers by the name of the event.

const crypto = require('node:crypto');
const http = require('node:http');
const path = require('node:path');
const { spawn } = require('node:child_process');
const tap = require('./tap');
const { Nginx } = require('./nginx');
const { request } = require('./http');
const { until } = require('./wait');

// As docs/forward.md has it for applications in Node.

function verify(header, body, keys, now = Date.now() / 1000) {
  const parts = String(header).split(',').map((part) => part.split('='));
  const time = parts.find(([name]) => name === 't')?.[1];

  if (!time || Math.abs(now - Number(time)) > 300) {
    return false;
  }

  return keys.some((key) => {
    const expected = crypto.createHmac('sha256', key)
      .update(`${time}.`).update(body).digest();

    return parts.some(([name, hex]) => {
      const got = Buffer.from(hex || '', 'hex');
      return name === 'v1' && got.length === expected.length
        && crypto.timingSafeEqual(got, expected);
    });
  });
}

class Application {
  static async start(options = {}) {
    const app = new this(options);

    app.port = options.port || await Nginx.freePort();
    await app.listen();
    tap.after(() => app.stop());

    return app;
  }

  constructor({ handle, key }) {
    this.handle = handle;
    this.keys = key ? [key].flat() : [];
    this.calls = [];
    this.running = 0;
    this.most = 0;
  }

  listen() {
    this.server = http.createServer((req, res) => this.take(req, res));
    this.server.keepAliveTimeout = 60000;

    return new Promise((done, fail) => {
      this.server.once('error', fail);
      this.server.listen(this.port, '127.0.0.1', done);
    });
  }

  async take(req, res) {
    const chunks = [];

    this.running += 1;
    this.most = Math.max(this.most, this.running);
    res.on('close', () => { this.running -= 1; });

    for await (const chunk of req) {
      chunks.push(chunk);
    }

    const text = Buffer.concat(chunks);
    const call = { url: req.url, method: req.method, headers: req.headers,
      body: text.length ? JSON.parse(text) : null, response: res,
      signed: verify(req.headers['x-socketio-signature'], text, this.keys) };

    this.calls.push(call);

    const answer = await this.handle(call.body, call);

    if (res.headersSent || res.destroyed) {
      return;
    }

    if (answer === undefined) {
      res.writeHead(204).end();
    } else if (answer && 'status' in answer) {
      const { status, body = '', headers = {} } = answer;
      res.writeHead(status, headers)
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    } else {
      res.writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer));
    }
  }

  // As if it was killed: what it was asked is not answered.

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

class PythonApplication {
  static async start({ key = '' } = {}) {
    const app = new this();

    app.port = await Nginx.freePort();
    app.key = key;
    tap.after(() => app.stop());
    await app.run();

    return app;
  }

  async run() {
    this.process = spawn('python3',
      [path.join(__dirname, 'application.py'), this.port],
      { env: { ...process.env, KEY: this.key },
        stdio: ['ignore', 'ignore', 'inherit'] });

    await until(async () =>
      (await request(`http://127.0.0.1:${this.port}/`)).status === 200,
      { what: 'the Python application answers', timeout: 60000 });
  }

  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const over = new Promise((done) => this.process.once('exit', done));
      this.process.kill(signal);
      await over;
    }
  }
}

module.exports = { Application, PythonApplication, verify };
