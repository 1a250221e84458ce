/*
 * A connection to Redis that is kept up: connect, authenticate, select the
 * database, say so; when it is lost, say so and try again, later each time.
 *
 * Nothing here blocks: names were resolved when the configuration was read.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "backend/ngx_http_socketio_redis_event.h"
#include "codec/sio_types.h"


#define NGX_HTTP_SOCKETIO_REDIS_WORDS  20    /* of a command, at most */


/* Of the sharded adapter: which rooms have channels of their own. */

typedef enum {
    NGX_HTTP_SOCKETIO_SUBSCRIPTION_DYNAMIC = 0,  /* all but those of sockets */
    NGX_HTTP_SOCKETIO_SUBSCRIPTION_STATIC,       /* none */
    NGX_HTTP_SOCKETIO_SUBSCRIPTION_PRIVATE       /* all */
} ngx_http_socketio_subscription_e;


typedef struct ngx_http_socketio_redis_s    ngx_http_socketio_redis_t;
typedef struct ngx_http_socketio_dialect_s  ngx_http_socketio_dialect_t;


/* What "redis ..." says. */

typedef struct {
    ngx_str_t                name;       /* as configured, for the log */
    ngx_addr_t              *addrs;
    ngx_uint_t               naddrs;
    ngx_uint_t               db;
    ngx_str_t                user;       /* terminated, or empty */
    ngx_str_t                password;   /* terminated, or empty */
    ngx_str_t                prefix;     /* of channels */
    uint64_t                 heartbeat;  /* of hosts, msec */

    const ngx_http_socketio_dialect_t  *dialect;
    ngx_http_socketio_subscription_e    subscription;
    ngx_str_t                           stream;      /* of streams: name, */
    ngx_str_t                           maxlen;      /* digits */
    unsigned                            subscribes:1;    /* a mode, and */
    unsigned                            streams:1;       /* these were given */
    unsigned                            placed:1;        /* the address has a
                                                            database */
} ngx_http_socketio_redis_conf_t;


struct ngx_http_socketio_redis_s {
    const ngx_http_socketio_redis_conf_t  *conf;
    const char              *role;       /* for the log: "publisher" */
    ngx_log_t               *log;
    ngx_event_t             *turn;       /* posted when something was done, or
                                            NULL */
    void                    *data;       /* the user's */

    /* It can be used from now on; and not any more.  lost may be called
       without ready. */
    void                   (*ready)(ngx_http_socketio_redis_t *redis);
    void                   (*lost)(ngx_http_socketio_redis_t *redis);

    /* Of a connection that listens: each reply, from when it is up.  The
       connection may be stopped or made anew from inside. */
    void                   (*heard)(ngx_http_socketio_redis_t *redis,
                                    redisReply *reply);

    redisAsyncContext       *ac;         /* NULL: none */
    ngx_event_t              timer;      /* to connect, or to give up */
    ngx_connection_t         dummy;      /* of the timer */
    ngx_uint_t               next;       /* address to try */
    ngx_msec_t               backoff;
    int                      old;        /* descriptor to be reset, or -1 */
    ngx_msec_t               since;      /* up */
    unsigned                 up:1;
    unsigned                 started:1;
    unsigned                 listens:1;      /* hiredis' loop is left */
    unsigned                 complained:1;   /* of this outage, */
    unsigned                 returned:1;     /* and said that it is over */
};


/*
 * conf, role, log, data, ready, lost and perhaps heard are set, the rest is
 * zeroed.  The first attempt is made at once.
 */
void ngx_http_socketio_redis_start(ngx_http_socketio_redis_t *redis);

/*
 * The worker ends, and what it has said last is still here: hand it over and
 * hear the answers as long as waits() is not 0, for some seconds at most.
 */
void ngx_http_socketio_redis_drain(ngx_http_socketio_redis_t *redis,
    ngx_uint_t (*waits)(ngx_http_socketio_redis_t *redis));

/* Close and try no more; lost is not called. */

void ngx_http_socketio_redis_stop(ngx_http_socketio_redis_t *redis);

/* Close and connect again: the other side does not answer.  Calls lost. */

void ngx_http_socketio_redis_restart(ngx_http_socketio_redis_t *redis,
    const char *why);

/*
 * A command of n words.  fn (may be NULL) gets the reply, or NULL if the
 * connection is lost before.  NGX_OK, NGX_DECLINED: not connected.
 */
ngx_int_t ngx_http_socketio_redis_command(ngx_http_socketio_redis_t *redis,
    redisCallbackFn *fn, void *data, const sio_str_t *words, ngx_uint_t n);

/*
 * The same on a connection that listens: the reply, and whatever comes
 * unasked, goes to heard.
 */
ngx_int_t ngx_http_socketio_redis_listen(ngx_http_socketio_redis_t *redis,
    const sio_str_t *words, ngx_uint_t n);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_H_INCLUDED_ */
