/*
 * Origins: who may talk to us from a browser, and what we answer it.
 *
 * The same host is always allowed, and so is who sends no Origin: it is no
 * browser, or a page of the same host.  Any other origin must be listed.
 * Credentials are allowed to origins that are named, not to "*".
 *
 * "null" names nobody: sandboxed frames of any page and local files have it.
 * It is taken for one of "*" if it is listed by this very name, and matches
 * no expression.
 */


#ifndef _NGX_HTTP_SOCKETIO_CORS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CORS_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


/*
 * Check the origin of a request.
 *
 * NGX_OK         allowed
 * NGX_DECLINED   a foreign one: 403
 * NGX_ERROR      not a header's value: 400
 */
ngx_int_t ngx_http_socketio_cors_check(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine);

/*
 * Add the headers that each answer of the location has, whoever makes it:
 * called by a header filter.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_socketio_cors_filter(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine);

/* Answer OPTIONS. */

ngx_int_t ngx_http_socketio_cors_preflight(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine);


#endif /* _NGX_HTTP_SOCKETIO_CORS_H_INCLUDED_ */
