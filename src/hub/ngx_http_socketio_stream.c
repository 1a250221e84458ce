/*
 * What was added to the stream, and has not come back.
 */


#include "hub/ngx_http_socketio_stream.h"
#include "hub/ngx_http_socketio_cluster.h"


/* msec: how long the stream is waited for, and not asked after that. */

#define NGX_HTTP_SOCKETIO_STREAM_WAIT   1000
#define NGX_HTTP_SOCKETIO_STREAM_PAUSE  1000

/* Bytes that wait. */

#define NGX_HTTP_SOCKETIO_STREAM_BYTES  (16 * 1024 * 1024)


/* Its record, of type BROADCAST. */

typedef struct {
    ngx_queue_t   queue;
    uint64_t      number;
    uint64_t      time;              /* msec */
    size_t        len;
    u_char        data[];
} ngx_http_socketio_added_t;


struct ngx_http_socketio_order_s {
    sio_timer_t   timer;
    ngx_queue_t   added;             /* oldest first */
    size_t        bytes;
    uint64_t      number;            /* of the newest */
    uint64_t      pause;             /* msec: nothing is added until then */
    unsigned      falling:1;
};


static ngx_http_socketio_added_t *ngx_http_socketio_stream_first(
    ngx_http_socketio_order_t *stream, uint64_t upto);
static void ngx_http_socketio_stream_free(ngx_http_socketio_order_t *stream,
    ngx_http_socketio_added_t *added);
static void ngx_http_socketio_stream_arm(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_stream_deliver(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_added_t *added);


ngx_int_t
ngx_http_socketio_stream_init(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_order_t  *stream;

    if (hub->recovery == NULL) {
        return NGX_OK;
    }

    stream = sio_calloc(&ngx_http_socketio_mem,
                        sizeof(ngx_http_socketio_order_t));
    if (stream == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&stream->added);
    stream->timer.kind = NGX_HTTP_SOCKETIO_TIMER_STREAM;

    hub->stream = stream;

    return NGX_OK;
}


void
ngx_http_socketio_stream_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_added_t  *added;

    if (hub->stream == NULL) {
        return;
    }

    while ((added = ngx_http_socketio_stream_first(hub->stream, UINT64_MAX))
           != NULL)
    {
        ngx_http_socketio_stream_free(hub->stream, added);
    }

    sio_wheel_clear(&hub->wheel, &hub->stream->timer);
    sio_free(&ngx_http_socketio_mem, hub->stream);
    hub->stream = NULL;
}


ngx_int_t
ngx_http_socketio_stream_order(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    size_t                       len;
    ngx_http_socketio_added_t   *added;
    ngx_http_socketio_order_t  *stream;

    stream = hub->stream;

    if (stream == NULL || b->local) {
        return NGX_DECLINED;
    }

    if (stream->falling || ngx_http_socketio_now() < stream->pause
        || !hub->zone->stream_read
        || ngx_http_socketio_broadcast_write(hub, b) != NGX_OK)
    {
        goto declined;
    }

    /* what the log does not take comes back another way; as it is read from
       the stream it may be a little longer */

    len = hub->record.len;

    if (len > hub->zone->log_size / 8
        || stream->bytes + len > NGX_HTTP_SOCKETIO_STREAM_BYTES)
    {
        goto declined;
    }

    added = sio_alloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_added_t) + len);
    if (added == NULL) {
        goto declined;
    }

    if (hub->cluster->add(hub, b, stream->number + 1) != NGX_OK) {
        sio_free(&ngx_http_socketio_mem, added);
        goto declined;
    }

    added->number = ++stream->number;
    added->time = ngx_http_socketio_now();
    added->len = len;
    ngx_memcpy(added->data, hub->record.data, len);

    ngx_queue_insert_tail(&stream->added, &added->queue);
    stream->bytes += len;

    ngx_http_socketio_stream_arm(hub);

    return NGX_OK;

declined:

    ngx_http_socketio_stream_fall(hub);

    return NGX_DECLINED;
}


/* The oldest up to a number, or NULL. */

static ngx_http_socketio_added_t *
ngx_http_socketio_stream_first(ngx_http_socketio_order_t *stream,
    uint64_t upto)
{
    ngx_http_socketio_added_t  *added;

    if (ngx_queue_empty(&stream->added)) {
        return NULL;
    }

    added = ngx_queue_data(ngx_queue_head(&stream->added),
                           ngx_http_socketio_added_t, queue);

    return added->number <= upto ? added : NULL;
}


static void
ngx_http_socketio_stream_free(ngx_http_socketio_order_t *stream,
    ngx_http_socketio_added_t *added)
{
    ngx_queue_remove(&added->queue);
    stream->bytes -= added->len;
    sio_free(&ngx_http_socketio_mem, added);
}


/* It fires for the oldest; what came back in time leaves it set. */

static void
ngx_http_socketio_stream_arm(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_added_t  *added;

    added = ngx_http_socketio_stream_first(hub->stream, UINT64_MAX);

    if (added && !sio_timer_is_set(&hub->stream->timer)) {
        sio_wheel_set(&hub->wheel, &hub->stream->timer,
                      added->time + NGX_HTTP_SOCKETIO_STREAM_WAIT);
        ngx_http_socketio_hub_post(hub);
    }
}


