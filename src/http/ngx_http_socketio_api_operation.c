/*
 * POST join, leave, disconnect: operations on the sockets addressed, one or a
 * batch of them.
 *
 * The whole body is checked before anything is done.  The answer is given
 * when the workers that have the sockets have done it, so that an emit that
 * is posted behind it finds the rooms as they should be; it does not wait for
 * a worker that stands still.
 */


#include "http/ngx_http_socketio_api_wait.h"
#include "http/ngx_http_socketio_json.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_grant.h"
#include "hub/ngx_http_socketio_operation.h"


/* What became of one of them. */

typedef struct {
    ngx_int_t                       rc;
    uint64_t                        matched;
} ngx_http_socketio_api_done_t;


typedef struct {
    ngx_http_socketio_api_wait_t    wait;    /* first */
    sio_mem_t                       mem;
    sio_operation_body_t            body;
    ngx_http_socketio_api_done_t   *done;
} ngx_http_socketio_api_operation_t;


static ngx_int_t ngx_http_socketio_api_operate_parse(
    ngx_http_socketio_api_operation_t *op, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_operate_do(
    ngx_http_socketio_api_operation_t *op);
static ngx_int_t ngx_http_socketio_api_operate_one(
    ngx_http_socketio_api_operation_t *op, sio_operation_t *operation,
    uint64_t *matched);
static ngx_int_t ngx_http_socketio_api_known(ngx_http_request_t *r,
    const sio_operation_body_t *body, ngx_int_t *answer);
static ngx_int_t ngx_http_socketio_api_operate_answer(
    ngx_http_socketio_api_wait_t *wait);
static void ngx_http_socketio_api_operate_error(
    ngx_http_socketio_json_t *json, ngx_int_t rc, const char *path);


ngx_int_t
ngx_http_socketio_api_operation(ngx_http_request_t *r)
{
    ngx_int_t                           answer;
    ngx_http_socketio_api_operation_t  *op;

    op = ngx_pcalloc(r->pool, sizeof(ngx_http_socketio_api_operation_t));

    if (op == NULL
        || ngx_http_socketio_api_wait_init(r, &op->wait,
                                         ngx_http_socketio_api_operate_answer)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    op->wait.fetch.question.type = NGX_HTTP_SOCKETIO_FETCH_NOTHING;
    op->wait.fetch.question.limit = 1;

    if (ngx_http_socketio_api_operate_parse(op, &answer) != NGX_OK) {
        return answer;
    }

    return ngx_http_socketio_api_operate_do(op);
}


/* NGX_DECLINED: *answer finalizes the request. */

static ngx_int_t
ngx_http_socketio_api_operate_parse(ngx_http_socketio_api_operation_t *op,
    ngx_int_t *answer)
{
    int                           rc;
    sio_str_t                     text;
    ngx_http_request_t           *r;
    ngx_http_socketio_api_ctx_t  *ctx;

    r = op->wait.request;
    ctx = ngx_http_get_module_ctx(r, ngx_http_socketio_api_module);

    *answer = NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (ngx_http_socketio_api_text(r, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_socketio_pool_mem(&op->mem, r->pool);
    sio_operation_init(&op->body, &op->mem);

    rc = sio_operation_parse(&op->body, ctx->call->data, text,
                             &op->wait.fetch.hub->conf->limits.packet.json);

    if (rc == SIO_ERROR) {
        *answer = ngx_http_socketio_json_refuse(r, NGX_HTTP_BAD_REQUEST,
                                                "invalid", op->body.read.error,
                                                op->body.read.path);
    }

    if (rc != SIO_OK) {
        return NGX_DECLINED;
    }

    return ngx_http_socketio_api_known(r, &op->body, answer);
}


static ngx_int_t
ngx_http_socketio_api_operate_do(ngx_http_socketio_api_operation_t *op)
{
    unsigned  i;

    op->done = ngx_pcalloc(op->wait.request->pool,
                           op->body.n * sizeof(ngx_http_socketio_api_done_t));
    if (op->done == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (i = 0; i < op->body.n; i++) {
        op->done[i].rc = ngx_http_socketio_api_operate_one(op,
                                                    &op->body.operations[i],
                                                    &op->done[i].matched);
    }

    switch (ngx_http_socketio_api_wait_fetch(&op->wait)) {

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_ABORT:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:

        /* what was handed over is done, also if nobody can tell us so */

        return ngx_http_socketio_api_operate_answer(&op->wait);
    }
}


/* Grants first, then the sockets that are there: see grant. */

static ngx_int_t
ngx_http_socketio_api_operate_one(ngx_http_socketio_api_operation_t *op,
    sio_operation_t *operation, uint64_t *matched)
{
    ngx_int_t                 rc;
    ngx_http_socketio_hub_t  *hub;

    hub = op->wait.fetch.hub;

    if (operation->ttl) {
        rc = ngx_http_socketio_grant_add(hub, operation);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (operation->type == SIO_OPERATION_LEAVE && operation->nusers) {
        ngx_http_socketio_grant_remove(hub, operation);
        operation->granted = (operation->nusers == operation->ntargets);
    }

    return ngx_http_socketio_operate(hub, operation, matched,
                                     op->wait.fetch.slots);
}


/* Whether all namespaces exist.  NGX_DECLINED: *answer finalizes. */

static ngx_int_t
ngx_http_socketio_api_known(ngx_http_request_t *r,
    const sio_operation_body_t *body, ngx_int_t *answer)
{
    char                      path[SIO_BODY_PATH_MAX];
    unsigned                  i;
    ngx_int_t                 rc;
    sio_str_t                 nsp, none;
    const char               *error, *where;
    ngx_http_socketio_hub_t  *hub;

    hub = ngx_http_socketio_api_hub(r);
    none = sio_str(NULL, 0);

    for (i = 0; i < body->n; i++) {
        nsp = body->operations[i].nsp;

        /* the end of a connection is that of its sockets everywhere */

        rc = ngx_http_socketio_api_permits(r, body->operations[i].close
                                              ? none : nsp, none, &where,
                                           &error);

        if (rc == NGX_OK && ngx_http_socketio_namespace(hub->conf, nsp)) {
            continue;
        }

        ngx_memcpy(path, "namespace", sizeof("namespace"));

        if (body->read.batch) {
            *ngx_sprintf((u_char *) path, "[%ui].namespace", i) = '\0';
        }

        *answer = (rc == NGX_OK)
                  ? ngx_http_socketio_json_refuse(r, NGX_HTTP_NOT_FOUND,
                                   "not_found", "unknown namespace", path)
                  : ngx_http_socketio_json_refuse(r, NGX_HTTP_FORBIDDEN,
                                   "forbidden", error, path);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* As the answer to POST emit: of a batch, each tells what became of it. */

static ngx_int_t
ngx_http_socketio_api_operate_answer(ngx_http_socketio_api_wait_t *wait)
{
    char                                 path[NGX_INT_T_LEN + sizeof("[]")];
    uint64_t                             matched;
    unsigned                             i, failed;
    ngx_http_socketio_json_t             json;
    const sio_operation_body_t          *body;
    const ngx_http_socketio_api_done_t  *done;
    ngx_http_socketio_api_operation_t   *op;

    op = (ngx_http_socketio_api_operation_t *) wait;

    body = &op->body;
    done = op->done;
    matched = 0;
    failed = body->n;

    for (i = body->n; i > 0; i--) {
        matched += done[i - 1].matched;

        if (done[i - 1].rc != NGX_OK) {
            failed = i - 1;
        }
    }

    ngx_http_socketio_json_init(&json, op->wait.request);

    if (failed == body->n) {
        ngx_http_socketio_json_text(&json, "{\"ok\":true");

    } else {
        path[0] = '\0';

        if (body->read.batch) {
            *ngx_sprintf((u_char *) path, "[%ui]", failed) = '\0';
        }

        ngx_http_socketio_json_text(&json, "{\"ok\":false,\"error\":");
        ngx_http_socketio_api_operate_error(&json, done[failed].rc, path);
    }

    if (body->read.batch || failed == body->n) {
        ngx_http_socketio_json_member(&json, "matched", matched);
    }

    if (body->read.batch) {
        ngx_http_socketio_json_text(&json, ",\"results\":[");

        for (i = 0; i < body->n; i++) {
            ngx_http_socketio_json_text(&json, i ? ",{" : "{");

            if (done[i].rc == NGX_OK) {
                ngx_http_socketio_json_member(&json, "matched",
                                              done[i].matched);
            } else {
                ngx_http_socketio_json_text(&json, "\"error\":");
                ngx_http_socketio_api_operate_error(&json, done[i].rc, "");
            }

            ngx_http_socketio_json_text(&json, "}");
        }

        ngx_http_socketio_json_text(&json, "]");
    }

    ngx_http_socketio_json_text(&json, "}");

    if (failed == body->n) {
        return ngx_http_socketio_json_send(&json, NGX_HTTP_OK);
    }

    if (done[failed].rc == NGX_DECLINED) {
        return ngx_http_socketio_json_send(&json,
                                           NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);
    }

    return ngx_http_socketio_json_send(&json, NGX_HTTP_SERVICE_UNAVAILABLE);
}


static void
ngx_http_socketio_api_operate_error(ngx_http_socketio_json_t *json,
    ngx_int_t rc, const char *path)
{
    if (rc == NGX_DECLINED) {
        ngx_http_socketio_json_error(json, "too_large",
                                     "the user has too many granted rooms",
                                     path);
        return;
    }

    ngx_http_socketio_json_error(json, "unavailable",
                                 "the zone is full, try again", path);
}
