/*
 * Publishing: what other hosts are told, in order, and never waited for.
 *
 * While Redis is away, or does not answer, messages are kept, up to a bound
 * above which the oldest are dropped and counted.  When it is back they go
 * out once the other hosts listen again, or after two seconds.  If it was
 * silent they may be counted though they do not: they get a moment in any
 * case.  What was handed to a connection that was lost is not sent again: it
 * may have arrived, and nothing must arrive twice.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_PUBLISHER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_PUBLISHER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis.h"
#include "hub/ngx_http_socketio_hub.h"


typedef struct ngx_http_socketio_pending_s    ngx_http_socketio_pending_t;
typedef struct ngx_http_socketio_publisher_s  ngx_http_socketio_publisher_t;


/* How many hosts listen, and how many are to be back: by looks in a row. */

typedef struct {
    uint64_t                      expected;
    uint64_t                      last;      /* that were seen */
    ngx_uint_t                    fewer;     /* times seen in a row */
    ngx_uint_t                    looks;     /* 2: it is known */
} ngx_http_socketio_roll_t;


struct ngx_http_socketio_publisher_s {
    ngx_http_socketio_redis_t     redis;     /* first */
    ngx_http_socketio_hub_t      *hub;

    /* publish_now() is good again; or NULL */
    void                        (*ready)(ngx_http_socketio_publisher_t *p);

    /* the channels whose subscribers are counted: one for each host */
    const char                   *numsub;    /* PUBSUB ... */
    sio_str_t                    *peers;
    ngx_uint_t                    npeers;
    ngx_http_socketio_roll_t      roll;

    ngx_http_socketio_pending_t  *queue;
    ngx_http_socketio_pending_t **tail;
    size_t                        bytes;     /* in the queue */
    size_t                        flying;    /* bytes not answered yet */
    uint64_t                      published; /* messages, ever */
    uint64_t                      sent;      /* commands on this connection */
    uint64_t                      answered;
    ngx_msec_t                    progress;  /* of the last answer, */
    ngx_msec_t                    late;      /* and hub->late then */
    ngx_event_t                   retry;     /* look for the peers again */
    ngx_msec_t                    returned;  /* when Redis was back */
    unsigned                      silent:1;  /* Redis was, not closed, */
    unsigned                      away:1;    /* or either, */
    unsigned                      hold:1;    /* so until the peers are back */
    unsigned                      refused:1; /* a message was: complained */
};


/*
 * p is zeroed but for hub, ready, numsub, peers and npeers, which live as
 * long.
 * NGX_OK, NGX_ERROR.
 */
void ngx_http_socketio_publisher_start(ngx_http_socketio_publisher_t *p,
    const ngx_http_socketio_redis_conf_t *conf, ngx_log_t *log);

/*
 * What is kept goes out, and is waited for, as long as Redis answers, for
 * some seconds at most; the rest is given up.
 */
void ngx_http_socketio_publisher_stop(ngx_http_socketio_publisher_t *p);

/*
 * Whether the first n messages are answered, or Redis is away; what else was
 * asked on the connection counts as not answered, too.
 */
ngx_uint_t ngx_http_socketio_publisher_settled(
    const ngx_http_socketio_publisher_t *p, uint64_t n);

/*
 * A command that publishes, of n words: now or later; the bytes are copied.
 */
void ngx_http_socketio_publish(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n);

/*
 * A command that publishes, at once and past what is kept: NGX_OK, or
 * NGX_DECLINED: there is no connection.
 */
ngx_int_t ngx_http_socketio_publish_now(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n);

/*
 * Whether there is room for so many bytes more that are handed to Redis and
 * not answered: 1; or 0, and one message is counted as dropped.
 */
ngx_uint_t ngx_http_socketio_publisher_has_room(
    ngx_http_socketio_publisher_t *p, size_t size);

/* What is waited for is waited for from now on. */

void ngx_http_socketio_publisher_progress(ngx_http_socketio_publisher_t *p);

/* Whether the other side is there, and answers. */

ngx_uint_t ngx_http_socketio_publisher_answers(
    const ngx_http_socketio_publisher_t *p);

/* Whether a command that is published now goes out at once. */

ngx_uint_t ngx_http_socketio_publisher_ready_now(
    const ngx_http_socketio_publisher_t *p);

/*
 * A question on this connection, past what is kept; fn begins with heard(),
 * whose result is NULL if the connection is lost.  NGX_OK, NGX_DECLINED.
 */
ngx_int_t ngx_http_socketio_publisher_ask(ngx_http_socketio_publisher_t *p,
    redisCallbackFn *fn, void *data, const sio_str_t *words, ngx_uint_t n);
ngx_http_socketio_publisher_t *ngx_http_socketio_publisher_heard(
    redisAsyncContext *ac, void *reply);

/* Once a second: is the other side alive, and how many listen? */

void ngx_http_socketio_publisher_tick(ngx_http_socketio_publisher_t *p);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_PUBLISHER_H_INCLUDED_ */
