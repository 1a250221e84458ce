/*
 * The division of a zone, and the lock: exclusion between processes, and
 * every way in which an owner may be gone.
 */


#include "shm_fixture.h"

#include <sched.h>


typedef struct {
    ngx_http_socketio_lock_t  lock;
    volatile unsigned long    a;
    volatile unsigned long    b;
    volatile unsigned         taken_over;
    volatile unsigned         torn;
    volatile int              ready;
} shared_t;


static void
test_plan(void)
{
    size_t                         size;
    unsigned                       i;
    ngx_http_socketio_shm_plan_t   plan, again;
    ngx_http_socketio_zone_t      *zone;

    static const unsigned  mb[] = { 4, 8, 64, 1024 };

    is_int(ngx_http_socketio_shm_plan(3 * 1024 * 1024, &plan), NGX_ERROR,
           "3m is too small");
    is_int(ngx_http_socketio_shm_plan(0, &plan), NGX_ERROR, "0 is too small");

    for (i = 0; i < 4; i++) {
        size = (size_t) mb[i] * 1024 * 1024;

        is_int(ngx_http_socketio_shm_plan(size - 40000, &plan), NGX_OK,
               "%um less what nginx keeps", mb[i]);
        ok(plan.total <= size - 40000, "total is within");
        ok((size_t) plan.cells * 32 > (size - 5000000) * 3 / 10
           || mb[i] < 64, "%um: %u cells", mb[i], plan.cells);
        ok((size_t) plan.blocks * 128 > (size - 5000000) * 2 / 10
           || mb[i] < 64, "%um: %u blocks", mb[i], plan.blocks);
        ok(plan.chunks >= 18, "%um: %u chunks", mb[i], plan.chunks);
        ok(plan.ring >= 1024, "%um: %u entries", mb[i], plan.ring);

        is_int(ngx_http_socketio_shm_plan(plan.total, &again), NGX_OK,
               "plan of the total");
        is_int(memcmp(&plan, &again, sizeof(plan)), 0, "is the same");
    }

    zone = shm_zone(4 * 1024 * 1024);
    is_int(ngx_http_socketio_shm_valid(zone, 4 * 1024 * 1024), 1, "valid");
    is_int(ngx_http_socketio_shm_valid(zone, 8 * 1024 * 1024), 0,
           "another size is not");
    is_int(ngx_http_socketio_shm_valid(zone, 100), 0, "too small is not");
    zone->version++;
    is_int(ngx_http_socketio_shm_valid(zone, 4 * 1024 * 1024), 0,
           "another version is not");
    munmap(zone, 4 * 1024 * 1024);

    zone = mmap(NULL, 4 * 1024 * 1024, PROT_READ|PROT_WRITE,
                MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);
    is_int(ngx_http_socketio_shm_valid(zone, 4 * 1024 * 1024), 0,
           "zeroes are not");

    /* The last chunk ends within the zone, over any content. */

    memset(zone, 0xff, 4 * 1024 * 1024);
    (void) ngx_http_socketio_shm_plan(4 * 1024 * 1024, &plan);
    ngx_http_socketio_shm_format(zone, &plan, &zone->hash);
    is_int(ngx_http_socketio_shm_valid(zone, 4 * 1024 * 1024), 1,
           "formatted over any content");
    ok(zone->chunks + (size_t) zone->nchunks * NGX_HTTP_SOCKETIO_CHUNK
       <= plan.total, "chunks end within the zone");
    no_fault(shm_directory_fault(zone), "an empty directory");
    no_fault(shm_store_fault(zone), "an empty store");
    no_fault(shm_chunks_fault(zone), "no chunk taken");
    munmap(zone, 4 * 1024 * 1024);
}


static void
test_owners(shared_t *s)
{
    pid_t  pid;

    ngx_pid = getpid();

    is_int(ngx_http_socketio_lock(&s->lock), NGX_OK, "lock");
    is_int(s->lock.pid, getpid(), "it holds our pid");
    ngx_http_socketio_unlock(&s->lock);
    is_int(s->lock.pid, 0, "unlock");

    s->lock.pid = (ngx_atomic_uint_t) shm_dead_pid();
    is_int(ngx_http_socketio_lock(&s->lock), NGX_DONE, "owner dead");
    is_int(s->lock.pid, getpid(), "it is ours");
    ngx_http_socketio_unlock(&s->lock);

    s->lock.pid = (ngx_atomic_uint_t) getpid();
    is_int(ngx_http_socketio_lock(&s->lock), NGX_DONE,
           "owner dead, and its pid is ours now");
    ngx_http_socketio_unlock(&s->lock);

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        shm_worker();
        (void) ngx_http_socketio_lock(&s->lock);
        _exit(0);
    }

    while (s->lock.pid == 0) {
        usleep(100);
    }

    is_int(ngx_http_socketio_lock(&s->lock), NGX_DONE, "owner a zombie");
    ngx_http_socketio_unlock(&s->lock);
    is_int(ngx_http_socketio_process_dead(pid), 1, "a zombie is dead");
    (void) waitpid(pid, NULL, 0);
    is_int(ngx_http_socketio_process_dead(pid), 1, "reaped, it is dead");
    is_int(ngx_http_socketio_process_dead(getpid()), 0, "we live");
    is_int(ngx_http_socketio_process_dead(getppid()), 0, "our parent lives");
}


