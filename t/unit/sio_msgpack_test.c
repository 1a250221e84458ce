/*
 * MessagePack: single values, and JSON to and fro.
 */


#include "unit.h"
#include "codec/sio_msgpack.h"


static const char *
hex(const uint8_t *p, size_t len)
{
    size_t       i;
    static char  text[8192];

    for (i = 0; i < len && i < sizeof(text) / 2 - 1; i++) {
        snprintf(text + 2 * i, 3, "%02x", p[i]);
    }

    text[2 * i] = '\0';

    return text;
}


static size_t
bytes(const char *text, uint8_t *dst)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(text + 2 * n, "%2x", &byte) == 1; n++) {
        dst[n] = (uint8_t) byte;
    }

    return n;
}


/* The JSON of a message, which must be read to its end. */

static void
test_to_json(void)
{
    size_t         i, len;
    uint8_t        data[512], *p;
    sio_buf_t      buf;
    sio_binary_t   to;
    sio_msgpack_t  m;

    static const struct {
        const char  *hex;
        const char  *json;
        unsigned     attachments;
    } cases[] = {
        { "c0", "null", 0 },
        { "c2", "false", 0 },
        { "c3", "true", 0 },
        { "00", "0", 0 },
        { "7f", "127", 0 },
        { "ff", "-1", 0 },
        { "e0", "-32", 0 },
        { "ccff", "255", 0 },
        { "cd012c", "300", 0 },
        { "ceffffffff", "4294967295", 0 },
        { "cf001fffffffffffff", "9007199254740991", 0 },
        { "cfffffffffffffffff", "18446744073709551616", 0 },
        { "d080", "-128", 0 },
        { "d001", "1", 0 },
        { "d18000", "-32768", 0 },
        { "d280000000", "-2147483648", 0 },
        { "d3ffe0000000000001", "-9007199254740991", 0 },
        { "d38000000000000000", "-9223372036854775808", 0 },
        { "ca3fc00000", "1.5", 0 },
        { "cb3ff8000000000000", "1.5", 0 },
        { "cb3fb999999999999a", "0.1", 0 },
        { "cb8000000000000000", "0", 0 },
        { "cb7ff8000000000000", "null", 0 },
        { "cb7ff0000000000000", "null", 0 },
        { "cb7e37e43c8800759c", "1e+300", 0 },
        { "a0", "\"\"", 0 },
        { "a9c3a9e282acf09f9880", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
          0 },
        { "a3220a5c", "\"\\\"\\n\\\\\"", 0 },
        { "d90161", "\"a\"", 0 },
        { "da000161", "\"a\"", 0 },
        { "db0000000161", "\"a\"", 0 },
        { "c403010203", "{\"_placeholder\":true,\"num\":0}", 1 },
        { "92c40101c40102", "[{\"_placeholder\":true,\"num\":0},"
          "{\"_placeholder\":true,\"num\":1}]", 2 },
        { "90", "[]", 0 },
        { "9301c0a16b", "[1,null,\"k\"]", 0 },
        { "dc00020102", "[1,2]", 0 },
        { "dd000000020102", "[1,2]", 0 },
        { "80", "{}", 0 },
        { "81a16192c3c0", "{\"a\":[true,null]}", 0 },
        { "de0001a16101", "{\"a\":1}", 0 },
        { "df00000001a16101", "{\"a\":1}", 0 },
        { "810102", "{\"1\":2}", 0 },
        { "81ff02", "{\"-1\":2}", 0 },
        { "d40000", "null", 0 },
        { "c70305010203", "null", 0 },
        { "d6ff6553f100", "\"2023-11-14T22:13:20.000Z\"", 0 },
        { "d7ff1d5353006553f100", "\"2023-11-14T22:13:20.123Z\"", 0 },
        { "c70cff00000000ffffffffffffffff", "\"1969-12-31T23:59:59.000Z\"",
          0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = bytes(cases[i].hex, data);
        p = guard_copy(data, len);

        m.pos = p;
        m.end = p + len;
        to.n = 0;

        sio_buf_init(&buf, &unit_mem, 1000);

        is_int(sio_msgpack_to_json(&m, &buf, &to), SIO_OK, "%s",
               cases[i].hex);
        is_str(sio_buf_str(&buf), cases[i].json, "%s: the text",
               cases[i].hex);
        is_int(to.n, cases[i].attachments, "%s: attachments", cases[i].hex);
        is_int(m.end - m.pos, 0, "%s: all of it", cases[i].hex);

        sio_buf_free(&buf);
        guard_free(p, len);
    }
}


/* What is no MessagePack, every cut of what is, and what would do harm. */

static void
test_wrong(void)
{
    size_t         i, len, cut;
    uint8_t        data[512], *p;
    sio_buf_t      buf;
    sio_binary_t   to;
    sio_msgpack_t  m;

    static const char *const  wrong[] = {
        "c1", "", "91", "81", "8101", "d9", "d905aa",
        "c4", "c405", "c7", "c702", "dcffff01", "ddffffffff01",
        "dfffffffff0102", "a1ff", "a2c0af", "81c001", "8190c0",
        "81ac5f706c616365686f6c646572c3"
    };

    static const char *const  whole[] = {
        "93a635345066395883a47479706502a46461746195a26576cb3ff80000000000"
        "00d7ff1d5353006553f100cd012cc403010203a36e7370a12f83a5726f6f6d73"
        "91a178a665786365707490a5666c61677380"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        len = bytes(wrong[i], data);
        p = guard_copy(data, len);
        m.pos = p;
        m.end = p + len;
        to.n = 0;

        sio_buf_init(&buf, &unit_mem, 1000);
        is_int(sio_msgpack_to_json(&m, &buf, &to), SIO_ERROR, "no: %s",
               wrong[i]);
        sio_buf_free(&buf);
        guard_free(p, len);
    }

    len = bytes(whole[0], data);

    for (cut = 0; cut < len; cut++) {
        p = guard_copy(data, cut);
        m.pos = p;
        m.end = p + cut;

        if (sio_msgpack_skip(&m, NULL) != SIO_ERROR || m.pos != p) {
            ok(0, "cut at %d", (int) cut);
        }

        guard_free(p, cut);
    }

    m.pos = data;
    m.end = data + len;
    is_int(sio_msgpack_skip(&m, NULL), SIO_OK, "whole");
    is_int(m.end - m.pos, 0, "and passed over");
}


static void
test_deep(void)
{
    uint8_t        data[70];
    sio_buf_t      buf;
    sio_binary_t   to;
    sio_msgpack_t  m;

    memset(data, 0x91, sizeof(data));
    data[SIO_MSGPACK_DEPTH] = 0x01;

    m.pos = data;
    m.end = data + sizeof(data);
    to.n = 0;

    sio_buf_init(&buf, &unit_mem, 1000);
    is_int(sio_msgpack_to_json(&m, &buf, &to), SIO_OK, "as deep as may be");

    data[SIO_MSGPACK_DEPTH] = 0x91;
    data[SIO_MSGPACK_DEPTH + 1] = 0x01;
    m.pos = data;
    is_int(sio_msgpack_to_json(&m, &buf, &to), SIO_ERROR, "deeper");

    memset(data, 0xc4, sizeof(data));
    data[0] = 0x9b;

    for (to.n = 0; to.n < 11; to.n++) {
        data[1 + 2 * to.n] = 0xc4;
        data[2 + 2 * to.n] = 0x00;
    }

    to.n = 0;
    m.pos = data;
    is_int(sio_msgpack_to_json(&m, &buf, &to), SIO_DECLINED,
           "more attachments than a packet has");

    sio_buf_free(&buf);
}


static void
test_from_json(void)
{
    size_t        i;
    sio_buf_t     buf;
    sio_binary_t  from;

    static const struct {
        const char  *json;
        const char  *hex;
    } cases[] = {
        { "null", "c0" },
        { "true", "c3" },
        { "0", "00" },
        { "127", "7f" },
        { "128", "cc80" },
        { "300", "cd012c" },
        { "65536", "ce00010000" },
        { "4294967296", "cf0000000100000000" },
        { "-1", "ff" },
        { "-33", "d0df" },
        { "-129", "d1ff7f" },
        { "-32769", "d2ffff7fff" },
        { "-2147483649", "d3ffffffff7fffffff" },
        { "1.5", "cb3ff8000000000000" },
        { "1.0", "01" },
        { "1e2", "64" },
        { "1e400", "c0" },
        { "9007199254740993", "cb4340000000000000" },
        { "\"\"", "a0" },
        { "\"k\"", "a16b" },
        { "\"\\u0041\\n\"", "a2410a" },
        { "\"0123456789\\u00410123456789012345678\"",
          "d91e303132333435363738394130313233343536373839303132333435363738" },
        { "[]", "90" },
        { "[1,[2]]", "92019102" },
        { "{\"a\":[true,null]}", "81a16192c3c0" },
        { "{\"\\u0061\":1}", "81a16101" },
        { "{\"_placeholder\":true,\"num\":0}", "c403010203" },
        { "[{\"_placeholder\":true,\"num\":1}]", "91c400" }
    };

    from.n = 2;
    from.item[0] = sio_str("\x01\x02\x03", 3);
    from.item[1] = sio_str("", 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sio_buf_init(&buf, &unit_mem, 1000);
        is_int(sio_msgpack_from_json(&buf, sio_cstr(cases[i].json), &from),
               SIO_OK, "%s", cases[i].json);
        is_str(sio_cstr(hex(buf.data, buf.len)), cases[i].hex, "%s: bytes",
               cases[i].json);
        sio_buf_free(&buf);
    }

    sio_buf_init(&buf, &unit_mem, 1000);
    is_int(sio_msgpack_from_json(&buf,
                            sio_cstr("{\"_placeholder\":true,\"num\":2}"),
                            &from), SIO_ERROR, "no such attachment");
    sio_buf_free(&buf);
}


/* Strings and blobs around every change of their head's length. */

static void
test_lengths(void)
{
    size_t               i, len;
    uint8_t             *text;
    sio_buf_t            buf;
    sio_msgpack_t        m;
    sio_msgpack_value_t  v;

    static const size_t  lengths[] = { 31, 32, 255, 256, 65535, 65536 };

    text = malloc(65536);
    memset(text, 'x', 65536);

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        len = lengths[i];
        sio_buf_init(&buf, &unit_mem, 1000000);

        (void) sio_msgpack_put_str(&buf, sio_str(text, len));
        (void) sio_msgpack_put_bin(&buf, sio_str(text, len));
        (void) sio_msgpack_put_array(&buf, (uint32_t) len);

        m.pos = buf.data;
        m.end = buf.data + buf.len;

        is_int(sio_msgpack_next(&m, &v), SIO_OK, "str of %d", (int) len);
        is_int(v.type == SIO_MSGPACK_STR && v.bytes.len == len, 1, "is one");
        is_int(sio_msgpack_next(&m, &v), SIO_OK, "bin of %d", (int) len);
        is_int(v.type == SIO_MSGPACK_BIN && v.bytes.len == len, 1, "is one");
        is_int(sio_msgpack_next(&m, &v), SIO_ERROR,
               "an array of %d without members", (int) len);

        sio_buf_free(&buf);
    }

    free(text);
}


static void
test_failures(void)
{
    int            n;
    sio_buf_t      buf;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);

        if (sio_msgpack_from_json(&buf, sio_cstr("[1,{\"a\":\"\\n\"}]"), NULL)
            != SIO_OK)
        {
            ok(1, "allocation %d failed", n);
        }

        sio_buf_free(&buf);
    }

    sio_buf_init(&buf, &unit_mem, 4);
    is_int(sio_msgpack_from_json(&buf, sio_cstr("\"abcdef\""), NULL),
           SIO_DECLINED, "the buffer's bound");
    sio_buf_free(&buf);
}


int
main(void)
{
    unit_plan();

    test_to_json();
    test_wrong();
    test_deep();
    test_from_json();
    test_lengths();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}
