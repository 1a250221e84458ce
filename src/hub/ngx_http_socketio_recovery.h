/*
 * Connection state recovery: a client that comes back is the socket it was.
 *
 * Each socket of an app with recovery has a record in the store: its id,
 * user, rooms and values, written at the end of a turn in which they changed,
 * before the answer to its CONNECT goes out.  So it is there also if the
 * worker is killed.  The record's key is a secret that only the client was
 * told, the pid.  While the socket lives, the record says whose it is, and
 * each heartbeat prolongs it; when the connection is lost it has as long as
 * the directive says.
 *
 * A client that connects with a pid is authenticated as any other.  If the
 * record is that of a socket that is no more, of the same user, the record is
 * taken away, by one only, and the socket is made what it was: id, rooms,
 * values.  Then it is sent what it has missed: the entries of the log (see
 * history) behind the offset that the client shows, or behind what a
 * heartbeat has proved that it got, which were for one of its rooms after it
 * had joined that.  If anything of it is not so, the client connects as a new
 * one; nobody is told why.  A client may be back before its worker has noticed
 * that it was gone: so it waits a moment.
 *
 * Who was recovered neither left nor came: "on connect" is not run.
 *
 * SAVED, in the store: namespace, id, user, what the socket has gathered.
 */


#ifndef _NGX_HTTP_SOCKETIO_RECOVERY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RECOVERY_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


/* A hub's recovery, if its app has it: NGX_OK, or NGX_ERROR. */

ngx_int_t ngx_http_socketio_recovery_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_recovery_cleanup(ngx_http_socketio_hub_t *hub);

/*
 * A client connects; it is authenticated.  auth: its CONNECT payload.
 *
 * NGX_OK        the socket is what it was: it is to be accepted
 * NGX_DECLINED  it is a new one
 * NGX_AGAIN     as far as is known the socket is still connected: a timer of
 *               kind RECOVERY will ask again, for up to a second
 */
ngx_int_t ngx_http_socketio_recovery_connect(sio_socket_t *socket,
    sio_str_t auth);

/* Whose CONNECT waits for a timer of kind RECOVERY. */

sio_socket_t *ngx_http_socketio_recovery_waiting(sio_timer_t *timer);

/*
 * Whether a socket that was recovered just now was sent an entry of the log
 * already.
 */
ngx_uint_t ngx_http_socketio_recovery_had(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket, uint64_t number);

/* The app's ops. */

sio_str_t ngx_http_socketio_recovery_accepted(sio_socket_t *socket);
void ngx_http_socketio_recovery_changed(sio_socket_t *socket);
void ngx_http_socketio_recovery_pong(sio_client_t *client);
void ngx_http_socketio_recovery_ended(sio_socket_t *socket);
void ngx_http_socketio_recovery_gone(sio_socket_t *socket);

/*
 * The sockets in some rooms (n is 0: all of the namespace) are put out of a
 * room, or disconnected: those which are lost at this moment won't come back
 * as what they were.  Before it is looked who is in the rooms: a socket is
 * recovered before, and found there, or not at all.
 */
void ngx_http_socketio_recovery_revoke(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, const sio_str_t *rooms, ngx_uint_t n);

/* A socket was put out of rooms, as it was said then. */

void ngx_http_socketio_recovery_operated(sio_socket_t *socket);

/* The hub's: the end of a turn, before it is written. */

void ngx_http_socketio_recovery_turn(ngx_http_socketio_hub_t *hub);

/* What a session that moves takes along: behind its record. */

void ngx_http_socketio_recovery_pack(ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w);
ngx_int_t ngx_http_socketio_recovery_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r);


#endif /* _NGX_HTTP_SOCKETIO_RECOVERY_H_INCLUDED_ */
