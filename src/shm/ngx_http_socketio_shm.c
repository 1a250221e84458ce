/*
 * How a zone is divided, and its lock.
 *
 * Slots come first, since their number is fixed: 128 with rings of a size that
 * suits the zone.  Of what is left the directory gets three eighths, the store
 * a quarter, messages the rest.  Formatting touches only what must be zero;
 * cells, blocks and chunks become memory when they are first used.
 *
 * The lock is a spin lock for sections of well under a microsecond.  A waiter
 * soon yields, and looks whether the owner is still there.  A pid alone does
 * not say so for ever: it may have gone to another program, or to the waiter
 * itself.  As the workers of a zone are children of one master, a process with
 * another parent is none of them.
 */


#include "shm/ngx_http_socketio_shm_slot.h"
#include "shm/ngx_http_socketio_shm_peer.h"
#include "shm/ngx_http_socketio_shm_list.h"
#include "shm/ngx_http_socketio_shm_expiry.h"
#include "shm/ngx_http_socketio_shm_message.h"


#define NGX_HTTP_SOCKETIO_MAGIC        0x5e10c4e7
#define NGX_HTTP_SOCKETIO_VERSION      7

#define NGX_HTTP_SOCKETIO_PAGE         4096

/* nginx keeps up to an eighth of a small zone for itself. */

#define NGX_HTTP_SOCKETIO_PLAN_MIN                                            \
    (NGX_HTTP_SOCKETIO_SHM_MIN - NGX_HTTP_SOCKETIO_SHM_MIN / 8)

/* Rounds of the lock: before yielding, and between looks into /proc. */

#define NGX_HTTP_SOCKETIO_LOCK_SPIN    200
#define NGX_HTTP_SOCKETIO_LOCK_PROC    1024

/* Linux: PF_EXITING, of a process's flags. */

#define NGX_HTTP_SOCKETIO_EXITING      0x4


typedef struct {
    size_t    slot_size;
    size_t    slots;
    size_t    peers;
    size_t    buckets;
    size_t    cells;
    size_t    lists;
    size_t    tags;
    size_t    expiry;
    size_t    kinds;
    size_t    blocks;
    size_t    owners;
    size_t    chunks;
    uint32_t  nbuckets;
    uint32_t  ring;
    uint32_t  ncells;
    uint32_t  nlists;
    uint32_t  nblocks;
    uint32_t  nchunks;
} ngx_http_socketio_layout_t;


static ngx_int_t ngx_http_socketio_shm_layout(size_t size,
    ngx_http_socketio_layout_t *l);
static size_t ngx_http_socketio_shm_layout_store(size_t start, size_t size,
    ngx_http_socketio_layout_t *l);
static ngx_int_t ngx_http_socketio_lock_wait(ngx_http_socketio_lock_t *lock);
#if (NGX_LINUX)
static ngx_int_t ngx_http_socketio_process_stat(ngx_pid_t pid,
    ngx_int_t *ends, ngx_pid_t *parent);
#endif


