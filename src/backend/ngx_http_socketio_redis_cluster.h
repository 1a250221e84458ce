/*
 * Cluster messages (sio_cluster.h), which the dialects of the sharded and the
 * streams adapter have in common, and their channels:
 *
 *     PREFIX#NSP#             messages to all; its subscribers are the hosts
 *     PREFIX#NSP#UID#         answers to a host
 *
 * There are no patterns: a dynamic namespace is listened to while it has
 * sockets here.
 */


#ifndef _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_
#define _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_


#include "backend/ngx_http_socketio_redis_dialect.h"
#include "codec/sio_cluster.h"


/* Functions of a dialect. */

size_t ngx_http_socketio_cluster_uid(u_char *uid, uint64_t hash);
void ngx_http_socketio_cluster_subscribe(ngx_http_socketio_adapter_t *a);
void ngx_http_socketio_cluster_room(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, sio_str_t room, ngx_uint_t present);
void ngx_http_socketio_cluster_receive(ngx_http_socketio_adapter_t *a,
    sio_str_t pattern, sio_str_t channel, sio_str_t message);

/* A message was decoded with the result rc. */

void ngx_http_socketio_cluster_heard(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, int rc);

/*
 * Fill m; what it refers to stays the caller's.  SIO_OK, or SIO_DECLINED:
 * there is no such message.
 */
void ngx_http_socketio_cluster_broadcast(ngx_http_socketio_adapter_t *a,
    const sio_adapter_broadcast_t *b, sio_cluster_t *m);
int ngx_http_socketio_cluster_request(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_request_t *r, sio_cluster_t *m);
int ngx_http_socketio_cluster_response(ngx_http_socketio_adapter_t *a,
    sio_str_t nsp, const sio_response_t *r, sio_cluster_t *m);

/*
 * Publish a message on PREFIX#NSP#TAIL#; binary: as MessagePack in any case.
 * SIO_OK, or why it could not be written.
 */
int ngx_http_socketio_cluster_publish(ngx_http_socketio_adapter_t *a,
    const sio_cluster_t *m, sio_str_t tail, int binary);


#endif /* _NGX_HTTP_SOCKETIO_REDIS_CLUSTER_H_INCLUDED_ */
