/*
 * Runs that wait, and the lanes of their sockets.
 */


#include "hub/ngx_http_socketio_wait.h"
#include "hub/ngx_http_socketio_auth_request.h"
#include "hub/ngx_http_socketio_dedup.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_move.h"


/* To a CONNECT that was not answered in time. */

#define NGX_HTTP_SOCKETIO_WAIT_ERROR  "{\"message\":\"try again later\"}"


/* A socket of which a rule waits, or is being run out of its backlog. */

struct ngx_http_socketio_lane_s {
    sio_map_node_t             node;     /* by socket id, in hub->lanes */
    sio_socket_t              *socket;
    ngx_http_socketio_wait_t  *wait;     /* the run, or NULL */
    sio_backlog_t              backlog;
    unsigned                   draining:1;
};


static ngx_http_socketio_lane_t *ngx_http_socketio_lane_open(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
static void ngx_http_socketio_lane_close(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_lane_t *lane);
static void ngx_http_socketio_lane_drain(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_lane_t *lane);
static ngx_http_socketio_lane_t *ngx_http_socketio_lane_find(
    ngx_http_socketio_hub_t *hub, const sio_socket_t *socket);
static void ngx_http_socketio_lane_flow(ngx_http_socketio_hub_t *hub,
    sio_client_t *client);
static u_char *ngx_http_socketio_wait_copy(u_char *p, sio_str_t *s);
static ngx_int_t ngx_http_socketio_wait_detach(
    ngx_http_socketio_wait_t *wait);
static int ngx_http_socketio_wait_go(ngx_http_socketio_wait_t *wait);
static void ngx_http_socketio_wait_end(ngx_http_socketio_wait_t *wait, int rc);
static void ngx_http_socketio_wait_free(ngx_http_socketio_wait_t *wait);


void
ngx_http_socketio_wait_init(ngx_http_socketio_hub_t *hub)
{
    sio_map_init(&hub->waits, &ngx_http_socketio_mem, &hub->conf->hash);
    sio_map_init(&hub->lanes, &ngx_http_socketio_mem, &hub->conf->hash);
}


/* The sockets are gone, and with them their runs: api's and others are left. */

void
ngx_http_socketio_wait_cleanup(ngx_http_socketio_hub_t *hub)
{
    uint32_t         cursor;
    sio_map_node_t  *node, *saved;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->waits, &cursor, &saved)) != NULL) {
        ngx_http_socketio_wait_free(sio_map_data(node,
                                           ngx_http_socketio_wait_t, node));
    }

    sio_map_free(&hub->waits);
    sio_map_free(&hub->lanes);

    ngx_http_socketio_auth_request_cleanup(hub);
}


ngx_http_socketio_wait_t *
ngx_http_socketio_wait_create(ngx_http_socketio_run_t *run,
    const sio_packet_t *pkt, const sio_binary_t *attachments,
    ngx_http_socketio_wait_pt end)
{
    int                        rc;
    size_t                     size;
    u_char                    *p;
    sio_run_t                 *r;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_wait_t  *wait;

    hub = run->hub;
    r = &run->run;

    if (hub->waits.count >= NGX_HTTP_SOCKETIO_WAIT_MAX) {
        return NULL;
    }

    size = sizeof(ngx_http_socketio_wait_t) + r->nsp.len + r->user.len
           + r->reason.len;

    wait = sio_alloc(&ngx_http_socketio_mem, size);
    if (wait == NULL) {
        return NULL;
    }

    ngx_memzero(wait, sizeof(ngx_http_socketio_wait_t));

    wait->run = *run;
    wait->end = end;
    wait->id = ++hub->ids;

    sio_scratch_init(&wait->scratch, &ngx_http_socketio_mem,
                     NGX_HTTP_SOCKETIO_WAIT_SCRATCH);

    r = &wait->run.run;
    r->ctx = &wait->run;
    r->scratch = &wait->scratch;

    p = ngx_http_socketio_wait_copy((u_char *) (wait + 1), &r->nsp);
    p = ngx_http_socketio_wait_copy(p, &r->user);
    (void) ngx_http_socketio_wait_copy(p, &r->reason);

    if (sio_map_insert(&hub->waits, &wait->node,
                       sio_str((u_char *) &wait->id, sizeof(wait->id)))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, wait);
        return NULL;
    }

    if (pkt == NULL) {
        return wait;
    }

    wait->event = sio_kept_create(&ngx_http_socketio_mem, pkt, attachments);

    rc = SIO_NOMEM;

    if (wait->event) {
        r->attachments = wait->event->attachments;
        rc = sio_run_payload(r, wait->event->data);
    }

    if (rc != SIO_OK) {
        ngx_http_socketio_wait_free(wait);
        return NULL;
    }

    return wait;
}


