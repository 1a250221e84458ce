/*
 * The directory: a chained hash table of fixed size.
 *
 * The cells are the truth: a cell is there if its kind is not 0.  The kind is
 * stored after everything else of the cell, and cleared before anything else
 * is touched.  Chains, free list and the count of cells in use are derived.
 * So whatever a holder of the lock had half done when it died, one pass over
 * the cells that were ever used makes all of it anew, with every cell in one
 * chain or in the free list, and never in both.  What the dead had added
 * without returning names its incarnation, and goes with it.
 *
 * Hashes of names are keyed, and sids are the server's own random bytes, so
 * nobody can choose keys that share a bucket.
 */


#include "shm/ngx_http_socketio_shm_peer.h"

#include "codec/sio_base64.h"
#include "codec/sio_name.h"


#define NGX_HTTP_SOCKETIO_SID_LEN      20

/* Cells that are taken back in one go, without letting others in. */

#define NGX_HTTP_SOCKETIO_REAP_BATCH   64


/* A key as two words. */

typedef struct {
    uint64_t  a;
    uint64_t  b;
} ngx_http_socketio_key_words_t;


static void ngx_http_socketio_key_pair(ngx_http_socketio_zone_t *zone,
    sio_str_t a, sio_str_t b, ngx_uint_t kind, ngx_http_socketio_key_t *key);
static uint32_t ngx_http_socketio_directory_seek(
    ngx_http_socketio_zone_t *zone, const ngx_http_socketio_key_t *key,
    ngx_uint_t slot);
