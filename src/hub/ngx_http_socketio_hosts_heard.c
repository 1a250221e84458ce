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


#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_channel.h"
#include "hub/ngx_http_socketio_presence.h"


/* Msec for the others to answer, before nobody is thought to be there. */

#define NGX_HTTP_SOCKETIO_HOSTS_ANSWER  500


/* Lines of the log in a second, of workers of other hosts. */

#define NGX_HTTP_SOCKETIO_HOSTS_LINES   64


/* Who tells. */

typedef struct {
    sio_hosts_t                m;
    ngx_uint_t                 peer;
} ngx_http_socketio_told_t;


static ngx_int_t ngx_http_socketio_hosts_meet(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told);
static int ngx_http_socketio_hosts_items(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told);
static void ngx_http_socketio_hosts_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item);
static void ngx_http_socketio_hosts_on(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item);
static void ngx_http_socketio_hosts_off(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item);
static void ngx_http_socketio_hosts_words(ngx_http_socketio_hub_t *hub,
    const sio_hosts_told_t *item);
static void ngx_http_socketio_hosts_mark(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, ngx_uint_t begin);
static void ngx_http_socketio_hosts_refuse(ngx_http_socketio_hub_t *hub,
    const char *why);
static ngx_uint_t ngx_http_socketio_hosts_logs(ngx_http_socketio_hub_t *hub);
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

    zone->stale |= missed;
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

    (void) ngx_http_socketio_hosts_put(hub, SIO_HOSTS_ASK);

    /* what was said meanwhile of users here, none of those asked will tell */

    hub->hosts->asks = 1;
    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_hosts_heard(ngx_http_socketio_hub_t *hub, sio_str_t message)
{
    ngx_http_socketio_told_t   told;
    ngx_http_socketio_peer_t  *peer;

    if (sio_hosts_decode(message, &told.m) != SIO_OK
        || told.m.slot >= NGX_HTTP_SOCKETIO_SLOTS)
    {
        ngx_http_socketio_hosts_refuse(hub, "malformed");
        return;
    }

    if (told.m.host == hub->hosts->self) {
        return;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    if (ngx_http_socketio_hosts_meet(hub, &told) != NGX_OK) {
        return;
    }

    peer = ngx_http_socketio_peer(hub->zone, told.peer);

    if (ngx_http_socketio_hosts_items(hub, &told) != SIO_DONE) {
        peer->synced = 0;
        ngx_http_socketio_hosts_refuse(hub, "malformed");
        return;
    }

    if (peer->host == 0) {
        return;
    }

    if (peer->synced && !peer->full
        && (peer->users != told.m.users || peer->digest != told.m.digest))
    {
        if (ngx_http_socketio_hosts_logs(hub)) {
            ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                          "socketio app \"%V\": %uL users of another host's "
                          "worker are known, it has %uL: it is asked",
                          &hub->conf->name, peer->users, told.m.users);
        }

        peer->synced = 0;
    }

    if (!peer->synced) {
        ngx_http_socketio_hosts_ask(hub);
    }
}


/* Whoever can write to Redis is trusted, but for this. */

static void
ngx_http_socketio_hosts_refuse(ngx_http_socketio_hub_t *hub, const char *why)
{
    ngx_uint_t  n;

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED, 1);

    n = ngx_http_socketio_often(&hub->hosts->forged);

    if (n) {
        ngx_log_error(NGX_LOG_WARN, hub->log, 0,
                      "socketio app \"%V\": what another host tells was "
                      "refused: %s, %ui since the last such line",
                      &hub->conf->name, why, n);
    }
}


/* Whether a line may be written: there are as many as who tells wants. */

