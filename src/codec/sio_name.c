/*
 * Names of rooms.
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
    return (name.len >= SIO_USER_ROOM_LEN
            && memcmp(name.data, SIO_USER_ROOM, SIO_USER_ROOM_LEN) == 0)
           || sio_socket_id_like(name);
}
