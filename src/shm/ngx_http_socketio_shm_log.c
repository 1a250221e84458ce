/*
 * The log of events that may be recovered.
 *
 * Places are counted in bytes ever written, so that they only grow; modulo
 * the size they are in the area.  An entry is in one piece: what is left at
 * the end of the area, and too short for it, is passed over.  `index` has the
 * place of each number, as far back as it has room.
 *
 * The order of stores is what readers and successors rely on: first the
 * oldest entries are given up (`log_first`), then their bytes are written
 * over, then `log_head`, and `log_last` at the end.
 */


#include "shm/ngx_http_socketio_shm_log.h"
#include "shm/ngx_http_socketio_shm_message.h"
#include "shm/ngx_http_socketio_shm_store.h"


#define NGX_HTTP_SOCKETIO_LOG_ALIGN    8

/* One place of the index for so many bytes of entries. */

#define NGX_HTTP_SOCKETIO_LOG_ENTRY    256

/*
 * Numbers begin at the time of the log's making, with room for so many bits of
 * a number in each millisecond: no log reaches where a later one begins.
 */
#define NGX_HTTP_SOCKETIO_LOG_BITS     8


static uint64_t *ngx_http_socketio_log_place(ngx_http_socketio_zone_t *zone,
    uint64_t number);
static ngx_int_t ngx_http_socketio_log_find(ngx_http_socketio_zone_t *zone,
    uint64_t number, ngx_http_socketio_entry_t *entry, u_char **data);
static void ngx_http_socketio_log_stamp(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_entry_t *entry);
static ngx_int_t ngx_http_socketio_log_kept(ngx_http_socketio_zone_t *zone,
    uint64_t number, sio_stream_id_t *id);


ngx_int_t
ngx_http_socketio_log_create(ngx_http_socketio_zone_t *zone)
{
    size_t    bytes, index;
    uint32_t  run, chunk, places;

    if (ngx_http_socketio_log_ready(zone)) {
        return NGX_OK;
    }

    run = zone->nchunks / 2;
    chunk = ngx_http_socketio_message_reserve(zone, run);

    if (chunk == 0) {
        return NGX_DECLINED;
    }

    bytes = (size_t) run * NGX_HTTP_SOCKETIO_CHUNK;
    places = 1;

    while (places <= bytes / NGX_HTTP_SOCKETIO_LOG_ENTRY / 2) {
        places *= 2;
    }

    index = zone->chunks + (size_t) (chunk - 1) * NGX_HTTP_SOCKETIO_CHUNK;

    ngx_http_socketio_log_lock(zone);

    if (!ngx_http_socketio_log_ready(zone)) {
        zone->log_index = index;
        zone->log_places = places;
        zone->log_size = bytes - places * sizeof(uint64_t);
        zone->log_head = 0;
        zone->log_last = ngx_http_socketio_calendar()
                         << NGX_HTTP_SOCKETIO_LOG_BITS;
        zone->log_first = zone->log_last + 1;
        zone->log_ordered = zone->log_first;
        ngx_memzero(&zone->log_id, sizeof(sio_stream_id_t));
        ngx_memzero(&zone->log_begin, sizeof(sio_stream_id_t));

        __atomic_store_n(&zone->log_data, index + places * sizeof(uint64_t),
                         __ATOMIC_RELEASE);
    }

    ngx_http_socketio_log_unlock(zone);

    return NGX_OK;
}


/* What a dead holder left half done is not published, and done again. */

void
ngx_http_socketio_log_lock(ngx_http_socketio_zone_t *zone)
{
    (void) ngx_http_socketio_lock(&zone->log_lock);
}


void
ngx_http_socketio_log_unlock(ngx_http_socketio_zone_t *zone)
{
    ngx_http_socketio_unlock(&zone->log_lock);
}


static uint64_t *
ngx_http_socketio_log_place(ngx_http_socketio_zone_t *zone, uint64_t number)
{
    uint64_t  *index;

    index = ngx_http_socketio_shm_at(zone, zone->log_index);

    return &index[number & (zone->log_places - 1)];
}


