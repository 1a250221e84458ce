/*
 * Unit tests of sio_client and sio_socket: what a client may send, what it
 * is answered, and how sockets begin and end.
 */


#include "unit.h"
#include "sio_fixture.h"


static sio_socket_t  *pending_socket;


static int
refuse(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    return auth.len ? sio_buf_append_str(error, auth), SIO_ERROR : SIO_ERROR;
}


static int
later(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    pending_socket = socket;

    return SIO_AGAIN;
}


/* What "on connect { join lobby; emit hi to all; }" comes to. */

static void
send_hi(sio_socket_t *socket, void *ctx)
{
    (void) sio_socket_send(socket, ctx);
}


static int
greet(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    int            rc;
    eio_msg_t     *msg;
    sio_target_t   all;

    memset(&all, 0, sizeof(all));
    msg = fx_msg("42[\"hi\"]");

    if (msg == NULL) {
        return SIO_ERROR;
    }

    rc = fx_identify(socket, sio_cstr("ann"));

    if (rc == SIO_OK) {
        rc = sio_room_join(socket, sio_cstr("lobby"));
        (void) sio_namespace_select(socket->ns, &all, send_hi, msg);
    }

    eio_msg_unref(fx.mem, msg);

    return rc == SIO_OK ? SIO_OK : SIO_ERROR;
}


static void
check_answer(fx_conn_t *conn, const char *nsp, const char *format,
    const char *what)
{
    char           text[128];
    sio_socket_t  *socket;

    socket = fx_socket(conn, nsp);

    if (!ok(socket && socket->accepted, "%s: there is a socket", what)) {
        return;
    }

    snprintf(text, sizeof(text), format, EIO_SID_LEN, socket->sid);
    fx_is(fx_take(conn), text, "%s: the answer", what);
}


static void
fx_pong_in(fx_conn_t *conn)
{
    eio_packet_t  pkt;

    (void) eio_packet_decode(sio_cstr("3"), &pkt);
    eio_session_packet(&conn->s, &pkt, fx.now);
}


static void
test_connect(void)
{
    uint8_t     ping;
    fx_conn_t  *conn;

    fx_init(&unit_mem);
    conn = fx_open();

    fx_text(conn, "40");
    check_answer(conn, "/", "40{\"sid\":\"%.*s\"}", "main namespace");
    fx_is(fx_log_take(), "connect / ;", "no payload is empty");

    fx_text(conn, "40/n,{\"token\":\"abc\"}");
    check_answer(conn, "/n", "40/n,{\"sid\":\"%.*s\"}", "another namespace");
    fx_is(fx_log_take(), "connect /n {\"token\":\"abc\"};",
           "the payload is handed up");
    is_str(sio_socket_auth(fx_socket(conn, "/n")), "{\"token\":\"abc\"}",
           "and kept");

    fx_text(conn, "40/random");
    fx_is(fx_take(conn),
           "44/random,{\"message\":\"Invalid namespace\"}",
           "a namespace that does not exist is refused");

    fx_text(conn, "40/n2");
    fx_text(conn, "40/n3");
    (void) fx_take(conn);
    fx_text(conn, "40/n4");
    fx_is(fx_take(conn),
           "44/n4,{\"message\":\"Too many namespaces\"}",
           "a client has so many namespaces at most");
    ok(fx_live(conn), "and goes on");
    is_int(fx.app.namespaces.count, 4, "refused namespaces are not kept");

    (void) fx_log_take();
    fx_text(conn, "41");
    fx_is(fx_log_take(),
           "disconnect / client namespace disconnect rooms=0;",
           "a client may leave a namespace");
    fx_is(fx_take(conn), "", "without a word");
    ok(fx_live(conn), "the session stays");
    is_int(fx.app.namespaces.count, 3, "the empty namespace is gone");

    fx_text(conn, "40");
    check_answer(conn, "/", "40{\"sid\":\"%.*s\"}", "once more");
    is_int(fx_check(), 0, "all is consistent");

    (void) fx_log_take();
    is_int(fx.gone, 1, "one socket is gone so far");
    fx_pong_in(conn);
    is_int(fx.pongs, 0, "nobody asked for a pong");
    (void) eio_session_prove(&conn->s, &ping);
    fx_pong_in(conn);
    fx_pong_in(conn);
    is_int(fx.pongs, 1, "one that was asked for is told");
    fx_close(conn);
    is_int(fx.gone, 5, "all are told to be gone");
    ok(strstr(fx_log_take(), "disconnect / transport close rooms=0;"),
       "the end of the session ends its sockets");
    is_int(fx_check(), 0, "all is consistent at the end");
    is_int(fx.app.namespaces.count, 0, "no namespace is left");

    fx_cleanup();
    unit_mem_none_left("connect: all memory is given back");
}


