/*
 * Messages: chunks, their owners, and when they may be used again.
 *
 * Which chunks are taken is told by the headers of runs: `run` is stored after
 * all else when one is taken and cleared first when it is given back, under
 * the lock.  `used`, the hint and the count are derived, and made anew if a
 * holder of the lock died.  Within its chunks a worker needs no lock: a
 * message is written, then `fill` covers it.  The list of own chunks is the
 * owner's alone and dies with it; others go by slot and incarnation.
 *
 * Why every chunk comes back.  A bit is set by the sender before its push,
 * and then
 *   - the push fails: the sender clears it, ngx_http_socketio_message_read();
 *   - an entry is in the inbox: whoever takes it out, the owner of the inbox,
 *     its successor or whoever finds it dead, clears the bit first and moves
 *     the head after it;
 *   - the sender dies before the push: nobody will come for the bit.
 * The last is settled once the sender's incarnation has passed, when nothing
 * of its chunks can be pushed any more: a bit without an entry between head
 * and tail of that inbox is cleared.  No lock of the inbox is needed: only
 * entries whose bits are cleared leave it, and the chunk cannot be used again
 * meanwhile, because that is under the lock of this file.
 *
 * Why none comes back early.  While a bit is set the chunk stays; and a bit
 * is cleared once, or with a look at the stamp (see the slots).
 */


#include "shm/ngx_http_socketio_shm_message.h"


#define NGX_HTTP_SOCKETIO_CHUNK_REFS                                          \
    (NGX_HTTP_SOCKETIO_CHUNK / NGX_HTTP_SOCKETIO_MSG_ALIGN)

#define NGX_HTTP_SOCKETIO_WORDS        (NGX_HTTP_SOCKETIO_SLOTS / 64)


static uint32_t ngx_http_socketio_message_room(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, size_t size);
static uint32_t ngx_http_socketio_chunk_next(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot);
static uint32_t ngx_http_socketio_chunk_get(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, size_t run);
static uint32_t ngx_http_socketio_chunk_take(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t incarnation, size_t run);
static uint32_t ngx_http_socketio_chunk_fit(ngx_http_socketio_zone_t *zone,
    size_t run);
static void ngx_http_socketio_chunk_append(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, uint32_t index);
static void ngx_http_socketio_chunk_free(ngx_http_socketio_zone_t *zone,
    uint32_t i);
static ngx_uint_t ngx_http_socketio_chunk_read(ngx_http_socketio_zone_t *zone,
    uint32_t i);
static void ngx_http_socketio_chunk_settle(ngx_http_socketio_zone_t *zone,
    uint32_t i);
static void ngx_http_socketio_chunk_settle_slot(
    ngx_http_socketio_zone_t *zone, uint32_t i, ngx_uint_t n);
static void ngx_http_socketio_message_reclaim_own(
    ngx_http_socketio_zone_t *zone, ngx_uint_t n);
