/*
 * The HTTP API: requests whose answer comes later.
 */


#include "http/ngx_http_socketio_api_wait.h"


static void ngx_http_socketio_api_wait_done(ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_wait_late(ngx_event_t *ev);
static void ngx_http_socketio_api_wait_cleanup(void *data);


ngx_int_t
ngx_http_socketio_api_wait_init(ngx_http_request_t *r,
    ngx_http_socketio_api_wait_t *wait,
    ngx_int_t (*answer)(ngx_http_socketio_api_wait_t *wait))
{
    ngx_http_cleanup_t           *cln;
    ngx_http_socketio_api_ctx_t  *ctx;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);
    ctx->data = wait;

    wait->request = r;
    wait->answer = answer;
    wait->fetch.hub = ngx_http_socketio_api_hub(r);
    wait->fetch.done = ngx_http_socketio_api_wait_done;
    wait->fetch.data = wait;

    cln->handler = ngx_http_socketio_api_wait_cleanup;
    cln->data = wait;

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_api_wait_fetch(ngx_http_socketio_api_wait_t *wait)
{
    ngx_int_t  rc;

    rc = ngx_http_socketio_fetch(&wait->fetch);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    wait->request->connection->log->action = "waiting for others";

    rc = ngx_http_socketio_api_park(wait->request, &wait->guard,
                                    ngx_http_socketio_api_wait_late,
                                    (wait->fetch.hosts
                                     ? NGX_HTTP_SOCKETIO_FETCH_HOSTS
                                     : NGX_HTTP_SOCKETIO_FETCH_TIMEOUT)
                                    + NGX_HTTP_SOCKETIO_API_GUARD);

    return rc == NGX_AGAIN ? NGX_AGAIN : NGX_ABORT;
}


static void
ngx_http_socketio_api_wait_done(ngx_http_socketio_fetch_t *f)
{
    ngx_http_socketio_api_wait_t  *wait;

    wait = f->data;

    ngx_http_socketio_api_resume(wait->request, &wait->guard,
                                 wait->answer(wait));
}


/* Time is up, and the wheel did not tell: answer with what there is. */

static void
ngx_http_socketio_api_wait_late(ngx_event_t *ev)
{
    ngx_connection_t              *c;
    ngx_http_request_t            *r;
    ngx_http_socketio_api_ctx_t   *ctx;
    ngx_http_socketio_api_wait_t  *wait;

    c = ev->data;
    r = c->data;
    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);
    wait = ctx->data;

    ngx_http_socketio_fetch_late(&wait->fetch);
}


static void
ngx_http_socketio_api_wait_cleanup(void *data)
{
    ngx_http_socketio_api_wait_t  *wait = data;

    if (wait->guard.timer_set) {
        ngx_del_timer(&wait->guard);
    }

    ngx_http_socketio_fetch_free(&wait->fetch);
}


/* The count that reading the body took keeps the request. */

ngx_int_t
ngx_http_socketio_api_park(ngx_http_request_t *r, ngx_event_t *guard,
    ngx_event_handler_pt handler, ngx_msec_t msec)
{
    ngx_connection_t  *c;

    c = r->connection;

    guard->handler = handler;
    guard->data = c;
    guard->log = c->log;

    ngx_add_timer(guard, msec);

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    /* what came before is no edge any more */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_AGAIN;
}


void
ngx_http_socketio_api_resume(ngx_http_request_t *r, ngx_event_t *guard,
    ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    /* the client may take its time to read the answer */

    if (guard->timer_set) {
        ngx_del_timer(guard);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
