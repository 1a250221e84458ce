/*
 * A WebSocket that arrives for a polling session: what it says until it is
 * the session's transport.  Engine.IO v4, "Upgrade".
 */


#ifndef _NGX_HTTP_SOCKETIO_UPGRADE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_UPGRADE_H_INCLUDED_


#include "transport/ngx_http_socketio_websocket.h"


/*
 * A WebSocket was accepted for a session: it may probe, or is closed, as a
 * second one is.
 */
void ngx_http_socketio_upgrade_begin(ngx_http_socketio_websocket_t *ws,
    const u_char *sid);

/* A message of the probing WebSocket; it may be paused after it. */

void ngx_http_socketio_upgrade_message(ngx_http_socketio_websocket_t *ws,
    const ws_event_t *ev);

/* It is over: the session goes on polling.  Does nothing if it is no probe. */

void ngx_http_socketio_upgrade_cancel(ngx_http_socketio_websocket_t *ws);

/* Of the carrier's table. */

void ngx_http_socketio_upgrade_result(ngx_http_socketio_probe_t *probe,
    ngx_int_t rc, ngx_http_socketio_session_t *s);


#endif /* _NGX_HTTP_SOCKETIO_UPGRADE_H_INCLUDED_ */
