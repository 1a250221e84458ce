/*
 * Presence: which users are there, and who is told that one came or went.
 *
 * Whether a user of a namespace has sockets is known already: the directory
 * has the room "user:ID" of each worker.  What is derived from nothing is
 * what was said of it, so that is kept in the store, one record for each
 * user:
 *
 *     offline -> coming -> online -> going -> offline
 *
 * Coming and going are announcements on their way: the record names the
 * worker that runs "on online" or "on offline", and no other one takes the
 * next step before that has ended or its worker is dead.  So all workers
 * together tell of a user's comings and goings one after the other.
 *
 * A worker checks a user when his first socket here was accepted, and when
 * his last one has gone, after the grace.  Whatever a dead or leaving worker
 * did not check any more is found by a sweep over the records.
 */


#ifndef _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/*
 * When the user had a socket in the namespace last, in msec of the calendar;
 * that is now if he is online.
 *
 * NGX_OK
 * NGX_DECLINED  nothing is known: never, too long ago, no room to note it, or
 *               the app has no "presence"
 */
ngx_int_t ngx_http_socketio_presence_last_seen(ngx_http_socketio_hub_t *hub,
    sio_str_t nsp, sio_str_t user, uint64_t *msec);


#endif /* _NGX_HTTP_SOCKETIO_PRESENCE_H_INCLUDED_ */
