/*
 * Fetch: what this worker answers.
 *
 * One look at everything that is asked for: a page of its names is kept, and
 * what is counted is counted.  The room of a user is told by the user, that
 * of a socket by its id: neither is listed among rooms, unless a prefix asks
 * for those of users.
 */


#include "hub/ngx_http_socketio_fetch_answer.h"


/* Bytes of a page: items behind the first one that passes this wait. */

#define NGX_HTTP_SOCKETIO_ANSWER_MAX  (256 * 1024)


typedef struct {
    ngx_http_socketio_hub_t             *hub;
    const ngx_http_socketio_question_t  *question;
    sio_page_t                           page;
    sio_distinct_t                       users;
    uint64_t                             sockets;
    int                                  rc;
} ngx_http_socketio_answer_t;


typedef void (*ngx_http_socketio_answer_pt)(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);


static void ngx_http_socketio_answer_rooms(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);
static void ngx_http_socketio_answer_room(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);
static void ngx_http_socketio_answer_user(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);
static void ngx_http_socketio_answer_socket(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);
static void ngx_http_socketio_answer_nothing(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns);
static void ngx_http_socketio_answer_members(ngx_http_socketio_answer_t *a,
    sio_room_t *room);
static void ngx_http_socketio_answer_add(ngx_http_socketio_answer_t *a,
    sio_socket_t *socket);
static ngx_int_t ngx_http_socketio_answer_write(
    ngx_http_socketio_answer_t *a, sio_buf_t *buf);
static void ngx_http_socketio_answer_item(ngx_http_socketio_answer_t *a,
    sio_wire_writer_t *w, const sio_page_entry_t *entry);
static void ngx_http_socketio_answer_its_rooms(const sio_socket_t *socket,
    sio_wire_writer_t *w);


static const ngx_http_socketio_answer_pt  ngx_http_socketio_answers[] = {
    [NGX_HTTP_SOCKETIO_FETCH_ROOMS] = ngx_http_socketio_answer_rooms,
    [NGX_HTTP_SOCKETIO_FETCH_ROOM] = ngx_http_socketio_answer_room,
    [NGX_HTTP_SOCKETIO_FETCH_MEMBERS] = ngx_http_socketio_answer_room,
    [NGX_HTTP_SOCKETIO_FETCH_USER] = ngx_http_socketio_answer_user,
    [NGX_HTTP_SOCKETIO_FETCH_SOCKET] = ngx_http_socketio_answer_socket,
    [NGX_HTTP_SOCKETIO_FETCH_NOTHING] = ngx_http_socketio_answer_nothing
};


ngx_int_t
ngx_http_socketio_fetch_answer(ngx_http_socketio_hub_t *hub,
    const ngx_http_socketio_question_t *q, sio_buf_t *buf)
{
    uint32_t                     cursor;
    ngx_int_t                    rc;
    sio_map_node_t              *node, *saved;
    sio_namespace_t             *ns;
    ngx_http_socketio_answer_t   a;

    ngx_memzero(&a, sizeof(ngx_http_socketio_answer_t));

    a.hub = hub;
    a.question = q;
    a.rc = SIO_OK;

    sio_page_init(&a.page, &ngx_http_socketio_mem, (uint32_t) q->limit,
                  q->after);
    sio_distinct_init(&a.users, &ngx_http_socketio_mem);

    if (q->nsp.len) {
        ns = sio_app_namespace(&hub->app, q->nsp);

        if (ns) {
            ngx_http_socketio_answers[q->type](&a, ns);
        }

    } else {
        cursor = 0;
        saved = NULL;

        while ((node = sio_map_next(&hub->app.namespaces, &cursor, &saved))
               != NULL)
        {
            ngx_http_socketio_answers[q->type](&a,
                                  sio_map_data(node, sio_namespace_t, node));
        }
    }

    rc = NGX_ERROR;

    if (a.rc == SIO_OK) {
        rc = ngx_http_socketio_answer_write(&a, buf);
    }

    sio_page_free(&a.page);
    sio_distinct_free(&a.users);

    return rc;
}


static void
ngx_http_socketio_answer_rooms(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns)
{
    uint32_t         cursor;
    sio_str_t        name;
    sio_room_t      *room;
    sio_map_node_t  *node, *saved;

    cursor = 0;
    saved = NULL;

    while (a->rc == SIO_OK
           && (node = sio_map_next(&ns->rooms, &cursor, &saved)) != NULL)
    {
        room = sio_map_data(node, sio_room_t, node);
        name = sio_room_name(room);

        if (room->count && ngx_http_socketio_fetch_lists(a->question, name)) {
            a->rc = sio_page_add(&a->page, name, room);
        }
    }
}


