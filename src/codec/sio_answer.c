/*
 * Answers to forwarded events.
 */


#include <stdio.h>

#include "codec/sio_answer.h"
#include "codec/sio_event.h"


typedef enum {
    SIO_ANSWER_ACK = 0,
    SIO_ANSWER_ERROR,
    SIO_ANSWER_EMIT,
    SIO_ANSWER_JOIN,
    SIO_ANSWER_LEAVE,
    SIO_ANSWER_SET,
    SIO_ANSWER_DISCONNECT,
    SIO_ANSWER_NKEYS
} sio_answer_key_e;


static int sio_answer_ack(sio_body_t *body, unsigned key, void *object);
static int sio_answer_refusal(sio_body_t *body, unsigned key, void *object);
static int sio_answer_any(sio_body_t *body, unsigned key, void *object);
static int sio_answer_rooms(sio_body_t *body, unsigned key, void *object);
static int sio_answer_set(sio_body_t *body, unsigned key, void *object);
static int sio_answer_emits(sio_answer_body_t *body,
    const sio_json_limits_t *limits);
static int sio_answer_emit_fail(sio_answer_body_t *body, unsigned n,
    const char *key, const char *error);
static int sio_answer_code(sio_body_t *body, sio_answer_t *answer);
static int sio_answer_text(sio_body_t *body, const char *name, sio_str_t *s);


/* In the order of sio_answer_key_e. */

