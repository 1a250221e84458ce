/*
 * Dispatch.
 *
 * The app's table: who a client is, which rule takes an event, what the
 * directory must know.  The rules' table is in ngx_http_socketio_run.c.
 */


#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_admit.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_connect.h"
#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_once.h"
#include "hub/ngx_http_socketio_presence.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_regex.h"
#include "hub/ngx_http_socketio_run.h"
#include "hub/ngx_http_socketio_server.h"
#include "hub/ngx_http_socketio_wait.h"


static int ngx_http_socketio_on_lookup(sio_app_t *app, sio_str_t name,
    void **conf);
static void ngx_http_socketio_on_event(sio_socket_t *socket,
    const sio_packet_t *pkt, const sio_binary_t *attachments);
static void ngx_http_socketio_event_end(ngx_http_socketio_run_t *run, int rc);
static void ngx_http_socketio_on_ack(sio_socket_t *socket,
    const sio_packet_t *pkt, const sio_binary_t *attachments);
static void ngx_http_socketio_on_pong(sio_client_t *client);
static void ngx_http_socketio_on_disconnect(sio_socket_t *socket,
    sio_str_t reason);
static void ngx_http_socketio_disconnect_end(ngx_http_socketio_run_t *run,
    int rc);
static void ngx_http_socketio_on_gone(sio_socket_t *socket);
static int ngx_http_socketio_on_room(sio_namespace_t *ns, sio_room_t *room,
    uint32_t count);
static int ngx_http_socketio_on_socket(sio_socket_t *socket, int present);
static void ngx_http_socketio_on_random(sio_app_t *app, uint8_t *dst,
    size_t len);
static uint64_t ngx_http_socketio_on_now(sio_app_t *app);
static const sio_rule_t *ngx_http_socketio_emit_rule(
    ngx_http_socketio_namespace_t *nsp, const sio_emit_t *emit,
    int *captures);
static ngx_int_t ngx_http_socketio_emit_one(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, int64_t ack_id, uint64_t *expect,
    ngx_http_socketio_emitted_t *emitted);
static ngx_int_t ngx_http_socketio_emit_run(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, const sio_rule_t *rule, const int *captures,
    int64_t ack_id, uint64_t *expect, ngx_http_socketio_emitted_t *emitted);
static ngx_int_t ngx_http_socketio_emit_mail(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, eio_msg_t *msg,
    ngx_http_socketio_emitted_t *emitted);


const sio_app_ops_t  ngx_http_socketio_app_ops = {
    .lookup = ngx_http_socketio_on_lookup,
    .connect = ngx_http_socketio_connect,
    .event = ngx_http_socketio_on_event,
    .ack = ngx_http_socketio_on_ack,
    .limited = ngx_http_socketio_admit_limited,
    .pong = ngx_http_socketio_on_pong,
    .disconnect = ngx_http_socketio_on_disconnect,
    .accepted = ngx_http_socketio_recovery_accepted,
    .changed = ngx_http_socketio_recovery_changed,
    .gone = ngx_http_socketio_on_gone,
    .room_changed = ngx_http_socketio_on_room,
    .socket_changed = ngx_http_socketio_on_socket,
    .random = ngx_http_socketio_on_random,
    .now = ngx_http_socketio_on_now
};


ngx_http_socketio_namespace_t *
ngx_http_socketio_namespace(ngx_http_socketio_app_t *app, sio_str_t name)
{
    ngx_uint_t                       i;
    ngx_http_socketio_namespace_t  **nsp;

    nsp = app->namespaces.elts;

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL && sio_str_eq(nsp[i]->name, name)) {
            return nsp[i];
        }
    }

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex
            && ngx_http_socketio_regex_match(nsp[i]->regex, name, NULL, 0)
               == SIO_OK)
        {
            return nsp[i];
        }
    }

    return NULL;
}


static int
ngx_http_socketio_on_lookup(sio_app_t *app, sio_str_t name, void **conf)
{
    ngx_http_socketio_hub_t  *hub;

    hub = app->data;
    *conf = ngx_http_socketio_namespace(hub->conf, name);

    return *conf ? SIO_OK : SIO_DECLINED;
}


