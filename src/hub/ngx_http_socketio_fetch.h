/*
 * Fetch: what all workers together know of rooms, users and sockets.
 *
 * A question goes to the workers that may know something - those that the
 * directory names, or all - and each answers with its page: the first items
 * behind a name, sorted, a bounded number of bytes.  What the pages have in
 * common is merged; an item behind the end of a page that was cut is left for
 * the next question.  Who does not answer in time is done without.
 *
 * Who is asked is kept in a table of sio_ack, as the sockets that owe an ack
 * are for collect: an answer is taken by an id and a name of 20 bytes, which
 * need not be that of a worker.
 *
 * Other hosts are asked the same, if the asker wants: see
 * ngx_http_socketio_fetch_hosts.h.
 *
 * The records.  FETCH: id, question, namespace, name, after, prefix, limit,
 * the key of hashes.
 * FETCHED: id, an answer.  An answer: whether there is more, sockets, whether
 * hashes of users were dropped, those that were not, count of items, items.
 * An item: key, count, namespace, user, transport, rooms.
 */


#ifndef _NGX_HTTP_SOCKETIO_FETCH_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FETCH_H_INCLUDED_


#include "hub/ngx_http_socketio_cluster.h"

#include "logic/sio_distinct.h"
#include "logic/sio_page.h"


#define NGX_HTTP_SOCKETIO_FETCH_TIMEOUT  1000    /* msec */
#define NGX_HTTP_SOCKETIO_FETCH_HOSTS    2000    /* msec: they ask workers */
#define NGX_HTTP_SOCKETIO_FETCH_LIMIT    1000    /* items of a page */


/* The transport of a socket of another kind of host. */

#define NGX_HTTP_SOCKETIO_FETCH_UNKNOWN  255


/* What is asked for; keys are what items are sorted by. */

typedef enum {
    NGX_HTTP_SOCKETIO_FETCH_ROOMS = 0,       /* of a namespace; names */
    NGX_HTTP_SOCKETIO_FETCH_ROOM,            /* members of one; ids */
    NGX_HTTP_SOCKETIO_FETCH_MEMBERS,         /* the same, with their rooms */
    NGX_HTTP_SOCKETIO_FETCH_USER,            /* sockets of one; ids */
    NGX_HTTP_SOCKETIO_FETCH_SOCKET,          /* the one of an id */
    NGX_HTTP_SOCKETIO_FETCH_NOTHING,         /* but to hear of f->slots that
                                                all is done that they were
                                                sent before */
    NGX_HTTP_SOCKETIO_FETCH_N
} ngx_http_socketio_question_e;


typedef struct {
    ngx_http_socketio_question_e         type;
    sio_str_t                            nsp;     /* empty: all of them */
    sio_str_t                            name;    /* of the room (empty: all
                                                     sockets), the id */
    sio_str_t                            after;   /* empty: all */
    sio_str_t                            prefix;  /* of rooms */
    ngx_uint_t                           limit;
    sio_hash_key_t                       key;     /* of hashes of users, set
                                                     by whoever asks first */
} ngx_http_socketio_question_t;


typedef struct {
    sio_str_t                            key;     /* a room, a socket's id */
    uint64_t                             count;   /* of a room's sockets */
    sio_str_t                            nsp;     /* of a socket */
    sio_str_t                            user;    /* empty: none */
    sio_wire_t                           rooms;   /* strings, nrooms of them */
    uint32_t                             nrooms;
    uint8_t                              transport;   /* eio_transport_e, or
                                                         _UNKNOWN */
} ngx_http_socketio_fetched_t;


typedef struct ngx_http_socketio_fetch_s  ngx_http_socketio_fetch_t;

struct ngx_http_socketio_fetch_s {
    ngx_http_socketio_hub_t             *hub;
    sio_ack_t                           *ack;     /* while it waits */
    ngx_http_socketio_question_t         question;
    uint64_t                             slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_buf_t                            answers;

    ngx_http_socketio_ask_t             *asks;    /* of other hosts, */
    ngx_uint_t                           nasks;   /* one a namespace */
    ngx_uint_t                           asking;  /* of these */
    sio_buf_t                            heard;   /* ask and id of each host
                                                     that answered one */

    /* The asker's: all is there, or time is up. */
    void                               (*done)(ngx_http_socketio_fetch_t *f);
    void                                *data;

    /* the result; items are views of answers */
    ngx_http_socketio_fetched_t         *items;
    ngx_uint_t                           n;
    uint64_t                             sockets;
    uint64_t                             users;   /* different ones */
    unsigned                             more:1;
    unsigned                             partial:1;    /* somebody is silent */
    unsigned                             estimated:1;  /* users is */
    ngx_uint_t                           silent;       /* hosts that are, */
    sio_buf_t                            mute;         /* ids of those known */
    unsigned                             away:1;       /* or all: who knows */

    /* the asker's wishes */
    unsigned                             hosts:1;      /* of all hosts */
    unsigned                             raw:1;        /* answers will do */
};


/*
 * Ask; question, done and data are set by the caller, the rest is zeroed, and
 * the names of the question live as long as f.
 *
 * NGX_OK        the result is there, done is not called
 * NGX_AGAIN     done will be called, within NGX_HTTP_SOCKETIO_FETCH_TIMEOUT,
 *               or _HOSTS
 * NGX_DECLINED  too many questions wait
 * NGX_ERROR     the zone is full, or no memory
 */
ngx_int_t ngx_http_socketio_fetch(ngx_http_socketio_fetch_t *f);

/* In any state: nobody wants to know (any more).  f itself is the caller's. */

void ngx_http_socketio_fetch_free(ngx_http_socketio_fetch_t *f);

/* Wait no longer: done is called with what there is. */

void ngx_http_socketio_fetch_late(ngx_http_socketio_fetch_t *f);

/* A question in a record; get: NGX_OK, NGX_ERROR: there is none such. */

void ngx_http_socketio_question_put(sio_wire_writer_t *w,
    const ngx_http_socketio_question_t *q);
ngx_int_t ngx_http_socketio_question_get(sio_wire_t *record,
    ngx_http_socketio_question_t *q);

/* For fetch_hosts: an answer came, and one of the asks is over. */

void ngx_http_socketio_fetch_add(ngx_http_socketio_fetch_t *f,
    sio_str_t answer);
void ngx_http_socketio_fetch_asked(ngx_http_socketio_fetch_t *f);

/* The table of a hub that starts; a timer of kind FETCH; records. */

void ngx_http_socketio_fetch_init(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_fetch_timeout(ngx_http_socketio_hub_t *hub,
    sio_timer_t *timer);
void ngx_http_socketio_fetch_receive(ngx_http_socketio_hub_t *hub,
    uint8_t type, sio_wire_t *record, const ngx_http_socketio_from_t *from);


#endif /* _NGX_HTTP_SOCKETIO_FETCH_H_INCLUDED_ */
