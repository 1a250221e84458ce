/*
 * WebSocket messages: fragments, control frames in between, close, UTF-8,
 * limits, and what is allocated.
 *
 * A case is a script of frames, each two hex digits for the first byte of the
 * header, a space and the payload, separated by '|', and the trace of events
 * that it must give: however the bytes are sliced.
 */


#include "unit.h"
#include "codec/sio_buf.h"
#include "codec/ws_message.h"


#define MAX  200     /* bound of a message in the scripts, bytes */


typedef struct {
    uint8_t  bytes[1024];
    size_t   len;
} stream_t;


typedef struct {
    const char  *name;
    const char  *script;
    const char  *trace;
} case_t;


static void frame_add(stream_t *s, uint8_t first, const void *payload,
    size_t len);
static void script_build(stream_t *s, const char *script);
static void trace_event(sio_buf_t *trace, const ws_event_t *ev);
static int slice_feed(ws_message_t *m, const ws_limits_t *lim,
    const uint8_t *data, size_t len, sio_buf_t *trace);
static void stream_run(const stream_t *s, size_t first, size_t step,
    sio_buf_t *trace);

static void test_cases(void);
static void test_truncations(const case_t *c, const stream_t *s);
static void test_failures(const case_t *c, const stream_t *s);
static void test_fail_fast(void);
static void test_views(void);
static void test_limits(void);
static void test_growth(void);
static void test_idle(void);
static void test_reserved_bits(void);
static void test_limit_lowered(void);


static const ws_limits_t  limits = { &unit_mem, MAX, 0 };


#define LONG  "0123456789012345678901234567890123456789012345678901234567890" \
              "1234567890123456789012345678901234567890123456789012345678901" \
              "2345"
#define PING  "0123456789012345678901234567890123456789012345678901234567890" \
              "1234567890123456789012345678901234567890123456789012345678901" \
              "234"


static const case_t  cases[] = {
    { "a text", "81 Hello", "text(Hello)" },
    { "an empty text", "81 ", "text()" },
    { "an empty binary", "82 ", "binary()" },
    { "two messages", "81 one|82 two", "text(one)binary(two)" },
    { "a length of 16 bits", "81 " LONG, "text(" LONG ")" },
    { "two fragments", "01 Hel|80 lo", "text(Hello)" },
    { "many fragments", "02 a|00 b|00 c|00 d|80 e", "binary(abcde)" },
    { "empty fragments", "01 |00 |00 x|00 |80 ", "text(x)" },
    { "only empty fragments", "02 |00 |80 ", "binary()" },
    { "a message after fragments", "01 a|80 b|81 c", "text(ab)text(c)" },
    { "ping and pong", "89 hi|8a there|89 ", "ping(hi)pong(there)ping()" },
    { "the longest ping", "89 " PING, "ping(" PING ")" },
    { "a ping inside a message", "01 Hel|89 hi|80 lo",
      "ping(hi)text(Hello)" },
    { "many inside one message", "01 |89 1|00 a|89 2|8a |00 b|89 " PING "|80 c",
      "ping(1)ping(2)pong()ping(" PING ")text(abc)" },
    { "a close inside a message", "01 Hel|88 \x03\xe8|80 lo", "close(1000,)" },

    { "a close", "88 \x03\xe8", "close(1000,)" },
    { "a close without a code", "88 ", "close(1005,)" },
    { "a close with a reason", "88 \x0f\xa0go \xe2\x82\xac",
      "close(4000,go \xe2\x82\xac)" },
    { "nothing after a close", "88 \x03\xe9|81 late|88 \x03\xe8",
      "close(1001,)" },
    { "a message before a close", "81 a|88 \x03\xe8", "text(a)close(1000,)" },
    { "a close of one byte", "88 \x03", "error(1002)" },
    { "a bad close code", "88 \x03\xed", "error(1002)" },
    { "a close reason that is no text", "88 \x03\xe8\xff", "error(1007)" },
    { "a close reason cut short", "88 \x03\xe8\xe2\x82", "error(1007)" },

    { "text", "81 \xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80",
      "text(\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80)" },
    { "a character across fragments", "01 \xf0|00 \x9f|00 |00 \x98|80 \x80",
      "text(\xf0\x9f\x98\x80)" },
    { "a ping inside a character", "01 \xe2\x82|89 \xff|80 \xac",
      "ping(\xff)text(\xe2\x82\xac)" },
    { "not a text", "81 abc\xff" "def", "error(1007)" },
    { "not a text in a later fragment", "01 abc|00 d\xed\xa0\x80",
      "error(1007)" },
    { "a text that ends inside a character", "81 \xe2\x82", "error(1007)" },
    { "the same by an empty fragment", "01 \xe2\x82|80 ", "error(1007)" },
    { "binary is any bytes", "82 \xff\xfe\xc0", "binary(\xff\xfe\xc0)" },
    { "binary fragments are too", "02 \xff|80 \xe2", "binary(\xff\xe2)" },
    { "the next text begins anew", "82 \xe2|81 a|01 b|80 c",
      "binary(\xe2)text(a)text(bc)" },

    { "a continuation of nothing", "80 abc", "error(1002)" },
    { "a continuation after the end", "01 a|80 b|80 c", "text(ab)error(1002)" },
    { "a message inside a message", "01 a|81 b", "error(1002)" },
    { "a first fragment twice", "01 a|02 b", "error(1002)" },
    { "a reserved opcode", "81 a|83 b", "text(a)error(1002)" },
    { "a reserved bit", "81 a|c1 b", "text(a)error(1002)" },
    { "a fragmented ping", "09 a", "error(1002)" },
    { "a ping too long", "89 " LONG, "error(1002)" },
    { "nothing after an error", "80 a|81 b", "error(1002)" }
};

