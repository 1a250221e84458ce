#!/usr/bin/env node
'use strict';

// The demo, as `make run` has it: two pages chat through two workers.

const { execFileSync } = require('node:child_process');
const { test } = require('./lib/tap');
const { until } = require('./lib/wait');
const { Browser, DemoNginx, worker, say, message, note, heard, taken, toasted,
        person } = require('./browser/demo');

const slow = { timeout: 120000 };

// A page that goes between two polls is missed when its heartbeat is.

const gone = { timeout: 90000 };

let ngx;
let browser;
let ada;
let grace;

const reaction = (page, text, emoji) => message(page, text)
  .locator(`.reaction[data-emoji="${emoji}"]`);

test('the demo starts, and / leads to it', async (t) => {
  ngx = await DemoNginx.start();
  browser = await Browser.start();

  const { status, headers } = await ngx.get('/');
  t.is(status, 302);
  t.match(headers.location, /\/demo-realtime$/);

  const page = await ngx.get('/demo-realtime');
  t.is(page.status, 200);
  t.match(page.headers['content-type'], /^text\/html/);
  t.match(page.headers['content-security-policy'], /trusted-types/);
}, slow);

for (const transport of ['websocket', 'polling', 'upgrade']) {
  const shown = transport === 'polling' ? 'polling' : 'WebSocket';

  test(`${transport}: two pages are in two workers`, async (t) => {
    ada = await browser.open(ngx, { name: 'Ada', transport });
    grace = await browser.openElsewhere(ngx, ada,
      { name: 'Grace', transport, colorScheme: 'dark' });
    t.ok(await worker(ada) !== await worker(grace));
    await note(ada, 'Grace joined').last().waitFor();
  }, slow);

  test(`${transport}: the page says so`, async () => {
    for (const page of [ada, grace]) {
      await page.locator('#transport', { hasText: shown }).waitFor();
    }
  }, slow);

  test(`${transport}: each sees the other online`, async () => {
    await person(ada, 'Grace', 'online').waitFor();
    await person(grace, 'Ada', 'online').waitFor();
    await ada.locator('#people-count', { hasText: '2 online' }).waitFor();
    await grace.locator('#people-count', { hasText: '2 online' }).waitFor();
  }, slow);

  test(`${transport}: a message reaches the other page`, async (t) => {
    await say(ada, 'Good morning, over there');
    await taken(ada, 'Good morning');
    await heard(grace, 'Ada', 'Good morning, over there');
    await say(grace, 'And to you');
    await heard(ada, 'Grace', 'And to you');
    t.is(await message(ada, 'Good morning').count(), 1);
  }, slow);

  test(`${transport}: a reaction is counted on both, and taken back`,
    async () => {
      const both = [ada, grace].map((page) =>
        reaction(page, 'Good morning', '\u{1f44d}'));
      const count = (text) => Promise.all(both.map((button) => until(
        async () => await button.locator('span').last().textContent()
          === text)));

      await both[1].click();
      await count('1');
      await both[0].click();
      await count('2');
      await both[1].click();
      await count('1');
    }, slow);

  test(`${transport}: who types is shown, and no longer than that`,
    async () => {
      await grace.locator('#text').pressSequentially('Well', { delay: 500 });
      await ada.locator('#typing', { hasText: 'Grace is typing' }).waitFor();
      await grace.press('#text', 'Enter');
      await heard(ada, 'Grace', 'Well');
      await until(async () =>
        await ada.locator('#typing').textContent() === '');
    }, slow);

  test(`${transport}: what a backend posts to the room reaches both`,
    async (t) => {
      const { status } = await ngx.emit({ event: 'new-message', to: 'lobby',
        data: { user: { id: 'b', name: 'Backend' }, text: 'hello' } });
      t.is(status, 200);
      await heard(ada, 'Backend', 'hello');
      await heard(grace, 'Backend', 'hello');
    }, slow);

  test(`${transport}: a notification is a toast of its user alone`,
    async (t) => {
      const { status } = await ngx.emit({ event: 'notification:new',
        data: { userId: 'Ada', title: 'Graded', message: `by ${transport}` } });
      t.is(status, 200);
      await toasted(ada, `by ${transport}`);
      await ada.locator('#notices', { hasText: `by ${transport}` }).waitFor();
      t.is(await grace.locator('#notices', { hasText: 'Graded' }).count(), 0);
    }, slow);

  test(`${transport}: pictures are taken`, async (t) => {
    t.note(await browser.picture(ada, `${transport}-light`));
    t.note(await browser.picture(grace, `${transport}-dark`));
  }, slow);

  test(`${transport}: whose tab is closed is seen to go`, async () => {
    await grace.context().close();
    await person(ada, 'Grace', 'offline').waitFor(gone);
    await ada.locator('#people-count', { hasText: '1 online' }).waitFor();
    await note(ada, 'Grace is offline').last().waitFor();
    await ada.context().close();
  }, slow);
}

test('a second tab of a user is not a second user', async () => {
  ada = await browser.open(ngx, { name: 'Ada' });
  grace = await browser.open(ngx, { name: 'Grace' });
  const again = await browser.open(ngx, { name: 'Grace' });
  await ada.locator('#people-count', { hasText: '2 online' }).waitFor();

  await say(grace, 'from my first tab');
  await message(again, 'from my first tab').and(again.locator('.own'))
    .waitFor();
  await again.context().close();
  await grace.context().close();
  await person(ada, 'Grace', 'offline').waitFor(gone);
}, slow);

