/*
 * forward: what is posted, and what is done of the answer.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void reply(unsigned status, const char *body);
static void test_compile(void);
static void test_body(void);
static void test_answers(void);
static void test_refused(void);
static void test_sources(void);
static void test_failures(void);


int
main(void)
{
    unit_plan();

    test_compile();
    test_body();
    test_answers();
    test_refused();
    test_sources();
    test_failures();

    return unit_done();
}


/* What came back: the run goes on. */

static void
reply(unsigned status, const char *body)
{
    sio_forwarded_t  *answer;

    answer = rx.run.pending;

    if (answer) {
        answer->status = status;
        answer->body = sio_cstr(body);
        (void) rx_go();
    }
}


static void
test_compile(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("a", "forward /app/x?y=1 timeout=2s;"), "", "a path");
    is_int(rx.c.rule->waits, 1, "the rule may wait");
    fx_is(rx_on("b", "forward /x async;"), "", "async");
    is_int(rx.c.rule->waits, 0, "that does not wait");
    fx_is(rx_on("c", "forward http://host/x;"), "\"http://host/x\" is not the"
          " path of a location of this server, as /app/events", "no URL");
    fx_is(rx_on("d", "forward \"/a b\";"), "\"/a b\" is not a path: it has a"
          " character that no path has", "no space");
    fx_is(rx_on("e", "forward /$user;"), "\"/$user\" is not a path: it has a"
          " character that no path has", "no value");
    fx_is(rx_on("f", "forward /x timeout=61s;"), "\"timeout=61s\" is too long:"
          " a socket waits for at most 60s", "not for long");
    fx_is(rx_on("g", "forward /x timeout=x;"), "\"x\" is not a time of 1ms to"
          " 30d, as 500ms, 10s or 1m30s", "a time");
    fx_is(rx_on("h", "forward /x retry=3;"), "\"retry=3\" is unknown in"
          " \"forward\", which has timeout=TIME and async", "a parameter");
    fx_is(rx_on("i", "forward;"), "too few arguments in \"forward\", its form"
          " is: forward URI [timeout=TIME] [async]", "nothing");

    rx_cleanup();
}


static void
test_body(void)
{
    char  text[512];

    rx_init(&unit_mem);

    fx_is(rx_on("a", "forward /x timeout=2s; join behind;"), "", "a rule");

    (void) snprintf(text, sizeof(text), "forward /x 2000 {\"namespace\":\"/\","
                    "\"event\":\"a\",\"args\":[{\"b\":1},2],\"data\":{\"b\":1},"
                    "\"socket\":\"%.*s\",\"user\":\"bob\",\"claims\":{}};wait;",
                    EIO_SID_LEN,
                    (const char *) fx_socket(rx.conn, "/")->sid);
    fx_is(rx_event("[\"a\",{\"b\":1},2]"), text, "what is posted");

    reply(204, "");
    fx_is(fx_log_take(), "join behind;", "nothing to do: the rule goes on");

    ok(strstr(rx_event("[\"a\"]"), "\"args\":[],\"data\":null,") != NULL,
       "no arguments");

    rx.attachments.item[0] = sio_cstr("abc");
    ok(strstr(rx_packet(sio_cstr("51-[\"a\",{\"f\":{\"_placeholder\":true,"
                                 "\"num\":0}}]")),
              "\"args\":[{\"f\":{\"base64\":\"YWJj\"}}]") != NULL,
       "an attachment is in place");

    rx.attachments.item[1] = sio_cstr("d");
    ok(strstr(rx_packet(sio_cstr("52-[\"a\",1,[{\"_placeholder\":true,"
                                 "\"num\":0}],{\"_placeholder\":true,"
                                 "\"num\":1}]")),
              "\"args\":[1,[{\"base64\":\"YWJj\"}],{\"base64\":\"ZA==\"}],"
              "\"data\":1,") != NULL,
       "so it is in any argument");

    fx_is(rx_on("b", "forward /y async; join b;"), "", "async");
    ok(strstr(rx_event("[\"b\"]"), "async {\"names") != NULL, "is posted");

    rx.fails = SIO_DECLINED;
    ok(strstr(rx_event("[\"a\"]"), "too_large") != NULL, "a failure fails it");

    rx_cleanup();
}


