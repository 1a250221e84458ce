/*
 * The channel.
 *
 * The eventfds are made once by the master and kept in static memory: every
 * worker of every generation has the same descriptors, so that old and new
 * reach each other during a reload.  One wake-up serves all apps of a worker.
 *
 * What finds an inbox full waits in a list of this worker and is tried again
 * at each turn and tick; while anything waits for a slot, later records for
 * it queue behind, so that order is kept.
 */


#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_call.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_fetch.h"
#include "hub/ngx_http_socketio_forward.h"
#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_operation.h"
#include "hub/ngx_http_socketio_reader.h"

#include <sys/eventfd.h>


#define NGX_HTTP_SOCKETIO_WAITING_MAX  65536
#define NGX_HTTP_SOCKETIO_DRAIN_MAX    4096     /* records in one go */
#define NGX_HTTP_SOCKETIO_RETRY        2        /* msec: for room again, */
#define NGX_HTTP_SOCKETIO_LINGER       500      /* times when it ends */

/* In an inbox, where references are: there is no such message. */

#define NGX_HTTP_SOCKETIO_REF_LOG      0xffffffff


static void ngx_http_socketio_channel_handler(ngx_event_t *ev);
static void ngx_http_socketio_channel_again(ngx_event_t *ev);
static void ngx_http_socketio_channel_dispatch(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_message_t *message);
static ngx_int_t ngx_http_socketio_channel_push(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot, uint32_t ref);
static ngx_int_t ngx_http_socketio_channel_wait(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot, uint32_t ref);
static void ngx_http_socketio_channel_retry(ngx_http_socketio_hub_t *hub);


static int                       ngx_http_socketio_eventfds
                                     [NGX_HTTP_SOCKETIO_SLOTS];
static ngx_uint_t                ngx_http_socketio_neventfds;

static ngx_connection_t         *ngx_http_socketio_inbox;
static ngx_event_t               ngx_http_socketio_again;
static ngx_connection_t          ngx_http_socketio_again_conn;

static ngx_http_socketio_hub_t  *ngx_http_socketio_hubs;


