/*
 * Connections of the load generator.
 *
 * They come from as many loopback addresses as there are ports to want, and
 * read into one buffer; a connection keeps bytes only of a frame that has not
 * come whole.
 */


#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"


#define LOAD_OPENING_MAX   100           /* connections at a time */
#define LOAD_OPENING_TIME  120           /* seconds, for all */
#define LOAD_PER_ADDRESS   2500          /* connections: finding a free port
                                            among few takes time */


static void load_input(load_conn_t *c, const uint8_t *data, size_t len,
    load_packet_pt packet);
static size_t load_handshake(load_conn_t *c, const uint8_t *data, size_t len);
static void load_packet(load_conn_t *c, const uint8_t *data, size_t len,
    load_packet_pt packet);


static int      load_epoll = -1;
static uint8_t  load_buffer[2 * LOAD_BUFFER];


load_conn_t *
load_conns(unsigned n)
{
    unsigned      i;
    load_conn_t  *conns;

    conns = calloc(n, sizeof(load_conn_t));
    if (conns == NULL) {
        load_fail("no memory for %u connections", n);
    }

    for (i = 0; i < n; i++) {
        conns[i].fd = -1;
        conns[i].state = LOAD_CLOSED;
    }

    return conns;
}


void
load_watch(load_conn_t *c, uint32_t events)
{
    struct epoll_event  ev;

    if (load_epoll == -1) {
        load_epoll = epoll_create1(EPOLL_CLOEXEC);
    }

    ev.events = events;
    ev.data.ptr = c;

    if (epoll_ctl(load_epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1
        && epoll_ctl(load_epoll, EPOLL_CTL_MOD, c->fd, &ev) == -1)
    {
        load_fail("epoll_ctl(): %s", strerror(errno));
    }
}


void
load_connect(load_conn_t *c)
{
    int                 one = 1;
    static unsigned     made;
    struct sockaddr_in  sin;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1) {
        load_fail("socket(): %s", strerror(errno));
    }

    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK
                                + (made++ / LOAD_PER_ADDRESS
                                   + (unsigned) getpid() * 16) % 250 + 1);

    if (bind(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        load_fail("bind(): %s", strerror(errno));
    }

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons(load_options.port);

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        load_fail("connect(): %s", strerror(errno));
    }

    c->state = LOAD_CONNECTING;
    c->nkept = 0;
    c->left = 0;
    c->phase = 0;

    load_watch(c, EPOLLOUT);
}


void
load_close(load_conn_t *c)
{
    if (c->fd != -1) {
        close(c->fd);
    }

    free(c->kept);
    c->kept = NULL;
    c->nkept = 0;
    c->fd = -1;
    c->state = LOAD_CLOSED;
}


void
load_open(load_conn_t *conns, unsigned n)
{
    unsigned  i, opening, begun, open;
    uint64_t  until;

    until = load_now() + LOAD_OPENING_TIME * 1000000000ull;
    begun = 0;

    for ( ;; ) {
        open = 0;

        for (i = 0; i < begun; i++) {
            open += conns[i].state == LOAD_OPEN;

            if (conns[i].state == LOAD_CLOSED) {
                load_fail("a connection was closed while it opened");
            }
        }

        opening = begun - open;

        if (open == n) {
            return;
        }

        while (begun < n && opening < LOAD_OPENING_MAX) {
            load_connect(&conns[begun++]);
            opening++;
        }

        (void) load_turn(100, NULL);

        if (load_now() > until) {
            load_fail("only %u of %u connections are open", open, n);
        }
    }
}


int
load_wait(struct epoll_event *events, int n, int msec)
{
    return epoll_wait(load_epoll, events, n, msec);
}


int
load_turn(int msec, load_packet_pt packet)
{
    int                 i, n;
    load_conn_t        *c;
    struct epoll_event  events[512];

    n = load_wait(events, 512, msec);

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;

        if (c->fd != -1) {
            load_read(c, packet);
        }
    }

    return n;
}


void
load_writable(load_conn_t *c)
{
    int            error;
    socklen_t      len;
    struct pollfd  fd;

    fd.fd = c->fd;
    fd.events = POLLOUT;
    error = 0;
    len = sizeof(error);

    if (poll(&fd, 1, 10000) != 1
        || getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1
        || error)
    {
        load_fail("connect(): %s", strerror(error));
    }
}


