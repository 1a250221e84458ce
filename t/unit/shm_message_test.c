/*
 * Messages: references, runs, a full area, and that every chunk comes back,
 * whoever died.
 */


#include "shm_fixture.h"


#define MB  (1024 * 1024)


static uint64_t  to_1[2] = { 1 << 1, 0 };
static uint64_t  to_many[2] = { 1 << 1 | 1 << 2, 1ull << 63 };


static uint8_t *
pattern(size_t len, unsigned n)
{
    size_t    i;
    uint8_t  *p;

    p = malloc(len + 1);

    for (i = 0; i < len; i++) {
        p[i] = (uint8_t) (i * 7 + (i >> 8) + n);
    }

    return p;
}


static void
test_refs(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      a, b, c;
    ngx_http_socketio_message_t  *m;

    ok(ngx_http_socketio_message(zone, 0) == NULL, "no message 0");
    ok(ngx_http_socketio_message(zone, 0xffffffff) == NULL, "none outside");
    ok(ngx_http_socketio_message(zone, zone->nchunks * 1024 + 1) == NULL,
       "none after the last chunk");
    ngx_http_socketio_message_read(zone, 0, 0);
    ngx_http_socketio_message_read(zone, 0xffffffff, 0);
    ngx_http_socketio_message_release(zone, 0, 0, 0);
    is_int(ngx_http_socketio_message_stamp(zone, 0xffffffff), 0, "no stamp");

    is_int(ngx_http_socketio_message_put(zone, 9, 1, to_1, sio_cstr("x")), 0,
           "not by who has no slot");
    is_int(ngx_http_socketio_message_put(zone, 128, 1, to_1, sio_cstr("x")), 0,
           "not by slot 128");

    a = ngx_http_socketio_message_put(zone, 0, 41, to_many, sio_cstr("hello"));
    b = ngx_http_socketio_message_put(zone, 0, 42, to_1, sio_str(NULL, 0));
    c = ngx_http_socketio_message_put(zone, 0, 43, to_1, sio_cstr("!"));
    ok(a && b == a + 1 && c == b + 1, "one after the other");

    m = ngx_http_socketio_message(zone, a);
    is_mem(m->data, m->len, "hello", 5, "data");
    is_int(m->sequence, 41, "sequence");
    ok(m->unread[0] == to_many[0] && m->unread[1] == to_many[1], "receivers");
    is_int(ngx_http_socketio_message(zone, b)->len, 0, "an empty one");

    ngx_http_socketio_message_read(zone, a, 1);
    ngx_http_socketio_message_read(zone, a, 1);
    ngx_http_socketio_message_read(zone, a, 128);
    ok(m->unread[0] == 1 << 2 && m->unread[1] == to_many[1], "read by one");

    ngx_http_socketio_message_read(zone, b, 1);
    ngx_http_socketio_message_read(zone, c, 1);
    ngx_http_socketio_message_read(zone, a, 127);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 1, "held by one reader");
    ngx_http_socketio_message_read(zone, a, 2);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 0, "given back");
}


static void
test_large(ngx_http_socketio_zone_t *zone)
{
    size_t                        len;
    unsigned                      i;
    uint8_t                      *data;
    uint32_t                      ref[6], small;
    ngx_http_socketio_message_t  *m;

    static const size_t  lens[] = {
        32 * 1024, 64 * 1024 - 32, 64 * 1024 - 31, 100000, 1000000, 16 * MB
    };

    small = ngx_http_socketio_message_put(zone, 0, 1, to_1, sio_cstr("a"));

    for (i = 0; i < 6; i++) {
        data = pattern(lens[i], i);
        ref[i] = ngx_http_socketio_message_put(zone, 0, i, to_1,
                                               sio_str(data, lens[i]));
        ok(ref[i] != 0, "%zu bytes", lens[i]);
        free(data);
    }

    is_int(ngx_http_socketio_message_put(zone, 0, 1, to_1, sio_cstr("b")),
           small + 1, "small ones go on where they were");
    is_int(zone->chunks_used, 1 + 1 + 1 + 2 + 2 + 16 + 257, "chunks in runs");
    no_fault(shm_chunks_fault(zone), "runs");

    for (i = 0; i < 6; i++) {
        data = pattern(lens[i], i);
        m = ngx_http_socketio_message(zone, ref[i]);
        len = m->len;
        ok(len == lens[i] && memcmp(m->data, data, len) == 0, "intact");
        free(data);
    }

    data = malloc(zone->size);
    memset(data, 0, zone->size);
    is_int(zone->full, 0, "room so far");
    is_int(ngx_http_socketio_message_put(zone, 0, 1, to_1,
                                         sio_str(data, zone->size)), 0,
           "larger than the zone");
    is_int(ngx_http_socketio_message_put(zone, 0, 1, to_1,
                                         sio_str(data, 0x80000000)), 0,
           "larger than can be");
    is_int(zone->full, 2, "counted");
    free(data);

    for (i = 0; i < 6; i++) {
        ngx_http_socketio_message_read(zone, ref[i], 1);
    }

    ngx_http_socketio_message_read(zone, small, 1);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 1, "runs come back");
    ngx_http_socketio_message_read(zone, small + 1, 1);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 0, "and the small one's");
    no_fault(shm_chunks_fault(zone), "runs");
}


