/*
 * The side of the WebSocket that has come for a session.
 */


#include "hub/ngx_http_socketio_probe.h"
#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_forward.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_recovery.h"


static ngx_int_t ngx_http_socketio_probe_out(ngx_http_socketio_probe_t *probe,
    uint8_t type);
static void ngx_http_socketio_probe_drop(ngx_http_socketio_probe_t *probe);
static void ngx_http_socketio_probe_forget(ngx_http_socketio_session_t *s);
static void ngx_http_socketio_probe_arrive(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_probe_t *probe, sio_wire_t *record);
static void ngx_http_socketio_probe_deliver(ngx_http_socketio_session_t *s,
    eio_msg_t *msg, sio_str_t sid, uint64_t mail);
static void ngx_http_socketio_probe_finish(ngx_http_socketio_probe_t *probe,
    sio_wire_t *record);


ngx_int_t
ngx_http_socketio_probe_begin(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_probe_t *probe)
{
    uint64_t                      due;
    sio_str_t                     sid;
    ngx_uint_t                    n;
    ngx_http_socketio_move_t     *move;
    ngx_http_socketio_session_t  *s;

    sid = sio_str(probe->sid, EIO_SID_LEN);
    due = ngx_http_socketio_now() + probe->options->upgrade_timeout;

    n = ngx_http_socketio_session_owner(hub, sid);
    if (n == NGX_HTTP_SOCKETIO_NO_SLOT) {
        return NGX_DECLINED;
    }

    probe->hub = hub;
    probe->slot = n;
    probe->id = ++hub->ids;

    if (n == hub->n) {
        s = ngx_http_socketio_session_find(hub, sid);

        if (s == NULL || s->eio.echo != probe->echo
            || eio_session_upgrade_begin(&s->eio) != SIO_OK)
        {
            return NGX_ERROR;
        }

        move = ngx_http_socketio_move_create(s, n, probe->id, due);
        if (move == NULL) {
            eio_session_upgrade_cancel(&s->eio);
            return NGX_ERROR;
        }

        move->local = 1;
        move->probe = probe;
        probe->session = s;
        probe->accepted = 1;

        return NGX_OK;
    }

    probe->incarnation = (uint32_t) ngx_http_socketio_slot(hub->zone,
                                                           n)->incarnation;

    if (sio_map_insert(&hub->probes, &probe->node,
                       sio_str(&probe->id, sizeof(probe->id)))
        != SIO_OK)
    {
        return NGX_ERROR;
    }

    probe->remote = 1;
    probe->timer.kind = NGX_HTTP_SOCKETIO_TIMER_PROBE;
    sio_wheel_set(&hub->wheel, &probe->timer,
                  due + NGX_HTTP_SOCKETIO_MOVE_TIMEOUT);

    if (ngx_http_socketio_probe_out(probe, NGX_HTTP_SOCKETIO_RECORD_PROBE)
        != NGX_OK)
    {
        ngx_http_socketio_probe_cancel(probe);
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


void
ngx_http_socketio_probe_probed(ngx_http_socketio_probe_t *probe)
{
    probe->probed = 1;

    if (probe->remote) {
        (void) ngx_http_socketio_probe_out(probe,
                                           NGX_HTTP_SOCKETIO_RECORD_PROBED);

    } else if (probe->session) {
        eio_session_upgrade_probed(&probe->session->eio);
    }
}


void
ngx_http_socketio_probe_take(ngx_http_socketio_probe_t *probe)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_session_t  *s;

    hub = probe->hub;
    s = probe->session;

    if (!probe->remote
        && (s->eio.state != EIO_STATE_UPGRADING
            || ngx_http_socketio_forward_cut(s)))
    {
        /* it is closing, and has a GET to say so; or it is over */

        ngx_http_socketio_move_free(s->move);
        ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
        return;
    }

    if (!probe->remote) {
        eio_session_upgrade_complete(&s->eio, probe->ws,
                                     ngx_http_socketio_now());
        ngx_http_socketio_move_free(s->move);
        ngx_http_socketio_probe_end(probe, NGX_DONE, s);
        return;
    }

    /*
     * The session is made at once, though it is empty: a GET that comes
     * later, to whichever worker, finds that the sid is no polling session
     * any more.
     */

    s = ngx_http_socketio_session_create(hub, probe->options, probe->echo,
                                         probe->sid);

    if (s == NULL
        || ngx_http_socketio_probe_out(probe, NGX_HTTP_SOCKETIO_RECORD_TAKE)
           != NGX_OK)
    {
        if (s) {
            eio_session_abort(&s->eio, EIO_REASON_MOVED);
            ngx_http_socketio_session_dirty(s);
        }

        ngx_http_socketio_probe_cancel(probe);
        ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
        return;
    }

    probe->session = s;
    eio_session_freeze(&s->eio);
}


void
ngx_http_socketio_probe_cancel(ngx_http_socketio_probe_t *probe)
{
    ngx_http_socketio_session_t  *s;

    s = probe->session;
    probe->session = NULL;

    if (probe->remote) {
        (void) ngx_http_socketio_probe_out(probe,
                                           NGX_HTTP_SOCKETIO_RECORD_CANCEL);

        sio_map_remove(&probe->hub->probes, &probe->node);
        sio_wheel_clear(&probe->hub->wheel, &probe->timer);
        probe->remote = 0;

        if (s) {
            ngx_http_socketio_probe_forget(s);
        }

        return;
    }

    if (s) {
        eio_session_upgrade_cancel(&s->eio);
        ngx_http_socketio_move_free(s->move);
    }
}


/* The other side is done with it: no word back, the WebSocket is closed. */

static void
ngx_http_socketio_probe_drop(ngx_http_socketio_probe_t *probe)
{
    ngx_http_socketio_session_t  *s;

    s = probe->session;

    if (s) {
        ngx_http_socketio_probe_forget(s);
    }

    ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
}


/*
 * A session that has not come whole.  Until HELD it is the other side's, and
 * that side runs what is to run at its end: here nobody is told.
 */
static void
ngx_http_socketio_probe_forget(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_move_free(s->move);
    sio_record_forget(&s->eio, &s->client);
    ngx_http_socketio_session_dirty(s);
}


void
ngx_http_socketio_probe_lost(ngx_http_socketio_probe_t *probe)
{
    probe->session = NULL;

    ngx_http_socketio_probe_cancel(probe);
    ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
}


void
ngx_http_socketio_probe_check(ngx_http_socketio_hub_t *hub, ngx_uint_t all)
{
    uint32_t                    cursor;
    sio_map_node_t             *node, *saved;
    ngx_http_socketio_probe_t  *probe;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->probes, &cursor, &saved)) != NULL) {
        probe = sio_map_data(node, ngx_http_socketio_probe_t, node);

        if (all || !ngx_http_socketio_slot_held(hub->zone, probe->slot,
                                                probe->incarnation))
        {
            ngx_http_socketio_probe_cancel(probe);
            ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
        }
    }
}


