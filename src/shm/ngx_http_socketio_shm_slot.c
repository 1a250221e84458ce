/*
 * Slots and their inboxes.
 *
 * Appending is under the slot's lock, and the tail is stored last: a producer
 * that dies holding the lock has either appended or not.  All that changes
 * who owns a slot is under the same lock, and the pid is stored last, so that
 * whoever dies in the middle is found, and the change is made again.
 *
 * Taking an entry clears a bit in its message and then moves the head.  Died
 * in between, the owner leaves an entry whose bit may be cleared already, and
 * whose message may be another one by now, with a bit of this slot that must
 * stay.  Therefore the stamp of the message is noted when the entry is first
 * looked at, while its bit still holds the message there; and a bit is only
 * cleared in a message of this stamp.  What follows that entry was not looked
 * at: its bits are still set.
 *
 * The owner clears `notified` before it reads the tail, a producer sets it
 * after the tail is stored, both with a full barrier: either the owner sees
 * the entry, or the producer sees that it has to wake the owner.
 */


#include "shm/ngx_http_socketio_shm_slot.h"
#include "shm/ngx_http_socketio_shm_message.h"


static ngx_uint_t ngx_http_socketio_slot_next(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, uint32_t *message);
static void ngx_http_socketio_slot_release(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n, uint32_t message);
static void ngx_http_socketio_slot_drop(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n);


ngx_http_socketio_slot_t *
ngx_http_socketio_slot(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    return ngx_http_socketio_shm_at(zone, zone->slots + n * zone->slot_size);
}


ngx_int_t
ngx_http_socketio_slot_take(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    ngx_uint_t generation)
{
    ngx_pid_t                  pid;
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return NGX_ERROR;
    }

    slot = ngx_http_socketio_slot(zone, n);

    (void) ngx_http_socketio_lock(&slot->lock);

    pid = (ngx_pid_t) slot->pid;

    if (pid != 0 && pid != ngx_pid && !ngx_http_socketio_process_dead(pid)) {
        ngx_http_socketio_unlock(&slot->lock);
        return NGX_ERROR;
    }

    /* From here on all that the predecessor recorded is void. */

    __atomic_add_fetch(&slot->incarnation, 1, __ATOMIC_SEQ_CST);

    ngx_http_socketio_slot_drop(zone, slot, n);

    slot->notified = 0;
    slot->busy = 0;
    slot->stream_fallen = 0;
    slot->exiting = 0;
    slot->still = 0;
    slot->generation = generation;

    /* Its chunks are found by their headers. */

    slot->chunk = 0;
    slot->chunk_first = 0;
    slot->chunk_last = 0;

    ngx_memzero((void *) slot->stat,
                NGX_HTTP_SOCKETIO_STAT_RISING * sizeof(ngx_atomic_t));

    __atomic_store_n(&slot->pid, (ngx_atomic_uint_t) ngx_pid,
                     __ATOMIC_SEQ_CST);

    ngx_http_socketio_unlock(&slot->lock);

    return NGX_OK;
}


void
ngx_http_socketio_slot_leave(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return;
    }

    slot = ngx_http_socketio_slot(zone, n);

    (void) ngx_http_socketio_lock(&slot->lock);

    if (slot->pid == (ngx_atomic_uint_t) ngx_pid) {
        slot->busy = 0;
        ngx_http_socketio_slot_drop(zone, slot, n);
        __atomic_store_n(&slot->pid, 0, __ATOMIC_SEQ_CST);
    }

    ngx_http_socketio_unlock(&slot->lock);
}


ngx_int_t
ngx_http_socketio_slot_held(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t incarnation)
{
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return 0;
    }

    slot = ngx_http_socketio_slot(zone, n);

    return slot->pid != 0 && (uint32_t) slot->incarnation == incarnation;
}


ngx_int_t
ngx_http_socketio_slot_died(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t incarnation)
{
    ngx_pid_t                  pid;
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return 1;
    }

    slot = ngx_http_socketio_slot(zone, n);
    pid = (ngx_pid_t) slot->pid;

    if (pid != 0 && (uint32_t) slot->incarnation == incarnation
        && (pid == ngx_pid || !ngx_http_socketio_process_dead(pid)))
    {
        return 0;
    }

    /* last: it is set before the slot is given up */

    return __atomic_load_n(&slot->left, __ATOMIC_SEQ_CST) != incarnation;
}


