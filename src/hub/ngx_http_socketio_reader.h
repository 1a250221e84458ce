/*
 * Readers: whether other workers take messages out of their inboxes.
 *
 * One that is stopped, or caught in an endless loop, would hold up the others:
 * what waits for room in its inbox belongs to broadcasts that each session on
 * the move has to wait for, and fills the zone.  So nothing more is sent to a
 * worker that has not read for some seconds, until it does again.
 *
 * Nor does it do what one of them has to do for all: a worker whose beat does
 * not grow for some seconds is said to stand still, in its slot, where it takes
 * that back itself when it goes on.
 */


#ifndef _NGX_HTTP_SOCKETIO_READER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_READER_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/* Once a second: who reads, who does not, and who stands still (logged). */

void ngx_http_socketio_reader_check(ngx_http_socketio_hub_t *hub);

/*
 * Leave those who do not read out of the i-th word of a mask of slots; returns
 * how many there were: each is a message dropped, and counted.
 */
ngx_uint_t ngx_http_socketio_reader_skip(ngx_http_socketio_hub_t *hub,
    uint64_t *mask, ngx_uint_t i);


#endif /* _NGX_HTTP_SOCKETIO_READER_H_INCLUDED_ */