static void
test_refused(void)
{
    fx_conn_t  *conn, *other;

    fx_init(&unit_mem);
    fx.connect = refuse;
    conn = fx_open();

    fx_text(conn, "40/n,{\"message\":\"no\"}");
    fx_is(fx_take(conn), "44/n,{\"message\":\"no\"}",
           "the reason of a refusal is sent");
    is_int(fx.gone, 1, "the socket is gone");
    fx_text(conn, "40");
    fx_is(fx_take(conn), "44{\"message\":\"Forbidden\"}",
           "a refusal without a reason has one");
    ok(fx_socket(conn, "/") == NULL, "there is no socket");
    ok(strstr(fx_log_take(), "disconnect") == NULL,
       "a refused socket is not disconnected");
    is_int(fx.app.namespaces.count, 0, "no namespace stays");

    fx.connect = NULL;
    fx.refuse_after = 0;
    fx_text(conn, "40");
    fx_is(fx_take(conn),
           "44{\"message\":\"Service unavailable\"}", "the zone is full");
    is_int(fx_check(), 0, "nothing is left over");

    fx.refuse_after = 1;
    fx_text(conn, "40");
    fx_is(fx_take(conn),
           "44{\"message\":\"Service unavailable\"}",
           "the zone has no room for the socket");
    is_int(fx_check(), 0, "the namespace's count is taken back");

    fx.refuse_after = FX_REFUSE;
    other = fx_open();
    fx_text(other, "40");
    fx.refuse_after = 1;
    fx_text(conn, "40");
    (void) fx_take(conn);
    is_int(fx_check(), 0, "also when there are others in it");
    fx_close(other);

    fx.refuse_after = FX_REFUSE;
    fx.limits.max_dynamic = 0;
    fx_text(conn, "40");
    fx_is(fx_take(conn),
           "44{\"message\":\"Service unavailable\"}",
           "so many namespaces are alive at most");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("refused: all memory is given back");
}


/* Each text closes the session of a client that has joined "/". */

static const char *const  closing[] = {
    "4abc", "4", "47", "42{}", "42[]", "42abc[\"a\"]", "42[{}]",
    "42[\"connect\"]", "42[\"a\"", "45[\"a\"]", "450-[\"a\"]",
    "4511-[\"a\"]", "44{\"message\":\"x\"}", "40", "40{}", "40[]",
    "42/n,[\"a\"]", "41/n", "43/n,1[]", "431{}",
    "451-/n,[\"a\",{\"_placeholder\":true,\"num\":0}]",
    "42[\"a\",{\"_placeholder\":true,\"num\":0}]"
};


