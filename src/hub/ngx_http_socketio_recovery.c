/*
 * Connection state recovery: the life of a socket that may be recovered.
 */


#include "hub/ngx_http_socketio_recovery.h"
#include "hub/ngx_http_socketio_history.h"
#include "hub/ngx_http_socketio_recovery_hosts.h"
#include "hub/ngx_http_socketio_flush.h"


static ngx_http_socketio_recoverable_t *ngx_http_socketio_recovery_create(
    ngx_http_socketio_hub_t *hub, sio_socket_t *socket);
static void ngx_http_socketio_recovery_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);
static void ngx_http_socketio_recovery_dirty(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);
static void ngx_http_socketio_recovery_prove(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st);


ngx_int_t
ngx_http_socketio_recovery_init(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_recovery_t  *recovery;

    if (hub->conf->recovery == 0) {
        return NGX_OK;
    }

    recovery = sio_calloc(&ngx_http_socketio_mem,
                          sizeof(ngx_http_socketio_recovery_t));
    if (recovery == NULL) {
        return NGX_ERROR;
    }

    sio_map_init(&recovery->sockets, &ngx_http_socketio_mem,
                 &hub->zone->hash);
    ngx_queue_init(&recovery->dirty);
    sio_buf_init(&recovery->record, &ngx_http_socketio_mem, UINT32_MAX);
    sio_buf_init(&recovery->entry, &ngx_http_socketio_mem, UINT32_MAX);
    sio_buf_init(&recovery->text, &ngx_http_socketio_mem, UINT32_MAX);
    sio_buf_init(&recovery->ids, &ngx_http_socketio_mem, UINT32_MAX);
    sio_adapter_init(&recovery->codec, &ngx_http_socketio_mem, UINT32_MAX);

    hub->recovery = recovery;

    return NGX_OK;
}


/* All sockets are gone. */

void
ngx_http_socketio_recovery_cleanup(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_recovery_t  *recovery;

    recovery = hub->recovery;

    if (recovery) {
        sio_map_free(&recovery->sockets);
        sio_buf_free(&recovery->record);
        sio_buf_free(&recovery->entry);
        sio_buf_free(&recovery->text);
        sio_buf_free(&recovery->ids);
        sio_adapter_free(&recovery->codec);
        sio_free(&ngx_http_socketio_mem, recovery);
        hub->recovery = NULL;
    }
}


ngx_http_socketio_recoverable_t *
ngx_http_socketio_recovery_find(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket)
{
    sio_map_node_t  *node;

    if (hub->recovery == NULL) {
        return NULL;
    }

    node = sio_map_find(&hub->recovery->sockets,
                        sio_str((u_char *) &socket, sizeof(sio_socket_t *)));

    return node ? sio_map_data(node, ngx_http_socketio_recoverable_t, node)
                : NULL;
}


/*
 * This worker may read of what was said before the client came only later: it
 * is not given to it.
 */

static ngx_http_socketio_recoverable_t *
ngx_http_socketio_recovery_create(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket)
{
    ngx_http_socketio_recoverable_t  *st;

    st = sio_calloc(&ngx_http_socketio_mem,
                    sizeof(ngx_http_socketio_recoverable_t));
    if (st == NULL) {
        return NULL;
    }

    st->socket = socket;
    st->slot = (uint16_t) hub->n;
    st->incarnation = hub->incarnation;

    ngx_queue_init(&st->queue);
    eio_outq_init(&st->missed);
    ngx_http_socketio_sid(hub, st->pid);

    ngx_http_socketio_log_lock(hub->zone);
    st->position = ngx_http_socketio_log_end(hub->zone, &st->came);

    if (sio_stream_id_is_none(&st->came) && hub->zone->stream_read) {
        /* nothing is in the stream: it came before the first of all ids */
        st->came.seq = 1;
    }

    ngx_http_socketio_log_unlock(hub->zone);

    st->since = st->position;
    hub->recovery->fresh = ngx_max(hub->recovery->fresh, st->since);

    if (sio_map_insert(&hub->recovery->sockets, &st->node,
                       sio_str((u_char *) &st->socket,
                               sizeof(sio_socket_t *)))
        != SIO_OK)
    {
        sio_free(&ngx_http_socketio_mem, st);
        return NULL;
    }

    return st;
}


static void
ngx_http_socketio_recovery_free(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    sio_wheel_clear(&hub->wheel, &st->timer);
    ngx_queue_remove(&st->queue);
    eio_outq_free(&st->missed, &ngx_http_socketio_mem);
    ngx_http_socketio_recovery_forget(hub, st);
    sio_map_remove(&hub->recovery->sockets, &st->node);
    sio_free(&ngx_http_socketio_mem, st);
}


