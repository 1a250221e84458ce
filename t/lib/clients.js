'use strict';

// Stock clients, as npm has them.  What connect() opened is closed when the
// test file ends.

const v4 = require('socket.io-client');
const v3 = require('socket.io-client-v3');
const tap = require('./tap');
const { within } = require('./wait');

const transports = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

const sockets = new Set();

tap.after(() => sockets.forEach((socket) => socket.disconnect()));

// A socket that may not be connected yet.  options: those of socket.io-client,
// and nsp, transport (a name above), io (v4 or v3).

function open(ngx, { nsp = '/', transport = 'websocket', io = v4.io,
                     ...options } = {}) {
  const socket = io(ngx.url + nsp, {
    transports: transports[transport], forceNew: true, reconnection: false,
    ...options,
  });

  sockets.add(socket);

  return socket;
}

// A connected one; rejects with the server's connect_error.

function connect(ngx, options) {
  const socket = open(ngx, options);

  return within(30000, 'connect', new Promise((done, fail) => {
    socket.once('connect', () => done(socket));
    socket.once('connect_error', fail);
  }));
}

// The arguments of the next such event; with one argument, that argument.

function once(socket, event, timeout = 30000) {
  return within(timeout, `event ${event}`, new Promise((done) => {
    socket.once(event, (...args) => done(args.length > 1 ? args : args[0]));
  }));
}

// An event's acknowledgement, as once() has it.

function ask(socket, event, ...args) {
  return within(30000, `ack of ${event}`, new Promise((done) => {
    socket.emit(event, ...args, (...answer) =>
      done(answer.length > 1 ? answer : answer[0]));
  }));
}

// When the transport in use is the wanted one.

function upgraded(socket) {
  const { engine } = socket.io;

  if (engine.transport.name === 'websocket') {
    return Promise.resolve();
  }

  return within(30000, 'the upgrade', new Promise((done) => {
    engine.once('upgrade', done);
  }));
}

module.exports = { open, connect, once, ask, upgraded, transports,
                   io4: v4.io, io3: v3.io };
