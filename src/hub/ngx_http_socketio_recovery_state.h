/*
 * What the two sides of recovery share: what a worker knows of a socket that
 * may be recovered, and how its record in the store begins.
 */


#ifndef _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "codec/sio_offset.h"
#include "logic/eio_outq.h"


/* How often, and how many times, it is asked for a socket still connected. */

#define NGX_HTTP_SOCKETIO_RECOVERY_RETRY  50         /* msec */
#define NGX_HTTP_SOCKETIO_RECOVERY_TRIES  20

/* How far the position may run ahead of half a number: 2^30 events. */

#define NGX_HTTP_SOCKETIO_RECOVERY_FAR  0x40000000


/* A socket that may be recovered. */

typedef struct {
    sio_map_node_t     node;         /* by socket */
    ngx_queue_t        queue;        /* to be written */
    sio_timer_t        timer;        /* while CONNECT waits */
    ngx_uint_t         tries;
    sio_socket_t      *socket;
    eio_outq_t         missed;       /* until it is accepted */
    uint64_t           position;     /* what is up to here has arrived */
    uint64_t           noted;        /* and up to here with the ping, or 0 */
    uint64_t           since;        /* up to here it came out of the log */
    uint64_t           renewed;      /* msec */
    uint32_t           incarnation;  /* whose the record is: */
    uint16_t           slot;         /* this worker's, or where it was before */
    uint8_t            ping;
    unsigned           dirty:1;
    unsigned           kept:1;       /* there was a record */
    u_char             pid[EIO_SID_LEN];
} ngx_http_socketio_recoverable_t;


/* A record's beginning; SAVED follows. */

typedef struct {
    uint64_t           position;
    uint64_t           seen;         /* revocations that it has heard of */
    uint32_t           incarnation;  /* the owner */
    uint16_t           slot;
    uint16_t           live;         /* the socket is there, if the owner is */
} ngx_http_socketio_saved_t;


struct ngx_http_socketio_recovery_s {
    sio_map_t          sockets;
    ngx_queue_t        dirty;
    uint64_t           fresh;        /* the largest `since` of all */
    sio_buf_t          record;
    sio_buf_t          entry;
};


ngx_http_socketio_recoverable_t *ngx_http_socketio_recovery_find(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);

void ngx_http_socketio_recovery_key(ngx_http_socketio_hub_t *hub,
    sio_str_t pid, ngx_http_socketio_key_t *key);

ngx_http_socketio_item_t *ngx_http_socketio_recovery_own(
    ngx_http_socketio_hub_t *hub, const ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_key_t *key);

/*
 * Whether a socket, whose rooms are joined, and which was sid, was put out of
 * something since its record heard of it last.  Under the store's lock.
 */
ngx_uint_t ngx_http_socketio_recovery_revoked(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, sio_str_t sid, uint64_t seen);

/*
 * Make a pending socket what the CONNECT payload asks for: NGX_OK, the events
 * that it missed are in st->missed; or NGX_DECLINED, it is as it was; or
 * NGX_AGAIN, another worker has it still.
 */
ngx_int_t ngx_http_socketio_recovery_restore(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, sio_str_t auth);


#endif /* _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_ */
