'use strict';

// The demo in a headless Chromium, and the configuration that `make run` has,
// on a port of the test's.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');
const tap = require('../lib/tap');
const { Nginx, module_path } = require('../lib/nginx');
const { until } = require('../lib/wait');

const top = path.join(__dirname, '../..');

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// An nginx with conf/nginx.conf: the presets, the page and the client bundle
// are links, as in t/tools/demo.

class DemoNginx extends Nginx {
  configure() {
    const text = fs.readFileSync(path.join(top, 'conf/nginx.conf'), 'utf8');
    const load = module_path ? `load_module ${module_path};` : '';
    const user = process.getuid() === 0 ? 'user root;' : '';

    for (const [name, target] of [['presets', 'conf/presets'],
      ['html', 'docs/demo'],
      ['client', 't/node_modules/socket.io/client-dist']]) {
      fs.rmSync(path.join(this.prefix, name), { force: true });
      fs.symlinkSync(path.join(top, target), path.join(this.prefix, name));
    }

    fs.mkdirSync(path.join(this.prefix, 'temp'), { recursive: true });
    fs.writeFileSync(path.join(this.prefix, 'nginx.conf'),
      `daemon off;\n${user}\n${text}`
        .replace(/^load_module .*$/m, load)
        .replace(/listen 3001;/, `listen 127.0.0.1:${this.port};`));
  }

  static start() {
    return super.start({ workers: 2 });
  }
}

function binary() {
  const found = ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => process.env.PATH.split(':')
      .map((dir) => path.join(dir, name)))
    .find((file) => fs.existsSync(file));

  if (!found) {
    throw new Error('there is no chromium: make test-deps installs it');
  }

  return found;
}

class Browser {
  static async start() {
    const browser = new Browser();

    browser.errors = [];
    browser.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-demo-'));
    browser.chromium = await chromium.launch(
      { executablePath: binary(), args: flags });

    tap.after(() => browser.stop());

    return browser;
  }

  // A page in a context of its own: nothing is shared, no connection either.

  async open(ngx, { name, transport = 'websocket', room, ...options }) {
    const context = await this.chromium.newContext(
      { viewport: { width: 1280, height: 860 }, ...options });
    const page = await context.newPage();
    const query = new URLSearchParams({ name, transport,
      ...room && { room } });

    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (line) => {
      if (line.type() === 'error') {
        this.errors.push(line.text());
      }
    });

    await page.goto(`${ngx.url}/demo-realtime?${query}`);
    await note(page, 'You are in').waitFor();

    return page;
  }

  // The same, in another worker than the one of a page.

  async openElsewhere(ngx, other, options) {
    const taken = await worker(other);

    return until(async () => {
      const page = await this.open(ngx, options);

      if (await worker(page) !== taken) {
        return page;
      }

      await page.context().close();
      return null;
    }, { timeout: 60000, what: 'a page in another worker' });
  }

  // What is no fault of the page: a connection that the test has cut.

  faults() {
    return this.errors.filter((text) =>
      !/WebSocket connection|Failed to load resource/.test(text));
  }

  async picture(page, name) {
    const file = path.join(this.dir, `${name}.png`);

    await page.screenshot({ path: file });

    return file;
  }

  async stop() {
    await this.chromium.close();

    if (!process.env.SOCKETIO_KEEP) {
      fs.rmSync(this.dir, { recursive: true, force: true });
    }
  }
}

// The worker that accepted a page's session.

async function worker(page) {
  const fact = page.locator('#fact-worker', { hasText: /\d/ });

  return Number((await fact.textContent()).replace(/\D/g, ''));
}

async function say(page, text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

const message = (page, text) => page
  .locator('.message', { has: page.locator('.bubble', { hasText: text }) });

const note = (page, text) => page.locator('.note', { hasText: text });

// The message of another, or of oneself, once the server has taken it.

const heard = (page, user, text) => message(page, text)
  .filter({ has: page.locator('b', { hasText: user }) }).waitFor();

const taken = (page, text) => message(page, text)
  .locator('.fate', { hasText: / ms$/ }).waitFor();

// What a toast says, and the list of notifications.

const toasted = (page, text) =>
  page.locator('.toast', { hasText: text }).first().waitFor();

// A user in the list of people: 'online' or 'offline'.

const person = (page, user, state) => page.locator(`#people-list .${state}`,
  { has: page.locator('b', { hasText: user }) });

module.exports = { Browser, DemoNginx, worker, say, message, note, heard,
                   taken, toasted, person };
