/*
 * Broadcast: one message to many sockets, here and in other workers.
 *
 * Encoded once.  Members here get a reference at once; for other workers the
 * directory names the slots that have members, and one copy goes through the
 * zone.
 *
 * Each broadcast has a sequence number, unique in the zone, taken before the
 * directory is read.  It decides on which side of a move a message falls: see
 * move.
 */


#ifndef _NGX_HTTP_SOCKETIO_BROADCAST_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_BROADCAST_H_INCLUDED_


#include "hub/ngx_http_socketio_channel.h"


/* Which entry of a stream it is, that hosts share; and who added it. */

typedef struct {
    sio_stream_id_t  id;
    ngx_uint_t       slot;           /* of this host */
    uint32_t         incarnation;
    uint64_t         number;         /* 0: another host */
} ngx_http_socketio_entered_t;


typedef struct {
    sio_str_t        nsp;
    sio_target_t     target;
    eio_msg_t       *msg;
    int64_t          ack_id;         /* SIO_NO_ID: none is asked for */

    /* What msg was made of, for other hosts; not needed if local is set. */
    sio_str_t        event;
    sio_str_t        args;
    const sio_binary_t  *attachments;    /* or NULL */

    const ngx_http_socketio_entered_t  *stamp;    /* or NULL */

    unsigned         local:1;        /* this host only */
    unsigned         away:1;         /* but in the stream, somewhere */
} ngx_http_socketio_broadcast_t;


/*
 * Between the two, a message may be sent that reaches each session once, on
 * whichever side of a move it is: take the sequence number, then look the
 * receivers up, then send to them.
 */
uint64_t ngx_http_socketio_sequence_begin(ngx_http_socketio_hub_t *hub);
void ngx_http_socketio_sequence_end(ngx_http_socketio_hub_t *hub);

/*
 * Send.  *matched (may be NULL) gets the members of the addressed rooms, in
 * all workers, as the directory has them.  expect (may be NULL) gets the
 * slots that will say which of their sockets owe an ack.
 *
 * NGX_OK, or NGX_ERROR: the zone has no room, other workers were not reached
 * (members here were).
 */
ngx_int_t ngx_http_socketio_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t *matched,
    uint64_t *expect);

/*
 * Whether nobody would get a message that is still to be built, nor wants it
 * for later: it is done with, and counted.
 */
ngx_uint_t ngx_http_socketio_broadcast_idle(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);

/*
 * Add to found the slots that have sockets addressed by a target, as the
 * directory has them, and how many; found is zeroed by the caller.
 */
void ngx_http_socketio_target_find(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, const sio_target_t *target,
    ngx_http_socketio_found_t *found);

/*
 * Lists of names in records.  get fills names, at most SIO_EMIT_ROOMS_MAX
 * views of the record; NGX_ERROR: there are more.
 */
void ngx_http_socketio_names_put(sio_wire_writer_t *w, const sio_str_t *names,
    unsigned n);
ngx_int_t ngx_http_socketio_names_get(sio_wire_t *record, sio_str_t *names,
    unsigned *n);

/*
 * A BROADCAST record came; number: of its entry in the log, 0: it is not one.
 */
void ngx_http_socketio_broadcast_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from,
    uint64_t number);

/*
 * Read what a BROADCAST record says; names fill rooms and except, of
 * SIO_EMIT_ROOMS_MAX each.  msg is left to the caller: *image is a view.
 * NGX_OK, or NGX_ERROR: it is damaged.
 */
ngx_int_t ngx_http_socketio_broadcast_read(sio_wire_t *record,
    ngx_http_socketio_broadcast_t *b, sio_str_t *rooms, sio_str_t *except,
    sio_str_t *image, ngx_uint_t *drop);

/* Write such a record to hub->record.  NGX_OK, or NGX_ERROR: no memory. */

ngx_int_t ngx_http_socketio_broadcast_write(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b);

/* To the members in this worker; number as above. */

void ngx_http_socketio_broadcast_here(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t sequence,
    uint64_t number);

/*
 * Build the message of an event packet with its attachments (may be NULL).
 * NULL: no memory, or too large.
 */
eio_msg_t *ngx_http_socketio_event_msg(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t event, sio_str_t args,
    const sio_binary_t *attachments, int64_t ack_id);


#endif /* _NGX_HTTP_SOCKETIO_BROADCAST_H_INCLUDED_ */
