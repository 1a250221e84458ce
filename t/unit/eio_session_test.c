/*
 * eio_session: the life of a session, step by step, with time as a number:
 * polling, WebSocket, heartbeat, upgrade, every way to end.
 */


#include "unit.h"
#include "logic/eio_session.h"


typedef struct {
    unsigned      opens;
    unsigned      messages;
    unsigned      timeouts;
    unsigned      pongs;
    unsigned      closes;
    unsigned      outputs;
    unsigned      closed;
    eio_reason_e  reason;
    char          last[64];          /* text of the last message */

    int           open_rc;           /* and what the handler does */
    unsigned      open_closes:1;
    unsigned      open_sends:1;
    unsigned      message_closes:1;
    unsigned      message_echoes:1;
    unsigned      pong_sends:1;
    unsigned      pong_closes:1;
} seen_t;


static seen_t         seen;
static eio_session_t  s;
static sio_wheel_t    wheel;
static sio_buf_t      answer;
static uint64_t       clock_now;
static char           get1, get2;    /* handles of two GETs */

static eio_options_t  options = {
    .ping_interval = 300, .ping_timeout = 200, .upgrade_timeout = 1000,
    .connect_timeout = 1000, .max_payload = 1000000, .max_packets = 5,
    .buffer = 200, .polling = 1, .websocket = 1
};


static int
seen_open(eio_session_t *session)
{
    seen.opens++;

    if (seen.open_sends) {
        (void) eio_session_send_text(session, sio_cstr("4first"));
    }

    if (seen.open_closes) {
        eio_session_close(session, EIO_REASON_FORCED_CLOSE, clock_now);
    }

    return seen.open_rc;
}


static void
seen_message(eio_session_t *session, const eio_packet_t *pkt)
{
    char  text[80];

    seen.messages++;
    (void) snprintf(seen.last, sizeof(seen.last), "%.*s%s",
                    (int) pkt->data.len, (const char *) pkt->data.data,
                    pkt->binary ? " binary" : "");

    if (seen.message_echoes) {
        (void) snprintf(text, sizeof(text), "4%s", seen.last);
        (void) eio_session_send_text(session, sio_cstr(text));
    }

    if (seen.message_closes) {
        eio_session_close(session, EIO_REASON_PARSE_ERROR, clock_now);
    }
}


static void
seen_pong(eio_session_t *session)
{
    seen.pongs++;

    if (seen.pong_sends) {
        (void) eio_session_send_text(session, sio_cstr("4more"));
    }

    if (seen.pong_closes) {
        eio_session_close(session, EIO_REASON_FORCED_CLOSE, clock_now);
    }
}


static void
seen_timeout(eio_session_t *session)
{
    seen.timeouts++;
}


static void
seen_close(eio_session_t *session, eio_reason_e reason)
{
    seen.closes++;
    seen.reason = reason;

    is_int(eio_session_send_text(session, sio_cstr("4late")), SIO_ERROR,
           "a closed session takes no message");
}


static void
seen_output(eio_session_t *session)
{
    seen.outputs++;
}


static void
seen_closed(eio_session_t *session)
{
    seen.closed++;
}


static const eio_handler_t  handler = {
    seen_open, seen_message, seen_pong, seen_timeout, seen_close
};

static const eio_ops_t  ops = { seen_output, seen_closed };

static const eio_env_t  env = { &handler, &ops, &unit_mem, &wheel,
                                NULL };


static void
fire(sio_wheel_t *w, sio_timer_t *timer, uint64_t now)
{
    eio_session_expire(&s, now);
}


static void
begin(void)
{
    memset(&seen, 0, sizeof(seen));
    memset(&s, 0, sizeof(s));
    clock_now = 10000;
    sio_wheel_init(&wheel, clock_now);
    sio_buf_init(&answer, &unit_mem, 100000);
    eio_session_init(&s, (const uint8_t *) "abcdefghijklmnopqrst", &options,
                     &env);
}


/* The wheel runs in every millisecond, so that ticks are all that is late. */

static void
advance(unsigned msec)
{
    while (msec--) {
        clock_now++;
        sio_wheel_run(&wheel, clock_now, fire);
    }
}


static void
end(const char *name)
{
    eio_session_cleanup(&s);
    sio_buf_free(&answer);

    is_int(wheel.count, 0, "%s: no timer is left", name);
    unit_mem_none_left("%s: no leak", name);
}


/* A GET, and what it is answered at once; NULL: it waits. */

static void *
get(void *poll)
{
    sio_buf_reset(&answer);

    if (eio_session_poll(&s, poll, clock_now) != SIO_OK) {
        return NULL;
    }

    return eio_session_poll_take(&s, &answer);
}


/* Answer a GET that waits. */

static void *
take(void)
{
    sio_buf_reset(&answer);

    return eio_session_poll_take(&s, &answer);
}


static int
post(const char *text)
{
    int       rc;
    size_t    len;
    uint8_t  *data;

    len = strlen(text);
    data = guard_copy(text, len);
    rc = eio_session_post(&s, data, len, clock_now);
    guard_free(data, len);

    return rc;
}


static void
packet(const char *text)
{
    eio_packet_t  pkt;

    (void) eio_packet_decode(sio_cstr(text), &pkt);
    eio_session_packet(&s, &pkt, clock_now);
}


