/*
 * hiredis on nginx's event loop.
 *
 * hiredis asks for reading and writing, and owns the descriptor; nginx is
 * told of it by a connection whose descriptor is never closed here.  Level
 * triggered: hiredis reads once per call.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_EVENT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>
#include <hiredis/async.h>


/*
 * Attach a context that redisAsyncConnect() has made.  NGX_OK; NGX_ERROR: no
 * connection is to be had, the caller frees the context.
 */
ngx_int_t ngx_http_socketio_redis_attach(redisAsyncContext *ac,
    ngx_log_t *log);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_EVENT_H_INCLUDED_ */
