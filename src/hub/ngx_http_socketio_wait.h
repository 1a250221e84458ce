/*
 * Runs that wait: a step asked for something that is not there yet.
 *
 * A rule that may wait (rule->waits) runs on the heap, with its own copies of
 * the event and its own scratch.  When a step returns SIO_AGAIN the run is
 * kept by a number, and whoever was asked comes back with that number: the
 * socket may be gone by then, and with it the run.
 *
 *     wait = ngx_http_socketio_wait_create(&run, ...);     a copy of run
 *     ngx_http_socketio_wait_start(wait);                  to its end, or:
 *
 *     (a step)    id = ngx_http_socketio_wait_id(run);  ask;
 *                 run->pending = ...;  return SIO_AGAIN;
 *     (the answer)
 *                 run = ngx_http_socketio_wait_find(hub, id);  NULL: gone
 *                 what came goes to where run->pending points
 *                 ngx_http_socketio_wait_resume(run);
 *
 * The answer never comes from inside of the step, but in an event of its own.
 * Whoever is asked answers in the end: a run has no deadline but theirs.
 *
 * A socket runs one rule at a time: from when a rule of it waits until that
 * has ended, its events are kept in its lane, in order.  When much is kept
 * its client is not read from; polling requests are taken all the same, and
 * beyond NGX_HTTP_SOCKETIO_WAIT_BYTES the client is closed.  Events of other
 * sockets go on.  A socket that ends takes its lane with it.
 *
 * A session that is to move to another worker waits until its lanes are
 * empty.  If that takes long, what still waits fails as unavailable.
 */


#ifndef _NGX_HTTP_SOCKETIO_WAIT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_WAIT_H_INCLUDED_


#include "hub/ngx_http_socketio_run.h"
#include "logic/sio_backlog.h"
#include "logic/sio_snapshot.h"


/* Of events that a socket's lane keeps, in bytes, before reading stops; */

#define NGX_HTTP_SOCKETIO_WAIT_STALL     (256 * 1024)

/* in bytes, before the client is closed: or two of its largest payloads. */

#define NGX_HTTP_SOCKETIO_WAIT_BYTES     (4 * 1024 * 1024)

/* How long a move waits for rules, msec. */

#define NGX_HTTP_SOCKETIO_WAIT_MOVE      3000

/* Runs that wait in a worker. */

#define NGX_HTTP_SOCKETIO_WAIT_MAX       100000

/* Texts that a run which may wait builds. */

#define NGX_HTTP_SOCKETIO_WAIT_SCRATCH   (4 * 1024 * 1024)


typedef struct ngx_http_socketio_wait_s  ngx_http_socketio_wait_t;
typedef struct ngx_http_socketio_lane_s  ngx_http_socketio_lane_t;

/*
 * The rule has ended, as sio_rule_run() says, but for SIO_AGAIN: acks and the
 * like are given here.  Afterwards the run is freed.
 */
typedef void (*ngx_http_socketio_wait_pt)(ngx_http_socketio_run_t *run,
    int rc);


struct ngx_http_socketio_wait_s {
    ngx_http_socketio_run_t      run;        /* first */
    sio_map_node_t               node;       /* by id, in hub->waits */
    uint64_t                     id;
    ngx_http_socketio_lane_t    *lane;       /* the socket's, or NULL */
    sio_scratch_t                scratch;
    sio_kept_t                  *event;      /* a copy, or NULL */
    sio_snapshot_t              *snapshot;   /* of a socket that goes, or
                                                NULL */
    ngx_http_socketio_wait_pt    end;
};


/* Create the table of a hub's runs; all of them are dropped in cleanup. */

void ngx_http_socketio_wait_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_wait_cleanup(ngx_http_socketio_hub_t *hub);

/*
 * A copy of a run that was begun and whose rule is set; run itself stays the
 * caller's, to be ended by ngx_http_socketio_run_done().  pkt and attachments
 * are copied too; pkt is NULL where the payload outlives the run, or there is
 * none.  NULL: no memory, or too many wait.
 */
ngx_http_socketio_wait_t *ngx_http_socketio_wait_create(
    ngx_http_socketio_run_t *run, const sio_packet_t *pkt,
    const sio_binary_t *attachments, ngx_http_socketio_wait_pt end);

/*
 * Run it.  SIO_AGAIN: it waits, end will be called.  SIO_OK: end has been
 * called, and it is freed.  The id of one that waits is wait->id.
 */
int ngx_http_socketio_wait_start(ngx_http_socketio_wait_t *wait);

/*
 * Run the rule of a run that was begun, and end the run: at once, or later, if
 * the rule is one that waits.  end is called in any case; gone: the run's
 * socket is about to go.
 */
void ngx_http_socketio_wait_run(ngx_http_socketio_run_t *run,
    const sio_packet_t *pkt, const sio_binary_t *attachments, ngx_uint_t gone,
    ngx_http_socketio_wait_pt end);

/* The number of a run, for whoever is asked; 0: this run must not wait. */

uint64_t ngx_http_socketio_wait_id(sio_run_t *run);

/* The run that waits, or NULL: it is gone. */

sio_run_t *ngx_http_socketio_wait_find(ngx_http_socketio_hub_t *hub,
    uint64_t id);

/* It goes on. */

void ngx_http_socketio_wait_resume(sio_run_t *run);


/* An event of a socket that is busy: SIO_OK, SIO_NOMEM, or SIO_DECLINED. */

int ngx_http_socketio_lane_push(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments);

/* The socket is about to be freed. */

void ngx_http_socketio_lane_gone(sio_socket_t *socket);

/* A CONNECT of the session was answered: its move may have waited for that. */

void ngx_http_socketio_lane_idle(ngx_http_socketio_session_t *s);

/* Whether a rule or a CONNECT of a session waits. */

ngx_uint_t ngx_http_socketio_lanes_busy(ngx_http_socketio_session_t *s);

/*
 * The session has to move now: what waits ends as unavailable, and so does
 * what would have to wait from now on.
 */
void ngx_http_socketio_lanes_end(ngx_http_socketio_session_t *s);


#endif /* _NGX_HTTP_SOCKETIO_WAIT_H_INCLUDED_ */
