/*
 * Queries of Engine.IO requests, and the error answers.
 */


#include <jansson.h>

#include "unit.h"
#include "codec/eio_query.h"


static void test_queries(void);
static void test_truncated(void);
static void test_errors(void);


int
main(void)
{
    unit_plan();

    test_queries();
    test_truncated();
    test_errors();

    return unit_done();
}


static void
test_queries(void)
{
    size_t        i, len;
    uint8_t      *p;
    eio_query_t   query;

    static const struct {
        const char       *args;
        unsigned          version;
        eio_transport_e   transport;
        const char       *sid;
    } cases[] = {
        { "EIO=4&transport=polling", 4, EIO_POLLING, "" },
        { "EIO=4&transport=websocket", 4, EIO_WEBSOCKET, "" },
        { "EIO=4&transport=polling&t=PqTx&sid=abc", 4, EIO_POLLING, "abc" },
        { "sid=abc&transport=websocket&EIO=4", 4, EIO_WEBSOCKET, "abc" },
        { "", 3, EIO_TRANSPORT_UNKNOWN, "" },
        { "&&&", 3, EIO_TRANSPORT_UNKNOWN, "" },
        { "=&=4&EIO", 3, EIO_TRANSPORT_UNKNOWN, "" },
        { "transport=polling", 3, EIO_POLLING, "" },
        { "EIO=abc&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=3&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=44&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=04&transport=polling", 3, EIO_POLLING, "" },
        { "eio=4&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=4", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&transport=", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&transport=abc", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&transport=Polling", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&transport=pollingx", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&transport=%70olling", 4, EIO_TRANSPORT_UNKNOWN, "" },
        { "EIO=4&EIO=3&transport=polling", 4, EIO_POLLING, "" },
        { "EIO=3&EIO=4&transport=polling", 3, EIO_POLLING, "" },
        { "EIO=4&transport=polling&transport=abc", 4, EIO_POLLING, "" },
        { "EIO=4&transport=abc&transport=polling", 4, EIO_TRANSPORT_UNKNOWN,
          "" },
        { "EIO=4&transport=polling&sid=a&sid=b", 4, EIO_POLLING, "a" },
        { "EIO=4&transport=polling&sid=&sid=b", 4, EIO_POLLING, "" },
        { "EIO=4&transport=polling&sid", 4, EIO_POLLING, "" },
        { "EIO=4&transport=polling&sid=a=b", 4, EIO_POLLING, "a=b" },
        { "EIO=4&xsid=a&sidx=b&transport=polling", 4, EIO_POLLING, "" },
        { "EIO=4&transport=polling&", 4, EIO_POLLING, "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].args);
        p = guard_copy(cases[i].args, len);

        eio_query_parse(sio_str(p, len), &query);

        is_int(query.version, cases[i].version, "version of \"%s\"",
               cases[i].args);
        is_int(query.transport, cases[i].transport, "its transport");
        is_str(query.sid, cases[i].sid, "its sid");
        is_int(query.has_sid, cases[i].sid[0] != '\0', "whether it has one");

        guard_free(p, len);
    }
}


static void
test_truncated(void)
{
    size_t        len;
    uint8_t      *p;
    unsigned      polling;
    eio_query_t   query;

    static const char  args[] = "EIO=4&transport=polling&sid=abc";

    polling = 0;

    for (len = 0; len < sizeof(args); len++) {
        p = guard_copy(args, len);
        eio_query_parse(sio_str(p, len), &query);
        polling += query.transport == EIO_POLLING;
        guard_free(p, len);
    }

    is_int(polling, 9, "polling is polling once it is whole");
}


static void
test_errors(void)
{
    int         code;
    json_t     *tree;
    sio_str_t   body, message;

    for (code = EIO_ERROR_TRANSPORT; code <= EIO_ERROR_VERSION; code++) {
        body = eio_error_body((eio_error_e) code);
        message = eio_error_message((eio_error_e) code);

        tree = json_loadb((const char *) body.data, body.len, 0, NULL);

        is_int(json_integer_value(json_object_get(tree, "code")), code,
               "error %d has its code", code);
        is_str(message,
               json_string_value(json_object_get(tree, "message")),
               "and its message");

        json_decref(tree);
    }

    is_str(eio_error_body(EIO_ERROR_TRANSPORT),
           "{\"code\":0,\"message\":\"Transport unknown\"}", "error 0");
    is_str(eio_error_message(EIO_ERROR_SID), "Session ID unknown", "error 1");
    is_str(eio_error_message(EIO_ERROR_METHOD), "Bad handshake method",
           "error 2");
    is_str(eio_error_message(EIO_ERROR_REQUEST), "Bad request", "error 3");
    is_str(eio_error_message(EIO_ERROR_FORBIDDEN), "Forbidden", "error 4");
    is_str(eio_error_body(EIO_ERROR_VERSION),
           "{\"code\":5,\"message\":\"Unsupported protocol version\"}",
           "error 5");
    is_str(eio_error_message((eio_error_e) 99), "Bad request",
           "an error that is none is a bad request");
}
