/*
 * What happened lately: keys that were seen, each until its time is over.
 *
 * A table of fixed size: a key has one set of a few places that it may be in.
 * If all of them are taken, the one whose time is over soonest is given up,
 * so that a key may be forgotten too early, never too late: fit for what may
 * happen once too often, as a throttled event.  Keys are kept as hashes of 64
 * bits.
 */


#ifndef _SIO_RECENT_H_INCLUDED_
#define _SIO_RECENT_H_INCLUDED_


#include "codec/sio_hash.h"
#include "codec/sio_mem.h"


#define SIO_RECENT_WAYS  4               /* places of a set */
#define SIO_RECENT_SETS  4096            /* of a worker: 256 KB in all */


typedef struct {
    uint64_t  hash;
    uint64_t  until;                     /* msec, 0: free */
} sio_recent_place_t;


typedef struct {
    const sio_mem_t       *mem;
    const sio_hash_key_t  *hash;
    sio_recent_place_t    *places;       /* NULL until the first is needed */
    unsigned               sets;         /* a power of 2 */
} sio_recent_t;


#pragma GCC visibility push(hidden)


/* sets: a power of 2; of SIO_RECENT_WAYS places, 16 bytes each. */

void sio_recent_init(sio_recent_t *recent, const sio_mem_t *mem,
    const sio_hash_key_t *hash, unsigned sets);
void sio_recent_free(sio_recent_t *recent);

/*
 * Whether key was not seen for as long as it said then; if so, it is noted as
 * seen now, for msec.
 *
 * SIO_OK, SIO_DECLINED (seen), SIO_NOMEM
 */
int sio_recent_note(sio_recent_t *recent, sio_str_t key, uint64_t now,
    uint32_t msec);


#pragma GCC visibility pop


#endif /* _SIO_RECENT_H_INCLUDED_ */
