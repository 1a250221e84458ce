/*
 * The module: socketio_app blocks, their zones, and the hubs of a worker.
 *
 * The zone's name is the app's, its tag is this module.  It survives a
 * reload with the same size: the new configuration's workers go on with what
 * is in it.  With another size it is a new one, and workers of the two
 * generations don't hear of each other until the old ones are gone.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_presence_module.h"
#include "http/ngx_http_socketio_webhook_module.h"
#include "hub/ngx_http_socketio_call.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_mail_store.h"

#include <sys/random.h>


/* Bounds that are not configured.  Documented in docs/architecture.md. */

#define NGX_HTTP_SOCKETIO_JSON_DEPTH    64
#define NGX_HTTP_SOCKETIO_JSON_KEYS     100000
#define NGX_HTTP_SOCKETIO_MAX_NSP       256       /* bytes of a name */
#define NGX_HTTP_SOCKETIO_MAX_ROOMS     1000      /* of a socket */
#define NGX_HTTP_SOCKETIO_MAX_NSPS      64        /* of a client */
#define NGX_HTTP_SOCKETIO_MAX_DYNAMIC   100000    /* in a worker */


static void *ngx_http_socketio_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_socketio_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_socketio_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_socketio_init_process(ngx_cycle_t *cycle);
static void ngx_http_socketio_exit_process(ngx_cycle_t *cycle);
static char *ngx_http_socketio_app_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_socketio_app_check(ngx_conf_t *cf,
    ngx_http_socketio_app_t *app);
static ngx_int_t ngx_http_socketio_locations_check(ngx_conf_t *cf,
    ngx_array_t *locations);
static ngx_int_t ngx_http_socketio_variable_known(ngx_conf_t *cf,
    ngx_str_t *name);


/* Raised by each configuration: the generation of its workers. */

static ngx_uint_t  ngx_http_socketio_generation;


static ngx_command_t  ngx_http_socketio_commands[] = {

    { ngx_string("socketio_app"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_socketio_app_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_module_ctx = {
    .postconfiguration = ngx_http_socketio_postconfiguration,
    .create_main_conf = ngx_http_socketio_create_main_conf
};


ngx_module_t  ngx_http_socketio_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_module_ctx,
    .commands = ngx_http_socketio_commands,
    .type = NGX_HTTP_MODULE,
    .init_module = ngx_http_socketio_init_module,
    .init_process = ngx_http_socketio_init_process,
    .exit_process = ngx_http_socketio_exit_process
};


static void *
ngx_http_socketio_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_socketio_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_main_conf_t));
    if (smcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&smcf->apps, cf->pool, 2,
                       sizeof(ngx_http_socketio_app_t *))
        != NGX_OK
        || ngx_array_init(&smcf->locations, cf->pool, 4,
                          sizeof(ngx_http_socketio_location_t))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


ngx_http_socketio_app_t *
ngx_http_socketio_app_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                      i;
    ngx_http_socketio_app_t        *app, **apps;
    ngx_http_socketio_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_socketio_module);

    apps = smcf->apps.elts;

    for (i = 0; i < smcf->apps.nelts; i++) {
        if (apps[i]->name.len == name->len
            && ngx_strncmp(apps[i]->name.data, name->data, name->len) == 0)
        {
            return apps[i];
        }
    }

    app = ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_app_t));
    if (app == NULL) {
        return NULL;
    }

    app->name = *name;
    app->index = smcf->apps.nelts;
    app->file = cf->conf_file->file.name.data;
    app->line = cf->conf_file->line;

    app->limits.packet.json.max_depth = NGX_HTTP_SOCKETIO_JSON_DEPTH;
    app->limits.packet.json.max_keys = NGX_HTTP_SOCKETIO_JSON_KEYS;
    app->limits.packet.max_attachments = SIO_ATTACHMENTS;
    app->limits.packet.max_nsp = NGX_HTTP_SOCKETIO_MAX_NSP;
    app->limits.max_rooms = NGX_HTTP_SOCKETIO_MAX_ROOMS;
    app->limits.max_namespaces = NGX_HTTP_SOCKETIO_MAX_NSPS;
    app->limits.max_dynamic = NGX_HTTP_SOCKETIO_MAX_DYNAMIC;

    if (ngx_array_init(&app->namespaces, cf->pool, 4,
                       sizeof(ngx_http_socketio_namespace_t *))
        != NGX_OK
        || ngx_array_init(&app->webhooks, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&app->variables, cf->pool, 4,
                          sizeof(ngx_http_socketio_variable_t))
           != NGX_OK)
    {
        return NULL;
    }

    if (getrandom(&app->hash, sizeof(sio_hash_key_t), 0)
        != sizeof(sio_hash_key_t))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "getrandom() failed");
        return NULL;
    }

    apps = ngx_array_push(&smcf->apps);
    if (apps == NULL) {
        return NULL;
    }

    *apps = app;

    return app;
}


