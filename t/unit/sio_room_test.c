/*
 * Unit tests of sio_room: joining, leaving, bounds, names.
 */


#include "unit.h"
#include "sio_fixture.h"


#define NCONNS  40


static fx_conn_t     *conns[NCONNS];
static sio_socket_t  *sockets[NCONNS];


static void
connect_all(void)
{
    unsigned  i;

    for (i = 0; i < NCONNS; i++) {
        conns[i] = fx_open();
        fx_text(conns[i], "40");
        sockets[i] = fx_socket(conns[i], "/");
    }
}


static void
close_all(void)
{
    unsigned  i;

    for (i = 0; i < NCONNS; i++) {
        fx_close(conns[i]);
    }
}


static int
join(unsigned i, const char *name)
{
    return sio_room_join(sockets[i], sio_cstr(name));
}


static int
leave(unsigned i, const char *name)
{
    return sio_room_leave(sockets[i], sio_cstr(name));
}


static uint32_t
count(const char *name)
{
    sio_room_t  *room;

    room = sio_namespace_room(sockets[0]->ns, sio_cstr(name));

    return room ? room->count : 0;
}


static void
test_members(void)
{
    unsigned     i, bad;
    sio_room_t  *room;

    fx_init(&unit_mem);
    connect_all();

    is_int(leave(0, "r"), SIO_DECLINED, "leaving a room that is not");
    is_int(join(0, "r"), SIO_OK, "join");
    is_int(join(0, "r"), SIO_OK, "second join is ignored");
    is_int(count("r"), 1, "one member");
    ok(sio_room_has(sockets[0], sio_cstr("r")), "it is in it");
    ok(!sio_room_has(sockets[1], sio_cstr("r")), "another one is not");
    is_int(leave(1, "r"), SIO_DECLINED, "and can't leave it");
    is_int(leave(0, "r"), SIO_OK, "leave");
    is_int(leave(0, "r"), SIO_DECLINED, "leave again");
    is_int(fx.rooms, 0, "an empty room is gone");

    bad = 0;

    for (i = 0; i < NCONNS; i++) {
        bad += join(i, "r") != SIO_OK;
        bad += join(i, i % 2 ? "odd" : "even") != SIO_OK;
        bad += fx_check();
    }

    is_int(bad, 0, "all joined two rooms");
    is_int(count("r"), NCONNS, "all are in one");
    is_int(count("odd"), NCONNS / 2, "half of them in another");

    for (i = 0; i < NCONNS - 2; i++) {
        bad += leave(i, "r") != SIO_OK;
        bad += fx_check();
    }

    is_int(bad, 0, "all but two left");
    room = sio_namespace_room(sockets[0]->ns, sio_cstr("r"));
    ok(room && room->count == 2 && room->cap < NCONNS / 2,
       "the room became smaller");
    ok(sio_room_has(sockets[NCONNS - 1], sio_cstr("r")), "the last is in");

    close_all();
    is_int(fx_check() + fx.rooms, 0, "nothing is left");
    fx_cleanup();
    unit_mem_none_left("members: all memory is given back");
}


static void
test_bounds(void)
{
    char      name[SIO_ROOM_MAX + 2];
    unsigned  i;

    fx_init(&unit_mem);
    connect_all();

    memset(name, 'x', sizeof(name));
    name[SIO_ROOM_MAX + 1] = '\0';
    is_int(join(0, name), SIO_ERROR, "a name too long");
    name[SIO_ROOM_MAX] = '\0';
    is_int(join(0, name), SIO_OK, "a name not too long");
    is_int(join(0, ""), SIO_ERROR, "an empty name");
    is_int(join(0, "a\tb"), SIO_ERROR, "a control character");
    is_int(join(0, "a\xff"), SIO_ERROR, "not UTF-8");

    for (i = 1; i < 1000; i++) {
        snprintf(name, sizeof(name), "room %u", i);

        if (join(0, name) != SIO_OK) {
            break;
        }
    }

    is_int(i, 200, "so many rooms at most");
    is_int(join(0, name), SIO_DECLINED, "no more");
    is_int(join(0, "room 7"), SIO_OK, "but a second join is fine");
    is_int(fx_check(), 0, "all is consistent");

    is_int(sio_room_join(sockets[1], sio_socket_sid(sockets[1])), SIO_OK,
           "its own room is joined already");
    is_int(sockets[1]->nrooms, 0, "and takes no place");
    ok(sio_room_has(sockets[1], sio_socket_sid(sockets[1])),
       "it is in its own room");
    ok(!sio_room_has(sockets[1], sio_socket_sid(sockets[0])),
       "and in no other's");
    is_int(sio_room_leave(sockets[1], sio_socket_sid(sockets[1])),
           SIO_DECLINED, "it can't be left");

    fx.refuse_after = 1;
    is_int(join(1, "a"), SIO_OK, "the zone has one place");
    is_int(join(1, "b"), SIO_DECLINED, "the zone is full");
    is_int(join(2, "a"), SIO_DECLINED, "for a known room, too");
    is_int(fx_check(), 0, "nothing is changed");
    is_int(leave(1, "a"), SIO_OK, "leaving always works");

    close_all();
    fx_cleanup();
    unit_mem_none_left("bounds: all memory is given back");
}


static void
test_names(void)
{
    ok(sio_room_reserved(sio_cstr("user:ann")), "a user's room is reserved");
    ok(sio_room_reserved(sio_cstr("user:")), "user: alone");
    ok(!sio_room_reserved(sio_cstr("user")), "user is not");
    ok(!sio_room_reserved(sio_cstr("users:ann")), "users:ann is not");
    ok(sio_room_reserved(sio_cstr("abcDEF0123456789-_xy")),
       "what looks like a sid is reserved");
    ok(!sio_room_reserved(sio_cstr("abcDEF0123456789-_x")), "19 are not");
    ok(!sio_room_reserved(sio_cstr("abcDEF0123456789:_xy")),
       "other characters are not");
    ok(!sio_room_reserved(sio_str(NULL, 0)), "nothing is not");
}


static void
test_no_memory(void)
{
    char       name[16];
    unsigned   n, i, bad;
    fx_conn_t  *conn;

    bad = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        fx_init(&unit_mem);
        conn = fx_open();
        fx_text(conn, "40");
        sockets[0] = fx_socket(conn, "/");

        for (i = 0; sockets[0] && i < 20; i++) {
            snprintf(name, sizeof(name), "r%u", i % 7);

            if (i % 5 == 4) {
                bad += leave(0, name) == SIO_ERROR;

            } else {
                bad += join(0, name) == SIO_ERROR;
            }

            bad += fx_check();
        }

        fx_close(conn);
        bad += fx_check() + fx.rooms;
        fx_cleanup();
        bad += (unit_mem_ctx.live != 0);
    }

    is_int(bad, 0, "each of %u allocations fails and harms nothing", n - 1);
    ok(n > 20, "there were some");
}


int
main(void)
{
    unit_plan();

    test_members();
    test_bounds();
    test_names();
    test_no_memory();

    return unit_done();
}
