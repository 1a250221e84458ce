/*
 * The store: order, tags, ends, what goes when it is full, data of any length,
 * a model of random changes, and what a holder of its lock may have left half
 * done.
 */


#include "shm_fixture.h"


#define ZONE    (4 * 1024 * 1024)
#define NOW     ((uint64_t) 1700000000 * 1000)
#define KEYS    40
#define MODEL   1200

#define MAIL      NGX_HTTP_SOCKETIO_STORE_MAIL
#define GRANT     NGX_HTTP_SOCKETIO_STORE_GRANT
#define LIMIT     NGX_HTTP_SOCKETIO_STORE_LIMIT
#define PRESENCE  NGX_HTTP_SOCKETIO_STORE_PRESENCE


typedef ngx_http_socketio_item_t  item_t;


typedef struct {
    uint64_t  id;
    uint64_t  expires;
    unsigned  key;
    unsigned  tag;
    unsigned  len;
} record_t;


static uint64_t  seed = 88172645463325252;
static uint8_t   bytes[200000];


static unsigned
random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (unsigned) (seed >> 33) % n;
}


static ngx_http_socketio_key_t
key_of(ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    unsigned n)
{
    char                     name[32];
    sio_str_t                names[2];
    ngx_http_socketio_key_t  key;

    (void) snprintf(name, sizeof(name), "%u", n);
    names[0] = sio_cstr("/");
    names[1] = sio_cstr(name);
    ngx_http_socketio_store_key(zone, kind, names, 2, &key);

    return key;
}


static uint64_t
tag_of(ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    unsigned n)
{
    char       name[32];
    sio_str_t  s;

    (void) snprintf(name, sizeof(name), "%u", n);
    s = sio_cstr(name);

    return ngx_http_socketio_store_tag(zone, kind, &s, 1);
}


static item_t *
add(ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    unsigned key, unsigned tag, uint64_t expires, unsigned evict, size_t len)
{
    sio_str_t                part;
    ngx_http_socketio_key_t  k;

    k = key_of(zone, kind, key);
    part = sio_str(bytes, len);

    return ngx_http_socketio_store_add(zone, &k,
                                       tag ? tag_of(zone, kind, tag) : 0,
                                       expires, evict, &part, 1);
}


static item_t *
first(ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    unsigned key, uint64_t now)
{
    ngx_http_socketio_key_t  k;

    k = key_of(zone, kind, key);

    return ngx_http_socketio_store_first(zone, &k, now);
}


static unsigned
remove_all(ngx_http_socketio_zone_t *zone)
{
    unsigned     n;
    uint32_t     cursor;
    item_t      *item;
    ngx_uint_t   budget;

    n = 0;
    cursor = 0;
    budget = 1000000;

    while ((item = ngx_http_socketio_store_walk(zone, 0, &cursor, &budget))) {
        ngx_http_socketio_store_remove(zone, item);
        n++;
    }

    return n;
}


static void
take_over(ngx_http_socketio_zone_t *zone)
{
    zone->store_lock.pid = 0x7ffffff;
    ngx_http_socketio_store_lock(zone);
    ngx_http_socketio_store_unlock(zone);
}


static void
test_keys(ngx_http_socketio_zone_t *zone)
{
    uint64_t                 tag;
    sio_str_t                names[3];
    ngx_http_socketio_key_t  a, b;

    names[0] = sio_cstr("ab");
    names[1] = sio_cstr("c");
    names[2] = sio_cstr("");
    ngx_http_socketio_store_key(zone, MAIL, names, 2, &a);
    ngx_http_socketio_store_key(zone, MAIL, names, 2, &b);
    ok(memcmp(&a, &b, sizeof(a)) == 0, "the same names, the same key");
    ngx_http_socketio_store_key(zone, MAIL, names, 3, &b);
    ok(memcmp(a.bytes, b.bytes, 15) != 0, "an empty name is a name");
    ngx_http_socketio_store_key(zone, GRANT, names, 2, &b);
    ok(memcmp(a.bytes, b.bytes, 15) != 0, "of another kind");
    is_int(b.kind, GRANT, "which it says");
    names[0] = sio_cstr("a");
    names[1] = sio_cstr("bc");
    ngx_http_socketio_store_key(zone, MAIL, names, 2, &b);
    ok(memcmp(a.bytes, b.bytes, 15) != 0, "cut elsewhere");
    names[0] = sio_cstr("bc");
    names[1] = sio_cstr("a");
    ngx_http_socketio_store_key(zone, MAIL, names, 2, &a);
    ok(memcmp(a.bytes, b.bytes, 15) != 0, "the other way round");
    tag = ngx_http_socketio_store_tag(zone, MAIL, names, 2);
    ok(tag && memcmp(&tag, a.bytes, 8) != 0, "a tag is no key");
    ok(tag != ngx_http_socketio_store_tag(zone, GRANT, names, 2),
       "of another kind");
}


