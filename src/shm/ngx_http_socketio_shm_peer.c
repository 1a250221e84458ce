/*
 * Workers of other hosts.
 *
 * A peer's epoch is what its cells have for an incarnation.  It is raised when
 * the peer goes, and when it begins to tell of its users anew; so what was
 * known is void by one store.  The cells are taken back later, those of all
 * peers in one walk over the directory, however many went.
 */


#include "shm/ngx_http_socketio_shm_peer.h"


static void ngx_http_socketio_peer_epochs(ngx_http_socketio_peer_t *peer,
    uint32_t first, uint32_t last);


uint64_t
ngx_http_socketio_peer_self(ngx_http_socketio_zone_t *zone)
{
    uint64_t  id;

    id = sio_hash(&zone->hash, "host", 4);

    return id ? id : 1;
}


ngx_uint_t
ngx_http_socketio_peer_find(ngx_http_socketio_zone_t *zone, uint64_t host,
    uint32_t slot)
{
    ngx_uint_t                 n;
    ngx_http_socketio_peer_t  *peer;

    for (n = 0; n < zone->peer_top; n++) {
        peer = ngx_http_socketio_peer(zone, n);

        if (peer->host == host && peer->slot == slot) {
            return n;
        }
    }

    return NGX_HTTP_SOCKETIO_NO_PEER;
}


ngx_uint_t
ngx_http_socketio_peer_add(ngx_http_socketio_zone_t *zone, uint64_t host,
    uint32_t slot, uint32_t incarnation)
{
    ngx_uint_t                 n;
    ngx_http_socketio_peer_t  *peer;

    for (n = 0; n < NGX_HTTP_SOCKETIO_PEERS; n++) {
        peer = ngx_http_socketio_peer(zone, n);

        if (peer->host == 0) {
            break;
        }
    }

    if (n == NGX_HTTP_SOCKETIO_PEERS) {
        (void) ngx_atomic_fetch_add(&zone->full, 1);
        return NGX_HTTP_SOCKETIO_NO_PEER;
    }

    peer->sequence = 0;
    peer->heard = 0;
    peer->users = 0;
    peer->digest = 0;
    peer->slot = slot;
    peer->incarnation = incarnation;
    peer->beat = 0;
    peer->synced = 0;
    peer->ready = 0;
    peer->full = 0;
    peer->again = 0;
    peer->telling = 0;
    peer->skips = 0;

    if (n >= zone->peer_top) {
        zone->peer_top = (uint32_t) n + 1;
    }

    __atomic_store_n(&peer->host, host, __ATOMIC_RELEASE);

    return n;
}


void
ngx_http_socketio_peer_drop(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    uint32_t                   epoch;
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(zone, n);
    epoch = ngx_http_socketio_peer_epoch(peer) + 1;

    ngx_http_socketio_peer_epochs(peer, epoch, epoch);
    __atomic_store_n(&peer->host, 0, __ATOMIC_RELEASE);

    __atomic_store_n(&zone->stale, 1, __ATOMIC_RELEASE);
}


void
ngx_http_socketio_peer_reap(ngx_http_socketio_zone_t *zone)
{
    if (zone->stale && __atomic_exchange_n(&zone->stale, 0, __ATOMIC_ACQUIRE))
    {
        (void) ngx_http_socketio_directory_reap(zone, NGX_HTTP_SOCKETIO_SLOTS);
    }
}


/* What was told since it began before and did not end counts for once more. */

void
ngx_http_socketio_peer_begin(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(zone, n);

    ngx_http_socketio_peer_epochs(peer, (uint32_t) (peer->epochs >> 32),
                                  ngx_http_socketio_peer_epoch(peer) + 1);
    peer->users = 0;
    peer->digest = 0;
    peer->full = 0;
}


void
ngx_http_socketio_peer_end(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    uint32_t                   epoch;
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(zone, n);
    epoch = ngx_http_socketio_peer_epoch(peer);

    ngx_http_socketio_peer_epochs(peer, epoch, epoch);

    __atomic_store_n(&zone->stale, 1, __ATOMIC_RELEASE);
}


static void
ngx_http_socketio_peer_epochs(ngx_http_socketio_peer_t *peer, uint32_t first,
    uint32_t last)
{
    __atomic_store_n(&peer->epochs, (uint64_t) first << 32 | last,
                     __ATOMIC_SEQ_CST);
}


ngx_int_t
ngx_http_socketio_peer_user(ngx_http_socketio_zone_t *zone, ngx_uint_t n,
    sio_str_t nsp, sio_str_t user, ngx_uint_t present)
{
    ngx_int_t                  rc;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_peer_t  *peer;

    peer = ngx_http_socketio_peer(zone, n);

    ngx_http_socketio_key_user(zone, nsp, user, &key);

    if (present) {
        rc = ngx_http_socketio_directory_put(zone, &key,
                                             NGX_HTTP_SOCKETIO_SLOTS + n);
    } else {
        rc = ngx_http_socketio_directory_take(zone, &key,
                                              NGX_HTTP_SOCKETIO_SLOTS + n);
    }

    if (rc == NGX_OK) {
        peer->users += present ? 1 : -1;
        peer->digest ^= ngx_http_socketio_peer_hash(nsp, user);
    }

    if (rc == NGX_ERROR) {
        peer->full = 1;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


uint64_t
ngx_http_socketio_peer_hash(sio_str_t nsp, sio_str_t user)
{
    uint8_t   hash[16];
    uint64_t  n;

    static const sio_hash_key_t  key = { 0x736f636b65742e69, 0x6f20686f737473 };

    sio_hash_pair(&key, nsp, user, hash);
    ngx_memcpy(&n, hash, sizeof(n));

    return n;
}


ngx_uint_t
ngx_http_socketio_peer_has(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t user)
{
    ngx_http_socketio_key_t  key;

    if (zone->peer_top == 0) {
        return 0;
    }

    ngx_http_socketio_key_user(zone, nsp, user, &key);

    return ngx_http_socketio_directory_slot(zone, &key)
           != NGX_HTTP_SOCKETIO_NO_SLOT;
}
