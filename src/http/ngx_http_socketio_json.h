/*
 * JSON answers: what the API, status and health send.
 *
 * An answer is written piece by piece into memory of its request.  An error
 * on the way is kept, so that only the end has to be asked: what can't be
 * written for want of memory is answered with nginx's own 500.
 *
 * Every answer is application/json, may not be stored by caches, and leaves
 * the connection as it was: keep-alive survives errors.
 */


#ifndef _NGX_HTTP_SOCKETIO_JSON_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "codec/sio_buf.h"


typedef struct {
    ngx_http_request_t  *r;
    sio_mem_t            mem;        /* the request's pool */
    sio_buf_t            buf;
    unsigned             failed:1;
    unsigned             metrics:1;  /* it is their text, not JSON */
} ngx_http_socketio_json_t;


/* An allocator on a pool; what it gave ends with the pool. */

void ngx_http_socketio_pool_mem(sio_mem_t *mem, ngx_pool_t *pool);

/* Begin.  json must not move until it is sent. */

void ngx_http_socketio_json_init(ngx_http_socketio_json_t *json,
    ngx_http_request_t *r);

/* Append JSON text, terminated or not; a number; a string with its quotes. */

void ngx_http_socketio_json_text(ngx_http_socketio_json_t *json,
    const char *text);
void ngx_http_socketio_json_bytes(ngx_http_socketio_json_t *json,
    sio_str_t bytes);
void ngx_http_socketio_json_uint(ngx_http_socketio_json_t *json, uint64_t n);
void ngx_http_socketio_json_string(ngx_http_socketio_json_t *json,
    sio_str_t s);

/*
 * ,"name":n - without the comma behind an opening bracket.  Nothing in a name
 * is to be escaped.
 */

void ngx_http_socketio_json_member(ngx_http_socketio_json_t *json,
    const char *name, uint64_t n);

/*
 * Send the answer and give what ngx_http_finalize_request() is to be told.
 * The request's body has been read, or is discarded here.  503 carries
 * Retry-After.
 */
ngx_int_t ngx_http_socketio_json_send(ngx_http_socketio_json_t *json,
    ngx_uint_t status);

/*
 * The whole answer of an error: {"ok":false,"error":{...}}.  path may be
 * empty.  The same, and only the inner object.
 */
ngx_int_t ngx_http_socketio_json_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *message,
    const char *path);
void ngx_http_socketio_json_error(ngx_http_socketio_json_t *json,
    const char *code, const char *message, const char *path);

/* The same for another method than NGX_HTTP_GET (and HEAD), NGX_HTTP_POST. */

ngx_int_t ngx_http_socketio_json_not_allowed(ngx_http_request_t *r,
    ngx_uint_t method);

/* A header of the answer, before it is sent: static texts.  */

ngx_int_t ngx_http_socketio_json_header(ngx_http_request_t *r,
    const char *name, const char *value);


#endif /* _NGX_HTTP_SOCKETIO_JSON_H_INCLUDED_ */
