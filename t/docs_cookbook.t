#!/usr/bin/env node
'use strict';

// The cookbook of docs/rules.md does what it says, for stock clients.

const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');

const text = fs.readFileSync(path.join(__dirname, '../docs/rules.md'), 'utf8');
const cookbook = text.slice(text.indexOf('## Cookbook'));
const snippets = [...cookbook.matchAll(/^```nginx\n(.*?)^```/gms)]
  .map(([, snippet]) => snippet);
const whole = (snippet) => /^namespace /m.test(snippet);
const rules = snippets.filter((s) => !whole(s)).join('\n');
const namespaces = snippets.filter(whole).join('\n');

let ngx;
let ann;
let bob;
let cy;

// Nothing of an event arrives: asked of the server behind it.

async function silent(socket, event, other) {
  let heard = false;

  socket.once(event, () => { heard = true; });
  await other();
  await ngx.emit({ event: 'fence', data: 1, to: socket.id });
  await once(socket, 'fence');
  socket.off(event);

  return !heard;
}

test('all of it is one configuration', async (t) => {
  ngx = await Nginx.start({ workers: 2, app: `namespace / {
    authenticate insecure user=$auth.name;
    ${rules}
    on "join:doc" { join doc:$data; }
    on enter:kitchen { join kitchen; }
  }
  ${namespaces}` });

  [ann, bob, cy] = await Promise.all([['ann', 'websocket'], ['bob', 'polling'],
    ['cy', 'upgrade']].map(([name, transport]) =>
    connect(ngx, { auth: { name }, transport })));
  t.ok(ann.connected && bob.connected && cy.connected);
});

test('a chat room', async (t) => {
  await ask(ann, 'join-room', 'tea');
  const joined = once(ann, 'user-joined');
  t.is(await ask(bob, 'join-room', 'tea'), null);
  t.deepIs(await joined, { user: 'bob' });
});

