/*
 * The access line of a WebSocket.
 *
 * At the end a request is made for a moment, filled with what was kept, and
 * freed again, which runs the log phase.  All formats and conditions of
 * access_log work so.
 */


#include "transport/ngx_http_socketio_access.h"


/* Bytes kept of a string; all of them together are counted in 16 bits. */

#define NGX_HTTP_SOCKETIO_LINE_MAX    2048

/* Of a connection that has none: what its variables take. */

#define NGX_HTTP_SOCKETIO_LINE_POOL   256


extern ngx_module_t  ngx_http_log_module;


static void ngx_http_socketio_line_log(ngx_http_socketio_line_t *line,
    ngx_connection_t *c);
static void ngx_http_socketio_line_values(ngx_http_request_t *r,
    ngx_str_t *value);
static size_t ngx_http_socketio_line_arrange(const ngx_str_t *value,
    ngx_http_socketio_slice_t *kept);
static void ngx_http_socketio_line_fill(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r);
static void ngx_http_socketio_line_facts(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r);
static ngx_str_t ngx_http_socketio_line_string(ngx_http_socketio_line_t *line,
    ngx_uint_t i);
static ngx_table_elt_t *ngx_http_socketio_line_header(ngx_http_request_t *r,
    const char *name, ngx_str_t value);


ngx_http_socketio_line_t *
ngx_http_socketio_line_create(ngx_http_request_t *r)
{
    size_t                        len;
    ngx_uint_t                    i;
    ngx_str_t                     value[NGX_HTTP_SOCKETIO_LINE_N];
    ngx_array_t                 **logs;
    ngx_http_socketio_line_t     *line;
    ngx_http_socketio_slice_t     kept[NGX_HTTP_SOCKETIO_LINE_N];
    ngx_http_socketio_access_t   *access;

    /*
     * The logs are the first thing in the configuration of nginx's module,
     * which is private; without any, the location has "access_log off".
     */

    logs = ngx_http_get_module_loc_conf(r, ngx_http_log_module);

    if (logs == NULL || *logs == NULL) {
        return NULL;
    }

    ngx_http_socketio_line_values(r, value);

    len = ngx_http_socketio_line_arrange(value, kept);

    line = sio_alloc(&ngx_http_socketio_mem,
                     offsetof(ngx_http_socketio_line_t, text) + len);
    if (line == NULL) {
        return NULL;
    }

    ngx_memzero(line, offsetof(ngx_http_socketio_line_t, text));

    /* a part of a string is copied to where it is already */

    for (i = 0; i < NGX_HTTP_SOCKETIO_LINE_N; i++) {
        if (kept[i].len) {
            ngx_memcpy(line->text + kept[i].start, value[i].data, kept[i].len);
        }
    }

    ngx_memcpy(line->kept, kept, sizeof(kept));
    line->len = (uint16_t) len;

    access = ngx_http_socketio_access(r);
    if (access) {
        ngx_memcpy(line->sid, access->sid, EIO_SID_LEN);
    }

    line->addr_conf = r->http_connection->addr_conf;
    line->conf_ctx = r->http_connection->conf_ctx;
    line->srv_conf = r->srv_conf;
    line->loc_conf = r->loc_conf;
    line->start = (uint64_t) r->start_sec * 1000 + r->start_msec;
    line->request_length = (uint32_t) r->request_length;
    line->header_size = (uint32_t) r->connection->sent;

    return line;
}


static void
ngx_http_socketio_line_values(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_memzero(value, NGX_HTTP_SOCKETIO_LINE_N * sizeof(ngx_str_t));

    value[NGX_HTTP_SOCKETIO_LINE_REQUEST] = r->request_line;
    value[NGX_HTTP_SOCKETIO_LINE_UNPARSED] = r->unparsed_uri;
    value[NGX_HTTP_SOCKETIO_LINE_URI] = r->uri;
    value[NGX_HTTP_SOCKETIO_LINE_ARGS] = r->args;
    value[NGX_HTTP_SOCKETIO_LINE_SERVER] = r->headers_in.server;

    if (r->headers_in.host) {
        value[NGX_HTTP_SOCKETIO_LINE_HOST] = r->headers_in.host->value;
    }

    if (r->headers_in.referer) {
        value[NGX_HTTP_SOCKETIO_LINE_REFERER] =
                                            r->headers_in.referer->value;
    }

    if (r->headers_in.user_agent) {
        value[NGX_HTTP_SOCKETIO_LINE_AGENT] = r->headers_in.user_agent->value;
    }
}


/*
 * Where each string goes: nginx's are views of what it read, so one that
 * begins inside of another is that one's part.  The length of all.
 */
static size_t
ngx_http_socketio_line_arrange(const ngx_str_t *value,
    ngx_http_socketio_slice_t *kept)
{
    size_t      len, start, n, offset;
    ngx_uint_t  i, k;

    len = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_LINE_N; i++) {
        n = ngx_min(value[i].len, NGX_HTTP_SOCKETIO_LINE_MAX);
        start = len;

        for (k = 0; k < i; k++) {
            offset = (uintptr_t) value[i].data - (uintptr_t) value[k].data;

            if (offset < kept[k].len) {
                n = ngx_min(n, kept[k].len - offset);
                start = kept[k].start + offset;
                break;
            }
        }

        kept[i].start = (uint16_t) start;
        kept[i].len = (uint16_t) n;

        len = ngx_max(len, start + n);
    }

    return len;
}


