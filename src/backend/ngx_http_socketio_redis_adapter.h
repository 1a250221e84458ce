/*
 * Other hosts, over Redis, on the wire of Node's @socket.io/redis-adapter.
 *
 * Every worker publishes.  One worker of the host, the leader, subscribes,
 * and spreads what comes over the host's workers.
 *
 * The leader changes without a gap and without a message twice: a worker that
 * is to take over subscribes beside the old leader, then publishes a mark on
 * the host's own channel.  As both see the mark in the same place of the
 * stream, one hands out everything before it, the other everything behind.
 * After a crash there is no old leader, and the mark is the beginning.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis.h"
#include "hub/ngx_http_socketio_hub.h"


/*
 * Join the hub to the other hosts: hub->cluster is set, and ends with the
 * hub.  NGX_OK, or NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_redis_adapter_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_redis_conf_t *conf);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ADAPTER_H_INCLUDED_ */
