/*
 * The engine module, to its own files.
 */


#ifndef _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


extern ngx_module_t  ngx_http_socketio_engine_module;


/* Add the $socketio_ variables. */

ngx_int_t ngx_http_socketio_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_ */
