/*
 * Granted rooms.
 *
 * When a grant ends is kept in its data, not as the record's own end, so that
 * the store does not drop it for want of room before the sockets were told.
 * Whoever finds one that has ended tells first and removes then: a worker
 * killed in between leaves it to the next, and to be told twice to leave a
 * room does no harm.  Who is told looks whether it was granted again
 * meanwhile.
 */


#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_hosts.h"
#include "hub/ngx_http_socketio_operation.h"


/* Blocks of the store looked at in a tick, and under one lock. */

#define NGX_HTTP_SOCKETIO_GRANT_BLOCKS  32768
#define NGX_HTTP_SOCKETIO_GRANT_HOLD    256

/* How long is known that a grant was taken back, msec. */

#define NGX_HTTP_SOCKETIO_GRANT_KEEP    86400000


static ngx_int_t ngx_http_socketio_grant_one(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, uint64_t expires, ngx_uint_t local);
static ngx_int_t ngx_http_socketio_grant_put(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, uint64_t tag,
    const ngx_http_socketio_grant_t *grant, uint64_t now);
static void ngx_http_socketio_grant_set(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_item_t *item, const ngx_http_socketio_grant_t *grant,
    uint64_t now);
static ngx_http_socketio_item_t *ngx_http_socketio_grant_find(
    ngx_http_socketio_hub_t *hub, const sio_str_t *name, uint64_t *tag);
static uint64_t ngx_http_socketio_grant_expires(
    const ngx_http_socketio_item_t *item);
static ngx_int_t ngx_http_socketio_grant_next(ngx_http_socketio_hub_t *hub,
    uint64_t *after, ngx_http_socketio_key_t *key, uint64_t now,
    ngx_http_socketio_granted_t *granted);
static void ngx_http_socketio_grant_end(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_granted_t *granted, uint64_t now);


