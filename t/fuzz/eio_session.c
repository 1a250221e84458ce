/*
 * A session driven as a stream of commands: packets, payloads, GETs, upgrades,
 * time, sends, allocations that fail.  After each command the invariants hold:
 *
 *   - the handler's close is called once, if open succeeded, and no message
 *     or time-out after it;
 *   - states follow one another as eio_session.h draws them, a state is
 *     reported to the carrier once, a closed session never wakes up;
 *   - a GET is answered once, and never forgotten by a session that ended;
 *   - an open session always has a deadline, never beyond the heartbeat's,
 *     and outlives it only until the next tick;
 *   - messages arrive in the order sent, each once, whatever transports carry
 *     them, none missing but volatile ones, and what is queued is bounded;
 *   - with polling a mark has arrived only when all that was sent before it
 *     had been handed out before the GET that waits or came last;
 *   - at the end nothing is left of timers and memory.
 */


#include <stdio.h>
#include <stdlib.h>

#include "logic/eio_session.h"


#define BUFFER    400
#define MESSAGES  4096               /* sent in one run, at most */

#define check(x)                                                              \
    do {                                                                      \
        if (!(x)) {                                                           \
            fprintf(stderr, "line %d: %s\n", __LINE__, #x);                   \
            abort();                                                          \
        }                                                                     \
    } while (0)


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
    long            live;            /* allocations */
    unsigned        fail;            /* countdown to one that fails */

    uint64_t        now;
    uint64_t        thawed;          /* when: deadlines that passed are met */
    sio_wheel_t     wheel;
    eio_session_t   s;
    eio_state_e     state;           /* after the last command */
    unsigned        opened;
    unsigned        closes;
    unsigned        closed[2];       /* reports of closing, closed */
    unsigned        sent;            /* number of the last message */
    unsigned        received;        /* number of the last that came */
    unsigned        confirmed;       /* of the last that a GET has proved */
    unsigned        before[256];     /* by mark: the last message before it */
    uint8_t         marked;          /* after the last command, */
    uint8_t         arrived;
    uint8_t         transport;       /* and before it */
    uint8_t         optional[MESSAGES + 1];  /* by number: may be missing */
    unsigned        outputs;
    uint8_t         act;             /* what the handler will do */
    char            gets[2];
} run_t;


static run_t  r;


static void *
run_alloc(void *ctx, size_t size)
{
    void  *p;

    if (r.fail && --r.fail == 0) {
        return NULL;
    }

    p = malloc(size ? size : 1);
    check(p != NULL);
    r.live++;

    return p;
}


static void
run_free(void *ctx, void *p)
{
    r.live--;
    free(p);
}


static const sio_mem_t  mem = { run_alloc, run_free, NULL };


static uint8_t
run_byte(void)
{
    return r.pos < r.end ? *r.pos++ : 0;
}


static sio_str_t
run_bytes(size_t len)
{
    sio_str_t  s;

    if (len > (size_t) (r.end - r.pos)) {
        len = (size_t) (r.end - r.pos);
    }

    s = sio_str(r.pos, len);
    r.pos += len;

    return s;
}


static int
run_live(void)
{
    return r.s.state == EIO_STATE_OPEN || r.s.state == EIO_STATE_UPGRADING;
}


/* A message that carries its number; every fourth is volatile. */

static void
run_send(uint8_t how)
{
    int         rc, live;
    char        text[200];
    eio_msg_t  *msg;

    if (r.sent == MESSAGES) {
        return;
    }

    memset(text, ' ', sizeof(text));
    (void) snprintf(text, sizeof(text), "4%u", r.sent + 1);

    msg = eio_msg_create(&mem, sio_str(text, 12 + how % 64), NULL);
    if (msg == NULL) {
        return;
    }

    r.sent++;
    msg->volatile_ = (how % 4 == 3);
    r.optional[r.sent] = msg->volatile_;
    live = run_live();
    rc = eio_session_send(&r.s, msg);
    eio_msg_unref(&mem, msg);

    check(live ? rc != SIO_ERROR : rc == SIO_ERROR);
    check(rc == SIO_OK || !run_live());
}


/* Ask for a proof; numbers are good for as many marks as may wait. */

