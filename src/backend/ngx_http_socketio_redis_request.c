/*
 * Requests of other hosts.
 *
 * What cannot be answered at once is due: a list of rooms or sockets is asked
 * of this host's workers page by page, acks are collected until all clients
 * have given theirs, or shortly before the asker's time is up.
 */


#include "backend/ngx_http_socketio_redis_request.h"
#include "codec/sio_adapter_request.h"
#include "codec/sio_event.h"
#include "codec/sio_name.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_fetch.h"
#include "hub/ngx_http_socketio_operation.h"


#define NGX_HTTP_SOCKETIO_DUE_MAX      1000      /* requests at a time */
#define NGX_HTTP_SOCKETIO_ANSWER_SIZE  (64 * 1024 * 1024)
#define NGX_HTTP_SOCKETIO_ACK_DEFAULT  5000      /* msec, as in Node */
#define NGX_HTTP_SOCKETIO_ACK_EARLY    100       /* msec before the asker's */


struct ngx_http_socketio_answer_due_s {
    ngx_http_socketio_answer_due_t  *next;
    ngx_http_socketio_answer_due_t **prev;
    ngx_http_socketio_adapter_t     *adapter;
    sio_request_e                    type;
    sio_str_t                        id;
    sio_str_t                        nsp;

    /* a list: of rooms[pos] now, and of nothing that is in one before */
    sio_str_t                       *rooms;
    ngx_uint_t                       nrooms;
    ngx_uint_t                       nexcept;    /* behind rooms */
    ngx_uint_t                       pos;
    sio_buf_t                        json;
    sio_buf_t                        after;      /* the last key of a page */
    ngx_http_socketio_fetch_t        fetch;

    ngx_http_socketio_collect_t      collect;
    unsigned                         fetching:1;
    unsigned                         collecting:1;
    unsigned                         any:1;      /* json has an item */

    u_char                           names[];    /* what the strings view */
};


