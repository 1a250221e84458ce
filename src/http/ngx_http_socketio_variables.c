/*
 * The $socketio_ variables: for the access log, of a polling request, or of
 * a whole WebSocket in the line written at its end.
 */


#include "http/ngx_http_socketio_engine.h"
#include "transport/ngx_http_socketio_transport.h"


#define NGX_HTTP_SOCKETIO_COOKIE_CHUNKS  16


static ngx_int_t ngx_http_socketio_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_socketio_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_socketio_variable_cookie(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


typedef enum {
    NGX_HTTP_SOCKETIO_VARIABLE_SID = 0,
    NGX_HTTP_SOCKETIO_VARIABLE_USER,
    NGX_HTTP_SOCKETIO_VARIABLE_TRANSPORT,
    NGX_HTTP_SOCKETIO_VARIABLE_REASON,
    NGX_HTTP_SOCKETIO_VARIABLE_RECOVERED
} ngx_http_socketio_variable_e;


static ngx_http_variable_t  ngx_http_socketio_variables[] = {

    { ngx_string("socketio_sid"), NULL, ngx_http_socketio_variable_text,
      NGX_HTTP_SOCKETIO_VARIABLE_SID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_user"), NULL, ngx_http_socketio_variable_text,
      NGX_HTTP_SOCKETIO_VARIABLE_USER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_transport"), NULL, ngx_http_socketio_variable_text,
      NGX_HTTP_SOCKETIO_VARIABLE_TRANSPORT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_close_reason"), NULL,
      ngx_http_socketio_variable_text,
      NGX_HTTP_SOCKETIO_VARIABLE_REASON, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_recovered"), NULL, ngx_http_socketio_variable_text,
      NGX_HTTP_SOCKETIO_VARIABLE_RECOVERED, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_packets_in"), NULL,
      ngx_http_socketio_variable_count,
      offsetof(ngx_http_socketio_access_t, packets_in),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_packets_out"), NULL,
      ngx_http_socketio_variable_count,
      offsetof(ngx_http_socketio_access_t, packets_out),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_bytes_in"), NULL, ngx_http_socketio_variable_count,
      offsetof(ngx_http_socketio_access_t, bytes_in),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("socketio_bytes_out"), NULL, ngx_http_socketio_variable_count,
      offsetof(ngx_http_socketio_access_t, bytes_out),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* a prefix, as "cookie_" */

    { ngx_string("socketio_cookie_"), NULL, ngx_http_socketio_variable_cookie,
      0, NGX_HTTP_VAR_PREFIX|NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_socketio_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *v, *var;

    for (v = ngx_http_socketio_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void
ngx_http_socketio_variable_set(ngx_http_variable_value_t *v, sio_str_t value)
{
    v->len = value.len;
    v->data = (u_char *) value.data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}


static ngx_int_t
ngx_http_socketio_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sio_str_t                    value;
    ngx_http_socketio_access_t  *access;

    access = ngx_http_get_module_ctx(r->main, ngx_http_socketio_engine_module);
    value = sio_str(NULL, 0);

    if (access) {

        switch (data) {

        case NGX_HTTP_SOCKETIO_VARIABLE_SID:
            value = sio_str(access->sid, access->has_sid ? EIO_SID_LEN : 0);
            break;

        case NGX_HTTP_SOCKETIO_VARIABLE_USER:
            value = sio_str(access->user.data, access->user.len);
            break;

        case NGX_HTTP_SOCKETIO_VARIABLE_TRANSPORT:
            value = sio_cstr(access->transport == EIO_WEBSOCKET ? "websocket"
                                                                : "polling");
            break;

        case NGX_HTTP_SOCKETIO_VARIABLE_REASON:
            value = eio_reason_name(access->reason);
            break;

        default: /* NGX_HTTP_SOCKETIO_VARIABLE_RECOVERED */
            value = sio_cstr(access->recovered ? "1" : "0");
        }
    }

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_socketio_variable_set(v, value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                      *p, *last;
    ngx_http_socketio_access_t  *access;

    access = ngx_http_get_module_ctx(r->main, ngx_http_socketio_engine_module);

    if (access == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "%uL", *(uint64_t *) ((char *) access + data));
    ngx_http_socketio_variable_set(v, sio_str(p, last - p));

    return NGX_OK;
}


/*
 * $socketio_cookie_NAME: the cookie NAME, or, where a browser would not take
 * one so long, the cookies NAME.0, NAME.1 and so on together.
 */
static ngx_int_t
ngx_http_socketio_variable_cookie(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t *name = (ngx_str_t *) data;

    u_char                     *p, *end;
    size_t                      len;
    ngx_str_t                   cookie;
    ngx_uint_t                  i, n;
    ngx_http_variable_value_t  *chunk[NGX_HTTP_SOCKETIO_COOKIE_CHUNKS];

    /* "cookie_NAME", which stands in our own name */

    cookie.len = name->len - (sizeof("socketio_") - 1);
    cookie.data = ngx_pnalloc(r->pool, cookie.len + 1 + NGX_INT_T_LEN);
    if (cookie.data == NULL) {
        return NGX_ERROR;
    }

    end = ngx_cpymem(cookie.data, name->data + sizeof("socketio_") - 1,
                     cookie.len);

    chunk[0] = ngx_http_get_variable(r, &cookie,
                                     ngx_hash_key(cookie.data, cookie.len));
    n = (chunk[0] && !chunk[0]->not_found);

    for (i = 0; n == i && i < NGX_HTTP_SOCKETIO_COOKIE_CHUNKS; i++) {
        cookie.len = ngx_sprintf(end, ".%ui", i) - cookie.data;
        chunk[i] = ngx_http_get_variable(r, &cookie,
                                         ngx_hash_key(cookie.data,
                                                      cookie.len));
        n += (chunk[i] && !chunk[i]->not_found);
    }

    if (n == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        len += chunk[i]->len;
    }

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_socketio_variable_set(v, sio_str(p, len));

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, chunk[i]->data, chunk[i]->len);
    }

    return NGX_OK;
}
