/*
 * What a socket was: all of it is a copy, and freed.
 */


#include "unit.h"
#include "sio_fixture.h"
#include "logic/sio_snapshot.h"


static sio_socket_t *bob(fx_conn_t **conn);
static void test_copy(void);
static void test_memory(void);


int
main(void)
{
    unit_plan();

    test_copy();
    test_memory();

    return unit_done();
}


static sio_socket_t *
bob(fx_conn_t **conn)
{
    sio_socket_t   *socket;
    sio_claimed_t   claimed;

    *conn = fx_open();
    fx_text(*conn, "40{\"token\":\"t\"}");

    socket = fx_socket(*conn, "/");

    claimed.user = sio_cstr("bob");
    claimed.claims = sio_cstr("{\"role\":\"x\"}");
    claimed.expires = 0;

    (void) sio_socket_identify(socket, &claimed);
    (void) sio_socket_set(socket, sio_cstr("a"), sio_cstr("[1]"));
    (void) sio_socket_set(socket, sio_cstr("b"), sio_cstr("\"two\""));
    (void) sio_room_join(socket, sio_cstr("lobby"));

    return socket;
}


static void
test_copy(void)
{
    uint8_t          sid[EIO_SID_LEN];
    fx_conn_t       *conn;
    sio_str_t        value;
    sio_socket_t    *socket;
    sio_claimed_t    claimed;
    sio_snapshot_t  *was;

    fx_init(&unit_mem);

    socket = bob(&conn);
    memcpy(sid, socket->sid, EIO_SID_LEN);

    was = sio_snapshot_create(&unit_mem, socket);

    fx_close(conn);

    is_mem(was->socket.sid, EIO_SID_LEN, sid, EIO_SID_LEN, "the id");
    is_str(sio_socket_user(&was->socket), "bob", "the user");
    is_str(sio_socket_auth(&was->socket), "{\"token\":\"t\"}",
           "the payload of CONNECT");

    sio_identity_claimed(was->socket.identity, &claimed);
    is_str(claimed.claims, "{\"role\":\"x\"}", "the claims");

    is_int(sio_socket_get(&was->socket, sio_cstr("a"), &value), SIO_OK,
           "a stored value");
    is_str(value, "[1]", "as it was");
    is_int(sio_socket_get(&was->socket, sio_cstr("b"), &value), SIO_OK,
           "another one");
    is_str(value, "\"two\"", "as it was, too");
    is_int(sio_socket_get(&was->socket, sio_cstr("c"), &value), SIO_DECLINED,
           "and no more");

    is_int(sio_room_has(&was->socket, sio_cstr("lobby")), 0,
           "it is in no room");
    is_int(sio_socket_send(&was->socket, NULL), SIO_ERROR,
           "nothing is sent to it");

    sio_snapshot_free(&unit_mem, was);
    sio_snapshot_free(&unit_mem, NULL);

    fx_cleanup();
    unit_mem_none_left("all of it is freed");
}


static void
test_memory(void)
{
    unsigned         n, failed;
    fx_conn_t       *conn;
    sio_socket_t    *socket;
    sio_captured_t  *captured;
    sio_snapshot_t  *was;

    fx_init(&unit_mem);
    socket = bob(&conn);

    captured = sio_alloc(&unit_mem, sizeof(sio_captured_t)
                                    + 3 * sizeof(sio_str_t));
    captured->n = 3;
    captured->value[0] = sio_cstr("127.0.0.1");
    captured->value[1] = sio_str(NULL, 0);
    captured->value[2] = sio_cstr("x");
    socket->client->captured = captured;

    failed = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        was = sio_snapshot_create(&unit_mem, socket);

        if (was == NULL) {
            failed++;
            continue;
        }

        is_str(was->client.captured->value[0], "127.0.0.1", "captured");
        ok(was->client.captured->value[1].data == NULL, "there was none");
        is_str(was->client.captured->value[2], "x", "captured, too");
        sio_snapshot_free(&unit_mem, was);
    }

    is_int(failed, 6, "each allocation may fail");

    fx_close(conn);
    fx_cleanup();
    unit_mem_none_left("nothing leaks");
}