static void
test_order(ngx_http_socketio_zone_t *zone)
{
    unsigned   i, wrong;
    uint64_t   ids[100], id;
    item_t    *item, *next;

    for (i = 0; i < 100; i++) {
        item = add(zone, MAIL, 7, 1 + i % 3, 0, 0, i);
        ids[i] = item->id;
        add(zone, MAIL, 100 + i, 1, 0, 0, 10);
        add(zone, GRANT, 7, 0, 0, 0, 10);
    }

    wrong = 0;
    item = first(zone, MAIL, 7, NOW);

    for (i = 0; i < 100; i++) {
        wrong += item == NULL || item->id != ids[i] || item->len != i;
        item = ngx_http_socketio_store_next(zone, item, NOW);
    }

    ok(wrong == 0 && item == NULL, "a key's records in the order of adding");
    ok(first(zone, PRESENCE, 7, NOW) == NULL, "not those of another kind");
    no_fault(shm_store_fault(zone), "after adding");

    for (item = first(zone, MAIL, 7, NOW), i = 0; item; item = next, i++) {
        next = ngx_http_socketio_store_next(zone, item, NOW);

        if (i % 2) {
            ngx_http_socketio_store_remove(zone, item);
        }
    }

    /* Freed blocks are used again, last one first: out of order in place. */

    for (i = 0; i < 50; i++) {
        ids[2 * i + 1] = add(zone, MAIL, 7, 9, 0, 0, 5)->id;
    }

    take_over(zone);
    no_fault(shm_store_fault(zone), "after a take-over");
    id = 0;
    wrong = 0;

    for (item = first(zone, MAIL, 7, NOW), i = 0; item; i++) {
        wrong += item->id <= id;
        wrong += i < 50 ? item->id != ids[2 * i]
                        : item->id != ids[2 * (i - 50) + 1];
        id = item->id;
        item = ngx_http_socketio_store_next(zone, item, NOW);
    }

    is_int(i, 100, "all are there");
    is_int(wrong, 0, "in order, also when it was made anew");

    i = 0;
    item = ngx_http_socketio_store_tagged(zone, MAIL, tag_of(zone, MAIL, 1),
                                          NOW);

    for ( /* void */ ; item; i++) {
        item = ngx_http_socketio_store_next_tagged(zone, item, NOW);
    }

    is_int(i, 117, "by tag: of all keys");
    ok(ngx_http_socketio_store_tagged(zone, MAIL, 0, NOW) == NULL,
       "none by no tag");
    ok(ngx_http_socketio_store_tagged(zone, GRANT, tag_of(zone, MAIL, 1), NOW)
       == NULL, "none of another kind");

    i = 0;

    while ((item = ngx_http_socketio_store_tagged(zone, MAIL,
                                                  tag_of(zone, MAIL, 9), NOW)))
    {
        ngx_http_socketio_store_remove(zone, item);
        i++;
    }

    is_int(i, 50, "removed by tag");
    is_int(zone->records[MAIL], 150, "counted by kind");
    no_fault(shm_store_fault(zone), "after removing");
    is_int(remove_all(zone), 250, "the rest");
    is_int(zone->blocks_used, 0, "nothing used");
    no_fault(shm_store_fault(zone), "empty");
}


