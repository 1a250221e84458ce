/*
 * Socket.IO packets: header and payload of the text part.
 *
 *     <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
 *
 * Decoding is the boundary of trust: what passes may be sent on verbatim to
 * other clients.  JSON is validated, the payload has the type's shape, event
 * names are not reserved, placeholders match the attachments.
 *
 * Socket.IO v5, "Packet encoding".
 */


#ifndef _SIO_PACKET_H_INCLUDED_
#define _SIO_PACKET_H_INCLUDED_


#include "codec/sio_buf.h"
#include "codec/sio_json.h"


typedef enum {
    SIO_CONNECT = 0,
    SIO_DISCONNECT,
    SIO_EVENT,
    SIO_ACK,
    SIO_CONNECT_ERROR,
    SIO_BINARY_EVENT,
    SIO_BINARY_ACK
} sio_packet_e;


#define SIO_NO_ID          -1
#define SIO_ID_MAX         9007199254740991LL    /* 2^53 - 1: a JS number */
#define SIO_ATTACHMENTS    10                    /* bound, as the reference */


typedef struct {
    sio_packet_e  type;
    unsigned      attachments;
    sio_str_t     nsp;           /* with its slash; "/" if none was given */
    int64_t       id;            /* ack id, or SIO_NO_ID */
    sio_str_t     data;          /* JSON text, compact or not; may be empty */
    const char   *error;         /* static text, after SIO_ERROR */
} sio_packet_t;


typedef struct {
    sio_json_limits_t  json;
    unsigned           max_attachments;
    size_t             max_nsp;  /* bytes of a namespace's name */
} sio_packet_limits_t;


#pragma GCC visibility push(hidden)


/*
 * Decode a packet a client sent (text of an Engine.IO message, without its
 * digit "4").  All slices are views; pkt->nsp may be a constant "/".  A query
 * behind the namespace ("/nsp?x=y") is cut off.  What passes:
 *
 *     CONNECT               no payload, or an object
 *     DISCONNECT            no payload
 *     EVENT, BINARY_EVENT   ["name", ...] or [number, ...], not reserved
 *     ACK, BINARY_ACK       an ack id and an array
 *
 * with the placeholders 0 .. attachments - 1, each at least once, in the
 * binary types and none in the others.  CONNECT_ERROR is a server's packet.
 *
 * SIO_OK     pkt is filled; for the binary types pkt->attachments more
 *            messages must follow before it is complete
 * SIO_ERROR  pkt->error: close the connection
 *
 * Socket.IO v5, "Packet encoding".
 */
int sio_packet_decode(sio_str_t text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt);

/*
 * The same without the payload, which is not looked at: pkt->data is empty.
 * For packets that are refused before anything is spent on them.
 */
int sio_packet_head(sio_str_t text, const sio_packet_limits_t *limits,
    sio_packet_t *pkt);

/*
 * Append a packet's text, with the Engine.IO digit "4" in front.  data is
 * appended as it is.  attachments are written for the binary types only.
 * Results as sio_buf_append().
 */
int sio_packet_encode(sio_buf_t *buf, const sio_packet_t *pkt);

/* Whether an event of this name would close a receiver: "connect" ... */

int sio_packet_reserved(sio_str_t name);

/*
 * What namespaces and rooms have in common: whether name has 1 to max bytes
 * of UTF-8 without control characters (U+0000 - U+001F, U+007F - U+009F).
 */
int sio_name_valid(sio_str_t name, size_t max);


/* Whether packets of this type are completed by attachments. */

static inline int
sio_packet_is_binary(sio_packet_e type)
{
    return type == SIO_BINARY_EVENT || type == SIO_BINARY_ACK;
}


#pragma GCC visibility pop


#endif /* _SIO_PACKET_H_INCLUDED_ */
