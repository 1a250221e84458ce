/*
 * check, the conditions of when, and expect.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_conditions(void);
static void test_no_user(void);
static void test_in(void);
static void test_expect(void);
static void test_expect_binary(void);
static void test_messages(void);
static void test_errors(void);


typedef struct {
    const char  *rule;                   /* without the semicolon */
    const char  *args;                   /* of the event */
    unsigned     passes;
} check_t;


static const check_t  conditions[] = {

    /* a literal against each type */

    { "check $.a = x", "{\"a\":\"x\"}", 1 },
    { "check $.a = x", "{\"a\":\"\\u0078\"}", 1 },
    { "check $.a = x", "{\"a\":\"X\"}", 0 },
    { "check $.a = x", "{\"a\":[\"x\"]}", 0 },
    { "check x = $.a", "{\"a\":\"x\"}", 1 },
    { "check $.a = 1", "{\"a\":1}", 1 },
    { "check $.a = 1", "{\"a\":1.0}", 1 },
    { "check $.a = 1", "{\"a\":\"1\"}", 1 },
    { "check $.a = 1.0", "{\"a\":\"1\"}", 0 },
    { "check $.a = 1e0", "{\"a\":1}", 1 },
    { "check $.a = 9007199254740993", "{\"a\":9007199254740992}", 0 },
    { "check $.a = true", "{\"a\":true}", 1 },
    { "check $.a = true", "{\"a\":\"true\"}", 1 },
    { "check $.a = true", "{\"a\":1}", 0 },
    { "check $.a = false", "{\"a\":false}", 1 },
    { "check $.a = false", "{\"a\":null}", 0 },
    { "check $.a = ''", "{\"a\":\"\"}", 1 },
    { "check $.a = ''", "{\"a\":null}", 0 },
    { "check $.a = ''", "{}", 0 },
    { "check $.a = in", "{\"a\":\"in\"}", 1 },
    { "check in = $.a", "{\"a\":\"in\"}", 1 },

    /* and the reverse */

    { "check $.a != x", "{\"a\":\"x\"}", 0 },
    { "check $.a != x", "{\"a\":\"y\"}", 1 },
    { "check $.a != x", "{\"a\":null}", 1 },
    { "check $.a != x", "{}", 1 },

    /* two values */

    { "check $.a = $.b", "{\"a\":\"x\",\"b\":\"\\u0078\"}", 1 },
    { "check $.a = $.b", "{\"a\":1,\"b\":1.0}", 1 },
    { "check $.a = $.b", "{\"a\":1,\"b\":\"1\"}", 0 },
    { "check $.a = $.b", "{\"a\":[1],\"b\":[1]}", 1 },
    { "check $.a = $.b", "{}", 0 },
    { "check $.a = $.b", "{\"a\":null,\"b\":null}", 0 },
    { "check $.a = $.b", "{\"a\":null}", 0 },
    { "check $.a = $.b", "{\"b\":null}", 0 },
    { "check $.a != $.b", "{}", 1 },
    { "check $.a = $user", "{\"a\":\"bob\"}", 1 },
    { "check $.a = $user", "{\"a\":\"eve\"}", 0 },
    { "check $.a = 'u:$user'", "{\"a\":\"u:bob\"}", 1 },
    { "check $.a = 'u:$.b'", "{\"a\":\"u:\"}", 0 },
    { "check $remote_addr = 127.0.0.1", "1", 1 },

    /* expressions */

    { "check $.a ~ ^x+$", "{\"a\":\"xx\"}", 1 },
    { "check $.a ~ ^x+$", "{\"a\":\"xy\"}", 0 },
    { "check $.a ~ ^1", "{\"a\":12}", 1 },
    { "check $.a ~ .", "{}", 0 },
    { "check $.a ~ .", "{\"a\":null}", 0 },
    { "check $.a ~ .", "{\"a\":[1]}", 0 },
    { "check $.a ~ '^$'", "{\"a\":\"\"}", 1 },
    { "check $.a !~ x", "{\"a\":\"x\"}", 0 },
    { "check $.a !~ x", "{\"a\":\"y\"}", 1 },
    { "check $.a !~ x", "{}", 1 },

    /* rooms */

    { "check in lobby", "1", 1 },
    { "check in $.r", "{\"r\":\"lobby\"}", 1 },
    { "check in $.r", "{\"r\":\"hall\"}", 0 },
    { "check in user:$user", "1", 1 },
    { "check in user:eve", "1", 0 },
    { "check in $socket", "1", 1 }
};


