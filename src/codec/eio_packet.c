/*
 * Engine.IO packets: one digit and its data.
 */


#include "codec/eio_packet.h"


int
eio_packet_decode(sio_str_t text, eio_packet_t *pkt)
{
    if (text.len == 0
        || text.data[0] < eio_packet_char(EIO_OPEN)
        || text.data[0] > eio_packet_char(EIO_NOOP))
    {
        return SIO_ERROR;
    }

    pkt->type = (eio_packet_e) (text.data[0] - '0');
    pkt->binary = 0;
    pkt->data = sio_str(text.data + 1, text.len - 1);

    return SIO_OK;
}


void
eio_packet_binary(sio_str_t bytes, eio_packet_t *pkt)
{
    pkt->type = EIO_MESSAGE;
    pkt->binary = 1;
    pkt->data = bytes;
}