ngx_int_t
ngx_http_socketio_channel_init(ngx_cycle_t *cycle)
{
    int  fd;

    while (ngx_http_socketio_neventfds < NGX_HTTP_SOCKETIO_SLOTS) {

        fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fd == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "eventfd() failed");
            return NGX_ERROR;
        }

        ngx_http_socketio_eventfds[ngx_http_socketio_neventfds++] = fd;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_channel_open(ngx_cycle_t *cycle)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    if (ngx_process_slot >= NGX_HTTP_SOCKETIO_SLOTS) {
        return NGX_DECLINED;
    }

    c = ngx_get_connection(ngx_http_socketio_eventfds[ngx_process_slot],
                           cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->log = cycle->log;
    c->pool = cycle->pool;

    rev = c->read;
    rev->log = cycle->log;
    rev->channel = 1;
    rev->handler = ngx_http_socketio_channel_handler;

    c->write->channel = 1;

    if (ngx_add_event(rev, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    ngx_http_socketio_inbox = c;

    ngx_http_socketio_again_conn.fd = (ngx_socket_t) -1;
    ngx_http_socketio_again.data = &ngx_http_socketio_again_conn;
    ngx_http_socketio_again.log = cycle->log;
    ngx_http_socketio_again.handler = ngx_http_socketio_channel_again;

    return NGX_OK;
}


void
ngx_http_socketio_channel_close(void)
{
    ngx_connection_t  *c;

    c = ngx_http_socketio_inbox;

    if (c) {
        if (ngx_http_socketio_again.posted) {
            ngx_delete_posted_event(&ngx_http_socketio_again);
        }

        if (c->read->active) {
            (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
        }

        ngx_free_connection(c);
        c->fd = (ngx_socket_t) -1;
        ngx_http_socketio_inbox = NULL;
    }
}


void
ngx_http_socketio_channel_add(ngx_http_socketio_hub_t *hub)
{
    hub->next = ngx_http_socketio_hubs;
    ngx_http_socketio_hubs = hub;
}


void
ngx_http_socketio_channel_linger(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t  n;

    ngx_http_socketio_channel_flush(hub);

    for (n = 0; hub->nwaiting && n < NGX_HTTP_SOCKETIO_LINGER; n++) {
        ngx_msleep(NGX_HTTP_SOCKETIO_RETRY);
        ngx_http_socketio_channel_flush(hub);

        /* others may wait for room here */

        ngx_http_socketio_channel_catch_up(hub);
    }

    if (hub->nwaiting) {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": this worker ends, and %ui messages "
                      "for others are dropped: their inboxes stay full",
                      &hub->conf->name, hub->nwaiting);
    }
}


void
ngx_http_socketio_channel_remove(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_hub_t      **h;
    ngx_http_socketio_waiting_t   *w;

    for (h = &ngx_http_socketio_hubs; *h; h = &(*h)->next) {
        if (*h == hub) {
            *h = hub->next;
            break;
        }
    }

    while (hub->waiting) {
        w = hub->waiting;
        hub->waiting = w->next;

        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RING, 1);
        ngx_http_socketio_message_read(hub->zone, w->ref, w->slot);
        sio_free(&ngx_http_socketio_mem, w);
    }
}


ngx_int_t
ngx_http_socketio_channel_send(ngx_http_socketio_hub_t *hub,
    const uint64_t *receivers, uint64_t sequence)
{
    uint32_t    ref;
    uint64_t    bits, mask[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_int_t   rc;
    ngx_uint_t  i, n, any, stuck;

    any = 0;
    stuck = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        mask[i] = receivers[i];

        if (hub->n / 64 == i) {
            mask[i] &= ~((uint64_t) 1 << (hub->n % 64));
        }

        stuck += ngx_http_socketio_reader_skip(hub, mask, i);
        any |= (mask[i] != 0);
    }

    if (!any) {
        return stuck ? NGX_ERROR : NGX_OK;
    }

    ref = ngx_http_socketio_message_put(hub->zone, hub->n, sequence, mask,
                                        sio_buf_str(&hub->record));
    if (ref == 0) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_ZONE, 1);

        n = ngx_http_socketio_often(&hub->no_message);

        if (n) {
            ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                          "socketio app \"%V\": the zone is full, a message "
                          "of %uz bytes did not reach other workers, %ui "
                          "since the last such line",
                          &hub->conf->name, hub->record.len, n);
        }

        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        for (bits = mask[i]; bits; bits &= bits - 1) {
            n = i * 64 + __builtin_ctzll(bits);

            if (ngx_http_socketio_channel_push(hub, n, ref) != NGX_OK) {
                rc = NGX_DECLINED;
            }
        }
    }

    return rc;
}


ngx_int_t
ngx_http_socketio_channel_send_to(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot)
{
    uint64_t  mask[NGX_HTTP_SOCKETIO_SLOTS / 64];

    ngx_memzero(mask, sizeof(mask));
    mask[slot / 64] = (uint64_t) 1 << (slot % 64);

    return ngx_http_socketio_channel_send(hub, mask, 0);
}


void
ngx_http_socketio_channel_mark(ngx_http_socketio_hub_t *hub,
    const uint64_t *receivers)
{
    uint64_t    bits, mask[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_uint_t  i;

    ngx_memcpy(mask, receivers, sizeof(mask));
    mask[hub->n / 64] &= ~((uint64_t) 1 << hub->n % 64);

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        (void) ngx_http_socketio_reader_skip(hub, mask, i);

        for (bits = mask[i]; bits; bits &= bits - 1) {
            (void) ngx_http_socketio_channel_push(hub,
                                          i * 64 + __builtin_ctzll(bits),
                                          NGX_HTTP_SOCKETIO_REF_LOG);
        }
    }
}


/* NGX_OK: pushed, or waiting for room; NGX_DECLINED: nobody is there. */

