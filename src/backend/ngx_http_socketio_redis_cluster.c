/*
 * Cluster messages.
 *
 * Hosts are counted by who subscribes: heartbeats and good-byes, which are
 * for those that count otherwise, are passed over.
 */


#include "backend/ngx_http_socketio_redis_ask.h"
#include "backend/ngx_http_socketio_redis_cluster.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "backend/ngx_http_socketio_redis_request.h"
#include "backend/ngx_http_socketio_redis_rooms.h"
#include "hub/ngx_http_socketio_dispatch.h"


static void ngx_http_socketio_cluster_listen(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t nsp, sio_str_t tail);


size_t
ngx_http_socketio_cluster_uid(u_char *uid, uint64_t hash)
{
    (void) ngx_hex_dump(uid, (u_char *) &hash, sizeof(uint64_t));

    return 2 * sizeof(uint64_t);
}


void
ngx_http_socketio_cluster_subscribe(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t  **nsp;

    app = a->hub->conf;
    nsp = app->namespaces.elts;

    ngx_http_socketio_rooms_subscribe(a);

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_cluster_listen(a, a->dialect->listen,
                                             nsp[i]->name, a->uid);
        }
    }

    for (i = 0; i < a->npeers; i++) {
        ngx_http_socketio_leader_subscribe(a, a->dialect->listen,
                                           a->peers[i]);
    }
}


void
ngx_http_socketio_cluster_room(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    sio_str_t room, ngx_uint_t present)
{
    const char                     *command;
    ngx_http_socketio_namespace_t  *conf;

    command = present ? a->dialect->listen : a->dialect->unlisten;

    if (room.len) {
        ngx_http_socketio_cluster_listen(a, command, nsp, room);
        return;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    if (conf && conf->regex) {
        ngx_http_socketio_cluster_listen(a, command, nsp, a->uid);
        ngx_http_socketio_cluster_listen(a, command, nsp, room);
    }
}


static void
ngx_http_socketio_cluster_listen(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t nsp, sio_str_t tail)
{
    sio_buf_reset(&a->channel);

    if (sio_adapter_channel(&a->channel, a->prefix, SIO_CHANNEL_BROADCAST,
                            nsp, tail)
        == SIO_OK)
    {
        ngx_http_socketio_leader_subscribe(a, command,
                                           sio_buf_str(&a->channel));
    }
}


void
ngx_http_socketio_cluster_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message)
{
    int            rc;
    sio_str_t      nsp, tail;
    sio_cluster_t  m;

    if (sio_adapter_channel_parse(channel, a->prefix, SIO_CHANNEL_BROADCAST,
                                  &nsp, &tail)
        != SIO_OK
        || sio_cluster_is_own(message, a->uid, nsp))
    {
        return;
    }

    rc = sio_cluster_decode(&a->codec, message, &m);

    if (rc == SIO_OK && !sio_str_eq(m.nsp, nsp)) {
        rc = SIO_ERROR;
    }

    ngx_http_socketio_cluster_heard(a, &m, rc);
}


void
ngx_http_socketio_cluster_heard(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, int rc)
{
    sio_response_t  r;

    if (rc == SIO_OK && sio_str_eq(m->uid, a->uid)) {
        return;
    }

    if (rc != SIO_OK
        || ngx_http_socketio_namespace(a->hub->conf, m->nsp) == NULL)
    {
        ngx_http_socketio_adapter_refuse(a, "a message", rc);
        return;
    }

    switch (m->type) {

    case SIO_CLUSTER_BROADCAST:
        if (m->request.id.len) {
            ngx_http_socketio_redis_request(a, m->nsp, &m->request);
            break;
        }

        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);
        ngx_http_socketio_adapter_deliver(a, &m->request.broadcast);
        break;

    case SIO_CLUSTER_JOIN:
    case SIO_CLUSTER_LEAVE:
    case SIO_CLUSTER_DISCONNECT:
    case SIO_CLUSTER_FETCH:
    case SIO_CLUSTER_SERVER_EMIT:
        ngx_http_socketio_redis_request(a, m->nsp, &m->request);
        break;

    case SIO_CLUSTER_FETCHED:
    case SIO_CLUSTER_SERVER_ANSWER:
    case SIO_CLUSTER_CLIENT_COUNT:
    case SIO_CLUSTER_ACK:
        r = m->response;
        r.attachments = m->attachments;

        ngx_http_socketio_redis_response(a, &r);
        break;

    default:
        break;
    }
}


void
ngx_http_socketio_cluster_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b, sio_cluster_t *m)
{
    ngx_memzero(m, sizeof(sio_cluster_t));

    m->type = SIO_CLUSTER_BROADCAST;
    m->uid = a->uid;
    m->nsp = b->nsp;
    m->request.broadcast = *b;
}


int
ngx_http_socketio_cluster_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r, sio_cluster_t *m)
{
    static const sio_cluster_e  types[SIO_REQUEST_N] = {
        [SIO_REQUEST_JOIN] = SIO_CLUSTER_JOIN,
        [SIO_REQUEST_LEAVE] = SIO_CLUSTER_LEAVE,
        [SIO_REQUEST_DISCONNECT] = SIO_CLUSTER_DISCONNECT,
        [SIO_REQUEST_FETCH] = SIO_CLUSTER_FETCH,
        [SIO_REQUEST_SERVER_EMIT] = SIO_CLUSTER_SERVER_EMIT,
        [SIO_REQUEST_BROADCAST] = SIO_CLUSTER_BROADCAST
    };

    ngx_memzero(m, sizeof(sio_cluster_t));

    m->type = types[r->type];
    m->uid = a->uid;
    m->nsp = nsp;
    m->request = *r;

    return m->type ? SIO_OK : SIO_DECLINED;
}


int
ngx_http_socketio_cluster_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_response_t *r, sio_cluster_t *m)
{
    static const sio_cluster_e  types[SIO_REQUEST_N] = {
        [SIO_REQUEST_FETCH] = SIO_CLUSTER_FETCHED,
        [SIO_REQUEST_SERVER_EMIT] = SIO_CLUSTER_SERVER_ANSWER,
        [SIO_RESPONSE_CLIENT_COUNT] = SIO_CLUSTER_CLIENT_COUNT,
        [SIO_RESPONSE_ACK] = SIO_CLUSTER_ACK
    };

    ngx_memzero(m, sizeof(sio_cluster_t));

    m->type = types[r->type];
    m->uid = a->uid;
    m->nsp = nsp;
    m->response = *r;

    return m->type ? SIO_OK : SIO_DECLINED;
}


int
ngx_http_socketio_cluster_publish(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t tail, int binary)
{
    int  rc;

    rc = sio_cluster_encode(&a->codec, &a->message, m, binary);

    if (rc == SIO_OK) {
        rc = sio_adapter_channel(&a->channel, a->prefix,
                                 SIO_CHANNEL_BROADCAST, m->nsp, tail);
    }

    if (rc == SIO_OK) {
        ngx_http_socketio_adapter_publish(a);
    }

    return rc;
}