static void
begin_polling(void)
{
    begin();
    (void) eio_session_open(&s, EIO_POLLING, clock_now);
    (void) get(&get1);
    memset(&seen, 0, sizeof(seen));
}


/* All that a WebSocket would be written. */

static sio_str_t
written(void)
{
    size_t          n;
    uint8_t         scratch[64];
    sio_str_t       data;
    static uint8_t  all[1000];

    n = 0;

    while (n + sizeof(scratch) < sizeof(all) && !eio_outq_empty(&s.out)) {
        data = eio_outq_peek(&s.out, scratch, sizeof(scratch));
        memcpy(all + n, data.data, data.len);
        n += data.len;
        (void) eio_outq_sent(&s.out, &unit_mem, data.len);
    }

    return sio_str(all, n);
}


static void
begin_websocket(void)
{
    begin();
    (void) eio_session_open(&s, EIO_WEBSOCKET, clock_now);
    (void) written();
    memset(&seen, 0, sizeof(seen));
}


static void
test_open(void)
{
    begin();
    is_int(s.state, EIO_STATE_OPENING, "open: begins opening");
    is_int(eio_session_poll(&s, &get1, clock_now), SIO_ERROR,
           "open: no GET before it");
    seen.open_sends = 1;
    is_int(eio_session_open(&s, EIO_POLLING, clock_now), SIO_OK,
           "open: polling");
    is_int(s.state, EIO_STATE_OPEN, "open: is open");
    ok(get(&get1) == &get1, "open: the GET is answered");
    is_str(answer, "0{\"sid\":\"abcdefghijklmnopqrst\","
           "\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
           "\"pingTimeout\":200,\"maxPayload\":1000000}\x1e" "4first",
           "open: by the open packet and what the handler sent");
    end("open");

    begin();
    (void) eio_session_open(&s, EIO_WEBSOCKET, clock_now);
    is_int(seen.outputs, 1, "open: a WebSocket has output");
    is_str(written(), "\x81\x67" "0{\"sid\":\"abcdefghijklmnopqrst\","
           "\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":200,"
           "\"maxPayload\":1000000}", "open: no upgrades from there");
    end("open, websocket");

    begin();
    seen.open_rc = SIO_DECLINED;
    is_int(eio_session_open(&s, EIO_POLLING, clock_now), SIO_ERROR,
           "open: the handler refuses");
    is_int(s.state, EIO_STATE_CLOSED, "open: closed");
    is_int(seen.closes + seen.closed, 0, "open: nobody is told");
    end("open, refused");

    begin();
    seen.open_closes = 1;
    is_int(eio_session_open(&s, EIO_POLLING, clock_now), SIO_ERROR,
           "open: closed from inside");
    is_int(seen.closes, 1, "open: the handler hears of it once");
    is_int(seen.closed, 0, "open: the carrier has the result");
    is_int(s.state, EIO_STATE_CLOSED, "open: closed");
    end("open, closed");
}


static void
test_polling(void)
{
    unsigned  i;

    begin_polling();

    is_int(post("4hello"), SIO_OK, "polling: a message");
    is_str(sio_cstr(seen.last), "hello", "polling: reaches the handler");

    seen.message_echoes = 1;
    is_int(post("4a\x1e" "bAQI=\x1e" "4c"), SIO_OK, "polling: three packets");
    is_int(seen.outputs, 0, "polling: no GET, no output");
    ok(get(&get1) == &get1, "polling: one GET");
    is_str(answer, "4a\x1e" "4\1\2 binary\x1e" "4c", "polling: gets all");
    ok(s.poll == NULL, "polling: none waits");

    ok(get(&get1) == NULL, "polling: nothing queued");
    ok(s.poll == &get1, "polling: the GET waits");
    (void) eio_session_send_text(&s, sio_cstr("4x"));
    is_int(seen.outputs, 2, "polling: output");
    ok(take() == &get1, "polling: answers it");
    is_str(answer, "4x", "polling: with the message");
    ok(take() == NULL, "polling: once");
    is_int(post("3\x1e" "5\x1e" "6"), SIO_OK, "polling: stray packets");
    is_int(s.state, EIO_STATE_OPEN, "polling: still open");

    end("polling");

    begin_polling();
    options.buffer = 100000;

    for (i = 0; i < 40; i++) {
        (void) eio_session_send_text(&s, sio_cstr("4"));
    }

    options.buffer = 200;
    (void) get(&get1);
    is_int(eio_payload_count(sio_buf_str(&answer)), 16,
           "polling: at most 16 packets in an answer");
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    (void) get(&get1);
    is_int(eio_payload_count(sio_buf_str(&answer)), 15,
           "polling: closing, the next answer");
    is_int(s.state, EIO_STATE_CLOSING, "polling: is not the last");
    (void) get(&get1);
    is_int(eio_payload_count(sio_buf_str(&answer)), 10,
           "polling: the rest and the close packet");
    is_int(s.state, EIO_STATE_CLOSED, "polling: closed");
    is_int(seen.closes, 1, "polling: the handler heard of it once");
    is_int(seen.closed, 2, "polling: the carrier of both states");
    end("polling, many");
}


