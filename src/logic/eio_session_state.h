/*
 * What the files of a session share, and nobody else includes.
 */


#ifndef _EIO_SESSION_STATE_H_INCLUDED_
#define _EIO_SESSION_STATE_H_INCLUDED_


#include "logic/eio_session.h"


typedef enum {
    EIO_END_ORDERLY = 0,     /* flush what is queued, wait for a GET to tell */
    EIO_END_FAILED,          /* tell a GET that waits, no other */
    EIO_END_GONE             /* nobody to tell */
} eio_end_e;


static inline int
eio_session_live(const eio_session_t *s)
{
    return s->state == EIO_STATE_OPEN || s->state == EIO_STATE_UPGRADING;
}


/* Without a GET a polling session has no use for the news. */

static inline void
eio_session_notify(eio_session_t *s)
{
    if (s->frozen || (s->poll == NULL && s->transport == EIO_POLLING)) {
        return;
    }

    s->env->ops->output(s);
}


#pragma GCC visibility push(hidden)


/* End a session in any state. */

void eio_session_end(eio_session_t *s, eio_reason_e reason, eio_end_e end);

/*
 * What was handed out to GETs has arrived: the handler is told, if it asked,
 * and may do anything to the session.
 */
void eio_session_arrive(eio_session_t *s);


#pragma GCC visibility pop


#endif /* _EIO_SESSION_STATE_H_INCLUDED_ */