static void
run_prove(void)
{
    uint8_t  mark;

    switch (eio_session_prove(&r.s, &mark)) {
    case SIO_OK:
        check(!eio_session_proved(&r.s, mark) && r.s.proving);
        break;
    case SIO_AGAIN:
        check((uint8_t) (r.s.marked - r.s.arrived) >= 64);
        break;
    default:
        check(!run_live());
    }

    check((uint8_t) (r.s.marked - r.s.arrived) <= 65);
}


static void
run_act(void)
{
    uint8_t  act;

    act = r.act;
    r.act = 0;

    switch (act & 3) {
    case 0:
        if (act & 4) {
            run_prove();
        }
        break;
    case 1:
        run_send(act);
        break;
    case 2:
        eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
        break;
    case 3:
        eio_session_set_timeout(&r.s, act & 4 ? 0 : r.now + act);
        break;
    }
}


static int
run_open(eio_session_t *s)
{
    int  rc;

    check(r.opened == 0);

    rc = (r.act % 16 == 8) ? SIO_ERROR : SIO_OK;
    run_act();

    return rc;
}


static void
run_message(eio_session_t *s, const eio_packet_t *pkt)
{
    check(r.closes == 0 && pkt->type == EIO_MESSAGE);
    run_act();
}


static void
run_pong(eio_session_t *s)
{
    check(r.closes == 0);
    run_act();
}


static void
run_timeout(eio_session_t *s)
{
    check(r.closes == 0);
    run_act();
}


static void
run_close(eio_session_t *s, eio_reason_e reason)
{
    check(r.closes == 0);
    check(reason != EIO_REASON_NONE && reason == s->reason);
    check(!run_live());
    r.closes++;
    run_act();
}


static void
run_output(eio_session_t *s)
{
    check(!s->frozen);
    r.outputs++;
}


static void
run_closed(eio_session_t *s)
{
    check(s->state == EIO_STATE_CLOSING || s->state == EIO_STATE_CLOSED);
    check(r.closed[s->state - EIO_STATE_CLOSING]++ == 0);
    check(r.closed[1] == 0 || s->state == EIO_STATE_CLOSED);
    check(r.closes == 1);
}


static const eio_handler_t  handler = {
    run_open, run_message, run_pong, run_timeout, run_close
};

static const eio_ops_t  ops = { run_output, run_closed };

static const eio_env_t  env = { &handler, &ops, &mem, &r.wheel, NULL };

static const eio_options_t  options = {
    .ping_interval = 300, .ping_timeout = 200, .max_payload = 100000,
    .max_packets = 4, .buffer = BUFFER, .polling = 1, .websocket = 1
};


/* A packet came out: numbers rise, and none is left out but volatile ones. */

static void
run_received(sio_str_t text)
{
    char      number[16];
    size_t    len;
    unsigned  n;

    if (text.len < 2 || text.data[0] != '4') {
        check(text.len && text.data[0] >= '0' && text.data[0] <= '6');
        return;
    }

    len = text.len - 1 < 12 ? text.len - 1 : 12;
    memcpy(number, text.data + 1, len);
    number[len] = '\0';

    n = (unsigned) strtoul(number, NULL, 10);
    check(n > r.received && n <= r.sent);

    while (++r.received < n) {
        check(r.optional[r.received]);
    }
}


static void
run_take(void)
{
    void           *poll, *waited;
    int             ended;
    uint8_t         closing;
    sio_buf_t       buf;
    const uint8_t  *p, *next, *end;

    waited = r.s.poll;
    ended = !run_live() && !r.s.frozen;
    closing = r.s.state;
    sio_buf_init(&buf, &mem, 100000);

    poll = eio_session_poll_take(&r.s, &buf);

    check(poll == NULL || (poll == waited && r.s.poll == NULL));
    check(poll || r.s.poll == waited);
    check(poll || buf.len == 0);
    check(!waited || !ended || poll);
    check(closing != EIO_STATE_CLOSING || !poll
          || r.s.state == EIO_STATE_CLOSED
          || sio_timer_is_set(&r.s.timer));

    if (buf.len) {
        check(eio_payload_count(sio_buf_str(&buf)) <= 16);
        end = buf.data + buf.len;

        for (p = buf.data; p <= end; p = next + 1) {
            next = memchr(p, EIO_SEPARATOR, (size_t) (end - p));
            next = next ? next : end;
            check(*p != '2' || p == buf.data);
            run_received(sio_str(p, (size_t) (next - p)));
        }
    }

    sio_buf_free(&buf);
}


