/*
 * What fuzz targets have in common: the entry that a fuzzer, or the driver,
 * calls; a check that ends the run; memory that the address sanitizer watches.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/sio_mem.h"


#define check(test)  if (!(test)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline void *
fuzz_alloc(void *ctx, size_t size)
{
    return malloc(size);
}


static inline void
fuzz_free(void *ctx, void *p)
{
    free(p);
}


static const sio_mem_t  fuzz_mem __attribute__((unused)) = {
    fuzz_alloc, fuzz_free, NULL
};


/* A block of exactly its size: one byte too far is found. */

static inline uint8_t *
fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t  *copy;

    copy = malloc(size ? size : 1);
    check(copy != NULL);

    if (size) {
        memcpy(copy, data, size);
    }

    return copy;
}


#endif /* _FUZZ_H_INCLUDED_ */
