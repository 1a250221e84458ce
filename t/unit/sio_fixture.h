/*
 * A small world around an app, for unit tests and fuzzing: sessions that are
 * fed text and read back, ops that count and log what they are told.
 *
 *     fx_init(&unit_mem);
 *     conn = fx_open();
 *     fx_text(conn, "40");
 *     fx_take(conn)          what was sent since, packets joined by "|"
 *     fx_log_take()          what the ops were told since
 *     fx_close(conn);
 *     fx_cleanup();
 *
 * A hook in fx takes the place of what an op does by itself.  fx_check()
 * proves what must hold at any time between two calls.
 */


#ifndef _SIO_FIXTURE_H_INCLUDED_
#define _SIO_FIXTURE_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "logic/sio_client.h"
#include "logic/sio_record.h"
#include "logic/sio_room.h"


#define FX_LOG_SIZE   65536
#define FX_TAKE_SIZE  65536
#define FX_REFUSE     1000000        /* more changes than any test makes */


/* is_str() for what may be asked for once only.  Needs unit.h. */

#define fx_is(got, expected, ...)                                             \
    do {                                                                      \
        const char  *fx_got = (got);                                          \
        is_str(sio_cstr(fx_got), expected, __VA_ARGS__);                      \
    } while (0)


typedef struct {
    eio_session_t     s;
    sio_client_t      c;
    int               closed;
} fx_conn_t;


typedef struct {
    const sio_mem_t   *mem;
    sio_app_t          app;
    sio_app_limits_t   limits;
    sio_hash_key_t     hash;
    sio_wheel_t       *wheel;
    eio_env_t          env;
    eio_options_t      options;
    uint64_t           now;
    uint64_t           seed;

    /* knobs */
    int              (*connect)(sio_socket_t *socket, sio_str_t auth,
                                sio_buf_t *error);
    void             (*event)(sio_socket_t *socket, const sio_packet_t *pkt,
                              const sio_binary_t *attachments);
    void             (*disconnect)(sio_socket_t *socket, sio_str_t reason);
    int                refuse_after;   /* changes that are let through */

    /* what was seen */
    unsigned           enrolled;       /* sockets present */
    unsigned           rooms;          /* rooms with members */
    unsigned           pongs;          /* that were asked for */
    unsigned           gone;           /* sockets freed */
    unsigned           bad;            /* contradictions */
} fx_t;


static fx_t    fx;

static int     fx_quiet;               /* no log: when fuzzing */
static size_t  fx_log_len;
static char    fx_log_text[FX_LOG_SIZE];
static char    fx_take_text[FX_TAKE_SIZE];


static inline void __attribute__((format(printf, 1, 2)))
fx_log(const char *fmt, ...)
{
    int      n;
    va_list  args;

    if (fx_quiet || fx_log_len >= FX_LOG_SIZE - 1024) {
        return;
    }

    va_start(args, fmt);
    n = vsnprintf(fx_log_text + fx_log_len, 1024, fmt, args);
    va_end(args);

    fx_log_len += (n < 1024) ? (size_t) n : 1023;
}


/* The log since the last call. */

static inline const char *
fx_log_take(void)
{
    fx_log_text[fx_log_len] = '\0';
    fx_log_len = 0;

    return fx_log_text;
}


#define FX_STR(s)  (int) (s).len, (const char *) (s).data


static inline int
fx_lookup(sio_app_t *app, sio_str_t name, void **conf)
{
    if (sio_str_eq(name, sio_cstr("/"))
        || (name.len > 1 && name.data[1] == 'n'))
    {
        *conf = &fx;
        return SIO_OK;
    }

    return SIO_DECLINED;
}


static inline int
fx_connect(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    fx_log("connect %.*s %.*s;", FX_STR(sio_namespace_name(socket->ns)),
           FX_STR(auth));

    return fx.connect ? fx.connect(socket, auth, error) : SIO_OK;
}


