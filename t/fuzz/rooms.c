/*
 * Fuzzes rooms as a stream of commands: sockets come, join, leave, are
 * selected by rooms and exceptions, end inside of selections, go.  A naive
 * model, a matrix of bits, says after each selection exactly who must have
 * been met, and how often; and the app must be consistent after each command.
 *
 * The first byte makes the zone refuse changes; the model then takes over
 * what the join itself reported.
 */


#include "../unit/sio_fixture.h"


#define NSOCKETS  16
#define NROOMS    8
#define NNAMES    (NROOMS + NSOCKETS)    /* rooms, then sids */


typedef enum {
    DO_NOTHING = 0,
    DO_LEAVE,
    DO_JOIN,
    DO_DISCONNECT,
    DO_DISCONNECT_OTHER,
    DO_ABORT
} action_e;


static fx_conn_t     *conns[NSOCKETS];
static sio_socket_t  *sockets[NSOCKETS];
static uint8_t        sids[NSOCKETS][EIO_SID_LEN];
static uint8_t        in[NSOCKETS][NROOMS];
static uint8_t        gone[NSOCKETS];     /* by an action of this selection */
static unsigned       met[NSOCKETS];
static action_e       action;
static unsigned       action_room;


static void
check(int fine)
{
    if (!fine) {
        abort();
    }
}


static const char *
room_name(unsigned n)
{
    static const char *const  names[NROOMS] = {
        "a", "b", "c", "user:d", "AAAAAAAAAAAAAAAAAAAA", "f", "g", "h"
    };

    return names[n % NROOMS];
}


static sio_str_t
name_of(unsigned n)
{
    n %= NNAMES;

    return n < NROOMS ? sio_cstr(room_name(n))
                      : sio_str(sids[n - NROOMS], EIO_SID_LEN);
}


static int
model_has(unsigned i, unsigned name)
{
    name %= NNAMES;

    return name < NROOMS ? in[i][name] : name - NROOMS == i;
}


static void
model_gone(unsigned i)
{
    sockets[i] = NULL;
    gone[i] = 1;
}


static unsigned
number(const sio_socket_t *socket)
{
    unsigned  i;

    for (i = 0; i < NSOCKETS && sockets[i] != socket; i++) {
        /* void */
    }

    check(i < NSOCKETS);

    return i;
}


static void
on_meet(sio_socket_t *socket, void *ctx)
{
    unsigned  i, other;

    i = number(socket);
    met[i]++;

    switch (action) {

    case DO_LEAVE:
        if (sio_room_leave(socket, name_of(action_room)) == SIO_OK) {
            in[i][action_room] = 0;
        }

        break;

    case DO_JOIN:
        if (sio_room_join(socket, name_of(action_room)) == SIO_OK) {
            in[i][action_room] = 1;
        }

        break;

    case DO_DISCONNECT:
        sio_socket_disconnect(socket);
        model_gone(i);
        break;

    case DO_DISCONNECT_OTHER:
        other = (i * 7 + 3) % NSOCKETS;

        if (sockets[other]) {
            sio_socket_disconnect(sockets[other]);
            model_gone(other);
        }

        break;

    case DO_ABORT:
        /* as a slow consumer's session ends in eio_session_send() */
        eio_session_abort(&conns[i]->s, EIO_REASON_SLOW_CONSUMER);
        model_gone(i);
        break;

    default:
        break;
    }
}


static void
do_connect(unsigned i)
{
    if (conns[i] && !fx_live(conns[i])) {
        fx_close(conns[i]);
        conns[i] = NULL;
    }

    if (conns[i] == NULL) {
        conns[i] = fx_open();
    }

    if (sockets[i]) {
        return;
    }

    fx_text(conns[i], "40");
    (void) fx_take(conns[i]);
    sockets[i] = fx_socket(conns[i], "/");
    memset(in[i], 0, NROOMS);

    if (sockets[i]) {
        memcpy(sids[i], sockets[i]->sid, EIO_SID_LEN);
    }
}


static void
do_join(unsigned i, unsigned room)
{
    int  rc;

    if (sockets[i] == NULL) {
        return;
    }

    rc = sio_room_join(sockets[i], name_of(room));
    check(rc == SIO_OK || (rc == SIO_DECLINED && fx.refuse_after == 0));

    if (rc == SIO_OK) {
        in[i][room % NROOMS] = 1;
    }
}


static void
do_leave(unsigned i, unsigned room)
{
    if (sockets[i]) {
        check(sio_room_leave(sockets[i], name_of(room))
              == (in[i][room % NROOMS] ? SIO_OK : SIO_DECLINED));
        in[i][room % NROOMS] = 0;
    }
}


/* Masks of rooms; the high bits of from add a sid to either side. */