static void
test_data(ngx_http_socketio_zone_t *zone)
{
    u_char                   *copy;
    size_t                    len, sum;
    unsigned                  wrong, i;
    item_t                   *item;
    sio_str_t                 parts[5];
    ngx_http_socketio_key_t   key;

    copy = malloc(sizeof(bytes));
    key = key_of(zone, MAIL, 1);
    wrong = 0;

    for (len = 0; len < 600; len++) {
        item = add(zone, MAIL, 1, 0, 0, 0, len);
        memset(copy, 0xee, 600);
        wrong += item == NULL
                 || ngx_http_socketio_store_read(zone, item, copy, 600) != len
                 || memcmp(copy, bytes, len) != 0 || copy[len] != 0xee;
        memset(copy, 0xee, 600);
        wrong += ngx_http_socketio_store_read(zone, item, copy, len / 2) != len
                 || memcmp(copy, bytes, len / 2) != 0
                 || copy[len / 2] != 0xee;
        ngx_http_socketio_store_remove(zone, item);
    }

    is_int(wrong, 0, "data of 0 to 599 bytes, and half of it");

    for (i = 0; i < 300; i++) {
        for (sum = 0, len = 0; len < 5; len++) {
            parts[len] = sio_str(bytes + sum, random_below(3) * i);
            sum += parts[len].len;
        }

        item = ngx_http_socketio_store_add(zone, &key, 0, 0, 0, parts, 5);
        wrong += ngx_http_socketio_store_read(zone, item, copy, sum) != sum
                 || memcmp(copy, bytes, sum) != 0;
    }

    is_int(wrong, 0, "of several parts, some of them empty");

    item = add(zone, MAIL, 2, 0, 0, 0, sizeof(bytes));
    is_int(ngx_http_socketio_store_read(zone, item, copy, sizeof(bytes)),
           sizeof(bytes), "200000 bytes");
    ok(memcmp(copy, bytes, sizeof(bytes)) == 0, "are the same");
    take_over(zone);
    item = first(zone, MAIL, 2, NOW);
    is_int(ngx_http_socketio_store_read(zone, item, copy, sizeof(bytes)),
           sizeof(bytes), "after a take-over, too");
    ok(memcmp(copy, bytes, sizeof(bytes)) == 0, "are the same");
    no_fault(shm_store_fault(zone), "chains");
    is_int(remove_all(zone), 301, "all removed");
    is_int(zone->blocks_used, 0, "nothing used");
    free(copy);
}


