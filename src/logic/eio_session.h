/*
 * An Engine.IO session: its life cycle, heartbeat, transports and upgrade.
 *
 * The engine is a layer of its own: what sits on it is a handler table
 * (Socket.IO's client, or an echo), what carries it an ops table (WebSocket
 * and polling).  Packets go in, messages are queued, the carrier is told that
 * there is output and flushes it at the end of its turn.  Time is an argument.
 *
 *     opening -> open -> closing -> closed
 *                 | ^
 *                 v |
 *              upgrading          (a WebSocket probes beside polling)
 *
 * Marks in the queue tell how far the peer is: eio_session_prove().  They are
 * counted, and so are those that have arrived.  On a WebSocket a mark is a
 * ping, which a peer answers when it gets to it.  With polling it is passed
 * when an answer takes what was before it, and has arrived with the next GET;
 * the heartbeat's pings prove nothing there and overtake what waits.
 *
 * Invariants: one function changes the state; the handler's close is called
 * exactly once, if open was; nothing is freed in here, and no callback frees
 * the session it is called for.
 *
 * Engine.IO v4, "Handshake", "Heartbeat", "Upgrade".
 */


#ifndef _EIO_SESSION_H_INCLUDED_
#define _EIO_SESSION_H_INCLUDED_


#include "codec/eio_open.h"
#include "codec/eio_packet.h"
#include "codec/eio_payload.h"
#include "codec/eio_query.h"
#include "logic/eio_outq.h"
#include "logic/sio_limit.h"
#include "logic/sio_map.h"
#include "logic/sio_wheel.h"


typedef enum {
    EIO_STATE_OPENING = 0,
    EIO_STATE_OPEN,
    EIO_STATE_UPGRADING,
    EIO_STATE_CLOSING,           /* polling: a GET has to learn of the end */
    EIO_STATE_CLOSED
} eio_state_e;


/* Why a session ended; the names are those of Socket.IO's reasons. */

typedef enum {
    EIO_REASON_NONE = 0,
    EIO_REASON_TRANSPORT_CLOSE,  /* "transport close" */
    EIO_REASON_TRANSPORT_ERROR,  /* "transport error" */
    EIO_REASON_PING_TIMEOUT,     /* "ping timeout" */
    EIO_REASON_PARSE_ERROR,      /* "parse error" */
    EIO_REASON_FORCED_CLOSE,     /* "forced close": by the server */
    EIO_REASON_CONNECT_TIMEOUT,  /* "forced close": no namespace in time */
    EIO_REASON_SLOW_CONSUMER,    /* "forced close": the buffer is full */
    EIO_REASON_LIMITED,          /* "forced close": it sends too much */
    EIO_REASON_SHUTTING_DOWN,    /* "server shutting down" */
    EIO_REASON_NO_MEMORY,        /* "transport error" */
    EIO_REASON_MOVED             /* lives on in another worker */
} eio_reason_e;


typedef struct eio_session_s  eio_session_t;


/* What sits on the engine. */

typedef struct {
    /* The open packet is queued.  SIO_OK, else the session is closed. */
    int   (*open)(eio_session_t *s);

    /* A message; pkt->data is valid during the call. */
    void  (*message)(eio_session_t *s, const eio_packet_t *pkt);

    /* A heartbeat was answered, or a mark arrived after eio_session_prove(). */
    void  (*pong)(eio_session_t *s);

    /* The time set by eio_session_set_timeout() has come. */
    void  (*timeout)(eio_session_t *s);

    /* The session ended. */
    void  (*close)(eio_session_t *s, eio_reason_e reason);
} eio_handler_t;


/* What carries it. */

typedef struct {
    /*
     * At the end of this turn: answer s->poll, if one waits, by
     * eio_session_poll_take(), and on a WebSocket write what s->out has,
     * unless s->frozen.  May be called often; also for a GET that still
     * waits after the upgrade.
     */
    void  (*output)(eio_session_t *s);

    /*
     * The state became closing (polling only) or closed: as output(), then
     * end the transport.  Called once for each of the two states; in state
     * closed the session may be freed when the turn is over.
     */
    void  (*closed)(eio_session_t *s);
} eio_ops_t;


/* What all sessions of a worker share. */

typedef struct {
    const eio_handler_t  *handler;
    const eio_ops_t      *ops;
    const sio_mem_t      *mem;
    sio_wheel_t          *wheel;
    void                 *data;      /* the handler's */
} eio_env_t;


