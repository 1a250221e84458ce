/*
 * sio_wheel: never early, at most a tick late, whatever is set and cleared
 * from inside; stalls, rounds, the next wake-up.
 */


#include "unit.h"
#include "logic/sio_wheel.h"


#define TIMERS  500


typedef struct {
    sio_timer_t  timer;          /* first */
    uint64_t     due;            /* the model's; 0: not set */
    unsigned     fired;
} item_t;


static sio_wheel_t  wheel;
static item_t       items[TIMERS];
static uint64_t     last_run;
static unsigned     fired, early, late, stray;


static void
item_fire(sio_wheel_t *w, sio_timer_t *timer, uint64_t now)
{
    item_t  *item;

    item = (item_t *) timer;

    fired++;
    item->fired++;
    stray += (item->due == 0 || sio_timer_is_set(timer));
    early += (now < item->due);

    /* It could not have fired in the run before this one. */

    late += (last_run >= item->due + SIO_WHEEL_TICK);
    item->due = 0;
}


static void
items_init(uint64_t now)
{
    sio_wheel_init(&wheel, now);
    memset(items, 0, sizeof(items));
    fired = early = late = stray = 0;
    last_run = now;
}


static void
item_set(unsigned i, uint64_t due)
{
    items[i].due = due;
    sio_wheel_set(&wheel, &items[i].timer, due);
}


static void
run(uint64_t now)
{
    sio_wheel_run(&wheel, now, item_fire);
    last_run = now;
}


static void
test_one(void)
{
    uint64_t  due, now;

    for (due = 1000; due < 1000 + 2 * SIO_WHEEL_TICK; due++) {
        items_init(1000);
        item_set(0, due);

        for (now = 1000; fired == 0 && now < 2000; now++) {
            run(now);
        }

        if (now - 1 < due || now - 1 > due + SIO_WHEEL_TICK) {
            break;
        }
    }

    is_int(due, 1000 + 2 * SIO_WHEEL_TICK, "fires in its tick, not before");
    is_int(wheel.count, 0, "the wheel is empty again");
    is_int(sio_wheel_next(&wheel), 0, "nothing to wait for");
}


static void
test_next(void)
{
    uint64_t  next, start, delta;
    unsigned  wrong;

    wrong = 0;

    for (start = 5; start < 200000; start += 3331) {
        for (delta = 1; delta < 32000; delta += 977) {
            items_init(start);
            item_set(0, start + delta);

            next = sio_wheel_next(&wheel);
            wrong += (next < start + delta
                      || next >= start + delta + SIO_WHEEL_TICK);

            run(next - 1);
            wrong += fired;
            run(next);
            wrong += (fired != 1);
        }
    }

    is_int(wrong, 0, "next is the moment when the timer fires");

    items_init(0);
    item_set(0, 100);
    item_set(1, 50);
    item_set(2, 30000);
    next = sio_wheel_next(&wheel);
    ok(next >= 50 && next < 50 + SIO_WHEEL_TICK, "next: of the earliest");
    sio_wheel_clear(&wheel, &items[1].timer);
    next = sio_wheel_next(&wheel);
    ok(next >= 100 && next < 100 + SIO_WHEEL_TICK,
       "next: of those that are left");
}


static void
test_random(void)
{
    uint64_t  now;
    unsigned  i, round, n, pending, clears;

    items_init(77);
    now = 77;
    n = 1;
    clears = 0;

    for (round = 0; round < 200000; round++) {
        n = n * 1103515245 + 12345;
        i = (n >> 16) % TIMERS;

        switch ((n >> 8) & 7) {

        case 0:
            sio_wheel_clear(&wheel, &items[i].timer);
            items[i].due = 0;
            clears++;
            break;

        case 1:
            now += (n >> 10) % 40;
            run(now);
            break;

        case 2:
            item_set(i, now + (n >> 10) % 100000);
            break;

        default:
            item_set(i, now + (n >> 10) % 3000);
            break;
        }
    }

    pending = 0;

    for (i = 0; i < TIMERS; i++) {
        pending += sio_timer_is_set(&items[i].timer);
    }

    is_int(wheel.count, pending, "random: the count is right");
    ok(fired > 1000 && clears > 1000, "random: %u fired, %u cleared", fired,
       clears);

    run(now + 200000);

    is_int(wheel.count, 0, "random: a long stall fires all");
    is_int(early, 0, "random: none early");
    is_int(late, 0, "random: none late");
    is_int(stray, 0, "random: each once for each time it was set");
}


static void
test_rounds(void)
{
    uint64_t  now, next;
    unsigned  wakes;

    items_init(0);
    item_set(0, 1000000);

    now = 0;
    wakes = 0;

    while ((next = sio_wheel_next(&wheel)) != 0 && wakes < 1000) {
        now = next;
        run(now);
        wakes++;
    }

    is_int(now, 1000000, "far away: at its time");
    ok(wakes < 40, "far away: a wake-up a round, %u", wakes);
    is_int(early + late + stray, 0, "far away: once");

    items_init(0);
    sio_wheel_set(&wheel, &items[0].timer, UINT64_MAX);
    run(10000000);
    is_int(fired, 0, "never is far away too");
}


/* What a timer does from inside: to itself, to the next, to a third. */

static unsigned  inside;


static void
inside_fire(sio_wheel_t *w, sio_timer_t *timer, uint64_t now)
{
    inside++;

    if (timer == &items[0].timer) {
        sio_wheel_set(&wheel, timer, now - 500);
        sio_wheel_clear(&wheel, &items[1].timer);
        sio_wheel_set(&wheel, &items[2].timer, now + 100);
        memset(&items[3], 0, sizeof(items[3]));
    }
}


static void
test_inside(void)
{
    unsigned  order;

    for (order = 0; order < 2; order++) {
        items_init(0);
        inside = 0;

        /* Both orders within the bucket. */

        if (order) {
            sio_wheel_set(&wheel, &items[0].timer, 1000);
        }

        sio_wheel_set(&wheel, &items[1].timer, 1000);
        sio_wheel_set(&wheel, &items[2].timer, 1001);

        if (!order) {
            sio_wheel_set(&wheel, &items[0].timer, 1000);
        }

        sio_wheel_run(&wheel, 100000, inside_fire);

        ok(inside >= 1 && inside <= 3, "inside: no timer twice in one run");
        ok(sio_timer_is_set(&items[0].timer), "inside: set again in the past");
        ok(!sio_timer_is_set(&items[1].timer), "inside: cleared");

        inside = 0;
        sio_wheel_clear(&wheel, &items[2].timer);
        sio_wheel_run(&wheel, 100000 + SIO_WHEEL_TICK, inside_fire);
        is_int(inside, 1, "inside: the past fires at the next run");
    }
}


static void
test_kind(void)
{
    items_init(0);
    items[0].timer.kind = 200;
    item_set(0, 100);
    item_set(0, 50);
    run(64);
    is_int(fired, 1, "moved to an earlier time");
    is_int(items[0].timer.kind, 200, "the kind is the owner's");

    run(64);
    sio_wheel_clear(&wheel, &items[0].timer);
    is_int(wheel.count, 0, "clearing what is not set");
}


int
main(void)
{
    unit_plan();
    test_one();
    test_next();
    test_random();
    test_rounds();
    test_inside();
    test_kind();
    return unit_done();
}
