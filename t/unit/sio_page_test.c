/*
 * Pages of names, and the count of different ones.
 */


#include "unit.h"
#include "logic/sio_distinct.h"
#include "logic/sio_page.h"


static void test_order(void);
static void test_pages(void);
static void test_many(void);
static void test_page_failures(void);
static void test_distinct(void);
static void test_merge(void);
static void test_distinct_failures(void);
static uint64_t hash(uint64_t n);


int
main(void)
{
    unit_plan();

    test_order();
    test_pages();
    test_many();
    test_page_failures();
    test_distinct();
    test_merge();
    test_distinct_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_order(void)
{
    ok(sio_page_compare(sio_cstr("a"), sio_cstr("b")) < 0, "a before b");
    ok(sio_page_compare(sio_cstr("b"), sio_cstr("a")) > 0, "b behind a");
    ok(sio_page_compare(sio_cstr("a"), sio_cstr("a")) == 0, "a is a");
    ok(sio_page_compare(sio_cstr("a"), sio_cstr("aa")) < 0, "a before aa");
    ok(sio_page_compare(sio_cstr(""), sio_cstr("a")) < 0, "nothing before a");
    ok(sio_page_compare(sio_str(NULL, 0), sio_str(NULL, 0)) == 0,
       "nothing is nothing");
    ok(sio_page_compare(sio_cstr("z"), sio_cstr("\xc3\xa9")) < 0,
       "bytes have no sign");
}


static void
test_pages(void)
{
    size_t      i;
    sio_page_t  page;

    static const char  *names[] = { "d", "b", "e", "a", "c" };

    sio_page_init(&page, &unit_mem, 2, sio_str(NULL, 0));

    for (i = 0; i < 5; i++) {
        is_int(sio_page_add(&page, sio_cstr(names[i]), (void *) names[i]),
               SIO_OK, "add %s", names[i]);
    }

    sio_page_sort(&page);
    is_int(page.n, 2, "two are on the first page");
    is_str(page.entries[0].key, "a", "the first");
    is_str(page.entries[1].key, "b", "the second");
    ok(page.entries[1].data == names[1], "with its data");
    ok(page.more, "there are more");
    sio_page_free(&page);

    sio_page_init(&page, &unit_mem, 2, sio_cstr("c"));

    for (i = 0; i < 5; i++) {
        (void) sio_page_add(&page, sio_cstr(names[i]), NULL);
    }

    sio_page_sort(&page);
    is_int(page.n, 2, "two are behind c");
    is_str(page.entries[0].key, "d", "the first");
    is_str(page.entries[1].key, "e", "the last");
    ok(!page.more, "there are no more");
    sio_page_free(&page);

    sio_page_init(&page, &unit_mem, 2, sio_cstr("e"));
    (void) sio_page_add(&page, sio_cstr("e"), NULL);
    sio_page_sort(&page);
    is_int(page.n, 0, "nothing is behind the last");
    ok(!page.more, "and no more");
    sio_page_free(&page);
}


static void
test_many(void)
{
    char        names[1000][8];
    unsigned    i, limit, good;
    sio_page_t  page;

    for (i = 0; i < 1000; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "%04u",
                        (i * 617) % 1000);
    }

    for (limit = 1; limit <= 1001; limit += 100) {
        sio_page_init(&page, &unit_mem, limit, sio_str(NULL, 0));

        for (i = 0; i < 1000; i++) {
            (void) sio_page_add(&page, sio_cstr(names[i]), NULL);
        }

        sio_page_sort(&page);

        for (i = 0, good = 0; i < page.n; i++) {
            good += ((unsigned) atoi((const char *) page.entries[i].key.data)
                     == i);
        }

        is_int(page.n, limit > 1000 ? 1000 : limit, "a page of %u", limit);
        is_int(good, page.n, "is sorted");
        is_int(page.more, limit < 1000, "and knows of more");
        sio_page_free(&page);
    }
}


