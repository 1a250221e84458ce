#!/usr/bin/env node
'use strict';

// forward: events are posted to an application, in Node and in Python, and
// what it answers is done.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask, upgraded } = require('./lib/clients');
const { until } = require('./lib/wait');
const { Application, PythonApplication } = require('./lib/application');

const key = 'a key that both of them know';

const rules = `
  webhook_key_file hook.key;
  namespace / {
    authenticate insecure user=$auth.user;
    on connect { forward /app/connect; }
    on *       { forward /app/event; }
    on plain   { ack null '"plain"'; }
    on after   { forward /app/event; join after;
                 emit after to after with $socket.color; ack null '"done"'; }
    on vanish  { forward /app/event async; ack null '"gone"'; }
    on disconnect { forward /app/left; emit left to lobby with $user; }
    api ring   { forward /app/ring async; emit rang to lobby with $data; }
  }`;

const locations = (name = 'node') => `
  location /socket.io/ { socketio campus; }
  location /api/       { socketio_api campus; allow 127.0.0.1; deny all; }
  location = /status   { socketio_status campus; }
  location /app/       { internal; proxy_pass http://127.0.0.1:@${name}@;
                         proxy_http_version 1.1; proxy_set_header Connection "";
                         subrequest_output_buffer_size 64k; }`;

for (const workers of [1, 4]) {
  const name = (text) => `${workers} ${workers > 1 ? 'workers' : 'worker'}: ${
    text}`;
  let ngx, app;
  let answers = {};

  const handle = (body, call) => {
    const answer = answers[body.event] ?? answers['*'];
    return typeof answer === 'function' ? answer(body, call) : answer;
  };

  const client = (user, options) =>
    connect(ngx, { auth: { user }, ...options });

  test(name('a connect is asked for, and taken'), async (t) => {
    app = await Application.start({ handle, key });
    ngx = await Nginx.start({ workers, app: rules, files: { 'hook.key': key },
      locations: locations().replace('@node@', app.port) });
    answers = { connect: () => ({ join: 'lobby', set: { color: 'red' } }) };

    const ann = await client('ann');
    const [call] = app.calls;

    t.is(call.url, '/app/connect');
    t.is(call.method, 'POST');
    t.is(call.headers['content-type'], 'application/json');
    t.ok(call.signed, 'signed');
    t.deepIs(call.body, { namespace: '/', event: 'connect',
      args: [{ user: 'ann' }], data: { user: 'ann' }, socket: ann.id,
      user: 'ann', claims: {} });
  });

  test(name('the answer acks, and the event came with its arguments'),
    async (t) => {
      answers.echo = (body) => ({ ack: [null, ...body.args] });
      const bob = await client('bob');

      t.deepIs(await ask(bob, 'echo', 1, 'zwei', { drei: [3] }),
        [null, 1, 'zwei', { drei: [3] }]);

      const { body } = app.calls.at(-1);
      t.is(body.event, 'echo');
      t.is(body.data, 1);
      t.is(body.user, 'bob');
      t.is(body.socket, bob.id);
      bob.disconnect();
    });

  test(name('binary comes as base64'), async (t) => {
    answers.binary = () => undefined;
    const bob = await client('bob');

    t.is(await ask(bob, 'binary', { a: Buffer.from('abc') }), null);

    const { body } = app.calls.find((call) => call.body.event === 'binary');
    t.deepIs(body.data, { a: { base64: 'YWJj' } });
    t.deepIs(body.args, [body.data]);
    bob.disconnect();
  });
}
