/*
 * The mailer: what a host says to the home of its mailboxes, which it shares
 * with other hosts, and what it hears from there.
 *
 * One worker of the host does it for all, over one connection: the one that
 * has claimed it in the zone.  So everything is said in one order, that of the
 * outbox, and a question that comes later is answered later.  If the worker
 * dies, another one claims it, and says again what was not answered; the home
 * knows by the ids what it was told before.
 *
 * What is put goes to the home, and becomes a copy, or nothing if the user has
 * no socket here.  What was proved or dropped is said after it.  A socket that
 * connects asks for its user's mailbox; what the home has is put into the
 * zone as copies, and what it has no more is removed from there.  Items that
 * other hosts put come by themselves, for users that have sockets here.
 *
 * The home itself is a backend's: a table of functions.
 */


#ifndef _NGX_HTTP_SOCKETIO_MAILER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MAILER_H_INCLUDED_


#include "hub/ngx_http_socketio_mail_store.h"
#include "shm/ngx_http_socketio_shm_outbox.h"


/* Answers of a home to what it was told. */

typedef enum {
    NGX_HTTP_SOCKETIO_HOME_DONE = 0,
    NGX_HTTP_SOCKETIO_HOME_FULL,         /* the mailbox is: it is not kept */
    NGX_HTTP_SOCKETIO_HOME_REFUSED,      /* it can't: complained */
    NGX_HTTP_SOCKETIO_HOME_LATER         /* a put: it has no room by now */
} ngx_http_socketio_answer_e;


/* A post with its names. */

typedef struct {
    ngx_http_socketio_post_t  post;
    uint64_t                  before;        /* the put that was said last, to
                                                be done before, or 0 */
    sio_str_t                 nsp;
    sio_str_t                 user;
    sio_str_t                 key;
} ngx_http_socketio_letter_out_t;


/* A question for a user's mailbox; of the mailer's making. */

typedef struct ngx_http_socketio_reading_s  ngx_http_socketio_reading_t;


typedef struct {
    /* This worker is the mailer now, and not any more. */
    void       (*start)(ngx_http_socketio_hub_t *hub);
    void       (*stop)(ngx_http_socketio_hub_t *hub);

    /*
     * Say it.  The answer: ngx_http_socketio_mailer_answer(), in the order of
     * what was said.  NGX_DECLINED: not connected.
     */
    ngx_int_t  (*say)(ngx_http_socketio_hub_t *hub,
                      const ngx_http_socketio_letter_out_t *letter);

    /*
     * Ask for a mailbox.  ngx_http_socketio_mailer_item() for each item,
     * oldest first, then ngx_http_socketio_mailer_read().
     */
    ngx_int_t  (*ask)(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
                      sio_str_t user, ngx_http_socketio_reading_t *reading);

    /* Once a second, in the mailer; the hub ends. */
    void       (*tick)(ngx_http_socketio_hub_t *hub);
    void       (*cleanup)(ngx_http_socketio_hub_t *hub);
} ngx_http_socketio_home_t;


/* An item as a home has it, or as it comes from another host. */

typedef struct {
    ngx_http_socketio_origin_t  origin;
    sio_str_t                   nsp;
    sio_str_t                   user;
    sio_str_t                   key;
    sio_str_t                   image;
    uint64_t                    expires;
    ngx_uint_t                  written;     /* perhaps, to a socket */
} ngx_http_socketio_item_in_t;


/*
 * Give the mailboxes of a hub their home.  data is for its functions, as
 * ngx_http_socketio_mailer_data().  NGX_OK, NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_socketio_mailer_init(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_home_t *home, void *data);
void *ngx_http_socketio_mailer_data(ngx_http_socketio_hub_t *hub);

/* All is ready: this worker may be the mailer; and not any more. */

void ngx_http_socketio_mailer_begin(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_mailer_end(ngx_http_socketio_hub_t *hub);

/*
 * Whether this worker is the last one that could say what is in the outbox;
 * it does.
 */
ngx_uint_t ngx_http_socketio_mailer_last(ngx_http_socketio_hub_t *hub);

/* This host, as an origin has it. */

uint64_t ngx_http_socketio_mailer_host(ngx_http_socketio_hub_t *hub);

/* The home can be talked to; and not any more: no answer will come. */

void ngx_http_socketio_mailer_up(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_mailer_down(ngx_http_socketio_hub_t *hub);

/*
 * The home's answer to what was said first of all not answered; its id (0:
 * there is none); it is to be said once more, for it was not all done.
 */
void ngx_http_socketio_mailer_answer(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_answer_e answer);
uint64_t ngx_http_socketio_mailer_first(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_mailer_repeat(ngx_http_socketio_hub_t *hub);

/*
 * An item of a mailbox that was asked for; and the end of it.  whole: there
 * is no more.  sequence: news up to it are part of the answer.
 */
void ngx_http_socketio_mailer_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *reading,
    const ngx_http_socketio_item_in_t *item);
void ngx_http_socketio_mailer_read(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_reading_t *reading, ngx_uint_t whole,
    uint64_t sequence);

/*
 * News of another host: an item was put; a key was dropped.  sequence: of the
 * news, which grows.  Later: all up to a sequence were heard.
 */
void ngx_http_socketio_mailer_put(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_in_t *item, uint64_t sequence);
void ngx_http_socketio_mailer_dropped(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t key);
void ngx_http_socketio_mailer_heard(ngx_http_socketio_hub_t *hub,
    uint64_t sequence);

/* Something may have been missed of a user: ask, if he has sockets here. */

void ngx_http_socketio_mailer_missed(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user);


#endif /* _NGX_HTTP_SOCKETIO_MAILER_H_INCLUDED_ */
