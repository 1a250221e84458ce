/*
 * The log: numbers, order, what is written over, entries of any length, and
 * readers beside a writer that is in a hurry.
 */


#include "shm_fixture.h"
#include "shm/ngx_http_socketio_shm_log.h"


#define ZONE  (8 * 1024 * 1024)


static sio_buf_t  buf;
static uint8_t    bytes[2 * 1024 * 1024];


static uint64_t
append(ngx_http_socketio_zone_t *zone, uint64_t sequence, size_t len)
{
    uint64_t                   number;
    ngx_http_socketio_entry_t  entry;

    memset(&entry, 0, sizeof(entry));
    entry.sequence = sequence;
    entry.len = (uint32_t) len;

    memset(bytes, (int) (sequence & 0xff), len);

    ngx_http_socketio_log_lock(zone);
    number = ngx_http_socketio_log_append(zone, &entry, bytes);
    ngx_http_socketio_log_unlock(zone);

    return number;
}


/* Whether an entry is there, whole. */

static int
whole(ngx_http_socketio_zone_t *zone, uint64_t number, uint64_t sequence,
    size_t len)
{
    size_t                     i;
    ngx_http_socketio_entry_t  entry;

    sio_buf_reset(&buf);

    if (ngx_http_socketio_log_head(zone, number, &entry) != NGX_OK
        || entry.number != number || entry.sequence != sequence
        || entry.len != len
        || ngx_http_socketio_log_data(zone, number, &buf) != NGX_OK
        || buf.len != len)
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (buf.data[i] != (sequence & 0xff)) {
            return 0;
        }
    }

    return 1;
}


static void
test_order(ngx_http_socketio_zone_t *zone)
{
    uint64_t                      first;
    unsigned                      i, wrong;
    ngx_http_socketio_entry_t     entry;
    ngx_http_socketio_log_info_t  info;

    ok(!ngx_http_socketio_log_ready(zone), "no log");
    ngx_http_socketio_log_info(zone, &info);
    ok(info.bytes == 0 && info.entries == 0, "nothing is known of it");

    is_int(ngx_http_socketio_log_create(zone), NGX_OK, "made");
    is_int(ngx_http_socketio_log_create(zone), NGX_OK, "made once");
    is_int(zone->chunks_used, zone->nchunks / 2, "of half of the chunks");

    first = ngx_http_socketio_log_first(zone);
    ok(ngx_http_socketio_log_last(zone) == first - 1, "it is empty");
    is_int(ngx_http_socketio_log_head(zone, first, &entry), NGX_AGAIN,
           "not yet");
    is_int(ngx_http_socketio_log_head(zone, first - 1, &entry), NGX_DECLINED,
           "never");

    wrong = 0;

    for (i = 0; i < 100; i++) {
        wrong += append(zone, i, i * 7) != first + i;
    }

    for (i = 0; i < 100; i++) {
        wrong += !whole(zone, first + i, i, i * 7);
    }

    is_int(wrong, 0, "entries are numbered, and whole");
    ngx_http_socketio_log_info(zone, &info);
    is_int(info.entries, 100, "so many are known");
}


static void
test_full(ngx_http_socketio_zone_t *zone)
{
    uint64_t  number, first, last;
    size_t    most;
    unsigned  i, wrong;

    most = zone->log_size / 4 - sizeof(ngx_http_socketio_entry_t) - 8;

    is_int(append(zone, 1, zone->log_size / 4), 0, "too large");
    number = append(zone, 77, most);
    ok(whole(zone, number, 77, most), "the largest");

    number = ngx_http_socketio_log_last(zone) + 1;
    wrong = 0;

    for (i = 0; i < 20000; i++) {
        wrong += append(zone, i, i * 37 % 3000) != number + i;
    }

    first = ngx_http_socketio_log_first(zone);
    last = ngx_http_socketio_log_last(zone);

    ok(first > number && last - first > 300, "the oldest make room");

    for (; first <= last; first++) {
        i = (unsigned) (first - number);
        wrong += !whole(zone, first, i, i * 37 % 3000);
    }

    is_int(wrong, 0, "the others are whole");

    for (i = 0; i < 3 * zone->log_places; i++) {
        wrong += append(zone, i, 0) == 0;
    }

    is_int(wrong, 0, "small ones");
    is_int(ngx_http_socketio_log_last(zone) + 1
           - ngx_http_socketio_log_first(zone), zone->log_places,
           "no more than there are places");
}


/* A writer in another process; what is read is whole, or not there. */

static void
test_readers(ngx_http_socketio_zone_t *zone)
{
    pid_t                      pid;
    int                        status;
    unsigned                   i, wrong, seen;
    uint64_t                   number, end, start;
    ngx_http_socketio_entry_t  entry;

    start = ngx_http_socketio_log_last(zone);
    end = start + 30000;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        shm_worker();

        for (i = 1; i <= 30000; i++) {
            (void) append(zone, start + i, i * 11 % 5000);
        }

        _exit(0);
    }

    wrong = 0;
    seen = 0;
    number = start + 1;

    while (number <= end) {
        if (number < ngx_http_socketio_log_first(zone)) {
            number = ngx_http_socketio_log_first(zone);
        }

        switch (ngx_http_socketio_log_head(zone, number, &entry)) {

        case NGX_OK:
            sio_buf_reset(&buf);

            if (ngx_http_socketio_log_data(zone, number, &buf) != NGX_OK) {
                break;
            }

            seen++;
            wrong += entry.number != number || entry.sequence != number
                     || buf.len != (number - start) * 11 % 5000
                     || (buf.len && (buf.data[0] != (number & 0xff)
                         || buf.data[buf.len - 1] != (number & 0xff)));
            number++;
            break;

        default:
            break;
        }
    }

    (void) waitpid(pid, &status, 0);

    ok(seen > 0, "%u were read", seen);
    is_int(wrong, 0, "whole, each");
}


/* Who dies with the lock leaves nothing half done. */

static void
test_killed(ngx_http_socketio_zone_t *zone)
{
    uint64_t  number;

    number = append(zone, 5, 100);

    zone->log_lock.pid = (ngx_atomic_uint_t) shm_dead_pid();
    zone->log_first++;
    zone->log_head += 4096;

    ok(append(zone, 6, 100) == number + 1, "the next one goes on");
    ok(whole(zone, number, 5, 100) && whole(zone, number + 1, 6, 100),
       "both are whole");
}


static void
test_no_room(void)
{
    uint64_t                   none[NGX_HTTP_SOCKETIO_SLOTS / 64];
    unsigned                   i;
    ngx_http_socketio_zone_t  *zone;

    zone = shm_zone(ZONE);
    memset(none, 0xff, sizeof(none));
    (void) ngx_http_socketio_slot_take(zone, 1, 1);

    for (i = 0; i < zone->nchunks * 2 / 3; i++) {
        (void) ngx_http_socketio_message_put(zone, 1, 1, none,
                                             sio_str(bytes, 60000));
    }

    is_int(ngx_http_socketio_log_create(zone), NGX_DECLINED, "no room");
    ok(!ngx_http_socketio_log_ready(zone), "and no log");
}


int
main(void)
{
    ngx_http_socketio_zone_t  *zone;

    sio_buf_init(&buf, &unit_mem, UINT32_MAX);
    zone = shm_zone(ZONE);

    test_order(zone);
    test_full(zone);
    test_readers(zone);
    test_killed(zone);
    test_no_room();

    sio_buf_free(&buf);

    return unit_done();
}
