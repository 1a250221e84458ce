/*
 * Presence: which users are there, and who is told that one came or went.
 *
 * What was said of a user is a record in the zone (shm_presence), and whether
 * he has sockets is in the directory.  A worker looks at both when his first
 * socket here was accepted, and when his last one has gone, and again when
 * the grace is over.  If they differ, one worker runs the rule, "on online"
 * or "on offline", and the others wait for it.
 *
 * Looking is never done inside of another run: a queue of users is worked
 * off by an event of its own, a bounded number in one go.  What a dead or
 * leaving worker did not look at any more is found by a sweep over the
 * records, as is what found no room in the queue.
 *
 * In order: before it speaks, a worker takes all that is in its inbox, so
 * that what others said before reaches its own clients first; and it takes
 * its next step with that user only when what it said is in the inboxes.
 */


#ifndef _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "shm/ngx_http_socketio_shm_presence.h"


/* The directive: msec. */

struct ngx_http_socketio_presence_conf_s {
    uint64_t  grace;
    uint64_t  keep;
};


/*
 * When the user had a socket in the namespace last, in msec of the calendar;
 * that is now if he has one.
 *
 * NGX_OK
 * NGX_DECLINED  nothing is known: never, too long ago, no room to note it, or
 *               the app has no "presence"
 */
ngx_int_t ngx_http_socketio_presence_last_seen(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t *msec);

/* How many users of a namespace are online; 0 without "presence". */

uint64_t ngx_http_socketio_presence_online(ngx_http_socketio_app_t *app,
    sio_str_t nsp);


/* The hub's life: hub->presence is made if the app has it. */

void ngx_http_socketio_presence_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_presence_cleanup(ngx_http_socketio_hub_t *hub);

/* A socket was accepted; a room of this worker has lost its last member. */

void ngx_http_socketio_presence_accepted(sio_socket_t *socket);
void ngx_http_socketio_presence_left(sio_namespace_t *ns, sio_str_t room);

/* A timer of kind PRESENCE; once a second; a dead worker's slot was freed. */

void ngx_http_socketio_presence_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);
void ngx_http_socketio_presence_tick(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_presence_sweep(ngx_http_socketio_hub_t *hub);


/* For the files of presence. */

#define NGX_HTTP_SOCKETIO_PRESENCE_STRAYS  16       /* of one step of a sweep */


/* A user to look at.  The key is the length of the namespace's name, then
   both names. */

typedef struct ngx_http_socketio_check_s  ngx_http_socketio_check_t;

struct ngx_http_socketio_check_s {
    sio_map_node_t              node;
    sio_timer_t                 timer;
    ngx_http_socketio_check_t  *next;        /* of those that are ready */
    uint64_t                    spoken;      /* what was said of the user is
                                                on its way to Redis, 0: not */
    uint16_t                    nsp_len;
    uint16_t                    user_len;
    unsigned                    ready:1;
    unsigned                    patient:1;   /* it waits for the grace */
    unsigned                    heals:1;     /* said elsewhere, unheard here */
    unsigned                    repeats:1;   /* the other way round */
    u_char                      key[];
};


struct ngx_http_socketio_presence_s {
    ngx_http_socketio_presence_conf_t   conf;
    sio_map_t                           checks;
    ngx_http_socketio_check_t          *ready;
    ngx_http_socketio_check_t         **ready_tail;
    ngx_event_t                         work;

    uint32_t                            cursor;     /* of a sweep */
    uint64_t                            next_sweep; /* msec */
    ngx_http_socketio_often_t           full;       /* the store is */
    unsigned                            sweeping:1;
    unsigned                            again:1;    /* another sweep */
    unsigned                            missed:1;   /* no memory for a check */

    /* whose slots they were a second ago */
    ngx_atomic_uint_t                   pid[NGX_HTTP_SOCKETIO_SLOTS];
    uint32_t                            incarnation[NGX_HTTP_SOCKETIO_SLOTS];

    ngx_http_socketio_stray_t           strays
                                        [NGX_HTTP_SOCKETIO_PRESENCE_STRAYS];
};


/*
 * Look at the user when it is due, 0: soon.  Looks of the patient are bounded
 * in number: what is over is found by a sweep.  All others belong to sockets
 * here, or are over in a moment.
 */
void ngx_http_socketio_presence_queue(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t due, ngx_uint_t patient);

/*
 * For hosts.  Another host has said that the user came or went, which all here
 * have heard.  Or it was said that he came, and here nobody has heard it: if
 * so, it is said to the clients here alone; or another host has not heard it,
 * which is told behind what is being said now.
 */
void ngx_http_socketio_presence_note(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, ngx_uint_t online, uint64_t seen);
void ngx_http_socketio_presence_again(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, ngx_uint_t here);

/* Forget a check that is in the map and not ready. */

void ngx_http_socketio_check_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_check_t *check);

/* Some steps of the sweep that is on its way. */

void ngx_http_socketio_presence_walk(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_ */
