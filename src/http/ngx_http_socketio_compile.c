/*
 * The configuration's services for the compiler of rules.
 */


#include "http/ngx_http_socketio_compile.h"
#include "http/ngx_http_socketio_presence_module.h"
#include "http/ngx_http_socketio_webhook_module.h"


static void *ngx_http_socketio_conf_alloc(void *ctx, size_t size);
static void ngx_http_socketio_conf_free(void *ctx, void *p);
static int ngx_http_socketio_compile_regex(sio_compile_t *c,
    sio_str_t pattern, void **regex);
static int ngx_http_socketio_compile_group(sio_compile_t *c, sio_str_t name,
    unsigned *number);
static int ngx_http_socketio_compile_variable(sio_compile_t *c,
    sio_str_t name, unsigned *index);


static const sio_value_kind_t *const  ngx_http_socketio_compile_kinds[] = {
    ngx_http_socketio_presence_kinds,
    NULL
};


const sio_mem_t *
ngx_http_socketio_conf_mem(ngx_conf_t *cf)
{
    sio_mem_t  *mem;

    mem = ngx_palloc(cf->pool, sizeof(sio_mem_t));

    if (mem) {
        mem->alloc = ngx_http_socketio_conf_alloc;
        mem->free = ngx_http_socketio_conf_free;
        mem->ctx = cf->pool;
    }

    return mem;
}


static void *
ngx_http_socketio_conf_alloc(void *ctx, size_t size)
{
    return ngx_palloc(ctx, size);
}


/* What is compiled lives as long as the pool. */

static void
ngx_http_socketio_conf_free(void *ctx, void *p)
{
}


sio_compile_t *
ngx_http_socketio_compile_begin(ngx_conf_t *cf, unsigned source)
{
    sio_compile_t                 *c;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;

    c = ngx_pcalloc(cf->pool, sizeof(sio_compile_t));
    if (c == NULL) {
        return NULL;
    }

    c->mem = ngx_http_socketio_conf_mem(cf);
    if (c->mem == NULL) {
        return NULL;
    }

    c->ctx = cf;
    c->kinds = ngx_http_socketio_compile_kinds;
    c->regex = ngx_http_socketio_compile_regex;
    c->group = ngx_http_socketio_compile_group;
    c->variable = ngx_http_socketio_compile_variable;
    c->webhook = ngx_http_socketio_compile_webhook;
    c->source = source;
    ngx_http_socketio_compile_line(cf, c);

    ctx->compile = c;

    return c;
}


void
ngx_http_socketio_compile_line(ngx_conf_t *cf, sio_compile_t *c)
{
    c->file = (const char *) cf->conf_file->file.name.data;
    c->line = cf->conf_file->line;
}


void
ngx_http_socketio_compile_end(ngx_conf_t *cf)
{
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    ctx->compile = NULL;
}


char *
ngx_http_socketio_compile_result(ngx_conf_t *cf, sio_compile_t *c, int rc)
{
    if (rc == SIO_OK) {
        return NGX_CONF_OK;
    }

    if (rc == SIO_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", c->error);
    }

    return NGX_CONF_ERROR;
}


sio_str_t *
ngx_http_socketio_compile_args(ngx_conf_t *cf)
{
    ngx_str_t   *value;
    sio_str_t   *args;
    ngx_uint_t   i;

    args = ngx_palloc(cf->pool, cf->args->nelts * sizeof(sio_str_t));
    if (args == NULL) {
        return NULL;
    }

    value = cf->args->elts;

    for (i = 0; i < cf->args->nelts; i++) {
        args[i] = sio_str(value[i].data, value[i].len);
    }

    return args;
}


static int
ngx_http_socketio_compile_regex(sio_compile_t *c, sio_str_t pattern,
    void **regex)
{
    ngx_conf_t  *cf;

    cf = c->ctx;

    *regex = ngx_http_socketio_regex_compile(cf->pool, pattern, c->error,
                                             sizeof(c->error));

    return *regex ? SIO_OK : SIO_ERROR;
}


static int
ngx_http_socketio_compile_group(sio_compile_t *c, sio_str_t name,
    unsigned *number)
{
    return ngx_http_socketio_regex_group(c->rule->regex, name, number);
}


static int
ngx_http_socketio_compile_variable(sio_compile_t *c, sio_str_t name,
    unsigned *index)
{
    return ngx_http_socketio_capture(c->ctx, name, 1, index);
}


int
ngx_http_socketio_capture(ngx_conf_t *cf, sio_str_t name, ngx_uint_t value,
    unsigned *index)
{
    ngx_int_t                      n;
    ngx_str_t                      s;
    ngx_conf_t                     http;
    ngx_uint_t                     i;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t  *ctx;
    ngx_http_socketio_variable_t  *v;

    ctx = cf->ctx;
    app = ctx->app;

    s.len = name.len;
    s.data = ngx_pnalloc(cf->pool, s.len);
    if (s.data == NULL) {
        return SIO_NOMEM;
    }

    ngx_memcpy(s.data, name.data, s.len);

    http = *cf;
    http.ctx = ctx->http;

    n = ngx_http_get_variable_index(&http, &s);
    if (n == NGX_ERROR) {
        return SIO_NOMEM;
    }

    v = app->variables.elts;

    for (i = 0; i < app->variables.nelts; i++) {
        if (v[i].index == n) {
            *index = i;
            return SIO_OK;
        }
    }

    v = ngx_array_push(&app->variables);
    if (v == NULL) {
        return SIO_NOMEM;
    }

    v->index = n;
    v->name = s;
    v->file = cf->conf_file->file.name.data;
    v->line = cf->conf_file->line;
    v->value = value;
    v->secret = 0;

    *index = app->variables.nelts - 1;

    return SIO_OK;
}
