/*
 * Dates as JSON has them: 2026-11-21T10:00:00.000Z.
 *
 * Written without the C library: its locale and time zone are global state
 * of the process.
 *
 * RFC 3339, 5.6.  Internet Date/Time Format
 */


#ifndef _SIO_DATE_H_INCLUDED_
#define _SIO_DATE_H_INCLUDED_


#include "codec/sio_types.h"


#define SIO_DATE_LEN  24


#pragma GCC visibility push(hidden)


/*
 * Write SIO_DATE_LEN bytes.  msec: since 1970, may be negative; years beyond
 * 0 to 9999 are cut to those.
 */
void sio_date_write(uint8_t *dst, int64_t msec);


#pragma GCC visibility pop


#endif /* _SIO_DATE_H_INCLUDED_ */