static unsigned
names_of(uint8_t mask, uint8_t sid, unsigned *names, sio_str_t *text)
{
    unsigned  n, i;

    n = 0;

    for (i = 0; i < NROOMS; i++) {
        if (mask & (1u << i)) {
            names[n++] = i;
        }
    }

    if (sid & 0x80) {
        names[n++] = NROOMS + sid % NSOCKETS;
    }

    for (i = 0; i < n; i++) {
        text[i] = name_of(names[i]);
    }

    return n;
}


static void
do_select(const uint8_t *arg)
{
    unsigned          i, n, all, to[NROOMS + 1], except[NROOMS + 1];
    unsigned          want[NSOCKETS];
    sio_str_t         to_text[NROOMS + 1], except_text[NROOMS + 1];
    sio_target_t      target;
    sio_namespace_t  *ns;

    target.nrooms = names_of(arg[0], arg[1], to, to_text);
    target.rooms = to_text;
    target.nexcept = names_of(arg[2], arg[3], except, except_text);
    target.except = except_text;

    action = (action_e) (arg[4] % 8);
    action_room = (arg[4] >> 4) % NROOMS;

    all = 0;

    for (i = 0; i < NSOCKETS; i++) {
        want[i] = (target.nrooms == 0);

        for (n = 0; n < target.nrooms; n++) {
            want[i] |= (unsigned) model_has(i, to[n]);
        }

        for (n = 0; n < target.nexcept; n++) {
            want[i] &= !model_has(i, except[n]);
        }

        want[i] &= (sockets[i] != NULL);
        all += want[i];
    }

    memset(met, 0, sizeof(met));
    memset(gone, 0, sizeof(gone));

    ns = fx_namespace("/");
    n = ns ? sio_namespace_select(ns, &target, on_meet, NULL) : 0;

    for (i = 0; i < NSOCKETS; i++) {

        /* one that was ended by another's turn may have been met before */

        if (action == DO_DISCONNECT_OTHER && gone[i]) {
            check(met[i] <= want[i]);

        } else if (action == DO_JOIN && want[i] == 0) {

            /* nobody joins by being met who should not have been met */
            check(met[i] == 0);

        } else {
            check(met[i] == want[i]);
        }

        n -= met[i];
    }

    check(n == 0);
    check(action == DO_DISCONNECT_OTHER || ns || all == 0);
}


static void
check_model(void)
{
    unsigned          i, room, count;
    sio_room_t       *r;
    sio_namespace_t  *ns;

    check(fx_check() == 0);

    ns = fx_namespace("/");

    for (room = 0; room < NROOMS; room++) {
        count = 0;

        for (i = 0; i < NSOCKETS; i++) {
            count += (sockets[i] && in[i][room]);
        }

        r = ns ? sio_namespace_room(ns, name_of(room)) : NULL;
        check((r ? r->count : 0) == count);

        for (i = 0; i < count; i++) {
            check(in[number(r->members[i].socket)][room]);
        }
    }
}


static void
do_end(unsigned i, unsigned how)
{
    if (sockets[i] == NULL) {
        return;
    }

    switch (how % 4) {

    case 0:
        sio_socket_disconnect(sockets[i]);
        break;

    case 1:
        fx_text(conns[i], "41");
        break;

    default:
        fx_close(conns[i]);
        conns[i] = NULL;
        break;
    }

    sockets[i] = NULL;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  i;
    uint8_t   buf[8];

    if (size == 0) {
        return 0;
    }

    memset(conns, 0, sizeof(conns));
    memset(sockets, 0, sizeof(sockets));
    memset(sids, 'B', sizeof(sids));
    memset(in, 0, sizeof(in));

    fx_quiet = 1;
    fx_init(&fx_mem);

    if (data[0] & 1) {
        fx.refuse_after = data[0];
    }

    if (data[0] & 2) {
        fx.app.mark = UINT32_MAX - 3;
    }

    for (data++, size--; size; ) {
        memset(buf, 0, sizeof(buf));
        memcpy(buf, data, size < 6 ? size : 6);

        i = buf[0] % NSOCKETS;

        switch (buf[0] / NSOCKETS % 8) {

        case 0:
        case 1:
            do_connect(i);
            break;

        case 2:
        case 3:
        case 4:
            do_join(i, buf[1] % NROOMS);
            break;

        case 5:
            do_leave(i, buf[1] % NROOMS);
            break;

        case 6:
            do_end(i, buf[1]);
            break;

        default:
            do_select(buf + 1);
            data += size < 6 ? size - 1 : 4;
            size = size < 6 ? 1 : size - 4;
            break;
        }

        check_model();

        data += size < 2 ? size : 2;
        size -= size < 2 ? size : 2;
    }

    for (i = 0; i < NSOCKETS; i++) {
        if (conns[i]) {
            fx_close(conns[i]);
        }
    }

    check(fx_check() == 0 && fx.app.namespaces.count == 0);
    fx_cleanup();

    return 0;
}
