/*
 * Polling payloads: the specification's examples, every truncation, there and
 * back.
 */


#include "unit.h"
#include "codec/eio_payload.h"


static void test_packets(void);
static void test_binary(void);
static void test_errors(void);
static void test_count(void);
static void test_append(void);
static void test_truncated(void);
static void test_bounds(void);
static int first_error(const char *text, size_t len, const char **error);


int
main(void)
{
    unit_plan();

    test_packets();
    test_binary();
    test_errors();
    test_count();
    test_append();
    test_truncated();
    test_bounds();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_packets(void)
{
    uint8_t        *data;
    size_t          len;
    eio_packet_t    pkt;
    eio_payload_t   p;

    static const char  text[] = "4test1\x1e" "4test2\x1e" "4test3\x1e" "2";

    len = sizeof(text) - 1;
    data = guard_copy(text, len);
    eio_payload_init(&p, data, len);

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "the first packet");
    is_int(pkt.type, EIO_MESSAGE, "is a message");
    is_str(pkt.data, "test1", "with its data");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "the second packet");
    is_str(pkt.data, "test2", "with its data");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "the third packet");
    is_str(pkt.data, "test3", "with its data");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "the fourth packet");
    is_int(pkt.type, EIO_PING, "is a ping");
    is_int(pkt.data.len, 0, "without data");
    is_int(eio_payload_next(&p, &pkt), SIO_DONE, "then the end");
    is_int(eio_payload_next(&p, &pkt), SIO_DONE, "and again the end");

    guard_free(data, len);
}


static void
test_binary(void)
{
    uint8_t        *data;
    size_t          len;
    eio_packet_t    pkt;
    eio_payload_t   p;

    static const char  text[] = "4hello\x1e" "bAQIDBA==\x1e" "b\x1e" "bAQID";

    len = sizeof(text) - 1;
    data = guard_copy(text, len);
    eio_payload_init(&p, data, len);

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "text first");
    ok(!pkt.binary, "is text");

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "then base64");
    ok(pkt.binary, "is binary");
    is_int(pkt.type, EIO_MESSAGE, "and a message");
    is_mem(pkt.data.data, pkt.data.len, "\x01\x02\x03\x04", 4, "decoded");

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "a binary message of nothing");
    ok(pkt.binary && pkt.data.len == 0, "is empty");

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "base64 to the last byte");
    is_mem(pkt.data.data, pkt.data.len, "\x01\x02\x03", 3, "decoded");

    is_int(eio_payload_next(&p, &pkt), SIO_DONE, "the end");

    guard_free(data, len);
}


/* The result of the first packet that is not fine. */

static int
first_error(const char *text, size_t len, const char **error)
{
    int             rc;
    uint8_t        *data;
    eio_packet_t    pkt;
    eio_payload_t   p;

    data = guard_copy(text, len);
    eio_payload_init(&p, data, len);

    do {
        rc = eio_payload_next(&p, &pkt);
    } while (rc == SIO_OK);

    if (rc == SIO_ERROR && eio_payload_next(&p, &pkt) != SIO_ERROR) {
        rc = SIO_AGAIN;
    }

    *error = p.error ? p.error : "";

    guard_free(data, len);

    return rc;
}


