/*
 * The adapter: broadcasts out and in, and what a worker has of its hosts.
 */


#include "backend/ngx_http_socketio_redis_adapter.h"
#include "backend/ngx_http_socketio_redis_answer.h"
#include "backend/ngx_http_socketio_redis_ask.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#include "backend/ngx_http_socketio_redis_handover.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "backend/ngx_http_socketio_redis_request.h"
#include "backend/ngx_http_socketio_redis_rooms.h"
#include "backend/ngx_http_socketio_redis_session.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_stream.h"


#define NGX_HTTP_SOCKETIO_ADAPTER_MAX  (64 * 1024 * 1024)

/* msec from tick to tick: the worker stood still. */

#define NGX_HTTP_SOCKETIO_ADAPTER_LATE  2500


static ngx_int_t ngx_http_socketio_adapter_names(
    ngx_http_socketio_adapter_t *a);
static sio_str_t ngx_http_socketio_adapter_name(
    ngx_http_socketio_adapter_t *a, sio_channel_e type, sio_str_t nsp);
static void ngx_http_socketio_adapter_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);
static ngx_int_t ngx_http_socketio_adapter_add(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t number);
static void ngx_http_socketio_adapter_message(ngx_http_socketio_adapter_t *a,
    const ngx_http_socketio_broadcast_t *b, sio_adapter_broadcast_t *m);
static void ngx_http_socketio_adapter_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);
static void ngx_http_socketio_adapter_tell(ngx_http_socketio_hub_t *hub,
    sio_str_t message);
