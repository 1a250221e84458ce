/*
 * Bodies of the API: what is taken, what is refused and where it says so.
 */


#include "unit.h"
#include "codec/sio_emit.h"


static int parse(sio_emit_body_t *body, const char *text);
static void test_one(void);
static void test_arguments(void);
static void test_rooms(void);
static void test_escapes(void);
static void test_batch(void);
static void test_refused(void);
static void test_mailbox(void);
static void test_keys(void);
static void test_bounds(void);
static void test_truncated(void);
static void test_failures(void);
static char *repeat(const char *head, const char *item, unsigned n,
    const char *tail);


static const sio_json_limits_t  limits = { 32, 100000 };


int
main(void)
{
    unit_plan();

    test_one();
    test_arguments();
    test_rooms();
    test_escapes();
    test_batch();
    test_refused();
    test_mailbox();
    test_keys();
    test_bounds();
    test_truncated();
    test_failures();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static int
parse(sio_emit_body_t *body, const char *text)
{
    return sio_emit_parse(body, sio_cstr(text), &limits);
}


static void
test_one(void)
{
    sio_emit_t       *e;
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    is_int(parse(&body, "{\"event\":\"x\"}"), SIO_OK, "an event alone");
    is_int(body.nemits, 1, "is one emit");
    ok(!body.read.batch, "and no batch");

    e = &body.emits[0];
    is_str(e->event, "x", "its event");
    is_str(e->nsp, "/", "goes to the main namespace");
    is_int(e->args.len, 0, "has no arguments");
    is_int(e->data.len, 0, "and no first one");
    is_int(e->nrooms, 0, "to everyone");
    is_int(e->nexcept, 0, "except nobody");
    is_int(e->target.len, 0, "has no target");
    is_int(e->ack_msec, 0, "wants no ack");
    ok(!e->volatile_ && !e->local, "no flags");

    is_int(parse(&body,
                 " { \"event\" : \"group:post\" , \"data\" : { \"a\" : 1 } ,"
                 " \"namespace\" : \"/custom\" , \"to\" : \"lobby\" ,"
                 " \"except\" : [ \"a\" , 2 ] , \"volatile\" : true ,"
                 " \"local\" : true } "),
           SIO_OK, "all of it, on the same body");

    e = &body.emits[0];
    is_str(e->event, "group:post", "event");
    is_str(e->args, "{ \"a\" : 1 }", "arguments");
    is_str(e->data, "{ \"a\" : 1 }", "data");
    is_str(e->nsp, "/custom", "namespace");
    is_int(e->nrooms, 1, "one room");
    is_str(e->rooms[0], "lobby", "room");
    is_int(e->nexcept, 2, "two rooms excluded");
    is_str(e->except[0], "a", "a string");
    is_str(e->except[1], "2", "an integer");
    ok(e->volatile_ && e->local, "both flags");

    is_int(parse(&body, "{\"event\":\"x\",\"target\":\"group\",\"ack\":5000,"
                        "\"volatile\":false,\"local\":false}"),
           SIO_OK, "a target");
    e = &body.emits[0];
    is_str(e->target, "group", "has its name");
    is_int(e->ack_msec, 5000, "and an ack in time");
    ok(!e->volatile_ && !e->local, "flags that are false");

    sio_emit_free(&body);
    sio_emit_free(&body);
}


static void
test_arguments(void)
{
    size_t           i;
    sio_emit_body_t  body;

    static const struct {
        const char  *text;
        const char  *args;
        const char  *data;
    } cases[] = {
        { "{\"event\":\"x\",\"data\":null}", "null", "null" },
        { "{\"event\":\"x\",\"data\":[1,2]}", "[1,2]", "[1,2]" },
        { "{\"event\":\"x\",\"data\":\"a,b\"}", "\"a,b\"", "\"a,b\"" },
        { "{\"event\":\"x\",\"data\":-1.5}", "-1.5", "-1.5" },
        { "{\"event\":\"x\",\"args\":[]}", "", "" },
        { "{\"event\":\"x\",\"args\":[ ]}", "", "" },
        { "{\"event\":\"x\",\"args\":[1]}", "1", "1" },
        { "{\"event\":\"x\",\"args\":[ [1,2] , \"b\" ]}", "[1,2] , \"b\"",
          "[1,2]" }
    };

    sio_emit_init(&body, &unit_mem);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(parse(&body, cases[i].text), SIO_OK, "%s", cases[i].text);
        is_str(body.emits[0].args, cases[i].args, "arguments");
        is_str(body.emits[0].data, cases[i].data, "the first");
    }

    sio_emit_free(&body);
}


