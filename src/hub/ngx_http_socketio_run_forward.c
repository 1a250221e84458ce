/*
 * Runs of rules: forward.
 */


#include "hub/ngx_http_socketio_run.h"
#include "hub/ngx_http_socketio_call.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_wait.h"


static void ngx_http_socketio_run_forwarded(ngx_http_socketio_hub_t *hub,
    uint64_t id, ngx_uint_t status, sio_str_t body);


int
ngx_http_socketio_run_forward(sio_run_t *r, const sio_forward_t *forward,
    sio_str_t body)
{
    ngx_int_t                  rc;
    ngx_http_socketio_run_t   *run;
    ngx_http_socketio_call_t   call;

    run = (ngx_http_socketio_run_t *) r;

    ngx_memzero(&call, sizeof(ngx_http_socketio_call_t));

    call.webhook = forward->webhook;
    call.body = body;
    call.msec = forward->msec;

    if (!forward->async) {
        call.id = ngx_http_socketio_wait_id(r);
        call.done = ngx_http_socketio_run_forwarded;
    }

    rc = run->hub->caller ? run->hub->caller->call(run->hub, &call)
                          : NGX_DECLINED;

    /* nobody waits for what is dropped: it is counted */

    if (forward->async) {
        return SIO_OK;
    }

    return rc == NGX_OK ? SIO_AGAIN
                        : sio_run_fail(r, SIO_CODE_UNAVAILABLE, "");
}


/* The socket may be gone, and the run with it. */

static void
ngx_http_socketio_run_forwarded(ngx_http_socketio_hub_t *hub, uint64_t id,
    ngx_uint_t status, sio_str_t body)
{
    u_char           *p;
    sio_run_t        *run;
    sio_forwarded_t  *answer;

    run = ngx_http_socketio_wait_find(hub, id);

    if (run == NULL) {
        return;
    }

    answer = run->pending;
    answer->status = (unsigned) status;

    if (body.len) {
        p = sio_scratch_alloc(run->scratch, body.len);

        if (p == NULL) {
            answer->status = 0;

        } else {
            ngx_memcpy(p, body.data, body.len);
            answer->body = sio_str(p, body.len);
        }
    }

    ngx_http_socketio_wait_resume(run);
}


int
ngx_http_socketio_run_answer(sio_run_t *r, const sio_emit_t *emit,
    unsigned check, const char **error)
{
    ngx_int_t                     rc;
    const char                   *path;
    ngx_http_socketio_run_t      *run;
    ngx_http_socketio_emitted_t   emitted;

    run = (ngx_http_socketio_run_t *) r;

    if (check) {
        rc = ngx_http_socketio_emit_check(run->hub, emit, &path, error);

        return rc == NGX_OK ? SIO_OK : SIO_ERROR;
    }

    ngx_memzero(&emitted, sizeof(ngx_http_socketio_emitted_t));
    emitted.rejected = &run->hub->payload;

    sio_buf_reset(emitted.rejected);

    rc = ngx_http_socketio_emit(run->hub, emit, SIO_NO_ID, NULL, &emitted);

    return rc == NGX_OK ? SIO_OK
                        : sio_run_fail(r, SIO_CODE_UNAVAILABLE, "");
}


void
ngx_http_socketio_run_complain(sio_run_t *r, const char *path,
    const char *error)
{
    const sio_forward_t      *forward;
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;
    forward = r->step->args;

    ngx_log_error(NGX_LOG_ERR, run->hub->log, 0,
                  "socketio app \"%V\": the answer of \"%V\" is invalid: "
                  "%s%s%s, in %s:%ud",
                  &run->hub->conf->name,
                  &((ngx_http_socketio_webhook_t *) forward->webhook)->uri,
                  path, *path ? " " : "", error, r->step->file, r->step->line);
}
