/*
 * Answers to forwarded events.
 */


#include "unit.h"
#include "codec/sio_answer.h"


static void test_all(void);
static void test_few(void);
static void test_refused(void);
static void test_error(void);
static void test_failures(void);


static const sio_json_limits_t  limits = { 32, 100000 };


int
main(void)
{
    unit_plan();

    test_all();
    test_few();
    test_refused();
    test_error();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static int
parse(sio_answer_body_t *body, const char *text)
{
    return sio_answer_parse(body, sio_cstr(text), &limits);
}


static void
test_all(void)
{
    sio_answer_t       *a;
    sio_answer_body_t   body;

    sio_answer_init(&body, &unit_mem, sio_cstr("/chat"));

    is_int(parse(&body, "{\"ack\":[null,{\"a\":1}],\"join\":[\"r\\u0031\",2],"
                 "\"leave\":\"x\",\"set\":{\"n\":1},\"disconnect\":true,"
                 "\"emit\":[{\"event\":\"e\",\"to\":\"r\",\"data\":1},"
                 "{\"event\":\"f\",\"namespace\":\"/\"}]}"),
           SIO_OK, "an answer with all there is");

    a = &body.answer;
    is_int(a->acks, 1, "it acks");
    is_str(a->ack, "null,{\"a\":1}", "with these arguments");
    is_int(a->njoin, 2, "two rooms to join");
    is_str(a->join[0], "r1", "one is unescaped");
    is_str(a->join[1], "2", "one was a number");
    is_int(a->nleave, 1, "one room to leave");
    is_str(a->leave[0], "x", "this one");
    is_str(a->set, "{\"n\":1}", "values to be stored");
    is_int(a->disconnect, 1, "and the end");
    is_int(body.emit.nemits, 2, "two emits");
    is_str(body.emit.emits[0].nsp, "/chat", "one where the event came from");
    is_str(body.emit.emits[1].nsp, "/", "one elsewhere");

    is_int(parse(&body, "{\"error\":{\"code\":\"no\",\"message\":\"n\\u006f\","
                 "\"more\":[1]}}"), SIO_OK, "an answer that refuses");
    is_str(a->error, "{\"code\":\"no\",\"message\":\"n\\u006f\",\"more\":[1]}",
           "its object is kept as it is");
    is_str(a->code, "no", "the code");
    is_str(a->message, "no", "the message is unescaped");
    is_int(a->acks + a->njoin + body.emit.nemits, 0,
           "nothing of the answer before is left");

    sio_answer_free(&body);
}


static void
test_few(void)
{
    size_t             i;
    sio_answer_body_t  body;

    static const char  *few[] = {
        "{}", " { } ", "{\"emit\":[]}", "{\"ack\":[]}", "{\"join\":[]}",
        "{\"error\":{}}", "{\"set\":{}}", "{\"disconnect\":false}",
        "{\"emit\":{\"event\":\"e\"}}"
    };

    sio_answer_init(&body, &unit_mem, sio_cstr("/"));

    for (i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
        is_int(parse(&body, few[i]), SIO_OK, "%s", few[i]);
    }

    sio_answer_free(&body);
}


static void
test_refused(void)
{
    size_t             i;
    char               got[256];
    sio_answer_body_t  body;

    static const struct {
        const char  *text;
        const char  *error;
    } refused[] = {
        { "", " unexpected end of text" },
        { "[]", " must not be empty" },
        { "[{}]", " must be an object" },
        { "1", " must be an object or an array" },
        { "{\"acks\":[]}", "acks is unknown" },
        { "{\"ack\":[],\"ack\":[]}", "ack is given twice" },
        { "{\"ack\":{}}", "ack must be an array" },
        { "{\"ack\":[{\"_placeholder\":true,\"num\":0}]}",
          "ack has a placeholder" },
        { "{\"set\":{\"a\":{\"_placeholder\":true,\"num\":0}}}",
          "set may be beside no placeholder" },
        { "{\"error\":{\"a\":{\"_placeholder\":true,\"num\":0}}}",
          "error may be beside no placeholder" },
        { "{\"error\":1}", "error must be an object" },
        { "{\"error\":{\"code\":1}}",
          "error has a code or a message that is no string" },
        { "{\"error\":{\"code\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
          "error has a code that is too long" },
        { "{\"error\":{},\"ack\":[]}", "error excludes \"ack\"" },
        { "{\"join\":\"user:7\"}", "join is the room of a user or a socket" },
        { "{\"join\":[\"a\",\"AAAAAAAAAAAAAAAAAAAA\"]}",
          "join[1] is the room of a user or a socket" },
        { "{\"leave\":\"user:7\"}",
          "leave is the room of a user or a socket" },
        { "{\"join\":\"\"}", "join must not be empty" },
        { "{\"set\":[]}", "set must be an object" },
        { "{\"disconnect\":1}", "disconnect must be true or false" },
        { "{\"emit\":1}", "emit must be an object or an array" },
        { "{\"emit\":{}}", "emit.event is missing" },
        { "{\"emit\":[{\"event\":\"e\"},{\"event\":1}]}",
          "emit[1].event must be a string" },
        { "{\"emit\":{\"event\":\"connect\"}}",
          "emit.event is a reserved name" },
        { "{\"emit\":{\"event\":\"e\",\"ack\":5}}",
          "emit.ack is only for POST emit" },
        { "{\"emit\":[{\"event\":\"e\",\"target\":\"t\"}]}",
          "emit[0].target is only for POST emit" }
    };

    sio_answer_init(&body, &unit_mem, sio_cstr("/"));

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        is_int(parse(&body, refused[i].text), SIO_ERROR, "%s",
               refused[i].text);
        (void) snprintf(got, sizeof(got), "%s %s", body.path,
                        body.read.error);
        is_str(sio_cstr(got), refused[i].error, "and why");
    }

    sio_answer_free(&body);
}


