/*
 * The life of an Engine.IO session.
 *
 * Every end goes through eio_session_end(): it changes the state, tells the
 * handler once and the carrier.  How an end looks to a polling client depends
 * on who has the last word: a GET that waits is always answered; without one
 * an orderly end by the server is kept for the next GET, any other end makes
 * the sid unknown at once, as with the reference server.
 *
 * The timer is set to the heartbeat's deadline or to the handler's time-out,
 * whichever comes first.  Deadlines are computed from deadlines, not from the
 * moments when ticks came, so that lateness does not add up.
 */


#include "logic/eio_session_state.h"


#define EIO_OPEN_MAX      256        /* bytes of an open packet, at most */
#define EIO_LINGER_MSEC   30000      /* a closed session waits for a GET */
#define EIO_MARKS_MAX     64         /* that wait; numbers wrap */


static void
eio_session_set_timer(eio_session_t *s)
{
    uint64_t  due;

    due = s->heartbeat;

    if (s->timeout && s->timeout < due) {
        due = s->timeout;
    }

    if (s->frozen) {
        return;
    }

    if (!sio_timer_is_set(&s->timer) || s->timer.due != due) {
        sio_wheel_set(s->env->wheel, &s->timer, due);
    }
}


static void
eio_session_set_state(eio_session_t *s, eio_state_e state)
{
    s->state = (uint8_t) state;

    if (state >= EIO_STATE_CLOSING) {
        sio_wheel_clear(s->env->wheel, &s->timer);
        s->timeout = 0;
        s->probed = 0;
        s->frozen = 0;
    }
}


/*
 * The handler hears of the end once, and the carrier of each state; not while
 * opening, which reports by its result.
 */

void
eio_session_end(eio_session_t *s, eio_reason_e reason, eio_end_e end)
{
    int          live;
    eio_state_e  state;

    if (s->state == EIO_STATE_CLOSED) {
        return;
    }

    live = (s->state != EIO_STATE_CLOSING);
    state = EIO_STATE_CLOSED;

    if (live && s->transport == EIO_POLLING
        && (end == EIO_END_ORDERLY
            || (end == EIO_END_FAILED && s->poll)))
    {
        state = EIO_STATE_CLOSING;
    }

    if (live) {
        s->reason = reason;
    }

    eio_session_set_state(s, state);

    if (end == EIO_END_GONE
        || (end == EIO_END_FAILED && s->transport == EIO_POLLING))
    {
        eio_outq_free(&s->out, s->env->mem);
    }

    if (!s->opened) {
        return;
    }

    if (live) {
        s->env->handler->close(s, reason);
    }

    s->env->ops->closed(s);
}


void
eio_session_init(eio_session_t *s, const uint8_t sid[EIO_SID_LEN],
    const eio_options_t *options, const eio_env_t *env)
{
    s->options = options;
    s->env = env;
    memcpy(s->sid, sid, EIO_SID_LEN);
    eio_outq_init(&s->out);
}


void
eio_session_cleanup(eio_session_t *s)
{
    sio_wheel_clear(s->env->wheel, &s->timer);
    eio_outq_free(&s->out, s->env->mem);
}


/* Queue a packet of the engine's own: the bound is not for these. */

static int
eio_session_push(eio_session_t *s, sio_str_t packet, unsigned mark)
{
    int               rc;
    eio_msg_t        *msg;
    const sio_mem_t  *mem;

    mem = s->env->mem;

    msg = eio_msg_create(mem, packet, NULL);
    if (msg == NULL) {
        return SIO_NOMEM;
    }

    msg->mark = (uint8_t) mark;

    rc = eio_outq_push(&s->out, mem, msg, SIZE_MAX, &s->dropped);

    eio_msg_unref(mem, msg);

    return rc;
}


static int
eio_session_push_open(eio_session_t *s)
{
    int         rc;
    sio_buf_t   buf;
    eio_open_t  open;

    open.sid = sio_str(s->sid, EIO_SID_LEN);
    open.upgrade = (s->transport == EIO_POLLING && s->options->websocket);
    open.ping_interval_msec = s->options->ping_interval;
    open.ping_timeout_msec = s->options->ping_timeout;
    open.max_payload_bytes = s->options->max_payload;

    sio_buf_init(&buf, s->env->mem, EIO_OPEN_MAX);

    rc = sio_buf_reserve(&buf, EIO_OPEN_MAX);

    if (rc == SIO_OK) {
        rc = eio_open_encode(&open, &buf);
    }

    if (rc == SIO_OK) {
        rc = eio_session_push(s, sio_buf_str(&buf), 0);
    }

    sio_buf_free(&buf);

    return rc;
}


