/*
 * The sockets' side of mailboxes: what was written to whom, and its proof.
 *
 * A state is in one of two lists: it owes a ping, or all it wrote was proved
 * and it stays for a while; in between it waits for a pong, in no list.
 */


#include "hub/ngx_http_socketio_mailbox.h"
#include "shm/ngx_http_socketio_shm_mailbox.h"


/* How long a state stays when all is proved. */

#define NGX_HTTP_SOCKETIO_MAILBOX_LINGER  10000      /* msec */

/* Items are loaded in pieces of this size, or one at a time. */

#define NGX_HTTP_SOCKETIO_MAILBOX_LOAD    65536      /* bytes */

/* Flags of a packed state. */

#define NGX_HTTP_SOCKETIO_MAILBOX_WAITING  0x01
#define NGX_HTTP_SOCKETIO_MAILBOX_MORE     0x02
#define NGX_HTTP_SOCKETIO_MAILBOX_SETTLED  0x04


/* A socket that was written something. */

typedef struct {
    sio_map_node_t             node;         /* by socket */
    ngx_queue_t                queue;
    sio_socket_t              *socket;
    ngx_http_socketio_key_t    key;          /* of the mailbox */
    uint64_t                   written;      /* id of the last item */
    uint64_t                   covered;      /* id that the ping proves */
    uint64_t                   settled;      /* msec: when all was proved */
    uint8_t                    ping;
    unsigned                   waiting:1;    /* for the ping's pong */
    unsigned                   due:1;        /* it owes a ping */
    unsigned                   more:1;       /* the buffer was full */
} ngx_http_socketio_written_t;


struct ngx_http_socketio_mailbox_s {
    sio_map_t                  written;
    ngx_queue_t                due;
    ngx_queue_t                settled;      /* the oldest first */
    sio_buf_t                  load;
};


