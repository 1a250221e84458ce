/*
 * Rooms of this host.
 *
 * The directory is written before a worker tells, so a leader that is told of
 * the same room by two workers, in whatever order, ends with what is so.
 */


#include "backend/ngx_http_socketio_redis_rooms.h"
#include "backend/ngx_http_socketio_redis_dialect.h"
#include "backend/ngx_http_socketio_redis_leader.h"
#include "logic/sio_room.h"


#define NGX_HTTP_SOCKETIO_ROOMS_RECORD  32768    /* bytes, about */
#define NGX_HTTP_SOCKETIO_ROOMS_WAIT    1000     /* msec for answers */
#define NGX_HTTP_SOCKETIO_ROOMS_WALK    1000     /* looked at in a second */


/* A room, or a namespace, that is subscribed: NSP#ROOM. */

typedef struct {
    sio_map_node_t  node;
    size_t          nsp;                         /* bytes */
    u_char          name[];
} ngx_http_socketio_heard_room_t;


/* A list being told. */

typedef struct {
    ngx_http_socketio_adapter_t  *adapter;
    ngx_uint_t                    to;            /* slot */
    sio_wire_writer_t             w;
    ngx_uint_t                    failed;
} ngx_http_socketio_rooms_list_t;


static ngx_uint_t ngx_http_socketio_rooms_wanted(
    ngx_http_socketio_adapter_t *a, sio_str_t room, ngx_uint_t is_socket);
static void ngx_http_socketio_rooms_set(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t room, ngx_uint_t present);
static void ngx_http_socketio_rooms_remove(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_heard_room_t *heard);
static void ngx_http_socketio_rooms_walk(ngx_http_socketio_adapter_t *a);
static void ngx_http_socketio_rooms_tell(ngx_http_socketio_adapter_t *a,
    ngx_uint_t to);
static void ngx_http_socketio_rooms_tell_namespace(
    ngx_http_socketio_rooms_list_t *list, sio_namespace_t *ns);
static void ngx_http_socketio_rooms_tell_one(
    ngx_http_socketio_rooms_list_t *list, sio_namespace_t *ns,
    sio_str_t name);
static void ngx_http_socketio_rooms_begin(
    ngx_http_socketio_rooms_list_t *list, sio_str_t nsp, ngx_uint_t last);
static void ngx_http_socketio_rooms_send(
    ngx_http_socketio_rooms_list_t *list);


#define ngx_http_socketio_rooms_bit(n)  ((uint64_t) 1 << ((n) % 64))


void
ngx_http_socketio_rooms_init(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                 n;
    ngx_http_socketio_slot_t  *slot;

    sio_map_init(&a->rooms.heard, &ngx_http_socketio_mem,
                 &a->hub->zone->hash);

    if (a->dialect->room == NULL) {
        return;
    }

    /* who becomes the leader later asks */

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(a->hub->zone, n);

        if (n != a->hub->n && slot->pid
            && slot->stat[NGX_HTTP_SOCKETIO_STAT_REDIS_LEADER])
        {
            a->rooms.tell[n / 64] |= ngx_http_socketio_rooms_bit(n);
        }
    }
}


void
ngx_http_socketio_rooms_cleanup(ngx_http_socketio_adapter_t *a)
{
    uint32_t         cursor;
    sio_map_node_t  *node, *saved;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&a->rooms.heard, &cursor, &saved)) != NULL) {
        sio_map_remove(&a->rooms.heard, node);
        sio_free(&ngx_http_socketio_mem,
                 sio_map_data(node, ngx_http_socketio_heard_room_t, node));
    }

    sio_map_free(&a->rooms.heard);
    sio_map_init(&a->rooms.heard, &ngx_http_socketio_mem,
                 &a->hub->zone->hash);

    ngx_memzero(a->rooms.asked, sizeof(a->rooms.asked));
    ngx_memzero(a->rooms.awaited, sizeof(a->rooms.awaited));
}


static ngx_uint_t
ngx_http_socketio_rooms_wanted(ngx_http_socketio_adapter_t *a,
    sio_str_t room, ngx_uint_t is_socket)
{
    if (a->dialect->room == NULL) {
        return 0;
    }

    switch (a->conf->subscription) {

    case NGX_HTTP_SOCKETIO_SUBSCRIPTION_STATIC:
        return room.len == 0;

    case NGX_HTTP_SOCKETIO_SUBSCRIPTION_DYNAMIC:
        return !is_socket;

    default: /* NGX_HTTP_SOCKETIO_SUBSCRIPTION_PRIVATE */
        return 1;
    }
}