static void
test_closing(void)
{
    size_t      i;
    fx_conn_t  *conn;

    fx_init(&unit_mem);

    for (i = 0; i < sizeof(closing) / sizeof(char *); i++) {
        conn = fx_open();
        fx_text(conn, "40");
        (void) fx_log_take();
        fx_text(conn, closing[i]);
        ok(!fx_live(conn), "%s closes", closing[i]);
        is_int(conn->s.reason, EIO_REASON_PARSE_ERROR, "it is a parse error");
        fx_is(fx_log_take(), "disconnect / parse error rooms=0;",
               "only the disconnect is seen");
        fx_close(conn);
    }

    conn = fx_open();
    fx_text(conn, "42[\"a\"]");
    ok(!fx_live(conn), "an event before CONNECT closes");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_message(conn, 1, sio_cstr("x"));
    ok(!fx_live(conn), "bytes that are not due close");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "451-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    ok(fx_live(conn), "a binary packet has begun");
    fx_text(conn, "42[\"a\"]");
    ok(!fx_live(conn), "text while bytes are due closes");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "41");
    fx_text(conn, "42[\"a\"]");
    ok(!fx_live(conn), "an event after DISCONNECT closes");
    fx_close(conn);

    is_int(fx_check(), 0, "all is consistent");
    fx_cleanup();
    unit_mem_none_left("closing: all memory is given back");
}


static void
test_events(void)
{
    char        big[600];
    fx_conn_t  *conn;

    fx_init(&unit_mem);
    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "40/n");
    (void) fx_log_take();

    fx_text(conn, "42[\"a\",1]");
    fx_text(conn, "42/n,17[\"b\"]");
    fx_text(conn, "437[1]");
    fx_is(fx_log_take(),
           "event / -1 [\"a\",1];event /n 17 [\"b\"];ack / 7 [1] 0;",
           "events and acks go up");

    fx_text(conn, "452-/n,9[\"c\",{\"_placeholder\":true,\"num\":1},"
                  "{\"_placeholder\":true,\"num\":0}]");
    fx_message(conn, 1, sio_cstr("one"));
    fx_is(fx_log_take(), "", "an attachment is missing");
    fx_message(conn, 1, sio_cstr("two"));
    fx_is(fx_log_take(),
           "event /n 9 [\"c\",{\"_placeholder\":true,\"num\":1},"
           "{\"_placeholder\":true,\"num\":0}] <one> <two>;",
           "it goes up whole");
    ok(conn->c.pending == NULL, "nothing is kept");

    fx_text(conn, "461-3[{\"_placeholder\":true,\"num\":0}]");
    fx_message(conn, 1, sio_cstr("x"));
    fx_is(fx_log_take(),
           "ack / 3 [{\"_placeholder\":true,\"num\":0}] 1;",
           "so does a binary ack");

    memset(big, 'x', sizeof(big));
    fx_text(conn, "452-[\"c\",{\"_placeholder\":true,\"num\":0},"
                  "{\"_placeholder\":true,\"num\":1}]");
    fx_message(conn, 1, sio_str(big, sizeof(big)));
    ok(fx_live(conn), "one attachment is not too large");
    fx_message(conn, 1, sio_str(big, sizeof(big)));
    ok(!fx_live(conn), "two of them are");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("events: all memory is given back");
}


static void
test_timeout(void)
{
    fx_conn_t  *conn;

    fx_init(&unit_mem);

    conn = fx_open();
    is_int(conn->s.timeout, fx.now + 45000, "the wait is bounded");
    conn->s.heartbeat += 100000;
    eio_session_expire(&conn->s, fx.now + 44999);
    ok(fx_live(conn), "it is not over yet");
    eio_session_expire(&conn->s, fx.now + 45000);
    ok(!fx_live(conn), "no namespace in time");
    is_int(conn->s.reason, EIO_REASON_CONNECT_TIMEOUT, "the reason is told");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    is_int(conn->s.timeout, 0, "the first namespace ends the wait");
    fx_text(conn, "41");
    conn->s.heartbeat += 100000;
    eio_session_expire(&conn->s, fx.now + 45000);
    ok(fx_live(conn), "one that was left counts, too");
    sio_client_handler.timeout(&conn->s);
    ok(fx_live(conn), "even if the time comes");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40/random");
    conn->s.heartbeat += 100000;
    eio_session_expire(&conn->s, fx.now + 45000);
    ok(!fx_live(conn), "a refused one does not");
    fx_close(conn);

    fx_cleanup();
    unit_mem_none_left("timeout: all memory is given back");
}


