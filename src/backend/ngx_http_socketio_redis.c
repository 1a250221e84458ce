/*
 * A connection to Redis that is kept up.
 *
 * AUTH and SELECT are sent with the first bytes; the connection counts as up
 * when the reply to the last of them is good.  The time between attempts
 * doubles up to less than a second, with a random part, so that all workers of
 * all hosts do not come back at once.
 *
 * hiredis frees a context itself when an attempt fails or the connection is
 * lost, after the callback; there the pointer is dropped.
 *
 * hiredis takes a reply for that of the oldest command unless it knows the
 * command for one that subscribes, and 0.14 does not know SSUBSCRIBE.  So a
 * connection that listens is read here, once it is up: hiredis reads the
 * socket and makes the replies, which all go to one function.
 *
 * A connection that is lost as soon as it is up was none: who is let in and
 * then refused what he asks for comes back as slowly, and says so once.
 *
 * A network may lose packets and say nothing.  TCP then tries again later and
 * later, long after all is well: so an attempt is given up before its first
 * packet is sent again, and the next one is made at once.  What was given up
 * stays open until there is a new connection, and is then closed by a reset,
 * which Redis gets: it forgets who listened there, and nothing that still lies
 * in the system's buffer comes behind what is said on the new one.
 */


#include "backend/ngx_http_socketio_redis.h"
#include "backend/ngx_http_socketio_redis_reader.h"
#include <poll.h>


#define NGX_HTTP_SOCKETIO_REDIS_CONNECT   700    /* msec to be connected in, */
#define NGX_HTTP_SOCKETIO_REDIS_ANSWER    2000   /* and then to be up in */
#define NGX_HTTP_SOCKETIO_REDIS_FIRST     50     /* msec to the 2nd attempt */
#define NGX_HTTP_SOCKETIO_REDIS_BACKOFF   400    /* at most, plus as much */
#define NGX_HTTP_SOCKETIO_REDIS_GOOD      5000   /* msec up: it was one */
#define NGX_HTTP_SOCKETIO_REDIS_LAST      3000   /* msec: a worker ends */
#define NGX_HTTP_SOCKETIO_REDIS_SILENT    500    /* msec without an answer */
#define NGX_HTTP_SOCKETIO_REDIS_LOOK      100    /* msec, in steps of */


