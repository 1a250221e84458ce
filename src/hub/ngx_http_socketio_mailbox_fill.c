/*
 * From the store to sockets: what is kept is written in the order of its ids,
 * as much as there is room for, and asked for where it is kept elsewhere.
 */


#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_mailbox_state.h"


static ngx_int_t ngx_http_socketio_mailbox_large(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, const ngx_http_socketio_load_t *load);
static ngx_int_t ngx_http_socketio_mailbox_letters(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_written_t *w,
    const ngx_http_socketio_load_t *load);
static ngx_int_t ngx_http_socketio_mailbox_out(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t id, eio_msg_t *msg);
static size_t ngx_http_socketio_mailbox_room(sio_socket_t *socket,
    ngx_uint_t *empty);


void
ngx_http_socketio_mailbox_flush(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = socket->ns->app->data;
    w = ngx_http_socketio_mailbox_get(hub, socket);

    if (w == NULL || w->unread) {
        return;
    }

    if (ngx_http_socketio_mailbox_ask(hub, w) != NGX_OK) {
        w->unread = 1;
        return;
    }

    if (!w->more) {
        ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);
        ngx_http_socketio_mailbox_rest(hub, w);
    }
}


void
ngx_http_socketio_mailbox_look(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = socket->ns->app->data;
    w = ngx_http_socketio_mailbox_get(hub, socket);

    if (w && !w->more && !w->unread) {
        ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);
        ngx_http_socketio_mailbox_rest(hub, w);
    }
}


void
ngx_http_socketio_mailbox_write(sio_socket_t *socket, uint64_t id,
    eio_msg_t *msg)
{
    size_t                        room;
    ngx_uint_t                    empty;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = socket->ns->app->data;
    w = ngx_http_socketio_mailbox_get(hub, socket);

    /* if there is no room now, it comes out of the store in its turn */

    if (w == NULL || w->more || id <= w->written) {
        return;
    }

    if (w->unread) {
        ngx_http_socketio_mailbox_wait(w, id, msg);
        return;
    }

    ngx_http_socketio_mailbox_fill(hub, w, id);

    if (w->more || socket->leaving) {
        return;
    }

    room = ngx_http_socketio_mailbox_room(socket, &empty);

    if (msg->len > room
        && (!empty || msg->len > socket->client->session->options->buffer))
    {
        w->more = 1;
        ngx_http_socketio_mailbox_owe(hub, w);
        return;
    }

    (void) ngx_http_socketio_mailbox_out(hub, w, id, msg);
}


void
ngx_http_socketio_mailbox_fill(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t before)
{
    ngx_uint_t                 empty;
    sio_buf_t                 *buf;
    ngx_http_socketio_load_t   load;

    buf = &hub->mailbox->load;
    sio_buf_reset(buf);

    load.key = w->key;
    load.now = ngx_http_socketio_calendar();
    load.before = before;

    for ( ;; ) {

        if (sio_buf_reserve(buf, NGX_HTTP_SOCKETIO_MAILBOX_LOAD) != SIO_OK) {
            break;
        }

        load.dst = buf->data;
        load.cap = buf->cap;
        load.after = w->written;
        load.room = ngx_http_socketio_mailbox_room(w->socket, &empty);

        ngx_http_socketio_mailbox_load(hub->zone, &load);

        if (ngx_http_socketio_mailbox_letters(hub, w, &load) != NGX_OK) {
            return;
        }

        if (load.next == 0) {
            return;
        }

        if (load.used) {
            continue;
        }

        if (empty && ngx_http_socketio_mailbox_large(hub, w, &load) == NGX_OK)
        {
            continue;
        }

        break;
    }

    w->more = 1;
    ngx_http_socketio_mailbox_owe(hub, w);
}


/*
 * One item that is larger than usual, with nothing before it: it goes alone;
 * one that no buffer takes will never go.  NGX_ERROR: no memory.
 */
static ngx_int_t
ngx_http_socketio_mailbox_large(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, const ngx_http_socketio_load_t *load)
{
    size_t                     size;
    ngx_uint_t                 n;
    sio_buf_t                 *buf;
    ngx_http_socketio_load_t   one;

    buf = &hub->mailbox->load;
    size = ngx_http_socketio_letter_size(load->next);

    if (sio_buf_reserve(buf, size) != SIO_OK) {
        return NGX_ERROR;
    }

    one = *load;
    one.dst = buf->data;
    one.cap = size;
    one.room = load->next;
    one.after = w->written;

    ngx_http_socketio_mailbox_load(hub->zone, &one);

    if (one.used == 0) {
        /* it has gone meanwhile, for another one */
        return NGX_OK;
    }

    if (load->next <= w->socket->client->session->options->buffer) {
        return ngx_http_socketio_mailbox_letters(hub, w, &one);
    }

    w->written = ((ngx_http_socketio_letter_t *) one.dst)->id;

    n = hub->mail_store->take(hub, sio_namespace_name(w->socket->ns),
                              sio_socket_user(w->socket), w->written);
    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_DROPPED, n);

    ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                  "socketio app \"%V\": an item of %uz bytes in a mailbox is "
                  "larger than socketio_buffer, it was dropped",
                  &hub->conf->name, load->next);

    return NGX_OK;
}


/* NGX_ERROR: the socket has ended, or there is no memory. */

static ngx_int_t
ngx_http_socketio_mailbox_letters(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, const ngx_http_socketio_load_t *load)
{
    u_char                      *p, *end;
    ngx_int_t                    rc;
    eio_msg_t                   *msg;
    ngx_http_socketio_letter_t  *letter;

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_REDELIVERED,
                           load->again);

    end = load->dst + load->used;

    for (p = load->dst; p < end; p += letter->size) {
        letter = (ngx_http_socketio_letter_t *) p;

        msg = eio_msg_from_image(&ngx_http_socketio_mem,
                     sio_str(p + sizeof(ngx_http_socketio_letter_t),
                             letter->len));
        if (msg == NULL) {
            ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                          "socketio: no memory for a message of %uD bytes",
                          letter->len);

            w->more = 1;
            ngx_http_socketio_mailbox_owe(hub, w);
            return NGX_ERROR;
        }

        rc = ngx_http_socketio_mailbox_out(hub, w, letter->id, msg);
        eio_msg_unref(&ngx_http_socketio_mem, msg);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_mailbox_out(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t id, eio_msg_t *msg)
{
    /* a mark behind it would say that it came */

    msg->vital = 1;

    if (ngx_http_socketio_history_send(w->socket, msg, 0) != SIO_OK) {
        return NGX_ERROR;
    }

    w->written = id;

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_DELIVERED, 1);
    ngx_http_socketio_mailbox_owe(hub, w);

    return NGX_OK;
}


/*
 * Bytes that may be added to what waits for the connection: one half of its
 * buffer is for other messages.
 */
static size_t
ngx_http_socketio_mailbox_room(sio_socket_t *socket, ngx_uint_t *empty)
{
    size_t          bytes, half;
    eio_session_t  *s;

    s = socket->client->session;

    bytes = s->out.bytes + (socket->held ? socket->held->bytes : 0);
    half = s->options->buffer / 2;

    *empty = (bytes == 0);

    return bytes < half ? half - bytes : 0;
}
