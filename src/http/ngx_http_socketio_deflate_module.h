/*
 * The directive of compression.
 */


#ifndef _NGX_HTTP_SOCKETIO_DEFLATE_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_DEFLATE_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Its location configuration is an ngx_http_socketio_deflate_t. */

extern ngx_module_t  ngx_http_socketio_deflate_module;


#endif /* _NGX_HTTP_SOCKETIO_DEFLATE_MODULE_H_INCLUDED_ */
