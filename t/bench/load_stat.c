/*
 * Latencies in a histogram of 16 buckets for each power of two; the server's
 * CPU in nanoseconds, as the scheduler counts it for each thread; its memory.
 */


#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"


uint64_t
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
load_latency(uint64_t nsec)
{
    unsigned  power, n;

    n = (unsigned) nsec;

    if (nsec >= 16) {
        power = 63 - __builtin_clzll(nsec);
        n = (power - 3) * 16 + ((nsec >> (power - 4)) & 15);
    }

    load_result.latency[n < LOAD_BUCKETS ? n : LOAD_BUCKETS - 1]++;
    load_result.nlatency++;
}


/* The upper end of the bucket that has it. */

uint64_t
load_percentile(double part)
{
    unsigned  n;
    uint64_t  sum, need;

    need = (uint64_t) (part * load_result.nlatency + 0.999999);
    sum = 0;

    for (n = 0; n < LOAD_BUCKETS; n++) {
        sum += load_result.latency[n];

        if (sum && sum >= need) {
            return n < 16 ? n
                          : (uint64_t) (16 + n % 16 + 1) << (n / 16 - 1);
        }
    }

    return 0;
}


static uint64_t
load_cpu_thread(int pid, const char *tid)
{
    char                path[64];
    FILE               *f;
    unsigned long long  nsec;

    snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, tid);

    f = fopen(path, "r");
    if (f == NULL) {
        return 0;
    }

    if (fscanf(f, "%llu", &nsec) != 1) {
        nsec = 0;
    }

    fclose(f);

    return nsec;
}


uint64_t
load_cpu(void)
{
    DIR            *dir;
    char            path[64];
    unsigned        i;
    uint64_t        sum;
    struct dirent  *entry;

    sum = 0;

    for (i = 0; i < load_options.npids; i++) {
        snprintf(path, sizeof(path), "/proc/%d/task", load_options.pids[i]);

        dir = opendir(path);
        if (dir == NULL) {
            load_fail("the server's process %d is gone",
                      load_options.pids[i]);
        }

        while ((entry = readdir(dir)) != NULL) {
            if (entry->d_name[0] != '.') {
                sum += load_cpu_thread(load_options.pids[i], entry->d_name);
            }
        }

        closedir(dir);
    }

    return sum;
}


uint64_t
load_cpu_own(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


uint64_t
load_pss(void)
{
    char                line[256];
    FILE               *f;
    unsigned            i;
    uint64_t            sum;
    unsigned long long  kb;

    sum = 0;

    for (i = 0; i < load_options.npids; i++) {
        snprintf(line, sizeof(line), "/proc/%d/smaps_rollup",
                 load_options.pids[i]);

        f = fopen(line, "r");
        if (f == NULL) {
            load_fail("can't read the memory of process %d",
                      load_options.pids[i]);
        }

        while (fgets(line, sizeof(line), f)) {
            if (sscanf(line, "Pss: %llu", &kb) == 1) {
                sum += kb * 1024;
            }
        }

        fclose(f);
    }

    return sum;
}


void
load_begin(void)
{
    load_result_t  zero = { 0 };

    zero.errors = load_result.errors;
    zero.bytes = load_result.bytes;
    load_result = zero;

    load_result.wall = load_now();
    load_result.own = load_cpu_own();
    load_result.cpu = load_cpu();
}


void
load_end(void)
{
    load_result.cpu = load_cpu() - load_result.cpu;
    load_result.own = load_cpu_own() - load_result.own;
    load_result.wall = load_now() - load_result.wall;
}


void
load_fail(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    fprintf(stderr, "load: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}
