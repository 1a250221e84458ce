/*
 * Asking other hosts for a lost session, in steps: what was left; whether it
 * is ours; what it missed, as long as the log does not have it.
 */


#include "hub/ngx_http_socketio_recovery_hosts.h"
#include "codec/sio_session.h"
#include "hub/ngx_http_socketio_cluster.h"
#include "hub/ngx_http_socketio_connect.h"


/* How many times a session is looked for that may be lost just now. */

#define NGX_HTTP_SOCKETIO_RECOVERY_LOOKS  4

/* How much the clocks of two hosts may differ, msec. */

#define NGX_HTTP_SOCKETIO_RECOVERY_SKEW  2000

/* Answers with events. */

#define NGX_HTTP_SOCKETIO_RECOVERY_READS  500


/* An event out of the stream: its image follows. */

typedef struct {
    sio_stream_id_t  id;
    size_t           len;
} ngx_http_socketio_found_event_t;


static ngx_int_t ngx_http_socketio_recovery_next(
    ngx_http_socketio_recall_t *recall, ngx_http_socketio_recall_e step);
static ngx_int_t ngx_http_socketio_recovery_session(
    ngx_http_socketio_recall_t *recall, sio_session_t *session);
static ngx_int_t ngx_http_socketio_recovery_left(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving, const sio_offset_t *offset);
static ngx_uint_t ngx_http_socketio_recovery_own_copy(
    ngx_http_socketio_hub_t *hub, const ngx_http_socketio_saving_t *saving,
    const sio_session_t *session, const sio_offset_t *offset);
static ngx_uint_t ngx_http_socketio_recovery_fits(
    const sio_socket_t *socket, const sio_session_t *session);
static ngx_int_t ngx_http_socketio_recovery_begin(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    const sio_offset_t *offset);
static ngx_int_t ngx_http_socketio_recovery_read(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st);
static void ngx_http_socketio_recovery_event(
    ngx_http_socketio_recall_t *recall, const sio_stream_id_t *id,
    const sio_adapter_broadcast_t *b);
static ngx_uint_t ngx_http_socketio_recovery_meant(
    const sio_session_t *session, const sio_stream_id_t *id,
    const sio_adapter_opts_t *opts);
static ngx_int_t ngx_http_socketio_recovery_finish(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    const sio_offset_t *offset);
static ngx_int_t ngx_http_socketio_recovery_rooms(sio_socket_t *socket,
    const sio_session_t *session);
static ngx_uint_t ngx_http_socketio_recovery_put_out(
    ngx_http_socketio_hub_t *hub, const sio_socket_t *socket,
    const sio_session_t *session);
static void ngx_http_socketio_recovery_since(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket, const sio_session_t *session, uint64_t number);
static ngx_int_t ngx_http_socketio_recovery_events(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_recoverable_t *st,
    const sio_stream_id_t *last);
static void ngx_http_socketio_recovery_set(sio_socket_t *socket,
    sio_buf_t *buf, sio_str_t data);
static void ngx_http_socketio_recovery_told(
    ngx_http_socketio_recall_t *recall);


ngx_int_t
ngx_http_socketio_recovery_ask(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving, sio_str_t pid,
    const sio_offset_t *offset)
{
    ngx_int_t                    rc;
    ngx_http_socketio_recall_t  *recall;

    recall = st->recall;

    if (recall == NULL) {
        recall = ngx_http_socketio_recall_create(hub, st);

        if (recall == NULL) {
            return NGX_DECLINED;
        }

        ngx_memcpy(recall->pid, pid.data, EIO_SID_LEN);
        recall->nsp = sio_namespace_name(st->socket->ns);
        recall->event = ngx_http_socketio_recovery_event;
        recall->done = ngx_http_socketio_recovery_told;

        st->recall = recall;
        st->tries = 0;

        rc = ngx_http_socketio_recovery_next(recall,
                                            NGX_HTTP_SOCKETIO_RECALL_SESSION);

    } else if (recall->rc == NGX_AGAIN
               && st->tries < NGX_HTTP_SOCKETIO_RECOVERY_TRIES)
    {
        return NGX_AGAIN;

    } else if (recall->rc == NGX_AGAIN || recall->rc == NGX_ERROR) {
        rc = NGX_ERROR;

    } else if (recall->step == NGX_HTTP_SOCKETIO_RECALL_SESSION) {
        rc = ngx_http_socketio_recovery_left(hub, st, saving, offset);

    } else if (recall->rc != NGX_OK) {
        rc = NGX_DECLINED;

    } else if (recall->step == NGX_HTTP_SOCKETIO_RECALL_EVENTS) {
        rc = ngx_http_socketio_recovery_read(hub, st);

    } else {
        rc = recall->own ? NGX_DONE
                         : ngx_http_socketio_recovery_begin(hub, st, offset);
    }

    if (rc != NGX_ERROR) {
        return rc == NGX_DONE && saving == NULL ? NGX_DECLINED : rc;
    }

    /* the others cannot be asked: what they have is void, in the end */

    if (saving == NULL
        || (recall->step != NGX_HTTP_SOCKETIO_RECALL_SESSION && !recall->own))
    {
        return NGX_DECLINED;
    }

    if (saving->version) {
        (void) hub->cluster->save(hub, sio_str(recall->pid, EIO_SID_LEN),
                                  sio_str(NULL, 0), 0);
    }

    return NGX_DONE;
}


