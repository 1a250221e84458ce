#!/usr/bin/env node
'use strict';

// Every example of nginx.conf in the documentation is accepted by nginx -t,
// and names of the Markdown's links exist.

const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./lib/tap');
const { Nginx } = require('./lib/nginx');
const { generated } = require('./lib/tokens');

const top = path.join(__dirname, '..');
const pages = ['README.md', ...fs.readdirSync(path.join(top, 'docs'))
  .filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

const read = (page) => fs.readFileSync(path.join(top, page), 'utf8');

// What its first word says of the block that an example belongs into.

const verbs = ['expect', 'check', 'join', 'leave', 'emit', 'relay', 'ack',
  'reject', 'set', 'when', 'disconnect', 'limit', 'dedup', 'count',
  'mailbox'];

function place(example) {
  const [, word] = /^\s*(?:#.*\n\s*)*(\S+)/.exec(example);

  if (verbs.includes(word)) {
    return place(`on test {\n${example}\n}`);
  }
  if (['on', 'api', 'target', 'authenticate'].includes(word)) {
    return { app: `mailbox;\nnamespace / {\n${example}\n}` };
  }
  if (['namespace', 'zone', 'redis', 'webhook', 'webhook_key_file']
    .includes(word)) {
    return { app: example };
  }
  if (['log_format', 'map', 'server', 'upstream'].includes(word)) {
    return { http: example };
  }

  return { locations: example };
}

// A whole file: only the module is another one.

function whole(example) {
  const { text } = Nginx.check({});
  const load = /^load_module .*$/m.exec(text);

  return `${load ? load[0] : ''}\n${example.replace(/^load_module .*$/m, '')}`
    .replace(/^/, 'error_log stderr;\n')
    .replace(/^(events|http) \{/m, (block) =>
      /^events/m.test(example) ? block : `events { }\n${block}`);
}

// A JWK set of one public key.

const jwks = JSON.stringify({ keys: [generated('ec',
  { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })] });

function check(example) {
  const files = { 'api.key': 'a-key-of-sufficient-length\n',
    'jwt.key': 'x'.repeat(32), 'jwt-old.key': 'y'.repeat(32),
    'authjs.key': 'z'.repeat(32), 'jwks.json': jwks, 'redis.key': 'secret',
    'webhook.key': 'another-key-of-such-length\n' };

  if (!/^\s*(load_module|socketio_app|http)\b/.test(example)) {
    return Nginx.check({ files, ...place(example) });
  }

  if (/^\s*socketio_app\b/.test(example)) {
    return Nginx.check({ files, http: example });
  }

  return Nginx.check(whole(example));
}

for (const page of pages) {
  const examples = [...read(page)
    .replaceAll('/usr/share/nginx/socketio/', `${top}/conf/`)
    .matchAll(/^( *)```nginx\n(.*?)^ *```/gms)];

  for (const { 1: indent, 2: text, index } of examples) {
    const example = text.replace(new RegExp(`^${indent}`, 'gm'), '');
    const line = read(page).slice(0, index).split('\n').length + 1;

    test(`${page}:${line} is a configuration`, (t) => {
      const { ok, output } = check(example);
      t.ok(ok, `${output}\n${example}`);
    });
  }
}

// Each directive that the module has is documented, with an example.

test('docs/directives.md has all directives', (t) => {
  const sections = new Map(read('docs/directives.md').split(/^### /m).slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]));
  const sources = path.join(top, 'src/http');
  const names = fs.readdirSync(sources).filter((name) =>
    /(?<!_rule|_place)_module\.c$/.test(name)).flatMap((name) =>
    [...fs.readFileSync(path.join(sources, name), 'utf8').matchAll(
      /^ {4}\{ ngx_string\("(\w+)"\),\n +(?:NGX_\w+_CONF|NGX_CONF_)/gm)])
    .map(([, name]) => name).filter((name) => name !== 'engineio_echo');

  t.ok(names.length > 30, names.join(' '));

  for (const name of [...names, 'on', 'api', 'target']) {
    const text = sections.get(name) || '';
    const example = new RegExp(
      `^\`\`\`nginx\n(?:(?!\`\`\`)[^])*\\b${name}\\b`, 'm');

    for (const row of ['Syntax', 'Default', 'Context']) {
      t.ok(text.includes(`\n| ${row} | `), `${name}: ${row}`);
    }
    t.ok(example.test(text), `${name}: no example`);
  }
});

// As GitHub makes them of headings.

const anchor = (heading) => heading.trim().toLowerCase()
  .replace(/[^\w\- ]/g, '').replace(/ /g, '-');

const anchors = (page) => [...read(page).replace(/^```.*?^```/gms, '')
  .matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));

for (const page of pages) {
  test(`${page}: links lead somewhere`, (t) => {
    const links = read(page).matchAll(/\]\(([^)\s]+)\)/g);

    for (const [, link] of links) {
      if (/^https?:/.test(link)) {
        continue;
      }

      const [file, name] = link.split('#');
      const target = file ? path.join(path.dirname(page), file) : page;

      t.ok(fs.existsSync(path.join(top, target)), `${link}: no such file`);
      t.ok(!name || anchors(target).includes(name), `${link}: no heading`);
    }
  });
}
