/*
 * Building, checking and reading the image of an outgoing message.
 *
 * Frames follow one another without an index: their heads say where the next
 * one is, and reading in order is all that anybody does.
 */


#include "logic/eio_msg.h"
#include "codec/eio_packet.h"
#include "codec/eio_payload.h"
#include "codec/sio_packet.h"
#include "codec/ws_deflate.h"
#include "codec/ws_frame.h"


static uint8_t *
eio_msg_frame(uint8_t *p, uint8_t opcode, sio_str_t data)
{
    p += ws_frame_write_head(p, opcode, data.len);

    if (data.len) {
        memcpy(p, data.data, data.len);
    }

    return p + data.len;
}


static eio_msg_t *
eio_msg_alloc(const sio_mem_t *mem, uint64_t len, unsigned packets)
{
    eio_msg_t  *msg;

    if (packets == 0 || len > UINT32_MAX) {
        return NULL;
    }

    msg = sio_alloc(mem, offsetof(eio_msg_t, image) + len);
    if (msg == NULL) {
        return NULL;
    }

    msg->refs = 1;
    msg->len = (uint32_t) len;
    msg->packets = (uint16_t) packets;
    msg->volatile_ = 0;
    msg->vital = 0;
    msg->mark = 0;
    msg->packing = 0;
    msg->packed = NULL;

    return msg;
}


eio_msg_t *
eio_msg_create(const sio_mem_t *mem, sio_str_t text,
    const sio_binary_t *attachments)
{
    uint8_t    *p;
    uint64_t    len;
    unsigned    i, n, packets;
    eio_msg_t  *msg;

    n = attachments ? attachments->n : 0;
    packets = n;
    len = 0;

    if (text.len) {
        len = ws_frame_head_len(text.len) + text.len;
        packets++;
    }

    for (i = 0; i < n; i++) {
        len += ws_frame_head_len(attachments->item[i].len)
               + attachments->item[i].len;
    }

    msg = eio_msg_alloc(mem, len, packets);
    if (msg == NULL) {
        return NULL;
    }

    p = msg->image;

    if (text.len) {
        p = eio_msg_frame(p, WS_OP_TEXT, text);
    }

    for (i = 0; i < n; i++) {
        p = eio_msg_frame(p, WS_OP_BINARY, attachments->item[i]);
    }

    return msg;
}


/*
 * Length of the frame at p, 0 if the bytes are not one of ours.  Writing the
 * head again tells whether it was written like that.
 */

static uint64_t
eio_msg_check_frame(const uint8_t *p, size_t len, uint8_t *opcode)
{
    size_t    head;
    uint8_t   again[WS_SERVER_HEAD_MAX];
    uint64_t  size;

    if (len < 2 || (p[1] & 0x80)) {
        return 0;
    }

    head = 2;

    if (p[1] == 126) {
        head = 4;

    } else if (p[1] == 127) {
        head = 10;
    }

    if (len < head) {
        return 0;
    }

    (void) ws_frame_read_head(p, opcode, &size);

    if (size > len - head
        || ws_frame_write_head(again, *opcode, size) != head
        || memcmp(again, p, head) != 0)
    {
        return 0;
    }

    return head + size;
}


eio_msg_t *
eio_msg_from_image(const sio_mem_t *mem, sio_str_t image)
{
    size_t      left;
    uint8_t     opcode;
    uint64_t    size;
    unsigned    packets, attachments;
    eio_msg_t  *msg;

    packets = 0;
    attachments = 0;

    for (left = image.len; left; left -= size) {
        size = eio_msg_check_frame(image.data + image.len - left, left,
                                   &opcode);
        if (size == 0) {
            return NULL;
        }

        if (opcode == WS_OP_BINARY) {
            attachments++;

        } else if (opcode != WS_OP_TEXT || packets || size <= 2) {
            /* Text comes first, once, and has a packet type at least. */
            return NULL;
        }

        packets++;
    }

    if (attachments > SIO_ATTACHMENTS) {
        return NULL;
    }

    msg = eio_msg_alloc(mem, image.len, packets);
    if (msg) {
        memcpy(msg->image, image.data, image.len);
    }

    return msg;
}


eio_msg_t *
eio_msg_extend(const sio_mem_t *mem, const eio_msg_t *msg, sio_str_t tail)
{
    uint8_t    *p;
    uint64_t    len, rest;
    sio_str_t   text;
    eio_msg_t  *copy;

    text = eio_msg_text(msg);

    if (text.len < 2 || text.data[text.len - 1] != ']') {
        return NULL;
    }

    rest = (uint64_t) (msg->image + msg->len - (text.data + text.len));
    text.len--;
    len = text.len + tail.len;

    copy = eio_msg_alloc(mem, ws_frame_head_len(len) + len + rest,
                         msg->packets);
    if (copy == NULL) {
        return NULL;
    }

    copy->volatile_ = msg->volatile_;
    copy->vital = msg->vital;

    p = copy->image;
    p += ws_frame_write_head(p, WS_OP_TEXT, len);

    memcpy(p, text.data, text.len);
    memcpy(p + text.len, tail.data, tail.len);

    if (rest) {
        memcpy(p + len, text.data + text.len + 1, rest);
    }

    return copy;
}