static void
test_rooms(void)
{
    sio_emit_t       *e;
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    is_int(parse(&body,
                 "{\"event\":\"x\",\"user\":[\"u1\",2,-0],\"except\":\"e\","
                 "\"to\":[\"a\",-7,\"user:9\",9007199254740993]}"),
           SIO_OK, "to, user and except in any order");

    e = &body.emits[0];
    is_int(e->nrooms, 7, "rooms of to and user");
    is_str(e->rooms[0], "a", "a name");
    is_str(e->rooms[1], "-7", "an integer");
    is_str(e->rooms[2], "user:9", "a user's room by its name");
    is_str(e->rooms[3], "9007199254740993", "an integer of 64 bits is whole");
    is_str(e->rooms[4], "user:u1", "a user");
    is_str(e->rooms[5], "user:2", "a user by number");
    is_str(e->rooms[6], "user:0", "minus zero is zero");
    is_int(e->nexcept, 1, "one exception");
    is_str(e->except[0], "e", "it");

    is_int(parse(&body, "{\"event\":\"x\",\"to\":42,\"user\":43}"), SIO_OK,
           "integers by themselves");
    e = &body.emits[0];
    is_int(e->nrooms, 2, "two rooms");
    is_str(e->rooms[0], "42", "the room");
    is_str(e->rooms[1], "user:43", "the user");

    is_int(parse(&body, "{\"event\":\"x\",\"user\":\"a b\",\"except\":[]}"),
           SIO_OK, "a user only, except nobody");
    e = &body.emits[0];
    is_int(e->nrooms, 1, "one room");
    is_str(e->rooms[0], "user:a b", "the user");
    is_int(e->nexcept, 0, "no exception");

    sio_emit_free(&body);
}


static void
test_escapes(void)
{
    sio_emit_t       *e;
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    is_int(parse(&body,
                 "{\"\\u0065vent\":\"a\\\"\\n\\u00e9\",\"to\":[\"r\\u0031\","
                 "\"\\ud83d\\ude00\"],\"user\":\"\\u0041\","
                 "\"except\":\"\\\\\",\"namespace\":\"\\/a\","
                 "\"data\":\"\\u0041\"}"),
           SIO_OK, "escapes everywhere");

    e = &body.emits[0];
    is_str(e->event, "a\"\n\xc3\xa9", "event");
    is_str(e->rooms[0], "r1", "room");
    is_str(e->rooms[1], "\xf0\x9f\x98\x80", "room of a surrogate pair");
    is_str(e->rooms[2], "user:A", "user");
    is_str(e->except[0], "\\", "except");
    is_str(e->nsp, "/a", "namespace");
    is_str(e->data, "\"\\u0041\"", "data stays verbatim");

    is_int(parse(&body, "{\"event\":\"connec\\u0074\"}"), SIO_ERROR,
           "a reserved name with an escape");
    is_str(sio_cstr(body.read.error), "is a reserved name", "is one");

    is_int(parse(&body, "{\"event\":\"x\",\"to\":\"\\ud800\"}"), SIO_OK,
           "a lone surrogate");
    is_str(body.emits[0].rooms[0], "\xef\xbf\xbd", "is U+FFFD");

    sio_emit_free(&body);
}


static void
test_batch(void)
{
    char             *text;
    unsigned          i;
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    is_int(parse(&body, "[{\"event\":\"a\",\"to\":[\"1\",\"2\"]},"
                        "{\"event\":\"b\"},"
                        "{\"event\":\"c\",\"user\":3,\"except\":4}]"),
           SIO_OK, "a batch");
    ok(body.read.batch, "is one");
    is_int(body.nemits, 3, "of three");
    is_str(body.emits[0].event, "a", "the first");
    is_str(body.emits[0].rooms[1], "2", "its second room");
    is_int(body.emits[1].nrooms, 0, "the second has none");
    is_str(body.emits[2].rooms[0], "user:3", "the third has a user");
    is_str(body.emits[2].except[0], "4", "and an exception");

    is_int(parse(&body, "[]"), SIO_ERROR, "an empty batch");
    is_str(sio_cstr(body.read.error), "must not be empty", "is refused");
    is_str(sio_cstr(body.read.path), "", "as a whole");

    for (i = SIO_EMIT_BATCH_MAX; i <= SIO_EMIT_BATCH_MAX + 1; i++) {
        text = repeat("[", "{\"event\":\"a\"}", i, "]");

        is_int(parse(&body, text), i == SIO_EMIT_BATCH_MAX ? SIO_OK : SIO_ERROR,
               "%u emits", i);

        free(text);
    }

    is_str(sio_cstr(body.read.error), "has too many elements", "are too many");

    sio_emit_free(&body);
}


