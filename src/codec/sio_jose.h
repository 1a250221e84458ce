/*
 * JOSE: the compact form of signed and encrypted tokens, and the JSON objects
 * in them.  No cryptography: that is the upper floors'.
 *
 * Strict where leniency has been abused: only characters of base64url, without
 * padding and without stray bits; a member's name stands once; what a header
 * declares to be critical, and what changes how the rest is read ("b64",
 * "zip"), is refused.
 *
 * RFC 7515, 7.1.  JWS Compact Serialization; RFC 7516, 7.1.  JWE Compact
 * Serialization; RFC 7519, 4.  JWT Claims
 */


#ifndef _SIO_JOSE_H_INCLUDED_
#define _SIO_JOSE_H_INCLUDED_


#include "codec/sio_json.h"


#define SIO_JOSE_TOKEN_MAX    16384        /* bytes of a token */
#define SIO_JOSE_HEADER_MAX   2048         /* of its header, decoded */
#define SIO_JOSE_MEMBERS_MAX  128          /* of a header, or of the claims */
#define SIO_JOSE_DEPTH_MAX    32
#define SIO_JOSE_KEYS_MAX     1000         /* members on all levels */

#define SIO_JOSE_JWS_PARTS    3            /* header, payload, signature */
#define SIO_JOSE_JWE_PARTS    5            /* header, encrypted key, IV, */
                                           /* ciphertext, tag */


typedef struct {
    unsigned   nparts;
    sio_str_t  part[SIO_JOSE_JWE_PARTS];   /* base64url; may be empty */
    sio_str_t  input;                      /* of a JWS: what was signed */
} sio_jose_t;


/*
 * What of a header is asked for: the text between a string's quotes, to be
 * compared by sio_json_raw_eq().  data is NULL if there is no such member.
 */
typedef struct {
    sio_str_t  alg;
    sio_str_t  enc;
    sio_str_t  kid;
} sio_jose_header_t;


#pragma GCC visibility push(hidden)


/*
 * Take a token apart; the parts are views.  SIO_OK, or SIO_ERROR: it is too
 * long, or neither three nor five parts of base64url.
 */
int sio_jose_split(sio_str_t token, sio_jose_t *jose);

/*
 * Decode one part: dst has sio_base64_decoded_max(part.len) bytes.  SIO_OK, or
 * SIO_ERROR: padding, or bits behind the last byte.
 */
int sio_jose_decode(sio_str_t part, uint8_t *dst, size_t *len);

/*
 * Validate a JSON object in which no name stands twice.  *object is the text
 * without white space around it.  SIO_OK, SIO_ERROR, SIO_NOMEM.
 */
int sio_jose_object(const sio_mem_t *mem, sio_str_t text, sio_str_t *object);

/*
 * Read a header, decoded.  SIO_OK; SIO_ERROR: no such object, no "alg", or
 * one that asks for what is not understood; SIO_NOMEM.
 */
int sio_jose_header(const sio_mem_t *mem, sio_str_t text,
    sio_jose_header_t *header);


#pragma GCC visibility pop


#endif /* _SIO_JOSE_H_INCLUDED_ */