static char *
ngx_http_socketio_app_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                          *rv;
    ngx_str_t                     *value;
    ngx_conf_t                     save;
    ngx_http_socketio_app_t       *app;
    ngx_http_socketio_conf_ctx_t   ctx;

    value = cf->args->elts;

    app = ngx_http_socketio_app_get(cf, &value[1]);
    if (app == NULL) {
        return NGX_CONF_ERROR;
    }

    if (app->defined) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate socketio_app \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (!sio_name_valid(sio_str(value[1].data, value[1].len),
                        NGX_HTTP_SOCKETIO_MAX_NSP))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no name for an app: 1 to %d bytes of "
                           "UTF-8 without control characters", &value[1],
                           NGX_HTTP_SOCKETIO_MAX_NSP);
        return NGX_CONF_ERROR;
    }

    app->defined = 1;
    app->file = cf->conf_file->file.name.data;
    app->line = cf->conf_file->line;

    ngx_memzero(&ctx, sizeof(ngx_http_socketio_conf_ctx_t));

    ctx.http = cf->ctx;
    ctx.app = app;

    save = *cf;

    cf->ctx = &ctx;
    cf->module_type = NGX_SOCKETIO_MODULE;
    cf->cmd_type = NGX_SOCKETIO_APP_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (app->shm_zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "socketio_app \"%V\" must have \"zone\"",
                           &app->name);
        return NGX_CONF_ERROR;
    }

    return ngx_http_socketio_presence_check(cf, app);
}


