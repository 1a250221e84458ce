/*
 * Buckets in the zone.
 *
 * Time is nginx's monotonic one, which all workers of a host share; the
 * record's end is of the calendar, as all ends in the store.  A bucket is
 * changed in place: half a change, left by a worker that is killed, lets an
 * event too many or too few pass.
 */


#include "hub/ngx_http_socketio_limit.h"
#include "hub/ngx_http_socketio_run.h"


int
ngx_http_socketio_limit(sio_run_t *r, sio_str_t key, const sio_limit_t *limit)
{
    sio_str_t                 names[2];
    ngx_http_socketio_run_t  *run;

    run = (ngx_http_socketio_run_t *) r;

    names[0] = r->nsp;
    names[1] = key;

    return ngx_http_socketio_limit_count(run->hub, names, 2, limit);
}


int
ngx_http_socketio_limit_count(ngx_http_socketio_hub_t *hub,
    const sio_str_t *names, ngx_uint_t n, const sio_limit_t *limit)
{
    int                        rc;
    uint64_t                   now, expires;
    sio_str_t                  part;
    sio_bucket_t               fresh, *bucket;
    ngx_http_socketio_key_t    k;
    ngx_http_socketio_item_t  *item;
    ngx_http_socketio_zone_t  *zone;

    zone = hub->zone;
    now = ngx_http_socketio_now();

    ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_LIMIT, names, n,
                                &k);

    ngx_http_socketio_store_lock(zone);

    /* what has expired is an empty bucket, and serves again */

    item = ngx_http_socketio_store_first(zone, &k, 0);

    if (item) {
        bucket = (sio_bucket_t *) item->data;

    } else {
        ngx_memzero(&fresh, sizeof(sio_bucket_t));
        bucket = &fresh;
    }

    rc = sio_limit_count(bucket, limit, 1, now);

    /* until the next event would find it empty */

    expires = ngx_http_socketio_calendar() + sio_limit_msec(bucket, limit) + 1;

    if (item) {
        ngx_http_socketio_store_expire(zone, item, expires);

    } else {
        part = sio_str(&fresh, sizeof(sio_bucket_t));
        item = ngx_http_socketio_store_add(zone, &k, 0, expires, 1, &part, 1);
    }

    ngx_http_socketio_store_unlock(zone);

    return item ? rc : SIO_ERROR;
}
