/*
 * What a socket was.
 */


#include "logic/sio_snapshot.h"


static int sio_snapshot_vars(const sio_mem_t *mem, sio_snapshot_t *snapshot,
    const sio_socket_t *socket);
static int sio_snapshot_captured(const sio_mem_t *mem,
    sio_snapshot_t *snapshot, const sio_captured_t *from);


sio_snapshot_t *
sio_snapshot_create(const sio_mem_t *mem, const sio_socket_t *socket)
{
    sio_claimed_t    claimed;
    sio_snapshot_t  *snapshot;

    snapshot = sio_calloc(mem, sizeof(sio_snapshot_t));
    if (snapshot == NULL) {
        return NULL;
    }

    snapshot->socket.client = &snapshot->client;
    snapshot->socket.accepted = 1;
    snapshot->socket.leaving = 1;
    snapshot->client.session = &snapshot->session;
    snapshot->client.dry_run = socket->client->dry_run;
    snapshot->session.transport = socket->client->session->transport;

    memcpy(snapshot->socket.sid, socket->sid, EIO_SID_LEN);

    if (socket->identity) {

        /* nobody looks at a deadline any more */

        sio_identity_claimed(socket->identity, &claimed);
        claimed.expires = 0;

        snapshot->socket.identity = sio_identity_create(mem, &claimed);
        if (snapshot->socket.identity == NULL) {
            goto failed;
        }
    }

    if (socket->auth) {
        snapshot->socket.auth = sio_auth_create(mem, sio_socket_auth(socket));
        if (snapshot->socket.auth == NULL) {
            goto failed;
        }
    }

    if (sio_snapshot_vars(mem, snapshot, socket) == SIO_OK
        && sio_snapshot_captured(mem, snapshot, socket->client->captured)
           == SIO_OK)
    {
        return snapshot;
    }

failed:

    sio_snapshot_free(mem, snapshot);

    return NULL;
}


void
sio_snapshot_free(const sio_mem_t *mem, sio_snapshot_t *snapshot)
{
    sio_socket_var_t  *var;

    if (snapshot == NULL) {
        return;
    }

    while (snapshot->socket.vars) {
        var = snapshot->socket.vars;
        snapshot->socket.vars = var->next;
        sio_free(mem, var);
    }

    sio_free(mem, snapshot->socket.identity);
    sio_free(mem, snapshot->socket.auth);
    sio_free(mem, snapshot->client.captured);
    sio_free(mem, snapshot);
}


static int
sio_snapshot_vars(const sio_mem_t *mem, sio_snapshot_t *snapshot,
    const sio_socket_t *socket)
{
    size_t                   size;
    sio_socket_var_t        *copy, **to;
    const sio_socket_var_t  *var;

    to = &snapshot->socket.vars;

    for (var = socket->vars; var; var = var->next) {
        size = sizeof(sio_socket_var_t) + var->name_len + var->value_len;

        copy = sio_alloc(mem, size);
        if (copy == NULL) {
            return SIO_NOMEM;
        }

        memcpy(copy, var, size);
        copy->next = NULL;

        *to = copy;
        to = &copy->next;
    }

    return SIO_OK;
}


static int
sio_snapshot_captured(const sio_mem_t *mem, sio_snapshot_t *snapshot,
    const sio_captured_t *from)
{
    size_t           size;
    uint8_t         *p;
    uint32_t         i;
    sio_captured_t  *to;

    if (from == NULL) {
        return SIO_OK;
    }

    size = sizeof(sio_captured_t) + from->n * sizeof(sio_str_t);

    for (i = 0; i < from->n; i++) {
        size += from->value[i].len;
    }

    to = sio_alloc(mem, size);
    if (to == NULL) {
        return SIO_NOMEM;
    }

    to->n = from->n;
    p = (uint8_t *) &to->value[to->n];

    for (i = 0; i < to->n; i++) {
        to->value[i] = from->value[i];

        if (from->value[i].len) {
            memcpy(p, from->value[i].data, from->value[i].len);
            to->value[i].data = p;
            p += from->value[i].len;
        }
    }

    snapshot->client.captured = to;

    return SIO_OK;
}
