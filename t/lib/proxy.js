'use strict';

// A TCP proxy before an nginx, for tests that need a network to fail: cut()
// resets all connections; what connects later is let through again.  With a
// delay, bytes take so many milliseconds in each direction.  From hold() to
// release() nothing passes, neither bytes nor an end.

const net = require('node:net');

class Proxy {
  static async start(port, { delay = 0 } = {}) {
    const proxy = new Proxy();

    proxy.delay = delay;
    proxy.held = null;
    proxy.other = new WeakMap();
    proxy.sockets = new Set();
    proxy.server = net.createServer((down) => proxy.join(down, port));
    await new Promise((done) =>
      proxy.server.listen(0, '127.0.0.1', done));
    proxy.server.unref();
    proxy.port = proxy.server.address().port;
    proxy.url = `http://127.0.0.1:${proxy.port}`;

    return proxy;
  }

  join(down, port) {
    const up = net.connect(port, '127.0.0.1');

    for (const [from, to] of [[down, up], [up, down]]) {
      this.sockets.add(from);
      this.other.set(from, to);
      from.setNoDelay(true);
      from.on('error', () => this.later(() => to.destroy()));
      from.on('close', () => {
        this.sockets.delete(from);
        this.later(() => setTimeout(() => to.destroy(), this.delay));
      });

      if (this.delay) {
        from.on('data', (bytes) => this.later(() =>
          setTimeout(() => to.write(bytes), this.delay)));
      } else {
        this.later(() => from.pipe(to));
      }
    }
  }

  // What happens while all is held follows when it is not any more.

  later(what) {
    if (this.held) {
      this.held.push(what);
    } else {
      what();
    }
  }

  hold() {
    this.held = [];

    for (const from of this.sockets) {
      if (!this.delay) {
        from.unpipe();
        this.held.push(() => from.pipe(this.other.get(from)));
      }
    }
  }

  release() {
    const held = this.held;

    this.held = null;
    held.forEach((what) => what());
  }

  cut() {
    this.sockets.forEach((socket) => socket.resetAndDestroy());
  }

  stop() {
    this.cut();
    this.server.close();
  }
}

module.exports = { Proxy };
