/*
 * Leaky buckets: excess grows by 1000 with each event and shrinks by the
 * rate; an event that would raise it above the burst is refused, as
 * limit_req of nginx has it.
 *
 * Time is nginx's monotonic one, which all workers of a host share; the
 * record's end is of the calendar, as all ends in the store.  A bucket is
 * changed in place: half a change, left by a worker that is killed, lets an
 * event too many or too few pass.
 */


#include "hub/ngx_http_socketio_limit.h"
#include "hub/ngx_http_socketio_run.h"


typedef struct {
    uint64_t  excess;            /* in thousandths of an event */
    uint64_t  last;              /* msec */
} ngx_http_socketio_bucket_t;


static int ngx_http_socketio_limit_count(ngx_http_socketio_bucket_t *bucket,
    const sio_limit_t *limit, uint64_t now);


int
ngx_http_socketio_limit(sio_run_t *r, sio_str_t key, const sio_limit_t *limit)
{
    int                          rc;
    uint64_t                     now, expires;
    sio_str_t                    names[2], part;
    ngx_http_socketio_key_t      k;
    ngx_http_socketio_run_t     *run;
    ngx_http_socketio_item_t    *item;
    ngx_http_socketio_zone_t    *zone;
    ngx_http_socketio_bucket_t   fresh, *bucket;

    run = (ngx_http_socketio_run_t *) r;
    zone = run->hub->zone;
    now = ngx_http_socketio_now();

    names[0] = r->nsp;
    names[1] = key;
    ngx_http_socketio_store_key(zone, NGX_HTTP_SOCKETIO_STORE_LIMIT, names, 2,
                                &k);

    ngx_http_socketio_store_lock(zone);

    /* what has expired is an empty bucket, and serves again */

    item = ngx_http_socketio_store_first(zone, &k, 0);

    if (item) {
        bucket = (ngx_http_socketio_bucket_t *) item->data;
        rc = ngx_http_socketio_limit_count(bucket, limit, now);

    } else {
        fresh.excess = 0;
        fresh.last = now;
        bucket = &fresh;
        rc = SIO_OK;
    }

    /* until the next event would find it empty */

    expires = ngx_http_socketio_calendar()
              + (bucket->excess + 1000) * 1000 / limit->rate + 1;

    if (item) {
        ngx_http_socketio_store_expire(zone, item, expires);

    } else {
        part = sio_str(&fresh, sizeof(ngx_http_socketio_bucket_t));
        item = ngx_http_socketio_store_add(zone, &k, 0, expires, 1, &part, 1);
    }

    ngx_http_socketio_store_unlock(zone);

    return item ? rc : SIO_ERROR;
}


static int
ngx_http_socketio_limit_count(ngx_http_socketio_bucket_t *bucket,
    const sio_limit_t *limit, uint64_t now)
{
    uint64_t  msec, excess, drained;

    /* the clock of another worker may be a turn ahead */

    msec = now > bucket->last ? now - bucket->last : 0;
    excess = bucket->excess + 1000;

    drained = msec < excess * 1000 / limit->rate + 1
              ? limit->rate * msec / 1000 : excess;
    excess = excess > drained ? excess - drained : 0;

    if (excess > limit->burst) {
        return SIO_DECLINED;
    }

    bucket->excess = excess;
    bucket->last = ngx_max(now, bucket->last);

    return SIO_OK;
}
