/*
 * Answers to other hosts that cannot be given at once.
 *
 * Each host that listens to requests is counted by those who ask, and waited
 * for: so everything is answered, also with nothing, and also if there is no
 * room to find out.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_ANSWER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_ANSWER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_adapter.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_fetch.h"


/* A request that was heard and is not answered. */

struct ngx_http_socketio_due_s {
    ngx_http_socketio_due_t       *next;
    ngx_http_socketio_due_t      **prev;
    ngx_http_socketio_adapter_t   *adapter;
    sio_request_e                  type;
    sio_str_t                      id;
    sio_str_t                      from;       /* uid of whoever asks */
    sio_str_t                      nsp;

    /* a list: of rooms[pos] now, and of nothing that is in one before */
    sio_str_t                     *rooms;
    ngx_uint_t                     nrooms;
    ngx_uint_t                     nexcept;    /* behind rooms */
    ngx_uint_t                     pos;
    sio_buf_t                      json;
    sio_buf_t                      after;      /* the last key of a page */
    ngx_http_socketio_fetch_t      fetch;
    sio_buf_t                      question;   /* of a page: its bytes */

    ngx_http_socketio_collect_t    collect;
    unsigned                       fetching:1;
    unsigned                       collecting:1;
    unsigned                       any:1;      /* json has an item */
    ngx_msec_t                     again;      /* to be sent then, or 0 */

    u_char                         names[];    /* what the strings view */
};


/* Copies what r says.  NULL: no memory, or too many wait. */

ngx_http_socketio_due_t *ngx_http_socketio_due_create(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, const sio_request_t *r);

/* In any state; what it waits for is given up. */

void ngx_http_socketio_due_free(ngx_http_socketio_due_t *due);

/* Answer with a list of rooms or of sockets, or a page; now or later. */

void ngx_http_socketio_answer_list(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);

/* Answer a question with nothing: no list, no client, no value. */

void ngx_http_socketio_answer_nothing(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);

/*
 * Answer once more, with nothing, in a second, if this host may have been
 * counted twice; once a second: those whose time it is.
 */
void ngx_http_socketio_answer_again(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
void ngx_http_socketio_answer_tick(ngx_http_socketio_adapter_t *a);

/* The adapter ends: what is not answered yet never will be. */

void ngx_http_socketio_answer_cancel(ngx_http_socketio_adapter_t *a);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_ANSWER_H_INCLUDED_ */
