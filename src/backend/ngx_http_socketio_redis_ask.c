/*
 * Requests of ours to the other hosts.
 */


#include "backend/ngx_http_socketio_redis_ask.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_dispatch.h"


#define NGX_HTTP_SOCKETIO_ASK_DIGITS  18         /* of an id, behind the uid */
#define NGX_HTTP_SOCKETIO_ASK_HEAD    128        /* bytes to look for it in */


static ngx_uint_t ngx_http_socketio_ask_countable(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp);
static ngx_int_t ngx_http_socketio_ask_count(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp);
static ngx_int_t ngx_http_socketio_ask_numsub(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask, const char *numsub, sio_str_t channel,
    redisCallbackFn *fn);
static ngx_http_socketio_ask_t *ngx_http_socketio_ask_counted(
    redisAsyncContext *ac, redisReply *reply, void *data, ngx_uint_t *n);
static void ngx_http_socketio_ask_own(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_ask_hosts(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_ask_pass(ngx_http_socketio_adapter_t *a,
    ngx_uint_t slot, const sio_response_t *r);
static void ngx_http_socketio_ask_heard(ngx_http_socketio_adapter_t *a,
    uint32_t incarnation, uint32_t id, const sio_response_t *r);
static void ngx_http_socketio_ask_look(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask);
static void ngx_http_socketio_ask_end(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask);


ngx_int_t
ngx_http_socketio_redis_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp, sio_request_t *r,
    ngx_msec_t timeout)
{
    u_char                        id[NGX_HTTP_SOCKETIO_ADAPTER_UID
                                     + NGX_HTTP_SOCKETIO_ASK_DIGITS];
    u_char                       *end;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    if (ask == NULL) {
        ngx_http_socketio_adapter_request(a, nsp, r);
        return NGX_OK;
    }

    if (!a->publisher.redis.up || a->nasks == NGX_HTTP_SOCKETIO_ASKS_MAX
        || !ngx_http_socketio_ask_countable(a, nsp))
    {
        return NGX_DECLINED;
    }

    do {
        ask->id = ++a->ask_ids;
    } while (a->asks[ask->id % NGX_HTTP_SOCKETIO_ASKS_MAX]);

    if (ngx_http_socketio_ask_count(a, ask, nsp) != NGX_OK) {
        return NGX_DECLINED;
    }

    a->asks[ask->id % NGX_HTTP_SOCKETIO_ASKS_MAX] = ask;
    a->nasks++;

    ask->waiting = 1;
    ask->timer.kind = NGX_HTTP_SOCKETIO_TIMER_CLUSTER;

    sio_wheel_set(&hub->wheel, &ask->timer,
                  ngx_http_socketio_now() + timeout);

    end = ngx_sprintf(id, "%*s%02xi%08xD%08xD", a->uid.len, a->uid.data,
                      hub->n, hub->incarnation, ask->id);
    r->id = sio_str(id, end - id);

    ngx_http_socketio_adapter_request(a, nsp, r);

    r->id = sio_str(NULL, 0);

    ngx_http_socketio_hub_post(hub);

    return NGX_OK;
}


/* By a pattern, as of a dynamic namespace, hosts listen and are not counted. */

static ngx_uint_t
ngx_http_socketio_ask_countable(ngx_http_socketio_adapter_t *a, sio_str_t nsp)
{
    ngx_http_socketio_namespace_t  *conf;

    if (a->dialect->room) {
        return 1;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    return conf && conf->regex == NULL;
}


/* The counts come before any answer can be complete. */

static ngx_int_t
ngx_http_socketio_ask_count(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask, sio_str_t nsp)
{
    sio_buf_reset(&a->channel);

    if (sio_adapter_channel(&a->channel, a->prefix, a->dialect->peers, nsp,
                            sio_str(NULL, 0))
        != SIO_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_socketio_ask_numsub(a, ask, "NUMSUB", a->own,
                                     ngx_http_socketio_ask_own)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_http_socketio_ask_numsub(a, ask, a->dialect->numsub,
                                        sio_buf_str(&a->channel),
                                        ngx_http_socketio_ask_hosts);
}


static ngx_int_t
ngx_http_socketio_ask_numsub(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask, const char *numsub, sio_str_t channel,
    redisCallbackFn *fn)
{
    sio_str_t  words[3];

    words[0] = sio_cstr("PUBSUB");
    words[1] = sio_cstr(numsub);
    words[2] = channel;

    return ngx_http_socketio_redis_command(&a->publisher.redis, fn,
                                        (void *) (uintptr_t) ask->id, words,
                                        3);
}


/* [channel, n]; NULL: nobody waits for it any more. */

static ngx_http_socketio_ask_t *
ngx_http_socketio_ask_counted(redisAsyncContext *ac, redisReply *reply,
    void *data, ngx_uint_t *n)
{
    uint32_t                      id;
    ngx_http_socketio_ask_t      *ask;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a;

    redis = ac->data;

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return NULL;
    }

    /* the publisher, of which this is the first member, is the adapter's */

    a = redis->data;
    id = (uint32_t) (uintptr_t) data;
    ask = a->asks[id % NGX_HTTP_SOCKETIO_ASKS_MAX];

    if (ask == NULL || ask->id != id) {
        return NULL;
    }

    *n = 0;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[1]->type == REDIS_REPLY_INTEGER)
    {
        *n = (ngx_uint_t) reply->element[1]->integer;
    }

    return ask;
}


static void
ngx_http_socketio_ask_own(redisAsyncContext *ac, void *r, void *data)
{
    ngx_uint_t                n;
    ngx_http_socketio_ask_t  *ask;

    ask = ngx_http_socketio_ask_counted(ac, r, data, &n);

    if (ask) {
        ask->own = n;
    }
}


static void
ngx_http_socketio_ask_hosts(redisAsyncContext *ac, void *r, void *data)
{
    ngx_uint_t                n;
    ngx_http_socketio_ask_t  *ask;

    ask = ngx_http_socketio_ask_counted(ac, r, data, &n);

    if (ask == NULL) {
        return;
    }

    ask->hosts = n - ngx_min(n, ask->own);
    ask->counted = 1;

    /* without a leader nobody hears what they say */

    if (ask->own == 0) {
        ngx_http_socketio_ask_end(ask->hub->cluster_data, ask);
        return;
    }

    ngx_http_socketio_ask_look(ask->hub->cluster_data, ask);
}


ngx_uint_t
ngx_http_socketio_redis_asked(ngx_http_socketio_adapter_t *a,
    sio_str_t message)
{
    return memmem(message.data,
                  ngx_min(message.len, NGX_HTTP_SOCKETIO_ASK_HEAD),
                  a->uid.data, a->uid.len)
           != NULL;
}


void
ngx_http_socketio_redis_response(ngx_http_socketio_adapter_t *a,
    const sio_response_t *r)
{
    u_char          *p;
    ngx_int_t        slot, incarnation, id;
    sio_str_t        value;
    sio_response_t   passed;

    if (r->id.len != a->uid.len + NGX_HTTP_SOCKETIO_ASK_DIGITS
        || ngx_memcmp(r->id.data, a->uid.data, a->uid.len) != 0)
    {
        return;
    }

    p = (u_char *) r->id.data + a->uid.len;

    slot = ngx_hextoi(p, 2);
    incarnation = ngx_hextoi(p + 2, 8);
    id = ngx_hextoi(p + 10, 8);

    if (slot == NGX_ERROR || slot >= NGX_HTTP_SOCKETIO_SLOTS
        || incarnation == NGX_ERROR || id == NGX_ERROR)
    {
        return;
    }

    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    passed = *r;

    if (r->attachments.n) {
        if (ngx_http_socketio_collect_value(a->hub, r->data, &r->attachments,
                                            &value)
            != NGX_OK)
        {
            return;
        }

        passed.data = value;
    }

    if ((ngx_uint_t) slot != a->hub->n) {
        ngx_http_socketio_ask_pass(a, (ngx_uint_t) slot, &passed);
        return;
    }

    ngx_http_socketio_ask_heard(a, (uint32_t) incarnation, (uint32_t) id,
                                &passed);
}


static void
ngx_http_socketio_ask_pass(ngx_http_socketio_adapter_t *a, ngx_uint_t slot,
    const sio_response_t *r)
{
    sio_wire_writer_t  w;

    if (ngx_http_socketio_slot(a->hub->zone, slot)->pid == 0) {
        return;
    }

    ngx_http_socketio_adapter_record(a, &w,
                                     NGX_HTTP_SOCKETIO_CLUSTER_RESPONSE);
    sio_wire_put_str(&w, r->id);
    sio_wire_put_u32(&w, (uint32_t) r->type);
    sio_wire_put_u64(&w, r->count);
    sio_wire_put_str(&w, r->sockets);
    sio_wire_put_str(&w, r->rooms);
    sio_wire_put_str(&w, r->data);
    sio_wire_put_str(&w, r->page);

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send_to(a->hub, slot);
        ngx_http_socketio_hub_post(a->hub);
    }
}