static u_char *
ngx_http_socketio_wait_copy(u_char *p, sio_str_t *s)
{
    if (s->len == 0) {
        return p;
    }

    ngx_memcpy(p, s->data, s->len);
    s->data = p;

    return p + s->len;
}


/*
 * The socket is about to go, and the run is to outlive it: it goes on with
 * what the socket was.  NGX_ERROR: no memory, and it is freed.
 */
static ngx_int_t
ngx_http_socketio_wait_detach(ngx_http_socketio_wait_t *wait)
{
    wait->snapshot = sio_snapshot_create(&ngx_http_socketio_mem,
                                         wait->run.run.socket);

    if (wait->snapshot == NULL) {
        ngx_http_socketio_wait_free(wait);
        return NGX_ERROR;
    }

    wait->run.run.socket = &wait->snapshot->socket;

    return NGX_OK;
}


int
ngx_http_socketio_wait_start(ngx_http_socketio_wait_t *wait)
{
    sio_socket_t                 *socket;
    ngx_http_socketio_session_t  *s;

    socket = wait->run.run.socket;

    if (socket && wait->snapshot == NULL) {
        s = (ngx_http_socketio_session_t *) socket->client->session;

        /* one that is late for its move waits for nothing any more */

        if (s->move == NULL || !s->move->late) {
            wait->lane = ngx_http_socketio_lane_open(wait->run.hub, socket);
        }

        if (wait->lane == NULL) {
            (void) sio_run_fail(&wait->run.run, SIO_CODE_UNAVAILABLE, "");
            ngx_http_socketio_wait_end(wait, SIO_ERROR);
            return SIO_OK;
        }

        wait->lane->wait = wait;
    }

    return ngx_http_socketio_wait_go(wait);
}


void
ngx_http_socketio_wait_run(ngx_http_socketio_run_t *run,
    const sio_packet_t *pkt, const sio_binary_t *attachments, ngx_uint_t gone,
    ngx_http_socketio_wait_pt end)
{
    ngx_http_socketio_wait_t  *wait;

    if (!run->run.rule->waits) {
        end(run, ngx_http_socketio_run_rule(run));
        ngx_http_socketio_run_done(run);
        return;
    }

    wait = ngx_http_socketio_wait_create(run, pkt, attachments, end);

    if (wait && gone && ngx_http_socketio_wait_detach(wait) != NGX_OK) {
        wait = NULL;
    }

    if (wait == NULL) {
        end(run, sio_run_fail(&run->run, SIO_CODE_UNAVAILABLE, ""));
    }

    ngx_http_socketio_run_done(run);

    if (wait) {
        (void) ngx_http_socketio_wait_start(wait);
    }
}


/* To the end, or to where it waits. */

static int
ngx_http_socketio_wait_go(ngx_http_socketio_wait_t *wait)
{
    int                       rc;
    ngx_http_socketio_hub_t  *hub;

    hub = wait->run.hub;

    sio_app_enter(&hub->app);

    rc = ngx_http_socketio_run_rule(&wait->run);

    if (rc != SIO_AGAIN) {
        ngx_http_socketio_wait_end(wait, rc);
        rc = SIO_OK;
    }

    sio_app_leave(&hub->app);

    return rc;
}


