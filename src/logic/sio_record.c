/*
 * A session as one record.  Fields, in this order:
 *
 *     sid, transport, flags, heartbeat, timeout, dropped,
 *         numbers of marks: the last, that has arrived, the heartbeat's,
 *         attachments due of a packet that was refused
 *     queued messages: n, then (image, marks) each
 *     captured values: n, then their bytes
 *     binary packet on its way: attachments due (0: none), text,
 *         attachments got: n, then their bytes
 *     meter: buckets (0: nothing was counted), then (excess, age) each
 *     sockets: n, then (namespace, sid, auth, user, claims,
 *         expires, what it has gathered) each
 *
 * What a socket has gathered: rooms: n, (name, since) each;
 *     variables: n, (name, value) each
 *
 * Every pack function has its unpack function next to it.
 */


#include "logic/sio_record.h"


#define SIO_RECORD_PONG       0x01     /* a pong is due */
#define SIO_RECORD_EXTENDED   0x02     /* and was waited for longer */
#define SIO_RECORD_CONNECTED  0x04     /* a namespace was joined */
#define SIO_RECORD_PROVING    0x08     /* a mark is waited for as a proof */
#define SIO_RECORD_DRY_RUN    0x10     /* of its rules */
#define SIO_RECORD_RECOVERED  0x20     /* a socket of it was */

#define SIO_RECORD_VOLATILE   0x01     /* of a message */
#define SIO_RECORD_VITAL      0x02


static void sio_record_pack_engine(const eio_session_t *s,
    const sio_client_t *client, sio_wire_writer_t *w, uint64_t now);
static void sio_record_unpack_engine(eio_session_t *s, sio_client_t *client,
    sio_wire_t *r, uint64_t now);
static void sio_record_pack_queue(const eio_session_t *s,
    sio_wire_writer_t *w);
static int sio_record_unpack_queue(eio_session_t *s, sio_wire_t *r);
static void sio_record_pack_captured(const sio_client_t *client,
    sio_wire_writer_t *w);
static int sio_record_unpack_captured(sio_client_t *client, sio_wire_t *r);
static void sio_record_pack_pending(const sio_client_t *client,
    sio_wire_writer_t *w);
static int sio_record_unpack_pending(sio_client_t *client, sio_wire_t *r);
static int sio_record_fill_pending(sio_binary_pending_t *pending,
    sio_wire_t *r, size_t max);
static void sio_record_pack_meter(const sio_client_t *client,
    sio_wire_writer_t *w, uint64_t now);
static int sio_record_unpack_meter(sio_client_t *client, sio_wire_t *r,
    uint64_t now);
static void sio_record_pack_socket(const sio_socket_t *socket,
    sio_wire_writer_t *w);
static int sio_record_unpack_socket(sio_client_t *client, sio_wire_t *r);
static int sio_record_unpack_socket_state(sio_socket_t *socket,
    sio_wire_t *r);
static int sio_record_unpack_all(eio_session_t *s, sio_client_t *client,
    sio_wire_t *r, uint64_t now);


int
sio_record_movable(const sio_client_t *client)
{
    const sio_socket_t   *socket;
    const eio_session_t  *s;

    s = client->session;

    if (s->state != EIO_STATE_OPEN || s->out.head_sent || s->out.offered) {
        return 0;
    }

    for (socket = client->sockets; socket; socket = socket->next) {
        if (!socket->accepted) {
            return 0;
        }
    }

    return 1;
}


void
sio_record_pack(const eio_session_t *s, const sio_client_t *client,
    sio_wire_writer_t *w, uint64_t now)
{
    const sio_socket_t  *socket;

    sio_record_pack_engine(s, client, w, now);
    sio_record_pack_queue(s, w);
    sio_record_pack_captured(client, w);
    sio_record_pack_pending(client, w);
    sio_record_pack_meter(client, w, now);

    sio_wire_put_u32(w, client->nsockets);

    for (socket = client->sockets; socket; socket = socket->next) {
        sio_record_pack_socket(socket, w);
    }
}


