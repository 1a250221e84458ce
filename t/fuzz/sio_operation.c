/*
 * Bodies of POST join, leave and disconnect: what passes keeps every promise
 * of the header.  The first byte says which of the three it is.
 */


#include "fuzz.h"
#include "codec/sio_operation.h"


static const sio_json_limits_t  limits = { 32, 10000 };


static void
fuzz_operation(const sio_operation_t *o, sio_operation_e type)
{
    unsigned  i;

    check(o->type == type);
    check(o->nsp.len && o->nsp.data[0] == '/');
    check(o->ntargets + o->nrooms <= SIO_BODY_NAMES_MAX);
    check(o->nusers <= o->ntargets);
    check(o->ttl <= SIO_OPERATION_TTL_MAX);
    check(o->ttl == 0 || (type == SIO_OPERATION_JOIN && o->nusers
                          && o->nusers == o->ntargets));
    check((type == SIO_OPERATION_DISCONNECT) == (o->nrooms == 0));
    check(type != SIO_OPERATION_DISCONNECT || o->ntargets);
    check(!o->close || type == SIO_OPERATION_DISCONNECT);
    check(!o->granted);

    for (i = 0; i < o->ntargets; i++) {
        check(sio_room_name_valid(o->targets[i]));
    }

    for (i = 0; i < o->nusers; i++) {
        check(o->users[i].len > SIO_USER_ROOM_LEN);
        check(memcmp(o->users[i].data, SIO_USER_ROOM, SIO_USER_ROOM_LEN) == 0);
    }

    for (i = 0; i < o->nrooms; i++) {
        check(sio_room_name_valid(o->rooms[i]));
        check(!sio_room_reserved(o->rooms[i]));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                   rc;
    unsigned              i;
    sio_operation_e       type;
    sio_operation_body_t  body;

    if (size == 0) {
        return 0;
    }

    type = SIO_OPERATION_JOIN + data[0] % 3;

    sio_operation_init(&body, &fuzz_mem);

    rc = sio_operation_parse(&body, type, sio_str(data + 1, size - 1),
                             &limits);

    if (rc == SIO_OK) {
        check(body.n && body.n <= SIO_OPERATION_BATCH_MAX);
        check(body.read.batch || body.n == 1);

        for (i = 0; i < body.n; i++) {
            fuzz_operation(&body.operations[i], type);
        }

    } else {
        check(rc == SIO_ERROR);
        check(body.read.error != NULL);
        check(memchr(body.read.path, '\0', sizeof(body.read.path)) != NULL);
    }

    sio_operation_free(&body);

    return 0;
}
