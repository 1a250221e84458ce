/*
 * sio_date against the C library's calendar.
 */


#include <time.h>

#include "codec/sio_date.h"
#include "unit.h"


static void
written(int64_t msec, const char *expected)
{
    char  text[SIO_DATE_LEN + 1];

    memset(text, 0, sizeof(text));
    sio_date_write((uint8_t *) text, msec);

    is_mem(text, SIO_DATE_LEN, expected, strlen(expected), "%s", expected);
}


static void
test_known(void)
{
    written(0, "1970-01-01T00:00:00.000Z");
    written(1700000000123, "2023-11-14T22:13:20.123Z");
    written(951782399999, "2000-02-28T23:59:59.999Z");
    written(951782400000, "2000-02-29T00:00:00.000Z");
    written(-1, "1969-12-31T23:59:59.999Z");
    written(-62167219200000, "0000-01-01T00:00:00.000Z");
    written(253402300799999, "9999-12-31T23:59:59.999Z");
    written(INT64_MIN, "0000-01-01T00:00:00.000Z");
    written(INT64_MAX, "9999-12-31T23:59:59.999Z");
}


/* Every 31 days and a bit, from year 1 to 9999. */

static void
test_calendar(void)
{
    char        text[64], ours[SIO_DATE_LEN + 1];
    time_t      sec;
    int64_t     t;
    unsigned    wrong;
    struct tm   tm;

    wrong = 0;
    memset(ours, 0, sizeof(ours));

    for (t = -62135596800; t <= 253402300799; t += 2681234) {
        sec = (time_t) t;
        gmtime_r(&sec, &tm);
        snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                 tm.tm_min, tm.tm_sec);
        sio_date_write((uint8_t *) ours, t * 1000);
        wrong += strcmp(text, ours) != 0;
    }

    is_int(wrong, 0, "the calendar of ten thousand years");
}


int
main(void)
{
    unit_plan();

    test_known();
    test_calendar();

    return unit_done();
}
