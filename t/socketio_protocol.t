#!/usr/bin/env node
'use strict';

// Socket.IO v5: the facts of the public protocol suite, over both transports,
// packet by packet.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { Inbox } = require('./lib/raw');

const app = `
    namespace / {
        authenticate none;
        on connect          { emit auth to self with $auth; }
        on message          { emit message-back to self with $args; }
        on message-with-ack { ack $args; }
    }
    namespace /custom {
        authenticate none;
        on connect          { emit auth to self with $auth; }
    }`;

// Packets as they come and go, whatever carries them.  Over polling each
// request goes to the next worker.

class WebSocketWire {
  static async open(site) {
    const wire = new WebSocketWire();
    wire.ws = await site.opened(1);
    wire.sid = wire.ws.open.sid;
    return wire;
  }

  async send(...packets) {
    for (const payload of packets) {
      await this.ws.sendFrame({ payload,
        opcode: Buffer.isBuffer(payload) ? 2 : 1 });
    }
  }

  next() {
    return this.ws.nextMessage();
  }

  async closed() {
    await this.ws.closeCode();
  }

  end() {
    this.ws.close();
  }
}

class PollingWire {
  static async open(site) {
    const wire = new PollingWire();
    wire.peer = await site.polling(0);
    wire.sid = wire.peer.query.sid;
    wire.read();
    return wire;
  }

  inbox = new Inbox();
  place = 0;

  async read() {
    try {
      for (let i = 1; ; i++) {
        for (const packet of await this.peer.poll(i)) {
          if (packet === '1') {
            throw new Error('closed');
          }
          this.inbox.put(packet);
        }
      }
    } catch (error) {
      this.inbox.end(error);
    }
  }

  send(...packets) {
    return this.peer.post(packets, this.place++);
  }

  next() {
    return this.inbox.next();
  }

  async closed() {
    try {
      for (;;) {
        await this.inbox.next();
      }
    } catch (error) {
      if (!/closed|poll: 400/.test(error.message)) {
        throw error;
      }
    }
  }

  end() {
    return this.peer.post('1');
  }
}

