/*
 * Leaky buckets: bursts, rates over a long time, clocks that differ, quotas,
 * and how rates are written.
 */


#include "unit.h"
#include "logic/sio_limit.h"


static unsigned
passed(sio_bucket_t *bucket, const sio_limit_t *limit, unsigned n,
    uint64_t now)
{
    unsigned  i, good;

    good = 0;

    for (i = 0; i < n; i++) {
        good += (sio_limit_count(bucket, limit, 1, now) == SIO_OK);
    }

    return good;
}


static void
test_burst(void)
{
    sio_limit_t   limit;
    sio_bucket_t  b;

    limit.rate = 10 * SIO_LIMIT_ONE;
    limit.burst = 4 * SIO_LIMIT_ONE;
    memset(&b, 0, sizeof(b));

    is_int(passed(&b, &limit, 20, 1000), 5, "one and the burst at once");
    is_int(sio_limit_msec(&b, &limit), 500, "empty half a second later");
    is_int(passed(&b, &limit, 20, 1099), 0, "not yet");
    is_int(passed(&b, &limit, 20, 1100), 1, "one more");
    is_int(passed(&b, &limit, 20, 1050), 0, "a clock behind counts nothing");
    is_int(passed(&b, &limit, 20, 1350), 2, "and two more");
    is_int(passed(&b, &limit, 20, 1400), 1, "the rest of the time is kept");
    is_int(passed(&b, &limit, 20, UINT64_MAX), 5, "after all time");

    memset(&b, 0, sizeof(b));
    is_int(sio_limit_count(&b, &limit, 6, 5), SIO_DECLINED, "six at once");
    is_int(sio_limit_count(&b, &limit, 5, 5), SIO_OK, "they did not count");

    limit.burst = 0;
    memset(&b, 0, sizeof(b));
    is_int(passed(&b, &limit, 3, 1), 1, "without a burst: one");
    is_int(passed(&b, &limit, 3, 101), 1, "and one for each tenth");
}


/* Whatever the steps of the clock are, the rate comes out. */

static void
test_rate(void)
{
    unsigned      good;
    uint64_t      now, step;
    sio_limit_t   limit;
    sio_bucket_t  b;

    static const struct {
        uint64_t  rate;
        unsigned  a_minute;
    } rates[] = {
        { 16, 1 }, { 1000, 60 }, { 500, 30 }, { 33000, 1980 }
    };

    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (step = 1; step <= 7; step += 3) {
            limit.rate = rates[i].rate;
            limit.burst = 0;
            memset(&b, 0, sizeof(b));
            good = 0;

            for (now = 1; now < 10 * 60000; now += step) {
                good += passed(&b, &limit, 2, now);
            }

            ok(good <= 10 * rates[i].a_minute + 1
               && good + 2 >= 10 * rates[i].a_minute * 8 / 10,
               "rate %u, every %u msec: %u in ten minutes",
               (unsigned) limit.rate, (unsigned) step, good);
        }
    }
}


static void
test_quota(void)
{
    sio_quota_t  quota;
    sio_meter_t  meter;

    memset(&quota, 0, sizeof(quota));
    memset(&meter, 0, sizeof(meter));

    is_int(sio_quota_count(&meter, &quota, 100, 1), SIO_OK, "no limit");

    quota.bytes.rate = 1000 * SIO_LIMIT_ONE;
    quota.bytes.burst = 1000 * SIO_LIMIT_ONE;

    is_int(sio_quota_count(&meter, &quota, 5000, 1), SIO_OK, "a long one");
    is_int(sio_quota_count(&meter, &quota, 1, 3999), SIO_DECLINED, "a debt");
    is_int(sio_quota_count(&meter, &quota, 1, 4001), SIO_OK, "that is paid");

    quota.packets.rate = SIO_LIMIT_ONE;
    quota.packets.burst = SIO_LIMIT_ONE;
    memset(&meter, 0, sizeof(meter));

    is_int(sio_quota_count(&meter, &quota, 1, 1), SIO_OK, "a packet");
    is_int(sio_quota_count(&meter, &quota, 1, 1), SIO_OK, "another");
    is_int(sio_quota_count(&meter, &quota, 1, 1), SIO_DECLINED, "one too many");
    is_int(meter.bucket[SIO_METER_BYTES].excess, 2 * SIO_LIMIT_ONE,
           "its bytes do not count");

    sio_quota_part(&meter, &quota, 3000, 1);
    is_int(sio_quota_count(&meter, &quota, 1, 1001), SIO_DECLINED,
           "an attachment is a packet, and bytes");
    is_int(sio_quota_count(&meter, &quota, 1, 2100), SIO_OK, "paid as well");

    memset(&quota, 0, sizeof(quota));
    sio_quota_part(&meter, &quota, 3000, 1);
    ok(1, "without limits it is nothing");
}


static uint64_t
rate(const char *text)
{
    uint64_t  n;

    return sio_limit_rate_parse(sio_cstr(text), &n) == SIO_OK ? n : 0;
}


static uint64_t
bytes(const char *text)
{
    uint64_t  n;

    return sio_limit_bytes_parse(sio_cstr(text), &n) == SIO_OK ? n / 1000 : 0;
}


static void
test_parse(void)
{
    is_int(rate("10r/s"), 10000, "10r/s");
    is_int(rate("30r/m"), 500, "30r/m");
    is_int(rate("1000000r/s"), 1000000000, "the most");
    is_int(rate("1r/m"), 16, "the least");

    is_int(rate("0r/s") + rate("1000001r/s") + rate("r/s") + rate("10")
           + rate("10r/h") + rate("10r/ss") + rate("10 r/s") + rate("")
           + rate("-1r/s") + rate("99999999999999999999r/s"), 0, "no rates");

    is_int(bytes("5000/s"), 5000, "5000/s");
    is_int(bytes("100k/s"), 102400, "100k/s");
    is_int(bytes("1M/s"), 1048576, "1M/s");
    is_int(bytes("1024m/s"), SIO_BYTES_MAX, "the most");

    is_int(bytes("1025m/s") + bytes("0/s") + bytes("1m") + bytes("m/s")
           + bytes("1g/s") + bytes("1k/m") + bytes("1kk/s") + bytes("")
           + bytes("1073741825/s"), 0, "no bytes");
}


int
main(void)
{
    unit_plan();

    test_burst();
    test_rate();
    test_quota();
    test_parse();

    return unit_done();
}
