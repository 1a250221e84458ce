/*
 * Connection state recovery: the record of a socket in the store.
 *
 * It is written anew when something changed; what changes with each heartbeat
 * - what has arrived, and the end of the record - is changed in its place.  A
 * worker writes over its own records only: one that is not there any more was
 * taken by another worker, or dropped for want of room.
 *
 * Of a socket that is lost hosts which share a stream get a copy.  Its version
 * is noted in the record: who takes one of them takes the other.
 */


#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_recovery_hosts.h"


static ngx_int_t ngx_http_socketio_recovery_put(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live, sio_str_t data);
static uint64_t ngx_http_socketio_recovery_end(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live);


void
ngx_http_socketio_recovery_write(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live)
{
    sio_buf_t          *buf;
    sio_socket_t       *socket;
    sio_wire_writer_t   w;

    if (st->dirty) {
        st->dirty = 0;
        ngx_queue_remove(&st->queue);
        ngx_queue_init(&st->queue);
    }

    socket = st->socket;
    buf = &hub->recovery->record;
    sio_buf_reset(buf);

    sio_wire_begin(&w, buf, NGX_HTTP_SOCKETIO_RECORD_SAVED);
    sio_wire_put_str(&w, sio_namespace_name(socket->ns));
    sio_wire_put_str(&w, sio_socket_sid(socket));
    sio_wire_put_str(&w, sio_socket_user(socket));
    sio_record_pack_gathered(socket, &w);

    if (sio_wire_end(&w) != SIO_OK
        || ngx_http_socketio_recovery_put(hub, st, live, sio_buf_str(buf))
           != NGX_OK)
    {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_DROP_RECOVERY, 1);
    }
}


/* The new record first, so that there is one at any moment. */

static ngx_int_t
ngx_http_socketio_recovery_put(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live, sio_str_t data)
{
    uint64_t                    id, end;
    ngx_int_t                   rc;
    sio_str_t                   parts[2];
    ngx_http_socketio_key_t     key;
    ngx_http_socketio_item_t   *item;
    ngx_http_socketio_saved_t   saved;

    ngx_http_socketio_recovery_key(hub, sio_str(st->pid, EIO_SID_LEN), &key);

    ngx_memzero(&saved, sizeof(ngx_http_socketio_saved_t));

    saved.position = st->position;
    saved.came = st->came;
    saved.incarnation = hub->incarnation;
    saved.slot = (uint16_t) hub->n;
    saved.live = (uint16_t) live;

    if (!live) {
        saved.version = ngx_http_socketio_recovery_leave(hub, st);
    }

    parts[0] = sio_str((u_char *) &saved, sizeof(ngx_http_socketio_saved_t));
    parts[1] = data;

    end = ngx_http_socketio_recovery_end(hub, st, live);
    rc = NGX_OK;

    ngx_http_socketio_store_lock(hub->zone);

    saved.seen = hub->zone->item_id;

    if (st->kept) {
        item = ngx_http_socketio_recovery_own(hub, st, &key);

        if (item == NULL) {
            goto done;
        }

        /* what it was put out of since then may not have come here yet */

        saved.seen = ((ngx_http_socketio_saved_t *) item->data)->seen;
    }

    item = ngx_http_socketio_store_add(hub->zone, &key, 0, end, 1, parts, 2);

    if (item == NULL) {
        rc = NGX_ERROR;
        goto done;
    }

    id = item->id;
    st->kept = 1;

    for ( ;; ) {
        item = ngx_http_socketio_store_first(hub->zone, &key, 0);

        if (item == NULL || item->id == id) {
            break;
        }

        ngx_http_socketio_store_remove(hub->zone, item);
    }

    st->slot = (uint16_t) hub->n;
    st->incarnation = hub->incarnation;

done:

    ngx_http_socketio_store_unlock(hub->zone);

    return rc;
}


void
ngx_http_socketio_recovery_key(ngx_http_socketio_hub_t *hub, sio_str_t pid,
    ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_store_key(hub->zone, NGX_HTTP_SOCKETIO_STORE_RECOVERY,
                                &pid, 1, key);
}


/* Under the store's lock: the record, if it still is that of this socket. */

ngx_http_socketio_item_t *
ngx_http_socketio_recovery_own(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_item_t   *item;
    ngx_http_socketio_saved_t  *saved;

    item = ngx_http_socketio_store_first(hub->zone, key, 0);

    if (item == NULL || item->len < sizeof(ngx_http_socketio_saved_t)) {
        return NULL;
    }

    saved = (ngx_http_socketio_saved_t *) item->data;

    return saved->slot == st->slot && saved->incarnation == st->incarnation
           ? item : NULL;
}


void
ngx_http_socketio_recovery_remove(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_item_t  *item;

    ngx_http_socketio_recovery_key(hub, sio_str(st->pid, EIO_SID_LEN), &key);

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_recovery_own(hub, st, &key);

    if (item) {
        ngx_http_socketio_store_remove(hub->zone, item);
    }

    ngx_http_socketio_store_unlock(hub->zone);
}


/*
 * When a record ends.  That of a killed worker's socket can't be told that it
 * is over: it lasts a heartbeat longer.
 */
static uint64_t
ngx_http_socketio_recovery_end(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, ngx_uint_t live)
{
    uint64_t              end;
    const eio_options_t  *options;

    end = ngx_http_socketio_calendar() + hub->conf->recovery;

    if (live) {
        options = st->socket->client->session->options;
        end += options->ping_interval + options->ping_timeout;
    }

    return end;
}


void
ngx_http_socketio_recovery_renew(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    ngx_http_socketio_key_t     key;
    ngx_http_socketio_item_t   *item;
    ngx_http_socketio_saved_t  *saved;

    ngx_http_socketio_recovery_key(hub, sio_str(st->pid, EIO_SID_LEN), &key);

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_recovery_own(hub, st, &key);

    if (item) {
        saved = (ngx_http_socketio_saved_t *) item->data;
        saved->position = st->position;
        saved->came = st->came;
        saved->seen = hub->zone->item_id;

        ngx_http_socketio_store_expire(hub->zone, item,
                               ngx_http_socketio_recovery_end(hub, st, 1));
    }

    ngx_http_socketio_store_unlock(hub->zone);
}
