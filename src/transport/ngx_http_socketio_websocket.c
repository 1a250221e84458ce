/*
 * WebSockets: from the takeover to the end of the connection.
 *
 * Reading marks and queues; writing, and with it every end, happens in the
 * write event, at the end of a turn, or where the connection turns out to be
 * lost.  So nothing is freed under those who still work with it.
 *
 * The end: output is written, then a close frame; the session is let go; the
 * peer's bytes are dropped until it closes too, or is too slow for that.
 *
 * RFC 6455, 7.  Closing the Connection.
 */


#include "transport/ngx_http_socketio_websocket.h"
#include "transport/ngx_http_socketio_output.h"
#include "transport/ngx_http_socketio_upgrade.h"
#include "codec/sio_utf8.h"


#define NGX_HTTP_SOCKETIO_WEBSOCKET_BUFFER   65536    /* bytes of a recv() */
#define NGX_HTTP_SOCKETIO_WEBSOCKET_READS    16       /* of one event */
#define NGX_HTTP_SOCKETIO_WEBSOCKET_SHARE    8192     /* of who has a limit */
#define NGX_HTTP_SOCKETIO_WEBSOCKET_LINGER   5000     /* msec */


static void ngx_http_socketio_websocket_read(ngx_event_t *rev);
static void ngx_http_socketio_websocket_leave(
    ngx_http_socketio_websocket_t *ws);
static void ngx_http_socketio_websocket_ended(
    ngx_http_socketio_websocket_t *ws, ssize_t n);
static void ngx_http_socketio_websocket_write(ngx_event_t *wev);
static void ngx_http_socketio_websocket_feed(
    ngx_http_socketio_websocket_t *ws, u_char *data, size_t len);
static void ngx_http_socketio_websocket_event(
    ngx_http_socketio_websocket_t *ws, ws_event_t *ev);
static void ngx_http_socketio_websocket_refuse(
    ngx_http_socketio_websocket_t *ws, const ws_event_t *ev);
static ngx_int_t ngx_http_socketio_websocket_inflate(
    ngx_http_socketio_websocket_t *ws, ws_event_t *ev);
static void ngx_http_socketio_websocket_message(
    ngx_http_socketio_websocket_t *ws, ws_event_t *ev);
static void ngx_http_socketio_websocket_output(
    ngx_http_socketio_websocket_t *ws);
static void ngx_http_socketio_websocket_shut(
    ngx_http_socketio_websocket_t *ws);
static void ngx_http_socketio_websocket_detach(
    ngx_http_socketio_websocket_t *ws, eio_reason_e reason);
static void ngx_http_socketio_websocket_free(
    ngx_http_socketio_websocket_t *ws);


static u_char  ngx_http_socketio_websocket_buffer[
                   NGX_HTTP_SOCKETIO_WEBSOCKET_BUFFER];


void
ngx_http_socketio_websocket_begin(ngx_http_socketio_websocket_t *ws,
    ngx_http_socketio_session_t *s, const u_char *sid)
{
    ngx_connection_t  *c;

    c = ws->connection;

    c->data = ws;
    c->read->handler = ngx_http_socketio_websocket_read;
    c->write->handler = ngx_http_socketio_websocket_write;

    if (s == NULL) {
        ngx_http_socketio_upgrade_begin(ws, sid);
        return;
    }

    ws->session = s;
    s->eio.carrier = ws;

    if (eio_session_open(&s->eio, EIO_WEBSOCKET, ngx_http_socketio_now())
        != SIO_OK)
    {
        ngx_http_socketio_websocket_detach(ws, EIO_REASON_NO_MEMORY);
        ngx_http_socketio_websocket_close(ws, WS_CLOSE_INTERNAL);
        return;
    }

    ngx_http_socketio_session_dirty(s);
}


