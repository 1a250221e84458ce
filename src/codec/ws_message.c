/*
 * WebSocket messages.
 *
 * A connection keeps at most one block: the message so far, and behind it the
 * bytes of a control frame that came in between and is not whole yet.  Those
 * are handed out before message bytes can overwrite them.
 *
 * RFC 6455, 5.4.  Fragmentation.
 */


#include "codec/ws_message.h"
#include "codec/sio_utf8.h"


#define WS_PARTIAL_MIN  256   /* first block, bytes, if so much may come */


struct ws_partial_s {
    size_t   len;             /* of the message so far */
    size_t   cap;
    uint8_t  data[];
};


static int ws_message_begin(ws_message_t *m, const ws_limits_t *lim,
    ws_event_t *ev);
static int ws_message_data(ws_message_t *m, const ws_limits_t *lim,
    uint8_t *data, size_t len, ws_event_t *ev);
static int ws_message_control(ws_message_t *m, const ws_limits_t *lim,
    uint8_t *data, size_t len, ws_event_t *ev);
static int ws_message_close(ws_message_t *m, uint8_t *data, size_t len,
    ws_event_t *ev);
static int ws_message_keep(ws_message_t *m, const sio_mem_t *mem, size_t at,
    size_t expect, const uint8_t *data, size_t len);
static int ws_message_fail(ws_message_t *m, ws_event_t *ev, uint16_t code,
    const char *error);


static inline size_t
ws_message_kept(const ws_message_t *m)
{
    return m->partial ? m->partial->len : 0;
}


static inline int
ws_frame_is_control(const ws_frame_t *f)
{
    return f->opcode >= WS_OP_CLOSE;
}


void
ws_message_init(ws_message_t *m)
{
    memset(m, 0, sizeof(ws_message_t));
}


void
ws_message_free(ws_message_t *m, const sio_mem_t *mem)
{
    sio_free(mem, m->partial);
    m->partial = NULL;
}


int
ws_message_feed(ws_message_t *m, const ws_limits_t *lim, uint8_t *data,
    size_t len, size_t *used, ws_event_t *ev)
{
    int       rc;
    size_t    n;
    uint64_t  left;

    if (m->closed || (m->opcode == 0 && !m->in_payload)) {
        ws_message_free(m, lim->mem);
    }

    if (m->closed) {
        *used = len;
        return SIO_DONE;
    }

    *used = 0;

    while (*used < len) {

        if (!m->in_payload) {
            rc = ws_frame_parse(&m->frame, lim->rsv_ok, data + *used,
                                len - *used, &n);
            *used += n;

            if (rc == SIO_AGAIN) {
                return SIO_AGAIN;
            }

            if (rc == SIO_ERROR) {
                return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL,
                                       ws_frame_error(&m->frame));
            }

            rc = ws_message_begin(m, lim, ev);
            if (rc != SIO_OK) {
                return rc;
            }
        }

        n = len - *used;
        left = m->frame.len - m->offset;

        if (n > left) {
            n = left;
        }

        ws_frame_unmask(&m->frame, m->offset, data + *used, n);

        if (ws_frame_is_control(&m->frame)) {
            rc = ws_message_control(m, lim, data + *used, n, ev);

        } else {
            rc = ws_message_data(m, lim, data + *used, n, ev);
        }

        *used += n;

        if (rc != SIO_AGAIN) {
            return rc;
        }
    }

    return SIO_AGAIN;
}


/* A header is whole: whether such a frame may come now. */

static int
ws_message_begin(ws_message_t *m, const ws_limits_t *lim, ws_event_t *ev)
{
    size_t       kept;
    ws_frame_t  *f;

    f = &m->frame;

    m->offset = 0;
    m->in_payload = 1;

    /* RFC 7692, 6.  Framing: the bits belong to a message's first frame */

    if (f->rsv && (ws_frame_is_control(f) || f->opcode == WS_OP_CONTINUATION)) {
        return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL,
                               "reserved bit set on a later frame");
    }

    if (ws_frame_is_control(f)) {
        return SIO_OK;
    }

    if (f->opcode == WS_OP_CONTINUATION) {

        if (m->opcode == 0) {
            return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL,
                                   "continuation of no message");
        }

    } else {

        if (m->opcode) {
            return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL,
                                   "new message inside a fragmented one");
        }

        m->opcode = f->opcode;
        m->rsv = f->rsv;
        m->utf8 = SIO_UTF8_START;
    }

    kept = ws_message_kept(m);

    if (kept > lim->max || f->len > lim->max - kept) {
        return ws_message_fail(m, ev, WS_CLOSE_BIG, "message too big");
    }

    return SIO_OK;
}


/* Payload of a data frame, unmasked. */

