/*
 * Requests without a client.
 *
 * The connection is a real one of nginx's, with the descriptor of /dev/null
 * and marked as shared, so that nginx, wherever it ends the request, neither
 * asks the event queue for it nor closes the descriptor.  The reading side is
 * at its end, so that no keepalive and no lingering close come about.
 */


#include "backend/ngx_http_socketio_subrequest.h"


/* Connections that are left to clients and upstreams. */

#define NGX_HTTP_SOCKETIO_SUBREQUEST_SPARE  4

#define NGX_HTTP_SOCKETIO_SUBREQUEST_POOL   1024     /* of the connection */


/* What a request finds by its connection. */

typedef struct {
    ngx_http_connection_t            hc;     /* first */
    ngx_http_socketio_subrequest_t  *sub;    /* NULL: given up */
} ngx_http_socketio_subrequest_hc_t;


static ngx_connection_t *ngx_http_socketio_subrequest_connection(
    ngx_http_conf_ctx_t *ctx);
static ngx_int_t ngx_http_socketio_subrequest_prepare(ngx_connection_t *c,
    ngx_http_conf_ctx_t *ctx);
static ngx_int_t ngx_http_socketio_subrequest_fill(ngx_http_request_t *r,
    ngx_http_socketio_subrequest_t *sub);
static ngx_int_t ngx_http_socketio_subrequest_header(ngx_http_request_t *r,
    ngx_str_t name, ngx_str_t value, ngx_table_elt_t **header);
static ngx_int_t ngx_http_socketio_subrequest_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_socketio_subrequest_start(ngx_http_request_t *r,
    ngx_http_socketio_subrequest_t *sub);
static ngx_int_t ngx_http_socketio_subrequest_post(ngx_http_request_t *r,
    void *data, ngx_int_t rc);
static void ngx_http_socketio_subrequest_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_socketio_subrequest_cut(ngx_http_request_t *sr);
static void ngx_http_socketio_subrequest_wake(ngx_http_request_t *r);
static void ngx_http_socketio_subrequest_cleanup(void *data);
static void ngx_http_socketio_subrequest_detach(
    ngx_http_socketio_subrequest_t *sub);


static ngx_str_t  ngx_http_socketio_subrequest_post_method =
    ngx_string("POST");
static ngx_str_t  ngx_http_socketio_subrequest_get_method = ngx_string("GET");


/* Where from: nobody. */

static struct sockaddr_in  ngx_http_socketio_subrequest_sockaddr;

static ngx_fd_t  ngx_http_socketio_subrequest_fd = NGX_INVALID_FILE;


/* Idle ones that wait for a next request are closed by nginx if need be. */

ngx_uint_t
ngx_http_socketio_subrequest_room(void)
{
    return ngx_cycle->free_connection_n + ngx_cycle->reusable_connections_n
           >= NGX_HTTP_SOCKETIO_SUBREQUEST_SPARE;
}


ngx_int_t
ngx_http_socketio_subrequest_begin(ngx_http_socketio_subrequest_t *sub)
{
    ngx_connection_t    *c;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;

    c = ngx_http_socketio_subrequest_connection(sub->ctx);
    if (c == NULL) {
        return NGX_ERROR;
    }

    r = ngx_http_create_request(c);

    if (r == NULL) {
        ngx_http_close_connection(c);
        return NGX_ERROR;
    }

    c->data = r;

    r->logged = 1;
    r->write_event_handler = ngx_http_socketio_subrequest_wake;

    cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL
        || ngx_http_socketio_subrequest_fill(r, sub) != NGX_OK
        || ngx_http_socketio_subrequest_start(r, sub) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
        ngx_http_run_posted_requests(c);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_socketio_subrequest_cleanup;
    cln->data = r;

    ((ngx_http_socketio_subrequest_hc_t *) r->http_connection)->sub = sub;

    sub->request = r;
    sub->status = 0;
    sub->own = 0;
    sub->answer = NULL;
    sub->len = 0;

    ngx_http_run_posted_requests(c);

    return NGX_OK;
}


