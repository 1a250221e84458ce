/*
 * The limits of a location: an ngx_http_socketio_limits_t is this module's
 * configuration, merged before the engine's.
 */


#ifndef _NGX_HTTP_SOCKETIO_LIMIT_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_LIMIT_MODULE_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


extern ngx_module_t  ngx_http_socketio_limit_module;


#endif /* _NGX_HTTP_SOCKETIO_LIMIT_MODULE_H_INCLUDED_ */
