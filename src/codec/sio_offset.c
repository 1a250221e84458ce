/*
 * Offsets of connection state recovery.
 */


#include "codec/sio_offset.h"
#include "codec/sio_json.h"


static const char  sio_offset_digits[] =
    "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";


static int sio_offset_digit(uint8_t c);


void
sio_offset_encode(uint8_t dst[SIO_OFFSET_LEN], uint64_t n)
{
    unsigned  i;

    for (i = SIO_OFFSET_LEN; i > 0; i--) {
        dst[i - 1] = (uint8_t) sio_offset_digits[n & 63];
        n >>= 6;
    }
}


int
sio_offset_decode(sio_str_t text, uint64_t *n)
{
    int       digit;
    size_t    i;
    uint64_t  value;

    if (text.len != SIO_OFFSET_LEN) {
        return SIO_ERROR;
    }

    value = 0;

    for (i = 0; i < SIO_OFFSET_LEN; i++) {
        digit = sio_offset_digit(text.data[i]);

        if (digit < 0) {
            return SIO_ERROR;
        }

        value = value << 6 | (uint64_t) digit;
    }

    *n = value;

    return SIO_OK;
}


static int
sio_offset_digit(uint8_t c)
{
    if (c == '-') {
        return 0;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 1;
    }

    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 11;
    }

    if (c == '_') {
        return 37;
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 38;
    }

    return -1;
}


void
sio_offset_tail(uint8_t dst[SIO_OFFSET_TAIL_LEN], uint64_t n)
{
    dst[0] = ',';
    dst[1] = '"';

    sio_offset_encode(dst + 2, n);

    dst[SIO_OFFSET_LEN + 2] = '"';
    dst[SIO_OFFSET_LEN + 3] = ']';
}


int
sio_offset_asked(sio_str_t payload, sio_str_t *pid, uint64_t *offset)
{
    size_t     i;
    sio_str_t  value;

    *offset = 0;

    if (sio_json_member(payload, sio_cstr("pid"), &value) != SIO_OK) {
        return SIO_DECLINED;
    }

    /* as it was given, with its quotes: nothing of it needs an escape */

    if (value.len != SIO_PID_LEN + 2 || value.data[0] != '"') {
        return SIO_ERROR;
    }

    *pid = sio_str(value.data + 1, SIO_PID_LEN);

    for (i = 0; i < SIO_PID_LEN; i++) {
        if (sio_offset_digit(pid->data[i]) < 0) {
            return SIO_ERROR;
        }
    }

    if (sio_json_member(payload, sio_cstr("offset"), &value) != SIO_OK) {
        return SIO_OK;
    }

    if (value.len < 2 || value.data[0] != '"') {
        return SIO_ERROR;
    }

    return sio_offset_decode(sio_str(value.data + 1, value.len - 2), offset);
}
