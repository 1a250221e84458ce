/*
 * The scratch arena: what is handed out stays, the bound, what is kept.
 */


#include "unit.h"
#include "logic/sio_scratch.h"


static void test_stay(void);
static void test_keep(void);
static void test_bound(void);
static void test_buf(void);
static void test_memory(void);


int
main(void)
{
    unit_plan();

    test_stay();
    test_keep();
    test_bound();
    test_buf();
    test_memory();

    return unit_done();
}


static void
test_stay(void)
{
    uint8_t        *p[500];
    size_t          i, j, len, bad, odd;
    sio_scratch_t   s;

    sio_scratch_init(&s, &unit_mem, 1 << 20);

    odd = 0;

    for (i = 0; i < 500; i++) {
        len = i * 7 % 300;
        p[i] = sio_scratch_alloc(&s, len);
        odd += ((uintptr_t) p[i] % 16 != 0);
        memset(p[i], (int) i, len);
    }

    bad = 0;

    for (i = 0; i < 500; i++) {
        for (j = 0; j < i * 7 % 300; j++) {
            bad += (p[i][j] != (uint8_t) i);
        }
    }

    is_int(bad, 0, "blocks stay, and do not overlap");
    is_int(odd, 0, "they are aligned");

    p[0] = sio_scratch_alloc(&s, 100000);
    memset(p[0], 1, 100000);
    p[1] = sio_scratch_alloc(&s, 10);
    memset(p[1], 2, 10);
    ok(p[0][99999] == 1, "a block larger than a chunk");

    sio_scratch_free(&s);
    unit_mem_none_left("all is given back");
}


static void
test_keep(void)
{
    unsigned        before;
    sio_scratch_t   s;

    sio_scratch_init(&s, &unit_mem, 1 << 20);
    is_int(unit_mem_ctx.live, 0, "nothing is allocated until it is needed");

    (void) sio_scratch_alloc(&s, 10000);
    (void) sio_scratch_alloc(&s, 10);
    (void) sio_scratch_alloc(&s, 4090);
    is_int(unit_mem_ctx.live, 3, "three chunks");

    sio_scratch_reset(&s);
    is_int(unit_mem_ctx.live, 1, "an ordinary one is kept");
    is_int(s.bytes, SIO_SCRATCH_CHUNK, "and counted");

    before = unit_mem_ctx.allocs;
    (void) sio_scratch_alloc(&s, SIO_SCRATCH_CHUNK);
    is_int(unit_mem_ctx.allocs, before, "it serves the next run, whole");

    sio_scratch_free(&s);

    (void) sio_scratch_alloc(&s, 10000);
    sio_scratch_reset(&s);
    is_int(unit_mem_ctx.live, 0, "a large one is not kept");

    sio_scratch_free(&s);
    sio_scratch_free(&s);
    unit_mem_none_left("it may be freed twice");
}


static void
test_bound(void)
{
    sio_scratch_t  s;

    sio_scratch_init(&s, &unit_mem, 10000);

    ok(sio_scratch_alloc(&s, SIZE_MAX) == NULL && s.full, "far too large");
    s.full = 0;
    ok(sio_scratch_alloc(&s, 10001) == NULL && s.full, "too large");

    sio_scratch_reset(&s);
    ok(!s.full, "a reset forgets it");

    ok(sio_scratch_alloc(&s, 4000) != NULL, "one chunk");
    ok(sio_scratch_alloc(&s, 4000) != NULL, "two chunks");
    ok(sio_scratch_alloc(&s, 4000) == NULL && s.full, "no third one");
    ok(sio_scratch_alloc(&s, 50) != NULL, "what is left can be had");

    sio_scratch_free(&s);
    unit_mem_none_left("all is given back");
}


static void
test_buf(void)
{
    size_t         i;
    sio_buf_t      a, b;
    sio_str_t      view;
    sio_scratch_t  s;

    sio_scratch_init(&s, &unit_mem, 1 << 20);
    sio_scratch_buf(&s, &a);
    sio_scratch_buf(&s, &b);

    (void) sio_buf_append_str(&a, sio_cstr("first"));
    view = sio_buf_str(&a);

    for (i = 0; i < 10000; i++) {
        (void) sio_buf_append_char(&a, 'a');
        (void) sio_buf_append_char(&b, 'b');
    }

    is_str(view, "first", "a view outlives the buffer's growth");
    is_int(a.len, 10005, "one buffer");
    ok(b.len == 10000 && b.data[0] == 'b' && b.data[9999] == 'b',
       "another beside it");

    sio_scratch_free(&s);
    unit_mem_none_left("buffers need no freeing");
}


static void
test_memory(void)
{
    unsigned       n, failed;
    sio_scratch_t  s;

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_scratch_init(&s, &unit_mem, 1 << 20);

        failed += (sio_scratch_alloc(&s, 10) == NULL);
        failed += (sio_scratch_alloc(&s, 10000) == NULL);
        ok(!s.full, "no memory is not the bound");

        sio_scratch_free(&s);
    }

    is_int(failed, 2, "each allocation failed once");
    unit_mem_none_left("nothing is left");
}
