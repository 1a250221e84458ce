/*
 * Messages from Redis that came before their time.
 *
 * What is above the bound is lost, as it would be in Redis when a subscriber
 * does not keep up.
 */


#include "backend/ngx_http_socketio_redis_backlog.h"


ngx_int_t
ngx_http_socketio_backlog_add(ngx_http_socketio_backlog_t *backlog,
    sio_str_t pattern, sio_str_t channel, sio_str_t message, ngx_log_t *log)
{
    u_char                    *p;
    size_t                     size;
    ngx_http_socketio_kept_t  *kept;

    size = pattern.len + channel.len + message.len;

    if (size > NGX_HTTP_SOCKETIO_BACKLOG_MAX - backlog->bytes) {
        return NGX_ERROR;
    }

    kept = ngx_alloc(sizeof(ngx_http_socketio_kept_t) + size, log);
    if (kept == NULL) {
        return NGX_ERROR;
    }

    kept->next = NULL;
    kept->pattern = pattern.len;
    kept->channel = channel.len;
    kept->message = message.len;

    p = ngx_cpymem(kept->data, pattern.data, pattern.len);
    p = ngx_cpymem(p, channel.data, channel.len);
    ngx_memcpy(p, message.data, message.len);

    if (backlog->first == NULL) {
        backlog->last = &backlog->first;
    }

    *backlog->last = kept;
    backlog->last = &kept->next;
    backlog->bytes += size;

    return NGX_OK;
}


ngx_http_socketio_kept_t *
ngx_http_socketio_backlog_take(ngx_http_socketio_backlog_t *backlog)
{
    ngx_http_socketio_kept_t  *kept;

    kept = backlog->first;

    if (kept) {
        backlog->first = kept->next;
        backlog->bytes -= kept->pattern + kept->channel + kept->message;
    }

    return kept;
}
