/*
 * authenticate request URI [timeout=TIME] [cache=TIME]: its parameters.
 */


#include "http/ngx_http_socketio_auth_module.h"
#include "http/ngx_http_socketio_compile.h"
#include "http/ngx_http_socketio_param.h"
#include "http/ngx_http_socketio_webhook_module.h"
#include "hub/ngx_http_socketio_auth_request.h"


#define NGX_HTTP_SOCKETIO_AUTH_TIMEOUT  5000         /* msec */


static const ngx_http_socketio_param_t  ngx_http_socketio_auth_ask_params[] = {

    { ngx_string("timeout="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_auth_request_t, msec),
      "invalid value \"timeout=%V\", it must be between 1ms and 60000ms",
      1, 60000 },

    { ngx_string("cache="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_auth_request_t, cache),
      "invalid value \"cache=%V\", it must be between 1ms and 3600000ms",
      1, 3600000 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


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

    return ngx_http_socketio_params(cf, 3, ngx_http_socketio_auth_ask_params,
                                    request,
                                    "invalid parameter \"%V\" of "
                                    "\"authenticate request\", it has "
                                    "timeout= and cache=");
}
