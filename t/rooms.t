#!/usr/bin/env node
'use strict';

// Rooms: who is in, who is reached, and that nothing is left behind.

const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { connect, once, ask } = require('./lib/clients');
const { SioRaw } = require('./lib/sio_raw');
const { counts, countsAre, gone } = require('./lib/status');

const app = `
  namespace / {
    authenticate none;
    on join { join $.a; when $.b ~ . { join $.b; } }
    on leave { leave $.room; }
    on join:own { join "group:$.id" "team:$.id"; }
    on say { relay to $.room; }
    on say:all { relay to all; }
    on say:both { emit say to $.a $.b except self with $.text; }
    on say:loud { emit say to $.a $.b with $.text; }
    on say:except { emit say to $.room except $.not with $.text; }
    on say:others { emit say to all except self $.not with $.text; }
    on in { check in $.room; ack null; }
    on enter { join $.room; }
    on last { emit last to all; }
  }
  namespace /users {
    authenticate insecure user=$auth.name;
    on join { join $.room; }
    on last { emit last to all; }
    on tell { emit told to user:$.to with $.text; }
  }`;

const kinds = ['websocket', 'polling', 'upgrade', 'websocket', 'polling'];

// Five clients a b c d e, and what each has heard since the last look.  A last
// word to all, sent by the same sender or else by the API, says when that is
// all.

async function party(ngx, nsp = '/', auths = []) {
  const people = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(
    async (name, n) => {
      const socket = await connect(ngx, { nsp, transport: kinds[n],
                                          auth: auths[n] });
      const person = { name, socket, heard: [] };
      socket.on('say', (text) => person.heard.push(text.text || text));
      socket.on('say:all', ({ text }) => person.heard.push(text));
      socket.on('told', (text) => person.heard.push(text));
      return person;
    }));

  people.heard = async (sender) => {
    const last = people.map(({ socket }) => once(socket, 'last'));
    if (sender) {
      sender.socket.emit('last');
    } else {
      await ngx.emit({ event: 'last', namespace: nsp });
    }
    await Promise.all(last);
    const heard = people.filter((person) => person.heard.length)
      .map((person) => `${person.name}:${person.heard.splice(0)}`);
    return heard.join(' ');
  };
  people.leave = () => people.forEach(({ socket }) => socket.disconnect());
  people.forEach((person) => {
    person.ask = (...args) => ask(person.socket, ...args);
  });

  return people;
}

