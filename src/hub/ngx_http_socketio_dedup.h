/*
 * dedup in rules: an event that a client sends again, because it has not heard
 * of the first, is acked as the first was, and not run again.
 *
 * The run that is first claims the key.  What it acks is noted, and kept for
 * the window if the rule ends well; a rule that failed keeps nothing, so that
 * a retry runs.
 */


#ifndef _NGX_HTTP_SOCKETIO_DEDUP_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_DEDUP_H_INCLUDED_


#include "hub/ngx_http_socketio_run.h"


/*
 * An op of rules.
 *
 * SIO_OK     it is new, or this run's own
 * SIO_DONE   a repeat, which has been acked if it wants an ack
 * SIO_ERROR  no room, or the first is still being run: unavailable
 * SIO_NOMEM
 */
int ngx_http_socketio_dedup(sio_run_t *run, sio_str_t key, uint32_t msec);

/*
 * An ack was given: JSON values joined by commas.  With attachments, or if it
 * is longer than NGX_HTTP_SOCKETIO_ONCE_MAX, repeats are acked by null.
 */
void ngx_http_socketio_dedup_ack(ngx_http_socketio_run_t *run, sio_str_t args,
    const sio_binary_t *attachments);

/* The run has ended, and how its rule has: ok is 1, or 0. */

void ngx_http_socketio_dedup_end(ngx_http_socketio_run_t *run, ngx_uint_t ok);


#endif /* _NGX_HTTP_SOCKETIO_DEDUP_H_INCLUDED_ */
