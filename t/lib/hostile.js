'use strict';

// One attack: a connection that does something wrong, or something right at
// the wrong time, as drawn from random, and goes in one of several ways.
//
//   await attack(port, random(seed));
//
// It is over when its connections are.

const net = require('node:net');
const { frame, RS } = require('./raw');

const LIFE = 1500;      // msec of one connection, at most

const pieces = ['4', '40', '42', '43', '45', '46', '41', '44', '0', '1', '2',
  '3', '5', '6', '2probe', '3probe', 'b', '4', '451-', '452-', '461-', '-',
  '/custom,', '/dyn-a,', '/nowhere,', '/?q,', ',', '0', '7', '9007199254740991',
  '99999999999999999999', '[', ']', '{', '}', '"', '\\', '\\u0000', '\\ud800',
  '\\u001e', '"a"', '"*"', '"connect"', '"\\u0063onnect"', '"newListener"',
  '"text"', '"join"', '"name:x"', '"re:\\ud800"', '"keep"', '"expected"', '1e9',
  '{"room":"r"}', '{"room":"user:x"}', '{"room":"\\u001e"}',
  '{"name":"connect"}', '{"name":"disconnecting"}',
  '{"name":"x","__proto__":1}',
  '{"_placeholder":true,"num":0}', '{"_placeholder":true,"num":1}',
  '{"_placeholder":true}', '{"_pl\\u0061ceholder":true,"num":-1}',
  '{"__proto__":{"_placeholder":true,"num":9}}', 'null', 'true', ',', '\x1e',
  '\x00', '\u20ac', '\ud83d\ude00', ' ', '\n'];

const whole = ['40', '40{"name":"u"}', '40/custom,{"name":"u"}', '40/dyn-b,',
  '42["join",{"room":"r"}]', '427["join",{"room":1}]',
  '42["leave",{"room":"r"}]',
  '42["name:x",{"name":"y","b":[1]}]', '42["name:x",{"name":"connect"}]',
  '42["name:x",{"name":"\\u001e\\ud800"}]', '4299["text",{"a":1,"b":"\\"$x"}]',
  '4298["text",{"a":{"_placeholder":false},"b":"\\u0000\\ud800"},[],2]',
  '42["keep",{"deep":[[[]]]}]', '42["re:\\u001e\\"x",1]', '42[42,{"x":1}]',
  '42["expected",{"s":"r"}]', '42["any","\\u001e\\u2028",{"__proto__":1}]',
  '42/custom,["x",1]', '42/dyn-b,["y",[1e400]]', '43["none"]', '431["none"]',
  '41', '41/custom,', '451-["any",{"_placeholder":true,"num":0}]',
  '451-5["text",{"a":{"_placeholder":true,"num":0}}]',
  '452-["any",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
  '451-["keep",{"_placeholder":true,"num":0}]', '461-1[]',
  '1', '2', '3', '5', '6', '2probe', '4'];

const bodies = ['{"event":"e","data":{"name":"n"}}',
  '{"event":"e","args":[1,2]}',
  '{"event":"e","to":"r"}', '{"event":"e","to":["r","all"],"except":"r"}',
  '{"event":"e","user":["u",7],"namespace":"/custom"}',
  '{"event":"connect"}', '{"event":"e","target":"x"}', '[]',
  '[{"event":"e"},{"event":"f","to":"all","volatile":true}]',
  '{"event":"e","ack":50,"to":"r"}', '{"event":"e","data":"\\ud800\\u001e"}',
  '{"event":"\\u001e","data":null,"namespace":"/dyn-q"}',
  '{"event":"e","data":{"_placeholder":true,"num":0}}',
  '[{"event":"e","ack":80},{"event":"e","ack":1}]'];