static void
test_refused(void)
{
    size_t           i;
    sio_emit_body_t  body;

    static const struct {
        const char  *text;
        const char  *path;
        const char  *error;
    } cases[] = {
        { "\"x\"", "", "must be an object or an array" },
        { "null", "", "must be an object or an array" },
        { "1", "", "must be an object or an array" },
        { "[1]", "[0]", "must be an object" },
        { "[{\"event\":\"a\"},[]]", "[1]", "must be an object" },
        { "{}", "event", "is missing" },
        { "[{\"event\":\"a\"},{}]", "[1].event", "is missing" },
        { "{\"event\":1}", "event", "must be a string" },
        { "{\"event\":null}", "event", "must be a string" },
        { "{\"event\":\"\"}", "event", "must not be empty" },
        { "{\"event\":\"connect\"}", "event", "is a reserved name" },
        { "{\"event\":\"disconnecting\"}", "event", "is a reserved name" },
        { "{\"event\":\"x\",\"foo\":1}", "foo", "is unknown" },
        { "{\"event\":\"x\",\"Event\":1}", "Event", "is unknown" },
        { "{\"event\":\"x\",\"\":1}", "", "is unknown" },
        { "[{\"event\":\"x\",\"\":1}]", "[0]", "is unknown" },
        { "{\"event\":\"x\",\"\xc3\xa9\":1}", "?\?", "is unknown" },
        { "{\"abcdefghijklmnopqrstuvwxyz\":1}",
          "abcdefghijklmnopqrstuvwx...", "is unknown" },
        { "{\"event\":\"x\",\"event\":\"y\"}", "event", "is given twice" },
        { "{\"event\":\"x\",\"to\":\"a\",\"t\\u006f\":\"b\"}", "to",
          "is given twice" },
        { "{\"event\":\"x\",\"data\":1,\"args\":[]}", "args",
          "excludes \"data\"" },
        { "{\"event\":\"x\",\"args\":{}}", "args", "must be an array" },
        { "{\"event\":\"x\",\"args\":null}", "args", "must be an array" },
        { "{\"event\":\"x\",\"namespace\":1}", "namespace",
          "must be a string" },
        { "{\"event\":\"x\",\"namespace\":\"\"}", "namespace",
          "must not be empty" },
        { "{\"event\":\"x\",\"namespace\":\"a\"}", "namespace",
          "is not a namespace" },
        { "{\"event\":\"x\",\"namespace\":\"/a,b\"}", "namespace",
          "is not a namespace" },
        { "{\"event\":\"x\",\"namespace\":\"/a?b\"}", "namespace",
          "is not a namespace" },
        { "{\"event\":\"x\",\"namespace\":\"/a\\n\"}", "namespace",
          "is not a namespace" },
        { "{\"event\":\"x\",\"to\":null}", "to",
          "must be a string, an integer or an array" },
        { "{\"event\":\"x\",\"to\":{}}", "to",
          "must be a string, an integer or an array" },
        { "{\"event\":\"x\",\"to\":1.5}", "to",
          "must be a string, an integer or an array" },
        { "{\"event\":\"x\",\"to\":1e3}", "to",
          "must be a string, an integer or an array" },
        { "{\"event\":\"x\",\"to\":\"\"}", "to", "must not be empty" },
        { "{\"event\":\"x\",\"to\":[]}", "to", "must not be empty" },
        { "{\"event\":\"x\",\"user\":[]}", "user", "must not be empty" },
        { "{\"event\":\"x\",\"to\":[\"a\",true]}", "to[1]",
          "must be a string or an integer" },
        { "{\"event\":\"x\",\"to\":[[\"a\"]]}", "to[0]",
          "must be a string or an integer" },
        { "{\"event\":\"x\",\"to\":[99999999999999999999]}", "to[0]",
          "must be a string or an integer" },
        { "{\"event\":\"x\",\"to\":[\"a\",\"\"]}", "to[1]",
          "must not be empty" },
        { "{\"event\":\"x\",\"to\":\"a\\u0000\"}", "to",
          "has a control character" },
        { "{\"event\":\"x\",\"user\":\"\"}", "user", "must not be empty" },
        { "{\"event\":\"x\",\"user\":[\"a\",null]}", "user[1]",
          "must be a string or an integer" },
        { "{\"event\":\"x\",\"user\":\"\\t\"}", "user",
          "has a control character" },
        { "{\"event\":\"x\",\"except\":false}", "except",
          "must be a string, an integer or an array" },
        { "{\"event\":\"x\",\"except\":[\"\"]}", "except[0]",
          "must not be empty" },
        { "[{\"event\":\"x\"},{\"event\":\"x\"},{\"event\":\"x\"},"
          "{\"event\":\"x\",\"to\":[{}]}]", "[3].to[0]",
          "must be a string or an integer" },
        { "{\"event\":\"x\",\"target\":[\"a\"]}", "target",
          "must be a string" },
        { "{\"event\":\"x\",\"target\":\"\"}", "target",
          "must not be empty" },
        { "{\"event\":\"x\",\"target\":\"a\",\"to\":\"b\"}", "target",
          "excludes \"to\" and \"user\"" },
        { "{\"event\":\"x\",\"target\":\"a\",\"user\":\"b\"}", "target",
          "excludes \"to\" and \"user\"" },
        { "{\"event\":\"x\",\"volatile\":1}", "volatile",
          "must be true or false" },
        { "{\"event\":\"x\",\"local\":\"true\"}", "local",
          "must be true or false" },
        { "{\"event\":\"x\",\"servers\":1}", "servers",
          "must be true or false" },
        { "{\"event\":\"x\",\"servers\":true,\"to\":\"a\"}", "to",
          "excludes \"servers\"" },
        { "{\"event\":\"x\",\"servers\":true,\"user\":1}", "user",
          "excludes \"servers\"" },
        { "{\"event\":\"x\",\"servers\":true,\"local\":true}", "local",
          "excludes \"servers\"" },
        { "{\"event\":\"x\",\"servers\":true,\"volatile\":true}",
          "volatile", "excludes \"servers\"" },
        { "{\"event\":\"x\",\"ack\":\"1\"}", "ack", "must be an integer" },
        { "{\"event\":\"x\",\"ack\":1.5}", "ack", "must be an integer" },
        { "{\"event\":\"x\",\"ack\":true}", "ack", "must be an integer" },
        { "{\"event\":\"x\",\"ack\":0}", "ack", "must be 1 to 300000" },
        { "{\"event\":\"x\",\"ack\":-1}", "ack", "must be 1 to 300000" },
        { "{\"event\":\"x\",\"ack\":300001}", "ack", "must be 1 to 300000" },
        { "{\"event\":\"x\",\"ack\":1,\"volatile\":true}", "ack",
          "excludes \"volatile\"" },
        { "{\"event\":\"x\",\"mailbox\":true}", "mailbox",
          "needs \"user\"" },
        { "{\"event\":\"x\",\"target\":\"a\",\"mailbox\":\"k\"}",
          "mailbox", "needs \"user\"" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":1}", "mailbox",
          "must be true, false or a string" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":\"\"}", "mailbox",
          "must not be empty" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":true,\"to\":\"a\"}",
          "mailbox", "excludes \"to\"" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":true,\"except\":[]}",
          "mailbox", "excludes \"except\"" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":true,\"ack\":5}",
          "mailbox", "excludes \"ack\"" },
        { "{\"event\":\"x\",\"user\":1,\"mailbox\":\"k\","
          "\"volatile\":true}", "mailbox", "excludes \"volatile\"" },
        { "[{\"event\":\"x\",\"id\":1}]", "[0].id", "must be a string" },
        { "{\"event\":\"x\",\"id\":\"\"}", "id", "must not be empty" },
        { "{\"event\":\"x\",\"id\":\"a\",\"ack\":5}", "id",
          "excludes \"ack\"" },
        { "{\"event\":\"x\",\"data\":{\"_placeholder\":true,\"num\":0}}",
          "data", "has a placeholder" },
        { "[{\"event\":\"x\",\"data\":1},{\"event\":\"x\",\"args\":[1,"
          "{\"a\":[{\"_placeholder\":true}]}]}]",
          "[1].args", "has a placeholder" }
    };

    sio_emit_init(&body, &unit_mem);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is_int(parse(&body, cases[i].text), SIO_ERROR, "refused: %s",
               cases[i].text);
        is_str(sio_cstr(body.read.path), cases[i].path, "at %s", cases[i].path);
        is_str(sio_cstr(body.read.error ? body.read.error : "(null)"),
               cases[i].error,
               "because it %s", cases[i].error);
    }

    is_int(parse(&body, "{\"event\":\"x\""), SIO_ERROR, "no JSON");
    ok(body.read.error != NULL, "says why");
    is_str(sio_cstr(body.read.path), "", "and has no path");

    sio_emit_free(&body);
}


