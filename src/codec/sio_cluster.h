/*
 * What hosts say to each other in Node's sharded and streams adapters: the
 * cluster messages {type, data, uid, nsp}.
 *
 * They mean what the requests and the answers of the classic adapter mean,
 * and are decoded into the same: see sio_adapter_request.h.  On a channel a
 * message is JSON, or MessagePack if it holds binary; the first byte tells.
 * In an entry of a stream uid, nsp and type are fields of their own, and data
 * is JSON, or the MessagePack of it in base64.
 *
 * MessagePack becomes JSON with placeholders first, so that there is one
 * reader, and is written from it, so that there is one writer.
 */


#ifndef _SIO_CLUSTER_H_INCLUDED_
#define _SIO_CLUSTER_H_INCLUDED_


#include "codec/sio_adapter_request.h"


typedef enum {
    SIO_CLUSTER_INITIAL_HEARTBEAT = 1,
    SIO_CLUSTER_HEARTBEAT,
    SIO_CLUSTER_BROADCAST,           /* with request.id: acks are wanted */
    SIO_CLUSTER_JOIN,
    SIO_CLUSTER_LEAVE,
    SIO_CLUSTER_DISCONNECT,
    SIO_CLUSTER_FETCH,
    SIO_CLUSTER_FETCHED,
    SIO_CLUSTER_SERVER_EMIT,
    SIO_CLUSTER_SERVER_ANSWER,
    SIO_CLUSTER_CLIENT_COUNT,
    SIO_CLUSTER_ACK,
    SIO_CLUSTER_CLOSE,
    SIO_CLUSTER_N
} sio_cluster_e;


typedef struct {
    sio_cluster_e        type;
    sio_str_t            uid;
    sio_str_t            nsp;

    /* of 3 to 7 and 9, with the type that it has in the classic adapter */
    sio_request_t        request;

    /* of 8 and 10 to 12; data is the value of an ack, or of a server */
    sio_response_t       response;

    /* of all but broadcasts, which have their own */
    sio_binary_t         attachments;
} sio_cluster_t;


/* An entry of a stream: slices of its fields, empty if missing. */

typedef struct {
    sio_str_t            type;
    sio_str_t            uid;
    sio_str_t            nsp;
    sio_str_t            data;
} sio_cluster_entry_t;


#pragma GCC visibility push(hidden)


/*
 * Decode a message of a channel.  What is filled is good until the next
 * decode with a, and as long as message is.
 *
 * SIO_OK
 * SIO_ERROR     no such message, or one that would harm a receiver
 * SIO_DECLINED  a bound, an unknown type, a packet that is no event
 * SIO_NOMEM
 */
int sio_cluster_decode(sio_adapter_t *a, sio_str_t message, sio_cluster_t *m);

/*
 * Whether a message of a namespace was sent by uid, seen at its very end, where
 * all writers put it: own messages come back, and are to cost little.
 */
int sio_cluster_is_own(sio_str_t message, sio_str_t uid, sio_str_t nsp);

/* Decode an entry of a stream.  Results as above. */

int sio_cluster_entry_decode(sio_adapter_t *a, const sio_cluster_entry_t *e,
    sio_cluster_t *m);

/*
 * Append a message: JSON, or MessagePack if it has attachments or binary is
 * set.  a->json is written over.  SIO_OK, SIO_ERROR (a placeholder without an
 * attachment), SIO_DECLINED, SIO_NOMEM.
 */
int sio_cluster_encode(sio_adapter_t *a, sio_buf_t *buf,
    const sio_cluster_t *m, int binary);

/* Append the field "data" of an entry; the same results. */

int sio_cluster_data_encode(sio_adapter_t *a, sio_buf_t *buf,
    const sio_cluster_t *m);


/*
 * For this floor: the base64 of MessagePack as JSON in a->json, its binary in
 * a->bytes; and what a->json holds as such a text, appended.
 */
int sio_cluster_unpack(sio_adapter_t *a, sio_str_t text,
    sio_binary_t *attachments);
int sio_cluster_pack(sio_adapter_t *a, sio_buf_t *buf,
    const sio_binary_t *attachments);


#pragma GCC visibility pop


#endif /* _SIO_CLUSTER_H_INCLUDED_ */
