/*
 * Hash table of intrusive nodes: chains hung on a power of two of buckets.
 *
 * A node keeps its hash, so that growing touches no key and a search compares
 * keys only where all 32 bits agree.
 */


#include "logic/sio_map.h"


#define SIO_MAP_FIRST  16        /* buckets of a table with one node */


static void
sio_map_grow(sio_map_t *map)
{
    uint32_t         i, mask;
    sio_map_node_t  *node, *next, **buckets;

    if (map->mask >= UINT32_MAX / 2) {
        return;
    }

    mask = map->buckets ? map->mask * 2 + 1 : SIO_MAP_FIRST - 1;

    buckets = sio_calloc(map->mem, ((size_t) mask + 1) * sizeof(*buckets));
    if (buckets == NULL) {
        return;
    }

    if (map->buckets) {
        for (i = 0; i <= map->mask; i++) {
            for (node = map->buckets[i]; node; node = next) {
                next = node->next;
                node->next = buckets[node->hash & mask];
                buckets[node->hash & mask] = node;
            }
        }

        sio_free(map->mem, map->buckets);
    }

    map->buckets = buckets;
    map->mask = mask;
}


void
sio_map_init(sio_map_t *map, const sio_mem_t *mem, const sio_hash_key_t *hash)
{
    memset(map, 0, sizeof(sio_map_t));

    map->mem = mem;
    map->hash = hash;
}


void
sio_map_free(sio_map_t *map)
{
    sio_free(map->mem, map->buckets);

    map->buckets = NULL;
    map->mask = 0;
    map->count = 0;
}


sio_map_node_t *
sio_map_find(const sio_map_t *map, sio_str_t key)
{
    uint32_t         hash;
    sio_map_node_t  *node;

    if (map->count == 0) {
        return NULL;
    }

    hash = (uint32_t) sio_hash(map->hash, key.data, key.len);

    for (node = map->buckets[hash & map->mask]; node; node = node->next) {
        if (node->hash == hash
            && sio_str_eq(sio_str(node->key, node->len), key))
        {
            return node;
        }
    }

    return NULL;
}


int
sio_map_insert(sio_map_t *map, sio_map_node_t *node, sio_str_t key)
{
    sio_map_node_t  **bucket;

    if (map->buckets == NULL || map->count > map->mask) {
        sio_map_grow(map);

        if (map->buckets == NULL) {
            return SIO_NOMEM;
        }
    }

    node->key = key.data;
    node->len = (uint32_t) key.len;
    node->hash = (uint32_t) sio_hash(map->hash, key.data, key.len);

    bucket = &map->buckets[node->hash & map->mask];
    node->next = *bucket;
    *bucket = node;

    map->count++;

    return SIO_OK;
}


void
sio_map_remove(sio_map_t *map, sio_map_node_t *node)
{
    sio_map_node_t  **p;

    p = &map->buckets[node->hash & map->mask];

    while (*p != node) {
        p = &(*p)->next;
    }

    *p = node->next;
    node->next = NULL;

    map->count--;
}


sio_map_node_t *
sio_map_next(const sio_map_t *map, uint32_t *cursor, sio_map_node_t **saved)
{
    sio_map_node_t  *node;

    node = *saved;

    if (node == NULL && map->buckets) {
        while (node == NULL && *cursor <= map->mask) {
            node = map->buckets[(*cursor)++];
        }
    }

    *saved = node ? node->next : NULL;

    return node;
}
