/*
 * Requests between hosts, as captured from Node's adapter and emitter.
 */


#include "sio_adapter_fixture.h"


static const struct {
    const char  *json;
    int          type;
    const char  *uid;
    const char  *id;
    const char  *rooms;
    const char  *targets;
    const char  *except;
    const char  *data;
    unsigned     close;
    unsigned     ours;           /* we write it byte for byte */
} requests[] = {
    { "{\"uid\":\"54Pf9X\",\"requestId\":\"DyxZA-\",\"type\":5,"
      "\"opts\":{\"rooms\":[],\"except\":[]}}",
      SIO_REQUEST_FETCH, "54Pf9X", "DyxZA-", "", "", "", "", 0, 1 },
    { "{\"uid\":\"54Pf9X\",\"requestId\":\"02A_eE\",\"type\":1}",
      SIO_REQUEST_ALL_ROOMS, "54Pf9X", "02A_eE", "", "", "", "", 0, 1 },
    { "{\"uid\":\"54Pf9X\",\"type\":2,\"opts\":{\"rooms\":[\"room2\"],"
      "\"except\":[]},\"rooms\":[\"r3\",\"r4\"]}",
      SIO_REQUEST_JOIN, "54Pf9X", "", "r3,r4", "room2", "", "", 0, 1 },
    { "{\"uid\":\"54Pf9X\",\"type\":4,\"opts\":{\"rooms\":[\"nobody\"],"
      "\"except\":[]},\"close\":true}",
      SIO_REQUEST_DISCONNECT, "54Pf9X", "", "", "nobody", "", "", 1, 1 },
    { "{\"uid\":\"54Pf9X\",\"requestId\":\"cUmJMg\",\"type\":6,"
      "\"data\":[\"sse\",\"x\"]}",
      SIO_REQUEST_SERVER_EMIT, "54Pf9X", "cUmJMg", "", "", "",
      "[\"sse\",\"x\"]", 0, 1 },
    { "{\"type\":2,\"opts\":{\"rooms\":[],\"except\":[]},\"rooms\":[\"r9\"]}",
      SIO_REQUEST_JOIN, "", "", "r9", "", "", "", 0, 0 },
    { "{\"uid\":\"emitter\",\"type\":6,\"data\":[\"sse\",1]}",
      SIO_REQUEST_SERVER_EMIT, "emitter", "", "", "", "", "[\"sse\",1]", 0,
      1 },
    { "{\"type\":4,\"opts\":{\"rooms\":[\"nobody\"],\"except\":[]},"
      "\"close\":false}",
      SIO_REQUEST_DISCONNECT, "", "", "", "nobody", "", "", 0, 0 },
    { "{\"uid\":\"a\",\"requestId\":\"b\",\"type\":3,\"sid\":\"s\","
      "\"room\":\"r\"}",
      SIO_REQUEST_LEAVE, "a", "b", "r", "s", "", "", 0, 0 },
    { "{\"uid\":\"a\",\"requestId\":\"b\",\"type\":0,\"rooms\":[\"x\"]}",
      SIO_REQUEST_SOCKETS, "a", "b", "x", "", "", "", 0, 0 },
    { " {\"type\" : 3, \"opts\" : {\"rooms\":[1,\"\\u00e9\\n\"],"
      "\"except\":[\"x\"]},\"rooms\":[-7]}",
      SIO_REQUEST_LEAVE, "", "", "-7", "1,\xc3\xa9\n", "x", "", 0, 0 }
};


static void
test_requests(void)
{
    size_t          i, len;
    uint8_t        *p;
    sio_buf_t       buf;
    sio_adapter_t   a;
    sio_request_t   r;

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        len = strlen(requests[i].json);
        p = guard_copy(requests[i].json, len);

        /* a message begins with its first byte */

        is_int(sio_adapter_request_decode(&a, sio_str(p, len), &r),
               *p == ' ' ? SIO_ERROR : SIO_OK, "%s", requests[i].json);

        if (*p == ' ') {
            is_int(sio_adapter_request_decode(&a, sio_str(p + 1, len - 1),
                                              &r),
                   SIO_OK, "without white space in front");
        }

        is_int(r.type, requests[i].type, "type");
        is_str(r.uid, requests[i].uid, "uid");
        is_str(r.id, requests[i].id, "request id");
        is_str(sio_cstr(names(r.rooms, r.nrooms)), requests[i].rooms,
               "rooms");
        is_str(sio_cstr(names(r.broadcast.opts.rooms,
                              r.broadcast.opts.nrooms)),
               requests[i].targets, "targets");
        is_str(sio_cstr(names(r.broadcast.opts.except,
                              r.broadcast.opts.nexcept)),
               requests[i].except, "except");
        is_str(r.data, requests[i].data, "data");
        is_int(r.close, requests[i].close, "close");

        if (requests[i].ours) {
            sio_buf_init(&buf, &unit_mem, 100000);
            is_int(sio_adapter_request_encode(&buf, &r), SIO_OK,
                   "encoded again");
            is_str(sio_buf_str(&buf), requests[i].json, "the same bytes");
            sio_buf_free(&buf);
        }

        guard_free(p, len);
    }

    sio_adapter_free(&a);
}


