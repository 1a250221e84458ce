#!/usr/bin/env node
'use strict';

// presence.conf, as stock clients see it.

const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);

  let cast;
  let ann;
  let ann2;
  let bob;

  fact('users come', async () => {
    cast = await Cast.start({ workers });
    [ann, ann2, bob] = await cast.enter('ann', 'ann2', 'bob');
  });

  fact('user:presence: who comes, with how many are here', async (t) => {
    const [cy] = await cast.enter('cy');

    for (const tab of [ann, ann2, bob]) {
      const { timestamp, ...event } =
        await tab.sees({ userId: 'cy', status: 'online' });
      t.deepIs(event, { userId: 'cy', status: 'online', online: 3 });
      t.match(timestamp, /^\d{4}-.*Z$/);
    }
    t.deepIs((await ann.ok('presence:count')).online, 3);
    t.deepIs(await ann.ok('presence:query', { userId: 'cy' }),
      { userId: 'cy', status: 'online' });
    await ann.refused('invalid', 'presence:query', { userId: null });
    t.is(cy.seen.filter(({ userId }) => userId === 'cy').length, 0);
  });

  fact('user:presence: a second tab is no second user', async (t) => {
    const cy = cast.tabs.find(({ user }) => user === 'cy');
    const [cy2] = await cast.enter('cy2');

    cast.leave(cy);
    await cast.enter('dan');
    await ann.sees({ userId: 'dan', status: 'online', online: 4 });
    t.is(ann.seen.filter(({ userId }) => userId === 'cy').length, 1);
    t.is(cy2.gone, undefined);
  });

  fact('user:presence: who goes, after a while', async (t) => {
    cast.leave(cast.tabs.find(({ label }) => label === 'cy2'));

    const seen = await bob.sees({ userId: 'cy', status: 'offline' });
    t.is(seen.online, 3);
    t.is(Math.abs(Date.parse(seen.lastSeen) - Date.now()) < 60000, true);
    t.deepIs(await ann.ok('presence:query', { userId: 'cy' }),
      { userId: 'cy', status: 'offline' });
  });

  fact('user:presence: a status of one\'s own', async (t) => {
    bob.seen = [];
    t.deepIs(await ann.ok('user:presence', { status: 'away', userId: 'dan' }),
      { status: 'away', online: 3 });
    await cast.fence(ann);
    t.deepIs(bob.seen.map(({ timestamp, ...event }) => event),
      [{ userId: 'ann', status: 'away', online: 3 }]);
    t.is(ann2.seen.some(({ status }) => status === 'away'), false);
    await ann.refused('invalid', 'user:presence', { status: 'offline' });
    await ann.refused('invalid', 'user:presence', { status: ['away'] });
  });
}