static void
test_ends(ngx_http_socketio_zone_t *zone)
{
    item_t  *a, *b, *c;

    a = add(zone, MAIL, 1, 1, NOW + 500, 0, 1);
    b = add(zone, MAIL, 1, 1, 0, 0, 2);
    c = add(zone, MAIL, 1, 1, NOW + 9000, 0, 3);

    ok(first(zone, MAIL, 1, NOW + 499) == a, "not yet");
    ok(first(zone, MAIL, 1, NOW + 500) == b, "expired: passed over");
    ok(ngx_http_socketio_store_next(zone, a, NOW) == b, "never expires");
    ok(ngx_http_socketio_store_next(zone, b, NOW + 9000) == NULL, "the third");
    ok(ngx_http_socketio_store_tagged(zone, MAIL, tag_of(zone, MAIL, 1),
                                      NOW + 9000) == b, "by tag, too");
    ngx_http_socketio_store_expire(zone, c, NOW + 20000);
    ok(ngx_http_socketio_store_next(zone, b, NOW + 9000) == c, "prolonged");
    ngx_http_socketio_store_expire(zone, b, NOW + 100);
    ngx_http_socketio_store_expire(zone, a, 0);
    no_fault(shm_store_fault(zone), "ends that were changed");
    ok(first(zone, MAIL, 1, NOW + 30000) == a, "the first one has no end now");
    ok(ngx_http_socketio_store_next(zone, a, NOW + 30000) == NULL,
       "the others have");

    add(zone, LIMIT, 1, 0, NOW + 3000, 1, 1);
    add(zone, LIMIT, 2, 0, NOW + 2000, 1, 1);
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 1999, 10), 0,
           "nothing to sweep");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 2000, 10), 1,
           "one that may be dropped goes at its end");
    ngx_http_socketio_store_expire(zone, first(zone, LIMIT, 1, NOW),
                                   NOW + 5000);
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 4000, 10), 0,
           "prolonged, it stays");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 5000, 10), 1,
           "until its end");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 60099, 10), 0,
           "another kept for a while");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 60100, 10), 1,
           "a minute");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 90000, 0), 0, "at most");
    is_int(ngx_http_socketio_store_sweep(zone, NOW + 90000, 10), 1,
           "and the last one");
    no_fault(shm_store_fault(zone), "swept");
    is_int(remove_all(zone), 1, "what never expires is there");
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    unsigned                      i, n, wrong;
    ngx_http_socketio_shm_plan_t  plan;

    (void) ngx_http_socketio_shm_plan(ZONE, &plan);
    zone->full = 0;

    for (n = 0; add(zone, MAIL, n, 0, 0, 0, 56); n++) { /* void */ }

    is_int(n, plan.blocks, "as many blocks as planned: %u", n);
    is_int(zone->blocks_used, n, "used");
    is_int(zone->full, 1, "then it is full, and says so");
    no_fault(shm_store_fault(zone), "full");
    take_over(zone);
    no_fault(shm_store_fault(zone), "full, and made anew");
    ngx_http_socketio_store_remove(zone, first(zone, MAIL, 7, NOW));
    ok(add(zone, MAIL, n, 0, 0, 0, 57) == NULL, "two blocks don't fit in one");
    ok(add(zone, MAIL, n, 0, 0, 0, 56) != NULL, "one does");
    ok(add(zone, MAIL, n, 0, 0, 0, 1) == NULL, "full again");
    is_int(remove_all(zone), n, "all removed");

    /* A full store of which every tenth may be dropped, or ends. */

    for (i = 0; i < n; i++) {
        add(zone, i % 10 == 3 ? LIMIT : MAIL, i, 0,
            i % 10 == 3 ? NOW + 1000 * (n - i)
            : i % 10 == 6 ? NOW + 1000 * i : 0, i % 10 == 3, 56);
    }

    wrong = 0;
    shm_time.sec += 2000;

    for (i = 6; i <= 2000; i += 10) {
        wrong += add(zone, GRANT, 1, 0, 0, 0, 1) == NULL;
    }

    is_int(wrong, 0, "expired ones make room");
    is_int(zone->records[LIMIT], (n + 6) / 10 - 200, "whichever they are");
    is_int(zone->records[MAIL], n - (n + 6) / 10,
           "those that may be dropped first");
    wrong = 0;

    for (i = 6; i <= 2000; i += 10) {
        wrong += add(zone, GRANT, 1, 0, 0, 0, 1) == NULL;
        wrong += first(zone, MAIL, 2006, 0) == NULL;
    }

    is_int(wrong, 0, "then the others that have expired");
    is_int(zone->records[MAIL], n - (n + 6) / 10 - 200, "all of them");

    i = (unsigned) zone->records[LIMIT];
    wrong = first(zone, LIMIT, 3, 0) == NULL;
    add(zone, GRANT, 1, 0, 0, 0, 1);
    is_int(zone->records[LIMIT], i - 1, "then one that may be dropped");
    ok(wrong == 0 && first(zone, LIMIT, 3, 0) != NULL,
       "not the one that has longest to live");

    ok(add(zone, GRANT, 1, 0, 0, 0, 56 + 124 * i) == NULL,
       "more than there is");
    is_int(zone->records[LIMIT], i - 1, "drops none");
    ok(add(zone, GRANT, 1, 0, 0, 0, 56 + 124 * (i - 2)) != NULL,
       "as much as there is");
    is_int(zone->records[LIMIT], 0, "drops all");
    is_int(zone->blocks_used, n, "full");
    no_fault(shm_store_fault(zone), "after all that");
    remove_all(zone);
    is_int(zone->blocks_used, 0, "all is back");
    no_fault(shm_store_fault(zone), "empty");

    /* Mail has its share, and leaves the rest to the others. */

    for (n = 0; ngx_http_socketio_store_mail(zone, 57); n++) {
        add(zone, MAIL, n, 0, n < 2 ? NOW + 3000000 : 0, 0, 57);
    }

    ok(n == zone->nblocks / 4 * 3 / 2, "mail has three quarters: %u", n);
    is_int(zone->mail, 2 * n, "counted in blocks");
    take_over(zone);
    is_int(zone->mail, 2 * n, "and again, made anew");
    ok(add(zone, GRANT, 1, 0, 0, 0, 5000) != NULL, "a grant finds room");
    shm_time.sec += 2000;
    ok(ngx_http_socketio_store_mail(zone, 57), "expired mail makes room");
    is_int(zone->records[MAIL], n - 1, "no more of it than has to go");
    shm_time.sec -= 2000;
    remove_all(zone);
    is_int(zone->mail, 0, "no mail");
    no_fault(shm_store_fault(zone), "empty again");
    shm_time.sec -= 2000;

    /* Prolonged over and over, as counters are. */

    for (i = 0; i < n; i++) {
        add(zone, LIMIT, i, 0, NOW + 1000 + i % 100, 1, 8);
    }

    for (i = 0; i < n; i++) {
        ngx_http_socketio_store_expire(zone, first(zone, LIMIT, i, NOW),
                                       NOW + 100000 + 1000 * i);
    }

    wrong = 0;

    for (i = 0; i < n / 2; i++) {
        wrong += add(zone, MAIL, i, 0, 0, 0, 8) == NULL;
    }

    is_int(wrong, 0, "counters make room");
    no_fault(shm_store_fault(zone), "and what is left is in order");
    ok(first(zone, LIMIT, n - 1, NOW) != NULL, "the one to live longest stays");
    remove_all(zone);
}


