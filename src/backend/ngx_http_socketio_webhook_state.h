/*
 * What the files of webhooks share: the locations of an app, and the calls of
 * them that are made, or wait.
 */


#ifndef _NGX_HTTP_SOCKETIO_WEBHOOK_STATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_WEBHOOK_STATE_H_INCLUDED_


#include "backend/ngx_http_socketio_breaker.h"
#include "backend/ngx_http_socketio_subrequest.h"
#include "backend/ngx_http_socketio_webhook.h"


#define NGX_HTTP_SOCKETIO_WEBHOOK_ID        16       /* random bytes */


/* "t=", a time, and ",v1=" with 32 bytes in hexadecimal for each key */

#define NGX_HTTP_SOCKETIO_WEBHOOK_SIGNATURE                                   \
    (2 + NGX_TIME_T_LEN                                                       \
     + NGX_HTTP_SOCKETIO_WEBHOOK_KEYS * (sizeof(",v1=") - 1 + 64))

#define NGX_HTTP_SOCKETIO_WEBHOOK_HEADERS                                     \
    (NGX_HTTP_SOCKETIO_CALL_HEADERS + 2)


typedef struct ngx_http_socketio_webhook_hub_s
    ngx_http_socketio_webhook_hub_t;


/* A location, in this worker. */

typedef struct {
    const ngx_http_socketio_webhook_t  *conf;
    ngx_queue_t                         queue;       /* calls, in order */
    ngx_uint_t                          running;
    ngx_uint_t                          waiting;     /* and to be repeated */
    size_t                              bytes;       /* of those */
    ngx_http_socketio_breaker_t         breaker;
} ngx_http_socketio_webhook_place_t;


typedef enum {
    NGX_HTTP_SOCKETIO_WEBHOOK_QUEUED = 0,
    NGX_HTTP_SOCKETIO_WEBHOOK_RUNNING,
    NGX_HTTP_SOCKETIO_WEBHOOK_REPEATED,      /* waits for its turn */
    NGX_HTTP_SOCKETIO_WEBHOOK_OVER
} ngx_http_socketio_webhook_state_e;


typedef struct {
    ngx_queue_t                         link;        /* queue, or over */
    ngx_queue_t                         all;
    ngx_http_socketio_subrequest_t      sub;
    ngx_http_socketio_webhook_hub_t    *owner;
    ngx_http_socketio_webhook_place_t  *place;
    ngx_event_t                         timer;
    ngx_http_socketio_webhook_state_e   state;
    uint64_t                            id;
    ngx_http_socketio_called_pt         done;
    ngx_msec_t                          msec;
    ngx_uint_t                          attempts;
    ngx_uint_t                          trial;       /* the breaker's, or 0 */
    size_t                              bytes;
    unsigned                            asked:1;     /* it has run */
    ngx_http_socketio_header_t    headers[NGX_HTTP_SOCKETIO_WEBHOOK_HEADERS];
    u_char                    name[2 * NGX_HTTP_SOCKETIO_WEBHOOK_ID];
    u_char                    signature[NGX_HTTP_SOCKETIO_WEBHOOK_SIGNATURE];
    u_char                              data[];      /* time, dot, body */
} ngx_http_socketio_webhook_call_t;


struct ngx_http_socketio_webhook_hub_s {
    ngx_http_socketio_hub_t                 *hub;
    const ngx_http_socketio_webhook_conf_t  *conf;
    ngx_queue_t                              all;    /* calls */
    ngx_queue_t                              over;   /* to be dealt with */
    ngx_event_t                              event;  /* which does */
    ngx_event_t                              retry;  /* what has no room */
    ngx_http_socketio_often_t                starved;
    ngx_msec_t                               ends;   /* 0: it does not */
    ngx_connection_t                         dummy;  /* of the timers */
    ngx_uint_t                               n;
    ngx_http_socketio_webhook_place_t        places[];
};


/* A call neither waits in the queue any more nor for its turn. */

void ngx_http_socketio_webhook_dequeue(
    ngx_http_socketio_webhook_call_t *call);

/* Of one that neither waits nor runs. */

void ngx_http_socketio_webhook_free(ngx_http_socketio_webhook_call_t *call);

/*
 * While a worker ends, once a second, and when it is at its end: what nobody
 * waits for goes to the workers that follow, and is given up if there are
 * none for too long.
 */
void ngx_http_socketio_webhook_tick(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_webhook_cleanup(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_WEBHOOK_STATE_H_INCLUDED_ */