static void
test_posts_refused(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        unsigned     messages;
        const char  *name;
    } posts[] = {
        { "abc",                       0, "an unknown packet" },
        { "",                          0, "an empty body" },
        { "2",                         0, "a ping from the client" },
        { "4a\x1e" "2\x1e" "4b",       1, "a ping among messages" },
        { "4a\x1e" "x\x1e" "4b",       1, "a bad packet among messages" },
        { "b!",                        0, "bad base64" },
        { "4\xff",                     0, "bad UTF-8" },
        { "4\x1e" "4\x1e" "4\x1e" "4\x1e" "4\x1e" "4", 0, "too many" },
    };

    for (i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        begin_polling();
        (void) get(&get1);
        is_int(post(posts[i].text), SIO_ERROR, "refused: %s", posts[i].name);
        is_int(seen.messages, posts[i].messages, "refused: what was before");
        is_int(seen.reason, EIO_REASON_PARSE_ERROR, "refused: parse error");
        is_int(s.state, EIO_STATE_CLOSING, "refused: the GET has to learn");
        ok(take() == &get1, "refused: it is answered");
        is_str(answer, "1", "refused: by the close packet");
        is_int(s.state, EIO_STATE_CLOSED, "refused: closed");
        is_int(post("4x"), SIO_ERROR, "refused: no more");
        ok(get(&get1) == NULL && s.poll == NULL, "refused: no GET either");
        end(posts[i].name);
    }

    begin_polling();
    is_int(post("4\x1e" "4\x1e" "4\x1e" "4\x1e" "4"), SIO_OK,
           "as many packets as allowed");
    is_int(post("4a\x1e" "1\x1e" "4b"), SIO_OK, "a close packet");
    is_int(seen.messages, 6, "nothing behind it counts");
    is_int(seen.reason, EIO_REASON_TRANSPORT_CLOSE, "transport close");
    is_int(s.state, EIO_STATE_CLOSED, "no GET, nobody to tell");
    end("close packet");

    begin_polling();
    (void) get(&get1);
    is_int(post("1"), SIO_OK, "a close packet with a GET waiting");
    ok(take() == &get1, "the GET is answered");
    is_str(answer, "6", "by a noop");
    is_int(s.state, EIO_STATE_CLOSED, "closed");
    end("close packet with GET");

    begin_polling();
    seen.message_closes = 1;
    is_int(post("4a\x1e" "4b"), SIO_OK, "the handler closes");
    is_int(seen.messages, 1, "after its first message");
    is_int(s.state, EIO_STATE_CLOSING, "the next GET will be told");
    (void) get(&get1);
    is_str(answer, "1", "by the close packet");
    end("handler closes");
}


static void
test_overlap(void)
{
    begin_polling();
    (void) get(&get1);
    is_int(eio_session_poll(&s, &get2, clock_now), SIO_ERROR,
           "overlap: the second GET is refused");
    is_int(seen.reason, EIO_REASON_TRANSPORT_ERROR, "overlap: an error");
    ok(take() == &get1, "overlap: the first is answered");
    is_str(answer, "1", "overlap: close");
    ok(get(&get2) == NULL && s.poll == NULL, "overlap: so is the third");
    is_int(seen.closes, 1, "overlap: closed once");
    end("overlap");

    begin_polling();
    (void) get(&get1);
    eio_session_poll_abort(&s, &get2);
    is_int(s.state, EIO_STATE_OPEN, "abort: another GET than ours");
    eio_session_poll_abort(&s, &get1);
    is_int(s.state, EIO_STATE_CLOSED, "abort: the GET went away");
    is_int(seen.reason, EIO_REASON_TRANSPORT_ERROR, "abort: transport error");
    end("abort");
}


static void
test_heartbeat(void)
{
    unsigned  i;

    begin_polling();
    (void) get(&get1);

    for (i = 0; i < 3; i++) {
        advance(299);
        ok(take() == NULL, "heartbeat: quiet before the interval is over");
        advance(1 + SIO_WHEEL_TICK);
        ok(take() == &get1, "heartbeat: a ping");
        is_str(answer, "2", "heartbeat: nothing else");
        (void) get(&get1);
        advance(100);
        is_int(post("3"), SIO_OK, "heartbeat: the pong");
        is_int(seen.pongs, i + 1, "heartbeat: the handler is told");
    }

    advance(300 + SIO_WHEEL_TICK);
    (void) take();
    advance(200 - SIO_WHEEL_TICK - 1);
    is_int(s.state, EIO_STATE_OPEN, "heartbeat: open up to the deadline");
    eio_session_check(&s, s.heartbeat - 1);
    is_int(s.state, EIO_STATE_OPEN, "heartbeat: to the last millisecond");
    eio_session_check(&s, s.heartbeat);
    is_int(s.state, EIO_STATE_CLOSED, "heartbeat: a request finds it over");
    is_int(seen.reason, EIO_REASON_PING_TIMEOUT, "heartbeat: ping timeout");
    end("heartbeat");

    begin_polling();
    (void) get(&get1);
    advance(300 + SIO_WHEEL_TICK);
    is_int(s.heartbeat, 10000 + 500,
           "heartbeat: the deadline is absolute, not from the tick");
    advance(200);
    is_int(s.state, EIO_STATE_CLOSING, "heartbeat: the timer finds it over");
    (void) take();
    is_str(answer, "1", "heartbeat: a GET that waits is told to close");
    end("heartbeat, timer");
}


