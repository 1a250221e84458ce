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


static u_char *ngx_http_socketio_line_keep(ngx_str_t *dst,
    const ngx_str_t *src, u_char *p);
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
    ngx_str_t                     value[8], *kept[8];
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

    ngx_memzero(value, sizeof(value));

    value[0] = r->request_line;
    value[1] = r->uri;
    value[2] = r->unparsed_uri;
    value[3] = r->args;
    value[4] = r->headers_in.server;

    if (r->headers_in.host) {
        value[5] = r->headers_in.host->value;
    }

    if (r->headers_in.referer) {
        value[6] = r->headers_in.referer->value;
    }

    if (r->headers_in.user_agent) {
        value[7] = r->headers_in.user_agent->value;
    }

    len = 0;

    for (i = 0; i < 8; i++) {
        value[i].len = ngx_min(value[i].len, NGX_HTTP_SOCKETIO_LINE_MAX);
        len += value[i].len;
    }

    line = sio_alloc(&ngx_http_socketio_mem,
                     sizeof(ngx_http_socketio_line_t) + len);
    if (line == NULL) {
        return NULL;
    }

    ngx_memzero(line, sizeof(ngx_http_socketio_line_t));

    kept[0] = &line->request_line;
    kept[1] = &line->uri;
    kept[2] = &line->unparsed_uri;
    kept[3] = &line->args;
    kept[4] = &line->server;
    kept[5] = &line->host;
    kept[6] = &line->referer;
    kept[7] = &line->user_agent;

    p = (u_char *) line + sizeof(ngx_http_socketio_line_t);

    for (i = 0; i < 8; i++) {
        p = ngx_http_socketio_line_keep(kept[i], &value[i], p);
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


static u_char *
ngx_http_socketio_line_keep(ngx_str_t *dst, const ngx_str_t *src, u_char *p)
{
    dst->len = src->len;
    dst->data = p;

    return src->len ? ngx_cpymem(p, src->data, src->len) : p;
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
    r->srv_conf = line->srv_conf;
    r->loc_conf = line->loc_conf;

    r->start_sec = line->start_sec;
    r->start_msec = line->start_msec;
    r->request_length = line->request_length;

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");
    r->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&r->http_protocol, "HTTP/1.1");

    r->request_line = line->request_line;
    r->uri = line->uri;
    r->unparsed_uri = line->unparsed_uri;
    r->args = line->args;

    r->headers_in.server = line->server;
    r->headers_in.host = ngx_http_socketio_line_header(r, "Host", line->host);
    r->headers_in.referer = ngx_http_socketio_line_header(r, "Referer",
                                                          line->referer);
    r->headers_in.user_agent = ngx_http_socketio_line_header(r, "User-Agent",
                                                           line->user_agent);

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