static const sio_body_key_t  sio_answer_keys[SIO_ANSWER_NKEYS + 1] = {
    { sio_string("ack"), SIO_BODY_VALUE, sio_answer_ack, 0, 0 },
    { sio_string("error"), SIO_BODY_STRING, sio_answer_refusal, 0, 0 },
    { sio_string("emit"), SIO_BODY_VALUE, sio_answer_any, 0, 0 },
    { sio_string("join"), SIO_BODY_NAMES, sio_answer_rooms, 0, 0 },
    { sio_string("leave"), SIO_BODY_NAMES, sio_answer_rooms, 0, 0 },
    { sio_string("set"), SIO_BODY_VALUE, sio_answer_set, 0, 0 },
    { sio_string("disconnect"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_answer_t, disconnect), 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


void
sio_answer_init(sio_answer_body_t *body, const sio_mem_t *mem, sio_str_t nsp)
{
    memset(body, 0, sizeof(sio_answer_body_t));

    sio_body_init(&body->read, mem);
    sio_emit_init(&body->emit, mem);
    body->emit.nsp = nsp;
}


void
sio_answer_free(sio_answer_body_t *body)
{
    sio_body_free(&body->read);
    sio_emit_free(&body->emit);
}


int
sio_answer_parse(sio_answer_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits)
{
    int          rc;
    sio_body_t  *read;

    read = &body->read;

    sio_answer_free(body);
    memset(&body->answer, 0, sizeof(sio_answer_t));
    body->path[0] = '\0';

    rc = sio_body_begin(read, text, limits, sio_answer_keys, 1);

    if (rc == SIO_OK && read->batch) {
        read->error = "must be an object";
        return SIO_ERROR;
    }

    if (rc == SIO_OK) {
        rc = sio_body_next(read, &body->answer);
    }

    if (rc == SIO_OK && read->value[SIO_ANSWER_ACK].len
        && read->value[SIO_ANSWER_ERROR].len)
    {
        rc = sio_body_fail(read, SIO_ANSWER_ERROR, -1, "excludes \"ack\"");
    }

    if (rc == SIO_OK && read->value[SIO_ANSWER_EMIT].len) {
        return sio_answer_emits(body, limits);
    }

    if (rc == SIO_ERROR) {
        (void) snprintf(body->path, sizeof(body->path), "%s", read->path);
    }

    return rc;
}


int
sio_answer_error(sio_answer_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits)
{
    int              rc;
    sio_str_t        value;
    sio_body_t      *read;
    sio_json_info_t  info;

    read = &body->read;

    sio_answer_free(body);
    memset(&body->answer, 0, sizeof(sio_answer_t));

    if (sio_json_validate(text, limits, &info, &value) != SIO_OK
        || info.placeholders
        || sio_json_type(value) != SIO_JSON_OBJECT)
    {
        return SIO_DECLINED;
    }

    read->limits = limits;
    read->keys = sio_answer_keys;
    read->value[SIO_ANSWER_ERROR] = value;

    sio_buf_init(&read->text, read->mem, value.len);

    if (sio_buf_reserve(&read->text, value.len) != SIO_OK) {
        return SIO_NOMEM;
    }

    rc = sio_answer_code(read, &body->answer);

    return rc == SIO_ERROR ? SIO_DECLINED : rc;
}


static int
sio_answer_ack(sio_body_t *body, unsigned key, void *object)
{
    sio_answer_t  *answer = object;

    sio_json_info_t  info;

    if (sio_json_type(body->value[key]) != SIO_JSON_ARRAY) {
        return sio_body_fail(body, key, -1, "must be an array");
    }

    if (body->placeholders
        && (sio_json_validate(body->value[key], body->limits, &info, NULL)
            != SIO_OK
            || info.placeholders))
    {
        return sio_body_fail(body, key, -1, "has a placeholder");
    }

    answer->ack = sio_event_args(body->value[key]);
    answer->acks = 1;

    return SIO_OK;
}


static int
sio_answer_refusal(sio_body_t *body, unsigned key, void *object)
{
    if (sio_json_type(body->value[key]) != SIO_JSON_OBJECT) {
        return sio_body_fail(body, key, -1, "must be an object");
    }

    if (body->placeholders) {
        return sio_body_fail(body, key, -1, "may be beside no placeholder");
    }

    return sio_answer_code(body, object);
}


/* Its members beyond code and message are the application's own. */

static int
sio_answer_code(sio_body_t *body, sio_answer_t *answer)
{
    int  rc;

    answer->error = body->value[SIO_ANSWER_ERROR];

    rc = sio_answer_text(body, "code", &answer->code);

    if (rc == SIO_OK && answer->code.len > SIO_ANSWER_CODE_MAX) {
        return sio_body_fail(body, SIO_ANSWER_ERROR, -1,
                             "has a code that is too long");
    }

    return rc == SIO_OK ? sio_answer_text(body, "message", &answer->message)
                        : rc;
}


static int
sio_answer_text(sio_body_t *body, const char *name, sio_str_t *s)
{
    size_t     start;
    sio_str_t  value;

    *s = sio_str(NULL, 0);

    if (sio_json_member(body->value[SIO_ANSWER_ERROR], sio_cstr(name), &value)
        != SIO_OK)
    {
        return SIO_OK;
    }

    if (sio_json_type(value) != SIO_JSON_STRING) {
        return sio_body_fail(body, SIO_ANSWER_ERROR, -1,
                             "has a code or a message that is no string");
    }

    /* all of it was reserved: nothing moves */

    if (sio_buf_reserve(&body->text, value.len) != SIO_OK) {
        return SIO_NOMEM;
    }

    start = body->text.len;

    if (sio_json_unescape(&body->text, value) != SIO_OK) {
        return SIO_NOMEM;
    }

    *s = sio_str(body->text.data + start, body->text.len - start);

    return SIO_OK;
}


/* Emits are read when all else was. */

static int
sio_answer_any(sio_body_t *body, unsigned key, void *object)
{
    return SIO_OK;
}


static int
sio_answer_emits(sio_answer_body_t *body, const sio_json_limits_t *limits)
{
    int          rc;
    unsigned     i;
    sio_str_t    value;
    sio_emit_t  *emit;

    value = body->read.value[SIO_ANSWER_EMIT];

    /* no emit is a list of them, too */

    if (sio_json_type(value) == SIO_JSON_ARRAY
        && sio_event_args(value).len == 0)
    {
        return SIO_OK;
    }

    rc = sio_emit_parse(&body->emit, value, limits);

    if (rc == SIO_ERROR) {
        (void) snprintf(body->path, sizeof(body->path), "emit%s%s",
                        body->emit.read.batch || body->emit.read.path[0] == '\0'
                        ? "" : ".", body->emit.read.path);
        body->read.error = body->emit.read.error;
        return SIO_ERROR;
    }

    if (rc != SIO_OK) {
        return rc;
    }

    if (body->emit.nemits > SIO_ANSWER_EMITS_MAX) {
        body->read.error = "has too many elements";
        (void) snprintf(body->path, sizeof(body->path), "emit");
        return SIO_ERROR;
    }

    for (i = 0; i < body->emit.nemits; i++) {
        emit = &body->emit.emits[i];

        if (emit->ack_msec) {
            return sio_answer_emit_fail(body, i, "ack",
                                        "is only for POST emit");
        }

        if (emit->target.len) {
            return sio_answer_emit_fail(body, i, "target",
                                        "is only for POST emit");
        }
    }

    return SIO_OK;
}


static int
sio_answer_emit_fail(sio_answer_body_t *body, unsigned n, const char *key,
    const char *error)
{
    if (body->emit.read.batch) {
        (void) snprintf(body->path, sizeof(body->path), "emit[%u].%s", n, key);

    } else {
        (void) snprintf(body->path, sizeof(body->path), "emit.%s", key);
    }

    body->read.error = error;

    return SIO_ERROR;
}


static int
sio_answer_rooms(sio_body_t *body, unsigned key, void *object)
{
    sio_answer_t  *answer = object;

    if (key == SIO_ANSWER_JOIN) {
        answer->join = body->name;
        return sio_body_names(body, key, "", 1, sio_body_room,
                              &answer->njoin);
    }

    answer->leave = body->name;

    return sio_body_names(body, key, "", 1, sio_body_room, &answer->nleave);
}


static int
sio_answer_set(sio_body_t *body, unsigned key, void *object)
{
    sio_answer_t  *answer = object;

    if (sio_json_type(body->value[key]) != SIO_JSON_OBJECT) {
        return sio_body_fail(body, key, -1, "must be an object");
    }

    if (body->placeholders) {
        return sio_body_fail(body, key, -1, "may be beside no placeholder");
    }

    answer->set = body->value[key];

    return SIO_OK;
}
