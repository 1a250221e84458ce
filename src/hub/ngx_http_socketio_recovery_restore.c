/*
 * Connection state recovery: a socket becomes what it was.
 *
 * The rooms are joined before the end of the log is read, under the log's
 * lock: an entry behind that end was written by somebody who sees this worker
 * in the rooms, and comes in the usual way; all before it comes out of the
 * log, and is not delivered a second time when this worker gets to it.
 *
 * The record is taken when everything else has succeeded.  Of two who ask for
 * the same one, the second finds nothing to take.
 */


#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_recovery_hosts.h"


static ngx_int_t ngx_http_socketio_recovery_become(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    ngx_http_socketio_saving_t *saving, const sio_offset_t *offset);
static ngx_int_t ngx_http_socketio_recovery_load(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_saving_t *saving);
static ngx_int_t ngx_http_socketio_recovery_check(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_saving_t *saving,
    sio_socket_t *socket);
static ngx_int_t ngx_http_socketio_recovery_entry(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving,
    const ngx_http_socketio_entry_t *entry);
static ngx_uint_t ngx_http_socketio_recovery_wanted(
    const sio_socket_t *socket, sio_str_t sid, const sio_target_t *target,
    uint64_t number);
static ngx_uint_t ngx_http_socketio_recovery_in(const sio_socket_t *socket,
    sio_str_t sid, sio_str_t room, uint64_t number);
static uint64_t ngx_http_socketio_recovery_sieve(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, sio_str_t sid);
static ngx_int_t ngx_http_socketio_recovery_take(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, const ngx_http_socketio_saving_t *saving);


ngx_int_t
ngx_http_socketio_recovery_restore(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, sio_str_t auth)
{
    int                          rc;
    ngx_int_t                    found;
    sio_str_t                    pid;
    sio_offset_t                 offset;
    ngx_http_socketio_saving_t   saving;

    rc = sio_offset_asked(auth, &pid, &offset);

    if (rc == SIO_DECLINED) {
        return NGX_DECLINED;
    }

    found = NGX_DECLINED;

    if (rc == SIO_OK) {
        ngx_http_socketio_recovery_key(hub, pid, &saving.key);
        found = ngx_http_socketio_recovery_load(hub, &saving);
    }

    if (found == NGX_OK) {
        found = ngx_http_socketio_recovery_check(hub, &saving, st->socket);
    }

    if (found == NGX_AGAIN && st->tries < NGX_HTTP_SOCKETIO_RECOVERY_TRIES) {
        return NGX_AGAIN;
    }

    if (rc == SIO_OK && hub->stream && found != NGX_AGAIN) {
        found = ngx_http_socketio_recovery_ask(hub, st,
                                       found == NGX_OK ? &saving : NULL, pid,
                                       &offset);

        if (found == NGX_AGAIN) {
            return NGX_AGAIN;
        }

    } else if (found == NGX_OK) {
        found = NGX_DONE;
    }

    if (found == NGX_DONE) {
        found = ngx_http_socketio_recovery_become(hub, st, &saving, &offset);
    }

    if (found != NGX_OK) {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_RECOVERY_REFUSED,
                               1);
        return NGX_DECLINED;
    }

    ngx_memcpy(st->pid, pid.data, EIO_SID_LEN);
    ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_RECOVERED, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_recovery_become(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_http_socketio_saving_t *saving,
    const sio_offset_t *offset)
{
    uint64_t                    number, first;
    ngx_int_t                   rc;
    ngx_uint_t                  nrooms;
    sio_wire_t                  r;
    sio_offset_t                came;
    sio_socket_t               *socket;
    ngx_http_socketio_entry_t   entry;

    socket = st->socket;
    nrooms = socket->nrooms;
    r = saving->gathered;

    ngx_memzero(&came, sizeof(sio_offset_t));
    came.id = saving->came;

    if (sio_record_unpack_rooms(socket, &r) != SIO_OK) {
        goto undo;
    }

    ngx_http_socketio_log_lock(hub->zone);
    rc = ngx_http_socketio_log_locate(hub->zone, offset, &number);
    st->since = ngx_http_socketio_log_last(hub->zone);

    first = saving->position;

    if (first == 0
        && (sio_stream_id_is_none(&came.id)
            || ngx_http_socketio_log_locate(hub->zone, &came, &first)
               != NGX_OK)
        && sio_stream_id_is_none(&offset->id))
    {
        /* nothing tells from where on */
        rc = NGX_DECLINED;
    }

    ngx_http_socketio_log_unlock(hub->zone);

    if (rc != NGX_OK) {
        goto undo;
    }

    saving->position = ngx_max(first, number);

    if (ngx_http_socketio_recovery_missed(hub, st, saving) != NGX_OK
        || ngx_http_socketio_recovery_take(hub, socket, saving) != NGX_OK
        || sio_socket_adopt(socket, saving->sid) != SIO_OK)
    {
        goto undo;
    }

    (void) sio_record_unpack_values(socket, &r);

    st->position = saving->position;
    st->came = saving->came;

    if (ngx_http_socketio_log_head(hub->zone, st->position, &entry) == NGX_OK
        && sio_stream_id_cmp(&entry.id, &st->came) > 0)
    {
        st->came = entry.id;
    }

    socket->client->recovered = 1;

    return NGX_OK;

undo:

    ngx_http_socketio_recovery_undo(st, nrooms);

    return NGX_DECLINED;
}


