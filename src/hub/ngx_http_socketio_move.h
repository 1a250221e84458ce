/*
 * A WebSocket arrives for a polling session: the upgrade, and the session's
 * move when the WebSocket is another worker's.
 *
 * The WebSocket's worker (new) holds a probe; the session's worker (old, it
 * may be the same) holds the session.  For two workers:
 *
 *     new                                  old
 *     PROBE        may I?             ->   state upgrading
 *                                     <-   PROBE_ANSWER
 *     (2probe came, 3probe sent)
 *     PROBED                          ->   a GET that waits is answered by
 *                                          noop, later ones soon after
 *     (5 came)
 *     TAKE                            ->   pack; freeze
 *                                     <-   SESSION
 *     unpack, enter the directory,
 *     take a sequence number F
 *     READY F                         ->   wait until every broadcast before F
 *                                          has arrived
 *                                     <-   HELD messages before F, in order;
 *                                          forget the session
 *     deliver those, then what came
 *     here since F; go live
 *
 * A broadcast takes its number before it reads the directory.  One after F
 * therefore sees the session here, one before F finds it still there; each
 * side keeps only its own, so that none is lost, none comes twice, and each
 * sender's order is kept.  Either side may die or give up at any step: the
 * other one times out and closes the session.
 *
 * The new side is ngx_http_socketio_probe.c, the old one
 * ngx_http_socketio_move.c.
 *
 * The records.  PROBE, PROBED, CANCEL, TAKE: probe id, sid.  PROBE_ANSWER:
 * probe id, 1 (accepted) or 0 (refused, or over).  SESSION: probe id, the
 * session's record, what is known of its mailboxes.  READY: probe id, sid, F.
 * HELD: probe id, whether something was not held, count, (image, mailbox id,
 * socket of it) each.
 */


#ifndef _NGX_HTTP_SOCKETIO_MOVE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MOVE_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


/* How long a side waits for the other once the session has been packed. */

#define NGX_HTTP_SOCKETIO_MOVE_TIMEOUT  5000     /* msec */

/*
 * How long a GET waits that came to the session's worker after the probe: the
 * upgrade packet may have been sent before it, on the other connection, and
 * then it is to be refused.  The reference server sends noops as slowly.
 */

#define NGX_HTTP_SOCKETIO_MOVE_NOOP     100      /* msec */


/* A message for a session on its way, with its sequence number. */

typedef struct ngx_http_socketio_held_s  ngx_http_socketio_held_t;

struct ngx_http_socketio_held_s {
    ngx_http_socketio_held_t     *next;
    uint64_t                      sequence;
    uint64_t                      mail;      /* id in a mailbox, or 0, */
    u_char                        sid[EIO_SID_LEN];    /* and its socket */
    eio_msg_t                    *msg;
};


/* A session that is coming or going. */

struct ngx_http_socketio_move_s {
    ngx_http_socketio_move_t     *next;      /* in hub->leaving */
    ngx_http_socketio_session_t  *session;
    ngx_http_socketio_probe_t    *probe;     /* coming */
    ngx_http_socketio_held_t     *held;
    ngx_http_socketio_held_t    **tail;
    sio_timer_t                   timer;
    void                         *poll;      /* it waited before the probe */
    uint64_t                      due;       /* of the upgrade, msec */
    uint64_t                      probe_id;  /* going: of the other side */
    uint64_t                      sequence;  /* F, 0: not known yet */
    size_t                        bytes;     /* held */
    uint16_t                      slot;      /* of the other side */
    uint8_t                       overflow;  /* something was not held */
    unsigned                      coming:1;
    unsigned                      packed:1;  /* going: SESSION was sent */
    unsigned                      local:1;   /* the same worker: no move */
    unsigned                      noop:1;    /* the timer's: for late GETs */
    unsigned                      take:1;    /* TAKE came: rules are waited
                                                for */
    unsigned                      late:1;    /* no longer */
};


/*
 * Note that a session is coming or going: s->move is set.  due: when to give
 * up, msec.  NULL: no memory.
 */
ngx_http_socketio_move_t *ngx_http_socketio_move_create(
    ngx_http_socketio_session_t *s, ngx_uint_t slot, uint64_t probe_id,
    uint64_t due);

/* Forget it, with what is held; move may be NULL. */

void ngx_http_socketio_move_free(ngx_http_socketio_move_t *move);

/*
 * Hold a message for a session that is on its way.  mail: its id if it is of
 * the mailbox of the socket's user, else 0.  Returns 0 if it is the other
 * side's: nothing is done then.
 */
ngx_uint_t ngx_http_socketio_move_hold(ngx_http_socketio_session_t *s,
    uint64_t sequence, eio_msg_t *msg, const sio_socket_t *socket,
    uint64_t mail);

/* A rule of the session has ended: it may be what the move waits for. */

void ngx_http_socketio_move_idle(ngx_http_socketio_session_t *s);

/* The session of a move ended on its own account. */

void ngx_http_socketio_move_end(ngx_http_socketio_session_t *s);

/* Finish what can be finished: called after the inbox was drained. */

void ngx_http_socketio_move_check(ngx_http_socketio_hub_t *hub);

/* A timer of kind MOVE. */

void ngx_http_socketio_move_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);

/* Records for the session's side, and what leads to the other one. */

void ngx_http_socketio_move_receive(ngx_http_socketio_hub_t *hub,
    uint8_t type, sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_MOVE_H_INCLUDED_ */
