/*
 * The channel: records from worker to worker.
 *
 * A record is written once into the zone; a reference goes into the inbox of
 * each receiver.  Who has to be woken is woken once, at the end of the turn.
 * All workers of all generations inherit the same eventfds from the master,
 * one per slot.
 */


#ifndef _NGX_HTTP_SOCKETIO_CHANNEL_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_CHANNEL_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/* Types of records; the fields are listed where each is written. */

typedef enum {
    NGX_HTTP_SOCKETIO_RECORD_BROADCAST = 1,     /* broadcast */
    NGX_HTTP_SOCKETIO_RECORD_GET,               /* forward */
    NGX_HTTP_SOCKETIO_RECORD_POST,
    NGX_HTTP_SOCKETIO_RECORD_ABORT,
    NGX_HTTP_SOCKETIO_RECORD_ANSWER,
    NGX_HTTP_SOCKETIO_RECORD_PROBE,             /* move */
    NGX_HTTP_SOCKETIO_RECORD_PROBE_ANSWER,
    NGX_HTTP_SOCKETIO_RECORD_PROBED,
    NGX_HTTP_SOCKETIO_RECORD_CANCEL,
    NGX_HTTP_SOCKETIO_RECORD_TAKE,
    NGX_HTTP_SOCKETIO_RECORD_SESSION,
    NGX_HTTP_SOCKETIO_RECORD_READY,
    NGX_HTTP_SOCKETIO_RECORD_HELD,
    NGX_HTTP_SOCKETIO_RECORD_EXPECT,            /* collect */
    NGX_HTTP_SOCKETIO_RECORD_ACK,
    NGX_HTTP_SOCKETIO_RECORD_OPERATION,         /* operation */
    NGX_HTTP_SOCKETIO_RECORD_FETCH,             /* fetch */
    NGX_HTTP_SOCKETIO_RECORD_FETCHED,
    NGX_HTTP_SOCKETIO_RECORD_MAIL,              /* mailbox */
    NGX_HTTP_SOCKETIO_RECORD_MAILER,            /* mailer */
    NGX_HTTP_SOCKETIO_RECORD_HOSTS,             /* hosts */
    NGX_HTTP_SOCKETIO_RECORD_CALL,              /* call */
    NGX_HTTP_SOCKETIO_RECORD_CLUSTER,           /* of a backend's own */
    NGX_HTTP_SOCKETIO_RECORD_SAVED              /* recovery, in the store */
} ngx_http_socketio_record_e;


/* Who sent a record, as the receiver sees it. */

typedef struct {
    ngx_uint_t  slot;
    uint64_t    sequence;
} ngx_http_socketio_from_t;


/* The master, before workers start; again at each reload.  NGX_OK, NGX_ERROR */

ngx_int_t ngx_http_socketio_channel_init(ngx_cycle_t *cycle);

/* A worker, once for all its hubs. */

ngx_int_t ngx_http_socketio_channel_open(ngx_cycle_t *cycle);
void ngx_http_socketio_channel_close(void);

/* A hub whose inbox is drained when this worker is woken. */

void ngx_http_socketio_channel_add(ngx_http_socketio_hub_t *hub);

/*
 * The worker ends: flush, and wait for a second at most until there is room
 * for what waits for it.
 */
void ngx_http_socketio_channel_linger(ngx_http_socketio_hub_t *hub);

/* Not any more; what still waits for room in an inbox is dropped. */

void ngx_http_socketio_channel_remove(ngx_http_socketio_hub_t *hub);

/* Begin to write hub->record. */

static ngx_inline void
ngx_http_socketio_record_begin(ngx_http_socketio_hub_t *hub,
    sio_wire_writer_t *w, ngx_http_socketio_record_e type)
{
    sio_buf_reset(&hub->record);
    sio_wire_begin(w, &hub->record, type);
}


/*
 * Send hub->record to the slots whose bits are set (this worker's own bit is
 * ignored).  Order is kept per receiver.
 *
 * NGX_OK
 * NGX_DECLINED  some of them are gone
 * NGX_ERROR     the zone has no room: nothing was sent (counted, logged)
 */
ngx_int_t ngx_http_socketio_channel_send(ngx_http_socketio_hub_t *hub,
    const uint64_t *receivers, uint64_t sequence);

/* The same to one slot. */

ngx_int_t ngx_http_socketio_channel_send_to(ngx_http_socketio_hub_t *hub,
    ngx_uint_t slot);

/* The end of the record that w has written, to one slot. */

static ngx_inline ngx_int_t
ngx_http_socketio_record_send(ngx_http_socketio_hub_t *hub,
    sio_wire_writer_t *w, ngx_uint_t slot)
{
    return sio_wire_end(w) == SIO_OK
           ? ngx_http_socketio_channel_send_to(hub, slot) : NGX_ERROR;
}


/*
 * Tell the slots whose bits are set that the log has something for them, in
 * order with the records they are sent.  A worker that does not read is not
 * told: it finds it when it does.
 */
void ngx_http_socketio_channel_mark(ngx_http_socketio_hub_t *hub,
    const uint64_t *receivers);

/* Wake those whose inboxes were filled, and retry what waits. */

void ngx_http_socketio_channel_flush(ngx_http_socketio_hub_t *hub);

/*
 * Wake all others at the end of the turn: after a slot was taken or reaped,
 * because a killed worker may have owed a wake-up.
 */
void ngx_http_socketio_channel_wake(ngx_http_socketio_hub_t *hub);

/* Take what the inbox holds; of very much the rest after other events. */

void ngx_http_socketio_channel_drain(ngx_http_socketio_hub_t *hub);

/* Take all that has been put into the inbox before this call. */

void ngx_http_socketio_channel_catch_up(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_CHANNEL_H_INCLUDED_ */
