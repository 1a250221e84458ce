/*
 * limit, dedup, throttle=; and what else asks the hub: count, $sent, mailbox.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_limit(void);
static void test_dedup(void);
static void test_throttle(void);
static void test_times(void);
static void test_count(void);
static void test_sent(void);
static void test_mailbox(void);
static void test_missing(void);
static void test_errors(void);


#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))

#define ERROR(code, text)                                                     \
    "error {\"code\":\"" code "\",\"message\":\"" text "\"};"
#define UNAVAILABLE  ERROR("unavailable", "try again later")


int
main(void)
{
    unit_plan();

    test_limit();
    test_dedup();
    test_throttle();
    test_times();
    test_count();
    test_sent();
    test_mailbox();
    test_missing();
    test_errors();

    return unit_done();
}


static void
test_limit(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "limit 10r/s; ack 1;"), "", "a limit");
    fx_is(rx_event_ack("[\"e\"]"), "limit 10000+0 6:1 0 e 1:/3:bob;ack 1;",
          "counts the user, in this rule and namespace");

    rx.fails = SIO_DECLINED;
    fx_is(rx_event_ack("[\"e\"]"), "limit 10000+0 6:1 0 e 1:/3:bob;"
          ERROR("rate_limited", "too many events"), "too many");
    rx.fails = SIO_ERROR;
    fx_is(rx_event_ack("[\"e\"]"), "limit 10000+0 6:1 0 e 1:/3:bob;"
          UNAVAILABLE, "no room to count");
    rx.fails = 0;

    fx_is(rx_on("f", "limit 30r/m burst=5 key=room:$.r;"), "", "its own key");
    fx_is(rx_event("[\"f\",{\"r\":7}]"), "limit 500+5000 6:1 0 f 1:/6:room:7;",
          "is what counts");
    fx_is(rx_event("[\"f\",{}]"),
          ERROR("invalid", "$.r must be a string or an integer"),
          "it must be there");

    fx_is(rx_on("g:*", "check in lobby; limit 1r/s key=all;"), "", "literal");
    fx_is(rx_event("[\"g:1\"]"), "limit 1000+0 8:1 1 g:* 1:/3:all;",
          "a key for everybody");

    fx_is(rx_on_api("t", "e", "limit 1r/s; emit x to all;"), "", "api");
    fx_is(rx_post("t", "e", "1"), "limit 1000+0 7:8 0 e t1:/0:;"
          "emit x(1) all;", "counts the rule as a whole");

    fx_is(rx_on_online("limit 1r/s;"), "", "online");
    fx_is(rx_presence(&rx.online, "amy"), "limit 1000+0 12:16 0 online 1:/"
          "3:amy;", "counts its user");

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_dedup(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "dedup $.id; emit x to lobby with 1; ack 1;"), "",
          "dedup");
    fx_is(rx_event_ack("[\"e\",{\"id\":\"m:1\"}]"),
          "dedup 300000 6:1 0 e 1:/3:bob3:m:1;emit x(1) to lobby;ack 1;",
          "what is new runs");

    rx.fails = SIO_DONE;
    fx_is(rx_event_ack("[\"e\",{\"id\":2}]"),
          "dedup 300000 6:1 0 e 1:/3:bob1:2;", "a repeat ends the rule");
    rx.fails = SIO_DECLINED;
    fx_is(rx_event_ack("[\"e\",{\"id\":2}]"),
          "dedup 300000 6:1 0 e 1:/3:bob1:2;"
          ERROR("too_large", "too large"), "a bound");
    rx.fails = 0;

    fx_is(rx_event("[\"e\",{}]"),
          ERROR("invalid", "$.id must be a string or an integer"),
          "no value");

    fx_is(rx_on("f", "dedup $.a:$.b window=1h;"), "", "two values");
    fx_is(rx_event("[\"f\",{\"a\":1,\"b\":2}]"),
          "dedup 3600000 6:1 0 f 1:/3:bob3:1:2;", "make a key");

    fx_is(rx_on_api("t", "e", "dedup $.id;"), "", "api");
    fx_is(rx_post("t", "e", "{\"id\":1}"), "dedup 300000 7:8 0 e t1:/0:1:1;",
          "has no user");

    rx_cleanup();
}


/* The key: step, namespace, socket, event, first room. */

