#!/usr/bin/env node
'use strict';

// The rule language, verb by verb and value by value, as a stock client sees
// it.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { open, connect, once, ask } = require('./lib/clients');
const { SioRaw } = require('./lib/sio_raw');

const app = `
  namespace / {
    authenticate insecure user=$auth.user;

    on connect {
      when $auth.code = closed { reject closed "go away, $auth.user"; }
      when $auth.code = down { reject unavailable; }
      check $auth.code != secret;
      expect $auth.level integer 1..9 optional;
      set team $auth.team;
      set agent $http_user_agent;
      join lobby;
      when $socket.team = red { join $socket.team; }
      emit welcome to self with '{"user": $user, "id": $socket,
        "ns": $namespace, "via": $transport, "agent": $socket.agent}';
      emit joined to lobby except self with $user;
    }
    on disconnect {
      emit left to lobby except self with $user '"$reason"';
    }

    on e:string  { expect $.a string 2..4; ack null; }
    on e:form    { expect $.a string "~^[\\w-]+$"; ack null; }
    on e:number  { expect $.a number -1.5..2; ack null; }
    on e:integer { expect $.a integer 1..; ack null; }
    on e:boolean { expect $.a boolean; ack null; }
    on e:array   { expect $.a array ..2; ack null; }
    on e:object  { expect $.a object; ack null; }
    on e:any     { expect $.a any; ack null; }
    on e:binary  { expect $.a binary 1..3; ack null; }
    on e:in      { expect $.a in red green 7; ack null; }
    on e:opt     { expect $.a string 1..2 optional; ack null; }
    on e:second  { expect $[1].b[1] integer; ack $[1].b[1]; }

    on c:eq      { check $.a = $.b; ack null; }
    on c:ne      { check $.a != x; ack null; }
    on c:lit     { check $.a = 7; ack null; }
    on c:me      { check $.id = $user; ack null; }
    on c:match   { check $.a ~ "^a+$"; ack null; }
    on c:nomatch { check $.a !~ "^a+$"; ack null; }
    on c:in      { check in $.room; ack null; }
    on c:order   { join early; check $.a = 1; join late; }

    on w         { when $.a = 1 { ack '"one"'; }
                   otherwise { when $.a ~ "^t" { ack '"t"'; }
                               otherwise { ack '"else"' $.a; } } }
    on w:then    { when in nowhere { set w yes; } ack $socket.w; }

    on r         { reject teapot "no $.what for $user"; }
    on r:plain   { reject forbidden; }
    on r:late    { reject timeout; }
    on r:often   { limit 1r/m; }
    on r:large   { set v $.v; }
    on r:after   { join after-reject; when $.a = 1 { reject no-good; } }

    on s:set     { set v $.v; ack $socket.v; }
    on s:get     { ack $socket.v $socket.none; }
    on s:text    { set v "v-$.v"; ack $socket.v; }

    on v:all     { ack '{"data": $data, "args": $args, "one": $[1],
                     "b": $.b[0].c, "none": $.none, "event": $event,
                     "text": "$.s and \${event}!", "socket": $socket,
                     "auth": $auth, "team": $auth.team, "user": "$user"}'; }
    on v:time    { ack '{"now": $now, "ms": $now_ms, "uuid": $uuid,
                     "other": $uuid}'; }
    on v:nginx   { ack $http_x_tenant $arg_x $remote_addr $server_port
                       $mapped $cookie_none; }
    on "~^doc:(?<id>\\w+):(\\d+)$" { ack $id $1 $2; }
    on "~^doc:"  { ack '"other"'; }
    on g:*       { ack '"glob"' $event; }
    on g:exact   { ack '"exact"'; }
    on "*:end"   { ack '"end"'; }

    on b:back    { emit b:back to self with '{"first": $.a, "list":
                     [$[1], {"again": $.a}]}' $data; ack $.a '{"b": $[1]}'; }
    on b:spread  { emit b:spread to self with $args; ack $args; }
    on b:relay   { relay to lobby; }
    on b:same    { emit b:same to lobby; }
    on b:store   { set v $.a; }

    on x         { emit "x:$.name" to lobby with $.text; ack null; }
    on x:none    { set x 1; }
    on x:once    { ack 1; ack 2; }
    on x:spread  { ack $args; }
    on x:bye     { emit bye to self; disconnect; }
    on x:room    { emit x:room to "$.a" ; }
    on 17        { ack '"a number"'; }
    on "say hello" { ack '"hello"'; }

    api group_members group:new {
      emit group:created to "group:$.id" lobby except user:$.author
        with '{"id": $.id, "text": "$.name: $.text"}';
      emit notice to all with $.text;
    }
    api only { check $.a = 1; emit only to all with $args; }
  }
  namespace ~^/tenant-\\d+$ {
    authenticate none;
    on where { ack $namespace; }
    on say { relay to all; }
    on connect { emit hello to self with $namespace; }
  }`;

