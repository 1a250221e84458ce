/*
 * Calls out that change their worker.
 *
 * The record, CALL: path, time-out, attempts, id, body.  The next worker may
 * have another configuration, so a location is named by its path.
 */


#include "hub/ngx_http_socketio_call.h"


static ngx_uint_t ngx_http_socketio_call_successor(
    ngx_http_socketio_hub_t *hub);
static ngx_int_t ngx_http_socketio_call_pass(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call, sio_str_t uri);


ngx_int_t
ngx_http_socketio_call_hand(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call)
{
    ngx_uint_t         slot;
    sio_wire_writer_t  w;

    slot = ngx_http_socketio_call_successor(hub);

    if (slot == NGX_HTTP_SOCKETIO_NO_SLOT) {
        return NGX_DECLINED;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_CALL);
    sio_wire_put_str(&w, sio_str(call->webhook->uri.data,
                                 call->webhook->uri.len));
    sio_wire_put_u32(&w, call->msec);
    sio_wire_put_u32(&w, (uint32_t) call->attempts);
    sio_wire_put_str(&w, call->name);
    sio_wire_put_str(&w, call->body);

    return sio_wire_end(&w) == SIO_OK
           ? ngx_http_socketio_channel_send_to(hub, slot) : NGX_ERROR;
}


/* They take turns, so that none of them gets more than it has room for. */

static ngx_uint_t
ngx_http_socketio_call_successor(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                 i, n;
    ngx_http_socketio_slot_t  *slot;

    static ngx_uint_t          last;

    for (i = 1; i <= NGX_HTTP_SOCKETIO_SLOTS; i++) {
        n = (last + i) % NGX_HTTP_SOCKETIO_SLOTS;
        slot = ngx_http_socketio_slot(hub->zone, n);

        if (slot->pid && !slot->exiting
            && slot->generation > hub->slot->generation)
        {
            last = n;
            return n;
        }
    }

    return NGX_HTTP_SOCKETIO_NO_SLOT;
}


void
ngx_http_socketio_call_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    sio_str_t                      uri;
    ngx_uint_t                     i;
    const char                    *reason;
    ngx_http_socketio_call_t       call;
    ngx_http_socketio_webhook_t  **webhook;

    ngx_memzero(&call, sizeof(ngx_http_socketio_call_t));

    uri = sio_wire_get_str(record);
    call.msec = sio_wire_get_u32(record);
    call.attempts = sio_wire_get_u32(record);
    call.name = sio_wire_get_str(record);
    call.body = sio_wire_get_str(record);

    if (sio_wire_done(record) != SIO_OK) {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged call from slot %ui", from->slot);
        return;
    }

    if (ngx_http_socketio_call_pass(hub, &call, uri) == NGX_OK) {
        return;
    }

    reason = hub->slot->exiting ? "this one ends, too"
                                : "no rule calls it any more";
    webhook = hub->conf->webhooks.elts;

    for (i = 0; hub->caller && i < hub->conf->webhooks.nelts; i++) {

        if (webhook[i]->uri.len != uri.len
            || ngx_memcmp(webhook[i]->uri.data, uri.data, uri.len) != 0)
        {
            continue;
        }

        call.webhook = webhook[i];

        if (hub->caller->call(hub, &call) == NGX_OK) {
            return;
        }

        /* it is counted by then */

        reason = "there is no room for it";
        goto lost;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED, 1);

lost:

    ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                  "socketio app \"%V\": a call of \"%*s\" that a worker left "
                  "is given up, since %s", &hub->conf->name, uri.len,
                  uri.data, reason);
}


/*
 * It came to a worker that was to follow and ends by now: it goes on to one
 * that follows that.
 */
static ngx_int_t
ngx_http_socketio_call_pass(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_call_t *call, sio_str_t uri)
{
    ngx_http_socketio_call_t     next;
    ngx_http_socketio_webhook_t  webhook;

    if (!hub->slot->exiting) {
        return NGX_DECLINED;
    }

    ngx_memzero(&webhook, sizeof(ngx_http_socketio_webhook_t));
    webhook.uri.data = (u_char *) uri.data;
    webhook.uri.len = uri.len;

    next = *call;
    next.webhook = &webhook;

    return ngx_http_socketio_call_hand(hub, &next);
}