static void
test_mailbox(void)
{
    sio_emit_t       *e;
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    is_int(parse(&body, "[{\"event\":\"x\",\"user\":[1,\"b\"],"
                        "\"mailbox\":\"k:\\u00e9\",\"id\":\"a\\n\"},"
                        "{\"event\":\"x\",\"user\":2,\"mailbox\":true},"
                        "{\"event\":\"x\",\"to\":\"r\",\"ack\":1,"
                        "\"mailbox\":false}]"),
           SIO_OK, "emits with mailboxes");

    e = body.emits;
    ok(e[0].mailbox, "one has a mailbox");
    is_str(e[0].mailbox_key, "k:\xc3\xa9", "with a key, unescaped");
    is_str(e[0].id, "a\n", "and an id");
    is_int(e[0].nrooms, 2, "for two users");
    ok(e[1].mailbox && e[1].mailbox_key.len == 0 && e[1].id.len == 0,
       "one has neither");
    ok(!e[2].mailbox, "false is as if it were not there");

    sio_emit_free(&body);
    unit_mem_none_left("mailbox: no leak");
}


/* Every key known is taken for itself, one letter less is unknown. */

static void
test_keys(void)
{
    char             text[100], key[20];
    size_t           i;
    sio_emit_body_t  body;

    static const char *const  keys[] = {
        "event", "data", "args", "namespace", "to", "user", "except",
        "target", "volatile", "local", "ack", "mailbox", "id",
        "servers"
    };

    sio_emit_init(&body, &unit_mem);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void) snprintf(text, sizeof(text), "{\"%s\":1,\"%s\":1}", keys[i],
                        keys[i]);
        is_int(parse(&body, text), SIO_ERROR, "%s twice", keys[i]);
        is_str(sio_cstr(body.read.error), "is given twice", "is known");
        is_str(sio_cstr(body.read.path), keys[i], "by its name");

        (void) snprintf(key, sizeof(key), "%.*s", (int) strlen(keys[i]) - 1,
                        keys[i]);
        (void) snprintf(text, sizeof(text), "{\"%s\":1}", key);
        is_int(parse(&body, text), SIO_ERROR, "%s", key);
        is_str(sio_cstr(body.read.error), "is unknown", "is unknown");
    }

    sio_emit_free(&body);
}


