/*
 * Slots and inboxes: who may take, what a newcomer finds, order, a full ring,
 * when the owner must be woken, and what must not be cleared twice.
 */


#include "shm_fixture.h"


#define ZONE  (4 * 1024 * 1024)


static uint64_t  to_1[2] = { 1 << 1, 0 };


static uint32_t
put(ngx_http_socketio_zone_t *zone, ngx_uint_t from, const uint64_t *to,
    const char *text)
{
    return ngx_http_socketio_message_put(zone, from, 7, to, sio_cstr(text));
}


static void
test_take(ngx_http_socketio_zone_t *zone)
{
    uint32_t                   incarnation;
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, 5);

    is_int(ngx_http_socketio_slot_take(zone, 128, 1), NGX_ERROR,
           "slot 128 is out of range");
    is_int(ngx_http_socketio_slot_take(zone, 5, 3), NGX_OK, "take");
    is_int(slot->pid, getpid(), "pid");
    is_int(slot->generation, 3, "generation");
    incarnation = (uint32_t) slot->incarnation;
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation), 1, "held");
    is_int(ngx_http_socketio_slot_live(zone, 5, incarnation), 1, "alive");
    is_int(ngx_http_socketio_slot_live(zone, 5, incarnation - 1), 0,
           "in its own time");
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation - 1), 0,
           "a passed incarnation is not");
    is_int(ngx_http_socketio_slot_held(zone, 6, 0), 0, "nobody is not");
    is_int(ngx_http_socketio_slot_held(zone, 128, 0), 0, "128 is not");
    is_int(ngx_http_socketio_slot_reap(zone, 5), NGX_DECLINED,
           "the living are not reaped");
    is_int(ngx_http_socketio_slot_reap(zone, 6), NGX_DECLINED,
           "nobody is not reaped");

    slot->pid = (ngx_atomic_uint_t) getppid();
    is_int(ngx_http_socketio_slot_take(zone, 5, 4), NGX_ERROR,
           "a live owner stays");
    is_int(slot->lock.pid, 0, "and the lock is free");

    slot->stat[NGX_HTTP_SOCKETIO_STAT_SOCKETS] = 9;
    slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 9;
    slot->stat[NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN] = 9;
    slot->stat[NGX_HTTP_SOCKETIO_STAT_OPENED] = 9;
    slot->exiting = 1;
    slot->busy = 8;
    slot->notified = 1;
    shm_die(zone, 5);
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation), 1,
           "a dead owner holds it");
    is_int(ngx_http_socketio_slot_live(zone, 5, incarnation), 0,
           "and does not live");
    is_int(ngx_http_socketio_slot_died(zone, 5, incarnation), 1, "it died");
    slot->left = incarnation;
    is_int(ngx_http_socketio_slot_died(zone, 5, incarnation), 0,
           "with all it had done");
    slot->left = 0;
    is_int(ngx_http_socketio_slot_take(zone, 5, 4), NGX_OK,
           "a dead owner is succeeded");
    is_int(ngx_http_socketio_slot_died(zone, 5, incarnation), 1,
           "it died before");
    is_int(ngx_http_socketio_slot_died(zone, 5, incarnation + 1), 0,
           "its successor did not");
    is_int(ngx_http_socketio_slot_died(zone, 128, 0), 1, "128 is not there");
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation), 0, "its time");
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation + 1), 1,
           "has passed");
    is_int(slot->incarnation, incarnation + 1, "the incarnation is raised");
    is_int(slot->stat[NGX_HTTP_SOCKETIO_STAT_SOCKETS], 0, "sockets are gone");
    is_int(slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER], 0,
           "so is who listened");
    is_int(slot->stat[NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN], 0,
           "and what was left alone");
    is_int(slot->stat[NGX_HTTP_SOCKETIO_STAT_OPENED], 9, "totals go on");
    is_int(slot->exiting + slot->busy + slot->notified, 0, "flags are clear");

    shm_die(zone, 5);
    is_int(ngx_http_socketio_slot_reap(zone, 5), NGX_OK, "reap");
    is_int(ngx_http_socketio_slot_held(zone, 5, incarnation + 1), 0,
           "who was reaped holds none");
    is_int(ngx_http_socketio_slot_reap(zone, 5), NGX_DECLINED, "once");
    is_int(slot->pid, 0, "free");

    is_int(ngx_http_socketio_slot_take(zone, 5, 4), NGX_OK, "take again");
    ngx_http_socketio_slot_leave(zone, 5);
    is_int(slot->pid, 0, "leave");
}


