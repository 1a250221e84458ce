/*
 * What other hosts tell, as the worker hears it that listens.
 *
 * A peer's messages are numbered.  Who meets one in the middle, or misses one,
 * knows no more which users it has: it asks, and what the peer then tells
 * between BEGIN and END is all there is.  Who has missed nothing passes over
 * it.
 *
 * What was said of users while this host did not hear it is said to the
 * clients here, and to nobody else, when the other host tells that it was.  A
 * host that has just started has no clients that could have missed something.
 */


#include "codec/sio_utf8.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_presence.h"


/* Msec for the others to answer, before nobody is thought to be there. */

#define NGX_HTTP_SOCKETIO_HOSTS_ANSWER  500


/* Who tells. */

typedef struct {
    uint64_t                   host;
    uint32_t                   slot;
    uint32_t                   incarnation;
    uint64_t                   sequence;
    uint32_t                   beat;
    uint8_t                    ready;
    uint64_t                   users;
    uint64_t                   digest;
    sio_str_t                  items;
    ngx_uint_t                 peer;
} ngx_http_socketio_told_t;


static ngx_int_t ngx_http_socketio_hosts_open(sio_str_t message,
    ngx_http_socketio_told_t *told);
static ngx_int_t ngx_http_socketio_hosts_meet(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told);
static ngx_int_t ngx_http_socketio_hosts_items(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told);
static ngx_int_t ngx_http_socketio_hosts_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_wire_t *r);
static void ngx_http_socketio_hosts_on(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_str_t nsp, sio_str_t user,
    ngx_uint_t said);
static void ngx_http_socketio_hosts_off(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_str_t nsp, sio_str_t user);
static void ngx_http_socketio_hosts_words(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, ngx_uint_t online, ngx_uint_t alone,
    uint64_t seen);
static ngx_int_t ngx_http_socketio_hosts_grant(ngx_http_socketio_hub_t *hub,
    sio_wire_t *r, sio_str_t nsp, sio_str_t user);
static void ngx_http_socketio_hosts_mark(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, ngx_uint_t begin);
static void ngx_http_socketio_hosts_spread(ngx_http_socketio_hub_t *hub,
    ngx_uint_t all);
static void ngx_http_socketio_hosts_drop(ngx_http_socketio_hub_t *hub,
    ngx_uint_t n, const char *why);
static void ngx_http_socketio_hosts_changed(ngx_http_socketio_hub_t *hub);


void
ngx_http_socketio_hosts_listen(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                 n, missed;
    ngx_http_socketio_zone_t  *zone;
    ngx_http_socketio_peer_t  *peer;

    zone = hub->zone;

    /* one who was killed has not said that it listens no more */

    missed = zone->missed || zone->listens || !zone->ready;

    for (n = 0; n < zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(zone, n);
        peer->heard = ngx_http_socketio_now();

        if (missed) {
            peer->synced = 0;
            peer->skips = 0;
        }
    }

    hub->hosts->listening = ngx_current_msec;

    zone->missed = 0;
    zone->listens = (uint32_t) hub->n + 1;

    if (missed) {
        zone->asked = 0;
        ngx_http_socketio_hosts_ask(hub);
    }
}


void
ngx_http_socketio_hosts_deaf(ngx_http_socketio_hub_t *hub, ngx_uint_t missed)
{
    if (hub->hosts && hub->zone->listens == hub->n + 1) {
        hub->zone->missed = (uint32_t) missed;
        hub->zone->listens = 0;
    }
}


void
ngx_http_socketio_hosts_ask(ngx_http_socketio_hub_t *hub)
{
    uint64_t  now;

    now = ngx_http_socketio_now();

    if (hub->zone->asked && now - hub->zone->asked < hub->hosts->beat / 2) {
        return;
    }

    hub->zone->asked = now ? now : 1;

    (void) ngx_http_socketio_hosts_put(hub, NGX_HTTP_SOCKETIO_HOSTS_ASK);
}


