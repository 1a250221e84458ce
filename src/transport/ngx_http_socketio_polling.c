/*
 * Polling requests.
 *
 * A request is parked while the hub has it, and never longer: its answer, or
 * its client going away, takes it out.  What is parked lives in the request's
 * pool, and the request's cleanup tells the hub.
 */


#include "transport/ngx_http_socketio_polling.h"
#include "transport/ngx_http_socketio_handshake.h"
#include "codec/eio_payload.h"


typedef struct {
    ngx_http_socketio_parked_t         parked;     /* first */
    const ngx_http_socketio_engine_t  *engine;
    ngx_http_socketio_access_t        *access;
    ngx_event_t                        deadline;   /* of a body */
    unsigned                           inside:1;   /* of our own call */
} ngx_http_socketio_polling_t;


static ngx_http_socketio_polling_t *ngx_http_socketio_polling_create(
    ngx_http_request_t *r, const ngx_http_socketio_engine_t *engine);
static ngx_int_t ngx_http_socketio_polling_park(ngx_http_request_t *r);
static void ngx_http_socketio_polling_late(ngx_event_t *ev);
static void ngx_http_socketio_polling_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_polling_read(ngx_http_request_t *r,
    size_t max, u_char **body, size_t *len);
static ngx_int_t ngx_http_socketio_polling_too_large(ngx_http_request_t *r);
static void ngx_http_socketio_polling_cleanup(void *data);


static ngx_http_socketio_polling_t *
ngx_http_socketio_polling_create(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_http_cleanup_t           *cln;
    ngx_http_socketio_polling_t  *polling;

    polling = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_polling_t));
    if (polling == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_socketio_polling_cleanup;
    cln->data = polling;

    polling->engine = engine;
    polling->access = ngx_http_socketio_access(r);
    polling->access->data = polling;
    polling->parked.hub = engine->app->hub;
    polling->parked.request = r;

    return polling;
}


ngx_int_t
ngx_http_socketio_polling_get(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, ngx_uint_t has_sid)
{
    ngx_int_t                     rc;
    ngx_http_socketio_polling_t  *polling;
    ngx_http_socketio_session_t  *s;

    polling = ngx_http_socketio_polling_create(r, engine);
    if (polling == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!has_sid) {
        rc = ngx_http_socketio_handshake_session(r, engine, &s);
        if (s == NULL) {
            return rc;
        }

        if (eio_session_open(&s->eio, EIO_POLLING, ngx_http_socketio_now())
            != SIO_OK)
        {
            ngx_http_socketio_session_dirty(s);
            return ngx_http_socketio_handshake_unavailable(r);
        }

        ngx_http_socketio_session_count(s);
        ngx_http_socketio_hub_post(ngx_http_socketio_session_hub(s));
    }

    ngx_memcpy(polling->parked.sid, polling->access->sid, EIO_SID_LEN);

    if (ngx_http_socketio_polling_park(r) != NGX_OK) {
        return NGX_ERROR;
    }

    r->main->count++;
    polling->inside = 1;

    ngx_http_socketio_forward_get(&polling->parked);

    polling->inside = 0;

    return NGX_DONE;
}


/* Nobody writes, and of reading only the end matters. */

static ngx_int_t
ngx_http_socketio_polling_park(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    c->log->action = "waiting for socketio packets";

    /* an end that was seen already is not reported again */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(c->read, 0);
}


