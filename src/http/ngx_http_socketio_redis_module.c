/*
 * The directive of other hosts.
 *
 *     redis HOST:PORT|unix:PATH|redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]
 *           [db=N] [user=NAME] [password_file=FILE] [prefix=socket.io]
 *           [adapter=classic|sharded|streams]
 *           [subscription_mode=dynamic|static|dynamic-private]
 *           [stream=socket.io] [maxlen=10000]
 *           [heartbeat=TIME]
 *
 * Names are resolved when the configuration is read, as in an upstream: a
 * worker never waits for the resolver.  Several addresses are tried in turn.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_param.h"
#include "hub/ngx_http_socketio_hosts.h"

#if (NGX_HTTP_SOCKETIO_REDIS)
#include "backend/ngx_http_socketio_redis_adapter.h"
#include "backend/ngx_http_socketio_redis_mail.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#endif


#define NGX_HTTP_SOCKETIO_REDIS_PORT      6379
#define NGX_HTTP_SOCKETIO_REDIS_PASSWORD  4096   /* bytes of a password */


static char *ngx_http_socketio_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_socketio_redis_init_process(ngx_cycle_t *cycle);

#if (NGX_HTTP_SOCKETIO_REDIS)
static char *ngx_http_socketio_redis_check(ngx_conf_t *cf,
    const ngx_http_socketio_redis_conf_t *rcf,
    const ngx_http_socketio_redis_conf_t *url);
