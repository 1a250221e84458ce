/*
 * Modes of WebSockets.
 *
 * The server must know these events: "b" is sent to all in the room that each
 * socket joins when it connects, "e" is acked with its arguments, "j" and "l"
 * join and leave the room that {"r": ...} names and are acked.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"


#define LOAD_WARM      0.1               /* part of the time, not counted */
#define LOAD_SILENCE   5000              /* msec: what has not come is lost */
#define LOAD_WINDOW    1024              /* broadcasts, a power of two */


static void load_mode_broadcast(void);
static void load_mode_echo(void);
static void load_mode_connect(void);
static void load_mode_idle(void);
static void load_mode_churn(void);


const load_mode_t  load_socket_modes[] = {
    { "broadcast", load_mode_broadcast,
      "one socket emits, all in the room receive; per delivery" },
    { "echo", load_mode_echo,
      "events with acks, one at a time on each socket; per event" },
    { "connect", load_mode_connect,
      "open, CONNECT, close; per connection" },
    { "idle", load_mode_idle,
      "open and wait; bytes per connection, CPU of heartbeats" },
    { "churn", load_mode_churn,
      "join a room, leave it; per join and leave" },
    { NULL, NULL, NULL }
};


static uint64_t  load_sent;              /* broadcasts */
static uint64_t  load_done;              /* that all have received */
static uint32_t  load_got[LOAD_WINDOW];  /* receivers, of each under way */
static char      load_text[LOAD_BUFFER];
static uint64_t  load_until;             /* nsec: no more is sent */


/* An event with a number, the time, and as many bytes as are wanted. */

static int
load_event(const char *head, uint64_t number, const char *tail)
{
    int  n, fill;

    n = snprintf(load_text, sizeof(load_text),
                 "%s{\"s\":%010llu,\"t\":\"%020llu\",\"p\":\"", head,
                 (unsigned long long) number + 1000000000,
                 (unsigned long long) load_now());

    fill = (int) load_options.size - (n - (int) strlen(head)) - 2;
    fill = fill < 0 ? 0 : fill;

    memset(load_text + n, 'x', fill);
    n += fill;

    return n + snprintf(load_text + n, sizeof(load_text) - n, "\"}%s", tail);
}


static uint64_t
load_digits(const uint8_t *p, size_t n)
{
    uint64_t  value;

    for (value = 0; n; p++, n--) {
        value = value * 10 + *p - '0';
    }

    return value;
}


static void
load_broadcast_send(load_conn_t *c)
{
    int  n;

    n = load_event(load_options.plain ? "" : "42[\"b\",", load_sent,
                   load_options.plain ? "" : "]");

    load_got[load_sent++ % LOAD_WINDOW] = 0;
    load_send(c, load_text, n);
}


static void
load_broadcast_packet(load_conn_t *c, const uint8_t *data, size_t len)
{
    size_t    head;
    uint64_t  number;

    head = load_options.plain ? 0 : 7;

    if (len < head + 42 || memcmp(data + head, "{\"s\":", 5) != 0) {
        return;
    }

    number = load_digits(data + head + 5, 10) - 1000000000;

    if (number != c->next) {
        if (number < c->next) {
            load_result.repeated++;
            return;
        }

        load_result.disordered++;
    }

    c->next = number + 1;
    load_result.deliveries++;
    load_latency(load_now() - load_digits(data + head + 21, 20));

    if (++load_got[number % LOAD_WINDOW] == load_options.connections) {
        load_done++;
        load_result.ops++;
    }
}


/* Send as fast as they are taken, or at the rate. */

static void
load_broadcast_until(load_conn_t *conns, double seconds)
{
    int       msec;
    uint64_t  begun, due, heard, now;

    begun = load_now();
    heard = begun;
    load_until = begun + (uint64_t) (seconds * 1e9);
    due = begun;

    for ( ;; ) {
        now = load_now();

        if (now >= load_until) {
            if (load_done == load_sent) {
                return;
            }

        } else if (load_options.rate) {
            while (due <= now && load_sent - load_done < LOAD_WINDOW) {
                load_broadcast_send(&conns[0]);
                due += 1000000000 / load_options.rate;
            }

        } else {
            while (load_sent - load_done < load_options.window) {
                load_broadcast_send(&conns[0]);
            }
        }

        msec = 10;

        if (load_options.rate && due < load_until) {
            now = load_now();
            msec = due > now ? (int) ((due - now) / 1000000) : 0;
        }

        if (load_turn(msec, load_broadcast_packet) > 0) {
            heard = load_now();

        } else if (load_now() > heard + LOAD_SILENCE * 1000000ull) {
            load_result.lost += (load_sent - load_done)
                                * load_options.connections;
            for ( ; load_done < load_sent; load_done++) {
                load_result.lost -= load_got[load_done % LOAD_WINDOW];
            }

            return;
        }
    }
}


static void
load_mode_broadcast(void)
{
    load_conn_t  *conns;

    conns = load_conns(load_options.connections);
    load_open(conns, load_options.connections);

    load_broadcast_until(conns, load_options.seconds * LOAD_WARM);

    load_begin();
    load_broadcast_until(conns, load_options.seconds);
    load_end();
}


