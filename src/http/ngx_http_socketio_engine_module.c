/*
 * The Engine.IO directives of a location, and the handler that serves it.
 *
 * Each answer of such a location has the CORS headers, whoever made it: a 413
 * or a 403 of nginx's own that a browser's script is not allowed to see
 * would be no answer.  So a header filter adds them.
 */


#include "http/ngx_http_socketio_engine.h"
#include "http/ngx_http_socketio_module.h"
#include "transport/ngx_http_socketio_cors.h"
#include "transport/ngx_http_socketio_handshake.h"


#define NGX_HTTP_SOCKETIO_POLLING        0x0002
#define NGX_HTTP_SOCKETIO_WEBSOCKET      0x0004

#define NGX_HTTP_SOCKETIO_PAYLOAD_MAX    (32 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_BUFFER_MAX     (1024 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_MSEC_MAX       (24 * 3600 * 1000)


typedef struct {
    ngx_http_socketio_engine_t   engine;     /* what the transports see */
    ngx_uint_t                   transports;
    ngx_msec_t                   ping_interval;
    ngx_msec_t                   ping_timeout;
    ngx_msec_t                   upgrade_timeout;
    ngx_msec_t                   connect_timeout;
    size_t                       max_payload;
    ngx_int_t                    max_packets;
    size_t                       buffer;
    ngx_flag_t                   any_origin;
    ngx_flag_t                   null_origin;
    ngx_flag_t                   dry_run;
} ngx_http_socketio_engine_conf_t;


/* What a value may be: 1 to max. */

typedef struct {
    ngx_conf_post_handler_pt     post_handler;   /* first, as nginx has it */
    uint64_t                     max;
    char                        *error;
} ngx_http_socketio_engine_bounds_t;


