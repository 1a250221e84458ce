/*
 * The directive mailbox: whether an app keeps events for users, how long and
 * how many.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_param.h"
#include "hub/ngx_http_socketio_mail_store.h"
#include "hub/ngx_http_socketio_mailbox.h"


static char *ngx_http_socketio_mailbox(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_mailbox_store(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);


/* A mailbox is walked along: it is not to be endless. */

static const ngx_http_socketio_param_t  ngx_http_socketio_mailbox_params[] = {

    { ngx_string("ttl="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_app_t, mailbox_ttl),
      "invalid time \"ttl=%V\", it must be 1s to 10y, for example \"ttl=30d\"",
      1000, 315360000000 },

    { ngx_string("max="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_app_t, mailbox_max),
      "invalid number \"max=%V\", it must be 1 to 10000",
      1, 10000 },

    { ngx_string("store="),
      ngx_http_socketio_mailbox_store,
      0,
      "unknown store \"store=%V\", it must be \"store=zone\" or "
      "\"store=redis\"",
      0, 0 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static const struct {
    const char                            *name;
    const ngx_http_socketio_mail_store_t  *store;
} ngx_http_socketio_mailbox_stores[] = {
    { "zone", &ngx_http_socketio_mail_zone },
    { "redis", &ngx_http_socketio_mail_home },
    { NULL, NULL }
};


static ngx_command_t  ngx_http_socketio_mailbox_commands[] = {

    { ngx_string("mailbox"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_ANY,
      ngx_http_socketio_mailbox,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_mailbox_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_mailbox_commands,
    .type = NGX_SOCKETIO_MODULE
};


static char *
ngx_http_socketio_mailbox(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    app = ctx->app;

    if (app->mailbox_max) {
        return "is duplicate";
    }

    app->mailbox_ttl = NGX_HTTP_SOCKETIO_MAILBOX_TTL;
    app->mailbox_max = NGX_HTTP_SOCKETIO_MAILBOX_MAX;
    app->mailbox_store = &ngx_http_socketio_mail_zone;

    return ngx_http_socketio_params(cf, 1, ngx_http_socketio_mailbox_params,
                                    app,
                                    "invalid parameter \"%V\", it must be "
                                    "\"ttl=TIME\", \"max=NUMBER\" or "
                                    "\"store=zone|redis\"");
}


static char *
ngx_http_socketio_mailbox_store(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_app_t *app = conf;

    ngx_uint_t  i;

    for (i = 0; ngx_http_socketio_mailbox_stores[i].name; i++) {

        if (ngx_strcmp(value->data, ngx_http_socketio_mailbox_stores[i].name)
            == 0)
        {
            app->mailbox_store = ngx_http_socketio_mailbox_stores[i].store;
            app->mailbox_store_file = cf->conf_file->file.name.data;
            app->mailbox_store_line = cf->conf_file->line;

            return NGX_CONF_OK;
        }
    }

    return ngx_http_socketio_param_invalid(cf, param, value);
}
