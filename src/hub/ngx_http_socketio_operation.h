/*
 * Operations on sockets wherever they are: join, leave, disconnect.
 *
 * The directory names the workers that have sockets addressed; each of them
 * is handed the operation and does it to its own, in order with all else that
 * one worker sends to another.  Until it is done the directory, and with it
 * other workers, does not know of it: who must be sure asks for nothing
 * (fetch) behind it.
 *
 * The record, OPERATION: type, flags, namespace, targets, except, rooms.
 */


#ifndef _NGX_HTTP_SOCKETIO_OPERATION_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_OPERATION_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"

#include "codec/sio_operation.h"


/*
 * Do it here and hand it to the others.  *matched (may be NULL) gets the
 * sockets addressed, as the directory has them: one that is in two of the
 * rooms counts twice.  slots (may be NULL): those it was handed to are added.
 *
 * NGX_OK, or NGX_ERROR: the zone has no room, other workers were not reached
 * (sockets here were).
 */
ngx_int_t ngx_http_socketio_operate(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation, uint64_t *matched, uint64_t *slots);

/* An OPERATION record came. */

void ngx_http_socketio_operation_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_OPERATION_H_INCLUDED_ */
