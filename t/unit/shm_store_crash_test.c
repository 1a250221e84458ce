/*
 * Workers that share a store and are killed all the time, while they hold its
 * lock as a rule.
 *
 * Each keeps a ledger: numbered records of a key of its own, of which it says
 * in shared memory what it has added and removed; its successor goes on with
 * it.  Beside that all of them fill the store with records that may be
 * dropped.  Whatever is read must be whole and in order, what was added must
 * be there, and in the end every block is accounted for.
 */


#include "shm_fixture.h"


#define ZONE     (4 * 1024 * 1024)
#define WORKERS  4
#define KILLS    120
#define NOISE    64

#define MAIL     NGX_HTTP_SOCKETIO_STORE_MAIL
#define LIMIT    NGX_HTTP_SOCKETIO_STORE_LIMIT


typedef ngx_http_socketio_item_t  item_t;


/* What a worker tells of itself, and its successors go on with. */

typedef struct {
    volatile int       die;
    volatile int       stopped;
    volatile uint64_t  ticks;
    volatile uint64_t  adding;           /* the last number it tried to add */
    volatile uint64_t  added;
    volatile uint64_t  removing;
    volatile uint64_t  removed;
} report_t;


typedef struct {
    volatile int       stop;
    volatile uint64_t  taken_over;
    volatile uint64_t  dropped;
    char               fault[256];
    report_t           workers[WORKERS];
} control_t;


typedef struct {
    uint64_t  number;
    uint64_t  owner;
    uint64_t  check;
    uint64_t  len;
} head_t;


static uint64_t  seed;
static uint8_t   bytes[4000];


static unsigned
random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (unsigned) (seed >> 33) % n;
}


static uint64_t
check(const uint8_t *data, size_t len)
{
    uint64_t  h;

    for (h = 1469598103934665603ull; len; len--) {
        h = (h ^ *data++) * 1099511628211ull;
    }

    return h;
}


static ngx_http_socketio_key_t
key_of(ngx_http_socketio_zone_t *zone, ngx_http_socketio_store_e kind,
    uint64_t n)
{
    sio_str_t                name;
    ngx_http_socketio_key_t  key;

    name = sio_str(&n, sizeof(n));
    ngx_http_socketio_store_key(zone, kind, &name, 1, &key);

    return key;
}


/* With the lock held, a worker may be told to die at its next change. */

static void
lock(ngx_http_socketio_zone_t *zone, control_t *control)
{
    if (zone->store_lock.pid
        && ngx_http_socketio_process_dead((ngx_pid_t) zone->store_lock.pid))
    {
        control->taken_over++;
    }

    ngx_http_socketio_store_lock(zone);
}


static item_t *
add(ngx_http_socketio_zone_t *zone, ngx_http_socketio_key_t key,
    uint64_t owner, uint64_t number, uint64_t expires, unsigned evict)
{
    size_t     len;
    head_t     head;
    sio_str_t  parts[2];

    len = random_below(8) ? random_below(200) : random_below(4000);

    head.number = number;
    head.owner = owner;
    head.len = len;
    parts[0] = sio_str(&head, sizeof(head));
    parts[1] = sio_str(bytes + random_below(4000 - (unsigned) len), len);
    head.check = check(parts[1].data, len);

    return ngx_http_socketio_store_add(zone, &key, owner + 1, expires, evict,
                                       parts, 2);
}


/* Whether a record is whole; its head. */

static unsigned
whole(ngx_http_socketio_zone_t *zone, item_t *item, head_t *head)
{
    size_t          len;
    static uint8_t  copy[5000];

    len = ngx_http_socketio_store_read(zone, item, copy, sizeof(copy));

    if (len < sizeof(head_t)) {
        return 0;
    }

    memcpy(head, copy, sizeof(head_t));

    return len == sizeof(head_t) + head->len
           && head->check == check(copy + sizeof(head_t), head->len)
           && item->tag == head->owner + 1;
}


/*
 * A ledger holds the numbers that were added and not removed, in order, and
 * perhaps one whose owner was killed while it was added, or removed.
 */