int
sio_record_unpack(eio_session_t *s, sio_client_t *client, sio_wire_t *r,
    uint64_t now)
{
    int         rc;
    sio_app_t  *app;

    app = sio_client_app(client);

    sio_app_enter(app);

    sio_record_unpack_engine(s, client, r, now);

    rc = sio_record_unpack_all(s, client, r, now);

    if (rc == SIO_OK) {
        eio_session_resume(s, (eio_transport_e) s->transport);

    } else {

        client->closing = 1;

        while (client->sockets) {
            sio_socket_end(client->sockets, EIO_REASON_MOVED);
        }

        /* it was never open: nobody is told */
        eio_session_abort(s, EIO_REASON_MOVED);
    }

    sio_app_leave(app);

    if (rc != SIO_OK) {
        sio_client_free(client);
    }

    return rc;
}


static int
sio_record_unpack_all(eio_session_t *s, sio_client_t *client, sio_wire_t *r,
    uint64_t now)
{
    int       rc;
    uint32_t  n;

    rc = sio_record_unpack_queue(s, r);

    if (rc == SIO_OK) {
        rc = sio_record_unpack_captured(client, r);
    }

    if (rc == SIO_OK) {
        rc = sio_record_unpack_pending(client, r);
    }

    if (rc == SIO_OK) {
        rc = sio_record_unpack_meter(client, r, now);
    }

    if (rc != SIO_OK) {
        return rc;
    }

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        rc = sio_record_unpack_socket(client, r);

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return r->error ? SIO_ERROR : SIO_OK;
}


void
sio_record_forget(eio_session_t *s, sio_client_t *client)
{
    client->closing = 1;

    eio_session_abort(s, EIO_REASON_MOVED);
}


static void
sio_record_pack_engine(const eio_session_t *s, const sio_client_t *client,
    sio_wire_writer_t *w, uint64_t now)
{
    uint8_t   flags;
    uint64_t  timeout;

    flags = 0;
    flags |= s->waiting_pong ? SIO_RECORD_PONG : 0;
    flags |= s->pong_extended ? SIO_RECORD_EXTENDED : 0;
    flags |= client->connected ? SIO_RECORD_CONNECTED : 0;
    flags |= s->proving ? SIO_RECORD_PROVING : 0;
    flags |= client->dry_run ? SIO_RECORD_DRY_RUN : 0;
    flags |= client->recovered ? SIO_RECORD_RECOVERED : 0;

    /* 0 is none, 1 is now */

    timeout = 0;

    if (s->timeout) {
        timeout = s->timeout > now ? s->timeout - now + 1 : 1;
    }

    sio_wire_put_str(w, sio_str(s->sid, EIO_SID_LEN));
    sio_wire_put_u8(w, s->transport);
    sio_wire_put_u8(w, flags);
    sio_wire_put_u64(w, s->heartbeat > now ? s->heartbeat - now : 0);
    sio_wire_put_u64(w, timeout);
    sio_wire_put_u32(w, s->dropped);
    sio_wire_put_u8(w, s->marked);
    sio_wire_put_u8(w, s->arrived);
    sio_wire_put_u8(w, s->beat);
    sio_wire_put_u8(w, client->skip);
}


static void
sio_record_unpack_engine(eio_session_t *s, sio_client_t *client,
    sio_wire_t *r, uint64_t now)
{
    uint8_t    flags;
    uint64_t   timeout;
    sio_str_t  sid;

    sid = sio_wire_get_str(r);

    if (sid.len == EIO_SID_LEN) {
        memcpy(s->sid, sid.data, EIO_SID_LEN);

    } else {
        r->error = 1;
    }

    s->transport = sio_wire_get_u8(r);

    if (s->transport != EIO_POLLING && s->transport != EIO_WEBSOCKET) {
        r->error = 1;
    }

    flags = sio_wire_get_u8(r);

    s->waiting_pong = ((flags & SIO_RECORD_PONG) != 0);
    s->pong_extended = ((flags & SIO_RECORD_EXTENDED) != 0);
    s->proving = ((flags & SIO_RECORD_PROVING) != 0);
    client->connected = ((flags & SIO_RECORD_CONNECTED) != 0);
    client->dry_run = ((flags & SIO_RECORD_DRY_RUN) != 0);
    client->recovered = ((flags & SIO_RECORD_RECOVERED) != 0);

    s->heartbeat = now + sio_wire_get_u64(r);

    timeout = sio_wire_get_u64(r);
    s->timeout = timeout ? now + timeout - 1 : 0;

    s->dropped = sio_wire_get_u32(r);
    s->marked = sio_wire_get_u8(r);
    s->arrived = sio_wire_get_u8(r);
    s->beat = sio_wire_get_u8(r);
    client->skip = sio_wire_get_u8(r);
}


