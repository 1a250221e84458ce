/*
 * The authenticator "jwt": a signed token proves who the client is.
 *
 * RFC 7519, 7.2.  Validating a JWT; RFC 8725.  JSON Web Token Best Current
 * Practices
 */


#ifndef _NGX_HTTP_SOCKETIO_JWT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_JWT_H_INCLUDED_


#include "backend/ngx_http_socketio_jwk.h"
#include "backend/ngx_http_socketio_token.h"


/* Its configuration. */

typedef struct {
    ngx_array_t           sources;     /* ngx_http_socketio_token_source_t */
    ngx_array_t           files;       /* ngx_http_socketio_keys_t */
    sio_claims_policy_t   policy;
} ngx_http_socketio_jwt_conf_t;


extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_jwt;


#endif /* _NGX_HTTP_SOCKETIO_JWT_H_INCLUDED_ */
