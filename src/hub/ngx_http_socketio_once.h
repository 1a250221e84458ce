/*
 * Once: what has an id is done once, in whichever worker it arrives, and a
 * repeat is told what came of it the first time.
 *
 * Who comes first claims the id; then the work ends well (done: a result is
 * kept for a while) or not (abandon: nothing is kept, a repeat begins anew).
 * A claim is worth something while its worker lives.  So work is done again
 * if its worker died before the end: at least once then, not at most.
 *
 * Two things use it: dedup in rules, and the "id" of POST /api/emit.  The
 * latter keeps an ngx_http_socketio_once_emit_t of (namespace, id).
 */


#ifndef _NGX_HTTP_SOCKETIO_ONCE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ONCE_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


#define NGX_HTTP_SOCKETIO_ONCE_MAX   4096        /* bytes of a result */
#define NGX_HTTP_SOCKETIO_ONCE_EMIT  600000      /* msec, ids of emits */


/* A claim: between NGX_OK and the end. */

typedef struct {
    ngx_http_socketio_key_t  key;
    uint64_t                 id;         /* of its record, 0: none */
    uint64_t                 msec;
} ngx_http_socketio_once_t;


/* What is kept of an emit. */

typedef struct {
    uint64_t                 matched;
    uint64_t                 queued;
} ngx_http_socketio_once_emit_t;


/*
 * Claim what n names name; kind is NGX_HTTP_SOCKETIO_STORE_DEDUP or _EMIT.
 * What comes of it is kept for msec.
 *
 * NGX_OK        it is new: call done or abandon, and nothing else in between
 *               has to hold
 * NGX_DONE      it was done before: its result is in the buffer
 * NGX_BUSY      it is being done, here or elsewhere
 * NGX_ERROR     no room in the zone, or no memory
 */
ngx_int_t ngx_http_socketio_once_claim(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once, ngx_http_socketio_store_e kind,
    const sio_str_t *names, ngx_uint_t n, uint64_t msec, sio_buf_t *result);

/*
 * It has ended well.  If the result is longer than NGX_HTTP_SOCKETIO_ONCE_MAX,
 * or there is no room for it, an empty one is kept.
 */
void ngx_http_socketio_once_done(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once, sio_str_t result);

/* It has not.  Without a claim (id is 0), nothing. */

void ngx_http_socketio_once_abandon(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once);


#endif /* _NGX_HTTP_SOCKETIO_ONCE_H_INCLUDED_ */