/* What comes while a rule of the socket waits is kept, in order. */

static void
ngx_http_socketio_on_event(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    int                       rc;
    eio_session_t            *s;
    ngx_http_socketio_hub_t  *hub;

    hub = socket->ns->app->data;

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_EVENTS_IN, 1);

    if (!socket->busy) {
        ngx_http_socketio_event_run(socket, pkt, attachments);
        return;
    }

    rc = ngx_http_socketio_lane_push(socket, pkt, attachments);

    if (rc == SIO_OK) {
        return;
    }

    s = socket->client->session;

    if (rc == SIO_DECLINED) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_BACKLOG, 1);
        ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                      "socketio app \"%V\": client is closed, it sends more "
                      "events than its rules, which wait for answers, can take",
                      &hub->conf->name);
    }

    eio_session_close(s, rc == SIO_NOMEM ? EIO_REASON_NO_MEMORY
                                         : EIO_REASON_FORCED_CLOSE,
                      ngx_http_socketio_now());
}


void
ngx_http_socketio_event_run(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    int                             rc;
    ngx_uint_t                      expired;
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_run_t         run;
    ngx_http_socketio_namespace_t  *nsp;

    hub = socket->ns->app->data;
    nsp = socket->ns->conf;

    ngx_http_socketio_run_init(&run, hub, sio_namespace_name(socket->ns),
                               socket);
    run.run.attachments = attachments;
    run.run.ack_id = pkt->id;

    rc = sio_run_payload(&run.run, pkt->data);
    expired = ngx_http_socketio_identity_expired(socket);

    if (expired) {
        rc = sio_run_fail(&run.run, SIO_CODE_FORBIDDEN, "token expired");

    } else if (rc == SIO_OK && ngx_http_socketio_identity_refreshes(&run)) {
        rc = ngx_http_socketio_identity_refresh(&run);

    } else if (rc == SIO_OK) {
        run.run.rule = sio_rules_find(&nsp->events, run.run.ops,
                                      run.run.event, sio_str(NULL, 0),
                                      run.run.captures);

        if (run.run.rule) {
            ngx_http_socketio_wait_run(&run, pkt, attachments, 0,
                                       ngx_http_socketio_event_end);
            return;
        }

        rc = sio_run_fail(&run.run, SIO_CODE_UNKNOWN_EVENT, "no such event");

    } else {
        rc = sio_run_fail_result(&run.run, rc);
    }

    ngx_http_socketio_event_end(&run, rc);

    if (expired) {
        ngx_http_socketio_identity_end(socket);
    }

    ngx_http_socketio_run_done(&run);
}


static void
ngx_http_socketio_event_end(ngx_http_socketio_run_t *run, int rc)
{
    if (rc != SIO_OK) {
        ngx_http_socketio_run_refused(run, "event");
    }

    ngx_http_socketio_run_ack(run, rc);

    if (run->disconnect) {
        sio_socket_disconnect(run->run.socket);
    }
}


static void
ngx_http_socketio_on_ack(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    ngx_http_socketio_collect_ack(socket->ns->app->data, pkt->id,
                                  sio_socket_sid(socket), pkt->data,
                                  attachments);
}


static void
ngx_http_socketio_on_pong(sio_client_t *client)
{
    ngx_http_socketio_recovery_pong(client);
    ngx_http_socketio_mailbox_pong(client);
}


static void
ngx_http_socketio_on_disconnect(sio_socket_t *socket, sio_str_t reason)
{
    ngx_http_socketio_run_t         run;
    ngx_http_socketio_namespace_t  *nsp;

    nsp = socket->ns->conf;

    ngx_http_socketio_recovery_ended(socket);

    if (nsp->disconnect == NULL) {
        return;
    }

    ngx_http_socketio_run_init(&run, socket->ns->app->data,
                               sio_namespace_name(socket->ns), socket);
    run.run.rule = nsp->disconnect;
    run.run.reason = reason;

    ngx_http_socketio_wait_run(&run, NULL, NULL, 1,
                               ngx_http_socketio_disconnect_end);
}


