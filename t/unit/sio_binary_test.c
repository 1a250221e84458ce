/*
 * Attachments: collecting, and renumbering of placeholders.
 */


#include "unit.h"
#include "codec/sio_binary.h"


#define PH(n)  "{\"_placeholder\":true,\"num\":" #n "}"


static void test_collect(void);
static void test_collect_bounds(void);
static void test_collect_failures(void);
static void test_placeholder(void);
static void test_renumber(void);
static void test_renumber_onto(void);
static void test_renumber_bounds(void);
static void test_renumber_truncated(void);
static void from_init(sio_binary_t *from, unsigned n);


static const sio_str_t  packet =
    sio_string("52-[\"a\"," PH(0) "," PH(1) "]");


int
main(void)
{
    unit_plan();

    test_collect();
    test_collect_bounds();
    test_collect_failures();
    test_placeholder();
    test_renumber();
    test_renumber_onto();
    test_renumber_bounds();
    test_renumber_truncated();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_collect(void)
{
    uint8_t               bytes[3] = { 1, 2, 3 };
    sio_binary_pending_t  p;

    is_int(sio_binary_begin(&p, &unit_mem, packet, 2), SIO_OK, "begun");
    ok(p.text_len == packet.len && p.text != packet.data
       && memcmp(p.text, packet.data, packet.len) == 0, "the text is kept");

    is_int(sio_binary_add(&p, sio_str(bytes, 3), 100), SIO_AGAIN,
           "one attachment of two");
    is_int(p.got.n, 1, "is there");

    bytes[0] = 9;

    is_int(sio_binary_add(&p, sio_str(NULL, 0), 100), SIO_OK,
           "an empty one completes it");
    is_int(p.got.n, 2, "two");
    is_mem(p.got.item[0].data, p.got.item[0].len, "\x01\x02\x03", 3,
           "the first was copied");
    is_int(p.got.item[1].len, 0, "the second is empty");
    is_int(p.bytes, 3, "three bytes in all");

    is_int(sio_binary_add(&p, sio_str(bytes, 3), 100), SIO_DECLINED,
           "a third is not due");

    sio_binary_free(&p);
    sio_binary_free(&p);
    ok(p.text == NULL && p.got.n == 0, "freed, also twice");
}


static void
test_collect_bounds(void)
{
    unsigned              i;
    sio_binary_pending_t  p;

    (void) sio_binary_begin(&p, &unit_mem, sio_str(NULL, 0), 3);

    is_int(sio_binary_add(&p, sio_cstr("12345678901"), 10), SIO_DECLINED,
           "a byte too many");
    is_int(sio_binary_add(&p, sio_cstr("123456"), 10), SIO_AGAIN, "six of ten");
    is_int(sio_binary_add(&p, sio_cstr("12345"), 10), SIO_DECLINED,
           "the sum is bounded");
    is_int(sio_binary_add(&p, sio_cstr("1"), 5), SIO_DECLINED,
           "a lower bound does not wrap");
    is_int(sio_binary_add(&p, sio_cstr("1234"), 10), SIO_AGAIN, "ten of ten");
    is_int(sio_binary_add(&p, sio_cstr(""), 10), SIO_OK, "nothing still fits");

    sio_binary_free(&p);

    (void) sio_binary_begin(&p, &unit_mem, packet, SIO_ATTACHMENTS);

    for (i = 1; i < SIO_ATTACHMENTS; i++) {
        (void) sio_binary_add(&p, sio_cstr("x"), 100);
    }

    is_int(sio_binary_add(&p, sio_cstr("x"), 100), SIO_OK, "the tenth of ten");
    is_int(sio_binary_add(&p, sio_cstr("x"), 100), SIO_DECLINED,
           "there is no eleventh");

    sio_binary_free(&p);
}


static void
test_collect_failures(void)
{
    int                   rc;
    unsigned              n, failed;
    sio_binary_pending_t  p;

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        rc = sio_binary_begin(&p, &unit_mem, packet, 2);

        if (rc == SIO_OK) {
            rc = sio_binary_add(&p, sio_cstr("a"), 100);
        }

        if (rc == SIO_AGAIN) {
            rc = sio_binary_add(&p, sio_cstr("b"), 100);
        }

        failed += rc == SIO_NOMEM;

        sio_binary_free(&p);
        is_int(unit_mem_ctx.live, 0, "nothing is left after failure %u", n);
    }

    is_int(failed, 3, "each of three allocations failed");
}


