/*
 * Connection state recovery: what lost sockets were put out of.
 *
 * A revocation is a record of the store, by the namespace and the room, a
 * user's or a socket's too, that was addressed; its data is when that was, in
 * msec of the calendar.  Its id tells whether a socket has heard of it: that is
 * above what the socket's record has seen.  It is kept for as long as such
 * sockets can come back.
 */


#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_recovery_state.h"


/* Above the heartbeats of a socket whose worker was killed. */

#define NGX_HTTP_SOCKETIO_RECOVERY_MARGIN  600000    /* msec */


static void
ngx_http_socketio_revocation_key(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t room, ngx_http_socketio_key_t *key)
{
    sio_str_t  names[2];

    names[0] = nsp;
    names[1] = room;

    ngx_http_socketio_store_key(hub->zone, NGX_HTTP_SOCKETIO_STORE_REVOKED,
                                names, 2, key);
}


void
ngx_http_socketio_recovery_revoke(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    const sio_str_t *rooms, ngx_uint_t n)
{
    uint64_t                   now, end;
    sio_str_t                  data;
    ngx_uint_t                 i;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_item_t  *item;

    if (hub->recovery == NULL) {
        return;
    }

    now = ngx_http_socketio_calendar();
    end = now + hub->conf->recovery + NGX_HTTP_SOCKETIO_RECOVERY_MARGIN;
    data = sio_str(&now, sizeof(uint64_t));

    ngx_http_socketio_store_lock(hub->zone);

    for (i = 0; i < n || i == 0; i++) {
        ngx_http_socketio_revocation_key(hub, nsp,
                                         n ? rooms[i] : sio_str(NULL, 0),
                                         &key);

        item = ngx_http_socketio_store_first(hub->zone, &key, 0);

        if (item) {
            /* who was lost before a reload may have longer */

            ngx_http_socketio_store_renew(hub->zone, item);
            ngx_http_socketio_store_expire(hub->zone, item,
                                           ngx_max(item->expires, end));
            *(uint64_t *) item->data = now;

        } else if (ngx_http_socketio_store_add(hub->zone, &key, 0, end, 0,
                                               &data, 1)
                   == NULL)
        {
            /* nobody who is lost by now comes back */

            hub->zone->revoked = ++hub->zone->item_id;
        }
    }

    ngx_http_socketio_store_unlock(hub->zone);
}


ngx_uint_t
ngx_http_socketio_recovery_revoked(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, sio_str_t sid, uint64_t seen, uint64_t since)
{
    ngx_uint_t                 i;
    sio_str_t                  room, user;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_item_t  *item;
    u_char                     name[SIO_ROOM_MAX];

    if (hub->zone->revoked > seen) {
        return 1;
    }

    if (hub->zone->records[NGX_HTTP_SOCKETIO_STORE_REVOKED] == 0) {
        return 0;
    }

    user = sio_user_room(sio_socket_user(socket), name);

    /* all, its own two, and what it has joined */

    for (i = 0; i < 3 + (ngx_uint_t) socket->nrooms; i++) {
        room = i == 0 ? sio_str(NULL, 0)
               : i == 1 ? sid
               : i == 2 ? user
               : sio_room_name(socket->rooms[i - 3].room);

        ngx_http_socketio_revocation_key(hub, sio_namespace_name(socket->ns),
                                         room, &key);
        item = ngx_http_socketio_store_first(hub->zone, &key, 0);

        if (item && (since ? *(uint64_t *) item->data >= since
                           : item->id > seen))
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_socketio_recovery_operated(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_key_t           key;
    ngx_http_socketio_item_t         *item;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;
    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st == NULL) {
        return;
    }

    ngx_http_socketio_recovery_key(hub, sio_str(st->pid, EIO_SID_LEN), &key);

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_recovery_own(hub, st, &key);

    if (item) {
        ((ngx_http_socketio_saved_t *) item->data)->seen = hub->zone->item_id;
    }

    ngx_http_socketio_store_unlock(hub->zone);
}
