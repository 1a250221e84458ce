#!/usr/bin/env node
'use strict';

// The demo's document, which two edit at once.

const { test } = require('./lib/tap');
const { until } = require('./lib/wait');
const { Browser, DemoNginx } = require('./browser/demo');

const slow = { timeout: 120000 };

let ngx;
let browser;
let ada;
let grace;

const text = (page) => page.locator('#editor').inputValue();

// All have the same text and the same version; what it is.

async function converged(...pages) {
  let texts;

  await until(async () => {
    texts = await Promise.all(pages.map(text));
    const versions = await Promise.all(pages.map((page) =>
      page.locator('#version').textContent()));
    return new Set(texts).size === 1 && new Set(versions).size === 1;
  }, { timeout: 30000, what: 'the documents are the same' });

  return texts[0];
}

async function type(page, key, words) {
  await page.locator('#editor').focus();
  await page.keyboard.press(key);
  await page.keyboard.type(words);
}

test('the demo starts', async () => {
  ngx = await DemoNginx.start();
  browser = await Browser.start();
}, slow);

// The replicated sequence by itself: three replicas, edited at random, whose
// operations arrive late, and in part never.

test('replicas converge, whatever is lost or late', async (t) => {
  ada = await browser.open(ngx, { name: 'Ada' });
  t.is(await ada.evaluate(async () => {
    const { Sequence } = await import('/sequence.js');
    const random = (n) => Math.floor(Math.random() * n);
    const copy = (value) => JSON.parse(JSON.stringify(value));
    const words = ['a', 'b', '\u{1f600}', '\u00e9', 'xyz'];

    for (let round = 0; round < 100; round += 1) {
      const all = ['a', 'b', 'c'].map((site) => new Sequence(site));
      const late = [];

      for (let step = 0; step < 100; step += 1) {
        const one = all[random(3)];
        const chars = Array.from(one.text());

        chars.splice(random(chars.length + 1), random(4) ? 0 : random(5),
          words[random(5)]);

        const op = one.edit(chars.join(''));

        if (one.text() !== chars.join('')) {
          return `an edit makes ${one.text()} of ${chars.join('')}`;
        }

        if (op && random(30)) {
          all.filter((other) => other !== one)
            .forEach((other) => late.push([other, copy(op)]));
        }
        if (random(2) && late.length) {
          const at = random(Math.min(4, late.length));
          const [[other, taken]] = late.splice(at, 1);
          other.apply(taken);
        }
        if (!random(40)) {
          all[random(3)].merge(copy(all[random(3)].state()));
        }
      }

      for (const one of [...all, ...all]) {
        all.forEach((other) => one.merge(copy(other.state())));
      }

      if (new Set(all.map((one) => one.text())).size > 1
          || new Set(all.map((one) => one.version)).size > 1) {
        return 'they differ';
      }
    }

    return 'the same';
  }), 'the same');
  await ada.context().close();
}, slow);

for (const transport of ['websocket', 'polling']) {
  test(`${transport}: two edit one document`, async (t) => {
    ada = await browser.open(ngx, { name: 'Ada', transport });
    grace = await browser.openElsewhere(ngx, ada,
      { name: 'Grace', transport });

    await type(ada, 'Control+End', 'first line\nlast line');
    await converged(ada, grace);
    t.is(await text(grace), 'first line\nlast line');

    await Promise.all([
      type(ada, 'Control+End', ' and Ada was here \u{1f44b}'),
      type(grace, 'Control+Home', 'Grace was here, '),
    ]);
    t.is(await converged(ada, grace), 'Grace was here, first line\n'
      + 'last line and Ada was here \u{1f44b}');
    await ada.locator('#editors', { hasText: /edited last/ }).waitFor();
  }, slow);

  test(`${transport}: two edit the same place`, async (t) => {
    await Promise.all([
      type(ada, 'Control+End', 'aaaaaaaaaa'),
      type(grace, 'Control+End', 'gggggggggg'),
    ]);
    const end = (await converged(ada, grace)).split('\u{1f44b}')[1];
    t.is([...end].sort().join(''), 'aaaaaaaaaagggggggggg');
  }, slow);

  test(`${transport}: the cursor stays where one writes`, async (t) => {
    await grace.fill('#editor', 'one two');
    await converged(ada, grace);
    await ada.evaluate(() => {
      const editor = document.querySelector('#editor');
      editor.focus();
      editor.setSelectionRange(3, 3);
    });
    await type(grace, 'Control+Home', 'zero ');
    await converged(ada, grace);
    await ada.keyboard.type('!');
    t.is(await converged(ada, grace), 'zero one! two');
  }, slow);

  test(`${transport}: who comes later has it all`, async (t) => {
    const emmy = await browser.open(ngx, { name: 'Emmy', transport });
    t.is(await converged(ada, grace, emmy), 'zero one! two');
    await emmy.context().close();
  }, slow);

  test(`${transport}: what is written offline is not lost`, async (t) => {
    await grace.click('#toggle');
    await grace.locator('#status[data-state=disconnected]').waitFor();
    await type(grace, 'Control+End', ' three');
    await type(ada, 'Control+Home', 'minus one ');
    await grace.click('#toggle');
    t.is(await converged(ada, grace), 'minus one zero one! two three');
  }, slow);

  test(`${transport}: what is no edit changes nothing`, async (t) => {
    await grace.evaluate(() => new Promise((done) => {
      const socket = window.io({ auth: { name: 'Mallory' }, forceNew: true });
      const documentId = 'notes';
      const changes = [null, 5, 'x', [], {}, { op: 5 }, { op: {} },
        { op: { site: 'x', seq: 1, insert: 5 } },
        { op: { site: 'x', seq: 1, remove: [null] } },
        { op: { site: 'x', seq: 1, insert: { n: -1, behind: [0, ''] } } },
        { op: { site: 'x', seq: 1,
                insert: { n: 1e15, behind: [0, ''], text: 'x' } } },
        { op: { site: '__proto__', seq: 1, remove: [] } },
        { state: 5 }, { state: { runs: [null] } },
        { state: { runs: [[1, 'x', [0, ''], 1e9]] } },
        { state: { runs: [], seen: { x: 'y' } } }];

      socket.emit('document:join', { documentId });
      changes.forEach((change) =>
        socket.emit('document:edit', { documentId, change }));
      socket.emit('document:edit', { documentId, change: { wanted: true } },
        () => {
          socket.disconnect();
          done();
        });
    }));

    await type(grace, 'Control+End', '.');
    t.is(await converged(ada, grace), 'minus one zero one! two three.');

    await ada.context().close();
    await grace.context().close();
  }, slow);
}

test('the pages have no error of their own', (t) => {
  t.deepIs(browser.faults(), []);
});
