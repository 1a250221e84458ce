/*
 * The circuit breaker: when it opens, who may try, and whose failure counts
 * while somebody does.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "unit.h"
#include "backend/ngx_http_socketio_breaker.h"


#define SAME    NGX_HTTP_SOCKETIO_BREAKER_SAME
#define OPENED  NGX_HTTP_SOCKETIO_BREAKER_OPENED
#define CLOSED  NGX_HTTP_SOCKETIO_BREAKER_CLOSED

#define PAUSE   5000


volatile ngx_msec_t  ngx_current_msec;


static ngx_http_socketio_breaker_t  breaker;


static int
judge(ngx_uint_t trial, ngx_uint_t ok)
{
    return ngx_http_socketio_breaker_judge(&breaker, trial, ok, 3, PAUSE);
}


static ngx_msec_t
wait_msec(void)
{
    return ngx_http_socketio_breaker_wait(&breaker);
}


/* Open it, and go to the end of the pause. */

static void
fail(void)
{
    memset(&breaker, 0, sizeof(breaker));

    judge(0, 0);
    judge(0, 0);
    judge(0, 0);
    ngx_current_msec += PAUSE;
}


static void
test_open(void)
{
    is_int(wait_msec(), 0, "nothing has failed");
    is_int(ngx_http_socketio_breaker_begin(&breaker), 0, "no call is a trial");
    is_int(judge(0, 0), SAME, "one failure");
    is_int(judge(0, 0), SAME, "two");
    is_int(judge(0, 1), SAME, "an answer");
    is_int(judge(0, 0), SAME, "one again");
    is_int(judge(0, 0), SAME, "two again");
    is_int(wait_msec(), 0, "calls go on");
    is_int(judge(0, 0), OPENED, "three in a row");
    is_int(wait_msec(), PAUSE, "a pause");
    is_int(judge(0, 0), SAME, "a call that ran meanwhile");
    ngx_current_msec += PAUSE - 1;
    is_int(wait_msec(), 100, "near its end");
    ngx_current_msec += 1;
    is_int(wait_msec(), 0, "over");
}


static void
test_trial(void)
{
    ngx_uint_t  trial;

    fail();
    trial = ngx_http_socketio_breaker_begin(&breaker);
    ok(trial != 0, "a trial");
    is_int(wait_msec(), 100, "the others wait");
    is_int(judge(trial, 0), SAME, "it fails");
    is_int(wait_msec(), PAUSE, "another pause");

    ngx_current_msec += PAUSE;
    trial = ngx_http_socketio_breaker_begin(&breaker);
    is_int(judge(trial, 1), CLOSED, "the next one is answered");
    is_int(wait_msec(), 0, "calls go on");
    is_int(judge(0, 0), SAME, "and failures begin anew");
}


static void
test_older(void)
{
    ngx_uint_t  first, second;

    fail();
    first = ngx_http_socketio_breaker_begin(&breaker);
    is_int(judge(0, 0), SAME, "an older call fails");
    is_int(wait_msec(), 100, "which is no end of the trial");
    ngx_current_msec += PAUSE;
    is_int(wait_msec(), 100, "nor lets another one in");

    is_int(judge(first, 0), SAME, "the trial fails");
    ngx_current_msec += PAUSE;
    second = ngx_http_socketio_breaker_begin(&breaker);
    ok(second != first, "another trial");
    is_int(judge(first, 0), SAME, "one of before fails");
    is_int(wait_msec(), 100, "which says nothing of this one");

    is_int(judge(0, 1), CLOSED, "an older call is answered");
    is_int(judge(second, 0), SAME, "the trial is a call like others by then");
    is_int(wait_msec(), 0, "calls go on");
}


static void
test_forget(void)
{
    ngx_uint_t  trial;

    fail();
    trial = ngx_http_socketio_breaker_begin(&breaker);
    ngx_http_socketio_breaker_forget(&breaker, 0);
    is_int(wait_msec(), 100, "another call could not be made");
    ngx_http_socketio_breaker_forget(&breaker, trial);
    is_int(wait_msec(), 0, "the trial could not: another one may try");
}


int
main(void)
{
    unit_plan();

    test_open();
    test_trial();
    test_older();
    test_forget();

    return unit_done();
}
