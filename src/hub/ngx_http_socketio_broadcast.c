/*
 * Broadcast.
 *
 * The record: namespace, flags, ack id, the count of rooms and the rooms, the
 * same for except, and the message's image.
 */


#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_move.h"
#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_stream.h"


#define NGX_HTTP_SOCKETIO_VOLATILE  0x01

#define NGX_HTTP_SOCKETIO_LOGGED    UINT64_MAX


typedef struct {
    ngx_http_socketio_hub_t  *hub;
    eio_msg_t                *msg;
    uint64_t                  sequence;
    uint64_t                  number;    /* in the log, or 0 */
    sio_buf_t                *sids;      /* who owes an ack, or NULL */
} ngx_http_socketio_delivery_t;


static ngx_int_t ngx_http_socketio_broadcast_out(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, const uint64_t *slots,
    uint64_t sequence);
static uint64_t ngx_http_socketio_broadcast_log(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, ngx_http_socketio_found_t *found,
    uint64_t *sequence);
static void ngx_http_socketio_deliver(sio_socket_t *socket, void *ctx);


/*
 * A move in another worker waits until all numbers before its own are out:
 * "busy" is set before the number is taken, and stays while records wait for
 * room in an inbox.
 */
uint64_t
ngx_http_socketio_sequence_begin(ngx_http_socketio_hub_t *hub)
{
    uint64_t                   sequence;
    ngx_http_socketio_slot_t  *slot;

    slot = hub->slot;

    if (slot->busy == 0) {
        __atomic_store_n(&slot->busy, 1, __ATOMIC_SEQ_CST);
    }

    sequence = __atomic_add_fetch(&hub->zone->sequence, 1, __ATOMIC_SEQ_CST);

    if (hub->nwaiting == 0) {
        __atomic_store_n(&slot->busy, sequence, __ATOMIC_SEQ_CST);
    }

    return sequence;
}


void
ngx_http_socketio_sequence_end(ngx_http_socketio_hub_t *hub)
{
    if (hub->nwaiting == 0) {
        __atomic_store_n(&hub->slot->busy, 0, __ATOMIC_SEQ_CST);
    }
}


ngx_int_t
ngx_http_socketio_broadcast(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t *matched,
    uint64_t *expect)
{
    uint64_t                   sequence, number;
    ngx_int_t                  rc;
    ngx_http_socketio_found_t  found;

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));

    number = 0;
    rc = NGX_OK;

    if (ngx_http_socketio_history_keeps(hub, b)) {

        if (ngx_http_socketio_stream_order(hub, b) == NGX_OK) {
            ngx_http_socketio_target_find(hub, b->nsp, &b->target, &found);
            goto done;
        }

        number = ngx_http_socketio_broadcast_log(hub, b, &found, &sequence);

        if (number == NGX_HTTP_SOCKETIO_LOGGED) {
            return NGX_OK;
        }
    }

    if (number == 0) {
        sequence = ngx_http_socketio_sequence_begin(hub);

        ngx_http_socketio_target_find(hub, b->nsp, &b->target, &found);
        rc = ngx_http_socketio_broadcast_out(hub, b, found.slots, sequence);
    }

    if (hub->cluster && !b->local
        && ngx_http_socketio_collect_hosts(hub, b) != NGX_OK)
    {
        hub->cluster->broadcast(hub, b);
    }

    ngx_http_socketio_sequence_end(hub);

    /* what others wrote before comes first, and nobody's rule in between */

    sio_app_enter(&hub->app);

    ngx_http_socketio_history_pass(hub, number);
    ngx_http_socketio_broadcast_here(hub, b, sequence, number);

    sio_app_leave(&hub->app);

done:

    if (matched) {
        *matched = found.count;
    }

    if (expect) {
        ngx_memcpy(expect, found.slots, sizeof(found.slots));
        expect[hub->n / 64] &= ~((uint64_t) 1 << hub->n % 64);
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_BROADCASTS, 1);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


ngx_uint_t
ngx_http_socketio_broadcast_idle(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    ngx_http_socketio_found_t  found;

    if (b->ack_id != SIO_NO_ID || hub->recovery
        || (hub->cluster && !b->local))
    {
        return 0;
    }

    ngx_memzero(&found, sizeof(ngx_http_socketio_found_t));

    ngx_http_socketio_target_find(hub, b->nsp, &b->target, &found);

    if (found.count) {
        return 0;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_BROADCASTS, 1);

    return 1;
}


/*
 * Into the log, by which it reaches the other workers: its number, or 0: the
 * log has no room for one of this size; or LOGGED: it had its turn.  The
 * receivers are looked up under the log's lock, so that who was not in the
 * room then finds it in the log.
 */
