/*
 * A lost socket is left to all hosts: its session, as Node would have it.
 */


#include "hub/ngx_http_socketio_recovery_hosts.h"
#include "codec/sio_session.h"
#include "hub/ngx_http_socketio_cluster.h"


static ngx_int_t ngx_http_socketio_recovery_places(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_recoverable_t *st, sio_session_t *session);
static ngx_int_t ngx_http_socketio_recovery_late(
    ngx_http_socketio_hub_t *hub, const ngx_http_socketio_recoverable_t *st,
    uint32_t since, const sio_stream_id_t *offset, sio_stream_id_t *id);
static int ngx_http_socketio_recovery_values(const sio_socket_t *socket,
    sio_buf_t *buf);


uint64_t
ngx_http_socketio_recovery_leave(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_recoverable_t *st)
{
    u_char                         host[16], version[NGX_INT64_LEN];
    uint64_t                       n;
    sio_buf_t                     *buf;
    sio_str_t                      rooms[NGX_HTTP_SOCKETIO_RECOVERY_ROOMS];
    sio_socket_t                  *socket;
    sio_session_t                  session;
    ngx_http_socketio_recovery_t  *recovery;

    recovery = hub->recovery;
    socket = st->socket;

    if (hub->stream == NULL || st->here
        || socket->nrooms >= NGX_HTTP_SOCKETIO_RECOVERY_ROOMS)
    {
        return 0;
    }

    ngx_memzero(&session, sizeof(sio_session_t));
    ngx_http_socketio_random(hub, (u_char *) &n, sizeof(n));
    n = ngx_http_socketio_calendar() << 16 | (n & 0xffff);

    session.sid = sio_socket_sid(socket);
    session.pid = sio_str(st->pid, EIO_SID_LEN);
    session.rooms = rooms;
    session.host = ngx_http_socketio_recovery_host(hub, host);
    session.version = sio_str(version,
                              ngx_sprintf(version, "%uL", n) - version);
    session.nsp = sio_namespace_name(socket->ns);
    session.user = sio_socket_user(socket);

    session.offset = st->came;

    /* what was said before it came must not be got from another host */

    if (sio_stream_id_is_none(&session.offset)
        || ngx_http_socketio_recovery_places(hub, st, &session) != NGX_OK)
    {
        return 0;
    }

    buf = &recovery->entry;
    sio_buf_reset(buf);
    recovery->decoded = NULL;

    if (ngx_http_socketio_recovery_values(socket, buf) != SIO_OK) {
        return 0;
    }

    session.data = sio_buf_str(buf);
    sio_buf_reset(&recovery->text);

    if (sio_session_encode(&recovery->codec, &recovery->text, &session)
        != SIO_OK)
    {
        return 0;
    }

    return hub->cluster->save(hub, session.pid, sio_buf_str(&recovery->text),
                              hub->conf->recovery)
           == NGX_OK ? n : 0;
}


/*
 * Rooms that it joined after the offset go last, with the ids behind which it
 * did: what was said in them before is not for it.
 */
static ngx_int_t
ngx_http_socketio_recovery_places(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_recoverable_t *st, sio_session_t *session)
{
    ngx_int_t         rc;
    ngx_uint_t        i, early, late;
    sio_buf_t        *ids;
    sio_str_t         name;
    sio_socket_t     *socket;
    sio_stream_id_t   id;

    socket = st->socket;
    ids = &hub->recovery->ids;
    sio_buf_reset(ids);

    if (sio_buf_reserve(ids, socket->nrooms * SIO_STREAM_ID_LEN) != SIO_OK) {
        return NGX_ERROR;
    }

    early = 0;
    late = NGX_HTTP_SOCKETIO_RECOVERY_ROOMS;
    session->nrooms = socket->nrooms + 1;
    session->rooms[early++] = session->sid;

    for (i = 0; i < socket->nrooms; i++) {
        name = sio_room_name(socket->rooms[i].room);

        rc = ngx_http_socketio_recovery_late(hub, st, socket->rooms[i].since,
                                             &session->offset, &id);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            session->rooms[early++] = name;
            continue;
        }

        session->nsince++;

        if (--late < session->nrooms) {
            return NGX_DECLINED;
        }

        session->rooms[session->nrooms - session->nsince] = name;
        session->rooms[late] = sio_str(ids->data + ids->len,
                        sio_stream_id_write(ids->data + ids->len, &id));
        ids->len += session->rooms[late].len;
    }

    session->since = session->rooms + late;

    return NGX_OK;
}


/*
 * Half a number is enough: it is not far away.  NGX_OK: late; NGX_DECLINED: not
 * so; NGX_ERROR: it is not known any more.
 */
static ngx_int_t
ngx_http_socketio_recovery_late(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_recoverable_t *st, uint32_t since,
    const sio_stream_id_t *offset, sio_stream_id_t *id)
{
    uint64_t                   number;
    ngx_http_socketio_entry_t  entry;

    number = ngx_http_socketio_log_last(hub->zone);
    number -= (uint32_t) number - since;

    if (number <= st->position || number <= st->early) {
        return NGX_DECLINED;
    }

    if (ngx_http_socketio_log_head(hub->zone, number, &entry) != NGX_OK) {
        return number == ngx_http_socketio_log_last(hub->zone)
               ? NGX_DECLINED : NGX_ERROR;
    }

    *id = entry.id;

    return sio_stream_id_cmp(id, offset) > 0 ? NGX_OK : NGX_DECLINED;
}


sio_str_t
ngx_http_socketio_recovery_host(ngx_http_socketio_hub_t *hub, u_char *host)
{
    uint64_t  hash;

    hash = sio_hash(&hub->zone->hash, "host", 4);

    return sio_str(host, ngx_sprintf(host, "%016xL", hash) - host);
}


/* What rules have stored, as the members of an object. */

static int
ngx_http_socketio_recovery_values(const sio_socket_t *socket, sio_buf_t *buf)
{
    int                rc;
    sio_socket_var_t  *var;

    rc = sio_buf_append_char(buf, '{');

    for (var = socket->vars; var && rc == SIO_OK; var = var->next) {

        if (var != socket->vars) {
            rc = sio_buf_append_char(buf, ',');
        }

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, sio_str(var->text, var->name_len));
        }

        if (rc == SIO_OK) {
            rc = sio_buf_append_char(buf, ':');
        }

        if (rc == SIO_OK) {
            rc = sio_buf_append(buf, var->text + var->name_len,
                                var->value_len);
        }
    }

    return rc == SIO_OK ? sio_buf_append_char(buf, '}') : rc;
}
