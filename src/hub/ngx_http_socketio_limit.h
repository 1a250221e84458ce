/*
 * Leaky buckets in the zone, counted by all workers together and over
 * reloads: of "limit" in rules, and of new connections.  The bucket of a key
 * is forgotten when it would be empty, or when the store has no room for
 * better things.
 */


#ifndef _NGX_HTTP_SOCKETIO_LIMIT_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_LIMIT_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/*
 * An op of rules: count one event.
 *
 * SIO_OK
 * SIO_DECLINED  above the limit: it is not counted
 * SIO_ERROR     no room in the zone to count it
 */
int ngx_http_socketio_limit(sio_run_t *run, sio_str_t key,
    const sio_limit_t *limit);

/* Count one event of a bucket that n names name.  Likewise. */

int ngx_http_socketio_limit_count(ngx_http_socketio_hub_t *hub,
    const sio_str_t *names, ngx_uint_t n, const sio_limit_t *limit);


#endif /* _NGX_HTTP_SOCKETIO_LIMIT_H_INCLUDED_ */
