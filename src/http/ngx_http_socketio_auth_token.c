/*
 * authenticate jwt and authenticate authjs: parameters, and the files they
 * name.  Both take tokens from the same places.
 */


#include "http/ngx_http_socketio_auth_token.h"
#include "backend/ngx_http_socketio_authjs.h"
#include "backend/ngx_http_socketio_jwt.h"
#include "http/ngx_http_socketio_compile.h"


#define NGX_HTTP_SOCKETIO_JWT_LEEWAY      5000       /* msec */
#define NGX_HTTP_SOCKETIO_LEEWAY_MAX      3600000
#define NGX_HTTP_SOCKETIO_SECRET_MAX      65536      /* bytes */


/* What parameters say, in the order of the configuration. */

typedef struct {
    ngx_array_t           sources;     /* ngx_http_socketio_token_source_t */
    ngx_array_t           files;       /* ngx_http_socketio_keys_t, unread */
    ngx_array_t           cookies;     /* sio_str_t */
    ngx_array_t           aud;
    ngx_array_t           iss;
    ngx_array_t           user;        /* sio_json_step_t */
    uint32_t              algs;
    ngx_msec_t            leeway;
} ngx_http_socketio_token_conf_t;


typedef struct {
    ngx_str_t   name;                  /* with the "=" */
    ngx_int_t (*set)(ngx_conf_t *cf, ngx_http_socketio_token_conf_t *conf,
                     ngx_str_t *value);
} ngx_http_socketio_token_param_t;


