/*
 * The leader.
 *
 * What it hears before its mark it does not hand out, only that questions are
 * answered, with nothing: it is counted already, and the old leader, if there
 * is one, answers for the host.  What is behind the mark, or all if nobody
 * else leads, is kept until it begins.
 */


#include "backend/ngx_http_socketio_redis_leader.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#include "backend/ngx_http_socketio_redis_handover.h"
#include "backend/ngx_http_socketio_redis_rooms.h"
#include "hub/ngx_http_socketio_hosts.h"


#define NGX_HTTP_SOCKETIO_LEADER_SILENT  2500    /* msec */
#define NGX_HTTP_SOCKETIO_LEADER_WAIT    5000    /* msec for the old one */
#define NGX_HTTP_SOCKETIO_LEADER_STAY    200     /* msec, */
#define NGX_HTTP_SOCKETIO_LEADER_STAYS   25      /* so many times */


static ngx_uint_t ngx_http_socketio_leader_chosen(
    ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_leader_start(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_leader_stay(ngx_event_t *ev);
static void ngx_http_socketio_leader_still(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_leader_ready(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_leader_lost(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_leader_heard(ngx_http_socketio_redis_t *redis,
    redisReply *reply);
static void ngx_http_socketio_leader_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message);


void
ngx_http_socketio_leader_tick(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t  late;

    switch (a->leader) {

    case NGX_HTTP_SOCKETIO_LEADER_NOT:
        if (ngx_http_socketio_leader_chosen(a) == a->hub->n) {
            ngx_http_socketio_leader_start(a);
        }

        return;

    case NGX_HTTP_SOCKETIO_LEADER_CONNECTING:
        if (ngx_http_socketio_leader_chosen(a) != a->hub->n) {
            ngx_http_socketio_leader_end(a);
        }

        return;

    case NGX_HTTP_SOCKETIO_LEADER_MARKING:

        /* once: another one would make the next leader leave */

        break;

    case NGX_HTTP_SOCKETIO_LEADER_WAITING:
        ngx_http_socketio_handover_sign(a, "alive");

        /* one that has not heard the mark by now listens to something else */

        late = ngx_current_msec - a->waits > NGX_HTTP_SOCKETIO_LEADER_WAIT;

        if ((ngx_http_socketio_handover_begin(a) == NGX_OK || late)
            && a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING)
        {
            a->alone |= late;
            ngx_http_socketio_leader_begin(a);
        }

        break;

    default:
        ngx_http_socketio_handover_sign(a, "alive");

        if (a->leader == NGX_HTTP_SOCKETIO_LEADER_YES && a->dialect->tick) {
            a->dialect->tick(a);
        }
    }

    if (ngx_current_msec - a->heard > NGX_HTTP_SOCKETIO_LEADER_SILENT) {
        ngx_http_socketio_redis_restart(&a->subscriber, "silent");
    }
}


/* The slot of the worker that is to lead. */

static ngx_uint_t
ngx_http_socketio_leader_chosen(ngx_http_socketio_adapter_t *a)
{
    return ngx_http_socketio_slot_chosen(a->hub->zone,
                          ngx_exiting ? a->hub->n : NGX_HTTP_SOCKETIO_NO_SLOT);
}


/*
 * A worker that shuts down ends as soon as there is no timer: this is the one
 * that keeps the listener until another worker has taken over, if one will.
 */
static void
ngx_http_socketio_leader_stay(ngx_event_t *ev)
{
    ngx_connection_t             *c;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a;

    c = ev->data;
    redis = c->data;
    a = redis->data;

    if (!ngx_exiting
        || (a->stayed++ < NGX_HTTP_SOCKETIO_LEADER_STAYS
            && ngx_http_socketio_leader_chosen(a)
               != NGX_HTTP_SOCKETIO_NO_SLOT))
    {
        ngx_add_timer(&a->stay, NGX_HTTP_SOCKETIO_LEADER_STAY);
    }
}


static void
ngx_http_socketio_leader_start(ngx_http_socketio_adapter_t *a)
{
    a->leader = NGX_HTTP_SOCKETIO_LEADER_CONNECTING;

    a->subscriber.conf = a->conf;
    a->subscriber.role = "subscriber";
    a->subscriber.log = a->hub->log;
    a->subscriber.turn = &a->hub->turn;
    a->subscriber.data = a;
    a->subscriber.ready = ngx_http_socketio_leader_ready;
    a->subscriber.heard = ngx_http_socketio_leader_heard;
    a->subscriber.lost = ngx_http_socketio_leader_lost;

    ngx_http_socketio_rooms_ask(a);

    ngx_http_socketio_redis_start(&a->subscriber);

    a->stay.handler = ngx_http_socketio_leader_stay;
    a->stay.data = &a->subscriber.dummy;
    a->stay.log = a->hub->log;
}


void
ngx_http_socketio_leader_end(ngx_http_socketio_adapter_t *a)
{
    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_NOT) {
        return;
    }

    a->leader = NGX_HTTP_SOCKETIO_LEADER_NOT;
    ngx_http_socketio_leader_still(a);
    ngx_http_socketio_rooms_cleanup(a);

    ngx_http_socketio_redis_stop(&a->subscriber);
}


/* One that leads at another Redis, after a reload, takes nothing over. */

ngx_uint_t
ngx_http_socketio_leader_leads(ngx_http_socketio_adapter_t *a)
{
    return a->leader == NGX_HTTP_SOCKETIO_LEADER_YES && !a->overtaken
           && (!a->hub->slot->still
               || a->hub->zone->listens == a->hub->n + 1);
}


void
ngx_http_socketio_leader_wake(ngx_http_socketio_adapter_t *a)
{
    a->heard = ngx_current_msec;
    a->waits = ngx_current_msec;
    a->xread.asked = ngx_current_msec;

    a->overtaken = (a->leader == NGX_HTTP_SOCKETIO_LEADER_YES
                    && a->hub->zone->listens != a->hub->n + 1);
}


/* It leads no more; what it kept was not its to hand out. */

static void
ngx_http_socketio_leader_still(ngx_http_socketio_adapter_t *a)
{
    ngx_http_socketio_kept_t  *kept;

    if (a->dialect->end) {
        a->dialect->end(a);
    }

    a->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 0;
    ngx_http_socketio_hosts_deaf(a->hub, 1);

    if (a->stay.timer_set) {
        ngx_del_timer(&a->stay);
    }

    while ((kept = ngx_http_socketio_backlog_take(&a->backlog)) != NULL) {
        ngx_free(kept);
    }
}


static void
ngx_http_socketio_leader_ready(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_adapter_t  *a;

    a = redis->data;

    if (ngx_http_socketio_leader_chosen(a) != a->hub->n) {
        ngx_http_socketio_leader_end(a);
        return;
    }

    a->leader = NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING;
    a->heard = ngx_current_msec;
    a->alone = ngx_http_socketio_handover_alone(a, 1);
    a->subscribed = 0;
    a->confirmed = 0;

    ngx_http_socketio_leader_subscribe(a, "SUBSCRIBE", a->own);
    ngx_http_socketio_leader_subscribe(a, "SUBSCRIBE", a->hosts);

    a->dialect->subscribe(a);
}


/* What comes is handed out from now on. */

void
ngx_http_socketio_leader_begin(ngx_http_socketio_adapter_t *a)
{
    ngx_http_socketio_kept_t  *kept;

    a->leader = NGX_HTTP_SOCKETIO_LEADER_YES;
    a->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER] = 1;
    ngx_http_socketio_hosts_listen(a->hub);

    a->overtaken = 0;
    a->stayed = 0;
    ngx_add_timer(&a->stay, NGX_HTTP_SOCKETIO_LEADER_STAY);

    ngx_log_error(NGX_LOG_NOTICE, a->hub->log, 0,
                  "socketio app \"%V\": this worker listens to redis %V",
                  &a->hub->conf->name, &a->conf->name);

    a->both = !a->alone;
    a->followed = a->alone ? 0 : ngx_current_msec;

    while ((kept = ngx_http_socketio_backlog_take(&a->backlog)) != NULL) {

        ngx_http_socketio_leader_receive(a,
                                     ngx_http_socketio_kept_pattern(kept),
                                     ngx_http_socketio_kept_channel(kept),
                                     ngx_http_socketio_kept_message(kept));
        ngx_free(kept);
    }

    a->both = 0;

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_YES && a->dialect->begin) {
        a->dialect->begin(a);
    }
}


static void
ngx_http_socketio_leader_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_adapter_t  *a;

    a = redis->data;

    a->leader = NGX_HTTP_SOCKETIO_LEADER_CONNECTING;
    ngx_http_socketio_leader_still(a);
}


