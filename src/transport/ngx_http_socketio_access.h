/*
 * The access line of a WebSocket, written at its end.
 *
 * The request is gone by then.  If the location has an access log, and only
 * then, what the line is made of is kept: the request line, Host, Referer,
 * User-Agent, and the facts of the $socketio_ variables.  The duration, the
 * bytes sent, the address and what is the connection's are right by
 * themselves; other request headers are empty.
 *
 * Every idle connection pays for it, hence one block, and one text in which
 * nothing stands twice: the URI and the arguments are usually parts of the
 * request line, $host one of the header.
 */


#ifndef _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


typedef enum {
    NGX_HTTP_SOCKETIO_LINE_REQUEST = 0,
    NGX_HTTP_SOCKETIO_LINE_UNPARSED,
    NGX_HTTP_SOCKETIO_LINE_URI,
    NGX_HTTP_SOCKETIO_LINE_ARGS,
    NGX_HTTP_SOCKETIO_LINE_HOST,
    NGX_HTTP_SOCKETIO_LINE_SERVER,           /* $host */
    NGX_HTTP_SOCKETIO_LINE_REFERER,
    NGX_HTTP_SOCKETIO_LINE_AGENT,
    NGX_HTTP_SOCKETIO_LINE_USER,
    NGX_HTTP_SOCKETIO_LINE_N
} ngx_http_socketio_line_e;


/* Where a string is in the text. */

typedef struct {
    uint16_t                           start;
    uint16_t                           len;
} ngx_http_socketio_slice_t;


typedef struct {
    ngx_http_addr_conf_t              *addr_conf;
    ngx_http_conf_ctx_t               *conf_ctx;
    void                             **srv_conf;
    void                             **loc_conf;
    uint64_t                           start;    /* of the request, msec */
    uint64_t                           packets_in;
    uint64_t                           packets_out;
    uint64_t                           bytes_in;
    uint32_t                           request_length;
    uint32_t                           header_size;    /* of the 101 */
    uint16_t                           len;            /* of the text */
    uint8_t                            reason;         /* eio_reason_e */
    uint8_t                            recovered;
    u_char                             sid[EIO_SID_LEN];
    ngx_http_socketio_slice_t          kept[NGX_HTTP_SOCKETIO_LINE_N];
    u_char                             text[];
} ngx_http_socketio_line_t;


/*
 * Keep what a line needs of the request, whose answer was sent.  NULL: there
 * is no access log, or no memory.
 */
ngx_http_socketio_line_t *ngx_http_socketio_line_create(
    ngx_http_request_t *r);

/*
 * Count; line may be NULL.  The bytes that go out are counted by the
 * connection.
 */
static ngx_inline void
ngx_http_socketio_line_in(ngx_http_socketio_line_t *line, uint64_t packets,
    uint64_t bytes)
{
    if (line) {
        line->packets_in += packets;
        line->bytes_in += bytes;
    }
}


static ngx_inline void
ngx_http_socketio_line_out(ngx_http_socketio_line_t *line, uint64_t packets)
{
    if (line) {
        line->packets_out += packets;
    }
}


/*
 * Note the user, once it is known, and whether a socket was recovered: *line
 * may move.
 */

void ngx_http_socketio_line_user(ngx_http_socketio_line_t **line,
    ngx_http_socketio_session_t *s);

/*
 * Write the line of a connection, and free it.  line may be NULL; a connection
 * without a pool has one meanwhile.
 */

void ngx_http_socketio_line_write(ngx_http_socketio_line_t *line,
    ngx_connection_t *c);


#endif /* _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_ */
