/*
 * Operations on sockets.
 *
 * A session that is leaving for another worker was packed as it was: what is
 * done to its sockets from now on is passed on, behind it, on the same way.
 * Such an operation may arrive there a second time, by the directory, which
 * changes nothing.
 */


#include "hub/ngx_http_socketio_operation.h"
#include "hub/ngx_http_socketio_auth_request.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_stream.h"


#define NGX_HTTP_SOCKETIO_OPERATION_CLOSE    0x01
#define NGX_HTTP_SOCKETIO_OPERATION_GRANTED  0x02


typedef struct {
    ngx_http_socketio_hub_t  *hub;
    const sio_operation_t    *operation;
} ngx_http_socketio_operating_t;


static ngx_int_t ngx_http_socketio_operation_write(
    ngx_http_socketio_hub_t *hub, const sio_operation_t *operation,
    const sio_target_t *target);
static void ngx_http_socketio_operation_here(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation);
static ngx_uint_t ngx_http_socketio_operation_revokes(
    const sio_operation_t *operation);
static void ngx_http_socketio_operation_do(sio_socket_t *socket, void *ctx);
static void ngx_http_socketio_operation_rooms(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, sio_socket_t *socket);
static void ngx_http_socketio_operation_pass(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, sio_socket_t *socket);


ngx_int_t
ngx_http_socketio_operate(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, uint64_t *matched, uint64_t *slots)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i, others;
    sio_target_t               target;
    ngx_http_socketio_found_t  found;

    ngx_memzero(&target, sizeof(sio_target_t));

    target.rooms = operation->targets;
    target.nrooms = operation->ntargets;
    target.except = operation->except;
    target.nexcept = operation->nexcept;

    if (operation->type != SIO_OPERATION_JOIN) {

        /* what they were sent before comes first */

        ngx_http_socketio_stream_fall(hub);

        ngx_http_socketio_recovery_revoke(hub, operation->nsp,
                                          operation->targets,
                                          operation->ntargets);
    }

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));
    ngx_http_socketio_target_find(hub, operation->nsp, &target, &found);

    if (matched) {
        *matched = found.count;
    }

    if (ngx_http_socketio_operation_revokes(operation)) {
        ngx_http_socketio_slots_live(hub->zone, found.slots);
    }

    found.slots[hub->n / 64] &= ~((uint64_t) 1 << hub->n % 64);
    others = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        others |= (found.slots[i] != 0);

        if (slots) {
            slots[i] |= found.slots[i];
        }
    }

    rc = NGX_OK;

    if (others) {
        rc = ngx_http_socketio_operation_write(hub, operation, &target);

        if (rc == NGX_OK) {
            rc = ngx_http_socketio_channel_send(hub, found.slots, 0);
        }
    }

    ngx_http_socketio_operation_here(hub, operation);

    if (hub->cluster && !operation->local) {
        hub->cluster->operate(hub, operation);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_socketio_operation_write(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, const sio_target_t *target)
{
    uint8_t            flags;
    sio_wire_writer_t  w;

    flags = 0;
    flags |= operation->close ? NGX_HTTP_SOCKETIO_OPERATION_CLOSE : 0;
    flags |= operation->granted ? NGX_HTTP_SOCKETIO_OPERATION_GRANTED : 0;

    ngx_http_socketio_record_begin(hub, &w,
                                   NGX_HTTP_SOCKETIO_RECORD_OPERATION);
    sio_wire_put_u8(&w, (uint8_t) operation->type);
    sio_wire_put_u8(&w, flags);
    sio_wire_put_str(&w, operation->nsp);
    ngx_http_socketio_names_put(&w, target->rooms, target->nrooms);
    ngx_http_socketio_names_put(&w, target->except, target->nexcept);
    ngx_http_socketio_names_put(&w, operation->rooms, operation->nrooms);

    return sio_wire_end(&w) == SIO_OK ? NGX_OK : NGX_ERROR;
}


void
ngx_http_socketio_operation_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint8_t           flags;
    sio_operation_t   operation;

    static sio_str_t  targets[SIO_EMIT_ROOMS_MAX];
    static sio_str_t  except[SIO_EMIT_ROOMS_MAX];
    static sio_str_t  rooms[SIO_EMIT_ROOMS_MAX];

    ngx_memzero(&operation, sizeof(sio_operation_t));

    operation.type = sio_wire_get_u8(record);
    flags = sio_wire_get_u8(record);
    operation.nsp = sio_wire_get_str(record);

    if (ngx_http_socketio_names_get(record, targets, &operation.ntargets)
        != NGX_OK
        || ngx_http_socketio_names_get(record, except, &operation.nexcept)
           != NGX_OK
        || ngx_http_socketio_names_get(record, rooms, &operation.nrooms)
           != NGX_OK
        || sio_wire_done(record) != SIO_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged operation from slot %ui",
                      from->slot);
        return;
    }

    operation.targets = targets;
    operation.except = except;
    operation.rooms = rooms;
    operation.close = ((flags & NGX_HTTP_SOCKETIO_OPERATION_CLOSE) != 0);
    operation.granted = ((flags & NGX_HTTP_SOCKETIO_OPERATION_GRANTED) != 0);

    ngx_http_socketio_operation_here(hub, &operation);
}


