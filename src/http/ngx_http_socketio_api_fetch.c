/*
 * GET rooms, rooms/NAME, users/ID, sockets/ID: what all workers know, of this
 * host and of the others.
 *
 * The query is checked as strictly as a body; then the workers are asked, and
 * when they have answered, or time is up, the request is.
 */


#include "http/ngx_http_socketio_api_wait.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_presence.h"
#include "codec/sio_date.h"


#define NGX_HTTP_SOCKETIO_API_PAGE   100     /* items, by default */


/*
 * An argument of the query: its name, the questions that have it (a mask),
 * and what takes its value.  Returns why that will not do, or NULL.
 */

typedef const char *(*ngx_http_socketio_api_arg_pt)(
    ngx_http_socketio_fetch_t *f, sio_str_t value);

typedef struct {
    sio_str_t                     name;
    ngx_uint_t                    questions;
    ngx_http_socketio_api_arg_pt  take;
} ngx_http_socketio_api_arg_t;


static ngx_int_t ngx_http_socketio_api_question(ngx_http_request_t *r,
    ngx_http_socketio_fetch_t *f, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_query(ngx_http_request_t *r,
    ngx_http_socketio_fetch_t *f, ngx_int_t *answer);
static const char *ngx_http_socketio_api_query_arg(
    ngx_http_socketio_fetch_t *f, sio_str_t name, sio_str_t value,
    ngx_uint_t *seen);
static const char *ngx_http_socketio_api_arg_namespace(
    ngx_http_socketio_fetch_t *f, sio_str_t value);
static const char *ngx_http_socketio_api_arg_limit(
    ngx_http_socketio_fetch_t *f, sio_str_t value);
static const char *ngx_http_socketio_api_arg_after(
    ngx_http_socketio_fetch_t *f, sio_str_t value);
static const char *ngx_http_socketio_api_arg_prefix(
    ngx_http_socketio_fetch_t *f, sio_str_t value);
static const char *ngx_http_socketio_api_arg_local(
    ngx_http_socketio_fetch_t *f, sio_str_t value);
static const char *ngx_http_socketio_api_name(sio_str_t value);
static void ngx_http_socketio_api_mute(ngx_http_socketio_json_t *json,
    const sio_buf_t *hosts);
static ngx_int_t ngx_http_socketio_api_invalid(ngx_http_request_t *r,
    const char *error, sio_str_t path);
static ngx_int_t ngx_http_socketio_api_fetch_answer(
    ngx_http_socketio_api_wait_t *get);
static void ngx_http_socketio_api_rooms(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_room(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_user(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_last_seen(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_socket(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);
static void ngx_http_socketio_api_its(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetched_t *item);
static void ngx_http_socketio_api_string_or_null(
    ngx_http_socketio_json_t *json, sio_str_t s);
static void ngx_http_socketio_api_next(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f);


#define NGX_HTTP_SOCKETIO_API_ROOMS   (1 << NGX_HTTP_SOCKETIO_FETCH_ROOMS)
#define NGX_HTTP_SOCKETIO_API_LISTS   (NGX_HTTP_SOCKETIO_API_ROOMS            \
                                    | 1 << NGX_HTTP_SOCKETIO_FETCH_ROOM       \
                                    | 1 << NGX_HTTP_SOCKETIO_FETCH_USER)
#define NGX_HTTP_SOCKETIO_API_ALL     (NGX_HTTP_SOCKETIO_API_LISTS            \
                                    | 1 << NGX_HTTP_SOCKETIO_FETCH_SOCKET)


static const ngx_http_socketio_api_arg_t  ngx_http_socketio_api_args[] = {
    { sio_string("namespace"), NGX_HTTP_SOCKETIO_API_ALL,
      ngx_http_socketio_api_arg_namespace },
    { sio_string("limit"), NGX_HTTP_SOCKETIO_API_LISTS,
      ngx_http_socketio_api_arg_limit },
    { sio_string("after"), NGX_HTTP_SOCKETIO_API_LISTS,
      ngx_http_socketio_api_arg_after },
    { sio_string("prefix"), NGX_HTTP_SOCKETIO_API_ROOMS,
      ngx_http_socketio_api_arg_prefix },
    { sio_string("local"), NGX_HTTP_SOCKETIO_API_ALL,
      ngx_http_socketio_api_arg_local },
    { sio_null_string, 0, NULL }
};


static void (*const ngx_http_socketio_api_writers[])(
    ngx_http_socketio_json_t *json, ngx_http_socketio_fetch_t *f) =
{
    [NGX_HTTP_SOCKETIO_FETCH_ROOMS] = ngx_http_socketio_api_rooms,
    [NGX_HTTP_SOCKETIO_FETCH_ROOM] = ngx_http_socketio_api_room,
    [NGX_HTTP_SOCKETIO_FETCH_USER] = ngx_http_socketio_api_user,
    [NGX_HTTP_SOCKETIO_FETCH_SOCKET] = ngx_http_socketio_api_socket
};


ngx_int_t
ngx_http_socketio_api_fetch(ngx_http_request_t *r)
{
    ngx_int_t                      answer;
    ngx_http_socketio_api_wait_t  *get;

    get = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_api_wait_t));

    if (get == NULL
        || ngx_http_socketio_api_wait_init(r, get,
                                           ngx_http_socketio_api_fetch_answer)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_socketio_api_question(r, &get->fetch, &answer)
        != NGX_OK)
    {
        return answer;
    }

    switch (ngx_http_socketio_api_wait_fetch(get)) {

    case NGX_OK:
        return ngx_http_socketio_api_fetch_answer(get);

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_ABORT:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_DECLINED:
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                            "unavailable", "too many requests wait", "");

    default: /* NGX_ERROR */
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                            "unavailable", "the zone is full, try again", "");
    }
}


