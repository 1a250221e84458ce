/*
 * JSON: what is accepted and what is refused, and where; placeholders;
 * slices; nothing is read behind the slice.
 */


#include "unit.h"
#include "codec/sio_json.h"


static const sio_json_limits_t  limits = { 8, 100 };


static void test_accepted(void);
static void test_refused(void);
static void test_every_byte(void);
static void test_truncated(void);
static void test_limits(void);
static void test_words(void);
static void test_placeholders(void);
static void test_iterators(void);
static void test_lookup(void);
static void test_garbage(void);


int
main(void)
{
    unit_plan();

    test_accepted();
    test_refused();
    test_every_byte();
    test_truncated();
    test_limits();
    test_words();
    test_placeholders();
    test_iterators();
    test_lookup();
    test_garbage();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


/* Validates a copy that ends at a guard page. */

static int
validate(const char *text, size_t len, sio_json_info_t *info)
{
    int        rc;
    uint8_t   *p;
    sio_str_t  value;

    p = guard_copy(text, len);

    rc = sio_json_validate(sio_str(p, len), &limits, info, &value);

    if (rc == SIO_OK
        && (value.len == 0 || value.data < p
            || value.data + value.len > p + len
            || strchr(" \t\r\n", value.data[0])
            || strchr(" \t\r\n", value.data[value.len - 1])))
    {
        rc = SIO_DONE;
    }

    guard_free(p, len);

    return rc;
}


static void
test_accepted(void)
{
    size_t           i;
    sio_str_t        value;
    sio_json_info_t  info;

    static const char  *texts[] = {
        "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.0",
        "1e5", "1E5", "1e+5", "1e-05", "0e0", "0.1e1", "1e999", "-1e-999",
        "123456789012345678901234567890", "\"\"", "\"a\"", "[]", "{}",
        "[[]]", "[{}]", "{\"\":{}}", " [ ] ", "\t{\n}\r ", "[1,2]",
        "[ 1 , 2 ]", "{\"a\":1,\"b\":2}", "{ \"a\" : 1 , \"b\" : [ ] }",
        "{\"a\":1,\"a\":2}", "[null,true,false,0,\"\",[],{}]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uABCD\\uabcd\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\\ud800\"",
        "\"\x7f\"", "\"\xc2\x80\"", "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"",
        "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xe2\x80\xa8\"",
        "\"\xef\xbb\xbf\"", "\"'\"", "\"/\"", "[[[[[[[[]]]]]]]]",
        "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80 text\"}",
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_int(validate(texts[i], strlen(texts[i]), &info), SIO_OK,
               "valid %zu", i);
    }

    is_int(sio_json_validate(sio_cstr(" \r\n\t[ 1 ]\t\n "), &limits, &info,
                             &value),
           SIO_OK, "white space around");
    is_str(value, "[ 1 ]", "is no part of the value");

    is_int(sio_json_validate(sio_cstr(" 1 "), &limits, &info, NULL), SIO_OK,
           "the value need not be asked for");

    is_int(sio_json_validate(sio_cstr("[{\"a\":[{}]},{\"b\":0,\"c\":0}]"),
                             &limits, &info, NULL),
           SIO_OK, "a text with members");
    is_int(info.depth, 4, "its depth");
    is_int(info.keys, 3, "its members");
    is_int(info.placeholders, 0, "no placeholder");
}


static void
test_refused(void)
{
    size_t           i;
    sio_json_info_t  info;

    static const struct {
        const char  *text;
        size_t       offset;
    } texts[] = {
        { "", 0 },               { " ", 1 },             { "nul", 3 },
        { "nulL", 3 },           { "True", 0 },          { "tru e", 3 },
        { "nullx", 4 },          { "NaN", 0 },           { "Infinity", 0 },
        { "-Infinity", 1 },      { "-", 1 },             { "+1", 0 },
        { "01", 1 },             { "-01", 2 },           { "1.", 2 },
        { ".5", 0 },             { "1.e5", 2 },          { "1e", 2 },
        { "1e+", 3 },            { "1e5.0", 3 },         { "0x10", 1 },
        { "1_000", 1 },          { "1 2", 2 },           { "- 1", 1 },
        { "--1", 1 },            { "1eE2", 2 },          { "'a'", 0 },
        { "[", 1 },              { "]", 0 },             { "[1", 2 },
        { "[1,", 3 },            { "[1,]", 3 },          { "[,1]", 1 },
        { "[1 2]", 3 },          { "[1}", 2 },           { "[1,,2]", 3 },
        { "[]]", 2 },            { "[1]x", 3 },          { "[1:2]", 2 },
        { "{", 1 },              { "}", 0 },             { "{]", 1 },
        { "{\"a\"}", 4 },        { "{\"a\":}", 5 },      { "{\"a\":1", 6 },
        { "{\"a\":1,}", 7 },     { "{,}", 1 },           { "{a:1}", 1 },
        { "{1:1}", 1 },          { "{\"a\" 1}", 5 },     { "{\"a\",1}", 4 },
        { "{\"a\"::1}", 5 },     { "{\"a\":1]", 6 },     { "{null:1}", 1 },
        { "{\"a\":1 \"b\":2}", 7 },                      { "{{}:1}", 1 },
        { "\"", 1 },             { "\"a", 2 },           { "\"\\\"", 3 },
        { "\"\\", 2 },           { "\"\\x\"", 2 },       { "\"\\'\"", 2 },
        { "\"\\u\"", 3 },        { "\"\\u12\"", 5 },     { "\"\\u123", 6 },
        { "\"\\u123g\"", 6 },    { "\"\\U0041\"", 2 },   { "\"\\0\"", 2 },
        { "\"\n\"", 1 },         { "\"a\tb\"", 2 },      { "\"\x1f\"", 1 },
        { "\"\x80\"", 1 },       { "\"\xbf\"", 1 },      { "\"\xc0\xaf\"", 1 },
        { "\"\xc1\xbf\"", 1 },   { "\"\xc2\"", 1 },      { "\"\xc2\x41\"", 1 },
        { "\"\xe0\x9f\xbf\"", 1 },                   { "\"\xe2\x82\"", 1 },
        { "\"\xed\xa0\x80\"", 1 },                   { "\"\xe2\x82", 1 },
        { "\"\xf0\x8f\xbf\xbf\"", 1 },               { "\"\xf0\x9f\x98", 1 },
        { "\"\xf4\x90\x80\x80\"", 1 },               { "\"\xfe\"", 1 },
        { "\"\xf5\x80\x80\x80\"", 1 },               { "\"\xff\"", 1 },
        { "\"ab\xc3\xa9\xc3\"", 5 },                 { "\xc3\xa9", 0 },
        { "\xef\xbb\xbf[]", 0 },                     { "[\xc2\xa0]", 1 },
        { "//x\n1", 0 },         { "[1]/**/", 3 },       { "\v1", 0 },
        { "1\f", 1 },            { "{\"a\":1}{}", 7 },   { "undefined", 0 },
        { "[\"a\"\"b\"]", 4 },   { "[\"a\",\n\"b", 8 },  { "true,", 4 },
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_int(validate(texts[i].text, strlen(texts[i].text), &info),
               SIO_ERROR, "refused %zu", i);
        is_int(info.offset, texts[i].offset, "where: %s",
               info.error ? info.error : "(no reason)");
    }

    is_int(validate("1\0", 2, &info), SIO_ERROR, "a NUL byte behind a value");
    is_int(validate("\"\0\"", 3, &info), SIO_ERROR, "a NUL byte in a string");
    is_int(validate("\0", 1, &info), SIO_ERROR, "a NUL byte alone");
    is_int(sio_json_validate(sio_str(NULL, 0), &limits, &info, NULL),
           SIO_ERROR, "no text at all");
}


/* Each byte where a value, a gap and a string's inside are due. */

static void
test_every_byte(void)
{
    char             text[3];
    unsigned         ch, value, gap, string;
    sio_json_info_t  info;

    value = gap = string = 0;

    for (ch = 0; ch < 256; ch++) {
        text[0] = ch;
        value += (validate(text, 1, &info) == SIO_OK);

        text[0] = '1';
        text[1] = ch;
        gap += (validate(text, 2, &info) == SIO_OK);

        text[0] = '"';
        text[2] = '"';
        string += (validate(text, 3, &info) == SIO_OK);
    }

    is_int(value, 10, "ten bytes are a value: the digits");
    is_int(gap, 14, "fourteen may follow a digit: digits and white space");
    is_int(string, 128 - 32 - 2, "ASCII without controls, quote, backslash");
}


static void
test_truncated(void)
{
    size_t           len;
    unsigned         wrong, utf8;
    sio_json_info_t  info;

    static const char  text[] =
        "{\"name\":\"a long plain text \\u00e9\\n \xc3\xa9 \xf0\x9f\x98\x80\","
        "\"list\":[1,-2.5e+3,true,false,null,{\"_placeholder\":true}],"
        "\"nested\":{\"a\":[[]]}}";

    wrong = 0;
    utf8 = 0;

    for (len = 0; len < sizeof(text) - 1; len++) {
        if (validate(text, len, &info) != SIO_ERROR) {
            wrong++;

        } else if (info.offset != len) {
            utf8++;
        }
    }

    is_int(wrong, 0, "every truncation is refused");
    is_int(utf8, 4, "at its end, or at the character that it cuts");
    is_int(validate(text, len, &info), SIO_OK, "the whole is valid");
}


static void
test_limits(void)
{
    char               text[600];
    sio_json_info_t    info;
    sio_json_limits_t  l;

    is_int(validate("[[[[[[[[0]]]]]]]]", 17, &info), SIO_OK,
           "as deep as may be");
    is_int(info.depth, 8, "is counted");
    is_int(validate("[[[[[[[[[0]]]]]]]]]", 19, &info), SIO_ERROR, "deeper");
    is_int(info.offset, 8, "is refused at the bracket");
    is_int(validate("[[],[[],{}],{\"a\":[]}]", 21, &info), SIO_OK,
           "many, but not inside each other");
    is_int(info.depth, 3, "are not deep");

    l.max_depth = 0;
    l.max_keys = 0;

    is_int(sio_json_validate(sio_cstr("1"), &l, &info, NULL), SIO_OK,
           "no depth is needed for a scalar");
    is_int(sio_json_validate(sio_cstr("[]"), &l, &info, NULL), SIO_ERROR,
           "but for an array");

    l.max_depth = 1;

    is_int(sio_json_validate(sio_cstr("{}"), &l, &info, NULL), SIO_OK,
           "no member is needed for an empty object");
    is_int(sio_json_validate(sio_cstr("{\"a\":1}"), &l, &info, NULL),
           SIO_ERROR, "but for another");
    is_int(info.offset, 1, "refused at the name");

    l.max_keys = 2;

    is_int(sio_json_validate(sio_cstr("{\"a\":1,\"a\":1}"), &l, &info, NULL),
           SIO_OK, "as many members as may be");
    is_int(sio_json_validate(sio_cstr("{\"a\":1,\"a\":1,\"a\":1}"), &l, &info,
                             NULL),
           SIO_ERROR, "one more");

    l.max_depth = 1000000;

    memset(text, '[', 300);
    memset(text + 300, ']', 300);

    is_int(sio_json_validate(sio_str(text + 172, 256), &l, &info, NULL),
           SIO_OK, "the greatest depth");
    is_int(sio_json_validate(sio_str(text + 171, 258), &l, &info, NULL),
           SIO_ERROR, "has a bound of its own");
    is_int(info.offset, SIO_JSON_DEPTH_MAX, "whatever the limits say");
}


/* Strings are scanned by words: each byte that ends a run, at each place. */

static void
test_words(void)
{
    char             text[64];
    size_t           len, at, i;
    unsigned         wrong;
    sio_json_info_t  info;

    static const uint8_t  special[] = { '"', '\\', 0x1f, 0x00, 0x80, 0xff };

    wrong = 0;

    for (len = 1; len < 40; len++) {
        for (at = 0; at < len; at++) {
            for (i = 0; i < sizeof(special); i++) {
                memset(text, '!', sizeof(text));
                text[0] = '"';
                text[len + 1] = '"';
                text[at + 1] = special[i];

                wrong += (validate(text, len + 2, &info) != SIO_ERROR);

                if (special[i] == '"') {
                    wrong += (info.offset != at + 2);

                } else if (special[i] == '\\') {
                    wrong += (at + 1 < len && info.offset != at + 2);

                } else {
                    wrong += (info.offset != at + 1);
                }
            }
        }

        memset(text, 0x7f, sizeof(text));
        text[0] = '"';
        text[len + 1] = '"';
        wrong += (validate(text, len + 2, &info) != SIO_OK);
    }

    is_int(wrong, 0, "no special byte is missed");
}


static void
test_placeholders(void)
{
    size_t           i;
    sio_json_info_t  info;

    static const struct {
        const char  *text;
        unsigned     placeholders;
        uint64_t     nums;
        unsigned     bad;
    } cases[] = {
        { "{\"_placeholder\":true,\"num\":0}", 1, 1, 0 },
        { "{\"num\":3,\"_placeholder\":true}", 1, 8, 0 },
        { "{ \"_placeholder\" : true , \"num\" : 1 , \"x\" : 0 }", 1, 2, 0 },
        { "{\"_placeholder\":true,\"num\":63}", 1, 1ULL << 63, 0 },
        { "[{\"_placeholder\":true,\"num\":0},"
          "{\"_placeholder\":true,\"num\":1}]", 2, 3, 0 },
        { "[{\"_placeholder\":true,\"num\":1},"
          "{\"_placeholder\":true,\"num\":1}]", 2, 2, 0 },
        { "{\"\\u005fplaceholder\":true,\"num\":0}", 1, 1, 0 },
        { "{\"_\\u0070l\\u0061ceholder\":true,\"\\u006eum\":2}", 1, 4, 0 },
        { "{\"_placeholder\":false,\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":1,\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":\"true\",\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":null,\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":[true],\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":{\"true\":true},\"num\":0}", 0, 0, 0 },
        { "{\"placeholder\":true,\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder \":true,\"num\":0}", 0, 0, 0 },
        { "{\"_Placeholder\":true,\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\\u0000\":true,\"num\":0}", 0, 0, 0 },
        { "{\"_placehold\\\\r\":true,\"num\":0}", 0, 0, 0 },
        { "[\"_placeholder\",true,\"num\",0]", 0, 0, 0 },
        { "{\"a\":\"_placeholder\",\"num\":true}", 0, 0, 0 },
        { "{\"_placeholder\":true}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":64}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":100}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":-1}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":-0}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":0.0}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":1e0}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":\"0\"}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":\"\"}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":null}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":[0]}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":{\"num\":0}}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"x\":{\"num\":0}}", 1, 0, 1 },
        { "{\"num\":0,\"x\":{\"_placeholder\":true}}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"_placeholder\":false,\"num\":0}",
          0, 0, 0 },
        { "{\"_placeholder\":false,\"num\":0,\"\\u005fplaceholder\":true}",
          1, 1, 0 },
        { "{\"_placeholder\":true,\"_placeholder\":{},\"num\":0}", 0, 0, 0 },
        { "{\"_placeholder\":true,\"num\":0,\"num\":1}", 1, 2, 0 },
        { "{\"_placeholder\":true,\"num\":0,\"num\":\"1\"}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":0,\"n\\u0075m\":[]}", 1, 0, 1 },
        { "{\"_placeholder\":true,\"num\":0,"
          "\"x\":{\"_placeholder\":true,\"num\":4}}", 2, 17, 0 },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(validate(cases[i].text, strlen(cases[i].text), &info), SIO_OK,
               "%s", cases[i].text);
        is_int(info.placeholders, cases[i].placeholders, "placeholders");
        ok(info.placeholder_nums == cases[i].nums, "their numbers");
        is_int(info.bad_placeholder, cases[i].bad, "a bad one");
    }
}