ngx_int_t
ngx_http_socketio_slot_live(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t incarnation)
{
    ngx_pid_t  pid;

    if (!ngx_http_socketio_slot_held(zone, n, incarnation)) {
        return 0;
    }

    pid = (ngx_pid_t) ngx_http_socketio_slot(zone, n)->pid;

    return pid == ngx_pid || kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


void
ngx_http_socketio_slots_live(ngx_http_socketio_zone_t *zone, uint64_t *slots)
{
    ngx_uint_t  n;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {

        if (ngx_http_socketio_slot_live(zone, n, (uint32_t)
                             ngx_http_socketio_slot(zone, n)->incarnation))
        {
            slots[n / 64] |= (uint64_t) 1 << n % 64;
        }
    }
}


ngx_int_t
ngx_http_socketio_slot_reap(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_int_t                  rc;
    ngx_pid_t                  pid;
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return NGX_DECLINED;
    }

    slot = ngx_http_socketio_slot(zone, n);
    pid = (ngx_pid_t) slot->pid;

    if (pid == 0 || pid == ngx_pid || !ngx_http_socketio_process_dead(pid)) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    (void) ngx_http_socketio_lock(&slot->lock);

    if (slot->pid == (ngx_atomic_uint_t) pid) {
        slot->busy = 0;
        ngx_http_socketio_slot_drop(zone, slot, n);
        __atomic_store_n(&slot->pid, 0, __ATOMIC_SEQ_CST);
        rc = NGX_OK;
    }

    ngx_http_socketio_unlock(&slot->lock);

    return rc;
}


ngx_int_t
ngx_http_socketio_slot_push(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t message)
{
    ngx_atomic_uint_t          tail;
    ngx_http_socketio_slot_t  *slot;

    if (n >= NGX_HTTP_SOCKETIO_SLOTS) {
        return NGX_DECLINED;
    }

    slot = ngx_http_socketio_slot(zone, n);

    (void) ngx_http_socketio_lock(&slot->lock);

    if (slot->pid == 0) {
        ngx_http_socketio_unlock(&slot->lock);
        return NGX_DECLINED;
    }

    tail = slot->tail;

    if (tail - __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE)
        >= slot->ring_size)
    {
        ngx_http_socketio_unlock(&slot->lock);
        return NGX_AGAIN;
    }

    __atomic_store_n(&slot->ring[tail & (slot->ring_size - 1)], message,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&slot->tail, tail + 1, __ATOMIC_RELEASE);

    ngx_http_socketio_unlock(&slot->lock);

    return __atomic_exchange_n(&slot->notified, 1, __ATOMIC_SEQ_CST)
           ? NGX_OK : NGX_DONE;
}


void
ngx_http_socketio_slot_drain(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, n);

    (void) __atomic_exchange_n(&slot->notified, 0, __ATOMIC_SEQ_CST);
}


ngx_int_t
ngx_http_socketio_slot_peek(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t *message)
{
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, n);

    return ngx_http_socketio_slot_next(zone, slot, message)
           ? NGX_OK : NGX_DECLINED;
}


void
ngx_http_socketio_slot_done(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    uint32_t                   message;
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, n);

    if (ngx_http_socketio_slot_next(zone, slot, &message)) {
        ngx_http_socketio_slot_release(zone, slot, n, message);
    }
}


static ngx_uint_t
ngx_http_socketio_slot_next(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, uint32_t *message)
{
    ngx_atomic_uint_t  head;

    head = slot->head;

    if (head == __atomic_load_n(&slot->tail, __ATOMIC_ACQUIRE)) {
        return 0;
    }

    *message = slot->ring[head & (slot->ring_size - 1)];

    if (slot->peeked != head + 1) {
        slot->stamp = ngx_http_socketio_message_stamp(zone, *message);
        __atomic_store_n(&slot->peeked, head + 1, __ATOMIC_RELEASE);
    }

    return 1;
}


static void
ngx_http_socketio_slot_release(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n, uint32_t message)
{
    ngx_http_socketio_message_release(zone, message, n, slot->stamp);

    __atomic_store_n(&slot->head, slot->head + 1, __ATOMIC_RELEASE);
}


/* Give back all that is in the inbox.  Called under the slot's lock. */

static void
ngx_http_socketio_slot_drop(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n)
{
    uint32_t  message;

    while (ngx_http_socketio_slot_next(zone, slot, &message)) {
        ngx_http_socketio_slot_release(zone, slot, n, message);
    }
}


ngx_uint_t
ngx_http_socketio_slot_chosen(ngx_http_socketio_zone_t *zone,
    ngx_uint_t except)
{
    ngx_uint_t                 n, best;
    ngx_atomic_uint_t          generation;
    ngx_http_socketio_slot_t  *slot;

    best = NGX_HTTP_SOCKETIO_NO_SLOT;
    generation = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(zone, n);

        if (slot->pid && !slot->exiting && !slot->still && n != except
            && (best == NGX_HTTP_SOCKETIO_NO_SLOT
                || slot->generation > generation))
        {
            best = n;
            generation = slot->generation;
        }
    }

    return best;
}
