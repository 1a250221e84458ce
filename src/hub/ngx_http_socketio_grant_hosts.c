/*
 * Grants of other hosts.
 *
 * What is granted here is told at once.  A host that has missed something asks
 * for all, and gets it a few blocks of the store at a time: others hear it as
 * well, and find nothing new in it.
 */


#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_hosts.h"


/* Blocks in one go, and msec between two of them. */

#define NGX_HTTP_SOCKETIO_GRANT_SLICE  512
#define NGX_HTTP_SOCKETIO_GRANT_PAUSE  10


static void ngx_http_socketio_grant_slice(ngx_event_t *ev);


void
ngx_http_socketio_grant_heard(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, ngx_http_socketio_grant_t *grant)
{
    uint64_t    now;
    ngx_uint_t  was;

    now = ngx_http_socketio_calendar();

    if ((grant->expires && grant->expires <= now) || grant->stamp == 0
        || ngx_http_socketio_namespace(hub->conf, name[0]) == NULL
        || ngx_http_socketio_grant_write(hub, name, grant, &was) != NGX_OK)
    {
        return;
    }

    if (grant->expires && !was) {
        (void) ngx_http_socketio_grant_operate(hub, SIO_OPERATION_JOIN, name,
                                               1);

    } else if (grant->expires == 0 && was) {
        (void) ngx_http_socketio_grant_operate(hub, SIO_OPERATION_LEAVE, name,
                                               1);
    }
}


void
ngx_http_socketio_grant_tell(ngx_http_socketio_hub_t *hub)
{
    ngx_event_t  *ev;

    ev = &hub->hosts->grants;

    /* who asks in the middle has missed the beginning */

    hub->hosts->again = ev->timer_set ? 1 : 0;

    if (!ev->timer_set) {
        hub->hosts->cursor = 0;

        ev->handler = ngx_http_socketio_grant_slice;
        ev->data = &hub->dummy;
        ev->log = hub->log;
        ev->cancelable = 1;

        ngx_add_timer(ev, 1);
    }
}


static void
ngx_http_socketio_grant_slice(ngx_event_t *ev)
{
    ngx_uint_t                    budget;
    ngx_connection_t             *c;
    ngx_http_socketio_hub_t      *hub;
    ngx_http_socketio_item_t     *item;
    ngx_http_socketio_hosts_t    *hosts;
    ngx_http_socketio_granted_t   granted;

    c = ev->data;
    hub = c->data;
    hosts = hub->hosts;
    budget = NGX_HTTP_SOCKETIO_GRANT_SLICE;

    do {
        ngx_http_socketio_store_lock(hub->zone);

        item = ngx_http_socketio_store_walk(hub->zone,
                                            NGX_HTTP_SOCKETIO_STORE_GRANT,
                                            &hosts->cursor, &budget);

        if (item && ngx_http_socketio_grant_read(hub, item, &granted)
                    != NGX_OK)
        {
            granted.grant.host = 0;
        }

        ngx_http_socketio_store_unlock(hub->zone);

        if (item && granted.grant.host) {
            ngx_http_socketio_hosts_granted(hub, granted.name, &granted.grant);
        }

    } while (item);

    ngx_http_socketio_hub_post(hub);

    if (hosts->cursor == 0 && !hosts->again) {
        return;
    }

    if (hosts->cursor == 0) {
        hosts->again = 0;
    }

    ngx_add_timer(ev, NGX_HTTP_SOCKETIO_GRANT_PAUSE);
}
