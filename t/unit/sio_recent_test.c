/*
 * Recent keys: each is known until its time is over, in bounded memory.
 */


#include <stdio.h>

#include "unit.h"
#include "logic/sio_recent.h"


static void test_times(void);
static void test_full(void);
static void test_model(void);
static void test_memory(void);


static const sio_hash_key_t  hash = { 1, 2 };

static sio_recent_t  recent;


int
main(void)
{
    unit_plan();

    test_times();
    test_full();
    test_model();
    test_memory();

    return unit_done();
}


static int
note(const char *key, uint64_t now, uint32_t msec)
{
    return sio_recent_note(&recent, sio_cstr(key), now, msec);
}


static void
test_times(void)
{
    sio_recent_init(&recent, &unit_mem, &hash, 16);

    is_int(note("a", 100, 50), SIO_OK, "a new key");
    is_int(note("a", 100, 50), SIO_DECLINED, "is known at once");
    is_int(note("a", 149, 50), SIO_DECLINED, "until its time is over");
    is_int(note("b", 149, 50), SIO_OK, "another key is another");
    is_int(note("a", 150, 1000), SIO_OK, "then it is new");
    is_int(note("a", 1149, 50), SIO_DECLINED, "for as long as it says now");
    is_int(note("a", 1150, 50), SIO_OK, "and no longer");
    is_int(note("", 1150, 50), SIO_OK, "an empty key");
    is_int(note("", 1150, 50), SIO_DECLINED, "is one too");
    is_int(note("c", 0, 0), SIO_OK, "no time at all");
    is_int(note("c", 0, 0), SIO_OK, "is over at once");

    sio_recent_free(&recent);
    unit_mem_none_left("the memory is given back");
}


/* One set: four keys, and the one that ends first makes room. */

static void
test_full(void)
{
    sio_recent_init(&recent, &unit_mem, &hash, 1);

    is_int(note("a", 1, 40), SIO_OK, "first");
    is_int(note("b", 1, 10), SIO_OK, "second");
    is_int(note("c", 1, 30), SIO_OK, "third");
    is_int(note("d", 1, 20), SIO_OK, "fourth");
    is_int(note("e", 2, 50), SIO_OK, "the fifth finds room");
    is_int(note("a", 2, 1), SIO_DECLINED, "a is still known");
    is_int(note("c", 2, 1), SIO_DECLINED, "c too");
    is_int(note("d", 2, 1), SIO_DECLINED, "and d");
    is_int(note("e", 2, 1), SIO_DECLINED, "and e");
    is_int(note("b", 2, 60), SIO_OK, "b was to end first");
    is_int(note("d", 2, 1), SIO_OK, "then d");

    sio_recent_free(&recent);
}


/* Never says "seen" of what was not, and rarely forgets. */

static void
test_model(void)
{
    char      key[16];
    unsigned  i, n, wrong, forgotten;
    uint64_t  until[500], now, x;

    memset(until, 0, sizeof(until));
    sio_recent_init(&recent, &unit_mem, &hash, 256);

    x = 88172645463325252ull;
    wrong = 0;
    forgotten = 0;
    now = 1;

    for (i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;

        n = x % 500;
        now += (x >> 16) % 3;

        snprintf(key, sizeof(key), "key %u", n);

        if (note(key, now, 300) == SIO_OK) {
            forgotten += now < until[n];
            until[n] = now + 300;

        } else {
            wrong += now >= until[n];
        }
    }

    is_int(wrong, 0, "what is over is new");
    ok(forgotten < 200, "forgotten too early: %u", forgotten);

    sio_recent_free(&recent);
}


static void
test_memory(void)
{
    sio_recent_init(&recent, &unit_mem, &hash, 16);

    (void) unit_mem_fail(1);
    is_int(note("a", 1, 1), SIO_NOMEM, "no memory");
    (void) unit_mem_fail(0);

    is_int(note("a", 1, 1), SIO_OK, "later there is some");

    sio_recent_free(&recent);
    unit_mem_none_left("the memory is given back");
}
