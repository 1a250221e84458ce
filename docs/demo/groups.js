// Groups and invitations.
//
// The application behind a page grants its users the rooms of their groups.
// There is none behind the demo: the events "demo:..." stand for it, and what
// makes a member is the group's id, which nobody can guess.  Who made the
// group knows it, who was invited is told, a public group tells everybody.
// The page remembers its groups and invitations for this tab.
//
// An invitation to a user who is away waits in the mailbox; cancelling it
// takes it out again.

import { ask, me, on, onConnect, online } from './connection.js';
import { $, clock, mark, node, remember, remembered, toast, unique }
  from './page.js';

const ACTIVITY_MAX = 3;
const LIST_MAX = 50;

let groups = [];                 // { groupId, groupName, groupType, activity }
let offers = [];                 // public groups that others have made
let received = [];               // invitations for us
let sent = [];                   // invitations by us, each with a state

const key = () => `groups of ${me()}`;

const save = () => remember(key(), { groups, offers, received, sent });

const say = (text) => { $('groups-status').textContent = text; };

const group = (groupId) => groups.find((other) => other.groupId === groupId);

function add(list, item, id) {
  if (!list.some((other) => other[id] === item[id])) {
    list.unshift(item);
    list.splice(LIST_MAX);
  }
}

// of: the id of what it is about, by which it is found again.

const button = (text, of, onclick, className = 'quiet small') =>
  node('button', text, { type: 'button', className, onclick,
    disabled: !online(), 'data-online': '', 'data-of': `${text} ${of}` });

// A list that hides with its heading while it is empty.  The focus stays where
// it was, or goes to the heading of all.

function fill(id, items) {
  const list = $(id);
  const focus = list.contains(document.activeElement)
    && document.activeElement.dataset.of;

  list.replaceChildren(...items);
  list.closest('[data-list]').hidden = !items.length;

  if (focus) {
    ([...list.querySelectorAll('button')]
      .find(({ dataset }) => dataset.of === focus)
      ?? $('groups-title')).focus();
  }
}


// Showing.

function groupLine({ groupId, groupName, groupType, activity = [] }) {
  return node('li', undefined, {},
    node('div', undefined, { className: 'row' },
      node('b', groupName), node('span', groupType, { className: 'tag' }),
      button('Leave', groupId, () => leave(groupId))),
    node('ul', undefined, { className: 'activity' },
      ...activity.map(({ text, at }) => node('li', undefined, {},
        node('time', clock(at)), node('span', text)))));
}

function offerLine(offer) {
  return node('li', undefined, { className: 'row' },
    node('span', undefined, {}, node('b', offer.groupName),
      node('span', ` by ${offer.by}`)),
    button('Join', offer.groupId, () => enter(offer)));
}

function receivedLine(invitation) {
  const { invitationId, by, groupName, message } = invitation;

  return node('li', undefined, {},
    node('p', undefined, {}, node('b', by), node('span', ' invites you to '),
      node('b', groupName)),
    ...message ? [node('p', message, { className: 'quote' })] : [],
    node('div', undefined, { className: 'row' },
      button('Accept', invitationId, () => respond(invitation, 'accepted'),
        'small'),
      button('Decline', invitationId, () => respond(invitation, 'declined'))));
}

const states = {
  delivered: 'delivered', queued: 'waiting', accepted: 'accepted',
  declined: 'declined', rejected: 'mailbox full',
};

function sentLine(invitation) {
  const { invitationId, to, groupName, state } = invitation;
  const open = state === 'delivered' || state === 'queued';

  return node('li', undefined, { className: 'row' },
    node('span', undefined, {}, node('b', to),
      node('span', ` to ${groupName}`)),
    node('span', states[state] ?? state,
      { className: 'tag', 'data-state': state }),
    ...open ? [button('Cancel', invitationId, () => cancel(invitation))]
      : []);
}

// The groups to invite into; a list that is open stays so.

function showChoice() {
  const select = $('invite-group');
  const chosen = select.value;
  const ids = (list, id) => [...list].map((item) => item[id]).join();

  if (ids(select.options, 'value') !== ids(groups, 'groupId')) {
    select.replaceChildren(...groups.map(({ groupId, groupName }) =>
      node('option', groupName, { value: groupId })));
    select.value = group(chosen) ? chosen : groups[0]?.groupId ?? '';
  }
}

function show() {
  fill('groups-list', groups.map(groupLine));
  fill('offers-list', offers.map(offerLine));
  fill('received-list', received.map(receivedLine));
  fill('sent-list', sent.map(sentLine));

  showChoice();
  $('invite').hidden = !groups.length;
  $('groups-empty').hidden = [groups, offers, received]
    .some((list) => list.length);
  save();
}

function activity(groupId, text, at) {
  const found = group(groupId);

  if (found) {
    found.activity = [{ text, at }, ...found.activity ?? []]
      .slice(0, ACTIVITY_MAX);
    show();
  }
}


// Doing.  What is refused is said, and nothing changes.

async function attempt(event, data) {
  const { error, answer } = await ask(event, data);

  say(error ? `${event}: ${error}` : '');

  return error ? null : answer ?? {};
}

