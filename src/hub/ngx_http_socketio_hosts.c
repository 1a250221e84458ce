/*
 * What this worker tells other hosts.
 */


#include "hub/ngx_http_socketio_hosts.h"


ngx_uint_t
ngx_http_socketio_elsewhere(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user)
{
    return ngx_http_socketio_peer_has(hub->zone, nsp, user);
}
