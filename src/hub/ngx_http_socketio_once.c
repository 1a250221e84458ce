/*
 * Claims and results in the store.
 *
 * A claim is a record that names its worker by slot and incarnation.  It is
 * not dropped for want of room, or a repeat would run beside the first.  What
 * came of it is another record, added before the claim is removed: who is
 * killed in between leaves both, and the claim of the dead is passed over.
 */


#include "hub/ngx_http_socketio_once.h"


/* A claim ends with its worker, or, if it was lost, after this time. */

#define NGX_HTTP_SOCKETIO_ONCE_CLAIM  60000      /* msec, or more */


/* In front of the result. */

typedef struct {
    uint32_t  done;
    uint32_t  slot;                  /* of the claim's worker */
    uint32_t  incarnation;
    uint32_t  reserved;
} ngx_http_socketio_once_head_t;


static ngx_int_t ngx_http_socketio_once_find(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_key_t *key, uint64_t now, u_char *data,
    size_t *len);
static ngx_http_socketio_item_t *ngx_http_socketio_once_item(
    ngx_http_socketio_hub_t *hub, ngx_http_socketio_once_t *once);


ngx_int_t
ngx_http_socketio_once_claim(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once, ngx_http_socketio_store_e kind,
    const sio_str_t *names, ngx_uint_t n, uint64_t msec, sio_buf_t *result)
{
    u_char                          data[sizeof(ngx_http_socketio_once_head_t)
                                         + NGX_HTTP_SOCKETIO_ONCE_MAX];
    size_t                          len;
    uint64_t                        now;
    sio_str_t                       part;
    ngx_int_t                       rc;
    ngx_http_socketio_item_t       *item;
    ngx_http_socketio_once_head_t   head;

    ngx_http_socketio_store_key(hub->zone, kind, names, n, &once->key);
    once->id = 0;
    once->msec = msec;

    ngx_memzero(&head, sizeof(ngx_http_socketio_once_head_t));
    head.slot = (uint32_t) hub->n;
    head.incarnation = hub->incarnation;
    part = sio_str(&head, sizeof(ngx_http_socketio_once_head_t));

    now = ngx_http_socketio_calendar();
    len = 0;

    ngx_http_socketio_store_lock(hub->zone);

    rc = ngx_http_socketio_once_find(hub, &once->key, now, data, &len);

    if (rc == NGX_OK) {
        item = ngx_http_socketio_store_add(hub->zone, &once->key, 0,
                           now + ngx_max(msec, NGX_HTTP_SOCKETIO_ONCE_CLAIM),
                           0, &part, 1);
        if (item) {
            once->id = item->id;

        } else {
            rc = NGX_ERROR;
        }
    }

    ngx_http_socketio_store_unlock(hub->zone);

    if (rc == NGX_DONE
        && sio_buf_append(result, data + sizeof(head), len - sizeof(head))
           != SIO_OK)
    {
        return NGX_ERROR;
    }

    return rc;
}


/* Called under the lock.  Claims of the dead are removed on the way. */

static ngx_int_t
ngx_http_socketio_once_find(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_key_t *key, uint64_t now, u_char *data,
    size_t *len)
{
    ngx_http_socketio_item_t       *item, *next;
    ngx_http_socketio_once_head_t  *head;

    for (item = ngx_http_socketio_store_first(hub->zone, key, now); item;
         item = next)
    {
        next = ngx_http_socketio_store_next(hub->zone, item, now);
        head = (ngx_http_socketio_once_head_t *) item->data;

        if (head->done) {
            *len = ngx_http_socketio_store_read(hub->zone, item, data,
                                        sizeof(ngx_http_socketio_once_head_t)
                                        + NGX_HTTP_SOCKETIO_ONCE_MAX);
            return NGX_DONE;
        }

        /* a zombie is dead: its client may be here before the master has it */

        if (ngx_http_socketio_slot_held(hub->zone, head->slot,
                                        head->incarnation)
            && !ngx_http_socketio_process_dead((ngx_pid_t)
                     ngx_http_socketio_slot(hub->zone, head->slot)->pid))
        {
            return NGX_BUSY;
        }

        ngx_http_socketio_store_remove(hub->zone, item);
    }

    return NGX_OK;
}


void
ngx_http_socketio_once_done(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once, sio_str_t result)
{
    uint64_t                        now;
    sio_str_t                       parts[2];
    ngx_http_socketio_item_t       *item, *claim;
    ngx_http_socketio_once_head_t   head, *claimed;

    if (once->id == 0) {
        return;
    }

    if (result.len > NGX_HTTP_SOCKETIO_ONCE_MAX) {
        result.len = 0;
    }

    ngx_memzero(&head, sizeof(ngx_http_socketio_once_head_t));
    head.done = 1;

    parts[0] = sio_str(&head, sizeof(ngx_http_socketio_once_head_t));
    parts[1] = result;

    now = ngx_http_socketio_calendar();

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_store_add(hub->zone, &once->key, 0,
                                       now + once->msec, 1, parts, 2);
    claim = ngx_http_socketio_once_item(hub, once);

    if (claim && item) {
        ngx_http_socketio_store_remove(hub->zone, claim);

    } else if (claim) {
        claimed = (ngx_http_socketio_once_head_t *) claim->data;
        claimed->done = 1;
        ngx_http_socketio_store_expire(hub->zone, claim, now + once->msec);
    }

    ngx_http_socketio_store_unlock(hub->zone);

    once->id = 0;
}


void
ngx_http_socketio_once_abandon(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once)
{
    ngx_http_socketio_item_t  *claim;

    if (once->id == 0) {
        return;
    }

    ngx_http_socketio_store_lock(hub->zone);

    claim = ngx_http_socketio_once_item(hub, once);

    if (claim) {
        ngx_http_socketio_store_remove(hub->zone, claim);
    }

    ngx_http_socketio_store_unlock(hub->zone);

    once->id = 0;
}


/* The claim, expired or not, if it is still there.  Called under the lock. */

static ngx_http_socketio_item_t *
ngx_http_socketio_once_item(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_once_t *once)
{
    ngx_http_socketio_item_t  *item;

    for (item = ngx_http_socketio_store_first(hub->zone, &once->key, 0);
         item && item->id != once->id;
         item = ngx_http_socketio_store_next(hub->zone, item, 0))
    {
        /* void */
    }

    return item;
}
