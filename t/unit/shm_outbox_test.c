/*
 * The outbox, and mailboxes that have a home elsewhere: what is told, what is
 * confirmed, and copies of what the home has.
 */


#include "shm_fixture.h"

#include "shm/ngx_http_socketio_shm_outbox.h"


#define ZONE  (4 * 1024 * 1024)
#define NOW   ((uint64_t) 1700000000 * 1000)
#define LONG  (30ull * 24 * 3600 * 1000)
#define HOST  7


static ngx_http_socketio_zone_t  *zone;
static ngx_http_socketio_key_t    ann;
static uint64_t                   buffer[16384];
static ngx_http_socketio_post_t   post;


static uint64_t
put(uint64_t tag, const char *text)
{
    ngx_http_socketio_put_t  p;

    memset(&p, 0, sizeof(p));

    p.key = ann;
    p.tag = tag;
    p.expires = NOW + LONG;
    p.max = 100;
    p.image = sio_cstr(text);
    p.host = HOST;
    p.names = sio_cstr("ann's");

    return ngx_http_socketio_mailbox_put(zone, &p) == NGX_OK ? p.id : 0;
}


static ngx_int_t
copy(ngx_http_socketio_copy_t *c, uint64_t host, uint64_t id,
    const char *text)
{
    c->key = ann;
    c->expires = NOW + LONG;
    c->origin.host = host;
    c->origin.id = id;
    c->image = sio_cstr(text);

    return ngx_http_socketio_mailbox_copy(zone, c);
}


/* All images, joined; mark: they are written to a socket. */

static sio_str_t
all(ngx_uint_t mark)
{
    size_t                       len;
    u_char                      *p;
    ngx_http_socketio_load_t     l;
    ngx_http_socketio_item_t    *item;
    ngx_http_socketio_letter_t  *letter;

    static char                  text[1000];

    l.key = ann;
    l.now = NOW;
    l.after = 0;
    l.before = UINT64_MAX;
    l.dst = (u_char *) buffer;
    l.cap = sizeof(buffer);
    l.room = 1000;

    ngx_http_socketio_mailbox_load(zone, &l);

    len = 0;

    for (p = l.dst; p < l.dst + l.used; p += letter->size) {
        letter = (ngx_http_socketio_letter_t *) p;
        memcpy(text + len, letter + 1, letter->len);
        len += letter->len;
    }

    for (item = ngx_http_socketio_store_first(zone, &ann, 0);
         item && !mark;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        ((ngx_http_socketio_mail_t *) item->data)->written = 0;
    }

    return sio_str((u_char *) text, len);
}


static ngx_int_t
next(uint64_t after)
{
    size_t    need;
    uint64_t  both[2] = { after, after };

    return ngx_http_socketio_outbox_next(zone, both, (u_char *) buffer,
                                         sizeof(buffer), &post, &need);
}


static void
outbox(void)
{
    size_t      need;
    uint64_t    one, two, id;
    uint64_t    none[2] = { 0, 0 }, takes[2] = { UINT64_MAX, 0 };
    sio_str_t   got;

    one = put(0, "one,");
    two = put(9, "two,");
    ok(one && two > one, "items are put");
    is_int(zone->records[NGX_HTTP_SOCKETIO_STORE_OUTBOX], 2,
           "and are to be told");

    is_int(ngx_http_socketio_outbox_next(zone, none, (u_char *) buffer, 8,
                                         &post, &need), NGX_AGAIN,
           "a small buffer");
    is_int(ngx_http_socketio_outbox_next(zone, none, (u_char *) buffer, need,
                                         &post, &need), NGX_OK, "a good one");
    is_int(post.type, NGX_HTTP_SOCKETIO_POST_PUT, "a put");
    ok(post.origin.host == HOST && post.origin.id == one, "its origin");
    is_str(post.names, "ann's", "its names");
    is_str(post.image, "one,", "its image");
    ok(post.expires == NOW + LONG, "and its end");

    id = post.id;
    is_int(next(id), NGX_OK, "the next one");
    is_str(post.image, "two,", "is the second");
    is_int(next(post.id), NGX_DONE, "and the last");

    ngx_http_socketio_outbox_done(zone, id, 0);
    got = all(0);
    is_str(got, "two,", "what the home has goes, if nobody is here");
    (void) next(0);
    ngx_http_socketio_outbox_done(zone, post.id, 1);
    got = all(0);
    is_str(got, "two,", "or stays for who is");
    is_int(next(0), NGX_DONE, "nothing is to be told");

    ngx_http_socketio_outbox_done(zone, id, 0);
    got = all(0);
    is_str(got, "two,", "an answer that comes twice does nothing");

    is_int(ngx_http_socketio_mailbox_remove(zone, &ann, UINT64_MAX,
                                            sio_cstr("ann's")), 1, "proved");
    is_int(next(0), NGX_OK, "the home is told");
    is_int(post.type, NGX_HTTP_SOCKETIO_POST_REMOVE, "to remove");
    is_int(post.norigins, 1, "one");
    ok(post.origins[0].host == HOST && post.origins[0].id == two,
       "by its origin");
    is_str(post.names, "ann's", "and its names");
    ngx_http_socketio_outbox_done(zone, post.id, 0);

    one = put(0, "held,");
    (void) put(0, "told,");
    (void) ngx_http_socketio_mailbox_take(zone, &ann, one + 2,
                                          sio_cstr("ann's"));
    is_int(ngx_http_socketio_outbox_next(zone, takes, (u_char *) buffer,
                                         sizeof(buffer), &post, &need),
           NGX_OK, "puts may be passed over");
    is_int(post.type, NGX_HTTP_SOCKETIO_POST_REMOVE, "for what takes away");
    id = post.id;
    is_int(ngx_http_socketio_outbox_get(zone, id, (u_char *) buffer,
                                        sizeof(buffer), &post, &need),
           NGX_OK, "it is found");
    ngx_http_socketio_outbox_done(zone, id, 0);
    is_int(ngx_http_socketio_outbox_get(zone, id, (u_char *) buffer,
                                        sizeof(buffer), &post, &need),
           NGX_DONE, "until it is done");
    is_int(next(0), NGX_OK, "the put is there");
    is_str(post.image, "held,", "still");
    ngx_http_socketio_outbox_done(zone, post.id, 0);

    one = put(0, "gone,");
    (void) ngx_http_socketio_mailbox_take(zone, &ann, one, sio_cstr("ann's"));
    is_int(next(0), NGX_OK, "what is gone before it was told");
    is_int(post.type, NGX_HTTP_SOCKETIO_POST_REMOVE, "is not told");
    is_int(zone->records[NGX_HTTP_SOCKETIO_STORE_OUTBOX], 1,
           "and its record is gone");
    ngx_http_socketio_outbox_done(zone, post.id, 0);
}


