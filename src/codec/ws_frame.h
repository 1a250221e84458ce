/*
 * WebSocket frame headers: the incremental parser and the writer.
 *
 * The parser takes header bytes in any slicing and refuses a header as soon
 * as a byte of it can't be right.  Payload bytes, fragmentation, UTF-8 and
 * message limits are ws_message's.
 *
 * RFC 6455, 5.2.  Base Framing Protocol.
 */


#ifndef _WS_FRAME_H_INCLUDED_
#define _WS_FRAME_H_INCLUDED_


#include "codec/sio_types.h"


#define WS_OP_CONTINUATION  0x0
#define WS_OP_TEXT          0x1
#define WS_OP_BINARY        0x2
#define WS_OP_CLOSE         0x8
#define WS_OP_PING          0x9
#define WS_OP_PONG          0xa

/* RFC 6455, 7.4.1.  Defined Status Codes */

#define WS_CLOSE_NORMAL     1000
#define WS_CLOSE_AWAY       1001
#define WS_CLOSE_PROTOCOL   1002
#define WS_CLOSE_TYPE       1003
#define WS_CLOSE_NONE       1005   /* never on the wire: no code was given */
#define WS_CLOSE_DATA       1007
#define WS_CLOSE_POLICY     1008
#define WS_CLOSE_BIG        1009
#define WS_CLOSE_INTERNAL   1011

#define WS_HEAD_MAX         14     /* longest header a client sends */
#define WS_SERVER_HEAD_MAX  10     /* longest header a server sends */
#define WS_CONTROL_MAX      125    /* RFC 6455, 5.5.  Control Frames */


typedef struct {
    uint64_t   len;          /* payload length */
    uint8_t    mask[4];
    uint8_t    have;         /* header bytes taken so far */
    uint8_t    need;         /* header bytes in all, once known */
    unsigned   opcode:4;
    unsigned   fin:1;
    unsigned   rsv:3;        /* RSV1 is bit 2 */
    unsigned   error:4;      /* why SIO_ERROR: see ws_frame_error() */
} ws_frame_t;


#pragma GCC visibility push(hidden)


/* Forget the last frame and wait for a header. */

void ws_frame_init(ws_frame_t *f);

/*
 * Take header bytes of a client's frame.
 *
 * *used: how many of len bytes belong to the header.
 *
 * SIO_OK     the header is whole; payload begins at data + *used
 * SIO_AGAIN  all bytes taken, the header goes on
 * SIO_ERROR  reserved opcode, reserved bits (rsv_ok has those allowed),
 *            not masked, a control frame fragmented or too long, a length
 *            not minimal or with the top bit set: close with 1002
 */
int ws_frame_parse(ws_frame_t *f, unsigned rsv_ok, const uint8_t *data,
    size_t len, size_t *used);

/* What was wrong, after SIO_ERROR: a static text. */

const char *ws_frame_error(const ws_frame_t *f);

/*
 * Unmask in place.  offset: position of data[0] in the payload.
 *
 * RFC 6455, 5.3.  Client-to-Server Masking
 */
void ws_frame_unmask(const ws_frame_t *f, uint64_t offset, uint8_t *data,
    size_t len);

/*
 * Write the header of an unmasked final frame of len bytes to dst, which has
 * WS_SERVER_HEAD_MAX bytes.  Returns its length: 2, 4 or 10.
 */
size_t ws_frame_write_head(uint8_t *dst, uint8_t opcode, uint64_t len);

/* The same length without writing. */

size_t ws_frame_head_len(uint64_t len);

/*
 * Read back the header of an unmasked frame that ws_frame_write_head() made.
 * Returns the header's length; *opcode and *len are filled.
 */
size_t ws_frame_read_head(const uint8_t *src, uint8_t *opcode, uint64_t *len);

/* Whether a peer may send this close code.  RFC 6455, 7.4. */

int ws_close_code_valid(unsigned code);


#pragma GCC visibility pop


#endif /* _WS_FRAME_H_INCLUDED_ */