static void
test_heartbeat_extended(void)
{
    begin_websocket();
    advance(300 + SIO_WHEEL_TICK);
    is_mem(written().data, 3, "\x81\x01" "2", 3, "extended: a ping");
    advance(100);
    packet("4a");
    is_int(s.heartbeat, clock_now + 200, "extended: a message prolongs");
    advance(100);
    packet("4b");
    is_int(s.heartbeat, clock_now + 100, "extended: once");
    packet("3");
    is_int(s.heartbeat, clock_now + 300, "extended: the pong came");
    advance(100);
    packet("3");
    is_int(s.heartbeat, clock_now + 200, "extended: stray pongs count not");
    advance(200 + SIO_WHEEL_TICK);
    is_int(s.waiting_pong, 1, "extended: the next ping");
    packet("6");
    is_int(s.pong_extended, 1, "extended: any packet prolongs it again");
    advance(200 + SIO_WHEEL_TICK);
    is_int(seen.reason, EIO_REASON_PING_TIMEOUT, "extended: then it is over");
    is_int(s.state, EIO_STATE_CLOSED, "extended: at once on a WebSocket");
    end("extended");

    begin_websocket();
    clock_now += 5000;
    sio_wheel_run(&wheel, clock_now, fire);
    is_int(s.state, EIO_STATE_OPEN, "a worker that slept sends its ping");
    is_int(s.heartbeat, clock_now + 200, "and waits for the pong");
    end("slept");
}


/* On a WebSocket marks are pings: what their answers prove. */

static void
test_proof(void)
{
    uint8_t   mark, other;
    uint64_t  due;

    begin_websocket();
    packet("3");
    packet("3");
    (void) eio_session_send_text(&s, sio_cstr("4item"));
    due = s.heartbeat;
    other = eio_session_mark(&s);
    is_int(eio_session_prove(&s, &mark), SIO_OK, "proof: a mark");
    is_int(mark, other, "proof: is the next one");
    is_int(s.heartbeat, due, "proof: the heartbeat is as it was");
    ok(!s.waiting_pong, "proof: and waits for nothing");
    ok(!eio_session_proved(&s, mark), "proof: early pongs prove nothing");
    is_mem(written().data, 10, "\x81\x05" "4item" "\x81\x01" "2", 10,
           "proof: a ping goes out behind the message");
    packet("3");
    ok(eio_session_proved(&s, mark), "proof: its pong proves");
    ok(!eio_session_proved(&s, eio_session_mark(&s)), "proof: no other");
    is_int(seen.pongs, 1, "proof: the handler was told, once");
    is_int(s.heartbeat, due, "proof: the heartbeat goes by its own pings");
    packet("3");
    is_int(seen.pongs, 1, "proof: another pong counts for nothing");
    end("proof");

    begin_websocket();
    advance(300 + SIO_WHEEL_TICK);
    is_int(s.waiting_pong, 1, "proof: a heartbeat waits");
    advance(50);
    (void) eio_session_prove(&s, &mark);
    packet("3");
    ok(!eio_session_proved(&s, mark), "proof: an older ping's pong is no");
    is_int(s.waiting_pong, 0, "proof: but answers the heartbeat");
    is_int(seen.pongs, 1, "proof: and the handler is told");
    packet("3");
    ok(eio_session_proved(&s, mark), "proof: the second one proves");
    is_int(s.heartbeat, clock_now + 300, "proof: the next ping is due");
    packet("3");
    is_int(seen.pongs, 2, "proof: a third one is nobody's");
    end("proof, behind a heartbeat");

    begin_websocket();
    (void) eio_session_prove(&s, &mark);
    advance(300 + SIO_WHEEL_TICK);
    due = s.heartbeat;
    packet("3");
    ok(eio_session_proved(&s, mark), "proof: before a heartbeat");
    is_int(s.waiting_pong, 1, "proof: which still waits for its own");
    is_int(s.heartbeat, due, "proof: as long as before");
    advance(200);
    is_int(seen.reason, EIO_REASON_PING_TIMEOUT, "proof: and not longer");
    is_int(eio_session_prove(&s, &mark), SIO_ERROR, "proof: too late");
    end("proof, before a heartbeat");

    begin_websocket();
    (void) eio_session_prove(&s, &mark);
    while (eio_session_prove(&s, &other) == SIO_OK) {
        /* until it is enough */
    }
    is_int(s.state, EIO_STATE_OPEN, "proof: marks are bounded");
    ok((uint8_t) (other - mark) < 127, "proof: to what can be told apart");
    packet("3");
    ok(eio_session_proved(&s, mark) && !eio_session_proved(&s, other),
       "proof: the first of many");
    is_int(eio_session_prove(&s, &other), SIO_OK, "proof: room for another");
    while (s.arrived != s.marked) {
        packet("3");
    }
    ok(eio_session_proved(&s, other), "proof: the last of many");
    end("proof, many");

    begin_websocket();
    for (due = 0; due < 700; due++) {
        (void) written();
        if (eio_session_prove(&s, &mark) != SIO_OK
            || eio_session_proved(&s, mark))
        {
            break;
        }
        packet("3");
    }
    is_int(due, 700, "proof: numbers may wrap");
    is_int(seen.pongs, 700, "proof: each was heard of");
    end("proof, numbers wrap");
}


/* With polling a mark is passed, and has arrived with the next GET. */

