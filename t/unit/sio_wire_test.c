/*
 * The record between workers: there and back, every truncation, damage.
 */


#include "unit.h"
#include "codec/sio_wire.h"


static int write_record(sio_buf_t *b);
static int read_record(const uint8_t *data, size_t len);
static void test_round_trip(void);
static void test_layout(void);
static void test_damage(void);
static void test_sticky(void);
static void test_failures(void);


static const sio_str_t  sid = sio_string("abcdefghijklmnopqrst");


int
main(void)
{
    unit_plan();

    test_round_trip();
    test_layout();
    test_damage();
    test_sticky();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static int
write_record(sio_buf_t *b)
{
    sio_wire_writer_t  w;

    sio_wire_begin(&w, b, 7);
    sio_wire_put_u8(&w, 255);
    sio_wire_put_str(&w, sid);
    sio_wire_put_u32(&w, 0x89abcdef);
    sio_wire_put_str(&w, sio_str(NULL, 0));
    sio_wire_put_u64(&w, UINT64_MAX - 1);

    return sio_wire_end(&w);
}


/* 1: as written, 0: a good record of other content, SIO_ERROR */

static int
read_record(const uint8_t *data, size_t len)
{
    int         same;
    uint8_t     type;
    sio_str_t   s, empty;
    sio_wire_t  r;

    if (sio_wire_open(&r, data, len, &type) != SIO_OK) {
        return SIO_ERROR;
    }

    same = type == 7;
    same &= sio_wire_get_u8(&r) == 255;
    s = sio_wire_get_str(&r);
    same &= sio_str_eq(s, sid);
    same &= sio_wire_get_u32(&r) == 0x89abcdef;
    empty = sio_wire_get_str(&r);
    same &= empty.len == 0;
    same &= sio_wire_get_u64(&r) == UINT64_MAX - 1;

    return sio_wire_done(&r) == SIO_OK ? same : SIO_ERROR;
}


static void
test_round_trip(void)
{
    size_t      i;
    uint8_t    *p;
    unsigned    wrong;
    sio_buf_t   b;

    sio_buf_init(&b, &unit_mem, 1000);

    is_int(write_record(&b), SIO_OK, "a record is written");
    is_int(b.len, 2 + 1 + 4 + 20 + 4 + 4 + 8, "as long as its fields");
    is_int(read_record(b.data, b.len), 1, "and read back");

    wrong = 0;

    for (i = 0; i < b.len; i++) {
        p = guard_copy(b.data, i);
        wrong += read_record(p, i) != SIO_ERROR;
        guard_free(p, i);
    }

    is_int(wrong, 0, "every truncation is refused");

    p = guard_copy(b.data, b.len);
    is_int(read_record(p, b.len), 1, "nothing is read beyond the end");
    guard_free(p, b.len);

    (void) sio_buf_append_char(&b, 0);
    is_int(read_record(b.data, b.len), SIO_ERROR, "a byte too many");

    sio_buf_free(&b);
}


static void
test_layout(void)
{
    uint8_t            type;
    sio_buf_t          b;
    sio_wire_t         r;
    sio_wire_writer_t  w;

    sio_buf_init(&b, &unit_mem, 1000);

    sio_wire_begin(&w, &b, 0x55);
    sio_wire_put_u32(&w, 0x01020304);
    sio_wire_put_str(&w, sio_cstr("ab"));
    (void) sio_wire_end(&w);

    is_int(sio_wire_open(&r, b.data, 2, &type), SIO_OK, "no field at all");
    is_int(type, 0x55, "only a type");
    is_int(sio_wire_done(&r), SIO_OK, "is a record");

    is_mem(b.data, b.len, "\x55\x02\x04\x03\x02\x01\x02\0\0\0ab", 12,
           "little endian, lengths of 32 bits");

    sio_buf_free(&b);
}


/* A flipped bit changes a value or is refused; it never leads astray. */

static void
test_damage(void)
{
    size_t      i;
    uint8_t    *p;
    unsigned    bit, unseen;
    sio_buf_t   b;

    sio_buf_init(&b, &unit_mem, 1000);
    (void) write_record(&b);

    unseen = 0;

    for (i = 0; i < b.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            p = guard_copy(b.data, b.len);
            p[i] ^= 1 << bit;
            unseen += read_record(p, b.len) == 1;
            guard_free(p, b.len);
        }
    }

    is_int(unseen, 0, "every flipped bit");

    b.data[1] = SIO_WIRE_VERSION + 1;
    is_int(read_record(b.data, b.len), SIO_ERROR, "another version");

    sio_buf_free(&b);
}


static void
test_sticky(void)
{
    uint8_t     type;
    sio_str_t   s;
    sio_wire_t  r;

    static const uint8_t  data[] = {
        1, SIO_WIRE_VERSION, 0xff, 0xff, 0xff, 0xff, 9, 9, 9, 9, 9, 9, 9, 9
    };

    is_int(sio_wire_open(&r, data, sizeof(data), &type), SIO_OK, "opened");
    s = sio_wire_get_str(&r);
    ok(s.data == NULL && s.len == 0, "a string too long is empty");
    is_int(sio_wire_get_u8(&r), 0, "what follows is zero");
    is_int(sio_wire_get_u64(&r), 0, "of any size");
    is_int(sio_wire_done(&r), SIO_ERROR, "and the end tells");

    type = 77;
    is_int(sio_wire_open(&r, data, 1, &type), SIO_ERROR, "too short");
    is_int(sio_wire_open(&r, NULL, 0, &type), SIO_ERROR, "nothing at all");
    is_int(type, 77, "the type is not touched");
    is_int(sio_wire_done(&r), SIO_ERROR, "the end tells this too");
    is_int(sio_wire_get_u32(&r), 0, "a reader that was not opened is empty");
    is_int(sio_wire_done(&r), SIO_ERROR, "and bad");
}


static void
test_failures(void)
{
    int                rc;
    unsigned           n, failed;
    sio_str_t          big;
    sio_buf_t          b;
    sio_wire_writer_t  w;

    sio_buf_init(&b, &unit_mem, 10);
    (void) sio_buf_append(&b, "old", 3);
    is_int(write_record(&b), SIO_DECLINED, "a record beyond the bound");
    is_str(sio_buf_str(&b), "old", "leaves the buffer as it was");

    sio_wire_begin(&w, &b, 1);
    big = sio_str("", (size_t) UINT32_MAX + 1);
    sio_wire_put_str(&w, big);
    sio_wire_put_u8(&w, 1);
    is_int(sio_wire_end(&w), SIO_DECLINED, "a length beyond 32 bits");
    is_str(sio_buf_str(&b), "old", "likewise");
    sio_buf_free(&b);

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&b, &unit_mem, 1000);
        (void) sio_buf_append(&b,
            "0123456789012345678901234567890123456789", 40);

        rc = write_record(&b);

        if (rc != SIO_OK) {
            failed++;

            if (rc != SIO_NOMEM || (b.len != 40 && b.len != 0)) {
                ok(0, "allocation %u fails cleanly", n);
            }

        } else if (read_record(b.data + b.len - 43, 43) != 1) {
            ok(0, "run %u: the record is good", n);
        }

        sio_buf_free(&b);
    }

    ok(failed >= 1, "allocations failed in turn");
}
