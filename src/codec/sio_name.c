/*
 * Names of rooms, and patterns of names.
 */


#include "codec/eio_open.h"
#include "codec/sio_name.h"
#include "codec/sio_packet.h"


int
sio_room_name_valid(sio_str_t name)
{
    return sio_name_valid(name, SIO_ROOM_MAX);
}


int
sio_socket_id_like(sio_str_t name)
{
    size_t   i;
    uint8_t  ch;

    if (name.len != EIO_SID_LEN) {
        return 0;
    }

    for (i = 0; i < name.len; i++) {
        ch = name.data[i];

        if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')
              || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
        {
            return 0;
        }
    }

    return 1;
}


int
sio_room_reserved(sio_str_t name)
{
    return sio_room_user(name).data || sio_socket_id_like(name);
}


sio_str_t
sio_user_room(sio_str_t user, uint8_t room[SIO_ROOM_MAX])
{
    if (user.len > SIO_ROOM_MAX - SIO_USER_ROOM_LEN) {
        return sio_str(NULL, 0);
    }

    memcpy(room, SIO_USER_ROOM, SIO_USER_ROOM_LEN);

    if (user.len) {
        memcpy(room + SIO_USER_ROOM_LEN, user.data, user.len);
    }

    return sio_str(room, SIO_USER_ROOM_LEN + user.len);
}


sio_str_t
sio_room_user(sio_str_t room)
{
    if (room.len < SIO_USER_ROOM_LEN
        || memcmp(room.data, SIO_USER_ROOM, SIO_USER_ROOM_LEN) != 0)
    {
        return sio_str(NULL, 0);
    }

    return sio_str(room.data + SIO_USER_ROOM_LEN,
                   room.len - SIO_USER_ROOM_LEN);
}


int
sio_name_listed(sio_str_t name, const sio_str_t *names, unsigned n)
{
    while (n--) {
        if (sio_str_eq(names[n], name)) {
            return 1;
        }
    }

    return 0;
}


/* A star is any number of bytes; only the last one seen has to be retried. */

int
sio_name_glob(sio_str_t pattern, sio_str_t name)
{
    size_t  p, n, star, retry;

    p = 0;
    n = 0;
    star = pattern.len;
    retry = 0;

    while (n < name.len) {

        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            retry = n;

        } else if (p < pattern.len && pattern.data[p] == name.data[n]) {
            p++;
            n++;

        } else if (star < pattern.len) {
            p = star + 1;
            n = ++retry;

        } else {
            return SIO_DECLINED;
        }
    }

    while (p < pattern.len && pattern.data[p] == '*') {
        p++;
    }

    return p == pattern.len ? SIO_OK : SIO_DECLINED;
}
