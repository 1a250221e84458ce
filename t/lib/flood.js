'use strict';

// Clients that send as fast as they can, in a process of their own, so that
// who is served beside them does not wait for their sake:
//
//   const flood = await Flood.start(port, 1000, '42["x"]', 'polling');
//   await flood.stop();
//
// They have joined "/" when start() resolves, by WebSocket unless it is said.
// What is sent back to them is read, and no more is made of it.

const { fork } = require('node:child_process');
const net = require('node:net');
const { frame, RS } = require('./raw');
const { SioRaw } = require('./sio_raw');

class Flood {
  static async start(port, count, text, transport = 'websocket') {
    const flood = new Flood();

    flood.child = fork(__filename, [port, count, text, transport]);
    flood.ended = new Promise((done) => flood.child.on('exit', done));
    await new Promise((done, fail) => flood.child.once('message', done)
      .once('exit', () => fail(new Error('the flood has not begun'))));

    return flood;
  }

  async stop() {
    this.child.disconnect();
    await this.ended;
  }
}

// A connection, and what to write to it: as many frames as fit, or a post of
// as many packets, one behind the other.

const kinds = {
  async websocket(port, text) {
    const { ws } = await SioRaw.connect(port);

    return [ws.socket, Buffer.concat(Array(500).fill(frame({ payload: text,
      mask: [1, 2, 3, 4] })))];
  },

  async polling(port, text) {
    const sio = await SioRaw.connect(port, { transport: 'polling' });
    const body = Array(500).fill(text).join(RS);

    return [net.connect(port, '127.0.0.1'), Buffer.from(
      `POST /socket.io/?${new URLSearchParams(sio.polling.query)} HTTP/1.1\r\n`
      + `Host: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`)];
  },
};

async function main(port, count, text, transport) {
  const flooders = [];

  process.on('disconnect', () => process.exit());
  while (flooders.length < count) {
    flooders.push(...await Promise.all(Array.from({ length: 20 }, () =>
      kinds[transport](port, text))));
  }

  for (const [socket, bytes] of flooders) {
    const write = () => {
      while (!socket.destroyed && socket.write(bytes));
    };

    socket.removeAllListeners('data').on('error', () => {}).resume();
    socket.on('drain', write);
    write();
  }
  process.send('all');
}

if (require.main === module) {
  const [port, count, ...how] = process.argv.slice(2);
  main(Number(port), Number(count), ...how);
}

module.exports = { Flood };
