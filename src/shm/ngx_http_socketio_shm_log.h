/*
 * The log: the last events that a client may have missed, of all workers, in
 * one order.
 *
 * Made when an app with recovery starts, out of half of the area of messages,
 * and kept as long as the zone.  It is a ring of bytes: what is written takes
 * the place of the oldest.  Entries are numbered one after the other; numbers
 * of a zone begin above those of the zones before it, as the time does.
 *
 * Writers take the lock.  Readers take none: they copy, and see afterwards
 * whether it was overwritten meanwhile.  An entry is written first, and
 * published last by the number of the newest one, so that a writer who is
 * killed leaves nothing behind.
 *
 * It is also the way of these events to the other workers: each goes through
 * the log in order and takes what is marked as its own.
 */


#ifndef _NGX_HTTP_SOCKETIO_SHM_LOG_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_SHM_LOG_H_INCLUDED_


#include "shm/ngx_http_socketio_shm_slot.h"
#include "codec/sio_buf.h"


typedef struct {
    uint64_t      number;
    uint64_t      sequence;                  /* of the broadcast */
    uint64_t      receivers[NGX_HTTP_SOCKETIO_SLOTS / 64];
    uint64_t      sieve;                     /* bits of its rooms, see hub */
    uint64_t      time;                      /* msec of the calendar */
    uint32_t      len;                       /* of data, bytes */
    uint16_t      sender;                    /* slot */
    uint8_t       in_stream;                 /* it is an entry of a stream */
    uint8_t       away;                      /* or something that was not
                                                in it is among those behind
                                                the id */

    /* of which worker it came back: its slot + 1, or 0 */
    uint32_t      origin;
    uint32_t      incarnation;
    uint64_t      origin_number;

    /* its entry's, or that of the entry before it; and the number that had,
       or would have had */
    sio_stream_id_t  id;
    uint64_t      base;

    u_char        data[];
} ngx_http_socketio_entry_t;


/* What a zone's log holds now. */

typedef struct {
    uint64_t      entries;
    uint64_t      bytes;                     /* of the area */
    uint64_t      since;                     /* msec of the calendar: the oldest
                                                entry's time, 0: none */
} ngx_http_socketio_log_info_t;


/*
 * Make the log, if the zone has none yet.  NGX_OK; NGX_DECLINED: half of the
 * messages' area is not free in one piece, try again later.
 */
ngx_int_t ngx_http_socketio_log_create(ngx_http_socketio_zone_t *zone);

/* Whether there is one. */

static ngx_inline ngx_uint_t
ngx_http_socketio_log_ready(ngx_http_socketio_zone_t *zone)
{
    return __atomic_load_n(&zone->log_data, __ATOMIC_ACQUIRE) != 0;
}


void ngx_http_socketio_log_lock(ngx_http_socketio_zone_t *zone);
void ngx_http_socketio_log_unlock(ngx_http_socketio_zone_t *zone);

/*
 * Append, with the lock held: all of entry but number and data, and len bytes
 * of data; base, and id unless in_stream is set, are filled.  Returns its
 * number, or 0: it is larger than a quarter of the log.
 */
uint64_t ngx_http_socketio_log_append(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_entry_t *entry, const u_char *data);

/*
 * A stream of Redis as the order of a part of the entries, under the lock.
 *
 * seen: whether the stream was read up to id; pass: it was read up to there,
 * and that entry is not kept; restart: from id on it is read without what was
 * between; gap: and it is not known what that was.
 */
ngx_uint_t ngx_http_socketio_log_seen(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id);
void ngx_http_socketio_log_pass(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id);
void ngx_http_socketio_log_restart(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id, ngx_uint_t gap);

/* Under the lock: the newest number, and how far the stream was read. */

uint64_t ngx_http_socketio_log_end(ngx_http_socketio_zone_t *zone,
    sio_stream_id_t *id);

/*
 * Under the lock: all of the stream up to where the log begins is known; *id
 * is raised to that.
 */
void ngx_http_socketio_log_reach(ngx_http_socketio_zone_t *zone,
    sio_stream_id_t *id);

/*
 * Under the lock: the number behind which all is that comes after offset.
 * NGX_OK, or NGX_DECLINED: the log does not go back so far.  An offset without
 * id is the number.
 */
ngx_int_t ngx_http_socketio_log_locate(ngx_http_socketio_zone_t *zone,
    const sio_offset_t *offset, uint64_t *number);

/* The numbers of the newest entry, and of the oldest (newest + 1: none). */

uint64_t ngx_http_socketio_log_last(ngx_http_socketio_zone_t *zone);
uint64_t ngx_http_socketio_log_first(ngx_http_socketio_zone_t *zone);

/*
 * Copy an entry's head, and append its data to buf.  The data is that of the
 * head if the entry is still there afterwards.
 *
 * NGX_OK
 * NGX_DECLINED  it is not there any more
 * NGX_AGAIN     it was not written yet
 * NGX_ERROR     no memory
 */
ngx_int_t ngx_http_socketio_log_head(ngx_http_socketio_zone_t *zone,
    uint64_t number, ngx_http_socketio_entry_t *entry);
ngx_int_t ngx_http_socketio_log_data(ngx_http_socketio_zone_t *zone,
    uint64_t number, sio_buf_t *buf);

void ngx_http_socketio_log_info(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_log_info_t *info);


#endif /* _NGX_HTTP_SOCKETIO_SHM_LOG_H_INCLUDED_ */
