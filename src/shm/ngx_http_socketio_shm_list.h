/*
 * The lists of the store: records by key, oldest first, and by tag.
 *
 * For the store, under its lock; all of it is derived.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_LIST_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_LIST_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_store.h"


/* The records of a bucket: of some keys, in the order of their ids. */

typedef struct {
    uint32_t  first;
    uint32_t  last;
} ngx_http_socketio_list_t;


/*
 * Keys that have very many records have a list each for themselves, behind
 * the others: those whose first bytes are all ones.
 */

#define NGX_HTTP_SOCKETIO_LISTS_OWN  2

void ngx_http_socketio_list_own(ngx_http_socketio_key_t *key, ngx_uint_t kind,
    ngx_uint_t n);

/* Take a record in, which is newer than all others; and out again. */

void ngx_http_socketio_list_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);
void ngx_http_socketio_list_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);

/* Heads of the lists that a key, and a tag, is in: numbers of blocks. */

uint32_t ngx_http_socketio_list_key(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key);
uint32_t ngx_http_socketio_list_tag(ngx_http_socketio_zone_t *zone,
    uint64_t tag);

/*
 * Make them anew: begin with empty ones, collect each record, and put them in
 * order.
 */
void ngx_http_socketio_list_reset(ngx_http_socketio_zone_t *zone);
void ngx_http_socketio_list_collect(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);
void ngx_http_socketio_list_order(ngx_http_socketio_zone_t *zone);


#endif /* _NGX_HTTP_SOCKETIO_SHM_LIST_H_INCLUDED_ */