static void
test_wrong(void)
{
    size_t          i;
    sio_adapter_t   a;
    sio_request_t   r;
    sio_response_t  answer;

    static const struct {
        const char  *text;
        int          rc;
    } cases[] = {
        { "", SIO_ERROR },
        { "{", SIO_ERROR },
        { "{}", SIO_ERROR },
        { "[]", SIO_ERROR },
        { "{\"type\":\"2\"}", SIO_ERROR },
        { "{\"type\":-1}", SIO_DECLINED },
        { "{\"type\":7}", SIO_DECLINED },
        { "{\"type\":99}", SIO_DECLINED },
        { "{\"type\":4,\"close\":true}", SIO_ERROR },
        { "{\"type\":2,\"rooms\":[\"x\"]}", SIO_ERROR },
        { "{\"type\":2,\"opts\":{\"rooms\":[{}]}}", SIO_ERROR },
        { "{\"type\":6}", SIO_ERROR },
        { "{\"type\":6,\"data\":{}}", SIO_ERROR },
        { "{\"type\":1,\"uid\":{}}", SIO_ERROR },
        { "\x83", SIO_ERROR },
        { "\x80", SIO_DECLINED },
        { "\x91\x01", SIO_ERROR }
    };

    sio_adapter_init(&a, &unit_mem, 100000);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(sio_adapter_request_decode(&a, sio_cstr(cases[i].text), &r),
               cases[i].rc, "no request: %s", cases[i].text);
        ok(sio_adapter_response_decode(&a, sio_cstr(cases[i].text), &answer)
           != SIO_OK, "and no answer");
    }

    sio_adapter_free(&a);
}


static void
test_broadcast(void)
{
    int             n;
    size_t          len;
    uint8_t         data[512];
    sio_buf_t       buf;
    sio_adapter_t   a;
    sio_request_t   r;

    len = bytes("85a3756964a6353450663958a9726571756573744964a64633356f6a73"
                "a47479706507a67061636b657483a47479706502a46461746192a17101"
                "a36e7370a12fa46f70747383a5726f6f6d7390a665786365707490a566"
                "6c61677381a774696d656f7574cd02bc", data);

    sio_adapter_init(&a, &unit_mem, 100000);

    is_int(sio_adapter_request_decode(&a, sio_str(data, len), &r), SIO_OK,
           "a broadcast that wants acks");
    is_int(r.type, SIO_REQUEST_BROADCAST, "type");
    is_str(r.uid, "54Pf9X", "uid");
    is_str(r.id, "F35ojs", "request id");
    is_str(r.broadcast.event, "q", "event");
    is_str(r.broadcast.args, "1", "arguments");
    is_str(r.broadcast.nsp, "/", "namespace");
    is_int(r.broadcast.timeout, 700, "timeout");

    sio_buf_init(&buf, &unit_mem, 512);
    is_int(sio_adapter_request_encode(&buf, &r), SIO_OK, "encoded again");
    is_mem(buf.data, buf.len, data, len, "the same bytes");
    sio_buf_free(&buf);

    for (n = 1; unit_mem_fail(n); n++) {
        sio_buf_init(&buf, &unit_mem, 512);
        (void) sio_adapter_request_encode(&buf, &r);
        sio_buf_free(&buf);
    }

    for (n = 0; (size_t) n < len; n++) {
        sio_buf_init(&buf, &unit_mem, n);
        ok(sio_adapter_request_encode(&buf, &r) != SIO_OK && buf.len == 0,
           "no room for %d bytes: nothing is written", n);
        sio_buf_free(&buf);
    }

    sio_adapter_free(&a);
}


/* What hosts of our kind ask each other, and others do not know. */

