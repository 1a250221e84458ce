'use strict';

// HTTP/2 in frames, over TLS: what a library would not send.
//
//   const h2 = await H2.connect(port);
//   const { status, body } = await h2.ask([[':method', 'GET'], ...], 'body');
//
// An answer is { status, body }, { reset: code }, or { gone: true } when the
// connection is over.  RFC 9113, and as much of RFC 7541 as a status needs.

const tls = require('node:tls');
const { within } = require('./wait');

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

const END_STREAM = 1;
const END_HEADERS = 4;

// RFC 7541, A.  Static Table Definition: indexes 8 to 14

const statuses = [200, 204, 206, 304, 400, 404, 500];

function frame(type, flags, stream, payload = '') {
  const data = Buffer.from(payload);
  const head = Buffer.alloc(9);

  head.writeUIntBE(data.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);

  return Buffer.concat([head, data]);
}

// Literal fields that are not indexed, in plain text.

function string(text) {
  const data = Buffer.from(text, 'latin1');
  const len = [];
  let n = data.length;

  if (n < 127) {
    len.push(n);
  } else {
    len.push(127);
    for (n -= 127; n >= 128; n >>= 7) {
      len.push((n & 127) | 128);
    }
    len.push(n);
  }

  return Buffer.concat([Buffer.from(len), data]);
}

const block = (fields) => Buffer.concat(fields.map(([name, value]) =>
  Buffer.concat([Buffer.of(0), string(name), string(value)])));

class H2 {
  streams = new Map();
  input = Buffer.alloc(0);
  last = -1;

  static connect(port, settings = '') {
    const h2 = new H2();

    return within(30000, 'HTTP/2', new Promise((done, fail) => {
      h2.socket = tls.connect({ host: '127.0.0.1', port,
        rejectUnauthorized: false, ALPNProtocols: ['h2'] });
      h2.socket.setNoDelay(true).on('error', fail).once('secureConnect', () => {
        h2.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
                frame(SETTINGS, 0, 0, settings));
        done(h2);
      });
      h2.socket.on('data', (data) => {
        h2.input = Buffer.concat([h2.input, data]);
        while (h2.read());
      });
      h2.closed = new Promise((end) => h2.socket.on('close', () => {
        h2.over = true;
        h2.streams.forEach(({ done: tell }) => tell({ gone: true }));
        end();
      }));
    }));
  }

  send(...frames) {
    this.socket.write(Buffer.concat(frames));
  }

  read() {
    const { input } = this;
    const len = input.length < 9 ? Infinity : input.readUIntBE(0, 3);

    if (input.length < 9 + len) {
      return false;
    }

    const stream = this.streams.get(input.readUInt32BE(5));
    const payload = input.subarray(9, 9 + len);
    const [type, flags] = input.subarray(3, 5);

    this.input = input.subarray(9 + len);

    if (type === SETTINGS && !(flags & 1)) {
      this.send(frame(SETTINGS, 1, 0));
    }
    if (type === HEADERS && stream) {
      const at = payload.findIndex((b) => (b & 0xe0) !== 0x20);

      stream.status = payload[at] & 0x80 ? statuses[(payload[at] & 127) - 8]
        : Number(payload.subarray(at + 2, at + 5));
    }
    if (type === DATA && stream) {
      stream.body += payload;
    }
    if (type === RST_STREAM && stream) {
      stream.done({ status: stream.status, reset: payload.readUInt32BE(0) });
    }
    if ((type === DATA || type === HEADERS) && flags & END_STREAM) {
      stream?.done({ status: stream.status, body: stream.body });
    }

    return true;
  }

  // The frames of a request, and what will be its answer.

  request(fields, body, { end = true } = {}) {
    this.last += 2;

    const id = this.last;
    const stream = { status: undefined, body: '' };
    const head = block(fields);
    const frames = [frame(HEADERS, END_HEADERS
      | (body === undefined && end ? END_STREAM : 0), id,
    head.subarray(0, 16384))];

    if (head.length > 16384) {
      frames[0][4] &= ~END_HEADERS;
      frames.push(frame(CONTINUATION, END_HEADERS, id, head.subarray(16384)));
    }
    if (body !== undefined) {
      frames.push(frame(DATA, end ? END_STREAM : 0, id, body));
    }
    stream.answer = new Promise((done) => { stream.done = done; });
    this.streams.set(id, stream);
    if (this.over) {
      stream.done({ gone: true });
    }

    return { id, frames, answer: stream.answer };
  }

  ask(fields, body, options) {
    const { frames, answer } = this.request(fields, body, options);

    this.send(...frames);

    return within(30000, 'an answer over HTTP/2', answer);
  }

  close() {
    this.socket.destroy();
  }
}

const fields = (method, path, more = []) => [[':method', method],
  [':scheme', 'https'], [':authority', 'localhost'], [':path', path], ...more];

module.exports = { H2, frame, fields, RST_STREAM, SETTINGS, PING, GOAWAY,
                   WINDOW_UPDATE, CONTINUATION, HEADERS };