static void
ngx_http_socketio_websocket_read(ngx_event_t *rev)
{
    size_t                          size;
    ssize_t                         n;
    ngx_uint_t                      i, reads;
    ngx_connection_t               *c;
    ngx_http_socketio_kept_t       *kept;
    ngx_http_socketio_websocket_t  *ws;

    c = rev->data;
    ws = c->data;

    c->log->action = "reading from WebSocket";

    if (rev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "socketio client did not close its WebSocket in time");
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_CLOSE);
        return;
    }

    if (c->close) {

        ngx_http_socketio_websocket_leave(ws);
        return;
    }

    if (ws->kept && !ws->paused) {
        kept = ws->kept;
        ws->kept = NULL;

        ngx_http_socketio_websocket_feed(ws, kept->data, kept->len);
        sio_free(&ngx_http_socketio_mem, kept);
    }

    /*
     * Who may be flooding has a small share of each turn: all others wait for
     * as many of them as there are.
     */

    size = NGX_HTTP_SOCKETIO_WEBSOCKET_BUFFER;
    reads = NGX_HTTP_SOCKETIO_WEBSOCKET_READS;

    if (ws->engine->options.quota) {
        size = NGX_HTTP_SOCKETIO_WEBSOCKET_SHARE;
        reads = 1;
    }

    for (i = 0; rev->ready && !ws->paused; i++) {

        if (i == reads) {
            ngx_post_event(rev, &ngx_posted_next_events);
            return;
        }

        n = c->recv(c, ngx_http_socketio_websocket_buffer, size);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_http_socketio_websocket_ended(ws, n);
            return;
        }

        ngx_http_socketio_stat(ws->engine->app->hub,
                               NGX_HTTP_SOCKETIO_STAT_BYTES_IN, n);
        ngx_http_socketio_line_in(ws->line, 0, n);

        ngx_http_socketio_websocket_feed(ws,
                                         ngx_http_socketio_websocket_buffer,
                                         n);
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_ERROR);
    }
}


/* The worker's time is over: say so, and be gone. */

static void
ngx_http_socketio_websocket_leave(ngx_http_socketio_websocket_t *ws)
{
    if (ws->session) {
        eio_session_close(&ws->session->eio, EIO_REASON_SHUTTING_DOWN,
                          ngx_http_socketio_now());
    }

    ngx_http_socketio_websocket_close(ws, WS_CLOSE_AWAY);
}


/* The peer sends no more: 0, or NGX_ERROR if the connection is lost. */

static void
ngx_http_socketio_websocket_ended(ngx_http_socketio_websocket_t *ws, ssize_t n)
{
    if (n == 0 && ws->closing && !ws->linger) {

        /* it may still read: first the close frame, then the end */

        return;
    }

    ngx_log_error(NGX_LOG_INFO, ws->connection->log, 0,
                  "socketio client closed connection");

    ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_CLOSE);
}


static void
ngx_http_socketio_websocket_write(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_http_socketio_websocket_output(c->data);
}


/* Bytes of the peer; a rest is kept when frames have to wait. */

static void
ngx_http_socketio_websocket_feed(ngx_http_socketio_websocket_t *ws,
    u_char *data, size_t len)
{
    int           rc;
    size_t        used;
    ws_event_t    ev;
    ws_limits_t   limits;

    limits.mem = &ngx_http_socketio_mem;
    limits.max = ws->engine->options.max_payload;
    limits.rsv_ok = ws->deflate ? WS_DEFLATE_RSV : 0;

    if (ws->session) {
        eio_session_check(&ws->session->eio, ngx_http_socketio_now());
    }

    for ( ;; ) {
        rc = ws_message_feed(&ws->message, &limits, data, len, &used, &ev);

        data += used;
        len -= used;

        if (rc != SIO_OK) {
            break;
        }

        ngx_http_socketio_websocket_event(ws, &ev);

        if (ws->session && ws->session->client.stalled) {
            ws->paused = 1;
        }

        if (ws->paused) {
            ngx_http_socketio_websocket_keep(ws, data, len);

            if (ws->kept == NULL) {
                ngx_http_socketio_websocket_close(ws, WS_CLOSE_INTERNAL);
            }

            return;
        }
    }

    if (rc != SIO_ERROR || ws->closing) {
        return;
    }

    ngx_http_socketio_websocket_refuse(ws, &ev);
}