void
ngx_http_socketio_recovery_undo(ngx_http_socketio_recoverable_t *st,
    ngx_uint_t nrooms)
{
    sio_socket_t  *socket;

    socket = st->socket;

    while (socket->nrooms > nrooms) {
        (void) sio_room_leave(socket, sio_room_name(
                                  socket->rooms[socket->nrooms - 1].room));
    }

    eio_outq_free(&st->missed, &ngx_http_socketio_mem);
    eio_outq_init(&st->missed);
    st->since = st->position;
}


/* The record into recovery->record; memory is got without the lock. */

static ngx_int_t
ngx_http_socketio_recovery_load(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_saving_t *saving)
{
    size_t                     len;
    uint64_t                   now;
    sio_buf_t                 *buf;
    ngx_http_socketio_item_t  *item;

    buf = &hub->recovery->record;
    sio_buf_reset(buf);
    now = ngx_http_socketio_calendar();
    len = 0;

    for ( ;; ) {
        ngx_http_socketio_store_lock(hub->zone);

        item = ngx_http_socketio_store_first(hub->zone, &saving->key, now);

        if (item && item->len <= len) {
            saving->id = item->id;
            buf->len = ngx_http_socketio_store_read(hub->zone, item, buf->data,
                                                    buf->cap);
        }

        len = item ? ngx_max(len, item->len) : 0;

        ngx_http_socketio_store_unlock(hub->zone);

        if (len == 0) {
            return NGX_DECLINED;
        }

        if (buf->len) {
            return NGX_OK;
        }

        if (sio_buf_reserve(buf, len) != SIO_OK) {
            return NGX_ERROR;
        }
    }
}


/* Whether it may be given to this client: NGX_AGAIN, perhaps later. */

