/*
 * Types and result codes shared by floors 0 (codec) and 1 (logic).
 *
 * These floors know the C library only: no nginx type, no clock, no socket,
 * no global state.  Their symbols are hidden, because nginx opens modules
 * with RTLD_GLOBAL and must not see them: each header wraps its declarations
 * in a visibility pragma.
 */


#ifndef _SIO_TYPES_H_INCLUDED_
#define _SIO_TYPES_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>


/*
 * Result codes.  The values are nginx's own (NGX_OK, NGX_ERROR, ...), so
 * that the upper floors can pass them on.
 */

#define SIO_OK          0
#define SIO_ERROR      -1   /* the input is wrong; the out-field says why */
#define SIO_AGAIN      -2   /* incomplete: more input, or a later answer */
#define SIO_DONE       -4   /* the end of a sequence */
#define SIO_DECLINED   -5   /* not found, or a bound is reached */
#define SIO_NOMEM      -6   /* no memory; nothing was changed */


/* Bytes owned by somebody else; not terminated. */

typedef struct {
    const uint8_t  *data;
    size_t          len;
} sio_str_t;


#define sio_string(s)      { (const uint8_t *) s, sizeof(s) - 1 }
#define sio_null_string    { NULL, 0 }


static inline sio_str_t
sio_str(const void *data, size_t len)
{
    sio_str_t  s;

    s.data = data;
    s.len = len;

    return s;
}


static inline sio_str_t
sio_cstr(const char *s)
{
    return sio_str(s, strlen(s));
}


static inline int
sio_str_eq(sio_str_t a, sio_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


#endif /* _SIO_TYPES_H_INCLUDED_ */
