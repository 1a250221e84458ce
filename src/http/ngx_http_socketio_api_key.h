/*
 * API keys: the file they come from, who may pass, and what for.
 *
 * A key is presented as a bearer token, or, if its line says "signed", as the
 * signature of a request.  The file is read again when it has changed, so
 * that a new key can be added before the old one goes; one that can't be read
 * or has an error changes nothing.
 *
 * Of keys that are presented as they are, digests are kept (SipHash of 128
 * bits, keyed at random for each reading of the file): they are of one length,
 * so a comparison takes the same time whatever was presented, and a core dump
 * holds no key.  Keys that sign are kept, and wiped.
 *
 * RFC 6750, 2.1.  Authorization Request Header Field.
 */


#ifndef _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "backend/ngx_http_socketio_file.h"
#include "codec/sio_hash.h"
#include "logic/sio_key.h"


#define NGX_HTTP_SOCKETIO_API_WINDOW  300    /* seconds, of a signature */
#define NGX_HTTP_SOCKETIO_API_DIGEST  16     /* bytes */


typedef struct {
    sio_key_t                      key;      /* its secret if it signs */
    u_char                         digest[NGX_HTTP_SOCKETIO_API_DIGEST];
} ngx_http_socketio_api_key_t;


/* What a file held when it was read, in one block; counted by its users. */

typedef struct {
    ngx_uint_t                     refs;
    ngx_uint_t                     n;
    ngx_http_socketio_api_key_t   *keys;
    size_t                         size;
    sio_hash_key_t                 hash;     /* of the digests */
} ngx_http_socketio_api_set_t;


/* A file; lives as long as its cycle. */

typedef struct {
    ngx_http_socketio_file_t       file;
    ngx_http_socketio_api_set_t   *set;
    time_t                         looked;   /* whether it has changed */
    time_t                         told;     /* that it can't be read */
} ngx_http_socketio_api_keys_t;


/* By what a request was let through, or is about to be. */

typedef struct {
    ngx_http_socketio_api_set_t         *set;
    const ngx_http_socketio_api_key_t   *key;        /* NULL: not known yet */
    sio_signature_t                      signature;
} ngx_http_socketio_api_grant_t;


/*
 * Read a file (relative to the configuration's folder) of keys, which has one
 * at least.  NULL: said in the log, at emerg.
 */
ngx_http_socketio_api_keys_t *ngx_http_socketio_api_keys_read(ngx_conf_t *cf,
    ngx_str_t *file);

/*
 * Who posts, by what is known before the body is read.
 *
 * NGX_OK        by a key: *grant, of the request's pool
 * NGX_AGAIN     by a signature, to be verified with the body: likewise
 * NGX_DECLINED  nobody said
 * NGX_ERROR     *error says why not; or it is NULL: no memory
 */
ngx_int_t ngx_http_socketio_api_key_check(ngx_http_request_t *r,
    ngx_http_socketio_api_keys_t *keys, ngx_http_socketio_api_grant_t **grant,
    const char **error);

/*
 * Verify the signature of a request, of the time, method, URI and body:
 * TIME.METHOD URI.BODY.  NGX_OK: grant->key is filled; NGX_DECLINED: no key
 * has made it; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_api_key_verify(ngx_http_request_t *r,
    ngx_http_socketio_api_grant_t *grant, sio_str_t body);


#endif /* _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_ */