async function create(groupName, groupType) {
  const made = await attempt('demo:group', {});
  const { groupId } = made ?? {};

  if (made && await attempt('group:created',
    { groupId, groupName, groupType, creatorId: me() })) {
    add(groups, { groupId, groupName, groupType }, 'groupId');
    ask('group:join', { groupId });
    show();
    say(groupType === 'public' ? 'Everybody who is online was told.'
      : 'Nobody knows of it but you: invite somebody.');
  }
}

function become({ groupId, groupName, groupType }) {
  add(groups, { groupId, groupName, groupType }, 'groupId');
  offers = offers.filter((offer) => offer.groupId !== groupId);
  ask('group:join', { groupId });
  show();
  say(`You are a member of ${groupName}.`);
}

async function enter(offer) {
  const { groupId } = offer;

  if (await attempt('demo:member', { groupId })
      && await attempt('group:member_joined', { groupId })) {
    become(offer);
  }
}

async function leave(groupId) {
  if (await attempt('group:member_left', { groupId })) {
    ask('demo:gone', { groupId });
    groups = groups.filter((other) => other.groupId !== groupId);
    show();
  }
}

async function invite({ groupId, groupName }, to, message) {
  const invitation = { invitationId: unique(), groupId, groupName,
    recipientIds: [to], message };
  const answer = await attempt('invitation:sent', invitation);

  if (answer) {
    const state = ['delivered', 'queued', 'rejected']
      .find((name) => answer[name]?.includes(to)) ?? 'rejected';

    add(sent, { invitationId: invitation.invitationId, groupId, groupName, to,
      state }, 'invitationId');
    show();
    say({ delivered: `${to} is online and has it.`,
      queued: `${to} is offline: it waits until they come.`,
      rejected: `The mailbox of ${to} is full.` }[state]);
  }
}

async function cancel({ invitationId, groupId, to }) {
  if (await attempt('invitation:cancelled',
    { invitationId, groupId, recipientIds: [to] })) {
    sent = sent.filter((other) => other.invitationId !== invitationId);
    show();
    say('The invitation is cancelled.');
  }
}

async function respond(invitation, response) {
  const { invitationId, groupId, inviterId } = invitation;
  const grant = response === 'accepted' ? 'demo:member' : 'demo:invited';

  if (await attempt(grant, { groupId })
      && await attempt('invitation:respond',
        { invitationId, groupId, response, inviterId })) {
    received = received.filter((other) => other.invitationId !== invitationId);
    show();

    if (response === 'accepted') {
      become(invitation);
    }
  }
}


// A page that comes again, or as another user, is in its groups again.

onConnect(() => {
  ({ groups, offers, received, sent } = { groups: [], offers: [],
    received: [], sent: [], ...remembered(key()) });

  for (const { groupId } of groups) {
    ask('demo:member', { groupId });
    ask('group:join', { groupId });
  }

  show();
});

on('notification:group_created', (data) => {
  const { groupId, groupName, groupType, creatorName } = data;

  add(offers, { groupId, groupName: String(groupName), groupType,
    by: String(creatorName) }, 'groupId');
  show();
  toast('New group', `${creatorName} has made ${groupName}`);
});

on('group:member_joined', ({ groupId, userName, timestamp }) =>
  activity(groupId, `${userName} joined`, timestamp));

on('group:member_left', ({ groupId, userName, timestamp }) =>
  activity(groupId, `${userName} left`, timestamp));

on('group:post_created', ({ groupId, authorName, contentPreview, timestamp }) =>
  activity(groupId, `${authorName}: ${contentPreview}`, timestamp));

on('invitation:received', ({ invitationId, inviter, group: into, message }) => {
  const invitation = { invitationId, groupId: into?.id, groupType: 'private',
    groupName: String(into?.name), inviterId: inviter?.id,
    by: String(inviter?.name), message: String(message ?? '') };

  add(received, invitation, 'invitationId');
  show();
  mark('groups');
  toast('Invitation',
    `${invitation.by} invites you to ${invitation.groupName}`);
});

on('invitation:cancelled', ({ invitationId, inviterId }) => {
  received = received.filter((other) => other.invitationId !== invitationId
    || other.inviterId !== inviterId);
  show();
});

on('invitation:responded', ({ invitationId, userId, response }) => {
  const invitation = sent.find((other) => other.invitationId === invitationId);

  if (invitation?.to === userId) {
    invitation.state = response === 'accepted' ? 'accepted' : 'declined';
    show();
    toast('Answer', `${userId} has ${invitation.state} your invitation to `
      + invitation.groupName);
  }
});

$('create-group').addEventListener('submit', (event) => {
  const name = $('group-name').value.trim();

  event.preventDefault();

  if (name) {
    create(name, $('group-type').value);
    $('group-name').value = '';
  }
});

$('invite').addEventListener('submit', (event) => {
  const to = $('invite-user').value.trim();
  const found = group($('invite-group').value);

  event.preventDefault();

  if (found && to) {
    invite(found, to, $('invite-message').value.trim());
    $('invite-user').value = '';
    $('invite-message').value = '';
  }
});

// What the backend's examples are about.

export const firstGroup = () => groups[0]?.groupId ?? '';
