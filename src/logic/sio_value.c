/*
 * Values: from a token to what gets it, and from that to JSON or bytes.  The
 * kinds themselves are in sio_value_kind.c.
 */


#include "codec/sio_utf8.h"
#include "logic/sio_rule.h"


#define SIO_VALUE_DIGITS   6             /* of an index */
#define SIO_VALUE_ROOT     "data"        /* what "$." and "$[n]" stand for */
#define SIO_VALUE_LIST     "args"        /* what "$[*]" does */


static int sio_value_literal(sio_compile_t *c, sio_value_t *value,
    sio_str_t token);
static int sio_value_path(sio_compile_t *c, sio_value_t *value,
    sio_str_t path);
static int sio_value_cut(sio_compile_t *c, sio_value_t *value);
static int sio_value_index(sio_compile_t *c, sio_str_t ref, sio_str_t digits,
    uint32_t *index);
static int sio_value_kind(sio_compile_t *c, sio_value_t *value,
    const sio_value_kind_t *kind, sio_str_t name);
static const sio_value_kind_t *sio_value_kind_find(sio_compile_t *c,
    sio_hint_t *hint);
static int sio_value_no_members(sio_compile_t *c, sio_str_t name);
static int sio_value_named(sio_compile_t *c, sio_value_t *value,
    sio_str_t name);
static int sio_value_text_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_capture_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);
static int sio_value_variable_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out);


int
sio_value_compile(sio_compile_t *c, sio_value_t *value, sio_str_t token)
{
    int          rc;
    sio_str_t    literal;
    sio_text_t  *text;

    memset(value, 0, sizeof(sio_value_t));

    if (sio_utf8_valid(token.data, token.len) != SIO_OK) {
        return sio_compile_error(c, "\"%.*s\" is not UTF-8",
                                 sio_shown(token));
    }

    if (token.len == 0 || memchr(token.data, '$', token.len) == NULL) {
        return sio_value_literal(c, value, token);
    }

    text = sio_compile_alloc(c, sizeof(sio_text_t));
    if (text == NULL) {
        return SIO_NOMEM;
    }

    rc = sio_text_compile_plain(c, text, token);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_text_literal(text, &literal)) {
        return sio_value_literal(c, value, literal);
    }

    if (text->template.nparts == 1) {
        *value = text->values[0];
        return SIO_OK;
    }

    value->get = sio_value_text_get;
    value->text = text;
    value->token = text->token;
    value->plain = 1;

    return SIO_OK;
}


static int
sio_value_literal(sio_compile_t *c, sio_value_t *value, sio_str_t token)
{
    sio_buf_t          buf;
    sio_str_t          json;
    sio_json_info_t    info;
    sio_json_limits_t  limits;

    value->literal = 1;

    if (sio_compile_copy(c, &value->token, token) != SIO_OK) {
        return SIO_NOMEM;
    }

    value->name = value->token;

    limits.max_depth = 1;
    limits.max_keys = 1;

    if (sio_json_validate(value->name, &limits, &info, &json) == SIO_OK) {

        switch (sio_json_type(json)) {

        case SIO_JSON_NUMBER:
        case SIO_JSON_TRUE:
        case SIO_JSON_FALSE:
        case SIO_JSON_NULL:
            value->json = json;
            return SIO_OK;

        default:
            break;
        }
    }

    sio_buf_init(&buf, c->mem, SIZE_MAX);

    if (sio_json_quote(&buf, value->name) != SIO_OK) {
        return SIO_NOMEM;
    }

    value->json = sio_buf_str(&buf);

    return SIO_OK;
}


/* "$name.path", "$.path" or "$[index].path" */

int
sio_value_compile_ref(sio_compile_t *c, sio_value_t *value, sio_str_t ref)
{
    int                       rc;
    sio_str_t                 name, path;
    sio_hint_t                hint;
    const uint8_t            *p, *end;
    const sio_value_kind_t   *kind;

    memset(value, 0, sizeof(sio_value_t));

    if (sio_compile_copy(c, &value->token, ref) != SIO_OK) {
        return SIO_NOMEM;
    }

    p = value->token.data + 1;
    end = value->token.data + value->token.len;

    name = sio_str(p, 0);

    while (p < end && *p != '.' && *p != '[') {
        p++;
    }

    name.len = p - name.data;
    path = sio_str(p, end - p);

    rc = sio_value_path(c, value, path);
    if (rc != SIO_OK) {
        return rc;
    }

    if (name.len == 0) {
        name = sio_cstr(SIO_VALUE_ROOT);

        if (value->nsteps == 0) {                /* $[*] */
            name = sio_cstr(SIO_VALUE_LIST);

        } else if (value->steps[0].type == SIO_JSON_INDEX) {
            value->index = value->steps[0].index;
            value->steps++;
            value->nsteps--;
        }
    }

    sio_hint_init(&hint, name);

    kind = sio_value_kind_find(c, &hint);

    if (kind) {
        return sio_value_kind(c, value, kind, name);
    }

    rc = sio_value_named(c, value, name);

    if (rc == SIO_DECLINED) {
        return sio_compile_error(c, "unknown value \"%.*s\"%s",
                                 sio_shown(value->token),
                                 sio_hint_text(&hint));
    }

    return rc;
}


