'use strict';

// What the load generator's events do, on Node's own server.

const { Server } = require('socket.io');

function serve(server) {
  const io = new Server(server, { serveClient: false });

  io.on('connection', (socket) => {
    socket.join('lobby');
    socket.on('b', (data) => io.to('lobby').emit('b', data));
    socket.on('e', (data, ack) => ack(data));
    socket.on('j', (data, ack) => {
      socket.join(`room:${data.r}`);
      ack(null);
    });
    socket.on('l', (data, ack) => {
      socket.leave(`room:${data.r}`);
      ack(null);
    });
  });

  server.listen(Number(process.argv[2]), '127.0.0.1');

  return io;
}

const KEY = 'bench-key-0123456789abcdef';

module.exports = { serve, allowed: (request) =>
  request.headers.authorization === `Bearer ${KEY}` };