/* The server ends all of it. */

static void
test_disconnect(void)
{
    fx_conn_t  *conn;

    fx_init(&unit_mem);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "40/n");
    (void) fx_take(conn);
    (void) fx_log_take();
    sio_client_disconnect(&conn->c);
    ok(!fx_live(conn), "a WebSocket is closed at once");
    is_int(conn->s.reason, EIO_REASON_FORCED_CLOSE, "by the server");
    fx_is(fx_log_take(),
          "disconnect /n server namespace disconnect rooms=0;"
          "disconnect / server namespace disconnect rooms=0;",
          "both sockets ended before");
    fx_is(fx_take(conn), "41/n,|41", "and were told");
    sio_client_disconnect(&conn->c);
    fx_close(conn);

    conn = fx_open();
    conn->s.transport = EIO_POLLING;
    fx_text(conn, "40");
    (void) fx_take(conn);
    sio_client_disconnect(&conn->c);
    fx_is(fx_take(conn), "41", "polling: the socket is told");
    ok(fx_live(conn), "before the session ends");
    fx_text(conn, "40");
    fx_is(fx_take(conn), "", "nothing more is taken");
    ok(fx_socket(conn, "/") == NULL, "no socket is made");
    conn->s.heartbeat += 100000;
    eio_session_expire(&conn->s, fx.now + 999);
    ok(fx_live(conn), "it is given a moment");
    eio_session_expire(&conn->s, fx.now + 1000);
    ok(!fx_live(conn), "and then closed");
    fx_close(conn);

    conn = fx_open();
    conn->s.transport = EIO_POLLING;
    sio_client_disconnect(&conn->c);
    ok(!fx_live(conn) || !eio_outq_empty(&conn->s.out), "nobody is to be told");
    fx_close(conn);

    fx_cleanup();
    unit_mem_none_left("disconnect: all memory is given back");
}


static void
test_pending(void)
{
    eio_msg_t      *msg;
    fx_conn_t      *conn;
    sio_socket_t   *socket;

    fx_init(&unit_mem);
    fx.connect = later;
    msg = fx_msg("42[\"held\"]");

    conn = fx_open();
    fx_text(conn, "40");
    fx_is(fx_take(conn), "", "no answer yet");
    is_int(sio_namespace_count(fx_namespace("/")), 0, "it is not counted");
    is_int(sio_socket_send(pending_socket, msg), SIO_OK, "it can be sent to");
    fx_is(fx_take(conn), "", "which is held");
    socket = pending_socket;
    sio_socket_accept(pending_socket);
    ok(strstr(fx_take(conn), "\"}|42[\"held\"]"), "CONNECT, then the message");
    ok(socket->held == NULL, "nothing is held any more");
    sio_socket_accept(socket);
    sio_socket_refuse(socket, sio_cstr("{}"));
    fx_is(fx_take(conn), "", "the answer is given once");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    (void) sio_socket_send(pending_socket, msg);
    sio_socket_refuse(pending_socket, sio_cstr("{\"message\":\"x\"}"));
    fx_is(fx_take(conn), "44{\"message\":\"x\"}",
           "a refused socket's messages are dropped");
    (void) fx_log_take();
    fx_text(conn, "40");
    sio_socket_disconnect(pending_socket);
    fx_is(fx_take(conn), "44{\"message\":\"Disconnected\"}",
           "a pending socket that is disconnected is refused");
    fx_is(fx_log_take(), "connect / ;", "nothing else is told");
    fx_text(conn, "40");
    (void) fx_log_take();
    fx_text(conn, "42[\"a\"]");
    ok(!fx_live(conn), "an event for a pending socket closes");
    fx_is(fx_log_take(), "cancel /;", "the wait is cancelled");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "40");
    ok(!fx_live(conn), "a second CONNECT while one waits closes");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx.options.buffer = 20;
    is_int(sio_socket_send(pending_socket, msg), SIO_OK, "one fits");
    is_int(sio_socket_send(pending_socket, msg), SIO_DECLINED,
           "too much for one that waits");
    ok(!fx_live(conn), "closes the session");
    fx_close(conn);

    eio_msg_unref(fx.mem, msg);
    is_int(fx_check(), 0, "all is consistent");
    fx_cleanup();
    unit_mem_none_left("pending: all memory is given back");
}


