/*
 * The record between workers: type, version, fields.
 */


#include "codec/sio_wire.h"


static void sio_wire_put_uint(sio_wire_writer_t *w, uint64_t n, size_t size);
static const uint8_t *sio_wire_get(sio_wire_t *r, size_t len);
static uint64_t sio_wire_get_uint(sio_wire_t *r, size_t size);


void
sio_wire_begin(sio_wire_writer_t *w, sio_buf_t *buf, uint8_t type)
{
    sio_writer_begin(w, buf);
    sio_wire_put_u8(w, type);
    sio_wire_put_u8(w, SIO_WIRE_VERSION);
}


void
sio_wire_put_u8(sio_wire_writer_t *w, uint8_t n)
{
    sio_wire_put_uint(w, n, sizeof(n));
}


void
sio_wire_put_u32(sio_wire_writer_t *w, uint32_t n)
{
    sio_wire_put_uint(w, n, sizeof(n));
}


void
sio_wire_put_u64(sio_wire_writer_t *w, uint64_t n)
{
    sio_wire_put_uint(w, n, sizeof(n));
}


void
sio_wire_put_str(sio_wire_writer_t *w, sio_str_t s)
{
    if (s.len > UINT32_MAX) {
        sio_writer_check(w, SIO_DECLINED);
        return;
    }

    sio_wire_put_u32(w, (uint32_t) s.len);
    sio_writer_put_str(w, s);
}


static void
sio_wire_put_uint(sio_wire_writer_t *w, uint64_t n, size_t size)
{
    size_t   i;
    uint8_t  bytes[sizeof(n)];

    for (i = 0; i < size; i++) {
        bytes[i] = (uint8_t) n;
        n >>= 8;
    }

    sio_writer_put(w, bytes, size);
}


int
sio_wire_open(sio_wire_t *r, const uint8_t *data, size_t len, uint8_t *type)
{
    if (len < 2 || data[1] != SIO_WIRE_VERSION) {
        r->pos = NULL;
        r->end = NULL;
        r->error = 1;

        return SIO_ERROR;
    }

    *type = data[0];

    sio_wire_fields(r, sio_str(data + 2, len - 2));

    return SIO_OK;
}


void
sio_wire_fields(sio_wire_t *r, sio_str_t fields)
{
    r->pos = fields.data;
    r->end = fields.data + fields.len;
    r->error = 0;
}


uint8_t
sio_wire_get_u8(sio_wire_t *r)
{
    return (uint8_t) sio_wire_get_uint(r, sizeof(uint8_t));
}


uint32_t
sio_wire_get_u32(sio_wire_t *r)
{
    return (uint32_t) sio_wire_get_uint(r, sizeof(uint32_t));
}


uint64_t
sio_wire_get_u64(sio_wire_t *r)
{
    return sio_wire_get_uint(r, sizeof(uint64_t));
}


sio_str_t
sio_wire_get_str(sio_wire_t *r)
{
    uint32_t        len;
    const uint8_t  *p;

    len = sio_wire_get_u32(r);
    p = sio_wire_get(r, len);

    return p ? sio_str(p, len) : sio_str(NULL, 0);
}


int
sio_wire_done(sio_wire_t *r)
{
    return (r->error || r->pos != r->end) ? SIO_ERROR : SIO_OK;
}


static const uint8_t *
sio_wire_get(sio_wire_t *r, size_t len)
{
    const uint8_t  *p;

    if (r->error || (size_t) (r->end - r->pos) < len) {
        r->error = 1;
        return NULL;
    }

    p = r->pos;
    r->pos += len;

    return p;
}


static uint64_t
sio_wire_get_uint(sio_wire_t *r, size_t size)
{
    uint64_t        n;
    const uint8_t  *p;

    p = sio_wire_get(r, size);
    if (p == NULL) {
        return 0;
    }

    n = 0;

    while (size) {
        n = n << 8 | p[--size];
    }

    return n;
}
