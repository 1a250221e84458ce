/*
 * What comes in over HTTP: the checks of a request, its error answers, and
 * new sessions.  Engine.IO v4, "Handshake".
 */


#ifndef _NGX_HTTP_SOCKETIO_HANDSHAKE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_HANDSHAKE_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


/* The content handler of a location. */

ngx_int_t ngx_http_socketio_handshake(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine);

/* Answer with an error of the engine: 400 or 403, and JSON. */

ngx_int_t ngx_http_socketio_handshake_error(ngx_http_request_t *r,
    eio_error_e error);

/* No room, or no hub: 503, to be tried again. */

ngx_int_t ngx_http_socketio_handshake_unavailable(ngx_http_request_t *r);

/*
 * Make a session for a request: not yet opened, counted by the limits, with
 * the variables captured and the cookie set.  If there is none in *session,
 * the request was answered, with the result that is returned.
 */
ngx_int_t ngx_http_socketio_handshake_session(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine,
    ngx_http_socketio_session_t **session);

/* Forget a session that was never opened. */

void ngx_http_socketio_handshake_cancel(ngx_http_socketio_session_t *s);


#endif /* _NGX_HTTP_SOCKETIO_HANDSHAKE_H_INCLUDED_ */
