/*
 * WebSocket frame headers.
 *
 * The parser is a byte at a time: a header is 6 to 14 bytes, arrives in one
 * piece nearly always, and needs no copy of itself when it does not.
 *
 * RFC 6455, 5.2.  Base Framing Protocol.
 */


#include "codec/ws_frame.h"


#define WS_FIN      0x80
#define WS_MASK     0x80
#define WS_CONTROL  0x08   /* RFC 6455, 5.5: the high bit of the opcode */

#define WS_LEN_16   126
#define WS_LEN_64   127


typedef enum {
    WS_FRAME_GOOD = 0,
    WS_FRAME_RESERVED_BITS,
    WS_FRAME_RESERVED_OPCODE,
    WS_FRAME_CONTROL_FRAGMENT,
    WS_FRAME_CONTROL_LONG,
    WS_FRAME_UNMASKED,
    WS_FRAME_LEN_NOT_MINIMAL,
    WS_FRAME_LEN_TOP_BIT
} ws_frame_error_e;


static int ws_frame_take(ws_frame_t *f, unsigned rsv_ok, uint8_t ch);
static int ws_frame_take_opcode(ws_frame_t *f, unsigned rsv_ok, uint8_t ch);
static int ws_frame_take_len7(ws_frame_t *f, uint8_t ch);
static int ws_frame_take_len(ws_frame_t *f, unsigned i, uint8_t ch);
static int ws_frame_refuse(ws_frame_t *f, ws_frame_error_e error);


static const char *const  ws_frame_errors[] = {
    "no error",
    "reserved bit set",
    "reserved opcode",
    "fragmented control frame",
    "control frame too long",
    "frame not masked",
    "length not minimal",
    "length with the top bit set"
};


void
ws_frame_init(ws_frame_t *f)
{
    memset(f, 0, sizeof(ws_frame_t));
}


int
ws_frame_parse(ws_frame_t *f, unsigned rsv_ok, const uint8_t *data,
    size_t len, size_t *used)
{
    int     rc;
    size_t  i;

    for (i = 0; i < len; i++) {

        rc = ws_frame_take(f, rsv_ok, data[i]);

        if (rc != SIO_AGAIN) {
            *used = i + 1;
            return rc;
        }
    }

    *used = len;

    return SIO_AGAIN;
}


static int
ws_frame_take(ws_frame_t *f, unsigned rsv_ok, uint8_t ch)
{
    unsigned  i;

    i = f->have++;

    if (i == 0) {
        return ws_frame_take_opcode(f, rsv_ok, ch);
    }

    if (i == 1) {
        return ws_frame_take_len7(f, ch);
    }

    if (i + sizeof(f->mask) < f->need) {
        return ws_frame_take_len(f, i, ch);
    }

    f->mask[i + sizeof(f->mask) - f->need] = ch;

    return f->have == f->need ? SIO_OK : SIO_AGAIN;
}


static int
ws_frame_take_opcode(ws_frame_t *f, unsigned rsv_ok, uint8_t ch)
{
    f->fin = ch >> 7;
    f->rsv = ch >> 4 & 0x07;
    f->opcode = ch & 0x0f;

    if (f->rsv & ~rsv_ok) {
        return ws_frame_refuse(f, WS_FRAME_RESERVED_BITS);
    }

    switch (f->opcode) {

    case WS_OP_CONTINUATION:
    case WS_OP_TEXT:
    case WS_OP_BINARY:
        break;

    case WS_OP_CLOSE:
    case WS_OP_PING:
    case WS_OP_PONG:
        if (!f->fin) {
            return ws_frame_refuse(f, WS_FRAME_CONTROL_FRAGMENT);
        }
        break;

    default:
        return ws_frame_refuse(f, WS_FRAME_RESERVED_OPCODE);
    }

    return SIO_AGAIN;
}


