/*
 * Peers: the workers of other hosts, and which users have sockets there.
 *
 * A peer is a worker of another host, known by the host's id, its slot there
 * and its incarnation.  Its users are cells of the directory, one for each
 * (namespace, user, peer), under the number of the peer behind those of the
 * slots; so any worker can tell at once whether a user is elsewhere.
 *
 * All that is known of a peer can be made anew without a moment in which it is
 * not known: between begin and end its cells of before count as well.
 *
 * The worker that listens to other hosts writes here, and nobody else; all
 * read.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_PEER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_PEER_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_directory.h"


#define NGX_HTTP_SOCKETIO_PEERS    1024
#define NGX_HTTP_SOCKETIO_NO_PEER  NGX_HTTP_SOCKETIO_PEERS


typedef struct {
    uint64_t                   host;         /* 0: free; stored last */
    uint64_t                   sequence;     /* of its last message */
    uint64_t                   heard;        /* msec: when that was */
    uint64_t                   users;        /* that it told us of, */
    uint64_t                   digest;       /* and their hashes */
    uint64_t                   epochs;       /* of its cells: those that
                                                count, the first and the last
                                                one, 32 bits each */
    uint32_t                   slot;
    uint32_t                   incarnation;
    uint32_t                   beat;         /* msec between its messages */
    u_char                     synced;       /* nothing of it was missed */
    u_char                     ready;        /* it knows who is where */
    u_char                     full;         /* users that found no room */
    u_char                     again;        /* it was heard again */
    u_char                     telling;      /* of all its users */
    u_char                     skips;        /* it does, for others */
} ngx_http_socketio_peer_t;


static ngx_inline ngx_http_socketio_peer_t *
ngx_http_socketio_peer(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_http_socketio_peer_t  *peers;

    peers = ngx_http_socketio_shm_at(zone, zone->peers);

    return &peers[n];
}


/* The epoch of cells that are put now. */

static ngx_inline uint32_t
ngx_http_socketio_peer_epoch(const ngx_http_socketio_peer_t *peer)
{
    return (uint32_t) peer->epochs;
}


/* Whether cells of an epoch count. */

static ngx_inline ngx_uint_t
ngx_http_socketio_peer_live(const ngx_http_socketio_peer_t *peer,
    uint32_t epoch)
{
    uint64_t  epochs;

    epochs = __atomic_load_n(&peer->epochs, __ATOMIC_ACQUIRE);

    return epoch - (uint32_t) (epochs >> 32)
           <= (uint32_t) epochs - (uint32_t) (epochs >> 32);
}


/* The id of this zone among all hosts, never 0. */

uint64_t ngx_http_socketio_peer_self(ngx_http_socketio_zone_t *zone);

/* The peer of a host's slot, or NGX_HTTP_SOCKETIO_NO_PEER. */

ngx_uint_t ngx_http_socketio_peer_find(ngx_http_socketio_zone_t *zone,
    uint64_t host, uint32_t slot);

/* A new one, of which nothing is known; NO_PEER: there are too many. */

ngx_uint_t ngx_http_socketio_peer_add(ngx_http_socketio_zone_t *zone,
    uint64_t host, uint32_t slot, uint32_t incarnation);

/* It has gone, and with it its users. */

void ngx_http_socketio_peer_drop(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);

/* Take the cells back that count no more, if there are: once a second. */

void ngx_http_socketio_peer_reap(ngx_http_socketio_zone_t *zone);

/* It tells of all its users anew; it has told of all. */

void ngx_http_socketio_peer_begin(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);
void ngx_http_socketio_peer_end(ngx_http_socketio_zone_t *zone, ngx_uint_t n);

/*
 * A user has come to a peer, or has gone; either may be told twice.  NGX_OK;
 * NGX_ERROR: the directory is full (the peer is marked as full).
 */
ngx_int_t ngx_http_socketio_peer_user(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, sio_str_t nsp, sio_str_t user, ngx_uint_t present);

/* What a user adds to a digest, the same on all hosts. */

uint64_t ngx_http_socketio_peer_hash(sio_str_t nsp, sio_str_t user);

/* Whether a user has sockets on another host: 1 or 0. */

ngx_uint_t ngx_http_socketio_peer_has(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user);


#endif /* _NGX_HTTP_SOCKETIO_SHM_PEER_H_INCLUDED_ */
