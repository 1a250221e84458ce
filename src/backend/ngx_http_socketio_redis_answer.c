/*
 * Answers: lists of rooms or sockets, which are asked of this host's workers
 * page by page, and single pages.
 */


#include "backend/ngx_http_socketio_redis_answer.h"
#include "backend/ngx_http_socketio_redis_handover.h"
#include "hub/ngx_http_socketio_fetch_hosts.h"


#define NGX_HTTP_SOCKETIO_DUE_MAX      1000      /* requests at a time */
#define NGX_HTTP_SOCKETIO_ANSWER_SIZE  (64 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_ANSWER_DOUBT 500       /* msec behind a change */
#define NGX_HTTP_SOCKETIO_ANSWER_AGAIN 1000      /* msec until then */


static sio_str_t ngx_http_socketio_due_copy(u_char **p, sio_str_t s);
static void ngx_http_socketio_answer_question(ngx_http_socketio_due_t *due,
    const sio_request_t *r);
static void ngx_http_socketio_answer_paged(ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_answer_fetch(ngx_http_socketio_due_t *due);
static void ngx_http_socketio_answer_fetched(ngx_http_socketio_fetch_t *f);
static ngx_uint_t ngx_http_socketio_answer_page(ngx_http_socketio_due_t *due);
static ngx_uint_t ngx_http_socketio_answer_wanted(
    ngx_http_socketio_due_t *due, const ngx_http_socketio_fetched_t *item);
static ngx_uint_t ngx_http_socketio_answer_user(
    const ngx_http_socketio_fetched_t *item, sio_str_t room);
static int ngx_http_socketio_answer_item(ngx_http_socketio_due_t *due,
    const ngx_http_socketio_fetched_t *item);
static int ngx_http_socketio_answer_socket(sio_buf_t *buf,
    const ngx_http_socketio_fetched_t *item);
static void ngx_http_socketio_answer_send(ngx_http_socketio_due_t *due);


ngx_http_socketio_due_t *
ngx_http_socketio_due_create(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    size_t                           size;
    u_char                          *p;
    unsigned                         i, n, nrooms;
    const sio_str_t                 *rooms;
    const sio_mem_t                 *mem;
    ngx_http_socketio_due_t  *due;

    if (a->ndue == NGX_HTTP_SOCKETIO_DUE_MAX) {
        return NULL;
    }

    /* older nodes ask by a list of rooms */

    rooms = r->type == SIO_REQUEST_SOCKETS ? r->rooms
                                           : r->broadcast.opts.rooms;
    nrooms = r->type == SIO_REQUEST_SOCKETS ? r->nrooms
                                            : r->broadcast.opts.nrooms;

    n = nrooms + r->broadcast.opts.nexcept;
    size = nsp.len + r->id.len + r->uid.len;

    for (i = 0; i < n; i++) {
        size += i < nrooms ? rooms[i].len
                           : r->broadcast.opts.except[i - nrooms].len;
    }

    mem = &ngx_http_socketio_mem;

    due = sio_calloc(mem, sizeof(ngx_http_socketio_due_t) + size);
    if (due == NULL) {
        return NULL;
    }

    due->rooms = sio_calloc(mem, (n + 1) * sizeof(sio_str_t));
    if (due->rooms == NULL) {
        sio_free(mem, due);
        return NULL;
    }

    p = due->names;

    due->adapter = a;
    due->type = r->type;
    due->id = ngx_http_socketio_due_copy(&p, r->id);
    due->from = ngx_http_socketio_due_copy(&p, r->uid);
    due->nsp = ngx_http_socketio_due_copy(&p, nsp);
    due->nrooms = nrooms;
    due->nexcept = r->broadcast.opts.nexcept;

    for (i = 0; i < n; i++) {
        due->rooms[i] = ngx_http_socketio_due_copy(&p,
                            i < nrooms ? rooms[i]
                            : r->broadcast.opts.except[i - nrooms]);
    }

    sio_buf_init(&due->json, mem, NGX_HTTP_SOCKETIO_ANSWER_SIZE);
    sio_buf_init(&due->after, mem, SIO_ROOM_MAX);
    sio_buf_init(&due->question, mem, NGX_HTTP_SOCKETIO_ANSWER_SIZE);

    due->next = a->due;
    due->prev = &a->due;

    if (a->due) {
        a->due->prev = &due->next;
    }

    a->due = due;
    a->ndue++;

    return due;
}


static sio_str_t
ngx_http_socketio_due_copy(u_char **p, sio_str_t s)
{
    u_char  *start;

    start = *p;
    *p = ngx_cpymem(start, s.data, s.len);

    return sio_str(start, s.len);
}


void
ngx_http_socketio_due_free(ngx_http_socketio_due_t *due)
{
    *due->prev = due->next;

    if (due->next) {
        due->next->prev = due->prev;
    }

    due->adapter->ndue--;

    if (due->fetching) {
        ngx_http_socketio_fetch_free(&due->fetch);
    }

    if (due->collecting) {
        ngx_http_socketio_collect_cancel(&due->collect);
    }

    sio_buf_free(&due->json);
    sio_buf_free(&due->after);
    sio_buf_free(&due->question);
    sio_free(&ngx_http_socketio_mem, due->rooms);
    sio_free(&ngx_http_socketio_mem, due);
}


void
ngx_http_socketio_answer_cancel(ngx_http_socketio_adapter_t *a)
{
    while (a->due) {
        ngx_http_socketio_due_free(a->due);
    }
}


void
ngx_http_socketio_answer_list(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    ngx_http_socketio_due_t  *due;

    due = ngx_http_socketio_due_create(a, nsp, r);

    if (due == NULL) {
        ngx_http_socketio_answer_nothing(a, nsp, r);

    } else if (r->page.len) {
        ngx_http_socketio_answer_question(due, r);

    } else {
        ngx_http_socketio_answer_fetch(due);
    }
}


void
ngx_http_socketio_answer_nothing(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    sio_response_t  nothing;

    if (r->id.len == 0 || (r->type >= SIO_REQUEST_JOIN
                           && r->type <= SIO_REQUEST_DISCONNECT))
    {
        return;
    }

    ngx_memzero(&nothing, sizeof(sio_response_t));

    nothing.type = r->type == SIO_REQUEST_BROADCAST
                   ? SIO_RESPONSE_CLIENT_COUNT : r->type;
    nothing.id = r->id;
    nothing.rooms = sio_cstr("[]");
    nothing.sockets = nothing.rooms;
    nothing.data = sio_cstr("null");

    ngx_http_socketio_adapter_response(a, nsp, r->uid, &nothing);
}


/*
 * Not of a broadcast: Node takes one count too many for an end that never
 * comes.  A host of our kind asks for pages, and says who was silent.
 */
void
ngx_http_socketio_answer_again(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    ngx_http_socketio_due_t  *due;

    /* one that stands still is counted as long as it does */

    if (ngx_current_msec - a->followed > NGX_HTTP_SOCKETIO_ANSWER_DOUBT
        && ngx_http_socketio_handover_alone(a, 1))
    {
        a->followed = 0;
        return;
    }

    if (r->id.len == 0 || r->page.len || r->type == SIO_REQUEST_BROADCAST
        || (r->type >= SIO_REQUEST_JOIN && r->type <= SIO_REQUEST_DISCONNECT))
    {
        return;
    }

    due = ngx_http_socketio_due_create(a, nsp, r);

    if (due) {
        due->again = ngx_current_msec + NGX_HTTP_SOCKETIO_ANSWER_AGAIN;
    }
}


void
ngx_http_socketio_answer_tick(ngx_http_socketio_adapter_t *a)
{
    ngx_http_socketio_due_t  *due, *next;

    for (due = a->due; due; due = next) {
        next = due->next;

        if (due->again
            && (ngx_msec_int_t) (ngx_current_msec - due->again) >= 0)
        {
            ngx_http_socketio_answer_send(due);
        }
    }
}


/* A host of our kind asks for a page: what our workers say is passed on. */

static void
ngx_http_socketio_answer_question(ngx_http_socketio_due_t *due,
    const sio_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_socketio_fetch_t  *f;

    f = &due->fetch;

    f->hub = due->adapter->hub;
    f->done = ngx_http_socketio_answer_paged;
    f->data = due;
    f->raw = 1;

    rc = ngx_http_socketio_page_question(&due->question, r->page, due->nsp,
                                         &f->question);

    /* another version's question: all of it, as for another kind of host */

    if (rc != NGX_OK) {
        ngx_memzero(f, sizeof(ngx_http_socketio_fetch_t));
        ngx_http_socketio_answer_fetch(due);
        return;
    }

    due->fetching = 1;

    rc = ngx_http_socketio_fetch(f);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc != NGX_OK) {
        due->fetching = 0;
        ngx_http_socketio_answer_nothing(due->adapter, due->nsp, r);
        ngx_http_socketio_due_free(due);
        return;
    }

    ngx_http_socketio_answer_paged(f);
}


