/*
 * Hosts: what nginx hosts tell each other, beside what Node's adapter has.
 *
 * Each worker tells which users have sockets in it, and says once per beat
 * that it is there.  The worker that listens to other hosts notes it in the
 * zone (shm_peer), so that every worker knows who is elsewhere.  Nothing of it
 * is kept in Redis: whoever starts, or has missed something, which numbers and
 * digests show, asks the others to tell all again.
 *
 * Who says that a user came or went: of all hosts that know who is where one,
 * found by a hash of the user and the host, so that users are spread evenly
 * and a host that leaves takes only its own with it.  It tells the others what
 * it has said, behind what it emitted.
 *
 * A host that was not heard for three beats is taken for dead, also if it is
 * Redis that is away: what it cannot be told, it cannot be told there either.
 */


#ifndef _NGX_HTTP_SOCKETIO_HOSTS_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_HOSTS_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "shm/ngx_http_socketio_shm_peer.h"


#define NGX_HTTP_SOCKETIO_HOSTS_BEAT      5000   /* msec */
#define NGX_HTTP_SOCKETIO_HOSTS_MISSING   3      /* beats: it is dead */
#define NGX_HTTP_SOCKETIO_HOSTS_PATIENCE  6      /* beats: who should say it
                                                    does not */
#define NGX_HTTP_SOCKETIO_HOSTS_MAX       256


/*
 * Whether another host has a socket of a user in a namespace: 1 or 0.  It
 * doesn't wait; a user who came or went there within the last milliseconds may
 * not be known yet, and one of a dead host counts for three beats more.
 */
ngx_uint_t ngx_http_socketio_elsewhere(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user);


#endif /* _NGX_HTTP_SOCKETIO_HOSTS_H_INCLUDED_ */
