/*
 * Output of a WebSocket.
 *
 * All that a turn has queued goes out with one send(), copied into a buffer
 * that the whole worker shares; nothing of it is kept when the socket is
 * full: the queue still has the bytes.
 *
 * OpenSSL wants a write that was put off repeated with the same bytes, maybe
 * more.  The queue offers them again, from another place perhaps, which is
 * why the connection accepts a moving buffer; and what was once offered of
 * our own frames is not replaced.
 */


#include "transport/ngx_http_socketio_output.h"


#define NGX_HTTP_SOCKETIO_OUTPUT_BUFFER  65536     /* bytes of a send() */


static ngx_int_t ngx_http_socketio_output_write(
    ngx_http_socketio_websocket_t *ws, const u_char *data, size_t len);
static ngx_int_t ngx_http_socketio_output_frames(
    ngx_http_socketio_websocket_t *ws, ngx_http_socketio_control_t *ctl);
static eio_msg_t *ngx_http_socketio_output_deflate(void *ctx, eio_msg_t *msg);
static eio_outq_t *ngx_http_socketio_output_queue(
    const ngx_http_socketio_websocket_t *ws);
static ngx_int_t ngx_http_socketio_output_close(
    ngx_http_socketio_websocket_t *ws);


static u_char  ngx_http_socketio_output_scratch[
                   NGX_HTTP_SOCKETIO_OUTPUT_BUFFER];


ngx_int_t
ngx_http_socketio_output_control(ngx_http_socketio_websocket_t *ws,
    uint8_t opcode, const u_char *data, size_t len)
{
    size_t                        n;
    ngx_http_socketio_control_t  *ctl;

    ctl = ws->control;

    if (ctl == NULL) {
        ctl = sio_alloc(&ngx_http_socketio_mem,
                        sizeof(ngx_http_socketio_control_t));
        if (ctl == NULL) {
            return NGX_ERROR;
        }

        ctl->len = 0;
        ctl->sent = 0;
        ctl->fixed = 0;

        ws->control = ctl;
    }

    n = ctl->fixed;

    n += ws_frame_write_head(ctl->data + n, opcode, len);

    if (len) {
        ngx_memcpy(ctl->data + n, data, len);
    }

    ctl->len = (uint16_t) (n + len);

    return NGX_OK;
}


static eio_msg_t *
ngx_http_socketio_output_deflate(void *ctx, eio_msg_t *msg)
{
    return ngx_http_socketio_deflate(ctx, msg);
}


/* The queue, unless it is none of ours at the moment. */

static eio_outq_t *
ngx_http_socketio_output_queue(const ngx_http_socketio_websocket_t *ws)
{
    if (ws->session == NULL || ws->session->eio.frozen) {
        return NULL;
    }

    return &ws->session->eio.out;
}


ngx_uint_t
ngx_http_socketio_output_partial(const ngx_http_socketio_websocket_t *ws)
{
    const eio_outq_t  *q;

    q = ngx_http_socketio_output_queue(ws);

    return q && (q->head_sent || q->offered);
}


ngx_int_t
ngx_http_socketio_output_send(ngx_http_socketio_websocket_t *ws)
{
    ngx_int_t                     n;
    sio_str_t                     data;
    eio_outq_t                   *q;
    ngx_http_socketio_control_t  *ctl;

    q = ngx_http_socketio_output_queue(ws);

    if (ws->deflate && q && ws->connection->write->ready) {
        eio_outq_replace(q, &ngx_http_socketio_mem,
                         ngx_http_socketio_output_deflate,
                         ws->engine->deflate);
    }

    for ( ;; ) {
        q = ngx_http_socketio_output_queue(ws);
        ctl = ws->control;

        if (ctl && !ngx_http_socketio_output_partial(ws)) {
            n = ngx_http_socketio_output_frames(ws, ctl);
            if (n != NGX_OK) {
                return n;
            }

            continue;
        }

        if (q && !eio_outq_empty(q)) {
            data = eio_outq_peek(q, ngx_http_socketio_output_scratch,
                                 NGX_HTTP_SOCKETIO_OUTPUT_BUFFER);

            n = ngx_http_socketio_output_write(ws, data.data, data.len);
            if (n < 0) {
                return n;
            }

            n = eio_outq_sent(q, &ngx_http_socketio_mem, n);

            ngx_http_socketio_stat(ws->engine->app->hub,
                                   NGX_HTTP_SOCKETIO_STAT_PACKETS_OUT, n);
            ngx_http_socketio_line_out(ws->line, n);
            continue;
        }

        if (!ws->closing || ws->closed) {
            return NGX_OK;
        }

        if (ngx_http_socketio_output_close(ws) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* Nothing follows the close frame, which does not follow half a frame. */

static ngx_int_t
ngx_http_socketio_output_close(ngx_http_socketio_websocket_t *ws)
{
    u_char  code[2];

    ws->closed = 1;

    if (ws->broken) {
        return NGX_OK;
    }

    code[0] = (u_char) (ws->code >> 8);
    code[1] = (u_char) ws->code;

    return ngx_http_socketio_output_control(ws, WS_OP_CLOSE, code,
                                            ws->code == WS_CLOSE_NONE ? 0 : 2);
}


/*
 * Write what was begun of the connection's own frames, and nothing behind it;
 * or the first of them.
 */
static ngx_int_t
ngx_http_socketio_output_frames(ngx_http_socketio_websocket_t *ws,
    ngx_http_socketio_control_t *ctl)
{
    ngx_int_t  n;

    if (ctl->fixed == 0) {
        ctl->fixed = ctl->len;
    }

    n = ngx_http_socketio_output_write(ws, ctl->data + ctl->sent,
                                       ctl->fixed - ctl->sent);
    if (n < 0) {
        return n;
    }

    ctl->sent += n;

    if (ctl->sent < ctl->fixed) {
        return NGX_OK;
    }

    if (ctl->len == ctl->fixed) {
        sio_free(&ngx_http_socketio_mem, ctl);
        ws->control = NULL;
        return NGX_OK;
    }

    ngx_memmove(ctl->data, ctl->data + ctl->fixed, ctl->len - ctl->fixed);

    ctl->len -= ctl->fixed;
    ctl->sent = 0;
    ctl->fixed = 0;

    return NGX_OK;
}


/* The count of bytes written, NGX_AGAIN, NGX_ERROR. */

static ngx_int_t
ngx_http_socketio_output_write(ngx_http_socketio_websocket_t *ws,
    const u_char *data, size_t len)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = ws->connection;

    if (!c->write->ready) {
        return NGX_AGAIN;
    }

    c->log->action = "sending to WebSocket";

    n = c->send(c, (u_char *) data, len);

    if (n > 0) {
        ngx_http_socketio_stat(ws->engine->app->hub,
                               NGX_HTTP_SOCKETIO_STAT_BYTES_OUT, n);
        return n;
    }

    if (n == NGX_AGAIN || n == 0) {
        return NGX_AGAIN;
    }

    return NGX_ERROR;
}
