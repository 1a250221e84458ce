/*
 * Where the token of a client is: in the payload of its CONNECT, or in a
 * header, a cookie or an argument of the handshake.
 */


#ifndef _NGX_HTTP_SOCKETIO_TOKEN_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_TOKEN_H_INCLUDED_


#include "hub/ngx_http_socketio_identity.h"
#include "codec/sio_jose.h"
#include "logic/sio_claims.h"


typedef struct {
    sio_value_t   value;                   /* of a string, or */
    unsigned      index;                   /* of a captured variable */
    unsigned      captured:1;
    unsigned      bearer:1;                /* behind "Bearer " */
} ngx_http_socketio_token_source_t;


/*
 * The token: of an "auth:refresh", else from the first of the sources (of
 * ngx_http_socketio_token_source_t) that has one.  SIO_OK, SIO_DECLINED: there
 * is none, SIO_NOMEM.
 */
int ngx_http_socketio_token_find(const ngx_array_t *sources,
    ngx_http_socketio_auth_t *auth, sio_str_t *token);

/* Refuse: reason is for the log and must be static.  Returns SIO_ERROR. */

int ngx_http_socketio_token_refuse(ngx_http_socketio_auth_t *auth,
    const char *reason);

/*
 * The claims of a token whose origin is proved (text, decoded): check them and
 * make them the answer.  SIO_OK, SIO_ERROR, SIO_NOMEM.
 */
int ngx_http_socketio_token_claims(ngx_http_socketio_auth_t *auth,
    const sio_claims_policy_t *policy, sio_str_t text);

/* Decode a part of a token into memory of the run: SIO_OK, SIO_ERROR,
   SIO_NOMEM. */

int ngx_http_socketio_token_decode(ngx_http_socketio_auth_t *auth,
    sio_str_t part, sio_str_t *bytes);


#endif /* _NGX_HTTP_SOCKETIO_TOKEN_H_INCLUDED_ */
