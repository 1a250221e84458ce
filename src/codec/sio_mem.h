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


/*
 * A block of another size instead of p, which may be NULL, with the first
 * used bytes of it.  NULL: no memory, and p stays.
 */
static inline void *
sio_realloc(const sio_mem_t *mem, void *p, size_t used, size_t size)
{
    void  *block;

    block = sio_alloc(mem, size);
    if (block == NULL) {
        return NULL;
    }

    if (used) {
        memcpy(block, p, used);
    }

    sio_free(mem, p);

    return block;
}


#endif /* _SIO_MEM_H_INCLUDED_ */
