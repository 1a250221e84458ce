/*
 * Templates with their values: JSON templates for what is sent, plain ones
 * for names and messages.
 *
 * A value that has the form already is appended as it stands: JSON text where
 * a value is asked for, and the inside of a JSON string inside a string.
 */


#include "codec/sio_utf8.h"
#include "logic/sio_rule.h"


typedef struct {
    sio_run_t         *run;
    const sio_text_t  *text;
    sio_binary_t      *to;
    sio_str_t          culprit;
    unsigned           name:1;           /* strings and integers only */
} sio_text_ctx_t;


typedef int (*sio_text_parse_pt)(sio_template_t *t, const sio_mem_t *mem,
    sio_str_t text, sio_template_error_t *err);


static int sio_text_compile_values(sio_compile_t *c, sio_text_t *text,
    sio_str_t token, sio_text_parse_pt parse);
static int sio_text_compile_value(sio_compile_t *c, sio_text_t *text,
    unsigned n);
static int sio_text_value(void *data, unsigned n,
    const sio_template_part_t *part, sio_buf_t *buf);
static int sio_text_value_json(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_buf_t *buf);
static int sio_text_value_string(sio_text_ctx_t *ctx,
    const sio_value_t *value, sio_buf_t *buf);
static int sio_text_value_plain(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_str_t *bytes);
static int sio_text_value_name(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_str_t *bytes);
static int sio_text_args(sio_run_t *run, sio_buf_t *buf, sio_binary_t *to);
static int sio_text_plain(sio_text_ctx_t *ctx, sio_str_t *bytes);
static int sio_text_append(sio_run_t *run, sio_buf_t *buf, sio_str_t json,
    sio_binary_t *to);
static int sio_text_check(sio_str_t json, const sio_binary_t *to);
static int sio_text_integer(sio_str_t number);


int
sio_text_compile(sio_compile_t *c, sio_text_t *text, sio_str_t token)
{
    int              rc;
    sio_template_t  *t;

    rc = sio_text_compile_values(c, text, token, sio_template_parse_json);
    if (rc != SIO_OK) {
        return rc;
    }

    t = &text->template;

    text->args = t->nparts == 1 && t->parts[0].type == SIO_TEMPLATE_JSON
                 && sio_str_eq(t->parts[0].text, sio_cstr("$args"));

    return SIO_OK;
}


int
sio_text_compile_plain(sio_compile_t *c, sio_text_t *text, sio_str_t token)
{
    return sio_text_compile_values(c, text, token, sio_template_parse_plain);
}


static int
sio_text_compile_values(sio_compile_t *c, sio_text_t *text, sio_str_t token,
    sio_text_parse_pt parse)
{
    int                   rc;
    unsigned              n, each;
    sio_str_t             rest;
    sio_template_t       *t;
    sio_template_error_t  err;

    memset(text, 0, sizeof(sio_text_t));

    if (sio_utf8_valid(token.data, token.len) != SIO_OK) {
        return sio_compile_error(c, "\"%.*s\" is not UTF-8",
                                 sio_shown(token));
    }

    t = &text->template;

    rc = parse(t, c->mem, token, &err);

    if (rc == SIO_ERROR) {
        rest = sio_str(token.data, token.len);

        if (err.offset <= token.len) {
            rest.data += err.offset;
            rest.len -= err.offset;
        }

        return sio_compile_error(c, "%s at \"%.*s\" in the template"
                                 " \"%.*s\"", err.error,
                                 (int) (rest.len > 20 ? 20 : rest.len),
                                 (const char *) rest.data, sio_shown(token));
    }

    if (rc != SIO_OK
        || sio_compile_copy(c, &text->token, token) != SIO_OK)
    {
        return SIO_NOMEM;
    }

    text->values = sio_compile_alloc(c, t->nparts * sizeof(sio_value_t));
    if (text->values == NULL) {
        return SIO_NOMEM;
    }

    each = c->each;
    rc = SIO_OK;

    for (n = 0; rc == SIO_OK && n < t->nparts; n++) {

        if (t->parts[n].type == SIO_TEMPLATE_LITERAL) {
            continue;
        }

        /* in a plain template its user says; a JSON value may be an array */

        if (t->parts[n].type != SIO_TEMPLATE_PLAIN) {
            c->each = t->parts[n].type == SIO_TEMPLATE_JSON;
        }

        rc = sio_text_compile_value(c, text, n);
    }

    c->each = each;

    return rc;
}


