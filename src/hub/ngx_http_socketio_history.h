/*
 * The history: broadcasts of an app with recovery, in one order for all
 * workers of the host.
 *
 * Such an app's events go through the log of the zone.  A worker reads it
 * from its beginning to its end and delivers what is for it; before it
 * delivers an event of its own it reads what the others wrote before that.  So
 * each client gets its events in the order of their numbers, whoever sent
 * them, and one number says which of them it has got: the offset, which is
 * added to each event as its last argument.
 *
 * What is not in the log - volatile events, what is kept in mailboxes, events
 * larger than the log takes - has the offset of the event before it.  Events
 * with an ack id have none.
 *
 * app->position is the number of the last entry that was delivered here, and
 * hub->at its offset.
 */


#ifndef _NGX_HTTP_SOCKETIO_HISTORY_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_HISTORY_H_INCLUDED_


#include "hub/ngx_http_socketio_broadcast.h"
#include "shm/ngx_http_socketio_shm_log.h"


/* A worker begins, with the next entry. */

void ngx_http_socketio_history_init(ngx_http_socketio_hub_t *hub);

/* Whether a broadcast goes through the log. */

ngx_uint_t ngx_http_socketio_history_keeps(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);

/*
 * Add hub->record, which is that of b, for the slots with members; this
 * worker delivers it by itself.  Under the log's lock.  Returns its number,
 * or 0: it is too large.
 */
uint64_t ngx_http_socketio_history_add(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, const uint64_t *slots,
    uint64_t sequence);

/*
 * Deliver what the log holds for this worker up to a number, which is
 * included; and go on to a number of its own (0: none) that the caller
 * delivers now.
 */
void ngx_http_socketio_history_read(ngx_http_socketio_hub_t *hub,
    uint64_t upto);
void ngx_http_socketio_history_pass(ngx_http_socketio_hub_t *hub,
    uint64_t number);

/* The offset of an entry. */

void ngx_http_socketio_history_offset(const ngx_http_socketio_entry_t *entry,
    sio_offset_t *offset);

/*
 * The message of an event with an offset, a reference for the caller.  offset
 * NULL: where this worker is.  NULL: the app has no recovery, or there is no
 * memory.
 */
eio_msg_t *ngx_http_socketio_history_msg(ngx_http_socketio_hub_t *hub,
    const eio_msg_t *msg, const sio_offset_t *offset);

/*
 * Send an event to one socket; logged: a client that misses it is to get it
 * later.  The message is without offset.  Results as sio_socket_send().
 */
int ngx_http_socketio_history_send(sio_socket_t *socket, eio_msg_t *msg,
    ngx_uint_t logged);

/*
 * Bits of a namespace's room, or of all of it (no name): an entry that has
 * none of a socket's bits is not for it.
 */
uint64_t ngx_http_socketio_history_sieve(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t room);

/* Once a second: what a worker that was not told of has missed. */

void ngx_http_socketio_history_tick(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_HISTORY_H_INCLUDED_ */