/* Other hosts are to hear of what has arrived here already. */

static void
arrived(void)
{
    uint64_t   one;
    sio_str_t  got;

    zone->mail_up = 1;

    one = put(0, "one,");
    is_int(ngx_http_socketio_mailbox_remove(zone, &ann, one,
                                            sio_cstr("ann's")), 1, "arrived");
    is_int(ngx_http_socketio_mailbox_remove(zone, &ann, one,
                                            sio_cstr("ann's")), 0, "once");
    got = all(0);
    is_str(got, "", "nobody sees it any more");
    is_int(next(0), NGX_OK, "it is told");
    is_str(post.image, "one,", "all the same");
    ngx_http_socketio_outbox_done(zone, post.id, 1);
    is_int(zone->records[NGX_HTTP_SOCKETIO_STORE_MAIL], 0, "then it is gone");
    is_int(next(0), NGX_OK, "there too");
    is_int(post.type, NGX_HTTP_SOCKETIO_POST_REMOVE, "it is to be removed");
    ngx_http_socketio_outbox_done(zone, post.id, 0);

    zone->mail_up = 0;
}


static void
slices(void)
{
    ngx_uint_t  n, removed;

    for (n = 0; n < 250 / 3; n++) {
        (void) put(0, "x");
    }

    removed = ngx_http_socketio_mailbox_remove(zone, &ann, UINT64_MAX,
                                               sio_cstr("ann's"));
    is_int(removed, n, "many are removed");

    for (n = 0; next(0) == NGX_OK; n += post.norigins) {
        ngx_http_socketio_outbox_done(zone, post.id, 0);
    }

    is_int(n, removed, "and all are told");
}


static void
copies(void)
{
    sio_str_t                  got;
    ngx_http_socketio_copy_t   c, other;

    (void) put(0, "new,");
    memset(&c, 0, sizeof(c));
    c.stamp = 1;

    is_int(copy(&c, 8, 1, "a,"), NGX_OK, "a copy is put in");
    is_int(copy(&c, 8, 2, "b,"), NGX_OK, "another one");
    is_int(copy(&c, 8, 1, "a,"), NGX_DECLINED, "once");
    ngx_http_socketio_mailbox_settled(zone, &c, 1);
    got = all(0);
    is_str(got, "b,a,new,", "what came late is behind");

    memset(&other, 0, sizeof(other));
    other.stamp = 2;
    is_int(copy(&other, 8, 1, "a,"), NGX_DECLINED, "the home has one of them");
    ngx_http_socketio_mailbox_settled(zone, &other, 0);
    got = all(0);
    is_str(got, "b,a,new,", "a part of the list says nothing");
    ngx_http_socketio_mailbox_settled(zone, &other, 1);
    got = all(1);
    is_str(got, "a,new,", "all of it says what is gone");

    memset(&other, 0, sizeof(other));
    other.stamp = 3;
    is_int(copy(&other, 9, 1, "older,"), NGX_OK, "one that was missed");
    is_int(copy(&other, 8, 1, "a,"), NGX_DECLINED, "before one that is there");
    ngx_http_socketio_mailbox_settled(zone, &other, 1);
    got = all(0);
    is_str(got, "a,new,older,", "what was written stays in its place");
}


int
main(void)
{
    unit_plan();

    zone = shm_zone(ZONE);
    ngx_http_socketio_mailbox_key(zone, sio_cstr("/"), sio_cstr("ann"), &ann);

    outbox();
    arrived();
    slices();
    copies();

    return unit_done();
}