void
ngx_http_socketio_recovery_forget(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    if (st->recall) {

        if (hub->recovery->decoded == st->recall) {
            hub->recovery->decoded = NULL;
        }

        ngx_http_socketio_recall_forget(st->recall);
        st->recall = NULL;
    }
}


/* Each step has its own time. */

static ngx_int_t
ngx_http_socketio_recovery_next(ngx_http_socketio_recall_t *recall,
    ngx_http_socketio_recall_e step)
{
    ngx_http_socketio_recoverable_t  *st;

    st = recall->data;

    recall->step = step;

    if (step == NGX_HTTP_SOCKETIO_RECALL_EVENTS) {
        ngx_memzero(&recall->known, sizeof(sio_stream_id_t));

        ngx_http_socketio_log_lock(recall->hub->zone);
        ngx_http_socketio_log_reach(recall->hub->zone, &recall->known);
        ngx_http_socketio_log_unlock(recall->hub->zone);
    }

    if (recall->hub->cluster->recall(recall->hub, recall) != NGX_OK) {
        return NGX_ERROR;
    }

    st->tries = 0;

    return NGX_AGAIN;
}


/*
 * An answer came.  A session that was not there may be on its way, from a
 * host that is about to notice that it is lost: it is looked for again when
 * the timer fires.
 */
static void
ngx_http_socketio_recovery_told(ngx_http_socketio_recall_t *recall)
{
    ngx_http_socketio_recoverable_t  *st;

    st = recall->data;

    if (recall->step != NGX_HTTP_SOCKETIO_RECALL_SESSION
        || recall->rc != NGX_DECLINED)
    {
        ngx_http_socketio_connect_again(st->socket);
    }
}


/* What was left, decoded in recovery->codec. */

