/*
 * An outgoing message, built once and shared by all sessions it goes to.
 *
 * The image is what a WebSocket writes: one unmasked text frame, then a
 * binary frame per attachment, contiguous, so that one send() does.  A
 * polling answer takes its text and bytes out of the same image.
 *
 * Owned by one worker: the count of references is not atomic.
 */


#ifndef _EIO_MSG_H_INCLUDED_
#define _EIO_MSG_H_INCLUDED_


#include "codec/sio_binary.h"
#include "codec/sio_buf.h"
#include "codec/sio_mem.h"


typedef struct eio_msg_s  eio_msg_t;

struct eio_msg_s {
    uint32_t   refs;
    uint32_t   len;              /* of the image, bytes */
    uint16_t   packets;          /* Engine.IO packets: 1 + attachments */
    uint8_t    volatile_;        /* may be dropped when the peer is slow */
    uint8_t    vital;            /* must not: what is proved to have come */
    uint8_t    mark;             /* a ping; polling only counts it */
    uint8_t    packing;          /* of a packed image: how, else 0 */
    eio_msg_t *packed;           /* see eio_msg_packed() */
    uint8_t    image[];          /* of len bytes */
};


#pragma GCC visibility push(hidden)


/*
 * Build from a text packet ("4..." and so on) and its attachments (may be
 * NULL).  An empty text is left out: a binary message alone.  One reference
 * is the caller's.  NULL: no memory, over 4 GB, or nothing to build from.
 */
eio_msg_t *eio_msg_create(const sio_mem_t *mem, sio_str_t text,
    const sio_binary_t *attachments);

/*
 * Build from an image that came from another worker: checked to be frames as
 * eio_msg_create() makes them.  NULL: no memory, or not an image.
 */
eio_msg_t *eio_msg_from_image(const sio_mem_t *mem, sio_str_t image);

static inline eio_msg_t *
eio_msg_ref(eio_msg_t *msg)
{
    msg->refs++;
    return msg;
}


/*
 * A copy of an event with one more argument: tail, from the comma to the
 * bracket that closes the array.  NULL: no memory, over 4 GB, or the text
 * does not end with an array.
 */
eio_msg_t *eio_msg_extend(const sio_mem_t *mem, const eio_msg_t *msg,
    sio_str_t tail);

/* Gives a reference back; the last one frees. */

void eio_msg_unref(const sio_mem_t *mem, eio_msg_t *msg);

/* The text packet, a view into the image; empty if there is none. */

sio_str_t eio_msg_text(const eio_msg_t *msg);

/*
 * Whether nothing but an event is in it, and it is not marked as vital: the
 * protocol holds without it.  Answers to CONNECT, acks, the end of a socket,
 * pings are no events.
 *
 * Socket.IO v5, "Packet types".
 */
int eio_msg_droppable(const eio_msg_t *msg);

/*
 * Packs the payload of a frame, appended to buf: SIO_OK, SIO_NOMEM, or
 * SIO_DECLINED: it is to be sent as it is.
 */
typedef int (*eio_msg_pack_pt)(void *ctx, sio_str_t data, sio_buf_t *buf);

/*
 * The message with packed frames, made when it is first asked for and then
 * shared like the message, which owns it; the message itself if nothing of it
 * packs, there is no memory, or it was packed in another way before.  packing:
 * the way, not 0.  For WebSockets alone: it has no text and no payload.
 *
 * RFC 7692, 6.  Framing
 */
eio_msg_t *eio_msg_packed(eio_msg_t *msg, const sio_mem_t *mem,
    uint8_t packing, eio_msg_pack_pt pack, void *ctx);

/*
 * Append all packets to a polling payload.  Results as sio_buf_append(); on
 * failure buf is as it was.
 */
int eio_msg_payload(const eio_msg_t *msg, sio_buf_t *buf);


#pragma GCC visibility pop


#endif /* _EIO_MSG_H_INCLUDED_ */
