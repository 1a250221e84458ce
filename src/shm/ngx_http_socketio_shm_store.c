/*
 * The store: blocks, lists by key and by tag, and room for new records.
 *
 * The first blocks are the truth, and the chains behind them: a record is
 * there if the kind of its first block says so.  The kind is stored after
 * everything else of the record, and cleared before anything else is touched.
 * Lists, the free list, the order of expiry, which blocks are behind others,
 * and the counts are derived.  So whatever a holder of the lock had half done
 * when it died, passes over the blocks that were ever used make all of it
 * anew; blocks of a record that was not published, or was being removed, are
 * free again.  Within a list records are in the order of their ids, as they
 * were added.
 */


#include "shm/ngx_http_socketio_shm_list.h"
#include "shm/ngx_http_socketio_shm_expiry.h"


#define NGX_HTTP_SOCKETIO_STORE_GRACE   60000          /* msec, of a sweep */

#define NGX_HTTP_SOCKETIO_MORE_DATA                                           \
    sizeof(((ngx_http_socketio_more_t *) NULL)->data)


static void ngx_http_socketio_store_hash(ngx_http_socketio_zone_t *zone,
    ngx_uint_t what, const sio_str_t *names, ngx_uint_t n, uint8_t hash[16]);
static ngx_uint_t ngx_http_socketio_store_room(ngx_http_socketio_zone_t *zone,
    ngx_uint_t need);