static inline void
fx_cancel(sio_socket_t *socket)
{
    fx_log("cancel %.*s;", FX_STR(sio_namespace_name(socket->ns)));
}


static inline void
fx_event(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    unsigned  i;

    fx_log("event %.*s %lld %.*s", FX_STR(pkt->nsp), (long long) pkt->id,
           FX_STR(pkt->data));

    for (i = 0; attachments && i < attachments->n; i++) {
        fx_log(" <%.*s>", FX_STR(attachments->item[i]));
    }

    fx_log(";");

    if (fx.event) {
        fx.event(socket, pkt, attachments);
    }
}


static inline void
fx_ack(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    fx_log("ack %.*s %lld %.*s %u;", FX_STR(pkt->nsp), (long long) pkt->id,
           FX_STR(pkt->data), attachments ? attachments->n : 0);
}


static inline void
fx_disconnect(sio_socket_t *socket, sio_str_t reason)
{
    fx.bad += !socket->accepted || !socket->leaving;

    fx_log("disconnect %.*s %.*s rooms=%u;",
           FX_STR(sio_namespace_name(socket->ns)), FX_STR(reason),
           socket->nrooms);

    if (fx.disconnect) {
        fx.disconnect(socket, reason);
    }
}


/*
 * cell remembers the count told last: it may change by one only, and a
 * refusal leaves it.
 */

static inline int
fx_room_changed(sio_namespace_t *ns, sio_room_t *room, uint32_t count)
{
    uint32_t  *cell;

    cell = room ? &room->cell : &ns->cell;

    fx.bad += (count != *cell + 1 && count + 1 != *cell);
    fx.bad += (room && room->ns != ns);

    if (count > *cell) {
        if (fx.refuse_after == 0) {
            return SIO_DECLINED;
        }

        fx.refuse_after--;
    }

    if (room) {
        fx.rooms += (count == 1 && *cell == 0);
        fx.rooms -= (count == 0);
    }

    *cell = count;

    return SIO_OK;
}


static inline int
fx_socket_changed(sio_socket_t *socket, int present)
{
    fx.bad += (socket->cell == (uint32_t) present);

    if (present) {
        if (fx.refuse_after == 0) {
            return SIO_DECLINED;
        }

        fx.refuse_after--;
        fx.enrolled++;

    } else {
        fx.bad += (socket->nrooms != 0);
        fx.enrolled--;
    }

    socket->cell = (uint32_t) present;

    return SIO_OK;
}


static inline void
fx_limited(sio_client_t *client)
{
    fx_log("limited;");
}


static inline void
fx_pong(sio_client_t *client)
{
    fx.pongs++;
}


static inline void
fx_gone(sio_socket_t *socket)
{
    fx.gone++;
}


static inline void
fx_random(sio_app_t *app, uint8_t *dst, size_t len)
{
    while (len--) {
        fx.seed = fx.seed * 6364136223846793005ull + 1442695040888963407ull;
        *dst++ = (uint8_t) (fx.seed >> 56);
    }
}


static inline uint64_t
fx_now(sio_app_t *app)
{
    return fx.now;
}


static inline void
fx_output(eio_session_t *s)
{
}


static inline void
fx_closed(eio_session_t *s)
{
    sio_map_data(s, fx_conn_t, s)->closed = 1;
}


static const sio_app_ops_t  fx_app_ops = {
    .lookup = fx_lookup,
    .connect = fx_connect,
    .cancel = fx_cancel,
    .event = fx_event,
    .ack = fx_ack,
    .limited = fx_limited,
    .pong = fx_pong,
    .disconnect = fx_disconnect,
    .gone = fx_gone,
    .room_changed = fx_room_changed,
    .socket_changed = fx_socket_changed,
    .random = fx_random,
    .now = fx_now
};

static const eio_ops_t  fx_eio_ops = { fx_output, fx_closed };


