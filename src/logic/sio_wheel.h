/*
 * One timer wheel for all deadlines of a worker: heartbeats, connect and ack
 * time-outs.  Setting and clearing a deadline costs a list operation; idle
 * time costs nothing, because the owner sleeps until sio_wheel_next().
 *
 * Time is an argument: milliseconds of a monotonic clock.  A deadline fires
 * at its own millisecond or up to SIO_WHEEL_TICK later, never before.
 */


#ifndef _SIO_WHEEL_H_INCLUDED_
#define _SIO_WHEEL_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_WHEEL_TICK     4         /* msec of a bucket, a power of two */
#define SIO_WHEEL_BUCKETS  8192      /* about 33 seconds around */


typedef struct sio_timer_s  sio_timer_t;
typedef struct sio_wheel_s  sio_wheel_t;

struct sio_timer_s {
    sio_timer_t   *next;
    sio_timer_t  **prev;             /* what points here; NULL: not set */
    uint64_t       due:56;           /* msec */
    uint64_t       kind:8;           /* the owner's: whose deadline */
};

typedef void (*sio_timer_pt)(sio_wheel_t *wheel, sio_timer_t *timer,
    uint64_t now);


struct sio_wheel_s {
    sio_timer_t   *buckets[SIO_WHEEL_BUCKETS];
    uint64_t       used[SIO_WHEEL_BUCKETS / 64];  /* bit: bucket not empty */
    uint64_t       last;             /* msec up to which all was fired */
    unsigned       count;
};


#pragma GCC visibility push(hidden)


void sio_wheel_init(sio_wheel_t *wheel, uint64_t now);

/*
 * Set (or move) a deadline.  One in the past fires at the next run.  A timer
 * further away than the wheel goes around waits in its bucket for its round.
 */
void sio_wheel_set(sio_wheel_t *wheel, sio_timer_t *timer, uint64_t due);

/* Clear; a timer that is not set is left alone. */

void sio_wheel_clear(sio_wheel_t *wheel, sio_timer_t *timer);

static inline int
sio_timer_is_set(const sio_timer_t *timer)
{
    return timer->prev != NULL;
}


/*
 * Fire all that is due.  A timer is cleared before fire is called, and may be
 * set again, freed, or others set and cleared, from inside.
 */
void sio_wheel_run(sio_wheel_t *wheel, uint64_t now, sio_timer_pt fire);

/*
 * When to run next: msec (absolute) of the earliest bucket in use, or 0 if
 * no timer is set.  It may turn out that nothing was due by then.
 */
uint64_t sio_wheel_next(const sio_wheel_t *wheel);


#pragma GCC visibility pop


#endif /* _SIO_WHEEL_H_INCLUDED_ */
