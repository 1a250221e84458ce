/*
 * Directives of an app: zone, namespace.
 */


#include "http/ngx_http_socketio_auth_module.h"
#include "http/ngx_http_socketio_compile.h"


static char *ngx_http_socketio_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void ngx_http_socketio_zone_holds(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app, ngx_str_t *text, size_t size);
static char *ngx_http_socketio_namespace_block(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_http_socketio_namespace_t *ngx_http_socketio_namespace_create(
    ngx_conf_t *cf, ngx_http_socketio_app_t *app, ngx_str_t *name);

static ngx_command_t  ngx_http_socketio_app_commands[] = {

    { ngx_string("zone"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_zone,
      0,
      0,
      NULL },

    { ngx_string("namespace"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_socketio_namespace_block,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_app_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_app_commands,
    .type = NGX_SOCKETIO_MODULE
};


static char *
ngx_http_socketio_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                        size;
    ngx_str_t                     *value, name;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    app = ctx->app;
    value = cf->args->elts;

    if (app->shm_zone) {
        return "is duplicate";
    }

    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_SOCKETIO_SHM_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone size \"%V\" is too small, it must be at "
                           "least %uzm", &value[1],
                           (size_t) NGX_HTTP_SOCKETIO_SHM_MIN / 1024 / 1024);
        return NGX_CONF_ERROR;
    }

    name.len = sizeof("socketio:") - 1 + app->name.len;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(name.data, "socketio:%V", &app->name);

    app->shm_zone = ngx_shared_memory_add(cf, &name, size,
                                          &ngx_http_socketio_module);
    if (app->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    app->shm_zone->init = ngx_http_socketio_zone_init;

    if (ngx_test_config) {
        ngx_http_socketio_zone_holds(cf, app, &value[1], size);
    }

    return NGX_CONF_OK;
}


/* What a zone will hold: nginx keeps a part of it for itself. */

static void
ngx_http_socketio_zone_holds(ngx_conf_t *cf, ngx_http_socketio_app_t *app,
    ngx_str_t *text, size_t size)
{
    ngx_http_socketio_shm_plan_t  plan;

    if (ngx_http_socketio_shm_plan(size - size / 64, &plan) != NGX_OK) {
        return;
    }

    /* a session, its socket, the room of its user */

    ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0,
                       "zone \"%V\" of %V holds about %ui sessions with a "
                       "user each, or %ui rooms for each worker that has "
                       "members; %ui short records to be kept; %uim of "
                       "messages under way",
                       &app->name, text, (ngx_uint_t) plan.cells / 3,
                       (ngx_uint_t) plan.cells, (ngx_uint_t) plan.blocks,
                       (ngx_uint_t) (plan.chunks
                                     * (NGX_HTTP_SOCKETIO_CHUNK / 1024)
                                     / 1024));
}


static char *
ngx_http_socketio_namespace_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    char                           *rv;
    ngx_str_t                      *value;
    ngx_conf_t                      save;
    ngx_http_socketio_conf_ctx_t   *ctx;

    ctx = cf->ctx;
    value = cf->args->elts;

    ctx->nsp = ngx_http_socketio_namespace_create(cf, ctx->app, &value[1]);
    if (ctx->nsp == NULL) {
        return NGX_CONF_ERROR;
    }

    save = *cf;
    cf->cmd_type = NGX_SOCKETIO_NAMESPACE_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_socketio_auth_check(cf, ctx->nsp);
    }

    ctx->nsp = NULL;

    return rv;
}


static ngx_http_socketio_namespace_t *
ngx_http_socketio_namespace_create(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app, ngx_str_t *name)
{
    char                             error[256];
    sio_str_t                        text;
    ngx_uint_t                       i;
    const sio_mem_t                 *mem;
    ngx_http_socketio_namespace_t   *nsp, **all;

    text = sio_str(name->data, name->len);
    all = app->namespaces.elts;

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (sio_str_eq(all[i]->name, text)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate namespace \"%V\"", name);
            return NULL;
        }
    }

    nsp = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_namespace_t));
    mem = ngx_http_socketio_conf_mem(cf);
    all = ngx_array_push(&app->namespaces);

    if (nsp == NULL || mem == NULL || all == NULL) {
        return NULL;
    }

    *all = nsp;

    nsp->name = text;
    nsp->app = app;
    nsp->file = cf->conf_file->file.name.data;
    nsp->line = cf->conf_file->line;

    sio_rules_init(&nsp->events, mem, &app->hash);
    sio_rules_init(&nsp->api, mem, &app->hash);
    sio_rules_init(&nsp->server, mem, &app->hash);

    if (name->len && name->data[0] == '~') {
        nsp->regex = ngx_http_socketio_regex_compile(cf->pool,
                                    sio_str(name->data + 1, name->len - 1),
                                    error, sizeof(error));
        if (nsp->regex == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid namespace expression: %s", error);
            return NULL;
        }

        return nsp;
    }

    if (name->len == 0 || name->data[0] != '/'
        || !sio_name_valid(text, app->limits.packet.max_nsp)
        || ngx_strlchr(name->data, name->data + name->len, ',')
        || ngx_strlchr(name->data, name->data + name->len, '?'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid namespace \"%V\": a name begins with "
                           "\"/\", an expression with \"~\"", name);
        return NULL;
    }

    return nsp;
}
