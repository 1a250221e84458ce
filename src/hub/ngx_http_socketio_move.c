/*
 * The side of the session that a WebSocket has come for.
 */


#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_forward.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_probe.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_wait.h"


static void ngx_http_socketio_move_answer(ngx_http_socketio_hub_t *hub,
    uint64_t id, ngx_uint_t slot, uint8_t accepted);
static void ngx_http_socketio_move_asked(ngx_http_socketio_hub_t *hub,
    sio_str_t sid, uint64_t probe_id, ngx_uint_t slot, ngx_uint_t echo);
static void ngx_http_socketio_move_probed(ngx_http_socketio_session_t *s);
static void ngx_http_socketio_move_take(ngx_http_socketio_session_t *s);
static void ngx_http_socketio_move_pack(ngx_http_socketio_session_t *s);
static void ngx_http_socketio_move_ready(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_session_t *s, uint64_t sequence);
static void ngx_http_socketio_move_leave(ngx_http_socketio_move_t *move);
static ngx_uint_t ngx_http_socketio_move_settled(ngx_http_socketio_hub_t *hub,
    uint64_t sequence);


static void
ngx_http_socketio_move_answer(ngx_http_socketio_hub_t *hub, uint64_t id,
    ngx_uint_t slot, uint8_t accepted)
{
    sio_wire_writer_t  w;

    ngx_http_socketio_record_begin(hub, &w,
                                   NGX_HTTP_SOCKETIO_RECORD_PROBE_ANSWER);
    sio_wire_put_u64(&w, id);
    sio_wire_put_u8(&w, accepted);

    (void) ngx_http_socketio_record_send(hub, &w, slot);
}


ngx_http_socketio_move_t *
ngx_http_socketio_move_create(ngx_http_socketio_session_t *s, ngx_uint_t slot,
    uint64_t probe_id, uint64_t due)
{
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_move_t  *move;

    hub = ngx_http_socketio_session_hub(s);

    move = sio_calloc(&ngx_http_socketio_mem, sizeof(ngx_http_socketio_move_t));
    if (move == NULL) {
        return NULL;
    }

    move->session = s;
    move->slot = slot;
    move->probe_id = probe_id;
    move->poll = s->eio.poll;
    move->due = due;
    move->tail = &move->held;
    move->timer.kind = NGX_HTTP_SOCKETIO_TIMER_MOVE;

    sio_wheel_set(&hub->wheel, &move->timer, due);
    ngx_http_socketio_hub_post(hub);

    s->move = move;

    return move;
}


void
ngx_http_socketio_move_free(ngx_http_socketio_move_t *move)
{
    ngx_http_socketio_hub_t    *hub;
    ngx_http_socketio_held_t   *held;
    ngx_http_socketio_move_t  **m;

    if (move == NULL) {
        return;
    }

    hub = ngx_http_socketio_session_hub(move->session);

    for (m = &hub->leaving; *m; m = &(*m)->next) {
        if (*m == move) {
            *m = move->next;
            break;
        }
    }

    while (move->held) {
        held = move->held;
        move->held = held->next;
        eio_msg_unref(&ngx_http_socketio_mem, held->msg);
        sio_free(&ngx_http_socketio_mem, held);
    }

    sio_wheel_clear(&hub->wheel, &move->timer);
    move->session->move = NULL;
    sio_free(&ngx_http_socketio_mem, move);
}


void
ngx_http_socketio_move_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer)
{
    ngx_http_socketio_move_t     *move;
    ngx_http_socketio_session_t  *s;

    move = sio_map_data(timer, ngx_http_socketio_move_t, timer);
    s = move->session;

    if (move->coming) {
        ngx_http_socketio_probe_timeout(hub, &move->probe->timer);
        return;
    }

    if (move->packed) {

        /* the other side has the WebSocket, and is gone or stuck */

        ngx_http_socketio_move_free(move);
        eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_ERROR);
        ngx_http_socketio_session_dirty(s);
        return;
    }

    if (move->take) {
        move->late = 1;
        ngx_http_socketio_lanes_end(s);
        ngx_http_socketio_move_pack(s);
        return;
    }

    if (move->noop) {
        move->noop = 0;
        sio_wheel_set(&hub->wheel, &move->timer, move->due);
        eio_session_upgrade_probed(&s->eio);
        return;
    }

    /* no upgrade packet in time: polling goes on */

    eio_session_upgrade_cancel(&s->eio);
    ngx_http_socketio_move_end(s);
}