static char *ngx_http_socketio_redis_server(ngx_conf_t *cf,
    ngx_http_socketio_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_socketio_redis_url(ngx_conf_t *cf,
    ngx_http_socketio_redis_conf_t *rcf, ngx_str_t *host);
static char *ngx_http_socketio_redis_password(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_redis_adapter(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_redis_subscription(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_redis_stream(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_redis_maxlen(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_redis_tls(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
#endif


static ngx_command_t  ngx_http_socketio_redis_commands[] = {

    { ngx_string("redis"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_redis,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_redis_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_redis_commands,
    .type = NGX_SOCKETIO_MODULE,
    .init_process = ngx_http_socketio_redis_init_process
};


#if (NGX_HTTP_SOCKETIO_REDIS)


static const ngx_http_socketio_param_t  ngx_http_socketio_redis_params[] = {

    /* the first one: addresses have it, too */

    { ngx_string("db="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_redis_conf_t, db),
      "invalid database \"%V\" of redis, it is a number",
      0, NGX_MAX_INT_T_VALUE },

    { ngx_string("user="),
      ngx_http_socketio_param_str,
      offsetof(ngx_http_socketio_redis_conf_t, user),
      NULL,
      0, 0 },

    { ngx_string("password_file="),
      ngx_http_socketio_redis_password,
      0,
      NULL,
      0, 0 },

    { ngx_string("prefix="),
      ngx_http_socketio_param_str,
      offsetof(ngx_http_socketio_redis_conf_t, prefix),
      NULL,
      0, 0 },

    { ngx_string("adapter="),
      ngx_http_socketio_redis_adapter,
      0,
      "invalid adapter \"%V\" of redis, it is \"classic\", \"sharded\" or "
      "\"streams\"",
      0, 0 },

    { ngx_string("subscription_mode="),
      ngx_http_socketio_redis_subscription,
      0,
      "invalid subscription_mode \"%V\" of redis, it is \"dynamic\", "
      "\"static\" or \"dynamic-private\"",
      0, 0 },

    { ngx_string("stream="),
      ngx_http_socketio_redis_stream,
      0,
      NULL,
      0, 0 },

    { ngx_string("maxlen="),
      ngx_http_socketio_redis_maxlen,
      0,
      "invalid maxlen \"%V\" of redis, it is the number of entries that a "
      "stream keeps",
      0, 0 },

    { ngx_string("heartbeat="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_redis_conf_t, heartbeat),
      "invalid heartbeat \"%V\" of redis, it is a time of 100ms to 10m",
      SIO_HOSTS_BEAT_MIN, SIO_HOSTS_BEAT_MAX },

    { ngx_string("tls="),
      ngx_http_socketio_redis_tls,
      0,
      NULL,
      0, 0 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


/* The workers' hubs are there: the main module stands before this one. */

static ngx_int_t
ngx_http_socketio_redis_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                  i;
    const ngx_array_t          *apps;
    ngx_http_socketio_app_t   **app;

    apps = ngx_http_socketio_apps(cycle);
    app = apps->elts;

    for (i = 0; i < apps->nelts; i++) {

        if (app[i]->redis == NULL || app[i]->hub == NULL) {
            continue;
        }

        if (ngx_http_socketio_redis_adapter_init(app[i]->hub, app[i]->redis)
            != NGX_OK
            || ngx_http_socketio_redis_mail_init(app[i]->hub, app[i]->redis)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static char *
ngx_http_socketio_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                            *rv;
    ngx_str_t                       *value;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_redis_conf_t  *rcf, url;

    app = ((ngx_http_socketio_conf_ctx_t *) cf->ctx)->app;
    value = cf->args->elts;

    if (app->redis) {
        return "is duplicate";
    }

    rcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_redis_conf_t));
    if (rcf == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&rcf->prefix, "socket.io");
    ngx_str_set(&rcf->stream, "socket.io");
    ngx_str_set(&rcf->maxlen, "10000");
    rcf->heartbeat = NGX_HTTP_SOCKETIO_HOSTS_BEAT;
    rcf->dialect = &ngx_http_socketio_classic;

    rv = ngx_http_socketio_redis_server(cf, rcf, &value[1]);
    url = *rcf;

    if (rv == NGX_CONF_OK) {
        rv = ngx_http_socketio_params(cf, 2, ngx_http_socketio_redis_params,
                                      rcf,
                                      "invalid parameter \"%V\" of \"redis\", "
                                      "it has db=, user=, password_file=, "
                                      "prefix=, adapter=, "
                                      "subscription_mode=, stream=, maxlen= "
                                      "and heartbeat=");
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_socketio_redis_check(cf, rcf, &url) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    /* rooms have no channels there */

    if (rcf->dialect == &ngx_http_socketio_streams) {
        rcf->subscription = NGX_HTTP_SOCKETIO_SUBSCRIPTION_STATIC;
    }

    app->redis = rcf;

    return NGX_CONF_OK;
}


/* What parameters say together.  url: what the address alone said. */

static char *
ngx_http_socketio_redis_check(ngx_conf_t *cf,
    const ngx_http_socketio_redis_conf_t *rcf,
    const ngx_http_socketio_redis_conf_t *url)
{
    if ((url->placed && url->db != rcf->db)
        || (url->user.len && url->user.data != rcf->user.data)
        || (url->password.len && url->password.data != rcf->password.data))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"db=\", \"user=\" or \"password_file=\" of "
                           "\"redis\" is in its address, too");
        return NGX_CONF_ERROR;
    }

    if (rcf->user.len && rcf->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"redis\" has \"user\" and no password: "
                           "\"password_file=FILE\" is missing");
        return NGX_CONF_ERROR;
    }

    if (rcf->subscribes && rcf->dialect != &ngx_http_socketio_sharded) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"subscription_mode\" of \"redis\" needs "
                           "\"adapter=sharded\"");
        return NGX_CONF_ERROR;
    }

    if (rcf->streams && rcf->dialect != &ngx_http_socketio_streams) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"stream\" and \"maxlen\" of \"redis\" need "
                           "\"adapter=streams\"");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_redis_server(ngx_conf_t *cf,
    ngx_http_socketio_redis_conf_t *rcf, ngx_str_t *value)
{
    char       *rv;
    ngx_url_t   u;
    ngx_str_t   host;

    host = *value;

    if (ngx_strncmp(host.data, "rediss://", 9) == 0) {
        return "cannot use TLS: it needs hiredis 1.0, and this is built with "
               "an older one";
    }

    if (ngx_strncmp(host.data, "redis://", 8) == 0) {
        rv = ngx_http_socketio_redis_url(cf, rcf, &host);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = host;
    u.default_port = NGX_HTTP_SOCKETIO_REDIS_PORT;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in the address of redis \"%V\"",
                           u.err ? u.err : "something is wrong", &host);
        return NGX_CONF_ERROR;
    }

    rcf->name = u.url;
    rcf->addrs = u.addrs;
    rcf->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


/* redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]; *host becomes HOST:PORT. */

static char *
ngx_http_socketio_redis_url(ngx_conf_t *cf,
    ngx_http_socketio_redis_conf_t *rcf, ngx_str_t *host)
{
    u_char     *p, *last, *at, *colon;
    ngx_str_t   db;

    p = host->data + 8;
    last = host->data + host->len;

    for (at = last; at > p && at[-1] != '@'; at--) { /* void */ }

    if (at > p) {
        colon = ngx_strlchr(p, at - 1, ':');

        if (colon == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "no \":\" before the password in "
                               "\"redis://...\"");
            return NGX_CONF_ERROR;
        }

        /* the command takes terminated strings, the configuration has them */

        *colon = '\0';
        at[-1] = '\0';

        rcf->user.data = p;
        rcf->user.len = colon - p;
        rcf->password.data = colon + 1;
        rcf->password.len = at - 1 - (colon + 1);

        p = at;
    }

    host->data = p;
    host->len = last - p;

    p = ngx_strlchr(p, last, '/');

    if (p == NULL) {
        return NGX_CONF_OK;
    }

    host->len = p - host->data;

    db.data = p + 1;
    db.len = last - db.data;
    rcf->placed = (db.len != 0);

    return db.len ? ngx_http_socketio_param_num(cf,
                                            ngx_http_socketio_redis_params,
                                            &db, rcf)
                  : NGX_CONF_OK;
}


static char *
ngx_http_socketio_redis_stream(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_redis_conf_t *rcf = conf;

    rcf->stream = *value;
    rcf->streams = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_redis_maxlen(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_redis_conf_t *rcf = conf;

    rcf->maxlen = *value;
    rcf->streams = 1;

    return ngx_atoi(value->data, value->len) < 1
           ? ngx_http_socketio_param_invalid(cf, param, value) : NGX_CONF_OK;
}


static char *
ngx_http_socketio_redis_tls(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    return "cannot use TLS: it needs hiredis 1.0, and this is built with an "
           "older one";
}


static char *
ngx_http_socketio_redis_adapter(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_redis_conf_t *rcf = conf;

    ngx_uint_t  i;

    static const ngx_http_socketio_dialect_t *const  dialects[] = {
        &ngx_http_socketio_classic,
        &ngx_http_socketio_sharded,
        &ngx_http_socketio_streams
    };

    for (i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
        if (ngx_strcmp(value->data, dialects[i]->name) == 0) {
            rcf->dialect = dialects[i];
            return NGX_CONF_OK;
        }
    }

    return ngx_http_socketio_param_invalid(cf, param, value);
}


static char *
ngx_http_socketio_redis_subscription(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_redis_conf_t *rcf = conf;

    ngx_uint_t  i;

    static const char *const  modes[] = {
        [NGX_HTTP_SOCKETIO_SUBSCRIPTION_DYNAMIC] = "dynamic",
        [NGX_HTTP_SOCKETIO_SUBSCRIPTION_STATIC] = "static",
        [NGX_HTTP_SOCKETIO_SUBSCRIPTION_PRIVATE] = "dynamic-private"
    };

    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (ngx_strcmp(value->data, modes[i]) == 0) {
            rcf->subscription = (ngx_http_socketio_subscription_e) i;
            rcf->subscribes = 1;
            return NGX_CONF_OK;
        }
    }

    return ngx_http_socketio_param_invalid(cf, param, value);
}


/* The first line of the file, without its end. */

static char *
ngx_http_socketio_redis_password(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_redis_conf_t *rcf = conf;

    ngx_str_t  text;

    if (ngx_http_socketio_param_file(cf, value,
                                     NGX_HTTP_SOCKETIO_REDIS_PASSWORD, &text)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rcf->password.data = text.data;
    rcf->password.len = strcspn((char *) text.data, "\r\n");

    if (rcf->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password in the first line of \"%V\"", value);
        return NGX_CONF_ERROR;
    }

    text.data[rcf->password.len] = '\0';

    return NGX_CONF_OK;
}


#else


static ngx_int_t
ngx_http_socketio_redis_init_process(ngx_cycle_t *cycle)
{
    return NGX_OK;
}


static char *
ngx_http_socketio_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return "is not in this build: the hiredis library was missing";
}


#endif