static void
ngx_http_socketio_operation_here(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation)
{
    sio_target_t                    target;
    sio_namespace_t                *ns;
    ngx_http_socketio_operating_t   operating;

    if (ngx_http_socketio_operation_revokes(operation)) {
        ngx_http_socketio_auth_request_revoke(hub, operation->targets,
                                              operation->ntargets);
    }

    ns = sio_app_namespace(&hub->app, operation->nsp);
    if (ns == NULL) {
        return;
    }

    ngx_memzero(&target, sizeof(sio_target_t));

    target.rooms = operation->targets;
    target.nrooms = operation->ntargets;
    target.except = operation->except;
    target.nexcept = operation->nexcept;

    operating.hub = hub;
    operating.operation = operation;

    (void) sio_namespace_select(ns, &target, ngx_http_socketio_operation_do,
                                &operating);
}


/* Users are disconnected: every worker may have something of them. */

static ngx_uint_t
ngx_http_socketio_operation_revokes(const sio_operation_t *operation)
{
    unsigned  i;

    if (operation->type == SIO_OPERATION_DISCONNECT) {
        for (i = 0; i < operation->ntargets; i++) {

            if (sio_room_user(operation->targets[i]).len) {
                return 1;
            }
        }
    }

    return 0;
}


static void
ngx_http_socketio_operation_do(sio_socket_t *socket, void *ctx)
{
    ngx_http_socketio_operating_t *operating = ctx;

    const sio_operation_t        *operation;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_session_t  *s;

    hub = operating->hub;
    operation = operating->operation;

    s = (ngx_http_socketio_session_t *) socket->client->session;

    if (s->eio.frozen && s->move && s->move->packed) {
        ngx_http_socketio_operation_pass(hub, operation, socket);
        return;
    }

    if (operation->type != SIO_OPERATION_DISCONNECT) {
        ngx_http_socketio_operation_rooms(hub, operation, socket);

        if (operation->type == SIO_OPERATION_LEAVE) {
            ngx_http_socketio_recovery_operated(socket);
        }

    } else if (operation->close) {
        sio_client_disconnect(socket->client);

    } else {
        sio_socket_disconnect(socket);
    }
}


static void
ngx_http_socketio_operation_rooms(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, sio_socket_t *socket)
{
    int        rc;
    unsigned   i;
    sio_str_t  room;

    for (i = 0; i < operation->nrooms; i++) {
        room = operation->rooms[i];

        if (operation->type == SIO_OPERATION_LEAVE) {

            if (!operation->granted
                || !ngx_http_socketio_grant_has(hub, operation->nsp,
                                                sio_socket_user(socket), room))
            {
                (void) sio_room_leave(socket, room);
            }

            continue;
        }

        rc = sio_room_join(socket, room);

        if (rc != SIO_OK) {
            ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                          "socketio app \"%V\": socket %*s... cannot join: %s",
                          &hub->conf->name, (size_t) 8, socket->sid,
                          socket->nrooms >= hub->app.limits->max_rooms
                          ? "it has too many rooms"
                          : "no memory, or the zone is full");
            return;
        }
    }
}


/* To the worker where the session is by now, or is about to be. */

static void
ngx_http_socketio_operation_pass(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, sio_socket_t *socket)
{
    sio_str_t                     sid;
    sio_target_t                  target;
    ngx_http_socketio_session_t  *s;

    s = (ngx_http_socketio_session_t *) socket->client->session;
    sid = sio_socket_sid(socket);

    ngx_memzero(&target, sizeof(sio_target_t));

    target.rooms = &sid;
    target.nrooms = 1;

    if (ngx_http_socketio_operation_write(hub, operation, &target) == NGX_OK)
    {
        (void) ngx_http_socketio_channel_send_to(hub, s->move->slot);
    }
}
