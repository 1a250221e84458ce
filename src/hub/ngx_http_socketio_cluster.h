/*
 * Other hosts, as the hub sees them: a table of functions that a backend
 * sets.  None waits for anything: what a worker does for its own host never
 * depends on another one.
 */


#ifndef _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_


#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_recall.h"
#include "codec/sio_adapter_request.h"
#include "codec/sio_operation.h"


/*
 * A request of ours to all other hosts.  heard and done are the asker's; done
 * comes once, not from inside of ask, and ask may be freed then.
 */

typedef struct ngx_http_socketio_ask_s  ngx_http_socketio_ask_t;

struct ngx_http_socketio_ask_s {
    ngx_http_socketio_hub_t  *hub;

    /* A host answered, or a client of it did (SIO_RESPONSE_ACK); r is good
       for the call only. */
    void                    (*heard)(ngx_http_socketio_ask_t *ask,
                                     const sio_response_t *r);

    /* All have answered, or time is up: silent and missing tell. */
    void                    (*done)(ngx_http_socketio_ask_t *ask);

    void                     *data;

    ngx_uint_t                silent;    /* hosts that did not answer */
    uint64_t                  missing;   /* clients that owe an ack */

    /* the backend's, zeroed */
    sio_timer_t               timer;
    uint32_t                  id;
    ngx_uint_t                hosts;     /* asked */
    ngx_uint_t                answered;
    ngx_uint_t                own;       /* of those that were counted */
    int64_t                   owed;      /* acks */
    unsigned                  waiting:1; /* done will be called */
    unsigned                  counted:1;
};


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

    /*
     * Ask all others; r gets an id.  NGX_OK: done will be called within
     * timeout; NGX_DECLINED: nobody can be asked now.  ask may be NULL: no
     * answer is wanted.
     */
    ngx_int_t  (*ask)(ngx_http_socketio_hub_t *hub,
                      ngx_http_socketio_ask_t *ask, sio_str_t nsp,
                      sio_request_t *r, ngx_msec_t timeout);

    /* Nobody wants to know any more; in any state. */
    void  (*forget)(ngx_http_socketio_hub_t *hub,
                    ngx_http_socketio_ask_t *ask);

    /* A timer of kind CLUSTER. */
    void  (*timeout)(ngx_http_socketio_hub_t *hub, sio_timer_t *timer);

    /* A CLUSTER record came, from the backend in another worker. */
    void  (*receive)(ngx_http_socketio_hub_t *hub, sio_wire_t *record,
                     const ngx_http_socketio_from_t *from);

    /* Tell the nginx hosts alone, in order with the others: see hosts. */
    void  (*tell)(ngx_http_socketio_hub_t *hub, sio_str_t message);

    /*
     * How many messages this worker has had for others; and whether so many
     * are out of its hands, or can't be sent now.
     */
    uint64_t  (*spoken)(ngx_http_socketio_hub_t *hub);
    ngx_uint_t  (*settled)(ngx_http_socketio_hub_t *hub, uint64_t n);

    /*
     * Add a broadcast to the order of all hosts, see stream; and leave a lost
     * session to them (text: of sio_session_encode(); empty: there is none
     * any more).  NGX_OK, or NGX_DECLINED: not now.
     */
    ngx_int_t  (*add)(ngx_http_socketio_hub_t *hub,
                      const ngx_http_socketio_broadcast_t *b,
                      uint64_t number);
    ngx_int_t  (*save)(ngx_http_socketio_hub_t *hub, sio_str_t pid,
                       sio_str_t text, uint64_t msec);

    /* Ask what recall->step says: NGX_OK, or NGX_DECLINED: not now. */
    ngx_int_t  (*recall)(ngx_http_socketio_hub_t *hub,
                         ngx_http_socketio_recall_t *recall);

    /* Once a second. */
    void  (*tick)(ngx_http_socketio_hub_t *hub);

    /* The hub ends. */
    void  (*cleanup)(ngx_http_socketio_hub_t *hub);
};


#endif /* _NGX_HTTP_SOCKETIO_CLUSTER_H_INCLUDED_ */
