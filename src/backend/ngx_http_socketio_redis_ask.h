/*
 * Requests of ours to the other hosts.
 *
 * Who is there is counted first, by the subscribers of the channel by which
 * hosts are counted, less those of our own host's channel: each of them
 * answers once.  The leader hears the answers, and passes them to the worker
 * that asked: its slot is in the id of the request.
 *
 * An id: the host's uid, then in hexadecimal the slot (2 digits), its
 * incarnation (8) and a number (8).
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ASK_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ASK_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"


/* The cluster's functions. */

ngx_int_t ngx_http_socketio_redis_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp, sio_request_t *r,
    ngx_msec_t timeout);
void ngx_http_socketio_redis_forget(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_ask_t *ask);
void ngx_http_socketio_redis_ask_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);

/*
 * For a dialect: whether a response is to a request of ours, as far as can be
 * seen without decoding it, since all of Node's pass here; and a response.
 */
ngx_uint_t ngx_http_socketio_redis_asked(ngx_http_socketio_adapter_t *a,
    sio_str_t message);
void ngx_http_socketio_redis_response(ngx_http_socketio_adapter_t *a,
    const sio_response_t *r);

/* A RESPONSE record came: the leader passes on what it heard. */

void ngx_http_socketio_redis_passed(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);

/* The adapter ends: nobody is told any more. */

void ngx_http_socketio_redis_ask_cancel(ngx_http_socketio_adapter_t *a);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ASK_H_INCLUDED_ */
