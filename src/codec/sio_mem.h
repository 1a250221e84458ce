/*
 * Memory as an argument.
 *
 * Floors 0 and 1 own no allocator: the caller hands one down.  The worker
 * passes malloc() with accounting, unit tests pass one that fails on demand.
 * An allocation that fails returns NULL and is an ordinary result.
 */


#ifndef _SIO_MEM_H_INCLUDED_
#define _SIO_MEM_H_INCLUDED_


#include "codec/sio_types.h"


typedef struct {
    void  *(*alloc)(void *ctx, size_t size);
    void   (*free)(void *ctx, void *p);
    void    *ctx;
} sio_mem_t;


static inline void *
sio_alloc(const sio_mem_t *mem, size_t size)
{
    return mem->alloc(mem->ctx, size);
}


static inline void *
sio_calloc(const sio_mem_t *mem, size_t size)
{
    void  *p;

    p = mem->alloc(mem->ctx, size);
    if (p) {
        memset(p, 0, size);
    }

    return p;
}


/* p may be NULL. */

static inline void
sio_free(const sio_mem_t *mem, void *p)
{
    if (p) {
        mem->free(mem->ctx, p);
    }
}


#endif /* _SIO_MEM_H_INCLUDED_ */
