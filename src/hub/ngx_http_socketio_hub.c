/*
 * The hub: sessions of one application in one worker, their deadlines, and
 * the turn that flushes and frees.
 *
 * Nothing in here knows HTTP.  A session is freed in one place only: at the
 * end of a turn, when it is closed and neither a transport nor a waiting
 * request nor a move holds it.
 */


#include "hub/ngx_http_socketio_hub.h"
#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_call.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_connect.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_echo.h"
#include "hub/ngx_http_socketio_fetch.h"
#include "hub/ngx_http_socketio_flush.h"
#include "hub/ngx_http_socketio_forward.h"
#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_identity.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_mailer.h"
#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_presence.h"
#include "hub/ngx_http_socketio_probe.h"
#include "hub/ngx_http_socketio_reader.h"
#include "hub/ngx_http_socketio_reap.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_stream.h"
#include "hub/ngx_http_socketio_wait.h"


#define NGX_HTTP_SOCKETIO_TICK      1000     /* msec */
#define NGX_HTTP_SOCKETIO_LONG      100      /* msec: a turn that is logged */
#define NGX_HTTP_SOCKETIO_ACKS_MAX  10000    /* API requests that wait */


static void *ngx_http_socketio_mem_alloc(void *ctx, size_t size);
static void ngx_http_socketio_mem_free(void *ctx, void *p);
static ngx_int_t ngx_http_socketio_hub_slot(ngx_http_socketio_hub_t *hub,
    ngx_uint_t generation);