static void
sio_record_pack_queue(const eio_session_t *s, sio_wire_writer_t *w)
{
    uint32_t                n;
    const eio_outq_node_t  *node;

    n = 0;

    for (node = eio_outq_first(&s->out); node; node = node->next) {
        n++;
    }

    sio_wire_put_u32(w, n);

    for (node = eio_outq_first(&s->out); node; node = node->next) {
        sio_wire_put_str(w, sio_str(node->msg->image, node->msg->len));
        sio_wire_put_u8(w, (node->msg->volatile_ ? SIO_RECORD_VOLATILE : 0)
                           | (node->msg->vital ? SIO_RECORD_VITAL : 0));
    }
}


static int
sio_record_unpack_queue(eio_session_t *s, sio_wire_t *r)
{
    int               rc;
    uint8_t           marks;
    uint32_t          n;
    unsigned          dropped;
    sio_str_t         image;
    eio_msg_t        *msg;
    const sio_mem_t  *mem;

    mem = s->env->mem;

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        image = sio_wire_get_str(r);
        marks = sio_wire_get_u8(r);

        if (r->error) {
            break;
        }

        msg = eio_msg_from_image(mem, image);
        if (msg == NULL) {
            return SIO_ERROR;
        }

        msg->volatile_ = ((marks & SIO_RECORD_VOLATILE) != 0);
        msg->vital = ((marks & SIO_RECORD_VITAL) != 0);
        dropped = 0;

        rc = eio_outq_push(&s->out, mem, msg, SIZE_MAX, &dropped);
        eio_msg_unref(mem, msg);

        if (rc != SIO_OK) {
            return rc;
        }
    }

    return r->error ? SIO_ERROR : SIO_OK;
}


static void
sio_record_pack_captured(const sio_client_t *client, sio_wire_writer_t *w)
{
    uint32_t               i;
    const sio_captured_t  *captured;

    captured = client->captured;

    sio_wire_put_u32(w, captured ? captured->n : 0);

    for (i = 0; captured && i < captured->n; i++) {
        sio_wire_put_str(w, captured->value[i]);
    }
}


static int
sio_record_unpack_captured(sio_client_t *client, sio_wire_t *r)
{
    size_t           bytes;
    uint8_t         *p;
    uint32_t         i, n;
    sio_str_t        value;
    sio_wire_t       ahead;
    sio_captured_t  *captured;

    n = sio_wire_get_u32(r);

    if (n == 0) {
        return r->error ? SIO_ERROR : SIO_OK;
    }

    /* how much it is, before anything is allocated */

    ahead = *r;
    bytes = 0;

    for (i = 0; i < n && !ahead.error; i++) {
        bytes += sio_wire_get_str(&ahead).len;
    }

    if (ahead.error) {
        return SIO_ERROR;
    }

    captured = sio_alloc(sio_client_app(client)->mem, sizeof(sio_captured_t)
                                           + n * sizeof(sio_str_t) + bytes);
    if (captured == NULL) {
        return SIO_NOMEM;
    }

    captured->n = n;
    p = (uint8_t *) &captured->value[n];

    for (i = 0; i < n; i++) {
        value = sio_wire_get_str(r);

        if (value.len) {
            memcpy(p, value.data, value.len);
        }

        captured->value[i] = sio_str(p, value.len);
        p += value.len;
    }

    client->captured = captured;

    return SIO_OK;
}