static void
test_walk(ngx_http_socketio_zone_t *zone)
{
    unsigned     i, calls, mail, all;
    uint32_t     cursor;
    item_t      *item;
    ngx_uint_t   budget;

    for (i = 0; i < 1000; i++) {
        add(zone, i % 2 ? MAIL : GRANT, i, 0, i % 3 ? NOW : 0, 0, i);
    }

    budget = 1000000;
    cursor = 0;
    all = 0;

    while ((item = ngx_http_socketio_store_walk(zone, 0, &cursor, &budget))) {
        all++;
    }

    is_int(all, 1000, "all, expired or not");
    is_int(cursor, 0, "the end");
    is_int(1000000 - budget, zone->block_top - 1, "the blocks that were used");

    cursor = 0;
    calls = 0;
    mail = 0;

    do {
        budget = 100;
        calls++;

        while ((item = ngx_http_socketio_store_walk(zone, MAIL, &cursor,
                                                    &budget)))
        {
            mail += ngx_http_socketio_store_kind(zone, item) == MAIL;
            ngx_http_socketio_store_remove(zone, item);
        }

    } while (cursor);

    is_int(mail, 500, "one kind, while they are removed");
    is_int(calls, (zone->block_top - 1) / 100 + 1, "a hundred at a time");
    is_int(remove_all(zone), 500, "the others");
}


/* The records of one key and of one tag, as a model has them. */

static unsigned
differs(ngx_http_socketio_zone_t *zone, record_t *model, unsigned n,
    uint64_t now)
{
    unsigned   i, k, wrong, count[KEYS], tags[KEYS];
    item_t    *item;

    static uint8_t  copy[2000];

    wrong = 0;
    memset(count, 0, sizeof(count));
    memset(tags, 0, sizeof(tags));

    for (i = 0; i < n; i++) {
        if (model[i].expires == 0 || model[i].expires > now) {
            count[model[i].key]++;
            tags[model[i].tag]++;
        }
    }

    for (k = 0; k < KEYS; k++) {
        i = 0;

        for (item = first(zone, MAIL, k, now); item;
             item = ngx_http_socketio_store_next(zone, item, now))
        {
            while (i < n && (model[i].key != k
                             || (model[i].expires && model[i].expires <= now)))
            {
                i++;
            }

            if (i == n || model[i].id != item->id
                || ngx_http_socketio_store_read(zone, item, copy, 2000)
                   != model[i].len
                || memcmp(copy, bytes, model[i].len) != 0)
            {
                return 1;
            }

            count[k]--;
            i++;
        }

        wrong += count[k];

        if (k) {
            for (item = ngx_http_socketio_store_tagged(zone, MAIL,
                                                 tag_of(zone, MAIL, k), now);
                 item;
                 item = ngx_http_socketio_store_next_tagged(zone, item, now))
            {
                tags[k]--;
            }

            wrong += tags[k];
        }
    }

    return wrong;
}


static item_t *
nth(ngx_http_socketio_zone_t *zone, record_t *r)
{
    item_t  *item;

    for (item = first(zone, MAIL, r->key, 0); item && item->id != r->id;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        /* void */
    }

    return item;
}