static void
test_proof_polling(void)
{
    uint8_t   mark, other;
    unsigned  i;

    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4item"));
    is_int(eio_session_prove(&s, &mark), SIO_OK, "polls: a mark");
    ok(get(&get1) == &get1, "polls: an answer");
    is_str(answer, "4item", "polls: has the message and no ping");
    is_int(post("3\x1e" "3"), SIO_OK, "polls: pongs");
    ok(!eio_session_proved(&s, mark), "polls: prove nothing");
    is_int(seen.pongs, 0, "polls: nobody is told");
    seen.pong_sends = 1;
    ok(get(&get1) == &get1, "polls: the next GET");
    ok(eio_session_proved(&s, mark), "polls: proves");
    is_int(seen.pongs, 1, "polls: the handler is told");
    is_str(answer, "4more", "polls: what it sends is in the answer");
    seen.pong_sends = 0;
    ok(get(&get1) == NULL, "polls: nothing is left");
    is_int(seen.pongs, 1, "polls: nor to be told");
    is_int(eio_session_prove(&s, &mark), SIO_OK, "polls: while a GET waits");
    ok(take() == NULL, "polls: there is nothing to say");
    ok(eio_session_proved(&s, mark), "polls: all had arrived");
    is_int(seen.pongs, 2, "polls: the handler is told");
    ok(s.poll == &get1 && eio_outq_empty(&s.out), "polls: the GET waits on");
    end("polls");

    begin_polling();
    options.buffer = 1000;

    for (i = 0; i < 20; i++) {
        (void) eio_session_send_text(&s, sio_cstr("4"));
    }

    options.buffer = 200;
    (void) eio_session_prove(&s, &mark);
    (void) eio_session_send_text(&s, sio_cstr("4last"));
    (void) eio_session_prove(&s, &other);
    (void) get(&get1);
    is_int(eio_payload_count(sio_buf_str(&answer)), 16, "polls: 16 of 21");
    (void) get(&get1);
    is_int(eio_payload_count(sio_buf_str(&answer)), 5, "polls: the others");
    ok(!eio_session_proved(&s, mark), "polls: are only proved");
    (void) get(&get1);
    ok(eio_session_proved(&s, mark) && eio_session_proved(&s, other),
       "polls: by one GET more");
    is_int(seen.pongs, 1, "polls: the handler is told once of both");
    end("polls, many");

    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4item"));
    (void) eio_session_prove(&s, &mark);
    (void) get(&get1);
    (void) get(&get1);
    eio_session_poll_abort(&s, &get1);
    is_int(seen.closes, 1, "polls: who goes away after it");
    ok(eio_session_proved(&s, mark), "polls: has got it");
    end("polls, abort");

    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4item"));
    (void) eio_session_prove(&s, &mark);
    (void) get(&get1);
    seen.pong_closes = 1;
    ok(get(&get2) == &get2, "polls: the handler closes");
    is_str(answer, "1", "polls: the GET learns of it");
    is_int(seen.closes, 1, "polls: closed");
    end("polls, closed inside");

    begin_polling();
    for (i = 0; i < 700; i++) {
        (void) eio_session_send_text(&s, sio_cstr("4a"));
        if (eio_session_prove(&s, &mark) != SIO_OK
            || get(&get1) == NULL || eio_session_proved(&s, mark))
        {
            break;
        }
    }
    is_int(i, 700, "polls: numbers may wrap");
    is_int(seen.pongs, 699, "polls: each was heard of");
    end("polls, numbers wrap");
}


/* A ping goes to the front of what waits for GETs. */

static void
test_ahead(void)
{
    uint8_t   mark;
    unsigned  i, answers, over;

    options.buffer = 100000;
    begin_polling();

    for (i = 0; i < 2000; i++) {
        (void) eio_session_send_text(&s, sio_cstr("4"));
    }

    while (eio_session_prove(&s, &mark) == SIO_OK) {
        /* as many as there may be: the heartbeat adds none */
    }

    /* a GET each 100 ms: 13 seconds, and a ping is due every 0.3 */

    i = 0;
    over = 0;

    for (answers = 0; !eio_session_proved(&s, mark) && answers < 200;
         answers++)
    {
        if (get(&get1)) {
            i += eio_payload_count(sio_buf_str(&answer));

            if (answer.data[0] == '2') {
                i--;
                (void) post("3");
            }
        }

        over += ((uint8_t) (s.marked - s.arrived) > 64);
        advance(100);
    }

    is_int(over, 0, "ahead: marks are bounded");
    is_int(s.state, EIO_STATE_OPEN, "ahead: whoever is slow lives on");
    is_int(i, 2000, "ahead: and gets all");
    ok(answers > 126 && answers < 140, "ahead: in %u answers", answers);
    end("ahead");

    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4a"));
    advance(300 + SIO_WHEEL_TICK);
    is_int(s.ahead, 1, "ahead: a ping waits for a GET");
    is_int(post("3"), SIO_OK, "ahead: a pong before it");
    is_int(s.waiting_pong, 1, "ahead: is no answer");
    (void) get(&get1);
    is_str(answer, "2\x1e" "4a", "ahead: the ping, then what waits");
    ok(get(&get2) == NULL, "ahead: once");
    is_int(post("3"), SIO_OK, "ahead: its pong");
    is_int(s.waiting_pong + seen.pongs, 1, "ahead: answers it");
    end("ahead, waits");

    begin();
    (void) eio_session_open(&s, EIO_POLLING, clock_now);
    advance(300 + SIO_WHEEL_TICK);
    (void) get(&get1);
    ok(answer.data[0] == '0' && s.ahead, "ahead: but the open packet first");
    (void) get(&get1);
    is_str(answer, "2", "ahead: then the ping");
    end("ahead, open");

    options.buffer = 200;
}


