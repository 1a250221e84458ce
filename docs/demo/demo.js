// The demo: a chat over the stock Socket.IO client.
//
// The events and their checks are the rules of conf/nginx.conf.  Whatever
// others send is shown by textContent alone.
//
// ?name=, ?room= and ?transport=upgrade|websocket|polling preset the fields.

const TYPING_EVERY = 1500;       // msec between two of our typing events
const TYPING_SHOWN = 3000;       // msec that another's is shown
const ACK_TIMEOUT = 5000;        // msec
const LOG_MAX = 300;             // entries

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

let socket;
let room = '';                   // the one we are in
let began;                       // when this connection was begun
let lastTyping = -Infinity;      // when we said that we type
const typing = new Map();        // name -> timer


// Small things.

const clock = (at = Date.now()) => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString([],
    { hour: '2-digit', minute: '2-digit' });
};

const since = (start) => `${Math.round(performance.now() - start)} ms`;

function node(name, text, className) {
  const element = document.createElement(name);

  if (text !== undefined) {
    element.textContent = text;
  }
  if (className) {
    element.className = className;
  }

  return element;
}

function hue(name) {
  let sum = 0;

  for (const char of name) {
    sum = (sum * 31 + char.codePointAt(0)) % 65521;
  }

  return (sum * 137) % 360;
}


// What is remembered for a reload of this tab.

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // storage is switched off
  }
}

function remembered(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}


// The log.

function append(element) {
  const log = $('log');
  const below = log.scrollHeight - log.scrollTop - log.clientHeight;

  log.append(element);

  while (log.childElementCount > LOG_MAX) {
    log.firstElementChild.remove();
  }

  if (below < 80 || element.classList.contains('own')) {
    log.scrollTop = log.scrollHeight;
  }

  return element;
}

const note = (text) => append(node('li', text, 'note'));

function message({ user, text, at }, own) {
  const item = node('li', undefined, own ? 'message own' : 'message');
  const meta = node('p', undefined, 'meta');
  const name = node('b', own ? 'You' : user);

  item.style.setProperty('--hue', hue(user));
  meta.append(name, node('time', clock(at)), node('span', '', 'fate'));
  item.append(meta, node('p', text, 'bubble'));

  return append(item);
}


// The connection.

function show(state, why) {
  $('status').dataset.state = state;
  $('state').textContent = why ? `${state}: ${why}` : state;
  $('send').disabled = state !== 'connected';
  $('toggle').textContent = socket?.active ? 'Disconnect' : 'Connect';

  if (state !== 'connected') {
    $('transport').hidden = true;
    $('fact-transport').textContent = '-';
    $('fact-socket').textContent = '-';
    $('fact-worker').textContent = '-';
  }
}

function showTransport(name) {
  const shown = name === 'websocket' ? 'WebSocket' : name;

  $('transport').hidden = false;
  $('transport').dataset.name = name;
  $('transport').textContent = shown;
  $('fact-transport').textContent = shown;
}

function begin() {
  began = performance.now();
  $('fact-open').textContent = '-';
  $('fact-upgrade').textContent = '-';
}

// The engine's own events: a new one comes with each connection.

function opened() {
  const { engine } = socket.io;
  const start = performance.now();

  $('fact-open').textContent = `${engine.transport.name}, ${since(began)}`;
  $('fact-upgrade').textContent = {
    upgrade: 'probing', websocket: 'none needed', polling: 'switched off',
  }[$('transports').value];

  engine.on('upgrade', (transport) => {
    $('fact-upgrade').textContent = `after ${since(start)}`;
    showTransport(transport.name);
    note(`Upgraded to ${$('transport').textContent}`);
  });
}

function connected() {
  show('connected');
  showTransport(socket.io.engine.transport.name);
  $('fact-socket').textContent = socket.id;
  $('fact-socket').title = socket.id;
  join($('room').value.trim());
}

