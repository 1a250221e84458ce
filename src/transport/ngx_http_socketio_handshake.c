/*
 * The checks of a request, in the order of the reference server: transport,
 * origin, session, method, version.
 *
 * Deliberate differences: an unsupported version is refused before a WebSocket
 * is accepted, not in it; a foreign origin is refused at all; and a method
 * that a session has no use for is a bad request, not an error of the server.
 */


#include "transport/ngx_http_socketio_handshake.h"
#include "transport/ngx_http_socketio_accept.h"
#include "transport/ngx_http_socketio_cors.h"
#include "transport/ngx_http_socketio_gate.h"
#include "transport/ngx_http_socketio_polling.h"


#define NGX_HTTP_SOCKETIO_RETRY_AFTER  "5"     /* seconds */


static ngx_int_t ngx_http_socketio_handshake_mask(ngx_http_request_t *r,
    ngx_http_socketio_app_t *app);
static void ngx_http_socketio_handshake_mask_in(ngx_str_t *text, u_char *name,
    size_t len);
static ngx_int_t ngx_http_socketio_handshake_check(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, const eio_query_t *query,
    ngx_uint_t upgrade);
static ngx_uint_t ngx_http_socketio_handshake_upgrade(ngx_http_request_t *r);
static ngx_int_t ngx_http_socketio_handshake_capture(ngx_http_request_t *r,
    ngx_http_socketio_app_t *app, ngx_http_socketio_session_t *s);
static ngx_int_t ngx_http_socketio_handshake_cookie(ngx_http_request_t *r,
    const ngx_str_t *name, ngx_http_socketio_session_t *s);


