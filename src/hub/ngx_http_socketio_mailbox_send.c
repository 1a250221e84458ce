/*
 * The emits' side of mailboxes: items are stored, then those are told who are
 * online.  In this order, so that a socket that connects meanwhile finds the
 * item in the store, or is in the directory.
 */


#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_mail_store.h"


/* One item for the sockets of its user in this worker. */

typedef struct {
    sio_str_t    nsp;
    sio_str_t    user;
    uint64_t     id;
    uint64_t     sequence;
    eio_msg_t   *msg;
} ngx_http_socketio_mail_here_t;


static void ngx_http_socketio_mailbox_keep(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_mailing_t *mailing);
static void ngx_http_socketio_mailbox_zone_full(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mailing_t *mailing);
static ngx_uint_t ngx_http_socketio_mailbox_online(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_mailing_t *mailing,
    uint64_t *slots);
static void ngx_http_socketio_mailbox_tell(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mailing_t *mailing, const uint64_t *slots,
    ngx_uint_t online, uint64_t sequence);
static void ngx_http_socketio_mailbox_here(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mail_here_t *here);
static void ngx_http_socketio_mailbox_socket(sio_socket_t *socket, void *ctx);


/* The items of the mailing at hand, by room. */

static uint64_t  ngx_http_socketio_mail_ids[SIO_EMIT_ROOMS_MAX];


void
ngx_http_socketio_mailbox_send(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_mailing_t *mailing)
{
    uint64_t                       sequence;
    uint64_t                       slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_uint_t                     i, online;
    ngx_http_socketio_mail_here_t  here;

    mailing->matched = 0;
    ngx_memzero(mailing->n, sizeof(mailing->n));
    ngx_memzero(slots, sizeof(slots));

    /* rules of sockets that end meanwhile may mail too: after this one */

    sio_app_enter(&hub->app);

    ngx_http_socketio_mailbox_keep(hub, mailing);

    sequence = ngx_http_socketio_sequence_begin(hub);

    online = ngx_http_socketio_mailbox_online(hub, mailing, slots);

    if (online) {
        ngx_http_socketio_mailbox_tell(hub, mailing, slots, online, sequence);
    }

    ngx_http_socketio_sequence_end(hub);

    here.nsp = mailing->nsp;
    here.msg = mailing->msg;
    here.sequence = sequence;

    for (i = 0; online && i < mailing->nrooms; i++) {

        if (mailing->what[i] == NGX_HTTP_SOCKETIO_MAIL_DELIVERED) {
            here.user = sio_room_user(mailing->rooms[i]);
            here.id = ngx_http_socketio_mail_ids[i];

            ngx_http_socketio_mailbox_here(hub, &here);
        }
    }

    sio_app_leave(&hub->app);
}


static void
ngx_http_socketio_mailbox_keep(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_mailing_t *mailing)
{
    ngx_int_t                 rc;
    sio_str_t                 user;
    ngx_uint_t                i;
    ngx_http_socketio_put_t   put;

    ngx_memzero(&put, sizeof(ngx_http_socketio_put_t));

    if (mailing->key.len) {
        put.tag = ngx_http_socketio_mailbox_tag(hub->zone, mailing->nsp,
                                                mailing->key);
    }

    put.expires = ngx_http_socketio_calendar() + hub->conf->mailbox_ttl;
    put.max = hub->conf->mailbox_max;
    put.image = sio_str(mailing->msg->image, mailing->msg->len);

    for (i = 0; i < mailing->nrooms; i++) {

        /* each user once, as with rooms: a list of users is short */

        if (sio_name_listed(mailing->rooms[i], mailing->rooms, (unsigned) i)) {
            mailing->what[i] = NGX_HTTP_SOCKETIO_MAIL_REPEATED;
            continue;
        }

        user = sio_room_user(mailing->rooms[i]);

        ngx_http_socketio_mailbox_key(hub->zone, mailing->nsp, user,
                                      &put.key);

        rc = hub->mail_store->put(hub, mailing->nsp, user, mailing->key, &put);

        if (rc == NGX_OK) {
            mailing->what[i] = NGX_HTTP_SOCKETIO_MAIL_QUEUED;
            ngx_http_socketio_mail_ids[i] = put.id;
            ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_STORED, 1);
            ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_DROPPED,
                                   put.replaced);
            continue;
        }

        mailing->what[i] = NGX_HTTP_SOCKETIO_MAIL_REJECTED;
        mailing->n[NGX_HTTP_SOCKETIO_MAIL_REJECTED]++;

        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_MAILBOX, 1);

        if (rc == NGX_ERROR) {
            ngx_http_socketio_mailbox_zone_full(hub, mailing);

        } else {
            ngx_http_socketio_mailbox_full(hub);
        }
    }
}


