/*
 * The probe: a WebSocket that has come for a polling session.  See
 * ngx_http_socketio_move.h for the way it goes.
 */


#ifndef _NGX_HTTP_SOCKETIO_PROBE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_PROBE_H_INCLUDED_


#include "hub/ngx_http_socketio_move.h"


/* A WebSocket with a sid that is not yet its session's transport. */

struct ngx_http_socketio_probe_s {
    sio_map_node_t                node;      /* by id, in hub->probes */
    uint64_t                      id;
    ngx_http_socketio_hub_t      *hub;
    void                         *ws;        /* the carrier's */
    ngx_http_socketio_session_t  *session;   /* arrived, not yet live */
    const eio_options_t          *options;   /* of the location */
    sio_timer_t                   timer;
    u_char                        sid[EIO_SID_LEN];
    uint32_t                      incarnation;   /* of the owner */
    uint16_t                      slot;      /* the owner */
    unsigned                      accepted:1;
    unsigned                      probed:1;
    unsigned                      remote:1;  /* in hub->probes */
    unsigned                      echo:1;    /* of engineio_echo */
};


/*
 * A WebSocket with probe->sid has arrived; ws, options and echo are set, all
 * else is zero.
 *
 * NGX_OK        it may probe
 * NGX_AGAIN     the carrier's probe() will tell
 * NGX_ERROR     refused: another one probes, or the session does not poll
 * NGX_DECLINED  no such session
 */
ngx_int_t ngx_http_socketio_probe_begin(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_probe_t *probe);

/* "2probe" came and was answered. */

void ngx_http_socketio_probe_probed(ngx_http_socketio_probe_t *probe);

/* "5" came: probe() is called with the session (NGX_DONE), or NGX_ERROR. */

void ngx_http_socketio_probe_take(ngx_http_socketio_probe_t *probe);

/* The WebSocket is gone: the session goes on polling, or ends. */

void ngx_http_socketio_probe_cancel(ngx_http_socketio_probe_t *probe);

/* A timer of kind PROBE. */

void ngx_http_socketio_probe_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);

/*
 * Give up probes whose session's worker died; all: every one for a session of
 * another worker.
 */
void ngx_http_socketio_probe_check(ngx_http_socketio_hub_t *hub,
    ngx_uint_t all);

/*
 * The session that was coming ends here on its own account: it is told to the
 * other side, whose session it still is, and to the carrier.
 */
void ngx_http_socketio_probe_lost(ngx_http_socketio_probe_t *probe);

/* Tell the carrier how it ended; the probe is its own again, or freed. */

void ngx_http_socketio_probe_end(ngx_http_socketio_probe_t *probe,
    ngx_int_t rc, ngx_http_socketio_session_t *s);

/* Records for the WebSocket's side. */

void ngx_http_socketio_probe_receive(ngx_http_socketio_hub_t *hub,
    uint8_t type, uint64_t id, sio_wire_t *record,
    const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_PROBE_H_INCLUDED_ */
