/*
 * The adapter: who leads, what is subscribed, broadcasts out and in.
 *
 * The host's own channel, PREFIX-nginx#UID#, carries the marks of new leaders
 * and, once a second, a sign of life that the leader has to hear itself: a
 * subscription that is silent is made anew.
 */


#include "backend/ngx_http_socketio_redis_adapter.h"
#include "backend/ngx_http_socketio_redis_handover.h"
#include "backend/ngx_http_socketio_redis_request.h"
#include "codec/sio_base64.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_dispatch.h"


#define NGX_HTTP_SOCKETIO_ADAPTER_SILENT  5000           /* msec */
#define NGX_HTTP_SOCKETIO_ADAPTER_STAY    200            /* msec, */
#define NGX_HTTP_SOCKETIO_ADAPTER_STAYS   25             /* so many times */
#define NGX_HTTP_SOCKETIO_ADAPTER_MAX     (64 * 1024 * 1024)


static ngx_int_t ngx_http_socketio_adapter_names(
    ngx_http_socketio_adapter_t *a);
static sio_str_t ngx_http_socketio_adapter_name(
    ngx_http_socketio_adapter_t *a, sio_channel_e type, sio_str_t nsp);
static void ngx_http_socketio_adapter_uid(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);
static void ngx_http_socketio_adapter_tick(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_adapter_cleanup(ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_adapter_chosen(
    ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_stay(ngx_event_t *ev);
static void ngx_http_socketio_adapter_still(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_lead(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_ready(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_adapter_lost(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_adapter_subscribe(
    ngx_http_socketio_adapter_t *a, const char *command, sio_str_t channel);
static void ngx_http_socketio_adapter_pattern(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp);
static void ngx_http_socketio_adapter_reply(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_adapter_confirmed(
    ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_adapter_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message);
static ngx_uint_t ngx_http_socketio_adapter_members(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, sio_str_t room);
static void ngx_http_socketio_adapter_deliver(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *m);


static const ngx_http_socketio_cluster_t  ngx_http_socketio_adapter_cluster = {
    ngx_http_socketio_adapter_broadcast,
    ngx_http_socketio_redis_operate,
    ngx_http_socketio_handover_receive,
    ngx_http_socketio_adapter_tick,
    ngx_http_socketio_adapter_cleanup
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
    a->prefix = sio_str(conf->prefix.data, conf->prefix.len);

    sio_adapter_init(&a->codec, mem, NGX_HTTP_SOCKETIO_ADAPTER_MAX);
    sio_buf_init(&a->channel, mem, 65536);
    sio_buf_init(&a->message, mem, NGX_HTTP_SOCKETIO_ADAPTER_MAX);

    ngx_http_socketio_adapter_uid(a);

    hub->cluster = &ngx_http_socketio_adapter_cluster;
    hub->cluster_data = a;

    if (ngx_http_socketio_adapter_names(a) != NGX_OK) {
        ngx_http_socketio_adapter_cleanup(hub);
        return NGX_ERROR;
    }

    a->subscriber.conf = conf;
    a->subscriber.role = "subscriber";
    a->subscriber.log = hub->log;
    a->subscriber.data = a;
    a->subscriber.ready = ngx_http_socketio_adapter_ready;
    a->subscriber.lost = ngx_http_socketio_adapter_lost;

    a->publisher.hub = hub;
    a->publisher.peers = a->requests;
    a->publisher.npeers = a->nrequests;

    hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_UP] = 0;
    hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 0;

    ngx_http_socketio_publisher_start(&a->publisher, conf, hub->log);

    if (ngx_http_socketio_adapter_chosen(a) == hub->n) {
        ngx_http_socketio_adapter_lead(a);
    }

    return NGX_OK;
}


/*
 * One for all workers of all generations, unlike any other host's: derived
 * from the zone's random key.
 */
static void
ngx_http_socketio_adapter_uid(ngx_http_socketio_adapter_t *a)
{
    uint64_t  hash;
    u_char    text[12];

    hash = sio_hash(&a->hub->zone->hash, "uid", 3);
    sio_base64url_encode(text, (u_char *) &hash, 6);

    ngx_memcpy(a->uid, text, SIO_ADAPTER_UID_LEN);
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

    a->requests = sio_calloc(&ngx_http_socketio_mem,
                             (app->namespaces.nelts + 1) * sizeof(sio_str_t));
    if (a->requests == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < app->namespaces.nelts; i++) {

        if (nsp[i]->regex) {
            a->dynamic = 1;
            continue;
        }

        a->requests[a->nrequests] = ngx_http_socketio_adapter_name(a,
                                         SIO_CHANNEL_REQUEST, nsp[i]->name);

        if (a->requests[a->nrequests++].data == NULL) {
            return NGX_ERROR;
        }
    }

    a->own = ngx_http_socketio_adapter_name(a, SIO_CHANNEL_NGINX,
                                        sio_str(a->uid, SIO_ADAPTER_UID_LEN));

    return a->own.data ? NGX_OK : NGX_ERROR;
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

    ngx_http_socketio_redis_request_cancel(a);

    if (a->publisher.redis.started) {
        ngx_http_socketio_publisher_stop(&a->publisher);
    }

    ngx_http_socketio_adapter_unlead(a);

    for (i = 0; i < a->nrequests; i++) {
        sio_free(mem, (void *) a->requests[i].data);
    }

    sio_free(mem, a->requests);
    sio_free(mem, (void *) a->own.data);

    sio_adapter_free(&a->codec);
    sio_buf_free(&a->channel);
    sio_buf_free(&a->message);

    sio_free(mem, a);

    hub->cluster = NULL;
    hub->cluster_data = NULL;
}


static void
ngx_http_socketio_adapter_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    ngx_http_socketio_publisher_tick(&a->publisher);

    switch (a->leader) {

    case NGX_HTTP_SOCKETIO_LEADER_NOT:
        if (ngx_http_socketio_adapter_chosen(a) == hub->n) {
            ngx_http_socketio_adapter_lead(a);
        }

        return;

    case NGX_HTTP_SOCKETIO_LEADER_CONNECTING:
        if (ngx_http_socketio_adapter_chosen(a) != hub->n) {
            ngx_http_socketio_adapter_unlead(a);
        }

        return;

    case NGX_HTTP_SOCKETIO_LEADER_MARKING:
        ngx_http_socketio_handover_sign(a, "mark");
        break;

    case NGX_HTTP_SOCKETIO_LEADER_WAITING:
        ngx_http_socketio_handover_sign(a, "alive");

        if (ngx_http_socketio_handover_begin(a) == NGX_OK
            && a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING)
        {
            ngx_http_socketio_adapter_leads(a);
        }

        break;

    default:
        ngx_http_socketio_handover_sign(a, "alive");
    }

    if (ngx_current_msec - a->heard > NGX_HTTP_SOCKETIO_ADAPTER_SILENT) {
        ngx_http_socketio_redis_restart(&a->subscriber, "silent");
    }
}


/*
 * The slot of the worker that is to lead: the lowest of the newest generation
 * that is not shutting down; NGX_HTTP_SOCKETIO_NO_SLOT: there is none.
 */
static ngx_uint_t
ngx_http_socketio_adapter_chosen(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                 n, best;
    ngx_atomic_uint_t          generation;
    ngx_http_socketio_slot_t  *slot;

    best = NGX_HTTP_SOCKETIO_NO_SLOT;
    generation = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(a->hub->zone, n);

        if (slot->pid && !slot->exiting && !(ngx_exiting && n == a->hub->n)
            && (best == NGX_HTTP_SOCKETIO_NO_SLOT
                || slot->generation > generation))
        {
            best = n;
            generation = slot->generation;
        }
    }

    return best;
}


/*
 * A worker that shuts down ends as soon as there is no timer: this is the one
 * that keeps the listener until another worker has taken over, if one will.
 */
static void
ngx_http_socketio_adapter_stay(ngx_event_t *ev)
{
    ngx_connection_t             *c;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a;

    c = ev->data;
    redis = c->data;
    a = redis->data;

    if (!ngx_exiting
        || (a->stayed++ < NGX_HTTP_SOCKETIO_ADAPTER_STAYS
            && ngx_http_socketio_adapter_chosen(a)
               != NGX_HTTP_SOCKETIO_NO_SLOT))
    {
        ngx_add_timer(&a->stay, NGX_HTTP_SOCKETIO_ADAPTER_STAY);
    }
}


static void
ngx_http_socketio_adapter_lead(ngx_http_socketio_adapter_t *a)
{
    a->leader = NGX_HTTP_SOCKETIO_LEADER_CONNECTING;

    ngx_http_socketio_redis_start(&a->subscriber);

    a->stay.handler = ngx_http_socketio_adapter_stay;
    a->stay.data = &a->subscriber.dummy;
    a->stay.log = a->hub->log;
}


void
ngx_http_socketio_adapter_unlead(ngx_http_socketio_adapter_t *a)
{
    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_NOT) {
        return;
    }

    a->leader = NGX_HTTP_SOCKETIO_LEADER_NOT;
    ngx_http_socketio_adapter_still(a);

    ngx_http_socketio_redis_stop(&a->subscriber);
}


/* It leads no more; what it kept was not its to hand out. */

static void
ngx_http_socketio_adapter_still(ngx_http_socketio_adapter_t *a)
{
    ngx_http_socketio_kept_t  *kept;

    a->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 0;

    if (a->stay.timer_set) {
        ngx_del_timer(&a->stay);
    }

    while ((kept = ngx_http_socketio_backlog_take(&a->backlog)) != NULL) {
        ngx_free(kept);
    }
}


static void
ngx_http_socketio_adapter_ready(ngx_http_socketio_redis_t *redis)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_adapter_t     *a;
    ngx_http_socketio_namespace_t  **nsp;

    a = redis->data;
    app = a->hub->conf;
    nsp = app->namespaces.elts;

    if (ngx_http_socketio_adapter_chosen(a) != a->hub->n) {
        ngx_http_socketio_adapter_unlead(a);
        return;
    }

    a->leader = NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING;
    a->heard = ngx_current_msec;
    a->subscribed = 0;
    a->confirmed = 0;

    ngx_http_socketio_adapter_subscribe(a, "SUBSCRIBE", a->own);

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_adapter_pattern(a, SIO_CHANNEL_BROADCAST,
                                              nsp[i]->name);
        }
    }

    if (a->dynamic) {
        ngx_http_socketio_adapter_pattern(a, SIO_CHANNEL_REQUEST,
                                          sio_str(NULL, 0));
        ngx_http_socketio_adapter_pattern(a, SIO_CHANNEL_BROADCAST,
                                          sio_str(NULL, 0));
        a->all = a->channel.len;
    }

    /* last: peers who count subscribers take us for one who hears it all */

    for (i = 0; i < a->nrequests; i++) {
        ngx_http_socketio_adapter_subscribe(a, "SUBSCRIBE", a->requests[i]);
    }
}


/* What comes is handed out from now on. */

void
ngx_http_socketio_adapter_leads(ngx_http_socketio_adapter_t *a)
{
    ngx_http_socketio_kept_t  *kept;

    a->leader = NGX_HTTP_SOCKETIO_LEADER_YES;
    a->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 1;

    a->stayed = 0;
    ngx_add_timer(&a->stay, NGX_HTTP_SOCKETIO_ADAPTER_STAY);

    ngx_log_error(NGX_LOG_NOTICE, a->hub->log, 0,
                  "socketio app \"%V\": this worker listens to redis %V",
                  &a->hub->conf->name, &a->conf->name);

    while ((kept = ngx_http_socketio_backlog_take(&a->backlog)) != NULL) {

        ngx_http_socketio_adapter_receive(a,
                                     ngx_http_socketio_kept_pattern(kept),
                                     ngx_http_socketio_kept_channel(kept),
                                     ngx_http_socketio_kept_message(kept));
        ngx_free(kept);
    }
}


static void
ngx_http_socketio_adapter_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_adapter_t  *a;

    a = redis->data;

    a->leader = NGX_HTTP_SOCKETIO_LEADER_CONNECTING;
    ngx_http_socketio_adapter_still(a);
}


