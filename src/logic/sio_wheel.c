/*
 * A hashed timer wheel of one level.
 *
 * A timer hangs in the bucket of the first tick that is not before its
 * deadline, so that it never fires early; a bit per bucket in use makes the
 * way to the next one short.  Distant timers share buckets with near ones and
 * are passed over until their round has come.
 */


#include "logic/sio_wheel.h"


#define SIO_WHEEL_MASK  (SIO_WHEEL_BUCKETS - 1)
#define SIO_WHEEL_MAX   (((uint64_t) 1 << 56) - 1)   /* of sio_timer_t's due */


static inline uint64_t
sio_wheel_tick(uint64_t due)
{
    return due / SIO_WHEEL_TICK + (due % SIO_WHEEL_TICK != 0);
}


static inline int
sio_wheel_used(const sio_wheel_t *wheel, unsigned i)
{
    return (wheel->used[i / 64] >> (i & 63)) & 1;
}


void
sio_wheel_init(sio_wheel_t *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof(sio_wheel_t));

    wheel->last = now - now % SIO_WHEEL_TICK;
}


void
sio_wheel_set(sio_wheel_t *wheel, sio_timer_t *timer, uint64_t due)
{
    uint64_t       tick, first;
    unsigned       i;
    sio_timer_t  **bucket;

    sio_wheel_clear(wheel, timer);

    if (due > SIO_WHEEL_MAX) {
        due = SIO_WHEEL_MAX;
    }

    tick = sio_wheel_tick(due);
    first = wheel->last / SIO_WHEEL_TICK + 1;

    if (tick < first) {
        tick = first;
    }

    i = tick & SIO_WHEEL_MASK;
    bucket = &wheel->buckets[i];

    timer->due = due;
    timer->prev = bucket;
    timer->next = *bucket;

    if (timer->next) {
        timer->next->prev = &timer->next;
    }

    *bucket = timer;
    wheel->used[i / 64] |= (uint64_t) 1 << (i & 63);
    wheel->count++;
}


void
sio_wheel_clear(sio_wheel_t *wheel, sio_timer_t *timer)
{
    unsigned       i;
    sio_timer_t  **prev;

    prev = timer->prev;

    if (prev == NULL) {
        return;
    }

    *prev = timer->next;

    if (timer->next) {
        timer->next->prev = prev;

    } else if (prev >= wheel->buckets
               && prev < wheel->buckets + SIO_WHEEL_BUCKETS)
    {
        i = (unsigned) (prev - wheel->buckets);
        wheel->used[i / 64] &= ~((uint64_t) 1 << (i & 63));
    }

    timer->next = NULL;
    timer->prev = NULL;
    wheel->count--;
}


/*
 * Fire what is due in a bucket.  The timers due are moved to a list of their
 * own first: fire may do to any timer what it likes, and a timer set from
 * inside is not met again.
 */

static void
sio_wheel_run_bucket(sio_wheel_t *wheel, unsigned i, uint64_t tick,
    uint64_t now, sio_timer_pt fire)
{
    sio_timer_t  *timer, *next, *due, **last;

    due = NULL;
    last = &due;

    for (timer = wheel->buckets[i]; timer; timer = next) {
        next = timer->next;

        if (sio_wheel_tick(timer->due) > tick) {
            continue;
        }

        *timer->prev = next;

        if (next) {
            next->prev = timer->prev;
        }

        timer->prev = last;
        timer->next = NULL;
        *last = timer;
        last = &timer->next;
    }

    if (wheel->buckets[i] == NULL) {
        wheel->used[i / 64] &= ~((uint64_t) 1 << (i & 63));
    }

    while (due) {
        timer = due;
        sio_wheel_clear(wheel, timer);
        fire(wheel, timer, now);
    }
}


void
sio_wheel_run(sio_wheel_t *wheel, uint64_t now, sio_timer_pt fire)
{
    uint64_t  tick, first;
    unsigned  i;

    first = wheel->last / SIO_WHEEL_TICK + 1;
    tick = now / SIO_WHEEL_TICK;

    if (tick < first) {
        return;
    }

    /* Late by more than a turn: every bucket once, the present one last. */

    if (tick - first > SIO_WHEEL_MASK) {
        first = tick - SIO_WHEEL_MASK;
    }

    /* What is set from inside with a deadline in the past waits. */

    wheel->last = tick * SIO_WHEEL_TICK;

    for ( /* void */ ; first <= tick && wheel->count; first++) {
        i = first & SIO_WHEEL_MASK;

        if (sio_wheel_used(wheel, i)) {
            sio_wheel_run_bucket(wheel, i, tick, now, fire);
        }
    }
}


uint64_t
sio_wheel_next(const sio_wheel_t *wheel)
{
    uint64_t  first, word;
    unsigned  i, n, start;

    if (wheel->count == 0) {
        return 0;
    }

    first = wheel->last / SIO_WHEEL_TICK + 1;
    start = first & SIO_WHEEL_MASK;

    /* Word by word around; the word of the start is looked at twice. */

    for (n = 0; n <= SIO_WHEEL_BUCKETS / 64; n++) {
        i = (start / 64 + n) % (SIO_WHEEL_BUCKETS / 64);
        word = wheel->used[i];

        if (n == 0) {
            word &= ~(uint64_t) 0 << (start & 63);
        }

        if (word) {
            i = i * 64 + (unsigned) __builtin_ctzll(word);
            return (first + ((i - start) & SIO_WHEEL_MASK)) * SIO_WHEEL_TICK;
        }
    }

    return 0;
}
