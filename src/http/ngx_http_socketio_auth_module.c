/*
 * authenticate, of a namespace: who the user of a socket is.
 *
 * Each kind is a row of a table, whose function reads the parameters and gives
 * the namespace its authenticator.  Those that need no library are here.
 */


#include "http/ngx_http_socketio_auth_module.h"
#include "http/ngx_http_socketio_compile.h"


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
    ngx_str_t    name;
    char      *(*parse)(ngx_conf_t *cf, ngx_http_socketio_namespace_t *nsp);
} ngx_http_socketio_auth_kind_t;

static const ngx_http_socketio_auth_kind_t  ngx_http_socketio_auth_kinds[] = {
    { ngx_string("none"), ngx_http_socketio_auth_none },
    { ngx_string("jwt"), ngx_http_socketio_auth_jwt },
    { ngx_string("authjs"), ngx_http_socketio_auth_authjs },
    { ngx_string("request"), ngx_http_socketio_auth_ask },
    { ngx_string("variable"), ngx_http_socketio_auth_variable },
    { ngx_string("insecure"), ngx_http_socketio_auth_insecure },
    { ngx_null_string, NULL }
};


static ngx_command_t  ngx_http_socketio_auth_commands[] = {

    { ngx_string("authenticate"),
      NGX_SOCKETIO_NAMESPACE_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_authenticate,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_auth_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_auth_commands,
    .type = NGX_SOCKETIO_MODULE
};


static char *
ngx_http_socketio_authenticate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                               *p, names[256];
    ngx_str_t                            *value;
    ngx_http_socketio_conf_ctx_t         *ctx;
    const ngx_http_socketio_auth_kind_t  *kind;

    ctx = cf->ctx;
    value = cf->args->elts;

    if (ctx->nsp->authenticator) {
        return "is duplicate";
    }

    p = names;

    for (kind = ngx_http_socketio_auth_kinds; kind->name.len; kind++) {

        if (value[1].len == kind->name.len
            && ngx_strncmp(value[1].data, kind->name.data, kind->name.len)
               == 0)
        {
            return kind->parse(cf, ctx->nsp);
        }

        p = ngx_slprintf(p, names + sizeof(names), "%s\"%V\"",
                         p == names ? "" : ", ", &kind->name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown authentication \"%V\", it must be one of %*s",
                       &value[1], (size_t) (p - names), names);

    return NGX_CONF_ERROR;
}


char *
ngx_http_socketio_auth_check(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    sio_map_node_t    *node;
    const sio_rule_t  *rule;

    if (nsp->authenticator == NULL || !nsp->authenticator->token) {
        return NGX_CONF_OK;
    }

    node = sio_map_find(&nsp->events.exact,
                        sio_cstr(NGX_HTTP_SOCKETIO_AUTH_REFRESH));
    if (node == NULL) {
        return NGX_CONF_OK;
    }

    rule = sio_map_data(node, sio_rule_t, node);

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"" NGX_HTTP_SOCKETIO_AUTH_REFRESH "\" prolongs what "
                  "\"authenticate %s\" found, no rule takes it in %s:%ui",
                  nsp->authenticator->name, rule->file,
                  (ngx_uint_t) rule->line);

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

    nsp->authenticator = &ngx_http_socketio_authenticator_none;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_auth_insecure(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    char           *rv;
    sio_str_t       token;
    sio_value_t    *user;
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
    user = ngx_palloc(cf->pool, sizeof(sio_value_t));

    if (c == NULL || user == NULL) {
        return NGX_CONF_ERROR;
    }

    nsp->authenticator = &ngx_http_socketio_authenticator_insecure;
    nsp->authenticator_conf = user;

    token = sio_str(value[2].data + 5, value[2].len - 5);
    rv = ngx_http_socketio_compile_result(cf, c,
                                   sio_value_compile(c, user, token));

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
    unsigned   *variable;
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

    variable = ngx_palloc(cf->pool, sizeof(unsigned));

    if (variable == NULL
        || ngx_http_socketio_capture(cf, name, 0, variable) != SIO_OK)
    {
        return NGX_CONF_ERROR;
    }

    nsp->authenticator = &ngx_http_socketio_authenticator_variable;
    nsp->authenticator_conf = variable;

    return NGX_CONF_OK;
}