static void
ngx_http_socketio_adapter_subscribe(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t channel)
{
    sio_str_t  words[2];

    words[0] = sio_cstr(command);
    words[1] = channel;

    if (ngx_http_socketio_redis_command(&a->subscriber,
                                        ngx_http_socketio_adapter_reply, NULL,
                                        words, 2)
        == NGX_OK)
    {
        a->subscribed++;
    }
}


/*
 * All channels of a kind: PREFIX#NSP#*, or without a namespace PREFIX#*, with
 * what has a meaning in a pattern escaped.
 */
static void
ngx_http_socketio_adapter_pattern(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp)
{
    size_t      i;
    sio_buf_t  *buf;
    sio_str_t   name;

    buf = &a->channel;
    sio_buf_reset(buf);
    sio_buf_reset(&a->message);

    if (sio_adapter_channel(&a->message, a->prefix, type, nsp,
                            sio_str(NULL, 0)) != SIO_OK
        || sio_buf_reserve(buf, 2 * a->message.len + 1) != SIO_OK)
    {
        return;
    }

    name = sio_buf_str(&a->message);
    name.len -= (nsp.len == 0);

    for (i = 0; i < name.len; i++) {

        if (ngx_strchr("*?[]\\", name.data[i])) {
            (void) sio_buf_append_char(buf, '\\');
        }

        (void) sio_buf_append_char(buf, name.data[i]);
    }

    (void) sio_buf_append_char(buf, '*');

    ngx_http_socketio_adapter_subscribe(a, "PSUBSCRIBE", sio_buf_str(buf));
}


