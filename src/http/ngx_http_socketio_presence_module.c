/*
 * presence [grace=TIME] [keep=TIME], of an app, and the value $online.
 */


#include "http/ngx_http_socketio_param.h"
#include "http/ngx_http_socketio_presence_module.h"
#include "hub/ngx_http_socketio_presence.h"
#include "hub/ngx_http_socketio_run.h"


#define NGX_HTTP_SOCKETIO_PRESENCE_GRACE  5000         /* msec */
#define NGX_HTTP_SOCKETIO_PRESENCE_KEEP   2592000000   /* 30 days */


static char *ngx_http_socketio_presence(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static int ngx_http_socketio_value_online(sio_run_t *run,
    const sio_value_t *value, sio_str_t *out);
static int ngx_http_socketio_value_online_compile(sio_compile_t *c,
    sio_value_t *value);


static const ngx_http_socketio_param_t  ngx_http_socketio_presence_params[] = {

    { ngx_string("grace="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_presence_conf_t, grace),
      "invalid time in \"grace=%V\", it must be 0 to a day, for example "
      "\"grace=10s\"",
      0, 86400000 },

    { ngx_string("keep="),
      ngx_http_socketio_param_msec,
      offsetof(ngx_http_socketio_presence_conf_t, keep),
      "invalid time in \"keep=%V\", it must be 0 to ten years, for example "
      "\"keep=10s\"",
      0, 315360000000 },

    { ngx_null_string, NULL, 0, NULL, 0, 0 }
};


static ngx_command_t  ngx_http_socketio_presence_commands[] = {

    { ngx_string("presence"),
      NGX_SOCKETIO_APP_CONF|NGX_CONF_ANY,
      ngx_http_socketio_presence,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_presence_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_presence_commands,
    .type = NGX_SOCKETIO_MODULE
};


const sio_value_kind_t  ngx_http_socketio_presence_kinds[] = {

    { sio_string("online"), SIO_SOURCE_ALL, 0, 0,
      ngx_http_socketio_value_online,
      ngx_http_socketio_value_online_compile },

    { sio_null_string, 0, 0, 0, NULL, NULL }
};


static char *
ngx_http_socketio_presence(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_conf_ctx_t       *ctx;
    ngx_http_socketio_presence_conf_t  *presence;

    ctx = cf->ctx;

    if (ctx->app->presence) {
        return "is duplicate";
    }

    presence = ngx_palloc(cf->pool, sizeof(ngx_http_socketio_presence_conf_t));
    if (presence == NULL) {
        return NGX_CONF_ERROR;
    }

    presence->grace = NGX_HTTP_SOCKETIO_PRESENCE_GRACE;
    presence->keep = NGX_HTTP_SOCKETIO_PRESENCE_KEEP;

    ctx->app->presence = presence;

    return ngx_http_socketio_params(cf, 1, ngx_http_socketio_presence_params,
                                    presence,
                                    "invalid parameter \"%V\", \"presence\" "
                                    "takes \"grace=TIME\" and "
                                    "\"keep=TIME\"");
}


void
ngx_http_socketio_presence_needed(ngx_conf_t *cf, const char *what)
{
    ngx_http_socketio_conf_ctx_t   *ctx;
    ngx_http_socketio_namespace_t  *nsp;

    ctx = cf->ctx;
    nsp = ctx->nsp;

    if (nsp->presence_needed == NULL) {
        nsp->presence_needed = what;
        nsp->presence_file = cf->conf_file->file.name.data;
        nsp->presence_line = cf->conf_file->line;
    }
}


char *
ngx_http_socketio_presence_check(ngx_conf_t *cf, ngx_http_socketio_app_t *app)
{
    ngx_uint_t                       i;
    ngx_http_socketio_namespace_t  **nsp;

    nsp = app->namespaces.elts;

    for (i = 0; i < app->namespaces.nelts; i++) {

        if (nsp[i]->presence_needed && app->presence == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"%s\" needs \"presence\" in socketio_app "
                          "\"%V\" in %s:%ui",
                          nsp[i]->presence_needed, &app->name,
                          nsp[i]->presence_file, nsp[i]->presence_line);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* A user that comes is counted in "on online" already, and one that goes not
   any more in "on offline". */

static int
ngx_http_socketio_value_online(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out)
{
    u_char                   *p;
    uint64_t                  online;
    ngx_http_socketio_run_t  *r;

    r = run->ctx;

    p = sio_scratch_alloc(run->scratch, NGX_INT64_LEN);
    if (p == NULL) {
        return SIO_NOMEM;
    }

    online = ngx_http_socketio_presence_online(r->hub->conf, run->nsp);

    *out = sio_str(p, ngx_sprintf(p, "%uL", online) - p);

    return SIO_OK;
}


static int
ngx_http_socketio_value_online_compile(sio_compile_t *c, sio_value_t *value)
{
    ngx_http_socketio_presence_needed(c->ctx, "$online");

    return SIO_OK;
}