/* V is the value in the first argument's member v. */

static const check_t  expects[] = {
    { "string", "\"\"", 1 },
    { "string", "1", 0 },
    { "string", "null", 0 },
    { "string 1..3", "\"\"", 0 },
    { "string 1..3", "\"abc\"", 1 },
    { "string 1..3", "\"abcd\"", 0 },
    { "string 1..3", "\"\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac\"", 1 },
    { "string 2..2", "\"\\ud83d\\ude00\"", 0 },
    { "string 1..1", "\"\\ud83d\\ude00\"", 1 },
    { "string 3..", "\"ab\"", 0 },
    { "string 3..", "\"abc\"", 1 },
    { "string ..2", "\"abc\"", 0 },
    { "string '~^[a-z]+$'", "\"abc\"", 1 },
    { "string '~^[a-z]+$'", "\"a1\"", 0 },
    { "string 1..2 '~^[a-z]+$'", "\"abc\"", 0 },
    { "string '~^(a+)+$'", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"", 0 },
    { "string optional", "null", 1 },
    { "string 1..2 optional", "\"abc\"", 0 },
    { "number", "1.5e3", 1 },
    { "number", "\"1\"", 0 },
    { "number", "true", 0 },
    { "number 0.5..1.5", "0.5", 1 },
    { "number 0.5..1.5", "1.6", 0 },
    { "number -5..", "-5.1", 0 },
    { "number ..1e400", "1", 0 },
    { "integer", "-17", 1 },
    { "integer", "1.5", 0 },
    { "integer", "1e2", 0 },
    { "integer", "99999999999999999999", 0 },
    { "integer 1..10", "10", 1 },
    { "integer 1..10", "11", 0 },
    { "integer -3..-1", "-2", 1 },
    { "integer -3..-1", "0", 0 },
    { "boolean", "true", 1 },
    { "boolean", "false", 1 },
    { "boolean", "0", 0 },
    { "array", "[]", 1 },
    { "array", "{}", 0 },
    { "array 1..2", "[]", 0 },
    { "array 1..2", "[1,[2,3]]", 1 },
    { "array 1..2", "[1,2,3]", 0 },
    { "object", "{}", 1 },
    { "object", "[]", 0 },
    { "object 1..1", "{\"a\":1}", 1 },
    { "object 1..1", "{\"a\":1,\"b\":2}", 0 },
    { "binary", "\"AA==\"", 0 },
    { "any", "null", 1 },
    { "any", "[1]", 1 },
    { "in a b 3 true", "\"b\"", 1 },
    { "in a b 3 true", "\"c\"", 0 },
    { "in a b 3 true", "3.0", 1 },
    { "in a b 3 true", "\"3\"", 1 },
    { "in a b 3 true", "true", 1 },
    { "in a b 3 true", "false", 0 },
    { "in a b 3 true", "null", 0 },
    { "in a b 3 true optional", "null", 1 }
};

#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))

#define FORBIDDEN                                                             \
    "error {\"code\":\"forbidden\",\"message\":\"not allowed\"};"

#define INVALID(text)                                                         \
    "error {\"code\":\"invalid\",\"message\":\"" text "\"};"


int
main(void)
{
    unit_plan();

    test_conditions();
    test_no_user();
    test_in();
    test_expect();
    test_expect_binary();
    test_messages();
    test_errors();

    return unit_done();
}


static void
test_conditions(void)
{
    char            rule[256], data[256];
    size_t          i;
    const check_t  *t;

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(conditions); i++) {
        t = &conditions[i];
        rx_forget();

        snprintf(rule, sizeof(rule), "%s; ack 1;", t->rule);
        snprintf(data, sizeof(data), "[\"e\",%s]", t->args);

        fx_is(rx_on("e", rule), "", "%s", rule);
        fx_is(rx_event_ack(data), t->passes ? "ack 1;" : FORBIDDEN,
              "%s of %s", t->rule, t->args);
    }

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


