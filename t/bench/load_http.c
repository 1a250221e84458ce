/*
 * Modes of requests: posts of a backend, and long-polling.
 *
 * Connections are kept alive, each has one request at a time.  An answer must
 * name its length.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"


#define LOAD_WARM      0.1
#define LOAD_SILENCE   5                 /* seconds */


/* What a polling connection asks for next. */

typedef enum {
    LOAD_POLL_OPEN = 0,
    LOAD_POLL_CONNECT,
    LOAD_POLL_CONNECTED,
    LOAD_POLL_POST,                      /* an event with an ack */
    LOAD_POLL_GET,                       /* the ack */
    LOAD_POLL_IDLE
} load_poll_e;


static void load_mode_emit(void);
static void load_mode_polling(void);


const load_mode_t  load_http_modes[] = {
    { "emit", load_mode_emit,
      "POST --path with an event of the API; per request" },
    { "polling", load_mode_polling,
      "an event by POST, its ack by GET; per pair" },
    { NULL, NULL, NULL }
};


static uint64_t  load_until;
static unsigned  load_waiting;


static void
load_request(load_conn_t *c, const char *method, const char *query,
    const char *body)
{
    int   n;
    char  text[LOAD_BUFFER];

    n = snprintf(text, sizeof(text),
                 "%s %s%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                 "%s%s%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                 method, load_options.path, query, load_options.port,
                 load_options.key ? "Authorization: Bearer " : "",
                 load_options.key ? load_options.key : "",
                 load_options.key ? "\r\n" : "",
                 query[0] ? "text/plain;charset=UTF-8" : "application/json",
                 strlen(body), body);

    c->started = load_now();
    load_write(c, text, n);
}


/* One answer: its body, or NULL while it has not come whole. */

static const char *
load_answer(load_conn_t *c)
{
    char         *end, *length;
    size_t        n, head;
    ssize_t       got;
    static char   text[LOAD_BUFFER];

    got = recv(c->fd, text, sizeof(text) - 1, MSG_PEEK);

    if (got <= 0) {
        load_fail("the server has closed a connection");
    }

    text[got] = '\0';

    end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        return NULL;
    }

    length = strcasestr(text, "\r\nContent-Length: ");
    if (length == NULL || length > end) {
        load_fail("an answer without its length: %s", text);
    }

    n = strtoul(length + 18, NULL, 10);
    head = end + 4 - text;

    if (head + n > (size_t) got) {
        return NULL;
    }

    (void) recv(c->fd, text, head + n, 0);
    text[head + n] = '\0';

    if (memcmp(text, "HTTP/1.1 2", 10) != 0) {
        load_result.errors++;
    }

    return end + 4;
}


static void
load_http_open(load_conn_t *c)
{
    load_connect(c);
    c->state = LOAD_OPEN;
}


static void
load_emit_send(load_conn_t *c)
{
    int   n, fill;
    char  body[LOAD_BUFFER];

    n = snprintf(body, sizeof(body),
                 "{\"event\":\"%s\",\"to\":\"%s\",\"data\":{\"p\":\"",
                 load_options.event, load_options.to);

    fill = (int) load_options.size;
    memset(body + n, 'x', fill);
    snprintf(body + n + fill, sizeof(body) - n - fill, "\"}}");

    load_request(c, "POST", "", body);
}


/* Wait for answers; answered() asks the next, or is done with it. */

static void
load_requests(load_conn_t *conns, void (*answered)(load_conn_t *c,
    const char *body), double seconds)
{
    int                 i, n;
    uint64_t            heard;
    const char         *body;
    load_conn_t        *c;
    struct epoll_event  events[256];

    load_until = load_now() + (uint64_t) (seconds * 1e9);
    load_waiting = load_options.connections;

    for (i = 0; i < (int) load_options.connections; i++) {
        answered(&conns[i], NULL);
    }

    heard = load_now();

    while (load_waiting) {
        n = load_wait(events, 256, 100);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;
            body = load_answer(c);

            if (body) {
                heard = load_now();
                load_latency(heard - c->started);
                answered(c, body);
            }
        }

        if (load_now() > heard + LOAD_SILENCE * 1000000000ull) {
            load_result.lost += load_waiting;
            return;
        }
    }
}


static void
load_emit_answered(load_conn_t *c, const char *body)
{
    load_result.ops += body != NULL;

    if (load_now() < load_until) {
        load_emit_send(c);

    } else {
        load_waiting--;
    }
}


static load_conn_t *
load_http_conns(void)
{
    unsigned      i;
    load_conn_t  *conns;

    conns = load_conns(load_options.connections);

    for (i = 0; i < load_options.connections; i++) {
        load_http_open(&conns[i]);
        load_writable(&conns[i]);
        load_watch(&conns[i], EPOLLIN);
    }

    return conns;
}


static void
load_mode_emit(void)
{
    load_conn_t  *conns;

    conns = load_http_conns();
    load_requests(conns, load_emit_answered, load_options.seconds * LOAD_WARM);

    load_begin();
    load_requests(conns, load_emit_answered, load_options.seconds);
    load_end();
}


static void
load_poll_request(load_conn_t *c)
{
    int   n;
    char  query[64], body[LOAD_BUFFER];

    snprintf(query, sizeof(query), "?EIO=4&transport=polling%s%s",
             c->sid[0] ? "&sid=" : "", c->sid);

    switch (c->phase) {

    case LOAD_POLL_CONNECT:
        load_request(c, "POST", query, "40");
        return;

    case LOAD_POLL_POST:
        n = snprintf(body, sizeof(body), "42%u[\"e\",\"", ++c->id);
        memset(body + n, 'x', load_options.size);
        snprintf(body + n + load_options.size,
                 sizeof(body) - n - load_options.size, "\"]");
        load_request(c, "POST", query, body);
        return;

    default:
        load_request(c, "GET", query, "");
    }
}


static void
load_poll_answered(load_conn_t *c, const char *body)
{
    char  ack[32];

    if (body == NULL && c->phase == LOAD_POLL_IDLE) {
        c->phase = LOAD_POLL_POST;
        load_poll_request(c);
        return;
    }

    switch (c->phase) {

    case LOAD_POLL_OPEN:
        if (body) {
            if (sscanf(body, "0{\"sid\":\"%20[^\"]", c->sid) != 1) {
                load_fail("no open packet: %s", body);
            }

            c->phase = LOAD_POLL_CONNECT;
        }

        break;

    case LOAD_POLL_CONNECT:
        c->phase = LOAD_POLL_CONNECTED;
        break;

    case LOAD_POLL_POST:
        c->phase = LOAD_POLL_GET;
        break;

    case LOAD_POLL_GET:
        snprintf(ack, sizeof(ack), "43%u[", c->id);

        if (strstr(body, ack) == NULL) {
            break;                           /* a ping, or the like */
        }

        load_result.ops++;

        /* fall through */

    default:
        c->phase = LOAD_POLL_POST;

        if (load_now() >= load_until) {
            c->phase = LOAD_POLL_IDLE;
            load_waiting--;
            return;
        }
    }

    load_poll_request(c);
}


static void
load_mode_polling(void)
{
    load_conn_t  *conns;

    conns = load_http_conns();
    load_requests(conns, load_poll_answered, load_options.seconds * LOAD_WARM);

    load_begin();
    load_requests(conns, load_poll_answered, load_options.seconds);
    load_end();
}