static uint64_t
ngx_http_socketio_broadcast_log(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, ngx_http_socketio_found_t *found,
    uint64_t *sequence)
{
    uint64_t  number, slots[NGX_HTTP_SOCKETIO_SLOTS / 64];

    if (ngx_http_socketio_broadcast_write(hub, b) != NGX_OK) {
        return 0;
    }

    ngx_http_socketio_log_lock(hub->zone);

    if (b->stamp && ngx_http_socketio_stream_done(hub, b->stamp)) {
        ngx_http_socketio_log_unlock(hub->zone);
        return NGX_HTTP_SOCKETIO_LOGGED;
    }

    *sequence = ngx_http_socketio_sequence_begin(hub);

    ngx_http_socketio_target_find(hub, b->nsp, &b->target, found);
    number = ngx_http_socketio_history_add(hub, b, found->slots, *sequence);

    ngx_http_socketio_log_unlock(hub->zone);

    if (number) {
        ngx_memcpy(slots, found->slots, sizeof(slots));

        if (b->stamp && b->stamp->number) {
            /* it waits for it */
            slots[b->stamp->slot / 64] |= (uint64_t) 1 << b->stamp->slot % 64;
        }

        ngx_http_socketio_channel_mark(hub, slots);

    } else {
        ngx_memzero(found, sizeof(ngx_http_socketio_found_t));
    }

    return number;
}


/* The slots with members of the rooms addressed; a socket's id is a room. */

void
ngx_http_socketio_target_find(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    const sio_target_t *target, ngx_http_socketio_found_t *found)
{
    ngx_uint_t               i;
    sio_str_t                room;
    ngx_http_socketio_key_t  key;

    if (target->nrooms == 0) {
        room = sio_str(NULL, 0);
        ngx_http_socketio_key_room(hub->zone, nsp, room, &key);
        ngx_http_socketio_directory_find(hub->zone, &key, found);
        return;
    }

    for (i = 0; i < target->nrooms; i++) {
        room = target->rooms[i];

        if (room.len == EIO_SID_LEN) {
            ngx_http_socketio_key_socket(hub->zone, nsp, room, &key);
            ngx_http_socketio_directory_find(hub->zone, &key, found);
        }

        ngx_http_socketio_key_room(hub->zone, nsp, room, &key);
        ngx_http_socketio_directory_find(hub->zone, &key, found);
    }
}


