/*
 * Once a second each worker takes back what nobody else will.
 */


#include "hub/ngx_http_socketio_reap.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_presence.h"
#include "shm/ngx_http_socketio_shm_mailbox.h"


/*
 * Records that one worker removes in a second, and under one lock.  What stays
 * goes when there is no room for something else, at the latest.
 */
#define NGX_HTTP_SOCKETIO_REAP_RECORDS  2000
#define NGX_HTTP_SOCKETIO_REAP_BATCH    50

/* All blocks of the store are looked at for mail in so many seconds. */

#define NGX_HTTP_SOCKETIO_REAP_ROUND    30
#define NGX_HTTP_SOCKETIO_REAP_SLICE    1024         /* under one lock */


static void ngx_http_socketio_reap_slots(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_reap_mail(ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_reap_first(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_reap_store(ngx_http_socketio_hub_t *hub);


void
ngx_http_socketio_reap(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_reap_slots(hub);
    ngx_http_socketio_message_reclaim(hub->zone, hub->n);
    ngx_http_socketio_peer_reap(hub->zone);

    if (hub->mailbox && ngx_http_socketio_reap_first(hub)) {
        ngx_http_socketio_reap_mail(hub);
    }

    ngx_http_socketio_reap_store(hub);
}


/* Workers that died and were not replaced leave a slot and cells behind. */

static void
ngx_http_socketio_reap_slots(ngx_http_socketio_hub_t *hub)
{
    uint32_t                   incarnation;
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(hub->zone, n);

        if (n == hub->n || slot->pid == 0) {
            continue;
        }

        incarnation = (uint32_t) slot->incarnation;

        if (ngx_http_socketio_slot_reap(hub->zone, n) == NGX_OK) {
            ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                          "socketio app \"%V\": the worker of slot %ui is "
                          "gone, %ui directory entries taken back",
                          &hub->conf->name, n,
                          ngx_http_socketio_directory_reap(hub->zone, n));

            ngx_http_socketio_channel_wake(hub);
            ngx_http_socketio_presence_sweep(hub);
            ngx_http_socketio_hosts_gone(hub, n, incarnation);
        }
    }
}


/* Items of mailboxes that have expired: they are counted. */

static void
ngx_http_socketio_reap_mail(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t  n, blocks;

    blocks = hub->zone->nblocks / NGX_HTTP_SOCKETIO_REAP_ROUND
             + NGX_HTTP_SOCKETIO_REAP_SLICE;

    for (n = 0; n < blocks; n += NGX_HTTP_SOCKETIO_REAP_SLICE) {

        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_EXPIRED,
                    ngx_http_socketio_mailbox_sweep(hub->zone,
                                     ngx_http_socketio_calendar(),
                                     &hub->mail,
                                     NGX_HTTP_SOCKETIO_REAP_SLICE));

        if (hub->mail == 0) {
            break;
        }
    }
}


/* One worker does it: that of the lowest slot. */

static ngx_uint_t
ngx_http_socketio_reap_first(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t  n;

    for (n = 0; n < hub->n; n++) {
        if (ngx_http_socketio_slot(hub->zone, n)->pid) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_socketio_reap_store(ngx_http_socketio_hub_t *hub)
{
    uint64_t    now;
    ngx_uint_t  swept, n;

    now = ngx_http_socketio_calendar();
    swept = 0;

    do {
        ngx_http_socketio_store_lock(hub->zone);
        n = ngx_http_socketio_store_sweep(hub->zone, now,
                                          NGX_HTTP_SOCKETIO_REAP_BATCH);
        ngx_http_socketio_store_unlock(hub->zone);

        swept += n;

    } while (n == NGX_HTTP_SOCKETIO_REAP_BATCH
             && swept < NGX_HTTP_SOCKETIO_REAP_RECORDS);
}
