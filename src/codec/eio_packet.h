/*
 * Engine.IO packets.
 *
 * A packet of a WebSocket text message is one digit and its data; a binary
 * message is a message packet by itself.  In a polling payload binary is "b"
 * and base64: see eio_payload.
 *
 * Engine.IO v4, "Packet encoding".
 */


#ifndef _EIO_PACKET_H_INCLUDED_
#define _EIO_PACKET_H_INCLUDED_


#include "codec/sio_types.h"


typedef enum {
    EIO_OPEN = 0,
    EIO_CLOSE,
    EIO_PING,
    EIO_PONG,
    EIO_MESSAGE,
    EIO_UPGRADE,
    EIO_NOOP
} eio_packet_e;


typedef struct {
    eio_packet_e  type;
    unsigned      binary:1;      /* a message of bytes, not of text */
    sio_str_t     data;          /* without the type digit */
} eio_packet_t;


#pragma GCC visibility push(hidden)


/*
 * Decode one packet from a text message or a text chunk of a payload.
 * pkt->data is a view.  SIO_OK, or SIO_ERROR: empty, or an unknown type.
 */
int eio_packet_decode(sio_str_t text, eio_packet_t *pkt);

/* A binary message. */

void eio_packet_binary(sio_str_t bytes, eio_packet_t *pkt);

/* The digit of a type. */

static inline uint8_t
eio_packet_char(eio_packet_e type)
{
    return (uint8_t) ('0' + type);
}


#pragma GCC visibility pop


#endif /* _EIO_PACKET_H_INCLUDED_ */
