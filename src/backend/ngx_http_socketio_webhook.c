/*
 * Webhooks: queues, deadlines, repeats, and locations that fail.
 *
 * What a request came to is noted where nginx tells of it, deep inside of its
 * own work on the request, and dealt with in a posted event.
 */


#include "backend/ngx_http_socketio_webhook_state.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>


#define NGX_HTTP_SOCKETIO_WEBHOOK_ATTEMPTS  5
#define NGX_HTTP_SOCKETIO_WEBHOOK_BACKOFF   1000     /* msec, doubled */
#define NGX_HTTP_SOCKETIO_WEBHOOK_BYTES     (32 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_WEBHOOK_ROOM      100      /* msec, looked again */


static ngx_int_t ngx_http_socketio_webhook_call(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call);
static ngx_http_socketio_webhook_call_t *ngx_http_socketio_webhook_create(
    ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place,
    const ngx_http_socketio_call_t *call);
static void ngx_http_socketio_webhook_enqueue(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_starve(
    ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place);
static void ngx_http_socketio_webhook_pump(
    ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place);
static void ngx_http_socketio_webhook_start(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_sign(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_done(
    ngx_http_socketio_subrequest_t *sub);
static void ngx_http_socketio_webhook_over(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_event(ngx_event_t *ev);
static void ngx_http_socketio_webhook_finish(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_judge(
    ngx_http_socketio_webhook_call_t *call, ngx_uint_t ok);
static void ngx_http_socketio_webhook_refuse(
    ngx_http_socketio_webhook_place_t *place, ngx_msec_t wait);
static ngx_int_t ngx_http_socketio_webhook_repeat(
    ngx_http_socketio_webhook_call_t *call);
static void ngx_http_socketio_webhook_timeout(ngx_event_t *ev);


static const ngx_http_socketio_caller_t  ngx_http_socketio_webhook_caller = {
    ngx_http_socketio_webhook_call,
    ngx_http_socketio_webhook_tick,
    ngx_http_socketio_webhook_cleanup
};


ngx_int_t
ngx_http_socketio_webhook_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_webhook_conf_t *conf, ngx_uint_t n)
{
    ngx_uint_t                        i;
    ngx_http_socketio_webhook_hub_t  *wh;

    wh = ngx_calloc(sizeof(ngx_http_socketio_webhook_hub_t)
                    + n * sizeof(ngx_http_socketio_webhook_place_t),
                    hub->log);
    if (wh == NULL) {
        return NGX_ERROR;
    }

    wh->hub = hub;
    wh->conf = conf;
    wh->n = n;

    ngx_queue_init(&wh->all);
    ngx_queue_init(&wh->over);

    for (i = 0; i < n; i++) {
        ngx_queue_init(&wh->places[i].queue);
    }

    wh->dummy.fd = (ngx_socket_t) -1;
    wh->dummy.log = hub->log;
    wh->dummy.data = wh;

    wh->event.handler = ngx_http_socketio_webhook_event;
    wh->event.data = &wh->dummy;
    wh->event.log = hub->log;

    wh->retry = wh->event;

    hub->caller = &ngx_http_socketio_webhook_caller;
    hub->caller_data = wh;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_webhook_call(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *c)
{
    ngx_http_socketio_webhook_hub_t    *wh;
    ngx_http_socketio_webhook_call_t   *call;
    ngx_http_socketio_webhook_place_t  *place;

    wh = hub->caller_data;
    place = &wh->places[c->webhook->index];
    place->conf = c->webhook;

    /* one that nobody waits for may be made when the location is back */

    if (place->waiting >= wh->conf->queue
        || place->bytes + c->body.len > NGX_HTTP_SOCKETIO_WEBHOOK_BYTES
        || (c->done && ngx_http_socketio_breaker_wait(&place->breaker)))
    {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED, 1);
        return NGX_DECLINED;
    }

    call = ngx_http_socketio_webhook_create(wh, place, c);
    if (call == NULL) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED, 1);
        return NGX_ERROR;
    }

    ngx_http_socketio_webhook_enqueue(call);

    if (call->done) {
        ngx_add_timer(&call->timer, call->msec);
    }

    ngx_http_socketio_webhook_pump(wh, place);

    return NGX_OK;
}


static ngx_http_socketio_webhook_call_t *
ngx_http_socketio_webhook_create(ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place,
    const ngx_http_socketio_call_t *c)
{
    size_t                             size;
    u_char                            *p, id[NGX_HTTP_SOCKETIO_WEBHOOK_ID];
    ngx_uint_t                         i;
    ngx_http_socketio_header_t        *h;
    ngx_http_socketio_webhook_call_t  *call;

    size = sizeof(ngx_http_socketio_webhook_call_t) + NGX_TIME_T_LEN + 1
           + c->body.len;

    for (i = 0; i < c->nheaders; i++) {
        size += c->headers[i].value.len;
    }

    call = ngx_alloc(size, wh->hub->log);
    if (call == NULL) {
        return NULL;
    }

    ngx_memzero(call, sizeof(ngx_http_socketio_webhook_call_t));

    call->owner = wh;
    call->place = place;
    call->id = c->id;
    call->done = c->done;
    call->msec = c->msec;
    call->attempts = c->attempts;
    call->bytes = size;

    call->timer.handler = ngx_http_socketio_webhook_timeout;
    call->timer.data = &wh->dummy;
    call->timer.log = wh->hub->log;

    /* the time is written in front of the body when it is signed */

    p = call->data + NGX_TIME_T_LEN + 1;

    call->sub.ctx = wh->conf->ctx;
    call->sub.uri = c->webhook->uri;
    call->sub.body.data = p;
    call->sub.body.len = c->body.len;
    call->sub.headers = call->headers;
    call->sub.done = ngx_http_socketio_webhook_done;

    if (c->body.len) {
        p = ngx_cpymem(p, c->body.data, c->body.len);
    }

    h = call->headers;

    for (i = 0; i < c->nheaders; i++, h++) {
        h->name = c->headers[i].name;
        h->value.data = p;
        h->value.len = c->headers[i].value.len;

        if (h->value.len) {
            p = ngx_cpymem(p, c->headers[i].value.data, h->value.len);
        }
    }

    if (c->name.len == sizeof(call->name)) {
        ngx_memcpy(call->name, c->name.data, sizeof(call->name));

    } else {
        ngx_http_socketio_random(wh->hub, id, sizeof(id));
        (void) ngx_hex_dump(call->name, id, sizeof(id));
    }

    ngx_str_set(&h->name, "X-Socketio-Id");
    h->value.data = call->name;
    h->value.len = sizeof(call->name);

    call->sub.nheaders = c->nheaders + 1;

    ngx_queue_insert_tail(&wh->all, &call->all);

    return call;
}


void
ngx_http_socketio_webhook_free(ngx_http_socketio_webhook_call_t *call)
{
    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    ngx_queue_remove(&call->all);

    ngx_free(call->sub.answer);
    ngx_free(call);
}


static void
ngx_http_socketio_webhook_enqueue(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_webhook_place_t  *place;

    place = call->place;

    call->state = NGX_HTTP_SOCKETIO_WEBHOOK_QUEUED;
    ngx_queue_insert_tail(&place->queue, &call->link);

    place->waiting++;
    place->bytes += call->bytes;

    ngx_http_socketio_stat(call->owner->hub,
                           NGX_HTTP_SOCKETIO_STAT_CALLS_WAITING, 1);
}


void
ngx_http_socketio_webhook_dequeue(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_webhook_place_t  *place;

    place = call->place;

    if (call->state == NGX_HTTP_SOCKETIO_WEBHOOK_QUEUED) {
        ngx_queue_remove(&call->link);
    }

    place->waiting--;
    place->bytes -= call->bytes;

    ngx_http_socketio_stat(call->owner->hub,
                           NGX_HTTP_SOCKETIO_STAT_CALLS_WAITING, -1);
}


/* Begin what may begin. */

static void
ngx_http_socketio_webhook_pump(ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place)
{
    ngx_msec_t    wait;
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&place->queue)
           && place->running < wh->conf->max)
    {
        wait = ngx_http_socketio_breaker_wait(&place->breaker);

        if (wait) {
            ngx_http_socketio_webhook_refuse(place, wait);
            return;
        }

        if (!ngx_http_socketio_subrequest_room()) {
            ngx_http_socketio_webhook_starve(wh, place);
            return;
        }

        q = ngx_queue_head(&place->queue);

        ngx_http_socketio_webhook_start(
                 ngx_queue_data(q, ngx_http_socketio_webhook_call_t, link));
    }
}


