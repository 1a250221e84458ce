/*
 * Heaps of records by the second they are due at, the next one in front.
 *
 * A record knows its place, so that it can be taken out.  Places count from
 * one; those of the second heap count from the end of the array.  A record is
 * in one heap at most, so the two don't meet.
 */


#include "shm/ngx_http_socketio_shm_expiry.h"


/* Records that are put right in one look for what may be dropped. */

#define NGX_HTTP_SOCKETIO_EXPIRY_LATER  256


static void ngx_http_socketio_expiry_put(ngx_http_socketio_zone_t *zone,
    ngx_uint_t evict, uint32_t i, ngx_http_socketio_expiry_t place);


static ngx_inline ngx_http_socketio_expiry_t *
ngx_http_socketio_expiry_at(ngx_http_socketio_zone_t *zone, ngx_uint_t evict,
    uint32_t i)
{
    ngx_http_socketio_expiry_t  *places;

    places = ngx_http_socketio_shm_at(zone, zone->expiry);

    return evict ? &places[zone->nblocks - i] : &places[i - 1];
}


static ngx_inline uint32_t
ngx_http_socketio_expiry_second(ngx_http_socketio_item_t *item)
{
    uint64_t  second;

    second = item->expires / 1000;

    return item->expires == 0 || second > 0xffffffff ? 0xffffffff
                                                     : (uint32_t) second;
}


void
ngx_http_socketio_expiry_add(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    ngx_uint_t                  evict;
    ngx_http_socketio_expiry_t  place;

    evict = item->evict;
    item->due = 0;

    if (item->expires == 0 && !evict) {
        return;
    }

    place.second = ngx_http_socketio_expiry_second(item);
    place.block = ngx_http_socketio_store_block(zone, item);

    ngx_http_socketio_expiry_put(zone, evict, ++zone->nexpiry[evict], place);
}


void
ngx_http_socketio_expiry_remove(ngx_http_socketio_zone_t *zone,
    ngx_http_socketio_item_t *item)
{
    uint32_t    i, last;
    ngx_uint_t  evict;

    i = item->due;
    evict = item->evict;

    if (i == 0) {
        return;
    }

    item->due = 0;
    last = zone->nexpiry[evict]--;

    if (i < last) {
        ngx_http_socketio_expiry_put(zone, evict, i,
                             *ngx_http_socketio_expiry_at(zone, evict, last));
    }
}


ngx_http_socketio_item_t *
ngx_http_socketio_expiry_first(ngx_http_socketio_zone_t *zone,
    ngx_uint_t evict)
{
    uint32_t                     second;
    ngx_uint_t                   n;
    ngx_http_socketio_item_t    *item;
    ngx_http_socketio_expiry_t   place;

    if (zone->nexpiry[evict] == 0) {
        return NULL;
    }

    for (n = 0; /* void */ ; n++) {
        place = *ngx_http_socketio_expiry_at(zone, evict, 1);
        item = ngx_http_socketio_store_item(zone, place.block);
        second = ngx_http_socketio_expiry_second(item);

        if (second <= place.second || n == NGX_HTTP_SOCKETIO_EXPIRY_LATER) {
            return item;
        }

        place.second = second;
        ngx_http_socketio_expiry_put(zone, evict, 1, place);
    }
}


/* Place i is free: move what must be before it, or behind, and fill it. */

static void
ngx_http_socketio_expiry_put(ngx_http_socketio_zone_t *zone, ngx_uint_t evict,
    uint32_t i, ngx_http_socketio_expiry_t place)
{
    uint32_t                     n, c;
    ngx_http_socketio_expiry_t  *p, *child, *other;

    n = zone->nexpiry[evict];
    p = ngx_http_socketio_expiry_at(zone, evict, i);

    for ( /* void */ ; i > 1; i /= 2) {
        other = ngx_http_socketio_expiry_at(zone, evict, i / 2);

        if (other->second <= place.second) {
            break;
        }

        *p = *other;
        ngx_http_socketio_store_item(zone, p->block)->due = i;
        p = other;
    }

    for (c = 2 * i; c <= n; c = 2 * i) {
        child = ngx_http_socketio_expiry_at(zone, evict, c);

        if (c < n) {
            other = ngx_http_socketio_expiry_at(zone, evict, c + 1);

            if (other->second < child->second) {
                child = other;
                c++;
            }
        }

        if (child->second >= place.second) {
            break;
        }

        *p = *child;
        ngx_http_socketio_store_item(zone, p->block)->due = i;
        p = child;
        i = c;
    }

    *p = place;
    ngx_http_socketio_store_item(zone, place.block)->due = i;
}
