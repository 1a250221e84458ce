/*
 * What the transports share: the engine of a location, what a request or a
 * WebSocket tells the access log, and headers.
 *
 *     handshake   a request: its checks, its errors, new sessions
 *     gate        how many sessions, and how fast
 *     cors        origins, preflight
 *     polling     GET and POST of a session
 *     websocket   a connection taken over from nginx, until its end
 *     upgrade     a WebSocket that probes beside a polling session
 *     output      what goes out on a WebSocket
 *     deflate     messages compressed and inflated
 *     access      the access line of a WebSocket
 */


#ifndef _NGX_HTTP_SOCKETIO_TRANSPORT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_TRANSPORT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "hub/ngx_http_socketio_admit.h"
#include "transport/ngx_http_socketio_deflate.h"


/* An origin that is allowed beside the same host. */

typedef struct {
    ngx_str_t                  name;      /* https://example.com, or a host */
#if (NGX_PCRE)
    ngx_regex_t               *regex;     /* or NULL */
#endif
} ngx_http_socketio_origin_t;


/* A limit of connections, and what names the client. */

typedef struct {
    ngx_http_socketio_admission_t  admission;
    ngx_http_complex_value_t       key;
} ngx_http_socketio_gate_t;


/* What clients of a location may cost. */

typedef struct {
    ngx_array_t               *gates;     /* of those above, or NULL */
    sio_quota_t                quota;
    ngx_uint_t                 metered;   /* by the quota */
    ngx_int_t                  status;    /* of what a gate refuses */
    ngx_uint_t                 log_level;
    ngx_flag_t                 dry_run;
    ngx_uint_t                 slow_drop; /* socketio_slow_consumer */
} ngx_http_socketio_limits_t;


/* The engine of a location; lives as long as its cycle. */

typedef struct {
    eio_options_t              options;
    ngx_http_socketio_app_t   *app;       /* NULL: nothing is served here */
    ngx_array_t               *origins;   /* of those above, or NULL */
    const ngx_http_socketio_limits_t  *limits;
    ngx_http_socketio_deflate_t       *deflate;   /* NULL: off */
    ngx_str_t                  cookie;    /* its name; empty: none */
    unsigned                   any_origin:1;   /* without credentials */
    unsigned                   null_origin:1;  /* likewise */
    unsigned                   echo:1;
} ngx_http_socketio_engine_t;


/*
 * The facts behind the $socketio_ variables: of one polling request, or of a
 * whole WebSocket.
 */
typedef struct {
    uint64_t                   packets_in;
    uint64_t                   packets_out;
    uint64_t                   bytes_in;
    uint64_t                   bytes_out;
    ngx_str_t                  user;      /* empty: none, or not known here */
    u_char                     sid[EIO_SID_LEN];
    uint8_t                    transport; /* eio_transport_e */
    uint8_t                    reason;    /* eio_reason_e */
    unsigned                   has_sid:1;
    unsigned                   recovered:1;    /* a socket of it was */
    void                      *data;      /* the transport's */
} ngx_http_socketio_access_t;


/*
 * Before any hub runs: hands the transports down to it.  ctx_index: whose
 * place in r->ctx is that of an access_t.
 */
void ngx_http_socketio_transport_init(ngx_uint_t ctx_index);

/* A request header by its name in lower case, or NULL. */

ngx_table_elt_t *ngx_http_socketio_header_find(ngx_http_request_t *r,
    const char *name);

/* RFC 8470, 5.2.  The 425 (Too Early) Status Code */

#define NGX_HTTP_SOCKETIO_TOO_EARLY  425

/* Add a header to the answer.  NGX_OK, NGX_ERROR. */

ngx_int_t ngx_http_socketio_header_add(ngx_http_request_t *r, const char *name,
    ngx_str_t value);

/*
 * Send a whole answer: the body is copied.  Results as those of a content
 * handler; 204 has no body.
 */
ngx_int_t ngx_http_socketio_answer(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, size_t type_len, sio_str_t body);

/*
 * Whether a request came in TLS early data (0-RTT), here or at a proxy in
 * front of us: it may be a replay of another one, so that nothing may be done
 * for it but to answer 425.
 *
 * RFC 8470, 5.  Using Early Data in HTTP Servers
 */
ngx_uint_t ngx_http_socketio_early(ngx_http_request_t *r);

/* The facts of a request, made when first asked for; NULL: no memory. */

ngx_http_socketio_access_t *ngx_http_socketio_access(ngx_http_request_t *r);

/* The user of a session's first socket that has one, or empty: a view. */

sio_str_t ngx_http_socketio_user(ngx_http_socketio_session_t *s);


#endif /* _NGX_HTTP_SOCKETIO_TRANSPORT_H_INCLUDED_ */
