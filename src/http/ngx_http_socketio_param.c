/*
 * Parameters of directives, by their tables.
 */


#include "http/ngx_http_socketio_param.h"
#include "backend/ngx_http_socketio_file.h"


char *
ngx_http_socketio_params(ngx_conf_t *cf, ngx_uint_t first,
    const ngx_http_socketio_param_t *params, void *conf, const char *unknown)
{
    char        *rv;
    ngx_str_t   *arg;
    ngx_uint_t   i;

    arg = cf->args->elts;

    for (i = first; i < cf->args->nelts; i++) {
        rv = ngx_http_socketio_param(cf, &arg[i], params, conf, unknown);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_socketio_param(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_socketio_param_t *param, void *conf, const char *unknown)
{
    ngx_str_t  value;

    for ( /* void */ ; param->name.len; param++) {

        if (ngx_strncmp(arg->data, param->name.data, param->name.len) != 0) {
            continue;
        }

        value.data = arg->data + param->name.len;
        value.len = arg->len - param->name.len;

        if (value.len || param->error) {
            return param->set(cf, param, &value, conf);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, unknown, arg);

    return NGX_CONF_ERROR;
}


char *
ngx_http_socketio_param_str(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_str_t  *to;

    to = (ngx_str_t *) ((char *) conf + param->offset);
    *to = *value;

    return NGX_CONF_OK;
}


char *
ngx_http_socketio_param_num(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    ngx_int_t    n;
    ngx_uint_t  *to;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || (uint64_t) n < param->min
        || (uint64_t) n > param->max)
    {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    to = (ngx_uint_t *) ((char *) conf + param->offset);
    *to = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


char *
ngx_http_socketio_param_msec(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value, void *conf)
{
    uint64_t   *to, msec;
    ngx_int_t   n;

    n = ngx_parse_time(value, 0);
    msec = (uint64_t) n;

    if (n == NGX_ERROR) {

        /* where ngx_int_t has 32 bits a month in milliseconds is too much */

        n = ngx_parse_time(value, 1);
        msec = (uint64_t) n * 1000;
    }

    if (n == NGX_ERROR || msec < param->min || msec > param->max) {
        return ngx_http_socketio_param_invalid(cf, param, value);
    }

    to = (uint64_t *) ((char *) conf + param->offset);
    *to = msec;

    return NGX_CONF_OK;
}


char *
ngx_http_socketio_param_invalid(ngx_conf_t *cf,
    const ngx_http_socketio_param_t *param, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, param->error, value);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_socketio_param_file(ngx_conf_t *cf, ngx_str_t *name, size_t max,
    ngx_str_t *text)
{
    ngx_http_socketio_file_t  file;

    ngx_memzero(&file, sizeof(ngx_http_socketio_file_t));

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    file.name = *name;
    file.max = max;

    if (ngx_http_socketio_file_read(&file, cf->log) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file.err, "%s \"%V\"%s",
                           file.err ? "open()" : file.error, name,
                           file.err ? " failed" : "");
        return NGX_ERROR;
    }

    text->len = file.len;
    text->data = ngx_pnalloc(cf->pool, file.len + 1);

    if (text->data) {
        ngx_memcpy(text->data, file.data, file.len + 1);
    }

    ngx_http_socketio_file_free(&file);

    return text->data ? NGX_OK : NGX_ERROR;
}
