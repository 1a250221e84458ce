/*
 * The bodies of the HTTP API.
 */


#include <stdio.h>

#include "codec/sio_body.h"
#include "codec/sio_packet.h"


#define SIO_BODY_KEY_SHOWN  24       /* characters of an unknown key */


static int sio_body_reserve(sio_body_t *body, sio_str_t value, unsigned max);
static void sio_body_measure(sio_body_t *body, sio_str_t object,
    size_t *names, size_t *bytes);
static size_t sio_body_count(sio_str_t value);
static int sio_body_members(sio_body_t *body, sio_str_t object);
static unsigned sio_body_key(const sio_body_t *body, sio_str_t raw);
static int sio_body_name(sio_body_t *body, unsigned key, int element,
    const char *prefix, sio_str_t value, sio_body_check_pt check);
static sio_str_t sio_body_integer(sio_str_t value);
static int sio_body_unescape(sio_body_t *body, const char *prefix,
    sio_str_t value, sio_str_t *s);
static int sio_body_fail_key(sio_body_t *body, sio_str_t name, int element,
    const char *error);


/* Behind a name: what its prefix takes at most. */

#define SIO_BODY_PREFIX_MAX  SIO_USER_ROOM_LEN


void
sio_body_init(sio_body_t *body, const sio_mem_t *mem)
{
    memset(body, 0, sizeof(sio_body_t));

    body->mem = mem;

    sio_buf_init(&body->text, mem, 0);
}


void
sio_body_free(sio_body_t *body)
{
    sio_buf_free(&body->text);
    sio_free(body->mem, body->names);

    sio_body_init(body, body->mem);
}


int
sio_body_begin(sio_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits, const sio_body_key_t *keys, unsigned max)
{
    int              rc;
    sio_str_t        value;
    sio_json_info_t  info;

    sio_body_free(body);

    body->limits = limits;
    body->keys = keys;

    if (sio_json_validate(text, limits, &info, &value) != SIO_OK) {
        body->error = info.error;
        return SIO_ERROR;
    }

    switch (sio_json_type(value)) {

    case SIO_JSON_OBJECT:
        body->object = value;
        break;

    case SIO_JSON_ARRAY:
        body->batch = 1;
        break;

    default:
        body->error = "must be an object or an array";
        return SIO_ERROR;
    }

    rc = sio_body_reserve(body, value, max);
    if (rc != SIO_OK) {
        return rc;
    }

    body->placeholders = info.placeholders;
    sio_json_array_iter(&body->objects, value);

    return SIO_OK;
}


/* Memory for all that the body may turn out to hold. */

static int
sio_body_reserve(sio_body_t *body, sio_str_t value, unsigned max)
{
    size_t           n, names, bytes;
    sio_str_t        object;
    sio_json_iter_t  it;

    names = 0;
    bytes = 0;
    n = 1;

    if (body->batch) {
        sio_json_array_iter(&it, value);

        for (n = 0; sio_json_array_next(&it, &object) == SIO_OK; n++) {
            sio_body_measure(body, object, &names, &bytes);
        }

    } else {
        sio_body_measure(body, value, &names, &bytes);
    }

    body->error = NULL;
    body->path[0] = '\0';

    if (n == 0 || n > max) {
        body->error = n ? "has too many elements" : "must not be empty";
        return SIO_ERROR;
    }

    body->n = (unsigned) n;

    if (names) {
        body->names = sio_calloc(body->mem, names * sizeof(sio_str_t));
        if (body->names == NULL) {
            return SIO_NOMEM;
        }
    }

    body->name = body->names;

    sio_buf_init(&body->text, body->mem, bytes);

    return sio_buf_reserve(&body->text, bytes);
}


/* What is wrong with an object is told when it is its turn. */

static void
sio_body_measure(sio_body_t *body, sio_str_t object, size_t *names,
    size_t *bytes)
{
    size_t     n;
    unsigned   key;
    sio_str_t  value;

    body->sorted = (sio_body_members(body, object) == SIO_OK);

    for (key = 0; body->sorted && body->keys[key].name.len; key++) {
        value = body->value[key];

        if (value.len == 0 || body->keys[key].kept == SIO_BODY_VALUE) {
            continue;
        }

        n = (body->keys[key].kept == SIO_BODY_NAMES) ? sio_body_count(value)
                                                     : 0;
        *names += n;
        *bytes += value.len + n * SIO_BODY_PREFIX_MAX;
    }
}


