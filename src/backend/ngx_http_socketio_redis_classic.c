/*
 * The classic dialect: @socket.io/redis-adapter's createAdapter(), which
 * @socket.io/redis-emitter and its ports speak as well.
 *
 * The channels are in sio_adapter.h.  Hosts are counted by who listens to
 * requests.  In a dynamic namespace we listen by a pattern, by which nobody
 * counts us: there questions are not answered, as whoever asks would take the
 * answer for that of a host he waits for; what is to be done is done.
 */


#include "backend/ngx_http_socketio_redis_ask.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "backend/ngx_http_socketio_redis_request.h"
#include "codec/sio_base64.h"
#include "hub/ngx_http_socketio_dispatch.h"


static size_t ngx_http_socketio_classic_uid(u_char *uid, uint64_t hash);
static void ngx_http_socketio_classic_subscribe(
    ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_classic_pattern(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp);
static void ngx_http_socketio_classic_responses(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, sio_str_t uid);
static void ngx_http_socketio_classic_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message);
static void ngx_http_socketio_classic_asked(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t message, ngx_uint_t by_pattern);
static void ngx_http_socketio_classic_answered(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t message, ngx_uint_t by_pattern);
static int ngx_http_socketio_classic_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b);
static int ngx_http_socketio_classic_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static int ngx_http_socketio_classic_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r);
static int ngx_http_socketio_classic_publish(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp, sio_str_t tail);


const ngx_http_socketio_dialect_t  ngx_http_socketio_classic = {
    "classic",
    "PUBLISH",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NUMSUB",
    SIO_CHANNEL_REQUEST,
    ngx_http_socketio_classic_uid,
    ngx_http_socketio_classic_subscribe,
    NULL,
    NULL,
    NULL,
    NULL,
    ngx_http_socketio_classic_receive,
    ngx_http_socketio_classic_broadcast,
    ngx_http_socketio_classic_request,
    ngx_http_socketio_classic_response,
    NULL
};


static size_t
ngx_http_socketio_classic_uid(u_char *uid, uint64_t hash)
{
    u_char  text[12];

    sio_base64url_encode(text, (u_char *) &hash, 6);
    ngx_memcpy(uid, text, SIO_ADAPTER_UID_LEN);

    return SIO_ADAPTER_UID_LEN;
}


static void
ngx_http_socketio_classic_subscribe(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_namespace_t  **nsp;

    app = a->hub->conf;
    nsp = app->namespaces.elts;

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_classic_pattern(a, SIO_CHANNEL_BROADCAST,
                                              nsp[i]->name);
        }
    }

    for (i = 0; i < app->namespaces.nelts; i++) {
        if (nsp[i]->regex == NULL) {
            ngx_http_socketio_classic_responses(a, nsp[i]->name,
                                                sio_str(NULL, 0));
            ngx_http_socketio_classic_responses(a, nsp[i]->name, a->uid);
        }
    }

    if (a->dynamic) {
        ngx_http_socketio_classic_pattern(a, SIO_CHANNEL_RESPONSE,
                                          sio_str(NULL, 0));
        ngx_http_socketio_classic_pattern(a, SIO_CHANNEL_REQUEST,
                                          sio_str(NULL, 0));
        ngx_http_socketio_classic_pattern(a, SIO_CHANNEL_BROADCAST,
                                          sio_str(NULL, 0));
        a->all = a->channel.len;
    }

    for (i = 0; i < a->npeers; i++) {
        ngx_http_socketio_leader_subscribe(a, a->dialect->listen, a->peers[i]);
    }
}


/* Node answers on the channel of all, or, if told to, on that of the asker. */

static void
ngx_http_socketio_classic_responses(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t uid)
{
    sio_buf_reset(&a->channel);

    if (sio_adapter_channel(&a->channel, a->prefix, SIO_CHANNEL_RESPONSE, nsp,
                            uid)
        == SIO_OK)
    {
        ngx_http_socketio_leader_subscribe(a, "SUBSCRIBE",
                                           sio_buf_str(&a->channel));
    }
}


/*
 * All channels of a kind: PREFIX#NSP#*, or without a namespace PREFIX#*, with
 * what has a meaning in a pattern escaped.
 */
static void
ngx_http_socketio_classic_pattern(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp)
{
    size_t      i;
    sio_buf_t  *buf;
    sio_str_t   name;

    buf = &a->channel;
    sio_buf_reset(buf);
    sio_buf_reset(&a->message);

    if (sio_adapter_channel(&a->message, a->prefix, type, nsp,
                            sio_str(NULL, 0)) != SIO_OK
        || sio_buf_reserve(buf, 2 * a->message.len + 1) != SIO_OK)
    {
        return;
    }

    name = sio_buf_str(&a->message);
    name.len -= (nsp.len == 0);

    for (i = 0; i < name.len; i++) {

        if (ngx_strchr("*?[]\\", name.data[i])) {
            (void) sio_buf_append_char(buf, '\\');
        }

        (void) sio_buf_append_char(buf, name.data[i]);
    }

    (void) sio_buf_append_char(buf, '*');

    ngx_http_socketio_leader_subscribe(a, "PSUBSCRIBE", sio_buf_str(buf));
}


