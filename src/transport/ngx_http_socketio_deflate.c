/*
 * zlib's streams, each made when it is first needed and then reset for each
 * message.
 *
 * A compressed message ends with an empty block, whose last four bytes are
 * not sent; they are put back before inflating.
 *
 * RFC 7692, 7.2.1.  Compression;  7.2.2.  Decompression
 */


#include "transport/ngx_http_socketio_deflate.h"
#include "hub/ngx_http_socketio_hub.h"

#include <zlib.h>


#define NGX_HTTP_SOCKETIO_INFLATE_KEEP  65536     /* bytes of the buffer */


typedef struct {
    z_stream   z;
    size_t     threshold;
} ngx_http_socketio_stream_t;


static int ngx_http_socketio_deflate_frame(void *ctx, sio_str_t data,
    sio_buf_t *buf);
static ngx_int_t ngx_http_socketio_inflate_part(sio_str_t data, size_t max,
    sio_buf_t *buf);


static const u_char  ngx_http_socketio_deflate_tail[] =
    { 0x00, 0x00, 0xff, 0xff };


static z_stream    ngx_http_socketio_inflate_stream;
static sio_buf_t   ngx_http_socketio_inflate_buf;
static ngx_uint_t  ngx_http_socketio_inflate_ready;


eio_msg_t *
ngx_http_socketio_deflate(ngx_http_socketio_deflate_t *deflate, eio_msg_t *msg)
{
    ngx_http_socketio_stream_t  *stream;

    if (msg->packing || msg->len < deflate->threshold) {
        return msg;
    }

    stream = deflate->stream;

    if (stream == NULL) {
        stream = sio_calloc(&ngx_http_socketio_mem,
                            sizeof(ngx_http_socketio_stream_t));
        if (stream == NULL) {
            return msg;
        }

        if (deflateInit2(&stream->z, (int) deflate->level, Z_DEFLATED,
                         -(int) deflate->window, MAX_MEM_LEVEL - 1,
                         Z_DEFAULT_STRATEGY)
            != Z_OK)
        {
            sio_free(&ngx_http_socketio_mem, stream);
            return msg;
        }

        stream->threshold = deflate->threshold;
        deflate->stream = stream;
    }

    return eio_msg_packed(msg, &ngx_http_socketio_mem,
                          (uint8_t) deflate->window,
                          ngx_http_socketio_deflate_frame, stream);
}


void
ngx_http_socketio_deflate_free(void *data)
{
    ngx_http_socketio_deflate_t *deflate = data;

    ngx_http_socketio_stream_t  *stream;

    stream = deflate->stream;

    if (stream) {
        (void) deflateEnd(&stream->z);
        sio_free(&ngx_http_socketio_mem, stream);
        deflate->stream = NULL;
    }
}


static int
ngx_http_socketio_deflate_frame(void *ctx, sio_str_t data, sio_buf_t *buf)
{
    ngx_http_socketio_stream_t *stream = ctx;

    int     rc;
    size_t  room;

    if (data.len < stream->threshold || data.len > UINT32_MAX / 2) {
        return SIO_DECLINED;
    }

    /* what gets no shorter is sent as it is */

    room = data.len + sizeof(ngx_http_socketio_deflate_tail);

    rc = sio_buf_reserve(buf, room);
    if (rc != SIO_OK) {
        return SIO_NOMEM;
    }

    (void) deflateReset(&stream->z);

    stream->z.next_in = (u_char *) data.data;
    stream->z.avail_in = (uInt) data.len;
    stream->z.next_out = buf->data + buf->len;
    stream->z.avail_out = (uInt) room;

    if (deflate(&stream->z, Z_SYNC_FLUSH) != Z_OK || stream->z.avail_in
        || stream->z.avail_out == 0)
    {
        return SIO_DECLINED;
    }

    room -= stream->z.avail_out + sizeof(ngx_http_socketio_deflate_tail);

    if (room >= data.len) {
        return SIO_DECLINED;
    }

    buf->len += room;

    return SIO_OK;
}


ngx_int_t
ngx_http_socketio_inflate(sio_str_t data, size_t max, sio_str_t *text,
    ngx_log_t *log)
{
    ngx_int_t  rc;
    sio_buf_t *buf;
    z_stream  *z;

    z = &ngx_http_socketio_inflate_stream;
    buf = &ngx_http_socketio_inflate_buf;

    if (!ngx_http_socketio_inflate_ready) {

        if (inflateInit2(z, -WS_DEFLATE_WINDOW_MAX) != Z_OK) {
            ngx_log_error(NGX_LOG_ERR, log, 0, "inflateInit2() failed");
            return NGX_ERROR;
        }

        sio_buf_init(buf, &ngx_http_socketio_mem, SIZE_MAX);
        ngx_http_socketio_inflate_ready = 1;
    }

    (void) inflateReset(z);
    sio_buf_reset(buf);

    rc = ngx_http_socketio_inflate_part(data, max, buf);

    if (rc == NGX_OK) {
        rc = ngx_http_socketio_inflate_part(
                 sio_str(ngx_http_socketio_deflate_tail,
                         sizeof(ngx_http_socketio_deflate_tail)),
                 max, buf);
    }

    *text = sio_buf_str(buf);

    return rc;
}


/* The output grows with what comes out, never with what is promised. */

static ngx_int_t
ngx_http_socketio_inflate_part(sio_str_t data, size_t max, sio_buf_t *buf)
{
    int        rc;
    size_t     room;
    z_stream  *z;

    z = &ngx_http_socketio_inflate_stream;

    z->next_in = (u_char *) data.data;
    z->avail_in = (uInt) data.len;

    for ( ;; ) {

        /* one byte above the bound tells that there is more */

        room = max + 1 - buf->len;

        if (room > 16384) {
            room = 16384;
        }

        if (sio_buf_reserve(buf, room) != SIO_OK) {
            return NGX_ERROR;
        }

        z->next_out = buf->data + buf->len;
        z->avail_out = (uInt) room;

        rc = inflate(z, Z_SYNC_FLUSH);

        buf->len += room - z->avail_out;

        if (buf->len > max) {
            return NGX_DECLINED;
        }

        if (rc == Z_BUF_ERROR && z->avail_in == 0) {
            return NGX_OK;
        }

        if (rc == Z_STREAM_END) {

            /* RFC 7692, 7.2.3.4: the last block has another one behind it */

            rc = inflateReset(z);
        }

        if (rc != Z_OK) {

            /* no message ends inside of a block */

            return NGX_ERROR;
        }

        if (z->avail_in == 0 && z->avail_out) {
            return NGX_OK;
        }
    }
}


void
ngx_http_socketio_inflate_done(void)
{
    if (ngx_http_socketio_inflate_buf.cap > NGX_HTTP_SOCKETIO_INFLATE_KEEP) {
        sio_buf_free(&ngx_http_socketio_inflate_buf);
    }
}
