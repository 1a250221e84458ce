/*
 * Keys of signatures, from files: PEM (public keys, certificates), the bytes
 * of a secret, or a JWK set.
 *
 * All are read with the configuration, by the master with its rights.  A JWK
 * set is read again by each worker when its file has changed, which is looked
 * at once a second, and at once for a token that no key fits: a key that was
 * added a moment ago is known.  A file that can't be used leaves the keys as
 * they are.
 *
 * RFC 7517.  JSON Web Key (JWK); RFC 7518, 6.; RFC 8037, 2.
 */


#ifndef _NGX_HTTP_SOCKETIO_JWK_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_JWK_H_INCLUDED_


#include "backend/ngx_http_socketio_file.h"
#include "backend/ngx_http_socketio_jws.h"


#define NGX_HTTP_SOCKETIO_KEY_FILE_MAX   262144   /* bytes */
#define NGX_HTTP_SOCKETIO_KEYS_MAX       32       /* of one file */
#define NGX_HTTP_SOCKETIO_SECRET_MIN     32       /* bytes; less is warned */
#define NGX_HTTP_SOCKETIO_RSA_MIN        2048     /* bits, RFC 7518, 3.3 */
#define NGX_HTTP_SOCKETIO_RSA_MAX        8192


/* The keys of one file. */

typedef struct {
    ngx_http_socketio_file_t   file;       /* its name is the caller's to set */
    uint32_t                   allowed;    /* algorithms; 0: the keys' own */
    ngx_http_socketio_jwk_t   *keys;
    ngx_uint_t                 nkeys;
    const char                *error;
    const char                *warning;    /* or NULL */
    unsigned                   jwks:1;     /* a JWK set, to be read again */
} ngx_http_socketio_keys_t;


/*
 * Read the file.  NGX_OK, warning may be set; NGX_ERROR: error and file.err
 * say why, and nothing is held.
 */
ngx_int_t ngx_http_socketio_keys_read(ngx_http_socketio_keys_t *keys,
    ngx_log_t *log);

/* Give all keys back, wiped. */

void ngx_http_socketio_keys_free(ngx_http_socketio_keys_t *keys);

/*
 * Read a set again if its file has changed.  Whether the keys are others than
 * before.
 */
ngx_uint_t ngx_http_socketio_keys_refresh(ngx_http_socketio_keys_t *keys,
    ngx_log_t *log);


#endif /* _NGX_HTTP_SOCKETIO_JWK_H_INCLUDED_ */