static ngx_int_t
ngx_http_socketio_recovery_check(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_saving_t *saving, sio_socket_t *socket)
{
    uint8_t                     type;
    sio_buf_t                  *buf;
    sio_str_t                   nsp, user;
    sio_wire_t                  r;
    ngx_http_socketio_saved_t   saved;

    buf = &hub->recovery->record;

    if (buf->len < sizeof(ngx_http_socketio_saved_t)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(&saved, buf->data, sizeof(ngx_http_socketio_saved_t));

    if (sio_wire_open(&r, buf->data + sizeof(ngx_http_socketio_saved_t),
                      buf->len - sizeof(ngx_http_socketio_saved_t), &type)
        != SIO_OK
        || type != NGX_HTTP_SOCKETIO_RECORD_SAVED)
    {
        return NGX_DECLINED;
    }

    nsp = sio_wire_get_str(&r);
    saving->sid = sio_wire_get_str(&r);
    user = sio_wire_get_str(&r);

    if (r.error
        || !sio_str_eq(nsp, sio_namespace_name(socket->ns))
        || !sio_str_eq(user, sio_socket_user(socket)))
    {
        return NGX_DECLINED;
    }

    /* it is connected still, as far as anybody knows */

    if (saved.live
        && ngx_http_socketio_slot_held(hub->zone, saved.slot,
                                       saved.incarnation)
        && !ngx_http_socketio_process_dead((ngx_pid_t)
                     ngx_http_socketio_slot(hub->zone, saved.slot)->pid))
    {
        return NGX_AGAIN;
    }

    saving->position = saved.position;
    saving->came = saved.came;
    saving->version = saved.version;
    saving->foreign = 0;
    saving->gathered = r;

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_recovery_missed(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving)
{
    uint64_t                       n, sieve;
    ngx_int_t                      rc;
    ngx_http_socketio_recovery_t  *recovery;
    ngx_http_socketio_entry_t      entry;

    recovery = hub->recovery;

    recovery->fresh = ngx_max(recovery->fresh, st->since);
    sieve = ngx_http_socketio_recovery_sieve(hub, st->socket, saving->sid);

    for (n = saving->position + 1; n <= st->since; n++) {
        rc = ngx_http_socketio_log_head(hub->zone, n, &entry);

        /* what this host said for itself was not for who was elsewhere, or
           it has got it before */

        if (rc == NGX_OK && saving->foreign && !entry.in_stream && !entry.away)
        {
            continue;
        }

        if (rc == NGX_OK && (entry.sieve & sieve)) {
            rc = ngx_http_socketio_recovery_entry(hub, st, saving, &entry);
        }

        if (rc != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_recovery_entry(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving,
    const ngx_http_socketio_entry_t *entry)
{
    uint8_t                        type;
    ngx_int_t                      rc;
    sio_buf_t                     *buf;
    sio_str_t                      image;
    sio_wire_t                     record;
    ngx_uint_t                     drop;
    sio_offset_t                   offset;
    ngx_http_socketio_broadcast_t  b;

    static sio_str_t               rooms[SIO_EMIT_ROOMS_MAX];
    static sio_str_t               except[SIO_EMIT_ROOMS_MAX];

    buf = &hub->recovery->entry;
    sio_buf_reset(buf);

    rc = ngx_http_socketio_log_data(hub->zone, entry->number, buf);

    if (rc != NGX_OK) {
        return rc;
    }

    if (sio_wire_open(&record, buf->data, buf->len, &type) != SIO_OK
        || type != NGX_HTTP_SOCKETIO_RECORD_BROADCAST
        || ngx_http_socketio_broadcast_read(&record, &b, rooms, except, &image,
                                            &drop)
           != NGX_OK)
    {
        return NGX_OK;
    }

    if (!sio_str_eq(b.nsp, sio_namespace_name(st->socket->ns))
        || !ngx_http_socketio_recovery_wanted(st->socket, saving->sid,
                                              &b.target, entry->number))
    {
        return NGX_OK;
    }

    ngx_http_socketio_history_offset(entry, &offset);

    return ngx_http_socketio_recovery_keep(hub, st, image, &offset);
}


/* More than half of what may wait for a connection would soon be its end. */

ngx_int_t
ngx_http_socketio_recovery_keep(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, sio_str_t image,
    const sio_offset_t *offset)
{
    int         rc;
    unsigned    dropped;
    eio_msg_t  *msg, *extended;

    msg = eio_msg_from_image(&ngx_http_socketio_mem, image);

    if (msg == NULL) {
        return NGX_ERROR;
    }

    extended = ngx_http_socketio_history_msg(hub, msg, offset);
    eio_msg_unref(&ngx_http_socketio_mem, msg);

    if (extended == NULL) {
        return NGX_ERROR;
    }

    dropped = 0;

    rc = eio_outq_push(&st->missed, &ngx_http_socketio_mem, extended,
                       st->socket->client->session->options->buffer / 2,
                       &dropped);

    eio_msg_unref(&ngx_http_socketio_mem, extended);

    return rc == SIO_OK ? NGX_OK : NGX_ERROR;
}


/* Its rooms are joined; its id is not its own yet. */

static ngx_uint_t
ngx_http_socketio_recovery_wanted(const sio_socket_t *socket, sio_str_t sid,
    const sio_target_t *target, uint64_t number)
{
    ngx_uint_t  i;

    for (i = 0; i < target->nexcept; i++) {
        if (ngx_http_socketio_recovery_in(socket, sid, target->except[i],
                                          number))
        {
            return 0;
        }
    }

    for (i = 0; i < target->nrooms; i++) {
        if (ngx_http_socketio_recovery_in(socket, sid, target->rooms[i],
                                          number))
        {
            return 1;
        }
    }

    return target->nrooms == 0;
}


/* Whether it was in a room when something was said. */

static ngx_uint_t
ngx_http_socketio_recovery_in(const sio_socket_t *socket, sio_str_t sid,
    sio_str_t room, uint64_t number)
{
    uint32_t  since;

    return sio_str_eq(room, sid)
           || (sio_room_since(socket, room, &since) == SIO_OK
               && (int32_t) ((uint32_t) number - since) > 0);
}


static uint64_t
ngx_http_socketio_recovery_sieve(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, sio_str_t sid)
{
    uint64_t    sieve;
    sio_str_t   nsp;
    ngx_uint_t  i;

    nsp = sio_namespace_name(socket->ns);

    sieve = ngx_http_socketio_history_sieve(hub, nsp, sio_str(NULL, 0))
            | ngx_http_socketio_history_sieve(hub, nsp, sid);

    for (i = 0; i < socket->nrooms; i++) {
        sieve |= ngx_http_socketio_history_sieve(hub, nsp,
                                     sio_room_name(socket->rooms[i].room));
    }

    return sieve;
}


/* One client only gets it. */

static ngx_int_t
ngx_http_socketio_recovery_take(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, const ngx_http_socketio_saving_t *saving)
{
    ngx_int_t                  rc;
    ngx_http_socketio_item_t  *item;

    rc = NGX_DECLINED;

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_store_first(hub->zone, &saving->key, 0);

    if (item && item->id == saving->id
        && !ngx_http_socketio_recovery_revoked(hub, socket, saving->sid,
                           ((ngx_http_socketio_saved_t *) item->data)->seen,
                           0))
    {
        ngx_http_socketio_store_remove(hub->zone, item);
        rc = NGX_OK;
    }

    ngx_http_socketio_store_unlock(hub->zone);

    return rc;
}
