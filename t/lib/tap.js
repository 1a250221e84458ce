'use strict';

// A small TAP producer.  Tests run one after another; each is one fact:
//
//   test('a second join is ignored', async (t) => {
//     t.is(await count(), 1);
//   });
//
// The first assertion that fails ends its test.  after() registers what runs
// when all tests are done, the latest first.

const assert = require('node:assert');
const { within } = require('./wait');

const queue = [];
const hooks = [];
let count = 0;
let failed = 0;

const t = {
  ok: (value, what) => assert.ok(value, what),
  is: (got, expected, what) => assert.strictEqual(got, expected, what),
  deepIs: (got, expected, what) =>
    assert.deepStrictEqual(got, expected, what),
  match: (got, pattern, what) => assert.match(got, pattern, what),
  rejects: (promise, expected) => assert.rejects(promise, expected),
  note,
};

function note(text) {
  process.stdout.write(String(text).replace(/^/gm, '# ') + '\n');
}

// One TAP line; error is what went wrong, if anything.

function report(name, error) {
  count += 1;

  if (error) {
    failed += 1;
    process.stdout.write(`not ok ${count} - ${name}\n`);
    note(error.stack || error);
  } else {
    process.stdout.write(`ok ${count} - ${name}\n`);
  }
}

async function run(name, fn, timeout) {
  try {
    await within(timeout, name, Promise.resolve(fn(t)));
    report(name);
  } catch (error) {
    report(name, error);
  }
}

async function main() {
  for (const { name, fn, timeout } of queue) {
    await run(name, fn, timeout);
  }

  for (const hook of hooks.reverse()) {
    await within(120000, 'the cleaning up', hook()).catch(
      (error) => report('cleaning up', error));
  }

  process.stdout.write(`1..${count}\n`);
  process.exit(failed || !count ? 1 : 0);
}

function test(name, fn, { timeout = 90000 } = {}) {
  if (queue.push({ name, fn, timeout }) === 1) {
    setImmediate(main);
  }
}

function after(hook) {
  hooks.push(hook);
}

// What nobody caught fails the file, and ends it if no test is there to run.

function uncaught(error) {
  report('every error is caught', error);

  if (!queue.length) {
    process.exit(1);
  }
}

process.on('unhandledRejection', uncaught);
process.on('uncaughtException', uncaught);

module.exports = { test, after, note, report };
