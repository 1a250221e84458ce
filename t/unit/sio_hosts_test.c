/*
 * Messages of hosts: there and back, every truncation, names and times that
 * are none.
 */


#include "unit.h"
#include "codec/sio_hosts.h"


#define NOW  1700000000000ULL


static sio_buf_t          message;
static sio_buf_t          items;
static sio_wire_writer_t  w;


static void
begin(void)
{
    sio_buf_reset(&items);
    sio_wire_begin(&w, &items, SIO_HOSTS_ITEMS);
}


static void
put(uint8_t type, const char *nsp, const char *user)
{
    sio_wire_put_u8(&w, type);

    if (nsp) {
        sio_wire_put_str(&w, sio_cstr(nsp));
        sio_wire_put_str(&w, sio_cstr(user));
    }
}


static void
put_grant(const char *room, uint64_t left, uint64_t stamp)
{
    put(SIO_HOSTS_GRANT, "/", "ann");
    sio_wire_put_str(&w, sio_cstr(room));
    sio_wire_put_u64(&w, left);
    sio_wire_put_u64(&w, stamp);
    sio_wire_put_u64(&w, 7);
}


static sio_str_t
end(uint64_t host, uint64_t sequence, uint32_t beat)
{
    sio_wire_writer_t  m;

    (void) sio_wire_end(&w);

    sio_buf_reset(&message);
    sio_wire_begin(&m, &message, SIO_HOSTS_MESSAGE);
    sio_wire_put_u64(&m, host);
    sio_wire_put_u32(&m, 3);
    sio_wire_put_u32(&m, 4);
    sio_wire_put_u64(&m, sequence);
    sio_wire_put_u32(&m, beat);
    sio_wire_put_u8(&m, 1);
    sio_wire_put_u64(&m, 5);
    sio_wire_put_u64(&m, 6);
    sio_wire_put_str(&m, sio_buf_str(&items));
    (void) sio_wire_end(&m);

    return sio_buf_str(&message);
}


/* What the first item is. */

static int
first(void)
{
    sio_hosts_t       m;
    sio_hosts_told_t  item;

    return sio_hosts_decode(end(1, 1, 500), &m) == SIO_OK
           ? sio_hosts_next(&m, NOW, &item) : 1;
}


static void
test_round_trip(void)
{
    int               rc, n;
    sio_str_t         s;
    sio_hosts_t       m;
    sio_hosts_told_t  item;

    begin();
    put(SIO_HOSTS_ON, "/", "ann");
    sio_wire_put_u8(&w, 1);
    put(SIO_HOSTS_OFF, "/x", "bob");
    put(SIO_HOSTS_SAID, "/", "cid");
    sio_wire_put_u8(&w, 1);
    sio_wire_put_u8(&w, 0);
    sio_wire_put_u64(&w, NOW);
    put_grant("room", 1000, NOW);
    put(SIO_HOSTS_ASK, NULL, NULL);
    put(SIO_HOSTS_BEGIN, NULL, NULL);
    put(SIO_HOSTS_END, NULL, NULL);
    put(SIO_HOSTS_GONE, NULL, NULL);
    sio_wire_put_u32(&w, 8);
    sio_wire_put_u32(&w, 9);
    put(SIO_HOSTS_BYE, NULL, NULL);
    s = end(1, 2, 500);

    is_int(sio_hosts_decode(s, &m), SIO_OK, "a message");
    ok(m.host == 1 && m.slot == 3 && m.incarnation == 4 && m.sequence == 2
       && m.beat == 500 && m.ready == 1 && m.users == 5 && m.digest == 6,
       "who tells");

    for (n = 0; (rc = sio_hosts_next(&m, NOW, &item)) == SIO_OK; n++) {
        ok(item.type == n + 1, "item %d", n + 1);

        if (item.type == SIO_HOSTS_GRANT) {
            ok(sio_str_eq(item.name[2], sio_cstr("room"))
               && item.left == 1000 && item.stamp == NOW
               && item.host == 7, "a grant");
        }

        if (item.type == SIO_HOSTS_GONE) {
            ok(item.slot == 8 && item.incarnation == 9, "a worker is gone");
        }
    }

    ok(n == 9 && rc == SIO_DONE, "all of it");
    is_int(sio_hosts_next(&m, NOW, &item), SIO_DONE, "and no more");

    for (n = 0; (size_t) n < s.len; n++) {
        if (sio_hosts_decode(sio_str(s.data, n), &m) == SIO_OK) {
            break;
        }
    }

    is_int(n, (int) s.len, "no part of it is one");
}


static void
test_refused(void)
{
    sio_hosts_t  m;
    static char  longest[SIO_ROOM_MAX + 1];

    begin();
    is_int(sio_hosts_decode(end(0, 1, 500), &m), SIO_ERROR, "no host");
    is_int(sio_hosts_decode(end(1, 0, 500), &m), SIO_ERROR, "no number");
    is_int(sio_hosts_decode(end(1, 1, 99), &m), SIO_ERROR, "a short beat");
    is_int(sio_hosts_decode(end(1, 1, 600001), &m), SIO_ERROR, "a long one");
    is_int(first(), SIO_DONE, "no items");

    memset(longest, 'x', SIO_ROOM_MAX - SIO_USER_ROOM_LEN);
    begin();
    put(SIO_HOSTS_OFF, "/", longest);
    is_int(first(), SIO_OK, "the longest user");

    memset(longest, 'x', SIO_ROOM_MAX);
    begin();
    put(SIO_HOSTS_OFF, "/", longest);
    is_int(first(), SIO_ERROR, "one that is too long");

    begin();
    put(SIO_HOSTS_OFF, "/", "\xff");
    is_int(first(), SIO_ERROR, "a user that is no text");

    begin();
    put(SIO_HOSTS_OFF, "", "ann");
    is_int(first(), SIO_ERROR, "no namespace");

    begin();
    put(99, NULL, NULL);
    is_int(first(), SIO_ERROR, "no such item");

    begin();
    put(SIO_HOSTS_GONE, NULL, NULL);
    is_int(first(), SIO_ERROR, "an item that is cut");

    begin();
    put_grant("user:bob", 1, NOW);
    is_int(first(), SIO_ERROR, "a room that nobody is granted");

    begin();
    put_grant("room", 1000, NOW + SIO_HOSTS_AHEAD);
    is_int(first(), SIO_OK, "a clock that is ahead");

    begin();
    put_grant("room", 1, UINT64_MAX);
    is_int(first(), SIO_DECLINED, "a stamp of the future");
}


int
main(void)
{
    unit_plan();

    sio_buf_init(&message, &unit_mem, SIZE_MAX);
    sio_buf_init(&items, &unit_mem, SIZE_MAX);

    test_round_trip();
    test_refused();

    sio_buf_free(&message);
    sio_buf_free(&items);

    unit_mem_none_left("nothing is left");

    return unit_done();
}
