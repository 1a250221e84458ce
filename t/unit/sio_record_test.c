/*
 * Unit tests of sio_record: a session that moves is the same afterwards, and
 * a damaged record harms nobody.
 */


#include "unit.h"
#include "sio_fixture.h"


#define TYPE  9


static fx_conn_t *
make(void)
{
    fx_conn_t       *conn;
    eio_msg_t       *msg;
    sio_claimed_t    claimed;
    sio_socket_t    *socket;
    sio_captured_t  *captured;

    conn = fx_open();
    memcpy(conn->s.sid, "a session id of 20..", EIO_SID_LEN);

    fx_text(conn, "40{\"token\":\"t\"}");
    fx_text(conn, "40/n");
    (void) fx_take(conn);

    socket = fx_socket(conn, "/");
    claimed.user = sio_cstr("ann");
    claimed.claims = sio_cstr("{\"role\":\"teacher\"}");
    claimed.expires = 1795255200000ull;
    (void) sio_socket_identify(socket, &claimed);
    (void) sio_room_join(socket, sio_cstr("lobby"));
    (void) sio_room_join(socket, sio_cstr("room 2"));
    (void) sio_socket_set(socket, sio_cstr("a"), sio_cstr("1"));
    (void) sio_socket_set(socket, sio_cstr("b"), sio_cstr("{\"x\":[]}"));

    msg = fx_msg("42[\"kept\"]");
    (void) sio_socket_send(socket, msg);
    eio_msg_unref(fx.mem, msg);

    msg = fx_msg("42[\"may go\"]");
    msg->volatile_ = 1;
    (void) sio_socket_send(socket, msg);
    eio_msg_unref(fx.mem, msg);

    fx_text(conn, "452-/n,[\"c\",{\"_placeholder\":true,\"num\":0},"
                  "{\"_placeholder\":true,\"num\":1}]");
    fx_message(conn, 1, sio_cstr("one"));

    captured = unit_mem_alloc(&unit_mem_ctx,
                              sizeof(sio_captured_t) + 2 * sizeof(sio_str_t));
    captured->n = 2;
    captured->value[0] = sio_cstr("127.0.0.1");
    captured->value[1] = sio_str(NULL, 0);
    conn->c.captured = captured;

    conn->c.meter = unit_mem_alloc(&unit_mem_ctx, sizeof(sio_meter_t));
    memset(conn->c.meter, 0, sizeof(sio_meter_t));
    conn->c.meter->bucket[SIO_METER_PACKETS].excess = 7000;
    conn->c.meter->bucket[SIO_METER_PACKETS].last = fx.now - 30;

    conn->s.waiting_pong = 1;
    conn->s.proving = 1;
    conn->c.dry_run = 1;
    conn->s.marked = 3;
    conn->s.arrived = 254;
    conn->s.beat = 2;
    conn->s.dropped = 3;

    return conn;
}


static sio_str_t
pack(fx_conn_t *conn, sio_buf_t *buf)
{
    sio_wire_writer_t  w;

    sio_buf_init(buf, &fx_mem, 1 << 20);
    sio_wire_begin(&w, buf, TYPE);
    sio_record_pack(&conn->s, &conn->c, &w, fx.now);
    (void) sio_wire_end(&w);

    return sio_buf_str(buf);
}


static int
unpack(fx_conn_t *conn, sio_str_t record)
{
    int         rc;
    uint8_t     type;
    sio_wire_t  r;

    if (sio_wire_open(&r, record.data, record.len, &type) != SIO_OK) {
        return SIO_ERROR;
    }

    rc = sio_record_unpack(&conn->s, &conn->c, &r, fx.now);

    return rc == SIO_OK ? sio_wire_done(&r) : rc;
}


/* Open in make()'s terms: two sockets, rooms, output. */

