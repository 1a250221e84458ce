/*
 * What hosts say to each other over Redis: the messages of Node's
 * @socket.io/redis-adapter, which @socket.io/redis-emitter speaks as well.
 *
 *     PREFIX#NSP#             a broadcast
 *     PREFIX#NSP#ROOM#        a broadcast to one room
 *     PREFIX-request#NSP#     requests, see sio_adapter_request.h
 *     PREFIX-response#NSP#    their answers; also PREFIX-response#NSP#UID#
 *     PREFIX-nginx#UID#       our own, nobody else listens there
 *     PREFIX-hosts#APP#       what nginx hosts tell each other
 *
 * A broadcast is the MessagePack array [uid, packet, opts]; packet is
 * {type, data: [event, args...], nsp}, opts {rooms, except, flags}.
 */


#ifndef _SIO_ADAPTER_H_INCLUDED_
#define _SIO_ADAPTER_H_INCLUDED_


#include "codec/sio_msgpack.h"


#define SIO_ADAPTER_UID_LEN    6
#define SIO_ADAPTER_ROOMS_MAX  1000  /* of one message: rooms and except */


/* The kinds of channels. */

typedef enum {
    SIO_CHANNEL_BROADCAST = 0,
    SIO_CHANNEL_REQUEST,
    SIO_CHANNEL_RESPONSE,
    SIO_CHANNEL_NGINX,
    SIO_CHANNEL_HOSTS
} sio_channel_e;


/*
 * Whom a message addresses.  Names are plain bytes; the arrays are the
 * caller's when encoding, the decoder's when decoding.
 */
typedef struct {
    sio_str_t     *rooms;
    unsigned       nrooms;           /* 0: all */
    sio_str_t     *except;
    unsigned       nexcept;
} sio_adapter_opts_t;


typedef struct {
    sio_str_t            uid;        /* of the sender */
    sio_str_t            nsp;
    sio_str_t            event;      /* the name's bytes */
    sio_str_t            args;       /* JSON values joined by commas */
    sio_binary_t         attachments;
    sio_adapter_opts_t   opts;
    uint32_t             timeout;    /* flags.timeout: msec for acks, or 0 */
    unsigned             volatile_:1;
} sio_adapter_broadcast_t;


/* What a decoded message refers to besides the message's own bytes. */

typedef struct {
    const sio_mem_t     *mem;
    sio_buf_t            text;       /* the arguments */
    sio_buf_t            numbers;    /* names that were numbers */
    sio_buf_t            json;       /* a cluster message that was not, */
    sio_buf_t            bytes;      /* or that was base64 */
    sio_str_t            names[SIO_ADAPTER_ROOMS_MAX];
} sio_adapter_t;


#pragma GCC visibility push(hidden)


/* max: bound of a message's JSON text, bytes. */

void sio_adapter_init(sio_adapter_t *a, const sio_mem_t *mem, size_t max);
void sio_adapter_free(sio_adapter_t *a);

/*
 * Append the name of a channel.  nsp: of our own the uid; tail: the room, the
 * uid of a response, or empty.  Results as sio_buf_append().
 */
int sio_adapter_channel(sio_buf_t *buf, sio_str_t prefix, sio_channel_e type,
    sio_str_t nsp, sio_str_t tail);

/*
 * Take a broadcast's channel apart: the namespace and the room, which is
 * empty if there is none.  A namespace has no "#".  SIO_OK, or SIO_DECLINED:
 * it is another channel.
 */
int sio_adapter_channel_parse(sio_str_t channel, sio_str_t prefix,
    sio_channel_e type, sio_str_t *nsp, sio_str_t *tail);

/* Append a broadcast.  Results as sio_msgpack_from_json(). */

int sio_adapter_broadcast_encode(sio_buf_t *buf,
    const sio_adapter_broadcast_t *b);

/*
 * The sender of a broadcast: a view; empty if the message makes no sense.
 * Own messages come back, and are known by it before all else.
 */
sio_str_t sio_adapter_broadcast_uid(sio_str_t message);

/*
 * Decode a broadcast.  What is filled is good until the next decode, and as
 * long as message is.  A missing namespace is "/"; flags and except may be
 * missing; a room may be a number.
 *
 * SIO_OK
 * SIO_ERROR     no such message, or one that would harm a receiver: the name
 *               of the event is reserved, text is no UTF-8
 * SIO_DECLINED  a bound; or a packet of another type than an event
 * SIO_NOMEM
 */
int sio_adapter_broadcast_decode(sio_adapter_t *a, sio_str_t message,
    sio_adapter_broadcast_t *b);


/* For this floor: parts that requests have as well. */

int sio_adapter_packet_encode(sio_buf_t *buf,
    const sio_adapter_broadcast_t *b);
int sio_adapter_packet_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b);
int sio_adapter_opts_encode(sio_buf_t *buf, const sio_adapter_broadcast_t *b);
int sio_adapter_opts_decode(sio_adapter_t *a, sio_msgpack_t *m,
    sio_adapter_broadcast_t *b);


#pragma GCC visibility pop


#endif /* _SIO_ADAPTER_H_INCLUDED_ */
