/*
 * MessagePack: reading and writing single values.
 *
 * The first byte says what follows: a small value, a short length, or how
 * many bytes of length or value come next, big endian.  The announced count
 * of an array or a map is held against the bytes that are left, so that a
 * loop over its members ends with the input.
 */


#include "codec/sio_msgpack.h"


static int sio_msgpack_head(sio_msgpack_t *m, sio_msgpack_value_t *v,
    uint8_t type);
static int sio_msgpack_number(sio_msgpack_t *m, sio_msgpack_value_t *v,
    uint8_t type);
static int sio_msgpack_take(sio_msgpack_t *m, sio_msgpack_value_t *v,
    sio_msgpack_e type, uint64_t len);
static int sio_msgpack_count(sio_msgpack_t *m, sio_msgpack_value_t *v,
    sio_msgpack_e type, uint64_t n);
static int sio_msgpack_big_endian(sio_msgpack_t *m, unsigned len,
    uint64_t *n);
static int sio_msgpack_put(sio_buf_t *buf, uint8_t type, uint64_t n,
    unsigned len);
static int sio_msgpack_put_bytes(sio_buf_t *buf, uint8_t type, uint64_t n,
    unsigned len, sio_str_t s);


int
sio_msgpack_next(sio_msgpack_t *m, sio_msgpack_value_t *v)
{
    int             rc;
    uint8_t         type;
    const uint8_t  *start;

    start = m->pos;

    if (m->pos == m->end) {
        return SIO_ERROR;
    }

    type = *m->pos++;

    memset(v, 0, sizeof(sio_msgpack_value_t));

    if (type <= 0x7f) {                          /* positive fixint */
        v->type = SIO_MSGPACK_UINT;
        v->u = type;
        return SIO_OK;
    }

    if (type >= 0xe0) {                          /* negative fixint */
        v->type = SIO_MSGPACK_INT;
        v->i = (int8_t) type;
        return SIO_OK;
    }

    if (type <= 0x8f) {                          /* fixmap */
        rc = sio_msgpack_count(m, v, SIO_MSGPACK_MAP, type & 0x0f);

    } else if (type <= 0x9f) {                   /* fixarray */
        rc = sio_msgpack_count(m, v, SIO_MSGPACK_ARRAY, type & 0x0f);

    } else if (type <= 0xbf) {                   /* fixstr */
        rc = sio_msgpack_take(m, v, SIO_MSGPACK_STR, type & 0x1f);

    } else if (type >= 0xca && type <= 0xd3) {
        rc = sio_msgpack_number(m, v, type);

    } else {
        rc = sio_msgpack_head(m, v, type);
    }

    if (rc != SIO_OK) {
        m->pos = start;
    }

    return rc;
}


static int
sio_msgpack_head(sio_msgpack_t *m, sio_msgpack_value_t *v, uint8_t type)
{
    uint64_t  n;

    n = 0;

    switch (type) {

    case 0xc0:
        v->type = SIO_MSGPACK_NIL;
        return SIO_OK;

    case 0xc2:
        v->type = SIO_MSGPACK_FALSE;
        return SIO_OK;

    case 0xc3:
        v->type = SIO_MSGPACK_TRUE;
        return SIO_OK;

    case 0xc4:                                   /* bin 8, 16, 32 */
    case 0xc5:
    case 0xc6:
        if (sio_msgpack_big_endian(m, 1u << (type - 0xc4), &n) != SIO_OK) {
            return SIO_ERROR;
        }

        return sio_msgpack_take(m, v, SIO_MSGPACK_BIN, n);

    case 0xc7:                                   /* ext 8, 16, 32 */
    case 0xc8:
    case 0xc9:
        if (sio_msgpack_big_endian(m, 1u << (type - 0xc7), &n) != SIO_OK) {
            return SIO_ERROR;
        }

        return sio_msgpack_take(m, v, SIO_MSGPACK_EXT, n);

    case 0xd4:                                   /* fixext 1, 2, 4, 8, 16 */
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return sio_msgpack_take(m, v, SIO_MSGPACK_EXT, 1u << (type - 0xd4));

    case 0xd9:                                   /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        if (sio_msgpack_big_endian(m, 1u << (type - 0xd9), &n) != SIO_OK) {
            return SIO_ERROR;
        }

        return sio_msgpack_take(m, v, SIO_MSGPACK_STR, n);

    case 0xdc:                                   /* array 16, 32 */
    case 0xdd:
        if (sio_msgpack_big_endian(m, 2u << (type - 0xdc), &n) != SIO_OK) {
            return SIO_ERROR;
        }

        return sio_msgpack_count(m, v, SIO_MSGPACK_ARRAY, n);

    case 0xde:                                   /* map 16, 32 */
    case 0xdf:
        if (sio_msgpack_big_endian(m, 2u << (type - 0xde), &n) != SIO_OK) {
            return SIO_ERROR;
        }

        return sio_msgpack_count(m, v, SIO_MSGPACK_MAP, n);

    default:                                     /* 0xc1: never used */
        return SIO_ERROR;
    }
}


