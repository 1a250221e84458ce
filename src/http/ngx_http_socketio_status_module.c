/*
 * Status and health.
 *
 *     socketio_status APP [format=json|prometheus]   counters of all workers
 *     socketio_health APP                            200, or 503 with reasons
 *
 * Status reads what the workers wrote into the zone; it waits for nobody, so
 * what is summed was not true at one and the same moment.  Health is about
 * the worker that answers and the zone it uses.
 */


#include "http/ngx_http_socketio_module.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_presence.h"
#include "shm/ngx_http_socketio_shm_log.h"
#include "codec/sio_json.h"
#include "codec/sio_metrics.h"


/* Of a zone's cells or chunks, percent. */

#define NGX_HTTP_SOCKETIO_HEALTH_FULL  95


typedef struct {
    ngx_http_socketio_app_t  *app;
    ngx_http_handler_pt       handler;       /* of status or of health */
    ngx_uint_t                prometheus;
} ngx_http_socketio_status_conf_t;


typedef struct {
    const char                *group;        /* an object of its own, or "" */
    const char                *name;
    ngx_http_socketio_stat_e   stat;
} ngx_http_socketio_status_counter_t;


static ngx_int_t ngx_http_socketio_status_handler(ngx_http_request_t *r);
static void ngx_http_socketio_status_prometheus(
    ngx_http_socketio_json_t *json, ngx_http_socketio_app_t *app);
static void ngx_http_socketio_status_worker(ngx_http_socketio_json_t *json,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n);
static void ngx_http_socketio_status_counters(ngx_http_socketio_json_t *json,
    ngx_atomic_t *stat);