/* NGX_DECLINED: *answer finalizes the request. */

static ngx_int_t
ngx_http_socketio_api_question(ngx_http_request_t *r,
    ngx_http_socketio_fetch_t *f, ngx_int_t *answer)
{
    size_t                         max;
    const char                    *error, *path;
    ngx_http_socketio_hub_t       *hub;
    ngx_http_socketio_api_ctx_t   *ctx;
    ngx_http_socketio_question_t  *q;

    q = &f->question;
    f->hosts = 1;

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);
    hub = ngx_http_socketio_api_hub(r);

    q->type = ctx->call->data;
    q->limit = NGX_HTTP_SOCKETIO_API_PAGE;

    if (ctx->call->named) {
        q->name = ctx->name;

        max = (q->type == NGX_HTTP_SOCKETIO_FETCH_USER)
              ? SIO_ROOM_MAX - SIO_USER_ROOM_LEN : SIO_ROOM_MAX;

        error = q->name.len > max ? "is too long"
                                  : ngx_http_socketio_api_name(q->name);

        if (error) {
            *answer = ngx_http_socketio_api_invalid(r, error,
                                                  sio_cstr(ctx->call->named));
            return NGX_DECLINED;
        }
    }

    if (q->type <= NGX_HTTP_SOCKETIO_FETCH_ROOM) {
        q->nsp = sio_cstr("/");
    }

    if (ngx_http_socketio_api_query(r, f, answer) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_socketio_api_permits(r, q->nsp, sio_str(NULL, 0), &path,
                                      &error)
        != NGX_OK)
    {
        *answer = ngx_http_socketio_json_refuse(r, NGX_HTTP_FORBIDDEN,
                                                "forbidden", error, path);
        return NGX_DECLINED;
    }

    if (q->nsp.len && ngx_http_socketio_namespace(hub->conf, q->nsp) == NULL) {
        *answer = ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_FOUND,
                                                "not_found",
                                                "unknown namespace",
                                                "namespace");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_socketio_api_query(ngx_http_request_t *r,
    ngx_http_socketio_fetch_t *f, ngx_int_t *answer)
{
    u_char      *pos;
    ngx_int_t    rc;
    sio_str_t    name, value;
    const char  *error;
    ngx_uint_t   seen;

    pos = r->args.data;
    seen = 0;

    for ( ;; ) {
        rc = ngx_http_socketio_api_arg(r, &pos, &name, &value);

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            *answer = NGX_HTTP_INTERNAL_SERVER_ERROR;
            return NGX_DECLINED;
        }

        error = ngx_http_socketio_api_query_arg(f, name, value, &seen);

        if (error) {
            *answer = ngx_http_socketio_api_invalid(r, error, name);
            return NGX_DECLINED;
        }
    }
}