#define NCASES  (sizeof(cases) / sizeof(cases[0]))


int
main(void)
{
    unit_plan();

    test_cases();
    test_fail_fast();
    test_views();
    test_limits();
    test_growth();
    test_idle();
    test_reserved_bits();
    test_limit_lowered();

    ok(sizeof(ws_message_t) <= 40, "%zu bytes in each idle connection",
       sizeof(ws_message_t));
    unit_mem_none_left("nothing is left");

    return unit_done();
}


/* A client's frame; the mask differs from frame to frame. */

static void
frame_add(stream_t *s, uint8_t first, const void *payload, size_t len)
{
    size_t          i;
    uint8_t        *p, mask[4];
    const uint8_t  *src;

    for (i = 0; i < 4; i++) {
        mask[i] = (uint8_t) (s->len * 31 + i * 71 + 0x9d);
    }

    p = s->bytes + s->len;

    *p++ = first;

    if (len < 126) {
        *p++ = 0x80 | len;

    } else {
        *p++ = 0x80 | 126;
        *p++ = len >> 8;
        *p++ = (uint8_t) len;
    }

    memcpy(p, mask, 4);
    p += 4;

    src = payload;

    for (i = 0; i < len; i++) {
        *p++ = src[i] ^ mask[i % 4];
    }

    s->len = p - s->bytes;
}


static void
script_build(stream_t *s, const char *script)
{
    const char  *end;

    s->len = 0;

    for ( ;; ) {
        end = script + strcspn(script, "|");
        frame_add(s, (uint8_t) strtoul(script, NULL, 16), script + 3,
                  end - script - 3);

        if (*end == '\0') {
            break;
        }

        script = end + 1;
    }
}


static void
trace_event(sio_buf_t *trace, const ws_event_t *ev)
{
    static const char  *names[] = {
        "?", "text(", "binary(", "ping(", "pong(", "close("
    };

    (void) sio_buf_append_str(trace, sio_cstr(names[ev->type]));

    if (ev->type == WS_EVENT_CLOSE) {
        (void) sio_buf_append_uint(trace, ev->code);
        (void) sio_buf_append_char(trace, ',');
    }

    if (ev->rsv) {
        ok(0, "no reserved bit is set");
    }

    (void) sio_buf_append(trace, ev->data, ev->len);
    (void) sio_buf_append_char(trace, ')');
}


/* As a connection does with what it has read; the last code is returned. */

