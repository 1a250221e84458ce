/*
 * permessage-deflate: messages compressed and inflated.
 *
 * zlib's state is the worker's, one for each way to compress and one to
 * inflate: a connection has none, as no context is kept between messages.
 *
 * RFC 7692, 7.2.  Message Payload Transformation
 */


#ifndef _NGX_HTTP_SOCKETIO_DEFLATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_DEFLATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "codec/ws_deflate.h"
#include "logic/eio_msg.h"


/* How a location compresses; lives as long as its cycle. */

typedef struct {
    ngx_flag_t   enable;
    size_t       threshold;      /* bytes of a frame, at least */
    ngx_uint_t   level;          /* of zlib: 1 to 9 */
    ngx_uint_t   window;         /* bits: 9 to 15 */
    void        *stream;         /* the worker's, once it was needed */
} ngx_http_socketio_deflate_t;


/*
 * The message to send instead of msg: compressed once, and shared by all who
 * are sent it; or msg, if that is not worth it.
 */
eio_msg_t *ngx_http_socketio_deflate(ngx_http_socketio_deflate_t *deflate,
    eio_msg_t *msg);

/* A pool's cleanup: gives back what zlib was given. */

void ngx_http_socketio_deflate_free(void *deflate);

/*
 * Inflate a message, to max bytes at most.  *text is a view of the worker's
 * buffer, good until ngx_http_socketio_inflate_done().
 *
 * NGX_OK, NGX_DECLINED (more than max: it was not inflated further), NGX_ERROR
 * (no deflated data, or no memory)
 */
ngx_int_t ngx_http_socketio_inflate(sio_str_t data, size_t max,
    sio_str_t *text, ngx_log_t *log);

void ngx_http_socketio_inflate_done(void);


#endif /* _NGX_HTTP_SOCKETIO_DEFLATE_H_INCLUDED_ */
