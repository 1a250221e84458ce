/*
 * How many different ones there are.
 *
 * Hashes are collected in a block of twice the number that is kept; when it
 * is full it is sorted and cut, and what is not below the last one that is
 * kept is dropped from then on.  So each costs little, however many they are.
 */


#include <stdlib.h>

#include "logic/sio_distinct.h"


#define SIO_DISTINCT_MIN  64


static int sio_distinct_compare(const void *a, const void *b);


void
sio_distinct_init(sio_distinct_t *distinct, const sio_mem_t *mem)
{
    memset(distinct, 0, sizeof(sio_distinct_t));

    distinct->mem = mem;
    distinct->bound = UINT64_MAX;
}


void
sio_distinct_free(sio_distinct_t *distinct)
{
    sio_free(distinct->mem, distinct->hashes);
    sio_distinct_init(distinct, distinct->mem);
}


int
sio_distinct_add(sio_distinct_t *distinct, uint64_t hash)
{
    uint32_t   cap;
    uint64_t  *hashes;

    if (hash >= distinct->bound) {
        distinct->dropped |= (hash > distinct->bound);
        return SIO_OK;
    }

    if (distinct->n == distinct->cap && distinct->cap == 2 * SIO_DISTINCT_MAX)
    {
        sio_distinct_sort(distinct);

        if (hash >= distinct->bound) {
            distinct->dropped |= (hash > distinct->bound);
            return SIO_OK;
        }
    }

    if (distinct->n == distinct->cap) {
        cap = distinct->cap ? distinct->cap * 2 : SIO_DISTINCT_MIN;

        hashes = sio_realloc(distinct->mem, distinct->hashes,
                             distinct->n * sizeof(uint64_t),
                             cap * sizeof(uint64_t));
        if (hashes == NULL) {
            return SIO_NOMEM;
        }

        distinct->hashes = hashes;
        distinct->cap = cap;
    }

    distinct->hashes[distinct->n++] = hash;

    return SIO_OK;
}


void
sio_distinct_sort(sio_distinct_t *distinct)
{
    uint32_t  i, n;

    if (distinct->sorted == distinct->n) {
        return;
    }

    qsort(distinct->hashes, distinct->n, sizeof(uint64_t),
          sio_distinct_compare);

    for (i = 1, n = 1; i < distinct->n; i++) {
        if (distinct->hashes[i] != distinct->hashes[n - 1]) {
            distinct->hashes[n++] = distinct->hashes[i];
        }
    }

    if (n > SIO_DISTINCT_MAX) {
        n = SIO_DISTINCT_MAX;
        distinct->dropped = 1;
    }

    if (n == SIO_DISTINCT_MAX) {
        distinct->bound = distinct->hashes[n - 1];
    }

    distinct->n = n;
    distinct->sorted = n;
}


static int
sio_distinct_compare(const void *a, const void *b)
{
    uint64_t  x, y;

    x = *(const uint64_t *) a;
    y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}


uint64_t
sio_distinct_count(sio_distinct_t *distinct)
{
    sio_distinct_sort(distinct);

    if (!distinct->dropped || distinct->n < SIO_DISTINCT_MAX) {
        return distinct->n;
    }

    /* n - 1 of them lie below the last: how many in all of 2^64? */

    return (uint64_t) ((double) (distinct->n - 1)
                       / ((double) distinct->bound / 18446744073709551616.0));
}
