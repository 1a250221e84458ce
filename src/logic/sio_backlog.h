/*
 * Events that wait: copies, in the order in which they came.
 *
 * A socket runs one rule at a time.  What arrives while a rule of it waits
 * for an answer is copied here, and run when its turn comes.  The rule that
 * waits keeps a copy of its own event in the same form, because the packet it
 * came in is gone by then.
 *
 * The bound is the owner's: he is told how much there is, in events and in
 * bytes, what each costs beyond its payload included.
 */


#ifndef _SIO_BACKLOG_H_INCLUDED_
#define _SIO_BACKLOG_H_INCLUDED_


#include "codec/sio_binary.h"
#include "codec/sio_packet.h"


typedef struct sio_kept_s  sio_kept_t;

/* One event: a single allocation. */

struct sio_kept_s {
    sio_kept_t    *next;
    int64_t        id;               /* of the ack, or SIO_NO_ID */
    size_t         bytes;            /* of the allocation */
    sio_binary_t  *attachments;      /* NULL: none */
    sio_str_t      data;             /* the payload, a JSON array */
};


typedef struct {
    sio_kept_t    *head;
    sio_kept_t   **tail;
    size_t         bytes;
    unsigned       n;
} sio_backlog_t;


#pragma GCC visibility push(hidden)


/*
 * Copy an event.  pkt: its data and id are kept; attachments may be NULL.
 * The copy is the caller's to free with sio_free().  NULL: no memory.
 */
sio_kept_t *sio_kept_create(const sio_mem_t *mem, const sio_packet_t *pkt,
    const sio_binary_t *attachments);

void sio_backlog_init(sio_backlog_t *backlog);

/* Free all that is in it. */

void sio_backlog_free(sio_backlog_t *backlog, const sio_mem_t *mem);

/* Append an event, which is the backlog's from now on. */

void sio_backlog_push(sio_backlog_t *backlog, sio_kept_t *kept);

/* Take the first one out, which is the caller's; NULL: it is empty. */

sio_kept_t *sio_backlog_pop(sio_backlog_t *backlog);


#pragma GCC visibility pop


#endif /* _SIO_BACKLOG_H_INCLUDED_ */
