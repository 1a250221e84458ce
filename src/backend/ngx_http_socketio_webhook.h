/*
 * Calls of an application: how many at a time, for how long, how often again,
 * and signed.
 *
 *     max        calls of one location that run at a time in a worker; more
 *                wait in a queue
 *     queue      calls that wait there, or to be repeated; beyond it they are
 *                refused, or dropped if nobody waits for them
 *     failures   so many in a row (nobody answers, 5xx), and the location is
 *                left alone: calls fail at once
 *     pause      for so long; then one call tries, and if it is answered the
 *                others go on
 *
 * A call that nobody waits for is repeated when it failed, after 1, 2, 4 and
 * 8 seconds.  Repeats have the id of the first, so that an application can
 * tell.
 *
 * The signature is an HMAC with SHA-256 over the time, a dot and the body:
 *
 *     X-Socketio-Signature: t=1795255200,v1=HEX[,v1=HEX...]
 *
 * with one v1 for each key of the file, so that keys can be exchanged.
 */


#ifndef _NGX_HTTP_SOCKETIO_WEBHOOK_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_WEBHOOK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "hub/ngx_http_socketio_call.h"


#define NGX_HTTP_SOCKETIO_WEBHOOK_KEYS  4


/* What the configuration of an app says. */

typedef struct {
    ngx_http_conf_ctx_t  *ctx;           /* of the server that is called */
    ngx_uint_t            max;
    ngx_uint_t            queue;
    ngx_uint_t            failures;
    uint64_t              pause;         /* msec */
    ngx_uint_t            said;          /* these are no defaults */
    ngx_uint_t            nkeys;
    ngx_str_t             keys[NGX_HTTP_SOCKETIO_WEBHOOK_KEYS];
} ngx_http_socketio_webhook_conf_t;


/* hub's calls are made from now on.  n: its webhooks. */

ngx_int_t ngx_http_socketio_webhook_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_webhook_conf_t *conf, ngx_uint_t n);


#endif /* _NGX_HTTP_SOCKETIO_WEBHOOK_H_INCLUDED_ */
