/*
 * Connection state recovery over hosts that share a stream.
 *
 * A lost session is left to all of them as Node's streams adapter does it, and
 * whoever its client comes to asks for it.  This host's own record goes first
 * if it is what was left; it is all there is if the others cannot be asked.
 * What was missed comes out of the log as far as that goes back, and before
 * that out of the stream.
 */


#ifndef _NGX_HTTP_SOCKETIO_RECOVERY_HOSTS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RECOVERY_HOSTS_H_INCLUDED_


#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_recovery_state.h"


/* Leave a lost socket to the others: the version, or 0: it was not. */

uint64_t ngx_http_socketio_recovery_leave(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);

/*
 * What a session says that was lost here: the same for all workers of a host,
 * of all generations.  host has room for 16 characters.
 */
sio_str_t ngx_http_socketio_recovery_host(ngx_http_socketio_hub_t *hub,
    u_char *host);

/*
 * A client is back; saving: this host's record, or NULL.
 *
 * NGX_OK        the pending socket is what it was
 * NGX_DONE      it may have this host's record
 * NGX_DECLINED  there is none, or not for it
 * NGX_AGAIN     the others are asked: the client's CONNECT is gone on with
 *               when they have answered, or when time is up
 */
ngx_int_t ngx_http_socketio_recovery_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving, sio_str_t pid,
    const sio_offset_t *offset);

/* No answer is waited for any more. */

void ngx_http_socketio_recovery_forget(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);


#endif /* _NGX_HTTP_SOCKETIO_RECOVERY_HOSTS_H_INCLUDED_ */
