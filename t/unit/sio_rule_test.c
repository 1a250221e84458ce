/*
 * Rules: how one is chosen, what its verbs do, how runs end, and the errors
 * of a configuration.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_example(void);
static void test_choice(void);
static void test_globs(void);
static void test_api(void);
static void test_patterns_refused(void);
static void test_rooms(void);
static void test_reject(void);
static void test_disconnect(void);
static void test_when(void);
static void test_unreachable(void);
static void test_life_cycle(void);
static void test_wait(void);
static void test_payload(void);
static void test_failures(void);
static void test_bounds(void);
static void test_tables(void);
static void test_errors(void);
static void test_memory(void);


#define FORBIDDEN                                                             \
    "error {\"code\":\"forbidden\",\"message\":\"not allowed\"};"

#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))


int
main(void)
{
    unit_plan();

    test_example();
    test_choice();
    test_globs();
    test_api();
    test_patterns_refused();
    test_rooms();
    test_reject();
    test_disconnect();
    test_when();
    test_unreachable();
    test_life_cycle();
    test_wait();
    test_payload();
    test_failures();
    test_bounds();
    test_tables();
    test_errors();
    test_memory();

    return unit_done();
}


/* A group's page: members join, posts come from the backend. */

static void
test_example(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("group:join",
                "expect $.groupId string 1..64 '~^[\\w-]+$';\n"
                "join   group:$.groupId;\n"
                "emit   group:member_joined to group:$.groupId except self\n"
                "       with '{\"groupId\": $.groupId, \"userId\": $user,"
                             " \"at\": $now}';\n"
                "ack    null '{\"groupId\": $.groupId}';\n"), "",
          "group:join");
    fx_is(rx_on("typing", "check in $.roomId; relay to $.roomId volatile;"),
          "", "typing");
    fx_is(rx_on_api("group_members", "group:new_post",
                    "emit group:post_created to group:$.groupId\n"
                    "     except user:$.authorId\n"
                    "     with '{\"postId\": $.postId,\n"
                    "            \"contentPreview\": $.postContent}';\n"
                    "emit notification:new to group:$.groupId\n"
                    "     with '{\"type\": \"GROUP_POST\", \"message\":"
                    " \"$.authorName posted: $.postContent\"}';"), "",
          "group:new_post");

    fx_is(rx_event_ack("[\"group:join\",{\"groupId\":\"g-1\"}]"),
          "join group:g-1;emit group:member_joined({\"groupId\":\"g-1\","
          "\"userId\":\"bob\",\"at\":\"2026-11-21T10:00:00.000Z\"}) to"
          " group:g-1 except SELF;ack null,{\"groupId\":\"g-1\"};",
          "bob joins");
    fx_is(rx_event("[\"typing\",{\"roomId\":\"group:g-1\"}]"),
          "emit typing({\"roomId\":\"group:g-1\"}) to group:g-1 except SELF"
          " volatile;", "and types there");
    fx_is(rx_event("[\"typing\",{\"roomId\":\"group:g-2\"}]"), FORBIDDEN,
          "but not elsewhere");
    fx_is(rx_event("[\"group:join\",{\"groupId\":\"g 1\"}]"),
          "error {\"code\":\"invalid\",\"message\":\"$.groupId must be a"
          " string of 1 to 64 characters, in the required form\"};",
          "a bad name is refused");
    fx_is(rx_post("group_members", "group:new_post", "{\"groupId\":7,"
                  "\"postId\":9,\"authorId\":3,\"authorName\":\"A\\\"B\","
                  "\"postContent\":\"hi\\n\"}"),
          "emit group:post_created({\"postId\":9,\"contentPreview\":"
          "\"hi\\n\"}) to group:7 except user:3;emit notification:new("
          "{\"type\":\"GROUP_POST\",\"message\":\"A\\\"B posted: hi\\n\"})"
          " to group:7;", "a post goes to its group");

    rx_cleanup();
}