static int
sio_msgpack_number(sio_msgpack_t *m, sio_msgpack_value_t *v, uint8_t type)
{
    float     f;
    uint32_t  word;
    uint64_t  n;
    unsigned  len;

    /* float 32, 64; uint 8, 16, 32, 64; int 8, 16, 32, 64 */

    len = (type <= 0xcb) ? 4u << (type - 0xca)
          : (type <= 0xcf) ? 1u << (type - 0xcc) : 1u << (type - 0xd0);

    if (sio_msgpack_big_endian(m, len, &n) != SIO_OK) {
        return SIO_ERROR;
    }

    if (type == 0xca) {
        word = (uint32_t) n;
        memcpy(&f, &word, sizeof(float));
        v->type = SIO_MSGPACK_DOUBLE;
        v->d = f;
        return SIO_OK;
    }

    if (type == 0xcb) {
        v->type = SIO_MSGPACK_DOUBLE;
        memcpy(&v->d, &n, sizeof(double));
        return SIO_OK;
    }

    v->type = SIO_MSGPACK_UINT;
    v->u = n;

    if (type >= 0xd0 && (n >> (8 * len - 1)) != 0) {
        v->type = SIO_MSGPACK_INT;
        v->u = 0;
        v->i = (int64_t) (len == 8 ? n : n | ~(uint64_t) 0 << 8 * len);
    }

    return SIO_OK;
}


/* Bytes; those of an EXT stand behind its type. */

static int
sio_msgpack_take(sio_msgpack_t *m, sio_msgpack_value_t *v, sio_msgpack_e type,
    uint64_t len)
{
    if (type == SIO_MSGPACK_EXT) {
        if (m->pos == m->end) {
            return SIO_ERROR;
        }

        v->ext = (int8_t) *m->pos++;
    }

    if (len > (uint64_t) (m->end - m->pos)) {
        return SIO_ERROR;
    }

    v->type = type;
    v->bytes = sio_str(m->pos, (size_t) len);
    m->pos += len;

    return SIO_OK;
}


static int
sio_msgpack_count(sio_msgpack_t *m, sio_msgpack_value_t *v,
    sio_msgpack_e type, uint64_t n)
{
    uint64_t  left;

    left = (uint64_t) (m->end - m->pos);

    if (n > (type == SIO_MSGPACK_MAP ? left / 2 : left)) {
        return SIO_ERROR;
    }

    v->type = type;
    v->u = n;

    return SIO_OK;
}


static int
sio_msgpack_big_endian(sio_msgpack_t *m, unsigned len, uint64_t *n)
{
    uint64_t  word;

    if ((size_t) (m->end - m->pos) < len) {
        return SIO_ERROR;
    }

    for (word = 0; len; len--) {
        word = word << 8 | *m->pos++;
    }

    *n = word;

    return SIO_OK;
}


int
sio_msgpack_skip(sio_msgpack_t *m, sio_str_t *value)
{
    uint64_t              due;
    const uint8_t        *start;
    sio_msgpack_value_t   v;

    start = m->pos;

    /* each value due needs a byte at least: the sum cannot run away */

    for (due = 1; due; due--) {

        if (due > (uint64_t) (m->end - m->pos)
            || sio_msgpack_next(m, &v) != SIO_OK)
        {
            m->pos = start;
            return SIO_ERROR;
        }

        if (v.type == SIO_MSGPACK_ARRAY) {
            due += v.u;

        } else if (v.type == SIO_MSGPACK_MAP) {
            due += 2 * v.u;
        }
    }

    if (value) {
        *value = sio_str(start, m->pos - start);
    }

    return SIO_OK;
}


