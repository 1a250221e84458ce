'use strict';

// Numbers said by several sources, and what sockets have heard of them.
//
//   const numbers = new Numbers({ nginx: (n) => ..., node: (n) => ... });
//   sockets.forEach((socket) => numbers.listen(socket));
//   numbers.send(10);                      ten from each source
//   await numbers.exact(t, sockets);       all of them, once, in order
//   await numbers.anew(t, sockets);        after a time that lost some
//
// A source says event "got" with its name and the number.

const { until } = require('./wait');

class Numbers {
  constructor(sources) {
    this.sources = Object.entries(sources);
    this.sent = Object.fromEntries(this.sources.map(([name]) => [name, 0]));
  }

  send(n) {
    for (let i = 0; i < n; i++) {
      for (const [name, say] of this.sources) {
        say(this.sent[name]++);
      }
    }
  }

  forget(socket) {
    socket.got = Object.fromEntries(this.sources.map(([name]) => [name, []]));
  }

  listen(socket) {
    this.forget(socket);
    socket.on('got', (source, n) => socket.got[source]?.push(n));
  }

  // Every number since the first one that was heard, up to the last one.

  async exact(t, sockets) {
    for (const socket of sockets) {
      for (const [name] of this.sources) {
        const got = socket.got[name];

        await until(() => got.at(-1) === this.sent[name] - 1,
          { what: `the last message from ${name}` });
        t.deepIs(got, Array.from({ length: this.sent[name] - got[0] },
          (_, i) => got[0] + i), `all from ${name}, once, in order`);
      }
    }
  }

  // What comes from now on.

  async anew(t, sockets) {
    sockets.forEach((socket) => this.forget(socket));
    await until(() => {
      this.send(1);
      return sockets.every((socket) =>
        this.sources.every(([name]) => socket.got[name].length > 0));
    }, { every: 50 });
    await this.exact(t, sockets);
  }
}

module.exports = { Numbers };