static void
ngx_http_socketio_answer_paged(ngx_http_socketio_fetch_t *f)
{
    sio_response_t            r;
    ngx_http_socketio_due_t  *due;

    due = f->data;

    ngx_memzero(&r, sizeof(sio_response_t));

    r.type = due->type;
    r.id = due->id;
    r.sockets = sio_cstr("[]");

    if (ngx_http_socketio_page_answer(&due->json, f) == NGX_OK) {
        r.page = sio_buf_str(&due->json);
    }

    ngx_http_socketio_adapter_response(due->adapter, due->nsp, due->from, &r);
    ngx_http_socketio_hub_post(due->adapter->hub);

    ngx_http_socketio_due_free(due);
}


/*
 * Pages, one after the other.  Lists of rooms have three parts: rooms, those
 * of users, and those of sockets, which are their ids.
 */
static void
ngx_http_socketio_answer_fetch(ngx_http_socketio_due_t *due)
{
    ngx_int_t                   rc;
    ngx_http_socketio_fetch_t  *f;

    f = &due->fetch;

    do {
        if (due->fetching) {
            ngx_http_socketio_fetch_free(f);
        }

        ngx_memzero(f, sizeof(ngx_http_socketio_fetch_t));

        f->hub = due->adapter->hub;
        f->done = ngx_http_socketio_answer_fetched;
        f->data = due;
        f->question.type = NGX_HTTP_SOCKETIO_FETCH_MEMBERS;
        f->question.nsp = due->nsp;
        f->question.after = sio_buf_str(&due->after);
        f->question.limit = NGX_HTTP_SOCKETIO_FETCH_LIMIT;

        if (due->type == SIO_REQUEST_ALL_ROOMS) {

            if (due->pos < 2) {
                f->question.type = NGX_HTTP_SOCKETIO_FETCH_ROOMS;
                f->question.prefix = due->pos ? sio_cstr(SIO_USER_ROOM)
                                              : sio_str(NULL, 0);
            }

        } else if (due->nrooms) {
            f->question.name = due->rooms[due->pos];
        }

        due->fetching = 1;

        rc = ngx_http_socketio_fetch(f);

        if (rc == NGX_AGAIN) {
            return;
        }

        /* what could not be found out is missing */

        if (rc != NGX_OK) {
            due->fetching = 0;
            ngx_http_socketio_answer_send(due);
            return;
        }

    } while (ngx_http_socketio_answer_page(due));

    ngx_http_socketio_answer_send(due);
}