static ngx_int_t ngx_http_socketio_engine_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_engine_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_engine_init(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_socketio_engine_process(ngx_cycle_t *cycle);
static void *ngx_http_socketio_engine_create_conf(ngx_conf_t *cf);
static char *ngx_http_socketio_engine_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_socketio_engine_options(
    ngx_http_socketio_engine_conf_t *conf);
static char *ngx_http_socketio_engine_bound(
    ngx_http_socketio_engine_bounds_t *bounds, uint64_t value);
static char *ngx_http_socketio_engine_time(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_socketio_engine_size(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_socketio_engine_count(ngx_conf_t *cf, void *post,
    void *data);
static char *ngx_http_socketio_engine(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_engine_transports_set(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_socketio_engine_origin(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_uint_t ngx_http_socketio_engine_origin_known(
    const ngx_http_socketio_engine_conf_t *ecf, ngx_str_t *name);
static ngx_uint_t ngx_http_socketio_engine_origin_valid(ngx_str_t *name);
static char *ngx_http_socketio_engine_origin_regex(ngx_conf_t *cf,
    ngx_http_socketio_origin_t *origin);
static char *ngx_http_socketio_engine_cookie(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_http_socketio_engine_bounds_t  ngx_http_socketio_engine_times = {
    ngx_http_socketio_engine_time,
    NGX_HTTP_SOCKETIO_MSEC_MAX,
    "must be between 1ms and 1d"
};


static ngx_http_socketio_engine_bounds_t  ngx_http_socketio_engine_payloads = {
    ngx_http_socketio_engine_size,
    NGX_HTTP_SOCKETIO_PAYLOAD_MAX,
    "must be between 1 and 32m"
};


static ngx_http_socketio_engine_bounds_t  ngx_http_socketio_engine_buffers = {
    ngx_http_socketio_engine_size,
    NGX_HTTP_SOCKETIO_BUFFER_MAX,
    "must be between 1 and 1g"
};


static ngx_http_socketio_engine_bounds_t  ngx_http_socketio_engine_packets = {
    ngx_http_socketio_engine_count,
    NGX_MAX_INT32_VALUE,
    "must be between 1 and 2147483647"
};


static ngx_conf_bitmask_t  ngx_http_socketio_engine_transports[] = {
    { ngx_string("polling"), NGX_HTTP_SOCKETIO_POLLING },
    { ngx_string("websocket"), NGX_HTTP_SOCKETIO_WEBSOCKET },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_socketio_engine_commands[] = {

    { ngx_string("socketio"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_engine,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

#if (NGX_HTTP_SOCKETIO_DEBUG)

    { ngx_string("engineio_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_engine,
      NGX_HTTP_LOC_CONF_OFFSET,
      1,
      NULL },

#endif

    { ngx_string("socketio_transports"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE12,
      ngx_http_socketio_engine_transports_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, transports),
      &ngx_http_socketio_engine_transports },

    { ngx_string("socketio_ping_interval"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, ping_interval),
      &ngx_http_socketio_engine_times },

    { ngx_string("socketio_ping_timeout"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, ping_timeout),
      &ngx_http_socketio_engine_times },

    { ngx_string("socketio_upgrade_timeout"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, upgrade_timeout),
      &ngx_http_socketio_engine_times },

    { ngx_string("socketio_connect_timeout"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, connect_timeout),
      &ngx_http_socketio_engine_times },

    { ngx_string("socketio_max_payload"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, max_payload),
      &ngx_http_socketio_engine_payloads },

    { ngx_string("socketio_max_packets"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, max_packets),
      &ngx_http_socketio_engine_packets },

    { ngx_string("socketio_origin"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_engine_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("socketio_cookie"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_engine_cookie,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("socketio_buffer"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, buffer),
      &ngx_http_socketio_engine_buffers },

    { ngx_string("socketio_dry_run"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_engine_conf_t, dry_run),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_engine_module_ctx = {
    .preconfiguration = ngx_http_socketio_variables_add,
    .create_loc_conf = ngx_http_socketio_engine_create_conf,
    .merge_loc_conf = ngx_http_socketio_engine_merge_conf
};


ngx_module_t  ngx_http_socketio_engine_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_engine_module_ctx,
    .commands = ngx_http_socketio_engine_commands,
    .type = NGX_HTTP_MODULE,
    .init_module = ngx_http_socketio_engine_init,
    .init_process = ngx_http_socketio_engine_process
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_http_socketio_engine_handler(ngx_http_request_t *r)
{
    ngx_http_socketio_engine_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_engine_module);

    if (r != r->main || conf->engine.app == NULL) {
        return NGX_HTTP_NOT_FOUND;
    }

    return ngx_http_socketio_handshake(r, &conf->engine);
}


static ngx_int_t
ngx_http_socketio_engine_filter(ngx_http_request_t *r)
{
    ngx_http_socketio_engine_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_engine_module);

    if (r == r->main && conf->engine.app
        && r->headers_out.status != NGX_HTTP_SWITCHING_PROTOCOLS
        && ngx_http_socketio_cors_filter(r, &conf->engine) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_socketio_engine_init(ngx_cycle_t *cycle)
{
    ngx_http_socketio_transport_init(ngx_http_socketio_engine_module.ctx_index);

    return NGX_OK;
}


/*
 * The filter is put in front here, and not while the configuration is read:
 * this module comes before nginx's filters when it is linked in statically,
 * and their chain begins with the last of them.  And not in the master: it
 * begins the chain anew with each configuration, also with one that fails.
 */

static ngx_int_t
ngx_http_socketio_engine_process(ngx_cycle_t *cycle)
{
    if (ngx_http_top_header_filter
        && ngx_http_top_header_filter != ngx_http_socketio_engine_filter)
    {
        ngx_http_next_header_filter = ngx_http_top_header_filter;
        ngx_http_top_header_filter = ngx_http_socketio_engine_filter;
    }

    return NGX_OK;
}


static void *
ngx_http_socketio_engine_create_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_engine_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_engine_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->engine.app = NULL;
     *     conf->engine.options = { 0 };
     *     conf->engine.echo = 0;
     *     conf->transports = 0;
     */

    conf->engine.origins = NGX_CONF_UNSET_PTR;
    conf->engine.cookie.data = NGX_CONF_UNSET_PTR;

    conf->ping_interval = NGX_CONF_UNSET_MSEC;
    conf->ping_timeout = NGX_CONF_UNSET_MSEC;
    conf->upgrade_timeout = NGX_CONF_UNSET_MSEC;
    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->max_payload = NGX_CONF_UNSET_SIZE;
    conf->max_packets = NGX_CONF_UNSET;
    conf->buffer = NGX_CONF_UNSET_SIZE;
    conf->any_origin = NGX_CONF_UNSET;
    conf->null_origin = NGX_CONF_UNSET;
    conf->dry_run = NGX_CONF_UNSET;

    return conf;
}


static char *
ngx_http_socketio_engine_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_socketio_engine_conf_t *prev = parent;
    ngx_http_socketio_engine_conf_t *conf = child;

    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_socketio_deflate_t  *deflate;

    ngx_conf_merge_bitmask_value(conf->transports, prev->transports,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_HTTP_SOCKETIO_POLLING
                                  |NGX_HTTP_SOCKETIO_WEBSOCKET));
    ngx_conf_merge_msec_value(conf->ping_interval, prev->ping_interval, 25000);
    ngx_conf_merge_msec_value(conf->ping_timeout, prev->ping_timeout, 20000);
    ngx_conf_merge_msec_value(conf->upgrade_timeout, prev->upgrade_timeout,
                              10000);
    ngx_conf_merge_msec_value(conf->connect_timeout, prev->connect_timeout,
                              45000);
    ngx_conf_merge_size_value(conf->max_payload, prev->max_payload, 1000000);
    ngx_conf_merge_value(conf->max_packets, prev->max_packets, 20000);
    ngx_conf_merge_size_value(conf->buffer, prev->buffer, 1024 * 1024);
    ngx_conf_merge_ptr_value(conf->engine.origins, prev->engine.origins, NULL);
    ngx_conf_merge_value(conf->any_origin, prev->any_origin, 0);
    ngx_conf_merge_value(conf->null_origin, prev->null_origin, 0);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);

    if (conf->engine.cookie.data == NGX_CONF_UNSET_PTR) {
        conf->engine.cookie = prev->engine.cookie;

        if (conf->engine.cookie.data == NGX_CONF_UNSET_PTR) {
            ngx_str_null(&conf->engine.cookie);
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* inside of "if" and "limit_except" the location goes on */

    if (conf->engine.app == NULL && clcf->noname) {
        conf->engine.app = prev->engine.app;
        conf->engine.echo = prev->engine.echo;
    }

    if (conf->engine.app == NULL) {
        return NGX_CONF_OK;
    }

    /* nginx takes a location's handler for "if", but not for this */

    if (clcf->lmt_excpt && clcf->handler == NULL) {
        clcf->handler = ngx_http_socketio_engine_handler;
    }

    clcf->client_max_body_size = conf->max_payload;

    conf->engine.limits = ngx_http_conf_get_module_loc_conf(cf,
                                            ngx_http_socketio_limit_module);

    deflate = ngx_http_conf_get_module_loc_conf(cf,
                                            ngx_http_socketio_deflate_module);
    conf->engine.deflate = deflate->enable ? deflate : NULL;

    ngx_http_socketio_engine_options(conf);

    return NGX_CONF_OK;
}


/* What the engine is given. */

static void
ngx_http_socketio_engine_options(ngx_http_socketio_engine_conf_t *conf)
{
    eio_options_t  *options;

    conf->engine.any_origin = conf->any_origin;
    conf->engine.null_origin = conf->null_origin;

    options = &conf->engine.options;

    options->ping_interval = (uint32_t) conf->ping_interval;
    options->ping_timeout = (uint32_t) conf->ping_timeout;
    options->upgrade_timeout = (uint32_t) conf->upgrade_timeout;
    options->connect_timeout = (uint32_t) conf->connect_timeout;
    options->max_payload = (uint32_t) conf->max_payload;
    options->max_packets = (uint32_t) conf->max_packets;
    options->buffer = (uint32_t) conf->buffer;
    options->dry_run = conf->dry_run;
    options->slow_drop = (conf->engine.limits->slow_drop != 0);
    options->quota = conf->engine.limits->metered
                     ? &conf->engine.limits->quota : NULL;
    options->polling = !!(conf->transports & NGX_HTTP_SOCKETIO_POLLING);
    options->websocket = !!(conf->transports & NGX_HTTP_SOCKETIO_WEBSOCKET);
}


/* Values out of bounds, told by nginx with the line of their directive. */

static char *
ngx_http_socketio_engine_bound(ngx_http_socketio_engine_bounds_t *bounds,
    uint64_t value)
{
    return value < 1 || value > bounds->max ? bounds->error : NGX_CONF_OK;
}


static char *
ngx_http_socketio_engine_time(ngx_conf_t *cf, void *post, void *data)
{
    return ngx_http_socketio_engine_bound(post, *(ngx_msec_t *) data);
}


static char *
ngx_http_socketio_engine_size(ngx_conf_t *cf, void *post, void *data)
{
    return ngx_http_socketio_engine_bound(post, *(size_t *) data);
}


static char *
ngx_http_socketio_engine_count(ngx_conf_t *cf, void *post, void *data)
{
    return ngx_http_socketio_engine_bound(post, *(ngx_int_t *) data);
}


/* socketio APP; engineio_echo APP */

static char *
ngx_http_socketio_engine(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_engine_conf_t *ecf = conf;

    ngx_str_t                 *value;
    ngx_http_core_srv_conf_t  *cscf;

    if (ecf->engine.app) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ecf->engine.app = ngx_http_socketio_app_get(cf, &value[1]);
    if (ecf->engine.app == NULL) {
        return NGX_CONF_ERROR;
    }

    ecf->engine.echo = (cmd->offset != 0);

    if (ecf->engine.app->server == NULL) {
        cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
        ecf->engine.app->server = cscf->ctx;
    }

    return ngx_http_socketio_location_take(cf,
                                           ngx_http_socketio_engine_handler);
}


/* nginx would add those of a second one to the first. */

static char *
ngx_http_socketio_engine_transports_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_socketio_engine_conf_t *ecf = conf;

    return ecf->transports ? "is duplicate"
                           : ngx_conf_set_bitmask_slot(cf, cmd, conf);
}


/* socketio_origin ORIGIN...: a name, ~REGEX, ~*REGEX, or "*" */

static char *
ngx_http_socketio_engine_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_engine_conf_t *ecf = conf;

    ngx_str_t                   *value, name;
    ngx_uint_t                   i;
    ngx_http_socketio_origin_t  *origin;

    if (ecf->engine.origins == NGX_CONF_UNSET_PTR) {
        ecf->engine.origins = ngx_array_create(cf->pool, 4,
                                           sizeof(ngx_http_socketio_origin_t));
        if (ecf->engine.origins == NULL) {
            return NGX_CONF_ERROR;
        }

        ecf->any_origin = 0;
        ecf->null_origin = 0;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        name = value[i];

        if (ngx_http_socketio_engine_origin_known(ecf, &name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" stands there twice", &name);
            return NGX_CONF_ERROR;
        }

        if (name.len == 1 && name.data[0] == '*') {
            ecf->any_origin = 1;
            continue;
        }

        if (ngx_strcmp(name.data, "null") == 0) {
            ecf->null_origin = 1;
            continue;
        }

        if (name.data[0] != '~'
            && !ngx_http_socketio_engine_origin_valid(&name))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is no origin, as https://a.example, "
                               "nor a host, as a.example:8443, nor an "
                               "expression behind \"~\"", &name);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(ecf->engine.origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(origin, sizeof(ngx_http_socketio_origin_t));
        origin->name = name;

        if (name.data[0] == '~'
            && ngx_http_socketio_engine_origin_regex(cf, origin)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_socketio_engine_origin_known(
    const ngx_http_socketio_engine_conf_t *ecf, ngx_str_t *name)
{
    ngx_uint_t                   i;
    ngx_http_socketio_origin_t  *origin;

    origin = ecf->engine.origins->elts;

    for (i = 0; i < ecf->engine.origins->nelts; i++) {
        if (origin[i].name.len == name->len
            && ngx_strncmp(origin[i].name.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return (ecf->any_origin && ngx_strcmp(name->data, "*") == 0)
           || (ecf->null_origin && ngx_strcmp(name->data, "null") == 0);
}


/* SCHEME://HOST[:PORT] or HOST[:PORT]: anything else never matches one. */

static ngx_uint_t
ngx_http_socketio_engine_origin_valid(ngx_str_t *name)
{
    size_t   i;
    u_char  *p;

    p = (u_char *) ngx_strstr(name->data, "://");
    i = p ? p + 3 - name->data : 0;

    if (i == name->len) {
        return 0;
    }

    for ( /* void */ ; i < name->len; i++) {
        if (name->data[i] <= 0x20 || name->data[i] >= 0x7f
            || ngx_strchr("/?#@*\"\\,", name->data[i]))
        {
            return 0;
        }
    }

    return 1;
}


static char *
ngx_http_socketio_engine_origin_regex(ngx_conf_t *cf,
    ngx_http_socketio_origin_t *origin)
{
#if (NGX_PCRE)
    u_char               errstr[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t  rc;

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern.len = origin->name.len - 1;
    rc.pattern.data = origin->name.data + 1;

    if (rc.pattern.len && rc.pattern.data[0] == '*') {
        rc.pattern.len--;
        rc.pattern.data++;
        rc.options = NGX_REGEX_CASELESS;
    }

    rc.pool = cf->pool;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = errstr;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &rc.err);
        return NGX_CONF_ERROR;
    }

    if (rc.pattern.len == 0 || rc.pattern.data[0] != '^'
        || rc.pattern.data[rc.pattern.len - 1] != '$')
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%V\" does not begin with \"^\" and end with "
                           "\"$\": other origins may match by a part of them",
                           &origin->name);
    }

    origin->regex = rc.regex;

    return NGX_CONF_OK;
#else
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the PCRE library is needed for \"%V\"",
                       &origin->name);
    return NGX_CONF_ERROR;
#endif
}


/* socketio_cookie NAME | off */

static char *
ngx_http_socketio_engine_cookie(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_engine_conf_t *ecf = conf;

    size_t      i;
    u_char      ch;
    ngx_str_t  *value;

    if (ecf->engine.cookie.data != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        ngx_str_null(&ecf->engine.cookie);
        return NGX_CONF_OK;
    }

    for (i = 0; i < value[1].len; i++) {
        ch = value[1].data[i];

        if (ch <= 0x20 || ch >= 0x7f || ngx_strchr("()<>@,;:\\\"/[]?={}", ch)) {
            break;
        }
    }

    if (value[1].len == 0 || i < value[1].len) {
        return "has a name that no cookie can have";
    }

    ecf->engine.cookie = value[1];

    return NGX_CONF_OK;
}