static const char *
ngx_http_socketio_api_query_arg(ngx_http_socketio_fetch_t *f,
    sio_str_t name, sio_str_t value, ngx_uint_t *seen)
{
    ngx_uint_t                          i;
    const ngx_http_socketio_api_arg_t  *arg;

    for (i = 0; ngx_http_socketio_api_args[i].name.len; i++) {
        arg = &ngx_http_socketio_api_args[i];

        if (!(arg->questions & (1 << f->question.type))
            || !sio_str_eq(arg->name, name))
        {
            continue;
        }

        if (*seen & (1 << i)) {
            return "is given twice";
        }

        *seen |= 1 << i;

        return arg->take(f, value);
    }

    return "is unknown";
}


static const char *
ngx_http_socketio_api_arg_namespace(ngx_http_socketio_fetch_t *f,
    sio_str_t value)
{
    f->question.nsp = value;

    return value.len && value.data[0] == '/'
           && sio_name_valid(value, SIO_ROOM_MAX)
           ? NULL : "is not a namespace";
}


static const char *
ngx_http_socketio_api_arg_limit(ngx_http_socketio_fetch_t *f,
    sio_str_t value)
{
    ngx_int_t  n;

    n = ngx_atoi((u_char *) value.data, value.len);

    if (n < 1 || n > NGX_HTTP_SOCKETIO_FETCH_LIMIT) {
        return "must be 1 to 1000";
    }

    f->question.limit = n;

    return NULL;
}


static const char *
ngx_http_socketio_api_arg_after(ngx_http_socketio_fetch_t *f,
    sio_str_t value)
{
    f->question.after = value;

    return ngx_http_socketio_api_name(value);
}


static const char *
ngx_http_socketio_api_arg_prefix(ngx_http_socketio_fetch_t *f,
    sio_str_t value)
{
    f->question.prefix = value;

    return ngx_http_socketio_api_name(value);
}


static const char *
ngx_http_socketio_api_arg_local(ngx_http_socketio_fetch_t *f,
    sio_str_t value)
{
    f->hosts = sio_str_eq(value, sio_cstr("0"))
               || sio_str_eq(value, sio_cstr("false"));

    return f->hosts || sio_str_eq(value, sio_cstr("1"))
           || sio_str_eq(value, sio_cstr("true"))
           ? NULL : "must be true or false";
}


static const char *
ngx_http_socketio_api_name(sio_str_t value)
{
    if (value.len == 0) {
        return "must not be empty";
    }

    if (value.len > SIO_ROOM_MAX) {
        return "is too long";
    }

    return sio_room_name_valid(value) ? NULL
           : "is not text, or has a control character";
}


static ngx_int_t
ngx_http_socketio_api_invalid(ngx_http_request_t *r, const char *error,
    sio_str_t path)
{
    u_char  shown[SIO_BODY_PATH_MAX];

    *ngx_snprintf(shown, sizeof(shown) - 1, "%*s", path.len, path.data) = '\0';

    return ngx_http_socketio_json_refuse(r, NGX_HTTP_BAD_REQUEST, "invalid",
                                         error, (char *) shown);
}


/* The ids of hosts, as their status has them. */

