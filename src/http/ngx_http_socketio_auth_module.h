/*
 * authenticate, as the namespace's block sees it.
 */


#ifndef _NGX_HTTP_SOCKETIO_AUTH_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_AUTH_MODULE_H_INCLUDED_


#include "http/ngx_http_socketio_module.h"
#include "hub/ngx_http_socketio_identity.h"


/*
 * At the end of a namespace's block: no rule may stand for an event that its
 * authenticator takes.
 */
char *ngx_http_socketio_auth_check(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);

/* Kinds of authentication: each gives nsp its authenticator. */

char *ngx_http_socketio_auth_ask(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);
char *ngx_http_socketio_auth_jwt(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);
char *ngx_http_socketio_auth_authjs(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);


#endif /* _NGX_HTTP_SOCKETIO_AUTH_MODULE_H_INCLUDED_ */
