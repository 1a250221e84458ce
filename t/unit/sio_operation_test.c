/*
 * Bodies of POST join, leave and disconnect.
 */


#include "unit.h"
#include "codec/sio_operation.h"


static void test_join(void);
static void test_disconnect(void);
static void test_times(void);
static void test_batch(void);
static void test_refused(void);
static void test_failures(void);


static const sio_json_limits_t  limits = { 32, 100000 };


int
main(void)
{
    unit_plan();

    test_join();
    test_disconnect();
    test_times();
    test_batch();
    test_refused();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static int
parse(sio_operation_body_t *body, sio_operation_e type, const char *text)
{
    return sio_operation_parse(body, type, sio_cstr(text), &limits);
}


static void
test_join(void)
{
    sio_operation_t       *o;
    sio_operation_body_t   body;

    sio_operation_init(&body, &unit_mem);

    is_int(parse(&body, SIO_OPERATION_JOIN, "{\"rooms\":\"x\"}"), SIO_OK,
           "all sockets join");
    o = &body.operations[0];
    is_int(o->type, SIO_OPERATION_JOIN, "type");
    is_str(o->nsp, "/", "of the main namespace");
    is_int(o->ntargets, 0, "nobody in particular");
    is_int(o->nrooms, 1, "one room");
    is_str(o->rooms[0], "x", "it");
    is_int(o->ttl, 0, "for as long as they live");

    is_int(parse(&body, SIO_OPERATION_JOIN,
                 "{\"rooms\":[\"x\",7,\"\\u0061\"],\"namespace\":\"/a\","
                 "\"socket\":[\"abcdefghij0123456789\"],\"user\":[1,\"b\"],"
                 "\"to\":\"r\"}"), SIO_OK, "all of them");
    o = &body.operations[0];
    is_str(o->nsp, "/a", "namespace");
    is_int(o->ntargets, 4, "four targets");
    is_str(o->targets[0], "r", "a room");
    is_str(o->targets[1], "user:1", "a user");
    is_str(o->targets[2], "user:b", "another");
    is_str(o->targets[3], "abcdefghij0123456789", "a socket");
    is_int(o->nusers, 2, "two users");
    is_str(o->users[0], "user:1", "the first");
    is_int(o->nrooms, 3, "three rooms");
    is_str(o->rooms[1], "7", "a number");
    is_str(o->rooms[2], "a", "an escape");

    is_int(parse(&body, SIO_OPERATION_JOIN,
                 "{\"user\":\"7\",\"rooms\":[\"g:1\",\"g:2\"],"
                 "\"ttl\":\"30d\"}"), SIO_OK, "a grant");
    o = &body.operations[0];
    is_int(o->ttl, 30 * 86400, "for thirty days");
    is_int(o->nusers, 1, "of one user");

    is_int(parse(&body, SIO_OPERATION_LEAVE,
                 "{\"to\":\"a\",\"rooms\":\"a\"}"), SIO_OK, "leave");
    is_int(body.operations[0].type, SIO_OPERATION_LEAVE, "is another type");

    sio_operation_free(&body);
    sio_operation_free(&body);
}


static void
test_disconnect(void)
{
    sio_operation_body_t  body;

    sio_operation_init(&body, &unit_mem);

    is_int(parse(&body, SIO_OPERATION_DISCONNECT, "{\"user\":7}"), SIO_OK,
           "disconnect");
    ok(!body.operations[0].close, "from the namespace");

    is_int(parse(&body, SIO_OPERATION_DISCONNECT,
                 "{\"socket\":\"abcdefghij0123456789\",\"close\":true}"),
           SIO_OK, "close");
    ok(body.operations[0].close, "the connection");
    ok(!body.operations[0].local, "on all hosts");
    is_int(parse(&body, SIO_OPERATION_LEAVE,
                 "{\"rooms\":\"x\",\"local\":true}"), SIO_OK, "local");
    ok(body.operations[0].local, "on this one");

    sio_operation_free(&body);
}


static void
test_times(void)
{
    char                  text[256];
    size_t                i;
    sio_operation_body_t  body;

    static const struct {
        const char  *ttl;
        int64_t      seconds;        /* 0: refused */
    } cases[] = {
        { "1", 1 }, { "60", 60 }, { "315360000", 315360000 },
        { "315360001", 0 }, { "0", 0 }, { "-1", 0 }, { "1.5", 0 },
        { "1e3", 0 }, { "99999999999999999999", 0 }, { "null", 0 },
        { "true", 0 }, { "[]", 0 }, { "\"\"", 0 }, { "\"s\"", 0 },
        { "\"1s\"", 1 }, { "\"90s\"", 90 }, { "\"15m\"", 900 },
        { "\"12h\"", 43200 }, { "\"30d\"", 2592000 }, { "\"4w\"", 2419200 },
        { "\"3650d\"", 315360000 }, { "\"3651d\"", 0 }, { "\"0d\"", 0 },
        { "\"30\"", 0 }, { "\"d30\"", 0 }, { "\"-1d\"", 0 },
        { "\"1.5h\"", 0 }, { "\"1 d\"", 0 }, { "\"1D\"", 0 },
        { "\"1y\"", 0 }, { "\"1d12h\"", 0 }, { "\"007s\"", 7 },
        { "\"18446744073709551616s\"", 0 },
        { "\"99999999999999999999999999999999999999w\"", 0 }
    };

    sio_operation_init(&body, &unit_mem);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) snprintf(text, sizeof(text),
                        "{\"user\":1,\"rooms\":\"x\",\"ttl\":%s}",
                        cases[i].ttl);

        is_int(parse(&body, SIO_OPERATION_JOIN, text),
               cases[i].seconds ? SIO_OK : SIO_ERROR, "ttl %s", cases[i].ttl);

        if (cases[i].seconds) {
            is_int(body.operations[0].ttl, cases[i].seconds, "is so long");

        } else {
            is_str(sio_cstr(body.read.path), "ttl", "is refused");
        }
    }

    sio_operation_free(&body);
}


