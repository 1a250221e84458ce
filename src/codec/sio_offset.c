/*
 * Offsets of connection state recovery.
 */


#include "codec/sio_offset.h"
#include "codec/sio_json.h"


static const char  sio_offset_digits[] =
    "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";


static int sio_offset_digit(uint8_t c);
static size_t sio_offset_decimal(uint8_t *dst, uint64_t n);
static int sio_offset_number(sio_str_t *text, uint64_t *n);


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


size_t
sio_stream_id_write(uint8_t dst[SIO_STREAM_ID_LEN], const sio_stream_id_t *id)
{
    size_t  len;

    len = sio_offset_decimal(dst, id->msec);
    dst[len++] = '-';

    return len + sio_offset_decimal(dst + len, id->seq);
}


static size_t
sio_offset_decimal(uint8_t *dst, uint64_t n)
{
    size_t    i, len;
    uint64_t  rest;

    len = 1;

    for (rest = n / 10; rest; rest /= 10) {
        len++;
    }

    for (i = len; i > 0; i--) {
        dst[i - 1] = (uint8_t) ('0' + n % 10);
        n /= 10;
    }

    return len;
}


int
sio_stream_id_read(sio_str_t text, sio_stream_id_t *id, uint64_t *zeros)
{
    size_t  i;

    for (i = 0; i + 1 < text.len && text.data[i] == '0'
                && text.data[i + 1] >= '0' && text.data[i + 1] <= '9'; i++)
    {
        /* void */
    }

    if (i > (zeros ? SIO_OFFSET_BEHIND_MAX : 0)) {
        return SIO_ERROR;
    }

    if (zeros) {
        *zeros = i;
    }

    text = sio_str(text.data + i, text.len - i);

    if (sio_offset_number(&text, &id->msec) != SIO_OK
        || text.len == 0 || text.data[0] != '-')
    {
        return SIO_ERROR;
    }

    text = sio_str(text.data + 1, text.len - 1);

    return sio_offset_number(&text, &id->seq) == SIO_OK && text.len == 0
           && !sio_stream_id_is_none(id)
           ? SIO_OK : SIO_ERROR;
}


/* The number that the text begins with; text is what follows. */

static int
sio_offset_number(sio_str_t *text, uint64_t *n)
{
    size_t    i;
    unsigned  digit;

    *n = 0;

    for (i = 0; i < text->len; i++) {
        digit = (unsigned) text->data[i] - '0';

        if (digit > 9) {
            break;
        }

        if ((i == 1 && *n == 0) || *n > (UINT64_MAX - digit) / 10) {
            return SIO_ERROR;
        }

        *n = *n * 10 + digit;
    }

    *text = sio_str(text->data + i, text->len - i);

    return i ? SIO_OK : SIO_ERROR;
}


size_t
sio_offset_tail(uint8_t dst[SIO_OFFSET_TAIL_LEN], const sio_offset_t *offset)
{
    size_t  len;

    dst[0] = ',';
    dst[1] = '"';
    len = 2;

    if (sio_stream_id_is_none(&offset->id)) {
        sio_offset_encode(dst + len, offset->number);
        len += SIO_OFFSET_LEN;

    } else {
        memset(dst + len, '0', (size_t) offset->number);
        len += (size_t) offset->number;
        len += sio_stream_id_write(dst + len, &offset->id);
    }

    dst[len++] = '"';
    dst[len++] = ']';

    return len;
}


int
sio_offset_asked(sio_str_t payload, sio_str_t *pid, sio_offset_t *offset)
{
    size_t     i;
    sio_str_t  value;

    memset(offset, 0, sizeof(sio_offset_t));

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

    value = sio_str(value.data + 1, value.len - 2);

    return sio_offset_decode(value, &offset->number) == SIO_OK
           ? SIO_OK
           : sio_stream_id_read(value, &offset->id, &offset->number);
}