static const char *
ledger_fault(ngx_http_socketio_zone_t *zone, report_t *r, uint64_t n)
{
    head_t                    head;
    item_t                   *item;
    uint64_t                  last;
    ngx_http_socketio_key_t   key;

    key = key_of(zone, MAIL, n);
    last = r->removed;

    for (item = ngx_http_socketio_store_first(zone, &key, 0); item;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        if (!whole(zone, item, &head) || head.owner != n) {
            return "a record is damaged";
        }

        if (head.number != last + 1
            && !(last == r->removed && head.number == r->removing + 1))
        {
            return "a record is missing, or out of order";
        }

        last = head.number;
    }

    return last == r->added || last == r->adding
           || (last == r->removed && r->removing == r->added)
           ? NULL : "the last record is missing";
}


static void
write_ledger(ngx_http_socketio_zone_t *zone, report_t *r, uint64_t n)
{
    head_t                    head;
    item_t                   *item;
    ngx_http_socketio_key_t   key;

    key = key_of(zone, MAIL, n);

    if (r->added - r->removed < random_below(60)) {
        r->adding = r->added + 1;
        item = add(zone, key, n, r->adding, 0, 0);

        if (item) {
            r->added = r->adding;
        }

        return;
    }

    item = ngx_http_socketio_store_first(zone, &key, 0);

    if (item && whole(zone, item, &head)) {
        r->removing = head.number;
        ngx_http_socketio_store_remove(zone, item);
        r->removed = head.number;
    }
}


/* What a predecessor was at: it is there, or it is not. */

static void
resume_ledger(ngx_http_socketio_zone_t *zone, report_t *r, uint64_t n)
{
    head_t                    head;
    item_t                   *item;
    uint64_t                  first, last;
    ngx_http_socketio_key_t   key;

    key = key_of(zone, MAIL, n);
    first = 0;
    last = 0;

    for (item = ngx_http_socketio_store_first(zone, &key, 0); item;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        (void) whole(zone, item, &head);
        first = first ? first : head.number;
        last = head.number;
    }

    r->added = last ? last : ngx_max(r->added, r->removing);
    r->adding = r->added;
    r->removed = first ? first - 1 : r->added;
    r->removing = r->removed;
}


/* Records that may be dropped: added, prolonged, removed by tag. */

static const char *
make_noise(ngx_http_socketio_zone_t *zone, control_t *control)
{
    head_t                    head;
    item_t                   *item;
    uint64_t                  n, id;
    ngx_http_socketio_key_t   key;

    n = random_below(NOISE);
    key = key_of(zone, LIMIT, n);
    id = 0;

    for (item = ngx_http_socketio_store_first(zone, &key, 0); item;
         item = ngx_http_socketio_store_next(zone, item, 0))
    {
        if (!whole(zone, item, &head) || head.owner != n || item->id <= id) {
            return "noise is damaged";
        }

        id = item->id;
    }

    switch (random_below(8)) {

    case 0:
        item = ngx_http_socketio_store_first(zone, &key, 0);
        if (item) {
            ngx_http_socketio_store_remove(zone, item);
        }
        break;

    case 1:
        item = ngx_http_socketio_store_tagged(zone, LIMIT, n + 1, 0);
        if (item) {
            ngx_http_socketio_store_expire(zone, item,
                                           item->expires + 90000);
        }
        break;

    default:
        if (zone->nblocks - zone->blocks_used < 40) {
            control->dropped++;
        }

        (void) add(zone, key, n, 0, 1700000000000 + random_below(100000), 1);
    }

    return NULL;
}


