/*
 * Cross-origin requests.
 *
 * WebSockets know no preflight: there the Origin header is the only thing
 * that keeps a foreign page from using its visitor's cookies.  So a request
 * of a foreign origin is refused, where the reference server would answer it
 * and leave it to the browser.
 *
 * RFC 6455, 10.2.  Origin Considerations.
 */


#include "transport/ngx_http_socketio_cors.h"


typedef enum {
    NGX_HTTP_SOCKETIO_ORIGIN_NONE = 0,   /* no such header */
    NGX_HTTP_SOCKETIO_ORIGIN_NAMED,      /* the same host, or listed */
    NGX_HTTP_SOCKETIO_ORIGIN_ANY,        /* by "*" only */
    NGX_HTTP_SOCKETIO_ORIGIN_FOREIGN,
    NGX_HTTP_SOCKETIO_ORIGIN_BAD
} ngx_http_socketio_origin_e;


static ngx_http_socketio_origin_e ngx_http_socketio_cors_origin(
    ngx_http_request_t *r, const ngx_http_socketio_engine_t *engine,
    ngx_str_t *origin);
static ngx_uint_t ngx_http_socketio_cors_listed(
    const ngx_http_socketio_engine_t *engine, ngx_str_t *origin,
    ngx_str_t *host);


ngx_int_t
ngx_http_socketio_cors_check(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_str_t  origin;

    switch (ngx_http_socketio_cors_origin(r, engine, &origin)) {

    case NGX_HTTP_SOCKETIO_ORIGIN_BAD:
        return NGX_ERROR;

    case NGX_HTTP_SOCKETIO_ORIGIN_FOREIGN:
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "socketio: origin \"%V\" is not allowed", &origin);
        return NGX_DECLINED;

    default:
        return NGX_OK;
    }
}


static ngx_http_socketio_origin_e
ngx_http_socketio_cors_origin(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, ngx_str_t *origin)
{
    size_t            i;
    u_char            ch, *p;
    ngx_str_t         host;
    ngx_table_elt_t  *h, *name;

    h = ngx_http_socketio_header_find(r, "origin");
    if (h == NULL) {
        return NGX_HTTP_SOCKETIO_ORIGIN_NONE;
    }

    *origin = h->value;

    for (i = 0; i < origin->len; i++) {
        ch = origin->data[i];

        if ((ch < 0x20 && ch != '\t') || ch == 0x7f) {
            return NGX_HTTP_SOCKETIO_ORIGIN_BAD;
        }
    }

    if (origin->len == 4 && ngx_strncmp(origin->data, "null", 4) == 0) {
        return engine->any_origin || engine->null_origin
               ? NGX_HTTP_SOCKETIO_ORIGIN_ANY
               : NGX_HTTP_SOCKETIO_ORIGIN_FOREIGN;
    }

    host = *origin;

    p = ngx_strlchr(host.data, host.data + host.len, ':');

    if (p && host.data + host.len - p > 3 && p[1] == '/' && p[2] == '/') {
        host.len -= p + 3 - host.data;
        host.data = p + 3;
    }

    /* by its name: a proxy may have taken TLS, or a port, off */

    name = r->headers_in.host;

    if (name && host.len && name->value.len == host.len
        && ngx_strncasecmp(name->value.data, host.data, host.len) == 0)
    {
        return NGX_HTTP_SOCKETIO_ORIGIN_NAMED;
    }

    if (ngx_http_socketio_cors_listed(engine, origin, &host)) {
        return NGX_HTTP_SOCKETIO_ORIGIN_NAMED;
    }

    return engine->any_origin ? NGX_HTTP_SOCKETIO_ORIGIN_ANY
                              : NGX_HTTP_SOCKETIO_ORIGIN_FOREIGN;
}


static ngx_uint_t
ngx_http_socketio_cors_listed(const ngx_http_socketio_engine_t *engine,
    ngx_str_t *origin, ngx_str_t *host)
{
    ngx_uint_t                   i;
    ngx_http_socketio_origin_t  *o;

    if (engine->origins == NULL) {
        return 0;
    }

    o = engine->origins->elts;

    for (i = 0; i < engine->origins->nelts; i++) {

#if (NGX_PCRE)
        if (o[i].regex) {
            if (ngx_regex_exec(o[i].regex, origin, NULL, 0) >= 0) {
                return 1;
            }

            continue;
        }
#endif

        if ((o[i].name.len == origin->len
             && ngx_strncasecmp(o[i].name.data, origin->data, origin->len)
                == 0)
            || (o[i].name.len == host->len
                && ngx_strncasecmp(o[i].name.data, host->data, host->len)
                   == 0))
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_socketio_cors_filter(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_str_t                   origin, value;
    ngx_http_socketio_origin_e  kind;

    kind = ngx_http_socketio_cors_origin(r, engine, &origin);

    if (kind == NGX_HTTP_SOCKETIO_ORIGIN_NAMED) {
        ngx_str_set(&value, "true");

        if (ngx_http_socketio_header_add(r, "Access-Control-Allow-Origin",
                                         origin)
            != NGX_OK
            || ngx_http_socketio_header_add(r,
                                       "Access-Control-Allow-Credentials",
                                       value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (kind == NGX_HTTP_SOCKETIO_ORIGIN_ANY
               || (kind == NGX_HTTP_SOCKETIO_ORIGIN_NONE
                   && engine->any_origin))
    {
        ngx_str_set(&value, "*");

        if (ngx_http_socketio_header_add(r, "Access-Control-Allow-Origin",
                                         value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&value, "Origin");

    return ngx_http_socketio_header_add(r, "Vary", value);
}


ngx_int_t
ngx_http_socketio_cors_preflight(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    ngx_str_set(&value, "GET, POST");

    if (ngx_http_socketio_header_add(r, "Access-Control-Allow-Methods", value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    h = ngx_http_socketio_header_find(r, "access-control-request-headers");

    if (h
        && ngx_http_socketio_header_add(r, "Access-Control-Allow-Headers",
                                        h->value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * Private Network Access, "CORS preflight": a page of the open internet
     * asks for a server of an inner network, which says so for origins that
     * are named, not for anybody's page.
     */

    h = ngx_http_socketio_header_find(r,
                                   "access-control-request-private-network");

    if (h && ngx_http_socketio_cors_origin(r, engine, &value)
             == NGX_HTTP_SOCKETIO_ORIGIN_NAMED)
    {
        ngx_str_set(&value, "true");

        if (ngx_http_socketio_header_add(r,
                                     "Access-Control-Allow-Private-Network",
                                     value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&value, "600");

    if (ngx_http_socketio_header_add(r, "Access-Control-Max-Age", value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_socketio_answer(r, NGX_HTTP_NO_CONTENT, "", 0,
                                    sio_str(NULL, 0));
}