static ngx_http_socketio_written_t *ngx_http_socketio_mailbox_find(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
static ngx_http_socketio_written_t *ngx_http_socketio_mailbox_get(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
static void ngx_http_socketio_mailbox_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_unlist(ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_owe(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_settle(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_fill(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t before);
static ngx_int_t ngx_http_socketio_mailbox_large(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, const ngx_http_socketio_load_t *load);
static ngx_int_t ngx_http_socketio_mailbox_letters(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_written_t *w,
    const ngx_http_socketio_load_t *load);
static ngx_int_t ngx_http_socketio_mailbox_out(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t id, eio_msg_t *msg);
static size_t ngx_http_socketio_mailbox_room(sio_socket_t *socket,
    ngx_uint_t *empty);
static void ngx_http_socketio_mailbox_proved(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);


ngx_int_t
ngx_http_socketio_mailbox_init(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_mailbox_t  *mb;

    if (hub->conf->mailbox_max == 0) {
        return NGX_OK;
    }

    mb = sio_calloc(&ngx_http_socketio_mem,
                    sizeof(ngx_http_socketio_mailbox_t));
    if (mb == NULL) {
        return NGX_ERROR;
    }

    sio_map_init(&mb->written, &ngx_http_socketio_mem, &hub->zone->hash);
    ngx_queue_init(&mb->due);
    ngx_queue_init(&mb->settled);
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
        sio_map_free(&mb->written);
        sio_buf_free(&mb->load);
        sio_free(&ngx_http_socketio_mem, mb);
        hub->mailbox = NULL;
    }
}


static ngx_http_socketio_written_t *
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

static ngx_http_socketio_written_t *
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


static void
ngx_http_socketio_mailbox_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_mailbox_unlist(w);
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


/* One ping at a time: what is written meanwhile is the next one's. */

static void
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


static void
ngx_http_socketio_mailbox_settle(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_mailbox_unlist(w);
    ngx_queue_insert_tail(&hub->mailbox->settled, &w->queue);
    w->settled = ngx_http_socketio_now();
}


void
ngx_http_socketio_mailbox_flush(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_written_t  *w;

    hub = socket->ns->app->data;
    w = ngx_http_socketio_mailbox_get(hub, socket);

    if (w == NULL || w->more) {
        return;
    }

    ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);

    if (w->written == 0 && !w->due) {
        ngx_http_socketio_mailbox_free(hub, w);
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


ngx_uint_t
ngx_http_socketio_mailbox_known(sio_socket_t *socket)
{
    return ngx_http_socketio_mailbox_find(socket->ns->app->data, socket)
           != NULL;
}


/*
 * What is kept between what the socket has and an id.  A mailbox may hold
 * more than may wait for a connection: then it goes on when what was written
 * has arrived.
 */
static void
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

    n = ngx_http_socketio_mailbox_take(hub->zone, &w->key, w->written);
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
    /* a pong would prove that it came */

    msg->vital = 1;

    if (sio_socket_send(w->socket, msg) != SIO_OK) {
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

    hub = client->app->data;

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

            if (eio_session_proved(client->session, w->ping)) {
                ngx_http_socketio_mailbox_proved(hub, w);
            }

        } else if (socket->accepted && (w == NULL || w->settled)) {
            ngx_http_socketio_mailbox_flush(socket);
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
        n = ngx_http_socketio_mailbox_remove(hub->zone, &w->key, w->covered);
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_PROVED, n);
    }

    if (w->more) {
        w->more = 0;
        ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);
    }

    if (w->written > w->covered) {
        ngx_http_socketio_mailbox_owe(hub, w);

    } else if (!w->due) {
        ngx_http_socketio_mailbox_settle(hub, w);
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


/* Pings for what was written in this turn. */

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

        rc = eio_session_prove(s, &w->ping);

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
    ngx_http_socketio_written_t  *written;

    n = 0;

    for (socket = s->client.sockets; socket; socket = socket->next) {
        n += (ngx_http_socketio_mailbox_find(s->hub, socket) != NULL);
    }

    sio_wire_put_u32(w, n);

    for (socket = s->client.sockets; n && socket; socket = socket->next) {
        written = ngx_http_socketio_mailbox_find(s->hub, socket);

        if (written == NULL) {
            continue;
        }

        flags = 0;
        flags |= written->waiting ? NGX_HTTP_SOCKETIO_MAILBOX_WAITING : 0;
        flags |= written->more ? NGX_HTTP_SOCKETIO_MAILBOX_MORE : 0;
        flags |= written->settled ? NGX_HTTP_SOCKETIO_MAILBOX_SETTLED : 0;

        sio_wire_put_str(w, sio_socket_sid(socket));
        sio_wire_put_u64(w, written->written);
        sio_wire_put_u64(w, written->covered);
        sio_wire_put_u8(w, written->ping);
        sio_wire_put_u8(w, flags);
    }
}


ngx_int_t
ngx_http_socketio_mailbox_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r)
{
    uint8_t                       ping, flags;
    uint32_t                      n;
    uint64_t                      written, covered;
    sio_str_t                     sid;
    sio_socket_t                 *socket;
    ngx_http_socketio_written_t  *w;

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        sid = sio_wire_get_str(r);
        written = sio_wire_get_u64(r);
        covered = sio_wire_get_u64(r);
        ping = sio_wire_get_u8(r);
        flags = sio_wire_get_u8(r);

        for (socket = s->client.sockets; socket; socket = socket->next) {
            if (sio_str_eq(sio_socket_sid(socket), sid)) {
                break;
            }
        }

        /* this worker's configuration may have no mailbox any more */

        if (r->error || socket == NULL || s->hub->mailbox == NULL) {
            continue;
        }

        w = ngx_http_socketio_mailbox_get(s->hub, socket);
        if (w == NULL) {
            return NGX_ERROR;
        }

        w->written = written;
        w->covered = covered;
        w->ping = ping;
        w->waiting = ((flags & NGX_HTTP_SOCKETIO_MAILBOX_WAITING) != 0);
        w->more = ((flags & NGX_HTTP_SOCKETIO_MAILBOX_MORE) != 0);

        if (flags & NGX_HTTP_SOCKETIO_MAILBOX_SETTLED) {
            ngx_http_socketio_mailbox_settle(s->hub, w);

        } else {
            ngx_http_socketio_mailbox_owe(s->hub, w);
        }
    }

    return r->error ? NGX_ERROR : NGX_OK;
}


void
ngx_http_socketio_mailbox_held(ngx_http_socketio_session_t *s, sio_str_t sid,
    uint64_t id, eio_msg_t *msg)
{
    sio_socket_t  *socket;

    sio_app_enter(&s->hub->app);

    for (socket = s->client.sockets; socket; socket = socket->next) {
        if (sio_str_eq(sio_socket_sid(socket), sid)) {
            ngx_http_socketio_mailbox_write(socket, id, msg);
            break;
        }
    }

    sio_app_leave(&s->hub->app);
}