static void
ngx_http_socketio_answer_fetched(ngx_http_socketio_fetch_t *f)
{
    ngx_http_socketio_hub_t         *hub;
    ngx_http_socketio_due_t  *due;

    due = f->data;
    hub = f->hub;

    if (ngx_http_socketio_answer_page(due)) {
        ngx_http_socketio_answer_fetch(due);

    } else {
        ngx_http_socketio_answer_send(due);
    }

    ngx_http_socketio_hub_post(hub);
}


/* Take a page; whether there is another one to be asked for. */

static ngx_uint_t
ngx_http_socketio_answer_page(ngx_http_socketio_due_t *due)
{
    size_t                      len;
    ngx_uint_t                  i, parts;
    ngx_http_socketio_fetch_t  *f;

    f = &due->fetch;

    for (i = 0; i < f->n; i++) {

        if (!ngx_http_socketio_answer_wanted(due, &f->items[i])) {
            continue;
        }

        len = due->json.len;

        if (ngx_http_socketio_answer_item(due, &f->items[i]) != SIO_OK) {
            due->json.len = len;
            return 0;
        }

        due->any = 1;
    }

    if (f->more && f->n) {
        sio_buf_reset(&due->after);

        if (sio_buf_append_str(&due->after, f->items[f->n - 1].key)
            == SIO_OK)
        {
            return 1;
        }
    }

    sio_buf_reset(&due->after);

    parts = due->type == SIO_REQUEST_ALL_ROOMS ? 3 : ngx_max(due->nrooms, 1);

    return ++due->pos < parts;
}


/* Not what was in a room before, nor what is excepted. */