void
ngx_http_socketio_stream_timeout(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_added_t  *added;

    added = ngx_http_socketio_stream_first(hub->stream, UINT64_MAX);

    if (added && ngx_http_socketio_now() - added->time
                 >= NGX_HTTP_SOCKETIO_STREAM_WAIT)
    {
        hub->stream->pause = ngx_http_socketio_now()
                             + NGX_HTTP_SOCKETIO_STREAM_PAUSE;
        ngx_http_socketio_stream_fall(hub);
    }

    ngx_http_socketio_stream_arm(hub);
}


void
ngx_http_socketio_stream_lost(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_added_t  *added;

    if (hub->stream == NULL) {
        return;
    }

    added = ngx_http_socketio_stream_first(hub->stream, UINT64_MAX);

    if (added) {
        added->time = ngx_http_socketio_now() - NGX_HTTP_SOCKETIO_STREAM_WAIT;
        sio_wheel_set(&hub->wheel, &hub->stream->timer,
                      ngx_http_socketio_now());
        ngx_http_socketio_hub_post(hub);
    }
}


void
ngx_http_socketio_stream_back(ngx_http_socketio_hub_t *hub, uint64_t number)
{
    ngx_http_socketio_added_t  *added;

    while (hub->stream
           && (added = ngx_http_socketio_stream_first(hub->stream, number))
              != NULL)
    {
        ngx_http_socketio_stream_free(hub->stream, added);
    }
}


/*
 * From when it is written down the leader passes over what is ours; what it
 * had handed out before is in the log.
 */
void
ngx_http_socketio_stream_fall(ngx_http_socketio_hub_t *hub)
{
    uint64_t                     upto;
    ngx_http_socketio_added_t   *added;
    ngx_http_socketio_order_t  *stream;

    stream = hub->stream;

    if (stream == NULL || stream->falling
        || ngx_queue_empty(&stream->added))
    {
        return;
    }

    stream->falling = 1;
    upto = stream->number;

    ngx_http_socketio_log_lock(hub->zone);
    hub->slot->stream_fallen = upto;
    ngx_http_socketio_log_unlock(hub->zone);

    ngx_http_socketio_history_read(hub, UINT64_MAX);

    while ((added = ngx_http_socketio_stream_first(stream, upto)) != NULL) {
        ngx_http_socketio_stream_deliver(hub, added);
        ngx_http_socketio_stream_free(stream, added);
    }

    stream->falling = 0;
}


static void
ngx_http_socketio_stream_deliver(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_added_t *added)
{
    uint8_t                        type;
    sio_str_t                      image, rooms[SIO_EMIT_ROOMS_MAX];
    sio_str_t                      except[SIO_EMIT_ROOMS_MAX];
    sio_wire_t                     record;
    ngx_uint_t                     drop;
    ngx_http_socketio_broadcast_t  b;

    if (sio_wire_open(&record, added->data, added->len, &type) != SIO_OK
        || ngx_http_socketio_broadcast_read(&record, &b, rooms, except, &image,
                                            &drop)
           != NGX_OK)
    {
        return;
    }

    b.msg = eio_msg_from_image(&ngx_http_socketio_mem, image);

    if (b.msg == NULL) {
        return;
    }

    b.local = 1;
    b.away = 1;

    (void) ngx_http_socketio_broadcast(hub, &b, NULL, NULL);

    eio_msg_unref(&ngx_http_socketio_mem, b.msg);
}


ngx_uint_t
ngx_http_socketio_stream_done(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_entered_t *stamp)
{
    ngx_http_socketio_slot_t  *slot;

    if (ngx_http_socketio_log_seen(hub->zone, &stamp->id)) {
        return 1;
    }

    if (stamp->number == 0) {
        return 0;
    }

    slot = ngx_http_socketio_slot(hub->zone, stamp->slot);

    if (slot->incarnation != stamp->incarnation
        || stamp->number > slot->stream_fallen)
    {
        return 0;
    }

    ngx_http_socketio_log_pass(hub->zone, &stamp->id);

    return 1;
}


void
ngx_http_socketio_stream_place(ngx_http_socketio_hub_t *hub,
    const sio_stream_id_t *id, ngx_uint_t gap)
{
    if (hub->stream && ngx_http_socketio_log_ready(hub->zone)) {
        ngx_http_socketio_log_lock(hub->zone);
        ngx_http_socketio_log_restart(hub->zone, id, gap);
        ngx_http_socketio_log_unlock(hub->zone);
    }
}


void
ngx_http_socketio_stream_pass(ngx_http_socketio_hub_t *hub,
    const sio_stream_id_t *id)
{
    if (hub->stream && ngx_http_socketio_log_ready(hub->zone)) {
        ngx_http_socketio_log_lock(hub->zone);
        ngx_http_socketio_log_pass(hub->zone, id);
        ngx_http_socketio_log_unlock(hub->zone);
    }
}