void
ngx_http_socketio_move_end(ngx_http_socketio_session_t *s)
{
    uint64_t                    id;
    ngx_uint_t                  slot, local, coming;
    ngx_http_socketio_move_t   *move;
    ngx_http_socketio_probe_t  *probe;

    move = s->move;
    local = move->local;
    coming = move->coming;
    probe = move->probe;
    id = move->probe_id;
    slot = move->slot;

    ngx_http_socketio_move_free(move);

    if (local) {
        ngx_http_socketio_probe_end(probe, NGX_ERROR, NULL);
        return;
    }

    if (coming) {
        ngx_http_socketio_probe_lost(probe);
        return;
    }

    ngx_http_socketio_move_answer(ngx_http_socketio_session_hub(s), id, slot,
                                  0);
}


/* A WebSocket of another worker asks for a session of this one. */

static void
ngx_http_socketio_move_asked(ngx_http_socketio_hub_t *hub, sio_str_t sid,
    uint64_t probe_id, ngx_uint_t slot, ngx_uint_t echo)
{
    uint64_t                      due;
    ngx_http_socketio_session_t  *s;

    s = ngx_http_socketio_session_find(hub, sid);

    if (s == NULL || s->eio.echo != echo
        || eio_session_upgrade_begin(&s->eio) != SIO_OK)
    {
        ngx_http_socketio_move_answer(hub, probe_id, slot, 0);
        return;
    }

    due = ngx_http_socketio_now() + s->eio.options->upgrade_timeout;

    if (ngx_http_socketio_move_create(s, slot, probe_id, due) == NULL) {
        eio_session_upgrade_cancel(&s->eio);
        ngx_http_socketio_move_answer(hub, probe_id, slot, 0);
        return;
    }

    ngx_http_socketio_move_answer(hub, probe_id, slot, 1);
}


/* PROBED: the client waits for its GET to end before it upgrades. */

static void
ngx_http_socketio_move_probed(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_move_t  *move;

    move = s->move;

    if (move->noop || s->eio.probed) {
        return;
    }

    if (s->eio.poll && s->eio.poll == move->poll) {
        eio_session_upgrade_probed(&s->eio);
        return;
    }

    move->noop = 1;
    sio_wheel_set(&ngx_http_socketio_session_hub(s)->wheel, &move->timer,
                  ngx_http_socketio_now() + NGX_HTTP_SOCKETIO_MOVE_NOOP);
}


/*
 * TAKE: rules that wait for an answer belong to this worker, and what they do
 * comes before all that the client sends from now on.
 */

static void
ngx_http_socketio_move_take(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_move_t  *move;

    if (!ngx_http_socketio_lanes_busy(s)) {
        ngx_http_socketio_move_pack(s);
        return;
    }

    move = s->move;

    if (move->take) {
        return;
    }

    move->take = 1;
    move->noop = 0;

    sio_wheel_set(&ngx_http_socketio_session_hub(s)->wheel, &move->timer,
                  ngx_http_socketio_now() + NGX_HTTP_SOCKETIO_WAIT_MOVE);
    ngx_http_socketio_hub_post(ngx_http_socketio_session_hub(s));
}


/* Not from inside of the rule: the timer goes on with it. */

void
ngx_http_socketio_move_idle(ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_move_t  *move;

    hub = ngx_http_socketio_session_hub(s);
    move = s->move;

    if (move->take && !move->packed && !ngx_http_socketio_lanes_busy(s)) {
        sio_wheel_set(&hub->wheel, &move->timer, ngx_http_socketio_now());
        ngx_http_socketio_hub_post(hub);
    }
}


