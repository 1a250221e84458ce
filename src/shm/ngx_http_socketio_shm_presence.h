/*
 * What was said of users: records of the store, one for each user of a
 * namespace.
 *
 *     offline -> coming -> online -> going -> offline
 *
 * "Coming" and "going" are announcements on their way, and name the worker
 * that makes them.  Only that worker takes the next step, or whoever finds
 * it dead: it may have been killed before or after it spoke, so what it was
 * about to say is said again.  Whether a user has sockets is not noted here:
 * the directory has it.
 *
 * Each namespace has a record more, with the number of its users that are
 * coming or online.  It changes together with theirs: what is going to be
 * changed is noted before, so that whoever gets the lock after a crash in the
 * middle knows how far it came.
 *
 * All functions take the store's lock.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_PRESENCE_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_peer.h"
#include "shm/ngx_http_socketio_shm_store.h"


/* The bytes of a namespace's name and of a user's id, together. */

#define NGX_HTTP_SOCKETIO_PRESENCE_NAMES  512


/* Who looks at whom, and what is known to the worker alone. */

typedef struct {
    ngx_http_socketio_zone_t  *zone;
    ngx_uint_t                 slot;         /* of the worker that looks */
    uint32_t                   incarnation;
    sio_str_t                  nsp;
    sio_str_t                  user;
    uint64_t                   now;          /* msec, monotonic */
    uint64_t                   calendar;     /* msec */
    uint64_t                   grace;        /* msec */
    uint64_t                   keep;         /* msec after the user went, 0:
                                                no record is kept */
    uint64_t                   patience;     /* msec that another host has to
                                                say it */
    uint64_t                   due;          /* result: when to look again */
    unsigned                   here:1;       /* accepted sockets in this
                                                worker, or on other hosts */
    unsigned                   may:1;        /* this host says who came */
    unsigned                   settled:1;    /* all that this worker has sent
                                                is in the inboxes */
    unsigned                   repeated:1;   /* result: a dead worker may have
                                                said it before */
    unsigned                   patient:1;    /* result: due is when the grace
                                                is over */
} ngx_http_socketio_look_t;


/* What a look comes to. */

typedef enum {
    NGX_HTTP_SOCKETIO_PRESENCE_OK = 0,       /* all is said */
    NGX_HTTP_SOCKETIO_PRESENCE_WAIT,         /* look again at look->due */
    NGX_HTTP_SOCKETIO_PRESENCE_CAME,         /* say so, then look again */
    NGX_HTTP_SOCKETIO_PRESENCE_WENT,         /* say so, then look again */
    NGX_HTTP_SOCKETIO_PRESENCE_FULL          /* the user came, but the store
                                                has no room to note it */
} ngx_http_socketio_presence_e;


/* Look at a user, and take a step if one is to be taken. */

ngx_http_socketio_presence_e ngx_http_socketio_presence_look(
    ngx_http_socketio_look_t *look);

/*
 * Another host has said that the user came (online), or went: here nobody says
 * it again.  look is as for a look; seen: msec of the calendar, when a user
 * who went had sockets last.  What is being said here stands.
 */
void ngx_http_socketio_presence_told(ngx_http_socketio_look_t *look,
    ngx_uint_t online, uint64_t seen);

/*
 * Of a user who has a socket: whether it was said, or is being said, that he
 * is online: 1 or 0.  If so, no grace runs any more.
 */
ngx_uint_t ngx_http_socketio_presence_stays(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user);

/*
 * When a user had sockets last, msec of the calendar: now, if there are some.
 * NGX_OK, or NGX_DECLINED: there is no record.
 */
ngx_int_t ngx_http_socketio_presence_seen(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, uint64_t calendar, uint64_t *msec);

/* How many users of a namespace are coming or online. */

uint64_t ngx_http_socketio_presence_users(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp);


/* A user that somebody should look at. */

typedef struct {
    sio_str_t                  nsp;          /* in names */
    sio_str_t                  user;
    u_char                     names[NGX_HTTP_SOCKETIO_PRESENCE_NAMES];
} ngx_http_socketio_stray_t;

/*
 * Walk on over the records, *cursor is 0 to begin: who is online without a
 * socket, and whose announcer is dead.  Up to max of them are copied to
 * stray; returns how many.  *cursor is 0 when the end was reached.  What a
 * killed worker left without an end is mended: keep, calendar.
 */
ngx_uint_t ngx_http_socketio_presence_strays(ngx_http_socketio_zone_t *zone,
    uint32_t *cursor, uint64_t calendar, uint64_t keep,
    ngx_http_socketio_stray_t *stray, ngx_uint_t max);


#endif /* _NGX_HTTP_SOCKETIO_SHM_PRESENCE_H_INCLUDED_ */
