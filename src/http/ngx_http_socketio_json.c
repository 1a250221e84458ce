/*
 * JSON answers.
 */


#include "http/ngx_http_socketio_json.h"
#include "codec/sio_json.h"
#include "codec/sio_utf8.h"


#define NGX_HTTP_SOCKETIO_JSON_MAX   (256 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_RETRY      "1"      /* seconds */


static void *ngx_http_socketio_pool_alloc(void *ctx, size_t size);
static void ngx_http_socketio_pool_free(void *ctx, void *p);
static void ngx_http_socketio_json_check(ngx_http_socketio_json_t *json,
    int rc);
static ngx_int_t ngx_http_socketio_json_headers(ngx_http_request_t *r,
    ngx_uint_t status, size_t len);


void
ngx_http_socketio_pool_mem(sio_mem_t *mem, ngx_pool_t *pool)
{
    mem->alloc = ngx_http_socketio_pool_alloc;
    mem->free = ngx_http_socketio_pool_free;
    mem->ctx = pool;
}


static void *
ngx_http_socketio_pool_alloc(void *ctx, size_t size)
{
    return ngx_palloc(ctx, size);
}


/* Only large blocks go back before the pool does. */

static void
ngx_http_socketio_pool_free(void *ctx, void *p)
{
    (void) ngx_pfree(ctx, p);
}


void
ngx_http_socketio_json_init(ngx_http_socketio_json_t *json,
    ngx_http_request_t *r)
{
    json->r = r;
    json->failed = 0;
    json->metrics = 0;

    ngx_http_socketio_pool_mem(&json->mem, r->pool);
    sio_buf_init(&json->buf, &json->mem, NGX_HTTP_SOCKETIO_JSON_MAX);
}


static void
ngx_http_socketio_json_check(ngx_http_socketio_json_t *json, int rc)
{
    if (rc != SIO_OK) {
        json->failed = 1;
    }
}


void
ngx_http_socketio_json_text(ngx_http_socketio_json_t *json, const char *text)
{
    ngx_http_socketio_json_bytes(json, sio_cstr(text));
}


void
ngx_http_socketio_json_bytes(ngx_http_socketio_json_t *json, sio_str_t bytes)
{
    if (bytes.len) {
        ngx_http_socketio_json_check(json,
                                     sio_buf_append_str(&json->buf, bytes));
    }
}


void
ngx_http_socketio_json_uint(ngx_http_socketio_json_t *json, uint64_t n)
{
    ngx_http_socketio_json_check(json, sio_buf_append_uint(&json->buf, n));
}


void
ngx_http_socketio_json_string(ngx_http_socketio_json_t *json, sio_str_t s)
{
    size_t   i;
    uint8_t  ch;

    if (sio_utf8_valid(s.data, s.len) == SIO_OK) {
        ngx_http_socketio_json_check(json, sio_json_quote(&json->buf, s));
        return;
    }

    /* A message cut in the middle of a character, or a name of any bytes. */

    ngx_http_socketio_json_text(json, "\"");

    for (i = 0; i < s.len; i++) {
        ch = s.data[i] < 0x80 ? s.data[i] : '?';
        ngx_http_socketio_json_check(json,
                                 sio_json_escape(&json->buf, sio_str(&ch, 1)));
    }

    ngx_http_socketio_json_text(json, "\"");
}


void
ngx_http_socketio_json_member(ngx_http_socketio_json_t *json,
    const char *name, uint64_t n)
{
    if (json->buf.len && json->buf.data[json->buf.len - 1] != '{') {
        ngx_http_socketio_json_text(json, ",");
    }

    ngx_http_socketio_json_text(json, "\"");
    ngx_http_socketio_json_text(json, name);
    ngx_http_socketio_json_text(json, "\":");
    ngx_http_socketio_json_uint(json, n);
}


ngx_int_t
ngx_http_socketio_json_send(ngx_http_socketio_json_t *json,
    ngx_uint_t status)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = json->r;

    if (json->failed) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "socketio: no memory for an answer");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->request_body == NULL) {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ngx_http_socketio_json_headers(r, status, json->buf.len) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (json->metrics) {
        ngx_str_set(&r->headers_out.content_type,
                    "text/plain; version=0.0.4; charset=utf-8");
        r->headers_out.content_type_len = sizeof("text/plain") - 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = json->buf.data;
    b->last = json->buf.data + json->buf.len;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_socketio_json_headers(ngx_http_request_t *r, ngx_uint_t status,
    size_t len)
{
    r->headers_out.status = status;
    r->headers_out.content_length_n = len;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_socketio_json_header(r, "Cache-Control", "no-store")
        != NGX_OK
        || ngx_http_socketio_json_header(r, "X-Content-Type-Options",
                                         "nosniff")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        return ngx_http_socketio_json_header(r, "Retry-After",
                                             NGX_HTTP_SOCKETIO_RETRY);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_json_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);
    h->lowcase_key = NULL;

#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_json_not_allowed(ngx_http_request_t *r, ngx_uint_t method)
{
    ngx_uint_t  get;

    get = (method == NGX_HTTP_GET);

    if (ngx_http_socketio_json_header(r, "Allow", get ? "GET, HEAD" : "POST")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_ALLOWED, "invalid",
                                         get ? "the method must be GET or HEAD"
                                             : "the method must be POST", "");
}


void
ngx_http_socketio_json_error(ngx_http_socketio_json_t *json,
    const char *code, const char *message, const char *path)
{
    ngx_http_socketio_json_text(json, "{\"code\":");
    ngx_http_socketio_json_string(json, sio_cstr(code));
    ngx_http_socketio_json_text(json, ",\"message\":");
    ngx_http_socketio_json_string(json, sio_cstr(message));

    if (path[0]) {
        ngx_http_socketio_json_text(json, ",\"path\":");
        ngx_http_socketio_json_string(json, sio_cstr(path));
    }

    ngx_http_socketio_json_text(json, "}");
}


ngx_int_t
ngx_http_socketio_json_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message, const char *path)
{
    ngx_http_socketio_json_t  json;

    ngx_http_socketio_json_init(&json, r);
    ngx_http_socketio_json_text(&json, "{\"ok\":false,\"error\":");
    ngx_http_socketio_json_error(&json, code, message, path);
    ngx_http_socketio_json_text(&json, "}");

    return ngx_http_socketio_json_send(&json, status);
}