static void
test_throttle(void)
{
    char  expected[128];

    rx_init(&unit_mem);

    fx_is(rx_on("t:*", "relay to lobby b throttle=1s; ack 1;"), "",
          "throttle");
    snprintf(expected, sizeof(expected), "throttle 1000 8:1 0 t:* 1:/20:%.*s"
             "3:t:a5:lobby;emit t:a(1) to lobby,b except SELF;ack 1;",
             FX_STR(sio_socket_sid(fx_socket(rx.conn, "/"))));
    fx_is(rx_event_ack("[\"t:a\",1]"), expected, "the first goes out");

    rx.fails = SIO_DECLINED;
    snprintf(expected, sizeof(expected), "throttle 1000 8:1 0 t:* 1:/20:%.*s"
             "3:t:b5:lobby;ack 1;",
             FX_STR(sio_socket_sid(fx_socket(rx.conn, "/"))));
    fx_is(rx_event_ack("[\"t:b\",1]"), expected,
          "what is too often is dropped, the rule goes on");

    rx.fails = SIO_NOMEM;
    ok(strstr(rx_event_ack("[\"t:b\",1]"), UNAVAILABLE) != NULL,
       "no memory to know it");
    rx.fails = 0;

    fx_is(rx_on("e", "emit x to all throttle=1s with 1;"), "", "to all");
    ok(strstr(rx_event("[\"e\"]"), "1:x0:;emit x(1) all;") != NULL,
       "is no room");

    fx_is(rx_on_offline("emit x to all throttle=1s;"), "", "offline");
    fx_is(rx_presence(&rx.offline, "amy"), "throttle 1000 13:32 0 offline 1:/"
          "3:amy1:x0:;emit x() all;", "the user counts");

    rx_cleanup();
}


static void
test_times(void)
{
    char    rule[64], expected[32];
    size_t  i;

    static const struct {
        const char  *text;
        unsigned     msec;               /* 0: refused */
    } times[] = {
        { "1s", 1000 },           { "500ms", 500 },      { "5", 5000 },
        { "1m", 60000 },          { "1m30s", 90000 },    { "2h", 7200000 },
        { "1d1h1m1s1ms", 90061001 },  { "30d", 2592000000u },
        { "1s500ms", 1500 },      { "1m5", 65000 },
        { "", 0 },                { "s", 0 },            { "0s", 0 },
        { "30d1ms", 0 },          { "31d", 0 },          { "1w", 0 },
        { "1s1m", 0 },            { "1s1s", 0 },         { "-1s", 0 },
        { "1.5s", 0 },            { "1 s", 0 },          { "99999999999d", 0 },
        { "1sx", 0 },             { "5m5x", 0 },         { "5x5m", 0 }
    };

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(times); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "dedup $data 'window=%s';",
                 times[i].text);

        if (times[i].msec == 0) {
            ok(strstr(rx_on("e", rule), "is not a time of 1ms to 30d, as"
                      " 500ms, 10s or 1m30s") != NULL, "%s: %s", rule,
               rx.c.error);
            continue;
        }

        fx_is(rx_on("e", rule), "", "%s", rule);
        snprintf(expected, sizeof(expected), "dedup %u ", times[i].msec);
        ok(strncmp(rx_event("[\"e\",1]"), expected, strlen(expected)) == 0,
           "%s is %u msec", times[i].text, times[i].msec);
    }

    rx_cleanup();
}


