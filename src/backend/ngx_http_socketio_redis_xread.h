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


#include "backend/ngx_http_socketio_redis_cluster.h"


/*
 * The field of our entries by which we know who added them, if they are to be
 * delivered when they are read: SLOT-INCARNATION-NUMBER.  Node passes over it.
 */
#define NGX_HTTP_SOCKETIO_XREAD_ORIGIN  "nginx"


/* Functions of a dialect. */

void ngx_http_socketio_xread_begin(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_xread_end(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_xread_tick(ngx_http_socketio_adapter_t *a);

/* An entry's id and fields, empty where there are none: NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_xread_parse(redisReply *entry,
    sio_stream_id_t *id, sio_cluster_entry_t *e, sio_str_t *origin);

/* Whose an entry of this host is: NGX_OK, or NGX_DECLINED: it does not say. */

ngx_int_t ngx_http_socketio_streams_origin(sio_str_t origin,
    ngx_http_socketio_entered_t *stamp);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_XREAD_H_INCLUDED_ */
