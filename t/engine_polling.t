#!/usr/bin/env node
'use strict';

// Engine.IO v4, HTTP long-polling: the facts of the public protocol suite and
// some more, on an engine that echoes.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { RS } = require('./lib/raw');

const errors = {
  transport: { code: 0, message: 'Transport unknown' },
  sid: { code: 1, message: 'Session ID unknown' },
  method: { code: 2, message: 'Bad handshake method' },
  request: { code: 3, message: 'Bad request' },
  version: { code: 5, message: 'Unsupported protocol version' },
};

function refused(t, answer, error, status = 400) {
  t.is(answer.status, status);
  t.match(answer.headers['content-type'], /^application\/json/);
  t.deepIs(answer.json(), errors[error]);
}

// From any place the session is as unknown as a session that never was.

async function gone(t, site, peer) {
  for (let place = 0; place < site.workers; place++) {
    refused(t, await peer.get(place), 'sid');
  }
}

for (const workers of [1, 4]) {
  const name = (text) => `${text}, workers: ${workers}`;
  const fact = (text, run, options) => test(name(text), run, options);
  const polling = { EIO: 4, transport: 'polling' };
  let site;

  fact('nginx starts', async (t) => {
    site = await Site.start({ workers, engine: 'socketio_max_packets 100;' });
    t.is(site.ngx.workers().length, workers);
  });

  fact('the open packet has exactly five keys', async (t) => {
    const { status, headers, body } = await site.engine(polling);

    t.is(status, 200);
    t.is(headers['content-type'], 'text/plain; charset=UTF-8');
    t.is(headers['cache-control'], 'no-store');
    t.is(body[0], '0');

    const open = JSON.parse(body.slice(1));

    t.match(open.sid, /^[\w-]{20}$/);
    t.deepIs(open, { sid: open.sid, upgrades: ['websocket'],
      pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
  });

  fact('other query keys are ignored', async (t) => {
    const { status } = await site.engine({ t: 'abc', ...polling, b64: 1,
                                           j: '%20' });
    t.is(status, 200);
  });

  fact('another version than 4 is refused', async (t) => {
    for (const EIO of ['abc', '3', '', '44']) {
      refused(t, await site.engine({ EIO, transport: 'polling' }), 'version');
    }
    refused(t, await site.engine({ transport: 'polling' }), 'version');
  });

  fact('a missing or unknown transport is refused', async (t) => {
    refused(t, await site.engine({ EIO: 4 }), 'transport');
    refused(t, await site.engine({ EIO: 4, transport: 'abc' }), 'transport');
    refused(t, await site.engine({ EIO: 4, transport: '' }), 'transport');
  });

  fact('only GET opens a session', async (t) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      refused(t, await site.engine(polling, { method, body: '4hello' }),
        'method');
    }

    const head = await site.engine(polling, { method: 'HEAD' });

    t.is(head.status, 400);
    t.is(head.body, '');
  });

  fact('an unknown sid is refused', async (t) => {
    for (const sid of ['abc', 'AAAAAAAAAAAAAAAAAAAA', '%00',
                       'x'.repeat(3000)]) {
      refused(t, await site.engine({ ...polling, sid }), 'sid');
      refused(t, await site.engine({ ...polling, sid },
        { method: 'POST', body: '4a' }), 'sid');
    }
  });

  fact('an empty sid is none', async (t) => {
    t.is((await site.engine({ ...polling, sid: '' })).body[0], '0');
  });

  fact('a session keeps its transport and its version', async (t) => {
    const { sid } = (await site.polling()).query;

    refused(t, await site.engine({ EIO: 4, transport: 'websocket', sid }),
      'request');
    refused(t, await site.engine({ EIO: 3, transport: 'polling', sid }),
      'request');
  });

  fact('a text message is echoed', async (t) => {
    const peer = await site.polling(0);
    const { status, headers, body } = await peer.post('4hello', 1);

    t.is(status, 200);
    t.is(body, 'ok');
    t.is(headers['content-length'], '2');
    t.match(headers['content-type'], /^text\/html/);
    t.is(headers['cache-control'], 'no-store');
    t.is((await peer.get(2)).body, '4hello');
  });

  fact('several messages of one POST come in one answer', async (t) => {
    const peer = await site.polling(0);
    const body = ['4test1', '4test2', '4test3'].join(RS);

    t.is((await peer.post(body, 3)).body, 'ok');
    t.is((await peer.get(1)).body, body);
  });

  fact('a binary message is base64', async (t) => {
    const peer = await site.polling(1);
    const body = `4hello${RS}bAQIDBA==`;

    t.is((await peer.post(body, 0)).body, 'ok');
    t.is((await peer.get(2)).body, body);
  });

  fact('messages of any characters come back as they were', async (t) => {
    const peer = await site.polling(2);
    const body = ['4', '4héé€😀"\\\n\0', '4\u2028', 'b', 'bAA==', 'b////']
      .join(RS);

    t.is((await peer.post(body, 0)).body, 'ok');
    t.is((await peer.get(1)).body, body);
  });

  fact('a message may be as large as a payload', async (t) => {
    const peer = await site.polling(0);
    const body = `4${'x'.repeat(999999)}`;

    t.is((await peer.post(body, 1)).body, 'ok');
    t.is((await peer.get(2)).body, body);
  });

  fact('a chunked POST is a POST', async (t) => {
    const peer = await site.polling(0);

    const { body } = await peer.at(1, { method: 'POST', body: '4chunked',
      headers: { 'transfer-encoding': 'chunked' } });

    t.is(body, 'ok');
    t.is((await peer.get(2)).body, '4chunked');
  });

  fact('an answer holds at most sixteen packets', async (t) => {
    const peer = await site.polling(0);
    const packets = Array.from({ length: 40 }, (_, i) => `4${i}`);

    await peer.post(packets, 1);

    const answers = [await peer.poll(2), await peer.poll(3),
                     await peer.poll(0)];

    t.deepIs(answers.map(({ length }) => length), [16, 16, 8]);
    t.deepIs(answers.flat(), packets);
  });

  fact('a hundred packets of a POST are taken', async (t) => {
    const peer = await site.polling(0);
    const packets = Array.from({ length: 100 }, (_, i) => `4${i}`);

    t.is((await peer.post(packets, 1)).body, 'ok');
    t.deepIs(await peer.messages(100, 2), packets);
  });

  fact('more end the session', async (t) => {
    const peer = await site.polling(0);
    const packets = Array.from({ length: 101 }, (_, i) => `4${i}`);

    refused(t, await peer.post(packets, 1), 'request');
    await gone(t, site, peer);
  });

  for (const [what, body] of [
    ['an unknown packet type', 'abc'], ['a ping of the client', '2'],
    ['an empty POST', ''], ['an empty packet', `4a${RS}${RS}4b`],
    ['bad base64', 'bA*=='], ['invalid UTF-8', Buffer.from([0x34, 0xff])],
    ['truncated UTF-8', Buffer.from([0x34, 0xe2, 0x82])],
  ]) {
    fact(`${what} ends the session`, async (t) => {
      const peer = await site.polling(0);

      refused(t, await peer.post(body, 1), 'request');
      await gone(t, site, peer);
    });
  }

  fact('what came before a bad packet counts', async (t) => {
    const peer = await site.polling(0);
    const { answer } = await peer.hang(1);

    refused(t, await peer.post(`4first${RS}abc`, 2), 'request');
    t.match((await answer).body, new RegExp(`^(4first${RS})?1$|^4first$`));
    await gone(t, site, peer);
  });

  fact('stray pongs, noops and upgrades are ignored', async (t) => {
    const peer = await site.polling(0);

    t.is((await peer.post(['3', '5', '6', '4still'], 1)).body, 'ok');
    t.is((await peer.get(2)).body, '4still');
  });

  fact('application/octet-stream is not of Engine.IO v4', async (t) => {
    const peer = await site.polling(0);

    refused(t, await peer.post('4hello', 1,
      { 'content-type': 'application/octet-stream' }), 'request');
    await gone(t, site, peer);
  });

  fact('a too large POST is 413, and the session lives', async (t) => {
    const peer = await site.polling(0);
    const origin = site.url;
    const { status, headers } = await peer.post('4'.repeat(1000001), 1,
      { origin });

    t.is(status, 413);
    t.is(headers['access-control-allow-origin'], origin);

    t.is((await peer.post('4lives', 1)).body, 'ok');
    t.is((await peer.get(2)).body, '4lives');
  });

  fact('so is a too large chunked one', async (t) => {
    const peer = await site.polling(0);
    const { status } = await peer.at(1, { method: 'POST',
      body: '4'.repeat(1000001),
      headers: { 'transfer-encoding': 'chunked' } });

    t.is(status, 413);
    t.is((await peer.post('4lives', 1)).body, 'ok');
    t.is((await peer.get(2)).body, '4lives');
  });

  fact('other methods with a sid leave the session alone', async (t) => {
    const peer = await site.polling(0);

    await peer.post('4hello', 0);

    for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD']) {
      const answer = await peer.at(1, { method, body: 'abc',
        headers: { origin: site.url } });

      t.is(answer.status, 400, method);
      t.is(answer.headers['access-control-allow-origin'], site.url);
      if (method !== 'HEAD') {
        t.deepIs(answer.json(), { code: 3, message: 'Bad request' });
      }
    }
    t.is((await peer.get(2)).body, '4hello');
  });

  fact('a GET waits for a message', async (t) => {
    const peer = await site.polling(0);
    const { answer } = await peer.hang(1);

    t.is((await peer.post('4late', 2)).body, 'ok');
    t.is((await answer).body, '4late');
  });

  fact('a second GET ends the session', async (t) => {
    const peer = await site.polling(0);
    const { answer } = await peer.hang(1);

    refused(t, await peer.get(2), 'request');

    const { status, body } = await answer;

    t.is(status, 200);
    t.is(body, '1');
    await gone(t, site, peer);
  });

  fact('the farewell of a client ends a waiting GET', async (t) => {
    const peer = await site.polling(0);
    const { answer } = await peer.hang(1);

    t.is((await peer.post('1', 2)).body, 'ok');

    const { status, body } = await answer;

    t.is(status, 200);
    t.is(body, '6');
    await gone(t, site, peer);
  });

  fact('after a farewell the session is unknown', async (t) => {
    const peer = await site.polling(0);

    t.is((await peer.post(['4a', '1', '4b'], 1)).body, 'ok');
    await gone(t, site, peer);
  });

  fact('a GET that is given up ends the session', async (t) => {
    for (const place of [0, 1]) {
      const peer = await site.polling(0);
      const socket = await site.socket(place);
      const query = new URLSearchParams(peer.query);

      await new Promise((sent) => socket.write(`GET ${site.path}?${query} `
        + 'HTTP/1.1\r\nHost: localhost\r\n\r\n', sent));
      await site.settle(place, 0);
      socket.destroy();
      await site.settle(place, 0);

      await gone(t, site, peer);
    }
  });

  fact('a POST that stays incomplete hinders nothing', async (t) => {
    const peer = await site.polling(0);
    const socket = await site.socket(1);
    const query = new URLSearchParams(peer.query);

    await new Promise((sent) => socket.write(`POST ${site.path}?${query} `
      + 'HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n4ha', sent));
    await site.settle(1);
    socket.destroy();

    t.is((await peer.post('4whole', 2)).body, 'ok');
    t.is((await peer.get(3)).body, '4whole');
  });

  fact('POSTs that overlap do not mix', async (t) => {
    const peer = await site.polling(0);
    const all = Array.from({ length: 20 }, (_, i) =>
      Array.from({ length: 20 }, (_, k) => `4${i}.${k}`));

    const answers = await Promise.all(all.map((packets, i) =>
      peer.post(packets, i)));

    t.ok(answers.every(({ body }) => body === 'ok'));

    const got = await peer.messages(400, 1);

    for (let i = 0; i < 20; i++) {
      const [first] = got.slice(i * 20, i * 20 + 1);
      t.deepIs(got.slice(i * 20, i * 20 + 20),
        all.find((packets) => packets[0] === first));
    }
  });

  fact('a thousand messages come in order', async (t) => {
    const peer = await site.polling(0);
    const got = [];
    const sending = (async () => {
      for (let i = 0; i < 100; i++) {
        await peer.post(Array.from({ length: 10 }, (_, k) =>
          `4${i * 10 + k}`), i);
      }
    })();

    for (let i = 1; got.length < 1000; i++) {
      got.push(...await peer.messages(1, i));
    }
    await sending;
    t.deepIs(got, Array.from({ length: 1000 }, (_, i) => `4${i}`));
  });

  fact('bodies and answers may go through files', async (t) => {
    const other = await Site.start({ workers,
      engine: 'client_body_buffer_size 1k; client_body_in_file_only clean;' });
    const peer = await other.polling(0);
    const body = Array.from({ length: 16 }, (_, i) =>
      `4${String(i).repeat(9999)}`).join(RS);

    t.is((await peer.post(body, 1)).body, 'ok');
    t.is((await peer.get(2)).body, body);
  });

  if (workers > 1) {
    fact('requests were forwarded to the owner', async (t) => {
      t.ok(await site.count('forwarded') > 20);
    });
  }
}
