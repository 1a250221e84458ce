/*
 * Workers that hammer one zone and are killed all the time: anywhere, holding
 * a lock, between put and push, or while they look at a message.
 *
 * The test process is the master: it reaps and replaces the killed.  Each
 * worker numbers what it sends to each receiver, so that a receiver sees what
 * is lost or comes twice; it checks every byte; and it keeps a model of its
 * own cells in the directory, which the master compares in the end.
 */


#include "shm_fixture.h"

#include <sched.h>


#define ZONE     (8 * 1024 * 1024)
#define WORKERS  5
#define ROOMS    64
#define KILLS    250


enum { DIE_NOT, DIE_DIRECTORY, DIE_MESSAGES, DIE_INBOX, DIE_PUT, DIE_PEEK,
       DIE_N };


/* What a worker tells of itself: survives it, and is cleared by the next. */

typedef struct {
    volatile int       die;
    volatile int       stopped;
    volatile uint64_t  ticks;
    volatile uint64_t  sent[WORKERS];         /* last number, by receiver */
    volatile uint64_t  sent_to[WORKERS];      /* that receiver's incarnation */
    volatile uint64_t  received[WORKERS];     /* last number, by sender */
    volatile uint64_t  received_of[WORKERS];  /* that sender's incarnation */
    volatile uint32_t  cell[ROOMS];
    volatile uint32_t  count[ROOMS];
} report_t;


typedef struct {
    volatile int       stop;
    volatile int       end;
    volatile uint64_t  messages;
    char               fault[256];
    report_t           workers[WORKERS];
} control_t;


typedef struct {
    uint64_t  number[WORKERS];                /* for each receiver */
    uint64_t  incarnation;
    uint64_t  check;
} head_t;


typedef struct {
    ngx_http_socketio_zone_t  *zone;
    ngx_http_socketio_slot_t  *slot;
    control_t                 *control;
    report_t                  *me;
    unsigned                   n;
    uint64_t                   seed;
    uint8_t                    data[200000];
} worker_t;


static unsigned
random_below(worker_t *w, unsigned n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;

    return (unsigned) (w->seed >> 33) % n;
}


static void __attribute__((format(printf, 2, 3)))
fault(worker_t *w, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(w->control->fault, sizeof(w->control->fault), fmt, args);
    va_end(args);

    _exit(1);
}


static void
die(void)
{
    for ( ;; ) {
        (void) kill(getpid(), SIGKILL);
    }
}


static uint64_t
check(const uint8_t *data, size_t len)
{
    uint64_t  h;

    for (h = 1469598103934665603ull; len >= 8; data += 8, len -= 8) {
        h = (h ^ *(const uint64_t *) data) * 1099511628211ull;
    }

    return h;
}


static unsigned
receive(worker_t *w)
{
    head_t                        h;
    uint32_t                      ref;
    unsigned                      s, n;
    ngx_http_socketio_message_t  *m;

    ngx_http_socketio_slot_drain(w->zone, w->n);

    for (n = 0; ngx_http_socketio_slot_peek(w->zone, w->n, &ref) == NGX_OK;
         n++)
    {
        m = ngx_http_socketio_message(w->zone, ref);

        if (m == NULL || m->len < sizeof(h) || m->sender >= WORKERS) {
            fault(w, "no message: %u", ref);
        }

        if (!(m->unread[0] & 1ull << w->n)) {
            fault(w, "a message that is read already");
        }

        if (w->me->die == DIE_PEEK) {
            die();
        }

        memcpy(&h, m->data, sizeof(h));
        s = m->sender;

        if (h.check != check(m->data + sizeof(h), m->len - sizeof(h))) {
            fault(w, "a message is damaged");
        }

        if (w->me->received_of[s] == h.incarnation
            && w->me->received[s] + 1 != h.number[w->n])
        {
            fault(w, "number %llu after %llu",
                  (unsigned long long) h.number[w->n],
                  (unsigned long long) w->me->received[s]);
        }

        w->me->received[s] = h.number[w->n];
        w->me->received_of[s] = h.incarnation;
        __atomic_add_fetch(&w->control->messages, 1, __ATOMIC_RELAXED);
        ngx_http_socketio_slot_done(w->zone, w->n);
    }

    return n;
}


static void
deliver(worker_t *w, uint32_t ref, unsigned to, uint64_t number)
{
    uint64_t   incarnation;
    ngx_int_t  rc;

    for ( ;; ) {
        incarnation = ngx_http_socketio_slot(w->zone, to)->incarnation;
        rc = ngx_http_socketio_slot_push(w->zone, to, ref);

        if (rc != NGX_AGAIN) {
            break;
        }

        if (receive(w) == 0) {
            sched_yield();
        }
    }

    if (rc == NGX_DECLINED) {
        ngx_http_socketio_message_read(w->zone, ref, to);
        return;
    }

    w->me->sent[to] = number;
    w->me->sent_to[to] = incarnation;
}