static ngx_int_t ngx_http_socketio_token_params(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    const ngx_http_socketio_token_param_t *params);
static ngx_int_t ngx_http_socketio_token_key_file(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_jwks_file(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_cookie(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_alg(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_from(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_captured(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, const char *prefix, ngx_str_t *name,
    ngx_uint_t bearer);
static ngx_int_t ngx_http_socketio_token_arg(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *name);
static ngx_int_t ngx_http_socketio_token_payload(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_user(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_aud(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_iss(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static ngx_int_t ngx_http_socketio_token_leeway(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static void ngx_http_socketio_token_policy(
    ngx_http_socketio_token_conf_t *conf, sio_claims_policy_t *policy);
static ngx_int_t ngx_http_socketio_jwt_read(ngx_conf_t *cf,
    ngx_http_socketio_jwt_conf_t *jwt, uint32_t algs);
static void ngx_http_socketio_jwt_cleanup(void *data);
static ngx_int_t ngx_http_socketio_authjs_read(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    ngx_http_socketio_authjs_conf_t *authjs);
static ngx_int_t ngx_http_socketio_authjs_secret(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    ngx_http_socketio_authjs_conf_t *authjs, ngx_http_socketio_file_t *file);
static void ngx_http_socketio_authjs_cleanup(void *data);


static const ngx_http_socketio_token_param_t
    ngx_http_socketio_jwt_params[] =
{
    { ngx_string("key_file="), ngx_http_socketio_token_key_file },
    { ngx_string("jwks_file="), ngx_http_socketio_token_jwks_file },
    { ngx_string("alg="), ngx_http_socketio_token_alg },
    { ngx_string("from="), ngx_http_socketio_token_from },
    { ngx_string("user="), ngx_http_socketio_token_user },
    { ngx_string("aud="), ngx_http_socketio_token_aud },
    { ngx_string("iss="), ngx_http_socketio_token_iss },
    { ngx_string("leeway="), ngx_http_socketio_token_leeway },
    { ngx_null_string, NULL }
};


static const ngx_http_socketio_token_param_t
    ngx_http_socketio_authjs_params[] =
{
    { ngx_string("secret_file="), ngx_http_socketio_token_key_file },
    { ngx_string("cookie="), ngx_http_socketio_token_cookie },
    { ngx_string("from="), ngx_http_socketio_token_from },
    { ngx_string("user="), ngx_http_socketio_token_user },
    { ngx_string("leeway="), ngx_http_socketio_token_leeway },
    { ngx_null_string, NULL }
};


/* What Auth.js calls its cookie, with https and without. */

static ngx_str_t  ngx_http_socketio_authjs_cookies[] = {
    ngx_string("__Secure-authjs.session-token"),
    ngx_string("authjs.session-token")
};


char *
ngx_http_socketio_auth_jwt(ngx_conf_t *cf, ngx_http_socketio_namespace_t *nsp)
{
    ngx_str_t                        token = ngx_string("auth.token");
    ngx_pool_cleanup_t              *cln;
    ngx_http_socketio_jwt_conf_t    *jwt;
    ngx_http_socketio_token_conf_t   conf;

    if (ngx_http_socketio_token_params(cf, &conf,
                                       ngx_http_socketio_jwt_params)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf.files.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate jwt\" must have a parameter "
                           "\"key_file=FILE\" or \"jwks_file=FILE\"");
        return NGX_CONF_ERROR;
    }

    if (conf.sources.nelts == 0
        && ngx_http_socketio_token_from(cf, &conf, &token) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    jwt = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_jwt_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (jwt == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    jwt->sources = conf.sources;
    jwt->files = conf.files;
    ngx_http_socketio_token_policy(&conf, &jwt->policy);

    cln->handler = ngx_http_socketio_jwt_cleanup;
    cln->data = jwt;

    nsp->authenticator = &ngx_http_socketio_authenticator_jwt;
    nsp->authenticator_conf = jwt;

    return ngx_http_socketio_jwt_read(cf, jwt, conf.algs) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


char *
ngx_http_socketio_auth_authjs(ngx_conf_t *cf,
    ngx_http_socketio_namespace_t *nsp)
{
    sio_str_t                        *cookie;
    ngx_str_t                         name;
    ngx_uint_t                        i;
    ngx_pool_cleanup_t               *cln;
    ngx_http_socketio_token_conf_t    conf;
    ngx_http_socketio_authjs_conf_t  *authjs;

    if (ngx_http_socketio_token_params(cf, &conf,
                                       ngx_http_socketio_authjs_params)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf.files.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate authjs\" must have a parameter "
                           "\"secret_file=FILE\"");
        return NGX_CONF_ERROR;
    }

    if (conf.cookies.nelts == 0
        && (ngx_http_socketio_token_cookie(cf, &conf,
                                         &ngx_http_socketio_authjs_cookies[0])
            != NGX_OK
            || ngx_http_socketio_token_cookie(cf, &conf,
                                         &ngx_http_socketio_authjs_cookies[1])
               != NGX_OK))
    {
        return NGX_CONF_ERROR;
    }

    cookie = conf.cookies.elts;

    for (i = 0; i < conf.cookies.nelts; i++) {
        name.data = (u_char *) cookie[i].data;
        name.len = cookie[i].len;

        if (ngx_http_socketio_token_captured(cf, &conf, "socketio_cookie_",
                                             &name, 0)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    authjs = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_authjs_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (authjs == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    if (conf.leeway == NGX_CONF_UNSET_MSEC) {
        conf.leeway = NGX_HTTP_SOCKETIO_AUTHJS_LEEWAY;
    }

    authjs->sources = conf.sources;
    ngx_http_socketio_token_policy(&conf, &authjs->policy);

    cln->handler = ngx_http_socketio_authjs_cleanup;
    cln->data = authjs;

    nsp->authenticator = &ngx_http_socketio_authenticator_authjs;
    nsp->authenticator_conf = authjs;

    return ngx_http_socketio_authjs_read(cf, &conf, authjs) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_socketio_token_params(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    const ngx_http_socketio_token_param_t *params)
{
    ngx_str_t                               *arg, value;
    ngx_uint_t                               i;
    const ngx_http_socketio_token_param_t   *param;

    ngx_memzero(conf, sizeof(ngx_http_socketio_token_conf_t));
    conf->leeway = NGX_CONF_UNSET_MSEC;

    if (ngx_array_init(&conf->sources, cf->pool, 2,
                       sizeof(ngx_http_socketio_token_source_t))
        != NGX_OK
        || ngx_array_init(&conf->files, cf->pool, 2,
                          sizeof(ngx_http_socketio_keys_t))
           != NGX_OK
        || ngx_array_init(&conf->cookies, cf->pool, 2, sizeof(sio_str_t))
           != NGX_OK
        || ngx_array_init(&conf->aud, cf->pool, 2, sizeof(sio_str_t))
           != NGX_OK
        || ngx_array_init(&conf->iss, cf->pool, 2, sizeof(sio_str_t))
           != NGX_OK
        || ngx_array_init(&conf->user, cf->pool, 2, sizeof(sio_json_step_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    arg = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        for (param = params; param->name.len; param++) {
            if (arg[i].len > param->name.len
                && ngx_strncmp(arg[i].data, param->name.data, param->name.len)
                   == 0)
            {
                break;
            }
        }

        if (param->name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" of "
                               "\"authenticate %V\"", &arg[i], &arg[1]);
            return NGX_ERROR;
        }

        value.data = arg[i].data + param->name.len;
        value.len = arg[i].len - param->name.len;

        if (param->set(cf, conf, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_token_key_file(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    ngx_http_socketio_keys_t  *keys;

    keys = ngx_array_push(&conf->files);
    if (keys == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(keys, sizeof(ngx_http_socketio_keys_t));
    keys->file.name = *value;

    return ngx_conf_full_name(cf->cycle, &keys->file.name, 1);
}


static ngx_int_t
ngx_http_socketio_token_jwks_file(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    ngx_http_socketio_keys_t  *keys;

    if (ngx_http_socketio_token_key_file(cf, conf, value) != NGX_OK) {
        return NGX_ERROR;
    }

    keys = conf->files.elts;
    keys[conf->files.nelts - 1].jwks = 1;

    return NGX_OK;
}


/* One more of several: strings of the configuration. */

static ngx_int_t
ngx_http_socketio_token_push(ngx_array_t *strings, ngx_str_t *value)
{
    sio_str_t  *s;

    s = ngx_array_push(strings);
    if (s == NULL) {
        return NGX_ERROR;
    }

    *s = sio_str(value->data, value->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_token_cookie(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    return ngx_http_socketio_token_push(&conf->cookies, value);
}


static ngx_int_t
ngx_http_socketio_token_alg(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    u_char    *p, names[256];
    uint32_t   alg;

    alg = ngx_http_socketio_alg(sio_str(value->data, value->len));

    if (alg == 0) {
        p = ngx_http_socketio_algs_names(names, names + sizeof(names),
                                         UINT32_MAX);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown algorithm \"alg=%V\", it must be one of "
                           "%*s", value, (size_t) (p - names), names);
        return NGX_ERROR;
    }

    conf->algs |= alg;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_token_from(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    ngx_str_t  name;

    if (value->len > 5 && ngx_strncmp(value->data, "auth.", 5) == 0) {
        return ngx_http_socketio_token_payload(cf, conf, value);
    }

    if (value->len == 6 && ngx_strncmp(value->data, "header", 6) == 0) {
        ngx_str_set(&name, "http_authorization");
        return ngx_http_socketio_token_captured(cf, conf, "", &name, 1);
    }

    if (value->len > 7 && ngx_strncmp(value->data, "cookie:", 7) == 0) {
        name.data = value->data + 7;
        name.len = value->len - 7;
        return ngx_http_socketio_token_captured(cf, conf, "socketio_cookie_",
                                                &name, 0);
    }

    if (value->len > 4 && ngx_strncmp(value->data, "arg:", 4) == 0) {
        name.data = value->data + 4;
        name.len = value->len - 4;
        return ngx_http_socketio_token_arg(cf, conf, &name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"from=%V\", it must be \"auth.NAME\", "
                       "\"header\", \"cookie:NAME\" or \"arg:NAME\"", value);

    return NGX_ERROR;
}


/* nginx's variable of that name is taken at the handshake. */

static ngx_int_t
ngx_http_socketio_token_captured(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, const char *prefix, ngx_str_t *name,
    ngx_uint_t bearer)
{
    u_char                            *p;
    sio_str_t                          variable;
    ngx_http_socketio_token_source_t  *source;

    source = ngx_array_push(&conf->sources);
    p = ngx_pnalloc(cf->pool, ngx_strlen(prefix) + name->len);

    if (source == NULL || p == NULL) {
        return NGX_ERROR;
    }

    variable.data = p;
    variable.len = ngx_sprintf(p, "%s%V", prefix, name) - p;

    ngx_memzero(source, sizeof(ngx_http_socketio_token_source_t));
    source->captured = 1;
    source->bearer = bearer;

    return ngx_http_socketio_capture(cf, variable, 0, &source->index) == SIO_OK
           ? NGX_OK : NGX_ERROR;
}


/* Its value is masked where the request is logged. */

static ngx_int_t
ngx_http_socketio_token_arg(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *name)
{
    ngx_http_socketio_conf_ctx_t      *ctx;
    ngx_http_socketio_variable_t      *variable;
    ngx_http_socketio_token_source_t  *source;

    if (ngx_http_socketio_token_captured(cf, conf, "arg_", name, 0)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx = cf->ctx;
    source = conf->sources.elts;
    variable = ctx->app->variables.elts;

    variable[source[conf->sources.nelts - 1].index].secret = 1;
    ctx->app->secrets = 1;

    return NGX_OK;
}


/* auth.PATH: $auth.PATH of rules. */

static ngx_int_t
ngx_http_socketio_token_payload(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    int                                rc;
    u_char                            *p;
    sio_compile_t                     *c;
    ngx_http_socketio_token_source_t  *source;

    source = ngx_array_push(&conf->sources);
    c = ngx_http_socketio_compile_begin(cf, SIO_SOURCE_CONNECT);
    p = ngx_pnalloc(cf->pool, value->len + 1);

    if (source == NULL || c == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(source, sizeof(ngx_http_socketio_token_source_t));

    p[0] = '$';
    ngx_memcpy(p + 1, value->data, value->len);

    rc = sio_value_compile(c, &source->value, sio_str(p, value->len + 1));
    ngx_http_socketio_compile_end(cf);

    return ngx_http_socketio_compile_result(cf, c, rc) == NGX_CONF_OK
           ? NGX_OK : NGX_ERROR;
}


/* user=a.b: a member of a member of the claims. */

static ngx_int_t
ngx_http_socketio_token_user(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    u_char           *p, *end, *dot;
    sio_json_step_t  *step;

    if (conf->user.nelts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate \"user=\"");
        return NGX_ERROR;
    }

    end = value->data + value->len;

    for (p = value->data; p <= end; p = dot + 1) {

        dot = ngx_strlchr(p, end, '.');
        if (dot == NULL) {
            dot = end;
        }

        step = ngx_array_push(&conf->user);
        if (step == NULL) {
            return NGX_ERROR;
        }

        if (dot == p) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"user=%V\", it must be the name of a "
                               "claim, as \"sub\" or \"profile.id\"", value);
            return NGX_ERROR;
        }

        step->type = SIO_JSON_MEMBER;
        step->name = sio_str(p, dot - p);
        step->index = 0;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_token_aud(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    return ngx_http_socketio_token_push(&conf->aud, value);
}


static ngx_int_t
ngx_http_socketio_token_iss(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    return ngx_http_socketio_token_push(&conf->iss, value);
}


static ngx_int_t
ngx_http_socketio_token_leeway(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value)
{
    ngx_int_t  msec;

    msec = ngx_parse_time(value, 0);

    if (msec == NGX_ERROR || msec > NGX_HTTP_SOCKETIO_LEEWAY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"leeway=%V\", it must be a time of at "
                           "most an hour, as \"5s\"", value);
        return NGX_ERROR;
    }

    conf->leeway = (ngx_msec_t) msec;

    return NGX_OK;
}


static void
ngx_http_socketio_token_policy(ngx_http_socketio_token_conf_t *conf,
    sio_claims_policy_t *policy)
{
    static const sio_json_step_t  sub = {
        SIO_JSON_MEMBER, sio_string("sub"), 0
    };

    policy->user = conf->user.nelts ? conf->user.elts : &sub;
    policy->nuser = conf->user.nelts ? conf->user.nelts : 1;
    policy->aud = conf->aud.elts;
    policy->naud = conf->aud.nelts;
    policy->iss = conf->iss.elts;
    policy->niss = conf->iss.nelts;
    policy->leeway = conf->leeway == NGX_CONF_UNSET_MSEC
                     ? NGX_HTTP_SOCKETIO_JWT_LEEWAY : conf->leeway;
}


static ngx_int_t
ngx_http_socketio_jwt_read(ngx_conf_t *cf, ngx_http_socketio_jwt_conf_t *jwt,
    uint32_t algs)
{
    ngx_uint_t                 i;
    ngx_http_socketio_keys_t  *keys;

    keys = jwt->files.elts;

    for (i = 0; i < jwt->files.nelts; i++) {
        keys[i].allowed = algs;

        if (ngx_http_socketio_keys_read(&keys[i], cf->log) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, keys[i].file.err,
                               "%s \"%V\"", keys[i].error,
                               &keys[i].file.name);
            return NGX_ERROR;
        }

        if (keys[i].warning) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s \"%V\"",
                               keys[i].warning, &keys[i].file.name);
        }
    }

    return NGX_OK;
}


static void
ngx_http_socketio_jwt_cleanup(void *data)
{
    ngx_http_socketio_jwt_conf_t *jwt = data;

    ngx_uint_t                 i;
    ngx_http_socketio_keys_t  *keys;

    keys = jwt->files.elts;

    for (i = 0; i < jwt->files.nelts; i++) {
        ngx_http_socketio_keys_free(&keys[i]);
    }
}


static ngx_int_t
ngx_http_socketio_authjs_read(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    ngx_http_socketio_authjs_conf_t *authjs)
{
    ngx_uint_t                 i;
    ngx_http_socketio_keys_t  *keys;

    /* as many as there will be: what grew would leave keys behind */

    if (ngx_array_init(&authjs->keys, cf->pool,
                       conf->files.nelts * conf->cookies.nelts * 2,
                       sizeof(ngx_http_socketio_authjs_key_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    keys = conf->files.elts;

    for (i = 0; i < conf->files.nelts; i++) {
        if (ngx_http_socketio_authjs_secret(cf, conf, authjs, &keys[i].file)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_authjs_secret(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    ngx_http_socketio_authjs_conf_t *authjs, ngx_http_socketio_file_t *file)
{
    size_t      len;
    sio_str_t  *cookie;
    ngx_int_t   rc;
    ngx_uint_t  i;

    file->max = NGX_HTTP_SOCKETIO_SECRET_MAX;

    if (ngx_http_socketio_file_read(file, cf->log) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file->err, "%s \"%V\"",
                           file->error, &file->name);
        return NGX_ERROR;
    }

    len = ngx_http_socketio_file_line(file);
    cookie = conf->cookies.elts;
    rc = len ? NGX_OK : NGX_ERROR;

    if (len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no secret in \"%V\"",
                           &file->name);
    }

    if (rc == NGX_OK && (len < NGX_HTTP_SOCKETIO_SECRET_MIN || file->open)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           len < NGX_HTTP_SOCKETIO_SECRET_MIN
                           ? "a secret shorter than 32 bytes can be guessed: "
                             "\"%V\""
                           : "everybody may read the secret in \"%V\"",
                           &file->name);
    }

    for (i = 0; rc == NGX_OK && i < conf->cookies.nelts; i++) {
        rc = ngx_http_socketio_authjs_keys_add(authjs,
                                               sio_str(file->data, len),
                                               cookie[i]);
    }

    ngx_http_socketio_file_free(file);

    return rc;
}


static void
ngx_http_socketio_authjs_cleanup(void *data)
{
    ngx_http_socketio_authjs_conf_t *authjs = data;

    if (authjs->keys.elts) {
        ngx_explicit_memzero(authjs->keys.elts,
                             authjs->keys.nalloc * authjs->keys.size);
    }
}
