/*
 * Workers of other hosts and their users: come, go, told anew, gone.
 */


#include "shm_fixture.h"
#include "shm/ngx_http_socketio_shm_peer.h"


#define ZONE  (4 * 1024 * 1024)


static sio_str_t
user_name(unsigned i)
{
    static char  name[32];

    (void) snprintf(name, sizeof(name), "user-%u", i);

    return sio_cstr(name);
}


static unsigned
users_there(ngx_http_socketio_zone_t *zone, unsigned n)
{
    unsigned  i, there;

    for (there = 0, i = 0; i < n; i++) {
        there += ngx_http_socketio_peer_has(zone, sio_cstr("/"),
                                            user_name(i));
    }

    return there;
}


static void
tell(ngx_http_socketio_zone_t *zone, ngx_uint_t peer, unsigned first,
    unsigned last, unsigned present)
{
    for ( /* void */ ; first < last; first++) {
        (void) ngx_http_socketio_peer_user(zone, peer, sio_cstr("/"),
                                           user_name(first), present);
    }
}


static void
test_users(ngx_http_socketio_zone_t *zone)
{
    uint64_t                   digest;
    ngx_uint_t                 a, b;
    ngx_http_socketio_peer_t  *peer;

    is_int(users_there(zone, 10), 0, "nobody without peers");

    a = ngx_http_socketio_peer_add(zone, 7, 0, 1);
    b = ngx_http_socketio_peer_add(zone, 7, 1, 1);
    is_int(ngx_http_socketio_peer_find(zone, 7, 1), b, "a peer is found");
    is_int(ngx_http_socketio_peer_find(zone, 8, 1), NGX_HTTP_SOCKETIO_NO_PEER,
           "another host has others");

    peer = ngx_http_socketio_peer(zone, a);
    tell(zone, a, 0, 100, 1);
    tell(zone, b, 50, 150, 1);
    is_int(users_there(zone, 200), 150, "users of two peers");
    digest = peer->digest;
    tell(zone, a, 0, 100, 1);
    is_int(peer->users, 100, "told twice, counted once");
    ok(peer->digest == digest, "and the digest is the same");

    tell(zone, a, 0, 60, 0);
    is_int(users_there(zone, 200), 100, "who has gone from one");
    tell(zone, a, 0, 60, 0);
    is_int(peer->users, 40, "gone twice, counted once");

    tell(zone, a, 60, 100, 0);
    ok(peer->digest == 0 && peer->users == 0, "nothing is left of all");
    tell(zone, a, 0, 100, 1);
    ok(peer->digest == digest, "the same users, the same digest");
    no_fault(shm_directory_fault(zone), "chains and free list");
}


static void
test_anew(ngx_http_socketio_zone_t *zone)
{
    ngx_uint_t                 a;
    ngx_http_socketio_peer_t  *peer;

    a = ngx_http_socketio_peer_find(zone, 7, 0);
    peer = ngx_http_socketio_peer(zone, a);

    ngx_http_socketio_peer_begin(zone, a);
    is_int(users_there(zone, 200), 150, "while it begins, all are there");
    tell(zone, a, 0, 20, 1);
    ngx_http_socketio_peer_begin(zone, a);
    tell(zone, a, 0, 10, 1);
    is_int(peer->users, 10, "those told anew are counted");
    is_int(users_there(zone, 200), 150, "the others are there, too");
    ngx_http_socketio_peer_end(zone, a);
    is_int(users_there(zone, 200), 110, "until it ends");

    tell(zone, a, 0, 20, 0);
    is_int(users_there(zone, 200), 100, "and they go as others do");
    no_fault(shm_directory_fault(zone), "chains and free list");
}


static void
test_drop(ngx_http_socketio_zone_t *zone)
{
    ngx_uint_t  a, b;

    b = ngx_http_socketio_peer_find(zone, 7, 1);
    ngx_http_socketio_peer_begin(zone, b);
    ngx_http_socketio_peer_drop(zone, b);
    is_int(users_there(zone, 200), 0, "a peer that goes takes its users");
    ngx_http_socketio_peer_reap(zone);
    is_int(zone->cells_used, 0, "and gives back the cells");

    a = ngx_http_socketio_peer_add(zone, 9, 3, 1);
    is_int(a, b, "its place is taken by another");
    is_int(users_there(zone, 200), 0, "who has no users yet");
    tell(zone, a, 0, 1, 1);
    is_int(users_there(zone, 200), 1, "and then has");
    no_fault(shm_directory_fault(zone), "chains and free list");
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    ngx_uint_t                 a;
    ngx_http_socketio_peer_t  *peer;

    a = ngx_http_socketio_peer_find(zone, 9, 3);
    peer = ngx_http_socketio_peer(zone, a);

    tell(zone, a, 0, zone->ncells + 10, 1);
    is_int(peer->full, 1, "a full directory is noted");
    ok(zone->full > 0, "and counted");
    is_int(zone->cells_used, zone->ncells - 1, "with all cells in use");
    ngx_http_socketio_peer_drop(zone, a);
    ngx_http_socketio_peer_reap(zone);
    is_int(zone->cells_used, 0, "which are free again");

    for (a = 0; a < NGX_HTTP_SOCKETIO_PEERS; a++) {
        if (ngx_http_socketio_peer_add(zone, 10 + a, 0, 1)
            == NGX_HTTP_SOCKETIO_NO_PEER)
        {
            break;
        }
    }

    ok(a > NGX_HTTP_SOCKETIO_PEERS - 3, "as many peers as there are places");
    is_int(ngx_http_socketio_peer_add(zone, 1, 0, 1),
           NGX_HTTP_SOCKETIO_NO_PEER, "and no more");
}


int
main(void)
{
    ngx_http_socketio_zone_t  *zone;

    zone = shm_zone(ZONE);

    test_users(zone);
    test_anew(zone);
    test_drop(zone);
    test_full(zone);

    return unit_done();
}
