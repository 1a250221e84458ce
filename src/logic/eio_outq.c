/*
 * The output queue of a session.
 *
 * A node and a reference per message; the bytes are in the message.  Where the
 * last node is stands in the first one behind the head, so that a session that
 * has little to say pays nothing for it.  What is offered to a socket is
 * protected as a whole: of a message that is partly offered the rest follows,
 * and no message in front of it goes away.
 */


#include "logic/eio_outq.h"


/* A node behind the head. */

typedef struct {
    eio_outq_node_t   node;
    eio_outq_node_t  *last;          /* of all; right in the first of them */
} eio_outq_link_t;


static inline eio_outq_node_t **
eio_outq_last(eio_outq_node_t *first)
{
    return &((eio_outq_link_t *) first)->last;
}


void
eio_outq_init(eio_outq_t *q)
{
    memset(q, 0, sizeof(eio_outq_t));
}


/*
 * Take out the node after prev, or the head (NULL), into which the next one
 * moves.
 */

static void
eio_outq_remove(eio_outq_t *q, const sio_mem_t *mem, eio_outq_node_t *prev)
{
    eio_msg_t        *msg;
    eio_outq_node_t  *node, *first;

    node = prev ? prev->next : q->head.next;
    msg = prev ? node->msg : q->head.msg;

    q->volatiles -= msg->volatile_;
    eio_msg_unref(mem, msg);

    if (node == NULL) {
        q->head.msg = NULL;
        return;
    }

    if (prev == NULL) {
        prev = &q->head;
        prev->msg = node->msg;
    }

    first = q->head.next;
    prev->next = node->next;

    if (node == first) {

        if (node->next) {
            *eio_outq_last(node->next) = *eio_outq_last(node);
        }

    } else if (node->next == NULL) {
        *eio_outq_last(first) = prev;
    }

    sio_free(mem, node);
}


void
eio_outq_free(eio_outq_t *q, const sio_mem_t *mem)
{
    while (!eio_outq_empty(q)) {
        eio_outq_remove(q, mem, NULL);
    }

    eio_outq_init(q);
}


/*
 * Drop volatile messages, the oldest first, until size bytes fit; those
 * offered already, or begun, stay.
 */

static void
eio_outq_drop(eio_outq_t *q, const sio_mem_t *mem, uint64_t size, size_t max,
    unsigned *dropped)
{
    uint64_t          pos, kept;
    eio_msg_t        *msg;
    eio_outq_node_t  *prev, *node;

    kept = (uint64_t) q->head_sent + q->offered;
    prev = NULL;
    pos = 0;

    while (q->volatiles && q->bytes + size > max) {
        node = prev ? prev->next : &q->head;

        if (node == NULL) {
            return;
        }

        msg = node->msg;

        if (msg->volatile_ && pos >= kept) {
            q->bytes -= msg->len;
            eio_outq_remove(q, mem, prev);
            (*dropped)++;
            continue;
        }

        pos += msg->len;
        prev = node;
    }
}


int
eio_outq_push(eio_outq_t *q, const sio_mem_t *mem, eio_msg_t *msg, size_t max,
    unsigned *dropped)
{
    uint64_t          size;
    eio_outq_node_t  *node, *first;

    size = msg->len;

    if (max > UINT32_MAX) {
        max = UINT32_MAX;
    }

    if (q->bytes + size > max) {

        if (msg->volatile_) {
            (*dropped)++;
            return SIO_OK;
        }

        eio_outq_drop(q, mem, size, max, dropped);

        if (q->bytes + size > max) {
            return SIO_DECLINED;
        }
    }

    node = &q->head;

    if (node->msg) {
        node = sio_alloc(mem, sizeof(eio_outq_link_t));
        if (node == NULL) {
            return SIO_NOMEM;
        }

        first = q->head.next;

        if (first) {
            (*eio_outq_last(first))->next = node;

        } else {
            first = node;
            q->head.next = node;
        }

        *eio_outq_last(first) = node;
    }

    node->next = NULL;
    node->msg = eio_msg_ref(msg);

    q->bytes += msg->len;
    q->volatiles += msg->volatile_;

    return SIO_OK;
}


void
eio_outq_replace(eio_outq_t *q, const sio_mem_t *mem, eio_outq_replace_pt fn,
    void *ctx)
{
    uint64_t          pos, kept;
    eio_msg_t        *msg, *other;
    eio_outq_node_t  *node;

    kept = (uint64_t) q->head_sent + q->offered;
    pos = 0;

    for (node = q->head.msg ? &q->head : NULL; node; node = node->next) {
        msg = node->msg;
        pos += msg->len;

        if (pos - msg->len < kept) {
            continue;
        }

        other = fn(ctx, msg);

        if (other != msg) {
            node->msg = eio_msg_ref(other);
            q->bytes += other->len - msg->len;
            eio_msg_unref(mem, msg);
        }
    }
}


sio_str_t
eio_outq_peek(eio_outq_t *q, uint8_t *scratch, size_t cap)
{
    size_t                  n, len;
    uint32_t                from;
    const uint8_t          *data;
    const eio_outq_node_t  *node;

    node = eio_outq_first(q);

    if (node == NULL) {
        return sio_str(NULL, 0);
    }

    from = q->head_sent;
    n = node->msg->len - from;

    if (node->next == NULL || n >= cap) {
        data = node->msg->image + from;

    } else {
        data = scratch;

        for (n = 0; node && n < cap; node = node->next) {
            len = node->msg->len - from;

            if (len > cap - n) {
                len = cap - n;
            }

            memcpy(scratch + n, node->msg->image + from, len);
            n += len;
            from = 0;
        }
    }

    if (q->offered < n) {
        q->offered = (uint32_t) n;
    }

    return sio_str(data, n);
}


unsigned
eio_outq_sent(eio_outq_t *q, const sio_mem_t *mem, size_t n)
{
    uint32_t  left;
    unsigned  packets;

    packets = 0;

    q->bytes -= (uint32_t) n;
    q->offered -= (uint32_t) n;

    while (n) {
        left = q->head.msg->len - q->head_sent;

        if (n < left) {
            q->head_sent += (uint32_t) n;
            break;
        }

        n -= left;
        q->head_sent = 0;
        packets += q->head.msg->packets;
        eio_outq_remove(q, mem, NULL);
    }

    return packets;
}


uint8_t
eio_outq_pass(eio_outq_t *q, const sio_mem_t *mem)
{
    uint8_t  marks;

    for (marks = 0; q->head.msg && q->head.msg->mark; marks++) {
        q->bytes -= q->head.msg->len;
        eio_outq_remove(q, mem, NULL);
    }

    return marks;
}


unsigned
eio_outq_payload(eio_outq_t *q, const sio_mem_t *mem, sio_buf_t *buf,
    unsigned max_packets, size_t max_bytes, uint8_t *marks)
{
    unsigned    n, packets;
    eio_msg_t  *msg;

    packets = 0;

    for (n = 0; /* void */; n++) {
        *marks += eio_outq_pass(q, mem);

        msg = q->head.msg;

        if (msg == NULL) {
            break;
        }

        if (n && (packets + msg->packets > max_packets
                  || buf->len + msg->len > max_bytes))
        {
            break;
        }

        if (eio_msg_payload(msg, buf) != SIO_OK) {
            break;
        }

        packets += msg->packets;
        q->bytes -= msg->len;
        eio_outq_remove(q, mem, NULL);
    }

    return n;
}
