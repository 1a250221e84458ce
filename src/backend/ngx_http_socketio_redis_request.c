/*
 * Requests of other hosts: what is done at once, and broadcasts that want
 * acks, which are collected until all clients have given theirs, or shortly
 * before the asker's time is up.
 */


#include "backend/ngx_http_socketio_redis_request.h"
#include "backend/ngx_http_socketio_redis_answer.h"
#include "codec/sio_event.h"
#include "codec/sio_name.h"
#include "hub/ngx_http_socketio_broadcast.h"
#include "hub/ngx_http_socketio_operation.h"
#include "hub/ngx_http_socketio_server.h"


#define NGX_HTTP_SOCKETIO_ACK_DEFAULT  5000      /* msec, as in Node */
#define NGX_HTTP_SOCKETIO_ACKED_MAX    (16 * 1024 * 1024)    /* bytes */
#define NGX_HTTP_SOCKETIO_ACK_EARLY    100       /* msec before the asker's */


static void ngx_http_socketio_request_operate(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static void ngx_http_socketio_request_event(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r);
static void ngx_http_socketio_request_broadcast(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, const sio_request_t *r);
static ngx_http_socketio_due_t *ngx_http_socketio_request_collect(
    ngx_http_socketio_adapter_t *a, sio_str_t nsp, const sio_request_t *r);
static void ngx_http_socketio_request_collected(
    ngx_http_socketio_collect_t *c);


void
ngx_http_socketio_redis_request(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    if (sio_str_eq(r->uid, a->uid)) {
        return;
    }

    if (a->leader != NGX_HTTP_SOCKETIO_LEADER_YES) {
        ngx_http_socketio_answer_nothing(a, nsp, r);
        return;
    }

    ngx_http_socketio_stat(a->hub, NGX_HTTP_SOCKETIO_STAT_REDIS_IN, 1);

    if (a->both) {
        ngx_http_socketio_answer_nothing(a, nsp, r);

    } else if (a->followed) {
        ngx_http_socketio_answer_again(a, nsp, r);
    }

    switch (r->type) {

    case SIO_REQUEST_JOIN:
    case SIO_REQUEST_LEAVE:
    case SIO_REQUEST_DISCONNECT:
        ngx_http_socketio_request_operate(a, nsp, r);
        break;

    case SIO_REQUEST_SERVER_EMIT:
        ngx_http_socketio_request_event(a, nsp, r);
        break;

    case SIO_REQUEST_BROADCAST:
        ngx_http_socketio_request_broadcast(a, nsp, r);
        break;

    default:
        ngx_http_socketio_answer_list(a, nsp, r);
    }

    ngx_http_socketio_hub_post(a->hub);
}


void
ngx_http_socketio_redis_operate(ngx_http_socketio_hub_t *hub,
    const sio_operation_t *operation)
{
    sio_request_t  r;

    ngx_memzero(&r, sizeof(sio_request_t));

    r.type = operation->type == SIO_OPERATION_JOIN ? SIO_REQUEST_JOIN
             : operation->type == SIO_OPERATION_LEAVE ? SIO_REQUEST_LEAVE
             : SIO_REQUEST_DISCONNECT;
    r.broadcast.opts.rooms = (sio_str_t *) operation->targets;
    r.broadcast.opts.nrooms = operation->ntargets;
    r.broadcast.opts.except = (sio_str_t *) operation->except;
    r.broadcast.opts.nexcept = operation->nexcept;
    r.rooms = (sio_str_t *) operation->rooms;
    r.nrooms = operation->nrooms;
    r.close = operation->close;

    ngx_http_socketio_adapter_request(hub->cluster_data, operation->nsp, &r);
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


static void
ngx_http_socketio_request_event(ngx_http_socketio_adapter_t *a, sio_str_t nsp,
    const sio_request_t *r)
{
    sio_buf_t       acked;
    sio_str_t       args;
    sio_response_t  answer;

    sio_buf_init(&acked, &ngx_http_socketio_mem, NGX_HTTP_SOCKETIO_ACKED_MAX);

    ngx_http_socketio_server_event(a->hub, nsp, r->data,
                                   r->broadcast.attachments.n
                                   ? &r->broadcast.attachments : NULL,
                                   r->id.len ? &acked : NULL);

    if (r->id.len) {
        ngx_memzero(&answer, sizeof(sio_response_t));

        answer.type = r->type;
        answer.id = r->id;

        /* servers are answered with one value */

        args = sio_buf_str(&acked);

        if (sio_event_shift(&args, &answer.data) != SIO_OK) {
            answer.data = sio_cstr("null");
        }

        ngx_http_socketio_adapter_response(a, nsp, r->uid, &answer);
    }

    sio_buf_free(&acked);
}


/* If nobody can wait for the acks, the event is sent all the same. */

static void
ngx_http_socketio_request_broadcast(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    ngx_http_socketio_hub_t         *hub;
    ngx_http_socketio_due_t         *due;
    ngx_http_socketio_broadcast_t    b;

    hub = a->hub;
    due = ngx_http_socketio_request_collect(a, nsp, r);

    ngx_memzero(&b, sizeof(ngx_http_socketio_broadcast_t));

    b.nsp = nsp;
    b.target.rooms = r->broadcast.opts.rooms;
    b.target.nrooms = r->broadcast.opts.nrooms;
    b.target.except = r->broadcast.opts.except;
    b.target.nexcept = r->broadcast.opts.nexcept;
    b.ack_id = due ? due->collect.ack->id : SIO_NO_ID;
    b.local = 1;
    b.msg = ngx_http_socketio_event_msg(hub, nsp, r->broadcast.event,
                                        r->broadcast.args,
                                        r->broadcast.attachments.n
                                        ? &r->broadcast.attachments : NULL,
                                        b.ack_id);

    if (b.msg == NULL && due) {
        ngx_http_socketio_due_free(due);
        due = NULL;
    }

    if (due == NULL) {
        ngx_http_socketio_answer_nothing(a, nsp, r);
    }

    if (b.msg == NULL) {
        return;
    }

    sio_app_enter(&hub->app);

    (void) ngx_http_socketio_broadcast(hub, &b,
                                       due ? &due->collect.matched : NULL,
                                       due ? due->collect.expect : NULL);
    eio_msg_unref(&ngx_http_socketio_mem, b.msg);

    if (due) {
        ngx_http_socketio_collect_start(&due->collect);
    }

    sio_app_leave(&hub->app);
}


/* NULL: no memory, or too many wait. */

static ngx_http_socketio_due_t *
ngx_http_socketio_request_collect(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r)
{
    ngx_msec_t                timeout;
    ngx_http_socketio_due_t  *due;

    due = ngx_http_socketio_due_create(a, nsp, r);
    if (due == NULL) {
        return NULL;
    }

    timeout = r->broadcast.timeout ? r->broadcast.timeout
                                   : NGX_HTTP_SOCKETIO_ACK_DEFAULT;
    timeout -= ngx_min(timeout / 4, NGX_HTTP_SOCKETIO_ACK_EARLY);

    due->collect.done = ngx_http_socketio_request_collected;
    due->collect.data = due;

    if (ngx_http_socketio_collect_begin(a->hub, &due->collect, timeout)
        != NGX_OK)
    {
        ngx_http_socketio_due_free(due);
        return NULL;
    }

    due->collecting = 1;

    return due;
}


/* How many clients there were, and the first value of each one's ack. */

static void
ngx_http_socketio_request_collected(ngx_http_socketio_collect_t *c)
{
    sio_str_t                 answer, args;
    sio_response_t            r;
    sio_json_iter_t           it;
    ngx_http_socketio_due_t  *due;

    due = c->data;
    due->collecting = 0;

    ngx_memzero(&r, sizeof(sio_response_t));

    r.type = SIO_RESPONSE_CLIENT_COUNT;
    r.id = due->id;
    r.count = c->nanswers + c->missing.len / EIO_SID_LEN;

    ngx_http_socketio_adapter_response(due->adapter, due->nsp, due->from, &r);

    r.type = SIO_RESPONSE_ACK;

    it.pos = c->answers.data;
    it.end = c->answers.data + c->answers.len;

    while (c->answers.len && sio_json_array_next(&it, &answer) == SIO_OK) {

        args = sio_event_args(answer);
        r.data = sio_str(NULL, 0);
        (void) sio_event_shift(&args, &r.data);

        ngx_http_socketio_adapter_response(due->adapter, due->nsp, due->from,
                                           &r);
    }

    ngx_http_socketio_collect_free(c);
    ngx_http_socketio_due_free(due);
}
