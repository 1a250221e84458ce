/*
 * Which rooms and namespaces this host has, for a dialect with a channel for
 * each: the leader subscribes to what any worker has members of.
 *
 * A leader asks all workers when it begins, and each worker that starts later.
 * Who is asked tells all its rooms, and from then on each one that comes or
 * goes.  A room that one worker has no more is kept while the directory knows
 * of another; what a killed worker leaves behind is found by a walk.
 *
 * The records.  CLUSTER ASK: nothing.  CLUSTER ROOMS: whether they are there,
 * whether it is the last answer, namespace, rooms up to the end; an empty name
 * is the namespace itself.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ROOMS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ROOMS_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"


/*
 * A worker begins: it tells who leads.  It ends, and forgets what it has as a
 * leader.
 */
void ngx_http_socketio_rooms_init(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_rooms_cleanup(ngx_http_socketio_adapter_t *a);

/* A room of this worker comes or goes: the cluster's function. */

void ngx_http_socketio_rooms_changed(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t room, ngx_uint_t present, ngx_uint_t is_socket);

/*
 * The leader: ask who has what; whether all have answered, or have had their
 * time; its connection is up, subscribe to all that is known.
 */
void ngx_http_socketio_rooms_ask(ngx_http_socketio_adapter_t *a);
ngx_uint_t ngx_http_socketio_rooms_known(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_rooms_subscribe(ngx_http_socketio_adapter_t *a);

/* Once a second. */

void ngx_http_socketio_rooms_tick(ngx_http_socketio_adapter_t *a);

/* Records. */

void ngx_http_socketio_rooms_asked(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);
void ngx_http_socketio_rooms_told(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ROOMS_H_INCLUDED_ */
