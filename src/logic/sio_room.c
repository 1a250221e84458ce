/*
 * Rooms and memberships: two arrays that point at each other.
 *
 * socket->rooms[i].index is the socket's place in that room's members, and
 * members[j].index is the room's place in that socket's rooms.  Taking one
 * out moves the last into its place and corrects the other side's index.
 */


#include "logic/sio_room.h"


#define SIO_ROOM_NONE  UINT32_MAX


static sio_room_t *sio_room_find(sio_namespace_t *ns, sio_str_t name);
static sio_room_t *sio_room_create(sio_namespace_t *ns, sio_str_t name);
static int sio_room_add(sio_room_t *room, sio_socket_t *socket);
static uint32_t sio_room_index(const sio_room_t *room,
    const sio_socket_t *socket);
static void sio_room_take(sio_socket_t *socket, uint32_t index);
static int sio_room_resize(sio_room_t *room, uint32_t cap);
static int sio_room_grow_socket(sio_socket_t *socket);


static sio_room_t *
sio_room_find(sio_namespace_t *ns, sio_str_t name)
{
    sio_map_node_t  *node;

    node = sio_map_find(&ns->rooms, name);

    return node ? sio_map_data(node, sio_room_t, node) : NULL;
}


sio_room_t *
sio_namespace_room(sio_namespace_t *ns, sio_str_t name)
{
    sio_room_t  *room;

    room = sio_room_find(ns, name);

    return room && room->count ? room : NULL;
}


int
sio_room_join(sio_socket_t *socket, sio_str_t name)
{
    int               rc;
    sio_room_t       *room;
    sio_namespace_t  *ns;

    ns = socket->ns;

    if (socket->leaving) {
        return SIO_DECLINED;
    }

    if (sio_str_eq(name, sio_socket_sid(socket))) {
        return SIO_OK;
    }

    room = sio_room_find(ns, name);

    if (room) {
        if (sio_room_index(room, socket) != SIO_ROOM_NONE) {
            return SIO_OK;
        }

    } else if (!sio_room_name_valid(name)) {
        return SIO_ERROR;
    }

    if (socket->nrooms >= ns->app->limits->max_rooms
        || socket->nrooms == UINT16_MAX)
    {
        return SIO_DECLINED;
    }

    if (room == NULL) {
        room = sio_room_create(ns, name);
        if (room == NULL) {
            return SIO_NOMEM;
        }
    }

    rc = sio_room_add(room, socket);

    if (rc != SIO_OK) {
        sio_room_release(room);
        return rc;
    }

    sio_socket_changed(socket);

    return SIO_OK;
}


static sio_room_t *
sio_room_create(sio_namespace_t *ns, sio_str_t name)
{
    sio_room_t       *room;
    const sio_mem_t  *mem;

    mem = ns->app->mem;

    room = sio_alloc(mem, sizeof(sio_room_t) + name.len);
    if (room == NULL) {
        return NULL;
    }

    memset(room, 0, sizeof(sio_room_t));
    room->ns = ns;
    memcpy(room->name, name.data, name.len);

    if (sio_map_insert(&ns->rooms, &room->node, sio_str(room->name, name.len))
        != SIO_OK)
    {
        sio_free(mem, room);
        return NULL;
    }

    return room;
}


