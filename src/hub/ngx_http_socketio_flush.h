/*
 * Flush: sessions with something to write, and when it is their turn.
 *
 * At the end of a turn of the loop each session that was given something is
 * flushed once.  A room of 100,000 would hold the loop for as long as all of
 * them take: what is not done within a slice of time waits for the next turn,
 * and is done in slices, behind what the turns in between have to write.  What
 * comes for a session that waits goes out with the rest.
 */


#ifndef _NGX_HTTP_SOCKETIO_FLUSH_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_FLUSH_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/* The hub starts. */

void ngx_http_socketio_flush_init(ngx_http_socketio_hub_t *hub);

/* The end of a turn: what this turn has, for a slice of time. */

void ngx_http_socketio_flush_turn(ngx_http_socketio_hub_t *hub);

/* The hub ends: all of it. */

void ngx_http_socketio_flush_all(ngx_http_socketio_hub_t *hub);

/* Time that only grows, usec. */

uint64_t ngx_http_socketio_clock(void);


#endif /* _NGX_HTTP_SOCKETIO_FLUSH_H_INCLUDED_ */