/* [subscribe, CHANNEL, n], [message, CHANNEL, text], or with a pattern. */

static void
ngx_http_socketio_adapter_reply(redisAsyncContext *ac, void *r, void *data)
{
    size_t                        n;
    redisReply                   *reply = r, **e;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a;

    redis = ac->data;

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return;
    }

    a = redis->data;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3) {
        ngx_http_socketio_redis_restart(redis,
                              reply->type == REDIS_REPLY_ERROR ? reply->str
                              : "a reply that makes no sense");
        return;
    }

    e = reply->element;
    n = reply->elements;

    if (e[n - 1]->type == REDIS_REPLY_INTEGER) {
        a->confirmed++;

        if (a->leader == NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING
            && a->confirmed == a->subscribed)
        {
            ngx_http_socketio_adapter_confirmed(a);
        }

        return;
    }

    if (e[n - 1]->type != REDIS_REPLY_STRING
        || e[n - 2]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    ngx_http_socketio_adapter_receive(a,
                n == 4 ? sio_str(e[1]->str, e[1]->len) : sio_str(NULL, 0),
                sio_str(e[n - 2]->str, e[n - 2]->len),
                sio_str(e[n - 1]->str, e[n - 1]->len));
}


/* Everything is heard from here on: say so where an old leader hears it. */

