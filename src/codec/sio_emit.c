/*
 * The API's emits: the keys of POST emit.
 */


#include "codec/sio_emit.h"
#include "codec/sio_event.h"
#include "codec/sio_packet.h"


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
    SIO_EMIT_SERVERS,
    SIO_EMIT_NKEYS
} sio_emit_key_e;


static int sio_emit_together(sio_body_t *body);
static int sio_emit_together_servers(sio_body_t *body);
static int sio_emit_together_mailbox(sio_body_t *body);
static int sio_emit_event(sio_body_t *body, unsigned key, void *object);
static int sio_emit_args(sio_body_t *body, unsigned key, void *object);
static int sio_emit_rooms(sio_body_t *body, unsigned key, void *object);
static int sio_emit_except(sio_body_t *body, unsigned key, void *object);
static int sio_emit_ack(sio_body_t *body, unsigned key, void *object);
static int sio_emit_mailbox(sio_body_t *body, unsigned key, void *object);


/* In the order of sio_emit_key_e; "to" and "user" share one list of rooms. */

static const sio_body_key_t  sio_emit_keys[SIO_EMIT_NKEYS + 1] = {
    { sio_string("event"), SIO_BODY_STRING, sio_emit_event, 0, 0 },
    { sio_string("data"), SIO_BODY_VALUE, sio_emit_args, 0, 0 },
    { sio_string("args"), SIO_BODY_VALUE, sio_emit_args, 0, 0 },
    { sio_string("namespace"), SIO_BODY_STRING, sio_body_namespace,
      offsetof(sio_emit_t, nsp), 0 },
    { sio_string("to"), SIO_BODY_NAMES, sio_emit_rooms, 0, 0 },
    { sio_string("user"), SIO_BODY_NAMES, sio_emit_rooms, 0, 0 },
    { sio_string("except"), SIO_BODY_NAMES, sio_emit_except, 0, 0 },
    { sio_string("target"), SIO_BODY_STRING, sio_body_text,
      offsetof(sio_emit_t, target), SIO_EMIT_EVENT_MAX },
    { sio_string("volatile"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_emit_t, volatile_), 0 },
    { sio_string("local"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_emit_t, local), 0 },
    { sio_string("ack"), SIO_BODY_VALUE, sio_emit_ack, 0, 0 },
    { sio_string("mailbox"), SIO_BODY_STRING, sio_emit_mailbox, 0, 0 },
    { sio_string("id"), SIO_BODY_STRING, sio_body_text,
      offsetof(sio_emit_t, id), SIO_EMIT_ID_MAX },
    { sio_string("servers"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_emit_t, servers), 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


void
sio_emit_init(sio_emit_body_t *body, const sio_mem_t *mem)
{
    memset(body, 0, sizeof(sio_emit_body_t));

    sio_body_init(&body->read, mem);
    body->nsp = sio_cstr("/");
}


void
sio_emit_free(sio_emit_body_t *body)
{
    sio_free(body->read.mem, body->emits);
    sio_body_free(&body->read);

    body->emits = NULL;
    body->nemits = 0;
}


int
sio_emit_parse(sio_emit_body_t *body, sio_str_t text,
    const sio_json_limits_t *limits)
{
    int          rc;
    unsigned     i;
    sio_body_t  *read;

    sio_emit_free(body);
    read = &body->read;

    rc = sio_body_begin(read, text, limits, sio_emit_keys, SIO_EMIT_BATCH_MAX);
    if (rc != SIO_OK) {
        return rc;
    }

    body->emits = sio_calloc(read->mem, read->n * sizeof(sio_emit_t));
    if (body->emits == NULL) {
        return SIO_NOMEM;
    }

    body->nemits = read->n;

    for (i = 0; i < read->n; i++) {
        body->emits[i].nsp = body->nsp;

        rc = sio_body_next(read, &body->emits[i]);

        if (rc == SIO_OK) {
            rc = sio_emit_together(read);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* What must be there, and what excludes each other. */

static int
sio_emit_together(sio_body_t *body)
{
    sio_str_t  *value;

    value = body->value;

    if (value[SIO_EMIT_EVENT].len == 0) {
        return sio_body_fail(body, SIO_EMIT_EVENT, -1, "is missing");
    }

    if (value[SIO_EMIT_DATA].len && value[SIO_EMIT_ARGS].len) {
        return sio_body_fail(body, SIO_EMIT_ARGS, -1, "excludes \"data\"");
    }

    if (value[SIO_EMIT_TARGET].len
        && (value[SIO_EMIT_TO].len || value[SIO_EMIT_USERS].len))
    {
        return sio_body_fail(body, SIO_EMIT_TARGET, -1,
                             "excludes \"to\" and \"user\"");
    }

    if (value[SIO_EMIT_ACK].len
        && sio_json_type(value[SIO_EMIT_VOLATILE]) == SIO_JSON_TRUE)
    {
        return sio_body_fail(body, SIO_EMIT_ACK, -1, "excludes \"volatile\"");
    }

    /* answers are not kept for a repeat */

    if (value[SIO_EMIT_ID].len && value[SIO_EMIT_ACK].len) {
        return sio_body_fail(body, SIO_EMIT_ID, -1, "excludes \"ack\"");
    }

    if (sio_json_type(value[SIO_EMIT_SERVERS]) == SIO_JSON_TRUE) {
        return sio_emit_together_servers(body);
    }

    if (value[SIO_EMIT_MAILBOX].len
        && sio_json_type(value[SIO_EMIT_MAILBOX]) != SIO_JSON_FALSE)
    {
        return sio_emit_together_mailbox(body);
    }

    return SIO_OK;
}


/* No client is addressed. */

static int
sio_emit_together_servers(sio_body_t *body)
{
    unsigned  i;

    static const unsigned  clients[] = {
        SIO_EMIT_TO, SIO_EMIT_USERS, SIO_EMIT_EXCEPT, SIO_EMIT_TARGET,
        SIO_EMIT_VOLATILE, SIO_EMIT_LOCAL, SIO_EMIT_MAILBOX
    };

    for (i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        if (body->value[clients[i]].len
            && sio_json_type(body->value[clients[i]]) != SIO_JSON_FALSE)
        {
            return sio_body_fail(body, clients[i], -1,
                                 "excludes \"servers\"");
        }
    }

    return SIO_OK;
}


/* Only users have one, and what is kept for later is not to be lost now. */

static int
sio_emit_together_mailbox(sio_body_t *body)
{
    sio_str_t  *value;

    value = body->value;

    if (value[SIO_EMIT_USERS].len == 0) {
        return sio_body_fail(body, SIO_EMIT_MAILBOX, -1, "needs \"user\"");
    }

    if (value[SIO_EMIT_TO].len) {
        return sio_body_fail(body, SIO_EMIT_MAILBOX, -1, "excludes \"to\"");
    }

    if (value[SIO_EMIT_EXCEPT].len) {
        return sio_body_fail(body, SIO_EMIT_MAILBOX, -1,
                             "excludes \"except\"");
    }

    if (value[SIO_EMIT_ACK].len) {
        return sio_body_fail(body, SIO_EMIT_MAILBOX, -1, "excludes \"ack\"");
    }

    if (sio_json_type(value[SIO_EMIT_VOLATILE]) == SIO_JSON_TRUE) {
        return sio_body_fail(body, SIO_EMIT_MAILBOX, -1,
                             "excludes \"volatile\"");
    }

    return SIO_OK;
}


static int
sio_emit_event(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    int  rc;

    rc = sio_body_string(body, key, SIO_EMIT_EVENT_MAX, &emit->event);
    if (rc != SIO_OK) {
        return rc;
    }

    if (sio_packet_reserved(emit->event)) {
        return sio_body_fail(body, key, -1, "is a reserved name");
    }

    return SIO_OK;
}


static int
sio_emit_args(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    sio_str_t        value, list;
    sio_json_info_t  info;

    value = body->value[key];

    /* rare, so that asking which emit has them may take time */

    if (body->placeholders
        && (sio_json_validate(value, body->limits, &info, NULL) != SIO_OK
            || info.placeholders))
    {
        return sio_body_fail(body, key, -1, "has a placeholder");
    }

    if (key == SIO_EMIT_DATA) {
        emit->args = value;
        emit->data = value;
        return SIO_OK;
    }

    if (sio_json_type(value) != SIO_JSON_ARRAY) {
        return sio_body_fail(body, key, -1, "must be an array");
    }

    emit->args = sio_event_args(value);

    list = emit->args;
    (void) sio_event_shift(&list, &emit->data);

    return SIO_OK;
}


static int
sio_emit_rooms(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    if (emit->nrooms == 0) {
        emit->rooms = body->name;
    }

    return sio_body_names(body, key,
                          key == SIO_EMIT_USERS ? SIO_USER_ROOM : "", 0, NULL,
                          &emit->nrooms);
}


static int
sio_emit_except(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    emit->except = body->name;

    return sio_body_names(body, key, "", 1, NULL, &emit->nexcept);
}


static int
sio_emit_ack(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    int64_t  n;

    if (sio_json_type(body->value[key]) != SIO_JSON_NUMBER
        || sio_json_int(body->value[key], &n) != SIO_OK)
    {
        return sio_body_fail(body, key, -1, "must be an integer");
    }

    if (n < 1 || n > SIO_EMIT_ACK_MAX) {
        return sio_body_fail(body, key, -1, "must be 1 to 300000");
    }

    emit->ack_msec = (uint32_t) n;

    return SIO_OK;
}


static int
sio_emit_mailbox(sio_body_t *body, unsigned key, void *object)
{
    sio_emit_t  *emit = object;

    switch (sio_json_type(body->value[key])) {

    case SIO_JSON_FALSE:
        return SIO_OK;

    case SIO_JSON_TRUE:
        emit->mailbox = 1;
        return SIO_OK;

    case SIO_JSON_STRING:
        emit->mailbox = 1;
        return sio_body_string(body, key, SIO_EMIT_MAILBOX_MAX,
                               &emit->mailbox_key);

    default:
        return sio_body_fail(body, key, -1,
                             "must be true, false or a string");
    }
}
