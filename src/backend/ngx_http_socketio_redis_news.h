/*
 * News of mailboxes: the mailer's subscription, and what was missed of it.
 *
 * What files of Redis as the home of mailboxes share.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_NEWS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_NEWS_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_backlog.h"
#include "backend/ngx_http_socketio_redis_mail.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_mailer.h"


#define NGX_HTTP_SOCKETIO_REDIS_SHA     40
#define NGX_HTTP_SOCKETIO_REDIS_ORIGIN  32


/*
 * Types of news, records of sio_wire.
 *
 * PUT: the item, as it is kept: host, id, namespace, user, key, expires,
 * image.  DROP: host, namespace, key.
 */
typedef enum {
    NGX_HTTP_SOCKETIO_NEWS_PUT = 1,
    NGX_HTTP_SOCKETIO_NEWS_DROP
} ngx_http_socketio_news_e;


typedef struct {
    ngx_http_socketio_redis_t              command;
    ngx_http_socketio_redis_t              subscriber;
    ngx_http_socketio_hub_t               *hub;
    const ngx_http_socketio_redis_conf_t  *conf;

    sio_buf_t                    base;       /* of all names */
    sio_buf_t                    news;       /* channels: all hosts', */
    sio_buf_t                    own;        /* and the host's own */
    sio_buf_t                    name;       /* being written */
    sio_buf_t                    bytes;
    u_char                       origin[NGX_HTTP_SOCKETIO_REDIS_ORIGIN];
    u_char                       sha[NGX_HTTP_SOCKETIO_REDIS_SHA];

    uint64_t                     sent;       /* commands of a connection */
    uint64_t                     answered;
    ngx_msec_t                   progress;   /* of the last answer */
    uint64_t                     drop;       /* post that may take several, */
    uint64_t                     bound;      /* 0: not begun */

    int64_t                      ahead;      /* Redis' calendar is, msec */
    uint64_t                     epoch;
    ngx_http_socketio_backlog_t  backlog;    /* heard before its time */
    ngx_msec_t                   heard;      /* a sign of life */
    unsigned                     subscribed:1;
    unsigned                     live:1;     /* nothing is missing */
    unsigned                     asking:1;   /* what was missed */
    unsigned                     lost:1;     /* the backlog was full */
} ngx_http_socketio_redis_mail_t;


/*
 * Times that hosts share are those of Redis' calendar: each of theirs may be
 * minutes away.  To it and back; 0: never.
 */
static ngx_inline uint64_t
ngx_http_socketio_redis_time_to(const ngx_http_socketio_redis_mail_t *mail,
    uint64_t msec)
{
    return msec ? msec + (uint64_t) mail->ahead : 0;
}


static ngx_inline uint64_t
ngx_http_socketio_redis_time_from(const ngx_http_socketio_redis_mail_t *mail,
    uint64_t msec)
{
    return msec ? msec - (uint64_t) mail->ahead : 0;
}


/* Ask for Redis' time: at the beginning, and again, as clocks are set. */

void ngx_http_socketio_redis_clock(ngx_http_socketio_redis_mail_t *mail);

/* The subscription, while this worker is the mailer. */

void ngx_http_socketio_redis_news_start(ngx_http_socketio_redis_mail_t *mail);
void ngx_http_socketio_redis_news_stop(ngx_http_socketio_redis_mail_t *mail);
void ngx_http_socketio_redis_news_tick(ngx_http_socketio_redis_mail_t *mail);

/* The other connection is lost: what comes is kept. */

void ngx_http_socketio_redis_news_wait(ngx_http_socketio_redis_mail_t *mail);

/* Ask what was missed, if it can be asked. */

void ngx_http_socketio_redis_news_since(ngx_http_socketio_redis_mail_t *mail);

/*
 * The beginning of an answer: epoch and number.  Who has never heard of any
 * begins there.  NGX_OK, NGX_ERROR: it makes no sense.
 */
ngx_int_t ngx_http_socketio_redis_news_state(
    ngx_http_socketio_redis_mail_t *mail, const redisReply *reply);

/* Read an item; views of bytes.  NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_redis_news_item(sio_str_t bytes,
    ngx_http_socketio_item_in_t *item);

/*
 * Of the other connection.  The mail of a callback, NULL: it is of another
 * connection.  An answer that makes no sense: connect again.  The question of
 * what was missed.
 */
ngx_http_socketio_redis_mail_t *ngx_http_socketio_redis_mail_of(
    redisAsyncContext *ac, void *reply);
void ngx_http_socketio_redis_mail_again(ngx_http_socketio_redis_mail_t *mail,
    const redisReply *reply);
ngx_int_t ngx_http_socketio_redis_mail_since(
    ngx_http_socketio_redis_mail_t *mail, uint64_t after, ngx_uint_t max,
    redisCallbackFn *fn);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_NEWS_H_INCLUDED_ */
