/*
 * Directives of rules: on, api, and the verbs inside of them.
 *
 * A verb's directive does nothing but hand its arguments to the compiler.  A
 * feature with verbs of its own has a module like this one, with its own
 * table of verbs handed to ngx_http_socketio_rule_verb() as cmd->post.
 */


#include "http/ngx_http_socketio_compile.h"
#include "http/ngx_http_socketio_presence_module.h"
#include "http/ngx_http_socketio_rule_module.h"


static char *ngx_http_socketio_on(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_on_event(ngx_conf_t *cf, unsigned source,
    sio_rules_t *rules, sio_str_t pattern, sio_str_t target);
static char *ngx_http_socketio_on_life(ngx_conf_t *cf, ngx_str_t *name,
    unsigned source, sio_rule_t **rule);
static char *ngx_http_socketio_api_rule(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_target(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_rule_block(ngx_conf_t *cf);
static void ngx_http_socketio_rule_settle(ngx_http_socketio_conf_ctx_t *ctx);
static char *ngx_http_socketio_when(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_socketio_otherwise(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#define ngx_http_socketio_verb(name)                                          \
    { ngx_string(name),                                                       \
      NGX_SOCKETIO_RULE_CONF|NGX_CONF_ANY,                                    \
      ngx_http_socketio_rule_verb,                                            \
      0,                                                                      \
      0,                                                                      \
      NULL }


static ngx_command_t  ngx_http_socketio_rule_commands[] = {

    { ngx_string("on"),
      NGX_SOCKETIO_NAMESPACE_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_socketio_on,
      0,
      0,
      NULL },

    { ngx_string("api"),
      NGX_SOCKETIO_NAMESPACE_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE12,
      ngx_http_socketio_api_rule,
      0,
      0,
      NULL },

    { ngx_string("target"),
      NGX_SOCKETIO_NAMESPACE_CONF|NGX_CONF_2MORE,
      ngx_http_socketio_target,
      0,
      0,
      NULL },

    { ngx_string("when"),
      NGX_SOCKETIO_RULE_CONF|NGX_CONF_BLOCK|NGX_CONF_1MORE,
      ngx_http_socketio_when,
      0,
      0,
      NULL },

    { ngx_string("otherwise"),
      NGX_SOCKETIO_RULE_CONF|NGX_CONF_BLOCK|NGX_CONF_NOARGS,
      ngx_http_socketio_otherwise,
      0,
      0,
      NULL },

    ngx_http_socketio_verb("expect"),
    ngx_http_socketio_verb("check"),
    ngx_http_socketio_verb("join"),
    ngx_http_socketio_verb("leave"),
    ngx_http_socketio_verb("emit"),
    ngx_http_socketio_verb("relay"),
    ngx_http_socketio_verb("ack"),
    ngx_http_socketio_verb("reject"),
    ngx_http_socketio_verb("set"),
    ngx_http_socketio_verb("limit"),
    ngx_http_socketio_verb("dedup"),
    ngx_http_socketio_verb("count"),
    ngx_http_socketio_verb("mailbox"),
    ngx_http_socketio_verb("forward"),
    ngx_http_socketio_verb("disconnect"),

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_rule_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_rule_commands,
    .type = NGX_SOCKETIO_MODULE
};


static char *
ngx_http_socketio_on(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                      *value;
    ngx_http_socketio_conf_ctx_t   *ctx;
    ngx_http_socketio_namespace_t  *nsp;

    ctx = cf->ctx;
    nsp = ctx->nsp;
    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "connect") == 0) {
        return ngx_http_socketio_on_life(cf, &value[1], SIO_SOURCE_CONNECT,
                                         &nsp->connect);
    }

    if (ngx_strcmp(value[1].data, "disconnect") == 0) {
        return ngx_http_socketio_on_life(cf, &value[1], SIO_SOURCE_DISCONNECT,
                                         &nsp->disconnect);
    }

    if (ngx_strcmp(value[1].data, "online") == 0) {
        ngx_http_socketio_presence_needed(cf, "on online");
        return ngx_http_socketio_on_life(cf, &value[1], SIO_SOURCE_ONLINE,
                                         &nsp->online);
    }

    if (ngx_strcmp(value[1].data, "offline") == 0) {
        ngx_http_socketio_presence_needed(cf, "on offline");
        return ngx_http_socketio_on_life(cf, &value[1], SIO_SOURCE_OFFLINE,
                                         &nsp->offline);
    }

    if (ngx_strncmp(value[1].data, "server:", 7) == 0) {
        return ngx_http_socketio_on_event(cf, SIO_SOURCE_SERVER,
                                          &nsp->server,
                                          sio_str(value[1].data + 7,
                                                  value[1].len - 7),
                                          sio_str(NULL, 0));
    }

    return ngx_http_socketio_on_event(cf, SIO_SOURCE_EVENT, &nsp->events,
                                      sio_str(value[1].data, value[1].len),
                                      sio_str(NULL, 0));
}


static char *
ngx_http_socketio_on_event(ngx_conf_t *cf, unsigned source,
    sio_rules_t *rules, sio_str_t pattern, sio_str_t target)
{
    int             rc;
    char           *rv;
    sio_compile_t  *c;

    c = ngx_http_socketio_compile_begin(cf, source);
    if (c == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = sio_rules_add(c, rules, pattern, target);
    rv = ngx_http_socketio_compile_result(cf, c, rc);

    return rv == NGX_CONF_OK ? ngx_http_socketio_rule_block(cf) : rv;
}


static char *
ngx_http_socketio_on_life(ngx_conf_t *cf, ngx_str_t *name, unsigned source,
    sio_rule_t **rule)
{
    int             rc;
    char           *rv;
    sio_compile_t  *c;

    if (*rule) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate rule \"on %V\"", name);
        return NGX_CONF_ERROR;
    }

    c = ngx_http_socketio_compile_begin(cf, source);
    *rule = ngx_pcalloc(cf->pool, sizeof(sio_rule_t));

    if (c == NULL || *rule == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = sio_rule_init(c, *rule, sio_str(name->data, name->len));
    rv = ngx_http_socketio_compile_result(cf, c, rc);

    return rv == NGX_CONF_OK ? ngx_http_socketio_rule_block(cf) : rv;
}


static char *
ngx_http_socketio_api_rule(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    sio_str_t                      event, target;
    ngx_str_t                     *value;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    value = cf->args->elts;

    target = sio_str(NULL, 0);
    event = sio_str(value[1].data, value[1].len);

    if (cf->args->nelts == 3) {
        target = event;
        event = sio_str(value[2].data, value[2].len);
    }

    return ngx_http_socketio_on_event(cf, SIO_SOURCE_API, &ctx->nsp->api,
                                      event, target);
}


/* target NAME ROOM...: api NAME * { emit $event to ROOM...; } */

static char *
ngx_http_socketio_target(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int                            rc;
    sio_str_t                     *args;
    ngx_uint_t                     i, n;
    ngx_str_t                     *value;
    sio_compile_t                 *c;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    value = cf->args->elts;

    c = ngx_http_socketio_compile_begin(cf, SIO_SOURCE_API);
    args = ngx_palloc(cf->pool, (cf->args->nelts + 1) * sizeof(sio_str_t));

    if (c == NULL || args == NULL) {
        return NGX_CONF_ERROR;
    }

    n = 0;
    args[n++] = sio_cstr("emit");
    args[n++] = sio_cstr("$event");
    args[n++] = sio_cstr("to");

    for (i = 2; i < cf->args->nelts; i++) {
        args[n++] = sio_str(value[i].data, value[i].len);
    }

    rc = sio_rules_add(c, &ctx->nsp->api, sio_cstr("*"),
                       sio_str(value[1].data, value[1].len));

    if (rc == SIO_OK) {
        rc = sio_rule_compile(c, NULL, args, n);
    }

    ngx_http_socketio_compile_end(cf);

    return ngx_http_socketio_compile_result(cf, c, rc);
}


/* The block of a rule that ctx->compile has begun. */

static char *
ngx_http_socketio_rule_block(ngx_conf_t *cf)
{
    char                          *rv;
    ngx_conf_t                     save;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    ctx->when = 0;

    save = *cf;
    cf->cmd_type = NGX_SOCKETIO_RULE_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv == NGX_CONF_OK) {
        ngx_http_socketio_rule_settle(ctx);
    }

    ngx_http_socketio_compile_end(cf);

    return rv;
}


char *
ngx_http_socketio_rule_verb(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int                            rc;
    sio_str_t                     *args;
    sio_compile_t                 *c;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    c = ctx->compile;

    ngx_http_socketio_rule_settle(ctx);

    args = ngx_http_socketio_compile_args(cf);
    if (args == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_socketio_compile_line(cf, c);
    rc = sio_rule_compile(c, cmd->post, args, cf->args->nelts);

    ctx->app->asks_online |= c->online;

    if (c->mailbox && ctx->app->mailbox_line == 0) {
        ctx->app->mailbox_file = cf->conf_file->file.name.data;
        ctx->app->mailbox_line = cf->conf_file->line;
    }

    return ngx_http_socketio_compile_result(cf, c, rc);
}


/* A "when" waits for its "otherwise"; anything else ends it. */

static void
ngx_http_socketio_rule_settle(ngx_http_socketio_conf_ctx_t *ctx)
{
    if (ctx->when) {
        ctx->when = 0;
        sio_rule_end(ctx->compile, ctx->mark);
    }
}


static char *
ngx_http_socketio_when(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int                            rc;
    char                          *rv;
    unsigned                       mark;
    sio_str_t                     *args;
    sio_compile_t                 *c;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;
    c = ctx->compile;

    ngx_http_socketio_rule_settle(ctx);

    args = ngx_http_socketio_compile_args(cf);
    if (args == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_socketio_compile_line(cf, c);

    rc = sio_rule_when(c, args, cf->args->nelts, &mark);
    rv = ngx_http_socketio_compile_result(cf, c, rc);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_conf_parse(cf, NULL);

    if (rv == NGX_CONF_OK) {
        ngx_http_socketio_rule_settle(ctx);
        ctx->when = 1;
        ctx->mark = mark;
    }

    return rv;
}


static char *
ngx_http_socketio_otherwise(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int                            rc;
    char                          *rv;
    unsigned                       mark;
    ngx_http_socketio_conf_ctx_t  *ctx;

    ctx = cf->ctx;

    if (!ctx->when) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"otherwise\" must stand right behind the block "
                           "of a \"when\"");
        return NGX_CONF_ERROR;
    }

    ctx->when = 0;
    mark = ctx->mark;

    rc = sio_rule_otherwise(ctx->compile, &mark);
    rv = ngx_http_socketio_compile_result(cf, ctx->compile, rc);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_conf_parse(cf, NULL);

    if (rv == NGX_CONF_OK) {
        ngx_http_socketio_rule_settle(ctx);
        sio_rule_end(ctx->compile, mark);
    }

    return rv;
}
