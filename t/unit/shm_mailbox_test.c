/*
 * Mailboxes in the store: order, keys, bounds, and what is loaded of them.
 */


#include "shm_fixture.h"

#include "shm/ngx_http_socketio_shm_mailbox.h"


#define ZONE  (4 * 1024 * 1024)
#define NOW   ((uint64_t) 1700000000 * 1000)


static ngx_http_socketio_key_t  ann, bob;
static uint64_t                 buffer[16384];


static ngx_int_t
keep(ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    uint64_t tag, const char *text, ngx_http_socketio_put_t *p)
{
    memset(p, 0, sizeof(*p));

    p->key = *key;
    p->tag = tag;
    p->expires = NOW + 1000;
    p->max = 5;
    p->image = sio_cstr(text);

    return ngx_http_socketio_mailbox_put(zone, p);
}


static uint64_t
put(ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    uint64_t tag, const char *text)
{
    ngx_http_socketio_put_t  p;

    (void) keep(zone, key, tag, text, &p);

    return p.id;
}


/*
 * The images loaded, one behind the other.  What is loaded is marked, so it is
 * called once for each look: is_str() would call it twice.
 */

static sio_str_t
load(ngx_http_socketio_zone_t *zone, ngx_http_socketio_load_t *l,
    uint64_t after, uint64_t before, size_t cap, size_t room)
{
    size_t                       len;
    u_char                      *p;
    ngx_http_socketio_letter_t  *letter;

    static char                  text[1000];

    l->key = ann;
    l->now = NOW;
    l->after = after;
    l->before = before;
    l->dst = (u_char *) buffer;
    l->cap = cap;
    l->room = room;

    ngx_http_socketio_mailbox_load(zone, l);

    len = 0;

    for (p = l->dst; p < l->dst + l->used; p += letter->size) {
        letter = (ngx_http_socketio_letter_t *) p;
        memcpy(text + len, letter + 1, letter->len);
        len += letter->len;
    }

    return sio_str((u_char *) text, len);
}


int
main(void)
{
    uint64_t                   id, first, tag;
    uint64_t                   upto;
    uint32_t                   cursor;
    sio_str_t                  got, none;
    ngx_uint_t                 n;
    ngx_http_socketio_put_t    p;
    ngx_http_socketio_load_t   l;
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    zone = shm_zone(ZONE);
    ngx_http_socketio_mailbox_key(zone, sio_cstr("/"), sio_cstr("ann"), &ann);
    ngx_http_socketio_mailbox_key(zone, sio_cstr("/"), sio_cstr("bob"), &bob);
    tag = ngx_http_socketio_mailbox_tag(zone, sio_cstr("/"), sio_cstr("k"));

    first = put(zone, &ann, 0, "one,");
    (void) put(zone, &ann, tag, "two,");
    (void) put(zone, &bob, tag, "bob's,");
    id = put(zone, &ann, 0, "three,");
    ok(first && id > first, "ids grow");

    got = load(zone, &l, 0, UINT64_MAX, sizeof(buffer), 1000);
    is_str(got, "one,two,three,", "all, in order");
    is_int(l.again, 0, "none was written before");
    got = load(zone, &l, first, id, sizeof(buffer), 1000);
    is_str(got, "two,", "those between two ids");
    is_int(l.again, 1, "which was written before");
    got = load(zone, &l, 0, UINT64_MAX, sizeof(buffer), 8);
    is_str(got, "one,two,", "what there is room for");
    is_int(l.next, 6, "and how long the next one is");
    got = load(zone, &l, 0, UINT64_MAX, 32, 1000);
    is_str(got, "one,", "what the buffer holds");
    got = load(zone, &l, 0, UINT64_MAX, 31, 1000);
    is_str(got, "", "a byte less is too little");

    (void) put(zone, &ann, tag, "new two,");
    got = load(zone, &l, 0, UINT64_MAX, sizeof(buffer), 1000);
    is_str(got, "one,three,new two,", "a key takes a new place");
    is_int(l.again, 2, "and is new itself");

    (void) put(zone, &ann, 0, "four,");
    (void) put(zone, &ann, 0, "five,");
    is_int(keep(zone, &ann, 0, "six,", &p), NGX_DECLINED, "full");
    is_int(keep(zone, &ann, tag, "2,", &p), NGX_OK,
           "but not for a key that is there");
    is_int(p.replaced, 1, "which was replaced");

    none = sio_str(NULL, 0);

    is_int(ngx_http_socketio_mailbox_remove(zone, &ann, first, none), 1,
           "proved");
    is_int(ngx_http_socketio_mailbox_take(zone, &ann, p.id, none), 1,
           "one by its id");
    is_int(ngx_http_socketio_mailbox_take(zone, &ann, p.id, none), 0, "once");

    upto = 0;
    is_int(ngx_http_socketio_mailbox_drop(zone, tag, 1, &upto), 0,
           "none that a home has");
    is_int(ngx_http_socketio_mailbox_drop(zone, tag, 0, &upto), 1,
           "bob's is left");
    is_int(upto, 0, "and that was all");
    got = load(zone, &l, 0, UINT64_MAX, sizeof(buffer), 1000);
    is_str(got, "three,four,five,", "the rest is untouched");

    cursor = 0;
    n = 0;

    do {
        n += ngx_http_socketio_mailbox_sweep(zone, NOW + 999, &cursor, 100);
    } while (cursor);

    is_int(n, 0, "nothing has expired");

    do {
        n += ngx_http_socketio_mailbox_sweep(zone, NOW + 1000, &cursor, 100);
    } while (cursor);

    is_int(n, 3, "then all has");
    got = load(zone, &l, 0, UINT64_MAX, sizeof(buffer), 1000);
    is_str(got, "", "nothing is left");

    return unit_done();
}