static void
test_choice(void)
{
    rx_init(&unit_mem);

    fx_is(rx_event("[\"chat\"]"), "no rule", "no rules");

    fx_is(rx_on("~^call:(\\w+)$", "emit regex to all with $1;"), "", "regex");
    fx_is(rx_on("call:*", "emit glob to all;"), "", "glob");
    fx_is(rx_on("call:end", "emit exact to all;"), "", "exact");

    fx_is(rx_event("[\"chat\"]"), "no rule", "none of them fits");

    fx_is(rx_on("*", "emit any to all;"), "", "any");
    fx_is(rx_on("chat", ""), "", "an empty rule");

    fx_is(rx_event("[\"call:end\"]"), "emit exact() all;",
          "an exact name wins");
    fx_is(rx_event("[\"call:a\"]"), "emit regex(\"a\") all;",
          "then the first pattern");
    fx_is(rx_event("[\"call:a-b\"]"), "emit glob() all;", "then the next");
    fx_is(rx_event("[\"what\"]"), "emit any() all;", "then any");
    fx_is(rx_event("[\"chat\"]"), "", "an empty rule does nothing");
    fx_is(rx_event("[5]"), "emit any() all;", "a number is a name");
    fx_is(rx_event("[\"c\\u0061ll:end\"]"), "emit exact() all;",
          "names are compared unescaped");

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_globs(void)
{
    size_t  i;

    static const struct {
        const char  *glob;
        const char  *yes;
        const char  *no;
    } globs[] = {
        { "a*", "a", "b" },
        { "a*", "abc", "ba" },
        { "*a", "ba", "ab" },
        { "*a*", "bab", "bbb" },
        { "a*c", "abcbc", "abcb" },
        { "a*b*c", "a--b-b--c", "a--c-b" },
        { "**x", "x", "y" },
        { "a**b", "ab", "a" },
        { "*:*:*", "a:b:c", "a:b" }
    };

    char  data[64];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(globs); i++) {
        rx_forget();
        (void) rx_on(globs[i].glob, "join r;");

        snprintf(data, sizeof(data), "[\"%s\"]", globs[i].yes);
        fx_is(rx_event(data), "join r;", "%s fits %s", globs[i].yes,
              globs[i].glob);

        snprintf(data, sizeof(data), "[\"%s\"]", globs[i].no);
        fx_is(rx_event(data), "no rule", "%s does not fit %s", globs[i].no,
              globs[i].glob);
    }

    rx_cleanup();
}


static void
test_api(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on_api("members", "post", "emit p to group:$.g except user:$.a"
                    " with '{\"id\":$.id}';"), "", "with a target");
    fx_is(rx_on_api("", "post", "emit q to all;"), "", "without one");
    fx_is(rx_on_api("other", "post", "emit o to all;"), "", "another one");
    fx_is(rx_on_api("members", "p*", "emit glob to all;"), "", "a glob");
    fx_is(rx_on_api("members", "*", "emit any to all;"), "", "any");

    fx_is(rx_post("members", "post", "{\"g\":5,\"a\":\"x\",\"id\":[1]}"),
          "emit p({\"id\":[1]}) to group:5 except user:x;",
          "the rule of the target");
    fx_is(rx_post("other", "post", "1,2"), "emit o(1,2) all;",
          "of another target");
    fx_is(rx_post("third", "post", "1"), "emit q(1) all;",
          "a rule without target takes any");
    fx_is(rx_post("", "post", "1"), "emit q(1) all;", "and none");
    fx_is(rx_post("members", "pos", "1"), "emit glob(1) all;", "the glob");
    fx_is(rx_post("members", "x", "1"), "emit any(1) all;", "any of a target");
    fx_is(rx_post("third", "x", "1"), "no rule", "no rule of this target");

    fx_is(rx_on_api("members", "post", ""),
          "a second rule for \"post\" of target \"members\"", "twice");