static void
ngx_http_socketio_answer_room(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns)
{
    uint32_t         cursor;
    sio_socket_t    *socket;
    sio_map_node_t  *node, *saved;

    if (a->question->name.len == 0) {
        cursor = 0;
        saved = NULL;

        while (a->rc == SIO_OK
               && (node = sio_map_next(&ns->sockets, &cursor, &saved)) != NULL)
        {
            ngx_http_socketio_answer_add(a, sio_map_data(node, sio_socket_t,
                                                         node));
        }

        return;
    }

    socket = sio_namespace_socket(ns, a->question->name);

    if (socket) {
        ngx_http_socketio_answer_add(a, socket);
        return;
    }

    ngx_http_socketio_answer_members(a,
                                 sio_namespace_room(ns, a->question->name));
}


static void
ngx_http_socketio_answer_user(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns)
{
    uint8_t    room[SIO_ROOM_MAX];
    sio_str_t  name;

    name = sio_user_room(a->question->name, room);

    ngx_http_socketio_answer_members(a, sio_namespace_room(ns, name));
}


static void
ngx_http_socketio_answer_socket(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns)
{
    sio_socket_t  *socket;

    socket = sio_namespace_socket(ns, a->question->name);

    if (socket) {
        ngx_http_socketio_answer_add(a, socket);
    }
}


static void
ngx_http_socketio_answer_nothing(ngx_http_socketio_answer_t *a,
    sio_namespace_t *ns)
{
}


static void
ngx_http_socketio_answer_members(ngx_http_socketio_answer_t *a,
    sio_room_t *room)
{
    uint32_t  i;

    for (i = 0; room && i < room->count && a->rc == SIO_OK; i++) {
        ngx_http_socketio_answer_add(a, room->members[i].socket);
    }
}


static void
ngx_http_socketio_answer_add(ngx_http_socketio_answer_t *a,
    sio_socket_t *socket)
{
    sio_str_t  user;

    if (!socket->accepted || socket->leaving) {
        return;
    }

    a->sockets++;
    a->rc = sio_page_add(&a->page, sio_socket_sid(socket), socket);

    user = sio_socket_user(socket);

    if (a->rc == SIO_OK && user.len) {
        a->rc = sio_distinct_add(&a->users,
                                 sio_hash(&a->question->key, user.data,
                                          user.len));
    }
}


static ngx_int_t
ngx_http_socketio_answer_write(ngx_http_socketio_answer_t *a, sio_buf_t *buf)
{
    size_t             start, count;
    uint32_t           i;
    sio_wire_writer_t  w;

    sio_page_sort(&a->page);
    sio_distinct_sort(&a->users);

    start = buf->len;

    sio_writer_begin(&w, buf);

    sio_wire_put_u8(&w, 0);
    sio_wire_put_u64(&w, a->sockets);
    sio_wire_put_u8(&w, a->users.dropped);
    sio_wire_put_str(&w, sio_str(a->users.hashes,
                                 a->users.n * sizeof(uint64_t)));

    count = buf->len;
    sio_wire_put_u32(&w, 0);

    for (i = 0; i < a->page.n; i++) {

        if (i && buf->len - start > NGX_HTTP_SOCKETIO_ANSWER_MAX) {
            a->page.more = 1;
            break;
        }

        ngx_http_socketio_answer_item(a, &w, &a->page.entries[i]);
    }

    if (sio_wire_end(&w) != SIO_OK) {
        return NGX_ERROR;
    }

    /* little endian, as sio_wire has it */

    buf->data[start] = a->page.more;
    buf->data[count] = (uint8_t) i;
    buf->data[count + 1] = (uint8_t) (i >> 8);

    return NGX_OK;
}


static void
ngx_http_socketio_answer_item(ngx_http_socketio_answer_t *a,
    sio_wire_writer_t *w, const sio_page_entry_t *entry)
{
    sio_room_t    *room;
    sio_socket_t  *socket;

    sio_wire_put_str(w, entry->key);

    if (a->question->type == NGX_HTTP_SOCKETIO_FETCH_ROOMS) {
        room = entry->data;

        sio_wire_put_u64(w, room->count);
        sio_wire_put_str(w, sio_str(NULL, 0));
        sio_wire_put_str(w, sio_str(NULL, 0));
        sio_wire_put_u8(w, 0);
        sio_wire_put_u32(w, 0);
        return;
    }

    socket = entry->data;

    sio_wire_put_u64(w, 1);
    sio_wire_put_str(w, sio_namespace_name(socket->ns));
    sio_wire_put_str(w, sio_socket_user(socket));
    sio_wire_put_u8(w, socket->client->session->transport);

    if (a->question->type == NGX_HTTP_SOCKETIO_FETCH_ROOM) {
        sio_wire_put_u32(w, 0);
        return;
    }

    ngx_http_socketio_answer_its_rooms(socket, w);
}


static void
ngx_http_socketio_answer_its_rooms(const sio_socket_t *socket,
    sio_wire_writer_t *w)
{
    uint32_t   i;
    sio_str_t  name;

    /* that of the user is one of them, and the only one of its kind */

    sio_wire_put_u32(w, socket->nrooms - (socket->identity ? 1u : 0));

    for (i = 0; i < socket->nrooms; i++) {
        name = sio_room_name(socket->rooms[i].room);

        if (sio_room_user(name).data == NULL) {
            sio_wire_put_str(w, name);
        }
    }
}