static void
test_timeout(void)
{
    begin_websocket();
    eio_session_set_timeout(&s, clock_now + 100);
    advance(99);
    is_int(seen.timeouts, 0, "timeout: not before its time");
    advance(1 + SIO_WHEEL_TICK);
    is_int(seen.timeouts, 1, "timeout: called");
    advance(100);
    is_int(seen.timeouts, 1, "timeout: once");
    eio_session_set_timeout(&s, clock_now + 10);
    eio_session_set_timeout(&s, 0);
    advance(50);
    is_int(seen.timeouts, 1, "timeout: taken back");
    advance(50 + SIO_WHEEL_TICK);
    is_int(s.waiting_pong, 1, "timeout: the heartbeat is not disturbed");
    end("timeout");
}


/* What was proved by GETs is by pongs from now on. */

static void
test_upgrade_marks(void)
{
    char     ws;
    uint8_t  mark, other;

    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4a"));
    (void) eio_session_prove(&s, &mark);
    (void) get(&get1);
    (void) eio_session_send_text(&s, sio_cstr("4b"));
    (void) eio_session_prove(&s, &other);
    (void) eio_session_upgrade_begin(&s);
    ok(!eio_session_proved(&s, mark), "marks: handed out");
    eio_session_upgrade_complete(&s, &ws, clock_now);
    ok(eio_session_proved(&s, mark), "marks: an upgrade proves the answer");
    is_int(seen.pongs, 1, "marks: the handler is told");
    is_mem(written().data, 7, "\x81\x02" "4b" "\x81\x01" "2", 7,
           "marks: the other one is a ping");
    ok(!eio_session_proved(&s, other), "marks: not proved yet");
    packet("3");
    ok(eio_session_proved(&s, other), "marks: its pong proves");
    is_int(seen.pongs, 2, "marks: the handler is told of that, too");
    end("upgrade, marks");

    /* the pong of a ping that a GET has got comes through the WebSocket */

    begin_polling();
    advance(300 + SIO_WHEEL_TICK);
    (void) get(&get1);
    is_str(answer, "2", "marks: a heartbeat by polling");
    (void) eio_session_send_text(&s, sio_cstr("4a"));
    (void) eio_session_prove(&s, &mark);
    (void) eio_session_upgrade_begin(&s);
    eio_session_upgrade_complete(&s, &ws, clock_now);
    packet("3");
    is_int(s.waiting_pong, 0, "marks: is answered on the WebSocket");
    is_int(s.heartbeat, clock_now + 300, "marks: the next is due");
    ok(!eio_session_proved(&s, mark), "marks: and proves nothing");
    packet("3");
    ok(eio_session_proved(&s, mark), "marks: the next pong does");
    (void) written();
    advance(300 + SIO_WHEEL_TICK);
    is_mem(written().data, 3, "\x81\x01" "2", 3, "marks: the next heartbeat");
    packet("3");
    is_int(s.waiting_pong, 0, "marks: is answered, too");
    end("upgrade, a pong");

    begin_polling();
    advance(300 + SIO_WHEEL_TICK);
    is_int(s.ahead, 1, "marks: a ping waits for a GET");
    advance(150);
    (void) eio_session_upgrade_begin(&s);
    eio_session_upgrade_complete(&s, &ws, clock_now);
    (void) written();
    advance(SIO_WHEEL_TICK);
    is_mem(written().data, 3, "\x81\x01" "2", 3,
           "marks: it goes to the WebSocket");
    ok(s.heartbeat >= clock_now + 200 - 2 * SIO_WHEEL_TICK,
       "marks: with all the time there is for it");
    packet("3");
    is_int(s.waiting_pong, 1, "marks: the first pong is that of a mark");
    packet("3");
    is_int(s.waiting_pong, 0, "marks: answered");
    end("upgrade, a ping");
}


