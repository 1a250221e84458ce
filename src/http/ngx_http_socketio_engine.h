/*
 * The engine of a location, and the modules whose directives it takes over.
 */


#ifndef _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_SOCKETIO_ANY_CONF                                            \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


extern ngx_module_t  ngx_http_socketio_engine_module;

/*
 * Their location configurations, an ngx_http_socketio_limits_t and an
 * ngx_http_socketio_deflate_t, are taken over by that of the engine.
 */
extern ngx_module_t  ngx_http_socketio_limit_module;
extern ngx_module_t  ngx_http_socketio_deflate_module;


/* Add the $socketio_ variables. */

ngx_int_t ngx_http_socketio_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_SOCKETIO_ENGINE_H_INCLUDED_ */
