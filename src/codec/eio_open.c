/*
 * The open packet.  A sid is base64url: nothing in it needs an escape.
 */


#include <stdio.h>

#include "codec/eio_open.h"


#define EIO_OPEN_TAIL  128       /* holds three numbers of 10 digits */


int
eio_open_encode(const eio_open_t *open, sio_buf_t *buf)
{
    int        rc, len;
    char       tail[EIO_OPEN_TAIL];
    sio_str_t  head;

    head = sio_cstr("0{\"sid\":\"");

    len = snprintf(tail, sizeof(tail),
                   "\",\"upgrades\":[%s],\"pingInterval\":%u,"
                   "\"pingTimeout\":%u,\"maxPayload\":%u}",
                   open->upgrade ? "\"websocket\"" : "",
                   (unsigned) open->ping_interval_msec,
                   (unsigned) open->ping_timeout_msec,
                   (unsigned) open->max_payload_bytes);

    if (len < 0 || (size_t) len >= sizeof(tail)) {
        return SIO_DECLINED;
    }

    rc = sio_buf_reserve(buf, head.len + open->sid.len + len);
    if (rc != SIO_OK) {
        return rc;
    }

    (void) sio_buf_append_str(buf, head);
    (void) sio_buf_append_str(buf, open->sid);

    return sio_buf_append(buf, tail, len);
}
