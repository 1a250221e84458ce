/*
 * WebSocket frame headers: parser, unmasking, writer, close codes.
 *
 * RFC 6455, 5.2.  Base Framing Protocol;  5.7.  Examples.
 */


#include "unit.h"
#include "codec/ws_frame.h"


static int parse(ws_frame_t *f, unsigned rsv_ok, const char *head, size_t len,
    size_t *used);
static void test_good(void);
static void test_bad(void);
static void test_first_bytes(void);
static void test_reserved_bits(void);
static void test_unmask(void);
static void test_write(void);
static void test_close_codes(void);


#define MASK  "\x37\xfa\x21\x3d"


static const struct {
    const char  *name;
    const char  *head;
    size_t       len;
    unsigned     opcode;
    unsigned     fin;
    uint64_t     payload;
} good[] = {
    { "text of 5", "\x81\x85" MASK, 6, WS_OP_TEXT, 1, 5 },
    { "an empty one", "\x81\x80" MASK, 6, WS_OP_TEXT, 1, 0 },
    { "a first fragment", "\x01\x83" MASK, 6, WS_OP_TEXT, 0, 3 },
    { "a middle fragment", "\x00\x83" MASK, 6, WS_OP_CONTINUATION, 0, 3 },
    { "a last fragment", "\x80\x83" MASK, 6, WS_OP_CONTINUATION, 1, 3 },
    { "binary of 125", "\x82\xfd" MASK, 6, WS_OP_BINARY, 1, 125 },
    { "binary of 126", "\x82\xfe\x00\x7e" MASK, 8, WS_OP_BINARY, 1, 126 },
    { "binary of 65535", "\x82\xfe\xff\xff" MASK, 8, WS_OP_BINARY, 1, 65535 },
    { "binary of 65536", "\x82\xff\0\0\0\0\0\1\0\0" MASK, 14, WS_OP_BINARY,
      1, 65536 },
    { "the longest", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK, 14,
      WS_OP_BINARY, 1, INT64_MAX },
    { "close", "\x88\x82" MASK, 6, WS_OP_CLOSE, 1, 2 },
    { "ping", "\x89\xfd" MASK, 6, WS_OP_PING, 1, 125 },
    { "pong", "\x8a\x80" MASK, 6, WS_OP_PONG, 1, 0 }
};

#define NGOOD  (sizeof(good) / sizeof(good[0]))


static const struct {
    const char  *error;
    const char  *head;
    size_t       bad;      /* index of the byte that is refused */
} bad[] = {
    { "reserved bit set", "\xc1", 0 },
    { "reserved bit set", "\xa1", 0 },
    { "reserved bit set", "\x91", 0 },
    { "reserved opcode", "\x83", 0 },
    { "reserved opcode", "\x87", 0 },
    { "reserved opcode", "\x8b", 0 },
    { "reserved opcode", "\x8f", 0 },
    { "fragmented control frame", "\x08", 0 },
    { "fragmented control frame", "\x09", 0 },
    { "fragmented control frame", "\x0a", 0 },
    { "frame not masked", "\x81\x05", 1 },
    { "frame not masked", "\x88\x00", 1 },
    { "control frame too long", "\x89\xfe", 1 },
    { "control frame too long", "\x88\xff", 1 },
    { "length not minimal", "\x81\xfe\x00\x7d", 3 },
    { "length not minimal", "\x81\xfe\x00\x00", 3 },
    { "length not minimal", "\x81\xff\0\0\0\0\0\0\xff\xff", 7 },
    { "length with the top bit set", "\x81\xff\x80", 2 },
    { "length with the top bit set", "\x81\xff\xff", 2 }
};

#define NBAD  (sizeof(bad) / sizeof(bad[0]))


int
main(void)
{
    unit_plan();

    test_good();
    test_bad();
    test_first_bytes();
    test_reserved_bits();
    test_unmask();
    test_write();
    test_close_codes();

    return unit_done();
}