static void
test_greeting(void)
{
    fx_conn_t  *conn;

    fx_init(&unit_mem);
    fx.connect = greet;
    conn = fx_open();

    fx_text(conn, "40");
    ok(strstr(fx_take(conn), "\"}|42[\"hi\"]"),
       "what is sent to all while connecting follows the answer");
    is_str(sio_socket_user(fx_socket(conn, "/")), "ann", "there is a user");
    ok(sio_room_has(fx_socket(conn, "/"), sio_cstr("user:ann")),
       "in a room of its own");
    is_int(fx_check(), 0, "all is consistent");

    is_int(fx_identify(fx_socket(conn, "/"), sio_cstr("bob")),
           SIO_OK, "another user");
    ok(!sio_room_has(fx_socket(conn, "/"), sio_cstr("user:ann")),
       "leaves the first one's room");
    is_int(fx_identify(fx_socket(conn, "/"), sio_cstr("a\nb")),
           SIO_ERROR, "not a name for a room");
    is_str(sio_socket_user(fx_socket(conn, "/")), "bob", "changes nothing");

    (void) fx_log_take();
    sio_socket_disconnect(fx_socket(conn, "/"));
    fx_is(fx_take(conn), "41", "the server may end a socket");
    fx_is(fx_log_take(),
           "disconnect / server namespace disconnect rooms=2;",
           "it is in its rooms when that is told");
    ok(fx_live(conn), "the session stays");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("greeting: all memory is given back");
}


static void
end_self(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    sio_socket_disconnect(socket);
    sio_socket_disconnect(socket);
    (void) sio_room_join(socket, sio_cstr("late"));

    fx_log("still %.*s;", FX_STR(sio_namespace_name(socket->ns)));
}


/* The event fills the buffer: the session closes in the middle of it. */

static void
flood_self(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    unsigned    i;
    eio_msg_t  *msg;

    msg = fx_msg("42[\"flood\"]");

    for (i = 0; i < 2000 && sio_socket_send(socket, msg) == SIO_OK; i++) {
        /* void */
    }

    eio_msg_unref(fx.mem, msg);

    fx_log("still %.*s;", FX_STR(sio_namespace_name(socket->ns)));
}


static void
test_inside(void)
{
    fx_conn_t  *conn;

    fx_init(&unit_mem);

    conn = fx_open();
    fx_text(conn, "40");
    (void) fx_log_take();
    fx.event = end_self;
    fx_text(conn, "42[\"a\"]");
    fx_is(fx_log_take(),
           "event / -1 [\"a\"];still /;"
           "disconnect / server namespace disconnect rooms=0;",
           "a socket that ends in its own event lives until that is over");
    fx_text(conn, "40");
    ok(fx_live(conn) && fx_socket(conn, "/"), "and may come again");
    (void) fx_log_take();
    fx.event = flood_self;
    fx_text(conn, "42[\"a\"]");
    fx_is(fx_log_take(),
           "event / -1 [\"a\"];still /;disconnect / forced close rooms=0;",
           "so does one whose session closes");
    is_int(conn->s.reason, EIO_REASON_SLOW_CONSUMER, "it was too slow");
    is_int(fx_check(), 0, "all is consistent");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("inside: all memory is given back");
}


#define LIMITED                                                               \
    "{\"code\":\"rate_limited\",\"message\":\"too many packets\"}"


/* A rate of one packet in a minute: what is let in is the burst. */

