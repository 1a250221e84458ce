/*
 * The directive recovery: for how long a socket can come back.
 */


#include "http/ngx_http_socketio_module.h"


/* Records live in the zone: longer than a day is what mailboxes are for. */

#define NGX_HTTP_SOCKETIO_RECOVERY_MAX  86400        /* sec */


static char *ngx_http_socketio_recovery(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_socketio_recovery_commands[] = {

    { ngx_string("recovery"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_recovery,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_recovery_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_recovery_commands,
    .type = NGX_SOCKETIO_MODULE
};


static char *
ngx_http_socketio_recovery(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t                      n;
    ngx_str_t                     *value;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    app = ctx->app;
    value = cf->args->elts;

    if (app->recovery) {
        return "is duplicate";
    }

    n = ngx_parse_time(&value[1], 1);

    if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_SOCKETIO_RECOVERY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\", it must be 1s to 1d, for "
                           "example \"recovery 2m\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    app->recovery = (uint64_t) n * 1000;

    return NGX_CONF_OK;
}
