/*
 * The HTTP API: what its calls share.
 *
 * The module has let the request through (key, call, method, size) and
 * knows what its location says; a call reads the body and answers.
 */


#ifndef _NGX_HTTP_SOCKETIO_API_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_API_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"


typedef struct {
    ngx_http_socketio_app_t  *app;
    ngx_array_t              *keys;      /* NULL: whoever gets here may */
    off_t                     max_body;  /* bytes, 0: nginx looks itself */
} ngx_http_socketio_api_conf_t;


typedef struct ngx_http_socketio_api_emit_s  ngx_http_socketio_api_emit_t;


/* Of a request with a body that is read. */

typedef struct {
    off_t                          max_body;
    off_t                          received;  /* bytes */
    ngx_http_socketio_api_emit_t  *emit;      /* once the body is there */
} ngx_http_socketio_api_ctx_t;


extern ngx_module_t  ngx_http_socketio_api_module;


/*
 * POST emit, when the body is read: answers, now or, if acks are waited for,
 * later.  Finalizes the request.
 */
void ngx_http_socketio_api_emit(ngx_http_request_t *r);


#endif /* _NGX_HTTP_SOCKETIO_API_H_INCLUDED_ */