int
sio_msgpack_put_nil(sio_buf_t *buf)
{
    return sio_buf_append_char(buf, 0xc0);
}


int
sio_msgpack_put_bool(sio_buf_t *buf, int value)
{
    return sio_buf_append_char(buf, value ? 0xc3 : 0xc2);
}


int
sio_msgpack_put_int(sio_buf_t *buf, int64_t n)
{
    if (n >= 0) {
        return n <= 0x7f ? sio_buf_append_char(buf, (uint8_t) n)
               : n <= 0xff ? sio_msgpack_put(buf, 0xcc, n, 1)
               : n <= 0xffff ? sio_msgpack_put(buf, 0xcd, n, 2)
               : n <= 0xffffffff ? sio_msgpack_put(buf, 0xce, n, 4)
               : sio_msgpack_put(buf, 0xcf, n, 8);
    }

    return n >= -32 ? sio_buf_append_char(buf, (uint8_t) (int8_t) n)
           : n >= INT8_MIN ? sio_msgpack_put(buf, 0xd0, n, 1)
           : n >= INT16_MIN ? sio_msgpack_put(buf, 0xd1, n, 2)
           : n >= INT32_MIN ? sio_msgpack_put(buf, 0xd2, n, 4)
           : sio_msgpack_put(buf, 0xd3, n, 8);
}


int
sio_msgpack_put_double(sio_buf_t *buf, double d)
{
    uint64_t  word;

    memcpy(&word, &d, sizeof(double));

    return sio_msgpack_put(buf, 0xcb, word, 8);
}


int
sio_msgpack_put_str(sio_buf_t *buf, sio_str_t s)
{
    if (s.len <= 31) {
        return sio_msgpack_put_bytes(buf, 0xa0 | (uint8_t) s.len, 0, 0, s);
    }

    return s.len <= 0xff ? sio_msgpack_put_bytes(buf, 0xd9, s.len, 1, s)
           : s.len <= 0xffff ? sio_msgpack_put_bytes(buf, 0xda, s.len, 2, s)
           : sio_msgpack_put_bytes(buf, 0xdb, s.len, 4, s);
}


int
sio_msgpack_put_bin(sio_buf_t *buf, sio_str_t s)
{
    return s.len <= 0xff ? sio_msgpack_put_bytes(buf, 0xc4, s.len, 1, s)
           : s.len <= 0xffff ? sio_msgpack_put_bytes(buf, 0xc5, s.len, 2, s)
           : sio_msgpack_put_bytes(buf, 0xc6, s.len, 4, s);
}


int
sio_msgpack_put_array(sio_buf_t *buf, uint32_t n)
{
    return n <= 15 ? sio_buf_append_char(buf, 0x90 | (uint8_t) n)
           : n <= 0xffff ? sio_msgpack_put(buf, 0xdc, n, 2)
           : sio_msgpack_put(buf, 0xdd, n, 4);
}


int
sio_msgpack_put_map(sio_buf_t *buf, uint32_t n)
{
    return n <= 15 ? sio_buf_append_char(buf, 0x80 | (uint8_t) n)
           : n <= 0xffff ? sio_msgpack_put(buf, 0xde, n, 2)
           : sio_msgpack_put(buf, 0xdf, n, 4);
}


/* A type and the low len bytes of n. */

static int
sio_msgpack_put(sio_buf_t *buf, uint8_t type, uint64_t n, unsigned len)
{
    uint8_t   head[9];
    unsigned  i;

    head[0] = type;

    for (i = len; i > 0; i--) {
        head[i] = (uint8_t) n;
        n >>= 8;
    }

    return sio_buf_append(buf, head, 1 + len);
}


static int
sio_msgpack_put_bytes(sio_buf_t *buf, uint8_t type, uint64_t n, unsigned len,
    sio_str_t s)
{
    int  rc;

    /* all or nothing */

    if (s.len > UINT32_MAX) {
        return SIO_DECLINED;
    }

    rc = sio_buf_reserve(buf, 1 + len + s.len);
    if (rc != SIO_OK) {
        return rc;
    }

    (void) sio_msgpack_put(buf, type, n, len);

    return sio_buf_append_str(buf, s);
}
