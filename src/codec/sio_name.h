/*
 * Names of rooms: what may be one, and which are not to be joined.
 */


#ifndef _SIO_NAME_H_INCLUDED_
#define _SIO_NAME_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_ROOM_MAX       256       /* bytes of a room's name */

/* What the name of a user's room begins with; the id is behind it. */

#define SIO_USER_ROOM      "user:"
#define SIO_USER_ROOM_LEN  (sizeof(SIO_USER_ROOM) - 1)


#pragma GCC visibility push(hidden)


/*
 * Whether a room's name may be used: 1 to SIO_ROOM_MAX bytes of UTF-8
 * without control characters.
 */
int sio_room_name_valid(sio_str_t name);

/* Whether a name looks like the id of a socket: 20 base64url characters. */

int sio_socket_id_like(sio_str_t name);

/*
 * Whether rules and the API may not join sockets to it: "user:..." and what
 * looks like a socket id.
 */
int sio_room_reserved(sio_str_t name);

/*
 * The room of a user, written into room; empty: the id is too long for one.
 * And the id of the user whose room it is; empty: it is nobody's.
 */
sio_str_t sio_user_room(sio_str_t user, uint8_t room[SIO_ROOM_MAX]);
sio_str_t sio_room_user(sio_str_t room);

/* Whether a name is one of n. */

int sio_name_listed(sio_str_t name, const sio_str_t *names, unsigned n);

/* Match a pattern in which "*" is any text.  SIO_OK, SIO_DECLINED. */

int sio_name_glob(sio_str_t pattern, sio_str_t name);


#pragma GCC visibility pop


#endif /* _SIO_NAME_H_INCLUDED_ */
