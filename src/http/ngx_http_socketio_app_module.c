/*
 * Directives of an app: zone, namespace; of a namespace: authenticate.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_compile.h"


static char *ngx_http_socketio_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_namespace_block(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_http_socketio_namespace_t *ngx_http_socketio_namespace_create(
    ngx_conf_t *cf, ngx_http_socketio_app_t *app, ngx_str_t *name);
static char *ngx_http_socketio_authenticate(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_socketio_auth_none(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);
static char *ngx_http_socketio_auth_insecure(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);
static char *ngx_http_socketio_auth_variable(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp);


/* The kinds of authentication. */

typedef struct {
    const char                *name;
    ngx_http_socketio_auth_e   auth;
    char                    *(*parse)(ngx_conf_t *cf,
                                      ngx_http_socketio_namespace_t *nsp);
} ngx_http_socketio_auth_t;

static const ngx_http_socketio_auth_t  ngx_http_socketio_auths[] = {
    { "none", NGX_HTTP_SOCKETIO_AUTH_NONE, ngx_http_socketio_auth_none },
    { "insecure", NGX_HTTP_SOCKETIO_AUTH_INSECURE,
      ngx_http_socketio_auth_insecure },
    { "variable", NGX_HTTP_SOCKETIO_AUTH_VARIABLE,
      ngx_http_socketio_auth_variable }
};


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

    { ngx_string("authenticate"),
      NGX_SOCKETIO_NAMESPACE_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_authenticate,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_app_module = {
    NGX_MODULE_V1,
    NULL,                                  /* module context */
    ngx_http_socketio_app_commands,        /* module directives */
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

    return NGX_CONF_OK;
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


static char *
ngx_http_socketio_authenticate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                       *value;
    ngx_uint_t                       i;
    ngx_http_socketio_conf_ctx_t    *ctx;
    ngx_http_socketio_namespace_t   *nsp;
    const ngx_http_socketio_auth_t  *auth;

    ctx = cf->ctx;
    nsp = ctx->nsp;
    value = cf->args->elts;

    if (nsp->auth != NGX_HTTP_SOCKETIO_AUTH_UNSET) {
        return "is duplicate";
    }

    for (i = 0; i < sizeof(ngx_http_socketio_auths)
                    / sizeof(ngx_http_socketio_auths[0]); i++)
    {
        auth = &ngx_http_socketio_auths[i];

        if (ngx_strcmp(value[1].data, auth->name) == 0) {
            nsp->auth = auth->auth;
            return auth->parse(cf, nsp);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown authentication \"%V\", it must be \"none\", "
                       "\"variable\" or \"insecure\"", &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_socketio_auth_none(ngx_conf_t *cf, ngx_http_socketio_namespace_t *nsp)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (cf->args->nelts > 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": \"authenticate none\" "
                           "takes none", &value[2]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_auth_insecure(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    char           *rv;
    sio_str_t       token;
    ngx_str_t      *value;
    sio_compile_t  *c;

    value = cf->args->elts;

    if (cf->args->nelts != 3
        || ngx_strncmp(value[2].data, "user=", 5) != 0
        || value[2].len == 5)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate insecure\" must have one parameter "
                           "\"user=VALUE\", for example \"user=$auth.name\"");
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"authenticate insecure\" believes what clients say: "
                       "for demos and tests only");

    c = ngx_http_socketio_compile_begin(cf, SIO_SOURCE_CONNECT);
    if (c == NULL) {
        return NGX_CONF_ERROR;
    }

    token = sio_str(value[2].data + 5, value[2].len - 5);
    rv = ngx_http_socketio_compile_result(cf, c,
                                   sio_value_compile(c, &nsp->user, token));

    ngx_http_socketio_compile_end(cf);

    return rv;
}


/*
 * The value of an nginx variable, whatever sets it: a map, a proxy's header,
 * auth_request_set.  Those that a client fills as it likes are warned of;
 * a header is not, because proxies set them.
 */
static char *
ngx_http_socketio_auth_variable(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    size_t      i;
    sio_str_t   name;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (cf->args->nelts != 3 || value[2].len < 2 || value[2].data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate variable\" must have one parameter, "
                           "an nginx variable, for example \"$remote_user\"");
        return NGX_CONF_ERROR;
    }

    name = sio_str(value[2].data + 1, value[2].len - 1);

    for (i = 0; i < name.len; i++) {
        if (!((name.data[i] >= 'a' && name.data[i] <= 'z')
              || (name.data[i] >= 'A' && name.data[i] <= 'Z')
              || (name.data[i] >= '0' && name.data[i] <= '9')
              || name.data[i] == '_'))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not the name of an nginx variable",
                               &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_strncasecmp(value[2].data + 1, (u_char *) "arg_", 4) == 0
        || ngx_strncasecmp(value[2].data + 1, (u_char *) "cookie_", 7) == 0)
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"authenticate variable %V\" believes what clients "
                           "say: use a variable that they cannot set",
                           &value[2]);
    }

    if (ngx_http_socketio_capture(cf, name, 0, &nsp->variable) != SIO_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
