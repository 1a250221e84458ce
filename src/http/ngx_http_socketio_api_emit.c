/*
 * POST emit: one emit or a batch of them.
 *
 * The whole body is checked before anything is sent.  Then its emits are sent
 * in order; the answer is given at once, or, if acks were asked for, when
 * these are collected.  A client that goes away ends the waiting.
 *
 * An emit of a batch can still fail after others were sent: its rule refuses,
 * or the zone is full.  The answer then tells for each what became of it, so
 * that only what failed is posted again.
 */


#include "http/ngx_http_socketio_api_wait.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_dispatch.h"


typedef struct ngx_http_socketio_api_emit_s  ngx_http_socketio_api_emit_t;


/* What became of one emit. */

typedef struct {
    ngx_http_socketio_api_emit_t  *emit;
    ngx_http_socketio_collect_t   *collect;  /* NULL: no ack was asked for */
    ngx_http_socketio_emitted_t    sent;
    ngx_int_t                      rc;       /* of ngx_http_socketio_emit() */
    sio_buf_t                      missing;  /* JSON strings and commas, */
    sio_buf_t                      rejected; /* both */
    unsigned                       waiting:1;
} ngx_http_socketio_api_result_t;


struct ngx_http_socketio_api_emit_s {
    ngx_http_request_t              *request;
    ngx_http_socketio_hub_t         *hub;
    sio_mem_t                        mem;
    sio_emit_body_t                  body;
    ngx_http_socketio_api_result_t  *results;
    ngx_uint_t                       waiting;   /* results that do */
    ngx_event_t                      guard;
    unsigned                         sending:1;
};


static ngx_int_t ngx_http_socketio_api_check(
    ngx_http_socketio_api_emit_t *emit, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_wrong(ngx_http_request_t *r,
    ngx_int_t rc, const char *error, const char *path);
static ngx_int_t ngx_http_socketio_api_send(
    ngx_http_socketio_api_emit_t *emit);
static ngx_int_t ngx_http_socketio_api_send_one(
    ngx_http_socketio_api_emit_t *emit, ngx_uint_t i);
static ngx_int_t ngx_http_socketio_api_wait(
    ngx_http_socketio_api_emit_t *emit);
static void ngx_http_socketio_api_acked(ngx_http_socketio_collect_t *c);
static void ngx_http_socketio_api_expire(ngx_event_t *ev);
static void ngx_http_socketio_api_cleanup(void *data);
static ngx_int_t ngx_http_socketio_api_answer(
    ngx_http_socketio_api_emit_t *emit);
static void ngx_http_socketio_api_result(ngx_http_socketio_json_t *json,
    ngx_http_socketio_api_result_t *result);
static ngx_uint_t ngx_http_socketio_api_failure(
    ngx_http_socketio_api_result_t *result, const char **code);


ngx_int_t
ngx_http_socketio_api_emit(ngx_http_request_t *r)
{
    int                            rc;
    ngx_int_t                      answer;
    sio_str_t                      text;
    ngx_http_cleanup_t            *cln;
    ngx_http_socketio_hub_t       *hub;
    ngx_http_socketio_api_ctx_t   *ctx;
    ngx_http_socketio_api_emit_t  *emit;

    hub = ngx_http_socketio_api_hub(r);

    emit = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_api_emit_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (emit == NULL || cln == NULL
        || ngx_http_socketio_api_text(r, &text) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    emit->request = r;
    emit->hub = hub;

    ngx_http_socketio_pool_mem(&emit->mem, r->pool);
    sio_emit_init(&emit->body, &emit->mem);

    cln->handler = ngx_http_socketio_api_cleanup;
    cln->data = emit;

    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);
    ctx->data = emit;

    rc = sio_emit_parse(&emit->body, text, &hub->conf->limits.packet.json);

    if (rc == SIO_ERROR) {
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_BAD_REQUEST,
                                             "invalid", emit->body.read.error,
                                             emit->body.read.path);
    }

    if (rc != SIO_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_socketio_api_check(emit, &answer) != NGX_OK) {
        return answer;
    }

    return ngx_http_socketio_api_send(emit);
}


/* NGX_DECLINED: *answer finalizes the request. */