static void
test_model(ngx_http_socketio_zone_t *zone)
{
    unsigned   i, j, k, n, wrong;
    item_t    *item;
    record_t  *model, *r;

    model = calloc(MODEL, sizeof(record_t));
    n = 0;
    wrong = 0;

    for (i = 0; i < 60; i++) {

        for (j = 0; j < 500; j++) {
            k = random_below(10);

            if (n < MODEL && k < (i % 20 < 10 ? 7u : 2u)) {
                r = &model[n++];
                r->key = random_below(KEYS);
                r->tag = random_below(KEYS);
                r->len = random_below(8) ? random_below(150)
                                         : random_below(2000);
                r->expires = random_below(3) ? NOW + 1 + random_below(99999)
                                             : 0;
                item = add(zone, MAIL, r->key, r->tag, r->expires,
                           random_below(2), r->len);
                r->id = item->id;

            } else if (n && k < 9) {
                k = random_below(n);
                ngx_http_socketio_store_remove(zone, nth(zone, &model[k]));
                memmove(&model[k], &model[k + 1],
                        (n - k - 1) * sizeof(record_t));
                n--;

            } else if (n) {
                r = &model[random_below(n)];
                r->expires = random_below(3) ? NOW + 1 + random_below(99999)
                                             : 0;
                ngx_http_socketio_store_expire(zone, nth(zone, r), r->expires);
            }
        }

        wrong += differs(zone, model, n, NOW + random_below(2) * 50000);
        wrong += shm_store_fault(zone) != NULL;

        /* Whatever is derived may be wrong if a holder of the lock died. */

        if (i % 5 == 4) {
            memset(ngx_http_socketio_shm_at(zone, zone->lists), 0xee,
                   zone->kinds - zone->lists);
            zone->free_block = 0x77777777;
            zone->blocks_used = 5;
            zone->evictable = 3;
            zone->nexpiry[0] = 77777777;
            zone->nexpiry[1] = 0;
            take_over(zone);
            wrong += differs(zone, model, n, NOW);
            wrong += shm_store_fault(zone) != NULL;
        }
    }

    is_int(wrong, 0, "30000 changes agree with a model");
    is_int(remove_all(zone), n, "all there");
    no_fault(shm_store_fault(zone), "all removed");
    free(model);
}


/* Blocks of a record that was never published, or was being removed. */

static void
test_orphans(ngx_http_socketio_zone_t *zone)
{
    u_char    *kinds;
    uint32_t   n;
    item_t    *a, *b;

    kinds = ngx_http_socketio_shm_at(zone, zone->kinds);
    a = add(zone, MAIL, 1, 0, 0, 0, 5000);
    b = add(zone, MAIL, 1, 1, 0, 0, 5000);
    n = ngx_http_socketio_store_block(zone, a);
    kinds[n] = NGX_HTTP_SOCKETIO_STORE_FREE;
    take_over(zone);
    no_fault(shm_store_fault(zone), "blocks behind a first one that is free");
    ok(first(zone, MAIL, 1, NOW) == b, "the other record is there");
    is_int(zone->blocks_used, 1 + (5000 - 56 + 123) / 124, "and nothing else");

    /* What cannot be: a chain into another one goes, the other one stays. */

    a = add(zone, MAIL, 2, 0, 0, 0, 300);
    n = a->more;
    a->more = b->more;
    take_over(zone);
    no_fault(shm_store_fault(zone), "a chain that is not its own");
    ok(kinds[n] == NGX_HTTP_SOCKETIO_STORE_FREE, "its own blocks are free");
    is_int(zone->records[MAIL], 1, "one of two is left");
    remove_all(zone);
    is_int(zone->blocks_used, 0, "all is back");
}


int
main(void)
{
    size_t                     i;
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (i * 31 + (i >> 8));
    }

    zone = shm_zone(ZONE);
    is_int(sizeof(item_t), NGX_HTTP_SOCKETIO_STORE_BLOCK, "a block");
    is_int(sizeof(ngx_http_socketio_more_t), NGX_HTTP_SOCKETIO_STORE_BLOCK,
           "another one");
    is_int(offsetof(item_t, data) % 8, 0, "data is aligned");

    test_keys(zone);
    test_order(zone);
    test_data(zone);
    test_ends(zone);
    test_walk(zone);
    test_model(zone);
    test_orphans(zone);
    test_full(zone);

    return unit_done();
}
