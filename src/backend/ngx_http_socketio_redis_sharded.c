/*
 * The sharded dialect: @socket.io/redis-adapter's createShardedAdapter(), on
 * Redis 7's SSUBSCRIBE and SPUBLISH.
 *
 * Besides the channels of all cluster messages there is PREFIX#NSP#ROOM#, for
 * broadcasts to one room, heard by the hosts that have members: unless
 * subscription_mode is static.
 */


#include "backend/ngx_http_socketio_redis_cluster.h"


static int ngx_http_socketio_sharded_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b);
static int ngx_http_socketio_sharded_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static int ngx_http_socketio_sharded_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r);


const ngx_http_socketio_dialect_t  ngx_http_socketio_sharded = {
    "sharded",
    "SPUBLISH",
    "SSUBSCRIBE",
    "SUNSUBSCRIBE",
    "SHARDNUMSUB",
    SIO_CHANNEL_BROADCAST,
    ngx_http_socketio_cluster_uid,
    ngx_http_socketio_cluster_subscribe,
    ngx_http_socketio_cluster_room,
    NULL,
    NULL,
    NULL,
    ngx_http_socketio_cluster_receive,
    ngx_http_socketio_sharded_broadcast,
    ngx_http_socketio_sharded_request,
    ngx_http_socketio_sharded_response,
    NULL
};


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

    return ngx_http_socketio_cluster_publish(a, &m, tail, 0);
}


static int
ngx_http_socketio_sharded_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_request(a, nsp, r, &m);

    return rc == SIO_OK
           ? ngx_http_socketio_cluster_publish(a, &m, sio_str(NULL, 0), 0)
           : rc;
}


static int
ngx_http_socketio_sharded_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_response(a, nsp, r, &m);

    return rc == SIO_OK ? ngx_http_socketio_cluster_publish(a, &m, to, 0)
                        : rc;
}
