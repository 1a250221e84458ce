/*
 * The answer of a host of another kind.
 *
 * Names are unescaped into one buffer that is made large enough first, so
 * that views of it stay.
 */


#include "hub/ngx_http_socketio_fetch_foreign.h"
#include "hub/ngx_http_socketio_fetch_answer.h"
#include "codec/sio_json.h"


/* A socket, or a room: the names of a socket's rooms are in a row. */

typedef struct {
    sio_str_t                   key;
    sio_str_t                   user;
    uint64_t                    count;
    sio_str_t                  *rooms;
    uint32_t                    nrooms;
} ngx_http_socketio_foreign_item_t;


typedef struct {
    ngx_http_socketio_fetch_t         *fetch;
    sio_str_t                          nsp;
    sio_buf_t                          text;
    ngx_http_socketio_foreign_item_t  *items;     /* sockets */
    uint32_t                           nitems;
    sio_str_t                         *names;     /* of rooms */
    uint32_t                           nnames;
    ngx_http_socketio_foreign_item_t  *rooms;     /* the names, each once */
} ngx_http_socketio_foreign_t;


static ngx_int_t ngx_http_socketio_foreign_count(
    ngx_http_socketio_foreign_t *g, sio_str_t sockets);
static ngx_int_t ngx_http_socketio_foreign_read(
    ngx_http_socketio_foreign_t *g, sio_str_t sockets);
static ngx_int_t ngx_http_socketio_foreign_socket(
    ngx_http_socketio_foreign_t *g, sio_str_t socket);
static ngx_int_t ngx_http_socketio_foreign_text(
    ngx_http_socketio_foreign_t *g, sio_str_t value, sio_str_t *s);
static ngx_int_t ngx_http_socketio_foreign_page(
    ngx_http_socketio_foreign_t *g, sio_page_t *page, sio_distinct_t *users);
static ngx_int_t ngx_http_socketio_foreign_rooms(
    ngx_http_socketio_foreign_t *g, sio_page_t *page);
static int ngx_http_socketio_foreign_compare(const void *a, const void *b);
static ngx_int_t ngx_http_socketio_foreign_write(
    ngx_http_socketio_foreign_t *g, sio_page_t *page, sio_distinct_t *users);


ngx_int_t
ngx_http_socketio_fetch_foreign(ngx_http_socketio_fetch_t *f, sio_str_t nsp,
    sio_str_t sockets)
{
    ngx_int_t                     rc;
    sio_page_t                    page;
    const sio_mem_t              *mem;
    sio_distinct_t                users;
    ngx_http_socketio_foreign_t   g;

    mem = &ngx_http_socketio_mem;

    ngx_memzero(&g, sizeof(ngx_http_socketio_foreign_t));

    g.fetch = f;
    g.nsp = nsp;

    sio_buf_init(&g.text, mem, SIZE_MAX);
    sio_page_init(&page, mem, (uint32_t) f->question.limit,
                  f->question.after);
    sio_distinct_init(&users, mem);

    rc = ngx_http_socketio_foreign_count(&g, sockets);

    if (rc == NGX_OK) {
        rc = ngx_http_socketio_foreign_read(&g, sockets);
    }

    if (rc == NGX_OK) {
        rc = f->question.type == NGX_HTTP_SOCKETIO_FETCH_ROOMS
             ? ngx_http_socketio_foreign_rooms(&g, &page)
             : ngx_http_socketio_foreign_page(&g, &page, &users);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_socketio_foreign_write(&g, &page, &users);
    }

    sio_distinct_free(&users);
    sio_page_free(&page);
    sio_buf_free(&g.text);
    sio_free(mem, g.items);
    sio_free(mem, g.names);
    sio_free(mem, g.rooms);

    return rc;
}


/* Room for all sockets, all names and all text. */

