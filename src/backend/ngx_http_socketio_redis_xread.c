/*
 * Reading a stream.
 *
 * Each time a connection is up, XINFO STREAM tells where the stream ends, and
 * with Redis 7 how many entries it ever had: that many less those that are
 * still there have been trimmed, and if they are more than were read, the
 * difference was missed.  The same may happen to a reader that is slower than
 * others write: who was given so many entries that some before them may have
 * been trimmed asks for them again, behind another XINFO STREAM.
 *
 * A stream that ends before our position has lost its last entries, as in a
 * failover, or all: what it has was read, and we go on from its end.  One that
 * had fewer entries than we have seen was made anew: ids are times, so all in
 * it is behind our position, and what was missed cannot be told.
 */


#include "backend/ngx_http_socketio_redis_xread.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_stream.h"


#define NGX_HTTP_SOCKETIO_XREAD_COUNT   100      /* entries at a time */
#define NGX_HTTP_SOCKETIO_XREAD_BLOCK   "5000"   /* msec */
#define NGX_HTTP_SOCKETIO_XREAD_SILENT  10000    /* msec */


static void ngx_http_socketio_xread_ready(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_xread_lost(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_xread_inform(ngx_http_socketio_adapter_t *a,
    redisCallbackFn *fn);
static void ngx_http_socketio_xread_first(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_xread_informed(redisAsyncContext *ac, void *r,
    void *data);
static void ngx_http_socketio_xread_place(ngx_http_socketio_adapter_t *a,
    redisReply *info);
static void ngx_http_socketio_xread_next(ngx_http_socketio_adapter_t *a,
    ngx_uint_t check);
static void ngx_http_socketio_xread_came(redisAsyncContext *ac, void *r,
    void *data);
static ngx_int_t ngx_http_socketio_xread_entry(ngx_http_socketio_adapter_t *a,
    redisReply *entry);
static void ngx_http_socketio_xread_receive(ngx_http_socketio_adapter_t *a,
    const sio_cluster_entry_t *e, sio_str_t origin);
static ngx_int_t ngx_http_socketio_xread_id(redisReply *reply,
    sio_stream_id_t *id);
static redisReply *ngx_http_socketio_xread_field(redisReply *list,
    const char *name);
static void ngx_http_socketio_xread_note(ngx_http_socketio_adapter_t *a);


void
ngx_http_socketio_xread_begin(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                     n;
    ngx_http_socketio_redis_t     *redis;
    ngx_http_socketio_position_t  *position;

    redis = &a->xread.redis;
    position = &a->xread.position;

    n = a->hub->zone->positioned;

    ngx_memzero(position, sizeof(ngx_http_socketio_position_t));

    if (n) {
        *position = a->hub->zone->position[n - 1];
    }

    /* of another stream */

    a->xread.placed = (n && position->stream == a->xread.stream);
    a->xread.asked = ngx_current_msec;
    a->xread.keeps = (size_t) ngx_atosz(a->conf->maxlen.data,
                                        a->conf->maxlen.len);
    a->hub->zone->stream_read = 0;

    redis->conf = a->conf;
    redis->role = "reader of the stream";
    redis->log = a->hub->log;
    redis->data = a;
    redis->ready = ngx_http_socketio_xread_ready;
    redis->lost = ngx_http_socketio_xread_lost;

    ngx_http_socketio_redis_start(redis);
}


void
ngx_http_socketio_xread_end(ngx_http_socketio_adapter_t *a)
{
    if (a->xread.redis.started) {
        ngx_http_socketio_redis_stop(&a->xread.redis);
        a->hub->zone->stream_read = 0;
    }
}


void
ngx_http_socketio_xread_tick(ngx_http_socketio_adapter_t *a)
{
    if (a->xread.redis.up
        && ngx_current_msec - a->xread.asked > NGX_HTTP_SOCKETIO_XREAD_SILENT)
    {
        ngx_http_socketio_redis_restart(&a->xread.redis, "silent");
    }
}


static void
ngx_http_socketio_xread_ready(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_adapter_t  *a;

    a = redis->data;

    ngx_http_socketio_xread_inform(a, ngx_http_socketio_xread_first);

    a->xread.asked = ngx_current_msec;
}


static void
ngx_http_socketio_xread_inform(ngx_http_socketio_adapter_t *a,
    redisCallbackFn *fn)
{
    sio_str_t  words[3];

    words[0] = sio_cstr("XINFO");
    words[1] = sio_cstr("STREAM");
    words[2] = sio_str(a->conf->stream.data, a->conf->stream.len);

    (void) ngx_http_socketio_redis_command(&a->xread.redis, fn, a, words, 3);
}


static void
ngx_http_socketio_xread_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_adapter_t  *a;

    /* its position stays */

    a = redis->data;
    a->hub->zone->stream_read = 0;
}


static void
ngx_http_socketio_xread_first(redisAsyncContext *ac, void *r, void *data)
{
    ngx_http_socketio_adapter_t  *a = data;

    ngx_http_socketio_xread_informed(ac, r, data);

    if (ac->data == &a->xread.redis && a->xread.redis.ac == ac && r) {
        ngx_http_socketio_xread_next(a, 0);
    }
}


static void
ngx_http_socketio_xread_informed(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                   *reply = r;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a = data;

    redis = ac->data;

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR
        && ngx_strncmp(reply->str, "ERR no such key", 15) != 0)
    {
        ngx_http_socketio_redis_restart(redis, reply->str);
        return;
    }

    ngx_http_socketio_xread_place(a, reply);
}


/* Where to begin; info is an error if there is no stream. */

static void
ngx_http_socketio_xread_place(ngx_http_socketio_adapter_t *a,
    redisReply *info)
{
    uint64_t                       added, trimmed;
    redisReply                    *length, *total;
    ngx_uint_t                     gap;
    sio_stream_id_t                end;
    ngx_http_socketio_position_t  *position;

    position = &a->xread.position;
    length = ngx_http_socketio_xread_field(info, "length");
    total = ngx_http_socketio_xread_field(info, "entries-added");

    ngx_memzero(&end, sizeof(sio_stream_id_t));

    (void) ngx_http_socketio_xread_id(
                  ngx_http_socketio_xread_field(info, "last-generated-id"),
                  &end);

    added = 0;
    trimmed = 0;
    gap = 0;

    if (total && total->type == REDIS_REPLY_INTEGER
        && length && length->type == REDIS_REPLY_INTEGER
        && total->integer >= length->integer && length->integer >= 0)
    {
        added = (uint64_t) total->integer;
        trimmed = added - (uint64_t) length->integer;
    }

    if (!a->xread.placed || sio_stream_id_cmp(&position->id, &end) > 0) {
        position->id = end;
        position->count = added;

    } else if (position->count > added) {
        position->count = trimmed;
    }

    if (trimmed > position->count) {
        gap = 1;
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_MISSED,
                               trimmed - position->count);

        ngx_log_error(NGX_LOG_WARN, a->hub->log, 0,
                      "socketio: redis %V: %uL entries of the stream \"%V\" "
                      "were trimmed before they were read",
                      &a->conf->name, trimmed - position->count,
                      &a->conf->stream);

        position->count = trimmed;
    }

    ngx_http_socketio_stream_place(a->hub, &position->id, gap);
    ngx_http_socketio_xread_note(a);

    a->hub->zone->stream_read = 1;
}


