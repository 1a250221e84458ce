/*
 * Publishing.
 */


#include "backend/ngx_http_socketio_redis_publisher.h"
#include "hub/ngx_http_socketio_stream.h"


#define NGX_HTTP_SOCKETIO_PUBLISH_KEEP     (16 * 1024 * 1024)  /* bytes */
#define NGX_HTTP_SOCKETIO_PUBLISH_LAST     (64 * 1024 * 1024)  /* bytes */
#define NGX_HTTP_SOCKETIO_PUBLISH_FLYING   (4 * 1024 * 1024)   /* bytes */
#define NGX_HTTP_SOCKETIO_PUBLISH_STALL    500   /* msec: hold, it hangs */
#define NGX_HTTP_SOCKETIO_PUBLISH_DEAD     2000  /* msec: connect again */
#define NGX_HTTP_SOCKETIO_PUBLISH_RETURN   900   /* msec: the others do, too */
#define NGX_HTTP_SOCKETIO_PUBLISH_WAIT     2000  /* msec for the peers */
#define NGX_HTTP_SOCKETIO_PUBLISH_LOOK     100   /* msec between two looks */

#define NGX_HTTP_SOCKETIO_PUBLISH_FEWER    10    /* looks: a peer has gone */

#define NGX_HTTP_SOCKETIO_PEERS_MAX        6     /* channels counted */


struct ngx_http_socketio_pending_s {
    ngx_http_socketio_pending_t  *next;
    size_t                        size;          /* bytes of all words */
    ngx_uint_t                    n;
    uint32_t                      len[NGX_HTTP_SOCKETIO_REDIS_WORDS];
    u_char                        data[];
};


