/*
 * What tests of the messages between hosts share: bytes as captured, and
 * lists of names as one text.
 */


#ifndef _SIO_ADAPTER_FIXTURE_H_INCLUDED_
#define _SIO_ADAPTER_FIXTURE_H_INCLUDED_


#include "unit.h"
#include "codec/sio_adapter_request.h"


/* The bytes of a text of hexadecimal digits; their number. */

static inline size_t
bytes(const char *text, uint8_t *dst)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(text + 2 * n, "%2x", &byte) == 1; n++) {
        dst[n] = (uint8_t) byte;
    }

    return n;
}


/* Names joined by commas, good until the next call. */

static inline const char *
names(const sio_str_t *name, unsigned n)
{
    unsigned     i;
    static char  text[4096];

    text[0] = '\0';

    for (i = 0; i < n; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
                 i ? "," : "", (int) name[i].len,
                 (const char *) name[i].data);
    }

    return text;
}


#endif /* _SIO_ADAPTER_FIXTURE_H_INCLUDED_ */