static void
quota_begin(sio_quota_t *quota, unsigned burst)
{
    fx_init(&unit_mem);

    memset(quota, 0, sizeof(sio_quota_t));
    quota->packets.rate = SIO_LIMIT_ONE / 60;
    quota->packets.burst = (burst - 1) * SIO_LIMIT_ONE;
    fx.options.quota = quota;
}


static void
test_quota(void)
{
    fx_conn_t    *conn;
    sio_quota_t   quota;

    quota_begin(&quota, 3);
    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"b\"]");
    (void) fx_take(conn);
    (void) fx_log_take();

    fx_text(conn, "42[\"c\"]");
    fx_is(fx_log_take(), "limited;", "above: the rule does not hear of it");
    fx_is(fx_take(conn), "", "nor is it answered");
    fx_text(conn, "427[\"c\"]");
    fx_is(fx_take(conn), "437[" LIMITED "]", "an ack says why");
    fx_text(conn, "428[this is no JSON");
    fx_is(fx_take(conn), "438[" LIMITED "]", "its JSON is not looked at");
    fx_text(conn, "40/n1,");
    fx_is(fx_take(conn), "44/n1,{\"message\":\"too many packets\",\"data\":"
          LIMITED "}", "a CONNECT");
    fx_text(conn, "431[]");
    fx_is(fx_take(conn), "", "an ack is dropped");
    (void) fx_log_take();

    fx_text(conn, "452-9[\"c\",1,2]");
    fx_message(conn, 1, sio_cstr("one"));
    fx_message(conn, 1, sio_cstr("two"));
    fx_is(fx_log_take(), "limited;", "attachments go with it");
    fx_is(fx_take(conn), "439[" LIMITED "]", "one answer");
    ok(fx_live(conn), "the session lives");

    fx.now += 60 * 1000 * 10;
    fx_text(conn, "451-[\"c\",{\"_placeholder\":true,\"num\":0}]");
    fx_message(conn, 1, sio_cstr("three"));
    fx_is(fx_log_take(),
          "event / -1 [\"c\",{\"_placeholder\":true,\"num\":0}] <three>;",
          "later all is as it was");
    fx_text(conn, "42[\"d\"]");
    fx_is(fx_log_take(), "event / -1 [\"d\"];", "one more");
    fx_text(conn, "42[\"e\"]");
    fx_is(fx_log_take(), "limited;", "the attachment was a packet");

    fx_text(conn, "41");
    fx_is(fx_log_take(),
          "limited;disconnect / client namespace disconnect rooms=0;",
          "a DISCONNECT is taken");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "451-[\"a\",1]");
    fx_text(conn, "42[\"a\"]");
    is_int(conn->s.reason, EIO_REASON_PARSE_ERROR,
           "text where an attachment is due");
    fx_close(conn);

    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42/n2,[\"a\"]");
    is_int(conn->s.reason, EIO_REASON_PARSE_ERROR, "no such socket");
    fx_close(conn);

    quota.dry_run = 1;
    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"a\"]");
    (void) fx_log_take();
    fx_text(conn, "42[\"a\"]");
    fx_is(fx_log_take(), "limited;event / -1 [\"a\"];", "a dry run");
    fx_close(conn);

    quota.dry_run = 0;
    quota.close = 1;
    conn = fx_open();
    fx_text(conn, "40");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"a\"]");
    fx_text(conn, "42[\"a\"]");
    is_int(conn->s.reason, EIO_REASON_LIMITED, "close");
    fx_close(conn);

    fx_cleanup();
    unit_mem_none_left("quota: all memory is given back");
}