void
ngx_http_socketio_rooms_changed(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t room, ngx_uint_t present, ngx_uint_t is_socket)
{
    ngx_uint_t                    i;
    sio_wire_writer_t             w;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    if (!ngx_http_socketio_rooms_wanted(a, room, is_socket)) {
        return;
    }

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_NOT) {
        ngx_http_socketio_rooms_set(a, nsp, room, present);
    }

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64 && !a->rooms.tell[i]; i++) {
        /* void */
    }

    if (i == NGX_HTTP_SOCKETIO_SLOTS / 64) {
        return;
    }

    ngx_http_socketio_adapter_record(a, &w, NGX_HTTP_SOCKETIO_CLUSTER_ROOMS);
    sio_wire_put_u8(&w, (uint8_t) present);
    sio_wire_put_u8(&w, 0);
    sio_wire_put_str(&w, nsp);
    sio_wire_put_str(&w, room);

    if (sio_wire_end(&w) != SIO_OK
        || ngx_http_socketio_channel_send(hub, a->rooms.tell, 0) == NGX_ERROR)
    {
        a->rooms.owed = 1;
    }

    ngx_http_socketio_hub_post(hub);
}


void
ngx_http_socketio_rooms_ask(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                    n, asked;
    uint64_t                      slots[NGX_HTTP_SOCKETIO_SLOTS / 64];
    sio_wire_writer_t             w;
    ngx_http_socketio_slot_t     *slot;

    if (a->dialect->room == NULL) {
        return;
    }

    ngx_memzero(slots, sizeof(slots));
    asked = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {
        slot = ngx_http_socketio_slot(a->hub->zone, n);

        if (slot->pid == 0
            || a->rooms.asked[n] == (uint32_t) slot->incarnation)
        {
            continue;
        }

        a->rooms.asked[n] = (uint32_t) slot->incarnation;

        if (n == a->hub->n) {
            ngx_http_socketio_rooms_tell(a, n);
            continue;
        }

        slots[n / 64] |= ngx_http_socketio_rooms_bit(n);
        a->rooms.awaited[n / 64] |= ngx_http_socketio_rooms_bit(n);
        asked = 1;
    }

    if (!asked) {
        return;
    }

    a->rooms.since = ngx_current_msec;

    ngx_http_socketio_adapter_record(a, &w, NGX_HTTP_SOCKETIO_CLUSTER_ASK);

    if (sio_wire_end(&w) != SIO_OK
        || ngx_http_socketio_channel_send(a->hub, slots, 0) == NGX_ERROR)
    {
        ngx_memzero(a->rooms.asked, sizeof(a->rooms.asked));
    }

    ngx_http_socketio_hub_post(a->hub);
}


ngx_uint_t
ngx_http_socketio_rooms_known(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t  i;

    if (ngx_current_msec - a->rooms.since > NGX_HTTP_SOCKETIO_ROOMS_WAIT) {
        return 1;
    }

    for (i = 0; i < NGX_HTTP_SOCKETIO_SLOTS / 64; i++) {
        if (a->rooms.awaited[i]) {
            return 0;
        }
    }

    return 1;
}


void
ngx_http_socketio_rooms_subscribe(ngx_http_socketio_adapter_t *a)
{
    uint32_t                         cursor;
    sio_map_node_t                  *node, *saved;
    ngx_http_socketio_heard_room_t  *heard;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&a->rooms.heard, &cursor, &saved)) != NULL) {
        heard = sio_map_data(node, ngx_http_socketio_heard_room_t, node);

        a->dialect->room(a, sio_str(heard->name, heard->nsp),
                         sio_str(heard->name + heard->nsp + 1,
                                 node->len - heard->nsp - 1), 1);
    }
}