static void
test_inbox(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      a, b, ref;
    ngx_http_socketio_message_t  *msg;

    is_int(ngx_http_socketio_slot_take(zone, 0, 1), NGX_OK, "sender");

    a = put(zone, 0, to_1, "first");
    is_int(ngx_http_socketio_slot_push(zone, 1, a), NGX_DECLINED,
           "nobody is there");
    is_int(ngx_http_socketio_slot_push(zone, 128, a), NGX_DECLINED,
           "out of range");

    is_int(ngx_http_socketio_slot_take(zone, 1, 1), NGX_OK, "receiver");
    b = put(zone, 0, to_1, "second");
    is_int(ngx_http_socketio_slot_peek(zone, 1, &ref), NGX_DECLINED, "empty");
    ngx_http_socketio_slot_done(zone, 1);
    is_int(ngx_http_socketio_slot_push(zone, 1, a), NGX_DONE, "wake it");
    is_int(ngx_http_socketio_slot_push(zone, 1, b), NGX_OK, "it is awake");

    ngx_http_socketio_slot_drain(zone, 1);
    is_int(ngx_http_socketio_slot_peek(zone, 1, &ref), NGX_OK, "peek");
    is_int(ref, a, "the first");
    is_int(ngx_http_socketio_slot_peek(zone, 1, &ref), NGX_OK, "peek again");
    is_int(ref, a, "is the same");

    msg = ngx_http_socketio_message(zone, ref);
    is_mem(msg->data, msg->len, "first", 5, "its data");
    is_int(msg->sender, 0, "its sender");
    is_int(msg->sequence, 7, "its sequence");
    is_int(msg->unread[0], 2, "unread");
    ngx_http_socketio_slot_done(zone, 1);
    is_int(msg->unread[0], 0, "read");

    is_int(ngx_http_socketio_slot_push(zone, 1, b), NGX_DONE,
           "drained: wake it again");
    ngx_http_socketio_slot_peek(zone, 1, &ref);
    is_int(ref, b, "the second");
    ngx_http_socketio_slot_done(zone, 1);
    ngx_http_socketio_slot_done(zone, 1);
    is_int(ngx_http_socketio_slot_peek(zone, 1, &ref), NGX_DECLINED, "empty");
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    uint32_t                   i, round, ref, refs[1024];
    unsigned                   wrong;
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, 1);
    wrong = 0;

    for (round = 0; round < 3; round++) {
        for (i = 0; i < slot->ring_size; i++) {
            refs[i] = put(zone, 0, to_1, "x");
            wrong += ngx_http_socketio_slot_push(zone, 1, refs[i]) < NGX_OK
                     && i != 0;
        }

        is_int(ngx_http_socketio_slot_push(zone, 1, 1), NGX_AGAIN, "full");
        ngx_http_socketio_slot_drain(zone, 1);

        for (i = 0; i < slot->ring_size; i++) {
            wrong += ngx_http_socketio_slot_peek(zone, 1, &ref) != NGX_OK
                     || ref != refs[i];
            ngx_http_socketio_slot_done(zone, 1);
        }
    }

    is_int(wrong, 0, "three rings full, in order");
}


static void
test_successor(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      a, b;
    ngx_http_socketio_message_t  *ma, *mb;

    a = put(zone, 0, to_1, "a");
    b = put(zone, 0, to_1, "b");
    ma = ngx_http_socketio_message(zone, a);
    mb = ngx_http_socketio_message(zone, b);

    ngx_http_socketio_slot_push(zone, 1, a);
    ngx_http_socketio_slot_push(zone, 1, b);
    ngx_http_socketio_slot_peek(zone, 1, &a);
    shm_die(zone, 1);
    is_int(ngx_http_socketio_slot_take(zone, 1, 1), NGX_OK, "a successor");
    is_int(ma->unread[0] + mb->unread[0], 0, "what was there is given back");
    is_int(ngx_http_socketio_slot_peek(zone, 1, &a), NGX_DECLINED,
           "the inbox is empty");

    a = put(zone, 0, to_1, "c");
    ma = ngx_http_socketio_message(zone, a);
    ngx_http_socketio_slot_push(zone, 1, a);
    ngx_http_socketio_slot_leave(zone, 1);
    is_int(ma->unread[0], 0, "who leaves gives back");

    ngx_http_socketio_slot_take(zone, 1, 1);
    a = put(zone, 0, to_1, "d");
    ma = ngx_http_socketio_message(zone, a);
    ngx_http_socketio_slot_push(zone, 1, a);
    shm_die(zone, 1);
    ngx_http_socketio_slot_reap(zone, 1);
    is_int(ma->unread[0], 0, "who is reaped gives back");
    is_int(ngx_http_socketio_slot(zone, 1)->lock.pid, 0, "the lock is free");
}


