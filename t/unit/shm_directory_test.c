/*
 * The directory against a model, a full one, whom it still names, and what a
 * holder of its lock may have left half done.
 */


#include "shm_fixture.h"


#define ZONE   (4 * 1024 * 1024)
#define SLOTS  6
#define ROOMS  300


typedef struct {
    uint32_t  cell[SLOTS][ROOMS];
    uint32_t  count[SLOTS][ROOMS];
} model_t;


static uint64_t  seed = 88172645463325252;


static unsigned
random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (unsigned) (seed >> 33) % n;
}


static unsigned
differs(ngx_http_socketio_zone_t *zone, model_t *m)
{
    unsigned                   r, s, wrong;
    uint64_t                   slots, count;
    ngx_http_socketio_found_t  found;

    wrong = 0;

    for (r = 0; r < ROOMS; r++) {
        slots = 0;
        count = 0;

        for (s = 0; s < SLOTS; s++) {
            if (m->cell[s][r]) {
                slots |= 1 << s;
                count += m->count[s][r];
            }
        }

        found = shm_find(zone, shm_room(zone, r));
        wrong += found.slots[0] != slots || found.slots[1] != 0
                 || found.count != count;
    }

    return wrong;
}


static void
change(ngx_http_socketio_zone_t *zone, model_t *m, unsigned times)
{
    unsigned                 r, s;
    ngx_http_socketio_key_t  key;

    while (times--) {
        s = random_below(SLOTS);
        r = random_below(ROOMS);

        switch (random_below(3)) {

        case 0:
            key = shm_room(zone, r);
            m->count[s][r] = random_below(1000);
            m->cell[s][r] = ngx_http_socketio_directory_add(zone, &key, s,
                                                            m->count[s][r]);
            break;

        case 1:
            m->count[s][r] = random_below(1000);
            ngx_http_socketio_directory_count(zone, m->cell[s][r],
                                              m->count[s][r]);
            break;

        default:
            ngx_http_socketio_directory_remove(zone, m->cell[s][r]);
            m->cell[s][r] = 0;
        }
    }
}


static void
test_model(ngx_http_socketio_zone_t *zone, model_t *m)
{
    unsigned  i, r, s, wrong, cells;

    wrong = 0;

    for (i = 0; i < 50; i++) {
        change(zone, m, 400);
        wrong += differs(zone, m);
    }

    is_int(wrong, 0, "20000 changes agree with a model");
    no_fault(shm_directory_fault(zone), "chains and free list");

    shm_die(zone, 2);
    is_int(differs(zone, m), 0, "a death that nobody knows of");
    is_int(ngx_http_socketio_slot_reap(zone, 2), NGX_OK, "reap the slot");

    for (cells = 0, r = 0; r < ROOMS; r++) {
        cells += m->cell[2][r] != 0;
        m->cell[2][r] = 0;
    }

    is_int(differs(zone, m), 0, "its cells are skipped at once");
    ok(cells > 50, "%u of them", cells);
    is_int(ngx_http_socketio_slot_take(zone, 2, 1), NGX_OK, "a successor");
    is_int(differs(zone, m), 0, "does not inherit them");

    i = zone->cells_used;
    is_int(ngx_http_socketio_directory_reap(zone, 2), cells, "all come back");
    is_int(zone->cells_used, i - cells, "and are counted");
    is_int(ngx_http_socketio_directory_reap(zone, 2), 0, "once");
    is_int(ngx_http_socketio_directory_reap(zone, 3), 0,
           "nothing of the living");
    is_int(differs(zone, m), 0, "the others' are there");
    no_fault(shm_directory_fault(zone), "chains and free list");

    /* Whatever is derived may be wrong if a holder of the lock died. */

    memset(ngx_http_socketio_shm_at(zone, zone->buckets), 0xee,
           zone->nbuckets * sizeof(uint32_t));
    zone->free_cell = 0x77777777;
    zone->cells_used = 5;
    zone->directory_lock.pid = (ngx_atomic_uint_t) shm_dead_pid();
    is_int(differs(zone, m), 0, "rebuilt from the cells");
    no_fault(shm_directory_fault(zone), "chains and free list");

    change(zone, m, 5000);
    is_int(differs(zone, m), 0, "and goes on");

    for (s = 0; s < SLOTS; s++) {
        for (r = 0; r < ROOMS; r++) {
            ngx_http_socketio_directory_remove(zone, m->cell[s][r]);
            m->cell[s][r] = 0;
        }
    }

    is_int(zone->cells_used, 0, "all removed");
    no_fault(shm_directory_fault(zone), "chains and free list");
}


