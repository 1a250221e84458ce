/*
 * expect: the shape of a value.
 *
 *     expect VALUE TYPE [MIN..MAX] ["~REGEX"] [optional]
 *     expect VALUE in A B C [optional]
 *
 * What the client is told is written when the rule is compiled: it names the
 * value and what it has to be, and never what it was.
 */


#include <stdio.h>

#include "codec/sio_utf8.h"
#include "logic/sio_rule_check.h"


#define SIO_EXPECT_MESSAGE  256          /* bytes */


typedef struct sio_expect_s       sio_expect_t;
typedef struct sio_expect_type_s  sio_expect_type_t;


typedef enum {
    SIO_EXPECT_NO_RANGE = 0,
    SIO_EXPECT_SIZE,                     /* characters, elements, bytes */
    SIO_EXPECT_INTEGER,
    SIO_EXPECT_NUMBER
} sio_expect_range_e;


struct sio_expect_type_s {
    sio_str_t            name;
    const char          *words;          /* must be ... */
    const char          *unit;           /* of its size */
    sio_expect_range_e   range;

    /* Whether json is one that fits, an SIO_... result. */
    int                (*fits)(sio_run_t *run, const sio_expect_t *expect,
                               sio_str_t json);
};


struct sio_expect_s {
    sio_value_t               value;
    const sio_expect_type_t  *type;      /* NULL: one of values */
    sio_value_t              *values;
    unsigned                  nvalues;
    void                     *regex;
    int64_t                   min;
    int64_t                   max;
    double                    min_number;
    double                    max_number;
    sio_str_t                 min_text;  /* empty: no bound */
    sio_str_t                 max_text;
    sio_str_t                 message;
    unsigned                  optional:1;
};


static int sio_expect_type(sio_compile_t *c, sio_expect_t *expect,
    const sio_str_t *args, unsigned nargs);
static int sio_expect_range(sio_compile_t *c, sio_expect_t *expect,
    sio_str_t token, unsigned *found);
static int sio_expect_bound(sio_compile_t *c, sio_expect_t *expect,
    sio_str_t token, sio_str_t text, int64_t *integer, double *number);
static int sio_expect_in(sio_compile_t *c, sio_expect_t *expect,
    const sio_str_t *args, unsigned nargs);
static int sio_expect_message(sio_compile_t *c, sio_expect_t *expect);
static size_t sio_expect_message_range(const sio_expect_t *expect, char *text,
    size_t size);
