/*
 * What the modules of this folder share: the apps of the configuration.
 *
 * Each file with directives is an ngx_module_t of its own:
 *
 *     module        socketio_app, the life of zones and workers
 *     app_module    zone, namespace
 *     auth          authenticate
 *     mailbox       mailbox
 *     rule_module   on, api and the verbs
 *     presence      presence, $online
 *     engine        socketio and the Engine.IO directives of a location
 *     api           socketio_api, socketio_api_key_file
 *     status        socketio_status, socketio_health
 *
 * Directives inside of socketio_app belong to modules of an own type, as
 * those of stream and mail do, so that a feature brings its own.
 */


#ifndef _NGX_HTTP_SOCKETIO_MODULE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "hub/ngx_http_socketio_hub.h"


/* The type of modules whose directives stand inside of socketio_app. */

#define NGX_SOCKETIO_MODULE           0x004f4953     /* "SIO" */

#define NGX_SOCKETIO_APP_CONF         0x02000000
#define NGX_SOCKETIO_NAMESPACE_CONF   0x04000000
#define NGX_SOCKETIO_RULE_CONF        0x08000000


/* What cf->ctx is inside of socketio_app. */

typedef struct {
    void                           **conf;     /* NULL: cf->ctx is at hand */
    ngx_http_conf_ctx_t             *http;     /* of the http block */
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t   *nsp;      /* inside of namespace */
    sio_compile_t                   *compile;  /* inside of a rule */
    unsigned                         mark;     /* of a "when", */
    unsigned                         when:1;   /* which is not ended yet */
} ngx_http_socketio_conf_ctx_t;


/* A location whose requests a directive of ours answers. */

typedef struct {
    void                           **loc_conf;
    ngx_http_handler_pt              handler;
    u_char                          *file;
    ngx_uint_t                       line;
} ngx_http_socketio_location_t;


typedef struct {
    ngx_array_t                      apps;     /* of pointers */
    ngx_array_t                      locations;
} ngx_http_socketio_main_conf_t;


extern ngx_module_t  ngx_http_socketio_module;


/*
 * The app of a name, for directives of locations.  It may be defined later in
 * the file: one that never is fails the configuration, at the file and line
 * of this reference.  NULL: no memory.
 */
ngx_http_socketio_app_t *ngx_http_socketio_app_get(ngx_conf_t *cf,
    ngx_str_t *name);

/*
 * The requests of the location that is being read are handler's.  Another
 * directive that answers them, before it or behind, fails the configuration.
 * Results are those of a directive.
 */
char *ngx_http_socketio_location_take(ngx_conf_t *cf,
    ngx_http_handler_pt handler);

/* All apps (pointers) that a worker's configuration has, maybe none. */

const ngx_array_t *ngx_http_socketio_apps(ngx_cycle_t *cycle);

/* The zone of an app: shm_zone->init. */

ngx_int_t ngx_http_socketio_zone_init(ngx_shm_zone_t *shm_zone, void *data);


#endif /* _NGX_HTTP_SOCKETIO_MODULE_H_INCLUDED_ */