static int
sio_value_path(sio_compile_t *c, sio_value_t *value, sio_str_t path)
{
    int               rc;
    unsigned          n;
    const uint8_t    *p, *end, *start;
    sio_json_step_t  *step;

    p = path.data;
    end = path.data + path.len;

    for (n = 0; p < end; p++) {
        n += (*p == '.' || *p == '[');
    }

    value->steps = sio_compile_alloc(c, n * sizeof(sio_json_step_t));
    if (value->steps == NULL) {
        return SIO_NOMEM;
    }

    for (p = path.data; p < end; p++) {
        step = &value->steps[value->nsteps++];
        start = p + 1;

        if (*p == '.') {
            while (p + 1 < end && p[1] != '.' && p[1] != '[') {
                p++;
            }

            step->type = SIO_JSON_MEMBER;
            step->name = sio_str(start, p + 1 - start);
            continue;
        }

        while (p < end && *p != ']') {
            p++;
        }

        if (p == start + 1 && *start == '*') {
            step->type = SIO_JSON_EACH;
            continue;
        }

        step->type = SIO_JSON_INDEX;

        rc = sio_value_index(c, value->token, sio_str(start, p - start),
                             &step->index);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return sio_value_cut(c, value);
}


/* What stands behind a [*] is looked up in each element. */

static int
sio_value_cut(sio_compile_t *c, sio_value_t *value)
{
    unsigned  n;

    for (n = 0; n < value->nsteps; n++) {

        if (value->steps[n].type != SIO_JSON_EACH) {
            continue;
        }

        if (value->each) {
            return sio_compile_error(c, "a second \"[*]\" in \"%.*s\"",
                                     sio_shown(value->token));
        }

        value->each = 1;
        value->tail = &value->steps[n + 1];
        value->ntail = value->nsteps - n - 1;
    }

    if (value->each && !c->each) {
        return sio_compile_error(c, "\"%.*s\": \"[*]\" has no meaning here,"
                                 " only in names of rooms, in conditions, in"
                                 " \"expect\", and alone in a template",
                                 sio_shown(value->token));
    }

    if (value->each) {
        value->nsteps -= value->ntail + 1;
    }

    return SIO_OK;
}


static int
sio_value_index(sio_compile_t *c, sio_str_t ref, sio_str_t digits,
    uint32_t *index)
{
    size_t  i;

    if (digits.len == 0 || digits.len > SIO_VALUE_DIGITS) {
        return sio_compile_error(c, "the index in \"%.*s\" is too large",
                                 sio_shown(ref));
    }

    *index = 0;

    for (i = 0; i < digits.len; i++) {
        *index = *index * 10 + (digits.data[i] - '0');
    }

    return SIO_OK;
}


static const sio_value_kind_t *
sio_value_kind_find(sio_compile_t *c, sio_hint_t *hint)
{
    const sio_value_kind_t  *kind, *const *tables;

    kind = sio_hint_find(hint, sio_value_kinds, sizeof(sio_value_kind_t));

    for (tables = c->kinds; kind == NULL && tables && *tables; tables++) {
        kind = sio_hint_find(hint, *tables, sizeof(sio_value_kind_t));
    }

    return kind;
}


static int
sio_value_kind(sio_compile_t *c, sio_value_t *value,
    const sio_value_kind_t *kind, sio_str_t name)
{
    int  rc;

    if (!(kind->sources & c->source)) {
        return sio_compile_error(c, "\"%.*s\" has no value in %s",
                                 sio_shown(value->token),
                                 sio_compile_where(c));
    }

    if ((value->nsteps || value->each) && !kind->path) {
        return sio_value_no_members(c, name);
    }

    value->get = kind->get;
    value->plain = kind->plain;

    if (kind->compile) {
        rc = kind->compile(c, value);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (value->each) {
        sio_value_each_compile(value);
    }

    return SIO_OK;
}


static int
sio_value_no_members(sio_compile_t *c, sio_str_t name)
{
    return sio_compile_error(c, "\"$%.*s\" has no members, for text behind it"
                             " write \"${%.*s}\"", sio_shown(name),
                             sio_shown(name));
}


int
sio_value_builtin(sio_compile_t *c, sio_str_t name)
{
    sio_hint_t  hint;

    sio_hint_init(&hint, name);

    return sio_value_kind_find(c, &hint) != NULL;
}


/*
 * What count has named, a capture of the pattern or an nginx variable:
 * SIO_DECLINED if none.
 */

static int
sio_value_named(sio_compile_t *c, sio_value_t *value, sio_str_t name)
{
    int       rc;
    unsigned  number;

    if (sio_rule_count_value(c, value, name) == SIO_OK) {
        return value->nsteps || value->each
               ? sio_value_no_members(c, name) : SIO_OK;
    }

    rc = SIO_DECLINED;
    number = 0;

    if (c->rule && c->rule->regex) {
        rc = c->group(c, name, &number);
    }

    if (rc == SIO_OK && number >= SIO_CAPTURES_MAX) {
        return sio_compile_error(c, "\"$%.*s\" is a group beyond the ninth",
                                 sio_shown(name));
    }

    if (rc == SIO_OK) {
        value->get = sio_value_capture_get;

    } else {

        if (name.data[0] >= '0' && name.data[0] <= '9') {
            return sio_compile_error(c, "\"$%.*s\": the pattern of this rule"
                                     " has no such group", sio_shown(name));
        }

        rc = c->variable(c, name, &number);
        if (rc != SIO_OK) {
            return rc;
        }

        if (!(c->source & SIO_SOURCE_SOCKET)) {
            return sio_compile_error(c, "\"$%.*s\" has no value in %s",
                                     sio_shown(name), sio_compile_where(c));
        }

        value->get = sio_value_variable_get;
    }

    if (value->nsteps || value->each) {
        return sio_value_no_members(c, name);
    }

    value->index = number;
    value->plain = 1;

    return SIO_OK;
}


int
sio_value_json(sio_run_t *run, const sio_value_t *value, sio_str_t *json)
{
    int        rc;
    sio_buf_t  buf;
    sio_str_t  bytes;

    if (value->literal) {
        *json = value->json;
        return SIO_OK;
    }

    if (!value->plain) {
        return value->get(run, value, json);
    }

    rc = value->get(run, value, &bytes);
    if (rc != SIO_OK) {
        return rc;
    }

    if (bytes.data == NULL) {
        *json = bytes;
        return SIO_OK;
    }

    sio_scratch_buf(run->scratch, &buf);

    rc = sio_buf_reserve(&buf, bytes.len + 2);

    if (rc == SIO_OK) {
        rc = sio_json_quote(&buf, bytes);
    }

    *json = sio_buf_str(&buf);

    return rc;
}


int
sio_value_bytes(sio_run_t *run, const sio_value_t *value, sio_str_t *bytes)
{
    int        rc;
    sio_str_t  json;

    if (value->literal) {
        *bytes = value->name;
        return SIO_OK;
    }

    rc = value->get(run, value, &json);
    if (rc != SIO_OK) {
        return rc;
    }

    if (json.data == NULL) {
        return SIO_DONE;
    }

    *bytes = json;

    if (value->plain) {
        return SIO_OK;
    }

    switch (sio_json_type(json)) {

    case SIO_JSON_NUMBER:
    case SIO_JSON_TRUE:
    case SIO_JSON_FALSE:
        return SIO_OK;

    case SIO_JSON_STRING:
        return sio_value_unescape(run, json, bytes);

    case SIO_JSON_ARRAY:
    case SIO_JSON_OBJECT:
        return SIO_ERROR;

    default:
        return SIO_DONE;
    }
}


int
sio_value_unescape(sio_run_t *run, sio_str_t string, sio_str_t *bytes)
{
    int        rc;
    sio_buf_t  buf;

    if (memchr(string.data, '\\', string.len) == NULL) {
        *bytes = sio_str(string.data + 1, string.len - 2);
        return SIO_OK;
    }

    sio_scratch_buf(run->scratch, &buf);

    rc = sio_json_unescape(&buf, string);

    *bytes = sio_buf_str(&buf);

    return rc;
}


/* If one of its values is missing, all of the text is. */

static int
sio_value_text_get(sio_run_t *run, const sio_value_t *value, sio_str_t *out)
{
    int        rc;
    sio_str_t  culprit;

    rc = sio_text_render_name(run, value->text, out, &culprit);

    if (rc == SIO_ERROR) {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    return rc;
}


/*
 * An expression may cut characters in two, and headers hold any bytes: what
 * is not UTF-8 is missing, because it would break the receiver.
 */

static int
sio_value_capture_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out)
{
    int  from, to;

    from = run->captures[2 * value->index];
    to = run->captures[2 * value->index + 1];

    *out = sio_str(NULL, 0);

    if (from >= 0 && to >= from && (size_t) to <= run->event.len
        && sio_utf8_valid(run->event.data + from, to - from) == SIO_OK)
    {
        *out = sio_str(run->event.data + from, to - from);
    }

    return SIO_OK;
}


static int
sio_value_variable_get(sio_run_t *run, const sio_value_t *value,
    sio_str_t *out)
{
    int  rc;

    rc = run->ops->variable(run, value->index, out);

    if (rc == SIO_NOMEM) {
        return rc;
    }

    if (rc != SIO_OK || sio_utf8_valid(out->data, out->len) != SIO_OK) {
        *out = sio_str(NULL, 0);
        return SIO_OK;
    }

    if (out->data == NULL) {
        *out = sio_str("", 0);
    }

    return SIO_OK;
}
