/*
 * The growable buffer: content, bound, failed allocations.
 */


#include "unit.h"
#include "codec/sio_buf.h"


static void test_append(void);
static void test_bound(void);
static void test_uint(void);
static void test_free(void);
static void test_guard(void);
static void test_no_memory(void);


int
main(void)
{
    unit_plan();

    test_append();
    test_bound();
    test_uint();
    test_free();
    test_guard();
    test_no_memory();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_append(void)
{
    int        bad;
    size_t     i;
    sio_buf_t  b;

    unit_mem_ctx.allocs = 0;
    sio_buf_init(&b, &unit_mem, 1000);

    is_int(sio_buf_append(&b, NULL, 0), SIO_OK, "nothing is appended");
    is_int(unit_mem_ctx.allocs, 0, "and nothing allocated for it");

    is_int(sio_buf_append(&b, "abc", 3), SIO_OK, "bytes");
    is_int(sio_buf_append_str(&b, sio_cstr("de")), SIO_OK, "a string");
    is_int(sio_buf_append_str(&b, sio_str(NULL, 0)), SIO_OK, "a null string");
    is_int(sio_buf_append_char(&b, 'f'), SIO_OK, "a character");
    is_int(sio_buf_append_uint(&b, 120), SIO_OK, "a number");
    is_str(sio_buf_str(&b), "abcdef120", "they are all there");
    is_int(unit_mem_ctx.allocs, 1, "in one allocation");

    sio_buf_reset(&b);
    is_int(sio_buf_str(&b).len, 0, "reset forgets the content");

    for (i = 0; i < 1000; i++) {
        if (sio_buf_append_char(&b, (uint8_t) i) != SIO_OK) {
            break;
        }
    }

    for (bad = 0; i-- > 0; /* void */ ) {
        bad += b.data[i] != (uint8_t) i;
    }

    is_int(b.len, 1000, "a thousand single bytes");
    is_int(bad, 0, "each in its place");
    ok(unit_mem_ctx.allocs < 8, "growth is geometric");
    is_int(b.cap, 1000, "and ends at the bound");

    sio_buf_free(&b);
}


static void
test_bound(void)
{
    sio_buf_t  b;

    sio_buf_init(&b, &unit_mem, 5);

    is_int(sio_buf_append(&b, "abcdef", 6), SIO_DECLINED, "one too many");
    is_int(b.len, 0, "changes nothing");
    is_int(sio_buf_append(&b, "abcde", 5), SIO_OK, "the bound itself");
    is_int(sio_buf_append_char(&b, 'f'), SIO_DECLINED, "one more");
    is_int(sio_buf_append_uint(&b, 0), SIO_DECLINED, "one more digit");
    is_int(sio_buf_reserve(&b, SIZE_MAX), SIO_DECLINED, "no overflow");
    is_int(sio_buf_append(&b, NULL, 0), SIO_OK, "nothing always fits");
    is_str(sio_buf_str(&b), "abcde", "content is as before");

    b.max = 3;
    is_int(sio_buf_reserve(&b, 0), SIO_DECLINED, "a bound below the content");

    sio_buf_free(&b);

    sio_buf_init(&b, &unit_mem, 0);
    is_int(sio_buf_append_char(&b, 'a'), SIO_DECLINED, "a bound of zero");
    sio_buf_free(&b);

    sio_buf_init(&b, &unit_mem, SIZE_MAX);
    is_int(sio_buf_append(&b, "a", 1), SIO_OK, "no bound");
    is_int(b.cap, 64, "does not allocate it");
    sio_buf_free(&b);
}


static void
test_uint(void)
{
    size_t     i;
    sio_buf_t  b;

    static const struct {
        uint64_t     n;
        const char  *text;
    } tests[] = {
        { 0, "0" },
        { 9, "9" },
        { 10, "10" },
        { 1000000, "1000000" },
        { 9007199254740993ull, "9007199254740993" },
        { UINT64_MAX, "18446744073709551615" }
    };

    sio_buf_init(&b, &unit_mem, 100);

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        sio_buf_reset(&b);
        (void) sio_buf_append_uint(&b, tests[i].n);
        is_str(sio_buf_str(&b), tests[i].text, "number %s", tests[i].text);
    }

    sio_buf_free(&b);
}


static void
test_free(void)
{
    sio_buf_t  b;

    sio_buf_init(&b, &unit_mem, 100);
    sio_buf_free(&b);
    ok(1, "an unused buffer is freed");

    (void) sio_buf_append(&b, "abc", 3);
    sio_buf_free(&b);
    is_int(b.len + b.cap, 0, "a freed buffer is empty");
    sio_buf_free(&b);

    is_int(sio_buf_append(&b, "abc", 3), SIO_OK, "and may be used again");
    is_str(sio_buf_str(&b), "abc", "with new content");
    sio_buf_free(&b);
}


static void
test_guard(void)
{
    uint8_t    *p;
    sio_buf_t   b;

    sio_buf_init(&b, &unit_mem, 100);

    p = guard_copy("abcdefg", 7);
    is_int(sio_buf_append(&b, p, 7), SIO_OK, "the end of readable memory");
    is_str(sio_buf_str(&b), "abcdefg", "is not read beyond");
    guard_free(p, 7);

    sio_buf_free(&b);
}


static void
test_no_memory(void)
{
    int        rc;
    unsigned   n, runs;
    size_t     i;
    sio_buf_t  b;

    runs = 0;

    for (n = 1; unit_mem_fail(n); n++) {

        sio_buf_init(&b, &unit_mem, 500);

        rc = SIO_OK;

        for (i = 0; i < 500 && rc == SIO_OK; i++) {
            rc = sio_buf_append_char(&b, 'x');
        }

        if (rc != SIO_OK) {
            runs++;

            if (rc != SIO_NOMEM || b.len != i - 1
                || (b.len && b.data[b.len - 1] != 'x')
                || sio_buf_append_char(&b, 'y') != SIO_OK
                || b.data[i - 1] != 'y')
            {
                ok(0, "allocation %u fails cleanly", n);
            }
        }

        sio_buf_free(&b);
    }

    ok(runs >= 3, "%u allocations failed in turn", runs);
}
