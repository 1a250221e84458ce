/*
 * The open packet.  A sid is base64url: nothing in it needs an escape.
 */


#include "codec/eio_open.h"
#include "codec/sio_writer.h"


int
eio_open_encode(const eio_open_t *open, sio_buf_t *buf)
{
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    sio_writer_put_text(&w, "0{\"sid\":\"");
    sio_writer_put_str(&w, open->sid);
    sio_writer_put_text(&w, open->upgrade
                            ? "\",\"upgrades\":[\"websocket\"]"
                            : "\",\"upgrades\":[]");
    sio_writer_put_text(&w, ",\"pingInterval\":");
    sio_writer_put_uint(&w, open->ping_interval_msec);
    sio_writer_put_text(&w, ",\"pingTimeout\":");
    sio_writer_put_uint(&w, open->ping_timeout_msec);
    sio_writer_put_text(&w, ",\"maxPayload\":");
    sio_writer_put_uint(&w, open->max_payload_bytes);
    sio_writer_put_text(&w, "}");

    return sio_writer_end(&w);
}