void
ngx_http_socketio_rooms_tick(ngx_http_socketio_adapter_t *a)
{
    ngx_uint_t                 n, owed;
    ngx_http_socketio_slot_t  *slot;

    if (a->dialect->room == NULL) {
        return;
    }

    owed = a->rooms.owed;
    a->rooms.owed = 0;

    for (n = 0; n < NGX_HTTP_SOCKETIO_SLOTS; n++) {

        if ((a->rooms.tell[n / 64] & ngx_http_socketio_rooms_bit(n)) == 0) {
            continue;
        }

        slot = ngx_http_socketio_slot(a->hub->zone, n);

        if (slot->pid == 0) {
            a->rooms.tell[n / 64] &= ~ngx_http_socketio_rooms_bit(n);

        } else if (owed) {
            ngx_http_socketio_rooms_tell(a, n);
        }
    }

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_NOT) {
        ngx_http_socketio_rooms_ask(a);
        ngx_http_socketio_rooms_walk(a);
        ngx_http_socketio_leader_check(a);
    }
}


/* A worker that was killed told nobody that its rooms are gone. */

static void
ngx_http_socketio_rooms_walk(ngx_http_socketio_adapter_t *a)
{
    uint32_t         cursor;
    ngx_uint_t       n;
    sio_map_node_t  *node, *saved;

    cursor = a->rooms.cursor;
    saved = NULL;

    for (n = 0; n < NGX_HTTP_SOCKETIO_ROOMS_WALK || saved; n++) {

        node = sio_map_next(&a->rooms.heard, &cursor, &saved);

        if (node == NULL) {
            cursor = 0;
            break;
        }

        ngx_http_socketio_rooms_remove(a,
                   sio_map_data(node, ngx_http_socketio_heard_room_t, node));
    }

    a->rooms.cursor = cursor;
}


/* The leader is told. */

static void
ngx_http_socketio_rooms_set(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    sio_str_t room, ngx_uint_t present)
{
    u_char                          *p;
    sio_str_t                        key;
    sio_map_node_t                  *node;
    ngx_http_socketio_heard_room_t  *heard;

    heard = sio_alloc(&ngx_http_socketio_mem,
                      sizeof(ngx_http_socketio_heard_room_t)
                      + nsp.len + 1 + room.len);
    if (heard == NULL) {
        return;
    }

    heard->nsp = nsp.len;

    p = ngx_cpymem(heard->name, nsp.data, nsp.len);
    *p++ = '#';
    ngx_memcpy(p, room.data, room.len);

    key = sio_str(heard->name, nsp.len + 1 + room.len);
    node = sio_map_find(&a->rooms.heard, key);

    if (node == NULL && present
        && sio_map_insert(&a->rooms.heard, &heard->node, key) == SIO_OK)
    {
        if (a->leader >= NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING) {
            a->dialect->room(a, nsp, room, 1);
        }

        return;
    }

    sio_free(&ngx_http_socketio_mem, heard);

    if (node && !present) {
        ngx_http_socketio_rooms_remove(a,
                   sio_map_data(node, ngx_http_socketio_heard_room_t, node));
    }
}


/* If no worker has it any more. */

static void
ngx_http_socketio_rooms_remove(ngx_http_socketio_adapter_t *a,
    ngx_http_socketio_heard_room_t *heard)
{
    sio_str_t  nsp, room;

    nsp = sio_str(heard->name, heard->nsp);
    room = sio_str(heard->name + heard->nsp + 1,
                   heard->node.len - heard->nsp - 1);

    if (ngx_http_socketio_adapter_members(a, nsp, room)) {
        return;
    }

    if (a->leader >= NGX_HTTP_SOCKETIO_LEADER_SUBSCRIBING) {
        a->dialect->room(a, nsp, room, 0);
    }

    sio_map_remove(&a->rooms.heard, &heard->node);
    sio_free(&ngx_http_socketio_mem, heard);
}


void
ngx_http_socketio_rooms_asked(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    if (sio_wire_done(record) != SIO_OK || a->dialect->room == NULL) {
        return;
    }

    a->rooms.tell[from->slot / 64] |= ngx_http_socketio_rooms_bit(from->slot);

    ngx_http_socketio_rooms_tell(a, from->slot);
}