/* Tell the carrier; the probe is its own again, or freed. */

void
ngx_http_socketio_probe_end(ngx_http_socketio_probe_t *probe, ngx_int_t rc,
    ngx_http_socketio_session_t *s)
{
    if (probe->remote) {
        sio_map_remove(&probe->hub->probes, &probe->node);
        sio_wheel_clear(&probe->hub->wheel, &probe->timer);
        probe->remote = 0;
    }

    probe->session = NULL;
    ngx_http_socketio_carrier->probe(probe, rc, s);
}


static ngx_int_t
ngx_http_socketio_probe_out(ngx_http_socketio_probe_t *probe, uint8_t type)
{
    sio_wire_writer_t         w;
    ngx_http_socketio_hub_t  *hub;

    hub = probe->hub;

    ngx_http_socketio_record_begin(hub, &w, type);
    sio_wire_put_u64(&w, probe->id);
    sio_wire_put_str(&w, sio_str(probe->sid, EIO_SID_LEN));

    if (type == NGX_HTTP_SOCKETIO_RECORD_PROBE) {
        sio_wire_put_u8(&w, probe->echo);
    }

    return ngx_http_socketio_record_send(hub, &w, probe->slot);
}


void
ngx_http_socketio_probe_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    ngx_http_socketio_probe_t  *probe;

    probe = sio_map_data(timer, ngx_http_socketio_probe_t, timer);

    ngx_http_socketio_probe_cancel(probe);
    ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
}


/* SESSION: unpack, be known to all, then draw the line between the sides. */

