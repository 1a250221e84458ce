/*
 * Values and templates: each kind as JSON, inside a string and as plain
 * bytes; what is missing; attachments; what can't be compiled.
 */


#include "unit.h"
#include "sio_rule_fixture.h"


static void test_kinds(void);
static void test_texts(void);
static void test_captures(void);
static void test_variables(void);
static void test_missing(void);
static void test_stored(void);
static void test_date(void);
static void test_attachments(void);
static void test_forged(void);
static void test_names(void);
static void test_errors(void);
static void test_memory(void);
static const char *with(const char *template, const char *args);


typedef struct {
    const char  *template;
    const char  *args;                   /* behind the event's name */
    const char  *rendered;
} value_t;


static const value_t  kinds[] = {
    { "$.a", "{\"a\":1}", "1" },
    { "$.a.b[1]", "{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"c\":2}" },
    { "$.a", "{\"a\": 1, \"a\": [2] }", "[2]" },
    { "$data", "7,8", "7" },
    { "$data.x", "{\"x\":\"y\"},8", "\"y\"" },
    { "$[1]", "7,8", "8" },
    { "$[1].x", "7,{\"x\":9}", "9" },
    { "$[0]", "7", "7" },
    { "[$args]", "7,8", "[[7,8]]" },
    { "$args", "7, 8", "7, 8" },
    { "$args[1]", "7,8", "8" },
    { "$args[0].x", "{\"x\":3}", "3" },
    { "$args", "", "" },
    { "$user", "1", "\"bob\"" },
    { "$auth.token", "1", "\"t\"" },
    { "$auth.n", "1", "5" },
    { "$auth", "1", "{\"token\":\"t\",\"n\":5}" },
    { "$event", "1", "\"e\"" },
    { "$namespace", "1", "\"/\"" },
    { "$transport", "1", "\"websocket\"" },
    { "$now", "1", "\"2026-11-21T10:00:00.000Z\"" },
    { "$now_ms", "1", "1795255200000" },
    { "$uuid", "1", "\"123e4567-e89b-42d3-a456-426614174000\"" },
    { "$remote_addr", "1", "\"127.0.0.1\"" },
    { "{ \"a\": $.x, \"b\": [ $user ] }", "{\"x\":null}",
      "{\"a\":null,\"b\":[\"bob\"]}" },
    { "17", "1", "17" },
    { "null", "1", "null" }
};


static const value_t  texts[] = {
    { "\"$.a posted\"", "{\"a\":\"b\"}", "\"b posted\"" },
    { "\"$.a posted\"", "{\"a\":\"\\\"\\u0001\\n\"}",
      "\"\\\"\\u0001\\n posted\"" },
    { "\"$.a$.b\"", "{\"a\":1.5,\"b\":true}", "\"1.5true\"" },
    { "\"$.a\"", "{\"a\":[\"x\"]}", "\"[\\\"x\\\"]\"" },
    { "\"<$.a>\"", "{\"a\":null}", "\"<>\"" },
    { "\"<$.a>\"", "{}", "\"<>\"" },
    { "\"$http_quote\"", "1", "\"a\\\"b\"" },
    { "{\"$user\":1}", "1", "{\"bob\":1}" },
    { "\"${user}s $$5\"", "1", "\"bobs $5\"" }
};

#define NUMBER(a)  (sizeof(a) / sizeof(a[0]))


int
main(void)
{
    unit_plan();

    test_kinds();
    test_texts();
    test_captures();
    test_variables();
    test_missing();
    test_stored();
    test_date();
    test_attachments();
    test_forged();
    test_names();
    test_errors();
    test_memory();

    return unit_done();
}


/* What a template makes of an event's arguments. */

static const char *
with(const char *template, const char *args)
{
    char         rule[1024], data[1024];
    size_t       len;
    const char  *got;

    static char  text[4096];

    rx_forget();

    snprintf(rule, sizeof(rule), "emit x to self with '%s';", template);
    snprintf(data, sizeof(data), "[\"e\"%s%s]", *args ? "," : "", args);

    got = rx_on("e", rule);

    if (*got) {
        return got;
    }

    got = rx_event(data);

    /* emit x(...) self; */

    len = strlen(got);

    if (len < 14 || strncmp(got, "emit x(", 7) != 0) {
        return got;
    }

    snprintf(text, sizeof(text), "%.*s", (int) (len - 7 - 7), got + 7);

    return text;
}


static void
test_kinds(void)
{
    size_t  i;

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(kinds); i++) {
        fx_is(with(kinds[i].template, kinds[i].args), kinds[i].rendered,
              "%s of %s", kinds[i].template, kinds[i].args);
    }

    is_int(strlen(with("$socket", "1")), EIO_SID_LEN + 2,
           "$socket is the socket's id");

    rx_cleanup();
    unit_mem_none_left("the memory is given back");
}