ngx_int_t
ngx_http_socketio_shm_plan(size_t size, ngx_http_socketio_shm_plan_t *plan)
{
    ngx_http_socketio_layout_t  l;

    if (ngx_http_socketio_shm_layout(size, &l) != NGX_OK) {
        return NGX_ERROR;
    }

    plan->total = size & ~((size_t) NGX_HTTP_SOCKETIO_PAGE - 1);
    plan->cells = l.ncells - 1;
    plan->blocks = l.nblocks - 1;
    plan->chunks = l.nchunks;
    plan->ring = l.ring;

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_shm_layout(size_t size, ngx_http_socketio_layout_t *l)
{
    size_t  rest, n, end;

    size &= ~((size_t) NGX_HTTP_SOCKETIO_PAGE - 1);

    if (size < NGX_HTTP_SOCKETIO_PLAN_MIN) {
        return NGX_ERROR;
    }

    l->ring = size < 7 * 1024 * 1024 ? 1024
              : size < 56 * 1024 * 1024 ? 4096 : 8192;

    l->peers = ngx_align(sizeof(ngx_http_socketio_zone_t), 64);
    l->slots = ngx_align(l->peers + NGX_HTTP_SOCKETIO_PEERS
                                    * sizeof(ngx_http_socketio_peer_t), 64);
    l->slot_size = ngx_align(offsetof(ngx_http_socketio_slot_t, ring)
                             + l->ring * sizeof(uint32_t), 64);
    l->buckets = l->slots + NGX_HTTP_SOCKETIO_SLOTS * l->slot_size;

    rest = size - l->buckets;

    /* A cell and a bucket head, of which there is never more than one each. */

    n = rest / 8 * 3 / (sizeof(ngx_http_socketio_cell_t) + sizeof(uint32_t));
    n = ngx_min(n, 0x7fffffff);

    l->ncells = (uint32_t) n;
    l->nbuckets = 1;

    while (l->nbuckets <= n / 2) {
        l->nbuckets *= 2;
    }

    l->cells = ngx_align(l->buckets + l->nbuckets * sizeof(uint32_t), 64);
    end = l->cells + n * sizeof(ngx_http_socketio_cell_t);

    end = ngx_http_socketio_shm_layout_store(ngx_align(end, 64), rest / 4, l);

    l->owners = ngx_align(end, 64);

    n = (size - l->owners - NGX_HTTP_SOCKETIO_PAGE)
        / (NGX_HTTP_SOCKETIO_CHUNK + sizeof(ngx_http_socketio_chunk_t));

    /* References are 32 bits. */

    l->nchunks = (uint32_t) ngx_min(n, 0xffffffff
                                       / (NGX_HTTP_SOCKETIO_CHUNK
                                          / NGX_HTTP_SOCKETIO_MSG_ALIGN) - 1);

    l->chunks = ngx_align(l->owners
                          + l->nchunks * sizeof(ngx_http_socketio_chunk_t),
                          NGX_HTTP_SOCKETIO_PAGE);

    return NGX_OK;
}


/*
 * A block comes with its kind, a place in the order of expiry, and, of which
 * there is never more than one each, heads of lists by key and by tag.
 */
static size_t
ngx_http_socketio_shm_layout_store(size_t start, size_t size,
    ngx_http_socketio_layout_t *l)
{
    size_t  n;

    n = size / (NGX_HTTP_SOCKETIO_STORE_BLOCK + 1
                + sizeof(ngx_http_socketio_expiry_t)
                + sizeof(ngx_http_socketio_list_t) + sizeof(uint32_t));
    n = ngx_min(n, 0x7fffffff);

    l->nblocks = (uint32_t) n;
    l->nlists = 1;

    while (l->nlists <= n / 2) {
        l->nlists *= 2;
    }

    l->lists = start;
    l->tags = l->lists + (l->nlists + NGX_HTTP_SOCKETIO_LISTS_OWN)
                         * sizeof(ngx_http_socketio_list_t);
    l->expiry = ngx_align(l->tags + l->nlists * sizeof(uint32_t), 64);
    l->kinds = l->expiry + n * sizeof(ngx_http_socketio_expiry_t);
    l->blocks = ngx_align(l->kinds + n, 64);

    return l->blocks + n * NGX_HTTP_SOCKETIO_STORE_BLOCK;
}


void
ngx_http_socketio_shm_format(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_shm_plan_t *plan, const sio_hash_key_t *key)
{
    ngx_uint_t                   n;
    ngx_http_socketio_slot_t    *slot;
    ngx_http_socketio_layout_t   l;

    if (ngx_http_socketio_shm_layout(plan->total, &l) != NGX_OK) {
        return;
    }

    ngx_memzero(zone, sizeof(ngx_http_socketio_zone_t));

    zone->version = NGX_HTTP_SOCKETIO_VERSION;
    zone->hash = *key;
    zone->size = plan->total;

    zone->nbuckets = l.nbuckets;
    zone->ncells = l.ncells;
    zone->buckets = l.buckets;
    zone->cells = l.cells;
    zone->cell_top = 1;

    zone->nblocks = l.nblocks;
    zone->nlists = l.nlists;
    zone->lists = l.lists;
    zone->tags = l.tags;
    zone->expiry = l.expiry;
    zone->kinds = l.kinds;
    zone->blocks = l.blocks;
    zone->block_top = 1;

    zone->nchunks = l.nchunks;
    zone->owners = l.owners;
    zone->chunks = l.chunks;

    zone->peers = l.peers;
    zone->slots = l.slots;
    zone->slot_size = l.slot_size;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(zone, n);
        ngx_memzero(slot, offsetof(ngx_http_socketio_slot_t, ring));
        slot->ring_size = l.ring;
    }

    ngx_memzero(ngx_http_socketio_shm_at(zone, l.peers),
                NGX_HTTP_SOCKETIO_PEERS * sizeof(ngx_http_socketio_peer_t));
    ngx_memzero(ngx_http_socketio_shm_at(zone, l.buckets),
                l.nbuckets * sizeof(uint32_t));
    ngx_memzero(ngx_http_socketio_shm_at(zone, l.lists), l.expiry - l.lists);
    ngx_memzero(ngx_http_socketio_shm_at(zone, l.kinds), l.nblocks);
    ngx_memzero(ngx_http_socketio_shm_at(zone, l.owners),
                l.nchunks * sizeof(ngx_http_socketio_chunk_t));

    __atomic_store_n(&zone->magic, NGX_HTTP_SOCKETIO_MAGIC, __ATOMIC_RELEASE);
}