uint64_t
ngx_http_socketio_log_append(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_entry_t *entry, const u_char *data)
{
    size_t                      need, rest;
    uint64_t                    first, number, place;
    ngx_http_socketio_entry_t  *e;

    need = ngx_align(sizeof(ngx_http_socketio_entry_t) + entry->len,
                     NGX_HTTP_SOCKETIO_LOG_ALIGN);

    if (need > zone->log_size / 4) {
        return 0;
    }

    number = zone->log_last + 1;
    place = zone->log_head;
    rest = zone->log_size - place % zone->log_size;

    if (need > rest) {
        place += rest;
    }

    first = zone->log_first;

    while (first < number
           && (*ngx_http_socketio_log_place(zone, first) + zone->log_size
               < place + need
               || number - first >= zone->log_places))
    {
        /* what had this id behind it may be lost as well */

        if (ngx_http_socketio_log_kept(zone, first, &zone->log_begin)
            == NGX_OK)
        {
            zone->log_begin.seq++;
        }

        first++;
    }

    __atomic_store_n(&zone->log_first, first, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    e = ngx_http_socketio_shm_at(zone, zone->log_data
                                       + place % zone->log_size);
    *e = *entry;
    e->number = number;
    ngx_http_socketio_log_stamp(zone, e);
    ngx_memcpy(e->data, data, entry->len);

    __atomic_store_n(ngx_http_socketio_log_place(zone, number), place,
                     __ATOMIC_RELAXED);

    zone->log_head = place + need;
    __atomic_store_n(&zone->log_last, number, __ATOMIC_RELEASE);

    if (e->in_stream) {
        ngx_http_socketio_log_pass(zone, &e->id);
    }

    return number;
}


/* What is no entry of a stream is behind the one before it. */

static void
ngx_http_socketio_log_stamp(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_entry_t *entry)
{
    ngx_http_socketio_entry_t  last;

    entry->base = entry->number;

    if (entry->in_stream) {
        entry->away = 0;
        return;
    }

    entry->id = zone->log_id;
    entry->base--;

    if (ngx_http_socketio_log_head(zone, entry->number - 1, &last) == NGX_OK
        && sio_stream_id_cmp(&last.id, &entry->id) == 0)
    {
        entry->base = last.base;
        entry->away |= last.away;
    }
}


/*
 * The id of an entry that is there, if it is behind *id.  Who is killed in
 * between has written the entry, and not that the stream was read so far.
 */
static ngx_int_t
ngx_http_socketio_log_kept(ngx_http_socketio_zone_t *zone, uint64_t number,
    sio_stream_id_t *id)
{
    ngx_http_socketio_entry_t  entry;

    if (ngx_http_socketio_log_head(zone, number, &entry) != NGX_OK
        || sio_stream_id_cmp(&entry.id, id) <= 0)
    {
        return NGX_DECLINED;
    }

    *id = entry.id;

    return NGX_OK;
}


ngx_uint_t
ngx_http_socketio_log_seen(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id)
{
    if (zone->log_last >= zone->log_ordered) {
        (void) ngx_http_socketio_log_kept(zone, zone->log_last, &zone->log_id);
    }

    return sio_stream_id_cmp(id, &zone->log_id) <= 0;
}


void
ngx_http_socketio_log_pass(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id)
{
    if (sio_stream_id_cmp(id, &zone->log_id) > 0) {
        zone->log_id = *id;
    }

    if (zone->log_begin.msec == UINT64_MAX) {
        zone->log_begin = *id;
    }
}


void
ngx_http_socketio_log_restart(ngx_http_socketio_zone_t *zone,
    const sio_stream_id_t *id, ngx_uint_t gap)
{
    if (gap || !ngx_http_socketio_log_seen(zone, id)
        || sio_stream_id_cmp(id, &zone->log_id) != 0)
    {
        zone->log_id = *id;
        zone->log_begin = *id;
        zone->log_ordered = zone->log_last + 1;

        if (gap) {
            zone->log_begin.msec = UINT64_MAX;
        }
    }
}


uint64_t
ngx_http_socketio_log_end(ngx_http_socketio_zone_t *zone, sio_stream_id_t *id)
{
    (void) ngx_http_socketio_log_seen(zone, &zone->log_id);

    *id = zone->log_id;

    return zone->log_last;
}


void
ngx_http_socketio_log_reach(ngx_http_socketio_zone_t *zone,
    sio_stream_id_t *id)
{
    sio_stream_id_t  *begin;

    (void) ngx_http_socketio_log_seen(zone, id);

    begin = sio_stream_id_cmp(&zone->log_begin, &zone->log_id) < 0
            ? &zone->log_begin : &zone->log_id;

    if (sio_stream_id_cmp(begin, id) > 0) {
        *id = *begin;
    }
}


/* Ids only grow: the first entry behind the offset's is looked for. */

ngx_int_t
ngx_http_socketio_log_locate(ngx_http_socketio_zone_t *zone,
    const sio_offset_t *offset, uint64_t *number)
{
    uint64_t                   low, high, middle;
    ngx_http_socketio_entry_t  entry;

    *number = offset->number;

    if (sio_stream_id_is_none(&offset->id)) {
        return *number <= zone->log_last ? NGX_OK : NGX_DECLINED;
    }

    (void) ngx_http_socketio_log_seen(zone, &offset->id);

    if (sio_stream_id_is_none(&zone->log_id)
        || (sio_stream_id_cmp(&offset->id, &zone->log_begin) < 0
            && sio_stream_id_cmp(&offset->id, &zone->log_id) < 0))
    {
        return NGX_DECLINED;
    }

    low = ngx_max(zone->log_first, zone->log_ordered);
    high = zone->log_last + 1;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (ngx_http_socketio_log_head(zone, middle, &entry) != NGX_OK) {
            return NGX_DECLINED;
        }

        if (sio_stream_id_cmp(&entry.id, &offset->id) > 0
            || (sio_stream_id_cmp(&entry.id, &offset->id) == 0
                && middle > entry.base + offset->number))
        {
            high = middle;

        } else {
            low = middle + 1;
        }
    }

    *number = low - 1;

    return NGX_OK;
}


