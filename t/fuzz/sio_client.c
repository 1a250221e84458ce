/*
 * Fuzzes clients: whatever engine messages arrive, and whatever the upper
 * floors do in between, no allocation being sure to succeed.
 *
 * The input is a list of commands, ended by 0xff each: a letter (in upper
 * case for the second of two clients), and its data.
 *
 *     t, b  a text or binary message      o  a new session
 *     m     move: pack, forget, unpack    e  the timer fires
 *     a, r  accept or refuse the socket that waits in "/"
 *     s, d  send to the socket in "/", disconnect it
 *     f, z  the n-th allocation from now fails; the zone is full after n
 *
 * What an event does to the world follows from its name.
 */


#include "codec/sio_event.h"

#include "../unit/sio_fixture.h"


#define NCLIENTS  2


static fx_conn_t  *clients[NCLIENTS];
static unsigned    fail_in;
static long        live;


static void
check(int fine)
{
    if (!fine) {
        abort();
    }
}


static void *
fuzz_alloc(void *ctx, size_t size)
{
    if (fail_in && --fail_in == 0) {
        return NULL;
    }

    live++;

    return malloc(size);
}


static void
fuzz_free(void *ctx, void *p)
{
    live--;
    free(p);
}


static const sio_mem_t  fuzz_mem = { fuzz_alloc, fuzz_free, NULL };


static void
check_json(sio_str_t data, sio_json_e type)
{
    sio_str_t        value;
    sio_json_info_t  info;

    check(sio_json_validate(data, &fx.limits.packet.json, &info, &value)
          == SIO_OK);
    check(sio_json_type(value) == type);
}


static void
send(sio_socket_t *socket, void *ctx)
{
    eio_msg_t  *msg;

    check(!socket->leaving);

    msg = fx_msg("42[\"something that is sent to whom it may concern\"]");

    if (msg) {
        (void) sio_socket_send(socket, msg);
        eio_msg_unref(fx.mem, msg);
    }
}


static int
on_connect(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    sio_target_t  all;

    memset(&all, 0, sizeof(all));
    check(!socket->accepted && !socket->leaving);

    if (auth.len == 0) {
        return SIO_OK;
    }

    check_json(auth, SIO_JSON_OBJECT);

    switch (auth.len % 6) {

    case 0:
        return SIO_AGAIN;

    case 1:
        return SIO_ERROR;

    case 2:
        (void) sio_room_join(socket, sio_cstr("lobby"));
        (void) fx_identify(socket, sio_cstr("ann"));
        (void) sio_namespace_select(socket->ns, &all, send, NULL);
        return SIO_OK;

    case 3:
        sio_socket_accept(socket);
        return SIO_OK;

    case 4:
        sio_socket_disconnect(socket);
        return SIO_AGAIN;

    default:
        return SIO_OK;
    }
}


static void
on_event(sio_socket_t *socket, const sio_packet_t *pkt,
    const sio_binary_t *attachments)
{
    sio_event_t   event;
    sio_target_t  all;

    check(socket->accepted && !socket->leaving);
    check(sio_str_eq(pkt->nsp, sio_namespace_name(socket->ns)));
    check((attachments ? attachments->n : 0) == pkt->attachments);
    check(socket->client->session->state == EIO_STATE_OPEN);
    check_json(pkt->data, SIO_JSON_ARRAY);

    memset(&all, 0, sizeof(all));
    sio_event_parse(pkt->data, &event);

    switch (event.name.len > 1 ? event.name.data[1] : 0) {

    case 'j':
        (void) sio_room_join(socket, event.name);
        (void) sio_room_join(socket, sio_cstr("lobby"));
        break;

    case 'l':
        (void) sio_room_leave(socket, sio_cstr("lobby"));
        break;

    case 'u':
        (void) fx_identify(socket, event.name);
        break;

    case 'v':
        (void) sio_socket_set(socket, event.name, event.args);
        break;

    case 'e':
        (void) sio_namespace_select(socket->ns, &all, send, NULL);
        break;

    case 'd':
        sio_socket_disconnect(socket);
        break;

    case 'x':
        if (clients[0]) {
            eio_session_abort(&clients[0]->s, EIO_REASON_SLOW_CONSUMER);
        }

        break;

    default:
        break;
    }

    check(socket->ns->app == &fx.app);
}


static void
on_disconnect(sio_socket_t *socket, sio_str_t reason)
{
    sio_target_t  all;

    memset(&all, 0, sizeof(all));
    check(reason.len > 0);
    check(sio_socket_send(socket, NULL) == SIO_ERROR);

    (void) sio_namespace_select(socket->ns, &all, send, NULL);
}


