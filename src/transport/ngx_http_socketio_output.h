/*
 * What goes out on a WebSocket: the messages of its session, coalesced, and
 * between them the connection's own frames.
 */


#ifndef _NGX_HTTP_SOCKETIO_OUTPUT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_OUTPUT_H_INCLUDED_


#include "transport/ngx_http_socketio_websocket.h"


/*
 * Queue a frame of at most WS_CONTROL_MAX bytes.  Of frames that wait and
 * were not begun only the last one goes out.
 *
 * NGX_OK, NGX_ERROR: no memory
 *
 * RFC 6455, 5.5.3.  Pong: only the latest Ping has to be answered.
 */
ngx_int_t ngx_http_socketio_output_control(ngx_http_socketio_websocket_t *ws,
    uint8_t opcode, const u_char *data, size_t len);

/*
 * Write what there is, and behind all of it the close frame, if it is due.
 *
 * NGX_OK         all is written
 * NGX_AGAIN      the socket is full: the write event goes on
 * NGX_ERROR      the connection is lost
 */
ngx_int_t ngx_http_socketio_output_send(ngx_http_socketio_websocket_t *ws);

/* Whether a frame of the session was begun and not finished. */

ngx_uint_t ngx_http_socketio_output_partial(
    const ngx_http_socketio_websocket_t *ws);


#endif /* _NGX_HTTP_SOCKETIO_OUTPUT_H_INCLUDED_ */
