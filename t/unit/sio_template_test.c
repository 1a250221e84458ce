/*
 * Templates: references, parts, what is refused and where, rendering.
 */


#include "unit.h"
#include "codec/sio_json.h"
#include "codec/sio_template.h"


static void test_ref_len(void);
static void test_json_parts(void);
static void test_json_refused(void);
static void test_plain(void);
static void test_render(void);
static void test_hostile_values(void);
static void test_truncated(void);
static void test_no_memory(void);


int
main(void)
{
    unit_plan();

    test_ref_len();
    test_json_parts();
    test_json_refused();
    test_plain();
    test_render();
    test_hostile_values();
    test_truncated();
    test_no_memory();

    unit_mem_none_left("nothing is left");

    return unit_done();
}


static void
test_ref_len(void)
{
    size_t    i, len;
    uint8_t  *p;

    static const struct {
        const char  *text;
        size_t       len;
    } refs[] = {
        { "$user", 5 },          { "$user.", 5 },       { "$user..a", 5 },
        { "$.a.b[0]", 8 },       { "$[1].x", 6 },       { "$[1]", 4 },
        { "$claim.role", 11 },   { "$1", 2 },           { "$12x", 3 },
        { "$1.50", 2 },          { "$1.a", 4 },         { "$data", 5 },
        { "$.a[*].b", 8 },       { "$a[*]", 5 },        { "$a[", 2 },
        { "$a[]", 2 },           { "$a[1", 2 },         { "$a[x]", 2 },
        { "$a[-1]", 2 },         { "$a[12]b", 6 },      { "$_a1-b", 4 },
        { "$a b", 2 },           { "$a.b_c.", 6 },      { "$a\xc3\xa9", 2 },
        { "${name}s", 7 },       { "${.a.b}", 7 },      { "${[1].x}y", 8 },
        { "${1}0", 4 },          { "${a.}", 0 },        { "${a", 0 },
        { "${}", 0 },            { "${a b}", 0 },       { "${$a}", 0 },
        { "${-}", 0 },           { "$", 0 },            { "$$", 0 },
        { "$-", 0 },             { "$.", 0 },           { "$.1", 0 },
        { "$[", 0 },             { "$[x]", 0 },         { "$[1", 0 },
        { "$ a", 0 },            { "a", 0 },            { "", 0 },
        { "$\xc3\xa9", 0 },      { "$[*]", 4 },         { "${a[0]}", 7 },
    };

    for (i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        len = strlen(refs[i].text);
        p = guard_copy(refs[i].text, len);

        is_int(sio_template_ref_len(sio_str(p, len)), refs[i].len,
               "the reference in \"%s\"", refs[i].text);

        guard_free(p, len);
    }
}


/* Parts as text: a letter for the type, the part in brackets. */

static const char *
parts_text(const sio_template_t *t)
{
    unsigned     n, len;
    static char  text[1024];

    len = 0;
    text[0] = '\0';

    for (n = 0; n < t->nparts; n++) {
        len += snprintf(text + len, sizeof(text) - len, "%c<%.*s>",
                        "?LJSP"[t->parts[n].type], (int) t->parts[n].text.len,
                        (const char *) t->parts[n].text.data);
    }

    return text;
}


static void
is_parts(int json, const char *text, const char *expected, unsigned nrefs)
{
    int                    rc;
    size_t                 len;
    uint8_t               *p;
    const char            *got;
    sio_template_t         t;
    sio_template_error_t   err;

    len = strlen(text);
    p = guard_copy(text, len);

    rc = json ? sio_template_parse_json(&t, &unit_mem, sio_str(p, len), &err)
              : sio_template_parse_plain(&t, &unit_mem, sio_str(p, len), &err);

    guard_free(p, len);

    if (rc != SIO_OK) {
        ok(0, "%s: %s at %zu", text, err.error, err.offset);
        return;
    }

    got = parts_text(&t);

    is_mem(got, strlen(got), expected, strlen(expected), "parts of %s", text);
    is_int(t.nrefs, nrefs, "references of %s", text);

    sio_template_free(&t, &unit_mem);
}


