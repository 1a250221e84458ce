/*
 * Base64, RFC 4648: section 4 with padding for polling payloads, and the
 * URL-safe alphabet of section 5 without padding for ids.
 */


#ifndef _SIO_BASE64_H_INCLUDED_
#define _SIO_BASE64_H_INCLUDED_


#include "codec/sio_buf.h"


#define sio_base64_encoded_len(n)  (((n) + 2) / 3 * 4)
#define sio_base64_decoded_max(n)  (((n) + 3) / 4 * 3)


#pragma GCC visibility push(hidden)


/* dst has sio_base64_encoded_len(len) bytes.  Returns the length written. */

size_t sio_base64_encode(uint8_t *dst, const uint8_t *src, size_t len);

/* The same behind what is in a buffer.  Results as sio_buf_append(). */

int sio_base64_append(sio_buf_t *buf, sio_str_t bytes);

/* Without padding, URL-safe.  Returns the length written. */

size_t sio_base64url_encode(uint8_t *dst, const uint8_t *src, size_t len);

/*
 * dst has sio_base64_decoded_max(len) bytes and may be src itself.  Padding
 * may be left out; anything else that is not section 4 is SIO_ERROR.
 */
int sio_base64_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len);

/* The same for the URL-safe alphabet. */

int sio_base64url_decode(uint8_t *dst, size_t *dst_len, const uint8_t *src,
    size_t len);


#pragma GCC visibility pop


#endif /* _SIO_BASE64_H_INCLUDED_ */