static void ngx_http_socketio_message_reclaim_dead(
    ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_message_lock(ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_message_mend(ngx_http_socketio_zone_t *zone);


static ngx_inline ngx_http_socketio_chunk_t *
ngx_http_socketio_chunk(ngx_http_socketio_zone_t *zone, uint32_t i)
{
    ngx_http_socketio_chunk_t  *chunks;

    chunks = ngx_http_socketio_shm_at(zone, zone->owners);

    return &chunks[i];
}


static ngx_inline u_char *
ngx_http_socketio_chunk_data(ngx_http_socketio_zone_t *zone, uint32_t i)
{
    return ngx_http_socketio_shm_at(zone, zone->chunks
                                    + (size_t) i * NGX_HTTP_SOCKETIO_CHUNK);
}


static ngx_inline size_t
ngx_http_socketio_message_size(size_t len)
{
    return ngx_align(sizeof(ngx_http_socketio_message_t) + len,
                     NGX_HTTP_SOCKETIO_MSG_ALIGN);
}


static ngx_inline ngx_uint_t
ngx_http_socketio_message_unread(ngx_http_socketio_message_t *msg)
{
    ngx_uint_t  k;
    uint64_t    bits;

    bits = 0;

    for (k = 0; k < NGX_HTTP_SOCKETIO_WORDS; k++) {
        bits |= __atomic_load_n(&msg->unread[k], __ATOMIC_ACQUIRE);
    }

    return bits != 0;
}


/* Whether the owner of a chunk is gone; the log's has none. */

static ngx_inline ngx_uint_t
ngx_http_socketio_chunk_dead(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_chunk_t *chunk)
{
    ngx_http_socketio_slot_t  *slot;

    if (chunk->slot == NGX_HTTP_SOCKETIO_NO_SLOT) {
        return 0;
    }

    slot = ngx_http_socketio_slot(zone, chunk->slot);

    return slot->pid == 0 || (uint32_t) slot->incarnation != chunk->incarnation;
}


uint32_t
ngx_http_socketio_message_put(ngx_http_socketio_zone_t *zone, ngx_uint_t slot,
    uint64_t sequence, const uint64_t receivers[NGX_HTTP_SOCKETIO_SLOTS / 64],
    sio_str_t data)
{
    size_t                        size;
    uint32_t                      index, fill;
    ngx_uint_t                    k;
    ngx_http_socketio_chunk_t    *chunk;
    ngx_http_socketio_message_t  *msg;

    if (slot >= NGX_HTTP_SOCKETIO_SLOTS
        || ngx_http_socketio_slot(zone, slot)->pid
           != (ngx_atomic_uint_t) ngx_pid)
    {
        return 0;
    }

    index = 0;

    if (data.len < 0x7fffffff) {
        size = ngx_http_socketio_message_size(data.len);
        index = ngx_http_socketio_message_room(zone, slot, size);
    }

    if (index == 0) {
        (void) ngx_atomic_fetch_add(&zone->full, 1);
        return 0;
    }

    index--;
    chunk = ngx_http_socketio_chunk(zone, index);
    fill = chunk->fill;

    msg = (ngx_http_socketio_message_t *)
              (ngx_http_socketio_chunk_data(zone, index) + fill);

    msg->len = (uint32_t) data.len;
    msg->sender = (uint16_t) slot;
    msg->reserved = 0;
    msg->sequence = sequence;

    for (k = 0; k < NGX_HTTP_SOCKETIO_WORDS; k++) {
        __atomic_store_n(&msg->unread[k], receivers[k], __ATOMIC_RELAXED);
    }

    if (data.len) {
        ngx_memcpy(msg->data, data.data, data.len);
    }

    __atomic_store_n(&chunk->fill, fill + (uint32_t) size, __ATOMIC_RELEASE);

    return index * NGX_HTTP_SOCKETIO_CHUNK_REFS
           + fill / NGX_HTTP_SOCKETIO_MSG_ALIGN + 1;
}


ngx_http_socketio_message_t *
ngx_http_socketio_message(ngx_http_socketio_zone_t *zone, uint32_t ref)
{
    if (ref == 0
        || (ref - 1) / NGX_HTTP_SOCKETIO_CHUNK_REFS >= zone->nchunks)
    {
        return NULL;
    }

    return ngx_http_socketio_shm_at(zone, zone->chunks
                                    + (size_t) (ref - 1)
                                      * NGX_HTTP_SOCKETIO_MSG_ALIGN);
}


void
ngx_http_socketio_message_read(ngx_http_socketio_zone_t *zone, uint32_t ref,
    ngx_uint_t slot)
{
    ngx_http_socketio_message_t  *msg;

    msg = ngx_http_socketio_message(zone, ref);

    if (msg == NULL || slot >= NGX_HTTP_SOCKETIO_SLOTS) {
        return;
    }

    (void) __atomic_fetch_and(&msg->unread[slot / 64],
                              ~((uint64_t) 1 << slot % 64), __ATOMIC_ACQ_REL);
}


uint32_t
ngx_http_socketio_message_stamp(ngx_http_socketio_zone_t *zone, uint32_t ref)
{
    uint32_t  i;

    i = (ref - 1) / NGX_HTTP_SOCKETIO_CHUNK_REFS;

    if (ref == 0 || i >= zone->nchunks) {
        return 0;
    }

    return __atomic_load_n(&ngx_http_socketio_chunk(zone, i)->stamp,
                           __ATOMIC_ACQUIRE);
}


void
ngx_http_socketio_message_release(ngx_http_socketio_zone_t *zone, uint32_t ref,
    ngx_uint_t slot, uint32_t stamp)
{
    uint64_t                      bit;
    ngx_http_socketio_message_t  *msg;

    msg = ngx_http_socketio_message(zone, ref);

    if (msg == NULL) {
        return;
    }

    /*
     * First the bit, then the stamp: if the bit is set, the message stays
     * what it is until it is cleared, and the stamp is that of this message.
     */

    bit = (uint64_t) 1 << slot % 64;

    if ((__atomic_load_n(&msg->unread[slot / 64], __ATOMIC_ACQUIRE) & bit)
        && ngx_http_socketio_message_stamp(zone, ref) == stamp)
    {
        (void) __atomic_fetch_and(&msg->unread[slot / 64], ~bit,
                                  __ATOMIC_ACQ_REL);
    }
}


void
ngx_http_socketio_message_reclaim(ngx_http_socketio_zone_t *zone,
    ngx_uint_t slot)
{
    if (slot < NGX_HTTP_SOCKETIO_SLOTS
        && ngx_http_socketio_slot(zone, slot)->pid
           == (ngx_atomic_uint_t) ngx_pid)
    {
        ngx_http_socketio_message_reclaim_own(zone, slot);
    }

    ngx_http_socketio_message_reclaim_dead(zone);
}


/* An own chunk (index + 1) with room for size bytes at its end, or 0. */

static uint32_t
ngx_http_socketio_message_room(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    size_t size)
{
    size_t                     run;
    uint32_t                   index;
    ngx_http_socketio_slot_t  *slot;

    slot = ngx_http_socketio_slot(zone, n);
    run = 1;

    /* A large message has a run for itself, and the small ones go on. */

    if (size > NGX_HTTP_SOCKETIO_CHUNK / 2) {
        run = (size + NGX_HTTP_SOCKETIO_CHUNK - 1) / NGX_HTTP_SOCKETIO_CHUNK;
        index = 0;

    } else {

        if (slot->chunk
            && ngx_http_socketio_chunk(zone, slot->chunk - 1)->fill + size
               <= NGX_HTTP_SOCKETIO_CHUNK)
        {
            return slot->chunk;
        }

        index = ngx_http_socketio_chunk_next(zone, slot);
    }

    if (index == 0) {
        index = ngx_http_socketio_chunk_get(zone, n, run);
    }

    if (index == 0) {
        ngx_http_socketio_message_reclaim(zone, n);
        index = ngx_http_socketio_chunk_get(zone, n, run);
    }

    if (index && size <= NGX_HTTP_SOCKETIO_CHUNK / 2) {
        slot->chunk = index;
    }

    return index;
}


/*
 * An own chunk that has been read, to be filled again: the current one, or the
 * oldest.  While receivers keep up, this needs no lock and stays in the cache.
 */

static uint32_t
ngx_http_socketio_chunk_next(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot)
{
    uint32_t                    index;
    ngx_http_socketio_chunk_t  *chunk;

    index = slot->chunk;

    if (index == 0 || !ngx_http_socketio_chunk_read(zone, index - 1)) {
        index = slot->chunk_first;

        if (index == 0 || index == slot->chunk
            || ngx_http_socketio_chunk(zone, index - 1)->run != 1
            || !ngx_http_socketio_chunk_read(zone, index - 1))
        {
            return 0;
        }

        slot->chunk_first = ngx_http_socketio_chunk(zone, index - 1)->next;
        ngx_http_socketio_chunk_append(zone, slot, index);
    }

    chunk = ngx_http_socketio_chunk(zone, index - 1);

    __atomic_store_n(&chunk->fill, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&chunk->scan, 0, __ATOMIC_RELEASE);
    __atomic_add_fetch(&chunk->stamp, 1, __ATOMIC_SEQ_CST);

    return index;
}


/* A run of free chunks for the slot (index + 1), or 0. */

static uint32_t
ngx_http_socketio_chunk_get(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    size_t run)
{
    uint32_t                   i;
    ngx_http_socketio_slot_t  *slot;

    if (run > zone->nchunks) {
        return 0;
    }

    slot = ngx_http_socketio_slot(zone, n);

    ngx_http_socketio_message_lock(zone);

    i = ngx_http_socketio_chunk_take(zone, n, (uint32_t) slot->incarnation,
                                     run);

    ngx_http_socketio_unlock(&zone->message_lock);

    if (i == zone->nchunks) {
        return 0;
    }

    ngx_http_socketio_chunk_append(zone, slot, i + 1);

    return i + 1;
}


/* The first chunk of the log is found again by its owner, who is none. */

uint32_t
ngx_http_socketio_message_reserve(ngx_http_socketio_zone_t *zone,
    uint32_t run)
{
    uint32_t                    i;
    ngx_http_socketio_chunk_t  *chunk;

    ngx_http_socketio_message_lock(zone);

    for (i = 0; i < zone->nchunks; i++) {
        chunk = ngx_http_socketio_chunk(zone, i);

        if (chunk->run == run && chunk->slot == NGX_HTTP_SOCKETIO_NO_SLOT) {
            goto done;
        }
    }

    i = ngx_http_socketio_chunk_take(zone, NGX_HTTP_SOCKETIO_NO_SLOT, 0, run);

done:

    ngx_http_socketio_unlock(&zone->message_lock);

    return i == zone->nchunks ? 0 : i + 1;
}


/* Take a run of free chunks: the first one's index, or nchunks. */

static uint32_t
ngx_http_socketio_chunk_take(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    uint32_t incarnation, size_t run)
{
    uint32_t                    i, k;
    ngx_http_socketio_chunk_t  *chunk;

    i = ngx_http_socketio_chunk_fit(zone, run);

    if (i == zone->nchunks) {
        return i;
    }

    chunk = ngx_http_socketio_chunk(zone, i);

    chunk->incarnation = incarnation;
    chunk->slot = (uint16_t) n;
    chunk->settled = 0;
    chunk->fill = 0;
    chunk->scan = 0;
    chunk->next = 0;
    __atomic_add_fetch(&chunk->stamp, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&chunk->run, (uint32_t) run, __ATOMIC_RELEASE);

    for (k = 0; k < run; k++) {
        ngx_http_socketio_chunk(zone, i + k)->used = 1;
    }

    if (i == zone->chunk_hint) {
        zone->chunk_hint = i + (uint32_t) run;
    }

    zone->chunks_used += run;

    return i;
}


/* The first run of free chunks, or nchunks. */

static uint32_t
ngx_http_socketio_chunk_fit(ngx_http_socketio_zone_t *zone, size_t run)
{
    uint32_t                    i, free;
    ngx_http_socketio_chunk_t  *chunk;

    free = 0;
    i = zone->chunk_hint;

    while (i < zone->nchunks) {
        chunk = ngx_http_socketio_chunk(zone, i);

        if (chunk->used) {
            free = 0;
            i += chunk->run ? chunk->run : 1;
            continue;
        }

        i++;

        if (++free == run) {
            return i - free;
        }
    }

    return zone->nchunks;
}


static void
ngx_http_socketio_chunk_append(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_slot_t *slot, uint32_t index)
{
    ngx_http_socketio_chunk(zone, index - 1)->next = 0;

    if (slot->chunk_first == 0) {
        slot->chunk_first = index;

    } else {
        ngx_http_socketio_chunk(zone, slot->chunk_last - 1)->next = index;
    }

    slot->chunk_last = index;
}


/* Give a run back.  Called under the lock. */

static void
ngx_http_socketio_chunk_free(ngx_http_socketio_zone_t *zone, uint32_t i)
{
    uint32_t                    k, run;
    ngx_http_socketio_chunk_t  *chunk;

    chunk = ngx_http_socketio_chunk(zone, i);
    run = chunk->run;

    __atomic_store_n(&chunk->run, 0, __ATOMIC_SEQ_CST);

    for (k = 0; k < run; k++) {
        ngx_http_socketio_chunk(zone, i + k)->used = 0;
    }

    if (i < zone->chunk_hint) {
        zone->chunk_hint = i;
    }

    zone->chunks_used -= run;
}


/*
 * Whether all messages of a chunk have been read.  What has been found read is
 * not looked at again.
 */

static ngx_uint_t
ngx_http_socketio_chunk_read(ngx_http_socketio_zone_t *zone, uint32_t i)
{
    u_char                       *data;
    uint32_t                      pos, fill;
    ngx_http_socketio_chunk_t    *chunk;
    ngx_http_socketio_message_t  *msg;

    chunk = ngx_http_socketio_chunk(zone, i);
    data = ngx_http_socketio_chunk_data(zone, i);
    fill = __atomic_load_n(&chunk->fill, __ATOMIC_ACQUIRE);

    for (pos = chunk->scan; pos < fill; /* void */) {
        msg = (ngx_http_socketio_message_t *) (data + pos);

        if (ngx_http_socketio_message_unread(msg)) {
            break;
        }

        pos += (uint32_t) ngx_http_socketio_message_size(msg->len);
    }

    chunk->scan = pos;

    return pos >= fill;
}


/*
 * Clear the bits of a dead owner's messages that were never pushed.  Called
 * under the lock.
 */

static void
ngx_http_socketio_chunk_settle(ngx_http_socketio_zone_t *zone, uint32_t i)
{
    u_char                       *data;
    uint32_t                      pos;
    uint64_t                      bits[NGX_HTTP_SOCKETIO_WORDS];
    ngx_uint_t                    k, n;
    ngx_http_socketio_chunk_t    *chunk;
    ngx_http_socketio_message_t  *msg;

    chunk = ngx_http_socketio_chunk(zone, i);
    data = ngx_http_socketio_chunk_data(zone, i);
    ngx_memzero(bits, sizeof(bits));

    for (pos = chunk->scan; pos < chunk->fill; /* void */) {
        msg = (ngx_http_socketio_message_t *) (data + pos);

        for (k = 0; k < NGX_HTTP_SOCKETIO_WORDS; k++) {
            bits[k] |= __atomic_load_n(&msg->unread[k], __ATOMIC_ACQUIRE);
        }

        pos += (uint32_t) ngx_http_socketio_message_size(msg->len);
    }

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        if (bits[n / 64] & (uint64_t) 1 << n % 64) {
            ngx_http_socketio_chunk_settle_slot(zone, i, n);
        }
    }

    chunk->settled = 1;
}


static void
ngx_http_socketio_chunk_settle_slot(ngx_http_socketio_zone_t *zone, uint32_t i,
    ngx_uint_t n)
{
    u_char                       *data;
    uint32_t                      pos, ref;
    uint64_t                      listed[NGX_HTTP_SOCKETIO_CHUNK_REFS / 64];
    ngx_atomic_uint_t             head, tail;
    ngx_http_socketio_slot_t     *slot;
    ngx_http_socketio_chunk_t    *chunk;
    ngx_http_socketio_message_t  *msg;

    slot = ngx_http_socketio_slot(zone, n);
    ngx_memzero(listed, sizeof(listed));

    head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE);
    tail = __atomic_load_n(&slot->tail, __ATOMIC_ACQUIRE);

    for ( /* void */ ; head != tail; head++) {
        ref = __atomic_load_n(&slot->ring[head & (slot->ring_size - 1)],
                              __ATOMIC_RELAXED);
        ref -= i * NGX_HTTP_SOCKETIO_CHUNK_REFS + 1;

        if (ref < NGX_HTTP_SOCKETIO_CHUNK_REFS) {
            listed[ref / 64] |= (uint64_t) 1 << ref % 64;
        }
    }

    chunk = ngx_http_socketio_chunk(zone, i);
    data = ngx_http_socketio_chunk_data(zone, i);

    for (pos = chunk->scan; pos < chunk->fill; /* void */) {
        msg = (ngx_http_socketio_message_t *) (data + pos);
        ref = pos / NGX_HTTP_SOCKETIO_MSG_ALIGN;

        if (!(listed[ref / 64] & (uint64_t) 1 << ref % 64)) {
            (void) __atomic_fetch_and(&msg->unread[n / 64],
                                      ~((uint64_t) 1 << n % 64),
                                      __ATOMIC_ACQ_REL);
        }

        pos += (uint32_t) ngx_http_socketio_message_size(msg->len);
    }
}