static void
check_same(fx_conn_t *conn, const char *sid)
{
    sio_str_t      value;
    sio_claimed_t  claimed;
    sio_socket_t  *socket;

    is_int(conn->s.state, EIO_STATE_OPEN, "it is open");
    is_int(conn->s.transport, EIO_WEBSOCKET, "by its transport");
    is_mem(conn->s.sid, EIO_SID_LEN, "a session id of 20..", EIO_SID_LEN,
           "its id");
    is_int(conn->s.heartbeat, fx.now + 24000, "its deadline is as far away");
    is_int(conn->s.timer.due, conn->s.heartbeat, "and set");
    ok(conn->s.waiting_pong && !conn->s.pong_extended, "a pong is due");
    ok(conn->s.proving && conn->s.marked == 3 && conn->s.arrived == 254
       && conn->s.beat == 2, "marks are counted on");
    is_int(conn->s.dropped, 3, "three messages were dropped");
    is_int(conn->s.timeout, 0, "it need not connect any more");
    ok(conn->c.connected, "it has");
    ok(conn->c.dry_run, "its rules run dry");

    socket = fx_socket(conn, "/");
    is_str(sio_socket_sid(socket), sid, "the socket's id");
    sio_identity_claimed(socket->identity, &claimed);
    is_str(claimed.user, "ann", "its user");
    is_str(claimed.claims, "{\"role\":\"teacher\"}", "the user's claims");
    is_int(claimed.expires, 1795255200000ull, "and when they end");
    is_str(sio_socket_auth(socket), "{\"token\":\"t\"}", "its payload");
    ok(socket->accepted, "it is accepted");
    is_int(socket->nrooms, 3, "its rooms");
    ok(sio_room_has(socket, sio_cstr("lobby"))
       && sio_room_has(socket, sio_cstr("room 2"))
       && sio_room_has(socket, sio_cstr("user:ann")), "are those");
    (void) sio_socket_get(socket, sio_cstr("b"), &value);
    is_str(value, "{\"x\":[]}", "its variables");
    ok(fx_socket(conn, "/n"), "the other socket");

    ok(conn->c.meter && conn->c.meter->bucket[0].excess == 7000
       && conn->c.meter->bucket[0].last == fx.now - 1030,
       "what it has sent counts on");

    is_int(conn->c.captured->n, 2, "captured values");
    is_str(conn->c.captured->value[0], "127.0.0.1", "the first");
    is_int(conn->c.captured->value[1].len, 0, "the second is empty");

    ok(!conn->s.out.head.msg->volatile_
       && conn->s.out.head.next->msg->volatile_, "a message is volatile");
    fx_is(fx_take(conn), "42[\"kept\"]|42[\"may go\"]", "output that waits");

    (void) fx_log_take();
    fx_message(conn, 1, sio_cstr("two"));
    ok(strstr(fx_log_take(), "<one> <two>;"), "a binary packet is completed");
}


static void
test_move(void)
{
    char        sid[EIO_SID_LEN + 1];
    fx_conn_t  *conn, *moved;
    sio_buf_t   buf, again;
    sio_str_t   record;

    fx_init(&unit_mem);
    conn = make();

    memcpy(sid, fx_socket(conn, "/")->sid, EIO_SID_LEN);
    sid[EIO_SID_LEN] = '\0';

    fx.now += 1000;
    ok(sio_record_movable(&conn->c), "it can move");
    record = pack(conn, &buf);
    (void) fx_log_take();
    sio_record_forget(&conn->s, &conn->c);
    fx_is(fx_log_take(), "", "it leaves without a word");
    is_int(fx.enrolled + fx.rooms, 0, "but nothing of it stays");
    is_int(conn->s.reason, EIO_REASON_MOVED, "it has moved");
    fx_free(conn);

    fx.now += 5000;
    moved = fx_new();
    is_int(unpack(moved, record), SIO_OK, "it comes elsewhere");
    fx_is(fx_log_take(), "", "without a word, too");
    is_int(fx_check(), 0, "all is consistent");

    (void) pack(moved, &again);
    is_int(again.len, buf.len, "packed again it has the same size");
    check_same(moved, sid);

    fx_close(moved);
    ok(strstr(fx_log_take(), "disconnect / transport close rooms=3;"),
       "its end is told");
    is_int(fx_check(), 0, "all is consistent");

    sio_buf_free(&buf);
    sio_buf_free(&again);
    fx_cleanup();
    unit_mem_none_left("move: all memory is given back");
}


static int
later(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    return SIO_AGAIN;
}


static void
test_movable(void)
{
    fx_conn_t  *conn;
    sio_buf_t   buf;

    fx_init(&unit_mem);

    conn = fx_open();
    ok(sio_record_movable(&conn->c), "one without a socket is movable");
    is_int(conn->s.timeout, fx.now + 45000, "it has to connect");
    (void) pack(conn, &buf);
    sio_record_forget(&conn->s, &conn->c);
    fx_free(conn);
    fx.now += 7;
    conn = fx_new();
    is_int(unpack(conn, sio_buf_str(&buf)), SIO_OK, "it moves");
    is_int(conn->s.timeout, fx.now + 45000, "and still has to connect");
    sio_buf_free(&buf);

    fx.connect = later;
    fx_text(conn, "40");
    ok(!sio_record_movable(&conn->c), "not while a socket waits");
    sio_socket_accept(fx_socket(conn, "/"));
    ok(sio_record_movable(&conn->c), "but afterwards");
    conn->s.out.head_sent = 1;
    ok(!sio_record_movable(&conn->c), "not while a message is sent in part");
    conn->s.out.head_sent = 0;
    conn->s.state = EIO_STATE_UPGRADING;
    ok(!sio_record_movable(&conn->c), "not while it upgrades");
    conn->s.state = EIO_STATE_OPEN;
    fx_close(conn);

    fx_cleanup();
    unit_mem_none_left("movable: all memory is given back");
}


