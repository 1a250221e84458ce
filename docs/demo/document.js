// A document that several edit at once.
//
// The rules relay each change to who has it open, in order, and keep nothing:
// the document lives in the pages, as long as one of them has it open.  Who
// opens it, comes back to it, or has missed an operation asks, and one of the
// others answers with all it has (sequence.js).  A change is
//
//     { op }                     an operation
//     { state }                  all that somebody has
//     { state, wanted: true }    the same, by who asks; state may be missing

import { ask, me, on, onConnect, onDisconnect } from './connection.js';
import { $, mark, speak, unique } from './page.js';
import { Sequence, difference } from './sequence.js';

const ANSWER_WITHIN = 200;       // msec: somebody else may be faster
const ASK_EVERY = 1000;          // msec
const SPOKEN_EVERY = 10000;      // msec between two words about edits

const id = 'notes';
const editor = $('editor');
const sequence = new Sequence(unique().slice(0, 12));

const held = [];                 // changes by others, while
let composing = false;           // an input method has the editor

let shown = '';                  // what the editor held when we last looked
let answering;                   // timer
let asking;                      // timer
let lastSpoken = -Infinity;

const status = (text) => { $('document-status').textContent = text; };

function showVersion(user) {
  $('version').textContent = `version ${sequence.version}`;

  if (user) {
    $('editors').textContent = user === me() ? 'You edited last'
      : `${user} edited last`;
  }
}

// Bring what others did into the editor; the cursor stays where it was.

function refresh() {
  const text = sequence.text();
  const { offset, until, inserted } = difference(shown, text);

  if (text !== shown) {
    editor.setRangeText(inserted.join(''), offset, until, 'preserve');
    shown = text;
  }
}

const send = (change) => ask('document:edit',
  { documentId: id, change, version: sequence.version });

async function edited() {
  let op;

  try {
    op = sequence.edit(editor.value);
  } catch {
    status('The document is full.');
  }

  shown = editor.value;
  refresh();

  if (op) {
    showVersion(me());

    const { error } = await send({ op });

    status(error ? `Not sent: ${error}` : '');
  }
}


// Who opens the document hears of changes, and asks for what was before.

async function open() {
  const { error } = await ask('document:join', { documentId: id });

  status(error ? `Not open: ${error}` : '');

  if (!error) {
    editor.readOnly = false;
    send({ wanted: true, ...sequence.version && { state: sequence.state() } });
  }
}

// Something is missing.  It may be on its way, and more may be missing soon.

function reopen() {
  asking ??= setTimeout(() => {
    asking = undefined;
    open();
  }, ASK_EVERY);
}

// Whether who has a state knows all that we know.

const covers = (state) => [...sequence.seen].every(([site, seq]) =>
  state?.seen?.[site] >= seq);

function take({ op, state, wanted }, user) {
  if (op && !sequence.apply(op)) {
    reopen();
  }

  if (state) {
    sequence.merge(state);
  }

  if (covers(state)) {
    clearTimeout(answering);
  } else if (wanted) {
    clearTimeout(answering);
    answering = setTimeout(() => send({ state: sequence.state() }),
      Math.random() * ANSWER_WITHIN);
  }

  refresh();
  showVersion(op && user);

  if (op) {
    heard(user);
  }
}

function heard(user) {
  const now = performance.now();

  if (now - lastSpoken > SPOKEN_EVERY) {
    lastSpoken = now;
    speak(`${user} edits the document`);
  }

  mark('document');
}

// What is no change at all changes nothing.

function attempt({ change, userName, userId }) {
  try {
    take(change ?? {}, String(userName ?? userId));
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) {
      throw error;
    }
  }
}

on('document:edit', (data) => {
  if (data.documentId !== id) {
    return;
  }

  if (composing) {
    held.push(data);
  } else {
    attempt(data);
  }
});

onConnect(open);

onDisconnect(() => {
  clearTimeout(answering);
  status('Offline: what you write is sent when you are back.');
});

editor.addEventListener('input', () => {
  if (!composing) {
    edited();
  }
});

editor.addEventListener('compositionstart', () => { composing = true; });

editor.addEventListener('compositionend', () => {
  composing = false;
  edited();
  held.splice(0).forEach(attempt);
});

showVersion();
