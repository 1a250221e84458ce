/*
 * Events from server to server, as io.serverSideEmit() of Node has them.
 *
 * One that comes from another host runs the rule "on server:EVENT" of its
 * namespace, once on this host.  Clients cannot send such events: the rules
 * have a table of their own.
 */


#ifndef _NGX_HTTP_SOCKETIO_SERVER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SERVER_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "codec/sio_emit.h"


/*
 * Run the rule.  data: valid JSON, the array [event, args...]; attachments
 * may be NULL.  Appended to answer, unless it is NULL, is what the rule
 * acknowledges: JSON values joined by commas, "null" if it does not.
 */
void ngx_http_socketio_server_event(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t data, const sio_binary_t *attachments,
    sio_buf_t *answer);

/*
 * Send an event to the other servers.  ack_id: of a collection, or SIO_NO_ID.
 * NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_server_emit(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, int64_t ack_id);


#endif /* _NGX_HTTP_SOCKETIO_SERVER_H_INCLUDED_ */
