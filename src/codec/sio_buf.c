/*
 * The growable buffer: capacity doubles, so that appending byte by byte costs
 * a constant each, and never passes the bound.
 */


#include "codec/sio_buf.h"


#define SIO_BUF_MIN      64   /* first allocation, bytes */
#define SIO_BUF_UINT_LEN 20   /* digits of UINT64_MAX */


void
sio_buf_init(sio_buf_t *b, const sio_mem_t *mem, size_t max)
{
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    b->max = max;
    b->mem = mem;
}


void
sio_buf_free(sio_buf_t *b)
{
    sio_free(b->mem, b->data);

    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}


int
sio_buf_reserve(sio_buf_t *b, size_t len)
{
    size_t    need, cap;
    uint8_t  *data;

    if (b->len > b->max || len > b->max - b->len) {
        return SIO_DECLINED;
    }

    need = b->len + len;

    if (need <= b->cap) {
        return SIO_OK;
    }

    /* doubling the need, not the capacity: a large append leaves room too */

    cap = need > b->max / 2 ? b->max : need * 2;

    if (cap < SIO_BUF_MIN) {
        cap = b->max < SIO_BUF_MIN ? b->max : SIO_BUF_MIN;
    }

    data = sio_realloc(b->mem, b->data, b->len, cap);
    if (data == NULL) {
        return SIO_NOMEM;
    }

    b->data = data;
    b->cap = cap;

    return SIO_OK;
}


int
sio_buf_append(sio_buf_t *b, const void *data, size_t len)
{
    int  rc;

    if (len > b->cap - b->len) {
        rc = sio_buf_reserve(b, len);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    if (len) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }

    return SIO_OK;
}


int
sio_buf_append_str(sio_buf_t *b, sio_str_t s)
{
    return sio_buf_append(b, s.data, s.len);
}


int
sio_buf_append_char(sio_buf_t *b, uint8_t ch)
{
    if (b->len == b->cap) {
        return sio_buf_append(b, &ch, 1);
    }

    b->data[b->len++] = ch;

    return SIO_OK;
}


int
sio_buf_append_uint(sio_buf_t *b, uint64_t n)
{
    uint8_t  digits[SIO_BUF_UINT_LEN], *p;

    p = digits + SIO_BUF_UINT_LEN;

    do {
        *--p = '0' + n % 10;
        n /= 10;
    } while (n);

    return sio_buf_append(b, p, digits + SIO_BUF_UINT_LEN - p);
}
