/*
 * How many different ones there are among many, seen in several places.
 *
 * Hashes are kept, the least of them: as long as all are, the count is exact,
 * and above SIO_DISTINCT_MAX it is estimated from how dense the least are,
 * with a standard error below one percent.  The least of several sets are
 * among the least of each, so that sets of different workers are merged by
 * adding the hashes of one to the other.
 *
 * Z. Bar-Yossef et al., "Counting Distinct Elements in a Data Stream" (2002).
 */


#ifndef _SIO_DISTINCT_H_INCLUDED_
#define _SIO_DISTINCT_H_INCLUDED_


#include "codec/sio_mem.h"
#include "codec/sio_types.h"


#define SIO_DISTINCT_MAX  16384


typedef struct {
    const sio_mem_t  *mem;
    uint64_t         *hashes;              /* sorted, no two alike, up to */
    uint32_t          sorted;              /* here; behind it as they came */
    uint32_t          n;
    uint32_t          cap;
    uint64_t          bound;               /* from here on they are dropped */
    unsigned          dropped:1;
} sio_distinct_t;


#pragma GCC visibility push(hidden)


void sio_distinct_init(sio_distinct_t *distinct, const sio_mem_t *mem);
void sio_distinct_free(sio_distinct_t *distinct);

/* Add the hash of one, 64 random bits.  SIO_OK, SIO_NOMEM. */

int sio_distinct_add(sio_distinct_t *distinct, uint64_t hash);

/* hashes[0 .. n - 1] become all that are kept, in order. */

void sio_distinct_sort(sio_distinct_t *distinct);

/* How many; an estimate if dropped is set.  Sorts. */

uint64_t sio_distinct_count(sio_distinct_t *distinct);


#pragma GCC visibility pop


#endif /* _SIO_DISTINCT_H_INCLUDED_ */