static void
test_page_failures(void)
{
    int         rc;
    char        names[100][4];
    unsigned    i, n;
    sio_page_t  page;

    for (i = 0; i < 100; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "%u", i);
    }

    for (n = 1; unit_mem_fail(n); n++) {
        sio_page_init(&page, &unit_mem, 100, sio_str(NULL, 0));
        rc = SIO_OK;

        for (i = 0; i < 100 && rc == SIO_OK; i++) {
            rc = sio_page_add(&page, sio_cstr(names[i]), NULL);
        }

        ok(rc == SIO_NOMEM || rc == SIO_OK, "allocation %u fails", n);
        sio_page_sort(&page);
        sio_page_free(&page);
    }

    sio_page_free(&page);
}


/* splitmix64: bits as random as those of a hash. */

static uint64_t
hash(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;

    return n ^ (n >> 31);
}


static void
test_distinct(void)
{
    size_t          i, k;
    uint64_t        count;
    sio_distinct_t  d;

    static const unsigned  exact[] = { 0, 1, 2, 1000, SIO_DISTINCT_MAX };
    static const unsigned  many[] = { SIO_DISTINCT_MAX + 1, 40000, 300000 };

    for (k = 0; k < sizeof(exact) / sizeof(exact[0]); k++) {
        sio_distinct_init(&d, &unit_mem);

        for (i = 0; i < 3 * exact[k]; i++) {
            (void) sio_distinct_add(&d, hash(i % exact[k]));
        }

        is_int(sio_distinct_count(&d), exact[k], "%u, three times each",
               exact[k]);
        ok(!d.dropped, "is exact");
        is_int(sio_distinct_count(&d), exact[k], "and again");
        sio_distinct_free(&d);
    }

    for (k = 0; k < sizeof(many) / sizeof(many[0]); k++) {
        sio_distinct_init(&d, &unit_mem);

        for (i = 0; i < 2 * many[k]; i++) {
            (void) sio_distinct_add(&d, hash(i % many[k]));
        }

        count = sio_distinct_count(&d);
        ok(d.dropped, "%u is an estimate", many[k]);
        ok(count > many[k] * 0.96 && count < many[k] * 1.04,
           "which is near: %llu", (unsigned long long) count);
        sio_distinct_free(&d);
    }
}


/* Four sets that overlap, each cut for itself. */

static void
test_merge(void)
{
    size_t          i;
    unsigned        set, size;
    uint64_t        count;
    sio_distinct_t  all, d;

    for (size = 1000; size <= 64000; size *= 8) {
        sio_distinct_init(&all, &unit_mem);

        for (set = 0; set < 4; set++) {
            sio_distinct_init(&d, &unit_mem);

            for (i = 0; i < size; i++) {
                (void) sio_distinct_add(&d, hash(set * size / 2 + i));
            }

            sio_distinct_sort(&d);

            for (i = 0; i < d.n; i++) {
                (void) sio_distinct_add(&all, d.hashes[i]);
            }

            all.dropped |= d.dropped;
            sio_distinct_free(&d);
        }

        count = sio_distinct_count(&all);

        if (size == 1000) {
            is_int(count, 2500, "four of 1000 are 2500, exactly");

        } else {
            ok(count > size * 2.5 * 0.96 && count < size * 2.5 * 1.04,
               "four of %u are %llu", size, (unsigned long long) count);
        }

        sio_distinct_free(&all);
    }
}


static void
test_distinct_failures(void)
{
    int             rc;
    unsigned        i, n;
    sio_distinct_t  d;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_distinct_init(&d, &unit_mem);
        rc = SIO_OK;

        for (i = 0; i < 1000 && rc == SIO_OK; i++) {
            rc = sio_distinct_add(&d, hash(i));
        }

        ok(rc == SIO_NOMEM || rc == SIO_OK, "allocation %u fails", n);
        (void) sio_distinct_count(&d);
        sio_distinct_free(&d);
    }

    sio_distinct_free(&d);
}