static void
test_json_parts(void)
{
    sio_template_t        t;
    sio_template_error_t  err;

    is_parts(1, "{\"id\": $.postId, \"title\": \"$.name posted\","
                " \"at\": $now}",
             "L<{\"id\":>J<$.postId>L<,\"title\":\">S<$.name>"
             "L< posted\",\"at\":>J<$now>L<}>", 3);
    is_parts(1, "$args", "J<$args>", 1);
    is_parts(1, "  $args\n", "J<$args>", 1);
    is_parts(1, "null", "L<null>", 0);
    is_parts(1, "\"\"", "L<\"\">", 0);
    is_parts(1, "\"$a\"", "L<\">S<$a>L<\">", 1);
    is_parts(1, "\"$a$b\"", "L<\">S<$a>S<$b>L<\">", 2);
    is_parts(1, "[ $a , $b ]", "L<[>J<$a>L<,>J<$b>L<]>", 2);
    is_parts(1, "[${a},\"${.b.c}s\"]", "L<[>J<$a>L<,\">S<$.b.c>L<s\"]>", 2);
    is_parts(1, "\"a  b\\\" c\"", "L<\"a  b\\\" c\">", 0);
    is_parts(1, "\"$$5 $$$$ $$a\"", "L<\"$5 $$ $a\">", 0);
    is_parts(1, "\"$$$a\"", "L<\"$>S<$a>L<\">", 1);
    is_parts(1, "\"\\u0024a\"", "L<\"\\u0024a\">", 0);
    is_parts(1, "\"\\\\$a\\\"\"", "L<\"\\\\>S<$a>L<\\\"\">", 1);
    is_parts(1, "\"$a.\"", "L<\">S<$a>L<.\">", 1);
    is_parts(1, "{\"$.key\": 1}", "L<{\">S<$.key>L<\":1}>", 1);
    is_parts(1, "{ \"a\" : { } , \"b\" : [ ] }", "L<{\"a\":{},\"b\":[]}>", 0);
    is_parts(1, "\"\xc3\xa9$a\xf0\x9f\x98\x80\"",
             "L<\"\xc3\xa9>S<$a>L<\xf0\x9f\x98\x80\">", 1);

    is_int(sio_template_parse_json(&t, &unit_mem,
               sio_cstr("{\"$a-${b}\" :\"$c\",\"d\": \"$e\"}"), &err),
           SIO_OK, "references in a member's name");
    is_int(t.key_refs, 2, "are counted");
    is_int(t.nrefs, 4, "among all");
    sio_template_free(&t, &unit_mem);
}


static void
is_refused(int json, const char *text, size_t offset)
{
    int                    rc;
    size_t                 len;
    uint8_t               *p;
    sio_template_t         t;
    sio_template_error_t   err;

    len = strlen(text);
    p = guard_copy(text, len);

    rc = json ? sio_template_parse_json(&t, &unit_mem, sio_str(p, len), &err)
              : sio_template_parse_plain(&t, &unit_mem, sio_str(p, len), &err);

    guard_free(p, len);

    is_int(rc, SIO_ERROR, "refused: %s", text);
    is_int(err.offset, offset, "%s: where", err.error ? err.error : "none");
    ok(err.error != NULL && t.parts == NULL, "a reason and no parts");
}