static void
test_error(void)
{
    size_t             i;
    sio_answer_body_t  body;

    static const char  *none[] = {
        "", "<html>", "[]", "\"no\"", "{", "{\"code\":1}",
        "{\"a\":{\"_placeholder\":true,\"num\":0}}"
    };

    sio_answer_init(&body, &unit_mem, sio_cstr("/"));

    is_int(sio_answer_error(&body, sio_cstr(" {\"code\":\"a\\u0062\","
                            "\"message\":\"c\",\"x\":1} "), &limits),
           SIO_OK, "a body that says why");
    is_str(body.answer.error, "{\"code\":\"a\\u0062\",\"message\":\"c\","
           "\"x\":1}", "the object");
    is_str(body.answer.code, "ab", "its code");
    is_str(body.answer.message, "c", "its message");

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        is_int(sio_answer_error(&body, sio_cstr(none[i]), &limits),
               SIO_DECLINED, "no reason: %s", none[i]);
    }

    sio_answer_free(&body);
}


static void
test_failures(void)
{
    unsigned           n;
    int                rc;
    sio_answer_body_t  body;

    sio_answer_init(&body, &unit_mem, sio_cstr("/"));

    for (n = 1; unit_mem_fail(n); n++) {
        rc = parse(&body, "{\"join\":[\"a\\u0062\"],\"emit\":{\"event\":"
                   "\"\\u0065\",\"to\":[\"a\"],\"user\":[1]}}");
        ok(rc == SIO_OK || rc == SIO_NOMEM, "allocation %u of a parse", n);
        sio_answer_free(&body);
    }

    for (n = 1; unit_mem_fail(n); n++) {
        rc = sio_answer_error(&body, sio_cstr("{\"code\":\"\\u0065\"}"),
                              &limits);
        ok(rc == SIO_OK || rc == SIO_NOMEM, "allocation %u of an error", n);
        sio_answer_free(&body);
    }
}