int
eio_session_open(eio_session_t *s, eio_transport_e transport, uint64_t now)
{
    s->transport = (uint8_t) transport;

    if (eio_session_push_open(s) != SIO_OK) {
        eio_session_end(s, EIO_REASON_NO_MEMORY, EIO_END_GONE);
        return SIO_ERROR;
    }

    eio_session_set_state(s, EIO_STATE_OPEN);
    s->heartbeat = now + s->options->ping_interval;
    eio_session_set_timer(s);

    if (s->env->handler->open(s) != SIO_OK) {
        eio_session_end(s, EIO_REASON_FORCED_CLOSE, EIO_END_GONE);
        return SIO_ERROR;
    }

    if (!eio_session_live(s)) {

        /* Closed from inside, before there was anybody to tell. */

        eio_session_end(s, s->reason, EIO_END_GONE);
        s->env->handler->close(s, s->reason);
        return SIO_ERROR;
    }

    s->opened = 1;
    eio_session_notify(s);

    return SIO_OK;
}


void
eio_session_resume(eio_session_t *s, eio_transport_e transport)
{
    s->transport = (uint8_t) transport;
    s->opened = 1;
    s->handed = s->arrived;
    eio_session_set_state(s, EIO_STATE_OPEN);
    eio_session_set_timer(s);
}


void
eio_session_freeze(eio_session_t *s)
{
    if (eio_session_live(s)) {
        s->frozen = 1;
        sio_wheel_clear(s->env->wheel, &s->timer);
    }
}


void
eio_session_thaw(eio_session_t *s)
{
    if (!s->frozen) {
        return;
    }

    s->frozen = 0;
    eio_session_set_timer(s);

    if (s->poll || !eio_outq_empty(&s->out)) {
        eio_session_notify(s);
    }
}


/* The heartbeat was answered. */

static void
eio_session_beat(eio_session_t *s, uint64_t now)
{
    s->waiting_pong = 0;
    s->heartbeat = now + s->options->ping_interval;
    eio_session_set_timer(s);
}


static void
eio_session_pong(eio_session_t *s, uint64_t now)
{
    unsigned  tell;

    if (s->transport == EIO_POLLING
        || (s->waiting_pong && s->beat == s->arrived))
    {
        /* of a ping that went by polling: it was no mark */

        if (s->waiting_pong && !s->ahead) {
            eio_session_beat(s, now);
            s->env->handler->pong(s);
        }

        return;
    }

    /* One that was not asked for proves nothing about the next. */

    if (s->arrived == s->marked) {
        return;
    }

    s->arrived++;
    tell = s->proving;

    if (s->waiting_pong && s->arrived == s->beat) {
        eio_session_beat(s, now);
        tell = 1;
    }

    if (s->arrived == s->marked) {
        s->proving = 0;
    }

    if (tell) {
        s->env->handler->pong(s);
    }
}


void
eio_session_arrive(eio_session_t *s)
{
    if (s->arrived == s->handed) {
        return;
    }

    s->arrived = s->handed;

    if (!s->proving) {
        return;
    }

    s->proving = (s->arrived != s->marked);
    s->env->handler->pong(s);
}


void
eio_session_packet(eio_session_t *s, const eio_packet_t *pkt, uint64_t now)
{
    if (!eio_session_live(s)) {
        return;
    }

    switch (pkt->type) {

    case EIO_PONG:
        eio_session_pong(s, now);
        return;

    case EIO_CLOSE:
        eio_session_end(s, EIO_REASON_TRANSPORT_CLOSE, EIO_END_FAILED);
        return;

    case EIO_PING:
        /* Engine.IO v4: only the server sends pings. */
        eio_session_end(s, EIO_REASON_PARSE_ERROR, EIO_END_FAILED);
        return;

    default:
        break;
    }

    /*
     * A pong may be stuck behind a large message: other traffic prolongs the
     * wait, once, as with the reference server.
     */

    if (s->waiting_pong && !s->pong_extended) {
        s->pong_extended = 1;
        s->heartbeat = now + s->options->ping_timeout;
        eio_session_set_timer(s);
    }

    if (pkt->type == EIO_MESSAGE) {
        s->env->handler->message(s, pkt);
    }
}