static void
test_texts(void)
{
    size_t  i;

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(texts); i++) {
        fx_is(with(texts[i].template, texts[i].args), texts[i].rendered,
              "%s of %s", texts[i].template, texts[i].args);
    }

    rx_cleanup();
}


static void
test_captures(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("~^doc:(?<id>\\w+):(.)?(x)?$",
                "emit x to doc:$id with $1 $2 $3 '\"<$3>\"';"), "",
          "a rule with captures");
    fx_is(rx_event("[\"doc:a1:\"]"),
          "emit x(\"a1\",null,null,\"<>\") to doc:a1;",
          "groups by name and number; a group that took no part is null");
    fx_is(rx_event("[\"doc:a1:zx\"]"),
          "emit x(\"a1\",\"z\",\"x\",\"<x>\") to doc:a1;", "all groups");

    rx_forget();

    fx_is(rx_on("~^(.)(.)$", "emit x to self with $1 $2;"), "",
          "an expression that cuts characters in two");
    fx_is(rx_event("[\"\xc3\xa9\"]"), "emit x(null,null) self;",
          "halves of a character are missing");

    rx_cleanup();
}


static void
test_variables(void)
{
    rx_init(&unit_mem);

    fx_is(with("$http_bytes", "1"), "null", "what is not UTF-8 is missing");
    fx_is(with("$arg_empty", "1"), "\"\"", "an empty variable is a string");
    fx_is(with("$arg_none", "1"), "null", "a variable without a value");

    rx_cleanup();
}


static void
test_missing(void)
{
    sio_claimed_t  claimed;
    sio_socket_t  *socket;

    rx_init(&unit_mem);

    fx_is(with("$.a", "{}"), "null", "a missing member is null");
    fx_is(with("$.a.b", "5"), "null", "a number has no members");
    fx_is(with("$[3]", "5"), "null", "a missing argument is null");
    fx_is(with("$socket.x", "5"), "null", "nothing is stored");
    fx_is(with("[$args]", ""), "[[]]", "no arguments are an empty list");

    socket = fx_socket(rx.conn, "/");

    sio_free(&fx_mem, socket->auth);
    socket->auth = NULL;

    fx_is(with("$auth", "5"), "{}", "no CONNECT payload is an empty object");
    fx_is(with("$auth.x", "5"), "null", "and has no members");

    fx_is(with("[$claim,$claim.x]", "5"), "[{},null]",
          "a user without claims");

    sio_free(&fx_mem, socket->identity);
    socket->identity = NULL;

    fx_is(with("$user", "5"), "null", "no user is null");
    fx_is(with("[$claim,$claim.x]", "5"), "[{},null]", "nobody's claims");

    memset(&claimed, 0, sizeof(sio_claimed_t));
    claimed.user = sio_cstr("bob");
    claimed.claims = sio_cstr("{\"role\":\"teacher\",\"org\":{\"ids\":[7,8]}}");
    (void) sio_socket_identify(socket, &claimed);

    fx_is(with("[\"a $claim.role\",$claim.org.ids[1],$claim.org]", "5"),
          "[\"a teacher\",8,{\"ids\":[7,8]}]", "claims of a user");
    fx_is(with("$claim", "5"),
          "{\"role\":\"teacher\",\"org\":{\"ids\":[7,8]}}", "all of them");

    rx_cleanup();
}


static void
test_stored(void)
{
    rx_init(&unit_mem);

    fx_is(rx_on("set", "set a $.v; set b 7; set c 'x y'; set d '<$.v>';"), "",
          "set");
    fx_is(rx_on("get", "emit x to self with $socket.a $socket.b $socket.c"
                " $socket.d $socket.a.k;"), "", "get");

    fx_is(rx_event("[\"set\",{\"v\":\"s\"}]"), "", "set runs");
    fx_is(rx_event("[\"get\"]"),
          "emit x(\"s\",7,\"x y\",\"<s>\",null) self;", "what was stored");

    fx_is(rx_event("[\"set\",{\"v\":{\"k\":[1]}}]"), "", "set again");
    fx_is(rx_event("[\"get\"]"),
          "emit x({\"k\":[1]},7,\"x y\",null,[1]) self;",
          "a path into it; text with no fit value is missing");

    fx_is(rx_event("[\"set\"]"), "", "set what is missing");
    fx_is(rx_event("[\"get\"]"),
          "emit x(null,7,\"x y\",null,null) self;", "it is removed");

    rx.attachments.item[0] = sio_cstr("AB");

    fx_is(rx_packet(sio_cstr("51-[\"set\",{\"v\":[{\"_placeholder\":true,"
                             "\"num\":0}]}]")),
          "error {\"code\":\"invalid\",\"message\":\"$.v must not be binary\""
          "};", "a placeholder is not stored");

    rx_cleanup();
}