static int sio_expect_size(const sio_expect_t *expect, uint64_t size);
static int sio_expect_string(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_number(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_integer(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_boolean(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_array(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_object(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_binary(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_any(sio_run_t *run, const sio_expect_t *expect,
    sio_str_t json);
static int sio_expect_attachment(sio_run_t *run, sio_str_t json);
static int sio_expect_step(sio_run_t *run, const sio_step_t *step);
static int sio_expect_run(sio_run_t *run, const sio_expect_t *expect);
static int sio_expect_failed(sio_run_t *run, const sio_expect_t *expect);


static const sio_expect_type_t  sio_expect_types[] = {

    { sio_string("string"), "a string", "character", SIO_EXPECT_SIZE,
      sio_expect_string },
    { sio_string("number"), "a number", NULL, SIO_EXPECT_NUMBER,
      sio_expect_number },
    { sio_string("integer"), "an integer", NULL, SIO_EXPECT_INTEGER,
      sio_expect_integer },
    { sio_string("boolean"), "a boolean", NULL, SIO_EXPECT_NO_RANGE,
      sio_expect_boolean },
    { sio_string("array"), "an array", "element", SIO_EXPECT_SIZE,
      sio_expect_array },
    { sio_string("object"), "an object", "member", SIO_EXPECT_SIZE,
      sio_expect_object },
    { sio_string("binary"), "binary", "byte", SIO_EXPECT_SIZE,
      sio_expect_binary },
    { sio_string("any"), "there", NULL, SIO_EXPECT_NO_RANGE,
      sio_expect_any }
};

#define SIO_EXPECT_TYPES                                                      \
    (sizeof(sio_expect_types) / sizeof(sio_expect_types[0]))


int
sio_rule_expect(sio_compile_t *c, const sio_str_t *args, unsigned nargs)
{
    int            rc;
    sio_expect_t  *expect;

    expect = sio_compile_alloc(c, sizeof(sio_expect_t));
    if (expect == NULL) {
        return SIO_NOMEM;
    }

    c->each = 1;
    rc = sio_value_compile(c, &expect->value, args[1]);
    c->each = 0;

    if (rc != SIO_OK) {
        return rc;
    }

    if (expect->value.literal) {
        return sio_compile_error(c, "\"%.*s\" is literal: a value begins with"
                                 " \"$\"", sio_shown(args[1]));
    }

    if (nargs > 3 && sio_str_eq(args[nargs - 1], sio_cstr("optional"))) {
        expect->optional = 1;
        nargs--;
    }

    rc = sio_str_eq(args[2], sio_cstr("in"))
         ? sio_expect_in(c, expect, args + 3, nargs - 3)
         : sio_expect_type(c, expect, args + 2, nargs - 2);

    if (rc == SIO_OK) {
        rc = sio_expect_message(c, expect);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    return sio_rule_check_step(c, sio_expect_step, expect);
}


static int
sio_expect_type(sio_compile_t *c, sio_expect_t *expect, const sio_str_t *args,
    unsigned nargs)
{
    int         rc;
    unsigned    n, range;
    sio_hint_t  hint;

    sio_hint_init(&hint, args[0]);

    for (n = 0; n < SIO_EXPECT_TYPES; n++) {

        if (sio_str_eq(sio_expect_types[n].name, args[0])) {
            expect->type = &sio_expect_types[n];
        }

        sio_hint_try(&hint, sio_expect_types[n].name);
    }

    if (expect->type == NULL) {
        return sio_compile_error(c, "unknown type \"%.*s\"%s",
                                 sio_shown(args[0]), sio_hint_text(&hint));
    }

    range = 0;

    for (n = 1; n < nargs; n++) {

        if (args[n].len && args[n].data[0] == '~') {

            if (!sio_str_eq(args[0], sio_cstr("string"))) {
                return sio_compile_error(c, "\"%.*s\" is for strings alone",
                                         sio_shown(args[n]));
            }

            if (expect->regex) {
                return sio_compile_error(c, "a second expression \"%.*s\"",
                                         sio_shown(args[n]));
            }

            rc = c->regex(c, sio_str(args[n].data + 1, args[n].len - 1),
                          &expect->regex);

        } else {
            rc = sio_expect_range(c, expect, args[n], &range);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* MIN..MAX, of which one may be left out. */

static int
sio_expect_range(sio_compile_t *c, sio_expect_t *expect, sio_str_t token,
    unsigned *found)
{
    int     rc;
    size_t  n;

    for (n = 0; n + 1 < token.len; n++) {
        if (token.data[n] == '.' && token.data[n + 1] == '.') {
            break;
        }
    }

    if (n + 1 >= token.len || token.len == 2) {
        return sio_compile_error(c, "unexpected \"%.*s\": behind a type stand"
                                 " MIN..MAX, \"~REGEX\" and \"optional\"",
                                 sio_shown(token));
    }

    if (*found) {
        return sio_compile_error(c, "a second range \"%.*s\"",
                                 sio_shown(token));
    }

    *found = 1;

    if (expect->type->range == SIO_EXPECT_NO_RANGE) {
        return sio_compile_error(c, "\"%.*s\" has no range",
                                 sio_shown(expect->type->name));
    }

    if (sio_compile_copy(c, &expect->min_text, token) != SIO_OK) {
        return SIO_NOMEM;
    }

    expect->max_text = sio_str(expect->min_text.data + n + 2,
                               token.len - n - 2);
    expect->min_text.len = n;

    rc = sio_expect_bound(c, expect, token, expect->min_text, &expect->min,
                          &expect->min_number);

    if (rc == SIO_OK) {
        rc = sio_expect_bound(c, expect, token, expect->max_text,
                              &expect->max, &expect->max_number);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (expect->min_text.len && expect->max_text.len
        && (expect->min > expect->max
            || expect->min_number > expect->max_number))
    {
        return sio_compile_error(c, "the range \"%.*s\" is empty",
                                 sio_shown(token));
    }

    return SIO_OK;
}


static int
sio_expect_bound(sio_compile_t *c, sio_expect_t *expect, sio_str_t token,
    sio_str_t text, int64_t *integer, double *number)
{
    int                rc;
    sio_str_t          json;
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    if (text.len == 0) {
        return SIO_OK;
    }

    limits.max_depth = 1;
    limits.max_keys = 1;

    rc = sio_json_validate(text, &limits, &info, &json);

    if (rc == SIO_OK) {
        rc = expect->type->range == SIO_EXPECT_NUMBER
             ? sio_json_double(json, number) : sio_json_int(json, integer);
    }

    if (rc != SIO_OK
        || (expect->type->range == SIO_EXPECT_SIZE && *integer < 0))
    {
        return sio_compile_error(c, "\"%.*s\" is not a range for \"%.*s\"",
                                 sio_shown(token),
                                 sio_shown(expect->type->name));
    }

    return SIO_OK;
}


static int
sio_expect_in(sio_compile_t *c, sio_expect_t *expect, const sio_str_t *args,
    unsigned nargs)
{
    int           rc;
    unsigned      n;
    sio_value_t  *value;

    if (nargs == 0) {
        return sio_compile_error(c, "\"in\" has no values, the form is: expect"
                                 " VALUE in A B C");
    }

    expect->values = sio_compile_alloc(c, nargs * sizeof(sio_value_t));
    if (expect->values == NULL) {
        return SIO_NOMEM;
    }

    for (n = 0; n < nargs; n++) {
        value = &expect->values[expect->nvalues++];

        rc = sio_value_compile(c, value, args[n]);
        if (rc != SIO_OK) {
            return rc;
        }

        if (!value->literal || sio_json_type(value->json) == SIO_JSON_NULL) {
            return sio_compile_error(c, "\"%.*s\" cannot be one of the values:"
                                     " they are literal, and not null",
                                     sio_shown(args[n]));
        }
    }

    return SIO_OK;
}


static int
sio_expect_message(sio_compile_t *c, sio_expect_t *expect)
{
    char      text[SIO_EXPECT_MESSAGE];
    size_t    len;
    unsigned  n;

    len = snprintf(text, sizeof(text), "%.*s must be %s",
                   sio_shown(expect->value.token),
                   expect->type ? expect->type->words : "one of");

    for (n = 0; n < expect->nvalues && len < sizeof(text); n++) {
        len += snprintf(text + len, sizeof(text) - len, "%s%.*s",
                        n ? ", " : " ", sio_shown(expect->values[n].name));
    }

    if (len < sizeof(text)) {
        len += sio_expect_message_range(expect, text + len,
                                        sizeof(text) - len);
    }

    if (expect->regex && len < sizeof(text)) {
        len += snprintf(text + len, sizeof(text) - len,
                        "%s in the required form",
                        expect->min_text.len || expect->max_text.len
                        ? "," : "");
    }

    /* a long list is cut, between characters */

    len = len < sizeof(text) ? len : sizeof(text) - 1;

    while (len && sio_utf8_valid((uint8_t *) text, len) != SIO_OK) {
        len--;
    }

    return sio_compile_copy(c, &expect->message, sio_str(text, len));
}


static size_t
sio_expect_message_range(const sio_expect_t *expect, char *text, size_t size)
{
    size_t       len;
    sio_str_t    min, max, last;
    const char  *unit;

    min = expect->min_text;
    max = expect->max_text;

    if (min.len == 0 && max.len == 0) {
        return 0;
    }

    unit = expect->type->unit;
    last = max.len ? max : min;

    if (min.len && max.len && !sio_str_eq(min, max)) {
        len = snprintf(text, size, " %s %.*s to %.*s", unit ? "of" : "from",
                       sio_shown(min), sio_shown(max));

    } else {
        len = snprintf(text, size, " of %s%.*s",
                       min.len == 0 ? "at most "
                       : max.len == 0 ? "at least " : "", sio_shown(last));
    }

    if (unit && len < size) {
        len += snprintf(text + len, size - len, " %s%s", unit,
                        sio_str_eq(last, sio_cstr("1")) ? "" : "s");
    }

    return len;
}


static int
sio_expect_step(sio_run_t *run, const sio_step_t *step)
{
    int                  rc;
    sio_walk_t           walk;
    const sio_value_t   *each;
    const sio_expect_t  *expect;

    expect = step->args;
    each = sio_value_each(&expect->value);

    if (each == NULL) {
        return sio_expect_run(run, expect);
    }

    rc = sio_walk_begin(run, &walk, each);

    if (rc == SIO_DONE || rc == SIO_ERROR) {
        return rc == SIO_DONE && expect->optional
               ? SIO_OK : sio_expect_failed(run, expect);
    }

    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    while (rc == SIO_OK && sio_walk_next(run, &walk) == SIO_OK) {
        rc = sio_expect_run(run, expect);
    }

    sio_walk_end(run);

    return rc;
}


static int
sio_expect_run(sio_run_t *run, const sio_expect_t *expect)
{
    int         rc;
    unsigned    n;
    sio_str_t   json;
    sio_json_e  type;

    rc = sio_value_json(run, &expect->value, &json);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    type = sio_json_type(json);

    if (expect->optional && (type == SIO_JSON_NONE || type == SIO_JSON_NULL))
    {
        return SIO_OK;
    }

    if (expect->type) {
        rc = type == SIO_JSON_NONE ? SIO_DECLINED
                                   : expect->type->fits(run, expect, json);

    } else {
        rc = SIO_DECLINED;

        for (n = 0; rc != SIO_OK && n < expect->nvalues; n++) {
            rc = sio_value_is(json, &expect->values[n]) ? SIO_OK
                                                        : SIO_DECLINED;
        }
    }

    if (rc == SIO_DECLINED) {
        return sio_expect_failed(run, expect);
    }

    return rc == SIO_OK ? rc : sio_run_fail_result(run, rc);
}


static int
sio_expect_failed(sio_run_t *run, const sio_expect_t *expect)
{
    run->code = SIO_CODE_INVALID;
    run->message = expect->message;

    return SIO_ERROR;
}


static int
sio_expect_size(const sio_expect_t *expect, uint64_t size)
{
    if (expect->min_text.len && size < (uint64_t) expect->min) {
        return SIO_DECLINED;
    }

    if (expect->max_text.len && size > (uint64_t) expect->max) {
        return SIO_DECLINED;
    }

    return SIO_OK;
}


static int
sio_expect_string(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    int        rc;
    sio_str_t  bytes;

    if (sio_json_type(json) != SIO_JSON_STRING) {
        return SIO_DECLINED;
    }

    if (expect->regex == NULL && expect->min_text.len == 0
        && expect->max_text.len == 0)
    {
        return SIO_OK;
    }

    rc = sio_value_unescape(run, json, &bytes);
    if (rc != SIO_OK) {
        return sio_run_fail_result(run, rc);
    }

    if (sio_expect_size(expect, sio_utf8_length(bytes.data, bytes.len))
        != SIO_OK)
    {
        return SIO_DECLINED;
    }

    if (expect->regex
        && run->ops->match(expect->regex, bytes, NULL, 0) != SIO_OK)
    {
        return SIO_DECLINED;
    }

    return SIO_OK;
}


static int
sio_expect_number(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    double  n;

    if (sio_json_type(json) != SIO_JSON_NUMBER
        || sio_json_double(json, &n) != SIO_OK
        || (expect->min_text.len && n < expect->min_number)
        || (expect->max_text.len && n > expect->max_number))
    {
        return SIO_DECLINED;
    }

    return SIO_OK;
}


static int
sio_expect_integer(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    int64_t  n;

    if (sio_json_type(json) != SIO_JSON_NUMBER
        || sio_json_int(json, &n) != SIO_OK
        || (expect->min_text.len && n < expect->min)
        || (expect->max_text.len && n > expect->max))
    {
        return SIO_DECLINED;
    }

    return SIO_OK;
}


static int
sio_expect_boolean(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    sio_json_e  type;

    type = sio_json_type(json);

    return type == SIO_JSON_TRUE || type == SIO_JSON_FALSE ? SIO_OK
                                                           : SIO_DECLINED;
}


static int
sio_expect_array(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    uint64_t         n;
    sio_str_t        value;
    sio_json_iter_t  it;

    if (sio_json_type(json) != SIO_JSON_ARRAY) {
        return SIO_DECLINED;
    }

    sio_json_array_iter(&it, json);

    for (n = 0; sio_json_array_next(&it, &value) == SIO_OK; n++) { /* void */ }

    return sio_expect_size(expect, n);
}


static int
sio_expect_object(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    uint64_t         n;
    sio_str_t        key, value;
    sio_json_iter_t  it;

    if (sio_json_type(json) != SIO_JSON_OBJECT
        || sio_expect_attachment(run, json) >= 0)
    {
        return SIO_DECLINED;
    }

    sio_json_object_iter(&it, json);

    for (n = 0; sio_json_object_next(&it, &key, &value) == SIO_OK; n++) {
        /* void */
    }

    return sio_expect_size(expect, n);
}


static int
sio_expect_binary(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    int  n;

    n = sio_expect_attachment(run, json);

    return n < 0 ? SIO_DECLINED
                 : sio_expect_size(expect, run->attachments->item[n].len);
}


static int
sio_expect_any(sio_run_t *run, const sio_expect_t *expect, sio_str_t json)
{
    return SIO_OK;
}


/* The number of the attachment that a value is, or -1. */

static int
sio_expect_attachment(sio_run_t *run, sio_str_t json)
{
    int  n;

    if (run->attachments == NULL) {
        return -1;
    }

    n = sio_binary_placeholder(json);

    return n < (int) run->attachments->n ? n : -1;
}