static int
slice_feed(ws_message_t *m, const ws_limits_t *lim, const uint8_t *data,
    size_t len, sio_buf_t *trace)
{
    int          rc;
    size_t       done, used;
    uint8_t     *p;
    ws_event_t   ev;

    p = guard_copy(data, len);
    done = 0;

    do {
        memset(&ev, 0xff, sizeof(ws_event_t));

        rc = ws_message_feed(m, lim, p + done, len - done, &used, &ev);
        done += used;

        if (rc == SIO_OK) {
            trace_event(trace, &ev);

        } else if (rc == SIO_ERROR) {
            (void) sio_buf_append(trace, "error(", 6);
            (void) sio_buf_append_uint(trace, ev.close_code);
            (void) sio_buf_append_char(trace, ')');

            if (ev.error == NULL || ev.error[0] == '\0') {
                ok(0, "an error has a text");
            }

        } else if (done != len) {
            ok(0, "all bytes are taken");
        }

    } while (rc == SIO_OK);

    guard_free(p, len);

    return rc;
}


/* The first slice, then slices of step bytes. */

static void
stream_run(const stream_t *s, size_t first, size_t step, sio_buf_t *trace)
{
    int           rc, last;
    size_t        pos, n;
    ws_message_t  m;

    ws_message_init(&m);

    n = first;
    last = SIO_AGAIN;

    for (pos = 0; pos < s->len; pos += n, n = step) {

        if (n > s->len - pos) {
            n = s->len - pos;
        }

        rc = slice_feed(&m, &limits, s->bytes + pos, n, trace);

        if ((last == SIO_ERROR || last == SIO_DONE) && rc != SIO_DONE) {
            ok(0, "nothing is accepted after an error or a close");
        }

        last = rc;
    }

    ws_message_free(&m, &unit_mem);
}


static void
test_cases(void)
{
    size_t         i, n;
    unsigned       wrong;
    stream_t       s;
    sio_mem_t      plain;
    sio_buf_t      trace;
    const case_t  *c;

    plain = unit_mem;
    sio_buf_init(&trace, &plain, 4096);

    for (i = 0; i < NCASES; i++) {
        c = &cases[i];
        script_build(&s, c->script);

        sio_buf_reset(&trace);
        stream_run(&s, s.len, 1, &trace);
        is_str(sio_buf_str(&trace), c->trace, "%s", c->name);

        sio_buf_reset(&trace);
        stream_run(&s, 1, 1, &trace);
        is_str(sio_buf_str(&trace), c->trace, "%s, byte by byte", c->name);

        wrong = 0;

        for (n = 0; n < s.len; n++) {
            sio_buf_reset(&trace);
            stream_run(&s, n, s.len, &trace);
            wrong += !sio_str_eq(sio_buf_str(&trace), sio_cstr(c->trace));

            sio_buf_reset(&trace);
            stream_run(&s, n, 7, &trace);
            wrong += !sio_str_eq(sio_buf_str(&trace), sio_cstr(c->trace));
        }

        is_int(wrong, 0, "%s, cut anywhere, and in sevens", c->name);

        test_truncations(c, &s);
        test_failures(c, &s);
    }

    sio_buf_free(&trace);
}


/* A stream that ends early gives a beginning of the trace, never more. */

static void
test_truncations(const case_t *c, const stream_t *s)
{
    size_t        n;
    unsigned      wrong;
    sio_buf_t     trace;
    ws_message_t  m;

    wrong = 0;
    sio_buf_init(&trace, &unit_mem, 4096);

    for (n = 0; n <= s->len; n++) {
        sio_buf_reset(&trace);
        ws_message_init(&m);
        (void) slice_feed(&m, &limits, s->bytes, n, &trace);

        wrong += trace.len > strlen(c->trace)
                 || (trace.len
                     && memcmp(trace.data, c->trace, trace.len) != 0);

        ws_message_free(&m, &unit_mem);
    }

    sio_buf_free(&trace);
    is_int(wrong, 0, "%s, every truncation", c->name);
}


/* Each allocation fails in turn: 1011 in the place of what needed it. */