static void
sio_record_pack_pending(const sio_client_t *client, sio_wire_writer_t *w)
{
    unsigned                     i;
    const sio_binary_pending_t  *pending;

    pending = client->pending;

    sio_wire_put_u8(w, pending ? (uint8_t) pending->want : 0);

    if (pending) {
        sio_wire_put_str(w, sio_str(pending->text, pending->text_len));
        sio_wire_put_u8(w, (uint8_t) pending->got.n);

        for (i = 0; i < pending->got.n; i++) {
            sio_wire_put_str(w, pending->got.item[i]);
        }
    }
}


static int
sio_record_unpack_pending(sio_client_t *client, sio_wire_t *r)
{
    unsigned               want;
    sio_str_t              text;
    sio_packet_t           pkt;
    const sio_mem_t       *mem;
    sio_binary_pending_t  *pending;

    want = sio_wire_get_u8(r);

    if (want == 0) {
        return r->error ? SIO_ERROR : SIO_OK;
    }

    text = sio_wire_get_str(r);

    if (r->error
        || sio_packet_decode(text, &sio_client_app(client)->limits->packet,
                             &pkt)
           != SIO_OK
        || pkt.attachments != want)
    {
        return SIO_ERROR;
    }

    mem = sio_client_app(client)->mem;

    pending = sio_alloc(mem, sizeof(sio_binary_pending_t));
    if (pending == NULL) {
        return SIO_NOMEM;
    }

    if (sio_binary_begin(pending, mem, text, want) != SIO_OK) {
        sio_binary_free(pending);
        sio_free(mem, pending);
        return SIO_NOMEM;
    }

    client->pending = pending;

    return sio_record_fill_pending(pending, r,
                                   client->session->options->max_payload);
}


static int
sio_record_fill_pending(sio_binary_pending_t *pending, sio_wire_t *r,
    size_t max)
{
    int        rc;
    unsigned   n;
    sio_str_t  bytes;

    for (n = sio_wire_get_u8(r); n; n--) {
        bytes = sio_wire_get_str(r);

        if (r->error) {
            return SIO_ERROR;
        }

        rc = sio_binary_add(pending, bytes, max);

        if (rc == SIO_NOMEM) {
            return SIO_NOMEM;
        }

        /* a packet that is complete does not wait */

        if (rc != SIO_AGAIN) {
            return SIO_ERROR;
        }
    }

    return r->error ? SIO_ERROR : SIO_OK;
}


/* Or an upgrade would be one more burst. */

static void
sio_record_pack_meter(const sio_client_t *client, sio_wire_writer_t *w,
    uint64_t now)
{
    unsigned             i;
    const sio_meter_t   *meter;
    const sio_bucket_t  *bucket;

    meter = client->meter;

    sio_wire_put_u8(w, meter ? SIO_METER_BUCKETS : 0);

    for (i = 0; meter && i < SIO_METER_BUCKETS; i++) {
        bucket = &meter->bucket[i];

        sio_wire_put_u64(w, bucket->excess);
        sio_wire_put_u64(w, now > bucket->last ? now - bucket->last : 0);
    }
}


static int
sio_record_unpack_meter(sio_client_t *client, sio_wire_t *r, uint64_t now)
{
    unsigned       i, n;
    uint64_t       age;
    sio_bucket_t  *bucket;

    n = sio_wire_get_u8(r);

    if (n == 0) {
        return r->error ? SIO_ERROR : SIO_OK;
    }

    if (n != SIO_METER_BUCKETS) {
        return SIO_ERROR;
    }

    client->meter = sio_calloc(sio_client_app(client)->mem,
                               sizeof(sio_meter_t));
    if (client->meter == NULL) {
        return SIO_NOMEM;
    }

    for (i = 0; i < n; i++) {
        bucket = &client->meter->bucket[i];

        bucket->excess = sio_wire_get_u64(r);
        age = sio_wire_get_u64(r);
        bucket->last = now > age ? now - age : 0;
    }

    return r->error ? SIO_ERROR : SIO_OK;
}


