/*
 * Lists: by key through all records of a bucket, doubly linked, new ones at
 * the end; by tag, doubly linked, new ones in front.  Keys and tags are keyed
 * hashes, and pick the list themselves.
 *
 * When they are made anew, the records of a list by key come in the order of
 * their blocks, and are sorted by their ids: a key may have many, so this is
 * done by merging.
 */


#include "shm/ngx_http_socketio_shm_list.h"


static void ngx_http_socketio_list_add_tag(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint32_t n);
static uint32_t ngx_http_socketio_list_sort(ngx_http_socketio_zone_t *zone,
    uint32_t list, uint32_t n);
static void ngx_http_socketio_list_relink(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_list_t *list);


static ngx_inline ngx_http_socketio_list_t *
ngx_http_socketio_list(ngx_http_socketio_zone_t *zone, const u_char *key)
{
    uint32_t                   word;
    ngx_http_socketio_list_t  *lists;

    ngx_memcpy(&word, key, sizeof(word));
    lists = ngx_http_socketio_shm_at(zone, zone->lists);

    return word == UINT32_MAX
           ? &lists[zone->nlists + key[sizeof(word)]
                                   % NGX_HTTP_SOCKETIO_LISTS_OWN]
           : &lists[word & (zone->nlists - 1)];
}


static ngx_inline uint32_t *
ngx_http_socketio_list_tags(ngx_http_socketio_zone_t *zone, uint64_t tag)
{
    uint32_t  *tags;

    tags = ngx_http_socketio_shm_at(zone, zone->tags);

    return &tags[tag & (zone->nlists - 1)];
}


void
ngx_http_socketio_list_own(ngx_http_socketio_key_t *key, ngx_uint_t kind,
    ngx_uint_t n)
{
    ngx_memset(key->bytes, 0xff, NGX_HTTP_SOCKETIO_KEY_LEN);

    key->bytes[sizeof(uint32_t)] = (u_char) n;
    key->kind = (u_char) kind;
}


void
ngx_http_socketio_list_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    uint32_t                   n;
    ngx_http_socketio_list_t  *list;

    n = ngx_http_socketio_store_block(zone, item);
    list = ngx_http_socketio_list(zone, item->key);

    item->next = 0;
    item->prev = list->last;

    if (list->last) {
        ngx_http_socketio_store_item(zone, list->last)->next = n;

    } else {
        list->first = n;
    }

    list->last = n;

    ngx_http_socketio_list_add_tag(zone, item, n);
}


static void
ngx_http_socketio_list_add_tag(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item, uint32_t n)
{
    uint32_t  *tags;

    item->next_tag = 0;
    item->prev_tag = 0;

    if (item->tag == 0) {
        return;
    }

    tags = ngx_http_socketio_list_tags(zone, item->tag);
    item->next_tag = *tags;

    if (*tags) {
        ngx_http_socketio_store_item(zone, *tags)->prev_tag = n;
    }

    *tags = n;
}


void
ngx_http_socketio_list_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    ngx_http_socketio_list_t  *list;

    list = ngx_http_socketio_list(zone, item->key);

    if (item->prev) {
        ngx_http_socketio_store_item(zone, item->prev)->next = item->next;

    } else {
        list->first = item->next;
    }

    if (item->next) {
        ngx_http_socketio_store_item(zone, item->next)->prev = item->prev;

    } else {
        list->last = item->prev;
    }

    if (item->tag == 0) {
        return;
    }

    if (item->prev_tag) {
        ngx_http_socketio_store_item(zone, item->prev_tag)->next_tag
                                                            = item->next_tag;
    } else {
        *ngx_http_socketio_list_tags(zone, item->tag) = item->next_tag;
    }

    if (item->next_tag) {
        ngx_http_socketio_store_item(zone, item->next_tag)->prev_tag
                                                            = item->prev_tag;
    }
}


uint32_t
ngx_http_socketio_list_key(ngx_http_socketio_zone_t *zone,
    const ngx_http_socketio_key_t *key)
{
    return ngx_http_socketio_list(zone, key->bytes)->first;
}


uint32_t
ngx_http_socketio_list_tag(ngx_http_socketio_zone_t *zone, uint64_t tag)
{
    return tag ? *ngx_http_socketio_list_tags(zone, tag) : 0;
}


void
ngx_http_socketio_list_reset(ngx_http_socketio_zone_t *zone)
{
    ngx_memzero(ngx_http_socketio_shm_at(zone, zone->lists),
                (zone->nlists + NGX_HTTP_SOCKETIO_LISTS_OWN)
                * sizeof(ngx_http_socketio_list_t));
    ngx_memzero(ngx_http_socketio_shm_at(zone, zone->tags),
                zone->nlists * sizeof(uint32_t));
}


/* Until they are in order, "last" counts the records of the list. */

void
ngx_http_socketio_list_collect(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    uint32_t                   n;
    ngx_http_socketio_list_t  *list;

    n = ngx_http_socketio_store_block(zone, item);
    list = ngx_http_socketio_list(zone, item->key);

    item->next = list->first;
    list->first = n;
    list->last++;

    ngx_http_socketio_list_add_tag(zone, item, n);
}


void
ngx_http_socketio_list_order(ngx_http_socketio_zone_t *zone)
{
    uint32_t                   i;
    ngx_http_socketio_list_t  *lists;

    lists = ngx_http_socketio_shm_at(zone, zone->lists);

    for (i = 0; i < zone->nlists + NGX_HTTP_SOCKETIO_LISTS_OWN; i++) {
        lists[i].first = ngx_http_socketio_list_sort(zone, lists[i].first,
                                                     lists[i].last);
        ngx_http_socketio_list_relink(zone, &lists[i]);
    }
}


/* Sort a list of n records by their ids, by way of halves. */

static uint32_t
ngx_http_socketio_list_sort(ngx_http_socketio_zone_t *zone, uint32_t list,
    uint32_t n)
{
    uint32_t                   i, a, b, first, *link;
    ngx_http_socketio_item_t  *item, *other;

    if (n < 2) {
        return list;
    }

    item = ngx_http_socketio_store_item(zone, list);

    for (i = 1; i < n / 2; i++) {
        item = ngx_http_socketio_store_item(zone, item->next);
    }

    b = item->next;
    item->next = 0;

    a = ngx_http_socketio_list_sort(zone, list, n / 2);
    b = ngx_http_socketio_list_sort(zone, b, n - n / 2);

    link = &first;

    while (a && b) {
        item = ngx_http_socketio_store_item(zone, a);
        other = ngx_http_socketio_store_item(zone, b);

        if (item->id < other->id) {
            *link = a;
            link = &item->next;
            a = item->next;

        } else {
            *link = b;
            link = &other->next;
            b = other->next;
        }
    }

    *link = a ? a : b;

    return first;
}


/* The links back, and the end. */

static void
ngx_http_socketio_list_relink(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_list_t *list)
{
    uint32_t                   n, prev;
    ngx_http_socketio_item_t  *item;

    prev = 0;

    for (n = list->first; n; n = item->next) {
        item = ngx_http_socketio_store_item(zone, n);
        item->prev = prev;
        prev = n;
    }

    list->last = prev;
}