static void ngx_http_socketio_publisher_ready(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_publisher_lost(
    ngx_http_socketio_redis_t *redis);
static ngx_msec_t ngx_http_socketio_publisher_waited(
    const ngx_http_socketio_publisher_t *p);
static ngx_uint_t ngx_http_socketio_publisher_waits(
    ngx_http_socketio_redis_t *redis);
static ngx_uint_t ngx_http_socketio_publisher_open(
    const ngx_http_socketio_publisher_t *p);
static ngx_int_t ngx_http_socketio_publisher_send(
    ngx_http_socketio_publisher_t *p, const sio_str_t *words, ngx_uint_t n);
static size_t ngx_http_socketio_publisher_size(const sio_str_t *words,
    ngx_uint_t n);
static void ngx_http_socketio_publisher_keep(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n);
static void ngx_http_socketio_publisher_drop(ngx_http_socketio_publisher_t *p);
static void ngx_http_socketio_publisher_flush(
    ngx_http_socketio_publisher_t *p);
static void ngx_http_socketio_publisher_look(ngx_http_socketio_publisher_t *p);
static ngx_uint_t ngx_http_socketio_roll_short(
    const ngx_http_socketio_roll_t *roll, uint64_t n);
static void ngx_http_socketio_roll_note(ngx_http_socketio_roll_t *roll,
    uint64_t n);
static void ngx_http_socketio_publisher_retry(ngx_event_t *ev);
static void ngx_http_socketio_publisher_done(redisAsyncContext *ac,
    void *r, void *data);
static void ngx_http_socketio_publisher_counted(redisAsyncContext *ac,
    void *r, void *data);


void
ngx_http_socketio_publisher_start(ngx_http_socketio_publisher_t *p,
    const ngx_http_socketio_redis_conf_t *conf, ngx_log_t *log)
{
    p->tail = &p->queue;

    p->retry.handler = ngx_http_socketio_publisher_retry;
    p->retry.data = &p->redis.dummy;
    p->retry.log = log;
    p->retry.cancelable = 1;

    p->redis.conf = conf;
    p->redis.role = "publisher";
    p->redis.log = log;
    p->redis.turn = &p->hub->turn;
    p->redis.data = p;
    p->redis.ready = ngx_http_socketio_publisher_ready;
    p->redis.lost = ngx_http_socketio_publisher_lost;

    ngx_http_socketio_redis_start(&p->redis);
}


void
ngx_http_socketio_publisher_stop(ngx_http_socketio_publisher_t *p)
{
    if (p->retry.timer_set) {
        ngx_del_timer(&p->retry);
    }

    if (ngx_http_socketio_publisher_answers(p)) {
        p->hold = 0;
        ngx_http_socketio_publisher_flush(p);

        ngx_http_socketio_redis_drain(&p->redis,
                                      ngx_http_socketio_publisher_waits);
    }

    ngx_http_socketio_redis_stop(&p->redis);

    while (p->queue) {
        ngx_http_socketio_publisher_drop(p);
    }
}


static ngx_uint_t
ngx_http_socketio_publisher_waits(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_publisher_t  *p;

    p = redis->data;

    return p->sent != p->answered;
}


void
ngx_http_socketio_publish(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n)
{
    p->published++;

    if (p->queue == NULL && ngx_http_socketio_publisher_open(p)
        && ngx_http_socketio_publisher_send(p, words, n) == NGX_OK)
    {
        return;
    }

    ngx_http_socketio_publisher_keep(p, words, n);
}


ngx_int_t
ngx_http_socketio_publish_now(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n)
{
    return p->redis.up ? ngx_http_socketio_publisher_send(p, words, n)
                       : NGX_DECLINED;
}


ngx_uint_t
ngx_http_socketio_publisher_settled(const ngx_http_socketio_publisher_t *p,
    uint64_t n)
{
    if (!p->redis.up || p->hold) {
        return 1;
    }

    return p->queue == NULL && n + (p->sent - p->answered) <= p->published;
}


ngx_uint_t
ngx_http_socketio_publisher_ready_now(const ngx_http_socketio_publisher_t *p)
{
    return p->queue == NULL && ngx_http_socketio_publisher_open(p);
}


ngx_int_t
ngx_http_socketio_publisher_ask(ngx_http_socketio_publisher_t *p,
    redisCallbackFn *fn, void *data, const sio_str_t *words, ngx_uint_t n)
{
    if (ngx_http_socketio_redis_command(&p->redis, fn, data, words, n)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (p->sent == p->answered) {
        ngx_http_socketio_publisher_progress(p);
    }

    p->sent++;

    return NGX_OK;
}


ngx_http_socketio_publisher_t *
ngx_http_socketio_publisher_heard(redisAsyncContext *ac, void *reply)
{
    ngx_http_socketio_redis_t      *redis;
    ngx_http_socketio_publisher_t  *p;

    redis = ac->data;

    /* a connection that was given up; its counts are forgotten */

    if (redis == NULL || redis->ac != ac || reply == NULL) {
        return NULL;
    }

    p = redis->data;
    p->answered++;
    ngx_http_socketio_publisher_progress(p);

    return p;
}


ngx_uint_t
ngx_http_socketio_publisher_has_room(ngx_http_socketio_publisher_t *p,
    size_t size)
{
    size_t  max;

    /* who ends may have to speak of all its sessions, and then has none */

    max = ngx_exiting || p->hub->slot->exiting
          ? NGX_HTTP_SOCKETIO_PUBLISH_LAST : NGX_HTTP_SOCKETIO_PUBLISH_KEEP;

    if (p->flying + size <= max) {
        return 1;
    }

    ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED, 1);

    return 0;
}


/* Whether what is sent now has a good chance to arrive. */

static ngx_uint_t
ngx_http_socketio_publisher_open(const ngx_http_socketio_publisher_t *p)
{
    return !p->hold && p->flying <= NGX_HTTP_SOCKETIO_PUBLISH_FLYING
           && ngx_http_socketio_publisher_answers(p);
}


ngx_uint_t
ngx_http_socketio_publisher_answers(const ngx_http_socketio_publisher_t *p)
{
    return p->redis.up
           && (p->sent == p->answered
               || ngx_http_socketio_publisher_waited(p)
                  < NGX_HTTP_SOCKETIO_PUBLISH_STALL);
}


void
ngx_http_socketio_publisher_progress(ngx_http_socketio_publisher_t *p)
{
    p->progress = ngx_current_msec;
    p->late = p->hub->late;
}


/* In a long turn nobody listens to what Redis says. */

static ngx_msec_t
ngx_http_socketio_publisher_waited(const ngx_http_socketio_publisher_t *p)
{
    ngx_msec_t  msec, late;

    msec = ngx_current_msec - p->progress;
    late = p->hub->late - p->late;

    return msec > late ? msec - late : 0;
}


static ngx_int_t
ngx_http_socketio_publisher_send(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n)
{
    size_t  size;

    size = ngx_http_socketio_publisher_size(words, n);

    if (ngx_http_socketio_publisher_ask(p, ngx_http_socketio_publisher_done,
                                        (void *) (uintptr_t) size, words, n)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p->flying += size;

    ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_OUT, 1);

    return NGX_OK;
}


static size_t
ngx_http_socketio_publisher_size(const sio_str_t *words, ngx_uint_t n)
{
    size_t  size;

    size = 0;

    while (n) {
        size += words[--n].len;
    }

    return size;
}


static void
ngx_http_socketio_publisher_done(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                     *reply = r;
    ngx_http_socketio_publisher_t  *p;

    p = ngx_http_socketio_publisher_heard(ac, reply);

    if (p == NULL) {
        return;
    }

    p->flying -= ngx_min(p->flying, (uintptr_t) data);

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED,
                               1);

        if (!p->refused) {
            p->refused = 1;
            ngx_log_error(NGX_LOG_ERR, p->redis.log, 0,
                          "socketio: redis %V refuses what is published: "
                          "\"%s\"", &p->redis.conf->name, reply->str);
        }
    }

    if (p->queue) {
        ngx_http_socketio_publisher_flush(p);
    }
}