static void
ngx_http_socketio_disconnect_end(ngx_http_socketio_run_t *run, int rc)
{
    if (rc != SIO_OK) {
        ngx_http_socketio_run_refused(run, "disconnect");
    }
}


static void
ngx_http_socketio_on_gone(sio_socket_t *socket)
{
    ngx_http_socketio_identity_forget(socket);
    ngx_http_socketio_lane_gone(socket);
    ngx_http_socketio_recovery_gone(socket);
    ngx_http_socketio_mailbox_gone(socket);
}


/* The directory follows the rooms of this worker. */

static int
ngx_http_socketio_on_room(sio_namespace_t *ns, sio_room_t *room,
    uint32_t count)
{
    uint32_t                 *cell;
    sio_str_t                 name;
    ngx_http_socketio_hub_t  *hub;
    ngx_http_socketio_key_t   key;

    hub = ns->app->data;
    cell = room ? &room->cell : &ns->cell;

    if (*cell && count) {
        ngx_http_socketio_directory_count(hub->zone, *cell, count);
        return SIO_OK;
    }

    name = room ? sio_room_name(room) : sio_str(NULL, 0);

    if (count == 0) {
        ngx_http_socketio_directory_remove(hub->zone, *cell);
        *cell = 0;

        if (room) {
            ngx_http_socketio_hosts_left(room);
            ngx_http_socketio_presence_left(ns, sio_room_name(room));
        }

    } else {
        ngx_http_socketio_key_room(hub->zone, sio_namespace_name(ns), name,
                                   &key);
        *cell = ngx_http_socketio_directory_add(hub->zone, &key, hub->n,
                                                count);
        if (*cell == 0) {
            return SIO_DECLINED;
        }
    }

    if (room) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_ROOMS,
                               count ? 1 : -1);
    }

    if (hub->cluster) {
        hub->cluster->room(hub, sio_namespace_name(ns), name, count != 0, 0);
    }

    return SIO_OK;
}


static int
ngx_http_socketio_on_socket(sio_socket_t *socket, int present)
{
    ngx_http_socketio_hub_t  *hub;
    ngx_http_socketio_key_t   key;

    hub = socket->ns->app->data;

    if (present) {
        ngx_http_socketio_key_socket(hub->zone,
                                     sio_namespace_name(socket->ns),
                                     sio_socket_sid(socket), &key);
        socket->cell = ngx_http_socketio_directory_add(hub->zone, &key, hub->n,
                                                       1);
        if (socket->cell == 0) {
            return SIO_DECLINED;
        }

        ngx_http_socketio_identity_watch(socket);
        ngx_http_socketio_hosts_came(socket);
        ngx_http_socketio_presence_accepted(socket);

    } else {
        ngx_http_socketio_directory_remove(hub->zone, socket->cell);
        socket->cell = 0;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_SOCKETS,
                           present ? 1 : -1);

    if (hub->cluster) {
        hub->cluster->room(hub, sio_namespace_name(socket->ns),
                           sio_socket_sid(socket), present, 1);
    }

    return SIO_OK;
}


static void
ngx_http_socketio_on_random(sio_app_t *app, uint8_t *dst, size_t len)
{
    ngx_http_socketio_random(app->data, dst, len);
}


static uint64_t
ngx_http_socketio_on_now(sio_app_t *app)
{
    return ngx_http_socketio_now();
}


/*
 * The api rule that takes an emit: its target's, or, when nobody at all is
 * addressed, the event's own.
 */
static const sio_rule_t *
ngx_http_socketio_emit_rule(ngx_http_socketio_namespace_t *nsp,
    const sio_emit_t *emit, int *captures)
{
    if (emit->target.len == 0 && emit->nrooms) {
        return NULL;
    }

    return sio_rules_find(&nsp->api, &ngx_http_socketio_rule_ops, emit->event,
                          emit->target, captures);
}