static void
test_placeholder(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        int          num;
    } cases[] = {
        { PH(0), 0 },
        { PH(9), 9 },
        { "{\"num\":3,\"_placeholder\":true}", 3 },
        { "{ \"num\" : 3 , \"x\" : {} , \"_placeholder\" : true }", 3 },
        { "{\"\\u005fplaceholder\":true,\"n\\u0075m\":4}", 4 },
        { "{\"_placeholder\":true,\"num\":1,\"num\":2}", 2 },
        { "{\"_placeholder\":false,\"_placeholder\":true,\"num\":1}", 1 },
        { "{\"_placeholder\":true,\"_placeholder\":false,\"num\":1}", -1 },
        { "{\"_placeholder\":true}", -1 },
        { "{\"_placeholder\":true,\"num\":-1}", -1 },
        { "{\"_placeholder\":true,\"num\":10}", -1 },
        { "{\"_placeholder\":true,\"num\":99999999999999999999}", -1 },
        { "{\"_placeholder\":true,\"num\":\"0\"}", -1 },
        { "{\"_placeholder\":1,\"num\":0}", -1 },
        { "{\"x\":" PH(0) "}", -1 },
        { "[" PH(0) "]", -1 },
        { "{}", -1 },
        { "null", -1 },
        { "\"_placeholder\"", -1 },
        { "", -1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(sio_binary_placeholder(sio_cstr(cases[i].text)), cases[i].num,
               "placeholder of %s", cases[i].text);
    }
}


static void
from_init(sio_binary_t *from, unsigned n)
{
    static const char  bytes[] = "abcdefghijkl";

    for (from->n = 0; from->n < n; from->n++) {
        from->item[from->n] = sio_str(bytes + from->n, 1);
    }
}


static void
test_renumber(void)
{
    size_t         i, len;
    uint8_t       *p;
    sio_buf_t      buf;
    sio_binary_t   from, to;

    static const struct {
        const char  *text;
        unsigned     n;          /* attachments of the source */
        const char  *expected;
        const char  *taken;
    } cases[] = {
        { "1", 2, "1", "" },
        { "[]", 2, "[]", "" },
        { " [ 1 , {} , [ ] ] ", 2, " [ 1 , {} , [ ] ] ", "" },
        { PH(1), 2, PH(0), "b" },
        { " " PH(1) " ", 2, " " PH(0) " ", "b" },
        { "[" PH(1) "," PH(0) "]", 2, "[" PH(0) "," PH(1) "]", "ba" },
        { "[" PH(1) "," PH(1) "," PH(0) "]", 2,
          "[" PH(0) "," PH(0) "," PH(1) "]", "ba" },
        { "{\"a\":{\"b\":[1," PH(3) "]},\"c\":" PH(2) "}", 4,
          "{\"a\":{\"b\":[1," PH(0) "]},\"c\":" PH(1) "}", "dc" },
        { "[{\"num\":3 , \"_placeholder\" :true }]", 4, "[" PH(0) "]", "d" },
        { "[{\"\\u005fplaceholder\":true,\"n\\u0075m\":3}]", 4,
          "[" PH(0) "]", "d" },
        { "[{\"_placeholder\":false,\"num\":3}]", 4,
          "[{\"_placeholder\":false,\"num\":3}]", "" },
        { "[{\"num\":[{\"_placeholder\":true,\"num\":2}]}]", 4,
          "[{\"num\":[" PH(0) "]}]", "c" },
        { "[\"{\\\"_placeholder\\\":true,\\\"num\\\":1}\"," PH(1) "]", 2,
          "[\"{\\\"_placeholder\\\":true,\\\"num\\\":1}\"," PH(0) "]", "b" },
        { "[" PH(0) ",{\"x\":" PH(3) ",\"_placeholder\":true,\"num\":1}]", 4,
          "[" PH(0) "," PH(1) "]", "ab" },
        { "[{\"_placeholder\":true,\"num\":3,\"num\":2}]", 4,
          "[" PH(0) "]", "c" },
        { "[" PH(0) "]", 0, "[" PH(0) "]", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].text);
        p = guard_copy(cases[i].text, len);

        from_init(&from, cases[i].n);
        to.n = 0;
        sio_buf_init(&buf, &unit_mem, 1000);

        is_int(sio_binary_renumber(&buf, sio_str(p, len), &from, &to), SIO_OK,
               "renumbered: %s", cases[i].text);
        is_str(sio_buf_str(&buf), cases[i].expected, "as expected");
        is_int(to.n, strlen(cases[i].taken), "attachments taken");

        for (len = 0; len < to.n; len++) {
            is_mem(to.item[len].data, to.item[len].len,
                   cases[i].taken + len, 1, "attachment %zu", len);
        }

        sio_buf_free(&buf);
        guard_free(p, strlen(cases[i].text));
    }
}