static void
ngx_http_socketio_xread_next(ngx_http_socketio_adapter_t *a, ngx_uint_t check)
{
    size_t     len;
    u_char     id[SIO_STREAM_ID_LEN], count[NGX_INT_T_LEN];
    sio_str_t  words[8];

    a->xread.checked = check;

    if (check) {
        ngx_http_socketio_xread_inform(a, ngx_http_socketio_xread_informed);
    }

    len = sio_stream_id_write(id, &a->xread.position.id);

    words[0] = sio_cstr("XREAD");
    words[1] = sio_cstr("COUNT");
    words[2] = sio_str(count, ngx_sprintf(count, "%ui",
                                          (ngx_uint_t)
                                          NGX_HTTP_SOCKETIO_XREAD_COUNT)
                              - count);
    words[3] = sio_cstr("BLOCK");
    words[4] = sio_cstr(NGX_HTTP_SOCKETIO_XREAD_BLOCK);
    words[5] = sio_cstr("STREAMS");
    words[6] = sio_str(a->conf->stream.data, a->conf->stream.len);
    words[7] = sio_str(id, len);

    (void) ngx_http_socketio_redis_command(&a->xread.redis,
                                  ngx_http_socketio_xread_came, a, words, 8);

    a->xread.asked = ngx_current_msec;
}


/* [[STREAM, [[ID, [FIELD, VALUE, ...]], ...]]], or nil: there are none. */

static void
ngx_http_socketio_xread_came(redisAsyncContext *ac, void *r, void *data)
{
    size_t                        i;
    redisReply                   *reply = r, *list;
    ngx_uint_t                    many;
    ngx_http_socketio_redis_t    *redis;
    ngx_http_socketio_adapter_t  *a = data;

    redis = ac->data;

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        ngx_http_socketio_xread_next(a, 0);
        return;
    }

    list = NULL;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
        && reply->element[0]->type == REDIS_REPLY_ARRAY
        && reply->element[0]->elements == 2)
    {
        list = reply->element[0]->element[1];
    }

    if (list == NULL || list->type != REDIS_REPLY_ARRAY) {
        ngx_http_socketio_redis_restart(redis,
                              reply->type == REDIS_REPLY_ERROR ? reply->str
                              : "a reply that makes no sense");
        return;
    }

    /* if some were trimmed there are at least as many as are kept */

    many = (list->elements >= ngx_min(NGX_HTTP_SOCKETIO_XREAD_COUNT,
                                      a->xread.keeps));

    if (many && !a->xread.checked) {
        ngx_http_socketio_xread_next(a, 1);
        return;
    }

    for (i = 0; i < list->elements; i++) {

        /* another worker may have read on while this one stood still */

        if (!ngx_http_socketio_leader_leads(a)) {
            ngx_http_socketio_leader_end(a);
            return;
        }

        if (ngx_http_socketio_xread_entry(a, list->element[i]) != NGX_OK) {
            ngx_http_socketio_redis_restart(redis,
                                            "an entry that makes no sense");
            return;
        }

        /* what an entry leads to may end the leader */

        if (redis->ac != ac) {
            return;
        }
    }

    ngx_http_socketio_xread_next(a, many);
}