#define API  "an \"api\" rule: it has no socket"

    fx_is(rx_on_api("", "e1", "join a;"), "\"join\" cannot be used in " API,
          "no join");
    fx_is(rx_on_api("", "e2", "ack 1;"), "\"ack\" cannot be used in " API,
          "no ack");
    fx_is(rx_on_api("", "e3", "set a 1;"), "\"set\" cannot be used in " API,
          "no set");
    fx_is(rx_on_api("", "e4", "relay to a;"),
          "\"relay\" cannot be used in " API, "no relay");
    fx_is(rx_on_api("", "e5", "emit x to self;"),
          "\"self\" cannot be used in " API, "no self");
    fx_is(rx_on_api("", "e6", "emit x to a except self;"),
          "\"self\" cannot be used in " API, "no except self");
    fx_is(rx_on_api("", "e7", "check in a;"),
          "\"in\" cannot be checked in " API, "no check in");
    fx_is(rx_on_api("", "e8", "emit x to a with $user;"),
          "\"$user\" has no value in " API, "no $user");
    fx_is(rx_on_api("", "e9", "emit x to a with $socket.a;"),
          "\"$socket.a\" has no value in " API, "no $socket");
    fx_is(rx_on_api("", "f1", "emit x to a with $remote_addr;"),
          "\"$remote_addr\" has no value in " API, "no nginx variables");
    fx_is(rx_on_api("", "f2", "disconnect;"),
          "\"disconnect\" cannot be used in " API, "no disconnect");
    fx_is(rx_on_api("", "f3", "leave a;"), "\"leave\" cannot be used in " API,
          "no leave");

    fx_is(rx_on_api("", "f4", "check $.a = 1; reject conflict 'no $event';"),
          "", "check and reject");
    fx_is(rx_post("", "f4", "{\"a\":2}"), FORBIDDEN, "a failed check");
    fx_is(rx_post("", "f4", "{\"a\":1}"),
          "reject {\"code\":\"conflict\",\"message\":\"no f4\"};", "reject");

    rx_cleanup();
}


static void
test_patterns_refused(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("", ""), "the name of the event is empty", "an empty name");
    fx_is(rx_on("disconnecting", ""), "\"disconnecting\" is an event name that"
          " Socket.IO reserves", "a reserved name");
    fx_is(rx_on("~(", ""), "bad expression \"(\"", "a bad expression");
    fx_is(rx_on("a", ""), "", "a rule");
    fx_is(rx_on("a", ""), "a second rule for \"a\"", "an exact name twice");
    fx_is(rx_on("a*", ""), "", "a glob");
    fx_is(rx_on("a*", ""), "a second rule for \"a*\"", "a glob twice");
    fx_is(rx_on("~a", ""), "", "an expression");
    fx_is(rx_on("~a", ""), "a second rule for \"~a\"", "twice");
    fx_is(rx_on("*", ""), "", "any");
    fx_is(rx_on("*", ""), "a second rule for \"*\"", "any twice");

    rx_cleanup();
}


static void
test_rooms(void)
{
    char           sid[64], data[128];
    sio_socket_t  *socket;

    rx_init(&unit_mem);

    socket = fx_socket(rx.conn, "/");

    fx_is(rx_on("join", "join a b:$.x; leave lobby nowhere;"), "", "join");
    fx_is(rx_event("[\"join\",{\"x\":1}]"),
          "join a;join b:1;leave lobby;leave nowhere;",
          "several; leaving where one is not is no failure");
    ok(sio_room_has(socket, sio_cstr("b:1"))
       && !sio_room_has(socket, sio_cstr("lobby")), "it is in and out");

    fx_is(rx_on("any", "join c $.x; ack 1;"), "", "a room by its name");
    fx_is(rx_event("[\"any\",{\"x\":\"user:eve\"}]"), "join c;" FORBIDDEN,
          "another user's room is refused, what ran before stays done");

    memcpy(sid, socket->sid, EIO_SID_LEN);
    sid[EIO_SID_LEN] = '\0';
    sid[0] = sid[0] == 'x' ? 'y' : 'x';

    snprintf(data, sizeof(data), "[\"any\",{\"x\":\"%s\"}]", sid);
    fx_is(rx_event(data), "join c;" FORBIDDEN, "another socket's id too");
    fx_is(rx_event("[\"any\",{\"x\":\"\"}]"), "join c;error {\"code\":"
          "\"invalid\",\"message\":\"not a name for a room\"};",
          "an empty name is invalid");

    fx_is(rx_on("l", "leave user:$user;"), "\"user:$user\": the rooms of users"
          " are joined by authentication alone", "user: is refused");
    fx_is(rx_on("m", "join user:bob;"), "\"user:bob\": the rooms of users"
          " are joined by authentication alone", "literal too");
    fx_is(rx_on("n", "join 'abcdefghij0123456789';"),
          "\"abcdefghij0123456789\" looks like the id of a socket, which is a"
          " room of its own", "what looks like an id is refused");
    fx_is(rx_on("o", "join '';"), "the name of a room is empty", "empty");
    fx_is(rx_on("p", "join 'a\x01';"), "\"a\x01\" is not a name for a room:"
          " 1 to 256 bytes without control characters", "control character");

    rx.fails = SIO_DECLINED;
    fx_is(rx_event("[\"join\",{\"x\":1}]"),
          "join a;error {\"code\":\"too_large\",\"message\":\"too large\"};",
          "a bound is reached");
    rx.fails = SIO_NOMEM;
    fx_is(rx_event("[\"join\",{\"x\":1}]"), "join a;error {\"code\":"
          "\"unavailable\",\"message\":\"try again later\"};", "no memory");

    rx_cleanup();
}


