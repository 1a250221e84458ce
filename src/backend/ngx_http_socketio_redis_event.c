/*
 * hiredis on nginx's event loop.
 *
 * When a worker shuts down, nginx closes idle connections and, at the end of
 * worker_shutdown_timeout, marks the others; ours is neither, and lives until
 * hiredis is done with it.
 */


#include "backend/ngx_http_socketio_redis_event.h"


static void ngx_http_socketio_redis_event_read(ngx_event_t *ev);
static void ngx_http_socketio_redis_event_write(ngx_event_t *ev);
static void ngx_http_socketio_redis_add_read(void *data);
static void ngx_http_socketio_redis_del_read(void *data);
static void ngx_http_socketio_redis_add_write(void *data);
static void ngx_http_socketio_redis_del_write(void *data);
static void ngx_http_socketio_redis_detach(void *data);


ngx_int_t
ngx_http_socketio_redis_attach(redisAsyncContext *ac, ngx_log_t *log)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(ac->c.fd, log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = ac;
    c->log = log;
    c->read->handler = ngx_http_socketio_redis_event_read;
    c->read->log = log;
    c->write->handler = ngx_http_socketio_redis_event_write;
    c->write->log = log;

    ac->ev.data = c;
    ac->ev.addRead = ngx_http_socketio_redis_add_read;
    ac->ev.delRead = ngx_http_socketio_redis_del_read;
    ac->ev.addWrite = ngx_http_socketio_redis_add_write;
    ac->ev.delWrite = ngx_http_socketio_redis_del_write;
    ac->ev.cleanup = ngx_http_socketio_redis_detach;

    return NGX_OK;
}


static void
ngx_http_socketio_redis_event_read(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    /* what worker_shutdown_timeout sets is for connections of clients */

    c->close = 0;
    c->error = 0;

    redisAsyncHandleRead(c->data);
}


static void
ngx_http_socketio_redis_event_write(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    redisAsyncHandleWrite(c->data);
}


static void
ngx_http_socketio_redis_add_read(void *data)
{
    ngx_connection_t *c = data;

    if (!c->read->active) {
        (void) ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_socketio_redis_del_read(void *data)
{
    ngx_connection_t *c = data;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }
}


static void
ngx_http_socketio_redis_add_write(void *data)
{
    ngx_connection_t *c = data;

    if (!c->write->active) {
        (void) ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_socketio_redis_del_write(void *data)
{
    ngx_connection_t *c = data;

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }
}


/* hiredis is about to close its descriptor. */

static void
ngx_http_socketio_redis_detach(void *data)
{
    ngx_connection_t *c = data;

    if (c->read->active || c->write->active) {
        (void) ngx_del_conn(c, 0);
    }

    c->shared = 1;
    ngx_close_connection(c);
}
