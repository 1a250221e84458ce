/*
 * What hiredis may be shown.
 *
 * Its reader makes replies by a table of functions.  Ours look first, and make
 * nothing of what hiredis would choke on, which it takes for a lack of memory
 * and closes the connection.
 *
 * No array is long that we are sent: what announces a long one would cost as
 * many pointers.  Else a reply that was asked for may be anything.  Without a
 * command that waits an error is fine, which ends the connection.
 *
 * A connection that listens is not read by hiredis' loop, and looks at what it
 * hears itself.
 */


#include "backend/ngx_http_socketio_redis_reader.h"
#include "backend/ngx_http_socketio_redis.h"


#define NGX_HTTP_SOCKETIO_REDIS_ELEMENTS  10000

#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_http_socketio_redis_count_t;
#else
typedef int     ngx_http_socketio_redis_count_t;
#endif


static ngx_uint_t ngx_http_socketio_redis_reader_expected(
    const redisReadTask *task);
static void *ngx_http_socketio_redis_reader_string(const redisReadTask *task,
    char *text, size_t len);
static void *ngx_http_socketio_redis_reader_array(const redisReadTask *task,
    ngx_http_socketio_redis_count_t elements);
static void *ngx_http_socketio_redis_reader_integer(const redisReadTask *task,
    long long n);
static void *ngx_http_socketio_redis_reader_nil(const redisReadTask *task);


/* of hiredis, and with ours in it */

static redisReplyObjectFunctions  ngx_http_socketio_redis_make;
static redisReplyObjectFunctions  ngx_http_socketio_redis_check;


void
ngx_http_socketio_redis_reader_init(redisAsyncContext *ac)
{
    redisReader  *reader;

    reader = ac->c.reader;

    ngx_http_socketio_redis_make = *reader->fn;
    ngx_http_socketio_redis_check = *reader->fn;

    ngx_http_socketio_redis_check.createString =
        ngx_http_socketio_redis_reader_string;
    ngx_http_socketio_redis_check.createArray =
        ngx_http_socketio_redis_reader_array;
    ngx_http_socketio_redis_check.createInteger =
        ngx_http_socketio_redis_reader_integer;
    ngx_http_socketio_redis_check.createNil =
        ngx_http_socketio_redis_reader_nil;

    reader->fn = &ngx_http_socketio_redis_check;
    reader->privdata = ac;
}


static ngx_uint_t
ngx_http_socketio_redis_reader_expected(const redisReadTask *task)
{
    redisAsyncContext          *ac;
    ngx_http_socketio_redis_t  *redis;

    ac = task->privdata;
    redis = ac->data;

    return ac->replies.head || (redis && redis->listens)
           || (task->parent == NULL && task->type == REDIS_REPLY_ERROR);
}


static void *
ngx_http_socketio_redis_reader_string(const redisReadTask *task, char *text,
    size_t len)
{
    return ngx_http_socketio_redis_reader_expected(task)
           ? ngx_http_socketio_redis_make.createString(task, text, len)
           : NULL;
}


static void *
ngx_http_socketio_redis_reader_array(const redisReadTask *task,
    ngx_http_socketio_redis_count_t elements)
{
    return elements <= NGX_HTTP_SOCKETIO_REDIS_ELEMENTS
           && ngx_http_socketio_redis_reader_expected(task)
           ? ngx_http_socketio_redis_make.createArray(task, elements)
           : NULL;
}


static void *
ngx_http_socketio_redis_reader_integer(const redisReadTask *task, long long n)
{
    return ngx_http_socketio_redis_reader_expected(task)
           ? ngx_http_socketio_redis_make.createInteger(task, n) : NULL;
}


static void *
ngx_http_socketio_redis_reader_nil(const redisReadTask *task)
{
    return ngx_http_socketio_redis_reader_expected(task)
           ? ngx_http_socketio_redis_make.createNil(task) : NULL;
}
