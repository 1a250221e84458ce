/*
 * Leaky buckets: what is counted fills a bucket, time drains it at a rate,
 * and what would make it run over is refused, as limit_req of nginx has it.
 *
 * All limits are made of them: of packets and bytes of a connection, of new
 * connections, and "limit" in rules.  Where a bucket is kept, and who shares
 * it, is the caller's business; so is the clock, which may be that of several
 * workers, a turn apart.
 */


#ifndef _SIO_LIMIT_H_INCLUDED_
#define _SIO_LIMIT_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_LIMIT_ONE       1000         /* one event, or byte, in a bucket */
#define SIO_RATE_MAX        1000000      /* events a second, or a minute */
#define SIO_BURST_MAX       1000000
#define SIO_BYTES_MAX       (1ULL << 30) /* a second, and at once */


/* In thousandths, so that 1r/m is a rate. */

typedef struct {
    uint64_t     rate;                   /* a second; 0: there is no limit */
    uint64_t     burst;
} sio_limit_t;


/* Zeroed, it is empty. */

typedef struct {
    uint64_t     excess;                 /* thousandths */
    uint64_t     last;                   /* msec */
} sio_bucket_t;


/* What a connection may send. */

typedef struct {
    sio_limit_t  packets;
    sio_limit_t  bytes;
    unsigned     close:1;                /* it ends with the first refused */
    unsigned     level;                  /* of log lines, the carrier's */
    unsigned     dry_run:1;              /* what is above is told, and taken */
} sio_quota_t;


/* What it has sent, and how often it was told of what is refused. */

typedef enum {
    SIO_METER_PACKETS = 0,
    SIO_METER_BYTES,
    SIO_METER_ANSWERS,
    SIO_METER_BUCKETS
} sio_meter_e;

typedef struct {
    sio_bucket_t bucket[SIO_METER_BUCKETS];
} sio_meter_t;


#pragma GCC visibility push(hidden)


/*
 * Count n events.  SIO_OK, or SIO_DECLINED: they are not counted.  An empty
 * bucket takes one event and the burst at once.
 */
int sio_limit_count(sio_bucket_t *bucket, const sio_limit_t *limit,
    uint64_t n, uint64_t now);

/* How long until the bucket would be empty, msec, rounded up. */

uint64_t sio_limit_msec(const sio_bucket_t *bucket, const sio_limit_t *limit);

/*
 * Count a packet of len bytes.  SIO_OK, or SIO_DECLINED: it is above one of
 * the two limits, and not counted.
 *
 * Bytes are a debt: a packet is taken as long as the bucket is not above its
 * burst, however long it is, or one that is longer than the burst could never
 * be sent.
 */
int sio_quota_count(sio_meter_t *meter, const sio_quota_t *quota, size_t len,
    uint64_t now);

/* Count a part of a packet that was taken: never refused. */

void sio_quota_part(sio_meter_t *meter, const sio_quota_t *quota, size_t len,
    uint64_t now);

/* A number of up to max; *p is moved behind it.  SIO_OK, SIO_ERROR. */

int sio_limit_number(const uint8_t **p, const uint8_t *end, uint64_t max,
    uint64_t *n);

/*
 * 10r/s, 30r/m.  SIO_OK, or SIO_ERROR: it is no rate of 1 to SIO_RATE_MAX.
 */
int sio_limit_rate_parse(sio_str_t text, uint64_t *rate);

/* 100k/s, 1m/s, 5000/s: bytes, 1 to SIO_BYTES_MAX.  Likewise. */

int sio_limit_bytes_parse(sio_str_t text, uint64_t *rate);


#pragma GCC visibility pop


#endif /* _SIO_LIMIT_H_INCLUDED_ */