/* A template takes values one after another. */

static void
test_renumber_onto(void)
{
    sio_buf_t     buf;
    sio_binary_t  from, to;

    from_init(&from, 3);
    to.n = 0;
    sio_buf_init(&buf, &unit_mem, 1000);

    (void) sio_binary_renumber(&buf, sio_cstr(PH(2)), &from, &to);
    (void) sio_buf_append_char(&buf, ',');
    (void) sio_binary_renumber(&buf, sio_cstr("[" PH(0) "]"), &from, &to);
    (void) sio_buf_append_char(&buf, ',');
    (void) sio_binary_renumber(&buf, sio_cstr(PH(2)), &from, &to);

    is_str(sio_buf_str(&buf), PH(0) ",[" PH(1) "]," PH(0),
           "an attachment keeps the number it has");
    is_int(to.n, 2, "and travels once");

    sio_buf_free(&buf);
}


static void
test_renumber_bounds(void)
{
    size_t        max, declined;
    unsigned      i, n;
    sio_buf_t     buf;
    sio_binary_t  from, to;

    static const sio_str_t  text = sio_string("[1," PH(1) "]");

    from_init(&from, 2);
    sio_buf_init(&buf, &unit_mem, 1000);

    for (to.n = 0; to.n < SIO_ATTACHMENTS - 1; to.n++) {
        to.item[to.n] = sio_cstr("");
    }

    (void) sio_buf_append_char(&buf, 'x');

    is_int(sio_binary_renumber(&buf, sio_cstr("[" PH(0) "," PH(1) "]"), &from,
                               &to),
           SIO_DECLINED, "two attachments do not fit beside nine");
    is_int(to.n, SIO_ATTACHMENTS - 1, "none was taken");
    is_str(sio_buf_str(&buf), "x", "nothing was appended");

    is_int(sio_binary_renumber(&buf, text, &from, &to), SIO_OK, "one does");
    is_str(sio_buf_str(&buf), "x[1," PH(9) "]", "as the tenth");

    to.n = 0;
    is_int(sio_binary_renumber(&buf, sio_cstr(PH(2)), &from, &to),
           SIO_DECLINED, "an attachment that is not there");
    is_int(sio_binary_renumber(&buf, sio_cstr("{\"_placeholder\":true}"),
                               &from, &to),
           SIO_DECLINED, "a placeholder without a number");

    sio_buf_free(&buf);

    declined = 0;

    for (max = 1; max <= text.len; max++) {
        sio_buf_init(&buf, &unit_mem, max);
        (void) sio_buf_append_char(&buf, 'x');
        to.n = 0;

        declined += sio_binary_renumber(&buf, text, &from, &to)
                    == SIO_DECLINED
                    && buf.len == 1 && to.n == 0;

        sio_buf_free(&buf);
    }

    is_int(declined, text.len, "too little room changes nothing");

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);
        to.n = 0;

        if (sio_binary_renumber(&buf, text, &from, &to) != SIO_OK) {
            ok(buf.len == 0 && to.n == 0, "allocation %u fails", n);
        }

        sio_buf_free(&buf);
    }

    for (i = 0; i < to.n; i++) {
        is_mem(to.item[i].data, to.item[i].len, "b", 1, "the bytes are b");
    }
}


/* No text that was validated, but nothing may be read beyond it. */

static void
test_renumber_truncated(void)
{
    size_t        len;
    uint8_t      *p;
    sio_buf_t     buf;
    sio_binary_t  from, to;

    static const char  text[] =
        "{\"a\\\"\":[1 ,\"\\\\\"," PH(1) "],\"b\":{\"num\":1,"
        "\"_placeholder\": true } }";

    from_init(&from, 2);

    for (len = 0; len < sizeof(text); len++) {
        p = guard_copy(text, len);
        sio_buf_init(&buf, &unit_mem, 1000);
        to.n = 0;

        (void) sio_binary_renumber(&buf, sio_str(p, len), &from, &to);
        (void) sio_binary_placeholder(sio_str(p, len));

        sio_buf_free(&buf);
        guard_free(p, len);
    }

    ok(1, "every truncation ends within its bytes");
}