static void
load_echo_send(load_conn_t *c)
{
    int   n;
    char  head[32];

    n = snprintf(head, sizeof(head), "42%u[\"e\",", ++c->id);
    n = load_event(head, c->id, "]");

    c->started = load_now();
    load_send(c, load_text, n);
}


/* The ack of the one that is waited for: its id, then its arguments. */

static unsigned
load_acked(load_conn_t *c, const uint8_t *data, size_t len)
{
    int   n;
    char  head[32];

    n = snprintf(head, sizeof(head), "43%u[", c->id);

    if (len < (size_t) n || memcmp(data, head, n) != 0) {
        load_result.disordered++;
        return 0;
    }

    load_latency(load_now() - c->started);

    return 1;
}


static void
load_echo_packet(load_conn_t *c, const uint8_t *data, size_t len)
{
    if (load_acked(c, data, len)) {
        load_result.ops++;

        if (load_now() < load_until) {
            load_echo_send(c);

        } else {
            c->phase = 0;
        }
    }
}


/* Until none waits for its answer any more. */

static void
load_acks_until(load_conn_t *conns, double seconds,
    void (*send)(load_conn_t *c), load_packet_pt packet)
{
    unsigned  i, waiting;
    uint64_t  heard;

    load_until = load_now() + (uint64_t) (seconds * 1e9);

    for (i = 0; i < load_options.connections; i++) {
        conns[i].phase = 1;
        send(&conns[i]);
    }

    heard = load_now();

    for ( ;; ) {
        if (load_turn(10, packet) > 0) {
            heard = load_now();
        }

        if (load_now() < load_until) {
            continue;
        }

        for (i = 0, waiting = 0; i < load_options.connections; i++) {
            waiting += conns[i].phase != 0;
        }

        if (waiting == 0) {
            return;
        }

        if (load_now() > heard + LOAD_SILENCE * 1000000ull) {
            load_result.lost += waiting;
            return;
        }
    }
}


static void
load_mode_echo(void)
{
    load_conn_t  *conns;

    conns = load_conns(load_options.connections);
    load_open(conns, load_options.connections);

    load_acks_until(conns, load_options.seconds * LOAD_WARM, load_echo_send,
                    load_echo_packet);

    load_begin();
    load_acks_until(conns, load_options.seconds, load_echo_send,
                    load_echo_packet);
    load_end();
}


static void
load_churn_send(load_conn_t *c)
{
    int  n;

    n = snprintf(load_text, sizeof(load_text),
                 "42%u[\"%s\",{\"r\":\"churn%u\"}]", c->id + 1,
                 c->id % 2 ? "l" : "j", (c->id / 2 * 7919 + c->fd) % 5000);

    c->id++;
    c->started = load_now();
    load_send(c, load_text, n);
}


/* It ends where it has left. */

static void
load_churn_packet(load_conn_t *c, const uint8_t *data, size_t len)
{
    if (load_acked(c, data, len)) {
        load_result.ops++;

        if (load_now() < load_until || c->id % 2) {
            load_churn_send(c);

        } else {
            c->phase = 0;
        }
    }
}


static void
load_mode_churn(void)
{
    load_conn_t  *conns;

    conns = load_conns(load_options.connections);
    load_open(conns, load_options.connections);

    load_acks_until(conns, load_options.seconds * LOAD_WARM, load_churn_send,
                    load_churn_packet);

    load_begin();
    load_acks_until(conns, load_options.seconds, load_churn_send,
                    load_churn_packet);
    load_end();
}


/* As many at a time as there are connections: a new one for each that is
   open. */

static void
load_connect_until(load_conn_t *conns, double seconds)
{
    unsigned  i, open;
    uint64_t  until;

    until = load_now() + (uint64_t) (seconds * 1e9);

    do {
        (void) load_turn(10, NULL);

        for (i = 0, open = 0; i < load_options.connections; i++) {
            if (conns[i].state == LOAD_OPEN) {
                load_latency(load_now() - conns[i].started);
                load_result.ops++;
                load_close(&conns[i]);
            }

            if (conns[i].state == LOAD_CLOSED && load_now() < until) {
                conns[i].started = load_now();
                load_connect(&conns[i]);
            }

            open += conns[i].state != LOAD_CLOSED;
        }

    } while (open);
}


static void
load_mode_connect(void)
{
    load_conn_t  *conns;

    conns = load_conns(load_options.connections);

    load_connect_until(conns, load_options.seconds * LOAD_WARM);

    load_begin();
    load_connect_until(conns, load_options.seconds);
    load_end();
}


static void
load_mode_idle(void)
{
    unsigned       warm;
    uint64_t       until;
    load_conn_t   *conns;

    /* what a first connection takes is not counted */

    warm = load_options.connections / 50 + 1;
    conns = load_conns(load_options.connections + warm);
    load_open(conns, warm);

    load_result.bytes = load_pss();
    load_open(conns + warm, load_options.connections);
    load_result.bytes = load_pss() - load_result.bytes;

    load_begin();
    load_result.ops = load_options.connections;
    until = load_now() + (uint64_t) (load_options.seconds * 1e9);

    while (load_now() < until) {
        (void) load_turn(10, NULL);
    }

    load_end();
}
