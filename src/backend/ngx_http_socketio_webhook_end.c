/*
 * Webhooks of a worker that ends: calls that nobody waits for go to a worker
 * that follows (hub/call), and keep their id and their attempts.
 *
 * If none does, since nginx quits, they have some seconds left, whatever the
 * pauses and repeats are.  Calls that somebody waits for end with his run.
 */


#include "backend/ngx_http_socketio_webhook_state.h"


#define NGX_HTTP_SOCKETIO_WEBHOOK_LINGER    15000    /* msec */


static void ngx_http_socketio_webhook_leave(
    ngx_http_socketio_webhook_hub_t *wh, ngx_uint_t all);
static ngx_int_t ngx_http_socketio_webhook_hand(
    ngx_http_socketio_webhook_call_t *call);


void
ngx_http_socketio_webhook_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_webhook_hub_t  *wh;

    wh = hub->caller_data;

    if (!ngx_exiting) {
        return;
    }

    if (wh->ends == 0) {
        wh->ends = ngx_max(ngx_current_msec
                           + NGX_HTTP_SOCKETIO_WEBHOOK_LINGER, 1);
    }

    ngx_http_socketio_webhook_leave(wh,
                      (ngx_msec_int_t) (wh->ends - ngx_current_msec) <= 0);
}


void
ngx_http_socketio_webhook_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_queue_t                       *q;
    ngx_http_socketio_webhook_hub_t   *wh;
    ngx_http_socketio_webhook_call_t  *call;

    wh = hub->caller_data;

    hub->caller = NULL;
    hub->caller_data = NULL;

    for (q = ngx_queue_head(&wh->all);
         q != ngx_queue_sentinel(&wh->all);
         q = ngx_queue_next(q))
    {
        call = ngx_queue_data(q, ngx_http_socketio_webhook_call_t, all);
        ngx_http_socketio_subrequest_cancel(&call->sub);
    }

    ngx_http_socketio_webhook_leave(wh, 1);

    while (!ngx_queue_empty(&wh->all)) {
        q = ngx_queue_head(&wh->all);
        ngx_http_socketio_webhook_free(
                  ngx_queue_data(q, ngx_http_socketio_webhook_call_t, all));
    }

    if (wh->event.posted) {
        ngx_delete_posted_event(&wh->event);
    }

    if (wh->retry.timer_set) {
        ngx_del_timer(&wh->retry);
    }

    ngx_free(wh);
}


/* all: what no worker takes is given up. */

static void
ngx_http_socketio_webhook_leave(ngx_http_socketio_webhook_hub_t *wh,
    ngx_uint_t all)
{
    ngx_uint_t                         handed, lost, succeeded;
    ngx_queue_t                       *q, *next;
    ngx_http_socketio_webhook_call_t  *call;

    handed = 0;
    lost = 0;
    succeeded = ngx_http_socketio_hub_succeeded(wh->hub);

    for (q = ngx_queue_head(&wh->all);
         q != ngx_queue_sentinel(&wh->all);
         q = next)
    {
        next = ngx_queue_next(q);
        call = ngx_queue_data(q, ngx_http_socketio_webhook_call_t, all);

        if (call->done || call->sub.request
            || call->state == NGX_HTTP_SOCKETIO_WEBHOOK_OVER)
        {
            continue;
        }

        if (succeeded && ngx_http_socketio_webhook_hand(call) == NGX_OK) {
            handed++;

        } else if (all) {
            lost++;

        } else {
            continue;
        }

        if (call->state != NGX_HTTP_SOCKETIO_WEBHOOK_RUNNING) {
            ngx_http_socketio_webhook_dequeue(call);
        }

        ngx_http_socketio_webhook_free(call);
    }

    if (handed) {
        ngx_log_error(NGX_LOG_NOTICE, wh->hub->log, 0,
                      "socketio app \"%V\": %ui calls go to the workers that "
                      "follow", &wh->hub->conf->name, handed);
    }

    if (lost) {
        ngx_http_socketio_stat(wh->hub, NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED,
                               lost);
        ngx_log_error(NGX_LOG_ERR, wh->hub->log, 0,
                      "socketio app \"%V\": %ui calls are given up, since "
                      "the worker ends", &wh->hub->conf->name, lost);
    }
}


static ngx_int_t
ngx_http_socketio_webhook_hand(ngx_http_socketio_webhook_call_t *call)
{
    ngx_http_socketio_call_t  c;

    ngx_memzero(&c, sizeof(ngx_http_socketio_call_t));

    c.webhook = call->place->conf;
    c.body = sio_str(call->sub.body.data, call->sub.body.len);
    c.msec = (uint32_t) call->msec;
    c.attempts = call->attempts;
    c.name = sio_str(call->name, sizeof(call->name));

    return ngx_http_socketio_call_hand(call->owner->hub, &c);
}