static void
ngx_http_socketio_mailbox_zone_full(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mailing_t *mailing)
{
    static ngx_http_socketio_often_t  often;

    if (ngx_http_socketio_often(&often)) {
        ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                      "socketio app \"%V\": the zone is full, an item of %uD "
                      "bytes is not kept in a mailbox",
                      &hub->conf->name, mailing->msg->len);
    }
}


void
ngx_http_socketio_mailbox_full(ngx_http_socketio_hub_t *hub)
{
    static ngx_http_socketio_often_t  often;

    if (ngx_http_socketio_often(&often)) {
        ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                      "socketio app \"%V\": a mailbox holds %ui items, "
                      "another one is not kept",
                      &hub->conf->name, hub->conf->mailbox_max);
    }
}


/*
 * Returns how many users are online; slots: where on this host, all together.
 * Other hosts hear of an item from its home.
 */

static ngx_uint_t
ngx_http_socketio_mailbox_online(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_mailing_t *mailing, uint64_t *slots)
{
    sio_str_t                  user;
    ngx_uint_t                 i, n;
    ngx_http_socketio_found_t  found;

    for (i = 0; i < mailing->nrooms; i++) {

        if (mailing->what[i] != NGX_HTTP_SOCKETIO_MAIL_QUEUED) {
            continue;
        }

        user = sio_room_user(mailing->rooms[i]);
        ngx_http_socketio_directory_user(hub->zone, mailing->nsp, user,
                                         &found);

        if (found.count
            || (hub->mailer
                && ngx_http_socketio_elsewhere(hub, mailing->nsp, user)))
        {
            mailing->what[i] = NGX_HTTP_SOCKETIO_MAIL_DELIVERED;
            mailing->matched += found.count;
        }

        mailing->n[mailing->what[i]]++;

        for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS / 64; n++) {
            slots[n] |= found.slots[n];
        }
    }

    return mailing->n[NGX_HTTP_SOCKETIO_MAIL_DELIVERED];
}


/*
 * Who is not told, because the zone has no room for the message, or the
 * inbox not, has the item later: with the next one, or the next heartbeat.
 */
static void
ngx_http_socketio_mailbox_tell(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mailing_t *mailing, const uint64_t *slots,
    ngx_uint_t online, uint64_t sequence)
{
    ngx_uint_t         i;
    sio_wire_writer_t  w;

    if (!ngx_http_socketio_slots_others(slots, hub->n)) {
        return;
    }

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_MAIL);
    sio_wire_put_str(&w, mailing->nsp);
    sio_wire_put_str(&w, sio_str(mailing->msg->image, mailing->msg->len));
    sio_wire_put_u32(&w, (uint32_t) online);

    for (i = 0; i < mailing->nrooms; i++) {
        if (mailing->what[i] == NGX_HTTP_SOCKETIO_MAIL_DELIVERED) {
            sio_wire_put_str(&w, sio_room_user(mailing->rooms[i]));
            sio_wire_put_u64(&w, ngx_http_socketio_mail_ids[i]);
        }
    }

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send(hub, slots, sequence);
    }
}


/* It is told like a mailing to one user. */