/* Parse len bytes that end at a guard page. */

static int
parse(ws_frame_t *f, unsigned rsv_ok, const char *head, size_t len,
    size_t *used)
{
    int       rc;
    uint8_t  *p;

    ws_frame_init(f);

    p = guard_copy(head, len);
    rc = ws_frame_parse(f, rsv_ok, p, len, used);
    guard_free(p, len);

    return rc;
}


static void
test_good(void)
{
    int         rc;
    char        more[WS_HEAD_MAX + 3];
    size_t      i, j, used;
    unsigned    wrong;
    ws_frame_t  f;

    for (i = 0; i < NGOOD; i++) {
        is_int(parse(&f, 0, good[i].head, good[i].len, &used), SIO_OK,
               "%s", good[i].name);
        is_int(used, good[i].len, "all of it");
        is_int(f.opcode, good[i].opcode, "opcode");
        is_int(f.fin, good[i].fin, "fin");
        is_int(f.len, good[i].payload, "length");
        is_mem(f.mask, 4, MASK, 4, "mask");

        memset(more, 0xff, sizeof(more));
        memcpy(more, good[i].head, good[i].len);
        is_int(parse(&f, 0, more, good[i].len + 3, &used), SIO_OK,
               "with payload behind");
        is_int(used, good[i].len, "which is not taken");

        wrong = 0;

        for (j = 0; j < good[i].len; j++) {
            wrong += parse(&f, 0, good[i].head, j, &used) != SIO_AGAIN;
            wrong += used != j;

            rc = ws_frame_parse(&f, 0, (uint8_t *) good[i].head + j,
                                good[i].len - j, &used);
            wrong += rc != SIO_OK || used != good[i].len - j;
            wrong += f.len != good[i].payload || memcmp(f.mask, MASK, 4) != 0;
        }

        is_int(wrong, 0, "cut at every byte");

        ws_frame_init(&f);

        for (j = 0; j < good[i].len; j++) {
            rc = ws_frame_parse(&f, 0, (uint8_t *) good[i].head + j, 1, &used);
            wrong += rc != (j + 1 == good[i].len ? SIO_OK : SIO_AGAIN);
            wrong += used != 1;
        }

        wrong += f.len != good[i].payload || f.opcode != good[i].opcode;
        is_int(wrong, 0, "byte by byte");
    }
}


static void
test_bad(void)
{
    size_t      i, used;
    ws_frame_t  f;

    for (i = 0; i < NBAD; i++) {
        is_int(parse(&f, 0, bad[i].head, bad[i].bad, &used), SIO_AGAIN,
               "bad header %zu is fine before byte %zu", i, bad[i].bad);

        is_int(parse(&f, 0, bad[i].head, bad[i].bad + 1, &used), SIO_ERROR,
               "and refused there");

        is_str(sio_cstr(ws_frame_error(&f)), bad[i].error, "as %s",
               bad[i].error);
    }
}


/* All pairs of first bytes, against the text of 5.2 and 5.5. */

static void
test_first_bytes(void)
{
    int         fine;
    char        head[2];
    size_t      used;
    unsigned    i, op, wrong;
    ws_frame_t  f;

    wrong = 0;

    for (i = 0; i < 0x10000; i++) {
        head[0] = i >> 8;
        head[1] = i;

        op = i >> 8 & 0x0f;
        fine = (i & 0x7000) == 0 && (i & 0x80)
               && (op <= 2
                   || (op >= 8 && op <= 10 && i & 0x8000 && (i & 0x7f) <= 125));

        ws_frame_init(&f);
        wrong += ws_frame_parse(&f, 0, (uint8_t *) head, 2, &used)
                 != (fine ? SIO_AGAIN : SIO_ERROR);
    }

    is_int(wrong, 0, "all pairs of first bytes");
}


