/*
 * A growable byte buffer with an upper bound.
 *
 * The buffer owns its memory.  Views taken of data are valid until the next
 * call that appends.  A failed append leaves the buffer as it was.
 */


#ifndef _SIO_BUF_H_INCLUDED_
#define _SIO_BUF_H_INCLUDED_


#include "codec/sio_types.h"
#include "codec/sio_mem.h"


typedef struct {
    uint8_t          *data;
    size_t            len;
    size_t            cap;
    size_t            max;     /* bound of len, bytes */
    const sio_mem_t  *mem;
} sio_buf_t;


#pragma GCC visibility push(hidden)


/* Nothing is allocated until the first append. */

void sio_buf_init(sio_buf_t *b, const sio_mem_t *mem, size_t max);

/* Gives the memory back; the buffer may be used again. */

void sio_buf_free(sio_buf_t *b);

/* Forgets the content, keeps the memory. */

static inline void
sio_buf_reset(sio_buf_t *b)
{
    b->len = 0;
}


/*
 * Make room for len more bytes at data + len.
 *
 * SIO_OK, SIO_DECLINED (max would be exceeded), SIO_NOMEM.  So do the
 * functions below.
 */
int sio_buf_reserve(sio_buf_t *b, size_t len);

int sio_buf_append(sio_buf_t *b, const void *data, size_t len);
int sio_buf_append_str(sio_buf_t *b, sio_str_t s);
int sio_buf_append_char(sio_buf_t *b, uint8_t ch);
int sio_buf_append_uint(sio_buf_t *b, uint64_t n);


static inline sio_str_t
sio_buf_str(const sio_buf_t *b)
{
    return sio_str(b->data, b->len);
}


#pragma GCC visibility pop


#endif /* _SIO_BUF_H_INCLUDED_ */
