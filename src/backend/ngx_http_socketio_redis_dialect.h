/*
 * A dialect of Redis: what hosts say to each other, and where they say it.
 *
 * Common to all dialects is what a host does: one worker leads and listens
 * (leader, handover, backlog), each worker publishes (publisher), what is
 * heard is spread over the workers (adapter), questions are answered and
 * operations done (request, answer).  A dialect supplies the wire:
 *
 *     - which channels the leader subscribes to, and which of them is the one
 *       whose subscribers are the hosts, for those who count them;
 *     - how a broadcast, a request and a response are written, and to which
 *       channel they go;
 *     - how what was heard is read, and handed to the adapter.
 *
 * Requests and responses are those of the classic adapter in what they mean
 * (sio_request_t, sio_response_t); how they look is the dialect's.  One that
 * the wire has no word for is encoded as SIO_DECLINED.
 *
 * A dialect is a constant table; what it has to remember of a worker is kept
 * in the adapter.  It never waits and never sends to clients.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_DIALECT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_DIALECT_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"


struct ngx_http_socketio_dialect_s {
    const char     *name;            /* as configured */

    /* the commands */
    const char     *publish;
    const char     *listen;
    const char     *unlisten;

    /* Who listens is counted by PUBSUB numsub on the channels of a kind. */
    const char     *numsub;
    sio_channel_e   peers;

    /*
     * Write this host's name on the wire, at most
     * NGX_HTTP_SOCKETIO_ADAPTER_UID bytes, from a hash that is its own and
     * that of all its workers; returns its length.
     */
    size_t        (*uid)(u_char *uid, uint64_t hash);

    /*
     * The leader's connection is up: subscribe to what is to be heard, by
     * ngx_http_socketio_leader_subscribe().  The channels by which the host
     * is counted come last, so that nobody counts on who does not hear.
     */
    void          (*subscribe)(ngx_http_socketio_adapter_t *a);

    /*
     * The leader: a room of this host, or with an empty name a namespace, has
     * its first member, or none any more.  NULL: the wire does not tell rooms
     * apart.
     */
    void          (*room)(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
                          sio_str_t room, ngx_uint_t present);

    /*
     * This worker leads from now on, and does not any more; what there is to
     * do once a second meanwhile.  NULL: nothing.
     */
    void          (*begin)(ngx_http_socketio_adapter_t *a);
    void          (*end)(ngx_http_socketio_adapter_t *a);
    void          (*tick)(ngx_http_socketio_adapter_t *a);

    /*
     * A message came.  Unless a->leader is _YES nothing of it is handed out,
     * but requests go the same way, and are answered with nothing.  pattern
     * is empty if the channel was subscribed by its name.  It ends at
     * ngx_http_socketio_adapter_deliver(), ngx_http_socketio_redis_request(),
     * ngx_http_socketio_redis_response() or
     * ngx_http_socketio_adapter_refuse(), or is somebody else's.
     */
    void          (*receive)(ngx_http_socketio_adapter_t *a,
                             sio_str_t pattern, sio_str_t channel,
                             sio_str_t message);

    /*
     * Publish, by ngx_http_socketio_adapter_publish(); a->channel and
     * a->message are empty, to be written.  uid is set, of a request as well.
     * SIO_OK, or why it could not be written.
     *
     * to: the uid of whoever asked.  Of a response, its type is that of the
     * request, or SIO_RESPONSE_CLIENT_COUNT and SIO_RESPONSE_ACK; its value
     * is the member that belongs to the type.
     */
    int           (*broadcast)(ngx_http_socketio_adapter_t *a,
                               const sio_adapter_broadcast_t *b);
    int           (*request)(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
                             const sio_request_t *r);
    int           (*response)(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
                              sio_str_t to, const sio_response_t *r);

    /*
     * Publish a broadcast such that this host delivers it when it is heard:
     * NGX_OK, or NGX_DECLINED: not now.  NULL: the wire has no order of its
     * own.
     */
    ngx_int_t     (*order)(ngx_http_socketio_adapter_t *a,
                           const sio_adapter_broadcast_t *b,
                           uint64_t number);
};


/* Of @socket.io/redis-adapter's createAdapter(). */

extern const ngx_http_socketio_dialect_t  ngx_http_socketio_classic;

/* Of its createShardedAdapter(). */

extern const ngx_http_socketio_dialect_t  ngx_http_socketio_sharded;

/* Of @socket.io/redis-streams-adapter. */

extern const ngx_http_socketio_dialect_t  ngx_http_socketio_streams;


#endif /* _NGX_HTTP_SOCKETIO_REDIS_DIALECT_H_INCLUDED_ */
