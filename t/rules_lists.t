#!/usr/bin/env node
'use strict';

// Rules about many: lists of rooms and users, who is online, how many are in
// a room, targets of the API.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');
const { countsAre } = require('./lib/status');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;

    on join     { join $.rooms[*]; }
    on leave    { leave $.rooms[*]; }
    on in       { check in $.rooms[*]; }
    on invite   {
      expect $.ids array 0..2000;
      expect $.ids[*] string 1..64;
      check  $.ids[*] != $user;
      emit   invited to user:$.ids[*] with '{"from": $user, "all": $.ids[*]}';
      ack    null '{"delivered": $sent.delivered, "queued": $sent.queued,
                    "rejected": $sent.rejected}';
    }
    on spread   { relay to $.rooms[*]; }
    on spare    { emit spread to all except user:$.ids[*] self with 1; }
    on is:online { check online $data; }
    on choose   { when online $data { ack '"yes"'; }
                  otherwise { ack '"no"'; } }
    on all:online { check online $.ids[*]; }
    on count    { count n $.room;
                  when $n = 0 { ack '"empty"'; } otherwise { ack $n; } }
    on last     { emit last to all; }
    on often    { relay to all throttle=1h; }
    on often:*  { relay to $data throttle=1h; }

    on whom     { emit hey to user:$.ids[*] with 1; ack $sent.delivered; }
    on others   { check $.ids[*] != $.not; ack '"none"'; }

    target group_members group:$.groupId;
    target everyone all;
    target pair user:$.a user:$.b;
    api everyone special { emit very:special to all with '"s"'; }
  }`;

const names = ['ann', 'bob', 'cleo', 'dan', 'ann'];

function suite(workers) {
  let ngx, people, a, b, c;
  const fact = (what, fn) => test(`${workers} worker(s): ${what}`, fn);

  // What each has heard until all have heard a last word of the first.

  const heard = async () => {
    const last = people.map((socket) => once(socket, 'last'));
    a.emit('last');
    await Promise.all(last);
    return people.map((socket) => `${socket.heard.splice(0)}`).join('|');
  };

  fact('nginx and five clients of four users are there', async () => {
    ngx = await Nginx.start({ workers, app });
    people = await Promise.all(names.map((name) =>
      connect(ngx, { auth: { name } })));
    people.forEach((socket) => {
      socket.heard = [];
      socket.onAny((event) => event !== 'last' && socket.heard.push(event));
    });
    [a, b, c] = people;
    await countsAre(ngx, { sessions: 5, sockets: 5 });
  });

  fact('an event goes to all users of a list', async (t) => {
    const invited = once(b, 'invited');
    t.deepIs(await ask(a, 'invite', { ids: ['bob', 'dan', 'nobody'] }),
      [null, { delivered: ['bob', 'dan'], queued: [], rejected: [] }]);
    t.deepIs(await invited, { from: 'ann', all: ['bob', 'dan', 'nobody'] });
    t.is(await heard(), '|invited||invited|');
  });

  fact('an empty list is nobody', async (t) => {
    t.deepIs(await ask(a, 'invite', { ids: [] }),
      [null, { delivered: [], queued: [], rejected: [] }]);
    t.is(await ask(a, 'spread', { rooms: [] }), null);
    t.is(await heard(), '||||');
  });

  fact('what holds must hold for each element', async (t) => {
    t.is((await ask(a, 'invite', { ids: ['bob', 'ann'] })).code, 'forbidden');
    t.is((await ask(a, 'invite', { ids: ['bob', ''] })).message,
      '$.ids[*] must be a string of 1 to 64 characters');
    for (const ids of ['bob', null, { 0: 'bob' }, undefined]) {
      t.is((await ask(a, 'invite', { ids })).code, 'invalid');
    }
    t.is(await heard(), '||||');
  });

  fact('lists are bounded', async (t) => {
    const ids = (n) => Array.from({ length: n }, (_, i) => `u${i}`);
    t.deepIs((await ask(a, 'invite', { ids: ids(1000) }))[0], null);
    t.is((await ask(a, 'invite', { ids: ids(1001) })).code, 'too_large');
    t.is((await ask(a, 'spread', { rooms: ids(1000) })).code, 'too_large');
    t.is((await ask(a, 'spare', { ids: ids(1000) })).code, 'too_large');
    t.is(await ask(a, 'spread', { rooms: ids(999) }), null);
    t.is(await heard(), '||||');
    t.is(await ask(a, 'spare', { ids: [...ids(998), 'bob'] }), null);
    t.is(await heard(), '||spread|spread|spread');
  });

  fact('who is named twice is in $sent once', async (t) => {
    t.deepIs(await ask(a, 'whom', { ids: ['bob', 'x', 'ann', 'bob'] }),
      ['bob', 'ann']);
    t.is(await heard(), 'hey|hey|||hey');
  });

  // Each other value of the condition is looked up once, or this takes
  // minutes.

  fact('a long list is walked over in one go', async (t) => {
    const list = { ids: Array(200000).fill(7), not: 'me' };
    t.is(await ask(a, 'others', list), 'none');
    t.is((await ask(a, 'others', { ...list, not: 7 })).code, 'forbidden');
  });

  fact('a socket joins and leaves several rooms', async (t) => {
    t.is(await ask(b, 'join', { rooms: ['x', 'y', 7] }), null);
    t.is(await ask(b, 'in', { rooms: ['x', 'y', '7'] }), null);
    t.is((await ask(b, 'in', { rooms: ['x', 'z'] })).code, 'forbidden');
    t.is(await ask(c, 'join', { rooms: ['y'] }), null);
    await ask(a, 'spread', { rooms: ['x', 'y', 'z'] });
    t.is(await heard(), '|spread|spread||');
    t.is((await ask(b, 'join', { rooms: ['w', 'user:eve'] })).code,
      'forbidden');
    t.is((await ask(b, 'in', { rooms: ['w'] })).code, 'forbidden');
    t.is(await ask(b, 'leave', { rooms: ['x', 'never', 7] }), null);
    t.is((await ask(b, 'in', { rooms: ['x'] })).code, 'forbidden');
    t.is(await ask(b, 'in', { rooms: ['y'] }), null);
  });

  fact('who is online is known everywhere', async (t) => {
    for (const socket of people) {
      for (const name of names) {
        t.is(await ask(socket, 'is:online', name), null);
      }
      t.is((await ask(socket, 'is:online', 'nobody')).code, 'forbidden');
    }
    t.is(await ask(a, 'choose', 'dan'), 'yes');
    t.is(await ask(a, 'choose', 'nobody'), 'no');
    t.is(await ask(a, 'all:online', { ids: ['ann', 'bob'] }), null);
    t.is((await ask(a, 'all:online', { ids: ['ann', 'eve'] })).code,
      'forbidden');
    t.is((await ask(a, 'is:online', null)).code, 'invalid');
  });

  fact('members of a room are counted over all workers', async (t) => {
    const count = (room) => ask(a, 'count', { room });
    t.is(await count('user:ann'), 2);
    t.is(await count('user:bob'), 1);
    t.is(await count('y'), 2);
    t.is(await count('x'), 'empty');
    t.is(await count(b.id), 1);
    t.is(await count('A'.repeat(20)), 'empty');
  });

  fact('a target names rooms', async (t) => {
    const post = (target, event, data) => ngx.emit({ target, event, data });
    await ask(b, 'join', { rooms: ['group:5'] });
    const got = once(b, 'group:update');
    t.is((await post('group_members', 'group:update', { groupId: 5 })).status,
      200);
    t.deepIs(await got, { groupId: 5 });
    t.is(await heard(), '|group:update|||');
    t.is((await post('everyone', 'news', 1)).body.matched, 5);
    t.is(await heard(), 'news|news|news|news|news');
    await post('pair', 'x', { a: 'ann', b: 'bob' });
    t.is(await heard(), 'x|x|||x');
    await post('everyone', 'special', 1);
    t.is(await heard(), Array(5).fill('very:special').join('|'));
    t.is((await post('group_members', 'x', {})).status, 400);
    t.is((await post('nobody', 'x', {})).status, 404);
    t.is((await post('everyone', 'disconnect', 1)).status, 400);
    t.is(await heard(), '||||');
  });

  fact('what is throttled is dropped, and acked', async (t) => {
    t.is(await ask(a, 'often'), null);
    t.is(await ask(a, 'often'), null);
    t.is(await ask(b, 'often'), null);
    t.is(await heard(), 'often|often|often,often|often,often|often,often');
  });

  fact('each socket, event and room counts by itself', async (t) => {
    await ask(b, 'join', { rooms: ['r1', 'r2'] });
    for (const event of ['often:start', 'often:stop', 'often:start']) {
      await ask(a, event, 'r1');
      await ask(a, event, 'r2');
      await ask(c, event, 'r1');
    }
    t.is(await heard(), '|often:start,often:start,often:start,'
      + 'often:stop,often:stop,often:stop|||');
  });
}

suite(1);
suite(4);