static void
ngx_http_socketio_publisher_keep(ngx_http_socketio_publisher_t *p,
    const sio_str_t *words, ngx_uint_t n)
{
    size_t                        size;
    u_char                       *last;
    ngx_uint_t                    i;
    ngx_http_socketio_pending_t  *pending;

    size = ngx_http_socketio_publisher_size(words, n);

    pending = size > NGX_HTTP_SOCKETIO_PUBLISH_KEEP
              || n > NGX_HTTP_SOCKETIO_REDIS_WORDS
              ? NULL
              : ngx_alloc(sizeof(ngx_http_socketio_pending_t) + size,
                          p->redis.log);
    if (pending == NULL) {
        ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED,
                               1);
        return;
    }

    while (p->bytes + size > NGX_HTTP_SOCKETIO_PUBLISH_KEEP) {
        ngx_http_socketio_publisher_drop(p);
    }

    pending->next = NULL;
    pending->size = size;
    pending->n = n;
    last = pending->data;

    for (i = 0; i < n; i++) {
        pending->len[i] = (uint32_t) words[i].len;
        last = ngx_cpymem(last, words[i].data, words[i].len);
    }

    *p->tail = pending;
    p->tail = &pending->next;
    p->bytes += size;
}


/* The oldest. */

static void
ngx_http_socketio_publisher_drop(ngx_http_socketio_publisher_t *p)
{
    ngx_http_socketio_pending_t  *pending;

    pending = p->queue;

    p->queue = pending->next;
    if (p->queue == NULL) {
        p->tail = &p->queue;
    }

    p->bytes -= pending->size;
    ngx_free(pending);

    ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED, 1);
}


static void
ngx_http_socketio_publisher_flush(ngx_http_socketio_publisher_t *p)
{
    u_char                       *last;
    sio_str_t                     words[NGX_HTTP_SOCKETIO_REDIS_WORDS];
    ngx_uint_t                    i;
    ngx_http_socketio_pending_t  *pending;

    while (p->queue && ngx_http_socketio_publisher_open(p)) {
        pending = p->queue;
        last = pending->data;

        for (i = 0; i < pending->n; i++) {
            words[i] = sio_str(last, pending->len[i]);
            last += pending->len[i];
        }

        if (ngx_http_socketio_publisher_send(p, words, pending->n) != NGX_OK)
        {
            return;
        }

        p->queue = pending->next;

        if (p->queue == NULL) {
            p->tail = &p->queue;
        }

        p->bytes -= pending->size;

        ngx_free(pending);
    }
}


static void
ngx_http_socketio_publisher_ready(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_publisher_t  *p;

    p = redis->data;

    p->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_UP] = 1;
    p->returned = ngx_current_msec;
    ngx_http_socketio_publisher_progress(p);
    p->hold = p->away;
    p->away = 0;
    p->refused = 0;

    if (p->hold) {
        ngx_http_socketio_publisher_look(p);
    }

    if (p->ready) {
        p->ready(p);
    }
}