static void
test_failures(const case_t *c, const stream_t *s)
{
    int        whole;
    unsigned   n, wrong;
    size_t     len;
    uint8_t    space[4096];
    sio_buf_t  trace;

    /* the trace itself must not allocate */

    sio_buf_init(&trace, &unit_mem, sizeof(space));
    trace.data = space;
    trace.cap = sizeof(space);

    wrong = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_reset(&trace);
        stream_run(s, 3, 3, &trace);

        whole = sio_str_eq(sio_buf_str(&trace), sio_cstr(c->trace));
        len = sizeof("error(1011)") - 1;

        if (whole) {
            wrong += unit_mem_ctx.allocs >= n;
            continue;
        }

        wrong += trace.len < len
                 || memcmp(space + trace.len - len, "error(1011)", len) != 0
                 || strncmp((char *) space, c->trace, trace.len - len) != 0;
    }

    is_int(wrong, 0, "%s, allocations fail in turn", c->name);
}


/* The byte that can't be right is refused, not the frame that holds it. */

static void
test_fail_fast(void)
{
    int           rc;
    size_t        i, n, used;
    stream_t      s;
    ws_event_t    ev;
    ws_message_t  m;

    static const struct {
        const char  *name;
        const char  *script;
        size_t       bad;
        unsigned     code;
    } tests[] = {
        { "a bad byte of a long text", "81 ab\xff" LONG, 8 + 2, 1007 },
        { "an impossible second byte", "81 \xed\xa0" LONG, 8 + 1, 1007 },
        { "in a later fragment", "01 \xf4|00 \x90" "abc", 7 + 6, 1007 },
        { "a text that ends too early", "81 abc\xe2", 6 + 3, 1007 },
        { "an opcode", "8b abc", 0, 1002 },
        { "a message inside a message", "01 a|81 abc", 7 + 5, 1002 },
        { "a continuation of nothing", "80 abc", 5, 1002 }
    };

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        script_build(&s, tests[i].script);
        ws_message_init(&m);

        rc = SIO_AGAIN;

        for (n = 0; n < s.len && rc == SIO_AGAIN; n++) {
            rc = ws_message_feed(&m, &limits, s.bytes + n, 1, &used, &ev);
        }

        is_int(rc, SIO_ERROR, "%s is refused", tests[i].name);
        is_int(n - 1, tests[i].bad, "at once");
        is_int(ev.close_code, tests[i].code, "with its code");

        ws_message_free(&m, &unit_mem);
    }
}


static void
test_views(void)
{
    size_t        used, len;
    uint8_t      *p;
    stream_t      s;
    ws_event_t    ev;
    ws_message_t  m;

    unit_mem_ctx.allocs = 0;
    unit_mem_ctx.fail_at = 0;

    script_build(&s, "81 Hello|89 ping|82 " LONG);
    len = s.len;
    p = guard_copy(s.bytes, len);

    ws_message_init(&m);

    (void) ws_message_feed(&m, &limits, p, len, &used, &ev);
    ok(ev.data == p + 6, "a message is a view into the bytes fed");
    is_int(used, 11, "no byte more is taken");

    (void) ws_message_feed(&m, &limits, p + 11, 6, &used, &ev);

    (void) ws_message_feed(&m, &limits, p + 17, 4, &used, &ev);
    ok(ev.data == p + 17, "the payload that follows it is a view too");

    is_int(ws_message_feed(&m, &limits, p + 21, len - 21, &used, &ev), SIO_OK,
           "a longer one");
    ok(ev.data == p + 29, "likewise");
    is_int(unit_mem_ctx.allocs, 0, "nothing was allocated");

    ws_message_free(&m, &unit_mem);
    guard_free(p, len);
}


