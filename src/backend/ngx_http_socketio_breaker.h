/*
 * A circuit breaker: what has failed several times in a row is left alone for
 * a pause.  Then one call tries it; how that goes decides for the others.  One
 * that began before the pause and fails meanwhile says nothing new; one that
 * is answered does.
 *
 * It neither logs nor counts; whoever asks it does.
 */


#ifndef _NGX_HTTP_SOCKETIO_BREAKER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_BREAKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* All zero: nothing has failed. */

typedef struct {
    ngx_uint_t   failures;       /* in a row */
    ngx_uint_t   trials;         /* ever: the number of the last one */
    ngx_msec_t   until;          /* the pause lasts */
    unsigned     open:1;
    unsigned     trying:1;       /* the last trial is under way */
} ngx_http_socketio_breaker_t;


typedef enum {
    NGX_HTTP_SOCKETIO_BREAKER_SAME = 0,
    NGX_HTTP_SOCKETIO_BREAKER_OPENED,
    NGX_HTTP_SOCKETIO_BREAKER_CLOSED
} ngx_http_socketio_breaker_e;


/* 0: calls may be made; else when to ask again, in milliseconds. */

ngx_msec_t ngx_http_socketio_breaker_wait(
    const ngx_http_socketio_breaker_t *breaker);

/* A call begins.  Returns the number of its trial, 0: it is none. */

ngx_uint_t ngx_http_socketio_breaker_begin(
    ngx_http_socketio_breaker_t *breaker);

/*
 * How a call went, of what _begin() returned.  failures: in a row, which open
 * it; pause: msec.  Returns what became of the breaker by that.
 */
ngx_http_socketio_breaker_e ngx_http_socketio_breaker_judge(
    ngx_http_socketio_breaker_t *breaker, ngx_uint_t trial, ngx_uint_t ok,
    ngx_uint_t failures, uint64_t pause);

/* It went no way at all: another one may try. */

void ngx_http_socketio_breaker_forget(ngx_http_socketio_breaker_t *breaker,
    ngx_uint_t trial);


#endif /* _NGX_HTTP_SOCKETIO_BREAKER_H_INCLUDED_ */