typedef struct {
    uint32_t         ping_interval;      /* msec */
    uint32_t         ping_timeout;       /* msec */
    uint32_t         upgrade_timeout;    /* msec */
    uint32_t         connect_timeout;    /* msec */
    uint32_t         max_payload;        /* bytes */
    uint32_t         max_packets;        /* in one polling POST */
    uint32_t         buffer;             /* unsent bytes */
    const sio_quota_t  *quota;           /* of who sits on the engine; or
                                            NULL: nothing is counted */
    unsigned         polling:1;          /* transports offered */
    unsigned         websocket:1;
    unsigned         dry_run:1;          /* of who sits on the engine */
    unsigned         slow_drop:1;        /* of events that find no room, and
                                            the session goes on */
} eio_options_t;


struct eio_session_s {
    sio_map_node_t        node;          /* by sid, in the owner's table */
    sio_timer_t           timer;         /* deadline below, or the timeout */
    const eio_options_t  *options;
    const eio_env_t      *env;
    void                 *data;          /* the handler's */
    void                 *carrier;       /* the transport's connection */
    void                 *poll;          /* a GET that waits, or NULL */
    eio_outq_t            out;
    uint64_t              heartbeat;     /* msec: ping due, or pong overdue */
    uint64_t              timeout;       /* msec, 0: none; the handler's */
    uint32_t              dropped;       /* volatile messages */
    uint32_t              lost;          /* others, by slow_drop; the
                                            carrier's to count and clear */
    uint32_t              cell;          /* the carrier's: its directory's */
    uint8_t               sid[EIO_SID_LEN];
    uint8_t               state;         /* eio_state_e */
    uint8_t               transport;     /* eio_transport_e */
    uint8_t               marked;        /* number of the last mark, */
    uint8_t               handed;        /* that GETs have passed, */
    uint8_t               arrived;       /* that has arrived, */
    uint8_t               beat;          /* and of the heartbeat's on a
                                            WebSocket, if it waits; arrived:
                                            its ping went by polling */
    unsigned              reason:4;      /* eio_reason_e */
    unsigned              waiting_pong:1;
    unsigned              pong_extended:1;
    unsigned              probed:1;      /* upgrading: the probe was answered */
    unsigned              opened:1;      /* handler->open succeeded */
    unsigned              dirty:1;       /* the carrier's, these three */
    unsigned              echo:1;
    unsigned              counted:2;     /* transport + 1 */
    unsigned              frozen:1;      /* moving away: output is held */
    unsigned              proving:1;     /* the handler wants to hear of it */
    unsigned              ahead:1;       /* polling: a ping waits for a GET */
};


#pragma GCC visibility push(hidden)


/*
 * Make a session of zeroed memory: state opening.  node, data and carrier
 * are the caller's to set.
 */
void eio_session_init(eio_session_t *s, const uint8_t sid[EIO_SID_LEN],
    const eio_options_t *options, const eio_env_t *env);

/*
 * Before the session is freed, in any state: gives the queue back and clears
 * the timer.  No callback is called.
 */
void eio_session_cleanup(eio_session_t *s);

/*
 * Queue the open packet, start the heartbeat, call handler->open.  SIO_OK,
 * or SIO_ERROR: the session is closed (ops->closed is not called for it).
 */
int eio_session_open(eio_session_t *s, eio_transport_e transport,
    uint64_t now);

/*
 * Instead of eio_session_open(): the session was open in another worker.
 * The caller has set heartbeat, timeout, dropped, marked, arrived, beat and the
 * bits waiting_pong, pong_extended and proving as they were there; nothing is
 * queued, no callback is called.
 */
void eio_session_resume(eio_session_t *s, eio_transport_e transport);

/*
 * Hold the output while the session moves to another worker: messages are
 * queued, none is handed out, a GET waits, and so do the deadlines: whoever
 * moves it sees to it that this ends.  Thaw: it is live again.
 */
void eio_session_freeze(eio_session_t *s);
void eio_session_thaw(eio_session_t *s);

/* Take a packet of the session's transport (not of a probing WebSocket). */

void eio_session_packet(eio_session_t *s, const eio_packet_t *pkt,
    uint64_t now);

/*
 * A polling POST: decode and take all packets.  data is modified.
 *
 * SIO_OK     answer "ok"; the session may have been closed all the same (by
 *            a close packet, by the handler)
 * SIO_ERROR  answer 400 with EIO_ERROR_REQUEST: a bad packet or too many,
 *            the session is closed; or it is not an open polling session
 */
int eio_session_post(eio_session_t *s, uint8_t *data, size_t len,
    uint64_t now);

/*
 * A polling GET: poll is the carrier's handle, kept in s->poll until
 * eio_session_poll_take() hands it out with its answer.
 *
 * SIO_OK     it waits, or can be answered at once: output was called
 * SIO_ERROR  answer 400: another one waits (the session is closed, that one
 *            will be told), or the session is not polling
 */