ngx_int_t
ngx_http_socketio_polling_post(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_int_t                     rc;
    ngx_http_socketio_polling_t  *polling;

    polling = ngx_http_socketio_polling_create(r, engine);
    if (polling == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(polling->parked.sid, polling->access->sid, EIO_SID_LEN);

    r->request_body_in_single_buf = 1;

    /*
     * nginx's own timeout is for the time between two reads, and a byte now
     * and then would hold a request for days.  A body may take as long as a
     * message of a WebSocket, which the heartbeat bounds.
     */

    polling->deadline.handler = ngx_http_socketio_polling_late;
    polling->deadline.data = r->connection;
    polling->deadline.log = r->connection->log;
    polling->deadline.cancelable = 1;

    ngx_add_timer(&polling->deadline, engine->options.ping_interval
                                      + engine->options.ping_timeout);

    rc = ngx_http_read_client_request_body(r, ngx_http_socketio_polling_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_http_socketio_polling_late(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = ev->data;
    r = c->data;

    ngx_http_set_log_request(c->log, r);

    ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                  "socketio client is too slow with its payload");

    c->timedout = 1;

    ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
    ngx_http_run_posted_requests(c);
}


/* The body is here: hand it in.  The request's count is raised. */

static void
ngx_http_socketio_polling_body(ngx_http_request_t *r)
{
    size_t                        len;
    u_char                       *body;
    ngx_int_t                     rc;
    ngx_str_t                    *type;
    ngx_http_socketio_polling_t  *polling;

    polling = ngx_http_socketio_access(r)->data;

    if (polling->deadline.timer_set) {
        ngx_del_timer(&polling->deadline);
    }

    if (polling->engine->app->hub == NULL) {
        rc = ngx_http_socketio_handshake_unavailable(r);
        ngx_http_finalize_request(r, rc);
        return;
    }

    rc = ngx_http_socketio_polling_read(r, polling->engine->options.max_payload,
                                        &body, &len);
    if (rc != NGX_OK) {
        rc = (rc == NGX_DECLINED) ? ngx_http_socketio_polling_too_large(r)
                                  : NGX_HTTP_INTERNAL_SERVER_ERROR;
        ngx_http_finalize_request(r, rc);
        return;
    }

    /*
     * Engine.IO v4 has no bodies of bytes: nothing of it is a packet, so that
     * the session is closed.
     */

    if (r->headers_in.content_type) {
        type = &r->headers_in.content_type->value;

        if (type->len >= sizeof("application/octet-stream") - 1
            && ngx_strncasecmp(type->data,
                               (u_char *) "application/octet-stream",
                               sizeof("application/octet-stream") - 1)
               == 0)
        {
            len = 0;
        }
    }

    polling->access->packets_in = eio_payload_count(sio_str(body, len));
    polling->access->bytes_in = len;

    if (ngx_http_socketio_polling_park(r) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    /*
     * Counted, so that an answer from inside leaves the request for the line
     * after it.
     */

    r->main->count++;
    polling->inside = 1;

    ngx_http_socketio_forward_post(&polling->parked, body, len);

    polling->inside = 0;
    ngx_http_finalize_request(r, NGX_DONE);
}


/*
 * The body in one piece that may be modified: as it is if it is in one
 * buffer, else copied, from buffers or from a file.
 *
 * NGX_OK, NGX_DECLINED: more than max bytes, NGX_ERROR
 */
static ngx_int_t
ngx_http_socketio_polling_read(ngx_http_request_t *r, size_t max,
    u_char **body, size_t *len)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;
    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size > (off_t) max) {
        return NGX_DECLINED;
    }

    *len = (size_t) size;
    *body = NULL;

    if (size == 0) {
        return NGX_OK;
    }

    if (bufs->next == NULL && !bufs->buf->in_file) {
        *body = bufs->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, (size_t) size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *body = p;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        size = b->file_last - b->file_pos;
        n = ngx_read_file(b->file, p, (size_t) size, b->file_pos);

        if (n != (ssize_t) size) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_polling_too_large(ngx_http_request_t *r)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "socketio payload is too large");

    return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
}


void
ngx_http_socketio_polling_answer(ngx_http_socketio_parked_t *parked,
    ngx_int_t error, sio_str_t body)
{
    ngx_int_t                     rc;
    sio_str_t                     user;
    ngx_uint_t                    inside;
    ngx_connection_t             *c;
    ngx_http_request_t           *r;
    ngx_http_socketio_polling_t  *polling;
    ngx_http_socketio_session_t  *s;

    polling = (ngx_http_socketio_polling_t *) parked;
    inside = polling->inside;
    r = parked->request;
    c = r->connection;

    s = ngx_http_socketio_session_find(parked->hub,
                                       sio_str(parked->sid, EIO_SID_LEN));
    if (s) {
        user = ngx_http_socketio_user(s);

        polling->access->user.data = ngx_pnalloc(r->pool, user.len + 1);

        if (polling->access->user.data && user.len) {
            ngx_memcpy(polling->access->user.data, user.data, user.len);
            polling->access->user.len = user.len;
        }

        polling->access->reason = s->eio.reason;
        polling->access->recovered = s->client.recovered;
    }

    if (error != NGX_HTTP_SOCKETIO_ANSWER_OK) {
        rc = ngx_http_socketio_handshake_error(r, error);

    } else if (parked->post) {
        rc = ngx_http_socketio_answer(r, NGX_HTTP_OK, "text/html",
                                      sizeof("text/html") - 1, sio_cstr("ok"));

    } else {
        polling->access->packets_out = eio_payload_count(body);
        polling->access->bytes_out = body.len;

        rc = ngx_http_socketio_answer(r, NGX_HTTP_OK,
                                      "text/plain; charset=UTF-8",
                                      sizeof("text/plain") - 1, body);
    }

    ngx_http_finalize_request(r, rc);

    if (!inside) {
        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_socketio_polling_cleanup(void *data)
{
    ngx_http_socketio_polling_t  *polling = data;

    if (polling->deadline.timer_set) {
        ngx_del_timer(&polling->deadline);
    }

    if (polling->parked.waiting) {
        ngx_http_socketio_forward_abort(&polling->parked);
    }
}
