/*
 * Operations on sockets: the keys of POST join, leave and disconnect.
 *
 * The three have the same keys but for a few at the end of the table, and
 * each takes as many of them as it knows.
 */


#include "codec/sio_operation.h"


typedef enum {
    SIO_OPERATION_NAMESPACE = 0,
    SIO_OPERATION_TO,
    SIO_OPERATION_USER,
    SIO_OPERATION_SOCKET,
    SIO_OPERATION_ROOMS,
    SIO_OPERATION_TTL,
    SIO_OPERATION_CLOSE = SIO_OPERATION_ROOMS    /* of disconnect */
} sio_operation_key_e;


static int sio_operation_together(sio_body_t *body,
    const sio_operation_t *operation);
static int sio_operation_targets(sio_body_t *body, unsigned key,
    void *object);
static int sio_operation_user(sio_body_t *body, unsigned key, void *object);
static const char *sio_operation_id(sio_str_t name);
static int sio_operation_rooms(sio_body_t *body, unsigned key, void *object);
static int sio_operation_ttl(sio_body_t *body, unsigned key, void *object);
static int sio_operation_time(sio_str_t s, uint64_t *seconds);


/* "to", "user" and "socket" share one list of targets. */

#define SIO_OPERATION_ADDRESS                                                 \
    { sio_string("namespace"), SIO_BODY_STRING, sio_body_namespace,           \
      offsetof(sio_operation_t, nsp), 0 },                                    \
    { sio_string("to"), SIO_BODY_NAMES, sio_operation_targets, 0, 0 },        \
    { sio_string("user"), SIO_BODY_NAMES, sio_operation_user, 0, 0 },         \
    { sio_string("socket"), SIO_BODY_NAMES, sio_operation_targets, 0, 0 }


