/*
 * A file of API keys: one a line, and behind it what it may be used for.
 *
 *     KEY [name=NAME] [namespace=GLOB,...] [event=GLOB,...] [call=NAME,...]
 *         [signed]
 *
 * Empty lines, and lines that begin with "#", are skipped; white space around
 * the parts of a line is not part of them.  In a glob "*" is any text.
 */


#ifndef _SIO_KEY_H_INCLUDED_
#define _SIO_KEY_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_KEY_MIN        16    /* characters; less is worth a warning */
#define SIO_KEY_MAX        256
#define SIO_KEY_NAME_MAX   64


/* Views into the text; empty: not given. */

typedef struct {
    sio_str_t      secret;
    sio_str_t      name;
    sio_str_t      namespaces;
    sio_str_t      events;
    sio_str_t      calls;
    unsigned       signed_:1;    /* requests carry a signature by it */
} sio_key_t;


typedef struct {
    sio_str_t      text;         /* what is left of it */
    unsigned       line;         /* of the last key, or of what is wrong */
    const char    *error;        /* static text; never a part of the file */
} sio_key_reader_t;


#define SIO_SIGNATURES     4
#define SIO_SIGNATURE_LEN  32


/* X-Socketio-Signature: HMACs with SHA-256, by a key each. */

typedef struct {
    sio_str_t      time;         /* as it is written, and is signed */
    uint64_t       seconds;      /* of it, without a fraction */
    unsigned       n;
    uint8_t        mac[SIO_SIGNATURES][SIO_SIGNATURE_LEN];
} sio_signature_t;


#pragma GCC visibility push(hidden)


void sio_key_reader_init(sio_key_reader_t *reader, sio_str_t text);

/* The next key.  SIO_OK, SIO_DONE: there is no more, SIO_ERROR. */

int sio_key_read(sio_key_reader_t *reader, sio_key_t *key);

/* Whether a list of globs names something; an empty list names all. */

int sio_key_allows(sio_str_t list, sio_str_t name);

/* The next item of a list, taken off it.  SIO_OK, SIO_DONE. */

int sio_key_item(sio_str_t *list, sio_str_t *item);

/*
 * t=TIME,v1=HEX[,v1=HEX...], with as many as there may be above.  SIO_OK,
 * SIO_ERROR: it is something else.
 */
int sio_signature_parse(sio_str_t text, sio_signature_t *signature);


#pragma GCC visibility pop


#endif /* _SIO_KEY_H_INCLUDED_ */
