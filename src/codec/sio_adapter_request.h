/*
 * Requests between hosts, and their answers: who is there, remote joins,
 * events from server to server, broadcasts that want acks.
 *
 * JSON, but for a broadcast with acks and an ack, which are MessagePack; the
 * first byte tells.  Older nodes and emitters leave members out or name one
 * socket ("sid") and one room: that is taken, too.
 */


#ifndef _SIO_ADAPTER_REQUEST_H_INCLUDED_
#define _SIO_ADAPTER_REQUEST_H_INCLUDED_


#include "codec/sio_adapter.h"
#include "codec/sio_writer.h"


/* The member of JSON that only hosts of our kind know: page, in base64. */

#define SIO_REQUEST_PAGE  "nginx"


typedef enum {
    SIO_REQUEST_SOCKETS = 0,
    SIO_REQUEST_ALL_ROOMS,
    SIO_REQUEST_JOIN,
    SIO_REQUEST_LEAVE,
    SIO_REQUEST_DISCONNECT,
    SIO_REQUEST_FETCH,
    SIO_REQUEST_SERVER_EMIT,
    SIO_REQUEST_BROADCAST,
    SIO_RESPONSE_CLIENT_COUNT,
    SIO_RESPONSE_ACK,
    SIO_REQUEST_N
} sio_request_e;


typedef struct {
    sio_request_e            type;
    sio_str_t                uid;        /* empty: an emitter's */
    sio_str_t                id;         /* requestId; empty: no answer */
    sio_str_t               *rooms;      /* to join or leave; of a legacy
                                            fetch: whose sockets */
    unsigned                 nrooms;
    unsigned                 close:1;    /* disconnect: the whole client */
    sio_str_t                data;       /* JSON: of a server's event the list
                                            [event, args...] */
    sio_str_t                page;       /* of a fetch: what hosts of our kind
                                            are asked instead, base64; the
                                            others do not know it */

    /* opts.rooms and except of all, the packet of SIO_REQUEST_BROADCAST */
    sio_adapter_broadcast_t  broadcast;
} sio_request_t;


/* An answer, JSON: slices of it, empty if there is none. */

typedef struct {
    sio_str_t                id;         /* requestId */
    int                      type;       /* -1: none is given */
    sio_str_t                sockets;    /* array */
    sio_str_t                rooms;      /* array */
    sio_str_t                data;       /* any value; of an ack, a value too */
    sio_str_t                page;       /* the answer to one, base64 */
    uint64_t                 count;      /* clientCount */
    sio_binary_t             attachments;    /* of an ack */
} sio_response_t;


#pragma GCC visibility push(hidden)


/*
 * Decode a request.  What is filled is good until the next decode with a,
 * and as long as message is.  SIO_OK, SIO_ERROR, SIO_DECLINED (a bound, an
 * unknown type), SIO_NOMEM.
 */
int sio_adapter_request_decode(sio_adapter_t *a, sio_str_t message,
    sio_request_t *r);

/* The page of a JSON object, a view; empty: it has none. */

sio_str_t sio_request_page(sio_str_t object);

/* Append a request: JSON, that of SIO_REQUEST_BROADCAST MessagePack. */

int sio_adapter_request_encode(sio_buf_t *buf, const sio_request_t *r);

/* Decode an answer, JSON or MessagePack.  Results as above. */

int sio_adapter_response_decode(sio_adapter_t *a, sio_str_t message,
    sio_response_t *r);

/*
 * Append an answer of JSON: {"requestId":id,"NAME":value}, for a server's
 * event and a client count with the type.  value: JSON text.
 */
int sio_adapter_response_encode(sio_buf_t *buf, sio_str_t id, int type,
    const char *name, sio_str_t value);

/* Append an answer that is a page: nothing in it is to be escaped. */

int sio_adapter_page_encode(sio_buf_t *buf, sio_str_t id, sio_str_t page);

/*
 * Append the ack of one client: value is JSON, its attachments those of from
 * (may be NULL).
 */
int sio_adapter_ack_encode(sio_buf_t *buf, sio_str_t id, sio_str_t value,
    const sio_binary_t *from);


/* For this floor: parts that cluster messages have as well. */

int sio_request_validate(sio_adapter_t *a, sio_str_t message,
    sio_json_info_t *info, sio_str_t *object);
int sio_request_names(sio_adapter_t *a, sio_str_t object, const char *key,
    unsigned *used, sio_str_t **names, unsigned *n);
int sio_request_string(sio_adapter_t *a, sio_str_t object, const char *key,
    sio_str_t *s);
int sio_request_text(sio_adapter_t *a, sio_str_t value, sio_str_t *s);
void sio_request_put_names(sio_writer_t *w, const char *key,
    const sio_str_t *names, unsigned n);
void sio_request_put_opts(sio_writer_t *w, const sio_adapter_opts_t *opts);
void sio_request_put_page(sio_writer_t *w, sio_str_t page);


#pragma GCC visibility pop


#endif /* _SIO_ADAPTER_REQUEST_H_INCLUDED_ */