const http = `
  map $http_x_tenant $mapped { default none; acme "the \\"acme\\""; }`;

let ngx, a, b;

const person = (user, options) => connect(ngx, { auth: { user },
  transport: user === 'bob' ? 'polling' : 'websocket', ...options });
const refused = async (t, code, event, ...args) =>
  t.is((await ask(a, event, ...args))?.code, code, JSON.stringify(args));
const passes = async (t, event, ...args) =>
  t.is(await ask(a, event, ...args), null, JSON.stringify(args));

test('nginx and two clients are there', async () => {
  ngx = await Nginx.start({ app, http, workers: 2 });
  a = await person('ann');
  b = await person('bob');
});

test('what on connect emits comes after the connect', async (t) => {
  const raw = await SioRaw.connect(ngx.port, { join: false,
    headers: { 'User-Agent': 'test "1"' } });
  raw.send('40{"user":"cleo","team":"red"}');
  const first = await raw.next();
  t.is(first.type, 0);
  t.deepIs((await raw.next()).data, ['welcome', { user: 'cleo',
    id: first.data.sid, ns: '/', via: 'websocket', agent: 'test "1"' }]);
  const left = once(b, 'left');
  raw.close();
  t.deepIs(await left, ['cleo', 'transport close']);
});

test('on disconnect knows the reason', async (t) => {
  const left = once(a, 'left');
  const c = await person('cleo');
  c.disconnect();
  t.deepIs(await left, ['cleo', 'client namespace disconnect']);
});

test('on connect can refuse', async (t) => {
  const error = async (auth, transport) => {
    const socket = open(ngx, { auth, transport });
    const { message, data } = await once(socket, 'connect_error');
    socket.disconnect();
    return [message, data.code];
  };
  t.deepIs(await error({ user: 'x', code: 'closed' }),
           ['go away, x', 'closed']);
  t.deepIs(await error({ user: 'x', code: 'closed' }, 'polling'),
           ['go away, x', 'closed']);
  t.deepIs(await error({ user: 'x', code: 'secret' }),
           ['not allowed', 'forbidden']);
  t.deepIs(await error({ user: 'x', level: 10 }),
           ['$auth.level must be an integer from 1 to 9', 'invalid']);
  t.deepIs((await error({ user: 'x', code: 'down' }))[1], 'unavailable');
  t.is((await error({}))[1], 'forbidden');
  const { body } = await ngx.emit({ event: 'x', user: 'x' });
  t.is(body.matched, 0);
});

test('expect: what fits passes', async (t) => {
  await passes(t, 'e:string', { a: '\u00e9\u{1f600}' });
  await passes(t, 'e:string', { a: 'abcd' });
  await passes(t, 'e:form', { a: 'a-b_9' });
  await passes(t, 'e:number', { a: -1.5 });
  await passes(t, 'e:integer', { a: 1 });
  await passes(t, 'e:integer', { a: 9007199254740991 });
  await passes(t, 'e:boolean', { a: false });
  await passes(t, 'e:array', { a: [] });
  await passes(t, 'e:object', { a: {} });
  await passes(t, 'e:any', { a: 0 });
  await passes(t, 'e:binary', { a: Buffer.from([1, 2, 3]) });
  await passes(t, 'e:in', { a: 'green' });
  await passes(t, 'e:in', { a: 7 });
  await passes(t, 'e:opt', { a: 'x' });
  await passes(t, 'e:opt', { a: null });
  await passes(t, 'e:opt', {});
  await passes(t, 'e:opt');
  t.is(await ask(a, 'e:second', 'x', { b: [1, 2] }), 2);
});

