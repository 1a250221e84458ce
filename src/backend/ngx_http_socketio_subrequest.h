/*
 * A request to a location of this server that no client made.
 *
 * A session has no HTTP request: it was freed at the 101.  So a main request
 * is made on a connection of its own that no socket belongs to, and an
 * in-memory subrequest of it goes to the location, where all of nginx is at
 * hand: proxy_pass, fastcgi_pass, upstreams with keepalive, TLS, limits.
 *
 * What stands in a location's access phase (allow, auth_basic) is not asked,
 * as for any subrequest; "internal" lets it pass.  The answer is bounded by
 * the location's subrequest_output_buffer_size.
 */


#ifndef _NGX_HTTP_SOCKETIO_SUBREQUEST_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SUBREQUEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "hub/ngx_http_socketio_hub.h"


typedef struct ngx_http_socketio_subrequest_s  ngx_http_socketio_subrequest_t;

typedef void (*ngx_http_socketio_subrequest_pt)(
    ngx_http_socketio_subrequest_t *sub);


typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        value;
} ngx_http_socketio_header_t;


struct ngx_http_socketio_subrequest_s {
    /* what is asked: all of it outlives the request */
    ngx_http_conf_ctx_t             *ctx;        /* of the server */
    ngx_str_t                        uri;        /* and arguments */
    ngx_str_t                        body;       /* empty: GET, else POST */
    const ngx_http_socketio_header_t  *headers;
    ngx_uint_t                       nheaders;
    ngx_http_socketio_subrequest_pt  done;

    /* what came */
    ngx_uint_t                       status;     /* 0: it failed */
    u_char                          *answer;     /* malloc()ed, or NULL */
    size_t                           len;
    unsigned                         own:1;      /* by nginx' own fault */

    ngx_http_request_t              *request;    /* NULL: it is over */
    ngx_http_request_t              *sub;
};


/* Whether connections are free for one. */

ngx_uint_t ngx_http_socketio_subrequest_room(void);

/*
 * Begin.  done is called once if this returns NGX_OK, maybe before it does,
 * from deep inside of nginx: it must not but note that.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_subrequest_begin(
    ngx_http_socketio_subrequest_t *sub);

/* Give it up.  done is not called. */

void ngx_http_socketio_subrequest_cancel(ngx_http_socketio_subrequest_t *sub);


#endif /* _NGX_HTTP_SOCKETIO_SUBREQUEST_H_INCLUDED_ */
