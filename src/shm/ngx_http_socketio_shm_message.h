/*
 * Messages between workers: one copy in the zone, a reference in the inbox
 * of each receiver.
 *
 * The area is cut into chunks.  A worker owns chunks and fills them one after
 * the other; nobody else writes there.  A message has a bit per slot that has
 * still to read it: a receiver clears its own, which does no harm twice, so a
 * successor can do it for a killed predecessor.  A chunk whose messages are
 * all read goes back; chunks of dead owners are taken back once they are
 * read, so what a worker handed over before it died still arrives.
 *
 * Larger messages take a run of chunks.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_MESSAGE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_MESSAGE_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_slot.h"


#define NGX_HTTP_SOCKETIO_CHUNK      (64 * 1024)
#define NGX_HTTP_SOCKETIO_MSG_ALIGN  64


typedef struct {
    uint32_t      len;                       /* of data, bytes */
    uint16_t      sender;                    /* slot */
    uint16_t      reserved;
    uint64_t      sequence;
    uint64_t      unread[NGX_HTTP_SOCKETIO_SLOTS / 64];
    u_char        data[];
} ngx_http_socketio_message_t;


/* The header of a chunk; nothing of it is in the chunk itself. */

typedef struct {
    uint32_t      run;                       /* chunks; 0: not the first of one.
                                                Stored last */
    uint32_t      incarnation;               /* of the owner */
    uint16_t      slot;                      /* the owner */
    u_char        used;                      /* derived: part of some run */
    u_char        settled;                   /* of a dead owner: no orphans */

    uint32_t      stamp;                     /* raised before each reuse */
    uint32_t      fill;                      /* bytes; stored last */
    uint32_t      scan;                      /* what is before it is read */
    uint32_t      next;                      /* owner's list: index + 1 */
} NGX_HTTP_SOCKETIO_LINE ngx_http_socketio_chunk_t;


/*
 * Write a message of this worker (slot) for the slots whose bits are set.
 * Returns its reference, or 0: no room (counted in zone->full).
 */
uint32_t ngx_http_socketio_message_put(ngx_http_socketio_zone_t *zone,
    ngx_uint_t slot, uint64_t sequence,
    const uint64_t receivers[NGX_HTTP_SOCKETIO_SLOTS / 64],
    sio_str_t data);

/* The message of a reference, or NULL: the reference makes no sense. */

ngx_http_socketio_message_t *ngx_http_socketio_message(
    ngx_http_socketio_zone_t *zone, uint32_t ref);

/*
 * A slot will never read it: for the sender whose push failed.  A receiver
 * calls ngx_http_socketio_slot_done() instead.
 */
void ngx_http_socketio_message_read(ngx_http_socketio_zone_t *zone,
    uint32_t ref, ngx_uint_t slot);

/*
 * Give back what can be given back of this worker's chunks, and of those
 * whose owners have gone; called by put when it finds no room, and by the
 * worker now and then.
 */
void ngx_http_socketio_message_reclaim(ngx_http_socketio_zone_t *zone,
    ngx_uint_t slot);

/*
 * Take chunks out of the area for good, in one piece, for the log.  Returns
 * the first one's index + 1, the same one at every call, or 0: they are not
 * free.
 */
uint32_t ngx_http_socketio_message_reserve(ngx_http_socketio_zone_t *zone,
    uint32_t run);

/*
 * For the inbox: the stamp of a message that is still to be read, and clear a
 * slot's bit if the reference still is the message of that stamp.
 */
uint32_t ngx_http_socketio_message_stamp(ngx_http_socketio_zone_t *zone,
    uint32_t ref);
void ngx_http_socketio_message_release(ngx_http_socketio_zone_t *zone,
    uint32_t ref, ngx_uint_t slot, uint32_t stamp);


#endif /* _NGX_HTTP_SOCKETIO_SHM_MESSAGE_H_INCLUDED_ */