static void
test_cells(ngx_http_socketio_zone_t *zone)
{
    uint32_t                    a, b;
    ngx_http_socketio_key_t     key, other;
    ngx_http_socketio_found_t   found;

    key = shm_room(zone, 1);
    other = shm_room(zone, 2);

    a = ngx_http_socketio_directory_add(zone, &key, 1, 3);
    b = ngx_http_socketio_directory_add(zone, &key, 1, 4);
    ok(a != 0 && a == b, "one cell for a key and a slot");
    found = shm_find(zone, key);
    is_int(found.count, 4, "with the last count");

    ngx_http_socketio_directory_add(zone, &key, 4, 10);
    ngx_http_socketio_directory_add(zone, &other, 5, 100);
    ngx_http_socketio_directory_find(zone, &other, &found);
    is_int(found.slots[0], 1 << 1 | 1 << 5, "added to what was found");
    found = shm_find(zone, key);
    is_int(found.slots[0], 1 << 1 | 1 << 4, "both slots");
    ngx_http_socketio_directory_find(zone, &other, &found);
    is_int(found.slots[0], 1 << 1 | 1 << 4 | 1 << 5, "a union of rooms");
    is_int(found.count, 114, "and of their counts");

    b = ngx_http_socketio_directory_add(zone, &other, 4, 1);
    shm_die(zone, 4);
    ngx_http_socketio_directory_remove(zone, b);
    ngx_http_socketio_slot_reap(zone, 4);
    is_int(ngx_http_socketio_directory_reap(zone, 4), 2,
           "nobody removes the cells of another");
    ngx_http_socketio_slot_take(zone, 4, 1);

    ngx_http_socketio_directory_remove(zone, a);
    ngx_http_socketio_directory_remove(zone, a);
    ngx_http_socketio_directory_remove(zone, 0);
    ngx_http_socketio_directory_remove(zone, 0xffffffff);
    ngx_http_socketio_directory_count(zone, 0, 1);
    ngx_http_socketio_directory_count(zone, 0xffffffff, 1);
    is_int(zone->cells_used, 1, "removing twice is ignored");
    no_fault(shm_directory_fault(zone), "chains and free list");
    ngx_http_socketio_slot_leave(zone, 5);
    found = shm_find(zone, other);
    is_int(found.slots[0], 0, "who has left is not found");
    ngx_http_socketio_directory_reap(zone, 5);
    ngx_http_socketio_slot_take(zone, 5, 1);
}


static void
test_sessions(ngx_http_socketio_zone_t *zone)
{
    unsigned                 i, wrong;
    uint32_t                 a, b;
    ngx_http_socketio_key_t  key, room, sock;

    is_int(ngx_http_socketio_key_session(sio_cstr("abcdefghij0123456-_z"),
                                         &key), NGX_OK, "a sid");
    is_int(ngx_http_socketio_key_session(sio_cstr("abcdefghij0123456-_"),
                                         &room), NGX_ERROR, "too short");
    is_int(ngx_http_socketio_key_session(sio_cstr("abcdefghij0123456+/z"),
                                         &room), NGX_ERROR, "not base64url");
    is_int(ngx_http_socketio_key_session(sio_cstr("abcdefghij0123456-_zz"),
                                         &room), NGX_ERROR, "too long");

    ngx_http_socketio_key_room(zone, sio_cstr("/"), sio_cstr("x"), &room);
    ngx_http_socketio_key_socket(zone, sio_cstr("/"), sio_cstr("x"), &sock);
    ok(memcmp(&room, &sock, sizeof(room)) != 0, "a room is no socket");
    ngx_http_socketio_key_room(zone, sio_cstr("/x"), sio_cstr(""), &sock);
    ok(memcmp(room.bytes, sock.bytes, sizeof(room.bytes)) != 0,
       "a namespace is no room");

    is_int(ngx_http_socketio_directory_slot(zone, &key),
           NGX_HTTP_SOCKETIO_NO_SLOT, "nobody has it");

    a = ngx_http_socketio_directory_add(zone, &key, 1, 1);
    is_int(ngx_http_socketio_directory_slot(zone, &key), 1, "its owner");

    for (wrong = 0, i = 0; i < 70000; i++) {
        b = ngx_http_socketio_directory_add(zone, &key, i % 2 ? 1 : 3, 1);
        wrong += ngx_http_socketio_directory_slot(zone, &key)
                 != (i % 2 ? 1u : 3u);

        if (i % 1000 == 0) {
            zone->directory_lock.pid = 0x7ffffff;
            wrong += ngx_http_socketio_directory_slot(zone, &key)
                     != (i % 2 ? 1u : 3u);
        }

        if (i % 3 == 0) {
            ngx_http_socketio_directory_remove(zone, a);
        }

        a = b;
    }

    is_int(wrong, 0, "the newest owner while a session moves to and fro");
    ngx_http_socketio_directory_remove(zone, a);
    ngx_http_socketio_slot_leave(zone, 1);
    ngx_http_socketio_slot_leave(zone, 3);
    is_int(ngx_http_socketio_directory_slot(zone, &key),
           NGX_HTTP_SOCKETIO_NO_SLOT, "its owner has left");
    ngx_http_socketio_directory_reap(zone, 1);
    ngx_http_socketio_directory_reap(zone, 3);
    ngx_http_socketio_slot_take(zone, 1, 1);
    ngx_http_socketio_slot_take(zone, 3, 1);
    is_int(zone->cells_used, 0, "nothing left");
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      n, i, *cells;
    ngx_http_socketio_key_t       key;
    ngx_http_socketio_shm_plan_t  plan;

    (void) ngx_http_socketio_shm_plan(ZONE, &plan);
    cells = calloc(plan.cells + 1, sizeof(uint32_t));
    n = 0;

    for ( ;; ) {
        key = shm_room(zone, n);
        cells[n] = ngx_http_socketio_directory_add(zone, &key, n % SLOTS, n);

        if (cells[n] == 0) {
            break;
        }

        n++;
    }

    is_int(n, plan.cells, "as many cells as planned");
    is_int(zone->full, 1, "then it is full, and says so");
    is_int(zone->cells_used, n, "used");
    is_int(ngx_http_socketio_directory_add(zone, &key, 0, n), 0, "still full");
    key = shm_room(zone, 12);
    is_int(ngx_http_socketio_directory_add(zone, &key, 0, 5), cells[12],
           "a cell that is there can be set");
    is_int(shm_find(zone, shm_room(zone, n - 1)).count, n - 1, "found");

    ngx_http_socketio_directory_remove(zone, cells[77]);
    key = shm_room(zone, n);
    is_int(ngx_http_socketio_directory_add(zone, &key, 2, n), cells[77],
           "works again when there is room");

    zone->directory_lock.pid = 0x7ffffff;
    is_int(shm_find(zone, shm_room(zone, n)).count, n, "rebuilt when full");
    no_fault(shm_directory_fault(zone), "chains and free list");

    for (i = 0; i < SLOTS; i++) {
        ngx_http_socketio_slot_leave(zone, i);
        ngx_http_socketio_directory_reap(zone, i);
    }

    is_int(zone->cells_used, 0, "all come back");
    no_fault(shm_directory_fault(zone), "chains and free list");
    free(cells);
}


