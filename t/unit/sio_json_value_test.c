/*
 * JSON values: strings and their escapes, both ways; numbers; equality.
 */


#include "unit.h"
#include "codec/sio_json.h"


static void test_strings(void);
static void test_string_buffers(void);
static void test_numbers(void);
static void test_long_numbers(void);
static void test_equal(void);
static void test_no_memory(void);


int
main(void)
{
    unit_plan();

    test_strings();
    test_string_buffers();
    test_numbers();
    test_long_numbers();
    test_equal();
    test_no_memory();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_strings(void)
{
    size_t     i, len;
    uint8_t   *p;
    sio_buf_t  buf;

    static const struct {
        const char  *string;
        const char  *bytes;
        size_t       len;
    } strings[] = {
        { "\"\"", "", 0 },
        { "\"plain\"", "plain", 5 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
        { "\"a\\u0041b\"", "aAb", 3 },
        { "\"\\u0000\"", "\0", 1 },
        { "\"\\u007f\\u0080\\u07FF\\u0800\\uffff\"",
          "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11 },
        { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4 },
        { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"",
          "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
        { "\"\\ud83d\"", "\xef\xbf\xbd", 3 },
        { "\"\\ude00x\"", "\xef\xbf\xbdx", 4 },
        { "\"\\ud83dx\"", "\xef\xbf\xbdx", 4 },
        { "\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4 },
        { "\"\\ud83d\\uffff\"", "\xef\xbf\xbd\xef\xbf\xbf", 6 },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A", 4 },
        { "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7 },
        { "\"\xc3\xa9\\u00e9\"", "\xc3\xa9\xc3\xa9", 4 },
    };

    sio_buf_init(&buf, &unit_mem, 100);

    for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        len = strlen(strings[i].string);
        p = guard_copy(strings[i].string, len);
        sio_buf_reset(&buf);

        is_int(sio_json_unescape(&buf, sio_str(p, len)), SIO_OK,
               "%s", strings[i].string);
        is_mem(buf.data, buf.len, strings[i].bytes, strings[i].len,
               "what it means");
        ok(sio_json_raw_eq(sio_str(p + 1, len - 2), sio_buf_str(&buf)),
           "raw text equals it");

        (void) sio_buf_append_char(&buf, '!');
        ok(!sio_json_raw_eq(sio_str(p + 1, len - 2), sio_buf_str(&buf)),
           "but not more");

        guard_free(p, len);
    }

    sio_buf_free(&buf);

    is_int(sio_json_raw_eq(sio_cstr("\\n"), sio_cstr("\\n")), 0,
           "an escape is not its own text");
    is_int(sio_json_raw_eq(sio_cstr("abc"), sio_cstr("abd")), 0, "abc, abd");
    is_int(sio_json_raw_eq(sio_cstr("abc"), sio_cstr("ab")), 0, "abc, ab");
    is_int(sio_json_raw_eq(sio_cstr("ab"), sio_cstr("abc")), 0, "ab, abc");
    is_int(sio_json_raw_eq(sio_str(NULL, 0), sio_str(NULL, 0)), 1, "nothing");
}


static void
test_string_buffers(void)
{
    char       all[256];
    unsigned   i;
    sio_buf_t  buf, back;

    sio_buf_init(&buf, &unit_mem, 1000);
    sio_buf_init(&back, &unit_mem, 1000);

    is_int(sio_json_quote(&buf, sio_cstr("a\"b\\c\b\f\n\r\t\x01\x1f/\x7f"
                                         "\xe2\x80\xa8<")),
           SIO_OK, "bytes are quoted");
    is_str(buf, "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f/\x7f"
                "\xe2\x80\xa8<\"", "with the escapes that are needed");

    sio_buf_reset(&buf);
    is_int(sio_json_escape(&buf, sio_cstr("\"")), SIO_OK, "and without");
    is_str(buf, "\\\"", "quotes around");

    sio_buf_reset(&buf);
    is_int(sio_json_quote(&buf, sio_str(NULL, 0)), SIO_OK, "nothing, quoted");
    is_str(buf, "\"\"", "is an empty string");

    for (i = 0; i < 128; i++) {
        all[i] = i;
    }

    sio_buf_reset(&buf);
    (void) sio_json_quote(&buf, sio_str(all, 128));
    is_int(sio_json_unescape(&back, sio_buf_str(&buf)), SIO_OK,
           "all of ASCII, quoted");
    is_mem(back.data, back.len, all, 128, "and back");

    sio_buf_reset(&back);
    is_int(sio_json_unescape(&back, sio_cstr("1")), SIO_DECLINED,
           "a number is no string");
    is_int(sio_json_unescape(&back, sio_cstr("\"")), SIO_DECLINED,
           "nor is a single quote");

    sio_buf_free(&buf);
    sio_buf_free(&back);

    sio_buf_init(&buf, &unit_mem, 5);
    (void) sio_buf_append_char(&buf, '!');

    is_int(sio_json_quote(&buf, sio_cstr("ab\n")), SIO_DECLINED, "too long");
    is_str(buf, "!", "leaves the buffer as it was");
    is_int(sio_json_escape(&buf, sio_cstr("abc\n")), SIO_DECLINED, "escaped");
    is_str(buf, "!", "leaves it");
    is_int(sio_json_unescape(&buf, sio_cstr("\"abc\\nd\"")), SIO_DECLINED,
           "unescaped");
    is_str(buf, "!", "leaves it");
    is_int(sio_json_unescape(&buf, sio_cstr("\"\\u0061bcd\"")), SIO_OK,
           "what means less than it takes");
    is_str(buf, "!abcd", "has room");

    sio_buf_free(&buf);
}


static void
test_numbers(void)
{
    double     d;
    size_t     i;
    int64_t    n;
    sio_str_t  v;

    static const struct {
        const char  *text;
        int          rc;
        int64_t      n;
    } ints[] = {
        { "0", SIO_OK, 0 },
        { "-0", SIO_OK, 0 },
        { "42", SIO_OK, 42 },
        { "-42", SIO_OK, -42 },
        { "9007199254740993", SIO_OK, 9007199254740993LL },
        { "9223372036854775807", SIO_OK, INT64_MAX },
        { "-9223372036854775808", SIO_OK, INT64_MIN },
        { "9223372036854775808", SIO_DECLINED, 0 },
        { "-9223372036854775809", SIO_DECLINED, 0 },
        { "99999999999999999999", SIO_DECLINED, 0 },
        { "1.0", SIO_DECLINED, 0 },
        { "1e0", SIO_DECLINED, 0 },
        { "-", SIO_DECLINED, 0 },
        { "", SIO_DECLINED, 0 },
        { "\"1\"", SIO_DECLINED, 0 },
    };

    static const char  *doubles[] = {
        "0", "1", "-1", "0.1", "-0.001", "1e5", "1.5E-3", "123.456e+2",
        "100", "10.0", "0.0", "0e9", "1e308", "1.7976931348623157e308",
        "5e-324", "2.2250738585072011e-308", "2.2250738585072014e-308",
        "9007199254740993", "9007199254740993.0000000000000000000000001",
        "0.1e1", "000", "1e-400", "3.14159265358979323846264338327950288",
    };

    for (i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        n = 0;
        is_int(sio_json_int(sio_cstr(ints[i].text), &n), ints[i].rc,
               "as integer: %s", ints[i].text);
        is_int(n, ints[i].n, "its value");
    }

    for (i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        v = sio_cstr(doubles[i]);
        d = -7;
        ok(sio_json_double(v, &d) == SIO_OK && d == strtod(doubles[i], NULL),
           "as double: %s", doubles[i]);
    }

    is_int(sio_json_double(sio_cstr("1e999"), &d), SIO_DECLINED, "1e999");
    is_int(sio_json_double(sio_cstr("-1e99999999999999999999"), &d),
           SIO_DECLINED, "a huge exponent");
    is_int(sio_json_double(sio_cstr("1e-99999999999999999999"), &d), SIO_OK,
           "a huge negative one");
    ok(d == 0, "is zero");
    is_int(sio_json_double(sio_cstr("\"1\""), &d), SIO_DECLINED, "a string");
    is_int(sio_json_double(sio_cstr("-"), &d), SIO_DECLINED, "a minus");
    is_int(sio_json_double(sio_cstr("1e"), &d), SIO_DECLINED, "1e");
    is_int(sio_json_double(sio_cstr("1x"), &d), SIO_DECLINED, "1x");
    is_int(sio_json_double(sio_str(NULL, 0), &d), SIO_DECLINED, "nothing");
}


static void
test_long_numbers(void)
{
    char    text[4096];
    double  d;
    size_t  len;

    /* 2^53 + 1 lies between two doubles: a digit far behind decides */

    len = sprintf(text, "9007199254740993.");
    memset(text + len, '0', 2000);
    text[len + 2000] = '\0';

    ok(sio_json_double(sio_cstr(text), &d) == SIO_OK
       && d == 9007199254740992.0, "a tie goes to the even one");

    text[len + 1999] = '1';

    ok(sio_json_double(sio_cstr(text), &d) == SIO_OK
       && d == 9007199254740994.0, "unless a digit follows, however late");

    memset(text, '0', 3000);
    text[1] = '.';
    sprintf(text + 3000, "125e2999");

    ok(sio_json_double(sio_cstr(text), &d) == SIO_OK && d == 1.25,
       "many zeros and an exponent make up for each other");

    text[0] = '1';
    text[1] = '0';
    sprintf(text + 3000, "e-2999");

    ok(sio_json_double(sio_cstr(text), &d) == SIO_OK && d == 1.0,
       "on this side too");
    is_int(sio_json_eq(sio_cstr(text), sio_cstr("1")), 1, "and equal");
}


static void
test_equal(void)
{
    size_t  i;

    static const struct {
        const char  *a;
        const char  *b;
        int          eq;
    } pairs[] = {
        { "1", "1.0", 1 },              { "1", "1e0", 1 },
        { "100", "1e2", 1 },            { "0.01", "1e-2", 1 },
        { "10.50", "1.05e1", 1 },       { "0", "-0.0e5", 1 },
        { "12.34", "1234e-2", 1 },      { "1", "-1", 0 },
        { "1", "10", 0 },               { "1", "1.00000000000000000001", 0 },
        { "11", "1.10", 0 },            { "12", "1.3e1", 0 },
        { "9007199254740992", "9007199254740993", 0 },
        { "0", "1", 0 },                { "1e400", "10e399", 1 },
        { "\"a\"", "\"\\u0061\"", 1 },  { "\"a\"", "\"b\"", 0 },
        { "\"a\"", "\"ab\"", 0 },       { "\"\"", "\"\"", 1 },
        { "\"\\n\"", "\"\\u000a\"", 1 },
        { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", 1 },
        { "\"\\u00e9x\"", "\"\xc3\xa9x\"", 1 },
        { "\"1\"", "1", 0 },            { "true", "true", 1 },
        { "true", "false", 0 },         { "null", "false", 0 },
        { "null", "null", 1 },          { "[1,2]", "[1,2]", 1 },
        { "[1,2]", "[1, 2]", 0 },       { "{\"a\":1}", "{\"a\":1}", 1 },
        { "[]", "{}", 0 },
    };

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        is_int(sio_json_eq(sio_cstr(pairs[i].a), sio_cstr(pairs[i].b)),
               pairs[i].eq, "%s, %s", pairs[i].a, pairs[i].b);
        is_int(sio_json_eq(sio_cstr(pairs[i].b), sio_cstr(pairs[i].a)),
               pairs[i].eq, "and the other way");
    }
}


static void
test_no_memory(void)
{
    int        rc;
    unsigned   n;
    sio_buf_t  buf;

    static const char  text[] =
        "\"\\ta text of more than the smallest allocation, so that the buffer"
        " has to grow at least once: \\n \\u00e9 \\ud83d\\ude00 and so on\"";

    rc = SIO_ERROR;
    sio_buf_init(&buf, &unit_mem, 1000);

    for (n = 1; unit_mem_fail(n); n++) {
        rc = sio_json_unescape(&buf, sio_cstr(text));

        if (rc == SIO_OK) {
            sio_buf_reset(&buf);
            rc = sio_json_quote(&buf, sio_cstr(text));
        }

        if (rc == SIO_NOMEM) {
            is_int(buf.len, 0, "without allocation %u: nothing appended", n);
        }

        sio_buf_free(&buf);
    }

    is_int(rc, SIO_OK, "with all of them it is done");
    ok(n > 3, "allocations were made to fail");
}
