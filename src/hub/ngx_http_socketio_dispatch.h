/*
 * Dispatch: what clients and backends ask for, to rules, and what rules do.
 *
 * It gives floor 1 its two tables: what an app needs of the worker (identity,
 * events, the directory), and what a rule's steps do to the world.
 */


#ifndef _NGX_HTTP_SOCKETIO_DISPATCH_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_DISPATCH_H_INCLUDED_


#include "hub/ngx_http_socketio_hub.h"
#include "hub/ngx_http_socketio_identity.h"
#include "codec/sio_emit.h"


extern const sio_app_ops_t  ngx_http_socketio_app_ops;


/*
 * The namespace of the configuration that a name belongs to, or NULL.
 */
ngx_http_socketio_namespace_t *ngx_http_socketio_namespace(
    ngx_http_socketio_app_t *app, sio_str_t name);

/*
 * An event of a socket, by its rule: as the app's op, but whether or not a
 * rule of the socket waits.
 */
void ngx_http_socketio_event_run(sio_socket_t *socket,
    const sio_packet_t *pkt, const sio_binary_t *attachments);

/*
 * What one emit of a backend addresses is checked before any emit of a batch
 * is sent: NGX_OK; NGX_DECLINED: *path and *error say what is unknown ("the
 * namespace", "the target": HTTP 404); NGX_ERROR: what can't be done (a
 * mailbox where there are none: HTTP 400).
 */
ngx_int_t ngx_http_socketio_emit_check(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, const char **path, const char **error);

/* What came of an emit. */

typedef struct {
    uint64_t      matched;       /* members addressed, all workers */
    uint64_t      queued;        /* users who are away, and will get it */
    sio_buf_t    *rejected;      /* the caller's; gets the users for whom it
                                    was not kept: JSON strings, by commas */
    sio_code_e    code;          /* of a failure, */
    const char   *error;         /* valid until the next call */
    unsigned      duplicate:1;   /* it was done before, with these numbers */
} ngx_http_socketio_emitted_t;

/*
 * Send one emit: to a target by its rule, else to rooms, or to mailboxes.
 *
 * ack_id, expect: as in ngx_http_socketio_broadcast(), SIO_NO_ID and NULL
 * without an ack.
 *
 * NGX_OK
 * NGX_DECLINED  the rule refused: code and error say why
 * NGX_ERROR     the zone is full or memory is out: 503
 */
ngx_int_t ngx_http_socketio_emit(ngx_http_socketio_hub_t *hub,
    const sio_emit_t *emit, int64_t ack_id, uint64_t *expect,
    ngx_http_socketio_emitted_t *emitted);


#endif /* _NGX_HTTP_SOCKETIO_DISPATCH_H_INCLUDED_ */