/* The peer broke the protocol: ev->error, ev->close_code. */

static void
ngx_http_socketio_websocket_refuse(ngx_http_socketio_websocket_t *ws,
    const ws_event_t *ev)
{
    ngx_log_error(NGX_LOG_INFO, ws->connection->log, 0,
                  "socketio client sent an invalid frame: %s", ev->error);

    ngx_http_socketio_upgrade_cancel(ws);
    ngx_http_socketio_websocket_close(ws, ev->close_code);

    if (ws->session) {
        eio_session_close(&ws->session->eio, EIO_REASON_TRANSPORT_ERROR,
                          ngx_http_socketio_now());
    }
}


static void
ngx_http_socketio_websocket_event(ngx_http_socketio_websocket_t *ws,
    ws_event_t *ev)
{
    switch (ev->type) {

    case WS_EVENT_CLOSE:
        ws->peer = 1;

        if (ws->closing) {
            ngx_post_event(ws->connection->write, &ngx_posted_events);
            return;
        }

        /* answers to what came before; a rest that was begun can't end well */

        ws->broken = (ngx_http_socketio_output_send(ws) == NGX_ERROR
                      || ngx_http_socketio_output_partial(ws));

        ngx_http_socketio_upgrade_cancel(ws);
        ngx_http_socketio_websocket_close(ws, ev->code);

        if (ws->session) {
            eio_session_abort(&ws->session->eio, EIO_REASON_TRANSPORT_CLOSE);
        }

        return;

    case WS_EVENT_PING:

        if (!ws->closing
            && ngx_http_socketio_output_control(ws, WS_OP_PONG, ev->data,
                                                ev->len)
               == NGX_OK)
        {
            ngx_post_event(ws->connection->write, &ngx_posted_events);
        }

        return;

    case WS_EVENT_PONG:
        return;

    default: /* WS_EVENT_TEXT, WS_EVENT_BINARY */

        if (ws->closing) {
            return;
        }

        if (ev->rsv == 0) {
            ngx_http_socketio_websocket_message(ws, ev);
            return;
        }

        if (ngx_http_socketio_websocket_inflate(ws, ev) == NGX_OK) {
            ngx_http_socketio_websocket_message(ws, ev);

        } else {
            ngx_http_socketio_websocket_refuse(ws, ev);
        }

        ngx_http_socketio_inflate_done();
    }
}


/* A compressed message: ev gets what was compressed, or why it is refused. */