static void
test_date(void)
{
    size_t  i;

    static const struct {
        uint64_t     msec;
        const char  *text;
    } dates[] = {
        { 0, "\"1970-01-01T00:00:00.000Z\"" },
        { 951782399999, "\"2000-02-28T23:59:59.999Z\"" },
        { 951782400000, "\"2000-02-29T00:00:00.000Z\"" },
        { 951868800001, "\"2000-03-01T00:00:00.001Z\"" },
        { 1709164800000, "\"2024-02-29T00:00:00.000Z\"" },
        { 1735689599000, "\"2024-12-31T23:59:59.000Z\"" },
        { 4107542400000, "\"2100-03-01T00:00:00.000Z\"" },
        { 253402300799999, "\"9999-12-31T23:59:59.999Z\"" }
    };

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(dates); i++) {
        rx.now = dates[i].msec;
        fx_is(with("$now", "1"), dates[i].text, "the date of %llu",
              (unsigned long long) dates[i].msec);
    }

    rx_cleanup();
}


static void
test_attachments(void)
{
    rx_init(&unit_mem);

    rx.attachments.item[0] = sio_cstr("AA");
    rx.attachments.item[1] = sio_cstr("BB");

#define PH(n)  "{\"_placeholder\":true,\"num\":" #n "}"

    fx_is(rx_on("plain", "emit x to all;"), "", "no template");
    fx_is(rx_packet(sio_cstr("52-[\"plain\"," PH(1) "," PH(0) "]")),
          "emit x(" PH(1) "," PH(0) ") <AA> <BB> all;",
          "the arguments go on as they are");

    fx_is(rx_on("one", "emit x to all with '{\"a\":$[1].b}' '$[0]';"), "",
          "two templates");
    fx_is(rx_packet(sio_cstr("52-[\"one\"," PH(0) ",{\"b\":[" PH(1) "]}]")),
          "emit x({\"a\":[" PH(0) "]}," PH(1) ") <BB> <AA> all;",
          "placeholders are renumbered over all templates");
    fx_is(rx_packet(sio_cstr("52-[\"one\",1,{\"b\":[" PH(1) "," PH(0) "]}]")),
          "emit x({\"a\":[" PH(0) "," PH(1) "]},1) <BB> <AA> all;",
          "in the order they are met");

    fx_is(rx_on("none", "emit x to all with '\"$.a\"' $user;"), "",
          "a template without placeholders");
    fx_is(rx_packet(sio_cstr("51-[\"none\",{\"a\":" PH(0) "}]")),
          "emit x(\"{\\\"_placeholder\\\":true,\\\"num\\\":0}\",\"bob\") all;",
          "in a string it is text, and no attachment travels");

    fx_is(rx_on("ack", "ack 1 $args;"), "", "an ack with $args");
    fx_is(rx_packet(sio_cstr("52-7[\"ack\",0," PH(1) "," PH(0) "]")),
          "ack 1,0," PH(0) "," PH(1) " <BB> <AA>;", "they are spread");

    rx_cleanup();
}


/* The name of a member is built of a value: it may be "_placeholder". */

static void
test_forged(void)
{
    rx_init(&unit_mem);

    rx.attachments.item[0] = sio_cstr("AA");

    fx_is(rx_on("e", "emit x to all with '{\"$.k\":true,\"num\":$.n}' $[1];"),
          "", "a template with a name built of a value");
    fx_is(rx_event("[\"e\",{\"k\":\"_placeholder\",\"n\":0}]"),
          "error {\"code\":\"invalid\",\"message\":\"a forged attachment\"};",
          "a forged placeholder is refused");
    fx_is(rx_event("[\"e\",{\"k\":\"\\u005fplaceholder\",\"n\":0}]"),
          "error {\"code\":\"invalid\",\"message\":\"a forged attachment\"};",
          "with an escape too");
    fx_is(rx_event("[\"e\",{\"k\":\"k\",\"n\":0}]"),
          "emit x({\"k\":true,\"num\":0},null) all;", "others pass");
    fx_is(rx_packet(sio_cstr("51-[\"e\",{\"k\":\"_placeholder\",\"n\":0},"
                             PH(0) "]")),
          "error {\"code\":\"invalid\",\"message\":\"a forged attachment\"};",
          "before there is one to stand for");

    rx_cleanup();
}