static void
test_recycled(ngx_http_socketio_zone_t *zone)
{
    unsigned  i, most;
    uint32_t  ref, last[400];
    uint8_t  *data;

    data = pattern(300, 0);
    memset(last, 0, sizeof(last));
    most = 0;

    for (i = 0; i < 100000; i++) {
        ref = ngx_http_socketio_message_put(zone, 0, i, to_1,
                                            sio_str(data, 300));
        ngx_http_socketio_message_read(zone, last[i % 400], 1);
        last[i % 400] = ref;
        most = ngx_max(most, zone->chunks_used);
    }

    ok(most <= 5, "400 on the way take %u chunks", most);

    for (i = 0; i < 400; i++) {
        ngx_http_socketio_message_read(zone, last[i], 1);
    }

    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 0, "all come back");
    free(data);
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    unsigned   n, i, full;
    uint8_t   *data;
    uint32_t  *refs;

    data = pattern(60000, 0);
    refs = calloc(zone->nchunks * 3 + 2, sizeof(uint32_t));
    full = (unsigned) zone->full;
    n = 0;

    for ( ;; ) {
        refs[n] = ngx_http_socketio_message_put(zone, n & 1, 0, to_1,
                                                sio_str(data, 20000));
        if (refs[n] == 0) {
            break;
        }

        n++;
    }

    /* The last of an odd number has one when the other sender finds none. */

    is_int(n, zone->nchunks / 2 * 6 + zone->nchunks % 2,
           "three in each chunk, then it is full");
    is_int(zone->full, full + 1, "and says so");
    is_int(zone->chunks_used, zone->nchunks, "all are used");

    for (i = 30; i < 36; i++) {
        ngx_http_socketio_message_read(zone, refs[i], 1);
    }

    /* A chunk of either. */

    refs[n] = ngx_http_socketio_message_put(zone, 1, 0, to_1,
                                            sio_str(data, 60000));
    ok(refs[n] != 0, "works again when there is room");
    is_int(ngx_http_socketio_message_put(zone, 1, 0, to_1,
                                         sio_str(data, 60000)), 0,
           "what the other has still to give back is not ours");
    refs[n + 1] = ngx_http_socketio_message_put(zone, 0, 0, to_1,
                                                sio_str(data, 60000));
    ok(refs[n + 1] != 0, "the other can use it");

    for (i = 0; i < n + 2; i++) {
        ngx_http_socketio_message_read(zone, refs[i], 1);
    }

    ngx_http_socketio_message_reclaim(zone, 0);
    ngx_http_socketio_message_reclaim(zone, 1);
    is_int(zone->chunks_used, 0, "all come back");
    free(data);
    free(refs);
}


/* A sender dies: what it has pushed arrives, what it has not is given up. */