static ngx_int_t
ngx_http_socketio_websocket_inflate(ngx_http_socketio_websocket_t *ws,
    ws_event_t *ev)
{
    ngx_int_t  rc;
    sio_str_t  text;

    rc = ngx_http_socketio_inflate(sio_str(ev->data, ev->len),
                                   ws->engine->options.max_payload, &text,
                                   ws->connection->log);

    ev->data = (uint8_t *) text.data;
    ev->len = text.len;

    if (rc == NGX_DECLINED) {
        ev->close_code = WS_CLOSE_BIG;
        ev->error = "message too big when inflated";
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ev->close_code = WS_CLOSE_DATA;
        ev->error = "compressed data is broken";
        return NGX_ERROR;
    }

    if (ev->type == WS_EVENT_TEXT
        && sio_utf8_valid(ev->data, ev->len) != SIO_OK)
    {
        ev->close_code = WS_CLOSE_DATA;
        ev->error = "text is not UTF-8";
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_socketio_websocket_message(ngx_http_socketio_websocket_t *ws,
    ws_event_t *ev)
{
    uint64_t        now;
    sio_str_t       data;
    eio_packet_t    pkt;
    eio_session_t  *eio;

    ngx_http_socketio_stat(ws->engine->app->hub,
                           NGX_HTTP_SOCKETIO_STAT_PACKETS_IN, 1);
    ngx_http_socketio_line_in(ws->line, 1, 0);

    if (ws->probe) {
        ngx_http_socketio_upgrade_message(ws, ev);
        return;
    }

    if (ws->session == NULL) {
        return;
    }

    now = ngx_http_socketio_now();
    eio = &ws->session->eio;
    data = sio_str(ev->data, ev->len);

    if (ev->type == WS_EVENT_BINARY) {
        eio_packet_binary(data, &pkt);

    } else if (eio_packet_decode(data, &pkt) != SIO_OK) {
        ngx_log_error(NGX_LOG_INFO, ws->connection->log, 0,
                      "socketio client sent an invalid packet");
        eio_session_close(eio, EIO_REASON_PARSE_ERROR, now);
        return;
    }

    eio_session_packet(eio, &pkt, now);
}


void
ngx_http_socketio_websocket_keep(ngx_http_socketio_websocket_t *ws,
    const u_char *data, size_t len)
{
    ngx_http_socketio_kept_t  *kept;

    kept = sio_alloc(&ngx_http_socketio_mem,
                     sizeof(ngx_http_socketio_kept_t) + len);
    if (kept == NULL) {
        return;
    }

    kept->len = len;

    if (len) {
        ngx_memcpy(kept->data, data, len);
    }

    ws->kept = kept;
}


void
ngx_http_socketio_websocket_resume(ngx_http_socketio_websocket_t *ws)
{
    ws->paused = 0;

    ngx_post_event(ws->connection->read, &ngx_posted_events);
}


void
ngx_http_socketio_websocket_close(ngx_http_socketio_websocket_t *ws,
    uint16_t code)
{
    ngx_connection_t  *c;

    c = ws->connection;

    if (!ws->closing) {
        ws->closing = 1;
        ws->code = code;

        ngx_add_timer(c->read, NGX_HTTP_SOCKETIO_WEBSOCKET_LINGER);
    }

    ngx_post_event(c->write, &ngx_posted_events);
}


void
ngx_http_socketio_websocket_flush(ngx_http_socketio_session_t *s)
{
    uint16_t                        code;
    ngx_http_socketio_websocket_t  *ws;

    ws = s->eio.carrier;

    if (ws->line) {
        ngx_http_socketio_line_user(&ws->line, s);
    }

    if (s->eio.state == EIO_STATE_CLOSED && !ws->closing) {

        switch (s->eio.reason) {

        case EIO_REASON_SHUTTING_DOWN:
            code = WS_CLOSE_AWAY;
            break;

        case EIO_REASON_SLOW_CONSUMER:
        case EIO_REASON_LIMITED:
            code = WS_CLOSE_POLICY;
            break;

        case EIO_REASON_NO_MEMORY:
            code = WS_CLOSE_INTERNAL;
            break;

        default:
            code = WS_CLOSE_NONE;
        }

        ngx_http_socketio_websocket_close(ws, code);
    }

    ngx_http_socketio_websocket_output(ws);
}


/*
 * The structs, the connections, their events and logs.  The log of a detached
 * one begins where its struct ends.
 */

void
ngx_http_socketio_websocket_fetch(void *const *carriers, ngx_uint_t n)
{
    ngx_uint_t                             i;
    ngx_connection_t                      *c;
    ngx_http_socketio_websocket_t *const  *ws;

    ws = (ngx_http_socketio_websocket_t *const *) carriers;

    for (i = 0; i < n; i++) {
        __builtin_prefetch(&ws[i]->connection);
        __builtin_prefetch(&ws[i]->code);
    }

    for (i = 0; i < n; i++) {
        __builtin_prefetch(ws[i]->connection);
        __builtin_prefetch(&ws[i]->connection->log);
    }

    for (i = 0; i < n; i++) {
        c = ws[i]->connection;
        __builtin_prefetch(c->write);
        __builtin_prefetch(&c->log->action);
    }
}


/* Write; the connection may be gone afterwards. */

static void
ngx_http_socketio_websocket_output(ngx_http_socketio_websocket_t *ws)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = ws->connection;

    rc = ngx_http_socketio_output_send(ws);

    if (rc == NGX_OK && ws->closing) {
        ngx_http_socketio_websocket_shut(ws);
        return;
    }

    if (rc == NGX_ERROR || (rc == NGX_AGAIN && c->close)) {
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_ERROR);
        return;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_ERROR);
    }
}