int
eio_session_post(eio_session_t *s, uint8_t *data, size_t len, uint64_t now)
{
    int            rc;
    eio_packet_t   pkt;
    eio_payload_t  payload;

    if (!eio_session_live(s) || s->transport != EIO_POLLING) {
        return SIO_ERROR;
    }

    if (eio_payload_count(sio_str(data, len)) > s->options->max_packets) {
        eio_session_end(s, EIO_REASON_PARSE_ERROR, EIO_END_FAILED);
        return SIO_ERROR;
    }

    eio_payload_init(&payload, data, len);

    for ( ;; ) {
        rc = eio_payload_next(&payload, &pkt);

        if (rc == SIO_DONE) {
            return SIO_OK;
        }

        if (rc != SIO_OK || pkt.type == EIO_PING) {
            eio_session_end(s, EIO_REASON_PARSE_ERROR, EIO_END_FAILED);
            return SIO_ERROR;
        }

        eio_session_packet(s, &pkt, now);

        if (!eio_session_live(s)) {
            return SIO_OK;
        }
    }
}


int
eio_session_upgrade_begin(eio_session_t *s)
{
    if (s->state != EIO_STATE_OPEN || s->transport != EIO_POLLING
        || s->frozen || !s->options->websocket)
    {
        return SIO_DECLINED;
    }

    eio_session_set_state(s, EIO_STATE_UPGRADING);

    return SIO_OK;
}


void
eio_session_upgrade_probed(eio_session_t *s)
{
    if (s->state == EIO_STATE_UPGRADING) {
        s->probed = 1;

        if (s->poll) {
            eio_session_notify(s);
        }
    }
}


/*
 * From now on marks are pings.  A client upgrades when it has read its last
 * answer.  A ping in that may still be answered, through the WebSocket, before
 * all marks; one that no GET came for goes there.
 */

void
eio_session_upgrade_complete(eio_session_t *s, void *carrier, uint64_t now)
{
    if (s->state != EIO_STATE_UPGRADING) {
        return;
    }

    s->transport = EIO_WEBSOCKET;
    s->carrier = carrier;
    s->probed = 0;
    eio_session_set_state(s, EIO_STATE_OPEN);

    s->beat = s->handed;

    if (s->ahead) {
        s->ahead = 0;
        s->waiting_pong = 0;
        s->heartbeat = now;
        eio_session_set_timer(s);
    }

    if (s->poll || !eio_outq_empty(&s->out)) {
        eio_session_notify(s);
    }

    eio_session_arrive(s);
}


void
eio_session_upgrade_cancel(eio_session_t *s)
{
    if (s->state == EIO_STATE_UPGRADING) {
        s->probed = 0;
        eio_session_set_state(s, EIO_STATE_OPEN);
    }
}


int
eio_session_send(eio_session_t *s, eio_msg_t *msg)
{
    int  rc;

    if (!eio_session_live(s)) {
        return SIO_ERROR;
    }

    rc = eio_outq_push(&s->out, s->env->mem, msg, s->options->buffer,
                       &s->dropped);

    if (rc == SIO_DECLINED && s->options->slow_drop) {

        if (eio_msg_droppable(msg)) {

            /* once a turn, the carrier counts it */

            if (s->lost++ == 0) {
                s->env->ops->output(s);
            }

            return SIO_OK;
        }

        rc = eio_outq_push(&s->out, s->env->mem, msg,
                           2 * (size_t) s->options->buffer, &s->dropped);
    }

    if (rc == SIO_OK) {
        eio_session_notify(s);
        return SIO_OK;
    }

    eio_session_end(s, rc == SIO_NOMEM ? EIO_REASON_NO_MEMORY
                                       : EIO_REASON_SLOW_CONSUMER,
                    EIO_END_FAILED);

    return rc;
}


