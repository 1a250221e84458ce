/*
 * Leaky buckets, and how their rates are written.
 */


#include "logic/sio_limit.h"


static void sio_limit_drain(sio_bucket_t *bucket, const sio_limit_t *limit,
    uint64_t now);


/* The clock of another worker may be a turn ahead: time never goes back. */

static void
sio_limit_drain(sio_bucket_t *bucket, const sio_limit_t *limit, uint64_t now)
{
    uint64_t  msec, drained;

    if (now <= bucket->last) {
        return;
    }

    msec = now - bucket->last;

    /* compared first, so that nothing overflows after a long time */

    if (msec > bucket->excess * 1000 / limit->rate) {
        bucket->excess = 0;
        bucket->last = now;
        return;
    }

    /* what is too little time for a thousandth counts for the next one */

    drained = limit->rate * msec / 1000;

    bucket->excess -= drained;
    bucket->last += (drained * 1000 + limit->rate - 1) / limit->rate;
}


int
sio_limit_count(sio_bucket_t *bucket, const sio_limit_t *limit, uint64_t n,
    uint64_t now)
{
    uint64_t  excess;

    sio_limit_drain(bucket, limit, now);

    excess = bucket->excess + n * SIO_LIMIT_ONE;

    if (excess > limit->burst + SIO_LIMIT_ONE) {
        return SIO_DECLINED;
    }

    bucket->excess = excess;

    return SIO_OK;
}


uint64_t
sio_limit_msec(const sio_bucket_t *bucket, const sio_limit_t *limit)
{
    return (bucket->excess * 1000 + limit->rate - 1) / limit->rate;
}


int
sio_quota_count(sio_meter_t *meter, const sio_quota_t *quota, size_t len,
    uint64_t now)
{
    sio_bucket_t  *bytes, *packets;

    bytes = &meter->bucket[SIO_METER_BYTES];
    packets = &meter->bucket[SIO_METER_PACKETS];

    if (quota->bytes.rate) {
        sio_limit_drain(bytes, &quota->bytes, now);

        if (bytes->excess > quota->bytes.burst) {
            return SIO_DECLINED;
        }
    }

    if (quota->packets.rate
        && sio_limit_count(packets, &quota->packets, 1, now)
           != SIO_OK)
    {
        return SIO_DECLINED;
    }

    if (quota->bytes.rate) {
        bytes->excess += len * SIO_LIMIT_ONE;
    }

    return SIO_OK;
}


void
sio_quota_part(sio_meter_t *meter, const sio_quota_t *quota, size_t len,
    uint64_t now)
{
    sio_bucket_t  *bytes, *packets;

    bytes = &meter->bucket[SIO_METER_BYTES];
    packets = &meter->bucket[SIO_METER_PACKETS];

    if (quota->packets.rate) {
        sio_limit_drain(packets, &quota->packets, now);
        packets->excess += SIO_LIMIT_ONE;
    }

    if (quota->bytes.rate) {
        sio_limit_drain(bytes, &quota->bytes, now);
        bytes->excess += len * SIO_LIMIT_ONE;
    }
}


int
sio_limit_number(const uint8_t **p, const uint8_t *end, uint64_t max,
    uint64_t *n)
{
    const uint8_t  *start;

    start = *p;
    *n = 0;

    for ( /* void */ ; *p < end && **p >= '0' && **p <= '9'; (*p)++) {

        *n = *n * 10 + (**p - '0');

        if (*n > max) {
            return SIO_ERROR;
        }
    }

    return *p > start ? SIO_OK : SIO_ERROR;
}


int
sio_limit_rate_parse(sio_str_t text, uint64_t *rate)
{
    uint64_t        n;
    const uint8_t  *p, *end;

    p = text.data;
    end = text.data + text.len;

    if (sio_limit_number(&p, end, SIO_RATE_MAX, &n) != SIO_OK || n == 0
        || end - p != 3 || p[0] != 'r' || p[1] != '/'
        || (p[2] != 's' && p[2] != 'm'))
    {
        return SIO_ERROR;
    }

    *rate = p[2] == 's' ? n * SIO_LIMIT_ONE : n * SIO_LIMIT_ONE / 60;

    return SIO_OK;
}


int
sio_limit_bytes_parse(sio_str_t text, uint64_t *rate)
{
    unsigned        shift;
    uint64_t        n;
    const uint8_t  *p, *end;

    p = text.data;
    end = text.data + text.len;

    if (sio_limit_number(&p, end, SIO_BYTES_MAX, &n) != SIO_OK || n == 0) {
        return SIO_ERROR;
    }

    shift = 0;

    if (p < end && (*p == 'k' || *p == 'K')) {
        shift = 10;
        p++;

    } else if (p < end && (*p == 'm' || *p == 'M')) {
        shift = 20;
        p++;
    }

    if (n > SIO_BYTES_MAX >> shift || end - p != 2 || p[0] != '/'
        || p[1] != 's')
    {
        return SIO_ERROR;
    }

    *rate = (n << shift) * SIO_LIMIT_ONE;

    return SIO_OK;
}