/* A name is one for each element: of one array. */

static int
sio_text_compile_value(sio_compile_t *c, sio_text_t *text, unsigned n)
{
    int                         rc;
    sio_value_t                *value;
    const sio_template_part_t  *part;

    value = &text->values[n];
    part = &text->template.parts[n];

    rc = sio_value_compile_ref(c, value, part->text);

    if (rc != SIO_OK || !value->each || part->type != SIO_TEMPLATE_PLAIN) {
        return rc;
    }

    if (text->each) {
        return sio_compile_error(c, "a second \"[*]\" in \"%.*s\"",
                                 sio_shown(text->token));
    }

    text->each = value;

    return SIO_OK;
}


int
sio_text_literal(const sio_text_t *text, sio_str_t *literal)
{
    const sio_template_t  *t;

    t = &text->template;

    if (t->nrefs) {
        return 0;
    }

    *literal = t->nparts ? t->parts[0].text : sio_str("", 0);

    return 1;
}


int
sio_text_render(sio_run_t *run, const sio_text_t *text, sio_buf_t *buf,
    sio_binary_t *to)
{
    int             rc;
    size_t          len;
    sio_text_ctx_t  ctx;

    if (text->args) {
        return sio_text_args(run, buf, to);
    }

    memset(&ctx, 0, sizeof(sio_text_ctx_t));

    ctx.run = run;
    ctx.text = text;
    ctx.to = to;

    len = buf->len;

    rc = sio_template_render(&text->template, sio_text_value, &ctx, buf);
    if (rc != SIO_OK) {
        return rc;
    }

    if (text->template.key_refs) {
        rc = sio_text_check(sio_str(buf->data + len, buf->len - len), to);

        if (rc != SIO_OK) {
            buf->len = len;
        }
    }

    return rc;
}


static int
sio_text_value(void *data, unsigned n, const sio_template_part_t *part,
    sio_buf_t *buf)
{
    int                 rc;
    sio_str_t           bytes;
    sio_text_ctx_t     *ctx;
    const sio_value_t  *value;

    ctx = data;
    value = &ctx->text->values[n];

    switch (part->type) {

    case SIO_TEMPLATE_JSON:
        return sio_text_value_json(ctx, value, buf);

    case SIO_TEMPLATE_STRING:
        return sio_text_value_string(ctx, value, buf);

    default:
        rc = sio_text_value_plain(ctx, value, &bytes);

        return rc == SIO_OK ? sio_buf_append_str(buf, bytes) : rc;
    }
}


static int
sio_text_value_json(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_buf_t *buf)
{
    int        rc;
    sio_str_t  json;

    rc = sio_value_json(ctx->run, value, &json);
    if (rc != SIO_OK) {
        return rc;
    }

    if (json.len == 0) {
        return sio_buf_append_str(buf, sio_cstr("null"));
    }

    return sio_text_append(ctx->run, buf, json, ctx->to);
}


static int
sio_text_value_string(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_buf_t *buf)
{
    int        rc;
    sio_str_t  out;

    rc = value->get(ctx->run, value, &out);

    if (rc != SIO_OK || out.data == NULL) {
        return rc;
    }

    if (value->plain) {
        return sio_json_escape(buf, out);
    }

    switch (sio_json_type(out)) {

    case SIO_JSON_STRING:
        return sio_buf_append(buf, out.data + 1, out.len - 2);

    case SIO_JSON_NUMBER:
    case SIO_JSON_TRUE:
    case SIO_JSON_FALSE:
        return sio_buf_append_str(buf, out);

    case SIO_JSON_ARRAY:
    case SIO_JSON_OBJECT:
        return sio_json_escape(buf, out);

    default:
        return SIO_OK;
    }
}


/* Any value will do in a message. */

static int
sio_text_value_plain(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_str_t *bytes)
{
    int  rc;

    if (ctx->name) {
        return sio_text_value_name(ctx, value, bytes);
    }

    rc = sio_value_bytes(ctx->run, value, bytes);

    if (rc == SIO_ERROR) {
        return sio_value_json(ctx->run, value, bytes);
    }

    if (rc == SIO_DONE) {
        *bytes = sio_str("", 0);
        return SIO_OK;
    }

    return rc;
}


