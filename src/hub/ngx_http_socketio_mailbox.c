/*
 * The sockets' side of mailboxes: what was written to whom, and its proof.
 *
 * A state is in one of three lists: it waits for what the mailbox's home has,
 * it owes a mark, or all it wrote was proved and it stays for a while; in
 * between it waits for the mark to arrive, in no list.
 */


#include "hub/ngx_http_socketio_mailbox_state.h"


/* How long a state stays when all is proved. */

#define NGX_HTTP_SOCKETIO_MAILBOX_LINGER  10000      /* msec */

/* Flags of a packed state. */

#define NGX_HTTP_SOCKETIO_MAILBOX_WAITING  0x01
#define NGX_HTTP_SOCKETIO_MAILBOX_MORE     0x02
#define NGX_HTTP_SOCKETIO_MAILBOX_SETTLED  0x04
#define NGX_HTTP_SOCKETIO_MAILBOX_UNREAD   0x08


static void ngx_http_socketio_mailbox_unlist(ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_settle(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_proved(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);


ngx_int_t
ngx_http_socketio_mailbox_init(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailbox_t  *mb;

    if (hub->conf->mailbox_max == 0) {
        return NGX_OK;
    }

    hub->mail_store = hub->conf->mailbox_store;

    mb = sio_calloc(&ngx_http_socketio_mem,
                    sizeof(ngx_http_socketio_mailbox_t));
    if (mb == NULL) {
        return NGX_ERROR;
    }

    sio_map_init(&mb->written, &ngx_http_socketio_mem, &hub->zone->hash);
    ngx_queue_init(&mb->due);
    ngx_queue_init(&mb->settled);
    ngx_queue_init(&mb->asks);
    sio_buf_init(&mb->load, &ngx_http_socketio_mem, UINT32_MAX);

    hub->mailbox = mb;

    return NGX_OK;
}


/* All sockets are gone, and with them what they were written. */

void
ngx_http_socketio_mailbox_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailbox_t  *mb;

    mb = hub->mailbox;

    if (mb) {
        if (hub->mail_store->cleanup) {
            hub->mail_store->cleanup(hub);
        }

        sio_map_free(&mb->written);
        sio_buf_free(&mb->load);
        sio_free(&ngx_http_socketio_mem, mb);
        hub->mailbox = NULL;
    }
}


ngx_http_socketio_written_t *
ngx_http_socketio_mailbox_find(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket)
{
    sio_map_node_t  *node;

    if (hub->mailbox == NULL || hub->mailbox->written.count == 0) {
        return NULL;
    }

    node = sio_map_find(&hub->mailbox->written,
                        sio_str((u_char *) &socket, sizeof(sio_socket_t *)));

    return node ? sio_map_data(node, ngx_http_socketio_written_t, node) : NULL;
}


/* NULL: no memory, or the socket has no user. */

ngx_http_socketio_written_t *
ngx_http_socketio_mailbox_get(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket)
{
    ngx_http_socketio_key_t       key;
    ngx_http_socketio_written_t  *w;

    if (hub->mailbox == NULL || socket->identity == NULL) {
        return NULL;
    }

    ngx_http_socketio_mailbox_key(hub->zone, sio_namespace_name(socket->ns),
                                  sio_socket_user(socket), &key);

    w = ngx_http_socketio_mailbox_find(hub, socket);

    if (w && ngx_memcmp(&w->key, &key, sizeof(key)) == 0) {
        return w;
    }

    if (w) {
        /* it has another user now */
        ngx_http_socketio_mailbox_free(hub, w);
    }

    w = sio_calloc(&ngx_http_socketio_mem,
                   sizeof(ngx_http_socketio_written_t));
    if (w == NULL) {
        return NULL;
    }

    w->socket = socket;
    w->key = key;
    ngx_queue_init(&w->queue);

    if (sio_map_insert(&hub->mailbox->written, &w->node,
                       sio_str((u_char *) &w->socket, sizeof(sio_socket_t *)))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, w);
        return NULL;
    }

    return w;
}


void
ngx_http_socketio_mailbox_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_mailbox_unlist(w);

    ngx_http_socketio_mailbox_unwait(w);

    if (w->asking) {
        ngx_queue_remove(&w->ask);
    }

    sio_map_remove(&hub->mailbox->written, &w->node);
    sio_free(&ngx_http_socketio_mem, w);
}


static void
ngx_http_socketio_mailbox_unlist(ngx_http_socketio_written_t *w)
{
    ngx_queue_remove(&w->queue);
    ngx_queue_init(&w->queue);

    w->due = 0;
    w->settled = 0;
}


