/*
 * Slots: the live workers of a zone, of all generations.
 *
 * A worker's slot is its place in nginx's process table (ngx_process_slot):
 * unique over generations that live side by side, and inherited by whoever is
 * started in place of a killed worker.  The incarnation tells one from the
 * other: what a record says of (slot, incarnation) is void once the
 * incarnation has passed.
 *
 * The inbox is a ring of references to messages.  Any worker appends under
 * the slot's lock, only the owner takes.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_SLOT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_SLOT_H_INCLUDED_


#include "shm/ngx_http_socketio_shm.h"


/*
 * Counters of a worker: written by it alone, read by all.  First what it has
 * now, which ends with it, then what only rises, and is counted on by whoever
 * is next in the slot.
 */
typedef enum {
    NGX_HTTP_SOCKETIO_STAT_SESSIONS_POLLING = 0,
    NGX_HTTP_SOCKETIO_STAT_SESSIONS_WEBSOCKET,
    NGX_HTTP_SOCKETIO_STAT_SOCKETS,
    NGX_HTTP_SOCKETIO_STAT_ROOMS,
    NGX_HTTP_SOCKETIO_STAT_LONGEST,          /* msec of a turn; no sum */
    NGX_HTTP_SOCKETIO_STAT_REDIS_UP,         /* 1: the publisher is */
    NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER,     /* 1: this worker listens */
    NGX_HTTP_SOCKETIO_STAT_CALLS_RUNNING,
    NGX_HTTP_SOCKETIO_STAT_CALLS_WAITING,    /* for room, or to be repeated */
    NGX_HTTP_SOCKETIO_STAT_CALLS_OPEN,       /* locations left alone */

    NGX_HTTP_SOCKETIO_STAT_OPENED,           /* sessions ever */
    NGX_HTTP_SOCKETIO_STAT_CLOSED,
    NGX_HTTP_SOCKETIO_STAT_PACKETS_IN,
    NGX_HTTP_SOCKETIO_STAT_PACKETS_OUT,
    NGX_HTTP_SOCKETIO_STAT_BYTES_IN,
    NGX_HTTP_SOCKETIO_STAT_BYTES_OUT,
    NGX_HTTP_SOCKETIO_STAT_EVENTS_IN,
    NGX_HTTP_SOCKETIO_STAT_DELIVERED,        /* messages queued to sessions */
    NGX_HTTP_SOCKETIO_STAT_BROADCASTS,
    NGX_HTTP_SOCKETIO_STAT_EMITS,            /* API */
    NGX_HTTP_SOCKETIO_STAT_PRESENCE,         /* users that came or went */
    NGX_HTTP_SOCKETIO_STAT_REPEATED,         /* maybe said before */
    NGX_HTTP_SOCKETIO_STAT_FORWARDED,        /* requests to another worker */
    NGX_HTTP_SOCKETIO_STAT_MOVED_IN,
    NGX_HTTP_SOCKETIO_STAT_MOVED_OUT,
    NGX_HTTP_SOCKETIO_STAT_CHANNEL_OUT,      /* messages to other workers */
    NGX_HTTP_SOCKETIO_STAT_CHANNEL_IN,
    NGX_HTTP_SOCKETIO_STAT_WAKEUPS,          /* times another was woken */
    NGX_HTTP_SOCKETIO_STAT_DROP_VOLATILE,
    NGX_HTTP_SOCKETIO_STAT_DROP_SLOW,        /* slow consumers closed */
    NGX_HTTP_SOCKETIO_STAT_DROP_RING,        /* inbox full for too long */
    NGX_HTTP_SOCKETIO_STAT_DROP_ZONE,        /* no memory in the zone */
    NGX_HTTP_SOCKETIO_STAT_DROP_REFUSED,     /* events refused by rules */
    NGX_HTTP_SOCKETIO_STAT_DROP_DRY_RUN,     /* would have been refused */
    NGX_HTTP_SOCKETIO_STAT_REDIS_LOST,       /* connections */
    NGX_HTTP_SOCKETIO_STAT_REDIS_OUT,        /* messages published */
    NGX_HTTP_SOCKETIO_STAT_REDIS_IN,         /* messages of other hosts */
    NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED,    /* never published: the bound */
    NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED,    /* came, and made no sense */
    NGX_HTTP_SOCKETIO_STAT_REDIS_MISSED,     /* entries trimmed too early */
    NGX_HTTP_SOCKETIO_STAT_DROP_MAILBOX,     /* not kept: no room */
    NGX_HTTP_SOCKETIO_STAT_MAIL_STORED,      /* items of mailboxes */
    NGX_HTTP_SOCKETIO_STAT_MAIL_DELIVERED,   /* written to sockets */
    NGX_HTTP_SOCKETIO_STAT_MAIL_PROVED,      /* and removed by a pong */
    NGX_HTTP_SOCKETIO_STAT_MAIL_REDELIVERED,
    NGX_HTTP_SOCKETIO_STAT_MAIL_EXPIRED,
    NGX_HTTP_SOCKETIO_STAT_MAIL_DROPPED,
    NGX_HTTP_SOCKETIO_STAT_MAIL_HELD,        /* not taken for want of memory */
    NGX_HTTP_SOCKETIO_STAT_DROP_LOST,        /* events, clients too slow */
    NGX_HTTP_SOCKETIO_STAT_LIMIT_PACKETS,    /* refused */
    NGX_HTTP_SOCKETIO_STAT_LIMIT_CONNECTIONS,
    NGX_HTTP_SOCKETIO_STAT_LIMIT_DRY_RUN,    /* either, and let pass */
    NGX_HTTP_SOCKETIO_STAT_DROP_BACKLOG,     /* closed: too much waits */
    NGX_HTTP_SOCKETIO_STAT_CALLS,            /* out, that were made */
    NGX_HTTP_SOCKETIO_STAT_CALLS_REFUSED,    /* answered by 4xx */
    NGX_HTTP_SOCKETIO_STAT_CALLS_FAILED,     /* by nobody, or by 5xx */
    NGX_HTTP_SOCKETIO_STAT_CALLS_RETRIED,
    NGX_HTTP_SOCKETIO_STAT_CALLS_DROPPED,    /* not made, or given up */
    NGX_HTTP_SOCKETIO_STAT_RECOVERED,        /* sockets that came back */
    NGX_HTTP_SOCKETIO_STAT_RECOVERY_REFUSED, /* who came with a pid in vain */
    NGX_HTTP_SOCKETIO_STAT_RECOVERY_EVENTS,  /* sent after the fact */
    NGX_HTTP_SOCKETIO_STAT_DROP_RECOVERY,    /* not saved: no room */
    NGX_HTTP_SOCKETIO_STAT_N
} ngx_http_socketio_stat_e;

