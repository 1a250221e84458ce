/*
 * The API's emits.
 *
 * An emit object is read in two steps: its members are sorted by key, then
 * each key that is there is checked by its own function, in the order of the
 * table.  Slices of the parser's own memory are handed out while it is being
 * filled, so a first pass over the body measures how much is needed: nothing
 * moves afterwards.
 */


#include <stdio.h>

#include "codec/sio_emit.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"


#define SIO_EMIT_USER      "user:"
#define SIO_EMIT_USER_LEN  (sizeof(SIO_EMIT_USER) - 1)
#define SIO_EMIT_KEY_SHOWN 24    /* characters of an unknown key */


typedef enum {
    SIO_EMIT_EVENT = 0,
    SIO_EMIT_DATA,
    SIO_EMIT_ARGS,
    SIO_EMIT_NAMESPACE,
    SIO_EMIT_TO,
    SIO_EMIT_USERS,
    SIO_EMIT_EXCEPT,
    SIO_EMIT_TARGET,
    SIO_EMIT_VOLATILE,
    SIO_EMIT_LOCAL,
    SIO_EMIT_ACK,
    SIO_EMIT_MAILBOX,
    SIO_EMIT_ID,
    SIO_EMIT_NKEYS
} sio_emit_key_e;


typedef struct {
    sio_emit_body_t          *body;
    const sio_json_limits_t  *limits;
    sio_str_t                *room;      /* the next free one */
    unsigned                  nrooms;    /* of this emit */
    unsigned                  index;     /* of the emit in a batch */
    unsigned                  placeholders;
    sio_str_t                 value[SIO_EMIT_NKEYS];
} sio_emit_parser_t;


/* Checks the key's value and fills the emit: SIO_OK or SIO_ERROR. */

typedef int (*sio_emit_key_pt)(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);

typedef struct {
    sio_str_t        name;
    sio_emit_key_pt  parse;
} sio_emit_rule_t;


static int sio_emit_batch(sio_emit_parser_t *ps, sio_str_t value);
static int sio_emit_reserve(sio_emit_body_t *body, sio_str_t value);
static void sio_emit_measure(sio_str_t object, size_t *rooms, size_t *bytes);
static int sio_emit_object(sio_emit_parser_t *ps, sio_str_t object,
    sio_emit_t *emit);
