/*
 * The load generator: one process, one epoll, nonblocking connections.
 *
 *     load.c           options, modes, the result
 *     load_conn.c      WebSockets: opening, frames in, frames out
 *     load_socket.c    modes of WebSockets: broadcast, echo, churn, ...
 *     load_http.c      modes of requests: emit, polling
 *     load_stat.c      latencies, CPU and memory of the server
 *
 * What arrives is counted and checked: each receiver must get the numbers of
 * a sender without a gap, without a repeat and in order.
 */


#ifndef _LOAD_H_INCLUDED_
#define _LOAD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>


#define LOAD_PIDS     256
#define LOAD_BUCKETS  1024               /* of latencies: 16 for each power */
#define LOAD_BUFFER   65536


typedef struct load_conn_s  load_conn_t;


/* What a connection is doing. */

typedef enum {
    LOAD_CONNECTING = 0,
    LOAD_HANDSHAKE,                      /* waits for the 101 */
    LOAD_OPENING,                        /* for Engine.IO's open packet */
    LOAD_JOINING,                        /* for the answer to CONNECT */
    LOAD_OPEN,
    LOAD_CLOSED
} load_state_e;


struct load_conn_s {
    int           fd;
    load_state_e  state;
    uint32_t      id;                    /* of acks */
    uint64_t      next;                  /* number that is to come */
    uint64_t      started;               /* nsec: of the request at hand */
    uint8_t      *kept;                  /* a frame that is not whole */
    size_t        nkept;
    size_t        left;                  /* of a body: still to come */
    unsigned      phase;                 /* of a mode */
    char          sid[24];               /* of a polling session */
};


/* From the command line. */

typedef struct {
    const char   *mode;
    const char   *path;                  /* of requests */
    const char   *key;                   /* Bearer, or NULL */
    const char   *event;                 /* of emit: its body's */
    const char   *to;                    /* of emit */
    uint16_t      port;
    unsigned      plain;                 /* a bare WebSocket: no Engine.IO */
    unsigned      connections;
    unsigned      window;                /* broadcasts under way */
    unsigned      rate;                  /* broadcasts per second, 0: as fast
                                            as they are taken */
    unsigned      size;                  /* bytes of an event's payload */
    unsigned      count;                 /* operations, 0: by time */
    double        seconds;
    int           pids[LOAD_PIDS];       /* of the server */
    unsigned      npids;
} load_options_t;


typedef struct {
    uint64_t      ops;
    uint64_t      deliveries;
    uint64_t      lost;
    uint64_t      repeated;
    uint64_t      disordered;
    uint64_t      errors;                /* refused, closed */
    uint64_t      wall;                  /* nsec */
    uint64_t      cpu;                   /* nsec, all of the server */
    uint64_t      own;                   /* nsec, the generator's */
    uint64_t      bytes;                 /* the server's PSS has grown by */
    uint64_t      latency[LOAD_BUCKETS];
    uint64_t      nlatency;
} load_result_t;


extern load_options_t  load_options;
extern load_result_t   load_result;


/* A mode: run() opens what it needs, measures, and closes. */

typedef struct {
    const char   *name;
    void        (*run)(void);
    const char   *what;
} load_mode_t;

extern const load_mode_t  load_socket_modes[];
extern const load_mode_t  load_http_modes[];


/* Connections.  What fails ends the program with a message. */

load_conn_t *load_conns(unsigned n);
void load_connect(load_conn_t *c);
void load_close(load_conn_t *c);
void load_watch(load_conn_t *c, uint32_t events);

/* Open them, a bounded number at a time, as far as LOAD_OPEN. */

void load_open(load_conn_t *conns, unsigned n);

/* The state goes on by what came; text packets of LOAD_OPEN go to packet. */

typedef void (*load_packet_pt)(load_conn_t *c, const uint8_t *data,
    size_t len);

void load_read(load_conn_t *c, load_packet_pt packet);

/* Wait for events, at most msec, and read; returns how many. */

int load_turn(int msec, load_packet_pt packet);

/* The bare wait; and until a connect() is through. */

int load_wait(struct epoll_event *events, int n, int msec);
void load_writable(load_conn_t *c);

/* A masked text frame; blocks for the moment if the socket is full. */

void load_send(load_conn_t *c, const char *text, size_t len);
void load_write(load_conn_t *c, const void *data, size_t len);


/* Time, latencies, and what the server takes. */

uint64_t load_now(void);
void load_latency(uint64_t nsec);
uint64_t load_percentile(double part);
uint64_t load_cpu(void);
uint64_t load_cpu_own(void);
uint64_t load_pss(void);

/* Between these two it is measured. */

void load_begin(void);
void load_end(void);

/* Print to stderr and exit. */

void load_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));


#endif /* _LOAD_H_INCLUDED_ */