/* nginx has no connection left, which is not the application's fault. */

static void
ngx_http_socketio_webhook_starve(ngx_http_socketio_webhook_hub_t *wh,
    ngx_http_socketio_webhook_place_t *place)
{
    if (ngx_http_socketio_often(&wh->starved)) {
        ngx_log_error(NGX_LOG_WARN, wh->hub->log, 0,
                      "socketio app \"%V\": no connection is free for calls "
                      "of \"%V\", they wait for worker_connections",
                      &wh->hub->conf->name, &place->conf->uri);
    }

    if (!wh->retry.timer_set) {
        ngx_add_timer(&wh->retry, NGX_HTTP_SOCKETIO_WEBHOOK_ROOM);
    }
}


static void
ngx_http_socketio_webhook_start(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_webhook_hub_t  *wh;

    wh = call->owner;

    ngx_http_socketio_webhook_dequeue(call);

    call->state = NGX_HTTP_SOCKETIO_WEBHOOK_RUNNING;
    call->asked = 1;
    call->attempts++;
    call->trial = ngx_http_socketio_breaker_begin(&call->place->breaker);
    call->place->running++;

    ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS, 1);
    ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_RUNNING, 1);

    if (call->done == NULL) {
        ngx_add_timer(&call->timer, call->msec);
    }

    ngx_http_socketio_webhook_sign(call);

    if (ngx_http_socketio_subrequest_begin(&call->sub) == NGX_OK) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, wh->hub->log, 0,
                  "socketio app \"%V\": no memory for a call of \"%V\"",
                  &wh->hub->conf->name, &call->place->conf->uri);

    call->sub.status = 0;
    call->sub.own = 1;
    ngx_http_socketio_webhook_over(call);
}


