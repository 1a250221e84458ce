/*
 * Cluster messages.
 *
 * Hosts are counted by who subscribes: heartbeats and good-byes, which are
 * for those that count otherwise, are passed over.
 */


#include "backend/ngx_http_socketio_redis_cluster.h"
#include "backend/ngx_http_socketio_redis_request.h"
#include "hub/ngx_http_socketio_dispatch.h"


size_t
ngx_http_socketio_cluster_uid(u_char *uid, uint64_t hash)
{
    (void) ngx_hex_dump(uid, (u_char *) &hash, sizeof(uint64_t));

    return 2 * sizeof(uint64_t);
}


void
ngx_http_socketio_cluster_heard(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, int rc)
{
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
