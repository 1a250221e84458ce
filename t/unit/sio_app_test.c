/*
 * Unit tests of sio_app: who is selected, and that a selection survives what
 * is done inside of it.
 */


#include "unit.h"
#include "sio_fixture.h"


#define NCONNS  12


static fx_conn_t     *conns[NCONNS];
static sio_socket_t  *sockets[NCONNS];
static unsigned       met[NCONNS];
static eio_msg_t     *message;


/* i is in "all", "mod 0" .. "mod 2", and "five" if it is below five. */

static void
begin(void)
{
    char      name[16];
    unsigned  i;

    fx_init(&unit_mem);

    for (i = 0; i < NCONNS; i++) {
        conns[i] = fx_open();
        fx_text(conns[i], "40");
        (void) fx_take(conns[i]);
        sockets[i] = fx_socket(conns[i], "/");

        snprintf(name, sizeof(name), "mod %u", i % 3);
        (void) sio_room_join(sockets[i], sio_cstr("all"));
        (void) sio_room_join(sockets[i], sio_cstr(name));

        if (i < 5) {
            (void) sio_room_join(sockets[i], sio_cstr("five"));
        }
    }

    memset(met, 0, sizeof(met));
    (void) fx_log_take();
}


static void
end(const char *what)
{
    unsigned  i;

    for (i = 0; i < NCONNS; i++) {
        fx_close(conns[i]);
    }

    is_int(fx_check(), 0, "%s: all is consistent", what);
    fx_cleanup();
    unit_mem_none_left("%s: all memory is given back", what);
}


static unsigned
number(sio_socket_t *socket)
{
    unsigned  i;

    for (i = 0; i < NCONNS && sockets[i] != socket; i++) {
        /* void */
    }

    return i;
}


static void
meet(sio_socket_t *socket, void *ctx)
{
    met[number(socket)]++;
}


/* Rooms are given as "a,b", "@3" being the room of socket 3. */

static unsigned
split(const char *text, sio_str_t *rooms)
{
    size_t    len;
    unsigned  n;

    for (n = 0; *text; n++) {
        len = strcspn(text, ",");
        rooms[n] = (*text == '@') ? sio_socket_sid(sockets[atoi(text + 1)])
                                  : sio_str(text, len);
        text += len + (text[len] != '\0');
    }

    return n;
}


static void
check_target(const char *to, const char *except, const char *expected)
{
    char          got[NCONNS + 1];
    unsigned      i, n, twice, wrong;
    sio_str_t     rooms[8], excluded[8];
    sio_target_t  target;

    target.rooms = rooms;
    target.nrooms = split(to, rooms);
    target.except = excluded;
    target.nexcept = split(except, excluded);

    memset(met, 0, sizeof(met));
    memset(got, 0, sizeof(got));
    n = sio_namespace_select(fx_namespace("/"), &target, meet, NULL);
    twice = 0;
    wrong = 0;

    for (i = 0; i < NCONNS; i++) {
        n -= met[i];
        twice += met[i] > 1;
        got[i] = met[i] ? 'x' : '.';
    }

    is_str(sio_cstr(got), expected, "to <%s> except <%s>", to, except);
    is_int(twice + wrong + n, 0, "each once, and matched alike");
}


static void
test_targets(void)
{
    unsigned  i;

    begin();

    check_target("", "", "xxxxxxxxxxxx");
    check_target("all", "", "xxxxxxxxxxxx");
    check_target("five", "", "xxxxx.......");
    check_target("mod 0", "", "x..x..x..x..");
    check_target("mod 0,five", "", "xxxxx.x..x..");
    check_target("five,mod 0,five", "", "xxxxx.x..x..");
    check_target("nobody", "", "............");
    check_target("nobody,five", "nobody", "xxxxx.......");
    check_target("", "five", ".....xxxxxxx");
    check_target("all", "@3", "xxx.xxxxxxxx");
    check_target("mod 0,five", "mod 1,@0", "..xx..x..x..");
    check_target("@3", "", "...x........");
    check_target("@3,@3,@4", "", "...xx.......");
    check_target("@3,mod 1", "@4", ".x.x...x..x.");
    check_target("@3", "five", "............");
    check_target("AAAAAAAAAAAAAAAAAAAA", "", "............");

    fx.app.mark = UINT32_MAX - 1;

    for (i = 0; i < NCONNS; i++) {
        sockets[i]->mark = 1 + i % 2;
    }

    check_target("mod 0,five", "mod 1,@0", "..xx..x..x..");
    check_target("all", "@0", ".xxxxxxxxxxx");
    check_target("all", "@0", ".xxxxxxxxxxx");
    ok(fx.app.mark < 4, "the mark went around");

    end("targets");
}