static void
ngx_http_socketio_adapter_confirmed(ngx_http_socketio_adapter_t *a)
{
    a->leader = NGX_HTTP_SOCKETIO_LEADER_MARKING;

    ngx_http_socketio_handover_sign(a, "mark");
}


static void
ngx_http_socketio_adapter_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    ngx_http_socketio_adapter_t  *a;
    sio_adapter_broadcast_t       m;

    a = hub->cluster_data;

    ngx_memzero(&m, sizeof(sio_adapter_broadcast_t));

    m.uid = sio_str(a->uid, SIO_ADAPTER_UID_LEN);
    m.nsp = b->nsp;
    m.event = b->event;
    m.args = b->args;
    m.opts.rooms = (sio_str_t *) b->target.rooms;
    m.opts.nrooms = b->target.nrooms;
    m.opts.except = (sio_str_t *) b->target.except;
    m.opts.nexcept = b->target.nexcept;
    m.volatile_ = b->msg->volatile_;

    if (b->attachments) {
        m.attachments = *b->attachments;
    }

    sio_buf_reset(&a->channel);
    sio_buf_reset(&a->message);

    if (sio_adapter_channel(&a->channel, a->prefix, SIO_CHANNEL_BROADCAST,
                            b->nsp, b->target.nrooms == 1
                                    ? b->target.rooms[0] : sio_str(NULL, 0))
        != SIO_OK
        || sio_adapter_broadcast_encode(&a->message, &m) != SIO_OK)
    {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED, 1);
        return;
    }

    ngx_http_socketio_publish(&a->publisher, sio_buf_str(&a->channel),
                              sio_buf_str(&a->message));
}