static void
test_batch(void)
{
    sio_operation_body_t  body;

    sio_operation_init(&body, &unit_mem);

    is_int(parse(&body, SIO_OPERATION_JOIN,
                 "[{\"user\":1,\"rooms\":\"x\"},{\"to\":\"a\","
                 "\"rooms\":[\"y\",\"z\"]}]"), SIO_OK, "a batch");
    is_int(body.n, 2, "of two");
    ok(body.read.batch, "is one");
    is_str(body.operations[0].targets[0], "user:1", "the first");
    is_str(body.operations[1].targets[0], "a", "the second");
    is_int(body.operations[1].nusers, 0, "has no user");
    is_str(body.operations[1].rooms[1], "z", "its second room");

    sio_operation_free(&body);
}


static void
test_refused(void)
{
    size_t                i;
    sio_operation_body_t  body;

    static const struct {
        sio_operation_e  type;
        const char      *text;
        const char      *path;
        const char      *error;
    } cases[] = {
        { SIO_OPERATION_JOIN, "", "", NULL },
        { SIO_OPERATION_JOIN, "1", "", "must be an object or an array" },
        { SIO_OPERATION_JOIN, "[]", "", "must not be empty" },
        { SIO_OPERATION_JOIN, "[{\"rooms\":\"x\"},2]", "[1]",
          "must be an object" },
        { SIO_OPERATION_JOIN, "{}", "rooms", "is missing" },
        { SIO_OPERATION_JOIN, "{\"to\":\"a\"}", "rooms", "is missing" },
        { SIO_OPERATION_JOIN, "{\"rooms\":[]}", "rooms",
          "must not be empty" },
        { SIO_OPERATION_JOIN, "{\"rooms\":[\"a\",\"user:7\"]}", "rooms[1]",
          "is the room of a user or a socket" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"abcdefghij0123456789\"}",
          "rooms", "is the room of a user or a socket" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"\\u0001\"}", "rooms",
          "has a control character" },
        { SIO_OPERATION_JOIN, "{\"rooms\":{}}", "rooms",
          "must be a string, an integer or an array" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"user\":[]}", "user",
          "must not be empty" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"socket\":\"short\"}",
          "socket", "is not the id of a socket" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"socket\":[1]}",
          "socket[0]", "is not the id of a socket" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"room\":\"y\"}", "room",
          "is unknown" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"close\":true}", "close",
          "is unknown" },
        { SIO_OPERATION_JOIN, "{\"rooms\":\"x\",\"ttl\":1}", "ttl",
          "needs \"user\"" },
        { SIO_OPERATION_JOIN,
          "{\"rooms\":\"x\",\"ttl\":1,\"user\":1,\"to\":\"a\"}", "ttl",
          "excludes \"to\" and \"socket\"" },
        { SIO_OPERATION_JOIN,
          "[{\"rooms\":\"x\"},{\"rooms\":\"x\",\"namespace\":\"y\"}]",
          "[1].namespace", "is not a namespace" },
        { SIO_OPERATION_LEAVE, "{\"user\":1}", "rooms", "is missing" },
        { SIO_OPERATION_LEAVE, "{\"rooms\":\"x\",\"user\":1,\"ttl\":1}",
          "ttl", "is unknown" },
        { SIO_OPERATION_DISCONNECT, "{}", "to",
          "is missing, and so are \"user\" and \"socket\"" },
        { SIO_OPERATION_DISCONNECT, "{\"close\":true}", "to",
          "is missing, and so are \"user\" and \"socket\"" },
        { SIO_OPERATION_DISCONNECT, "{\"user\":1,\"rooms\":\"x\"}", "rooms",
          "is unknown" },
        { SIO_OPERATION_DISCONNECT, "{\"user\":1,\"close\":1}", "close",
          "must be true or false" }
    };

    sio_operation_init(&body, &unit_mem);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(parse(&body, cases[i].type, cases[i].text), SIO_ERROR,
               "refused: %s", cases[i].text);
        is_str(sio_cstr(body.read.path), cases[i].path, "at %s",
               cases[i].path);

        if (cases[i].error) {
            is_str(sio_cstr(body.read.error), cases[i].error,
                   "because it %s", cases[i].error);
        }
    }

    sio_operation_free(&body);
}


static void
test_failures(void)
{
    int                   rc;
    unsigned              n;
    sio_operation_body_t  body;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_operation_init(&body, &unit_mem);
        rc = parse(&body, SIO_OPERATION_JOIN,
                   "[{\"user\":[1,2],\"rooms\":[\"\\u0061\"]}]");
        ok(rc == SIO_NOMEM || rc == SIO_OK, "allocation %u fails", n);
        sio_operation_free(&body);
    }

    sio_operation_free(&body);
}