static void
ngx_http_socketio_message_reclaim_own(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n)
{
    uint32_t                    index, next, last;
    ngx_http_socketio_slot_t   *slot;
    ngx_http_socketio_chunk_t  *chunk;

    slot = ngx_http_socketio_slot(zone, n);
    last = 0;

    for (index = slot->chunk_first; index; index = next) {
        chunk = ngx_http_socketio_chunk(zone, index - 1);
        next = chunk->next;

        if (!ngx_http_socketio_chunk_read(zone, index - 1)) {
            last = index;
            continue;
        }

        if (last) {
            ngx_http_socketio_chunk(zone, last - 1)->next = next;

        } else {
            slot->chunk_first = next;
        }

        if (slot->chunk_last == index) {
            slot->chunk_last = last;
        }

        if (slot->chunk == index) {
            slot->chunk = 0;
        }

        ngx_http_socketio_message_lock(zone);
        ngx_http_socketio_chunk_free(zone, index - 1);
        ngx_http_socketio_unlock(&zone->message_lock);
    }
}


static void
ngx_http_socketio_message_reclaim_dead(ngx_http_socketio_zone_t *zone)
{
    uint32_t                    i;
    ngx_http_socketio_chunk_t  *chunk;

    for (i = 0; i < zone->nchunks; i++) {
        chunk = ngx_http_socketio_chunk(zone, i);

        /* A look without the lock; what it missed, the next one finds. */

        if (__atomic_load_n(&chunk->run, __ATOMIC_ACQUIRE) == 0
            || !ngx_http_socketio_chunk_dead(zone, chunk))
        {
            continue;
        }

        ngx_http_socketio_message_lock(zone);

        if (chunk->run && ngx_http_socketio_chunk_dead(zone, chunk)) {

            if (!ngx_http_socketio_chunk_read(zone, i) && !chunk->settled) {
                ngx_http_socketio_chunk_settle(zone, i);
            }

            if (ngx_http_socketio_chunk_read(zone, i)) {
                ngx_http_socketio_chunk_free(zone, i);
            }
        }

        ngx_http_socketio_unlock(&zone->message_lock);
    }
}


static void
ngx_http_socketio_message_lock(ngx_http_socketio_zone_t *zone)
{
    if (ngx_http_socketio_lock(&zone->message_lock) == NGX_DONE) {
        ngx_http_socketio_message_mend(zone);
    }
}


static void
ngx_http_socketio_message_mend(ngx_http_socketio_zone_t *zone)
{
    uint32_t                    i, k, run, used;
    ngx_http_socketio_chunk_t  *chunk;

    used = 0;
    zone->chunk_hint = zone->nchunks;

    for (i = 0; i < zone->nchunks; i += ngx_max(run, 1)) {
        run = ngx_http_socketio_chunk(zone, i)->run;

        if (run == 0) {
            ngx_http_socketio_chunk(zone, i)->used = 0;
            zone->chunk_hint = ngx_min(zone->chunk_hint, i);
            continue;
        }

        for (k = 0; k < run; k++) {
            chunk = ngx_http_socketio_chunk(zone, i + k);
            chunk->used = 1;
        }

        used += run;
    }

    zone->chunks_used = used;
}