static void
test_limits(void)
{
    int           rc;
    size_t        i, n, used;
    stream_t      s;
    ws_event_t    ev;
    ws_message_t  m;
    ws_limits_t   lim;

    static const struct {
        const char  *name;
        const char  *script;
        size_t       bad;      /* the last byte of the header; 0: fine */
    } tests[] = {
        { "the bound itself", "81 0123456789", 0 },
        { "one byte more", "81 0123456789a", 5 },
        { "the bound in fragments", "01 01234|00 |80 56789", 0 },
        { "the bound, then an empty fragment", "01 0123456789|80 ", 0 },
        { "one more in fragments", "01 01234|80 56789a", 6 + 5 + 5 },
        { "a control frame does not count", "01 01234|89 0123456789a|80 56789",
          0 }
    };

    lim = limits;
    lim.max = 10;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        script_build(&s, tests[i].script);
        ws_message_init(&m);

        rc = SIO_AGAIN;

        for (n = 0; n < s.len && rc != SIO_ERROR; n++) {
            rc = ws_message_feed(&m, &lim, s.bytes + n, 1, &used, &ev);
        }

        if (tests[i].bad) {
            is_int(rc, SIO_ERROR, "%s is refused", tests[i].name);
            is_int(n - 1, tests[i].bad, "by the header alone");
            is_int(ev.close_code, WS_CLOSE_BIG, "as too big");

        } else {
            is_int(rc, SIO_OK, "%s", tests[i].name);
            is_mem(ev.data, ev.len, "0123456789", 10, "arrives");
        }

        ws_message_free(&m, &unit_mem);
    }

    lim.max = SIZE_MAX;
    ws_message_init(&m);
    memcpy(s.bytes, "\x02\x81" "abcd" "x"
                    "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff" "abcd" "x", 22);
    is_int(ws_message_feed(&m, &lim, s.bytes, 22, &used, &ev), SIO_AGAIN,
           "the longest frame, without a bound, is awaited");
    ok(m.partial != NULL, "with what came of it kept");
    ws_message_free(&m, &unit_mem);
}


/* What is allocated follows what has arrived, not what a header says. */

static size_t    growth_live, growth_peak, growth_allocs;


static void *
growth_alloc(void *ctx, size_t size)
{
    size_t  *p;

    p = malloc(sizeof(size_t) * 2 + size);
    *p = size;

    growth_allocs++;
    growth_live += size;

    if (growth_live > growth_peak) {
        growth_peak = growth_live;
    }

    return p + 2;
}


static void
growth_free(void *ctx, void *p)
{
    size_t  *q;

    q = p;
    q -= 2;
    growth_live -= *q;

    free(q);
}


static void
test_growth(void)
{
    int           rc;
    size_t        n, used;
    uint8_t       head[14], byte;
    unsigned      wrong;
    sio_mem_t     mem;
    ws_event_t    ev;
    ws_limits_t   lim;
    ws_message_t  m;

    mem.alloc = growth_alloc;
    mem.free = growth_free;
    mem.ctx = NULL;

    lim.mem = &mem;
    lim.max = 1000000;
    lim.rsv_ok = 0;

    /* a final frame of 100,000 bytes, mask 0, a byte at a time */

    ws_message_init(&m);
    memcpy(head, "\x82\xff\0\0\0\0\0\1\x86\xa0\0\0\0\0", 14);
    rc = ws_message_feed(&m, &lim, head, 14, &used, &ev);
    is_int(growth_allocs, 0, "a header allocates nothing");

    wrong = 0;

    for (n = 1; n <= 100000; n++) {
        byte = (uint8_t) (n * 7);
        wrong += rc != SIO_AGAIN;
        rc = ws_message_feed(&m, &lim, &byte, 1, &used, &ev);

        /* while it grows, the old block and the new one of twice the size */

        wrong += growth_peak > 3 * n + 512;
    }

    is_int(wrong, 0, "never more than three times what has arrived");
    is_int(rc, SIO_OK, "a message of 100,000 single bytes");
    ok(growth_allocs < 15, "in %zu allocations", growth_allocs);
    ok(growth_live < 100100, "the last of its very size");

    for (n = 1, wrong = 0; n <= ev.len; n++) {
        wrong += ev.data[n - 1] != (uint8_t) (n * 7);
    }

    is_int(ev.len, 100000, "it is whole");
    is_int(wrong, 0, "and right");

    ws_message_free(&m, &mem);
    is_int(growth_live, 0, "and all is given back");
}


