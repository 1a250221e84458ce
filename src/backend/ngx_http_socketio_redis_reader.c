/*
 * What hiredis may be shown.
 *
 * Its reader makes replies by a table of functions.  Ours look first, and make
 * nothing of what hiredis would choke on, which it takes for a lack of memory
 * and closes the connection.
 *
 * No array is long that we are sent: what announces a long one would cost as
 * many pointers.  Else a reply that was asked for may be anything.  Without a
 * command that waits, an error is fine (hiredis ends the connection itself),
 * and on a subscriber an array that begins with what it is and where: two
 * strings.
 */


#include "backend/ngx_http_socketio_redis_reader.h"


#define NGX_HTTP_SOCKETIO_REDIS_ELEMENTS  100

#if (HIREDIS_MAJOR >= 1)
typedef size_t  ngx_http_socketio_redis_count_t;
#else
typedef int     ngx_http_socketio_redis_count_t;
#endif


static ngx_uint_t ngx_http_socketio_redis_reader_expected(
    const redisReadTask *task, ngx_http_socketio_redis_count_t elements,
    const char *text, size_t len);
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
ngx_http_socketio_redis_reader_expected(const redisReadTask *task,
    ngx_http_socketio_redis_count_t elements, const char *text, size_t len)
{
    ngx_uint_t          i;
    redisAsyncContext  *ac;

    static const ngx_str_t  kinds[] = {
        ngx_string("message"),
        ngx_string("pmessage"),
        ngx_string("subscribe"),
        ngx_string("psubscribe")
    };

    ac = task->privdata;

    if (ac->replies.head || (task->parent && task->parent->parent)) {
        return 1;
    }

    if (task->parent == NULL) {
        return task->type == REDIS_REPLY_ERROR
               || ((ac->c.flags & REDIS_SUBSCRIBED)
                   && task->type == REDIS_REPLY_ARRAY && elements >= 3);
    }

    if (task->idx > 1) {
        return 1;
    }

    if (task->type != REDIS_REPLY_STRING || text == NULL) {
        return 0;
    }

    for (i = 0; task->idx == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].len == len && ngx_memcmp(kinds[i].data, text, len) == 0)
        {
            return 1;
        }
    }

    return task->idx == 1;
}


static void *
ngx_http_socketio_redis_reader_string(const redisReadTask *task, char *text,
    size_t len)
{
    return ngx_http_socketio_redis_reader_expected(task, 0, text, len)
           ? ngx_http_socketio_redis_make.createString(task, text, len)
           : NULL;
}


static void *
ngx_http_socketio_redis_reader_array(const redisReadTask *task,
    ngx_http_socketio_redis_count_t elements)
{
    return elements <= NGX_HTTP_SOCKETIO_REDIS_ELEMENTS
           && ngx_http_socketio_redis_reader_expected(task, elements, NULL, 0)
           ? ngx_http_socketio_redis_make.createArray(task, elements)
           : NULL;
}


static void *
ngx_http_socketio_redis_reader_integer(const redisReadTask *task, long long n)
{
    return ngx_http_socketio_redis_reader_expected(task, 0, NULL, 0)
           ? ngx_http_socketio_redis_make.createInteger(task, n) : NULL;
}


static void *
ngx_http_socketio_redis_reader_nil(const redisReadTask *task)
{
    return ngx_http_socketio_redis_reader_expected(task, 0, NULL, 0)
           ? ngx_http_socketio_redis_make.createNil(task) : NULL;
}
