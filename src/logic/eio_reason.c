/*
 * The names of the reasons why a session ended: those of Socket.IO, as
 * clients and rules know them.
 */


#include "logic/eio_session.h"


sio_str_t
eio_reason_name(eio_reason_e reason)
{
    switch (reason) {

    case EIO_REASON_TRANSPORT_CLOSE:
        return sio_cstr("transport close");

    case EIO_REASON_TRANSPORT_ERROR:
    case EIO_REASON_NO_MEMORY:
        return sio_cstr("transport error");

    case EIO_REASON_PING_TIMEOUT:
        return sio_cstr("ping timeout");

    case EIO_REASON_PARSE_ERROR:
        return sio_cstr("parse error");

    case EIO_REASON_FORCED_CLOSE:
    case EIO_REASON_CONNECT_TIMEOUT:
    case EIO_REASON_SLOW_CONSUMER:
    case EIO_REASON_LIMITED:
        return sio_cstr("forced close");

    case EIO_REASON_SHUTTING_DOWN:
        return sio_cstr("server shutting down");

    case EIO_REASON_MOVED:
        return sio_cstr("moved");

    default:
        return sio_cstr("");
    }
}