static void ngx_http_socketio_directory_lock(ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_directory_rebuild(
    ngx_http_socketio_zone_t *zone);
static ngx_uint_t ngx_http_socketio_cell_own(ngx_http_socketio_zone_t *zone,
    uint32_t n);
static void ngx_http_socketio_cell_link(ngx_http_socketio_zone_t *zone,
    uint32_t n, const ngx_http_socketio_key_t *key, ngx_uint_t slot,
    uint32_t incarnation);
static uint32_t ngx_http_socketio_cell_alloc(ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_cell_free(ngx_http_socketio_zone_t *zone,
    uint32_t n);


static ngx_inline ngx_http_socketio_cell_t *
ngx_http_socketio_cell(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    ngx_http_socketio_cell_t  *cells;

    cells = ngx_http_socketio_shm_at(zone, zone->cells);

    return &cells[n];
}


/* The key and the kind are the first 16 bytes of a key and of a cell. */

static ngx_inline ngx_http_socketio_key_words_t
ngx_http_socketio_key_words(const void *p)
{
    ngx_http_socketio_key_words_t  w;

    ngx_memcpy(&w, p, sizeof(w));

    return w;
}


static ngx_inline uint32_t *
ngx_http_socketio_bucket(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_key_words_t w)
{
    uint32_t  *buckets;
    uint64_t   h;

    h = (w.a ^ zone->hash.k0) * 0x9e3779b97f4a7c15;
    h = ((h ^ (h >> 32)) ^ w.b) * 0xd6e8feb86659fd93;

    buckets = ngx_http_socketio_shm_at(zone, zone->buckets);

    return &buckets[(h >> 32) & (zone->nbuckets - 1)];
}


/* Whether the owner of a cell is there, and still the one who wrote it. */

static ngx_inline ngx_uint_t
ngx_http_socketio_cell_live(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_cell_t *cell)
{
    ngx_http_socketio_slot_t  *slot;

    if (cell->slot >= NGX_HTTP_SOCKETIO_SLOTS) {
        return ngx_http_socketio_peer_live(ngx_http_socketio_peer(zone,
                                      cell->slot - NGX_HTTP_SOCKETIO_SLOTS),
                                           cell->incarnation);
    }

    slot = ngx_http_socketio_slot(zone, cell->slot);

    return slot->pid != 0
           && (uint32_t) slot->incarnation == cell->incarnation;
}


ngx_int_t
ngx_http_socketio_key_session(sio_str_t sid, ngx_http_socketio_key_t *key)
{
    size_t  len;

    if (sid.len != NGX_HTTP_SOCKETIO_SID_LEN
        || sio_base64url_decode(key->bytes, &len, sid.data, sid.len) != SIO_OK
        || len != NGX_HTTP_SOCKETIO_KEY_LEN)
    {
        return NGX_ERROR;
    }

    key->kind = NGX_HTTP_SOCKETIO_CELL_SESSION;

    return NGX_OK;
}


void
ngx_http_socketio_key_socket(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t sid, ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_key_pair(zone, nsp, sid, NGX_HTTP_SOCKETIO_CELL_SOCKET,
                               key);
}


void
ngx_http_socketio_key_room(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t room, ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_key_pair(zone, nsp, room, NGX_HTTP_SOCKETIO_CELL_ROOM,
                               key);
}


void
ngx_http_socketio_key_user(ngx_http_socketio_zone_t *zone, sio_str_t nsp,
    sio_str_t user, ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_key_pair(zone, nsp, user, NGX_HTTP_SOCKETIO_CELL_USER,
                               key);
}


void
ngx_http_socketio_key_admitted(ngx_http_socketio_zone_t *zone, sio_str_t name,
    sio_str_t value, ngx_http_socketio_key_t *key)
{
    ngx_http_socketio_key_pair(zone, name, value,
                               NGX_HTTP_SOCKETIO_CELL_ADMITTED, key);
}


static void
ngx_http_socketio_key_pair(ngx_http_socketio_zone_t *zone, sio_str_t a,
    sio_str_t b, ngx_uint_t kind, ngx_http_socketio_key_t *key)
{
    uint8_t  hash[16];

    sio_hash_pair(&zone->hash, a, b, hash);

    ngx_memcpy(key->bytes, hash, NGX_HTTP_SOCKETIO_KEY_LEN);
    key->kind = (u_char) kind;
}


uint32_t
ngx_http_socketio_directory_add(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot, uint32_t count)
{
    uint16_t                        age;
    uint32_t                        n, found, incarnation, *bucket;
    ngx_uint_t                      others;
    ngx_http_socketio_cell_t       *cell;
    ngx_http_socketio_key_words_t   w, other;

    w = ngx_http_socketio_key_words(key);
    bucket = ngx_http_socketio_bucket(zone, w);
    incarnation = (uint32_t) ngx_http_socketio_slot(zone, slot)->incarnation;

    ngx_http_socketio_directory_lock(zone);

    /* Newer than the others of this key; the numbers may wrap. */

    age = 0;
    found = 0;
    others = 0;

    for (n = *bucket; n; n = cell->next) {
        cell = ngx_http_socketio_cell(zone, n);
        other = ngx_http_socketio_key_words(cell);

        if (other.a != w.a || other.b != w.b
            || !ngx_http_socketio_cell_live(zone, cell))
        {
            continue;
        }

        if (cell->slot == slot) {
            found = n;

        } else if (!others || (int16_t) (cell->age + 1 - age) > 0) {
            age = cell->age + 1;
            others = 1;
        }
    }

    n = found ? found : ngx_http_socketio_cell_alloc(zone);

    if (n == 0) {
        ngx_http_socketio_unlock(&zone->directory_lock);
        (void) ngx_atomic_fetch_add(&zone->full, 1);
        return 0;
    }

    cell = ngx_http_socketio_cell(zone, n);
    cell->age = age;
    __atomic_store_n(&cell->count, count, __ATOMIC_RELAXED);

    if (!found) {
        ngx_http_socketio_cell_link(zone, n, key, slot, incarnation);
    }

    ngx_http_socketio_unlock(&zone->directory_lock);

    return n;
}


ngx_int_t
ngx_http_socketio_directory_put(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t peer)
{
    uint32_t                   n, epoch;
    ngx_int_t                  rc;
    ngx_http_socketio_cell_t  *cell;

    epoch = ngx_http_socketio_peer_epoch(ngx_http_socketio_peer(zone,
                                           peer - NGX_HTTP_SOCKETIO_SLOTS));
    rc = NGX_OK;

    ngx_http_socketio_directory_lock(zone);

    n = ngx_http_socketio_directory_seek(zone, key, peer);

    if (n) {
        cell = ngx_http_socketio_cell(zone, n);
        rc = cell->incarnation == epoch ? NGX_DECLINED : NGX_OK;
        cell->incarnation = epoch;

    } else if ((n = ngx_http_socketio_cell_alloc(zone)) != 0) {
        cell = ngx_http_socketio_cell(zone, n);
        cell->count = 1;
        cell->age = 0;
        ngx_http_socketio_cell_link(zone, n, key, peer, epoch);

    } else {
        rc = NGX_ERROR;
        (void) ngx_atomic_fetch_add(&zone->full, 1);
    }

    ngx_http_socketio_unlock(&zone->directory_lock);

    return rc;
}


ngx_int_t
ngx_http_socketio_directory_take(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t peer)
{
    uint32_t   n, epoch;
    ngx_int_t  rc;

    epoch = ngx_http_socketio_peer_epoch(ngx_http_socketio_peer(zone,
                                           peer - NGX_HTTP_SOCKETIO_SLOTS));
    rc = NGX_DECLINED;

    ngx_http_socketio_directory_lock(zone);

    n = ngx_http_socketio_directory_seek(zone, key, peer);

    if (n) {
        rc = ngx_http_socketio_cell(zone, n)->incarnation == epoch
             ? NGX_OK : NGX_DECLINED;
        ngx_http_socketio_cell_free(zone, n);
    }

    ngx_http_socketio_unlock(&zone->directory_lock);

    return rc;
}


/* Called under the lock: a live cell of a key and a slot, or 0. */

static uint32_t
ngx_http_socketio_directory_seek(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot)
{
    uint32_t                        n;
    ngx_http_socketio_cell_t       *cell;
    ngx_http_socketio_key_words_t   w, other;

    w = ngx_http_socketio_key_words(key);

    for (n = *ngx_http_socketio_bucket(zone, w); n; n = cell->next) {
        cell = ngx_http_socketio_cell(zone, n);
        other = ngx_http_socketio_key_words(cell);

        if (other.a == w.a && other.b == w.b && cell->slot == slot
            && ngx_http_socketio_cell_live(zone, cell))
        {
            return n;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_socketio_directory_admit(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot, uint32_t max,
    uint32_t *cell)
{
    uint32_t                        n, own;
    uint64_t                        count;
    ngx_int_t                       rc;
    ngx_http_socketio_cell_t       *c;
    ngx_http_socketio_key_words_t   w, other;

    w = ngx_http_socketio_key_words(key);
    own = 0;
    count = 0;
    rc = NGX_OK;

    ngx_http_socketio_directory_lock(zone);

    for (n = *ngx_http_socketio_bucket(zone, w); n; n = c->next) {
        c = ngx_http_socketio_cell(zone, n);
        other = ngx_http_socketio_key_words(c);

        if (other.a == w.a && other.b == w.b
            && ngx_http_socketio_cell_live(zone, c))
        {
            own = (c->slot == slot) ? n : own;
            count += c->count;
        }
    }

    if (max && count >= max) {
        rc = NGX_DECLINED;
        goto done;
    }

    if (own) {
        ngx_http_socketio_cell(zone, own)->count++;
        goto done;
    }

    own = ngx_http_socketio_cell_alloc(zone);

    if (own == 0) {
        (void) ngx_atomic_fetch_add(&zone->full, 1);
        rc = NGX_ERROR;
        goto done;
    }

    c = ngx_http_socketio_cell(zone, own);
    c->age = 0;
    c->count = 1;
    ngx_http_socketio_cell_link(zone, own, key, slot, (uint32_t)
                         ngx_http_socketio_slot(zone, slot)->incarnation);

done:

    ngx_http_socketio_unlock(&zone->directory_lock);

    *cell = own;

    return rc;
}


void
ngx_http_socketio_directory_release(ngx_http_socketio_zone_t *zone,
    uint32_t cell)
{
    ngx_http_socketio_cell_t  *c;

    if (cell == 0) {
        return;
    }

    ngx_http_socketio_directory_lock(zone);

    c = ngx_http_socketio_cell(zone, cell);

    if (ngx_http_socketio_cell_own(zone, cell) && --c->count == 0) {
        ngx_http_socketio_cell_free(zone, cell);
    }

    ngx_http_socketio_unlock(&zone->directory_lock);
}


void
ngx_http_socketio_directory_count(ngx_http_socketio_zone_t *zone,
    uint32_t cell, uint32_t count)
{
    if (cell == 0 || cell >= zone->ncells) {
        return;
    }

    __atomic_store_n(&ngx_http_socketio_cell(zone, cell)->count, count,
                     __ATOMIC_RELAXED);
}


void
ngx_http_socketio_directory_remove(ngx_http_socketio_zone_t *zone,
    uint32_t cell)
{
    if (cell == 0) {
        return;
    }

    ngx_http_socketio_directory_lock(zone);

    if (ngx_http_socketio_cell_own(zone, cell)) {
        ngx_http_socketio_cell_free(zone, cell);
    }

    ngx_http_socketio_unlock(&zone->directory_lock);
}


void
ngx_http_socketio_directory_find(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, ngx_http_socketio_found_t *found)
{
    uint32_t                        n;
    ngx_http_socketio_cell_t       *cell;
    ngx_http_socketio_key_words_t   w, other;

    w = ngx_http_socketio_key_words(key);

    ngx_http_socketio_directory_lock(zone);

    for (n = *ngx_http_socketio_bucket(zone, w); n; n = cell->next) {
        cell = ngx_http_socketio_cell(zone, n);
        other = ngx_http_socketio_key_words(cell);

        if (other.a == w.a && other.b == w.b
            && ngx_http_socketio_cell_live(zone, cell))
        {
            found->slots[cell->slot / 64] |= (uint64_t) 1 << cell->slot % 64;
            found->count += __atomic_load_n(&cell->count, __ATOMIC_RELAXED);
        }
    }

    ngx_http_socketio_unlock(&zone->directory_lock);
}


void
ngx_http_socketio_directory_user(ngx_http_socketio_zone_t *zone,
    sio_str_t nsp, sio_str_t user, ngx_http_socketio_found_t *found)
{
    u_char                   bytes[SIO_ROOM_MAX];
    sio_str_t                room;
    ngx_http_socketio_key_t  key;

    ngx_memzero(found, sizeof(ngx_http_socketio_found_t));

    room = sio_user_room(user, bytes);

    if (room.len) {
        ngx_http_socketio_key_room(zone, nsp, room, &key);
        ngx_http_socketio_directory_find(zone, &key, found);
    }
}


ngx_uint_t
ngx_http_socketio_directory_slot(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key)
{
    uint16_t                        age;
    uint32_t                        n;
    ngx_uint_t                      slot;
    ngx_http_socketio_cell_t       *cell;
    ngx_http_socketio_key_words_t   w, other;

    w = ngx_http_socketio_key_words(key);
    slot = NGX_HTTP_SOCKETIO_NO_SLOT;
    age = 0;

    ngx_http_socketio_directory_lock(zone);

    for (n = *ngx_http_socketio_bucket(zone, w); n; n = cell->next) {
        cell = ngx_http_socketio_cell(zone, n);
        other = ngx_http_socketio_key_words(cell);

        if (other.a != w.a || other.b != w.b
            || !ngx_http_socketio_cell_live(zone, cell))
        {
            continue;
        }

        if (slot == NGX_HTTP_SOCKETIO_NO_SLOT
            || (int16_t) (cell->age - age) > 0)
        {
            slot = cell->slot;
            age = cell->age;
        }
    }

    ngx_http_socketio_unlock(&zone->directory_lock);

    return slot;
}


ngx_uint_t
ngx_http_socketio_directory_reap(ngx_http_socketio_zone_t *zone,
    ngx_uint_t slot)
{
    uint32_t                   n, top, last;
    ngx_uint_t                 reaped;
    ngx_http_socketio_cell_t  *cell;

    reaped = 0;
    top = __atomic_load_n(&zone->cell_top, __ATOMIC_ACQUIRE);

    for (n = 1; n < top; n++) {

        /*
         * A first look without the lock: a whole pass would keep the others
         * waiting.  No cell of a passed incarnation comes into being.
         */

        cell = ngx_http_socketio_cell(zone, n);

        if (__atomic_load_n(&cell->kind, __ATOMIC_ACQUIRE)
                == NGX_HTTP_SOCKETIO_CELL_FREE
            || ngx_min(cell->slot, NGX_HTTP_SOCKETIO_SLOTS) != slot
            || ngx_http_socketio_cell_live(zone, cell))
        {
            continue;
        }

        ngx_http_socketio_directory_lock(zone);

        last = ngx_min(top, n + NGX_HTTP_SOCKETIO_REAP_BATCH);

        for ( /* void */ ; n < last; n++) {
            cell = ngx_http_socketio_cell(zone, n);

            if (cell->kind != NGX_HTTP_SOCKETIO_CELL_FREE
                && ngx_min(cell->slot, NGX_HTTP_SOCKETIO_SLOTS) == slot
                && !ngx_http_socketio_cell_live(zone, cell))
            {
                ngx_http_socketio_cell_free(zone, n);
                reaped++;
            }
        }

        ngx_http_socketio_unlock(&zone->directory_lock);

        n--;
    }

    return reaped;
}


static void
ngx_http_socketio_directory_lock(ngx_http_socketio_zone_t *zone)
{
    if (ngx_http_socketio_lock(&zone->directory_lock) == NGX_DONE) {
        ngx_http_socketio_directory_rebuild(zone);
    }
}


static void
ngx_http_socketio_directory_rebuild(ngx_http_socketio_zone_t *zone)
{
    uint32_t                   n, used, *bucket;
    ngx_http_socketio_cell_t  *cell;

    ngx_memzero(ngx_http_socketio_shm_at(zone, zone->buckets),
                zone->nbuckets * sizeof(uint32_t));

    zone->free_cell = 0;
    used = 0;

    for (n = zone->cell_top - 1; n > 0; n--) {
        cell = ngx_http_socketio_cell(zone, n);

        if (cell->kind == NGX_HTTP_SOCKETIO_CELL_FREE) {
            cell->next = zone->free_cell;
            zone->free_cell = n;
            continue;
        }

        bucket = ngx_http_socketio_bucket(zone,
                                          ngx_http_socketio_key_words(cell));
        cell->next = *bucket;
        *bucket = n;
        used++;
    }

    zone->cells_used = used;
}


/* Whether a cell is there, and of this process.  Called under the lock. */

static ngx_uint_t
ngx_http_socketio_cell_own(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    ngx_http_socketio_cell_t  *cell;
    ngx_http_socketio_slot_t  *slot;

    if (n >= zone->cell_top) {
        return 0;
    }

    cell = ngx_http_socketio_cell(zone, n);

    if (cell->kind == NGX_HTTP_SOCKETIO_CELL_FREE
        || cell->slot >= NGX_HTTP_SOCKETIO_SLOTS)
    {
        return 0;
    }

    slot = ngx_http_socketio_slot(zone, cell->slot);

    return slot->pid == (ngx_atomic_uint_t) ngx_pid
           && (uint32_t) slot->incarnation == cell->incarnation;
}


/* Put an allocated cell, its age and count set, where it is found. */

static void
ngx_http_socketio_cell_link(ngx_http_socketio_zone_t *zone, uint32_t n,
    const ngx_http_socketio_key_t *key, ngx_uint_t slot, uint32_t incarnation)
{
    uint32_t                  *bucket;
    ngx_http_socketio_cell_t  *cell;

    bucket = ngx_http_socketio_bucket(zone, ngx_http_socketio_key_words(key));
    cell = ngx_http_socketio_cell(zone, n);

    ngx_memcpy(cell->key, key->bytes, NGX_HTTP_SOCKETIO_KEY_LEN);
    cell->slot = (uint16_t) slot;
    cell->incarnation = incarnation;
    cell->next = *bucket;

    __atomic_store_n(&cell->kind, key->kind, __ATOMIC_RELEASE);
    __atomic_store_n(bucket, n, __ATOMIC_RELEASE);
}


/* A cell that is free and in no list.  Called under the lock. */

static uint32_t
ngx_http_socketio_cell_alloc(ngx_http_socketio_zone_t *zone)
{
    uint32_t  n;

    n = zone->free_cell;

    if (n) {
        zone->free_cell = ngx_http_socketio_cell(zone, n)->next;

    } else {
        n = zone->cell_top;

        if (n == zone->ncells) {
            return 0;
        }

        /* Never used: it may hold anything, and a rebuild would believe it. */

        __atomic_store_n(&ngx_http_socketio_cell(zone, n)->kind,
                         NGX_HTTP_SOCKETIO_CELL_FREE, __ATOMIC_RELAXED);
        __atomic_store_n(&zone->cell_top, n + 1, __ATOMIC_RELEASE);
    }

    zone->cells_used++;

    return n;
}


/* Called under the lock. */

static void
ngx_http_socketio_cell_free(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    uint32_t                  *link;
    ngx_http_socketio_cell_t  *cell;

    cell = ngx_http_socketio_cell(zone, n);

    /* The bucket is that of the whole key: look it up while there is one. */

    link = ngx_http_socketio_bucket(zone, ngx_http_socketio_key_words(cell));

    __atomic_store_n(&cell->kind, NGX_HTTP_SOCKETIO_CELL_FREE,
                     __ATOMIC_SEQ_CST);

    while (*link && *link != n) {
        link = &ngx_http_socketio_cell(zone, *link)->next;
    }

    if (*link) {
        *link = cell->next;
    }

    cell->next = zone->free_cell;
    zone->free_cell = n;
    zone->cells_used--;
}