static void
ngx_http_socketio_adapter_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message)
{
    int                             rc;
    sio_str_t                       nsp, room;
    sio_adapter_broadcast_t         m;
    ngx_http_socketio_namespace_t  *conf;

    if (pattern.len == 0 && sio_str_eq(channel, a->own)) {
        ngx_http_socketio_handover_signed(a, message);
        return;
    }

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING
        && ngx_http_socketio_backlog_add(&a->backlog, pattern, channel,
                                         message, a->hub->log)
           != NGX_OK)
    {
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED,
                               1);
    }

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES) {
        return;
    }

    if (sio_adapter_channel_parse(channel, a->prefix, SIO_CHANNEL_REQUEST,
                                  &nsp, &room)
        == SIO_OK)
    {
        ngx_http_socketio_redis_request(a, nsp, message, pattern.len != 0);
        return;
    }

    if (sio_adapter_channel_parse(channel, a->prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &room)
           != SIO_OK
        || sio_str_eq(sio_adapter_broadcast_uid(message),
                      sio_str(a->uid, SIO_ADAPTER_UID_LEN)))
    {
        return;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    /* the pattern for all namespaces is for those without their own */

    if (conf == NULL
        || (conf->regex == NULL && pattern.len == a->all))
    {
        return;
    }

    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    if (room.len && !ngx_http_socketio_adapter_members(a, nsp, room)) {
        return;
    }

    rc = sio_adapter_broadcast_decode(&a->codec, message, &m);

    if (rc != SIO_OK || !sio_str_eq(m.nsp, nsp)) {
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED,
                               1);
        ngx_log_error(NGX_LOG_INFO, a->hub->log, 0,
                      "socketio: redis: a broadcast in \"%*s\" was refused: "
                      "%s", ngx_min(channel.len, 64), channel.data,
                      rc == SIO_ERROR ? "malformed"
                      : rc == SIO_OK ? "for another namespace"
                      : rc == SIO_NOMEM ? "no memory" : "above a bound");
        return;
    }

    ngx_http_socketio_adapter_deliver(a, &m);
}


/* Whether a room, or a socket of this id, is on this host. */

static ngx_uint_t
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


static void
ngx_http_socketio_adapter_deliver(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *m)
{
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_broadcast_t   b;

    hub = a->hub;

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = m->nsp;
    b.target.rooms = m->opts.rooms;
    b.target.nrooms = m->opts.nrooms;
    b.target.except = m->opts.except;
    b.target.nexcept = m->opts.nexcept;
    b.ack_id = SIO_NO_ID;
    b.local = 1;

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
