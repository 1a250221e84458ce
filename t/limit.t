#!/usr/bin/env node
'use strict';

// socketio_limit, socketio_limit_conn, socketio_slow_consumer: what clients
// may cost, and what they are told.  The rates are so low that a slow machine
// sees no bucket leak.

const { test } = require('./lib/tap');
const { Site } = require('./lib/site');
const { Nginx } = require('./lib/nginx');
const { RS } = require('./lib/raw');
const { until } = require('./lib/wait');

const LIMITED = { code: 'rate_limited', message: 'too many packets' };

const app = `
  namespace / { authenticate none;
    on connect { join all; }
    on say     { emit said to all with $args; ack null; }
    on volatile { emit many to all volatile; }
    on whoami  { ack $pid; }
    on "*"     { ack null; } }
  namespace /other { authenticate none; on "*" { ack null; } }`;

const limited = (name, text) => `
  location /${name}/ { socketio campus; ${text} }`;

for (const workers of [1, 4]) {
  const fact = (text, run, options) =>
    test(`${text}, workers: ${workers}`, run, options);
  let site;

  const client = (name, place = 0, options = {}) => site.sio(place,
    { transport: 'websocket', path: `/${name}/`, ...options });

  // The acks of n events, in order.

  const acks = async (sio, n, ...args) => {
    for (let id = 0; id < n; id++) {
      await sio.event({ id }, 'x', ...args);
    }
    const all = [];
    while (all.length < n) {
      const { type, id, data } = await sio.next();
      if (type === 3) {
        all[id] = data[0];
      }
    }
    return all;
  };

  const open = (name, key, place = 0) => site.request(
    `/${name}/?EIO=4&transport=polling&k=${key}`, { place });

  fact('nginx starts', async () => {
    site = await Site.start({ workers, app, server: `
      socketio_limit_log_level error;
      ${limited('packets', 'socketio_limit rate=1r/m burst=5;')}
      ${limited('bytes', 'socketio_limit bytes=1/s bytes_burst=2k;')}
      ${limited('close', 'socketio_limit rate=1r/m burst=5 close;')}
      ${limited('trial', `socketio_limit rate=1r/m burst=5;
        socketio_limit_conn 1 key=$arg_k; socketio_limit_dry_run on;`)}
      ${limited('conn', 'socketio_limit_conn 2 key=$arg_k;')}
      ${limited('third', 'socketio_limit_conn 3 key=$arg_k;')}
      ${limited('fast', `socketio_limit_conn rate=1r/m burst=2 key=f$arg_k;
        socketio_limit_status 503;`)}
      ${limited('both', `socketio_limit_conn 100;
        socketio_limit_conn 1 key=both:$arg_k;`)}
      ${limited('drop', `socketio_slow_consumer drop; socketio_buffer 64k;
        socketio_ping_interval 1h;`)}` });
  });

  for (const transport of ['websocket', 'polling']) {
    fact(`${transport}: what is above is acked by an error`, async (t) => {
      const before = await site.count('limit_packets');
      const sio = await client('packets', 0, { transport });
      const all = await acks(sio, 12);

      // CONNECT was the first of six

      t.deepIs(all.slice(0, 5), Array(5).fill(null));
      t.deepIs(all.slice(5), Array(7).fill(LIMITED));
      t.is(await site.count('limit_packets'), before + 7);
      sio.close();
    });
  }

  fact('a connection counts for itself', async (t) => {
    const [one, two] = [await client('packets'), await client('packets')];
    const all = await Promise.all([acks(one, 5), acks(two, 5)]);

    t.deepIs(all, [Array(5).fill(null), Array(5).fill(null)]);
    one.close();
    two.close();
  });

  fact('CONNECT is refused by an error, DISCONNECT is taken', async (t) => {
    const sio = await client('packets');

    await acks(sio, 6);
    const { packet } = await sio.join('/other').then(() => ({}), (e) => e);
    t.is(packet.type, 4);
    t.deepIs(packet.data, { message: 'too many packets', data: LIMITED });

    const sockets = await site.count('sockets');
    await sio.send('41');
    await until(async () => await site.count('sockets') === sockets - 1);
    sio.close();
  });

  fact('attachments go with what was refused', async (t) => {
    const sio = await client('packets');

    await acks(sio, 5);
    await sio.event({ id: 50 }, 'x', Buffer.alloc(3), Buffer.alloc(4));
    await sio.event({ id: 51 }, 'x', Buffer.alloc(3));
    t.deepIs((await sio.next()).data, [LIMITED]);
    const last = await sio.next();
    t.is(last.id, 51);
    t.deepIs(last.data, [LIMITED]);
    sio.close();
  });

  fact('what is no packet closes, refused or not', async (t) => {
    const sio = await client('packets');

    await acks(sio, 6);
    await sio.send('42/nowhere,["x"]');
    await sio.ws.closeCode();

    const other = await client('packets');
    await acks(other, 6);
    await other.send('4garbage');
    await other.ws.closeCode();
    t.ok(true);
  });

  fact('bytes: a long packet is a debt', async (t) => {
    const sio = await client('bytes');

    t.deepIs(await acks(sio, 1, 'x'.repeat(5000)), [null]);
    t.deepIs(await acks(sio, 2), [LIMITED, LIMITED]);
    sio.close();
  });

  fact('close: the session ends, for polling too', async (t) => {
    const ws = await client('close');

    for (let i = 0; i < 6; i++) {
      await ws.event('x');
    }
    t.is(await ws.ws.closeCode(), 1008);

    const peer = await site.polling(0, { path: '/close/' });
    const { status } = await peer.post(['40', ...Array(7).fill('42["x"]')]);
    t.is(status, 200);
    const packets = await peer.poll();
    t.match(packets[0], /^40/);
    t.is(packets.at(-1), '1');
  });

  fact('a dry run refuses nothing', async (t) => {
    const before = await site.count('limit_dry_run');
    const sio = await client('trial', 0, { query: { k: 'dry' } });

    t.deepIs(await acks(sio, 8), Array(8).fill(null));
    t.is(await site.count('limit_dry_run'), before + 3);
    for (let i = 0; i < 3; i++) {
      t.is((await open('trial', 'dry', i)).status, 200);
    }
    t.is(await site.count('limit_dry_run'), before + 6);
    t.match(site.ngx.log(), /\[error\].* limiting connections, dry run, by/);
    sio.close();
  });

  fact('connections of a key are counted by all workers', async (t) => {
    const before = await site.count('limit_connections');
    const one = await client('conn', 0, { query: { k: 'a' } });
    const two = await client('conn', 1, { query: { k: 'a' } });

    for (let place = 0; place < workers; place++) {
      const { status, headers, body } = await open('conn', 'a', place);
      t.is(status, 429);
      t.is(headers['retry-after'], '1');
      t.deepIs(JSON.parse(body), { code: 'rate_limited',
                                   message: 'Too many connections' });
      const ws = await site.ws(place, { path: '/conn/', query: { k: 'a' } });
      t.is(ws.status, 429);
      ws.close();
    }
    t.is(await site.count('limit_connections'), before + 2 * workers);

    // another location counts the same sessions, and allows more of them

    t.is((await open('third', 'a')).status, 200);
    t.is((await open('third', 'a')).status, 429);
    t.is((await open('conn', 'b')).status, 200, 'another value');
    t.is((await open('conn', '')).status, 200, 'no value');

    one.close();
    two.close();
    await until(async () => (await open('third', 'a')).status === 200,
      { what: 'who goes makes room' });
    t.match(site.ngx.log(), /\[error\].* limiting connections by "\$arg_k"/);
  });

  fact('a session counts once, also when it moves', async (t) => {
    const sio = await client('conn', 0, { transport: 'polling',
                                          query: { k: 'moves' } });

    await sio.upgrade({ path: '/conn/', socket: await site.socket(1),
      query: { sid: sio.polling.query.sid } });
    t.is((await acks(sio, 1))[0], null);
    const second = await until(async () => {
      const { status, body } = await open('conn', 'moves');
      return status === 200 && JSON.parse(body.slice(1)).sid;
    }, { what: 'there is room for one more' });
    t.is((await open('conn', 'moves', 2)).status, 429);

    sio.close();
    await until(async () => (await open('conn', 'moves', 1)).status === 200);
    t.ok(second);
  });

  fact('two keys, one of them full', async (t) => {
    t.is((await open('both', 'x')).status, 200);
    t.is((await open('both', 'x')).status, 429);
    t.is((await open('both', 'y')).status, 200);
  });

  fact('new connections come no faster than they may', async (t) => {
    const all = [];

    for (let i = 0; i < 5; i++) {
      all.push((await open('fast', 'r', i)).status);
    }
    t.deepIs(all, [200, 200, 200, 503, 503]);
    t.is((await open('fast', 's')).status, 200);
    t.match(site.ngx.log(), /limiting new connections by "f\$arg_k"/);
  });

  fact('a killed worker counts for nothing', async (t) => {
    for (let place = 0; place < 2; place++) {
      t.is((await open('conn', 'killed', 0)).status, 200);
    }
    t.is((await open('conn', 'killed', 1)).status, 429);

    const [pid] = site.ngx.workers();
    site.ngx.kill(pid);
    await until(() => site.ngx.workers().length === workers
      && !site.ngx.workers().includes(pid));
    await until(async () => (await site.ngx.get(
      '/conn/?EIO=4&transport=polling&k=killed')).status === 200);
    site.agents.forEach((agent) => agent.destroy());
    site.agents.clear();
    site.spare.splice(0);
  });

  fact('a reload keeps the count', async (t) => {
    const sio = await client('conn', 0, { query: { k: 'reload' } });
    const get = () => site.ngx.get(
      '/conn/?EIO=4&transport=polling&k=reload');

    t.is((await get()).status, 200);
    await site.ngx.reload();
    t.is((await get()).status, 429);
    sio.close();
    await until(async () => (await get()).status === 200);
  });

  fact('drop: a slow consumer loses events, and nothing else', async (t) => {
    const before = await site.count('slow_events');
    const peer = await site.polling(0, { path: '/drop/' });
    const text = 'x'.repeat(5000);

    await peer.post('40');
    await peer.poll();

    const sio = await site.sio(1, { transport: 'websocket' });
    for (let n = 0; n < 30; n++) {
      await sio.event({ id: n }, 'say', n, text);
    }
    for (let acked = 0; acked < 30;) {
      acked += (await sio.next()).type === 3;
    }
    await until(async () => await site.count('slow_events') > before);

    // acks of its own, and the answer to another CONNECT, go all the same

    const many = Array.from({ length: 100 }, (_, id) => `42${id}["x"]`);
    t.is((await peer.post([...many, '40/other,'])).body, 'ok');

    const got = [];
    while (!got.some((packet) => packet.startsWith('40/other'))) {
      got.push(...await peer.poll());
    }
    const said = got.filter((packet) => packet.startsWith('42["said"'))
      .map((packet) => JSON.parse(packet.slice(2))[1]);

    t.ok(said.length > 3 && said.length < 30, `${said.length} of 30`);
    t.deepIs(said, said.map((_, i) => i), 'the first ones, without a gap');
    t.is(got.filter((packet) => packet.startsWith('43')).length, 100);
    t.is(await site.count('slow_events'), before + 30 - said.length);

    // it is served again

    await sio.event('say', 'again');
    t.deepIs(await peer.messages(1), ['42["said","again"]']);
    sio.close();
  });

  fact('drop: what must come has a bound too', async (t) => {
    const slow = await site.count('slow');
    const peer = await site.polling(0, { path: '/drop/' });
    const acks = Array(100).fill(`42${'9'.repeat(15)}["x"]`).join(RS);
    let status;

    await peer.post('40');
    await peer.poll();
    for (let posts = 0; status !== 400 && posts < 200; posts++) {
      ({ status } = await peer.post(acks));
    }
    t.is(status, 400);
    await until(async () => await site.count('slow') === slow + 1);
  });
}