static void
test_upgrade(void)
{
    char  ws;

    begin_polling();
    (void) get(&get1);
    is_int(eio_session_upgrade_begin(&s), SIO_OK, "upgrade: begins");
    is_int(eio_session_upgrade_begin(&s), SIO_DECLINED, "upgrade: only one");
    ok(take() == NULL, "upgrade: the GET waits until the probe");
    eio_session_upgrade_probed(&s);
    ok(take() == &get1, "upgrade: the probe ends the GET");
    is_str(answer, "6", "upgrade: by a noop");
    ok(get(&get1) == &get1, "upgrade: the next one at once");
    is_str(answer, "6", "upgrade: too");
    (void) eio_session_send_text(&s, sio_cstr("4a"));
    (void) eio_session_send_text(&s, sio_cstr("4b"));
    (void) get(&get1);
    is_str(answer, "4a\x1e" "4b", "upgrade: a GET takes what is queued");
    (void) eio_session_send_text(&s, sio_cstr("4c"));
    is_int(post("4d"), SIO_OK, "upgrade: POSTs are taken");

    eio_session_upgrade_complete(&s, &ws, clock_now);
    is_int(s.transport, EIO_WEBSOCKET, "upgrade: complete");
    is_int(eio_session_upgrade_begin(&s), SIO_DECLINED, "upgrade: for good");
    ok(s.carrier == &ws, "upgrade: has its carrier");
    is_mem(written().data, 4, "\x81\x02" "4c", 4,
           "upgrade: what no GET took goes to the WebSocket");
    is_int(eio_session_poll(&s, &get1, clock_now), SIO_ERROR,
           "upgrade: no GET any more");
    is_int(post("4e"), SIO_ERROR, "upgrade: no POST");
    is_int(s.state, EIO_STATE_OPEN, "upgrade: which harms nobody");
    is_int(seen.closes, 0, "upgrade: nothing was closed");
    end("upgrade");

    begin_polling();
    (void) get(&get1);
    (void) eio_session_upgrade_begin(&s);
    (void) eio_session_send_text(&s, sio_cstr("4x"));
    eio_session_upgrade_complete(&s, &ws, clock_now);
    ok(take() == &get1, "upgrade: without a probe, the GET that waits");
    is_str(answer, "6", "upgrade: gets a noop, not the queue");
    is_int(s.out.bytes, 4, "upgrade: which is the WebSocket's");
    end("upgrade, early");

    test_upgrade_marks();

    begin_polling();
    (void) get(&get1);
    (void) eio_session_upgrade_begin(&s);
    eio_session_upgrade_probed(&s);
    eio_session_upgrade_cancel(&s);
    is_int(s.state, EIO_STATE_OPEN, "cancel: open again");
    ok(take() == NULL, "cancel: the GET waits on");
    is_int(eio_session_upgrade_begin(&s), SIO_OK, "cancel: another try");
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    eio_session_upgrade_cancel(&s);
    eio_session_upgrade_complete(&s, &ws, clock_now);
    eio_session_upgrade_probed(&s);
    is_int(s.state, EIO_STATE_CLOSING, "cancel: closing wins");
    is_int(s.transport, EIO_POLLING, "cancel: no upgrade any more");
    end("cancel");
}


static void
test_close(void)
{
    begin_polling();
    (void) eio_session_send_text(&s, sio_cstr("4bye"));
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    is_int(seen.closes, 1, "close: the handler hears of it at once");
    is_int(s.state, EIO_STATE_CLOSING, "close: polling lingers");
    advance(20000);
    ok(get(&get1) == &get1, "close: the next GET");
    is_str(answer, "4bye\x1e" "1", "close: gets all that was queued");
    is_int(s.state, EIO_STATE_CLOSED, "close: and that was it");
    is_int(seen.closes, 1, "close: told once");
    end("close");

    begin_polling();
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    eio_session_check(&s, clock_now + 30000);
    is_int(s.state, EIO_STATE_CLOSED, "close: nor finds a request it later");
    end("linger, request");

    begin_polling();
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    advance(29999);
    eio_session_check(&s, clock_now);
    is_int(s.state, EIO_STATE_CLOSING, "close: lingers 30 seconds");
    advance(1 + SIO_WHEEL_TICK);
    is_int(s.state, EIO_STATE_CLOSED, "close: the timer ends it");
    end("linger");

    begin_websocket();
    (void) eio_session_send_text(&s, sio_cstr("4bye"));
    eio_session_close(&s, EIO_REASON_SHUTTING_DOWN, clock_now);
    is_int(s.state, EIO_STATE_CLOSED, "close: a WebSocket at once");
    is_int(s.out.bytes, 6, "close: what is queued can be flushed");
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    eio_session_abort(&s, EIO_REASON_TRANSPORT_CLOSE);
    packet("4x");
    is_int(seen.closes + seen.closed + seen.messages, 2, "close: only once");
    is_int(seen.reason, EIO_REASON_SHUTTING_DOWN, "close: the first reason");
    end("close, websocket");

    begin_polling();
    (void) get(&get1);
    (void) eio_session_send_text(&s, sio_cstr("4x"));
    eio_session_abort(&s, EIO_REASON_MOVED);
    is_int(s.state, EIO_STATE_CLOSED, "abort: closed at once");
    ok(take() == &get1, "abort: a GET is let go all the same");
    is_str(answer, "6", "abort: a session that moved is not told to close");
    end("moved");
}


static void
test_buffer(void)
{
    int         rc;
    unsigned    n;
    eio_msg_t  *msg;

    begin_websocket();
    msg = eio_msg_create(&unit_mem, sio_cstr("4xxxxxxx"), NULL);

    for (n = 0; (rc = eio_session_send(&s, msg)) == SIO_OK; n++) {
        /* void */
    }

    is_int(n, 20, "buffer: what fits");
    is_int(rc, SIO_DECLINED, "buffer: no more");
    is_int(seen.reason, EIO_REASON_SLOW_CONSUMER, "buffer: a slow consumer");
    is_int(eio_session_send(&s, msg), SIO_ERROR, "buffer: and closed");
    eio_msg_unref(&unit_mem, msg);
    end("buffer");

    begin_websocket();
    msg = eio_msg_create(&unit_mem, sio_cstr("4xxxxxxx"), NULL);
    msg->volatile_ = 1;

    for (n = 0; n < 30; n++) {
        (void) eio_session_send(&s, msg);
    }

    eio_msg_unref(&unit_mem, msg);
    is_int(s.state, EIO_STATE_OPEN, "buffer: volatile messages never close");
    is_int(s.dropped, 10, "buffer: they are dropped");
    end("buffer, volatile");
}


/* What is no event goes on: a bound of its own, once more the buffer. */

