/*
 * The app, its namespaces, and who is addressed by a target.
 */


#include "logic/sio_app.h"
#include "logic/sio_client.h"
#include "logic/sio_room.h"
#include "logic/sio_socket.h"


/* How far ahead of a walk its members' sessions, clients, sockets are fetched:
   each is found in the next. */

#define SIO_SELECT_SESSION  4
#define SIO_SELECT_CLIENT   8
#define SIO_SELECT_SOCKET   16


/* A selection on its way.  mark 0: nobody can be met twice or excluded. */

typedef struct {
    sio_target_pt   fn;
    void           *ctx;
    uint32_t        mark;
    unsigned        count;
} sio_selection_t;


static void sio_namespace_destroy(sio_namespace_t *ns);
static sio_socket_t *sio_namespace_find(sio_namespace_t *ns, sio_str_t sid);
static uint32_t sio_app_mark(sio_app_t *app);
static void sio_select_except(sio_namespace_t *ns, sio_str_t name,
    uint32_t mark);
static void sio_select_all(sio_namespace_t *ns, sio_selection_t *sel);
static void sio_select_room(sio_namespace_t *ns, sio_str_t name,
    sio_selection_t *sel);


void
sio_app_init(sio_app_t *app, const sio_mem_t *mem, const sio_app_ops_t *ops,
    const sio_app_limits_t *limits, const sio_hash_key_t *hash)
{
    memset(app, 0, sizeof(sio_app_t));

    app->mem = mem;
    app->ops = ops;
    app->limits = limits;
    app->hash = hash;
    app->ended_tail = &app->ended;

    sio_map_init(&app->namespaces, mem, hash);
}


void
sio_app_free(sio_app_t *app)
{
    sio_map_free(&app->namespaces);
}


void
sio_app_leave(sio_app_t *app)
{
    sio_socket_t  *socket;

    if (app->busy > 1) {
        app->busy--;
        return;
    }

    /* sockets may be added to the end meanwhile, by ops->disconnect */

    while (app->ended) {
        socket = app->ended;
        app->ended = socket->next;

        if (app->ended == NULL) {
            app->ended_tail = &app->ended;
        }

        sio_socket_free(socket);
    }

    app->busy = 0;
}


sio_namespace_t *
sio_app_namespace(sio_app_t *app, sio_str_t name)
{
    sio_map_node_t  *node;

    node = sio_map_find(&app->namespaces, name);

    return node ? sio_map_data(node, sio_namespace_t, node) : NULL;
}


int
sio_namespace_open(sio_app_t *app, sio_str_t name, sio_namespace_t **ns)
{
    void             *conf;
    uint8_t          *key;
    sio_namespace_t  *n;

    *ns = sio_app_namespace(app, name);

    if (*ns) {
        return SIO_OK;
    }

    conf = NULL;

    if (app->ops->lookup(app, name, &conf) != SIO_OK) {
        return SIO_DECLINED;
    }

    if (app->namespaces.count >= app->limits->max_dynamic) {
        return SIO_NOMEM;
    }

    n = sio_alloc(app->mem, sizeof(sio_namespace_t) + name.len);
    if (n == NULL) {
        return SIO_NOMEM;
    }

    memset(n, 0, sizeof(sio_namespace_t));
    n->app = app;
    n->conf = conf;

    sio_map_init(&n->sockets, app->mem, app->hash);
    sio_map_init(&n->rooms, app->mem, app->hash);

    key = (uint8_t *) (n + 1);
    memcpy(key, name.data, name.len);

    if (sio_map_insert(&app->namespaces, &n->node, sio_str(key, name.len))
        != SIO_OK)
    {
        sio_free(app->mem, n);
        return SIO_NOMEM;
    }

    *ns = n;

    return SIO_OK;
}


void
sio_namespace_release(sio_namespace_t *ns)
{
    if (ns->sockets.count == 0) {
        sio_namespace_destroy(ns);
    }
}


static void
sio_namespace_destroy(sio_namespace_t *ns)
{
    sio_app_t  *app;

    app = ns->app;

    sio_map_remove(&app->namespaces, &ns->node);
    sio_map_free(&ns->sockets);
    sio_map_free(&ns->rooms);
    sio_free(app->mem, ns);
}


static sio_socket_t *
sio_namespace_find(sio_namespace_t *ns, sio_str_t sid)
{
    sio_map_node_t  *node;

    if (sid.len != EIO_SID_LEN) {
        return NULL;
    }

    node = sio_map_find(&ns->sockets, sid);

    return node ? sio_map_data(node, sio_socket_t, node) : NULL;
}


