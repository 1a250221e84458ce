/*
 * The history of an app with recovery.
 *
 * A worker without recovery may share the zone, while another configuration
 * is taken over: it reads the log as all do, and adds no offsets.
 */


#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_stream.h"


static void ngx_http_socketio_history_place(ngx_http_socketio_hub_t *hub,
    uint64_t number);
static void ngx_http_socketio_history_at(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_entry_t *entry);
static ngx_int_t ngx_http_socketio_history_take(ngx_http_socketio_hub_t *hub,
    uint64_t number);
static void ngx_http_socketio_history_lost(ngx_http_socketio_hub_t *hub,
    uint64_t n);


void
ngx_http_socketio_history_init(ngx_http_socketio_hub_t *hub)
{
    if (hub->recovery) {
        (void) ngx_http_socketio_log_create(hub->zone);
    }

    if (ngx_http_socketio_log_ready(hub->zone)) {
        ngx_http_socketio_history_place(hub,
                                     ngx_http_socketio_log_last(hub->zone));
    }
}


/* The worker is at a number, whose entry may be gone. */

static void
ngx_http_socketio_history_place(ngx_http_socketio_hub_t *hub, uint64_t number)
{
    ngx_http_socketio_entry_t  entry;

    if (ngx_http_socketio_log_head(hub->zone, number, &entry) == NGX_OK) {
        ngx_http_socketio_history_at(hub, &entry);
        return;
    }

    hub->app.position = number;

    ngx_memzero(&hub->at, sizeof(sio_offset_t));
    hub->at.number = number;
}


static void
ngx_http_socketio_history_at(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_entry_t *entry)
{
    hub->app.position = entry->number;
    ngx_http_socketio_history_offset(entry, &hub->at);

    if (entry->origin == hub->n + 1 && entry->incarnation == hub->incarnation)
    {
        ngx_http_socketio_stream_back(hub, entry->origin_number);
    }
}


void
ngx_http_socketio_history_offset(const ngx_http_socketio_entry_t *entry,
    sio_offset_t *offset)
{
    ngx_memzero(offset, sizeof(sio_offset_t));

    offset->number = entry->number;

    if (!sio_stream_id_is_none(&entry->id) && !entry->away
        && entry->number - entry->base <= SIO_OFFSET_BEHIND_MAX)
    {
        offset->id = entry->id;
        offset->number -= entry->base;
    }
}


ngx_uint_t
ngx_http_socketio_history_keeps(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b)
{
    return hub->recovery != NULL
           && b->ack_id == SIO_NO_ID
           && !b->msg->volatile_
           && ngx_http_socketio_log_ready(hub->zone);
}


uint64_t
ngx_http_socketio_history_add(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_broadcast_t *b, const uint64_t *slots,
    uint64_t sequence)
{
    ngx_uint_t                 i;
    ngx_http_socketio_entry_t  entry;

    ngx_memzero(&entry, sizeof(ngx_http_socketio_entry_t));

    entry.sequence = sequence;
    entry.time = ngx_http_socketio_calendar();
    entry.sender = (uint16_t) hub->n;
    entry.len = (uint32_t) hub->record.len;
    entry.away = b->away || (hub->stream && !b->local);

    if (b->stamp) {
        entry.in_stream = 1;
        entry.id = b->stamp->id;
    }

    if (b->stamp && b->stamp->number) {
        entry.origin = (uint32_t) b->stamp->slot + 1;
        entry.incarnation = b->stamp->incarnation;
        entry.origin_number = b->stamp->number;
    }

    ngx_memcpy(entry.receivers, slots, sizeof(entry.receivers));
    entry.receivers[hub->n / 64] &= ~((uint64_t) 1 << hub->n % 64);

    if (b->target.nrooms == 0) {
        entry.sieve = ngx_http_socketio_history_sieve(hub, b->nsp,
                                                      sio_str(NULL, 0));
    }

    for (i = 0; i < b->target.nrooms; i++) {
        entry.sieve |= ngx_http_socketio_history_sieve(hub, b->nsp,
                                                       b->target.rooms[i]);
    }

    return ngx_http_socketio_log_append(hub->zone, &entry, hub->record.data);
}


uint64_t
ngx_http_socketio_history_sieve(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t room)
{
    ngx_http_socketio_key_t  key;

    ngx_http_socketio_key_room(hub->zone, nsp, room, &key);

    return (uint64_t) 1 << (key.bytes[NGX_HTTP_SOCKETIO_KEY_LEN - 1] & 63);
}


