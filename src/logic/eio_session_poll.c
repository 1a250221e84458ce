/*
 * GETs of a session that polls, and their answers.
 *
 * A client polls again when it has read the answer before; one that did not
 * get it closes.  So a GET proves that what earlier ones took has arrived, and
 * marks are not sent: they are passed where a ping would be on a WebSocket.
 *
 * Engine.IO v4, "HTTP long-polling".
 */


#include "logic/eio_session_state.h"


#define EIO_POLL_PACKETS  16         /* what python-engineio accepts */
#define EIO_POLL_BYTES    (1 << 20)  /* about, of an answer */


/*
 * A GET waits: so what was handed out before it has arrived, and with it any
 * mark that nothing waits in front of.
 */

static void
eio_session_polled(eio_session_t *s)
{
    if (s->poll == NULL || s->frozen || s->transport != EIO_POLLING
        || !eio_session_live(s))
    {
        return;
    }

    s->handed += eio_outq_pass(&s->out, s->env->mem);
    eio_session_arrive(s);
}


int
eio_session_poll(eio_session_t *s, void *poll, uint64_t now)
{
    if (s->transport != EIO_POLLING || s->state == EIO_STATE_OPENING
        || s->state == EIO_STATE_CLOSED)
    {
        return SIO_ERROR;
    }

    if (s->poll) {
        if (eio_session_live(s)) {
            eio_session_end(s, EIO_REASON_TRANSPORT_ERROR, EIO_END_FAILED);
        }

        return SIO_ERROR;
    }

    s->poll = poll;

    eio_session_polled(s);

    if (s->state != EIO_STATE_CLOSED
        && (s->probed || s->ahead || s->state == EIO_STATE_CLOSING
            || !eio_outq_empty(&s->out)))
    {
        eio_session_notify(s);
    }

    return SIO_OK;
}


void *
eio_session_poll_detach(eio_session_t *s)
{
    void  *poll;

    poll = s->poll;
    s->poll = NULL;

    return poll;
}


/* Upgraded, or about to be: the client waits for its GET to end. */

static void *
eio_session_poll_noop(eio_session_t *s, sio_buf_t *payload)
{
    sio_buf_reset(payload);
    (void) eio_payload_append_text(payload, sio_cstr("6"));

    return eio_session_poll_detach(s);
}


/*
 * The last answer of a session that ends, or of several the next.  A client
 * that said farewell, or lives on elsewhere, is not told to close.
 */

static void *
eio_session_poll_last(eio_session_t *s, sio_buf_t *payload)
{
    int        noop;
    void      *poll;
    unsigned   n;

    /* The close packet is one of those an answer may hold. */

    sio_buf_reset(payload);

    n = eio_outq_payload(&s->out, s->env->mem, payload, EIO_POLL_PACKETS - 1,
                         EIO_POLL_BYTES, &s->handed);

    poll = eio_session_poll_detach(s);

    if (n && !eio_outq_empty(&s->out)) {
        return poll;
    }

    noop = (s->reason == EIO_REASON_TRANSPORT_CLOSE
            || s->reason == EIO_REASON_MOVED);

    (void) eio_payload_append_text(payload, sio_cstr(noop ? "6" : "1"));

    eio_session_end(s, s->reason, EIO_END_GONE);

    return poll;
}


/* The ping, unless the open packet has to come first, and what waits. */

static unsigned
eio_session_poll_fill(eio_session_t *s, sio_buf_t *payload)
{
    unsigned                n;
    const eio_outq_node_t  *first;

    sio_buf_reset(payload);

    n = 0;
    first = eio_outq_first(&s->out);

    if (s->ahead
        && (first == NULL || eio_msg_text(first->msg).len == 0
            || eio_msg_text(first->msg).data[0] != '0')
        && eio_payload_append_text(payload, sio_cstr("2")) == SIO_OK)
    {
        s->ahead = 0;
        n = 1;
    }

    return n + eio_outq_payload(&s->out, s->env->mem, payload,
                                EIO_POLL_PACKETS - n, EIO_POLL_BYTES,
                                &s->handed);
}


void *
eio_session_poll_take(eio_session_t *s, sio_buf_t *payload)
{
    eio_session_polled(s);

    if (s->poll == NULL || s->frozen) {
        return NULL;
    }

    if (s->transport != EIO_POLLING) {
        return eio_session_poll_noop(s, payload);
    }

    if (!eio_session_live(s)) {
        return eio_session_poll_last(s, payload);
    }

    if (eio_session_poll_fill(s, payload)) {
        return eio_session_poll_detach(s);
    }

    if (s->ahead || !eio_outq_empty(&s->out)) {
        eio_session_end(s, EIO_REASON_NO_MEMORY, EIO_END_FAILED);
        return eio_session_poll_last(s, payload);
    }

    return s->probed ? eio_session_poll_noop(s, payload) : NULL;
}


void
eio_session_poll_abort(eio_session_t *s, void *poll)
{
    if (s->poll == NULL || s->poll != poll) {
        return;
    }

    s->poll = NULL;

    /* After the upgrade nothing depends on it. */

    if (s->transport == EIO_POLLING) {
        eio_session_end(s, EIO_REASON_TRANSPORT_ERROR, EIO_END_GONE);
    }
}