static void
test_iterators(void)
{
    uint8_t          *p;
    unsigned          n;
    sio_str_t         key, v;
    sio_json_iter_t   it;

    static const char  array[] =
        "[ 1 ,\"a,]\\\"\",[2,[3]], {\"x\":\"}\"} ,null ]";
    static const char  object[] =
        "{ \"a\" : 1 ,\"b\\\"\":[\"}\"],\"\":{},\"a\":-2.5e3}";
    static const char  *elements[] = {
        "1", "\"a,]\\\"\"", "[2,[3]]", "{\"x\":\"}\"}", "null"
    };
    static const char  *members[][2] = {
        { "a", "1" }, { "b\\\"", "[\"}\"]" }, { "", "{}" }, { "a", "-2.5e3" }
    };

    p = guard_copy(array, sizeof(array) - 1);
    sio_json_array_iter(&it, sio_str(p, sizeof(array) - 1));

    for (n = 0; sio_json_array_next(&it, &v) == SIO_OK && n < 5; n++) {
        is_str(v, elements[n], "element %u", n);
    }

    is_int(n, 5, "all elements");
    is_int(sio_json_array_next(&it, &v), SIO_DONE, "the end stays the end");

    it.pos = p + 1;
    it.end = p + sizeof(array) - 2;

    for (n = 0; sio_json_array_next(&it, &v) == SIO_OK; n++) { /* void */ }

    is_int(n, 5, "the same without brackets");

    sio_json_object_iter(&it, sio_str(p, sizeof(array) - 1));
    is_int(sio_json_object_next(&it, &key, &v), SIO_DONE,
           "an array has no members");

    guard_free(p, sizeof(array) - 1);

    p = guard_copy(object, sizeof(object) - 1);
    sio_json_object_iter(&it, sio_str(p, sizeof(object) - 1));

    for (n = 0; sio_json_object_next(&it, &key, &v) == SIO_OK && n < 4; n++) {
        is_str(key, members[n][0], "key %u", n);
        is_str(v, members[n][1], "member %u", n);
    }

    is_int(n, 4, "all members");
    is_int(sio_json_object_next(&it, &key, &v), SIO_DONE, "and the end");

    sio_json_array_iter(&it, sio_str(p, sizeof(object) - 1));
    is_int(sio_json_array_next(&it, &v), SIO_DONE, "an object, no elements");

    guard_free(p, sizeof(object) - 1);

    sio_json_array_iter(&it, sio_cstr("[ ]"));
    is_int(sio_json_array_next(&it, &v), SIO_DONE, "an empty array");
    sio_json_object_iter(&it, sio_cstr("{ }"));
    is_int(sio_json_object_next(&it, &key, &v), SIO_DONE, "an empty object");
    sio_json_array_iter(&it, sio_str(NULL, 0));
    is_int(sio_json_array_next(&it, &v), SIO_DONE, "nothing");
}