test('markup in a message is text', async (t) => {
  grace = await browser.open(ngx, { name: '<i>Grace</i>',
    viewport: { width: 360, height: 740 } });

  await say(grace, '<img src=x onerror=alert(1)><b>bold</b>');
  await heard(ada, '<i>Grace</i>', '<b>bold</b>');
  await person(ada, '<i>Grace</i>', 'online').waitFor();
  t.is(await ada.locator('#log img, #log i, .bubble b, #people i').count(), 0);
}, slow);

test('another room hears nothing', async (t) => {
  await grace.fill('#room', 'quiet-room');
  await grace.press('#room', 'Enter');
  await note(grace, 'You are in quiet-room').waitFor();
  await note(ada, 'left').waitFor();
  await say(ada, 'for the lobby alone');
  await taken(ada, 'for the lobby alone');
  await say(grace, 'nobody here');
  await taken(grace, 'nobody here');
  t.is(await message(grace, 'lobby alone').count(), 0);
}, slow);

test('a room that is not let in is said', async () => {
  await ada.evaluate(() => sessionStorage.setItem('room', '"private-1"'));
  await ada.goto(`${ngx.url}/demo-realtime?name=Ada`);
  await note(ada, 'Not in private-1').waitFor();
  await ada.click('#rooms button[value=lobby]');
  await note(ada, 'You are in lobby').waitFor();
}, slow);

test('the curl command that is shown works in a shell', async (t) => {
  await ada.selectOption('#example', 'A message in your room');
  await ada.fill('#emit-data',
    '{"user": {"id": "c", "name": "curl"}, "text": "it\'s a \\"test\\""}');
  const command = await ada.locator('#curl').textContent();
  const answer = execFileSync('sh', ['-c', command.replace(/^curl/, 'curl -s')],
    { encoding: 'utf8' });
  t.is(JSON.parse(answer).ok, true);
  await heard(ada, 'curl', 'it\'s a "test"');
}, slow);

test('the console posts, and shows the reply', async () => {
  await ada.click('#emit button[type=submit]');
  await ada.locator('#reply', { hasText: /^200 in .*"ok":true/s }).waitFor();
  await ada.fill('#emit-event', 'disconnect');
  await ada.click('#emit button[type=submit]');
  await ada.locator('#reply', { hasText: /^400 in .*"path":"event"/s })
    .waitFor();
}, slow);

test('a page of another site posts nothing', async (t) => {
  const { status } = await ngx.get('/api/emit', { method: 'POST',
    body: '{"event": "x"}', headers: { 'sec-fetch-site': 'cross-site' } });
  t.is(status, 403);
});

test('all that matters can be done with the keyboard', async (t) => {
  await grace.context().close();
  grace = await browser.open(ngx, { name: 'Grace' });

  const focus = (selector) => until(() =>
    grace.locator(`${selector}:focus`).count(), { what: `at ${selector}` });

  await grace.keyboard.press('Tab');
  await focus('.skip');
  await grace.keyboard.press('Enter');
  await focus('#text');
  await grace.keyboard.type('without a mouse');
  await grace.keyboard.press('Enter');
  await heard(ada, 'Grace', 'without a mouse');
  await say(ada, 'I can see that');
  await heard(grace, 'Ada', 'I can see that');

  // The reactions of the latest message, then those of the one before.

  const before = reaction(ada, 'without a mouse', '\u2764\ufe0f');
  await grace.locator('#log').focus();
  await grace.keyboard.press('ArrowUp');
  await grace.keyboard.press('ArrowUp');
  await grace.keyboard.press('Tab');
  await grace.keyboard.press('Tab');
  await grace.keyboard.press('Space');
  await until(async () =>
    await before.locator('span').last().textContent() === '1');

  // Another room, and back.

  await grace.locator('#rooms button').nth(1).focus();
  await grace.keyboard.press('Enter');
  await note(grace, 'You are in study').waitFor();
  t.is(await grace.locator('#rooms [aria-pressed=true]').textContent(),
    'study');
}, slow);

test('whatever can be used has a name', async (t) => {
  const nameless = await ada.evaluate(() =>
    [...document.querySelectorAll('input, select, textarea, button, a, pre')]
      .filter((element) => !element.closest('[hidden]')
        && !element.labels?.length && !element.getAttribute('aria-label')
        && !(element.matches('button, a') && element.textContent.trim()))
      .map(({ outerHTML }) => outerHTML));
  t.deepIs(nameless, []);
});

test('a phone of 360 pixels shows one view at a time, none too wide',
  async (t) => {
    const phone = await browser.open(ngx, { name: 'Emmy', isMobile: true,
      hasTouch: true, viewport: { width: 360, height: 740 } });

    for (const view of ['people', 'groups', 'document', 'backend', 'chat']) {
      await phone.locator(`#views a[href="#${view}"]`).tap();
      await phone.locator(`#${view}`).waitFor();
      t.is(await phone.locator('.view:visible').count(), 1);
      t.is(await phone.evaluate(() => document.documentElement.scrollWidth),
        360, view);
    }

    await say(phone, 'from a phone');
    await taken(phone, 'from a phone');
    t.note(await browser.picture(phone, 'phone'));
    await phone.context().close();
  }, slow);

test('a page connects again when its worker is killed', async () => {
  await Promise.all(ngx.workers().map((pid) => ngx.kill(pid)));
  await until(() => ngx.workers().length === 2, { what: 'two workers' });
  await note(ada, 'Disconnected').waitFor();
  await ada.locator('#status[data-state=connected]').waitFor();
  await note(ada, 'You are in lobby').nth(1).waitFor();
  await say(ada, 'here again');
  await taken(ada, 'here again');
}, slow);

test('the pages have no error of their own', (t) => {
  t.deepIs(browser.faults(), []);
});