static void
ngx_http_socketio_webhook_sign(ngx_http_socketio_webhook_call_t *call)
{
    u_char                                  *p, *text, time[NGX_TIME_T_LEN];
    u_char                                   md[EVP_MAX_MD_SIZE];
    size_t                                   len;
    unsigned                                 n;
    ngx_uint_t                               i;
    ngx_http_socketio_header_t              *h;
    const ngx_http_socketio_webhook_conf_t  *conf;

    conf = call->owner->conf;

    if (conf->nkeys == 0) {
        return;
    }

    len = ngx_sprintf(time, "%T", ngx_time()) - time;

    text = call->sub.body.data - 1 - len;
    ngx_memcpy(text, time, len);
    text[len] = '.';

    p = ngx_sprintf(call->signature, "t=%*s", len, time);

    for (i = 0; i < conf->nkeys; i++) {

        if (HMAC(EVP_sha256(), conf->keys[i].data, (int) conf->keys[i].len,
                 text, len + 1 + call->sub.body.len, md, &n)
            == NULL)
        {
            continue;
        }

        p = ngx_cpymem(p, ",v1=", 4);
        p = ngx_hex_dump(p, md, n);
    }

    /* the last one, behind the id */

    for (h = call->headers; h->value.data != call->name; h++) {
        /* void */
    }

    h++;

    ngx_str_set(&h->name, "X-Socketio-Signature");
    h->value.data = call->signature;
    h->value.len = p - call->signature;

    call->sub.nheaders = h + 1 - call->headers;
}


