/*
 * The opening handshake of a WebSocket, and the takeover of its connection.
 *
 * The 101 is nginx's answer to an ordinary request.  Once it is written, the
 * request and all buffers are freed, nginx's pool of the connection too if it
 * can be, and the connection has our handlers.
 *
 * RFC 6455, 4.2.  Server-Side Requirements.
 */


#include "transport/ngx_http_socketio_accept.h"
#include "transport/ngx_http_socketio_handshake.h"
#include "transport/ngx_http_socketio_websocket.h"

#include <ngx_sha1.h>


#define NGX_HTTP_SOCKETIO_ACCEPT_GUID                                         \
    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* RFC 6455, 4.4.  Supporting Multiple Versions of WebSocket Protocol */

#define NGX_HTTP_SOCKETIO_UPGRADE_REQUIRED   426


/* Between the 101 and the takeover. */

typedef struct {
    const ngx_http_socketio_engine_t  *engine;
    ngx_http_socketio_session_t       *session;   /* new, or NULL */
    ngx_uint_t                         deflate;   /* is agreed on */
    u_char                             sid[EIO_SID_LEN];
} ngx_http_socketio_accept_t;


static ngx_int_t ngx_http_socketio_accept_key(ngx_http_request_t *r,
    ngx_str_t *accept);
static ngx_int_t ngx_http_socketio_accept_deflate(ngx_http_request_t *r,
    ngx_http_socketio_accept_t *accept);
static ngx_int_t ngx_http_socketio_accept_answer(ngx_http_request_t *r,
    ngx_str_t *accept);
