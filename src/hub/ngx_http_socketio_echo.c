/*
 * An engine that echoes: each message goes back as it came, text as text and
 * binary as binary.  No Socket.IO, no rules.
 */


#include "hub/ngx_http_socketio_echo.h"


static int ngx_http_socketio_echo_open(eio_session_t *eio);
static void ngx_http_socketio_echo_message(eio_session_t *eio,
    const eio_packet_t *pkt);
static void ngx_http_socketio_echo_pong(eio_session_t *eio);
static void ngx_http_socketio_echo_timeout(eio_session_t *eio);
static void ngx_http_socketio_echo_close(eio_session_t *eio,
    eio_reason_e reason);


const eio_handler_t  ngx_http_socketio_echo_handler = {
    ngx_http_socketio_echo_open,
    ngx_http_socketio_echo_message,
    ngx_http_socketio_echo_pong,
    ngx_http_socketio_echo_timeout,
    ngx_http_socketio_echo_close
};


static int
ngx_http_socketio_echo_open(eio_session_t *eio)
{
    return SIO_OK;
}


static void
ngx_http_socketio_echo_message(eio_session_t *eio, const eio_packet_t *pkt)
{
    sio_str_t                 text;
    eio_msg_t                *msg;
    sio_buf_t                *buf;
    sio_binary_t              binary;
    ngx_http_socketio_hub_t  *hub;

    hub = eio->env->data;
    buf = &hub->packet;
    msg = NULL;

    sio_buf_reset(buf);

    if (pkt->binary) {
        binary.item[0] = pkt->data;
        binary.n = 1;
        text = sio_str(NULL, 0);
        msg = eio_msg_create(&ngx_http_socketio_mem, text, &binary);

    } else if (sio_buf_append_char(buf, eio_packet_char(EIO_MESSAGE)) == SIO_OK
               && sio_buf_append_str(buf, pkt->data) == SIO_OK)
    {
        msg = eio_msg_create(&ngx_http_socketio_mem, sio_buf_str(buf), NULL);
    }

    if (msg == NULL) {
        eio_session_close(eio, EIO_REASON_NO_MEMORY, ngx_http_socketio_now());
        return;
    }

    (void) eio_session_send(eio, msg);
    eio_msg_unref(&ngx_http_socketio_mem, msg);
}


/* Nothing is to be proved. */

static void
ngx_http_socketio_echo_pong(eio_session_t *eio)
{
}


static void
ngx_http_socketio_echo_timeout(eio_session_t *eio)
{
}


static void
ngx_http_socketio_echo_close(eio_session_t *eio, eio_reason_e reason)
{
}
