#!/usr/bin/env node
'use strict';

// Whatever a hostile client sends by the names of the presets, it gets an
// error, and nobody else hears a word: from a stranger without any right, and
// from an insider who has all of them and forges what is in the events.

const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');
const { SioRaw } = require('./lib/sio_raw');

const folder = path.join(__dirname, '../conf/presets');
const conf = fs.readdirSync(folder).map((name) =>
  fs.readFileSync(path.join(folder, name), 'utf8')).join('\n');

// A good event of each name.  A "?" behind the name of a field: it may be
// missing.  stranger: what somebody without rights gets for it, null if
// anybody may do it.

const page = { groupId: 'g1' };
const good = {
  'group:created': { groupId: 'g1', groupName: 'G', groupType: 'public',
    creatorId: 'mal', 'metadata?': { 'category?': 'c', 'memberCount?': 1,
      'hasPhoto?': true } },
  'group:join': page,
  'group:leave': page,
  'group:member_joined': page,
  'group:member_left': page,
  'group:member_update': { ...page, 'userId?': 'ann', 'role?': 'admin',
    'status?': 'active', 'memberCount?': 5 },
  'group:activity': { ...page, type: 'a', 'targetId?': 't', 'message?': 'm' },
  'group:live_activity': { ...page, type: 'a', 'targetId?': 't' },
  'group:update': { ...page, 'groupName?': 'G', 'description?': 'D',
    'category?': 'c', 'groupType?': 'private' },
  'invitation:sent': { ...page, invitationId: 'i1', 'groupName?': 'G',
    recipientIds: ['ann', 'bob'], 'message?': 'm' },
  'invitation:respond': { ...page, invitationId: 'i1', inviterId: 'ann',
    response: 'accepted' },
  'invitation:cancelled': { ...page, invitationId: 'i1',
    recipientIds: ['ann'] },
  'blog:join': undefined,
  'blog:leave': undefined,
  'post:join': { postId: 'p1' },
  'post:leave': { postId: 'p1' },
  'post:update': { postId: 'p1', 'groupId?': 'g1', action: 'updated',
    'content?': 'c' },
  'comment:new': { postId: 'p1', 'groupId?': 'g1', 'commentId?': 'c1',
    'parentId?': 'c0', text: 't' },
  'like:update': { postId: 'p1', 'groupId?': 'g1', liked: true },
  'story:update': { storyId: 's1', action: 'created',
    'mediaUrl?': 'https://x.example/', 'caption?': 'c' },
  'join-room': 'tea',
  'leave-room': 'tea',
  'send-message': { roomId: 'tea', text: 't', 'clientId?': 'm1',
    'replyTo?': 'm0' },
  'message:new': { to: 'ann', text: 't', 'clientId?': 'd1' },
  'typing': { roomId: 'tea', 'isTyping?': true },
  'reaction': { roomId: 'tea', messageId: 'm1', emoji: ':-)',
    'action?': 'add' },
  'location': { roomId: 'tea', location: { lat: 1, lng: 2 } },
  'user:presence': { status: 'away' },
  'presence:query': { userId: 'ann' },
  'presence:count': undefined,
  'notification:new': { userId: 'ann', type: 'T', title: 't', message: 'm',
    'link?': '/' },
  'system-announcement': { message: 'm', 'title?': 't',
    'severity?': 'info' },
  'document:join': { documentId: 'd1' },
  'document:leave': { documentId: 'd1' },
  'document:edit': { documentId: 'd1', change: 'x', 'version?': 1 },
  'call:update': { callId: 'c1', 'type?': 'voice', status: 'initiated' },
  'call:offer': { callId: 'c1', to: 'ann', offer: { sdp: 's' } },
  'call:answer': { callId: 'c1', to: 'ann', answer: { sdp: 's' } },
  'call:ice': { callId: 'c1', to: 'ann', candidate: { candidate: 'c',
    'sdpMid?': '0', 'sdpMLineIndex?': 0, 'usernameFragment?': 'u' } },
};

// What asks for no right, because it tells nobody, or nobody but those whom
// the sender is free to tell.

const free = ['group:leave', 'blog:join', 'blog:leave', 'post:join',
  'post:leave', 'story:update', 'join-room', 'message:new', 'user:presence',
  'presence:query', 'presence:count', 'document:leave'];

const rights = ['group:g1', 'group-admin:g1', 'group-invited:g1',
  'post-author:p1', 'role:admin', 'document:d1', 'document-author:d1',
  'call:c1', 'followers:eve'];

const plainName = (name) => name.replace('?', '');

const bare = (value) => (value && value.constructor === Object
  ? Object.fromEntries(Object.entries(value)
    .map(([name, member]) => [plainName(name), bare(member)])) : value);