test('expect: what does not fit is invalid', async (t) => {
  const bad = {
    'e:string': ['a', 'abcde', 12, null, ['ab']], 'e:form': ['a b', '', 'ab\n'],
    'e:number': ['1', 2.1, -2, true], 'e:integer': [0, 1.5, '1', 1e300],
    'e:boolean': [0, 'true', null], 'e:array': [[1, 2, 3], {}, 'ab'],
    'e:object': [[], null, 'x'], 'e:in': ['blue', '', null],
    'e:binary': ['abc', { _placeholder: 1, num: 0 }, Buffer.alloc(0),
                 Buffer.alloc(4)],
    'e:opt': [1, 'abc', ''],
  };
  for (const [event, values] of Object.entries(bad)) {
    for (const value of values) {
      await refused(t, 'invalid', event, { a: value });
    }
  }
  await refused(t, 'invalid', 'e:any', {});
  await refused(t, 'invalid', 'e:any');
  await refused(t, 'invalid', 'e:second', 1, { b: [1] });
});

test('expect says what was expected', async (t) => {
  t.deepIs(await ask(a, 'e:string', { a: 'x' }), { code: 'invalid',
    message: '$.a must be a string of 2 to 4 characters' });
});

test('check compares values', async (t) => {
  await passes(t, 'c:eq', { a: 'x', b: 'x' });
  await passes(t, 'c:eq', { a: 1, b: 1 });
  await passes(t, 'c:eq', { a: true, b: true });
  await refused(t, 'forbidden', 'c:eq', { a: 'x', b: 'y' });
  await refused(t, 'forbidden', 'c:eq', { a: null, b: null });
  await refused(t, 'forbidden', 'c:eq', {});
  await passes(t, 'c:ne', { a: 'y' });
  await passes(t, 'c:ne', {});
  await refused(t, 'forbidden', 'c:ne', { a: 'x' });
  await passes(t, 'c:lit', { a: 7 });
  await passes(t, 'c:lit', { a: '7' });
  await refused(t, 'forbidden', 'c:lit', { a: [7] });
  await passes(t, 'c:me', { id: 'ann' });
  await refused(t, 'forbidden', 'c:me', { id: 'bob' });
});

test('check matches expressions', async (t) => {
  await passes(t, 'c:match', { a: 'aaa' });
  await refused(t, 'forbidden', 'c:match', { a: 'ab' });
  await refused(t, 'forbidden', 'c:match', { a: 'a\n' });
  await refused(t, 'forbidden', 'c:match', {});
  await refused(t, 'forbidden', 'c:match', { a: ['a'] });
  await passes(t, 'c:nomatch', { a: 'ab' });
  await refused(t, 'forbidden', 'c:nomatch', { a: 'aaa' });
});

test('check knows the rooms of its socket', async (t) => {
  await passes(t, 'c:in', { room: 'lobby' });
  await passes(t, 'c:in', { room: 'user:ann' });
  await passes(t, 'c:in', { room: a.id });
  await refused(t, 'forbidden', 'c:in', { room: 'user:bob' });
  await refused(t, 'invalid', 'c:in', {});
});

test('nothing behind a failed check runs', async (t) => {
  await refused(t, 'forbidden', 'c:order', { a: 2 });
  await passes(t, 'c:in', { room: 'early' });
  await refused(t, 'forbidden', 'c:in', { room: 'late' });
  await passes(t, 'c:order', { a: 1 });
  await passes(t, 'c:in', { room: 'late' });
});

test('when and otherwise choose', async (t) => {
  t.is(await ask(a, 'w', { a: 1 }), 'one');
  t.is(await ask(a, 'w', { a: 'two' }), 't');
  t.deepIs(await ask(a, 'w', { a: [3] }), ['else', [3]]);
  t.deepIs(await ask(a, 'w'), ['else', null]);
  t.is(await ask(a, 'w:then'), null);
});

test('reject has a code and a message', async (t) => {
  t.deepIs(await ask(a, 'r', { what: 'te"a' }),
           { code: 'teapot', message: 'no te"a for ann' });
  t.deepIs(await ask(a, 'r:plain'),
           { code: 'forbidden', message: 'not allowed' });
  await refused(t, 'no-good', 'r:after', { a: 1 });
  await passes(t, 'r:after', {});
});

test('each code of an error has its message', async (t) => {
  const socket = await connect(ngx, { auth: { user: 'codes' } });
  const error = (...args) => ask(socket, ...args);
  await error('r:often');
  for (const [message, ...args] of [
    ['not allowed', 'r:plain'],
    ['timed out', 'r:late'],
    ['too many events', 'r:often'],
    ['$.v is too large to be stored', 'r:large', { v: 'x'.repeat(5000) }],
    ['$.a must be a boolean', 'e:boolean', {}],
    ['no such event', 'nobody:knows'],
  ]) {
    t.is((await error(...args)).message, message, message);
  }
  t.is((await error('r:late')).code, 'timeout');
  t.is((await error('r:often')).code, 'rate_limited');
  t.is((await error('r:large', { v: 'x'.repeat(5000) })).code, 'too_large');
  await t.rejects(connect(ngx, { auth: { user: 'x', code: 'down' } }),
    ({ data }) => data.code === 'unavailable'
      && data.message === 'try again later');
});

