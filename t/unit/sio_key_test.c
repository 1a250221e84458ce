/*
 * Files of API keys line by line, what is wrong in them, what keys allow, and
 * signatures.
 */


#include "unit.h"
#include "logic/sio_key.h"


#define HEX  "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"


static const char *
wrong(const char *text)
{
    int               rc;
    size_t            len;
    uint8_t          *p;
    sio_key_t         key;
    sio_key_reader_t  reader;

    len = strlen(text);
    p = guard_copy(text, len);

    sio_key_reader_init(&reader, sio_str(p, len));

    do {
        rc = sio_key_read(&reader, &key);
    } while (rc == SIO_OK);

    guard_free(p, len);

    return rc == SIO_ERROR ? reader.error : "";
}


static void
test_lines(void)
{
    sio_key_t         key;
    sio_key_reader_t  reader;

    sio_key_reader_init(&reader, sio_cstr(
        "\n# a key\n one \r\n\ttwo  name=b namespace=/,/x-* signed\n"
        "three event=a,b:* call=emit"));

    is_int(sio_key_read(&reader, &key), SIO_OK, "a key");
    is_str(key.secret, "one", "without white space");
    is_int(reader.line, 3, "its line");
    is_int(key.name.len + key.namespaces.len + key.signed_, 0, "nothing else");

    is_int(sio_key_read(&reader, &key), SIO_OK, "another");
    is_str(key.secret, "two", "the second");
    is_str(key.name, "b", "its name");
    is_str(key.namespaces, "/,/x-*", "its namespaces");
    is_int(key.signed_, 1, "it signs");

    is_int(sio_key_read(&reader, &key), SIO_OK, "the last one");
    is_str(key.events, "a,b:*", "its events");
    is_str(key.calls, "emit", "its calls");
    is_int(key.signed_, 0, "it does not sign");
    is_int(sio_key_read(&reader, &key), SIO_DONE, "no more");

    is_str(sio_cstr(wrong("")), "", "nothing is no error");
    is_str(sio_cstr(wrong("a\nb what\n")),
           "behind a key stand name=, namespace=, event=, call= and signed",
           "what?");
    is_str(sio_cstr(wrong("a name=x name=y")), "a parameter is given twice",
           "twice");
    is_str(sio_cstr(wrong("a event=x,")), "an item of a list is empty",
           "an empty end");
    is_str(sio_cstr(wrong("a namespace=x")), "a namespace begins with a slash",
           "no namespace");
    is_str(sio_cstr(wrong("a\x80")), "invalid character in a key", "a byte");
}


static void
test_allows(void)
{
    ok(sio_key_allows(sio_str(NULL, 0), sio_cstr("x")), "no list: all");
    ok(sio_key_allows(sio_cstr("a,b*"), sio_cstr("a")), "the first");
    ok(sio_key_allows(sio_cstr("a,b*"), sio_cstr("b:c")), "a glob");
    ok(!sio_key_allows(sio_cstr("a,b*"), sio_cstr("ab")), "neither");
    ok(!sio_key_allows(sio_cstr("a"), sio_cstr("")), "the empty name");
    ok(sio_key_allows(sio_cstr("*"), sio_cstr("")), "everything");
}


static int
parse(const char *text, sio_signature_t *s)
{
    int       rc;
    size_t    len;
    uint8_t  *p;

    len = strlen(text);
    p = guard_copy(text, len);
    rc = sio_signature_parse(sio_str(p, len), s);
    guard_free(p, len);

    return rc;
}


static void
test_signature(void)
{
    size_t           i, good;
    sio_signature_t  s;
    char             text[80];

    static const char  *bad[] = {
        "", "t", "t=", "t=5", "t=5,", "t=5,v1=", "v1=" HEX ",t=5",
        "t=5,v2=" HEX, "t=5x,v1=" HEX, "t=5,v1=" HEX "0", "t=5,v1=" HEX ",",
        "t=1234567890123,v1=" HEX, "t=5.1234567890,v1=" HEX, "t=.5,v1=" HEX,
        "t=5.x,v1=" HEX, "t=5,v1=" HEX ",v1=" HEX ",v1=" HEX ",v1=" HEX
        ",v1=" HEX, "t=5,v1=x0" HEX
    };

    is_int(parse("t=1795255200.25,v1=" HEX ",v1=" HEX, &s), SIO_OK, "two");
    is_int(s.n, 2, "so many");
    is_int(s.seconds, 1795255200, "the seconds");
    is_int(s.mac[1][1], 0x11, "a byte");
    is_int(s.mac[0][16], 0xff, "in upper case");

    for (i = 0, good = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        good += (parse(bad[i], &s) == SIO_OK);
    }

    is_int(good, 0, "all others are refused");

    for (i = 0, good = 0; i < sizeof("t=5,v1=" HEX) - 1; i++) {
        memcpy(text, "t=5,v1=" HEX, i);
        text[i] = '\0';
        good += (parse(text, &s) == SIO_OK);
    }

    is_int(good, 0, "and so is every truncation");

    for (i = 7, good = 0; i < 71; i++) {
        memcpy(text, "t=5,v1=" HEX, 72);
        text[i] = (i & 1) ? 'g' : '\x10';
        good += (parse(text, &s) == SIO_OK);
    }

    is_int(good, 0, "and what is not hexadecimal");
}


int
main(void)
{
    unit_plan();

    test_lines();
    test_allows();
    test_signature();

    return unit_done();
}
