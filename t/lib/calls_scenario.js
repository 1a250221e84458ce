'use strict';

// What our API asks of all hosts: two nginx hosts and two of Node's servers in
// one cluster, with one client each; every call is made on both sides.
//
//   callsScenario({ workers: 3, adapter: 'classic' });

const { test } = require('./tap');
const { Redis } = require('./redis');
const { connect, once, ask } = require('./clients');
const { until } = require('./wait');

const app = `
  namespace / {
    authenticate insecure user=$auth.name;

    on join { join $data; ack null; }

    on server:add    { expect $.a integer; ack '{"sum": $.a}';
                       emit said to all with '{"a": $.a}'; }
    on server:say:*  { emit said to all with '"$event"' $args; }
  }`;

const sorted = (list) => [...list].sort();

// A host as the tests see it, of either kind.

class Host {
  constructor(server) {
    Object.assign(this, { server, nginx: !server.io });
  }

  connect(name) {
    return connect(this.server, { auth: { name } });
  }

  async api(name, body) {
    const answer = await this.server.get(`/api/${name}`, body && {
      method: 'POST', body: JSON.stringify(body) });

    return answer.json();
  }
}

function prepare(node) {
  node.io.on('connection', (socket) => {
    socket.join(`user:${socket.handshake.auth.name}`);
    socket.on('join', (room, done) => { socket.join(room); done(null); });
  });

  node.heard = [];
  node.io.on('add', ({ a }, done) => done({ sum: a }));
  node.io.on('say:it', (...args) => node.heard.push(args));

  return node;
}

