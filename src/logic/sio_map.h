/*
 * A hash table of intrusive nodes with string keys, owned by one worker.
 *
 * A node sits inside the thing it names; its key must live as long as it is
 * in the table.  The table grows by doubling and never shrinks; growing that
 * fails leaves a slower table, not an error.
 */


#ifndef _SIO_MAP_H_INCLUDED_
#define _SIO_MAP_H_INCLUDED_


#include "codec/sio_hash.h"
#include "codec/sio_mem.h"


typedef struct sio_map_node_s  sio_map_node_t;

struct sio_map_node_s {
    sio_map_node_t  *next;
    const uint8_t   *key;
    uint32_t         len;
    uint32_t         hash;
};


typedef struct {
    sio_map_node_t       **buckets;
    uint32_t               mask;       /* buckets - 1; 0 with no buckets */
    uint32_t               count;
    const sio_mem_t       *mem;
    const sio_hash_key_t  *hash;
} sio_map_t;


/* The thing a node sits in. */

#define sio_map_data(node, type, member)                                      \
    ((type *) ((uint8_t *) (node) - offsetof(type, member)))


#pragma GCC visibility push(hidden)


void sio_map_init(sio_map_t *map, const sio_mem_t *mem,
    const sio_hash_key_t *hash);

/* Frees the table, not the nodes. */

void sio_map_free(sio_map_t *map);

sio_map_node_t *sio_map_find(const sio_map_t *map, sio_str_t key);

/*
 * Put a node in; the key must not be in the table.  SIO_OK, or SIO_NOMEM
 * (only for the very first node).
 */
int sio_map_insert(sio_map_t *map, sio_map_node_t *node, sio_str_t key);

/* The node must be in the table. */

void sio_map_remove(sio_map_t *map, sio_map_node_t *node);

/*
 * Walk over all nodes: *cursor and *saved start as 0 and NULL.  Returns the
 * next node or NULL at the end.  The node returned may be removed and freed
 * before the next call; others may not, and nothing may be inserted.
 */
sio_map_node_t *sio_map_next(const sio_map_t *map, uint32_t *cursor,
    sio_map_node_t **saved);


#pragma GCC visibility pop


#endif /* _SIO_MAP_H_INCLUDED_ */