static ngx_uint_t
ngx_http_socketio_hosts_logs(ngx_http_socketio_hub_t *hub)
{
    if (hub->hosts->second != ngx_time()) {
        hub->hosts->second = ngx_time();
        hub->hosts->lines = 0;
    }

    return hub->hosts->lines++ < NGX_HTTP_SOCKETIO_HOSTS_LINES;
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

    n = ngx_http_socketio_peer_find(hub->zone, told->m.host, told->m.slot);

    if (n != NGX_HTTP_SOCKETIO_NO_PEER) {
        peer = ngx_http_socketio_peer(hub->zone, n);

        if ((int32_t) (told->m.incarnation - peer->incarnation) < 0) {
            return NGX_DECLINED;
        }

        if (told->m.incarnation != peer->incarnation) {
            ngx_http_socketio_hosts_drop(hub, n, "was replaced");
            n = NGX_HTTP_SOCKETIO_NO_PEER;
        }
    }

    if (n == NGX_HTTP_SOCKETIO_NO_PEER) {
        n = ngx_http_socketio_peer_add(hub->zone, told->m.host, told->m.slot,
                                       told->m.incarnation);

        if (n == NGX_HTTP_SOCKETIO_NO_PEER) {
            ngx_http_socketio_hosts_refuse(hub, "too many workers");
            return NGX_DECLINED;
        }

        if (ngx_http_socketio_hosts_logs(hub)) {
            ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                          "socketio app \"%V\": worker %uD of host %016xL is "
                          "there", &hub->conf->name, told->m.slot,
                          told->m.host);
        }

        /* one that has just started has told all */

        peer = ngx_http_socketio_peer(hub->zone, n);
        peer->synced = (told->m.sequence == 1);
        peer->sequence = told->m.sequence - 1;
    }

    peer = ngx_http_socketio_peer(hub->zone, n);
    peer->again = (peer->heard != 0);

    if (told->m.sequence != peer->sequence + 1) {
        peer->synced = 0;
        peer->telling = 0;
        peer->skips = 0;
    }

    peer->sequence = told->m.sequence;
    peer->heard = ngx_http_socketio_now();
    peer->beat = told->m.beat;

    if (peer->ready != told->m.ready) {
        peer->ready = told->m.ready;
        ngx_http_socketio_hosts_changed(hub);
    }

    told->peer = n;

    return NGX_OK;
}


/* SIO_DONE, SIO_ERROR. */

static int
ngx_http_socketio_hosts_items(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told)
{
    int                        rc;
    uint64_t                   now;
    sio_hosts_told_t           item;
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(hub->zone, told->peer);
    now = ngx_http_socketio_calendar();

    /* nothing counts behind its own good-bye: nobody would take it back */

    do {
        rc = peer->host ? sio_hosts_next(&told->m, now, &item) : SIO_DONE;

        if (rc == SIO_OK) {
            ngx_http_socketio_hosts_item(hub, told, &item);

        } else if (rc == SIO_DECLINED) {
            ngx_http_socketio_hosts_refuse(hub, "a time in the future");
        }

    } while (rc == SIO_OK || rc == SIO_DECLINED);

    return rc;
}


static void
ngx_http_socketio_hosts_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item)
{
    ngx_uint_t                 n;
    ngx_http_socketio_grant_t  grant;

    switch (item->type) {

    case SIO_HOSTS_ON:
        ngx_http_socketio_hosts_on(hub, told, item);
        break;

    case SIO_HOSTS_OFF:
        ngx_http_socketio_hosts_off(hub, told, item);
        break;

    case SIO_HOSTS_SAID:
        ngx_http_socketio_hosts_words(hub, item);
        break;

    case SIO_HOSTS_GRANT:
        grant.expires = item->left == 0 ? 0
                        : ngx_http_socketio_calendar()
                          + ngx_min(item->left, NGX_HTTP_SOCKETIO_GRANT_MSEC);
        grant.stamp = item->stamp;
        grant.host = item->host;

        ngx_http_socketio_grant_heard(hub, item->name, &grant);
        break;

    case SIO_HOSTS_ASK:
        hub->hosts->owes = 1;
        ngx_http_socketio_hub_post(hub);
        break;

    case SIO_HOSTS_BEGIN:
    case SIO_HOSTS_END:
        ngx_http_socketio_hosts_mark(hub, told, item->type == SIO_HOSTS_BEGIN);
        break;

    case SIO_HOSTS_GONE:
        n = ngx_http_socketio_peer_find(hub->zone, told->m.host, item->slot);

        if (n != NGX_HTTP_SOCKETIO_NO_PEER
            && ngx_http_socketio_peer(hub->zone, n)->incarnation
               == item->incarnation)
        {
            ngx_http_socketio_hosts_drop(hub, n, "was killed");
        }

        break;

    default: /* SIO_HOSTS_BYE */
        ngx_http_socketio_hosts_drop(hub, told->peer, "has ended");
    }
}