static void
test_count(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "count n room:$.r; emit x to n:$n with"
                " '{\"n\": $n, \"s\": \"$n here\"}'; when $n = 6 { ack $n; }"
                " otherwise { ack 0; }"), "", "count");
    fx_is(rx_event_ack("[\"e\",{\"r\":1}]"),
          "emit x({\"n\":6,\"s\":\"6 here\"}) to n:6;ack 6;",
          "its name has the number");
    fx_is(rx_event_ack("[\"e\",{\"r\":12}]"),
          "emit x({\"n\":7,\"s\":\"7 here\"}) to n:7;ack 0;", "each time");
    fx_is(rx_event_ack("[\"e\"]"),
          ERROR("invalid", "$.r must be a string or an integer"), "no room");

    fx_is(rx_on("two", "count a xx; count b xxx; count a xxxx; ack $a $b;"),
          "", "several");
    fx_is(rx_event_ack("[\"two\"]"), "ack 4,3;", "the last of a name counts");

    fx_is(rx_on("w", "when $data = 1 { count a xx; } ack $a;"), "",
          "in a block");
    fx_is(rx_event_ack("[\"w\",1]"), "ack 2;", "which runs");
    fx_is(rx_event_ack("[\"w\",2]"), "ack null;", "or does not");

    fx_is(rx_on("~^(?<a>.)~$", "count a xx; emit x to all with $a;"), "",
          "a name of a capture too");
    fx_is(rx_event("[\"q~\"]"), "emit x(2) all;", "is counted");

    rx.fails = SIO_NOMEM;
    fx_is(rx_event_ack("[\"two\"]"), UNAVAILABLE, "a failure");
    rx.fails = 0;

    fx_is(rx_on_api("t", "e", "count n xx; emit x to all with $n;"), "",
          "api");
    fx_is(rx_post("t", "e", "1"), "emit x(2) all;", "has it as well");

    rx_cleanup();
}


static void
test_sent(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "emit x to user:$.ids[*] b with 1;"
                " ack null '{\"d\": $sent.delivered, \"q\": $sent.queued,"
                " \"r\": $sent.rejected}' $sent.rejected[1];"), "", "sent");
    fx_is(rx_event_ack("[\"e\",{\"ids\":[1]}]"),
          "emit x(1) to user:1,b sent;ack null,{\"d\":[\"7\"],\"q\":[],"
          "\"r\":[\"8\",\"9\"]},\"9\";", "the lists");
    fx_is(rx_event_ack("[\"e\",{\"ids\":[]}]"),
          "emit x(1) to b sent;ack null,{\"d\":[\"7\"],\"q\":[],"
          "\"r\":[\"8\",\"9\"]},\"9\";", "another room remains");

    fx_is(rx_on("n", "emit x to user:$.ids[*] with 1;"
                " ack $sent.delivered $sent.rejected;"), "", "to nobody");
    fx_is(rx_event_ack("[\"n\",{\"ids\":[]}]"), "ack [],[];",
          "the lists are empty");

    fx_is(rx_on("w", "when $data = 1 { emit x to user:a with 1; } otherwise"
                " { emit y to user:b with 1; } emit z to c with 1;"
                " check $sent.delivered[*] = 7; ack $sent.delivered;"), "",
          "in blocks");
    fx_is(rx_event_ack("[\"w\",1]"), "emit x(1) to user:a sent;"
          "emit z(1) to c;ack [\"7\"];", "the one");
    fx_is(rx_event_ack("[\"w\",2]"), "emit y(1) to user:b sent;"
          "emit z(1) to c;ack [\"7\"];", "or the other");

    fx_is(rx_on("u", "when $data = 1 { emit x to user:a with 1; }"
                " ack $sent.delivered;"), "", "not run");
    fx_is(rx_event_ack("[\"u\",2]"), "ack null;", "is missing");

    rx_cleanup();
}


