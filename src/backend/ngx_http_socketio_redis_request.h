/*
 * Requests of other hosts: who is here, remote joins, leaves and
 * disconnects, events from server to server, broadcasts that want acks.
 *
 * Each host that listens to requests is counted by those who ask, and waited
 * for: so everything is answered, also with nothing.
 *
 * A request of this host's own comes back to it and is ignored: it was done
 * when it was made.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_REQUEST_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_REQUEST_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"
#include "codec/sio_operation.h"


/*
 * A request was heard in a namespace that there is.  What it views is good
 * for the call only.
 */
void ngx_http_socketio_redis_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);

/* Have other hosts do an operation: the cluster's function. */

void ngx_http_socketio_redis_operate(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_REQUEST_H_INCLUDED_ */