static void
test_errors(void)
{
    size_t       i;
    const char  *error;

    static const struct {
        sio_str_t    text;
        const char  *error;
    } cases[] = {
        { sio_string(""), "empty packet" },
        { sio_string("\x1e"), "empty packet" },
        { sio_string("\x1e" "4a"), "empty packet" },
        { sio_string("4a\x1e"), "empty packet" },
        { sio_string("4a\x1e\x1e" "4b"), "empty packet" },
        { sio_string("abc"), "unknown packet type" },
        { sio_string("7"), "unknown packet type" },
        { sio_string("4a\x1e" "8"), "unknown packet type" },
        { sio_string("bA"), "invalid base64" },
        { sio_string("b!!!!"), "invalid base64" },
        { sio_string("4a\x1e" "bAQID BA=="), "invalid base64" },
        { sio_string("4\xff"), "invalid UTF-8" },
        { sio_string("4\xc3\x1e" "4\xa9"), "invalid UTF-8" },
        { sio_string("4\xed\xa0\x80"), "invalid UTF-8" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(first_error((const char *) cases[i].text.data,
                           cases[i].text.len, &error),
               SIO_ERROR, "bad payload %zu is refused, and stays so", i);
        is_str(sio_cstr(error), cases[i].error, "because: %s", error);
    }

    is_int(first_error("4\xc3\xa9", 3, &error), SIO_DONE, "UTF-8 is fine");
}


static void
test_count(void)
{
    is_int(eio_payload_count(sio_str(NULL, 0)), 0, "nothing has no packets");
    is_int(eio_payload_count(sio_cstr("4a")), 1, "one packet");
    is_int(eio_payload_count(sio_cstr("4a\x1e" "4b\x1e" "2")), 3, "three");
    is_int(eio_payload_count(sio_cstr("4a\x1e")), 2, "an empty one counts");
    is_int(eio_payload_count(sio_cstr("\x1e\x1e")), 3, "and three of them");
}


static void
test_append(void)
{
    sio_buf_t      buf;
    eio_packet_t   pkt;
    eio_payload_t  p;

    sio_buf_init(&buf, &unit_mem, 1000);

    is_int(eio_payload_append_text(&buf, sio_cstr("4hello")), SIO_OK, "text");
    is_str(sio_buf_str(&buf), "4hello", "the first has no separator");

    is_int(eio_payload_append_binary(&buf, sio_str("\x01\x02\x03\x04", 4)),
           SIO_OK, "bytes");
    is_str(sio_buf_str(&buf), "4hello\x1e" "bAQIDBA==", "are base64");

    is_int(eio_payload_append_binary(&buf, sio_str(NULL, 0)), SIO_OK,
           "no bytes");
    is_int(eio_payload_append_text(&buf, sio_cstr("6")), SIO_OK, "noop");
    is_str(sio_buf_str(&buf), "4hello\x1e" "bAQIDBA==\x1e" "b\x1e" "6",
           "the whole payload");

    is_int(eio_payload_count(sio_buf_str(&buf)), 4, "of four packets");

    eio_payload_init(&p, buf.data, buf.len);

    is_int(eio_payload_next(&p, &pkt), SIO_OK, "back again: text");
    is_str(pkt.data, "hello", "is the same");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "back again: bytes");
    is_mem(pkt.data.data, pkt.data.len, "\x01\x02\x03\x04", 4,
           "are the same");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "back again: no bytes");
    is_int(pkt.data.len, 0, "none");
    is_int(eio_payload_next(&p, &pkt), SIO_OK, "back again: noop");
    is_int(pkt.type, EIO_NOOP, "is the same");
    is_int(eio_payload_next(&p, &pkt), SIO_DONE, "the end");

    sio_buf_free(&buf);
}


static void
test_truncated(void)
{
    size_t       len, fine;
    const char  *error;

    static const char  text[] = "4h\xc3\xa9\x1e" "bAQIDBA==\x1e" "41\x1e" "2";

    fine = 0;

    for (len = 0; len < sizeof(text); len++) {
        fine += first_error(text, len, &error) == SIO_DONE;
    }

    /*
     * 4 4h 4he | b bAQ bAQI bAQID bAQIDB- bAQIDBA bAQIDBA== | 4 41 | 2; not
     * bA, half a character, half a padding, bits beyond the last byte
     */

    ok(fine > 8 && fine < sizeof(text), "truncations end well or badly");
    is_int(first_error(text, 3, &error), SIO_ERROR, "half a character");
    is_int(first_error(text, 5, &error), SIO_ERROR, "a separator at the end");
    is_int(first_error(text, 13, &error), SIO_ERROR, "half a padding");
    is_int(first_error(text, 14, &error), SIO_DONE, "a whole packet");
}


static void
test_bounds(void)
{
    sio_buf_t  buf;
    unsigned   n;

    sio_buf_init(&buf, &unit_mem, 8);

    is_int(eio_payload_append_text(&buf, sio_cstr("4abc")), SIO_OK, "fits");
    is_int(eio_payload_append_text(&buf, sio_cstr("4def")), SIO_DECLINED,
           "not with the separator");
    is_int(eio_payload_append_binary(&buf, sio_cstr("x")), SIO_DECLINED,
           "nor as base64");
    is_str(sio_buf_str(&buf), "4abc", "the payload is as it was");
    is_int(eio_payload_append_text(&buf, sio_cstr("4de")), SIO_OK,
           "to the last byte");
    is_str(sio_buf_str(&buf), "4abc\x1e" "4de", "both");

    sio_buf_free(&buf);

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);

        if (eio_payload_append_binary(&buf, sio_cstr("abc")) != SIO_OK) {
            is_int(buf.len, 0, "allocation %u fails: nothing appended", n);
        }

        sio_buf_free(&buf);
    }
}
