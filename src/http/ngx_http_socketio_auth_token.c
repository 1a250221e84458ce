/*
 * authenticate jwt and authenticate authjs: parameters, and the files they
 * name.  Both take tokens from the same places.
 */


#include "http/ngx_http_socketio_auth_module.h"
#include "backend/ngx_http_socketio_authjs.h"
#include "backend/ngx_http_socketio_jwt.h"
#include "http/ngx_http_socketio_compile.h"
#include "http/ngx_http_socketio_param.h"


#define NGX_HTTP_SOCKETIO_JWT_LEEWAY      5000       /* msec */
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
    uint64_t              leeway;      /* msec */
} ngx_http_socketio_token_conf_t;


/* A part of the handshake that a variable of nginx tells. */

typedef struct {
    ngx_str_t             name;        /* of from=, with the ":" */
    const char           *variable;    /* and what stands behind it */
    unsigned              bearer:1;    /* behind "Bearer " */
    unsigned              secret:1;    /* masked where requests are logged */
} ngx_http_socketio_token_place_t;


static ngx_int_t ngx_http_socketio_token_init(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf);
static char *ngx_http_socketio_token_file(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_token_jwks(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_token_strings(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_token_alg(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_token_from(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_token_captured(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    const ngx_http_socketio_token_place_t *place, ngx_str_t *name);
static char *ngx_http_socketio_token_payload(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf, ngx_str_t *value);
static char *ngx_http_socketio_token_user(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
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


/* Of signed tokens and of sessions of Auth.js. */

#define NGX_HTTP_SOCKETIO_TOKEN_PARAMS                                        \
    { ngx_string("from="),                                                    \
      ngx_http_socketio_token_from,                                           \
      0,                                                                      \
      "invalid \"from=%V\", it must be \"auth.NAME\", \"header\", "           \
      "\"cookie:NAME\" or \"arg:NAME\"",                                      \
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },                                      \
                                                                              \
    { ngx_string("user="),                                                    \
      ngx_http_socketio_token_user,                                           \
      0,                                                                      \
      "invalid \"user=%V\", it must be the name of a claim, as \"sub\" or "   \
      "\"profile.id\"",                                                       \
      0, 0 },                                                                 \
                                                                              \
    { ngx_string("leeway="),                                                  \
      ngx_http_socketio_param_msec,                                           \
      offsetof(ngx_http_socketio_token_conf_t, leeway),                       \
      "invalid \"leeway=%V\", it must be a time of at most an hour, "         \
      "as \"5s\"",                                                            \
      0, 3600000 }


static const ngx_http_socketio_param_t  ngx_http_socketio_jwt_params[] = {

    { ngx_string("key_file="),
      ngx_http_socketio_token_file,
      0,
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    { ngx_string("jwks_file="),
      ngx_http_socketio_token_jwks,
      0,
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    { ngx_string("alg="),
      ngx_http_socketio_token_alg,
      0,
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    { ngx_string("aud="),
      ngx_http_socketio_token_strings,
      offsetof(ngx_http_socketio_token_conf_t, aud),
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    { ngx_string("iss="),
      ngx_http_socketio_token_strings,
      offsetof(ngx_http_socketio_token_conf_t, iss),
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    NGX_HTTP_SOCKETIO_TOKEN_PARAMS,

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static const ngx_http_socketio_param_t  ngx_http_socketio_authjs_params[] = {

    { ngx_string("secret_file="),
      ngx_http_socketio_token_file,
      0,
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    { ngx_string("cookie="),
      ngx_http_socketio_token_strings,
      offsetof(ngx_http_socketio_token_conf_t, cookies),
      NULL,
      0, NGX_HTTP_SOCKETIO_PARAM_MANY },

    NGX_HTTP_SOCKETIO_TOKEN_PARAMS,

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static const ngx_http_socketio_token_place_t
    ngx_http_socketio_token_places[] =
{
    { ngx_string("cookie:"), "socketio_cookie_", 0, 0 },    /* Auth.js's */
    { ngx_string("header"), "http_authorization", 1, 0 },
    { ngx_string("arg:"), "arg_", 0, 1 },
    { ngx_null_string, NULL, 0, 0 }
};


/* What Auth.js calls its cookie, with https and without. */

static const sio_str_t  ngx_http_socketio_authjs_cookies[] = {
    sio_string("__Secure-authjs.session-token"),
    sio_string("authjs.session-token")
};


char *
ngx_http_socketio_auth_jwt(ngx_conf_t *cf, ngx_http_socketio_namespace_t *nsp)
{
    char                            *rv;
    ngx_str_t                        token = ngx_string("auth.token");
    ngx_pool_cleanup_t              *cln;
    ngx_http_socketio_jwt_conf_t    *jwt;
    ngx_http_socketio_token_conf_t   conf;

    if (ngx_http_socketio_token_init(cf, &conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_socketio_params(cf, 2, ngx_http_socketio_jwt_params, &conf,
                                  "invalid parameter \"%V\" of "
                                  "\"authenticate jwt\"");

    if (rv == NGX_CONF_OK && conf.files.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate jwt\" must have a parameter "
                           "\"key_file=FILE\" or \"jwks_file=FILE\"");
        return NGX_CONF_ERROR;
    }

    if (rv == NGX_CONF_OK && conf.sources.nelts == 0) {
        rv = ngx_http_socketio_token_payload(cf, &conf, &token);
    }

    if (rv != NGX_CONF_OK) {
        return rv;
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
    char                             *rv;
    sio_str_t                        *cookie;
    ngx_str_t                         name;
    ngx_uint_t                        i;
    ngx_pool_cleanup_t               *cln;
    ngx_http_socketio_token_conf_t    conf;
    ngx_http_socketio_authjs_conf_t  *authjs;

    if (ngx_http_socketio_token_init(cf, &conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    conf.leeway = NGX_HTTP_SOCKETIO_AUTHJS_LEEWAY;

    rv = ngx_http_socketio_params(cf, 2, ngx_http_socketio_authjs_params,
                                  &conf,
                                  "invalid parameter \"%V\" of "
                                  "\"authenticate authjs\"");
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (conf.files.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"authenticate authjs\" must have a parameter "
                           "\"secret_file=FILE\"");
        return NGX_CONF_ERROR;
    }

    if (conf.cookies.nelts == 0) {
        cookie = ngx_array_push_n(&conf.cookies, 2);
        if (cookie == NULL) {
            return NGX_CONF_ERROR;
        }

        cookie[0] = ngx_http_socketio_authjs_cookies[0];
        cookie[1] = ngx_http_socketio_authjs_cookies[1];
    }

    cookie = conf.cookies.elts;

    for (i = 0; i < conf.cookies.nelts; i++) {
        name.data = (u_char *) cookie[i].data;
        name.len = cookie[i].len;

        rv = ngx_http_socketio_token_captured(cf, &conf,
                                              ngx_http_socketio_token_places,
                                              &name);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    authjs = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_authjs_conf_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (authjs == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
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
ngx_http_socketio_token_init(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf)
{
    ngx_memzero(conf, sizeof(ngx_http_socketio_token_conf_t));
    conf->leeway = NGX_HTTP_SOCKETIO_JWT_LEEWAY;

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

    return NGX_OK;
}


static char *
ngx_http_socketio_token_file(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_token_conf_t *token = conf;

    ngx_http_socketio_keys_t  *keys;

    keys = ngx_array_push(&token->files);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(keys, sizeof(ngx_http_socketio_keys_t));
    keys->file.name = *value;

    return ngx_conf_full_name(cf->cycle, &keys->file.name, 1) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_socketio_token_jwks(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_token_conf_t *token = conf;

    char                      *rv;
    ngx_http_socketio_keys_t  *keys;

    rv = ngx_http_socketio_token_file(cf, param, value, conf);

    if (rv == NGX_CONF_OK) {
        keys = token->files.elts;
        keys[token->files.nelts - 1].jwks = 1;
    }

    return rv;
}


/* One more of several. */

static char *
ngx_http_socketio_token_strings(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    sio_str_t  *s;

    s = ngx_array_push((ngx_array_t *) ((char *) conf + param->offset));
    if (s == NULL) {
        return NGX_CONF_ERROR;
    }

    *s = sio_str(value->data, value->len);

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_token_alg(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_token_conf_t *token = conf;

    u_char    *p, names[256];
    uint32_t   alg;

    alg = ngx_http_socketio_alg(sio_str(value->data, value->len));

    if (alg == 0) {
        p = ngx_http_socketio_algs_names(names, names + sizeof(names),
                                         UINT32_MAX);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown algorithm \"alg=%V\", it must be one of "
                           "%*s", value, (size_t) (p - names), names);
        return NGX_CONF_ERROR;
    }

    token->algs |= alg;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_token_from(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_token_conf_t *token = conf;

    char                                   *rv;
    ngx_str_t                               name;
    ngx_http_socketio_token_source_t       *source;
    const ngx_http_socketio_token_place_t  *place;

    if (value->len > 5 && ngx_strncmp(value->data, "auth.", 5) == 0) {
        rv = ngx_http_socketio_token_payload(cf, conf, value);
        source = token->sources.elts;

        /* a part that is no name is no part of the value, but text behind */

        return rv == NGX_CONF_OK && source[token->sources.nelts - 1].value.text
               ? ngx_http_socketio_param_invalid(cf, param, value) : rv;
    }

    for (place = ngx_http_socketio_token_places; place->name.len; place++) {

        if (ngx_strncmp(value->data, place->name.data, place->name.len) != 0) {
            continue;
        }

        name.data = value->data + place->name.len;
        name.len = value->len - place->name.len;

        /* there is one header, and many of the others */

        if ((name.len == 0) == place->bearer) {
            return ngx_http_socketio_token_captured(cf, conf, place, &name);
        }
    }

    return ngx_http_socketio_param_invalid(cf, param, value);
}


/* nginx's variable of that name is taken at the handshake. */

static char *
ngx_http_socketio_token_captured(ngx_conf_t *cf,
    ngx_http_socketio_token_conf_t *conf,
    const ngx_http_socketio_token_place_t *place, ngx_str_t *name)
{
    u_char                            *p;
    size_t                             i;
    sio_str_t                          text;
    ngx_http_socketio_app_t           *app;
    ngx_http_socketio_variable_t      *variable;
    ngx_http_socketio_token_source_t  *source;

    for (i = 0; i < name->len; i++) {

        if (name->data[i] <= 0x20 || name->data[i] >= 0x7f
            || ngx_strchr("\"&,;=", name->data[i]))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is the name of no cookie and no "
                               "argument", name);
            return NGX_CONF_ERROR;
        }
    }

    source = ngx_array_push(&conf->sources);
    p = ngx_pnalloc(cf->pool, ngx_strlen(place->variable) + name->len);

    if (source == NULL || p == NULL) {
        return NGX_CONF_ERROR;
    }

    text = sio_str(p, ngx_sprintf(p, "%s%V", place->variable, name) - p);

    ngx_memzero(source, sizeof(ngx_http_socketio_token_source_t));
    source->captured = 1;
    source->bearer = place->bearer;

    if (ngx_http_socketio_capture(cf, text, 0, &source->index) != SIO_OK) {
        return NGX_CONF_ERROR;
    }

    if (place->secret) {
        app = ((ngx_http_socketio_conf_ctx_t *) cf->ctx)->app;
        variable = app->variables.elts;

        variable[source->index].secret = 1;
        app->secrets = 1;
    }

    return NGX_CONF_OK;
}


/* auth.PATH: $auth.PATH of rules. */

static char *
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
        return NGX_CONF_ERROR;
    }

    ngx_memzero(source, sizeof(ngx_http_socketio_token_source_t));

    p[0] = '$';
    ngx_memcpy(p + 1, value->data, value->len);

    rc = sio_value_compile(c, &source->value, sio_str(p, value->len + 1));
    ngx_http_socketio_compile_end(cf);

    return ngx_http_socketio_compile_result(cf, c, rc);
}


/* user=a.b: a member of a member of the claims. */

static char *
ngx_http_socketio_token_user(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_token_conf_t *token = conf;

    u_char           *p, *end, *dot;
    sio_json_step_t  *step;

    end = value->data + value->len;

    for (p = value->data; p <= end; p = dot + 1) {

        dot = ngx_strlchr(p, end, '.');
        if (dot == NULL) {
            dot = end;
        }

        if (dot == p) {
            return ngx_http_socketio_param_invalid(cf, param, value);
        }

        step = ngx_array_push(&token->user);
        if (step == NULL) {
            return NGX_CONF_ERROR;
        }

        step->type = SIO_JSON_MEMBER;
        step->name = sio_str(p, dot - p);
        step->index = 0;
    }

    return NGX_CONF_OK;
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
    policy->leeway = conf->leeway;
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
    file->text = 1;

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