static void
test_answers(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("a", "forward /x; join behind;"), "", "a rule");

    (void) rx_event_ack("[\"a\"]");
    reply(200, "{\"ack\":[null,1],\"join\":[\"r\",\"s\"],\"leave\":\"r\","
               "\"set\":{\"v\":[1]},\"emit\":{\"event\":\"e\",\"data\":2}}");
    fx_is(fx_log_take(), "join r;join s;leave r;answer / e(2);ack null,1;"
          "join behind;", "all in order");
    is_int(sio_socket_get(fx_socket(rx.conn, "/"), sio_cstr("v"),
                          &rx.run.reason), SIO_OK, "and stored");

    (void) rx_event("[\"a\"]");
    reply(201, "{\"ack\":[1],\"set\":{\"v\":null}}");
    fx_is(fx_log_take(), "join behind;", "no ack where none is wanted");
    is_int(sio_socket_get(fx_socket(rx.conn, "/"), sio_cstr("v"),
                          &rx.run.reason), SIO_DECLINED, "and removed");

    (void) rx_event("[\"a\"]");
    reply(200, "{\"disconnect\":true}");
    fx_is(fx_log_take(), "disconnect;", "the end");

    (void) rx_event("[\"a\"]");
    reply(200, "{\"join\":\"r\",\"error\":{\"code\":\"x\",\"y\":1}}");
    fx_is(fx_log_take(), "join r;reject {\"code\":\"x\",\"y\":1};",
          "an error ends the rule");

    (void) rx_event("[\"a\"]");
    reply(200, "{\"join\":\"r\",\"emit\":{\"event\":\"bad\"}}");
    fx_is(fx_log_take(), "complain emit: is bad;error {\"code\":\"unavailable\""
          ",\"message\":\"try again later\"};", "all or nothing");

    (void) rx_event("[\"a\"]");
    reply(200, "{\"set\":{\"a b\":1}}");
    ok(strstr(fx_log_take(), "complain set: has a name") != NULL, "a name");

    (void) rx_event("[\"a\"]");
    reply(200, "no");
    ok(strstr(fx_log_take(), "unavailable") != NULL, "no JSON");

    rx_cleanup();
}


static void
test_refused(void)
{
    size_t  i;

    static const struct {
        unsigned     status;
        const char  *body;
        const char  *error;
    } refused[] = {
        { 403, "{\"code\":\"mine\",\"n\":1}",
          "reject {\"code\":\"mine\",\"n\":1};" },
        { 401, "{\"code\":\"timeout\"}", "reject {\"code\":\"timeout\"};" },
        { 403, "<h1>", "error {\"code\":\"forbidden\",\"message\":\"not"
          " allowed\"};" },
        { 400, "", "error {\"code\":\"invalid\",\"message\":\"invalid"
          " data\"};" },
        { 422, "[]", "error {\"code\":\"invalid\",\"message\":\"invalid"
          " data\"};" },
        { 408, "", "error {\"code\":\"timeout\",\"message\":\"timed out\"};" },
        { 413, "", "error {\"code\":\"too_large\",\"message\":\"too"
          " large\"};" },
        { 429, "", "error {\"code\":\"rate_limited\",\"message\":\"too many"
          " events\"};" },
        { 302, "{}", "error {\"code\":\"unavailable\",\"message\":\"try again"
          " later\"};" },
        { 500, "{}", "error {\"code\":\"unavailable\",\"message\":\"try again"
          " later\"};" },
        { 0, "", "error {\"code\":\"unavailable\",\"message\":\"try again"
          " later\"};" }
    };

    rx_init(&unit_mem);

    fx_is(rx_on("a", "forward /x; join behind;"), "", "a rule");

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        (void) rx_event("[\"a\"]");
        reply(refused[i].status, refused[i].body);
        fx_is(fx_log_take(), refused[i].error, "%u %s", refused[i].status,
              refused[i].body);
    }

    rx_cleanup();
}


static void
test_sources(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on_connect("forward /c;"), "", "on connect");
    rx_run_init(fx_socket(rx.conn, "/"));
    rx.run.rule = &rx.connect;
    (void) rx_go();
    ok(strstr(fx_log_take(), "\"event\":\"connect\",\"args\":[{\"token\":\"t\","
              "\"n\":5}],\"data\":{\"token\":\"t\",\"n\":5},") != NULL,
       "has the payload of CONNECT");

    fx_is(rx_on_disconnect("forward /d;"), "", "on disconnect");
    rx_run_init(fx_socket(rx.conn, "/"));
    rx.run.rule = &rx.disconnect;
    rx.run.reason = sio_cstr("transport close");
    (void) rx_go();
    ok(strstr(fx_log_take(), "\"event\":\"disconnect\",\"args\":[\"transport"
              " close\"],\"data\":\"transport close\",") != NULL,
       "has the reason");
    reply(200, "{\"join\":\"x\"}");
    ok(strstr(fx_log_take(), "complain join: needs a socket") != NULL,
       "there is no socket to join");

    fx_is(rx_on_online("forward /o;"), "", "on online");
    rx_run_init(NULL);
    rx.run.rule = &rx.online;
    rx.run.user = sio_cstr("amy");
    (void) rx_go();
    fx_is(fx_log_take(), "forward /o 5000 {\"namespace\":\"/\",\"event\":"
          "\"online\",\"args\":[],\"data\":null,\"socket\":null,\"user\":"
          "\"amy\",\"claims\":{}};wait;", "has the user");
    reply(200, "{\"emit\":{\"event\":\"e\"}}");
    fx_is(fx_log_take(), "answer / e();", "and may emit");

    rx_cleanup();
}


static void
test_failures(void)
{
    unsigned     n;
    const char  *log;

    rx_init(&unit_mem);
    fx_is(rx_on("a", "forward /x;"), "", "a rule");

    for (n = 1; unit_mem_fail(n); n++) {
        sio_scratch_free(&rx.scratch);
        (void) rx_event("[\"a\",1]");
        reply(200, "{\"join\":[\"\\u0061\"],\"emit\":{\"event\":\"e\"}}");
        log = fx_log_take();
        ok(*log == '\0' || strstr(log, "answer") || strstr(log, "unavailable"),
           "allocation %u fails", n);
    }

    rx_cleanup();
    unit_mem_none_left("nothing leaks");
}
