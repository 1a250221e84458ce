/*
 * The directory: what workers must know of each other.
 *
 *     session  sid                 -> the slot that owns it
 *     socket   (namespace, id)     -> the slot that owns it
 *     room     (namespace, room)   -> each slot with members, and how many
 *     user     (namespace, user)   -> each peer with sockets of the user
 *     admitted (name, value)       -> each slot with sessions, and how many
 *
 * A cell is one (key, slot).  The key is 15 bytes and a kind: a sid's own
 * bytes, or a keyed hash of the names - a collision would only wake a worker
 * for nothing.  Rooms of several workers have a cell for each.  A namespace
 * as a whole is the room of the empty name.
 *
 * A cell is written by the slot it names: the count without any lock, adding
 * and removing under the directory's lock.  Cells of a passed incarnation are
 * skipped by readers and taken back by ngx_http_socketio_directory_reap().
 * Chains and the free list are derived from the cells, and rebuilt if a
 * holder of the lock died.  Readers take the lock too: a look-up of a room is
 * a few cells.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_DIRECTORY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_DIRECTORY_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_slot.h"


#define NGX_HTTP_SOCKETIO_KEY_LEN   15


typedef enum {
    NGX_HTTP_SOCKETIO_CELL_FREE = 0,
    NGX_HTTP_SOCKETIO_CELL_SESSION,
    NGX_HTTP_SOCKETIO_CELL_SOCKET,
    NGX_HTTP_SOCKETIO_CELL_ROOM,
    NGX_HTTP_SOCKETIO_CELL_USER,             /* of another host: see peer */
    NGX_HTTP_SOCKETIO_CELL_ADMITTED
} ngx_http_socketio_cell_e;


struct ngx_http_socketio_cell_s {
    u_char                 key[NGX_HTTP_SOCKETIO_KEY_LEN];
    u_char                 kind;             /* stored last: 0 is free */
    uint32_t               next;             /* cell index, 0: end */
    uint32_t               incarnation;
    uint32_t               count;            /* members */
    uint16_t               slot;
    uint16_t               age;              /* grows with each of its key */
};


typedef struct {
    u_char                 bytes[NGX_HTTP_SOCKETIO_KEY_LEN];
    u_char                 kind;
} ngx_http_socketio_key_t;


/* Slots and their counts that a look-up found. */

typedef struct {
    uint64_t               slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    uint64_t               count;            /* of members, all together */
} ngx_http_socketio_found_t;


/* Whether any slot but n is among them. */

static ngx_inline ngx_uint_t
ngx_http_socketio_slots_others(const uint64_t *slots, ngx_uint_t n)
{
    uint64_t    any;
    ngx_uint_t  i;

    any = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        any |= (i == n / 64) ? slots[i] & ~((uint64_t) 1 << n % 64) : slots[i];
    }

    return any != 0;
}


/* Keys.  A sid is 20 base64url characters; NGX_ERROR if it is not. */

ngx_int_t ngx_http_socketio_key_session(sio_str_t sid,
    ngx_http_socketio_key_t *key);
void ngx_http_socketio_key_socket(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t sid, ngx_http_socketio_key_t *key);
void ngx_http_socketio_key_room(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t room, ngx_http_socketio_key_t *key);
void ngx_http_socketio_key_user(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_key_t *key);
void ngx_http_socketio_key_admitted(ngx_http_socketio_zone_t *zone,
    sio_str_t name, sio_str_t value, ngx_http_socketio_key_t *key);

/*
 * Add a cell of the given slot (its present incarnation) with a count; if it
 * is there already, it gets the count and becomes the newest of its key.
 * Returns its index, or 0: the directory is full (counted in zone->full).
 */
uint32_t ngx_http_socketio_directory_add(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot, uint32_t count);

/*
 * The cell of a key and a peer, whose number is behind those of the slots: put
 * it there, or take it away.
 *
 * NGX_OK        it is there now and was not, or the other way round
 * NGX_DECLINED  there was nothing to do
 * NGX_ERROR     the directory is full (counted in zone->full)
 */
ngx_int_t ngx_http_socketio_directory_put(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t peer);
ngx_int_t ngx_http_socketio_directory_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t peer);

/*
 * Count one more of a key in the given slot, unless all live slots together
 * have max of them already (0: any number): what is compared and counted is
 * one step for all workers.
 *
 * NGX_OK        *cell is its cell, for directory_release()
 * NGX_DECLINED  there are max
 * NGX_ERROR     the directory is full (counted in zone->full)
 */
ngx_int_t ngx_http_socketio_directory_admit(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot, uint32_t max,
    uint32_t *cell);

/* One less; the last one removes the cell.  0 and foreign ones: nothing. */

void ngx_http_socketio_directory_release(ngx_http_socketio_zone_t *zone,
    uint32_t cell);

/* Set the count of an own cell; no lock. */

void ngx_http_socketio_directory_count(ngx_http_socketio_zone_t *zone,
    uint32_t cell, uint32_t count);

/* Remove an own cell; 0, and what is no cell of this process, is ignored. */

void ngx_http_socketio_directory_remove(ngx_http_socketio_zone_t *zone,
    uint32_t cell);

/*
 * Add to found all live slots that have the key, and their counts.  found is
 * zeroed by the caller, so that several rooms can be looked up in turn.
 */
void ngx_http_socketio_directory_find(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_http_socketio_found_t *found);

/* The slots that have sockets of a user; found need not be zeroed. */

void ngx_http_socketio_directory_user(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_found_t *found);

/*
 * The one slot that has the key (the newest, while a session moves), or
 * NGX_HTTP_SOCKETIO_NO_SLOT.
 */
ngx_uint_t ngx_http_socketio_directory_slot(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key);

/*
 * Take back the cells of a slot whose incarnation has passed (all but the
 * present one's; if the slot is free, all); NGX_HTTP_SOCKETIO_SLOTS: those of
 * all peers.  Returns how many.
 */
ngx_uint_t ngx_http_socketio_directory_reap(ngx_http_socketio_zone_t *zone,
    ngx_uint_t slot);


#endif /* _NGX_HTTP_SOCKETIO_SHM_DIRECTORY_H_INCLUDED_ */