#define NGX_HTTP_SOCKETIO_STAT_RISING  NGX_HTTP_SOCKETIO_STAT_OPENED


struct ngx_http_socketio_slot_s {
    ngx_atomic_t               pid;          /* 0: nobody */
    ngx_atomic_t               incarnation;  /* raised by each newcomer */
    ngx_atomic_t               generation;   /* of the configuration */
    ngx_atomic_t               exiting;      /* shutting down: no new work */
    ngx_atomic_t               still;        /* it stands: others say so */
    uint32_t                   ring_size;    /* a power of two */
    uint32_t                   left;         /* the last incarnation that
                                                left with all it had done */

    /* written by all */
    ngx_http_socketio_lock_t   lock NGX_HTTP_SOCKETIO_LINE;
    ngx_atomic_t               notified;     /* a wake-up is on its way */
    ngx_atomic_t               tail;         /* next to fill: stored last */

    /* the owner's */
    ngx_atomic_t               head NGX_HTTP_SOCKETIO_LINE;
    ngx_atomic_t               beat;         /* grows once a second */
    ngx_atomic_t               peeked;       /* head + 1 once it was seen, */
    uint32_t                   stamp;        /* with its message's stamp */

    uint32_t                   chunk;        /* being filled: index + 1 */
    uint32_t                   chunk_first;  /* all own chunks, oldest first */
    uint32_t                   chunk_last;