/* To be freed. */

static char *
repeat(const char *head, const char *item, unsigned n, const char *tail)
{
    char      *text;
    size_t     len;
    unsigned   i;

    text = malloc(strlen(head) + n * (strlen(item) + 1) + strlen(tail) + 1);
    if (text == NULL) {
        abort();
    }

    strcpy(text, head);
    len = strlen(head);

    for (i = 0; i < n; i++) {
        len += sprintf(text + len, "%s%s", i ? "," : "", item);
    }

    strcpy(text + len, tail);

    return text;
}


static void
test_bounds(void)
{
    char             *text, *item;
    char              room[SIO_ROOM_MAX + 2];
    sio_emit_body_t   body;

    sio_emit_init(&body, &unit_mem);

    text = repeat("{\"event\":\"x\",\"to\":[", "\"a\"", SIO_EMIT_ROOMS_MAX,
                  "]}");
    is_int(parse(&body, text), SIO_OK, "the most rooms");
    is_int(body.emits[0].nrooms, SIO_EMIT_ROOMS_MAX, "all are there");
    free(text);

    text = repeat("{\"event\":\"x\",\"to\":[", "1", SIO_EMIT_ROOMS_MAX + 1,
                  "]}");
    is_int(parse(&body, text), SIO_ERROR, "one more");
    is_str(sio_cstr(body.read.path), "to", "at to");
    is_str(sio_cstr(body.read.error), "has too many rooms", "is too many");
    free(text);

    text = repeat("{\"event\":\"x\",\"to\":[", "1", SIO_EMIT_ROOMS_MAX,
                  "],\"except\":\"a\"}");
    is_int(parse(&body, text), SIO_ERROR, "exceptions count");
    is_str(sio_cstr(body.read.path), "except", "at except");
    free(text);

    text = repeat("[{\"event\":\"x\",\"user\":[", "\"\\u0061\"", 900,
                  "]},{\"event\":\"x\",\"user\":[\"\\u0062\",3]}]");
    is_int(parse(&body, text), SIO_OK, "many escaped users");
    is_str(body.emits[0].rooms[0], "user:a", "the first is in place");
    is_str(body.emits[0].rooms[899], "user:a", "the last is in place");
    is_str(body.emits[1].rooms[0], "user:b", "also of the next emit");
    free(text);

    text = repeat("{\"event\":\"x\",\"user\":[", "1", 500, "]}");
    is_int(parse(&body, text), SIO_OK, "ids much shorter than their rooms");
    is_str(body.emits[0].rooms[499], "user:1", "have memory enough");
    free(text);

    item = repeat("{\"event\":\"x\",\"to\":[", "1", SIO_EMIT_ROOMS_MAX, "]}");
    text = repeat("[", item, 2, "]");
    is_int(parse(&body, text), SIO_OK, "every emit may have the most rooms");
    is_int(body.emits[1].nrooms, SIO_EMIT_ROOMS_MAX, "the second has");
    free(text);
    free(item);

    memset(room, 'r', sizeof(room));

    ok(sio_room_name_valid(sio_str(room, SIO_ROOM_MAX)), "256 bytes of room");
    ok(!sio_room_name_valid(sio_str(room, SIO_ROOM_MAX + 1)), "257 bytes");
    ok(!sio_room_name_valid(sio_str(NULL, 0)), "no room");
    ok(!sio_room_name_valid(sio_cstr("a\nb")), "a control character");
    ok(!sio_room_name_valid(sio_cstr("a\xff")), "no UTF-8");
    ok(sio_room_name_valid(sio_cstr("group:\xc3\xa9 1")), "a usual room");

    /* "user:", 11 bytes, items of 8 and the commas between them */

    text = repeat("{\"event\":\"x\",\"user\":\"aaaaaaaaaaa", "bcdefghi", 26,
                  "\"}");
    is_int(parse(&body, text), SIO_OK, "a long id");
    is_int(body.emits[0].rooms[0].len, 5 + 11 + 26 * 9 - 1, "is whole");
    free(text);

    text = repeat("{\"event\":\"x\",\"user\":\"aaaaaaaaaaa", "bcdefghi", 27,
                  "\"}");
    is_int(parse(&body, text), SIO_ERROR, "a longer one");
    is_str(sio_cstr(body.read.error), "is too long", "is too long");
    free(text);

    text = repeat("{\"event\":\"", "1234567", 33, "\"}");
    is_int(parse(&body, text), SIO_ERROR, "an event of 263 bytes");
    is_str(sio_cstr(body.read.error), "is too long", "is too long");
    free(text);

    text = repeat("{\"event\":\"", "1234567", 32, "\"}");
    is_int(parse(&body, text), SIO_OK, "an event of 255 bytes");
    free(text);

    sio_emit_free(&body);
}