static void
test_names(void)
{
    char    data[256];
    size_t  i;

    static const struct {
        const char  *json;
        const char  *got;
    } names[] = {
        { "\"a\"", "emit x(1) to r:a;" },
        { "\"\\u00e9\\n\"",
          "error {\"code\":\"invalid\",\"message\":\"not a name for a room\"}"
          ";" },
        { "\"\\u00e9\"", "emit x(1) to r:\xc3\xa9;" },
        { "-12", "emit x(1) to r:-12;" },
        { "123456789012345678901234567890",
          "emit x(1) to r:123456789012345678901234567890;" },
        { "1.5", NULL },
        { "1e3", NULL },
        { "true", NULL },
        { "null", NULL },
        { "[]", NULL },
        { "{}", NULL }
    };

    rx_init(&unit_mem);

    fx_is(rx_on("e", "emit x to r:$[0] with 1;"), "", "a room with a value");

    for (i = 0; i < NUMBER(names); i++) {
        snprintf(data, sizeof(data), "[\"e\",%s]", names[i].json);

        fx_is(rx_event(data), names[i].got ? names[i].got
              : "error {\"code\":\"invalid\",\"message\":"
                "\"$[0] must be a string or an integer\"};",
              "the room of %s", names[i].json);
    }

    fx_is(rx_event("[\"e\"]"), "error {\"code\":\"invalid\",\"message\":"
          "\"$[0] must be a string or an integer\"};", "a missing value");

    rx_cleanup();
}


static void
test_errors(void)
{
    size_t  i;

    static const struct {
        const char  *template;
        const char  *error;
    } errors[] = {
        { "$badge.role", "unknown value \"$badge.role\"" },
        { "$usr", "unknown value \"$usr\", did you mean \"user\"?" },
        { "$sent.queued", "\"$sent.queued\": no \"emit ... to user:ID\" stands"
          " before it" },
        { "$.a[*].b[*]", "a second \"[*]\" in \"$.a[*].b[*]\"" },
        { "$[1234567]", "the index in \"$[1234567]\" is too large" },
        { "$user.name", "\"$user\" has no members, for text behind it write"
          " \"${user}\"" },
        { "$remote_addr.x", "\"$remote_addr\" has no members, for text behind"
          " it write \"${remote_addr}\"" },
        { "$args.x", "\"$args\" is a list: its members are $args[0] and so"
          " on" },
        { "$socket[0]", "\"$socket[0]\": what is stored on the socket has a"
          " name, as in $socket.name" },
        { "$1", "\"$1\": the pattern of this rule has no such group" },
        { "$reason", "\"$reason\" has no value in this rule" }
    };

    rx_init(&unit_mem);

    for (i = 0; i < NUMBER(errors); i++) {
        fx_is(with(errors[i].template, "1"), errors[i].error, "%s",
              errors[i].template);
    }

    ok(strstr(with("{\"a\":}", "1"), "in the template \"{\"a\":}\"") != NULL,
       "a bad template: %s", rx.c.error);
    ok(strstr(with("{$.a:1}", "1"), "in the template") != NULL,
       "a bare reference as a name: %s", rx.c.error);
    ok(strstr(with("\xff", "1"), "is not UTF-8") != NULL, "bad UTF-8");

    rx_forget();
    fx_is(rx_on("~^(a)$", "emit x to self with $2;"),
          "\"$2\": the pattern of this rule has no such group",
          "a group that is not there");
    fx_is(rx_on("~^(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)$",
                "emit x to self with $10;"),
          "\"$10\" is a group beyond the ninth", "too many groups");

    rx_cleanup();
}


/* Each allocation fails in turn, at both times. */

static void
test_memory(void)
{
    unsigned     n, failed, done;
    const char  *got;

    failed = 0;
    done = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        rx_init(&unit_mem);

        got = rx_on("e", "set a '<$.v>'; emit x to a:$.v with"
                    " '{\"a\":$args,\"b\":\"$now $user\",\"c\":$uuid}';");

        if (*got) {
            failed += strcmp(got, "no memory") == 0;

        } else {
            got = rx_event("[\"e\",{\"v\":\"\\u0061\"}]");
            done += strstr(got, "emit x({\"a\":[{\"v\":\"\\u0061\"}],") != NULL;
            failed += strstr(got, "unavailable") != NULL;
        }

        (void) fx_log_take();
        rx_cleanup();
    }

    ok(n > 2, "allocations were made to fail: %u", n - 2);
    is_int(done, 1, "only the run without a failure did it all");
    is_int(failed, n - 2, "the others reported it");
    unit_mem_none_left("nothing is left");
}
