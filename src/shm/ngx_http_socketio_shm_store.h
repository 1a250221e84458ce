/*
 * The store: records that are not derived from the workers and outlive them -
 * mailboxes, granted rooms, who is present, limits, what was done already.
 *
 * A record has a kind, a key (a keyed hash of the names it belongs to) and
 * may have a tag, a second key of its kind.  Several records may have one
 * key: they are listed in the order they were added, which their ids tell.
 * The bytes behind are the business of whoever added them.
 *
 * The area is cut into blocks; a record is a chain of them.  It is written
 * first and published last, and removed in one store, so that the records of
 * a killed worker are whole or not there; chains and the free list are
 * derived, and rebuilt if a holder of the lock died.
 *
 * All functions but lock are called with the lock held, which is held for
 * microseconds: nobody sends, logs or allocates under it.  A pointer to an
 * item is good until unlock.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_STORE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_STORE_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_directory.h"


#define NGX_HTTP_SOCKETIO_STORE_BLOCK    128   /* bytes */
#define NGX_HTTP_SOCKETIO_STORE_INLINE   56    /* of data in the first one */


/* Kinds; the order says nothing.  At most NGX_HTTP_SOCKETIO_KINDS. */

typedef enum {
    NGX_HTTP_SOCKETIO_STORE_FREE = 0,
    NGX_HTTP_SOCKETIO_STORE_MORE,            /* behind a record's first */
    NGX_HTTP_SOCKETIO_STORE_MAIL,            /* mailbox */
    NGX_HTTP_SOCKETIO_STORE_GRANT,           /* grant */
    NGX_HTTP_SOCKETIO_STORE_PRESENCE,        /* presence */
    NGX_HTTP_SOCKETIO_STORE_LIMIT,           /* limit */
    NGX_HTTP_SOCKETIO_STORE_DEDUP,           /* dedup */
    NGX_HTTP_SOCKETIO_STORE_EMIT,            /* emits that have an id */
    NGX_HTTP_SOCKETIO_STORE_OUTBOX,          /* mail for another store */
    NGX_HTTP_SOCKETIO_STORE_RECOVERY,        /* recovery */
    NGX_HTTP_SOCKETIO_STORE_REVOKED,         /* what lost sockets were in */
    NGX_HTTP_SOCKETIO_STORE_KINDS
} ngx_http_socketio_store_e;


/*
 * The first block of a record.  Links and places are the store's; expires is
 * changed by ngx_http_socketio_store_expire().
 */
typedef struct {
    u_char        key[NGX_HTTP_SOCKETIO_KEY_LEN];
    u_char        evict;         /* 1: may be dropped for want of room */
    uint64_t      tag;           /* 0: none */
    uint64_t      id;            /* grows, unique in the zone, never 0 */
    uint64_t      expires;       /* msec of the calendar, 0: never */
    uint32_t      next;          /* of the bucket */
    uint32_t      prev;
    uint32_t      next_tag;
    uint32_t      prev_tag;
    uint32_t      more;          /* the next block, 0: none */
    uint32_t      len;           /* of data, bytes */
    uint32_t      due;           /* place in the order of expiry, 0: none */
    uint32_t      reserved;
    u_char        data[NGX_HTTP_SOCKETIO_STORE_INLINE];    /* 8 byte aligned */
} ngx_http_socketio_item_t;


/* A record's blocks behind the first. */

typedef struct {
    uint32_t      more;
    u_char        data[NGX_HTTP_SOCKETIO_STORE_BLOCK - sizeof(uint32_t)];
} ngx_http_socketio_more_t;


/*
 * Keys and tags.  The key of n names, each of which may be empty; the kind is
 * part of it, so that the same names are other keys for other kinds.
 */
void ngx_http_socketio_store_key(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, const sio_str_t *names, ngx_uint_t n,
    ngx_http_socketio_key_t *key);
uint64_t ngx_http_socketio_store_tag(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, const sio_str_t *names, ngx_uint_t n);

/* Lock; mends what a dead holder left half done.  Not recursive. */

void ngx_http_socketio_store_lock(ngx_http_socketio_zone_t *zone);
void ngx_http_socketio_store_unlock(ngx_http_socketio_zone_t *zone);

