#!/usr/bin/env node
'use strict';

// groups.conf and invitations.conf, as stock clients see them: who hears of
// an event, and who does not.

const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');
const { connect } = require('./lib/clients');

const group = {
  groupId: 'g1', groupName: 'Chess', groupType: 'PUBLIC', creatorId: 'ann',
  timestamp: '1999-01-01T00:00:00.000Z',
  metadata: { category: 'games', memberCount: 1, hasPhoto: false, evil: '<b>' },
};
const announced = {
  groupId: 'g1', groupName: 'Chess', groupType: 'public', creatorId: 'ann',
  creatorName: 'Ann', timestamp: '@now',
  metadata: { category: 'games', memberCount: 1, hasPhoto: false },
};
const invitation = {
  invitationId: 'i1', groupId: 'g1', groupName: 'Chess',
  recipientIds: ['cy', 'eve', 'fay'], message: 'Come & "play"',
  inviter: { id: 'cy', name: 'Somebody else' },
};
const received = {
  invitationId: 'i1', inviter: { id: 'ann', name: 'Ann' },
  group: { id: 'g1', name: 'Chess' }, message: 'Come & "play"',
  timestamp: '@now',
};

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);
  const member = { groupId: 'g1', timestamp: '@now' };

  let cast;
  let ann;              // an admin of g1, with two tabs
  let bob;              // a member
  let cy;               // invited
  let dan;              // has nothing to do with it

  fact('users come, with what they were granted', async () => {
    cast = await Cast.start({ workers });
    await cast.grant('ann', 'group:g1', 'group-admin:g1');
    await cast.grant('bob', 'group:g1');
    await cast.grant(['cy', 'eve', 'fay'], 'group-invited:g1');
    [ann, , bob, cy, dan] =
      await cast.enter('ann', 'ann2', 'bob', 'cy', 'dan');
  });

  fact('group:created: a public group is announced to all', (t) =>
    cast.scene(t, ann, async () => {
      t.deepIs(await ann.ok('group:created', group), member);
    }, Object.fromEntries(['bob', 'cy', 'dan'].map((user) =>
      [user, [['notification:group_created', announced]]]))));

  fact('group:created: again is no second announcement', (t) =>
    cast.scene(t, ann, async () => {
      t.deepIs(await ann.ok('group:created', group), member);
    }));

  fact('group:created: a private one is told to its members', async (t) => {
    await cast.grant('ann', 'group:g2', 'group-admin:g2');
    await cast.grant('bob', 'group:g2');
    await Promise.all([ann.isIn('group-admin:g2'), bob.isIn('group:g2')]);
    await cast.scene(t, ann, () => ann.ok('group:created',
      { ...group, groupId: 'g2', groupType: 'private', metadata: undefined }),
      { bob: [['notification:group_created', { ...announced, groupId: 'g2',
        groupType: 'private', metadata: { category: null, memberCount: null,
          hasPhoto: null } }]] });
  });

  fact('group:created: refused for who did not create it', (t) =>
    cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'group:created',
        { ...group, groupId: 'g3' });
      await bob.refused('forbidden', 'group:created',
        { ...group, groupId: 'g3', creatorId: 'bob' });
      await bob.refused('forbidden', 'group:created',
        { ...group, creatorId: 'bob' });
      await bob.refused('invalid', 'group:created',
        { ...group, groupType: 'secret' });
      await bob.refused('invalid', 'group:created', { groupId: 'g1' });
    }));

  fact('group:join: members open the page, others do not', async (t) => {
    t.deepIs(await ann.ok('group:join', { groupId: 'g1' }),
      { groupId: 'g1', viewers: 1 });
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'group:join', { groupId: 'g1' });
      await dan.refused('invalid', 'group:join', {});
      await dan.refused('invalid', 'group:join', { groupId: 'a:b' });
    });
    t.is((await bob.ok('group:join', { groupId: 'g1' })).groupId, 'g1');
    await dan.isIn('group-page:g1', false);
    await bob.isIn('group-page:g1');
  });

  fact('group:live_activity: those who look at the page', (t) =>
    cast.scene(t, ann, async () => {
      const activity = { groupId: 'g1', type: 'typing', userId: 'bob' };
      await Promise.all([ann.ok('group:live_activity', activity),
                         ann.ok('group:live_activity', activity)]);
    }, { bob: [['group:live_activity', { groupId: 'g1', type: 'typing',
      targetId: null, userId: 'ann', userName: 'Ann',
      timestamp: '@now' }]] }));

  fact('group:leave: the page is closed, the membership stays', async (t) => {
    t.deepIs(await bob.ok('group:leave', { groupId: 'g1' }),
      { groupId: 'g1' });
    await bob.isIn('group:g1');
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'group:live_activity',
        { groupId: 'g1', type: 'typing' });
      await bob.refused('invalid', 'group:leave', { groupId: 7 });
    });
  });

  fact('group:activity: all members', (t) =>
    cast.scene(t, ann, () => ann.ok('group:activity',
      { groupId: 'g1', type: 'photo', message: 'A photo' }),
      { bob: [['group:activity', { groupId: 'g1', type: 'photo',
        targetId: null, message: 'A photo', userId: 'ann', userName: 'Ann',
        timestamp: '@now' }]] }));

  fact('group:activity: not of who is no member', (t) =>
    cast.scene(t, dan, async () => {
      for (const event of ['group:activity', 'group:live_activity']) {
        await dan.refused('forbidden', event, { groupId: 'g1', type: 'x' });
        await dan.refused('invalid', event, { groupId: 'g1' });
        await dan.refused('invalid', event, { groupId: 'g1', type: '<b>' });
      }
    }));

  fact('group:member_joined: told by a member, once', async (t) => {
    const joined = { groupId: 'g1', userId: 'bob', userName: 'Bob',
                     timestamp: '@now' };

    await cast.scene(t, bob, async () => {
      await bob.ok('group:member_joined', { groupId: 'g1', userId: 'dan' });
      await bob.ok('group:member_joined', { groupId: 'g1', userId: 'dan' });
    }, { ann: [['group:member_joined', joined]],
         ann2: [['group:member_joined', joined]] });
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'group:member_joined',
        { groupId: 'g1' });
      await dan.refused('invalid', 'group:member_joined', 'g1');
    });
  });

  fact('group:member_left: told by the member', async (t) => {
    const left = { groupId: 'g1', userId: 'bob', userName: 'Bob',
                   timestamp: '@now' };

    await cast.scene(t, bob, () =>
      bob.ok('group:member_left', { groupId: 'g1' }),
      { ann: [['group:member_left', left]],
        ann2: [['group:member_left', left]] });
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'group:member_left', { groupId: 'g1' });
      await dan.refused('invalid', 'group:member_left', null);
    });
  });

  fact('group:member_update: by an admin', async (t) => {
    const update = { groupId: 'g1', userId: 'bob', role: 'moderator',
                     status: null, memberCount: 2 };

    await cast.scene(t, ann, () => ann.ok('group:member_update', update),
      { bob: [['group:member_update',
        { ...update, updatedBy: 'ann', timestamp: '@now' }]] });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'group:member_update', update);
      await bob.refused('invalid', 'group:member_update',
        { ...update, role: 'god' });
      await bob.refused('invalid', 'group:member_update',
        { ...update, memberCount: -1 });
    });
  });

  fact('group:update: by an admin', async (t) => {
    const update = { groupId: 'g1', groupName: 'Chess club' };

    await cast.scene(t, ann, () => ann.ok('group:update', update),
      { bob: [['group:update', { groupId: 'g1', groupName: 'Chess club',
        description: null, category: null, groupType: null, updatedBy: 'ann',
        timestamp: '@now' }]] });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'group:update', update);
      await bob.refused('invalid', 'group:update',
        { ...update, groupName: '' });
    });
  });

  for (const name of ['member_joined', 'member_left', 'member_update',
                      'activity', 'update']) {
    fact(`group:${name}: posted by the backend`, async (t) => {
      const data = { groupId: 'g1', userId: 'bob', any: ['thing'] };
      const heard = [[`group:${name}`, data]];

      await cast.scene(t, cast.backend, () => cast.post(
        { target: 'group_members', event: `group:${name}`, data }),
        { ann: heard, ann2: heard });
    });
  }

  fact('invitation:sent: to who is here, and to who is not', async (t) => {
    const told = [['group:invitations_sent', { groupId: 'g1',
      invitationId: 'i1', inviterId: 'ann',
      recipientIds: ['cy', 'eve', 'fay'], timestamp: '@now' }]];

    await cast.grant('dan', 'group-admin:g1', 'group:g1');
    await dan.isIn('group-admin:g1');
    await cast.scene(t, ann, async () => {
      t.deepIs(await ann.ok('invitation:sent', invitation),
        { invitationId: 'i1', delivered: ['cy'], queued: ['eve', 'fay'],
          rejected: [] });
    }, { cy: [['invitation:received', received]], dan: told });
    await cast.revoke('dan', 'group-admin:g1', 'group:g1');
    await dan.isIn('group-admin:g1', false);
  });

  fact('invitation:sent: a retry invites nobody twice', (t) =>
    cast.scene(t, ann, async () => {
      t.deepIs((await ann.ok('invitation:sent', invitation)).queued,
        ['eve', 'fay']);
    }));

  fact('invitation:sent: refused for who is no member', (t) =>
    cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'invitation:sent',
        { ...invitation, invitationId: 'i2' });
      await dan.refused('invalid', 'invitation:sent',
        { ...invitation, recipientIds: [] });
      await dan.refused('invalid', 'invitation:sent',
        { ...invitation, recipientIds: Array(51).fill('cy') });
      await dan.refused('invalid', 'invitation:sent',
        { ...invitation, recipientIds: ['cy', { id: 'eve' }] });
    }));

  fact('invitation:received: when the user comes, once', async (t) => {
    const [eve] = await cast.enter('eve');

    t.deepIs(await cast.greeting(eve), [['invitation:received', received]]);
  });

  fact('invitation:cancelled: not by somebody else', async (t) => {
    await cast.scene(t, bob, () => bob.ok('invitation:cancelled',
      { invitationId: 'i1', groupId: 'g1', recipientIds: ['nobody'] }));
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'invitation:cancelled',
        { invitationId: 'i1', groupId: 'g1', recipientIds: ['cy'] });
      await dan.refused('invalid', 'invitation:cancelled',
        { invitationId: 'i1', groupId: 'g1' });
    });

    const [fay] = await cast.enter('fay');

    t.deepIs(await cast.greeting(fay), [['invitation:received', received]],
      'it was still there');
    cast.leave(fay);
  });

  fact('invitation:cancelled: who has it is told, others never hear of it',
    async (t) => {
    await cast.scene(t, ann, () => ann.ok('invitation:sent',
      { ...invitation, invitationId: 'i3', recipientIds: ['cy', 'gil'] }),
      { cy: [['invitation:received', { ...received, invitationId: 'i3' }]] });
    await cast.scene(t, ann, () => ann.ok('invitation:cancelled',
      { invitationId: 'i3', groupId: 'g1', recipientIds: ['cy', 'gil'] }),
      { cy: [['invitation:cancelled', { invitationId: 'i3', groupId: 'g1',
        inviterId: 'ann', timestamp: '@now' }]] });

    const [gil] = await cast.enter('gil');

    t.deepIs(await cast.greeting(gil), []);
    cast.leave(gil);
  });

  fact('invitation:respond: declined', async (t) => {
    const answer = { invitationId: 'i1', groupId: 'g1', inviterId: 'ann',
                     response: 'decline' };
    const heard = [['invitation:responded', { invitationId: 'i1',
      groupId: 'g1', userId: 'cy', userName: 'Cy', response: 'declined',
      timestamp: '@now' }]];

    await cast.scene(t, cy, async () => {
      await cy.ok('invitation:respond', answer);
      await cy.ok('invitation:respond', answer);
    }, { ann: heard, ann2: heard });
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'invitation:respond', answer);
      await dan.refused('invalid', 'invitation:respond',
        { ...answer, response: 'maybe' });
      await dan.refused('invalid', 'invitation:respond',
        { ...answer, inviterId: ['ann'] });
    });
  });

  fact('invitation:respond: accepted, by who is a member now', async (t) => {
    const answer = { invitationId: 'i3', groupId: 'g1', inviterId: 'ann',
                     response: 'accepted' };
    const joined = ['group:member_joined', { groupId: 'g1', userId: 'cy',
      userName: 'Cy', timestamp: '@now' }];
    const heard = [['invitation:responded', { invitationId: 'i3',
      groupId: 'g1', userId: 'cy', userName: 'Cy', response: 'accepted',
      timestamp: '@now' }], joined];

    await cast.scene(t, cy, () =>
      cy.refused('forbidden', 'invitation:respond', answer));
    await cast.grant('cy', 'group:g1');
    await cy.isIn('group:g1');
    await cast.scene(t, cy, () => cy.ok('invitation:respond', answer),
      { ann: heard, ann2: heard, bob: [joined] });
  });

  fact('invitation:responded: kept for an inviter who is away', async (t) => {
    await cast.grant('hal', 'group-invited:g1');

    const [hal] = await cast.enter('hal');
    await cast.scene(t, hal, () => hal.ok('invitation:respond',
      { invitationId: 'i9', groupId: 'g1', inviterId: 'ivy',
        response: 'declined' }));

    const [ivy] = await cast.enter('ivy');
    t.deepIs(await cast.greeting(ivy), [['invitation:responded',
      { invitationId: 'i9', groupId: 'g1', userId: 'hal', userName: 'Hal',
        response: 'declined', timestamp: '@now' }]]);
    cast.leave(hal, ivy);
  });

  fact('invitations of the backend', async (t) => {
    const told = [['group:invitations_sent', { groupId: 'g1',
      invitationId: 'b1', inviterId: 'bob', recipientIds: ['dan', 'joe'],
      timestamp: '@now' }]];
    const common = { invitationId: 'b1', groupId: 'g1', inviterId: 'bob' };

    await cast.scene(t, cast.backend, async () => {
      t.is((await cast.post({ event: 'invitation:sent', data: { ...common,
        inviterName: 'Bob', groupName: 'Chess',
        recipientIds: ['dan', 'joe'] } })).queued, 1);
    }, { ann: told, ann2: told, dan: [['invitation:received',
      { invitationId: 'b1', inviter: { id: 'bob', name: 'Bob' },
        group: { id: 'g1', name: 'Chess' }, message: null,
        timestamp: '@now' }]] });

    await cast.scene(t, cast.backend, () => cast.post(
      { event: 'invitation:cancelled',
        data: { ...common, recipientIds: ['dan', 'joe'] } }),
      { dan: [['invitation:cancelled', { ...common, timestamp: '@now' }]] });

    const [joe] = await cast.enter('joe');
    t.deepIs(await cast.greeting(joe), []);
    cast.leave(joe);

    const joined = ['group:member_joined', { groupId: 'g1', userId: 'dan',
      userName: 'Dan', timestamp: '@now' }];
    await cast.scene(t, cast.backend, () => cast.post(
      { event: 'invitation:responded', data: { ...common, userId: 'dan',
        userName: 'Dan', response: 'accepted' } }),
      { bob: [['invitation:responded', { invitationId: 'b1', groupId: 'g1',
        userId: 'dan', userName: 'Dan', response: 'accepted',
        timestamp: '@now' }], joined],
        ann: [joined], ann2: [joined], cy: [joined] });
  });
}