/* The carrier of a WebSocket writes some; frames are whole in the queue. */

static void
run_write(uint8_t how)
{
    size_t   n, part, left;
    uint8_t  scratch[64];

    if (r.s.transport != EIO_WEBSOCKET || r.s.frozen) {
        return;
    }

    n = eio_outq_peek(&r.s.out, scratch, sizeof(scratch)).len;

    if (how & 1) {
        n = n * (how / 2) / 128;
    }

    while (n) {

        /* By messages, to look at each once, when its last byte goes. */

        left = r.s.out.head.msg->len - r.s.out.head_sent;
        part = n < left ? n : left;

        if (part == left) {
            run_received(eio_msg_text(r.s.out.head.msg));
        }

        (void) eio_outq_sent(&r.s.out, &mem, part);
        n -= part;
    }
}


static void
run_fire(sio_wheel_t *w, sio_timer_t *timer, uint64_t now)
{
    check(timer == &r.s.timer);
    check(r.s.state != EIO_STATE_CLOSED);
    eio_session_expire(&r.s, now);
}


static void
run_time(unsigned msec)
{
    uint64_t  heartbeat;
    unsigned  was, live;

    live = run_live() && !r.s.frozen;
    heartbeat = r.s.heartbeat;
    was = r.s.waiting_pong;

    r.now += msec;
    sio_wheel_run(&r.wheel, r.now, run_fire);

    if (live && r.now >= heartbeat + SIO_WHEEL_TICK
        && r.now >= r.thawed + SIO_WHEEL_TICK)
    {
        check(was ? !run_live() : (!run_live() || r.s.waiting_pong));
    }

    if (run_live() && !was && r.s.waiting_pong && r.now < heartbeat + 200) {
        check(r.s.heartbeat == heartbeat + 200);
    }

    if (live && r.now < heartbeat && was && !run_live()) {
        check(r.s.reason != EIO_REASON_PING_TIMEOUT);
    }
}


static void
run_post(void)
{
    int        rc;
    uint8_t   *copy;
    unsigned   good;
    sio_str_t  body;

    good = run_live() && r.s.transport == EIO_POLLING;
    body = run_bytes(run_byte() % 32);
    copy = malloc(body.len ? body.len : 1);
    check(copy != NULL);

    if (body.len) {
        memcpy(copy, body.data, body.len);
    }

    rc = eio_session_post(&r.s, copy, body.len, r.now);
    free(copy);

    check(good || rc == SIO_ERROR);
    check(!good || rc == SIO_OK || !run_live());
}


static void
run_packet(void)
{
    sio_str_t     body;
    eio_packet_t  pkt;

    body = run_bytes(run_byte() % 8);

    if (eio_packet_decode(body, &pkt) == SIO_OK) {
        eio_session_packet(&r.s, &pkt, r.now);
    }
}


static void
run_poll(char *get)
{
    int    rc;
    void  *waited;

    waited = r.s.poll;
    r.confirmed = waited ? r.confirmed : r.received;
    rc = eio_session_poll(&r.s, get, r.now);

    check(rc == SIO_OK ? waited == NULL && r.s.poll == get
                       : r.s.poll == waited);
    check(rc == SIO_OK || waited == NULL || !run_live()
          || r.s.transport != EIO_POLLING);
}


static void
run_upgrade(uint8_t how)
{
    switch (how % 4) {
    case 0:
        (void) eio_session_upgrade_begin(&r.s);
        break;
    case 1:
        eio_session_upgrade_probed(&r.s);
        break;
    case 2:
        if (r.s.state == EIO_STATE_UPGRADING) {
            r.confirmed = r.received;
        }
        eio_session_upgrade_complete(&r.s, &r, r.now);
        break;
    default:
        eio_session_upgrade_cancel(&r.s);
        break;
    }
}