sio_socket_t *
sio_namespace_socket(sio_namespace_t *ns, sio_str_t sid)
{
    sio_socket_t  *socket;

    socket = sio_namespace_find(ns, sid);

    return socket && !socket->leaving ? socket : NULL;
}


unsigned
sio_namespace_select(sio_namespace_t *ns, const sio_target_t *target,
    sio_target_pt fn, void *ctx)
{
    unsigned          n;
    sio_app_t        *app;
    sio_selection_t   sel;

    app = ns->app;

    sel.fn = fn;
    sel.ctx = ctx;
    sel.mark = 0;
    sel.count = 0;

    sio_app_enter(app);

    /* a marked socket was met already, or is excluded */

    if (target->nrooms > 1 || target->nexcept > 0) {
        sel.mark = sio_app_mark(app);
    }

    for (n = 0; n < target->nexcept; n++) {
        sio_select_except(ns, target->except[n], sel.mark);
    }

    if (target->nrooms == 0) {
        sio_select_all(ns, &sel);
    }

    for (n = 0; n < target->nrooms; n++) {
        sio_select_room(ns, target->rooms[n], &sel);
    }

    sio_app_leave(app);

    return sel.count;
}


static uint32_t
sio_app_mark(sio_app_t *app)
{
    uint32_t          cursor, inner;
    sio_map_node_t   *node, *saved, *inner_saved;
    sio_namespace_t  *ns;

    if (++app->mark) {
        return app->mark;
    }

    /* gone around: marks of old would be taken for new ones */

    app->mark = 1;
    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&app->namespaces, &cursor, &saved)) != NULL) {
        ns = sio_map_data(node, sio_namespace_t, node);
        inner = 0;
        inner_saved = NULL;

        while ((node = sio_map_next(&ns->sockets, &inner, &inner_saved))
               != NULL)
        {
            sio_map_data(node, sio_socket_t, node)->mark = 0;
        }
    }

    return app->mark;
}


static void
sio_select_except(sio_namespace_t *ns, sio_str_t name, uint32_t mark)
{
    uint32_t       i;
    sio_room_t    *room;
    sio_socket_t  *socket;

    socket = sio_namespace_find(ns, name);

    if (socket) {
        socket->mark = mark;
        return;
    }

    room = sio_namespace_room(ns, name);

    if (room) {
        for (i = 0; i < room->count; i++) {
            room->members[i].socket->mark = mark;
        }
    }
}


static inline void
sio_select_one(sio_selection_t *sel, sio_socket_t *socket)
{
    if (socket->leaving) {
        return;
    }

    if (sel->mark) {
        if (socket->mark == sel->mark) {
            return;
        }

        socket->mark = sel->mark;
    }

    sel->count++;
    sel->fn(socket, sel->ctx);
}


static void
sio_select_all(sio_namespace_t *ns, sio_selection_t *sel)
{
    uint32_t         cursor;
    sio_map_node_t  *node, *saved;

    cursor = 0;
    saved = NULL;

    while ((node = sio_map_next(&ns->sockets, &cursor, &saved)) != NULL) {
        sio_select_one(sel, sio_map_data(node, sio_socket_t, node));
    }
}


/*
 * Members are walked from the last to the first: when fn takes the socket it
 * is called for out of the room, the member moved into its place has been
 * met, and one that is added is not met.
 */

static void
sio_select_room(sio_namespace_t *ns, sio_str_t name, sio_selection_t *sel)
{
    uint32_t              i;
    sio_room_t           *room;
    sio_member_t         *member;
    sio_socket_t         *socket;
    const eio_session_t  *s;

    socket = sio_namespace_find(ns, name);

    if (socket) {
        sio_select_one(sel, socket);
        return;
    }

    room = sio_namespace_room(ns, name);

    if (room == NULL) {
        return;
    }

    room->walkers++;

    for (i = room->count; i > 0; i--) {
        member = &room->members[i - 1];

        /* not in a function: it would be optimized away, as it does nothing */

        if (i > SIO_SELECT_SOCKET) {
            __builtin_prefetch((member - SIO_SELECT_SOCKET)->socket);
            __builtin_prefetch((member - SIO_SELECT_CLIENT)->socket->client);

            s = (member - SIO_SELECT_SESSION)->socket->client->session;

            __builtin_prefetch(&s->options);
            __builtin_prefetch(&s->out);
            __builtin_prefetch(&s->state);
        }

        sio_select_one(sel, member->socket);
    }

    room->walkers--;
    sio_room_release(room);
}