static void
ngx_http_socketio_classic_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message)
{
    int                             rc;
    sio_str_t                       nsp, room;
    sio_adapter_broadcast_t         m;
    ngx_http_socketio_namespace_t  *conf;

    if (sio_adapter_channel_parse(channel, a->prefix, SIO_CHANNEL_REQUEST,
                                  &nsp, &room)
        == SIO_OK)
    {
        ngx_http_socketio_classic_asked(a, nsp, message, pattern.len != 0);
        return;
    }

    if (sio_adapter_channel_parse(channel, a->prefix, SIO_CHANNEL_RESPONSE,
                                  &nsp, &room)
        == SIO_OK)
    {
        ngx_http_socketio_classic_answered(a, nsp, message, pattern.len != 0);
        return;
    }

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES
        || sio_adapter_channel_parse(channel, a->prefix,
                                     SIO_CHANNEL_BROADCAST, &nsp, &room)
           != SIO_OK
        || sio_str_eq(sio_adapter_broadcast_uid(message), a->uid))
    {
        return;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    /* the pattern for all namespaces is for those without their own */

    if (conf == NULL || (conf->regex == NULL && pattern.len == a->all)) {
        return;
    }

    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    if (room.len && !ngx_http_socketio_adapter_members(a, nsp, room)) {
        return;
    }

    rc = sio_adapter_broadcast_decode(&a->codec, message, &m);

    if (rc != SIO_OK || !sio_str_eq(m.nsp, nsp)) {
        ngx_http_socketio_adapter_refuse(a, "a broadcast", rc);
        return;
    }

    ngx_http_socketio_adapter_deliver(a, &m);
}


static void
ngx_http_socketio_classic_asked(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    sio_str_t message, ngx_uint_t by_pattern)
{
    int                             rc;
    sio_request_t                   r;
    ngx_http_socketio_namespace_t  *conf;

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    if (by_pattern && (conf == NULL || conf->regex == NULL)) {
        return;
    }

    rc = sio_adapter_request_decode(&a->codec, message, &r);

    if (rc != SIO_OK || conf == NULL) {
        ngx_http_socketio_adapter_refuse(a, "a request", rc);
        return;
    }

    if (by_pattern && (r.type < SIO_REQUEST_JOIN
                       || r.type > SIO_REQUEST_DISCONNECT))
    {
        return;
    }

    ngx_http_socketio_redis_request(a, nsp, &r);
}


/* Most of it answers Node's requests. */

static void
ngx_http_socketio_classic_answered(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t message, ngx_uint_t by_pattern)
{
    int                             rc;
    sio_response_t                  r;
    ngx_http_socketio_namespace_t  *conf;

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES
        || !ngx_http_socketio_redis_asked(a, message))
    {
        return;
    }

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);

    if (conf == NULL || (by_pattern && conf->regex == NULL)) {
        return;
    }

    rc = sio_adapter_response_decode(&a->codec, message, &r);

    if (rc != SIO_OK) {
        ngx_http_socketio_adapter_refuse(a, "a response", rc);
        return;
    }

    ngx_http_socketio_redis_response(a, &r);
}


static int
ngx_http_socketio_classic_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b)
{
    int  rc;

    rc = sio_adapter_broadcast_encode(&a->message, b);

    if (rc != SIO_OK) {
        return rc;
    }

    return ngx_http_socketio_classic_publish(a, SIO_CHANNEL_BROADCAST, b->nsp,
                                             b->opts.nrooms == 1
                                             ? b->opts.rooms[0]
                                             : sio_str(NULL, 0));
}


static int
ngx_http_socketio_classic_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    int  rc;

    rc = sio_adapter_request_encode(&a->message, r);

    if (rc != SIO_OK) {
        return rc;
    }

    return ngx_http_socketio_classic_publish(a, SIO_CHANNEL_REQUEST, nsp,
                                             sio_str(NULL, 0));
}


/* On the channel of all: whoever asked listens to it, whatever its options. */

static int
ngx_http_socketio_classic_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t to, const sio_response_t *r)
{
    int     rc;
    size_t  len;
    u_char  text[NGX_INT64_LEN];

    switch (r->page.len ? SIO_REQUEST_N : r->type) {

    case SIO_REQUEST_N:
        rc = sio_adapter_page_encode(&a->message, r->id, r->page);
        break;

    case SIO_RESPONSE_ACK:
        rc = sio_adapter_ack_encode(&a->message, r->id, r->data, NULL);
        break;

    case SIO_RESPONSE_CLIENT_COUNT:
        len = ngx_sprintf(text, "%uL", r->count) - text;
        rc = sio_adapter_response_encode(&a->message, r->id, r->type,
                                         "clientCount", sio_str(text, len));
        break;

    case SIO_REQUEST_SERVER_EMIT:
        rc = sio_adapter_response_encode(&a->message, r->id, r->type, "data",
                                         r->data);
        break;

    case SIO_REQUEST_ALL_ROOMS:
        rc = sio_adapter_response_encode(&a->message, r->id, -1, "rooms",
                                         r->rooms);
        break;

    default: /* SIO_REQUEST_SOCKETS, SIO_REQUEST_FETCH */
        rc = sio_adapter_response_encode(&a->message, r->id, -1, "sockets",
                                         r->sockets);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    return ngx_http_socketio_classic_publish(a, SIO_CHANNEL_RESPONSE, nsp,
                                             sio_str(NULL, 0));
}


static int
ngx_http_socketio_classic_publish(ngx_http_socketio_adapter_t *a,
    sio_channel_e type, sio_str_t nsp, sio_str_t tail)
{
    int  rc;

    rc = sio_adapter_channel(&a->channel, a->prefix, type, nsp, tail);

    if (rc == SIO_OK) {
        ngx_http_socketio_adapter_publish(a);
    }

    return rc;
}
