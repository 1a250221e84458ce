/*
 * The gate: whether one more session may be opened, by the limits of its
 * location (socketio_limit_conn).
 */


#ifndef _NGX_HTTP_SOCKETIO_GATE_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_GATE_H_INCLUDED_


#include "transport/ngx_http_socketio_transport.h"


/*
 * Count a session, not yet opened, for all keys of the location; what has an
 * empty value counts for nothing.
 *
 * NGX_OK     it may come in
 * otherwise  it may not, and holds no count: the status of the answer, 503 if
 *            it could not be counted
 */
ngx_int_t ngx_http_socketio_gate_pass(ngx_http_request_t *r,
    const ngx_http_socketio_limits_t *limits, ngx_http_socketio_session_t *s);

/* Answer with such a status. */

ngx_int_t ngx_http_socketio_gate_refuse(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* _NGX_HTTP_SOCKETIO_GATE_H_INCLUDED_ */