int eio_session_poll(eio_session_t *s, void *poll, uint64_t now);

/*
 * The answer to the waiting GET, if there is one: payload is made of it (at
 * most 16 packets, a ping that is due in front of the others), s->poll is
 * cleared.  Returns the poll, or NULL: none waits, or nothing to say.  The
 * handler may be told that something has arrived.
 *
 * While closing, the close packet ends the answer and the session becomes
 * closed (ops->closed is called from here); so does a session whose answer
 * finds no memory: then the payload may be empty.
 */
void *eio_session_poll_take(eio_session_t *s, sio_buf_t *payload);

/* The waiting GET, or NULL: the caller answers it, and not by a payload. */

void *eio_session_poll_detach(eio_session_t *s);

/* The waiting GET's client went away: "transport error". */

void eio_session_poll_abort(eio_session_t *s, void *poll);

/*
 * A WebSocket with this sid has arrived.  SIO_OK (state upgrading, until
 * complete or cancel), SIO_DECLINED: not polling, or another one probes.
 */
int eio_session_upgrade_begin(eio_session_t *s);

/* The probe was answered: a waiting or coming GET is answered by a noop. */

void eio_session_upgrade_probed(eio_session_t *s);

/*
 * The upgrade packet came: output goes to the WebSocket from now on; a GET
 * that waits is answered by a noop, later ones are refused.  The handler may
 * be told that something has arrived.
 */
void eio_session_upgrade_complete(eio_session_t *s, void *carrier,
    uint64_t now);

/* The WebSocket failed or was too late: polling goes on, if it did. */

void eio_session_upgrade_cancel(eio_session_t *s);

/*
 * Queue a message.  SIO_OK (also if it was dropped: see below),
 * SIO_DECLINED: the buffer is full, the session was closed as a slow
 * consumer;  SIO_NOMEM: closed likewise;  SIO_ERROR: not open.
 *
 * Volatile messages that wait make room, the oldest first.  Then, with
 * slow_drop, an event for which there is none is left out as a whole, so that
 * what the peer gets has gaps and is in order; what is vital may take the
 * buffer's size once more.
 */
int eio_session_send(eio_session_t *s, eio_msg_t *msg);

/* The same with a message built of a whole text packet ("4hello"). */

int eio_session_send_text(eio_session_t *s, sio_str_t packet);

/*
 * Queue a mark behind all that is queued, and have handler->pong called when
 * it has arrived: then the peer has got all of that.  *mark is its number, for
 * eio_session_proved().  The heartbeat's deadlines stay what they are.
 *
 * Pongs are counted: one that nobody asked for proves nothing, and an earlier
 * ping's proves nothing of a later one.
 *
 * SIO_OK, SIO_AGAIN: too many marks wait, one of which is to arrive;
 * SIO_NOMEM: the session was closed; SIO_ERROR: not open.
 *
 * Engine.IO v4, "Heartbeat".  In version 3 the client pings: there it is the
 * pong queued behind the messages that is counted, and the ping after it that
 * proves, since a client pings again only when it has got the pong.
 */
int eio_session_prove(eio_session_t *s, uint8_t *mark);

/*
 * For who can wait for the heartbeat's: the number of the next mark, whoever
 * queues it.  What is queued now is before it.
 */

static inline uint8_t
eio_session_mark(const eio_session_t *s)
{
    return (uint8_t) (s->marked + 1);
}


/* Whether a mark has arrived; good for the last 127 of them. */

static inline int
eio_session_proved(const eio_session_t *s, uint8_t mark)
{
    return (int8_t) (uint8_t) (s->arrived - mark) >= 0;
}


/*
 * End the session.  The handler's close is called at once, output queued so
 * far is still flushed.  Polling waits up to 30 s for a GET to tell.  Does
 * nothing if the session is closing or closed.
 */
void eio_session_close(eio_session_t *s, eio_reason_e reason, uint64_t now);

/*
 * The transport is gone: no flush, the state is closed.  A GET that waits all
 * the same is answered through eio_session_poll_take().
 */

void eio_session_abort(eio_session_t *s, eio_reason_e reason);

/* Ask for handler->timeout at a time (0: never). */

void eio_session_set_timeout(eio_session_t *s, uint64_t due);

/* s->timer fired. */

void eio_session_expire(eio_session_t *s, uint64_t now);

/*
 * Check the heartbeat when a request arrives, before its packets: a session
 * overdue is closed at its deadline, not at the wheel's tick.
 */
void eio_session_check(eio_session_t *s, uint64_t now);

/* "transport close" and so on. */

sio_str_t eio_reason_name(eio_reason_e reason);


#pragma GCC visibility pop


#endif /* _EIO_SESSION_H_INCLUDED_ */