static void
test_reject(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("a", "reject forbidden;"), "", "a code");
    fx_is(rx_event("[\"a\"]"),
          "reject {\"code\":\"forbidden\",\"message\":\"not allowed\"};",
          "it has a message of its own");
    is_int(rx.run.code, SIO_CODE_FORBIDDEN, "and a number");

    fx_is(rx_on("b", "reject room-full 'no place in $.r, $.s, $.t';"), "",
          "an own code");
    fx_is(rx_event("[\"b\",{\"r\":\"\\\"x\\\"\",\"s\":[1]}]"),
          "reject {\"code\":\"room-full\",\"message\":\"no place in \\\"x\\\","
          " [1], \"};", "any value is text of a message");
    is_int(rx.run.code, SIO_CODE_CUSTOM, "a custom code");

    fx_is(rx_on("c", "reject 'a b';"), "\"a b\" is not a code: it has letters,"
          " digits, underscores and hyphens", "not a code");

    rx_cleanup();
}


static void
test_disconnect(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("a", "emit x to self; disconnect;"), "", "a rule");
    fx_is(rx_event_ack("[\"a\"]"), "emit x() self;disconnect;",
          "the rule ends without an error");

    rx_cleanup();
}


static void
test_when(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "when $.a = 1 { emit one to all with 1; }"
                     " otherwise {"
                     "   when $.a = 2 { emit two to all with 2; }"
                     "   emit other to all with 3; "
                     " }"
                     " emit end to all with 4;"), "", "blocks in blocks");

    fx_is(rx_event("[\"e\",{\"a\":1}]"),
          "emit one(1) all;emit end(4) all;", "the first block");
    fx_is(rx_event("[\"e\",{\"a\":2}]"),
          "emit two(2) all;emit other(3) all;emit end(4) all;",
          "the second, and one inside");
    fx_is(rx_event("[\"e\",{\"a\":3}]"),
          "emit other(3) all;emit end(4) all;", "the second alone");

    fx_is(rx_on("f", "when in lobby { } otherwise { ack 1; }"
                     " when in $.r { ack 2; } otherwise { ack 3; }"), "",
          "empty blocks, and rooms");
    fx_is(rx_event_ack("[\"f\",{\"r\":\"z\"}]"), "ack 3;", "not in it");
    fx_is(rx_event_ack("[\"f\",{\"r\":\"lobby\"}]"), "ack 2;", "in it");
    fx_is(rx_event_ack("[\"f\"]"), "error {\"code\":\"invalid\",\"message\":"
          "\"$.r must be a string or an integer\"};",
          "a condition that can't be decided fails the rule");

    rx_cleanup();
}


