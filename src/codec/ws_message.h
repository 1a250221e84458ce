/*
 * WebSocket messages: frames in, whole messages and control frames out.
 *
 * Bytes are fed as they arrive.  An unfragmented message that lies whole in
 * the fed bytes is unmasked in place and handed out as a view: nothing is
 * copied, nothing allocated.  Any other is collected in a block that grows
 * with what has arrived, never with what a header promises, and that is given
 * back by the call after the one that handed the message out.  UTF-8 of text
 * is checked as bytes arrive.
 *
 * One ws_message_t sits in every idle connection: it is 40 bytes and owns
 * nothing between messages.  What all connections of a location share is
 * passed with each call.
 *
 * RFC 6455, 5.4.  Fragmentation;  5.5.  Control Frames;  7.  Closing the
 * Connection;  8.1.  Handling of Errors in UTF-8-Encoded Data.
 */


#ifndef _WS_MESSAGE_H_INCLUDED_
#define _WS_MESSAGE_H_INCLUDED_


#include "codec/sio_mem.h"
#include "codec/ws_frame.h"


typedef struct {
    const sio_mem_t  *mem;
    size_t            max;      /* bound of a whole message, bytes */
    unsigned          rsv_ok;   /* reserved bits an extension uses, or 0 */
} ws_limits_t;


typedef enum {
    WS_EVENT_TEXT = 1,
    WS_EVENT_BINARY,
    WS_EVENT_PING,
    WS_EVENT_PONG,
    WS_EVENT_CLOSE
} ws_event_e;


typedef struct {

    /* what SIO_OK hands out */

    ws_event_e    type;
    uint8_t      *data;         /* valid until the next call; CLOSE: reason */
    size_t        len;
    unsigned      rsv;          /* TEXT, BINARY: the reserved bits, or 0 */
    uint16_t      code;         /* CLOSE: the peer's code, WS_CLOSE_NONE */

    /* what SIO_ERROR says */

    uint16_t      close_code;   /* 1002, 1007, 1009; 1011 if out of memory */
    const char   *error;        /* static text */
} ws_event_t;


typedef struct ws_partial_s  ws_partial_t;

typedef struct {
    ws_frame_t     frame;
    uint64_t       offset;      /* payload bytes of this frame taken so far */
    ws_partial_t  *partial;     /* what had to be kept, or NULL */
    uint32_t       utf8;
    unsigned       opcode:4;    /* of the fragmented message; 0: none */
    unsigned       rsv:3;       /* of its first frame */
    unsigned       in_payload:1;
    unsigned       closed:1;    /* a close frame or an error came */
} ws_message_t;


#pragma GCC visibility push(hidden)


/* Nothing is allocated. */

void ws_message_init(ws_message_t *m);

/* Gives back what is held.  The connection may be gone, m is not used again. */

void ws_message_free(ws_message_t *m, const sio_mem_t *mem);

/*
 * Feed bytes; they are modified (unmasked in place).
 *
 * *used: how many bytes were taken.  After SIO_OK call again with the rest,
 * also when it is empty, until something else is returned: that call gives
 * back the block of the message just handed out, so that a connection that
 * falls idle holds none.  data may be NULL when len is 0.
 *
 * lim->mem must be the same in every call; max and rsv_ok may change between
 * messages.  A message with reserved bits (compressed, RFC 7692) is not
 * checked for UTF-8: its bytes are not the text.
 *
 * SIO_OK     one event is in ev->type, ev->data, ev->len
 * SIO_AGAIN  all bytes are taken, no event yet
 * SIO_ERROR  the connection must be closed with ev->close_code; ev->error is
 *            a static text
 * SIO_DONE   a close frame or an error came before: the bytes are dropped,
 *            as RFC 6455, 5.5.1.  Close, has it
 */
int ws_message_feed(ws_message_t *m, const ws_limits_t *lim, uint8_t *data,
    size_t len, size_t *used, ws_event_t *ev);


#pragma GCC visibility pop


#endif /* _WS_MESSAGE_H_INCLUDED_ */