test('an event no rule takes is refused', async (t) => {
  await refused(t, 'unknown_event', 'nothing', 1);
  await refused(t, 'unknown_event', 'E:STRING', { a: 'ab' });
  await refused(t, 'unknown_event', 'connected');
});

test('set stores on the socket', async (t) => {
  t.deepIs(await ask(a, 's:set', { v: { deep: ['x'] } }), { deep: ['x'] });
  t.deepIs(await ask(a, 's:get'), [{ deep: ['x'] }, null]);
  t.deepIs(await ask(b, 's:get'), [null, null]);
  t.is(await ask(a, 's:text', { v: 5 }), 'v-5');
  t.is(await ask(a, 's:set', {}), null);
  t.deepIs(await ask(a, 's:get'), [null, null]);
  await refused(t, 'too_large', 's:set', { v: 'x'.repeat(200000) });
});

test('values come from the event, the socket and the client', async (t) => {
  const data = { s: 'x"\\\u20ac', b: [{ c: 1.50 }] };
  t.deepIs(await ask(a, 'v:all', data, [2], 3), {
    data, args: [data, [2], 3], one: [2], b: 1.5, none: null, event: 'v:all',
    text: 'x"\\\u20ac and v:all!', socket: a.id, auth: { user: 'ann' },
    team: null, user: 'ann',
  });
});