static int sio_emit_members(sio_emit_parser_t *ps, sio_str_t object);
static sio_emit_key_e sio_emit_key(sio_str_t raw);
static int sio_emit_together(sio_emit_parser_t *ps);
static int sio_emit_event(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_args(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_namespace(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_rooms(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_except(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_target(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_flag(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_ack(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_later(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit);
static int sio_emit_room_list(sio_emit_parser_t *ps, sio_emit_key_e key,
    unsigned *n);
static int sio_emit_room(sio_emit_parser_t *ps, sio_emit_key_e key,
    int element, sio_str_t value, unsigned *n);
static int sio_emit_string(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_str_t *s);
static sio_str_t sio_emit_integer(sio_str_t value);
static int sio_emit_unescape(sio_emit_body_t *body, const char *prefix,
    sio_str_t value, sio_str_t *s);
static int sio_emit_fail(sio_emit_parser_t *ps, sio_emit_key_e key,
    int element, const char *error);
static int sio_emit_fail_key(sio_emit_parser_t *ps, sio_str_t name,
    int element, const char *error);


/* In the order of sio_emit_key_e; "to" and "user" share one list of rooms. */

static const sio_emit_rule_t  sio_emit_rules[SIO_EMIT_NKEYS] = {
    { sio_string("event"), sio_emit_event },
    { sio_string("data"), sio_emit_args },
    { sio_string("args"), sio_emit_args },
    { sio_string("namespace"), sio_emit_namespace },
    { sio_string("to"), sio_emit_rooms },
    { sio_string("user"), sio_emit_rooms },
    { sio_string("except"), sio_emit_except },
    { sio_string("target"), sio_emit_target },
    { sio_string("volatile"), sio_emit_flag },
    { sio_string("local"), sio_emit_flag },
    { sio_string("ack"), sio_emit_ack },
    { sio_string("mailbox"), sio_emit_later },
    { sio_string("id"), sio_emit_later }
};


void
sio_emit_init(sio_emit_body_t *body, const sio_mem_t *mem)
{
    memset(body, 0, sizeof(sio_emit_body_t));

    body->mem = mem;

    sio_buf_init(&body->text, mem, 0);
}


void
sio_emit_free(sio_emit_body_t *body)
{
    sio_buf_free(&body->text);
    sio_free(body->mem, body->rooms);
    sio_free(body->mem, body->emits);

    sio_emit_init(body, body->mem);
}


int
sio_emit_parse(sio_emit_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits)
{
    int                rc;
    sio_str_t          value;
    sio_json_info_t    info;
    sio_emit_parser_t  ps;

    sio_emit_free(body);

    if (sio_json_validate(text, limits, &info, &value) != SIO_OK) {
        body->error = info.error;
        return SIO_ERROR;
    }

    switch (sio_json_type(value)) {

    case SIO_JSON_OBJECT:
        break;

    case SIO_JSON_ARRAY:
        body->batch = 1;
        break;

    default:
        body->error = "must be an object or an array";
        return SIO_ERROR;
    }

    rc = sio_emit_reserve(body, value);
    if (rc != SIO_OK) {
        return rc;
    }

    memset(&ps, 0, sizeof(sio_emit_parser_t));

    ps.body = body;
    ps.limits = limits;
    ps.room = body->rooms;
    ps.placeholders = info.placeholders;

    if (body->batch) {
        return sio_emit_batch(&ps, value);
    }

    return sio_emit_object(&ps, value, &body->emits[0]);
}


static int
sio_emit_batch(sio_emit_parser_t *ps, sio_str_t value)
{
    int              rc;
    sio_str_t        object;
    sio_json_iter_t  it;

    sio_json_array_iter(&it, value);

    for (ps->index = 0; ps->index < ps->body->nemits; ps->index++) {

        (void) sio_json_array_next(&it, &object);

        if (sio_json_type(object) != SIO_JSON_OBJECT) {
            return sio_emit_fail_key(ps, sio_str(NULL, 0), -1,
                                     "must be an object");
        }

        rc = sio_emit_object(ps, object, &ps->body->emits[ps->index]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* Memory for all that the body may turn out to hold. */

static int
sio_emit_reserve(sio_emit_body_t *body, sio_str_t value)
{
    size_t           n, rooms, bytes;
    sio_str_t        object;
    sio_json_iter_t  it;

    rooms = 0;
    bytes = 0;
    n = 1;

    if (body->batch) {
        sio_json_array_iter(&it, value);

        for (n = 0; sio_json_array_next(&it, &object) == SIO_OK; n++) {
            sio_emit_measure(object, &rooms, &bytes);
        }

    } else {
        sio_emit_measure(value, &rooms, &bytes);
    }

    if (n == 0 || n > SIO_EMIT_BATCH_MAX) {
        body->error = n ? "has too many elements" : "must not be empty";
        return SIO_ERROR;
    }

    body->emits = sio_calloc(body->mem, n * sizeof(sio_emit_t));
    if (body->emits == NULL) {
        return SIO_NOMEM;
    }

    body->nemits = (unsigned) n;

    if (rooms) {
        body->rooms = sio_calloc(body->mem, rooms * sizeof(sio_str_t));
        if (body->rooms == NULL) {
            return SIO_NOMEM;
        }
    }

    sio_buf_init(&body->text, body->mem, bytes);

    return sio_buf_reserve(&body->text, bytes);
}


static void
sio_emit_measure(sio_str_t object, size_t *rooms, size_t *bytes)
{
    size_t           n;
    sio_str_t        key, value, element;
    sio_json_iter_t  it, elements;

    sio_json_object_iter(&it, object);

    while (sio_json_object_next(&it, &key, &value) == SIO_OK) {

        n = 0;

        switch (sio_emit_key(key)) {

        case SIO_EMIT_TO:
        case SIO_EMIT_USERS:
        case SIO_EMIT_EXCEPT:
            sio_json_array_iter(&elements, value);

            while (sio_json_array_next(&elements, &element) == SIO_OK) {
                n++;
            }

            n += (sio_json_type(value) != SIO_JSON_ARRAY);
            break;

        case SIO_EMIT_EVENT:
        case SIO_EMIT_NAMESPACE:
        case SIO_EMIT_TARGET:
            break;

        default:
            continue;
        }

        *rooms += n;
        *bytes += value.len + n * SIO_EMIT_USER_LEN;
    }
}


static int
sio_emit_object(sio_emit_parser_t *ps, sio_str_t object, sio_emit_t *emit)
{
    int       rc;
    unsigned  key;

    rc = sio_emit_members(ps, object);
    if (rc != SIO_OK) {
        return rc;
    }

    emit->nsp = sio_cstr("/");
    ps->nrooms = 0;

    for (key = 0; key < SIO_EMIT_NKEYS; key++) {

        if (ps->value[key].len == 0) {
            continue;
        }

        rc = sio_emit_rules[key].parse(ps, (sio_emit_key_e) key, emit);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return sio_emit_together(ps);
}


/* The members sorted by key; a value that is missing is an empty slice. */

static int
sio_emit_members(sio_emit_parser_t *ps, sio_str_t object)
{
    sio_str_t        raw, value;
    sio_json_iter_t  it;
    sio_emit_key_e   key;

    memset(ps->value, 0, sizeof(ps->value));

    sio_json_object_iter(&it, object);

    while (sio_json_object_next(&it, &raw, &value) == SIO_OK) {

        key = sio_emit_key(raw);

        if (key == SIO_EMIT_NKEYS) {
            return sio_emit_fail_key(ps, raw, -1, "is unknown");
        }

        if (ps->value[key].len) {
            return sio_emit_fail(ps, key, -1, "is given twice");
        }

        ps->value[key] = value;
    }

    return SIO_OK;
}


static sio_emit_key_e
sio_emit_key(sio_str_t raw)
{
    unsigned  key;

    for (key = 0; key < SIO_EMIT_NKEYS; key++) {
        if (sio_json_raw_eq(raw, sio_emit_rules[key].name)) {
            break;
        }
    }

    return (sio_emit_key_e) key;
}


/* What must be there, and what excludes each other. */

static int
sio_emit_together(sio_emit_parser_t *ps)
{
    sio_str_t  *value;

    value = ps->value;

    if (value[SIO_EMIT_EVENT].len == 0) {
        return sio_emit_fail(ps, SIO_EMIT_EVENT, -1, "is missing");
    }

    if (value[SIO_EMIT_DATA].len && value[SIO_EMIT_ARGS].len) {
        return sio_emit_fail(ps, SIO_EMIT_ARGS, -1, "excludes \"data\"");
    }

    if (value[SIO_EMIT_TARGET].len
        && (value[SIO_EMIT_TO].len || value[SIO_EMIT_USERS].len))
    {
        return sio_emit_fail(ps, SIO_EMIT_TARGET, -1,
                             "excludes \"to\" and \"user\"");
    }

    if (value[SIO_EMIT_ACK].len
        && sio_json_type(value[SIO_EMIT_VOLATILE]) == SIO_JSON_TRUE)
    {
        return sio_emit_fail(ps, SIO_EMIT_ACK, -1, "excludes \"volatile\"");
    }

    return SIO_OK;
}


static int
sio_emit_event(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    int  rc;

    rc = sio_emit_string(ps, key, &emit->event);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_packet_reserved(emit->event)) {
        return sio_emit_fail(ps, key, -1, "is a reserved name");
    }

    return SIO_OK;
}


static int
sio_emit_args(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    sio_str_t        value, list;
    sio_json_info_t  info;

    value = ps->value[key];

    /* rare, so that asking which emit has them may take time */

    if (ps->placeholders
        && (sio_json_validate(value, ps->limits, &info, NULL) != SIO_OK
            || info.placeholders))
    {
        return sio_emit_fail(ps, key, -1, "has a placeholder");
    }

    if (key == SIO_EMIT_DATA) {
        emit->args = value;
        emit->data = value;
        return SIO_OK;
    }

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        return sio_emit_fail(ps, key, -1, "must be an array");
    }

    emit->args = sio_event_args(value);

    list = emit->args;
    (void) sio_event_shift(&list, &emit->data);

    return SIO_OK;
}


/* Socket.IO v5, "Packet encoding": the name ends at a comma. */

static int
sio_emit_namespace(sio_emit_parser_t *ps, sio_emit_key_e key,
    sio_emit_t *emit)
{
    int        rc;
    sio_str_t  s;

    rc = sio_emit_string(ps, key, &s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s.data[0] != '/' || !sio_name_valid(s, s.len)
        || memchr(s.data, ',', s.len) || memchr(s.data, '?', s.len))
    {
        return sio_emit_fail(ps, key, -1, "is not a namespace");
    }

    emit->nsp = s;

    return SIO_OK;
}


static int
sio_emit_rooms(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    if (emit->nrooms == 0) {
        emit->rooms = ps->room;
    }

    return sio_emit_room_list(ps, key, &emit->nrooms);
}


static int
sio_emit_except(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    emit->except = ps->room;

    return sio_emit_room_list(ps, key, &emit->nexcept);
}


static int
sio_emit_target(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    return sio_emit_string(ps, key, &emit->target);
}


static int
sio_emit_flag(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    unsigned    on;
    sio_json_e  type;

    type = sio_json_type(ps->value[key]);

    if (type != SIO_JSON_TRUE && type != SIO_JSON_FALSE) {
        return sio_emit_fail(ps, key, -1, "must be true or false");
    }

    on = (type == SIO_JSON_TRUE);

    if (key == SIO_EMIT_VOLATILE) {
        emit->volatile_ = on;

    } else {
        emit->local = on;
    }

    return SIO_OK;
}


static int
sio_emit_ack(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    int64_t  n;

    if (sio_json_type(ps->value[key]) != SIO_JSON_NUMBER
        || sio_json_int(ps->value[key], &n) != SIO_OK)
    {
        return sio_emit_fail(ps, key, -1, "must be an integer");
    }

    if (n < 1 || n > SIO_EMIT_ACK_MAX) {
        return sio_emit_fail(ps, key, -1, "must be 1 to 300000");
    }

    emit->ack_msec = (uint32_t) n;

    return SIO_OK;
}


static int
sio_emit_later(sio_emit_parser_t *ps, sio_emit_key_e key, sio_emit_t *emit)
{
    return sio_emit_fail(ps, key, -1, "is not supported yet");
}


static int
sio_emit_room_list(sio_emit_parser_t *ps, sio_emit_key_e key, unsigned *n)
{
    int              rc, i;
    sio_str_t        value, element;
    sio_json_iter_t  it;

    value = ps->value[key];

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        return sio_emit_room(ps, key, -1, value, n);
    }

    sio_json_array_iter(&it, value);

    for (i = 0; sio_json_array_next(&it, &element) == SIO_OK; i++) {
        rc = sio_emit_room(ps, key, i, element, n);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (i == 0 && key != SIO_EMIT_EXCEPT) {
        return sio_emit_fail(ps, key, -1, "must not be empty");
    }

    return SIO_OK;
}


static int
sio_emit_room(sio_emit_parser_t *ps, sio_emit_key_e key, int element,
    sio_str_t value, unsigned *n)
{
    int          rc;
    sio_str_t    s;
    const char  *prefix;

    prefix = (key == SIO_EMIT_USERS) ? SIO_EMIT_USER : "";

    if (ps->nrooms == SIO_EMIT_ROOMS_MAX) {
        return sio_emit_fail(ps, key, -1, "has too many rooms");
    }

    if (sio_json_type(value) != SIO_JSON_STRING) {

        value = sio_emit_integer(value);

        if (value.len == 0) {
            return sio_emit_fail(ps, key, element,
                                 element < 0
                                 ? "must be a string, an integer or an array"
                                 : "must be a string or an integer");
        }
    }

    rc = sio_emit_unescape(ps->body, prefix, value, &s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s.len == strlen(prefix)) {
        return sio_emit_fail(ps, key, element, "must not be empty");
    }

    if (!sio_room_name_valid(s)) {
        return sio_emit_fail(ps, key, element,
                             s.len > SIO_ROOM_MAX ? "is too long"
                             : "has a control character");
    }

    *ps->room++ = s;
    ps->nrooms++;
    (*n)++;

    return SIO_OK;
}


static int
sio_emit_string(sio_emit_parser_t *ps, sio_emit_key_e key, sio_str_t *s)
{
    int  rc;

    if (sio_json_type(ps->value[key]) != SIO_JSON_STRING) {
        return sio_emit_fail(ps, key, -1, "must be a string");
    }

    rc = sio_emit_unescape(ps->body, "", ps->value[key], s);
    if (rc != SIO_OK) {
        return rc;
    }

    if (s->len == 0) {
        return sio_emit_fail(ps, key, -1, "must not be empty");
    }

    if (s->len > SIO_EMIT_EVENT_MAX) {
        return sio_emit_fail(ps, key, -1, "is too long");
    }

    return SIO_OK;
}


/* The decimal text of an integer, as JavaScript has it; empty: it is none. */

static sio_str_t
sio_emit_integer(sio_str_t value)
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
sio_emit_unescape(sio_emit_body_t *body, const char *prefix, sio_str_t value,
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


static int
sio_emit_fail(sio_emit_parser_t *ps, sio_emit_key_e key, int element,
    const char *error)
{
    return sio_emit_fail_key(ps, sio_emit_rules[key].name, element, error);
}


/* Write the path: "event", "[3].to[0]"; bytes that may be no text as "?". */

static int
sio_emit_fail_key(sio_emit_parser_t *ps, sio_str_t name, int element,
    const char *error)
{
    size_t  i, shown;
    char    key[SIO_EMIT_KEY_SHOWN + 1], batch[16], index[16];

    shown = name.len < SIO_EMIT_KEY_SHOWN ? name.len : SIO_EMIT_KEY_SHOWN;

    for (i = 0; i < shown; i++) {
        key[i] = (name.data[i] >= 0x20 && name.data[i] < 0x7f)
                 ? (char) name.data[i] : '?';
    }

    key[i] = '\0';
    batch[0] = '\0';
    index[0] = '\0';

    if (ps->body->batch) {
        (void) snprintf(batch, sizeof(batch), "[%u]%s", ps->index,
                        name.len ? "." : "");
    }

    if (element >= 0) {
        (void) snprintf(index, sizeof(index), "[%d]", element);
    }

    (void) snprintf(ps->body->path, SIO_EMIT_PATH_MAX, "%s%s%s%s", batch, key,
                    name.len > shown ? "..." : "", index);

    ps->body->error = error;

    return SIO_ERROR;
}


int
sio_room_name_valid(sio_str_t name)
{
    return sio_name_valid(name, SIO_ROOM_MAX);
}