static void ngx_http_socketio_status_namespaces(
    ngx_http_socketio_json_t *json, ngx_http_socketio_app_t *app,
    ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_status_hosts(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_status_zone(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_status_store(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_status_log(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone);
static ngx_int_t ngx_http_socketio_health_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_socketio_health_full(ngx_atomic_uint_t used,
    uint32_t all);
static ngx_int_t ngx_http_socketio_status_method(ngx_http_request_t *r);
static void *ngx_http_socketio_status_create_conf(ngx_conf_t *cf);
static char *ngx_http_socketio_status_merge_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_socketio_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_socketio_status_commands[] = {

    { ngx_string("socketio_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_socketio_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_socketio_status_handler },

    { ngx_string("socketio_health"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_socketio_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      ngx_http_socketio_health_handler },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_socketio_status_module_ctx = {
    .create_loc_conf = ngx_http_socketio_status_create_conf,
    .merge_loc_conf = ngx_http_socketio_status_merge_conf
};


ngx_module_t  ngx_http_socketio_status_module = {
    NGX_MODULE_V1,
    .ctx = &ngx_http_socketio_status_module_ctx,
    .commands = ngx_http_socketio_status_commands,
    .type = NGX_HTTP_MODULE
};


/* What the slots count; a group stands together. */

static const ngx_http_socketio_status_counter_t
    ngx_http_socketio_status_list[] =
{
    { "sessions", "polling", NGX_HTTP_SOCKETIO_STAT_SESSIONS_POLLING },
    { "sessions", "websocket", NGX_HTTP_SOCKETIO_STAT_SESSIONS_WEBSOCKET },

    { "", "sockets", NGX_HTTP_SOCKETIO_STAT_SOCKETS },
    { "", "rooms", NGX_HTTP_SOCKETIO_STAT_ROOMS },
    { "", "longest_turn_msec", NGX_HTTP_SOCKETIO_STAT_LONGEST },
    { "", "opened", NGX_HTTP_SOCKETIO_STAT_OPENED },
    { "", "closed", NGX_HTTP_SOCKETIO_STAT_CLOSED },
    { "", "packets_in", NGX_HTTP_SOCKETIO_STAT_PACKETS_IN },
    { "", "packets_out", NGX_HTTP_SOCKETIO_STAT_PACKETS_OUT },
    { "", "bytes_in", NGX_HTTP_SOCKETIO_STAT_BYTES_IN },
    { "", "bytes_out", NGX_HTTP_SOCKETIO_STAT_BYTES_OUT },
    { "", "events_in", NGX_HTTP_SOCKETIO_STAT_EVENTS_IN },
    { "", "delivered", NGX_HTTP_SOCKETIO_STAT_DELIVERED },
    { "", "broadcasts", NGX_HTTP_SOCKETIO_STAT_BROADCASTS },
    { "", "emits", NGX_HTTP_SOCKETIO_STAT_EMITS },
    { "", "presence", NGX_HTTP_SOCKETIO_STAT_PRESENCE },
    { "", "repeated", NGX_HTTP_SOCKETIO_STAT_REPEATED },
    { "", "forwarded", NGX_HTTP_SOCKETIO_STAT_FORWARDED },
    { "", "moved_in", NGX_HTTP_SOCKETIO_STAT_MOVED_IN },
    { "", "moved_out", NGX_HTTP_SOCKETIO_STAT_MOVED_OUT },
    { "", "channel_out", NGX_HTTP_SOCKETIO_STAT_CHANNEL_OUT },
    { "", "channel_in", NGX_HTTP_SOCKETIO_STAT_CHANNEL_IN },
    { "", "wakeups", NGX_HTTP_SOCKETIO_STAT_WAKEUPS },

    { "mailbox", "stored", NGX_HTTP_SOCKETIO_STAT_MAIL_STORED },
    { "mailbox", "delivered", NGX_HTTP_SOCKETIO_STAT_MAIL_DELIVERED },
    { "mailbox", "proved", NGX_HTTP_SOCKETIO_STAT_MAIL_PROVED },
    { "mailbox", "redelivered", NGX_HTTP_SOCKETIO_STAT_MAIL_REDELIVERED },
    { "mailbox", "expired", NGX_HTTP_SOCKETIO_STAT_MAIL_EXPIRED },
    { "mailbox", "dropped", NGX_HTTP_SOCKETIO_STAT_MAIL_DROPPED },
    { "mailbox", "held", NGX_HTTP_SOCKETIO_STAT_MAIL_HELD },

    { "recovery", "recovered", NGX_HTTP_SOCKETIO_STAT_RECOVERED },
    { "recovery", "refused", NGX_HTTP_SOCKETIO_STAT_RECOVERY_REFUSED },
    { "recovery", "events", NGX_HTTP_SOCKETIO_STAT_RECOVERY_EVENTS },

    { "drops", "volatile", NGX_HTTP_SOCKETIO_STAT_DROP_VOLATILE },
    { "drops", "slow", NGX_HTTP_SOCKETIO_STAT_DROP_SLOW },
    { "drops", "ring", NGX_HTTP_SOCKETIO_STAT_DROP_RING },
    { "drops", "zone", NGX_HTTP_SOCKETIO_STAT_DROP_ZONE },
    { "drops", "refused", NGX_HTTP_SOCKETIO_STAT_DROP_REFUSED },
    { "drops", "dry_run", NGX_HTTP_SOCKETIO_STAT_DROP_DRY_RUN },
    { "drops", "mailbox", NGX_HTTP_SOCKETIO_STAT_DROP_MAILBOX },
    { "drops", "slow_events", NGX_HTTP_SOCKETIO_STAT_DROP_LOST },
    { "drops", "limit_packets", NGX_HTTP_SOCKETIO_STAT_LIMIT_PACKETS },
    { "drops", "limit_connections", NGX_HTTP_SOCKETIO_STAT_LIMIT_CONNECTIONS },
    { "drops", "limit_dry_run", NGX_HTTP_SOCKETIO_STAT_LIMIT_DRY_RUN },
    { "drops", "backlog", NGX_HTTP_SOCKETIO_STAT_DROP_BACKLOG },
    { "drops", "recovery", NGX_HTTP_SOCKETIO_STAT_DROP_RECOVERY },

    { "redis", "publishers", NGX_HTTP_SOCKETIO_STAT_REDIS_UP },
    { "redis", "subscribers", NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER },
    { "redis", "lost", NGX_HTTP_SOCKETIO_STAT_REDIS_LOST },
    { "redis", "published", NGX_HTTP_SOCKETIO_STAT_REDIS_OUT },
    { "redis", "received", NGX_HTTP_SOCKETIO_STAT_REDIS_IN },
    { "redis", "dropped", NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED },
    { "redis", "malformed", NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED },
    { "redis", "missed", NGX_HTTP_SOCKETIO_STAT_REDIS_MISSED },

    { "webhook", "calls", NGX_HTTP_SOCKETIO_STAT_CALLS },
    { "webhook", "running", NGX_HTTP_SOCKETIO_STAT_CALLS_RUNNING },
    { "webhook", "waiting", NGX_HTTP_SOCKETIO_STAT_CALLS_WAITING },
    { "webhook", "refused", NGX_HTTP_SOCKETIO_STAT_CALLS_REFUSED },
    { "webhook", "failed", NGX_HTTP_SOCKETIO_STAT_CALLS_FAILED },
    { "webhook", "retried", NGX_HTTP_SOCKETIO_STAT_CALLS_RETRIED },
    { "webhook", "dropped", NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED },
    { "webhook", "open", NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN },

    { NULL, NULL, 0 }
};


static const char  *const ngx_http_socketio_status_kinds[] = {
    [NGX_HTTP_SOCKETIO_STORE_MAIL] = "mail",
    [NGX_HTTP_SOCKETIO_STORE_GRANT] = "grant",
    [NGX_HTTP_SOCKETIO_STORE_PRESENCE] = "presence",
    [NGX_HTTP_SOCKETIO_STORE_LIMIT] = "limit",
    [NGX_HTTP_SOCKETIO_STORE_DEDUP] = "dedup",
    [NGX_HTTP_SOCKETIO_STORE_EMIT] = "emit",
    [NGX_HTTP_SOCKETIO_STORE_OUTBOX] = "outbox",
    [NGX_HTTP_SOCKETIO_STORE_RECOVERY] = "recovery",
    [NGX_HTTP_SOCKETIO_STORE_REVOKED] = "revoked",
    [NGX_HTTP_SOCKETIO_STORE_KINDS] = NULL
};


static ngx_int_t
ngx_http_socketio_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                         rc;
    ngx_uint_t                        n, i, any, live;
    ngx_atomic_uint_t                 total[NGX_HTTP_SOCKETIO_STAT_N];
    ngx_http_socketio_app_t          *app;
    ngx_http_socketio_json_t          json;
    ngx_http_socketio_slot_t         *slot;
    ngx_http_socketio_zone_t         *zone;
    ngx_http_socketio_status_conf_t  *conf;

    rc = ngx_http_socketio_status_method(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_status_module);
    app = conf->app;
    zone = app->shm_zone->data;

    ngx_memzero(total, sizeof(total));

    ngx_http_socketio_json_init(&json, r);
    ngx_http_socketio_json_text(&json, "{\"app\":");
    ngx_http_socketio_json_string(&json, sio_str(app->name.data,
                                                 app->name.len));
    ngx_http_socketio_json_member(&json, "pid", ngx_pid);
    ngx_http_socketio_json_text(&json, ",\"workers\":[");

    any = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(zone, n);
        live = slot->pid != 0;

        /* a total that fell by a reload would be taken for a restart */

        for (i = live ? 0 : NGX_HTTP_SOCKETIO_STAT_RISING;
             i < NGX_HTTP_SOCKETIO_STAT_N;
             i++)
        {
            total[i] = i == NGX_HTTP_SOCKETIO_STAT_LONGEST
                       ? ngx_max(total[i], slot->stat[i])
                       : total[i] + slot->stat[i];
        }

        if (!live) {
            continue;
        }

        ngx_http_socketio_json_text(&json, any ? ",{" : "{");
        ngx_http_socketio_status_worker(&json, slot, n);
        ngx_http_socketio_json_text(&json, "}");

        any = 1;
    }

    ngx_http_socketio_json_text(&json, "],\"total\":{");
    ngx_http_socketio_status_counters(&json, total);
    ngx_http_socketio_json_text(&json, "},\"namespaces\":{");
    ngx_http_socketio_status_namespaces(&json, app, zone);
    ngx_http_socketio_json_text(&json, "},\"zone\":{");
    ngx_http_socketio_status_zone(&json, zone);
    ngx_http_socketio_json_text(&json, "}");

    if (app->redis) {
        ngx_http_socketio_status_hosts(&json, zone);
    }

    ngx_http_socketio_json_text(&json, "}");

    if (conf->prometheus && !json.failed) {
        ngx_http_socketio_status_prometheus(&json, app);
    }

    return ngx_http_socketio_json_send(&json, NGX_HTTP_OK);
}


/* The JSON of all that is no list, as metrics. */

static void
ngx_http_socketio_status_prometheus(ngx_http_socketio_json_t *json,
    ngx_http_socketio_app_t *app)
{
    int                 rc;
    sio_str_t           all, object, labels;
    sio_buf_t           label, metrics;

    static const char  *gauges[] = {
        "socketio_sessions_all",
        "socketio_sessions_polling",
        "socketio_sessions_websocket",
        "socketio_sockets",
        "socketio_rooms",
        "socketio_longest_turn_msec",
        "socketio_redis_publishers",
        "socketio_redis_subscribers",
        "socketio_webhook_running",
        "socketio_webhook_waiting",
        "socketio_webhook_open",
        NULL
    };

    all = sio_buf_str(&json->buf);

    sio_buf_init(&label, &json->mem, SIZE_MAX);
    sio_buf_init(&metrics, &json->mem, SIZE_MAX);

    rc = sio_metrics_label(&label, "app", sio_str(app->name.data,
                                                  app->name.len));
    labels = sio_buf_str(&label);

    if (rc == SIO_OK
        && sio_json_member(all, sio_cstr("total"), &object) == SIO_OK)
    {
        rc = sio_metrics_object(&metrics, sio_cstr("socketio"), labels,
                                gauges, object);
    }

    if (rc == SIO_OK
        && sio_json_member(all, sio_cstr("zone"), &object) == SIO_OK)
    {
        rc = sio_metrics_object(&metrics, sio_cstr("socketio_zone"), labels,
                                NULL, object);
    }

    if (rc == SIO_OK
        && sio_json_member(all, sio_cstr("namespaces"), &object) == SIO_OK)
    {
        rc = sio_metrics_each(&metrics, sio_cstr("socketio_namespace"),
                              labels, "namespace", object);
    }

    json->buf = metrics;
    json->metrics = 1;
    json->failed = (rc != SIO_OK);
}


static void
ngx_http_socketio_status_worker(ngx_http_socketio_json_t *json,
    ngx_http_socketio_slot_t *slot, ngx_uint_t n)
{
    ngx_http_socketio_json_member(json, "slot", n);
    ngx_http_socketio_json_member(json, "pid", slot->pid);
    ngx_http_socketio_json_member(json, "incarnation", slot->incarnation);
    ngx_http_socketio_json_member(json, "generation", slot->generation);
    ngx_http_socketio_json_text(json, slot->exiting ? ",\"exiting\":true"
                                                    : ",\"exiting\":false");
    ngx_http_socketio_json_text(json,
                            slot->pid == (ngx_atomic_uint_t) ngx_pid
                            ? ",\"self\":true," : ",\"self\":false,");
    ngx_http_socketio_status_counters(json, slot->stat);
}


static void
ngx_http_socketio_status_counters(ngx_http_socketio_json_t *json,
    ngx_atomic_t *stat)
{
    const char                                *group;
    const ngx_http_socketio_status_counter_t  *counter;

    group = "sessions";

    ngx_http_socketio_json_text(json, "\"sessions\":{");
    ngx_http_socketio_json_member(json, "all",
                          stat[NGX_HTTP_SOCKETIO_STAT_SESSIONS_POLLING]
                          + stat[NGX_HTTP_SOCKETIO_STAT_SESSIONS_WEBSOCKET]);

    for (counter = ngx_http_socketio_status_list; counter->name; counter++) {

        if (ngx_strcmp(counter->group, group) != 0) {
            ngx_http_socketio_json_text(json, *group ? "}" : "");
            group = counter->group;

            if (*group) {
                ngx_http_socketio_json_text(json, ",");
                ngx_http_socketio_json_string(json, sio_cstr(group));
                ngx_http_socketio_json_text(json, ":{");
            }
        }

        ngx_http_socketio_json_member(json, counter->name,
                                      stat[counter->stat]);
    }

    ngx_http_socketio_json_text(json, "}");
}


/* Those the configuration names; a dynamic one may have any name. */

static void
ngx_http_socketio_status_namespaces(ngx_http_socketio_json_t *json,
    ngx_http_socketio_app_t *app, ngx_http_socketio_zone_t *zone)
{
    ngx_uint_t                       i, any;
    ngx_http_socketio_key_t          key;
    ngx_http_socketio_found_t        found;
    ngx_http_socketio_namespace_t  **nsp;

    nsp = app->namespaces.elts;
    any = 0;

    for (i = 0; i < app->namespaces.nelts; i++) {

        if (nsp[i]->regex) {
            continue;
        }

        ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));

        ngx_http_socketio_key_room(zone, nsp[i]->name, sio_str(NULL, 0),
                                   &key);
        ngx_http_socketio_directory_find(zone, &key, &found);

        if (any) {
            ngx_http_socketio_json_text(json, ",");
        }

        ngx_http_socketio_json_string(json, nsp[i]->name);
        ngx_http_socketio_json_text(json, ":{");
        ngx_http_socketio_json_member(json, "sockets", found.count);

        if (app->presence) {
            ngx_http_socketio_json_member(json, "online",
                            ngx_http_socketio_presence_online(app,
                                                              nsp[i]->name));
        }

        ngx_http_socketio_json_text(json, "}");

        any = 1;
    }
}


/* What this host knows of others: their workers. */

static void
ngx_http_socketio_status_hosts(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone)
{
    u_char                     text[64];
    ngx_uint_t                 n, any;
    ngx_http_socketio_peer_t  *peer;

    *ngx_sprintf(text, ",\"hosts\":{\"id\":\"%016xL\"",
                 ngx_http_socketio_peer_self(zone)) = '\0';

    ngx_http_socketio_json_text(json, (char *) text);
    ngx_http_socketio_json_text(json, zone->ready ? ",\"ready\":true"
                                                  : ",\"ready\":false");
    ngx_http_socketio_json_text(json, ",\"peers\":[");

    any = 0;

    for (n = 0; n < zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(zone, n);

        if (peer->host == 0) {
            continue;
        }

        *ngx_sprintf(text, "%s{\"host\":\"%016xL\"", any ? "," : "",
                     peer->host) = '\0';

        ngx_http_socketio_json_text(json, (char *) text);
        ngx_http_socketio_json_member(json, "slot", peer->slot);
        ngx_http_socketio_json_member(json, "users", peer->users);
        ngx_http_socketio_json_member(json, "silent",
                                      ngx_current_msec - peer->heard);
        ngx_http_socketio_json_text(json, peer->synced ? ",\"synced\":true"
                                                       : ",\"synced\":false");
        ngx_http_socketio_json_text(json, peer->ready ? ",\"ready\":true}"
                                                      : ",\"ready\":false}");
        any = 1;
    }

    ngx_http_socketio_json_text(json, "]}");
}


/* Cell 0 is never used. */

static void
ngx_http_socketio_status_zone(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone)
{
    ngx_http_socketio_json_member(json, "size", zone->size);
    ngx_http_socketio_json_member(json, "cells", zone->ncells - 1);
    ngx_http_socketio_json_member(json, "cells_used", zone->cells_used);
    ngx_http_socketio_status_store(json, zone);
    ngx_http_socketio_status_log(json, zone);
    ngx_http_socketio_json_member(json, "chunks", zone->nchunks);
    ngx_http_socketio_json_member(json, "chunks_used", zone->chunks_used);
    ngx_http_socketio_json_member(json, "full", zone->full);
}


/* Block 0 is never used.  The records are counted by what they are for. */

static void
ngx_http_socketio_status_store(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone)
{
    ngx_uint_t  kind;

    ngx_http_socketio_json_text(json, ",\"store\":{");
    ngx_http_socketio_json_member(json, "blocks", zone->nblocks - 1);
    ngx_http_socketio_json_member(json, "blocks_used", zone->blocks_used);

    for (kind = 0; kind < NGX_HTTP_SOCKETIO_STORE_KINDS; kind++) {
        if (ngx_http_socketio_status_kinds[kind]) {
            ngx_http_socketio_json_member(json,
                                         ngx_http_socketio_status_kinds[kind],
                                         zone->records[kind]);
        }
    }

    ngx_http_socketio_json_text(json, "}");
}


/* How far back a client can be recovered: the age of the oldest event. */

static void
ngx_http_socketio_status_log(ngx_http_socketio_json_t *json,
    ngx_http_socketio_zone_t *zone)
{
    uint64_t                      age, now;
    ngx_http_socketio_log_info_t  info;

    ngx_http_socketio_log_info(zone, &info);

    now = ngx_http_socketio_calendar();
    age = info.since && info.since < now ? (now - info.since) / 1000 : 0;

    ngx_http_socketio_json_text(json, ",\"log\":{");
    ngx_http_socketio_json_member(json, "size", info.bytes);
    ngx_http_socketio_json_member(json, "events", info.entries);
    ngx_http_socketio_json_member(json, "seconds", age);
    ngx_http_socketio_json_text(json, "}");
}


static ngx_int_t
ngx_http_socketio_health_handler(ngx_http_request_t *r)
{
    const char                       *reasons[4], *status;
    ngx_int_t                         rc;
    ngx_uint_t                        i, n;
    ngx_http_socketio_json_t          json;
    ngx_http_socketio_zone_t         *zone;
    ngx_http_socketio_status_conf_t  *conf;

    rc = ngx_http_socketio_status_method(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_socketio_status_module);
    zone = conf->app->shm_zone->data;
    n = 0;

    if (conf->app->hub == NULL) {
        reasons[n++] = "this worker has no slot in the zone";
    }

    if (ngx_http_socketio_health_full(zone->cells_used, zone->ncells - 1)) {
        reasons[n++] = "the directory in the zone is almost full";
    }

    if (ngx_http_socketio_health_full(zone->chunks_used, zone->nchunks)) {
        reasons[n++] = "the message area in the zone is almost full";
    }

    status = n ? "unhealthy" : "ok";

    if (ngx_exiting || ngx_terminate) {
        status = n ? "unhealthy" : "draining";
        reasons[n++] = "this worker is shutting down";
    }

    ngx_http_socketio_json_init(&json, r);
    ngx_http_socketio_json_text(&json, "{\"status\":");
    ngx_http_socketio_json_string(&json, sio_cstr(status));
    ngx_http_socketio_json_text(&json, ",\"reasons\":[");

    for (i = 0; i < n; i++) {
        ngx_http_socketio_json_text(&json, i ? "," : "");
        ngx_http_socketio_json_string(&json, sio_cstr(reasons[i]));
    }

    ngx_http_socketio_json_text(&json, "]}");

    return ngx_http_socketio_json_send(&json,
                             n ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_OK);
}


static ngx_uint_t
ngx_http_socketio_health_full(ngx_atomic_uint_t used, uint32_t all)
{
    return (uint64_t) used * 100
           >= (uint64_t) all * NGX_HTTP_SOCKETIO_HEALTH_FULL;
}


/* NGX_DECLINED: the method is fine.  Else what finalizes the request. */

static ngx_int_t
ngx_http_socketio_status_method(ngx_http_request_t *r)
{
    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NGX_DECLINED;
    }

    return ngx_http_socketio_json_not_allowed(r, NGX_HTTP_GET);
}


static void *
ngx_http_socketio_status_create_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_socketio_status_conf_t));
}


static char *
ngx_http_socketio_status_merge_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_socketio_status_conf_t  *prev = parent;
    ngx_http_socketio_status_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* inside of "if" and "limit_except" the location goes on */

    if (!clcf->noname) {
        return NGX_CONF_OK;
    }

    if (conf->app == NULL) {
        *conf = *prev;
    }

    if (clcf->lmt_excpt && clcf->handler == NULL) {
        clcf->handler = conf->handler;
    }

    return NGX_CONF_OK;
}


/* socketio_status, socketio_health: cmd->post answers. */

static char *
ngx_http_socketio_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_socketio_status_conf_t  *scf = conf;

    ngx_str_t  *value;

    if (scf->handler == cmd->post) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 3 && ngx_strcmp(value[2].data, "format=json") != 0)
    {
        if (ngx_strcmp(value[2].data, "format=prometheus") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it is format=json "
                               "or format=prometheus", &value[2]);
            return NGX_CONF_ERROR;
        }

        scf->prometheus = 1;
    }

    scf->app = ngx_http_socketio_app_get(cf, &value[1]);
    if (scf->app == NULL) {
        return NGX_CONF_ERROR;
    }

    scf->handler = cmd->post;

    return ngx_http_socketio_location_take(cf, scf->handler);
}
