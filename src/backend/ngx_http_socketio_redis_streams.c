/*
 * The streams dialect: @socket.io/redis-streams-adapter 0.3.
 *
 * Broadcasts and operations are entries of a stream, which the leader reads
 * (xread).  What is of the moment - questions, events of servers, broadcasts
 * that want acks, and the answers - is published on the channels of cluster
 * messages, always as MessagePack.
 */


#include "backend/ngx_http_socketio_redis_cluster.h"
#include "backend/ngx_http_socketio_redis_xread.h"


static int ngx_http_socketio_streams_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b);
static int ngx_http_socketio_streams_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static int ngx_http_socketio_streams_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r);
static ngx_int_t ngx_http_socketio_streams_order(
    ngx_http_socketio_adapter_t *a, const sio_adapter_broadcast_t *b,
    uint64_t number);
static int ngx_http_socketio_streams_add(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t origin);


const ngx_http_socketio_dialect_t  ngx_http_socketio_streams = {
    "streams",
    "PUBLISH",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NUMSUB",
    SIO_CHANNEL_BROADCAST,
    ngx_http_socketio_cluster_uid,
    ngx_http_socketio_cluster_subscribe,
    ngx_http_socketio_cluster_room,
    ngx_http_socketio_xread_begin,
    ngx_http_socketio_xread_end,
    ngx_http_socketio_xread_tick,
    ngx_http_socketio_cluster_receive,
    ngx_http_socketio_streams_broadcast,
    ngx_http_socketio_streams_request,
    ngx_http_socketio_streams_response,
    ngx_http_socketio_streams_order
};


static int
ngx_http_socketio_streams_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b)
{
    sio_cluster_t  m;

    ngx_http_socketio_cluster_broadcast(a, b, &m);

    return ngx_http_socketio_streams_add(a, &m, sio_str(NULL, 0));
}


static ngx_int_t
ngx_http_socketio_streams_order(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b, uint64_t number)
{
    size_t         len;
    u_char         origin[3 * NGX_INT64_LEN + 2];
    sio_cluster_t  m;

    if (!ngx_http_socketio_publisher_ready_now(&a->publisher)) {
        return NGX_DECLINED;
    }

    len = ngx_sprintf(origin, "%ui-%uD-%uL", a->hub->n, a->hub->incarnation,
                      number)
          - origin;

    ngx_http_socketio_cluster_broadcast(a, b, &m);

    return ngx_http_socketio_streams_add(a, &m, sio_str(origin, len))
           == SIO_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_socketio_streams_origin(sio_str_t origin,
    ngx_http_socketio_entered_t *stamp)
{
    u_char      *p, *last, *end;
    ngx_int_t    n[3];
    ngx_uint_t   i;

    p = (u_char *) origin.data;
    end = p + origin.len;

    for (i = 0; i < 3; i++) {
        last = (i == 2) ? end : ngx_strlchr(p, end, '-');

        if (last == NULL) {
            return NGX_DECLINED;
        }

        n[i] = ngx_atoi(p, last - p);

        if (n[i] == NGX_ERROR) {
            return NGX_DECLINED;
        }

        p = last + 1;
    }

    if (n[0] >= NGX_HTTP_SOCKETIO_SLOTS || n[2] == 0) {
        return NGX_DECLINED;
    }

    stamp->slot = (ngx_uint_t) n[0];
    stamp->incarnation = (uint32_t) n[1];
    stamp->number = (uint64_t) n[2];

    return NGX_OK;
}


static int
ngx_http_socketio_streams_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_request(a, nsp, r, &m);

    if (rc != SIO_OK) {
        return rc;
    }

    switch (m.type) {

    case SIO_CLUSTER_JOIN:
    case SIO_CLUSTER_LEAVE:
    case SIO_CLUSTER_DISCONNECT:
        return ngx_http_socketio_streams_add(a, &m, sio_str(NULL, 0));

    default:
        return ngx_http_socketio_cluster_publish(a, &m, sio_str(NULL, 0), 1);
    }
}


static int
ngx_http_socketio_streams_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r)
{
    int            rc;
    sio_cluster_t  m;

    rc = ngx_http_socketio_cluster_response(a, nsp, r, &m);

    return rc == SIO_OK ? ngx_http_socketio_cluster_publish(a, &m, to, 1)
                        : rc;
}


/* The fields in the order in which Node writes them, and ours. */

static int
ngx_http_socketio_streams_add(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t origin)
{
    int        rc;
    size_t     len;
    u_char     type[NGX_INT_T_LEN];
    sio_str_t  words[16];

    rc = sio_cluster_data_encode(&a->codec, &a->message, m);

    if (rc != SIO_OK) {
        return rc;
    }

    len = ngx_sprintf(type, "%ui", (ngx_uint_t) m->type) - type;

    words[0] = sio_cstr("XADD");
    words[1] = sio_str(a->conf->stream.data, a->conf->stream.len);
    words[2] = sio_cstr("MAXLEN");
    words[3] = sio_cstr("~");
    words[4] = sio_str(a->conf->maxlen.data, a->conf->maxlen.len);
    words[5] = sio_cstr("*");
    words[6] = sio_cstr("uid");
    words[7] = m->uid;
    words[8] = sio_cstr("nsp");
    words[9] = m->nsp;
    words[10] = sio_cstr("type");
    words[11] = sio_str(type, len);
    words[12] = sio_cstr("data");
    words[13] = sio_buf_str(&a->message);

    words[14] = sio_cstr(NGX_HTTP_SOCKETIO_XREAD_ORIGIN);
    words[15] = origin;

    ngx_http_socketio_publish(&a->publisher, words, origin.len ? 16 : 14);

    return SIO_OK;
}
