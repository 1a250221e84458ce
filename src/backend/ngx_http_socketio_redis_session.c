/*
 * Lost sessions.
 *
 * What is left and what is asked goes past the events that are kept, on the
 * same connection, so that a worker's own session is there when it asks for
 * it.  A session is taken by who removes it as it was when he asked for it: one
 * that was taken by another host meanwhile and left again is not his.
 */


#include "backend/ngx_http_socketio_redis_session.h"
#include "codec/sio_session.h"
#include "hub/ngx_http_socketio_recall.h"


#define NGX_HTTP_SOCKETIO_SESSION_COUNT  "200"   /* entries at a time */


static const char  ngx_http_socketio_session_take[] =

    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
    "return redis.call('DEL', KEYS[1])\n";


static void ngx_http_socketio_session_told(redisAsyncContext *ac, void *r,
    void *data);
static ngx_int_t ngx_http_socketio_session_text(
    ngx_http_socketio_recall_t *recall, const redisReply *reply);
static ngx_int_t ngx_http_socketio_session_events(
    ngx_http_socketio_recall_t *recall, const redisReply *reply);
static sio_str_t ngx_http_socketio_session_key(u_char *key, sio_str_t pid);


ngx_int_t
ngx_http_socketio_redis_save(ngx_http_socketio_hub_t *hub, sio_str_t pid,
    sio_str_t text, uint64_t msec)
{
    size_t                        len;
    u_char                        px[NGX_INT64_LEN];
    u_char                        key[sizeof(SIO_SESSION_KEY) + SIO_PID_LEN];
    sio_str_t                     words[5];
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    words[1] = ngx_http_socketio_session_key(key, pid);

    if (text.len == 0) {
        words[0] = sio_cstr("DEL");
        ngx_http_socketio_publish(&a->publisher, words, 2);
        return NGX_OK;
    }

    if (!ngx_http_socketio_publisher_answers(&a->publisher)
        || !ngx_http_socketio_publisher_has_room(&a->publisher, text.len))
    {
        return NGX_DECLINED;
    }

    len = ngx_sprintf(px, "%uL", msec) - px;

    words[0] = sio_cstr("SET");
    words[2] = text;
    words[3] = sio_cstr("PX");
    words[4] = sio_str(px, len);

    return ngx_http_socketio_publish_now(&a->publisher, words, 5);
}


static sio_str_t
ngx_http_socketio_session_key(u_char *key, sio_str_t pid)
{
    u_char  *last;

    last = ngx_cpymem(key, SIO_SESSION_KEY, sizeof(SIO_SESSION_KEY) - 1);
    last = ngx_cpymem(last, pid.data, SIO_PID_LEN);

    return sio_str(key, last - key);
}


ngx_int_t
ngx_http_socketio_redis_recall(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recall_t *recall)
{
    u_char                        id[SIO_STREAM_ID_LEN];
    u_char                        key[sizeof(SIO_SESSION_KEY) + SIO_PID_LEN];
    sio_str_t                     words[6];
    ngx_uint_t                    n;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    if (!ngx_http_socketio_publisher_answers(&a->publisher)) {
        return NGX_DECLINED;
    }

    words[1] = ngx_http_socketio_session_key(key,
                                       sio_str(recall->pid, EIO_SID_LEN));
    n = 2;

    switch (recall->step) {

    case NGX_HTTP_SOCKETIO_RECALL_SESSION:
        words[0] = sio_cstr("GET");
        break;

    case NGX_HTTP_SOCKETIO_RECALL_TAKE:
        words[3] = words[1];
        words[0] = sio_cstr("EVAL");
        words[1] = sio_cstr(ngx_http_socketio_session_take);
        words[2] = sio_cstr("1");
        words[4] = sio_buf_str(&recall->text);
        n = 5;
        break;

    default: /* NGX_HTTP_SOCKETIO_RECALL_EVENTS */
        words[0] = sio_cstr("XRANGE");
        words[1] = sio_str(a->conf->stream.data, a->conf->stream.len);
        words[2] = sio_str(id, sio_stream_id_write(id, &recall->id));
        words[3] = sio_cstr("+");
        words[4] = sio_cstr("COUNT");
        words[5] = sio_cstr(NGX_HTTP_SOCKETIO_SESSION_COUNT);
        n = 6;
    }

    if (ngx_http_socketio_publisher_ask(&a->publisher,
                                        ngx_http_socketio_session_told, recall,
                                        words, n)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    recall->rc = NGX_AGAIN;

    return NGX_OK;
}


static void
ngx_http_socketio_session_told(redisAsyncContext *ac, void *r, void *data)
{
    ngx_int_t                    rc;
    redisReply                  *reply = r;
    ngx_http_socketio_recall_t  *recall = data;

    rc = NGX_ERROR;

    if (ngx_http_socketio_publisher_heard(ac, reply)
        && reply->type != REDIS_REPLY_ERROR && recall->data)
    {
        switch (recall->step) {

        case NGX_HTTP_SOCKETIO_RECALL_SESSION:
            rc = ngx_http_socketio_session_text(recall, reply);
            break;

        case NGX_HTTP_SOCKETIO_RECALL_TAKE:
            rc = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1
                 ? NGX_OK : NGX_DECLINED;
            break;

        default: /* NGX_HTTP_SOCKETIO_RECALL_EVENTS */
            rc = ngx_http_socketio_session_events(recall, reply);
        }
    }

    ngx_http_socketio_recall_answer(recall, rc);
}


static ngx_int_t
ngx_http_socketio_session_text(ngx_http_socketio_recall_t *recall,
    const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len == 0) {
        return NGX_DECLINED;
    }

    sio_buf_reset(&recall->text);

    return sio_buf_append(&recall->text, reply->str, reply->len) == SIO_OK
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_socketio_session_events(ngx_http_socketio_recall_t *recall,
    const redisReply *reply)
{
    size_t                        i;
    sio_str_t                     origin;
    sio_cluster_t                 m;
    sio_cluster_entry_t           e;
    ngx_http_socketio_adapter_t  *a;

    a = recall->hub->cluster_data;

    if (reply->type != REDIS_REPLY_ARRAY) {
        return NGX_ERROR;
    }

    recall->n = reply->elements;

    for (i = 0; i < reply->elements; i++) {

        if (ngx_http_socketio_xread_parse(reply->element[i], &recall->id, &e,
                                          &origin)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        recall->event(recall, &recall->id,
                      sio_str_eq(e.nsp, recall->nsp)
                      && sio_cluster_entry_decode(&a->codec, &e, &m) == SIO_OK
                      && m.type == SIO_CLUSTER_BROADCAST
                      && m.request.id.len == 0
                      ? &m.request.broadcast : NULL);
    }

    return NGX_OK;
}
