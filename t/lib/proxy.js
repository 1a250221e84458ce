'use strict';

// A TCP proxy before an nginx, for tests that need a network to fail: cut()
// resets all connections; what connects later is let through again.  With a
// delay, bytes take so many milliseconds in each direction.

const net = require('node:net');

class Proxy {
  static async start(port, { delay = 0 } = {}) {
    const proxy = new Proxy();

    proxy.delay = delay;
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
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        setTimeout(() => to.destroy(), this.delay);
      });

      if (this.delay) {
        from.on('data', (bytes) =>
          setTimeout(() => to.write(bytes), this.delay));
      } else {
        from.pipe(to);
      }
    }
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