static void ngx_http_socketio_redis_connect(ngx_http_socketio_redis_t *redis);
static redisAsyncContext *ngx_http_socketio_redis_open(
    ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_hello(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_reply(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_socketio_redis_last(redisAsyncContext *ac, void *reply,
    void *data);
static void ngx_http_socketio_redis_words(const sio_str_t *words,
    ngx_uint_t n, const char **argv, size_t *len);
static void ngx_http_socketio_redis_hear(ngx_event_t *ev);
static void ngx_http_socketio_redis_connected(const redisAsyncContext *ac,
    int status);
static void ngx_http_socketio_redis_disconnected(const redisAsyncContext *ac,
    int status);
static void ngx_http_socketio_redis_keep(ngx_http_socketio_redis_t *redis,
    int fd);
static void ngx_http_socketio_redis_reset(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_worked(ngx_http_socketio_redis_t *redis);
static void ngx_http_socketio_redis_gone(ngx_http_socketio_redis_t *redis,
    const char *why);
static void ngx_http_socketio_redis_timer(ngx_event_t *ev);


void
ngx_http_socketio_redis_start(ngx_http_socketio_redis_t *redis)
{
    redis->dummy.fd = (ngx_socket_t) -1;
    redis->dummy.data = redis;
    redis->dummy.log = redis->log;

    redis->timer.handler = ngx_http_socketio_redis_timer;
    redis->timer.data = &redis->dummy;
    redis->timer.log = redis->log;
    redis->timer.cancelable = 1;

    redis->started = 1;
    redis->old = -1;
    redis->backoff = NGX_HTTP_SOCKETIO_REDIS_FIRST;

    ngx_http_socketio_redis_connect(redis);
}


void
ngx_http_socketio_redis_stop(ngx_http_socketio_redis_t *redis)
{
    redisAsyncContext  *ac;

    if (redis->started) {
        ngx_http_socketio_redis_reset(redis);
    }

    redis->started = 0;
    redis->up = 0;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    ac = redis->ac;
    redis->ac = NULL;

    if (ac) {
        ac->data = NULL;
        redisAsyncFree(ac);
    }
}


/*
 * A connection that is closed with answers unread is reset, and what the other
 * side had not taken by then is lost: so they are waited for.  What this
 * worker did before may have taken long: the time begins now.
 */
void
ngx_http_socketio_redis_drain(ngx_http_socketio_redis_t *redis,
    ngx_uint_t (*waits)(ngx_http_socketio_redis_t *redis))
{
    ngx_msec_t          start, heard;
    struct pollfd       pfd;
    redisAsyncContext  *ac;

    ngx_time_update();
    start = ngx_current_msec;
    heard = start;

    while (redis->up && waits(redis)
           && ngx_current_msec - heard < NGX_HTTP_SOCKETIO_REDIS_SILENT
           && ngx_current_msec - start < NGX_HTTP_SOCKETIO_REDIS_LAST)
    {
        ac = redis->ac;

        redisAsyncHandleWrite(ac);

        if (redis->ac != ac) {
            return;
        }

        pfd.fd = ac->c.fd;
        pfd.events = ac->c.obuf[0] == '\0' ? POLLIN : POLLIN|POLLOUT;
        pfd.revents = 0;

        (void) poll(&pfd, 1, NGX_HTTP_SOCKETIO_REDIS_LOOK);

        ngx_time_update();

        if (pfd.revents) {
            heard = ngx_current_msec;
        }

        if (pfd.revents & ~POLLOUT) {
            redisAsyncHandleRead(ac);
        }
    }
}


void
ngx_http_socketio_redis_restart(ngx_http_socketio_redis_t *redis,
    const char *why)
{
    redisAsyncContext  *ac;

    ac = redis->ac;
    redis->ac = NULL;

    if (ac) {
        ac->data = NULL;

        if (redis->up) {
            ngx_http_socketio_redis_keep(redis, ac->c.fd);
        }
    }

    /* why may be the context's own words */

    ngx_http_socketio_redis_gone(redis, why);

    if (ac) {
        redisAsyncFree(ac);
    }
}


/* What is closed by a reset later; the first one, if there are several. */

static void
ngx_http_socketio_redis_keep(ngx_http_socketio_redis_t *redis, int fd)
{
    struct linger  linger;

    if (redis->old != -1) {
        return;
    }

    redis->old = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    linger.l_onoff = 1;
    linger.l_linger = 0;

    (void) setsockopt(redis->old, SOL_SOCKET, SO_LINGER, &linger,
                      sizeof(struct linger));
}


static void
ngx_http_socketio_redis_reset(ngx_http_socketio_redis_t *redis)
{
    if (redis->old != -1) {
        (void) close(redis->old);
        redis->old = -1;
    }
}


/* The turn has an end, with what is measured of it. */

static void
ngx_http_socketio_redis_worked(ngx_http_socketio_redis_t *redis)
{
    if (redis->turn && !redis->turn->posted) {
        ngx_post_event(redis->turn, &ngx_posted_events);
    }
}


ngx_int_t
ngx_http_socketio_redis_command(ngx_http_socketio_redis_t *redis,
    redisCallbackFn *fn, void *data, const sio_str_t *words, ngx_uint_t n)
{
    size_t       len[NGX_HTTP_SOCKETIO_REDIS_WORDS];
    const char  *argv[NGX_HTTP_SOCKETIO_REDIS_WORDS];

    if (redis->ac == NULL || n > NGX_HTTP_SOCKETIO_REDIS_WORDS) {
        return NGX_DECLINED;
    }

    ngx_http_socketio_redis_words(words, n, argv, len);

    return redisAsyncCommandArgv(redis->ac, fn, data, (int) n, argv, len)
           == REDIS_OK ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_socketio_redis_listen(ngx_http_socketio_redis_t *redis,
    const sio_str_t *words, ngx_uint_t n)
{
    size_t       len[NGX_HTTP_SOCKETIO_REDIS_WORDS];
    const char  *argv[NGX_HTTP_SOCKETIO_REDIS_WORDS];

    if (redis->ac == NULL || !redis->up || n > NGX_HTTP_SOCKETIO_REDIS_WORDS)
    {
        return NGX_DECLINED;
    }

    ngx_http_socketio_redis_words(words, n, argv, len);

    if (redisAppendCommandArgv(&redis->ac->c, (int) n, argv, len)
        != REDIS_OK)
    {
        return NGX_DECLINED;
    }

    redis->ac->ev.addWrite(redis->ac->ev.data);

    return NGX_OK;
}


static void
ngx_http_socketio_redis_words(const sio_str_t *words, ngx_uint_t n,
    const char **argv, size_t *len)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        argv[i] = (const char *) words[i].data;
        len[i] = words[i].len;
    }
}


static void
ngx_http_socketio_redis_hear(ngx_event_t *ev)
{
    void                       *reply;
    ngx_connection_t           *c;
    redisAsyncContext          *ac;
    ngx_http_socketio_redis_t  *redis;

    c = ev->data;
    ac = c->data;
    redis = ac->data;

    /* what worker_shutdown_timeout sets is for connections of clients */

    c->close = 0;
    c->error = 0;

    redis->listens = 1;

    ngx_http_socketio_redis_worked(redis);

    if (redisBufferRead(&ac->c) != REDIS_OK) {
        ngx_http_socketio_redis_restart(redis, ac->c.errstr);
        return;
    }

    for ( ;; ) {

        if (redisGetReplyFromReader(&ac->c, &reply) != REDIS_OK) {
            ngx_http_socketio_redis_restart(redis, ac->c.errstr);
            return;
        }

        if (reply == NULL) {
            return;
        }

        redis->heard(redis, reply);

        freeReplyObject(reply);

        if (redis->ac != ac) {
            return;
        }
    }
}


static void
ngx_http_socketio_redis_connect(ngx_http_socketio_redis_t *redis)
{
    redisAsyncContext  *ac;

    ac = ngx_http_socketio_redis_open(redis);

    redis->next = (redis->next + 1) % redis->conf->naddrs;

    if (ac == NULL) {
        ngx_http_socketio_redis_gone(redis, "no memory");
        return;
    }

    if (ac->err) {
        ngx_http_socketio_redis_gone(redis, ac->errstr);
        redisAsyncFree(ac);
        return;
    }

    if (ngx_http_socketio_redis_attach(ac, redis->log) != NGX_OK) {
        redisAsyncFree(ac);
        ngx_http_socketio_redis_gone(redis, "no connection is left");
        return;
    }

    ngx_http_socketio_redis_reader_init(ac);

    ac->data = redis;
    redis->ac = ac;
    redis->listens = 0;

    (void) redisAsyncSetConnectCallback(ac, ngx_http_socketio_redis_connected);
    (void) redisAsyncSetDisconnectCallback(ac,
                                       ngx_http_socketio_redis_disconnected);

    ngx_http_socketio_redis_hello(redis);

    ngx_add_timer(&redis->timer, NGX_HTTP_SOCKETIO_REDIS_CONNECT);
}


static redisAsyncContext *
ngx_http_socketio_redis_open(ngx_http_socketio_redis_t *redis)
{
    size_t                len;
    u_char                host[NGX_SOCKADDR_STRLEN + 1];
    in_port_t             port;
    ngx_addr_t           *addr;
    struct sockaddr_un   *un;

    addr = &redis->conf->addrs[redis->next];

#if (NGX_HAVE_UNIX_DOMAIN)

    if (addr->sockaddr->sa_family == AF_UNIX) {
        un = (struct sockaddr_un *) addr->sockaddr;
        return redisAsyncConnectUnix(un->sun_path);
    }

#endif

    port = ngx_inet_get_port(addr->sockaddr);
    len = ngx_sock_ntop(addr->sockaddr, addr->socklen, host,
                        NGX_SOCKADDR_STRLEN, 0);
    host[len] = '\0';

    /* nginx writes IPv6 addresses in brackets */

    if (host[0] == '[') {
        host[len - 1] = '\0';
        return redisAsyncConnect((char *) host + 1, port);
    }

    return redisAsyncConnect((char *) host, port);
}


/* The first commands; the reply to the last tells that all is well. */

static void
ngx_http_socketio_redis_hello(ngx_http_socketio_redis_t *redis)
{
    char        db[NGX_INT_T_LEN];
    sio_str_t   words[3];
    ngx_uint_t  n;

    n = 0;
    words[n++] = sio_cstr("AUTH");

    if (redis->conf->user.len) {
        words[n++] = sio_str(redis->conf->user.data, redis->conf->user.len);
    }

    words[n++] = sio_str(redis->conf->password.data,
                         redis->conf->password.len);

    if (redis->conf->password.len) {
        (void) ngx_http_socketio_redis_command(redis,
                               ngx_http_socketio_redis_reply, NULL, words, n);
    }

    /* without a database of its own as well: it asks for a reply */

    words[0] = sio_cstr("SELECT");
    words[1] = sio_str(db, ngx_sprintf((u_char *) db, "%ui", redis->conf->db)
                           - (u_char *) db);

    (void) ngx_http_socketio_redis_command(redis,
                                ngx_http_socketio_redis_last, NULL, words, 2);
}


static void
ngx_http_socketio_redis_reply(redisAsyncContext *ac, void *r, void *data)
{
    char                        why[128];
    redisReply                 *reply = r;
    ngx_http_socketio_redis_t  *redis;

    redis = ac->data;

    if (reply == NULL || redis == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    (void) ngx_snprintf((u_char *) why, sizeof(why), "it says \"%s\"%Z",
                        reply->str);
    why[sizeof(why) - 1] = '\0';

    /* hiredis frees the context when it comes back to itself */

    ac->data = NULL;
    redis->ac = NULL;
    redisAsyncFree(ac);

    ngx_http_socketio_redis_gone(redis, why);
}


static void
ngx_http_socketio_redis_last(redisAsyncContext *ac, void *r, void *data)
{
    redisReply                 *reply = r;
    ngx_connection_t           *c;
    ngx_http_socketio_redis_t  *redis;

    redis = ac->data;

    if (reply == NULL || redis == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_socketio_redis_reply(ac, r, data);
        return;
    }

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->complained && !redis->returned) {
        redis->returned = 1;

        ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                      "socketio: redis %V: the %s is connected again",
                      &redis->conf->name, redis->role);
    }

    ngx_http_socketio_redis_reset(redis);

    redis->up = 1;
    redis->since = ngx_current_msec;

    if (redis->heard) {
        c = ac->ev.data;
        c->read->handler = ngx_http_socketio_redis_hear;
    }

    redis->ready(redis);
}


static void
ngx_http_socketio_redis_connected(const redisAsyncContext *ac, int status)
{
    ngx_http_socketio_redis_t  *redis;

    redis = ac->data;

    if (redis == NULL) {
        return;
    }

    if (status == REDIS_OK) {
        ngx_add_timer(&redis->timer, NGX_HTTP_SOCKETIO_REDIS_ANSWER);
        return;
    }

    redis->ac = NULL;
    ngx_http_socketio_redis_gone(redis, ac->errstr);
}


static void
ngx_http_socketio_redis_disconnected(const redisAsyncContext *ac, int status)
{
    ngx_http_socketio_redis_t  *redis;

    redis = ac->data;

    if (redis == NULL) {
        return;
    }

    redis->ac = NULL;
    ngx_http_socketio_redis_gone(redis, status == REDIS_OK ? "closed"
                                                           : ac->errstr);
}


/* The connection is lost, or there was none: again, after a while. */

static void
ngx_http_socketio_redis_gone(ngx_http_socketio_redis_t *redis,
    const char *why)
{
    if (!redis->started) {
        return;
    }

    if (redis->up
        && ngx_current_msec - redis->since > NGX_HTTP_SOCKETIO_REDIS_GOOD)
    {
        redis->complained = 0;
        redis->backoff = NGX_HTTP_SOCKETIO_REDIS_FIRST;
    }

    /* once for each outage, not for each attempt */

    if (!redis->complained) {
        redis->complained = 1;
        redis->returned = 0;

        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "socketio: redis %V: the %s has no connection: %s",
                      &redis->conf->name, redis->role, why);
    }

    ngx_add_timer(&redis->timer,
                  redis->backoff + (ngx_msec_t) ngx_random() % redis->backoff);

    redis->backoff = ngx_min(redis->backoff * 2,
                             NGX_HTTP_SOCKETIO_REDIS_BACKOFF);

    redis->up = 0;
    redis->lost(redis);
}


static void
ngx_http_socketio_redis_timer(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_socketio_redis_t  *redis;

    c = ev->data;
    redis = c->data;

    ngx_http_socketio_redis_worked(redis);

    /* it has waited long enough */

    if (redis->ac) {
        redis->backoff = NGX_HTTP_SOCKETIO_REDIS_FIRST;
        ngx_http_socketio_redis_restart(redis, "timed out");
        return;
    }

    ngx_http_socketio_redis_connect(redis);
}