static ngx_int_t
ngx_http_socketio_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                      i;
    ngx_http_socketio_app_t       **apps;
    ngx_http_socketio_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_socketio_module);

    apps = smcf->apps.elts;

    for (i = 0; i < smcf->apps.nelts; i++) {
        if (ngx_http_socketio_app_check(cf, apps[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_socketio_webhook_check(cf, apps[i]);
    }

    return ngx_http_socketio_locations_check(cf, &smcf->locations);
}


char *
ngx_http_socketio_location_take(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_socketio_location_t   *location;
    ngx_http_socketio_main_conf_t  *smcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_socketio_module);

    if (clcf->handler) {
        return "stands in a location that another directive answers";
    }

    location = ngx_array_push(&smcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    location->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;
    location->handler = handler;
    location->file = cf->conf_file->file.name.data;
    location->line = cf->conf_file->line;

    clcf->handler = handler;

    return NGX_CONF_OK;
}


/* As proxy_pass behind "socketio", which nginx takes. */

static ngx_int_t
ngx_http_socketio_locations_check(ngx_conf_t *cf, ngx_array_t *locations)
{
    ngx_uint_t                     i;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_socketio_location_t  *location;

    location = locations->elts;

    for (i = 0; i < locations->nelts; i++) {
        clcf = location[i].loc_conf[ngx_http_core_module.ctx_index];

        if (clcf->handler != location[i].handler) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "another directive answers the location of this "
                          "one in %s:%ui", location[i].file,
                          location[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* What can't be known before the whole file was read. */

static ngx_int_t
ngx_http_socketio_app_check(ngx_conf_t *cf, ngx_http_socketio_app_t *app)
{
    ngx_uint_t                     i;
    ngx_http_socketio_variable_t  *v;

    if (!app->defined) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown socketio app \"%V\" in %s:%ui",
                      &app->name, app->file, app->line);
        return NGX_ERROR;
    }

    if (app->mailbox_line && app->mailbox_max == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "socketio_app \"%V\" has no mailboxes, a rule with one "
                      "needs \"mailbox\" beside \"zone\" in %s:%ui",
                      &app->name, app->mailbox_file, app->mailbox_line);
        return NGX_ERROR;
    }

    if (app->mailbox_store == &ngx_http_socketio_mail_home
        && app->redis == NULL)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"store=redis\" needs \"redis\" in socketio_app "
                      "\"%V\" in %s:%ui", &app->name,
                      app->mailbox_store_file, app->mailbox_store_line);
        return NGX_ERROR;
    }

    v = app->variables.elts;

    for (i = 0; i < app->variables.nelts; i++) {
        if (ngx_http_socketio_variable_known(cf, &v[i].name) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown %s \"$%V\": %s nginx variable in %s:%ui",
                          v[i].value ? "value" : "variable", &v[i].name,
                          v[i].value
                          ? "neither a value of the rule language nor an"
                          : "there is no such",
                          v[i].file, v[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_variable_known(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncasecmp(key[i].key.data, name->data, name->len) == 0)
        {
            return NGX_OK;
        }
    }

    v = cmcf->prefix_variables.elts;

    for (i = 0; i < cmcf->prefix_variables.nelts; i++) {
        if (name->len > v[i].name.len
            && ngx_strncasecmp(v[i].name.data, name->data, v[i].name.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_socketio_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                         size;
    sio_hash_key_t                 key;
    ngx_slab_pool_t               *shpool;
    ngx_http_socketio_zone_t      *zone;
    ngx_http_socketio_shm_plan_t   plan;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone = data;

    if (zone == NULL && shm_zone->shm.exists) {
        zone = shpool->data;
    }

    if (zone) {
        if (zone->size > shm_zone->shm.size
            || !ngx_http_socketio_shm_valid(zone, zone->size))
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "socketio zone \"%V\" is of another build: restart "
                          "nginx", &shm_zone->shm.name);
            return NGX_ERROR;
        }

        shm_zone->data = zone;
        return NGX_OK;
    }

    size = shpool->pfree * ngx_pagesize;

    if (ngx_http_socketio_shm_plan(size, &plan) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "socketio zone \"%V\" is too small",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    zone = ngx_slab_alloc(shpool, plan.total);

    if (zone == NULL
        || getrandom(&key, sizeof(sio_hash_key_t), 0)
           != sizeof(sio_hash_key_t))
    {
        return NGX_ERROR;
    }

    ngx_http_socketio_shm_format(zone, &plan, &key);

    shpool->data = zone;
    shm_zone->data = zone;

    return NGX_OK;
}


const ngx_array_t *
ngx_http_socketio_apps(ngx_cycle_t *cycle)
{
    ngx_http_socketio_main_conf_t  *smcf;

    static const ngx_array_t  none;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_socketio_module);

    return smcf ? &smcf->apps : &none;
}


static ngx_int_t
ngx_http_socketio_init_module(ngx_cycle_t *cycle)
{
    if (ngx_test_config || ngx_http_socketio_apps(cycle)->nelts == 0) {
        return NGX_OK;
    }

    ngx_http_socketio_generation++;

    return ngx_http_socketio_channel_init(cycle);
}


static ngx_int_t
ngx_http_socketio_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                  i;
    const ngx_array_t          *apps;
    ngx_http_socketio_app_t   **app;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    apps = ngx_http_socketio_apps(cycle);
    if (apps->nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_socketio_channel_open(cycle) == NGX_ERROR) {
        return NGX_ERROR;
    }

    app = apps->elts;

    for (i = 0; i < apps->nelts; i++) {

        /* logged; requests are answered by 503 */

        (void) ngx_http_socketio_hub_init(app[i], cycle,
                                          ngx_http_socketio_generation);
    }

    return NGX_OK;
}


static void
ngx_http_socketio_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                  i;
    const ngx_array_t          *apps;
    ngx_http_socketio_app_t   **app;

    apps = ngx_http_socketio_apps(cycle);
    app = apps->elts;

    if (apps->nelts == 0) {
        return;
    }

    for (i = 0; i < apps->nelts; i++) {
        if (app[i]->hub == NULL) {
            continue;
        }

        /* rules that run because clients are gone call nobody any more */

        if (app[i]->hub->caller) {
            app[i]->hub->caller->cleanup(app[i]->hub);
        }

        ngx_http_socketio_hub_cleanup(app[i]->hub);
    }

    ngx_http_socketio_channel_close();
}
