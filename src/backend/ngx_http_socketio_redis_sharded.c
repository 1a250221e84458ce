/*
 * The sharded dialect: @socket.io/redis-adapter's createShardedAdapter(), on
 * Redis 7's SSUBSCRIBE and SPUBLISH.
 *
 *     PREFIX#NSP#             broadcasts and requests; its subscribers are the
 *                             hosts
 *     PREFIX#NSP#UID#         answers to a host
 *     PREFIX#NSP#ROOM#        broadcasts to one room, heard by the hosts that
 *                             have members (subscription_mode dynamic)
 *
 * There are no patterns: a dynamic namespace is listened to while it has
 * sockets here, as a room is.
 */


#include "backend/ngx_http_socketio_redis_cluster.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "backend/ngx_http_socketio_redis_rooms.h"
#include "hub/ngx_http_socketio_dispatch.h"


static void ngx_http_socketio_sharded_subscribe(
    ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_sharded_room(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t room, ngx_uint_t present);
static void ngx_http_socketio_sharded_listen(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t nsp, sio_str_t tail);
static void ngx_http_socketio_sharded_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message);
static int ngx_http_socketio_sharded_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b);
static int ngx_http_socketio_sharded_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static int ngx_http_socketio_sharded_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r);
static int ngx_http_socketio_sharded_publish(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t tail);


const ngx_http_socketio_dialect_t  ngx_http_socketio_sharded = {
    "sharded",
    "SPUBLISH",
    "SHARDNUMSUB",
    SIO_CHANNEL_BROADCAST,
    ngx_http_socketio_cluster_uid,
    ngx_http_socketio_sharded_subscribe,
    ngx_http_socketio_sharded_room,
    ngx_http_socketio_sharded_receive,
    ngx_http_socketio_sharded_broadcast,
    ngx_http_socketio_sharded_request,
    ngx_http_socketio_sharded_response
};


static void
ngx_http_socketio_sharded_subscribe(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t  **nsp;

    app = a->hub->conf;
    nsp = app->namespaces.elts;

    ngx_http_socketio_rooms_subscribe(a);

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_sharded_listen(a, "SSUBSCRIBE", nsp[i]->name,
                                             a->uid);
        }
    }

    for (i = 0; i < a->npeers; i++) {
        ngx_http_socketio_leader_subscribe(a, "SSUBSCRIBE", a->peers[i]);
    }
}


static void
ngx_http_socketio_sharded_room(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    sio_str_t room, ngx_uint_t present)
{
    const char                     *command;
    ngx_http_socketio_namespace_t  *conf;

    command = present ? "SSUBSCRIBE" : "SUNSUBSCRIBE";

    if (room.len) {
        if (a->conf->subscription != NGX_HTTP_SOCKETIO_SUBSCRIPTION_STATIC) {
            ngx_http_socketio_sharded_listen(a, command, nsp, room);
        }

        return;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    if (conf && conf->regex) {
        ngx_http_socketio_sharded_listen(a, command, nsp, a->uid);
        ngx_http_socketio_sharded_listen(a, command, nsp, room);
    }
}


static void
ngx_http_socketio_sharded_listen(ngx_http_socketio_adapter_t *a,
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


static void
ngx_http_socketio_sharded_receive(ngx_http_socketio_adapter_t *a,
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


/*
 * As Node's adapter chooses: a room that may be the id of a socket has no
 * channel, unless all sides are configured so.
 */
static int
ngx_http_socketio_sharded_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b)
{
    sio_str_t      tail;
    sio_cluster_t  m;

    tail = sio_str(NULL, 0);

    if (b->opts.nrooms == 1
        && (a->conf->subscription == NGX_HTTP_SOCKETIO_SUBSCRIPTION_PRIVATE
            || (a->conf->subscription
                == NGX_HTTP_SOCKETIO_SUBSCRIPTION_DYNAMIC
                && b->opts.rooms[0].len != EIO_SID_LEN)))
    {
        tail = b->opts.rooms[0];
    }

    ngx_http_socketio_cluster_broadcast(a, b, &m);

    return ngx_http_socketio_sharded_publish(a, &m, tail);
}


static int
ngx_http_socketio_sharded_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_request(a, nsp, r, &m);

    return rc == SIO_OK
           ? ngx_http_socketio_sharded_publish(a, &m, sio_str(NULL, 0)) : rc;
}


static int
ngx_http_socketio_sharded_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_response(a, nsp, r, &m);

    return rc == SIO_OK ? ngx_http_socketio_sharded_publish(a, &m, to) : rc;
}


static int
ngx_http_socketio_sharded_publish(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t tail)
{
    int  rc;

    rc = sio_cluster_encode(&a->codec, &a->message, m, 0);

    if (rc == SIO_OK) {
        rc = sio_adapter_channel(&a->channel, a->prefix,
                                 SIO_CHANNEL_BROADCAST, m->nsp, tail);
    }

    if (rc == SIO_OK) {
        ngx_http_socketio_adapter_publish(a);
    }

    return rc;
}
