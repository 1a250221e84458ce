/*
 * Directives of webhooks.
 *
 *     webhook [max=32] [queue=1000] [failures=5] [pause=5s]
 *     webhook_key_file FILE
 *
 * The file has a key a line; each call is signed with all of them.
 */


#include "http/ngx_http_socketio_param.h"
#include "http/ngx_http_socketio_webhook_module.h"
#include "backend/ngx_http_socketio_webhook.h"


#define NGX_HTTP_SOCKETIO_WEBHOOK_KEY_MIN   16       /* bytes */
#define NGX_HTTP_SOCKETIO_WEBHOOK_KEY_FILE  4095


static char *ngx_http_socketio_webhook(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_webhook_key_file(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_socketio_webhook_keys(ngx_conf_t *cf,
    ngx_http_socketio_webhook_conf_t *wcf, ngx_str_t *file, u_char *p);
static ngx_uint_t ngx_http_socketio_webhook_served(ngx_http_conf_ctx_t *ctx,
    ngx_str_t *uri);
static ngx_http_socketio_webhook_conf_t *ngx_http_socketio_webhook_conf(
    ngx_conf_t *cf);
static ngx_int_t ngx_http_socketio_webhook_init_process(ngx_cycle_t *cycle);


static const ngx_http_socketio_param_t  ngx_http_socketio_webhook_params[] = {

    { ngx_string("max="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_webhook_conf_t, max),
      "invalid value \"max=%V\", it must be between 1 and 10000",
      1, 10000 },

    { ngx_string("queue="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_webhook_conf_t, queue),
      "invalid value \"queue=%V\", it must be between 1 and 1000000",
      1, 1000000 },

    { ngx_string("failures="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_webhook_conf_t, failures),
      "invalid value \"failures=%V\", it must be between 1 and 1000000",
      1, 1000000 },

    { ngx_string("pause="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_webhook_conf_t, pause),
      "invalid value \"pause=%V\", it must be between 1ms and 1h",
      1, 3600000 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static ngx_command_t  ngx_http_socketio_webhook_commands[] = {

    { ngx_string("webhook"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_webhook,
      0,
      0,
      NULL },

    { ngx_string("webhook_key_file"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_webhook_key_file,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_webhook_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_webhook_commands,
    .type = NGX_SOCKETIO_MODULE,
    .init_process = ngx_http_socketio_webhook_init_process
};


/* The workers' hubs are there: the main module stands before this one. */

static ngx_int_t
ngx_http_socketio_webhook_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                          i;
    const ngx_array_t                  *apps;
    ngx_http_socketio_app_t           **app;
    ngx_http_socketio_webhook_conf_t   *wcf;

    apps = ngx_http_socketio_apps(cycle);
    app = apps->elts;

    for (i = 0; i < apps->nelts; i++) {

        if (app[i]->hub == NULL || app[i]->webhooks.nelts == 0
            || app[i]->server == NULL)
        {
            continue;
        }

        wcf = app[i]->webhook;
        wcf->ctx = app[i]->server;

        if (ngx_http_socketio_webhook_init(app[i]->hub, wcf,
                                           app[i]->webhooks.nelts)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_http_socketio_webhook_t *
ngx_http_socketio_webhook_get(ngx_conf_t *cf, sio_str_t uri)
{
    ngx_uint_t                     i;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_webhook_t   *webhook, **all;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    app = ctx->app;
    all = app->webhooks.elts;

    for (i = 0; i < app->webhooks.nelts; i++) {
        if (all[i]->uri.len == uri.len
            && ngx_memcmp(all[i]->uri.data, uri.data, uri.len) == 0)
        {
            return all[i];
        }
    }

    webhook = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_webhook_t));
    all = ngx_array_push(&app->webhooks);

    if (webhook == NULL || all == NULL
        || ngx_http_socketio_webhook_conf(cf) == NULL)
    {
        return NULL;
    }

    webhook->uri.data = ngx_pnalloc(cf->pool, uri.len);
    if (webhook->uri.data == NULL) {
        return NULL;
    }

    ngx_memcpy(webhook->uri.data, uri.data, uri.len);
    webhook->uri.len = uri.len;
    webhook->index = app->webhooks.nelts - 1;
    webhook->file = cf->conf_file->file.name.data;
    webhook->line = cf->conf_file->line;

    *all = webhook;

    return webhook;
}


int
ngx_http_socketio_compile_webhook(sio_compile_t *c, sio_str_t uri,
    void **webhook)
{
    *webhook = ngx_http_socketio_webhook_get(c->ctx, uri);

    return *webhook ? SIO_OK : SIO_NOMEM;
}


void
ngx_http_socketio_webhook_check(ngx_conf_t *cf, ngx_http_socketio_app_t *app)
{
    ngx_uint_t                     i;
    ngx_http_socketio_webhook_t  **all;

    all = app->webhooks.elts;

    for (i = 0; i < app->webhooks.nelts; i++) {

        if (app->server == NULL) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "no server has \"socketio %V\": nothing can be "
                          "called in %s:%ui", &app->name, all[i]->file,
                          all[i]->line);
            return;
        }

        if (!ngx_http_socketio_webhook_served(app->server, &all[i]->uri)) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "the server that has \"socketio %V\" has no "
                          "location for \"%V\" in %s:%ui", &app->name,
                          &all[i]->uri, all[i]->file, all[i]->line);
        }
    }
}


/* Whether a location takes a path: as nginx looks, expressions left aside. */

static ngx_uint_t
ngx_http_socketio_webhook_served(ngx_http_conf_ctx_t *ctx, ngx_str_t *uri)
{
    size_t                         len, n;
    u_char                        *p;
    ngx_int_t                      rc;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_location_tree_node_t *node;

    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];

#if (NGX_PCRE)
    if (clcf->regex_locations) {
        return 1;
    }
#endif

    p = ngx_strlchr(uri->data, uri->data + uri->len, '?');
    len = p ? (size_t) (p - uri->data) : uri->len;
    p = uri->data;
    node = clcf->static_locations;

    while (node) {
        n = ngx_min(len, (size_t) node->len);
        rc = ngx_filename_cmp(p, node->name, n);

        if (rc != 0) {
            node = (rc < 0) ? node->left : node->right;
            continue;
        }

        if (len > (size_t) node->len) {

            if (node->inclusive) {
                return 1;
            }

            node = node->right;
            continue;
        }

        if (len == (size_t) node->len) {
            return node->exact || node->inclusive;
        }

        node = node->left;
    }

    return 0;
}


/* That of the app, with the defaults if nothing was said. */

static ngx_http_socketio_webhook_conf_t *
ngx_http_socketio_webhook_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_app_t           *app;
    ngx_http_socketio_webhook_conf_t  *wcf;

    app = ((ngx_http_socketio_conf_ctx_t *) cf->ctx)->app;

    if (app->webhook == NULL) {
        wcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_webhook_conf_t));
        if (wcf == NULL) {
            return NULL;
        }

        wcf->max = 32;
        wcf->queue = 1000;
        wcf->failures = 5;
        wcf->pause = 5000;

        app->webhook = wcf;
    }

    return app->webhook;
}


