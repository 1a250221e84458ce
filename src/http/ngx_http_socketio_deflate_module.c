/*
 * socketio_deflate on | off | [threshold=SIZE] [level=1..9] [window=9..15]
 *
 * The engine of a location takes it over when it is merged itself, which is
 * after this module: see config.
 */


#include "http/ngx_http_socketio_engine.h"
#include "http/ngx_http_socketio_param.h"
#include "transport/ngx_http_socketio_deflate.h"


static void *ngx_http_socketio_deflate_create_conf(ngx_conf_t *cf);
static char *ngx_http_socketio_deflate_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_socketio_deflate_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_deflate_threshold(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf);


static const ngx_http_socketio_param_t  ngx_http_socketio_deflate_params[] = {

    { ngx_string("threshold="),
      ngx_http_socketio_deflate_threshold,
      0,
      "\"socketio_deflate\" directive has a threshold that is no size from 1 "
      "to 1g",
      1, 1024 * 1024 * 1024 },

    { ngx_string("level="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_deflate_t, level),
      "\"socketio_deflate\" directive has a level that is not from 1 to 9",
      1, 9 },

    { ngx_string("window="),
      ngx_http_socketio_param_num,
      offsetof(ngx_http_socketio_deflate_t, window),
      "\"socketio_deflate\" directive has a window that is not from 9 to 15",
      WS_DEFLATE_WINDOW_MIN, WS_DEFLATE_WINDOW_MAX },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static ngx_command_t  ngx_http_socketio_deflate_commands[] = {

    { ngx_string("socketio_deflate"),
      NGX_HTTP_SOCKETIO_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_socketio_deflate_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_deflate_module_ctx = {
    .create_loc_conf = ngx_http_socketio_deflate_create_conf,
    .merge_loc_conf = ngx_http_socketio_deflate_merge_conf
};


ngx_module_t  ngx_http_socketio_deflate_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_deflate_module_ctx,
    .commands = ngx_http_socketio_deflate_commands,
    .type = NGX_HTTP_MODULE
};


static void *
ngx_http_socketio_deflate_create_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_deflate_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_deflate_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->enable = NGX_CONF_UNSET;
    conf->threshold = NGX_CONF_UNSET_SIZE;
    conf->level = NGX_CONF_UNSET_UINT;
    conf->window = NGX_CONF_UNSET_UINT;

    return conf;
}


/* A directive says all: what it leaves out is the default. */

static char *
ngx_http_socketio_deflate_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_socketio_deflate_t *prev = parent;
    ngx_http_socketio_deflate_t *conf = child;

    ngx_pool_cleanup_t  *cln;

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_size_value(conf->threshold, prev->threshold, 1024);
    ngx_conf_merge_uint_value(conf->level, prev->level, 1);
    ngx_conf_merge_uint_value(conf->window, prev->window,
                              WS_DEFLATE_WINDOW_MAX);

    if (conf->enable) {
        cln = ngx_pool_cleanup_add(cf->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        cln->handler = ngx_http_socketio_deflate_free;
        cln->data = conf;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_socketio_deflate_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_deflate_t *deflate = conf;

    ngx_str_t  *value;

    if (deflate->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    deflate->enable = 1;
    deflate->threshold = 1024;
    deflate->level = 1;
    deflate->window = WS_DEFLATE_WINDOW_MAX;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        deflate->enable = 0;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "on") == 0) {
        return NGX_CONF_OK;
    }

    return ngx_http_socketio_params(cf, 1, ngx_http_socketio_deflate_params,
                                    deflate,
                                    "unknown parameter \"%V\" of "
                                    "\"socketio_deflate\": it is on, off, or "
                                    "threshold=, level= and window=");
}


static char *
ngx_http_socketio_deflate_threshold(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_http_socketio_deflate_t *deflate = conf;

    ssize_t  size;

    size = ngx_parse_size(value);

    if (size == NGX_ERROR || (uint64_t) size < param->min
        || (uint64_t) size > param->max)
    {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    deflate->threshold = (size_t) size;

    return NGX_CONF_OK;
}