static void
test_truncated(void)
{
    size_t           len, fine;
    uint8_t         *p;
    sio_emit_body_t  body;

    static const char  text[] =
        "[{\"event\":\"x\\n\",\"to\":[\"a\",2],\"user\":\"\\u0041\","
        "\"args\":[1,{\"a\":[]}],\"namespace\":\"/b\"},"
        "{\"event\":\"y\",\"target\":\"z\",\"ack\":12}]";

    sio_emit_init(&body, &unit_mem);
    fine = 0;

    for (len = 0; len < sizeof(text) - 1; len++) {
        p = guard_copy(text, len);
        fine += sio_emit_parse(&body, sio_str(p, len), &limits) != SIO_ERROR;
        guard_free(p, len);
    }

    is_int(fine, 0, "every truncation is refused");

    p = guard_copy(text, len);
    is_int(sio_emit_parse(&body, sio_str(p, len), &limits), SIO_OK,
           "the whole is fine");
    guard_free(p, len);

    sio_emit_free(&body);
}


static void
test_failures(void)
{
    int              rc;
    unsigned         n, failed;
    sio_emit_body_t  body;

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        sio_emit_init(&body, &unit_mem);

        rc = parse(&body, "[{\"event\":\"\\n\",\"to\":[\"a\",\"b\"],"
                          "\"user\":1}]");
        failed += rc == SIO_NOMEM;

        sio_emit_free(&body);
        is_int(unit_mem_ctx.live, 0, "nothing is left after failure %u", n);
    }

    is_int(failed, 3, "each of three allocations failed");
}