void
ngx_http_socketio_redis_passed(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    sio_response_t  r;

    ngx_memzero(&r, sizeof(sio_response_t));

    r.id = sio_wire_get_str(record);
    r.type = (int) sio_wire_get_u32(record);
    r.count = sio_wire_get_u64(record);
    r.sockets = sio_wire_get_str(record);
    r.rooms = sio_wire_get_str(record);
    r.data = sio_wire_get_str(record);
    r.page = sio_wire_get_str(record);

    if (sio_wire_done(record) == SIO_OK) {
        ngx_http_socketio_redis_response(a, &r);
    }
}


static void
ngx_http_socketio_ask_heard(ngx_http_socketio_adapter_t *a,
    uint32_t incarnation, uint32_t id, const sio_response_t *r)
{
    ngx_http_socketio_ask_t  *ask;

    ask = a->asks[id % NGX_HTTP_SOCKETIO_ASKS_MAX];

    if (ask == NULL || ask->id != id || incarnation != a->hub->incarnation) {
        return;
    }

    if (r->type == SIO_RESPONSE_ACK) {
        ask->owed--;

    } else {
        ask->answered++;
        ask->owed += (int64_t) ngx_min(r->count, UINT32_MAX);
    }

    ask->heard(ask, r);

    ngx_http_socketio_ask_look(a, ask);
}