static int
sio_room_add(sio_room_t *room, sio_socket_t *socket)
{
    int         rc;
    sio_app_t  *app;

    app = room->ns->app;

    if (room->count == room->cap) {
        rc = sio_room_resize(room, room->cap ? room->cap * 2 : 1);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if ((socket->nrooms & (socket->nrooms - 1)) == 0) {
        rc = sio_room_grow_socket(socket);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (app->ops->room_changed(room->ns, room, room->count + 1) != SIO_OK) {
        return SIO_DECLINED;
    }

    socket->rooms[socket->nrooms].room = room;
    socket->rooms[socket->nrooms].index = room->count;
    socket->rooms[socket->nrooms].since = (uint32_t) app->position;

    room->members[room->count].socket = socket;
    room->members[room->count].index = socket->nrooms;

    socket->nrooms++;
    room->count++;

    return SIO_OK;
}


/* Where the socket's rooms has the room: the shorter side is searched. */

static uint32_t
sio_room_index(const sio_room_t *room, const sio_socket_t *socket)
{
    uint32_t  i;

    if (room->count < socket->nrooms) {

        for (i = 0; i < room->count; i++) {
            if (room->members[i].socket == socket) {
                return room->members[i].index;
            }
        }

        return SIO_ROOM_NONE;
    }

    for (i = 0; i < socket->nrooms; i++) {
        if (socket->rooms[i].room == room) {
            return i;
        }
    }

    return SIO_ROOM_NONE;
}


static int
sio_room_resize(sio_room_t *room, uint32_t cap)
{
    sio_member_t  *members;

    members = sio_realloc(room->ns->app->mem, room->members,
                          room->count * sizeof(sio_member_t),
                          cap * sizeof(sio_member_t));
    if (members == NULL) {
        return SIO_NOMEM;
    }

    room->members = members;
    room->cap = cap;

    return SIO_OK;
}


/*
 * Its array is full, or was when there were so many rooms last: then the size
 * is what it is already, or more.
 */

static int
sio_room_grow_socket(sio_socket_t *socket)
{
    uint32_t           cap;
    sio_membership_t  *rooms;

    cap = socket->nrooms ? socket->nrooms * 2u : 1;

    rooms = sio_realloc(socket->ns->app->mem, socket->rooms,
                        socket->nrooms * sizeof(sio_membership_t),
                        cap * sizeof(sio_membership_t));
    if (rooms == NULL) {
        return SIO_NOMEM;
    }

    socket->rooms = rooms;

    return SIO_OK;
}


int
sio_room_leave(sio_socket_t *socket, sio_str_t name)
{
    uint32_t     index;
    sio_room_t  *room;

    room = sio_room_find(socket->ns, name);
    if (room == NULL) {
        return SIO_DECLINED;
    }

    index = sio_room_index(room, socket);
    if (index == SIO_ROOM_NONE) {
        return SIO_DECLINED;
    }

    sio_room_take(socket, index);
    sio_socket_changed(socket);

    return SIO_OK;
}


void
sio_room_leave_all(sio_socket_t *socket)
{
    while (socket->nrooms) {
        sio_room_take(socket, socket->nrooms - 1u);
    }

    sio_free(socket->ns->app->mem, socket->rooms);

    socket->rooms = NULL;
}


static void
sio_room_take(sio_socket_t *socket, uint32_t index)
{
    uint32_t           place;
    sio_room_t        *room;
    sio_member_t      *member;
    sio_membership_t  *membership;

    room = socket->rooms[index].room;
    place = socket->rooms[index].index;

    room->count--;

    if (place != room->count) {
        member = &room->members[place];
        *member = room->members[room->count];
        member->socket->rooms[member->index].index = place;
    }

    socket->nrooms--;

    if (index != socket->nrooms) {
        membership = &socket->rooms[index];
        *membership = socket->rooms[socket->nrooms];
        membership->room->members[membership->index].index = index;
    }

    /* a quarter full: half of it is plenty, and no hurry if that fails */

    if (room->count && room->count <= room->cap / 4) {
        (void) sio_room_resize(room, room->cap / 2);
    }

    (void) room->ns->app->ops->room_changed(room->ns, room, room->count);

    sio_room_release(room);
}


void
sio_room_release(sio_room_t *room)
{
    sio_namespace_t  *ns;

    if (room->count || room->walkers) {
        return;
    }

    ns = room->ns;

    sio_map_remove(&ns->rooms, &room->node);
    sio_free(ns->app->mem, room->members);
    sio_free(ns->app->mem, room);
}


int
sio_room_has(const sio_socket_t *socket, sio_str_t name)
{
    sio_room_t  *room;

    if (sio_str_eq(name, sio_socket_sid(socket))) {
        return 1;
    }

    /* a snapshot is nowhere */

    room = socket->ns ? sio_room_find(socket->ns, name) : NULL;

    return room && sio_room_index(room, socket) != SIO_ROOM_NONE;
}


int
sio_room_since(const sio_socket_t *socket, sio_str_t name, uint32_t *since)
{
    uint32_t     index;
    sio_room_t  *room;

    room = sio_room_find(socket->ns, name);
    index = room ? sio_room_index(room, socket) : SIO_ROOM_NONE;

    if (index == SIO_ROOM_NONE) {
        return SIO_DECLINED;
    }

    *since = socket->rooms[index].since;

    return SIO_OK;
}


void
sio_room_set_since(sio_socket_t *socket, sio_str_t name, uint32_t since)
{
    uint32_t     index;
    sio_room_t  *room;

    room = sio_room_find(socket->ns, name);
    index = room ? sio_room_index(room, socket) : SIO_ROOM_NONE;

    if (index != SIO_ROOM_NONE) {
        socket->rooms[index].since = since;
    }
}