/*
 * Add a record whose data is n parts, one behind the other.  expires: msec of
 * the calendar, 0: never; evict: it may be dropped when the store is full.
 * If there is no room, expired records go, then those that may be dropped,
 * the one that would expire first before the others; so no other item that
 * the caller has is good after a call.  If these are not enough, none of
 * those that may be dropped goes.
 *
 * NULL: full all the same (counted in zone->full).
 */
ngx_http_socketio_item_t *ngx_http_socketio_store_add(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    uint64_t tag, uint64_t expires, ngx_uint_t evict, const sio_str_t *parts,
    ngx_uint_t n);

/*
 * Whether len bytes more may be mail, which has three quarters of the store:
 * clients say for whom something is kept, and how much, and what they fill up
 * for weeks must not be the end of limits, grants and presence.  1, or 0
 * (counted in zone->full).  Expired records may go, as with add.
 */
ngx_uint_t ngx_http_socketio_store_mail(ngx_http_socketio_zone_t *zone,
    size_t len);

/*
 * The first record of a key, and the next one of the same key: oldest first.
 * The same by tag, in any order.  now (msec of the calendar): records that
 * have expired by then are passed over.  NULL: no more.
 */
ngx_http_socketio_item_t *ngx_http_socketio_store_first(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    uint64_t now);
ngx_http_socketio_item_t *ngx_http_socketio_store_next(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_item_t *item,
    uint64_t now);
ngx_http_socketio_item_t *ngx_http_socketio_store_tagged(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    uint64_t tag, uint64_t now);
ngx_http_socketio_item_t *ngx_http_socketio_store_next_tagged(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_item_t *item,
    uint64_t now);

/*
 * Copy a record's data, or as much of it as cap holds; returns its length.
 * Data of up to NGX_HTTP_SOCKETIO_STORE_INLINE bytes is in item->data, and may
 * be changed there; who is killed in between leaves half of the change, so it
 * is one store, or of a kind that does no harm by halves.
 */
size_t ngx_http_socketio_store_read(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_item_t *item, u_char *dst, size_t cap);

/* Let a record expire at another time; 0: never. */

void ngx_http_socketio_store_expire(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t expires);

/* Let a record be dropped for want of room (1), or not any more (0). */

void ngx_http_socketio_store_evict(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_uint_t evict);

/* Give a record a new id: it goes behind all others of its key. */

void ngx_http_socketio_store_renew(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);

/* Remove a record; an iteration goes on from what came before it. */

void ngx_http_socketio_store_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);

/*
 * Remove records that have expired, at most max; returns how many.  Those
 * that may be dropped go at their end, others a minute later, so that who
 * walks to see what has ended will see it.
 */
ngx_uint_t ngx_http_socketio_store_sweep(ngx_http_socketio_zone_t *zone,
    uint64_t now, ngx_uint_t max);

/*
 * Walk over all records, a few at a time: the next one of a kind (FREE: of
 * any) at or behind *cursor (0 to begin), expired ones too, looking at most
 * at *budget blocks, of which it takes off what it used.  NULL: none, and
 * *cursor is 0 if the end was reached.  The lock may be given up between two
 * calls.
 */
ngx_http_socketio_item_t *ngx_http_socketio_store_walk(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    uint32_t *cursor, ngx_uint_t *budget);

ngx_http_socketio_store_e ngx_http_socketio_store_kind(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_item_t *item);


/* Item n, which is a block's number, and back. */

static ngx_inline ngx_http_socketio_item_t *
ngx_http_socketio_store_item(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    return ngx_http_socketio_shm_at(zone, zone->blocks
                                    + (size_t) n
                                      * NGX_HTTP_SOCKETIO_STORE_BLOCK);
}


static ngx_inline uint32_t
ngx_http_socketio_store_block(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_item_t *item)
{
    return (uint32_t) (((u_char *) item - (u_char *) zone - zone->blocks)
                       / NGX_HTTP_SOCKETIO_STORE_BLOCK);
}


/* Milliseconds of the calendar, as nginx has them in this turn. */

static ngx_inline uint64_t
ngx_http_socketio_calendar(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


#endif /* _NGX_HTTP_SOCKETIO_SHM_STORE_H_INCLUDED_ */
