/*
 * What clients may cost: the directives of limits.
 *
 *     socketio_limit rate=RATE [burst=N] [bytes=SIZE/s] [bytes_burst=SIZE]
 *                    [close] | off
 *     socketio_limit_conn [NUMBER] [rate=RATE [burst=N]] [key=VALUE] | off
 *     socketio_limit_status, _log_level, _dry_run
 *     socketio_slow_consumer close | drop
 *
 * The engine of a location takes them over when it is merged itself, which
 * is after this module: see config.
 */


#include "http/ngx_http_socketio_engine.h"
#include "http/ngx_http_socketio_param.h"
#include "transport/ngx_http_socketio_transport.h"


#define NGX_HTTP_SOCKETIO_LIMIT_KEY  "$binary_remote_addr"


static void *ngx_http_socketio_limit_create_conf(ngx_conf_t *cf);
static char *ngx_http_socketio_limit_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_socketio_limit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_limit_conn(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_limit_gate(ngx_conf_t *cf,
    ngx_http_socketio_limits_t *limits);
static char *ngx_http_socketio_limit_rate(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_limit_burst(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_limit_bytes(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_limit_bytes_burst(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);
static char *ngx_http_socketio_limit_key(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);


static const ngx_http_socketio_param_t  ngx_http_socketio_limit_params[] = {

    { ngx_string("rate="),
      ngx_http_socketio_limit_rate,
      offsetof(sio_quota_t, packets.rate),
      "\"rate=%V\" is not one rate of 1 to 1000000 in a second or a minute, "
      "as 100r/s or 30r/m",
      0, 0 },

    { ngx_string("burst="),
      ngx_http_socketio_limit_burst,
      offsetof(sio_quota_t, packets.burst),
      "\"burst=%V\" is not a burst of 0 to 1000000",
      0, 0 },

    { ngx_string("bytes="),
      ngx_http_socketio_limit_bytes,
      0,
      "\"bytes=%V\" is not one rate of 1 byte to 1024m a second, as 100k/s",
      0, 0 },

    { ngx_string("bytes_burst="),
      ngx_http_socketio_limit_bytes_burst,
      0,
      "\"bytes_burst=%V\" is not a size of up to 1024m",
      0, 0 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static const ngx_http_socketio_param_t
    ngx_http_socketio_limit_gate_params[] =
{
    { ngx_string("rate="),
      ngx_http_socketio_limit_rate,
      offsetof(ngx_http_socketio_gate_t, admission.rate.rate),
      "\"rate=%V\" is not one rate of 1 to 1000000 in a second or a minute, "
      "as 5r/s or 30r/m",
      0, 0 },

    { ngx_string("burst="),
      ngx_http_socketio_limit_burst,
      offsetof(ngx_http_socketio_gate_t, admission.rate.burst),
      "\"burst=%V\" is not a burst of 0 to 1000000",
      0, 0 },

    { ngx_string("key="),
      ngx_http_socketio_limit_key,
      0,
      NULL,
      0, 0 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static ngx_conf_enum_t  ngx_http_socketio_limit_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_socketio_limit_slow[] = {
    { ngx_string("close"), 0 },
    { ngx_string("drop"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_http_socketio_limit_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_command_t  ngx_http_socketio_limit_commands[] = {

    { ngx_string("socketio_limit"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_limit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("socketio_limit_conn"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_limit_conn,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("socketio_limit_status"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_limits_t, status),
      &ngx_http_socketio_limit_status_bounds },

    { ngx_string("socketio_limit_log_level"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_limits_t, log_level),
      &ngx_http_socketio_limit_log_levels },

    { ngx_string("socketio_limit_dry_run"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_limits_t, dry_run),
      NULL },

    { ngx_string("socketio_slow_consumer"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_socketio_limits_t, slow_drop),
      &ngx_http_socketio_limit_slow },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_limit_module_ctx = {
    .create_loc_conf = ngx_http_socketio_limit_create_conf,
    .merge_loc_conf = ngx_http_socketio_limit_merge_conf
};


ngx_module_t  ngx_http_socketio_limit_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_limit_module_ctx,
    .commands = ngx_http_socketio_limit_commands,
    .type = NGX_HTTP_MODULE
};


static void *
ngx_http_socketio_limit_create_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_limits_t  *limits;

    limits = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_limits_t));
    if (limits == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     limits->quota = { 0 };
     */

    limits->gates = NGX_CONF_UNSET_PTR;
    limits->metered = NGX_CONF_UNSET_UINT;
    limits->status = NGX_CONF_UNSET;
    limits->log_level = NGX_CONF_UNSET_UINT;
    limits->dry_run = NGX_CONF_UNSET;
    limits->slow_drop = NGX_CONF_UNSET_UINT;

    return limits;
}


static char *
ngx_http_socketio_limit_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_socketio_limits_t *prev = parent;
    ngx_http_socketio_limits_t *limits = child;

    if (limits->metered == NGX_CONF_UNSET_UINT) {
        limits->metered = prev->metered;
        limits->quota = prev->quota;
    }

    ngx_conf_init_uint_value(limits->metered, 0);
    ngx_conf_merge_ptr_value(limits->gates, prev->gates, NULL);
    ngx_conf_merge_value(limits->status, prev->status, 429);
    ngx_conf_merge_uint_value(limits->log_level, prev->log_level,
                              NGX_LOG_WARN);
    ngx_conf_merge_value(limits->dry_run, prev->dry_run, 0);
    ngx_conf_merge_uint_value(limits->slow_drop, prev->slow_drop, 0);

    limits->quota.dry_run = limits->dry_run;
    limits->quota.level = (unsigned) limits->log_level;

    return NGX_CONF_OK;
}


/* socketio_limit rate=100r/s burst=200 bytes=1m/s bytes_burst=2m close */

static char *
ngx_http_socketio_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_limits_t *limits = conf;

    char         *rv;
    ngx_str_t    *value;
    ngx_uint_t    i;
    sio_quota_t  *quota;

    if (limits->metered != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    quota = &limits->quota;
    limits->metered = 1;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        limits->metered = 0;
        return NGX_CONF_OK;
    }

    /* 0 may be said, so it is not what says that nothing was */

    quota->packets.burst = UINT64_MAX;
    quota->bytes.burst = UINT64_MAX;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "close") == 0 && !quota->close) {
            quota->close = 1;
            continue;
        }

        rv = ngx_http_socketio_param(cf, &value[i],
                                     ngx_http_socketio_limit_params, quota,
                                     "unexpected \"%V\"");
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if ((quota->packets.rate == 0 && quota->packets.burst != UINT64_MAX)
        || (quota->bytes.rate == 0 && quota->bytes.burst != UINT64_MAX))
    {
        return "has a burst without its rate";
    }

    if (quota->packets.rate == 0 && quota->bytes.rate == 0) {
        return "needs \"rate=\" or \"bytes=\"";
    }

    /* what one second allows may come in one go */

    if (quota->packets.burst == UINT64_MAX) {
        quota->packets.burst = quota->packets.rate;
    }

    if (quota->bytes.burst == UINT64_MAX) {
        quota->bytes.burst = quota->bytes.rate;
    }

    return NGX_CONF_OK;
}


/* socketio_limit_conn 20 rate=5r/s burst=10 key=$binary_remote_addr */

static char *
ngx_http_socketio_limit_conn(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_limits_t *limits = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (limits->gates == NULL) {
        return "stands beside \"socketio_limit_conn off\"";
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {

        if (limits->gates != NGX_CONF_UNSET_PTR) {
            return "stands beside another limit";
        }

        limits->gates = NULL;
        return NGX_CONF_OK;
    }

    if (limits->gates == NGX_CONF_UNSET_PTR) {
        limits->gates = ngx_array_create(cf->pool, 2,
                                         sizeof(ngx_http_socketio_gate_t));
        if (limits->gates == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (limits->gates->nelts == NGX_HTTP_SOCKETIO_ADMIT_KEYS) {
        return "is one too many: there may be four";
    }

    return ngx_http_socketio_limit_gate(cf, limits);
}


static char *
ngx_http_socketio_limit_gate(ngx_conf_t *cf,
    ngx_http_socketio_limits_t *limits)
{
    char                      *rv;
    ngx_int_t                  n;
    ngx_str_t                 *value, key;
    ngx_uint_t                 i;
    ngx_http_socketio_gate_t  *gate, *other;

    gate = ngx_array_push(limits->gates);
    if (gate == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(gate, sizeof(ngx_http_socketio_gate_t));
    gate->admission.rate.burst = UINT64_MAX;         /* none was said */

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        n = ngx_atoi(value[i].data, value[i].len);

        if (n != NGX_ERROR) {

            if (n < 1 || n > NGX_MAX_INT32_VALUE || gate->admission.max) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is not one "
                                   "number of connections", &value[i]);
                return NGX_CONF_ERROR;
            }

            gate->admission.max = (uint32_t) n;
            continue;
        }

        rv = ngx_http_socketio_param(cf, &value[i],
                                     ngx_http_socketio_limit_gate_params, gate,
                                     "unexpected \"%V\"");
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (gate->admission.max == 0 && gate->admission.rate.rate == 0) {
        return "needs a number of connections or \"rate=\"";
    }

    if (gate->admission.rate.burst == UINT64_MAX) {
        gate->admission.rate.burst = 0;

    } else if (gate->admission.rate.rate == 0) {
        return "has a burst without its rate";
    }

    ngx_str_set(&key, NGX_HTTP_SOCKETIO_LIMIT_KEY);

    if (gate->admission.name.data == NULL
        && ngx_http_socketio_limit_key(cf, NULL, &key, gate) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    other = limits->gates->elts;

    for (i = 0; i + 1 < limits->gates->nelts; i++) {
        if (sio_str_eq(other[i].admission.name, gate->admission.name)) {
            return "has the key of another one";
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_limit_rate(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    uint64_t  *rate;

    rate = (uint64_t *) ((char *) conf + param->offset);

    if (sio_limit_rate_parse(sio_str(value->data, value->len), rate)
        != SIO_OK)
    {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_limit_burst(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    uint64_t        n, *burst;
    const uint8_t  *p;

    p = value->data;

    if (sio_limit_number(&p, value->data + value->len, SIO_BURST_MAX, &n)
        != SIO_OK
        || p != value->data + value->len)
    {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    burst = (uint64_t *) ((char *) conf + param->offset);
    *burst = n * SIO_LIMIT_ONE;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_limit_bytes(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    sio_quota_t *quota = conf;

    if (sio_limit_bytes_parse(sio_str(value->data, value->len),
                              &quota->bytes.rate)
        != SIO_OK)
    {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_limit_bytes_burst(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    sio_quota_t *quota = conf;

    ssize_t  size;

    size = ngx_parse_size(value);

    if (size == NGX_ERROR || (uint64_t) size > SIO_BYTES_MAX) {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    quota->bytes.burst = (uint64_t) size * SIO_LIMIT_ONE;

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_limit_key(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_gate_t *gate = conf;

    ngx_http_compile_complex_value_t   ccv;

    if (ngx_strlchr(value->data, value->data + value->len, '$') == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"key=%V\" has no variable, as "
                           "$binary_remote_addr", value);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = &gate->key;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    gate->admission.name = sio_str(value->data, value->len);

    return NGX_CONF_OK;
}