static uint64_t ngx_http_socketio_adapter_spoken(ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_adapter_settled(
    ngx_http_socketio_hub_t *hub, uint64_t n);
static void ngx_http_socketio_adapter_wake(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_tick(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_adapter_cleanup(ngx_http_socketio_hub_t *hub);


static const ngx_http_socketio_cluster_t  ngx_http_socketio_adapter_cluster = {
    ngx_http_socketio_adapter_broadcast,
    ngx_http_socketio_redis_operate,
    ngx_http_socketio_rooms_changed,
    ngx_http_socketio_redis_ask,
    ngx_http_socketio_redis_forget,
    ngx_http_socketio_redis_ask_timeout,
    ngx_http_socketio_adapter_receive,
    ngx_http_socketio_adapter_tell,
    ngx_http_socketio_adapter_spoken,
    ngx_http_socketio_adapter_settled,
    ngx_http_socketio_adapter_add,
    ngx_http_socketio_redis_save,
    ngx_http_socketio_redis_recall,
    ngx_http_socketio_adapter_tick,
    ngx_http_socketio_adapter_cleanup
};


/* Who takes a CLUSTER record: all but its first byte. */

static void (*const  ngx_http_socketio_adapter_records[])(
    ngx_http_socketio_adapter_t *a, sio_wire_t *record,
    const ngx_http_socketio_from_t *from) =
{
    [NGX_HTTP_SOCKETIO_CLUSTER_YIELD] = ngx_http_socketio_handover_receive,
    [NGX_HTTP_SOCKETIO_CLUSTER_ASK] = ngx_http_socketio_rooms_asked,
    [NGX_HTTP_SOCKETIO_CLUSTER_ROOMS] = ngx_http_socketio_rooms_told,
    [NGX_HTTP_SOCKETIO_CLUSTER_RESPONSE] = ngx_http_socketio_redis_passed
};


ngx_int_t
ngx_http_socketio_redis_adapter_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_redis_conf_t *conf)
{
    const sio_mem_t              *mem;
    ngx_http_socketio_adapter_t  *a;

    mem = &ngx_http_socketio_mem;

    a = sio_calloc(mem, sizeof(ngx_http_socketio_adapter_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    a->hub = hub;
    a->conf = conf;
    a->dialect = conf->dialect;
    a->prefix = sio_str(conf->prefix.data, conf->prefix.len);

    sio_adapter_init(&a->codec, mem, NGX_HTTP_SOCKETIO_ADAPTER_MAX);
    sio_buf_init(&a->channel, mem, 65536);
    sio_buf_init(&a->message, mem, NGX_HTTP_SOCKETIO_ADAPTER_MAX);

    /* one for all workers of all generations, unlike any other host's */

    a->uid = sio_str(a->name, a->dialect->uid(a->name,
                               sio_hash(&hub->zone->hash, "uid", 3)));

    ngx_http_socketio_rooms_init(a);

    a->xread.stream = sio_hash(&hub->zone->hash, conf->stream.data,
                               conf->stream.len)
                      ^ (sio_hash(&hub->zone->hash, conf->name.data,
                                  conf->name.len)
                         + conf->db);

    hub->cluster = &ngx_http_socketio_adapter_cluster;
    hub->cluster_data = a;

    if (ngx_http_socketio_adapter_names(a) != NGX_OK) {
        ngx_http_socketio_adapter_cleanup(hub);
        return NGX_ERROR;
    }

    a->publisher.hub = hub;
    a->publisher.ready = ngx_http_socketio_leader_mark;
    a->publisher.numsub = a->dialect->numsub;
    a->publisher.peers = a->peers;
    a->publisher.npeers = a->npeers;

    if (a->dialect->order && ngx_http_socketio_stream_init(hub) != NGX_OK) {
        ngx_http_socketio_adapter_cleanup(hub);
        return NGX_ERROR;
    }

    ngx_http_socketio_publisher_start(&a->publisher, conf, hub->log);

    if (ngx_http_socketio_hosts_init(hub, conf->heartbeat) != NGX_OK) {
        ngx_http_socketio_adapter_cleanup(hub);
        return NGX_ERROR;
    }

    ngx_http_socketio_leader_tick(a);

    return NGX_OK;
}


/* The channels that do not change. */

static ngx_int_t
ngx_http_socketio_adapter_names(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t  **nsp;

    app = a->hub->conf;
    nsp = app->namespaces.elts;

    a->peers = sio_calloc(&ngx_http_socketio_mem,
                             (app->namespaces.nelts + 1) * sizeof(sio_str_t));
    if (a->peers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < app->namespaces.nelts; i++) {

        if (nsp[i]->regex) {
            a->dynamic = 1;
            continue;
        }

        a->peers[a->npeers] = ngx_http_socketio_adapter_name(a,
                                        a->dialect->peers, nsp[i]->name);

        if (a->peers[a->npeers++].data == NULL) {
            return NGX_ERROR;
        }
    }

    a->own = ngx_http_socketio_adapter_name(a, SIO_CHANNEL_NGINX, a->uid);

    a->hosts = ngx_http_socketio_adapter_name(a, SIO_CHANNEL_HOSTS,
                                              sio_str(app->name.data,
                                                      app->name.len));

    return a->own.data && a->hosts.data ? NGX_OK : NGX_ERROR;
}


/* A channel's name that lives on; NULL data: no memory. */

static sio_str_t
ngx_http_socketio_adapter_name(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp)
{
    u_char  *p;

    sio_buf_reset(&a->channel);

    if (sio_adapter_channel(&a->channel, a->prefix, type, nsp,
                            sio_str(NULL, 0)) != SIO_OK)
    {
        return sio_str(NULL, 0);
    }

    p = sio_alloc(&ngx_http_socketio_mem, a->channel.len);
    if (p == NULL) {
        return sio_str(NULL, 0);
    }

    ngx_memcpy(p, a->channel.data, a->channel.len);

    return sio_str(p, a->channel.len);
}


static void
ngx_http_socketio_adapter_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                    i;
    const sio_mem_t              *mem;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;
    mem = &ngx_http_socketio_mem;

    ngx_http_socketio_hosts_cleanup(hub);
    ngx_http_socketio_redis_ask_cancel(a);
    ngx_http_socketio_answer_cancel(a);

    if (a->publisher.redis.started) {
        ngx_http_socketio_publisher_stop(&a->publisher);
    }

    ngx_http_socketio_stream_cleanup(hub);
    ngx_http_socketio_leader_end(a);
    ngx_http_socketio_rooms_cleanup(a);

    for (i = 0; i < a->npeers; i++) {
        sio_free(mem, (void *) a->peers[i].data);
    }

    sio_free(mem, a->peers);
    sio_free(mem, (void *) a->own.data);
    sio_free(mem, (void *) a->hosts.data);

    sio_adapter_free(&a->codec);
    sio_buf_free(&a->channel);
    sio_buf_free(&a->message);

    sio_free(mem, a);

    hub->cluster = NULL;
    hub->cluster_data = NULL;
}


static void
ngx_http_socketio_adapter_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint8_t  type;

    type = sio_wire_get_u8(record);

    if (record->error || type >= NGX_HTTP_SOCKETIO_CLUSTER_N) {
        return;
    }

    ngx_http_socketio_adapter_records[type](hub->cluster_data, record, from);
}


void
ngx_http_socketio_adapter_record(ngx_http_socketio_adapter_t *a,
    sio_wire_writer_t *w, ngx_http_socketio_cluster_e type)
{
    ngx_http_socketio_record_begin(a->hub, w,
                                   NGX_HTTP_SOCKETIO_RECORD_CLUSTER);
    sio_wire_put_u8(w, (uint8_t) type);
}


static void
ngx_http_socketio_adapter_tell(ngx_http_socketio_hub_t *hub, sio_str_t message)
{
    sio_str_t                     words[3];
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    words[0] = sio_cstr("PUBLISH");
    words[1] = a->hosts;
    words[2] = message;

    ngx_http_socketio_publish(&a->publisher, words, 3);
}


static uint64_t
ngx_http_socketio_adapter_spoken(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    return a->publisher.published;
}


static ngx_uint_t
ngx_http_socketio_adapter_settled(ngx_http_socketio_hub_t *hub, uint64_t n)
{
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    return ngx_http_socketio_publisher_settled(&a->publisher, n);
}


/* Who stood still has not waited: what it was told meanwhile is unread. */

static void
ngx_http_socketio_adapter_wake(ngx_http_socketio_adapter_t *a)
{
    if (a->ticked
        && ngx_current_msec - a->ticked > NGX_HTTP_SOCKETIO_ADAPTER_LATE)
    {
        ngx_http_socketio_publisher_progress(&a->publisher);
        ngx_http_socketio_leader_wake(a);
    }

    a->ticked = ngx_current_msec;
}


static void
ngx_http_socketio_adapter_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    ngx_http_socketio_adapter_wake(a);

    ngx_http_socketio_publisher_tick(&a->publisher);
    ngx_http_socketio_leader_tick(a);
    ngx_http_socketio_rooms_tick(a);
    ngx_http_socketio_answer_tick(a);
}


static void
ngx_http_socketio_adapter_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    ngx_http_socketio_adapter_t  *a;
    sio_adapter_broadcast_t       m;

    a = hub->cluster_data;

    ngx_http_socketio_adapter_message(a, b, &m);

    if (a->dialect->broadcast(a, &m) != SIO_OK) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED, 1);
    }
}


