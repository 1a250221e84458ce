/*
 * What the files of mailboxes share: what is known of a socket that was
 * written something.
 */


#ifndef _NGX_HTTP_SOCKETIO_MAILBOX_STATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_MAILBOX_STATE_H_INCLUDED_


#include "hub/ngx_http_socketio_mailbox.h"
#include "hub/ngx_http_socketio_mail_store.h"


/* Items are loaded in pieces of this size, or one at a time. */

#define NGX_HTTP_SOCKETIO_MAILBOX_LOAD    65536      /* bytes */


/* An item that came while the home's were waited for. */

typedef struct ngx_http_socketio_waits_s  ngx_http_socketio_waits_t;

struct ngx_http_socketio_waits_s {
    ngx_http_socketio_waits_t *next;
    uint64_t                   id;
    eio_msg_t                 *msg;
};


/* A socket that was written something. */

typedef struct {
    sio_map_node_t             node;         /* by socket */
    ngx_queue_t                queue;
    ngx_queue_t                ask;          /* the home, again and again */
    sio_socket_t              *socket;
    ngx_http_socketio_key_t    key;          /* of the mailbox */
    uint64_t                   written;      /* id of the last item */
    uint64_t                   covered;      /* id that the mark proves */
    uint64_t                   settled;      /* msec: when all was proved */
    uint64_t                   asked;        /* msec: the home, last */
    ngx_http_socketio_waits_t *waits;        /* while it is unread, */
    size_t                     bytes;        /* of them */
    uint8_t                    mark;
    unsigned                   waiting:1;    /* for the mark */
    unsigned                   due:1;        /* it owes a mark */
    unsigned                   more:1;       /* the buffer was full */
    unsigned                   unread:1;     /* the home's items come first */
    unsigned                   asking:1;     /* it is in the list */
} ngx_http_socketio_written_t;


struct ngx_http_socketio_mailbox_s {
    sio_map_t                  written;
    ngx_queue_t                due;
    ngx_queue_t                settled;      /* the oldest first */
    ngx_queue_t                asks;
    sio_buf_t                  load;
};


/* The state of a socket, or NULL; or a new one (NULL: no memory, no user). */

ngx_http_socketio_written_t *ngx_http_socketio_mailbox_find(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
ngx_http_socketio_written_t *ngx_http_socketio_mailbox_get(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
void ngx_http_socketio_mailbox_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);

/* A mark is due; or nothing is, and the state stays for a while, or goes. */

void ngx_http_socketio_mailbox_owe(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);
void ngx_http_socketio_mailbox_rest(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);

/*
 * Write what the zone has between what the socket has and an id.  A mailbox
 * may hold more than may wait for a connection: then it goes on when what was
 * written has arrived.
 */
void ngx_http_socketio_mailbox_fill(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w, uint64_t before);

/* The same to the end, for a socket that may not be known. */

void ngx_http_socketio_mailbox_look(sio_socket_t *socket);

/* Ask the home for what it has: it comes first.  NGX_OK: it has nothing. */

ngx_int_t ngx_http_socketio_mailbox_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_written_t *w);

/* Keep an item for a socket that is unread; forget what was kept. */

void ngx_http_socketio_mailbox_wait(ngx_http_socketio_written_t *w,
    uint64_t id, eio_msg_t *msg);
void ngx_http_socketio_mailbox_unwait(ngx_http_socketio_written_t *w);

/* Once a second: those who asked and were not answered, or not fully. */

void ngx_http_socketio_mailbox_asks(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_MAILBOX_STATE_H_INCLUDED_ */