function callsScenario({ workers, adapter }) {
  const params = adapter === 'classic' ? '' : `adapter=${adapter}`;
  const fact = (text, run) =>
    test(`${adapter}: ${text}, workers: ${workers}`, run);
  const names = ['ann', 'bob', 'cid', 'dan'];
  const nginx = () => hosts.filter((host) => host.nginx);
  const nodes = () => hosts.filter((host) => !host.nginx);
  let redis, hosts, sockets;

  fact('hosts are joined', async (t) => {
    redis = await Redis.start();
    hosts = [
      new Host(await redis.nginx({ app, workers, params })),
      new Host(await redis.nginx({ app, workers, params })),
      new Host(prepare(await redis.node({ adapter }))),
      new Host(prepare(await redis.node({ adapter }))),
    ];
    sockets = await Promise.all(hosts.map((host, n) =>
      host.connect(names[n])));

    for (const [n, socket] of sockets.entries()) {
      await ask(socket, 'join', 'all');
      await ask(socket, 'join', n % 2 ? 'odd' : 'even');
    }
    await redis.counted(4, adapter);
    t.ok(true);
  });

  fact('the lists of our API', async (t) => {
    for (const host of nginx()) {
      const { rooms } = await host.api('rooms');

      t.deepIs(rooms, [{ room: 'all', sockets: 4 },
        { room: 'even', sockets: 2 }, { room: 'odd', sockets: 2 }]);

      const users = await host.api('rooms?prefix=user:&limit=3');

      t.deepIs(users.rooms.map(({ room }) => room),
        ['user:ann', 'user:bob', 'user:cid']);
      t.is(users.next, 'user:cid');

      const all = await host.api('rooms/all');

      t.deepIs([all.sockets, all.users, all.partial], [4, 4, undefined]);
      t.deepIs(all.members.map(({ socket, user }) => `${socket} ${user}`),
        sorted(sockets.map(({ id }, n) => `${id} ${names[n]}`)));

      const page = await host.api('rooms/all?limit=3');
      const rest = await host.api(`rooms/all?limit=3&after=${page.next}`);

      t.is(page.members.length, 3);
      t.is(page.sockets, 4);
      t.deepIs([...page.members, ...rest.members], all.members);

      for (const [n, { id }] of sockets.entries()) {
        const user = await host.api(`users/${names[n]}`);
        const socket = await host.api(`sockets/${id}`);

        t.deepIs([user.online, user.sockets.map((s) => s.id)], [true, [id]]);
        t.is(socket.user, names[n]);
        t.deepIs(sorted(socket.rooms), sorted(['all', n % 2 ? 'odd'
          : 'even']));
        t.is(socket.transport, n < 2 ? 'websocket' : null);
        t.is(socket.namespace, '/');
      }
    }
  });

  fact('the lists of one host', async (t) => {
    const [a, b] = nginx();

    for (const [n, host] of [a, b].entries()) {
      const { members } = await host.api('rooms/all?local=true');

      t.deepIs(members.map(({ socket }) => socket), [sockets[n].id]);
    }
    t.is((await a.api(`users/bob?local=1`)).online, false);
    t.is((await a.api(`users/bob?local=0`)).online, true);
    t.is((await a.api('rooms?local=maybe')).ok, false);
  });

  fact('a host that is silent is told of', async (t) => {
    const [a] = nginx();
    const client = await redis.client();
    const silent = client.duplicate();

    await silent.connect();
    await {
      classic: () => silent.subscribe('socket.io-request#/#', () => {}),
      sharded: () => silent.sSubscribe('socket.io#/#', () => {}),
      streams: () => silent.subscribe('socket.io#/#', () => {}),
    }[adapter]();

    const answer = await a.api('rooms/all');

    t.deepIs([answer.partial, answer.silent, answer.silent_hosts,
      answer.sockets], [true, 1, [], 4]);
    t.is((await a.api('sockets/AAAAAAAAAAAAAAAAAAAA')).error.code,
      'unavailable');
    await silent.disconnect();
    await until(async () => !(await a.api('rooms/all')).partial);
  });

  fact('an nginx host that hangs is named', async (t) => {
    const [a, b] = nginx();
    const { hosts: { id }, workers: list } = await b.server.status();
    const { pid } = list.find((w) => w.redis.subscribers);

    await until(async () => (await a.server.status()).hosts.peers.some(
      ({ host }) => host === id));
    process.kill(pid, 'SIGSTOP');

    const answer = await a.api('rooms/all').finally(() =>
      process.kill(pid, 'SIGCONT'));

    t.deepIs([answer.partial, answer.silent, answer.silent_hosts],
      [true, 1, [id]]);
    await until(async () => !(await a.api('rooms/all')).partial);
  });

  fact('an emit that wants acks', async (t) => {
    const [a, b] = nginx();
    const blob = { blob: Buffer.from([1, 2]) };
    const acks = async (host, body) => {
      const answer = await host.api('emit', { event: 'sum', ack: 20000,
        ...body });

      return { ...answer, acks: sorted(answer.acks.map(([x]) => x)) };
    };

    for (const [n, socket] of sockets.entries()) {
      socket.on('sum', (x, y, done) => done(x + y + n));
      socket.on('bytes', (done) => done(blob));
    }

    const none = { missing: 0, silent: 0 };

    for (const host of [a, b]) {
      t.deepIs(await acks(host, { args: [10, 10] }), { ok: true,
        acks: [20, 21, 22, 23], missing: [], elsewhere: none });
      t.deepIs(await acks(host, { args: [10, 10], to: 'even',
        except: [sockets[0].id] }), { ok: true, acks: [22], missing: [],
        elsewhere: none });
      t.deepIs(await acks(host, { args: [1, 1], to: 'nobody' }),
        { ok: true, acks: [], missing: [], elsewhere: none });
    }
    t.deepIs((await acks(a, { args: [0, 0], local: true })),
      { ok: true, acks: [0], missing: [] });
    t.deepIs((await a.api('emit', { event: 'bytes', args: [], ack: 20000,
      to: 'all' })).acks,
      sockets.map(() => [{ blob: { base64: 'AQI=' } }]));

    sockets.forEach((socket) => socket.off('sum'));
    sockets[3].on('sum', (x, y, done) => done(x));
    t.deepIs(await acks(b, { args: [5, 5], ack: 1500 }), { ok: true,
      acks: [5], missing: [sockets[1].id],
      elsewhere: { missing: 2, silent: 0 } });
  });

  fact('events from server to server', async (t) => {
    const [c, d] = nodes().map(({ server }) => server);
    const sums = (n, a) => Array.from({ length: n }, () => ({ sum: a }));
    const said = [];

    // what runs on one host is told to the clients of all

    sockets[0].on('said', (...args) => said.push(args));

    for (const { io } of [c, d]) {
      t.deepIs(await io.serverSideEmitWithAck('add', { a: 3 }), sums(3, 3));
    }
    await until(() => said.length === 4);
    t.deepIs(said, [3, 3, 3, 3].map((a) => [{ a }]));

    t.deepIs((await c.io.serverSideEmitWithAck('add', { a: 'x' })).filter(
      ({ code }) => code).map(({ code }) => code), ['invalid', 'invalid']);
    d.io.on('only-node', (done) => done('d'));
    t.deepIs(sorted(await c.io.serverSideEmitWithAck('only-node')),
      ['d', null, null]);
  });

  fact('and from nginx', async (t) => {
    const [a, b] = nginx();
    const [c, d] = nodes().map(({ server }) => server);
    const said = [];

    sockets[0].off('said');
    sockets[0].on('said', (...args) => said.push(args));

    for (const host of [a, b]) {
      const { acks, missing, elsewhere } = await host.api('emit', {
        event: 'add', data: { a: 5 }, servers: true, ack: 20000 });

      t.deepIs(acks, [[{ sum: 5 }], [{ sum: 5 }], [{ sum: 5 }]]);
      t.deepIs([missing, elsewhere], [[], { missing: 0, silent: 0 }]);
    }
    await until(() => said.length === 2);

    said.length = 0;
    t.is((await a.api('emit', { event: 'say:it', args: [1, 'é'],
      servers: true })).ok, true);
    await until(() => c.heard.length && d.heard.length && said.length);
    t.deepIs([c.heard, d.heard, said], [[[1, 'é']], [[1, 'é']],
      [['say:it', 1, 'é']]]);

    // clients have no part in it

    for (const event of ['add', 'say:it', 'server:add', 'server:say:it']) {
      t.is((await ask(sockets[0], event, { a: 1 })).code, 'unknown_event');
    }
    for (const key of ['to', 'user', 'except', 'target']) {
      t.is((await a.api('emit', { event: 'x', servers: true, [key]: 'y' }))
        .error.message, 'excludes "servers"');
    }
  });

  fact('others who ask are answered, whoever leads', async (t) => {
    const [a, b] = nginx().map(({ server }) => server);
    const [c, d] = nodes().map(({ server }) => server.io);
    const leader = async () => (await b.status()).workers.find((w) =>
      w.redis.subscribers)?.pid;
    const old = await leader();

    sockets.forEach((socket) => socket.on('none', (done) => done()));

    // Four who call one after another, of both Node servers: how many failed?

    const ask = async (change) => {
      let over = false;
      let calls = 0;
      let failed = 0;
      const all = [
        () => c.fetchSockets(),
        () => d.in('odd').fetchSockets(),
        () => d.serverSideEmitWithAck('add', { a: 1 }),
        () => c.timeout(5000).emitWithAck('none'),
      ];
      const callers = all.map(async (_, n) => {
        while (!over) {
          await Promise.resolve(all[n++ % all.length]()).catch((error) => {
            t.note(error.message);
            failed++;
          });
          calls++;
        }
      });

      await change();
      const then = calls;

      await until(() => calls > then + 20);
      over = true;
      await Promise.all(callers);
      t.note(`${failed} of ${calls} calls failed`);

      return failed;
    };

    t.is(await ask(async () => {
      await a.reload();
      await Redis.joined(a);
    }), 0, 'calls failed during a reload');

    // What the dead had heard, or was published before another one listened,
    // nobody answers: at most what each caller was waiting for.

    t.ok(await ask(async () => {
      b.kill(old);
      await until(async () => ![undefined, old].includes(await leader()));
      await Redis.joined(b);
    }) <= 4, 'calls failed that nobody waited for');
    t.is(await ask(async () => {}), 0, 'calls failed afterwards');
  });

  fact('the hosts end', async (t) => {
    sockets.forEach((socket) => socket.disconnect());
    t.ok(true);
  });
}

module.exports = { callsScenario };
