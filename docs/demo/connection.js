// The connection: the stock client, what the page shows of it, and who we are.
//
// The parts of the page register handlers of events once, with on(); they
// stand on every socket that this page makes.

import { $, query, remember, remembered, since } from './page.js';

const ACK_TIMEOUT = 5000;        // msec

const handlers = [];
const arrivals = [];
const leavings = [];

let socket;
let began;                       // when this connection was begun

export const me = () => socket?.auth.name ?? '';
export const online = () => Boolean(socket?.connected);

// What others send has the shape that the rules give it: an object.

export const on = (event, handler) => handlers.push([event, (data) =>
  handler(data ?? {})]);

// Each time that we are connected, or no longer.

export const onConnect = (handler) => arrivals.push(handler);
export const onDisconnect = (handler) => leavings.push(handler);

// Every event is acked: [null, ...], or an error first.  Resolves always:
// { error: text } or { answer }.

export function ask(event, data) {
  if (!online()) {
    return Promise.resolve({ error: 'not connected' });
  }

  return new Promise((done) => {
    socket.timeout(ACK_TIMEOUT).emit(event, data, (late, error, answer) =>
      done({ error: late ? 'no answer' : error && (error.message || 'refused'),
             answer }));
  });
}

// Without an ack, and not at all if it can't go now.

export function tell(event, data) {
  if (online()) {
    socket.volatile.emit(event, data);
  }
}


function show(state, why) {
  const text = why ? `${state}: ${why}` : state;

  $('status').dataset.state = state;
  $('state').textContent = text;
  $('toggle').textContent = socket?.active ? 'Disconnect' : 'Connect';

  for (const button of document.querySelectorAll('[data-online]')) {
    button.disabled = state !== 'connected';
  }

  if (state !== 'connected') {
    $('transport').hidden = true;

    for (const fact of ['transport', 'socket', 'worker']) {
      $(`fact-${fact}`).textContent = '\u2013';
    }
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
  $('fact-open').textContent = '\u2013';
  $('fact-upgrade').textContent = '\u2013';
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
  });
}

function connected() {
  show('connected');
  showTransport(socket.io.engine.transport.name);
  $('fact-socket').textContent = socket.id;
  $('fact-socket').title = socket.id;
  arrivals.forEach((handler) => handler());
}

function disconnected(reason) {
  show('disconnected', reason);
  leavings.forEach((handler) => handler(reason));
}

export function connect() {
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
  socket.on('disconnect', disconnected);
  socket.on('connect_error', ({ message }) =>
    show(socket.active ? 'connecting' : 'disconnected', message));

  for (const [event, handler] of handlers) {
    socket.on(event, handler);
  }
}


on('session', ({ worker }) => {
  $('fact-worker').textContent = `worker ${worker}`;
});

$('identity').addEventListener('submit', (event) => {
  const name = $('name').value.trim();

  event.preventDefault();

  if (name) {
    remember('name', name);
    if (name !== me() || !socket.active) {
      connect();
    }
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

$('name').value = query.get('name') ?? remembered('name')
  ?? `guest-${Math.floor(1000 + Math.random() * 9000)}`;
remember('name', $('name').value);

$('transports').value = query.get('transport') ?? remembered('transport');

if (!$('transports').value) {
  $('transports').value = 'upgrade';
}

// When all parts of the page are ready.

export function start() {
  if (window.io) {
    connect();
  } else {
    show('disconnected', 'the Socket.IO client is missing');
  }
}
