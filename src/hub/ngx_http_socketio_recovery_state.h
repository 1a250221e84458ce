/*
 * What the sides of recovery share: what a worker knows of a socket that
 * may be recovered, and how its record in the store begins.
 */


#ifndef _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "hub/ngx_http_socketio_recall.h"
#include "codec/sio_session.h"
#include "logic/eio_outq.h"


/* How often, and how many times, it is asked for a socket still connected. */

#define NGX_HTTP_SOCKETIO_RECOVERY_RETRY  50         /* msec */
#define NGX_HTTP_SOCKETIO_RECOVERY_TRIES  20

/* Rooms of a socket that is left to other hosts, its own among them, and those
   that it joined lately twice. */

#define NGX_HTTP_SOCKETIO_RECOVERY_ROOMS  SIO_ADAPTER_ROOMS_MAX

/* How much a turn may be held up by those who come back, usec. */

#define NGX_HTTP_SOCKETIO_RECOVERY_SLICE  5000

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
    ngx_http_socketio_recall_t  *recall;     /* hosts were asked, or NULL */
    uint64_t           position;     /* what is up to here has arrived, or was
                                        before it came; 0: see came */
    sio_stream_id_t    came;         /* and what is up to here of a stream */
    uint64_t           noted;        /* and up to here with the mark, or 0 */
    uint64_t           since;        /* up to here it came out of the log */
    uint64_t           early;        /* rooms joined up to here it had at
                                        `came` */
    sio_stream_id_t    noted_id;     /* noted's */
    uint64_t           renewed;      /* msec */
    uint32_t           incarnation;  /* whose the record is: */
    uint16_t           slot;         /* this worker's, or where it was before */
    uint8_t            mark;
    unsigned           dirty:1;
    unsigned           kept:1;       /* there was a record */
    unsigned           here:1;       /* not left to others until something has
                                        arrived: between which events it joined
                                        its rooms is not known any more */
    u_char             pid[EIO_SID_LEN];
} ngx_http_socketio_recoverable_t;


/* A record's beginning; SAVED follows. */

typedef struct {
    uint64_t           position;
    sio_stream_id_t    came;
    uint64_t           version;      /* hosts have a copy, 0: not so */
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
    uint64_t           spent;        /* usec of this turn, on who comes back */
    sio_adapter_t      codec;        /* of sessions that hosts share */
    sio_session_t      session;
    ngx_http_socketio_recall_t  *decoded;    /* whose it is, or NULL */
    sio_buf_t          text;
    sio_buf_t          ids;
};


/* A record as it was read. */

typedef struct {
    ngx_http_socketio_key_t    key;
    uint64_t                   id;
    uint64_t                   position;
    sio_stream_id_t            came;
    uint64_t                   version;
    ngx_uint_t                 foreign;      /* it was lost elsewhere */
    sio_str_t                  sid;
    sio_wire_t                 gathered;
} ngx_http_socketio_saving_t;


ngx_http_socketio_recoverable_t *ngx_http_socketio_recovery_find(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);

void ngx_http_socketio_recovery_key(ngx_http_socketio_hub_t *hub,
    sio_str_t pid, ngx_http_socketio_key_t *key);

ngx_http_socketio_item_t *ngx_http_socketio_recovery_own(
    ngx_http_socketio_hub_t *hub, const ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_key_t *key);

/* The record is written: live, the socket is there; removed; prolonged. */

void ngx_http_socketio_recovery_write(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live);
void ngx_http_socketio_recovery_remove(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);
void ngx_http_socketio_recovery_renew(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);

/*
 * What a socket that has joined its rooms has missed, behind saving->position
 * and up to st->since, where the log ended under its lock: st->missed gets it.
 * NGX_OK, or NGX_DECLINED: the log does not go back so far, or it is too much.
 */
ngx_int_t ngx_http_socketio_recovery_missed(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving);

/* One more: NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_recovery_keep(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, sio_str_t image,
    const sio_offset_t *offset);

/* The rooms beyond the first nrooms are left, and what was kept is dropped. */

void ngx_http_socketio_recovery_undo(ngx_http_socketio_recoverable_t *st,
    ngx_uint_t nrooms);

/*
 * Whether a socket, whose rooms are joined, and which was sid, was put out of
 * something since its record heard of it last; or, if since is not 0, since
 * then, in msec of the calendar.  Under the store's lock.
 */
ngx_uint_t ngx_http_socketio_recovery_revoked(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, sio_str_t sid, uint64_t seen, uint64_t since);

/*
 * Make a pending socket what the CONNECT payload asks for: NGX_OK, the events
 * that it missed are in st->missed; or NGX_DECLINED, it is as it was; or
 * NGX_AGAIN, another worker has it still.
 */
ngx_int_t ngx_http_socketio_recovery_restore(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, sio_str_t auth);


#endif /* _NGX_HTTP_SOCKETIO_RECOVERY_STATE_H_INCLUDED_ */
