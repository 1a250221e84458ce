/*
 * Reading a stream of Redis: the leader's own connection, on which it waits
 * for entries and hands them out.
 *
 * How far it has come is noted in the zone behind each entry.  Whoever leads
 * next goes on from there, also after the leader was killed or Redis was away:
 * nothing is lost that the stream still has, and nothing comes twice, but for
 * the one entry that a killed leader may have been at.  A host that is new
 * begins at the end of the stream.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_XREAD_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_XREAD_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"


/* Functions of a dialect. */

void ngx_http_socketio_xread_begin(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_xread_end(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_xread_tick(ngx_http_socketio_adapter_t *a);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_XREAD_H_INCLUDED_ */