static void
test_unreachable(void)
{
    size_t  i;

    static const struct {
        const char  *rule;
        const char  *verb;               /* behind which; NULL: fine */
    } rules[] = {
        { "reject a; join b;", "reject" },
        { "disconnect; ack 1;", "disconnect" },
        { "reject a; when $.a = 1 { }", "reject" },
        { "when $.a = 1 { reject a; join b; }", "reject" },
        { "when $.a = 1 { reject a; } join b;", NULL },
        { "when $.a = 1 { reject a; } otherwise { join c; } join b;", NULL },
        { "when $.a = 1 { join c; } otherwise { reject a; } join b;", NULL },
        { "when $.a = 1 { reject a; } otherwise { disconnect; } join b;",
          "disconnect" },
        { "when $.a = 1 { reject a; } otherwise { when $.a = 2 { reject b; }"
          " } join b;", NULL },
        { "when $.a = 1 { when $.a = 2 { reject a; } otherwise { reject b; }"
          " join c; }", "reject" },
        { "when $.a = 1 { when $.a = 2 { reject a; } otherwise { reject b; }"
          " } join c;", NULL },
        { "when $.a = 1 { } otherwise { reject a; } join b;", NULL }
    };

    char  error[128];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(rules); i++) {
        rx_forget();

        snprintf(error, sizeof(error), "unreachable: nothing runs behind"
                 " \"%s\"", rules[i].verb);

        fx_is(rx_on("e", rules[i].rule), rules[i].verb ? error : "",
              "%s", rules[i].rule);
    }

    rx_cleanup();
}


static void
test_life_cycle(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on_connect("join a; set n $auth.n; check $auth.token = t;"
                        " emit session to self with '{\"u\":$user}';"), "",
          "on connect");
    fx_is(rx_life(&rx.connect, ""),
          "join a;emit session({\"u\":\"bob\"}) self;", "it runs");

    fx_is(rx_on_disconnect("emit left to lobby with $user $reason;"), "",
          "on disconnect");
    fx_is(rx_life(&rx.disconnect, "ping timeout"),
          "emit left(\"bob\",\"ping timeout\") to lobby;", "it runs");

    fx_is(rx_on_connect("emit x to self with $.a;"),
          "\"$.a\" has no value in \"on connect\"", "there is no payload");
    fx_is(rx_on_connect("ack 1;"), "\"ack\" cannot be used in \"on connect\"",
          "there is nothing to ack");
    fx_is(rx_on_connect("relay to a;"),
          "\"relay\" cannot be used in \"on connect\"", "nor to relay");
    fx_is(rx_on_connect("emit x to a with $reason;"),
          "\"$reason\" has no value in \"on connect\"", "no reason");
    fx_is(rx_on_disconnect("join a;"),
          "\"join\" cannot be used in \"on disconnect\"", "too late to join");
    fx_is(rx_on_disconnect("emit x to self;"),
          "\"to self\" reaches nobody in \"on disconnect\"", "nobody there");
    fx_is(rx_on_disconnect("reject x;"),
          "\"reject\" cannot be used in \"on disconnect\"", "nor to reject");

    rx_cleanup();
}


static void
test_wait(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "join a; emit x to r:$.r; join b;"), "", "a rule");

    rx.wait = 2;

    fx_is(rx_event("[\"e\",{\"r\":1}]"), "join a;wait;", "a step waits");

    is_int(rx_go(), SIO_AGAIN, "it waits still");
    is_int(rx_go(), SIO_OK, "it goes on");
    fx_is(fx_log_take(), "wait;emit x({\"r\":1}) to r:1;join b;",
          "at the same place");

    rx_cleanup();
}


static void
test_payload(void)
{
    rx_init(&unit_mem);

    rx_run_init(NULL);

    is_int(sio_run_payload(&rx.run, sio_cstr("[ \"a\\n\" , 1 , 2 ]")), SIO_OK,
           "a payload");
    is_str(rx.run.event, "a\n", "the name is unescaped");
    is_str(rx.run.payload.args, "1 , 2", "the arguments are a slice");

    is_int(sio_run_payload(&rx.run, sio_cstr("[5]")), SIO_OK, "a number");
    is_str(rx.run.event, "5", "is a name");
    is_int(rx.run.payload.args.len, 0, "no arguments");

    rx_cleanup();
}


static int
step_declines(sio_run_t *run, const sio_step_t *step)
{
    return *(int *) step->args;
}