void
ngx_http_socketio_rooms_told(ngx_http_socketio_adapter_t *a,
    sio_wire_t *record, const ngx_http_socketio_from_t *from)
{
    uint8_t    present, last;
    sio_str_t  nsp, room;

    present = sio_wire_get_u8(record);
    last = sio_wire_get_u8(record);
    nsp = sio_wire_get_str(record);

    if (a->leader == NGX_HTTP_SOCKETIO_LEADER_NOT
        || a->dialect->room == NULL)
    {
        return;
    }

    while (!record->error && record->pos < record->end) {
        room = sio_wire_get_str(record);

        if (!record->error) {
            ngx_http_socketio_rooms_set(a, nsp, room, present);
        }
    }

    if (last) {
        a->rooms.awaited[from->slot / 64] &=
                                     ~ngx_http_socketio_rooms_bit(from->slot);
        ngx_http_socketio_leader_check(a);
    }
}


/* All that this worker has, to a leader, which may be itself. */

static void
ngx_http_socketio_rooms_tell(ngx_http_socketio_adapter_t *a, ngx_uint_t to)
{
    uint32_t                         cursor;
    sio_app_t                       *app;
    sio_map_node_t                  *node, *saved;
    ngx_http_socketio_rooms_list_t   list;

    app = &a->hub->app;
    cursor = 0;
    saved = NULL;

    list.adapter = a;
    list.to = to;
    list.failed = 0;

    while ((node = sio_map_next(&app->namespaces, &cursor, &saved)) != NULL) {
        ngx_http_socketio_rooms_tell_namespace(&list,
                                 sio_map_data(node, sio_namespace_t, node));
    }

    ngx_http_socketio_rooms_begin(&list, sio_str(NULL, 0), 1);
    ngx_http_socketio_rooms_send(&list);

    a->rooms.owed |= list.failed;

    ngx_http_socketio_hub_post(a->hub);
}


static void
ngx_http_socketio_rooms_tell_namespace(ngx_http_socketio_rooms_list_t *list,
    sio_namespace_t *ns)
{
    uint32_t         cursor;
    sio_str_t        name;
    sio_map_node_t  *node, *saved;

    ngx_http_socketio_rooms_begin(list, sio_namespace_name(ns), 0);

    if (sio_namespace_count(ns)) {
        ngx_http_socketio_rooms_tell_one(list, ns, sio_str(NULL, 0));
    }

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&ns->rooms, &cursor, &saved)) != NULL) {
        name = sio_room_name(sio_map_data(node, sio_room_t, node));

        if (ngx_http_socketio_rooms_wanted(list->adapter, name, 0)) {
            ngx_http_socketio_rooms_tell_one(list, ns, name);
        }
    }

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&ns->sockets, &cursor, &saved)) != NULL) {
        name = sio_socket_sid(sio_map_data(node, sio_socket_t, node));

        if (ngx_http_socketio_rooms_wanted(list->adapter, name, 1)) {
            ngx_http_socketio_rooms_tell_one(list, ns, name);
        }
    }

    ngx_http_socketio_rooms_send(list);
}


static void
ngx_http_socketio_rooms_tell_one(ngx_http_socketio_rooms_list_t *list,
    sio_namespace_t *ns, sio_str_t name)
{
    if (list->to == list->adapter->hub->n) {
        ngx_http_socketio_rooms_set(list->adapter, sio_namespace_name(ns),
                                    name, 1);
        return;
    }

    sio_wire_put_str(&list->w, name);

    if (list->w.buf->len > NGX_HTTP_SOCKETIO_ROOMS_RECORD) {
        ngx_http_socketio_rooms_send(list);
        ngx_http_socketio_rooms_begin(list, sio_namespace_name(ns), 0);
    }
}


static void
ngx_http_socketio_rooms_begin(ngx_http_socketio_rooms_list_t *list,
    sio_str_t nsp, ngx_uint_t last)
{
    ngx_http_socketio_adapter_record(list->adapter, &list->w,
                                     NGX_HTTP_SOCKETIO_CLUSTER_ROOMS);
    sio_wire_put_u8(&list->w, 1);
    sio_wire_put_u8(&list->w, (uint8_t) last);
    sio_wire_put_str(&list->w, nsp);
}


static void
ngx_http_socketio_rooms_send(ngx_http_socketio_rooms_list_t *list)
{
    if (list->to == list->adapter->hub->n) {
        return;
    }

    if (sio_wire_end(&list->w) != SIO_OK
        || ngx_http_socketio_channel_send_to(list->adapter->hub, list->to)
           == NGX_ERROR)
    {
        list->failed = 1;
    }
}
