/*
 * What this worker tells other hosts, and which hosts say something of users.
 *
 * Items are collected and sent at the end of the turn, behind what was
 * emitted in it.  A message that could not be written is counted all the same:
 * the others miss its number, and ask.
 */


#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_presence.h"


#define NGX_HTTP_SOCKETIO_HOSTS_ITEMS_MAX  32768     /* bytes, about */
#define NGX_HTTP_SOCKETIO_HOSTS_MEMORY     (1024 * 1024)

/* Msec: how often to look until it is known who is where. */

#define NGX_HTTP_SOCKETIO_HOSTS_LOOK       100


static void ngx_http_socketio_hosts_timer(ngx_event_t *ev);
static ngx_uint_t ngx_http_socketio_hosts_leads(ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_hosts_members(
    ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_hosts_member(ngx_http_socketio_hosts_t *hosts,
    uint64_t id);
static void ngx_http_socketio_hosts_users(ngx_http_socketio_hub_t *hub,
    ngx_uint_t all);
static void ngx_http_socketio_hosts_user(ngx_http_socketio_hub_t *hub,
    sio_namespace_t *ns, sio_room_t *room, ngx_uint_t all);


ngx_int_t
ngx_http_socketio_hosts_init(ngx_http_socketio_hub_t *hub, ngx_msec_t beat)
{
    ngx_http_socketio_hosts_t  *hosts;

    hosts = sio_calloc(&ngx_http_socketio_mem,
                       sizeof(ngx_http_socketio_hosts_t));
    if (hosts == NULL) {
        return NGX_ERROR;
    }

    hosts->self = ngx_http_socketio_peer_self(hub->zone);
    hosts->beat = beat;
    hosts->started = ngx_current_msec;
    hosts->tells = (hub->conf->presence || hub->conf->mailbox_max
                    || hub->conf->asks_online);

    sio_buf_init(&hosts->items, &ngx_http_socketio_mem,
                 NGX_HTTP_SOCKETIO_HOSTS_MEMORY);
    sio_buf_init(&hosts->message, &ngx_http_socketio_mem,
                 2 * NGX_HTTP_SOCKETIO_HOSTS_MEMORY);

    hosts->timer.handler = ngx_http_socketio_hosts_timer;
    hosts->timer.data = &hub->dummy;
    hosts->timer.log = hub->log;
    hosts->timer.cancelable = 1;

    hosts->fired = ngx_current_msec + NGX_HTTP_SOCKETIO_HOSTS_LOOK;
    ngx_add_timer(&hosts->timer, NGX_HTTP_SOCKETIO_HOSTS_LOOK);

    hub->hosts = hosts;

    (void) ngx_http_socketio_hosts_members(hub);

    /* those who knew a predecessor in this slot know that it is gone */

    ngx_http_socketio_hosts_send(hub);

    return NGX_OK;
}


void
ngx_http_socketio_hosts_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    if (hosts == NULL) {
        return;
    }

    (void) ngx_http_socketio_hosts_put(hub, SIO_HOSTS_BYE);
    ngx_http_socketio_hosts_send(hub);

    if (hosts->timer.timer_set) {
        ngx_del_timer(&hosts->timer);
    }

    if (hosts->grants.timer_set) {
        ngx_del_timer(&hosts->grants);
    }

    sio_buf_free(&hosts->items);
    sio_buf_free(&hosts->message);
    sio_free(&ngx_http_socketio_mem, hosts);

    hub->hosts = NULL;
}


static void
ngx_http_socketio_hosts_timer(ngx_event_t *ev)
{
    ngx_msec_t                  late, next;
    ngx_connection_t           *c;
    ngx_http_socketio_hub_t    *hub;
    ngx_http_socketio_hosts_t  *hosts;

    c = ev->data;
    hub = c->data;
    hosts = hub->hosts;

    late = ngx_current_msec - hosts->fired;

    if (ngx_http_socketio_hosts_leads(hub)) {
        ngx_http_socketio_hosts_expire(hub, late);
    }

    ngx_http_socketio_hosts_settle(hub);

    if (ngx_current_msec - hosts->sent >= hosts->beat) {
        ngx_http_socketio_hosts_send(hub);
    }

    ngx_http_socketio_hub_post(hub);

    next = hosts->beat - ngx_min(hosts->beat - 1,
                                 ngx_current_msec - hosts->sent);

    if (!hub->zone->ready) {
        next = ngx_min(next, NGX_HTTP_SOCKETIO_HOSTS_LOOK);
    }

    hosts->fired = ngx_current_msec + next;
    ngx_add_timer(&hosts->timer, next);
}


/* Who listens to the others also notes that they are silent. */

static ngx_uint_t
ngx_http_socketio_hosts_leads(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t  n;

    if (hub->zone->listens) {
        return hub->zone->listens == hub->n + 1;
    }

    for (n = 0; n < hub->n; n++) {
        if (ngx_http_socketio_slot(hub->zone, n)->pid) {
            return 0;
        }
    }

    return 1;
}


sio_wire_writer_t *
ngx_http_socketio_hosts_put(ngx_http_socketio_hub_t *hub,
    sio_hosts_item_e item)
{
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    if (hosts->open && hosts->items.len > NGX_HTTP_SOCKETIO_HOSTS_ITEMS_MAX) {
        ngx_http_socketio_hosts_send(hub);
    }

    if (!hosts->open) {
        hosts->open = 1;
        sio_buf_reset(&hosts->items);
        sio_wire_begin(&hosts->writer, &hosts->items,
                       SIO_HOSTS_ITEMS);
        ngx_http_socketio_hub_post(hub);
    }

    sio_wire_put_u8(&hosts->writer, (uint8_t) item);

    return &hosts->writer;
}


void
ngx_http_socketio_hosts_send(ngx_http_socketio_hub_t *hub)
{
    int                         rc;
    sio_str_t                   items;
    sio_wire_writer_t           w;
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;
    items = sio_str(NULL, 0);
    rc = SIO_OK;

    if (hosts->open) {
        hosts->open = 0;
        rc = sio_wire_end(&hosts->writer);
        items = sio_buf_str(&hosts->items);
    }

    hosts->sequence++;
    hosts->sent = ngx_current_msec;

    sio_buf_reset(&hosts->message);
    sio_wire_begin(&w, &hosts->message, SIO_HOSTS_MESSAGE);
    sio_wire_put_u64(&w, hosts->self);
    sio_wire_put_u32(&w, (uint32_t) hub->n);
    sio_wire_put_u32(&w, hub->incarnation);
    sio_wire_put_u64(&w, hosts->sequence);
    sio_wire_put_u32(&w, (uint32_t) hosts->beat);
    sio_wire_put_u8(&w, hub->zone->ready ? 1 : 0);
    sio_wire_put_u64(&w, hosts->users);
    sio_wire_put_u64(&w, hosts->digest);
    sio_wire_put_str(&w, items);

    if (rc == SIO_OK && sio_wire_end(&w) == SIO_OK) {
        hub->cluster->tell(hub, sio_buf_str(&hosts->message));
    }
}


void
ngx_http_socketio_hosts_came(sio_socket_t *socket)
{
    u_char                      name[SIO_ROOM_MAX];
    sio_str_t                   nsp, user;
    sio_room_t                 *room;
    sio_wire_writer_t          *w;
    ngx_http_socketio_hub_t    *hub;
    ngx_http_socketio_hosts_t  *hosts;

    hub = socket->ns->app->data;
    hosts = hub->hosts;
    user = sio_socket_user(socket);

    if (hosts == NULL || !hosts->tells || user.len == 0
        || user.len > SIO_ROOM_MAX - SIO_USER_ROOM_LEN)
    {
        return;
    }

    room = sio_namespace_room(socket->ns, sio_user_room(user, name));

    if (room == NULL || room->told) {
        return;
    }

    nsp = sio_namespace_name(socket->ns);
    room->told = 1;
    hosts->users++;
    hosts->digest ^= ngx_http_socketio_peer_hash(nsp, user);

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_ON);
    sio_wire_put_str(w, nsp);
    sio_wire_put_str(w, user);
    sio_wire_put_u8(w, SIO_HOSTS_UNSAID);
}


