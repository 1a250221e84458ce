/*
 * authenticate request URI [timeout=TIME] [cache=TIME]: its parameters.
 */


#include "http/ngx_http_socketio_auth_module.h"
#include "http/ngx_http_socketio_compile.h"
#include "http/ngx_http_socketio_webhook_module.h"
#include "hub/ngx_http_socketio_auth_request.h"


#define NGX_HTTP_SOCKETIO_AUTH_TIMEOUT      5000     /* msec */
#define NGX_HTTP_SOCKETIO_AUTH_TIMEOUT_MAX  60000
#define NGX_HTTP_SOCKETIO_AUTH_CACHE_TIME   3600000


static ngx_int_t ngx_http_socketio_auth_ask_param(ngx_conf_t *cf,
    ngx_http_socketio_auth_request_t *request, ngx_str_t *value);


/* In the order of ngx_http_socketio_auth_header_e. */

static const char  *const ngx_http_socketio_auth_variables[] = {
    "http_cookie",
    "http_authorization",
    "http_host",
    "proxy_add_x_forwarded_for"
};


char *
ngx_http_socketio_auth_ask(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_http_socketio_auth_request_t  *request;

    value = cf->args->elts;

    if (cf->args->nelts < 3 || value[2].data[0] != '/'
        || strpbrk((char *) value[2].data, " #$"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate request\" must have the path of a "
                           "location of this server, for example "
                           "\"/app/user\"");
        return NGX_CONF_ERROR;
    }

    request = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_auth_request_t));
    if (request == NULL) {
        return NGX_CONF_ERROR;
    }

    request->msec = NGX_HTTP_SOCKETIO_AUTH_TIMEOUT;
    request->webhook = ngx_http_socketio_webhook_get(cf,
                                       sio_str(value[2].data, value[2].len));
    if (request->webhook == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 3; i < cf->args->nelts; i++) {
        if (ngx_http_socketio_auth_ask_param(cf, request, &value[i])
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < NGX_HTTP_SOCKETIO_AUTH_HEADERS; i++) {

        if (ngx_http_socketio_capture(cf,
                             sio_cstr(ngx_http_socketio_auth_variables[i]), 0,
                             &request->variables[i])
            != SIO_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    nsp->authenticator = &ngx_http_socketio_authenticator_request;
    nsp->authenticator_conf = request;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_socketio_auth_ask_param(ngx_conf_t *cf,
    ngx_http_socketio_auth_request_t *request, ngx_str_t *value)
{
    uint32_t    *to;
    ngx_int_t    n;
    ngx_str_t    s;
    ngx_uint_t   max;

    if (ngx_strncmp(value->data, "cache=", 6) == 0) {
        s.data = value->data + 6;
        to = &request->cache;
        max = NGX_HTTP_SOCKETIO_AUTH_CACHE_TIME;

    } else if (ngx_strncmp(value->data, "timeout=", 8) == 0) {
        s.data = value->data + 8;
        to = &request->msec;
        max = NGX_HTTP_SOCKETIO_AUTH_TIMEOUT_MAX;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" of \"authenticate "
                           "request\", it has timeout= and cache=", value);
        return NGX_ERROR;
    }

    s.len = value->data + value->len - s.data;
    n = ngx_parse_time(&s, 0);

    if (n == NGX_ERROR || n < 1 || (ngx_uint_t) n > max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be between 1ms and "
                           "%uims", value, max);
        return NGX_ERROR;
    }

    *to = (uint32_t) n;

    return NGX_OK;
}
