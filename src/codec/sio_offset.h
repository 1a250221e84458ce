/*
 * Offsets of connection state recovery: what is appended to an event, and
 * what a client that lost its connection shows.
 *
 * An offset is the number of an event as 9 characters: 54 bits, six each, the
 * highest first, in the order of their codes, so that offsets compare as
 * strings like the numbers do.  The stock client keeps the last argument of
 * the last event if it is a string, whatever it says.
 *
 * Socket.IO v4.6, "Connection state recovery".
 */


#ifndef _SIO_OFFSET_H_INCLUDED_
#define _SIO_OFFSET_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_OFFSET_LEN  9
#define SIO_OFFSET_MAX  (((uint64_t) 1 << 54) - 1)

#define SIO_PID_LEN     20

/* What sio_offset_tail() writes: ,"OFFSET"] */

#define SIO_OFFSET_TAIL_LEN  (SIO_OFFSET_LEN + 4)


#pragma GCC visibility push(hidden)


/* n is at most SIO_OFFSET_MAX. */

void sio_offset_encode(uint8_t dst[SIO_OFFSET_LEN], uint64_t n);

/* SIO_OK and *n, or SIO_ERROR: it is none. */

int sio_offset_decode(sio_str_t text, uint64_t *n);

/* The end of an event's array with an offset as its last element. */

void sio_offset_tail(uint8_t dst[SIO_OFFSET_TAIL_LEN], uint64_t n);

/*
 * What a CONNECT payload (valid JSON, or empty) asks to recover: *pid is a
 * view of its bytes, *offset 0 if there is none.
 *
 * SIO_OK
 * SIO_DECLINED  nothing is asked for
 * SIO_ERROR     no pid or offset looks like this
 */
int sio_offset_asked(sio_str_t payload, sio_str_t *pid, uint64_t *offset);


#pragma GCC visibility pop


#endif /* _SIO_OFFSET_H_INCLUDED_ */