class Attack {
  constructor(port, random) {
    Object.assign(this, { port, random });
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  // One time in n.

  rarely(n) {
    return this.random(n) === 0;
  }

  // Bytes turned, cut out, doubled.

  mutate(text, often = 2) {
    let bytes = Buffer.from(text);

    while (this.rarely(often) && bytes.length) {
      const at = this.random(bytes.length);
      const len = 1 + this.random(4);

      switch (this.random(4)) {
        case 0:
          bytes[at] = this.random(256);
          break;
        case 1:
          bytes = Buffer.concat([bytes.subarray(0, at),
                                 bytes.subarray(at + len)]);
          break;
        case 2:
          bytes = Buffer.concat([bytes.subarray(0, at + len),
                                 bytes.subarray(at)]);
          break;
        default:
          bytes = Buffer.concat([bytes.subarray(0, at),
            Buffer.from(this.pick(pieces)), bytes.subarray(at)]);
      }
    }

    return bytes;
  }

  packet() {
    if (!this.rarely(4)) {
      return this.mutate(this.pick(whole), 5);
    }

    return Buffer.from(Array.from({ length: 1 + this.random(8) },
      () => this.pick(pieces)).join(''));
  }

  payload() {
    const packets = Array.from({ length: 1 + this.random(5) }, () =>
      (this.rarely(5) ? Buffer.from(`b${this.mutate('AQIDBA==', 4)}`)
                      : this.packet()));

    return Buffer.concat(packets.flatMap((packet, i) =>
      (i ? [Buffer.from(RS), packet] : [packet])));
  }

  frames() {
    const list = [];

    for (let n = 1 + this.random(6); n; n--) {
      const binary = this.rarely(5);
      const payload = binary ? this.mutate('\x01\x02\x03', 3) : this.packet();
      const parts = this.rarely(6) ? 1 + this.random(4) : 1;
      const size = Math.ceil(payload.length / parts);

      for (let i = 0; i < parts; i++) {
        list.push(frame({ fin: i === parts - 1, opcode: i ? 0 : binary ? 2 : 1,
          payload: payload.subarray(i * size, (i + 1) * size),
          mask: [this.random(256), 1, 2, this.random(256)] }));
      }
      if (this.rarely(10)) {
        list.push(frame({ opcode: this.random(16), fin: !this.rarely(4),
          rsv: this.rarely(4) ? this.random(8) : 0, mask: !this.rarely(6),
          payload: 'x'.repeat(this.random(130)),
          ...(this.rarely(3) && { len: this.pick([0, 125, 126, 65535, 65536,
                                                  2 ** 31, 2 ** 53]) }) }));
      }
      if (this.rarely(12)) {
        list.push(frame({ opcode: 8,
          payload: this.pick(['', '\x03', '\x03\xe8', '\x03\xe8bye']) }));
      }
    }

    return this.mutate(Buffer.concat(list), 8);
  }

  query(sid, transport) {
    const t = this.rarely(12) ? this.pick(['', 'abc', 'polling,', '%70olling'])
                              : transport;
    const id = sid ? `&sid=${this.rarely(12) ? this.mutate(sid) : sid}` : '';
    const eio = this.rarely(20) ? this.pick(['', '3', '44', '%34']) : '4';

    return `/socket.io/?EIO=${eio}&transport=${t}${id}${this.rarely(9)
      ? this.pick(['&', '&&sid=', '&EIO=4', '&x=%00', '#', '&sid=%zz']) : ''}`;
  }

  head(method, uri, headers) {
    const other = ['HEAD', 'PUT', 'OPTIONS', 'DELETE', 'TRACE', 'get'];
    const m = this.rarely(20) ? this.pick(other) : method;
    const version = this.rarely(15) ? this.pick(['1.0', '0.9', '2.0', '1.2'])
                                    : '1.1';
    const extra = this.rarely(6) ? this.pick(['Origin: http://evil.example\r\n',
      'Connection: close\r\n', 'Expect: 100-continue\r\n', 'Origin: \x01\r\n',
      'Content-Type: application/octet-stream\r\n', 'Cookie: a=b\r\n',
      `Y: ${'z'.repeat(3000)}\r\n`]) : '';

    return `${m} ${uri} HTTP/${version}\r\nHost: h\r\n${headers}${extra}\r\n`;
  }

  body(method, uri, body) {
    if (this.rarely(5)) {
      const at = this.random(body.length + 1);
      const chunk = (part) => (part.length ? [`${part.length.toString(16)}\r\n`,
        part, '\r\n'].map((x) => Buffer.from(x)) : []);

      return Buffer.concat([Buffer.from(this.head(method, uri,
        'Transfer-Encoding: chunked\r\n')), ...chunk(body.subarray(0, at)),
        ...chunk(body.subarray(at)), Buffer.from('0\r\n\r\n')]);
    }

    const len = this.rarely(12) ? this.random(30000) : body.length;

    return Buffer.concat([Buffer.from(this.head(method, uri,
      `Content-Length: ${len}\r\n`)), body]);
  }

  post(sid) {
    return this.body('POST', this.query(sid, 'polling'), this.payload());
  }

  get(sid) {
    return Buffer.from(this.head('GET', this.query(sid, 'polling'), ''));
  }

  api() {
    const uri = this.pick(['/api/emit', '/api/emit', '/api/', '/api']);

    return this.body('POST', uri, this.mutate(this.pick(bodies), 4));
  }

  upgrade(sid) {
    const key = this.rarely(15) ? 'short' : 'AAAAAAAAAAAAAAAAAAAAAA==';
    const number = this.rarely(15) ? '8' : '13';

    return Buffer.concat([Buffer.from(this.head('GET',
      this.query(sid, 'websocket'), 'Upgrade: websocket\r\n'
      + `Connection: Upgrade\r\nSec-WebSocket-Version: ${number}\r\n`
      + `Sec-WebSocket-Key: ${key}\r\n`)),
      this.rarely(2) ? this.frames() : Buffer.alloc(0)]);
  }

  // A connection for these bytes; then() gives more once the server spoke.

  play(bytes, then) {
    return new Promise((done) => {
      const socket = net.connect(this.port, '127.0.0.1');
      const slow = this.rarely(10);
      const deaf = this.rarely(20);
      const end = () => this.pick([() => socket.end(), () => socket.destroy(),
                                   () => socket.resetAndDestroy()])();
      const timer = setTimeout(() => socket.destroy(),
                               1 + this.random(this.rarely(8) ? LIFE : 60));
      let input = '';
      let turns = this.random(5);

      socket.on('error', () => {});
      socket.on('close', () => {
        clearTimeout(timer);
        done(input);
      });
      socket.on('data', (data) => {
        if (input.length < 65536) {
          input += data.toString('latin1');
        }
        const more = turns > 0 && then && then(input);

        turns -= 1;
        if (more) {
          socket.write(more);
        } else if (this.rarely(3) && !socket.destroyed) {
          end();
        }
      });
      if (deaf) {
        socket.pause();
      }
      if (slow) {
        const at = this.random(bytes.length + 1);
        socket.write(bytes.subarray(0, at));
        setTimeout(() => socket.destroyed
          || socket.write(bytes.subarray(at)), this.random(30));
      } else {
        socket.write(this.rarely(8)
          ? bytes.subarray(0, this.random(bytes.length + 1)) : bytes);
      }
      if (this.rarely(8)) {
        setImmediate(end);
      }
    });
  }

  async session() {
    const input = await this.play(Buffer.from('GET /socket.io/?EIO=4&'
      + 'transport=polling HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'));

    return /"sid":"([\w-]+)"/.exec(input)?.[1] || 'x'.repeat(20);
  }

  // Several connections for one session, in any order.

  async together(sid) {
    const kinds = [() => this.get(sid), () => this.get(sid),
                   () => this.post(sid), () => this.upgrade(sid),
                   () => this.probe(sid)];
    const all = [];

    if (!this.rarely(4)) {
      await this.play(this.body('POST',
        `/socket.io/?EIO=4&transport=polling&sid=${sid}`, Buffer.from('40')));
    }
    for (let n = 1 + this.random(6); n; n--) {
      const bytes = this.pick(kinds)();
      const run = this.play(this.rarely(5)
        ? Buffer.concat([bytes, this.pick(kinds)()]) : bytes,
        () => this.pick([() => this.get(sid), () => this.post(sid),
                         () => this.frames()])());
      all.push(run);
      if (this.rarely(2)) {
        await Promise.race([run, new Promise((go) => setTimeout(go, 5))]);
      }
    }
    await Promise.all(all);
  }

  // An upgrade that is right until some point.

  probe(sid) {
    const steps = ['2probe', '5', '40', '42["any",1]'].map((payload) =>
      frame({ payload, mask: [1, 2, 3, 4] }));

    return Buffer.concat([Buffer.from('GET /socket.io/?EIO=4&transport='
      + `websocket&sid=${sid} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n`
      + 'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
      + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'),
      ...steps.slice(0, this.random(5)),
      ...(this.rarely(3) ? [this.frames()] : [])]);
  }

  async run() {
    switch (this.random(6)) {
      case 0:
        return this.play(this.api(), () => this.api());
      case 1:
        return this.play(this.mutate(this.pick([() => this.get(),
          () => this.post('x'.repeat(20)), () => this.upgrade()])(), 3));
      case 2:
      case 3:
        return this.play(Buffer.concat([Buffer.from(this.upgradeHead()),
          frame({ payload: '40', mask: [1, 2, 3, 4] }), this.frames()]),
          () => this.frames());
      default:
        return this.together(await this.session());
    }
  }

  upgradeHead() {
    return 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\n'
      + 'Upgrade: websocket\r\nConnection: Upgrade\r\n'
      + 'Sec-WebSocket-Version: 13\r\n'
      + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  }
}

module.exports = {
  attack: (port, random) => new Attack(port, random).run(),
};
