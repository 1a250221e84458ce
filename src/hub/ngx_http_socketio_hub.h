/*
 * The hub: one application in one worker.
 *
 * It owns the worker's sessions, their namespaces and rooms, the timer wheel,
 * and the worker's slot in the zone.  Work is done in turns: what handlers
 * queue is flushed once, at the end of the event loop's turn, and nothing is
 * freed before.
 *
 *     broadcast   to members here and, by the channel, in other workers
 *     channel     messages to other workers' inboxes, and from ours
 *     forward     polling requests whose session lives in another worker
 *     move        a session changes its worker, when its WebSocket arrives
 *                 elsewhere
 *     flush       which sessions write now, and which a little later
 *     dispatch    events to rules, and what rules do
 *     collect     acks of many sockets for one API request
 *     fetch       what all workers know of rooms, users, sockets
 *     operation   join, leave, disconnect, wherever the sockets are
 *     admit       how many sessions there may be, and how fast they may come
 *     grant       rooms that a user's sockets are in, also later ones
 *     mailbox     what is kept for users until it has arrived
 *     identity    who a socket is, and until when
 *     wait        runs of rules that wait for an answer
 *     history     events in one order, with an offset each
 *     recovery    a client that comes back is the socket it was
 *
 * The carriers (WebSocket, polling) are on the floor above and hand their
 * functions down in a table.
 */


#ifndef _NGX_HTTP_SOCKETIO_HUB_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_HUB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "logic/sio_ack.h"
#include "logic/sio_client.h"
#include "logic/sio_recent.h"
#include "logic/sio_record.h"
#include "logic/sio_rule.h"
#include "shm/ngx_http_socketio_shm.h"
#include "shm/ngx_http_socketio_shm_slot.h"
#include "shm/ngx_http_socketio_shm_directory.h"
#include "shm/ngx_http_socketio_shm_store.h"
#include "shm/ngx_http_socketio_shm_message.h"


typedef struct ngx_http_socketio_app_s      ngx_http_socketio_app_t;
typedef struct ngx_http_socketio_hub_s      ngx_http_socketio_hub_t;
typedef struct ngx_http_socketio_session_s  ngx_http_socketio_session_t;
typedef struct ngx_http_socketio_parked_s   ngx_http_socketio_parked_t;
typedef struct ngx_http_socketio_move_s     ngx_http_socketio_move_t;
typedef struct ngx_http_socketio_probe_s    ngx_http_socketio_probe_t;
typedef struct ngx_http_socketio_cluster_s  ngx_http_socketio_cluster_t;
typedef struct ngx_http_socketio_admitted_s
                                            ngx_http_socketio_admitted_t;
typedef struct ngx_http_socketio_hosts_s    ngx_http_socketio_hosts_t;
typedef struct ngx_http_socketio_caller_s   ngx_http_socketio_caller_t;
typedef struct ngx_http_socketio_asked_s    ngx_http_socketio_asked_t;
typedef struct ngx_http_socketio_mailbox_s  ngx_http_socketio_mailbox_t;
typedef struct ngx_http_socketio_authenticator_s
                                            ngx_http_socketio_authenticator_t;
typedef struct ngx_http_socketio_mailer_s   ngx_http_socketio_mailer_t;
typedef struct ngx_http_socketio_mail_store_s
                                            ngx_http_socketio_mail_store_t;
typedef struct ngx_http_socketio_recovery_s ngx_http_socketio_recovery_t;
typedef struct ngx_http_socketio_order_s    ngx_http_socketio_order_t;
typedef struct ngx_http_socketio_presence_s
                                            ngx_http_socketio_presence_t;
typedef struct ngx_http_socketio_presence_conf_s
                                            ngx_http_socketio_presence_conf_t;


/* Whose deadline a timer of the wheel is: sio_timer_t's kind. */

typedef enum {
    NGX_HTTP_SOCKETIO_TIMER_SESSION = 0,
    NGX_HTTP_SOCKETIO_TIMER_ACK,
    NGX_HTTP_SOCKETIO_TIMER_MOVE,
    NGX_HTTP_SOCKETIO_TIMER_PROBE,
    NGX_HTTP_SOCKETIO_TIMER_CARRIER,
    NGX_HTTP_SOCKETIO_TIMER_FETCH,
    NGX_HTTP_SOCKETIO_TIMER_CLUSTER,
    NGX_HTTP_SOCKETIO_TIMER_PRESENCE,
    NGX_HTTP_SOCKETIO_TIMER_IDENTITY,
    NGX_HTTP_SOCKETIO_TIMER_RECOVERY,
    NGX_HTTP_SOCKETIO_TIMER_STREAM
} ngx_http_socketio_timer_e;


