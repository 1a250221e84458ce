/*
 * The $socketio_ variables: for the access log, of a polling request, or of
 * a whole WebSocket in the line written at its end.
 */


#include "http/ngx_http_socketio_engine.h"
#include "transport/ngx_http_socketio_transport.h"


static ngx_int_t ngx_http_socketio_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_socketio_variable_count(ngx_http_request_t *r,
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
            value = sio_cstr("0");
        }
    }

    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = value.len;
    v->data = (u_char *) value.data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                      *p;
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

    v->len = ngx_sprintf(p, "%uL", *(uint64_t *) ((char *) access + data)) - p;
    v->data = p;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
