/*
 * The access line of a WebSocket.
 *
 * At the end a request is made for a moment, filled with what was kept, and
 * freed again, which runs the log phase.  All formats and conditions of
 * access_log work so.
 */


#include "transport/ngx_http_socketio_access.h"


#define NGX_HTTP_SOCKETIO_LINE_MAX    2048     /* bytes kept of a string */


extern ngx_module_t  ngx_http_log_module;


static void ngx_http_socketio_line_values(ngx_http_request_t *r,
    ngx_str_t *value);
static void ngx_http_socketio_line_fill(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r);
static ngx_table_elt_t *ngx_http_socketio_line_header(ngx_http_request_t *r,
    const char *name, ngx_str_t value);


ngx_http_socketio_line_t *
ngx_http_socketio_line_create(ngx_http_request_t *r)
{
    size_t                        len;
    u_char                       *p;
    ngx_uint_t                    i;
    ngx_str_t                     value[NGX_HTTP_SOCKETIO_LINE_N], *kept;
    ngx_array_t                 **logs;
    ngx_http_socketio_line_t     *line;
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

    len = 0;

    for (i = 0; i < NGX_HTTP_SOCKETIO_LINE_N; i++) {
        value[i].len = ngx_min(value[i].len, NGX_HTTP_SOCKETIO_LINE_MAX);
        len += value[i].len;
    }

    line = sio_alloc(&ngx_http_socketio_mem,
                     sizeof(ngx_http_socketio_line_t) + len);
    if (line == NULL) {
        return NULL;
    }

    ngx_memzero(line, sizeof(ngx_http_socketio_line_t));

    kept = line->kept;
    p = (u_char *) line + sizeof(ngx_http_socketio_line_t);

    for (i = 0; i < NGX_HTTP_SOCKETIO_LINE_N; i++) {
        kept[i].len = value[i].len;
        kept[i].data = p;

        if (value[i].len) {
            p = ngx_cpymem(p, value[i].data, value[i].len);
        }
    }

    access = ngx_http_socketio_access(r);
    if (access) {
        line->access = *access;
    }

    line->hc = r->http_connection;
    line->srv_conf = r->srv_conf;
    line->loc_conf = r->loc_conf;
    line->start_sec = r->start_sec;
    line->start_msec = r->start_msec;
    line->request_length = r->request_length;

    return line;
}


static void
ngx_http_socketio_line_values(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_memzero(value, NGX_HTTP_SOCKETIO_LINE_N * sizeof(ngx_str_t));

    value[NGX_HTTP_SOCKETIO_LINE_REQUEST] = r->request_line;
    value[NGX_HTTP_SOCKETIO_LINE_URI] = r->uri;
    value[NGX_HTTP_SOCKETIO_LINE_UNPARSED] = r->unparsed_uri;
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


void
ngx_http_socketio_line_user(ngx_http_socketio_line_t *line,
    ngx_http_socketio_session_t *s)
{
    sio_str_t  user;

    if (line == NULL || line->access.user.data) {
        return;
    }

    user = ngx_http_socketio_user(s);
    if (user.len == 0) {
        return;
    }

    line->access.user.data = sio_alloc(&ngx_http_socketio_mem, user.len);

    if (line->access.user.data) {
        ngx_memcpy(line->access.user.data, user.data, user.len);
        line->access.user.len = user.len;
    }
}


void
ngx_http_socketio_line_write(ngx_http_socketio_line_t *line,
    ngx_connection_t *c)
{
    ngx_http_request_t  *r;

    if (line == NULL) {
        return;
    }

    c->data = line->hc;

    r = ngx_http_create_request(c);

    if (r) {

        /* the request was counted when it came */

        c->requests--;

#if (NGX_STAT_STUB)
        (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
#endif

        c->data = r;

        ngx_http_socketio_line_fill(line, r);
        ngx_http_free_request(r, 0);

        c->data = line->hc;
    }

    sio_free(&ngx_http_socketio_mem, line->access.user.data);
    sio_free(&ngx_http_socketio_mem, line);
}


static void
ngx_http_socketio_line_fill(ngx_http_socketio_line_t *line,
    ngx_http_request_t *r)
{
    ngx_str_t  *kept;

    r->srv_conf = line->srv_conf;
    r->loc_conf = line->loc_conf;

    r->start_sec = line->start_sec;
    r->start_msec = line->start_msec;
    r->request_length = line->request_length;

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");

    kept = line->kept;

    r->request_line = kept[NGX_HTTP_SOCKETIO_LINE_REQUEST];
    r->uri = kept[NGX_HTTP_SOCKETIO_LINE_URI];
    r->unparsed_uri = kept[NGX_HTTP_SOCKETIO_LINE_UNPARSED];
    r->args = kept[NGX_HTTP_SOCKETIO_LINE_ARGS];

    r->headers_in.server = kept[NGX_HTTP_SOCKETIO_LINE_SERVER];
    r->headers_in.host = ngx_http_socketio_line_header(r, "Host",
                                          kept[NGX_HTTP_SOCKETIO_LINE_HOST]);
    r->headers_in.referer = ngx_http_socketio_line_header(r, "Referer",
                                       kept[NGX_HTTP_SOCKETIO_LINE_REFERER]);
    r->headers_in.user_agent = ngx_http_socketio_line_header(r, "User-Agent",
                                         kept[NGX_HTTP_SOCKETIO_LINE_AGENT]);

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;

    ngx_http_socketio_access_set(r, &line->access);
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