static void
test_reserved_bits(void)
{
    size_t      used;
    ws_frame_t  f;

    is_int(parse(&f, 4, "\xc1\x80" MASK, 6, &used), SIO_OK,
           "a reserved bit that an extension uses");
    is_int(f.rsv, 4, "is reported");
    is_int(parse(&f, 4, "\xe1\x80" MASK, 6, &used), SIO_ERROR,
           "another bit beside it");
    is_int(parse(&f, 4, "\x81\x80" MASK, 6, &used), SIO_OK,
           "it need not be set");
    is_int(f.rsv, 0, "and is not then");
}


static void
test_unmask(void)
{
    size_t      i, len, used;
    uint8_t     plain[64], *p;
    unsigned    offset, wrong;
    ws_frame_t  f;

    (void) parse(&f, 0, "\x81\x85" MASK, 6, &used);

    p = guard_copy("\x7f\x9f\x4d\x51\x58", 5);
    ws_frame_unmask(&f, 0, p, 5);
    is_mem(p, 5, "Hello", 5, "the example of the specification");
    guard_free(p, 5);

    wrong = 0;

    for (offset = 0; offset < 9; offset++) {
        for (len = 0; len <= sizeof(plain); len++) {

            for (i = 0; i < len; i++) {
                plain[i] = (uint8_t) (i * 7 + offset);
            }

            p = guard_copy(plain, len);
            ws_frame_unmask(&f, offset, p, len);

            for (i = 0; i < len; i++) {
                wrong += p[i] != (plain[i] ^ f.mask[(offset + i) % 4]);
            }

            guard_free(p, len);
        }
    }

    is_int(wrong, 0, "any length, offset and alignment");

    ws_frame_unmask(&f, UINT32_MAX, plain, 0);
    ws_frame_unmask(&f, 0, NULL, 0);
    ok(1, "nothing to unmask");
}


static void
test_write(void)
{
    size_t    i, n;
    uint8_t   head[WS_SERVER_HEAD_MAX], opcode;
    uint64_t  len;

    static const struct {
        uint64_t     len;
        const char  *head;
        size_t       n;
    } tests[] = {
        { 0, "\x81\x00", 2 },
        { 5, "\x81\x05", 2 },
        { 125, "\x81\x7d", 2 },
        { 126, "\x81\x7e\x00\x7e", 4 },
        { 256, "\x81\x7e\x01\x00", 4 },
        { 65535, "\x81\x7e\xff\xff", 4 },
        { 65536, "\x81\x7f\0\0\0\0\0\1\0\0", 10 },
        { INT64_MAX, "\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10 }
    };

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        n = ws_frame_write_head(head, WS_OP_TEXT, tests[i].len);
        is_mem(head, n, tests[i].head, tests[i].n, "header %zu", i);
        is_int(ws_frame_head_len(tests[i].len), n, "its length");
        is_int(ws_frame_read_head(head, &opcode, &len), n, "read back");
        is_int(len, tests[i].len, "length");
        is_int(opcode, WS_OP_TEXT, "opcode");
    }

    (void) ws_frame_write_head(head, WS_OP_PONG, 0);
    is_int(head[0], 0x8a, "another opcode");
}


static void
test_close_codes(void)
{
    unsigned  code, valid;

    static const unsigned  no[] = {
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535
    };

    static const unsigned  yes[] = {
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999,
        4000, 4999
    };

    for (code = 0; code < sizeof(no) / sizeof(no[0]); code++) {
        ok(!ws_close_code_valid(no[code]), "%u is no close code", no[code]);
    }

    for (code = 0; code < sizeof(yes) / sizeof(yes[0]); code++) {
        ok(ws_close_code_valid(yes[code]), "%u is one", yes[code]);
    }

    for (code = 0, valid = 0; code < 65536; code++) {
        valid += ws_close_code_valid(code);
    }

    is_int(valid, 12 + 2000, "and there are no others");
}
