/*
 * authenticate jwt, authenticate authjs: their parameters.
 */


#ifndef _NGX_HTTP_SOCKETIO_AUTH_TOKEN_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_AUTH_TOKEN_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"


/* Rows of the kinds of authentication: give nsp its authenticator. */

char *ngx_http_socketio_auth_jwt(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);
char *ngx_http_socketio_auth_authjs(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);


#endif /* _NGX_HTTP_SOCKETIO_AUTH_TOKEN_H_INCLUDED_ */
