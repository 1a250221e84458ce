/*
 * Unit tests of sio_identity: one allocation, a deadline in it, and a socket
 * that is somebody else.
 */


#include "unit.h"
#include "sio_fixture.h"
#include "logic/sio_room.h"


#define CLAIMS  "{\"sub\":\"ann\",\"role\":\"teacher\"}"


static sio_claimed_t
claimed(const char *user, const char *claims, uint64_t expires)
{
    sio_claimed_t  c;

    c.user = sio_cstr(user);
    c.claims = sio_cstr(claims);
    c.expires = expires;

    return c;
}


static void
test_parts(void)
{
    size_t           n;
    char             user[64];
    sio_claimed_t    in, out;
    sio_identity_t  *identity;

    /* any length: the deadline is aligned */

    for (n = 1; n < sizeof(user) - 1; n++) {
        memset(user, 'u', n);
        user[n] = '\0';

        in = claimed(user, CLAIMS, 1000 + n);
        identity = sio_identity_create(&unit_mem, &in);

        if (identity == NULL) {
            ok(0, "there is memory");
            return;
        }

        sio_identity_claimed(identity, &out);

        if (!sio_str_eq(out.user, in.user)
            || !sio_str_eq(out.claims, in.claims)
            || out.expires != in.expires
            || (uintptr_t) identity->deadline % _Alignof(sio_deadline_t))
        {
            ok(0, "an identity of a user of %u bytes", (unsigned) n);
        }

        ok(!sio_identity_expired(identity, 999 + n)
           && sio_identity_expired(identity, 1000 + n),
           "it ends at its time");

        sio_free(&unit_mem, identity);
    }

    in = claimed("ann", "", 0);
    identity = sio_identity_create(&unit_mem, &in);
    ok(identity && identity->deadline == NULL, "one that never ends");
    ok(!sio_identity_expired(identity, UINT64_MAX), "has no end");
    ok(!sio_identity_expired(NULL, UINT64_MAX), "nobody has none");
    sio_free(&unit_mem, identity);

    sio_identity_claimed(NULL, &out);
    ok(out.user.len == 0 && out.claims.len == 0 && out.expires == 0,
       "nobody claims nothing");
}


static void
test_socket(void)
{
    static char     large[SIO_CLAIMS_MAX + 2];
    fx_conn_t      *conn;
    sio_claimed_t   c, out;
    sio_socket_t   *socket;

    fx_init(&unit_mem);
    conn = fx_open();
    fx_text(conn, "40");
    socket = fx_socket(conn, "/");

    is_int(sizeof(sio_socket_t), 120, "a socket is as small as it was");
    is_int(sio_socket_user(socket).len, 0, "it is nobody");

    c = claimed("ann", CLAIMS, 5000);
    is_int(sio_socket_identify(socket, &c), SIO_OK, "it is ann");
    is_str(sio_socket_user(socket), "ann", "its user");
    ok(sio_room_has(socket, sio_cstr("user:ann")), "is in the user's room");

    c = claimed("ann", "{}", 9000);
    is_int(sio_socket_identify(socket, &c), SIO_OK, "it is prolonged");
    sio_identity_claimed(socket->identity, &out);
    is_str(out.claims, "{}", "its claims");
    is_int(out.expires, 9000, "its end");
    is_int(socket->nrooms, 1, "its room");

    memset(large, ' ', sizeof(large) - 1);
    c = claimed("ann", large, 9000);
    is_int(sio_socket_identify(socket, &c), SIO_ERROR, "too many claims");
    c = claimed("", "{}", 9000);
    is_int(sio_socket_identify(socket, &c), SIO_ERROR, "no user");
    sio_identity_claimed(socket->identity, &out);
    is_str(out.user, "ann", "change nothing");

    fx_close(conn);
    fx_cleanup();
}


static void
test_no_memory(void)
{
    unsigned       n, bad;
    fx_conn_t     *conn;
    sio_claimed_t  c, out;
    sio_socket_t  *socket;

    bad = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        fx_init(&unit_mem);
        conn = fx_open();
        fx_text(conn, "40");
        socket = fx_socket(conn, "/");

        c = claimed("ann", "{}", 1000);

        if (socket && sio_socket_identify(socket, &c) == SIO_OK) {
            c = claimed("bob", CLAIMS, 2000);

            if (sio_socket_identify(socket, &c) != SIO_OK) {
                sio_identity_claimed(socket->identity, &out);
                bad += !sio_str_eq(out.user, sio_cstr("ann"));
                bad += out.expires != 1000;
                bad += !sio_room_has(socket, sio_cstr("user:ann"));
                bad += sio_room_has(socket, sio_cstr("user:bob"));
            }
        }

        fx_close(conn);
        bad += fx_check() + fx.rooms;
        fx_cleanup();
        bad += (unit_mem_ctx.live != 0);
    }

    is_int(bad, 0, "each of %u allocations fails and changes nothing", n - 1);
    ok(n > 8, "there were some");
}


int
main(void)
{
    unit_plan();

    test_parts();
    test_socket();
    test_no_memory();

    return unit_done();
}