void
ngx_http_socketio_leader_subscribe(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t channel)
{
    sio_str_t  words[2];

    words[0] = sio_cstr(command);
    words[1] = channel;

    if (ngx_http_socketio_redis_listen(&a->subscriber, words, 2) == NGX_OK) {
        a->subscribed++;
    }
}


/*
 * [subscribe, CHANNEL, n], [message, CHANNEL, text], or with a pattern, or of
 * a shard with an "s" in front.
 */
static void
ngx_http_socketio_leader_heard(ngx_http_socketio_redis_t *redis,
    redisReply *reply)
{
    size_t                        i, n;
    redisReply                  **e;
    ngx_http_socketio_adapter_t  *a;

    a = redis->data;
    e = reply->element;
    n = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

    for (i = 0; i < n && i + 1 < n; i++) {
        if (e[i]->type != REDIS_REPLY_STRING) {
            n = 0;
        }
    }

    if (n < 3 || n > 4
        || (e[n - 1]->type != REDIS_REPLY_INTEGER
            && e[n - 1]->type != REDIS_REPLY_STRING))
    {
        ngx_http_socketio_redis_restart(redis,
                              reply->type == REDIS_REPLY_ERROR ? reply->str
                              : "a reply that makes no sense");
        return;
    }

    if (e[n - 1]->type == REDIS_REPLY_INTEGER) {
        a->confirmed++;
        ngx_http_socketio_leader_check(a);
        return;
    }

    ngx_http_socketio_leader_receive(a,
                n == 4 ? sio_str(e[1]->str, e[1]->len) : sio_str(NULL, 0),
                sio_str(e[n - 2]->str, e[n - 2]->len),
                sio_str(e[n - 1]->str, e[n - 1]->len));
}


