/*
 * The zone: memory that the workers of one app share, over reloads.
 *
 *     | header | slots (with inbox rings) | directory | store | messages |
 *
 * What is here is derived from the workers, on its way between them, or kept
 * for later (the store).  There is no pointer into a worker: offsets, indexes
 * and slot numbers only.
 * Whatever a killed worker leaves behind is found by its slot and
 * incarnation, and every structure can be rebuilt from its own cells, so a
 * lock that its holder took to the grave is no reason to stop.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "codec/sio_hash.h"
#include "codec/sio_offset.h"


#define NGX_HTTP_SOCKETIO_SLOTS         128
#define NGX_HTTP_SOCKETIO_NO_SLOT       0xffff
#define NGX_HTTP_SOCKETIO_SHM_MIN       (4 * 1024 * 1024)

/* Kinds of records in the store: places for their counts. */

#define NGX_HTTP_SOCKETIO_KINDS         16


typedef struct ngx_http_socketio_slot_s  ngx_http_socketio_slot_t;
typedef struct ngx_http_socketio_cell_s  ngx_http_socketio_cell_t;


/* What several workers write gets a cache line of its own. */

#define NGX_HTTP_SOCKETIO_LINE          __attribute__((aligned(64)))


/*
 * A lock that holds its owner's pid.  A waiter who finds the owner dead takes
 * it over and is told, so that it can mend what the dead left half done.
 * It is not recursive.
 */
typedef struct {
    ngx_atomic_t  pid;
} ngx_http_socketio_lock_t;


/*
 * How far a stream of Redis was read: the id of an entry, and how many there
 * were up to it, as Redis counts; of which stream (a hash of where it is).
 */
typedef struct {
    sio_stream_id_t            id;
    uint64_t                   count;
    uint64_t                   stream;
} ngx_http_socketio_position_t;


/* At the start of the zone. */

typedef struct {
    uint32_t                   magic;
    uint32_t                   version;
    sio_hash_key_t             hash;         /* random, once per zone */
    size_t                     size;         /* bytes of the whole area */

    uint32_t                   nbuckets;     /* a power of two */
    uint32_t                   ncells;       /* cell 0 is not used */
    size_t                     buckets;      /* offset of uint32_t[] */
    size_t                     cells;        /* offset */

    uint32_t                   nblocks;      /* block 0 is not used */
    uint32_t                   nlists;       /* a power of two */
    size_t                     lists;        /* offset, by key */
    size_t                     tags;         /* offset of uint32_t[], by tag */
    size_t                     expiry;       /* offset */
    size_t                     kinds;        /* offset of u_char[] */
    size_t                     blocks;       /* offset */

    uint32_t                   nchunks;
    size_t                     owners;       /* offset of chunk headers */
    size_t                     chunks;       /* offset */

    size_t                     slots;        /* offset */
    size_t                     slot_size;
    size_t                     peers;        /* offset */

    /* of broadcasts, see hub */
    ngx_atomic_t               sequence NGX_HTTP_SOCKETIO_LINE;
    ngx_atomic_t               full;         /* times something found no room */

    /* other hosts: written by the worker that listens, see peer */
    uint32_t                   peer_top NGX_HTTP_SOCKETIO_LINE;
                                             /* peers from here: never used */
    uint32_t                   listens;      /* its slot + 1, 0: none does */
    uint32_t                   missed;       /* none did for a while */
    uint32_t                   stale;        /* cells of peers count no more */
    uint32_t                   ready;        /* it is known who is where */
    ngx_atomic_t               members;      /* grows when hosts come or go */
    uint64_t                   asked;        /* msec, all others */

    /* redis: written by one worker, in turns, so that one is always whole */
    ngx_http_socketio_position_t  position[2];
    ngx_atomic_t               positioned;   /* which: 1, 2; 0: none */

    /* directory: under its lock */
    ngx_http_socketio_lock_t   directory_lock NGX_HTTP_SOCKETIO_LINE;
    uint32_t                   free_cell;    /* list head, 0: none */
    uint32_t                   cell_top;     /* cells from here: never used */
    ngx_atomic_t               cells_used;

    /* store: under its lock */
    ngx_http_socketio_lock_t   store_lock NGX_HTTP_SOCKETIO_LINE;
    uint32_t                   free_block;   /* list head, 0: none */
    uint32_t                   block_top;    /* blocks from here: never used */
    uint32_t                   evictable;    /* blocks of what may be dropped */
    uint32_t                   mail;         /* blocks of mailboxes */
    uint32_t                   nexpiry[2];   /* records that may expire; and
                                                those that may be dropped */
    uint64_t                   item_id;      /* the last one */
    uint64_t                   revoked;      /* up to here: by all, recovery */
    ngx_atomic_t               blocks_used;
    ngx_atomic_t               records[NGX_HTTP_SOCKETIO_KINDS];

    /* who tells the home of mailboxes, see mailer; what it heard of it */
    ngx_atomic_t               mailer NGX_HTTP_SOCKETIO_LINE;
    ngx_atomic_t               mail_due;     /* it was woken */
    ngx_atomic_t               mail_up;      /* the home can be asked */
    uint64_t                   mail_epoch;
    uint64_t                   mail_seen;

    /* log: under its lock, read without it */
    ngx_http_socketio_lock_t   log_lock NGX_HTTP_SOCKETIO_LINE;
    uint32_t                   log_places;   /* of the index, a power of two */
    size_t                     log_index;    /* offset of uint64_t[] */
    size_t                     log_data;     /* offset, 0: there is no log */
    size_t                     log_size;     /* bytes at log_data */
    uint64_t                   log_head;     /* place of the next entry */
    uint64_t                   log_first;    /* number of the oldest entry */
    uint64_t                   log_last;     /* of the newest: stored last */
    sio_stream_id_t            log_id;       /* a stream was read up to here */
    sio_stream_id_t            log_begin;    /* what is behind this of it is
                                                in the log */
    uint64_t                   log_ordered;  /* from here on ids only grow */
    ngx_atomic_t               stream_read;  /* somebody waits for more */

    /* messages: under their lock */
    ngx_http_socketio_lock_t   message_lock NGX_HTTP_SOCKETIO_LINE;
    uint32_t                   chunk_hint;   /* no free chunk is below it */
    ngx_atomic_t               chunks_used;
} ngx_http_socketio_zone_t;