ngx_int_t
ngx_http_socketio_grant_add(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *join)
{
    unsigned    i, k;
    uint64_t    expires;
    ngx_int_t   rc;
    sio_str_t   name[3];

    expires = ngx_http_socketio_calendar() + join->ttl * 1000;
    name[0] = join->nsp;

    for (i = 0; i < join->nusers; i++) {
        name[1] = sio_room_user(join->users[i]);

        for (k = 0; k < join->nrooms; k++) {
            name[2] = join->rooms[k];

            rc = ngx_http_socketio_grant_one(hub, name, expires, join->local);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return NGX_OK;
}


/* Here, and on the other hosts. */

static ngx_int_t
ngx_http_socketio_grant_one(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, uint64_t expires, ngx_uint_t local)
{
    ngx_int_t                  rc;
    ngx_uint_t                 was;
    ngx_http_socketio_grant_t  grant;

    grant.expires = expires;
    grant.stamp = 0;
    grant.host = local ? 0 : ngx_http_socketio_peer_self(hub->zone);

    rc = ngx_http_socketio_grant_write(hub, name, &grant, &was);

    if (rc == NGX_OK && !local) {
        ngx_http_socketio_hosts_granted(hub, name, &grant);
    }

    return rc;
}


ngx_int_t
ngx_http_socketio_grant_write(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, ngx_http_socketio_grant_t *grant, ngx_uint_t *was)
{
    uint64_t                    tag, now;
    ngx_int_t                   rc;
    ngx_http_socketio_item_t   *item;
    ngx_http_socketio_grant_t  *old;

    now = ngx_http_socketio_calendar();
    rc = NGX_OK;
    *was = 0;

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_grant_find(hub, name, &tag);
    old = item ? (ngx_http_socketio_grant_t *) item->data : NULL;

    if (old) {
        *was = (old->expires > now);
    }

    if (grant->stamp == 0) {
        grant->stamp = old && old->stamp >= now ? old->stamp + 1 : now;

    } else if (old && (grant->stamp < old->stamp
                       || (grant->stamp == old->stamp
                           && grant->host <= old->host)))
    {
        rc = NGX_DONE;
    }

    if (rc == NGX_DONE) {
        /* void */

    } else if (grant->expires == 0 && hub->hosts == NULL) {

        if (item) {
            ngx_http_socketio_store_remove(hub->zone, item);
        }

    } else if (item) {
        ngx_http_socketio_grant_set(hub, item, grant, now);

    } else {
        rc = ngx_http_socketio_grant_put(hub, name, tag, grant, now);
    }

    ngx_http_socketio_store_unlock(hub->zone);

    return rc;
}


/* Under the lock: a new one, if there are not too many. */

static ngx_int_t
ngx_http_socketio_grant_put(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, uint64_t tag,
    const ngx_http_socketio_grant_t *grant, uint64_t now)
{
    sio_str_t                        parts[4];
    ngx_uint_t                       n;
    ngx_http_socketio_key_t          key;
    ngx_http_socketio_item_t        *item;
    ngx_http_socketio_grant_head_t   head;

    ngx_memzero(&head, sizeof(ngx_http_socketio_grant_head_t));

    head.grant = *grant;
    head.nsp_len = (uint16_t) name[0].len;
    head.user_len = (uint16_t) name[1].len;
    head.room_len = (uint16_t) name[2].len;

    parts[0] = sio_str(&head, sizeof(ngx_http_socketio_grant_head_t));
    parts[1] = name[0];
    parts[2] = name[1];
    parts[3] = name[2];

    ngx_http_socketio_store_key(hub->zone, NGX_HTTP_SOCKETIO_STORE_GRANT, name,
                                2, &key);

    n = 0;

    for (item = ngx_http_socketio_store_first(hub->zone, &key, 0); item;
         item = ngx_http_socketio_store_next(hub->zone, item, 0))
    {
        n += (ngx_http_socketio_grant_expires(item) > now);
    }

    if (grant->expires && n >= NGX_HTTP_SOCKETIO_GRANTS_MAX) {
        return NGX_DECLINED;
    }

    item = ngx_http_socketio_store_add(hub->zone, &key, tag,
                          grant->expires ? 0
                                         : now + NGX_HTTP_SOCKETIO_GRANT_KEEP,
                          grant->expires == 0, parts, 4);

    return item ? NGX_OK : NGX_ERROR;
}


/*
 * Under the lock.  The stamp last: who is killed before leaves a grant that
 * is told once more.
 */
static void
ngx_http_socketio_grant_set(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_item_t *item, const ngx_http_socketio_grant_t *grant,
    uint64_t now)
{
    ngx_http_socketio_grant_t  *old;

    old = (ngx_http_socketio_grant_t *) item->data;

    __atomic_store_n(&old->expires, grant->expires, __ATOMIC_RELEASE);
    __atomic_store_n(&old->host, grant->host, __ATOMIC_RELEASE);
    __atomic_store_n(&old->stamp, grant->stamp, __ATOMIC_RELEASE);

    ngx_http_socketio_store_evict(hub->zone, item, grant->expires == 0);
    ngx_http_socketio_store_expire(hub->zone, item,
                          grant->expires ? 0
                                         : now + NGX_HTTP_SOCKETIO_GRANT_KEEP);
}


/* Under the lock: the record of a namespace, user, room; its tag. */

static ngx_http_socketio_item_t *
ngx_http_socketio_grant_find(ngx_http_socketio_hub_t *hub,
    const sio_str_t *name, uint64_t *tag)
{
    *tag = ngx_http_socketio_store_tag(hub->zone,
                                       NGX_HTTP_SOCKETIO_STORE_GRANT, name, 3);

    return ngx_http_socketio_store_tagged(hub->zone,
                                          NGX_HTTP_SOCKETIO_STORE_GRANT, *tag,
                                          0);
}


static uint64_t
ngx_http_socketio_grant_expires(const ngx_http_socketio_item_t *item)
{
    return ((const ngx_http_socketio_grant_t *) (const void *) item->data)
               ->expires;
}


void
ngx_http_socketio_grant_remove(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *leave)
{
    unsigned   i, k;
    sio_str_t  name[3];

    name[0] = leave->nsp;

    for (i = 0; i < leave->nusers; i++) {
        name[1] = sio_room_user(leave->users[i]);

        for (k = 0; k < leave->nrooms; k++) {
            name[2] = leave->rooms[k];
            (void) ngx_http_socketio_grant_one(hub, name, 0, leave->local);
        }
    }
}


ngx_uint_t
ngx_http_socketio_grant_has(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t user, sio_str_t room)
{
    uint64_t                   tag, now;
    sio_str_t                  name[3];
    ngx_uint_t                 has;
    ngx_http_socketio_item_t  *item;

    name[0] = nsp;
    name[1] = user;
    name[2] = room;

    now = ngx_http_socketio_calendar();

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_grant_find(hub, name, &tag);
    has = (item && ngx_http_socketio_grant_expires(item) > now);

    ngx_http_socketio_store_unlock(hub->zone);

    return has;
}


int
ngx_http_socketio_grant_join(ngx_http_socketio_hub_t *hub,
    sio_socket_t *socket)
{
    int                           rc;
    uint64_t                      now, after;
    sio_str_t                     name[2];
    ngx_http_socketio_key_t       key;
    ngx_http_socketio_granted_t   granted;

    name[0] = sio_namespace_name(socket->ns);
    name[1] = sio_socket_user(socket);

    if (name[1].len == 0) {
        return SIO_OK;
    }

    ngx_http_socketio_store_key(hub->zone, NGX_HTTP_SOCKETIO_STORE_GRANT, name,
                                2, &key);

    now = ngx_http_socketio_calendar();
    after = 0;

    while (ngx_http_socketio_grant_next(hub, &after, &key, now, &granted)
           == NGX_OK)
    {
        rc = sio_room_join(socket, granted.name[2]);
        if (rc != SIO_OK) {
            return rc;
        }
    }

    return SIO_OK;
}


/* The next one of a key that has not ended: they are in the order of ids. */

static ngx_int_t
ngx_http_socketio_grant_next(ngx_http_socketio_hub_t *hub, uint64_t *after,
    ngx_http_socketio_key_t *key, uint64_t now,
    ngx_http_socketio_granted_t *granted)
{
    ngx_int_t                  rc;
    ngx_http_socketio_item_t  *item;

    rc = NGX_DONE;

    ngx_http_socketio_store_lock(hub->zone);

    for (item = ngx_http_socketio_store_first(hub->zone, key, 0); item;
         item = ngx_http_socketio_store_next(hub->zone, item, 0))
    {
        if (item->id <= *after
            || ngx_http_socketio_grant_expires(item) <= now)
        {
            continue;
        }

        *after = item->id;

        if (ngx_http_socketio_grant_read(hub, item, granted) == NGX_OK) {
            rc = NGX_OK;
            break;
        }
    }

    ngx_http_socketio_store_unlock(hub->zone);

    return rc;
}


ngx_int_t
ngx_http_socketio_grant_read(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_item_t *item, ngx_http_socketio_granted_t *granted)
{
    size_t                           len;
    u_char                          *p;
    ngx_http_socketio_grant_head_t   head;

    len = ngx_http_socketio_store_read(hub->zone, item, granted->data,
                                       sizeof(granted->data));

    if (len < sizeof(head) || len > sizeof(granted->data)) {
        return NGX_ERROR;
    }

    ngx_memcpy(&head, granted->data, sizeof(head));

    if (sizeof(head) + head.nsp_len + head.user_len + head.room_len != len) {
        return NGX_ERROR;
    }

    p = granted->data + sizeof(head);

    granted->grant = head.grant;
    granted->name[0] = sio_str(p, head.nsp_len);
    granted->name[1] = sio_str(p + head.nsp_len, head.user_len);
    granted->name[2] = sio_str(p + head.nsp_len + head.user_len,
                               head.room_len);

    return NGX_OK;
}


void
ngx_http_socketio_grant_tick(ngx_http_socketio_hub_t *hub)
{
    uint64_t                      now;
    ngx_int_t                     rc;
    ngx_uint_t                    budget, left, n;
    ngx_http_socketio_item_t     *item;
    ngx_http_socketio_granted_t   granted;

    now = ngx_http_socketio_calendar();
    left = NGX_HTTP_SOCKETIO_GRANT_BLOCKS;

    while (left) {
        n = ngx_min(left, NGX_HTTP_SOCKETIO_GRANT_HOLD);
        budget = n;
        rc = NGX_DECLINED;

        ngx_http_socketio_store_lock(hub->zone);

        do {
            item = ngx_http_socketio_store_walk(hub->zone,
                                                NGX_HTTP_SOCKETIO_STORE_GRANT,
                                                &hub->grants, &budget);

            /* one that was taken back goes by itself */

            if (item && ngx_http_socketio_grant_expires(item)
                && ngx_http_socketio_grant_expires(item) <= now)
            {
                rc = ngx_http_socketio_grant_read(hub, item, &granted);
            }

        } while (item && rc != NGX_OK);

        ngx_http_socketio_store_unlock(hub->zone);

        if (rc == NGX_OK) {
            ngx_http_socketio_grant_end(hub, &granted, now);

        } else if (hub->grants == 0) {
            return;
        }

        left -= ngx_max(n - budget, 1);
    }
}


/* The user's sockets leave, then the record goes. */

static void
ngx_http_socketio_grant_end(ngx_http_socketio_hub_t *hub,
    ngx_http_socketio_granted_t *granted, uint64_t now)
{
    uint64_t                   tag;
    ngx_uint_t                 local;
    ngx_http_socketio_item_t  *item;

    /* other hosts have it as well; for Node servers one tells */

    local = (hub->hosts && granted->grant.host
                           != ngx_http_socketio_peer_self(hub->zone));

    if (granted->name[1].len <= SIO_ROOM_MAX - SIO_USER_ROOM_LEN
        && ngx_http_socketio_grant_operate(hub, SIO_OPERATION_LEAVE,
                                           granted->name, local)
           != NGX_OK)
    {
        /* the zone is full: another time */

        return;
    }

    ngx_http_socketio_store_lock(hub->zone);

    item = ngx_http_socketio_grant_find(hub, granted->name, &tag);

    if (item && ngx_http_socketio_grant_expires(item)
        && ngx_http_socketio_grant_expires(item) <= now)
    {
        ngx_http_socketio_store_remove(hub->zone, item);
    }

    ngx_http_socketio_store_unlock(hub->zone);
}


ngx_int_t
ngx_http_socketio_grant_operate(ngx_http_socketio_hub_t *hub,
    sio_operation_e type, const sio_str_t *name, ngx_uint_t local)
{
    uint8_t          user[SIO_ROOM_MAX];
    sio_str_t        target;
    sio_operation_t  operation;

    target = sio_user_room(name[1], user);

    ngx_memzero(&operation, sizeof(sio_operation_t));

    operation.type = type;
    operation.nsp = name[0];
    operation.targets = &target;
    operation.ntargets = 1;
    operation.rooms = &name[2];
    operation.nrooms = 1;
    operation.granted = 1;
    operation.local = local ? 1 : 0;

    return ngx_http_socketio_operate(hub, &operation, NULL, NULL);
}