ngx_int_t
ngx_http_socketio_emit_check(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, const char **path, const char **error)
{
    int                             captures[2 * SIO_CAPTURES_MAX];
    ngx_http_socketio_namespace_t  *nsp;

    nsp = ngx_http_socketio_namespace(hub->conf, emit->nsp);

    if (nsp == NULL) {
        *path = "namespace";
        *error = "unknown namespace";
        return NGX_DECLINED;
    }

    if (emit->target.len
        && ngx_http_socketio_emit_rule(nsp, emit, captures) == NULL)
    {
        *path = "target";
        *error = "no rule for this target and event";
        return NGX_DECLINED;
    }

    if (emit->servers && hub->cluster == NULL) {
        *path = "servers";
        *error = "the app has no other servers: \"redis\" is missing";
        return NGX_ERROR;
    }

    if (emit->mailbox && hub->mailbox == NULL) {
        *path = "mailbox";
        *error = "the app has no mailboxes";
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* An emit that has an id is done once. */

ngx_int_t
ngx_http_socketio_emit(ngx_http_socketio_hub_t *hub, const sio_emit_t *emit,
    int64_t ack_id, uint64_t *expect, ngx_http_socketio_emitted_t *emitted)
{
    ngx_int_t                       rc;
    sio_str_t                       names[2];
    ngx_http_socketio_once_t        once;
    ngx_http_socketio_once_emit_t   kept;

    emitted->error = "try again";
    emitted->code = SIO_CODE_UNAVAILABLE;
    emitted->matched = 0;
    emitted->queued = 0;
    emitted->duplicate = 0;

    if (expect) {
        ngx_memzero(expect, NGX_HTTP_SOCKETIO_SLOTS / 8);
    }

    if (emit->id.len == 0) {
        return ngx_http_socketio_emit_one(hub, emit, ack_id, expect, emitted);
    }

    names[0] = emit->nsp;
    names[1] = emit->id;

    sio_buf_reset(&hub->payload);

    rc = ngx_http_socketio_once_claim(hub, &once,
                                      NGX_HTTP_SOCKETIO_STORE_EMIT, names, 2,
                                      NGX_HTTP_SOCKETIO_ONCE_EMIT,
                                      &hub->payload);

    switch (rc) {

    case NGX_OK:
        break;

    case NGX_DONE:
        if (hub->payload.len == sizeof(kept)) {
            ngx_memcpy(&kept, hub->payload.data, sizeof(kept));
            emitted->matched = kept.matched;
            emitted->queued = kept.queued;
        }

        emitted->duplicate = 1;
        return NGX_OK;

    case NGX_BUSY:
        emitted->error = "an emit with this id is being sent";
        /* fall through */

    default:
        return NGX_ERROR;
    }

    rc = ngx_http_socketio_emit_one(hub, emit, ack_id, expect, emitted);

    if (rc == NGX_OK) {
        kept.matched = emitted->matched;
        kept.queued = emitted->queued;
        ngx_http_socketio_once_done(hub, &once,
                                sio_str((u_char *) &kept, sizeof(kept)));

    } else {
        ngx_http_socketio_once_abandon(hub, &once);
    }

    return rc;
}


static ngx_int_t
ngx_http_socketio_emit_one(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, int64_t ack_id, uint64_t *expect,
    ngx_http_socketio_emitted_t *emitted)
{
    ngx_int_t                       rc;
    const sio_rule_t               *rule;
    ngx_http_socketio_broadcast_t   b;
    ngx_http_socketio_namespace_t  *nsp;
    int                             captures[2 * SIO_CAPTURES_MAX];

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_EMITS, 1);

    nsp = ngx_http_socketio_namespace(hub->conf, emit->nsp);
    if (nsp == NULL) {
        emitted->error = "unknown namespace";
        emitted->code = SIO_CODE_INVALID;
        return NGX_DECLINED;
    }

    if (emit->servers) {
        return ngx_http_socketio_server_emit(hub, emit, ack_id);
    }

    rule = ngx_http_socketio_emit_rule(nsp, emit, captures);

    if (rule) {
        return ngx_http_socketio_emit_run(hub, emit, rule, captures, ack_id,
                                          expect, emitted);
    }

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = emit->nsp;
    b.target.rooms = emit->rooms;
    b.target.nrooms = emit->nrooms;
    b.target.except = emit->except;
    b.target.nexcept = emit->nexcept;
    b.ack_id = ack_id;
    b.event = emit->event;
    b.args = emit->args;
    b.local = emit->local;

    if (!emit->mailbox && ngx_http_socketio_broadcast_idle(hub, &b)) {
        return NGX_OK;
    }

    b.msg = ngx_http_socketio_event_msg(hub, emit->nsp, emit->event,
                                        emit->args, NULL, ack_id);
    if (b.msg == NULL) {
        return NGX_ERROR;
    }

    b.msg->volatile_ = emit->volatile_;

    if (emit->mailbox) {
        rc = ngx_http_socketio_emit_mail(hub, emit, b.msg, emitted);

    } else {
        rc = ngx_http_socketio_broadcast(hub, &b, &emitted->matched, expect);
    }

    eio_msg_unref(&ngx_http_socketio_mem, b.msg);

    return rc;
}


static ngx_int_t
ngx_http_socketio_emit_run(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, const sio_rule_t *rule, const int *captures,
    int64_t ack_id, uint64_t *expect, ngx_http_socketio_emitted_t *emitted)
{
    ngx_int_t                rc;
    ngx_http_socketio_run_t  run;

    static char              message[256];

    ngx_http_socketio_run_init(&run, hub, emit->nsp, NULL);

    ngx_memcpy(run.run.captures, captures, sizeof(run.run.captures));

    run.run.rule = rule;
    run.run.event = emit->event;
    run.run.payload.args = emit->args;
    run.emit_ack_id = ack_id;
    run.expect = expect;
    run.rejected = emitted->rejected;
    run.local = emit->local;

    rc = NGX_OK;

    if (ngx_http_socketio_run_rule(&run) != SIO_OK) {
        ngx_http_socketio_run_refused(&run, "api event");

        (void) snprintf(message, sizeof(message), "%.*s",
                        (int) run.run.message.len,
                        (const char *) run.run.message.data);
        emitted->error = message;
        emitted->code = run.run.code;
        rc = (run.run.code == SIO_CODE_UNAVAILABLE) ? NGX_ERROR
                                                    : NGX_DECLINED;
    }

    emitted->matched = run.matched;
    emitted->queued = run.queued;
    ngx_http_socketio_run_done(&run);

    return rc;
}


/* NGX_ERROR: it could be kept for nobody. */

static ngx_int_t
ngx_http_socketio_emit_mail(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, eio_msg_t *msg,
    ngx_http_socketio_emitted_t *emitted)
{
    ngx_uint_t                         *n;

    static ngx_http_socketio_mailing_t  mailing;

    if (hub->mailbox == NULL) {
        return NGX_ERROR;
    }

    mailing.nsp = emit->nsp;
    mailing.rooms = emit->rooms;
    mailing.nrooms = emit->nrooms;
    mailing.key = emit->mailbox_key;
    mailing.msg = msg;

    ngx_http_socketio_mailbox_send(hub, &mailing);

    n = mailing.n;

    emitted->matched = mailing.matched;
    emitted->queued = n[NGX_HTTP_SOCKETIO_MAIL_QUEUED];

    if (n[NGX_HTTP_SOCKETIO_MAIL_REJECTED] == 0) {
        return NGX_OK;
    }

    if (n[NGX_HTTP_SOCKETIO_MAIL_DELIVERED] == 0
        && n[NGX_HTTP_SOCKETIO_MAIL_QUEUED] == 0)
    {
        emitted->error = "mailbox full";
        return NGX_ERROR;
    }

    return ngx_http_socketio_mailbox_users(&mailing,
                                           NGX_HTTP_SOCKETIO_MAIL_REJECTED,
                                           emitted->rejected)
           == SIO_OK ? NGX_OK : NGX_ERROR;
}
