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


#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_hub.h"
#include "shm/ngx_http_socketio_shm_peer.h"

#include "codec/sio_hosts.h"


#define NGX_HTTP_SOCKETIO_HOSTS_BEAT      5000   /* msec */
#define NGX_HTTP_SOCKETIO_HOSTS_MISSING   3      /* beats: it is dead */
#define NGX_HTTP_SOCKETIO_HOSTS_PATIENCE  6      /* beats: who should say it
                                                    does not */
#define NGX_HTTP_SOCKETIO_HOSTS_MAX       256    /* that say something */


/*
 * Whether another host has a socket of a user in a namespace: 1 or 0.  It
 * doesn't wait; a user who came or went there within the last milliseconds may
 * not be known yet, and one of a dead host counts for three beats more.
 */
ngx_uint_t ngx_http_socketio_elsewhere(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user);

/*
 * How much this worker has said to other hosts; and whether Redis has got as
 * much, or can't be told.  Workers publish each on a connection of its own:
 * one that goes on behind another waits for that.
 */
uint64_t ngx_http_socketio_hosts_spoken(ngx_http_socketio_hub_t *hub);
ngx_uint_t ngx_http_socketio_hosts_settled(ngx_http_socketio_hub_t *hub,
    uint64_t spoken);

/*
 * Whether this host is the one that says of a user that he came or went: 1 or
 * 0.  Without other hosts it is.
 */
ngx_uint_t ngx_http_socketio_hosts_mine(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user);

/* Whether other hosts hear what is said now, or there are none. */

ngx_uint_t ngx_http_socketio_hosts_heeded(ngx_http_socketio_hub_t *hub);

/* How long others wait for that one, msec; 0 without other hosts. */

uint64_t ngx_http_socketio_hosts_patience(ngx_http_socketio_hub_t *hub);

/*
 * It was said that a user came (online) or went; seen: msec, calendar.  alone:
 * the others say it to their own clients, those who have not heard it.
 */
void ngx_http_socketio_hosts_said(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, ngx_uint_t online, ngx_uint_t alone,
    uint64_t seen);

/* A room was granted to a user, or taken back; name: namespace, user, room. */

void ngx_http_socketio_hosts_granted(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, const ngx_http_socketio_grant_t *grant);


/*
 * For a backend, in the order in which it calls them: the hub has other hosts
 * (hub->cluster is set); this worker listens to them, or does not any more
 * (missed: nor does another one); a message was heard; the end, while there
 * is still somebody to tell.
 */
ngx_int_t ngx_http_socketio_hosts_init(ngx_http_socketio_hub_t *hub,
    ngx_msec_t beat);
void ngx_http_socketio_hosts_listen(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_hosts_deaf(ngx_http_socketio_hub_t *hub,
    ngx_uint_t missed);
void ngx_http_socketio_hosts_heard(ngx_http_socketio_hub_t *hub,
    sio_str_t message);
void ngx_http_socketio_hosts_cleanup(ngx_http_socketio_hub_t *hub);


/* The hub's life: a socket was accepted; a room here has become empty. */

void ngx_http_socketio_hosts_came(sio_socket_t *socket);
void ngx_http_socketio_hosts_left(sio_room_t *room);

/* A worker of this host was found dead. */

void ngx_http_socketio_hosts_gone(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot, uint32_t incarnation);

/* The end of a turn: what is to be told is sent. */

void ngx_http_socketio_hosts_turn(ngx_http_socketio_hub_t *hub);

/* A HOSTS record: look who is there; u8: what to tell all others. */

void ngx_http_socketio_hosts_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record);


/* For the files of hosts. */

/* What all workers here tell of users here. */

typedef enum {
    NGX_HTTP_SOCKETIO_HOSTS_NONE,
    NGX_HTTP_SOCKETIO_HOSTS_ALL,
    NGX_HTTP_SOCKETIO_HOSTS_UNHEARD      /* those of whom nothing was said */
} ngx_http_socketio_hosts_users_e;


struct ngx_http_socketio_hosts_s {
    uint64_t               self;       /* this host's id */
    ngx_msec_t             beat;
    ngx_event_t            timer;
    ngx_msec_t             fired;      /* when that was to be */
    ngx_msec_t             started;
    ngx_msec_t             listening;  /* since */
    ngx_msec_t             sent;       /* the last message */
    ngx_msec_t             told;       /* of all */

    sio_buf_t              items;      /* being written */
    sio_wire_writer_t      writer;
    sio_buf_t              message;
    uint64_t               sequence;
    uint64_t               users;      /* told of, with sockets here */
    uint64_t               digest;

    uint64_t               ids[NGX_HTTP_SOCKETIO_HOSTS_MAX];   /* of hosts */
    ngx_uint_t             nids;       /* that say something */
    ngx_atomic_uint_t      members;    /* zone->members, then */

    ngx_event_t            grants;     /* they are being told */
    uint32_t               cursor;     /* up to here */
    unsigned               again:1;    /* and once more */

    ngx_msec_t             answered;   /* an ASK */
    ngx_http_socketio_often_t  forged; /* refused */
    time_t                 second;     /* of the log */
    ngx_uint_t             lines;      /* written in it */
    unsigned               owes:1;     /* an answer to an ASK */
    unsigned               changed:1;  /* hosts have: the others are told */
    unsigned               asks:1;     /* what was said may not be known */

    unsigned               tells:1;    /* somebody asks for users */
    unsigned               open:1;     /* items are being written */
};


/* Begin an item; its fields are put into the writer that is returned. */

sio_wire_writer_t *ngx_http_socketio_hosts_put(ngx_http_socketio_hub_t *hub,
    sio_hosts_item_e item);

/* Send what is to be told, or nothing but that this worker is there. */

void ngx_http_socketio_hosts_send(ngx_http_socketio_hub_t *hub);

/* Ask all others to tell all, if nobody has just done so. */

void ngx_http_socketio_hosts_ask(ngx_http_socketio_hub_t *hub);

/* All workers here look who is there, and tell of their users. */

void ngx_http_socketio_hosts_spread(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_hosts_users_e users);

/* Tell all others of all users here, unless it was just done. */

void ngx_http_socketio_hosts_all(ngx_http_socketio_hub_t *hub);

/* Peers that are silent go; this host knows who is where. */

void ngx_http_socketio_hosts_expire(ngx_http_socketio_hub_t *hub,
    ngx_msec_t late);
void ngx_http_socketio_hosts_settle(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_HOSTS_H_INCLUDED_ */
