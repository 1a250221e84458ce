// What a backend does, from this page: announcements, and a console that posts
// to /api/emit.

import { ask, me, on } from './connection.js';
import { $, copy, node, since, toast, remembered } from './page.js';
import { firstGroup } from './groups.js';

// Each fills the form: the event, to whom, and its data.

const examples = {
  'A notification for you': () => ['notification:new', '', '',
    { userId: $('name').value, type: 'GRADE', title: 'Graded',
      message: 'Your essay has been graded.' }],
  'A message in your room': () => ['new-message', 'to',
    remembered('room', 'lobby'),
    { user: { id: 'backend', name: 'Mr. Backend' },
      text: 'Hello from a backend' }],
  'A post in your group': () => ['group:new_post', 'target', 'group_members',
    { groupId: firstGroup(), postId: 'p1', authorId: 'backend',
      authorName: 'Mr. Backend', postContent: 'The slides are online.' }],
  'An announcement for all': () => ['system-announcement', '', '',
    { message: 'Maintenance in 5 minutes' }],
};

function body() {
  const kind = $('emit-kind').value;
  const whom = $('emit-whom').value.trim();

  return { event: $('emit-event').value.trim(),
           ...kind && { [kind]: whom },
           data: JSON.parse($('emit-data').value || 'null') };
}

// Safe inside the single quotes of a shell.

function command() {
  const text = JSON.stringify(body()).replaceAll("'", "'\\''");

  return `curl -d '${text}' ${location.origin}/api/emit`;
}

function show() {
  $('emit-whom').closest('label').hidden = !$('emit-kind').value;

  try {
    $('curl').textContent = command();
    $('emit-data').setCustomValidity('');
    $('emit-data').removeAttribute('aria-invalid');
  } catch ({ message }) {
    $('curl').textContent = `The data is no JSON: ${message}`;
    $('emit-data').setCustomValidity('This is no JSON.');
    $('emit-data').setAttribute('aria-invalid', 'true');
  }
}

function choose() {
  const [event, kind, whom, data] = examples[$('example').value]();

  $('emit-event').value = event;
  $('emit-kind').value = kind;
  $('emit-whom').value = whom;
  $('emit-data').value = JSON.stringify(data, null, 2);
  show();
}

const reasons = {
  403: 'The rules of nginx.conf let only programs on the server itself post.',
};

async function post() {
  const start = performance.now();
  let text;

  try {
    const answer = await fetch('/api/emit',
      { method: 'POST', body: JSON.stringify(body()) });
    const reply = await answer.text();

    text = `${answer.status} in ${since(start)}\n`
      + (/^\{/.test(reply) ? reply : reasons[answer.status] ?? '');
  } catch ({ message }) {
    text = `no answer: ${message}`;
  }

  $('reply').hidden = false;
  $('reply').textContent = text;
}

$('example').append(...Object.keys(examples).map((name) =>
  node('option', name)));
$('example').addEventListener('change', choose);
$('emit').addEventListener('input', ({ target }) => {
  if (target !== $('example')) {
    show();
  }
});
$('emit').addEventListener('submit', (event) => {
  event.preventDefault();
  post();
});
$('copy').addEventListener('click', async () => {
  $('copied').textContent = await copy($('curl'));
});


on('notification:new', ({ title = 'Notification', message = '' }) =>
  toast(String(title), String(message)));

on('system-announcement', ({ title, message = '' }) =>
  toast(String(title ?? 'Announcement'), String(message), { urgent: true }));

$('announce').addEventListener('submit', async (event) => {
  const message = $('announcement').value.trim();

  event.preventDefault();

  if (message) {
    const { error } = await ask('system-announcement', { message });

    $('announce-status').textContent = error
      ? `Refused: ${error}. You are ${me()}.` : 'Announced.';
  }
});

$('identity').addEventListener('submit', choose);
choose();
