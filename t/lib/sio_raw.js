'use strict';

// A Socket.IO client in a few lines over RawWs or Polling: it answers pings
// and hands out packets as they came, in order.  What it sends goes out in
// order too, one POST after another, also while it upgrades.

const { RawWs, Polling, Inbox } = require('./raw');

function decode(text) {
  const [, type, count, , nsp, id, json] =
    /^(\d)(?:(\d+)-)?((\/[^,]*),?)?(\d+)?(.*)$/s.exec(text);

  return { type: Number(type), attachments: Number(count || 0),
           nsp: nsp || '/', id: id === undefined ? undefined : Number(id),
           data: json ? JSON.parse(json) : undefined, binary: [] };
}

class SioRaw {
  // transport: websocket or polling.  Resolves when nsp is joined; with
  // join: false, when the engine is open.  mute: no ping is answered.  last: a
  // text; with polling, no GET follows the answer that has it: so it may have
  // been lost.

  static async connect(port, { transport = 'websocket', nsp = '/', auth,
                               join = true, mute, last, ...options } = {}) {
    const sio = new SioRaw();

    sio.mute = mute;
    sio.last = last;
    sio.port = port;
    if (transport === 'websocket') {
      sio.ws = await RawWs.connect(port, options);
      if (sio.ws.status !== 101) {
        throw new Error(`websocket: ${sio.ws.status}`);
      }
      sio.open = JSON.parse((await sio.ws.nextMessage()).slice(1));
      sio.readFrames();
    } else {
      sio.polling = new Polling(port, options);
      sio.open = await sio.polling.open();
      sio.polls = sio.readPolls();
    }

    if (join) {
      await sio.join(nsp, auth).catch((error) => {
        sio.close();
        throw error;
      });
    }

    return sio;
  }

  packets = new Inbox();
  order = Promise.resolve();
  pings = 0;

  async readFrames() {
    try {
      for (;;) {
        await this.take(await this.ws.nextMessage(0x7fffffff));
      }
    } catch (error) {
      this.packets.end(error);
    }
  }

  async readPolls() {
    try {
      while (!this.paused) {
        const packets = await this.polling.poll();

        if (this.last && packets.some((packet) => packet.includes(this.last))) {
          this.paused = true;
        }
        for (const packet of packets) {
          await this.take(packet);
        }
      }
    } catch (error) {
      this.packets.end(error);
    }
  }

  async take(message) {
    if (message === '2') {
      this.pings += 1;
      if (!this.mute) {
        this.send('3').catch((error) => this.packets.end(error));
      }
      return;
    }

    if (message[0] === '1') {
      throw new Error('the engine is closed');
    }

    if (Buffer.isBuffer(message)) {
      this.partial.binary.push(message);
    } else if (message[0] === '4') {
      this.partial = decode(message.slice(1));
    } else {
      return;
    }

    if (this.partial.binary.length === this.partial.attachments) {
      this.packets.put(this.partial);
    }
  }

  // Engine.IO packets: text with its type digit, or a Buffer.

  send(...packets) {
    const sent = this.order.then(() => this.transmit(packets));

    this.order = sent.catch(() => null);

    return sent;
  }

  async transmit(packets) {
    if (this.polling) {
      const { status, body } = await this.polling.post(packets);

      if (status !== 200) {
        throw new Error(`post: ${status} ${body}`);
      }
      return;
    }

    for (const payload of packets) {
      await this.ws.sendFrame({ payload,
        opcode: Buffer.isBuffer(payload) ? 2 : 1 });
    }
  }

  // From polling to WebSocket: probe, let the last poll and post end, go over.

  async upgrade(options) {
    const { sid } = this.polling.query;
    const ws = await RawWs.connect(this.port, { query: { sid }, ...options });

    await ws.sendText('2probe');
    if (await ws.nextMessage() !== '3probe') {
      throw new Error('no answer to the probe');
    }

    this.paused = true;
    await this.polls;

    this.order = this.order.then(async () => {
      this.polling.close();
      this.polling = null;
      this.ws = ws;
      await ws.sendText('5');
    });
    await this.order;
    this.readFrames();
  }

  async join(nsp = '/', auth) {
    const prefix = nsp === '/' ? '' : `${nsp},`;

    await this.send(`40${prefix}${auth ? JSON.stringify(auth) : ''}`);
    const packet = await this.packets.next(`the answer for ${nsp}`);

    if (packet.type !== 0) {
      const error = new Error(packet.data?.message || 'not connected');
      throw Object.assign(error, { packet });
    }
    this.id = packet.data.sid;

    return packet;
  }

  // An event of the main namespace, or of { nsp, id } given first.

  event(...args) {
    const { nsp = '/', id = '' } = typeof args[0] === 'object'
      ? args.shift() : {};
    const binary = [];
    const json = JSON.stringify(args, (_, value) => {
      if (value && value.type === 'Buffer' && Array.isArray(value.data)) {
        binary.push(Buffer.from(value.data));
        return { _placeholder: true, num: binary.length - 1 };
      }
      return value;
    });
    const type = binary.length ? `5${binary.length}-` : '2';

    return this.send(`4${type}${nsp === '/' ? '' : `${nsp},`}${id}${json}`,
      ...binary);
  }

  // { type, nsp, id, data, binary }

  next(timeout) {
    return this.packets.next('a packet', timeout);
  }

  // The next packet must be an event: its name and arguments.

  async nextEvent(timeout) {
    const { type, data } = await this.next(timeout);

    if (type !== 2 && type !== 5) {
      throw new Error(`a packet of type ${type}: ${JSON.stringify(data)}`);
    }

    return data;
  }

  close() {
    this.paused = true;
    (this.ws || this.polling).close();
  }
}

module.exports = { SioRaw };