/* A pid that belongs to a living program that is no child of our master. */

static void
test_reused(shared_t *s)
{
    int    fds[2];
    char   c;
    pid_t  pid, other;

    fflush(stdout);

    if (pipe(fds) != 0) {
        exit(1);
    }

    pid = fork();

    if (pid == 0) {
        shm_worker();
        other = fork();

        if (other == 0) {
            shm_worker();
            pause();
            _exit(0);
        }

        (void) !write(fds[1], &other, sizeof(other));
        (void) !read(fds[0], &c, 0);
        pause();
        _exit(0);
    }

    if (read(fds[0], &other, sizeof(other)) != sizeof(other)) {
        exit(1);
    }

    is_int(ngx_http_socketio_process_dead(pid), 0, "a child lives");
    is_int(ngx_http_socketio_process_dead(other), 1,
           "a process of another family is none of ours");

    s->lock.pid = (ngx_atomic_uint_t) other;
    is_int(ngx_http_socketio_lock(&s->lock), NGX_DONE, "pid used again");
    ngx_http_socketio_unlock(&s->lock);

    kill(other, SIGKILL);
    kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
}


static void
test_waits(shared_t *s)
{
    pid_t     pid;
    unsigned  status;

    fflush(stdout);
    s->ready = 0;
    pid = fork();

    if (pid == 0) {
        shm_worker();
        (void) ngx_http_socketio_lock(&s->lock);
        s->ready = 1;
        usleep(50000);
        s->ready = 2;
        ngx_http_socketio_unlock(&s->lock);
        usleep(50000);
        _exit(0);
    }

    while (s->ready == 0) {
        usleep(100);
    }

    is_int(ngx_http_socketio_lock(&s->lock), NGX_OK, "a live owner is awaited");
    is_int(s->ready, 2, "until it lets go");
    ngx_http_socketio_unlock(&s->lock);
    (void) waitpid(pid, (int *) &status, 0);
}


static void
hammer(shared_t *s, unsigned long times)
{
    shm_worker();

    while (times--) {
        if (ngx_http_socketio_lock(&s->lock) == NGX_DONE) {
            s->taken_over++;

        } else if (s->a != s->b) {
            s->torn++;
        }

        s->b = s->a;
        s->a = s->a + 1;
        s->b = s->b + 1;
        ngx_http_socketio_unlock(&s->lock);
    }

    _exit(0);
}


static void
test_exclusion(shared_t *s)
{
    int       i;
    pid_t     pids[4];
    unsigned  killed;

    fflush(stdout);
    s->a = s->b = 0;

    for (i = 0; i < 4; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            hammer(s, 50000);
        }
    }

    for (i = 0; i < 4; i++) {
        (void) waitpid(pids[i], NULL, 0);
    }

    is_int(s->a, 200000, "four processes exclude each other");
    is_int(s->taken_over, 0, "nothing was taken over");

    for (killed = 0; killed < 200; killed++) {
        for (i = 0; i < 2; i++) {
            pids[i] = fork();

            if (pids[i] == 0) {
                hammer(s, ~0ul);
            }
        }

        usleep(500 + killed * 7);
        kill(pids[0], SIGKILL);
        (void) waitpid(pids[0], NULL, 0);
        usleep(200);
        kill(pids[1], SIGKILL);
        (void) waitpid(pids[1], NULL, 0);
    }

    ok(ngx_http_socketio_lock(&s->lock) != NGX_ERROR,
       "400 killed, %u takeovers: the lock is there", s->taken_over);
    ngx_http_socketio_unlock(&s->lock);
    is_int(s->torn, 0, "and every one was told");
}


int
main(void)
{
    shared_t  *s;

    unit_plan();

    s = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
             -1, 0);

    test_plan();
    test_owners(s);
    test_reused(s);
    test_waits(s);
    test_exclusion(s);

    return unit_done();
}