/* SIO_ERROR: not fit for a name, ctx->culprit is set. */

static int
sio_text_value_name(sio_text_ctx_t *ctx, const sio_value_t *value,
    sio_str_t *bytes)
{
    int        rc;
    sio_str_t  out;

    rc = value->get(ctx->run, value, &out);
    if (rc != SIO_OK) {
        return rc;
    }

    if (out.data && !value->plain
        && sio_json_type(out) == SIO_JSON_STRING)
    {
        return sio_value_unescape(ctx->run, out, bytes);
    }

    if (out.data == NULL || !(value->plain || sio_text_integer(out))) {
        ctx->culprit = value->token;
        return SIO_ERROR;
    }

    *bytes = out;

    return SIO_OK;
}


static int
sio_text_args(sio_run_t *run, sio_buf_t *buf, sio_binary_t *to)
{
    int        rc;
    size_t     len;
    sio_str_t  args, value;

    if (run->attachments == NULL || run->attachments->n == 0) {
        return sio_buf_append_str(buf, run->payload.args);
    }

    rc = SIO_OK;
    len = buf->len;
    args = run->payload.args;

    while (rc == SIO_OK && sio_event_shift(&args, &value) == SIO_OK) {

        if (buf->len != len) {
            rc = sio_buf_append_char(buf, ',');
        }

        if (rc == SIO_OK) {
            rc = sio_text_append(run, buf, value, to);
        }
    }

    if (rc != SIO_OK) {
        buf->len = len;
    }

    return rc;
}


static int
sio_text_append(sio_run_t *run, sio_buf_t *buf, sio_str_t json,
    sio_binary_t *to)
{
    if (run->attachments == NULL || run->attachments->n == 0) {
        return sio_buf_append_str(buf, json);
    }

    return sio_binary_renumber(buf, json, run->attachments, to);
}


/*
 * A member's name that was built from a value may be "_placeholder": then the
 * object must stand for an attachment that travels with it.
 */

static int
sio_text_check(sio_str_t json, const sio_binary_t *to)
{
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    limits.max_depth = SIO_JSON_DEPTH_MAX;
    limits.max_keys = (unsigned) -1;

    if (sio_json_validate(json, &limits, &info, NULL) != SIO_OK
        || info.bad_placeholder
        || (info.placeholder_nums >> to->n))
    {
        return SIO_ERROR;
    }

    return SIO_OK;
}


int
sio_text_render_name(sio_run_t *run, const sio_text_t *text, sio_str_t *bytes,
    sio_str_t *culprit)
{
    int             rc;
    sio_text_ctx_t  ctx;

    memset(&ctx, 0, sizeof(sio_text_ctx_t));

    ctx.run = run;
    ctx.text = text;
    ctx.name = 1;

    rc = sio_text_plain(&ctx, bytes);

    if (rc == SIO_ERROR) {
        *culprit = ctx.culprit;
    }

    return rc;
}


int
sio_text_render_plain(sio_run_t *run, const sio_text_t *text,
    sio_str_t *bytes)
{
    sio_text_ctx_t  ctx;

    memset(&ctx, 0, sizeof(sio_text_ctx_t));

    ctx.run = run;
    ctx.text = text;

    return sio_text_plain(&ctx, bytes);
}


/* A literal or a single value needs no copy. */

static int
sio_text_plain(sio_text_ctx_t *ctx, sio_str_t *bytes)
{
    int                    rc;
    sio_buf_t              buf;
    const sio_template_t  *t;

    if (sio_text_literal(ctx->text, bytes)) {
        return SIO_OK;
    }

    t = &ctx->text->template;

    if (t->nparts == 1) {
        return sio_text_value_plain(ctx, &ctx->text->values[0], bytes);
    }

    sio_scratch_buf(ctx->run->scratch, &buf);

    rc = sio_template_render(t, sio_text_value, ctx, &buf);

    *bytes = buf.len ? sio_buf_str(&buf) : sio_str("", 0);

    return rc;
}


/* No fraction, no exponent: it reads the same everywhere. */

static int
sio_text_integer(sio_str_t number)
{
    size_t  i;

    if (sio_json_type(number) != SIO_JSON_NUMBER) {
        return 0;
    }

    for (i = number.data[0] == '-'; i < number.len; i++) {

        if (number.data[i] < '0' || number.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}
