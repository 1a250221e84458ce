/*
 * Other hosts, over Redis, on the wire of one of Node's adapters (dialect).
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
 * Before its mark the new one is counted by peers beside the old one: of what
 * they ask both answer, the new one with nothing.  What is heard behind the
 * mark and before the old one has left, the new one answers for both.  Who
 * asks behind that may have counted both all the same: he is answered once
 * more a second later, with nothing, when all others have answered if he had
 * not.  If there is no old one, all that is heard is the new one's, from its
 * first message on.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_backlog.h"
#include "backend/ngx_http_socketio_redis_publisher.h"
#include "hub/ngx_http_socketio_cluster.h"


typedef enum {
    NGX_HTTP_SOCKETIO_LEADER_NOT = 0,
    NGX_HTTP_SOCKETIO_LEADER_CONNECTING,
    NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING,    /* subscribed > confirmed */
    NGX_HTTP_SOCKETIO_LEADER_MARKING,        /* its mark is on the way */
    NGX_HTTP_SOCKETIO_LEADER_WAITING,        /* for the old one's last word */
    NGX_HTTP_SOCKETIO_LEADER_YES
} ngx_http_socketio_leader_e;


#define NGX_HTTP_SOCKETIO_ADAPTER_UID  16        /* bytes, at most */
#define NGX_HTTP_SOCKETIO_ASKS_MAX     1024      /* of a worker, that wait */


/* What a CLUSTER record begins with: whose it is. */

typedef enum {
    NGX_HTTP_SOCKETIO_CLUSTER_YIELD = 0,     /* handover */
    NGX_HTTP_SOCKETIO_CLUSTER_ASK,           /* rooms */
    NGX_HTTP_SOCKETIO_CLUSTER_ROOMS,
    NGX_HTTP_SOCKETIO_CLUSTER_RESPONSE,      /* ask */
    NGX_HTTP_SOCKETIO_CLUSTER_N
} ngx_http_socketio_cluster_e;


typedef struct ngx_http_socketio_due_s  ngx_http_socketio_due_t;


/* Which rooms the host has; see there. */

typedef struct {
    uint64_t    tell[NGX_HTTP_SOCKETIO_SLOTS / 64];      /* who asked */

    /* a leader's */
    sio_map_t   heard;
    uint32_t    asked[NGX_HTTP_SOCKETIO_SLOTS];          /* incarnation */
    uint64_t    awaited[NGX_HTTP_SOCKETIO_SLOTS / 64];   /* answers */
    ngx_msec_t  since;                                   /* it asked */
    uint32_t    cursor;                                  /* of a walk */

    unsigned    owed:1;              /* something could not be told */
} ngx_http_socketio_rooms_t;


/* A stream that is read by the leader; see there. */

typedef struct {
    ngx_http_socketio_redis_t     redis;
    ngx_http_socketio_position_t  position;
    uint64_t                      stream;    /* hash of where it is */
    ngx_msec_t                    asked;
    size_t                        keeps;     /* entries, at least */
    unsigned                      placed:1;  /* position is set */
    unsigned                      checked:1; /* what was missed is known */
} ngx_http_socketio_xread_t;


typedef struct {
    ngx_http_socketio_publisher_t          publisher;
    ngx_http_socketio_redis_t              subscriber;
    ngx_http_socketio_hub_t               *hub;
    const ngx_http_socketio_redis_conf_t  *conf;
    const ngx_http_socketio_dialect_t     *dialect;

    u_char                      name[NGX_HTTP_SOCKETIO_ADAPTER_UID];
    sio_str_t                   uid;         /* of the host: name */
    sio_str_t                   prefix;
    sio_str_t                   own;         /* the host's own channel */
    sio_str_t                   hosts;       /* the channel of nginx hosts */
    sio_str_t                  *peers;       /* channels, one a namespace */
    ngx_uint_t                  npeers;
    size_t                      all;         /* of classic: length of the
                                                pattern for all namespaces */
    unsigned                    dynamic:1;   /* there are other namespaces */
    unsigned                    alone:1;     /* nobody led when it subscribed */
    unsigned                    both:1;      /* answers for the old one, too */
    unsigned                    overtaken:1; /* another one leads by now */

    ngx_http_socketio_leader_e  leader;
    ngx_uint_t                  subscribed;
    ngx_uint_t                  confirmed;
    ngx_msec_t                  heard;       /* a sign of life */
    ngx_msec_t                  waits;       /* for the old one, since */
    ngx_msec_t                  ticked;
    ngx_msec_t                  followed;    /* it, or 0 */
    ngx_http_socketio_rooms_t   rooms;
    ngx_http_socketio_xread_t   xread;
    ngx_http_socketio_backlog_t backlog;     /* heard while it waits */
    ngx_event_t                 stay;        /* while it leads */
    ngx_uint_t                  stayed;      /* times, shutting down */

    ngx_http_socketio_due_t    *due;         /* requests not answered */
    ngx_uint_t                  ndue;

    ngx_http_socketio_ask_t    *asks[NGX_HTTP_SOCKETIO_ASKS_MAX];
    ngx_uint_t                  nasks;       /* requests of ours */
    uint32_t                    ask_ids;

    const ngx_http_socketio_entered_t  *stamp; /* of what is handed out now */

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
 * Tell the other hosts, in their dialect.  Of a response, to is whoever
 * asked.  What cannot be written is counted as dropped.
 */
void ngx_http_socketio_adapter_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_request_t *r);
void ngx_http_socketio_adapter_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r);


/* Begin to write a CLUSTER record. */

void ngx_http_socketio_adapter_record(ngx_http_socketio_adapter_t *a,
    sio_wire_writer_t *w, ngx_http_socketio_cluster_e type);


/* For a dialect. */

/* Publish a->message on a->channel. */

void ngx_http_socketio_adapter_publish(ngx_http_socketio_adapter_t *a);

/* Whether a room, or a socket of this id, is on this host. */

ngx_uint_t ngx_http_socketio_adapter_members(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t room);

/* A broadcast of another host, to whom it addresses here. */

void ngx_http_socketio_adapter_deliver(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *m);

/*
 * What was heard makes no sense, or is too much: count it and say so.  what:
 * "a broadcast"; rc: of the decoder, SIO_OK if it is for a namespace that
 * there is not.
 */
void ngx_http_socketio_adapter_refuse(ngx_http_socketio_adapter_t *a,
    const char *what, int rc);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_ */
