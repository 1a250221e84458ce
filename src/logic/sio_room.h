/*
 * Rooms: sets of sockets of one namespace, in this worker.
 *
 * Members are an array, walked in memory order by a broadcast; a socket knows
 * its place in it, so that joining and leaving cost the same in any room.  A
 * room without members is freed.  The room of a socket's own id always exists
 * and takes no memory: it is the socket.
 */


#ifndef _SIO_ROOM_H_INCLUDED_
#define _SIO_ROOM_H_INCLUDED_


#include "logic/sio_socket.h"


/* index: where the socket's rooms has this room. */

typedef struct {
    sio_socket_t  *socket;
    uint32_t       index;
} sio_member_t;


struct sio_room_s {
    sio_map_node_t    node;                /* by name, in ns->rooms */
    sio_namespace_t  *ns;
    sio_member_t     *members;
    uint32_t          count;
    uint32_t          cap;
    uint32_t          cell;                /* the directory's */
    uint32_t          walkers;             /* it stays, even empty */
    uint32_t          told;                /* the app's: others know of it */
    uint8_t           name[];
};


#pragma GCC visibility push(hidden)


static inline sio_str_t
sio_room_name(const sio_room_t *room)
{
    return sio_str(room->node.key, room->node.len);
}


/* The room with members in this worker, or NULL. */

sio_room_t *sio_namespace_room(sio_namespace_t *ns, sio_str_t name);

/*
 * Join.  A second join is ignored: SIO_OK; so is one to its own id.
 *
 * SIO_DECLINED  too many rooms, the zone is full, or the socket is leaving
 * SIO_ERROR     not a name for a room
 * SIO_NOMEM
 */
int sio_room_join(sio_socket_t *socket, sio_str_t name);

/* Leave: SIO_OK, or SIO_DECLINED: it was not in it. */

int sio_room_leave(sio_socket_t *socket, sio_str_t name);

void sio_room_leave_all(sio_socket_t *socket);

/* Whether the socket is in it (its own id counts). */

int sio_room_has(const sio_socket_t *socket, sio_str_t name);


/*
 * Of a room the socket is in: from which position on (app->position, the
 * lower half) it is; and set it.  since: SIO_DECLINED: it is in no such room.
 */
int sio_room_since(const sio_socket_t *socket, sio_str_t name,
    uint32_t *since);
void sio_room_set_since(sio_socket_t *socket, sio_str_t name, uint32_t since);


/* For this floor: a walker is gone; a room that is empty by now is freed. */

void sio_room_release(sio_room_t *room);


#pragma GCC visibility pop


#endif /* _SIO_ROOM_H_INCLUDED_ */
