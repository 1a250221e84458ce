/*
 * Records between workers: any sequence of gets on any bytes.  A record that
 * is read whole must come out the same when its fields are written again.
 *
 * Input: the number of fields, their kinds, the record.
 */


#include "fuzz.h"
#include "codec/sio_wire.h"


#define FIELDS_MAX  64


static void field_copy(sio_wire_t *r, sio_wire_writer_t *w, uint8_t kind);


static void
field_copy(sio_wire_t *r, sio_wire_writer_t *w, uint8_t kind)
{
    sio_str_t  s;

    switch (kind % 4) {

    case 0:
        sio_wire_put_u8(w, sio_wire_get_u8(r));
        break;

    case 1:
        sio_wire_put_u32(w, sio_wire_get_u32(r));
        break;

    case 2:
        sio_wire_put_u64(w, sio_wire_get_u64(r));
        break;

    default:
        s = sio_wire_get_str(r);
        check(!r->error || s.len == 0);
        sio_wire_put_str(w, s);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             i, n, len;
    uint8_t           *record, type;
    sio_buf_t          buf;
    sio_wire_t         r;
    sio_wire_writer_t  w;

    if (size == 0) {
        return 0;
    }

    n = data[0] % FIELDS_MAX;

    if (size < 1 + n) {
        return 0;
    }

    /* a block of exactly its size */

    len = size - 1 - n;
    record = malloc(len ? len : 1);
    check(record != NULL);
    memcpy(record, data + 1 + n, len);

    type = 0;

    if (sio_wire_open(&r, record, len, &type) != SIO_OK) {
        check(len < 2 || record[1] != SIO_WIRE_VERSION);
        check(sio_wire_get_u64(&r) == 0 && sio_wire_get_str(&r).len == 0);
        check(sio_wire_done(&r) == SIO_ERROR);
        free(record);
        return 0;
    }

    sio_buf_init(&buf, &fuzz_mem, 1 << 20);
    sio_wire_begin(&w, &buf, type);

    for (i = 0; i < n; i++) {
        field_copy(&r, &w, data[1 + i]);
    }

    check(sio_wire_end(&w) == SIO_OK);

    if (sio_wire_done(&r) == SIO_OK) {
        check(buf.len == len && memcmp(buf.data, record, len) == 0);
    }

    sio_buf_free(&buf);
    free(record);

    return 0;
}
