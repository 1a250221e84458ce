/*
 * The transports' common part: the table for the hub, headers, answers.
 */


#include "transport/ngx_http_socketio_transport.h"
#include "transport/ngx_http_socketio_polling.h"
#include "transport/ngx_http_socketio_upgrade.h"
#include "transport/ngx_http_socketio_websocket.h"


static void ngx_http_socketio_transport_timeout(sio_timer_t *timer);
static void ngx_http_socketio_transport_resume(
    ngx_http_socketio_session_t *s);


static ngx_uint_t  ngx_http_socketio_ctx_index;


static const ngx_http_socketio_carrier_t  ngx_http_socketio_transport = {
    ngx_http_socketio_websocket_flush,
    ngx_http_socketio_websocket_fetch,
    ngx_http_socketio_polling_answer,
    ngx_http_socketio_upgrade_result,
    ngx_http_socketio_transport_timeout,
    ngx_http_socketio_transport_resume
};


void
ngx_http_socketio_transport_init(ngx_uint_t ctx_index)
{
    ngx_http_socketio_ctx_index = ctx_index;
    ngx_http_socketio_carrier = &ngx_http_socketio_transport;
}


/* A WebSocket's deadline is a timer of its connection: none is set here. */

static void
ngx_http_socketio_transport_timeout(sio_timer_t *timer)
{
}


/* Polling requests are taken as they come. */

static void
ngx_http_socketio_transport_resume(ngx_http_socketio_session_t *s)
{
    if (s->eio.carrier) {
        ngx_http_socketio_websocket_resume(s->eio.carrier);
    }
}


ngx_table_elt_t *
ngx_http_socketio_header_find(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;

    for ( ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && (h[i].lowcase_key
                    ? ngx_memcmp(h[i].lowcase_key, name, len) == 0
                    : ngx_strncasecmp(h[i].key.data, (u_char *) name, len)
                      == 0))
            {
                return &h[i];
            }
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_socketio_header_add(ngx_http_request_t *r, const char *name,
    ngx_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = value;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}


ngx_uint_t
ngx_http_socketio_early(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

#if (NGX_HTTP_SSL && defined SSL_READ_EARLY_DATA_SUCCESS)

    /* until the handshake ends nobody has shown that the bytes are fresh */

    if (r->connection->ssl
        && !SSL_is_init_finished(r->connection->ssl->connection))
    {
        return 1;
    }

#endif

    h = ngx_http_socketio_header_find(r, "early-data");

    return h && h->value.len == 1 && h->value.data[0] == '1';
}


ngx_int_t
ngx_http_socketio_answer(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, size_t type_len, sio_str_t body)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_str_t    no_store;
    ngx_chain_t  out;

    ngx_str_set(&no_store, "no-store");

    /* does nothing if the body was read */

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = status;
    ngx_http_clear_content_length(r);

    /*
     * A worker that shuts down closes the connection behind this answer: say
     * so, or the next poll is sent into it.
     */

    if (ngx_exiting || ngx_terminate) {
        r->keepalive = 0;
    }

    if (status == NGX_HTTP_NO_CONTENT) {
        r->header_only = 1;
        return ngx_http_send_header(r);
    }

    /* what stands before the parameters is what gzip_types are matched with */

    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type_len = type_len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = body.len;

    if (ngx_http_socketio_header_add(r, "Cache-Control", no_store) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ngx_create_temp_buf(r->pool, body.len ? body.len : 1);
    if (b == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    if (body.len) {
        b->last = ngx_cpymem(b->last, body.data, body.len);

    } else {
        b->temporary = 0;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_http_socketio_access_t *
ngx_http_socketio_access(ngx_http_request_t *r)
{
    ngx_http_socketio_access_t  *access;

    access = r->ctx[ngx_http_socketio_ctx_index];

    if (access == NULL) {
        access = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_access_t));
        r->ctx[ngx_http_socketio_ctx_index] = access;
    }

    return access;
}


sio_str_t
ngx_http_socketio_user(ngx_http_socketio_session_t *s)
{
    sio_socket_t  *socket;

    if (!s->eio.echo) {
        for (socket = s->client.sockets; socket; socket = socket->next) {
            if (socket->identity) {
                return sio_socket_user(socket);
            }
        }
    }

    return sio_str(NULL, 0);
}