/* One mark at a time: what is written meanwhile is the next one's. */

void
ngx_http_socketio_mailbox_owe(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    if (w->waiting || w->due) {
        return;
    }

    ngx_http_socketio_mailbox_unlist(w);
    ngx_queue_insert_tail(&hub->mailbox->due, &w->queue);
    w->due = 1;

    ngx_http_socketio_hub_post(hub);
}


/* A state without anything written is no more than that it was looked for. */

void
ngx_http_socketio_mailbox_rest(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    if (w->due || w->waiting || w->asking || w->more) {
        return;
    }

    if (w->written == 0) {
        ngx_http_socketio_mailbox_free(hub, w);

    } else if (!w->settled) {
        ngx_http_socketio_mailbox_settle(hub, w);
    }
}


static void
ngx_http_socketio_mailbox_settle(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_mailbox_unlist(w);
    ngx_queue_insert_tail(&hub->mailbox->settled, &w->queue);
    w->settled = ngx_http_socketio_now();
}


ngx_uint_t
ngx_http_socketio_mailbox_known(sio_socket_t *socket)
{
    return ngx_http_socketio_mailbox_find(socket->ns->app->data, socket)
           != NULL;
}


/*
 * A heartbeat's pong is the time to look for what this worker was not told of:
 * the sender was killed between its store and its word, or there was no room
 * for that.
 */
void
ngx_http_socketio_mailbox_pong(sio_client_t *client)
{
    sio_socket_t                 *socket, *next;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = sio_client_app(client)->data;

    if (hub->mailbox == NULL) {
        return;
    }

    for (socket = client->sockets;
         socket && !client->closing;
         socket = next)
    {
        next = socket->next;
        w = ngx_http_socketio_mailbox_find(hub, socket);

        if (w && w->waiting) {

            if (eio_session_proved(client->session, w->mark)) {
                ngx_http_socketio_mailbox_proved(hub, w);
            }

        } else if (socket->accepted && (w == NULL || w->settled)) {
            ngx_http_socketio_mailbox_look(socket);
        }
    }

    ngx_http_socketio_hub_post(hub);
}


static void
ngx_http_socketio_mailbox_proved(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_uint_t  n;

    w->waiting = 0;

    if (w->covered) {
        n = hub->mail_store->remove(hub, sio_namespace_name(w->socket->ns),
                                    sio_socket_user(w->socket), w->covered);
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_PROVED, n);
    }

    if (w->more && !w->unread) {
        w->more = 0;
        ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);
    }

    if (w->written > w->covered) {
        ngx_http_socketio_mailbox_owe(hub, w);

    } else if (w->asking && !w->unread) {
        /* the home had more than there was room for: it comes now */

        if (ngx_http_socketio_mailbox_ask(hub, w) != NGX_OK) {
            w->unread = 1;
        }

    } else {
        ngx_http_socketio_mailbox_rest(hub, w);
    }
}


void
ngx_http_socketio_mailbox_gone(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = socket->ns->app->data;
    w = ngx_http_socketio_mailbox_find(hub, socket);

    if (w) {
        ngx_http_socketio_mailbox_free(hub, w);
    }
}


/* Marks behind what was written in this turn. */

void
ngx_http_socketio_mailbox_turn(ngx_http_socketio_hub_t *hub)
{
    int                           rc;
    ngx_queue_t                  *q, *next;
    eio_session_t                *s;
    ngx_http_socketio_written_t  *w;

    if (hub->mailbox == NULL) {
        return;
    }

    if (hub->mail_store->turn) {
        hub->mail_store->turn(hub);
    }

    sio_app_enter(&hub->app);

    for (q = ngx_queue_head(&hub->mailbox->due);
         q != ngx_queue_sentinel(&hub->mailbox->due);
         q = next)
    {
        next = ngx_queue_next(q);
        w = ngx_queue_data(q, ngx_http_socketio_written_t, queue);
        s = w->socket->client->session;

        /* what is held goes out first; a session on its way takes it along */

        if (!w->socket->accepted || s->frozen) {
            continue;
        }

        rc = eio_session_prove(s, &w->mark);

        if (rc == SIO_AGAIN) {
            continue;
        }

        ngx_http_socketio_mailbox_unlist(w);

        if (rc == SIO_OK) {
            w->covered = w->written;
            w->waiting = 1;
        }
    }

    sio_app_leave(&hub->app);
}