static void
ngx_http_socketio_webhook_done(ngx_http_socketio_subrequest_t *sub)
{
    ngx_http_socketio_webhook_over(
                (ngx_http_socketio_webhook_call_t *)
                    ((u_char *) sub
                     - offsetof(ngx_http_socketio_webhook_call_t, sub)));
}


/* A call that ran is over: what follows, follows in an event. */

static void
ngx_http_socketio_webhook_over(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_webhook_hub_t  *wh;

    wh = call->owner;

    if (call->state == NGX_HTTP_SOCKETIO_WEBHOOK_RUNNING) {
        call->place->running--;
        ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_RUNNING,
                               -1);
    } else {
        ngx_http_socketio_webhook_dequeue(call);
    }

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    call->state = NGX_HTTP_SOCKETIO_WEBHOOK_OVER;
    ngx_queue_insert_tail(&wh->over, &call->link);

    if (!wh->event.posted) {
        ngx_post_event(&wh->event, &ngx_posted_events);
    }
}


static void
ngx_http_socketio_webhook_event(ngx_event_t *ev)
{
    ngx_uint_t                         i;
    ngx_queue_t                       *q;
    ngx_connection_t                  *c;
    ngx_http_socketio_webhook_hub_t   *wh;

    c = ev->data;
    wh = c->data;

    while (!ngx_queue_empty(&wh->over)) {
        q = ngx_queue_head(&wh->over);
        ngx_queue_remove(q);

        ngx_http_socketio_webhook_finish(
                 ngx_queue_data(q, ngx_http_socketio_webhook_call_t, link));
    }

    for (i = 0; i < wh->n; i++) {
        ngx_http_socketio_webhook_pump(wh, &wh->places[i]);
    }

    ngx_http_socketio_hub_post(wh->hub);
}


static void
ngx_http_socketio_webhook_finish(ngx_http_socketio_webhook_call_t *call)
{
    ngx_uint_t                        status, ok;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_webhook_hub_t  *wh;

    wh = call->owner;
    hub = wh->hub;

    status = call->sub.status;
    ok = (status >= 100 && status < 500);

    if (call->asked && !call->sub.own) {
        ngx_http_socketio_webhook_judge(call, ok);

    } else if (call->asked) {
        ngx_http_socketio_breaker_forget(&call->place->breaker, call->trial);
    }

    if (!ok) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CALLS_FAILED, 1);

        if (call->done == NULL
            && ngx_http_socketio_webhook_repeat(call) == NGX_OK)
        {
            return;
        }

    } else if (status >= 400) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CALLS_REFUSED, 1);
    }

    if (call->done) {
        call->done(hub, call->id, status,
                   sio_str(call->sub.answer, call->sub.len));
    }

    ngx_http_socketio_webhook_free(call);
}


/* How the location does. */

static void
ngx_http_socketio_webhook_judge(ngx_http_socketio_webhook_call_t *call,
    ngx_uint_t ok)
{
    ngx_http_socketio_webhook_hub_t    *wh;
    ngx_http_socketio_webhook_place_t  *place;

    wh = call->owner;
    place = call->place;

    switch (ngx_http_socketio_breaker_judge(&place->breaker, call->trial, ok,
                                            wh->conf->failures,
                                            wh->conf->pause))
    {

    case NGX_HTTP_SOCKETIO_BREAKER_OPENED:
        ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN, 1);
        ngx_log_error(NGX_LOG_WARN, wh->hub->log, 0,
                      "socketio app \"%V\": \"%V\" has failed %ui times and "
                      "is left alone for a while", &wh->hub->conf->name,
                      &place->conf->uri, place->breaker.failures);
        break;

    case NGX_HTTP_SOCKETIO_BREAKER_CLOSED:
        ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN, -1);
        ngx_log_error(NGX_LOG_NOTICE, wh->hub->log, 0,
                      "socketio app \"%V\": \"%V\" answers again",
                      &wh->hub->conf->name, &place->conf->uri);
        break;

    default:
        break;
    }
}


