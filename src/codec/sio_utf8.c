/*
 * UTF-8 validation.
 *
 * The state says what the next byte may be: how many bytes the character
 * still needs, and the range of the next one.  Only the second byte of a
 * character has a range of its own (RFC 3629, 4.  Syntax of UTF-8 Byte
 * Sequences); overlong forms, surrogates and values above U+10FFFF all fail
 * there.
 */


#include "codec/sio_utf8.h"


#define SIO_UTF8_HIGH_BITS  0x8080808080808080ull


static uint32_t sio_utf8_lead(uint8_t ch);
static inline uint32_t sio_utf8_state(uint32_t need, uint32_t lo, uint32_t hi);
static const uint8_t *sio_utf8_skip_ascii(const uint8_t *p,
    const uint8_t *end);


int
sio_utf8_check(uint32_t *state, const uint8_t *data, size_t len)
{
    uint8_t         ch;
    uint32_t        s, need;
    const uint8_t  *p, *end;

    if (len == 0) {
        return *state == SIO_UTF8_START ? SIO_OK : SIO_AGAIN;
    }

    s = *state;
    p = data;
    end = data + len;

    while (p < end) {

        if (s == SIO_UTF8_START) {
            p = sio_utf8_skip_ascii(p, end);
            if (p == end) {
                break;
            }

            s = sio_utf8_lead(*p++);
            if (s == SIO_UTF8_START) {
                return SIO_ERROR;
            }

            continue;
        }

        ch = *p++;

        if (ch < (uint8_t) (s >> 8) || ch > (uint8_t) (s >> 16)) {
            return SIO_ERROR;
        }

        need = (s & 0xff) - 1;
        s = need ? sio_utf8_state(need, 0x80, 0xbf) : SIO_UTF8_START;
    }

    *state = s;

    return s == SIO_UTF8_START ? SIO_OK : SIO_AGAIN;
}


/* The state after the first byte of a longer character; 0 if it is none. */

static uint32_t
sio_utf8_lead(uint8_t ch)
{
    if (ch < 0xc2) {
        return SIO_UTF8_START;
    }

    if (ch < 0xe0) {
        return sio_utf8_state(1, 0x80, 0xbf);
    }

    if (ch < 0xf0) {
        return sio_utf8_state(2, ch == 0xe0 ? 0xa0 : 0x80,
                              ch == 0xed ? 0x9f : 0xbf);
    }

    if (ch < 0xf5) {
        return sio_utf8_state(3, ch == 0xf0 ? 0x90 : 0x80,
                              ch == 0xf4 ? 0x8f : 0xbf);
    }

    return SIO_UTF8_START;
}


/* Bytes still needed, the lowest and the highest next byte. */

static inline uint32_t
sio_utf8_state(uint32_t need, uint32_t lo, uint32_t hi)
{
    return need | lo << 8 | hi << 16;
}


static const uint8_t *
sio_utf8_skip_ascii(const uint8_t *p, const uint8_t *end)
{
    uint64_t  word;

    while ((size_t) (end - p) >= sizeof(word)) {

        memcpy(&word, p, sizeof(word));

        if (word & SIO_UTF8_HIGH_BITS) {
            break;
        }

        p += sizeof(word);
    }

    while (p < end && *p < 0x80) {
        p++;
    }

    return p;
}


int
sio_utf8_valid(const uint8_t *data, size_t len)
{
    uint32_t  state;

    state = SIO_UTF8_START;

    return sio_utf8_check(&state, data, len) == SIO_OK ? SIO_OK : SIO_ERROR;
}


size_t
sio_utf8_length(const uint8_t *data, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        n += (data[i] & 0xc0) != 0x80;
    }

    return n;
}
