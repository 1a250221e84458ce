/*
 * Where mailboxes are kept, as a table of functions.
 *
 * Items are always put into the zone first, and read and written to sockets
 * from there: it is next to the worker, and takes no time.  A store says what
 * the zone is for them.
 *
 *     zone   their only place
 *     home   a place on the way to their home, which hosts share: what the
 *            home has not confirmed, and copies for sockets of this host.  What
 *            talks to the home is the mailer (see there).
 *
 * Names are views that need not live on.  No function waits for anything.
 */


#ifndef _NGX_HTTP_SOCKETIO_MAIL_STORE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MAIL_STORE_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"
#include "shm/ngx_http_socketio_shm_mailbox.h"


struct ngx_http_socketio_mail_store_s {
    /*
     * Keep an item; key, tag, expires, max and image of put are set.  An item
     * of the same key is replaced.  NGX_OK, NGX_DECLINED: the mailbox is
     * full, NGX_ERROR: the zone is.
     */
    ngx_int_t   (*put)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                       sio_str_t user, sio_str_t key,
                       ngx_http_socketio_put_t *put);

    /* Items up to an id have arrived; one can't be delivered.  How many. */
    ngx_uint_t  (*remove)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                          sio_str_t user, uint64_t upto);
    ngx_uint_t  (*take)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                        sio_str_t user, uint64_t id);

    /* Forget what was kept under a key, in all mailboxes.  How many. */
    ngx_uint_t  (*drop)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                        sio_str_t key);

    /*
     * Have all that is kept for a user put into the zone.  NGX_OK: it is;
     * NGX_AGAIN: ngx_http_socketio_mailbox_brought() will be called.
     */
    ngx_int_t   (*bring)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                         sio_str_t user);

    /* A MAILER record came; the end of a turn; once a second; the end. */
    void        (*receive)(ngx_http_socketio_hub_t *hub, sio_wire_t *record,
                           const ngx_http_socketio_from_t *from);
    void        (*turn)(ngx_http_socketio_hub_t *hub);
    void        (*tick)(ngx_http_socketio_hub_t *hub);
    void        (*cleanup)(ngx_http_socketio_hub_t *hub);
};


extern const ngx_http_socketio_mail_store_t  ngx_http_socketio_mail_zone;
extern const ngx_http_socketio_mail_store_t  ngx_http_socketio_mail_home;


/* Of a drop in the zone, by slices: all that a home has, or all. */

ngx_uint_t ngx_http_socketio_mail_forget(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t key, ngx_uint_t kept);


#endif /* _NGX_HTTP_SOCKETIO_MAIL_STORE_H_INCLUDED_ */