static void
test_json_refused(void)
{
    is_refused(1, "", 0);
    is_refused(1, " ", 1);
    is_refused(1, "{\"a\": $}", 6);
    is_refused(1, "{\"a\": $$}", 6);
    is_refused(1, "\"5 $ a\"", 3);
    is_refused(1, "\"a $", 3);
    is_refused(1, "\"${a\"", 1);
    is_refused(1, "{$a: 1}", 1);
    is_refused(1, "{\"a\": 1, ${b}: 1}", 9);
    is_refused(1, "$a$b", 2);
    is_refused(1, "$a $b", 3);
    is_refused(1, "1$a", 1);
    is_refused(1, "-$a", 1);
    is_refused(1, "$a.5", 2);
    is_refused(1, "nul$l", 3);
    is_refused(1, "[$a \"x\"]", 4);
    is_refused(1, "[1, $a", 6);
    is_refused(1, "[$a,]", 4);
    is_refused(1, "{\"a\": \"$b}", 10);
    is_refused(1, "\"\\$a\"", 2);
    is_refused(1, "\"\\u00$x41\"", 5);
    is_refused(1, "\"\\", 2);
    is_refused(1, "\"a\nb\"", 2);
    is_refused(1, "\"\xff\"", 1);
    is_refused(1, "{\"_placeholder\": true, \"num\": $n}", 1);
    is_refused(1, "{\"a\": {\"num\": 0, \"_placeholder\" : $x}}", 17);
    is_refused(1, "{\"\\u005fplaceholder\": $x}", 1);

    is_parts(1, "\"_placeholder\"", "L<\"_placeholder\">", 0);
    is_parts(1, "{\"_placeholders\":1}", "L<{\"_placeholders\":1}>", 0);
}


static void
test_plain(void)
{
    is_parts(0, "group:$.groupId", "L<group:>P<$.groupId>", 1);
    is_parts(0, "", "", 0);
    is_parts(0, "lobby", "L<lobby>", 0);
    is_parts(0, "$a", "P<$a>", 1);
    is_parts(0, "${a}b$$c \"$d\" ", "P<$a>L<b$c \">P<$d>L<\" >", 2);
    is_parts(0, "  a \\$b ", "L<  a \\>P<$b>L< >", 1);

    is_refused(0, "a$", 1);
    is_refused(0, "a $-", 2);
    is_refused(0, "${a", 0);
    is_refused(0, "$a ${}", 3);
}


/* Renders every reference as the text in ctx, in the form asked for. */

static int
render_value(void *ctx, unsigned n, const sio_template_part_t *part,
    sio_buf_t *buf)
{
    sio_str_t  value;

    value = sio_cstr(ctx);

    switch (part->type) {

    case SIO_TEMPLATE_JSON:
        return sio_json_quote(buf, value);

    case SIO_TEMPLATE_STRING:
        return sio_json_escape(buf, value);

    default:
        return sio_buf_append_str(buf, value);
    }
}


static int
render_fails(void *ctx, unsigned n, const sio_template_part_t *part,
    sio_buf_t *buf)
{
    *(unsigned *) ctx = n;

    (void) sio_buf_append(buf, "half", 4);

    return SIO_AGAIN;
}


static void
test_render(void)
{
    unsigned              n;
    sio_buf_t             buf;
    sio_template_t        t;
    sio_template_error_t  err;

    sio_buf_init(&buf, &unit_mem, 30);
    (void) sio_buf_append_char(&buf, '!');

    is_int(sio_template_parse_json(&t, &unit_mem,
               sio_cstr("{\"a\": $x, \"b\": \"$x.\"}"), &err),
           SIO_OK, "a template");

    is_int(sio_template_render(&t, render_value, "v\"", &buf), SIO_OK,
           "it renders");
    is_str(buf, "!{\"a\":\"v\\\"\",\"b\":\"v\\\".\"}", "behind what was there");

    buf.len = 1;
    is_int(sio_template_render(&t, render_fails, &n, &buf), SIO_AGAIN,
           "a value's result ends the rendering");
    is_int(n, 1, "the value is asked for with the number of its part");
    is_str(buf, "!", "and what was appended is gone");

    is_int(sio_template_render(&t, render_value, "longer one", &buf),
           SIO_DECLINED, "more than the buffer may hold");
    is_str(buf, "!", "leaves it as it was");

    sio_template_free(&t, &unit_mem);
    sio_buf_free(&buf);

    is_int(sio_template_parse_plain(&t, &unit_mem, sio_cstr("a:$x:$$"), &err),
           SIO_OK, "a plain template");
    is_int(sio_template_render(&t, render_value, "\"\n", &buf), SIO_OK,
           "it renders");
    is_str(buf, "a:\"\n:$", "without escapes");

    sio_template_free(&t, &unit_mem);
    sio_buf_free(&buf);

    is_int(sio_template_parse_plain(&t, &unit_mem, sio_cstr(""), &err),
           SIO_OK, "an empty plain template");
    is_int(sio_template_render(&t, render_value, "", &buf), SIO_OK,
           "renders to nothing");
    is_int(buf.len, 0, "at all");

    sio_template_free(&t, &unit_mem);
    sio_buf_free(&buf);
}