static void
ngx_http_socketio_wait_end(ngx_http_socketio_wait_t *wait, int rc)
{
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_lane_t  *lane;

    hub = wait->run.hub;
    lane = wait->lane;

    /* what is sent now may end the socket; it is freed later */

    sio_app_enter(&hub->app);

    wait->end(&wait->run, rc);

    if (lane) {
        lane->wait = NULL;
    }

    ngx_http_socketio_wait_free(wait);

    if (lane && !lane->draining) {
        ngx_http_socketio_lane_drain(hub, lane);
    }

    sio_app_leave(&hub->app);
}


static void
ngx_http_socketio_wait_free(ngx_http_socketio_wait_t *wait)
{
    ngx_http_socketio_hub_t  *hub;

    hub = wait->run.hub;

    ngx_http_socketio_dedup_end(&wait->run, wait->run.ok);

    sio_map_remove(&hub->waits, &wait->node);
    sio_scratch_free(&wait->scratch);
    sio_snapshot_free(&ngx_http_socketio_mem, wait->snapshot);
    sio_free(&ngx_http_socketio_mem, wait->event);
    sio_free(&ngx_http_socketio_mem, wait);
}


uint64_t
ngx_http_socketio_wait_id(sio_run_t *run)
{
    return run->rule->waits
           ? ((ngx_http_socketio_wait_t *) run)->id : 0;
}


sio_run_t *
ngx_http_socketio_wait_find(ngx_http_socketio_hub_t *hub, uint64_t id)
{
    sio_map_node_t  *node;

    node = sio_map_find(&hub->waits, sio_str((u_char *) &id, sizeof(id)));

    return node ? &sio_map_data(node, ngx_http_socketio_wait_t, node)->run.run
                : NULL;
}


void
ngx_http_socketio_wait_resume(sio_run_t *run)
{
    (void) ngx_http_socketio_wait_go((ngx_http_socketio_wait_t *) run);
}


static ngx_http_socketio_lane_t *
ngx_http_socketio_lane_open(ngx_http_socketio_hub_t *hub, sio_socket_t *socket)
{
    ngx_http_socketio_lane_t  *lane;

    if (socket->busy) {
        return ngx_http_socketio_lane_find(hub, socket);
    }

    lane = sio_calloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_lane_t));
    if (lane == NULL) {
        return NULL;
    }

    lane->socket = socket;
    sio_backlog_init(&lane->backlog);

    if (sio_map_insert(&hub->lanes, &lane->node, sio_socket_sid(socket))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, lane);
        return NULL;
    }

    socket->busy = 1;

    return lane;
}


static void
ngx_http_socketio_lane_close(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_lane_t *lane)
{
    lane->socket->busy = 0;

    sio_map_remove(&hub->lanes, &lane->node);
    sio_backlog_free(&lane->backlog, &ngx_http_socketio_mem);
    sio_free(&ngx_http_socketio_mem, lane);
}


static ngx_http_socketio_lane_t *
ngx_http_socketio_lane_find(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket)
{
    sio_map_node_t  *node;

    if (!socket->busy) {
        return NULL;
    }

    node = sio_map_find(&hub->lanes, sio_socket_sid(socket));

    return sio_map_data(node, ngx_http_socketio_lane_t, node);
}


/* Run what came meanwhile, until one of it waits. */

static void
ngx_http_socketio_lane_drain(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_lane_t *lane)
{
    sio_kept_t                   *kept;
    sio_packet_t                  pkt;
    sio_client_t                 *client;
    sio_socket_t                 *socket;
    ngx_http_socketio_session_t  *s;

    socket = lane->socket;
    client = socket->client;

    /* a socket that leaves is freed soon, and its lane with it */

    lane->draining = 1;

    while (lane->wait == NULL && !socket->leaving) {

        kept = sio_backlog_pop(&lane->backlog);
        if (kept == NULL) {
            break;
        }

        ngx_memzero(&pkt, sizeof(sio_packet_t));

        pkt.data = kept->data;
        pkt.id = kept->id;

        ngx_http_socketio_event_run(socket, &pkt, kept->attachments);

        sio_free(&ngx_http_socketio_mem, kept);
    }

    lane->draining = 0;

    if (socket->leaving) {
        return;
    }

    if (lane->wait == NULL) {
        ngx_http_socketio_lane_close(hub, lane);
    }

    ngx_http_socketio_lane_flow(hub, client);

    s = (ngx_http_socketio_session_t *) client->session;
    ngx_http_socketio_lane_idle(s);
}


