/*
 * Unit tests in TAP, so that prove runs the binaries.
 *
 *     int
 *     main(void)
 *     {
 *         unit_plan();
 *         is_int(sio_hex('f'), 15, "f is 15");
 *         return unit_done();
 *     }
 *
 * Besides the assertions:
 *
 *   unit_mem       an allocator for code that takes a sio_mem_t; counts what
 *                  is not freed, and fails the n-th allocation on demand:
 *
 *                      for (n = 1; unit_mem_fail(n); n++) { ... }
 *
 *                  runs the body with the first, the second, ... allocation
 *                  failing, until one run makes fewer than n allocations.
 *
 *   guard_copy()   a copy that ends right before a page nobody may touch:
 *                  reading one byte too far is a fault at once.
 */


#ifndef _UNIT_H_INCLUDED_
#define _UNIT_H_INCLUDED_


#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec/sio_mem.h"


static unsigned  unit_count;
static unsigned  unit_failed;


#define ok(test, ...)                                                         \
    unit_ok((test) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)

#define is_int(got, expected, ...)                                            \
    unit_is_int((long long) (got), (long long) (expected), __FILE__,          \
                __LINE__, __VA_ARGS__)

#define is_mem(got, got_len, expected, expected_len, ...)                     \
    unit_is_mem((got), (got_len), (expected), (expected_len), __FILE__,       \
                __LINE__, __VA_ARGS__)

/* A sio_str_t or anything with data and len, against a C string. */

#define is_str(got, expected, ...)                                            \
    unit_is_mem((got).data, (got).len, (expected), strlen(expected),          \
                __FILE__, __LINE__, __VA_ARGS__)


static inline void
unit_plan(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    unit_count = 0;
    unit_failed = 0;
}


static inline int
unit_done(void)
{
    printf("1..%u\n", unit_count);

    return unit_failed ? 1 : 0;
}


static inline int __attribute__((format(printf, 4, 5)))
unit_ok(int test, const char *file, int line, const char *fmt, ...)
{
    va_list  args;

    unit_count++;
    unit_failed += !test;

    printf("%s %u - ", test ? "ok" : "not ok", unit_count);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");

    if (!test) {
        printf("# failed at %s line %d\n", file, line);
    }

    return test;
}


static inline int __attribute__((format(printf, 5, 6)))
unit_is_int(long long got, long long expected, const char *file, int line,
    const char *fmt, ...)
{
    char     name[512];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);

    if (!unit_ok(got == expected, file, line, "%s", name)) {
        printf("#      got: %lld\n# expected: %lld\n", got, expected);
        return 0;
    }

    return 1;
}


static inline void
unit_dump(const char *title, const void *data, size_t len)
{
    size_t          i;
    const uint8_t  *p;

    p = data;
    printf("# %s: %zu \"", title, len);

    for (i = 0; i < len && i < 256; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f) {
            putchar(p[i]);

        } else {
            printf("\\x%02x", p[i]);
        }
    }

    printf("\"%s\n", len > 256 ? "..." : "");
}


static inline int __attribute__((format(printf, 7, 8)))
unit_is_mem(const void *got, size_t got_len, const void *expected,
    size_t expected_len, const char *file, int line, const char *fmt, ...)
{
    int      same;
    char     name[512];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);

    same = got_len == expected_len
           && (got_len == 0 || memcmp(got, expected, got_len) == 0);

    if (!unit_ok(same, file, line, "%s", name)) {
        unit_dump("     got", got, got_len);
        unit_dump("expected", expected, expected_len);
    }

    return same;
}


/* The allocator. */

typedef struct {
    unsigned  allocs;     /* since the last unit_mem_fail() */
    unsigned  fail_at;    /* 0: none */
    long      live;
} unit_mem_ctx_t;


static unit_mem_ctx_t  unit_mem_ctx;


static inline void *
unit_mem_alloc(void *ctx, size_t size)
{
    void            *p;
    unit_mem_ctx_t  *m;

    m = ctx;

    if (++m->allocs == m->fail_at) {
        return NULL;
    }

    p = malloc(size);
    if (p) {
        memset(p, 0xa5, size);
        m->live++;
    }

    return p;
}


static inline void
unit_mem_release(void *ctx, void *p)
{
    unit_mem_ctx_t  *m;

    m = ctx;
    m->live--;
    free(p);
}


static sio_mem_t  unit_mem __attribute__((unused)) = {
    unit_mem_alloc, unit_mem_release, &unit_mem_ctx
};


/*
 * Arm the n-th allocation from now on to fail; n counts from 1.  Returns 0,
 * and disarms, when the run before made fewer than n - 1 allocations: all of
 * them have been made to fail then.
 */

static inline int
unit_mem_fail(unsigned n)
{
    int  more;

    more = (n == 1 || unit_mem_ctx.allocs >= n - 1);

    unit_mem_ctx.allocs = 0;
    unit_mem_ctx.fail_at = more ? n : 0;

    return more;
}


#define unit_mem_none_left(...)                                               \
    is_int(unit_mem_ctx.live, 0, __VA_ARGS__)


/* Guarded copies. */

static inline size_t
guard_map_size(size_t len)
{
    size_t  page;

    page = (size_t) sysconf(_SC_PAGESIZE);

    return (len + page - 1) / page * page + page;
}


/* Ends right before a page without access.  Free it with guard_free(). */

static inline uint8_t *
guard_copy(const void *data, size_t len)
{
    size_t    page, size;
    uint8_t  *base, *p;

    page = (size_t) sysconf(_SC_PAGESIZE);
    size = guard_map_size(len);

    base = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
                -1, 0);

    if (base == MAP_FAILED
        || mprotect(base + size - page, page, PROT_NONE) != 0)
    {
        perror("guard_copy");
        exit(1);
    }

    p = base + size - page - len;

    if (len) {
        memcpy(p, data, len);
    }

    return p;
}


static inline void
guard_free(uint8_t *p, size_t len)
{
    size_t  page, size;

    page = (size_t) sysconf(_SC_PAGESIZE);
    size = guard_map_size(len);

    munmap(p + len + page - size, size);
}


#endif /* _UNIT_H_INCLUDED_ */
