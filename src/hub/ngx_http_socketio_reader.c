/*
 * Whether other workers read what they are sent, and go on.
 */


#include "hub/ngx_http_socketio_reader.h"


/* Less than the end of a move may take. */

#define NGX_HTTP_SOCKETIO_READER_TICKS  3


static void ngx_http_socketio_reader_beat(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_reader_stands(ngx_http_socketio_hub_t *hub,
    ngx_uint_t n);
static ngx_uint_t ngx_http_socketio_reader_moved(ngx_http_socketio_hub_t *hub,
    ngx_uint_t n);


void
ngx_http_socketio_reader_check(ngx_http_socketio_hub_t *hub)
{
    uint64_t    bit;
    ngx_uint_t  n;

    ngx_http_socketio_reader_beat(hub);

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        bit = (uint64_t) 1 << n % 64;

        if (n != hub->n) {
            ngx_http_socketio_reader_stands(hub, n);
        }

        if (n == hub->n || ngx_http_socketio_reader_moved(hub, n)
            || (hub->stuck[n / 64] & bit)
            || ++hub->readers[n].ticks < NGX_HTTP_SOCKETIO_READER_TICKS)
        {
            continue;
        }

        hub->stuck[n / 64] |= bit;

        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": the worker of slot %ui does not "
                      "read its inbox, what is for it is dropped",
                      &hub->conf->name, n);
    }
}


static void
ngx_http_socketio_reader_beat(ngx_http_socketio_hub_t *hub)
{
    (void) ngx_atomic_fetch_add(&hub->slot->beat, 1);

    if (hub->slot->still) {
        hub->slot->still = 0;

        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "socketio app \"%V\": this worker stood still, and goes "
                      "on", &hub->conf->name);
    }
}


static void
ngx_http_socketio_reader_stands(ngx_http_socketio_hub_t *hub, ngx_uint_t n)
{
    ngx_http_socketio_slot_t    *slot;
    ngx_http_socketio_reader_t  *reader;

    slot = ngx_http_socketio_slot(hub->zone, n);
    reader = &hub->readers[n];

    if (slot->pid == 0 || reader->beat != (uint32_t) slot->beat) {
        reader->beat = (uint32_t) slot->beat;
        reader->stands = 0;
        return;
    }

    if (++reader->stands == NGX_HTTP_SOCKETIO_READER_TICKS
        && ngx_atomic_cmp_set(&slot->still, 0, 1))
    {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": the worker of slot %ui, process "
                      "%P, stands still, others do what it has to do for all",
                      &hub->conf->name, n, (ngx_pid_t) slot->pid);
    }
}


ngx_uint_t
ngx_http_socketio_reader_skip(ngx_http_socketio_hub_t *hub, uint64_t *mask,
    ngx_uint_t i)
{
    uint64_t    bits;
    ngx_uint_t  n, skipped;

    skipped = 0;

    for (bits = mask[i] & hub->stuck[i]; bits; bits &= bits - 1) {
        n = i * 64 + __builtin_ctzll(bits);

        if (!ngx_http_socketio_reader_moved(hub, n)) {
            mask[i] &= ~((uint64_t) 1 << n % 64);
            ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RING, 1);
            skipped++;
        }
    }

    return skipped;
}


/*
 * Whether a worker has read since the last look, or has nothing to read.
 * Ticks are counted, not seconds: if the machine slept, so did we.
 */
static ngx_uint_t
ngx_http_socketio_reader_moved(ngx_http_socketio_hub_t *hub, ngx_uint_t n)
{
    uint64_t                     bit;
    ngx_atomic_uint_t            head;
    ngx_http_socketio_slot_t    *slot;
    ngx_http_socketio_reader_t  *reader;

    bit = (uint64_t) 1 << n % 64;
    slot = ngx_http_socketio_slot(hub->zone, n);
    reader = &hub->readers[n];
    head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE);

    if (reader->head == (uint32_t) head
        && head != __atomic_load_n(&slot->tail, __ATOMIC_ACQUIRE))
    {
        return 0;
    }

    reader->head = (uint32_t) head;
    reader->ticks = 0;

    if (hub->stuck[n / 64] & bit) {
        hub->stuck[n / 64] &= ~bit;

        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "socketio app \"%V\": the worker of slot %ui reads its "
                      "inbox again", &hub->conf->name, n);
    }

    return 1;
}
