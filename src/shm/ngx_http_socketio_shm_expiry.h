/*
 * The order in which records of the store expire: two heaps in one array,
 * one of records that may be dropped for want of room (evict), which grows
 * from the end, and one of the others that expire at all.
 *
 * A place holds the second a record is due at.  That may be earlier than the
 * record says - letting one live longer costs nothing - and is put right when
 * the record comes to the front.
 *
 * For the store, under its lock; all of it is derived.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_EXPIRY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_EXPIRY_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_store.h"


typedef struct {
    uint32_t  second;            /* of the calendar */
    uint32_t  block;
} ngx_http_socketio_expiry_t;


/* Take a record in, if it has an end or may be dropped; and out again. */

void ngx_http_socketio_expiry_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);
void ngx_http_socketio_expiry_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item);

/*
 * The record that expires first of those that may be dropped (evict), or of
 * the others; NULL: there is none.
 */
ngx_http_socketio_item_t *ngx_http_socketio_expiry_first(
    ngx_http_socketio_zone_t *zone, ngx_uint_t evict);


#endif /* _NGX_HTTP_SOCKETIO_SHM_EXPIRY_H_INCLUDED_ */