static inline void
fx_init(const sio_mem_t *mem)
{
    memset(&fx, 0, sizeof(fx_t));

    fx_log_len = 0;

    fx.mem = mem;
    fx.now = 1000000;
    fx.seed = 7;
    fx.refuse_after = FX_REFUSE;

    fx.limits.packet.json.max_depth = 16;
    fx.limits.packet.json.max_keys = 1000;
    fx.limits.packet.max_attachments = 10;
    fx.limits.packet.max_nsp = 64;
    fx.limits.max_rooms = 200;
    fx.limits.max_namespaces = 4;
    fx.limits.max_dynamic = 8;

    fx.options.ping_interval = 25000;
    fx.options.ping_timeout = 20000;
    fx.options.connect_timeout = 45000;
    fx.options.max_payload = 1000;
    fx.options.max_packets = 100;
    fx.options.buffer = 10000;
    fx.options.polling = 1;
    fx.options.websocket = 1;

    fx.wheel = malloc(sizeof(sio_wheel_t));
    sio_wheel_init(fx.wheel, fx.now);

    fx.env.handler = &sio_client_handler;
    fx.env.ops = &fx_eio_ops;
    fx.env.mem = mem;
    fx.env.wheel = fx.wheel;
    fx.env.data = &fx.app;

    sio_app_init(&fx.app, mem, &fx_app_ops, &fx.limits, &fx.hash);
}


static inline void
fx_cleanup(void)
{
    sio_app_free(&fx.app);
    free(fx.wheel);
}


/* A connection whose session is made, but not open. */

static inline fx_conn_t *
fx_new(void)
{
    uint8_t     sid[EIO_SID_LEN];
    fx_conn_t  *conn;

    conn = calloc(1, sizeof(fx_conn_t));

    memset(sid, 'e', sizeof(sid));
    eio_session_init(&conn->s, sid, &fx.options, &fx.env);
    sio_client_init(&conn->c, &conn->s);
    conn->s.data = &conn->c;

    return conn;
}


static inline void
fx_free(fx_conn_t *conn)
{
    eio_session_cleanup(&conn->s);
    sio_client_free(&conn->c);
    free(conn);
}


/* An allocator that is not made to fail, for the fixture's own needs. */

static inline void *
fx_mem_alloc(void *ctx, size_t size)
{
    return malloc(size);
}


static inline void
fx_mem_free(void *ctx, void *p)
{
    free(p);
}


static const sio_mem_t  fx_mem = { fx_mem_alloc, fx_mem_free, NULL };


/* The packets that wait, joined by "|"; they are taken out. */

static inline const char *
fx_take(fx_conn_t *conn)
{
    size_t                  i, len;
    sio_buf_t               buf;
    const eio_outq_node_t  *node;

    sio_buf_init(&buf, &fx_mem, FX_TAKE_SIZE - 1);

    for (node = eio_outq_first(&conn->s.out); node; node = node->next) {
        (void) eio_msg_payload(node->msg, &buf);
    }

    eio_outq_free(&conn->s.out, fx.mem);

    len = buf.len;

    for (i = 0; i < len; i++) {
        fx_take_text[i] = (char) buf.data[i];

        if (buf.data[i] == EIO_SEPARATOR) {
            fx_take_text[i] = '|';
        }
    }

    fx_take_text[len] = '\0';
    sio_buf_free(&buf);

    return fx_take_text;
}


static inline fx_conn_t *
fx_open(void)
{
    fx_conn_t  *conn;

    conn = fx_new();

    (void) eio_session_open(&conn->s, EIO_WEBSOCKET, fx.now);
    (void) fx_take(conn);

    return conn;
}


static inline void
fx_message(fx_conn_t *conn, int binary, sio_str_t data)
{
    eio_packet_t  pkt;

    pkt.type = EIO_MESSAGE;
    pkt.binary = (binary != 0);
    pkt.data = data;

    eio_session_packet(&conn->s, &pkt, fx.now);
}


/* text: a whole Engine.IO packet; its "4" is cut off. */

static inline void
fx_text(fx_conn_t *conn, const char *text)
{
    fx_message(conn, 0, sio_cstr(text + 1));
}


