/*
 * Signatures of tokens: algorithms, and one key that checks them.
 *
 * A key is of a type, and each algorithm belongs to one type: a secret never
 * checks what a public key should, nor the other way round, whatever a token
 * says.  There is no "none".
 *
 * RFC 7518, 3.  Cryptographic Algorithms for Digital Signatures and MACs;
 * RFC 8037, 3.1.  Signing
 */


#ifndef _NGX_HTTP_SOCKETIO_JWS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_JWS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "codec/sio_jose.h"

#include <openssl/evp.h>


typedef enum {
    NGX_HTTP_SOCKETIO_KEY_OCT = 0,         /* a secret */
    NGX_HTTP_SOCKETIO_KEY_RSA,
    NGX_HTTP_SOCKETIO_KEY_P256,
    NGX_HTTP_SOCKETIO_KEY_P384,
    NGX_HTTP_SOCKETIO_KEY_P521,
    NGX_HTTP_SOCKETIO_KEY_ED25519
} ngx_http_socketio_key_e;


/* A key: made by ngx_http_socketio_jwk.c. */

typedef struct {
    ngx_http_socketio_key_e  type;
    uint32_t                 algs;         /* allowed ones, a bit for each */
    ngx_str_t                kid;          /* empty: it has none */
    ngx_str_t                secret;       /* of OCT */
    EVP_PKEY                *pkey;         /* of the others */
} ngx_http_socketio_jwk_t;


/*
 * An algorithm by its name, as the text of a JSON string: its bit, or 0 for
 * one that is unknown.
 */
uint32_t ngx_http_socketio_alg(sio_str_t raw);

/* All algorithms of a type of key. */

uint32_t ngx_http_socketio_algs_of(ngx_http_socketio_key_e type);

/* Their names, for messages: "HS256, HS384".  At most 256 bytes. */

u_char *ngx_http_socketio_algs_names(u_char *p, u_char *last, uint32_t algs);

/* Whether sig is the key's, of input by alg, which the key allows. */

ngx_uint_t ngx_http_socketio_jws_verify(const ngx_http_socketio_jwk_t *key,
    uint32_t alg, sio_str_t input, sio_str_t sig);


#endif /* _NGX_HTTP_SOCKETIO_JWS_H_INCLUDED_ */
