/*
 * The body of a polling request: packets joined by 0x1e, a binary message as
 * "b" and base64.
 *
 * Engine.IO v4, "Packet encoding", HTTP long-polling.
 */


#ifndef _EIO_PAYLOAD_H_INCLUDED_
#define _EIO_PAYLOAD_H_INCLUDED_


#include "codec/sio_buf.h"
#include "codec/eio_packet.h"


#define EIO_SEPARATOR  0x1e


typedef struct {
    uint8_t     *pos;
    uint8_t     *end;
    unsigned     done:1;
    const char  *error;          /* static text */
} eio_payload_t;


#pragma GCC visibility push(hidden)


/* data is modified: base64 is decoded in place. */

void eio_payload_init(eio_payload_t *p, uint8_t *data, size_t len);

/*
 * The next packet; pkt->data is a view into the payload.  Text is checked to
 * be UTF-8.
 *
 * SIO_OK, SIO_DONE (no more), SIO_ERROR (p->error: empty payload or packet,
 * unknown type, bad base64, bad UTF-8)
 */
int eio_payload_next(eio_payload_t *p, eio_packet_t *pkt);

/* How many packets a payload of these bytes has, without decoding it. */

size_t eio_payload_count(sio_str_t payload);

/*
 * Append one packet, with a separator if buf is not empty: text is a whole
 * packet ("4hello"), binary the bytes of a binary message.  Results as
 * sio_buf_append(); on failure buf is as it was.
 */
int eio_payload_append_text(sio_buf_t *buf, sio_str_t text);
int eio_payload_append_binary(sio_buf_t *buf, sio_str_t bytes);


#pragma GCC visibility pop


#endif /* _EIO_PAYLOAD_H_INCLUDED_ */