static void
test_slow_drop(void)
{
    int         rc;
    unsigned    n;
    eio_msg_t  *event, *ack;

    options.slow_drop = 1;
    begin_websocket();
    event = eio_msg_create(&unit_mem, sio_cstr("42[\"xx\"]"), NULL);
    ack = eio_msg_create(&unit_mem, sio_cstr("431[\"x\"]"), NULL);

    for (n = 0; n < 30; n++) {
        is_int(eio_session_send(&s, event), SIO_OK, "slow: an event");
    }

    is_int(s.lost, 10, "slow: what does not fit is left out");
    is_int(s.out.bytes, 200, "slow: the rest waits");
    is_int(eio_session_send(&s, ack), SIO_OK, "slow: an ack goes on");
    is_int(eio_session_send_text(&s, sio_cstr("40{}")), SIO_OK,
           "slow: so does an answer to CONNECT");

    event->vital = 1;
    is_int(eio_session_send(&s, event), SIO_OK, "slow: and what is proved");
    is_int(s.lost, 10, "slow: none of these is lost");

    for (n = 0; (rc = eio_session_send(&s, ack)) == SIO_OK; n++) {
        /* void */
    }

    ok(n > 10 && n < 20, "slow: up to a bound");
    is_int(rc, SIO_DECLINED, "slow: then it is closed");
    is_int(seen.reason, EIO_REASON_SLOW_CONSUMER, "slow: as such");

    eio_msg_unref(&unit_mem, event);
    eio_msg_unref(&unit_mem, ack);
    end("slow");
    options.slow_drop = 0;
}


static void
test_frozen(void)
{
    begin_polling();
    (void) get(&get1);
    eio_session_freeze(&s);
    seen.outputs = 0;
    (void) eio_session_send_text(&s, sio_cstr("4a"));
    is_int(seen.outputs, 0, "frozen: output is held");
    ok(take() == NULL, "frozen: nothing is handed out");
    is_int(eio_session_upgrade_begin(&s), SIO_DECLINED, "frozen: no upgrade");
    eio_session_thaw(&s);
    is_int(seen.outputs, 1, "frozen: thawed, there is output");
    (void) take();
    is_str(answer, "4a", "frozen: the same");
    (void) get(&get1);
    eio_session_freeze(&s);
    advance(600);
    is_int(wheel.count, 0, "frozen: no deadline");
    eio_session_check(&s, clock_now);
    ok(s.frozen && s.state == EIO_STATE_OPEN, "frozen: no end by heartbeat");
    eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
    ok(!s.frozen && take() == &get1, "frozen: the end is told all the same");
    end("frozen");

    begin_polling();
    eio_session_freeze(&s);
    advance(600);
    eio_session_thaw(&s);
    advance(600);
    is_int(s.state, EIO_STATE_CLOSED, "frozen: thawed, deadlines are met");
    end("frozen");

    begin();
    s.heartbeat = clock_now + 50;
    s.waiting_pong = 1;
    s.marked = 8;
    s.arrived = 7;
    s.beat = 8;
    eio_session_resume(&s, EIO_WEBSOCKET);
    is_int(s.state, EIO_STATE_OPEN, "resumed: open");
    is_int(seen.opens + seen.outputs, 0, "resumed: nobody is called");
    advance(50 + SIO_WHEEL_TICK);
    is_int(seen.reason, EIO_REASON_PING_TIMEOUT, "resumed: the deadline");
    end("resumed");
}


static void
test_memory(void)
{
    uint8_t   ping;
    unsigned  n, wrong;

    wrong = 0;

    for (n = 1; unit_mem_fail(n); n++) {
        begin();

        if (eio_session_open(&s, EIO_POLLING, clock_now) != SIO_OK) {
            wrong += (s.state != EIO_STATE_CLOSED || seen.closes);

        } else {
            (void) eio_session_poll(&s, &get1, clock_now);
            (void) take();
            (void) eio_session_send_text(&s, sio_cstr("4a"));
            (void) eio_session_poll(&s, &get1, clock_now);
            (void) take();
            advance(320);
            (void) eio_session_poll(&s, &get1, clock_now);
            (void) take();
            (void) eio_session_prove(&s, &ping);
            (void) eio_session_poll(&s, &get1, clock_now);
            (void) take();
            eio_session_close(&s, EIO_REASON_FORCED_CLOSE, clock_now);
            (void) eio_session_poll(&s, &get1, clock_now);
            (void) take();

            wrong += (s.state != EIO_STATE_CLOSED || s.poll);
            wrong += (seen.closes != 1);
        }

        eio_session_cleanup(&s);
        sio_buf_free(&answer);
        wrong += (wheel.count || unit_mem_ctx.live);
    }

    is_int(wrong, 0, "memory: each failure ends the session in order");
    ok(n > 7, "memory: %u allocations failed in turn", n - 1);
}


static void
test_names(void)
{
    is_str(eio_reason_name(EIO_REASON_PING_TIMEOUT), "ping timeout", "name");

    ok(sizeof(eio_session_t) <= 176, "a session is small: %zu bytes",
       sizeof(eio_session_t));
}


int
main(void)
{
    unit_plan();
    test_open();
    test_polling();
    test_posts_refused();
    test_overlap();
    test_heartbeat();
    test_heartbeat_extended();
    test_proof();
    test_proof_polling();
    test_ahead();
    test_timeout();
    test_upgrade();
    test_close();
    test_buffer();
    test_slow_drop();
    test_frozen();
    test_memory();
    test_names();
    return unit_done();
}