ngx_int_t
ngx_http_socketio_handshake(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine)
{
    ngx_int_t                    rc;
    ngx_uint_t                   upgrade, body;
    eio_query_t                  query;
    ngx_http_socketio_access_t  *access;

    r->connection->log->action = "handling socketio request";

    if (engine->app->secrets
        && ngx_http_socketio_handshake_mask(r, engine->app) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body = (r->headers_in.content_length_n > 0 || r->headers_in.chunked);

    if (r->method & NGX_HTTP_OPTIONS) {

        if (ngx_http_socketio_cors_check(r, engine) != NGX_OK) {
            return ngx_http_socketio_handshake_error(r, EIO_ERROR_FORBIDDEN);
        }

        return ngx_http_socketio_cors_preflight(r, engine);
    }

    /* a replayed GET too would take packets away, or end its session */

    if (ngx_http_socketio_early(r)) {
        return ngx_http_socketio_answer(r, NGX_HTTP_SOCKETIO_TOO_EARLY,
                                 "application/json",
                                 sizeof("application/json") - 1,
                                 sio_cstr("{\"message\":\"Too early\"}"));
    }

    if (engine->app->hub == NULL) {
        return ngx_http_socketio_handshake_unavailable(r);
    }

    eio_query_parse(sio_str(r->args.data, r->args.len), &query);
    upgrade = ngx_http_socketio_handshake_upgrade(r);

    if (body && r->method == NGX_HTTP_GET) {

        /* the bytes of a body would be taken for frames, or wait with a poll */

        return ngx_http_socketio_handshake_error(r, EIO_ERROR_REQUEST);
    }

    rc = ngx_http_socketio_handshake_check(r, engine, &query, upgrade);
    if (rc != NGX_OK) {
        return ngx_http_socketio_handshake_error(r, rc - 1);
    }

    access = ngx_http_socketio_access(r);
    if (access == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    access->transport = query.transport;

    if (query.has_sid) {
        ngx_memcpy(access->sid, query.sid.data, EIO_SID_LEN);
        access->has_sid = 1;
    }

    if (query.transport == EIO_WEBSOCKET) {
        return ngx_http_socketio_accept(r, engine, query.has_sid);
    }

    if (r->method & NGX_HTTP_POST) {
        return ngx_http_socketio_polling_post(r, engine);
    }

    return ngx_http_socketio_polling_get(r, engine, query.has_sid);
}


/*
 * Tokens in the query: their value is kept aside for whoever asks for the
 * variable, and is stars in what goes into logs.
 */
static ngx_int_t
ngx_http_socketio_handshake_mask(ngx_http_request_t *r,
    ngx_http_socketio_app_t *app)
{
    size_t                         len;
    u_char                        *name, *copy;
    ngx_uint_t                     i;
    ngx_http_variable_value_t     *v;
    ngx_http_socketio_variable_t  *variable;

    variable = app->variables.elts;

    for (i = 0; i < app->variables.nelts; i++) {

        if (!variable[i].secret) {
            continue;
        }

        v = ngx_http_get_indexed_variable(r, variable[i].index);
        if (v == NULL) {
            return NGX_ERROR;
        }

        if (v->not_found || v->len == 0) {
            continue;
        }

        copy = ngx_pnalloc(r->pool, v->len);
        if (copy == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(copy, v->data, v->len);
        v->data = copy;

        name = variable[i].name.data + sizeof("arg_") - 1;
        len = variable[i].name.len - (sizeof("arg_") - 1);

        ngx_http_socketio_handshake_mask_in(&r->args, name, len);
        ngx_http_socketio_handshake_mask_in(&r->unparsed_uri, name, len);
        ngx_http_socketio_handshake_mask_in(&r->request_line, name, len);
    }

    return NGX_OK;
}


static void
ngx_http_socketio_handshake_mask_in(ngx_str_t *text, u_char *name, size_t len)
{
    u_char  *p, *end;

    p = text->data;
    end = text->data + text->len;

    while (p < end) {

        if ((size_t) (end - p) > len && p[len] == '='
            && ngx_strncasecmp(p, name, len) == 0)
        {
            for (p += len + 1; p < end && *p != '&' && *p != ' '; p++) {
                *p = '*';
            }
        }

        while (p < end && *p != '&' && *p != '?') {
            p++;
        }

        p++;
    }
}


/* NGX_OK, or an eio_error_e plus one. */

static ngx_int_t
ngx_http_socketio_handshake_check(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine, const eio_query_t *query,
    ngx_uint_t upgrade)
{
    ngx_int_t  rc;

    if (query->transport == EIO_TRANSPORT_UNKNOWN
        || (query->transport == EIO_POLLING && !engine->options.polling)
        || (query->transport == EIO_WEBSOCKET && !engine->options.websocket))
    {
        return EIO_ERROR_TRANSPORT + 1;
    }

    rc = ngx_http_socketio_cors_check(r, engine);
    if (rc != NGX_OK) {
        return (rc == NGX_ERROR ? EIO_ERROR_REQUEST : EIO_ERROR_FORBIDDEN) + 1;
    }

    if (query->has_sid
        && (query->sid.len != EIO_SID_LEN
            || ngx_http_socketio_session_owner(engine->app->hub, query->sid)
               == NGX_HTTP_SOCKETIO_NO_SLOT))
    {
        return EIO_ERROR_SID + 1;
    }

    if (!query->has_sid && r->method != NGX_HTTP_GET) {
        return EIO_ERROR_METHOD + 1;
    }

    /* a WebSocket needs the upgrade to one, polling must not ask for it */

    if (upgrade != (query->transport == EIO_WEBSOCKET)) {
        return EIO_ERROR_REQUEST + 1;
    }

    if (query->version != 4) {
        return (query->has_sid ? EIO_ERROR_REQUEST : EIO_ERROR_VERSION) + 1;
    }

    if (r->method == NGX_HTTP_GET
        || (r->method == NGX_HTTP_POST && query->transport == EIO_POLLING))
    {
        return NGX_OK;
    }

    return EIO_ERROR_REQUEST + 1;
}


/* Whether a WebSocket is asked for. */

static ngx_uint_t
ngx_http_socketio_handshake_upgrade(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_http_socketio_header_find(r, "upgrade");

    return h && h->value.len == sizeof("websocket") - 1
           && ngx_strncasecmp(h->value.data, (u_char *) "websocket",
                              sizeof("websocket") - 1)
              == 0;
}


ngx_int_t
ngx_http_socketio_handshake_error(ngx_http_request_t *r, eio_error_e error)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "socketio request is refused: %*s",
                  eio_error_message(error).len, eio_error_message(error).data);

    return ngx_http_socketio_answer(r, error == EIO_ERROR_FORBIDDEN
                                       ? NGX_HTTP_FORBIDDEN
                                       : NGX_HTTP_BAD_REQUEST,
                                    "application/json",
                                    sizeof("application/json") - 1,
                                    eio_error_body(error));
}


ngx_int_t
ngx_http_socketio_handshake_unavailable(ngx_http_request_t *r)
{
    ngx_str_t  seconds;

    ngx_str_set(&seconds, NGX_HTTP_SOCKETIO_RETRY_AFTER);

    if (ngx_http_socketio_header_add(r, "Retry-After", seconds) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                             "application/json",
                             sizeof("application/json") - 1,
                             sio_cstr("{\"message\":\"Service unavailable\"}"));
}


ngx_int_t
ngx_http_socketio_handshake_session(ngx_http_request_t *r,
    const ngx_http_socketio_engine_t *engine,
    ngx_http_socketio_session_t **session)
{
    ngx_int_t                     rc;
    ngx_http_socketio_access_t   *access;
    ngx_http_socketio_session_t  *s;

    *session = NULL;

    s = ngx_http_socketio_session_create(engine->app->hub, &engine->options,
                                         engine->echo, NULL);
    if (s == NULL) {
        return ngx_http_socketio_handshake_unavailable(r);
    }

    rc = ngx_http_socketio_gate_pass(r, engine->limits, s);

    if (rc != NGX_OK) {
        ngx_http_socketio_handshake_cancel(s);
        return ngx_http_socketio_gate_refuse(r, rc);
    }

    if ((!s->eio.echo
         && ngx_http_socketio_handshake_capture(r, engine->app, s) != NGX_OK)
        || (engine->cookie.len
            && ngx_http_socketio_handshake_cookie(r, &engine->cookie, s)
               != NGX_OK))
    {
        ngx_http_socketio_handshake_cancel(s);
        return ngx_http_socketio_handshake_unavailable(r);
    }

    access = ngx_http_socketio_access(r);

    ngx_memcpy(access->sid, s->eio.sid, EIO_SID_LEN);
    access->has_sid = 1;

    *session = s;

    return NGX_OK;
}


void
ngx_http_socketio_handshake_cancel(ngx_http_socketio_session_t *s)
{
    eio_session_abort(&s->eio, EIO_REASON_TRANSPORT_CLOSE);
    ngx_http_socketio_session_dirty(s);
}


/* What rules may ask of nginx's variables is taken now. */

static ngx_int_t
ngx_http_socketio_handshake_capture(ngx_http_request_t *r,
    ngx_http_socketio_app_t *app, ngx_http_socketio_session_t *s)
{
    size_t                         len;
    u_char                        *p;
    ngx_uint_t                     i, n;
    sio_captured_t                *captured;
    ngx_http_variable_value_t     *v, **values;
    ngx_http_socketio_variable_t  *variable;

    n = app->variables.nelts;
    if (n == 0) {
        return NGX_OK;
    }

    values = ngx_palloc(r->pool, n * sizeof(ngx_http_variable_value_t *));
    if (values == NULL) {
        return NGX_ERROR;
    }

    variable = app->variables.elts;
    len = 0;

    for (i = 0; i < n; i++) {
        v = ngx_http_get_indexed_variable(r, variable[i].index);

        values[i] = (v && !v->not_found) ? v : NULL;
        len += values[i] ? v->len : 0;
    }

    captured = sio_alloc(&ngx_http_socketio_mem, sizeof(sio_captured_t)
                                                 + n * sizeof(sio_str_t)
                                                 + len);
    if (captured == NULL) {
        return NGX_ERROR;
    }

    captured->n = (uint32_t) n;
    p = (u_char *) &captured->value[n];

    for (i = 0; i < n; i++) {
        v = values[i];

        if (v == NULL) {
            captured->value[i] = sio_str(NULL, 0);
            continue;
        }

        captured->value[i] = sio_str(p, v->len);
        p = ngx_cpymem(p, v->data, v->len);
    }

    s->client.captured = captured;

    return NGX_OK;
}


/* What sticky proxies in front of us, made for the reference server, read. */

static ngx_int_t
ngx_http_socketio_handshake_cookie(ngx_http_request_t *r,
    const ngx_str_t *name, ngx_http_socketio_session_t *s)
{
    u_char     *p;
    ngx_str_t   value;

    p = ngx_pnalloc(r->pool, name->len + 1 + EIO_SID_LEN
                             + sizeof("; Path=/; HttpOnly; SameSite=Lax") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    p = ngx_cpymem(p, name->data, name->len);
    *p++ = '=';
    p = ngx_cpymem(p, s->eio.sid, EIO_SID_LEN);
    p = ngx_cpymem(p, "; Path=/; HttpOnly; SameSite=Lax",
                   sizeof("; Path=/; HttpOnly; SameSite=Lax") - 1);

    value.len = p - value.data;

    return ngx_http_socketio_header_add(r, "Set-Cookie", value);
}
