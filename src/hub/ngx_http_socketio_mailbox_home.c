/*
 * Sockets that wait for what the home of mailboxes has for their users.
 *
 * A socket that connects asks, and is written nothing until the answer is
 * there, so that the order is that of the home.  If the home is away, what the
 * zone has goes out, and the rest when it is back: the socket asks again.
 *
 * What comes meanwhile is kept with the socket: another one may prove it, and
 * then it is in the zone no more.  If the answer brought something to the zone,
 * nobody else here can have proved it; it is behind it there, with a new id.
 */


#include "hub/ngx_http_socketio_mailbox_state.h"


#define NGX_HTTP_SOCKETIO_MAILBOX_AGAIN  900     /* msec, nearly a tick */
#define NGX_HTTP_SOCKETIO_MAILBOX_WAIT   1900    /* msec for an answer */


typedef struct {
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_brought_e   what;
    ngx_uint_t                    added;
} ngx_http_socketio_brought_t;


static void ngx_http_socketio_mailbox_answered(sio_socket_t *socket,
    void *ctx);
static void ngx_http_socketio_mailbox_go(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
static void ngx_http_socketio_mailbox_unask(ngx_http_socketio_written_t *w);


ngx_int_t
ngx_http_socketio_mailbox_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    sio_socket_t  *socket;

    socket = w->socket;

    if (hub->mail_store->bring(hub, sio_namespace_name(socket->ns),
                               sio_socket_user(socket))
        == NGX_OK)
    {
        return NGX_OK;
    }

    if (w->asking) {
        ngx_queue_remove(&w->ask);
    }

    /* the list is in the order of questions */

    ngx_queue_insert_tail(&hub->mailbox->asks, &w->ask);
    w->asked = ngx_http_socketio_now();
    w->asking = 1;

    return NGX_AGAIN;
}


static void
ngx_http_socketio_mailbox_unask(ngx_http_socketio_written_t *w)
{
    if (w->asking) {
        ngx_queue_remove(&w->ask);
        w->asking = 0;
    }

    w->unread = 0;
}


void
ngx_http_socketio_mailbox_brought(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_http_socketio_brought_e what, ngx_uint_t added)
{
    u_char                       bytes[SIO_ROOM_MAX];
    sio_str_t                    room;
    sio_target_t                 target;
    sio_namespace_t             *ns;
    ngx_http_socketio_brought_t  brought;

    ns = sio_app_namespace(&hub->app, nsp);
    room = sio_user_room(user, bytes);

    if (ns == NULL || room.len == 0) {
        return;
    }

    brought.hub = hub;
    brought.what = what;
    brought.added = added;

    ngx_memzero(&target, sizeof(sio_target_t));
    target.rooms = &room;
    target.nrooms = 1;

    sio_app_enter(&hub->app);

    (void) sio_namespace_select(ns, &target,
                                ngx_http_socketio_mailbox_answered, &brought);

    sio_app_leave(&hub->app);

    ngx_http_socketio_hub_post(hub);
}


/* Who did not ask may be written something all the same: it was missed. */

static void
ngx_http_socketio_mailbox_answered(sio_socket_t *socket, void *ctx)
{
    ngx_http_socketio_brought_t *brought = ctx;

    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_session_t  *s;
    ngx_http_socketio_written_t  *w;

    hub = brought->hub;
    s = (ngx_http_socketio_session_t *) socket->client->session;
    w = ngx_http_socketio_mailbox_find(hub, socket);

    /* a session on its way asks again where it arrives */

    if (s->eio.frozen || socket->leaving) {
        return;
    }

    if (w == NULL || !w->asking) {
        if (socket->accepted && brought->what != NGX_HTTP_SOCKETIO_MAIL_AWAY) {
            ngx_http_socketio_mailbox_look(socket);
        }

        return;
    }

    if (brought->what == NGX_HTTP_SOCKETIO_MAIL_ALL) {
        ngx_http_socketio_mailbox_unask(w);
    }

    if (brought->added) {
        ngx_http_socketio_mailbox_unwait(w);
    }

    ngx_http_socketio_mailbox_go(hub, w);
}


/* Write what the zone has, and what has waited in between. */

static void
ngx_http_socketio_mailbox_go(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_waits_t  *waits;

    w->unread = 0;

    while ((waits = w->waits) != NULL) {
        w->waits = waits->next;

        ngx_http_socketio_mailbox_write(w->socket, waits->id, waits->msg);

        eio_msg_unref(&ngx_http_socketio_mem, waits->msg);
        sio_free(&ngx_http_socketio_mem, waits);
    }

    w->bytes = 0;

    if (!w->more) {
        ngx_http_socketio_mailbox_fill(hub, w, UINT64_MAX);
    }

    ngx_http_socketio_mailbox_rest(hub, w);
}


/* What is too much is in the zone, most likely. */

void
ngx_http_socketio_mailbox_wait(ngx_http_socketio_written_t *w, uint64_t id,
    eio_msg_t *msg)
{
    ngx_http_socketio_waits_t  *waits, **last;

    if (w->bytes + msg->len > w->socket->client->session->options->buffer / 2)
    {
        return;
    }

    waits = sio_alloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_waits_t));
    if (waits == NULL) {
        return;
    }

    for (last = &w->waits; *last && (*last)->id < id; last = &(*last)->next)
    { /* void */ }

    waits->next = *last;
    waits->id = id;
    waits->msg = eio_msg_ref(msg);

    *last = waits;
    w->bytes += msg->len + sizeof(ngx_http_socketio_waits_t);
}


void
ngx_http_socketio_mailbox_unwait(ngx_http_socketio_written_t *w)
{
    ngx_http_socketio_waits_t  *waits;

    while ((waits = w->waits) != NULL) {
        w->waits = waits->next;
        eio_msg_unref(&ngx_http_socketio_mem, waits->msg);
        sio_free(&ngx_http_socketio_mem, waits);
    }

    w->bytes = 0;
}


void
ngx_http_socketio_mailbox_asks(ngx_http_socketio_hub_t *hub)
{
    uint64_t                      now, since;
    ngx_uint_t                    n;
    ngx_queue_t                  *q;
    ngx_http_socketio_mailbox_t  *mb;
    ngx_http_socketio_written_t  *w;

    mb = hub->mailbox;
    now = ngx_http_socketio_now();
    n = mb->written.count;

    sio_app_enter(&hub->app);

    while (n-- && !ngx_queue_empty(&mb->asks)) {
        q = ngx_queue_head(&mb->asks);
        w = ngx_queue_data(q, ngx_http_socketio_written_t, ask);
        since = now - w->asked;

        if (since < NGX_HTTP_SOCKETIO_MAILBOX_AGAIN) {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&mb->asks, q);

        if (w->unread && since < NGX_HTTP_SOCKETIO_MAILBOX_WAIT) {
            continue;
        }

        if (w->unread) {
            ngx_http_socketio_mailbox_go(hub, w);
        }

        if (hub->zone->mail_up
            && ngx_http_socketio_mailbox_ask(hub, w) == NGX_OK)
        {
            ngx_http_socketio_mailbox_unask(w);
        }
    }

    sio_app_leave(&hub->app);
}
