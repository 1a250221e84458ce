/*
 * Other hosts, as the hub sees them: a table of functions that a backend
 * sets.  None waits for anything: what a worker does for its own host never
 * depends on another one.
 */


#ifndef _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_


#include "codec/sio_operation.h"
#include "hub/ngx_http_socketio_broadcast.h"


struct ngx_http_socketio_cluster_s {
    /* Tell the others of a broadcast that began here. */
    void  (*broadcast)(ngx_http_socketio_hub_t *hub,
                       const ngx_http_socketio_broadcast_t *b);

    /* Have the others do it to their sockets. */
    void  (*operate)(ngx_http_socketio_hub_t *hub,
                     const sio_operation_t *operation);

    /*
     * A room of this worker, a namespace (the empty name) or a socket, comes
     * or goes; the directory knows.
     */
    void  (*room)(ngx_http_socketio_hub_t *hub, sio_str_t nsp, sio_str_t room,
                  ngx_uint_t present, ngx_uint_t is_socket);

    /* A CLUSTER record came, from the backend in another worker. */
    void  (*receive)(ngx_http_socketio_hub_t *hub, sio_wire_t *record,
                     const ngx_http_socketio_from_t *from);

    /* Tell the nginx hosts alone, in order with the others: see hosts. */
    void  (*tell)(ngx_http_socketio_hub_t *hub, sio_str_t message);

    /* Once a second. */
    void  (*tick)(ngx_http_socketio_hub_t *hub);

    /* The hub ends. */
    void  (*cleanup)(ngx_http_socketio_hub_t *hub);
};


#endif /* _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_ */
