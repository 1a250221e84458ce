/*
 * floor --port N [--workers N] [--coalesce]
 *
 * The least that a server has to do: a bare epoll loop in each process, one
 * send() of a prebuilt frame for each receiver.  It speaks just enough to be
 * put under load: it upgrades any request, answers CONNECT, sends event "b" to
 * all connections of all processes, acks any event that wants it with its
 * arguments.  It checks nothing.
 *
 * --coalesce: what a turn of the loop has for everybody is sent at its end.
 */


#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>


#define FLOOR_WORKERS  16
#define FLOOR_BUFFER   65536


typedef struct {
    int       fd;
    unsigned  open;                      /* the 101 was sent */
    unsigned  member;                    /* of those that get what is sent to
                                            all, and where */
    size_t    nkept;
    uint8_t  *kept;                      /* what has not come whole */
} floor_conn_t;


static int            floor_epoll;
static int            floor_pipes[FLOOR_WORKERS][2];
static int            floor_workers = 2;
static int            floor_self;
static int            floor_coalesce;
static floor_conn_t **floor_members;
static unsigned       floor_nmembers;
static unsigned       floor_cap;
static uint8_t        floor_turn[1 << 20];       /* of --coalesce */
static size_t         floor_nturn;
static floor_conn_t   floor_listener;
static floor_conn_t   floor_pipe;


static void
floor_fail(const char *what)
{
    perror(what);
    exit(1);
}


static void
floor_watch(floor_conn_t *c)
{
    struct epoll_event  ev;

    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (epoll_ctl(floor_epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1) {
        floor_fail("epoll_ctl()");
    }
}


static void
floor_close(floor_conn_t *c)
{
    if (c->open) {
        floor_members[c->member] = floor_members[--floor_nmembers];
        floor_members[c->member]->member = c->member;
    }

    close(c->fd);
    free(c->kept);
    free(c);
}


/* The head of a frame; returns its length. */

static size_t
floor_head(uint8_t *dst, size_t len)
{
    dst[0] = 0x81;

    if (len < 126) {
        dst[1] = (uint8_t) len;
        return 2;
    }

    dst[1] = 126;
    dst[2] = len >> 8;
    dst[3] = len & 0xff;

    return 4;
}


static void
floor_text(floor_conn_t *c, const char *text, size_t len)
{
    size_t   n;
    uint8_t  frame[FLOOR_BUFFER];

    n = floor_head(frame, len);
    memcpy(frame + n, text, len);

    (void) !send(c->fd, frame, n + len, MSG_NOSIGNAL);
}


/* A frame to all connections of this process. */

static void
floor_all(const uint8_t *frame, size_t len)
{
    unsigned  i;

    if (floor_coalesce) {
        if (floor_nturn + len <= sizeof(floor_turn)) {
            memcpy(floor_turn + floor_nturn, frame, len);
            floor_nturn += len;
        }

        return;
    }

    for (i = 0; i < floor_nmembers; i++) {
        (void) !send(floor_members[i]->fd, frame, len, MSG_NOSIGNAL);
    }
}


static void
floor_turn_end(void)
{
    unsigned  i;

    for (i = 0; floor_nturn && i < floor_nmembers; i++) {
        (void) !send(floor_members[i]->fd, floor_turn, floor_nturn,
                     MSG_NOSIGNAL);
    }

    floor_nturn = 0;
}


static void
floor_broadcast(const char *text, size_t len)
{
    int      i;
    size_t   n;
    uint8_t  frame[FLOOR_BUFFER];

    n = floor_head(frame, len);
    memcpy(frame + n, text, len);

    for (i = 0; i < floor_workers; i++) {
        if (i != floor_self) {
            (void) !write(floor_pipes[i][1], frame, n + len);
        }
    }

    floor_all(frame, n + len);
}


static void
floor_packet(floor_conn_t *c, char *text, size_t len)
{
    size_t  i;

    if (len == 2 && memcmp(text, "40", 2) == 0) {
        floor_text(c, "40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}", 30);

    } else if (len > 6 && memcmp(text, "42[\"b\"", 6) == 0) {
        floor_broadcast(text, len);

    } else if (len > 3 && memcmp(text, "42", 2) == 0) {
        for (i = 2; i < len && text[i] != '['; i++) { /* the id */ }

        /* 42ID["e",ARGS]: the bytes before ARGS become 43ID[ */

        if (i > 2 && i + 5 < len) {
            memmove(text + 4, text, i + 1);
            text[5] = '3';
            floor_text(c, text + 4, len - 4);
        }
    }
}


static size_t
floor_upgrade(floor_conn_t *c, const char *data, size_t len)
{
    int          n;
    char         text[512], key[128], accept[64];
    const char  *end, *line;
    uint8_t      digest[SHA_DIGEST_LENGTH];

    static const char  open_packet[] =
        "0{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\",\"upgrades\":[],"
        "\"pingInterval\":25000,\"pingTimeout\":20000,"
        "\"maxPayload\":1000000}";

    end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    line = memmem(data, len, "Sec-WebSocket-Key: ", 19);
    if (line == NULL || sscanf(line + 19, "%60[^\r]", key) != 1) {
        return len;
    }

    strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    SHA1((uint8_t *) key, strlen(key), digest);
    EVP_EncodeBlock((uint8_t *) accept, digest, SHA_DIGEST_LENGTH);

    n = snprintf(text, sizeof(text),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                 accept);

    n += floor_head((uint8_t *) text + n, sizeof(open_packet) - 1);
    memcpy(text + n, open_packet, sizeof(open_packet) - 1);

    (void) !send(c->fd, text, n + sizeof(open_packet) - 1, MSG_NOSIGNAL);

    if (floor_nmembers == floor_cap) {
        floor_cap = floor_cap ? 2 * floor_cap : 1024;
        floor_members = realloc(floor_members,
                                floor_cap * sizeof(floor_conn_t *));
        if (floor_members == NULL) {
            floor_fail("realloc()");
        }
    }

    c->open = 1;
    c->member = floor_nmembers;
    floor_members[floor_nmembers++] = c;

    return end + 4 - data;
}


/* Masked frames, as far as they are whole; returns what was taken. */

static size_t
floor_frames(floor_conn_t *c, char *data, size_t len)
{
    size_t   i, n, head, taken;
    char    *mask, *text;

    taken = 0;

    while (len - taken >= 6) {
        text = data + taken;
        n = (uint8_t) text[1] & 0x7f;
        head = 6;

        if (n == 126) {
            n = (size_t) (uint8_t) text[2] << 8 | (uint8_t) text[3];
            head = 8;
        }

        if (len - taken < head + n) {
            break;
        }

        mask = text + head - 4;
        text += head;

        for (i = 0; i < n; i++) {
            text[i] ^= mask[i & 3];
        }

        taken += head + n;

        if ((*(mask - (head - 4)) & 0x0f) == 1) {
            floor_packet(c, text, n);
        }
    }

    return taken;
}


static void
floor_read(floor_conn_t *c)
{
    size_t       len, n;
    ssize_t      got;
    static char  data[2 * FLOOR_BUFFER];

    if (c->nkept) {
        memcpy(data, c->kept, c->nkept);
    }

    got = recv(c->fd, data + c->nkept, FLOOR_BUFFER, MSG_DONTWAIT);

    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            floor_close(c);
        }

        return;
    }

    len = c->nkept + got;
    n = 0;

    if (!c->open) {
        n = floor_upgrade(c, data, len);
    }

    if (c->open) {
        n += floor_frames(c, data + n, len - n);
    }

    c->nkept = len - n;

    if (c->nkept) {
        c->kept = realloc(c->kept, FLOOR_BUFFER);
        if (c->kept == NULL || c->nkept > FLOOR_BUFFER) {
            floor_fail("realloc()");
        }

        memcpy(c->kept, data + n, c->nkept);

    } else if (c->kept) {
        free(c->kept);
        c->kept = NULL;
    }
}


