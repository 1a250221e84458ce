/*
 * What hosts share of lost sessions: asked of a backend, step by step.
 *
 * One question at a time; the answer comes in an event of its own, or never
 * if the other side hangs: who asks has a deadline.
 */


#ifndef _NGX_HTTP_SOCKETIO_RECALL_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_RECALL_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "codec/sio_adapter.h"


typedef struct ngx_http_socketio_recall_s  ngx_http_socketio_recall_t;


typedef enum {
    NGX_HTTP_SOCKETIO_RECALL_SESSION = 0,    /* what was saved: text */
    NGX_HTTP_SOCKETIO_RECALL_TAKE,           /* it is ours alone */
    NGX_HTTP_SOCKETIO_RECALL_EVENTS,         /* from id on: event, for each */
    NGX_HTTP_SOCKETIO_RECALL_N
} ngx_http_socketio_recall_e;


struct ngx_http_socketio_recall_s {
    ngx_http_socketio_hub_t     *hub;
    void                        *data;       /* the asker's, NULL: it is gone */
    ngx_http_socketio_recall_e   step;       /* what is asked, */

    /* the answer: NGX_AGAIN, it is waited for; NGX_OK; NGX_DECLINED, there is
       none, or somebody else took it; NGX_ERROR, the other side is lost */
    ngx_int_t                    rc;

    u_char                       pid[EIO_SID_LEN];
    sio_str_t                    nsp;        /* whose events */
    sio_stream_id_t              id;         /* and of the last event, after */
    ngx_uint_t                   n;          /* entries there were */
    sio_buf_t                    text;

    /* the asker's */
    sio_buf_t                    events;
    ngx_uint_t                   tries;
    sio_stream_id_t              from;       /* the first one asked for */
    sio_stream_id_t              came;       /* and of all questions */
    sio_stream_id_t              known;      /* the log had all behind it when
                                                it was asked */
    unsigned                     found:1;    /* something was, */
    unsigned                     lost:1;     /* and is not all there is */
    unsigned                     own:1;      /* it is what this host left */
    unsigned                     again:1;    /* it is asked anew */

    /* b is NULL: an entry that is no event of nsp. */
    void                       (*event)(ngx_http_socketio_recall_t *recall,
                                        const sio_stream_id_t *id,
                                        const sio_adapter_broadcast_t *b);
    void                       (*done)(ngx_http_socketio_recall_t *recall);
};


ngx_http_socketio_recall_t *ngx_http_socketio_recall_create(
    ngx_http_socketio_hub_t *hub, void *data);

/* The asker goes: freed, now or with the answer. */

void ngx_http_socketio_recall_forget(ngx_http_socketio_recall_t *recall);

/* The backend's: the answer is there. */

void ngx_http_socketio_recall_answer(ngx_http_socketio_recall_t *recall,
    ngx_int_t rc);


#endif /* _NGX_HTTP_SOCKETIO_RECALL_H_INCLUDED_ */
