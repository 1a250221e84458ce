#!/usr/bin/env node
'use strict';

// chat.conf, documents.conf and calls.conf, as stock clients see them.

const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  const person = (id) => ({ id, name: id[0].toUpperCase() + id.slice(1) });

  let cast;
  let ann;              // in the chat with two tabs, one in the room
  let ann2;
  let bob;
  let cy;               // somewhere else

  fact('users come', async () => {
    cast = await Cast.start({ workers });
    await cast.grant('ann', 'chat:private-1', 'document:d1',
      'document-author:d1', 'call:c1');
    await cast.grant('bob', 'document:d1', 'call:c1');
    [ann, ann2, bob, cy] = await cast.enter('ann', 'ann2', 'bob', 'cy');
  });

  fact('join-room, user-joined', async (t) => {
    t.deepIs(await ann.ok('join-room', 'tea'), { roomId: 'tea', members: 1 });
    await cast.scene(t, bob, async () => {
      t.is((await bob.ok('join-room', 'tea')).roomId, 'tea');
    }, { ann: [['user-joined', { roomId: 'tea', user: person('bob'),
      timestamp: '@now' }]] });
    await cast.scene(t, cy, async () => {
      for (const name of ['', 'group:1', 'user:ann', 'role:admin', 'a b',
                          'x'.repeat(65), 7, null, { id: 'tea' }, ['tea'],
                          'a\n', 'a\u0000b']) {
        await cy.refused('invalid', 'join-room', name);
      }
      await cy.refused('forbidden', 'join-room', ann.id);
    });
  });

  fact('join-room: a private room is for who was let in', async (t) => {
    await cast.scene(t, bob, () =>
      bob.refused('forbidden', 'join-room', 'private-1'));
    t.is((await ann.ok('join-room', 'private-1')).members, 1);
  });

  fact('send-message, new-message: the sender too, with id and time',
    async (t) => {
    const heard = [['new-message', { id: '@uuid', roomId: 'tea',
      text: 'Hello', replyTo: null, clientId: null, user: person('bob'),
      timestamp: '@now' }]];

    await cast.scene(t, bob, async () => {
      t.deepIs(await bob.ok('send-message', { roomId: 'tea', text: 'Hello',
        user: 'ann', timestamp: 'yesterday' }),
        { id: '@uuid', timestamp: '@now' });
    }, { ann: heard, bob: heard });

    let id;
    ann.socket.once('new-message', (message) => { id = message.id; });
    const [, answer] = await bob.ask('send-message',
      { roomId: 'tea', text: 'Which id?' });
    await cast.fence(bob);
    t.is(answer.id, id);
  });

  fact('send-message: what is sent again is not said again', async (t) => {
    const message = { roomId: 'tea', text: 'Once', clientId: 'm-1' };
    const heard = [['new-message', { id: '@uuid', ...message, replyTo: null,
      user: person('bob'), timestamp: '@now' }]];

    await cast.scene(t, bob, async () => {
      const [, first] = await bob.ask('send-message', message);
      const [, second] = await bob.ask('send-message', message);
      t.deepIs(second, first);
    }, { ann: heard, bob: heard });
  });

  fact('send-message: refused', (t) => cast.scene(t, cy, async () => {
    await cy.refused('forbidden', 'send-message',
      { roomId: 'tea', text: 'Hello' });
    await cy.refused('forbidden', 'send-message',
      { roomId: 'private-1', text: 'Hello' });
    await cy.refused('invalid', 'send-message', { roomId: 'tea', text: '' });
    await cy.refused('invalid', 'send-message',
      { roomId: 'tea', text: 'x'.repeat(4001) });
    await cy.refused('invalid', 'send-message',
      { roomId: 'user:ann', text: 'x' });
  }));

  fact('typing: once a second, and its end', (t) =>
    cast.scene(t, ann, async () => {
      await Promise.all([ann.ok('typing', { roomId: 'tea' }),
        ann.ok('typing', { roomId: 'tea', isTyping: true }),
        ann.ok('typing', { roomId: 'tea', isTyping: false })]);
    }, { bob: [true, false].map((isTyping) => ['typing',
      { roomId: 'tea', isTyping, user: person('ann') }]) }));

  fact('typing: refused', (t) => cast.scene(t, cy, async () => {
    await cy.refused('forbidden', 'typing', { roomId: 'tea' });
    await cy.refused('invalid', 'typing', { roomId: 'tea', isTyping: 'no' });
  }));

  fact('reaction', async (t) => {
    const reaction = { roomId: 'tea', messageId: 'm1', emoji: '\u{1f44d}' };

    await cast.scene(t, ann, () => ann.ok('reaction', reaction),
      { bob: [['reaction', { ...reaction, action: null, user: person('ann'),
        timestamp: '@now' }]] });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'reaction', reaction);
      await cy.refused('invalid', 'reaction',
        { ...reaction, emoji: 'x'.repeat(17) });
    });
  });

  fact('location: once a second', async (t) => {
    const place = { roomId: 'tea', location: { lat: 35.6762, lng: 139.6503 } };

    await cast.scene(t, bob, () => Promise.all([bob.ok('location', place),
      bob.ok('location', { ...place, location: { lat: 0, lng: 0 } })]),
      { ann: [['location', { ...place, user: person('bob'),
        timestamp: '@now' }]] });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'location', place);
      await cy.refused('invalid', 'location',
        { ...place, location: { lat: 91, lng: 0 } });
      await cy.refused('invalid', 'location',
        { ...place, location: { lat: '1', lng: 0 } });
    });
  });

  fact('message:new: to all tabs of a user, and the sender\'s others',
    async (t) => {
    const heard = { id: '@uuid', to: 'bob', from: 'ann', fromName: 'Ann',
                    text: 'Psst', timestamp: '@now' };

    await cast.scene(t, ann, async () => {
      t.deepIs(await ann.ok('message:new',
        { to: 'bob', text: 'Psst', from: 'cy', clientId: 'd1' }),
        { id: '@uuid', timestamp: '@now', delivered: ['bob'], queued: [] });
    }, { bob: [['message:new', heard]],
         ann2: [['message:new', { ...heard, clientId: 'd1' }]] });
    await cast.scene(t, cy, async () => {
      await cy.refused('invalid', 'message:new', { text: 'x' });
      await cy.refused('invalid', 'message:new', { to: ['bob'], text: 'x' });
      await cy.refused('invalid', 'message:new', { to: 'bob', text: {} });
    });
  });

  fact('message:new: kept for who is away', async (t) => {
    await cast.scene(t, ann, async () => {
      t.deepIs((await ann.ok('message:new', { to: 'eve', text: 'One' }))
        .queued, ['eve']);
    }, { ann2: [['message:new', { id: '@uuid', to: 'eve', from: 'ann',
      fromName: 'Ann', text: 'One', clientId: null, timestamp: '@now' }]] });
    await cast.scene(t, bob, () =>
      bob.ok('message:new', { to: 'eve', text: 'Two' }));

    const [eve] = await cast.enter('eve');
    const heard = await cast.greeting(eve);
    t.deepIs(heard.map(([event, { text }]) => [event, text]),
      [['message:new', 'One'], ['message:new', 'Two']]);
    cast.leave(eve);
  });

  fact('leave-room, user-left', async (t) => {
    await cast.scene(t, bob, () => bob.ok('leave-room', 'tea'),
      { ann: [['user-left', { roomId: 'tea', user: person('bob'),
        timestamp: '@now' }]] });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'leave-room', 'tea');
      await bob.refused('invalid', 'leave-room', 'user:bob');
      await bob.refused('forbidden', 'send-message',
        { roomId: 'tea', text: 'x' });
    });
  });

  fact('document:edit: authors write, readers read', async (t) => {
    const edit = { documentId: 'd1', change: [{ insert: 'x' }], version: 3 };
    const heard = [['document:edit', { ...edit, userId: 'ann',
      userName: 'Ann', timestamp: '@now' }]];

    for (const tab of [ann, ann2, bob]) {
      t.is((await tab.ok('document:join', { documentId: 'd1' })).documentId,
        'd1');
    }
    await cast.scene(t, ann, async () => {
      t.is((await ann.ok('document:edit', edit)).version, 3);
    }, { ann2: heard, bob: heard });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'document:edit', edit);
      await bob.refused('invalid', 'document:edit', { documentId: 'd1' });
      await bob.refused('invalid', 'document:edit',
        { ...edit, version: -1 });
    });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'document:join', { documentId: 'd1' });
      await cy.refused('forbidden', 'document:edit', edit);
      await cy.refused('invalid', 'document:join', {});
    });
  });

  fact('document:edit: binary', (t) => cast.scene(t, ann, () =>
    ann.ok('document:edit', { documentId: 'd1',
      change: Buffer.from([1, 2, 255]) }),
    Object.fromEntries(['ann2', 'bob'].map((label) => [label,
      [['document:edit', { documentId: 'd1', change: Buffer.from([1, 2, 255]),
        version: null, userId: 'ann', userName: 'Ann',
        timestamp: '@now' }]]]))));

  fact('document:leave', async (t) => {
    await bob.ok('document:leave', { documentId: 'd1' });
    await ann2.ok('document:leave', { documentId: 'd1' });
    await cast.scene(t, ann, () =>
      ann.ok('document:edit', { documentId: 'd1', change: 1 }));
    await cast.scene(t, bob, () =>
      bob.refused('invalid', 'document:leave', 'd1'));
  });

  fact('call:update: those in the call, in all tabs', async (t) => {
    const ring = { callId: 'c1', type: 'video', status: 'initiated' };
    const heard = [['call:update', { ...ring, userId: 'ann',
      userName: 'Ann', timestamp: '@now' }]];

    await cast.scene(t, ann, () => ann.ok('call:update', ring),
      { ann2: heard, bob: heard });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'call:update', ring);
      await cy.refused('invalid', 'call:update', { ...ring, status: 'x' });
      await cy.refused('invalid', 'call:update', { ...ring, callId: 'c:1' });
    });
  });

  fact('call:offer: to who takes part, not before', async (t) => {
    const offer = { callId: 'c1', to: 'bob', from: 'cy',
                    offer: { type: 'x', sdp: 'v=0' } };
    const accept = { callId: 'c1', status: 'accepted' };
    const heard = [['call:update', { ...accept, type: null, userId: 'bob',
      userName: 'Bob', timestamp: '@now' }]];

    await cast.scene(t, ann, () =>
      ann.refused('forbidden', 'call:offer', offer));
    await cast.scene(t, bob, () => bob.ok('call:update', accept),
      { ann: heard, ann2: heard });
    await bob.isIn('call-peer:c1:bob');
    await cast.scene(t, ann, () => ann.ok('call:offer', offer),
      { bob: [['call:offer', { callId: 'c1', from: 'ann',
        offer: { type: 'offer', sdp: 'v=0' } }]] });
    await cast.scene(t, ann2, () =>
      ann2.refused('forbidden', 'call:offer', offer));
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'call:offer', offer);
      await cy.refused('invalid', 'call:offer', { ...offer, offer: 'v=0' });
    });
  });

  fact('call:answer: to the tab of the caller alone', async (t) => {
    const answer = { callId: 'c1', to: 'ann', answer: { sdp: 'v=1' } };

    await cast.scene(t, bob, () => bob.ok('call:answer', answer),
      { ann: [['call:answer', { callId: 'c1', from: 'bob',
        answer: { type: 'answer', sdp: 'v=1' } }]] });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'call:answer', answer);
      await cy.refused('invalid', 'call:answer', { ...answer, to: {} });
    });
  });

  fact('call:ice', async (t) => {
    const ice = { callId: 'c1', to: 'bob', candidate: { candidate: 'a=1',
      sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null } };

    await cast.scene(t, ann, () => ann.ok('call:ice', ice),
      { bob: [['call:ice', { callId: 'c1', from: 'ann',
        candidate: ice.candidate }]] });
    await cast.scene(t, cy, async () => {
      await cy.refused('forbidden', 'call:ice', ice);
      await cy.refused('invalid', 'call:ice', { ...ice, candidate: null });
    });
  });

  fact('a call ends', async (t) => {
    const end = { callId: 'c1', status: 'ended' };
    const heard = [['call:update', { ...end, type: null, userId: 'bob',
      userName: 'Bob', timestamp: '@now' }]];

    await cast.scene(t, bob, () => bob.ok('call:update', end),
      { ann: heard, ann2: heard });
    await cast.scene(t, bob, () => bob.refused('forbidden', 'call:answer',
      { callId: 'c1', to: 'ann', answer: { sdp: 'v=1' } }));
  });

  fact('the life of a call is the ttl of its room', async (t) => {
    const mute = { callId: 'c2', status: 'muted' };

    await cast.call('join', { user: ['ann', 'bob'], rooms: ['call:c2'],
                              ttl: '3s' });
    await ann.isIn('call:c2');
    await ann.isIn('call:c2', false);
    await cast.scene(t, ann, () =>
      ann.refused('forbidden', 'call:update', mute));
  });
}