/* What a namespace of the configuration says. */

typedef struct {
    sio_str_t                        name;      /* or the expression's text */
    void                            *regex;     /* dynamic, or NULL */
    sio_rules_t                      events;
    sio_rules_t                      api;
    sio_rules_t                      server;    /* on server:EVENT */
    sio_rule_t                      *connect;
    sio_rule_t                      *disconnect;
    sio_rule_t                      *online;    /* of users: no socket */
    sio_rule_t                      *offline;
    const ngx_http_socketio_authenticator_t
                                    *authenticator;   /* NULL: none */
    void                            *authenticator_conf;
    ngx_http_socketio_app_t         *app;
    u_char                          *file;
    ngx_uint_t                       line;
    const char                      *presence_needed;  /* by whom first */
    u_char                          *presence_file;
    ngx_uint_t                       presence_line;
} ngx_http_socketio_namespace_t;


/* An nginx variable that rules use, or that names the user: captured at the
   handshake. */

typedef struct {
    ngx_int_t                        index;     /* of the indexed variable */
    ngx_str_t                        name;
    u_char                          *file;      /* where it is used first */
    ngx_uint_t                       line;
    unsigned                         value:1;   /* used as one of a rule */
    unsigned                         secret:1;  /* "arg_NAME": not for logs */
} ngx_http_socketio_variable_t;


/* An app of the configuration. */

struct ngx_http_socketio_app_s {
    ngx_str_t                        name;
    ngx_shm_zone_t                  *shm_zone;
    ngx_uint_t                       index;     /* among the apps */
    void                            *redis;     /* a backend's, or NULL */
    void                            *webhook;   /* another's */
    void                            *server;    /* the first that serves it */
    ngx_array_t                      webhooks;  /* of pointers */
    sio_app_limits_t                 limits;
    ngx_array_t                      namespaces;   /* of pointers */
    ngx_array_t                      variables; /* captured ones */
    sio_hash_key_t                   hash;      /* of configuration tables */
    uint64_t                         mailbox_ttl;   /* msec */
    ngx_uint_t                       mailbox_max;   /* items, 0: no mailbox */
    const ngx_http_socketio_mail_store_t
                                    *mailbox_store;
    u_char                          *mailbox_store_file;
    ngx_uint_t                       mailbox_store_line;
    u_char                          *mailbox_file;  /* where a rule */
    ngx_uint_t                       mailbox_line;  /* has one first */
    uint64_t                         recovery;  /* msec, 0: none */
    ngx_http_socketio_hub_t         *hub;       /* of this worker, or NULL */
    ngx_http_socketio_presence_conf_t
                                    *presence;  /* NULL: it has none */
    u_char                          *file;
    ngx_uint_t                       line;
    unsigned                         defined:1;
    unsigned                         asks_online:1; /* a rule does */
    unsigned                         secrets:1; /* among the variables */
};


/* What the carriers do for the hub. */

typedef struct {
    /*
     * Write what is queued; if the session is over, say so and let it go:
     * s->eio.carrier becomes NULL, now or later.
     */
    void  (*flush)(ngx_http_socketio_session_t *s);

    /* So many of s->eio.carrier are flushed soon: have their memory near. */
    void  (*fetch)(void *const *carriers, ngx_uint_t n);

    /* Answer a parked polling request of this worker; it is gone then. */
    void  (*answer)(ngx_http_socketio_parked_t *parked, ngx_int_t error,
                    sio_str_t body);

    /*
     * What became of a probing WebSocket: NGX_OK, its sid is good, go on;
     * NGX_DONE, s is its session now; NGX_ERROR, close.
     */
    void  (*probe)(ngx_http_socketio_probe_t *probe, ngx_int_t rc,
                   ngx_http_socketio_session_t *s);

    /* A timer of kind CARRIER has fired. */
    void  (*timeout)(sio_timer_t *timer);

    /* The client is not stalled any more: read on. */
    void  (*resume)(ngx_http_socketio_session_t *s);
} ngx_http_socketio_carrier_t;


/* Errors of an answer beyond eio_error_e. */

#define NGX_HTTP_SOCKETIO_ANSWER_OK   -1


/*
 * A session: the engine's, Socket.IO's, and what a worker adds; 248 bytes, of
 * which malloc() makes 256.
 */

