/*
 * The HTTP API: requests whose answer comes later.
 *
 * A request that waits is parked: its client may go away, which gives up what
 * it waits for, and a guard ends the waiting if nobody else does.  Most wait
 * for a question to other workers (fetch): those share all of it here.
 */


#ifndef _NGX_HTTP_SOCKETIO_API_WAIT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_API_WAIT_H_INCLUDED_


#include "http/ngx_http_socketio_api.h"
#include "hub/ngx_http_socketio_fetch.h"


/* More than the wheel may be late: a worker that shuts down waits as long. */

#define NGX_HTTP_SOCKETIO_API_GUARD  1000    /* msec */


typedef struct ngx_http_socketio_api_wait_s  ngx_http_socketio_api_wait_t;

struct ngx_http_socketio_api_wait_s {
    ngx_http_request_t         *request;
    ngx_http_socketio_fetch_t   fetch;
    ngx_event_t                 guard;

    /* The question is answered: what finalizes the request. */
    ngx_int_t                 (*answer)(ngx_http_socketio_api_wait_t *wait);
};


/*
 * Before anything else: wait is zeroed, and ends with the request; the
 * question is the caller's to set.  NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_api_wait_init(ngx_http_request_t *r,
    ngx_http_socketio_api_wait_t *wait,
    ngx_int_t (*answer)(ngx_http_socketio_api_wait_t *wait));

/*
 * Ask.  NGX_AGAIN: the request is parked, answer will be called; else as
 * ngx_http_socketio_fetch() has it, or NGX_ABORT: the request is to end with
 * NGX_HTTP_INTERNAL_SERVER_ERROR.
 */
ngx_int_t ngx_http_socketio_api_wait_fetch(ngx_http_socketio_api_wait_t *wait);

/*
 * The answer comes later: keep the request, whose client may go away.  guard
 * is called after msec at the latest if the answer did not come; its data is
 * the connection.  Returns NGX_AGAIN, or NGX_HTTP_INTERNAL_SERVER_ERROR.
 */
ngx_int_t ngx_http_socketio_api_park(ngx_http_request_t *r,
    ngx_event_t *guard, ngx_event_handler_pt handler, ngx_msec_t msec);

/* Finalize it then; not from inside of one of its own handlers. */

void ngx_http_socketio_api_resume(ngx_http_request_t *r, ngx_event_t *guard,
    ngx_int_t rc);


#endif /* _NGX_HTTP_SOCKETIO_API_WAIT_H_INCLUDED_ */
