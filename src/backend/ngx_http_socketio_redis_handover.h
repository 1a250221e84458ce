/*
 * From one leader of a host to the next, in order.
 *
 * Both hear the new leader's mark: the old one hands out all before it, the
 * new one all behind it.  As they are two processes, what is behind could
 * overtake what is before; so the new leader keeps what it hears until the
 * old one has told it, behind its last message in the new one's inbox, that
 * it is done, or is gone.
 *
 * The record, CLUSTER YIELD: nothing in it; it is for whoever waits.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_HANDOVER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_HANDOVER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"
#include "hub/ngx_http_socketio_channel.h"


/*
 * Say something on the host's own channel: "mark", "alive"; and what is heard
 * there.  A leader's own signs tell it that its subscription is alive.
 */
void ngx_http_socketio_handover_sign(ngx_http_socketio_adapter_t *a,
    const char *what);
void ngx_http_socketio_handover_signed(ngx_http_socketio_adapter_t *a,
    sio_str_t message);

/* Whether no other worker of the host leads; still: nor one that stands. */

ngx_uint_t ngx_http_socketio_handover_alone(ngx_http_socketio_adapter_t *a,
    ngx_uint_t still);

/*
 * The new one: whether it may begin.  NGX_OK: nobody else leads, and what an
 * old one has sent here is taken; NGX_AGAIN: wait.
 */
ngx_int_t ngx_http_socketio_handover_begin(ngx_http_socketio_adapter_t *a);

/* A YIELD record came. */

void ngx_http_socketio_handover_receive(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_HANDOVER_H_INCLUDED_ */