static void
run_command(void)
{
    uint8_t  arg;

    switch (run_byte() % 16) {
    case 0:
        run_packet();
        break;
    case 1:
        run_post();
        break;
    case 2:
        run_poll(&r.gets[0]);
        break;
    case 3:
        run_poll(&r.gets[1]);
        break;
    case 4:
    case 5:
        run_take();
        break;
    case 6:
        eio_session_poll_abort(&r.s, &r.gets[run_byte() & 1]);
        break;
    case 7:
        run_upgrade(run_byte());
        break;
    case 8:
        run_time(run_byte());
        break;
    case 9:
        run_time(run_byte() * 200U);
        break;
    case 10:
        run_send(run_byte());
        break;
    case 11:
        arg = run_byte();
        r.fail = arg % 16;
        break;
    case 12:
        r.act = run_byte();
        break;
    case 13:
        run_write(run_byte());
        break;
    case 14:
        eio_session_check(&r.s, r.now);
        check(!run_live() || !r.s.waiting_pong || r.s.frozen
              || r.now < r.s.heartbeat);
        break;
    default:
        arg = run_byte();

        if (arg % 8 < 4) {
            eio_session_freeze(&r.s);
        } else if (arg % 8 < 6) {
            eio_session_thaw(&r.s);
            r.thawed = r.now;
        } else if (arg % 8 == 6) {
            eio_session_close(&r.s, EIO_REASON_FORCED_CLOSE, r.now);
        } else {
            eio_session_abort(&r.s, EIO_REASON_MOVED);
        }
    }
}


/* What is marked in a command may be so before anything was sent in it. */

static void
run_marks(unsigned sent)
{
    unsigned  n;

    while (r.marked != r.s.marked) {
        r.before[++r.marked] = sent;
    }

    while (r.arrived != r.s.arrived) {
        check(r.arrived != r.s.marked);
        r.arrived++;

        if (r.transport == EIO_POLLING) {
            for (n = r.confirmed + 1; n <= r.before[r.arrived]; n++) {
                check(r.optional[n]);
            }
        }
    }

    r.transport = r.s.transport;
}


static void
run_invariants(void)
{
    const eio_session_t  *s;

    s = &r.s;

    check(r.state <= EIO_STATE_UPGRADING || s->state >= r.state);
    check(s->state != EIO_STATE_OPENING);
    r.state = s->state;

    if (run_live()) {
        check(r.closes == 0);
        check(sio_timer_is_set(&s->timer) == !s->frozen);
        check(s->frozen || s->timer.due <= s->heartbeat);
        check(!s->probed || s->state == EIO_STATE_UPGRADING);
        check(s->state != EIO_STATE_UPGRADING
              || s->transport == EIO_POLLING);
        check(s->out.bytes <= BUFFER + 200 + 300 + 64 * 3);

    } else {
        check(r.closes == 1 && !s->frozen);
        check(r.closed[s->state - EIO_STATE_CLOSING] == 1);
        check(s->state == EIO_STATE_CLOSING || !sio_timer_is_set(&s->timer));
        check(s->state == EIO_STATE_CLOSED || s->poll
              || sio_timer_is_set(&s->timer));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int       rc, websocket;
    unsigned  sent;

    memset(&r, 0, sizeof(r));
    r.pos = data;
    r.end = data + size;
    r.now = 1000 + run_byte();
    sio_wheel_init(&r.wheel, r.now);

    r.fail = run_byte() % 16;
    r.act = run_byte();
    websocket = run_byte() & 1;

    eio_session_init(&r.s, (const uint8_t *) "abcdefghijklmnopqrst",
                     &options, &env);

    rc = eio_session_open(&r.s, websocket ? EIO_WEBSOCKET : EIO_POLLING,
                          r.now);

    if (rc == SIO_OK) {
        r.opened = 1;
        run_marks(0);

        while (r.pos < r.end) {
            sent = r.sent;
            run_command();
            run_marks(sent);
            run_invariants();
        }

        eio_session_abort(&r.s, EIO_REASON_TRANSPORT_CLOSE);
        check(r.closes == 1 && r.closed[1] == 1);
        r.fail = 0;
        run_take();

    } else {
        check(r.s.state == EIO_STATE_CLOSED);
        check(r.closed[0] + r.closed[1] == 0);
    }

    check(r.s.poll == NULL);
    eio_session_cleanup(&r.s);
    check(r.live == 0 && r.wheel.count == 0);

    return 0;
}