void
ngx_http_socketio_mailbox_tick(ngx_http_socketio_hub_t *hub)
{
    uint64_t                      now;
    ngx_queue_t                  *q;
    ngx_http_socketio_mailbox_t  *mb;
    ngx_http_socketio_written_t  *w;

    mb = hub->mailbox;

    if (mb == NULL) {
        return;
    }

    now = ngx_http_socketio_now();

    while (!ngx_queue_empty(&mb->settled)) {
        q = ngx_queue_head(&mb->settled);
        w = ngx_queue_data(q, ngx_http_socketio_written_t, queue);

        if (now - w->settled < NGX_HTTP_SOCKETIO_MAILBOX_LINGER) {
            break;
        }

        ngx_http_socketio_mailbox_free(hub, w);
    }

    if (!ngx_queue_empty(&mb->asks)) {
        ngx_http_socketio_mailbox_asks(hub);
    }

    if (hub->mail_store->tick) {
        hub->mail_store->tick(hub);
    }

    if (mb->load.cap > 4 * NGX_HTTP_SOCKETIO_MAILBOX_LOAD) {
        sio_buf_free(&mb->load);
    }
}


void
ngx_http_socketio_mailbox_pack(const ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w)
{
    uint8_t                       flags;
    uint32_t                      n;
    sio_socket_t                 *socket;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *written;

    hub = ngx_http_socketio_session_hub(s);
    n = 0;

    for (socket = s->client.sockets; socket; socket = socket->next) {
        n += (ngx_http_socketio_mailbox_find(hub, socket) != NULL);
    }

    sio_wire_put_u32(w, n);

    for (socket = s->client.sockets; n && socket; socket = socket->next) {
        written = ngx_http_socketio_mailbox_find(hub, socket);

        if (written == NULL) {
            continue;
        }

        flags = 0;
        flags |= written->waiting ? NGX_HTTP_SOCKETIO_MAILBOX_WAITING : 0;
        flags |= written->more ? NGX_HTTP_SOCKETIO_MAILBOX_MORE : 0;
        flags |= written->settled ? NGX_HTTP_SOCKETIO_MAILBOX_SETTLED : 0;
        flags |= written->asking ? NGX_HTTP_SOCKETIO_MAILBOX_UNREAD : 0;

        sio_wire_put_str(w, sio_socket_sid(socket));
        sio_wire_put_u64(w, written->written);
        sio_wire_put_u64(w, written->covered);
        sio_wire_put_u8(w, written->mark);
        sio_wire_put_u8(w, flags);
    }
}


ngx_int_t
ngx_http_socketio_mailbox_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r)
{
    uint8_t                       mark, flags;
    uint32_t                      n;
    uint64_t                      written, covered;
    sio_str_t                     sid;
    sio_socket_t                 *socket;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = ngx_http_socketio_session_hub(s);

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        sid = sio_wire_get_str(r);
        written = sio_wire_get_u64(r);
        covered = sio_wire_get_u64(r);
        mark = sio_wire_get_u8(r);
        flags = sio_wire_get_u8(r);

        for (socket = s->client.sockets; socket; socket = socket->next) {
            if (sio_str_eq(sio_socket_sid(socket), sid)) {
                break;
            }
        }

        /* this worker's configuration may have no mailbox any more */

        if (r->error || socket == NULL || hub->mailbox == NULL) {
            continue;
        }

        w = ngx_http_socketio_mailbox_get(hub, socket);
        if (w == NULL) {
            return NGX_ERROR;
        }

        w->written = written;
        w->covered = covered;
        w->mark = mark;
        w->waiting = ((flags & NGX_HTTP_SOCKETIO_MAILBOX_WAITING) != 0);
        w->more = ((flags & NGX_HTTP_SOCKETIO_MAILBOX_MORE) != 0);

        if ((flags & NGX_HTTP_SOCKETIO_MAILBOX_UNREAD)
            && ngx_http_socketio_mailbox_ask(hub, w) != NGX_OK)
        {
            w->unread = 1;
        }

        if (flags & NGX_HTTP_SOCKETIO_MAILBOX_SETTLED) {
            ngx_http_socketio_mailbox_settle(hub, w);

        } else if (w->written) {
            ngx_http_socketio_mailbox_owe(hub, w);
        }
    }

    return r->error ? NGX_ERROR : NGX_OK;
}


void
ngx_http_socketio_mailbox_held(ngx_http_socketio_session_t *s, sio_str_t sid,
    uint64_t id, eio_msg_t *msg)
{
    sio_socket_t  *socket;

    sio_app_enter(&ngx_http_socketio_session_hub(s)->app);

    for (socket = s->client.sockets; socket; socket = socket->next) {
        if (sio_str_eq(sio_socket_sid(socket), sid)) {
            ngx_http_socketio_mailbox_write(socket, id, msg);
            break;
        }
    }

    sio_app_leave(&ngx_http_socketio_session_hub(s)->app);
}
