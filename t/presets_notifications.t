#!/usr/bin/env node
'use strict';

// notifications.conf, as stock clients see it.

const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);

  let cast;
  let ann;              // an administrator, with two tabs
  let bob;

  fact('users come', async () => {
    cast = await Cast.start({ workers });
    await cast.grant('ann', 'role:admin');
    [ann, , bob] = await cast.enter('ann', 'ann2', 'bob');
  });

  fact('notification:new: by an administrator, to all tabs', async (t) => {
    const notice = { userId: 'ann', type: 'WARNING', title: 'T',
                     message: 'M', link: '/x' };
    const heard = [['notification:new', { id: '@uuid', type: 'WARNING',
      title: 'T', message: 'M', link: '/x', timestamp: '@now' }]];

    await cast.scene(t, ann, async () => {
      t.deepIs(await ann.ok('notification:new', notice),
        { delivered: ['ann'], queued: [], rejected: [] });
    }, { ann: heard, ann2: heard });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'notification:new', notice);
      await bob.refused('invalid', 'notification:new', { userId: 'ann' });
    });
    await cast.scene(t, ann, async () => {
      await ann.refused('invalid', 'notification:new',
        { ...notice, link: 'javascript:alert(1)' });
      await ann.refused('invalid', 'notification:new',
        { ...notice, link: '//evil.example' });
    });
  });

  fact('notification:new: posted, also to who is away', async (t) => {
    const data = { userIds: ['bob', 'eve'], title: 'Hello', any: [1] };

    await cast.scene(t, cast.backend, async () => {
      t.is((await cast.post({ event: 'notification:new', data })).queued, 1);
    }, { bob: [['notification:new', data]] });

    const [eve] = await cast.enter('eve');
    t.deepIs(await cast.greeting(eve), [['notification:new', data]]);
    cast.leave(eve);

    await cast.scene(t, cast.backend, () => cast.post({
      event: 'notification:new', data: { userId: 'bob', n: 1 } }),
      { bob: [['notification:new', { userId: 'bob', n: 1 }]] });
  });

  fact('system-announcement: by an administrator, to all', async (t) => {
    const heard = [['system-announcement', { id: '@uuid', title: null,
      message: 'Down in 5 minutes', severity: 'warning',
      timestamp: '@now' }]];

    await cast.scene(t, ann, () => ann.ok('system-announcement',
      { message: 'Down in 5 minutes', severity: 'warning' }),
      Object.fromEntries(cast.tabs.map(({ label }) => [label, heard])));
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'system-announcement',
        { message: 'Free money' });
      await bob.refused('invalid', 'system-announcement', { message: '' });
    });
  });

  fact('system-announcement: posted', async (t) => {
    const data = { message: 'Back again' };

    await cast.scene(t, cast.backend, () =>
      cast.post({ event: 'system-announcement', data }),
      Object.fromEntries(cast.tabs.map(({ label }) =>
        [label, [['system-announcement', data]]])));
  });
}
