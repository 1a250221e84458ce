/*
 * The echoing engine: what engineio_echo puts on a session in place of
 * Socket.IO, for tests of an Engine.IO client or a proxy.
 */


#ifndef _NGX_HTTP_SOCKETIO_ECHO_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ECHO_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


extern const eio_handler_t  ngx_http_socketio_echo_handler;


#endif /* _NGX_HTTP_SOCKETIO_ECHO_H_INCLUDED_ */
