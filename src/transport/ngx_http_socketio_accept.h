/*
 * The opening handshake of a WebSocket, and the takeover of its connection.
 */


#ifndef _NGX_HTTP_SOCKETIO_ACCEPT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ACCEPT_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


/*
 * Answer 101 and take the connection over; for a new session, or with has_sid
 * for the polling session of the request's facts.  Results as those of a
 * content handler.
 */
ngx_int_t ngx_http_socketio_accept(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, ngx_uint_t has_sid);


#endif /* _NGX_HTTP_SOCKETIO_ACCEPT_H_INCLUDED_ */
