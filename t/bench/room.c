/*
 * What rooms cost by themselves, without a server around: a member more and a
 * member less in a room of so many, what finding one of its members takes when
 * something is sent to all and what queueing it for one, which a worker does
 * for all of them in one go, and the zone's part, with so many rooms in it.
 *
 * Each is timed in rounds of CPU time, of which the fastest counts.  Prints
 * lines of JSON, and fails if joining or leaving takes above 2 microseconds.
 */


#include "shm_fixture.h"
#include "sio_fixture.h"

#include <time.h>


#define ROUNDS      20
#define OPS         1000                 /* of a round */
#define ZONE        (192 * 1024 * 1024)
#define BOUND_NSEC  2000


static ngx_http_socketio_zone_t  *zone;
static unsigned                   received;
static unsigned                   failed;


static void *
room_alloc(void *ctx, size_t size)
{
    return malloc(size);
}


static void
room_free(void *ctx, void *p)
{
    free(p);
}


static const sio_mem_t  room_mem = { room_alloc, room_free, NULL };


static ngx_http_socketio_zone_t *
room_zone(void)
{
    ngx_http_socketio_zone_t  *new;

    new = shm_zone(ZONE);
    failed += ngx_http_socketio_slot_take(new, 0, 1) != NGX_OK;

    return new;
}


static double
room_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return ts.tv_sec * 1e9 + ts.tv_nsec;
}


static double
room_best(void (*round)(void *data), void *data, unsigned ops)
{
    double    nsec, best;
    unsigned  i;

    best = 1e18;

    for (i = 0; i < ROUNDS; i++) {
        nsec = -room_now();
        round(data);
        nsec += room_now();
        best = nsec < best ? nsec : best;
    }

    return best / ops;
}


/* As a worker's hub has it: the directory follows the rooms. */

static int
room_changed(sio_namespace_t *ns, sio_room_t *room, uint32_t count)
{
    uint32_t                 *cell;
    sio_str_t                 name;
    ngx_http_socketio_key_t   key;

    cell = room ? &room->cell : &ns->cell;
    name = room ? sio_room_name(room) : sio_str(NULL, 0);

    if (*cell && count) {
        ngx_http_socketio_directory_count(zone, *cell, count);

    } else if (count) {
        ngx_http_socketio_key_room(zone, sio_namespace_name(ns), name, &key);
        *cell = ngx_http_socketio_directory_add(zone, &key, 0, count);

    } else {
        ngx_http_socketio_directory_remove(zone, *cell);
        *cell = 0;
    }

    return SIO_OK;
}


static void
room_join_leave(void *data)
{
    unsigned  i;

    for (i = 0; i < OPS; i++) {
        failed += sio_room_join(data, sio_cstr("lobby")) != SIO_OK;
        failed += sio_room_leave(data, sio_cstr("lobby")) != SIO_OK;
    }
}


static void
room_deliver(sio_socket_t *socket, void *ctx)
{
    received += socket->accepted;
}


static void
room_walk(sio_socket_t *socket, sio_target_pt fn, void *ctx)
{
    sio_str_t     lobby = sio_cstr("lobby");
    sio_target_t  target;

    memset(&target, 0, sizeof(target));
    target.rooms = &lobby;
    target.nrooms = 1;

    (void) sio_namespace_select(socket->ns, &target, fn, ctx);
}


static void
room_select(void *data)
{
    room_walk(data, room_deliver, NULL);
}


static void
room_queue(sio_socket_t *socket, void *ctx)
{
    failed += sio_socket_send(socket, ctx) != SIO_OK;
}


static void
room_drain(sio_socket_t *socket, void *ctx)
{
    eio_outq_free(&socket->client->session->out, &room_mem);
}


/* Members who came and went are in no order of memory. */

static void
room_shuffle(sio_room_t *room)
{
    uint32_t      i, k;
    sio_member_t  member;

    for (i = 0; i < room->count; i++) {
        k = i * 2654435761u % room->count;

        member = room->members[i];
        room->members[i] = room->members[k];
        room->members[k] = member;

        member.socket->rooms[member.index].index = k;
        member = room->members[i];
        member.socket->rooms[member.index].index = i;
    }
}


static double
room_queued(sio_socket_t *socket, unsigned n)
{
    double      nsec, best;
    unsigned    i;
    eio_msg_t  *msg;

    room_shuffle(sio_namespace_room(socket->ns, sio_cstr("lobby")));
    msg = fx_msg("42[\"a\"]");
    best = 1e18;

    for (i = 0; i < ROUNDS; i++) {
        nsec = -room_now();
        room_walk(socket, room_queue, msg);
        nsec += room_now();
        best = nsec < best ? nsec : best;

        room_walk(socket, room_drain, NULL);
    }

    eio_msg_unref(&room_mem, msg);

    return best / n;
}


static void
room_members(unsigned n, sio_app_ops_t *ops)
{
    double          changed;
    unsigned        i;
    fx_conn_t      *conn;
    sio_socket_t   *socket;

    fx_init(&room_mem);
    fx_quiet = 1;
    *ops = *fx.app.ops;
    ops->room_changed = room_changed;
    fx.app.ops = ops;

    for (i = 0, socket = NULL; i <= n; i++) {
        conn = fx_open();
        fx_text(conn, "40");
        socket = conn->c.sockets;

        if (i < n) {
            failed += sio_room_join(socket, sio_cstr("lobby")) != SIO_OK;
        }
    }

    changed = room_best(room_join_leave, socket, 2 * OPS);

    printf("{\"members\":%u,\"join_or_leave_nsec\":%.0f,"
           "\"find_nsec\":%.1f,\"queue_nsec\":%.1f}\n", n, changed,
           n ? room_best(room_select, socket, n) : 0.0,
           n ? room_queued(socket, n) : 0.0);

    failed += changed > BOUND_NSEC;
}


static void
room_zone_find(void *data)
{
    unsigned                   i;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_found_t  found;

    memset(&found, 0, sizeof(found));

    for (i = 0; i < OPS; i++) {
        key = shm_room(zone, i * 7919 % *(unsigned *) data);
        ngx_http_socketio_directory_find(zone, &key, &found);
    }

    failed += found.count != OPS;
}


static void
room_zone_change(void *data)
{
    unsigned                 i;
    ngx_http_socketio_key_t  key;

    for (i = 0; i < OPS; i++) {
        key = shm_room(zone, *(unsigned *) data + i);
        ngx_http_socketio_directory_remove(zone,
                            ngx_http_socketio_directory_add(zone, &key, 0, 1));
    }
}


static void
room_rooms(unsigned n)
{
    double                   changed;
    unsigned                 i;
    ngx_http_socketio_key_t  key;

    for (i = 0; i < n; i++) {
        key = shm_room(zone, i);
        failed += ngx_http_socketio_directory_add(zone, &key, 0, 1) == 0;
    }

    changed = room_best(room_zone_change, &n, 2 * OPS);

    printf("{\"rooms\":%u,\"add_or_remove_nsec\":%.0f,"
           "\"find_nsec\":%.0f}\n", n, changed,
           room_best(room_zone_find, &n, OPS));

    failed += changed > BOUND_NSEC;
}


int
main(void)
{
    unsigned       n;
    sio_app_ops_t  ops;

    for (n = 1; n <= 100000; n *= 10) {
        zone = room_zone();
        room_members(n == 1 ? 0 : n, &ops);
    }

    for (n = 10; n <= 1000000; n *= 10) {
        zone = room_zone();
        room_rooms(n);
    }

    return failed != 0;
}