static void ngx_http_socketio_hub_env(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_hub_events(ngx_http_socketio_hub_t *hub,
    ngx_cycle_t *cycle);
static void ngx_http_socketio_hub_turn(ngx_event_t *ev);
static void ngx_http_socketio_hub_clock(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_hub_fire(sio_wheel_t *wheel, sio_timer_t *timer,
    uint64_t now);
static void ngx_http_socketio_hub_timer(ngx_event_t *ev);
static void ngx_http_socketio_hub_tick(ngx_event_t *ev);
static void ngx_http_socketio_hub_arm(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_hub_shutdown(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_session_output(eio_session_t *eio);
static void ngx_http_socketio_session_closed(eio_session_t *eio);


const ngx_http_socketio_carrier_t  *ngx_http_socketio_carrier;


const sio_mem_t  ngx_http_socketio_mem = {
    ngx_http_socketio_mem_alloc,
    ngx_http_socketio_mem_free,
    NULL
};


static const eio_ops_t  ngx_http_socketio_session_ops = {
    ngx_http_socketio_session_output,
    ngx_http_socketio_session_closed
};


static void *
ngx_http_socketio_mem_alloc(void *ctx, size_t size)
{
    return malloc(size);
}


static void
ngx_http_socketio_mem_free(void *ctx, void *p)
{
    free(p);
}


ngx_int_t
ngx_http_socketio_hub_init(ngx_http_socketio_app_t *app, ngx_cycle_t *cycle,
    ngx_uint_t generation)
{
    const sio_mem_t          *mem;
    ngx_http_socketio_hub_t  *hub;

    hub = ngx_alloc(sizeof(ngx_http_socketio_hub_t), cycle->log);
    if (hub == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(hub, sizeof(ngx_http_socketio_hub_t));

    mem = &ngx_http_socketio_mem;

    hub->conf = app;
    hub->log = cycle->log;
    hub->zone = app->shm_zone->data;
    hub->n = ngx_process_slot;

    if (ngx_http_socketio_mailbox_init(hub) != NGX_OK
        || ngx_http_socketio_recovery_init(hub) != NGX_OK
        || ngx_http_socketio_hub_slot(hub, generation) != NGX_OK)
    {
        ngx_http_socketio_mailbox_cleanup(hub);
        ngx_http_socketio_recovery_cleanup(hub);
        ngx_free(hub);
        return NGX_ERROR;
    }

    hub->nrandom = sizeof(hub->random);
    hub->waiting_tail = &hub->waiting;

    (void) ngx_http_socketio_directory_reap(hub->zone, hub->n);

    /* what is still on its way to a predecessor must not fit us */

    ngx_http_socketio_random(hub, (u_char *) &hub->ids, sizeof(hub->ids));
    ngx_http_socketio_random(hub, (u_char *) &hub->ack_ids,
                             sizeof(hub->ack_ids));

    sio_app_init(&hub->app, mem, &ngx_http_socketio_app_ops, &app->limits,
                 &hub->zone->hash);
    hub->app.data = hub;

    ngx_http_socketio_history_init(hub);

    sio_map_init(&hub->sessions, mem, &hub->zone->hash);
    sio_map_init(&hub->parked, mem, &hub->zone->hash);
    sio_map_init(&hub->probes, mem, &hub->zone->hash);
    sio_wheel_init(&hub->wheel, ngx_http_socketio_now());
    sio_ack_table_init(&hub->acks, mem, &hub->zone->hash, &hub->wheel,
                       NGX_HTTP_SOCKETIO_ACKS_MAX);
    ngx_http_socketio_fetch_init(hub);

    sio_buf_init(&hub->record, mem, 64 * 1024 * 1024);
    sio_buf_init(&hub->history, mem, 64 * 1024 * 1024);
    sio_buf_init(&hub->packet, mem, 64 * 1024 * 1024);
    sio_buf_init(&hub->payload, mem, 64 * 1024 * 1024);

    ngx_http_socketio_wait_init(hub);
    sio_scratch_init(&hub->scratch, mem, 16 * 1024 * 1024);
    sio_recent_init(&hub->recent, mem, &app->hash, SIO_RECENT_SETS);

    ngx_http_socketio_hub_env(hub);
    ngx_http_socketio_hub_events(hub, cycle);

    app->hub = hub;

    ngx_http_socketio_channel_add(hub);
    ngx_http_socketio_channel_wake(hub);
    ngx_http_socketio_hub_post(hub);

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_hub_slot(ngx_http_socketio_hub_t *hub,
    ngx_uint_t generation)
{
    if (hub->n >= NGX_HTTP_SOCKETIO_SLOTS
        || ngx_http_socketio_slot_take(hub->zone, hub->n, generation)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": no slot for process %ui in the "
                      "zone, it is not served by this worker",
                      &hub->conf->name, hub->n);
        return NGX_ERROR;
    }

    hub->slot = ngx_http_socketio_slot(hub->zone, hub->n);
    hub->incarnation = (uint32_t) hub->slot->incarnation;

    return NGX_OK;
}


/* What sessions share. */

static void
ngx_http_socketio_hub_env(ngx_http_socketio_hub_t *hub)
{
    hub->socketio.handler = &sio_client_handler;
    hub->socketio.ops = &ngx_http_socketio_session_ops;
    hub->socketio.mem = &ngx_http_socketio_mem;
    hub->socketio.wheel = &hub->wheel;
    hub->socketio.data = &hub->app;

    hub->echo = hub->socketio;
    hub->echo.handler = &ngx_http_socketio_echo_handler;
}


/* The turn, and the timers. */

static void
ngx_http_socketio_hub_events(ngx_http_socketio_hub_t *hub, ngx_cycle_t *cycle)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    hub->coarse = ccf->timer_resolution == NGX_CONF_UNSET_MSEC
                  ? 0 : ccf->timer_resolution;

    hub->dummy.fd = (ngx_socket_t) -1;
    hub->dummy.data = hub;
    hub->dummy.log = cycle->log;

    hub->turn.handler = ngx_http_socketio_hub_turn;
    hub->turn.data = &hub->dummy;
    hub->turn.log = cycle->log;

    hub->timer = hub->turn;
    hub->timer.handler = ngx_http_socketio_hub_timer;

    hub->retry = hub->turn;

    ngx_http_socketio_flush_init(hub);

    /* the others hold a worker that shuts down until they are done */

    hub->tick = hub->turn;
    hub->tick.handler = ngx_http_socketio_hub_tick;
    hub->tick.cancelable = 1;

    ngx_add_timer(&hub->tick, NGX_HTTP_SOCKETIO_TICK);

    ngx_http_socketio_presence_init(hub);
}


void
ngx_http_socketio_hub_cleanup(ngx_http_socketio_hub_t *hub)
{
    /* nothing is handed to it any more; what was, is passed on */

    hub->slot->exiting = 1;

    ngx_http_socketio_hub_shutdown(hub);
    ngx_http_socketio_hub_turn(&hub->turn);
    ngx_http_socketio_flush_all(hub);

    ngx_http_socketio_channel_flush(hub);
    ngx_http_socketio_channel_catch_up(hub);
    ngx_http_socketio_channel_flush(hub);
    ngx_http_socketio_presence_cleanup(hub);
    ngx_http_socketio_mailer_end(hub);
    ngx_http_socketio_channel_linger(hub);
    ngx_http_socketio_channel_remove(hub);

    if (hub->cluster) {
        hub->cluster->cleanup(hub);
    }

    if (hub->turn.posted) {
        ngx_delete_posted_event(&hub->turn);
    }

    if (hub->timer.timer_set) {
        ngx_del_timer(&hub->timer);
    }

    if (hub->tick.timer_set) {
        ngx_del_timer(&hub->tick);
    }

    if (hub->retry.timer_set) {
        ngx_del_timer(&hub->retry);
    }

    ngx_http_socketio_message_reclaim(hub->zone, hub->n);
    ngx_http_socketio_forward_end(hub);
    ngx_http_socketio_slot_leave(hub->zone, hub->n);
    (void) ngx_http_socketio_directory_reap(hub->zone, hub->n);

    sio_ack_table_free(&hub->acks);
    sio_ack_table_free(&hub->fetches);
    sio_map_free(&hub->sessions);
    sio_map_free(&hub->parked);
    sio_map_free(&hub->probes);
    ngx_http_socketio_wait_cleanup(hub);
    sio_buf_free(&hub->record);
    sio_buf_free(&hub->history);
    sio_buf_free(&hub->packet);
    sio_buf_free(&hub->payload);
    sio_scratch_free(&hub->scratch);
    sio_recent_free(&hub->recent);
    sio_app_free(&hub->app);
    ngx_http_socketio_mailbox_cleanup(hub);
    ngx_http_socketio_recovery_cleanup(hub);

    hub->conf->hub = NULL;
    ngx_free(hub);
}


/* Close what is still open; transports are told what there is time to tell. */

static void
ngx_http_socketio_hub_shutdown(ngx_http_socketio_hub_t *hub)
{
    uint32_t                      cursor;
    sio_map_node_t               *node, *saved;
    ngx_http_socketio_session_t  *s;

    /* first what is coming: it is still the other side's to close */

    ngx_http_socketio_probe_check(hub, 1);

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->sessions, &cursor, &saved)) != NULL) {
        s = (ngx_http_socketio_session_t *)
                sio_map_data(node, eio_session_t, node);

        eio_session_close(&s->eio, EIO_REASON_SHUTTING_DOWN,
                          ngx_http_socketio_now());

        /* no GET will come to be told */

        if (s->eio.state == EIO_STATE_CLOSING && s->eio.poll == NULL) {
            eio_session_abort(&s->eio, EIO_REASON_SHUTTING_DOWN);
        }
    }
}


void
ngx_http_socketio_hub_post(ngx_http_socketio_hub_t *hub)
{
    if (!hub->turn.posted) {
        ngx_post_event(&hub->turn, &ngx_posted_events);
    }
}


static void
ngx_http_socketio_hub_turn(ngx_event_t *ev)
{
    ngx_http_socketio_hub_t  *hub = ((ngx_connection_t *) ev->data)->data;

    ngx_http_socketio_mailbox_turn(hub);
    ngx_http_socketio_recovery_turn(hub);

    /* others deliver while we do */

    ngx_http_socketio_channel_flush(hub);
    ngx_http_socketio_flush_turn(hub);

    if (hub->leaving) {
        ngx_http_socketio_move_check(hub);
    }

    if (hub->hosts) {
        ngx_http_socketio_hosts_turn(hub);
    }

    ngx_http_socketio_channel_flush(hub);
    ngx_http_socketio_hub_arm(hub);
    ngx_http_socketio_hub_clock(hub);
}


/*
 * How long this turn of nginx's loop has taken, with what others did in it:
 * so long nobody else was served.  nginx notes the time when it wakes up.
 */
static void
ngx_http_socketio_hub_clock(ngx_http_socketio_hub_t *hub)
{
#if (NGX_HAVE_CLOCK_MONOTONIC)

    ngx_uint_t        n;
    ngx_msec_int_t    msec;
    ngx_atomic_t     *longest;
    struct timespec   ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    msec = (ngx_msec_int_t) ((ngx_msec_t) ts.tv_sec * 1000
                             + ts.tv_nsec / 1000000 - ngx_current_msec
                             - hub->coarse);

    longest = &hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_LONGEST];

    if (msec > (ngx_msec_int_t) *longest) {
        *longest = (ngx_atomic_uint_t) msec;
    }

    if (msec < NGX_HTTP_SOCKETIO_LONG) {
        return;
    }

    hub->late += (ngx_msec_t) msec;

    n = ngx_http_socketio_often(&hub->long_turn);
    if (n) {
        ngx_log_error(NGX_LOG_NOTICE, hub->log, 0,
                      "socketio: loop turn of %M ms, %ui long ones since the "
                      "last such line", (ngx_msec_t) msec, n);
    }

#endif
}