static void
ngx_http_socketio_hosts_on(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item)
{
    sio_str_t                  nsp, user;
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(hub->zone, told->peer);
    nsp = item->name[0];
    user = item->name[1];

    if (peer->skips) {
        return;
    }

    if (ngx_http_socketio_peer_user(hub->zone, told->peer, nsp, user, 1)
            != NGX_OK
        || hub->presence == NULL)
    {
        return;
    }

    if (ngx_http_socketio_presence_stays(hub->zone, nsp, user)) {

        if (item->said == SIO_HOSTS_UNHEARD
            && ngx_http_socketio_hosts_mine(hub, nsp, user))
        {
            ngx_http_socketio_presence_again(hub, nsp, user, 0);
        }

        return;
    }

    if (item->said == SIO_HOSTS_WAS_SAID && !hub->zone->ready) {
        ngx_http_socketio_presence_note(hub, nsp, user, 1, 0);

    } else if (item->said == SIO_HOSTS_WAS_SAID) {
        ngx_http_socketio_presence_again(hub, nsp, user, 1);

    } else {
        ngx_http_socketio_presence_queue(hub, nsp, user, 0, 0);
    }
}


static void
ngx_http_socketio_hosts_off(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_told_t *told, const sio_hosts_told_t *item)
{
    (void) ngx_http_socketio_peer_user(hub->zone, told->peer, item->name[0],
                                       item->name[1], 0);

    if (hub->presence) {
        ngx_http_socketio_presence_queue(hub, item->name[0], item->name[1], 0,
                                         0);
    }
}


/* Another host has said that a user came, or went. */

static void
ngx_http_socketio_hosts_words(ngx_http_socketio_hub_t *hub,
    const sio_hosts_told_t *item)
{
    if (hub->presence == NULL) {
        return;
    }

    if (item->alone) {
        ngx_http_socketio_presence_again(hub, item->name[0], item->name[1], 1);
        return;
    }

    ngx_http_socketio_presence_note(hub, item->name[0], item->name[1],
                                    item->online, item->seen);

    /* it may be otherwise by now */

    ngx_http_socketio_presence_queue(hub, item->name[0], item->name[1], 0, 0);
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


void
ngx_http_socketio_hosts_spread(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_hosts_users_e users)
{
    uint64_t           slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_wire_writer_t  w;

    ngx_memzero(slots, sizeof(slots));

    ngx_http_socketio_slots_live(hub->zone, slots);

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_HOSTS);
    sio_wire_put_u8(&w, (uint8_t) users);

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

    if (ngx_http_socketio_hosts_logs(hub)) {
        ngx_log_error(NGX_LOG_INFO, hub->log, 0,
                      "socketio app \"%V\": worker %uD of host %016xL %s, it "
                      "had %uL users", &hub->conf->name, peer->slot,
                      peer->host, why, peer->users);
    }

    ngx_http_socketio_peer_drop(hub->zone, n);
    ngx_http_socketio_hosts_changed(hub);
    ngx_http_socketio_presence_sweep(hub);
}


/* All workers look which hosts there are. */

static void
ngx_http_socketio_hosts_changed(ngx_http_socketio_hub_t *hub)
{
    (void) ngx_atomic_fetch_add(&hub->zone->members, 1);

    hub->hosts->changed = 1;
    ngx_http_socketio_hub_post(hub);
}


/* late: so long nothing was heard because this worker stood still. */

void
ngx_http_socketio_hosts_expire(ngx_http_socketio_hub_t *hub, ngx_msec_t late)
{
    uint64_t                   now, beat;
    ngx_uint_t                 n;
    ngx_http_socketio_peer_t  *peer;

    now = ngx_http_socketio_now();

    for (n = 0; n < hub->zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(hub->zone, n);

        if (peer->host == 0) {
            continue;
        }

        peer->heard = ngx_min(peer->heard + late, now);

        /* one that was heard once is none to be waited for long */

        beat = peer->again ? peer->beat
                           : ngx_min(peer->beat, hub->hosts->beat);

        if (now - peer->heard > NGX_HTTP_SOCKETIO_HOSTS_MISSING * beat) {
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