static void
test_page(void)
{
    sio_buf_t       buf;
    sio_adapter_t   a;
    sio_request_t   r;
    sio_response_t  answer;

    sio_adapter_init(&a, &unit_mem, 100000);
    sio_buf_init(&buf, &unit_mem, 100000);

    memset(&r, 0, sizeof(sio_request_t));
    r.type = SIO_REQUEST_FETCH;
    r.uid = sio_cstr("u");
    r.id = sio_cstr("i");
    r.page = sio_cstr("QUJD");

    is_int(sio_adapter_request_encode(&buf, &r), SIO_OK, "a question");
    is_str(sio_buf_str(&buf), "{\"uid\":\"u\",\"requestId\":\"i\","
           "\"type\":5,\"opts\":{\"rooms\":[],\"except\":[]},"
           "\"nginx\":\"QUJD\"}", "in a fetch");
    is_int(sio_adapter_request_decode(&a, sio_buf_str(&buf), &r), SIO_OK,
           "read again");
    is_str(r.page, "QUJD", "the question");

    sio_buf_reset(&buf);
    is_int(sio_adapter_page_encode(&buf, sio_cstr("i"), sio_cstr("REVG")),
           SIO_OK, "an answer");
    is_str(sio_buf_str(&buf), "{\"requestId\":\"i\",\"nginx\":\"REVG\"}",
           "by its request's id");
    is_int(sio_adapter_response_decode(&a, sio_buf_str(&buf), &answer),
           SIO_OK, "read again");
    is_str(answer.page, "REVG", "the answer");
    is_str(answer.id, "i", "request id");

    is_int(sio_adapter_response_decode(&a,
                       sio_cstr("{\"requestId\":\"i\",\"nginx\":7}"),
                       &answer),
           SIO_OK, "a page that is no text");
    is_int(answer.page.len, 0, "is none");

    sio_buf_free(&buf);
    sio_adapter_free(&a);
}


static void
test_responses(void)
{
    size_t          len;
    uint8_t         data[512];
    sio_buf_t       buf;
    sio_adapter_t   a;
    sio_response_t  r;

    sio_adapter_init(&a, &unit_mem, 100000);
    sio_buf_init(&buf, &unit_mem, 100000);

    is_int(sio_adapter_response_encode(&buf, sio_cstr("F35ojs"), 8,
                                       "clientCount", sio_cstr("1")),
           SIO_OK, "a client count");
    is_str(sio_buf_str(&buf),
           "{\"type\":8,\"requestId\":\"F35ojs\",\"clientCount\":1}",
           "as Node writes it");
    is_int(sio_adapter_response_decode(&a, sio_buf_str(&buf), &r), SIO_OK,
           "read again");
    is_int(r.type, 8, "type");
    is_int(r.count, 1, "count");
    is_str(r.id, "F35ojs", "request id");

    sio_buf_reset(&buf);
    is_int(sio_adapter_response_encode(&buf, sio_cstr("x"), -1, "rooms",
                                       sio_cstr("[\"a\"]")),
           SIO_OK, "rooms");
    is_str(sio_buf_str(&buf), "{\"requestId\":\"x\",\"rooms\":[\"a\"]}",
           "as Node writes them");
    is_int(sio_adapter_response_decode(&a, sio_buf_str(&buf), &r), SIO_OK,
           "read again");
    is_str(r.rooms, "[\"a\"]", "rooms");
    is_int(r.type, -1, "no type");

    len = bytes("83a47479706509a9726571756573744964a64633356f6a73a67061636b"
                "6574ab61636b2d66726f6d2d6362", data);
    sio_buf_reset(&buf);
    is_int(sio_adapter_ack_encode(&buf, sio_cstr("F35ojs"),
                                  sio_cstr("\"ack-from-cb\""), NULL),
           SIO_OK, "an ack");
    is_mem(buf.data, buf.len, data, len, "as Node writes it");
    is_int(sio_adapter_response_decode(&a, sio_str(data, len), &r), SIO_OK,
           "read again");
    is_int(r.type, 9, "type");
    is_str(r.data, "\"ack-from-cb\"", "its value");

    sio_buf_free(&buf);
    sio_adapter_free(&a);
}


static void
test_failures(void)
{
    int             n, rc;
    sio_buf_t       buf;
    sio_adapter_t   a;
    sio_request_t   r;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_adapter_init(&a, &unit_mem, 100000);
        sio_buf_init(&buf, &unit_mem, 100000);

        rc = sio_adapter_request_decode(&a, sio_cstr(requests[2].json), &r);

        if (rc == SIO_OK) {
            (void) sio_adapter_request_encode(&buf, &r);
        }

        sio_adapter_free(&a);
        sio_buf_free(&buf);
    }

    ok(n > 1, "every allocation failed once");
}


int
main(void)
{
    unit_plan();

    test_requests();
    test_wrong();
    test_broadcast();
    test_page();
    test_responses();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}
