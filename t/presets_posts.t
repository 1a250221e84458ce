#!/usr/bin/env node
'use strict';

// posts.conf, as stock clients see it, and as a backend posts to it.

const { test } = require('./lib/tap');
const { Cast } = require('./lib/cast');

const post = {
  groupId: 'g1', postId: 'p1', authorId: 'ann', authorName: 'Ann "A."',
  postContent: 'Look at this...', timestamp: '2026-01-02T03:04:05.678Z',
};
const created = {
  postId: 'p1', groupId: 'g1', authorId: 'ann', authorName: 'Ann "A."',
  contentPreview: 'Look at this...', timestamp: '2026-01-02T03:04:05.678Z',
};
const notification = {
  type: 'GROUP_POST', title: 'New post in your group',
  message: 'Ann "A." posted: Look at this...', groupId: 'g1', postId: 'p1',
  authorId: 'ann',
};

for (const workers of [1, 4]) {
  const fact = (text, run) => test(`${text}, workers: ${workers}`, run);

  let cast;
  let ann;              // wrote the posts; a member, and a reader of the blog
  let bob;              // a member who looks at the group's page
  let cy;               // a member who does not; a reader of the blog
  let dan;              // reads the blog and has the post open

  fact('users come', async () => {
    cast = await Cast.start({ workers });
    await cast.grant('ann', 'group:g1', 'post-author:p1', 'post-author:p2',
                     'followers:cy');
    await cast.grant('bob', 'group:g1', 'followers:ann');
    await cast.grant('cy', 'group:g1', 'followers:ann');
    [ann, bob, cy, dan] = await cast.enter('ann', 'bob', 'cy', 'dan');
    await Promise.all([ann.ok('group:join', { groupId: 'g1' }),
      bob.ok('group:join', { groupId: 'g1' }), ann.ok('blog:join'),
      cy.ok('blog:join'), dan.ok('blog:join'),
      dan.ok('post:join', { postId: 'p2' })]);
  });

  fact('group:new_post: who looks sees it, members are notified, the author '
    + 'is not', (t) => cast.scene(t, cast.backend, async () => {
      await cast.post({ target: 'group_members', event: 'group:new_post',
                        data: post });
    }, { bob: [['group:post_created', created],
               ['notification:new', notification]],
         cy: [['notification:new', notification]] }));

  fact('group:new_post: not by a client, not without a group', async (t) => {
    await cast.scene(t, ann, () =>
      ann.refused('unknown_event', 'group:new_post', post));

    const { status, body } = await cast.ngx.emit({ target: 'group_members',
      event: 'group:new_post', data: { ...post, groupId: undefined } });
    t.is(status, 400);
    t.is(body.error.code, 'invalid');
  });

  fact('new-post: readers of the blog', async (t) => {
    const data = { postId: 'p2', title: 'Two', author: { id: 7 } };
    const heard = [['new-post', data]];

    await cast.scene(t, cast.backend, () =>
      cast.post({ event: 'new-post', data }),
      { ann: heard, cy: heard, dan: heard });
    await cast.scene(t, cast.backend, () =>
      cast.post({ event: 'new-post', to: 'blog-room', data }),
      { ann: heard, cy: heard, dan: heard });
    await cast.scene(t, ann, () =>
      ann.refused('unknown_event', 'new-post', data));
  });

  for (const event of ['like:update', 'post-like', 'comment:new',
                       'post:update']) {
    fact(`${event}: posted, once to each`, async (t) => {
      const data = { postId: 'p2', likesCount: 12 };
      const heard = [[event, data]];

      await cast.scene(t, cast.backend, () => cast.post({ event, data }),
        { ann: heard, cy: heard, dan: heard });
      await cast.scene(t, cast.backend, () => cast.post({ event,
        data: { ...data, groupId: 'g1' } }),
        Object.fromEntries(['ann', 'bob'].map((user) =>
          [user, [[event, { ...data, groupId: 'g1' }]]])));
    });
  }

  fact('post:update: of the author, in the blog', async (t) => {
    const update = { postId: 'p2', action: 'updated', content: 'Text' };
    const heard = [['post:update', { ...update, authorId: 'ann',
      authorName: 'Ann', timestamp: '@now' }]];

    await cast.scene(t, ann, () =>
      ann.ok('post:update', { ...update, authorId: 'dan' }),
      { cy: heard, dan: heard });
  });

  fact('post:update: of the author, in a group', (t) =>
    cast.scene(t, ann, () => ann.ok('post:update',
      { postId: 'p1', groupId: 'g1', action: 'deleted' }),
      { bob: [['post:update', { postId: 'p1', groupId: 'g1',
        action: 'deleted', content: null, authorId: 'ann', authorName: 'Ann',
        timestamp: '@now' }]] }));

  fact('post:update: refused', async (t) => {
    const update = { postId: 'p2', action: 'updated', content: 'Text' };

    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'post:update', update);
      await bob.refused('invalid', 'post:update', { ...update, action: 'x' });
    });
    await cast.scene(t, ann, async () => {
      await ann.refused('forbidden', 'post:update',
        { ...update, groupId: 'g2' });
      await ann.refused('forbidden', 'post:update',
        { ...update, postId: 'p3' });
    });
  });

  fact('comment:new: on a post that is open', async (t) => {
    const comment = { postId: 'p2', text: 'Well', commentId: 'c1' };
    const heard = [['comment:new', { ...comment, parentId: null,
      authorId: 'dan', authorName: 'Dan', timestamp: '@now' }]];

    await cast.scene(t, dan, () => dan.ok('comment:new', comment),
      { ann: heard, cy: heard });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'comment:new', comment);
      await bob.refused('invalid', 'comment:new', { ...comment, text: '' });
    });
  });

  fact('comment:new: in a group, by a member', async (t) => {
    const comment = { postId: 'p1', groupId: 'g1', text: 'Well' };
    const heard = [['comment:new', { ...comment, commentId: null,
      parentId: null, authorId: 'cy', authorName: 'Cy', timestamp: '@now' }]];

    await cast.scene(t, cy, () => cy.ok('comment:new', comment),
      { ann: heard, bob: heard });
    await cast.scene(t, dan, () =>
      dan.refused('forbidden', 'comment:new', comment));
  });

  fact('like:update: by who sees the post', async (t) => {
    const like = { postId: 'p2', liked: true, likesCount: 1e6 };
    const heard = [['like:update', { postId: 'p2', liked: true,
      userId: 'cy', timestamp: '@now' }]];

    await cast.scene(t, cy, () => cy.ok('like:update', like),
      { ann: heard, dan: heard });
    await cast.scene(t, bob, async () => {
      await bob.refused('forbidden', 'like:update', like);
      await bob.refused('invalid', 'like:update', { ...like, liked: 1 });
    });
    await cast.scene(t, bob, () =>
      bob.ok('like:update', { postId: 'p1', groupId: 'g1', liked: false }),
      { ann: [['like:update', { postId: 'p1', groupId: 'g1', liked: false,
        userId: 'bob', timestamp: '@now' }]] });
    await cast.scene(t, dan, () => dan.refused('forbidden', 'like:update',
      { postId: 'p1', groupId: 'g1', liked: false }));
  });

  fact('story:update: to followers', async (t) => {
    const story = { storyId: 's1', action: 'created',
                    mediaUrl: 'https://cdn.example/s1.jpg' };
    const heard = [['story:update', { ...story, caption: null,
      userId: 'ann', userName: 'Ann', timestamp: '@now' }]];

    await cast.scene(t, ann, () =>
      ann.ok('story:update', { ...story, userId: 'dan' }),
      { bob: heard, cy: heard });
    await cast.scene(t, dan, async () => {
      await dan.ok('story:update', story);
      await dan.refused('invalid', 'story:update',
        { ...story, mediaUrl: 'javascript:alert(1)' });
      await dan.refused('invalid', 'story:update',
        { ...story, storyId: 's 1' });
    });
  });

  fact('post:leave, blog:leave: no more of it', async (t) => {
    await dan.ok('post:leave', { postId: 'p2' });
    await dan.ok('blog:leave');
    await cast.scene(t, cast.backend, () =>
      cast.post({ event: 'new-post', data: { postId: 'p4' } }),
      { ann: [['new-post', { postId: 'p4' }]],
        cy: [['new-post', { postId: 'p4' }]] });
    await cast.scene(t, dan, async () => {
      await dan.refused('forbidden', 'comment:new',
        { postId: 'p2', text: 'x' });
      await dan.refused('invalid', 'post:join', { postId: 'user:ann' });
      await dan.refused('invalid', 'post:leave', {});
    });
  });
}