static void
ngx_http_socketio_probe_arrive(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_probe_t *probe, sio_wire_t *record)
{
    uint64_t                      now;
    sio_wire_writer_t             w;
    ngx_http_socketio_move_t     *move;
    ngx_http_socketio_session_t  *s;

    now = ngx_http_socketio_now();
    s = probe->session;

    eio_session_thaw(&s->eio);

    if (sio_record_unpack(&s->eio, &s->client, record, now) != SIO_OK
        || ngx_http_socketio_mailbox_unpack(s, record) != NGX_OK
        || ngx_http_socketio_admit_unpack(s, record) != NGX_OK
        || ngx_http_socketio_recovery_unpack(s, record) != NGX_OK
        || sio_wire_done(record) != SIO_OK)
    {
        goto failed;
    }

    eio_session_freeze(&s->eio);

    move = ngx_http_socketio_move_create(s, probe->slot, probe->id,
                                     now + NGX_HTTP_SOCKETIO_MOVE_TIMEOUT);
    if (move == NULL) {
        goto failed;
    }

    move->coming = 1;
    move->probe = probe;
    move->sequence = __atomic_add_fetch(&hub->zone->sequence, 1,
                                        __ATOMIC_SEQ_CST);

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_READY);
    sio_wire_put_u64(&w, probe->id);
    sio_wire_put_str(&w, sio_str(probe->sid, EIO_SID_LEN));
    sio_wire_put_u64(&w, move->sequence);

    if (ngx_http_socketio_record_send(hub, &w, probe->slot) == NGX_OK) {
        return;
    }

failed:

    ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                  "socketio app \"%V\": a session could not move here",
                  &hub->conf->name);

    ngx_http_socketio_probe_cancel(probe);
    ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
}


static void
ngx_http_socketio_probe_deliver(ngx_http_socketio_session_t *s,
    eio_msg_t *msg, sio_str_t sid, uint64_t mail)
{
    if (mail) {
        ngx_http_socketio_mailbox_held(s, sid, mail, msg);
        return;
    }

    (void) eio_session_send(&s->eio, msg);
}


/* HELD: deliver what the other side kept, then what came here, go live. */

static void
ngx_http_socketio_probe_finish(ngx_http_socketio_probe_t *probe,
    sio_wire_t *record)
{
    uint8_t                       overflow;
    uint32_t                      i, n;
    uint64_t                      mail;
    sio_str_t                     image, sid;
    eio_msg_t                    *msg;
    ngx_http_socketio_held_t     *held;
    ngx_http_socketio_session_t  *s;

    s = probe->session;

    overflow = sio_wire_get_u8(record) || s->move->overflow;
    n = sio_wire_get_u32(record);

    for (i = 0; i < n && !record->error; i++) {
        image = sio_wire_get_str(record);
        mail = sio_wire_get_u64(record);
        sid = sio_wire_get_str(record);
        msg = eio_msg_from_image(&ngx_http_socketio_mem, image);

        if (msg == NULL) {
            overflow = 1;
            break;
        }

        ngx_http_socketio_probe_deliver(s, msg, sid, mail);
        eio_msg_unref(&ngx_http_socketio_mem, msg);
    }

    for (held = s->move->held; held; held = held->next) {
        ngx_http_socketio_probe_deliver(s, held->msg,
                                        sio_str(held->sid, EIO_SID_LEN),
                                        held->mail);
    }

    ngx_http_socketio_stat(ngx_http_socketio_session_hub(s),
                           NGX_HTTP_SOCKETIO_STAT_MOVED_IN, 1);
    ngx_http_socketio_move_free(s->move);

    if (overflow || record->error) {
        eio_session_close(&s->eio, EIO_REASON_SLOW_CONSUMER,
                          ngx_http_socketio_now());
    }

    s->eio.carrier = probe->ws;
    eio_session_thaw(&s->eio);
    ngx_http_socketio_probe_end(probe, NGX_DONE, s);
}


/* Records for the worker that has the WebSocket. */

void
ngx_http_socketio_probe_receive(ngx_http_socketio_hub_t *hub, uint8_t type,
    uint64_t id, sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    sio_map_node_t             *node;
    ngx_http_socketio_probe_t  *probe;

    node = sio_map_find(&hub->probes, sio_str(&id, sizeof(id)));
    if (node == NULL) {
        return;
    }

    probe = sio_map_data(node, ngx_http_socketio_probe_t, node);

    if (probe->slot != from->slot) {
        return;
    }

    switch (type) {

    case NGX_HTTP_SOCKETIO_RECORD_PROBE_ANSWER:

        if (sio_wire_get_u8(record)) {
            probe->accepted = 1;
            ngx_http_socketio_carrier->probe(probe, NGX_OK, NULL);
            return;
        }

        /* refused, or over: nothing of it is left there */

        ngx_http_socketio_probe_drop(probe);
        return;

    case NGX_HTTP_SOCKETIO_RECORD_SESSION:

        if (probe->session && probe->session->move == NULL) {
            ngx_http_socketio_probe_arrive(hub, probe, record);
        }

        return;

    default: /* HELD */

        if (probe->session && probe->session->move) {
            ngx_http_socketio_probe_finish(probe, record);
        }
    }
}