ngx_int_t
ngx_http_socketio_recovery_connect(sio_socket_t *socket, sio_str_t auth)
{
    uint64_t                          start, wait;
    ngx_int_t                         rc;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;

    if (hub->recovery == NULL || !ngx_http_socketio_log_ready(hub->zone)) {
        return NGX_DECLINED;
    }

    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st == NULL) {
        st = ngx_http_socketio_recovery_create(hub, socket);
    }

    if (st == NULL) {
        return NGX_DECLINED;
    }

    wait = 1;
    rc = NGX_AGAIN;

    /* very many may come back at once: the others wait for the next turn */

    if (hub->recovery->spent < NGX_HTTP_SOCKETIO_RECOVERY_SLICE) {
        start = ngx_http_socketio_clock();

        wait = NGX_HTTP_SOCKETIO_RECOVERY_RETRY;
        rc = ngx_http_socketio_recovery_restore(hub, st, auth);
        st->tries += (rc == NGX_AGAIN);

        hub->recovery->spent += ngx_http_socketio_clock() - start;
    }

    ngx_http_socketio_hub_post(hub);

    if (rc == NGX_AGAIN) {
        st->timer.kind = NGX_HTTP_SOCKETIO_TIMER_RECOVERY;
        sio_wheel_set(&hub->wheel, &st->timer, ngx_http_socketio_now() + wait);

    } else {
        ngx_http_socketio_recovery_forget(hub, st);
    }

    return rc;
}


sio_socket_t *
ngx_http_socketio_recovery_waiting(sio_timer_t *timer)
{
    return sio_map_data(timer, ngx_http_socketio_recoverable_t, timer)->socket;
}


ngx_uint_t
ngx_http_socketio_recovery_had(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket, uint64_t number)
{
    ngx_http_socketio_recoverable_t  *st;

    if (hub->recovery == NULL || number > hub->recovery->fresh) {
        return 0;
    }

    st = ngx_http_socketio_recovery_find(hub, socket);

    return st && number <= st->since;
}


sio_str_t
ngx_http_socketio_recovery_accepted(sio_socket_t *socket)
{
    const eio_outq_node_t            *node;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;
    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st == NULL) {
        return sio_str(NULL, 0);
    }

    for (node = eio_outq_first(&st->missed); node; node = node->next) {
        if (sio_socket_send(socket, node->msg) != SIO_OK) {
            break;
        }

        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_RECOVERY_EVENTS, 1);
    }

    eio_outq_free(&st->missed, &ngx_http_socketio_mem);
    eio_outq_init(&st->missed);

    ngx_http_socketio_recovery_dirty(hub, st);

    return sio_str(st->pid, EIO_SID_LEN);
}


void
ngx_http_socketio_recovery_changed(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;
    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st) {
        ngx_http_socketio_recovery_dirty(hub, st);
    }
}


static void
ngx_http_socketio_recovery_dirty(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    if (!st->dirty) {
        st->dirty = 1;
        ngx_queue_insert_tail(&hub->recovery->dirty, &st->queue);
        ngx_http_socketio_hub_post(hub);
    }
}


/* A session on its way is the other side's to write, or it ends. */

void
ngx_http_socketio_recovery_turn(ngx_http_socketio_hub_t *hub)
{
    ngx_queue_t                      *q, *next;
    ngx_http_socketio_recoverable_t  *st;

    if (hub->recovery == NULL) {
        return;
    }

    hub->recovery->spent = 0;

    for (q = ngx_queue_head(&hub->recovery->dirty);
         q != ngx_queue_sentinel(&hub->recovery->dirty);
         q = next)
    {
        next = ngx_queue_next(q);
        st = ngx_queue_data(q, ngx_http_socketio_recoverable_t, queue);

        if (!st->socket->client->session->frozen) {
            ngx_http_socketio_recovery_write(hub, st, 1);
        }
    }
}


/*
 * What was in the queue before a mark has arrived with it.  The position is
 * noted before the mark is queued, and holds when that has arrived, by which
 * time the next one is noted.
 */
void
ngx_http_socketio_recovery_pong(sio_client_t *client)
{
    sio_socket_t                     *socket;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = sio_client_app(client)->data;

    if (hub->recovery == NULL) {
        return;
    }

    for (socket = client->sockets; socket; socket = socket->next) {
        st = ngx_http_socketio_recovery_find(hub, socket);

        if (st && socket->accepted && !socket->leaving) {
            ngx_http_socketio_recovery_prove(hub, st);
        }
    }
}


static void
ngx_http_socketio_recovery_prove(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    uint32_t                   position;
    ngx_uint_t                 i;
    sio_socket_t              *socket;
    eio_session_t             *s;
    ngx_http_socketio_entry_t  entry;

    socket = st->socket;
    s = socket->client->session;
    position = (uint32_t) hub->app.position;

    if (st->noted && eio_session_proved(s, st->mark)) {
        st->position = ngx_max(st->position, st->noted);

        if (sio_stream_id_cmp(&st->noted_id, &st->came) > 0) {
            st->came = st->noted_id;
        }

        st->noted = 0;
        st->here = 0;
    }

    if (st->noted == 0) {
        st->noted = hub->app.position;

        if (ngx_http_socketio_log_head(hub->zone, st->noted, &entry)
            == NGX_OK)
        {
            st->noted_id = entry.id;
        }

        st->mark = eio_session_mark(s);
    }

    if (ngx_http_socketio_now() >= st->renewed + s->options->ping_interval / 2)
    {
        st->renewed = ngx_http_socketio_now();
        ngx_http_socketio_recovery_renew(hub, st);
    }

    /* half a number is enough as long as it is not too far away */

    for (i = 0; i < socket->nrooms; i++) {
        if ((int32_t) (position - socket->rooms[i].since)
            > NGX_HTTP_SOCKETIO_RECOVERY_FAR)
        {
            socket->rooms[i].since = position - NGX_HTTP_SOCKETIO_RECOVERY_FAR;
        }
    }
}