    /* a broadcast between its sequence number and its last push, 0: none */
    ngx_atomic_t               busy;

    /* what it added to a stream up to here was delivered without: under the
       log's lock */
    uint64_t                   stream_fallen;

    ngx_atomic_t               stat[NGX_HTTP_SOCKETIO_STAT_N];

    uint32_t                   ring[] NGX_HTTP_SOCKETIO_LINE;  /* references */
};


ngx_http_socketio_slot_t *ngx_http_socketio_slot(
    ngx_http_socketio_zone_t *zone, ngx_uint_t n);

/*
 * Take slot n for this process: what a dead predecessor's inbox held is
 * given back, the incarnation is raised, what the predecessor had is zeroed
 * (the counters that rise go on).  NGX_ERROR: n is out of range, or its owner
 * is alive.
 *
 * A predecessor may have been killed between a push and the wake-up it owed.
 * So a newcomer wakes every live slot once, whatever their notified says.
 */
ngx_int_t ngx_http_socketio_slot_take(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, ngx_uint_t generation);

/*
 * The owner leaves: nothing is sent to it from now on, and what its inbox
 * still held is given back.  It sends nothing any more, either: messages that
 * it put and did not push are given up.
 */
void ngx_http_socketio_slot_leave(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);

/*
 * The slot of the worker that does what one of them has to do: the lowest of
 * the newest generation that neither shuts down nor stands still; except: a
 * slot that is not to be, or NGX_HTTP_SOCKETIO_NO_SLOT.
 * NGX_HTTP_SOCKETIO_NO_SLOT: none.
 */
ngx_uint_t ngx_http_socketio_slot_chosen(ngx_http_socketio_zone_t *zone,
    ngx_uint_t except);

/* Add the bits of all slots whose processes live. */

void ngx_http_socketio_slots_live(ngx_http_socketio_zone_t *zone,
    uint64_t *slots);

/*
 * Whether slot n is held by the given incarnation: 1 or 0.  That its process
 * has died shows once the slot is reaped, which costs a system call a slot,
 * not one a question.
 */
ngx_int_t ngx_http_socketio_slot_held(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t incarnation);

/*
 * Whether the process of an incarnation died, and left something undone: a few
 * system calls.  What it had to write to a client may not have been written.
 */
ngx_int_t ngx_http_socketio_slot_died(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t incarnation);

/* It is held, and its process lives now: a system call. */

ngx_int_t ngx_http_socketio_slot_live(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t incarnation);

/*
 * Note that a process has died: what its inbox held is given back, and the
 * slot is set free.  Only one caller gets NGX_OK, for the slot was just freed;
 * it wakes every live slot once, as a newcomer does.  NGX_DECLINED: the owner
 * lives, or there is none.
 */
ngx_int_t ngx_http_socketio_slot_reap(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);

/*
 * Append a message reference to an inbox.
 *
 * NGX_OK        appended, and the owner is about to look
 * NGX_DONE      appended: wake the owner (eventfd)
 * NGX_AGAIN     the ring is full
 * NGX_DECLINED  nobody is there
 */
ngx_int_t ngx_http_socketio_slot_push(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t message);

/*
 * The owner: begin to drain (clears notified); look at the next reference, or
 * NGX_DECLINED: there is none; and when it has been dealt with, mark it done.
 *
 * A reference stays in the ring until it is done, so that a successor finds
 * it.  slot_done also clears this slot's bit in the message, which may be gone
 * after that: ngx_http_socketio_message_read() is not called here.
 */
void ngx_http_socketio_slot_drain(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);
ngx_int_t ngx_http_socketio_slot_peek(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n, uint32_t *message);
void ngx_http_socketio_slot_done(ngx_http_socketio_zone_t *zone,
    ngx_uint_t n);


#endif /* _NGX_HTTP_SOCKETIO_SHM_SLOT_H_INCLUDED_ */
