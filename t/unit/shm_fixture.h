/*
 * For the tests of the zone: a formatted zone in shared memory, pids that are
 * certainly dead, and checks of what must hold in any zone that is at rest.
 *
 * One process plays several workers by taking several slots; a worker dies
 * when its slot's pid becomes that of a process that has ended.
 */


#ifndef _SHM_FIXTURE_H_INCLUDED_
#define _SHM_FIXTURE_H_INCLUDED_


#include "unit.h"

#include "shm/ngx_http_socketio_shm_slot.h"
#include "shm/ngx_http_socketio_shm_directory.h"
#include "shm/ngx_http_socketio_shm_list.h"
#include "shm/ngx_http_socketio_shm_expiry.h"
#include "shm/ngx_http_socketio_shm_message.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>


ngx_pid_t  ngx_pid;


/* The calendar stands where a test sets it. */

static ngx_time_t  shm_time = { 1700000000, 0, 0 };

volatile ngx_time_t  *ngx_cached_time = &shm_time;


static inline ngx_http_socketio_zone_t *
shm_zone(size_t size)
{
    sio_hash_key_t                 key;
    ngx_http_socketio_zone_t      *zone;
    ngx_http_socketio_shm_plan_t   plan;

    ngx_pid = getpid();
    key.k0 = 0x0706050403020100;
    key.k1 = 0x0f0e0d0c0b0a0908;

    zone = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                -1, 0);

    if (zone == MAP_FAILED
        || ngx_http_socketio_shm_plan(size, &plan) != NGX_OK)
    {
        perror("shm_zone");
        exit(1);
    }

    ngx_http_socketio_shm_format(zone, &plan, &key);

    return zone;
}


/* First of all in a child: it is a worker, and does not outlive the test. */

static inline void
shm_worker(void)
{
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    ngx_pid = getpid();
}


/* A pid that nobody has. */

static inline ngx_pid_t
shm_dead_pid(void)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        _exit(0);
    }

    (void) waitpid(pid, NULL, 0);

    return pid;
}


static inline void
shm_die(ngx_http_socketio_zone_t *zone, ngx_uint_t n)
{
    ngx_http_socketio_slot(zone, n)->pid = (ngx_atomic_uint_t) shm_dead_pid();
}


static inline ngx_http_socketio_key_t
shm_room(ngx_http_socketio_zone_t *zone, unsigned i)
{
    char                     name[32];
    ngx_http_socketio_key_t  key;

    (void) snprintf(name, sizeof(name), "room-%u", i);
    ngx_http_socketio_key_room(zone, sio_cstr("/"), sio_cstr(name), &key);

    return key;
}


static inline ngx_http_socketio_found_t
shm_find(ngx_http_socketio_zone_t *zone, ngx_http_socketio_key_t key)
{
    ngx_http_socketio_found_t  found;

    memset(&found, 0, sizeof(found));
    ngx_http_socketio_directory_find(zone, &key, &found);

    return found;
}


/* Every cell is in one chain or in the free list, once; NULL or what is not. */

static inline const char *
shm_directory_fault(ngx_http_socketio_zone_t *zone)
{
    uint8_t                   *seen;
    uint32_t                   i, n, used, *buckets;
    const char                *fault;
    ngx_http_socketio_cell_t  *cells;

    buckets = ngx_http_socketio_shm_at(zone, zone->buckets);
    cells = ngx_http_socketio_shm_at(zone, zone->cells);
    seen = calloc(1, zone->ncells);
    fault = NULL;
    used = 0;

    for (i = 0; i < zone->nbuckets && !fault; i++) {
        for (n = buckets[i]; n && !fault; n = cells[n].next) {
            if (n >= zone->cell_top || seen[n] || cells[n].kind == 0) {
                fault = "a chain";
                break;
            }

            seen[n] = 1;
            used++;
        }
    }

    for (n = zone->free_cell; n && !fault; n = cells[n].next) {
        if (n >= zone->cell_top || seen[n] || cells[n].kind) {
            fault = "the free list";
            break;
        }

        seen[n] = 1;
    }

    for (n = 1; n < zone->cell_top && !fault; n++) {
        if (!seen[n]) {
            fault = "a cell that is nowhere";
        }
    }

    if (!fault && used != zone->cells_used) {
        fault = "the count of cells";
    }

    free(seen);

    return fault;
}


/* Runs do not overlap, and what is derived agrees with them. */

static inline const char *
shm_chunks_fault(ngx_http_socketio_zone_t *zone)
{
    uint32_t                    i, left, used;
    ngx_http_socketio_chunk_t  *chunks;

    chunks = ngx_http_socketio_shm_at(zone, zone->owners);
    left = 0;
    used = 0;

    for (i = 0; i < zone->nchunks; i++) {
        if (chunks[i].run) {
            if (left) {
                return "overlapping runs";
            }

            left = chunks[i].run;
        }

        if (chunks[i].used != (left != 0)) {
            return "a chunk's use";
        }

        if (left) {
            left--;
            used++;

        } else if (i < zone->chunk_hint) {
            return "the hint";
        }
    }

    return left ? "a run over the end"
           : used != zone->chunks_used ? "the count of chunks" : NULL;
}


/*
 * Every block is in one record, or free, once; each record is in its lists, in
 * order, and in the order of expiry if it has an end.
 */