test('time and random ids are the server\'s', async (t) => {
  const { now, ms, uuid, other } = await ask(a, 'v:time');
  t.match(now, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.ok(Math.abs(Date.parse(now) - Date.now()) < 60000, now);
  t.ok(Math.abs(ms - Date.now()) < 60000, ms);
  t.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  t.ok(uuid !== other);
});

test('nginx variables are those of the handshake', async (t) => {
  const c = await person('cleo', { extraHeaders: { 'x-tenant': 'acme' },
                                   query: { x: '1' } });
  t.deepIs(await ask(c, 'v:nginx'), ['acme', '1', '127.0.0.1',
    String(ngx.port), 'the "acme"', null]);
  c.disconnect();
});

test('patterns: exact, then globs and expressions in order', async (t) => {
  t.is(await ask(a, 'g:exact'), 'exact');
  t.deepIs(await ask(a, 'g:other'), ['glob', 'g:other']);
  t.deepIs(await ask(a, 'g:end'), ['glob', 'g:end']);
  t.is(await ask(a, 'h:end'), 'end');
  t.deepIs(await ask(a, 'doc:x7:12'), ['x7', 'x7', '12']);
  t.is(await ask(a, 'doc:?'), 'other');
  t.is(await ask(a, '17'), 'a number');
  t.is(await ask(a, 'say hello'), 'hello');
});

test('attachments travel with templates', async (t) => {
  const one = Buffer.from([1]);
  const two = Buffer.from([2, 2]);
  const event = once(a, 'b:back');
  t.deepIs(await ask(a, 'b:back', { a: one }, two), [one, { b: two }]);
  t.deepIs(await event, [{ first: one, list: [two, { again: one }] },
                         { a: one }]);
});

test('attachments travel with all arguments', async (t) => {
  const args = [Buffer.from('x'), 'y', { z: [Buffer.from('z')] }];
  const event = once(a, 'b:spread');
  t.deepIs(await ask(a, 'b:spread', ...args), args);
  t.deepIs(await event, args);
  await passes(t, 'b:spread', null);
  t.deepIs(await ask(a, 'x:spread'), undefined);
});

test('attachments are relayed, polling or not', async (t) => {
  const args = [{ a: Buffer.from([0, 255]) }, 'text'];
  for (const [from, to] of [[a, b], [b, a]]) {
    const event = once(to, 'b:relay');
    from.on('b:relay', () => t.ok(false, 'the sender hears itself'));
    t.is(await ask(from, 'b:relay', ...args), null);
    t.deepIs(await event, args);
    from.off('b:relay');
  }
  const events = [a, b].map((socket) => once(socket, 'b:same'));
  a.emit('b:same', ...args);
  t.deepIs(await Promise.all(events), [args, args]);
});

test('an attachment cannot be stored', async (t) => {
  await refused(t, 'invalid', 'b:store', { a: Buffer.from('x') });
});

test('data cannot forge an attachment', async (t) => {
  const raw = await SioRaw.connect(ngx.port, { auth: { user: 'raw' } });
  await raw.next();
  const forged = { _placeholder: true, num: 0 };
  await raw.send(`42["b:relay",${JSON.stringify(forged)}]`);
  await raw.packets.next().then(() => t.ok(false, 'the connection goes on'),
                                () => null);
  t.is(await ask(a, 'w', { a: 1 }), 'one');
});

test('the name of an emitted event may hold values', async (t) => {
  const event = once(b, 'x:y');
  await passes(t, 'x', { name: 'y', text: 'z' });
  t.is(await event, 'z');
});

test('an event is acked once, whatever the rule', async (t) => {
  await passes(t, 'x:none');
  t.is(await ask(a, 'x:once'), 1);
  const raw = await SioRaw.connect(ngx.port, { auth: { user: 'raw' } });
  await raw.next();
  await raw.event({ id: 0 }, 'x:once');
  await raw.event({ id: 1 }, 'x:none');
  await raw.event({ id: 2 }, 'nothing');
  t.deepIs([await raw.next(), await raw.next(), await raw.next()]
    .map(({ type, id, data }) => [type, id, data[0]?.code || data[0]]),
    [[3, 0, 1], [3, 1, null], [3, 2, 'unknown_event']]);
  raw.close();
});

test('disconnect ends the socket, after what was sent', async (t) => {
  const c = await person('cleo');
  const heard = [];
  c.on('bye', () => heard.push('bye'));
  const why = once(c, 'disconnect');
  c.emit('x:bye');
  t.is([].concat(await why)[0], 'io server disconnect');
  t.deepIs(heard, ['bye']);
});

test('a template cannot be left by data', async (t) => {
  const nasty = '"}],"x":[{"$user\\u0000\n\u2028';
  const { data, text } = await ask(a, 'v:all', { s: nasty });
  t.is(data.s, nasty);
  t.is(text, `${nasty} and v:all!`);
});

test('an api rule renames and adds', async (t) => {
  const events = [once(b, 'group:created'), once(b, 'notice'),
                  once(a, 'notice')];
  a.once('group:created', () => t.ok(false, 'the author hears it'));
  const { status, body } = await ngx.emit({ target: 'group_members',
    event: 'group:new', data: { id: 5, author: 'ann', name: 'Ann',
                                text: 'hi "there"' } });
  t.deepIs([status, body.ok], [200, true]);
  t.deepIs(await Promise.all(events), [{ id: 5, text: 'Ann: hi "there"' },
                                       'hi "there"', 'hi "there"']);
  t.is((await ngx.emit({ target: 'group_members', event: 'x' })).status, 404);
  t.is((await ngx.emit({ target: 'nobody', event: 'group:new' })).status, 404);
});

test('an api rule can refuse', async (t) => {
  const { status, body } = await ngx.emit({ event: 'only', data: { a: 2 } });
  t.is(status, 403, JSON.stringify(body));
  const event = once(a, 'only');
  t.is((await ngx.emit({ event: 'only', args: [{ a: 1 }, 2] })).status, 200);
  t.deepIs(await event, [{ a: 1 }, 2]);
});

test('dynamic namespaces are apart', async (t) => {
  const [one, same, two] = await Promise.all(['1', '1', '2'].map((n) =>
    connect(ngx, { nsp: `/tenant-${n}` })));
  t.is(await ask(one, 'where'), '/tenant-1');
  t.is(await ask(two, 'where'), '/tenant-2');
  two.on('say', () => t.ok(false, 'another namespace hears it'));
  const event = once(same, 'say');
  one.emit('say', 'x');
  t.is(await event, 'x');
  t.is((await ngx.emit({ event: 'x', namespace: '/tenant-1' })).body.matched,
       2);
  t.is((await ngx.emit({ event: 'x', namespace: '/tenant-3' })).body.matched,
       0);
  t.is((await ngx.emit({ event: 'x', namespace: '/tenant-x' })).status, 404);
  await t.rejects(connect(ngx, { nsp: '/tenant-x' }),
                  { message: 'Invalid namespace' });
  [one, same, two].forEach((socket) => socket.disconnect());
});