// Ids that become parts of the names of rooms.

const ids = ['groupId', 'invitationId', 'postId', 'commentId', 'parentId',
  'storyId', 'roomId', 'messageId', 'clientId', 'replyTo', 'documentId',
  'callId'];
const badIds = ['', 'user:ann', 'a b', '\u0000', 'a\u0007', 'g1\n', '\n',
  '../g1', 'g1:', '\ud800', '\u202e', '$user', '%00', 'x'.repeat(65)];
const huge = Array(20000).fill('x');

// What can't stand for a value.

function forged(name, value, optional) {
  const list = [{}, { groupId: 'g1' }, [], [[]], huge, -1e308,
                'y'.repeat(60000), ...(optional ? [] : [undefined, null])];

  if (name === 'change') {
    return [undefined];
  }
  if (Array.isArray(value)) {
    return [...list, ['ann', 7], [null], Array(51).fill('ann'), 'ann',
            [['ann']], [{ id: 'ann' }], ['']];
  }
  if (ids.includes(name)) {
    return [...list, ...badIds, true];
  }
  if (typeof value === 'object') {
    return [...(optional ? [] : list.filter((bad) => bad !== value)), null]
      .slice(0, optional ? 0 : undefined);
  }

  return [...list, typeof value === 'boolean' ? 'true' : true];
}

// All events with one forged value each.

function* forgeries(shape, rebuild = (value) => value) {
  for (const [key, value] of Object.entries(shape)) {
    const name = plainName(key);
    const whole = (member) => rebuild({ ...bare(shape), [name]: member });

    for (const bad of forged(name, value, key !== name)) {
      yield whole(bad);
    }
    if (value && value.constructor === Object) {
      yield* forgeries(value, whole);
    }
  }
}

const wrongs = [null, true, 42, -0.5, '', 'x'.repeat(100000), [], {}, huge,
  [[[[[['tea']]]]]], 'user:ann', 'role:admin', 'tea\u0000', 'a\r\nb', '\ud800',
  { '': '' }, { groupId: {} }, { toString: 'x', constructor: {} },
  { length: 1, 0: 'tea' }];

// What is wrong before any rule is asked: texts and bytes of packets.

