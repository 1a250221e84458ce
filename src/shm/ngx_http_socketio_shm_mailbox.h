/*
 * Mailboxes: what is kept for a user until a pong proves that he has it.
 *
 * An item is a record of the store, of kind MAIL: its key is (namespace,
 * user), its tag (namespace, KEY) if a key was given, its data whether it was
 * written to a socket yet, and the image of the message.  Ids grow, so they
 * are the order of a mailbox and tell how far a socket has got.
 *
 * All functions take the store's lock themselves, for a few microseconds.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_store.h"


/* In front of an item's image, in the store and as it is loaded. */

typedef struct {
    uint8_t                    written;      /* to a socket, at least once */
    uint8_t                    reserved[7];
} ngx_http_socketio_mail_t;


/* An item as it is loaded: its image follows, then the next one, aligned. */

typedef struct {
    uint64_t                   id;
    uint32_t                   len;          /* of the image */
    uint32_t                   size;         /* to the next one */
} ngx_http_socketio_letter_t;


#define ngx_http_socketio_letter_size(len)                                    \
    ngx_align(sizeof(ngx_http_socketio_letter_t) + (len), 8)


/* What to load, and what came of it. */

typedef struct {
    ngx_http_socketio_key_t    key;
    uint64_t                   now;          /* msec of the calendar */
    uint64_t                   after;        /* ids from behind this one */
    uint64_t                   before;       /* up to this one, without it */
    u_char                    *dst;          /* aligned to 8 */
    size_t                     cap;          /* of dst */
    size_t                     room;         /* for images */

    size_t                     used;         /* of dst */
    size_t                     next;         /* image that does not fit, or 0 */
    ngx_uint_t                 again;        /* were written before */
} ngx_http_socketio_load_t;


void ngx_http_socketio_mailbox_key(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_key_t *key);
uint64_t ngx_http_socketio_mailbox_tag(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t name);

/*
 * Keep an image.  An item of the same tag (0: none) is replaced: the new one
 * takes its own place in the order.  *replaced: how many were.
 *
 * NGX_OK        kept, *id is its id
 * NGX_DECLINED  the mailbox holds max items
 * NGX_ERROR     the zone has no room
 */
ngx_int_t ngx_http_socketio_mailbox_put(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t tag, uint64_t expires,
    ngx_uint_t max, sio_str_t image, uint64_t *id, ngx_uint_t *replaced);

/*
 * Copy items to load->dst, oldest first, as long as they fit, and note them
 * as written; so is the one whose id is load->before, which is not copied.
 */
void ngx_http_socketio_mailbox_load(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_load_t *load);

/* Remove the items up to an id: they have arrived.  Returns how many. */

ngx_uint_t ngx_http_socketio_mailbox_remove(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t upto);

/* Remove one item. */

ngx_uint_t ngx_http_socketio_mailbox_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t id);

/* Remove all items of a tag, whosever they are. */

ngx_uint_t ngx_http_socketio_mailbox_drop(ngx_http_socketio_zone_t *zone,
    uint64_t tag);

/*
 * Remove what has expired, looking at so many blocks from *cursor on (0 to
 * begin; 0 again at the end).
 */
ngx_uint_t ngx_http_socketio_mailbox_sweep(ngx_http_socketio_zone_t *zone,
    uint64_t now, uint32_t *cursor, ngx_uint_t blocks);


#endif /* _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_ */
