/*
 * The hub: random bytes and ids, out of a pool that the kernel fills.
 */


#include "hub/ngx_http_socketio_hub.h"
#include "codec/sio_base64.h"

#include <sys/random.h>


void
ngx_http_socketio_sid(ngx_http_socketio_hub_t *hub, u_char *dst)
{
    u_char  bytes[EIO_SID_BYTES];

    ngx_http_socketio_random(hub, bytes, EIO_SID_BYTES);
    (void) sio_base64url_encode(dst, bytes, EIO_SID_BYTES);
}


void
ngx_http_socketio_random(ngx_http_socketio_hub_t *hub, u_char *dst, size_t len)
{
    size_t   n;
    ssize_t  got;

    while (len) {

        if (hub->nrandom == sizeof(hub->random)) {

            /* up to 256 bytes come whole, once the pool is initialized */

            got = getrandom(hub->random, sizeof(hub->random), 0);

            if (got != (ssize_t) sizeof(hub->random)) {
                ngx_log_error(NGX_LOG_CRIT, hub->log, ngx_errno,
                              "getrandom() failed");
                continue;
            }

            hub->nrandom = 0;
        }

        n = ngx_min(len, sizeof(hub->random) - hub->nrandom);

        ngx_memcpy(dst, hub->random + hub->nrandom, n);

        /* what was handed out is not kept: sids are secrets */

        ngx_memzero(hub->random + hub->nrandom, n);

        hub->nrandom += n;
        dst += n;
        len -= n;
    }
}
