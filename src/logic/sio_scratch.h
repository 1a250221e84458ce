/*
 * Memory for one run: texts are built in it and all forgotten at once.
 *
 * It is an arena in chunks, so that what was handed out stays where it is.
 * It is an allocator too: a sio_buf_t made with sio_scratch_buf() leaves its
 * old memory behind when it grows, and needs no freeing.  The first chunk is
 * kept for the next run, so that an ordinary run allocates nothing.
 */


#ifndef _SIO_SCRATCH_H_INCLUDED_
#define _SIO_SCRATCH_H_INCLUDED_


#include "codec/sio_buf.h"


#define SIO_SCRATCH_CHUNK  4096          /* bytes of an ordinary chunk */


typedef struct sio_scratch_chunk_s  sio_scratch_chunk_t;

typedef struct {
    sio_mem_t             mem;           /* this arena as an allocator */
    const sio_mem_t      *parent;
    sio_scratch_chunk_t  *chunk;         /* the newest */
    size_t                bytes;         /* in all chunks */
    size_t                max;
    unsigned              full:1;        /* max was the reason for a NULL */
} sio_scratch_t;


#pragma GCC visibility push(hidden)


/*
 * Nothing is allocated until it is needed; max bounds the bytes in all
 * chunks.  The structure must stay where it is.
 */
void sio_scratch_init(sio_scratch_t *s, const sio_mem_t *parent, size_t max);

/* Forget everything, keep a chunk. */

void sio_scratch_reset(sio_scratch_t *s);

/* Give all memory back; it may be used again. */

void sio_scratch_free(sio_scratch_t *s);

/* size bytes for any type, or NULL: no memory, or max (s->full). */

void *sio_scratch_alloc(sio_scratch_t *s, size_t size);

/* An empty buffer in the arena. */

void sio_scratch_buf(sio_scratch_t *s, sio_buf_t *buf);


#pragma GCC visibility pop


#endif /* _SIO_SCRATCH_H_INCLUDED_ */
