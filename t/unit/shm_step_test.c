/*
 * Killed after any instruction.  A worker is stepped through what it does with
 * the zone, one instruction at a time.  After a step the zone is saved, the
 * worker's pid in it becomes that of a dead process, the survivor must find
 * everything in order, the zone is restored, and the worker goes on.  What
 * the hammer of shm_crash_test meets by chance is met here one by one.
 *
 * Every 97th place is tried, or every SHM_EVERY-th of the environment; 1 is
 * all of them.
 */


#include "shm_fixture.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>


#define ZONE   (4 * 1024 * 1024)
#define EVERY  97

#define NOBODY  0x7ffffff                     /* more than a pid can be */


typedef struct {
    const char   *name;
    void        (*prepare)(ngx_http_socketio_zone_t *zone);
    void        (*act)(ngx_http_socketio_zone_t *zone);
    const char *(*verify)(ngx_http_socketio_zone_t *zone);
} scene_t;


static uint64_t  to_0[2] = { 1 << 0, 0 };
static uint64_t  to_1[2] = { 1 << 1, 0 };
static uint8_t   data[70000];


static void
directory_prepare(ngx_http_socketio_zone_t *zone)
{
    unsigned                 i;
    ngx_http_socketio_key_t  key;

    for (i = 0; i < 4; i++) {
        key = shm_room(zone, i);
        ngx_http_socketio_directory_add(zone, &key, 0, 1 + i);
    }
}


static void
directory_act(ngx_http_socketio_zone_t *zone)
{
    uint32_t                 a, b;
    ngx_http_socketio_key_t  key;

    key = shm_room(zone, 0);
    a = ngx_http_socketio_directory_add(zone, &key, 1, 100);
    key = shm_room(zone, 9);
    b = ngx_http_socketio_directory_add(zone, &key, 1, 100);
    ngx_http_socketio_directory_count(zone, a, 200);
    ngx_http_socketio_directory_remove(zone, a);
    key = shm_room(zone, 1);
    a = ngx_http_socketio_directory_add(zone, &key, 1, 100);
    ngx_http_socketio_directory_remove(zone, b);
    ngx_http_socketio_directory_add(zone, &key, 1, 7);
    (void) shm_find(zone, key);
    (void) ngx_http_socketio_directory_reap(zone, 2);
}


static const char *
directory_verify(ngx_http_socketio_zone_t *zone)
{
    unsigned                   i;
    const char                *fault;
    ngx_http_socketio_found_t  found;

    (void) ngx_http_socketio_directory_reap(zone, 1);
    (void) ngx_http_socketio_directory_reap(zone, 2);

    for (i = 0; i < 4; i++) {
        found = shm_find(zone, shm_room(zone, i));

        if (found.slots[0] != 1 || found.count != 1 + i) {
            return "a cell of the survivor";
        }
    }

    found = shm_find(zone, shm_room(zone, 9));

    if (found.slots[0]) {
        return "a cell of the dead";
    }

    fault = shm_directory_fault(zone);

    return fault ? fault : zone->cells_used != 4 ? "cells_used" : NULL;
}


static void
message_prepare(ngx_http_socketio_zone_t *zone)
{
    unsigned  i;

    for (i = 0; i < 4; i++) {
        (void) ngx_http_socketio_slot_push(zone, 1,
                   ngx_http_socketio_message_put(zone, 0, i, to_1,
                                                 sio_str(data, 100)));
    }
}


static void
message_act(ngx_http_socketio_zone_t *zone)
{
    unsigned  i;
    uint32_t  ref;

    static const size_t  lens[] = { 300, 33000, 66000, 0, 300, 30 };

    for (i = 0; i < 6; i++) {
        ref = ngx_http_socketio_message_put(zone, 1, i, to_0,
                                            sio_str(data, lens[i]));
        (void) ngx_http_socketio_slot_push(zone, 0, ref);

        if (ngx_http_socketio_slot_peek(zone, 1, &ref) == NGX_OK) {
            ngx_http_socketio_slot_done(zone, 1);
        }
    }

    ngx_http_socketio_message_put(zone, 1, 9, to_0, sio_str(data, 300));
    ngx_http_socketio_message_reclaim(zone, 1);
    ngx_http_socketio_slot_leave(zone, 1);
}


static const char *
message_verify(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      ref;
    uint64_t                      next;
    ngx_http_socketio_message_t  *m;

    for (next = 0; ngx_http_socketio_slot_peek(zone, 0, &ref) == NGX_OK;
         next++)
    {
        m = ngx_http_socketio_message(zone, ref);

        if (m == NULL || m->sequence != next || m->sender != 1
            || memcmp(m->data, data, m->len) != 0
            || (m->unread[0] & 1) == 0)
        {
            return "a message";
        }

        ngx_http_socketio_slot_done(zone, 0);
    }

    ngx_http_socketio_message_reclaim(zone, 0);

    return zone->chunks_used ? "a chunk that is lost" : shm_chunks_fault(zone);
}


