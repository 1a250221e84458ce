/*
 * What is left behind in the zone: by workers that died and were not replaced,
 * by messages that were read, and by records of the store that have ended.
 */


#ifndef _NGX_HTTP_SOCKETIO_REAP_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REAP_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"


/* Once a second. */

void ngx_http_socketio_reap(ngx_http_socketio_hub_t *hub);


#endif /* _NGX_HTTP_SOCKETIO_REAP_H_INCLUDED_ */