static ngx_uint_t ngx_http_socketio_accept_more(ngx_http_request_t *r);
static void ngx_http_socketio_accept_cleanup(void *data);
static void ngx_http_socketio_accept_takeover(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_accept_written(ngx_http_request_t *r);
static ngx_http_socketio_websocket_t *ngx_http_socketio_accept_create(
    ngx_http_request_t *r, ngx_http_socketio_accept_t *accept);
static size_t ngx_http_socketio_accept_own(ngx_connection_t *c);
static void ngx_http_socketio_accept_release(ngx_http_request_t *r,
    ngx_http_socketio_websocket_t *ws);
static void ngx_http_socketio_accept_detach(
    ngx_http_socketio_websocket_t *ws);
static void ngx_http_socketio_accept_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static ngx_int_t ngx_http_socketio_accept_events(ngx_connection_t *c,
    ngx_http_core_loc_conf_t *clcf);


ngx_int_t
ngx_http_socketio_accept(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, ngx_uint_t has_sid)
{
    u_char                       buf[32];
    ngx_int_t                    rc;
    ngx_str_t                    accept;
    ngx_http_cleanup_t          *cln;
    ngx_http_socketio_accept_t  *ctx;

    accept.data = buf;

    rc = ngx_http_socketio_accept_key(r, &accept);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_accept_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->engine = engine;

    if (!has_sid) {
        rc = ngx_http_socketio_handshake_session(r, engine, &ctx->session);
        if (ctx->session == NULL) {
            return rc;
        }
    }

    cln->handler = ngx_http_socketio_accept_cleanup;
    cln->data = ctx;

    ngx_memcpy(ctx->sid, ngx_http_socketio_access(r)->sid, EIO_SID_LEN);
    ngx_http_socketio_access(r)->data = ctx;

    rc = ngx_http_socketio_accept_deflate(r, ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_socketio_accept_answer(r, &accept);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    /*
     * The request can't be freed inside of its content handler: it is posted,
     * and runs next.
     */

    r->main->count++;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_socketio_accept_takeover;

    if (ngx_http_post_request(r, NULL) != NGX_OK) {
        r->main->count--;
        return NGX_ERROR;
    }

    return NGX_DONE;
}


/*
 * NGX_DECLINED: it is a WebSocket's opening handshake, accept is filled;
 * otherwise it was answered.
 */
static ngx_int_t
ngx_http_socketio_accept_key(ngx_http_request_t *r, ngx_str_t *accept)
{
    u_char            hash[20], nonce[20];
    ngx_str_t         value, decoded;
    ngx_sha1_t        sha1;
    ngx_uint_t        http;
    ngx_table_elt_t  *version, *key, *connection;

    http = (r == r->main && r->http_version == NGX_HTTP_VERSION_11);

#if (NGX_HTTP_V2)
    http = (http && r->stream == NULL);
#endif

    connection = ngx_http_socketio_header_find(r, "connection");
    version = ngx_http_socketio_header_find(r, "sec-websocket-version");
    key = ngx_http_socketio_header_find(r, "sec-websocket-key");

    if (!http || connection == NULL || key == NULL
        || ngx_strlcasestrn(connection->value.data,
                            connection->value.data + connection->value.len,
                            (u_char *) "upgrade", sizeof("upgrade") - 2)
           == NULL)
    {
        return ngx_http_socketio_handshake_error(r, EIO_ERROR_REQUEST);
    }

    if (version == NULL || version->value.len != 2
        || ngx_strncmp(version->value.data, "13", 2) != 0)
    {
        ngx_str_set(&value, "13");

        if (ngx_http_socketio_header_add(r, "Sec-WebSocket-Version", value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_socketio_answer(r, NGX_HTTP_SOCKETIO_UPGRADE_REQUIRED,
                                        "application/json",
                                        sizeof("application/json") - 1,
                                        eio_error_body(EIO_ERROR_REQUEST));
    }

    decoded.data = nonce;

    if (key->value.len != 24
        || ngx_decode_base64(&decoded, &key->value) != NGX_OK
        || decoded.len != 16)
    {
        return ngx_http_socketio_handshake_error(r, EIO_ERROR_REQUEST);
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->value.data, key->value.len);
    ngx_sha1_update(&sha1, NGX_HTTP_SOCKETIO_ACCEPT_GUID,
                    sizeof(NGX_HTTP_SOCKETIO_ACCEPT_GUID) - 1);
    ngx_sha1_final(hash, &sha1);

    value.data = hash;
    value.len = sizeof(hash);

    ngx_encode_base64(accept, &value);

    return NGX_DECLINED;
}


/* Agree on compression, if one of the offers will do: NGX_OK, NGX_ERROR. */

static ngx_int_t
ngx_http_socketio_accept_deflate(ngx_http_request_t *r,
    ngx_http_socketio_accept_t *accept)
{
    unsigned          window;
    ngx_str_t         value;
    ngx_table_elt_t  *offers;

    if (accept->engine->deflate == NULL) {
        return NGX_OK;
    }

    window = (unsigned) accept->engine->deflate->window;
    offers = ngx_http_socketio_header_find(r, "sec-websocket-extensions");

    if (offers == NULL
        || ws_deflate_offered(sio_str(offers->value.data, offers->value.len),
                              window)
           != SIO_OK)
    {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, WS_DEFLATE_ANSWER_MAX);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ws_deflate_answer(value.data, window);
    accept->deflate = 1;

    return ngx_http_socketio_header_add(r, "Sec-WebSocket-Extensions", value);
}


static ngx_int_t
ngx_http_socketio_accept_answer(ngx_http_request_t *r, ngx_str_t *accept)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    value.len = accept->len;
    value.data = ngx_pstrdup(r->pool, accept);

    if (value.data == NULL
        || ngx_http_socketio_header_add(r, "Sec-WebSocket-Accept", value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "websocket");

    if (ngx_http_socketio_header_add(r, "Upgrade", value) != NGX_OK) {
        return NGX_ERROR;
    }

    /* nginx has no text for it, and adds "Connection: upgrade" */

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");
    ngx_http_clear_content_length(r);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || ngx_http_socketio_accept_more(r)) {
        return rc;
    }

    rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * A new session's open packet follows in this turn: the system is told so, and
 * sends both in one segment.  Nothing may be held back when the option is set
 * later, so TCP_NODELAY comes first.  What can't be sent like this is nginx's.
 */
static ngx_uint_t
ngx_http_socketio_accept_more(ngx_http_request_t *r)
{
#if (defined MSG_MORE)

    ssize_t                      n;
    ngx_buf_t                   *b;
    ngx_connection_t            *c;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_socketio_accept_t  *accept;

    c = r->connection;
    accept = ngx_http_socketio_access(r)->data;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        return 0;
    }

#endif

    if (accept->session == NULL || r->out == NULL || r->out->next
        || c->buffered || !c->write->ready
        || c->tcp_nopush == NGX_TCP_NOPUSH_SET
        || !ngx_buf_in_memory_only(r->out->buf)
        || (clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK))
    {
        return 0;
    }

    b = r->out->buf;
    n = send(c->fd, b->pos, b->last - b->pos, MSG_MORE);

    if (n <= 0) {
        return 0;
    }

    c->sent += n;
    b->pos += n;

    if (b->pos < b->last) {
        return 0;
    }

    r->out = NULL;

    return 1;

#else

    return 0;

#endif
}


/* The request ended before its connection was taken over. */

static void
ngx_http_socketio_accept_cleanup(void *data)
{
    ngx_http_socketio_accept_t  *accept = data;

    if (accept->session) {
        ngx_http_socketio_handshake_cancel(accept->session);
        accept->session = NULL;
    }
}


static void
ngx_http_socketio_accept_takeover(ngx_http_request_t *r)
{
    u_char                          sid[EIO_SID_LEN];
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_socketio_accept_t     *accept;
    ngx_http_socketio_session_t    *s;
    ngx_http_socketio_websocket_t  *ws;

    c = r->connection;

    rc = ngx_http_socketio_accept_written(r);

    if (rc != NGX_OK) {
        if (rc != NGX_AGAIN) {
            ngx_http_finalize_request(r, rc);
        }
        return;
    }

    accept = ngx_http_socketio_access(r)->data;

    ws = ngx_http_socketio_accept_create(r, accept);
    if (ws == NULL) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    /* the session is the WebSocket's now, not the request's */

    s = accept->session;
    accept->session = NULL;

    ngx_memcpy(sid, accept->sid, EIO_SID_LEN);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_http_socketio_accept_release(r, ws);

    c->log->action = "beginning WebSocket";

    ngx_http_socketio_websocket_begin(ws, s, sid);

    if (ngx_http_socketio_accept_events(c, clcf) != NGX_OK) {
        ngx_http_socketio_websocket_finalize(ws, EIO_REASON_TRANSPORT_ERROR);
    }
}


/* Whether the 101 is out: NGX_OK, NGX_AGAIN, or what to finalize with. */

static ngx_int_t
ngx_http_socketio_accept_written(ngx_http_request_t *r)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        c->timedout = 1;
        return NGX_HTTP_REQUEST_TIME_OUT;
    }

    if (r->out == NULL && !c->buffered) {
        goto done;
    }

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (r->out || c->buffered) {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (!wev->timer_set) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

        return ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK
               ? NGX_AGAIN : NGX_ERROR;
    }

done:

    return c->error ? NGX_ERROR : NGX_OK;
}


/*
 * What outlives the request.  If the pool stays, the struct goes into what is
 * left of it, where it fits, so that nothing is allocated for it.
 */
static ngx_http_socketio_websocket_t *
ngx_http_socketio_accept_create(ngx_http_request_t *r,
    ngx_http_socketio_accept_t *accept)
{
    size_t                          size, own, len;
    ngx_pool_t                     *pool;
    ngx_uint_t                      pooled;
    ngx_http_socketio_websocket_t  *ws;

    pool = r->connection->pool;
    size = sizeof(ngx_http_socketio_websocket_t);
    own = ngx_http_socketio_accept_own(r->connection);

    pooled = (own == 0
              && pool->current == pool
              && (size_t) (pool->d.end - pool->d.last)
                 >= size + NGX_ALIGNMENT);

    if (pooled) {
        ws = ngx_pcalloc(pool, size);

    } else {
        ws = sio_calloc(&ngx_http_socketio_mem, size + own);
    }

    if (ws == NULL) {
        return NULL;
    }

    ws->pooled = pooled;
    ws->detached = (own != 0);
    ws->connection = r->connection;
    ws->engine = accept->engine;
    ws->deflate = accept->deflate;

    ws_message_init(&ws->message);

    len = r->header_in->last - r->header_in->pos;

    if (len) {
        ngx_http_socketio_websocket_keep(ws, r->header_in->pos, len);

        if (ws->kept == NULL) {
            if (!pooled) {
                sio_free(&ngx_http_socketio_mem, ws);
            }
            return NULL;
        }
    }

    ws->line = ngx_http_socketio_line_create(r);

    return ws;
}


/*
 * The bytes that a connection needs of its own when its pool goes, or 0: the
 * pool stays.
 *
 * In the pool that nginx makes with each connection (connection_pool_size) are
 * the connection's log and its context, the peer's address and its text, our
 * address if that had to be asked for, HTTP's notes and header buffers; also
 * what TLS, the PROXY protocol and sendfile() in threads keep there.  Nobody
 * but the connection points at them, or somebody has a cleanup there: when a
 * connection ends, its pool does.  When the request is gone, no more than the
 * log and the address is looked at of a plain connection that is read by
 * recv() and written by send(): these move.
 */
static size_t
ngx_http_socketio_accept_own(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)
    if (c->ssl) {
        return 0;
    }
#endif

#if (NGX_THREADS || NGX_COMPAT)
    if (c->sendfile_task) {
        return 0;
    }
#endif

    if (c->pool->cleanup || c->proxy_protocol || c->udp
        || c->listening == NULL)
    {
        return 0;
    }

    return sizeof(ngx_http_socketio_detached_t) + c->socklen
           + c->addr_text.len;
}