/* Who left, or was put out, or spoke nonsense, does not come back. */

void
ngx_http_socketio_recovery_ended(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;
    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st == NULL) {
        return;
    }

    switch (socket->reason) {

    case SIO_REASON_CLIENT:
    case SIO_REASON_SERVER:
    case EIO_REASON_PARSE_ERROR:
        ngx_http_socketio_recovery_remove(hub, st);
        break;

    default:
        ngx_http_socketio_recovery_write(hub, st, 0);
        break;
    }
}


void
ngx_http_socketio_recovery_gone(sio_socket_t *socket)
{
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = socket->ns->app->data;
    st = ngx_http_socketio_recovery_find(hub, socket);

    if (st) {
        ngx_http_socketio_recovery_free(hub, st);
    }
}


void
ngx_http_socketio_recovery_pack(ngx_http_socketio_session_t *s,
    sio_wire_writer_t *w)
{
    uint32_t                          n;
    sio_socket_t                     *socket;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st;

    hub = ngx_http_socketio_session_hub(s);
    n = 0;

    for (socket = s->client.sockets; socket; socket = socket->next) {
        n += (ngx_http_socketio_recovery_find(hub, socket) != NULL);
    }

    sio_wire_put_u32(w, n);

    for (socket = s->client.sockets; n && socket; socket = socket->next) {
        st = ngx_http_socketio_recovery_find(hub, socket);

        if (st == NULL) {
            continue;
        }

        if (st->dirty) {
            ngx_http_socketio_recovery_write(hub, st, 1);
        }

        sio_wire_put_str(w, sio_socket_sid(socket));
        sio_wire_put_str(w, sio_str(st->pid, EIO_SID_LEN));
        sio_wire_put_u64(w, st->position);
        sio_wire_put_u64(w, st->came.msec);
        sio_wire_put_u64(w, st->came.seq);
        sio_wire_put_u64(w, st->noted);
        sio_wire_put_u64(w, st->since);
        sio_wire_put_u64(w, st->early);
        sio_wire_put_u64(w, st->noted_id.msec);
        sio_wire_put_u64(w, st->noted_id.seq);
        sio_wire_put_u32(w, st->incarnation);
        sio_wire_put_u32(w, st->slot);
        sio_wire_put_u8(w, st->mark);
        sio_wire_put_u8(w, st->kept);
        sio_wire_put_u8(w, st->here);
    }
}


/* This worker's configuration may have no recovery any more. */

ngx_int_t
ngx_http_socketio_recovery_unpack(ngx_http_socketio_session_t *s,
    sio_wire_t *r)
{
    uint32_t                          n;
    sio_str_t                         sid, pid;
    sio_socket_t                     *socket;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_recoverable_t  *st, skipped;

    hub = ngx_http_socketio_session_hub(s);

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        sid = sio_wire_get_str(r);
        pid = sio_wire_get_str(r);

        for (socket = s->client.sockets; socket; socket = socket->next) {
            if (sio_str_eq(sio_socket_sid(socket), sid)) {
                break;
            }
        }

        st = &skipped;

        if (socket && hub->recovery && pid.len == EIO_SID_LEN) {
            st = ngx_http_socketio_recovery_create(hub, socket);

            if (st == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(st->pid, pid.data, EIO_SID_LEN);
            ngx_http_socketio_recovery_dirty(hub, st);
        }

        st->position = sio_wire_get_u64(r);
        st->came.msec = sio_wire_get_u64(r);
        st->came.seq = sio_wire_get_u64(r);
        st->noted = sio_wire_get_u64(r);
        st->since = sio_wire_get_u64(r);
        st->early = sio_wire_get_u64(r);
        st->noted_id.msec = sio_wire_get_u64(r);
        st->noted_id.seq = sio_wire_get_u64(r);
        st->incarnation = sio_wire_get_u32(r);
        st->slot = (uint16_t) sio_wire_get_u32(r);
        st->mark = sio_wire_get_u8(r);
        st->kept = (sio_wire_get_u8(r) != 0);
        st->here = (sio_wire_get_u8(r) != 0);

        if (hub->recovery) {
            hub->recovery->fresh = ngx_max(hub->recovery->fresh, st->since);
        }
    }

    return r->error ? NGX_ERROR : NGX_OK;
}
