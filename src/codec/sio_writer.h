/*
 * What is written into a buffer part by part.
 *
 * The first part that fails is remembered, and nothing is put behind it, so
 * that only the end has to be asked: sio_writer_end().
 */


#ifndef _SIO_WRITER_H_INCLUDED_
#define _SIO_WRITER_H_INCLUDED_


#include "codec/sio_buf.h"


typedef struct {
    sio_buf_t  *buf;
    size_t      start;   /* buf->len before all parts */
    int         rc;
} sio_writer_t;


#pragma GCC visibility push(hidden)


static inline void
sio_writer_begin(sio_writer_t *w, sio_buf_t *buf)
{
    w->buf = buf;
    w->start = buf->len;
    w->rc = SIO_OK;
}


/* The result of a function that has put its part into w->buf by itself. */

static inline void
sio_writer_check(sio_writer_t *w, int rc)
{
    if (w->rc == SIO_OK) {
        w->rc = rc;
    }
}


void sio_writer_put(sio_writer_t *w, const void *data, size_t len);
void sio_writer_put_str(sio_writer_t *w, sio_str_t s);
void sio_writer_put_text(sio_writer_t *w, const char *text);
void sio_writer_put_uint(sio_writer_t *w, uint64_t n);

/*
 * SIO_OK, or what the first part that failed gave, with buf as long as it was
 * before sio_writer_begin().
 */
int sio_writer_end(sio_writer_t *w);


#pragma GCC visibility pop


#endif /* _SIO_WRITER_H_INCLUDED_ */