static void
test_idle(void)
{
    size_t        used;
    stream_t      s;
    ws_event_t    ev;
    ws_message_t  m;

    ws_message_init(&m);

    script_build(&s, "01 Hel|80 lo");
    is_int(ws_message_feed(&m, &limits, s.bytes, s.len, &used, &ev), SIO_OK,
           "a fragmented message");
    is_int(unit_mem_ctx.live, 1, "is in a block");
    is_int(ws_message_feed(&m, &limits, NULL, 0, &used, &ev), SIO_AGAIN,
           "nothing more is there");
    is_int(unit_mem_ctx.live, 0, "the block is given back");

    script_build(&s, "89 ping");
    (void) ws_message_feed(&m, &limits, s.bytes, 1, &used, &ev);
    ws_message_init(&m);

    (void) ws_message_feed(&m, &limits, s.bytes, 8, &used, &ev);
    is_int(unit_mem_ctx.live, 1, "half a ping is in a block");
    is_int(ws_message_feed(&m, &limits, s.bytes + 8, 2, &used, &ev), SIO_OK,
           "the other half");
    is_mem(ev.data, ev.len, "ping", 4, "make the whole");
    (void) ws_message_feed(&m, &limits, NULL, 0, &used, &ev);
    is_int(unit_mem_ctx.live, 0, "this block is given back too");

    script_build(&s, "01 a|00 b");
    (void) ws_message_feed(&m, &limits, s.bytes, s.len, &used, &ev);
    is_int(ws_message_feed(&m, &limits, NULL, 0, &used, &ev), SIO_AGAIN,
           "feeding nothing");
    is_int(unit_mem_ctx.live, 1, "keeps the fragments");

    ws_message_free(&m, &unit_mem);
    is_int(unit_mem_ctx.live, 0, "until the connection ends");
    ws_message_free(&m, &unit_mem);
}


static void
test_reserved_bits(void)
{
    int           rc;
    size_t        i, used;
    stream_t      s;
    ws_event_t    ev;
    ws_limits_t   lim;
    ws_message_t  m;

    static const struct {
        const char  *name;
        const char  *script;
        int          rc;
        unsigned     rsv;
    } tests[] = {
        { "a compressed text is no text yet", "c1 \xff\xff", SIO_OK, 4 },
        { "the bit belongs to the message", "41 \xff|80 \xff", SIO_OK, 4 },
        { "an uncompressed text is still allowed", "81 abc", SIO_OK, 0 },
        { "and checked", "81 \xff", SIO_ERROR, 1007 },
        { "the bit on a continuation", "41 a|c0 b", SIO_ERROR, 1002 },
        { "the bit on a ping", "c9 a", SIO_ERROR, 1002 },
        { "another bit", "a1 a", SIO_ERROR, 1002 }
    };

    lim = limits;
    lim.rsv_ok = 4;

    for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        script_build(&s, tests[i].script);
        ws_message_init(&m);

        rc = ws_message_feed(&m, &lim, s.bytes, s.len, &used, &ev);
        is_int(rc, tests[i].rc, "%s", tests[i].name);
        is_int(rc == SIO_OK ? ev.rsv : ev.close_code, tests[i].rsv,
               "as it should be");

        ws_message_free(&m, &unit_mem);
    }
}


/* A configuration may lower the bound under a message that has begun. */

static void
test_limit_lowered(void)
{
    size_t        used;
    uint8_t       payload[400];
    stream_t      s;
    ws_event_t    ev;
    ws_limits_t   lim;
    ws_message_t  m;

    lim = limits;
    lim.max = 1000;
    memset(payload, 'x', sizeof(payload));

    s.len = 0;
    frame_add(&s, WS_OP_BINARY, payload, sizeof(payload));
    frame_add(&s, 0x80 | WS_OP_CONTINUATION, "a", 1);

    ws_message_init(&m);
    (void) ws_message_feed(&m, &lim, s.bytes, 108, &used, &ev);

    lim.max = 10;
    is_int(ws_message_feed(&m, &lim, s.bytes + 108, 300, &used, &ev),
           SIO_AGAIN, "a bound that came down inside a frame lets it end");
    is_int(ws_message_feed(&m, &lim, s.bytes + 408, 7, &used, &ev), SIO_ERROR,
           "but not the message");
    is_int(ev.close_code, WS_CLOSE_BIG, "which is too big now");

    ws_message_free(&m, &unit_mem);
}
