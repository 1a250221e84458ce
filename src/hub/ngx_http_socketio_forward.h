/*
 * Polling requests, wherever their session lives.
 *
 * The worker that holds the HTTP request stays its holder: it parks it.  If
 * the session is this worker's own it is asked directly, else its owner gets
 * a record and answers with one.  So no sticky sessions are needed.
 */


#ifndef _NGX_HTTP_SOCKETIO_FORWARD_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FORWARD_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


/* A polling request that waits in this worker: in the carrier's context. */

struct ngx_http_socketio_parked_s {
    sio_map_node_t            node;          /* in hub->parked, forwarded */
    uint64_t                  id;
    ngx_http_socketio_hub_t  *hub;
    void                     *request;       /* the carrier's */
    void                     *poll;          /* at home: the owner's handle */
    u_char                    sid[EIO_SID_LEN];
    uint32_t                  incarnation;   /* of the owner */
    uint16_t                  slot;
    unsigned                  post:1;
    unsigned                  forwarded:1;
    unsigned                  waiting:1;     /* an answer is due */
    unsigned                  lost:1;        /* its session is not there */
};


/*
 * Ask for output (GET), or hand packets in (POST; body is modified).  The
 * carrier's answer() is called, now or later, unless abort comes first.
 */
void ngx_http_socketio_forward_get(ngx_http_socketio_parked_t *parked);
void ngx_http_socketio_forward_post(ngx_http_socketio_parked_t *parked,
    u_char *body, size_t len);

/* The HTTP client went away. */

void ngx_http_socketio_forward_abort(ngx_http_socketio_parked_t *parked);

/* Answer a session's waiting GET if there is something to say. */

void ngx_http_socketio_forward_flush(ngx_http_socketio_session_t *s);

/*
 * Before its client's next request is taken for a proof: whether the session's
 * last answer was given to a worker that has died since, which may not have
 * written it.  Then the session has ended ("transport error").
 */
ngx_uint_t ngx_http_socketio_forward_cut(ngx_http_socketio_session_t *s);

/* Refuse a session's waiting GET, if there is one. */

void ngx_http_socketio_forward_refuse(ngx_http_socketio_session_t *s);

/* Requests whose owner died are answered: the session is unknown. */

void ngx_http_socketio_forward_check(ngx_http_socketio_hub_t *hub);

/*
 * The worker ends.  One that shut down has written its answers, and notes so in
 * its slot, which it is about to leave.
 */
void ngx_http_socketio_forward_end(ngx_http_socketio_hub_t *hub);

/* Records. */

void ngx_http_socketio_forward_receive(ngx_http_socketio_hub_t *hub,
    uint8_t type, sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_FORWARD_H_INCLUDED_ */
