/*
 * MessagePack, as far as Socket.IO's Redis adapters speak it.
 *
 * The reader is a cursor: one value, or the head of an array or a map, at a
 * time; nothing is built.  Values go to JSON text and back without a tree:
 *
 *     str, int, float, bool, nil, array, map     what JSON has
 *     bin                                        an attachment
 *     timestamp (ext -1)                         a string, ISO 8601
 *     undefined (ext 0), NaN, infinities         null
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */


#ifndef _SIO_MSGPACK_H_INCLUDED_
#define _SIO_MSGPACK_H_INCLUDED_


#include "codec/sio_binary.h"
#include "codec/sio_buf.h"


/* Arrays and maps inside each other: 64 of an event, and those around it. */

#define SIO_MSGPACK_DEPTH  68


typedef enum {
    SIO_MSGPACK_NIL = 0,
    SIO_MSGPACK_FALSE,
    SIO_MSGPACK_TRUE,
    SIO_MSGPACK_UINT,
    SIO_MSGPACK_INT,                 /* negative */
    SIO_MSGPACK_DOUBLE,
    SIO_MSGPACK_STR,                 /* maybe not UTF-8 */
    SIO_MSGPACK_BIN,
    SIO_MSGPACK_ARRAY,
    SIO_MSGPACK_MAP,
    SIO_MSGPACK_EXT
} sio_msgpack_e;


typedef struct {
    sio_msgpack_e   type;
    int8_t          ext;             /* type of an EXT */
    uint64_t        u;               /* UINT; members of ARRAY and MAP */
    int64_t         i;               /* INT */
    double          d;
    sio_str_t       bytes;           /* STR, BIN, EXT: a view */
} sio_msgpack_value_t;


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
} sio_msgpack_t;


#pragma GCC visibility push(hidden)


/*
 * The next value or head.  Of an array v->u values follow, of a map v->u
 * pairs; there is at least a byte for each of them.
 *
 * SIO_OK     read, the cursor stands behind it
 * SIO_ERROR  truncated, or no MessagePack; the cursor stays
 */
int sio_msgpack_next(sio_msgpack_t *m, sio_msgpack_value_t *v);

/*
 * Pass over a whole value; *value (may be NULL) is its bytes.  SIO_OK, or
 * SIO_ERROR.
 */
int sio_msgpack_skip(sio_msgpack_t *m, sio_str_t *value);

/*
 * Append the next value as JSON; its BIN values become attachments of to
 * (views), placeholders in the text.  The text is valid JSON of at most
 * SIO_MSGPACK_DEPTH levels and has no placeholder but these.
 *
 * SIO_OK
 * SIO_ERROR     no MessagePack, a string that is no UTF-8, a forged
 *               placeholder, too deep
 * SIO_DECLINED  too many attachments, or the buffer's bound
 * SIO_NOMEM
 */
int sio_msgpack_to_json(sio_msgpack_t *m, sio_buf_t *buf, sio_binary_t *to);

/*
 * Append a valid JSON value; a placeholder becomes the attachment of from
 * (may be NULL: none).  SIO_OK, SIO_ERROR (no such attachment, too deep),
 * SIO_DECLINED, SIO_NOMEM.
 */
int sio_msgpack_from_json(sio_buf_t *buf, sio_str_t json,
    const sio_binary_t *from);

/* Append one value or head.  SIO_OK, SIO_DECLINED, SIO_NOMEM. */

int sio_msgpack_put_nil(sio_buf_t *buf);
int sio_msgpack_put_bool(sio_buf_t *buf, int value);
int sio_msgpack_put_int(sio_buf_t *buf, int64_t n);
int sio_msgpack_put_double(sio_buf_t *buf, double d);
int sio_msgpack_put_str(sio_buf_t *buf, sio_str_t s);
int sio_msgpack_put_bin(sio_buf_t *buf, sio_str_t s);
int sio_msgpack_put_array(sio_buf_t *buf, uint32_t n);
int sio_msgpack_put_map(sio_buf_t *buf, uint32_t n);


#pragma GCC visibility pop


#endif /* _SIO_MSGPACK_H_INCLUDED_ */
