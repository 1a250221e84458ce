/*
 * What hiredis may be shown.  It asserts that a server speaks in turn, and
 * that what comes to a subscriber is a message: a server that does otherwise -
 * another one than Redis, or a broken one - would end the worker.  Here such a
 * reply is an error of the connection, before hiredis looks at it.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_READER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_READER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>
#include <hiredis/async.h>


/* Have the replies on a new connection checked. */

void ngx_http_socketio_redis_reader_init(redisAsyncContext *ac);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_READER_H_INCLUDED_ */