static void
test_mailbox(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "emit x to user:$.a user:b mailbox with 1;"
                " emit y to user:$.l[*] with 2 mailbox=k:$.a throttle=1m;"),
          "", "mailbox");
    ok(strstr(rx_event("[\"e\",{\"a\":1,\"l\":[2,3]}]"),
              "emit x(1) to user:1,user:b mailbox=;throttle 60000 ")
       != NULL, "without a key");
    ok(strstr(rx_event("[\"e\",{\"a\":1,\"l\":[2,3]}]"),
              "emit y(2) to user:2,user:3 mailbox=k:1;") != NULL, "and with");

    fx_is(rx_on("k", "emit x to user:a mailbox=$.k with 1;"), "", "a key");
    fx_is(rx_event("[\"k\",{}]"),
          ERROR("invalid", "$.k must be a string or an integer"),
          "must be there");
    fx_is(rx_event("[\"k\",{\"k\":\"\"}]"),
          ERROR("invalid", "$.k is not a key"), "and a name");

    fx_is(rx_on("f", "mailbox flush; mailbox drop i:$.id;"), "", "verbs");
    fx_is(rx_event("[\"f\",{\"id\":5}]"), "flush;drop i:5;", "run");
    fx_is(rx_event("[\"f\"]"), "flush;"
          ERROR("invalid", "$.id must be a string or an integer"), "no key");

    rx.fails = SIO_NOMEM;
    fx_is(rx_event("[\"f\",{\"id\":5}]"), "flush;" UNAVAILABLE, "a failure");
    rx.fails = 0;

    fx_is(rx_on_connect("mailbox flush;"), "", "flush in connect");
    fx_is(rx_on_api("t", "e", "mailbox drop $.id;"), "", "drop in api");
    fx_is(rx_post("t", "e", "{\"id\":\"x\"}"), "drop x;", "it runs");

    rx_cleanup();
}


/* A hub that has none of it. */