static ngx_connection_t *
ngx_http_socketio_subrequest_connection(ngx_http_conf_ctx_t *ctx)
{
    ngx_connection_t  *c;

    if (ngx_http_socketio_subrequest_fd == NGX_INVALID_FILE) {
        ngx_http_socketio_subrequest_fd = open("/dev/null",
                                               O_RDWR|O_CLOEXEC);

        if (ngx_http_socketio_subrequest_fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                          "open() \"/dev/null\" failed");
            return NULL;
        }
    }

    c = ngx_get_connection(ngx_http_socketio_subrequest_fd, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    c->shared = 1;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    c->pool = ngx_create_pool(NGX_HTTP_SOCKETIO_SUBREQUEST_POOL, c->log);

    if (c->pool == NULL) {
#if (NGX_STAT_STUB)
        (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif
        ngx_close_connection(c);
        return NULL;
    }

    if (ngx_http_socketio_subrequest_prepare(c, ctx) != NGX_OK) {
        ngx_http_close_connection(c);
        return NULL;
    }

    return c;
}


/* What nginx takes for granted of a client's connection. */

static ngx_int_t
ngx_http_socketio_subrequest_prepare(ngx_connection_t *c,
    ngx_http_conf_ctx_t *ctx)
{
    ngx_log_t                          *log;
    ngx_buf_t                          *b;
    ngx_http_log_ctx_t                 *log_ctx;
    ngx_http_socketio_subrequest_hc_t  *hc;

    static ngx_listening_t  ls;

    log = ngx_palloc(c->pool, sizeof(ngx_log_t));
    log_ctx = ngx_pcalloc(c->pool, sizeof(ngx_http_log_ctx_t));
    hc = ngx_pcalloc(c->pool, sizeof(ngx_http_socketio_subrequest_hc_t));
    b = ngx_calloc_buf(c->pool);

    if (log == NULL || log_ctx == NULL || hc == NULL || b == NULL) {
        return NGX_ERROR;
    }

    *log = *ngx_cycle->log;

    log_ctx->connection = c;

    log->connection = c->number;
    log->handler = NULL;
    log->data = log_ctx;
    log->action = "calling a location for socketio";

    ngx_http_socketio_subrequest_sockaddr.sin_family = AF_INET;
    ngx_http_socketio_subrequest_sockaddr.sin_addr.s_addr =
                                                      htonl(INADDR_LOOPBACK);
    ls.sockaddr = (struct sockaddr *) &ngx_http_socketio_subrequest_sockaddr;
    ls.socklen = sizeof(struct sockaddr_in);

    c->log = log;
    c->pool->log = log;
    c->read->log = log;
    c->write->log = log;
    c->log_error = NGX_ERROR_INFO;

    c->sockaddr = ls.sockaddr;
    c->socklen = ls.socklen;
    c->local_sockaddr = ls.sockaddr;
    c->local_socklen = ls.socklen;
    ngx_str_set(&c->addr_text, "127.0.0.1");
    c->listening = &ls;
    c->buffer = b;

    c->read->handler = ngx_http_socketio_subrequest_handler;
    c->write->handler = ngx_http_socketio_subrequest_handler;
    c->read->active = 1;
    c->write->active = 1;
    c->write->ready = 1;

    hc->hc.conf_ctx = ctx;
    c->data = hc;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_subrequest_fill(ngx_http_request_t *r,
    ngx_http_socketio_subrequest_t *sub)
{
    ngx_str_t                  host;
    ngx_uint_t                 i;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");

    r->method = sub->body.len ? NGX_HTTP_POST : NGX_HTTP_GET;
    r->method_name = sub->body.len
                     ? ngx_http_socketio_subrequest_post_method
                     : ngx_http_socketio_subrequest_get_method;
    r->uri = sub->uri;
    r->unparsed_uri = sub->uri;
    r->request_line = sub->uri;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 8,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    host = cscf->server_name;

    if (host.len == 0 || host.data[0] == '_') {
        ngx_str_set(&host, "localhost");
    }

    r->headers_in.server = host;

    if (ngx_http_socketio_subrequest_header(r, (ngx_str_t) ngx_string("Host"),
                                            host, &r->headers_in.host)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < sub->nheaders; i++) {

        if (sub->headers[i].value.len
            && ngx_http_socketio_subrequest_header(r, sub->headers[i].name,
                                              sub->headers[i].value, NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return sub->body.len ? ngx_http_socketio_subrequest_body(r, &sub->body)
                         : NGX_OK;
}


/* nginx has looked into none of these: names in lower case, and hashes. */

static ngx_int_t
ngx_http_socketio_subrequest_header(ngx_http_request_t *r, ngx_str_t name,
    ngx_str_t value, ngx_table_elt_t **header)
{
    ngx_table_elt_t            *h;
    ngx_http_header_t          *hh;
    ngx_http_core_main_conf_t  *cmcf;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->key = name;
    h->value = value;
    h->lowcase_key = ngx_pnalloc(r->pool, name.len);
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    if (h->lowcase_key == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, name.data, name.len);

    if (header) {
        *header = h;
        return NGX_OK;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    hh = ngx_hash_find(&cmcf->headers_in_hash, h->hash, h->lowcase_key,
                       name.len);

    return hh ? hh->handler(r, h, hh->offset) : NGX_OK;
}


static ngx_int_t
ngx_http_socketio_subrequest_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    b = ngx_calloc_buf(r->pool);

    if (rb == NULL || b == NULL) {
        return NGX_ERROR;
    }

    rb->bufs = ngx_alloc_chain_link(r->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->bufs->buf = b;
    rb->bufs->next = NULL;
    rb->buf = b;

    r->request_body = rb;
    r->headers_in.content_length_n = body->len;

    return ngx_http_socketio_subrequest_header(r,
                                 (ngx_str_t) ngx_string("Content-Type"),
                                 (ngx_str_t) ngx_string("application/json"),
                                 &r->headers_in.content_type);
}


static ngx_int_t
ngx_http_socketio_subrequest_start(ngx_http_request_t *r,
    ngx_http_socketio_subrequest_t *sub)
{
    u_char                      *p;
    ngx_str_t                    uri, args;
    ngx_http_request_t          *sr;
    ngx_http_post_subrequest_t  *ps;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    ps->handler = ngx_http_socketio_subrequest_post;
    ps->data = sub;

    uri = sub->uri;
    ngx_str_null(&args);

    p = ngx_strlchr(uri.data, uri.data + uri.len, '?');

    if (p) {
        args.data = p + 1;
        args.len = uri.data + uri.len - args.data;
        uri.len = p - uri.data;
    }

    if (ngx_http_subrequest(r, &uri, &args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->method = r->method;
    sr->method_name = r->method_name;

    sub->sub = sr;

    return NGX_OK;
}


/* It may come twice, with an error and with its page: wake() looks. */

static ngx_int_t
ngx_http_socketio_subrequest_post(ngx_http_request_t *r, void *data,
    ngx_int_t rc)
{
    return rc;
}


/* Nothing is read or written; what comes here is the end of a worker. */

static void
ngx_http_socketio_subrequest_handler(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = ev->data;
    r = c->data;

    if (c->close) {
        ngx_http_finalize_request(r->main, NGX_ERROR);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_http_socketio_subrequest_t *
ngx_http_socketio_subrequest_of(ngx_http_request_t *r)
{
    return ((ngx_http_socketio_subrequest_hc_t *) r->http_connection)->sub;
}


/*
 * Whether the upstream ended before its answer did.  nginx does not tell: the
 * header was there already.
 */
static ngx_uint_t
ngx_http_socketio_subrequest_cut(ngx_http_request_t *sr)
{
    ngx_http_upstream_t  *u;

    u = sr->upstream;

    if (u == NULL) {
        return 0;
    }

    if (u->buffering) {
        return u->pipe && u->pipe->length > 0 && !u->pipe->upstream_done;
    }

    return u->length > 0;
}


/*
 * Whether nginx could not even connect, for want of connections, descriptors
 * or memory: then the status is its own, and not 502 or 504.
 */
static ngx_uint_t
ngx_http_socketio_subrequest_own(ngx_http_request_t *sr)
{
    return sr->headers_out.status == NGX_HTTP_INTERNAL_SERVER_ERROR
           && sr->upstream && sr->upstream->state
           && sr->upstream->state->header_time == (ngx_msec_t) -1;
}


/* The subrequest is over, and this is the main one's turn. */

static void
ngx_http_socketio_subrequest_wake(ngx_http_request_t *r)
{
    ngx_buf_t                       *b;
    ngx_http_request_t              *sr;
    ngx_http_socketio_subrequest_t  *sub;

    sub = ngx_http_socketio_subrequest_of(r);

    if (sub == NULL || !sub->sub->done) {
        return;
    }

    sr = sub->sub;

    sub->status = ngx_http_socketio_subrequest_cut(sr)
                  ? 0 : sr->headers_out.status;
    sub->own = ngx_http_socketio_subrequest_own(sr);

    b = sr->out ? sr->out->buf : NULL;

    if (b && b->last > b->pos) {
        sub->answer = ngx_alloc(b->last - b->pos, r->connection->log);

        if (sub->answer == NULL) {
            sub->status = 0;

        } else {
            sub->len = b->last - b->pos;
            ngx_memcpy(sub->answer, b->pos, sub->len);
        }
    }

    ngx_http_socketio_subrequest_detach(sub);
    sub->done(sub);

    r->connection->read->eof = 1;

    ngx_http_finalize_request(r, NGX_DONE);
}


/* However the request ends. */

static void
ngx_http_socketio_subrequest_cleanup(void *data)
{
    ngx_http_socketio_subrequest_t  *sub;

    sub = ngx_http_socketio_subrequest_of(data);

    if (sub) {
        ngx_http_socketio_subrequest_detach(sub);
        sub->done(sub);
    }
}


static void
ngx_http_socketio_subrequest_detach(ngx_http_socketio_subrequest_t *sub)
{
    ngx_http_connection_t  *hc;

    hc = sub->request->http_connection;

    ((ngx_http_socketio_subrequest_hc_t *) hc)->sub = NULL;

    sub->request = NULL;
    sub->sub = NULL;
}


void
ngx_http_socketio_subrequest_cancel(ngx_http_socketio_subrequest_t *sub)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = sub->request;

    if (r == NULL) {
        return;
    }

    c = r->connection;

    ngx_http_socketio_subrequest_detach(sub);

    ngx_http_finalize_request(r, NGX_ERROR);
    ngx_http_run_posted_requests(c);
}
