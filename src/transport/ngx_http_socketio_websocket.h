/*
 * A WebSocket: a connection that was nginx's until the 101 was sent, and is
 * ours from then on.  The request is freed: an idle connection keeps this
 * struct and its session.  A detached one has lost nginx's pool too: c->pool
 * is NULL, and what of it was still needed is behind the struct.
 *
 * RFC 6455.  Engine.IO v4, "WebSocket".
 */


#ifndef _NGX_HTTP_SOCKETIO_WEBSOCKET_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_WEBSOCKET_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"
#include "transport/ngx_http_socketio_access.h"
#include "codec/ws_message.h"
#include "hub/ngx_http_socketio_probe.h"


typedef struct ngx_http_socketio_websocket_s  ngx_http_socketio_websocket_t;


/* Frames of the connection's own: pongs, the probe's answer, the close. */

typedef struct {
    uint16_t  len;
    uint16_t  sent;
    uint16_t  fixed;             /* offered to the socket, not to be changed */
    u_char    data[2 * (2 + WS_CONTROL_MAX)];
} ngx_http_socketio_control_t;


/* Bytes that were read and have to wait. */

typedef struct {
    size_t    len;
    u_char    data[];
} ngx_http_socketio_kept_t;


struct ngx_http_socketio_websocket_s {
    union {
        ngx_connection_t              *connection;
        ngx_http_log_ctx_t             ctx;       /* detached: of the log */
    };
    const ngx_http_socketio_engine_t  *engine;
    ngx_http_socketio_session_t       *session;   /* or NULL */
    ngx_http_socketio_probe_t         *probe;     /* while it probes */
    ngx_http_socketio_control_t       *control;   /* or NULL: nothing waits */
    ngx_http_socketio_kept_t          *kept;      /* or NULL */
    ngx_http_socketio_line_t          *line;      /* NULL: no access log */
    ws_message_t                       message;
    uint16_t                           code;      /* of our close frame */
    unsigned                           pooled:1;  /* in c->pool */
    unsigned                           detached:1;   /* there is no pool */
    unsigned                           paused:1;  /* no frame may be taken */
    unsigned                           closing:1; /* a close frame is due */
    unsigned                           closed:1;  /* it is among the output */
    unsigned                           linger:1;  /* all is sent: read on */
    unsigned                           peer:1;    /* the peer's close came */
    unsigned                           broken:1;  /* inside of a frame */
    unsigned                           deflate:1; /* was agreed on */
};


/* nginx's log handler reads ctx.connection, which `connection` has to be. */

_Static_assert(offsetof(ngx_http_log_ctx_t, connection) == 0,
               "the connection is the first of the log's context");


/* What a connection has of its own, if it is detached. */

typedef struct {
    ngx_log_t                          log;
    u_char                             address[];  /* and its text */
} ngx_http_socketio_detached_t;


static ngx_inline ngx_http_socketio_detached_t *
ngx_http_socketio_detached(ngx_http_socketio_websocket_t *ws)
{
    return (ngx_http_socketio_detached_t *) (ws + 1);
}


/*
 * Begin: the connection is ours.  For a new session, which is opened, or
 * with s == NULL for the polling session sid, which is probed.
 */
void ngx_http_socketio_websocket_begin(ngx_http_socketio_websocket_t *ws,
    ngx_http_socketio_session_t *s, const u_char *sid);

/* Keep a copy of bytes that can't be taken yet: ws->kept, NULL: no memory. */

void ngx_http_socketio_websocket_keep(ngx_http_socketio_websocket_t *ws,
    const u_char *data, size_t len);

/*
 * The end of the connection: it and ws are freed.  reason is the session's,
 * if it has none yet.
 */
void ngx_http_socketio_websocket_finalize(ngx_http_socketio_websocket_t *ws,
    eio_reason_e reason);

/*
 * Close with a code (WS_CLOSE_NONE: an empty close frame) once all output is
 * written.  Nothing is freed in here.
 */
void ngx_http_socketio_websocket_close(ngx_http_socketio_websocket_t *ws,
    uint16_t code);

/* Frames may be taken again: they will be, soon. */

void ngx_http_socketio_websocket_resume(ngx_http_socketio_websocket_t *ws);

/* Of the carrier's table. */

void ngx_http_socketio_websocket_flush(ngx_http_socketio_session_t *s);
void ngx_http_socketio_websocket_fetch(void *const *carriers, ngx_uint_t n);


#endif /* _NGX_HTTP_SOCKETIO_WEBSOCKET_H_INCLUDED_ */