struct ngx_http_socketio_session_s {
    eio_session_t                    eio;       /* first */
    sio_client_t                     client;
    ngx_http_socketio_session_t     *next;      /* in the turn's list */
    ngx_http_socketio_move_t        *move;      /* coming or going */
    ngx_http_socketio_admitted_t    *admitted;  /* what it counts for, NULL */
};


/* A reference that found its receiver's inbox full. */

typedef struct ngx_http_socketio_waiting_s  ngx_http_socketio_waiting_t;

struct ngx_http_socketio_waiting_s {
    ngx_http_socketio_waiting_t     *next;
    uint32_t                         ref;
    uint16_t                         slot;
};


/*
 * Whether another worker takes out of its inbox, and whether it goes on at
 * all, as the ticks see it.
 */
typedef struct {
    uint32_t                         head;      /* where it was */
    uint32_t                         ticks;     /* since it moved */
    uint32_t                         beat;      /* the same of its beat */
    uint32_t                         stands;
} ngx_http_socketio_reader_t;


/* A log line that could come for each request: one a second is written. */

typedef struct {
    time_t                           last;      /* it was written */
    ngx_uint_t                       n;         /* not written since */
} ngx_http_socketio_often_t;


struct ngx_http_socketio_hub_s {
    sio_app_t                        app;       /* first */
    ngx_http_socketio_hub_t         *next;      /* of this worker */
    ngx_http_socketio_app_t         *conf;
    ngx_http_socketio_zone_t        *zone;
    ngx_http_socketio_slot_t        *slot;
    ngx_uint_t                       n;         /* of the slot */
    uint32_t                         incarnation;
    ngx_log_t                       *log;

    sio_map_t                        sessions;  /* by sid */
    sio_map_t                        parked;    /* forwarded requests, by id */
    sio_map_t                        probes;    /* our WebSockets, by id */
    sio_map_t                        waits;     /* runs that wait, by id */
    sio_map_t                        lanes;     /* their sockets, by id */
    sio_ack_table_t                  acks;
    sio_ack_table_t                  fetches;   /* whom we asked, by id */
    ngx_http_socketio_mailbox_t     *mailbox;   /* or NULL */
    const ngx_http_socketio_mail_store_t
                                    *mail_store;
    ngx_http_socketio_mailer_t      *mailer;    /* NULL: they have no home */
    ngx_http_socketio_recovery_t    *recovery;  /* or NULL */
    ngx_http_socketio_order_t      *stream;    /* or NULL */
    sio_offset_t                     at;        /* of app.position */
    sio_wheel_t                      wheel;
    eio_env_t                        socketio;
    eio_env_t                        echo;

    ngx_event_t                      turn;      /* posted: the end of it */
    ngx_msec_t                       coarse;    /* nginx's time lags so much */
    ngx_event_t                      timer;     /* the wheel's */
    ngx_event_t                      tick;      /* once a second */
    ngx_connection_t                 dummy;     /* of the two timers */
    uint64_t                         armed;     /* msec, 0: not */

    const ngx_http_socketio_cluster_t  *cluster;     /* other hosts, or NULL */
    void                            *cluster_data;
    ngx_http_socketio_hosts_t       *hosts;     /* or NULL */
    const ngx_http_socketio_caller_t  *caller;       /* calls out, or NULL */
    void                            *caller_data;
    ngx_http_socketio_asked_t       *asked;     /* who clients are, or NULL */

    ngx_http_socketio_presence_t    *presence;  /* NULL: the app has none */
    ngx_http_socketio_session_t     *dirty;     /* to flush in this turn */
    ngx_http_socketio_session_t     *dirty_last;
    ngx_http_socketio_session_t     *rest;      /* of turns before */
    ngx_http_socketio_session_t    **rest_tail;
    ngx_event_t                      more;      /* posted: flush those */
    ngx_http_socketio_move_t        *leaving;   /* sessions moving away */

    ngx_http_socketio_waiting_t     *waiting;   /* for room in an inbox */
    ngx_http_socketio_waiting_t    **waiting_tail;
    ngx_uint_t                       nwaiting;
    uint64_t                         full[NGX_HTTP_SOCKETIO_SLOTS / 64];
    ngx_event_t                      retry;     /* what waits */
    ngx_http_socketio_reader_t       readers[NGX_HTTP_SOCKETIO_SLOTS];
    uint64_t                         stuck[NGX_HTTP_SOCKETIO_SLOTS / 64];
    unsigned                         wakes:1;   /* in wake[] there are some */
    uint64_t                         wake[NGX_HTTP_SOCKETIO_SLOTS / 64];

