/*
 * Other hosts, over Redis, on the wire of Node's @socket.io/redis-adapter.
 *
 * Every worker publishes.  One worker of the host, the leader, subscribes,
 * and spreads what comes over the host's workers.
 *
 * The leader changes without a gap and without a message twice: a worker that
 * is to take over subscribes beside the old leader, then publishes a mark on
 * the host's own channel.  As both see the mark in the same place of the
 * stream, one hands out everything before it, the other everything behind.
 * After a crash there is no old leader, and the mark is the beginning.
 *
 * Requests are heard and not heeded before the mark as well: for as long a
 * peer that counts subscribers sees one too many, and may wait in vain for an
 * answer; the other order would lose joins and leaves, of which nobody learns.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_backlog.h"
#include "backend/ngx_http_socketio_redis_publisher.h"
#include "codec/sio_adapter.h"


typedef enum {
    NGX_HTTP_SOCKETIO_LEADER_NOT = 0,
    NGX_HTTP_SOCKETIO_LEADER_CONNECTING,
    NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING,    /* subscribed > confirmed */
    NGX_HTTP_SOCKETIO_LEADER_MARKING,        /* its mark is on the way */
    NGX_HTTP_SOCKETIO_LEADER_WAITING,        /* for the old one's last word */
    NGX_HTTP_SOCKETIO_LEADER_YES
} ngx_http_socketio_leader_e;


typedef struct ngx_http_socketio_answer_due_s  ngx_http_socketio_answer_due_t;


typedef struct {
    ngx_http_socketio_publisher_t          publisher;
    ngx_http_socketio_redis_t              subscriber;
    ngx_http_socketio_hub_t               *hub;
    const ngx_http_socketio_redis_conf_t  *conf;

    u_char                      uid[SIO_ADAPTER_UID_LEN];
    sio_str_t                   prefix;
    sio_str_t                   own;         /* the host's own channel */
    sio_str_t                  *requests;    /* channels, one a namespace */
    ngx_uint_t                  nrequests;
    size_t                      all;         /* length of the pattern that
                                                stands for all of them */
    unsigned                    dynamic:1;   /* there are other namespaces */

    ngx_http_socketio_leader_e  leader;
    ngx_uint_t                  subscribed;
    ngx_uint_t                  confirmed;
    ngx_msec_t                  heard;       /* a sign of life */
    ngx_http_socketio_backlog_t backlog;     /* heard while it waits */
    ngx_event_t                 stay;        /* while it leads */
    ngx_uint_t                  stayed;      /* times, shutting down */

    ngx_http_socketio_answer_due_t        *due;  /* requests not answered */
    ngx_uint_t                  ndue;

    sio_adapter_t               codec;
    sio_buf_t                   channel;     /* being written */
    sio_buf_t                   message;
} ngx_http_socketio_adapter_t;


/*
 * Join the hub to the other hosts: hub->cluster is set, and ends with the
 * hub.  NGX_OK, or NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_redis_adapter_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_redis_conf_t *conf);

/*
 * For handover.  It leads: what was kept is handed out, and what comes from
 * now on; and it does not any more.
 */
void ngx_http_socketio_adapter_leads(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_adapter_unlead(ngx_http_socketio_adapter_t *a);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_ */
