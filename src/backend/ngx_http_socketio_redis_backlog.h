/*
 * Messages from Redis that came before their time: a new leader keeps what it
 * hears behind its mark until the old one has handed out all before it, so
 * that what one host publishes arrives in order.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_BACKLOG_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_BACKLOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "codec/sio_types.h"


#define NGX_HTTP_SOCKETIO_BACKLOG_MAX  (16 * 1024 * 1024)    /* bytes */


typedef struct ngx_http_socketio_kept_s  ngx_http_socketio_kept_t;

struct ngx_http_socketio_kept_s {
    ngx_http_socketio_kept_t   *next;
    size_t                      pattern;     /* bytes of each, in data */
    size_t                      channel;
    size_t                      message;
    u_char                      data[];
};


typedef struct {
    ngx_http_socketio_kept_t   *first;
    ngx_http_socketio_kept_t  **last;        /* set when first is */
    size_t                      bytes;
} ngx_http_socketio_backlog_t;


/* Keep copies.  NGX_OK, NGX_ERROR: no memory, or above the bound. */

ngx_int_t ngx_http_socketio_backlog_add(ngx_http_socketio_backlog_t *backlog,
    sio_str_t pattern, sio_str_t channel, sio_str_t message, ngx_log_t *log);

/* Take the oldest off; the caller frees it.  NULL: there is none. */

ngx_http_socketio_kept_t *ngx_http_socketio_backlog_take(
    ngx_http_socketio_backlog_t *backlog);


static ngx_inline sio_str_t
ngx_http_socketio_kept_pattern(const ngx_http_socketio_kept_t *kept)
{
    return sio_str(kept->data, kept->pattern);
}


static ngx_inline sio_str_t
ngx_http_socketio_kept_channel(const ngx_http_socketio_kept_t *kept)
{
    return sio_str(kept->data + kept->pattern, kept->channel);
}


static ngx_inline sio_str_t
ngx_http_socketio_kept_message(const ngx_http_socketio_kept_t *kept)
{
    return sio_str(kept->data + kept->pattern + kept->channel, kept->message);
}


#endif /* _NGX_HTTP_SOCKETIO_REDIS_BACKLOG_H_INCLUDED_ */