static ngx_int_t
ngx_http_socketio_broadcast_out(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, const uint64_t *slots,
    uint64_t sequence)
{
    if (!ngx_http_socketio_slots_others(slots, hub->n)) {
        return NGX_OK;
    }

    if (ngx_http_socketio_broadcast_write(hub, b) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_channel_send(hub, slots, sequence);
}


ngx_int_t
ngx_http_socketio_broadcast_write(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    sio_wire_writer_t  w;

    ngx_http_socketio_record_begin(hub, &w, NGX_HTTP_SOCKETIO_RECORD_BROADCAST);
    sio_wire_put_str(&w, b->nsp);
    sio_wire_put_u8(&w, b->msg->volatile_ ? NGX_HTTP_SOCKETIO_VOLATILE : 0);
    sio_wire_put_u64(&w, (uint64_t) b->ack_id);

    ngx_http_socketio_names_put(&w, b->target.rooms, b->target.nrooms);
    ngx_http_socketio_names_put(&w, b->target.except, b->target.nexcept);
    sio_wire_put_str(&w, sio_str(b->msg->image, b->msg->len));

    return sio_wire_end(&w) == SIO_OK ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_socketio_broadcast_read(sio_wire_t *record,
    ngx_http_socketio_broadcast_t *b, sio_str_t *rooms, sio_str_t *except,
    sio_str_t *image, ngx_uint_t *drop)
{
    ngx_memzero(b, sizeof(ngx_http_socketio_broadcast_t));

    b->nsp = sio_wire_get_str(record);
    *drop = sio_wire_get_u8(record) & NGX_HTTP_SOCKETIO_VOLATILE;
    b->ack_id = (int64_t) sio_wire_get_u64(record);

    if (ngx_http_socketio_names_get(record, rooms, &b->target.nrooms) != NGX_OK
        || ngx_http_socketio_names_get(record, except, &b->target.nexcept)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->target.rooms = rooms;
    b->target.except = except;
    *image = sio_wire_get_str(record);

    return sio_wire_done(record) == SIO_OK ? NGX_OK : NGX_ERROR;
}


void
ngx_http_socketio_broadcast_receive(ngx_http_socketio_hub_t *hub,
    sio_wire_t *record, const ngx_http_socketio_from_t *from, uint64_t number)
{
    sio_str_t                      image;
    ngx_uint_t                     drop;
    ngx_http_socketio_broadcast_t  b;

    static sio_str_t               rooms[SIO_EMIT_ROOMS_MAX];
    static sio_str_t               except[SIO_EMIT_ROOMS_MAX];

    if (ngx_http_socketio_broadcast_read(record, &b, rooms, except, &image,
                                         &drop)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, hub->log, 0,
                      "socketio: a damaged broadcast from slot %ui",
                      from->slot);
        return;
    }

    b.msg = eio_msg_from_image(&ngx_http_socketio_mem, image);
    if (b.msg == NULL) {
        ngx_log_error(NGX_LOG_CRIT, hub->log, 0,
                      "socketio: no memory for a message of %uz bytes",
                      image.len);
        return;
    }

    b.msg->volatile_ = (drop != 0);

    ngx_http_socketio_broadcast_here(hub, &b, from->sequence, number);

    eio_msg_unref(&ngx_http_socketio_mem, b.msg);
}


void
ngx_http_socketio_names_put(sio_wire_writer_t *w, const sio_str_t *names,
    unsigned n)
{
    unsigned  i;

    sio_wire_put_u32(w, n);

    for (i = 0; i < n; i++) {
        sio_wire_put_str(w, names[i]);
    }
}


ngx_int_t
ngx_http_socketio_names_get(sio_wire_t *record, sio_str_t *names, unsigned *n)
{
    uint32_t  i, count;

    count = sio_wire_get_u32(record);

    if (count > SIO_EMIT_ROOMS_MAX) {
        return NGX_ERROR;
    }

    for (i = 0; i < count; i++) {
        names[i] = sio_wire_get_str(record);
    }

    *n = count;

    return NGX_OK;
}


/* Whoever asked for acks learns of the members. */

void
ngx_http_socketio_broadcast_here(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, uint64_t sequence,
    uint64_t number)
{
    unsigned                      n;
    eio_msg_t                    *offset;
    sio_namespace_t              *ns;
    ngx_http_socketio_delivery_t  delivery;

    delivery.hub = hub;
    delivery.msg = b->msg;
    delivery.sequence = sequence;
    delivery.number = number;
    delivery.sids = NULL;
    offset = NULL;

    if (b->ack_id != SIO_NO_ID) {
        delivery.sids = &hub->payload;
        sio_buf_reset(&hub->payload);
    }

    ns = sio_app_namespace(&hub->app, b->nsp);

    if (ns && b->ack_id == SIO_NO_ID) {
        offset = ngx_http_socketio_history_msg(hub, b->msg, NULL);
        delivery.msg = offset ? offset : b->msg;
    }

    if (ns) {
        n = sio_namespace_select(ns, &b->target, ngx_http_socketio_deliver,
                                 &delivery);
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DELIVERED, n);
    }

    if (offset) {
        eio_msg_unref(&ngx_http_socketio_mem, offset);
    }

    if (b->ack_id != SIO_NO_ID) {
        ngx_http_socketio_collect_expect(hub, b->ack_id,
                                         sio_buf_str(&hub->payload));
    }
}


static void
ngx_http_socketio_deliver(sio_socket_t *socket, void *ctx)
{
    ngx_http_socketio_delivery_t *delivery = ctx;

    ngx_http_socketio_session_t  *s;

    s = (ngx_http_socketio_session_t *) socket->client->session;

    if (delivery->number
        && ngx_http_socketio_recovery_had(delivery->hub, socket,
                                          delivery->number))
    {
        return;
    }

    if (s->eio.frozen) {
        if (!ngx_http_socketio_move_hold(s, delivery->sequence,
                                         delivery->msg, socket, 0))
        {
            return;
        }

    } else {
        (void) sio_socket_send(socket, delivery->msg);
    }

    if (delivery->sids) {
        (void) sio_buf_append_str(delivery->sids, sio_socket_sid(socket));
    }
}


eio_msg_t *
ngx_http_socketio_event_msg(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t event, sio_str_t args, const sio_binary_t *attachments,
    int64_t ack_id)
{
    sio_buf_t     *buf;
    sio_packet_t   pkt;

    buf = &hub->packet;

    sio_buf_reset(buf);
    ngx_memzero(&pkt, sizeof(sio_packet_t));

    pkt.type = SIO_EVENT;
    pkt.nsp = nsp;
    pkt.id = ack_id;

    if (attachments && attachments->n) {
        pkt.type = SIO_BINARY_EVENT;
        pkt.attachments = attachments->n;
    }

    if (sio_packet_encode(buf, &pkt) != SIO_OK
        || sio_event_encode(buf, event, args) != SIO_OK)
    {
        return NULL;
    }

    return eio_msg_create(&ngx_http_socketio_mem, sio_buf_str(buf),
                          attachments);
}