/*
 * Free the request and what else it leaves.  The address that the realip
 * module found goes with the request: it is kept.
 */
static void
ngx_http_socketio_accept_release(ngx_http_request_t *r,
    ngx_http_socketio_websocket_t *ws)
{
    u_char                  saved[sizeof(ngx_sockaddr_t)
                                  + NGX_SOCKADDR_STRLEN];
    u_char                 *p;
    size_t                  socklen, len;
    struct sockaddr        *sa;
    ngx_connection_t       *c;
    ngx_http_connection_t  *hc;

    c = r->connection;
    hc = r->http_connection;
    sa = c->sockaddr;

    p = ws->detached ? ngx_http_socketio_detached(ws)->address : saved;
    socklen = ngx_min(c->socklen, (socklen_t) sizeof(ngx_sockaddr_t));
    len = ngx_min(c->addr_text.len, NGX_SOCKADDR_STRLEN);

    ngx_memcpy(p, sa, socklen);
    ngx_memcpy(p + socklen, c->addr_text.data, len);

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    r->keepalive = 0;

    /* there will be a line, at the end */

    r->logged = (ws->line != NULL);

    ngx_http_free_request(r, 0);

    if (ws->detached) {
        ngx_http_socketio_accept_detach(ws);

    } else {
        ngx_http_socketio_accept_buffers(c, hc);

        if (c->sockaddr == sa) {
            return;
        }

        p = ngx_palloc(c->pool, socklen + len);
        if (p == NULL) {
            return;
        }

        ngx_memcpy(p, saved, socklen + len);
    }

    c->sockaddr = (struct sockaddr *) p;
    c->socklen = (socklen_t) socklen;

    c->addr_text.data = p + socklen;
    c->addr_text.len = len;
}


