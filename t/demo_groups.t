#!/usr/bin/env node
'use strict';

// The demo's groups, invitations to who is away, posts and announcements.

const { test } = require('./lib/tap');
const { until } = require('./lib/wait');
const { Browser, DemoNginx, person, toasted } = require('./browser/demo');

const slow = { timeout: 120000 };

// A page that goes between two polls is missed when its heartbeat is.

const gone = { timeout: 90000 };

let ngx;
let browser;
let ada;

const listed = (page, list, text) =>
  page.locator(`#${list}-list > li`, { hasText: text });

async function found(page, name, type) {
  await page.fill('#group-name', name);
  await page.selectOption('#group-type', type);
  await page.press('#group-name', 'Enter');
  await listed(page, 'groups', name).waitFor();
}

async function invite(page, user, message = '') {
  await page.fill('#invite-user', user);
  await page.fill('#invite-message', message);
  await page.press('#invite-message', 'Enter');
  await listed(page, 'sent', user).waitFor();
}

const state = (page, user, name) => listed(page, 'sent', user)
  .locator(`[data-state=${name}]`).waitFor();

test('the demo starts', async () => {
  ngx = await DemoNginx.start();
  browser = await Browser.start();
}, slow);

for (const transport of ['websocket', 'polling']) {
  const open = (name, options) =>
    browser.open(ngx, { name, transport, ...options });
  const group = `Algebra by ${transport}`;
  const club = `Chess by ${transport}`;
  const emmyName = `Emmy-${transport}`;
  let emmy;

  test(`${transport}: who is online has an invitation at once`, async () => {
    ada = await open('Ada');
    const grace = await open('Grace');

    await found(ada, group, 'private');
    await invite(ada, 'Grace', 'We meet on Tuesdays.');
    await state(ada, 'Grace', 'delivered');
    await toasted(grace, `Ada invites you to ${group}`);
    await listed(grace, 'received', 'We meet on Tuesdays.')
      .locator('button', { hasText: 'Decline' }).click();
    await state(ada, 'Grace', 'declined');
    await toasted(ada, 'Grace has declined');
    await grace.context().close();
    await person(ada, 'Grace', 'offline').waitFor(gone);
  }, slow);

  test(`${transport}: who is away finds it later`, async (t) => {
    await invite(ada, emmyName, 'Please <b>come</b>');
    await state(ada, emmyName, 'queued');
    emmy = await open(emmyName);
    await toasted(emmy, `Ada invites you to ${group}`);
    await listed(emmy, 'received', 'Please <b>come</b>').waitFor();
    t.is(await emmy.locator('#received-list .quote b').count(), 0);
  }, slow);

  test(`${transport}: accepted, it makes a member`, async () => {
    await listed(emmy, 'received', group)
      .locator('button', { hasText: 'Accept' }).click();
    await listed(emmy, 'groups', group).waitFor();
    await state(ada, emmyName, 'accepted');
    await listed(ada, 'groups', `${emmyName} joined`).waitFor();
  }, slow);

  test(`${transport}: what is cancelled is never seen`, async (t) => {
    const name = `Sofia-${transport}`;

    await invite(ada, name, 'the first');
    await state(ada, name, 'queued');
    await listed(ada, 'sent', name)
      .locator('button', { hasText: 'Cancel' }).click();
    await until(async () => await listed(ada, 'sent', name).count() === 0);
    await invite(ada, name, 'the second');

    const sofia = await open(name);
    await listed(sofia, 'received', 'the second').waitFor();
    t.is(await listed(sofia, 'received', '').count(), 1);

    // Also when it has been seen.

    await listed(ada, 'sent', name)
      .locator('button', { hasText: 'Cancel' }).click();
    await until(async () => await listed(sofia, 'received', '').count() === 0);
    await sofia.context().close();
  }, slow);

  test(`${transport}: what is posted in a group reaches its members`,
    async (t) => {
      const id = await ada.locator('#invite-group').inputValue();
      const { status } = await ngx.emit({ target: 'group_members',
        event: 'group:new_post', data: { groupId: id, postId: 'p1',
          authorId: 'Ada', authorName: 'Ada', postContent: 'The slides.' } });
      t.is(status, 200);
      await toasted(emmy, 'Ada posted: The slides.');
      await listed(emmy, 'groups', 'Ada: The slides.').waitFor();
      t.is(await ada.locator('#notices', { hasText: 'slides' }).count(), 0);
    }, slow);

  test(`${transport}: a group is left`, async () => {
    await listed(emmy, 'groups', group)
      .locator('button', { hasText: 'Leave' }).click();
    await until(async () => await listed(emmy, 'groups', group).count() === 0);
    await listed(ada, 'groups', `${emmyName} left`).waitFor();
  }, slow);

  test(`${transport}: a public group is told to all, who may join`,
    async () => {
      await found(ada, club, 'public');
      await toasted(emmy, `Ada has made ${club}`);
      await listed(emmy, 'offers', club)
        .locator('button', { hasText: 'Join' }).click();
      await listed(emmy, 'groups', club).waitFor();
      await listed(ada, 'groups', club)
        .locator('.activity', { hasText: `${emmyName} joined` }).waitFor();
    }, slow);

  test(`${transport}: a page that is loaded again is in its groups`,
    async (t) => {
      await emmy.reload();
      await emmy.locator('#status[data-state=connected]').waitFor();
      await listed(emmy, 'groups', club).waitFor();

      const id = await ada.locator('#invite-group option', { hasText: club })
        .getAttribute('value');

      await until(async () => {
        await ngx.emit({ target: 'group_members', event: 'group:new_post',
          data: { groupId: id, postId: 'p2', authorId: 'Ada',
            authorName: 'Ada', postContent: 'Next round.' } });
        return await listed(emmy, 'groups', 'Next round.').count();
      }, { every: 500 });
      t.is(await listed(emmy, 'groups', '').count(), 1);
    }, slow);

  test(`${transport}: announcements are for admins`, async (t) => {
    await emmy.fill('#announcement', 'I announce');
    await emmy.press('#announcement', 'Enter');
    await emmy.locator('#announce-status', { hasText: /Refused/ }).waitFor();

    const admin = await open('admin');
    await admin.fill('#announcement', 'Maintenance in 5 minutes');
    await admin.press('#announcement', 'Enter');
    await admin.locator('#announce-status', { hasText: 'Announced' })
      .waitFor();

    for (const page of [admin, ada, emmy]) {
      await page.locator('#alerts .toast',
        { hasText: 'Maintenance in 5 minutes' }).waitFor();
      t.is(await page.locator('.toast', { hasText: 'I announce' }).count(), 0);
    }

    for (const page of [admin, ada, emmy]) {
      await page.context().close();
    }
  }, slow);
}

test('the pages have no error of their own', (t) => {
  t.deepIs(browser.faults(), []);
});