function connect() {
  const choice = $('transports').value;

  socket?.disconnect();
  socket?.off();
  begin();

  socket = window.io({
    transports: choice === 'upgrade' ? ['polling', 'websocket'] : [choice],
    auth: { name: $('name').value.trim() },
    forceNew: true,
  });

  show('connecting');

  socket.io.on('open', opened);
  socket.io.on('reconnect_attempt', begin);

  socket.on('connect', connected);
  socket.on('connect_error', ({ message: why }) =>
    show(socket.active ? 'connecting' : 'disconnected', why));
  socket.on('disconnect', (reason) => {
    show('disconnected', reason);
    note(`Disconnected: ${reason}`);
    room = '';
  });

  socket.on('session', ({ worker }) => {
    $('fact-worker').textContent = `worker ${worker}`;
  });
  socket.on('message', (data) => {
    stopped(data.user);
    message({ user: String(data.user ?? 'someone'),
              text: String(data.text ?? ''), at: data.at }, false);
  });
  socket.on('typing', ({ user }) => started(String(user)));
  socket.on('user-joined', ({ user }) => note(`${user} joined`));
  socket.on('user-left', ({ user }) => {
    stopped(user);
    note(`${user} left`);
  });
}

// Every event is acked: [null, ...], or an error first.

function ask(event, data, done) {
  socket.timeout(ACK_TIMEOUT).emit(event, data, (late, error, answer) =>
    done(late ? 'no answer' : error?.message, answer));
}

function join(name) {
  if (room && room !== name) {
    socket.emit('leave-room', room);
  }

  room = '';
  ask('join-room', name, (error) => {
    if (error) {
      note(`Not in ${name}: ${error}`);
      return;
    }
    room = name;
    note(`You are in ${name}`);
  });
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


// The curl command for this room, safe inside single quotes of a shell.

function command() {
  const data = JSON.stringify({
    event: 'message', to: $('room').value.trim(),
    data: { user: 'curl', text: 'Hello from a backend' },
  });

  return `curl -d '${data.replaceAll("'", "'\\''")}' `
    + `${location.origin}/api/emit`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    $('copied').textContent = 'Copied. Paste it into a shell on the server.';
  } catch {
    getSelection().selectAllChildren($('curl-text'));
    $('copied').textContent = 'Selected: copy it with your keyboard.';
  }
}


// The forms.

$('entry').addEventListener('submit', (event) => {
  const name = $('name').value.trim();

  event.preventDefault();

  if (!name || !$('room').value.trim()) {
    return;
  }

  remember('name', name);
  remember('room', $('room').value.trim());
  $('curl-text').textContent = command();

  if (socket.auth.name !== name || !socket.active) {
    connect();
  } else if (socket.connected && room !== $('room').value.trim()) {
    join($('room').value.trim());
  }

  $('text').focus();
});

$('composer').addEventListener('submit', (event) => {
  const text = $('text').value.trim();
  const start = performance.now();

  event.preventDefault();

  if (!text || !socket.connected) {
    return;
  }

  const item = message({ user: socket.auth.name, text }, true);
  const fate = item.querySelector('.fate');

  $('text').value = '';
  lastTyping = -Infinity;
  fate.textContent = 'sending';

  ask('send-message', { room, text }, (error) => {
    item.classList.toggle('failed', Boolean(error));
    fate.textContent = error ? `not sent: ${error}` : since(start);
  });
});

$('text').addEventListener('input', () => {
  const now = performance.now();

  if (socket.connected && room && now - lastTyping > TYPING_EVERY) {
    lastTyping = now;
    socket.volatile.emit('typing', { room });
  }
});

$('transports').addEventListener('change', () => {
  remember('transport', $('transports').value);
  connect();
});

$('toggle').addEventListener('click', () => {
  if (socket.active) {
    socket.disconnect();
    show('disconnected');
  } else {
    connect();
  }
});

$('curl').addEventListener('click', () => {
  $('command').hidden = false;
  $('curl').setAttribute('aria-expanded', 'true');
  $('curl').textContent = 'Copy the curl command';
  $('curl-text').textContent = command();
  copy(command());
});


$('name').value = query.get('name') ?? remembered('name')
  ?? `guest-${Math.floor(1000 + Math.random() * 9000)}`;
$('room').value = query.get('room') ?? remembered('room') ?? 'lobby';
$('transports').value = query.get('transport') ?? remembered('transport')
  ?? 'upgrade';

if (!$('transports').value) {
  $('transports').value = 'upgrade';
}

if (window.io) {
  connect();
} else {
  show('disconnected', 'the Socket.IO client is missing');
}