void
ngx_http_socketio_history_read(ngx_http_socketio_hub_t *hub, uint64_t upto)
{
    uint64_t   last, first;
    sio_app_t  *app;

    app = &hub->app;

    if (!ngx_http_socketio_log_ready(hub->zone)) {
        return;
    }

    last = ngx_http_socketio_log_last(hub->zone);
    upto = ngx_min(upto, last);

    /* sockets that end are torn down after all of it: their rules may emit */

    sio_app_enter(app);

    while (app->position < upto) {
        first = ngx_http_socketio_log_first(hub->zone);

        if (app->position + 1 < first) {
            ngx_http_socketio_history_lost(hub, first - app->position - 1);
            ngx_http_socketio_history_place(hub, first - 1);
            continue;
        }

        if (ngx_http_socketio_history_take(hub, app->position + 1)
            == NGX_ERROR)
        {
            break;
        }
    }

    sio_app_leave(app);
}


/* NGX_ERROR: no memory, it is tried again later. */

static ngx_int_t
ngx_http_socketio_history_take(ngx_http_socketio_hub_t *hub, uint64_t number)
{
    uint8_t                    type;
    ngx_int_t                  rc;
    sio_buf_t                 *buf;
    sio_wire_t                 record;
    ngx_http_socketio_from_t   from;
    ngx_http_socketio_entry_t  entry;

    buf = &hub->history;

    rc = ngx_http_socketio_log_head(hub->zone, number, &entry);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!(entry.receivers[hub->n / 64] & ((uint64_t) 1 << hub->n % 64))) {
        ngx_http_socketio_history_at(hub, &entry);
        return NGX_OK;
    }

    sio_buf_reset(buf);

    rc = ngx_http_socketio_log_data(hub->zone, number, buf);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_socketio_history_at(hub, &entry);

    from.slot = entry.sender;
    from.sequence = entry.sequence;

    if (sio_wire_open(&record, buf->data, buf->len, &type) == SIO_OK
        && type == NGX_HTTP_SOCKETIO_RECORD_BROADCAST)
    {
        ngx_http_socketio_broadcast_receive(hub, &record, &from, number);
    }

    return NGX_OK;
}


/* It was asleep for longer than the log goes back. */

static void
ngx_http_socketio_history_lost(ngx_http_socketio_hub_t *hub, uint64_t n)
{
    if (hub->app.position == 0) {
        /* the log was made after this worker began */
        return;
    }

    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RING,
                           (ngx_int_t) n);

    ngx_log_error(NGX_LOG_ERR, hub->log, 0,
                  "socketio app \"%V\": this worker did not read the log in "
                  "time, up to %uL events are lost to its clients",
                  &hub->conf->name, n);
}


void
ngx_http_socketio_history_pass(ngx_http_socketio_hub_t *hub, uint64_t number)
{
    if (number) {
        ngx_http_socketio_history_read(hub, number - 1);
        ngx_http_socketio_history_place(hub, number);
    }
}


eio_msg_t *
ngx_http_socketio_history_msg(ngx_http_socketio_hub_t *hub,
    const eio_msg_t *msg, const sio_offset_t *offset)
{
    size_t  len;
    u_char  tail[SIO_OFFSET_TAIL_LEN];

    if (hub->recovery == NULL) {
        return NULL;
    }

    len = sio_offset_tail(tail, offset ? offset : &hub->at);

    return eio_msg_extend(&ngx_http_socketio_mem, msg, sio_str(tail, len));
}


int
ngx_http_socketio_history_send(sio_socket_t *socket, eio_msg_t *msg,
    ngx_uint_t logged)
{
    int                             rc;
    uint64_t                        number, sequence;
    uint64_t                        none[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_str_t                       sid;
    eio_msg_t                      *offset;
    ngx_http_socketio_hub_t        *hub;
    ngx_http_socketio_broadcast_t   b;

    hub = socket->ns->app->data;

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));
    sid = sio_socket_sid(socket);

    b.nsp = sio_namespace_name(socket->ns);
    b.target.rooms = &sid;
    b.target.nrooms = 1;
    b.ack_id = SIO_NO_ID;
    b.msg = msg;
    b.local = 1;

    number = 0;

    if (logged && ngx_http_socketio_history_keeps(hub, &b)
        && ngx_http_socketio_broadcast_write(hub, &b) == NGX_OK)
    {
        ngx_memzero(none, sizeof(none));

        ngx_http_socketio_log_lock(hub->zone);

        sequence = ngx_http_socketio_sequence_begin(hub);
        number = ngx_http_socketio_history_add(hub, &b, none, sequence);
        ngx_http_socketio_sequence_end(hub);

        ngx_http_socketio_log_unlock(hub->zone);
    }

    sio_app_enter(&hub->app);

    ngx_http_socketio_history_pass(hub, number);

    offset = ngx_http_socketio_history_msg(hub, msg, NULL);
    rc = sio_socket_send(socket, offset ? offset : msg);

    if (offset) {
        eio_msg_unref(&ngx_http_socketio_mem, offset);
    }

    sio_app_leave(&hub->app);

    return rc;
}


void
ngx_http_socketio_history_tick(ngx_http_socketio_hub_t *hub)
{
    if (hub->recovery) {
        (void) ngx_http_socketio_log_create(hub->zone);
    }

    ngx_http_socketio_history_read(hub, UINT64_MAX);
}