test('what is wrong is told with its line', (t) => {
  const wrong = {
    'socketio_limit rate=100;': /"rate=100" is not one rate/,
    'socketio_limit rate=0r/s;': /is not one rate/,
    'socketio_limit burst=5;': /has a burst without its rate/,
    'socketio_limit close;': /needs "rate=" or "bytes="/,
    'socketio_limit bytes=1m;': /"bytes=1m" is not one rate of 1 byte/,
    'socketio_limit bytes=2000m/s;': /is not one rate of 1 byte/,
    'socketio_limit bytes=1k/s bytes_burst=9g;': /is not a size of up to/,
    'socketio_limit rate=1r/s burst=x;': /is not a burst/,
    'socketio_limit rate=1r/s key=$x;': /unexpected "key=\$x"/,
    'socketio_limit off; socketio_limit rate=1r/s;': /is duplicate/,
    'socketio_limit_conn 0;': /is not one number of connections/,
    'socketio_limit_conn 5 6;': /is not one number of connections/,
    'socketio_limit_conn key=$remote_addr;': /needs a number of connections/,
    'socketio_limit_conn 5 burst=5;': /has a burst without its rate/,
    'socketio_limit_conn 5 burst=0;': /has a burst without its rate/,
    'socketio_limit_conn 5 key=x;': /"key=x" has no variable/,
    'socketio_limit_conn 5 key=$nothing;': /unknown "nothing" variable/,
    'socketio_limit_conn 5; socketio_limit_conn 6;': /the key of another/,
    'socketio_limit_conn off; socketio_limit_conn 6;': /beside "socketio_l/,
    'socketio_limit_status 200;': /must be (?:equal to or greater|between)/,
    'socketio_limit_log_level debug;': /invalid value "debug"/,
    'socketio_slow_consumer wait;': /invalid value "wait"/,
    'socketio_limit_dry_run maybe;': /it must be "on" or "off"/,
  };

  for (const [text, message] of Object.entries(wrong)) {
    const { ok, output } = Nginx.check({ server: text });
    t.ok(!ok, text);
    t.match(output, message);
    t.match(output, /nginx\.conf:\d+|unknown "nothing"/);
  }
  t.ok(Nginx.check({ http: 'socketio_limit rate=1r/m;',
    server: 'socketio_limit off; socketio_limit_conn 5 rate=1r/s;' }).ok);
});