/* Wake up when the wheel has something to do. */

static void
ngx_http_socketio_hub_arm(ngx_http_socketio_hub_t *hub)
{
    uint64_t  next, now;

    next = sio_wheel_next(&hub->wheel);
    if (next == 0) {
        if (hub->timer.timer_set) {
            ngx_del_timer(&hub->timer);
        }
        return;
    }

    if (hub->timer.timer_set && hub->armed == next) {
        return;
    }

    now = ngx_http_socketio_now();

    if (hub->timer.timer_set) {
        ngx_del_timer(&hub->timer);
    }

    hub->armed = next;
    ngx_add_timer(&hub->timer, next > now ? (ngx_msec_t) (next - now) : 1);
}


static void
ngx_http_socketio_hub_fire(sio_wheel_t *wheel, sio_timer_t *timer,
    uint64_t now)
{
    ngx_http_socketio_hub_t  *hub;

    hub = sio_map_data(wheel, ngx_http_socketio_hub_t, wheel);

    switch (timer->kind) {

    case NGX_HTTP_SOCKETIO_TIMER_SESSION:
        eio_session_expire(sio_map_data(timer, eio_session_t, timer), now);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_ACK:
        sio_ack_expire(&hub->acks, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_MOVE:
        ngx_http_socketio_move_timeout(hub, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_PROBE:
        ngx_http_socketio_probe_timeout(hub, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_CARRIER:
        ngx_http_socketio_carrier->timeout(timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_FETCH:
        ngx_http_socketio_fetch_timeout(hub, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_CLUSTER:
        hub->cluster->timeout(hub, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_PRESENCE:
        ngx_http_socketio_presence_timeout(hub, timer);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_RECOVERY:
        ngx_http_socketio_connect_again(
                            ngx_http_socketio_recovery_waiting(timer));
        break;

    case NGX_HTTP_SOCKETIO_TIMER_STREAM:
        ngx_http_socketio_stream_timeout(hub);
        break;

    case NGX_HTTP_SOCKETIO_TIMER_IDENTITY:
        ngx_http_socketio_identity_timeout(hub, timer);
        break;
    }
}


static void
ngx_http_socketio_hub_timer(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_socketio_hub_t  *hub;

    c = ev->data;
    hub = c->data;

    sio_wheel_run(&hub->wheel, ngx_http_socketio_now(),
                  ngx_http_socketio_hub_fire);

    ngx_http_socketio_hub_post(hub);
}


static void
ngx_http_socketio_hub_tick(ngx_event_t *ev)
{
    ngx_connection_t         *c;
    ngx_http_socketio_hub_t  *hub;

    c = ev->data;
    hub = c->data;

    ngx_http_socketio_reap(hub);
    ngx_http_socketio_reader_check(hub);
    ngx_http_socketio_forward_check(hub);
    ngx_http_socketio_grant_tick(hub);
    ngx_http_socketio_identity_tick(hub);
    ngx_http_socketio_probe_check(hub, 0);
    ngx_http_socketio_move_check(hub);
    ngx_http_socketio_mailbox_tick(hub);
    ngx_http_socketio_history_tick(hub);
    ngx_http_socketio_presence_tick(hub);

    if (ngx_exiting && !hub->slot->exiting) {
        hub->slot->exiting = 1;
    }

    if (hub->cluster) {
        hub->cluster->tick(hub);
    }

    if (hub->caller) {
        hub->caller->tick(hub);
    }

    if (ngx_exiting && !ngx_http_socketio_hub_succeeded(hub)) {
        ngx_http_socketio_hub_shutdown(hub);
    }

    ngx_http_socketio_hub_post(hub);
    ngx_add_timer(&hub->tick, NGX_HTTP_SOCKETIO_TICK);
}


/* Whether a newer generation of workers serves the zone. */

ngx_uint_t
ngx_http_socketio_hub_succeeded(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(hub->zone, n);

        if (n != hub->n && slot->pid && !slot->exiting
            && slot->generation > hub->slot->generation)
        {
            return 1;
        }
    }

    return 0;
}


ngx_http_socketio_session_t *
ngx_http_socketio_session_create(ngx_http_socketio_hub_t *hub,
    const eio_options_t *options, ngx_uint_t echo, const u_char *sid)
{
    u_char                        bytes[EIO_SID_LEN];
    ngx_uint_t                    n;
    ngx_http_socketio_key_t       key;
    ngx_http_socketio_session_t  *s;

    if (sid == NULL) {
        ngx_http_socketio_sid(hub, bytes);
        sid = bytes;
    }

    s = sio_calloc(&ngx_http_socketio_mem,
                   sizeof(ngx_http_socketio_session_t));
    if (s == NULL) {
        return NULL;
    }

    eio_session_init(&s->eio, sid, options, echo ? &hub->echo : &hub->socketio);

    /* an echo's stays empty: records have one all the same */

    sio_client_init(&s->client, &s->eio);
    s->client.dry_run = options->dry_run;
    s->eio.data = &s->client;
    s->eio.echo = echo;

    (void) ngx_http_socketio_key_session(sio_str(s->eio.sid, EIO_SID_LEN),
                                         &key);

    s->eio.cell = ngx_http_socketio_directory_add(hub->zone, &key, hub->n, 1);

    if (s->eio.cell == 0) {
        n = ngx_http_socketio_often(&hub->no_session);

        if (n) {
            ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                          "socketio app \"%V\": the zone is full, no room "
                          "for a session, %ui since the last such line",
                          &hub->conf->name, n);
        }

        goto failed;
    }

    if (sio_map_insert(&hub->sessions, &s->eio.node,
                       sio_str(s->eio.sid, EIO_SID_LEN))
        != SIO_OK)
    {
        goto failed;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_OPENED, 1);
    ngx_http_socketio_hub_post(hub);

    return s;

failed:

    ngx_http_socketio_directory_remove(hub->zone, s->eio.cell);

    sio_client_free(&s->client);
    eio_session_cleanup(&s->eio);
    sio_free(&ngx_http_socketio_mem, s);

    return NULL;
}


ngx_uint_t
ngx_http_socketio_often(ngx_http_socketio_often_t *often)
{
    ngx_uint_t  n;

    often->n++;

    if (often->last == ngx_time()) {
        return 0;
    }

    n = often->n;

    often->last = ngx_time();
    often->n = 0;

    return n;
}


ngx_http_socketio_session_t *
ngx_http_socketio_session_find(ngx_http_socketio_hub_t *hub, sio_str_t sid)
{
    sio_map_node_t               *node;
    ngx_http_socketio_session_t  *s;

    node = sio_map_find(&hub->sessions, sid);
    if (node == NULL) {
        return NULL;
    }

    s = (ngx_http_socketio_session_t *)
            sio_map_data(node, eio_session_t, node);

    return s->eio.state == EIO_STATE_CLOSED ? NULL : s;
}


ngx_uint_t
ngx_http_socketio_session_owner(ngx_http_socketio_hub_t *hub, sio_str_t sid)
{
    ngx_http_socketio_key_t  key;

    if (ngx_http_socketio_session_find(hub, sid)) {
        return hub->n;
    }

    if (ngx_http_socketio_key_session(sid, &key) != NGX_OK) {
        return NGX_HTTP_SOCKETIO_NO_SLOT;
    }

    return ngx_http_socketio_directory_slot(hub->zone, &key);
}


void
ngx_http_socketio_session_count(ngx_http_socketio_session_t *s)
{
    ngx_uint_t  counted;

    counted = 0;

    if (s->eio.state == EIO_STATE_OPEN || s->eio.state == EIO_STATE_UPGRADING) {
        counted = s->eio.transport + 1;
    }

    if (counted == s->eio.counted) {
        return;
    }

    if (s->eio.counted) {
        ngx_http_socketio_stat(ngx_http_socketio_session_hub(s),
                               NGX_HTTP_SOCKETIO_STAT_SESSIONS_POLLING
                               + s->eio.counted - 1, -1);
    }

    if (counted) {
        ngx_http_socketio_stat(ngx_http_socketio_session_hub(s),
                               NGX_HTTP_SOCKETIO_STAT_SESSIONS_POLLING
                               + counted - 1, 1);
    }

    s->eio.counted = counted;
}


void
ngx_http_socketio_session_destroy(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_hub_t  *hub;

    hub = ngx_http_socketio_session_hub(s);

    if (s->move) {
        ngx_http_socketio_move_end(s);
    }

    if (s->eio.dropped) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_VOLATILE,
                               s->eio.dropped);
    }

    if (s->eio.reason == EIO_REASON_SLOW_CONSUMER) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_SLOW, 1);
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_CLOSED, 1);

    sio_map_remove(&hub->sessions, &s->eio.node);
    ngx_http_socketio_directory_remove(hub->zone, s->eio.cell);
    ngx_http_socketio_admit_end(s);

    sio_client_free(&s->client);
    eio_session_cleanup(&s->eio);
    sio_free(&ngx_http_socketio_mem, s);
}


static void
ngx_http_socketio_session_output(eio_session_t *eio)
{
    ngx_http_socketio_session_dirty((ngx_http_socketio_session_t *) eio);
}


static void
ngx_http_socketio_session_closed(eio_session_t *eio)
{
    ngx_http_socketio_session_t  *s;

    s = (ngx_http_socketio_session_t *) eio;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ngx_http_socketio_session_hub(s)->log, 0,
                   "socketio session %p closed, reason %d",
                   s, (int) eio->reason);

    ngx_http_socketio_session_dirty(s);
}