/*
 * A GET that waits came later than the upgrade packet and is refused, then
 * the session is frozen and sent.
 */

static void
ngx_http_socketio_move_pack(ngx_http_socketio_session_t *s)
{
    sio_wire_writer_t          w;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_move_t  *move;

    hub = ngx_http_socketio_session_hub(s);
    move = s->move;

    ngx_http_socketio_forward_refuse(s);

    if (ngx_http_socketio_forward_cut(s)) {
        goto failed;
    }

    eio_session_upgrade_complete(&s->eio, NULL, ngx_http_socketio_now());

    if (!sio_record_movable(&s->client)) {
        goto failed;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_SESSION);
    sio_wire_put_u64(&w, move->probe_id);
    sio_record_pack(&s->eio, &s->client, &w, ngx_http_socketio_now());
    ngx_http_socketio_mailbox_pack(s, &w);
    ngx_http_socketio_admit_pack(s, &w);
    ngx_http_socketio_recovery_pack(s, &w);

    if (ngx_http_socketio_record_send(hub, &w, move->slot) != NGX_OK) {
        goto failed;
    }

    move->packed = 1;
    move->noop = 0;
    eio_session_freeze(&s->eio);

    sio_wheel_set(&hub->wheel, &move->timer,
                  ngx_http_socketio_now() + NGX_HTTP_SOCKETIO_MOVE_TIMEOUT);
    return;

failed:

    ngx_http_socketio_move_end(s);
    eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_ERROR);
    ngx_http_socketio_session_dirty(s);
}


ngx_uint_t
ngx_http_socketio_move_hold(ngx_http_socketio_session_t *s, uint64_t sequence,
    eio_msg_t *msg, const sio_socket_t *socket, uint64_t mail)
{
    ngx_http_socketio_held_t  *held;
    ngx_http_socketio_move_t  *move;

    move = s->move;

    if (move == NULL) {
        return 0;
    }

    if (move->sequence
        && (move->coming ? sequence < move->sequence
                         : sequence > move->sequence))
    {
        return 0;
    }

    held = NULL;

    if (move->bytes + msg->len <= s->eio.options->buffer) {
        held = sio_alloc(&ngx_http_socketio_mem,
                         sizeof(ngx_http_socketio_held_t));
    }

    if (held == NULL) {

        if (msg->volatile_) {
            s->eio.dropped++;

        } else if (mail == 0 && s->eio.options->slow_drop
                   && eio_msg_droppable(msg))
        {
            s->eio.lost++;

        } else {
            move->overflow = 1;
        }

        return 0;
    }

    held->next = NULL;
    held->sequence = sequence;
    held->mail = mail;
    ngx_memcpy(held->sid, socket->sid, EIO_SID_LEN);
    held->msg = eio_msg_ref(msg);

    *move->tail = held;
    move->tail = &held->next;
    move->bytes += msg->len;

    return 1;
}


/* READY: the line is known. */

static void
ngx_http_socketio_move_ready(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_session_t *s, uint64_t sequence)
{
    s->move->sequence = sequence;
    s->move->next = hub->leaving;
    hub->leaving = s->move;
}


void
ngx_http_socketio_move_check(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_move_t  *move, *next;

    for (move = hub->leaving; move; move = next) {
        next = move->next;

        if (ngx_http_socketio_move_settled(hub, move->sequence)) {
            ngx_http_socketio_move_leave(move);
        }
    }

    if (hub->leaving && !hub->retry.timer_set) {
        ngx_add_timer(&hub->retry, 1);
    }
}


/*
 * Whether every broadcast before the line has been taken out of the inbox:
 * nobody is between its number and its last push, and the inbox is empty.
 */
