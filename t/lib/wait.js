'use strict';

// Waiting for facts: no test sleeps for a fixed time and hopes.  Who waits has
// far more time than it takes: a bound ends a test that hangs, and is no
// measure of speed.  Under valgrind it is longer.

const slower = process.env.SOCKETIO_VALGRIND ? 10 : 1;

const sleep = (msec) => new Promise((done) => setTimeout(done, msec));

// Ask fact() until its answer is true-ish, and return that answer.

async function until(fact, { timeout = 30000, every = 20, what } = {}) {
  const time = timeout * slower;
  const deadline = Date.now() + time;
  let last;

  for (;;) {
    try {
      last = undefined;
      const answer = await fact();
      if (answer) {
        return answer;
      }
    } catch (error) {
      last = error;
    }

    if (Date.now() > deadline) {
      const why = last ? `: ${last.message}` : '';
      throw new Error(`${what || fact} - not within ${time} ms${why}`);
    }

    await sleep(every);
  }
}

// A promise that must settle in time.

function within(timeout, what, promise) {
  const time = Math.min(timeout * slower, 0x7fffffff);
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(
      `${what} - not within ${time} ms`)), time);
  });

  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

module.exports = { sleep, until, within };