/* Killed after the bit was cleared, before the head moved. */

static void
test_cleared(ngx_http_socketio_zone_t *zone)
{
    uint32_t                      a, b, ref;
    ngx_http_socketio_message_t  *m;

    ngx_http_socketio_slot_take(zone, 1, 1);
    ngx_http_socketio_message_reclaim(zone, 0);

    a = put(zone, 0, to_1, "old");
    ngx_http_socketio_slot_push(zone, 1, a);
    ngx_http_socketio_slot_peek(zone, 1, &ref);
    ngx_http_socketio_message_read(zone, a, 1);
    shm_die(zone, 1);

    ngx_http_socketio_message_reclaim(zone, 0);
    b = put(zone, 0, to_1, "new");
    is_int(b, a, "the place is used again");

    is_int(ngx_http_socketio_slot_take(zone, 1, 1), NGX_OK, "a successor");
    m = ngx_http_socketio_message(zone, b);
    is_int(m->unread[0], 2, "does not clear the bit of the new message");
    is_int(ngx_http_socketio_slot_push(zone, 1, b), NGX_DONE, "which arrives");
    ngx_http_socketio_slot_peek(zone, 1, &ref);
    is_int(ref, b, "at the successor");

    /* A reader that clears its bit itself does no harm, either. */

    ngx_http_socketio_message_read(zone, b, 1);
    ngx_http_socketio_message_reclaim(zone, 0);
    a = put(zone, 0, to_1, "newer");
    is_int(a, b, "used once more");
    ngx_http_socketio_slot_done(zone, 1);
    is_int(ngx_http_socketio_message(zone, a)->unread[0], 2,
           "done does not clear the bit of the newer message");
    ngx_http_socketio_message_read(zone, a, 1);
}


/* The newest generation before the lowest slot; who goes on, and stays. */

static void
test_chosen(ngx_http_socketio_zone_t *zone)
{
    is_int(ngx_http_socketio_slot_take(zone, 40, 90), NGX_OK, "take");
    is_int(ngx_http_socketio_slot_take(zone, 41, 91), NGX_OK, "take");
    is_int(ngx_http_socketio_slot_take(zone, 42, 91), NGX_OK, "take");

    is_int(ngx_http_socketio_slot_chosen(zone, NGX_HTTP_SOCKETIO_NO_SLOT), 41,
           "the lowest of the newest is chosen");
    is_int(ngx_http_socketio_slot_chosen(zone, 41), 42, "or the next one");

    ngx_http_socketio_slot(zone, 41)->still = 1;
    is_int(ngx_http_socketio_slot_chosen(zone, NGX_HTTP_SOCKETIO_NO_SLOT), 42,
           "who stands still is not");

    ngx_http_socketio_slot(zone, 42)->exiting = 1;
    is_int(ngx_http_socketio_slot_chosen(zone, NGX_HTTP_SOCKETIO_NO_SLOT), 40,
           "nor who ends");

    ngx_http_socketio_slot(zone, 41)->still = 0;
    is_int(ngx_http_socketio_slot_chosen(zone, NGX_HTTP_SOCKETIO_NO_SLOT), 41,
           "until he goes on");

    shm_die(zone, 41);
    ngx_http_socketio_slot(zone, 41)->still = 1;
    is_int(ngx_http_socketio_slot_take(zone, 41, 92), NGX_OK, "a successor");
    is_int(ngx_http_socketio_slot(zone, 41)->still, 0, "goes on");

    ngx_http_socketio_slot_leave(zone, 40);
    ngx_http_socketio_slot_leave(zone, 41);
    ngx_http_socketio_slot_leave(zone, 42);
}


int
main(void)
{
    ngx_http_socketio_zone_t  *zone;

    unit_plan();
    zone = shm_zone(ZONE);

    test_take(zone);
    test_inbox(zone);
    test_full(zone);
    test_successor(zone);
    test_cleared(zone);
    test_chosen(zone);

    ngx_http_socketio_message_reclaim(zone, 0);
    is_int(zone->chunks_used, 0, "all chunks are back");
    is_int(zone->full, 0, "there was room all the time");

    return unit_done();
}
