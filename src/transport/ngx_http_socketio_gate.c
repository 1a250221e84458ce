/*
 * New sessions, as many and as fast as their keys allow.
 *
 * nginx's own limit_conn counts requests, and a WebSocket is none any more
 * once it is taken over: here it is the session that counts.
 */


#include "transport/ngx_http_socketio_gate.h"


static ngx_int_t ngx_http_socketio_gate_above(ngx_http_request_t *r,
    const ngx_http_socketio_limits_t *limits,
    const ngx_http_socketio_gate_t *gate, ngx_http_socketio_session_t *s,
    ngx_int_t rc);


ngx_int_t
ngx_http_socketio_gate_pass(ngx_http_request_t *r,
    const ngx_http_socketio_limits_t *limits, ngx_http_socketio_session_t *s)
{
    ngx_int_t                  rc;
    ngx_str_t                  value;
    ngx_uint_t                 i;
    ngx_http_socketio_gate_t  *gate;

    if (limits->gates == NULL) {
        return NGX_OK;
    }

    gate = limits->gates->elts;

    for (i = 0; i < limits->gates->nelts; i++) {

        if (ngx_http_complex_value(r, &gate[i].key, &value) != NGX_OK) {
            rc = NGX_ERROR;
            goto refused;
        }

        if (value.len == 0) {
            continue;
        }

        rc = ngx_http_socketio_admit(s, &gate[i].admission,
                                     sio_str(value.data, value.len),
                                     limits->dry_run);

        if (rc == NGX_DECLINED || rc == NGX_BUSY) {
            rc = ngx_http_socketio_gate_above(r, limits, &gate[i], s, rc);
        }

        if (rc != NGX_OK) {
            goto refused;
        }
    }

    return NGX_OK;

refused:

    ngx_http_socketio_admit_end(s);

    return rc == NGX_ERROR ? NGX_HTTP_SERVICE_UNAVAILABLE
                           : (ngx_int_t) limits->status;
}


/* Above a limit: NGX_OK in a dry run. */

static ngx_int_t
ngx_http_socketio_gate_above(ngx_http_request_t *r,
    const ngx_http_socketio_limits_t *limits,
    const ngx_http_socketio_gate_t *gate, ngx_http_socketio_session_t *s,
    ngx_int_t rc)
{
    ngx_http_socketio_stat(ngx_http_socketio_session_hub(s),
                           limits->dry_run
                           ? NGX_HTTP_SOCKETIO_STAT_LIMIT_DRY_RUN
                           : NGX_HTTP_SOCKETIO_STAT_LIMIT_CONNECTIONS,
                           1);

    ngx_log_error(limits->log_level, r->connection->log, 0,
                  "socketio: limiting %s%s by \"%*s\"",
                  rc == NGX_BUSY ? "new connections" : "connections",
                  limits->dry_run ? ", dry run," : "",
                  gate->admission.name.len, gate->admission.name.data);

    return limits->dry_run ? NGX_OK : rc;
}


ngx_int_t
ngx_http_socketio_gate_refuse(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_str_t  seconds;

    ngx_str_set(&seconds, "1");

    if (ngx_http_socketio_header_add(r, "Retry-After", seconds) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_socketio_answer(r, status, "application/json",
                           sizeof("application/json") - 1,
                           sio_cstr("{\"code\":\"rate_limited\","
                                    "\"message\":\"Too many connections\"}"));
}
