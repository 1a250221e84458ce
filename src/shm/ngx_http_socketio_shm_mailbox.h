/*
 * Mailboxes: what is kept for a user until a pong proves that he has it.
 *
 * An item is a record of the store, of kind MAIL: its key is (namespace,
 * user), its tag (namespace, KEY) if a key was given, its data whether it was
 * written to a socket yet, and the image of the message.  Ids grow, so they
 * are the order of a mailbox and tell how far a socket has got.
 *
 * The zone may be their only place, or they have a home elsewhere, shared
 * with other hosts.  Then an item has an origin: the host where it was put,
 * and the id that it got there.  It is NEW until the home has it, and KEPT
 * from then on: a copy, for sockets here, that ends soon.  What the home is to
 * be told is in the outbox (see there), written under the same lock.  A new
 * item that has arrived stays, unseen, until other hosts could hear of it:
 * there may be sockets of the user.
 *
 * All functions take the store's lock themselves, for a few microseconds.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_store.h"


/* What the home of an item knows of it. */

typedef enum {
    NGX_HTTP_SOCKETIO_HOME_NONE = 0,         /* the zone is its home */
    NGX_HTTP_SOCKETIO_HOME_NEW,
    NGX_HTTP_SOCKETIO_HOME_KEPT
} ngx_http_socketio_home_e;


/* A copy of what is kept elsewhere ends after this time. */

#define NGX_HTTP_SOCKETIO_MAIL_COPY  (5 * 60 * 1000)     /* msec */


typedef struct {
    uint64_t                   host;
    uint64_t                   id;
} ngx_http_socketio_origin_t;


/*
 * In front of an item's image in the store; without an origin if it has no
 * home.
 */
typedef struct {
    uint8_t                    written;      /* to a socket, at least once */
    uint8_t                    home;
    uint8_t                    gone;         /* has arrived, is to be told */
    uint8_t                    reserved;
    uint32_t                   stamp;        /* of the last look at its home */
    ngx_http_socketio_origin_t origin;
} ngx_http_socketio_mail_t;


/* An item as it is loaded: its image follows, then the next one, aligned. */

typedef struct {
    uint64_t                   id;
    uint32_t                   len;          /* of the image */
    uint32_t                   size;         /* to the next one */
    uint64_t                   reserved;     /* the room of a mail's head */
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

/* What to keep, and what came of it. */

typedef struct {
    ngx_http_socketio_key_t    key;
    uint64_t                   tag;          /* 0: none */
    uint64_t                   expires;
    ngx_uint_t                 max;          /* items of the mailbox */
    sio_str_t                  image;
    uint64_t                   host;         /* 0: the zone is its home */
    sio_str_t                  names;        /* for the outbox, then */

    uint64_t                   id;
    ngx_uint_t                 replaced;
} ngx_http_socketio_put_t;


/*
 * Keep an image.  An item of the same tag is replaced: the new one takes its
 * own place in the order.
 *
 * NGX_OK        kept
 * NGX_DECLINED  the mailbox holds max items
 * NGX_ERROR     the zone has no room
 */
ngx_int_t ngx_http_socketio_mailbox_put(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_put_t *put);

/*
 * Copy items to load->dst, oldest first, as long as they fit, and note them
 * as written; so is the one whose id is load->before, which is not copied.
 */
void ngx_http_socketio_mailbox_load(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_load_t *load);

/*
 * Remove the items up to an id: they have arrived.  names: of the mailbox, for
 * the outbox; empty: the zone is their home.  Returns how many.
 */
ngx_uint_t ngx_http_socketio_mailbox_remove(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t upto, sio_str_t names);

/* Remove one item. */

ngx_uint_t ngx_http_socketio_mailbox_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t id, sio_str_t names);

/*
 * Remove items of a tag, whosever they are, a few at a time: those that are
 * not newer than upto (0: as of now; it is set).  kept: only those that their
 * home has.  Returns how many, and sets *upto to 0 when none is left.
 */
ngx_uint_t ngx_http_socketio_mailbox_drop(ngx_http_socketio_zone_t *zone,
    uint64_t tag, ngx_uint_t kept, uint64_t *upto);

/*
 * Remove what has expired, looking at so many blocks from *cursor on (0 to
 * begin; 0 again at the end).
 */
ngx_uint_t ngx_http_socketio_mailbox_sweep(ngx_http_socketio_zone_t *zone,
    uint64_t now, uint32_t *cursor, ngx_uint_t blocks);


/* An item that its home has, and what became of it here. */

typedef struct {
    ngx_http_socketio_key_t    key;
    uint64_t                   tag;
    uint64_t                   expires;
    ngx_http_socketio_origin_t origin;
    sio_str_t                  image;
    uint32_t                   stamp;
    ngx_uint_t                 written;      /* perhaps, to a socket */

    ngx_uint_t                 behind;       /* something was put before it */
    uint64_t                   id;
} ngx_http_socketio_copy_t;


/*
 * Keep a copy of an item, unless there is one.  Items of a mailbox come in
 * their order: if one had to be put in, later ones that nobody was written go
 * behind it.
 *
 * NGX_OK        put in
 * NGX_DECLINED  it was there
 * NGX_ERROR     the zone has no room
 */
ngx_int_t ngx_http_socketio_mailbox_copy(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_copy_t *copy);

/*
 * All copies of a mailbox were put in: those of another stamp are of items
 * that are gone, if the list was whole; new items that nobody was written go
 * behind (if something was put in).
 */
void ngx_http_socketio_mailbox_settled(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_copy_t *copy, ngx_uint_t whole);

/*
 * The home has an item, or refused it: it becomes a copy, or goes.  With the
 * store's lock held.
 */
void ngx_http_socketio_mailbox_confirm(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origin, ngx_uint_t keep);

/*
 * The home was told to remove some items: those that have arrived here, and
 * that it has not taken yet, are not told any more.
 */
void ngx_http_socketio_mailbox_arrived(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origins, ngx_uint_t n);

/* The item of an origin, with the store's lock held; NULL: there is none. */

ngx_http_socketio_item_t *ngx_http_socketio_mailbox_origin(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    const ngx_http_socketio_origin_t *origin);


/* Bytes in front of an item's image. */

static ngx_inline size_t
ngx_http_socketio_mail_head(const ngx_http_socketio_item_t *item)
{
    const ngx_http_socketio_mail_t  *mail;

    mail = (const ngx_http_socketio_mail_t *) item->data;

    return mail->home == NGX_HTTP_SOCKETIO_HOME_NONE
           ? offsetof(ngx_http_socketio_mail_t, origin)
           : sizeof(ngx_http_socketio_mail_t);
}


#endif /* _NGX_HTTP_SOCKETIO_SHM_MAILBOX_H_INCLUDED_ */
