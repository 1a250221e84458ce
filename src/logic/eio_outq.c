/*
 * The output queue of a session.
 *
 * A node and a reference per message; the bytes are in the message.  What is
 * offered to a socket is protected as a whole: of a message that is partly
 * offered the rest follows, and no message in front of it goes away.
 */


#include "logic/eio_outq.h"


void
eio_outq_init(eio_outq_t *q)
{
    memset(q, 0, sizeof(eio_outq_t));

    q->tail = &q->head;
}


/* Take the node that *link points to out of the queue. */

static void
eio_outq_remove(eio_outq_t *q, const sio_mem_t *mem, eio_outq_node_t **link)
{
    eio_outq_node_t  *node;

    node = *link;
    *link = node->next;

    if (q->tail == &node->next) {
        q->tail = link;
    }

    q->volatiles -= node->msg->volatile_;

    eio_msg_unref(mem, node->msg);
    sio_free(mem, node);
}


void
eio_outq_free(eio_outq_t *q, const sio_mem_t *mem)
{
    while (q->head) {
        eio_outq_remove(q, mem, &q->head);
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
    uint64_t           pos, kept;
    eio_msg_t         *msg;
    eio_outq_node_t  **link;

    kept = (uint64_t) q->head_sent + q->offered;
    link = &q->head;
    pos = 0;

    while (*link && q->volatiles && q->bytes + size > max) {
        msg = (*link)->msg;

        if (msg->volatile_ && pos >= kept) {
            q->bytes -= msg->len;
            eio_outq_remove(q, mem, link);
            (*dropped)++;
            continue;
        }

        pos += msg->len;
        link = &(*link)->next;
    }
}


int
eio_outq_push(eio_outq_t *q, const sio_mem_t *mem, eio_msg_t *msg, size_t max,
    unsigned *dropped)
{
    uint64_t          size;
    eio_outq_node_t  *node;

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

    node = sio_alloc(mem, sizeof(eio_outq_node_t));
    if (node == NULL) {
        return SIO_NOMEM;
    }

    node->next = NULL;
    node->msg = eio_msg_ref(msg);

    *q->tail = node;
    q->tail = &node->next;
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

    for (node = q->head; node; node = node->next) {
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


size_t
eio_outq_peek(eio_outq_t *q, uint8_t *scratch, size_t cap,
    const uint8_t **data)
{
    size_t            n, len;
    uint32_t          from;
    eio_outq_node_t  *node;

    node = q->head;

    if (node == NULL) {
        return 0;
    }

    from = q->head_sent;
    n = node->msg->len - from;

    if (node->next == NULL || n >= cap) {
        *data = node->msg->image + from;

    } else {
        *data = scratch;

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

    return n;
}


void
eio_outq_sent(eio_outq_t *q, const sio_mem_t *mem, size_t n)
{
    uint32_t  left;

    q->bytes -= (uint32_t) n;
    q->offered -= (uint32_t) n;

    while (n) {
        left = q->head->msg->len - q->head_sent;

        if (n < left) {
            q->head_sent += (uint32_t) n;
            return;
        }

        n -= left;
        q->head_sent = 0;
        eio_outq_remove(q, mem, &q->head);
    }
}


unsigned
eio_outq_payload(eio_outq_t *q, const sio_mem_t *mem, sio_buf_t *buf,
    unsigned max_packets, size_t max_bytes)
{
    unsigned    n, packets;
    eio_msg_t  *msg;

    packets = 0;

    for (n = 0; q->head; n++) {
        msg = q->head->msg;

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
        eio_outq_remove(q, mem, &q->head);
    }

    return n;
}