static void
test_dead_sender(ngx_http_socketio_zone_t *zone)
{
    uint8_t   *data;
    uint32_t   a, b, c, big, orphan, ref;
    uint64_t   to[2] = { 1 << 1 | 1 << 4, 0 };

    data = pattern(200000, 0);
    ngx_http_socketio_slot_take(zone, 3, 1);
    ngx_http_socketio_slot_take(zone, 4, 1);

    a = ngx_http_socketio_message_put(zone, 3, 0, to, sio_cstr("a"));
    b = ngx_http_socketio_message_put(zone, 3, 0, to_1, sio_cstr("b"));
    c = ngx_http_socketio_message_put(zone, 3, 0, to_1, sio_cstr("c"));
    big = ngx_http_socketio_message_put(zone, 3, 0, to_1,
                                        sio_str(data, 200000));
    orphan = ngx_http_socketio_message_put(zone, 3, 0, to_1,
                                           sio_str(data, 200000));
    is_int(zone->chunks_used, 9, "chunks of the sender");

    ngx_http_socketio_slot_push(zone, 1, a);
    ngx_http_socketio_slot_push(zone, 4, a);
    ngx_http_socketio_slot_push(zone, 1, c);
    ngx_http_socketio_slot_push(zone, 1, big);
    shm_die(zone, 3);

    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 9, "nothing while the slot is held");
    is_int(ngx_http_socketio_slot_take(zone, 3, 1), NGX_OK, "a successor");
    ngx_http_socketio_message_reclaim(zone, 3);
    is_int(zone->chunks_used, 5, "what was not pushed is given up");
    is_int(ngx_http_socketio_message(zone, b)->unread[0], 0, "so is b");
    is_int(ngx_http_socketio_message(zone, a)->unread[0], to[0],
           "a is on its way");
    ok(orphan != 0, "the run was there");

    ngx_http_socketio_slot_peek(zone, 1, &ref);
    is_int(ref, a, "a arrives");
    ngx_http_socketio_slot_done(zone, 1);
    ngx_http_socketio_slot_peek(zone, 1, &ref);
    is_int(ref, c, "c arrives");
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(ngx_http_socketio_message(zone, c)->unread[0], to_1[0],
           "and is not taken away while it is looked at");
    ngx_http_socketio_slot_done(zone, 1);
    ngx_http_socketio_slot_peek(zone, 1, &ref);
    is_int(ref, big, "the large one arrives");
    ok(memcmp(ngx_http_socketio_message(zone, ref)->data, data, 200000) == 0,
       "intact");
    ngx_http_socketio_slot_done(zone, 1);

    ngx_http_socketio_message_reclaim(zone, 1);
    is_int(zone->chunks_used, 1, "slot 4 has still to read");
    shm_die(zone, 4);
    ngx_http_socketio_slot_reap(zone, 4);
    ngx_http_socketio_message_reclaim(zone, 1);
    is_int(zone->chunks_used, 0, "dead as well: all come back");
    no_fault(shm_chunks_fault(zone), "runs");
    free(data);
}


static void
test_mended(ngx_http_socketio_zone_t *zone)
{
    unsigned                    i;
    uint8_t                    *data;
    uint32_t                    a, b;
    ngx_http_socketio_chunk_t  *chunks;

    data = pattern(200000, 0);
    chunks = ngx_http_socketio_shm_at(zone, zone->owners);

    a = ngx_http_socketio_message_put(zone, 0, 0, to_1, sio_cstr("a"));
    b = ngx_http_socketio_message_put(zone, 0, 0, to_1, sio_str(data, 200000));

    for (i = 0; i < zone->nchunks; i++) {
        chunks[i].used = !chunks[i].used;
    }

    zone->chunk_hint = 3;
    zone->chunks_used = 99;
    zone->message_lock.pid = (ngx_atomic_uint_t) shm_dead_pid();
    ngx_http_socketio_message_read(zone, a, 1);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 4, "made anew from the runs");
    no_fault(shm_chunks_fault(zone), "runs");
    ngx_http_socketio_message_read(zone, b, 1);
    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 0, "all come back");
    free(data);
}


int
main(void)
{
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    zone = shm_zone(64 * MB);
    ngx_http_socketio_slot_take(zone, 0, 1);
    ngx_http_socketio_slot_take(zone, 1, 1);

    test_refs(zone);
    test_large(zone);
    test_recycled(zone);
    test_dead_sender(zone);
    test_mended(zone);
    munmap(zone, 64 * MB);

    zone = shm_zone(4 * MB);
    ngx_http_socketio_slot_take(zone, 0, 1);
    ngx_http_socketio_slot_take(zone, 1, 1);
    test_full(zone);

    return unit_done();
}