static size_t
sio_body_count(sio_str_t value)
{
    size_t           n;
    sio_json_iter_t  it;

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        return 1;
    }

    sio_json_array_iter(&it, value);

    for (n = 0; sio_json_array_next(&it, &value) == SIO_OK; n++) {
        /* void */
    }

    return n;
}


int
sio_body_next(sio_body_t *body, void *object)
{
    int        rc;
    unsigned   key;
    sio_str_t  value;

    value = body->object;
    body->nnames = 0;

    if (body->batch) {
        (void) sio_json_array_next(&body->objects, &value);
    }

    body->next++;

    if (sio_json_type(value) != SIO_JSON_OBJECT) {
        return sio_body_fail_key(body, sio_str(NULL, 0), -1,
                                 "must be an object");
    }

    /* the only object has been sorted when it was measured */

    if (body->batch || !body->sorted) {
        rc = sio_body_members(body, value);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    for (key = 0; body->keys[key].name.len; key++) {

        if (body->value[key].len == 0) {
            continue;
        }

        rc = body->keys[key].parse(body, key, object);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* The members sorted by key; a value that is missing is an empty slice. */

static int
sio_body_members(sio_body_t *body, sio_str_t object)
{
    unsigned         key;
    sio_str_t        raw, value;
    sio_json_iter_t  it;

    memset(body->value, 0, sizeof(body->value));

    sio_json_object_iter(&it, object);

    while (sio_json_object_next(&it, &raw, &value) == SIO_OK) {

        key = sio_body_key(body, raw);

        if (body->keys[key].name.len == 0) {
            return sio_body_fail_key(body, raw, -1, "is unknown");
        }

        if (body->value[key].len) {
            return sio_body_fail(body, key, -1, "is given twice");
        }

        body->value[key] = value;
    }

    return SIO_OK;
}


/* The row of a key, or the last one. */

static unsigned
sio_body_key(const sio_body_t *body, sio_str_t raw)
{
    unsigned  key;

    for (key = 0; body->keys[key].name.len; key++) {

        /* an escape is longer than what it means */

        if (raw.len >= body->keys[key].name.len
            && sio_json_raw_eq(raw, body->keys[key].name))
        {
            break;
        }
    }

    return key;
}


int
sio_body_string(sio_body_t *body, unsigned key, size_t max, sio_str_t *s)
{
    int  rc;

    if (sio_json_type(body->value[key]) != SIO_JSON_STRING) {
        return sio_body_fail(body, key, -1, "must be a string");
    }

    rc = sio_body_unescape(body, "", body->value[key], s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s->len == 0) {
        return sio_body_fail(body, key, -1, "must not be empty");
    }

    if (s->len > max) {
        return sio_body_fail(body, key, -1, "is too long");
    }

    return SIO_OK;
}


int
sio_body_text(sio_body_t *body, unsigned key, void *object)
{
    const sio_body_key_t  *row;

    row = &body->keys[key];

    return sio_body_string(body, key, row->max,
                           (sio_str_t *) ((char *) object + row->offset));
}


/* Socket.IO v5, "Packet encoding": the name ends at a comma. */

int
sio_body_namespace(sio_body_t *body, unsigned key, void *object)
{
    int         rc;
    sio_str_t  *s;

    s = (sio_str_t *) ((char *) object + body->keys[key].offset);

    rc = sio_body_string(body, key, SIO_ROOM_MAX, s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s->data[0] != '/' || !sio_name_valid(*s, s->len)
        || memchr(s->data, ',', s->len) || memchr(s->data, '?', s->len))
    {
        return sio_body_fail(body, key, -1, "is not a namespace");
    }

    return SIO_OK;
}


int
sio_body_names(sio_body_t *body, unsigned key, const char *prefix, int empty,
    sio_body_check_pt check, unsigned *n)
{
    int              rc, i;
    sio_str_t        value, element;
    sio_json_iter_t  it;

    value = body->value[key];

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        rc = sio_body_name(body, key, -1, prefix, value, check);
        *n += (rc == SIO_OK);
        return rc;
    }

    sio_json_array_iter(&it, value);

    for (i = 0; sio_json_array_next(&it, &element) == SIO_OK; i++) {
        rc = sio_body_name(body, key, i, prefix, element, check);
        if (rc != SIO_OK) {
            return rc;
        }

        (*n)++;
    }

    if (i == 0 && !empty) {
        return sio_body_fail(body, key, -1, "must not be empty");
    }

    return SIO_OK;
}


static int
sio_body_name(sio_body_t *body, unsigned key, int element, const char *prefix,
    sio_str_t value, sio_body_check_pt check)
{
    int          rc;
    sio_str_t    s;
    const char  *error;

    if (body->nnames == SIO_BODY_NAMES_MAX) {
        return sio_body_fail(body, key, -1, "has too many rooms");
    }

    if (sio_json_type(value) != SIO_JSON_STRING) {

        value = sio_body_integer(value);

        if (value.len == 0) {
            return sio_body_fail(body, key, element,
                                 element < 0
                                 ? "must be a string, an integer or an array"
                                 : "must be a string or an integer");
        }
    }

    rc = sio_body_unescape(body, prefix, value, &s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s.len == strlen(prefix)) {
        return sio_body_fail(body, key, element, "must not be empty");
    }

    if (!sio_room_name_valid(s)) {
        return sio_body_fail(body, key, element,
                             s.len > SIO_ROOM_MAX ? "is too long"
                             : "has a control character");
    }

    error = check ? check(s) : NULL;

    if (error) {
        return sio_body_fail(body, key, element, error);
    }

    *body->name++ = s;
    body->nnames++;

    return SIO_OK;
}


const char *
sio_body_room(sio_str_t name)
{
    return sio_room_reserved(name) ? "is the room of a user or a socket"
                                   : NULL;
}


int
sio_body_flag(sio_body_t *body, unsigned key, void *object)
{
    unsigned    *on;
    sio_json_e   type;

    type = sio_json_type(body->value[key]);

    if (type != SIO_JSON_TRUE && type != SIO_JSON_FALSE) {
        return sio_body_fail(body, key, -1, "must be true or false");
    }

    on = (unsigned *) ((char *) object + body->keys[key].offset);
    *on = (type == SIO_JSON_TRUE);

    return SIO_OK;
}


/* The decimal text of an integer, as JavaScript has it; empty: it is none. */

static sio_str_t
sio_body_integer(sio_str_t value)
{
    int64_t  n;

    if (sio_json_type(value) != SIO_JSON_NUMBER
        || sio_json_int(value, &n) != SIO_OK)
    {
        return sio_str(NULL, 0);
    }

    /* "-0" */

    return n ? value : sio_str(value.data + value.len - 1, 1);
}


/*
 * The bytes of a string, or the text of an integer, behind a prefix: a view
 * of the body if that has them, else of memory reserved before.
 */

static int
sio_body_unescape(sio_body_t *body, const char *prefix, sio_str_t value,
    sio_str_t *s)
{
    int     rc, string;
    size_t  start;

    string = (value.data[0] == '"');

    if (*prefix == '\0' && memchr(value.data, '\\', value.len) == NULL) {
        *s = string ? sio_str(value.data + 1, value.len - 2) : value;
        return SIO_OK;
    }

    start = body->text.len;

    rc = sio_buf_append_str(&body->text, sio_cstr(prefix));

    if (rc == SIO_OK) {
        rc = string ? sio_json_unescape(&body->text, value)
                    : sio_buf_append_str(&body->text, value);
    }

    if (rc != SIO_OK) {
        return SIO_NOMEM;
    }

    *s = sio_str(body->text.data + start, body->text.len - start);

    return SIO_OK;
}


int
sio_body_fail(sio_body_t *body, unsigned key, int element, const char *error)
{
    return sio_body_fail_key(body, body->keys[key].name, element, error);
}


/* Write the path: "event", "[3].to[0]"; bytes that may be no text as "?". */

static int
sio_body_fail_key(sio_body_t *body, sio_str_t name, int element,
    const char *error)
{
    size_t  i, shown;
    char    key[SIO_BODY_KEY_SHOWN + 1], batch[16], index[16];

    shown = name.len < SIO_BODY_KEY_SHOWN ? name.len : SIO_BODY_KEY_SHOWN;

    for (i = 0; i < shown; i++) {
        key[i] = (name.data[i] >= 0x20 && name.data[i] < 0x7f)
                 ? (char) name.data[i] : '?';
    }

    key[i] = '\0';
    batch[0] = '\0';
    index[0] = '\0';

    if (body->batch) {
        (void) snprintf(batch, sizeof(batch), "[%u]%s", body->next - 1,
                        name.len ? "." : "");
    }

    if (element >= 0) {
        (void) snprintf(index, sizeof(index), "[%d]", element);
    }

    (void) snprintf(body->path, SIO_BODY_PATH_MAX, "%s%s%s%s", batch, key,
                    name.len > shown ? "..." : "", index);

    body->error = error;

    return SIO_ERROR;
}