static ngx_http_socketio_key_t
store_key(ngx_http_socketio_zone_t *zone, unsigned n)
{
    sio_str_t                name;
    ngx_http_socketio_key_t  key;

    name = sio_str(&n, sizeof(n));
    ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_MAIL, &name, 1,
                                &key);

    return key;
}


static ngx_http_socketio_item_t *
store_put(ngx_http_socketio_zone_t *zone, unsigned n, size_t len,
    ngx_uint_t evict)
{
    sio_str_t                part;
    ngx_http_socketio_key_t  key;

    key = store_key(zone, n);
    part = sio_str(data, len);

    return ngx_http_socketio_store_add(zone, &key, n, 1700000000000 + len,
                                       evict, &part, 1);
}


/* Keys 0 to 2 are the survivor's; the worker's are 0 to 4. */

static void
store_prepare(ngx_http_socketio_zone_t *zone)
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        (void) store_put(zone, i % 3, 100 + i * 70, 0);
    }
}


static void
store_act(ngx_http_socketio_zone_t *zone)
{
    unsigned                   i;
    ngx_http_socketio_item_t  *items[8];

    ngx_http_socketio_store_lock(zone);

    for (i = 0; i < 8; i++) {
        items[i] = store_put(zone, i % 5, i * 60, i % 2);
    }

    ngx_http_socketio_store_expire(zone, items[3], 1700000009000);
    ngx_http_socketio_store_expire(zone, items[4], 0);
    ngx_http_socketio_store_remove(zone, items[7]);
    ngx_http_socketio_store_unlock(zone);
    ngx_http_socketio_store_lock(zone);
    ngx_http_socketio_store_remove(zone, items[2]);
    (void) store_put(zone, 1, 300, 1);
    (void) ngx_http_socketio_store_sweep(zone, 1700000000200, 2);
    ngx_http_socketio_store_unlock(zone);
}


static const char *
store_verify(ngx_http_socketio_zone_t *zone)
{
    size_t                     len;
    unsigned                   n, found;
    uint64_t                   id;
    const char                *fault;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_item_t  *item;

    static u_char  copy[1000];

    ngx_http_socketio_store_lock(zone);

    for (n = 0; n < 5; n++) {
        key = store_key(zone, n);
        found = 0;
        id = 0;

        for (item = ngx_http_socketio_store_first(zone, &key, 0); item;
             item = ngx_http_socketio_store_next(zone, item, 0))
        {
            len = ngx_http_socketio_store_read(zone, item, copy, 1000);

            if (len > 1000 || memcmp(copy, data, len) != 0 || item->id <= id) {
                fault = "a record";
                goto done;
            }

            found += item->id <= 6;
            id = item->id;
        }

        if (found != (n < 3 ? 2 : 0)) {
            fault = "a record of the survivor";
            goto done;
        }
    }

    fault = shm_store_fault(zone);

done:

    ngx_http_socketio_store_unlock(zone);

    return fault;
}


/* A successor that is killed in its turn. */

static void
successor_prepare(ngx_http_socketio_zone_t *zone)
{
    uint32_t  ref;

    message_prepare(zone);
    (void) ngx_http_socketio_message_put(zone, 1, 0, to_0, sio_cstr("orphan"));
    ref = ngx_http_socketio_message_put(zone, 1, 0, to_0, sio_cstr("pushed"));
    (void) ngx_http_socketio_slot_push(zone, 0, ref);
    (void) ngx_http_socketio_slot_peek(zone, 1, &ref);
    ngx_http_socketio_slot(zone, 1)->pid = NOBODY;
    ngx_http_socketio_slot(zone, 1)->lock.pid = NOBODY;
    zone->message_lock.pid = NOBODY;
}


static void
successor_act(ngx_http_socketio_zone_t *zone)
{
    (void) ngx_http_socketio_slot_reap(zone, 1);
    (void) ngx_http_socketio_slot_take(zone, 1, 1);
    ngx_http_socketio_message_reclaim(zone, 1);
    (void) ngx_http_socketio_message_put(zone, 1, 0, to_0, sio_cstr("new"));
    ngx_http_socketio_message_reclaim(zone, 1);
}


static const char *
successor_verify(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      ref;
    ngx_http_socketio_message_t  *m;

    if (ngx_http_socketio_slot_peek(zone, 0, &ref) != NGX_OK) {
        return "a message that is lost";
    }

    m = ngx_http_socketio_message(zone, ref);

    if (m->len != 6 || memcmp(m->data, "pushed", 6) != 0) {
        return "the message";
    }

    ngx_http_socketio_message_reclaim(zone, 0);

    if (m->unread[0] != 1) {
        return "a message that is given back too soon";
    }

    ngx_http_socketio_slot_done(zone, 0);
    ngx_http_socketio_message_reclaim(zone, 0);

    return zone->chunks_used ? "a chunk that is lost" : shm_chunks_fault(zone);
}