    ngx_msec_t                       late;      /* in long turns, ever */
    ngx_http_socketio_often_t        long_turn;
    ngx_http_socketio_often_t        no_session;  /* the zone was full */
    ngx_http_socketio_often_t        no_message;
    ngx_http_socketio_often_t        limited;     /* packets of clients */
    ngx_http_socketio_often_t        lost;        /* events of slow ones */

    uint64_t                         ids;       /* of requests and probes */
    uint32_t                         ack_ids;
    int64_t                          fetch_ids;
    uint32_t                         grants;    /* a walk's place */
    uint32_t                         mail;      /* the same, of its expiry */
    sio_buf_t                        record;    /* a message being written */
    sio_buf_t                        history;   /* an entry being read */
    sio_buf_t                        packet;    /* a packet being written */
    sio_buf_t                        payload;   /* a polling answer */
    sio_scratch_t                    scratch;   /* of the run of a rule */
    sio_recent_t                     recent;    /* throttled events */
    u_char                           random[240];
    ngx_uint_t                       nrandom;
};


/* Set by the transport floor before any hub runs. */

extern const ngx_http_socketio_carrier_t  *ngx_http_socketio_carrier;

/* malloc() and free(). */

extern const sio_mem_t  ngx_http_socketio_mem;


/*
 * A worker starts: make the hub of an app and take its slot.  NGX_ERROR: no
 * memory, or no slot is to be had (logged): the app can't be served here.
 */
ngx_int_t ngx_http_socketio_hub_init(ngx_http_socketio_app_t *app,
    ngx_cycle_t *cycle, ngx_uint_t generation);

/* A worker ends: sessions are closed, the slot is left. */

void ngx_http_socketio_hub_cleanup(ngx_http_socketio_hub_t *hub);


/*
 * A new session in this worker, in the directory and not yet opened.
 *
 * options must live as long as the worker; echo: of engineio_echo.  NULL: no
 * memory, or the zone is full (logged).
 */
ngx_http_socketio_session_t *ngx_http_socketio_session_create(
    ngx_http_socketio_hub_t *hub, const eio_options_t *options,
    ngx_uint_t echo, const u_char *sid);

/* The session of a sid in this worker, or NULL. */

ngx_http_socketio_session_t *ngx_http_socketio_session_find(
    ngx_http_socketio_hub_t *hub, sio_str_t sid);

/* The slot that owns a sid, or NGX_HTTP_SOCKETIO_NO_SLOT. */

ngx_uint_t ngx_http_socketio_session_owner(ngx_http_socketio_hub_t *hub,
    sio_str_t sid);

/* It needs a look at the end of the turn: flush, or free. */

void ngx_http_socketio_session_dirty(ngx_http_socketio_session_t *s);

/* Of one that is over, and whose carrier has let it go; on no list. */

void ngx_http_socketio_session_destroy(ngx_http_socketio_session_t *s);

/* Keep the counters by transport. */

void ngx_http_socketio_session_count(ngx_http_socketio_session_t *s);


/* The end of the turn will come, and the wheel be looked at. */

void ngx_http_socketio_hub_post(ngx_http_socketio_hub_t *hub);

/* Whether a newer generation of workers serves the zone. */

ngx_uint_t ngx_http_socketio_hub_succeeded(ngx_http_socketio_hub_t *hub);

/* A new id of EIO_SID_LEN base64url characters; random bytes. */

void ngx_http_socketio_sid(ngx_http_socketio_hub_t *hub, u_char *dst);
void ngx_http_socketio_random(ngx_http_socketio_hub_t *hub, u_char *dst,
    size_t len);

/*
 * Whether a line that may come often is due now: 0, or how many there would
 * have been since the last one, this one included.
 */
ngx_uint_t ngx_http_socketio_often(ngx_http_socketio_often_t *often);


/* The app, and with it the hub, is what the sessions' environments have. */

static ngx_inline ngx_http_socketio_hub_t *
ngx_http_socketio_session_hub(const ngx_http_socketio_session_t *s)
{
    return s->eio.env->data;
}


static ngx_inline void
ngx_http_socketio_stat(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_stat_e n, ngx_int_t by)
{
    hub->slot->stat[n] += by;
}


static ngx_inline uint64_t
ngx_http_socketio_now(void)
{
    return (uint64_t) ngx_current_msec;
}


#endif /* _NGX_HTTP_SOCKETIO_HUB_H_INCLUDED_ */
