// Who is here: one line for each user, however many tabs and devices.
//
// The list itself is a question to the HTTP API; what changes afterwards comes
// as "user:presence", which the rules "on online" and "on offline" send.

import { me, on, onConnect } from './connection.js';
import { $, avatar, clock, node, speak } from './page.js';

const PEOPLE_MAX = 200;

const people = new Map();        // user -> { online, at }

let changed = new Map();         // while the list is on its way

const known = () => [...people.keys()].filter((user) => user !== me());

function line(user, { online, at }) {
  const state = online ? 'online' : `last seen ${clock(at)}`;

  return node('li', undefined, { className: online ? 'online' : 'offline' },
    avatar(user), node('b', user === me() ? `${user} (you)` : user),
    node('span', state, { className: 'state' }));
}

function show() {
  const sorted = [...people].sort(([a, { online: x }], [b, { online: y }]) =>
    y - x || a.localeCompare(b));
  const count = sorted.filter(([, { online }]) => online).length;

  $('people-list').replaceChildren(
    ...sorted.map(([user, state]) => line(user, state)));
  $('people-count').textContent = `${count} online`;
  $('known').replaceChildren(...known().map((user) =>
    node('option', undefined, { value: user })));
}

function presence(user, state) {
  people.delete(user);
  people.set(user, state);

  if (people.size > PEOPLE_MAX) {
    people.delete([...people.keys()].find((other) => other !== me()));
  }
}

async function load() {
  const were = [...people.keys()];

  changed = new Map();

  const answer = await fetch('/api/rooms/everyone?limit=1000');
  const { members } = await answer.json();

  for (const user of were) {
    presence(user, { online: false, at: people.get(user)?.at });
  }
  for (const { user } of members) {
    presence(user, { online: true });
  }

  changed.forEach((state, user) => presence(user, state));
  show();
}

on('user:presence', ({ userId, status, timestamp }) => {
  const user = String(userId);
  const state = { online: status !== 'offline', at: timestamp };

  if (people.get(user)?.online !== state.online) {
    speak(`${user} is ${state.online ? 'online' : 'offline'}`);
  }

  changed.set(user, state);
  presence(user, state);
  show();
});

onConnect(() => {
  presence(me(), { online: true });
  show();
  load().then(() => '', () => 'The list of who is online is not available.')
    .then((text) => { $('people-status').textContent = text; });
});
