/*
 * The leader: the one worker of a host that listens to Redis.
 *
 * It is that of the lowest slot among those with the newest configuration.
 * The host's own channel carries the marks of new leaders and, once a second,
 * a sign of life that the leader has to hear itself: a subscription that is
 * silent is made anew.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_LEADER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_LEADER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"


/* Once at the start, then once a second: lead if it is this worker's turn. */

void ngx_http_socketio_leader_tick(ngx_http_socketio_adapter_t *a);

/* For a dialect: "SUBSCRIBE" and the like, to one channel or pattern. */

void ngx_http_socketio_leader_subscribe(ngx_http_socketio_adapter_t *a,
    const char *command, sio_str_t channel);

/* For rooms: if it was waited for nothing else, the leader begins. */

void ngx_http_socketio_leader_check(ngx_http_socketio_adapter_t *a);

/* Its mark can be published, if it could not before. */

void ngx_http_socketio_leader_mark(ngx_http_socketio_publisher_t *p);

/*
 * For handover.  It leads: what was kept is handed out, and what comes from
 * now on; and it does not any more.
 */
void ngx_http_socketio_leader_begin(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_leader_end(ngx_http_socketio_adapter_t *a);

/*
 * This worker stood still for seconds: it has not waited meanwhile, and
 * another one may have taken over.  Whether it leads: what it has in its hands
 * nobody else has had.
 */
void ngx_http_socketio_leader_wake(ngx_http_socketio_adapter_t *a);
ngx_uint_t ngx_http_socketio_leader_leads(ngx_http_socketio_adapter_t *a);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_LEADER_H_INCLUDED_ */