static void
zone_reset(ngx_http_socketio_zone_t *zone, const scene_t *scene)
{
    sio_hash_key_t                key;
    ngx_http_socketio_shm_plan_t  plan;

    ngx_pid = getpid();
    key = zone->hash;
    (void) ngx_http_socketio_shm_plan(ZONE, &plan);
    ngx_http_socketio_shm_format(zone, &plan, &key);
    (void) ngx_http_socketio_slot_take(zone, 0, 1);
    (void) ngx_http_socketio_slot_take(zone, 1, 1);
    scene->prepare(zone);
}


static void
worker(ngx_http_socketio_zone_t *zone, const scene_t *scene)
{
    shm_worker();

    if (ngx_http_socketio_slot(zone, 1)->pid != NOBODY) {
        ngx_http_socketio_slot(zone, 1)->pid = (ngx_atomic_uint_t) ngx_pid;
    }

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(2);
    }

    (void) raise(SIGSTOP);
    scene->act(zone);
    _exit(0);
}


/* What the others see of a worker that is killed now. */

static const char *
killed(ngx_http_socketio_zone_t *zone, const scene_t *scene, pid_t pid)
{
    size_t              i;
    const char         *fault;
    ngx_atomic_t       *places[6];
    ngx_atomic_uint_t   dead;

    places[0] = &ngx_http_socketio_slot(zone, 1)->pid;
    places[1] = &ngx_http_socketio_slot(zone, 0)->lock.pid;
    places[2] = &ngx_http_socketio_slot(zone, 1)->lock.pid;
    places[3] = &zone->directory_lock.pid;
    places[4] = &zone->message_lock.pid;
    places[5] = &zone->store_lock.pid;
    dead = (ngx_atomic_uint_t) pid;

    for (i = 0; i < 6; i++) {
        if (*places[i] == dead) {
            *places[i] = NOBODY;
        }
    }

    (void) ngx_http_socketio_slot_reap(zone, 1);

    fault = scene->verify(zone);
    if (fault) {
        return fault;
    }

    if (ngx_http_socketio_slot_take(zone, 1, 1) != NGX_OK) {
        return "the slot is not to be had";
    }

    return ngx_http_socketio_slot(zone, 1)->head
           != ngx_http_socketio_slot(zone, 1)->tail
           ? "the inbox is not empty" : NULL;
}


/* A string instruction is one place, however many steps it takes. */

static int
moved(pid_t pid)
{
#if defined(__x86_64__)
    struct user_regs_struct        regs;
    static unsigned long long int  last;

    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0) {
        if (regs.rip == last) {
            return 0;
        }

        last = regs.rip;
    }
#endif

    return 1;
}


/*
 * Step through a scene, and look at every n-th place.  Returns how many places
 * there are, or at which the fault is; -1: no stepping here.
 */

static long
step(ngx_http_socketio_zone_t *zone, const scene_t *scene, long every,
    uint8_t *saved, const char **fault)
{
    int    status;
    long   n;
    pid_t  pid;

    zone_reset(zone, scene);
    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        worker(zone, scene);
    }

    n = 0;

    while (waitpid(pid, &status, 0) == pid) {
        if (WIFEXITED(status)) {
            return WEXITSTATUS(status) == 0 ? n : -1;
        }

        if (moved(pid)) {
            n++;

            if (n % every == 0) {
                memcpy(saved, zone, ZONE);
                *fault = killed(zone, scene, pid);
                memcpy(zone, saved, ZONE);
            }
        }

        if (*fault || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0) {
            (void) kill(pid, SIGKILL);
            (void) waitpid(pid, NULL, 0);
            return *fault ? n : -1;
        }
    }

    return -1;
}


static void
play(ngx_http_socketio_zone_t *zone, const scene_t *scene, long every,
    uint8_t *saved)
{
    long         at;
    const char  *fault;

    fault = NULL;
    at = step(zone, scene, every, saved, &fault);

    if (at < 0) {
        ok(1, "%s # SKIP ptrace is not permitted", scene->name);
        return;
    }

    if (!no_fault(fault, "%s: killed at %ld places", scene->name,
                  at / every))
    {
        printf("# at place %ld\n", at);
    }
}


int
main(void)
{
    long                       every;
    size_t                     i;
    uint8_t                   *saved;
    ngx_http_socketio_zone_t  *zone;

    static const scene_t  scenes[] = {
        { "directory", directory_prepare, directory_act, directory_verify },
        { "store", store_prepare, store_act, store_verify },
        { "messages", message_prepare, message_act, message_verify },
        { "successor", successor_prepare, successor_act, successor_verify }
    };

    unit_plan();

    every = getenv("SHM_EVERY") ? atol(getenv("SHM_EVERY")) : EVERY;
    zone = shm_zone(ZONE);
    saved = malloc(ZONE);

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t) (i * 31 + (i >> 8));
    }

    for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        play(zone, &scenes[i], every > 0 ? every : 1, saved);
    }

    free(saved);

    return unit_done();
}