static void
send(sio_socket_t *socket, void *ctx)
{
    met[number(socket)]++;
    (void) sio_socket_send(socket, message);
}


/* What ops->disconnect may do: emit to the room that is being left. */

static void
say_goodbye(sio_socket_t *socket, sio_str_t reason)
{
    sio_str_t     rooms[1], except[1];
    sio_target_t  target;

    rooms[0] = sio_cstr("all");
    except[0] = sio_socket_sid(socket);

    target.rooms = rooms;
    target.nrooms = 1;
    target.except = except;
    target.nexcept = 1;

    (void) sio_namespace_select(socket->ns, &target, send, NULL);
}


/* Every session but those of 3 and 7 is slow, and closes while it is sent to.*/

static void
test_slow(void)
{
    unsigned      i, n, live;
    sio_target_t  target;

    begin();
    memset(&target, 0, sizeof(target));
    message = fx_msg("42[\"a message that does not fit\"]");
    fx.options.buffer = 2 * message->len;
    fx.disconnect = say_goodbye;
    live = 0;
    n = 0;

    for (i = 0; i < 5; i++) {
        (void) fx_take(conns[3]);
        (void) fx_take(conns[7]);

        if (fx_namespace("/")) {
            n += sio_namespace_select(fx_namespace("/"), &target, send, NULL);
        }

        is_int(fx_check(), 0, "selection %u leaves all consistent", i);
    }

    for (i = 0; i < NCONNS; i++) {
        live += fx_live(conns[i]);
    }

    is_int(live, 0, "farewells of the others closed these two as well");
    ok(n >= 2 * NCONNS, "all were sent to");
    ok(fx_namespace("/") == NULL, "the namespace is gone");

    eio_msg_unref(fx.mem, message);
    end("slow");
}


static void
disconnect_it(sio_socket_t *socket, void *ctx)
{
    met[number(socket)]++;
    sio_socket_disconnect(socket);
}


static void
disconnect_next(sio_socket_t *socket, void *ctx)
{
    unsigned  n;

    n = number(socket);
    met[n]++;
    sio_socket_disconnect(sockets[(n + 1) % NCONNS]);
}


static void
leave_it(sio_socket_t *socket, void *ctx)
{
    met[number(socket)]++;
    (void) sio_room_leave(socket, sio_cstr("all"));
    (void) sio_room_join(socket, sio_cstr("left"));
}


static void
rejoin_it(sio_socket_t *socket, void *ctx)
{
    met[number(socket)]++;
    (void) sio_room_leave(socket, sio_cstr("all"));
    (void) sio_room_join(socket, sio_cstr("all"));
}


static unsigned
select_all(sio_target_pt fn)
{
    sio_str_t     rooms[1];
    sio_target_t  target;

    memset(&target, 0, sizeof(target));
    rooms[0] = sio_cstr("all");
    target.rooms = rooms;
    target.nrooms = 1;
    memset(met, 0, sizeof(met));

    return sio_namespace_select(fx_namespace("/"), &target, fn, NULL);
}


