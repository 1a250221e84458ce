/*
 * Offsets of connection state recovery: what is appended to an event, and
 * what a client that lost its connection shows.
 *
 * Of one host: the number of an event as 9 characters, 54 bits, six each, the
 * highest first, in the order of their codes, so that offsets compare as
 * strings like the numbers do.
 *
 * Of hosts that share a stream of Redis: the id of its entry, MSEC-SEQ, as
 * Node's streams adapter has it.  What a host adds to that order for itself
 * has the id of the entry before it with one more zero in front: the same id
 * for Redis and for Node, and another offset for this host.
 *
 * The stock client keeps the last argument of the last event if it is a
 * string, whatever it says.
 *
 * Socket.IO v4.6, "Connection state recovery".
 */


#ifndef _SIO_OFFSET_H_INCLUDED_
#define _SIO_OFFSET_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_OFFSET_LEN  9
#define SIO_OFFSET_MAX  (((uint64_t) 1 << 54) - 1)

#define SIO_PID_LEN     20

/* How many events of a host's own an id can have behind it. */

#define SIO_OFFSET_BEHIND_MAX  40

/* MSEC-SEQ: two numbers of 64 bits. */

#define SIO_STREAM_ID_LEN    41

/* What sio_offset_tail() writes at most: ,"OFFSET"] */

#define SIO_OFFSET_TAIL_LEN  (SIO_OFFSET_BEHIND_MAX + SIO_STREAM_ID_LEN + 4)


/* The id of a stream's entry; zeros: none. */

typedef struct {
    uint64_t         msec;
    uint64_t         seq;
} sio_stream_id_t;


/* An event's place: with an id, number is how far it is behind that entry. */

typedef struct {
    sio_stream_id_t  id;
    uint64_t         number;
} sio_offset_t;


#pragma GCC visibility push(hidden)


/* n is at most SIO_OFFSET_MAX. */

void sio_offset_encode(uint8_t dst[SIO_OFFSET_LEN], uint64_t n);

/* SIO_OK and *n, or SIO_ERROR: it is none. */

int sio_offset_decode(sio_str_t text, uint64_t *n);

/*
 * Ids as text and back, strict but for zeros in front of MSEC, whose number
 * *zeros gets (may be NULL: none may be there).  Write returns the length;
 * read SIO_OK, or SIO_ERROR.  As in Redis, 0-0 is none.
 */
size_t sio_stream_id_write(uint8_t dst[SIO_STREAM_ID_LEN],
    const sio_stream_id_t *id);
int sio_stream_id_read(sio_str_t text, sio_stream_id_t *id, uint64_t *zeros);

/* As memcmp(). */

static inline int
sio_stream_id_cmp(const sio_stream_id_t *a, const sio_stream_id_t *b)
{
    return a->msec != b->msec ? (a->msec > b->msec ? 1 : -1)
           : a->seq != b->seq ? (a->seq > b->seq ? 1 : -1) : 0;
}


static inline int
sio_stream_id_is_none(const sio_stream_id_t *id)
{
    return id->msec == 0 && id->seq == 0;
}


/*
 * The end of an event's array with an offset as its last element; returns its
 * length.  An id has at most SIO_OFFSET_BEHIND_MAX behind it.
 */
size_t sio_offset_tail(uint8_t dst[SIO_OFFSET_TAIL_LEN],
    const sio_offset_t *offset);

/*
 * What a CONNECT payload (valid JSON, or empty) asks to recover: *pid is a
 * view of its bytes, *offset is zeroed if there is none.
 *
 * SIO_OK
 * SIO_DECLINED  nothing is asked for
 * SIO_ERROR     no pid or offset looks like this
 */
int sio_offset_asked(sio_str_t payload, sio_str_t *pid, sio_offset_t *offset);


#pragma GCC visibility pop


#endif /* _SIO_OFFSET_H_INCLUDED_ */
