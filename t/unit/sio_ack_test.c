/*
 * Unit tests of sio_ack.
 */


#include <stdio.h>

#include "unit.h"
#include "logic/sio_ack.h"


static sio_wheel_t      wheel;
static sio_hash_key_t   key;
static sio_ack_table_t  table;

static unsigned         answers;
static unsigned         dones;
static unsigned         missing;
static unsigned         named;           /* by sio_ack_missing() */
static int              cancel_inside;


static sio_str_t
sid(unsigned n)
{
    static char  text[EIO_SID_LEN + 1];

    /* scattered, as random ones are */
    snprintf(text, sizeof(text), "%08x%012u", n * 2654435761u, n);

    return sio_cstr(text);
}


static void
answer(sio_ack_t *ack, sio_str_t from, sio_str_t args,
    const sio_binary_t *attachments)
{
    answers++;

    if (cancel_inside) {
        sio_ack_cancel(&table, ack);
        sio_ack_cancel(&table, ack);
    }
}


static void
done(sio_ack_t *ack, unsigned n)
{
    dones++;
    missing = n;

    for (named = 0; sio_ack_missing(ack, named); named++) {
        /* void */
    }

    sio_ack_cancel(&table, ack);
}


static const sio_ack_ops_t  ops = { answer, done };


static void
fire(sio_wheel_t *w, sio_timer_t *timer, uint64_t now)
{
    sio_ack_expire(&table, timer);
}


static void
begin(void)
{
    sio_wheel_init(&wheel, 1000);
    sio_ack_table_init(&table, &unit_mem, &key, &wheel, 100);

    answers = 0;
    dones = 0;
    missing = 0;
    cancel_inside = 0;
}


static sio_ack_t *
create(int64_t id, unsigned n)
{
    unsigned    i;
    sio_ack_t  *ack;

    ack = sio_ack_create(&table, id, 2000, &ops, NULL);

    for (i = 0; ack && i < n; i++) {
        if (sio_ack_expect(&table, ack, sid(i)) != SIO_OK) {
            sio_ack_cancel(&table, ack);
            return NULL;
        }
    }

    if (ack) {
        sio_ack_start(&table, ack);
    }

    return ack;
}


static int
receive(int64_t id, unsigned n)
{
    return sio_ack_receive(&table, id, sid(n), sio_cstr("[1]"), NULL);
}


static void
test_answers(void)
{
    unsigned    i, bad;
    sio_ack_t  *ack;

    begin();

    ack = create(5, 3);
    is_int(ack->missing, 3, "three are missing");
    is_str(sio_str(sio_ack_missing(ack, 0), EIO_SID_LEN),
           (const char *) sid(0).data, "the first of them");
    is_int(sio_ack_expect(&table, ack, sid(9)), SIO_DECLINED,
           "nobody is asked after the start");
    is_int(receive(6, 0), SIO_DECLINED, "an unknown id");
    is_int(receive(5, 3), SIO_DECLINED, "not from this socket");
    is_int(sio_ack_receive(&table, 5, sio_cstr("x"), sio_cstr("[]"), NULL),
           SIO_DECLINED, "not a sid");
    is_int(receive(5, 1), SIO_OK, "an answer");
    is_int(receive(5, 1), SIO_DECLINED, "a second one");
    ok(sio_ack_missing(ack, 1) && !sio_ack_missing(ack, 2),
       "two are missing");
    is_int(receive(5, 0), SIO_OK, "another answer");
    is_int(dones, 0, "not done");
    is_int(receive(5, 2), SIO_OK, "the last answer");
    is_int(dones, 1, "done");
    is_int(answers, 3, "three answers");
    is_int(missing + named, 0, "none is missing");
    is_int(receive(5, 2), SIO_DECLINED, "the id is forgotten");
    is_int(wheel.count, 0, "no timer is set");

    (void) create(5, 0);
    is_int(dones, 2, "nobody is asked: done at once");

    (void) create(7, 1000);
    bad = 0;

    for (i = 1000; i > 0; i--) {
        bad += receive(7, i - 1) != SIO_OK;
    }

    is_int(bad, 0, "a thousand answers");
    is_int(dones, 3, "are all");

    /* both workers of a session that moves name it */

    dones = 0;
    ack = sio_ack_create(&table, 8, 2000, &ops, NULL);

    for (i = 0; i < 40; i++) {
        (void) sio_ack_expect(&table, ack, sid(i % 20));
    }

    sio_ack_start(&table, ack);
    is_int(ack->missing, 20, "who is named twice owes one answer");

    for (i = 0; i < 20; i++) {
        (void) receive(8, i);
    }

    is_int(dones, 1, "and with it all have answered");

    sio_ack_table_free(&table);
    unit_mem_none_left("answers: all memory is given back");
}


static void
test_expire(void)
{
    unsigned    i;
    sio_ack_t  *ack;

    begin();

    (void) create(1, 10);

    for (i = 0; i < 10; i += 2) {
        (void) receive(1, i);
    }

    sio_wheel_run(&wheel, 1900, fire);
    is_int(dones, 0, "time is not up");
    sio_wheel_run(&wheel, 2100, fire);
    is_int(dones, 1, "time is up");
    is_int(missing, 5, "five are missing");
    is_int(named, 5, "and named");
    is_int(receive(1, 1), SIO_DECLINED, "too late");

    ack = create(2, 2);
    ok(sio_ack_create(&table, 2, 2000, &ops, NULL) == NULL,
       "an id is used once at a time");
    sio_ack_cancel(&table, ack);
    is_int(dones, 1, "a cancelled one is not done");
    is_int(wheel.count, 0, "its timer is not set");

    (void) create(3, 2);
    cancel_inside = 1;
    is_int(receive(3, 0), SIO_OK, "cancelled inside of an answer");
    is_int(receive(3, 1), SIO_DECLINED, "it is gone");
    is_int(dones, 1, "and not done");
    cancel_inside = 0;

    for (i = 0; i < 101; i++) {
        ack = create(100 + i, 1);
    }

    ok(ack == NULL, "there is a bound");
    is_int(table.map.count, 100, "of entries");

    sio_ack_table_free(&table);
    is_int(dones, 1, "the table's end tells nobody");
    unit_mem_none_left("expire: all memory is given back");
}


static void
test_no_memory(void)
{
    unsigned  n, i, bad;

    bad = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        begin();

        for (i = 0; i < 10; i++) {
            (void) create(i, 20);
            (void) receive(i, 3);
        }

        sio_ack_table_free(&table);
        bad += (wheel.count != 0) + (unit_mem_ctx.live != 0);
    }

    is_int(bad, 0, "each of %u allocations fails and harms nothing", n - 1);
    ok(n > 20, "there were some");
}


int
main(void)
{
    unit_plan();

    test_answers();
    test_expire();
    test_no_memory();

    return unit_done();
}