static void
test_lookup(void)
{
    sio_str_t  text, v;

    static const sio_json_step_t  steps[] = {
        { SIO_JSON_MEMBER, sio_string("a"), 0 },
        { SIO_JSON_INDEX, sio_null_string, 1 },
        { SIO_JSON_MEMBER, sio_string("\xc3\xa9\""), 0 },
        { SIO_JSON_EACH, sio_null_string, 0 },
    };

    text = sio_cstr("{\"a\":[9],\"b\":1,\"\\u0061\":"
                    "[0,{\"\\u00e9\\\"\":[\"deep\"]}]}");

    is_int(sio_json_lookup(text, steps, 0, &v), SIO_OK, "no step");
    ok(sio_str_eq(v, text), "is the value itself");
    is_int(sio_json_lookup(text, steps, 3, &v), SIO_OK, "three steps");
    is_str(v, "[\"deep\"]", "by the last of two members of a name");
    is_int(sio_json_lookup(text, steps, 4, &v), SIO_DECLINED,
           "all elements are no single value");
    is_int(sio_json_lookup(text, steps + 1, 1, &v), SIO_DECLINED,
           "an index into an object");
    is_int(sio_json_lookup(sio_cstr("[1]"), steps + 1, 1, &v), SIO_DECLINED,
           "an index beyond the end");
    is_int(sio_json_lookup(sio_cstr("\"a\""), steps, 1, &v), SIO_DECLINED,
           "a member of a string");

    is_int(sio_json_member(text, sio_cstr("c"), &v), SIO_DECLINED,
           "no such member");
    is_int(sio_json_member(sio_cstr("{\"\":7}"), sio_str(NULL, 0), &v),
           SIO_OK, "the empty name");
    is_str(v, "7", "is a name");
    is_int(sio_json_element(sio_cstr("[1,2]"), 0, &v), SIO_OK, "the first");
    is_str(v, "1", "element");
    is_int(sio_json_element(sio_cstr("[]"), 0, &v), SIO_DECLINED,
           "of an empty array");

    is_int(sio_json_compact(sio_cstr("{\"a b\":[1,\" \\\" \"]}")), 1,
           "white space in strings is text");
    is_int(sio_json_compact(sio_cstr("[1, 2]")), 0, "elsewhere it is not");
    is_int(sio_json_compact(sio_str(NULL, 0)), 1, "nothing is compact");

    is_int(sio_json_type(sio_cstr("-1")), SIO_JSON_NUMBER, "type: number");
    is_int(sio_json_type(sio_cstr("\"\"")), SIO_JSON_STRING, "string");
    is_int(sio_json_type(sio_cstr("true")), SIO_JSON_TRUE, "true");
    is_int(sio_json_type(sio_cstr("false")), SIO_JSON_FALSE, "false");
    is_int(sio_json_type(sio_cstr("null")), SIO_JSON_NULL, "null");
    is_int(sio_json_type(sio_cstr("[]")), SIO_JSON_ARRAY, "array");
    is_int(sio_json_type(sio_cstr("{}")), SIO_JSON_OBJECT, "object");
    is_int(sio_json_type(sio_str(NULL, 0)), SIO_JSON_NONE, "none");
}