function* packets(name) {
  const event = JSON.stringify(name);
  const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
  const inside = (value) => `{"groupId":${value},"documentId":"d1",`
    + `"change":${value},"roomId":"tea","text":${value}}`;
  const deep = 5000;

  yield [`427[${event},${placeholder(0)}]`];
  yield [`427[${event},${inside(placeholder(0))}]`];
  yield [`451-7[${event},${inside(placeholder(1))}]`, Buffer.from('x')];
  yield [`451-7[${event},{"text":"no placeholder"}]`, Buffer.from('x')];
  yield [`451-7[${event},${placeholder(-1)}]`, Buffer.from('x')];
  yield [`451-7[${event},${placeholder(0)}]`, '42["typing"]'];
  yield [`4599999-7[${event},${placeholder(0)}]`];
  yield [`427[${event},${'['.repeat(deep)}${']'.repeat(deep)}]`];
  yield [`427[${event},${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}]`];
  yield [`427[${event},{"a":1,}]`];
  yield [`427[${event},`];
  yield [`427[${event}]]`];
  yield [`427{"0":${event}}`];
  yield [`427[${event},NaN]`];
  yield [`427[${event},"\u0001"]`];
  yield [Buffer.concat([Buffer.from(`427[${event},"`),
    Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('"]')])];
  yield [Buffer.concat([Buffer.from(`427[${event},"`),
    Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"]')])];
}

for (const workers of [1, 4]) {
  const fact = (text, run, options) => test(`${text}, workers: ${workers}`,
    run, { timeout: 120000, ...options });
  const names = Object.keys(good);

  let cast;
  let ann;              // who must not hear anything, in all rooms
  let bob;
  let mal;              // the insider
  let eve;              // the stranger
  let silent;

  // All there is to be in.

  const settle = async (tab) => {
    await tab.ok('group:join', { groupId: 'g1' });
    await tab.ok('blog:join');
    await tab.ok('post:join', { postId: 'p1' });
    await tab.ok('join-room', 'tea');
    await tab.ok('document:join', { documentId: 'd1' });
    await tab.ok('call:update', { callId: 'c1', status: 'accepted' });
  };

  fact('all events of the presets are tried', async (t) => {
    t.deepIs(names.slice().sort(),
      [...conf.matchAll(/^on (\S+) \{/gm)].map(([, name]) => name)
        .filter((name) => !/^(?:on|off)line$/.test(name)).sort());

    cast = await Cast.start({ workers });
    for (const user of ['ann', 'bob', 'mal']) {
      await cast.grant(user, ...rights);
    }
    [ann, bob, mal, eve] = await cast.enter('ann', 'bob', 'mal', 'eve');
    for (const tab of [ann, bob, mal]) {
      await settle(tab);
    }
    for (const tab of [ann, bob, mal]) {
      await cast.fence(tab);
    }
    silent = (by, run) => cast.scene(t, by, run);
  });

  for (const name of names.filter((event) => good[event] !== undefined)) {
    fact(`${name}: wrong and forged`, async () => {
      const shape = good[name];
      const lies = typeof shape === 'string' ? []
        : [...forgeries(shape)].filter((lie) => lie !== undefined);

      await silent(mal, async () => {
        const bad = [...wrongs, ...lies,
          JSON.parse(`{"__proto__":${JSON.stringify(bare(shape))}}`)];

        for (let i = 0; i < bad.length; i += 20) {
          await Promise.all(bad.slice(i, i + 20).map((data) =>
            mal.refused('invalid', name, data)));
        }
        await mal.refused('invalid', name);
        await mal.refused('invalid', name, undefined, bare(shape));
      });
    });

    if (!free.includes(name)) {
      fact(`${name}: right, by a stranger`, () => silent(eve, () =>
        eve.refused('forbidden', name, bare(good[name]))));
    }
  }

  fact('what a good event has more of goes nowhere', async (t) => {
    const data = JSON.parse('{"roomId":"tea","text":"t","id":"1",'
      + '"user":{"id":"ann"},"timestamp":0,"__proto__":{"x":1},'
      + '"constructor":{"prototype":{"x":1}}}');
    const heard = [['new-message', { id: '@uuid', roomId: 'tea', text: 't',
      replyTo: null, clientId: null, user: { id: 'mal', name: 'Mal' },
      timestamp: '@now' }]];

    await cast.scene(t, mal, () =>
      mal.ok('send-message', data, { more: 1 }, huge),
      { ann: heard, bob: heard, mal: heard });
  });

  // A packet that is none ends the connection, or is refused.

  async function broken(parts, transport) {
    const sio = await SioRaw.connect(cast.ngx.port,
      { transport, auth: { user: 'mal', name: 'Mal' } });

    try {
      for (const part of parts) {
        if (!Buffer.isBuffer(part) || part[0] === 0x78) {
          await sio.send(part);
        } else if (sio.ws) {
          await sio.ws.sendFrame({ payload: part, opcode: 1 });
        } else if ((await sio.polling.post(part)).status !== 200) {
          return 'refused';
        }
      }

      for (;;) {
        const { type, id, data } = await sio.next();

        if (type === 3 && id === 7) {
          return data[0]?.code || 'taken';
        }
      }
    } catch {
      return 'closed';
    } finally {
      sio.close();
    }
  }

  fact('packets that are none', async (t) => {
    await silent(mal, async () => {
      for (const [i, name] of names.entries()) {
        const transport = ['websocket', 'polling'][i % 2];
        const list = [...packets(name)];
        const ends = await Promise.all(list.map((parts) =>
          broken(parts, transport)));

        t.deepIs(ends.map((end, n) => end === 'taken'
          && String(list[n][0]).slice(0, 80)).filter(Boolean), [], name);
      }
    });
  });

  fact('names that Socket.IO reserves, and others', async (t) => {
    await silent(mal, async () => {
      for (const name of ['connect', 'connect_error', 'disconnect',
        'disconnecting', 'newListener', 'removeListener', 'online',
        'offline', '', '*', '__proto__', 'constructor', 'group:', 'group:*',
        'notification:group_created', 'invitation:received', 'new-message',
        'user-joined', 'group:invitations_sent', 'group:post_created',
        'x'.repeat(5000), 'a\u0000b']) {
        for (const transport of ['websocket', 'polling']) {
          const end = await broken([`427[${JSON.stringify(name)},`
            + '{"groupId":"g1","roomId":"tea"}]'], transport);

          t.ok(end !== 'taken', `${name.slice(0, 40)}: ${end}`);
        }
      }
    });
  });

  fact('nobody has heard a status that is none', async (t) => {
    for (const { seen } of [ann, bob]) {
      for (const { userId, status } of seen) {
        t.ok(['online', 'offline'].includes(status), `${userId} ${status}`);
        t.ok(['ann', 'bob', 'mal', 'eve'].includes(userId));
      }
    }
    t.is(cast.ngx.log().match(/^.*\[(?:crit|alert|emerg)\].*$/gm), null);
  });
}