for (const workers of [1, 2, 4]) {
  let site;

  test(`nginx starts, workers: ${workers}`, async () => {
    site = await Site.start({ workers, app, path: '/socket.io/', server: `
      location /quick/ { socketio campus; socketio_ping_interval 1500ms;
                         socketio_ping_timeout 10s; }
      location /never/ { socketio campus; socketio_connect_timeout 1s; }` });
  });

  for (const Wire of [WebSocketWire, PollingWire]) {
    const kind = Wire === PollingWire ? 'polling' : 'websocket';

    const fact = (text, run, path = '/socket.io/') =>
      test(`${text}, ${kind}, workers: ${workers}`, async (t) => {
        site.path = path;
        const wire = await Wire.open(site);

        t.open = async (nsp = '', auth = '') => {
          await wire.send(`40${nsp}${auth}`);
          const [, got, json] = /^40(\/[^,]*,)?(.*)$/.exec(await wire.next());
          const answer = JSON.parse(json);

          t.is(got || '', nsp);
          t.deepIs(Object.keys(answer), ['sid']);
          t.match(answer.sid, /^[\w-]{20}$/);
          t.ok(answer.sid !== wire.sid);
          t.is(await wire.next(), `42${nsp}["auth",${auth || '{}'}]`);
        };

        await run(t, wire);
        await wire.end();
        site.path = '/socket.io/';
      });

    fact('the main namespace is joined', (t) => t.open());

    fact('with an auth payload', (t) => t.open('', '{"token":"123"}'));

    fact('a custom namespace is joined', (t) => t.open('/custom,'));

    fact('with an auth payload there', (t) =>
      t.open('/custom,', '{"token":"abc"}'));

    fact('an auth payload comes back as it was', (t) =>
      t.open('', '{"a":[1.50,{"b":null}],"é":"\\u00e9\\n","n":1e400}'));

    fact('"/" and "" are the main namespace', async (t, wire) => {
      await wire.send('40/');
      t.match(await wire.next(), /^40\{"sid":"[\w-]{20}"\}$/);
    });

    fact('an unknown namespace is refused', async (t, wire) => {
      await wire.send('40/random');
      t.is(await wire.next(),
        '44/random,{"message":"Invalid namespace"}');
      await wire.send('40/other,{"a":1}');
      t.is(await wire.next(), '44/other,{"message":"Invalid namespace"}');
      await t.open();
    });

    fact('a query does not belong to the name', async (t, wire) => {
      await wire.send('40/custom?a=b,');
      t.match(await wire.next(), /^40\/custom,\{"sid"|^44\/custom/);
    });

    fact('both namespaces are used side by side', async (t, wire) => {
      await t.open('/custom,');
      await t.open();
      await wire.send('42["message","main"]');
      t.is(await wire.next(), '42["message-back","main"]');
    });

    fact('after a disconnect the others go on', async (t, wire) => {
      await t.open();
      await t.open('/custom,');
      await wire.send('41/custom');
      await wire.send('42["message","message to main namespace"]');
      t.is(await wire.next(),
        '42["message-back","message to main namespace"]');
      await t.open('/custom,');
    });

    fact('after the last disconnect the connection stays', async (t, wire) => {
      await t.open();
      await wire.send('41');
      await t.open();
      await wire.send('41');
      await t.open('/custom,');
    });

    fact('a text event is echoed', async (t, wire) => {
      await t.open();
      await wire.send('42["message",1,"2",{"3":[true]}]');
      t.is(await wire.next(), '42["message-back",1,"2",{"3":[true]}]');
    });

    fact('a binary event is echoed', async (t, wire) => {
      const rest = '{"_placeholder":true,"num":0},'
        + '{"_placeholder":true,"num":1}]';
      const parts = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];

      await t.open();
      await wire.send(`452-["message",${rest}`, ...parts);
      t.is(await wire.next(), `452-["message-back",${rest}`);
      t.deepIs(await wire.next(), parts[0]);
      t.deepIs(await wire.next(), parts[1]);
    });

    fact('parts of a binary event may come in several requests',
      async (t, wire) => {
        const rest = '{"_placeholder":true,"num":0},'
          + '{"_placeholder":true,"num":1}]';

        await t.open();
        await wire.send(`452-["message",${rest}`);
        await wire.send(Buffer.from([1]));
        await wire.send(Buffer.alloc(0));
        t.is(await wire.next(), `452-["message-back",${rest}`);
        t.deepIs(await wire.next(), Buffer.from([1]));
        t.deepIs(await wire.next(), Buffer.alloc(0));
      });

    fact('an event is acked', async (t, wire) => {
      await t.open();
      await wire.send('42456["message-with-ack",1,"2",{"3":[false]}]');
      t.is(await wire.next(), '43456[1,"2",{"3":[false]}]');
    });

    fact('a binary event is acked', async (t, wire) => {
      const rest = '{"_placeholder":true,"num":0},'
        + '{"_placeholder":true,"num":1}]';
      const parts = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];

      await t.open();
      await wire.send(`452-789["message-with-ack",${rest}`, ...parts);
      t.is(await wire.next(), `462-789[${rest}`);
      t.deepIs(await wire.next(), parts[0]);
      t.deepIs(await wire.next(), parts[1]);
    });

    fact('an event without a rule is refused', async (t, wire) => {
      await t.open();
      await wire.send('42["nobody",1]');
      await wire.send('4212["nobody",1]');

      const answer = await wire.next();
      t.match(answer, /^4312\[\{.*\}\]$/);
      t.is(JSON.parse(answer.slice(4))[0].code, 'unknown_event');
    });

    fact('a rule without an ack acks with null', async (t, wire) => {
      await t.open();
      await wire.send('420["message","x"]');
      t.is(await wire.next(), '42["message-back","x"]');
      t.is(await wire.next(), '430[null]');
    });

    fact('an unknown ack is ignored', async (t, wire) => {
      await t.open();
      await wire.send('4399["x"]', '42["message",1]');
      t.is(await wire.next(), '42["message-back",1]');
    });

    for (const packet of ['4abc', '42["message"]', '41', '4', '430[]',
                          '44{"message":"x"}', '49', '40,', '40[]', '40"x"']) {
      fact(`${packet} before the connect closes`, async (t, wire) => {
        await wire.send(packet);
        await wire.closed();
        t.ok(true);
      });
    }

    for (const packet of ['4abc', '42{}', '42abc["message-with-ack",1]',
      '42', '42[]', '42[{}]', '42[null]', '42["message",]', '42["message"',
      '42["connect"]', '42["connect_error"]', '42["disconnect"]',
      '42["disconnecting"]', '42["newListener"]', '42["removeListener"]',
      '43[]x', '431{}', '44{"message":"x"}', '40', '42/custom,["message"]',
      '42/none,["message"]', '45["message"]', '450-["message"]',
      '4511-["message"]', '451-["message",{"_placeholder":true,"num":1}]',
      '47', '4', '42["message","\\ud800"', '42["message","\n"]']) {
      fact(`${JSON.stringify(packet)} closes`, async (t, wire) => {
        await t.open();
        await wire.send(packet, ...(packet.startsWith('451-')
          ? [Buffer.from([1])] : []));
        await wire.closed();
        t.ok(true);
      });
    }

    fact('text while binary is due closes', async (t, wire) => {
      await t.open();
      await wire.send('451-["message",{"_placeholder":true,"num":0}]',
        '42["message"]');
      await wire.closed();
      t.ok(true);
    });

    fact('binary that is not due closes', async (t, wire) => {
      await t.open();
      await wire.send(Buffer.from([1]));
      await wire.closed();
      t.ok(true);
    });

    fact('who joins no namespace in time is closed', async (t, wire) => {
      await wire.closed();
      t.ok(true);
    }, '/never/');

    fact('so is who tries a wrong one', async (t, wire) => {
      await wire.send('40/random');
      t.is(await wire.next(), '44/random,{"message":"Invalid namespace"}');
      await wire.closed();
    }, '/never/');

    fact('a disconnect leaves the heartbeat', async (t, wire) => {
      await t.open();
      await wire.send('41');
      t.is(await wire.next(), '2');
      await wire.send('3');
      await t.open('/custom,');
    }, '/quick/');
  }

  if (workers > 1) {
    test(`requests were forwarded, workers: ${workers}`, async (t) => {
      t.ok(await site.count('forwarded') > 50);
    });
  }
}