/* Who waits in the queue of a location that fails is told now. */

static void
ngx_http_socketio_webhook_refuse(ngx_http_socketio_webhook_place_t *place,
    ngx_msec_t wait)
{
    ngx_queue_t                       *q, *next;
    ngx_http_socketio_webhook_call_t  *call;

    for (q = ngx_queue_head(&place->queue);
         q != ngx_queue_sentinel(&place->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_socketio_webhook_call_t, link);

        if (call->done == NULL) {
            /* its time comes with the end of the pause */

            ngx_queue_remove(q);
            call->state = NGX_HTTP_SOCKETIO_WEBHOOK_REPEATED;
            ngx_add_timer(&call->timer, wait);
            continue;
        }

        call->sub.status = 0;
        call->asked = 0;
        ngx_http_socketio_webhook_over(call);
    }
}


/* NGX_DECLINED: often enough, or there is no room. */

static ngx_int_t
ngx_http_socketio_webhook_repeat(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_webhook_hub_t    *wh;
    ngx_http_socketio_webhook_place_t  *place;

    wh = call->owner;
    place = call->place;

    if (call->attempts >= NGX_HTTP_SOCKETIO_WEBHOOK_ATTEMPTS
        || place->waiting >= wh->conf->queue
        || place->bytes + call->bytes > NGX_HTTP_SOCKETIO_WEBHOOK_BYTES)
    {
        ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED,
                               1);
        ngx_log_error(NGX_LOG_ERR, wh->hub->log, 0,
                      "socketio app \"%V\": a call of \"%V\" is given up "
                      "after %ui attempts", &wh->hub->conf->name,
                      &place->conf->uri, call->attempts);
        return NGX_DECLINED;
    }

    ngx_free(call->sub.answer);
    call->sub.answer = NULL;
    call->sub.len = 0;

    call->state = NGX_HTTP_SOCKETIO_WEBHOOK_REPEATED;
    place->waiting++;
    place->bytes += call->bytes;

    ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_WAITING, 1);
    ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_RETRIED, 1);

    ngx_add_timer(&call->timer, NGX_HTTP_SOCKETIO_WEBHOOK_BACKOFF
                                << (call->attempts - 1));

    return NGX_OK;
}


static void
ngx_http_socketio_webhook_timeout(ngx_event_t *ev)
{
    ngx_http_socketio_webhook_hub_t   *wh;
    ngx_http_socketio_webhook_call_t  *call;

    call = (ngx_http_socketio_webhook_call_t *)
               ((u_char *) ev
                - offsetof(ngx_http_socketio_webhook_call_t, timer));
    wh = call->owner;

    if (call->state == NGX_HTTP_SOCKETIO_WEBHOOK_REPEATED) {
        ngx_http_socketio_webhook_dequeue(call);
        ngx_http_socketio_webhook_enqueue(call);
        ngx_http_socketio_webhook_pump(wh, call->place);
        return;
    }

    if (call->state == NGX_HTTP_SOCKETIO_WEBHOOK_RUNNING) {
        ngx_log_error(NGX_LOG_ERR, wh->hub->log, NGX_ETIMEDOUT,
                      "socketio app \"%V\": \"%V\" has not answered in time",
                      &wh->hub->conf->name, &call->place->conf->uri);
        ngx_http_socketio_subrequest_cancel(&call->sub);
    }

    call->sub.status = 0;
    ngx_http_socketio_webhook_over(call);
}