static void
ngx_http_socketio_api_mute(ngx_http_socketio_json_t *json,
    const sio_buf_t *hosts)
{
    size_t    i;
    u_char    text[24];
    uint64_t  host;

    ngx_http_socketio_json_text(json, ",\"silent_hosts\":[");

    for (i = 0; i < hosts->len; i += sizeof(uint64_t)) {
        ngx_memcpy(&host, hosts->data + i, sizeof(uint64_t));

        *ngx_sprintf(text, "%s\"%016xL\"", i ? "," : "", host) = '\0';
        ngx_http_socketio_json_text(json, (char *) text);
    }

    ngx_http_socketio_json_text(json, "]");
}


static ngx_int_t
ngx_http_socketio_api_fetch_answer(ngx_http_socketio_api_wait_t *get)
{
    ngx_http_socketio_json_t    json;
    ngx_http_socketio_fetch_t  *f;

    f = &get->fetch;

    if (f->question.type == NGX_HTTP_SOCKETIO_FETCH_SOCKET && f->n == 0) {

        if (f->partial) {
            return ngx_http_socketio_json_refuse(get->request,
                                        NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "unavailable",
                                        f->away || f->silent
                                        ? "a host does not answer"
                                        : "a worker does not answer", "");
        }

        return ngx_http_socketio_json_refuse(get->request, NGX_HTTP_NOT_FOUND,
                                        "not_found", "no such socket",
                                        "socket");
    }

    ngx_http_socketio_json_init(&json, get->request);
    ngx_http_socketio_json_text(&json, "{\"ok\":true");

    ngx_http_socketio_api_writers[f->question.type](&json, f);

    if (f->partial) {
        ngx_http_socketio_json_text(&json, ",\"partial\":true");
    }

    if (f->away) {
        ngx_http_socketio_json_text(&json, ",\"silent\":null");

    } else if (f->silent) {
        ngx_http_socketio_json_member(&json, "silent", f->silent);
        ngx_http_socketio_api_mute(&json, &f->mute);
    }

    ngx_http_socketio_json_text(&json, "}");

    return ngx_http_socketio_json_send(&json, NGX_HTTP_OK);
}


static void
ngx_http_socketio_api_rooms(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    ngx_uint_t  i;

    ngx_http_socketio_json_text(json, ",\"rooms\":[");

    for (i = 0; i < f->n; i++) {
        ngx_http_socketio_json_text(json, i ? ",{\"room\":" : "{\"room\":");
        ngx_http_socketio_json_string(json, f->items[i].key);
        ngx_http_socketio_json_member(json, "sockets", f->items[i].count);
        ngx_http_socketio_json_text(json, "}");
    }

    ngx_http_socketio_json_text(json, "]");
    ngx_http_socketio_api_next(json, f);
}


static void
ngx_http_socketio_api_room(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    ngx_uint_t  i;

    ngx_http_socketio_json_text(json, ",\"room\":");
    ngx_http_socketio_json_string(json, f->question.name);
    ngx_http_socketio_json_member(json, "sockets", f->sockets);
    ngx_http_socketio_json_member(json, "users", f->users);

    if (f->estimated) {
        ngx_http_socketio_json_text(json, ",\"estimated\":true");
    }

    ngx_http_socketio_json_text(json, ",\"members\":[");

    for (i = 0; i < f->n; i++) {
        ngx_http_socketio_json_text(json,
                                    i ? ",{\"socket\":" : "{\"socket\":");
        ngx_http_socketio_json_string(json, f->items[i].key);
        ngx_http_socketio_json_text(json, ",\"user\":");
        ngx_http_socketio_api_string_or_null(json, f->items[i].user);
        ngx_http_socketio_json_text(json, "}");
    }

    ngx_http_socketio_json_text(json, "]");
    ngx_http_socketio_api_next(json, f);
}


