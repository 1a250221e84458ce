#!/usr/bin/env node
'use strict';

// socketio_dry_run: rules on trial refuse nothing and say what they would have
// refused.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask, upgraded } = require('./lib/clients');
const { until } = require('./lib/wait');

const rules = `
on strict {
  expect $.text string 1..3;
  check  $.text = yes;
  check  in nowhere;
  limit  1r/m key=all;
  ack    null '"done"';
}`;

const app = `
  namespace / {
    authenticate insecure user=$auth.name;
    on connect { expect $auth.age integer 18..; join lobby; }
    include strict.rules;
    on room    { check in $.room; join $.room; ack null '"joined"'; }
    on when    { when $.a = 1 { ack 1; } otherwise { ack 2; } }
    on no      { reject teapot; }
    on last    { check $user = root; emit last to lobby with 1; }
  }`;

const server = `
  location /dry/ { socketio campus; socketio_dry_run on; }`;

function suite(workers) {
  let ngx, dry, strict;
  const fact = (what, fn) => test(`${workers} worker(s): ${what}`, fn);
  const drops = async () => (await ngx.status()).total.drops;
  const warnings = () => ngx.log().split('\n')
    .filter((line) => /\[warn\].*dry run/.test(line));

  fact('nginx is there', async () => {
    ngx = await Nginx.start({ workers, app, server,
                              files: { 'strict.rules': rules } });
  });

  fact('who would not be let in is, in a dry run', async (t) => {
    const auth = { name: 'ann', age: 7 };
    await t.rejects(connect(ngx, { auth }),
      ({ data }) => data.code === 'invalid');
    dry = await connect(ngx, { auth, path: '/dry/' });
    strict = await connect(ngx, { auth: { name: 'ann', age: 18 } });
    t.is(warnings().length, 1);
    t.match(warnings()[0], /dry run.*would have been refused: invalid: \$auth/);
    await t.rejects(connect(ngx, { auth: {}, path: '/dry/' }),
      ({ message }) => message === 'authentication required');
  });

  fact('checks are told and not enforced', async (t) => {
    const before = await drops();
    t.is((await ask(strict, 'strict', { text: 'long text' })).code,
      'invalid');
    t.deepIs(await ask(dry, 'strict', { text: 'long text' }),
      [null, 'done']);
    t.deepIs(await ask(dry, 'strict', { text: 'yes' }), [null, 'done']);
    const after = await drops();
    t.is(after.refused - before.refused, 1);

    // text, yes, in, and then in and the limit

    t.is(after.dry_run - before.dry_run, 5);
  });

  fact('the log says which line it is', async (t) => {
    const lines = warnings().slice(1);
    t.deepIs(lines.map((line) => /refused: (\w+): .*strict\.rules:(\d+)$/
      .exec(line).slice(1).join(' ')), ['invalid 3', 'forbidden 4',
      'forbidden 5', 'forbidden 5', 'rate_limited 6']);
    lines.forEach((line) => t.match(line,
      /dry run, event "strict" would have been refused/));
  });

  fact('what a step needs fails all the same', async (t) => {
    t.deepIs(await ask(dry, 'room', { room: 'r' }), [null, 'joined']);
    t.is((await ask(dry, 'room', {})).code, 'invalid');
    t.is((await ask(dry, 'room', { room: 'user:bob' })).code, 'forbidden');
    t.is((await ask(dry, 'unknown')).code, 'unknown_event');
    t.is((await ask(dry, 'no')).code, 'teapot');
  });

  fact('conditions of when are asked as ever', async (t) => {
    t.is(await ask(dry, 'when', { a: 1 }), 1);
    t.is(await ask(dry, 'when', { a: 3 }), 2);
  });

  fact('what is done goes to others too', async (t) => {
    const heard = once(strict, 'last');
    t.is((await ask(strict, 'last')).code, 'forbidden');
    t.is(await ask(dry, 'last'), null);
    t.is(await heard, 1);
  });

  fact('it is of the session, wherever that moves', async (t) => {
    for (let i = 0; i < 2 * workers; i++) {
      const socket = await connect(ngx, { transport: 'upgrade',
        auth: { name: 'ann', age: 1 }, path: '/dry/' });
      await upgraded(socket);
      t.deepIs(await ask(socket, 'strict', {}), [null, 'done']);
      socket.disconnect();
    }
  });

  fact('a client writes no lines into the log', async (t) => {
    await ask(strict, 'x\n2026/11/21 10:00:00 [notice] 1#1: forged');
    await until(() => /forged/.test(ngx.log()), { what: 'it is logged' });
    t.ok(!/^2026\/11\/21 10:00:00 \[notice\]/m.test(ngx.log()));
  });
}

suite(1);
suite(4);