/*
 * All is written, the close frame too: let the session go, and wait for the
 * peer.  A socket that is closed with unread bytes would be reset, and the
 * close frame be lost with it.
 */
static void
ngx_http_socketio_websocket_shut(ngx_http_socketio_websocket_t *ws)
{
    ngx_uint_t         tls;
    ngx_connection_t  *c;

    c = ws->connection;
    tls = 0;

#if (NGX_HTTP_SSL)
    tls = (c->ssl != NULL);
#endif

    if (c->close || c->error || c->read->eof || (tls && ws->peer)) {
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_CLOSE);
        return;
    }

    if (ws->linger) {
        return;
    }

    ws->linger = 1;

    ngx_http_socketio_websocket_detach(ws, EIO_REASON_TRANSPORT_CLOSE);

    /* under TLS the end is told by an alert, once the peer has closed */

    if (!tls && ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1) {
        ngx_connection_error(c, ngx_socket_errno,
                             ngx_shutdown_socket_n " failed");
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_CLOSE);
        return;
    }

    ngx_http_socketio_websocket_resume(ws);
}


static void
ngx_http_socketio_websocket_detach(ngx_http_socketio_websocket_t *ws,
    eio_reason_e reason)
{
    ngx_http_socketio_session_t  *s;

    s = ws->session;

    if (s == NULL) {
        return;
    }

    if (ws->line) {
        ngx_http_socketio_line_user(&ws->line, s);
    }

    eio_session_abort(&s->eio, reason);

    if (ws->line) {
        ws->line->reason = s->eio.reason;
    }

    ws->session = NULL;
    s->eio.carrier = NULL;

    ngx_http_socketio_session_dirty(s);
}


void
ngx_http_socketio_websocket_finalize(ngx_http_socketio_websocket_t *ws,
    eio_reason_e reason)
{
    ngx_connection_t  *c;

    c = ws->connection;

#if (NGX_HTTP_SSL)

    if (c->ssl && (ws->broken || ngx_http_socketio_output_partial(ws))) {

        /* a write is pending: no alert can be written */

        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
    }

#endif

    ngx_http_socketio_upgrade_cancel(ws);
    ngx_http_socketio_websocket_detach(ws, reason);

    ngx_http_socketio_line_write(ws->line, c);

    c->log->action = "closing WebSocket";

    ws_message_free(&ws->message, &ngx_http_socketio_mem);
    sio_free(&ngx_http_socketio_mem, ws->control);
    sio_free(&ngx_http_socketio_mem, ws->kept);

    if (ws->detached) {
        ngx_http_socketio_websocket_free(ws);
        return;
    }

    if (!ws->pooled) {
        sio_free(&ngx_http_socketio_mem, ws);
    }

    ngx_http_close_connection(c);
}


/* As nginx closes one, but for the pool: the log is in the same block. */

static void
ngx_http_socketio_websocket_free(ngx_http_socketio_websocket_t *ws)
{
    ngx_connection_t  *c;

    c = ws->connection;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "socketio close connection: %d", c->fd);

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif

    c->destroyed = 1;

    ngx_close_connection(c);

    sio_free(&ngx_http_socketio_mem, ws);
}