/*
 * The pool goes.  Who ends the connection sees that it has none; our address,
 * should somebody ask for it, is asked of the kernel again.
 */
static void
ngx_http_socketio_accept_detach(ngx_http_socketio_websocket_t *ws)
{
    ngx_log_t         *log;
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    c = ws->connection;
    log = &ngx_http_socketio_detached(ws)->log;

    *log = *c->log;
    log->data = &ws->ctx;

    c->log = log;
    c->read->log = log;
    c->write->log = log;

    c->local_sockaddr = c->listening->sockaddr;
    c->local_socklen = c->listening->socklen;
    c->buffer = NULL;

    pool = c->pool;
    c->pool = NULL;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, log, 0,
                   "socketio connection leaves its pool");

    ngx_destroy_pool(pool);
}


static void
ngx_http_socketio_accept_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    ngx_chain_t  *cl, *ln;

    if (c->buffer) {
        (void) ngx_pfree(c->pool, c->buffer->start);
        c->buffer = NULL;
    }

    for (cl = hc->free; cl; cl = ln) {
        ln = cl->next;
        (void) ngx_pfree(c->pool, cl->buf->start);
        ngx_free_chain(c->pool, cl);
    }

    hc->free = NULL;

    for (cl = hc->busy; cl; cl = ln) {
        ln = cl->next;
        (void) ngx_pfree(c->pool, cl->buf->start);
        ngx_free_chain(c->pool, cl);
    }

    hc->busy = NULL;
    hc->nbusy = 0;
}


static ngx_int_t
ngx_http_socketio_accept_events(ngx_connection_t *c,
    ngx_http_core_loc_conf_t *clcf)
{
    int  tcp_nodelay;

    tcp_nodelay = 1;

    if (c->tcp_nopush == NGX_TCP_NOPUSH_SET) {

        if (ngx_tcp_push(c->fd) == -1) {
            ngx_connection_error(c, ngx_socket_errno, ngx_tcp_push_n " failed");
            return NGX_ERROR;
        }

        c->tcp_nopush = NGX_TCP_NOPUSH_UNSET;
        tcp_nodelay = ngx_tcp_nodelay_and_tcp_nopush ? 1 : 0;
    }

    if (tcp_nodelay && clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK) {
        return NGX_ERROR;
    }

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        ngx_ssl_free_buffer(c);
        SSL_set_mode(c->ssl->connection, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }

#endif

    if (c->write->active && (ngx_event_flags & NGX_USE_LEVEL_EVENT)
        && ngx_del_event(c->write, NGX_WRITE_EVENT, 0) != NGX_OK)
    {
        return NGX_ERROR;
    }

    c->idle = 0;
    ngx_reusable_connection(c, 0);

    /* frames may have come with the upgrade */

    ngx_post_event(c->read, &ngx_posted_events);

    return NGX_OK;
}
