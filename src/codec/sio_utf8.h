/*
 * UTF-8 validation, incremental: bytes may come in any slicing, and the first
 * byte that no valid text can contain is refused at once (fail fast).
 *
 * RFC 3629, 4.  Syntax of UTF-8 Byte Sequences: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */


#ifndef _SIO_UTF8_H_INCLUDED_
#define _SIO_UTF8_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_UTF8_START  0     /* the state at a character boundary */


#pragma GCC visibility push(hidden)


/*
 * Check len bytes, beginning in *state (SIO_UTF8_START at first).
 *
 * SIO_OK     fine, and a character ends with the last byte
 * SIO_AGAIN  fine so far, inside a character
 * SIO_ERROR  no valid text begins so; *state is unusable
 */
int sio_utf8_check(uint32_t *state, const uint8_t *data, size_t len);

/* Whole text: SIO_OK or SIO_ERROR. */

int sio_utf8_valid(const uint8_t *data, size_t len);

/* Number of characters of valid text. */

size_t sio_utf8_length(const uint8_t *data, size_t len);


#pragma GCC visibility pop


#endif /* _SIO_UTF8_H_INCLUDED_ */
