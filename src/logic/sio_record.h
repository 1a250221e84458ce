/*
 * A session as one record: what moves to another worker, and what reload
 * hand-over and connection state recovery will keep.  Packed and unpacked in
 * this file only; the version is the wire's.
 *
 * The record holds the engine's state and deadlines (relative to now), output
 * not yet sent, and per socket: namespace, sid, identity, auth, variables,
 * rooms; also a binary packet on its way and the captured values.  Messages in
 * part sent can't be packed: a polling session has none.
 */


#ifndef _SIO_RECORD_H_INCLUDED_
#define _SIO_RECORD_H_INCLUDED_


#include "logic/sio_client.h"
#include "logic/sio_room.h"


#pragma GCC visibility push(hidden)


/*
 * Whether the session can be packed: it is open and does not upgrade, no
 * socket waits for the answer to its CONNECT, no message is sent in part.
 */
int sio_record_movable(const sio_client_t *client);

/*
 * Append the session, which must be movable, to an open record.  The session
 * is not changed.  Failures are the writer's (sio_wire_end()).
 */
void sio_record_pack(const eio_session_t *s, const sio_client_t *client,
    sio_wire_writer_t *w, uint64_t now);

/*
 * Fill a session (s->data set) and client made by eio_session_init() and
 * sio_client_init(): sockets are created, accepted and put into their rooms
 * (ops->room_changed and socket_changed are called; ops->connect is not), the
 * state is open, output is queued, the timer is set.
 *
 * s->sid is the record's.  What follows in the record is the caller's.
 *
 * SIO_OK, SIO_ERROR (a damaged record), SIO_DECLINED (zone full), SIO_NOMEM.
 * On failure the session is closed and holds nothing; of the callbacks only
 * room_changed and socket_changed were called, and are called back.
 *
 * Not inside of sio_app_enter(), so that what failed can be freed at once.
 */
int sio_record_unpack(eio_session_t *s, sio_client_t *client, sio_wire_t *r,
    uint64_t now);

/*
 * What a socket has gathered: its rooms, with the position at which it joined
 * each, and its values.  Unpacked in two steps: into a socket that may be in
 * some of the rooms already, which then counts from the record's position.
 * Results as sio_room_join() and sio_socket_set(), SIO_ERROR: damaged.
 */
void sio_record_pack_gathered(const sio_socket_t *socket,
    sio_wire_writer_t *w);
int sio_record_unpack_rooms(sio_socket_t *socket, sio_wire_t *r);
int sio_record_unpack_values(sio_socket_t *socket, sio_wire_t *r);

/*
 * Take a session apart without a word to the client or to ops->disconnect:
 * it lives on elsewhere.  ops->room_changed and socket_changed are called.
 */
void sio_record_forget(eio_session_t *s, sio_client_t *client);


#pragma GCC visibility pop


#endif /* _SIO_RECORD_H_INCLUDED_ */