/* Who has no user is not the user that is not named. */

static void
test_no_user(void)
{
    sio_socket_t  *socket;

    rx_init(&unit_mem);

    socket = fx_socket(rx.conn, "/");

    sio_free(&fx_mem, socket->identity);
    socket->identity = NULL;

    fx_is(rx_on("e", "check $.owner = $user; ack 1;"), "", "a check of $user");
    fx_is(rx_event("[\"e\"]"), FORBIDDEN, "missing against missing");
    fx_is(rx_event("[\"e\",{\"owner\":null}]"), FORBIDDEN, "null");
    fx_is(rx_event("[\"e\",{\"owner\":\"\"}]"), FORBIDDEN, "empty");
    fx_is(rx_on("r", "check in user:$user; ack 1;"), "", "a room of it");
    fx_is(rx_event("[\"r\"]"), INVALID("$user must be a string or an integer"),
          "no name for a room");

    rx_cleanup();
}


static void
test_in(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("e", "check in $.r; ack 1;"), "", "check in");
    fx_is(rx_event("[\"e\"]"), INVALID("$.r must be a string or an integer"),
          "a missing name is invalid");
    fx_is(rx_event("[\"e\",{\"r\":\"a\\u0000\"}]"),
          INVALID("not a name for a room"), "no name");

    fx_is(rx_on("c", "check $.a !~ '^(a+)+$'; ack 1;"), "", "!~");
    fx_is(rx_event("[\"c\",{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}]"),
          INVALID("$.a is too complex"),
          "an expression that gives up is no pass");

    rx_cleanup();
}


static void
test_expect(void)
{
    char            rule[256], data[256];
    size_t          i;
    const char     *got;
    const check_t  *t;

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(expects); i++) {
        t = &expects[i];
        rx_forget();

        snprintf(rule, sizeof(rule), "expect $.v %s; ack 1;", t->rule);
        snprintf(data, sizeof(data), "[\"e\",{\"v\":%s}]", t->args);

        if (strstr(t->rule, "1e400")) {
            fx_is(rx_on("e", rule), "\"..1e400\" is not a range for"
                  " \"number\"", "a bound out of range");
            continue;
        }

        fx_is(rx_on("e", rule), "", "%s", rule);

        got = rx_event_ack(data);

        if (t->passes) {
            fx_is(got, "ack 1;", "%s is %s", t->args, t->rule);

        } else {
            ok(strstr(got, "error {\"code\":\"invalid\",\"message\":"
                           "\"$.v must be ") == got,
               "%s is not %s: %s", t->args, t->rule, got);
        }

        got = rx_event_ack("[\"e\"]");

        ok(strstr(t->rule, " optional")
           ? strcmp(got, "ack 1;") == 0 : strstr(got, "must be") != NULL,
           "a missing value: %s: %s", t->rule, got);
    }

    rx_cleanup();
}


static void
test_expect_binary(void)
{
    rx_init(&unit_mem);

    rx.attachments.item[0] = sio_cstr("AAA");

#define PH  "{\"_placeholder\":true,\"num\":0}"

    fx_is(rx_on("b", "expect $data binary 1..3; ack 1;"), "", "binary");
    fx_is(rx_packet(sio_cstr("51-7[\"b\"," PH "]")), "ack 1;",
          "an attachment is binary");
    fx_is(rx_packet(sio_cstr("51-7[\"b\",[" PH "]]")),
          INVALID("$data must be binary of 1 to 3 bytes"),
          "a list of them is not");

    rx.attachments.item[0] = sio_cstr("AAAA");
    fx_is(rx_packet(sio_cstr("51-7[\"b\"," PH "]")),
          INVALID("$data must be binary of 1 to 3 bytes"), "four bytes");

    fx_is(rx_on("o", "expect $data object; ack 1;"), "", "an object");
    fx_is(rx_packet(sio_cstr("51-7[\"o\"," PH "]")),
          INVALID("$data must be an object"), "binary is no object");
    fx_is(rx_packet(sio_cstr("51-7[\"o\",{\"a\":" PH "}]")), "ack 1;",
          "an object with binary in it is");

    rx_cleanup();
}