/* How many there may be, over all slots, and none of the dead. */

static void
test_admit(void)
{
    unsigned                   s, i;
    uint32_t                   cell, cells[3];
    ngx_http_socketio_key_t    key, other;
    ngx_http_socketio_zone_t  *zone;

    zone = shm_zone(ZONE);

    for (s = 0; s < 3; s++) {
        ngx_http_socketio_slot_take(zone, s, 1);
    }

    ngx_http_socketio_key_admitted(zone, sio_cstr("$ip"), sio_cstr("a"), &key);
    ngx_http_socketio_key_admitted(zone, sio_cstr("$ip"), sio_cstr("b"),
                                   &other);

    for (s = 0; s < 3; s++) {
        is_int(ngx_http_socketio_directory_admit(zone, &key, s, 5, &cells[s]),
               NGX_OK, "one in slot %u", s);
    }

    for (i = 0; i < 2; i++) {
        is_int(ngx_http_socketio_directory_admit(zone, &key, 1, 5, &cell),
               NGX_OK, "another");
        is_int(cell, cells[1], "in the same cell");
    }

    is_int(ngx_http_socketio_directory_admit(zone, &key, 0, 5, &cell),
           NGX_DECLINED, "there are five");
    is_int(ngx_http_socketio_directory_admit(zone, &other, 0, 5, &cell),
           NGX_OK, "of this key");
    ngx_http_socketio_directory_release(zone, cell);
    is_int(zone->cells_used, 3, "what is given back is free");

    ngx_http_socketio_directory_release(zone, cells[1]);
    is_int(ngx_http_socketio_directory_admit(zone, &key, 0, 5, &cell), NGX_OK,
           "one went, one came");
    is_int(ngx_http_socketio_directory_admit(zone, &key, 2, 0, &cell), NGX_OK,
           "without a bound");
    is_int(ngx_http_socketio_directory_admit(zone, &key, 2, 5, &cell),
           NGX_DECLINED, "six are too many");

    shm_die(zone, 2);
    (void) ngx_http_socketio_slot_reap(zone, 2);
    is_int(ngx_http_socketio_directory_admit(zone, &key, 0, 5, &cell), NGX_OK,
           "those of the dead do not count");
    ngx_http_socketio_directory_release(zone, cells[2]);
    is_int(ngx_http_socketio_directory_reap(zone, 2), 1,
           "nor are they given back twice");
    ngx_http_socketio_directory_release(zone, 0);
    no_fault(shm_directory_fault(zone), "chains and free list");

    for (i = 0; ; i++) {
        ngx_memcpy(key.bytes, &i, sizeof(i));

        if (ngx_http_socketio_directory_admit(zone, &key, 0, 1, &cell)
            != NGX_OK)
        {
            break;
        }
    }

    is_int(ngx_http_socketio_directory_admit(zone, &key, 0, 1, &cell),
           NGX_ERROR, "a full directory");
    is_int(cell, 0, "has no cell");
}


int
main(void)
{
    model_t                   *m;
    unsigned                   s;
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    zone = shm_zone(ZONE);
    m = calloc(1, sizeof(model_t));

    for (s = 0; s < SLOTS; s++) {
        ngx_http_socketio_slot_take(zone, s, 1);
    }

    test_model(zone, m);
    test_cells(zone);
    test_sessions(zone);
    test_full(zone);
    test_admit();

    free(m);

    return unit_done();
}