void
ngx_http_socketio_hosts_left(sio_room_t *room)
{
    sio_str_t                   nsp, user;
    sio_wire_writer_t          *w;
    ngx_http_socketio_hub_t    *hub;
    ngx_http_socketio_hosts_t  *hosts;

    hub = room->ns->app->data;
    hosts = hub->hosts;

    user = sio_room_user(sio_room_name(room));

    if (hosts == NULL || !room->told || user.len == 0) {
        return;
    }

    nsp = sio_namespace_name(room->ns);
    room->told = 0;
    hosts->users--;
    hosts->digest ^= ngx_http_socketio_peer_hash(nsp, user);

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_OFF);
    sio_wire_put_str(w, nsp);
    sio_wire_put_str(w, user);
}


uint64_t
ngx_http_socketio_hosts_spoken(ngx_http_socketio_hub_t *hub)
{
    return hub->hosts ? hub->cluster->spoken(hub) : 0;
}


ngx_uint_t
ngx_http_socketio_hosts_settled(ngx_http_socketio_hub_t *hub, uint64_t spoken)
{
    return spoken == 0 || hub->hosts == NULL
           || hub->cluster->settled(hub, spoken);
}


void
ngx_http_socketio_hosts_gone(ngx_http_socketio_hub_t *hub, ngx_uint_t slot,
    uint32_t incarnation)
{
    sio_wire_writer_t  *w;

    if (hub->hosts == NULL) {
        return;
    }

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_GONE);
    sio_wire_put_u32(w, (uint32_t) slot);
    sio_wire_put_u32(w, incarnation);
}