static void
send_one(worker_t *w, uint64_t *numbers)
{
    head_t     h;
    size_t     len;
    uint32_t   ref;
    uint64_t   to[2];
    unsigned   i;

    to[0] = 0;
    to[1] = 0;

    for (i = 0; i < WORKERS; i++) {
        if (i != w->n && random_below(w, 2)
            && ngx_http_socketio_slot(w->zone, i)->pid)
        {
            to[0] |= 1ull << i;
        }
    }

    len = random_below(w, 500) == 0 ? 8 * random_below(w, 20000)
                                    : 8 * random_below(w, 60);

    memset(w->data + sizeof(h), (int) random_below(w, 256), len);

    for (i = 0; i < WORKERS; i++) {
        h.number[i] = numbers[i] + 1;
    }

    h.incarnation = w->slot->incarnation;
    h.check = check(w->data + sizeof(h), len);
    memcpy(w->data, &h, sizeof(h));

    ref = ngx_http_socketio_message_put(w->zone, w->n, 0, to,
                                        sio_str(w->data, sizeof(h) + len));
    if (ref == 0) {
        receive(w);
        return;
    }

    if (w->me->die == DIE_PUT) {
        die();
    }

    for (i = 0; i < WORKERS; i++) {
        if (to[0] & 1ull << i) {
            deliver(w, ref, i, ++numbers[i]);
        }
    }
}


static void
change(worker_t *w)
{
    unsigned                   r, count;
    ngx_http_socketio_key_t    key;
    ngx_http_socketio_found_t  found;

    r = random_below(w, ROOMS);
    key = shm_room(w->zone, r);
    count = 1 + random_below(w, 9);

    if (w->me->cell[r] == 0) {
        w->me->count[r] = count;
        w->me->cell[r] = ngx_http_socketio_directory_add(w->zone, &key, w->n,
                                                         count);
    } else if (random_below(w, 2)) {
        w->me->count[r] = count;
        ngx_http_socketio_directory_count(w->zone, w->me->cell[r], count);

    } else {
        ngx_http_socketio_directory_remove(w->zone, w->me->cell[r]);
        w->me->cell[r] = 0;
    }

    found = shm_find(w->zone, key);

    if ((found.slots[0] >> w->n & 1) != (w->me->cell[r] != 0)) {
        fault(w, "room %u of slot %u is not as it was set", r, w->n);
    }
}


static void
worker(ngx_http_socketio_zone_t *zone, control_t *control, unsigned n)
{
    worker_t  *w;
    uint64_t   numbers[WORKERS];

    shm_worker();
    w = calloc(1, sizeof(worker_t));
    w->zone = zone;
    w->control = control;
    w->n = n;
    w->me = &control->workers[n];
    w->seed = 88172645463325252ull ^ (uint64_t) getpid() << 20;
    memset(numbers, 0, sizeof(numbers));
    memset(w->me, 0, sizeof(report_t));
    w->slot = ngx_http_socketio_slot(zone, n);

    if (ngx_http_socketio_slot_take(zone, n, 1) != NGX_OK) {
        fault(w, "slot %u is not to be had", n);
    }

    (void) ngx_http_socketio_directory_reap(zone, n);

    while (!control->stop) {
        w->me->ticks++;
        send_one(w, numbers);
        change(w);
        receive(w);

        if (w->me->ticks % 64 == 0) {
            ngx_http_socketio_message_reclaim(zone, n);
        }

        switch (w->me->die) {
        case DIE_DIRECTORY:
            (void) ngx_http_socketio_lock(&zone->directory_lock);
            die();
            break;

        case DIE_MESSAGES:
            (void) ngx_http_socketio_lock(&zone->message_lock);
            die();
            break;

        case DIE_INBOX:
            (void) ngx_http_socketio_lock(
                       &ngx_http_socketio_slot(zone, (n + 1) % WORKERS)->lock);
            die();
        }
    }

    w->me->stopped = 1;

    while (!control->end) {
        receive(w);
        usleep(1000);
    }

    receive(w);
    w->me->stopped = 2;

    while (control->end < 2) {
        usleep(1000);
    }

    ngx_http_socketio_message_reclaim(zone, n);
    ngx_http_socketio_slot_leave(zone, n);
    (void) ngx_http_socketio_directory_reap(zone, n);
    free(w);
    _exit(0);
}


static pid_t
start(ngx_http_socketio_zone_t *zone, control_t *control, unsigned n)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        worker(zone, control, n);
    }

    return pid;
}