static ngx_int_t
ngx_http_socketio_foreign_count(ngx_http_socketio_foreign_t *g,
    sio_str_t sockets)
{
    size_t           nitems, nnames;
    sio_str_t        socket, rooms, room;
    const sio_mem_t *mem;
    sio_json_iter_t  it, names;

    if (sio_json_type(sockets) != SIO_JSON_ARRAY) {
        return NGX_ERROR;
    }

    nitems = 0;
    nnames = 0;

    sio_json_array_iter(&it, sockets);

    while (sio_json_array_next(&it, &socket) == SIO_OK) {
        nitems++;

        if (sio_json_type(socket) != SIO_JSON_OBJECT
            || sio_json_member(socket, sio_cstr("rooms"), &rooms) != SIO_OK
            || sio_json_type(rooms) != SIO_JSON_ARRAY)
        {
            return NGX_ERROR;
        }

        sio_json_array_iter(&names, rooms);

        while (sio_json_array_next(&names, &room) == SIO_OK) {
            nnames++;
        }
    }

    mem = &ngx_http_socketio_mem;

    g->items = sio_calloc(mem, (nitems + 1)
                               * sizeof(ngx_http_socketio_foreign_item_t));
    g->names = sio_calloc(mem, (nnames + 1) * sizeof(sio_str_t));

    return g->items && g->names
           && sio_buf_reserve(&g->text, sockets.len) == SIO_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_socketio_foreign_read(ngx_http_socketio_foreign_t *g,
    sio_str_t sockets)
{
    sio_str_t        socket;
    sio_json_iter_t  it;

    sio_json_array_iter(&it, sockets);

    while (sio_json_array_next(&it, &socket) == SIO_OK) {
        if (ngx_http_socketio_foreign_socket(g, socket) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Neither the room of its id is told, nor that of its user. */

static ngx_int_t
ngx_http_socketio_foreign_socket(ngx_http_socketio_foreign_t *g,
    sio_str_t socket)
{
    sio_str_t                          value, rooms, name, user;
    sio_json_iter_t                    it;
    ngx_http_socketio_foreign_item_t  *item;

    item = &g->items[g->nitems++];

    if (sio_json_member(socket, sio_cstr("id"), &value) != SIO_OK
        || ngx_http_socketio_foreign_text(g, value, &item->key) != NGX_OK
        || sio_json_member(socket, sio_cstr("rooms"), &rooms) != SIO_OK)
    {
        return NGX_ERROR;
    }

    item->count = 1;
    item->rooms = g->names + g->nnames;

    sio_json_array_iter(&it, rooms);

    while (sio_json_array_next(&it, &value) == SIO_OK) {

        if (ngx_http_socketio_foreign_text(g, value, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        user = sio_room_user(name);

        if (user.data) {
            item->user = user;

            if (g->fetch->question.type != NGX_HTTP_SOCKETIO_FETCH_ROOMS) {
                continue;
            }
        }

        if (!sio_str_eq(name, item->key)) {
            item->rooms[item->nrooms++] = name;
            g->nnames++;
        }
    }

    return NGX_OK;
}


/* A string's bytes; Node's rooms may be numbers. */

static ngx_int_t
ngx_http_socketio_foreign_text(ngx_http_socketio_foreign_t *g,
    sio_str_t value, sio_str_t *s)
{
    size_t  start;

    switch (sio_json_type(value)) {

    case SIO_JSON_NUMBER:
        *s = value;
        return NGX_OK;

    case SIO_JSON_STRING:
        start = g->text.len;

        if (sio_json_unescape(&g->text, value) != SIO_OK) {
            return NGX_ERROR;
        }

        *s = sio_str(g->text.data + start, g->text.len - start);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_socketio_foreign_page(ngx_http_socketio_foreign_t *g,
    sio_page_t *page, sio_distinct_t *users)
{
    uint32_t                           i;
    ngx_http_socketio_foreign_item_t  *item;

    for (i = 0; i < g->nitems; i++) {
        item = &g->items[i];

        if (sio_page_add(page, item->key, item) != SIO_OK) {
            return NGX_ERROR;
        }

        if (item->user.len
            && sio_distinct_add(users, sio_hash(&g->fetch->question.key,
                                                item->user.data,
                                                item->user.len))
               != SIO_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The names, sorted, are counted. */

static ngx_int_t
ngx_http_socketio_foreign_rooms(ngx_http_socketio_foreign_t *g,
    sio_page_t *page)
{
    uint32_t                           i, n;
    sio_str_t                          name;
    ngx_http_socketio_foreign_item_t  *room;

    g->rooms = sio_calloc(&ngx_http_socketio_mem, (g->nnames + 1)
                                 * sizeof(ngx_http_socketio_foreign_item_t));
    if (g->rooms == NULL) {
        return NGX_ERROR;
    }

    if (g->nnames) {
        qsort(g->names, g->nnames, sizeof(sio_str_t),
              ngx_http_socketio_foreign_compare);
    }

    room = NULL;

    for (i = 0, n = 0; i < g->nnames; i++) {
        name = g->names[i];

        if (room && sio_str_eq(room->key, name)) {
            room->count++;
            continue;
        }

        if (!ngx_http_socketio_fetch_lists(&g->fetch->question, name)) {
            continue;
        }

        room = &g->rooms[n++];
        room->key = name;
        room->count = 1;

        if (sio_page_add(page, name, room) != SIO_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static int
ngx_http_socketio_foreign_compare(const void *a, const void *b)
{
    const sio_str_t *one = a, *two = b;

    return sio_page_compare(*one, *two);
}


/* As a worker writes its answer: see ngx_http_socketio_fetch.h. */

static ngx_int_t
ngx_http_socketio_foreign_write(ngx_http_socketio_foreign_t *g,
    sio_page_t *page, sio_distinct_t *users)
{
    uint32_t                           i, n;
    sio_buf_t                         *buf;
    sio_wire_writer_t                  w;
    ngx_http_socketio_question_t      *q;
    ngx_http_socketio_foreign_item_t  *item;

    sio_page_sort(page);
    sio_distinct_sort(users);

    q = &g->fetch->question;
    buf = &g->fetch->hub->payload;

    sio_buf_reset(buf);

    sio_writer_begin(&w, buf);
    sio_wire_put_u8(&w, page->more);
    sio_wire_put_u64(&w, q->type == NGX_HTTP_SOCKETIO_FETCH_ROOMS
                         ? 0 : g->nitems);
    sio_wire_put_u8(&w, users->dropped);
    sio_wire_put_str(&w, sio_str(users->hashes,
                                 users->n * sizeof(uint64_t)));
    sio_wire_put_u32(&w, page->n);

    for (i = 0; i < page->n; i++) {
        item = page->entries[i].data;

        sio_wire_put_str(&w, item->key);
        sio_wire_put_u64(&w, item->count);
        sio_wire_put_str(&w, q->type == NGX_HTTP_SOCKETIO_FETCH_ROOMS
                             ? sio_str(NULL, 0) : g->nsp);
        sio_wire_put_str(&w, item->user);
        sio_wire_put_u8(&w, NGX_HTTP_SOCKETIO_FETCH_UNKNOWN);
        sio_wire_put_u32(&w, item->nrooms);

        for (n = 0; n < item->nrooms; n++) {
            sio_wire_put_str(&w, item->rooms[n]);
        }
    }

    if (sio_wire_end(&w) != SIO_OK) {
        return NGX_ERROR;
    }

    ngx_http_socketio_fetch_add(g->fetch, sio_buf_str(buf));

    return NGX_OK;
}