void
ngx_http_socketio_hosts_heard(ngx_http_socketio_hub_t *hub, sio_str_t message)
{
    ngx_http_socketio_told_t   told;
    ngx_http_socketio_peer_t  *peer;

    if (ngx_http_socketio_hosts_open(message, &told) != NGX_OK) {
        goto refused;
    }

    if (told.host == hub->hosts->self) {
        return;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    if (ngx_http_socketio_hosts_meet(hub, &told) != NGX_OK) {
        return;
    }

    peer = ngx_http_socketio_peer(hub->zone, told.peer);

    if (ngx_http_socketio_hosts_items(hub, &told) != NGX_OK) {
        peer->synced = 0;
        goto refused;
    }

    if (peer->host == 0) {
        return;
    }

    if (peer->synced && !peer->full
        && (peer->users != told.users || peer->digest != told.digest))
    {
        ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                      "socketio app \"%V\": %uL users of another host's "
                      "worker are known, it has %uL: it is asked",
                      &hub->conf->name, peer->users, told.users);
        peer->synced = 0;
    }

    if (!peer->synced) {
        ngx_http_socketio_hosts_ask(hub);
    }

    return;

refused:

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);
}


static ngx_int_t
ngx_http_socketio_hosts_open(sio_str_t message,
    ngx_http_socketio_told_t *told)
{
    uint8_t     type;
    sio_wire_t  r;

    if (sio_wire_open(&r, message.data, message.len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_HOSTS_MESSAGE)
    {
        return NGX_ERROR;
    }

    told->host = sio_wire_get_u64(&r);
    told->slot = sio_wire_get_u32(&r);
    told->incarnation = sio_wire_get_u32(&r);
    told->sequence = sio_wire_get_u64(&r);
    told->beat = sio_wire_get_u32(&r);
    told->ready = sio_wire_get_u8(&r);
    told->users = sio_wire_get_u64(&r);
    told->digest = sio_wire_get_u64(&r);
    told->items = sio_wire_get_str(&r);
    told->peer = NGX_HTTP_SOCKETIO_NO_PEER;

    return sio_wire_done(&r) == SIO_OK && told->host && told->sequence
           && told->beat && told->beat <= NGX_HTTP_SOCKETIO_HOSTS_BEAT_MAX
           ? NGX_OK : NGX_ERROR;
}


/*
 * Find the peer, or make it.  NGX_DECLINED: a late word of one who is gone,
 * or there are too many.
 */
static ngx_int_t
ngx_http_socketio_hosts_meet(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told)
{
    ngx_uint_t                 n;
    ngx_http_socketio_peer_t  *peer;

    n = ngx_http_socketio_peer_find(hub->zone, told->host, told->slot);

    if (n != NGX_HTTP_SOCKETIO_NO_PEER) {
        peer = ngx_http_socketio_peer(hub->zone, n);

        if ((int32_t) (told->incarnation - peer->incarnation) < 0) {
            return NGX_DECLINED;
        }

        if (told->incarnation != peer->incarnation) {
            ngx_http_socketio_hosts_drop(hub, n, "was replaced");
            n = NGX_HTTP_SOCKETIO_NO_PEER;
        }
    }

    if (n == NGX_HTTP_SOCKETIO_NO_PEER) {
        n = ngx_http_socketio_peer_add(hub->zone, told->host, told->slot,
                                       told->incarnation);

        if (n == NGX_HTTP_SOCKETIO_NO_PEER) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                      "socketio app \"%V\": worker %uD of host %016xL is "
                      "there", &hub->conf->name, told->slot, told->host);

        /* one that has just started has told all */

        peer = ngx_http_socketio_peer(hub->zone, n);
        peer->synced = (told->sequence == 1);
        peer->sequence = told->sequence - 1;
    }

    peer = ngx_http_socketio_peer(hub->zone, n);

    if (told->sequence != peer->sequence + 1) {
        peer->synced = 0;
        peer->telling = 0;
        peer->skips = 0;
    }

    peer->sequence = told->sequence;
    peer->heard = ngx_http_socketio_now();
    peer->beat = told->beat;

    if (peer->ready != told->ready) {
        peer->ready = told->ready;
        ngx_http_socketio_hosts_changed(hub);
    }

    told->peer = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_hosts_items(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told)
{
    uint8_t                    type;
    sio_wire_t                 r;
    ngx_http_socketio_peer_t  *peer;

    if (told->items.len == 0) {
        return NGX_OK;
    }

    if (sio_wire_open(&r, told->items.data, told->items.len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_HOSTS_ITEMS)
    {
        return NGX_ERROR;
    }

    /* nothing counts behind its own good-bye: nobody would take it back */

    peer = ngx_http_socketio_peer(hub->zone, told->peer);

    while (r.pos < r.end && peer->host) {
        if (ngx_http_socketio_hosts_item(hub, told, &r) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_hosts_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_wire_t *r)
{
    uint8_t     item, online, flag;
    uint32_t    slot, incarnation;
    uint64_t    seen;
    sio_str_t   nsp, user;
    ngx_uint_t  n;

    item = sio_wire_get_u8(r);
    nsp = sio_str(NULL, 0);
    user = nsp;

    if (item <= NGX_HTTP_SOCKETIO_HOSTS_GRANT) {
        nsp = sio_wire_get_str(r);
        user = sio_wire_get_str(r);

        if (r->error || nsp.len == 0 || nsp.len > SIO_ROOM_MAX
            || user.len == 0 || user.len > SIO_ROOM_MAX - SIO_USER_ROOM_LEN
            || sio_utf8_valid(user.data, user.len) != SIO_OK)
        {
            return NGX_ERROR;
        }
    }

    switch (item) {

    case NGX_HTTP_SOCKETIO_HOSTS_ON:
        flag = sio_wire_get_u8(r);
        ngx_http_socketio_hosts_on(hub, told, nsp, user, flag);
        break;

    case NGX_HTTP_SOCKETIO_HOSTS_OFF:
        ngx_http_socketio_hosts_off(hub, told, nsp, user);
        break;

    case NGX_HTTP_SOCKETIO_HOSTS_SAID:
        online = sio_wire_get_u8(r);
        flag = sio_wire_get_u8(r);
        seen = sio_wire_get_u64(r);
        ngx_http_socketio_hosts_words(hub, nsp, user, online, flag, seen);
        break;

    case NGX_HTTP_SOCKETIO_HOSTS_GRANT:
        return ngx_http_socketio_hosts_grant(hub, r, nsp, user);

    case NGX_HTTP_SOCKETIO_HOSTS_ASK:
        ngx_http_socketio_hosts_spread(hub, 1);
        ngx_http_socketio_hosts_all(hub);
        ngx_http_socketio_grant_tell(hub);
        break;

    case NGX_HTTP_SOCKETIO_HOSTS_BEGIN:
    case NGX_HTTP_SOCKETIO_HOSTS_END:
        ngx_http_socketio_hosts_mark(hub, told,
                                     item == NGX_HTTP_SOCKETIO_HOSTS_BEGIN);
        break;

    case NGX_HTTP_SOCKETIO_HOSTS_GONE:
        slot = sio_wire_get_u32(r);
        incarnation = sio_wire_get_u32(r);
        n = ngx_http_socketio_peer_find(hub->zone, told->host, slot);

        if (n != NGX_HTTP_SOCKETIO_NO_PEER
            && ngx_http_socketio_peer(hub->zone, n)->incarnation
               == incarnation)
        {
            ngx_http_socketio_hosts_drop(hub, n, "was killed");
        }

        break;

    case NGX_HTTP_SOCKETIO_HOSTS_BYE:
        ngx_http_socketio_hosts_drop(hub, told->peer, "has ended");
        break;

    default:
        return NGX_ERROR;
    }

    return r->error ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_socketio_hosts_on(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_str_t nsp, sio_str_t user,
    ngx_uint_t said)
{
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(hub->zone, told->peer);

    if (peer->skips) {
        return;
    }

    if (ngx_http_socketio_peer_user(hub->zone, told->peer, nsp, user, 1)
            != NGX_OK
        || hub->presence == NULL
        || ngx_http_socketio_presence_is(hub->zone, nsp, user))
    {
        return;
    }

    if (said && !hub->zone->ready) {
        ngx_http_socketio_presence_note(hub, nsp, user, 1, 0);

    } else if (said) {
        ngx_http_socketio_presence_heal(hub, nsp, user);

    } else {
        ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
    }
}


static void
ngx_http_socketio_hosts_off(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, sio_str_t nsp, sio_str_t user)
{
    (void) ngx_http_socketio_peer_user(hub->zone, told->peer, nsp, user, 0);

    if (hub->presence) {
        ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
    }
}


/* Another host has said that a user came, or went. */

static void
ngx_http_socketio_hosts_words(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, ngx_uint_t online, ngx_uint_t alone, uint64_t seen)
{
    if (hub->presence == NULL) {
        return;
    }

    if (alone) {
        ngx_http_socketio_presence_heal(hub, nsp, user);
        return;
    }

    ngx_http_socketio_presence_note(hub, nsp, user, online, seen);

    /* it may be otherwise by now */

    ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
}


static ngx_int_t
ngx_http_socketio_hosts_grant(ngx_http_socketio_hub_t *hub, sio_wire_t *r,
    sio_str_t nsp, sio_str_t user)
{
    uint64_t                   left;
    sio_str_t                  name[3];
    ngx_http_socketio_grant_t  grant;

    name[0] = nsp;
    name[1] = user;
    name[2] = sio_wire_get_str(r);

    left = sio_wire_get_u64(r);
    grant.stamp = sio_wire_get_u64(r);
    grant.host = sio_wire_get_u64(r);

    grant.expires = left ? ngx_http_socketio_calendar()
                           + ngx_min(left, NGX_HTTP_SOCKETIO_GRANT_MSEC) : 0;

    if (r->error || !sio_room_name_valid(name[2])
        || sio_room_reserved(name[2]))
    {
        return NGX_ERROR;
    }

    ngx_http_socketio_grant_heard(hub, name, &grant);

    return NGX_OK;
}


static void
ngx_http_socketio_hosts_mark(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, ngx_uint_t begin)
{
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(hub->zone, told->peer);

    if (begin) {
        if (peer->synced) {
            peer->skips = 1;

        } else {
            peer->telling = 1;
            ngx_http_socketio_peer_begin(hub->zone, told->peer);
        }

        return;
    }

    if (peer->telling) {
        peer->telling = 0;
        peer->synced = 1;
        ngx_http_socketio_peer_end(hub->zone, told->peer);
        ngx_http_socketio_presence_sweep(hub);
    }

    peer->skips = 0;
}


/* All workers here look who is there; all: they tell of their users. */

static void
ngx_http_socketio_hosts_spread(ngx_http_socketio_hub_t *hub, ngx_uint_t all)
{
    uint64_t           slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_wire_writer_t  w;

    ngx_memzero(slots, sizeof(slots));

    ngx_http_socketio_slots_live(hub->zone, slots);

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_HOSTS);
    sio_wire_put_u8(&w, all ? 1 : 0);

    if (sio_wire_end(&w) == SIO_OK) {
        (void) ngx_http_socketio_channel_send(hub, slots, 0);
    }

    ngx_http_socketio_hub_post(hub);
}


static void
ngx_http_socketio_hosts_drop(ngx_http_socketio_hub_t *hub, ngx_uint_t n,
    const char *why)
{
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(hub->zone, n);

    ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                  "socketio app \"%V\": worker %uD of host %016xL %s, it had "
                  "%uL users", &hub->conf->name, peer->slot, peer->host, why,
                  peer->users);

    ngx_http_socketio_peer_drop(hub->zone, n);
    ngx_http_socketio_hosts_changed(hub);
    ngx_http_socketio_presence_sweep(hub);
}


/* All workers look which hosts there are. */

static void
ngx_http_socketio_hosts_changed(ngx_http_socketio_hub_t *hub)
{
    (void) ngx_atomic_fetch_add(&hub->zone->members, 1);

    ngx_http_socketio_hosts_spread(hub, 0);
}


/* late: so long nothing was heard because this worker stood still. */

void
ngx_http_socketio_hosts_expire(ngx_http_socketio_hub_t *hub, ngx_msec_t late)
{
    uint64_t                   now;
    ngx_uint_t                 n;
    ngx_http_socketio_peer_t  *peer;

    now = ngx_http_socketio_now();

    for (n = 0; n < hub->zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(hub->zone, n);

        if (peer->host == 0) {
            continue;
        }

        peer->heard = ngx_min(peer->heard + late, now);

        if (now - peer->heard
            > NGX_HTTP_SOCKETIO_HOSTS_MISSING * peer->beat)
        {
            ngx_http_socketio_hosts_drop(hub, n, "is silent");
        }
    }
}


/*
 * It is known who is where when all who answered have told all; or when
 * nobody can be asked.
 */
void
ngx_http_socketio_hosts_settle(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                  n, known;
    ngx_http_socketio_peer_t   *peer;
    ngx_http_socketio_hosts_t  *hosts;

    hosts = hub->hosts;

    if (hub->zone->ready) {
        return;
    }

    known = (hub->zone->listens == hub->n + 1
             && ngx_current_msec - hosts->listening
                >= NGX_HTTP_SOCKETIO_HOSTS_ANSWER);

    for (n = 0; n < hub->zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(hub->zone, n);
        known &= (peer->host == 0 || peer->synced);
    }

    if (!known
        && ngx_current_msec - hosts->started
           < NGX_HTTP_SOCKETIO_HOSTS_MISSING * hosts->beat)
    {
        return;
    }

    hub->zone->ready = 1;

    ngx_http_socketio_hosts_changed(hub);
    ngx_http_socketio_hosts_send(hub);
}
