/*
 * Dates.
 *
 * Days are counted from March 1 of the year 0, so that the leap day is the
 * last of its year, and 400 years are 146097 days.
 */


#include "codec/sio_date.h"


#define SIO_DATE_DAY   86400000LL            /* msec */
#define SIO_DATE_MIN  -62167219200000LL      /* the first of year 0 */
#define SIO_DATE_MAX   253402300799999LL     /* the last of year 9999 */
#define SIO_DATE_MARCH 719468                /* days to 1970 */


static uint8_t *sio_date_digits(uint8_t *p, unsigned n, unsigned width);


void
sio_date_write(uint8_t *dst, int64_t msec)
{
    int64_t    rest;
    uint8_t   *p;
    unsigned   days, era, day, year, month, second;

    msec = msec < SIO_DATE_MIN ? SIO_DATE_MIN : msec;
    msec = msec > SIO_DATE_MAX ? SIO_DATE_MAX : msec;

    /* from a year that is a multiple of 400, before all others */

    rest = msec + (SIO_DATE_MARCH + 146097) * SIO_DATE_DAY;

    days = (unsigned) (rest / SIO_DATE_DAY);
    second = (unsigned) (rest % SIO_DATE_DAY / 1000);

    era = days / 146097;
    day = days % 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    year += era * 400 + (month >= 10) - 400;
    month = month < 10 ? month + 3 : month - 9;

    p = sio_date_digits(dst, year, 4);
    *p++ = '-';
    p = sio_date_digits(p, month, 2);
    *p++ = '-';
    p = sio_date_digits(p, day + 1, 2);
    *p++ = 'T';
    p = sio_date_digits(p, second / 3600, 2);
    *p++ = ':';
    p = sio_date_digits(p, second / 60 % 60, 2);
    *p++ = ':';
    p = sio_date_digits(p, second % 60, 2);
    *p++ = '.';
    p = sio_date_digits(p, (unsigned) (rest % 1000), 3);
    *p = 'Z';
}


static uint8_t *
sio_date_digits(uint8_t *p, unsigned n, unsigned width)
{
    unsigned  i;

    for (i = width; i > 0; i--) {
        p[i - 1] = '0' + n % 10;
        n /= 10;
    }

    return p + width;
}