void
ngx_http_socketio_line_user(ngx_http_socketio_line_t **linep,
    ngx_http_socketio_session_t *s)
{
    size_t                      size;
    sio_str_t                   user;
    ngx_http_socketio_line_t   *line, *longer;
    ngx_http_socketio_slice_t  *kept;

    line = *linep;
    line->recovered = s->client.recovered;

    if (line->kept[NGX_HTTP_SOCKETIO_LINE_USER].len) {
        return;
    }

    user = ngx_http_socketio_user(s);

    if (user.len == 0 || user.len > NGX_HTTP_SOCKETIO_LINE_MAX) {
        return;
    }

    size = offsetof(ngx_http_socketio_line_t, text) + line->len;

    longer = sio_alloc(&ngx_http_socketio_mem, size + user.len);
    if (longer == NULL) {
        return;
    }

    ngx_memcpy(longer, line, size);
    ngx_memcpy(longer->text + line->len, user.data, user.len);

    kept = &longer->kept[NGX_HTTP_SOCKETIO_LINE_USER];
    kept->start = line->len;
    kept->len = (uint16_t) user.len;

    longer->len = (uint16_t) (line->len + user.len);

    sio_free(&ngx_http_socketio_mem, line);
    *linep = longer;
}


void
ngx_http_socketio_line_write(ngx_http_socketio_line_t *line,
    ngx_connection_t *c)
{
    ngx_pool_t  *pool;

    if (line == NULL) {
        return;
    }

    pool = c->pool;

    if (pool == NULL) {
        c->pool = ngx_create_pool(NGX_HTTP_SOCKETIO_LINE_POOL, c->log);
    }

    if (c->pool) {
        ngx_http_socketio_line_log(line, c);
    }

    if (pool == NULL && c->pool) {
        ngx_destroy_pool(c->pool);
        c->pool = NULL;

        /* it may be of that pool by now */

        c->local_sockaddr = c->listening->sockaddr;
        c->local_socklen = c->listening->socklen;
    }

    sio_free(&ngx_http_socketio_mem, line);
}


static void
ngx_http_socketio_line_log(ngx_http_socketio_line_t *line,
    ngx_connection_t *c)
{
    ngx_http_request_t     *r;
    ngx_http_connection_t  *hc;

    hc = ngx_pcalloc(c->pool, sizeof(ngx_http_connection_t));
    if (hc == NULL) {
        return;
    }

    hc->addr_conf = line->addr_conf;
    hc->conf_ctx = line->conf_ctx;

    c->data = hc;

    r = ngx_http_create_request(c);
    if (r == NULL) {
        return;
    }

    /* the request was counted when it came */

    c->requests--;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
#endif

    c->data = r;

    ngx_http_socketio_line_fill(line, r);
    ngx_http_free_request(r, 0);

    c->data = hc;
}


static void
ngx_http_socketio_line_fill(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r)
{
    r->srv_conf = line->srv_conf;
    r->loc_conf = line->loc_conf;

    r->start_sec = (time_t) (line->start / 1000);
    r->start_msec = (ngx_msec_t) (line->start % 1000);
    r->request_length = line->request_length;
    r->header_size = line->header_size;

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");

    r->request_line = ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_REQUEST);
    r->unparsed_uri = ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_UNPARSED);
    r->uri = ngx_http_socketio_line_string(line, NGX_HTTP_SOCKETIO_LINE_URI);
    r->args = ngx_http_socketio_line_string(line, NGX_HTTP_SOCKETIO_LINE_ARGS);

    r->headers_in.server = ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_SERVER);
    r->headers_in.host = ngx_http_socketio_line_header(r, "Host",
                            ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_HOST));
    r->headers_in.referer = ngx_http_socketio_line_header(r, "Referer",
                            ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_REFERER));
    r->headers_in.user_agent = ngx_http_socketio_line_header(r, "User-Agent",
                            ngx_http_socketio_line_string(line,
                                            NGX_HTTP_SOCKETIO_LINE_AGENT));

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;

    ngx_http_socketio_line_facts(line, r);
}


/* What is behind the $socketio_ variables. */

static void
ngx_http_socketio_line_facts(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r)
{
    ngx_http_socketio_access_t  *access;

    access = ngx_http_socketio_access(r);
    if (access == NULL) {
        return;
    }

    access->packets_in = line->packets_in;
    access->packets_out = line->packets_out;
    access->bytes_in = line->bytes_in;
    access->bytes_out = r->connection->sent - line->header_size;
    access->user = ngx_http_socketio_line_string(line,
                                                 NGX_HTTP_SOCKETIO_LINE_USER);
    ngx_memcpy(access->sid, line->sid, EIO_SID_LEN);
    access->has_sid = 1;
    access->transport = EIO_WEBSOCKET;
    access->reason = line->reason;
    access->recovered = line->recovered;
}


static ngx_str_t
ngx_http_socketio_line_string(ngx_http_socketio_line_t *line, ngx_uint_t i)
{
    ngx_str_t  s;

    s.len = line->kept[i].len;
    s.data = line->text + line->kept[i].start;

    return s;
}


static ngx_table_elt_t *
ngx_http_socketio_line_header(ngx_http_request_t *r, const char *name,
    ngx_str_t value)
{
    ngx_table_elt_t  *h;

    if (value.len == 0) {
        return NULL;
    }

    h = ngx_pcalloc(r->pool, sizeof(ngx_table_elt_t));

    if (h) {
        h->hash = 1;
        h->key.len = ngx_strlen(name);
        h->key.data = (u_char *) name;
        h->value = value;
    }

    return h;
}