static ngx_int_t
ngx_http_socketio_api_check(ngx_http_socketio_api_emit_t *emit,
    ngx_int_t *answer)
{
    char         where[SIO_EMIT_PATH_MAX];
    ngx_int_t    rc;
    const char  *path, *error;
    ngx_uint_t   i;

    for (i = 0; i < emit->body.nemits; i++) {

        rc = ngx_http_socketio_emit_check(emit->hub, &emit->body.emits[i],
                                          &path, &error);
        if (rc == NGX_OK) {
            rc = ngx_http_socketio_api_permits(emit->request,
                                               emit->body.emits[i].nsp,
                                               emit->body.emits[i].event,
                                               &path, &error);
            if (rc == NGX_OK) {
                continue;
            }

            rc = NGX_ABORT;
        }

        if (emit->body.read.batch) {
            *ngx_snprintf((u_char *) where, sizeof(where) - 1, "[%ui].%s", i,
                          path) = '\0';
            path = where;
        }

        *answer = ngx_http_socketio_api_wrong(emit->request, rc, error, path);

        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Of one emit: unknown, not permitted (NGX_ABORT), or wrong. */

static ngx_int_t
ngx_http_socketio_api_wrong(ngx_http_request_t *r, ngx_int_t rc,
    const char *error, const char *path)
{
    switch (rc) {

    case NGX_DECLINED:
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_FOUND,
                                             "not_found", error, path);

    case NGX_ABORT:
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_FORBIDDEN,
                                             "forbidden", error, path);

    default:
        return ngx_http_socketio_json_refuse(r, NGX_HTTP_BAD_REQUEST,
                                             "invalid", error, path);
    }
}


