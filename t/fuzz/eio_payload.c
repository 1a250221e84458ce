/*
 * Polling payloads: what is decoded, encoded again, decodes to the same, and
 * the count announced is the count found.
 */


#include "fuzz.h"
#include "codec/eio_payload.h"
#include "codec/sio_utf8.h"


/* Append a decoded packet as it would be sent. */

static void
fuzz_append(sio_buf_t *buf, const eio_packet_t *pkt)
{
    sio_str_t  text;

    if (pkt->binary) {
        check(eio_payload_append_binary(buf, pkt->data) == SIO_OK);
        return;
    }

    /* the type digit stands before the data */

    text = sio_str(pkt->data.data - 1, pkt->data.len + 1);

    check(text.data[0] == eio_packet_char(pkt->type));
    check(sio_utf8_valid(text.data, text.len) == SIO_OK);
    check(memchr(text.data, EIO_SEPARATOR, text.len) == NULL);
    check(eio_payload_append_text(buf, text) == SIO_OK);
}


/* Decode all: the number of packets, or -1. */

static long
fuzz_decode(uint8_t *data, size_t size, sio_buf_t *buf)
{
    int             rc;
    long            n;
    eio_packet_t    pkt;
    eio_payload_t   p;

    eio_payload_init(&p, data, size);

    for (n = 0; (rc = eio_payload_next(&p, &pkt)) == SIO_OK; n++) {
        check(pkt.data.data >= data);
        check(pkt.data.data + pkt.data.len <= data + size);

        fuzz_append(buf, &pkt);
    }

    check((rc == SIO_ERROR) == (p.error != NULL));
    check(eio_payload_next(&p, &pkt) == rc);

    return rc == SIO_DONE ? n : -1;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long        n;
    size_t      count, len;
    uint8_t    *copy;
    sio_buf_t   first, second;

    copy = malloc(size ? size : 1);
    check(copy != NULL);

    if (size) {
        memcpy(copy, data, size);
    }

    sio_buf_init(&first, &fuzz_mem, size * 2 + 16);
    sio_buf_init(&second, &fuzz_mem, size * 2 + 16);

    count = eio_payload_count(sio_str(data, size));
    n = fuzz_decode(copy, size, &first);

    if (n >= 0) {
        check((size_t) n == count);

        /* the second time is the fixed point: base64 is padded now */

        len = first.len;
        free(copy);
        copy = malloc(len);
        check(copy != NULL);
        memcpy(copy, first.data, len);

        check(fuzz_decode(copy, len, &second) == n);
        check(sio_str_eq(sio_buf_str(&first), sio_buf_str(&second)));
    }

    free(copy);
    sio_buf_free(&first);
    sio_buf_free(&second);

    return 0;
}
