/*
 * A circuit breaker.
 */


#include "backend/ngx_http_socketio_breaker.h"


#define NGX_HTTP_SOCKETIO_BREAKER_WAIT  100     /* msec, at least */


ngx_msec_t
ngx_http_socketio_breaker_wait(const ngx_http_socketio_breaker_t *breaker)
{
    ngx_msec_int_t  rest;

    rest = (ngx_msec_int_t) (breaker->until - ngx_current_msec);

    if (!breaker->open || (rest <= 0 && !breaker->trying)) {
        return 0;
    }

    return (ngx_msec_t) ngx_max(rest, NGX_HTTP_SOCKETIO_BREAKER_WAIT);
}


ngx_http_socketio_breaker_e
ngx_http_socketio_breaker_judge(ngx_http_socketio_breaker_t *breaker,
    ngx_uint_t ok, ngx_uint_t failures, uint64_t pause)
{
    ngx_uint_t  open, trying;

    open = breaker->open;
    trying = breaker->trying;

    if (ok) {
        ngx_memzero(breaker, sizeof(ngx_http_socketio_breaker_t));
        return open ? NGX_HTTP_SOCKETIO_BREAKER_CLOSED
                    : NGX_HTTP_SOCKETIO_BREAKER_SAME;
    }

    breaker->failures++;

    /* a call of before the pause says nothing new */

    if (open ? !trying : breaker->failures < failures) {
        return NGX_HTTP_SOCKETIO_BREAKER_SAME;
    }

    breaker->open = 1;
    breaker->trying = 0;
    breaker->until = ngx_current_msec + (ngx_msec_t) pause;

    return open ? NGX_HTTP_SOCKETIO_BREAKER_SAME
                : NGX_HTTP_SOCKETIO_BREAKER_OPENED;
}