static void
sio_record_pack_socket(const sio_socket_t *socket, sio_wire_writer_t *w)
{
    sio_claimed_t  claimed;

    sio_identity_claimed(socket->identity, &claimed);

    sio_wire_put_str(w, sio_namespace_name(socket->ns));
    sio_wire_put_str(w, sio_socket_sid(socket));
    sio_wire_put_str(w, sio_socket_auth(socket));
    sio_wire_put_str(w, claimed.user);
    sio_wire_put_str(w, claimed.claims);
    sio_wire_put_u64(w, claimed.expires);

    sio_record_pack_gathered(socket, w);
}


void
sio_record_pack_gathered(const sio_socket_t *socket, sio_wire_writer_t *w)
{
    uint32_t                 n;
    const sio_socket_var_t  *var;

    /* the user's room is among them, and joined already when it is met */

    sio_wire_put_u32(w, socket->nrooms);

    for (n = 0; n < socket->nrooms; n++) {
        sio_wire_put_str(w, sio_room_name(socket->rooms[n].room));
        sio_wire_put_u32(w, socket->rooms[n].since);
    }

    n = 0;

    for (var = socket->vars; var; var = var->next) {
        n++;
    }

    sio_wire_put_u32(w, n);

    for (var = socket->vars; var; var = var->next) {
        sio_wire_put_str(w, sio_str(var->text, var->name_len));
        sio_wire_put_str(w, sio_str(var->text + var->name_len,
                                    var->value_len));
    }
}


static int
sio_record_unpack_socket(sio_client_t *client, sio_wire_t *r)
{
    int               rc;
    sio_str_t         name, sid, auth;
    sio_socket_t     *socket;
    sio_namespace_t  *ns;

    name = sio_wire_get_str(r);
    sid = sio_wire_get_str(r);
    auth = sio_wire_get_str(r);

    if (r->error || sid.len != EIO_SID_LEN
        || client->nsockets >= sio_client_app(client)->limits->max_namespaces
        || sio_client_socket(client, name))
    {
        return SIO_ERROR;
    }

    rc = sio_namespace_open(sio_client_app(client), name, &ns);

    if (rc != SIO_OK) {
        return rc == SIO_DECLINED ? SIO_ERROR : rc;
    }

    if (sio_map_find(&ns->sockets, sid)) {
        return SIO_ERROR;
    }

    socket = sio_socket_create(client, ns, sid.data, auth);

    if (socket == NULL) {
        sio_namespace_release(ns);
        return SIO_NOMEM;
    }

    rc = sio_record_unpack_socket_state(socket, r);

    return rc == SIO_OK ? sio_socket_enroll(socket) : rc;
}


static int
sio_record_unpack_socket_state(sio_socket_t *socket, sio_wire_t *r)
{
    int            rc;
    sio_claimed_t  claimed;

    claimed.user = sio_wire_get_str(r);
    claimed.claims = sio_wire_get_str(r);
    claimed.expires = sio_wire_get_u64(r);

    if (claimed.user.len && !r->error) {
        rc = sio_socket_identify(socket, &claimed);

        if (rc != SIO_OK) {
            return rc;
        }
    }

    rc = sio_record_unpack_rooms(socket, r);

    return rc == SIO_OK ? sio_record_unpack_values(socket, r) : rc;
}


int
sio_record_unpack_rooms(sio_socket_t *socket, sio_wire_t *r)
{
    int        rc;
    uint32_t   n, since;
    sio_str_t  name;

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        name = sio_wire_get_str(r);
        since = sio_wire_get_u32(r);
        rc = r->error ? SIO_ERROR : sio_room_join(socket, name);

        if (rc != SIO_OK) {
            return rc;
        }

        sio_room_set_since(socket, name, since);
    }

    return r->error ? SIO_ERROR : SIO_OK;
}


int
sio_record_unpack_values(sio_socket_t *socket, sio_wire_t *r)
{
    int        rc;
    uint32_t   n;
    sio_str_t  name, value;

    for (n = sio_wire_get_u32(r); n && !r->error; n--) {
        name = sio_wire_get_str(r);
        value = sio_wire_get_str(r);

        if (r->error) {
            return SIO_ERROR;
        }

        rc = sio_socket_set(socket, name, value);

        if (rc != SIO_OK) {
            return rc == SIO_DECLINED ? SIO_ERROR : rc;
        }
    }

    return r->error ? SIO_ERROR : SIO_OK;
}
