/*
 * What a session has still to send: references to shared messages, in order,
 * bounded in bytes.
 *
 * Empty, or with one message, it owns no memory: the first node is its own.
 * Volatile messages make room first.  Bytes once
 * offered for writing are never dropped, nor anything before them: a TLS
 * write that must be repeated finds the same bytes again.
 */


#ifndef _EIO_OUTQ_H_INCLUDED_
#define _EIO_OUTQ_H_INCLUDED_


#include "logic/eio_msg.h"


typedef struct eio_outq_node_s  eio_outq_node_t;

struct eio_outq_node_s {
    eio_outq_node_t  *next;
    eio_msg_t        *msg;
};


typedef struct {
    eio_outq_node_t   head;          /* msg is NULL: it is empty */
    uint32_t          bytes;         /* of images not yet sent */
    uint32_t          head_sent;     /* bytes of the head's image sent */
    uint32_t          offered;       /* by peek, and not yet sent */
    uint32_t          volatiles;     /* how many volatile messages wait */
} eio_outq_t;


#pragma GCC visibility push(hidden)


void eio_outq_init(eio_outq_t *q);
void eio_outq_free(eio_outq_t *q, const sio_mem_t *mem);

static inline int
eio_outq_empty(const eio_outq_t *q)
{
    return q->head.msg == NULL;
}


/* The first node, or NULL; the others follow it. */

static inline const eio_outq_node_t *
eio_outq_first(const eio_outq_t *q)
{
    return q->head.msg ? &q->head : NULL;
}


/*
 * Append; the queue takes a reference of its own.
 *
 * SIO_OK
 * SIO_DECLINED  more than max bytes would wait, also after queued volatile
 *               messages were dropped (*dropped counts those); a volatile
 *               message itself counts as dropped instead: SIO_OK
 * SIO_NOMEM
 */
int eio_outq_push(eio_outq_t *q, const sio_mem_t *mem, eio_msg_t *msg,
    size_t max, unsigned *dropped);

/*
 * Have fn name the message to send instead of each that waits, or the same;
 * but not of those of which bytes were offered.  It is asked again for what it
 * named.
 */
typedef eio_msg_t *(*eio_outq_replace_pt)(void *ctx, eio_msg_t *msg);

void eio_outq_replace(eio_outq_t *q, const sio_mem_t *mem,
    eio_outq_replace_pt fn, void *ctx);

/*
 * The next bytes to write, contiguous: those of the only message in place, of
 * several as many as fit copied into scratch (cap bytes), but a message that
 * fills scratch by itself in place.  With the same cap a later peek offers at
 * least what is left of an earlier one, the same bytes.  Empty if the queue
 * is.
 */
sio_str_t eio_outq_peek(eio_outq_t *q, uint8_t *scratch, size_t cap);

/* n of the bytes that peek offered are written: packets that ended there. */

unsigned eio_outq_sent(eio_outq_t *q, const sio_mem_t *mem, size_t n);

/*
 * Move whole messages to a polling payload, at most max_packets packets (but
 * always one message) and about max_bytes bytes (likewise); marks are passed
 * and counted in *marks.  Returns the number of messages, 0 if there is none
 * or buf has no memory.  Not for a queue that is being written to a WebSocket.
 */
unsigned eio_outq_payload(eio_outq_t *q, const sio_mem_t *mem,
    sio_buf_t *buf, unsigned max_packets, size_t max_bytes, uint8_t *marks);

/* The same of the marks alone that nothing is in front of: how many. */

uint8_t eio_outq_pass(eio_outq_t *q, const sio_mem_t *mem);


#pragma GCC visibility pop


#endif /* _EIO_OUTQ_H_INCLUDED_ */