static void
load_upgrade(load_conn_t *c)
{
    int   n;
    char  text[512];

    load_writable(c);

    n = snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                 "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                 load_options.path, load_options.port);

    c->state = LOAD_HANDSHAKE;
    load_write(c, text, n);
    load_watch(c, EPOLLIN);
}


void
load_read(load_conn_t *c, load_packet_pt packet)
{
    ssize_t   n;
    uint8_t  *data;

    if (c->state == LOAD_CONNECTING) {
        load_upgrade(c);
        return;
    }

    data = load_buffer;

    if (c->nkept) {
        memcpy(data, c->kept, c->nkept);
    }

    n = recv(c->fd, data + c->nkept, LOAD_BUFFER, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        load_result.errors++;
        load_close(c);
        return;
    }

    n += c->nkept;
    c->nkept = 0;

    load_input(c, data, n, packet);
}


/* Head and frames, as far as they are whole; the rest is kept. */

static void
load_input(load_conn_t *c, const uint8_t *data, size_t len,
    load_packet_pt packet)
{
    size_t  head, n;

    if (c->state == LOAD_HANDSHAKE) {
        n = load_handshake(c, data, len);
        data += n;
        len -= n;
    }

    while (c->state > LOAD_HANDSHAKE && c->state < LOAD_CLOSED && len >= 2) {
        head = 2;
        n = data[1] & 0x7f;

        if (n == 126) {
            head = 4;
            n = len < 4 ? 0 : (size_t) data[2] << 8 | data[3];

        } else if (n == 127) {
            load_fail("a frame above 64 KB");
        }

        if (len < head + n) {
            break;
        }

        if ((data[0] & 0x0f) == 1) {
            load_packet(c, data + head, n, packet);

        } else if ((data[0] & 0x0f) == 8) {
            load_result.errors++;
            load_close(c);
        }

        data += head + n;
        len -= head + n;
    }

    if (len && c->fd != -1) {
        c->kept = realloc(c->kept, LOAD_BUFFER);

        if (c->kept == NULL || len > LOAD_BUFFER) {
            load_fail("no memory");
        }

        memcpy(c->kept, data, len);
        c->nkept = len;

    } else {
        free(c->kept);
        c->kept = NULL;
    }
}


static size_t
load_handshake(load_conn_t *c, const uint8_t *data, size_t len)
{
    const uint8_t  *end;

    end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    if (len < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0) {
        load_fail("no WebSocket: %.*s", (int) (end - data), data);
    }

    c->state = load_options.plain ? LOAD_OPEN : LOAD_OPENING;

    return end + 4 - data;
}


static void
load_packet(load_conn_t *c, const uint8_t *data, size_t len,
    load_packet_pt packet)
{
    if (load_options.plain) {
        if (packet) {
            packet(c, data, len);
        }

    } else if (len == 1 && data[0] == '2') {
        load_send(c, "3", 1);

    } else if (c->state == LOAD_OPENING && data[0] == '0') {
        c->state = LOAD_JOINING;
        load_send(c, "40", 2);

    } else if (c->state == LOAD_JOINING && len > 2
               && memcmp(data, "40", 2) == 0)
    {
        c->state = LOAD_OPEN;

    } else if (packet) {
        packet(c, data, len);
    }
}


void
load_send(load_conn_t *c, const char *text, size_t len)
{
    size_t                head, i;
    uint8_t               frame[8 + LOAD_BUFFER];
    static const uint8_t  mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

    if (len > LOAD_BUFFER) {
        load_fail("an event above 64 KB");
    }

    frame[0] = 0x81;
    head = 2;

    if (len < 126) {
        frame[1] = 0x80 | len;

    } else {
        frame[1] = 0x80 | 126;
        frame[2] = len >> 8;
        frame[3] = len & 0xff;
        head = 4;
    }

    memcpy(frame + head, mask, 4);
    head += 4;

    for (i = 0; i < len; i++) {
        frame[head + i] = text[i] ^ mask[i % 4];
    }

    load_write(c, frame, head + len);
}


void
load_write(load_conn_t *c, const void *data, size_t len)
{
    ssize_t        n;
    struct pollfd  fd;

    while (len) {
        n = send(c->fd, data, len, MSG_NOSIGNAL);

        if (n == -1 && errno == EAGAIN) {
            fd.fd = c->fd;
            fd.events = POLLOUT;

            if (poll(&fd, 1, 10000) == 1) {
                continue;
            }
        }

        if (n == -1) {
            load_result.errors++;
            return;
        }

        data = (const char *) data + n;
        len -= n;
    }
}
