/*
 * The arena: a list of chunks, the newest first.  What is larger than a chunk
 * gets one of its own size.
 */


#include "logic/sio_scratch.h"


#define SIO_SCRATCH_ALIGN  16


struct sio_scratch_chunk_s {
    sio_scratch_chunk_t  *next;
    size_t                size;          /* of data */
    size_t                used;
    _Alignas(SIO_SCRATCH_ALIGN) uint8_t  data[];
};


static void *
sio_scratch_mem_alloc(void *ctx, size_t size)
{
    return sio_scratch_alloc(ctx, size);
}


static void
sio_scratch_mem_free(void *ctx, void *p)
{
    /* forgotten with the rest */
}


void
sio_scratch_init(sio_scratch_t *s, const sio_mem_t *parent, size_t max)
{
    memset(s, 0, sizeof(sio_scratch_t));

    s->mem.alloc = sio_scratch_mem_alloc;
    s->mem.free = sio_scratch_mem_free;
    s->mem.ctx = s;
    s->parent = parent;
    s->max = max;
}


void
sio_scratch_reset(sio_scratch_t *s)
{
    sio_scratch_chunk_t  *chunk, *next, *keep;

    keep = NULL;

    for (chunk = s->chunk; chunk; chunk = next) {
        next = chunk->next;

        if (keep == NULL && chunk->size == SIO_SCRATCH_CHUNK) {
            keep = chunk;
            continue;
        }

        s->bytes -= chunk->size;
        sio_free(s->parent, chunk);
    }

    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }

    s->chunk = keep;
    s->full = 0;
}


void
sio_scratch_free(sio_scratch_t *s)
{
    sio_scratch_reset(s);

    sio_free(s->parent, s->chunk);

    s->chunk = NULL;
    s->bytes = 0;
}


void *
sio_scratch_alloc(sio_scratch_t *s, size_t size)
{
    void                 *p;
    size_t                need;
    sio_scratch_chunk_t  *chunk;

    if (size > s->max) {
        s->full = 1;
        return NULL;
    }

    size = (size + SIO_SCRATCH_ALIGN - 1) & ~(size_t) (SIO_SCRATCH_ALIGN - 1);
    chunk = s->chunk;

    if (chunk == NULL || size > chunk->size - chunk->used) {

        need = size > SIO_SCRATCH_CHUNK ? size : SIO_SCRATCH_CHUNK;

        if (s->bytes > s->max || need > s->max - s->bytes) {
            s->full = 1;
            return NULL;
        }

        chunk = sio_alloc(s->parent, sizeof(sio_scratch_chunk_t) + need);
        if (chunk == NULL) {
            return NULL;
        }

        chunk->size = need;
        chunk->used = 0;
        chunk->next = s->chunk;

        s->chunk = chunk;
        s->bytes += need;
    }

    p = chunk->data + chunk->used;
    chunk->used += size;

    return p;
}


void
sio_scratch_buf(sio_scratch_t *s, sio_buf_t *buf)
{
    sio_buf_init(buf, &s->mem, s->max);
}