static void
test_failures(void)
{
    int          rc;
    sio_step_t   step;
    sio_rule_t   rule;

    rx_init(&unit_mem);

    memset(&rule, 0, sizeof(sio_rule_t));
    memset(&step, 0, sizeof(sio_step_t));

    step.run = step_declines;
    step.args = &rc;
    rule.steps = &step;
    rule.nsteps = 1;

    rc = SIO_ERROR;
    fx_is(rx_life(&rule, ""), "error {\"code\":\"internal\",\"message\":"
          "\"internal error\"};", "an error nobody explained");

    rc = SIO_DECLINED;
    fx_is(rx_life(&rule, ""), "error {\"code\":\"too_large\",\"message\":"
          "\"too large\"};", "a bound");

    rc = SIO_NOMEM;
    fx_is(rx_life(&rule, ""), "error {\"code\":\"unavailable\",\"message\":"
          "\"try again later\"};", "no memory");

    rc = SIO_DONE;
    fx_is(rx_life(&rule, ""), "", "the end");

    is_str(sio_code_name(SIO_CODE_RATE_LIMITED), "rate_limited", "a name");
    is_str(sio_code_name(SIO_CODE_CUSTOM), "", "no name");

    rx_cleanup();
}


/* Texts in a run are bounded. */

static void
test_bounds(void)
{
    char         data[4096];
    size_t       len;
    const char  *got;

    rx_init(&unit_mem);

    sio_scratch_free(&rx.scratch);
    sio_scratch_init(&rx.scratch, &unit_mem, 10000);

    fx_is(rx_on("e", "emit x to all with '[$data,$data,$data,$data,$data]';"),
          "", "a template that multiplies");

    len = (size_t) snprintf(data, sizeof(data), "[\"e\",\"");
    memset(data + len, 'x', 3000);
    strcpy(data + len + 3000, "\"]");

    got = rx_event(data);
    fx_is(got, "error {\"code\":\"too_large\",\"message\":\"too large\"};",
          "is bounded");

    fx_is(rx_event("[\"e\",1]"), "emit x([1,1,1,1,1]) all;", "the next runs");

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


/* Rows of tables in other files. */

static int
table_step(sio_run_t *run, const sio_step_t *step)
{
    fx_log("shout;");

    return SIO_OK;
}


static int
table_verb(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    return sio_rule_step(c, table_step, NULL);
}


static int
table_value(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    return sio_json_lookup(sio_cstr("{\"role\":\"admin\"}"), value->steps,
                           value->nsteps, out) == SIO_OK ? SIO_OK : SIO_NOMEM;
}


static int
table_hook_run(sio_run_t *run, const sio_emit_hook_t *hook,
    sio_emission_t *emission)
{
    fx_log("hook %s;", (const char *) hook->data);

    return strcmp(hook->data, "drop") == 0 ? SIO_DECLINED : SIO_OK;
}


static int
table_param(sio_compile_t *c, sio_rule_emit_t *emit, sio_str_t value)
{
    char             *text;
    sio_emit_hook_t  *hook;

    hook = sio_compile_alloc(c, sizeof(sio_emit_hook_t));
    text = sio_compile_alloc(c, value.len + 1);

    memcpy(text, value.data, value.len);

    hook->run = table_hook_run;
    hook->data = text;
    hook->next = emit->hooks;
    emit->hooks = hook;

    return SIO_OK;
}


static int
table_test(sio_run_t *run, const sio_condition_t *cond)
{
    return cond->left.name.data[0] == 'y' ? SIO_OK : SIO_DECLINED;
}


static int
table_condition(sio_compile_t *c, sio_condition_t *cond,
    const sio_str_t *args, unsigned nargs)
{
    cond->test = table_test;

    return sio_value_compile(c, &cond->left, args[1]);
}


static void
test_tables(void)
{
    sio_str_t  shout;

    static const sio_verb_t  verbs[] = {
        { sio_string("shout"), 0, 0, SIO_SOURCE_ALL, table_verb, "" },
        { sio_null_string, 0, 0, 0, NULL, NULL }
    };
    static const sio_value_kind_t  kinds[] = {
        { sio_string("badge"), SIO_SOURCE_SOCKET, 1, 0, table_value, NULL },
        { sio_null_string, 0, 0, 0, NULL, NULL }
    };
    static const sio_emit_param_t  params[] = {
        { sio_string("delay"), 1, 0, table_param },
        { sio_null_string, 0, 0, NULL }
    };
    static const sio_condition_kind_t  conditions[] = {
        { sio_string("sql"), 1, 1, SIO_SOURCE_ALL, table_condition },
        { sio_null_string, 0, 0, 0, NULL }
    };
    static const sio_verb_t *const            verb_tables[] = {
        sio_verbs, verbs, NULL
    };
    static const sio_value_kind_t *const      kind_tables[] = { kinds, NULL };
    static const sio_emit_param_t *const      param_tables[] = {
        params, NULL
    };
    static const sio_condition_kind_t *const  condition_tables[] = {
        conditions, NULL
    };

    rx_init(&unit_mem);

    rx.c.kinds = kind_tables;
    rx.c.params = param_tables;
    rx.c.conditions = condition_tables;

    fx_is(rx_on("a", "check sql yes; emit x to all delay=1s with"
                " $badge.role;"), "", "added rows compile");

    shout = sio_cstr("shout");
    is_int(sio_rule_compile(&rx.c, verb_tables, &shout, 1), SIO_OK,
           "an added verb");

    fx_is(rx_event("[\"a\"]"), "hook 1s;emit x(\"admin\") all;shout;",
          "and run");

    fx_is(rx_on("b", "emit x to all delay=drop; check sql no;"), "",
          "a hook that drops");
    fx_is(rx_event("[\"b\"]"), "hook drop;" FORBIDDEN,
          "nothing is sent, the rule goes on");

    fx_is(rx_on("c", "emit x to all delay;"),
          "the parameter \"delay\" takes a value", "no value");

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
        { "emitt x to y;", "unknown verb \"emitt\", did you mean \"emit\"?" },
        { "exepct $.a string;",
          "unknown verb \"exepct\", did you mean \"expect\"?" },
        { "othrwise 1;",
          "unknown verb \"othrwise\", did you mean \"otherwise\"?" },
        { "when $.a = 1;", "\"when\" has no block { ... }" },
        { "frobnicate;", "unknown verb \"frobnicate\"" },
        { "query x y;", "unknown verb \"query\"" },
        { "forward x;", "\"x\" is not the path of a location of this server,"
          " as /app/events" },
        { "join;", "too few arguments in \"join\", its form is: join"
          " ROOM..." },
        { "set a 1 2;", "too many arguments in \"set\", its form is: set NAME"
          " VALUE" },
        { "set a.b 1;", "\"a.b\" is not a name: it has letters, digits and"
          " underscores" },
        { "set 1a 1;", "\"1a\" is not a name: it has letters, digits and"
          " underscores" },
        { "disconnect now;", "too many arguments in \"disconnect\", its form"
          " is: disconnect" },
        { "when { }", "\"when\" has no condition, its form is: when VALUE OP"
          " VALUE { ... }" }
    };

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        rx_forget();
        fx_is(rx_on("e", errors[i].rule), errors[i].error, "%s",
              errors[i].rule);
    }

    rx_cleanup();
}


static void
test_memory(void)
{
    unsigned     n, failed, done;
    const char  *got;

    failed = 0;
    done = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        rx_init(&unit_mem);

        got = rx_on("doc:*", "expect $.a string 1..5; check $.a != no;"
                    " when in lobby { join a:$.a; } otherwise { reject x; }"
                    " relay to a:$.a volatile; ack null '{\"a\":$.a}';");

        if (*got == '\0') {
            got = rx_event_ack("[\"doc:1\",{\"a\":\"\\u0061\"}]");
            done += strcmp(got, "join a:a;emit doc:1({\"a\":\"\\u0061\"}) to"
                           " a:a except SELF volatile;"
                           "ack null,{\"a\":\"\\u0061\"};") == 0;
            failed += strstr(got, "unavailable") != NULL;

        } else {
            failed += strcmp(got, "no memory") == 0;
        }

        (void) fx_log_take();
        rx_cleanup();
    }

    ok(n > 2, "allocations were made to fail: %u", n - 2);
    is_int(done, 1, "only the run without a failure did it all");
    is_int(failed, n - 2, "the others reported it");
    unit_mem_none_left("nothing is left");
}
