// Chat rooms: messages, who is typing, reactions.
//
// A message of our own is shown at once; the server gives it an id and a time,
// and clientId says which one it was.  The log is one stop of the Tab key:
// arrow keys go from message to message, and Tab on to the reactions of that
// one.

import { ask, me, on, onConnect, onDisconnect, online, tell }
  from './connection.js';
import { $, avatar, clock, mark, node, query, remember, remembered, since,
         speak, unique } from './page.js';

const TYPING_EVERY = 1200;       // msec; the rule drops what is more often
const TYPING_SHOWN = 3000;       // msec that another's is shown
const LOG_MAX = 300;             // entries
const EMOJI = {
  '\u{1f44d}': 'thumbs up', '\u2764\ufe0f': 'heart',
  '\u{1f604}': 'laughing', '\u{1f389}': 'party',
};

const log = $('log');
const typing = new Map();        // name -> timer
const messages = new Map();      // id or clientId -> entry of the log
const present = new Set();       // whom we have met in this room

let room = '';                   // the one we are in
let lastTyping = -Infinity;      // when we said that we type


const nameOf = (user) => String(user?.name ?? user?.id ?? 'someone');


// The log.

// Who reads the end of it stays there.

function atEnd(change) {
  const below = log.scrollHeight - log.scrollTop - log.clientHeight;

  change();

  if (below < 120) {
    log.scrollTop = log.scrollHeight;
  }
}

function append(element) {
  atEnd(() => log.append(element));

  while (log.childElementCount > LOG_MAX) {
    const { id, clientId } = log.firstElementChild.dataset;

    messages.delete(id);
    messages.delete(clientId);
    log.firstElementChild.remove();
  }

  if (element.classList.contains('own')) {
    log.scrollTop = log.scrollHeight;
  }

  return element;
}

const note = (text) => append(node('li', text, { className: 'note' }));

function entry({ user, text, at, id, clientId }, own) {
  const name = own ? 'You' : user;
  const item = node('li', undefined,
    { className: own ? 'message own' : 'message', tabIndex: -1 },
    avatar(user),
    node('p', undefined, { className: 'meta' }, node('b', name),
      node('time', clock(at)), node('span', '', { className: 'fate' })),
    node('p', text, { className: 'bubble' }),
    node('div', undefined, { className: 'reactions', role: 'group',
      'aria-label': `Reactions to ${name}` }));

  if (clientId) {
    item.dataset.clientId = clientId;
    messages.set(clientId, item);
  }

  identify(item, id);

  return append(item);
}

// Only what has an id can be reacted to.

function identify(item, id) {
  if (typeof id === 'string' && !item.dataset.id) {
    item.dataset.id = id;
    messages.set(id, item);
    item.querySelector('.reactions').append(
      ...Object.keys(EMOJI).map((emoji) => reactionButton(item, emoji)));
    current(item);
  }
}


// Reactions: each button holds the names of who pressed it.

function reactionButton(item, emoji) {
  const button = node('button', undefined, { type: 'button', tabIndex: -1,
    className: 'reaction' }, node('span', emoji, { 'aria-hidden': 'true' }),
    node('span', ''));

  button.dataset.emoji = emoji;
  button.users = new Set();
  button.addEventListener('click', () => react(item, button));
  describe(button);

  return button;
}

async function react(item, button) {
  const action = button.users.has(me()) ? 'remove' : 'add';
  const { error } = await ask('reaction', { roomId: room,
    messageId: item.dataset.id, emoji: button.dataset.emoji, action });

  if (error) {
    note(`No reaction: ${error}`);
  } else {
    change(button, me(), action);
  }
}

function change(button, user, action) {
  if (action === 'remove') {
    button.users.delete(user);
  } else {
    button.users.add(user);
  }

  atEnd(() => describe(button));
}

function describe(button) {
  const { users, dataset: { emoji } } = button;
  const who = users.size ? `: ${[...users].join(', ')}` : '';

  button.lastElementChild.textContent = users.size || '';
  button.classList.toggle('used', users.size > 0);
  button.title = `${EMOJI[emoji]}${who}`;
  button.setAttribute('aria-label', button.title);
  button.setAttribute('aria-pressed', users.has(me()));
}

function reacted({ messageId, emoji, action, user }) {
  const button = [...messages.get(messageId)
    ?.querySelectorAll('.reaction') ?? []]
    .find(({ dataset }) => dataset.emoji === emoji);

  if (button) {
    change(button, nameOf(user), action);

    if (action !== 'remove') {
      speak(`${nameOf(user)} reacts with ${EMOJI[emoji]}`);
    }
  }
}


// The message whose reactions the Tab key finds.

function current(item) {
  for (const button of log.querySelectorAll('.reaction[tabindex="0"]')) {
    button.tabIndex = -1;
  }
  for (const button of item.querySelectorAll('.reaction')) {
    button.tabIndex = 0;
  }
}