static ngx_int_t
ngx_http_socketio_adapter_add(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t number)
{
    sio_adapter_broadcast_t       m;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    ngx_http_socketio_adapter_message(a, b, &m);

    return a->dialect->order(a, &m, number);
}


static void
ngx_http_socketio_adapter_message(ngx_http_socketio_adapter_t *a,
    const ngx_http_socketio_broadcast_t *b, sio_adapter_broadcast_t *m)
{
    ngx_memzero(m, sizeof(sio_adapter_broadcast_t));

    m->uid = a->uid;
    m->nsp = b->nsp;
    m->event = b->event;
    m->args = b->args;
    m->opts.rooms = (sio_str_t *) b->target.rooms;
    m->opts.nrooms = b->target.nrooms;
    m->opts.except = (sio_str_t *) b->target.except;
    m->opts.nexcept = b->target.nexcept;
    m->volatile_ = b->msg->volatile_;

    if (b->attachments) {
        m->attachments = *b->attachments;
    }

    sio_buf_reset(&a->channel);
    sio_buf_reset(&a->message);
}


void
ngx_http_socketio_adapter_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_request_t *r)
{
    r->uid = a->uid;

    sio_buf_reset(&a->channel);
    sio_buf_reset(&a->message);

    if (a->dialect->request(a, nsp, r) != SIO_OK) {
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED,
                               1);
    }
}


void
ngx_http_socketio_adapter_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r)
{
    sio_buf_reset(&a->channel);
    sio_buf_reset(&a->message);

    if (a->dialect->response(a, nsp, to, r) != SIO_OK) {
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED,
                               1);
    }
}


void
ngx_http_socketio_adapter_publish(ngx_http_socketio_adapter_t *a)
{
    sio_str_t  words[3];

    words[0] = sio_cstr(a->dialect->publish);
    words[1] = sio_buf_str(&a->channel);
    words[2] = sio_buf_str(&a->message);

    ngx_http_socketio_publish(&a->publisher, words, 3);
}


ngx_uint_t
ngx_http_socketio_adapter_members(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t room)
{
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_found_t  found;

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));

    ngx_http_socketio_key_room(a->hub->zone, nsp, room, &key);
    ngx_http_socketio_directory_find(a->hub->zone, &key, &found);

    if (found.count == 0 && room.len == EIO_SID_LEN) {
        ngx_http_socketio_key_socket(a->hub->zone, nsp, room, &key);
        ngx_http_socketio_directory_find(a->hub->zone, &key, &found);
    }

    return found.count != 0;
}


void
ngx_http_socketio_adapter_deliver(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *m)
{
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_broadcast_t   b;

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES) {
        return;
    }

    hub = a->hub;

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = m->nsp;
    b.target.rooms = m->opts.rooms;
    b.target.nrooms = m->opts.nrooms;
    b.target.except = m->opts.except;
    b.target.nexcept = m->opts.nexcept;
    b.ack_id = SIO_NO_ID;
    b.local = 1;
    b.stamp = hub->stream ? a->stamp : NULL;

    b.msg = ngx_http_socketio_event_msg(hub, m->nsp, m->event, m->args,
                                m->attachments.n ? &m->attachments : NULL,
                                SIO_NO_ID);
    if (b.msg == NULL) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
        return;
    }

    b.msg->volatile_ = m->volatile_;

    sio_app_enter(&hub->app);

    (void) ngx_http_socketio_broadcast(hub, &b, NULL, NULL);

    sio_app_leave(&hub->app);

    eio_msg_unref(&ngx_http_socketio_mem, b.msg);

    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_adapter_refuse(ngx_http_socketio_adapter_t *a,
    const char *what, int rc)
{
    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);

    ngx_log_error(NGX_LOG_INFO, a->hub->log, 0,
                  "socketio: redis: %s was refused: %s", what,
                  rc == SIO_ERROR ? "malformed"
                  : rc == SIO_OK ? "for another namespace"
                  : rc == SIO_NOMEM ? "no memory" : "above a bound");
}
