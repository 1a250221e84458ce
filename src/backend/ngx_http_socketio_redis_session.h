/*
 * Lost sessions in Redis, where Node's streams adapter has them, and the
 * events that they miss, out of the stream.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_SESSION_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_SESSION_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_xread.h"


/* Functions of the cluster. */

ngx_int_t ngx_http_socketio_redis_save(ngx_http_socketio_hub_t *hub,
    sio_str_t pid, sio_str_t text, uint64_t msec);
ngx_int_t ngx_http_socketio_redis_recall(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recall_t *recall);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_SESSION_H_INCLUDED_ */
