/*
 * Records between workers: any sequence of gets on any bytes.  A record that
 * is read whole must come out the same when its fields are written again.
 *
 * Input: the number of fields, their kinds, the record.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/sio_wire.h"


#define FIELDS_MAX  64


static void *fuzz_alloc(void *ctx, size_t size);
static void fuzz_free(void *ctx, void *p);
static void field_copy(sio_wire_t *r, sio_wire_writer_t *w, uint8_t kind);
static void expect(int fact);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const sio_mem_t  mem = { fuzz_alloc, fuzz_free, NULL };


static void *
fuzz_alloc(void *ctx, size_t size)
{
    return malloc(size);
}


static void
fuzz_free(void *ctx, void *p)
{
    free(p);
}


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
        expect(!r->error || s.len == 0);
        sio_wire_put_str(w, s);
    }
}


static void
expect(int fact)
{
    if (!fact) {
        abort();
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
    expect(record != NULL);
    memcpy(record, data + 1 + n, len);

    type = 0;

    if (sio_wire_open(&r, record, len, &type) != SIO_OK) {
        expect(len < 2 || record[1] != SIO_WIRE_VERSION);
        expect(sio_wire_get_u64(&r) == 0 && sio_wire_get_str(&r).len == 0);
        expect(sio_wire_done(&r) == SIO_ERROR);
        free(record);
        return 0;
    }

    sio_buf_init(&buf, &mem, 1 << 20);
    sio_wire_begin(&w, &buf, type);

    for (i = 0; i < n; i++) {
        field_copy(&r, &w, data[1 + i]);
    }

    expect(sio_wire_end(&w) == SIO_OK);

    if (sio_wire_done(&r) == SIO_OK) {
        expect(buf.len == len && memcmp(buf.data, record, len) == 0);
    }

    sio_buf_free(&buf);
    free(record);

    return 0;
}
