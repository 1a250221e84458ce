/*
 * permessage-deflate: what is agreed on in the opening handshake.
 *
 * We never keep a context from one message to the next, in neither direction:
 * a message is then compressed once for all receivers, and a connection has
 * no memory of zlib's.  Both sides' "no_context_takeover" may be asked for
 * without an offer; a window for our side that is smaller than the one we
 * have may not be refused but by declining the offer.
 *
 * RFC 7692, 5.  Extension Negotiation;  7.1.  Parameters.
 */


#ifndef _WS_DEFLATE_H_INCLUDED_
#define _WS_DEFLATE_H_INCLUDED_


#include "codec/sio_types.h"


#define WS_DEFLATE_RSV         0x4       /* RSV1, as ws_frame_t has it */
#define WS_DEFLATE_BIT         0x40      /* the same in a frame's first byte */

#define WS_DEFLATE_WINDOW_MIN  9         /* bits; zlib has no 8 */
#define WS_DEFLATE_WINDOW_MAX  15

#define WS_DEFLATE_ANSWER_MAX  128       /* bytes of ws_deflate_answer() */


#pragma GCC visibility push(hidden)


/*
 * Whether one of the offers in a Sec-WebSocket-Extensions header can be
 * accepted by a server whose window has so many bits: SIO_OK, SIO_DECLINED.
 * An offer with a parameter that is unknown, repeated or out of bounds is
 * declined, a header that is no list of extensions as a whole.
 */
int ws_deflate_offered(sio_str_t header, unsigned window);

/* Write the answer's value to dst; returns its length. */

size_t ws_deflate_answer(uint8_t *dst, unsigned window);


#pragma GCC visibility pop


#endif /* _WS_DEFLATE_H_INCLUDED_ */
