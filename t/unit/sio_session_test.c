/*
 * sio_session: Node's sessions and ours, every truncation, no memory.
 */


#include "codec/sio_base64.h"
#include "codec/sio_session.h"
#include "unit.h"


#define SID  "EbUVkDyEKIykwO8ztAAA"
#define PID  "KpNAQ8JKAzx8708NvAAB"


static sio_adapter_t  a;
static sio_buf_t      buf;


static int
decode(const char *json, sio_session_t *s)
{
    int        rc;
    sio_buf_t  text;

    sio_buf_init(&text, &unit_mem, 65536);
    sio_buf_reset(&buf);

    (void) sio_msgpack_from_json(&text, sio_cstr(json), NULL);
    (void) sio_buf_reserve(&buf, sio_base64_encoded_len(text.len));
    buf.len = sio_base64_encode(buf.data, text.data, text.len);

    rc = sio_session_decode(&a, sio_buf_str(&buf), s);

    sio_buf_free(&text);

    return rc;
}


/* As @socket.io/redis-streams-adapter wrote it. */

static void
test_node(void)
{
    unsigned       i, good;
    uint8_t       *guard;
    sio_session_t  s;

    static const char  sample[] =
        "hKNzaWS0RWJVVmtEeUVLSXlrd084enRBQUGjcGlktEtwTkFROEpLQXp4ODcwOE52QUFC"
        "pXJvb21zk7RFYlVWa0R5RUtJeWt3Tzh6dEFBQaVyb29tMaInI6RkYXRhgaF1AQ==";

    is_int(sio_session_decode(&a, sio_cstr(sample), &s), SIO_OK, "Node's");
    is_str(s.sid, SID, "sid");
    is_str(s.pid, PID, "pid");
    is_int(s.nrooms, 3, "rooms");
    is_str(s.rooms[1], "room1", "one of them");
    is_str(s.data, "{\"u\":1}", "data");
    is_int(s.host.len + s.nsp.len + s.user.len + s.version.len, 0,
           "and nothing of nginx");
    ok(sio_stream_id_is_none(&s.offset), "nor an offset");

    good = 0;

    /* but without its padding it is whole */

    for (i = 0; i + 2 < strlen(sample); i++) {
        guard = guard_copy(sample, i);
        good += sio_session_decode(&a, sio_str(guard, i), &s) == SIO_OK;
        guard_free(guard, i);
    }

    is_int(good, 0, "no part of it is one");
}


static void
test_ours(void)
{
    int            rc;
    unsigned       n, wrong;
    sio_buf_t      text;
    sio_str_t      rooms[2], since[1];
    sio_adapter_t  b;
    sio_session_t  s, back;

    memset(&s, 0, sizeof(s));
    rc = SIO_ERROR;

    rooms[0] = sio_cstr("a \"room\"");
    rooms[1] = sio_cstr("user:ann");

    s.sid = sio_cstr(SID);
    s.pid = sio_cstr(PID);
    s.rooms = rooms;
    s.nrooms = 2;
    s.data = sio_cstr("{\"name\":\"Ann\",\"list\":[1,2.5,null,{}]}");
    s.host = sio_cstr("0123456789abcdef");
    s.version = sio_cstr("77");
    s.nsp = sio_cstr("/chat");
    s.user = sio_cstr("ann");
    s.offset.msec = 1763750000000;
    s.offset.seq = 3;
    since[0] = sio_cstr("1763750000001-7");
    s.since = since;
    s.nsince = 1;

    sio_buf_reset(&buf);
    is_int(sio_session_encode(&a, &buf, &s), SIO_OK, "written");
    is_int(sio_session_decode(&a, sio_buf_str(&buf), &back), SIO_OK, "read");
    is_str(back.sid, SID, "sid");
    is_str(back.rooms[0], "a \"room\"", "a room");
    is_str(back.rooms[1], "user:ann", "another");
    is_int(back.nrooms, 2, "these two");
    ok(sio_str_eq(back.data, s.data), "data");
    is_str(back.host, "0123456789abcdef", "host");
    is_str(back.version, "77", "version");
    is_str(back.nsp, "/chat", "namespace");
    is_str(back.user, "ann", "user");
    ok(sio_stream_id_cmp(&back.offset, &s.offset) == 0, "offset");
    is_int(back.nsince, 1, "a room of late");
    ok(sio_session_since(&back, 1).msec == 1763750000001
       && sio_session_since(&back, 1).seq == 7, "behind which id");
    ok(sio_session_since(&back, 0).msec == 0, "and one from the start");

    wrong = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_adapter_init(&b, &unit_mem, 65536);
        sio_buf_init(&text, &unit_mem, 65536);

        rc = sio_session_encode(&b, &text, &s);
        wrong += (rc != SIO_OK && rc != SIO_NOMEM);

        if (rc == SIO_OK) {
            rc = sio_session_decode(&b, sio_buf_str(&text), &back);
            wrong += (rc != SIO_OK && rc != SIO_NOMEM);
        }

        sio_adapter_free(&b);
        sio_buf_free(&text);
    }

    is_int(wrong, 0, "each of its allocations may fail");
    is_int(rc, SIO_OK, "and none did");
}


static void
test_refused(void)
{
    sio_session_t  s;

    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\"}", &s), SIO_OK,
           "the least");
    is_str(s.data, "{}", "no data");
    is_int(s.nrooms, 0, "no rooms");

    is_int(decode("[]", &s), SIO_ERROR, "no object");
    is_int(decode("{\"sid\":\"" SID "\"}", &s), SIO_ERROR, "no pid");
    is_int(decode("{\"sid\":\"x\",\"pid\":\"" PID "\"}", &s), SIO_ERROR,
           "a short sid");
    is_int(decode("{\"sid\":\"EbUVkDyEKIykwO8zt/AA\",\"pid\":\"" PID "\"}",
                  &s),
           SIO_ERROR, "a sid of other characters");
    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\","
                  "\"rooms\":[true]}", &s),
           SIO_ERROR, "a room that is no name");
    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\","
                  "\"nginx\":{}}", &s),
           SIO_ERROR, "nginx without a host");
    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\","
                  "\"nginx\":{\"host\":\"h\",\"nsp\":\"/\",\"offset\":\"x\"}}",
                  &s),
           SIO_ERROR, "an offset that is none");
    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\",\"rooms\":[\"a\"],"
                  "\"nginx\":{\"host\":\"h\",\"nsp\":\"/\",\"since\":[\"x\"]}}",
                  &s),
           SIO_ERROR, "an id that is none");
    is_int(decode("{\"sid\":\"" SID "\",\"pid\":\"" PID "\",\"rooms\":[\"a\"],"
                  "\"nginx\":{\"host\":\"h\",\"nsp\":\"/\","
                  "\"since\":[\"1-1\",\"1-2\"]}}",
                  &s),
           SIO_ERROR, "more ids than rooms");
    is_int(sio_session_decode(&a, sio_cstr("!"), &s), SIO_ERROR, "no base64");
    is_int(sio_session_decode(&a, sio_str(NULL, 0), &s), SIO_ERROR, "nothing");
}


int
main(void)
{
    sio_adapter_init(&a, &unit_mem, 65536);
    sio_buf_init(&buf, &unit_mem, 65536);

    test_node();
    test_ours();
    test_refused();

    sio_adapter_free(&a);
    sio_buf_free(&buf);

    return unit_done();
}
