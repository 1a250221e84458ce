/*
 * API keys: the file they come from, and who may pass.
 *
 * One key a line, so that a new one can be added before the old one goes.
 * Empty lines, and lines that begin with "#", are skipped; white space around
 * a key is not part of it.
 *
 * Kept are digests, not keys: they are of one length, so a comparison takes
 * the same time whatever was presented, and a core dump holds no key.
 *
 * RFC 6750, 2.1.  Authorization Request Header Field.
 */


#ifndef _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/sha.h>


#define NGX_HTTP_SOCKETIO_API_KEY_MIN   16    /* characters; less is warned */
#define NGX_HTTP_SOCKETIO_API_KEY_MAX   256


typedef struct {
    u_char  digest[SHA256_DIGEST_LENGTH];
} ngx_http_socketio_api_key_t;


/*
 * Read a file (relative to the configuration's folder) of keys: an array of
 * ngx_http_socketio_api_key_t, not empty.  NULL: said in the log, at emerg.
 */
ngx_array_t *ngx_http_socketio_api_keys_read(ngx_conf_t *cf, ngx_str_t *file);

/*
 * The request's bearer token against all keys.
 *
 * NGX_OK
 * NGX_DECLINED  it has none
 * NGX_ERROR     it has one that is no key
 */
ngx_int_t ngx_http_socketio_api_key_check(ngx_http_request_t *r,
    ngx_array_t *keys);


#endif /* _NGX_HTTP_SOCKETIO_API_KEY_H_INCLUDED_ */