/* How a zone's bytes are divided. */

typedef struct {
    size_t    total;                         /* bytes, not more than given */
    uint32_t  cells;
    uint32_t  blocks;
    uint32_t  chunks;
    uint32_t  ring;                          /* entries of an inbox */
} ngx_http_socketio_shm_plan_t;


/*
 * Divide size bytes.  NGX_OK, or NGX_ERROR: too small.  A little less than
 * NGX_HTTP_SOCKETIO_SHM_MIN will do, since nginx keeps a part of a zone.
 */
ngx_int_t ngx_http_socketio_shm_plan(size_t size,
    ngx_http_socketio_shm_plan_t *plan);

/*
 * Lay a fresh zone out in memory of plan->total bytes (page aligned, any
 * content).
 */
void ngx_http_socketio_shm_format(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_shm_plan_t *plan, const sio_hash_key_t *key);

/*
 * Whether memory found at reload is a zone of this build: 1 or 0.  size is
 * what ngx_http_socketio_shm_plan() was given for it.
 */
ngx_int_t ngx_http_socketio_shm_valid(ngx_http_socketio_zone_t *zone,
    size_t size);

/*
 * Lock.  NGX_OK; NGX_DONE: it was taken over from a dead process.
 */
ngx_int_t ngx_http_socketio_lock(ngx_http_socketio_lock_t *lock);
void ngx_http_socketio_unlock(ngx_http_socketio_lock_t *lock);

/*
 * Whether no process of ours has this pid any more: 1 or 0.  A zombie is
 * dead, and so is a pid that another program has got since.
 */
ngx_int_t ngx_http_socketio_process_dead(ngx_pid_t pid);


static ngx_inline void *
ngx_http_socketio_shm_at(ngx_http_socketio_zone_t *zone, size_t offset)
{
    return (u_char *) zone + offset;
}


#endif /* _NGX_HTTP_SOCKETIO_SHM_H_INCLUDED_ */