static void
ngx_http_socketio_publisher_lost(ngx_http_socketio_redis_t *redis)
{
    ngx_http_socketio_publisher_t  *p;

    p = redis->data;

    if (p->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_UP]) {
        ngx_http_socketio_stat(p->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_LOST, 1);
    }

    p->hub->slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_UP] = 0;
    p->away = 1;
    p->sent = 0;
    p->answered = 0;
    p->flying = 0;

    if (p->retry.timer_set) {
        ngx_del_timer(&p->retry);
    }

    ngx_http_socketio_stream_lost(p->hub);
}


/* How many hosts listen; it tells that Redis is alive, too. */

static void
ngx_http_socketio_publisher_look(ngx_http_socketio_publisher_t *p)
{
    sio_str_t   words[2 + NGX_HTTP_SOCKETIO_PEERS_MAX];
    ngx_uint_t  i, n;

    words[0] = sio_cstr("PUBSUB");
    words[1] = sio_cstr(p->numsub);

    n = ngx_min(p->npeers, NGX_HTTP_SOCKETIO_PEERS_MAX);

    for (i = 0; i < n; i++) {
        words[2 + i] = p->peers[i];
    }

    (void) ngx_http_socketio_publisher_ask(p,
                                           ngx_http_socketio_publisher_counted,
                                           NULL, words, 2 + n);
}


/* [channel, subscribers, ...] */

static void
ngx_http_socketio_publisher_counted(redisAsyncContext *ac, void *r,
    void *data)
{
    size_t                          i;
    uint64_t                        n;
    ngx_msec_t                      wait;
    redisReply                     *reply = r;
    ngx_http_socketio_publisher_t  *p;

    p = ngx_http_socketio_publisher_heard(ac, reply);

    if (p == NULL) {
        return;
    }

    n = 0;

    for (i = 1; reply->type == REDIS_REPLY_ARRAY && i < reply->elements;
         i += 2)
    {
        if (reply->element[i]->type == REDIS_REPLY_INTEGER) {
            n += (uint64_t) reply->element[i]->integer;
        }
    }

    /* Redis may still count those who have lost it as silently as we did */

    wait = ngx_http_socketio_roll_short(&p->roll, n)
           ? NGX_HTTP_SOCKETIO_PUBLISH_WAIT
           : p->silent ? NGX_HTTP_SOCKETIO_PUBLISH_RETURN : 0;

    if (p->hold && ngx_current_msec - p->returned < wait) {
        ngx_add_timer(&p->retry, NGX_HTTP_SOCKETIO_PUBLISH_LOOK);
        return;
    }

    ngx_http_socketio_roll_note(&p->roll, n);

    p->hold = 0;
    p->silent = 0;

    ngx_http_socketio_publisher_flush(p);
}


/* Whether somebody is missing; who was seen once may have just come. */

static ngx_uint_t
ngx_http_socketio_roll_short(const ngx_http_socketio_roll_t *roll, uint64_t n)
{
    return roll->looks < 2 || n < ngx_max(roll->expected, roll->last);
}


/*
 * A host that reloads or lost its connection may be missing for a while; one
 * whose leader changes is there twice for a moment.
 */
static void
ngx_http_socketio_roll_note(ngx_http_socketio_roll_t *roll, uint64_t n)
{
    if (n >= roll->expected) {
        roll->expected = ngx_max(roll->expected, ngx_min(n, roll->last));
        roll->fewer = 0;

    } else if (++roll->fewer == NGX_HTTP_SOCKETIO_PUBLISH_FEWER) {
        roll->expected = n;
        roll->fewer = 0;
    }

    roll->last = n;
    roll->looks = ngx_min(roll->looks + 1, 2);
}


static void
ngx_http_socketio_publisher_retry(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_socketio_redis_t  *redis;

    c = ev->data;
    redis = c->data;

    ngx_http_socketio_publisher_look(redis->data);
}


void
ngx_http_socketio_publisher_tick(ngx_http_socketio_publisher_t *p)
{
    if (!p->redis.up) {
        return;
    }

    if (p->sent != p->answered
        && ngx_http_socketio_publisher_waited(p)
           > NGX_HTTP_SOCKETIO_PUBLISH_DEAD)
    {
        p->silent = 1;
        ngx_http_socketio_redis_restart(&p->redis, "no answer");
        return;
    }

    if (!p->retry.timer_set && p->sent == p->answered) {
        ngx_http_socketio_publisher_look(p);
    }
}