function step(from, by) {
  const all = [...log.querySelectorAll('.message')];
  const at = from ? all.indexOf(from) + by : all.length - 1;

  return all[Math.max(0, Math.min(all.length - 1, at))];
}

log.addEventListener('keydown', (event) => {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const item = by && step(event.target.closest('.message'), by);

  if (item) {
    event.preventDefault();
    current(item);
    item.focus();
    item.scrollIntoView({ block: 'nearest' });
  }
});


// Rooms.

function showRoom(name) {
  for (const button of document.querySelectorAll('#rooms button[value]')) {
    button.setAttribute('aria-pressed', button.value === name);
  }
}

async function join(name) {
  if (room && room !== name) {
    ask('leave-room', room);
    log.replaceChildren();
    messages.clear();
    present.clear();
    [...typing.keys()].forEach(stopped);
  }

  room = '';

  const { error } = await ask('join-room', name);

  if (error) {
    note(`Not in ${name}: ${error}`);
    return;
  }

  room = name;
  remember('room', name);
  showRoom(name);
  note(`You are in ${name}`);
}


// Who is typing.

function showTyping() {
  const names = [...typing.keys()];

  $('typing').textContent = !names.length ? ''
    : names.length > 2 ? `${names.length} people are typing`
    : `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} typing`;
}

function started(name) {
  clearTimeout(typing.get(name));
  typing.set(name, setTimeout(() => stopped(name), TYPING_SHOWN));
  showTyping();
}

function stopped(name) {
  clearTimeout(typing.get(name));
  typing.delete(name);
  showTyping();
}


async function send(text) {
  const start = performance.now();
  const clientId = unique();
  const item = entry({ user: me(), text, clientId }, true);
  const fate = item.querySelector('.fate');

  fate.textContent = 'sending';

  const { error, answer } = await ask('send-message',
    { roomId: room, text, clientId });

  item.classList.toggle('failed', Boolean(error));
  fate.textContent = error ? `not sent: ${error}` : since(start);

  if (error) {
    speak(`Not sent: ${error}`);
  } else {
    confirm(item, answer);
  }
}

function confirm(item, { id, timestamp }) {
  item.querySelector('time').textContent = clock(timestamp);
  identify(item, id);
}

onConnect(() => join(room || remembered('room', 'lobby')));

onDisconnect((reason) => {
  note(`Disconnected: ${reason}`);
  [...typing.keys()].forEach(stopped);
});

on('new-message', (data) => {
  const { id, roomId, text, user, clientId, timestamp } = data;
  const ours = user?.id === me();
  const name = nameOf(user);

  if (roomId !== undefined && roomId !== room) {
    return;
  }

  if (ours && messages.has(clientId)) {
    confirm(messages.get(clientId), data);
    return;
  }

  stopped(name);
  present.add(name);
  entry({ user: name, text: String(text ?? ''), at: timestamp, id }, ours);
  speak(`${name}: ${text}`);
  mark('chat');
});

on('typing', ({ user, roomId, isTyping }) => {
  if (roomId === room && isTyping) {
    started(nameOf(user));
  } else {
    stopped(nameOf(user));
  }
});

on('reaction', reacted);

on('user-joined', ({ user, roomId }) => {
  if (roomId === room) {
    present.add(nameOf(user));
    note(`${nameOf(user)} joined`);
  }
});

on('user-left', ({ user, roomId }) => {
  if (roomId === room) {
    gone(nameOf(user), 'left');
  }
});

on('user:presence', ({ userId, status }) => {
  if (status === 'offline' && present.has(userId)) {
    gone(userId, 'is offline');
  }
});

function gone(name, how) {
  present.delete(name);
  stopped(name);
  note(`${name} ${how}`);
}

$('composer').addEventListener('submit', (event) => {
  const text = $('text').value.trim();

  event.preventDefault();

  if (text && online()) {
    $('text').value = '';
    send(text);
  }
});

$('text').addEventListener('input', () => {
  const now = performance.now();

  if (!$('text').value) {
    tell('typing', { roomId: room, isTyping: false });
  } else if (now - lastTyping > TYPING_EVERY) {
    lastTyping = now;
    tell('typing', { roomId: room, isTyping: true });
  }
});

$('rooms').addEventListener('click', ({ target }) => {
  if (target.value && target.value !== room) {
    join(target.value);
  }
});

// Another room than those that are offered becomes one of them.

$('other-room').addEventListener('submit', (event) => {
  const name = $('room').value.trim();

  event.preventDefault();
  $('room').value = '';
  offer(name);

  if (name !== room) {
    join(name);
  }
});

function offer(name) {
  const known = [...document.querySelectorAll('#rooms button[value]')];

  if (!known.some(({ value }) => value === name)) {
    known.at(-1).after(node('button', name, { type: 'button', value: name,
      className: 'chip', 'aria-pressed': 'false', 'data-online': '' }));
  }
}

if (query.has('room')) {
  remember('room', query.get('room'));
}
offer(remembered('room', 'lobby'));