static ngx_int_t
ngx_http_socketio_xread_entry(ngx_http_socketio_adapter_t *a,
    redisReply *entry)
{
    sio_str_t             origin;
    sio_stream_id_t       id;
    sio_cluster_entry_t   e;

    if (ngx_http_socketio_xread_parse(entry, &id, &e, &origin) != NGX_OK) {
        return NGX_ERROR;
    }

    a->xread.position.id = id;
    a->xread.position.count++;

    if (e.type.len) {
        ngx_http_socketio_xread_receive(a, &e, origin);
    }

    ngx_http_socketio_stream_pass(a->hub, &id);
    ngx_http_socketio_xread_note(a);

    return NGX_OK;
}


/* One that was deleted meanwhile has no fields. */

ngx_int_t
ngx_http_socketio_xread_parse(redisReply *entry, sio_stream_id_t *id,
    sio_cluster_entry_t *e, sio_str_t *origin)
{
    redisReply  *value;
    ngx_uint_t   i;

    static const char *const  names[] = {
        "type", "uid", "nsp", "data", NGX_HTTP_SOCKETIO_XREAD_ORIGIN
    };

    sio_str_t *const  slots[] = {
        &e->type, &e->uid, &e->nsp, &e->data, origin
    };

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || ngx_http_socketio_xread_id(entry->element[0], id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        value = ngx_http_socketio_xread_field(entry->element[1], names[i]);

        *slots[i] = value && value->type == REDIS_REPLY_STRING
                    ? sio_str(value->str, value->len) : sio_str(NULL, 0);
    }

    return NGX_OK;
}


/*
 * A stream is shared by all namespaces of all servers.  What we have added
 * without saying whose it is was delivered then.
 */
static void
ngx_http_socketio_xread_receive(ngx_http_socketio_adapter_t *a,
    const sio_cluster_entry_t *e, sio_str_t origin)
{
    int                         rc;
    sio_cluster_t               m;
    ngx_http_socketio_entered_t   stamp;

    if (ngx_http_socketio_namespace(a->hub->conf, e->nsp) == NULL) {
        return;
    }

    ngx_memzero(&stamp, sizeof(ngx_http_socketio_entered_t));
    stamp.id = a->xread.position.id;

    if (sio_str_eq(e->uid, a->uid)
        && ngx_http_socketio_streams_origin(origin, &stamp) != NGX_OK)
    {
        return;
    }

    rc = sio_cluster_entry_decode(&a->codec, e, &m);

    a->stamp = &stamp;

    if (stamp.number == 0) {
        ngx_http_socketio_cluster_heard(a, &m, rc);

    } else if (rc == SIO_OK && m.type == SIO_CLUSTER_BROADCAST) {
        ngx_http_socketio_adapter_deliver(a, &m.request.broadcast);
    }

    a->stamp = NULL;
}


static ngx_int_t
ngx_http_socketio_xread_id(redisReply *reply, sio_stream_id_t *id)
{
    return reply && reply->type == REDIS_REPLY_STRING
           && sio_stream_id_read(sio_str(reply->str, reply->len), id, NULL)
              == SIO_OK
           ? NGX_OK : NGX_ERROR;
}


/* The value behind a name in a list of both, or NULL. */

static redisReply *
ngx_http_socketio_xread_field(redisReply *list, const char *name)
{
    size_t  i;

    for (i = 0; list->type == REDIS_REPLY_ARRAY && i + 1 < list->elements;
         i += 2)
    {
        if (list->element[i]->type == REDIS_REPLY_STRING
            && ngx_strcmp(list->element[i]->str, name) == 0)
        {
            return list->element[i + 1];
        }
    }

    return NULL;
}


static void
ngx_http_socketio_xread_note(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                 n;
    ngx_http_socketio_zone_t  *zone;

    zone = a->hub->zone;
    n = (zone->positioned == 1) ? 2 : 1;

    a->xread.placed = 1;
    a->xread.position.stream = a->xread.stream;

    zone->position[n - 1] = a->xread.position;

    __atomic_store_n(&zone->positioned, n, __ATOMIC_RELEASE);
}