static void
ngx_http_socketio_ask_look(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask)
{
    if (ask->counted && ask->answered >= ask->hosts && ask->owed <= 0) {
        ngx_http_socketio_ask_end(a, ask);
    }
}


static void
ngx_http_socketio_ask_end(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_ask_t *ask)
{
    ngx_http_socketio_redis_forget(a->hub, ask);

    ask->done(ask);

    ngx_http_socketio_hub_post(a->hub);
}


void
ngx_http_socketio_redis_ask_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    ngx_http_socketio_ask_t  *ask;

    ask = (ngx_http_socketio_ask_t *)
              ((u_char *) timer - offsetof(ngx_http_socketio_ask_t, timer));

    ngx_http_socketio_ask_end(hub->cluster_data, ask);
}


void
ngx_http_socketio_redis_forget(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_ask_t *ask)
{
    ngx_http_socketio_adapter_t  *a;

    if (!ask->waiting) {
        return;
    }

    a = hub->cluster_data;

    ask->waiting = 0;
    ask->silent = ask->hosts - ngx_min(ask->hosts, ask->answered);
    ask->missing = ask->owed > 0 ? (uint64_t) ask->owed : 0;

    a->asks[ask->id % NGX_HTTP_SOCKETIO_ASKS_MAX] = NULL;
    a->nasks--;

    sio_wheel_clear(&hub->wheel, &ask->timer);
}


void
ngx_http_socketio_redis_ask_cancel(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_SOCKETIO_ASKS_MAX; i++) {
        if (a->asks[i]) {
            ngx_http_socketio_redis_forget(a->hub, a->asks[i]);
        }
    }
}