void
ngx_http_socketio_hosts_said(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t online, ngx_uint_t alone, uint64_t seen)
{
    sio_wire_writer_t  *w;

    if (hub->hosts == NULL) {
        return;
    }

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_SAID);
    sio_wire_put_str(w, nsp);
    sio_wire_put_str(w, user);
    sio_wire_put_u8(w, online ? 1 : 0);
    sio_wire_put_u8(w, alone || !ngx_http_socketio_hosts_heeded(hub) ? 1 : 0);
    sio_wire_put_u64(w, seen);
}


void
ngx_http_socketio_hosts_granted(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, const ngx_http_socketio_grant_t *grant)
{
    uint64_t            left, now;
    ngx_uint_t          i;
    sio_wire_writer_t  *w;

    if (hub->hosts == NULL) {
        return;
    }

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_GRANT);

    /* how long it lasts: the other host's calendar may be minutes away */

    now = ngx_http_socketio_calendar();
    left = grant->expires == 0 ? 0
           : grant->expires > now ? grant->expires - now : 1;

    for (i = 0; i < 3; i++) {
        sio_wire_put_str(w, name[i]);
    }

    sio_wire_put_u64(w, left);
    sio_wire_put_u64(w, grant->stamp);
    sio_wire_put_u64(w, grant->host);
}


void
ngx_http_socketio_hosts_turn(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    if (hosts->members != hub->zone->members
        && ngx_http_socketio_hosts_members(hub))
    {
        ngx_http_socketio_hosts_users(hub, 0);

        if (ngx_http_socketio_hosts_leads(hub)) {
            ngx_http_socketio_presence_sweep(hub);
        }
    }

    if (hosts->changed) {
        hosts->changed = 0;
        ngx_http_socketio_hosts_spread(hub, NGX_HTTP_SOCKETIO_HOSTS_NONE);
    }

    if (hosts->asks) {
        hosts->asks = 0;

        if (hub->presence) {
            ngx_http_socketio_hosts_spread(hub,
                                       NGX_HTTP_SOCKETIO_HOSTS_UNHEARD);
            ngx_http_socketio_hosts_users(hub, 0);
        }
    }

    /* if it has just been answered the tick comes back to it */

    if (hosts->owes && (hosts->answered == 0
                        || ngx_current_msec - hosts->answered
                           >= hosts->beat / 4))
    {
        hosts->owes = 0;
        hosts->answered = ngx_current_msec;

        ngx_http_socketio_hosts_spread(hub, NGX_HTTP_SOCKETIO_HOSTS_ALL);
        ngx_http_socketio_hosts_all(hub);
        ngx_http_socketio_grant_tell(hub);
    }

    if (hosts->open) {
        ngx_http_socketio_hosts_send(hub);
    }
}


/* The hosts that say something, as they are now: 1 if there are others. */

static ngx_uint_t
ngx_http_socketio_hosts_members(ngx_http_socketio_hub_t *hub)
{
    uint64_t                    old[NGX_HTTP_SOCKETIO_HOSTS_MAX];
    ngx_uint_t                  n, nold;
    ngx_http_socketio_peer_t   *peer;
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    nold = hosts->nids;
    ngx_memcpy(old, hosts->ids, nold * sizeof(uint64_t));

    hosts->members = hub->zone->members;
    hosts->nids = 0;

    if (hub->zone->ready) {
        ngx_http_socketio_hosts_member(hosts, hosts->self);
    }

    for (n = 0; n < hub->zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(hub->zone, n);

        if (peer->host && peer->ready) {
            ngx_http_socketio_hosts_member(hosts, peer->host);
        }
    }

    return nold != hosts->nids
           || ngx_memcmp(old, hosts->ids, nold * sizeof(uint64_t)) != 0;
}


/* In order, each once. */

static void
ngx_http_socketio_hosts_member(ngx_http_socketio_hosts_t *hosts, uint64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < hosts->nids && hosts->ids[i] < id; i++) { /* void */ }

    if ((i < hosts->nids && hosts->ids[i] == id)
        || hosts->nids == NGX_HTTP_SOCKETIO_HOSTS_MAX)
    {
        return;
    }

    ngx_memmove(&hosts->ids[i + 1], &hosts->ids[i],
                (hosts->nids - i) * sizeof(uint64_t));

    hosts->ids[i] = id;
    hosts->nids++;
}


