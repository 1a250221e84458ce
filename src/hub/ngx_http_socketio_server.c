/*
 * Events from server to server.
 */


#include "hub/ngx_http_socketio_server.h"
#include "hub/ngx_http_socketio_collect.h"
#include "hub/ngx_http_socketio_dispatch.h"
#include "hub/ngx_http_socketio_run.h"


static ngx_uint_t ngx_http_socketio_server_named(sio_str_t data);


void
ngx_http_socketio_server_event(ngx_http_socketio_hub_t *hub, sio_str_t nsp,
    sio_str_t data, const sio_binary_t *attachments, sio_buf_t *answer)
{
    int                             rc;
    ngx_http_socketio_run_t         run;
    ngx_http_socketio_namespace_t  *conf;

    conf = ngx_http_socketio_namespace(hub->conf, nsp);

    if (conf == NULL || !ngx_http_socketio_server_named(data)) {
        return;
    }

    ngx_http_socketio_run_init(&run, hub, nsp, NULL);

    run.run.attachments = attachments;
    run.run.ack_id = answer ? 0 : SIO_NO_ID;
    run.answer = answer;

    rc = sio_run_payload(&run.run, data);

    if (rc != SIO_OK) {
        rc = sio_run_fail_result(&run.run, rc);

    } else {
        run.run.rule = sio_rules_find(&conf->server, run.run.ops,
                                      run.run.event, sio_str(NULL, 0),
                                      run.run.captures);
        if (run.run.rule) {
            rc = ngx_http_socketio_run_rule(&run);
        }
    }

    if (rc != SIO_OK) {
        ngx_http_socketio_run_refused(&run, "server event");
    }

    ngx_http_socketio_run_ack(&run, rc);
    ngx_http_socketio_run_done(&run);
    ngx_http_socketio_hub_post(hub);
}


/* An event begins with its name. */

static ngx_uint_t
ngx_http_socketio_server_named(sio_str_t data)
{
    sio_str_t  args, name;

    args = sio_event_args(data);

    return sio_event_shift(&args, &name) == SIO_OK
           && (sio_json_type(name) == SIO_JSON_STRING
               || sio_json_type(name) == SIO_JSON_NUMBER);
}


ngx_int_t
ngx_http_socketio_server_emit(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, int64_t ack_id)
{
    ngx_int_t      rc;
    sio_buf_t      data;
    sio_request_t  r;

    sio_buf_init(&data, &ngx_http_socketio_mem, SIZE_MAX);
    ngx_memzero(&r, sizeof(sio_request_t));

    if (sio_event_encode(&data, emit->event, emit->args) != SIO_OK) {
        sio_buf_free(&data);
        return NGX_ERROR;
    }

    r.type = SIO_REQUEST_SERVER_EMIT;
    r.data = sio_buf_str(&data);

    rc = ngx_http_socketio_collect_ask(hub, ack_id, emit->nsp, &r);

    if (rc != NGX_OK) {
        (void) hub->cluster->ask(hub, NULL, emit->nsp, &r, 0);
    }

    sio_buf_free(&data);

    return NGX_OK;
}
