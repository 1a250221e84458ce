/*
 * The directive recovery: for how long a socket can come back.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_param.h"


static char *ngx_http_socketio_recovery(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* Records live in the zone: longer than a day is what mailboxes are for. */

static const ngx_http_socketio_param_t  ngx_http_socketio_recovery_time = {
    ngx_null_string,
    ngx_http_socketio_param_msec,
    offsetof(ngx_http_socketio_app_t, recovery),
    "invalid time \"%V\", it must be 1s to 1d, for example \"recovery 2m\"",
    1000, 86400000
};


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
    ngx_str_t                     *value;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    value = cf->args->elts;

    if (ctx->app->recovery) {
        return "is duplicate";
    }

    return ngx_http_socketio_param_msec(cf, &ngx_http_socketio_recovery_time,
                                        &value[1], ctx->app);
}
