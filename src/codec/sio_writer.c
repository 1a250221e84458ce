/*
 * Parts into a buffer.
 */


#include "codec/sio_writer.h"


void
sio_writer_put(sio_writer_t *w, const void *data, size_t len)
{
    if (w->rc == SIO_OK) {
        w->rc = sio_buf_append(w->buf, data, len);
    }
}


void
sio_writer_put_str(sio_writer_t *w, sio_str_t s)
{
    sio_writer_put(w, s.data, s.len);
}


void
sio_writer_put_text(sio_writer_t *w, const char *text)
{
    sio_writer_put(w, text, strlen(text));
}


void
sio_writer_put_uint(sio_writer_t *w, uint64_t n)
{
    if (w->rc == SIO_OK) {
        w->rc = sio_buf_append_uint(w->buf, n);
    }
}


int
sio_writer_end(sio_writer_t *w)
{
    if (w->rc != SIO_OK) {
        w->buf->len = w->start;
    }

    return w->rc;
}
