/*
 * The probe's side of an upgrade.
 *
 *     paused       until the session's worker has accepted the probe
 *     probing      "2probe" is answered by "3probe", "5" asks for the session
 *     paused       until the session is here
 *
 * Whatever else comes first ends the probe.
 */


#include "transport/ngx_http_socketio_upgrade.h"
#include "transport/ngx_http_socketio_output.h"


void
ngx_http_socketio_upgrade_begin(ngx_http_socketio_websocket_t *ws,
    const u_char *sid)
{
    ngx_int_t                   rc;
    ngx_http_socketio_probe_t  *probe;

    probe = sio_calloc(&ngx_http_socketio_mem,
                       sizeof(ngx_http_socketio_probe_t));
    if (probe == NULL) {
        ngx_http_socketio_websocket_close(ws, WS_CLOSE_INTERNAL);
        return;
    }

    probe->ws = ws;
    probe->options = &ws->engine->options;
    probe->echo = ws->engine->echo;
    ngx_memcpy(probe->sid, sid, EIO_SID_LEN);

    ws->probe = probe;
    ws->paused = 1;

    rc = ngx_http_socketio_probe_begin(ws->engine->app->hub, probe);

    switch (rc) {

    case NGX_OK:
        ngx_http_socketio_websocket_resume(ws);
        return;

    case NGX_AGAIN:
        return;

    default: /* NGX_ERROR, NGX_DECLINED */
        ngx_log_error(NGX_LOG_INFO, ws->connection->log, 0,
                      "socketio upgrade is refused: the session does not "
                      "poll, or another one probes");

        ws->probe = NULL;
        sio_free(&ngx_http_socketio_mem, probe);
        ngx_http_socketio_websocket_close(ws, WS_CLOSE_NONE);
    }
}


void
ngx_http_socketio_upgrade_message(ngx_http_socketio_websocket_t *ws,
    const ws_event_t *ev)
{
    eio_packet_t  pkt;

    if (ev->type != WS_EVENT_TEXT
        || eio_packet_decode(sio_str(ev->data, ev->len), &pkt) != SIO_OK)
    {
        goto refused;
    }

    if (pkt.type == EIO_PING
        && sio_str_eq(pkt.data, sio_cstr("probe")))
    {
        /*
         * Written at once: what another worker answers by because of this
         * probe must not be there before it.
         */

        if (ngx_http_socketio_output_control(ws, WS_OP_TEXT,
                                             (u_char *) "3probe",
                                             sizeof("3probe") - 1)
            != NGX_OK
            || ngx_http_socketio_output_send(ws) == NGX_ERROR)
        {
            goto refused;
        }

        ngx_post_event(ws->connection->write, &ngx_posted_events);
        ngx_http_socketio_probe_probed(ws->probe);
        return;
    }

    if (pkt.type == EIO_UPGRADE && ws->probe->probed) {

        /* what comes next is the session's: result() tells, maybe at once */

        ws->paused = 1;
        ngx_http_socketio_probe_take(ws->probe);
        return;
    }

refused:

    ngx_log_error(NGX_LOG_INFO, ws->connection->log, 0,
                  "socketio upgrade failed: client sent no probe");

    ngx_http_socketio_upgrade_cancel(ws);
    ngx_http_socketio_websocket_close(ws, WS_CLOSE_NONE);
}


void
ngx_http_socketio_upgrade_cancel(ngx_http_socketio_websocket_t *ws)
{
    ngx_http_socketio_probe_t  *probe;

    probe = ws->probe;

    if (probe) {
        ws->probe = NULL;
        ngx_http_socketio_probe_cancel(probe);
        sio_free(&ngx_http_socketio_mem, probe);
    }
}


void
ngx_http_socketio_upgrade_result(ngx_http_socketio_probe_t *probe,
    ngx_int_t rc, ngx_http_socketio_session_t *s)
{
    ngx_http_socketio_websocket_t  *ws;

    ws = probe->ws;

    switch (rc) {

    case NGX_OK:
        ngx_http_socketio_websocket_resume(ws);
        return;

    case NGX_DONE:
        ws->probe = NULL;
        sio_free(&ngx_http_socketio_mem, probe);

        ws->session = s;
        s->eio.carrier = ws;

        ngx_http_socketio_session_dirty(s);
        ngx_http_socketio_websocket_resume(ws);
        return;

    default: /* NGX_ERROR */
        ws->probe = NULL;
        sio_free(&ngx_http_socketio_mem, probe);

        ngx_http_socketio_websocket_close(ws, WS_CLOSE_NONE);
    }
}