int
eio_session_send_text(eio_session_t *s, sio_str_t packet)
{
    int         rc;
    eio_msg_t  *msg;

    if (!eio_session_live(s)) {
        return SIO_ERROR;
    }

    msg = eio_msg_create(s->env->mem, packet, NULL);

    if (msg == NULL) {
        eio_session_end(s, EIO_REASON_NO_MEMORY, EIO_END_FAILED);
        return SIO_NOMEM;
    }

    rc = eio_session_send(s, msg);

    eio_msg_unref(s->env->mem, msg);

    return rc;
}


void
eio_session_close(eio_session_t *s, eio_reason_e reason, uint64_t now)
{
    if (!eio_session_live(s)) {
        return;
    }

    eio_session_end(s, reason, EIO_END_ORDERLY);

    if (s->state == EIO_STATE_CLOSING) {
        s->heartbeat = now + EIO_LINGER_MSEC;
        eio_session_set_timer(s);
    }
}


void
eio_session_abort(eio_session_t *s, eio_reason_e reason)
{
    eio_session_end(s, reason, EIO_END_GONE);
}


void
eio_session_set_timeout(eio_session_t *s, uint64_t due)
{
    if (eio_session_live(s)) {
        s->timeout = due;
        eio_session_set_timer(s);
    }
}


static int
eio_session_push_mark(eio_session_t *s)
{
    if (eio_session_push(s, sio_cstr("2"), 1) != SIO_OK) {
        eio_session_end(s, EIO_REASON_NO_MEMORY, EIO_END_FAILED);
        return SIO_NOMEM;
    }

    s->marked++;

    return SIO_OK;
}


static inline int
eio_session_marks_full(const eio_session_t *s)
{
    return (uint8_t) (s->marked - s->arrived) >= EIO_MARKS_MAX;
}


int
eio_session_prove(eio_session_t *s, uint8_t *mark)
{
    if (!eio_session_live(s)) {
        return SIO_ERROR;
    }

    if (eio_session_marks_full(s)) {
        s->proving = 1;
        return SIO_AGAIN;
    }

    if (eio_session_push_mark(s) != SIO_OK) {
        return SIO_NOMEM;
    }

    s->proving = 1;
    *mark = s->marked;

    eio_session_notify(s);

    return SIO_OK;
}


/*
 * A ping is due.  With polling it overtakes what waits, which may take longer
 * than the client waits for a ping, and a mark is left behind; if there are
 * many already, they do.
 *
 * When the worker itself slept through the whole wait, it starts now: a peer
 * can't answer what was not sent.
 */

static void
eio_session_ping(eio_session_t *s, uint64_t now)
{
    unsigned  polling;

    polling = (s->transport == EIO_POLLING);

    if ((!polling || !eio_session_marks_full(s))
        && eio_session_push_mark(s) != SIO_OK)
    {
        return;
    }

    s->ahead = polling;
    s->beat = s->marked;
    s->waiting_pong = 1;
    s->pong_extended = 0;
    s->heartbeat += s->options->ping_timeout;

    if (s->heartbeat <= now) {
        s->heartbeat = now + s->options->ping_timeout;
    }

    eio_session_notify(s);
}


void
eio_session_expire(eio_session_t *s, uint64_t now)
{
    if (s->state == EIO_STATE_CLOSING) {
        if (now >= s->heartbeat) {
            eio_session_end(s, s->reason, EIO_END_GONE);

        } else {
            eio_session_set_timer(s);
        }

        return;
    }

    if (eio_session_live(s) && now >= s->heartbeat) {

        if (s->waiting_pong) {
            eio_session_end(s, EIO_REASON_PING_TIMEOUT, EIO_END_FAILED);

        } else {
            eio_session_ping(s, now);
        }
    }

    if (eio_session_live(s) && s->timeout && now >= s->timeout) {
        s->timeout = 0;
        s->env->handler->timeout(s);
    }

    if (eio_session_live(s)) {
        eio_session_set_timer(s);
    }
}


void
eio_session_check(eio_session_t *s, uint64_t now)
{
    if (now < s->heartbeat || s->frozen) {
        return;
    }

    if (eio_session_live(s) && s->waiting_pong) {
        eio_session_end(s, EIO_REASON_PING_TIMEOUT, EIO_END_FAILED);

    } else if (s->state == EIO_STATE_CLOSING
               && sio_timer_is_set(&s->timer))
    {
        eio_session_end(s, s->reason, EIO_END_GONE);
    }
}
