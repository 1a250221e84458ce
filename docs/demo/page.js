// What all parts of the page share: elements, toasts, what is read aloud, and
// the views of a narrow screen.
//
// Whatever others send becomes text (textContent), never markup.

const TOAST_SHOWN = 7000;        // msec
const TOASTS_MAX = 4;
const NOTICES_MAX = 30;

export const $ = (id) => document.getElementById(id);

export const query = new URLSearchParams(location.search);

// node('button', 'Send', { className: 'quiet', onclick: send }, child, ...)

export function node(name, text, properties = {}, ...children) {
  const element = document.createElement(name);

  if (text !== undefined) {
    element.textContent = text;
  }

  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-')) {
      element.setAttribute(key, value);
    } else {
      element[key] = value;
    }
  }

  element.append(...children);

  return element;
}

export function clock(at = Date.now()) {
  const date = new Date(at);

  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString([],
    { hour: '2-digit', minute: '2-digit' });
}

export const since = (start) => `${Math.round(performance.now() - start)} ms`;

// An id that nobody guesses, also where the page has no secure context.

export const unique = () => Array.from(
  crypto.getRandomValues(new Uint32Array(4)),
  (n) => n.toString(36).padStart(7, '0')).join('');

// A round sign with a user's initial, in a color of the user's own.

export function avatar(user) {
  let sum = 0;

  for (const char of user) {
    sum = (sum * 31 + char.codePointAt(0)) % 65521;
  }

  const sign = node('span', Array.from(user)[0]?.toUpperCase() ?? '?',
    { className: 'avatar', 'aria-hidden': 'true' });

  sign.style.setProperty('--hue', (sum * 47) % 360);

  return sign;
}


// What is remembered for a reload of this tab.

export function remember(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // storage is switched off, or full
  }
}

export function remembered(key, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}


// Copy a text, or select it where the browser does not let us.

export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return 'Copied.';
  } catch {
    getSelection().selectAllChildren(element);
    return 'Selected: copy it with your keyboard.';
  }
}


// For screen readers: what happens away from the focus.

export function speak(text) {
  const line = node('p', text);

  $('spoken').append(line);
  setTimeout(() => line.remove(), 5000);
}


// Toasts.  All of them are kept in the list of notifications too.

export function toast(title, text, { urgent = false, keep = !urgent } = {}) {
  const close = node('button', '\u00d7', { type: 'button', className: 'close',
    'aria-label': `Dismiss: ${title}` });
  const item = node('div', undefined,
    { className: urgent ? 'toast urgent' : 'toast' },
    node('div', undefined, {}, node('b', title), node('p', text)), close);
  const list = $(urgent ? 'alerts' : 'toasts');
  let timer;

  const wait = () => {
    clearTimeout(timer);
    timer = urgent ? undefined : setTimeout(() => item.remove(), TOAST_SHOWN);
  };

  close.addEventListener('click', () => item.remove());

  for (const type of ['mouseenter', 'focusin']) {
    item.addEventListener(type, () => clearTimeout(timer));
  }
  for (const type of ['mouseleave', 'focusout']) {
    item.addEventListener(type, wait);
  }

  list.append(item);
  wait();

  while (list.childElementCount > TOASTS_MAX) {
    list.firstElementChild.remove();
  }

  if (keep || urgent) {
    notice(title, text);
  }
}

function notice(title, text) {
  const list = $('notices');

  list.prepend(node('li', undefined, {},
    node('time', clock()), node('b', title), node('span', text)));
  list.parentElement.querySelector('.empty').hidden = true;
  mark('groups');

  while (list.childElementCount > NOTICES_MAX) {
    list.lastElementChild.remove();
  }
}


// Views: a narrow screen shows one of them, a wide one shows all.

const links = [...document.querySelectorAll('#views a')];

export const seen = (view) => document.body.dataset.view === view
  || getComputedStyle($('views')).display === 'none';

export function view(name) {
  document.body.dataset.view = name;

  for (const link of links) {
    const current = link.hash === `#${name}`;

    link.toggleAttribute('data-news', link.hasAttribute('data-news')
      && !current);

    if (current) {
      link.setAttribute('aria-current', 'page');
    } else {
      link.removeAttribute('aria-current');
    }
  }
}

// Something is new in a view that is not shown.

export function mark(name) {
  if (!seen(name)) {
    links.find((link) => link.hash === `#${name}`)
      .setAttribute('data-news', '');
  }
}

for (const link of links) {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    view(link.hash.slice(1));
    scrollTo(0, 0);
  });
}