static ngx_int_t
ngx_http_socketio_channel_push(ngx_http_socketio_hub_t *hub, ngx_uint_t slot,
    uint32_t ref)
{
    if (hub->nwaiting && (hub->full[slot / 64] & ((uint64_t) 1 << slot % 64)))
    {
        return ngx_http_socketio_channel_wait(hub, slot, ref);
    }

    switch (ngx_http_socketio_slot_push(hub->zone, slot, ref)) {

    case NGX_DONE:
        hub->wake[slot / 64] |= (uint64_t) 1 << slot % 64;
        hub->wakes = 1;
        ngx_http_socketio_hub_post(hub);
        break;

    case NGX_OK:
        break;

    case NGX_AGAIN:
        return ngx_http_socketio_channel_wait(hub, slot, ref);

    default: /* NGX_DECLINED */
        ngx_http_socketio_message_read(hub->zone, ref, slot);
        return NGX_DECLINED;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CHANNEL_OUT, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_channel_wait(ngx_http_socketio_hub_t *hub, ngx_uint_t slot,
    uint32_t ref)
{
    ngx_http_socketio_waiting_t  *w;

    w = NULL;

    if (hub->nwaiting < NGX_HTTP_SOCKETIO_WAITING_MAX) {
        w = sio_alloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_waiting_t));
    }

    if (w == NULL) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RING, 1);
        ngx_http_socketio_message_read(hub->zone, ref, slot);
        return NGX_DECLINED;
    }

    w->next = NULL;
    w->ref = ref;
    w->slot = slot;

    *hub->waiting_tail = w;
    hub->waiting_tail = &w->next;
    hub->nwaiting++;
    hub->full[slot / 64] |= (uint64_t) 1 << slot % 64;

    ngx_http_socketio_hub_post(hub);

    return NGX_OK;
}


static void
ngx_http_socketio_channel_retry(ngx_http_socketio_hub_t *hub)
{
    uint64_t                      bit;
    ngx_http_socketio_waiting_t  *w, *next;

    w = hub->waiting;

    hub->waiting = NULL;
    hub->waiting_tail = &hub->waiting;
    hub->nwaiting = 0;
    ngx_memzero(hub->full, sizeof(hub->full));

    for ( /* void */ ; w; w = next) {
        next = w->next;
        bit = (uint64_t) 1 << w->slot % 64;

        if (hub->stuck[w->slot / 64] & bit) {
            ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RING, 1);
            ngx_http_socketio_message_read(hub->zone, w->ref, w->slot);
            sio_free(&ngx_http_socketio_mem, w);
            continue;
        }

        if (!(hub->full[w->slot / 64] & bit)) {

            switch (ngx_http_socketio_slot_push(hub->zone, w->slot, w->ref)) {

            case NGX_DONE:
                hub->wake[w->slot / 64] |= bit;
                hub->wakes = 1;
                /* fall through */

            case NGX_OK:
                ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CHANNEL_OUT,
                                       1);
                sio_free(&ngx_http_socketio_mem, w);
                continue;

            case NGX_AGAIN:
                hub->full[w->slot / 64] |= bit;
                break;

            default: /* NGX_DECLINED */
                ngx_http_socketio_message_read(hub->zone, w->ref, w->slot);
                sio_free(&ngx_http_socketio_mem, w);
                continue;
            }
        }

        w->next = NULL;
        *hub->waiting_tail = w;
        hub->waiting_tail = &w->next;
        hub->nwaiting++;
    }
}


void
ngx_http_socketio_channel_flush(ngx_http_socketio_hub_t *hub)
{
    uint64_t    one, bits;
    ngx_uint_t  i, n;

    if (hub->nwaiting) {
        ngx_http_socketio_channel_retry(hub);

        if (hub->nwaiting == 0) {
            __atomic_store_n(&hub->slot->busy, 0, __ATOMIC_SEQ_CST);
        }
    }

    if (hub->wakes) {
        hub->wakes = 0;
        one = 1;

        for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
            for (bits = hub->wake[i]; bits; bits &= bits - 1) {
                n = i * 64 + __builtin_ctzll(bits);

                /* EAGAIN: the counter is at its end, so it is readable */

                if (write(ngx_http_socketio_eventfds[n], &one, sizeof(one))
                    == -1 && ngx_errno != NGX_EAGAIN)
                {
                    ngx_log_error(NGX_LOG_ALERT, hub->log, ngx_errno,
                                  "write() to eventfd failed");
                }

                ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_WAKEUPS, 1);
            }

            hub->wake[i] = 0;
        }
    }

    if (hub->nwaiting && !hub->retry.timer_set) {
        ngx_add_timer(&hub->retry, NGX_HTTP_SOCKETIO_RETRY);
    }
}


void
ngx_http_socketio_channel_wake(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t  n;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        if (n != hub->n && ngx_http_socketio_slot(hub->zone, n)->pid) {
            hub->wake[n / 64] |= (uint64_t) 1 << n % 64;
        }
    }

    hub->wakes = 1;
}


static void
ngx_http_socketio_channel_handler(ngx_event_t *ev)
{
    ngx_http_socketio_hub_t  *hub;

    if (ngx_http_socketio_inbox == NULL) {
        return;
    }

    for (hub = ngx_http_socketio_hubs; hub; hub = hub->next) {
        ngx_http_socketio_channel_drain(hub);
    }
}


