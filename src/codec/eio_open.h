/*
 * The handshake: the data of the open packet.  Engine.IO v4, "Handshake".
 */


#ifndef _EIO_OPEN_H_INCLUDED_
#define _EIO_OPEN_H_INCLUDED_


#include "codec/sio_buf.h"


#define EIO_SID_LEN    20        /* base64url characters of a sid */
#define EIO_SID_BYTES  15        /* random bytes that it encodes */


typedef struct {
    sio_str_t  sid;
    unsigned   upgrade:1;        /* "websocket" is offered */
    uint32_t   ping_interval_msec;
    uint32_t   ping_timeout_msec;
    uint32_t   max_payload_bytes;
} eio_open_t;


#pragma GCC visibility push(hidden)


/*
 * Append the whole open packet: 0{"sid":...,"upgrades":[...],...} with
 * exactly the five keys of the specification, in its order.  Results as
 * sio_buf_append().
 */
int eio_open_encode(const eio_open_t *open, sio_buf_t *buf);


#pragma GCC visibility pop


#endif /* _EIO_OPEN_H_INCLUDED_ */
