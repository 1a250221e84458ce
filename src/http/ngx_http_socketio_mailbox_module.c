/*
 * The directive mailbox: whether an app keeps events for users, how long and
 * how many.
 */


#include "http/ngx_http_socketio_module.h"
#include "hub/ngx_http_socketio_mail_store.h"
#include "hub/ngx_http_socketio_mailbox.h"


/* A mailbox is walked along: it is not to be endless. */

#define NGX_HTTP_SOCKETIO_MAILBOX_LIMIT  10000       /* items */
#define NGX_HTTP_SOCKETIO_MAILBOX_LONG   (10 * 365 * 24 * 3600)  /* sec */


static char *ngx_http_socketio_mailbox(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_mailbox_parameter(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app, ngx_str_t *value);


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
    NULL,                                  /* module context */
    ngx_http_socketio_mailbox_commands,    /* module directives */
    NGX_SOCKETIO_MODULE,                   /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_socketio_mailbox(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                          *rv;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    app = ctx->app;
    value = cf->args->elts;

    if (app->mailbox_max) {
        return "is duplicate";
    }

    app->mailbox_ttl = NGX_HTTP_SOCKETIO_MAILBOX_TTL;
    app->mailbox_max = NGX_HTTP_SOCKETIO_MAILBOX_MAX;
    app->mailbox_store = &ngx_http_socketio_mail_zone;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_socketio_mailbox_parameter(cf, app, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_mailbox_parameter(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app, ngx_str_t *value)
{
    ngx_int_t   n;
    ngx_str_t   s;
    ngx_uint_t  i;

    if (ngx_strncmp(value->data, "ttl=", 4) == 0) {
        s.data = value->data + 4;
        s.len = value->len - 4;

        n = ngx_parse_time(&s, 1);

        if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_SOCKETIO_MAILBOX_LONG) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid time \"%V\", it must be 1s to 10y, "
                               "for example \"ttl=30d\"", value);
            return NGX_CONF_ERROR;
        }

        app->mailbox_ttl = (uint64_t) n * 1000;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "max=", 4) == 0) {
        n = ngx_atoi(value->data + 4, value->len - 4);

        if (n == NGX_ERROR || n < 1 || n > NGX_HTTP_SOCKETIO_MAILBOX_LIMIT) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number \"%V\", it must be 1 to %d",
                               value, NGX_HTTP_SOCKETIO_MAILBOX_LIMIT);
            return NGX_CONF_ERROR;
        }

        app->mailbox_max = n;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "store=", 6) == 0) {

        for (i = 0; ngx_http_socketio_mailbox_stores[i].name; i++) {

            if (ngx_strcmp(value->data + 6,
                           ngx_http_socketio_mailbox_stores[i].name) == 0)
            {
                app->mailbox_store = ngx_http_socketio_mailbox_stores[i].store;
                app->mailbox_store_file = cf->conf_file->file.name.data;
                app->mailbox_store_line = cf->conf_file->line;

                return NGX_CONF_OK;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown store \"%V\", it must be \"store=zone\" "
                           "or \"store=redis\"", value);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\", it must be \"ttl=TIME\", "
                       "\"max=NUMBER\" or \"store=zone|redis\"", value);

    return NGX_CONF_ERROR;
}
