/*
 * Repeats of events, by way of once.
 */


#include "hub/ngx_http_socketio_dedup.h"
#include "hub/ngx_http_socketio_once.h"


/* What a run has claimed; all of them in its scratch. */

struct ngx_http_socketio_dedup_s {
    ngx_http_socketio_once_t    once;
    ngx_http_socketio_dedup_t  *next;
    sio_str_t                   key;
};


static int ngx_http_socketio_dedup_repeat(ngx_http_socketio_run_t *run,
    sio_str_t ack);


int
ngx_http_socketio_dedup(sio_run_t *r, sio_str_t key, uint32_t msec)
{
    int                         rc;
    sio_buf_t                   ack;
    sio_str_t                   names[2];
    ngx_http_socketio_run_t    *run;
    ngx_http_socketio_dedup_t  *dedup;

    run = (ngx_http_socketio_run_t *) r;

    for (dedup = run->dedup; dedup; dedup = dedup->next) {
        if (sio_str_eq(dedup->key, key)) {
            return SIO_OK;
        }
    }

    dedup = sio_scratch_alloc(r->scratch, sizeof(ngx_http_socketio_dedup_t));
    if (dedup == NULL) {
        return SIO_NOMEM;
    }

    ngx_memzero(dedup, sizeof(ngx_http_socketio_dedup_t));

    dedup->key = key;
    names[0] = r->nsp;
    names[1] = key;
    sio_scratch_buf(r->scratch, &ack);

    rc = ngx_http_socketio_once_claim(run->hub, &dedup->once,
                                      NGX_HTTP_SOCKETIO_STORE_DEDUP, names, 2,
                                      msec, &ack);
    switch (rc) {

    case NGX_OK:
        dedup->next = run->dedup;
        run->dedup = dedup;
        return SIO_OK;

    case NGX_DONE:
        return ngx_http_socketio_dedup_repeat(run, sio_buf_str(&ack));

    case NGX_BUSY:
        return sio_run_fail(r, SIO_CODE_UNAVAILABLE, "in progress");

    default:
        return sio_run_fail(r, SIO_CODE_UNAVAILABLE, "");
    }
}


static int
ngx_http_socketio_dedup_repeat(ngx_http_socketio_run_t *run, sio_str_t ack)
{
    int         rc;
    sio_run_t  *r;

    r = &run->run;

    if (r->ack_id == SIO_NO_ID || r->acked) {
        return SIO_DONE;
    }

    rc = r->ops->ack(r, ack.len ? ack : sio_cstr("null"), NULL);

    return rc == SIO_OK ? SIO_DONE : rc;
}


void
ngx_http_socketio_dedup_ack(ngx_http_socketio_run_t *run, sio_str_t args,
    const sio_binary_t *attachments)
{
    uint8_t  *p;

    run->kept = sio_str(NULL, 0);

    if (run->dedup == NULL || args.len > NGX_HTTP_SOCKETIO_ONCE_MAX
        || (attachments && attachments->n))
    {
        return;
    }

    p = sio_scratch_alloc(run->run.scratch, args.len + 1);

    if (p) {
        ngx_memcpy(p, args.data, args.len);
        run->kept = sio_str(p, args.len);
    }
}


void
ngx_http_socketio_dedup_end(ngx_http_socketio_run_t *run, ngx_uint_t ok)
{
    ngx_http_socketio_dedup_t  *dedup;

    for (dedup = run->dedup; dedup; dedup = dedup->next) {
        if (ok) {
            ngx_http_socketio_once_done(run->hub, &dedup->once,
                                        run->kept);

        } else {
            ngx_http_socketio_once_abandon(run->hub, &dedup->once);
        }
    }

    run->dedup = NULL;
}