ngx_int_t
ngx_http_socketio_shm_valid(ngx_http_socketio_zone_t *zone, size_t size)
{
    ngx_http_socketio_layout_t  l;

    if (ngx_http_socketio_shm_layout(size, &l) != NGX_OK) {
        return 0;
    }

    return zone->magic == NGX_HTTP_SOCKETIO_MAGIC
           && zone->version == NGX_HTTP_SOCKETIO_VERSION
           && zone->size == (size & ~((size_t) NGX_HTTP_SOCKETIO_PAGE - 1))
           && zone->nbuckets == l.nbuckets
           && zone->ncells == l.ncells
           && zone->buckets == l.buckets
           && zone->cells == l.cells
           && zone->nblocks == l.nblocks
           && zone->nlists == l.nlists
           && zone->lists == l.lists
           && zone->tags == l.tags
           && zone->expiry == l.expiry
           && zone->kinds == l.kinds
           && zone->blocks == l.blocks
           && zone->nchunks == l.nchunks
           && zone->owners == l.owners
           && zone->chunks == l.chunks
           && zone->peers == l.peers
           && zone->slots == l.slots
           && zone->slot_size == l.slot_size;
}


ngx_int_t
ngx_http_socketio_lock(ngx_http_socketio_lock_t *lock)
{
    if (lock->pid == 0 && ngx_atomic_cmp_set(&lock->pid, 0, ngx_pid)) {
        return NGX_OK;
    }

    return ngx_http_socketio_lock_wait(lock);
}


static ngx_int_t
ngx_http_socketio_lock_wait(ngx_http_socketio_lock_t *lock)
{
    ngx_uint_t         n;
    ngx_atomic_uint_t  owner;

    for (n = 0; /* void */ ; n++) {

        owner = lock->pid;

        if (owner == 0) {
            if (ngx_atomic_cmp_set(&lock->pid, 0, ngx_pid)) {
                return NGX_OK;
            }

            continue;
        }

        /* Not recursive: an owner of our pid was another process. */

        if (owner == (ngx_atomic_uint_t) ngx_pid) {
            return NGX_DONE;
        }

        if (n < NGX_HTTP_SOCKETIO_LOCK_SPIN) {
            ngx_cpu_pause();
            continue;
        }

        if ((n % NGX_HTTP_SOCKETIO_LOCK_PROC == 0)
            ? ngx_http_socketio_process_dead((ngx_pid_t) owner)
            : (kill((ngx_pid_t) owner, 0) == -1 && ngx_errno == NGX_ESRCH))
        {
            if (ngx_atomic_cmp_set(&lock->pid, owner, ngx_pid)) {
                return NGX_DONE;
            }

            continue;
        }

        ngx_sched_yield();
    }
}


void
ngx_http_socketio_unlock(ngx_http_socketio_lock_t *lock)
{
    __atomic_store_n(&lock->pid, 0, __ATOMIC_RELEASE);
}


ngx_int_t
ngx_http_socketio_process_dead(ngx_pid_t pid)
{
#if (NGX_LINUX)
    ngx_int_t  ends;
    ngx_pid_t  parent, ours;
#endif

    if (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
        return 1;
    }

#if (NGX_LINUX)

    ours = getppid();

    if (pid == ngx_pid || pid == ours
        || ngx_http_socketio_process_stat(pid, &ends, &parent) != NGX_OK)
    {
        return 0;
    }

    if (ends) {
        return 1;
    }

    /* If the master has just died, the workers are getting a new parent. */

    return parent != ours && parent != ngx_pid && ours == getppid();

#else

    return 0;

#endif
}


#if (NGX_LINUX)

/*
 * Whether it never runs again, and its parent, from "PID (NAME) STATE PARENT
 * GROUP SESSION TTY TERMINAL FLAGS ..."; the name may hold anything.  A process
 * that is on its way out has the flag before any of its sockets is closed, so
 * that a peer can't see its end earlier than others do.  Where /proc is
 * hidden, NGX_DECLINED: nothing is known.
 *
 * proc_pid_stat(5).
 */

static ngx_int_t
ngx_http_socketio_process_stat(ngx_pid_t pid, ngx_int_t *ends,
    ngx_pid_t *parent)
{
    int            fd, n;
    char           path[sizeof("/proc//stat") + NGX_INT64_LEN], buf[512], *p;
    ssize_t        size;
    unsigned long  flags;

    n = snprintf(path, sizeof(path), "/proc/%ld/stat", (long) pid);

    if (n < 0 || (size_t) n >= sizeof(path)) {
        return NGX_DECLINED;
    }

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return NGX_DECLINED;
    }

    size = read(fd, buf, sizeof(buf) - 1);
    (void) close(fd);

    if (size <= 0) {
        return NGX_DECLINED;
    }

    buf[size] = '\0';
    p = strrchr(buf, ')');

    if (p == NULL || p[1] != ' ' || p[2] == '\0' || p[3] != ' ') {
        return NGX_DECLINED;
    }

    *ends = (p[2] == 'Z' || p[2] == 'X');
    *parent = (ngx_pid_t) strtol(p + 4, &p, 10);

    flags = 0;

    for (n = 0; n < 5; n++) {
        flags = strtoul(p, &p, 10);
    }

    if (flags & NGX_HTTP_SOCKETIO_EXITING) {
        *ends = 1;
    }

    return NGX_OK;
}

#endif