static void
test_messages(void)
{
    size_t  i;

    static const struct {
        const char  *expect;
        const char  *error;
    } messages[] = {
        { "$.groupId string 1..64",
          INVALID("$.groupId must be a string of 1 to 64 characters") },
        { "$[1].a string 1..", INVALID("$[1].a must be a string of at least 1"
          " character") },
        { "$.a string ..64",
          INVALID("$.a must be a string of at most 64 characters") },
        { "$.a string 8..8", INVALID("$.a must be a string of 8 characters") },
        { "$.a string 1..9 ~x", INVALID("$.a must be a string of 1 to 9"
          " characters, in the required form") },
        { "$.a string ~x",
          INVALID("$.a must be a string in the required form") },
        { "$.a number 1.5..2",
          INVALID("$.a must be a number from 1.5 to 2") },
        { "$.a integer 1..", INVALID("$.a must be an integer of at least 1") },
        { "$.a boolean", INVALID("$.a must be a boolean") },
        { "$.a array 1..1", INVALID("$.a must be an array of 1 element") },
        { "$.a object ..5",
          INVALID("$.a must be an object of at most 5 members") },
        { "$.a any", INVALID("$.a must be there") },
        { "$.a in public private",
          INVALID("$.a must be one of public, private") }
    };

    char  rule[256];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(messages); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "expect %s;", messages[i].expect);
        (void) rx_on("e", rule);
        fx_is(rx_event("[\"e\"]"), messages[i].error, "%s", rule);
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
        { "check $.a == 1", "\"==\" is not an operator: it is one of =, !=, ~"
          " and !~" },
        { "check $.a = 1 2", "\"2\" is too much behind \"=\"" },
        { "check $.a =", "\"$.a\" is not a condition, its form is VALUE OP"
          " VALUE, \"in ROOM\" or \"online USER\"" },
        { "check sql is_member $.a", "\"is_member\" is not an operator: it is"
          " one of =, !=, ~ and !~" },
        { "check $.a in b c", "\"in\" begins a check of a room; for a list of"
          " values: expect $.a in A B C" },
        { "check a = b", "\"a\" and \"b\" are both literal" },
        { "check a ~ b", "\"a\" is not a value of an event" },
        { "check $.a = null", "nothing equals null: a value that is null or"
          " missing passes no \"=\"" },
        { "check $.a ~ (", "bad expression \"(\"" },
        { "check in a b", "too many arguments behind \"in\"" },
        { "check in ''", "the name of a room is empty" },
        { "expect a string", "\"a\" is literal: a value begins with \"$\"" },
        { "expect $.a sting",
          "unknown type \"sting\", did you mean \"string\"?" },
        { "expect $.a string 1-5", "unexpected \"1-5\": behind a type stand"
          " MIN..MAX, \"~REGEX\" and \"optional\"" },
        { "expect $.a string ..", "unexpected \"..\": behind a type stand"
          " MIN..MAX, \"~REGEX\" and \"optional\"" },
        { "expect $.a string 5..1", "the range \"5..1\" is empty" },
        { "expect $.a string -1..5",
          "\"-1..5\" is not a range for \"string\"" },
        { "expect $.a integer 1.5..5",
          "\"1.5..5\" is not a range for \"integer\"" },
        { "expect $.a string 1..2 3..4", "a second range \"3..4\"" },
        { "expect $.a boolean 1..2", "\"boolean\" has no range" },
        { "expect $.a integer ~x", "\"~x\" is for strings alone" },
        { "expect $.a string ~x ~y", "a second expression \"~y\"" },
        { "expect $.a string ~(", "bad expression \"(\"" },
        { "expect $.a in", "\"in\" has no values, the form is: expect VALUE"
          " in A B C" },
        { "expect $.a in optional", "\"in\" has no values, the form is: expect"
          " VALUE in A B C" },
        { "expect $.a in a $.b", "\"$.b\" cannot be one of the values: they"
          " are literal, and not null" }
    };

    char  rule[256];

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        rx_forget();
        snprintf(rule, sizeof(rule), "%s;", errors[i].rule);
        fx_is(rx_on("e", rule), errors[i].error, "%s", rule);
    }

    rx_cleanup();
}
