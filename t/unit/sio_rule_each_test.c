/*
 * "[*]": all elements of an array, as rooms, in checks and in templates.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_rooms(void);
static void test_membership(void);
static void test_bounds(void);
static void test_checks(void);
static void test_expect(void);
static void test_templates(void);
static void test_roots(void);
static void test_errors(void);
static void test_memory(void);


typedef struct {
    const char  *rule;                   /* without the semicolon */
    const char  *event;                  /* arguments behind the name */
    const char  *result;
} case_t;

#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))

#define ERROR(code, text)                                                     \
    "error {\"code\":\"" code "\",\"message\":\"" text "\"};"
#define FORBIDDEN      ERROR("forbidden", "not allowed")
#define INVALID(text)  ERROR("invalid", text)


int
main(void)
{
    unit_plan();

    test_rooms();
    test_membership();
    test_bounds();
    test_checks();
    test_expect();
    test_templates();
    test_roots();
    test_errors();
    test_memory();

    return unit_done();
}


static void
run_all(const case_t *cases, size_t n)
{
    char    rule[512], event[512];
    size_t  i;

    rx_init(&unit_mem);

    for (i = 0; i < n; i++) {
        rx_forget();

        snprintf(rule, sizeof(rule), "%s;", cases[i].rule);
        snprintf(event, sizeof(event), "[\"e\",%s]", cases[i].event);

        fx_is(rx_on("e", rule), "", "%s", rule);
        fx_is(rx_event(event), cases[i].result, "%s gets %s", rule, event);
    }

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_rooms(void)
{
    static const case_t  cases[] = {
        { "emit x to user:$.ids[*] with 1", "{\"ids\":[\"a\",7,\"b\\u0063\"]}",
          "emit x(1) to user:a,user:7,user:bc;" },
        { "emit x to a:$.l[*].id:$user b with 1",
          "{\"l\":[{\"id\":1},{\"id\":2}]}",
          "emit x(1) to a:1:bob,a:2:bob,b;" },
        { "emit x to a except user:$.ids[*] c self with 1",
          "{\"ids\":[1,2]}",
          "emit x(1) to a except user:1,user:2,c,SELF;" },
        { "emit x to $.a[*] $.b[*] except $.c[*] with 1",
          "{\"a\":[\"1\"],\"b\":[\"2\",\"3\"],\"c\":[\"4\"]}",
          "emit x(1) to 1,2,3 except 4;" },
        { "relay to $.a[*]", "{\"a\":[\"r\"]}",
          "emit e({\"a\":[\"r\"]}) to r except SELF;" },

        /* nobody is not all */

        { "emit x to user:$.ids[*] with 1; emit y to b with 2",
          "{\"ids\":[]}", "emit y(2) to b;" },
        { "emit x to user:$.ids[*] lobby with 1", "{\"ids\":[]}",
          "emit x(1) to lobby;" },
        { "emit x to all except user:$.ids[*] with 1", "{\"ids\":[]}",
          "emit x(1) all;" },
        { "relay to $.ids[*]", "{\"ids\":[]}", "" },

        { "emit x to user:$.ids[*]", "{}",
          INVALID("$.ids[*] must be in an array") },
        { "emit x to user:$.ids[*]", "{\"ids\":null}",
          INVALID("$.ids[*] must be in an array") },
        { "emit x to user:$.ids[*]", "{\"ids\":\"a\"}",
          INVALID("$.ids[*] must be in an array") },
        { "emit x to user:$.ids[*]", "{\"ids\":[\"a\",null]}",
          INVALID("$.ids[*] must be a string or an integer") },
        { "emit x to user:$.ids[*].id", "{\"ids\":[{\"id\":1},{}]}",
          INVALID("$.ids[*].id must be a string or an integer") },
        { "emit x to $.ids[*]", "{\"ids\":[\"\"]}",
          INVALID("not a name for a room") }
    };

    run_all(cases, NUMBER(cases));
}


static void
test_membership(void)
{
    static const case_t  cases[] = {
        { "join g:$.ids[*] h", "{\"ids\":[1,2]}", "join g:1;join g:2;join h;" },
        { "leave g:$.ids[*]", "{\"ids\":[1,\"lobby\"]}",
          "leave g:1;leave g:lobby;" },
        { "join $.ids[*]", "{\"ids\":[]}", "" },

        /* one that may not be joined: none of the list is */

        { "join $.ids[*]", "{\"ids\":[\"a\",\"user:eve\"]}",
          FORBIDDEN },
        { "join $.ids[*]", "{\"ids\":[\"a\",{}]}",
          INVALID("$.ids[*] must be a string or an integer") }
    };

    run_all(cases, NUMBER(cases));
}


static void
test_bounds(void)
{
    char         event[SIO_EMIT_ROOMS_MAX * 8 + 100];
    size_t       len;
    unsigned     i, n, counted;
    const char  *got;

    rx_init(&unit_mem);

    fx_is(rx_on("e", "emit x to user:$.ids[*] except self with 1;"), "",
          "a list");
    fx_is(rx_on("j", "leave g:$.ids[*];"), "", "a list to leave");

    for (n = SIO_EMIT_ROOMS_MAX - 1; n <= SIO_EMIT_ROOMS_MAX; n++) {

        len = (size_t) snprintf(event, sizeof(event), "2[\"e\",{\"ids\":[");

        for (i = 0; i < n; i++) {
            len += (size_t) snprintf(event + len, sizeof(event) - len,
                                     "%s%u", i ? "," : "", i);
        }

        snprintf(event + len, sizeof(event) - len, "]}]");

        got = rx_packet(sio_cstr(event));

        if (n < SIO_EMIT_ROOMS_MAX) {
            counted = 0;

            for (i = 0; got[i]; i++) {
                counted += got[i] == ',';
            }

            is_int(counted, n - 1, "as many rooms as there may be");
            ok(strstr(got, "user:998 except SELF;") != NULL, "to the last");

        } else {
            fx_is(got, ERROR("too_large", "too many rooms"),
                  "one more is refused");
        }
    }

    event[3] = 'j';
    ok(strstr(rx_packet(sio_cstr(event)), "leave g:999;") != NULL,
       "1000 rooms to leave");

    event[len++] = ',';
    snprintf(event + len, sizeof(event) - len, "5]}]");
    fx_is(rx_packet(sio_cstr(event)), ERROR("too_large", "too many rooms"),
          "and not one more");

    rx_cleanup();
}


static void
test_checks(void)
{
    static const case_t  cases[] = {
        { "check $.ids[*] != $user", "{\"ids\":[\"a\",\"b\"]}", "" },
        { "check $.ids[*] != $user", "{\"ids\":[\"a\",\"bob\"]}", FORBIDDEN },
        { "check $.ids[*] = a", "{\"ids\":[\"a\",\"a\"]}", "" },
        { "check $.ids[*] = a", "{\"ids\":[\"a\",\"b\"]}", FORBIDDEN },
        { "check a = $.ids", "{\"ids\":[\"a\"]}", FORBIDDEN },
        { "check $.l[*].id ~ '^[0-9]+$'", "{\"l\":[{\"id\":1}]}", "" },
        { "check $.l[*].id ~ '^[0-9]+$'", "{\"l\":[{\"id\":1},{}]}",
          FORBIDDEN },
        { "check x:$.ids[*] !~ y", "{\"ids\":[\"a\"]}", "" },
        { "check x:$.ids[*] !~ y", "{\"ids\":[\"a\",\"y\"]}", FORBIDDEN },

        /* nothing is wrong with nothing; what is no list is wrong */

        { "check $.ids[*] != $user", "{\"ids\":[]}", "" },
        { "check $.ids[*] = $user", "{\"ids\":[]}", "" },
        { "check $.ids[*] != $user", "{\"ids\":\"a\"}", FORBIDDEN },
        { "check $.ids[*] != $user", "{\"ids\":{}}", FORBIDDEN },
        { "check $.ids[*] != $user", "{}", FORBIDDEN },

        { "check in $.ids[*]", "{\"ids\":[\"lobby\",\"user:bob\"]}", "" },
        { "check in $.ids[*]", "{\"ids\":[\"lobby\",\"nowhere\"]}",
          FORBIDDEN },
        { "check in $.ids[*]", "{\"ids\":[\"nowhere\",\"lobby\"]}",
          FORBIDDEN },
        { "check in $.ids[*]", "{\"ids\":[]}", "" },
        { "check in $.ids[*]", "{\"ids\":[null]}",
          INVALID("$.ids[*] must be a string or an integer") },

        { "check online $.id", "{\"id\":\"amy\"}", "" },
        { "check online $.id", "{\"id\":\"eve\"}", FORBIDDEN },
        { "check online $.id", "{}",
          INVALID("$.id must be a string or an integer") },
        { "check online $.ids[*]", "{\"ids\":[\"amy\",\"amy\"]}", "" },
        { "check online $.ids[*]", "{\"ids\":[\"amy\",\"eve\"]}", FORBIDDEN },
        { "check online = $.x", "{\"x\":\"online\"}", "" }
    };

    run_all(cases, NUMBER(cases));

    rx_init(&unit_mem);

    fx_is(rx_on("e", "when $.ids[*] != $user { ack 1; }"
                " otherwise { ack 2; }"), "", "when");
    fx_is(rx_event_ack("[\"e\",{\"ids\":[1,2]}]"), "ack 1;", "none is mine");
    fx_is(rx_event_ack("[\"e\",{\"ids\":[1,\"bob\"]}]"), "ack 2;", "one is");

    fx_is(rx_on("o", "when online $data { ack 1; } otherwise { ack 2; }"), "",
          "when online");
    fx_is(rx_event_ack("[\"o\",\"amy\"]"), "ack 1;", "she is");
    fx_is(rx_event_ack("[\"o\",\"eve\"]"), "ack 2;", "she is not");

    rx_cleanup();
}


static void
test_expect(void)
{
    static const case_t  cases[] = {
        { "expect $.ids[*] string 1..3", "{\"ids\":[\"a\",\"abc\"]}", "" },
        { "expect $.ids[*] string 1..3", "{\"ids\":[\"a\",\"abcd\"]}",
          INVALID("$.ids[*] must be a string of 1 to 3 characters") },
        { "expect $.ids[*] string 1..3", "{\"ids\":[\"a\",1]}",
          INVALID("$.ids[*] must be a string of 1 to 3 characters") },
        { "expect $.ids[*] string", "{\"ids\":[]}", "" },
        { "expect $.ids[*] string", "{\"ids\":\"a\"}",
          INVALID("$.ids[*] must be a string") },
        { "expect $.ids[*] string", "{}",
          INVALID("$.ids[*] must be a string") },
        { "expect $.ids[*] string optional", "{}", "" },
        { "expect $.ids[*] string optional", "{\"ids\":null}", "" },
        { "expect $.ids[*] string optional", "{\"ids\":[null,\"a\"]}", "" },
        { "expect $.ids[*] string optional", "{\"ids\":7}",
          INVALID("$.ids[*] must be a string") },
        { "expect $.l[*].k in a b", "{\"l\":[{\"k\":\"a\"},{\"k\":\"b\"}]}",
          "" },
        { "expect $.l[*].k in a b", "{\"l\":[{\"k\":\"a\"},{}]}",
          INVALID("$.l[*].k must be one of a, b") },
        { "expect $.l[*].k array 1..1", "{\"l\":[{\"k\":[5]}]}", "" }
    };

    run_all(cases, NUMBER(cases));
}


static void
test_templates(void)
{
    static const case_t  cases[] = {
        { "emit x to self with '{\"l\": $.l[*].id}'",
          "{\"l\":[{\"id\":1},{\"no\":1},{\"id\":[2, 3]},4]}",
          "emit x({\"l\":[1,null,[2, 3],null]}) self;" },
        { "emit x to self with $.l[*]", "{\"l\":[1, 2]}",
          "emit x([1, 2]) self;" },
        { "emit x to self with $.l[*].a.b[0]",
          "{\"l\":[{\"a\":{\"b\":[\"\\u0007\"]}}]}",
          "emit x([\"\\u0007\"]) self;" },
        { "emit x to self with $.l[*].id", "{\"l\":[]}", "emit x([]) self;" },
        { "emit x to self with $.l[*].id", "{\"l\":{}}",
          "emit x(null) self;" },
        { "emit x to self with $.l[*].id", "{}", "emit x(null) self;" },
        { "emit x to $.l[*].id with $.l[*].id", "{\"l\":[{\"id\":\"a\"}]}",
          "emit x([\"a\"]) to a;" }
    };

    run_all(cases, NUMBER(cases));

    rx_init(&unit_mem);
    rx.attachments.item[0] = sio_cstr("AA");
    rx.attachments.item[1] = sio_cstr("BB");

    fx_is(rx_on("e", "emit x to a with $.l[*].f;"), "", "attachments");
    fx_is(rx_packet(sio_cstr("52-[\"e\",{\"g\":{\"_placeholder\":true,"
                             "\"num\":0},\"l\":[{\"f\":{\"_placeholder\":true,"
                             "\"num\":1}}]}]")),
          "emit x([{\"_placeholder\":true,\"num\":0}]) <BB> to a;",
          "travel with the elements");

    rx_cleanup();
}


static void
test_roots(void)
{
    static const case_t  cases[] = {
        { "emit x to $data[*] with 1", "[\"a\",\"b\"]",
          "emit x(1) to a,b;" },
        { "emit x to $[1].list[*] with 1", "1,{\"list\":[\"a\"]}",
          "emit x(1) to a;" },
        { "emit x to $[*] with 1", "\"a\",\"b\"", "emit x(1) to a,b;" },
        { "emit x to $args[*].id with 1", "{\"id\":\"a\"},{\"id\":\"b\"}",
          "emit x(1) to a,b;" },
        { "emit x to $args[1][*] with 1", "1,[\"a\"]", "emit x(1) to a;" },
        { "emit x to ${.a[*]}s with 1", "{\"a\":[1]}", "emit x(1) to 1s;" },
        { "set l $.a; emit x to $socket.l[*].r with 1",
          "{\"a\":[{\"r\":\"a\"}]}", "emit x(1) to a;" }
    };

    run_all(cases, NUMBER(cases));
}


static void
test_errors(void)
{
    size_t  i;

    static const struct {
        const char  *rule;
        const char  *error;
    } errors[] = {
        { "set a $.b[*]", "\"$.b[*]\": \"[*]\" has no meaning here, only in"
          " names of rooms, in conditions, in \"expect\", and alone in a"
          " template" },
        { "emit $.a[*] to b", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "ack '\"$.a[*]\"'", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "reject x $.a[*]", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "check $.a = $.b[*]", "\"$.b[*]\": \"[*]\" has no meaning here" },
        { "check a = $.b[*]", "\"$.b[*]\": \"[*]\" has no meaning here" },
        { "expect $.a in $.b[*]", "\"$.b[*]\": \"[*]\" has no meaning here" },
        { "limit 1r/s key=$.a[*]", "\"$.a[*]\": \"[*]\" has no meaning" },
        { "dedup $.a[*]", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "count n $.a[*]", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "mailbox drop $.a[*]", "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "emit x to user:$.a mailbox=$.a[*]",
          "\"$.a[*]\": \"[*]\" has no meaning here" },
        { "join $.a[*].b[*]", "a second \"[*]\" in \"$.a[*].b[*]\"" },
        { "join $.a[*]:$.b[*]", "a second \"[*]\" in \"$.a[*]:$.b[*]\"" },
        { "join $user[*]", "\"$user\" has no members" },
        { "join $socket[*]", "\"$socket[*]\": what is stored on the socket" },
        { "join $remote_addr[*]", "\"$remote_addr\" has no members" },
        { "check online user:$.a", "\"user:$.a\" is a room, \"online\" is"
          " about a user: online $.a" },
        { "check online", "too few arguments in \"check\"" },
        { "check online a b", "too many arguments behind \"online\"" }
    };

    char  rule[256];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "%s;", errors[i].rule);

        ok(strstr(rx_on("e", rule), errors[i].error) == rx.c.error
           && rx.c.error[0], "%s: %s", rule, rx.c.error);
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

        got = rx_on("e", "expect $.l[*] string; check $.l[*] != x;"
                    " check x$.l[*] ~ x; emit x to user:$.l[*] except self"
                    " with $.l[*].a;");

        if (*got == '\0') {
            got = rx_event("[\"e\",{\"l\":[\"a\",\"\\u0062\"]}]");
            done += strcmp(got, "emit x([null,null]) to user:a,user:b except"
                           " SELF;") == 0;
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
