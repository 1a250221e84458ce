/*
 * Polling payloads, packet by packet.
 *
 * The separator 0x1e can stand in neither base64 nor JSON text, and never
 * inside a character of UTF-8: a payload may be cut before it is checked.
 */


#include "codec/eio_payload.h"
#include "codec/sio_base64.h"
#include "codec/sio_utf8.h"


static int eio_payload_error(eio_payload_t *p, const char *error);
static int eio_payload_binary(eio_payload_t *p, uint8_t *chunk, size_t len,
    eio_packet_t *pkt);
static int eio_payload_reserve(sio_buf_t *buf, size_t len);


void
eio_payload_init(eio_payload_t *p, uint8_t *data, size_t len)
{
    p->pos = data;
    p->end = len ? data + len : data;
    p->done = 0;
    p->error = NULL;
}


int
eio_payload_next(eio_payload_t *p, eio_packet_t *pkt)
{
    size_t    len;
    uint8_t  *chunk, *separator;

    if (p->error) {
        return SIO_ERROR;
    }

    if (p->done) {
        return SIO_DONE;
    }

    chunk = p->pos;
    len = p->end - chunk;

    if (len == 0) {
        return eio_payload_error(p, "empty packet");
    }

    separator = memchr(chunk, EIO_SEPARATOR, len);

    if (separator) {
        len = separator - chunk;
        p->pos = separator + 1;

    } else {
        p->pos = p->end;
        p->done = 1;
    }

    if (len && chunk[0] == 'b') {
        return eio_payload_binary(p, chunk + 1, len - 1, pkt);
    }

    if (eio_packet_decode(sio_str(chunk, len), pkt) != SIO_OK) {
        return eio_payload_error(p, len ? "unknown packet type"
                                        : "empty packet");
    }

    if (sio_utf8_valid(chunk, len) != SIO_OK) {
        return eio_payload_error(p, "invalid UTF-8");
    }

    return SIO_OK;
}


static int
eio_payload_error(eio_payload_t *p, const char *error)
{
    p->error = error;

    return SIO_ERROR;
}


static int
eio_payload_binary(eio_payload_t *p, uint8_t *chunk, size_t len,
    eio_packet_t *pkt)
{
    size_t  n;

    if (sio_base64_decode(chunk, &n, chunk, len) != SIO_OK) {
        return eio_payload_error(p, "invalid base64");
    }

    eio_packet_binary(sio_str(chunk, n), pkt);

    return SIO_OK;
}


size_t
eio_payload_count(sio_str_t payload)
{
    size_t          n;
    const uint8_t  *p, *end;

    if (payload.len == 0) {
        return 0;
    }

    p = payload.data;
    end = p + payload.len;

    for (n = 1; (p = memchr(p, EIO_SEPARATOR, end - p)) != NULL; n++) {
        if (++p == end) {
            return n + 1;
        }
    }

    return n;
}


int
eio_payload_append_text(sio_buf_t *buf, sio_str_t text)
{
    int  rc;

    rc = eio_payload_reserve(buf, text.len);
    if (rc != SIO_OK) {
        return rc;
    }

    return sio_buf_append_str(buf, text);
}


int
eio_payload_append_binary(sio_buf_t *buf, sio_str_t bytes)
{
    int  rc;

    rc = eio_payload_reserve(buf, 1 + sio_base64_encoded_len(bytes.len));
    if (rc != SIO_OK) {
        return rc;
    }

    buf->data[buf->len++] = 'b';

    return sio_base64_append(buf, bytes);
}


/* Room for a packet of len bytes, and the separator before it. */

static int
eio_payload_reserve(sio_buf_t *buf, size_t len)
{
    int  rc;

    rc = sio_buf_reserve(buf, len + (buf->len ? 1 : 0));
    if (rc != SIO_OK) {
        return rc;
    }

    if (buf->len) {
        buf->data[buf->len++] = EIO_SEPARATOR;
    }

    return SIO_OK;
}