uint64_t
ngx_http_socketio_log_last(ngx_http_socketio_zone_t *zone)
{
    return __atomic_load_n(&zone->log_last, __ATOMIC_ACQUIRE);
}


uint64_t
ngx_http_socketio_log_first(ngx_http_socketio_zone_t *zone)
{
    return __atomic_load_n(&zone->log_first, __ATOMIC_ACQUIRE);
}


/*
 * An entry's head, copied, and where its data is.  Nothing of it is believed
 * that would lead out of the area: it may be written over at any moment.
 */
static ngx_int_t
ngx_http_socketio_log_find(ngx_http_socketio_zone_t *zone, uint64_t number,
    ngx_http_socketio_entry_t *entry, u_char **data)
{
    size_t   offset;
    u_char  *p;

    if (number > ngx_http_socketio_log_last(zone)) {
        return NGX_AGAIN;
    }

    if (number < ngx_http_socketio_log_first(zone)) {
        return NGX_DECLINED;
    }

    offset = __atomic_load_n(ngx_http_socketio_log_place(zone, number),
                             __ATOMIC_RELAXED) % zone->log_size;

    if (offset % NGX_HTTP_SOCKETIO_LOG_ALIGN
        || zone->log_size - offset < sizeof(ngx_http_socketio_entry_t))
    {
        return NGX_DECLINED;
    }

    p = ngx_http_socketio_shm_at(zone, zone->log_data + offset);

    ngx_memcpy(entry, p, sizeof(ngx_http_socketio_entry_t));
    *data = p + sizeof(ngx_http_socketio_entry_t);

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    if (number < ngx_http_socketio_log_first(zone)
        || entry->number != number
        || entry->len > zone->log_size - offset
                        - sizeof(ngx_http_socketio_entry_t))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_socketio_log_head(ngx_http_socketio_zone_t *zone, uint64_t number,
    ngx_http_socketio_entry_t *entry)
{
    u_char  *data;

    return ngx_http_socketio_log_find(zone, number, entry, &data);
}


ngx_int_t
ngx_http_socketio_log_data(ngx_http_socketio_zone_t *zone, uint64_t number,
    sio_buf_t *buf)
{
    size_t                     len;
    u_char                    *data;
    ngx_int_t                  rc;
    ngx_http_socketio_entry_t  entry;

    rc = ngx_http_socketio_log_find(zone, number, &entry, &data);

    if (rc != NGX_OK) {
        return rc;
    }

    len = buf->len;

    if (sio_buf_append(buf, data, entry.len) != SIO_OK) {
        return NGX_ERROR;
    }

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    if (number < ngx_http_socketio_log_first(zone)) {
        buf->len = len;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_http_socketio_log_info(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_log_info_t *info)
{
    uint64_t                   first;
    ngx_http_socketio_entry_t  entry;

    ngx_memzero(info, sizeof(ngx_http_socketio_log_info_t));

    if (!ngx_http_socketio_log_ready(zone)) {
        return;
    }

    first = ngx_http_socketio_log_first(zone);

    info->entries = ngx_http_socketio_log_last(zone) + 1 - first;
    info->bytes = zone->log_size;

    if (ngx_http_socketio_log_head(zone, first, &entry) == NGX_OK) {
        info->since = entry.time;
    }
}
