/*
 * Presence: sweeps over the records, and what is done once a second.
 *
 * A sweep finds users who are online without a socket, because nobody was
 * left to look at them: their worker was killed, or has ended within their
 * grace, or its queue was full.  Whoever frees a dead worker's slot sweeps at
 * once, and so does a newcomer, whose predecessor may have been killed.  One
 * worker of each configuration watches the slots for others that went, and
 * sweeps now and then in any case.
 */


#include "hub/ngx_http_socketio_presence.h"


#define NGX_HTTP_SOCKETIO_PRESENCE_WALKS  4         /* in one go */
#define NGX_HTTP_SOCKETIO_PRESENCE_SWEEP  30000     /* msec between two */


static ngx_uint_t ngx_http_socketio_presence_watch(
    ngx_http_socketio_hub_t *hub);
static ngx_uint_t ngx_http_socketio_presence_leads(
    ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_presence_rooms(ngx_http_socketio_hub_t *hub);
static void ngx_http_socketio_presence_drop(ngx_http_socketio_hub_t *hub);


void
ngx_http_socketio_presence_sweep(ngx_http_socketio_hub_t *hub)
{
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    if (p == NULL) {
        return;
    }

    if (p->sweeping) {
        p->again = 1;
        return;
    }

    p->sweeping = 1;
    p->again = 0;
    p->cursor = 0;

    /* it finds what those left behind who have gone by now */

    (void) ngx_http_socketio_presence_watch(hub);

    if (!p->work.posted) {
        ngx_post_event(&p->work, &ngx_posted_events);
    }
}


void
ngx_http_socketio_presence_walk(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                     n, i, round;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    for (round = 0; round < NGX_HTTP_SOCKETIO_PRESENCE_WALKS; round++) {

        n = ngx_http_socketio_presence_strays(hub->zone, &p->cursor,
                                   ngx_http_socketio_calendar(), p->conf.keep,
                                   p->strays,
                                   NGX_HTTP_SOCKETIO_PRESENCE_STRAYS);

        for (i = 0; i < n; i++) {
            ngx_http_socketio_presence_queue(hub, p->strays[i].nsp,
                                             p->strays[i].user, 0, 0);
        }

        if (p->cursor == 0) {
            p->sweeping = 0;
            p->next_sweep = ngx_http_socketio_now()
                            + NGX_HTTP_SOCKETIO_PRESENCE_SWEEP;
            return;
        }
    }
}


void
ngx_http_socketio_presence_tick(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                     changed;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;

    if (p == NULL) {
        return;
    }

    /* timers would hold a worker that has nothing else to do */

    if (ngx_exiting && hub->sessions.count == 0) {
        ngx_http_socketio_presence_drop(hub);
    }

    if (p->missed) {
        p->missed = 0;
        p->again = 1;
        ngx_http_socketio_presence_rooms(hub);
    }

    changed = ngx_http_socketio_presence_watch(hub);

    if (p->again
        || ((changed || p->next_sweep <= ngx_http_socketio_now())
            && ngx_http_socketio_presence_leads(hub)))
    {
        ngx_http_socketio_presence_sweep(hub);
    }
}


/* Whether a worker has gone since the last look. */

static ngx_uint_t
ngx_http_socketio_presence_watch(ngx_http_socketio_hub_t *hub)
{
    uint32_t                       incarnation;
    ngx_uint_t                     n, gone;
    ngx_atomic_uint_t              pid;
    ngx_http_socketio_slot_t      *slot;
    ngx_http_socketio_presence_t  *p;

    p = hub->presence;
    gone = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(hub->zone, n);
        pid = slot->pid;
        incarnation = (uint32_t) slot->incarnation;

        if (p->pid[n]
            && (pid != p->pid[n] || incarnation != p->incarnation[n]))
        {
            gone = 1;
        }

        p->pid[n] = pid;
        p->incarnation[n] = incarnation;
    }

    return gone;
}


/* One of each configuration's workers does what one can do for all. */

static ngx_uint_t
ngx_http_socketio_presence_leads(ngx_http_socketio_hub_t *hub)
{
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    for (n = 0; n < hub->n; n++) {
        slot = ngx_http_socketio_slot(hub->zone, n);

        if (slot->pid && !slot->exiting && !slot->still
            && slot->generation == hub->slot->generation)
        {
            return 0;
        }
    }

    return 1;
}


/* All users who have sockets here, after there was no memory for a check. */

static void
ngx_http_socketio_presence_rooms(ngx_http_socketio_hub_t *hub)
{
    uint32_t          cursor, inner;
    sio_str_t         user;
    sio_room_t       *room;
    sio_map_node_t   *node, *saved, *inner_saved;
    sio_namespace_t  *ns;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->app.namespaces, &cursor, &saved))
           != NULL)
    {
        ns = sio_map_data(node, sio_namespace_t, node);
        inner = 0;
        inner_saved = NULL;

        while ((node = sio_map_next(&ns->rooms, &inner, &inner_saved)) != NULL)
        {
            room = sio_map_data(node, sio_room_t, node);

            user = sio_room_user(sio_room_name(room));

            if (user.len) {
                ngx_http_socketio_presence_queue(hub, sio_namespace_name(ns),
                                                 user, 0, 0);
            }
        }
    }
}


static void
ngx_http_socketio_presence_drop(ngx_http_socketio_hub_t *hub)
{
    uint32_t                    cursor;
    sio_map_node_t             *node, *saved;
    ngx_http_socketio_check_t  *check;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&hub->presence->checks, &cursor, &saved))
           != NULL)
    {
        check = sio_map_data(node, ngx_http_socketio_check_t, node);

        if (check->patient) {
            ngx_http_socketio_check_free(hub, check);
        }
    }
}