static void ngx_http_socketio_request_operate(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static void ngx_http_socketio_request_list(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static void ngx_http_socketio_request_broadcast(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, const sio_request_t *r);
static ngx_http_socketio_answer_due_t *ngx_http_socketio_due_create(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, const sio_request_t *r);
static sio_str_t ngx_http_socketio_due_copy(u_char **p, sio_str_t s);
static void ngx_http_socketio_due_free(ngx_http_socketio_answer_due_t *due);
static void ngx_http_socketio_due_fetch(ngx_http_socketio_answer_due_t *due);
static void ngx_http_socketio_due_fetched(ngx_http_socketio_fetch_t *f);
static ngx_uint_t ngx_http_socketio_due_page(
    ngx_http_socketio_answer_due_t *due);
static ngx_uint_t ngx_http_socketio_due_wanted(
    ngx_http_socketio_answer_due_t *due,
    const ngx_http_socketio_fetched_t *item);
static ngx_uint_t ngx_http_socketio_due_user(
    const ngx_http_socketio_fetched_t *item, sio_str_t room);
static int ngx_http_socketio_due_item(ngx_http_socketio_answer_due_t *due,
    const ngx_http_socketio_fetched_t *item);
static int ngx_http_socketio_due_socket(sio_buf_t *buf,
    const ngx_http_socketio_fetched_t *item);
static void ngx_http_socketio_due_answer(ngx_http_socketio_answer_due_t *due);
static void ngx_http_socketio_due_collected(ngx_http_socketio_collect_t *c);
static void ngx_http_socketio_request_reply(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp);


void
ngx_http_socketio_redis_request(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    sio_str_t message, ngx_uint_t by_pattern)
{
    int                             rc;
    sio_request_t                   r;
    ngx_http_socketio_namespace_t  *conf;

    conf = ngx_http_socketio_namespace(a->hub->conf, nsp);
    if (by_pattern && (conf == NULL || conf->regex == NULL)) {
        return;
    }

    rc = sio_adapter_request_decode(&a->codec, message, &r);
    if (rc != SIO_OK || conf == NULL) {
        ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_REFUSED,
                               1);
        ngx_log_error(NGX_LOG_INFO, a->hub->log, 0,
                      "socketio: redis: a request was refused: %s",
                      rc == SIO_OK ? "for an unknown namespace"
                      : rc == SIO_ERROR ? "malformed" : "above a bound");
        return;
    }

    if (sio_str_eq(r.uid, sio_str(a->uid, SIO_ADAPTER_UID_LEN))
        || (by_pattern && (r.type < SIO_REQUEST_JOIN
                           || r.type > SIO_REQUEST_DISCONNECT)))
    {
        return;
    }

    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    switch (r.type) {

    case SIO_REQUEST_JOIN:
    case SIO_REQUEST_LEAVE:
    case SIO_REQUEST_DISCONNECT:
        ngx_http_socketio_request_operate(a, nsp, &r);
        break;

    case SIO_REQUEST_SERVER_EMIT:
        sio_buf_reset(&a->message);

        if (r.id.len
            && sio_adapter_response_encode(&a->message, r.id, r.type, "data",
                                           sio_cstr("null"))
               == SIO_OK)
        {
            ngx_http_socketio_request_reply(a, nsp);
        }

        break;

    case SIO_REQUEST_BROADCAST:
        ngx_http_socketio_request_broadcast(a, nsp, &r);
        break;

    default:
        ngx_http_socketio_request_list(a, nsp, &r);
    }

    ngx_http_socketio_hub_post(a->hub);
}


void
ngx_http_socketio_redis_operate(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation)
{
    sio_request_t                 r;
    ngx_http_socketio_adapter_t  *a;

    a = hub->cluster_data;

    ngx_memzero(&r, sizeof(sio_request_t));

    r.type = operation->type == SIO_OPERATION_JOIN ? SIO_REQUEST_JOIN
             : operation->type == SIO_OPERATION_LEAVE ? SIO_REQUEST_LEAVE
             : SIO_REQUEST_DISCONNECT;
    r.uid = sio_str(a->uid, SIO_ADAPTER_UID_LEN);
    r.broadcast.opts.rooms = (sio_str_t *) operation->targets;
    r.broadcast.opts.nrooms = operation->ntargets;
    r.broadcast.opts.except = (sio_str_t *) operation->except;
    r.broadcast.opts.nexcept = operation->nexcept;
    r.rooms = (sio_str_t *) operation->rooms;
    r.nrooms = operation->nrooms;
    r.close = operation->close;

    sio_buf_reset(&a->channel);
    sio_buf_reset(&a->message);

    if (sio_adapter_channel(&a->channel, a->prefix, SIO_CHANNEL_REQUEST,
                            operation->nsp, sio_str(NULL, 0)) != SIO_OK
        || sio_adapter_request_encode(&a->message, &r) != SIO_OK)
    {
        ngx_http_socketio_stat(hub, NGX_HTTP_SOCKETIO_STAT_REDIS_DROPPED, 1);
        return;
    }

    ngx_http_socketio_publish(&a->publisher, sio_buf_str(&a->channel),
                              sio_buf_str(&a->message));
}


/* No host may put a socket where no rule may; the others are done. */

static void
ngx_http_socketio_request_operate(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    unsigned         i;
    sio_operation_t  operation;

    ngx_memzero(&operation, sizeof(sio_operation_t));

    operation.type = r->type == SIO_REQUEST_JOIN ? SIO_OPERATION_JOIN
                     : r->type == SIO_REQUEST_LEAVE ? SIO_OPERATION_LEAVE
                     : SIO_OPERATION_DISCONNECT;
    operation.nsp = nsp;
    operation.targets = r->broadcast.opts.rooms;
    operation.ntargets = r->broadcast.opts.nrooms;
    operation.except = r->broadcast.opts.except;
    operation.nexcept = r->broadcast.opts.nexcept;
    operation.close = r->close;
    operation.local = 1;
    operation.rooms = r->rooms;

    for (i = 0; i < r->nrooms; i++) {
        if (sio_room_name_valid(r->rooms[i])
            && !sio_room_reserved(r->rooms[i]))
        {
            r->rooms[operation.nrooms++] = r->rooms[i];
        }
    }

    sio_app_enter(&a->hub->app);

    (void) ngx_http_socketio_operate(a->hub, &operation, NULL, NULL);

    sio_app_leave(&a->hub->app);
}


/* Rooms, or sockets. */

static void
ngx_http_socketio_request_list(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    ngx_http_socketio_answer_due_t  *due;

    due = ngx_http_socketio_due_create(a, nsp, r);

    if (due) {
        ngx_http_socketio_due_fetch(due);
    }
}


static void
ngx_http_socketio_request_broadcast(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    ngx_msec_t                       timeout;
    ngx_http_socketio_hub_t         *hub;
    ngx_http_socketio_broadcast_t    b;
    ngx_http_socketio_answer_due_t  *due;

    hub = a->hub;

    due = ngx_http_socketio_due_create(a, nsp, r);
    if (due == NULL) {
        return;
    }

    timeout = r->broadcast.timeout ? r->broadcast.timeout
                                   : NGX_HTTP_SOCKETIO_ACK_DEFAULT;
    timeout -= ngx_min(timeout / 4, NGX_HTTP_SOCKETIO_ACK_EARLY);

    due->collect.done = ngx_http_socketio_due_collected;
    due->collect.data = due;

    if (ngx_http_socketio_collect_begin(hub, &due->collect, timeout)
        != NGX_OK)
    {
        ngx_http_socketio_due_free(due);
        return;
    }

    due->collecting = 1;

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = nsp;
    b.target.rooms = r->broadcast.opts.rooms;
    b.target.nrooms = r->broadcast.opts.nrooms;
    b.target.except = r->broadcast.opts.except;
    b.target.nexcept = r->broadcast.opts.nexcept;
    b.ack_id = due->collect.ack->id;
    b.local = 1;
    b.msg = ngx_http_socketio_event_msg(hub, nsp, r->broadcast.event,
                                        r->broadcast.args,
                                        r->broadcast.attachments.n
                                        ? &r->broadcast.attachments : NULL,
                                        b.ack_id);
    if (b.msg == NULL) {
        ngx_http_socketio_due_free(due);
        return;
    }

    sio_app_enter(&hub->app);

    (void) ngx_http_socketio_broadcast(hub, &b, &due->collect.matched,
                                       due->collect.expect);
    eio_msg_unref(&ngx_http_socketio_mem, b.msg);

    ngx_http_socketio_collect_start(&due->collect);

    sio_app_leave(&hub->app);
}


/* NULL: no memory, or too many. */

static ngx_http_socketio_answer_due_t *
ngx_http_socketio_due_create(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    size_t                           size;
    u_char                          *p;
    unsigned                         i, n, nrooms;
    const sio_str_t                 *rooms;
    const sio_mem_t                 *mem;
    ngx_http_socketio_answer_due_t  *due;

    if (a->ndue == NGX_HTTP_SOCKETIO_DUE_MAX) {
        return NULL;
    }

    /* older nodes ask by a list of rooms */

    rooms = r->type == SIO_REQUEST_SOCKETS ? r->rooms
                                           : r->broadcast.opts.rooms;
    nrooms = r->type == SIO_REQUEST_SOCKETS ? r->nrooms
                                            : r->broadcast.opts.nrooms;

    n = nrooms + r->broadcast.opts.nexcept;
    size = nsp.len + r->id.len;

    for (i = 0; i < n; i++) {
        size += i < nrooms ? rooms[i].len
                           : r->broadcast.opts.except[i - nrooms].len;
    }

    mem = &ngx_http_socketio_mem;

    due = sio_calloc(mem, sizeof(ngx_http_socketio_answer_due_t) + size);
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


static void
ngx_http_socketio_due_free(ngx_http_socketio_answer_due_t *due)
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
    sio_free(&ngx_http_socketio_mem, due->rooms);
    sio_free(&ngx_http_socketio_mem, due);
}


void
ngx_http_socketio_redis_request_cancel(ngx_http_socketio_adapter_t *a)
{
    while (a->due) {
        ngx_http_socketio_due_free(a->due);
    }
}


/*
 * Pages, one after the other.  Lists of rooms have three parts: rooms, those
 * of users, and those of sockets, which are their ids.
 */
static void
ngx_http_socketio_due_fetch(ngx_http_socketio_answer_due_t *due)
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
        f->done = ngx_http_socketio_due_fetched;
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
            ngx_http_socketio_due_answer(due);
            return;
        }

    } while (ngx_http_socketio_due_page(due));

    ngx_http_socketio_due_answer(due);
}


