/*
 * Base64, both alphabets.
 *
 * Decoding is strict: white space, half a padding and bits set in the last
 * digit beyond the last byte (RFC 4648, 3.5.  Canonical Encoding) are errors,
 * so that one text stands for one content.
 */


#include "codec/sio_base64.h"


/* a decoded digit: its value, or why it is none */

#define SIO_BASE64_PLAIN  0x40   /* of section 4 only */
#define SIO_BASE64_URL    0x80   /* of section 5 only */


static size_t sio_base64_write(uint8_t *dst, const uint8_t *src, size_t len,
    const char *digits, int pad);
static int sio_base64_read(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len, uint8_t bad);
static inline uint8_t sio_base64_digit(uint8_t ch);


static const char  sio_base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char  sio_base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


/* ASCII only; 0xc0 is in neither alphabet */

static const uint8_t  sio_base64_digits[128] = {
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0xc0, 0xc0, 0x7e, 0xc0, 0xbe, 0xc0, 0x7f,
    0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b,
    0x3c, 0x3d, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
    0xc0, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
    0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,
    0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
    0x17, 0x18, 0x19, 0xc0, 0xc0, 0xc0, 0xc0, 0xbf,
    0xc0, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20,
    0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30,
    0x31, 0x32, 0x33, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0
};


size_t
sio_base64_encode(uint8_t *dst, const uint8_t *src, size_t len)
{
    return sio_base64_write(dst, src, len, sio_base64_plain, 1);
}


int
sio_base64_append(sio_buf_t *buf, sio_str_t bytes)
{
    int  rc;

    rc = sio_buf_reserve(buf, sio_base64_encoded_len(bytes.len));

    if (rc == SIO_OK) {
        buf->len += sio_base64_encode(buf->data + buf->len, bytes.data,
                                      bytes.len);
    }

    return rc;
}


size_t
sio_base64url_encode(uint8_t *dst, const uint8_t *src, size_t len)
{
    return sio_base64_write(dst, src, len, sio_base64_url, 0);
}


static size_t
sio_base64_write(uint8_t *dst, const uint8_t *src, size_t len,
    const char *digits, int pad)
{
    uint8_t  *p;

    p = dst;

    for ( /* void */ ; len >= 3; len -= 3) {
        *p++ = digits[src[0] >> 2];
        *p++ = digits[(src[0] & 0x03) << 4 | src[1] >> 4];
        *p++ = digits[(src[1] & 0x0f) << 2 | src[2] >> 6];
        *p++ = digits[src[2] & 0x3f];
        src += 3;
    }

    if (len == 0) {
        return p - dst;
    }

    *p++ = digits[src[0] >> 2];

    if (len == 1) {
        *p++ = digits[(src[0] & 0x03) << 4];

        if (pad) {
            *p++ = '=';
        }

    } else {
        *p++ = digits[(src[0] & 0x03) << 4 | src[1] >> 4];
        *p++ = digits[(src[1] & 0x0f) << 2];
    }

    if (pad) {
        *p++ = '=';
    }

    return p - dst;
}


int
sio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len)
{
    return sio_base64_read(dst, dst_len, src, len, SIO_BASE64_URL);
}


int
sio_base64url_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len)
{
    return sio_base64_read(dst, dst_len, src, len, SIO_BASE64_PLAIN);
}


/* Each group is read before it is written: dst may be src. */

static int
sio_base64_read(uint8_t *dst, size_t *dst_len, const uint8_t *src, size_t len,
    uint8_t bad)
{
    uint8_t  *p, a, b, c, d, all;

    p = dst;

    if (len && len % 4 == 0 && src[len - 1] == '=') {
        len -= (src[len - 2] == '=') ? 2 : 1;
    }

    all = 0;

    for ( /* void */ ; len >= 4; len -= 4) {
        a = sio_base64_digit(src[0]);
        b = sio_base64_digit(src[1]);
        c = sio_base64_digit(src[2]);
        d = sio_base64_digit(src[3]);
        src += 4;

        all |= a | b | c | d;

        *p++ = a << 2 | (b & 0x3f) >> 4;
        *p++ = b << 4 | (c & 0x3f) >> 2;
        *p++ = c << 6 | (d & 0x3f);
    }

    if (len == 1) {
        return SIO_ERROR;
    }

    if (len) {
        a = sio_base64_digit(src[0]);
        b = sio_base64_digit(src[1]);
        c = (len == 3) ? sio_base64_digit(src[2]) : 0;

        all |= a | b | c;

        if (len == 2 ? (b & 0x0f) : (c & 0x03)) {
            return SIO_ERROR;
        }

        *p++ = a << 2 | (b & 0x3f) >> 4;

        if (len == 3) {
            *p++ = b << 4 | (c & 0x3f) >> 2;
        }
    }

    if (all & bad) {
        return SIO_ERROR;
    }

    *dst_len = p - dst;

    return SIO_OK;
}


static inline uint8_t
sio_base64_digit(uint8_t ch)
{
    return ch < 128 ? sio_base64_digits[ch]
                    : SIO_BASE64_PLAIN | SIO_BASE64_URL;
}