static ngx_int_t
ngx_http_socketio_api_send(ngx_http_socketio_api_emit_t *emit)
{
    ngx_uint_t  i, n;

    n = emit->body.nemits;

    emit->results = ngx_pcalloc(emit->request->pool,
                     ngx_max(n, 1) * sizeof(ngx_http_socketio_api_result_t));
    if (emit->results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* acks can be complete at once: nothing is answered before the end */

    emit->sending = 1;

    for (i = 0; i < n; i++) {
        if (ngx_http_socketio_api_send_one(emit, i) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    emit->sending = 0;

    if (emit->waiting) {
        return ngx_http_socketio_api_wait(emit);
    }

    return ngx_http_socketio_api_answer(emit);
}


static ngx_int_t
ngx_http_socketio_api_send_one(ngx_http_socketio_api_emit_t *emit,
    ngx_uint_t i)
{
    size_t                           len;
    char                            *copy;
    int64_t                          id;
    const sio_emit_t                *e;
    ngx_http_socketio_collect_t     *c;
    ngx_http_socketio_api_result_t  *result;

    e = &emit->body.emits[i];
    result = &emit->results[i];
    result->emit = emit;

    sio_buf_init(&result->missing, &emit->mem, SIZE_MAX);
    sio_buf_init(&result->rejected, &emit->mem, SIZE_MAX);
    result->sent.rejected = &result->rejected;

    c = NULL;
    id = SIO_NO_ID;

    if (e->ack_msec) {
        c = ngx_pcalloc(emit->request->pool,
                        sizeof(ngx_http_socketio_collect_t));
        if (c == NULL) {
            return NGX_ERROR;
        }

        c->done = ngx_http_socketio_api_acked;
        c->data = result;

        if (ngx_http_socketio_collect_begin(emit->hub, c, e->ack_msec)
            != NGX_OK)
        {
            result->rc = NGX_ERROR;
            result->sent.error = "too many requests wait for acks";
            return NGX_OK;
        }

        id = c->ack->id;

        result->collect = c;
        result->waiting = 1;
        emit->waiting++;
    }

    result->rc = ngx_http_socketio_emit(emit->hub, e, id,
                                        c ? c->expect : NULL, &result->sent);

    if (result->rc == NGX_OK) {
        if (c) {
            ngx_http_socketio_collect_start(c);
        }

        return NGX_OK;
    }

    if (c) {
        ngx_http_socketio_collect_cancel(c);
        result->collect = NULL;
        result->waiting = 0;
        emit->waiting--;
    }

    /* the next emit may overwrite the text */

    len = ngx_strlen(result->sent.error);

    copy = ngx_pnalloc(emit->request->pool, len + 1);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, result->sent.error, len + 1);
    result->sent.error = copy;

    return NGX_OK;
}


/*
 * The collections have their own deadlines, on a timer that a worker in
 * shutdown does not wait for.
 */

static ngx_int_t
ngx_http_socketio_api_wait(ngx_http_socketio_api_emit_t *emit)
{
    ngx_uint_t  i;
    ngx_msec_t  longest;

    longest = 0;

    for (i = 0; i < emit->body.nemits; i++) {
        longest = ngx_max(longest, emit->body.emits[i].ack_msec);
    }

    emit->request->connection->log->action = "waiting for acks";

    return ngx_http_socketio_api_park(emit->request, &emit->guard,
                                      ngx_http_socketio_api_expire,
                                      longest + NGX_HTTP_SOCKETIO_API_GUARD);
}


/* Sockets that have not answered are named. */

static void
ngx_http_socketio_api_acked(ngx_http_socketio_collect_t *c)
{
    size_t                           i;
    sio_buf_t                       *buf;
    ngx_http_socketio_api_emit_t    *emit;
    ngx_http_socketio_api_result_t  *result;

    result = c->data;
    emit = result->emit;
    buf = &result->missing;

    for (i = 0; i < c->missing.len; i += EIO_SID_LEN) {

        /* socket ids are base64url: nothing in them is to be escaped */

        if ((i && sio_buf_append_char(buf, ',') != SIO_OK)
            || sio_buf_append_char(buf, '"') != SIO_OK
            || sio_buf_append(buf, c->missing.data + i, EIO_SID_LEN) != SIO_OK
            || sio_buf_append_char(buf, '"') != SIO_OK)
        {
            c->torn = 1;
            break;
        }
    }

    result->waiting = 0;
    emit->waiting--;

    if (emit->waiting == 0 && !emit->sending) {
        ngx_http_socketio_api_resume(emit->request, &emit->guard,
                                     ngx_http_socketio_api_answer(emit));
    }
}


/* The deadlines passed and nobody told: answer with what there is. */

static void
ngx_http_socketio_api_expire(ngx_event_t *ev)
{
    ngx_uint_t                       i;
    ngx_connection_t                *c;
    ngx_http_request_t              *r;
    ngx_http_socketio_api_ctx_t     *ctx;
    ngx_http_socketio_api_emit_t    *emit;
    ngx_http_socketio_api_result_t  *result;

    c = ev->data;
    r = c->data;
    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);
    emit = ctx->data;

    emit->sending = 1;

    for (i = 0; i < emit->body.nemits; i++) {
        result = &emit->results[i];

        if (result->waiting) {
            ngx_http_socketio_collect_expire(result->collect);
        }
    }

    ngx_http_socketio_api_resume(emit->request, &emit->guard,
                                 ngx_http_socketio_api_answer(emit));
}


static void
ngx_http_socketio_api_cleanup(void *data)
{
    ngx_http_socketio_api_emit_t  *emit = data;

    ngx_uint_t                       i;
    ngx_http_socketio_api_result_t  *result;

    if (emit->guard.timer_set) {
        ngx_del_timer(&emit->guard);
    }

    if (emit->results == NULL) {
        return;
    }

    for (i = 0; i < emit->body.nemits; i++) {
        result = &emit->results[i];

        if (result->waiting) {
            ngx_http_socketio_collect_cancel(result->collect);

        } else if (result->collect) {
            ngx_http_socketio_collect_free(result->collect);
        }
    }
}


static ngx_int_t
ngx_http_socketio_api_answer(ngx_http_socketio_api_emit_t *emit)
{
    char                       path[NGX_INT_T_LEN + sizeof("[]")];
    uint64_t                   matched, queued;
    const char                *code;
    ngx_uint_t                 i, status;
    ngx_http_socketio_json_t   json;

    status = NGX_HTTP_OK;
    code = NULL;
    matched = 0;
    queued = 0;

    for (i = 0; i < emit->body.nemits; i++) {
        matched += emit->results[i].sent.matched;
        queued += emit->results[i].sent.queued;
    }

    for (i = 0; i < emit->body.nemits && status == NGX_HTTP_OK; i++) {
        status = ngx_http_socketio_api_failure(&emit->results[i], &code);
    }

    ngx_http_socketio_json_init(&json, emit->request);

    if (status == NGX_HTTP_OK) {
        ngx_http_socketio_json_text(&json, "{\"ok\":true");

    } else {
        i--;
        path[0] = '\0';

        if (emit->body.read.batch) {
            *ngx_sprintf((u_char *) path, "[%ui]", i) = '\0';
        }

        ngx_http_socketio_json_text(&json, "{\"ok\":false,\"error\":");
        ngx_http_socketio_json_error(&json, code,
                                     emit->results[i].sent.error, path);
    }

    if (emit->body.read.batch) {
        ngx_http_socketio_json_member(&json, "matched", matched);
        ngx_http_socketio_json_member(&json, "queued", queued);
        ngx_http_socketio_json_text(&json, ",\"results\":[");

        for (i = 0; i < emit->body.nemits; i++) {
            ngx_http_socketio_json_text(&json, i ? ",{" : "{");
            ngx_http_socketio_api_result(&json, &emit->results[i]);
            ngx_http_socketio_json_text(&json, "}");
        }

        ngx_http_socketio_json_text(&json, "]");

    } else if (status == NGX_HTTP_OK) {
        ngx_http_socketio_json_text(&json, ",");
        ngx_http_socketio_api_result(&json, &emit->results[0]);
    }

    ngx_http_socketio_json_text(&json, "}");

    return ngx_http_socketio_json_send(&json, status);
}


/* The members that tell what became of an emit. */

static void
ngx_http_socketio_api_result(ngx_http_socketio_json_t *json,
    ngx_http_socketio_api_result_t *result)
{
    const char                   *code;
    ngx_http_socketio_collect_t  *c;

    if (result->rc != NGX_OK) {
        (void) ngx_http_socketio_api_failure(result, &code);
        ngx_http_socketio_json_text(json, "\"error\":");
        ngx_http_socketio_json_error(json, code, result->sent.error, "");
        return;
    }

    c = result->collect;

    if (c == NULL) {
        ngx_http_socketio_json_text(json, "\"matched\":");
        ngx_http_socketio_json_uint(json, result->sent.matched);
        ngx_http_socketio_json_member(json, "queued", result->sent.queued);

        if (result->rejected.len) {
            ngx_http_socketio_json_text(json, ",\"rejected\":[");
            ngx_http_socketio_json_bytes(json, sio_buf_str(&result->rejected));
            ngx_http_socketio_json_text(json, "]");
        }

        if (result->sent.duplicate) {
            ngx_http_socketio_json_text(json, ",\"duplicate\":true");
        }

        return;
    }

    if (c->torn) {
        json->failed = 1;
    }

    ngx_http_socketio_json_text(json, "\"acks\":[");
    ngx_http_socketio_json_bytes(json, sio_buf_str(&c->answers));
    ngx_http_socketio_json_text(json, "],\"missing\":[");
    ngx_http_socketio_json_bytes(json, sio_buf_str(&result->missing));
    ngx_http_socketio_json_text(json, "]");

    if (c->asked) {
        ngx_http_socketio_json_text(json, ",\"elsewhere\":{\"missing\":");
        ngx_http_socketio_json_uint(json, c->ask.missing);
        ngx_http_socketio_json_member(json, "silent", c->ask.silent);
        ngx_http_socketio_json_text(json, "}");

    } else if (c->away) {
        ngx_http_socketio_json_text(json, ",\"elsewhere\":null");
    }
}


/* The status and the code of a result. */

static ngx_uint_t
ngx_http_socketio_api_failure(ngx_http_socketio_api_result_t *result,
    const char **code)
{
    switch (result->rc) {

    case NGX_OK:
        return NGX_HTTP_OK;

    case NGX_DECLINED:

        if (result->sent.code == SIO_CODE_INVALID) {
            *code = "invalid";
            return NGX_HTTP_BAD_REQUEST;
        }

        if (result->sent.code == SIO_CODE_TOO_LARGE) {
            *code = "too_large";
            return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        }

        *code = "forbidden";
        return NGX_HTTP_FORBIDDEN;

    default:
        *code = "unavailable";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
}
