/*
 * UTF-8: whole, byte by byte and cut in two, against a decoder that works out
 * code points; the first impossible byte must be the same everywhere.
 */


#include "fuzz.h"
#include "codec/sio_utf8.h"


static int reference_char(const uint8_t *p, size_t len, size_t *used);
static int reference_check(const uint8_t *data, size_t len, size_t *chars);


/* SIO_OK: a character of *used bytes; SIO_AGAIN: some continuation is one. */

static int
reference_char(const uint8_t *p, size_t len, size_t *used)
{
    size_t    i, n;
    uint32_t  ch, low, high;

    if (p[0] < 0x80) {
        *used = 1;
        return SIO_OK;
    }

    for (n = 2; n <= 4; n++) {
        if (p[0] >> (7 - n) == (0xfe & ((1 << (n + 1)) - 1))) {
            break;
        }
    }

    if (n > 4) {
        return SIO_ERROR;
    }

    ch = p[0] & ((1 << (7 - n)) - 1);

    for (i = 1; i < n && i < len; i++) {
        if (p[i] >> 6 != 2) {
            return SIO_ERROR;
        }

        ch = ch << 6 | (p[i] & 0x3f);
    }

    /* the code points that may still become of it */

    low = ch << 6 * (n - i);
    high = low + ((uint32_t) 1 << 6 * (n - i)) - 1;

    if (high < (n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u)
        || low > 0x10ffff || (low >= 0xd800 && high <= 0xdfff))
    {
        return SIO_ERROR;
    }

    *used = n;

    return i == n ? SIO_OK : SIO_AGAIN;
}


static int
reference_check(const uint8_t *data, size_t len, size_t *chars)
{
    int     rc;
    size_t  used;

    *chars = 0;

    while (len) {
        rc = reference_char(data, len, &used);
        if (rc != SIO_OK) {
            return rc;
        }

        data += used;
        len -= used;
        (*chars)++;
    }

    return SIO_OK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int       rc, whole;
    size_t    i, chars, cut;
    uint32_t  state;

    whole = reference_check(data, size, &chars);

    check(sio_utf8_valid(data, size)
           == (whole == SIO_OK ? SIO_OK : SIO_ERROR));

    if (whole == SIO_OK) {
        check(sio_utf8_length(data, size) == chars);
    }

    state = SIO_UTF8_START;
    check(sio_utf8_check(&state, data, size) == whole);

    /* byte by byte: the verdict of each beginning (the cost is quadratic) */

    if (size <= 512) {
        state = SIO_UTF8_START;

        for (i = 0; i < size; i++) {
            rc = sio_utf8_check(&state, data + i, 1);
            check(rc == reference_check(data, i + 1, &chars));

            if (rc == SIO_ERROR) {
                break;
            }
        }
    }

    if (size) {
        cut = data[size - 1] * size / 256;
        state = SIO_UTF8_START;
        rc = sio_utf8_check(&state, data, cut);

        if (rc != SIO_ERROR) {
            rc = sio_utf8_check(&state, data + cut, size - cut);
        }

        check(rc == whole);
    }

    return 0;
}