static const sio_body_key_t  sio_operation_join[] = {
    SIO_OPERATION_ADDRESS,
    { sio_string("rooms"), SIO_BODY_NAMES, sio_operation_rooms, 0, 0 },
    { sio_string("ttl"), SIO_BODY_STRING, sio_operation_ttl, 0, 0 },
    { sio_string("local"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_operation_t, local), 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


static const sio_body_key_t  sio_operation_leave[] = {
    SIO_OPERATION_ADDRESS,
    { sio_string("rooms"), SIO_BODY_NAMES, sio_operation_rooms, 0, 0 },
    { sio_string("local"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_operation_t, local), 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


static const sio_body_key_t  sio_operation_disconnect[] = {
    SIO_OPERATION_ADDRESS,
    { sio_string("close"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_operation_t, close), 0 },
    { sio_string("local"), SIO_BODY_VALUE, sio_body_flag,
      offsetof(sio_operation_t, local), 0 },
    { sio_null_string, SIO_BODY_VALUE, NULL, 0, 0 }
};


void
sio_operation_init(sio_operation_body_t *body, const sio_mem_t *mem)
{
    memset(body, 0, sizeof(sio_operation_body_t));

    sio_body_init(&body->read, mem);
}


void
sio_operation_free(sio_operation_body_t *body)
{
    sio_free(body->read.mem, body->operations);
    sio_body_free(&body->read);

    body->operations = NULL;
    body->n = 0;
}


int
sio_operation_parse(sio_operation_body_t *body, sio_operation_e type,
    sio_str_t text, const sio_json_limits_t *limits)
{
    int                    rc;
    unsigned               i;
    sio_body_t            *read;
    const sio_body_key_t  *keys;

    sio_operation_free(body);
    read = &body->read;

    keys = (type == SIO_OPERATION_JOIN) ? sio_operation_join
           : (type == SIO_OPERATION_LEAVE) ? sio_operation_leave
           : sio_operation_disconnect;

    rc = sio_body_begin(read, text, limits, keys, SIO_OPERATION_BATCH_MAX);
    if (rc != SIO_OK) {
        return rc;
    }

    body->operations = sio_calloc(read->mem,
                                  read->n * sizeof(sio_operation_t));
    if (body->operations == NULL) {
        return SIO_NOMEM;
    }

    body->n = read->n;

    for (i = 0; i < read->n; i++) {
        body->operations[i].type = type;
        body->operations[i].nsp = sio_cstr("/");

        rc = sio_body_next(read, &body->operations[i]);

        if (rc == SIO_OK) {
            rc = sio_operation_together(read, &body->operations[i]);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* What must be there, and what excludes each other. */

static int
sio_operation_together(sio_body_t *body, const sio_operation_t *operation)
{
    if (operation->type == SIO_OPERATION_DISCONNECT) {

        /* a name forgotten must not end everybody's connection */

        if (operation->ntargets == 0) {
            return sio_body_fail(body, SIO_OPERATION_TO, -1,
                                 "is missing, and so are \"user\" and "
                                 "\"socket\"");
        }

        return SIO_OK;
    }

    if (operation->nrooms == 0) {
        return sio_body_fail(body, SIO_OPERATION_ROOMS, -1, "is missing");
    }

    if (operation->ttl && operation->nusers == 0) {
        return sio_body_fail(body, SIO_OPERATION_TTL, -1, "needs \"user\"");
    }

    if (operation->ttl && operation->nusers != operation->ntargets) {
        return sio_body_fail(body, SIO_OPERATION_TTL, -1,
                             "excludes \"to\" and \"socket\"");
    }

    if (operation->ttl
        && operation->nusers * operation->nrooms > SIO_OPERATION_GRANTS_MAX)
    {
        return sio_body_fail(body, SIO_OPERATION_ROOMS, -1,
                             "are too many for so many users");
    }

    return SIO_OK;
}


static int
sio_operation_targets(sio_body_t *body, unsigned key, void *object)
{
    sio_operation_t  *operation = object;

    if (operation->ntargets == 0) {
        operation->targets = body->name;
    }

    return sio_body_names(body, key, "", 0,
                          key == SIO_OPERATION_SOCKET ? sio_operation_id
                                                      : NULL,
                          &operation->ntargets);
}


static int
sio_operation_user(sio_body_t *body, unsigned key, void *object)
{
    sio_operation_t  *operation = object;

    int  rc;

    operation->users = body->name;

    if (operation->ntargets == 0) {
        operation->targets = body->name;
    }

    rc = sio_body_names(body, key, SIO_USER_ROOM, 0, NULL,
                        &operation->nusers);

    operation->ntargets += operation->nusers;

    return rc;
}


static const char *
sio_operation_id(sio_str_t name)
{
    return sio_socket_id_like(name) ? NULL : "is not the id of a socket";
}


static int
sio_operation_rooms(sio_body_t *body, unsigned key, void *object)
{
    sio_operation_t  *operation = object;

    operation->rooms = body->name;

    return sio_body_names(body, key, "", 0, sio_body_room,
                          &operation->nrooms);
}


static int
sio_operation_ttl(sio_body_t *body, unsigned key, void *object)
{
    sio_operation_t  *operation = object;

    int        rc;
    int64_t    n;
    sio_str_t  s;

    if (sio_json_type(body->value[key]) == SIO_JSON_NUMBER) {

        if (sio_json_int(body->value[key], &n) != SIO_OK) {
            return sio_body_fail(body, key, -1,
                                 "must be an integer or a string as \"30d\"");
        }

        if (n < 0) {
            n = 0;
        }

        operation->ttl = (uint64_t) n;

    } else if (sio_json_type(body->value[key]) == SIO_JSON_STRING) {

        rc = sio_body_string(body, key, SIO_ROOM_MAX, &s);
        if (rc != SIO_OK) {
            return rc;
        }

        if (sio_operation_time(s, &operation->ttl) != SIO_OK) {
            return sio_body_fail(body, key, -1,
                                 "must be a time as \"90s\", \"15m\", "
                                 "\"12h\", \"30d\" or \"4w\"");
        }

    } else {
        return sio_body_fail(body, key, -1,
                             "must be an integer or a string as \"30d\"");
    }

    if (operation->ttl < 1 || operation->ttl > SIO_OPERATION_TTL_MAX) {
        return sio_body_fail(body, key, -1, "must be 1 second to 10 years");
    }

    return SIO_OK;
}


/* Digits and a unit; too much is more than any bound. */

static int
sio_operation_time(sio_str_t s, uint64_t *seconds)
{
    size_t    i;
    uint64_t  n, unit;

    switch (s.data[s.len - 1]) {

    case 's':
        unit = 1;
        break;

    case 'm':
        unit = 60;
        break;

    case 'h':
        unit = 3600;
        break;

    case 'd':
        unit = 86400;
        break;

    case 'w':
        unit = 7 * 86400;
        break;

    default:
        return SIO_ERROR;
    }

    if (s.len < 2) {
        return SIO_ERROR;
    }

    for (i = 0, n = 0; i < s.len - 1; i++) {

        if (s.data[i] < '0' || s.data[i] > '9') {
            return SIO_ERROR;
        }

        if (n <= SIO_OPERATION_TTL_MAX) {
            n = n * 10 + (s.data[i] - '0');
        }
    }

    *seconds = n * unit;

    return SIO_OK;
}
