/*
 * The authenticator "authjs": the session cookie of Auth.js (NextAuth v5),
 * a token that is encrypted with a key made of the application's secret and
 * of the cookie's name.
 *
 * RFC 7516.  JSON Web Encryption (JWE), "dir" with A256CBC-HS512 or A256GCM;
 * RFC 5869 (HKDF); RFC 7638 (thumbprints as key ids)
 */


#ifndef _NGX_HTTP_SOCKETIO_AUTHJS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_AUTHJS_H_INCLUDED_


#include "backend/ngx_http_socketio_file.h"
#include "backend/ngx_http_socketio_token.h"


#define NGX_HTTP_SOCKETIO_AUTHJS_KEY      64    /* bytes */
#define NGX_HTTP_SOCKETIO_AUTHJS_KID      86    /* base64url of SHA-512 */
#define NGX_HTTP_SOCKETIO_AUTHJS_LEEWAY   15000 /* msec, Auth.js's own */


/* Ways to encrypt. */

typedef enum {
    NGX_HTTP_SOCKETIO_ENC_CBC = 0,              /* A256CBC-HS512 */
    NGX_HTTP_SOCKETIO_ENC_GCM                   /* A256GCM */
} ngx_http_socketio_enc_e;


/* A key for one secret, one name of the cookie, and one way. */

typedef struct {
    ngx_http_socketio_enc_e  enc;
    u_char                   key[NGX_HTTP_SOCKETIO_AUTHJS_KEY];
    u_char                   kid[NGX_HTTP_SOCKETIO_AUTHJS_KID];
    size_t                   kid_len;
} ngx_http_socketio_authjs_key_t;


typedef struct {
    ngx_array_t           sources;  /* ngx_http_socketio_token_source_t */
    ngx_array_t           keys;     /* ngx_http_socketio_authjs_key_t */
    sio_claims_policy_t   policy;
} ngx_http_socketio_authjs_conf_t;


extern const ngx_http_socketio_authenticator_t
    ngx_http_socketio_authenticator_authjs;


/*
 * The keys of a secret for a cookie's name: two are added.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_socketio_authjs_keys_add(
    ngx_http_socketio_authjs_conf_t *conf, sio_str_t secret,
    sio_str_t cookie);


#endif /* _NGX_HTTP_SOCKETIO_AUTHJS_H_INCLUDED_ */