static int
ws_message_data(ws_message_t *m, const ws_limits_t *lim, uint8_t *data,
    size_t len, ws_event_t *ev)
{
    int          last, whole;
    size_t       kept, left, expect;
    ws_frame_t  *f;

    f = &m->frame;
    left = f->len - m->offset;
    last = (len == left);
    whole = (last && f->fin);
    kept = ws_message_kept(m);

    if (m->opcode == WS_OP_TEXT && m->rsv == 0) {

        if (sio_utf8_check(&m->utf8, data, len) == SIO_ERROR
            || (whole && m->utf8 != SIO_UTF8_START))
        {
            return ws_message_fail(m, ev, WS_CLOSE_DATA,
                                   "text is not UTF-8");
        }
    }

    if (kept || !whole) {
        expect = f->fin ? kept + left : lim->max;

        if (ws_message_keep(m, lim->mem, kept, expect, data, len) != SIO_OK) {
            return ws_message_fail(m, ev, WS_CLOSE_INTERNAL, "no memory");
        }

        if (len) {
            m->partial->len += len;
        }
    }

    m->offset += len;

    if (!last) {
        return SIO_AGAIN;
    }

    m->in_payload = 0;
    ws_frame_init(f);

    if (!whole) {
        return SIO_AGAIN;
    }

    ev->type = (m->opcode == WS_OP_TEXT) ? WS_EVENT_TEXT : WS_EVENT_BINARY;
    ev->rsv = m->rsv;
    ev->data = kept ? m->partial->data : data;
    ev->len = kept + len;

    m->opcode = 0;

    return SIO_OK;
}


/* Payload of a control frame, unmasked. */

static int
ws_message_control(ws_message_t *m, const ws_limits_t *lim, uint8_t *data,
    size_t len, ws_event_t *ev)
{
    int       last;
    size_t    kept, taken, total;
    unsigned  opcode;

    kept = ws_message_kept(m);
    taken = m->offset;
    total = m->frame.len;
    last = (taken + len == total);

    if (taken || !last) {

        if (ws_message_keep(m, lim->mem, kept + taken, kept + total, data, len)
            != SIO_OK)
        {
            return ws_message_fail(m, ev, WS_CLOSE_INTERNAL, "no memory");
        }
    }

    m->offset += len;

    if (!last) {
        return SIO_AGAIN;
    }

    if (taken) {
        data = m->partial->data + kept;
    }

    opcode = m->frame.opcode;

    m->in_payload = 0;
    ws_frame_init(&m->frame);

    if (opcode == WS_OP_CLOSE) {
        return ws_message_close(m, data, total, ev);
    }

    ev->type = (opcode == WS_OP_PING) ? WS_EVENT_PING : WS_EVENT_PONG;
    ev->rsv = 0;
    ev->data = data;
    ev->len = total;

    return SIO_OK;
}


/* RFC 6455, 5.5.1.  Close: nothing, or a code and a reason. */

static int
ws_message_close(ws_message_t *m, uint8_t *data, size_t len, ws_event_t *ev)
{
    unsigned  code;

    m->closed = 1;

    ev->type = WS_EVENT_CLOSE;
    ev->rsv = 0;

    if (len == 0) {
        ev->code = WS_CLOSE_NONE;
        ev->data = data;
        ev->len = 0;

        return SIO_OK;
    }

    if (len == 1) {
        return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL,
                               "close frame of one byte");
    }

    code = data[0] << 8 | data[1];

    if (!ws_close_code_valid(code)) {
        return ws_message_fail(m, ev, WS_CLOSE_PROTOCOL, "bad close code");
    }

    if (sio_utf8_valid(data + 2, len - 2) != SIO_OK) {
        return ws_message_fail(m, ev, WS_CLOSE_DATA,
                               "close reason is not UTF-8");
    }

    ev->code = code;
    ev->data = data + 2;
    ev->len = len - 2;

    return SIO_OK;
}


/*
 * Put len bytes at position at of the block, below which all is kept.
 *
 * The block doubles what has arrived; expect, what the header lets us expect
 * in all, only bounds it: a header costs a peer nothing.
 */
static int
ws_message_keep(ws_message_t *m, const sio_mem_t *mem, size_t at,
    size_t expect, const uint8_t *data, size_t len)
{
    size_t         need, cap;
    ws_partial_t  *p, *old;

    if (len == 0) {
        return SIO_OK;
    }

    old = m->partial;
    need = at + len;

    if (old == NULL || need > old->cap) {

        cap = need > SIZE_MAX / 4 ? need : need * 2;

        if (cap < WS_PARTIAL_MIN) {
            cap = WS_PARTIAL_MIN;
        }

        if (cap > expect) {
            cap = expect;
        }

        if (cap < need) {
            cap = need;
        }

        p = sio_alloc(mem, sizeof(ws_partial_t) + cap);
        if (p == NULL) {
            return SIO_NOMEM;
        }

        p->len = 0;
        p->cap = cap;

        if (old) {
            p->len = old->len;
            memcpy(p->data, old->data, at);
        }

        sio_free(mem, old);
        m->partial = p;
    }

    memcpy(m->partial->data + at, data, len);

    return SIO_OK;
}


static int
ws_message_fail(ws_message_t *m, ws_event_t *ev, uint16_t code,
    const char *error)
{
    m->closed = 1;

    ev->close_code = code;
    ev->error = error;

    return SIO_ERROR;
}
