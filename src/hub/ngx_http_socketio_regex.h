/*
 * PCRE2 expressions of the configuration.
 *
 * UTF mode, compiled with JIT where there is one; a match is bounded, so that
 * no subject a client chooses can hold the worker.
 */


#ifndef _NGX_HTTP_SOCKETIO_REGEX_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REGEX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "codec/sio_types.h"


/*
 * Compile; freed with the pool.  NULL: no memory, or error (len bytes, ended
 * by a zero) says what is wrong with the expression.
 */
void *ngx_http_socketio_regex_compile(ngx_pool_t *pool, sio_str_t pattern,
    char *error, size_t len);

/* The number of a named group: SIO_OK or SIO_DECLINED. */

int ngx_http_socketio_regex_group(void *regex, sio_str_t name,
    unsigned *number);

/*
 * Match.  captures (may be NULL) gets 2 * ncaptures offsets, -1 for groups
 * that are unset.  SIO_OK, SIO_DECLINED: no match, SIO_ERROR: a bound of the
 * match was reached, or no memory.
 */
int ngx_http_socketio_regex_match(void *regex, sio_str_t subject,
    int *captures, unsigned ncaptures);


#endif /* _NGX_HTTP_SOCKETIO_REGEX_H_INCLUDED_ */