static void
ngx_http_socketio_due_fetched(ngx_http_socketio_fetch_t *f)
{
    ngx_http_socketio_hub_t         *hub;
    ngx_http_socketio_answer_due_t  *due;

    due = f->data;
    hub = f->hub;

    if (ngx_http_socketio_due_page(due)) {
        ngx_http_socketio_due_fetch(due);

    } else {
        ngx_http_socketio_due_answer(due);
    }

    ngx_http_socketio_hub_post(hub);
}


/* Take a page; whether there is another one to be asked for. */

static ngx_uint_t
ngx_http_socketio_due_page(ngx_http_socketio_answer_due_t *due)
{
    size_t                      len;
    ngx_uint_t                  i, parts;
    ngx_http_socketio_fetch_t  *f;

    f = &due->fetch;

    for (i = 0; i < f->n; i++) {

        if (!ngx_http_socketio_due_wanted(due, &f->items[i])) {
            continue;
        }

        len = due->json.len;

        if (ngx_http_socketio_due_item(due, &f->items[i]) != SIO_OK) {
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
ngx_http_socketio_due_wanted(ngx_http_socketio_answer_due_t *due,
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
            || ngx_http_socketio_due_user(item, name))
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
ngx_http_socketio_due_user(const ngx_http_socketio_fetched_t *item,
    sio_str_t room)
{
    return item->user.len
           && room.len == SIO_USER_ROOM_LEN + item->user.len
           && ngx_memcmp(room.data, SIO_USER_ROOM, SIO_USER_ROOM_LEN) == 0
           && ngx_memcmp(room.data + SIO_USER_ROOM_LEN, item->user.data,
                         item->user.len) == 0;
}


static int
ngx_http_socketio_due_item(ngx_http_socketio_answer_due_t *due,
    const ngx_http_socketio_fetched_t *item)
{
    int  rc;

    rc = sio_buf_append_char(&due->json, due->any ? ',' : '[');

    if (rc != SIO_OK) {
        return rc;
    }

    return due->type == SIO_REQUEST_FETCH
           ? ngx_http_socketio_due_socket(&due->json, item)
           : sio_json_quote(&due->json, item->key);
}


/*
 * What Node's RemoteSocket is made of.  The handshake was another worker's,
 * long ago; data has the user.
 */
static int
ngx_http_socketio_due_socket(sio_buf_t *buf,
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
ngx_http_socketio_due_answer(ngx_http_socketio_answer_due_t *due)
{
    int                           rc;
    ngx_http_socketio_adapter_t  *a;

    a = due->adapter;

    rc = due->any ? SIO_OK : sio_buf_append_char(&due->json, '[');

    if (rc == SIO_OK) {
        rc = sio_buf_append_char(&due->json, ']');
    }

    sio_buf_reset(&a->message);

    if (rc == SIO_OK) {
        rc = sio_adapter_response_encode(&a->message, due->id, -1,
                               due->type == SIO_REQUEST_ALL_ROOMS
                               ? "rooms" : "sockets",
                               sio_buf_str(&due->json));
    }

    if (rc == SIO_OK) {
        ngx_http_socketio_request_reply(a, due->nsp);
    }

    ngx_http_socketio_due_free(due);
}


/* How many clients there were, and the first value of each one's ack. */

static void
ngx_http_socketio_due_collected(ngx_http_socketio_collect_t *c)
{
    size_t                           len;
    sio_str_t                        answer, args, value;
    sio_json_iter_t                  it;
    u_char                           text[NGX_INT64_LEN];
    ngx_http_socketio_adapter_t     *a;
    ngx_http_socketio_answer_due_t  *due;

    due = c->data;
    a = due->adapter;
    due->collecting = 0;

    len = ngx_sprintf(text, "%ui", c->nanswers + c->ack->missing) - text;

    sio_buf_reset(&a->message);

    if (sio_adapter_response_encode(&a->message, due->id,
                                    SIO_RESPONSE_CLIENT_COUNT, "clientCount",
                                    sio_str(text, len))
        == SIO_OK)
    {
        ngx_http_socketio_request_reply(a, due->nsp);
    }

    it.pos = c->answers.data;
    it.end = c->answers.data + c->answers.len;

    while (c->answers.len && sio_json_array_next(&it, &answer) == SIO_OK) {

        args = sio_event_args(answer);
        value = sio_str(NULL, 0);
        (void) sio_event_shift(&args, &value);

        sio_buf_reset(&a->message);

        if (sio_adapter_ack_encode(&a->message, due->id, value, NULL)
            == SIO_OK)
        {
            ngx_http_socketio_request_reply(a, due->nsp);
        }
    }

    ngx_http_socketio_collect_free(c);
    ngx_http_socketio_due_free(due);
}


/* a->message, to whoever asked: on the channel of all. */

static void
ngx_http_socketio_request_reply(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp)
{
    sio_buf_reset(&a->channel);

    if (sio_adapter_channel(&a->channel, a->prefix, SIO_CHANNEL_RESPONSE, nsp,
                            sio_str(NULL, 0))
        == SIO_OK)
    {
        ngx_http_socketio_publish(&a->publisher, sio_buf_str(&a->channel),
                                  sio_buf_str(&a->message));
    }
}