static inline const char *
shm_expiry_fault(ngx_http_socketio_zone_t *zone, ngx_uint_t evict)
{
    uint32_t                     i, n;
    ngx_http_socketio_item_t    *item;
    ngx_http_socketio_expiry_t  *places, *p, *parent;

    places = ngx_http_socketio_shm_at(zone, zone->expiry);
    n = zone->nexpiry[evict];

    for (i = 1; i <= n; i++) {
        p = evict ? &places[zone->nblocks - i] : &places[i - 1];
        parent = i == 1 ? p : evict ? &places[zone->nblocks - i / 2]
                                    : &places[i / 2 - 1];
        item = ngx_http_socketio_store_item(zone, p->block);

        if (parent->second > p->second || item->due != i
            || item->evict != evict
            || (item->expires && p->second > item->expires / 1000))
        {
            return "the order of expiry";
        }
    }

    return NULL;
}


static inline const char *
shm_lists_fault(ngx_http_socketio_zone_t *zone, uint32_t nrecords,
    uint32_t ntagged)
{
    u_char                    *kinds;
    uint32_t                   i, n, prev, *tags;
    uint64_t                   id;
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_list_t  *lists;

    kinds = ngx_http_socketio_shm_at(zone, zone->kinds);
    lists = ngx_http_socketio_shm_at(zone, zone->lists);
    tags = ngx_http_socketio_shm_at(zone, zone->tags);

    for (i = 0; i < zone->nlists; i++) {
        prev = 0;
        id = 0;

        for (n = lists[i].first; n; n = item->next) {
            item = ngx_http_socketio_store_item(zone, n);

            if (n >= zone->block_top || nrecords-- == 0
                || kinds[n] <= NGX_HTTP_SOCKETIO_STORE_MORE
                || item->prev != prev || item->id <= id)
            {
                return "a list";
            }

            prev = n;
            id = item->id;
        }

        if (lists[i].last != prev) {
            return "the end of a list";
        }

        prev = 0;

        for (n = tags[i]; n; n = item->next_tag) {
            item = ngx_http_socketio_store_item(zone, n);

            if (n >= zone->block_top || ntagged-- == 0
                || kinds[n] <= NGX_HTTP_SOCKETIO_STORE_MORE
                || item->prev_tag != prev || item->tag == 0)
            {
                return "a list by tag";
            }

            prev = n;
        }
    }

    return nrecords || ntagged ? "a record that is in no list" : NULL;
}


static inline const char *
shm_store_fault(ngx_http_socketio_zone_t *zone)
{
    u_char                    *kinds;
    uint8_t                   *seen;
    uint32_t                   n, m, used, records, tagged, ends[2];
    uint32_t                   evictable, mail;
    const char                *fault;
    ngx_http_socketio_item_t  *item;

    kinds = ngx_http_socketio_shm_at(zone, zone->kinds);
    seen = calloc(1, zone->nblocks);
    used = records = tagged = ends[0] = ends[1] = evictable = 0;
    mail = 0;
    fault = NULL;

    for (n = 1; n < zone->block_top && !fault; n++) {
        if (kinds[n] <= NGX_HTTP_SOCKETIO_STORE_MORE) {
            continue;
        }

        item = ngx_http_socketio_store_item(zone, n);
        records++;
        tagged += item->tag != 0;
        ends[item->evict] += item->evict || item->expires;

        for (m = item->more, seen[n]++, used++, evictable += item->evict; m;
             m = ((ngx_http_socketio_more_t *)
                      ngx_http_socketio_store_item(zone, m))->more)
        {
            if (m >= zone->block_top || kinds[m] != NGX_HTTP_SOCKETIO_STORE_MORE
                || seen[m]++)
            {
                fault = "a chain";
                break;
            }

            used++;
            evictable += item->evict;
            mail += kinds[n] == NGX_HTTP_SOCKETIO_STORE_MAIL;
        }

        mail += kinds[n] == NGX_HTTP_SOCKETIO_STORE_MAIL;
    }

    for (n = zone->free_block; n && !fault;
         n = ngx_http_socketio_store_item(zone, n)->next)
    {
        if (n >= zone->block_top || kinds[n] || seen[n]++) {
            fault = "the free list of blocks";
        }
    }

    for (n = 1; n < zone->block_top && !fault; n++) {
        if (seen[n] != 1) {
            fault = "a block that is nowhere, or twice";
        }
    }

    free(seen);

    if (fault == NULL && (used != zone->blocks_used
                          || ends[0] != zone->nexpiry[0]
                          || ends[1] != zone->nexpiry[1]
                          || evictable != zone->evictable
                          || mail != zone->mail))
    {
        fault = "a count of the store";
    }

    for (n = 0; n < NGX_HTTP_SOCKETIO_KINDS; n++) {
        records -= (uint32_t) zone->records[n];
    }

    if (fault == NULL && records) {
        fault = "the counts by kind";
    }

    for (n = 0; n < NGX_HTTP_SOCKETIO_KINDS; n++) {
        records += (uint32_t) zone->records[n];
    }

    fault = fault ? fault : shm_lists_fault(zone, records, tagged);
    fault = fault ? fault : shm_expiry_fault(zone, 0);

    return fault ? fault : shm_expiry_fault(zone, 1);
}


#define no_fault(fault, ...)                                                  \
    shm_no_fault((fault), __FILE__, __LINE__, __VA_ARGS__)


static inline int __attribute__((format(printf, 4, 5)))
shm_no_fault(const char *fault, const char *file, int line, const char *fmt,
    ...)
{
    char     name[512];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);

    if (!unit_ok(fault == NULL, file, line, "%s", name)) {
        printf("# wrong: %s\n", fault);
        return 0;
    }

    return 1;
}


#endif /* _SHM_FIXTURE_H_INCLUDED_ */