static void
worker(ngx_http_socketio_zone_t *zone, control_t *control, unsigned n)
{
    report_t    *r;
    const char  *fault;

    shm_worker();
    r = &control->workers[n];
    seed = (uint64_t) getpid() * 88172645463325253;

    lock(zone, control);
    resume_ledger(zone, r, n);
    ngx_http_socketio_store_unlock(zone);

    while (!control->stop) {
        lock(zone, control);

        if (r->die && random_below(2)) {
            (void) kill(getpid(), SIGKILL);
        }

        fault = ledger_fault(zone, r, n);
        fault = fault ? fault : make_noise(zone, control);

        if (fault) {
            (void) snprintf(control->fault, sizeof(control->fault), "%s: "
                            "added %llu %llu, removed %llu %llu", fault,
                            (unsigned long long) r->added,
                            (unsigned long long) r->adding,
                            (unsigned long long) r->removed,
                            (unsigned long long) r->removing);
            _exit(1);
        }

        write_ledger(zone, r, n);
        ngx_http_socketio_store_unlock(zone);

        /* who comes back at once keeps the others out */

        usleep(++r->ticks % 8 ? 1 : 200);
    }

    r->stopped = 1;
    _exit(0);
}


static pid_t
start(ngx_http_socketio_zone_t *zone, control_t *control, unsigned n)
{
    pid_t  pid;

    fflush(stdout);
    control->workers[n].die = 0;
    pid = fork();

    if (pid == 0) {
        worker(zone, control, n);
    }

    return pid;
}


/* The others go on while one is dead. */

static void
kill_all_the_time(ngx_http_socketio_zone_t *zone, control_t *control,
    pid_t *pids)
{
    int       status;
    unsigned  i, n;

    seed = (uint64_t) getpid() * 88172645463325253;

    for (i = 0; i < KILLS && !control->fault[0]; i++) {
        n = random_below(WORKERS);
        usleep(1000 + random_below(6000));

        if (i % 3 == 0) {
            control->workers[n].die = 1;

        } else {
            (void) kill(pids[n], SIGKILL);
        }

        (void) waitpid(pids[n], &status, 0);

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
            if (!control->fault[0]) {
                strcpy(control->fault, "a worker crashed");
            }

            pids[n] = 0;
            return;
        }

        pids[n] = start(zone, control, n);
    }
}


static unsigned
remove_all(ngx_http_socketio_zone_t *zone)
{
    head_t       head;
    item_t      *item;
    unsigned     damaged;
    uint32_t     cursor;
    ngx_uint_t   budget;

    damaged = 0;
    cursor = 0;
    budget = zone->nblocks;

    while ((item = ngx_http_socketio_store_walk(zone, 0, &cursor, &budget))) {
        damaged += !whole(zone, item, &head);
        ngx_http_socketio_store_remove(zone, item);
    }

    return damaged;
}


int
main(void)
{
    pid_t                      pids[WORKERS];
    size_t                     i;
    unsigned                   n;
    control_t                 *control;
    ngx_http_socketio_zone_t  *zone;

    unit_plan();

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (i * 31 + (i >> 8));
    }

    zone = shm_zone(ZONE);
    control = mmap(NULL, sizeof(control_t), PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (n = 0; n < WORKERS; n++) {
        pids[n] = start(zone, control, n);
    }

    kill_all_the_time(zone, control, pids);

    for (n = 0; n < WORKERS; n++) {
        while (control->workers[n].ticks < 100 && !control->fault[0]) {
            usleep(1000);
        }
    }

    control->stop = 1;

    for (n = 0; n < WORKERS; n++) {
        if (pids[n]) {
            if (control->fault[0]) {
                (void) kill(pids[n], SIGKILL);
            }

            (void) waitpid(pids[n], NULL, 0);
        }
    }

    if (!ok(control->fault[0] == '\0', "%u killed", KILLS)) {
        printf("# %s\n", control->fault);
        return unit_done();
    }

    ok(control->taken_over >= KILLS / 10, "the lock was taken over %llu times",
       (unsigned long long) control->taken_over);
    ok(control->dropped > 0, "the store was full");

    ngx_http_socketio_store_lock(zone);

    for (n = 0; n < WORKERS; n++) {
        no_fault(ledger_fault(zone, &control->workers[n], n),
                 "ledger %u: %llu added", n,
                 (unsigned long long) control->workers[n].added);
    }

    no_fault(shm_store_fault(zone), "every block is somewhere, once");
    is_int(remove_all(zone), 0, "every record is whole");
    is_int(zone->blocks_used, 0, "all blocks are back");
    no_fault(shm_store_fault(zone), "and free");

    return unit_done();
}
