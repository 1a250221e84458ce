/*
 * The access line of a WebSocket, written at its end.
 *
 * The request is gone by then.  If the location has an access log, and only
 * then, what the line is made of is kept: the request line, Host, Referer,
 * User-Agent, and the facts of the $socketio_ variables.  The duration, the
 * bytes sent, the address and what is the connection's are right by
 * themselves; other request headers are empty.
 */


#ifndef _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


typedef enum {
    NGX_HTTP_SOCKETIO_LINE_REQUEST = 0,
    NGX_HTTP_SOCKETIO_LINE_URI,
    NGX_HTTP_SOCKETIO_LINE_UNPARSED,
    NGX_HTTP_SOCKETIO_LINE_ARGS,
    NGX_HTTP_SOCKETIO_LINE_SERVER,           /* $host */
    NGX_HTTP_SOCKETIO_LINE_HOST,
    NGX_HTTP_SOCKETIO_LINE_REFERER,
    NGX_HTTP_SOCKETIO_LINE_AGENT,
    NGX_HTTP_SOCKETIO_LINE_N
} ngx_http_socketio_line_e;


typedef struct {
    ngx_http_socketio_access_t         access;
    ngx_http_connection_t             *hc;
    void                             **srv_conf;
    void                             **loc_conf;
    time_t                             start_sec;
    ngx_msec_t                         start_msec;
    off_t                              request_length;
    ngx_str_t                          kept[NGX_HTTP_SOCKETIO_LINE_N];
} ngx_http_socketio_line_t;


/*
 * Keep what a line needs of the request.  NULL: there is no access log, or no
 * memory.
 */
ngx_http_socketio_line_t *ngx_http_socketio_line_create(
    ngx_http_request_t *r);

/* Count; line may be NULL. */

static ngx_inline void
ngx_http_socketio_line_in(ngx_http_socketio_line_t *line, uint64_t packets,
    uint64_t bytes)
{
    if (line) {
        line->access.packets_in += packets;
        line->access.bytes_in += bytes;
    }
}


static ngx_inline void
ngx_http_socketio_line_out(ngx_http_socketio_line_t *line, uint64_t packets,
    uint64_t bytes)
{
    if (line) {
        line->access.packets_out += packets;
        line->access.bytes_out += bytes;
    }
}


/* Note the user, once it is known.  line may be NULL. */

void ngx_http_socketio_line_user(ngx_http_socketio_line_t *line,
    ngx_http_socketio_session_t *s);

/* Write the line of a connection, and free it.  line may be NULL. */

void ngx_http_socketio_line_write(ngx_http_socketio_line_t *line,
    ngx_connection_t *c);


#endif /* _NGX_HTTP_SOCKETIO_ACCESS_H_INCLUDED_ */