/* Unvalidated text gives slices of no meaning, and ends. */

static void
test_garbage(void)
{
    double           d;
    size_t           i, len;
    int64_t          n;
    uint8_t         *p;
    unsigned         steps, wrong;
    sio_buf_t        buf;
    sio_str_t        text, key, v;
    sio_json_iter_t  it;

    static const char  *texts[] = {
        "[", "[[", "[,,,,", "[}", "[\"", "[\"\\", "[1 2 3", "[1}2]", "[:::",
        "{", "{\"", "{\"\\", "{\"\\\"", "{\"a", "{\"a\"", "{\"a\":",
        "{\"a\",", "{\"a\"\"b\"", "{{", "{]", "{\"a\"}", "{\"a\":}}",
        "\"", "\"\\", "\"\\u", "\"\\ud83d\\u", "\\", "-", "1e", "[1,\"\\",
        "{\"a\":[1,{\"b\":\"\\", "\"\\\"", "\"\\ud83d\\\"",
    };

    wrong = 0;
    sio_buf_init(&buf, &unit_mem, 100);

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        len = strlen(texts[i]);
        p = guard_copy(texts[i], len);
        text = sio_str(p, len);

        sio_json_array_iter(&it, text);

        for (steps = 0; sio_json_array_next(&it, &v) == SIO_OK; steps++) {
            wrong += (v.data < p || v.data + v.len > p + len || steps > len);
        }

        sio_json_object_iter(&it, text);

        for (steps = 0;
             sio_json_object_next(&it, &key, &v) == SIO_OK;
             steps++)
        {
            wrong += (v.data < p || v.data + v.len > p + len || steps > len);
            wrong += (key.data < p || key.data + key.len > p + len);
            wrong += sio_json_raw_eq(key, sio_cstr("nothing like it"));
        }

        (void) sio_json_member(text, sio_cstr("b"), &v);
        (void) sio_json_compact(text);
        (void) sio_json_int(text, &n);
        (void) sio_json_double(text, &d);
        (void) sio_json_eq(text, sio_cstr("\"x\""));
        (void) sio_json_raw_eq(text, sio_str(NULL, 0));

        sio_buf_reset(&buf);
        (void) sio_json_unescape(&buf, text);

        guard_free(p, len);
    }

    sio_buf_free(&buf);

    is_int(wrong, 0, "every slice lies in the text");
}