static char *
ngx_http_socketio_webhook(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_webhook_conf_t  *wcf;

    wcf = ngx_http_socketio_webhook_conf(cf);
    if (wcf == NULL) {
        return NGX_CONF_ERROR;
    }

    if (wcf->said) {
        return "is duplicate";
    }

    wcf->said = 1;

    return ngx_http_socketio_params(cf, 1, ngx_http_socketio_webhook_params,
                                    wcf,
                                    "invalid parameter \"%V\" of \"webhook\", "
                                    "it has max=, queue=, failures= and "
                                    "pause=");
}


static char *
ngx_http_socketio_webhook_key_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                         *value, text;
    ngx_http_socketio_webhook_conf_t  *wcf;

    wcf = ngx_http_socketio_webhook_conf(cf);
    if (wcf == NULL) {
        return NGX_CONF_ERROR;
    }

    if (wcf->nkeys) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_socketio_param_file(cf, &value[1],
                                     NGX_HTTP_SOCKETIO_WEBHOOK_KEY_FILE,
                                     &text)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_socketio_webhook_keys(cf, wcf, &value[1], text.data);
}


/* A key a line; empty lines and those that begin with "#" are none. */

static char *
ngx_http_socketio_webhook_keys(ngx_conf_t *cf,
    ngx_http_socketio_webhook_conf_t *wcf, ngx_str_t *file, u_char *p)
{
    size_t      len;
    ngx_uint_t  line;

    for (line = 1; *p; line++) {
        len = strcspn((char *) p, "\r\n");

        if (len && *p != '#') {

            if (wcf->nkeys == NGX_HTTP_SOCKETIO_WEBHOOK_KEYS) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "more than %d keys in \"%V\"",
                                   NGX_HTTP_SOCKETIO_WEBHOOK_KEYS, file);
                return NGX_CONF_ERROR;
            }

            if (len < NGX_HTTP_SOCKETIO_WEBHOOK_KEY_MIN) {
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                                   "a key is shorter than %d characters in "
                                   "\"%V\", line %ui",
                                   NGX_HTTP_SOCKETIO_WEBHOOK_KEY_MIN, file,
                                   line);
            }

            wcf->keys[wcf->nkeys].data = p;
            wcf->keys[wcf->nkeys].len = len;
            wcf->nkeys++;
        }

        p += len;
        p += (*p == '\r');
        p += (*p == '\n');
    }

    if (wcf->nkeys == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no key in \"%V\"", file);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