static int
ws_frame_take_len7(ws_frame_t *f, uint8_t ch)
{
    unsigned  n;

    if (!(ch & WS_MASK)) {
        return ws_frame_refuse(f, WS_FRAME_UNMASKED);
    }

    n = ch & 0x7f;

    if ((f->opcode & WS_CONTROL) && n > WS_CONTROL_MAX) {
        return ws_frame_refuse(f, WS_FRAME_CONTROL_LONG);
    }

    f->need = 2 + sizeof(f->mask);

    if (n == WS_LEN_16) {
        f->need += 2;

    } else if (n == WS_LEN_64) {
        f->need += 8;

    } else {
        f->len = n;
    }

    return SIO_AGAIN;
}


/* One byte, the i-th of the header, of a 16-bit or a 64-bit length. */

static int
ws_frame_take_len(ws_frame_t *f, unsigned i, uint8_t ch)
{
    f->len = f->len << 8 | ch;

    if (f->need == WS_HEAD_MAX) {

        if (i == 2 && ch >> 7) {
            return ws_frame_refuse(f, WS_FRAME_LEN_TOP_BIT);
        }

        /* six zero bytes: two would have done */

        if (i == 7 && f->len == 0) {
            return ws_frame_refuse(f, WS_FRAME_LEN_NOT_MINIMAL);
        }

    } else if (i == 3 && f->len < WS_LEN_16) {
        return ws_frame_refuse(f, WS_FRAME_LEN_NOT_MINIMAL);
    }

    return SIO_AGAIN;
}


static int
ws_frame_refuse(ws_frame_t *f, ws_frame_error_e error)
{
    f->error = error;

    return SIO_ERROR;
}


const char *
ws_frame_error(const ws_frame_t *f)
{
    return ws_frame_errors[f->error];
}


void
ws_frame_unmask(const ws_frame_t *f, uint64_t offset, uint8_t *data,
    size_t len)
{
    size_t    i;
    uint8_t   key[8];
    uint64_t  mask, word;

    for (i = 0; i < sizeof(key); i++) {
        key[i] = f->mask[(offset + i) & 3];
    }

    memcpy(&mask, key, sizeof(mask));

    for (i = 0; len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, data + i, sizeof(word));
        word ^= mask;
        memcpy(data + i, &word, sizeof(word));
    }

    for ( /* void */ ; i < len; i++) {
        data[i] ^= key[i & 7];
    }
}


size_t
ws_frame_write_head(uint8_t *dst, uint8_t opcode, uint64_t len)
{
    size_t    i, n;

    n = ws_frame_head_len(len);

    dst[0] = WS_FIN | opcode;

    if (n == 2) {
        dst[1] = (uint8_t) len;
        return n;
    }

    dst[1] = (n == 4) ? WS_LEN_16 : WS_LEN_64;

    for (i = n; i > 2; i--) {
        dst[i - 1] = (uint8_t) len;
        len >>= 8;
    }

    return n;
}


size_t
ws_frame_head_len(uint64_t len)
{
    if (len < WS_LEN_16) {
        return 2;
    }

    return len <= 0xffff ? 4 : WS_SERVER_HEAD_MAX;
}


size_t
ws_frame_read_head(const uint8_t *src, uint8_t *opcode, uint64_t *len)
{
    size_t    i, n;
    uint64_t  value;

    *opcode = src[0] & 0x0f;

    if (src[1] < WS_LEN_16) {
        *len = src[1];
        return 2;
    }

    n = (src[1] == WS_LEN_16) ? 4 : WS_SERVER_HEAD_MAX;
    value = 0;

    for (i = 2; i < n; i++) {
        value = value << 8 | src[i];
    }

    *len = value;

    return n;
}


int
ws_close_code_valid(unsigned code)
{
    switch (code) {

    case 1004:   /* reserved, or not to be sent: RFC 6455, 7.4.1 */
    case 1005:
    case 1006:
        return 0;

    default:

        /* up to 1014 in the registry that RFC 6455, 11.7, set up */

        return (code >= 1000 && code <= 1014)
               || (code >= 3000 && code <= 4999);
    }
}