static void
ngx_http_socketio_api_user(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    ngx_uint_t  i;

    ngx_http_socketio_json_text(json, ",\"user\":");
    ngx_http_socketio_json_string(json, f->question.name);
    ngx_http_socketio_json_text(json, ",\"online\":");
    ngx_http_socketio_json_text(json, f->sockets ? "true" : "false");
    ngx_http_socketio_json_text(json, ",\"sockets\":[");

    for (i = 0; i < f->n; i++) {
        ngx_http_socketio_json_text(json, i ? ",{" : "{");
        ngx_http_socketio_api_its(json, &f->items[i]);
        ngx_http_socketio_json_text(json, "}");
    }

    ngx_http_socketio_json_text(json, "],\"lastSeen\":");
    ngx_http_socketio_api_last_seen(json, f);
    ngx_http_socketio_api_next(json, f);
}


/* In the namespace asked for, or in any that the configuration names. */

static void
ngx_http_socketio_api_last_seen(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    uint8_t                          date[SIO_DATE_LEN];
    uint64_t                         msec, last;
    ngx_uint_t                       i;
    ngx_http_socketio_app_t         *app;
    ngx_http_socketio_question_t    *q;
    ngx_http_socketio_namespace_t  **nsp;

    q = &f->question;
    app = f->hub->conf;
    nsp = app->namespaces.elts;
    last = 0;

    if (q->nsp.len
        && ngx_http_socketio_presence_last_seen(f->hub, q->nsp, q->name,
                                                &msec)
           == NGX_OK)
    {
        last = msec;
    }

    for (i = 0; q->nsp.len == 0 && i < app->namespaces.nelts; i++) {

        if (nsp[i]->regex == NULL
            && ngx_http_socketio_presence_last_seen(f->hub, nsp[i]->name,
                                                    q->name, &msec)
               == NGX_OK)
        {
            last = ngx_max(last, msec);
        }
    }

    if (last == 0) {
        ngx_http_socketio_json_text(json, "null");
        return;
    }

    sio_date_write(date, (int64_t) last);
    ngx_http_socketio_json_string(json, sio_str(date, SIO_DATE_LEN));
}


static void
ngx_http_socketio_api_socket(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    ngx_http_socketio_json_text(json, ",");
    ngx_http_socketio_api_its(json, &f->items[0]);
    ngx_http_socketio_json_text(json, ",\"user\":");
    ngx_http_socketio_api_string_or_null(json, f->items[0].user);
}


/* The members that describe a socket. */

static void
ngx_http_socketio_api_its(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetched_t *item)
{
    uint32_t    i;
    sio_wire_t  rooms;

    ngx_http_socketio_json_text(json, "\"id\":");
    ngx_http_socketio_json_string(json, item->key);
    ngx_http_socketio_json_text(json, ",\"namespace\":");
    ngx_http_socketio_json_string(json, item->nsp);
    ngx_http_socketio_json_text(json, ",\"transport\":");
    ngx_http_socketio_json_text(json,
                       item->transport == NGX_HTTP_SOCKETIO_FETCH_UNKNOWN
                       ? "null" : item->transport == EIO_POLLING
                       ? "\"polling\"" : "\"websocket\"");
    ngx_http_socketio_json_text(json, ",\"rooms\":[");

    rooms = item->rooms;

    for (i = 0; i < item->nrooms; i++) {

        if (i) {
            ngx_http_socketio_json_text(json, ",");
        }

        ngx_http_socketio_json_string(json, sio_wire_get_str(&rooms));
    }

    ngx_http_socketio_json_text(json, "]");
}


static void
ngx_http_socketio_api_string_or_null(ngx_http_socketio_json_t *json,
    sio_str_t s)
{
    if (s.len) {
        ngx_http_socketio_json_string(json, s);

    } else {
        ngx_http_socketio_json_text(json, "null");
    }
}


/* What "after" of the next question is, or null: the list ends here. */

static void
ngx_http_socketio_api_next(ngx_http_socketio_json_t *json,
    ngx_http_socketio_fetch_t *f)
{
    sio_str_t  next;

    next = sio_str(NULL, 0);

    if (f->more && f->n) {
        next = f->items[f->n - 1].key;
    }

    ngx_http_socketio_json_text(json, ",\"next\":");
    ngx_http_socketio_api_string_or_null(json, next);
}