/* Whether the client's carrier may read. */

static void
ngx_http_socketio_lane_flow(ngx_http_socketio_hub_t *hub, sio_client_t *client)
{
    sio_socket_t              *socket;
    ngx_http_socketio_lane_t  *lane;

    if (!client->stalled) {
        return;
    }

    for (socket = client->sockets; socket; socket = socket->next) {
        lane = ngx_http_socketio_lane_find(hub, socket);

        if (lane && lane->backlog.bytes >= NGX_HTTP_SOCKETIO_WAIT_STALL / 2) {
            return;
        }
    }

    client->stalled = 0;

    ngx_http_socketio_carrier->resume(
                         (ngx_http_socketio_session_t *) client->session);
}


int
ngx_http_socketio_lane_push(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    size_t                     max;
    sio_kept_t                *kept;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_lane_t  *lane;

    hub = socket->ns->app->data;
    lane = ngx_http_socketio_lane_find(hub, socket);

    kept = sio_kept_create(&ngx_http_socketio_mem, pkt, attachments);
    if (kept == NULL) {
        return SIO_NOMEM;
    }

    max = ngx_max(NGX_HTTP_SOCKETIO_WAIT_BYTES,
                  2 * (size_t) socket->client->session->options->max_payload);

    if (lane->backlog.bytes + kept->bytes > max) {
        sio_free(&ngx_http_socketio_mem, kept);
        return SIO_DECLINED;
    }

    sio_backlog_push(&lane->backlog, kept);

    if (lane->backlog.bytes > NGX_HTTP_SOCKETIO_WAIT_STALL) {
        socket->client->stalled = 1;
    }

    return SIO_OK;
}


void
ngx_http_socketio_lane_gone(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_lane_t     *lane;
    ngx_http_socketio_session_t  *s;

    hub = socket->ns->app->data;
    lane = ngx_http_socketio_lane_find(hub, socket);

    if (lane == NULL) {
        return;
    }

    if (lane->wait) {
        ngx_http_socketio_wait_free(lane->wait);
    }

    ngx_http_socketio_lane_close(hub, lane);

    s = (ngx_http_socketio_session_t *) socket->client->session;
    ngx_http_socketio_lane_idle(s);
}


ngx_uint_t
ngx_http_socketio_lanes_busy(ngx_http_socketio_session_t *s)
{
    sio_socket_t  *socket;

    for (socket = s->client.sockets; socket; socket = socket->next) {
        if (socket->busy || !socket->accepted) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_socketio_lane_idle(ngx_http_socketio_session_t *s)
{
    if (s->move) {
        ngx_http_socketio_move_idle(s);
    }
}


void
ngx_http_socketio_lanes_end(ngx_http_socketio_session_t *s)
{
    sio_socket_t              *socket;
    ngx_http_socketio_hub_t   *hub;
    ngx_http_socketio_lane_t  *lane;

    hub = ngx_http_socketio_session_hub(s);

    sio_app_enter(&hub->app);

    /* each may end sockets: the list begins anew */

    socket = s->client.sockets;

    while (socket) {
        lane = ngx_http_socketio_lane_find(hub, socket);

        if (lane && lane->wait) {
            (void) sio_run_fail(&lane->wait->run.run, SIO_CODE_UNAVAILABLE,
                                "");
            ngx_http_socketio_wait_end(lane->wait, SIO_ERROR);
            socket = s->client.sockets;
            continue;
        }

        if (!socket->accepted) {
            sio_socket_refuse(socket, sio_cstr(NGX_HTTP_SOCKETIO_WAIT_ERROR));
            socket = s->client.sockets;
            continue;
        }

        socket = socket->next;
    }

    sio_app_leave(&hub->app);
}
