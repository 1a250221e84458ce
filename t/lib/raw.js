'use strict';

// Clients that can misbehave: they speak in bytes, frames and packets.

const crypto = require('node:crypto');
const http = require('node:http');
const net = require('node:net');
const { request } = require('./http');
const { sleep, within } = require('./wait');

const RS = '\x1e';
const limit = 30000;

// What arrives waits here until somebody asks for it.

class Inbox {
  items = [];
  waiters = [];

  put(item) {
    const waiter = this.waiters.shift();
    if (waiter) {
      waiter.done(item);
    } else {
      this.items.push(item);
    }
  }

  // No more will come: who waits, now or later, is told why.

  end(error) {
    this.error ||= error;
    this.waiters.splice(0).forEach(({ fail }) => fail(this.error));
  }

  async next(what = 'an item', timeout = limit) {
    if (this.items.length) {
      return this.items.shift();
    }
    if (this.error) {
      throw this.error;
    }

    let waiter;
    const item = new Promise((done, fail) => {
      waiter = { done, fail };
      this.waiters.push(waiter);
    });

    return within(timeout, what, item).finally(() => {
      this.waiters = this.waiters.filter((other) => other !== waiter);
    });
  }
}

// The bytes of one frame.  mask: true, false, or the four bytes; len: the
// length to claim; form: 1, 3 or 9, the bytes to write it with.

function frame({ fin = true, rsv = 0, opcode = 1, mask = true, payload = '',
                 len, form } = {}) {
  const data = Buffer.from(payload);
  const size = len ?? data.length;
  const bytes = form || (size < 126 ? 1 : size < 65536 ? 3 : 9);
  const head = Buffer.alloc(1 + bytes);

  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  if (bytes === 1) {
    head[1] = size;
  } else if (bytes === 3) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }

  if (!mask) {
    return Buffer.concat([head, data]);
  }

  const key = mask === true ? crypto.randomBytes(4) : Buffer.from(mask);
  head[1] |= 0x80;

  return Buffer.concat([head, key, data.map((b, i) => b ^ key[i & 3])]);
}

class RawWs {
  // Resolves to a RawWs with status and headers, 101 or not.  early: bytes
  // sent in the same packet as the request.  headers: null drops one.