static void
wait_stopped(control_t *control, int phase)
{
    unsigned  n;

    for (n = 0; n < WORKERS; n++) {
        while (control->workers[n].stopped < phase && !control->fault[0]) {
            usleep(1000);
        }
    }
}


/* Kill someone every few milliseconds; returns how many went as planned. */

static unsigned
kill_all_the_time(ngx_http_socketio_zone_t *zone, control_t *control,
    pid_t *pids)
{
    int       status;
    unsigned  i, n, planned, wait;

    planned = 0;
    srandom((unsigned) getpid());

    for (i = 0; i < KILLS && !control->fault[0]; i++) {
        n = (unsigned) random() % WORKERS;
        usleep(2000 + (unsigned) random() % 8000);

        if (i % 2) {
            control->workers[n].die = 1 + (int) (i / 2 % (DIE_N - 1));

            for (wait = 0; wait < 500; wait++) {
                if (waitpid(pids[n], &status, WNOHANG) == pids[n]) {
                    planned++;
                    break;
                }

                usleep(200);
            }
        }

        if (i % 2 == 0 || wait == 500) {
            (void) kill(pids[n], SIGKILL);
            (void) waitpid(pids[n], &status, 0);
        }

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
            if (!control->fault[0]) {
                strcpy(control->fault, "a worker crashed");
            }

            pids[n] = 0;
            break;
        }

        pids[n] = start(zone, control, n);
    }

    return planned;
}


static void
compare(ngx_http_socketio_zone_t *zone, control_t *control)
{
    unsigned                   n, s, r, lost, wrong, pairs, cells;
    uint64_t                   slots, count;
    report_t                  *a, *b;
    ngx_http_socketio_found_t  found;

    lost = 0;
    pairs = 0;

    for (s = 0; s < WORKERS; s++) {
        for (n = 0; n < WORKERS; n++) {
            a = &control->workers[s];
            b = &control->workers[n];

            if (a->sent[n] && a->sent_to[n]
                == ngx_http_socketio_slot(zone, n)->incarnation)
            {
                pairs++;
                lost += a->sent[n] != b->received[s]
                        || b->received_of[s]
                           != ngx_http_socketio_slot(zone, s)->incarnation;
            }
        }
    }

    ok(pairs > 0, "%u pairs of workers have talked", pairs);
    is_int(lost, 0, "the last message of each has arrived");

    wrong = 0;
    cells = 0;

    for (r = 0; r < ROOMS; r++) {
        slots = 0;
        count = 0;

        for (n = 0; n < WORKERS; n++) {
            if (control->workers[n].cell[r]) {
                slots |= 1ull << n;
                count += control->workers[n].count[r];
                cells++;
            }
        }

        found = shm_find(zone, shm_room(zone, r));
        wrong += found.slots[0] != slots || found.count != count;
    }

    is_int(wrong, 0, "the directory is what the workers set");
    is_int(zone->cells_used, cells, "and nothing else");
}


int
main(void)
{
    pid_t                      pids[WORKERS];
    unsigned                   n, planned;
    control_t                 *control;
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    zone = shm_zone(ZONE);
    control = mmap(NULL, sizeof(control_t), PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (n = 0; n < WORKERS; n++) {
        pids[n] = start(zone, control, n);
    }

    planned = kill_all_the_time(zone, control, pids);

    for (n = 0; n < WORKERS; n++) {
        while (control->workers[n].ticks < 100 && !control->fault[0]) {
            usleep(1000);
        }
    }

    control->stop = 1;
    wait_stopped(control, 1);
    control->end = 1;
    wait_stopped(control, 2);

    if (!ok(control->fault[0] == '\0', "%u killed, %u of them at a bad time",
            KILLS, planned))
    {
        printf("# %s\n", control->fault);

        for (n = 0; n < WORKERS; n++) {
            if (pids[n]) {
                (void) kill(pids[n], SIGKILL);
            }
        }

        return unit_done();
    }

    ok(planned > KILLS / 3, "bad times are met");
    ok(control->messages > 10000, "%llu messages",
       (unsigned long long) control->messages);

    compare(zone, control);
    control->end = 2;

    for (n = 0; n < WORKERS; n++) {
        (void) waitpid(pids[n], NULL, 0);
    }

    ngx_http_socketio_slot_take(zone, 100, 1);
    ngx_http_socketio_message_reclaim(zone, 100);
    is_int(zone->chunks_used, 0, "all chunks are back");
    is_int(zone->cells_used, 0, "all cells are back");
    no_fault(shm_directory_fault(zone), "chains and free list");
    no_fault(shm_chunks_fault(zone), "runs");

    return unit_done();
}
