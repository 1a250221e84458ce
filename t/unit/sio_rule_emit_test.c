/*
 * emit, relay and ack: whom they reach and what they send.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_targets(void);
static void test_arguments(void);
static void test_relay(void);
static void test_names(void);
static void test_rooms(void);
static void test_ack(void);
static void test_verbatim(void);
static void test_errors(void);


typedef struct {
    const char  *rule;                   /* without the semicolon */
    const char  *result;
} emit_t;

#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))

#define INVALID(text)                                                         \
    "error {\"code\":\"invalid\",\"message\":\"" text "\"};"


int
main(void)
{
    unit_plan();

    test_targets();
    test_arguments();
    test_relay();
    test_names();
    test_rooms();
    test_ack();
    test_verbatim();
    test_errors();

    return unit_done();
}


/* Each rule gets ["e",{"a":1},"two"]. */

static void
run_all(const emit_t *emits, size_t n)
{
    char    rule[512];
    size_t  i;

    for (i = 0; i < n; i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "%s;", emits[i].rule);

        fx_is(rx_on("e", rule), "", "%s", rule);
        fx_is(rx_event("[\"e\",{\"a\":1},\"two\"]"), emits[i].result,
              "%s runs", rule);
    }
}


static void
test_targets(void)
{
    static const emit_t  emits[] = {
        { "emit x to a with 1", "emit x(1) to a;" },
        { "emit x to a b:$.a user:$user with 1",
          "emit x(1) to a,b:1,user:bob;" },
        { "emit x to all with 1", "emit x(1) all;" },
        { "emit x to self with 1", "emit x(1) self;" },
        { "emit x to all except self with 1", "emit x(1) all except SELF;" },
        { "emit x to a except self b user:$.a with 1",
          "emit x(1) to a except b,user:1,SELF;" },
        { "emit x to a except b c with 1 volatile",
          "emit x(1) to a except b,c volatile;" },
        { "emit x with 1 to a", "emit x(1) to a;" },
        { "emit x volatile to a with 1", "emit x(1) to a volatile;" },
        { "emit x to $socket with 1", "emit x(1) to SELF;" },
        { "emit to to a with 1", "emit to(1) to a;" }
    };

    rx_init(&unit_mem);
    run_all(emits, NUMBER(emits));
    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_arguments(void)
{
    static const emit_t  emits[] = {
        { "emit x to a", "emit x({\"a\":1},\"two\") to a;" },
        { "emit x to a with $args", "emit x({\"a\":1},\"two\") to a;" },
        { "emit x to a with 0 $args 3",
          "emit x(0,{\"a\":1},\"two\",3) to a;" },
        { "emit x to a with $data", "emit x({\"a\":1}) to a;" },
        { "emit x to a with $[1] $.b", "emit x(\"two\",null) to a;" },
        { "emit x to a with '{\"w\": $args}'",
          "emit x({\"w\":[{\"a\":1},\"two\"]}) to a;" }
    };

    rx_init(&unit_mem);

    run_all(emits, NUMBER(emits));

    rx_forget();
    fx_is(rx_on("e", "emit x to a; emit y to a with 0 $args 3;"
                " emit z to a with $args 3; emit w to a with $args $args;"),
          "", "no arguments");
    fx_is(rx_event("[\"e\"]"), "emit x() to a;emit y(0,3) to a;"
          "emit z(3) to a;emit w() to a;", "leave no comma behind");

    rx_cleanup();
}


static void
test_relay(void)
{
    static const emit_t  emits[] = {
        { "relay to a", "emit e({\"a\":1},\"two\") to a except SELF;" },
        { "relay to all", "emit e({\"a\":1},\"two\") all except SELF;" },
        { "relay to a b except c volatile",
          "emit e({\"a\":1},\"two\") to a,b except c,SELF volatile;" },
        { "relay to a with $user", "emit e(\"bob\") to a except SELF;" },
        { "relay to r:$.a", "emit e({\"a\":1},\"two\") to r:1 except SELF;" }
    };

    rx_init(&unit_mem);

    run_all(emits, NUMBER(emits));

    rx.attachments.item[0] = sio_cstr("AA");

    rx_forget();
    fx_is(rx_on("e", "relay to a;"), "", "relay");
    fx_is(rx_packet(sio_cstr("51-[\"e\", {\"_placeholder\":true,\"num\":0} ]")),
          "emit e({\"_placeholder\":true,\"num\":0}) <AA> to a except SELF;",
          "attachments go along");

    rx_cleanup();
}


static void
test_names(void)
{
    static const emit_t  emits[] = {
        { "emit $event to a with 1", "emit e(1) to a;" },
        { "emit re:$event to a with 1", "emit re:e(1) to a;" },
        { "emit n:$.a to a with 1", "emit n:1(1) to a;" },
        { "emit $[1] to a with 1", "emit two(1) to a;" },
        { "emit $.b to a with 1",
          INVALID("$.b must be a string or an integer") }
    };

    rx_init(&unit_mem);

    run_all(emits, NUMBER(emits));

    rx_forget();
    fx_is(rx_on("e", "emit $[0] to a;"), "", "a name out of the payload");
    fx_is(rx_event("[\"e\",\"disconnect\"]"),
          INVALID("not a name for an event"), "a reserved one is invalid");
    fx_is(rx_event("[\"e\",\"dis\\u0063onnecting\"]"),
          INVALID("not a name for an event"), "with escapes too");
    fx_is(rx_event("[\"e\",\"\"]"), INVALID("not a name for an event"),
          "an empty one");

    fx_is(rx_on("~^(.*)$", "emit $1 to a with 1;"), "",
          "a name out of a capture");
    fx_is(rx_event("[\"q\"]"), "emit q(1) to a;", "is sent");

    rx_cleanup();
}


static void
test_rooms(void)
{
    unsigned  i;
    char      rule[2048];
    size_t    len;

    rx_init(&unit_mem);

    fx_is(rx_on("e", "join b; emit x to a:$.r;"), "", "a room");
    fx_is(rx_event("[\"e\",{\"r\":null}]"),
          "join b;" INVALID("$.r must be a string or an integer"),
          "null is no room");
    fx_is(rx_event("[\"e\",{\"r\":\"\\u0007\"}]"),
          "join b;" INVALID("not a name for a room"), "nor is a bell");

    len = (size_t) snprintf(rule, sizeof(rule), "emit x to");

    for (i = 0; i < SIO_RULE_ROOMS_MAX; i++) {
        len += (size_t) snprintf(rule + len, sizeof(rule) - len, " r%u", i);
    }

    snprintf(rule + len, sizeof(rule) - len, " except self;");
    fx_is(rx_on("most", rule), "", "as many rooms as there may be");
    ok(strstr(rx_event("[\"most\"]"), ",r63 except SELF;") != NULL,
       "are all named");

    snprintf(rule + len, sizeof(rule) - len, " except more;");
    fx_is(rx_on("more", rule), "more than 64 rooms", "one more is refused");

    rx_cleanup();
}


static void
test_ack(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "ack null '{\"a\":$.a}'; ack 2;"), "", "two acks");
    fx_is(rx_event_ack("[\"e\",{\"a\":5}]"), "ack null,{\"a\":5};",
          "the first counts");
    ok(rx.run.acked, "it is remembered");

    fx_is(rx_event("[\"e\",{\"a\":5}]"), "", "an event without ack id");
    ok(!rx.run.acked, "is not acked");

    fx_is(rx_on("n", "ack $args;"), "", "all arguments");
    fx_is(rx_event_ack("[\"n\"]"), "ack ;", "maybe none");

    rx_cleanup();
}


