/*
 * Parameters of directives, by their tables.
 */


#include "http/ngx_http_socketio_param.h"
#include "backend/ngx_http_socketio_file.h"


static char *ngx_http_socketio_param_once(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_socketio_param_t *param);


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

        if (ngx_http_socketio_param_once(cf, arg, param) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        value.data = arg->data + param->name.len;
        value.len = arg->len - param->name.len;

        if (value.len || param->error) {
            return param->set(cf, param, &value, conf);
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" has no value", arg);

        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, unknown, arg);

    return NGX_CONF_ERROR;
}


/* arg is one of the directive's arguments: is it said by one before? */

static char *
ngx_http_socketio_param_once(ngx_conf_t *cf, ngx_str_t *arg,
    const ngx_http_socketio_param_t *param)
{
    size_t      len;
    ngx_str_t  *other, said;

    if (ngx_strlen(arg->data) != arg->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a zero byte in the value of \"%V\"",
                           &param->name);
        return NGX_CONF_ERROR;
    }

    said = (param->max == NGX_HTTP_SOCKETIO_PARAM_MANY) ? *arg : param->name;
    len = said.len + (said.data == arg->data);       /* all of it, and its 0 */

    for (other = cf->args->elts; other < arg; other++) {

        if (ngx_strncmp(other->data, said.data, len) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" stands there twice", &said);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
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
    uint64_t  *to, msec, sec;

    /* what is no time is more than any maximum */

    msec = (uint64_t) ngx_parse_time(value, 0);

    if (msec > param->max) {

        /* where ngx_int_t has 32 bits a month in milliseconds is too much */

        sec = (uint64_t) ngx_parse_time(value, 1);
        msec = sec > param->max / 1000 ? UINT64_MAX : sec * 1000;
    }

    if (msec < param->min || msec > param->max) {
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
    file.text = 1;

    if (ngx_http_socketio_file_read(&file, cf->log) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file.err, "%s \"%V\"%s",
                           file.err ? "open()" : file.error, name,
                           file.err ? " failed" : "");
        return NGX_ERROR;
    }

    if (file.open) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "everybody may read the secret in \"%V\"", name);
    }

    text->len = file.len;
    text->data = ngx_pnalloc(cf->pool, file.len + 1);

    if (text->data) {
        ngx_memcpy(text->data, file.data, file.len + 1);
    }

    ngx_http_socketio_file_free(&file);

    return text->data ? NGX_OK : NGX_ERROR;
}