static void
test_damaged(void)
{
    size_t      n;
    uint8_t    *copy;
    unsigned    bad, taken;
    fx_conn_t  *conn, *twin;
    sio_buf_t   buf;
    sio_str_t   record;

    fx_init(&unit_mem);
    conn = make();
    record = pack(conn, &buf);
    bad = 0;

    /* while the session lives on: its ids are in use */

    twin = fx_new();
    is_int(unpack(twin, record), SIO_ERROR, "a record of sockets in use");
    fx_free(twin);
    is_int(fx_check(), 0, "harms nobody");

    sio_record_forget(&conn->s, &conn->c);
    fx_free(conn);

    for (n = 0; n < record.len; n++) {
        copy = guard_copy(record.data, n);
        conn = fx_new();
        bad += unpack(conn, sio_str(copy, n)) == SIO_OK;
        bad += fx_check() + fx.enrolled + fx.rooms;
        fx_free(conn);
        guard_free(copy, n);
    }

    is_int(bad, 0, "every truncation is refused");

    taken = 0;

    for (n = 2; n < record.len; n++) {
        copy = guard_copy(record.data, record.len);
        copy[n] ^= (uint8_t) (1 + n % 255);
        conn = fx_new();
        taken += unpack(conn, sio_str(copy, record.len)) == SIO_OK;
        bad += fx_check();
        fx_close(conn);
        bad += fx_check() + fx.enrolled + fx.rooms;
        guard_free(copy, record.len);
    }

    is_int(bad, 0, "every changed byte is harmless");
    ok(taken > 0 && taken < record.len, "%u of %zu went unnoticed", taken,
       record.len);

    for (n = 0; n < 20; n++) {
        fx.refuse_after = (int) n;
        conn = fx_new();
        bad += unpack(conn, record) == SIO_ERROR;
        bad += fx_check();
        fx.refuse_after = FX_REFUSE;
        fx_close(conn);
        bad += fx_check() + fx.enrolled + fx.rooms;
    }

    is_int(bad, 0, "a full zone is harmless");

    sio_buf_free(&buf);
    fx_cleanup();
    unit_mem_none_left("damaged: all memory is given back");
}


/* Two sockets of one client in one namespace. */

static void
test_twice(void)
{
    size_t      n;
    fx_conn_t  *conn;
    sio_buf_t   buf;

    fx_init(&unit_mem);
    conn = fx_open();
    fx_text(conn, "40/n1");
    fx_text(conn, "40/n2");
    (void) fx_take(conn);
    (void) pack(conn, &buf);
    fx_close(conn);

    for (n = 0; n + 3 <= buf.len; n++) {
        if (memcmp(buf.data + n, "/n2", 3) == 0) {
            buf.data[n + 2] = '1';
        }
    }

    conn = fx_new();
    is_int(unpack(conn, sio_buf_str(&buf)), SIO_ERROR,
           "a namespace is joined once");
    is_int(fx_check() + fx.enrolled, 0, "nothing is left of it");
    fx_free(conn);

    sio_buf_free(&buf);
    fx_cleanup();
    unit_mem_none_left("twice: all memory is given back");
}


static void
test_no_memory(void)
{
    unsigned    n, bad;
    fx_conn_t  *conn;
    sio_buf_t   buf;
    sio_str_t   record;

    fx_init(&unit_mem);
    conn = make();
    record = pack(conn, &buf);
    fx_close(conn);
    fx_cleanup();

    bad = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        fx_init(&unit_mem);
        conn = fx_new();
        bad += unpack(conn, record) == SIO_DECLINED;
        bad += fx_check();
        fx_close(conn);
        bad += fx_check() + fx.enrolled + fx.rooms;
        fx_cleanup();
        bad += (unit_mem_ctx.live != 0);
    }

    is_int(bad, 0, "each of %u allocations fails and harms nothing", n - 1);
    ok(n > 20, "there were some");

    sio_buf_free(&buf);
}


int
main(void)
{
    unit_plan();

    test_move();
    test_movable();
    test_damaged();
    test_twice();
    test_no_memory();

    return unit_done();
}