/* The hot path: no copy, no allocation. */

static void
test_verbatim(void)
{
    unsigned  before;

    rx_init(&unit_mem);

    fx_is(rx_on("e", "check in $.r; relay to $.r volatile;"), "", "a relay");
    fx_is(rx_event("[\"e\",{\"r\":\"lobby\",\"x\":[1]}]"),
          "emit e({\"r\":\"lobby\",\"x\":[1]}) to lobby except SELF"
          " volatile;", "it runs");

    before = unit_mem_ctx.allocs;
    (void) rx_event("[\"e\",{\"r\":\"lobby\",\"x\":[1]}]");
    is_int(unit_mem_ctx.allocs, before, "nothing is allocated");
    is_int(rx.scratch.bytes, 0, "not even scratch");

    rx_cleanup();
}


static void
test_errors(void)
{
    size_t  i;

    static const struct {
        const char  *rule;
        const char  *error;
    } errors[] = {
        { "emit x y z", "unexpected \"y\"" },
        { "emit x too a", "unexpected \"too\", did you mean \"to\"?" },
        { "emit x to a volatil b with 1 volatil", NULL },
        { "emit x volatil to a",
          "unexpected \"volatil\", did you mean \"volatile\"?" },
        { "emit x with 1 2", "\"emit\" does not say to whom: to"
          " ROOM...|all|self" },
        { "emit x to with 1", "\"emit\" does not say to whom: to"
          " ROOM...|all|self" },
        { "emit x to a to b", "\"to\" stands there twice" },
        { "emit x to self a", "\"self\" stands alone behind \"to\"" },
        { "emit x to all a", "\"all\" stands alone behind \"to\"" },
        { "emit x to self all", "\"self\" stands alone behind \"to\"" },
        { "emit x to self except a", "\"to self\" has no \"except\"" },
        { "emit x to a except", "\"except\" names nobody" },
        { "emit x to a except all", "\"except all\" leaves nobody" },
        { "emit x except a to b", "\"except\" stands behind \"to\"" },
        { "emit x to a with", "\"with\" has no template" },
        { "emit connect to a", "\"connect\" is an event name that Socket.IO"
          " reserves: it would close the receivers" },
        { "emit '' to a", "the name of the event has 1 to 256 bytes" },
        { "emit x to a throttl=1s", "unknown parameter \"throttl=1s\", did"
          " you mean \"throttle\"?" },
        { "emit x to a throttle", "the parameter \"throttle\" takes a"
          " value" },
        { "emit x to a volatile=1",
          "the parameter \"volatile\" takes no value" },
        { "emit x to a volatile b", "unexpected \"b\"" },
        { "relay a", "too few arguments in \"relay\", its form is: relay to"
          " ROOM...|all [except ROOM...] [with TEMPLATE...] [volatile]"
          " [throttle=TIME]" },
        { "relay chat to a", "\"relay\" keeps the name of the event, for"
          " \"chat\" use \"emit\"" },
        { "relay to self", "\"relay\" goes to others, for \"self\" use: emit"
          " $event to self" },
        { "ack {", NULL },
        { "emit x to a$", NULL },
        { "emit x to $nobody", "unknown value \"$nobody\"" }
    };

    char  rule[256];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "%s;", errors[i].rule);

        if (errors[i].error) {
            fx_is(rx_on("e", rule), errors[i].error, "%s", rule);

        } else {
            ok(*rx_on("e", rule), "%s: %s", rule, rx.c.error);
        }
    }

    rx_cleanup();
}
