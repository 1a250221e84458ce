// A text that several pages edit at once, without anybody in the middle who
// decides: a replicated sequence, in which each character has an id of its own
// (RGA: Roh et al., "Replicated abstract data types", 2011).
//
// An id is [n, site]: n is above every n that the site had seen, so that ids
// are ordered as the edits were.  A character knows the one that it was typed
// behind; a removed one stays as a grave, for what was typed behind it.
//
// edit() turns a change of the text into an operation for the others, apply()
// takes theirs.  Operations of one site come in order and are numbered: what
// came before is skipped, and a gap is said, for which state() and merge() are
// the remedy.  Two that have seen the same operations have the same text, and
// the same version.
//
// What others send is checked: apply() and merge() throw, and nothing has
// changed.

const ITEMS_MAX = 20000;         // graves included
const N_MAX = 2 ** 40;

const key = (n, site) => `${n} ${site}`;

const later = (a, b) => a.n > b.n || (a.n === b.n && a.site > b.site);

// Every half of a surrogate pair alone would be no UTF-8.

const whole = (text) => text.replace(/\p{Surrogate}/gu, '\ufffd');

function checked(condition) {
  if (!condition) {
    throw new RangeError('not an edit');
  }
}

const isNumber = (n) => Number.isInteger(n) && n >= 0 && n < N_MAX;
const isSite = (site) => typeof site === 'string'
  && /^[a-z0-9]{1,16}$/.test(site);

// Where two texts differ: what is between their common start and end.

export function difference(before, after) {
  const [a, b] = [Array.from(before), Array.from(after)];
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  let end = 0;

  while (start < shorter && a[start] === b[start]) {
    start += 1;
  }

  while (end < shorter - start
         && a[a.length - 1 - end] === b[b.length - 1 - end]) {
    end += 1;
  }

  return { start, removed: a.length - start - end,
           inserted: b.slice(start, b.length - end),
           offset: a.slice(0, start).join('').length,
           until: a.slice(0, a.length - end).join('').length };
}

export class Sequence {
  constructor(site) {
    this.site = site;
    this.n = 0;                  // the highest that was seen
    this.size = 0;
    this.head = { n: 0, site: '', gone: true, next: null };
    this.items = new Map([[key(0, ''), this.head]]);
    this.seen = new Map();       // site -> number of its latest operation
  }

  get version() {
    return [...this.seen.values()].reduce((sum, seq) => sum + seq, 0);
  }

  text() {
    let text = '';

    for (let item = this.head.next; item; item = item.next) {
      text += item.gone ? '' : item.char;
    }

    return text;
  }

  // The text has become another one: an operation to send, or null.

  edit(to) {
    const { start, removed, inserted } = difference(this.text(), whole(to));
    let item = this.head;
    let behind = this.head;
    let left = start;

    if (!removed && !inserted.length) {
      return null;
    }

    checked(this.size + inserted.length <= ITEMS_MAX);

    while (left > 0) {
      item = item.next;
      left -= item.gone ? 0 : 1;
      behind = item;
    }

    const op = { site: this.site, seq: (this.seen.get(this.site) ?? 0) + 1 };

    if (removed) {
      op.remove = [];

      for (left = removed; left > 0;) {
        item = item.next;

        if (!item.gone) {
          item.gone = true;
          op.remove.push([item.n, item.site]);
          left -= 1;
        }
      }
    }

    if (inserted.length) {
      op.insert = { n: this.n + 1, behind: [behind.n, behind.site],
                    text: inserted.join('') };
      this.#insert(op.insert.n, this.site, behind, inserted);
    }

    this.seen.set(this.site, op.seq);

    return op;
  }

  // Another's operation.  true: it is in; false: something before it is
  // missing, ask for a state.

  apply(op) {
    checked(isSite(op?.site) && isNumber(op.seq));

    const expected = (this.seen.get(op.site) ?? 0) + 1;

    if (op.seq !== expected) {
      return op.seq < expected;
    }

    const { insert, remove = [] } = op;
    const removed = Array.isArray(remove)
      && remove.map(([n, site]) => this.items.get(key(n, site)));
    const behind = insert && this.items.get(key(...insert.behind));
    const chars = insert ? Array.from(whole(String(insert.text))) : [];

    checked(removed);

    if (removed.includes(undefined) || (insert && !behind)) {
      return false;
    }

    checked(!insert || (isNumber(insert.n) && later(insert, behind)
      && !this.items.has(key(insert.n, op.site))));
    checked(this.size + chars.length <= ITEMS_MAX);

    for (const item of removed) {
      item.gone = true;
    }

    if (insert) {
      this.#insert(insert.n, op.site, behind, chars);
    }

    this.seen.set(op.site, op.seq);

    return true;
  }

  // All that is known, as runs: [n, site, [behind n, behind site], chars], or
  // how many in place of chars that are gone.

  state() {
    const runs = [];
    let last;

    for (let item = this.head.next; item; item = item.next) {
      const run = runs.at(-1);

      if (last && item.site === last.site && item.n === last.n + 1
          && item.behind === last && item.gone === last.gone) {
        run[3] += item.gone ? 1 : item.char;
      } else {
        runs.push([item.n, item.site, [item.behind.n, item.behind.site],
                   item.gone ? 1 : item.char]);
      }

      last = item;
    }

    return { runs, seen: Object.fromEntries(this.seen) };
  }

  // Take over what another knows and this one does not.

  merge(state) {
    const other = new Map();
    const fresh = [];
    let { size } = this;

    checked(Array.isArray(state?.runs));

    for (const [n, site, behind, content] of state.runs) {
      const gone = typeof content === 'number';

      checked(isNumber(n) && isSite(site) && Array.isArray(behind)
        && (gone ? content <= ITEMS_MAX : typeof content === 'string'));

      checked(fresh.length + (gone ? content : 0) <= ITEMS_MAX);

      const chars = gone ? Array(content).fill('') : Array.from(whole(content));
      let parent = key(...behind);

      for (const [i, char] of chars.entries()) {
        const id = key(n + i, site);

        checked(!other.has(id) && (other.has(parent) || this.items.has(parent))
          && n + i > Number(parent.split(' ')[0]));
        other.set(id, gone);
        size += this.items.has(id) ? 0 : 1;
        fresh.push({ id, n: n + i, site, parent, char, gone });
        parent = id;
      }
    }

    const seen = Object.entries(state.seen ?? {});

    checked(size <= ITEMS_MAX && seen.every(([site, seq]) =>
      isSite(site) && isNumber(seq)));

    for (const { id, n, site, parent, char, gone } of fresh) {
      if (!this.items.has(id)) {
        this.#insert(n, site, this.items.get(parent), [char]);
      }
      this.items.get(id).gone ||= gone;
    }

    for (const [site, seq] of seen) {
      this.seen.set(site, Math.max(seq, this.seen.get(site) ?? 0));
    }
  }

  // What was typed at the same place later stands before what was there, and
  // so does all that was typed behind it.

  #insert(n, site, behind, chars) {
    let last = behind;

    for (const char of chars) {
      const item = { n, site, char, gone: false, behind: last };

      n += 1;
      this.n = Math.max(this.n, item.n);
      behind = last;

      while (behind.next && later(behind.next, item)) {
        behind = behind.next;
      }

      item.next = behind.next;
      behind.next = item;
      this.items.set(key(item.n, site), item);
      this.size += 1;
      last = item;
    }
  }
}
