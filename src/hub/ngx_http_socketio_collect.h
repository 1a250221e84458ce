/*
 * Collect: the acks of many sockets for one request.
 *
 * The worker that asks gives the event an ack id with its own slot in the
 * lowest bits, so that any worker knows where an ack belongs, also when the
 * socket's session has moved meanwhile.  Workers with addressed members tell
 * which sockets owe an ack (EXPECT), then pass on what these answer (ACK).
 * Other hosts get the event as a request, count their clients and pass on the
 * first value of each ack.
 */


#ifndef _NGX_HTTP_SOCKETIO_COLLECT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_COLLECT_H_INCLUDED_


#include "hub/ngx_http_socketio_cluster.h"


typedef struct ngx_http_socketio_collect_s  ngx_http_socketio_collect_t;

struct ngx_http_socketio_collect_s {
    ngx_http_socketio_hub_t  *hub;
    sio_ack_t                *ack;        /* NULL: this host is done */
    ngx_msec_t                timeout;
    uint64_t                  expect[NGX_HTTP_SOCKETIO_SLOTS / 64];
    uint64_t                  matched;
    sio_buf_t                 answers;    /* JSON arrays joined by commas */
    sio_buf_t                 early;      /* that came before all EXPECTs */
    ngx_uint_t                nanswers;
    sio_buf_t                 missing;    /* sids of those that owe one */

    ngx_http_socketio_ask_t   ask;        /* of other hosts: silent, missing */
    unsigned                  asked:1;    /* they were, */
    unsigned                  away:1;     /* or could not be: they got the
                                             event without the wish */
    unsigned                  torn:1;     /* missing is not complete */

    /* All have answered, or time is up.  c may be freed. */
    void                    (*done)(ngx_http_socketio_collect_t *c);
    void                     *data;       /* the asker's */
};


/*
 * Begin, before the broadcast: c->ack gets an id.  NGX_OK, NGX_DECLINED: too
 * many wait, or no memory.
 */
ngx_int_t ngx_http_socketio_collect_begin(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_collect_t *c, ngx_msec_t timeout);

/*
 * After the broadcast: wait for the slots of c->expect.  done may be called
 * from inside.
 */
void ngx_http_socketio_collect_start(ngx_http_socketio_collect_t *c);

/*
 * Send a broadcast that wants acks to the other hosts, if it is one of a
 * collection here.  NGX_OK, NGX_DECLINED: send it as any other.
 */
ngx_int_t ngx_http_socketio_collect_hosts(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);

/* The same with any request whose answers are wanted as acks. */

ngx_int_t ngx_http_socketio_collect_ask(ngx_http_socketio_hub_t *hub,
    int64_t id, sio_str_t nsp, sio_request_t *r);

/* Wait no longer: done is called with what there is. */

void ngx_http_socketio_collect_expire(ngx_http_socketio_collect_t *c);

/* Nobody wants to know any more: no done, and free. */

void ngx_http_socketio_collect_cancel(ngx_http_socketio_collect_t *c);

/* After done: gives back what c holds (not c itself). */

void ngx_http_socketio_collect_free(ngx_http_socketio_collect_t *c);

/* These sockets (sids without separators) of this worker owe an ack. */

void ngx_http_socketio_collect_expect(ngx_http_socketio_hub_t *hub,
    int64_t id, sio_str_t sids);

/* A socket of this worker sent an ack. */

void ngx_http_socketio_collect_ack(ngx_http_socketio_hub_t *hub, int64_t id,
    sio_str_t sid, sio_str_t args, const sio_binary_t *attachments);

/*
 * A JSON value with each attachment (of which there may be none) in place as
 * {"base64": "..."}: good until the next call.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_socketio_collect_value(ngx_http_socketio_hub_t *hub,
    sio_str_t value, const sio_binary_t *attachments, sio_str_t *json);

/* Records. */

void ngx_http_socketio_collect_receive(ngx_http_socketio_hub_t *hub,
    uint8_t type, sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_COLLECT_H_INCLUDED_ */