/*
 * The host for which a hash of it and of the user is the largest: all who know
 * the same hosts find the same one.
 */
ngx_uint_t
ngx_http_socketio_hosts_mine(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    uint64_t                    words[2], best, hash;
    ngx_uint_t                  i, mine;
    ngx_http_socketio_hosts_t  *hosts;

    static const sio_hash_key_t  key = { 0x77686f20736179, 0x73206974 };

    hosts = hub->hosts;

    if (hosts == NULL) {
        return 1;
    }

    words[0] = ngx_http_socketio_peer_hash(nsp, user);
    best = 0;
    mine = 0;

    for (i = 0; i < hosts->nids; i++) {
        words[1] = hosts->ids[i];
        hash = sio_hash(&key, words, sizeof(words));

        if (hash >= best) {
            best = hash;
            mine = (hosts->ids[i] == hosts->self);
        }
    }

    return mine;
}


ngx_uint_t
ngx_http_socketio_hosts_heeded(ngx_http_socketio_hub_t *hub)
{
    return hub->hosts == NULL || hub->zone->listens;
}


uint64_t
ngx_http_socketio_hosts_patience(ngx_http_socketio_hub_t *hub)
{
    return hub->hosts ? NGX_HTTP_SOCKETIO_HOSTS_PATIENCE * hub->hosts->beat
                      : 0;
}


void
ngx_http_socketio_hosts_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record)
{
    uint8_t  users;

    users = sio_wire_get_u8(record);

    if (hub->hosts && sio_wire_done(record) == SIO_OK) {
        ngx_http_socketio_hub_post(hub);

        if (users == NGX_HTTP_SOCKETIO_HOSTS_ALL) {
            ngx_http_socketio_hosts_all(hub);

        } else if (users == NGX_HTTP_SOCKETIO_HOSTS_UNHEARD) {
            ngx_http_socketio_hosts_users(hub, 0);
        }
    }
}


void
ngx_http_socketio_hosts_all(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    /* several hosts may ask at once, and all hear the answer */

    if (hosts->told
        && ngx_current_msec - hosts->told < hosts->beat / 4)
    {
        return;
    }

    hosts->told = ngx_current_msec;

    (void) ngx_http_socketio_hosts_put(hub, SIO_HOSTS_BEGIN);
    ngx_http_socketio_hosts_users(hub, 1);
    (void) ngx_http_socketio_hosts_put(hub, SIO_HOSTS_END);

    ngx_http_socketio_hosts_send(hub);
}


/* All users here who were told of; or those of whom nothing was said yet. */

static void
ngx_http_socketio_hosts_users(ngx_http_socketio_hub_t *hub, ngx_uint_t all)
{
    uint32_t          cursor, inner;
    sio_room_t       *room;
    sio_map_node_t   *node, *saved, *inner_saved;
    sio_namespace_t  *ns;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->app.namespaces, &cursor, &saved))
           != NULL)
    {
        ns = sio_map_data(node, sio_namespace_t, node);
        inner = 0;
        inner_saved = NULL;

        while ((node = sio_map_next(&ns->rooms, &inner, &inner_saved)) != NULL)
        {
            room = sio_map_data(node, sio_room_t, node);

            if (room->told) {
                ngx_http_socketio_hosts_user(hub, ns, room, all);
            }
        }
    }
}


static void
ngx_http_socketio_hosts_user(ngx_http_socketio_hub_t *hub,
    sio_namespace_t *ns, sio_room_t *room, ngx_uint_t all)
{
    sio_str_t           nsp, user;
    ngx_uint_t          said;
    sio_wire_writer_t  *w;

    nsp = sio_namespace_name(ns);
    user = sio_room_user(sio_room_name(room));

    if (user.len == 0) {
        return;
    }

    said = hub->presence
           && ngx_http_socketio_presence_stays(hub->zone, nsp, user);

    if (!all) {
        if (said || hub->presence == NULL) {
            return;
        }

        ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
    }

    w = ngx_http_socketio_hosts_put(hub, SIO_HOSTS_ON);
    sio_wire_put_str(w, nsp);
    sio_wire_put_str(w, user);
    sio_wire_put_u8(w, said ? SIO_HOSTS_WAS_SAID : SIO_HOSTS_UNHEARD);
}


ngx_uint_t
ngx_http_socketio_elsewhere(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    return hub->hosts && ngx_http_socketio_peer_has(hub->zone, nsp, user);
}
