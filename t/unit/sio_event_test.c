/*
 * Events cut into name and arguments, and put together.
 */


#include "unit.h"
#include "codec/sio_event.h"


static void test_parse(void);
static void test_args(void);
static void test_encode(void);
static void test_failures(void);


int
main(void)
{
    unit_plan();

    test_parse();
    test_args();
    test_encode();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_parse(void)
{
    size_t        i, len;
    uint8_t      *p;
    unsigned      n;
    sio_str_t     value;
    sio_event_t   event;

    static const struct {
        const char  *data;
        const char  *name;
        const char  *args;
        unsigned     nargs;
    } cases[] = {
        { "[\"a\"]", "\"a\"", "", 0 },
        { "[7]", "7", "", 0 },
        { "[-1.5e3,2]", "-1.5e3", "2", 1 },
        { "[\"a\",1]", "\"a\"", "1", 1 },
        { "[ \"a\" , 1 , [ 2 , 3 ] ]", "\"a\"", "1 , [ 2 , 3 ]", 2 },
        { "[\n\"a\"\n]", "\"a\"", "", 0 },
        { "[\"a\",\"b,c\",{\"d\":\"]\"},[[],\"}\"]]", "\"a\"",
          "\"b,c\",{\"d\":\"]\"},[[],\"}\"]", 3 },
        { "[\"a\\\",\\\\\",\"b\\\"\"]", "\"a\\\",\\\\\"", "\"b\\\"\"", 1 },
        { "[\"\",\"\",null,true,false]", "\"\"", "\"\",null,true,false", 4 },
        { "[\"message\",1,\"2\",{\"3\":[true]}]", "\"message\"",
          "1,\"2\",{\"3\":[true]}", 3 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].data);
        p = guard_copy(cases[i].data, len);

        sio_event_parse(sio_str(p, len), &event);

        is_str(event.name, cases[i].name, "name of %s", cases[i].data);
        is_str(event.args, cases[i].args, "its arguments");

        for (n = 0; sio_event_arg(&event, n, &value) == SIO_OK; n++) {
            /* void */
        }

        is_int(n, cases[i].nargs, "how many");

        guard_free(p, len);
    }
}


static void
test_args(void)
{
    sio_str_t    list, value;
    sio_event_t  event;

    sio_event_parse(sio_cstr("[\"x\",1, \"2,\" ,{\"3\":[true]},null ]"),
                    &event);

    is_int(sio_event_arg(&event, 0, &value), SIO_OK, "argument 0");
    is_str(value, "1", "is the number");
    is_int(sio_event_arg(&event, 1, &value), SIO_OK, "argument 1");
    is_str(value, "\"2,\"", "is the string, without white space");
    is_int(sio_event_arg(&event, 2, &value), SIO_OK, "argument 2");
    is_str(value, "{\"3\":[true]}", "is the object");
    is_int(sio_event_arg(&event, 3, &value), SIO_OK, "argument 3");
    is_str(value, "null", "is null");
    is_int(sio_event_arg(&event, 4, &value), SIO_DECLINED, "there is no 4");
    is_int(sio_event_arg(&event, UINT32_MAX, &value), SIO_DECLINED,
           "nor the last of all numbers");

    sio_event_parse(sio_cstr("[\"x\"]"), &event);
    is_int(sio_event_arg(&event, 0, &value), SIO_DECLINED, "without any");

    list = sio_event_args(sio_cstr("[ 1 , [2] ]"));
    is_str(list, "1 , [2]", "the values of an ack");
    is_int(sio_event_shift(&list, &value), SIO_OK, "the first");
    is_str(value, "1", "is cut off");
    is_str(list, "[2]", "the rest stays");
    is_int(sio_event_shift(&list, &value), SIO_OK, "the second");
    is_str(value, "[2]", "is cut off");
    is_int(sio_event_shift(&list, &value), SIO_DONE, "nothing is left");
    is_int(sio_event_shift(&list, &value), SIO_DONE, "and stays so");

    list = sio_event_args(sio_cstr("[]"));
    is_int(list.len, 0, "an empty array");
    is_int(sio_event_shift(&list, &value), SIO_DONE, "has no values");
}


static void
test_encode(void)
{
    sio_buf_t    buf, name;
    sio_event_t  event;

    sio_buf_init(&buf, &unit_mem, 1000);
    sio_buf_init(&name, &unit_mem, 1000);

    is_int(sio_event_encode(&buf, sio_cstr("hello"), sio_str(NULL, 0)),
           SIO_OK, "without arguments");
    is_str(sio_buf_str(&buf), "[\"hello\"]", "there is no comma");

    sio_buf_reset(&buf);
    is_int(sio_event_encode(&buf, sio_cstr("a\"\\\n\xc3\xa9"),
                            sio_cstr("1,{\"b\":2}")),
           SIO_OK, "a name that needs escapes");
    is_str(sio_buf_str(&buf), "[\"a\\\"\\\\\\n\xc3\xa9\",1,{\"b\":2}]",
           "has them; arguments are verbatim");

    sio_event_parse(sio_buf_str(&buf), &event);
    is_int(sio_json_unescape(&name, event.name), SIO_OK, "back again");
    is_str(sio_buf_str(&name), "a\"\\\n\xc3\xa9", "is the same name");
    is_str(event.args, "1,{\"b\":2}", "and the same arguments");

    sio_buf_free(&buf);
    sio_buf_free(&name);
}


static void
test_failures(void)
{
    size_t     max, declined;
    unsigned   n;
    sio_buf_t  buf;

    /* ["hello",1,2] is 13 bytes */

    declined = 0;

    for (max = 1; max < 14; max++) {
        sio_buf_init(&buf, &unit_mem, max);
        (void) sio_buf_append_char(&buf, 'x');

        declined += sio_event_encode(&buf, sio_cstr("hello"), sio_cstr("1,2"))
                    == SIO_DECLINED
                    && buf.len == 1;

        sio_buf_free(&buf);
    }

    is_int(declined, 13, "too little room declines, and changes nothing");

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 1000);

        if (sio_event_encode(&buf, sio_cstr("hello"), sio_cstr("1,2"))
            != SIO_OK)
        {
            is_int(buf.len, 0, "allocation %u fails", n);
        }

        sio_buf_free(&buf);
    }
}
