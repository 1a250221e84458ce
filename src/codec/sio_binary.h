/*
 * Attachments: the binary messages that complete a binary packet, and the
 * placeholders that stand for them in its JSON.
 *
 * Socket.IO v5, "Packet encoding", binary packets: attachment n is the n-th
 * message after the packet; {"_placeholder":true,"num":n} stands for it.
 */


#ifndef _SIO_BINARY_H_INCLUDED_
#define _SIO_BINARY_H_INCLUDED_


#include "codec/sio_buf.h"
#include "codec/sio_json.h"
#include "codec/sio_packet.h"


/* A set of attachments in order, with the bytes borrowed. */

typedef struct {
    sio_str_t  item[SIO_ATTACHMENTS];
    unsigned   n;
} sio_binary_t;


/*
 * A binary packet on its way: the text kept, attachments collected.  One
 * allocation holds the text, each attachment is one of its own.
 */
typedef struct {
    const sio_mem_t  *mem;
    uint8_t          *text;
    size_t            text_len;
    size_t            bytes;     /* of attachments so far */
    unsigned          want;
    sio_binary_t      got;
} sio_binary_pending_t;


#pragma GCC visibility push(hidden)


/*
 * Begin: keep a copy of the packet's text, expect want (1 .. SIO_ATTACHMENTS)
 * attachments.  p is overwritten, and owns what it holds until
 * sio_binary_free(), which may also follow a failure.  SIO_OK or SIO_NOMEM.
 */
int sio_binary_begin(sio_binary_pending_t *p, const sio_mem_t *mem,
    sio_str_t text, unsigned want);

/*
 * Add the next attachment (copied).
 *
 * SIO_OK        complete: p->text, p->got
 * SIO_AGAIN     more are due
 * SIO_DECLINED  the sum of attachments would exceed max_bytes, or none is
 *               due
 * SIO_NOMEM
 */
int sio_binary_add(sio_binary_pending_t *p, sio_str_t bytes,
    size_t max_bytes);

void sio_binary_free(sio_binary_pending_t *p);

/*
 * If value is a placeholder object with a number of 0 to
 * SIO_ATTACHMENTS - 1, that number, else -1.
 */
int sio_binary_placeholder(sio_str_t value);

/*
 * Append valid JSON text with its placeholders renumbered: value's
 * attachments are those of from; each attachment met gets the next free
 * number in to, which takes its slice along, or keeps the number it has
 * there.  Everything else is appended as it is.
 *
 * SIO_OK, the buffer's results, or SIO_DECLINED: to is full, or from has no
 * such attachment.  On failure buf and to are as they were.
 */
int sio_binary_renumber(sio_buf_t *buf, sio_str_t value,
    const sio_binary_t *from, sio_binary_t *to);

/*
 * Append valid JSON values, joined by commas, with each attachment in place, as
 * {"base64":"..."}: for those who know no placeholders.  from may be NULL.
 * work is a buffer of the caller, and overwritten.  Results as above.
 */
int sio_binary_inline(sio_buf_t *buf, sio_str_t values,
    const sio_binary_t *from, sio_buf_t *work);


#pragma GCC visibility pop


#endif /* _SIO_BINARY_H_INCLUDED_ */