void
eio_msg_unref(const sio_mem_t *mem, eio_msg_t *msg)
{
    if (--msg->refs) {
        return;
    }

    if (msg->packed && msg->packed != msg) {
        eio_msg_unref(mem, msg->packed);
    }

    sio_free(mem, msg);
}


sio_str_t
eio_msg_text(const eio_msg_t *msg)
{
    size_t    head;
    uint8_t   opcode;
    uint64_t  size;

    head = ws_frame_read_head(msg->image, &opcode, &size);

    if (opcode != WS_OP_TEXT) {
        return sio_str(NULL, 0);
    }

    return sio_str(msg->image + head, size);
}


int
eio_msg_droppable(const eio_msg_t *msg)
{
    sio_str_t  text;

    if (msg->vital) {
        return 0;
    }

    text = eio_msg_text(msg);

    return text.len > 1 && text.data[0] == '0' + EIO_MESSAGE
           && (text.data[1] == '0' + SIO_EVENT
               || text.data[1] == '0' + SIO_BINARY_EVENT);
}


/* Append the frames, packed where that is worth it; *n counts those. */

static int
eio_msg_pack(const eio_msg_t *msg, eio_msg_pack_pt pack, void *ctx,
    sio_buf_t *buf, unsigned *n)
{
    int             rc;
    size_t          head, start, from, len;
    uint8_t         opcode, again[WS_SERVER_HEAD_MAX] = { 0 };
    uint64_t        size;
    const uint8_t  *p, *end;

    *n = 0;
    end = msg->image + msg->len;

    for (p = msg->image; p < end; p += head + size) {
        head = ws_frame_read_head(p, &opcode, &size);

        /* the head is written once the length is known */

        start = buf->len;
        rc = sio_buf_append(buf, again, WS_SERVER_HEAD_MAX);

        if (rc != SIO_OK) {
            return rc;
        }

        from = buf->len;
        rc = pack(ctx, sio_str(p + head, size), buf);

        if (rc == SIO_OK) {
            len = ws_frame_write_head(again, WS_DEFLATE_BIT | opcode,
                                      buf->len - from);
            memcpy(buf->data + start, again, len);
            memmove(buf->data + start + len, buf->data + from,
                    buf->len - from);
            buf->len -= from - start - len;
            (*n)++;
            continue;
        }

        buf->len = start;

        if (rc == SIO_DECLINED) {
            rc = sio_buf_append(buf, p, head + size);
        }

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


eio_msg_t *
eio_msg_packed(eio_msg_t *msg, const sio_mem_t *mem, uint8_t packing,
    eio_msg_pack_pt pack, void *ctx)
{
    int         rc;
    unsigned    n;
    sio_buf_t   buf;
    eio_msg_t  *packed;

    if (msg->packed) {
        return msg->packed->packing == packing ? msg->packed : msg;
    }

    sio_buf_init(&buf, mem, UINT32_MAX);

    rc = eio_msg_pack(msg, pack, ctx, &buf, &n);
    packed = NULL;

    if (rc == SIO_OK && n) {
        packed = eio_msg_alloc(mem, buf.len, msg->packets);
    }

    if (packed) {
        memcpy(packed->image, buf.data, buf.len);

        packed->volatile_ = msg->volatile_;
        packed->vital = msg->vital;
        packed->packing = packing;
        packed->packed = packed;
    }

    sio_buf_free(&buf);

    msg->packed = packed ? packed : msg;

    return msg->packed;
}


int
eio_msg_payload(const eio_msg_t *msg, sio_buf_t *buf)
{
    int             rc;
    size_t          start, head;
    uint8_t         opcode;
    uint64_t        size;
    sio_str_t       data;
    const uint8_t  *p, *end;

    start = buf->len;
    end = msg->image + msg->len;

    for (p = msg->image; p < end; p += head + size) {
        head = ws_frame_read_head(p, &opcode, &size);
        data = sio_str(p + head, size);

        rc = (opcode == WS_OP_TEXT) ? eio_payload_append_text(buf, data)
                                    : eio_payload_append_binary(buf, data);
        if (rc != SIO_OK) {
            buf->len = start;
            return rc;
        }
    }

    return SIO_OK;
}