static void
floor_accept(void)
{
    int            fd, one = 1;
    floor_conn_t  *c;

    fd = accept4(floor_listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1) {
        return;
    }

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    c = calloc(1, sizeof(floor_conn_t));
    if (c == NULL) {
        floor_fail("calloc()");
    }

    c->fd = fd;
    floor_watch(c);
}


static void
floor_worker(uint16_t port)
{
    int                 i, n, one = 1;
    char                frame[FLOOR_BUFFER];
    floor_conn_t       *c;
    struct sockaddr_in  sin;
    struct epoll_event  events[512];

    floor_epoll = epoll_create1(EPOLL_CLOEXEC);

    floor_listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(floor_listener.fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons(port);

    if (bind(floor_listener.fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(floor_listener.fd, 4096) == -1)
    {
        floor_fail("bind()");
    }

    floor_watch(&floor_listener);
    floor_pipe.fd = floor_pipes[floor_self][0];
    floor_watch(&floor_pipe);

    for ( ;; ) {
        n = epoll_wait(floor_epoll, events, 512, -1);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if (c == &floor_listener) {
                floor_accept();

            } else if (c == &floor_pipe) {
                one = read(c->fd, frame, sizeof(frame));
                if (one > 0) {
                    floor_all((uint8_t *) frame, one);
                }

            } else {
                floor_read(c);
            }
        }

        floor_turn_end();
    }
}


int
main(int argc, char **argv)
{
    int            i;
    uint16_t       port;
    struct rlimit  files;

    port = 0;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--coalesce") == 0) {
            floor_coalesce = 1;

        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = (uint16_t) atoi(argv[++i]);

        } else if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc) {
            floor_workers = atoi(argv[++i]);
        }
    }

    if (port == 0 || floor_workers < 1 || floor_workers > FLOOR_WORKERS) {
        fprintf(stderr, "usage: floor --port N [--workers 1..16] "
                        "[--coalesce]\n");
        return 2;
    }

    (void) getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);

    for (i = 0; i < floor_workers; i++) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, floor_pipes[i]) == -1) {
            floor_fail("socketpair()");
        }
    }

    for (floor_self = 1; floor_self < floor_workers; floor_self++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            floor_worker(port);
        }
    }

    floor_self = 0;
    floor_worker(port);
}