/* The rest of a long inbox, after other events had their turn. */

static void
ngx_http_socketio_channel_again(ngx_event_t *ev)
{
    ngx_http_socketio_channel_handler(ev);
}


void
ngx_http_socketio_channel_drain(ngx_http_socketio_hub_t *hub)
{
    uint32_t                      ref;
    ngx_uint_t                    n;
    ngx_http_socketio_message_t  *message;

    ngx_http_socketio_slot_drain(hub->zone, hub->n);

    for (n = 0; n < NGX_HTTP_SOCKETIO_DRAIN_MAX; n++) {

        if (ngx_http_socketio_slot_peek(hub->zone, hub->n, &ref) != NGX_OK) {
            break;
        }

        message = ngx_http_socketio_message(hub->zone, ref);

        if (message) {
            ngx_http_socketio_channel_dispatch(hub, message);

        } else if (ref == NGX_HTTP_SOCKETIO_REF_LOG) {
            ngx_http_socketio_history_read(hub, UINT64_MAX);
        }

        ngx_http_socketio_slot_done(hub->zone, hub->n);
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CHANNEL_IN, n);

    if (n == NGX_HTTP_SOCKETIO_DRAIN_MAX && ngx_http_socketio_inbox) {
        ngx_post_event(&ngx_http_socketio_again, &ngx_posted_next_events);
    }

    ngx_http_socketio_move_check(hub);
    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_channel_catch_up(ngx_http_socketio_hub_t *hub)
{
    ngx_atomic_uint_t  tail;

    tail = __atomic_load_n(&hub->slot->tail, __ATOMIC_ACQUIRE);

    while ((ngx_atomic_int_t) (tail - hub->slot->head) > 0) {
        ngx_http_socketio_channel_drain(hub);
    }
}


static void
ngx_http_socketio_channel_dispatch(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_message_t *message)
{
    uint8_t                   type;
    sio_wire_t                record;
    ngx_http_socketio_from_t  from;

    from.slot = message->sender;
    from.sequence = message->sequence;

    if (from.slot >= NGX_HTTP_SOCKETIO_SLOTS
        || sio_wire_open(&record, message->data, message->len, &type)
           != SIO_OK)
    {
        goto damaged;
    }

    switch (type) {

    case NGX_HTTP_SOCKETIO_RECORD_BROADCAST:
        ngx_http_socketio_broadcast_receive(hub, &record, &from, 0);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_GET:
    case NGX_HTTP_SOCKETIO_RECORD_POST:
    case NGX_HTTP_SOCKETIO_RECORD_ABORT:
    case NGX_HTTP_SOCKETIO_RECORD_ANSWER:
        ngx_http_socketio_forward_receive(hub, type, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_EXPECT:
    case NGX_HTTP_SOCKETIO_RECORD_ACK:
        ngx_http_socketio_collect_receive(hub, type, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_OPERATION:
        ngx_http_socketio_operation_receive(hub, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_FETCH:
    case NGX_HTTP_SOCKETIO_RECORD_FETCHED:
        ngx_http_socketio_fetch_receive(hub, type, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_MAIL:
    case NGX_HTTP_SOCKETIO_RECORD_MAILER:
        ngx_http_socketio_mailbox_receive(hub, type, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_HOSTS:
        ngx_http_socketio_hosts_receive(hub, &record);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_CALL:
        ngx_http_socketio_call_receive(hub, &record, &from);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_CLUSTER:
        if (hub->cluster) {
            hub->cluster->receive(hub, &record, &from);
        }

        return;

    case NGX_HTTP_SOCKETIO_RECORD_PROBE:
    case NGX_HTTP_SOCKETIO_RECORD_PROBE_ANSWER:
    case NGX_HTTP_SOCKETIO_RECORD_PROBED:
    case NGX_HTTP_SOCKETIO_RECORD_CANCEL:
    case NGX_HTTP_SOCKETIO_RECORD_TAKE:
    case NGX_HTTP_SOCKETIO_RECORD_SESSION:
    case NGX_HTTP_SOCKETIO_RECORD_READY:
    case NGX_HTTP_SOCKETIO_RECORD_HELD:
        ngx_http_socketio_move_receive(hub, type, &record, &from);
        return;
    }

damaged:

    ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                  "socketio app \"%V\": a damaged record from slot %ui",
                  &hub->conf->name, from.slot);
}
