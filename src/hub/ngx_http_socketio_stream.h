/*
 * The order of events that hosts share.
 *
 * With recovery and a stream of Redis (adapter=streams) an event has one
 * offset on all hosts, the id of its entry.  A client that shows it has got
 * all before it and nothing behind it: so a host delivers in the order of the
 * stream, also what it says itself.  A broadcast is added to the stream, and
 * delivered when the leader has read it there, as what others say.
 *
 * Nobody waits for long.  What has not come back after a second, and all that
 * is said while Redis or the leader is away, is delivered at once, without an
 * offset that others know; when it is met in the stream later it is passed
 * over.  Which of the two happens is decided under the lock of the log.
 */


#ifndef _NGX_HTTP_SOCKETIO_STREAM_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_STREAM_H_INCLUDED_


#include "hub/ngx_http_socketio_history.h"


/*
 * A backend begins: its stream orders what goes through the log.  NGX_OK,
 * NGX_ERROR; an app without recovery has none, NGX_OK.  What has not come
 * back is given up in cleanup.
 */
ngx_int_t ngx_http_socketio_stream_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_stream_cleanup(ngx_http_socketio_hub_t *hub);

/*
 * NGX_OK: it was added to the stream, and will be delivered; NGX_DECLINED: it
 * is to be delivered now, and what was added before it has been.
 */
ngx_int_t ngx_http_socketio_stream_order(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);

/*
 * Whether an entry of the stream is not to be delivered any more; under the
 * log's lock, which notes that it was read.
 */
ngx_uint_t ngx_http_socketio_stream_done(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_entered_t *stamp);

/*
 * The leader begins to read behind id; gap: without something that was behind
 * what was read before.
 */
void ngx_http_socketio_stream_place(ngx_http_socketio_hub_t *hub,
    const sio_stream_id_t *id, ngx_uint_t gap);

/* An entry is nothing for the log. */

void ngx_http_socketio_stream_pass(ngx_http_socketio_hub_t *hub,
    const sio_stream_id_t *id);

/* What this worker added came back, up to a number. */

void ngx_http_socketio_stream_back(ngx_http_socketio_hub_t *hub,
    uint64_t number);

/* Deliver now what has not come back. */

void ngx_http_socketio_stream_fall(ngx_http_socketio_hub_t *hub);

/* The same, in a moment; the other side is lost. */

void ngx_http_socketio_stream_lost(ngx_http_socketio_hub_t *hub);

/* A timer of kind STREAM. */

void ngx_http_socketio_stream_timeout(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_STREAM_H_INCLUDED_ */