static ngx_uint_t
ngx_http_socketio_move_settled(ngx_http_socketio_hub_t *hub,
    uint64_t sequence)
{
    uint64_t                   busy;
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(hub->zone, n);

        if (n == hub->n || slot->pid == 0) {
            continue;
        }

        busy = __atomic_load_n(&slot->busy, __ATOMIC_SEQ_CST);

        if (busy && busy < sequence) {
            return 0;
        }
    }

    return __atomic_load_n(&hub->slot->head, __ATOMIC_SEQ_CST)
           == __atomic_load_n(&hub->slot->tail, __ATOMIC_SEQ_CST);
}


/* Send what was held before the line; the session is the other side's. */

static void
ngx_http_socketio_move_leave(ngx_http_socketio_move_t *move)
{
    uint32_t                      n;
    sio_wire_writer_t             w;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_held_t     *held;
    ngx_http_socketio_session_t  *s;

    s = move->session;
    hub = ngx_http_socketio_session_hub(s);
    n = 0;

    for (held = move->held; held; held = held->next) {
        n += (held->sequence < move->sequence);
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_HELD);
    sio_wire_put_u64(&w, move->probe_id);
    sio_wire_put_u8(&w, move->overflow);
    sio_wire_put_u32(&w, n);

    for (held = move->held; held; held = held->next) {
        if (held->sequence < move->sequence) {
            sio_wire_put_str(&w, sio_str(held->msg->image, held->msg->len));
            sio_wire_put_u64(&w, held->mail);
            sio_wire_put_str(&w, sio_str(held->sid, EIO_SID_LEN));
        }
    }

    if (ngx_http_socketio_record_send(hub, &w, move->slot) != NGX_OK) {
        ngx_http_socketio_move_end(s);
        eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_ERROR);
        ngx_http_socketio_session_dirty(s);
        return;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MOVED_OUT, 1);
    ngx_http_socketio_move_free(move);

    sio_record_forget(&s->eio, &s->client);
    ngx_http_socketio_session_dirty(s);
}


void
ngx_http_socketio_move_receive(ngx_http_socketio_hub_t *hub, uint8_t type,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint64_t                      id;
    sio_str_t                     sid;
    ngx_http_socketio_move_t     *move;
    ngx_http_socketio_session_t  *s;

    id = sio_wire_get_u64(record);

    if (type == NGX_HTTP_SOCKETIO_RECORD_PROBE_ANSWER
        || type == NGX_HTTP_SOCKETIO_RECORD_SESSION
        || type == NGX_HTTP_SOCKETIO_RECORD_HELD)
    {
        ngx_http_socketio_probe_receive(hub, type, id, record, from);
        return;
    }

    sid = sio_wire_get_str(record);

    if (type == NGX_HTTP_SOCKETIO_RECORD_PROBE) {
        ngx_http_socketio_move_asked(hub, sid, id, from->slot,
                                     sio_wire_get_u8(record));
        return;
    }

    s = ngx_http_socketio_session_find(hub, sid);
    if (s == NULL || s->move == NULL) {
        return;
    }

    move = s->move;

    if (move->local || move->coming || move->slot != from->slot
        || move->probe_id != id)
    {
        return;
    }

    switch (type) {

    case NGX_HTTP_SOCKETIO_RECORD_PROBED:
        if (!move->packed) {
            ngx_http_socketio_move_probed(s);
        }
        break;

    case NGX_HTTP_SOCKETIO_RECORD_TAKE:
        if (!move->packed) {
            ngx_http_socketio_move_take(s);
        }
        break;

    case NGX_HTTP_SOCKETIO_RECORD_READY:
        ngx_http_socketio_move_ready(hub, s, sio_wire_get_u64(record));
        break;

    case NGX_HTTP_SOCKETIO_RECORD_CANCEL:
        if (move->packed) {
            ngx_http_socketio_move_free(move);
            eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_CLOSE);
            ngx_http_socketio_session_dirty(s);
            break;
        }

        eio_session_upgrade_cancel(&s->eio);
        ngx_http_socketio_move_free(move);
        break;
    }
}