test('a message to everybody in the room', async (t) => {
  const heard = [once(ann, 'new-message'), once(bob, 'new-message')];
  const [error, answer] = await ask(ann, 'send-message',
    { roomId: 'tea', text: 'hi', user: 'cy' });
  const [one, two] = await Promise.all(heard);

  t.is(error, null);
  t.match(answer.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.deepIs(one, two);
  t.is(one.user, 'ann');
  t.match(one.id, /^[0-9a-f-]{36}$/);
});

test('who is not in the room says nothing in it', async (t) => {
  t.deepIs(await ask(cy, 'send-message', { roomId: 'tea', text: 'hi' }),
    { code: 'forbidden', message: 'not allowed' });
  t.deepIs(await ask(ann, 'send-message', { roomId: 'tea', text: '' }),
    { code: 'invalid',
      message: '$.text must be a string of 1 to 2000 characters' });
});

test('typing and reactions', async (t) => {
  const typing = once(bob, 'typing');
  ann.emit('typing', { roomId: 'tea' });
  t.deepIs(await typing, { roomId: 'tea', user: 'ann' });

  const reaction = once(ann, 'reaction');
  bob.emit('reaction', { roomId: 'tea', messageId: 1, emoji: '👍' });
  t.deepIs(await reaction, { roomId: 'tea', messageId: 1, emoji: '👍' });
});

test('join and leave a group', async (t) => {
  t.deepIs(await ask(ann, 'group:join', { groupId: 'g1' }),
    [null, { groupId: 'g1' }]);
  const joined = once(ann, 'group:member_joined');
  await ask(bob, 'group:join', { groupId: 'g1' });
  t.is((await joined).userId, 'bob');

  const left = once(ann, 'group:member_left');
  await ask(bob, 'group:leave', { groupId: 'g1' });
  t.deepIs(await left, { groupId: 'g1', userId: 'bob' });
});

test('a new group, by its creator, public or not', async (t) => {
  const group = { groupId: 'g2', groupName: 'Two', groupType: 'public',
                  creatorId: 'ann' };
  const heard = once(cy, 'notification:group_created');

  t.is(await ask(ann, 'group:created', group), null);
  t.is((await heard).groupName, 'Two');
  t.is((await ask(bob, 'group:created', group)).code, 'forbidden');
  t.ok(await silent(cy, 'notification:group_created', () =>
    ask(ann, 'group:created', { ...group, groupType: 'private' })));
});

test('an invitation to a user, on all devices', async (t) => {
  const tab = await connect(ngx, { auth: { name: 'cy' } });
  const heard = [once(cy, 'invitation:received'),
                 once(tab, 'invitation:received')];

  await ask(ann, 'invitation:sent',
    { inviteeId: 'cy', invitationId: 'i1', groupId: 'g1' });
  t.deepIs(await Promise.all(heard), Array(2).fill({ invitationId: 'i1',
    groupId: 'g1', inviterId: 'ann', message: null }));
});

test('call signaling', async (t) => {
  const offer = once(bob, 'call:offer');
  ann.emit('call:offer', { to: 'bob', callId: 7, signal: { sdp: 'v=0' } });
  t.deepIs(await offer, { from: 'ann', callId: 7, signal: { sdp: 'v=0' } });
});

test('edits of a document, binary', async (t) => {
  await ask(ann, 'join:doc', 'd1');
  await ask(bob, 'join:doc', 'd1');
  const edit = once(bob, 'document:edit');
  t.is(await ask(ann, 'document:edit', 'd1', Buffer.from([1, 2, 255])), null);
  const [id, change] = await edit;
  t.is(id, 'd1');
  t.deepIs([...change], [1, 2, 255]);
});

test('a backend notifies a group, but not the author', async (t) => {
  await ask(bob, 'group:join', { groupId: 'g1' });

  const heard = [once(bob, 'group:post_created'),
                 once(bob, 'notification:new')];

  t.ok(await silent(ann, 'notification:new', async () => {
    const { status } = await ngx.emit({ target: 'group_members',
      event: 'group:new_post', data: { groupId: 'g1', postId: 5,
        authorId: 'ann', authorName: 'Ann "A"', postContent: 'Text' } });
    t.is(status, 200);
  }));

  const [created, notification] = await Promise.all(heard);
  t.is(created.contentPreview, 'Text');
  t.is(notification.message, 'Ann "A" posted: Text');
});

test('emitToAll()', async (t) => {
  const heard = [ann, bob, cy].map((s) => once(s, 'system-announcement'));
  await ngx.emit({ event: 'system-announcement', data: { message: 'x' } });
  t.is((await Promise.all(heard)).length, 3);
});

for (const [n, snippet] of snippets.entries()) {
  test(`snippet ${n + 1} is a configuration by itself`, (t) => {
    const { ok, output } = Nginx.check({ app: whole(snippet) ? snippet
      : `namespace / { ${snippet} }` });
    t.ok(ok, `${snippet}\n${output}`);
  });
}

test('there are twenty entries and more', (t) => {
  t.ok(snippets.length >= 20, `${snippets.length}`);
});

test('who you are, and who has left', async (t) => {
  await t.rejects(connect(ngx, { auth: { name: 'old', version: 2 } }),
    ({ message, data }) => message === 'please update'
      && data.code === 'outdated');
  const auth = { name: 'dan', version: 3, team: 'red' };
  const one = await connect(ngx, { auth });
  const two = await connect(ngx, { auth });
  const left = once(one, 'left');
  two.disconnect();
  t.deepIs(await left, { user: 'dan', reason: 'client namespace disconnect' });
});

test('a private message', async (t) => {
  const tab = await connect(ngx, { auth: { name: 'ann' } });
  const heard = [once(bob, 'private'), once(tab, 'private')];
  t.deepIs(await ask(ann, 'private', { to: 'bob', text: 'psst' }),
    [null, { status: 'ok' }]);
  const [to, copy] = await Promise.all(heard);
  t.deepIs(to, copy);
  t.is(to.from, 'ann');
  t.is(to.text, 'psst');
});

test('an order is stored once', async (t) => {
  await ask(bob, 'enter:kitchen');
  const order = { id: 'o1', items: ['tea'] };
  const heard = once(bob, 'order');
  t.deepIs(await ask(ann, 'order', order), [null, { id: 'o1' }]);
  t.is((await heard).by, 'ann');
  t.ok(await silent(bob, 'order', async () =>
    t.deepIs(await ask(ann, 'order', order), [null, { id: 'o1' }])));
});

test('not more than a few', async (t) => {
  const codes = [];
  for (let i = 0; i < 8; i++) {
    codes.push((await ask(ann, 'shout', 'hey'))?.code ?? null);
  }
  t.deepIs(codes.slice(0, 5), Array(5).fill(null));
  t.ok(codes.includes('rate_limited'), `${codes}`);
});

test('cursors', async (t) => {
  await ask(ann, 'board:join', 'b');
  await ask(bob, 'board:join', 'b');
  const cursor = once(bob, 'cursor');
  t.is(await ask(ann, 'cursor', { boardId: 'b', x: 1, y: 2.5 }), null);
  t.deepIs(await cursor, { user: 'ann', x: 1, y: 2.5 });
});

test('topics', async (t) => {
  t.is(await ask(bob, 'subscribe', ['a', 'b']), null);
  t.is((await ask(bob, 'subscribe', ['a', 'B b'])).code, 'invalid');
  t.is((await ngx.emit({ event: 'x', to: 'topic:a', data: 1 }))
    .body.matched, 1);
  t.is(await ask(bob, 'unsubscribe', ['a']), null);
  t.is((await ngx.emit({ event: 'x', to: 'topic:a', data: 1 }))
    .body.matched, 0);
});

test('invitations to many', async (t) => {
  const heard = once(bob, 'group:invited');
  t.deepIs(await ask(ann, 'group:invite', { groupId: 'g1',
    ids: ['bob', 'nobody'] }), [null, { delivered: ['bob'] }]);
  t.deepIs(await heard, { groupId: 'g1', inviterId: 'ann' });
  t.is((await ask(cy, 'group:invite', { groupId: 'g1', ids: ['bob'] })).code,
    'forbidden');
});

test('admins only', async (t) => {
  const root = await connect(ngx, { auth: { name: 'root' } });
  const heard = once(ann, 'system-announcement');
  t.is((await ask(ann, 'announce', { message: 'x' })).code, 'forbidden');
  t.is(await ask(root, 'announce', { message: 'y' }), null);
  t.is((await heard).message, 'y');
});

test('how many, and who', async (t) => {
  t.is(await ask(ann, 'room:size', 'tea'), 2);
  t.is(await ask(ann, 'room:size', 'coffee'), 0);
  t.is(await ask(ann, 'is-online', 'bob'), true);
  t.is(await ask(ann, 'is-online', 'nobody'), false);
});

test('time, names and patterns', async (t) => {
  const { now, iso, id } = await ask(ann, 'time');
  t.is(new Date(iso).getTime() - now < 1000, true);
  t.match(id, /^[0-9a-f-]{36}$/);
  t.deepIs(await ask(ann, 'ping:7'), [null, 'ping:7']);
  const echo = once(ann, 'hello');
  ann.emit('echo:hello', 1, 2);
  t.deepIs(await echo, [1, 2]);
});

test('a file', async (t) => {
  const heard = once(bob, 'uploaded');
  t.deepIs(await ask(ann, 'upload', 'a.bin', Buffer.from([0, 255])),
    [null, { name: 'a.bin' }]);
  const [name, file, user] = await heard;
  t.deepIs([name, [...file], user], ['a.bin', [0, 255], 'ann']);
});

test('a namespace for each tenant', async (t) => {
  const [a, b, c] = await Promise.all([['a', 1], ['b', 1], ['c', 2]].map(
    ([name, n]) => connect(ngx, { nsp: `/tenant-${n}`, auth: { name } })));
  const heard = once(b, 'message');
  const others = [];
  c.on('message', ({ text }) => others.push(text));
  t.is(await ask(a, 'message', 'hi'), null);
  t.deepIs(await heard, { in: '/tenant-1', text: 'hi' });
  t.is(await ask(c, 'message', 'own'), null);
  t.deepIs(others, ['own']);
});

test('to leave', async (t) => {
  const heard = once(ann, 'goodbye');
  const eve = await connect(ngx, { auth: { name: 'eve' } });
  const gone = once(eve, 'disconnect');
  eve.emit('leave-me');
  t.is(await heard, 'eve');
  t.is([await gone].flat()[0], 'io server disconnect');
});

test('what no rule takes is refused', async (t) => {
  t.is((await ask(ann, 'nobody:knows')).code, 'unknown_event');
});