static uint32_t ngx_http_socketio_store_alloc(ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_store_free(ngx_http_socketio_zone_t *zone,
    uint32_t n);
static uint32_t ngx_http_socketio_store_write(ngx_http_socketio_zone_t *zone,
    size_t len, const sio_str_t *parts);
static ngx_http_socketio_item_t *ngx_http_socketio_store_seek(
    ngx_http_socketio_zone_t *zone, uint32_t n, const u_char *key,
    ngx_uint_t kind, uint64_t now);
static ngx_http_socketio_item_t *ngx_http_socketio_store_seek_tag(
    ngx_http_socketio_zone_t *zone, uint32_t n, uint64_t tag,
    ngx_uint_t kind, uint64_t now);
static void ngx_http_socketio_store_count(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_uint_t kind, ngx_int_t by);
static void ngx_http_socketio_store_rebuild(ngx_http_socketio_zone_t *zone);
static void ngx_http_socketio_store_rebuild_chains(
    ngx_http_socketio_zone_t *zone);
static ngx_uint_t ngx_http_socketio_store_chain(
    ngx_http_socketio_zone_t *zone, ngx_http_socketio_item_t *item);


static ngx_inline u_char *
ngx_http_socketio_store_kinds(ngx_http_socketio_zone_t *zone)
{
    return ngx_http_socketio_shm_at(zone, zone->kinds);
}


static ngx_inline ngx_http_socketio_more_t *
ngx_http_socketio_store_more(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    return (ngx_http_socketio_more_t *) ngx_http_socketio_store_item(zone, n);
}


/* Blocks behind the first. */

static ngx_inline ngx_uint_t
ngx_http_socketio_store_length(size_t len)
{
    return len <= NGX_HTTP_SOCKETIO_STORE_INLINE
           ? 0 : (len - NGX_HTTP_SOCKETIO_STORE_INLINE
                  + NGX_HTTP_SOCKETIO_MORE_DATA - 1)
                 / NGX_HTTP_SOCKETIO_MORE_DATA;
}


static ngx_inline ngx_uint_t
ngx_http_socketio_store_expired(const ngx_http_socketio_item_t *item,
    uint64_t now)
{
    return item->expires && item->expires <= now;
}


void
ngx_http_socketio_store_key(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, const sio_str_t *names, ngx_uint_t n,
    ngx_http_socketio_key_t *key)
{
    uint8_t  hash[16];

    ngx_http_socketio_store_hash(zone, kind, names, n, hash);

    ngx_memcpy(key->bytes, hash, NGX_HTTP_SOCKETIO_KEY_LEN);
    key->kind = (u_char) kind;
}


uint64_t
ngx_http_socketio_store_tag(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, const sio_str_t *names, ngx_uint_t n)
{
    uint8_t   hash[16];
    uint64_t  tag;

    ngx_http_socketio_store_hash(zone, 0x80 | kind, names, n, hash);
    ngx_memcpy(&tag, hash, sizeof(tag));

    return tag ? tag : 1;
}


/* Each name is hashed with the hash of what came before it. */

static void
ngx_http_socketio_store_hash(ngx_http_socketio_zone_t *zone, ngx_uint_t what,
    const sio_str_t *names, ngx_uint_t n, uint8_t hash[16])
{
    uint8_t     before[16];
    ngx_uint_t  i;

    ngx_memzero(hash, 16);
    hash[0] = (uint8_t) what;

    for (i = 0; i < n; i++) {
        ngx_memcpy(before, hash, 16);
        sio_hash_pair(&zone->hash, sio_str(before, 16), names[i], hash);
    }
}


void
ngx_http_socketio_store_lock(ngx_http_socketio_zone_t *zone)
{
    if (ngx_http_socketio_lock(&zone->store_lock) == NGX_DONE) {
        ngx_http_socketio_store_rebuild(zone);
    }
}


void
ngx_http_socketio_store_unlock(ngx_http_socketio_zone_t *zone)
{
    ngx_http_socketio_unlock(&zone->store_lock);
}


ngx_uint_t
ngx_http_socketio_store_mail(ngx_http_socketio_zone_t *zone, size_t len)
{
    uint64_t                   now;
    uint32_t                   share;
    ngx_uint_t                 need;
    ngx_http_socketio_item_t  *item;

    share = zone->nblocks / 4 * 3;
    need = 1 + ngx_http_socketio_store_length(len);
    now = ngx_http_socketio_calendar();

    while (zone->mail + need > share) {
        item = ngx_http_socketio_expiry_first(zone, 0);

        if (item == NULL || !ngx_http_socketio_store_expired(item, now)) {
            (void) ngx_atomic_fetch_add(&zone->full, 1);
            return 0;
        }

        ngx_http_socketio_store_remove(zone, item);
    }

    return 1;
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_add(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t tag, uint64_t expires,
    ngx_uint_t evict, const sio_str_t *parts, ngx_uint_t n)
{
    size_t                     len;
    uint32_t                   block;
    ngx_uint_t                 i;
    ngx_http_socketio_item_t  *item;

    len = 0;

    for (i = 0; i < n; i++) {
        len += parts[i].len;
    }

    if (len > 0x7fffffff
        || !ngx_http_socketio_store_room(zone, 1
                                        + ngx_http_socketio_store_length(len)))
    {
        (void) ngx_atomic_fetch_add(&zone->full, 1);
        return NULL;
    }

    block = ngx_http_socketio_store_write(zone, len, parts);
    item = ngx_http_socketio_store_item(zone, block);

    ngx_memcpy(item->key, key->bytes, NGX_HTTP_SOCKETIO_KEY_LEN);
    item->evict = evict ? 1 : 0;
    item->tag = tag;
    item->id = ++zone->item_id;
    item->expires = expires;

    ngx_http_socketio_list_add(zone, item);
    ngx_http_socketio_expiry_add(zone, item);
    ngx_http_socketio_store_count(zone, item, key->kind, 1);

    __atomic_store_n(&ngx_http_socketio_store_kinds(zone)[block], key->kind,
                     __ATOMIC_RELEASE);

    return item;
}


/*
 * Make sure of a number of free blocks: 1, or 0.  Each record that has to go
 * is at hand; how many there are depends on what is to be added.
 */
static ngx_uint_t
ngx_http_socketio_store_room(ngx_http_socketio_zone_t *zone, ngx_uint_t need)
{
    uint64_t                   now;
    ngx_uint_t                 free;
    ngx_http_socketio_item_t  *item, *other;

    for ( ;; ) {
        free = zone->nblocks - 1 - (uint32_t) zone->blocks_used;

        if (free >= need) {
            return 1;
        }

        now = ngx_http_socketio_calendar();
        item = ngx_http_socketio_expiry_first(zone, 1);

        if (item == NULL || !ngx_http_socketio_store_expired(item, now)) {
            other = ngx_http_socketio_expiry_first(zone, 0);

            if (other && ngx_http_socketio_store_expired(other, now)) {
                item = other;

            } else if (item == NULL || free + zone->evictable < need) {
                return 0;
            }
        }

        ngx_http_socketio_store_remove(zone, item);
    }
}


/* A block that is free and in no list; there is one. */

static uint32_t
ngx_http_socketio_store_alloc(ngx_http_socketio_zone_t *zone)
{
    uint32_t  n;

    n = zone->free_block;

    if (n) {
        zone->free_block = ngx_http_socketio_store_item(zone, n)->next;

    } else {
        n = zone->block_top++;
    }

    zone->blocks_used++;

    return n;
}


static void
ngx_http_socketio_store_free(ngx_http_socketio_zone_t *zone, uint32_t n)
{
    ngx_http_socketio_store_item(zone, n)->next = zone->free_block;
    zone->free_block = n;
}


/* Take blocks for data of that length, and fill them; returns the first. */

static uint32_t
ngx_http_socketio_store_write(ngx_http_socketio_zone_t *zone, size_t len,
    const sio_str_t *parts)
{
    u_char                    *p, *kinds;
    size_t                     room, left, part;
    uint32_t                   block, n, *link;
    const u_char              *from;
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_more_t  *more;

    kinds = ngx_http_socketio_store_kinds(zone);
    block = ngx_http_socketio_store_alloc(zone);
    item = ngx_http_socketio_store_item(zone, block);

    item->more = 0;
    item->len = (uint32_t) len;
    item->reserved = 0;

    link = &item->more;
    p = item->data;
    room = NGX_HTTP_SOCKETIO_STORE_INLINE;
    from = NULL;
    left = 0;

    while (len) {

        while (left == 0) {
            from = parts->data;
            left = parts->len;
            parts++;
        }

        if (room == 0) {
            n = ngx_http_socketio_store_alloc(zone);
            kinds[n] = NGX_HTTP_SOCKETIO_STORE_MORE;
            more = ngx_http_socketio_store_more(zone, n);
            more->more = 0;
            *link = n;
            link = &more->more;
            p = more->data;
            room = NGX_HTTP_SOCKETIO_MORE_DATA;
        }

        part = ngx_min(left, room);
        p = ngx_cpymem(p, from, part);
        from += part;
        left -= part;
        room -= part;
        len -= part;
    }

    return block;
}


/* A record more or less; its blocks are counted where they are taken. */

static void
ngx_http_socketio_store_count(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_uint_t kind, ngx_int_t by)
{
    uint32_t  blocks;

    zone->records[kind % NGX_HTTP_SOCKETIO_KINDS] += by;

    blocks = (uint32_t)
             (by * (1 + (ngx_int_t)
                        ngx_http_socketio_store_length(item->len)));

    if (item->evict) {
        zone->evictable += blocks;
    }

    if (kind == NGX_HTTP_SOCKETIO_STORE_MAIL
        || kind == NGX_HTTP_SOCKETIO_STORE_OUTBOX)
    {
        zone->mail += blocks;
    }
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_first(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key, uint64_t now)
{
    return ngx_http_socketio_store_seek(zone,
                                        ngx_http_socketio_list_key(zone, key),
                                        key->bytes, key->kind, now);
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_next(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t now)
{
    return ngx_http_socketio_store_seek(zone, item->next, item->key,
                                   ngx_http_socketio_store_kind(zone, item),
                                   now);
}


static ngx_http_socketio_item_t *
ngx_http_socketio_store_seek(ngx_http_socketio_zone_t *zone, uint32_t n,
    const u_char *key, ngx_uint_t kind, uint64_t now)
{
    u_char                    *kinds;
    ngx_http_socketio_item_t  *item;

    kinds = ngx_http_socketio_store_kinds(zone);

    for ( /* void */ ; n; n = item->next) {
        item = ngx_http_socketio_store_item(zone, n);

        if (kinds[n] == kind
            && ngx_memcmp(item->key, key, NGX_HTTP_SOCKETIO_KEY_LEN) == 0
            && !ngx_http_socketio_store_expired(item, now))
        {
            return item;
        }
    }

    return NULL;
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_tagged(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, uint64_t tag, uint64_t now)
{
    return ngx_http_socketio_store_seek_tag(zone,
                                        ngx_http_socketio_list_tag(zone, tag),
                                        tag, kind, now);
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_next_tagged(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t now)
{
    return ngx_http_socketio_store_seek_tag(zone, item->next_tag, item->tag,
                                   ngx_http_socketio_store_kind(zone, item),
                                   now);
}


static ngx_http_socketio_item_t *
ngx_http_socketio_store_seek_tag(ngx_http_socketio_zone_t *zone, uint32_t n,
    uint64_t tag, ngx_uint_t kind, uint64_t now)
{
    u_char                    *kinds;
    ngx_http_socketio_item_t  *item;

    kinds = ngx_http_socketio_store_kinds(zone);

    for ( /* void */ ; n; n = item->next_tag) {
        item = ngx_http_socketio_store_item(zone, n);

        if (kinds[n] == kind && item->tag == tag
            && !ngx_http_socketio_store_expired(item, now))
        {
            return item;
        }
    }

    return NULL;
}


size_t
ngx_http_socketio_store_read(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_item_t *item, u_char *dst, size_t cap)
{
    size_t                     left, part;
    uint32_t                   n;
    ngx_http_socketio_more_t  *more;

    left = ngx_min(item->len, cap);
    part = ngx_min(left, NGX_HTTP_SOCKETIO_STORE_INLINE);

    dst = ngx_cpymem(dst, item->data, part);

    for (n = item->more; left > part; n = more->more) {
        left -= part;
        more = ngx_http_socketio_store_more(zone, n);
        part = ngx_min(left, NGX_HTTP_SOCKETIO_MORE_DATA);
        dst = ngx_cpymem(dst, more->data, part);
    }

    return item->len;
}


void
ngx_http_socketio_store_expire(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint64_t expires)
{
    uint64_t  before;

    before = item->expires;

    /* what may be dropped is put right later: this is done for each event */

    if (item->evict && before && (expires == 0 || expires >= before)) {
        item->expires = expires;
        return;
    }

    ngx_http_socketio_expiry_remove(zone, item);
    item->expires = expires;
    ngx_http_socketio_expiry_add(zone, item);
}


void
ngx_http_socketio_store_evict(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, ngx_uint_t evict)
{
    ngx_uint_t  kind;

    if (item->evict == evict) {
        return;
    }

    kind = ngx_http_socketio_store_kind(zone, item);

    ngx_http_socketio_expiry_remove(zone, item);
    ngx_http_socketio_store_count(zone, item, kind, -1);

    item->evict = evict ? 1 : 0;

    ngx_http_socketio_store_count(zone, item, kind, 1);
    ngx_http_socketio_expiry_add(zone, item);
}


void
ngx_http_socketio_store_renew(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    ngx_http_socketio_list_remove(zone, item);
    item->id = ++zone->item_id;
    ngx_http_socketio_list_add(zone, item);
}


void
ngx_http_socketio_store_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    u_char      *kinds;
    uint32_t     n, next;
    ngx_uint_t   kind, left;

    kinds = ngx_http_socketio_store_kinds(zone);
    n = ngx_http_socketio_store_block(zone, item);
    kind = kinds[n];

    __atomic_store_n(&kinds[n], NGX_HTTP_SOCKETIO_STORE_FREE,
                     __ATOMIC_SEQ_CST);

    ngx_http_socketio_list_remove(zone, item);
    ngx_http_socketio_expiry_remove(zone, item);
    ngx_http_socketio_store_count(zone, item, kind, -1);

    left = ngx_http_socketio_store_length(item->len);
    zone->blocks_used -= 1 + left;

    next = item->more;
    ngx_http_socketio_store_free(zone, n);

    for (n = next; left--; n = next) {
        next = ngx_http_socketio_store_more(zone, n)->more;
        kinds[n] = NGX_HTTP_SOCKETIO_STORE_FREE;
        ngx_http_socketio_store_free(zone, n);
    }
}


ngx_uint_t
ngx_http_socketio_store_sweep(ngx_http_socketio_zone_t *zone, uint64_t now,
    ngx_uint_t max)
{
    uint64_t                   end;
    ngx_uint_t                 evict, swept;
    ngx_http_socketio_item_t  *item;

    swept = 0;

    for (evict = 0; evict < 2; evict++) {
        end = evict ? now : now - NGX_HTTP_SOCKETIO_STORE_GRACE;

        while (swept < max) {
            item = ngx_http_socketio_expiry_first(zone, evict);

            if (item == NULL || !ngx_http_socketio_store_expired(item, end)) {
                break;
            }

            ngx_http_socketio_store_remove(zone, item);
            swept++;
        }
    }

    return swept;
}


ngx_http_socketio_item_t *
ngx_http_socketio_store_walk(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_store_e kind, uint32_t *cursor, ngx_uint_t *budget)
{
    u_char    *kinds;
    uint32_t   n;

    kinds = ngx_http_socketio_store_kinds(zone);

    for (n = ngx_max(*cursor, 1); n < zone->block_top; n++) {

        if (*budget == 0) {
            *cursor = n;
            return NULL;
        }

        (*budget)--;

        if (kinds[n] > NGX_HTTP_SOCKETIO_STORE_MORE
            && (kind == NGX_HTTP_SOCKETIO_STORE_FREE || kinds[n] == kind))
        {
            *cursor = n + 1;
            return ngx_http_socketio_store_item(zone, n);
        }
    }

    *cursor = 0;

    return NULL;
}


ngx_http_socketio_store_e
ngx_http_socketio_store_kind(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_item_t *item)
{
    return ngx_http_socketio_store_kinds(zone)
                          [ngx_http_socketio_store_block(zone, item)];
}


/*
 * Make anew what is derived.  Who dies in here leaves first blocks and chains
 * as they were, for the next one.
 */
static void
ngx_http_socketio_store_rebuild(ngx_http_socketio_zone_t *zone)
{
    u_char                    *kinds;
    uint32_t                   n;
    ngx_http_socketio_item_t  *item;

    kinds = ngx_http_socketio_store_kinds(zone);

    ngx_http_socketio_store_rebuild_chains(zone);
    ngx_http_socketio_list_reset(zone);

    ngx_memzero((void *) zone->records, sizeof(zone->records));
    zone->evictable = 0;
    zone->mail = 0;
    zone->nexpiry[0] = 0;
    zone->nexpiry[1] = 0;
    zone->free_block = 0;
    zone->blocks_used = 0;

    for (n = zone->block_top - 1; n > 0; n--) {
        item = ngx_http_socketio_store_item(zone, n);

        if (kinds[n] == NGX_HTTP_SOCKETIO_STORE_FREE) {
            ngx_http_socketio_store_free(zone, n);
            continue;
        }

        zone->blocks_used++;

        if (kinds[n] != NGX_HTTP_SOCKETIO_STORE_MORE) {
            ngx_http_socketio_list_collect(zone, item);
            ngx_http_socketio_expiry_add(zone, item);
            ngx_http_socketio_store_count(zone, item, kinds[n], 1);
        }
    }

    ngx_http_socketio_list_order(zone);
}


/* Which blocks are behind others: those that a chain leads to. */

static void
ngx_http_socketio_store_rebuild_chains(ngx_http_socketio_zone_t *zone)
{
    u_char    *kinds;
    uint32_t   n;

    kinds = ngx_http_socketio_store_kinds(zone);

    for (n = 1; n < zone->block_top; n++) {
        if (kinds[n] == NGX_HTTP_SOCKETIO_STORE_MORE) {
            kinds[n] = NGX_HTTP_SOCKETIO_STORE_FREE;
        }
    }

    for (n = 1; n < zone->block_top; n++) {
        if (kinds[n] > NGX_HTTP_SOCKETIO_STORE_MORE
            && !ngx_http_socketio_store_chain(zone,
                                       ngx_http_socketio_store_item(zone, n)))
        {
            kinds[n] = NGX_HTTP_SOCKETIO_STORE_FREE;
        }
    }
}


/* Follow a chain, and mark what is in it.  0: it is not whole. */

static ngx_uint_t
ngx_http_socketio_store_chain(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    u_char      *kinds;
    uint32_t     n;
    ngx_uint_t   left, done;

    kinds = ngx_http_socketio_store_kinds(zone);
    left = ngx_http_socketio_store_length(item->len);
    n = item->more;

    for (done = 0; done < left; done++) {

        if (n == 0 || n >= zone->block_top
            || kinds[n] != NGX_HTTP_SOCKETIO_STORE_FREE)
        {
            break;
        }

        kinds[n] = NGX_HTTP_SOCKETIO_STORE_MORE;
        n = ngx_http_socketio_store_more(zone, n)->more;
    }

    if (done == left && n == 0) {
        return 1;
    }

    for (n = item->more; done; done--) {
        kinds[n] = NGX_HTTP_SOCKETIO_STORE_FREE;
        n = ngx_http_socketio_store_more(zone, n)->more;
    }

    return 0;
}