/* Everything is heard from here on: say so where an old leader hears it. */

void
ngx_http_socketio_leader_check(ngx_http_socketio_adapter_t *a)
{
    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING
        && a->confirmed == a->subscribed && ngx_http_socketio_rooms_known(a))
    {
        a->leader = NGX_HTTP_SOCKETIO_LEADER_MARKING;

        ngx_http_socketio_leader_mark(&a->publisher);
    }
}


void
ngx_http_socketio_leader_mark(ngx_http_socketio_publisher_t *p)
{
    ngx_http_socketio_adapter_t  *a;

    /* the publisher is the adapter's first member */

    a = (ngx_http_socketio_adapter_t *) p;

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_MARKING) {
        ngx_http_socketio_handover_sign(a, "mark");
    }
}


static void
ngx_http_socketio_leader_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message)
{
    if (pattern.len == 0 && sio_str_eq(channel, a->own)) {
        ngx_http_socketio_handover_signed(a, message);
        return;
    }

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_WAITING
        || (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES && a->alone))
    {
        if (ngx_http_socketio_backlog_add(&a->backlog, pattern, channel,
                                          message, a->hub->log)
            != NGX_OK)
        {
            ngx_http_socketio_stat(a->hub,
                                   NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
        }

        return;
    }

    if (pattern.len == 0 && sio_str_eq(channel, a->hosts)) {

        /* what comes late here, the others have told anew elsewhere */

        if (ngx_http_socketio_leader_leads(a)) {
            ngx_http_socketio_hosts_heard(a->hub, message);
        }

    } else {
        a->dialect->receive(a, pattern, channel, message);
    }
}