static void
test_hostile_values(void)
{
    size_t                i;
    sio_buf_t             buf;
    sio_str_t             v;
    sio_template_t        t;
    sio_json_info_t       info;
    sio_template_error_t  err;

    static const sio_json_limits_t  limits = { 2, 3 };
    static const char              *values[] = {
        "\",\"admin\":true,\"x\":\"", "\\", "\\\"", "}", "$user", "${a}",
        "\n", "\x1f", "\xe2\x80\xa8", "", "_placeholder", "\\u0022",
    };

    (void) sio_template_parse_json(&t, &unit_mem,
               sio_cstr("{\"a\":\"$x\",\"b\":{\"c\":\"<$x>\"}}"), &err);

    sio_buf_init(&buf, &unit_mem, 1000);

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        sio_buf_reset(&buf);

        is_int(sio_template_render(&t, render_value, (void *) values[i],
                                   &buf),
               SIO_OK, "value %zu renders", i);
        is_int(sio_json_validate(sio_buf_str(&buf), &limits, &info, NULL),
               SIO_OK, "to valid JSON");
        is_int(info.keys, 3, "with the template's members");

        ok(sio_json_member(sio_buf_str(&buf), sio_cstr("a"), &v) == SIO_OK
           && sio_json_raw_eq(sio_str(v.data + 1, v.len - 2),
                              sio_cstr(values[i])),
           "and the value is what it was");
    }

    sio_template_free(&t, &unit_mem);
    sio_buf_free(&buf);
}


static void
test_truncated(void)
{
    int                    rc, bad, plain;
    size_t                 len;
    uint8_t               *p;
    sio_template_t         t;
    sio_template_error_t   err;

    static const char  text[] =
        "{\"$.k\": \"${user}s \\u00e9 $$1\", \"b\": [$[1].x, ${.a[0]}]}";

    bad = 0;
    plain = 0;

    for (len = 0; len < sizeof(text); len++) {
        p = guard_copy(text, len);

        rc = sio_template_parse_json(&t, &unit_mem, sio_str(p, len), &err);

        if (rc == SIO_OK) {
            bad += (len != sizeof(text) - 1);
            sio_template_free(&t, &unit_mem);

        } else {
            bad += (err.error == NULL || err.offset > len);
            bad += (len == sizeof(text) - 1);
        }

        rc = sio_template_parse_plain(&t, &unit_mem, sio_str(p, len), &err);

        if (rc == SIO_OK) {
            plain++;
            sio_template_free(&t, &unit_mem);

        } else {
            bad += (text[err.offset] != '$' || err.offset >= len);
        }

        guard_free(p, len);
    }

    is_int(bad, 0, "every truncation is refused, at a place inside");
    ok(plain > 20, "as plain text most are fine");
}


static void
test_no_memory(void)
{
    int                   rc;
    unsigned              n;
    sio_buf_t             buf;
    sio_template_t        t;
    sio_template_error_t  err;

    sio_buf_init(&buf, &unit_mem, 1000);
    rc = SIO_ERROR;

    for (n = 1; unit_mem_fail(n); n++) {
        rc = sio_template_parse_json(&t, &unit_mem, sio_cstr("[\"$a\",$b]"),
                                     &err);

        if (rc == SIO_NOMEM) {
            ok(t.parts == NULL, "without allocation %u: no template", n);
            continue;
        }

        rc = sio_template_render(&t, render_value, "x", &buf);

        if (rc == SIO_NOMEM) {
            is_int(buf.len, 0, "without allocation %u: nothing rendered", n);
        }

        sio_template_free(&t, &unit_mem);
        sio_buf_free(&buf);
    }

    is_int(rc, SIO_OK, "with all of them it renders");
    ok(n > 3, "allocations were made to fail");
}
