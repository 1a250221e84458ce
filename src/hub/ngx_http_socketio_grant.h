/*
 * Granted rooms: a user's sockets are members now, and at every later
 * connect, until the grant ends or is taken back.
 *
 * A grant is a record of the store: who, which room, until when.  It is
 * written before the directory is looked at for sockets the user has by now,
 * and a socket that connects is in the directory before it looks for grants:
 * so one of the two meets the other.
 *
 * A grant that has ended counts no more, but its record stays until a worker
 * has told the others that the user's sockets leave the room.
 */


#ifndef _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"

#include "codec/sio_operation.h"


#define NGX_HTTP_SOCKETIO_GRANTS_MAX  500        /* of a user, in a namespace */


/*
 * Grant the rooms of a join with a ttl to its users, anew or for longer (or
 * for less); the sockets they have are the caller's business, afterwards.
 *
 * NGX_OK
 * NGX_DECLINED  a user has too many
 * NGX_ERROR     the store is full
 *
 * What was granted before a failure stays: a repeat does no harm.
 */
ngx_int_t ngx_http_socketio_grant_add(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *join);

/* Take back what a leave by user names. */

void ngx_http_socketio_grant_remove(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *leave);

/* Whether a room is granted to a user: 1 or 0. */

ngx_uint_t ngx_http_socketio_grant_has(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, sio_str_t room);

/*
 * A socket that connects, and has got its user, joins what is granted to
 * him.  SIO_OK, SIO_DECLINED (too many rooms, the zone is full), SIO_NOMEM.
 */
int ngx_http_socketio_grant_join(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket);

/* Once a second: grants that have ended. */

void ngx_http_socketio_grant_tick(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_GRANT_H_INCLUDED_ */