static ngx_uint_t
ngx_http_socketio_answer_wanted(ngx_http_socketio_due_t *due,
    const ngx_http_socketio_fetched_t *item)
{
    uint32_t    i;
    sio_str_t   room, name;
    sio_wire_t  rooms;
    ngx_uint_t  n;

    if (due->type == SIO_REQUEST_ALL_ROOMS) {
        return 1;
    }

    for (n = 0; n < due->nrooms + due->nexcept; n++) {

        if (n >= due->pos && n < due->nrooms) {
            continue;
        }

        name = due->rooms[n];

        if (sio_str_eq(item->key, name)
            || ngx_http_socketio_answer_user(item, name))
        {
            return 0;
        }

        rooms = item->rooms;

        for (i = 0; i < item->nrooms; i++) {
            room = sio_wire_get_str(&rooms);

            if (sio_str_eq(room, name)) {
                return 0;
            }
        }
    }

    return 1;
}


/* Whether it is the room of the socket's user. */

static ngx_uint_t
ngx_http_socketio_answer_user(const ngx_http_socketio_fetched_t *item,
    sio_str_t room)
{
    return item->user.len && sio_str_eq(sio_room_user(room), item->user);
}


static int
ngx_http_socketio_answer_item(ngx_http_socketio_due_t *due,
    const ngx_http_socketio_fetched_t *item)
{
    int  rc;

    rc = sio_buf_append_char(&due->json, due->any ? ',' : '[');

    if (rc != SIO_OK) {
        return rc;
    }

    return due->type == SIO_REQUEST_FETCH
           ? ngx_http_socketio_answer_socket(&due->json, item)
           : sio_json_quote(&due->json, item->key);
}


/*
 * What Node's RemoteSocket is made of.  The handshake was another worker's,
 * long ago; data has the user.
 */
static int
ngx_http_socketio_answer_socket(sio_buf_t *buf,
    const ngx_http_socketio_fetched_t *item)
{
    int         rc;
    uint32_t    i;
    sio_wire_t  rooms;

    static const sio_str_t  handshake = sio_string(
        ",\"handshake\":{\"headers\":{},\"time\":\"\",\"address\":\"\","
        "\"xdomain\":false,\"secure\":false,\"issued\":0,\"url\":\"\","
        "\"query\":{},\"auth\":{}},\"rooms\":[");

    rc = sio_buf_append(buf, "{\"id\":", 6);

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, item->key);
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append_str(buf, handshake);
    }

    /* a socket is in the room of its id, and in that of its user */

    if (rc == SIO_OK) {
        rc = sio_json_quote(buf, item->key);
    }

    if (rc == SIO_OK && item->user.len) {
        rc = sio_buf_append(buf, ",\"" SIO_USER_ROOM,
                            2 + SIO_USER_ROOM_LEN);

        if (rc == SIO_OK) {
            rc = sio_json_escape(buf, item->user);
        }

        if (rc == SIO_OK) {
            rc = sio_buf_append_char(buf, '"');
        }
    }

    rooms = item->rooms;

    for (i = 0; i < item->nrooms && rc == SIO_OK; i++) {
        rc = sio_buf_append_char(buf, ',');

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, sio_wire_get_str(&rooms));
        }
    }

    if (rc == SIO_OK) {
        rc = sio_buf_append(buf, "],\"data\":{", 10);
    }

    if (rc == SIO_OK && item->user.len) {
        rc = sio_buf_append(buf, "\"user\":", 7);

        if (rc == SIO_OK) {
            rc = sio_json_quote(buf, item->user);
        }
    }

    return rc == SIO_OK ? sio_buf_append(buf, "}}", 2) : rc;
}


static void
ngx_http_socketio_answer_send(ngx_http_socketio_due_t *due)
{
    int             rc;
    sio_response_t  r;

    rc = due->any ? SIO_OK : sio_buf_append_char(&due->json, '[');

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(&due->json, ']');
    }

    ngx_memzero(&r, sizeof(sio_response_t));

    r.type = due->type;
    r.id = due->id;
    r.rooms = rc == SIO_OK ? sio_buf_str(&due->json) : sio_cstr("[]");
    r.sockets = r.rooms;
    r.data = sio_cstr("null");

    ngx_http_socketio_adapter_response(due->adapter, due->nsp, due->from, &r);

    ngx_http_socketio_due_free(due);
}