static void
do_open(unsigned n)
{
    if (clients[n]) {
        fx_close(clients[n]);
    }

    clients[n] = fx_open();
}


static void
do_move(unsigned n)
{
    int                 rc;
    uint8_t             type;
    fx_conn_t          *conn;
    sio_buf_t           buf;
    sio_wire_t          r;
    sio_wire_writer_t   w;

    if (!sio_record_movable(&clients[n]->c)) {
        return;
    }

    sio_buf_init(&buf, &fx_mem, 1 << 20);
    sio_wire_begin(&w, &buf, 1);
    sio_record_pack(&clients[n]->s, &clients[n]->c, &w, fx.now);
    check(sio_wire_end(&w) == SIO_OK);

    sio_record_forget(&clients[n]->s, &clients[n]->c);
    fx_free(clients[n]);

    conn = fx_new();
    clients[n] = conn;

    check(sio_wire_open(&r, buf.data, buf.len, &type) == SIO_OK);
    rc = sio_record_unpack(&conn->s, &conn->c, &r, fx.now);

    if (rc == SIO_OK) {
        check(sio_wire_done(&r) == SIO_OK);
        check(conn->s.state == EIO_STATE_OPEN);

    } else {
        check(conn->s.state == EIO_STATE_CLOSED && conn->c.sockets == NULL);
    }

    sio_buf_free(&buf);
}


static void
do_socket(uint8_t command, sio_socket_t *socket)
{
    if (socket == NULL) {
        return;
    }

    switch (command) {

    case 'a':
        sio_socket_accept(socket);
        break;

    case 'r':
        sio_socket_refuse(socket, sio_cstr("{\"message\":\"no\"}"));
        break;

    case 's':
        send(socket, NULL);
        break;

    default:
        sio_socket_disconnect(socket);
        break;
    }
}


static void
do_command(uint8_t command, sio_str_t data)
{
    unsigned    n;
    fx_conn_t  *conn;

    n = (command >= 'A' && command <= 'Z');
    command |= 0x20;
    conn = clients[n];

    if (conn == NULL || command == 'o') {
        do_open(n);
        return;
    }

    switch (command) {

    case 't':
    case 'b':
        fx_message(conn, command == 'b', data);
        break;

    case 'm':
        do_move(n);
        break;

    case 'e':
        fx.now += 10000;
        eio_session_expire(&conn->s, fx.now);
        break;

    case 'f':
        fail_in = data.len ? data.data[0] : 0;
        break;

    case 'z':
        fx.refuse_after = data.len ? data.data[0] : FX_REFUSE;
        break;

    case 'a':
    case 'r':
    case 's':
    case 'd':
        do_socket(command, fx_socket(conn, "/"));
        break;

    default:
        (void) fx_take(conn);
        break;
    }
}


static void
check_clients(void)
{
    unsigned    n;
    fx_conn_t  *conn;

    check(fx_check() == 0);

    for (n = 0; n < NCLIENTS; n++) {
        conn = clients[n];

        if (conn == NULL) {
            continue;
        }

        if (conn->s.state == EIO_STATE_OPEN) {
            check(conn->c.nsockets <= fx.limits.max_namespaces);

        } else {
            check(conn->c.sockets == NULL && conn->c.pending == NULL);
            check(conn->c.nsockets == 0);
        }
    }
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    unsigned        n;
    uint8_t        *copy;
    const uint8_t  *p;

    memset(clients, 0, sizeof(clients));
    fail_in = 0;
    live = 0;
    fx_quiet = 1;

    fx_init(&fuzz_mem);
    fx.connect = on_connect;
    fx.event = on_event;
    fx.disconnect = on_disconnect;
    fx.options.buffer = 1000;

    while (size) {
        p = memchr(data, 0xff, size);
        len = p ? (size_t) (p - data) : size;

        if (len) {
            /* a block of its own: one byte too far is seen */
            copy = malloc(len);
            memcpy(copy, data, len);
            do_command(copy[0], sio_str(copy + 1, len - 1));
            free(copy);
            check_clients();
        }

        len += (p != NULL);
        data += len;
        size -= len;
    }

    fail_in = 0;

    for (n = 0; n < NCLIENTS; n++) {
        if (clients[n]) {
            fx_close(clients[n]);
        }
    }

    check(fx_check() == 0 && fx.app.namespaces.count == 0);
    fx_cleanup();
    check(live == 0);

    return 0;
}