static void
test_vars(void)
{
    char           name[32], big[4097];
    unsigned       i;
    fx_conn_t     *conn;
    sio_str_t      value;
    sio_socket_t  *socket;

    fx_init(&unit_mem);
    conn = fx_open();
    fx_text(conn, "40");
    socket = fx_socket(conn, "/");

    is_int(sio_socket_get(socket, sio_cstr("a"), &value), SIO_DECLINED,
           "no value");
    is_int(sio_socket_set(socket, sio_cstr("a"), sio_cstr("1")), SIO_OK,
           "set");
    is_int(sio_socket_set(socket, sio_cstr("b"), sio_cstr("2")), SIO_OK,
           "set another");
    is_int(sio_socket_set(socket, sio_cstr("b"), sio_cstr("\"x\"")), SIO_OK,
           "replace the last");
    is_int(sio_socket_set(socket, sio_cstr("a"), sio_cstr("{}")), SIO_OK,
           "replace the first");
    (void) sio_socket_get(socket, sio_cstr("a"), &value);
    is_str(value, "{}", "the first value");
    (void) sio_socket_get(socket, sio_cstr("b"), &value);
    is_str(value, "\"x\"", "the other value");

    is_int(sio_socket_set(socket, sio_cstr("a"), sio_str(NULL, 0)), SIO_OK,
           "remove");
    is_int(sio_socket_get(socket, sio_cstr("a"), &value), SIO_DECLINED,
           "it is removed");
    is_int(sio_socket_set(socket, sio_cstr("a"), sio_str(NULL, 0)), SIO_OK,
           "remove again");

    memset(big, '1', sizeof(big));
    is_int(sio_socket_set(socket, sio_cstr("a"), sio_str(big, 4096 - 5)),
           SIO_OK, "4 KB in all");
    is_int(sio_socket_set(socket, sio_cstr("a"), sio_str(big, 4096 - 4)),
           SIO_DECLINED, "one byte more is too much");
    (void) sio_socket_get(socket, sio_cstr("a"), &value);
    is_int(value.len, 4096 - 5, "and changes nothing");
    (void) sio_socket_set(socket, sio_cstr("a"), sio_str(NULL, 0));

    for (i = 1; i < 40; i++) {
        snprintf(name, sizeof(name), "n%u", i);

        if (sio_socket_set(socket, sio_cstr(name), sio_cstr("1")) != SIO_OK) {
            break;
        }
    }

    is_int(i, 32, "32 names at most");
    is_int(sio_socket_set(socket, sio_cstr("b"), sio_cstr("3")), SIO_OK,
           "one of them can be replaced");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("vars: all memory is given back");
}


static void
test_no_memory(void)
{
    unsigned       n, bad;
    fx_conn_t     *conn;
    sio_socket_t  *socket;

    bad = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        fx_init(&unit_mem);
        fx.connect = greet;
        conn = fx_open();

        fx_text(conn, "40");
        fx_text(conn, "40/n,{\"a\":1}");
        socket = fx_socket(conn, "/n");

        if (socket) {
            (void) sio_socket_set(socket, sio_cstr("a"), sio_cstr("1"));
        }

        fx_text(conn, "451-/n,[\"a\",{\"_placeholder\":true,\"num\":0}]");
        fx_message(conn, 1, sio_cstr("x"));
        fx_text(conn, "451-/n,[\"a\",{\"_placeholder\":true,\"num\":0}]");
        bad += fx_check();

        if (fx_socket(conn, "/")) {
            sio_socket_disconnect(fx_socket(conn, "/"));
        }

        bad += fx_check();
        fx_close(conn);
        bad += fx_check() + (fx.app.namespaces.count != 0);
        fx_cleanup();

        bad += (unit_mem_ctx.live != 0);
    }

    is_int(bad, 0, "each of %u allocations fails and harms nothing", n - 1);
    ok(n > 20, "there were some");
}


int
main(void)
{
    unit_plan();

    is_int(sizeof(sio_socket_t), 120, "a socket is 120 bytes");
    ok(sizeof(sio_client_t) <= 48, "a client is 48 bytes");

    test_connect();
    test_refused();
    test_closing();
    test_events();
    test_timeout();
    test_disconnect();
    test_pending();
    test_greeting();
    test_inside();
    test_vars();
    test_quota();
    test_no_memory();

    return unit_done();
}
