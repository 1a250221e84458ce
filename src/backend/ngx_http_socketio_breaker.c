/*
 * A circuit breaker.
 */


#include "backend/ngx_http_socketio_breaker.h"


#define NGX_HTTP_SOCKETIO_BREAKER_WAIT  100     /* msec, at least */


static ngx_uint_t ngx_http_socketio_breaker_tries(
    const ngx_http_socketio_breaker_t *breaker, ngx_uint_t trial);


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


ngx_uint_t
ngx_http_socketio_breaker_begin(ngx_http_socketio_breaker_t *breaker)
{
    if (!breaker->open) {
        return 0;
    }

    breaker->trying = 1;

    return ++breaker->trials;
}


static ngx_uint_t
ngx_http_socketio_breaker_tries(const ngx_http_socketio_breaker_t *breaker,
    ngx_uint_t trial)
{
    return breaker->trying && breaker->trials == trial;
}


ngx_http_socketio_breaker_e
ngx_http_socketio_breaker_judge(ngx_http_socketio_breaker_t *breaker,
    ngx_uint_t trial, ngx_uint_t ok, ngx_uint_t failures, uint64_t pause)
{
    ngx_uint_t  open;

    open = breaker->open;

    if (ok) {
        breaker->failures = 0;
        breaker->open = 0;
        breaker->trying = 0;

        return open ? NGX_HTTP_SOCKETIO_BREAKER_CLOSED
                    : NGX_HTTP_SOCKETIO_BREAKER_SAME;
    }

    breaker->failures++;

    if (open ? !ngx_http_socketio_breaker_tries(breaker, trial)
             : breaker->failures < failures)
    {
        return NGX_HTTP_SOCKETIO_BREAKER_SAME;
    }

    breaker->open = 1;
    breaker->trying = 0;
    breaker->until = ngx_current_msec + (ngx_msec_t) pause;

    return open ? NGX_HTTP_SOCKETIO_BREAKER_SAME
                : NGX_HTTP_SOCKETIO_BREAKER_OPENED;
}


void
ngx_http_socketio_breaker_forget(ngx_http_socketio_breaker_t *breaker,
    ngx_uint_t trial)
{
    if (ngx_http_socketio_breaker_tries(breaker, trial)) {
        breaker->trying = 0;
    }
}