  static async connect(port, { path = '/socket.io/', query, headers = {},
      early = '', method = 'GET', version = '1.1', socket } = {}) {
    const ws = new RawWs();
    const q = new URLSearchParams({ EIO: 4, transport: 'websocket', ...query });
    const key = crypto.randomBytes(16).toString('base64');
    const all = {
      Host: `127.0.0.1:${port}`, Upgrade: 'websocket', Connection: 'Upgrade',
      'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13', ...headers,
    };
    const lines = Object.entries(all).filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}\r\n`);

    ws.accept = crypto.createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    ws.socket = socket || net.connect(port, '127.0.0.1');
    ws.listen();
    ws.socket.write(Buffer.concat([
      Buffer.from(`${method} ${path}?${q} HTTP/${version}\r\n`
        + `${lines.join('')}\r\n`), Buffer.from(early)]));

    await within(limit, 'the handshake', ws.handshake);

    return ws;
  }

  frames = new Inbox();
  input = Buffer.alloc(0);
  code = 1006;          // as the server's close frame said; 1005: empty one

  listen() {
    const { socket } = this;

    this.handshake = new Promise((done, fail) => {
      this.opened = done;
      socket.on('error', fail);
    });
    this.closed = new Promise((done) => {
      socket.on('close', () => {
        this.opened();
        this.frames.end(new Error(`the connection is closed (${this.code})`));
        done(this.code);
      });
    });

    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.input = Buffer.concat([this.input, bytes]);
      if (this.status === undefined) {
        this.readHead();
      }
      while (this.status === 101 && this.readFrame());
    });
  }

  readHead() {
    const end = this.input.indexOf('\r\n\r\n');
    if (end < 0) {
      return;
    }

    const [first, ...lines] = this.input.toString('latin1', 0, end)
      .split('\r\n');
    this.status = Number(first.split(' ')[1]);
    this.headers = Object.fromEntries(lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }));
    this.headBytes = end + 4;
    this.input = this.input.subarray(end + 4);
    this.opened();
  }

  readFrame() {
    const { input } = this;
    let at = 2;
    let len = input[1] & 0x7f;

    if (input.length < 2 || (len === 126 && input.length < 4)
        || (len === 127 && input.length < 10)) {
      return false;
    }
    if (len === 126) {
      len = input.readUInt16BE(2);
      at = 4;
    } else if (len === 127) {
      len = Number(input.readBigUInt64BE(2));
      at = 10;
    }
    if (input.length < at + len) {
      return false;
    }

    const payload = Buffer.from(input.subarray(at, at + len));
    const opcode = input[0] & 0x0f;

    this.input = input.subarray(at + len);
    if (opcode === 8) {
      this.code = len >= 2 ? payload.readUInt16BE(0) : 1005;
    }
    this.frames.put({ fin: input[0] >> 7, rsv: (input[0] >> 4) & 7, opcode,
                      masked: input[1] >> 7, payload });
    return true;
  }

  sendFrame(options) {
    return this.send(frame(options));
  }

  sendText(payload) {
    return this.sendFrame({ payload });
  }

  // Any bytes; slice: so many in a packet of their own.

  async send(bytes, { slice } = {}) {
    const data = Buffer.from(bytes);

    for (let at = 0; at < data.length; at += slice || data.length) {
      await new Promise((done) => this.socket.write(
        data.subarray(at, at + (slice || data.length)), done));
      if (slice) {
        await sleep(1);
      }
    }
  }

  next(timeout) {
    return this.frames.next('a frame', timeout);
  }

  // The text of the next data frame, or its bytes if it is binary.

  async nextMessage(timeout) {
    const { opcode, payload } = await this.next(timeout);

    if (opcode !== 1 && opcode !== 2) {
      throw new Error(`a frame with opcode ${opcode}, code ${this.code}`);
    }

    return opcode === 1 ? payload.toString() : payload;
  }

  // The code of the server's close frame, once the connection is over.

  closeCode(timeout = limit) {
    return within(timeout, 'the close', this.closed);
  }

  close() {
    this.socket.destroy();
  }
}

// HTTP long-polling.  One connection for GET, one for POST, kept alive.

class Polling {
  constructor(port, { path = '/socket.io/', query, headers = {},
                      agent, retry } = {}) {
    this.retry = retry;
    this.base = `http://127.0.0.1:${port}${path}`;
    this.query = { EIO: 4, transport: 'polling', ...query };
    this.headers = headers;
    this.agent = agent || new http.Agent({ keepAlive: true, maxSockets: 2 });
  }

  static encode(packets) {
    return packets.map((packet) => (Buffer.isBuffer(packet)
      ? `b${packet.toString('base64')}` : packet)).join(RS);
  }

  static decode(body) {
    return body.split(RS).map((packet) => (packet[0] === 'b'
      ? Buffer.from(packet.slice(1), 'base64') : packet));
  }

  request(options = {}) {
    return request(`${this.base}?${new URLSearchParams(this.query)}`,
      { agent: this.agent, retry: this.retry, ...options,
        headers: { ...this.headers, ...options.headers } });
  }

  // The open packet's content; the sid goes into all that follows.

  async open() {
    const { status, body } = await this.request();

    if (status !== 200 || body[0] !== '0') {
      throw new Error(`no open packet: ${status} ${body}`);
    }

    const [first, ...rest] = Polling.decode(body);
    const open = JSON.parse(first.slice(1));

    this.query.sid = open.sid;
    this.early = rest;

    return open;
  }

  get() {
    return this.request();
  }

  async poll() {
    const { status, body } = await this.get();

    if (status !== 200) {
      throw new Error(`poll: ${status} ${body}`);
    }

    return Polling.decode(body);
  }

  // A body as it is, or an array of packets.

  post(body) {
    return this.request({ method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
      body: Array.isArray(body) ? Polling.encode(body) : body });
  }

  close() {
    this.agent.destroy();
  }
}

module.exports = { RawWs, Polling, Inbox, frame, RS };
