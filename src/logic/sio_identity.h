/*
 * Who a socket is: a user, claims, and until when.
 *
 * One allocation holds all of it.  The user id is bytes that fit into the name
 * of a room, the claims are the text of a JSON object that was validated.  An
 * identity that never ends has no deadline and costs no more than its text.
 *
 * The time is that of the calendar: tokens name it so.  The deadline's timer
 * is for the upper floor, which sets and clears it; it must not be set when
 * the identity is freed.
 */


#ifndef _SIO_IDENTITY_H_INCLUDED_
#define _SIO_IDENTITY_H_INCLUDED_


#include "codec/sio_mem.h"
#include "logic/sio_wheel.h"


#define SIO_CLAIMS_MAX  8192               /* bytes */


/* What is said of a client: views. */

typedef struct {
    sio_str_t       user;
    sio_str_t       claims;                /* a JSON object; may be empty */
    uint64_t        expires;               /* calendar msec; 0: never */
} sio_claimed_t;


/* The end of an identity. */

typedef struct {
    sio_timer_t     timer;
    void           *socket;                /* whose: the upper floor's */
    uint64_t        expires;               /* calendar msec */
} sio_deadline_t;


/* What is kept of it. */

typedef struct {
    sio_deadline_t *deadline;              /* NULL: it never ends */
    uint32_t        claims_len;
    uint16_t        user_len;
    uint8_t         text[];                /* user, claims; the deadline */
} sio_identity_t;


#pragma GCC visibility push(hidden)


/*
 * A copy of what is claimed.  user.len fits a room's name, claims.len is at
 * most SIO_CLAIMS_MAX.  NULL: no memory.  Freed by sio_free().
 */
sio_identity_t *sio_identity_create(const sio_mem_t *mem,
    const sio_claimed_t *claimed);

/* Views of the identity; NULL is nobody, who has no claims and no end. */

void sio_identity_claimed(const sio_identity_t *identity,
    sio_claimed_t *claimed);

/* Whether it has ended; now: calendar msec. */

static inline int
sio_identity_expired(const sio_identity_t *identity, uint64_t now)
{
    return identity && identity->deadline
           && now >= identity->deadline->expires;
}


#pragma GCC visibility pop


#endif /* _SIO_IDENTITY_H_INCLUDED_ */
