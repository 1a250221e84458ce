/*
 * Directives of ours where they can't stand: said with the block that they
 * belong into, since a preset that is included one block too high has a
 * message about its first line otherwise.
 *
 * This is the last of our modules (see config): nginx looks for a directive
 * in the order of the modules, so what comes here stood in no block that
 * takes it.  The module is of the core's type, as "include" is, to be asked
 * in all blocks; names that other modules have too ("api", "redis", "set",
 * "check", "limit") are left to nginx's own message.
 */


#include "http/ngx_http_socketio_module.h"


/*
 * Any block.  With main among them nginx hands out an address in cf->ctx and
 * reads nothing there.
 */
#define NGX_HTTP_SOCKETIO_ANYWHERE  (NGX_ANY_CONF|NGX_MAIN_CONF|NGX_CONF_ANY)


#define ngx_http_socketio_place(name, type, block)                            \
    { ngx_string(name),                                                       \
      NGX_HTTP_SOCKETIO_ANYWHERE|type,                                        \
      ngx_http_socketio_misplaced,                                            \
      0,                                                                      \
      0,                                                                      \
      ngx_http_socketio_place_##block }


static char *ngx_http_socketio_misplaced(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static char  ngx_http_socketio_place_app[] =
    "is not allowed here, it stands in a \"socketio_app\" block, "
    "beside \"zone\"";

static char  ngx_http_socketio_place_namespace[] =
    "is not allowed here, it stands in a \"namespace\" block of a "
    "\"socketio_app\", and so does an \"include\" of it";

static char  ngx_http_socketio_place_rule[] =
    "is not allowed here, it stands in a rule, as \"on EVENT { ... }\"";

static char  ngx_http_socketio_place_location[] =
    "is not allowed here, it stands beside \"socketio\" in a "
    "\"location\", or in \"server\" or \"http\"";


static ngx_command_t  ngx_http_socketio_place_commands[] = {

    ngx_http_socketio_place("mailbox", 0, app),
    ngx_http_socketio_place("presence", 0, app),
    ngx_http_socketio_place("recovery", 0, app),
    ngx_http_socketio_place("webhook_key_file", 0, app),
    ngx_http_socketio_place("namespace", NGX_CONF_BLOCK, app),

    ngx_http_socketio_place("on", NGX_CONF_BLOCK, namespace),
    ngx_http_socketio_place("target", 0, namespace),
    ngx_http_socketio_place("authenticate", 0, namespace),

    ngx_http_socketio_place("expect", 0, rule),
    ngx_http_socketio_place("emit", 0, rule),
    ngx_http_socketio_place("relay", 0, rule),
    ngx_http_socketio_place("join", 0, rule),
    ngx_http_socketio_place("leave", 0, rule),
    ngx_http_socketio_place("ack", 0, rule),

    ngx_http_socketio_place("socketio_transports", 0, location),
    ngx_http_socketio_place("socketio_ping_interval", 0, location),
    ngx_http_socketio_place("socketio_ping_timeout", 0, location),
    ngx_http_socketio_place("socketio_upgrade_timeout", 0, location),
    ngx_http_socketio_place("socketio_connect_timeout", 0, location),
    ngx_http_socketio_place("socketio_max_payload", 0, location),
    ngx_http_socketio_place("socketio_max_packets", 0, location),
    ngx_http_socketio_place("socketio_origin", 0, location),
    ngx_http_socketio_place("socketio_cookie", 0, location),
    ngx_http_socketio_place("socketio_buffer", 0, location),
    ngx_http_socketio_place("socketio_deflate", 0, location),
    ngx_http_socketio_place("socketio_limit", 0, location),
    ngx_http_socketio_place("socketio_limit_conn", 0, location),
    ngx_http_socketio_place("socketio_limit_status", 0, location),
    ngx_http_socketio_place("socketio_limit_log_level", 0, location),
    ngx_http_socketio_place("socketio_limit_dry_run", 0, location),
    ngx_http_socketio_place("socketio_slow_consumer", 0, location),
    ngx_http_socketio_place("socketio_dry_run", 0, location),

      ngx_null_command
};


ngx_module_t  ngx_http_socketio_place_module = {
    NGX_MODULE_V1,
    .commands = ngx_http_socketio_place_commands,
    .type = NGX_CONF_MODULE
};


static char *
ngx_http_socketio_misplaced(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return cmd->post;
}
