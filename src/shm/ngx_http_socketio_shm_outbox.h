/*
 * The outbox: what the home of mailboxes, shared with other hosts, is still to
 * be told, in order.
 *
 * A record of the store, of kind OUTBOX, in one of two lists that are its own:
 * a home that has no room for puts can still be told what frees it.  It is
 * written together with what it is about, and removed when the
 * home has answered.  So it survives a worker that is killed, and a home that
 * is away.  The ids of records tell the home what it was told before.
 *
 *     PUT      an item: its image is in the mailbox, and if it is there no
 *              more there is nothing to tell
 *     REMOVE   items of one mailbox, by their origins
 *     DROP     all items of a key
 *
 * names is a record of sio_wire: namespace, user, KEY, each perhaps empty.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_OUTBOX_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_OUTBOX_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_mailbox.h"


/* Puts are one list, and what takes away is another one. */

#define NGX_HTTP_SOCKETIO_OUTBOX_PUTS   0
#define NGX_HTTP_SOCKETIO_OUTBOX_TAKES  1
#define NGX_HTTP_SOCKETIO_OUTBOX_LISTS  2


typedef enum {
    NGX_HTTP_SOCKETIO_POST_PUT = 1,
    NGX_HTTP_SOCKETIO_POST_REMOVE,
    NGX_HTTP_SOCKETIO_POST_DROP
} ngx_http_socketio_post_e;


typedef struct {
    uint64_t                     id;
    ngx_http_socketio_post_e     type;
    ngx_http_socketio_key_t      key;        /* of the mailbox */
    ngx_http_socketio_origin_t   origin;     /* PUT */
    sio_str_t                    names;
    ngx_http_socketio_origin_t  *origins;    /* REMOVE */
    ngx_uint_t                   norigins;

    sio_str_t                    image;      /* PUT: of the item, */
    uint64_t                     expires;
    ngx_uint_t                   written;    /* and whether it was */
} ngx_http_socketio_post_t;


/*
 * Add a record, with the store's lock held.  NGX_OK, post->id is set;
 * NGX_ERROR: no room.
 */
ngx_int_t ngx_http_socketio_outbox_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_post_t *post, uint64_t expires);

/*
 * The first record, by its id, of those behind an id in each list; UINT64_MAX:
 * none of that list.  What post points to is in dst.  Records of items that
 * are gone are passed over, and removed.
 *
 * NGX_OK
 * NGX_DONE   there is none
 * NGX_AGAIN  dst is too small: *need bytes
 */
ngx_int_t ngx_http_socketio_outbox_next(ngx_http_socketio_zone_t *zone,
    const uint64_t after[NGX_HTTP_SOCKETIO_OUTBOX_LISTS], u_char *dst,
    size_t cap, ngx_http_socketio_post_t *post, size_t *need);

/* The record of an id, or NGX_DONE: it is not there. */

ngx_int_t ngx_http_socketio_outbox_get(ngx_http_socketio_zone_t *zone,
    uint64_t id, u_char *dst, size_t cap, ngx_http_socketio_post_t *post,
    size_t *need);

/*
 * The home has answered to a record: it is removed.  keep: of a PUT, whether
 * the item stays as a copy.
 */
void ngx_http_socketio_outbox_done(ngx_http_socketio_zone_t *zone,
    uint64_t id, ngx_uint_t keep);

/* The id of the newest item or record there is. */

uint64_t ngx_http_socketio_outbox_last(ngx_http_socketio_zone_t *zone);


#endif /* _NGX_HTTP_SOCKETIO_SHM_OUTBOX_H_INCLUDED_ */
