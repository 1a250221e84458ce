/*
 * HTTP long-polling: the requests of a session that are parked until its
 * worker, this or another, has an answer.
 *
 * Engine.IO v4, "HTTP long-polling".
 */


#ifndef _NGX_HTTP_SOCKETIO_POLLING_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_POLLING_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"
#include "hub/ngx_http_socketio_forward.h"


/*
 * GET: of the session whose sid is in the request's facts, or, without
 * one, of a new session.  Results as those of a content handler.
 */
ngx_int_t ngx_http_socketio_polling_get(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, ngx_uint_t has_sid);

/* POST. */

ngx_int_t ngx_http_socketio_polling_post(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine);

/* Of the carrier's table. */

void ngx_http_socketio_polling_answer(ngx_http_socketio_parked_t *parked,
    ngx_int_t error, sio_str_t body);


#endif /* _NGX_HTTP_SOCKETIO_POLLING_H_INCLUDED_ */
