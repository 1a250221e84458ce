#!/usr/bin/env node
'use strict';

// The demo, as `make run` has it: two pages chat through two workers.

const { execFileSync } = require('node:child_process');
const { test } = require('./lib/tap');
const { until } = require('./lib/wait');
const { Browser, DemoNginx, worker, say, heard, taken }
  = require('./browser/demo');

const slow = { timeout: 90000 };

let ngx;
let browser;
let ada;
let grace;

test('the demo starts', async (t) => {
  ngx = await DemoNginx.start();
  browser = await Browser.start();
  t.is((await ngx.get('/')).status, 200);
}, slow);

for (const transport of ['websocket', 'polling', 'upgrade']) {
  const shown = transport === 'polling' ? 'polling' : 'WebSocket';

  test(`${transport}: two pages are in two workers`, async (t) => {
    ada = await browser.open(ngx, { name: 'Ada', transport });
    grace = await browser.openElsewhere(ngx, ada,
      { name: 'Grace', transport, colorScheme: 'dark' });
    t.ok(await worker(ada) !== await worker(grace));
    await ada.locator('.note', { hasText: 'Grace joined' }).last().waitFor();
  }, slow);

  test(`${transport}: the page says so`, async () => {
    for (const page of [ada, grace]) {
      await page.locator('#transport', { hasText: shown }).waitFor();
    }
  });

  test(`${transport}: a message reaches the other page`, async () => {
    await say(ada, 'Good morning, over there');
    await taken(ada, 'Good morning');
    await heard(grace, 'Ada', 'Good morning, over there');
    await say(grace, 'And to you');
    await heard(ada, 'Grace', 'And to you');
  });

  test(`${transport}: who types is shown, and no longer than that`,
    async () => {
      await grace.locator('#text').pressSequentially('Well');
      await ada.locator('#typing', { hasText: 'Grace is typing' }).waitFor();
      await grace.press('#text', 'Enter');
      await heard(ada, 'Grace', 'Well');
      await until(async () =>
        await ada.locator('#typing').textContent() === '');
    });

  test(`${transport}: what a backend posts reaches both`, async (t) => {
    const { status } = await ngx.emit({ event: 'message', to: 'lobby',
      data: { user: 'backend', text: `hello ${transport}` } });
    t.is(status, 200);
    await heard(ada, 'backend', `hello ${transport}`);
    await heard(grace, 'backend', `hello ${transport}`);
  });

  test(`${transport}: pictures are taken`, async (t) => {
    t.note(await browser.picture(ada, `${transport}-light`));
    t.note(await browser.picture(grace, `${transport}-dark`));
  });

  test(`${transport}: who goes is seen to go`, async () => {
    const left = ada.locator('.note', { hasText: 'Grace left' });
    const before = await left.count();
    await grace.context().close();
    await left.nth(before).waitFor();
    await ada.context().close();
  });
}

test('markup in a message is text', async (t) => {
  ada = await browser.open(ngx, { name: 'Ada', transport: 'upgrade' });
  grace = await browser.open(ngx, { name: '<i>Grace</i>',
    transport: 'upgrade', viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2 });

  await say(grace, '<img src=x onerror=alert(1)><b>bold</b>');
  await heard(ada, '<i>Grace</i>', '<b>bold</b>');
  t.is(await ada.locator('#log img, #log i, .bubble b').count(), 0);
}, slow);

test('another room hears nothing', async (t) => {
  await grace.fill('#room', "it's quiet");
  await grace.press('#room', 'Enter');
  await grace.locator('.note', { hasText: "You are in it's quiet" }).waitFor();
  await ada.locator('.note', { hasText: 'left' }).waitFor();
  await say(ada, 'for the lobby alone');
  await taken(ada, 'for the lobby alone');
  await say(grace, 'nobody here');
  await taken(grace, 'nobody here');
  t.is(await grace.locator('.bubble', { hasText: 'lobby alone' }).count(), 0);
});

test('the curl command that is shown works in a shell', async (t) => {
  await grace.click('#curl');
  const command = await grace.locator('#curl-text').textContent();
  const answer = execFileSync('sh', ['-c', command.replace(/^curl/, 'curl -s')],
    { encoding: 'utf8' });
  t.is(JSON.parse(answer).ok, true);
  await heard(grace, 'curl', 'Hello from a backend');
  t.note(await browser.picture(grace, 'phone'));
});

test('a page connects again when its worker is killed', async () => {
  await Promise.all(ngx.workers().map((pid) => ngx.kill(pid)));
  await until(() => ngx.workers().length === 2, { what: 'two workers' });
  await ada.locator('.note', { hasText: 'Disconnected' }).waitFor();
  await ada.locator('#status[data-state=connected]').waitFor();
  await ada.locator('.note', { hasText: 'You are in lobby' }).nth(1).waitFor();
  await say(ada, 'here again');
  await taken(ada, 'here again');
}, slow);

test('the pages have no error of their own', (t) => {
  const known = /WebSocket connection|Failed to load resource/;
  t.deepIs(browser.errors.filter((text) => !known.test(text)), []);
});