static ngx_int_t
ngx_http_socketio_recovery_session(ngx_http_socketio_recall_t *recall,
    sio_session_t *session)
{
    ngx_http_socketio_recovery_t  *recovery;

    recovery = recall->hub->recovery;

    if (recovery->decoded != recall) {
        recovery->decoded = NULL;

        if (sio_session_decode(&recovery->codec, sio_buf_str(&recall->text),
                               &recovery->session)
            != SIO_OK)
        {
            return NGX_DECLINED;
        }

        recovery->decoded = recall;
    }

    *session = recovery->session;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_recovery_left(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st,
    const ngx_http_socketio_saving_t *saving, const sio_offset_t *offset)
{
    sio_session_t                session;
    ngx_http_socketio_recall_t  *recall;

    recall = st->recall;

    if (recall->rc != NGX_OK) {

        if (saving) {
            /* taken by another host, or never left */
            return saving->version ? NGX_DECLINED : NGX_DONE;
        }

        return recall->tries++ < NGX_HTTP_SOCKETIO_RECOVERY_LOOKS
               ? ngx_http_socketio_recovery_next(recall, recall->step)
               : NGX_DECLINED;
    }

    if (ngx_http_socketio_recovery_session(recall, &session) != NGX_OK
        || !sio_str_eq(session.pid, sio_str(recall->pid, EIO_SID_LEN))
        || !ngx_http_socketio_recovery_fits(st->socket, &session))
    {
        return NGX_DECLINED;
    }

    recall->own = ngx_http_socketio_recovery_own_copy(hub, saving, &session,
                                                      offset);

    /* a number is of the host that it was lost on, and of nobody else */

    if (!recall->own && sio_stream_id_is_none(&offset->id)
        && (offset->number || sio_stream_id_is_none(&session.offset)))
    {
        return NGX_DECLINED;
    }

    return ngx_http_socketio_recovery_next(recall,
                                           NGX_HTTP_SOCKETIO_RECALL_TAKE);
}


/*
 * Whether it was left by this host, whose record is better.  If the log does
 * not go back to what the client has, it is as if it came from elsewhere.
 */
static ngx_uint_t
ngx_http_socketio_recovery_own_copy(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_saving_t *saving, const sio_session_t *session,
    const sio_offset_t *offset)
{
    u_char     host[16], version[NGX_INT64_LEN];
    uint64_t   number;
    ngx_int_t  rc;

    if (saving == NULL
        || !sio_str_eq(session->host,
                       ngx_http_socketio_recovery_host(hub, host))
        || !sio_str_eq(session->version,
                       sio_str(version, ngx_sprintf(version, "%uL",
                                                    saving->version)
                                        - version)))
    {
        return 0;
    }

    ngx_http_socketio_log_lock(hub->zone);
    rc = ngx_http_socketio_log_locate(hub->zone, offset, &number);
    ngx_http_socketio_log_unlock(hub->zone);

    return sio_stream_id_is_none(&offset->id)
           || (rc == NGX_OK
               && ngx_max(saving->position, number) + 1
                  >= ngx_http_socketio_log_first(hub->zone));
}


/*
 * Whether it may be given to this client.  Node does not write down whose it
 * is: rooms of users tell.
 */
static ngx_uint_t
ngx_http_socketio_recovery_fits(const sio_socket_t *socket,
    const sio_session_t *session)
{
    sio_str_t   room, user;
    ngx_uint_t  i;

    user = sio_socket_user(socket);

    if (session->host.len) {
        return sio_str_eq(session->nsp, sio_namespace_name(socket->ns))
               && sio_str_eq(session->user, user);
    }

    for (i = 0; i < session->nrooms; i++) {
        room = session->rooms[i];

        if (room.len >= SIO_USER_ROOM_LEN
            && ngx_memcmp(room.data, SIO_USER_ROOM, SIO_USER_ROOM_LEN) == 0
            && !sio_str_eq(sio_str(room.data + SIO_USER_ROOM_LEN,
                                   room.len - SIO_USER_ROOM_LEN),
                           user))
        {
            return 0;
        }
    }

    return 1;
}


/* It is ours. */

static ngx_int_t
ngx_http_socketio_recovery_begin(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, const sio_offset_t *offset)
{
    u_char                       host[16];
    uint64_t                     number;
    ngx_int_t                    rc;
    sio_offset_t                 from;
    sio_session_t                session;
    ngx_http_socketio_recall_t  *recall;

    recall = st->recall;
    from = *offset;

    if (ngx_http_socketio_recovery_session(recall, &session) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* what it had, or was not there for, it has not missed: whatever it says */

    if (sio_stream_id_cmp(&from.id, &session.offset) < 0) {
        from.id = session.offset;
        from.number = 0;

    } else if (!sio_str_eq(session.host,
                           ngx_http_socketio_recovery_host(hub, host)))
    {
        /* what was behind it there is not known here */
        from.number = 0;
    }

    recall->from = from.id;
    recall->came = from.id;

    ngx_http_socketio_log_lock(hub->zone);
    rc = ngx_http_socketio_log_locate(hub->zone, &from, &number);
    ngx_http_socketio_log_unlock(hub->zone);

    if (rc == NGX_OK) {
        return ngx_http_socketio_recovery_finish(hub, st, &from);
    }

    recall->id = from.id;
    recall->tries = 0;

    return ngx_http_socketio_recovery_next(recall,
                                           NGX_HTTP_SOCKETIO_RECALL_EVENTS);
}


/* Until the log has the rest, or there is no more. */

static ngx_int_t
ngx_http_socketio_recovery_read(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    uint64_t                     number;
    ngx_int_t                    rc;
    ngx_uint_t                   tries;
    sio_offset_t                 from;
    ngx_http_socketio_recall_t  *recall;

    recall = st->recall;

    if (recall->lost || recall->n == 0) {
        return NGX_DECLINED;
    }

    ngx_memzero(&from, sizeof(sio_offset_t));
    from.id = recall->id;

    ngx_http_socketio_log_lock(hub->zone);

    if (recall->n == 1 && sio_stream_id_cmp(&recall->known, &from.id) > 0) {
        /* behind it there was nothing in the stream */
        from.id = recall->known;
    }

    rc = ngx_http_socketio_log_locate(hub->zone, &from, &number);
    ngx_http_socketio_log_unlock(hub->zone);

    if (rc == NGX_OK) {
        return ngx_http_socketio_recovery_finish(hub, st, &from);
    }

    if (recall->tries++ == NGX_HTTP_SOCKETIO_RECOVERY_READS) {
        return NGX_DECLINED;
    }

    if (recall->n == 1) {
        /* this host does not read the stream yet: later, and anew */

        if (st->tries >= NGX_HTTP_SOCKETIO_RECOVERY_TRIES) {
            return NGX_DECLINED;
        }

        recall->again = !recall->again;

        if (recall->again) {
            return NGX_AGAIN;
        }

        tries = st->tries;
        recall->found = 0;
        rc = ngx_http_socketio_recovery_next(recall,
                                           NGX_HTTP_SOCKETIO_RECALL_EVENTS);
        st->tries = tries;

        return rc;
    }

    recall->from = recall->id;
    recall->found = 0;

    return ngx_http_socketio_recovery_next(recall,
                                           NGX_HTTP_SOCKETIO_RECALL_EVENTS);
}


/*
 * The first one is what the client has, or what was read last: it must be
 * there, or what followed it may have been trimmed.
 */
static void
ngx_http_socketio_recovery_event(ngx_http_socketio_recall_t *recall,
    const sio_stream_id_t *id, const sio_adapter_broadcast_t *b)
{
    eio_msg_t                        *msg;
    sio_session_t                     session;
    ngx_http_socketio_hub_t          *hub;
    ngx_http_socketio_found_event_t   event;
    ngx_http_socketio_recoverable_t  *st;

    hub = recall->hub;
    st = recall->data;

    if (!recall->found) {
        recall->found = 1;
        recall->lost = (sio_stream_id_cmp(id, &recall->from) != 0);
        return;
    }

    if (b == NULL || b->volatile_ || recall->lost
        || ngx_http_socketio_recovery_session(recall, &session) != NGX_OK
        || !ngx_http_socketio_recovery_meant(&session, id, &b->opts))
    {
        return;
    }

    msg = ngx_http_socketio_event_msg(hub, recall->nsp, b->event, b->args,
                                 b->attachments.n ? &b->attachments : NULL,
                                 SIO_NO_ID);

    ngx_memzero(&event, sizeof(ngx_http_socketio_found_event_t));
    event.id = *id;
    event.len = msg ? msg->len : 0;

    if (msg == NULL
        || recall->events.len + event.len
           > st->socket->client->session->options->buffer / 2
        || sio_buf_append(&recall->events, &event, sizeof(event)) != SIO_OK
        || sio_buf_append(&recall->events, msg->image, msg->len) != SIO_OK)
    {
        recall->lost = 1;
    }

    if (msg) {
        eio_msg_unref(&ngx_http_socketio_mem, msg);
    }
}


static ngx_uint_t
ngx_http_socketio_recovery_meant(const sio_session_t *session,
    const sio_stream_id_t *id, const sio_adapter_opts_t *opts)
{
    unsigned         i, j;
    ngx_uint_t       meant;
    sio_stream_id_t  since;

    meant = (opts->nrooms == 0);

    for (i = 0; i < session->nrooms; i++) {
        since = sio_session_since(session, i);

        if (sio_stream_id_cmp(id, &since) <= 0) {
            continue;
        }

        for (j = 0; j < opts->nexcept; j++) {
            if (sio_str_eq(session->rooms[i], opts->except[j])) {
                return 0;
            }
        }

        for (j = 0; j < opts->nrooms && !meant; j++) {
            meant = sio_str_eq(session->rooms[i], opts->rooms[j]);
        }
    }

    return meant;
}


/* All of it is known, but for what the log has behind offset. */

static ngx_int_t
ngx_http_socketio_recovery_finish(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, const sio_offset_t *offset)
{
    u_char                       host[16];
    ngx_int_t                    rc;
    ngx_uint_t                   nrooms;
    sio_socket_t                *socket;
    sio_session_t                session;
    sio_stream_id_t              last;
    ngx_http_socketio_saving_t   saving;

    socket = st->socket;
    nrooms = socket->nrooms;

    if (ngx_http_socketio_recovery_session(st->recall, &session) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_memzero(&saving, sizeof(ngx_http_socketio_saving_t));
    saving.sid = session.sid;
    saving.foreign = !sio_str_eq(session.host,
                                 ngx_http_socketio_recovery_host(hub, host));

    if (ngx_http_socketio_recovery_rooms(socket, &session) != NGX_OK
        || ngx_http_socketio_recovery_put_out(hub, socket, &session))
    {
        goto undo;
    }

    ngx_http_socketio_log_lock(hub->zone);
    rc = ngx_http_socketio_log_locate(hub->zone, offset, &saving.position);
    st->since = ngx_http_socketio_log_end(hub->zone, &last);
    ngx_http_socketio_log_unlock(hub->zone);

    ngx_http_socketio_recovery_since(hub, socket, &session, saving.position);

    if (rc != NGX_OK
        || ngx_http_socketio_recovery_events(hub, st, &last) != NGX_OK
        || ngx_http_socketio_recovery_missed(hub, st, &saving) != NGX_OK
        || sio_socket_adopt(socket, session.sid) != SIO_OK)
    {
        goto undo;
    }

    ngx_http_socketio_recovery_set(socket, &hub->recovery->entry,
                                   session.data);

    /* if nothing of it arrives, all of it is missed again */

    st->position = st->recall->found ? 0 : saving.position;
    st->early = saving.position;
    st->here = (st->recall->found && session.nsince);
    st->came = st->recall->came;

    socket->client->recovered = 1;

    return NGX_OK;

undo:

    ngx_http_socketio_recovery_undo(st, nrooms);

    return NGX_DECLINED;
}


/* One of its own id needs not be joined. */

static ngx_int_t
ngx_http_socketio_recovery_rooms(sio_socket_t *socket,
    const sio_session_t *session)
{
    ngx_uint_t  i;

    for (i = 0; i < session->nrooms; i++) {
        if (!sio_str_eq(session->rooms[i], session->sid)
            && sio_room_join(socket, session->rooms[i]) != SIO_OK)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * Whether it was put out of something since it was lost, as far as this host
 * has heard; when Node has lost it is not known.
 */
static ngx_uint_t
ngx_http_socketio_recovery_put_out(ngx_http_socketio_hub_t *hub,
    const sio_socket_t *socket, const sio_session_t *session)
{
    uint64_t    since;
    ngx_int_t   n;
    ngx_uint_t  revoked;

    n = ngx_atoi((u_char *) session->version.data, session->version.len);

    since = (n == NGX_ERROR)
            ? ngx_http_socketio_calendar() - hub->conf->recovery
            : (uint64_t) n >> 16;

    ngx_http_socketio_store_lock(hub->zone);

    revoked = ngx_http_socketio_recovery_revoked(hub, socket, session->sid, 0,
                              since - NGX_HTTP_SOCKETIO_RECOVERY_SKEW);

    ngx_http_socketio_store_unlock(hub->zone);

    return revoked;
}


/* It was in them all the time, but for those that it joined lately. */

static void
ngx_http_socketio_recovery_since(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket, const sio_session_t *session, uint64_t number)
{
    uint64_t      since;
    ngx_int_t     rc;
    ngx_uint_t    i;
    sio_offset_t  joined;

    for (i = 0; i < socket->nrooms; i++) {
        socket->rooms[i].since = (uint32_t) number;
    }

    ngx_memzero(&joined, sizeof(sio_offset_t));

    for (i = session->nrooms - session->nsince; i < session->nrooms; i++) {
        joined.id = sio_session_since(session, i);

        ngx_http_socketio_log_lock(hub->zone);
        rc = ngx_http_socketio_log_locate(hub->zone, &joined, &since);
        ngx_http_socketio_log_unlock(hub->zone);

        if (rc == NGX_OK && since > number) {
            sio_room_set_since(socket, session->rooms[i], (uint32_t) since);
        }
    }
}


/* What is behind the last one comes as always. */

static ngx_int_t
ngx_http_socketio_recovery_events(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st, const sio_stream_id_t *last)
{
    u_char                           *p, *end;
    sio_offset_t                      offset;
    ngx_http_socketio_found_event_t   event;

    p = st->recall->events.data;
    end = p + st->recall->events.len;

    ngx_memzero(&offset, sizeof(sio_offset_t));

    while (p < end) {
        ngx_memcpy(&event, p, sizeof(event));
        p += sizeof(event);

        if (sio_stream_id_cmp(&event.id, last) > 0) {
            break;
        }

        offset.id = event.id;

        if (ngx_http_socketio_recovery_keep(hub, st, sio_str(p, event.len),
                                            &offset)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        p += event.len;
    }

    return NGX_OK;
}


/* What does not fit is left out: a Node server keeps what it likes. */

static void
ngx_http_socketio_recovery_set(sio_socket_t *socket, sio_buf_t *buf,
    sio_str_t data)
{
    sio_str_t        key, value;
    sio_json_iter_t  it;

    sio_json_object_iter(&it, data);

    while (sio_json_object_next(&it, &key, &value) == SIO_OK) {
        sio_buf_reset(buf);

        if (sio_json_unescape(buf, sio_str(key.data - 1, key.len + 2))
            == SIO_OK)
        {
            (void) sio_socket_set(socket, sio_buf_str(buf), value);
        }
    }
}
