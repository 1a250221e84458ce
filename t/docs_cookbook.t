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
const rules = [...cookbook.matchAll(/^```nginx\n(.*?)^```/gms)]
  .map(([, rule]) => rule).join('\n');

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
  }` });

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

test('what no rule takes is refused', async (t) => {
  t.is((await ask(ann, 'nobody:knows')).code, 'unknown_event');
});