void
ngx_http_socketio_mailbox_came(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, uint64_t id, eio_msg_t *msg)
{
    ngx_http_socketio_found_t            found;
    ngx_http_socketio_mail_here_t        here;

    static u_char                        bytes[SIO_ROOM_MAX];
    static sio_str_t                     room;
    static ngx_http_socketio_mailing_t   mailing;

    room = sio_user_room(user, bytes);

    if (room.len == 0) {
        return;
    }

    sio_app_enter(&hub->app);

    mailing.nsp = nsp;
    mailing.rooms = &room;
    mailing.nrooms = 1;
    mailing.msg = msg;
    mailing.what[0] = NGX_HTTP_SOCKETIO_MAIL_DELIVERED;
    ngx_http_socketio_mail_ids[0] = id;

    here.nsp = nsp;
    here.user = user;
    here.id = id;
    here.msg = msg;
    here.sequence = ngx_http_socketio_sequence_begin(hub);

    ngx_http_socketio_directory_user(hub->zone, nsp, user, &found);
    ngx_http_socketio_mailbox_tell(hub, &mailing, found.slots, 1,
                                   here.sequence);

    ngx_http_socketio_sequence_end(hub);
    ngx_http_socketio_mailbox_here(hub, &here);

    sio_app_leave(&hub->app);
}


int
ngx_http_socketio_mailbox_users(const ngx_http_socketio_mailing_t *mailing,
    ngx_http_socketio_mail_e what, sio_buf_t *buf)
{
    ngx_uint_t    i;
    sio_writer_t  w;

    sio_writer_begin(&w, buf);

    for (i = 0; i < mailing->nrooms; i++) {
        if (mailing->what[i] == what) {
            sio_writer_put_text(&w, buf->len > w.start ? "," : "");
            sio_writer_check(&w, sio_json_quote(buf,
                                         sio_room_user(mailing->rooms[i])));
        }
    }

    return w.rc;
}


void
ngx_http_socketio_mailbox_forget(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t key)
{
    if (hub->mailbox) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_MAIL_DROPPED,
                               hub->mail_store->drop(hub, nsp, key));
    }
}


void
ngx_http_socketio_mailbox_receive(ngx_http_socketio_hub_t *hub,
    ngx_uint_t type, sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint32_t                       n;
    sio_str_t                      image;
    ngx_http_socketio_mail_here_t  here;

    if (type == NGX_HTTP_SOCKETIO_RECORD_MAILER) {

        if (hub->mailer) {
            hub->mail_store->receive(hub, record, from);
        }

        return;
    }

    here.nsp = sio_wire_get_str(record);
    image = sio_wire_get_str(record);
    here.sequence = from->sequence;
    here.msg = NULL;

    n = sio_wire_get_u32(record);

    if (!record->error) {
        here.msg = eio_msg_from_image(&ngx_http_socketio_mem, image);

        if (here.msg == NULL) {
            ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                          "socketio: no memory for a message of %uz bytes",
                          image.len);
            return;
        }
    }

    while (n-- && !record->error) {
        here.user = sio_wire_get_str(record);
        here.id = sio_wire_get_u64(record);

        if (!record->error) {
            ngx_http_socketio_mailbox_here(hub, &here);
        }
    }

    if (sio_wire_done(record) != SIO_OK) {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged mail from slot %ui", from->slot);
    }

    if (here.msg) {
        eio_msg_unref(&ngx_http_socketio_mem, here.msg);
    }
}


static void
ngx_http_socketio_mailbox_here(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_mail_here_t *here)
{
    u_char            bytes[SIO_ROOM_MAX];
    sio_str_t         room;
    sio_target_t      target;
    sio_namespace_t  *ns;

    ns = sio_app_namespace(&hub->app, here->nsp);
    room = sio_user_room(here->user, bytes);

    if (ns == NULL || room.len == 0) {
        return;
    }

    ngx_memzero(&target, sizeof(sio_target_t));
    target.rooms = &room;
    target.nrooms = 1;

    (void) sio_namespace_select(ns, &target, ngx_http_socketio_mailbox_socket,
                                (void *) here);
}


/*
 * A socket that is still connecting will be written everything, this too,
 * when its rule has succeeded.
 */
static void
ngx_http_socketio_mailbox_socket(sio_socket_t *socket, void *ctx)
{
    const ngx_http_socketio_mail_here_t *here = ctx;

    ngx_http_socketio_session_t  *s;

    s = (ngx_http_socketio_session_t *) socket->client->session;

    if (s->eio.frozen) {
        (void) ngx_http_socketio_move_hold(s, here->sequence, here->msg,
                                           socket, here->id);
        return;
    }

    if (socket->accepted || ngx_http_socketio_mailbox_known(socket)) {
        ngx_http_socketio_mailbox_write(socket, here->id, here->msg);
    }
}