static inline void
fx_close(fx_conn_t *conn)
{
    eio_session_abort(&conn->s, EIO_REASON_TRANSPORT_CLOSE);
    fx_free(conn);
}


static inline int
fx_live(const fx_conn_t *conn)
{
    return conn->s.state == EIO_STATE_OPEN;
}


static inline sio_socket_t *
fx_socket(fx_conn_t *conn, const char *nsp)
{
    return sio_client_socket(&conn->c, sio_cstr(nsp));
}


/* Say who a socket is: a user without claims. */

static inline int
fx_identify(sio_socket_t *socket, sio_str_t user)
{
    sio_claimed_t  claimed;

    memset(&claimed, 0, sizeof(sio_claimed_t));
    claimed.user = user;

    return sio_socket_identify(socket, &claimed);
}


static inline sio_namespace_t *
fx_namespace(const char *nsp)
{
    return sio_app_namespace(&fx.app, sio_cstr(nsp));
}


/* A text message, to be given back by eio_msg_unref(). */

static inline eio_msg_t *
fx_msg(const char *text)
{
    return eio_msg_create(fx.mem, sio_cstr(text), NULL);
}


static inline unsigned
fx_check_room(sio_namespace_t *ns, sio_room_t *room)
{
    uint32_t       i;
    unsigned       bad;
    sio_member_t  *m;

    bad = (room->count == 0 || room->count > room->cap || room->walkers
           || room->cell != room->count || room->ns != ns);

    for (i = 0; i < room->count; i++) {
        m = &room->members[i];

        bad += (m->socket->ns != ns || m->index >= m->socket->nrooms
                || m->socket->rooms[m->index].room != room
                || m->socket->rooms[m->index].index != i);
    }

    return bad;
}


static inline unsigned
fx_check_socket(sio_namespace_t *ns, sio_socket_t *socket, unsigned *pending)
{
    uint32_t            i;
    unsigned            bad;
    sio_membership_t   *m;

    *pending += !socket->accepted;

    bad = (socket->ns != ns || socket->leaving
           || socket->cell != socket->accepted
           || (socket->accepted && socket->held)
           || sio_client_socket(socket->client, sio_namespace_name(ns))
              != socket);

    for (i = 0; i < socket->nrooms; i++) {
        m = &socket->rooms[i];

        bad += (m->index >= m->room->count
                || m->room->members[m->index].socket != socket
                || m->room->members[m->index].index != i);
    }

    return bad;
}


/* How many things are wrong with the app: none, it is hoped. */

static inline unsigned
fx_check(void)
{
    unsigned          bad, rooms, accepted, pending;
    uint32_t          c1, c2;
    sio_map_node_t   *node, *s1, *s2;
    sio_namespace_t  *ns;

    bad = fx.bad + (fx.app.busy != 0) + (fx.app.ended != NULL);
    rooms = 0;
    accepted = 0;
    c1 = 0;
    s1 = NULL;

    while ((node = sio_map_next(&fx.app.namespaces, &c1, &s1)) != NULL) {
        ns = sio_map_data(node, sio_namespace_t, node);
        pending = 0;
        c2 = 0;
        s2 = NULL;

        while ((node = sio_map_next(&ns->rooms, &c2, &s2)) != NULL) {
            bad += fx_check_room(ns, sio_map_data(node, sio_room_t, node));
            rooms++;
        }

        c2 = 0;
        s2 = NULL;

        while ((node = sio_map_next(&ns->sockets, &c2, &s2)) != NULL) {
            bad += fx_check_socket(ns, sio_map_data(node, sio_socket_t, node),
                                   &pending);
        }

        bad += (ns->sockets.count == 0 || ns->pending != pending
                || ns->cell != sio_namespace_count(ns));
        accepted += sio_namespace_count(ns);
    }

    bad += (rooms != fx.rooms) + (accepted != fx.enrolled);

    return bad;
}


#endif /* _SIO_FIXTURE_H_INCLUDED_ */