function suite(workers) {
  let ngx, people, a, b, c, d;
  const fact = (what, fn) => test(`${workers} worker(s): ${what}`, fn);

  fact('nginx and five clients are there', async () => {
    ngx = await Nginx.start({ workers, app });
    people = await party(ngx);
    [a, b, c, d] = people;
    await countsAre(ngx, { sessions: 5, sockets: 5 });
  });

  fact('who has joined hears, the sender does not', async (t) => {
    await Promise.all([a, b, c].map((p) => p.ask('join', { a: 'x' })));
    await a.ask('say', { room: 'x', text: 1 });
    t.is(await people.heard(a), 'b:1 c:1');
  });

  fact('who is not in may speak where the rule lets it', async (t) => {
    await d.ask('say', { room: 'x', text: 2 });
    t.is(await people.heard(d), 'a:2 b:2 c:2');
  });

  fact('a second join is ignored', async (t) => {
    await b.ask('join', { a: 'x' });
    await a.ask('say', { room: 'x', text: 3 });
    t.is(await people.heard(a), 'b:3 c:3');
  });

  fact('who has left hears no more', async (t) => {
    await b.ask('leave', { room: 'x' });
    await b.ask('leave', { room: 'x' });
    await a.ask('say', { room: 'x', text: 4 });
    t.is(await people.heard(a), 'c:4');
  });

  fact('several rooms reach each socket once', async (t) => {
    await b.ask('join', { a: 'y' });
    await c.ask('join', { a: 'y' });
    await a.ask('say:both', { a: 'x', b: 'y', text: 5 });
    t.is(await people.heard(a), 'b:5 c:5');
    await a.ask('say:loud', { a: 'x', b: 'y', text: 6 });
    t.is(await people.heard(a), 'a:6 b:6 c:6');
  });

  fact('except takes a room out of another', async (t) => {
    await b.ask('say:except', { room: 'x', not: 'y', text: 7 });
    t.is(await people.heard(b), 'a:7');
    await b.ask('say:others', { not: 'x', text: 8 });
    t.is(await people.heard(b), 'd:8 e:8');
  });

  fact('all are all but the sender', async (t) => {
    await a.ask('say:all', { text: 9 });
    t.is(await people.heard(a), 'b:9 c:9 d:9 e:9');
  });

  fact('the own id is a room', async (t) => {
    await a.ask('say', { room: d.socket.id, text: 10 });
    t.is(await people.heard(a), 'd:10');
    await a.ask('say:except', { room: 'x', not: a.socket.id, text: 11 });
    t.is(await people.heard(a), 'c:11');
    await a.ask('say', { room: a.socket.id, text: 12 });
    t.is(await people.heard(a), '');
  });

  fact('nobody joins the room of another', async (t) => {
    for (const room of [b.socket.id, 'user:7', 'A'.repeat(20)]) {
      t.is((await a.ask('enter', { room })).code, 'forbidden', room);
      t.is((await a.ask('leave', { room })).code, 'forbidden', room);
    }
  });

  fact('a room has a name', async (t) => {
    for (const room of ['', 'a\u0000b', 'x'.repeat(257), null, 1.5, {}, []]) {
      t.is((await a.ask('enter', { room })).code, 'invalid', `${room}`);
    }
    t.is((await a.ask('enter', {})).code, 'invalid');
    t.is((await a.ask('enter')).code, 'invalid');
    t.is(await a.ask('enter', { room: 'x'.repeat(256) }), null);
    t.is(await a.ask('in', { room: 'x'.repeat(256) }), null);
    t.is(await a.ask('leave', { room: 'x'.repeat(256) }), null);
    t.is(await a.ask('enter', { room: 17 }), null);
    t.is(await a.ask('in', { room: '17' }), null);
    t.is(await a.ask('leave', { room: '17' }), null);
  });

  fact('names are bytes: one that looks alike is another', async (t) => {
    await a.ask('join', { a: '\u00e9' });
    t.is((await a.ask('in', { room: 'e\u0301' })).code, 'forbidden');
    t.is(await a.ask('in', { room: '\u00e9' }), null);
    await a.ask('leave', { room: '\u00e9' });
  });

  fact('the API takes several rooms and except', async (t) => {
    const send = (message) => ngx.emit({ event: 'say', ...message });
    t.is((await send({ to: ['x', 'y'], data: 13 })).body.matched >= 3, true);
    t.is(await people.heard(), 'a:13 b:13 c:13');
    await send({ to: ['x', 'y'], except: ['x'], data: 14 });
    t.is(await people.heard(), 'b:14');
    await send({ except: ['x', d.socket.id], data: 15 });
    t.is(await people.heard(), 'b:15 e:15');
    t.is((await send({ to: 'nowhere', data: 16 })).body.matched, 0);
    t.is(await people.heard(), '');
  });

  fact('a room is gone with its last member', async (t) => {
    const { rooms } = await counts(ngx);
    await a.ask('join:own', { id: 1 });
    await countsAre(ngx, { rooms: rooms + 2 });
    await a.ask('leave', { room: 'group:1' });
    await a.ask('leave', { room: 'team:1' });
    await countsAre(ngx, { rooms });
    t.is(await a.ask('in', { room: 'x' }), null);
  });

  fact('who disconnects leaves its rooms', async (t) => {
    const ghost = await SioRaw.connect(ngx.port);
    await ghost.event({ id: 1 }, 'join', { a: 'x', b: 'ghost' });
    await ghost.next();
    ghost.close();
    await countsAre(ngx, { sessions: 5, sockets: 5 });
    t.is((await ngx.emit({ event: 'say', to: 'ghost', data: 17 }))
      .body.matched, 0);
    t.is(await people.heard(), '');
  });

  fact('nothing is left when all are gone', async () => {
    people.leave();
    await gone(ngx);
  });

  fact('all tabs of a user hear what is for the user', async (t) => {
    people = await party(ngx, '/users', ['ann', 'bob', 'ann', 'cleo', 'ann']
      .map((name) => ({ name })));
    [a, b, c, d] = people;
    await b.ask('tell', { to: 'ann', text: 1 });
    t.is(await people.heard(b), 'a:1 c:1 e:1');
    await ngx.emit({ event: 'told', namespace: '/users', user: 'ann',
                     data: 2 });
    await ngx.emit({ event: 'told', namespace: '/users',
                     user: ['bob', 'cleo'], data: 3 });
    t.is(await people.heard(), 'a:2 b:3 c:2 d:3 e:2');
    await ngx.emit({ event: 'told', namespace: '/users', to: 'user:cleo',
                     except: 'user:bob', data: 4 });
    t.is(await people.heard(), 'd:4');
  });

  fact('rooms belong to one namespace', async (t) => {
    const other = await connect(ngx);
    await b.ask('join', { room: 'x' });
    await ask(other, 'join', { a: 'x' });
    const { body } = await ngx.emit({ event: 'say', to: 'x', data: 5 });
    t.is(body.matched, 1);
    t.is(await people.heard(), '');
    other.disconnect();
  });

  fact('without a name nobody is let in', async (t) => {
    await t.rejects(connect(ngx, { nsp: '/users' }),
      ({ message, data }) => message === 'authentication required'
        && data.code === 'forbidden');
  });

  fact('nothing is left of users either', async () => {
    people.leave();
    await gone(ngx);
  });
}

suite(1);
suite(4);