static void
test_missing(void)
{
    size_t          i;
    sio_rule_ops_t  ops;

    static const char  *rules[] = {
        "limit 1r/s;", "dedup $.id;", "emit x to all throttle=1s;",
        "check online $.id;", "count n a;", "mailbox flush;",
        "mailbox drop a;"
    };

    rx_init(&unit_mem);

    ops = rx_ops;
    ops.limit = NULL;
    ops.dedup = NULL;
    ops.throttle = NULL;
    ops.online = NULL;
    ops.count = NULL;
    ops.mailbox_flush = NULL;
    ops.mailbox_drop = NULL;
    rx.ops = &ops;

    for (i = 0; i < NUMBER(rules); i++) {
        rx_forget();
        fx_is(rx_on("e", rules[i]), "", "%s", rules[i]);
        fx_is(rx_event("[\"e\",{\"id\":1}]"), UNAVAILABLE, "is not to be had");
    }

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
        { "limit", "too few arguments in \"limit\", its form is: limit RATE"
          " [burst=N] [key=VALUE]" },
        { "limit 10", "\"10\" is not a rate: 1 to 1000000 in a second or a"
          " minute, as 10r/s or 30r/m" },
        { "limit 0r/s", "\"0r/s\" is not a rate" },
        { "limit r/s", "\"r/s\" is not a rate" },
        { "limit 1r/h", "\"1r/h\" is not a rate" },
        { "limit 1r/ss", "\"1r/ss\" is not a rate" },
        { "limit 1000001r/s", "\"1000001r/s\" is not a rate" },
        { "limit 99999999999999999999r/s", "\"99999999999999999999r/s\" is" },
        { "limit 1r/s burst=", "\"burst=\" is not one burst of 0 to" },
        { "limit 1r/s burst=x", "\"burst=x\" is not one burst of 0 to" },
        { "limit 1r/s burst=1x", "\"burst=1x\" is not one burst of 0 to" },
        { "limit 1r/s burst=1 burst=2", "\"burst\" stands there twice" },
        { "limit 1r/s key=", "\"key=\" has no value" },
        { "limit 1r/s key=a key=b", "\"key\" stands there twice" },
        { "limit 1r/s nodelay", "unexpected \"nodelay\": behind the rate" },
        { "limit 1r/s key=$nobody", "unknown value \"$nobody\"" },
        { "dedup a", "\"a\" is literal: \"dedup\" takes what tells one event"
          " from another, as $.id" },
        { "dedup $.a 5m", "unexpected \"5m\": behind the value stands"
          " window=TIME" },
        { "emit x to a throttle=soon", "\"soon\" is not a time of 1ms to" },
        { "emit x to a throttle=", "\"\" is not a time of 1ms to 30d" },
        { "count n", "too few arguments in \"count\", its form is: count NAME"
          " ROOM" },
        { "count 1 a", "\"1\" is not a name: it has letters, digits and" },
        { "count a.b a", "\"a.b\" is not a name" },
        { "count user a", "\"$user\" is a value already, take another name" },
        { "count n ''", "the name of a room is empty" },
        { "count n a; ack $n.x", "\"$n\" has no members" },
        { "ack $n; count n a", "unknown value \"$n\"" },
        { "ack $sent.delivered", "\"$sent.delivered\": no \"emit ... to"
          " user:ID\" stands before it" },
        { "emit x to a; ack $sent.queued", "\"$sent.queued\": no \"emit" },
        { "emit x to user:a with $sent.queued", "\"$sent.queued\": no \"emit" },
        { "emit x to user:a; ack $sent", "\"$sent\" is none of"
          " $sent.delivered, $sent.queued and $sent.rejected" },
        { "emit x to user:a; ack $sent.deliverd", "\"$sent.deliverd\" is none"
          " of $sent.delivered, $sent.queued and $sent.rejected, did you mean"
          " \"delivered\"?" },
        { "emit x to user:a; ack $sent[0]", "\"$sent[0]\" is none of" },
        { "emit x to a mailbox", "a mailbox is a user's: with \"mailbox\" all"
          " rooms behind \"to\" are user:ID" },
        { "emit x to all mailbox", "a mailbox is a user's" },
        { "emit x to self mailbox", "a mailbox is a user's" },
        { "emit x to user:a b mailbox", "a mailbox is a user's" },
        { "emit x to user:a except self mailbox", "\"mailbox\" takes no"
          " \"except\"" },
        { "emit x to user:a except b mailbox", "\"mailbox\" takes no" },
        { "emit x to user:a volatile mailbox", "what is \"volatile\" is not"
          " kept in a mailbox" },
        { "emit x to user:a mailbox volatile", "what is \"volatile\" is not" },
        { "emit x to user:a mailbox=", "the key of \"mailbox=\" is empty" },
        { "relay to user:a mailbox", "\"relay\" has no mailbox, use: emit"
          " $event to user:ID mailbox" },
        { "mailbox", "too few arguments in \"mailbox\", its form is: mailbox"
          " flush, or mailbox drop KEY" },
        { "mailbox empty", "\"mailbox empty\" is unknown: it is mailbox"
          " flush, or mailbox drop KEY" },
        { "mailbox flush now", "\"mailbox flush\" takes nothing: \"now\"" },
        { "mailbox drop", "\"mailbox drop\" has no key" },
        { "mailbox drop ''", "\"mailbox drop\" has no key" }
    };

    char  rule[256];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "%s;", errors[i].rule);

        ok(strstr(rx_on("e", rule), errors[i].error) == rx.c.error
           && rx.c.error[0], "%s: %s", rule, rx.c.error);
    }

    fx_is(rx_on_api("t", "e", "mailbox flush;"), "\"mailbox flush\" cannot be"
          " used in an \"api\" rule: it has no socket", "flush in api");
    fx_is(rx_on_connect("dedup $user;"), "\"dedup\" cannot be used in \"on"
          " connect\"", "dedup in connect");

    rx_cleanup();
}