static void
test_inside(void)
{
    unsigned     i, once;
    sio_room_t  *room;

    begin();
    is_int(select_all(leave_it), NCONNS, "all leave, one by one");
    is_int(fx_check(), 0, "which is consistent");
    ok(sio_namespace_room(fx_namespace("/"), sio_cstr("all")) == NULL,
       "the room is gone");
    room = sio_namespace_room(fx_namespace("/"), sio_cstr("left"));
    is_int(room ? room->count : 0, NCONNS, "all are in the other one");
    end("leaving");

    begin();
    is_int(select_all(rejoin_it), NCONNS, "all leave and come again");

    for (i = 0, once = 0; i < NCONNS; i++) {
        once += met[i] == 1;
    }

    is_int(once, NCONNS, "each was met once");
    is_int(fx_check(), 0, "which is consistent");
    end("coming again");

    begin();
    is_int(select_all(disconnect_it), NCONNS, "all are disconnected");
    ok(fx_namespace("/") == NULL, "the namespace is gone");
    ok(fx_live(conns[0]), "the sessions are not");
    end("disconnecting");

    begin();
    i = select_all(disconnect_next);
    ok(i >= NCONNS / 2 && i < NCONNS,
       "who is ended meanwhile is not met any more");
    is_int(fx_check(), 0, "which is consistent");
    end("disconnecting others");

    begin();
    sio_app_enter(&fx.app);
    sio_socket_disconnect(sockets[0]);
    ok(sio_namespace_socket(fx_namespace("/"), sio_socket_sid(sockets[0]))
       == NULL, "a socket that is leaving is not found");
    check_target("five", "", ".xxxx.......");
    check_target("all", "@0", ".xxxxxxxxxxx");
    is_int(sio_room_join(sockets[0], sio_cstr("x")), SIO_DECLINED,
           "and joins no room");
    message = fx_msg("42[\"late\"]");
    is_int(sio_socket_send(sockets[0], message), SIO_ERROR,
           "nothing is sent to it");
    eio_msg_unref(fx.mem, message);
    fx_is(fx_take(conns[0]), "41", "its last packet");
    fx_is(fx_log_take(), "", "its end is not told yet");
    sio_app_leave(&fx.app);
    fx_is(fx_log_take(),
          "disconnect / server namespace disconnect rooms=3;",
          "but at the end of the bracket");
    end("bracket");
}


static void
test_lookup(void)
{
    fx_conn_t  *conn;

    begin();

    ok(sio_namespace_socket(fx_namespace("/"), sio_socket_sid(sockets[4]))
       == sockets[4], "a socket is found by its sid");
    ok(sio_namespace_socket(fx_namespace("/"), sio_cstr("x")) == NULL,
       "not by another");
    ok(fx_namespace("/n") == NULL, "a namespace nobody joined");
    is_int(fx_namespace("/")->cell, NCONNS, "the count was told");

    conn = fx_open();
    fx_text(conn, "40/n");
    ok(fx_namespace("/n") && fx_namespace("/n")->conf == &fx,
       "a namespace keeps its configuration");
    is_str(sio_namespace_name(fx_namespace("/n")), "/n", "and its name");
    fx_close(conn);
    ok(fx_namespace("/n") == NULL, "it goes away");

    end("lookup");
}


/* A socket takes the id it had before, and the rooms with their positions. */

static int
adopts(sio_socket_t *socket, sio_str_t auth, sio_buf_t *error)
{
    fx.app.position = 5;
    (void) sio_room_join(socket, sio_cstr("r"));

    return sio_socket_adopt(socket, sio_cstr("old-id-of-20-letters")) == SIO_OK
           ? SIO_OK : SIO_ERROR;
}


static void
test_adopt(void)
{
    uint32_t       since;
    fx_conn_t     *first, *second;
    sio_socket_t  *socket;

    fx_init(&unit_mem);
    fx.connect = adopts;

    first = fx_open();
    (void) fx_take(first);
    fx_text(first, "40");
    fx_is(fx_take(first), "40{\"sid\":\"old-id-of-20-letters\"}", "adopted");

    socket = sio_client_socket(&first->c, sio_cstr("/"));
    ok(sio_namespace_socket(socket->ns, sio_cstr("old-id-of-20-letters"))
       == socket, "found by it");

    since = 0;
    is_int(sio_room_since(socket, sio_cstr("r"), &since), SIO_OK, "a room");
    is_int(since, 5, "since then");
    sio_room_set_since(socket, sio_cstr("r"), 3);
    (void) sio_room_since(socket, sio_cstr("r"), &since);
    is_int(since, 3, "since before");
    sio_room_set_since(socket, sio_cstr("none"), 3);
    is_int(sio_room_since(socket, sio_cstr("none"), &since), SIO_DECLINED,
           "not in it");
    is_int(sio_socket_adopt(socket, sio_cstr("short")), SIO_DECLINED,
           "no id");

    second = fx_open();
    (void) fx_take(second);
    fx_text(second, "40");
    fx_is(fx_take(second), "44{\"message\":\"Forbidden\"}", "it is taken");

    fx_close(first);
    fx_close(second);
    fx_cleanup();
}


int
main(void)
{
    unit_plan();

    test_lookup();
    test_targets();
    test_inside();
    test_slow();

    test_adopt();

    return unit_done();
}
